"""Methods for stiff problems in place of Taylor series: `radau`, and SciPy's Radau, BDF, LSODA, ...

They take the steps, with fun and its exact Jacobian as machine code; each step is handed on as the
polynomial of its dense output, so that events, dense output and all else are those of Taylor
series.

A system of coefficients of series (see `jets`) is y' = f(t, y) and linear equations z' = J z + ...
for each of the coefficients, all with the Jacobian J of f: its Newton iterations have J in each
block of the diagonal and nothing beside, so one small matrix is factorized (the simultaneous
corrector: Maly & Petzold, Applied Numerical Mathematics 20, 1996; Hindmarsh et al., SUNDIALS, ACM
TOMS 31, 2005).
"""

from __future__ import annotations

import contextlib
import functools
import math
import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from taylor.core.patterns import matrices, scipy_before
from taylor.errors import DomainError, outside
from taylor.ode.control import finite, log2, norm, spacing
from taylor.ode.followed import Clocks
from taylor.ode.integrator import Integrator
from taylor.ode.machine import DONE, GO, INFINITE
from taylor.ode.options import Control, Options
from taylor.ode.pieces import Pieces, Place, chained, divided, joined
from taylor.ode.radau import COLUMNS, Collocation, by_columns, times
from taylor.ode.rates import Rates
from taylor.ode.stiffness import Stiffness
from taylor.ode.surfaces import SLIDES, Surface, crossing, past, sides, unit_of
from taylor.ode.system import System, moving

Array = NDArray[Any]
OWN = "RadauIIA"  # collocation of high order, which is not SciPy's
NAMES = (OWN, "Radau", "BDF", "LSODA", "RK23", "RK45", "DOP853")
AUTO = "auto"  # Taylor series up to where the problem is stiff, and the own method from there
MATRICES = {"lband", "uband", "jac_sparsity"}  # with them SciPy makes its matrix by itself
KNOWN = ("first_step", "jac", "vectorized")  # by the own method
RTOL, BELOW = 1e-8, 1e-4  # the default tolerance, and of that the least size of a component
JUMP = 1e-6  # of rates, relative to them, that is none
# of SciPy's Radau and BDF, but not documented: the relative tolerance, Newton's matrix and its
# solution.  Without one of these all is done by what is documented.
INSIDE = ("rtol", "jac", "J", "I", "lu", "solve_lu", "njev", "nlu")
PAYS = 1 << 20  # numbers of steps of series that take as long as a run by an implicit method, where
SLOWER = 1 << 10  # they are machine code; so many times as long where not
SHORT = 64  # units in the last place of the time: how far beside an event rates are asked for
STAGES = 5  # an order of steps: about what SciPy's are of
SOME = 32  # steps that are taken before it is asked where fun jumps
CREEPING = 1000  # steps in a row of less than SHORT units: a start at a fast transient has some 200


@dataclass(frozen=True)
class MethodOptions(Options):
    """Options of an integration by a method: `more` has those that only it knows."""

    method: Any = None
    more: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.of_method()  # what is wrong with the rest SciPy says itself

    def of_method(self) -> Any:
        """Return the class of solvers."""
        if self.method in (OWN, AUTO):
            return Collocation
        try:
            from scipy import integrate
        except ImportError as error:
            raise ImportError(
                f"method={self.method!r} is SciPy's: python -m pip install scipy, or leave it out"
            ) from error
        return getattr(integrate, self.method) if isinstance(self.method, str) else self.method

    def of_series(self) -> Options:
        """Return those that Taylor series have, too."""
        return Options(max_step=self.max_step, strict=self.strict)

    def control(self, y: Array) -> Control:
        """Return what polynomials of order 20 are made with."""
        return self.of_series().control(y)

    @property
    def tolerances(self) -> tuple[Any, Any]:
        """The relative and the absolute tolerance: numbers, or arrays in the shape of the state."""
        rtol = RTOL if self.tol is None else self.tol
        return rtol, BELOW * np.min(rtol) if self.atol is None else self.atol

    def solver(
        self, fun: Any, jacobian: Any, t: float, y: Array, t_end: float, places: Array | None
    ) -> Any:
        """Return the solver of y' = fun(t, y), its Newton iterations with jacobian(t, y).

        With `places` that is the matrix of each block of the state (see `Blocks`).
        """
        made, given = self.of_method(), {**self.more}
        rtol, atol = (
            np.asarray(x, float).reshape(-1) if np.ndim(x) else float(x) for x in self.tolerances
        )
        given |= {"rtol": rtol, "atol": atol, "max_step": self.max_step}
        if made is Collocation:
            return made(fun, t, y, t_end, **given | {"jac": jacobian, "places": places})
        from scipy.integrate import BDF, LSODA, Radau

        newton = Radau, BDF
        if not issubclass(made, (*newton, LSODA)) or given.keys() & MATRICES:
            return made(fun, t, y, t_end, **given)
        own, given["jac"] = given.get("jac"), jacobian
        if not issubclass(made, newton):
            made = made if places is None else in_bands(made, places)
            return made(fun, t, y, t_end, **given)
        given["rtol"] = float(np.min(rtol))  # they begin with one number
        if places is None and own is not None and not callable(own):
            given["jac"] = own  # a constant matrix
        if places is not None:
            given["jac"] = spread(jacobian, places, y.size)
        solver = made(fun, t, y, t_end, **given)
        if all(hasattr(solver, name) for name in INSIDE):
            solver.rtol = rtol
            if places is not None:
                solve_in_blocks(solver, jacobian, places)
        return solver


