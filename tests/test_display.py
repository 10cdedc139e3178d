"""Objects show themselves: what is drawn is what they hold, well formed, short, not overlapping."""

import re
import sys
import xml.etree.ElementTree as ET

import numpy as np
import pytest
from shared import rosenbrock

import taylor
import taylor.verified as tv
from taylor import Taylor
from taylor.display import graph, matrices, tables
from taylor.ode import solve_ensemble, solve_ivp


def newton(a, x):
    for _ in range(40):
        x = x - (x * x - a) / (2 * x)
    return x, x * x


SURVEY = taylor.record(lambda x1, x2: np.log(x1) + x1 * x2 - np.sin(x2), 2.0, 5.0)
PROGRAMS = {
    "survey": SURVEY,
    "gradient": taylor.reverse(SURVEY),
    "arrays": taylor.record(rosenbrock, np.arange(5.0)),
    "long": taylor.record(newton, 2.0, 1.0),
    "one result twice": taylor.record(lambda x: (x * x,) * 2, 3.0),
    "constant": taylor.record(lambda x: 1.0, 3.0),
    "exact": taylor.record(lambda x: x * x / 3, 2),
    "guards": taylor.record(lambda x: x if x > 0 else -x, 2.0),
    "without a point": taylor.core.program.Program(SURVEY.code, SURVEY.inputs, SURVEY.outputs),
}
OSCILLATION = (lambda t, y: [y[1], -y[0]], (0.0, 10.0), [1.0, 0.0])
SHOWN = {
    **PROGRAMS,
    "ode": solve_ivp(*OSCILLATION),
    "ode of one time": solve_ivp(lambda t, y: y, (0.0, 0.0), [1.0]),
    "ode of a number": solve_ivp(lambda t, y: -y, (0.0, 1.0), 1.0),
    "ode of a matrix": solve_ivp(lambda t, y: -y, (0.0, 1.0), np.ones((3, 3))),
    "ensemble": solve_ensemble(lambda t, y: -y, (0.0, 1.0), [[1.0], [2.0]]),
    "hessian": taylor.SparseHessian(rosenbrock, np.ones(9)),
    "jacobian": taylor.SparseJacobian(lambda x: np.cos(x[1:]) * x[0], np.ones(4)),
    "proved": tv.solve_ivp(*OSCILLATION[:2], [tv.Interval(0.9, 1.1), 0.0]),
}


class Axes:
    """Axes of matplotlib, as far as they are used; `drawn` keeps what was drawn."""

    def __init__(self):
        self.drawn = []

    def __getattr__(self, name):
        return lambda *args, **named: self.drawn.append((name, args, named))

    def plot(self, *args, **named):
        self.drawn.append(("plot", args, named))
        return [self]

    def get_color(self):
        return "black"


def cells(html):
    """Return the texts of a table, row by row."""
    body = html[html.index("<table") :]
    return [[c.text or "" for c in row] for row in ET.fromstring(body).iter("tr")]


def rectangles(svg):
    boxes = [r.attrib for r in ET.fromstring(svg).iter("{http://www.w3.org/2000/svg}rect")]
    return [[float(b[k]) for k in ("x", "y", "width", "height")] for b in boxes]


@pytest.mark.parametrize("name", SHOWN)
def test_what_is_shown_is_well_formed_and_short(name):
    html = SHOWN[name]._repr_html_()
    ET.fromstring(f"<div>{html}</div>")
    assert len(html) < 40_000
    assert len(repr(SHOWN[name])) < 400


@pytest.mark.parametrize(
    ("thing", "text"),
    [
        (SURVEY, "<program of x1, x2: 8 instructions, 0 guards>"),
        (PROGRAMS["without a point"], "<program of 2 arguments: 8 instructions, 0 guards>"),
        (taylor.objective(rosenbrock), "<objective rosenbrock>"),
        (taylor.lanes(rosenbrock), "<rosenbrock at many points, along axis 0>"),
        (
            taylor.map(rosenbrock, axes=(0, None)),
            "<rosenbrock at many points, along axes (0, None)>",
        ),
    ],
)
def test_what_functions_return_says_what_it_is(thing, text):
    assert repr(thing) == text


def test_the_traces_are_those_of_the_survey():
    """Baydin et al., Tables 2 and 3: value 11.652, adjoints 5.5 and 1.716."""
    head, *rows = cells(SURVEY._repr_html_())
    assert head == ["v", "expression", "value", "tangent", "adjoint"]
    assert [r[1] for r in rows[:2]] == ["x1", "x2"]
    assert [r[4] for r in rows[:2]] == ["5.5", "1.71634"]
    assert rows[-1][2] == "11.6521"
    assert float(rows[-1][3]) == pytest.approx(5.5 + 1.71634)


def test_a_result_that_is_given_twice_counts_twice():
    assert cells(PROGRAMS["one result twice"]._repr_html_())[1][-1] == "12"


