"""scipy.signal of values of the package: filters, spectra, linear systems, waveforms.

>>> import taylor
>>> taylor.gradient(lambda b: lfilter(b, [1.0, -0.5], [1.0, 0.0, 0.0])[2], [1.0, 2.0])
array([0.25, 0.5 ])
"""

from typing import TYPE_CHECKING

from taylor.scipy import designs, filters, pulses, responses, spectra, systems
from taylor.scipy import windows as windows
from taylor.scipy.designs import *  # noqa: F403
from taylor.scipy.filters import *  # noqa: F403
from taylor.scipy.filters import MODES as MODES
from taylor.scipy.pulses import *  # noqa: F403
from taylor.scipy.responses import *  # noqa: F403
from taylor.scipy.spectra import *  # noqa: F403
from taylor.scipy.systems import *  # noqa: F403
from taylor.scipy.theirs import names_of
from taylor.scipy.windows import get_window as get_window

__all__ = [
    *designs.__all__, *filters.__all__, *pulses.__all__, *responses.__all__, *spectra.__all__,
    *systems.__all__,
]  # fmt: skip

if not TYPE_CHECKING:
    __getattr__ = names_of(__name__)
