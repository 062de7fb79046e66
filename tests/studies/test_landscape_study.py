"""The networks of the study on grids small enough for a test, and its parts against what is known."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from xarray import DataArray

from simdyn.plotting.style import figure_bytes
from simdyn.study import run_study
from studies.landscape import STUDY, experiment
from studies.landscape.experiment import FULL, QUICK
from studies.landscape.model_settings import ModelSettings
from studies.landscape.motion import batch_means
from studies.landscape.motion_claims import _grows, log_scales_on_the_way, tradeoffs
from studies.landscape.network_claims import network_claims
from studies.landscape.network_figures import network_figures
from studies.landscape.network_settings import NetworkSettings
from studies.landscape.network_statements import statements
from studies.landscape.tradeoff import fitted_tradeoff

TINY = dataclasses.replace(
    QUICK,
    samples=100,
    runs=(0, 1),
    width=4,
    tolerance=0.5,
    most_steps=1_000,
    classes=(3, 10),
    large_batch=50,
    widths=(4, 6),
    looks=(0, 10, 20, 60),
    tradeoff_batches=(4, 16, 50),
    tradeoff_rates=(0.2, 0.4),
    tradeoff_loss=1.8,
    tradeoff_steps=300,
    tail_batches=(1, 20),
    tail_draws=400,
    tail_step=20,
    descent_widths=(3, 8),
    descent_steps=60,
    fit_samples=40,
    fit_widths=(1, 4, 12, 40, 80),
    fit_members=10,
    fit_steps=400,
)


@pytest.fixture(scope="module")
def networks(tmp_path_factory):
    """The networks alone."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(experiment, "model_grids", lambda settings: [])
        study = dataclasses.replace(
            STUDY, quick=TINY, claims=network_claims, figures=lambda results, settings: []
        )
        return run_study(study, tmp_path_factory.mktemp("landscape") / "networks", size="quick", seed=2)


def test_the_two_parts_have_no_setting_in_common():
    names = [{field.name for field in dataclasses.fields(part)} for part in (ModelSettings, NetworkSettings)]
    assert not names[0] & names[1]
    assert names[0] | names[1] == {field.name for field in dataclasses.fields(QUICK)}


@pytest.mark.parametrize("settings", [QUICK, FULL])
def test_settings_fit_together(settings):
    # 537 of the digits are below 3, and some must be left to test on.
    assert min(settings.classes) >= 3
    assert max(settings.classes) == 10
    assert settings.samples < 537
    assert settings.width in settings.widths
    assert settings.looks[0] == 0
    assert max(settings.large_batch, *settings.tradeoff_batches, *settings.tail_batches) < settings.samples


def test_a_tradeoff_curve_is_found_again():
    batches = np.array([1, 4, 16, 64, 256])
    found = fitted_tradeoff(batches, 40.0 * (1 + 20.0 / batches))
    assert found.fewest_steps == pytest.approx(40.0)
    assert found.critical_batch == pytest.approx(20.0)
    assert found.misfit == pytest.approx(0.0, abs=1e-9)
    steps = found.steps(batches)
    samples = batches * steps
    product = (steps / 40.0 - 1) * (samples / (20.0 * 40.0) - 1)
    np.testing.assert_allclose(product, 1.0, rtol=1e-6)


def test_a_noisy_tradeoff_curve_is_found_within_its_error():
    # Of 200 fits to curves with 10 % noise the mean log critical batch is off by less than 4 standard errors.
    rng = np.random.default_rng(0)
    batches = np.array([2, 4, 8, 16, 32, 64])
    exact = 50.0 * (1 + 15.0 / batches)
    found = np.array(
        [
            np.log(fitted_tradeoff(batches, exact * np.exp(0.1 * rng.normal(size=6))).critical_batch / 15.0)
            for _ in range(200)
        ]
    )
    assert abs(found.mean()) < 4 * found.std(ddof=1) / np.sqrt(len(found))


