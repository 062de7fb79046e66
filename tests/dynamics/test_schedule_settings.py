"""Schedules and the options of schemes: what is refused, and what a schedule does step by step."""

from __future__ import annotations

import math

import numpy as np
import pytest
import sympy
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from potentials import FiniteSum, LinearisedNetwork, Potential, SampleMean, double_well
from simdyn.dynamics import SDE, SGD, SGLD, AlphaStable, cosine, stepwise
from simdyn.dynamics.checks import positive
from simdyn.dynamics.schedules import setting
from simdyn.dynamics.update import CLOCK
from simdyn.engines import engine_for
from simdyn.errors import InputError

WELL = double_well()
LINE = Potential("x**2/2")
PLANE = Potential("x**2/2 + y**2/2")
NO_NUMBERS = [math.nan, math.inf, None, True, "1", [0.5], 1j]


def refused(message, make):
    with pytest.raises(InputError, match=message):
        make()


@pytest.mark.parametrize(
    ("schedule", "message"),
    [
        ("0.1", "must be a finite number or a schedule"),
        ("k*step", r"uses k; its one variable is step"),
        ("0.1 - step/1000", r"at step 10\d, which is out of range"),
        ("step/1000", r"is 0 at step 0, which is out of range"),
        ("0.1*cos(step)", r"at step 2, which is out of range"),
        ("sqrt(10 - step)", "out of range"),
        ("1/(step - 3)", "out of range"),
        ("log(step)", "at step 0, which is out of range"),
        ("exp(step)", "out of range"),
        ("0.1/(1 + step", "cannot be read"),
        ("cosine(0.1, 0.01)", r"must be cosine\(first, last, steps\)"),
        ("cosine(0.1, 0.01, 0)", "steps above 0"),
        ("cosine(0.1, 0.01, -5)", "steps above 0"),
        ("cosine(0.1, -0.1, 10)", "out of range"),
        ("cosine(0.1, x, 100)", "nothing but numbers"),
        ("cosine(nan, 0.1, 100)", "nothing but numbers"),
        ("cosine()", "nothing but numbers"),
        ("stepwise()", "nothing but numbers"),
        ("stepwise(0.1)", "must be a finite number or a schedule"),
        ("stepwise(0.1, 10)", "increasing step"),
        ("stepwise(0.1, 10, 0.2, 10, 0.3)", "increasing step"),
        ("stepwise(0.1, 0, 0.2)", "increasing step"),
        ("stepwise(0.1, -4, 0.2)", "increasing step"),
        ("stepwise(0, 10, 0.1)", "is 0 at step 0, which is out of range"),
        ("stepwise(0.1, 1000000, -1)", "out of range"),
    ],
)
def test_learning_rates_that_are_no_schedules(schedule, message):
    for make in (lambda: SGLD(schedule, 0.1), lambda: SGD(schedule, 1.0, noise="none")):
        refused(message, make)


def test_names_say_which_setting_is_wrong():
    refused("learning_rate", lambda: SGLD("0.1 - step", 0.1))
    refused("temperature", lambda: SGLD(0.1, "0.1 - step"))
    refused("temperature", lambda: SGD(0.1, 1, noise="none", temperature="cosine(1, -0.1, 9)"))
    refused("batch_size", lambda: SGD(0.1, "stepwise(8, 5, 0)", noise="none"))
    refused("batch_size", lambda: SGD(0.1, "stepwise(8, 5, -1)", noise="none"))
    refused("learning_rate", lambda: SGD(CLOCK - 1, 1, noise="none"))
    # A temperature of Langevin dynamics may end at zero.
    assert SGLD(0.1, "cosine(0.1, 0, 9)").update(WELL).scheduled


@pytest.mark.parametrize(
    "arguments", [(math.nan, 1, 5), (1, math.inf, 5), (1, 2, 0), (1, 2, "5"), (True, 1, 5)]
)
def test_numbers_of_a_cosine(arguments):
    refused("must be", lambda: cosine(*arguments))


@pytest.mark.parametrize(
    "arguments", [(1, 5), (1, 5, 2, 5, 3), (1, 5, 2, 4, 3), (math.nan, 5, 1), (1, math.inf, 2)]
)
def test_numbers_of_a_staircase(arguments):
    refused("must", lambda: stepwise(*arguments))


@pytest.mark.parametrize("momentum", [-0.1, 1, 1.0, 2, *NO_NUMBERS])
def test_momentum_lies_between_0_and_1(momentum):
    for make in (SGLD(0.1, 0.1), SGD(0.1, 1, noise="none")):
        refused("momentum is", lambda make=make: type(make)(0.1, 0.1, momentum=momentum))


