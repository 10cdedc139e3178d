"""Mistakes people make: each program, as they write it, and what its error must say.

An error says what was wrong and what to write instead, in a line or two, in every mode; where
Python, NumPy or SciPy raise it, a note on it does.  docs/sharp_bits.md explains the kinds.
"""

import importlib.util
import pickle
import warnings
from pathlib import Path

import numpy as np
import pytest

import taylor
from taylor.core import advice

X, V = np.array([0.5, 1.5, 0.7]), np.array([1.0, 0.5, 0.2])
MODES = {
    "forward": lambda f: taylor.jvp(f, X, V),
    "reverse": lambda f: taylor.vjp(f, X, 1.0),
    "second": lambda f: taylor.hessian(f, X),
    "compiled": lambda f: taylor.gradient(taylor.compile(f), X),
}
HEAD = """
import cmath, collections, copy, functools, json, math, operator, pickle, statistics
from fractions import Fraction
import mpmath
import numpy as np
import hyperdual, taylor
import taylor.ode
from taylor import Taylor, TaylorN
x0 = np.array([0.5, 1.5, 0.7])
"""

# f of a vector x; what must be said, with alternatives apart by |
FUNCTIONS = {
    # arrays of floats
    "y = np.zeros(3)\nfor i in range(3): y[i] = np.sin(x[i])\nreturn np.sum(y)": "np.zeros_like(x)",
    "y = np.zeros(3)\ny[:2] = x[:2]\nreturn np.sum(y)": "np.zeros_like(x)",
    "y = np.zeros(3)\ny += x\nreturn np.sum(y)": "np.zeros_like(x)",
    "y = np.ones(3)\ny[0] = x[0]\nreturn np.sum(y)": "import taylor.numpy as np",
    "y = np.ones(3)\ny *= x\nreturn np.sum(y)": "import taylor.numpy as np",
    "y = np.zeros(3, int)\ny[0] = x[0]\nreturn np.sum(y)": "dtype=float",
    "return np.linalg.solve([[x[0], 1.0], [0.0, x[1]]], [1, 1])[0]": "import taylor.numpy as np",
    "return np.linalg.det([[x[0], 1.0], [0.0, x[1]]])": "import taylor.numpy as np",
    "return np.exp([x[0], 1.0])[0]": "import taylor.numpy as np",
    "return np.sum(np.asarray(x, dtype=float) ** 2)": "drop its derivatives",
    "return np.sum(np.array([x[0], x[1]], dtype=float))": "drop its derivatives",
    "return np.fromiter((e * e for e in x), float).sum()": "np.stack",
    "return np.sum(x.astype(int) * x)": "astype(int64) would",
    "return np.exp(x, out=np.zeros(3))[0]": "np.zeros_like(x)",
    # functions of Python
    "return math.sin(x[0])": "np.sin(x)",
    "return math.hypot(x[0], x[1])": "float() of|NumPy's functions",
    "return cmath.exp(1j * x[0]).real": "np.exp(x)",
    "return float(x[0]) ** 2": "x.value",
    "return int(x[0]) * x[1]": "int(x.value)",
    "return complex(x[0], x[1]).real": "a + 1j * b",
    "return sum(x[1] for _ in range(x[0]))": "int(x.value)",
    "return [1.0, 2.0][x[0]] * x[1]": "int(x.value)",
    "return np.arange(3.0)[x[0]] * x[1]": "int(x.value)",
    "return x[x[0]]": "np.rint(x).astype(int)",
    "return np.concatenate(x, x0)[0]": "np.concatenate([a, b])",
    "return np.stack(x, x)[0]": "np.stack([a, b])",
    "return x.unsqueeze(0)[0, 0]": "np.expand_dims(x, axis)",
    "return x.pow(2).sum()": "x**n",
    "return x.norm()": "np.linalg.norm(x)",
    "return taylor.sin(x, x)[0]": "sin takes 1 argument(s): 2 were given",
    "return x[5]": "index 5 is out of bounds for axis 0",
    "x[5] = 1.0\nreturn x[0]": "index 5 is out of bounds for axis 0",
    "return x[0, 1]": "too many indices",
    "return np.round(x, x[0])[0]": "int(x.value)",
    "return np.tile(x, x[0])[0]": "np.tile: only its first argument may vary",
    "return np.split(x, x[0])[0]": "np.split: only its first argument may vary",
    "return np.isin(x, x)[0] * x[0]": "np.isin: only its first argument may vary",
    "return np.where(x > 0, x)[0]": "either both or neither",
    "return np.linspace(0, 1, x[0]).sum()": "int(x.value)",
    "return x['a']": "taylor.pack makes a vector of one",
    "return np.sum(e * e for e in x)": "np.sum(np.stack([...]))",
    "return x.view(np.float32).sum()": "x.astype(dtype)",
    "return np.polynomial.polynomial.polyfit(x, x, 1)[0]": "for a fit write np.polyfit",
    "return np.arange(3.0)[: x[0]].sum()": "int(x.value)",
    "return np.sum(np.eye(x[0]))": "int(x.value)",
    "return x[0] * len('%d' % x[0])": "x.value",
    "return x[0] * len('%.3f' % x[0])": "x.value",
    "return Fraction(x[0])": "fractions.Fraction works on plain numbers",
    "return statistics.mean(x)": "statistics.mean works on plain numbers",
    "return json.dumps(x)": "json.dumps works on plain numbers",
    "return hash(x[0]) * x[0]": "x.value, a constant, as the key",
    "return {x[0]: 1.0}[x[0]]": "x.value, a constant, as the key",
    "return sum(set(x))": "x.value, a constant, as the key",
    "return functools.lru_cache(lambda t: t * t)(x[0])": "x.value, a constant, as the key",
    "return x[0] if x > 0 else x[1]": "ambiguous",
    "return x[0] if x else x[1]": "ambiguous|x > 0 or x < 0",
    "return x[0] & 1": "np.where",
    "return np.ones(3, like=x)[0]": "np.ones_like(x, shape=...)",
    "return ~x[0]": "np.where",
    "del x[0]\nreturn x[0]": "np.delete",
    "return mpmath.exp(x[0])": "NumPy's and taylor's functions",
    # attributes of other arrays
    "return x.grad": "taylor.gradient(f, x)",
    "x.sum().backward()\nreturn x[0]": "taylor.gradient(f, x)",
    "return x.detach()[0]": "taylor.stop_gradient(x)",
    "return x.numpy()[0]": "taylor.stop_gradient(x)",
    "return x.at[0].set(1.0)[0]": "y[i] = z",
    "return x.tobytes()": "x.value is the plain array",
    "return x(0)": "an element is x[0]",
    "return taylor.jacobian(x, x0)[0, 0] * x[0]": "is a function, gradient|not gradient(f(x), x)",
    "return (x * x0).groupby([0, 0, 1]).sum()[0]": "pd.Series(x, index=df.index)",
    "return np.rec.array(x)": "a dict of arrays",
    # NumPy without derivatives
    "return np.frexp(x)[0][0]": "np.frexp has no derivative",
    "return np.nextafter(x, 2)[0]": "np.nextafter has no derivative",
    "return np.bitwise_and(x, 1)[0]": "np.bitwise_and has no derivative",
    "return np.save('a.npy', x)": "x.value",
    "return np.random.default_rng(0).normal(x, 1.0).sum()": "drop its derivatives",
    "return np.ma.array([1.0, 2, 3], mask=[0, 1, 0]) * x": "np.where(",
    "return np.ma.masked_less(x, 1.0).sum()": "np.where(",
    "return np.ma.logical_and(x, x).sum()": "np.where(",
    # what f returns
    "x ** 2": "is a return missing?",
    "return 'abc'": "f must return a number or an array, not str",
    "return {1.0}": "f must return a number or an array, not set",
    "return (e * e for e in x)": "f must return a number or an array, not generator",
    "return lambda t: t": "f must return a number or an array, not function",
    # shapes and points
    "return np.sum(x + np.ones(2))": "(3,) and (2,) do not fit",
    "return np.sum(np.ones((2, 2)) @ x)": "(2, 2) and (3,) do not fit",
    "x[0] = 1j\nreturn x[0]": "complex first",
    "x[0] = 'a'\nreturn x[0]": "'a' (str) is not a number",
    "return np.log(-x[0])": "log has no Taylor expansion at -0.5",
    "return np.sqrt(x[0] - 0.5)": "sqrt has no Taylor expansion at 0.0",
    "return 1 / (x[0] - 0.5)": "singular='propagate'",
    "return x.dose": "taylor.pack",
    "return (x[0] - 0.5) ** (x[0] - 0.5)": "has no Taylor expansion at 0.0, 0.0",
    "return np.sum(abs(x - 0.5))": "kink",
    "return np.linalg.norm(x - np.array([0.5, 1.5, 0.7]))": "kink",
    "return np.linalg.inv(np.outer(x, x))[0, 0]": "Singular",
}

