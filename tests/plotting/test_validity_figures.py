"""Pictures of validity maps, from maps made by hand."""

from __future__ import annotations

import json
import math
import warnings

import numpy as np
import pytest

from simdyn.plotting.style import figure_bytes
from simdyn.plotting.validity import _bounds, validity_figure
from simdyn.questions.validity_cells import Cell
from simdyn.questions.validity_map import dataset
from simdyn.results import Prediction


def said(value, valid):
    return Prediction(
        name="Some theory",
        value=value,
        unit="steps",
        formula="1",
        assumptions=(),
        valid=valid,
        why="So it is.",
        source="nobody",
    )


def made(log10_ratio, claims, *, names=("one",), x=None, y=None):
    """A map with these ratios: functions of temperature and learning rate."""
    x = np.geomspace(0.01, 1.0, 9) if x is None else x
    y = np.geomspace(0.01, 1.0, 7) if y is None else y
    cells = []
    for a in x:
        for b in y:
            log = log10_ratio(a, b)
            if log is None:
                cells.append(Cell(math.nan, math.nan, "None.", dict.fromkeys(names, said(2.0, True))))
            else:
                one = said(2.0 * 10**log, claims(a, b))
                cells.append(Cell(2.0, 1e-9, "", dict.fromkeys(names, one)))
    data = dataset(cells, names, {"temperature": x, "learning_rate": y}, tolerance=0.1, unit="steps")
    data.attrs["problem"] = json.dumps({"potential": {"name": "double_well"}, "exit": "commit"})
    return data


def slope(a, b):
    return math.log10(a / 0.1)


def drawn(data, **options):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        figure = validity_figure(data, **options)
        picture = figure_bytes(figure, "png")
    assert picture.startswith(b"\x89PNG")
    return figure


def marks(axes):
    """Number of dots, open circles and crosses."""
    found = {"dots": 0, "circles": 0, "crosses": 0}
    for line in axes.lines:
        if line.get_linestyle() == "None":
            kind = "crosses" if line.get_marker() == "x" else "dots"
            kind = "circles" if line.get_markerfacecolor() == "none" else kind
            found[kind] += len(line.get_xdata())
    return found


def test_marks_are_where_prediction_and_claim_differ():
    """Right is the column at 0.1 alone, and the prediction claims the half below 0.1 in the other axis."""
    data = made(slope, lambda a, b: b < 0.09)
    axes = drawn(data).axes[0]
    assert marks(axes) == {"dots": 3, "circles": 4, "crosses": 8 * 3}
    crosses = next(line for line in axes.lines if line.get_marker() == "x")
    assert (crosses.get_ydata() < 0.09).all()


def test_axes_and_words():
    figure = drawn(made(slope, lambda a, b: True))
    axes = figure.axes[0]
    assert axes.get_xlabel() == "temperature T"
    assert axes.get_ylabel() == "learning rate η"
    assert axes.get_xscale() == axes.get_yscale() == "log"
    assert axes.get_title(loc="left") == "Some theory"
    assert figure.axes[1].get_ylabel() == "predicted / exact"
    assert "within 10 %" in [text.get_text() for text in figure.legends[0].get_texts()]
    assert figure.get_figwidth() == pytest.approx(3.4)
    assert drawn(made(slope, lambda a, b: True), width=7.0).get_figwidth() == 7.0


def test_the_line_encloses_what_is_within_the_tolerance():
    data = made(slope, lambda a, b: True)
    axes = drawn(data).axes[0]
    lines = axes.collections[-1]
    x = np.concatenate([path.vertices[:, 0] for path in lines.get_paths()])
    found = sorted(set(np.round(np.log10(x / 0.1), 6)))
    # The ratio is linear in the logarithm, in which the axis is spaced and read between the columns.
    assert min(found) == pytest.approx(math.log10(0.9), abs=1e-3)
    assert max(found) == pytest.approx(math.log10(1.1), abs=1e-3)


def test_even_axes_stay_even():
    data = made(lambda a, b: a * 0.1, lambda a, b: True, x=np.linspace(-0.3, 0.3, 5), y=np.linspace(1, 2, 5))
    axes = drawn(data).axes[0]
    assert axes.get_xscale() == axes.get_yscale() == "linear"


def test_a_second_axis_says_barrier_over_noise():
    data = made(slope, lambda a, b: True)
    data["temperature"].attrs["barrier"] = 0.25
    axes = drawn(data).axes[0]
    (second,) = axes.child_axes
    assert second.get_xlabel() == "barrier over noise ΔL/D"
    for temperature in (0.02, 0.1, 0.5):
        here = axes.transData.transform((temperature, 0.1))[0]
        assert second.transData.transform((0.25 / temperature, 0.5))[0] == pytest.approx(here)


def test_cells_without_a_ratio_say_why():
    data = made(lambda a, b: None if a < 0.1 else 0.0, lambda a, b: True)
    texts = [text.get_text() for text in drawn(data).axes[0].texts]
    assert texts == ["no exact\nvalue"]


def test_cells_without_a_ratio_on_two_sides():
    axes = drawn(made(lambda a, b: None if abs(math.log10(a / 0.1)) > 0.5 else 0.0, lambda a, b: True)).axes[
        0
    ]
    assert len(axes.texts) == 1


def test_nothing_at_all_can_be_drawn():
    drawn(made(lambda a, b: None, lambda a, b: True))


def test_several_predictions_stand_side_by_side():
    figure = drawn(made(slope, lambda a, b: True, names=("one", "two", "three", "four")))
    panels = [axes for axes in figure.axes if axes.get_title(loc="left")]
    assert len(panels) == 4
    boxes = [axes.get_position() for axes in panels]
    assert boxes[0].y0 == boxes[2].y0 > boxes[3].y0
    assert figure.get_figwidth() == pytest.approx(7.0)


@pytest.mark.parametrize("reach", [0.001, 0.06, 0.5, 3.0, 40.0, 140.0])
def test_colours_reach_as_far_as_the_ratios(reach):
    bounds = _bounds(np.array([-reach, 0.3 * reach, np.nan]), 0.1)
    assert (np.diff(bounds) > 0).all()
    # NumPy's logarithm and the C library's differ in the last bit on some processors.
    for edge in (math.log10(0.9), math.log10(1.1)):
        assert np.isclose(bounds, edge, rtol=1e-14, atol=0.0).sum() == 1
    assert bounds[0] <= -min(reach, 300.0)
    assert bounds[-1] >= min(0.3 * reach, 300.0) or bounds[-1] == pytest.approx(math.log10(1.1))
    assert len(bounds) <= 12
    drawn(made(lambda a, b: reach * math.log10(a), lambda a, b: False))


def test_equal_maps_are_equal_bytes():
    one, two = (figure_bytes(drawn(made(slope, lambda a, b: b > 0.1)), "svg") for _ in range(2))
    assert one == two
