"""Direct simulation against exact mean first-passage times.

The exact numbers come from quadrature and from transfer operators, each at two resolutions that agree.
Each score is (measured - exact) / standard error and must stay below 4.5: false-alarm rate 7e-6 apiece.
"""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest

from potentials import Potential, double_well, styblinski_tang
from simdyn.dynamics import SDE, SGD, SGLD
from simdyn.errors import InputError
from simdyn.estimators import measure_escape
from simdyn.exits import resolve_exit

WELL = double_well()


def measure(dynamics, exit, start=-1.0, landscape=WELL, **options):
    start = np.atleast_1d(np.asarray(start, dtype=float))
    way_out = resolve_exit(exit, landscape, start)
    return measure_escape(
        dynamics.update(landscape),
        way_out,
        start,
        **{"paths": 20_000, "max_steps": 10**7, "seed": 1, **options},
    )


def score(measurement, exact):
    estimate = measurement.fit.estimate
    return (estimate.value - exact) / (exact * measurement.fit.relative_error)


# x' = x - eta (x^3 - x) + sqrt(2 D eta) xi from -1.
CHAINS = [
    (SGLD(0.1, 0.1), "x >= 0", 356.691801665, 20_000),
    (SGLD(0.1, 0.1), "x >= 1", 649.715816755, 20_000),
    (SGLD(0.01, 0.1), "x >= 0", 3270.46571149, 20_000),
    (SGLD(0.01, 0.1), "commit", 6636.03816634, 10_000),
    (SGLD(0.1, 0.05), "x >= 0", 4168.93928332, 10_000),
    (SGLD(0.1, 0.05), [1.0], 7055.27914317, 10_000),
    (SGD(0.1, 0.5, noise="constant", covariance=1.0), "x >= 0", 356.691801665, 20_000),
    # Spread eta sqrt(|3 x^2 - 1|): out of (-2, 0).
    (SGD(0.2, 1.0, noise="hessian", floor=0), "(x >= 0) | (x <= -2)", 121.163698487, 20_000),
    (SGD(0.2, 2.0, noise="abs(3*x**2 - 1)", temperature=2.0), "(x >= 0) | (x <= -2)", 121.163698487, 20_000),
]


@pytest.mark.parametrize(("dynamics", "exit", "exact", "paths"), CHAINS)
def test_chains_against_their_transfer_operators(dynamics, exit, exact, paths):
    measurement = measure(dynamics, exit, paths=paths)
    assert abs(score(measurement, exact)) < 4.5
    assert measurement.fit.estimate.events == paths
    assert measurement.fit.estimate.unit == "steps"


def test_a_linear_chain():
    """x' = 0.8 x + 0.3 xi from 0 leaves (-1, 1) after 44.538 steps, by either end alike."""
    rule = SGD(0.2, 1.0, noise="constant", covariance=2.25)
    measurement = measure(rule, "(x >= 1) | (x <= -1)", 0.0, Potential("x**2/2"), paths=40_000)
    assert abs(score(measurement, 44.5381442307)) < 4.5
    through_first = (measurement.records.code == 1).sum()
    assert abs(through_first - 20_000) / math.sqrt(10_000) < 4.5


def test_the_score_sees_two_per_cent_more_noise():
    assert abs(score(measure(SGLD(0.1, 0.102), "x >= 0"), 356.691801665)) > 4.5


@pytest.mark.parametrize(
    "options", [{"dtype": "float32"}, {"normals": "wide"}, {"dtype": "float32", "normals": "wide"}]
)
def test_other_precisions_measure_the_same(options):
    assert abs(score(measure(SGLD(0.1, 0.1), "x >= 0", **options), 356.691801665)) < 4.5


@pytest.mark.parametrize("budget", [100, 400])
def test_censoring_does_not_bias(budget):
    """Nearly all paths are still inside when the budget ends.

    Exits within a few relaxation times of the start are rarer than later ones: without burn-in a budget of
    100 steps makes the mean too long.
    """
    cut = measure(SGLD(0.1, 0.05), "x >= 0", paths=200_000, max_steps=budget, burn_in=50.0)
    assert cut.records.tally.censored > 0.85 * 200_000
    assert cut.fit.burn_in == 50.0
    assert abs(score(cut, 4168.93928332)) < 4.5
    assert score(measure(SGLD(0.1, 0.05), "x >= 0", paths=200_000, max_steps=100), 4168.93928332) > 4.5


