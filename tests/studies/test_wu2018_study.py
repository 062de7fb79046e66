"""Stability of minima on grids small enough for a test; those of networks where PyTorch is installed."""

from __future__ import annotations

import dataclasses
from types import SimpleNamespace

import numpy as np
import pytest

from simdyn.errors import InputError
from simdyn.study import run_study
from studies.wu2018 import STUDY, bounds, experiment
from studies.wu2018.network_claims import NETWORK_CLAIMS, OF_MINIMA
from studies.wu2018.networks import LOOKS, STABLE, Task
from studies.wu2018.settings import QUICK

TINY = dataclasses.replace(
    QUICK,
    example_paths=300,
    example_steps=2_000,
    example_rates=(0.5, 0.6, 0.7),
    sharpness=(0.25, 1.0, 1.75),
    nonuniformity=(0.0, 0.5, 0.9, 1.3),
    diagram_paths=2_000,
    plane_paths=50_000,
    samples=40,
    learning_rates=(0.1, 0.2),
    batch_sizes=(4, 20, 40),
    runs=(0, 1),
    tolerance=5e-3,
    most_steps=3_000,
    switch_steps=(0, 500),
    course_steps=(20, 100),
    descent_rates=(0.1, 0.2),
    escape_rate=0.2,
    escape_steps=600,
)

MODEL_CLAIMS = 12


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
    (claim,) = [one for one in study.claims(results, study.quick) if one.claim.startswith(beginning)]
    return claim.verdict


def test_without_pytorch_networks_are_not_run(models):
    _, findings = models
    found = {claim.claim: claim for claim in findings.claims}
    for words, _source in NETWORK_CLAIMS.values():
        assert found[words].verdict == "not run"
        assert found[words].measured is None
        assert "simdyn[torch]" in found[words].why
    assert sum(claim.verdict != "not run" for claim in findings.claims) == MODEL_CLAIMS


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


def test_the_plane_and_the_schemes(models):
    results = models[1].results
    plane, scheme = results["plane"], results["scheme"]
    # Of this set s is 1.76514382728, and the mean-square threshold 0.576039492189.
    np.testing.assert_allclose(plane["share"] / plane["eta"], 1.76514382728, rtol=1e-9)
    assert bounds.second_moments(0.576039492189)[0] == pytest.approx(1.0, abs=1e-9)
    assert (np.linalg.eigvalsh(bounds.second_moments(0.57)[1]) > 0).all()
    assert plane["theorem1"].sel(eta=0.5) < 1 < plane["theorem1"].sel(eta=0.57)
    # Three rates and one scheme; 4.5 standard errors fail in 3e-5 of all runs.
    for data, measured, exact in ((plane, "growth", "multiplier"), (scheme, "factor", "theorem1")):
        chosen = data.sel(sampling="without_replacement") if data is scheme else data
        half = (chosen[f"{measured}_high"] - chosen[f"{measured}_low"]) / 2
        assert (abs(chosen[measured] - chosen[exact]) <= 4.5 / 1.96 * half).all()


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
        (
            "SGD can only pick minima with s <= 1/eta (B",
            "diagram",
            {"square_low": 0.1, "square_high": 0.2},
            {},
        ),
        ("A minimum is stable where", "plane", {"growth_low": 1.1, "growth_high": 1.2}, {"eta": 0.5}),
        (
            "SGD can only pick minima with s <= 1/eta, in",
            "plane",
            {"growth_low": 1.1, "growth_high": 1.2},
            {},
        ),
        ("The noise of a batch", "scheme", {"factor": 0.6, "factor_low": 0.59, "factor_high": 0.61}, {}),
    ],
)
def test_a_verdict_follows_its_measurement(models, beginning, grid, changes, where):
    study, findings = models
    results = findings.results
    for quantity, value in changes.items():
        results = results.altered(grid, quantity, value, **where)
    assert verdict(study, findings.results, beginning) != verdict(study, results, beginning)


@pytest.mark.torch
def test_every_statement_about_networks_is_judged(networks):
    _, findings = networks
    assert len(findings.claims) == MODEL_CLAIMS + len(NETWORK_CLAIMS)
    assert all(claim.verdict != "not run" for claim in findings.claims)
    names = {drawn.name for drawn in findings.figures}
    assert names == {"two_functions", "diagram", "minima", "switch", "training"}


