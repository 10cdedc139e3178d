"""Sums of products of pairs of coefficients, out_r = Σ x[p]·y[q], as machine code.

This is the product of two multivariate series: the pairs of monomials with the same product stand
together, and `starts` says where the pairs of each product begin.
"""

from __future__ import annotations

import ctypes
from typing import Any

import numpy as np

Array = Any
WORTHWHILE = 200  # pairs below which NumPy's own way takes less time than the call

# data: pointers to x, y, p, q, starts, out, and the number of sums; four sums run side by side
_TEXT = """
declare double @llvm.fma.f64(double, double, double)
define void @f(ptr %data) {
entry:
LOADS
  %some = icmp sgt i64 %n, 0
  br i1 %some, label %row, label %end
row:
  %r = phi i64 [0, %entry], [%r1, %stored]
  %r1 = add i64 %r, 1
  %sp = getelementptr i32, ptr %starts, i64 %r
  %s0 = load i32, ptr %sp
  %ep = getelementptr i32, ptr %starts, i64 %r1
  %e0 = load i32, ptr %ep
  %s = sext i32 %s0 to i64
  %e = sext i32 %e0 to i64
  %count = sub i64 %e, %s
  %rest = and i64 %count, 3
  %whole = sub i64 %e, %rest
  %any4 = icmp slt i64 %s, %whole
  br i1 %any4, label %four, label %tail
four:
  %t = phi i64 [%s, %row], [%t4, %four]
ACCUMULATE
  %t4 = add i64 %t, 4
  %more4 = icmp slt i64 %t4, %whole
  br i1 %more4, label %four, label %sum
sum:
  %h0 = fadd double %new0, %new1
  %h1 = fadd double %new2, %new3
  %h = fadd double %h0, %h1
  br label %tail
tail:
  %first = phi double [0.0, %row], [%h, %sum]
  %any1 = icmp slt i64 %whole, %e
  br i1 %any1, label %one, label %stored
one:
  %u = phi i64 [%whole, %tail], [%u1, %one]
  %acc = phi double [%first, %tail], [%accn, %one]
ONE
  %u1 = add i64 %u, 1
  %more1 = icmp slt i64 %u1, %e
  br i1 %more1, label %one, label %stored
stored:
  %result = phi double [%first, %tail], [%accn, %one]
  %op = getelementptr double, ptr %out, i64 %r
  store double %result, ptr %op
  %more = icmp slt i64 %r1, %n
  br i1 %more, label %row, label %end
end:
  ret void
}
"""


def _pair(name: str, place: str, total: str, new: str) -> str:
    """Return the IR of new = total + x[p[place]]·y[q[place]]."""
    lines = []
    for table, index in (("x", "p"), ("y", "q")):
        v = f"%{name}{table}"
        lines += [
            f"{v}i = getelementptr i32, ptr %{index}, i64 {place}",
            f"{v}j = load i32, ptr {v}i",
            f"{v}k = sext i32 {v}j to i64",
            f"{v}p = getelementptr double, ptr %{table}, i64 {v}k",
            f"{v} = load double, ptr {v}p",
        ]
    arguments = f"double %{name}x, double %{name}y, double {total}"
    lines.append(f"{new} = call double @llvm.fma.f64({arguments})")
    return "\n".join(f"  {line}" for line in lines)


def _text() -> str:
    loads = []
    for i, name in enumerate(("x", "y", "p", "q", "starts", "out")):
        loads.append(f"  %{name}d = getelementptr i64, ptr %data, i64 {i}")
        loads.append(f"  %{name} = load ptr, ptr %{name}d")
    loads += ["  %nd = getelementptr i64, ptr %data, i64 6", "  %n = load i64, ptr %nd"]
    sums = [f"  %sum{i} = phi double [0.0, %row], [%new{i}, %four]" for i in range(4)]
    for i in range(4):
        sums.append(f"  %t{i}v = add i64 %t, {i}")
        sums.append(_pair(f"a{i}", f"%t{i}v", f"%sum{i}", f"%new{i}"))
    text = _TEXT.replace("LOADS", "\n".join(loads)).replace("ACCUMULATE", "\n".join(sums))
    return text.replace("ONE", _pair("b", "%u", "%acc", "%accn"))


def usable(x: Array, y: Array, count: int) -> bool:
    """Whether `sums` can take these tables, and is worth it."""
    if count < WORTHWHILE or type(x) is not np.ndarray or type(y) is not np.ndarray:
        return False
    if x.dtype != np.float64 or y.dtype != np.float64 or x.ndim != 1 or y.ndim != 1:
        return False
    return x.flags.c_contiguous and y.flags.c_contiguous


class Table:
    """Which pairs make which sums: p and q in order, and where each sum begins, and the end."""

    def __init__(self, p: Array, q: Array, starts: Array, weights: Array) -> None:
        self.arrays = [np.ascontiguousarray(a, dtype=np.int32) for a in (p, q, starts)]
        self.pointers = [a.ctypes.data for a in self.arrays]
        self.weights = np.ascontiguousarray(weights, dtype=np.float64)  # for others than `sums`
        self.size = len(starts) - 1


def address(x: Array) -> int:
    """Return where the numbers of an array lie (x.ctypes.data takes four times as long)."""
    try:
        return ctypes.addressof(_BYTE.from_buffer(x))
    except (TypeError, ValueError):  # read-only or empty
        return int(x.ctypes.data)


_BYTE = ctypes.c_char * 0
_DATA = ctypes.c_int64 * 7


def sums(x: Array, y: Array, table: Table) -> Array | None:
    """Return the sums of products of two contiguous float64 arrays; None without llvmlite."""
    from taylor.llvm.jit import code_of  # slow to import, and not needed by small series

    code = code_of("pairs", _text)
    if code is None:
        return None
    out = np.empty(table.size)
    data = _DATA(address(x), address(y), *table.pointers, address(out), table.size)
    code.call(ctypes.addressof(data))
    return out
