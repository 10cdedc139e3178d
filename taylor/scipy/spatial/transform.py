"""scipy.spatial.transform.Rotation of values of the package: unit quaternions (x, y, z, w).

B. Siciliano, O. Khatib (eds.), Springer Handbook of Robotics, 2nd ed., ch. 2.2.  What is made of
vectors of rotation, and these of it, is smooth at no rotation: functions of the square of an angle.

>>> import taylor
>>> turned = lambda v: Rotation.from_rotvec(v).apply([1.0, 0.0, 0.0])
>>> taylor.jacobian(turned, [0.0, 0.0, 0.0]) + 0.0
array([[ 0.,  0.,  0.],
       [ 0.,  0.,  1.],
       [ 0., -1.,  0.]])
"""

from __future__ import annotations

import functools
import math
from typing import TYPE_CHECKING, Any

import numpy as np

from taylor.core import functions as fn
from taylor.core.operand import as_array
from taylor.numbers.kinds import base
from taylor.scipy.theirs import names_of

__all__ = ["Rotation"]

TERMS = 30
HALF_SINE = [(-0.25) ** k / (2 * math.factorial(2 * k + 1)) for k in range(TERMS)]
COSINE = [(-0.25) ** k / math.factorial(2 * k) for k in range(TERMS)]
ARC_SINE = [math.comb(2 * k, k) / (4.0**k * (2 * k + 1)) for k in range(TERMS)]


def _of_square(u: Any, series: list[float], far: Any, least: float) -> Any:
    """Return Σ series[k] u^k where u is small, and far(√u) elsewhere."""
    near = u < least
    small = np.where(near, u, 0.0)
    total = functools.reduce(lambda y, c: y * small + c, reversed(series), 0.0 * small)
    return np.where(near, total, far(fn.sqrt(np.where(near, 1.0, u))))


def _product(p: Any, q: Any) -> Any:
    a, b, r, s = p[..., :3], q[..., :3], p[..., 3:], q[..., 3:]
    vector = r * b + s * a + np.cross(a, b)
    return np.concatenate([vector, r * s - np.sum(a * b, axis=-1, keepdims=True)], axis=-1)