def chosen(
    method: Any, tol: Any, order: Any, max_step: Any, atol: Any, strict: bool, more: dict[str, Any]
) -> Options:
    """Return the options of an integration by a method: a name, a class, or None."""
    own = getattr(method, "__module__", "") == "taylor.ode.solver"
    if method is None or method == "Taylor" or own:
        _without_meaning(more)
        return Options(tol, order, max_step, atol, strict)
    named = isinstance(method, str)
    if (named and method not in (*NAMES, AUTO)) or not (named or isinstance(method, type)):
        raise ValueError(
            f"method is one of {', '.join(NAMES)}, {AUTO}, Taylor (the default), or a class that "
            f"is derived from scipy.integrate.OdeSolver, not {method!r}"
        )
    if order is not None:
        raise TypeError(f"order is that of Taylor series: leave it out with method={method!r}")
    wrong = [name for name in more if name not in KNOWN] if method in (OWN, AUTO) else []
    if wrong:
        raise TypeError(f"{wrong[0]} is no option of method={method!r}, which has {KNOWN}")
    return MethodOptions(tol, None, max_step, atol, strict, method, more)


def _without_meaning(more: dict[str, Any]) -> None:
    """Warn of options of other methods."""
    given = [name for name, value in more.items() if value is not None and value is not False]
    if given:
        warnings.warn(
            f"without meaning to Taylor series, which need no Jacobian and no first step: "
            f"{', '.join(given)}; leave it out, or give a method",
            stacklevel=outside(),
        )


@dataclass(frozen=True)
class Blocks:
    """How a state is made of blocks whose rates have one Jacobian, that of y' = f(t, y, *args).

    `places` has a column with the places of each block in the state, the first of them are those
    of y; `sizes` says how large a component is for y of size one.
    """

    f: Callable[..., Any]
    args: Sequence[Any]
    shape: tuple[int, ...]
    places: Array
    sizes: Array

    def tolerances(self, rtol: Array, atol: Array) -> tuple[Array, Array]:
        """Return the tolerances of the state for those of y.

        SciPy's norm is the mean over all components: those of y get their share of a mean of them
        alone.
        """
        found = []
        for x in (rtol, atol):
            whole = np.empty(self.sizes.shape)
            whole[self.places] = np.broadcast_to(x, self.shape).reshape(-1, 1)
            whole[self.places[:, 0]] /= self.places.shape[1] ** 0.5
            found.append(whole)
        return found[0], found[1] * self.sizes


def polynomial(dense: Any, t: float, h: float, y: Array, new: Array, order: int) -> Array:
    """Return the coefficients of a step from y to new, about its start, of its dense output."""
    if isinstance(dense, np.ndarray):  # has them
        table = np.zeros((order + 1, y.size))
        table[0], table[1 : len(dense) + 1] = y, dense
        return table
    degree = _degree(dense)
    x, v = _nodes(degree)
    values = np.asarray(dense(t + h * x[1:-1])).T.reshape(degree - 1, y.size) - y
    c = np.linalg.solve(v, np.concatenate([values, (new - y)[None]]))
    table = np.zeros((order + 1, y.size), c.dtype)
    table[0] = y
    table[1 : degree + 1] = c / h ** np.arange(1, degree + 1)[:, None]
    return table