SCIPY = {
    "stats.norm(0, 1).logpdf(x).sum()": "taylor.scipy.stats",
    "stats.norm.logpdf(0.3, loc=x[0])": "taylor.scipy.stats",
    "optimize.brentq(lambda t: t**3 - x[0], 0, 2)": "scipy.optimize.brentq works on plain numbers",
    "optimize.brentq(lambda t: t**3 - 1, x[0], x[1])": "taylor.implicit_root",
    "optimize.minimize(lambda t: (t[0] - x[0]) ** 2, [0.0]).x[0]": "taylor.implicit_root",
    "optimize.fsolve(lambda t: t - x[0], 0.0)[0]": "taylor.implicit_root",
    "integrate.quad(np.sin, 0, x[0])[0]": "taylor.scipy.integrate",
    "integrate.quad(lambda t, a: a * t, 0, 1, args=(x[0],))[0]": "taylor.scipy.integrate",
    "integrate.quad(lambda t: x[0] * t, 0, 1)[0]": "with the values in args=",
    "integrate.odeint(lambda y, t: -x[0] * y, 1.0, [0, 1.0])[-1, 0]": "taylor.ode.solve_ivp",
    "integrate.solve_ivp(lambda t, y: -y, (0, 1.0), x).y[0, -1]": "taylor.ode.solve_ivp",
    "interpolate.CubicSpline([0, 1, 2.0], x)(0.5)": "taylor.scipy.interpolate",
    "interpolate.interp1d([0, 1, 2.0], [1, 2, 0.0])(x[0])": "taylor.scipy.interpolate",
    "linalg.solve(np.eye(3) * 2, x)[0]": "taylor.scipy.linalg",
    "linalg.expm(np.outer(x, x))[0, 0]": "taylor.scipy.linalg",
    "signal.lfilter([1.0], [1, 0.5], x)[2]": "taylor.scipy.signal",
    "sparse.linalg.spsolve(sparse.eye_array(3, format='csc'), x)[0]": "taylor.scipy.sparse",
    "fft.fft(x)[0].real": "use np.fft",
    "ndimage.gaussian_filter1d(x, 1.0)[1]": "taylor.scipy.ndimage",
    "spatial.distance.cdist(x[None], np.ones((1, 3)))[0, 0]": "taylor.scipy.spatial",
}
MODULES = "fft, integrate, interpolate, linalg, ndimage, optimize, signal, sparse, spatial, stats"