def test_batches_that_do_not_reach_the_loss_are_left_out():
    batches = np.array([2, 4, 8, 16, 32])
    steps = 40.0 * (1 + 20.0 / batches)
    steps[0] = np.nan
    assert fitted_tradeoff(batches, steps).critical_batch == pytest.approx(20.0)
    steps[1:3] = np.nan
    assert np.isnan(fitted_tradeoff(batches, steps).critical_batch)


@pytest.mark.parametrize("size", [1, 7, 30])
def test_means_of_batches_have_the_variance_of_draws_without_replacement(size):
    rng = np.random.default_rng(3)
    samples = rng.normal(size=(40, 1))
    found = batch_means(samples - samples.mean(), size, 20_000, rng)[:, 0]
    exact = samples.var() * (40 - size) / (size * 39)
    # Four standard errors of a variance, by the fourth moment of the draws: false alarms once in 15,000.
    error = np.sqrt(((found**2).var()) / len(found))
    assert abs((found**2).mean() - exact) < 4 * error
    assert abs(found.mean()) < 4 * np.sqrt(exact / len(found))


@pytest.mark.torch
def test_structural_zeros_of_a_silent_unit():
    import torch

    from studies.landscape.solutions import trained
    from studies.landscape.spectra import structural_zeros

    found = trained(TINY, 0, steps=0)
    hidden = found.module[1]
    with torch.no_grad():
        hidden.bias[0] = -100.0
    hessian = found.surface.hessian(found.surface.parameters)
    values = np.linalg.eigvalsh(hessian)
    # A silent unit: 64 weights, a bias and ten weights out do nothing.
    assert structural_zeros(found) >= 75
    assert int((np.abs(values) < 1e-12 * values[-1]).sum()) == structural_zeros(found)


@pytest.mark.torch
def test_outputs_of_a_crowd_are_those_of_its_members():
    import torch

    from studies.landscape.fitting import Crowd, parameters

    crowd = Crowd(3, 5, 4, seed=1)
    x = torch.linspace(-1.0, 1.0, 35).reshape(7, 5)
    first, first_bias, last, last_bias = (weight.detach() for weight in crowd.weights)
    one = torch.nn.Sequential(torch.nn.Linear(5, 4), torch.nn.ReLU(), torch.nn.Linear(4, 1))
    assert sum(value.numel() for value in one.parameters()) == parameters(4, 5)
    for member in range(3):
        with torch.no_grad():
            one[0].weight.copy_(first[member].T)
            one[0].bias.copy_(first_bias[member, 0])
            one[2].weight.copy_(last[member].T)
            one[2].bias.copy_(last_bias[member, 0])
            torch.testing.assert_close(crowd.outputs(x)[member], one(x)[:, 0])


@pytest.mark.torch
def test_wrong_labels_are_as_many_as_asked_for():
    from studies.landscape.fitting import parity

    parts, learnt, _, _ = parity(QUICK, 0)
    clean = parity(dataclasses.replace(QUICK, fit_flips=0.0), 0)
    assert int((learnt != clean[1]).sum()) == round(QUICK.fit_flips * QUICK.fit_samples)
    np.testing.assert_allclose(parts.std(0), 1.0)
    covariance = parts.T @ parts / len(parts)
    np.testing.assert_allclose(covariance, np.eye(QUICK.fit_inputs), atol=1e-9)


@pytest.mark.torch
def test_every_statement_about_networks_is_judged(networks):
    assert {claim.claim for claim in networks.claims} == {words for words, _ in statements(TINY).values()}
    assert all(claim.verdict != "not run" for claim in networks.claims)


