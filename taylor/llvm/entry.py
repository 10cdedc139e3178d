"""Calls of machine code by Python without Python in between, through CPython's and NumPy's C-API.

`Entry.call` is a built-in function.  Its forms are tried one after the other: where the arguments
have the kinds and the shapes of a form they are copied into its block of memory, its code runs, and
results are made of what it wrote; where no form takes them, or its flags say that its results are
not to be used, the call returns None.  A form is busy while it runs: a call that comes meanwhile,
from another thread or from within, gets None.  All addresses lie in tables, so that the code, which
is the same for every form, is kept on disk.

| word of a form | |      | word of a number or array | |
|---|---|---|---|---|
| 0 | the next form      | | 0 | how many axes; -1: it is one object, at the address in word 5 |
| 1 | whether it is busy | | 1 | where its numbers lie in the block |
| 2 | arguments          | | 2 | where the imaginary parts do; 0: it is real |
| 3 | code               | | 3 | how many numbers; -1: code writes it (see `Written`) |
| 4 | block of memory    | | 4 | the lengths of its axes |
| 5 | where flags lie    | | 5 | an array of its kind and shape, or that code's block |
| 6 | whether other threads may run | | | |
| 7 | how many results; -1: it is the result, not in a tuple | | | |
| 8 | what makes the result of the tuple of results; 0: it is that | | | |
| 9 | the table of the C-API | | | |
| 10 | arguments, then results, six words each | | | |
"""

from __future__ import annotations

import ctypes
import functools
import importlib
import math
import re
import sys
from collections.abc import Callable, Hashable, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from taylor.llvm.jit import Code, address, made

