"""The loss of networks against sums by hand, its Hessian, and the same function with other parameters."""

from __future__ import annotations

import numpy as np
import pytest

from simdyn.errors import InputError
from simdyn.exact import lowered_path
from simdyn.networks import (
    LossSurface,
    accuracy,
    fully_connected,
    hessian_trace,
    one_thread,
    rescaled,
    top_eigenvalues,
    train,
    vgg,
)

torch = pytest.importorskip("torch")
pytestmark = pytest.mark.torch

RNG = np.random.default_rng(3)
X = RNG.normal(size=(12, 5))
Y = X @ RNG.normal(size=(5, 2)) + 1.0
CLASSES = np.arange(12) % 3
X4, CLASSES4 = np.random.default_rng(8).normal(size=(15, 1, 4, 4)), np.arange(15) % 3


def linear(outputs):
    torch.manual_seed(0)
    return torch.nn.Linear(5, outputs, bias=False)


def image_network(build=fully_connected, **settings):
    pixels = RNG.normal(size=(15, 1, 4, 4))
    module = build((1, 4, 4), 3, **settings)
    return module, pixels, np.arange(15) % 3


def test_squared_loss_of_a_linear_map():
    surface = LossSurface(linear(2), X, Y)
    w = surface.parameters.reshape(2, 5)
    residuals = X @ w.T - Y
    assert surface.energy(surface.parameters) == pytest.approx((residuals**2).sum() / 24, rel=1e-12)
    np.testing.assert_allclose(
        surface.gradient(surface.parameters), (residuals.T @ X / 12).ravel(), rtol=1e-10
    )
    hessian = np.kron(np.eye(2), X.T @ X / 12)
    v = RNG.normal(size=10)
    np.testing.assert_allclose(surface.hessian_product(surface.parameters, v), hessian @ v, rtol=1e-10)
    np.testing.assert_allclose(
        surface.sample_gradients(surface.parameters),
        np.einsum("ni,nj->nij", residuals, X).reshape(12, 10),
        rtol=1e-10,
    )


def test_cross_entropy_of_a_linear_map():
    surface = LossSurface(linear(3), X, CLASSES, "cross_entropy")
    at = RNG.normal(size=15)
    z = X @ at.reshape(3, 5).T
    q = np.exp(z) / np.exp(z).sum(1, keepdims=True)
    assert surface.energy(at) == pytest.approx(-np.log(q[np.arange(12), CLASSES]).mean(), rel=1e-12)
    error = q - np.eye(3)[CLASSES]
    np.testing.assert_allclose(surface.gradient(at), (error.T @ X / 12).ravel(), rtol=1e-9)
    curvature = np.einsum("ni,ij->nij", q, np.eye(3)) - np.einsum("ni,nj->nij", q, q)
    hessian = np.einsum("nij,na,nb->iajb", curvature, X, X).reshape(15, 15) / 12
    v = RNG.normal(size=15)
    np.testing.assert_allclose(surface.hessian_product(at, v), hessian @ v, rtol=1e-9)
    values, vectors = top_eigenvalues(surface, at, 3, tolerance=1e-12)
    np.testing.assert_allclose(values, np.linalg.eigvalsh(hessian)[::-1][:3], rtol=1e-9)
    np.testing.assert_allclose(hessian @ vectors, vectors * values, atol=1e-9)


def test_the_trace_of_a_hessian():
    # 200 probes: 5 standard errors, a false alarm in 10^6. With all but a few eigenvectors known, hardly any.
    surface = LossSurface(linear(2), X, Y)
    exact = 2 * (X**2).sum() / 12
    value, error = hessian_trace(surface, surface.parameters, probes=200)
    assert abs(value - exact) < 5 * error
    known = top_eigenvalues(surface, surface.parameters, 8, tolerance=1e-12)
    value, smaller = hessian_trace(surface, surface.parameters, known=known, probes=200)
    assert abs(value - exact) < 5 * smaller
    assert smaller < error / 3


def test_many_points_at_once():
    module, pixels, classes = image_network(width=3)
    surface = LossSurface(module, pixels, classes, "cross_entropy")
    points = surface.parameters + 0.1 * RNG.normal(size=(4, surface.dim))
    np.testing.assert_allclose(surface.energies(points), [surface.energy(x) for x in points], rtol=1e-12)
    np.testing.assert_allclose(
        surface.gradients(points), [surface.gradient(x) for x in points], rtol=1e-9, atol=1e-14
    )
    for wrong, message in ((points[0], "one in each row"), (points[:, 1:], "one number for each")):
        with pytest.raises(InputError, match=message):
            surface.energies(wrong)


def test_a_lowered_path_between_networks():
    ends = []
    with one_thread():
        for seed in (0, 1):
            module, _, _ = image_network(width=4, seed=seed)
            train(module, X4, CLASSES4, learning_rate=0.5, steps=300, loss="cross_entropy")
            surface = LossSurface(module, X4, CLASSES4, "cross_entropy")
            ends.append(surface.parameters)
        found = lowered_path(surface, *ends, images=6, rounds=20)
    assert 0 < found.barrier < found.straight


