"""Sparse Jacobians and Hessians by name: see `taylor.drivers.sparse`."""

from taylor.drivers.sparse import SparseHessian as SparseHessian
from taylor.drivers.sparse import SparseJacobian as SparseJacobian
from taylor.drivers.sparse import jacobian_pattern as jacobian_pattern
from taylor.drivers.sparse import sparse_hessian as sparse_hessian
from taylor.drivers.sparse import sparse_jacobian as sparse_jacobian