@pytest.mark.torch
def test_minima_of_networks(networks):
    data = networks[1].results["minima"]
    assert float(data["train_accuracy"].min()) == 1.0
    assert float(data["loss"].max()) <= TINY.tolerance * 1.001
    assert np.isinf(data["nonuniformity_bound"].sel(B=40)).all()
    assert float((data["sharpness"] * data["eta"]).sel(B=40).max()) < 2.05
    # What is stable in mean square is in particular stable for gradient descent.
    assert float((data["threshold"] * data["sharpness"]).max()) <= 2.0 + 1e-9


@pytest.mark.torch
def test_training_that_diverges_is_left_out_and_counted(networks):
    study, findings = networks
    where = {"architecture": "fully connected", "eta": 0.2, "B": 4, "run": 1}
    whole = findings.results
    results = dataclasses.replace(
        whole, datasets={**whole.datasets, "minima": whole["minima"].assign(steps=lambda d: d["steps"] * 1.0)}
    )
    for quantity in ("sharpness", "nonuniformity", "train_accuracy", "test_accuracy", "loss", "steps",
                     "threshold", "theorem1"):  # fmt: skip
        results = results.altered("minima", quantity, np.nan, **where)
    found = {claim.claim: claim for claim in study.claims(results, study.quick)}
    assert "the training of 1 failed" in found[NETWORK_CLAIMS["interpolates"][0]].why
    assert found[NETWORK_CLAIMS["interpolates"][0]].verdict == "does not hold"
    for name in OF_MINIMA:
        claim = found[NETWORK_CLAIMS[name][0]]
        assert np.isfinite(claim.measured), name
        assert "Without 1 of 12, whose training failed." in claim.why
    assert len(study.figures(results, study.quick)) == 5


@pytest.mark.torch
def test_where_training_has_diverged_nothing_is_seen():
    import torch

    task = Task.of(TINY, 0)
    module = task.network("fully connected")
    with torch.no_grad():
        next(module.parameters()).fill_(float("inf"))
    assert task.diverged(module)
    assert np.isnan(list(task.look(module, 4).values())).all()
    module = task.network("fully connected")
    assert not task.diverged(module)
    assert np.isfinite(list(task.look(module, 4).values())).all()
    # At this rate the loss is soon too large for a number, with parameters that still are some.
    found = task.minimum("fully connected", 3.0, 4)
    assert np.isnan([found["steps"], found["sharpness"], found["threshold"]]).all()


@pytest.mark.torch
def test_a_network_that_has_died_is_at_no_minimum(monkeypatch):
    import torch

    def deadened(self, module, rate, batch, **options):
        with torch.no_grad():
            for one in module.parameters():
                one.zero_()
        return SimpleNamespace(steps=50, loss=0.5, converged=False)

    monkeypatch.setattr(Task, "trained", deadened)
    found = Task.of(TINY, 0).minimum("fully connected", 0.1, 4)
    assert np.isnan([found[name] for name in (*LOOKS, *STABLE, "steps")]).all()


ONE, OTHER = {"B": 4}, {"B": 40}
"""The least batch, and gradient descent."""


