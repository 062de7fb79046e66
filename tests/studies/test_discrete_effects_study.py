"""Effects of finite steps on grids small enough for a test: every verdict follows from the measurements."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from simdyn.study import conclude, run_study
from studies.discrete_effects import STUDY
from studies.discrete_effects.escapes import longest_step
from studies.discrete_effects.settings import Settings

TINY = Settings(
    launch_rates=(0.05, 0.2),
    launch_batch_sizes=(0.15, 2.0),
    launch_paths=300,
    launches=200,
    action_rates=(0.003125, 0.00625, 0.05, 0.2),
    commit_rates=(0.1, 0.3),
    commit_temperature=0.08,
    commit_paths=500,
    commit_target=0.016,
    commit_units=20,
    hit_rates=(0.02, 0.1),
    hit_paths=4_000,
    growth_rates=(0.55, 0.65, 0.75),
    growth_paths=1_000,
    growth_steps=300,
    epoch_rates=(0.01, 0.02, 0.04),
    epoch_paths=4_000,
    tail_rates=(0.55, 0.58),
    tail_paths=40_000,
    tail_share=0.01,
)


@pytest.fixture(scope="module")
def findings(tmp_path_factory):
    study = dataclasses.replace(STUDY, quick=TINY)
    return run_study(study, tmp_path_factory.mktemp("discrete") / "out", size="quick", seed=5)


def test_shorter_settings_are_refused_or_judged(findings, check_shorter_settings):
    study = dataclasses.replace(STUDY, quick=TINY)
    pair = ("launch_rates", "launch_batch_sizes")
    check_shorter_settings(study, findings.results, pair)


def verdicts(results):
    study = dataclasses.replace(STUDY, quick=TINY)
    return {claim.claim: claim.verdict for claim in conclude(study, results).claims}


@pytest.mark.parametrize(
    ("grid", "measured", "exact"),
    [
        ("launch", "steps", "exact"),
        ("commit", "ratio", "exact"),
        ("hit", "chain", "exact_chain"),
        ("growth", "exponent", "lyapunov"),
        ("growth", "square", "square_exact"),
        ("epoch", "shuffled", "shuffled_exact"),
        ("epoch", "fresh", "fresh_exact"),
    ],
)
def test_measurements_agree_with_exact_values(findings, grid, measured, exact):
    # 20 cells in all; half an interval is 1.96 standard errors, so 4.5 of those fail with probability 2e-4.
    data = findings.results[grid]
    half = (data[f"{measured}_high"] - data[f"{measured}_low"]) / 2
    assert float((abs(data[measured] - data[exact]) / half).max()) < 4.5 / 1.96


def test_one_shuffled_epoch_multiplies_by_one_product(findings):
    data = findings.results["growth"]
    np.testing.assert_allclose(data["shuffled_square"], data["shuffled_exact"], rtol=1e-12)


def test_most_verdicts_are_reached_on_small_grids(findings):
    found = [claim.verdict for claim in findings.claims]
    assert len(found) == 17
    assert found.count("does not hold") >= 3  # formula (7), crossings without the shift, the linear SDE
    assert found.count("holds") + found.count("holds only here") >= 8


@pytest.mark.parametrize(
    ("beginning", "grid", "changes", "where"),
    [
        ("The simulation samples", "growth", {"exponent_low": 9.0, "exponent_high": 9.1}, {}),
        ("Noise of covariance |H|/B: at", "launch", {"outer_low": 0.1, "outer_high": 0.2}, {"eta": 0.2}),
        ("At eta = 0.05 they are", "launch", {"outer_low": 0.8, "outer_high": 0.9}, {"eta": 0.05}),
        ("Noise of covariance |H|/B: eta times", "action", {"scaled": 0.5}, {"eta": 0.00625}),
        ("Noise of covariance |H|/B: the exponent", "action", {"scaled": 0.38889}, {}),
        (
            "SGLD on the quartic",
            "commit",
            {"ratio_low": 0.5, "ratio_high": 0.51},
            {"landscape": "quartic", "eta": 0.1},
        ),
        (
            "SGLD on the cosine",
            "commit",
            {"ratio_low": 0.5, "ratio_high": 0.51},
            {"landscape": "cosine", "eta": 0.1},
        ),
        ("SGLD: they come when", "hit", {"chain_low": 1.0, "chain_high": 2.0}, {"eta": 0.02}),
        ("SDE by Euler-Maruyama", "hit", {"bridged_low": 1.0, "bridged_high": 2.0}, {"eta": 0.02}),
        ("Between the two", "growth", {"square_low": 0.1, "square_high": 0.2}, {"eta": 0.65}),
        ("Beyond the almost-sure", "growth", {"exponent_low": -0.2, "exponent_high": -0.1}, {"eta": 0.75}),
        (
            "Single runs of the linear SDE",
            "growth",
            {"exponent_low": -1.95, "exponent_high": -1.9},
            {"eta": 0.75},
        ),
        (
            "Shuffled epochs",
            "growth",
            {"shuffled_square_low": 1.1, "shuffled_square_high": 1.2},
            {"eta": 0.65},
        ),
        ("The variance at the ends", "epoch", {"shuffled": 0.1}, {"eta": 0.01}),
        ("The variance with fresh", "epoch", {"fresh": 0.2}, {"eta": 0.01}),
        ("The stationary law", "tail", {"index": 40.0, "index_low": 39.0, "index_high": 41.0}, {}),
    ],
)
def test_a_verdict_follows_its_measurement(findings, beginning, grid, changes, where):
    results = findings.results
    places = [where]
    if not where:
        places = [{"eta": float(eta)} for eta in results[grid]["eta"]]
    for place in places:
        for quantity, value in changes.items():
            results = results.altered(grid, quantity, value, **place)
    before, after = verdicts(findings.results), verdicts(results)
    (claim,) = [text for text in before if text.startswith(beginning)]
    assert before[claim] != after[claim], before[claim]


def test_crossings_that_the_sde_would_share(findings):
    results = findings.results
    eta = float(results["hit"]["eta"].min())
    exact = float(results["hit"]["exact_sde"].sel(eta=eta))
    for quantity, value in (("chain", 1.0), ("chain_low", 0.99), ("chain_high", 1.01)):
        results = results.altered("hit", quantity, exact * value, eta=eta)
    (before,) = [v for text, v in verdicts(findings.results).items() if "come when those of the SDE" in text]
    (after,) = [v for text, v in verdicts(results).items() if "come when those of the SDE" in text]
    assert before == "does not hold"
    assert after == "holds"


def test_where_the_longest_step_begins():
    assert longest_step(np.array([-1.0, -1.2, -1.6, -0.2, 0.1])) == 2
