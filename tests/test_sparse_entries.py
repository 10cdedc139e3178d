"""Sparse matrices whose entries vary: SciPy's programs, by taylor.scipy.sparse, in all modes.

The oracle is the same program with SciPy, and differences of it.
"""

import numpy as np
import pytest
import scipy.sparse
import scipy.sparse.linalg
from shared import slopes

import taylor
import taylor.scipy.sparse

IJ = (np.array([0, 1, 2, 2, 0, 1]), np.array([0, 1, 2, 1, 2, 0]))
X = np.array([1.3, 0.4, 2.2, 0.9, 0.3, -0.2])
B = np.array([1.0, 2.0, 3.0])
FIXED = scipy.sparse.random_array((3, 4), density=0.6, random_state=1, format="csr")
STARTS = (np.array([0, 1, 2, 0, 1, 2]), np.array([0, 2, 2, 6]))


def of(s, x, name="csr_array", ij=IJ):
    return getattr(s, name)((x, ij), shape=(3, 3))


CASES = {
    # making them
    "coo": lambda s, x: of(s, x, "coo_matrix") @ np.stack([x[:3], x[3:]], 1),
    "one place": lambda s, x: of(s, x, "csr_matrix", (IJ[0] * 0, IJ[1])) @ B,
    "csr": lambda s, x: s.csr_array((x, *STARTS)) @ B,
    "csc": lambda s, x: s.csc_matrix((x, *STARTS)) @ x[:3],
    "dia": lambda s, x: s.dia_array((x.reshape(2, 3), [0, 1]), shape=(3, 3)) @ B,
    "bsr": lambda s, x: s.bsr_array((x.reshape(1, 2, 3), np.array([0]), np.array([0, 1]))) @ B,
    "diags": lambda s, x: s.diags([x[:3], x[:2], x[4]], [0, 1, -1], shape=(3, 3)) @ B,
    "diags_array": lambda s, x: s.diags_array([x[:3], x[:2]], offsets=[0, 1]).toarray(),
    "array": lambda s, x: s.csr_array(np.outer(x[:3], x[3:])) @ B,
    "data": lambda s, x: of(s, x, "csc_array").data * of(s, x).data,
    # moving entries
    "transpose": lambda s, x: of(s, x).T @ B + B @ of(s, x),
    "index": lambda s, x: of(s, x)[2, 1] * x + of(s, x)[0, 1],
    "rows": lambda s, x: of(s, x)[[2, 0]].toarray() + of(s, x)[1:].toarray(),
    "diagonals": lambda s, x: of(s, x).diagonal()[1:] + of(s, x).diagonal(-1),
    "format": lambda s, x: of(s, x).tocsc().tocoo().toarray(),
    "blocks": lambda s, x: s.bmat([[of(s, x), None], [None, of(s, 2 * x)]]).toarray(),
    "stacks": lambda s, x: (s.hstack([of(s, x), FIXED]) @ s.vstack([of(s, x), FIXED.T])).toarray(),
    "block_diag": lambda s, x: s.tril(s.block_diag([of(s, x), FIXED])).toarray(),
    # sums and products
    "sum": lambda s, x: (2 * scipy.sparse.eye_array(3) - of(s, x) + of(s, x * x).T).toarray(),
    "products": lambda s, x: (FIXED.T @ of(s, x) @ of(s, x * x) @ FIXED).toarray(),
    "of matrices": lambda s, x: (of(s, x, "csr_matrix") * of(s, x, "csr_matrix")).toarray(),
    "elements": lambda s, x: of(s, x).multiply(B[:, None] * B).power(2).toarray() / x[0],
    "along axes": lambda s, x: of(s, x).sum(axis=0) * of(s, x).mean(axis=1) * of(s, x).sum(),
    "trace": lambda s, x: of(s, x).trace() * s.linalg.norm(of(s, x)),
    "operator": lambda s, x: s.linalg.aslinearoperator(of(s, x)).rmatvec(B),
    # equations
    "spsolve": lambda s, x: s.linalg.spsolve(of(s, x, "csc_matrix"), x[:3]),
    "columns": lambda s, x: s.linalg.spsolve(of(s, x, "csc_array"), np.stack([x[:3], x[3:]], 1)),
    "cg": lambda s, x: s.linalg.cg(
        s.diags([x + 3, 0.1, 0.1], [0, 1, -1], shape=(6, 6)), x * x, rtol=1e-14)[0],
    "gmres": lambda s, x: s.linalg.gmres(of(s, x), B, rtol=1e-14)[0],
    "lgmres": lambda s, x: s.linalg.lgmres(of(s, x) + s.eye_array(3) * 4, B, rtol=1e-11)[0],
}  # fmt: skip


COMPILED = ("csc", "blocks", "products", "spsolve", "gmres")


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("case", CASES)
def test_programs_of_sparse_matrices_are_those_of_scipy(case):
    f = CASES[case]
    plain = lambda x: f(scipy.sparse, x)
    g = lambda x: f(taylor.scipy.sparse, x)
    y, first = np.asarray(f(scipy.sparse, X)), slopes(plain, X, 1)
    assert np.array_equal(g(X), y)
    w = np.linspace(1.0, 2.0, y.size).reshape(y.shape)
    for h in (g, taylor.compile(g)) if case in COMPILED else (g,):
        slope = taylor.vjp(h, X, w)[1]
        np.testing.assert_allclose(np.sum(slope * X), w.ravel() @ first, rtol=1e-7, atol=1e-7)
    found = taylor.derivatives(lambda t: g(t * X), 1.0, 2)
    np.testing.assert_allclose(found[0], y, rtol=1e-12, atol=1e-13)
    np.testing.assert_allclose(found[1].ravel(), first, rtol=1e-7, atol=1e-7)
    np.testing.assert_allclose(found[2].ravel(), slopes(plain, X, 2), rtol=1e-5, atol=1e-5)


def test_what_sparse_matrices_are_and_are_not():
    s = taylor.scipy.sparse
    x = taylor.Taylor.variable(X, 2)
    a = of(s, x)
    assert isinstance(a, s.csr_array) and not isinstance(a, s.csr_matrix) and a.nnz == 6
    assert isinstance(s.csr_array(FIXED), scipy.sparse.csr_array)
    single = of(s, x.astype(np.float32)) @ B.astype(np.float32)
    assert single.dtype == np.float32
    for wrong, said in {
        lambda: a.tanh(): "A.toarray()",
        lambda: of(s, x[:4]): "(4,) entries",
        lambda: s.csr_array((x, IJ), shape=(2, 2)): "outside of a matrix of shape (2, 2)",
        lambda: a @ B[:2]: "shape (3, 3) has no product with (2,)",
        lambda: s.linalg.splu(a): "use spsolve(A, b)",
        lambda: s.linalg.eigsh(a, 1): "A.toarray()",
        lambda: taylor.gradient(lambda x: np.exp(of(s, x)), X): "A.toarray()",
        lambda: s.linalg.spsolve(a, FIXED): "b.toarray()",
    }.items():
        with pytest.raises((TypeError, ValueError, AttributeError)) as caught:
            wrong()
        assert said in "".join([str(caught.value), *getattr(caught.value, "__notes__", ())])
