"""The functions that this package gives to the workloads: NumPy's, and `logsumexp`."""

from types import SimpleNamespace

import numpy as np

import taylor

NAMESPACE = SimpleNamespace(
    **{name: getattr(np, name) for name in ("exp", "log", "sum", "dot", "reshape")},
    concatenate=np.concatenate,
    einsum=np.einsum,
    logsumexp=taylor.logsumexp,
)
