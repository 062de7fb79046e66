"""SGD on the errors of a linearised network against SGD on its parameters; kicks against their law."""

from __future__ import annotations

import numpy as np
import pytest

import simdyn as sd
from potentials import FunctionSpace, LinearisedNetwork
from simdyn.dynamics import SDE, SGD, SGLD
from simdyn.engines import engine_for
from simdyn.engines.minibatch import MinibatchEngine
from simdyn.engines.modes import ModesEngine
from simdyn.errors import InputError

N, C, P = 12, 3, 50

RULES = {
    "one": SGD(0.1, 1),
    "subset": SGD(0.1, 5),
    "independent": SGD(0.1, 5, sampling="with_replacement"),
    "epochs": SGD(0.1, 5, sampling="epoch_shuffle"),
    "heavy": SGD(0.05, 4, momentum=0.7),
    "descent": SGD(0.1, 1, noise="none"),
    "heavy_descent": SGD(0.1, 1, noise="none", momentum=0.6),
    "schedule": SGD("0.1/(1 + step/20)", 4),
}


def engine_of(update, **options):
    """Modes for the full gradient, rows for batches."""
    if update.noise == "none":
        return ModesEngine(update, **options)
    return engine_for("cpu", update, **options)


@pytest.fixture(scope="module")
def network():
    rng = np.random.default_rng(5)
    return LinearisedNetwork(rng.normal(size=(N, C, P)) / 5, rng.normal(size=(N, C)))


# Each rule has a kernel of its own to compile.
SLOW = ("one", "independent", "schedule")


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=[pytest.mark.slow] * (name in SLOW)) for name in RULES]
)
def test_the_same_seed_gives_the_errors_of_the_run_in_parameters(network, name):
    space = network.function_space()
    x = engine_for("cpu", RULES[name].update(network)).integrate(np.zeros((5, P)), steps=60, seed=3)
    expected = (network.jacobian.reshape(-1, P) @ x.T).T + network.residual.ravel()
    engine = engine_of(RULES[name].update(space))
    assert isinstance(engine, ModesEngine if "descent" in name else MinibatchEngine)
    found = engine.integrate(np.tile(space.errors, (5, 1)), steps=60, seed=3)
    # Rounding alone: 60 contracting steps of numbers of order one.
    assert np.abs(found - expected).max() < 1e-12
    assert np.abs(found - space.errors).max() > 0.1


@pytest.mark.parametrize(
    "rule", [SGLD(0.1, 0.3), SGLD(0.1, 0.3, batch_size=4), SGD(0.1, 3, noise="empirical")]
)
def test_the_same_bits_however_a_run_is_cut(network, rule):
    space = network.function_space()
    update = rule.update(space)
    start = np.tile(space.errors, (7, 1))
    whole = engine_of(update, threads=1).integrate(start, steps=45, seed=2)
    engine = engine_of(update, threads=2)
    halves = engine.integrate(start, steps=19, seed=2)
    halves = engine.integrate(halves, steps=26, seed=2, first_step=19)
    if rule == SGLD(0.1, 0.3):  # Turned into the eigenbasis and back in between.
        np.testing.assert_allclose(halves, whole, atol=1e-12)
    else:
        assert np.array_equal(halves, whole)
    parts = [engine.integrate(start[k : k + 2], steps=45, seed=2, first_path=k) for k in range(0, 7, 2)]
    assert np.array_equal(np.concatenate(parts), whole)


def covariance_of(space, eta, temperature, momentum, steps):
    """Covariance of errors after so many steps from a fixed start, by iterating its recursion."""
    n = space.dim
    mean = space.gram / space.size
    step = np.block([[np.eye(n) - eta * mean, momentum * np.eye(n)], [-eta * mean, momentum * np.eye(n)]])
    kick = 2 * eta * temperature * np.tile(space.gram, (2, 2))
    found = np.zeros((2 * n, 2 * n))
    for _ in range(steps):
        found = step @ found @ step.T + kick
    return found[:n, :n]


@pytest.mark.parametrize(
    ("rule", "temperature"),
    [
        (SGLD(0.1, 0.3), 0.3),
        (SGLD(0.1, 0.3, momentum=0.5), 0.3),
        (SGLD(0.1, 0.3, batch_size=6, momentum=0.5), 0.3),
        (SDE(0.3, 0.1), 0.3),
        (SDE(SGLD(0.05, 0.3), 0.1), 0.3),
    ],
    ids=["modes", "heavy modes", "all samples by rows", "sde", "limit of sgld"],
)
def test_kicks_have_the_covariance_of_their_recursion(rule, temperature):
    rng = np.random.default_rng(1)
    network = LinearisedNetwork(rng.normal(size=(6, 1, 4)), rng.normal(size=6))  # Rank 4 of 6.
    space, paths, steps = network.function_space(), 40_000, 12
    found = engine_of(rule.update(space)).integrate(np.tile(space.errors, (paths, 1)), steps=steps, seed=11)
    expected = covariance_of(space, 0.1, temperature, getattr(rule, "momentum", 0.0), steps)
    descended = engine_for(
        "cpu", SGD(0.1, 1, noise="none", momentum=getattr(rule, "momentum", 0.0)).update(space)
    )
    mean = descended.integrate(space.errors[None], steps=steps, seed=0)[0]
    spread = np.sqrt(np.diag(expected))
    # 6 means and 21 covariances of Gaussians, z = 5: a false alarm in 60,000 runs.
    assert np.all(np.abs(found.mean(0) - mean) < 5 * spread / np.sqrt(paths))
    error = np.sqrt((expected**2 + np.outer(spread, spread) ** 2) / paths)
    assert np.all(np.abs(np.cov(found.T) - expected) < 5 * error)