@pytest.mark.parametrize("name", PROGRAMS)
def test_boxes_do_not_overlap_and_all_edges_are_drawn(name):
    program = PROGRAMS[name]
    svg, most = program.svg(), taylor.core.shown.MOST
    boxes = rectangles(svg)
    assert len(boxes) == min(len(program), most)
    for i, (x, y, w, h) in enumerate(boxes):
        assert all(x + w <= u or u + v <= x or y + h <= t or t + k <= y for u, t, v, k in boxes[:i])
    edges = {(a, i) for i, c in enumerate(program.code[:most]) for a in c.args}
    assert svg.count("marker-end") == len(edges)


def test_a_box_stands_behind_what_it_depends_on():
    chain = [graph.Box((str(i),), tuple(range(max(0, i - 2), i))) for i in range(9)]
    left = [x for x, *_ in rectangles(graph.svg(chain, "a chain"))]
    assert left == sorted(set(left))


def test_long_programs_say_what_they_leave_out():
    html = PROGRAMS["long"]._repr_html_()
    rows = cells(html)
    assert [f"… {len(PROGRAMS['long']) - sum(tables.ENDS)} more"] in rows
    assert len(rows) == 1 + sum(tables.ENDS) + 1 + 2 and "the first 40 are drawn" in html


def test_every_entry_of_a_pattern_has_the_colour_of_its_product():
    hessian = SHOWN["hessian"]
    html = hessian._repr_html_()
    assert html.count("h1v1h-1z") == len(hessian.pattern[0])
    assert len(set(re.findall('fill="(#.{6})"', html))) == hessian.count
    large = matrices.svg((10**6, 10**6), *(np.arange(10**6),) * 2, np.zeros(10**6, int), "large")
    assert len(large) < 120_000


def test_patterns_solutions_and_tubes_are_drawn():
    ax = Axes()
    assert SHOWN["hessian"].spy(ax) is ax
    assert [len(a) for a in ax.drawn[0][1]] == [len(SHOWN["hessian"].pattern[0])] * 2
    curves, points = Axes(), Axes()
    r = solve_ivp(*OSCILLATION, dense_output=True)
    r.plot(curves)
    for (_, (t, y, _), _), exact in zip(curves.drawn, (np.cos, lambda t: -np.sin(t)), strict=False):
        np.testing.assert_allclose(y, exact(t), atol=1e-13)
    SHOWN["ode"].plot(points)
    np.testing.assert_array_equal(points.drawn[0][1][1], SHOWN["ode"].y[0])
    tube = Axes()
    SHOWN["proved"].plot(tube)
    bands = [a for name, a, _ in tube.drawn if name == "fill_between"]
    for t, low, high in bands[:1]:
        for scale in (0.9, 1.1):
            assert np.all((low <= scale * np.cos(t)) & (scale * np.cos(t) <= high))


def blown_up(t, y):
    return y * y


def test_members_have_a_row_each():
    head, *rows = cells(SHOWN["ensemble"]._repr_html_())
    assert head == ["", "t", "y[0]", "steps", "error", "message"]
    assert [r[:3] for r in rows] == [["0", "1", "0.367879"], ["1", "1", "0.735759"]]


@pytest.mark.parametrize("dense", [False, True])
def test_members_are_drawn_as_far_as_they_come(dense):
    r = solve_ensemble(blown_up, (0.0, 1.0), [[0.5], [2.0]], dense_output=dense)
    ax = Axes()
    assert r.plot(ax, lw=2) is ax
    lines = [(args[:2], named) for name, args, named in ax.drawn if name == "plot"]
    assert [named.get("label") for _, named in lines] == ["y[0]", None]
    assert lines[1][1]["color"] == "black" and all(named["lw"] == 2 for _, named in lines)
    for ((t, y), _), start in zip(lines, (0.5, 2.0), strict=True):
        there = t < 0.99 / start
        np.testing.assert_allclose(y[there], start / (1 - start * t[there]), rtol=1e-6)
        assert np.all(np.isnan(y[t > 1 / start]))


@pytest.mark.parametrize("solve, y0", [(solve_ivp, [1j]), (solve_ensemble, [[1j]])])
def test_states_that_are_no_curves_are_refused(solve, y0):
    with pytest.raises(TypeError, match="draws real states"):
        solve(lambda t, y: 1j * y, (0.0, 1.0), y0).plot(Axes())


@pytest.mark.parametrize(
    "draw", [SHOWN[name].plot for name in ("ode", "ensemble", "proved")] + [SHOWN["hessian"].spy]
)
def test_without_matplotlib_the_extra_is_named(draw, monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    with pytest.raises(ImportError, match="pip install 'taylor-arithmetic\\[plot\\]'"):
        draw()


def test_latex_of_small_numbers_and_of_long_arrays():
    assert Taylor([1.5e-20, 1e30])._repr_latex_() == (
        r"$1.5 \cdot 10^{-20} + 1 \cdot 10^{30} t + \mathcal{O}(t^{2})$"
    )
    assert r"\vdots" in Taylor.variable(np.ones(13), 1)._repr_latex_()
    assert r"\vdots" not in Taylor.variable(np.ones(12), 1)._repr_latex_()
