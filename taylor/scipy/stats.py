"""Distributions of scipy.stats in x and in all their parameters: pdf, cdf, sf, ppf and logarithms.

A distribution has SciPy's name and arguments, x (or q), its shapes, loc and scale, all of which may
be values of the package and broadcast as in NumPy.  What is no distribution is in `descriptive` and
`hypotheses`.

>>> import taylor
>>> taylor.gradient(lambda p: norm.logpdf(1.0, p[0], p[1]), [0.0, 2.0])
array([ 0.25 , -0.375])
>>> float(taylor.derivative(lambda df: t.ppf(0.975, df), 10.0)).__round__(6)
-0.030202
"""

from typing import TYPE_CHECKING, Any

from taylor.scipy import continuous, counts, descriptive, hypotheses, samples, uncommon, vectors
from taylor.scipy.continuous import *  # noqa: F403
from taylor.scipy.continuous import CONTINUOUS as COMMON
from taylor.scipy.counts import *  # noqa: F403
from taylor.scipy.counts import DISCRETE as DISCRETE
from taylor.scipy.descriptive import *  # noqa: F403
from taylor.scipy.discrete import Discrete as Discrete
from taylor.scipy.distributions import Continuous as Continuous
from taylor.scipy.distributions import Distribution as Distribution
from taylor.scipy.distributions import Frozen as Frozen
from taylor.scipy.hypotheses import *  # noqa: F403
from taylor.scipy.samples import *  # noqa: F403
from taylor.scipy.theirs import names_of
from taylor.scipy.uncommon import *  # noqa: F403
from taylor.scipy.uncommon import UNCOMMON
from taylor.scipy.vectors import *  # noqa: F403

__all__ = [
    *continuous.__all__, *counts.__all__, *descriptive.__all__, *hypotheses.__all__,
    *samples.__all__, *uncommon.__all__, *vectors.__all__,
]  # fmt: skip
CONTINUOUS = [*COMMON, *UNCOMMON]

if not TYPE_CHECKING:
    theirs_of = names_of(__name__)

    def __getattr__(name: str) -> Any:
        """Return what SciPy has under a name; a distribution has its methods, of plain numbers."""
        theirs = theirs_of(name)
        known = hasattr(theirs, "logsf") and not isinstance(theirs, type)
        return Distribution(name) if known else theirs
