"""Networks trained side by side against the same networks trained one after the other."""

from __future__ import annotations

import numpy as np
import pytest

from simdyn.errors import InputError
from simdyn.networks import NetworkEnsemble, accuracy, fully_connected, train

torch = pytest.importorskip("torch")
pytestmark = pytest.mark.torch

RNG = np.random.default_rng(0)
INPUTS = RNG.normal(size=(3, 24, 1, 3, 3))
CLASSES = RNG.integers(0, 4, (3, 24))


def networks(dropout=0.0):
    return [fully_connected((1, 3, 3), 4, width=6, seed=s, dropout=dropout).double() for s in range(3)]


def weights(module):
    return np.concatenate([value.detach().numpy().ravel() for value in module.parameters()])


@pytest.mark.parametrize("sampling", ["without_replacement", "epoch_shuffle"])
@pytest.mark.parametrize("batch_size", [6, None])
@pytest.mark.parametrize("shared", [True, False])
def test_the_same_as_one_by_one(sampling, batch_size, shared):
    rates, decays = (0.1, 0.2, 0.3), (0.0, 0.01, 0.1)
    ensemble = NetworkEnsemble(networks())
    inputs, classes = (INPUTS[0], CLASSES[0]) if shared else (list(INPUTS), list(CLASSES))
    looks = list(
        ensemble.course(
            inputs, classes, looks=(0, 3, 9), learning_rate=rates, batch_size=batch_size,
            weight_decay=decays, loss="cross_entropy", sampling=sampling, seeds=(4, 5, 6),
        )
    )  # fmt: skip
    assert looks == [0, 3, 9]
    for k, module in enumerate(networks()):
        x, y = INPUTS[0 if shared else k], CLASSES[0 if shared else k]
        train(
            module, x, y, learning_rate=rates[k], batch_size=batch_size, steps=9, weight_decay=decays[k],
            loss="cross_entropy", sampling=sampling, seed=4 + k,
        )  # fmt: skip
        np.testing.assert_allclose(weights(ensemble.module(k)), weights(module), rtol=1e-10, atol=1e-12)
        right = ensemble.correct(inputs, classes if shared else CLASSES)[k]
        assert right.mean() == pytest.approx(accuracy(module, x, y))


def test_squared_loss():
    ensemble = NetworkEnsemble(networks())
    targets = np.eye(4)[CLASSES[0]]
    list(ensemble.course(INPUTS[0], targets, looks=(5,), learning_rate=0.1, batch_size=4))
    for k, module in enumerate(networks()):
        train(module, INPUTS[0], targets, learning_rate=0.1, batch_size=4, steps=5, seed=k)
        np.testing.assert_allclose(weights(ensemble.module(k)), weights(module), rtol=1e-10, atol=1e-12)


def test_dropout_repeats_and_leaves_the_generator_alone():
    found = []
    for seeds in ((1, 2, 3), (1, 2, 3), (7, 2, 3)):
        before = torch.random.get_rng_state()
        ensemble = NetworkEnsemble(networks(dropout=0.5))
        for _ in ensemble.course(
            INPUTS[0], CLASSES[0], looks=(0, 2, 6), learning_rate=0.1, batch_size=6, loss="cross_entropy",
            seeds=seeds,
        ):  # fmt: skip
            assert torch.equal(before, torch.random.get_rng_state())
            first, second = ensemble.outputs(INPUTS[0]), ensemble.outputs(INPUTS[0])
            assert torch.equal(first, second)
        found.append(weights(ensemble.module(1)))
    assert np.array_equal(found[0], found[1])
    assert not np.array_equal(found[0], found[2])


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"looks": (3, 3)}, "ascending"),
        ({"looks": ()}, "ascending"),
        ({"batch_size": 25}, "number of samples, 24"),
        ({"batch_size": 5, "sampling": "epoch_shuffle"}, "does not divide the 24 samples"),
        ({"learning_rate": (0.1, 0.2)}, "2 values for 3 networks"),
        ({"learning_rate": (0.1, 0.2, -1.0)}, "learning_rate is -1.0"),
        ({"weight_decay": -1.0}, "weight_decay is -1.0"),
        ({"seeds": (1,)}, "1 seeds for 3 networks"),
        ({"inputs": list(INPUTS[:2])}, "samples for 2 networks"),
        ({"targets": list(CLASSES[:2])}, "targets for 2 networks"),
    ],
)
def test_refusals(changes, words):
    settings = {
        "inputs": INPUTS[0], "targets": CLASSES[0], "looks": (1,), "learning_rate": 0.1,
        "loss": "cross_entropy",
    } | changes  # fmt: skip
    ensemble = NetworkEnsemble(networks())
    with pytest.raises(InputError, match=words):
        list(ensemble.course(**settings))


def test_networks_that_cannot_be_stacked():
    with pytest.raises(InputError, match="at least one"):
        NetworkEnsemble([])
    with pytest.raises(InputError, match="one architecture"):
        NetworkEnsemble([fully_connected((1, 3, 3), 4, width=w) for w in (5, 6)])
    with pytest.raises(InputError, match="buffers"):
        NetworkEnsemble([torch.nn.Sequential(torch.nn.Flatten(), torch.nn.BatchNorm1d(9))])
