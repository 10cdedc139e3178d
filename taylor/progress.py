"""How far long work is: a bar of tqdm, or whatever a function makes of it.

`progress=` means the same wherever work is long: False (nothing), True (a bar of tqdm, in
notebooks one of theirs), or a function progress(done, left) of how much is done and is left, in the
unit of the work: boxes, blocks, members, time.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any, Self

from taylor.errors import deprecated

Report = bool | Callable[[float, float], object]
FORM = "{l_bar}{bar}| {n:.4g}/{total:.4g} {unit} [{elapsed}<{remaining}]"


class Progress:
    """Reports what is done and what is left; made by `progress=`."""

    def __init__(self, progress: Report, unit: str) -> None:
        if not (isinstance(progress, bool) or callable(progress)):
            raise TypeError(
                f"progress is True, False or a function of two numbers, not {progress!r}"
            )
        self.bar: Any = None
        self.call = _of_two(progress) if callable(progress) else None
        if progress is True:
            try:
                from tqdm.auto import tqdm
            except ImportError:
                raise ImportError(
                    "progress=True needs tqdm: pip install 'taylor-arithmetic[progress]', or pass "
                    f"a function of the {unit} done and left"
                ) from None
            self.bar = tqdm(total=0, unit=unit, bar_format=FORM)

    def __bool__(self) -> bool:
        """Whether anybody wants to know."""
        return self.bar is not None or self.call is not None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self.bar is not None:
            self.bar.close()

    def __call__(self, done: float, left: float) -> None:
        """Report how much is done and how much is left."""
        if self.call is not None:
            self.call(done, left)
        elif self.bar is not None:
            self.bar.total = done + left
            self.bar.update(done - self.bar.n)


def _of_two(progress: Callable[..., object]) -> Callable[[float, float], object]:
    """Return a function of what is done and left; of the share done, as version 0.1 called it."""
    try:
        inspect.signature(progress).bind(0.0, 0.0)
    except TypeError:
        deprecated("progress(share)", "progress(done, left)")
        return lambda done, left: progress(done / (done + left) if done + left else 1.0)
    except ValueError:  # a function of C that has no signature
        pass
    return progress
