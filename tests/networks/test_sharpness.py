"""Sharpness of quadratics, whose maxima over boxes and balls are known."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from potentials import Potential
from simdyn.errors import InputError
from simdyn.networks.sharpness import ball_sharpness, box_sharpness


class Quadratic:
    """b + g'x + x'Hx/2."""

    def __init__(self, hessian, gradient=None, constant=0.0):
        self.hessian, self.constant = np.asarray(hessian), constant
        self.dim = len(self.hessian)
        self.slope = np.zeros(self.dim) if gradient is None else np.asarray(gradient)

    def energy(self, x):
        return self.constant + self.slope @ x + x @ self.hessian @ x / 2

    def gradient(self, x):
        return self.slope + self.hessian @ x


def semidefinite(rng, d, rank):
    factor = rng.normal(size=(d, rank))
    return factor @ factor.T


def test_box_of_a_diagonal_quadratic():
    # 50 coordinates are independent: half the sum of h_i u_i^2 at a minimum, whatever the signs.
    rng = np.random.default_rng(0)
    h = rng.exponential(size=50) * 10 ** rng.uniform(-3, 3, size=50)
    found = box_sharpness(Quadratic(np.diag(h), constant=0.7), np.zeros(50), 1e-3)
    exact = 100 * (h * 1e-6).sum() / 2 / 1.7
    assert found.value == pytest.approx(exact, rel=1e-9)
    assert found.loss == 0.7
    assert np.abs(found.place) == pytest.approx(np.full(50, 1e-3), rel=1e-9)


def test_box_around_another_point():
    # Half-widths grow with |x|, and away from the minimum the far end of each interval is the higher one.
    rng = np.random.default_rng(1)
    h, x = rng.exponential(size=30), rng.normal(size=30)
    landscape = Quadratic(np.diag(h))
    u = 0.05 * (np.abs(x) + 1)
    exact = (h * ((np.abs(x) + u) ** 2 - x**2)).sum() / 2
    found = box_sharpness(landscape, x, 0.05)
    assert found.value == pytest.approx(100 * exact / (1 + landscape.energy(x)), rel=1e-9)


def test_box_of_rank_one():
    # (sum |h_i| u_i)^2 / 2: all coordinates together.
    rng = np.random.default_rng(2)
    h = rng.normal(size=40)
    found = box_sharpness(Quadratic(np.outer(h, h)), np.zeros(40), 0.01)
    assert found.value == pytest.approx(100 * (np.abs(h).sum() * 0.01) ** 2 / 2, rel=1e-9)


@pytest.mark.parametrize("seed", range(5))
def test_box_of_any_quadratic_against_all_corners(seed):
    # A convex function is highest at a corner; ten coordinates have 1,024. Local searches from 30 starts
    # found the highest of all for these.
    rng = np.random.default_rng(seed)
    landscape = Quadratic(semidefinite(rng, 10, 4))
    corners = np.array(list(itertools.product([-1.0, 1.0], repeat=10)))
    heights = np.einsum("ki,ij,kj->k", corners, landscape.hessian, corners) / 2
    found = box_sharpness(landscape, np.zeros(10), 1.0, starts=30)
    assert found.highest == pytest.approx(heights.max(), rel=1e-9)
    values, vectors = np.linalg.eigh(landscape.hessian)
    sign = np.sign(vectors[:, -1])
    assert sign @ landscape.hessian @ sign / 2 <= found.highest * (1 + 1e-9)
    assert found.highest <= values[-1] * 10 / 2


def test_box_in_a_subspace():
    # With orthonormal columns scaled by c, A^+ x = A' x / c^2; the quadratic in y is c^2 |y|^2 h / 2.
    rng = np.random.default_rng(4)
    orthonormal, _ = np.linalg.qr(rng.normal(size=(20, 3)))
    x = orthonormal @ np.array([1.0, -2.0, 0.0])
    landscape = Quadratic(3.0 * np.eye(20), gradient=-3.0 * x, constant=3.0 * x @ x / 2)
    found = box_sharpness(landscape, x, 0.1, subspace=2.0 * orthonormal)
    u = 0.1 * (np.array([0.5, 1.0, 0.0]) + 1)
    assert found.value == pytest.approx(100 * 3 * 4 * (u**2).sum() / 2, rel=1e-9)
    # What lies in no direction of A stays.
    assert np.linalg.norm(found.place - orthonormal @ (orthonormal.T @ found.place)) < 1e-12


def test_random_subspaces_by_number_and_seed():
    rng = np.random.default_rng(5)
    landscape = Quadratic(semidefinite(rng, 30, 30))
    by_number = box_sharpness(landscape, np.zeros(30), 0.01, subspace=4, seed=9)
    matrix = np.random.default_rng(9).normal(size=(30, 4))
    by_matrix = box_sharpness(landscape, np.zeros(30), 0.01, subspace=matrix, seed=9)
    corners = np.array(list(itertools.product([-0.01, 0.01], repeat=4))) @ matrix.T
    highest = max(landscape.energy(corner) for corner in corners)
    assert by_number.highest == pytest.approx(highest, rel=1e-9)
    assert by_matrix.highest == pytest.approx(highest, rel=1e-9)


def test_scale_of_the_loss_does_not_matter():
    rng = np.random.default_rng(6)
    hessian = semidefinite(rng, 12, 12)
    heights = [
        box_sharpness(Quadratic(c * hessian), np.zeros(12), 1e-3).highest / c for c in (1e-8, 1.0, 1e8)
    ]
    assert heights == pytest.approx([heights[1]] * 3, rel=1e-6)


def test_of_a_potential():
    well = Potential("x**4/4 - x**2/2 + y**2")
    found = box_sharpness(well, np.array([1.0, 0.0]), 0.25)
    assert found.highest == pytest.approx(1.5**4 / 4 - 1.5**2 / 2 + 0.25**2, rel=1e-9)


def test_ball_at_a_minimum():
    rng = np.random.default_rng(7)
    landscape = Quadratic(semidefinite(rng, 25, 25), constant=0.3)
    found = ball_sharpness(landscape, np.zeros(25), 0.02, iterations=2000)
    largest = np.linalg.eigvalsh(landscape.hessian)[-1]
    assert found.value == pytest.approx(100 * largest * 0.02**2 / 2 / 1.3, rel=1e-6)


def test_ball_away_from_a_minimum():
    # On the sphere (mu - H) y = g with |y| = r and mu above all eigenvalues.
    from scipy.optimize import brentq

    rng = np.random.default_rng(8)
    hessian, g = semidefinite(rng, 15, 15), rng.normal(size=15)
    values, vectors = np.linalg.eigh(hessian)

    def of(mu):
        return vectors @ ((vectors.T @ g) / (mu - values))

    mu = brentq(lambda mu: np.linalg.norm(of(mu)) - 0.5, values[-1] * (1 + 1e-9), values[-1] + 100)
    landscape = Quadratic(hessian, g)
    found = ball_sharpness(landscape, np.zeros(15), 0.5, iterations=2000)
    assert found.highest == pytest.approx(landscape.energy(of(mu)), rel=1e-7)


@pytest.mark.parametrize(
    ("measure", "settings", "words"),
    [
        (box_sharpness, {"epsilon": 0.0}, "epsilon is 0.0"),
        (box_sharpness, {"epsilon": 0.1, "starts": 0}, "starts is 0"),
        (box_sharpness, {"epsilon": 0.1, "iterations": 1.5}, "iterations is 1.5"),
        (box_sharpness, {"epsilon": 0.1, "subspace": 4}, "4 dimensions"),
        (box_sharpness, {"epsilon": 0.1, "subspace": np.ones((2, 2))}, r"shape \(2, 2\)"),
        (box_sharpness, {"epsilon": 0.1, "at": np.zeros(2)}, r"shape \(2,\)"),
        (ball_sharpness, {"radius": -1.0}, "radius is -1.0"),
    ],
)
def test_refusals(measure, settings, words):
    with pytest.raises(InputError, match=words):
        measure(Quadratic(np.eye(3)), **({"at": np.zeros(3)} | settings))
