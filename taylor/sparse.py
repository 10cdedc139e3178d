"""Sparse Jacobians and Hessians by name: see `taylor.drivers.sparse`."""

from typing import TYPE_CHECKING

from taylor.core.advice import suggesting
from taylor.drivers.sparse import SparseHessian as SparseHessian
from taylor.drivers.sparse import SparseJacobian as SparseJacobian
from taylor.drivers.sparse import jacobian_pattern as jacobian_pattern
from taylor.drivers.sparse import sparse_hessian as sparse_hessian
from taylor.drivers.sparse import sparse_jacobian as sparse_jacobian

if not TYPE_CHECKING:
    __getattr__ = suggesting(__name__)
