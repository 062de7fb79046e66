"""Cost against depth: what is drawn is what was given, and told apart by more than colour."""

from __future__ import annotations

from simdyn.plotting.cost import CostCurve, cost_figure
from simdyn.plotting.style import figure_bytes

CURVES = [
    CostCurve("one", (3.0, 10.0, 40.0), (1e7, 4e7, 2e8), (2e6, 4e9, 1e21)),
    CostCurve("two", (3.0, 10.0, 40.0), (2e7, 6e7, 3e8), (1e6, 2e9, 5e20)),
]


def test_a_cost_figure_shows_both_methods_of_each_problem():
    panels = [("barrier / noise", CURVES), ("log N", CURVES[:1])]
    figure = cost_figure(panels, error=0.05)
    left, right = figure.axes
    assert (left.get_xlabel(), right.get_xlabel()) == ("barrier / noise", "log N")
    assert "5%" in left.get_ylabel()
    assert left.get_xscale() == left.get_yscale() == "log"
    drawn = [line for line in left.get_lines() if len(line.get_xdata()) > 0]
    assert [[float(y) for y in line.get_ydata()] for line in drawn] == [
        list(values) for curve in CURVES for values in (curve.direct, curve.splitting)
    ]
    direct, splitting = drawn[:2]
    assert (direct.get_linestyle(), splitting.get_linestyle()) == ("--", "-")
    assert direct.get_color() == splitting.get_color()
    # Direct simulation is a line without markers; splitting has one for each problem.
    assert len({line.get_marker() for line in drawn} - {"None"}) == len(CURVES)
    labels = [text.get_text() for text in left.get_legend().get_texts()]
    assert labels[:2] == ["one", "two"]
    assert figure_bytes(figure, "svg") == figure_bytes(cost_figure(panels, error=0.05), "svg")
