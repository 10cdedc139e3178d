"""How far a search is: a bar of tqdm, or whatever a function makes of it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Self


class Progress:
    """Reports what is done and what is left; made by `progress=`: True, False, or a function."""

    def __init__(self, progress: bool | Callable[[int, int], object], unit: str) -> None:
        if not (isinstance(progress, bool) or callable(progress)):
            raise TypeError(
                f"progress is True, False or a function of two counts, not {progress!r}"
            )
        self.bar: Any = None
        self.call = progress if callable(progress) else None
        if progress is True:
            try:
                from tqdm import tqdm
            except ImportError:
                raise ImportError(
                    "progress=True needs tqdm; install it, or pass a function of the numbers of "
                    f"{unit} done and left"
                ) from None
            self.bar = tqdm(unit=f" {unit}")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self.bar is not None:
            self.bar.close()

    def __call__(self, done: int, left: int) -> None:
        """Report the numbers of what is done and of what is left."""
        if self.call is not None:
            self.call(done, left)
        elif self.bar is not None:
            self.bar.total = done + left
            self.bar.update(done - self.bar.n)