def test_empirical_noise_and_its_sde_have_the_covariance_of_batches():
    rng = np.random.default_rng(2)
    network = LinearisedNetwork(rng.normal(size=(6, 2, 8)) / 2, rng.normal(size=(6, 2)))
    space, paths = network.function_space(), 40_000
    batch, eta, h = 2.0, 0.2, 0.05
    one = space.gradient_covariance(space.errors) * (6 - batch) / (batch * 5)
    rule = SGD(eta, batch, noise="empirical")
    for one_rule, factor in [(rule, eta**2), (SDE(rule, h), eta * h)]:
        found = engine_for("cpu", one_rule.update(space)).integrate(
            np.tile(space.errors, (paths, 1)), steps=1, seed=4
        )
        expected = factor * one
        spread = np.sqrt(np.diag(expected))
        error = np.sqrt((expected**2 + np.outer(spread, spread) ** 2) / paths)
        # 78 covariances of Gaussians, z = 5: a false alarm in 20,000 runs.
        assert np.all(np.abs(np.cov(found.T) - expected) < 5 * error + 1e-15)


def test_covariance_in_function_space_is_that_of_gradients_pushed_forward(network):
    space, x = network.function_space(), np.random.default_rng(0).normal(size=P)
    stacked = network.jacobian.reshape(-1, P)
    errors = stacked @ x + network.residual.ravel()
    np.testing.assert_allclose(space.loss(errors), network.energy(x), rtol=1e-12)
    np.testing.assert_allclose(space.gradient(errors), stacked @ network.gradient(x), atol=1e-12)
    pushed = stacked @ network.gradient_covariance(x) @ stacked.T
    np.testing.assert_allclose(space.gradient_covariance(errors), pushed, atol=1e-11)


def test_simulate_records_errors(network):
    space = network.function_space()
    answer = sd.simulate(
        space, SGD(0.1, 4), start=space.errors, paths=20, steps=30, record=["final", "snapshots"], every=10
    )
    assert answer.sizes["coordinate"] == N * C
    loss = space.loss(answer.snapshots.values)
    assert loss.shape == (4, 20)
    assert np.all(loss[-1] < loss[0])
    descent = sd.simulate(
        space, SGLD(0.1, 0.0), start=space.errors, paths=2, steps=25, record=["final", "snapshots"], every=10
    )
    step = np.eye(N * C) - 0.1 / N * space.gram
    for name, steps in (("snapshots", 20), ("final", 25)):
        states = descent.snapshots[2] if name == "snapshots" else descent.final
        expected = np.linalg.matrix_power(step, steps) @ space.errors
        np.testing.assert_allclose(states, [expected] * 2, atol=1e-12)


def test_what_cannot_be_done_is_said(network):
    space = network.function_space()
    with pytest.raises(InputError, match="nothing moves there"):
        sd.simulate(space, SGD(0.1, 4), paths=2, steps=3)
    with pytest.raises(InputError, match="function space, which knows errors alone"):
        SGD(0.1, 4, noise="hessian", floor=0).update(space)
    with pytest.raises(InputError, match="only 12 samples"):
        SGD(0.1, 13).update(space)
    with pytest.raises(InputError, match="euler_maruyama"):
        SDE(0.1, 0.1, scheme="heun", convention="stratonovich").update(space)
    with pytest.raises(InputError, match="float64"):
        ModesEngine(SGLD(0.1, 0.1).update(space), dtype="float32")
    with pytest.raises(InputError, match="shape"):
        ModesEngine(SGLD(0.1, 0.1).update(space)).integrate(np.zeros((2, 3)), steps=1, seed=0)
    with pytest.raises(InputError, match="square"):
        FunctionSpace(np.ones((2, 3)))
    with pytest.raises(InputError, match="not symmetric"):
        FunctionSpace([[1.0, 0.5], [0.0, 1.0]])
    with pytest.raises(InputError, match="do not fit 2 outputs"):
        FunctionSpace(np.eye(3), outputs=2)
    with pytest.raises(InputError, match="errors have shape"):
        FunctionSpace(np.eye(3), np.zeros(4))
    with pytest.raises(InputError, match="eigenvalue"):
        FunctionSpace([[1.0, 2.0], [2.0, 1.0]]).modes  # noqa: B018


def test_records_come_back(network):
    space = network.function_space()
    again = FunctionSpace.from_record(space.record())
    assert again == space
    assert (again.size, again.outputs, again.network_dim) == (N, C, P)