def _degree(dense: Any) -> int:
    """Return the degree of SciPy's interpolants, which they keep under several names."""
    for name, degree in (
        ("Q", lambda q: q.shape[1]), ("yh", lambda q: q.shape[1] - 1), ("order", int), ("F", len),
    ):  # fmt: skip
        kept = getattr(dense, name, None)
        if kept is not None:
            return max(1, degree(kept))
    return 7


@functools.cache
def _nodes(degree: int) -> tuple[Array, Array]:
    """Return Chebyshev's nodes in [0, 1], and the powers 1..degree of all but the first."""
    x = (1 - np.cos(np.pi * np.arange(degree + 1) / degree)) / 2
    return x, x[1:, None] ** np.arange(1, degree + 1)


class ByMethod(Integrator):
    """An `Integrator` whose steps are those of another method, for stiff problems."""

    blocks: Blocks | None = None  # of a system of coefficients

    def _begin(
        self, fun: Callable[..., Any], t0: Any, y0: Any, args: Sequence[Any], options: Any
    ) -> None:
        self.options: MethodOptions = options
        self.solver: Any = None
        self.counted = {"nfev": 0, "njev": 0, "nlu": 0}
        self._from: Any = (None,) * 3  # time, state and parameters that the solver is at
        self._of_y: tuple[Rates, Any] | None = None
        self._message, self._short = "", 0  # short steps in a row
        self.by_series = options.method == AUTO  # so far
        super()._begin(fun, t0, y0, args, options)
        if self.y.dtype == object:
            raise TypeError(
                f"the method {options.method!r} takes steps in doubles: leave it out for numbers "
                "of many digits"
            )

    def __getstate__(self) -> dict[str, Any]:
        self._count()  # a solver cannot be pickled: there is a new one at the present place
        return super().__getstate__() | {"rates": None, "_of_y": None, "_from": (None,) * 3}

    def _bind(self) -> None:
        super()._bind()
        self.rates, self.clocks = Rates(self.system), Clocks(self.system)
        self._count()

    def _straight(self, t_end: Any, limit: int) -> bool:
        return False

    def _slide(self, sign: int) -> None:
        """Go back where fun turns round; elsewhere, where one leaves a surface is no jump."""
        if not self._turns_round(sign):
            raise self._stuck(SLIDES)
        super()._slide(sign)

    def _machine(self, system: System) -> Any:
        return super()._machine(system) if self.by_series else None

    def found_stiff(self, left: float) -> None:
        """Go over from series to the method for stiff problems, if so many steps take longer."""
        if left * max(1, self.y.size) > (PAYS if self._memory is not None else PAYS / SLOWER):
            self.by_series = False
            self._left = None
        self.stiffness = Stiffness()

    # -------------------------------------------------------------- the solver
    def _solver(self, t_end: Any) -> Any:
        """Return the solver from the present place: the one that has led here, if there is."""
        wanted = self.t, self.y, self._parameters
        same = all(a is b for a, b in zip(wanted, self._from, strict=True))
        if self.solver is None or not same or self.solver.t_bound != t_end:
            self._count()
            self.solver, self._from, self._short = self._made(float(t_end)), wanted, 0
        return self.solver

    def _made(self, t_end: float) -> Any:
        p, blocks = self._parameters, self.blocks
        options, places = self.options, None
        if (first := options.more.get("first_step")) is not None:
            short = min(first, abs(t_end - float(self.t)))
            options = replace(options, more={**options.more, "first_step": short})
        if blocks is not None:
            rtol, atol = blocks.tolerances(*map(np.asarray, options.tolerances))
            options, places = replace(options, tol=rtol, atol=atol), blocks.places

        def fun(t: float, y: Array) -> Array:
            return self.rates.value(t, y, p)

        jac, args = options.more.get("jac"), self._args if blocks is None else blocks.args
        rates, q = self.core()

        def jacobian(t: float, y: Array) -> Any:
            if jac is None:
                return rates.jacobian(t, y, q)
            return jac(t, y, *args) if callable(jac) else jac

        return options.solver(fun, jacobian, float(self.t), self.y.reshape(-1), t_end, places)

    def core(self) -> tuple[Rates, Any]:
        """Return the rates of y itself, and their parameters."""
        blocks = self.blocks
        if blocks is None:
            return self.rates, self._parameters
        if self._of_y is None:
            y = self.y.reshape(-1)[blocks.places[:, 0]].reshape(blocks.shape)
            system = System(blocks.f, self.t, y, blocks.args)
            self._of_y = Rates(system), system.parameters(blocks.args)
        return self._of_y

    def _count(self) -> None:
        """Add up what a solver has counted."""
        if self.solver is not None:
            for name in self.counted:
                self.counted[name] += int(getattr(self.solver, name))
        self.solver = None

    @property
    def error(self) -> float:
        """The largest estimate so far, relative to the state, or to atol/rtol where that is larger;
        nan for SciPy's methods, which do not tell theirs.
        """
        return super().error if self.options.method in (OWN, AUTO) else math.nan

    @property
    def counts(self) -> dict[str, int]:
        """How often fun and its Jacobian were evaluated, and matrices factorized."""
        self._count()
        return {**self.counted}

    # -------------------------------------------------------------- steps
    def slope(self, pieces: Pieces, i: int, x: Any) -> Any:
        """Return y' within step i, at distance x from its start or hardly nearer to its middle."""
        if self.by_series:
            return super().slope(pieces, i, x)
        near = SHORT * spacing(pieces.t[i] + x) * (1 if 2 * abs(x) < abs(pieces.h[i]) else -1)
        place = pieces.at(i, x + np.sign(pieces.h[i]) * near)
        return np.asarray(self.system.flow(place.t, place.y, *self._parameters))

    def towards(self, t_end: Any, limit: int, log: bool) -> tuple[int, Pieces]:
        """Step to t_end, on the way to which no time is known at which fun branches."""
        if self.by_series:
            return super().towards(t_end, limit, log)
        start, watched = self.place, self.system.branches and bool(self.system.between.outputs)
        limit = min(limit, SOME) if watched else limit
        rtol, atol = self.options.tolerances
        least = np.min(atol) / np.max(rtol) if np.max(rtol) else 0.0  # size to which errors count
        self._check_away(t_end)
        if self._from[0] is not self.t and not self._begins():
            return self.beyond(t_end, INFINITE)
        solver = self._followed(t_end)
        rows: list[tuple[Any, Any, Any, Array]] = []
        while len(rows) < limit and solver.status == "running":
            if self.clocks.exponents:
                solver.max_step = min(self.options.max_step, self._reach(solver.t, t_end))
            begun, message = solver.y, stepped(solver)
            if solver.status == "failed" or not finite(solver.y):  # LSODA would go on
                self._message = message or "no finite state follows"
                break
            h, size = solver.t - solver.t_old, max(norm(begun), norm(solver.y))
            self._short = self._short + 1 if abs(h) <= SHORT * spacing(solver.t) else 0
            if self._short > CREEPING:
                self._message = "steps have become as short as times can be told apart"
                break
            if h == 0:
                continue
            if apart := getattr(solver, "apart", 0.0):
                self.worst = max(self.worst, log2(apart) - log2(max(size, least)))
            c = polynomial(solver.dense_output(), solver.t_old, h, begun, solver.y, self.order)
            rows.append((solver.t_old, 0.0, h, c.reshape(len(c), *self.y.shape)))
            t, y = solver.t, solver.y
        if not rows:
            if watched and self._faces(t_end):
                return self.slides(self.place, t_end)
            raise self._ended(
                f"{self._message} (the method {solver.__class__.__name__} at t = {solver.t})"
            )
        pieces = joined(rows)
        self.steps, self.h = self.steps + len(rows), pieces.h[-1]
        y = y.reshape(self.y.shape).copy()
        self.place = Place(np.float64(t), np.float64(0.0), y, 0 * y)
        self._from = self.t, self.y, self._parameters
        if watched and (crossed := self._crossed(start, pieces)) is not None:
            return self.switched(*crossed, t_end)
        self._left = None
        return (DONE if self.t == t_end else GO), pieces

    def _begins(self) -> bool:
        """Whether fun has a value here."""
        with np.errstate(all="ignore"), contextlib.suppress(DomainError):
            return finite(self.system.flow(self.t, self.y, *self._parameters))
        return False

    def _reach(self, t: Any, t_end: Any) -> float:
        """Return how far a step may go that follows what exponents of time do (see `Clocks`)."""
        return self.clocks.room(t, self._parameters, t_end - t, STAGES)

    def _followed(self, t_end: Any) -> Any:
        """Return the solver to t_end; one that takes no `max_step` on its way goes less far."""
        solver = self._solver(t_end)
        if self.clocks.exponents and not hasattr(solver, "max_step"):
            room = self._reach(self.t, t_end)
            if room < abs(t_end - self.t):
                return self._solver(self.t + math.copysign(room, t_end - self.t))
        return solver

    def _crossed(self, start: Place, pieces: Pieces) -> tuple[Pieces, int, Surface] | None:
        """Return the first change of branch at which rates jump, or which is one of time.

        Kinks are left to the tolerance.
        """
        if self.by_series:
            return super()._crossed(start, pieces)
        given: Any = self._parameters, self.strict, None, self.touches
        found, done = crossing(self.system.between, pieces, *given), pieces.part(0, 0)
        while found is not None and not self._stops(*found):
            pieces, i, met = found
            h = pieces.h[i] * met.x
            beyond = past(self.system.between, given[0], pieces, i, h, met.name, met.slope)
            parts = [(k, 0 * h, pieces.h[k]) for k in range(i + 1, len(pieces))]
            if beyond is not None and abs(beyond) < abs(pieces.h[i]):
                parts.insert(0, (i, beyond, pieces.h[i]))
                done = chained(done, pieces.until(i, beyond))
            else:
                done = chained(done, pieces.part(0, i + 1))
            pieces = divided(pieces, parts)
            found = crossing(self.system.between, pieces, *given) if parts else None
        if found is None:
            return None
        return chained(done, found[0]), len(done) + found[1], found[2]

    def _stops(self, pieces: Pieces, i: int, met: Surface) -> bool:
        """Whether a step ends at a change of branch in step i."""
        between, p, unit = self.system.between, self._parameters, SHORT * unit_of(pieces, i)
        if between.outputs[met.name[0]] not in moving(between, between.inputs[1:2]):
            return True
        ends = [pieces.at(i, pieces.h[i] * met.x + s * unit) for s in (-1, 1)]
        return self._jumps(*(np.asarray(self.system.flow(end.t, end.y, *p)) for end in ends))

    def _check_away(self, t_end: Any) -> None:
        """Raise IntegrationError if fun points back to the surface that has just been crossed."""
        left = self._left
        if left is None or left.x != self.t:
            return
        there = self._ahead(self.t, self.y, t_end)
        found = sides(self.system.between, *there, self._parameters)[left.name[0]]
        if np.sign(found.reshape(-1)[left.name[1]]) == -left.slope:
            self.slides(self.place, t_end)

    def _faces(self, t_end: Any) -> bool:
        """Whether fun points to a surface just ahead from both sides: steps to it become short."""
        there = self._ahead(self.t, self.y, t_end)
        places = (self.t, self.y), there, self._ahead(*there, t_end)
        found = (sides(self.system.between, *place, self._parameters) for place in places)
        signs = (map(np.sign, values) for values in found)
        return any(((a != b) & (a == c)).any() for a, b, c in zip(*signs, strict=True))

    def _ahead(self, t: Any, y: Array, t_end: Any) -> tuple[Any, Array]:
        """Return time and state a little later."""
        d = 4 * SHORT * spacing(max(abs(self.t), abs(self.h))) * (1 if t_end > self.t else -1)
        with np.errstate(all="ignore"):
            return t + d, y + d * np.asarray(self.system.flow(t, y, *self._parameters))

    def _jumps(self, old: Array, new: Array) -> bool:
        """Whether rates on two sides of a surface differ."""
        return bool(norm(new - old) > JUMP * max(norm(old), norm(new)))


