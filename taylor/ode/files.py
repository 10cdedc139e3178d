"""Arrays in files: NumPy's npz, with what they are and a checksum of the whole file.

The checksum is the comment of the zip archive, so that NumPy reads the file, too.  It is looked at
before anything else is, and nothing is unpickled: a file that was cut, damaged or altered is an
error that names it.  A file is written as a whole, or not at all.
"""

from __future__ import annotations

import hashlib
import os
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]
MARK = b"sha256:"
COMMENT = len(MARK) + 64
KIND = "kind"


def write(path: Path, kind: str, arrays: dict[str, Array]) -> None:
    """Write arrays to a file; `kind` says what they are, with the version of the format."""
    path = Path(os.path.realpath(path))
    temporary = path.with_name(f"{path.name}.{os.urandom(8).hex()}")
    with temporary.open("x+b") as file:
        try:
            named: dict[str, Any] = {KIND: np.array(kind), **arrays}
            np.savez(file, **named)
            file.seek(-2, os.SEEK_END)  # the length of the comment, 0 so far
            file.write(COMMENT.to_bytes(2, "little"))
            digest = _digest(file, file.tell())
            file.write(MARK + digest)
            file.close()
            temporary.replace(path)
        except BaseException:
            temporary.unlink(missing_ok=True)
            raise


def read(path: Path, kind: str) -> dict[str, Array]:
    """Return the arrays that `write` wrote; raises ValueError for any other file."""
    if path.exists() and not path.is_file():  # a pipe would be waited for
        raise ValueError(f"{path} is no file")
    with path.open("rb") as file:
        size = file.seek(0, os.SEEK_END) - COMMENT
        file.seek(max(size, 0))
        comment = file.read()
        if size < 0 or comment[: len(MARK)] != MARK:
            raise ValueError(f"{path} is cut, or is no file that taylor.ode wrote")
        if MARK + _digest(file, size) != comment:
            raise ValueError(f"{path} is damaged: its content is not what was written")
        file.seek(0)
        try:
            with np.load(file, allow_pickle=False) as data:
                arrays = {name: data[name] for name in data.files}
        except Exception as error:  # of any kind: zipfile and NumPy raise whatever it leads to
            raise ValueError(f"{path} holds no arrays: {error}") from error
    found = str(arrays.pop(KIND, "nothing"))
    if found != kind:
        raise ValueError(f"{path} holds {found}, not {kind}")
    return arrays


def _digest(file: IO[bytes], size: int) -> bytes:
    """Return the hash of the first bytes of a file, and leave it behind them."""
    file.seek(0)
    h = hashlib.sha256()
    while size > 0 and (block := file.read(min(size, 1 << 20))):
        h.update(block)
        size -= len(block)
    return h.hexdigest().encode()