@pytest.mark.torch
def test_networks(networks):
    results = networks.results
    spectrum = results["spectrum"]
    assert (spectrum["zeros"] >= spectrum["structural_zeros"]).all()
    assert (spectrum["parameters"] == 4 * 75 + 10).all()
    ranked = results["eigenvalues"]["eigenvalue"].sortby("rank")
    assert (np.diff(ranked.values, axis=ranked.dims.index("rank")) <= 0).all()
    top = spectrum["top"].sel(run=0)
    np.testing.assert_array_equal(ranked.sel(rank=1).sortby("stage"), top.sortby("stage"))
    # The same networks, looked at in several grids.
    for name, where in (
        ("classes", {"classes": 10}),
        ("outlier_batches", {"B": 10}),
        ("widths", {"width": 4}),
    ):
        np.testing.assert_array_equal(results[name]["top"].sel(where), spectrum["top"].sel(stage="end"))
    fitting = results["fitting"].sortby("width")
    assert (fitting["together"] <= 1).all()
    assert float(fitting["loss"].isel(width=-1).max()) < float(fitting["loss"].isel(width=0).min())


FITTED = [
    ("fitting", "fitted", 0.0, {}),
    ("fitting", "fitted", 1.0, {"width": 12}),
    ("fitting", "fitted", 1.0, {"width": 40}),
    ("fitting", "fitted", 1.0, {"width": 80}),
]
"""N* at the width 12, so that a half and a quarter of it are closest to the width 4."""


TRADED = [("tradeoff", "steps", 100.0 * (1 + 10.0 / B), {"B": B}) for B in TINY.tradeoff_batches]
"""Steps with the critical batch size 10."""


def at_two(grid, quantity, where, other, first, second):
    """One quantity at two places."""
    return [(grid, quantity, first, where), (grid, quantity, second, other)]


def fitting(quantity, width, other, first, second):
    return FITTED + at_two("fitting", quantity, {"width": width}, {"width": other}, first, second)


def stages(quantity, start, end):
    return at_two("spectrum", quantity, {"stage": "start"}, {"stage": "end"}, start, end)


def descents(quantity, width, gd, sgd):
    where = {"width": width}
    return at_two("descent", quantity, where | {"algorithm": "GD"}, where | {"algorithm": "SGD"}, gd, sgd)