OTHERS = {
    "pandas": ("import pandas as pd\nreturn pd.Series([x[0], x[1]]).mean()", "to_numpy()"),
    "pandas windows": (
        "import pandas as pd\nreturn pd.Series(x).rolling(2).mean()[1]",
        "to_numpy()",
    ),
    "pandas eval": (
        "import pandas as pd\nreturn pd.DataFrame({'a': x}).eval('a * 2')",
        "df.a * df.b",
    ),
    "sympy": ("import sympy\nreturn sympy.sin(x[0])", "lambdify"),
}

# whole programs
PROGRAMS = {
    "taylor.gradient(np.sum(x0), x0)": "gradient(f, x), not gradient(f(x), x)",
    "taylor.gradient(x0, lambda x: np.sum(x**2))": "the first argument must be a function",
    "taylor.gradient(lambda x: np.sum(x**2))(x0)": "lambda x: gradient(f, x)",
    "taylor.derivatives(np.sin)(1.0)": "lambda x: derivatives(f, x)",
    "from scipy.optimize import minimize\nminimize(np.sum, x0, jac=taylor.gradient)":
        "lambda x: gradient(f, x) where a function is wanted",
    "taylor.jvp(np.sin, x0)": "the argument 'v' is missing",
    "taylor.gradient(lambda x, y: np.sum(x * y), x0, x0, argnum=1)": "argnums= and has_aux=",
    "taylor.gradient(lambda x: np.sum(x), x0, x0)": "calls f(x, y, k=...)",
    "taylor.gradient(lambda x: np.sum(x), x0, argnums=1)": "argnums=1 for 1 arguments",
    "taylor.gradient(lambda x: np.sum(x), x0, argnums='x')": "argnums must be the position",
    "taylor.gradient(lambda x: np.sum(x), x0, has_aux=True)": "f must return (value, aux)",
    "taylor.gradient(lambda x: {'a': x[0]}, x0)": "f must return a number or an array, not dict",
    "taylor.hessian(lambda x: {'a': x[0]}, x0)": "f must return a number or an array, not dict",
    "taylor.gradient(lambda x: [x, x[:2]], x0)": "different shapes, (3,) and (2,)",
    "taylor.hvp(lambda x: [x, x[0]], x0, x0)": "different shapes, (3,) and ()",
    "taylor.gradient(lambda x: x**2, x0)": "use jacobian(f, x)",
    "taylor.hessian(lambda x: x**2, x0)": "use tensor(f, x, 2)",
    "taylor.jvp(lambda x: x**2, x0, np.ones(2))": "shape (2,), the point (3,)",
    "taylor.vjp(lambda x: x**2, x0, np.ones(2))": "w has shape (2,), but f(x) has shape (3,)",
    "taylor.hvp(lambda x: np.sum(x**2), x0, np.ones(2))": "shape (2,), the point (3,)",
    "taylor.jvp(lambda p: p['a'], {'a': x0, 'b': x0}, {'a': x0, 'c': x0})": "['a', 'b']",
    "taylor.gradient(lambda x: x, 'abc')": "no number in the arguments that vary (str)",
    "taylor.gradient(lambda x: x, None)": "no number in the arguments that vary (NoneType)",
    "taylor.gradient(lambda x: x, {})": "no number in the arguments that vary (dict)",
    "taylor.derivative(np.sin, 1.0, 2.5)": "order must be an integer >= 0, not 2.5",
    "taylor.derivative(np.sin, 1.0, -1)": "order must be >= 0, not -1",
    "Taylor.variable(1.0, order=2).derivative(3)": "raise the order",
    "taylor.tensor(lambda x: np.sum(x**2), x0, 40)": "taylor.directional",
    "import taylor.verified\ntaylor.verified.solve_ivp(lambda t, y: -y, 1.0, [1.0])":
        "t_span is a pair of times",
    "x, y = TaylorN.variables([1.0, 2.0], order=2)\n(x * y).partial((2, 1))": "is not kept",
    "x, y = TaylorN.variables([1.0, 2.0], order=2)\n(x * y).partial(2)": "one per variable",
    "TaylorN.variables(1.0, 2)": "one after the other",
    "Taylor.variable('a', 2)": "'a' (str) is not a number",
    "Taylor.variable(1.0, 2) + Taylor.variable(1.0, 3)": ".truncate(2)",
    "hyperdual.HyperDual(1.0, 1.0, 0.0) + Taylor.variable(1.0, 2)": "different algebras",
    "{Taylor.variable(1.0, 2)}": "unhashable",
    "if Taylor.variable(np.ones(2), 2): pass": "ambiguous",
    "Taylor.variable(1.0, 2).coefficient(3)": "raise the order",
    "taylor.derivative(np.exp, Fraction(1, 2))": "mpmath.mpf",
    "taylor.gradient(lambda x: np.sum(np.abs(np.fft.fft(x)) ** 2), [mpmath.mpf(1), 2])":
        "np.fft works in floating point only",
    "taylor.gradient(lambda x: np.linalg.eigvals(np.outer(x, x))[0].real, [mpmath.mpf(1), 2])":
        "eig works in floating point only",
    "taylor.policy(kink='foo').__enter__()": "choose one of",
    "kept = []\ntaylor.derivative(lambda x: (kept.append(x), x)[1], 1.0)\n"
    "taylor.derivative(lambda x: x * kept[0], 1.0)": "keep its .value",
    "kept = []\ntaylor.vjp(lambda x: (kept.append(x), x)[1], x0, x0)\nkept[0] + 1":
        "return results from the recorded function",
    "taylor.record(lambda x: pickle.loads(pickle.dumps(x)), x0)": "cannot be pickled",
    "taylor.rule(lambda x: np.sin(x))": "needs a quotient or a local series",
    "taylor.vjp(taylor.rule(vjp=lambda w: (w,))(np.copy), x0, x0)": "vjp(ybar, y, *args)",
    "taylor.vjp(taylor.rule(vjp=lambda w, y, x: w)(np.copy), x0, x0)": "one adjoint (None: zero)",
    "taylor.vjp(taylor.rule(vjp=lambda w, y, x: (w, w))(np.copy), x0, x0)": "here 1, not 2",
    "taylor.define('exp', np.exp)": "choose another name",
    "taylor.compile(3.0)": "compile needs a function",
    "taylor.objective(3.0)": "objective needs a function",
    "taylor.fixed_point(np.cos)": "a guess for Newton's method, or else a solver",
    "taylor.lanes(np.sin)(1.0)": "points lie along axis 0",
    "taylor.record(3.0, 1.0)": "only a function can be recorded",
    "taylor.gradient(lambda x: x**2, [1.0, None])": "it is one array if its elements",
    "taylor.gradient(lambda x: x**2, [[1.0, 2.0], [1.0]])": "it is one array if its elements",
    "p = taylor.record(lambda x: x**2, x0)\np(np.ones(2))": "record it again",
    "taylor.grad": "did you mean taylor.gradient?",
    "taylor.value_and_grad": "did you mean taylor.value_and_gradient?",
    "taylor.vmap": "did you mean taylor.lanes?",
    "taylor.jit": "did you mean taylor.compile?",
    "taylor.abs": "did you mean taylor.absolute?",
    "taylor.gradiant": "did you mean taylor.gradient?",
    "taylor.einsum": "write np.einsum",
    "taylor.solve_ivp": "did you mean taylor.ode.solve_ivp?",
    "taylor.HyperDual": "did you mean hyperdual.HyperDual?",
    "taylor.ode.odeint": "did you mean taylor.ode.solve_ivp?",
    "taylor.ode.solve_ipv": "did you mean taylor.ode.solve_ivp?",
    "import taylor.numpy as tnp\ntnp.lingalg": "did you mean taylor.numpy.linalg?",
    "import taylor.numpy as tnp\ntnp.linalg.slove": "did you mean taylor.numpy.linalg.solve?",
    "import taylor.numpy as tnp\ntnp.sni": "did you mean taylor.numpy.sin?",
    "taylor.linalg.exmp": "did you mean taylor.linalg.expm?",
    "taylor.array_api.mena": "did you mean taylor.array_api.mean?",
    "hyperdual.hesian": "did you mean hyperdual.hessian?",
    "import taylor.scipy.stats\ntaylor.scipy.stats.nrom": "did you mean taylor.scipy.stats.norm?",
    "taylor.scipy.stats.norm.pfd": "did you mean taylor.scipy.stats.norm.pdf?",
    **{
        f"import taylor.scipy.{module}\ntaylor.scipy.{module}.{wrong}":
        f"did you mean taylor.scipy.{module}.{right}?"
        for module, wrong, right in (
            ("integrate", "qaud", "quad"), ("interpolate", "CubicSplin", "CubicSpline"),
            ("signal", "lfiltr", "lfilter"), ("optimize", "brenqt", "brentq"),
            ("fft", "ftf", "fft"),
            ("ndimage", "gausian_filter", "gaussian_filter"), ("linalg", "slove", "solve"),
            ("spatial", "distanc", "distance"), ("special", "gamaln", "gammaln"),
        )
    },
    # proofs
    **{
        f"from taylor import verified as tv\n{call}": wanted
        for call, wanted in {
            "tv.quad(lambda x: [x, x], 0, 1)": "f has to return one number, not an array or a list",
            "tv.quad(lambda x: None, 0, 1)": "f returned None: is a return missing?",
            "tv.quad(np.sin, 0, 'a')": "b has to be made of real numbers, not 'a'",
            "tv.quad(np.sin, 0, 1, order='a')": "order must be an integer >= 0, not 'a'",
            "tv.quad(np.sin, 0, 1, max_pieces=-1)": "max_pieces has to be positive, not -1",
            "tv.range(np.sin, (0, 1), max_boxes=2.5)": "max_boxes has to be a positive integer",
            "tv.range(np.sin, (0, 1), tol='a')": "tol has to be a positive number, not 'a'",
            "tv.roots(3, (0, 1))": "the first argument is a function, not int",
            "tv.coefficients(np.sin, tv.Interval(1, 2), 3)": "those of a row of one number",
            "tv.coefficients(taylor.atan2, tv.Interval(1, 2), 3)": "of a row of one number",
            "tv.coefficients(taylor.sin, 1.0, 3)": "x is an Interval, not 1.0",
            "tv.coefficients(taylor.sin, tv.Interval(1, 2), -3)": "order must be >= 0",
            "tv.solve_ivp(3, (0, 1), [1.0])": "fun is a function of (t, y, *args), not int",
            "tv.solve_ivp(lambda t, y: -y, (0, 1), [])": "bounded states along one axis",
            "tv.solve_ivp(lambda t, y: -y, ('a', 1), [1.0])": "t_span has to be made of",
            "tv.solve_ivp(lambda t, y: -y, (0, 1), [1.0], t_eval='a')": "t_eval has to be made of",
            "tv.solve_ivp(lambda t, y: -y, (0, 1), [1.0])('a')": "t has to be made of real numbers",
            "tv.solve_ivp(lambda t, y: -y, (0, 1), [1.0], order=2.5)": "must be an integer >= 2",
            "tv.solve_ivp(lambda t, y: -y, (0, 1), [1.0], space_order=1.5)": "_order must be an",
            "tv.solve_ivp(lambda t, y: -y, (0, 1), [1.0], max_steps='a')": "max_steps has to be a",
            "tv.solve_ivp(lambda t, y: -y, (0, 1), [1.0], args=3)": "did you mean args=(3,)?",
            "tv.solve_ivp(lambda t, y, a: -a * y, (0, 1), [1.0])": "called as fun(t, y, *args)",
            "tv.solve_ivp(lambda t, y: [y[0], y[1]], (0, 1), [1.0])": "here with 1 states y",
            "tv.solve_ivp(lambda t, y: None, (0, 1), [1.0])": "fun returned NoneType",
            "tv.poincare(lambda t, y: -y, 3, [1.0])": "section is a function of y, not int",
            "tv.poincare(lambda t, y: -y, lambda y: y, [1.0])": "section has to return one number",
            "tv.integrate": "did you mean taylor.verified.quad?",
            "tv.minimise": "did you mean taylor.verified.minimize?",
        }.items()
    },
    # arguments that are of another kind
    "taylor.register(dict, 3, 4)": "register takes a class and two functions",
    "taylor.define('f1', 3, quotient=lambda a, y: (y, 1))": "is made of functions, and 3 is none",
    "taylor.rule(np.exp, vjp=3)": "is made of functions, and 3 is none",
    "from taylor.core.table import TABLE\nf = taylor.define('g', np.exp, quotient=lambda a, y: y)\n"
    "del TABLE['g']\nf(Taylor.variable(1.0, 2))": "(q, p)",
    "taylor.compile(np.sum, threads='a')": "threads is a positive integer, or None",
    "taylor.inverse_map(3)": "a list of scalar TaylorN series",
    "TaylorN.variables([1.0, 2.0], 2)[0](1.0)": "needs 2 displacements, got 1",
    "taylor.jv('a', Taylor.variable(1.0, 2))": "needs an integer order n, not 'a'",
    "taylor.implicit_root(lambda x, p: None, 1.0)(2.0)": "g returned None: is a return missing?",
    "taylor.SparseJacobian(3, x0)": "the first argument must be a function, not int",
    "taylor.sparse_jacobian(lambda x: None, x0)": "f returned None: is a return missing?",
    "taylor.record(lambda x: None, x0)": "f returned None: is a return missing?",
    "taylor.forward(3)": "is a program, record(f, x), not int",
    "taylor.reverse(np.sum)": "is a program, record(f, x), not",
    "taylor.jacobian_pattern(3)": "is a program, record(f, x), not int",
    "from taylor.scipy import special\nimport taylor.verified\n"
    "special.kn(taylor.verified.Interval(1), 0.5)": "has no derivative in its argument n",
    "hyperdual.second_partial(np.prod, x0, 'a', 0)": "its position among 3, not 'a'",
    "hyperdual.third_partial(np.prod, x0, 0, 1.5, 0)": "its position among 3, not 1.5",
    "taylor.partials(x='a')": "the size of a vector of variables is an integer, not 'a'",
    **{
        f"import taylor.operators as op\n{call}": wanted
        for call, wanted in {
            "op.estimate(op.partials(3)[0]**2, np.prod, x0, samples=2.5, seed=1)":
                "samples is an integer, how many there are to be, not 2.5",
            "op.estimate_laplacian(np.prod, x0, samples=3, seed=1, power=1.5)": "is 1, 2, ..., not",
            "op.estimate_laplacian(3, x0, samples=3, seed=1)": "f must be a function, not int",
        }.items()
    },
    "taylor.ode.second_order(3)": "acceleration is a function of (t, y, v, *args), not int",
    "taylor.ode.solve_ivp(taylor.ode.second_order(lambda t, q: -q), (0, 1), [1.0, 2.0])":
        "acceleration is called as acceleration(t, y, v, *args)",
    "taylor.ode.solve_ivp(taylor.ode.second_order(lambda t, y, v: -y), (0, 1), [1.0, 2, 3])":
        "the state of second_order is (y, v)",
    "taylor.ode.solve_ensemble(lambda t, y: -y, (0, 1), [[1.0]], threads='a')":
        "threads is a positive number, not 'a'",
    "taylor.operators.laplace": "did you mean taylor.operators.laplacian?",
    "taylor.scan(lambda s, x: s + x, 0.0, x0)": "scan(step, state, xs=rows)",
    "np.abs(1j * TaylorN.variables([1.0, 2.0], 2)[0])": "in a driver",
    "taylor.gradient(lambda v: np.ones(v[0]).sum(), x0)": "cannot be an index or a shape; int(x",
    "taylor.lanes(lambda v: v.sum(), np.eye(2))": "lanes(f)(x)",
    "taylor.jvp(lambda v: v.sum(), x0, None)": "the direction must be numbers in the shape",
    "taylor.hvp(lambda v: v.sum(), x0, {'a': 1.0})": "not dict",
    "taylor.value_and_gradient(lambda v: (v.sum(), 3), x0)": "has_aux=True if it is (value, aux)",
    "taylor.gradient(lambda v: [], x0)": "gradient needs a scalar-valued f",
    "from taylor.scipy import optimize\ntaylor.gradient(lambda p: optimize.broyden1("
    "lambda s: s - p[0], np.ones(1))[0], x0)":
    "taylor.scipy.optimize.broyden1 calls its function at plain numbers: hand",
    # solve_ivp
    "taylor.ode.solve_ivp(lambda y, t: [y[1], -y[0]], (0, 1), [1.0, 0.0])": "fun(t, y, *args)",
    "taylor.ode.solve_ivp(lambda t, y: [y[1]], (0, 1), [1.0, 0.0])": "one derivative for each",
    "taylor.ode.solve_ivp(lambda t, y: None, (0, 1), [1.0, 0.0])": "fun returned NoneType",
    "taylor.ode.solve_ivp(lambda t, y: -y, 1.0, [1.0])": "t_span is (t0, t1)",
    "taylor.ode.solve_ivp(lambda t, y: -y, (0, 1), [1.0], method='Euler')": "method is one of",
    "taylor.ode.solve_ivp(lambda t, y: -y, (0, 1), [1.0], events=3.0)": "function of (t, y, *args)",
    "taylor.ode.solve_ivp(lambda t, y: -y, (0, 1), [1.0], events=lambda y: y[0])":
        "event 0 is called as event(t, y, *args)",
    "taylor.ode.solve_ivp(lambda t, y: -y, (0, 1), [1.0], events=lambda t, y: None)":
        "is a return missing?",
    "taylor.ode.solve_ivp(lambda t, y: -y, (0, 1), [1.0], events=lambda t, y: y[0] > 0.5)":
        "return a number that crosses zero",
    "taylor.ode.solve_ivp(lambda t, y, a: -a * y, (0, 1), [1.0], args=(3))": "args=(3,)",
    "taylor.ode.solve_ivp(lambda t, y, a: -a * y, (0, 1), [1.0])": "fun(t, y, *args)",
    "taylor.ode.solve_ivp(lambda t, y: -y, (0, 1), [1.0], rtol=0)": "between 0 and 1, not 0",
    "taylor.ode.solve_ivp(lambda t, y: -y, (0, 1), [1.0], max_step=-1)": "positive number, not -1",
    "taylor.ode.solve_ivp(lambda t, y: -y, (0, 1), [1.0], t_eval=[0, 2])": "within t_span",
    "taylor.ode.solve_ivp(lambda t, y: [math.sin(y[0])], (0, 1), [1.0])": "np.sin(x)",
}  # fmt: skip