@pytest.mark.parametrize("alpha", [0, -1, 2.0001, *NO_NUMBERS])
def test_tail_indices(alpha):
    refused("alpha is", lambda: AlphaStable(alpha))


@pytest.mark.parametrize("scale", [0, -1, *NO_NUMBERS])
def test_scales_of_jumps(scale):
    refused("scale is", lambda: AlphaStable(1.5, scale))


JUMPS = AlphaStable(1.5, 0.1)


@pytest.mark.parametrize(
    ("message", "make"),
    [
        ('crossing="bridge" is not available for jumps', lambda: SDE(JUMPS, 0.1, crossing="bridge")),
        ("not available for scheme='baoab'",
         lambda: SDE(0.1, 0.1, scheme="baoab", friction=1.0, crossing="bridge")),
        ("not available for scheme='leimkuhler_matthews'",
         lambda: SDE(0.1, 0.1, scheme="leimkuhler_matthews", crossing="bridge")),
        ("Alpha-stable noise goes with", lambda: SDE(JUMPS, 0.1, scheme="heun")),
        ("Alpha-stable noise goes with", lambda: SDE(JUMPS, 0.1, convention="stratonovich")),
        ("belong together", lambda: SDE(0.1, 0.1, scheme="baoab")),
        ("belong together", lambda: SDE(0.1, 0.1, friction=1.0)),
        ("friction is", lambda: SDE(0.1, 0.1, scheme="baoab", friction=0)),
        ("friction is", lambda: SDE(0.1, 0.1, scheme="baoab", friction=math.nan)),
        ("must be a number", lambda: SDE("1 + x**2", 0.1, scheme="baoab", friction=1.0).update(WELL)),
        ("must be a number", lambda: SDE([1.0, 2.0], 0.1, scheme="baoab", friction=1.0).update(PLANE)),
        ("same everywhere", lambda: SDE("1 + x**2", 0.1, scheme="leimkuhler_matthews").update(WELL)),
        ("needs noise that commutes", lambda: SDE(["1", "1 + x**2"], 0.1, scheme="milstein").update(PLANE)),
        ("order is 3", lambda: SDE.limit_of(SGLD(0.1, 0.1), order=3)),
        ("order is True", lambda: SDE.limit_of(SGLD(0.1, 0.1), order=True)),
        ("order=2 corrects for", lambda: SDE(0.1, 0.1, order=2)),
        ("order=2 corrects for", lambda: SDE(JUMPS, 0.1, order=2)),
        ("learning rate changes", lambda: SDE.limit_of(SGLD("0.1/(1 + step)", 0.1))),
        ("settings change with the step", lambda: SDE.limit_of(SGLD(0.1, "0.1/(1 + step)")).update(WELL)),
        ("remembers velocities", lambda: SDE.limit_of(SGLD(0.1, 0.1, momentum=0.5)).update(WELL)),
        ("alpha-stable", lambda: SDE.limit_of(SGD(0.1, 1, noise=JUMPS)).update(WELL)),
        ("alpha-stable", lambda: SDE(JUMPS, 0.1).law(WELL)),
        ("remembers velocities", lambda: SDE(0.1, 0.1, scheme="baoab", friction=1.0).law(WELL)),
        ("double precision", lambda: engine_for("cpu", SDE(JUMPS, 0.1).update(WELL), dtype="float32")),
        ("double precision",
         lambda: engine_for("cpu", SGD(0.1, 1, noise=JUMPS, momentum=0.5).update(WELL), dtype="float32")),
    ],
)  # fmt: skip
def test_what_does_not_fit_together(message, make):
    refused(message, make)


def test_what_does_fit_together():
    assert not SDE(JUMPS, 0.1).update(WELL).bridge
    assert not SDE(0.1, 0.1, scheme="leimkuhler_matthews").update(WELL).bridge
    assert SDE(["1 + x**2", "1 + y**2"], 0.1, scheme="milstein").update(PLANE).bridge
    assert SDE.limit_of(SGLD(0.1, 0.1), order=2).update(WELL).bridge


def values(schedule, steps):
    return setting("learning_rate", schedule, positive).at(np.asarray(steps))


