"""Hyper-dual numbers: exact mixed derivatives by ε_i² = 0 (Fike & Alonso, AIAA 2011-886).

>>> import hyperdual
>>> from hyperdual import HyperDual
>>> float(hyperdual.second_partial(lambda x: x[0] ** 2 * x[1], [1.0, 2.0], 0, 1))
2.0
"""

from typing import TYPE_CHECKING

from hyperdual.drivers import gradient, hessian, second_partial, third_partial
from hyperdual.number import HyperDual
from taylor.core.advice import suggesting

__all__ = ["HyperDual", "gradient", "hessian", "second_partial", "third_partial"]

if not TYPE_CHECKING:
    __getattr__ = suggesting(__name__)
