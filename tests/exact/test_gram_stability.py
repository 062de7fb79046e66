"""Stability through the Gram matrix against the same numbers from curvatures in parameters."""

from __future__ import annotations

import numpy as np
import pytest

import simdyn.exact.gram_stability as gram_stability
from potentials import FunctionSpace, LinearisedNetwork
from potentials.sample_curvatures import SampleCurvatures
from simdyn.errors import InputError
from simdyn.exact import (
    NoReference,
    gram_mean_square_threshold,
    gram_nonuniformity,
    gram_sharpness,
    gram_theorem1_multiplier,
    gram_theorem1_threshold,
)
from simdyn.results import Bounds, Reference

PLANE = LinearisedNetwork([[1.0, 0.0], [1.0, 1.0], [0.0, 2.0]]).function_space()
"""Three rank-one curvatures in the plane, whose Gram matrix has rank 2 of 3."""

SIZES = [(5, 2, 4), (12, 3, 50), (40, 1, 20), (30, 2, 61)]


def network(n, c, p, seed=0):
    rng = np.random.default_rng(seed)
    return LinearisedNetwork(rng.normal(size=(n, c, p)) * rng.uniform(0.3, 2, (n, 1, 1)) / np.sqrt(p))


def test_known_numbers():
    # Checked with two methods: a, s, Theorem 1's threshold and the exact one for three vectors in the plane.
    assert gram_sharpness(PLANE).value == pytest.approx(1.76759187924, abs=1e-11)
    assert gram_nonuniformity(PLANE).value == pytest.approx(1.76514382728, abs=1e-11)
    cases = [
        (1, "without_replacement", 0.535525031677, 0.576039492189),
        (2, "without_replacement", 0.909005553540, 0.938164490400),
    ]
    for batch, sampling, theorem1, exact in cases:
        found = gram_theorem1_threshold(PLANE, batch, sampling=sampling)
        assert found.value == pytest.approx(theorem1, abs=1e-11)
        assert gram_mean_square_threshold(PLANE, batch, sampling=sampling).value == pytest.approx(
            exact, abs=1e-9
        )
    exact = gram_mean_square_threshold(PLANE, 2, sampling="with_replacement")
    assert exact.value == pytest.approx(0.781507658558, abs=1e-9)


@pytest.mark.parametrize(("n", "c", "p"), SIZES)
def test_the_same_as_from_curvatures_in_parameters(n, c, p):
    net = network(n, c, p)
    space, curvatures = net.function_space(), SampleCurvatures.from_factors(net.jacobian)
    assert gram_sharpness(space).value == pytest.approx(curvatures.sharpness, rel=1e-9)
    assert gram_nonuniformity(space).value == pytest.approx(curvatures.nonuniformity, rel=1e-9)
    h = np.einsum("nci,ncj->ij", net.jacobian, net.jacobian) / n
    each = np.einsum("nci,ncj->nij", net.jacobian, net.jacobian)
    sigma = np.einsum("nij,njk->ik", each, each) / n - h @ h
    share = (n - 2) / (2 * (n - 1))
    values, vectors = np.linalg.eigh(h)
    used = values > 1e-12 * values[-1]
    root = vectors[:, used] / np.sqrt(values[used])
    expected = 2 / np.linalg.eigvalsh(root.T @ (h @ h + share * sigma) @ root)[-1]
    found = gram_theorem1_threshold(space, 2)
    assert found.value == pytest.approx(expected, rel=1e-9)
    for eta in (0.3 * expected, expected, 2 * expected):
        step = np.eye(p) - eta * h
        matrix = vectors[:, used].T @ (step @ step + eta**2 * share * sigma) @ vectors[:, used]
        multiplier = gram_theorem1_multiplier(space, eta, 2)
        assert multiplier.value == pytest.approx(np.linalg.eigvalsh(matrix)[-1], rel=1e-8)


@pytest.mark.parametrize("scale", [1.0, 7.0, 7e5])
@pytest.mark.parametrize("distinct", [1, 2, 3])
def test_a_network_that_tells_few_samples_apart(distinct, scale):
    """What is left after as many steps as G has ranks is rounding, and no direction to go on in."""
    rows = np.random.default_rng(distinct).normal(size=(distinct, 30)) * np.sqrt(scale)
    net = LinearisedNetwork(np.tile(rows, (12, 1)))
    space, curvatures = net.function_space(), SampleCurvatures.from_factors(net.jacobian)
    assert gram_sharpness(space).value == pytest.approx(curvatures.sharpness, rel=1e-11)
    found = gram_nonuniformity(space)
    exact = 0.0 if distinct == 1 else curvatures.nonuniformity
    assert abs(found.value - exact) <= found.error
    alike = FunctionSpace(np.full((40, 40), scale))
    assert gram_sharpness(alike).value == pytest.approx(scale, rel=1e-11)
    assert gram_nonuniformity(alike).value <= gram_nonuniformity(alike).error <= 1e-6 * scale
    rate = 0.7 * 2 / scale
    assert gram_theorem1_multiplier(alike, rate, 4).value == pytest.approx((1 - 1.4) ** 2, rel=1e-9)


@pytest.mark.parametrize(("n", "c", "p"), SIZES)
@pytest.mark.parametrize("batch", [1, 3, None])
def test_bounds_hold_what_is_exact(n, c, p, batch, monkeypatch):
    space = network(n, c, p, seed=1).function_space()
    exact = gram_mean_square_threshold(space, batch)
    assert isinstance(exact, Reference)
    monkeypatch.setattr(gram_stability, "MOST_EXACT_ROWS", 0)
    bounds = gram_mean_square_threshold(space, batch)
    assert isinstance(bounds, Bounds)
    # Up to the accuracy of the exact value.
    assert bounds.low <= exact.value + exact.error
    assert bounds.high >= exact.value - exact.error
    # They are tight for the full gradient, where the threshold is 2 / a.
    if batch is None:
        assert bounds.high / bounds.low - 1 < 1e-6


def test_a_space_in_which_nothing_moves():
    space = FunctionSpace(np.zeros((3, 3)))
    assert gram_sharpness(space).value == 0
    assert gram_nonuniformity(space).value == 0
    assert gram_theorem1_threshold(space).value == np.inf


def test_settings_that_have_no_answer():
    with pytest.raises(NoReference, match="epoch"):
        gram_theorem1_threshold(PLANE, 1, sampling="epoch_shuffle")
    with pytest.raises(InputError, match="only 3 samples"):
        gram_theorem1_threshold(PLANE, 4)
