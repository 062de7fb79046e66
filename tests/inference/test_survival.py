from __future__ import annotations

import warnings

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from simdyn.inference import kaplan_meier


def product_limit(times, observed):
    """The product over event times of (1 - d / n), by hand."""
    share, curve = 1.0, {}
    for t in np.unique(times):
        at_risk = (times >= t).sum()
        share *= 1 - ((times == t) & observed).sum() / at_risk
        curve[float(t)] = share
    return curve


def test_against_the_product_limit_formula():
    rng = np.random.default_rng(0)
    times = rng.integers(1, 30, 80).astype(float)
    observed = rng.random(80) < 0.6
    curve = kaplan_meier(times, observed)
    expected = product_limit(times, observed)
    for t, s in zip(curve.times, curve.survival, strict=True):
        assert s == pytest.approx(expected[float(t)], abs=1e-12)


def test_a_textbook_case():
    """Six paths: out at 1 and 3, lost at 2, out at 4, 4, lost at 5: survival 5/6, 5/6 x 3/4, x 1/3."""
    curve = kaplan_meier(np.array([1.0, 2, 3, 4, 4, 5]), np.array([1, 0, 1, 1, 1, 0], dtype=bool))
    known = dict(zip(curve.times, curve.survival, strict=True))
    assert known[1.0] == pytest.approx(5 / 6)
    assert known[3.0] == pytest.approx(5 / 6 * 3 / 4)
    assert known[4.0] == pytest.approx(5 / 6 * 3 / 4 / 3)


def test_the_band_is_around_the_curve_and_covers_the_law():
    rng = np.random.default_rng(1)
    times = rng.exponential(1.0, 2000)
    curve = kaplan_meier(np.minimum(times, 2.0), times < 2.0)
    assert (curve.low <= curve.survival + 1e-12).all()
    assert (curve.survival <= curve.high + 1e-12).all()
    inner = (curve.times > 0.05) & (curve.times < 1.95)
    exact = np.exp(-curve.times)
    # Pointwise 95 %, and neighbouring points go together: nine tenths along the curve.
    assert ((curve.low <= exact) & (exact <= curve.high))[inner].mean() > 0.9
    wrong = np.exp(-1.15 * curve.times)
    assert ((curve.low <= wrong) & (wrong <= curve.high))[inner].mean() < 0.5


def test_without_censoring_it_is_the_empirical_share():
    times = np.array([3.0, 1.0, 2.0, 2.0])
    curve = kaplan_meier(times, np.ones(4, dtype=bool))
    assert dict(zip(curve.times, curve.survival, strict=True)) == {
        1.0: 0.75,
        2.0: pytest.approx(0.25),
        3.0: 0.0,
    }
    assert np.isfinite(curve.low).all()
    assert np.isfinite(curve.high).all()


def test_nothing_observed():
    curve = kaplan_meier(np.full(5, 2.0), np.zeros(5, dtype=bool))
    assert (curve.survival == 1.0).all()
    assert np.isfinite(curve.low).all()


@given(st.lists(st.tuples(st.integers(1, 6), st.booleans(), st.integers(1, 9)), min_size=1, max_size=12))
def test_the_band_is_scipys_and_entries_may_stand_for_several_paths(entries):
    times, observed, paths = (np.array(column) for column in zip(*entries, strict=True))
    grouped = kaplan_meier(times, observed, paths)
    alone = kaplan_meier(np.repeat(times, paths), np.repeat(observed, paths))
    for name in ("times", "survival", "low", "high"):
        np.testing.assert_array_equal(getattr(grouped, name), getattr(alone, name))
    sample = stats.CensoredData(
        uncensored=np.repeat(times[observed], paths[observed]),
        right=np.repeat(times[~observed], paths[~observed]),
    )
    with np.errstate(all="ignore"), warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)
        reference = stats.ecdf(sample).sf
        band = reference.confidence_interval(0.95, method="log-log")
    np.testing.assert_array_equal(alone.times, reference.quantiles)
    np.testing.assert_allclose(alone.survival, reference.probabilities, rtol=1e-13, atol=1e-15)
    for mine, theirs in ((alone.low, band.low.probabilities), (alone.high, band.high.probabilities)):
        defined = np.isfinite(theirs)
        np.testing.assert_allclose(mine[defined], theirs[defined], rtol=1e-9, atol=1e-12)
