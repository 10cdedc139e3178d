"""Machine code from LLVM IR text through llvmlite, kept in memory and on disk.

An object on disk is named by the hash of what it was made from, the CPU and the versions, so that a
foreign or an older one is never found; it carries its own checksum, so that a damaged one is made
again.  It is written to a temporary file and moved, so that processes do not disturb each other.
The folder is TAYLOR_CACHE if that is set ("" switches the cache off), else the user's cache folder.
"""

from __future__ import annotations

import contextlib
import ctypes
import functools
import hashlib
import json
import os
import pickle
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

_LOCK = threading.Lock()
if hasattr(os, "register_at_fork"):  # a fork amid LLVM's work would never see that end
    os.register_at_fork(
        before=_LOCK.acquire, after_in_parent=_LOCK.release, after_in_child=_LOCK.release
    )
DIGEST = 32
KEPT = 4000  # objects on disk at most


@functools.cache
def binding() -> Any:
    """Return llvmlite's binding, made ready for this CPU."""
    import llvmlite.binding as llvm

    llvm.initialize_native_target()
    llvm.initialize_native_asmprinter()
    return llvm


@functools.cache
def _cpu() -> tuple[str, str]:
    llvm = binding()
    return llvm.get_host_cpu_name(), llvm.get_host_cpu_features().flatten()


def _machine(llvm: Any) -> Any:
    """Return a target machine; the engine that gets it owns it."""
    cpu, features = _cpu()
    return llvm.Target.from_default_triple().create_target_machine(
        cpu=cpu, features=features, opt=2
    )


def folder() -> Path | None:
    """Return where compiled objects are kept; None if the cache is switched off."""
    chosen = os.environ.get("TAYLOR_CACHE")
    if chosen is not None:
        return Path(chosen) if chosen else None
    home = Path(os.path.expanduser("~"))
    if sys.platform == "win32":
        base = Path(os.environ.get("LOCALAPPDATA", home / "AppData" / "Local"))
    elif sys.platform == "darwin":
        base = home / "Library" / "Caches"
    else:
        base = Path(os.environ.get("XDG_CACHE_HOME", home / ".cache"))
    return base / "taylor-arithmetic" if base.is_absolute() else None


@functools.cache
def _source() -> bytes:
    """Return a hash of what writes the code: the package's modules, the versions, the CPU."""
    import llvmlite

    h = hashlib.sha256(repr((llvmlite.__version__, _cpu(), sys.version_info[:2])).encode())
    for path in sorted(Path(__file__).parent.glob("**/*.py")):
        h.update(path.read_bytes())
    return h.digest()


def key(*parts: Any) -> str | None:
    """Return the name of what is made from these parts; None if they cannot be written down."""
    try:
        text = pickle.dumps(parts, protocol=5)
    except (pickle.PicklingError, AttributeError, TypeError):
        return None
    return hashlib.sha256(_source() + text).hexdigest()


def load(name: str | None) -> tuple[Any, bytes] | None:
    """Return (description, object) kept under a name, or None."""
    place = folder()
    if name is None or place is None:
        return None
    try:
        raw = (place / name).read_bytes()
    except OSError:
        return None
    if hashlib.sha256(raw[DIGEST:]).digest() != raw[:DIGEST]:
        return None
    size = int.from_bytes(raw[DIGEST : DIGEST + 8], "little")
    start = DIGEST + 8
    return json.loads(raw[start : start + size]), raw[start + size :]


def save(name: str | None, description: Any, code: bytes) -> None:
    """Keep an object; a folder that cannot be written to is no error."""
    place = folder()
    if name is None or place is None:
        return
    text = json.dumps(description).encode()
    body = len(text).to_bytes(8, "little") + text + code
    with contextlib.suppress(OSError):
        place.mkdir(parents=True, exist_ok=True)
        temporary = place / f"{name}.{os.getpid()}.{threading.get_ident()}"
        try:
            temporary.write_bytes(hashlib.sha256(body).digest() + body)
            temporary.replace(place / name)
        except OSError:
            temporary.unlink(missing_ok=True)
            raise
        _trim(place)


def _trim(place: Path) -> None:
    """Remove the oldest objects where there are too many."""
    files = [file for file in os.scandir(place) if file.is_file()]
    if len(files) > KEPT:
        files.sort(key=lambda file: file.stat().st_mtime)
        for file in files[: len(files) - KEPT * 3 // 4]:
            with contextlib.suppress(OSError):  # another process may have removed it
                os.unlink(file.path)


class Code:
    """A compiled function `void f(ptr)`; it lives as long as this object."""

    def __init__(self, text: str | None, code: bytes | None = None) -> None:
        with _LOCK:
            llvm = binding()
            module = llvm.parse_assembly(text or "")
            machine = _machine(llvm)
            if code is None:
                code = machine.emit_object(module)
                module = llvm.parse_assembly("")
            self.object = code
            self.engine = llvm.create_mcjit_compiler(module, machine)
            self.engine.add_object_file(llvm.ObjectFileRef.from_data(code))
            self.engine.finalize_object()
            address = self.engine.get_function_address("f")
            tiles = self.engine.get_function_address("tiles")
        pointer, number = ctypes.c_void_p, ctypes.c_int64
        self.call: Callable[[Any], None] = ctypes.CFUNCTYPE(None, pointer)(address)
        kind = ctypes.CFUNCTYPE(None, *[pointer] * 4, *[number] * 3)
        self.tiles: Callable[..., None] = kind(tiles or address)


def code_of(name: str, write: Callable[[], str]) -> Code | None:
    """Return the code of the text that `write` gives, kept by name; None without llvmlite."""
    try:
        place = key(name)
        kept = load(place)
        if kept is not None:
            return Code(None, kept[1])
        code = Code(write())
        save(place, [], code.object)
        return code
    except (ImportError, OSError):
        return None