ALL = {
    "begun": (stages("near_zero", 0.9, 0.9), stages("near_zero", 0.1, 0.9)),
    "ended": (stages("near_zero", 0.9, 0.9), stages("near_zero", 0.9, 0.1)),
    "zeros": (
        [*stages("zeros", 9, 50), *stages("structural_zeros", 9, 50)],
        [*stages("zeros", 9, 5), *stages("structural_zeros", 9, 50)],
    ),
    "lowest": (
        [*stages("lowest", -1.0, -0.01), *stages("top", 1.0, 1.0)],
        [*stages("lowest", -1.0, -0.5), *stages("top", 1.0, 1.0)],
    ),
    "straightened": (
        [*stages("lowest", -1.0, -0.01), *stages("top", 1.0, 1.0)],
        [*stages("lowest", -0.1, -0.5), *stages("top", 1.0, 1.0)],
    ),
    "outliers": (
        at_two("classes", "outliers", {"classes": 3}, {"classes": 10}, 2, 9),
        at_two("classes", "outliers", {"classes": 3}, {"classes": 10}, 1, 1),
    ),
    "classes": (
        at_two("classes", "outliers", {"classes": 3}, {"classes": 10}, 2, 9),
        at_two("classes", "outliers", {"classes": 3}, {"classes": 10}, 3, 3),
    ),
    "large_batch": (
        at_two("outlier_batches", "top_mean", {"B": 10}, {"B": 50}, 1.0, 2.0),
        at_two("outlier_batches", "top_mean", {"B": 10}, {"B": 50}, 2.0, 1.0),
    ),
    "batch_bulk": (
        at_two("outlier_batches", "bulk", {"B": 10}, {"B": 50}, 1.0, 1.1),
        at_two("outlier_batches", "bulk", {"B": 10}, {"B": 50}, 1.0, 2.0),
    ),
    "width_outliers": (
        at_two("widths", "outliers", {"width": 4}, {"width": 6}, 9, 10),
        at_two("widths", "outliers", {"width": 4}, {"width": 6}, 9, 15),
    ),
    "width_bulk": (
        at_two("widths", "bulk", {"width": 4}, {"width": 6}, 2.0, 1.0),
        at_two("widths", "bulk", {"width": 4}, {"width": 6}, 1.0, 2.0),
    ),
    "gradient": ([("course", "share", 0.9, {"step": 60})], [("course", "share", 0.1, {"step": 60})]),
    "into": (
        at_two("course", "share", {"step": 0}, {"step": 60}, 0.1, 0.9),
        at_two("course", "share", {"step": 0}, {"step": 60}, 0.9, 0.1),
    ),
    "noise_grows": (
        [("course", "simple", 5.0, {}), *at_two("course", "simple", {"step": 20}, {"step": 60}, 10.0, 90.0)],
        at_two("course", "simple", {"step": 20}, {"step": 60}, 90.0, 10.0),
    ),
    "noise_begins": (
        at_two("course", "simple", {"step": 0}, {"step": 60}, 10.0, 90.0),
        at_two("course", "simple", {"step": 0}, {"step": 60}, 90.0, 10.0),
    ),
    "noise_curved": (
        [("course", "curved", 5.0, {}), *at_two("course", "curved", {"step": 20}, {"step": 60}, 10.0, 90.0)],
        at_two("course", "curved", {"step": 20}, {"step": 60}, 90.0, 10.0),
    ),
    "tradeoff": (
        [("tradeoff", "steps", 10.0, {}), ("tradeoff", "steps", 20.0, {"B": 4})],
        [("tradeoff", "steps", 10.0, {}), ("tradeoff", "steps", 1e6, {"B": 16})],
    ),
    "bend": (
        [("tradeoff", "steps", 10.0, {}), ("tradeoff", "steps", 20.0, {"B": 4})],
        [("tradeoff", "steps", 100.0 * B**-0.5, {"B": B}) for B in TINY.tradeoff_batches],
    ),
    "best_rate": (
        [
            ("tradeoff", "steps", 10.0, {}),
            ("tradeoff", "steps", 5.0, {"B": 4, "rate": TINY.tradeoff_rates[0]}),
            ("tradeoff", "steps", 5.0, {"B": 50, "rate": TINY.tradeoff_rates[1]}),
        ],
        [
            ("tradeoff", "steps", 10.0, {}),
            ("tradeoff", "steps", 5.0, {"B": 4, "rate": TINY.tradeoff_rates[1]}),
            ("tradeoff", "steps", 5.0, {"B": 50, "rate": TINY.tradeoff_rates[0]}),
        ],
    ),
    "critical": (
        [*TRADED, ("course", "simple", 40.0, {})],
        [*TRADED, ("course", "simple", 400.0, {})],
    ),
    "critical_close": (
        [*TRADED, ("course", "simple", 12.0, {})],
        [*TRADED, ("course", "simple", 40.0, {})],
    ),
    "pooled": ([("tails", "pooled", 1.2, {"B": 20})], [("tails", "pooled", 2.0, {"B": 20})]),
    "single": ([("tails", "single", 1.2, {"B": 20})], [("tails", "single", 2.0, {"B": 20})]),
    "sample": ([("tails", "single", 1.2, {})], [("tails", "single", 2.0, {"B": 1})]),
    "explained": (
        [("tails", "pooled", 1.2, {}), ("tails", "pooled_gaussian", 1.2, {})],
        [("tails", "pooled", 1.2, {}), ("tails", "pooled_gaussian", 2.0, {})],
    ),
    "stuck": (descents("rest_accuracy", 3, 0.5, 0.6), descents("rest_accuracy", 3, 0.6, 0.5)),
    "stuck_loss": (descents("rest_loss", 3, 1.0, 0.5), descents("rest_loss", 3, 0.5, 0.5)),
    "same": (descents("rest_accuracy", 8, 0.9, 0.905), descents("rest_accuracy", 8, 0.9, 0.95)),
    "same_loss": (descents("loss", 8, 0.1, 0.11), descents("loss", 8, 0.1, 0.2)),
    "nearer": (
        [*descents("rest_accuracy", 3, 0.5, 0.6), *descents("rest_accuracy", 8, 0.9, 0.89)],
        [*descents("rest_accuracy", 3, 0.5, 0.5), *descents("rest_accuracy", 8, 0.9, 0.8)],
    ),
    "enough": ([*FITTED, ("fitting", "parameters", 20, {})], [*FITTED, ("fitting", "parameters", 80, {})]),
    "nice": (FITTED, [*FITTED, ("fitting", "fitted", 0.3, {"width": 80})]),
    "rise": (fitting("error", 4, 12, 0.1, 0.2), fitting("error", 4, 12, 0.2, 0.1)),
    "fall": (fitting("error", 12, 80, 0.2, 0.1), fitting("error", 12, 80, 0.1, 0.2)),
    "ensemble": (
        [*FITTED, ("fitting", "error", 0.2, {}), ("fitting", "together", 0.1, {})],
        [*FITTED, ("fitting", "error", 0.1, {}), ("fitting", "together", 0.2, {})],
    ),
    "flattened": (
        [*fitting("error", 12, 80, 0.3, 0.2), *fitting("together", 12, 80, 0.2, 0.2)],
        [*fitting("error", 12, 80, 0.3, 0.2), *fitting("together", 12, 80, 0.3, 0.22)],
    ),
    "best": (fitting("together", 12, 80, 0.1, 0.2), fitting("together", 12, 80, 0.2, 0.1)),
    "best_small": (fitting("together", 4, 12, 0.2, 0.1), fitting("together", 4, 12, 0.1, 0.2)),
    "spread": (fitting("spread", 12, 80, 2.0, 1.0), fitting("spread", 12, 80, 1.0, 2.0)),
    "spread_below": (fitting("spread", 4, 12, 1.0, 2.0), fitting("spread", 4, 12, 2.0, 1.0)),
    "spread_power": (fitting("spread", 40, 80, 1.0, 0.7), fitting("spread", 40, 80, 1.0, 1.0)),
}
"""Measurements with which each statement holds, and such with which it does not."""


