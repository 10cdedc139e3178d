"""Means of functions of a variable with a density: the double exponential rule, for any number.

H. Takahasi, M. Mori, Double exponential formulas for numerical integration, Publ. RIMS 9, 1974.
The support is cut where the density may turn; each part has its own nodes, placed by plain numbers:
the sum is a smooth function of all that the density and the ends depend on.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from taylor.core import functions as fn
from taylor.scipy.rows import STILL

Function = Callable[..., Any]
STEP = 1 / 16
T = STEP * np.arange(-84, 85)
RISE, SLOPE = 0.5 * math.pi * np.sinh(T), 0.5 * math.pi * np.cosh(T)
FAR = np.exp(RISE), np.exp(RISE) * SLOPE * STEP  # nodes and weights from 0 to infinity
SHARE = 1 / (1 + np.exp(-2 * RISE))  # from 0 to 1
UNIT = SHARE, 2 * SHARE * SHARE[::-1] * SLOPE * STEP
NEAR = 1e-8  # of all nodes to every other one, and of the last term, beside the sum of moduli


def average(
    g: Function, logpdf: Function, ends: Sequence[Any], turns: Sequence[Any], width: Any
) -> Any:
    """Return ∫ g(z) exp(logpdf(z)) dz between two ends; nan where the rule does not converge.

    Ends, turns (in between, in order) and the width, a plain length of the bulk, are numbers, or
    arrays of one shape with a last axis of one element; g and logpdf take arrays with that axis.

    >>> bell = lambda z: -0.5 * z * z
    >>> one = np.ones(1)
    >>> total = average(lambda z: z * z, bell, (-np.inf * one, np.inf * one), [0.0 * one], one)
    >>> float(total / np.sqrt(2 * np.pi)).__round__(10)
    1.0
    """
    places = [ends[0], *turns, ends[1]]
    total, size, off = 0.0, 0.0, 0.0
    for low, high in itertools.pairwise(places):
        terms = _terms(g, logpdf, low, high, width)
        total = total + np.sum(terms, axis=-1)
        still = STILL(terms)  # how near it is varies with nothing
        parts = abs(still)
        size = size + np.sum(parts, axis=-1)
        half = abs(np.sum(still, axis=-1) - 2 * np.sum(still[..., ::2], axis=-1))
        off = off + half * half / (np.sum(parts, axis=-1) + 1e-300) + parts[..., 0] + parts[..., -1]
    return np.where(off <= NEAR * size, total, total * math.nan)[()]


def _terms(g: Function, logpdf: Function, low: Any, high: Any, width: Any) -> Any:
    """Return the terms of the rule between two places, one of which may be infinite."""
    if np.all(np.isinf(high)):
        z, weight = low + width * FAR[0], width * FAR[1]
    elif np.all(np.isinf(low)):
        z, weight = high - width * FAR[0], width * FAR[1]
    else:
        gap = high - low
        z = np.where(SHARE < 0.5, low + gap * UNIT[0], high - gap * UNIT[0][::-1])
        weight = gap * UNIT[1]
    there = fn.exp(logpdf(z)) > 0  # beyond, logarithms have no derivatives
    inner = np.where(there, z, high if np.all(np.isinf(low)) else low)
    return np.where(there, g(inner) * fn.exp(logpdf(inner)) * weight, 0.0)
