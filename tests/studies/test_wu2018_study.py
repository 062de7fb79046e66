"""Stability of minima on grids small enough for a test; those of networks where PyTorch is installed."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from simdyn.errors import InputError
from simdyn.study import conclude, run_study
from studies.wu2018 import STUDY, experiment
from studies.wu2018.claims import NETWORK_CLAIMS
from studies.wu2018.experiment import QUICK, can_train

TINY = dataclasses.replace(
    QUICK,
    example_paths=300,
    example_steps=2_000,
    example_rates=(0.5, 0.6, 0.7),
    sharpness=(0.25, 1.0, 1.75),
    nonuniformity=(0.0, 0.5, 0.9, 1.3),
    diagram_paths=2_000,
    samples=40,
    learning_rates=(0.1, 0.2),
    batch_sizes=(4, 40),
    runs=(0, 1),
    tolerance=5e-3,
    most_steps=3_000,
    switch_steps=(0, 500),
)

needs_torch = pytest.mark.skipif(not can_train(), reason="needs PyTorch and scikit-learn")


def run(folder, **changes):
    study = dataclasses.replace(STUDY, quick=dataclasses.replace(TINY, **changes))
    return study, run_study(study, folder, size="quick", seed=2)


@pytest.fixture(scope="module")
def models(tmp_path_factory):
    """The model problems alone, as where PyTorch is not installed."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(experiment, "can_train", lambda: False)
        return run(tmp_path_factory.mktemp("wu2018") / "models")


@pytest.fixture(scope="module")
def networks(tmp_path_factory):
    return run(tmp_path_factory.mktemp("wu2018") / "networks")


def verdict(study, results, beginning):
    (claim,) = [one for one in conclude(study, results).claims if one.claim.startswith(beginning)]
    return claim.verdict


def test_without_pytorch_networks_are_not_run(models):
    _, findings = models
    found = {claim.claim: claim for claim in findings.claims}
    for words, _source in NETWORK_CLAIMS.values():
        assert found[words].verdict == "not run"
        assert found[words].measured is None
        assert "simdyn[torch]" in found[words].why
    assert sum(claim.verdict != "not run" for claim in findings.claims) == 8


def test_the_two_functions(models):
    _, findings = models
    data = findings.results["example"]
    assert data["mean_square"].sel(eta=0.7) == pytest.approx(1.7476, rel=1e-9)
    assert data["growth"].sel(eta=0.7) == pytest.approx(0.177997356317, rel=1e-9)
    assert data["nonuniformity_1"].values == pytest.approx(1.8)
    assert data["nonuniformity_0"].values == pytest.approx(0.0, abs=1e-9)
    np.testing.assert_allclose(data["left"], [0, 1, 1])
    np.testing.assert_allclose(data["descent_left"], 0)


def test_cells_of_the_diagram_hold_their_exact_values(models):
    # 24 cells; half an interval is 1.96 standard errors, 4.5 of those are allowed: 2e-4.
    data = models[1].results["diagram"]
    half = (data["square_high"] - data["square_low"]) / 2
    assert float((abs(data["square"] - data["multiplier"]) - 1e-12 - 4.5 / 1.96 * half).max()) <= 0


@pytest.mark.parametrize(
    ("beginning", "grid", "changes", "where"),
    [
        ("SGD with batch size 1", "example", {"left_low": 0.1, "left_high": 0.2}, {"eta": 0.7}),
        ("Gradient descent behaves", "example", {"descent_left": 1.0}, {"eta": 0.7}),
        ("The curvature at x = 0", "example", {"sharpness_0": 1.0}, {"eta": 0.5}),
        ("Runs leave x = 1", "example", {"left_low": 0.5, "left_high": 0.6}, {"eta": 0.6}),
        ("One step multiplies", "diagram", {"multiplier": 5.0}, {}),
        ("Minima in the box", "diagram", {"square_low": 0.1, "square_high": 0.2}, {}),
        ("In one dimension", "diagram", {"square_low": 1.1, "square_high": 1.2}, {}),
        ("The batch size does not", "diagram", {"square_low": 0.1, "square_high": 0.2}, {}),
    ],
)
def test_a_verdict_follows_its_measurement(models, beginning, grid, changes, where):
    study, findings = models
    results = findings.results
    for quantity, value in changes.items():
        results = results.altered(grid, quantity, value, **where)
    assert verdict(study, findings.results, beginning) != verdict(study, results, beginning)


@needs_torch
def test_every_statement_about_networks_is_judged(networks):
    _, findings = networks
    assert len(findings.claims) == 8 + len(NETWORK_CLAIMS)
    assert all(claim.verdict != "not run" for claim in findings.claims)
    names = {drawn.name for drawn in findings.figures}
    assert names == {"two_functions", "diagram", "minima", "switch"}


@needs_torch
def test_minima_of_networks(networks):
    data = networks[1].results["minima"]
    assert float(data["train_accuracy"].min()) == 1.0
    assert float(data["loss"].max()) <= TINY.tolerance * 1.001
    assert np.isinf(data["nonuniformity_bound"].sel(B=40)).all()
    assert float((data["sharpness"] * data["eta"]).sel(B=40).max()) < 2.05
    # What is stable in mean square is in particular stable for gradient descent.
    assert float((data["threshold"] * data["sharpness"]).max()) <= 2.0 + 1e-9


@needs_torch
@pytest.mark.parametrize(
    ("name", "grid", "changes", "where"),
    [
        ("interpolates", "minima", {"train_accuracy": 0.9}, {"B": 4, "eta": 0.1, "run": 0}),
        ("bound_a", "minima", {"sharpness": 1e3}, {"B": 40}),
        ("bound_s", "minima", {"nonuniformity": 1e3}, {"B": 4}),
        ("batch_a", "minima", {"sharpness": 1e3}, {"B": 4}),
        ("stable", "minima", {"threshold": 0.01}, {}),
        ("proportional", "minima", {"nonuniformity": 3.0}, {}),
    ],
)
def test_a_verdict_on_networks_follows_its_measurement(networks, name, grid, changes, where):
    study, findings = networks
    results = findings.results
    for quantity, value in changes.items():
        results = results.altered(grid, quantity, value, **where)
    words = NETWORK_CLAIMS[name][0]
    assert verdict(study, findings.results, words) != verdict(study, results, words)


@needs_torch
def test_unknown_data_is_refused(tmp_path):
    with pytest.raises(InputError, match="data is 'mnist'"):
        run(tmp_path, data="mnist")