FASTCALL = 0x0080  # the calling convention METH_FASTCALL
NEAR = 257  # flags of an array: C-contiguous and aligned
MOST = 16  # forms that are tried; the next one begins anew
KEPT: list[Any] = []  # what C knows the address of as long as the process lives
OBJECTS = (None, float, np.float64, complex, np.complex128, np.ndarray)
DTYPES = (np.dtype(float), np.dtype(complex))
PYTHON = (
    "Py_IncRef", "Py_DecRef", "PyTuple_New", "PyTuple_SetItem", "PyObject_CallOneArg",
    "PyEval_SaveThread", "PyEval_RestoreThread",
)  # fmt: skip
API = ctypes.pythonapi
ABI = 0x2000000  # of the NumPys whose table this is
NUMPY = (50, 60, 93)  # PyArray_CopyInto, PyArray_Scalar, PyArray_New: places in its table
READ = re.compile(r"(%[\w.]+) := (\w+) (%\w+)\[(\d+)\]")  # a register := what lies so far behind it
TEXT = """
define ptr @f(ptr %self, ptr %args, i64 %n) {
entry:
  %first := ptr %self[16]
  br label %form
form:
  %d = phi ptr [%first, %entry], [%other, %next]
  %api := ptr %d[72]
  %busy := i64 %d[8]
  %count := i64 %d[16]
  %idle = icmp eq i64 %busy, 0
  %as.many = icmp eq i64 %count, %n
  %fits = and i1 %idle, %as.many
  br i1 %fits, label %enter, label %next
enter:
  store i64 1, ptr %busy.p
  br label %argument
argument:
  %i = phi i64 [0, %enter], [%following, %one]
  %at = mul i64 %i, 48
  %record.i = getelementptr i8, ptr %d, i64 %at
  %record = getelementptr i8, ptr %record.i, i64 80
  %all = icmp eq i64 %i, %n
  br i1 %all, label %run, label %one
one:
  %x.p = getelementptr ptr, ptr %args, i64 %i
  %x = load ptr, ptr %x.p
  %following = add i64 %i, 1
  %taken = call i32 @taken(ptr %x, ptr %record, ptr %api)
  switch i32 %taken, label %leave [i32 1, label %argument i32 -1, label %failed]
run:
  call void @run(ptr %d, ptr %api)
  %flags := ptr %d[40]
  %wrong := double %flags[0]
  %lost := double %flags[8]
  %right = fcmp oeq double %wrong, 0.0
  br i1 %right, label %check, label %leave
check:
  %finite = fcmp oeq double %lost, 0.0
  br i1 %finite, label %results, label %infinite
leave:
  store i64 0, ptr %busy.p
  br label %next
next:
  %other := ptr %d[0]
  %end = icmp eq ptr %other, null
  br i1 %end, label %nothing, label %form
infinite:
  store i64 0, ptr %busy.p
  br label %nothing
nothing:
  %none := ptr %api[0]
  %increase := ptr %api[64]
  call void %increase(ptr %none)
  ret ptr %none
failed:
  store i64 0, ptr %busy.p
  ret ptr null
results:
  %total := i64 %d[56]
  %alone = icmp slt i64 %total, 0
  br i1 %alone, label %result, label %several
result:
  %y = call ptr @made(ptr %record, ptr %api)
  store i64 0, ptr %busy.p
  ret ptr %y
several:
  %tuple = call ptr @collected(ptr %record, i64 %total, ptr %api)
  store i64 0, ptr %busy.p
  %maker := ptr %d[64]
  %no.maker = icmp eq ptr %maker, null
  %no.tuple = icmp eq ptr %tuple, null
  %done = or i1 %no.maker, %no.tuple
  br i1 %done, label %finished, label %build
finished:
  ret ptr %tuple
build:
  %one.arg := ptr %api[96]
  %decrease := ptr %api[72]
  %built = call ptr %one.arg(ptr %maker, ptr %tuple)
  call void %decrease(ptr %tuple)
  ret ptr %built
}

define internal void @run(ptr %d, ptr %api) {
  %code := ptr %d[24]
  %block := ptr %d[32]
  %long := i64 %d[48]
  %is.long = icmp ne i64 %long, 0
  br i1 %is.long, label %apart, label %here
here:
  call void %code(ptr %block)
  ret void
apart:
  %save := ptr %api[104]
  %restore := ptr %api[112]
  %state = call ptr %save()
  call void %code(ptr %block)
  call void %restore(ptr %state)
  ret void
}

define internal i32 @taken(ptr %x, ptr %record, ptr %api) {
entry:
  %type := ptr %x[8]
  %axes := i64 %record[0]
  %to := ptr %record[8]
  %im := ptr %record[16]
  %array := ptr %api[40]
  %real = icmp eq ptr %im, null
  %is.array = icmp eq ptr %type, %array
  %is.fixed = icmp slt i64 %axes, 0
  br i1 %is.fixed, label %fixed, label %free
fixed:
  %object := ptr %record[40]
  %is.object = icmp eq ptr %x, %object
  br i1 %is.object, label %yes, label %no
free:
  br i1 %is.array, label %an.array, label %a.number
a.number:
  %float := ptr %api[8]
  %double := ptr %api[16]
  %complex := ptr %api[24]
  %complex128 := ptr %api[32]
  %mine = select i1 %real, ptr %float, ptr %complex
  %numpy = select i1 %real, ptr %double, ptr %complex128
  %is.mine = icmp eq ptr %type, %mine
  %is.numpy = icmp eq ptr %type, %numpy
  %is.number = or i1 %is.mine, %is.numpy
  %no.axes = icmp eq i64 %axes, 0
  %good = and i1 %is.number, %no.axes
  br i1 %good, label %number, label %no
number:
  %v := double %x[16]
  store double %v, ptr %to
  br i1 %real, label %yes, label %rest
rest:
  %w := double %x[24]
  store double %w, ptr %im
  br label %yes
an.array:
  %own.axes := i32 %x[24]
  %own.wide = sext i32 %own.axes to i64
  %lengths := ptr %x[32]
  %dtype := ptr %x[56]
  %flags := i32 %x[64]
  %dtype.real := ptr %api[48]
  %dtype.complex := ptr %api[56]
  %wanted = select i1 %real, ptr %dtype.real, ptr %dtype.complex
  %same.dtype = icmp eq ptr %dtype, %wanted
  %same.axes = icmp eq i64 %own.wide, %axes
  %alike = and i1 %same.dtype, %same.axes
  %shape := ptr %record[32]
  br i1 %alike, label %axis, label %no
axis:
  %k = phi i64 [0, %an.array], [%more, %compare]
  %compared = icmp eq i64 %k, %axes
  br i1 %compared, label %fits, label %compare
compare:
  %m.p = getelementptr i64, ptr %lengths, i64 %k
  %m = load i64, ptr %m.p
  %s.p = getelementptr i64, ptr %shape, i64 %k
  %s = load i64, ptr %s.p
  %more = add i64 %k, 1
  %same = icmp eq i64 %m, %s
  br i1 %same, label %axis, label %no
fits:
  %near = and i32 %flags, 257
  %is.near = icmp eq i32 %near, 257
  br i1 %is.near, label %copy, label %afar
afar:
  %copy.into := ptr %api[120]
  %held := ptr %record[40]
  %status = call i32 %copy.into(ptr %held, ptr %x)
  %copied = icmp eq i32 %status, 0
  br i1 %copied, label %copy, label %failed
copy:
  %source = phi ptr [%x, %fits], [%held, %afar]
  %from := ptr %source[16]
  %count := i64 %record[24]
  %bytes = mul i64 %count, 8
  br i1 %real, label %whole, label %split
whole:
  %move := ptr %api[144]
  call ptr %move(ptr %to, ptr %from, i64 %bytes)
  br label %yes
split:
  %j = phi i64 [0, %copy], [%j.next, %pair]
  %every = icmp eq i64 %j, %count
  br i1 %every, label %yes, label %pair
pair:
  %two = mul i64 %j, 2
  %a.p = getelementptr double, ptr %from, i64 %two
  %a = load double, ptr %a.p, align 8
  %b.p = getelementptr double, ptr %a.p, i64 1
  %b = load double, ptr %b.p, align 8
  %to.j = getelementptr double, ptr %to, i64 %j
  store double %a, ptr %to.j
  %im.j = getelementptr double, ptr %im, i64 %j
  store double %b, ptr %im.j
  %j.next = add i64 %j, 1
  br label %split
yes:
  ret i32 1
no:
  ret i32 0
failed:
  ret i32 -1
}

define internal ptr @made(ptr %record, ptr %api) {
entry:
  %axes := i64 %record[0]
  %re := ptr %record[8]
  %im := ptr %record[16]
  %count := i64 %record[24]
  %shape := ptr %record[32]
  %held := ptr %record[40]
  %real = icmp eq ptr %im, null
  %number = icmp eq i64 %axes, 0
  br i1 %number, label %scalar, label %array
scalar:
  %room := ptr %held[16]
  br i1 %real, label %boxed, label %both
both:
  call void @joined(ptr %room, ptr %re, ptr %im, i64 1)
  br label %boxed
boxed:
  %dtype.real := ptr %api[48]
  %dtype.complex := ptr %api[56]
  %dtype = select i1 %real, ptr %dtype.real, ptr %dtype.complex
  %box := ptr %api[128]
  %s = call ptr %box(ptr %room, ptr %dtype, ptr null)
  ret ptr %s
array:
  %type := ptr %api[40]
  %new := ptr %api[136]
  %axes.int = trunc i64 %axes to i32
  %kind = select i1 %real, i32 12, i32 15
  %y = call ptr %new(ptr %type, i32 %axes.int, ptr %shape, i32 %kind, ptr null, ptr null, i32 0,
                     i32 0, ptr null)
  %none = icmp eq ptr %y, null
  br i1 %none, label %end, label %filled
filled:
  %to := ptr %y[16]
  %bytes = mul i64 %count, 8
  %is.written = icmp slt i64 %count, 0
  br i1 %is.written, label %written, label %copied
written:
  store ptr %to, ptr %held
  call void %re(ptr %held)
  br label %end
copied:
  br i1 %real, label %whole, label %pairs
whole:
  %move := ptr %api[144]
  call ptr %move(ptr %to, ptr %re, i64 %bytes)
  br label %end
pairs:
  call void @joined(ptr %to, ptr %re, ptr %im, i64 %count)
  br label %end
end:
  ret ptr %y
}

define internal void @joined(ptr %to, ptr %re, ptr %im, i64 %count) {
entry:
  br label %next
next:
  %j = phi i64 [0, %entry], [%j.next, %pair]
  %every = icmp eq i64 %j, %count
  br i1 %every, label %end, label %pair
pair:
  %re.j = getelementptr double, ptr %re, i64 %j
  %a = load double, ptr %re.j
  %im.j = getelementptr double, ptr %im, i64 %j
  %b = load double, ptr %im.j
  %two = mul i64 %j, 2
  %a.p = getelementptr double, ptr %to, i64 %two
  store double %a, ptr %a.p
  %b.p = getelementptr double, ptr %a.p, i64 1
  store double %b, ptr %b.p
  %j.next = add i64 %j, 1
  br label %next
end:
  ret void
}

define internal ptr @collected(ptr %records, i64 %total, ptr %api) {
entry:
  %new := ptr %api[80]
  %tuple = call ptr %new(i64 %total)
  %none = icmp eq ptr %tuple, null
  br i1 %none, label %end, label %next
next:
  %i = phi i64 [0, %entry], [%i.next, %put]
  %all = icmp eq i64 %i, %total
  br i1 %all, label %end, label %one
one:
  %at = mul i64 %i, 48
  %record = getelementptr i8, ptr %records, i64 %at
  %y = call ptr @made(ptr %record, ptr %api)
  %failed = icmp eq ptr %y, null
  br i1 %failed, label %drop, label %put
put:
  %set := ptr %api[88]
  %status = call i32 %set(ptr %tuple, i64 %i, ptr %y)
  %i.next = add i64 %i, 1
  br label %next
drop:
  %decrease := ptr %api[72]
  call void %decrease(ptr %tuple)
  ret ptr null
end:
  ret ptr %tuple
}
"""