@pytest.mark.torch
@pytest.mark.parametrize("name", statements(TINY))
def test_a_verdict_on_networks_follows_its_measurement(networks, name):
    def verdict(changes):
        results = networks.results
        for grid, quantity, value, where in changes:
            results = results.altered(grid, quantity, value, **where)
        words = statements(TINY)[name][0]
        (claim,) = [one for one in network_claims(results, TINY) if one.claim == words]
        return claim.verdict

    true, false = ALL[name]
    assert verdict(true) == "holds"
    assert verdict(false) == "does not hold"


@pytest.mark.torch
@pytest.mark.parametrize(
    ("name", "changes"),
    [
        (
            "noise_grows",
            [("course", "simple", v, {"step": s}) for s, v in ((0, 50.0), (20, 9.0), (60, 90.0))],
        ),
        (
            "noise_curved",
            [("course", "curved", v, {"step": s}) for s, v in ((0, 50.0), (20, 9.0), (60, 90.0))],
        ),
        ("sample", [("tails", "single", v, {"B": B}) for B, v in ((1, 1.2), (20, 2.0))]),
    ],
)
def test_what_ends_beyond_a_window_holds_only_there(networks, name, changes):
    results = networks.results
    for grid, quantity, value, where in changes:
        results = results.altered(grid, quantity, value, **where)
    words = statements(TINY)[name][0]
    (claim,) = [one for one in network_claims(results, TINY) if one.claim == words]
    assert claim.verdict == "holds only here"


@pytest.mark.torch
def test_what_is_equal_in_all_runs_is_not_larger(networks):
    results = networks.results.altered("tradeoff", "steps", 10.0)
    (claim,) = [one for one in network_claims(results, TINY) if one.claim == statements(TINY)["best_rate"][0]]
    assert (claim.measured, claim.low, claim.verdict) == (1.0, 1.0, "does not hold")


