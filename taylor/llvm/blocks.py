"""The product of two dense multivariate series as machine code, in rows along the last variable.

A row holds the coefficients of the monomials that differ in the last variable only; a product is a
sum of products of rows, each a short convolution in vectors, whose sums stay in registers:

    z_{c,i}(t) = Σ_{a+b=c} Σ_{j<=i} x_{a,j}(t) y_{b,i-j}(t),

with a, b, c monomials of all variables but the last two, and i, j exponents of the last but one.
So the only pairs that are stored are those of a series in two variables fewer.  Before each row
stand zeros: what a shifted vector reads there.
"""

from __future__ import annotations

import ctypes
from typing import Any

import numpy as np

Array = Any
STEP, WIDTH = 4, 4  # terms of a convolution at a time; numbers in a vector: rows are short
ZEROS = STEP + WIDTH  # before each row

# data: pointers to x, y, z, the places of rows, p, q, what is to be summed, and the number of rows
_TEXT = """
declare <4 x double> @llvm.fma.v4f64(<4 x double>, <4 x double>, <4 x double>)
define void @f(ptr %data) {
entry:
LOADS
  br label %row
row:
  %r = phi i64 [0, %entry], [%r1, %rowend]
  %r1 = add i64 %r, 1
  %task = getelementptr [4 x i32], ptr %tasks, i64 %r
TASK
  %placep = getelementptr i32, ptr %rows, i64 %r
  %place0 = load i32, ptr %placep
  %place = sext i32 %place0 to i64
  %zr = getelementptr double, ptr %z, i64 %place
  br label %part
part:
  %v = phi i64 [0, %row], [%v1, %pairsend]
  %v1 = add i64 %v, 4
  %short = icmp slt i64 %length, %v1
  %terms = select i1 %short, i64 %length, i64 %v1
  br label %pair
pair:
  %n = phi i64 [%start, %part], [%n1, %pairend]
PHI part pair pairend
  %n1 = add i64 %n, 1
  %pp = getelementptr i32, ptr %p, i64 %n
  %p0 = load i32, ptr %pp
  %pn = sext i32 %p0 to i64
  %qp = getelementptr i32, ptr %q, i64 %n
  %q0 = load i32, ptr %qp
  %qn = sext i32 %q0 to i64
  %left = getelementptr i32, ptr %rows, i64 %pn
  %qi = add i64 %qn, %i
  %right = getelementptr i32, ptr %rows, i64 %qi
  br label %leaf
leaf:
  %j = phi i64 [0, %pair], [%j1, %leafend]
PHI pair leaf leafend
  %j1 = add i64 %j, 1
  %lp = getelementptr i32, ptr %left, i64 %j
  %l0 = load i32, ptr %lp
  %l = sext i32 %l0 to i64
  %back = sub i64 0, %j
  %rp = getelementptr i32, ptr %right, i64 %back
  %o0 = load i32, ptr %rp
  %o = sext i32 %o0 to i64
  %ov = add i64 %o, %v
  %xr = getelementptr double, ptr %x, i64 %l
  %yr = getelementptr double, ptr %y, i64 %ov
  br label %term
term:
  %t = phi i64 [0, %leaf], [%t1, %term]
PHI leaf term term
  %t1 = add i64 %t, 4
  %tb = sub i64 0, %t
  %xt = getelementptr double, ptr %xr, i64 %t
  %yt = getelementptr double, ptr %yr, i64 %tb
TERMS
  %moret = icmp slt i64 %t1, %terms
  br i1 %moret, label %term, label %leafend
leafend:
  %morej = icmp sle i64 %j1, %i
  br i1 %morej, label %leaf, label %pairend
pairend:
  %moren = icmp slt i64 %n1, %stop
  br i1 %moren, label %pair, label %pairsend
pairsend:
  %h0 = fadd <4 x double> %new0, %new1
  %h1 = fadd <4 x double> %new2, %new3
  %h = fadd <4 x double> %h0, %h1
  %zp = getelementptr double, ptr %zr, i64 %v
  store <4 x double> %h, ptr %zp, align 8
  %morev = icmp slt i64 %v1, %length
  br i1 %morev, label %part, label %rowend
rowend:
  %morer = icmp slt i64 %r1, %count
  br i1 %morer, label %row, label %end
end:
  ret void
}
"""