class Rotation:
    """A rotation of space, or several along one axis, as scipy.spatial.transform.Rotation.

    They are made by `from_quat`, `from_rotvec`, `from_matrix`, `from_euler`; `p * q` is first q,
    then p.
    """

    def __init__(self, quaternion: Any) -> None:
        self.quaternion = quaternion

    def __repr__(self) -> str:
        return f"<rotation {base(self.quaternion)}>"

    def __len__(self) -> int:
        if np.ndim(self.quaternion) < 2:
            raise TypeError("a single rotation has no length")
        return int(np.shape(self.quaternion)[0])

    def __getitem__(self, index: Any) -> Rotation:
        return Rotation(self.quaternion[index])

    def __mul__(self, other: Rotation) -> Rotation:
        return Rotation(_product(*np.broadcast_arrays(self.quaternion, other.quaternion)))

    # -------------------------------------------------------------- made of numbers
    @classmethod
    def from_quat(cls, quat: Any, *, scalar_first: bool = False) -> Rotation:
        """Return the rotation of a quaternion (x, y, z, w), which need not be of unit length."""
        q = as_array(quat) * 1.0
        q = np.roll(q, -1, axis=-1) if scalar_first else q
        return cls(q / np.linalg.norm(q, axis=-1, keepdims=True))

    @classmethod
    def from_rotvec(cls, rotvec: Any, degrees: bool = False) -> Rotation:
        """Return the rotation about a vector by its length."""
        v = as_array(rotvec) * (math.pi / 180 if degrees else 1.0)
        u = np.sum(v * v, axis=-1, keepdims=True)
        half = _of_square(u, HALF_SINE, lambda r: fn.sin(r / 2) / r, 1.0)
        w = _of_square(u, COSINE, lambda r: fn.cos(r / 2), 1.0)
        return cls(np.concatenate([half * v, w], axis=-1))

    @classmethod
    def from_matrix(cls, matrix: Any) -> Rotation:
        """Return the rotation of an orthogonal matrix, from its largest part for precision."""
        m = as_array(matrix) * 1.0
        trace = m[..., 0, 0] + m[..., 1, 1] + m[..., 2, 2]
        sizes = np.stack([*(m[..., i, i] for i in range(3)), trace], axis=-1)
        best = np.argmax(sizes + 1e-3 * np.arange(4), axis=-1)  # few matrices meet a tie here
        found = [_from_largest(m, trace, largest) for largest in range(4)]
        chosen = functools.reduce(
            lambda y, k: np.where(np.expand_dims(best == k, -1), found[k], y), range(1, 4), found[0]
        )
        return cls.from_quat(chosen)

    @classmethod
    def from_euler(cls, seq: str, angles: Any, degrees: bool = False) -> Rotation:
        """Return turns about axes: of letters xyz these stand, of XYZ they turn with the body."""
        if not seq or (set(seq) - set("xyz") and set(seq) - set("XYZ")):
            raise ValueError(f"seq is made of letters of xyz, or of XYZ, not {seq!r}")
        a = as_array(angles) * (math.pi / 180 if degrees else 1.0)
        a = a[..., None] if len(seq) == 1 and (np.ndim(a) == 0 or np.shape(a)[-1] != 1) else a
        if np.shape(a)[-1] != len(seq):
            raise ValueError(f"{seq!r} takes {len(seq)} angles, not {np.shape(a)[-1]}")
        turns = [
            cls.from_rotvec(a[..., i : i + 1] * np.eye(3)["xyz".index(axis)])
            for i, axis in enumerate(seq.lower())
        ]
        return functools.reduce(lambda p, q: p * q, turns if seq.isupper() else turns[::-1])

    @classmethod
    def identity(cls) -> Rotation:
        """Return no rotation."""
        return cls(np.array([0.0, 0.0, 0.0, 1.0]))

    # -------------------------------------------------------------- what it is
    def as_quat(self, canonical: bool = False, *, scalar_first: bool = False) -> Any:
        """Return the quaternion (x, y, z, w); a canonical one has w ≥ 0."""
        q = self._canonical() if canonical else self.quaternion
        return np.roll(q, 1, axis=-1) if scalar_first else q

    def _canonical(self) -> Any:
        return np.where(self.quaternion[..., 3:] < 0, -self.quaternion, self.quaternion)

    def as_rotvec(self, degrees: bool = False) -> Any:
        """Return the vector about which it turns, by its length, at most π."""
        q = self._canonical()
        v, w = q[..., :3], q[..., 3:]
        far = np.where(w * w < 0.95, w, 0.5)
        size = _of_square(
            np.sum(v * v, axis=-1, keepdims=True), ARC_SINE, lambda r: fn.atan2(r, far) / r, 0.1
        )
        return 2 * size * v * (180 / math.pi if degrees else 1.0)

    def magnitude(self) -> Any:
        """Return the angle by which it turns."""
        q = self._canonical()
        return 2 * fn.atan2(np.linalg.norm(q[..., :3], axis=-1), q[..., 3])

    def as_matrix(self) -> Any:
        """Return the matrix of the rotation."""
        x, y, z, w = (self.quaternion[..., i] for i in range(4))
        rows = (
            (x * x - y * y - z * z + w * w, 2 * (x * y - z * w), 2 * (x * z + y * w)),
            (2 * (x * y + z * w), y * y - x * x - z * z + w * w, 2 * (y * z - x * w)),
            (2 * (x * z - y * w), 2 * (y * z + x * w), z * z - x * x - y * y + w * w),
        )
        return np.stack([np.stack(row, axis=-1) for row in rows], axis=-2)

    def as_euler(self, seq: str, degrees: bool = False) -> Any:
        """Return the three angles of `from_euler`; where the first and third axis meet, none.

        From the quaternion (E. Bernardes, S. Viollet, PLoS ONE 17 (2022) e0276302).
        """
        if len(seq) != 3 or seq.lower() not in _ORDERS:
            raise ValueError(f"seq is three letters of xyz, or of XYZ, not {seq!r}")
        i, j, k = ("xyz".index(e) for e in (seq.lower() if seq.islower() else seq.lower()[::-1]))
        same = i == k
        k = 3 - i - j if same else k
        sign = (i - j) * (j - k) * (k - i) / 2
        x = [self.quaternion[..., n] for n in (3, i, j, k)]
        a, b, c, d = x[0], x[1], x[2], x[3] * sign
        if not same:
            a, b, c, d = a - c, b + d, c + a, d - b
        second = 2 * fn.atan2(fn.hypot(c, d), fn.hypot(a, b))
        plus, minus = fn.atan2(b, a), fn.atan2(d, c)
        first, third = plus - minus, plus + minus
        if not same:
            third, second = third * sign, second - math.pi / 2
        angles = [first, second, third] if seq.islower() else [third, second, first]
        found = np.stack([_wrapped(e) for e in angles], axis=-1)
        return found * (180 / math.pi) if degrees else found

    # -------------------------------------------------------------- what it does
    def apply(self, vectors: Any, inverse: bool = False) -> Any:
        """Return vectors turned, or turned back."""
        m = self.as_matrix()
        m = np.swapaxes(m, -1, -2) if inverse else m
        return np.matmul(m, as_array(vectors)[..., None])[..., 0]

    def inv(self) -> Rotation:
        """Return the rotation back."""
        return Rotation(self.quaternion * np.array([-1.0, -1.0, -1.0, 1.0]))


_ORDERS = {a + b + c for a in "xyz" for b in "xyz" for c in "xyz" if a != b != c}


def _wrapped(angle: Any) -> Any:
    """Return an angle in [-π, π]."""
    return angle - 2 * math.pi * np.round(angle / (2 * math.pi))


def _from_largest(m: Any, trace: Any, largest: int) -> Any:
    """Return a multiple of the quaternion of a matrix, from one of its parts that is not small."""
    if largest == 3:
        parts = [m[..., 2, 1] - m[..., 1, 2], m[..., 0, 2] - m[..., 2, 0],
                 m[..., 1, 0] - m[..., 0, 1], 1 + trace]  # fmt: skip
        return np.stack(parts, axis=-1)
    i, j, k = largest, (largest + 1) % 3, (largest + 2) % 3
    found = {
        i: 1 - trace + 2 * m[..., i, i], j: m[..., j, i] + m[..., i, j],
        k: m[..., k, i] + m[..., i, k], 3: m[..., k, j] - m[..., j, k],
    }  # fmt: skip
    return np.stack([found[n] for n in range(4)], axis=-1)


if not TYPE_CHECKING:
    __getattr__ = names_of(__name__)
