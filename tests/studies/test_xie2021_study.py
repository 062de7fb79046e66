"""The main job on grids small enough for a test: every verdict follows from the measurements."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from potentials import styblinski_tang
from simdyn import SGD, exact
from simdyn.estimators import measure_escape
from simdyn.exits import parse_start, resolve_exit
from simdyn.inference import fit_line
from simdyn.study import conclude, run_study
from studies.xie2021 import STUDY
from studies.xie2021.claims import _halves
from studies.xie2021.experiment import MEASURED_GRIDS, Settings, usable

TINY = Settings(
    target_error=0.05,
    max_paths=600,
    sgld_learning_rate=0.001,
    temperatures=(6.0, 8.0, 10.0),
    curvature_learning_rate=0.001,
    curvature_temperature=10.0,
    curvatures=(0.5, 1.0, 2.0),
    batch_learning_rate=0.02,
    batch_sizes=(0.04, 0.05, 0.06),
    rate_batch_size=0.1,
    learning_rates=(0.025, 0.03, 0.035, 0.04),
    large_batch_sizes=(0.25, 0.5, 1.0),
    large_batch_rates=(0.02, 0.03, 0.04),
)


@pytest.fixture(scope="module")
def findings(tmp_path_factory):
    study = dataclasses.replace(STUDY, quick=TINY)
    return run_study(study, tmp_path_factory.mktemp("xie2021") / "out", size="quick", seed=3)


def verdicts(results):
    study = dataclasses.replace(STUDY, quick=TINY)
    return {claim.claim: claim.verdict for claim in conclude(study, results).claims}


def scaled(results, grid, factor, where):
    """The results with measured times of one grid multiplied: those at `where`, or all."""
    (dimension,) = results[grid].dims
    for place in [where[dimension]] if where else map(float, results[grid][dimension]):
        for quantity in ("steps", "low", "high"):
            value = float(results[grid][quantity].sel({dimension: place}))
            results = results.altered(grid, quantity, factor * value, **{dimension: place})
    return results


def test_every_cell_agrees_with_its_exact_value(findings):
    # 13 independent cells; |z| < 4.5 in all of them fails with probability 1e-4 if the simulation is right.
    for grid in MEASURED_GRIDS:
        data = findings.results[grid]
        z = np.log(data["steps"].values / data["exact"].values) / data["relative_error"].values
        assert np.abs(z).max() < 4.5, grid


def test_there_is_a_claim_for_each_plot_and_formula(findings):
    sources = " ".join(claim.source for claim in findings.claims)
    for place in (
        "equation (6)",
        "equation (7)",
        "figure 7(b)",
        "figure 7(c)",
        "figures 7(a)",
        "figure 8(a)",
        "figure 8(b)",
    ):
        assert place in sources


@pytest.mark.parametrize(
    ("beginning", "grid", "factor", "where"),
    [
        ("The simulation samples", "sgd_batch", 2.0, {}),
        ("SGLD: equation (6)", "sgld_temperature", 3.0, {"D": 6.0}),
        ("SGLD: minus the logarithm", "sgld_temperature", 3.0, {"D": 6.0}),
        ("SGLD: the escape rate", "sgld_curvature", 3.0, {"k": 0.5}),
        ("SGD: equation (7)", "sgd_batch", None, {"B": 0.06}),
        ("SGD: the slope", "sgd_batch", None, {}),
        ("SGD: the dependence on 1/k", "sgd_curvature", 2.0, {}),
    ],
)
def test_a_verdict_follows_its_measurement(findings, beginning, grid, factor, where):
    results = findings.results
    if factor is None:
        # As if equation (7) had been measured, to a narrow interval.
        data = results[grid]
        for b in [where["B"]] if where else list(map(float, data["B"])):
            predicted = float(data["predicted"].sel(B=b))
            for quantity, value in (
                ("steps", 1.0),
                ("low", 0.99),
                ("high", 1.01),
                ("relative_error", 0.005 / predicted),
            ):
                results = results.altered(grid, quantity, predicted * value, B=b)
    else:
        results = scaled(results, grid, factor, where)
    before, after = verdicts(findings.results), verdicts(results)
    (claim,) = [text for text in before if text.startswith(beginning)]
    assert before[claim] != after[claim]


def test_a_straight_line_in_the_learning_rate_would_hold(findings):
    results = findings.results
    data = results["sgd_learning_rate"]
    for eta in map(float, data["eta"]):
        for quantity, value in (
            ("steps", np.exp(0.3 / eta)),
            ("low", np.exp(0.3 / eta - 1e-3)),
            ("high", np.exp(0.3 / eta + 1e-3)),
            ("relative_error", 5e-4),
            ("overshoot", 0.0),
        ):
            results = results.altered("sgd_learning_rate", quantity, value, eta=eta)
    (before,) = [v for text, v in verdicts(findings.results).items() if "is linear in 1/eta" in text]
    (after,) = [v for text, v in verdicts(results).items() if "is linear in 1/eta" in text]
    assert before == "does not hold"
    assert after == "holds"


def test_a_cell_of_explosions_is_left_out_of_fits(findings):
    results = findings.results.altered("sgd_batch", "overshoot", 0.02, B=0.04)
    assert usable(results["sgd_batch"]).tolist() == [False, True, True]
    assert usable(findings.results["sgd_learning_rate"]).tolist() == [True, True, True, False]


def test_the_rescaled_chain_takes_the_same_steps_path_by_path():
    # x -> sqrt(k) x turns (k, eta) into (1, k eta); the paths differ by rounding alone, so nearly all exits
    # coincide.
    steps = []
    for k, eta in ((2.0, 0.02), (1.0, 0.04)):
        landscape = styblinski_tang(dim=10, k=k)
        start = parse_start("deepest", landscape)
        exit = resolve_exit("valley", landscape, start)
        update = SGD(eta, 0.2, noise="hessian", floor=0.0).update(landscape)
        steps.append(measure_escape(update, exit, start, paths=500, seed=8, max_steps=10**6).records.steps)
    assert np.mean(steps[0] == steps[1]) > 0.99


def test_fit_line_recovers_a_line_and_its_error():
    # 4,000 lines with known noise: the 95 % intervals cover 95 % of them; 4.5 binomial standard deviations
    # allowed.
    rng = np.random.default_rng(5)
    x, sigma = np.array([0.0, 1.0, 3.0, 4.0]), np.array([0.1, 0.2, 0.1, 0.3])
    covered = 0
    for _ in range(4000):
        line = fit_line(x, 2.0 * x + 1.0 + sigma * rng.normal(size=4), sigma)
        covered += line.low <= 2.0 <= line.high
    assert abs(covered / 4000 - 0.95) < 4.5 * np.sqrt(0.95 * 0.05 / 4000)


def test_the_ratio_of_slopes_knows_the_point_that_its_halves_share():
    # 20,000 curves: the spread of the ratio has a standard error of 0.5 %; 5 of them allowed. Without the
    # shared point's correlation the error would come out 16 % too small.
    rng = np.random.default_rng(6)
    x = np.array([25.0, 30.0, 35.0, 40.0, 45.0, 50.0])
    sigma = np.array([0.01, 0.01, 0.015, 0.02, 0.01, 0.01])
    found = [_halves(x, 0.2 * x + 0.002 * x**2 + sigma * rng.normal(size=6), sigma) for _ in range(20_000)]
    ratios, errors = np.transpose(found)
    assert np.std(ratios) == pytest.approx(errors.mean(), rel=0.025)


def test_the_exact_times_obey_the_rescaling():
    values = [
        exact.escape_time(
            styblinski_tang(dim=10, k=k),
            SGD(eta, 0.5, noise="hessian", floor=0.0),
            "deepest",
            "valley",
        ).value
        for k, eta in ((1.5, 0.02), (1.0, 0.03))
    ]
    assert values[0] == pytest.approx(values[1], rel=1e-9)
