"""scipy.interpolate in the points and in the data: splines, polynomials, grids, FITPACK's fits.

>>> import taylor
>>> taylor.gradient(lambda y: interp1d([0.0, 1.0, 2.0], y)(0.25), [1.0, 2.0, 3.0])
array([0.75, 0.25, 0.  ])
"""

from typing import TYPE_CHECKING

from taylor.scipy import fits, grids, polynomials, splines
from taylor.scipy.fits import *  # noqa: F403
from taylor.scipy.grids import *  # noqa: F403
from taylor.scipy.polynomials import *  # noqa: F403
from taylor.scipy.splines import *  # noqa: F403
from taylor.scipy.theirs import names_of

__all__ = [*fits.__all__, *grids.__all__, *polynomials.__all__, *splines.__all__]

if not TYPE_CHECKING:
    __getattr__ = names_of(__name__)