class Method(ctypes.Structure):
    """CPython's PyMethodDef."""

    _fields_ = (
        ("name", ctypes.c_char_p),
        ("code", ctypes.c_void_p),
        ("flags", ctypes.c_int),
        ("text", ctypes.c_char_p),
    )


class Value(NamedTuple):
    """A number or an array in the block: the places of its (real, imaginary) numbers, its shape."""

    places: tuple[int, ...]
    shape: tuple[int, ...]


class Written(NamedTuple):
    """A real array of a shape that code writes, which finds its address first in its block.

    The block holds addresses of what else is `held`.
    """

    code: Code
    block: NDArray[np.int64]
    shape: tuple[int, ...]
    held: Any


class Fixed(NamedTuple):
    """An argument that is this object, which cannot change."""

    value: Any


def nothing(*x: Any) -> None:
    """Return None: what a function without forms returns."""


class Entry:
    """A function of numbers and arrays whose forms are machine code; `call` calls it."""

    def __init__(self) -> None:
        self._begin()

    def _begin(self) -> None:
        self.call: Callable[..., Any] = nothing
        self.keys: set[Hashable] = set()
        self.last: NDArray[Any] | None = None
        self.kept: list[Any] = []  # what the words of the forms are the addresses of

    def add(
        self,
        key: Hashable,
        code: Code,
        data: NDArray[Any],
        flag: int,
        inputs: Sequence[Value | Fixed],
        outputs: Sequence[Value | Written],
        result: Callable[[Any], Any] | bool,
        long: bool,
    ) -> None:
        """Add code that works in a block of memory of its own, and has two flags in it, once.

        `result` makes the result of the tuple of outputs; True: it is the tuple, False: it is its
        only entry.  Other threads may run beside code that takes long.  Code that is not optimised
        yet is not added: its calls are to be counted.
        """
        table, function = _ready()
        if function is None or key in self.keys or code.packed:
            return
        if len(self.keys) == MOST:
            self._begin()
        maker = 0 if isinstance(result, bool) else id(result)
        count = -1 if result is False else len(outputs)
        words = [0, 0, len(inputs), place_of(code.final()), address(data), address(data[flag:])]
        words += [long, count, maker, address(table)]
        for value in (*inputs, *outputs):
            words += self._record(value, data)
        form = np.array(words, np.int64)
        self.kept += [code, data, result, form]
        self.keys.add(key)
        if self.last is None:
            self.call = function(form, self.kept)
        else:
            self.last[0] = address(form)
        self.last = form

    def _record(self, value: Value | Written | Fixed, data: NDArray[Any]) -> list[int]:
        """Return the words of a number or an array, or of a fixed object."""
        self.kept.append(value)
        if isinstance(value, Fixed):
            return [-1, 0, 0, 0, 0, id(value.value)]
        lengths, size = np.array(value.shape, np.int64), math.prod(value.shape)
        self.kept.append(lengths)
        if isinstance(value, Written):
            code, block = place_of(value.code.final()), address(value.block)
            return [len(lengths), code, 0, -1, address(lengths), block]
        places, shape = value
        real = len(places) == 1
        held = data[places[0] :][:size].reshape(shape) if real else np.empty(shape, complex)
        self.kept.append(held)
        re, im = [*(address(data[p:]) for p in places), 0][:2]
        return [len(shape), re, im, size, address(lengths), id(held)]


