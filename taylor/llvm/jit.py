"""Machine code from LLVM IR text through llvmlite: `made` finds it in memory, or on disk.

On disk it has as its name a hash of what it was made from, the CPU and the versions, so that the
code of another program, or of an older version, is never found.
"""

from __future__ import annotations

import ctypes
import functools
import hashlib
import os
import pickle
import sys
import threading
from collections.abc import Callable, Hashable
from typing import Any

from numpy.typing import NDArray

from taylor.kept import STORE
from taylor.llvm.ir import BLAS, PART
from taylor.llvm.store import folder, load, save
from taylor.numbers import blas

_LOCK = threading.RLock()
if hasattr(os, "register_at_fork"):  # a fork amid LLVM's work would never see that end
    os.register_at_fork(
        before=_LOCK.acquire, after_in_parent=_LOCK.release, after_in_child=_LOCK.release
    )
# The folders that write code: a change elsewhere leaves what is on disk as it is
WRITERS = ("numbers", "core", "linalg", "arrays", "llvm", "machine", "ode", "verified")


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


def _needed(llvm: Any, machine: Any, text: str) -> Any:
    """Return the module of a text without the results of functions that nobody asks for."""
    module = llvm.parse_assembly(text)
    if PART in text:
        passes = llvm.create_new_module_pass_manager()
        passes.add_dead_arg_elimination_pass()
        tuning = llvm.create_pipeline_tuning_options()
        passes.run(module, llvm.create_pass_builder(machine, tuning))
    return module


@functools.cache
def _source() -> bytes:
    """Return a hash of what writes the code: the package's modules, the versions, the CPU."""
    from importlib.resources import files

    import llvmlite

    h = hashlib.sha256(repr((llvmlite.__version__, _cpu(), sys.version_info[:2])).encode())
    for writer in WRITERS:
        for item in sorted(files("taylor").joinpath(writer).iterdir(), key=lambda item: item.name):
            if item.name.endswith(".py"):
                h.update(item.read_bytes())
    return h.digest()


class Code:
    """A compiled function `void f(ptr)`; it lives as long as this object."""

    def __init__(self, text: str | None, code: bytes | None = None) -> None:
        with _LOCK:
            llvm = binding()
            if code is None:  # by a machine of its own: what it leaves behind is large
                machine = _machine(llvm)
                code = machine.emit_object(_needed(llvm, machine, text or ""))
            self.object = code
            if BLAS.encode() in code:
                for name, place in blas.addresses().items():
                    llvm.add_symbol(BLAS + name, place)
            self.engine = llvm.create_mcjit_compiler(llvm.parse_assembly(""), _machine(llvm))
            self.engine.add_object_file(llvm.ObjectFileRef.from_data(code))
            self.engine.finalize_object()
            address = self.engine.get_function_address("f")
            tiles = self.engine.get_function_address("tiles")
        pointer, number = ctypes.c_void_p, ctypes.c_int64
        self.call: Callable[[Any], None] = ctypes.CFUNCTYPE(None, pointer)(address)
        kind = ctypes.CFUNCTYPE(None, *[pointer] * 4, *[number] * 3)
        self.tiles: Callable[..., None] = kind(tiles or address)

    @property
    def weight(self) -> int:
        """Bytes of the object, and about those of what links it."""
        return len(self.object) + 50_000


_BYTE = ctypes.c_char * 0


def address(x: NDArray[Any]) -> int:
    """Return where the numbers of an array lie (x.ctypes.data takes four times as long)."""
    try:
        return ctypes.addressof(_BYTE.from_buffer(x))  # type: ignore[arg-type]
    except (TypeError, ValueError):  # read-only or empty
        return int(x.ctypes.data)


def made(write: Callable[[], tuple[Any, Code]], *what: Hashable) -> tuple[Any, Code]:
    """Return (description, code) of what is computed, which `write` gives where nobody has before.

    `what` are names, numbers and identities (see `kept`); the last one tells things of this process
    apart that others have not, and is no part of the name on disk.  Addresses are no part of the
    code: those of BLAS are found when it is loaded, where it was written for a machine with one.
    """
    what = (blas.integers(), *what)
    found: tuple[Any, Code] | None = STORE.get(*what)
    if found is not None:
        return found
    with _LOCK:  # what one thread writes the others wait for
        return STORE.made(lambda: _kept_on_disk(write, what[:-1]), *what)


def _kept_on_disk(write: Callable[[], tuple[Any, Code]], what: Any) -> tuple[Any, Code]:
    place = _name(what)
    kept = load(place)
    if kept is not None:
        return kept[0], Code(None, kept[1])
    description, code = write()
    save(place, description, code.object)
    return description, code


def _name(what: Any) -> str | None:
    """Return the name on disk; None where it rests on something that has none of its own.

    A row of the table is known to every process by its name, a function of the user is not.
    """
    if folder() is None:
        return None
    try:
        text = pickle.dumps(what, protocol=5)
        same = pickle.loads(text) == what
    except Exception:  # whatever an object of the user raises
        return None
    return hashlib.sha256(_source() + text).hexdigest() if same else None
