"""Training against steps by hand, and what it refuses."""

from __future__ import annotations

import numpy as np
import pytest

from simdyn.errors import InputError
from simdyn.networks import accuracy, fully_connected, train, vgg

torch = pytest.importorskip("torch")
pytestmark = pytest.mark.torch


def line(seed=0):
    torch.manual_seed(seed)
    module = torch.nn.Linear(3, 1, bias=False).double()
    rng = np.random.default_rng(2)
    x = rng.normal(size=(8, 3))
    return module, x, x @ np.array([[1.0], [-2.0], [0.5]])


def weights(module):
    return np.concatenate([value.detach().numpy().ravel() for value in module.parameters()])


def test_gradient_descent_by_hand():
    module, x, y = line()
    w = weights(module)
    train(module, x, y, learning_rate=0.1, steps=7)
    for _ in range(7):
        w = w - 0.1 * x.T @ (x @ w - y[:, 0]) / 8
    np.testing.assert_allclose(weights(module), w, rtol=1e-12)


def test_a_step_of_sgd_is_that_of_one_subset():
    module, x, y = line()
    w = weights(module)
    train(module, x, y, learning_rate=0.1, batch_size=2, steps=1, seed=4)
    moved = weights(module) - w
    of_sample = -0.1 * x * (x @ w - y[:, 0])[:, None]
    pairs = [(of_sample[i] + of_sample[j]) / 2 for i in range(8) for j in range(i)]
    assert np.abs(np.array(pairs) - moved).max(1).min() < 1e-12


def test_the_mean_step_is_the_full_gradient():
    # 2,000 first steps of batches of two: within 5 standard errors in each of three coordinates (1e-6).
    _, x, y = line()
    w = weights(line()[0])
    moved = []
    for seed in range(2000):
        module = line()[0]
        train(module, x, y, learning_rate=0.1, batch_size=2, steps=1, seed=seed)
        moved.append(weights(module) - w)
    mean, error = np.mean(moved, 0), np.std(moved, 0) / np.sqrt(2000)
    assert np.all(np.abs(mean + 0.1 * x.T @ (x @ w - y[:, 0]) / 8) < 5 * error)


def test_it_ends_at_the_tolerance():
    module, x, y = line()
    found = train(module, x, y, learning_rate=0.2, steps=5000, tolerance=1e-8)
    assert found.converged
    assert found.steps < 5000
    assert found.steps % 50 == 0
    assert ((x @ weights(module) - y[:, 0]) ** 2).mean() / 2 == pytest.approx(found.loss, rel=1e-9)
    np.testing.assert_allclose(weights(module), [1.0, -2.0, 0.5], atol=1e-3)


def test_too_large_a_learning_rate_is_noticed():
    module, x, y = line()
    found = train(module, x, y, learning_rate=50.0, steps=5000)
    assert not found.converged
    assert found.steps < 5000


@pytest.mark.parametrize("build", [fully_connected, vgg])
def test_the_same_seeds_give_the_same_network(build):
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(12, 1, 8, 8)), rng.normal(size=(12, 1))
    found = []
    before = torch.random.get_rng_state()
    for seed in (1, 1, 2):
        module = build((1, 8, 8), 1, seed=seed)
        train(module, x, y, learning_rate=0.01, batch_size=4, steps=20, seed=seed)
        found.append(weights(module))
    assert np.array_equal(found[0], found[1])
    assert not np.array_equal(found[0], found[2])
    assert torch.equal(before, torch.random.get_rng_state())


@pytest.mark.parametrize("channels", [1, 3])
def test_convolutions_are_trained_as_by_hand_and_left_contiguous(channels):
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(6, channels, 8, 8)), rng.normal(size=(6, 1))
    trained, by_hand = (vgg((channels, 8, 8), 1).double() for _ in range(2))
    train(trained, x, y, learning_rate=0.05, steps=10)
    for _ in range(10):
        by_hand.zero_grad()
        ((by_hand(torch.as_tensor(x)) - torch.as_tensor(y)) ** 2).sum().div(12).backward()
        with torch.no_grad():
            for one in by_hand.parameters():
                one -= 0.05 * one.grad
    np.testing.assert_allclose(weights(trained), weights(by_hand), rtol=1e-10, atol=1e-13)
    assert all(one.is_contiguous() for one in trained.parameters())