def test_a_network_with_other_parameters():
    module, pixels, classes = image_network()
    surface = LossSurface(module, pixels, classes, "cross_entropy")
    before = surface.parameters
    other = surface.module_at(before + 0.1)
    assert LossSurface(other, pixels, classes, "cross_entropy").energy(before + 0.1) == surface.energy(
        before + 0.1
    )
    np.testing.assert_array_equal(surface.parameters, before)
    assert next(module.parameters()).dtype == torch.float32


@pytest.mark.parametrize("build", [fully_connected, vgg])
def test_mean_of_the_samples_gradients_is_the_gradient(build):
    module, pixels, classes = image_network(build)
    surface = LossSurface(module, pixels, classes, "cross_entropy")
    at = surface.parameters
    np.testing.assert_allclose(surface.sample_gradients(at).mean(0), surface.gradient(at), atol=1e-12)
    # Central differences of the gradient, error of the order of the step squared.
    v = RNG.normal(size=surface.dim)
    difference = (surface.gradient(at + 1e-6 * v) - surface.gradient(at - 1e-6 * v)) / 2e-6
    np.testing.assert_allclose(surface.hessian_product(at, v), difference, atol=1e-6)


@pytest.mark.parametrize(("build", "layer"), [(fully_connected, 0), (fully_connected, 1), (vgg, 0), (vgg, 2)])
def test_a_rescaled_network_is_the_same_function(build, layer):
    module, pixels, _ = image_network(build)
    module = module.double()
    with torch.no_grad():
        x = torch.as_tensor(pixels)
        np.testing.assert_allclose(rescaled(module, 7.0, layer)(x), module(x), rtol=1e-12, atol=1e-14)


def test_the_hessian_of_a_rescaled_network():
    # S H S with S = diag(1/alpha, alpha), exact without biases (Dinh et al. 2017).
    torch.manual_seed(1)
    module = torch.nn.Sequential(
        torch.nn.Linear(5, 4, bias=False), torch.nn.ReLU(), torch.nn.Linear(4, 2, bias=False)
    ).double()
    alpha = 3.0
    hessians = []
    for one in (module, rescaled(module, alpha)):
        surface = LossSurface(one, X, Y)
        columns = [surface.hessian_product(surface.parameters, row) for row in np.eye(surface.dim)]
        hessians.append(np.array(columns))
    scale = np.concatenate([np.full(20, 1 / alpha), np.full(8, alpha)])
    np.testing.assert_allclose(hessians[1], scale[:, None] * hessians[0] * scale, atol=1e-10)


def test_training_on_cross_entropy_by_hand():
    module = linear(3).double()
    w = module.weight.detach().numpy().copy()
    train(module, X, CLASSES, learning_rate=0.3, steps=5, loss="cross_entropy")
    for _ in range(5):
        z = X @ w.T
        q = np.exp(z) / np.exp(z).sum(1, keepdims=True)
        w = w - 0.3 * (q - np.eye(3)[CLASSES]).T @ X / 12
    np.testing.assert_allclose(module.weight.detach(), w, rtol=1e-10)


def test_training_on_cross_entropy_ends_at_the_tolerance():
    module, pixels, classes = image_network()
    found = train(
        module, pixels, classes, learning_rate=0.1, steps=5000, tolerance=0.05, look_every=7,
        loss="cross_entropy",
    )  # fmt: skip
    assert found.converged
    assert found.steps % 7 == 0
    surface = LossSurface(module, pixels, classes, "cross_entropy")
    assert surface.energy(surface.parameters) == pytest.approx(found.loss, rel=1e-5)
    assert accuracy(module, pixels, classes) == 1.0


def test_refusals():
    with pytest.raises(InputError, match="must be 12 class numbers"):
        LossSurface(linear(3), X, Y, "cross_entropy")
    with pytest.raises(InputError, match="loss is 'hinge'"):
        train(linear(3), X, CLASSES, learning_rate=0.1, steps=1, loss="hinge")
    with pytest.raises(InputError, match="look_every is 0"):
        train(linear(2), X, Y, learning_rate=0.1, steps=1, look_every=0)
    surface = LossSurface(linear(2), X, Y)
    with pytest.raises(InputError, match="the network has 10 parameters"):
        surface.energy(np.zeros(3))
    with pytest.raises(InputError, match="count is 10"):
        top_eigenvalues(surface, np.zeros(10), 10)
    with pytest.raises(InputError, match="probes is 1"):
        hessian_trace(surface, np.zeros(10), probes=1)
    module = image_network()[0]
    with pytest.raises(InputError, match=r"scale is -1\.0"):
        rescaled(module, -1.0)
    with pytest.raises(InputError, match="from 0 to 1"):
        rescaled(module, 2.0, layer=2)
    with pytest.raises(InputError, match="a layer Tanh"):
        rescaled(torch.nn.Sequential(torch.nn.Linear(5, 4), torch.nn.Tanh(), torch.nn.Linear(4, 2)), 2.0)
