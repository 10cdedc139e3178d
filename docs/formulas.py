"""Formulas as MathML takes them: what TeX groups and sets apart by itself is written out."""

from __future__ import annotations

import re

NAME = r"\\(?:sin|cos|tan|exp|log|ln)(?![a-z])"


def spelled(tex: str) -> str:
    r"""Return a formula with braces about single letters, and spaces about the names of functions.

    >>> print(spelled(r"\tfrac12\dot x_i + e\sin E + \log_{10}R + \exp(x)"))
    \tfrac{1}{2}\dot{x}{}_i + e\,\sin\,E + \log_{10}\,R + \exp(x)
    """
    tex = re.sub(r"(\\[td]?frac) ?(\w)(\w)", r"\1{\2}{\3}", tex)
    tex = re.sub(r"(\\(?:dot|bar|hat|tilde)) ?(\w)", r"\1{\2}{}", tex)
    tex = re.sub(rf"(?<=[\w}}]) ?({NAME})", r"\\,\1", tex)
    return re.sub(rf"({NAME}(?:[\^_](?:\w|{{.*?}}))*) ?(?=[\w\\])", r"\1\\,", tex)
