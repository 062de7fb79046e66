"""Escape of discrete chains against published numbers, direct simulation, limits and identities."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from simdyn.errors import InputError
from simdyn.exact import NoReference, chain_first_passage, first_passage
from simdyn.exact.chain import Chain, exit_share
from simdyn.exact.chain_survival import chain_survival

SIEGMUND = 0.5825971579390107
LEFT, TOP = -2.903534027771, 0.156731256780


def quartic(eta):
    return lambda x: x - eta * (x**3 - x)


def constant(value):
    return lambda x: np.full_like(x, value)


def tang(eta):
    return lambda x: x - eta * (2 * x**3 - 16 * x + 2.5)


def tang_noise(eta, batch):
    return lambda x: eta * np.sqrt(np.abs(6 * x**2 - 16) / batch)


@pytest.mark.parametrize(
    ("noise", "eta", "end", "value"),
    [
        (0.1, 0.1, 0.0, 356.691801665),
        (0.1, 0.1, 1.0, 649.715816755),
        (0.1, 0.01, 0.0, 3270.46571149),
        (0.1, 0.01, 1.0, 6636.03816634),
        (0.05, 0.1, 0.0, 4168.93928332),
        (0.05, 0.1, 1.0, 7055.27914317),
    ],
)
def test_quartic_with_constant_noise(noise, eta, end, value):
    (mean,) = chain_first_passage(quartic(eta), constant(math.sqrt(2 * noise * eta)), -1.0, upper=end)
    assert mean.value == pytest.approx(value, rel=2e-11)
    assert mean.error < 1e-9 * value
    assert mean.unit == "steps"


def test_noise_that_vanishes_inside():
    def sd(x):
        return 0.2 * np.sqrt(np.abs(3 * x**2 - 1))

    (mean,) = chain_first_passage(quartic(0.2), sd, -1.0, lower=-2.0, upper=0.0)
    assert mean.value == pytest.approx(121.163698487, rel=2e-11)
    assert mean.error < 1e-9 * mean.value


def test_linear_chain_between_two_ends():
    mean, square = chain_first_passage(
        lambda x: 0.8 * x, constant(0.3), 0.0, lower=-1.0, upper=1.0, moments=2
    )
    assert mean.value == pytest.approx(44.5381442307, rel=2e-11)
    survival = survival_of(lambda x: 0.8 * x, constant(0.3), 0.0, lower=-1.0, upper=1.0).up_to(3000)
    n = np.arange(len(survival))
    assert survival.sum() == pytest.approx(mean.value, rel=1e-11)
    assert ((2 * n + 1) * survival).sum() == pytest.approx(square.value, rel=1e-11)


def survival_of(mean, sd, start, **ends):
    _, fine, _ = Chain(mean, sd, start, **ends).discretised()
    return chain_survival(fine, start)


def test_steps_without_memory():
    """x' ~ N(0, 1) whatever x: geometric with the chance of |x'| > 2, so that every moment is known."""
    mean, square = chain_first_passage(constant(0.0), constant(1.0), 0.5, lower=-2.0, upper=2.0, moments=2)
    leave = math.erfc(math.sqrt(2))
    assert mean.value == pytest.approx(1 / leave, rel=1e-13)
    assert square.value == pytest.approx((2 - leave) / leave**2, rel=1e-13)
    share = exit_share(constant(0.0), constant(1.0), 0.5, 3.0, lower=-2.0, upper=2.0)
    assert share.value == pytest.approx(math.erfc(3 / math.sqrt(2)) / leave, rel=1e-13)


@pytest.mark.parametrize("bound", [6.0, 20.0, 36.0])
def test_relative_accuracy_of_very_rare_exits(bound):
    (mean,) = chain_first_passage(constant(0.0), constant(1.0), 0.0, upper=bound)
    assert mean.value == pytest.approx(2 / math.erfc(bound / math.sqrt(2)), rel=1e-12)


def test_beyond_double_precision_is_refused():
    with pytest.raises(NoReference, match="beyond 1e\\+296"):
        chain_first_passage(constant(0.0), constant(1.0), 0.0, upper=38.0)


def simulate(mean, sd, start, *, paths, steps, upper, seed):
    """Exit step (or 0) and last point of each path."""
    rng = np.random.default_rng(seed)
    x = np.full(paths, start)
    active = np.arange(paths)
    when, where = np.zeros(paths, dtype=int), np.zeros(paths)
    for n in range(1, steps + 1):
        x = mean(x) + sd(x) * rng.standard_normal(len(x))
        out = x >= upper
        when[active[out]], where[active[out]] = n, x[out]
        x, active = x[~out], active[~out]
    return when, where


# Each of the four comparisons below allows 4 standard errors: false alarms 6e-5 for a fresh seed.
def test_simulated_chain_with_varying_noise():
    def sd(x):
        return 0.25 * np.sqrt(1 + x**2)

    (mean, square) = chain_first_passage(quartic(0.1), sd, -1.0, upper=0.5, moments=2)
    when, _ = simulate(quartic(0.1), sd, -1.0, paths=20_000, steps=6_000, upper=0.5, seed=1)
    assert (when > 0).all()
    sigma = math.sqrt(square.value - mean.value**2)
    assert abs(when.mean() - mean.value) < 4 * sigma / math.sqrt(len(when))
    assert abs(when.std() / sigma - 1) < 0.05


def test_simulated_styblinski_tang_with_curvature_noise():
    mean, sd = tang(0.02), tang_noise(0.02, 0.06)
    survival = survival_of(mean, sd, LEFT, upper=TOP).up_to(1500)
    when, _ = simulate(mean, sd, LEFT, paths=20_000, steps=1_500, upper=TOP, seed=2)
    for n in (150, 1500):
        left = float(((when > 0) & (when <= n)).mean())
        chance = 1 - survival[n]
        assert abs(left - chance) < 4 * math.sqrt(chance * (1 - chance) / len(when))


def test_simulated_overshoot():
    mean, sd = tang(0.04), tang_noise(0.04, 0.05)
    share = exit_share(mean, sd, LEFT, 5.0, upper=TOP)
    when, where = simulate(mean, sd, LEFT, paths=20_000, steps=200, upper=TOP, seed=3)
    found = float((np.abs(where) > 5).sum() / (when > 0).sum())
    assert share.value > 0.005
    assert abs(found - share.value) < 4 * math.sqrt(share.value / (when > 0).sum())


def test_the_cut_of_the_open_side_matters_and_is_right():
    """Points far out on the steep wall are thrown over the valley: walls too near change the answer."""
    mean, sd = tang(0.02), tang_noise(0.02, 0.04)
    (whole,) = chain_first_passage(mean, sd, LEFT, upper=TOP)
    (far,) = chain_first_passage(mean, sd, LEFT, lower=-12.0, upper=TOP)
    (near,) = chain_first_passage(mean, sd, LEFT, lower=-4.5, upper=TOP)
    assert far.value == pytest.approx(whole.value, rel=1e-9)
    assert near.value != pytest.approx(whole.value, rel=1e-2)


def test_survival_is_exact_from_the_first_step():
    """P(N > 1) is one Gaussian tail."""
    survival = survival_of(quartic(0.1), constant(0.2), -0.3, upper=0.0)
    step = (0.0 - quartic(0.1)(-0.3)) / 0.2
    assert survival.early[0] == 1.0
    assert survival.early[1] == pytest.approx(1 - 0.5 * math.erfc(step / math.sqrt(2)), rel=1e-12)
    (mean,) = chain_first_passage(quartic(0.1), constant(0.2), -0.3, upper=0.0)
    tail = survival.early[-1] / survival.rate
    assert survival.early[:-1].sum() + tail == pytest.approx(mean.value, rel=1e-11)


@settings(max_examples=6)
@given(eta=st.floats(0.05, 0.2), batch=st.floats(0.3, 1.5), k=st.floats(0.5, 2.0))
def test_curvature_scale_is_a_learning_rate(eta, batch, k):
    """L(sqrt(k) x) at learning rate eta is L(x) at k eta, for noise shaped like the Hessian."""
    root = math.sqrt(k)

    def law(scale):
        return (
            lambda x: x - eta * math.sqrt(scale) * ((math.sqrt(scale) * x) ** 3 - math.sqrt(scale) * x),
            lambda x: eta * np.sqrt(np.abs(scale * (3 * scale * x**2 - 1)) / batch + 0.05 * scale / batch),
        )

    (scaled,) = chain_first_passage(*law(k), -1.0 / root, upper=0.0)
    plain_eta = k * eta
    (plain,) = chain_first_passage(
        quartic(plain_eta),
        lambda x: plain_eta * np.sqrt(np.abs(3 * x**2 - 1) / batch + 0.05 / batch),
        -1.0,
        upper=0.0,
    )
    assert scaled.value == pytest.approx(plain.value, rel=1e-8)


@settings(max_examples=15)
@given(sd=st.floats(0.1, 0.4), start=st.floats(-1.3, -0.4), end=st.floats(-0.2, 0.8))
def test_later_exits_take_longer_and_mirrors_agree(sd, start, end):
    (near,) = chain_first_passage(quartic(0.1), constant(sd), start, upper=end)
    (far,) = chain_first_passage(quartic(0.1), constant(sd), start, upper=end + 0.05)
    (mirrored,) = chain_first_passage(quartic(0.1), constant(sd), -start, lower=-end)
    assert far.value > near.value
    assert mirrored.value == pytest.approx(near.value, rel=1e-9)


def test_small_steps_approach_the_sde_with_siegmunds_shift():
    noise = 0.1
    raw, shifted = [], []
    etas = (0.04, 0.02, 0.01)
    for eta in etas:
        sd = math.sqrt(2 * noise * eta)
        (chain,) = chain_first_passage(quartic(eta), constant(sd), -1.0, upper=0.0)
        for end, found in ((0.0, raw), (SIEGMUND * sd, shifted)):
            (sde,) = first_passage(lambda x: x - x**3, constant(noise), -1.0, upper=end)
            found.append(chain.value * eta / sde.value - 1)
    order = np.polyfit(np.log(etas), np.log(np.abs(shifted)), 1)[0]
    assert order == pytest.approx(1.0, abs=0.15)
    # Without the shift the gap closes with the square root of the learning rate, and is far larger.
    assert all(abs(s) < r / 5 for s, r in zip(shifted, raw, strict=True))
    assert np.polyfit(np.log(etas), np.log(raw), 1)[0] == pytest.approx(0.5, abs=0.1)
    assert min(raw) > 0.05


def test_exponent_of_curvature_noise_at_large_batches():
    """log N = B S + log(B)/2 + c + O(1/B), with S known from minimising the action of discrete paths."""
    batches = np.array([30.0, 60.0, 120.0])
    logs = []
    for batch in batches:
        (mean,) = chain_first_passage(
            quartic(0.2), lambda x, b=batch: 0.2 * np.sqrt(np.abs(3 * x**2 - 1) / b), -1.0, upper=0.0
        )
        logs.append(math.log(mean.value))
    system = np.stack([batches, np.ones(3), 1 / batches], axis=1)
    slope = np.linalg.solve(system, np.array(logs) - 0.5 * np.log(batches))[0]
    assert slope == pytest.approx(2.71753034545, rel=2e-4)


@pytest.mark.parametrize(
    ("mean", "sd", "text"),
    [
        (lambda x: x + 0.0, constant(0.1), "not confined"),
        (lambda x: x - 0.1 * np.sin(x), constant(0.1), "not confined"),
        (quartic(0.1), constant(0.0), "no noise"),
        (quartic(0.1), lambda x: 0.1 * np.abs(x + 1), "stands still"),
        (quartic(1e-7), constant(1e-4), "nodes"),
    ],
)
def test_chains_without_a_reference_say_why(mean, sd, text):
    with pytest.raises(NoReference, match=text):
        chain_first_passage(mean, sd, -0.5, upper=0.5)


@pytest.mark.parametrize(("ends", "text"), [({"upper": -2.0}, "not inside"), ({}, "no exit")])
def test_impossible_intervals(ends, text):
    with pytest.raises(InputError, match=text):
        chain_first_passage(quartic(0.1), constant(0.1), -1.0, **ends)


def test_negative_noise_is_named():
    with pytest.raises(InputError, match="negative at x"):
        chain_first_passage(quartic(0.1), lambda x: 0.2 * x, -0.1, lower=-1.0, upper=1.0)
