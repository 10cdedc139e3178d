"""Machine code from LLVM IR text through llvmlite; what is kept on disk has its name from `key`.

The name is a hash of what the code was made from, the CPU and the versions, so that the code of
another program, or of an older version, is never found.
"""

from __future__ import annotations

import ctypes
import functools
import hashlib
import os
import pickle
import sys
import threading
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

from taylor.store import load, save

if TYPE_CHECKING:
    from importlib.resources.abc import Traversable

_LOCK = threading.Lock()
if hasattr(os, "register_at_fork"):  # a fork amid LLVM's work would never see that end
    os.register_at_fork(
        before=_LOCK.acquire, after_in_parent=_LOCK.release, after_in_child=_LOCK.release
    )
# Modules that write no code: a change in them leaves what is on disk as it is
OTHERS = ("__main__.py", "effort.py", "expression.py", "tour.py")


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


@functools.cache
def _source() -> bytes:
    """Return a hash of what writes the code: the package's modules, the versions, the CPU."""
    from importlib.resources import files

    import llvmlite

    h = hashlib.sha256(repr((llvmlite.__version__, _cpu(), sys.version_info[:2])).encode())
    for text in writers(files("taylor")):
        h.update(text)
    return h.digest()


def writers(folder: Traversable) -> Iterator[bytes]:
    """Yield the texts of the modules in a folder, without those that write no code."""
    for item in sorted(folder.iterdir(), key=lambda item: item.name):
        if item.is_dir():
            yield from writers(item)
        elif item.name.endswith(".py") and item.name not in OTHERS:
            yield item.read_bytes()


def key(*parts: Any) -> str | None:
    """Return the name of what is made from these parts; None if they cannot be written down."""
    try:
        text = pickle.dumps(parts, protocol=5)
    except (pickle.PicklingError, AttributeError, TypeError):
        return None
    return hashlib.sha256(_source() + text).hexdigest()


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
