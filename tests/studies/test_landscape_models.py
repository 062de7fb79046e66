"""The potentials of the study on grids small enough for a test, and its parts against closed forms."""

from __future__ import annotations

import dataclasses
import math

import numpy as np
import pytest

from potentials import three_wells_ring
from simdyn.networks import can_train
from simdyn.study import conclude, run_study
from studies.landscape import STUDY, experiment
from studies.landscape.cooling import COLD, HOT, _rates, best_constant, course, formula, occupation, wells
from studies.landscape.experiment import QUICK
from studies.landscape.model_claims import model_claims
from studies.landscape.model_figures import model_figures
from studies.landscape.network_paths import path_cell
from studies.landscape.rolling import ball
from studies.landscape.wells import _lowest_way, survived

TINY = dataclasses.replace(
    QUICK,
    cooling_steps=(20_000,),
    cooling_paths=1_000,
    momenta=(0.0, 0.9, 0.95),
    rolling_paths=500,
    index_spreads=(0.0, 1.5),
    index_coordinates=60,
    index_draws=1_600,
    string_landscapes=("curved_valley", "three_wells"),
    smoothing_widths=(0.05, 0.4, 1.2),
    smoothing_shares=(0.0, 1.0),
    path_widths=(8, 16),
    path_runs=(0, 1),
    path_samples=50,
    path_images=6,
    path_rounds=30,
)
MODELS = dataclasses.replace(STUDY, quick=TINY, claims=model_claims, figures=lambda results, settings: [])


