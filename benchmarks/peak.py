"""Prints the multiply-adds a second of series at many points against what a core can do.

The peak is measured with multiply-adds in registers, ten vectors side by side.
"""

from __future__ import annotations

import numpy as np

import taylor
from benchmarks.peers import best
from benchmarks.workloads import points, sixty
from taylor.llvm.jit import Code

N = 100_000


def peak() -> float:
    """Return the multiply-adds a second of one core, ten vectors side by side, in registers."""
    lines = ["declare <8 x double> @llvm.fma.v8f64(<8 x double>, <8 x double>, <8 x double>)"]
    lines += ["define void @f(ptr %data) {", "entry:", "  br label %loop", "loop:"]
    lines += ["  %i = phi i64 [0, %entry], [%j, %loop]"]
    zero = "zeroinitializer"
    lines += [f"  %a{n} = phi <8 x double> [{zero}, %entry], [%b{n}, %loop]" for n in range(10)]
    call = "call <8 x double> @llvm.fma.v8f64"
    for n in range(10):
        arguments = f"<8 x double> %a{n}, <8 x double> %a{n}, <8 x double> %a{n}"
        lines.append(f"  %b{n} = {call}({arguments})")
    lines += ["  %j = add i64 %i, 1", "  %c = icmp slt i64 %j, 100000"]
    lines += ["  br i1 %c, label %loop, label %end", "end:"]
    for n in range(10):
        lines.append(f"  %p{n} = getelementptr <8 x double>, ptr %data, i64 {n}")
        lines.append(f"  store <8 x double> %b{n}, ptr %p{n}, align 8")
    code = Code("\n".join([*lines, "  ret void", "}", ""]))
    data = np.zeros(80)
    return 100000 * 10 * 8 / best(lambda: code.call(data.ctypes.data)) * 1e6


def main() -> None:
    """Print one line for each order."""
    top, x = peak(), points(N)
    print(f"peak of one core: {top / 1e9:.1f} G multiply-adds a second")
    for order in (5, 10, 20, 40):
        one, two = (
            best(lambda c=c, k=order: taylor.taylor_coefficients(c, x, k))
            for c in (taylor.compile(lambda t: sixty(t, np), threads=n) for n in (1, 2))
        )
        # 45 operations of K²/2 (a sine brings its cosine); squares and roots half of that
        count = 5 * (7 * order**2 / 2 + 3 * order**2 / 4)
        print(
            f"60 operations, order {order}: {one / N * 1e3:.0f} ns a point, "
            f"{count * N / (one * 1e-6) / top:.0%} of the peak, two threads {one / two:.2f}"
        )


if __name__ == "__main__":
    main()
