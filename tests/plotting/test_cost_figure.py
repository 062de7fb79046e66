"""Cost against depth: what is drawn is what was given, and told apart by more than colour."""

from __future__ import annotations

import numpy as np
import pytest

from simdyn.plotting.cost import CostCurve, cost_figure, exponential_growth, power_growth
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


def test_growth_is_fitted_to_deep_wells_alone():
    """Powers 1.3 and rates 1.1 with offsets of their own; the shallow end is something else."""
    depths = np.array([2.0, 5.0, 10.0, 20.0, 40.0])
    curves = [
        CostCurve(
            name,
            depths,
            np.where(depths < 5, 1e9, scale * depths**1.3),
            np.where(depths < 5, 1e9, scale * np.exp(1.1 * depths)),
        )
        for name, scale in (("one", 1e5), ("two", 1e7))
    ]
    for fitted, exact in ((power_growth(curves), 1.3), (exponential_growth(curves), 1.1)):
        assert fitted.value == pytest.approx(exact, rel=1e-12)
        assert fitted.half_width < 1e-10


def test_the_interval_of_a_growth_covers_it():
    """400 times with errors of 0.3 in the logarithm: misses 5 % by Student's law, within z = 4."""
    rng = np.random.default_rng(1)
    depths = np.array([5.0, 10.0, 20.0, 30.0, 40.0])
    missed = 0
    for _ in range(400):
        costs = 1e6 * depths**1.5 * np.exp(0.3 * rng.standard_normal((2, 5)))
        found = power_growth([CostCurve("", depths, row, row) for row in costs])
        missed += abs(found.value - 1.5) > found.half_width
    assert 0.005 * 400 < missed < 0.095 * 400
