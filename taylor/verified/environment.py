"""What floats must be like here: rounded to the nearest, and small ones kept.

Both are states of the processor that a library can change for the whole process; every bound of
this package would be wrong then.
"""

from __future__ import annotations

ONE, HALF, MORE = 1.0, 2.0**-53, 1.5 * 2.0**-53  # of the distance from 1 to the next float
LEAST, SMALL = 2.0**-1074, 2.0**-1022  # of all positive floats, of those with all their bits


def check() -> None:
    """Raise RuntimeError where floats are not rounded to the nearest, or small ones become zero."""
    if ONE + HALF != ONE or ONE + MORE == ONE:
        raise RuntimeError(
            "floats are not rounded to the nearest: a library has changed the rounding mode of "
            "this process (fesetround; codac does so when it is imported), so that no result "
            "could be a proof; import it in a process of its own"
        )
    if not (SMALL * 0.5 > 0 and LEAST * 2.0**60 > 0):
        raise RuntimeError(
            "floats below 2.2e-308 become zero: a library was compiled with -ffast-math and has "
            "set flush-to-zero for this process, so that no result could be a proof; import it in "
            "a process of its own"
        )
