"""What SciPy's modules have and these do not: SciPy's own, for plain numbers.

A program that imports a module of this package in place of SciPy's finds all of it here.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from importlib import import_module
from typing import Any

import numpy as np

from taylor.core.advice import RULE, suggesting
from taylor.numbers.kinds import is_operand

INSTEAD = {
    **dict.fromkeys(("odeint", "solve_ivp"), "use taylor.ode.solve_ivp"),
    "cubature": "use nquad, whose derivatives are integrals",
    **dict.fromkeys(("null_space", "orth"), "a basis of a space turns freely; its projector, "
                    "pinv(a) @ a (less the unit matrix) or a @ pinv(a), has derivatives"),
    **dict.fromkeys(("basinhopping", "brute", "differential_evolution", "direct", "dual_annealing",
                     "shgo"), "find the place of plain values; minimize from there varies"),
    **dict.fromkeys(("fmin_cobyla", "fmin_l_bfgs_b", "fmin_ncg", "fmin_slsqp", "fmin_tnc"),
                    "use minimize"),
    **dict.fromkeys(("approx_fprime", "check_grad"), "use taylor.gradient"),
    "linear_sum_assignment": "the places are whole numbers; find them of plain values, and "
    "cost[places] varies",
    "square": "it is constant between jumps: give it t.value",
    **dict.fromkeys(("qr_insert", "qr_delete", "qr_update"), "factor the changed matrix by qr"),
    **dict.fromkeys(("bandwidth", "issymmetric", "ishermitian"),
                    "what it gives is constant: give it a.value"),
    **dict.fromkeys(("eig_banded", "eigvals_banded"), "use eigh(a), a the matrix of the diagonals"),
    **dict.fromkeys(("ansari", "brunnermunzel", "chatterjeexi", "cumfreq", "ecdf", "fligner",
                     "friedmanchisquare", "kendalltau", "kruskal", "ks_2samp", "logrank",
                     "mannwhitneyu", "median_test", "mood", "page_trend_test", "percentileofscore",
                     "rankdata", "ranksums", "relfreq", "somersd", "spearmanr", "weightedtau",
                     "wilcoxon"),
                    "it is of ranks or counts, constant between ties: give it x.value"),
    **dict.fromkeys(("bootstrap", "monte_carlo_test", "permutation_test"),
                    "draw places of plain numbers; a statistic of x[places] varies"),
    "splprep": "its parameter moves with the data; give u to make_interp_spline(u, points)",
    "approximate_taylor_polynomial": "use taylor.taylor_coefficients",
    "ldl": "use cholesky, lu or eigh",
    **dict.fromkeys(("qz", "ordqz", "cossin", "rsf2csf"), "use eigvals, schur or svd"),
    "funm": "use expm, logm, sqrtm, or f of the eigenvalues by np.linalg.eigh",
    "matrix_balance": "it jumps by powers of two; find T of a.value, T^-1 a T varies",
    **dict.fromkeys(("tf2sos", "zpk2sos"), "use output='ba' or 'zpk', and lfilter"),
    **dict.fromkeys(("splu", "spilu", "factorized"), "use spsolve(A, b)"),
    **dict.fromkeys(("expm", "expm_multiply", "eigs", "eigsh", "svds", "inv", "kron", "kronsum",
                     "lobpcg", "matrix_power", "spsolve_triangular"),
                    "write A.toarray() and use the function of arrays, such as np.linalg.eigh"),
    **dict.fromkeys(("argrelextrema", "argrelmax", "argrelmin", "find_peaks", "find_peaks_cwt"),
                    "the places are whole numbers; find them of plain values, x[places] varies"),
}  # fmt: skip


def names_of(module: str) -> Callable[[str], Any]:
    """Return what a module of the name of one of SciPy's does about a name that it does not have.

    >>> names_of("taylor.scipy.special")("bernoulli")(2)
    array([ 1.        , -0.5       ,  0.16666667])
    """
    suggest = suggesting(module)

    def find(name: str) -> Any:
        theirs = import_module(module.removeprefix("taylor."))
        if name.startswith("_") or name not in theirs.__all__:
            return suggest(name)
        return of_plain(getattr(theirs, name), f"{module}.{name}", INSTEAD.get(name, RULE))

    return find


def of_plain(found: Any, name: str, instead: str = RULE) -> Any:
    """Return what SciPy has under a name; if it is a function it takes plain numbers only."""
    if isinstance(found, (type, np.ufunc)) or not callable(found) or hasattr(found, "rvs"):
        return found

    @functools.wraps(found)
    def plain(*args: Any, **kwargs: Any) -> Any:
        if varies([*args, *kwargs.values()]):
            raise TypeError(f"{name} is SciPy's, of plain numbers: {instead}")
        return found(*args, **kwargs)

    return plain


def varies(x: Any) -> bool:
    """Return whether x is a value of the package, a matrix of some, or a list that holds one."""
    if isinstance(x, (list, tuple)):
        return any(map(varies, x))
    return is_operand(x) or hasattr(type(x), "__taylor_entries__")
