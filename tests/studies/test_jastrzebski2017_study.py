"""Noise and minima on grids small enough for a test: every verdict follows from the measurements."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from simdyn import SGD, exact
from simdyn.study import run_study
from studies.jastrzebski2017 import STUDY, equilibrium, experiment, valleys
from studies.jastrzebski2017.claims import crossing
from studies.jastrzebski2017.figures import network_figures
from studies.jastrzebski2017.landscapes import steepening_valley, wall_curvature, wells
from studies.jastrzebski2017.line_chain import LineChain
from studies.jastrzebski2017.network_claims import NETWORK_CLAIMS, of_networks
from studies.jastrzebski2017.settings import QUICK

TINY = dataclasses.replace(
    QUICK,
    batch_sizes=(2, 4),
    settling_paths=64,
    settling_steps=60_000,
    flat_curvatures=(1.0, 3.0),
    width_paths=1_000,
    width_steps=6_000,
    scaling_factors=(1, 4, 16, 32),
    scaling_paths=8_000,
    course_factors=(1, 4, 16),
    course_times=(0.064, 0.256, 2.048),
    course_paths=4_000,
    cloud_batch_sizes=(1, 4, 16),
    cloud_curvatures=(0.5, 2.0, 8.0),
    cloud_length=2_000,
    cloud_paths=200,
    leaving_curvatures=(4.0, 16.0),
    leaving_paths=300,
    steer_factors=(0.1, 1.0, 2.0),
    steer_paths=600,
    flatter_temperatures=(0.0, 0.2),
    flatter_paths=300,
    walk_rates=(0.01, 0.04),
    walk_batch_sizes=(1, 16),
    walk_paths=400,
    walk_steps=1_000,
    samples=100,
    rates=(0.1, 0.4),
    sizes=(5, 50),
    runs=(0, 1),
    looks=(0, 20, 100, 200),
    steered_factors=(0.2, 1.0),
    steered_steps=100,
    directions=2,
    equal_epochs=(1, 4),
    move_sizes=(5, 50, 100),
    move_steps=(30, 100),
)

MODEL_CLAIMS = 30


def run(folder):
    study = dataclasses.replace(STUDY, quick=TINY)
    return study, run_study(study, folder, size="quick", seed=3)


@pytest.fixture(scope="module")
def models(tmp_path_factory):
    """The model landscapes alone, as where PyTorch is not installed."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(experiment, "can_train", lambda: False)
        return run(tmp_path_factory.mktemp("jastrzebski2017") / "models")