@pytest.fixture(scope="module")
def findings(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(experiment, "network_grids", lambda settings: [])
        return run_study(MODELS, tmp_path_factory.mktemp("landscape") / "models", size="quick", seed=3)


def verdicts(results):
    return {claim.claim: claim.verdict for claim in conclude(MODELS, results).claims}


def test_verdicts_on_small_grids(findings):
    found = {claim.claim: claim.verdict for claim in findings.claims}
    assert len(found) == 19
    refuted = [text for text, verdict in found.items() if verdict == "does not hold"]
    assert [text.split(";")[0][:20] for text in refuted] == [
        "Momentum finds the d",
        "A tail index of all ",
        "What stands on the s",
    ]
    assert list(found.values()).count("holds only here") == 1
    assert ("not run" in found.values()) != can_train()


@pytest.mark.parametrize(
    ("beginning", "grid", "changes", "where"),
    [
        ("Noise whose temp", "cooling", {"share_low": 0.2, "share_high": 0.3}, {"steps": 20_000}),
        ("Noise that is lowered does better than noise", "cooling", {"held": 0.999}, {}),
        ("Noise that is lowered does better than any", "cooling", {"constant": 0.5}, {}),
        ("Noise that is lowered does better than any", "cooling", {"constant": 0.999}, {}),
        ("Annealing is", "cooling", {"share": 0.8, "share_low": 0.7, "share_high": 0.9}, {}),
        ("Momentum rolls", "rolling", {"share": 0.0, "share_low": 0.0, "share_high": 0.001}, {}),
        ("Momentum does not", "rolling", {"rest": 0.5, "rest_low": 0.4, "rest_high": 0.6}, {"beta": 0.95}),
        ("Momentum finds", "rolling", {"share": 1.0, "share_low": 0.99, "share_high": 1.0}, {"beta": 0.9}),
        ("Heavy-ball", "rolling", {"ball": 0.9}, {"beta": 0.9}),
        ("A tail index", "indices", {"pooled_low": 1.97, "pooled_high": 2.03}, {"law": "Gaussian"}),
        ("Gaussian coord", "indices", {"expected": 1.0}, {"law": "Gaussian"}),
        ("Each coordinate", "indices", {"single_low": 1.9, "single_high": 1.95}, {"law": "stable"}),
        ("A highly", "smoothed_planes", {"minima": 4.0}, {"share": 1.0, "landscape": "four wells"}),
        ("The minimum of", "smoothing", {"right": 1.0}, {"width": 1.2}),
        ("The minimum of", "smoothing", {"right": 0.0}, {"width": 1.2}),
        ("Averages of", "smoothing", {"right": 0.0}, {"width": 1.2, "average": "cold bath"}),
        ("Averages of", "smoothing", {"right": 1.0}, {"width": 1.2, "average": "diffusion"}),
        ("The string", "strings", {"barrier": 0.2501}, {"landscape": "curved_valley"}),
        ("What stands", "strings", {"straight": 0.25}, {"landscape": "curved_valley"}),
    ],
)
def test_a_verdict_follows_its_measurement(findings, beginning, grid, changes, where):
    results = findings.results
    for quantity, value in changes.items():
        results = results.altered(grid, quantity, value, **where)
    before, after = verdicts(findings.results), verdicts(results)
    was, now = (
        next(verdict for text, verdict in found.items() if text.startswith(beginning))
        for found in (before, after)
    )
    assert was != now


@pytest.mark.torch
def test_ways_between_networks_are_judged_and_drawn(findings):
    assert "not run" not in {claim.verdict for claim in findings.claims}
    assert len(model_figures(findings.results, TINY)) == 5


@pytest.mark.torch
def test_verdicts_on_ways_between_networks(findings):
    def of(lowered):
        results = findings.results
        for run in TINY.path_runs:
            for width, value in zip(TINY.path_widths, lowered, strict=True):
                height = float(results["paths"]["straight"].sel(run=run, width=width))
                results = results.altered("paths", "lowered", value * height, run=run, width=width)
        found = verdicts(results)
        return [
            next(v for k, v in found.items() if k.startswith(one))
            for one in ("Of what the", "Bounds of barriers fall with", "Bounds of barriers fall like")
        ]

    assert of((0.01, 0.01))[0] == "holds"
    assert of((0.9, 0.9))[0] == "does not hold"
    assert of((1e-3, 10.0))[1:] == ["does not hold", "does not hold"]


@pytest.mark.torch
def test_heights_like_one_over_the_parameters_are_judged_as_such(findings):
    def of(power):
        results = findings.results
        for run in TINY.path_runs:
            for width in TINY.path_widths:
                size = float(results["paths"]["parameters"].sel(run=run, width=width))
                results = results.altered("paths", "lowered", size**power, run=run, width=width)
        found = verdicts(results)
        return [found[k] for k in found if k.startswith("Bounds of barriers")]

    assert of(-1.0) == ["holds", "holds"]
    assert of(-0.25) == ["holds", "does not hold"]


def test_figures_are_drawn(findings):
    figures = model_figures(findings.results, TINY)
    assert [figure.name for figure in figures[:4]] == ["remedies", "indices", "smoothing", "strings"]
    assert len(figures) == 4 + can_train()


def test_the_best_constant_temperature_is_that_of_a_constant_course():
    """Its share is that of the process of two states at that temperature, and neighbours have less."""
    rates = _rates("exact")
    share, at = best_constant(20_000)
    assert COLD < at < HOT
    assert share == pytest.approx(occupation(np.full(20_000, at), rates), rel=1e-9)
    for other in (0.8 * at, 1.25 * at):
        assert occupation(np.full(20_000, other), rates) < share


def test_two_states_with_constant_rates():
    """p(t) = k/(k + r) (1 - exp(-(k + r) t)), whatever the number of steps."""
    kept = occupation(np.full(500, HOT), lambda t: (np.full(len(t), 0.003), np.full(len(t), 0.001)))
    assert kept == pytest.approx(0.75 * (1 - math.exp(-2.0)), rel=1e-12)


@pytest.mark.parametrize("schedule", ["linear", "exponential"])
def test_the_formula_is_the_course(schedule):
    from simdyn.dynamics.checks import not_negative
    from simdyn.dynamics.schedules import setting

    given = setting("temperature", formula(schedule, 300), not_negative)
    np.testing.assert_allclose(given.at(np.arange(300)), course(schedule, 300), rtol=1e-12)


def test_no_ball_gets_over_without_the_height():
    well = wells()
    left, top, _ = sorted(well.critical_points(), key=lambda point: point.x[0])
    # On the slope beyond the minimum, where the energy is still below that of the barrier.
    low = left.x[0] - 0.3
    assert well.energy([low]) < top.energy
    assert ball(0.99, low, float(left.x[0])) == 0.0
    assert ball(0.99, -2.5, -2.0) > 0.0


def test_the_lowest_way_on_a_ring():
    graph = three_wells_ring().well_graph()
    saddle = graph.passes[0].saddle.energy
    assert _lowest_way(graph, 0, 1) == pytest.approx(saddle, rel=1e-9)


def test_what_survives_is_known():
    """At a small width nothing has merged and the deepest stays; at a large one the energy's mean is flat."""
    for average in ("diffusion", "cold bath"):
        small = survived(TINY, "deep sharp well", average, 0.05)
        assert (small["minima"], small["right"]) == (2, 1.0)
    assert survived(TINY, "deep sharp well", "diffusion", 1.2)["right"] == 0.0
    assert survived(TINY, "deep sharp well", "cold bath", 1.2)["right"] == 1.0


@pytest.mark.torch
def test_a_lowered_path_is_lower():
    found = path_cell(TINY, 8, 0)
    assert found["lowered"] < found["straight"]
    assert found["parameters"] == 64 * 8 + 8 + 8 * 10 + 10
    assert found["longer"] >= 1.0


def test_shorter_settings_are_refused_or_judged(findings, check_shorter_settings, monkeypatch):
    monkeypatch.setattr(experiment, "network_grids", lambda settings: [])
    check_shorter_settings(MODELS, findings.results)