def place_of(f: Any) -> int:
    """Return the address of a function."""
    return ctypes.cast(f, ctypes.c_void_p).value or 0


@functools.cache
def _ready() -> tuple[NDArray[Any], Callable[[NDArray[Any], Any], Callable[..., Any]] | None]:
    """Return the table of the C-API, and what makes a built-in function of its first form.

    None where objects do not lie in memory as the code reads them.
    """
    table = np.array([id(x) for x in (*OBJECTS, *DTYPES)], np.int64)
    capsule = importlib.import_module("numpy._core._multiarray_umath")._ARRAY_API
    pointer, string = ctypes.c_void_p, ctypes.c_char_p
    get = ctypes.PYFUNCTYPE(pointer, ctypes.py_object, string)(("PyCapsule_GetPointer", API))
    numpys = ctypes.cast(get(capsule, None), ctypes.POINTER(pointer))
    version = ctypes.PYFUNCTYPE(ctypes.c_uint)(numpys[0] or 0)()
    if version != ABI or not _are_as_read():
        return table, None
    functions = [place_of(getattr(API, name)) for name in PYTHON] + [numpys[i] for i in NUMPY]
    table = np.array([*table, *functions, place_of(ctypes.memmove)], np.int64)
    text = READ.sub(r"\1.p = getelementptr i8, ptr \3, i64 \4\n  \1 = load \2, ptr \1.p", TEXT)
    _, code = made(lambda: (None, Code(text)), "entry", TEXT, None)
    method = Method(b"call", place_of(code.final()), FASTCALL, None)
    KEPT.extend((code, method, table))
    new = ctypes.PYFUNCTYPE(ctypes.py_object, pointer, ctypes.py_object, ctypes.py_object)
    return table, functools.partial(new(("PyCFunction_NewEx", API)), ctypes.addressof(method))


