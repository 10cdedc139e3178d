"""Where the Jacobian of a program can be non-zero: the patterns of its instructions in a row."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from taylor.core.dependence import dependence
from taylor.core.patterns import matrices
from taylor.core.program import Program, of_program

Array = Any


def jacobian_pattern(
    program: Program, inputs: Sequence[int] | None = None, outputs: Sequence[int] | None = None
) -> tuple[Array, Array]:
    """Return (rows, cols), sorted: where the Jacobian of a recorded program can be non-zero.

    Rows count the elements of the outputs, columns those of the inputs, one after the other;
    `inputs` and `outputs` pick some of them by position (inputs left out are constants).  The
    pattern holds for all points at which the guards of the program hold; both sides of a recorded
    choice (np.where, maximum) count.

    >>> from taylor import record
    >>> rows, cols = jacobian_pattern(record(lambda x: x[1:] * x[0], np.ones(3)))
    >>> rows.tolist(), cols.tolist()
    ([0, 0, 1, 1], [0, 1, 0, 2])
    """
    of_program(program)
    inputs = range(len(program.inputs)) if inputs is None else inputs
    outputs = range(len(program.outputs)) if outputs is None else outputs
    wanted = [program.outputs[j] for j in outputs]
    sizes = [math.prod(program.code[program.inputs[j]].shape) for j in inputs]
    first = dict(zip(inputs, itertools.accumulate([0, *sizes]), strict=False))
    n = sum(sizes)
    found = dependence(program.code, first, n, wanted)
    joined = matrices().vstack([found[i] for i in wanted], format="csr")
    joined.sort_indices()
    return np.repeat(np.arange(joined.shape[0]), np.diff(joined.indptr)), joined.indices.astype(int)