# ------------------------------------------------------------------ Newton's matrices
class Ordered:
    """A solver of LSODA whose state has another order than that of the user."""

    def __init__(self, solver: Any, places: Array) -> None:
        self.solver, self.places = solver, places

    def __getattr__(self, name: str) -> Any:
        return getattr(self.solver, name)

    @property
    def y(self) -> Array:
        """The state."""
        return np.asarray(self.solver.y[self.places])

    def dense_output(self) -> Dense:
        """Return the interpolant of the last step."""
        return Dense(self.solver.dense_output(), self.places)


class Dense:
    """An interpolant of SciPy in another order of the state."""

    def __init__(self, dense: Any, places: Array) -> None:
        self.dense, self.places, self.order = dense, places, _degree(dense)

    def __call__(self, t: Any) -> Array:
        """Return the states."""
        return np.asarray(self.dense(t)[self.places])


def in_bands(made: Any, places: Array) -> Any:
    """Return what makes LSODA with the matrix jac(t, y) for each block of a state.

    Block after block it is a matrix of bands.
    """
    n, of_y = len(places), places[:, 0]
    rows = 3 * n - 2 if scipy_before("1.16.0") else 2 * n - 1  # with those that factors fill

    def solver_of(fun: Any, t: float, state: Array, t_end: float, jac: Any, **given: Any) -> Any:
        blocks = places.T.reshape(-1)
        rest = np.setdiff1d(np.arange(state.size), blocks)
        order = np.concatenate([blocks, rest])
        back = np.argsort(order)
        i, j = np.indices((n, n))

        def banded(t: float, state: Array) -> Array:
            block = jac(t, state[back][of_y])
            block = block.toarray() if hasattr(block, "toarray") else block
            matrix = np.zeros((rows, len(order)))
            for start in range(0, len(blocks), n):
                matrix[i - j + n - 1, start + j] = block
            return matrix

        given |= {k: v[order] for k, v in given.items() if np.ndim(v)}
        solver = made(
            lambda t, z: fun(t, z[back])[order], t, state[order], t_end,
            jac=banded, lband=n - 1, uband=n - 1, **given,
        )  # fmt: skip
        return Ordered(solver, back)

    return solver_of