def said(run):
    """Return what an error and the notes on it say."""
    with pytest.raises(Exception) as caught, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        run()
    error = caught.value
    return "\n".join([f"{type(error).__name__}: {error}", *getattr(error, "__notes__", ())])


def check(text, wanted):
    assert any(part in text for part in wanted.split("|")), text
    assert len(text) < 450 and text.count("\n") < 3, text
    assert "RecursionError" not in text, text


def function(body):
    """Return the function f(x) with that body."""
    names = {}
    lines = "\n".join("    " + line for line in body.split("\n"))
    exec(f"{HEAD}\ndef f(x):\n{lines}", names)
    return names["f"]


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("body", FUNCTIONS)
def test_a_mistake_in_a_function_is_told_with_its_remedy(body, mode):
    check(said(lambda: MODES[mode](function(body))), FUNCTIONS[body])


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("call", SCIPY)
def test_functions_of_scipy_that_take_plain_numbers_are_named(call, mode):
    pytest.importorskip("scipy")
    f = function(f"from scipy import {MODULES}\nreturn {call}")
    check(said(lambda: MODES[mode](f)), SCIPY[call])


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("library", OTHERS)
def test_other_libraries_that_take_plain_numbers_are_named(library, mode):
    pytest.importorskip(library.split()[0])
    body, wanted = OTHERS[library]
    check(said(lambda: MODES[mode](function(body))), wanted)


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("program", PROGRAMS)
def test_a_mistaken_program_is_told_its_remedy(program):
    if "scipy" in program and importlib.util.find_spec("scipy") is None:
        return
    check(said(lambda: exec(HEAD + program, {})), PROGRAMS[program])