def _text() -> str:
    """Return the function as LLVM IR: four sums run through all loops side by side."""
    loads, task, terms = [], [], []
    for i, name in enumerate(("x", "y", "z", "rows", "p", "q", "tasks", "count")):
        kind = "i64" if name == "count" else "ptr"
        loads.append(f"  %{name}d = getelementptr i64, ptr %data, i64 {i}")
        loads.append(f"  %{name} = load {kind}, ptr %{name}d")
    for i, name in enumerate(("start", "stop", "i", "length")):
        task.append(f"  %{name}p = getelementptr i32, ptr %task, i64 {i}")
        task.append(f"  %{name}0 = load i32, ptr %{name}p")
        task.append(f"  %{name} = sext i32 %{name}0 to i64")
    vector = "<4 x double>"
    for d in range(STEP):
        terms += [
            f"  %x{d}p = getelementptr double, ptr %xt, i64 {d}",
            f"  %x{d}s = load double, ptr %x{d}p",
            f"  %x{d}v = insertelement {vector} poison, double %x{d}s, i32 0",
            f"  %x{d} = shufflevector {vector} %x{d}v, {vector} poison, <4 x i32> zeroinitializer",
            f"  %y{d}p = getelementptr double, ptr %yt, i64 {-d}",
            f"  %y{d} = load {vector}, ptr %y{d}p, align 8",
            f"  %new{d} = call {vector} @llvm.fma.v4f64"
            f"({vector} %x{d}, {vector} %y{d}, {vector} %term{d})",
        ]
    lines = []
    for line in _TEXT.split("\n"):
        if line.startswith("PHI"):
            _, outer, inner, end = line.split()
            first = "zeroinitializer" if outer == "part" else "%" + outer
            for d in range(STEP):
                start = first if outer == "part" else f"{first}{d}"
                name = f"%{inner}{d}"
                lines.append(f"  {name} = phi {vector} [{start}, %{outer}], [%new{d}, %{end}]")
        else:
            lines.append(line)
    text = "\n".join(lines).replace("LOADS", "\n".join(loads)).replace("TASK", "\n".join(task))
    return text.replace("TERMS", "\n".join(terms))


class Blocks:
    """Where the coefficients of a dense series of some order lie in rows, and the pairs of rows.

    `exponents` are those of all monomials; p, q and starts say which pairs of the monomials
    `heads` of all variables but the last two have which product.
    """

    def __init__(self, exponents: Array, heads: Array, order: int, pairs: Array) -> None:
        p, q, starts = pairs
        degrees = heads.sum(1, dtype=np.int64)
        counts = order - degrees + 1  # of the rows of each head
        first = np.cumsum([0, *counts[:-1]])
        head = np.repeat(np.arange(len(heads)), counts)
        i = np.arange(len(head)) - first[head]
        length = counts[head] - i
        rows = np.cumsum(ZEROS + length) - length
        self.size = int(rows[-1] + length[-1]) + ZEROS
        base = np.array([(order + 1) ** m for m in range(heads.shape[1])], dtype=np.int64)
        codes = heads @ base
        by_code = np.argsort(codes)
        found = np.searchsorted(codes, exponents[:, :-2] @ base, sorter=by_code)
        self.places = rows[first[by_code[found]] + exponents[:, -2]] + exponents[:, -1]
        tasks = np.stack([starts[:-1][head], starts[1:][head], i, length], axis=1)
        arrays = (rows, first[p], first[q], tasks)
        self.arrays = [np.ascontiguousarray(a, dtype=np.int32) for a in arrays]
        self.numbers = [*(a.ctypes.data for a in self.arrays), len(rows)]

    def product(self, x: Array, y: Array) -> Array | None:
        """Return the product of two float64 tables; None without llvmlite.

        Infinities and nan spread further than they should.
        """
        from taylor.llvm.jit import code_of  # slow to import, and not needed by small series

        code = code_of("blocks", _text)
        if code is None:
            return None
        tables = np.zeros((3, self.size))
        tables[0, self.places] = x
        if x is not y:
            tables[1, self.places] = y
        start, step = tables.ctypes.data, 8 * self.size
        places = (start, start if x is y else start + step, start + 2 * step)
        data = (ctypes.c_int64 * 8)(*places, *self.numbers)
        code.call(ctypes.addressof(data))
        result: Array = tables[2, self.places]
        return result
