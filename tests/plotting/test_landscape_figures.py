"""Pictures of landscapes: what is marked where, and that every landscape can be drawn."""

from __future__ import annotations

import warnings

import numpy as np
import pytest

import potentials
from potentials import DriftField, InputError, Potential, lookup, names
from simdyn.plotting.landscape import landscape_figure
from simdyn.plotting.style import figure_bytes, new_figure


def marks(axes):
    """Kind of each mark in the picture, with the positions of its points, sorted."""
    found = {}
    for line in axes.lines:
        if line.get_linestyle() == "None":
            found[line.get_label()] = sorted(zip(*np.round(line.get_data(), 6).tolist(), strict=True))
    return found


@pytest.mark.parametrize("name", names())
def test_every_landscape_is_drawn_at_the_width_of_a_column(name):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        figure = landscape_figure(lookup(name))
        picture = figure_bytes(figure, "png")
    assert figure.get_size_inches()[0] == pytest.approx(3.4)
    axes = figure.axes[0]
    assert axes.get_xlabel()
    assert axes.get_ylabel()
    assert marks(axes)
    (low, high), (bottom, top) = axes.get_xlim(), axes.get_ylim()
    for points in marks(axes).values():
        for x, y in points:
            assert low <= x <= high
            assert bottom <= y <= top
    assert picture == figure_bytes(landscape_figure(lookup(name)), "png")


def test_a_curve_carries_its_minima_and_saddles():
    axes = landscape_figure(potentials.double_well()).axes[0]
    assert marks(axes) == {"minimum": [(-1.0, -0.25), (1.0, -0.25)], "saddle": [(0.0, 0.0)]}
    assert (axes.get_xlabel(), axes.get_ylabel()) == ("x", "energy")


def test_contours_carry_their_critical_points():
    found = marks(landscape_figure(potentials.three_wells_ring()).axes[0])
    assert {kind: len(points) for kind, points in found.items()} == {"minimum": 3, "saddle": 3, "other": 1}
    assert (2.0, 0.0) in found["minimum"]
    assert found["other"] == [(0.0, 0.0)]


def test_contours_reach_above_the_saddles_and_not_to_the_walls():
    figure = landscape_figure(potentials.styblinski_tang(dim=2))
    bar = figure.axes[0].child_axes[0]
    low, high = bar.get_ylim()
    assert low == pytest.approx(2 * -39.166165703771)
    assert 2 * 0.195612359055 < high < 60.0


@pytest.mark.parametrize("dim", [3, 10])
def test_a_section_says_so_and_marks_what_lies_in_it(dim):
    axes = landscape_figure(potentials.styblinski_tang(dim=dim)).axes[0]
    assert "section in x1, x" in axes.get_title()
    assert f"(d = {dim})" in axes.get_title()
    assert (axes.get_xlabel(), axes.get_ylabel()) == ("x1", f"x{dim}")
    found = marks(axes)
    assert [len(found[kind]) for kind in ("minimum", "saddle", "other")] == [4, 4, 1]


def test_a_section_does_not_mark_points_that_are_critical_in_it_alone():
    """In the plane z = 1 through the deepest minimum, (1, 0) is critical, but the full gradient is not 0."""
    landscape = Potential("(x**2 - 1)**2/4 + y**2 + (z + x/2 + 1/2)**2 + x/10", domain=(-3, 3))
    axes = landscape_figure(landscape, coordinates=(0, 1)).axes[0]
    assert axes.get_ylabel() == "y"
    deepest = landscape.deepest().x
    assert marks(axes) == {"minimum": [tuple(np.round(deepest[:2], 6) + 0.0)]}


def test_streamlines_carry_their_fixed_points():
    axes = landscape_figure(potentials.maier_stein()).axes[0]
    assert marks(axes) == {"attractor": [(-1.0, 0.0), (1.0, 0.0)], "saddle": [(0.0, 0.0)]}
    assert len(axes.collections) + len(axes.patches) > 0


@pytest.mark.parametrize(
    "landscape",
    [
        DriftField(["x - x**3"], domain=(-2, 2)),
        DriftField(["y", "(1 - x**2)*y - x"], domain=(-3, 3)),
        DriftField(["1", "0"], variables=("x", "y")),
        DriftField(["x - x**3", "-y", "-2*z"], domain=(-2, 2)),
        Potential("x**2*y"),
        Potential("exp(x)", domain=(-2, 2)),
        Potential("(x**2 + y**2 - 1)**2", domain=(-2, 2)),
        Potential("log(x) + 1/x", domain=(-1, 5)),
    ],
    ids=lambda landscape: landscape.name,
)
def test_unusual_landscapes_are_drawn(landscape):
    assert figure_bytes(landscape_figure(landscape), "svg").startswith(b"<?xml")


def test_pictures_go_side_by_side():
    figure = new_figure(7.0, 2.5)
    for axes, name in zip(figure.subplots(1, 2), ("double_well", "curved_valley"), strict=True):
        assert landscape_figure(lookup(name), axes) is figure
    assert not figure.legends


@pytest.mark.parametrize("coordinates", [(0, 3), (1, 1), (-1, 0)])
def test_coordinates_that_are_not_there(coordinates):
    with pytest.raises(InputError, match="two different numbers from 0 to 2"):
        landscape_figure(potentials.double_well(dim=3), coordinates=coordinates)
