"""Histograms against np.histogram on the values themselves, exactly."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from simdyn.recorders import HistogramRecorder, Quantity, Schedule
from simdyn.recorders.bins import FittedBins


def record(show, ensemble, states, quantities, **options):
    recorder = HistogramRecorder(ensemble(states), Schedule(len(states) - 1, 1), quantities)
    found = show(recorder, states, **options)
    counts, rest = found["histogram"][1], [found[n][1] for n in ("underflow", "overflow", "uncounted")]
    edges = recorder.coordinates()["edge"][1]
    # Every path is somewhere.
    assert (counts.sum(axis=-1) + sum(rest) == states.shape[1]).all()
    return counts, edges, rest


def first(bins, low=None, high=None):
    return Quantity("x1", lambda x: x[0], bins, low, high)


@given(
    values=st.lists(st.floats(-3, 3) | st.sampled_from([-1.0, 0.1, 0.7, 1.0]), min_size=1, max_size=300),
    bins=st.integers(2, 40),
)
def test_given_bins(show, ensemble, values, bins):
    states = np.array(values)[None, :, None]
    counts, edges, rest = record(show, ensemble, states, [first(bins, -1.0, 1.0)])
    assert edges[0].tolist() == np.linspace(-1.0, 1.0, bins + 1).tolist()
    assert counts[0, 0].tolist() == np.histogram(values, bins=bins, range=(-1.0, 1.0))[0].tolist()
    assert [r[0, 0] for r in rest] == [np.sum(states < -1.0), np.sum(states > 1.0), 0]


@given(
    looks=st.integers(1, 4),
    size=st.sampled_from([1e-9, 1.0, 1e5]),
    shift=st.floats(-1e5, 1e5),
    bins=st.integers(2, 60),
    order=st.randoms(use_true_random=False),
)
def test_bins_that_the_run_finds(show, ensemble, looks, size, shift, bins, order):
    rng = np.random.default_rng(order.getrandbits(30))
    states = shift + size * rng.standard_cauchy(size=(looks, 700, 1)).clip(-9, 9)
    counts, edges, rest = record(
        show, ensemble, states, [first(bins)], order=lambda n: order.sample(range(n), n)
    )
    for look in range(looks):
        assert counts[look, 0].tolist() == np.histogram(states[look, :, 0], bins=edges[0])[0].tolist()
    assert sum(r.sum() for r in rest) == 0
    width = np.diff(edges[0])
    assert np.frexp(width)[0].tolist() == [0.5] * bins, "not a power of two"
    # Half as wide would not do, unless numbers are at the end of their digits.
    halves = np.floor(states.max() / (width[0] / 2)) - np.floor(states.min() / (width[0] / 2)) + 1
    assert halves > bins or width[0] <= 2.0**-38 * np.abs(states).max()


@given(order=st.randoms(use_true_random=False), chunk=st.sampled_from([256, 512, 2048]))
def test_neither_chunks_nor_order_change_found_bins(show, ensemble, order, chunk):
    rng = np.random.default_rng(5)
    states = np.cumsum(rng.normal(size=(5, 1500, 1)) * 3.0 ** np.arange(5)[:, None, None], axis=0)
    usual = record(show, ensemble, states, [first(30)])
    other = record(
        show, ensemble, states, [first(30)], chunk=chunk, order=lambda n: order.sample(range(n), n)
    )
    assert usual[0].tobytes() == other[0].tobytes()
    assert usual[1].tobytes() == other[1].tobytes()


def test_several_formulas_and_what_is_no_number(show, ensemble):
    states = np.random.default_rng(2).normal(size=(2, 600, 2))
    states[1, 5, 1] = np.nan
    states[1, 6, 1] = 2e6
    quantities = [
        first(20),
        Quantity("log(x1)", lambda x: np.log(x[0]), 20),
        Quantity("x1 + x2", lambda x: x[0] + x[1], 20, -1.0, 1.0),
    ]
    counts, edges, (below, above, uncounted) = record(show, ensemble, states, quantities)
    assert counts.shape == (2, 3, 20)
    assert edges.shape == (3, 21)
    positive = (states[..., 0] > 0).sum(axis=1)
    kept = np.delete(states[1], [5, 6], axis=0)
    assert uncounted[:, 0].tolist() == [0, 2]
    assert uncounted[:, 1].tolist() == [600 - positive[0], 600 - (kept[:, 0] > 0).sum()]
    assert below[0, 2] == (states[0].sum(axis=1) < -1).sum()
    assert above[1, 2] == (kept.sum(axis=1) > 1).sum()


@pytest.mark.parametrize("value", [0.0, -1.0, 1e-300, 123456.789])
def test_all_paths_at_one_point(show, ensemble, value):
    counts, edges, _ = record(show, ensemble, np.full((1, 400, 1), value), [first(10)])
    assert counts[0, 0].tolist() == [400] + [0] * 9
    assert edges[0, 0] <= value < edges[0, 1]


def test_no_value_at_all(show, ensemble):
    counts, edges, (_, _, uncounted) = record(show, ensemble, np.full((1, 300, 1), np.nan), [first(10)])
    assert counts.sum() == 0
    assert uncounted.tolist() == [[300]]
    assert np.isfinite(edges).all()


def test_fitted_bins_move_counts_without_loss():
    """By whole bins, and joined in pairs; never to bins that do not cover them."""
    old = FittedBins(first=-3, exponent=-2, number=8)
    counts = np.array([[0, 1, 2, 3, 4, 5, 6, 0]])
    shifted = old.moved(counts, FittedBins(first=-2, exponent=-2, number=8))
    np.testing.assert_array_equal(shifted, [[1, 2, 3, 4, 5, 6, 0, 0]])
    # Bins -3 to 4 of a quarter lie in bins -2, -1, -1, 0, 0, 1, 1, 2 of a half.
    joined = old.moved(counts, FittedBins(first=-2, exponent=-1, number=8))
    np.testing.assert_array_equal(joined, [[0, 3, 7, 11, 0, 0, 0, 0]])
    with pytest.raises(AssertionError, match="do not cover"):
        old.moved(counts, FittedBins(first=0, exponent=-2, number=8))
