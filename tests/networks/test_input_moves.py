"""Samples near a decision boundary and slopes of the loss, against networks where both are known."""

from __future__ import annotations

import numpy as np
import pytest

from simdyn.errors import InputError
from simdyn.networks import critical_samples, fully_connected, loss_sensitivity

torch = pytest.importorskip("torch")
pytestmark = pytest.mark.torch

RNG = np.random.default_rng(1)
INPUTS = RNG.normal(size=(300, 6))


def linear(outputs=4):
    module = torch.nn.Linear(6, outputs).double()
    rng = np.random.default_rng(2)
    with torch.no_grad():
        module.weight.copy_(torch.as_tensor(rng.normal(size=(outputs, 6))))
        module.bias.copy_(torch.as_tensor(rng.normal(size=outputs)))
    return module


def distances(module):
    """Half-width of the smallest box around each sample that holds another class: the gap between outputs
    over the sum of |differences of weights|, least over the other classes."""
    w, b = module.weight.detach().numpy(), module.bias.detach().numpy()
    z = INPUTS @ w.T + b
    first = z.argmax(1)
    gaps = z[np.arange(len(z)), first][:, None] - z
    lengths = np.abs(w[first][:, None] - w[None]).sum(2)
    with np.errstate(invalid="ignore"):
        return np.nanmin(np.where(lengths > 0, gaps / lengths, np.inf), axis=1)


def test_exact_for_two_classes_without_noise():
    module = linear(2)
    for radius in (0.05, 0.2, 0.6):
        found = critical_samples(module, INPUTS, radius, noise=0.0)
        assert np.array_equal(found, distances(module) < radius)


def test_never_more_than_there_are_and_few_missed():
    # With more classes the nearest one may change on the way; with noise the corner is not quite reached.
    module = linear(4)
    for radius in (0.05, 0.2, 0.6):
        exact = distances(module) < radius
        for noise in (0.0, 0.8):
            found = critical_samples(module, INPUTS, radius, noise=noise)
            assert not (found & ~exact).any()
            assert found.sum() >= 0.9 * exact.sum()


def test_the_search_repeats_and_ignores_dropout():
    module = fully_connected((1, 2, 3), 4, dropout=0.5).train()
    x = INPUTS.reshape(-1, 1, 2, 3)
    found = [critical_samples(module, x, 0.3, iterations=3, seed=s) for s in (1, 1)]
    assert np.array_equal(*found)
    assert 0 < found[0].sum() < len(x)
    assert module.training


def test_sensitivity_of_a_linear_network():
    module = linear()
    w, b = module.weight.detach().numpy(), module.bias.detach().numpy()
    z = INPUTS @ w.T + b
    classes = RNG.integers(0, 4, len(z))
    q = np.exp(z - z.max(1, keepdims=True))
    q /= q.sum(1, keepdims=True)
    slope = (q - np.eye(4)[classes]) @ w
    np.testing.assert_allclose(loss_sensitivity(module, INPUTS, classes), np.abs(slope).sum(1), rtol=1e-10)
    targets = RNG.normal(size=z.shape)
    np.testing.assert_allclose(
        loss_sensitivity(module, INPUTS, targets, "squared"), np.abs((z - targets) @ w).sum(1), rtol=1e-10
    )


def test_refusals():
    with pytest.raises(InputError, match="one output"):
        critical_samples(linear(1), INPUTS, 0.1)
    with pytest.raises(InputError, match="radius is 0"):
        critical_samples(linear(), INPUTS, 0.0)