def test_the_burn_in_yields_when_there_is_no_exponential_part():
    assert measure(SGLD(0.1, 0.1), "x >= 0", burn_in=36.0).fit.burn_in == 0.0
    assert measure(SGLD(0.1, 0.1), "x >= 0", burn_in=35.0).fit.burn_in == 35.0


# SDE with the bridge. The weak error of the steps, about half their size here, is below a fifth of a
# standard error.
DIFFUSIONS = [
    (0.1, "ito", "x >= 0", 30.8213024727),
    (0.1, "ito", "x >= 1", 66.2686263649),
    ("0.05*(1 + x**2)", "ito", "x >= 0", 89.5982646145),
    ("0.05*(1 + x**2)", "stratonovich", "x >= 0", 118.775892104),
    ("0.05*(1 + x**2)", "haenggi_klimontovich", "x >= 0", 159.777304059),
    ("0.05*(1 + x**2)", "ito", "x >= 1", 184.962239311),
    pytest.param("0.15*sqrt((3*x**2 - 1)**2 + 0.04)", "ito", "x >= 0", 59.0133603054, marks=pytest.mark.slow),
]


@pytest.mark.parametrize(("diffusion", "convention", "exit", "exact"), DIFFUSIONS)
def test_diffusions_against_quadrature(diffusion, convention, exit, exact):
    measurement = measure(SDE(diffusion, 0.005, convention=convention), exit, paths=10_000)
    assert abs(score(measurement, exact)) < 4.5
    assert measurement.fit.estimate.unit == "time"


def test_conventions_are_told_apart():
    measurement = measure(SDE("0.05*(1 + x**2)", 0.005), "x >= 0", paths=10_000)
    assert abs(score(measurement, 118.775892104)) > 4.5


def test_without_the_bridge_times_are_too_long_by_the_root_of_the_step():
    """The grid misses excursions: the exit seems 0.5826 sqrt(2 D dt) further away (Siegmund 1979)."""
    exact, excess = 30.8213024727, {}
    for step in (0.02, 0.005):
        bare = measure(SDE(0.1, step, crossing="none"), "x >= 0", paths=100_000)
        assert score(bare, exact) > 4.5
        excess[step] = bare.fit.estimate.value / exact - 1
        assert abs(score(measure(SDE(0.1, step), "x >= 0", paths=20_000), exact)) < 4.5
        # The same mean as to an exit moved inward by that much.
        shift = 0.5826 * math.sqrt(2 * 0.1 * step)
        near = measure(SDE(0.1, step, crossing="none"), f"x >= {-shift}", paths=50_000, seed=2)
        assert abs(score(near, exact)) < 4.5
    # Twice the excess at four times the step; its two standard errors of 0.3 % of 4.6 % leave 10 %, five
    # times over.
    assert 1.5 < excess[0.02] / excess[0.005] < 2.6


def test_two_coordinates_with_unequal_noise():
    """V = (x^2 - 1)^2/4 + (y + (x^2 - 1)/2)^2 with D = diag(0.08, 0.2), from (-1, 0) to x = 1: 81.955172."""
    landscape = Potential("(x**2 - 1)**2/4 + (y + (x**2 - 1)/2)**2")
    measurement = measure(SDE([0.08, 0.2], 0.005), "x >= 1", [-1.0, 0.0], landscape, paths=6_000)
    assert abs(score(measurement, 81.955172)) < 4.5


@pytest.mark.slow
def test_ten_coordinates():
    """The first of ten coordinates of the Styblinski-Tang function past its barrier at D = 5: 36.876253."""
    hill = styblinski_tang(dim=10)
    start = np.full(10, -2.903534027771)
    measurement = measure(SDE(5.0, 2e-4), "valley", start, hill, paths=2_000)
    assert abs(score(measurement, 36.876253)) < 4.5


def test_gradient_descent_never_escapes():
    measurement = measure(SGD(0.1, 1.0, noise="none"), "x >= 0", -0.5, paths=100, max_steps=5_000)
    assert measurement.fit.estimate.value == measurement.fit.estimate.high == math.inf
    assert measurement.fit.estimate.low == pytest.approx(-100 * 5_000 / math.log(0.025))
    assert measurement.records.tally.censored == 100