def test_errors_of_the_user_are_left_alone():
    def f(x):
        raise ValueError("mine")

    for mode in MODES.values():
        assert said(lambda mode=mode: mode(f)) == "ValueError: mine"


def test_the_page_that_is_named_is_there():
    assert (Path(__file__).parent.parent / advice.PAGE).exists()


def test_names_that_are_proposed_are_there():
    for module, names in advice.NAMES.items():
        for name in names.values():
            place = taylor if module == "taylor" else getattr(taylor, module.partition(".")[2])
            name = name.partition("(")[0].removeprefix("hyperdual.")
            for part in [] if name == "HyperDual" else name.split("."):
                place = getattr(place, part)


@pytest.mark.parametrize("name", ["expit", "gammaln", "psi", "xlogy", "ndtri"])
def test_functions_of_scipy_are_found_in_their_module(name):
    with pytest.raises(AttributeError, match=rf"did you mean taylor\.scipy\.special\.{name}\?"):
        getattr(taylor, name)
    assert callable(getattr(taylor.scipy.special, name))


# ------------------------------------------------------------------ what is no mistake
WORKS = [
    "return copy.deepcopy(x)[0] * 2",
    "return copy.copy(x)[0] * 2",
    "return sum(copy.deepcopy({'a': [x, 1.0]})['a'][0])",
    "return max(x[0], x[1]) + min(x)",
    "return sorted(x)[0] ** 2",
]


