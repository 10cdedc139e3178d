"""The extension `linalg` of the standard."""

from taylor.array_api.functions import LINALG, standard

__all__ = sorted(LINALG)
globals().update(standard(LINALG))
