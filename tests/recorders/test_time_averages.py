"""Averages over time and paths against NumPy."""

from __future__ import annotations

import numpy as np

from simdyn.recorders import Schedule, TimeAveragesRecorder


def averages(show, ensemble, states, starts, burn_in):
    recorder = TimeAveragesRecorder(ensemble(states), Schedule(len(states) - 1, 1), starts, burn_in)
    return {name: values for name, (_, values, _) in show(recorder, states).items()}


def test_averages_are_those_of_numpy(show, ensemble):
    rng = np.random.default_rng(1)
    states = 3.0 + np.cumsum(rng.normal(size=(9, 500, 2)), axis=0)
    for starts in (np.array([[1.0], [2.0]]), states[0].T):
        found = averages(show, ensemble, states, starts, burn_in=4)
        later = states[5:]
        mean = later.mean(axis=(0, 1))
        np.testing.assert_allclose(found["time_mean"], mean, rtol=1e-12)
        own = later.mean(axis=0)
        np.testing.assert_allclose(found["time_mean_error"], own.std(axis=0, ddof=1) / 500**0.5, rtol=1e-10)
        spread = ((later - mean) ** 2).mean(axis=0)
        np.testing.assert_allclose(found["time_variance"], spread.mean(axis=0), rtol=1e-12)
        error = spread.std(axis=0, ddof=1) / 500**0.5
        np.testing.assert_allclose(found["time_variance_error"], error, rtol=1e-10)
        assert found["time_paths"] == 500


def test_a_path_that_has_diverged_once_is_left_out(show, ensemble):
    states = np.random.default_rng(2).normal(size=(6, 300, 1))
    states[4, 10] = 1e7
    states[1, 20] = np.nan
    found = averages(show, ensemble, states, np.zeros((1, 1)), burn_in=2)
    assert found["time_paths"] == 299, "the path that was lost before the burn-in, and is back, counts"
    np.testing.assert_allclose(found["time_mean"], np.delete(states[3:], 10, axis=1).mean(axis=(0, 1)))


def test_nothing_recorded_beyond_the_burn_in(show, ensemble):
    found = averages(show, ensemble, np.zeros((3, 10, 1)), np.zeros((1, 1)), burn_in=2)
    assert np.isnan(found["time_mean"]).all()
    assert found["time_paths"] == 0