@pytest.mark.parametrize("mode", ["forward", "reverse", "compiled"])
@pytest.mark.parametrize("body", WORKS)
def test_what_users_write_beside_works_in_every_mode(body, mode):
    f = function(body)
    plain = f(X)
    value = {
        "forward": lambda: taylor.jvp(f, X, V)[0],
        "reverse": lambda: taylor.vjp(f, X, 1.0)[0],
        "compiled": lambda: taylor.compile(f)(X),
    }[mode]()
    assert value == pytest.approx(plain)


WAYS = {
    "forward": lambda f, x: taylor.jvp(f, x, V),
    "reverse": lambda f, x: taylor.vjp(f, x, 1.0),
    "directional": lambda f, x: taylor.directional(f, x, V, 3),
    "partial": lambda f, x: taylor.partial(f, x, (1,) * np.size(x)),
    "gradient": taylor.gradient,
    "hessian": taylor.hessian,
    "nested": lambda f, x: taylor.jvp(lambda z: taylor.gradient(f, z), x, V),
    "deep": lambda f, x: taylor.derivative(lambda t: taylor.directional(f, t * x, V, 2), 1.0),
    "recorded": taylor.record,
    "compiled": lambda f, x: taylor.compile(f)(x),
    "compiled gradient": lambda f, x: taylor.gradient(taylor.compile(f), x),
}


