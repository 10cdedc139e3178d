"""Compiled objects on disk, in a folder of their own that only this user can write to.

The folder is `taylor-arithmetic-objects` below TAYLOR_CACHE if that is set ("" switches the cache
off), else below the platform's folder for caches.  What is in it is executed, so it is used only if
nobody else can have written it: folder and file belong to this user, are no links and are closed to
other writers; otherwise a warning says what to do.  An object carries the checksum of its name and
content; whatever is damaged is made anew.  A disk that is full or read-only is no error.
"""

from __future__ import annotations

import contextlib
import functools
import hashlib
import itertools
import json
import os
import re
import stat
import sys
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

FOLDER = "taylor-arithmetic-objects"
OWN = re.compile(r"[0-9a-f]{64}\.object|new-\w{8}\.part")  # every file that is written here
DIGEST = 32
LARGEST = 1 << 28  # bytes of an object that is read
KEPT = 4000  # objects at most, and some more until they are counted again
SEEN = 4 * KEPT  # entries of the folder that are looked at


class Unsafe(Exception):
    """The folder is one that others can write to, or no folder of this user."""


def folder() -> Path | None:
    """Return where compiled objects are kept; None if the cache is switched off."""
    chosen = os.environ.get("TAYLOR_CACHE")
    if chosen is None:
        return _platform() / FOLDER
    return Path(chosen) / FOLDER if chosen else None


def is_used() -> bool:
    """Whether something may have been kept on disk."""
    place = folder()
    return place is not None and place.exists()


def _platform() -> Path:
    """Return the folder for caches that the platform's conventions name."""
    home = Path(os.path.expanduser("~"))
    if sys.platform == "win32":
        return Path(os.environ.get("LOCALAPPDATA") or home / "AppData" / "Local")
    if sys.platform == "darwin":
        return home / "Library" / "Caches"
    named = Path(os.environ.get("XDG_CACHE_HOME", ""))
    return named if named.is_absolute() else home / ".cache"


def load(name: str | None) -> tuple[Any, bytes] | None:
    """Return (description, object) kept under a name, a hash in hexadecimal digits, or None."""
    place = folder()
    if name is None or place is None:
        return None
    try:
        _check(place)
        body = _content(place / f"{name}.object", name)
        end = 8 + int.from_bytes(body[:8], "little")
        return (json.loads(body[8:end]), body[end:]) if end < len(body) else None
    except Unsafe as why:
        _warn(str(why))
    except (OSError, ValueError):  # nothing there, or nothing that was written here
        pass
    return None


def save(name: str | None, description: Any, code: bytes) -> None:
    """Keep an object; where that cannot be done, nothing is."""
    place = folder()
    if name is None or place is None:
        return
    text = json.dumps(description).encode()
    body = len(text).to_bytes(8, "little") + text + code
    try:
        _make(place)
        _check(place)
        _write(place, f"{name}.object", _digest(name, body) + body)
        if int(name[:8], 16) % max(1, KEPT // 64) == 0:  # counting takes its time
            _trim(place)
    except Unsafe as why:
        _warn(str(why))
    except OSError:
        pass


def clear() -> int:
    """Remove all objects from the folder and return their number; raises Unsafe, OSError."""
    place = folder()
    if place is None or not place.exists():
        return 0
    _check(place)
    return sum(_remove(file.path) for file in _own(place))


# ------------------------------------------------------------------ who can have written it
def _check(place: Path) -> None:
    """Raise Unsafe, unless a folder is one that only this user can write to."""
    found = os.lstat(place)
    fault = _fault(found)
    if fault is None and not stat.S_ISDIR(found.st_mode):
        fault = "it is a link, or no folder"
    if fault is not None:
        raise Unsafe(
            f"compiled code is not kept in {place}: {fault}, so that what is found there cannot "
            "be trusted; set TAYLOR_CACHE to a folder of your own, or to nothing"
        )


def _fault(found: os.stat_result) -> str | None:
    """Return what makes a file or folder one that others can have written."""
    if not hasattr(os, "getuid"):  # there the profile of a user is closed to others
        return None
    if found.st_uid != os.getuid():
        return f"it belongs to another user (number {found.st_uid})"
    if not stat.S_ISLNK(found.st_mode) and found.st_mode & (stat.S_IWGRP | stat.S_IWOTH):
        return f"others can write to it (mode {stat.S_IMODE(found.st_mode):o})"
    return None


@functools.cache
def _warn(message: str) -> None:
    """Warn, once for each message."""
    warnings.warn(message, RuntimeWarning, stacklevel=3)


# ------------------------------------------------------------------ files
def _digest(name: str, body: bytes) -> bytes:
    return hashlib.sha256(name.encode() + body).digest()


def _content(path: Path, name: str) -> bytes:
    """Return what was saved in a file; raises OSError or ValueError if it is anything else."""
    flags = os.O_RDONLY
    for flag in ("O_NOFOLLOW", "O_NONBLOCK", "O_BINARY"):  # a pipe must not be waited for
        flags |= getattr(os, flag, 0)
    with open(os.open(path, flags), "rb") as file:
        found = os.fstat(file.fileno())
        if not stat.S_ISREG(found.st_mode) or _fault(found) or found.st_size > LARGEST:
            raise ValueError(f"{path} is no object of this user")
        raw = file.read(found.st_size)
    if _digest(name, raw[DIGEST:]) != raw[:DIGEST]:
        raise ValueError(f"{path} is damaged")
    return raw[DIGEST:]


def _make(place: Path) -> None:
    """Make the folder, closed to others, if there is none."""
    place.parent.mkdir(parents=True, exist_ok=True)
    with contextlib.suppress(FileExistsError):
        place.mkdir(mode=0o700)


def _write(place: Path, name: str, raw: bytes) -> None:
    """Write a file as a whole: to a new one of a name that nobody can foresee, then moved."""
    import tempfile  # slow to import, and rarely needed

    number, temporary = tempfile.mkstemp(prefix="new-", suffix=".part", dir=place)
    try:
        with open(number, "wb") as file:
            file.write(raw)
        os.replace(temporary, place / name)
    except OSError:
        _remove(temporary)
        raise


def _own(place: Path, most: int | None = None) -> Iterator[os.DirEntry[str]]:
    """Yield what was written here among the entries, or so many of them, of the folder."""
    with os.scandir(place) as entries:
        for entry in itertools.islice(entries, most):
            if OWN.fullmatch(entry.name) and entry.is_file(follow_symlinks=False):
                yield entry


def _trim(place: Path) -> None:
    """Remove the oldest objects where there are too many."""
    files = list(_own(place, SEEN))
    if len(files) > KEPT:
        ages = [(file.stat(follow_symlinks=False).st_mtime, file.path) for file in files]
        for _, path in sorted(ages)[: len(files) - KEPT * 3 // 4]:
            _remove(path)


def _remove(path: str) -> bool:
    """Remove a file, and return whether it was there: another process may have been first."""
    try:
        os.unlink(path)
    except OSError:
        return False
    return True
