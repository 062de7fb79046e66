"""Grids, seeds, claims, and how studies are found."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from simdyn.errors import InputError
from simdyn.inference import Interval
from simdyn.study import (
    Claim,
    Dimension,
    Grid,
    Quantity,
    find_study,
    judge,
    mean_claim,
    quantity_with_interval,
    ratio_claim,
    value_with_interval,
)
from simdyn.study.seeds import cell_seed


def test_cells_run_through_the_last_dimension_fastest():
    grid = Grid("g", "G", [Dimension("a", (1, 2)), Dimension("b", ("x", "y", "z"))])
    assert grid.shape == (2, 3)
    assert list(grid.cells())[:4] == [
        {"a": 1, "b": "x"},
        {"a": 1, "b": "y"},
        {"a": 1, "b": "z"},
        {"a": 2, "b": "x"},
    ]
    assert len(list(grid.cells())) == grid.size == 6


def test_numpy_coordinates_become_plain_values():
    values = Dimension("a", np.linspace(0, 1, 3)).values
    assert values == (0.0, 0.5, 1.0)
    assert all(type(value) is float for value in values)


@pytest.mark.parametrize(
    ("make", "named"),
    [
        (lambda: Dimension("learning rate", (1,)), "learning rate"),
        (lambda: Dimension("a", ()), "dimension a"),
        (lambda: Dimension("a", (1, 2, 1.0)), "(1, 2, 1.0)"),
        (lambda: Dimension("a", (1.0, float("nan"))), "nan"),
        (lambda: Grid("g", "G", []), "grid g"),
        (lambda: Grid("g", "G", [Dimension("a", (1,))], [Quantity("a")]), "['a', 'a']"),
        (lambda: Grid("g", "G", [Dimension("grid", (1,))]), "['grid']"),
        (lambda: find_study("no_such_file.py"), "no_such_file.py"),
        (lambda: find_study("xie2012"), "xie2012"),
    ],
)
def test_mistakes_are_named(make, named):
    with pytest.raises(InputError) as caught:
        make()
    assert named in str(caught.value)


def test_settings_must_be_a_frozen_dataclass(toy):
    with pytest.raises(InputError, match="frozen dataclass"):
        dataclasses.replace(toy, quick={"samples": 1})


@pytest.mark.parametrize(
    ("text", "named"),
    [("STUDY = 3", "defines no study"), ("import does_not_exist", "does_not_exist"), ("def", "SyntaxError")],
)
def test_a_file_that_is_no_study_is_refused(tmp_path, text, named):
    file = tmp_path / "mine.py"
    file.write_text(text)
    with pytest.raises(InputError, match=named):
        find_study(str(file))


def test_seed_is_pinned():
    # Published numbers depend on this derivation: a change here changes all of them.
    seed = cell_seed(1, "means", {"rate": 0.5, "threshold": 2, "kind": "a", "flag": True})
    assert seed.generate_state(2, np.uint64).tolist() == [13073448334261437214, 15078675492934484661]


@settings(deadline=None, derandomize=True)
@given(
    st.dictionaries(st.text("abc", min_size=1), st.floats(-1e6, 1e6) | st.integers(-99, 99) | st.booleans())
)
def test_seed_depends_on_coordinates_by_value_and_not_on_their_order(parameters):
    backwards = dict(reversed(parameters.items()))
    as_floats = {name: float(value) if type(value) is int else value for name, value in parameters.items()}
    words = cell_seed(7, "g", parameters).generate_state(4)
    assert np.array_equal(words, cell_seed(7, "g", backwards).generate_state(4))
    assert np.array_equal(words, cell_seed(7, "g", as_floats).generate_state(4))


def test_seeds_of_different_cells_grids_and_studies_differ():
    seeds = [
        cell_seed(entropy, grid, {"a": value, "b": 1.0})
        for entropy in (0, 1)
        for grid in ("g", "h")
        for value in (1, 2, -1, True, "1", 1 + 1e-15)
    ]
    assert len({tuple(seed.generate_state(4).tolist()) for seed in seeds}) == len(seeds)


@pytest.mark.parametrize(
    ("low", "high", "verdict"),
    [
        (0.95, 1.05, "holds"),
        (0.9, 1.1, "holds"),
        (0.85, 1.05, "undecided"),
        (0.5, 2.0, "undecided"),
        (1.2, 1.3, "does not hold"),
        (0.1, 0.2, "does not hold"),
        (1.2, float("inf"), "does not hold"),
        (1.0, float("inf"), "undecided"),
        (float("nan"), 1.0, "undecided"),
    ],
)
def test_judge(low, high, verdict):
    assert judge(low, high, 0.9, 1.1) == verdict


@pytest.mark.parametrize("band", [(float("nan"), 1.1), (0.9, float("nan"))])
def test_a_prediction_without_a_value_decides_nothing(band):
    assert judge(0.95, 1.05, *band) == "undecided"


def test_an_empty_band_and_an_unknown_verdict_are_refused():
    with pytest.raises(ValueError, match="empty"):
        judge(0, 1, 2, 1)
    with pytest.raises(ValueError, match="probably"):
        Claim(claim="", source="", predicted=1, measured=1, low=1, high=1, verdict="probably", why="")


def test_claims_on_means_of_few():
    # Student's interval by hand: mean 2, standard error 1/sqrt 3, t = 4.302653 for two degrees of freedom.
    values = np.array([1.0, 2.0, 3.0])
    found = mean_claim("words", "source", values, -1.0, 5.0, predicted=2.0, unit="m", why="Because.")
    half = 4.302653 / np.sqrt(3)
    assert (found.measured, found.low, found.high) == pytest.approx((2.0, 2.0 - half, 2.0 + half), rel=1e-6)
    assert (found.verdict, found.unit, found.predicted) == ("holds", "m", 2.0)
    assert found.why == "3 networks. Because."
    assert mean_claim("words", "source", values, 0.0, 5.0).verdict == "undecided"
    assert mean_claim("words", "source", values, 5.0, 6.0).verdict == "does not hold"
    assert mean_claim("words", "source", values[:1], 0.0, np.inf).verdict == "undecided"


def test_claims_on_ratios_of_few():
    found = ratio_claim("words", "source", np.exp([1.0, 2.0, 3.0]), 0.5, 100.0)
    half = 4.302653 / np.sqrt(3)
    expected = np.exp([2.0, 2.0 - half, 2.0 + half])
    assert (found.measured, found.low, found.high) == pytest.approx(tuple(expected), rel=1e-6)
    assert found.verdict == "holds"
    assert ratio_claim("words", "source", np.array([3.0]), 1.0, np.inf).verdict == "undecided"


def test_a_cell_returns_what_a_quantity_with_an_interval_asks_for():
    quantities = quantity_with_interval("steps", "steps", "mean escape time")
    assert [quantity.name for quantity in quantities] == ["steps", "steps_low", "steps_high"]
    assert {quantity.unit for quantity in quantities} == {"steps"}
    assert len({quantity.description for quantity in quantities}) == 3
    assert value_with_interval("steps", Interval(2.0, 1.0, 4.0)) == {
        "steps": 2.0,
        "steps_low": 1.0,
        "steps_high": 4.0,
    }
