"""`TaylorIntegrator`: y' = fun(t, y, *args), one Taylor polynomial after the other.

The state is a sum of two numbers, y + low, and so is the time.  On float64 the steps run as machine
code; every other number type, and whatever has no machine code, takes the same steps through NumPy.
A step ends where fun goes over to another branch (a kink, a jump, an `if`): there fun is recorded
again and the integration goes on with the other branch.
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np

from taylor.drivers.compile import Compiled
from taylor.errors import (
    DomainError,
    GuardError,
    IntegrationError,
    ShapeMismatch,
    TaylorError,
    TraceError,
    eagerly,
)
from taylor.kept import STORE
from taylor.ode import machine as compiled
from taylor.ode.control import LEAST, exp2, factor_of, floor_of, log2_step, norm, order_of
from taylor.ode.dense import Solution, in_numbers_of
from taylor.ode.numbers import (
    check_time,
    finite,
    in_one_kind,
    positive,
    spacing,
    tolerance,
    two_sum,
)
from taylor.ode.pieces import Pieces, along, resolved, sides
from taylor.ode.roots import Root, roots, value, without_root
from taylor.ode.system import System, is_parameter

Array = Any
LIMIT = 1 << 12  # steps in one call of machine code, or more if they are short:
WORK = 1 << 26  # products of numbers that one may take, some hundredths of a second
MANY = 200  # steps after which they are looked at for stiffness:
STIFF = 8  # series of some of them


class Surface(NamedTuple):
    """Where fun changes its branch: at x, where the difference of that name crosses zero."""

    x: Any
    name: tuple[int, int]
    slope: int


class TaylorIntegrator:
    """The initial value problem y' = fun(t, y, *args), y(t0) = y0, stepped by Taylor series.

    `fun` is written in NumPy and returns an array (or list) in the shape of y; y0 has any shape and
    any numbers: float64, complex128, mpmath numbers, intervals.  `tol` is the error of a step
    relative to the largest component of y (default: the precision of the numbers), `atol` a size of
    y below which the error need not fall; `order` is that of Jorba & Zou for `tol` if not given.
    Arguments that are numbers or arrays may be changed later (`args`) without compiling again.
    Where steps on floats or complex numbers have no machine code a PerformanceWarning says why;
    with `strict` that is a CompileError.

    >>> pendulum = TaylorIntegrator(lambda t, y: [y[1], -np.sin(y[0])], 0.0, [1.0, 0.0])
    >>> pendulum.propagate_until(10.0).round(8)
    array([-0.99894981, -0.04203338])
    >>> float(pendulum.t), pendulum.order
    (10.0, 20)
    """

    def __init__(
        self,
        fun: Callable[..., Any],
        t0: Any,
        y0: Any,
        *,
        args: Sequence[Any] = (),
        tol: Any = None,
        order: int | None = None,
        max_step: Any = math.inf,
        atol: Any = 0.0,
        strict: bool = False,
    ) -> None:
        if not callable(fun):
            raise TypeError(f"fun is a function of (t, y, *args), not {type(fun).__name__}")
        self.strict = strict or (isinstance(fun, Compiled) and fun.strict)
        self.fun = fun.f if isinstance(fun, Compiled) else fun
        self._args = tuple(args)
        self.t, self.y = in_one_kind(t0, y0)
        self.t_low, self.y_low = 0 * self.t, 0 * self.y
        self.tol = tolerance(tol, self.y)
        if order is not None and (
            isinstance(order, (str, bytes)) or int(order) != order or order < LEAST
        ):
            raise ValueError(f"the order is an integer of at least {LEAST}, not {order!r}")
        self.order = order_of(float(self.tol)) if order is None else int(order)
        positive(max_step, "max_step")
        if np.ndim(atol) or isinstance(atol, (str, bytes)):
            raise TypeError("atol is one number: errors are relative to the largest component of y")
        if not atol >= 0:
            raise ValueError(f"atol is a number of at least 0, not {atol}")
        self.max_step, self.atol = max_step, atol
        self.factor = factor_of(float(self.tol), self.order, order is not None)
        self.h: Any = 0 * self.t  # of the last step
        self.steps = 0  # taken so far: series of the solution that were computed
        self.last: Pieces | None = None
        self.warnings: list[str] = []
        self._memory: Any = None
        self._stiff = 0
        self._start: tuple[Any, ...] = ()  # the state before the steps last taken
        self._left: Surface | None = None  # where fun has just changed its branch
        self._bind()

    def __repr__(self) -> str:
        return f"<Taylor integrator at t = {self.t}, order {self.order}, {self.steps} steps>"

    # -------------------------------------------------------------- state
    @property
    def args(self) -> tuple[Any, ...]:
        """The further arguments of fun."""
        return self._args

    @args.setter
    def args(self, args: Sequence[Any]) -> None:
        if not isinstance(args, (tuple, list)):
            raise TypeError(f"args is a tuple: did you mean ({args!r},)?")
        same = len(args) == len(self._args) and all(
            i in self.system.free or a is b
            for i, (a, b) in enumerate(zip(args, self._args, strict=True))
        )
        shapes = [np.shape(a) for a in args] == [np.shape(a) for a in self._args]
        self._args, self._left = tuple(args), None
        if not (same and shapes and all(is_parameter(args[i]) for i in self.system.free)):
            self._bind()
        elif self._memory is not None:
            self._memory.parameters(self._parameters)

    @property
    def _parameters(self) -> list[Any]:
        """Those of the arguments that are inputs of the program."""
        return self.system.parameters(self._args)

    def set_state(self, t: Any, y: Any) -> None:
        """Go on from another time and state."""
        new_t, new_y = in_one_kind(t, y)
        if new_y.dtype.kind == "c" and self.y.dtype.kind != "c":
            raise TypeError("the state is real; a complex one needs a complex y0 from the start")
        if new_y.shape != self.y.shape:
            raise ShapeMismatch(f"the state has shape {self.y.shape}, not {new_y.shape}")
        self.t, self.y = new_t, new_y.astype(self.y.dtype)
        self.t_low, self.y_low = 0 * self.t, 0 * self.y
        self._left = None

    def __getstate__(self) -> dict[str, Any]:
        state = dict(self.__dict__)
        state.update(_memory=None, system=None)
        return state

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        self._bind()

    def _bind(self) -> None:
        """Record fun at the present state, and have the machine for that branch."""
        try:
            system = System(self.fun, self.t, self.y, self._args)
        except DomainError as error:
            raise IntegrationError(
                f"fun has no value at t = {self.t}, y = {self.y}: {error}"
            ) from error
        self.system, machine = system, self._machine(system)
        self._memory = None
        if machine is not None:
            self._memory = compiled.Memory(machine, self._parameters)

    def renew(self) -> None:
        """Record fun anew: what it reads besides its arguments may have changed."""
        self._left = None
        self._bind()

    def _rebind(self) -> None:
        """Record fun on another side of a surface, if its program depends on the side."""
        if self.system.program is None or self.system.program.guards:
            self._bind()

    def _machine(self, system: System) -> Any:
        """Return the machine of the steps, or None where they run through NumPy."""
        kinds = {np.asarray(p).dtype for p in system.parameters(self._args)}
        try:
            if system.program is None:
                raise TraceError(
                    f"fun cannot be recorded ({system.reason}), so it is evaluated {self.order} "
                    "times a step"
                )
            if self.y.dtype == object or not self.y.size:  # numbers of no machine
                return None
            if self.y.dtype != np.float64:
                raise TypeError(
                    f"a state of {self.y.dtype}; give float64, complex numbers by their parts"
                )
            for kind in kinds:
                if kind.kind not in "fiub":
                    raise TypeError(f"args holds numbers of {kind}; give floats")
            given = system.program, self.order, self.factor
            return STORE.made(
                lambda: compiled.Machine(*given), "stepper", given[0].identity, *given[1:]
            )
        except (TaylorError, TypeError, ImportError, OSError) as error:
            self._slow(str(error))
            return None

    def _slow(self, why: str) -> None:
        """Say, once, why steps have no machine code."""
        if self.strict or why not in self.warnings:
            self.warnings.append(why)
            eagerly("the integration", why, self.strict)

    # -------------------------------------------------------------- stepping
    def advance(self, t_end: Any, limit: int = LIMIT, log: bool = True) -> tuple[int, Pieces]:
        """Step to t_end, or some steps towards it; return (status, the steps).

        The status is one of `machine`: GO (the limit is reached), DONE, INFINITE or SMALL.
        Without `log` there is no record of the steps.
        """
        for _ in range(3):  # the second time with fun recorded anew, where it branches otherwise
            branches = self.system.program is not None and self.system.surfaces.outputs
            if branches and self._left is None and self.t != t_end:
                self._leave(t_end)
            self._start = (self.t, self.y, self.t_low, self.y_low)
            status, pieces = self._run(t_end, limit, log or bool(branches))
            if branches:
                parameters = self._parameters
                pieces = resolved([self.system.surfaces], pieces, parameters, self.strict)
                crossed = self._crossing(pieces)
                if crossed is not None:
                    return self._switched(pieces, *crossed, t_end)
                if len(pieces):
                    self._left = None
            if status != compiled.GUARD:
                return self._valid(status, pieces)
            if len(pieces):
                break
            self._bind()
        raise self._stuck("fun branches where none of its conditions changes its sign")

    def _run(self, t_end: Any, limit: int, log: bool) -> tuple[int, Pieces]:
        run = self._run_numpy if self._memory is None else self._run_compiled
        status, pieces = run(t_end, limit, log)
        if len(pieces):
            self.h, self.last = pieces.h[-1], pieces
        self._watch(pieces)
        return status, pieces

    def _valid(self, status: int, pieces: Pieces) -> tuple[int, Pieces]:
        """Return the steps, the last one cut where fun is no longer what its series says.

        A series that ends (a polynomial) goes on beyond a singularity of fun that it does not show,
        such as that of y' = -sqrt(y) at y = 0.
        """
        if not len(pieces) or np.any(pieces.coef[-1, -2:]) or self.system.program is None:
            return status, pieces
        c, h = pieces.coef[-1], pieces.h[-1]
        slopes = c[1:] * np.arange(1, len(c)).reshape(-1, *[1] * (c.ndim - 1))
        parameters = self._parameters

        def agrees(x: Any) -> bool:
            with np.errstate(all="ignore"):
                f = self.system.flow(pieces.t[-1] + x, value(c, x), parameters)
            slope = value(slopes, x)
            error = norm(np.asarray(f) - slope)
            return bool(error <= 1e-6 * (norm(slopes[0]) + norm(np.asarray(slope))))

        if agrees(h):
            return status, pieces
        low, high = 0 * h, h
        for _ in range(60):
            middle = (low + high) / 2
            low, high = (middle, high) if agrees(middle) else (low, middle)
        self.rewind(pieces, len(pieces) - 1, low)
        self.h = low
        status = compiled.GO if abs(low) > spacing(self.t) else compiled.SMALL
        return status, pieces.until(len(pieces) - 1, low)

    def _run_compiled(self, t_end: Any, limit: int, log: bool) -> tuple[int, Pieces]:
        m, head = self._memory, self._memory.head
        head[: compiled.LIMIT] = (
            self.t, self.t_low, t_end, self.max_step, compiled.GO, 0.0,
        )  # fmt: skip
        head[compiled.FLOOR] = floor_of(self.atol, self.tol)
        m.y[:], m.low[:] = self.y.reshape(-1), self.y_low.reshape(-1)
        logged = m.run(limit, log)
        self.t, self.t_low = (np.float64(head[i]) for i in (compiled.TIME, compiled.LOW))
        shape = self.y.shape
        self.y, self.y_low = m.y.copy().reshape(shape), m.low.copy().reshape(shape)
        steps, status = (int(head[n]) for n in (compiled.STEPS, compiled.STATUS))
        self.steps += steps
        lost = steps > 0 and status == compiled.INFINITE and not np.isfinite(self.y).all()
        if lost:  # the last step went beyond what doubles hold: back to the last good state
            self.t, self.t_low = (np.float64(head[n]) for n in (compiled.LAST, compiled.LAST_LOW))
            self.y, self.y_low = m.last.copy().reshape(shape), 0 * self.y_low
        if logged is None:
            coef = m.series.reshape(1, self.order + 1, -1)[:, :, : self.y.size].copy()
            coef[0, 0] = m.last
            places = (compiled.LAST, compiled.LAST_LOW, compiled.LENGTH)
            times = np.array([[head[n] for n in places]])
            known = min(steps, 1) if status in (compiled.GO, compiled.DONE) else 0
            logged = times[:known], coef[:known]
        times, coef = (x[: len(x) - lost] for x in logged) if log else logged
        t, low, h = times.T
        pieces = Pieces(t, low, h, coef.reshape(len(coef), self.order + 1, *shape))
        return status, pieces

    def _run_numpy(self, t_end: Any, limit: int, log: bool) -> tuple[int, Pieces]:
        rows: list[Any] = []
        status = compiled.GO
        for _ in range(limit):
            status, row = self._step(t_end)
            if row is not None:
                rows = rows if log else []
                rows.append(row)
            if status != compiled.GO:
                break
        shape = (0, self.order + 1, *self.y.shape)
        columns = list(zip(*rows, strict=True)) if rows else [(), (), (), ()]
        t, low, h = (np.array(c) if c else np.zeros(0) for c in columns[:3])
        coef = np.stack(columns[3]) if rows else np.zeros(shape, self.y.dtype)
        return status, Pieces(t, low, h, coef)

    def _step(self, t_end: Any) -> tuple[int, Any]:
        """Take one step in the numbers of y; return the status and the piece."""
        try:
            c = self.system.series(self.t, self.y, self._parameters, self.order)
        except GuardError:
            return compiled.GUARD, None
        except DomainError:
            return compiled.INFINITE, None
        if not finite(c):
            return compiled.INFINITE, None
        rest = (t_end - self.t) - self.t_low
        exponent = log2_step(c, self.factor, floor_of(self.atol, self.tol))
        longest = min(abs(rest), self.max_step)
        # a step is one of doubles, whatever the numbers
        h = exp2(exponent)
        bounded = h < longest
        if bounded and h <= abs(self.t) * self.tol:
            return compiled.SMALL, None
        if not bounded:
            h = longest
        h = h if rest > 0 else -h
        row = (self.t, self.t_low, h, c)
        with np.errstate(all="ignore"):
            y = value(c[1:], h)
            new, low = two_sum(self.y, y * h + self.y_low)
        if not finite(new):
            return compiled.INFINITE, None
        self.y, self.y_low = new, low
        landed = not bounded and longest == abs(rest)
        self.t, self.t_low = two_sum(self.t, h + self.t_low)
        if landed:
            self.t, self.t_low = t_end + 0 * self.t, 0 * self.t
        self.steps += 1
        return (compiled.DONE if landed else compiled.GO), row

    # -------------------------------------------------------------- branches of fun
    def _crossing(self, pieces: Pieces) -> tuple[int, Surface] | None:
        """Return the first step in which fun changes its branch, and the surface it meets there."""
        if not len(pieces):
            return None
        tables = along(self.system.surfaces, pieces, self._parameters, self.strict)
        if any(np.iscomplexobj(table) for table in tables):
            raise TypeError(
                "fun compares complex numbers or takes their absolute value, which has no series: "
                "write it in real and imaginary parts"
            )
        powers = pieces.h[:, None] ** np.arange(self.order + 1)
        series, near = [], []
        for n, table in enumerate(tables):
            scaled = table.reshape(*powers.shape, -1) * powers[..., None]
            here = np.ones((len(pieces), scaled.shape[2]), bool)
            if scaled.dtype != object:
                rows = np.moveaxis(scaled, 2, 1).reshape(-1, self.order + 1)
                here = ~without_root(rows).reshape(here.shape)
            if self._left is not None and self._left.name[0] == n:
                here[0, self._left.name[1]] = True
            series.append(scaled)
            near += [(int(i), n, int(m)) for i, m in np.argwhere(here)]
        first, met = len(pieces), []
        for i, n, m in sorted(near):
            if i > first:
                break
            root = self._first_root(series[n][i, :, m], (n, m), i == 0)
            if root is not None:
                first = i
                met.append(Surface(root.x, (n, m), root.slope))
        return (first, min(met)) if met else None

    def _first_root(self, c: Array, name: tuple[int, int], first: bool) -> Root | None:
        """Return where a surface is crossed first in a step (scaled to 1)."""
        left = self._left
        if first and left is not None and left.name == name and left.x == self._start[0]:
            c = c.copy()
            c[0] = 0  # fun has just changed its branch here
            leads = c[np.flatnonzero(c)]
            if len(leads) and np.sign(float(leads[0])) != left.slope:
                self.t, self.y, self.t_low, self.y_low = self._start
                raise self._stuck("fun points to its surface of discontinuity from both sides")
        return next((r for r in roots(c) if r.slope), None)

    def _switched(self, pieces: Pieces, i: int, met: Surface, t_end: Any) -> tuple[int, Pieces]:
        """Go back to where fun changes its branch, a little beyond, and record it there."""
        h = pieces.h[i] * met.x
        unit = spacing(pieces.t[i] + h) * (1 if pieces.h[i] > 0 else -1)
        for n in range(60):
            step = h + unit * (2**n - 1)
            self.rewind(pieces, i, step)
            if self._side(*met.name) == met.slope:
                break
        else:
            raise self._stuck("fun branches, but does not leave the surface where it does")
        kept = pieces.until(i, step)
        done = (self.t - t_end) * unit >= 0
        if done:
            self.t, self.t_low = t_end + 0 * self.t, 0 * self.t
        self._left = met._replace(x=self.t)
        self._rebind()
        return (compiled.DONE if done else compiled.GO), kept

    def _sides(self) -> list[Array]:
        """Return the values of the surfaces at the present state."""
        return sides(self.system.surfaces, self.t, self.y, self._parameters)

    def _side(self, n: int, m: int) -> int:
        return int(np.sign(float(np.reshape(self._sides()[n], -1)[m])))

    def _leave(self, t_end: Any) -> None:
        """Move off a surface by the smallest step that does: on it the branch is not known."""
        if not any(np.any(np.asarray(s) == 0) for s in self._sides()):
            return
        t, y = self.t, self.y
        slope = self.system.flow(t, y, self._parameters)
        unit = spacing(max(abs(t), abs(t_end - t))) * (1 if t_end > t else -1)
        for n in range(12):
            h = unit * 2**n
            self.t, self.y = t + h, y + h * slope
            if not any(np.any(np.asarray(s) == 0) for s in self._sides()):
                self._rebind()
                return
        self.t, self.y = t, y

    def rewind(self, pieces: Pieces, i: int, h: Any) -> None:
        """Go back to the point at distance h from the start of step i."""
        c = pieces.coef[i]
        self.y, self.y_low = two_sum(c[0], value(c[1:], h) * h)
        self.t, self.t_low = two_sum(pieces.t[i], h + pieces.low[i])

    # -------------------------------------------------------------- failures
    def _stuck(self, why: str) -> IntegrationError:
        return IntegrationError(f"{why}; last good state t = {self.t}, y = {self.y}")

    def failure(self, status: int) -> str:
        """Return what a status other than GO and DONE means, and what to do."""
        if status == compiled.SMALL:
            return (
                f"the step size became too small at t = {self.t}: the solution has a singularity "
                "there (it blows up in finite time), or fun is not smooth there"
            )
        try:
            y = self.system.series(self.t, self.y, self._parameters, 2)
            why = (
                "fun or one of its derivatives is not finite" if finite(y) else "fun is nan or inf"
            )
        except TaylorError as error:
            why = str(error).split(";")[0]
        return f"no Taylor series at t = {self.t}: {why}"

    def _watch(self, pieces: Pieces) -> None:
        """Warn where steps are short for stability only: the problem is stiff."""
        if self.steps <= MANY or pieces.coef.dtype == object or self.order < 8 or not len(pieces):
            return
        some = slice(None, None, max(1, len(pieces) // STIFF))
        flat = np.abs(pieces.coef[some]).reshape(-1, self.order + 1, max(1, self.y.size))
        powers = np.abs(pieces.h[some])[:, None] ** np.arange(self.order + 1)
        with np.errstate(all="ignore"):
            terms = flat.max(2, initial=0.0) * powers
            # the first terms fall fast, those that decide on the step are rounding errors
            early = terms[:, 4:6].max(1) < 1e-6 * terms[:, 1:3].max(1)
            noise = terms[:, self.order // 2 :].max(1) < 1e-10 * terms[:, 0]
        stiff = early & noise & (terms[:, -1] > 0)
        self._stiff = self._stiff + len(stiff) if stiff.all() else 0
        if self._stiff >= 2 * STIFF and "stiff" not in self.warnings:
            self.warnings.append("stiff")
            warnings.warn(
                f"the problem seems to be stiff at t = {self.t}: steps of {self.h} are needed for "
                "stability, not for accuracy; use an implicit method, such as "
                "scipy.integrate.solve_ivp(..., method='Radau')",
                stacklevel=4,
            )

    # -------------------------------------------------------------- for users
    def step(self, t_bound: Any = math.inf) -> Any:
        """Take one step towards t_bound and return its length.

        >>> growth = TaylorIntegrator(lambda t, y: y, 0.0, 1.0)
        >>> h = growth.step()
        >>> bool(abs(growth.y - np.exp(h)) < 1e-15)
        True
        """
        check_time(t_bound, finite=False)
        if t_bound == self.t:
            return 0 * self.t
        status, pieces = self.advance(t_bound, 1)
        if status not in (compiled.GO, compiled.DONE):
            raise IntegrationError(f"{self.failure(status)}; last good state y = {self.y}")
        return pieces.h[-1]

    def propagate_until(self, t: Any, *, max_steps: int | None = None) -> Array:
        """Step until time t exactly and return y there.

        Raises IntegrationError where the solution ends before, or after `max_steps` steps; the
        state is then that of the last step.
        """
        check_time(t)
        if max_steps is not None:
            positive(max_steps, "max_steps", whole=True)
        left = math.inf if max_steps is None else max_steps
        many = max(LIMIT, WORK // ((self.order + 1) ** 2 * self.y.size))
        while self.t != t or self.t_low != 0:
            before = self.steps
            status, _ = self.advance(t, int(min(many, left)), log=False)
            left -= self.steps - before
            if status not in (compiled.GO, compiled.DONE):
                raise IntegrationError(f"{self.failure(status)}; last good state y = {self.y}")
            if left <= 0 and self.t != t:
                raise IntegrationError(
                    f"{max_steps} steps did not reach t = {t}: the state is that of t = {self.t}"
                )
        return self.y.copy()

    def propagate_grid(self, times: Any, *, max_steps: int | None = None) -> Array:
        """Return y at times in the order of integration, of shape (*shape of y, number of times).

        The steps are not shortened for the times between: the polynomials are evaluated there.
        """
        grid = in_numbers_of(self.y, times).reshape(-1)
        if not len(grid):
            return np.zeros((*self.y.shape, 0), self.y.dtype)
        for t in grid:
            check_time(t)
        backward = grid[-1] < self.t
        ordered = np.diff(grid) <= 0 if backward else np.diff(grid) >= 0
        if not np.all(ordered) or (grid[0] > self.t if backward else grid[0] < self.t):
            raise ValueError("the times must lie in the order of integration, from t on")
        out = np.empty((*self.y.shape, len(grid)), self.y.dtype)
        done = int(np.sum(grid == self.t))
        out[..., :done] = self.y[..., None]
        left = math.inf if max_steps is None else max_steps
        while done < len(grid):
            before = self.steps
            status, pieces = self.advance(grid[-1], int(min(self.chunk, left)))
            left -= self.steps - before
            if len(pieces):
                reached = grid >= self.t if backward else grid <= self.t
                n = max(done, int(np.sum(reached)))
                out[..., done:n] = self.solution([pieces])(grid[done:n])
                done = n
            if status == compiled.DONE:
                out[..., grid == self.t] = self.y[..., None]
            if status not in (compiled.GO, compiled.DONE):
                raise IntegrationError(f"{self.failure(status)}; last good state y = {self.y}")
            if left <= 0 and done < len(grid):
                raise IntegrationError(
                    f"{max_steps} steps did not reach t = {grid[-1]}: the state is that of {self.t}"
                )
        return out

    @property
    def chunk(self) -> int:
        """Steps whose coefficients are kept at a time."""
        return min(max((1 << 22) // ((self.order + 1) * int(self.y.size)), 1), 1024)

    def here(self) -> Pieces:
        """Return a step of no length: the series at the present state."""
        c = self.system.series(self.t, self.y, self._parameters, self.order)
        zero = np.asarray([0 * self.t])
        return Pieces(np.asarray([self.t]), zero, zero, c[None])

    def solution(self, pieces: Sequence[Pieces]) -> Solution:
        """Return steps that follow each other as a function of time, up to the present time."""
        some = [p for p in pieces if len(p)]
        if not some:
            shape = (0, self.order + 1, *self.y.shape)
            return Solution(np.array([self.t]), np.zeros(0), np.zeros(shape, self.y.dtype))
        t, low, coef = (np.concatenate([getattr(p, n) for p in some]) for n in ("t", "low", "coef"))
        return Solution(np.append(t, some[-1].end(-1)), low, coef)