@pytest.mark.parametrize("mode", WAYS)
def test_a_value_is_written_as_the_plain_one_in_every_mode(mode):
    """Formats give the text of the value, also of coefficients that are values themselves."""
    seen = []

    def f(x):
        y = x[0] * x[1]
        seen.append(f"{y:.3f}|{np.sum(x):8.2e}|{2 * y:g}")
        return y

    f(X)
    WAYS[mode](f, X)
    assert len(seen) > 1 and len(set(seen)) == 1


def test_a_recorded_value_is_printed_with_its_place():
    seen = []
    taylor.record(lambda x: (seen.append(str(x + 1)), x)[1], 0.5)
    assert seen == ["<v2 = 1.5>"]


def test_a_series_is_pickled_and_a_recorded_value_is_not():
    t = taylor.Taylor.variable(1.0, 2)
    assert pickle.loads(pickle.dumps(t)) == t


@pytest.mark.parametrize("mode", MODES)
def test_what_numpy_asserts_of_values_is_told(mode):
    for f in (lambda x: np.testing.assert_allclose(x, X), lambda x: np.add(x, "a")):
        with pytest.raises((TypeError, ValueError)) as caught:
            MODES[mode](f)
        assert "x.value" in " ".join([str(caught.value), *caught.value.__notes__])