@settings(max_examples=25)
@given(
    first=st.floats(1e-3, 10), last=st.floats(1e-3, 10), steps=st.integers(1, 10**6), share=st.floats(0, 1)
)
def test_a_cosine_goes_from_first_to_exactly_last(first, last, steps, share):
    assume(first != last)
    found = values(f"cosine({first!r}, {last!r}, {steps})", [0, steps, steps + 1, 10**9])
    assert found[0] == pytest.approx(first, rel=1e-15)
    assert (found[1:] == last).all()
    between = math.floor(share * (steps - 1))
    turn = (1 + math.cos(math.pi * between / steps)) / 2
    assert values(cosine(first, last, steps), [between])[0] == pytest.approx(
        last + (first - last) * turn, rel=1e-12
    )


def test_a_staircase_changes_at_its_steps():
    found = values("stepwise(0.3, 4, 0.2, 9, 0.1)", [0, 3, 4, 8, 9, 10**9])
    assert found.tolist() == [0.3, 0.3, 0.2, 0.2, 0.1, 0.1]
    assert stepwise(0.3) == sympy.Float(0.3)


def run(dynamics, landscape, steps, x=None, first_step=0):
    update = dynamics.update(landscape)
    engine = engine_for("cpu", update, threads=1)
    start = update.at_rest(np.full((200, update.dim), 0.4)) if x is None else x
    return engine.integrate(start, steps=steps, seed=8, first_step=first_step)


DATA = np.random.default_rng(4)
SUM = FiniteSum(
    "(a*x - b)**2/2 + x**4/40", {"a": DATA.normal(size=12), "b": DATA.normal(size=12)}, variables="x"
)
NETWORK = LinearisedNetwork(DATA.normal(size=(12, 3)), DATA.normal(size=12))
RULES = {
    "sgld": (lambda rate, **o: SGLD(rate, 0.1, **o), WELL),
    "sgd": (lambda rate, **o: SGD(rate, 2.0, noise="1 + x**2", **o), WELL),
    "stable": (lambda rate, **o: SGD(rate, 2.0, noise=AlphaStable(1.0, 0.1), **o), LINE),
    "batches": (lambda rate, **o: SGD(rate, 3, **o), SUM),
    "epochs": (lambda rate, **o: SGD(rate, 3, sampling="epoch_shuffle", **o), SUM),
    "network": (lambda rate, **o: SGD(rate, 3, **o), NETWORK),
    "empirical": (lambda rate, **o: SGD(rate, 3, noise="empirical", **o), NETWORK),
    "langevin_batches": (lambda rate, **o: SGLD(rate, 0.1, batch_size=3, **o), SUM),
}


@pytest.mark.parametrize(
    ("name", "momentum"), [*((name, 0.6 if name == "sgd" else 0.0) for name in RULES), ("batches", 0.6)]
)
def test_a_staircase_is_one_run_after_another(name, momentum):
    """To rounding in general, for constants are multiplied in another order; to the bit on means over
    samples, whose rates are read from a table."""
    make, landscape = RULES[name]
    stairs = make("stepwise(0.1, 7, 0.03)", momentum=momentum)
    before, after = make(0.1, momentum=momentum), make(0.03, momentum=momentum)
    whole = run(stairs, landscape, 20)
    expected = run(after, landscape, 13, run(before, landscape, 7), first_step=7)
    np.testing.assert_allclose(whole, expected, rtol=1e-11, atol=1e-12)
    if isinstance(landscape, SampleMean):
        assert whole.tobytes() == expected.tobytes()
    # Controls: a schedule that is ignored, and one that is a step late.
    assert np.abs(whole - run(before, landscape, 20)).max() > 1e-3
    late = run(after, landscape, 12, run(before, landscape, 8), first_step=8)
    assert np.abs(whole - late).max() > 1e-4


@pytest.mark.parametrize("name", ["sgld", "batches"])
def test_a_cosine_acts_at_each_step(name):
    """Each step as a plain rule with the rate of that step takes it, before and after the end at step 6."""
    make, landscape = RULES[name]
    first = run(make("cosine(0.1, 0.02, 6)"), landscape, 4)
    x = first
    for step in range(4, 9):
        turn = (1 + math.cos(math.pi * min(step, 6) / 6)) / 2
        x = run(make(0.02 + 0.08 * turn), landscape, 1, x, first_step=step)
    np.testing.assert_allclose(run(make("cosine(0.1, 0.02, 6)"), landscape, 9), x, rtol=1e-11, atol=1e-12)
    assert np.abs(run(make(0.1), landscape, 4) - first).max() > 1e-3


