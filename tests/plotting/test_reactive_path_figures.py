"""Pictures of reactive paths: what is drawn where."""

from __future__ import annotations

import numpy as np
import pytest
import xarray

from potentials import InputError, curved_valley, double_well, styblinski_tang
from simdyn.plotting.reactive_paths import reactive_paths_figure
from simdyn.plotting.style import figure_bytes


def straight_paths(dim: int, lengths: tuple[int, ...] = (4, 6, 9)) -> xarray.Dataset:
    """Paths from -1 to 0 in equal steps, in every coordinate."""
    position = np.full((len(lengths), max(lengths) + 1, dim), np.nan)
    for path, steps in enumerate(lengths):
        position[path, : steps + 1] = np.linspace(-1.0, 0.0, steps + 1)[:, None]
    return xarray.Dataset(
        {
            "position": (("path", "step", "coordinate"), position),
            "duration": (("path",), np.array(lengths)),
            "weight": (("path",), np.full(len(lengths), 1 / len(lengths))),
        }
    )


def lines(axes):  # type: ignore[no-untyped-def]
    return {line.get_label(): line.get_xydata() for line in axes.lines}


def test_courses_are_counted_back_from_the_exit():
    rest = np.array([-1.0, -0.6, -0.2, 0.0, 0.0, 0.0])[:, None]
    axes = reactive_paths_figure(double_well(), straight_paths(1), rest).axes[0]
    drawn = lines(axes)
    # The middle one of the paths of 4, 6 and 9 steps is that of 6.
    assert drawn["median"][:5] == pytest.approx(np.column_stack([np.arange(5), -np.arange(5) / 6]))
    assert drawn["least action"] == pytest.approx(np.array([[0, 0], [1, -0.2], [2, -0.6], [3, -1.0]]))
    assert axes.get_xlabel() == "steps before the exit"


def test_density_lies_where_the_points_are():
    way = np.array([[-1.0, 0.0], [0.0, 0.0]])
    figure = reactive_paths_figure(curved_valley(), straight_paths(2), way)
    axes = figure.axes[0]
    assert np.array_equal(lines(axes)["least action"], way)
    mesh = next(item for item in axes.collections if item.get_array() is not None and item.get_rasterized())
    share = np.ma.filled(mesh.get_array(), 0.0)
    assert np.nansum(share) == pytest.approx(1.0)
    assert np.nansum(share[~np.eye(len(share), dtype=bool)]) == pytest.approx(0.0)
    assert (axes.get_xlabel(), axes.get_ylabel()) == ("x", "y")
    # The saddle, at (0, 0.5), lies outside the picture.
    assert set(lines(axes)) == {"least action", "minimum"}
    assert figure_bytes(figure, "svg").startswith(b"<?xml")


def test_more_dimensions_are_refused():
    with pytest.raises(InputError, match="one or two"):
        reactive_paths_figure(styblinski_tang(dim=3), straight_paths(3))