def spread(jac: Any, places: Array, size: int) -> Callable[[float, Array], Any]:
    """Return the whole Jacobian of a state that has jac(t, y) in each of its blocks."""

    def whole(t: float, state: Array) -> Any:
        block = matrices().coo_array(jac(t, state[places[:, 0]]))
        values = np.repeat(block.data[:, None], places.shape[1], axis=1).reshape(-1)
        at = places[block.row].reshape(-1), places[block.col].reshape(-1)
        return matrices().csc_array((values, at), shape=(size, size))

    return whole


def solve_in_blocks(solver: Any, jac: Any, places: Array) -> None:
    """Let Radau or BDF take the matrix jac(t, y) for each block of its state.

    What is in no block has no matrix: its rates do not depend on itself.
    """
    from scipy.sparse.linalg import splu

    n, of_y = len(places), places[:, 0]
    sparse = hasattr(jac(solver.t, solver.y[of_y]), "toarray")

    def framed(t: float, state: Array, f: Any = None) -> Any:
        """Return the matrix with one more row and column of zeros: for all in no block."""
        solver.njev += 1
        block = jac(t, state[of_y])
        if sparse:
            return matrices().block_diag([block, np.zeros((1, 1))], format="csc")
        return np.pad(block, (0, 1))

    def factorized(matrix: Any) -> Any:
        solver.nlu += 1
        block, rest = matrix[:n, :n], matrix[n, n]
        if sparse:
            solve = splu(matrices().csc_array(block)).solve
            return functools.partial(by_columns, solve, count=COLUMNS), rest
        return functools.partial(times, np.linalg.inv(block)), rest

    def solve(factors: Any, b: Array) -> Array:
        found = b / factors[1]
        found[places] = factors[0](b[places])
        return np.asarray(found)

    solver.jac, solver.J = framed, framed(solver.t, solver.y)
    solver.I = matrices().eye_array(n + 1, format="csc") if sparse else np.eye(n + 1)
    solver.lu, solver.solve_lu = factorized, solve


def stepped(solver: Any) -> str | None:
    """Take a step of a solver of SciPy's, and return its message if it failed."""
    with np.errstate(over="ignore", invalid="ignore"):  # BDF subtracts rows not yet written
        message: str | None = solver.step()
    return message
