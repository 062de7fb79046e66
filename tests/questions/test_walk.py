"""`walk`: distances, heights and bounces in a straight valley, where all of them are known.

Single comparisons are at z = 4.5 of their standard errors: a false alarm in 150,000, and seeds are fixed.
"""

from __future__ import annotations

import json

import numpy as np
import pytest

from potentials import Potential, winding_valley
from simdyn import SGD, SGLD, simulate, walk
from simdyn.errors import InputError
from simdyn.questions.walk import losses_between

Z = 4.5
VALLEY = Potential("0*x + h*y**2/2", variables=["x", "y"], parameters={"h": 20.0})
STEPS = 400


def within(interval, exact):
    return abs(interval.value - exact) <= Z / 1.96 * interval.half_width


def in_the_valley(eta, **settings):
    rule = SGD(eta, 1.0, noise="constant", covariance=4.0)
    return walk(VALLEY, rule, [0.0, 0.0], paths=2_000, steps=STEPS, seed=3, **settings)


@pytest.mark.parametrize("eta", [0.01, 0.06])
def test_a_straight_valley(eta):
    """Free diffusion along the floor; height eta C / (2 (2 - eta h)); and since y and the next one are
    normal with correlation 1 - eta h, they lie on opposite walls with probability arccos(1 - eta h) / pi."""
    found = in_the_valley(eta, along="x", height="h*y**2/2")
    assert within(found.distance, eta * np.sqrt(4.0 * STEPS))
    assert within(found.height, 4.0 * eta / (2 * (2 - 20 * eta)))
    assert within(found.bounces, np.arccos(1 - 20 * eta) / np.pi)
    assert found.convex.value == 1.0
    assert found.convex.low > 0.998
    assert found.distance.half_width < 0.05 * found.distance.value


def test_without_knowing_the_floor():
    """The distance in a straight line, and the height above the lowest point of a step."""
    known, unknown = in_the_valley(0.05, height="h*y**2/2"), in_the_valley(0.05)
    np.testing.assert_array_equal(known.first, unknown.first)
    np.testing.assert_array_equal(unknown.travelled, np.linalg.norm(unknown.first, axis=1))
    assert 0.3 * known.height.value < unknown.height.value < known.height.value
    # Where a step goes up at once there is nothing below.
    assert (unknown.heights[~unknown.downhill] <= 1e-12).all()


def test_a_winding_valley_is_not_convex_along_long_steps():
    valley = winding_valley(0.01, 20.0, 0.5, 2.0)
    short, long = (
        walk(valley, SGD(eta, 1.0, noise="constant", covariance=4.0), [0.0, 0.0], paths=500, steps=500)
        for eta in (0.002, 0.03)
    )
    assert long.convex.high < short.convex.low
    assert long.profile.shape == (11,)
    assert long.profile[0] == 0.0


@pytest.mark.parametrize("settings", [{"momentum": 0.8}, {"learning_rate": "0.05/(1 + step/10)"}])
def test_the_last_step_goes_on_from_the_ones_before(settings):
    """With the velocity, and at the number of the step, at which the path is."""
    rule = SGD(
        **({"learning_rate": 0.02, "batch_size": 1.0, "noise": "constant", "covariance": 4.0} | settings)
    )
    found = walk(VALLEY, rule, [0.5, 0.1], paths=20, steps=30, seed=8)
    for steps, points in ((30, found.first), (31, found.second)):
        ends = simulate(VALLEY, rule, [0.5, 0.1], paths=20, steps=steps, seed=8)["final"].values
        np.testing.assert_array_equal(points, ends)
    np.testing.assert_array_equal(found.travelled, np.linalg.norm(found.first - [0.5, 0.1], axis=1))


def test_the_loss_between_two_points():
    """Of x^2 from -1 to 1 and from 1 to 2."""
    first, second = np.array([[-1.0], [1.0]]), np.array([[1.0], [2.0]])
    losses = losses_between(Potential("x**2"), first, second, 3)
    np.testing.assert_allclose(losses, [[1.0, 0.0, 1.0], [1.0, 2.25, 4.0]])


def test_branches_of_the_seed_and_starts():
    starts = np.linspace(-1, 1, 128).reshape(64, 2)
    settings = {"paths": 64, "steps": 50}
    rule = SGD(0.02, 1.0, noise="constant", covariance=1.0)
    one, other = (walk(VALLEY, rule, starts, threads=threads, seed=5, **settings) for threads in (1, 2))
    np.testing.assert_array_equal(one.second, other.second)
    np.testing.assert_array_equal(one.travelled, np.linalg.norm(one.first - starts, axis=1))
    assert not np.array_equal(walk(VALLEY, rule, starts, seed=6, **settings).second, one.second)
    told = json.loads(json.dumps(one.to_json(), allow_nan=False))
    assert told["estimate"]["distance"]["value"] == pytest.approx(one.distance.value)
    assert told["problem"]["points"] == 11
    assert "bounce" in str(one)


def test_paths_that_diverge_are_left_out_and_counted():
    """A quartic well and steps too long for its far walls."""
    well = Potential("x**4/4 - x**2/2")
    found = walk(well, SGLD(0.5, 1.0), [0.0], paths=400, steps=20, seed=1)
    assert 0 < found.diverged < 400
    assert len(found.first) == 400 - found.diverged
    assert f"{found.diverged} paths diverged" in str(found)
    with pytest.raises(InputError, match="All paths diverged"):
        walk(well, SGLD(0.5, 1.0), [30.0], paths=20, steps=50)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"points": 2}, "points is 2"),
        ({"height": 3}, "height is 3"),
        ({"along": "z"}, "z"),
        ({"seed": -1}, "seed"),
    ],
)
def test_refusals(change, words):
    with pytest.raises(InputError, match=words):
        walk(VALLEY, SGLD(0.01, 0.1), [0.0, 0.0], paths=4, steps=4, **change)