@pytest.fixture(scope="module")
def networks(tmp_path_factory):
    """The networks alone."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(experiment, "_equilibrium_grids", lambda settings: [])
        patch.setattr(experiment, "_valley_grids", lambda settings: [])
        study = dataclasses.replace(
            STUDY, quick=TINY, claims=of_networks, figures=lambda results, settings: []
        )
        return study, run_study(
            study, tmp_path_factory.mktemp("jastrzebski2017") / "networks", size="quick", seed=3
        )


def verdict(study, results, beginning):
    (claim,) = [one for one in study.claims(results, study.quick) if one.claim.startswith(beginning)]
    return claim.verdict


@pytest.mark.parametrize(
    ("grid", "measured", "known", "where"),
    [
        ("equilibrium", "share", "chain", {"noise": "isotropic"}),
        ("equilibrium", "share", "chain", {"noise": "curvature"}),
        ("scaling", "ratio", "exact", {}),
        ("course", "loss", "exact", {}),
        ("cloud", "width", "exact", {}),
        ("leaving", "scaled", "exact", {}),
    ],
)
def test_measurements_agree_with_exact_values(models, grid, measured, known, where):
    # 43 cells in all; half an interval is 1.96 standard errors, and 4.5 of those fail in 3e-4 of all runs.
    data = models[1].results[grid].sel(where)
    half = (data[f"{measured}_high"] - data[f"{measured}_low"]) / 2
    assert float((abs(data[measured] - data[known]) - 4.5 / 1.96 * half).max()) < 1e-9


def test_every_statement_about_models_is_judged(models):
    _, findings = models
    found = [claim for claim in findings.claims if claim.verdict != "not run"]
    assert len(found) == MODEL_CLAIMS
    assert {drawn.name for drawn in findings.figures} == {
        "equilibrium",
        "rescaling",
        "clouds",
        "steering",
        "walk",
    }


def test_without_pytorch_networks_are_not_run(models):
    found = {claim.claim: claim for claim in models[1].claims}
    for words, _source in NETWORK_CLAIMS.values():
        assert found[words].verdict == "not run"
        assert found[words].measured is None
        assert "simdyn[torch]" in found[words].why


@pytest.mark.parametrize(
    ("beginning", "grid", "changes", "where"),
    [
        ("The simulation samples", "course", {"loss_low": 9.0, "loss_high": 9.1}, {}),
        (
            "With isotropic noise",
            "equilibrium",
            {"distance_low": 0.2, "distance_high": 0.3},
            {"noise": "isotropic"},
        ),
        (
            "The same with real",
            "equilibrium",
            {"distance_low": 0.0, "distance_high": 0.01},
            {"noise": "minibatch"},
        ),
        ("A basin A has", "equilibrium", {"share_low": 0.9, "share_high": 0.91}, {"noise": "isotropic"}),
        (
            "Higher noise n",
            "equilibrium",
            {"share_low": 0.2, "share_high": 0.3},
            {"noise": "isotropic", "B": 2},
        ),
        ("Minima with larger", "width", {"odds": 0.0}, {}),
        (
            "The same weights",
            "equilibrium",
            {"share_low": 0.47, "share_high": 0.49},
            {"noise": "curvature", "B": 4},
        ),
        ("The equilibrium is", "scaling", {"ratio": 1.0, "ratio_low": 0.999, "ratio_high": 1.001}, {}),
        ("It breaks down", "scaling", {"ratio": 2.0, "ratio_low": 1.9, "ratio_high": 2.1}, {"beta": 4}),
        ("The same for batches", "scaling", {"ratio": 1.0, "ratio_low": 0.999, "ratio_high": 1.001}, {}),
        ("Learning dynamics", "course", {"loss": 1.0, "loss_low": 0.999, "loss_high": 1.001}, {}),
        ("Along the trajectory", "course", {"loss": 1.0, "loss_low": 0.999, "loss_high": 1.001}, {"beta": 4}),
        ("Of L(g(u))", "reparametrised", {"curvature": 1.0}, {}),
        ("Another parameter", "reparametrised", {"curvature": 1e-3}, {"place": "flat minimum"}),
        ("The cloud of the last", "cloud", {"width": 0.05}, {"noise": "isotropic"}),
        ("The cloud is narrower", "cloud", {"width": 0.05}, {"noise": "isotropic"}),
        ("For noise that follows", "cloud", {"width": 5.0}, {"noise": "curvature", "h": 8.0}),
        (
            "The cloud cannot stay in valleys sharper than its width, for isotropic",
            "leaving",
            {"scaled": 0.01},
            {"h": 16.0},
        ),
        (
            "The cloud cannot stay in valleys sharper than its width, for noise that",
            "leaving",
            {"scaled": 1e6},
            {"h": 16.0},
        ),
        (
            "A smaller learning rate",
            "steer",
            {"decades": 0.3, "decades_low": 0.2, "decades_high": 0.4},
            {"factor": 0.1},
        ),
        (
            "It steers to regions",
            "steer",
            {"decades": 2.9, "decades_low": 2.89, "decades_high": 2.91},
            {"factor": 0.1},
        ),
        (
            "With a factor f",
            "steer",
            {"decades": 2.9, "decades_low": 2.89, "decades_high": 2.91},
            {"factor": 2.0},
        ),
        ("Gradient descent gets", "flatter", {"decades": 1.0}, {"D": 0.0}),
        ("SGD finds flatter", "flatter", {"decades_low": 2.1, "decades_high": 2.2}, {"D": 0.2}),
        ("The loss between", "walk", {"convex": 0.1, "convex_low": 0.05, "convex_high": 0.15}, {}),
        ("Updates bounce", "walk", {"bounce_low": 0.8, "bounce_high": 0.9}, {}),
        ("The floor under", "walk", {"fall_low": -0.2, "fall_high": -0.1}, {}),
        ("Smaller batches", "walk", {"distance": 1.0}, {}),
        ("The learning rate sets", "walk", {"height": 1.0}, {}),
        ("The batch size sets", "walk", {"height": 1.0}, {}),
    ],
)
def test_a_verdict_follows_its_measurement(models, beginning, grid, changes, where):
    study, findings = models
    results = findings.results
    for quantity, value in changes.items():
        results = results.altered(grid, quantity, value, **where)
    before = verdict(study, findings.results, beginning)
    assert before != verdict(study, results, beginning), before


@pytest.mark.slow
def test_the_chain_on_a_line_has_the_library_law():
    # The two agree to the digits that both resolve; at this rate the library's mesh is small.
    landscape, sgd = wells(0.5), SGD(0.08, 0.08 * 400 / 2, noise="constant", covariance=400.0)
    rim = float(landscape.saddles(landscape.minima()[0])[0].x[0])
    chain = equilibrium.wells_chain(0.08, 0.08 * 400 / 2)
    known = exact.stationary_density(landscape, sgd)
    assert chain.above(chain.stationary(), rim) == pytest.approx(known.mass(rim, np.inf), rel=1e-8)


def test_the_course_of_a_chain_in_a_parabola():
    eta, h, sd, start = 0.1, 2.0, 0.3, 1.5
    chain = LineChain(lambda x: (1 - eta * h) * x, lambda x: sd + 0 * x, (-5.0, 5.0))
    for step, (x, masses) in zip((1, 3, 40), chain.course(start, (1, 3, 40)), strict=True):
        mean = start * (1 - eta * h) ** step
        variance = sd**2 * (1 - (1 - eta * h) ** (2 * step)) / (1 - (1 - eta * h) ** 2)
        assert float(masses @ x) == pytest.approx(mean, abs=1e-9)
        assert float(masses @ (x - mean) ** 2) == pytest.approx(variance, rel=1e-9)


def test_variance_within_a_window_of_a_chain():
    eta, h, c, k = 0.2, 1.5, 0.7, 6
    lags = np.abs(np.subtract.outer(np.arange(k), np.arange(k)))
    covariance = eta * c / (h * (2 - eta * h)) * (1 - eta * h) ** lags
    expected = np.trace(covariance) / k - covariance.mean()
    assert valleys.window_variance(eta, h, c, k) == pytest.approx(expected, rel=1e-12)


def test_a_rate_of_its_own_is_a_rescaled_coordinate():
    # One step without noise: y' = y - eta f dL/dy for y = f^(1/2) u.
    eta, factor = 0.01, 0.3
    plain, scaled = steepening_valley(0.1), steepening_valley(0.1, factor)
    x, y = 0.4, 0.7
    u = y / np.sqrt(factor)
    gradient = plain.gradient(np.array([x, y]))
    moved = np.array([x, u]) - eta * scaled.gradient(np.array([x, u]))
    np.testing.assert_allclose(
        moved * [1, np.sqrt(factor)], [x, y] - eta * gradient * [1, factor], rtol=1e-12
    )
    assert plain.hessian(np.array([0.4, 0.0]))[1, 1] == pytest.approx(float(wall_curvature(np.array(0.4))))


def test_at_equal_rates_the_adiabatic_law_is_that_of_gibbs():
    small = dataclasses.replace(QUICK, steer_rate=1e-9)
    x, masses = valleys.adiabatic(1.0, small)
    gibbs = np.exp(-(x**2) / 2) / np.sqrt(wall_curvature(x))
    np.testing.assert_allclose(masses, gibbs / gibbs.sum(), rtol=1e-6)


def test_where_a_curve_passes_a_level():
    x = np.array([1.0, 2.0, 4.0])
    assert crossing(x, np.array([0.0, 0.1, 0.3]), 0.2) == pytest.approx(3.0)
    assert crossing(x, np.array([0.5, 0.1, 0.3]), 0.2) == 1.0
    assert crossing(x, np.zeros(3), 0.2) == np.inf


@pytest.mark.torch
def test_every_statement_about_networks_is_judged(networks):
    _, findings = networks
    assert {claim.claim for claim in findings.claims} == {words for words, _ in NETWORK_CLAIMS.values()}
    assert all(claim.verdict != "not run" for claim in findings.claims)


@pytest.mark.torch
def test_the_early_ratio_is_that_of_eigenvalues(networks):
    study, findings = networks
    results = findings.results
    for eta, size, value in ((0.4, 5, 2.0), (0.1, 50, 8.0)):
        results = results.altered("early", "sharpness", value, eta=eta, B=size)
    words = NETWORK_CLAIMS["early"][0]
    (claim,) = [one for one in study.claims(results, study.quick) if one.claim == words]
    assert claim.measured == pytest.approx(0.25)


@pytest.mark.torch
def test_networks_are_drawn(networks):
    assert [drawn.name for drawn in network_figures(networks[1].results)] == ["networks", "noise"]


@pytest.mark.torch
def test_networks_with_equal_noise(networks):
    results = networks[1].results
    equal, moves = results["equal"], results["moves"]
    # Nothing is scaled by the factor 1.
    once = equal.sel(beta=1)
    np.testing.assert_array_equal(once["loss"].sel(scaled="both"), once["loss"].sel(scaled="batch"))
    assert (equal["loss"].sel(scaled="both", beta=8) != equal["loss"].sel(scaled="batch", beta=8)).all()
    assert (moves["height"] > 0).all()
    assert (moves["floor"] < moves["loss"] * 1.5).all()
    assert (moves["distance"].sel(step=100) > moves["distance"].sel(step=30)).mean() > 0.5


@pytest.mark.torch
@pytest.mark.parametrize(
    ("name", "grid", "changes", "where", "then"),
    [
        (
            "rise",
            "early",
            {"sharpness": 1e-3},
            {"eta": 0.1, "B": 5, "step": [20, 100, 200]},
            "does not hold",
        ),
        ("fall", "early", {"sharpness": 1e-3}, {"step": 200}, "holds"),
        ("peak_rate", "early", {"sharpness": 1e3}, {"eta": 0.4}, "does not hold"),
        ("peak_batch", "early", {"sharpness": 1e3}, {"B": 5}, "does not hold"),
        ("early", "early", {"sharpness": 1e3}, {"eta": 0.4, "B": 5}, "does not hold"),
        ("end", "early", {"sharpness": 1e3}, {"eta": 0.4, "step": 200}, "does not hold"),
        ("sharper", "steered", {"sharpness": 1e5}, {"factor": 0.2}, "holds"),
        ("alike", "steered", {"test_accuracy": -9.0}, {"factor": 0.2}, "does not hold"),
        ("unequal_width", "equal", {"sharpness": 1e-3}, {"scaled": "batch", "beta": 8}, "does not hold"),
        ("equal_width", "equal", {"sharpness": 1e3}, {"scaled": "both", "beta": [2, 8]}, "does not hold"),
        ("equal_course", "equal", {"loss": 1e3}, {"scaled": "both", "beta": [2, 8]}, "does not hold"),
        ("equal_test", "equal", {"test_accuracy": 9.0}, {"scaled": "both", "beta": 8}, "does not hold"),
        ("net_convex", "moves", {"convex": 0.1}, {}, "does not hold"),
        ("net_bounce", "moves", {"bounce": 0.9}, {}, "holds"),
        ("net_improves", "moves", {"floor": 1e3}, {"step": 100}, "does not hold"),
        ("net_farther", "moves", {"distance": 1e-3}, {"B": 5}, "does not hold"),
        ("net_rate_height", "moves", {"height": 1e-9}, {"eta": 0.4}, "does not hold"),
        ("net_batch_height", "moves", {"height": 1.0}, {}, "holds"),
        ("net_stuck", "moves", {"bounce": 0.9}, {"B": 100}, "does not hold"),
        ("net_flatter", "moves", {"sharpness": 1e5}, {"B": 5}, "does not hold"),
        ("net_better", "moves", {"test_accuracy": 9.0}, {"B": 5}, "holds"),
    ],
)
def test_a_verdict_on_networks_follows_its_measurement(networks, name, grid, changes, where, then):
    study, findings = networks
    results = findings.results
    for quantity, value in changes.items():
        results = results.altered(grid, quantity, value, **where)
    words = NETWORK_CLAIMS[name][0]
    assert verdict(study, findings.results, words) != then
    assert verdict(study, results, words) == then


def test_shorter_settings_are_refused_or_judged(models, check_shorter_settings, monkeypatch):
    monkeypatch.setattr(experiment, "can_train", lambda: False)
    study, findings = models
    check_shorter_settings(study, findings.results)


@pytest.mark.torch
def test_shorter_settings_of_networks_are_refused_or_judged(networks, check_shorter_settings, monkeypatch):
    monkeypatch.setattr(experiment, "_equilibrium_grids", lambda settings: [])
    monkeypatch.setattr(experiment, "_valley_grids", lambda settings: [])
    study, findings = networks
    check_shorter_settings(study, findings.results)
