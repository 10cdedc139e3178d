"""The extension `fft` of the standard."""

from taylor.array_api.functions import FFT, standard

__all__ = sorted(FFT)
globals().update(standard(FFT))
