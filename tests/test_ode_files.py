"""Files of solutions and of ensembles: what is not what was written is an error that names them."""

import functools
import io
import os
import re

import numpy as np
import pytest

import taylor
from taylor.ode import Solution, files, saved, solve_ensemble, solve_ivp

Y0 = np.array([[1.0, 0.0], [0.5, 0.25], [2.0, 1.0]])
TIMES = [0.5, 1.0, 1.5, 2.0]


def oscillator(t, y):
    return [y[1], -y[0]]


def branching(t, y):
    return [y[1], -y[0] if y[0] > 0 else -2 * y[0]]


run = functools.partial(solve_ensemble, oscillator, (0.0, 2.0), Y0, t_eval=TIMES, threads=1)


@pytest.fixture(scope="module")
def halfway(tmp_path_factory):
    """Return the arrays of a state that was saved halfway, and its file."""
    place = tmp_path_factory.mktemp("state") / "state.npz"
    run(checkpoint=place, max_steps=2)
    arrays = files.read(place, saved.KIND)
    assert (arrays["code"] == 0).all() and (arrays["steps"] == 2).all()
    return arrays, place


@pytest.fixture
def solution(tmp_path):
    place = tmp_path / "solution.npz"
    solve_ivp(oscillator, (0.0, 2.0), Y0[0], dense_output=True).sol.save(place)
    return place


def named(place):
    return re.escape(str(place))