def test_temperatures_and_batch_sizes_change_alike():
    """C = temperature C_1 / B: halving B doubles the temperature, in symbols."""
    hot = SGD(0.1, 2.0, noise="1 + x**2", temperature="stepwise(1, 5, 2)")
    small = SGD(0.1, "stepwise(2, 5, 1)", noise="1 + x**2")
    found = run(hot, WELL, 12)
    np.testing.assert_allclose(run(small, WELL, 12), found, rtol=1e-11, atol=1e-12)
    assert np.abs(run(SGD(0.1, 2.0, noise="1 + x**2"), WELL, 12) - found).max() > 1e-2
    frozen = run(SGLD(0.1, "stepwise(0.2, 5, 0)"), WELL, 12)
    still = run(SGLD(0.1, 0.0), WELL, 7, run(SGLD(0.1, 0.2), WELL, 5), first_step=5)
    np.testing.assert_allclose(frozen, still, rtol=1e-11, atol=1e-12)


def test_what_means_over_samples_do_not_take():
    refused(r"at step 5, but a batch has at least one", lambda: SGD(0.1, "stepwise(4, 5, 0.5)").update(SUM))
    refused(r"batch_size is 13.*only 12 samples", lambda: SGD(0.1, "stepwise(4, 5, 13)").update(SUM))
    refused("only 12 samples", lambda: SGLD(0.1, 0.1, batch_size="2*exp(step/9)").update(SUM))
    assert SGD(0.1, "min(2*exp(step/9), 12)").update(SUM).batch_sizes[[0, 9, -1]].tolist() == [2, 5, 12]
    refused("temperature is", lambda: SGD(0.1, 4, temperature="1 + step/9"))
    refused("batch_size is 2.5", lambda: SGD(0.1, 2.5).update(SUM))
    refused("no per-sample losses", lambda: SGLD(0.1, 0.1, batch_size=2).update(WELL))
    endless = SGD("0.1/(1 + step)", 4).update(SUM)
    engine = engine_for("cpu", endless, threads=1)
    refused("run fewer steps", lambda: engine.integrate(np.zeros((1, 1)), steps=endless.horizon + 1, seed=0))


UNDERFLOW = "0.1*exp(-step/1000)"


@pytest.mark.parametrize("name", RULES)
def test_a_rate_that_underflows_far_out_is_a_rate(name):
    """exp(-step/1000) is exactly 0 in double precision from step 745,000 or so on."""
    make, landscape = RULES[name]
    decaying = make(UNDERFLOW)
    x = run(decaying, landscape, 2)
    first = run(make(0.1), landscape, 1)
    expected = run(make(0.1 * math.exp(-1e-3)), landscape, 1, first, first_step=1)
    np.testing.assert_allclose(x, expected, rtol=1e-10, atol=1e-11)
    late = run(decaying, landscape, 1, x, first_step=900_000)
    np.testing.assert_array_equal(late[:, : landscape.dim], x[:, : landscape.dim])


def test_noise_may_fade_out():
    fading = SGD(0.1, 2.0, noise="1 + x**2", temperature="cosine(1, 0, 5)")
    growing = SGD(0.1, "2*exp(step)", noise="1 + x**2")
    descent = SGD(0.1, 1.0, noise="none")
    for noisy, after in ((fading, 5), (growing, 800)):
        x = run(noisy, WELL, 5)
        late = run(noisy, WELL, 3, x, first_step=after)
        np.testing.assert_allclose(late, run(descent, WELL, 3, x), rtol=1e-11)
        assert np.abs(run(noisy, WELL, 3, x) - late).max() > (1e-3 if after > 5 else -1)


@pytest.mark.parametrize("sampling", ["with_replacement", "without_replacement", "epoch_shuffle"])
def test_a_staircase_of_batches_begins_with_the_first_batches(sampling):
    """Up to the change to the bit as without it; and then differently."""
    stairs, before = SGD(0.1, "stepwise(3, 7, 6)", sampling=sampling), SGD(0.1, 3, sampling=sampling)
    for landscape in (SUM, NETWORK):
        assert run(stairs, landscape, 7).tobytes() == run(before, landscape, 7).tobytes()
        assert np.abs(run(stairs, landscape, 8) - run(before, landscape, 8)).max() > 1e-4


def test_the_covariance_of_batches_follows_a_schedule():
    """Empirical noise: p_B of B = 4 is half of that of B = 2 with replacement, like half the temperature."""
    options = {"noise": "empirical", "sampling": "with_replacement"}
    small = run(SGD(0.1, "stepwise(2, 5, 4)", **options), NETWORK, 12)
    cool = run(SGD(0.1, 2, temperature="stepwise(1, 5, 0.5)", **options), NETWORK, 12)
    np.testing.assert_allclose(small, cool, rtol=1e-12)
    assert np.abs(run(SGD(0.1, 2, **options), NETWORK, 12) - small).max() > 1e-3