def _are_as_read() -> bool:
    """Whether this Python's objects, and NumPy's arrays, lie in memory as the code reads them."""
    if sys.implementation.name != "cpython" or object.__basicsize__ != 16:
        return False  # without the one lock for all threads, say

    def read(kind: Any, x: Any, offset: int) -> Any:
        return kind.from_address(id(x) + offset).value

    for z in (1.5, np.float64(1.5), 1.5 + 2.5j, np.complex128(1.5 + 2.5j)):
        parts = [read(ctypes.c_double, z, 16 + 8 * k) for k in range(1 + isinstance(z, complex))]
        if read(ctypes.c_void_p, z, 8) != id(type(z)) or parts != [z.real, z.imag][: len(parts)]:
            return False
    x = np.ones((2, 3))
    words = [read(ctypes.c_void_p, x, offset) for offset in (8, 16, 56)]
    lengths = (ctypes.c_int64 * 2).from_address(read(ctypes.c_void_p, x, 32))
    flags = read(ctypes.c_int, x, 64) & NEAR, read(ctypes.c_int, x.T, 64) & NEAR
    right = words == [id(np.ndarray), x.ctypes.data, id(DTYPES[0])] and tuple(lengths) == x.shape
    return right and read(ctypes.c_int, x, 24) == 2 and flags == (NEAR, NEAR - 1)