def test_the_target_error_is_reached_and_reproducible():
    def run(**options):
        return measure(SGLD(0.1, 0.1), "x >= 0", paths=100_000, target_error=0.02, **options)

    first, second = run(threads=1), run(threads=2)
    assert first.fit.relative_error <= 0.02
    assert len(first.times) < 4_000
    assert first.records.steps.tolist() == second.records.steps.tolist()
    fixed = measure(SGLD(0.1, 0.1), "x >= 0", paths=len(first.times))
    assert fixed.records.steps.tolist() == first.records.steps.tolist()


def test_the_target_error_counts_escapes_and_not_paths():
    censored = measure(SGLD(0.1, 0.1), "x >= 0", paths=100_000, max_steps=150, target_error=0.05)
    assert censored.fit.relative_error <= 0.05
    assert censored.records.tally.censored > 400
    limit = measure(SGLD(0.1, 0.1), "x >= 0", paths=300, target_error=0.001)
    assert len(limit.times) == 300
    assert limit.fit.relative_error > 0.001


def test_a_target_error_gives_up_when_nothing_escapes():
    nothing = measure(SGLD(0.01, 1e-4), "x >= 0", paths=1_000, max_steps=50, target_error=0.1)
    assert len(nothing.times) == 1_000
    assert nothing.fit.estimate.value == math.inf


def test_exponentiality_is_judged_beyond_the_burn_in():
    late = measure(SGLD(0.01, 0.1), "x >= 0.9", paths=50_000)
    assert late.exponentiality.p_value < 1e-3
    assert late.exponentiality.mean_position > 0.5
    plain = measure(SGLD(0.1, 0.05), "x >= 0", paths=5_000, burn_in=50.0)
    assert not plain.exponentiality.doubtful


def test_diverged_paths_end_their_observation():
    measurement = measure(SGLD(0.6, 0.5), "x >= 1000", paths=2_000, max_steps=10_000)
    tally = measurement.records.tally
    assert tally.diverged > 0
    assert measurement.fit.estimate.events == tally.events
    exposure = measurement.records.steps.sum()
    assert measurement.fit.estimate.value == pytest.approx(exposure / tally.events)


def test_progress_reports_grow():
    seen = []
    measure(SGLD(0.01, 0.05), "x >= 0", paths=5_000, report=seen.append)
    assert seen
    assert all(a.finished <= b.finished <= 5_000 for a, b in itertools.pairwise(seen))
    assert seen[-1].relative_error > 0
    assert 0 <= seen[-1].censored_share <= 1


def test_an_interrupted_measurement_keeps_what_it_has():
    def press(progress):
        if progress.tally.events > 100:
            raise KeyboardInterrupt

    part = measure(SGLD(0.01, 0.05), "x >= 0", paths=1_000_000, report=press)
    assert not part.records.complete
    assert 100 < part.fit.estimate.events < 1_000_000
    # Running paths count as censored where they stand.
    assert part.records.tally.censored > 0
    assert part.fit.estimate.value == pytest.approx(part.records.steps.sum() / part.fit.estimate.events)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"paths": 0}, "paths is 0"),
        ({"paths": -5}, "paths is -5"),
        ({"paths": 1.5}, "paths is 1.5"),
        ({"paths": True}, "paths is True"),
        ({"max_steps": 0}, "max_steps is 0"),
        ({"target_error": 0}, "target_error is 0"),
        ({"target_error": 1.5}, "target_error is 1.5"),
        ({"target_error": math.nan}, "target_error is nan"),
        ({"target_error": "2 %"}, "target_error is '2 %'"),
        ({"backend": "tpu"}, "one of: auto, cpu, gpu"),
        ({"seed": -1}, "seed is -1"),
        ({"seed": 0.5}, "seed is 0.5"),
        ({"threads": 0}, "threads is 0"),
        ({"dtype": "half"}, "dtype is 'half'"),
    ],
)
def test_settings_out_of_range(options, message):
    with pytest.raises(InputError, match=message):
        measure(SGLD(0.1, 0.1), "x >= 0", **options)
