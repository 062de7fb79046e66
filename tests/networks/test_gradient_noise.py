"""Noise of gradients of linear maps, whose covariances and Hessians are sums by hand."""

from __future__ import annotations

import numpy as np
import pytest

from simdyn.errors import InputError
from simdyn.networks import (
    LossSurface,
    alignment,
    fully_connected,
    noise_scale,
    outliers,
    top_space_share,
)

torch = pytest.importorskip("torch")
pytestmark = pytest.mark.torch


def regression(seed=0, samples=40, dim=6):
    """A linear map of squared loss: gradients x_i r_i and Hessian X'X/n."""
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(samples, dim)) * np.linspace(0.2, 2.0, dim)
    y = rng.normal(size=samples)
    w = rng.normal(size=dim)
    module = torch.nn.Linear(dim, 1, bias=False)
    return LossSurface(module, x, y), w, x * (x @ w - y)[:, None], x.T @ x / samples


def covariance(gradients):
    return np.cov(gradients, rowvar=False, bias=True)


def test_the_whole_hessian():
    surface, w, _, hessian = regression()
    np.testing.assert_allclose(surface.hessian(w), hessian, rtol=1e-12)
    rng = np.random.default_rng(1)
    module = fully_connected((1, 3, 3), 2, width=4)
    network = LossSurface(module, rng.normal(size=(7, 1, 3, 3)), np.arange(7) % 2, "cross_entropy")
    found = network.hessian(network.parameters)
    v = rng.normal(size=network.dim)
    np.testing.assert_allclose(found, found.T, atol=1e-12)
    np.testing.assert_allclose(found @ v, network.hessian_product(network.parameters, v), atol=1e-12)


def test_many_products_at_once_are_those_one_by_one():
    rng = np.random.default_rng(1)
    module = fully_connected((1, 3, 3), 2, width=4)
    network = LossSurface(module, rng.normal(size=(7, 1, 3, 3)), np.arange(7) % 2, "cross_entropy")
    x, rows = network.parameters, rng.normal(size=(40, network.dim))
    expected = [network.hessian_product(x, row) for row in rows]
    np.testing.assert_allclose(network.hessian_products(x, rows), expected, rtol=1e-9, atol=1e-12)
    with pytest.raises(InputError, match="one direction a row"):
        network.hessian_products(x, rows[0])


def test_alignment_by_hand():
    surface, w, gradients, hessian = regression()
    found = alignment(surface, w, 4)
    c = covariance(gradients)
    assert found.cosine == pytest.approx(np.trace(c @ hessian) / np.linalg.norm(c) / np.linalg.norm(hessian))
    values, vectors = np.linalg.eigh(hessian)
    np.testing.assert_allclose(found.eigenvalues, values[:-5:-1], rtol=1e-6)
    variances = np.diag(vectors.T @ c @ vectors)[:-5:-1]
    np.testing.assert_allclose(found.variances, variances, rtol=1e-4)
    slope = np.polyfit(np.log(values[:-5:-1]), np.log(variances), 1)[0]
    assert found.slope == pytest.approx(slope, rel=1e-3)


def test_proportional_covariance_is_seen_as_such():
    # Every x_i twice, with residuals +1 and -1: no gradient, and C_1 = H exactly.
    rng = np.random.default_rng(3)
    x = rng.normal(size=(20, 5)) * np.array([0.1, 0.3, 1.0, 2.0, 4.0])
    w = rng.normal(size=5)
    residuals = np.repeat([1.0, -1.0], 20)
    both = np.concatenate([x, x])
    surface = LossSurface(torch.nn.Linear(5, 1, bias=False), both, both @ w - residuals)
    found = alignment(surface, w, 4)
    assert found.cosine == pytest.approx(1.0, abs=1e-12)
    assert found.slope == pytest.approx(1.0, abs=1e-4)


def test_noise_scale_by_hand():
    surface, w, gradients, hessian = regression()
    g, c = gradients.mean(0), covariance(gradients)
    found = noise_scale(surface, w)
    assert found.simple == pytest.approx(np.trace(c) / (g @ g))
    assert found.curved == pytest.approx(np.trace(hessian @ c) / (g @ hessian @ g))
    # The mean loss after a step with noise of covariance C_1 / B, by hand, is least at the best rate.
    size = 3.0
    best = found.best_rate(size)

    def after(rate):
        mean = surface.energy(w - rate * g)
        return mean + rate**2 * np.trace(hessian @ c) / size / 2

    assert after(best) < min(after(0.99 * best), after(1.01 * best))
    assert (after(0.99 * best) - after(best)) == pytest.approx(after(1.01 * best) - after(best), rel=1e-4)


def test_where_the_loss_curves_down_along_the_gradient_there_is_no_best_rate():
    # The output x w1 w2 should be 1: near the origin the loss is a saddle, and its gradient points down it.
    class Product(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.w = torch.nn.Parameter(torch.tensor([0.1, 0.1], dtype=torch.float64))

        def forward(self, x):
            return x * self.w.prod()

    surface = LossSurface(Product(), np.array([[1.0], [1.2]]), np.array([[1.0], [1.0]]))
    w = np.array([0.1, 0.1])
    g = surface.gradient(w)
    assert g @ surface.hessian(w) @ g < 0
    found = noise_scale(surface, w)
    gradients = surface.sample_gradients(w)
    assert found.simple == pytest.approx(np.trace(covariance(gradients)) / (g @ g))
    assert np.isnan(found.curved)
    assert np.isnan(found.largest_rate)


def test_share_of_the_gradient_in_the_top_space():
    surface, w, gradients, hessian = regression()
    g = gradients.mean(0)
    _, vectors = np.linalg.eigh(hessian)
    for count in (1, 3):
        share = ((vectors[:, -count:].T @ g) ** 2).sum() / (g @ g)
        assert top_space_share(surface, w, count) == pytest.approx(share, rel=1e-3)
    # The gradient of a quadratic at its minimum plus an eigenvector is that eigenvector.
    residual_free = LossSurface(
        torch.nn.Linear(6, 1, bias=False), np.diag(np.arange(1.0, 7.0)), np.zeros((6, 1))
    )
    assert top_space_share(residual_free, np.eye(6)[-1], 1) == pytest.approx(1.0)
    assert top_space_share(residual_free, np.eye(6)[0], 2) == pytest.approx(0.0, abs=1e-9)


def test_outliers_of_a_bulk():
    assert outliers(np.array([9.0, 8.0, 7.0, 0.5, 0.4, 0.3])) == 3
    assert outliers(np.array([0.3, 10.0])) == 1


def test_refusals():
    surface, w, _, _ = regression()
    with pytest.raises(InputError, match="count is 1"):
        alignment(surface, w, 1)
    x = np.eye(6)[:2]
    flat = LossSurface(torch.nn.Linear(6, 1, bias=False), x, np.zeros(2))
    with pytest.raises(InputError, match="at fewer than 4"):
        alignment(flat, w, 4)
    with pytest.raises(InputError, match="any noise is infinitely large"):
        noise_scale(flat, np.zeros(6))
    with pytest.raises(InputError, match="gradient is zero"):
        top_space_share(flat, np.zeros(6), 2)
    with pytest.raises(InputError, match="at least two"):
        outliers(np.array([1.0]))