def test_adam_trains_a_network():
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(20, 1, 4, 4)), np.sign(rng.normal(size=(20, 1)))
    module = fully_connected((1, 4, 4), 1)
    found = train(
        module, x, y, learning_rate=0.01, batch_size=5, steps=5000, tolerance=1e-4, optimiser="adam"
    )
    assert found.converged
    assert accuracy(module, x, (y[:, 0] > 0).astype(int)) == 1.0


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"learning_rate": -0.1}, "learning_rate is -0.1"),
        ({"batch_size": 9}, "batch_size is 9"),
        ({"batch_size": 0}, "number of samples, 8"),
        ({"steps": 0}, "steps is 0"),
        ({"tolerance": -1.0}, "tolerance is -1"),
        ({"momentum": 1.0}, "momentum is 1"),
        ({"optimiser": "lion"}, "optimiser is 'lion'"),
        ({"optimiser": "adam", "momentum": 0.5}, "Adam has no momentum"),
        ({"targets": np.zeros((7, 1))}, r"shape \(7, 1\)"),
    ],
)
def test_refusals(changes, words):
    module, x, y = line()
    settings = {"inputs": x, "targets": y, "learning_rate": 0.1, "steps": 5} | changes
    with pytest.raises(InputError, match=words):
        train(module, **settings)


def test_images_too_small_for_the_network():
    with pytest.raises(InputError, match="2 by 2 pixels cannot be halved 2 times"):
        vgg((1, 2, 2), 1)


def test_weight_decay_by_hand():
    module, x, y = line()
    w = weights(module)
    train(module, x, y, learning_rate=0.1, steps=7, weight_decay=0.3)
    for _ in range(7):
        w = w - 0.1 * (x.T @ (x @ w - y[:, 0]) / 8 + 0.3 * w)
    np.testing.assert_allclose(weights(module), w, rtol=1e-12)


def test_an_epoch_takes_each_sample_once():
    module, x, y = line()
    # So small a rate that the slopes do not change on the way, to first order: an epoch is the full gradient.
    w = weights(module)
    train(module, x, y, learning_rate=1e-7, batch_size=2, steps=4, sampling="epoch_shuffle", seed=3)
    np.testing.assert_allclose((weights(module) - w) / 4e-7, -x.T @ (x @ w - y[:, 0]) / 8, rtol=1e-5)
    with pytest.raises(InputError, match="does not divide the 8 samples"):
        train(module, x, y, learning_rate=0.1, batch_size=3, steps=1, sampling="epoch_shuffle")


def test_dropout_works_in_training_alone():
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(40, 1, 4, 4)), np.sign(rng.normal(size=(40, 1)))
    found = []
    for seed in (1, 1, 2):
        before = torch.random.get_rng_state()
        module = fully_connected((1, 4, 4), 1, dropout=0.5)
        train(module, x, y, learning_rate=0.05, steps=30, seed=seed)
        assert torch.equal(before, torch.random.get_rng_state())
        assert accuracy(module, x, (y[:, 0] > 0).astype(int)) == accuracy(
            module, x, (y[:, 0] > 0).astype(int)
        )
        found.append(weights(module))
    # All samples in each step: what differs between the seeds is what was left out.
    assert np.array_equal(found[0], found[1])
    assert not np.array_equal(found[0], found[2])
    plain = fully_connected((1, 4, 4), 1)
    train(plain, x, y, learning_rate=0.05, steps=30, seed=1)
    assert not np.array_equal(weights(plain), found[0])
    with pytest.raises(InputError, match="dropout is 1"):
        fully_connected((1, 4, 4), 1, dropout=1.0)
