"""`gradient_noise`: exact moments of batches, a heavy tail that is one, and one that is an artefact.

Intervals are stretched to z = 4.5: a false alarm in 150,000 comparisons, and seeds are fixed.
"""

from __future__ import annotations

import json

import numpy as np
import pytest
from scipy import stats

from potentials import FiniteSum, Potential, QuadraticSum
from simdyn import SGD, gradient_noise
from simdyn.errors import InputError

Z = 4.5
N = 1_000
SCALES = np.exp(np.linspace(-2.0, 2.0, 5))


@pytest.fixture(scope="module")
def of_scales():
    """Linear losses: sample gradients at 0 are the columns, Gaussian with scales from e^-2 to e^2."""
    rng = np.random.default_rng(7)
    data = {f"a{j}": scale * rng.standard_normal(N) for j, scale in enumerate(SCALES)}
    loss = " + ".join(f"a{j}*w{j} + w{j}**2/2" for j in range(5))
    return FiniteSum(loss, data, name="scales")


@pytest.fixture(scope="module")
def skewed():
    return QuadraticSum(np.ones(N), np.random.default_rng(8).exponential(size=N))


def within(data, name, exact):
    half = (data[f"{name}_high"] - data[f"{name}_low"]) / 2
    return bool((np.abs(data[name] - exact) <= Z / 1.96 * half).all())


def test_pooled_scales_fake_a_heavy_tail(of_scales):
    found = gradient_noise(of_scales, "0", batch_sizes=[16, 64], draws=20_000, seed=3)
    data = found.data
    assert bool(found.gaussian.all())
    assert found.smallest_gaussian_batch == 16
    assert within(data, "index", 2.0)
    assert float((data["index_high"] - data["index_low"]).max()) < 0.5
    # 1/alpha = 1/2 + 1.268 / log 141; that blocks differ in what they mix changes it by 0.001.
    np.testing.assert_allclose(data["pooled_gaussian"], 1.32, atol=0.005)
    assert within(data, "pooled", data["pooled_gaussian"])
    assert (data["pooled_high"] < 1.6).all()
    assert "below 2 for Gaussian ones, too" in str(found)


@pytest.mark.parametrize("sampling", ["with_replacement", "without_replacement", "epoch_shuffle"])
def test_moments_and_distance_against_batch_size(skewed, sampling):
    found = gradient_noise(skewed, "deepest", batch_sizes=[1, 4, 20], sampling=sampling, draws=40_000, seed=1)
    data = found.data.isel(coordinate=0)
    assert within(data, "skewness", data["skewness_exact"])
    assert within(data, "kurtosis", data["kurtosis_exact"])
    for size in (4, 20):
        one = data.sel(batch_size=size)
        assert float(one["distance_low"]) <= float(one["distance_predicted"]) <= float(one["distance_high"])
    assert not bool(data["gaussian"].any())
    assert found.smallest_gaussian_batch is None
    factor = SGD(1.0, 20, sampling=sampling).update(skewed).covariance_factor
    spread = skewed.sample_gradients([0.0]).std()
    assert float(data["sd_exact"].sel(batch_size=20)) == pytest.approx(np.sqrt(factor) * spread)


def test_a_heavy_tail_of_the_data_is_seen():
    """Values of an alpha-stable law, of which batches of a few make sums of the same law."""
    alpha = 1.4
    columns = {"a": stats.levy_stable(alpha, 0).rvs(100_000, random_state=5)}
    heavy = FiniteSum("a*w + w**2/2", columns, variables=["w"])
    data = gradient_noise(heavy, "0", batch_sizes=[1, 4], draws=10_000, seed=2).data.isel(coordinate=0)
    # Of the mean of the data, whose own error is n^(1/alpha - 1), batches are off by little.
    assert within(data, "index", alpha)
    assert not bool(data["gaussian"].any())


def test_a_coordinate_without_noise():
    loss = FiniteSum("(x - a)**2/2 + y**2/2", {"a": np.arange(40.0)}, variables=["x", "y"])
    found = gradient_noise(loss, "x=20,y=1", draws=2_000)
    assert found.data["batch_size"].values.tolist() == [1, 4]
    assert np.isnan(found.data["index"].sel(coordinate="y")).all()
    assert "no noise" in str(found)
    plain = json.loads(json.dumps(found.to_json(), allow_nan=False))
    assert plain["skewness"][0][1] is None
    assert plain["seed"]


def test_the_same_numbers_again_and_a_picture(of_scales, tmp_path):
    asked = {"batch_sizes": [4], "draws": 1_000, "seed": 4}
    one = gradient_noise(of_scales, "0", threads=1, **asked)
    other = gradient_noise(of_scales, "0", threads=2, **asked)
    assert one.data.equals(other.data)
    one.plot(str(tmp_path / "noise.png"))
    assert (tmp_path / "noise.png").stat().st_size > 10_000


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"potential": Potential("x**2")}, "no samples"),
        ({"draws": 10}, "draws is 10"),
        ({"batch_sizes": []}, "batch_sizes is empty"),
        ({"batch_sizes": [N]}, "has no noise"),
        ({"batch_sizes": [1.5]}, "batch_size is 1.5"),
        ({"batch_sizes": [N + 1]}, "has only"),
        ({"potential": QuadraticSum([1.0, 2.0]), "at": "x=0"}, "the same gradient"),
        ({"sampling": "twice"}, "sampling is 'twice'"),
    ],
)
def test_refusals(skewed, change, words):
    settings = {"potential": skewed, "draws": 1_000, **change}
    with pytest.raises(InputError, match=words):
        gradient_noise(**settings)
