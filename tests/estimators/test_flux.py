"""Population over flux: exact values inside the interval, honest intervals, doubts that are voiced."""

import math

import numpy as np
import pytest

from potentials import InputError, Potential, muller_brown
from simdyn import SDE, SGD, SGLD, cosine
from simdyn.estimators import measure_flux
from simdyn.exits import resolve_exit
from simdyn.questions import escape_time

WELL = Potential("x**4/4 - x**2/2")
CHAIN = SGLD(0.1, 0.1)
CHAIN_TIME = 356.691801665


def _flux(seed, paths=400, steps=None, **other):
    start = np.array([-1.0])
    way_out = resolve_exit("x >= 0", WELL, start)
    return measure_flux(
        CHAIN.update(WELL, start), way_out, start, paths=paths, max_steps=steps, seed=seed, **other
    )


@pytest.mark.parametrize(
    ("dynamics", "value"),
    [
        (CHAIN, CHAIN_TIME),
        (SDE(0.1, 0.01), 30.8213024727),
        pytest.param(
            SDE("0.05*(1 + x**2)", 0.005, scheme="heun", convention="stratonovich"),
            118.775892104,
            marks=pytest.mark.slow,
        ),
    ],
)
def test_flux_over_population_is_the_mean_first_passage_time(dynamics, value):
    """Within 4.5 standard errors (false alarm 7e-6 each), of about 1 % each; of the SDEs the bias of their
    step is below 0.3 %."""
    answer = escape_time(WELL, dynamics, "x=-1", "x >= 0", method="flux", paths=10_000, seed=5, threads=2)
    assert answer.measurement.method == "flux"
    assert answer.reference.value == pytest.approx(value, rel=1e-9)
    bias = 0.003 if answer.unit == "time" else 0.0
    assert answer.value == pytest.approx(value, rel=4.5 * answer.measurement.relative_error + bias)
    assert 0.005 < answer.measurement.relative_error < 0.02
    assert answer.low < answer.value < answer.high
    assert answer.warnings == ()
    table = answer.compare().set_index("answer")
    assert table.loc["exact", "ratio"] == pytest.approx(value / answer.value)
    assert "population 10,000 over" in str(answer)


def test_intervals_of_independent_populations():
    """Of 40 populations the errors over their standard errors have mean 0 and variance 1.

    The variance of 40 squares is 2/40; within 4.5 of either standard error (false alarm 1e-5). About 10 % of
    the variance that exponential times would have is missing, and the spread between paths knows it.
    """
    pulls = []
    for seed in range(40):
        found = _flux(seed, threads=2)
        value = found.estimate().value
        pulls.append(math.log(value / CHAIN_TIME) / found.relative_error)
    assert abs(np.mean(pulls)) < 4.5 / math.sqrt(40)
    assert abs(np.var(pulls) - 1) < 4.5 * math.sqrt(2 / 40)


def test_agrees_with_direct_simulation_of_a_planar_surface():
    """Both within 4.5 joint standard errors of each other; shares of the channels likewise."""
    surface = muller_brown()
    start = [-0.05, 0.467]
    dynamics = SGLD(2e-5, 12.0)
    flux = escape_time(surface, dynamics, start, "commit", method="flux", paths=4000, seed=1, threads=2)
    direct = escape_time(surface, dynamics, start, "commit", method="direct", paths=4000, seed=2, threads=2)
    joint = math.hypot(flux.measurement.relative_error, direct.measurement.relative_error)
    assert math.log(flux.value / direct.value) == pytest.approx(0.0, abs=4.5 * joint)
    for label, share in direct.exits.items():
        error = math.sqrt(2 * share * (1 - share) / 3000)
        assert flux.exits[label] == pytest.approx(share, abs=4.5 * error + 1e-9)


def test_the_population_stays_what_it_was():
    found = _flux(7, paths=300, threads=1)
    again = _flux(7, paths=300, threads=2)
    for name in ("exits", "walkers", "codes", "points"):
        np.testing.assert_array_equal(getattr(found, name), getattr(again, name))
    assert found.steps == 2 * found.settled
    # Sojourns of a path follow one another; none begins before the last has ended.
    one = np.sort(found.exits[found.walkers == found.walkers[0]])
    assert (np.diff(one) > 0).all()
    assert found.exits.max() <= found.steps
    assert (found.exit_points >= 0).all()
    assert found.counts.sum() == (found.exits > found.settled).sum()


def test_a_flow_that_is_not_yet_stationary_says_so():
    found = _flux(1, paths=200_000, steps=8, threads=2)
    assert found.estimate().value > 1.2 * CHAIN_TIME
    text = " ".join(found.remarks)
    assert "not stationary" in text
    settling = _flux(1, steps=60, burn_in=100.0, threads=2)
    assert "take about 100 steps to settle" in " ".join(settling.remarks)


def test_few_exits_have_wide_intervals_and_none_a_bound():
    few = _flux(1, paths=100, steps=60)
    assert few.counts.sum() < 20
    assert "interval is wide" in " ".join(few.remarks)
    none = _flux(1, paths=100, steps=4).estimate()
    assert (none.value, none.high, none.events) == (math.inf, math.inf, 0)
    # 200 path-steps without an event: 2 * 200 / chi2(2) at 97.5 %.
    assert none.low == pytest.approx(200 / -math.log(0.025), rel=1e-12)


def test_the_picture_shows_the_flow(tmp_path):
    answer = escape_time(WELL, CHAIN, "x=-1", "x >= 0", method="flux", paths=500, seed=1)
    figure = answer.plot(str(tmp_path / "flow.png"))
    (axes,) = figure.axes
    labels = [text.get_text() for text in axes.get_legend().get_texts()]
    assert "flux / population" in labels
    assert any(label.startswith("exact 1 / 356.69") for label in labels)


@pytest.mark.parametrize(
    ("dynamics", "settings", "text"),
    [
        (SGD(0.1, 1, noise="none"), {}, "Without noise there is no stationary flow"),
        (SGLD(cosine(0.1, 0.01, 100), 0.1), {}, "do not change with the step"),
        (CHAIN, {"paths": 50}, "at least 100 for its spread"),
        (CHAIN, {"target_error": 0.1}, "target_error is not for"),
        (CHAIN, {"score": "x"}, "score is for splitting"),
        (SGLD(0.1, 0.002), {"max_steps": 0}, "max_steps is 0"),
    ],
)
def test_what_is_refused(dynamics, settings, text):
    with pytest.raises(InputError, match=text):
        escape_time(WELL, dynamics, "x=-1", "x >= 0", **{"method": "flux", "paths": 200, **settings})