# ------------------------------------------------------------------ bytes
def regions(raw):
    """Return damaged contents: bits of every region, cuts, additions, other files."""
    rng = np.random.default_rng(3)
    places = {*range(0, 40), *range(len(raw) - 140, len(raw)), *range(0, len(raw), len(raw) // 50)}
    for i in sorted(places | set(rng.integers(0, len(raw), 100).tolist())):
        yield raw[:i] + bytes([raw[i] ^ (1 << i % 8)]) + raw[i + 1 :]
    for size in (0, 1, 21, files.COMMENT, len(raw) // 2, len(raw) - files.COMMENT, len(raw) - 1):
        yield raw[:size]
    yield from (raw + b"\0", b"\0" + raw, raw + raw, bytes(len(raw)), rng.bytes(len(raw)))
    middle = len(raw) // 2
    yield raw[:middle] + raw[middle + 1 :]
    yield raw[:100] + raw[200:300] + raw[100:200] + raw[300:]


def test_every_damaged_solution_is_refused(solution):
    raw = solution.read_bytes()
    for bad in regions(raw):
        solution.write_bytes(bad)
        with pytest.raises(ValueError, match=named(solution)):
            Solution.load(solution)
    solution.write_bytes(raw)
    assert Solution.load(solution)(1.0).shape == (2,)


def test_every_damaged_state_is_refused(halfway, tmp_path):
    raw = halfway[1].read_bytes()
    place = tmp_path / "state.npz"
    for i, bad in enumerate(regions(raw)):
        place.write_bytes(bad)
        with pytest.raises(ValueError, match=named(place)):
            files.read(place, saved.KIND) if i % 20 else run(checkpoint=place)


def archive(**arrays):
    """Return what NumPy alone writes, with or without objects."""
    file = io.BytesIO()
    np.savez(file, **arrays)
    return file.getvalue()


@pytest.mark.parametrize(
    "raw",
    [archive(t=np.zeros(2)), archive(t=np.array([print], dtype=object)), b"PK", b"", b"\x93NUMPY"],
)
def test_files_of_others_are_refused(tmp_path, raw):
    place = tmp_path / "file.npz"
    place.write_bytes(raw)
    for read in (Solution.load, lambda place: run(checkpoint=place)):
        with pytest.raises(ValueError, match=named(place)):
            read(place)


class Trap:
    def __reduce__(self):
        return os.mkdir, (os.environ["TRAP"],)


def test_nothing_is_unpickled(tmp_path, monkeypatch):
    monkeypatch.setenv("TRAP", str(tmp_path / "sprung"))
    place = tmp_path / "file.npz"
    files.write(place, "a solution, format 2", {"t": np.array([Trap()], dtype=object)})
    with pytest.raises(ValueError, match="holds no arrays"):
        Solution.load(place)
    assert os.listdir(tmp_path) == ["file.npz"]


def test_kinds_are_told_apart(solution, halfway, tmp_path):
    with pytest.raises(ValueError, match="holds a solution, format 2, not the state"):
        run(checkpoint=solution)
    with pytest.raises(ValueError, match="holds the state of an ensemble"):
        Solution.load(halfway[1])
    with pytest.raises(FileNotFoundError):
        Solution.load(tmp_path / "missing.npz")


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="POSIX")
def test_a_pipe_is_not_waited_for(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    for place in (tmp_path / "pipe", tmp_path):
        with pytest.raises(ValueError, match="is no file"):
            run(checkpoint=place)
        with pytest.raises(ValueError, match="is no file"):
            Solution.load(place)


# ------------------------------------------------------------------ fields, with a right checksum
def test_the_state_that_was_saved_goes_on(halfway, tmp_path):
    files.write(tmp_path / "state.npz", saved.KIND, halfway[0])
    whole, rest = run(), run(checkpoint=tmp_path / "state.npz")
    for name in ("y", "t_last", "y_last", "steps", "status"):
        np.testing.assert_array_equal(rest[name], whole[name])


NUMBERS = [np.nan, np.inf, -np.inf, -1.0, 3.0, 1e300]
CHANGES = [
    *(("t", value) for value in NUMBERS),
    *((name, value) for name in ("t_low", "y", "y_low") for value in NUMBERS[:3]),
    *(("column", value) for value in (-1, 4, 5, 1 << 40, -(1 << 62))),
    *(("code", value) for value in (-1, 1, 4, 5, 6, 1 << 40)),
    *(("steps", value) for value in (-1, -(1 << 62))),
    ("found", np.nan), ("found", np.inf), ("found", 0.5),
]  # fmt: skip


@pytest.mark.parametrize(("name", "value"), CHANGES)
def test_numbers_that_no_state_has_are_refused(halfway, tmp_path, name, value):
    arrays = {k: a.copy() for k, a in halfway[0].items()}
    i = int(np.flatnonzero((arrays["code"] == 0) & (arrays["steps"] > 0))[0])
    reached = arrays["column"][i]
    if name == "found":
        arrays[name][i, reached if value == 0.5 else reached - 1] = value
    else:
        arrays[name][i] = value
    place = tmp_path / "state.npz"
    files.write(place, saved.KIND, arrays)
    with pytest.raises(ValueError, match=named(place)):
        run(checkpoint=place)


@pytest.mark.parametrize("name", [*saved.FIELDS, "message"])
def test_fields_of_other_shapes_and_types_are_refused(halfway, tmp_path, name):
    place, good = tmp_path / "state.npz", halfway[0]
    others = [good[name][:-1], good[name][..., None], good[name][:0], np.repeat(good[name], 2, 0)]
    others += [good[name].astype("S40" if name == "message" else np.complex64), None]
    for other in others:
        arrays = {k: a for k, a in good.items() if k != name}
        files.write(place, saved.KIND, arrays | ({} if other is None else {name: other}))
        with pytest.raises(ValueError, match=named(place)):
            run(checkpoint=place)
    files.write(place, saved.KIND, {**good, "more": np.zeros(3)})
    with pytest.raises(ValueError, match="more"):
        run(checkpoint=place)


@pytest.mark.parametrize(
    "change",
    [
        {"t": np.zeros(2)}, {"t": np.array([0.0, 2.0, 1.0])}, {"t": np.array([0.0, np.nan, 2.0])},
        {"t": np.zeros((3, 1))}, {"t": np.zeros(3, dtype=complex)}, {"low": np.zeros(3)},
        {"low": np.full(2, np.nan)}, {"coef": np.zeros((3, 4, 2))}, {"coef": np.zeros((2, 0, 2))},
        {"coef": np.zeros(2)}, {"coef": np.zeros((2, 4, 2), dtype=int)}, {"more": np.zeros(1)},
    ],
)  # fmt: skip
def test_arrays_that_are_no_solution_are_refused(tmp_path, change):
    good = {"t": np.arange(3.0), "low": np.zeros(2), "coef": np.ones((2, 4, 2))}
    place = tmp_path / "solution.npz"
    files.write(place, "a solution, format 2", good)
    assert Solution.load(place)(0.5).tolist() == [1.875, 1.875]
    files.write(place, "a solution, format 2", good | change)
    with pytest.raises(ValueError, match=named(place)):
        Solution.load(place)


# ------------------------------------------------------------------ other problems
def twin(t, y):  # the same values at the first members, at least
    return [y[1], -y[0] * (1 + (y[0] - 1) * (y[0] - 0.5) * (y[0] - 2))]


def twin_branch(t, y):  # another one only where no member is at the start
    return [y[1], -y[0] if y[0] > 0 else -3 * y[0]]


PAIRS = [(oscillator, twin), (twin, oscillator), (branching, twin_branch)]


@pytest.mark.parametrize(("fun", "other"), PAIRS)
def test_another_fun_of_the_same_first_values_is_refused(tmp_path, fun, other):
    given = {"t_span": (0.0, 2.0), "y0": Y0, "threads": 1, "checkpoint": tmp_path / "state.npz"}
    solve_ensemble(fun, **given)
    with pytest.raises(ValueError, match="another ensemble"):
        solve_ensemble(other, **given)


@pytest.mark.parametrize(
    "change", [{"args": ("b",)}, {"args": [("a",), ("a",), ("b",)]}, {"y0": Y0.reshape(2, 3)}]
)
def test_other_words_and_shapes_are_refused(tmp_path, change):
    def fun(t, y, word="a"):
        return -y if word == "a" else -2 * y

    given = {"t_span": (0.0, 1.0), "y0": Y0, "args": ("a",), "threads": 1}
    given["checkpoint"] = tmp_path / "state.npz"
    solve_ensemble(fun, **given)
    with pytest.raises(ValueError, match="another ensemble"):
        solve_ensemble(fun, **(given | change))


def test_members_that_begin_outside_of_the_domain_are_kept(tmp_path):
    given = functools.partial(
        solve_ensemble,
        lambda t, y: np.sqrt(y - 1),
        (0.0, 1.0),
        [[0.5], [2.0], [np.nan]],
        threads=1,
        checkpoint=tmp_path / "state.npz",
    )
    first, second = given(), given()
    assert first.status.tolist() == second.status.tolist() == [-1, 0, -1]
    np.testing.assert_array_equal(first.y, second.y)


# ------------------------------------------------------------------ writing
def test_a_file_is_written_as_a_whole_or_not_at_all(solution, monkeypatch):
    raw, sol = solution.read_bytes(), Solution.load(solution)
    monkeypatch.setattr(files, "_digest", lambda file, size: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        sol.save(solution)
    assert os.listdir(solution.parent) == [solution.name] and solution.read_bytes() == raw


def test_a_link_is_kept(solution, tmp_path):
    (tmp_path / "link.npz").symlink_to(solution)
    Solution.load(solution).save(tmp_path / "link.npz")
    assert (tmp_path / "link.npz").is_symlink()
    assert len(Solution.load(tmp_path / "link.npz").coef) == len(Solution.load(solution).coef)


def test_numpy_reads_the_files(solution, halfway):
    with np.load(solution) as data:
        assert set(data.files) == {"kind", "t", "low", "coef"}
    with np.load(halfway[1]) as data:
        assert data["steps"].sum() > 0
    assert taylor.ode.Solution.load(str(solution)).order == Solution.load(solution).order
