"""Large and small batches on grids small enough for a test; the networks where PyTorch is installed."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from simdyn.study import run_study
from studies.keskar2017 import STUDY, experiment
from studies.keskar2017.claims import statements
from studies.keskar2017.settings import FLAT, QUICK, SHARP

TINY = dataclasses.replace(
    QUICK,
    samples=120,
    small_batch=4,
    large_batch=12,
    runs=(0, 1),
    tolerance=0.5,
    most_steps=3_000,
    subspace=5,
    iterations=3,
    alphas=(-1.0, 0.0, 1.0, 2.0),
    batch_sizes=(4, 12),
    levels=(1.5, 0.5),
    epochs=2,
    warm_epochs=(0, 1, 2),
    scales=(1.0, 10.0, 30.0),
    steep_share=0.001,
)


def run(folder, **changes):
    study = dataclasses.replace(STUDY, quick=dataclasses.replace(TINY, **changes))
    return study, run_study(study, folder, size="quick", seed=2)


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    """The model alone, as where PyTorch is not installed."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(experiment, "can_train", lambda: False)
        return run(tmp_path_factory.mktemp("keskar2017") / "model")


@pytest.fixture(scope="module")
def networks(tmp_path_factory):
    return run(tmp_path_factory.mktemp("keskar2017") / "networks")


def verdict(study, results, beginning):
    (claim,) = [one for one in study.claims(results, study.quick) if one.claim.startswith(beginning)]
    return claim.verdict


def test_without_pytorch_networks_are_not_run(model):
    _, findings = model
    found = {claim.claim: claim for claim in findings.claims}
    for words, _source in statements(TINY).values():
        assert found[words].verdict == "not run"
        assert found[words].measured is None
        assert "simdyn[torch]" in found[words].why
    assert sum(claim.verdict != "not run" for claim in findings.claims) == 1


def test_the_model(model):
    study, findings = model
    data = findings.results["concept"]
    # To second order in the shift: the two sides together leave its fourth power.
    np.testing.assert_allclose(data["sharp_rise"].sel(shift=0.01), SHARP * 1e-4 / 2, rtol=0.01)
    np.testing.assert_allclose(data["flat_rise"].sel(shift=0.01), FLAT * 1e-4 / 2, rtol=0.01)
    assert (data["sharp"] > data["flat"]).all()
    changed = findings.results.altered("concept", "sharp_rise", 1e-9, shift=0.01)
    words = "A shift between training and test loss"
    assert verdict(study, findings.results, words) == "holds"
    assert verdict(study, changed, words) == "does not hold"


@pytest.mark.torch
def test_every_statement_about_networks_is_judged(networks):
    _, findings = networks
    assert {claim.claim for claim in findings.claims[1:]} == {words for words, _ in statements(TINY).values()}
    assert all(claim.verdict != "not run" for claim in findings.claims)
    assert all(np.isfinite(claim.measured) for claim in findings.claims)
    names = {drawn.name for drawn in findings.figures}
    assert names == {"concept", "sharpness", "line", "batches", "course", "warm", "scaled"}


@pytest.mark.torch
def test_networks(networks):
    results = networks[1].results
    ends, line = results["solutions"], results["line"]
    assert float(ends["train_loss"].max()) <= TINY.tolerance * 1.001
    for alpha, batch in ((0.0, TINY.small_batch), (1.0, TINY.large_batch)):
        there = line["train_loss"].sel(alpha=alpha)
        np.testing.assert_allclose(there, ends["train_loss"].sel(B=batch).transpose(*there.dims))
    # A larger box holds a higher loss, and full space holds it all.
    sharp = results["sharpness"]["sharpness"]
    assert (sharp.sel(epsilon=1e-3) > sharp.sel(epsilon=5e-4)).all()
    # Where training is looked at once the loss is small enough, the lower level comes later.
    course = results["course"]
    assert (course["steps"].sel(level=0.5) > course["steps"].sel(level=1.5)).all()
    # A cold start is training with large batches from the beginning.
    cold = results["warm"].sel(start=0)
    assert float(cold["train_loss"].max()) <= TINY.tolerance * 1.001
    scaled = results["scaled"].transpose("scale", "run")
    np.testing.assert_array_equal(scaled["test_accuracy"], scaled["test_accuracy"][[0] * len(TINY.scales)])
    assert (np.diff(scaled["eigenvalue"].values, axis=0) > 0).all()


FLAT_ACCURATE = ("batches", {"sharpness": 1.0, "test_accuracy": 0.5}, {"B": 4})
SHARP_ACCURATE = ("batches", {"sharpness": 2.0, "test_accuracy": 0.9}, {"B": 12})


