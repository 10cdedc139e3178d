"""Machine code from LLVM IR text through llvmlite: `made` finds it in memory, or on disk.

On disk it has as its name a hash of what it was made from, the CPU and the versions, so that the
code of another program, or of an older version, is never found.

LLVM takes a third of the time for code that gives the same bits and is a sixth slower, if long and
of numbers alone up to four times.  So code is made quickly at first, and optimised when its calls
have been worth what that takes, where each is worth five milliseconds and half of its time: a small
function after one or two of them, a large one after 50.  Of code whose calls take far longer
elsewhere only their time counts.
"""

from __future__ import annotations

import ctypes
import functools
import hashlib
import itertools
import os
import pickle
import re
import sys
import threading
import time
import zlib
from collections.abc import Callable, Hashable, Mapping
from types import MappingProxyType
from typing import Any

import numpy as np
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
CALL, PART_OF_TIME = 5e-3, 1 / 2  # what a call by optimised code is worth in seconds (see `entry`)
LABEL = re.compile(r"\n[\w.]+:\n")
LONG = 1 << 18  # bytes of a basic block that LLVM's quick way goes through again and again
PRICE = 1e-6  # seconds to optimise a byte of the text of functions
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


def _machine(llvm: Any, opt: int = 2) -> Any:
    """Return a target machine; the engine that gets it owns it."""
    cpu, features = _cpu()
    return llvm.Target.from_default_triple().create_target_machine(
        cpu=cpu, features=features, opt=opt
    )


@functools.cache
def has_quick_way() -> bool:
    """Whether LLVM has a quick way for the code written here (its FastISel)."""
    return str(binding().get_default_triple()).startswith("x86_64")


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


def _is_quick(text: str) -> bool:
    """Whether LLVM's quick way is one for a text."""
    begins = [*(label.end() for label in LABEL.finditer(text)), len(text)]  # behind constants
    return has_quick_way() and max(b - a for a, b in itertools.pairwise(begins)) < LONG


def _compiled(text: str, opt: int) -> bytes:
    """Return the object of a text, made by a machine of its own: what it leaves behind is large."""
    llvm = binding()
    machine = _machine(llvm, opt)
    found: bytes = machine.emit_object(_needed(llvm, machine, text))
    return found


class Code:
    """A compiled function `void f(ptr)`, and that of its tiles; it lives as long as this object.

    `packed` is the text of an object that is not optimised yet, that of its functions so `long`;
    `kept` under what it is on disk.  `data` are the bytes of constant arrays that its text names.
    """

    def __init__(
        self,
        text: str | None,
        data: Mapping[str, bytes] = MappingProxyType({}),
        code: bytes = b"",
        packed: bytes = b"",
        long: int = 0,
    ) -> None:
        self.engines: list[Any] = []  # others may run the code of the first one
        self.rent, self.packed, self.long = 0.0, packed, long
        self.data = {name: _aligned(body) for name, body in data.items()}
        self.worth = CALL  # of a call, beside its time
        self.kept: tuple[str | None, Any] = None, None
        with _LOCK:
            if text is not None:
                quick = _is_quick(text)
                code = _compiled(text, 0 if quick else 2)
                self.packed = zlib.compress(text.encode(), 1) if quick else b""
                self.long = len(text) - text.find("\ndefine")
            self._link(code)

    def _link(self, code: bytes) -> None:
        """Call this object from now on."""
        llvm = binding()
        if BLAS.encode() in code:
            for name, where in blas.addresses().items():
                llvm.add_symbol(BLAS + name, where)
        for name, held in self.data.items():
            llvm.add_symbol(name, address(held))
        engine = llvm.create_mcjit_compiler(llvm.parse_assembly(""), _machine(llvm))
        engine.add_object_file(llvm.ObjectFileRef.from_data(code))
        engine.finalize_object()
        place = engine.get_function_address("f")
        tiles = engine.get_function_address("tiles")
        pointer, number = ctypes.c_void_p, ctypes.c_int64
        kind = ctypes.CFUNCTYPE(None, *[pointer] * 4, *[number] * 3)
        self.engines.append(engine)
        self.object = code
        self.functions = ctypes.CFUNCTYPE(None, pointer)(place), kind(tiles or place)

    def call(self, pointer: Any) -> None:
        """Run the code in a block of memory."""
        self._run(0, pointer)

    def tiles(self, *given: Any) -> None:
        """Run the code of tiles."""
        self._run(1, *given)

    def _run(self, which: int, *given: Any) -> None:
        if not self.packed:
            self.functions[which](*given)
            return
        begun = time.perf_counter()
        self.functions[which](*given)
        self.rent += self.worth + PART_OF_TIME * (time.perf_counter() - begun)
        if self.rent >= PRICE * self.long:
            self.final()

    def final(self, which: int = 0) -> Callable[..., None]:
        """Return the function, or that of tiles, which stays where it is: optimised."""
        with _LOCK:
            if self.packed:
                self._link(_compiled(zlib.decompress(self.packed).decode(), 2))
                self.packed = b""
                _save(*self.kept, self)
        return self.functions[which]

    @property
    def weight(self) -> int:
        """Bytes of the object and of its text, and about those of what links it."""
        return len(self.object) + len(self.packed) + 50_000 + sum(map(len, self.data.values()))


_BYTE = ctypes.c_char * 0


def address(x: NDArray[Any]) -> int:
    """Return where the numbers of an array lie (x.ctypes.data takes four times as long)."""
    try:
        return ctypes.addressof(_BYTE.from_buffer(x))  # type: ignore[arg-type]
    except (TypeError, ValueError):  # read-only or empty
        return int(x.ctypes.data)


def _aligned(body: bytes) -> NDArray[np.uint8]:
    """Return bytes in memory that begins at a whole vector."""
    raw = np.empty(len(body) + 64, np.uint8)
    held = raw[-address(raw) % 64 :][: len(body)]
    held[:] = np.frombuffer(body, np.uint8)
    return held


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
        (description, length, long, sizes), body = kept
        packed, data = body[:length], dict[str, bytes]()
        for name, size in sizes.items():
            data[name] = body[length : length + size]
            length += size
        code = Code(None, data, body[length:], packed, long)
    else:
        description, code = write()
        _save(place, description, code)
    code.kept = place, description
    return description, code


def _save(place: str | None, description: Any, code: Code) -> None:
    sizes = {name: len(held) for name, held in code.data.items()}
    body = b"".join([code.packed, *(held.tobytes() for held in code.data.values()), code.object])
    save(place, (description, len(code.packed), code.long, sizes), body)


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
