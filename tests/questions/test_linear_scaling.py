"""Learning rate and batch size raised together: the exact finite-step departures, measured.

Single comparisons are at z = 4.5 of their standard errors: a false alarm in 150,000, and seeds are fixed.
"""

from __future__ import annotations

import json

import numpy as np
import pytest

from potentials import Potential, QuadraticSum, double_well
from simdyn import SGD, SGLD, linear_scaling, theory
from simdyn.errors import InputError

Z = 4.5
LINE = Potential("h*x**2/2", parameters={"h": 2.0})


def within(data, name, exact):
    half = (data[f"{name}_high"] - data[f"{name}_low"]) / 2
    return bool((np.abs(data[name] - exact) <= Z / 1.96 * half).all())


@pytest.fixture(scope="module")
def line():
    rule = SGD(0.05, 4.0, noise="constant", covariance=1.0)
    return linear_scaling(LINE, rule, "x=0.5", factors=[3, 8], paths=2048, target_error=0.01, seed=2)


def test_variances_at_equilibrium(line):
    """eta c / (B h (2 - lambda eta h)): the breakdown of 5 % at lambda eta h = 2 - 1.9 / 1.05."""
    data = line.data
    assert data["factor"].values.tolist() == [1, 3, 8]
    factors = data["factor"].values
    exact = 0.05 / (4 * 2 * (2 - factors * 0.1))
    np.testing.assert_allclose(data["variance_predicted"][:, 0], exact, rtol=1e-12)
    np.testing.assert_allclose(data["variance_exact"][:, 0], exact, rtol=1e-8)
    assert within(data, "variance", data["variance_predicted"])
    assert within(data, "ratio", theory.scaled_variance_ratio(2.0, 0.05, factors).value[:, None])
    assert bool(data["settled"].all())
    assert data["equilibrium"].values.tolist() == ["holds", "broken", "broken"]
    assert line.breakdown == pytest.approx((2 - 1.9 / 1.05) / 0.1, rel=1e-9)
    assert "lambda = 1.905" in str(line)


def test_losses_on_the_way(line):
    """E L after k steps is h/2 [a^2k x0^2 + Q (1 - a^2k) / (1 - a^2)], a = 1 - lambda eta h."""
    data = line.data
    for factor in data["factor"].values:
        one = data.sel(factor=factor)
        eta = 0.05 * factor
        steps = np.round(one["time"].values / eta)
        np.testing.assert_allclose(steps * eta, one["time"].values, rtol=1e-12)
        square = (1 - 2 * eta) ** 2
        kick = eta**2 / (4 * factor)
        exact = square**steps * 0.25 + kick * (1 - square**steps) / (1 - square)
        np.testing.assert_allclose(one["loss_predicted"], exact, rtol=1e-10)
        assert abs(float(one["loss"][0]) - 0.25) < 1e-12
        assert within(one.isel(time=slice(1, None)), "loss", exact[1:])
    assert data["trajectory"].values.tolist() == ["holds", "broken", "broken"]
    # The decay from afar feels the step earlier than the equilibrium does.
    assert 1 < line.trajectory_breakdown < line.breakdown


def test_batches_with_and_without_replacement():
    """Batches of a finite set: without replacement p_B is not 1/B, so that nothing is invariant."""
    samples = QuadraticSum(np.full(64, 2.0), np.random.default_rng(1).standard_normal(64))
    asked = {"factors": [2, 16], "paths": 1024, "steps": 2000, "target_error": None, "seed": 5}
    found = {
        sampling: linear_scaling(samples, SGD(0.01, 2, sampling=sampling), **asked)
        for sampling in ("with_replacement", "without_replacement")
    }
    for one in found.values():
        assert within(one.data, "variance", one.data["variance_predicted"])
        assert np.isnan(one.data["loss_predicted"]).all()
    fresh, subsets = (one.data["ratio_predicted"].values[2, 0] for one in found.values())
    assert fresh == pytest.approx((2 - 0.02) / (2 - 16 * 0.02))
    assert subsets == pytest.approx(fresh * (64 - 32) / (64 - 2))
    # The variance falls by 5 % where (64 - 2 lambda) / 62 outweighs the finite step.
    assert found["with_replacement"].breakdown == pytest.approx((2 - 1.98 / 1.05) / 0.02, rel=1e-9)
    scale = found["without_replacement"].breakdown
    assert (64 - 2 * scale) / 62 * 1.98 / (2 - 0.02 * scale) == pytest.approx(0.95, rel=1e-9)


def test_no_law_beyond_stability_and_none_predicted_with_several_minima(tmp_path):
    rule = SGD(0.3, 1.0, noise="constant", covariance=0.2)
    asked = {"factors": [4], "paths": 64, "steps": 400, "target_error": None}
    unstable = linear_scaling(LINE, rule, **asked)
    assert unstable.data["equilibrium"].values.tolist()[1] == "no stationary law"
    assert unstable.data["trajectory"].values.tolist()[1] == "broken"
    unstable.plot(str(tmp_path / "scaling.png"))
    assert (tmp_path / "scaling.png").stat().st_size > 10_000
    wells = linear_scaling(double_well(), SGD(0.05, 1.0, noise="constant", covariance=0.5), **asked)
    assert np.isnan(wells.breakdown)
    assert np.isnan(wells.trajectory_breakdown)
    assert json.loads(wells.data.attrs["problem"])["potential"]["name"]


def test_closed_forms():
    steep = np.array([0.01, 0.5, 1.9])
    limit = theory.scaling_limit(steep, 1.0, 0.05)
    assert limit.valid.all()
    np.testing.assert_allclose(theory.scaled_variance_ratio(steep, 1.0, limit.value).value, 1.05, rtol=1e-12)
    beyond = theory.scaled_variance_ratio(1.0, 0.5, [3.9, 4.0])
    assert beyond.valid.tolist() == [True, False]
    assert beyond.value[1] == np.inf
    assert not theory.scaling_limit(1.0, 2.5).valid


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"dynamics": SGLD(0.1, 1.0)}, "about SGD"),
        ({"dynamics": SGD("0.1/(1 + step)", 1.0, noise="constant", covariance=1.0)}, "about SGD"),
        ({"factors": [1.5]}, "contains 1.5"),
        ({"tolerance": 0.0}, "tolerance is 0.0"),
        ({"time": -1.0}, "time is -1.0"),
        ({"potential": QuadraticSum([1.0, 2.0], [0.0, 1.0]), "dynamics": SGD(0.1, 1)}, "has only 2 samples"),
    ],
)
def test_refusals(change, words):
    settings = {"potential": LINE, "dynamics": SGD(0.1, 1.0, noise="constant", covariance=1.0), **change}
    with pytest.raises(InputError, match=words):
        linear_scaling(**settings)
