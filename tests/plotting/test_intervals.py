"""Points with intervals: each bar goes from end to end of its own point, and none is made up."""

from __future__ import annotations

import numpy as np
import pytest
import xarray

from simdyn.inference import means_over_runs
from simdyn.plotting.intervals import draw_intervals, draw_means, draw_quantity
from simdyn.plotting.style import MEASURED, new_figure

PLACES = np.array([1.0, 2.0, 4.0])
VALUE, LOW, HIGH = np.array([[3.0, 5.0, 9.0], [2.5, 4.0, 8.9], [4.0, 5.5, 12.0]])


@pytest.fixture
def axes():
    return new_figure().subplots()


def drawn(axes):
    """Places and values of the points, and the ends of each bar in data coordinates."""
    (container,) = axes.containers
    line, _, (bars,) = container.lines
    return line, np.array([segment for segment in bars.get_segments() if len(segment) == 2])


def test_bars_reach_from_the_lower_to_the_upper_end(axes):
    draw_intervals(axes, PLACES, VALUE, LOW, HIGH)
    line, bars = drawn(axes)
    np.testing.assert_array_equal(line.get_xydata(), np.stack([PLACES, VALUE], axis=1))
    np.testing.assert_allclose(bars[:, :, 0], np.stack([PLACES, PLACES], axis=1))
    np.testing.assert_allclose(bars[:, :, 1], np.stack([LOW, HIGH], axis=1), rtol=1e-14)
    assert (line.get_color(), line.get_marker(), line.get_linestyle()) == (MEASURED, "o", "None")


def test_horizontal_bars_lie_along_x(axes):
    draw_intervals(axes, PLACES, VALUE, LOW, HIGH, horizontal=True, color="black")
    line, bars = drawn(axes)
    np.testing.assert_array_equal(line.get_xydata(), np.stack([VALUE, PLACES], axis=1))
    np.testing.assert_allclose(bars[:, :, 0], np.stack([LOW, HIGH], axis=1), rtol=1e-14)
    assert line.get_color() == "black"


def test_single_numbers_are_a_point(axes):
    draw_intervals(axes, 1, 3.0, 2.5, 4.0)
    np.testing.assert_allclose(drawn(axes)[1], [[[1.0, 2.5], [1.0, 4.0]]])


def test_an_end_beyond_the_value_by_rounding_is_the_value(axes):
    draw_intervals(axes, PLACES, VALUE, VALUE * (1 + 1e-15), HIGH)
    np.testing.assert_array_equal(drawn(axes)[1][:, 0, 1], VALUE)


@pytest.mark.parametrize("end", [np.nan, np.inf])
def test_a_point_without_an_end_is_drawn_without_a_bar(axes, end):
    high = np.array([4.0, end, 12.0])
    draw_intervals(axes, PLACES, VALUE, LOW, high)
    line, bars = drawn(axes)
    np.testing.assert_array_equal(line.get_ydata(), VALUE)
    np.testing.assert_array_equal(bars[:, 0, 0], [1.0, 4.0])


def test_a_quantity_brings_its_ends_along(axes):
    names = {"steps": VALUE, "steps_low": LOW, "steps_high": HIGH, "exact": VALUE}
    data = xarray.Dataset({name: ("T", values) for name, values in names.items()}, {"T": PLACES})
    draw_quantity(axes, 1 / data["T"], data, "steps", label="measured")
    line, bars = drawn(axes)
    np.testing.assert_array_equal(line.get_xydata(), np.stack([1 / PLACES, VALUE], axis=1))
    np.testing.assert_allclose(bars[:, :, 1], np.stack([LOW, HIGH], axis=1), rtol=1e-14)
    assert axes.get_legend_handles_labels()[1] == ["measured"]


@pytest.mark.parametrize("dims", [("run", "T"), ("T", "run")])
@pytest.mark.parametrize("logarithmic", [False, True])
def test_means_are_taken_over_runs_whatever_the_order_of_dimensions(axes, dims, logarithmic):
    runs = np.random.default_rng(7).uniform(1.0, 2.0, (3, 5))
    data = xarray.DataArray(runs, dims=("T", "run")).transpose(*dims)
    draw_means(axes, PLACES, data, logarithmic=logarithmic)
    line, bars = drawn(axes)
    mean, low, high = means_over_runs(runs, logarithmic=logarithmic)
    np.testing.assert_allclose(line.get_ydata(), mean, rtol=1e-14)
    np.testing.assert_allclose(bars[:, :, 1], np.stack([low, high], axis=1), rtol=1e-14)
    assert line.get_linestyle() == "-"


def test_an_interval_ends_where_the_quantity_does(axes):
    data = xarray.DataArray([[0.9, 1.0, 0.95], [0.0, 0.2, 0.1]], dims=("T", "run"))
    low, high = means_over_runs(data.values)[1:]
    assert high[0] > 1
    assert low[1] < 0
    draw_means(axes, PLACES[:2], data, bounds=(0.0, 1.0))
    np.testing.assert_allclose(drawn(axes)[1][:, :, 1], [[low[0], 1.0], [0.0, high[1]]], rtol=1e-14)