@pytest.mark.torch
@pytest.mark.parametrize(
    ("name", "then", "changes"),
    [
        (
            "train fully connected sgd",
            "does not hold",
            [("solutions", {"train_accuracy": 1e3}, {"B": 12})],
        ),
        ("gap fully connected sgd", "does not hold", [("solutions", {"test_accuracy": 9.0}, {"B": 12})]),
        (
            "full fully connected sgd",
            "does not hold",
            [("sharpness", {"sharpness": 1e3}, {"B": 4, "space": "full"})],
        ),
        (
            "random fully connected adam",
            "does not hold",
            [("sharpness", {"sharpness": 1e3}, {"B": 4, "space": "random"})],
        ),
        ("hessian fully connected sgd", "does not hold", [("solutions", {"eigenvalue": 1e-6}, {"B": 12})]),
        ("tenfold", "holds", [("sharpness", {"sharpness": 1e6}, {"B": 12, "space": "full"})]),
        ("tenfold_random", "holds", [("sharpness", {"sharpness": 1e6}, {"B": 12, "space": "random"})]),
        ("passes", "holds", [("epochs", {"sharpness": 1e6}, {"B": 12})]),
        ("epsilon", "does not hold", [("sharpness", {"sharpness": 1e3}, {"B": 12, "epsilon": 5e-4})]),
        ("line_loss", "does not hold", [("line", {"train_loss": 1e-6}, {"alpha": 2.0})]),
        ("line_accuracy", "does not hold", [("line", {"train_accuracy": 9.0}, {"alpha": 2.0})]),
        ("cone", "holds", [("directions", {"held": 2.0}, {})]),
        ("accuracy", "does not hold", [FLAT_ACCURATE, SHARP_ACCURATE]),
        ("batch_sharpness", "does not hold", [("batches", {"sharpness": 1e6}, {"B": 4})]),
        ("batch_accuracy", "does not hold", [FLAT_ACCURATE, SHARP_ACCURATE]),
        (
            "escape",
            "holds",
            [("onwards", {"barrier": 9.0}, {"B": 4}), ("onwards", {"barrier": 1.0}, {"B": 12})],
        ),
        ("early", "does not hold", [("course", {"sharpness": 1e6}, {"B": 12, "level": 1.5})]),
        ("late", "does not hold", [("course", {"sharpness": 1e-6}, {"B": 12, "level": 0.5})]),
        ("overfitting", "does not hold", [("course", {"test_accuracy": -9.0}, {"B": 12, "level": 0.5})]),
        ("close", "does not hold", [("solutions", {"distance": 1e3}, {"B": 12})]),
        ("warm_few", "does not hold", [("warm", {"test_accuracy": 9.0}, {"start": 1})]),
        ("warm_many", "does not hold", [("warm", {"test_accuracy": -9.0}, {"start": 2})]),
        ("warm_sharp", "does not hold", [("warm", {"sharpness": 1e6}, {"start": 2})]),
        ("ball", "does not hold", [("solutions", {"ball_even": 2.0, "ball_formula": 1.0}, {})]),
        ("ball_left", "holds", [("solutions", {"ball": 1.0, "ball_formula": 1.0}, {})]),
        ("scale_same", "does not hold", [("scaled", {"change": 0.1}, {})]),
        ("scale_power", "does not hold", [("scaled", {"eigenvalue": 1.0}, {})]),
        ("scale_sharp", "does not hold", [("scaled", {"sharpness": 1e-6}, {})]),
    ],
)
def test_a_verdict_on_networks_follows_its_measurement(networks, name, then, changes):
    study, findings = networks
    results = findings.results
    for grid, altered, where in changes:
        for quantity, value in altered.items():
            results = results.altered(grid, quantity, value, **where)
    words = statements(TINY)[name][0]
    assert verdict(study, findings.results, words) != then
    assert verdict(study, results, words) == then


@pytest.mark.torch
def test_small_batches_have_to_leave_and_large_ones_to_stay(networks):
    study, findings = networks
    words = statements(TINY)["escape"][0]
    moved = findings.results.altered("onwards", "barrier", 9.0)
    assert verdict(study, moved, words) == "does not hold"
    assert verdict(study, findings.results.altered("onwards", "barrier", 1.0), words) == "does not hold"


@pytest.mark.torch
def test_around_a_point_both_sides_have_its_curvature_and_no_slope():
    from potentials import Potential
    from studies.keskar2017.networks import BothSides

    landscape = Potential("x**3 + 2*x**2 + 3*x + y**2")
    centre = np.array([0.5, -0.2])
    even = BothSides(landscape, centre)
    np.testing.assert_allclose(even.gradient(centre), 0.0, atol=1e-12)
    apart = np.array([0.1, 0.3])
    expected = landscape.energy(centre) + apart @ landscape.hessian(centre) @ apart / 2
    np.testing.assert_allclose(even.energy(centre + apart), expected, rtol=1e-12)
    step = 1e-6 * np.array([1.0, 0.0])
    slope = (even.energy(centre + apart + step) - even.energy(centre + apart - step)) / 2e-6
    np.testing.assert_allclose(even.gradient(centre + apart)[0], slope, rtol=1e-6)


def test_shorter_settings_are_refused_or_judged(model, check_shorter_settings, monkeypatch):
    monkeypatch.setattr(experiment, "can_train", lambda: False)
    study, findings = model
    check_shorter_settings(study, findings.results)


@pytest.mark.torch
def test_shorter_settings_of_networks_are_refused_or_judged(networks, check_shorter_settings):
    study, findings = networks
    check_shorter_settings(study, findings.results)