@pytest.mark.torch
@pytest.mark.parametrize(
    ("name", "then", "changes"),
    [
        (
            "interpolates",
            "does not hold",
            [("minima", {"train_accuracy": 0.9}, {**ONE, "eta": 0.1, "run": 0})],
        ),
        ("bound_a", "does not hold", [("minima", {"sharpness": 1e3}, OTHER)]),
        ("near_a", "does not hold", [("minima", {"sharpness": 1e-3}, OTHER)]),
        ("bound_s", "does not hold", [("minima", {"nonuniformity": 1e3}, ONE)]),
        (
            "near_s",
            "holds",
            # Nine tenths of the bounds.
            [
                ("minima", {"nonuniformity": share / eta}, {"B": size, "eta": eta})
                for size, share in ((4, 1.87), (20, 5.62))
                for eta in (0.1, 0.2)
            ],
        ),
        ("nearer_s", "holds", [("minima", {"nonuniformity": 1e3}, {"B": 20})]),
        ("proportional", "does not hold", [("minima", {"nonuniformity": 3.0}, {})]),
        ("batch_a", "does not hold", [("minima", {"sharpness": 1e3}, ONE)]),
        ("batch_s", "does not hold", [("minima", {"nonuniformity": 1e3}, ONE)]),
        ("rate_a", "does not hold", [("minima", {"sharpness": 1e3}, {"eta": 0.2})]),
        ("rate_s", "does not hold", [("minima", {"nonuniformity": 1e3}, {"eta": 0.2})]),
        ("slower", "does not hold", [("minima", {"steps": 1}, ONE)]),
        ("stable", "does not hold", [("minima", {"threshold": 0.01}, {})]),
        ("theorem1", "does not hold", [("minima", {"theorem1": 0.01}, {})]),
        (
            "less_stable",
            "does not hold",
            [
                ("minima", {"sharpness": 1.0, "threshold": 0.1}, {"eta": 0.1}),
                ("minima", {"sharpness": 2.0, "threshold": 0.3}, {"eta": 0.2}),
            ],
        ),
        ("switch", "holds", [("switch", {"threshold": 0.01}, {"step": 0})]),
        (
            "switch",
            "does not hold",
            [("switch", {"threshold": 0.01}, {"step": 0}), ("switch", {"sharpness": 1e3}, {"step": 500})],
        ),
        ("switch_train", "does not hold", [("switch", {"train_accuracy": 0.9}, {"step": 500})]),
        ("switch_test", "does not hold", [("switch", {"test_accuracy": -9.0}, {"step": 500})]),
        ("sgd_test", "does not hold", [("minima", {"test_accuracy": -9.0}, ONE)]),
        (
            "descent_train",
            "holds",
            [("course", {"train_accuracy": 1.0}, OTHER), ("course", {"train_accuracy": 0.9}, ONE)],
        ),
        (
            "descent_test",
            "does not hold",
            [("course", {"test_accuracy": 0.9}, OTHER), ("course", {"test_accuracy": 0.8}, ONE)],
        ),
        (
            "escape_left",
            "holds",
            [
                ("escape", {"sharpness": 20.0, "left": 9.0}, {"descent_rate": 0.1}),
                ("escape", {"sharpness": 10.0, "left": 3.0}, {"descent_rate": 0.2}),
            ],
        ),
        (
            "escape_settled",
            "does not hold",
            [
                ("escape", {"sharpness": 20.0, "settled": 30.0}, {"descent_rate": 0.1}),
                ("escape", {"sharpness": 10.0, "settled": 90.0}, {"descent_rate": 0.2}),
            ],
        ),
        ("adam", "does not hold", [("adaptive", {"sharpness": 1e-3}, {"optimiser": "adam"})]),
        ("adam_test", "does not hold", [("adaptive", {"test_accuracy": 9.0}, {"optimiser": "adam"})]),
    ],
)
def test_a_verdict_on_networks_follows_its_measurement(networks, name, then, changes):
    study, findings = networks
    words = NETWORK_CLAIMS[name][0]
    results = findings.results
    for grid, altered, where in changes:
        for quantity, value in altered.items():
            results = results.altered(grid, quantity, value, **where)
    assert verdict(study, findings.results, words) != then
    assert verdict(study, results, words) == then


@pytest.mark.torch
def test_minima_that_are_never_left_leave_the_claim_open(networks):
    study, findings = networks
    results, words = findings.results, NETWORK_CLAIMS["escape_left"][0]
    for rate, a, steps in ((0.1, 20.0, 3.0), (0.2, 10.0, 9.0)):
        results = results.altered("escape", "sharpness", a, descent_rate=rate)
        results = results.altered("escape", "left", steps, descent_rate=rate)
    assert verdict(study, results, words) == "does not hold"
    never = results.altered("escape", "left", np.nan, descent_rate=0.1, run=1)
    assert verdict(study, never, words) == "undecided"


@pytest.mark.torch
def test_unknown_data_is_refused(tmp_path):
    with pytest.raises(InputError, match="data is 'mnist'"):
        run(tmp_path, data="mnist")


def test_shorter_settings_are_refused_or_judged(models, check_shorter_settings, monkeypatch):
    monkeypatch.setattr(experiment, "can_train", lambda: False)
    study, findings = models
    check_shorter_settings(study, findings.results)


@pytest.mark.torch
def test_shorter_settings_of_networks_are_refused_or_judged(networks, check_shorter_settings):
    study, findings = networks
    check_shorter_settings(study, findings.results)