@pytest.mark.torch
def test_without_a_minimum_nothing_is_said_of_it(networks):
    results = networks.results.altered("descent", "rest_loss", np.nan, run=0, width=3)
    results = results.altered("descent", "rest_accuracy", np.nan, run=0, width=3)
    found = {claim.claim: claim.verdict for claim in network_claims(results, TINY)}
    for name in ("stuck", "stuck_loss", "nearer"):
        assert found[statements(TINY)[name][0]] == "undecided"


@pytest.mark.torch
def test_the_minimum_below_is_one(monkeypatch):
    from studies.landscape import motion
    from studies.landscape.solutions import trained

    found = trained(TINY, 0, steps=60, width=2)
    loss, x = motion.at_rest(found.surface)
    assert loss < found.loss
    assert found.surface.energy(x) == pytest.approx(loss)
    # Ordinary descent from there, in steps that find something on the way down, finds next to nothing.
    at = x.copy()
    for _ in range(300):
        at -= 0.02 * found.surface.gradient(at)
    assert found.surface.energy(at) > (1 - motion.GAIN) * loss
    # With too few iterations there is no answer.
    monkeypatch.setattr(motion, "STARTS", 1)
    monkeypatch.setattr(motion, "ITERATIONS", 3)
    assert np.isnan(motion.at_rest(found.surface)[0])


def test_growth_is_judged_by_the_runs_in_which_the_noise_scale_has_a_value():
    values = np.array([[20.0, 15.0, 10.0, 40.0]] * 5) * np.linspace(0.9, 1.1, 5)[:, None]
    course = DataArray(values, dims=("run", "step"), coords={"step": [0, 10, 30, 100]})
    assert _grows("it grows", "here", course).verdict == "holds only here"
    course[0, 2] = np.nan
    found = _grows("it grows", "here", course)
    assert found.verdict == "holds only here"
    assert "1 of 5 runs" in found.why
    course[1:4, 0] = np.nan
    found = _grows("it grows", "here", course)
    assert found.verdict == "undecided"
    assert "4 of 5" in found.why


@pytest.mark.torch
def test_every_figure_is_drawn(networks):
    drawn = network_figures(networks.results, TINY)
    names = {"spectra", "outliers", "course", "tradeoff", "tails", "descent", "fitting"}
    assert {one.name for one in drawn} == names
    for one in drawn:
        assert all(axes.get_xlabel() for axes in one.figure.axes)
        assert figure_bytes(one.figure, "png")


@pytest.mark.torch
def test_curves_of_each_run(networks):
    steps = networks.results["tradeoff"]["steps"].min("rate").sortby("B")
    for run, curve in zip(TINY.runs, tradeoffs(networks.results), strict=True):
        expected = fitted_tradeoff(steps["B"].values, steps.sel(run=run).values)
        assert curve == expected


@pytest.mark.torch
def test_the_noise_scale_on_the_way_is_a_mean_over_steps(networks):
    """Logs of 0, 1 and 3 after 0, 10 and 20 steps: 5 and 20 over 20; the last look is beyond the loss."""
    results = networks.results
    for step, loss, log in ((0, 2.3, 0.0), (10, 2.0, 1.0), (20, 1.9, 3.0), (60, 1.0, 9.0)):
        results = results.altered("course", "loss", loss, step=step)
        results = results.altered("course", "simple", np.exp(log), step=step)
    np.testing.assert_allclose(log_scales_on_the_way(results, TINY), 25.0 / 20.0)


@pytest.mark.torch
def test_without_grids_of_networks_they_are_not_run(networks):
    results = networks.results
    bare = dataclasses.replace(results, datasets={})
    for claim in network_claims(bare, TINY):
        assert claim.verdict == "not run"
        assert "simdyn[torch]" in claim.why


@pytest.mark.torch
def test_shorter_settings_of_networks_are_refused_or_judged(networks, check_shorter_settings, monkeypatch):
    monkeypatch.setattr(experiment, "model_grids", lambda settings: [])
    study = dataclasses.replace(STUDY, quick=TINY, claims=network_claims, figures=lambda *_: [])
    check_shorter_settings(study, networks.results)
