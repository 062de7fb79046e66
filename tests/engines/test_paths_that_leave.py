"""Exits, budgets, divergence and interruption, against plain loops over the very same normals."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from potentials import Potential, double_well
from simdyn.dynamics import SDE, SGD, SGLD, AlphaStable
from simdyn.engines import Tally
from simdyn.engines.cpu import CpuEngine
from simdyn.exits import resolve_exit

sdeint = pytest.importorskip("sdeint", reason="the peer sdeint is not installed")


def loop(update, exit, start, normals):
    """First step outside for each path by a plain Euler loop: normals of shape (paths, steps, m)."""
    x = np.tile(np.asarray(start, dtype=float), (len(normals), 1))
    steps = np.zeros(len(normals), dtype=int)
    code = np.zeros(len(normals), dtype=int)
    state = np.full_like(x, np.nan)
    for n in range(normals.shape[1]):
        going = code == 0
        kick = np.einsum("pij,pj->pi", update.factor_at(x), normals[:, n])
        x = np.where(going[:, None], x + update.drift_at(x) + kick, x)
        channel = np.where(going, exit.channel_of(x), -1)
        left = channel >= 0
        steps[going] = n + 1
        code[left] = channel[left] + 1
        state[left] = x[left]
    return steps, code, state


@pytest.mark.parametrize("name", ["double_well1", "double_well2", "two_exits", "coupled", "full_covariance"])
def test_paths_leave_when_and_where_a_plain_loop_says(engine_of, problem, normals_of, name):
    update, exit, start = problem(name)
    normals = normals_of(update.noise_dim, paths=150, steps=120, seed=8)
    steps, code, state = loop(update, exit, start, normals)
    records = engine_of(name).first_passage(start, paths=150, max_steps=120, seed=8)
    # A rounding error could move a crossing only if a point came within some 1e-13 of the exit.
    assert records.steps.tolist() == steps.tolist()
    assert records.code.tolist() == code.tolist()
    assert np.nanmax(np.abs(records.state - state)) < 1e-12
    assert len(set(code)) > 1


def test_exit_states_are_the_first_outside(engine_of, problem, any_problem):
    update, exit, start = problem(any_problem)
    engine = engine_of(any_problem)
    records = engine.first_passage(start, paths=40, max_steps=300, seed=3)
    for path in np.flatnonzero(records.exited)[:15]:
        point, inside = start[None], True
        for step in range(records.steps[path]):
            assert inside
            point = engine.integrate(point, steps=1, seed=3, first_path=path, first_step=step)
            inside = bool(exit.channel_of(point[0]) < 0)
        assert point.tobytes() == records.state[path : path + 1].tobytes()
        if not update.bridge:
            assert exit.channel_of(point[0]) == records.code[path] - 1


@given(path=st.integers(0, 60))
def test_the_budget_is_exact(engine_of, problem, path):
    start, engine = problem("two_exits")[2], engine_of("two_exits")
    free = engine.first_passage(start, paths=1, max_steps=10_000, seed=1, first_path=path)
    step = int(free.steps[0])
    just = engine.first_passage(start, paths=1, max_steps=step, seed=1, first_path=path)
    assert (just.steps[0], just.code[0]) == (step, free.code[0])
    assert just.state.tobytes() == free.state.tobytes()
    if step > 1:
        short = engine.first_passage(start, paths=1, max_steps=step - 1, seed=1, first_path=path)
        assert (short.steps[0], short.code[0]) == (step - 1, 0)
        assert np.isnan(short.state).all()


@pytest.mark.parametrize("budget", [1, 2, 3, 5, 17, 64])
def test_budgets_cut_a_long_run_and_change_nothing_else(engine_of, problem, budget):
    start, engine = problem("two_exits")[2], engine_of("two_exits")
    free = engine.first_passage(start, paths=900, max_steps=100_000, seed=1)
    cut = engine.first_passage(start, paths=900, max_steps=budget, seed=1)
    early = free.steps <= budget
    assert 0 < early.sum() < 900 or budget in (1, 2, 64)
    np.testing.assert_array_equal(cut.steps, np.minimum(free.steps, budget))
    np.testing.assert_array_equal(cut.code, np.where(early, free.code, 0))


def test_totals(engine_of, problem):
    start, engine = problem("double_well1")[2], engine_of("double_well1", threads=2)
    seen = []
    records = engine.first_passage(start, paths=300_000, max_steps=400, seed=1, report=seen.append)
    tally = records.tally
    assert tally.events + tally.censored + tally.diverged == 300_000
    assert tally.path_steps == records.steps.sum()
    assert seen[-1].events <= tally.events
    assert tally + Tally(1, 2, 3, 4) == Tally(
        tally.events + 1, tally.censored + 2, tally.diverged + 3, tally.path_steps + 4
    )


def test_paths_that_blow_up_are_counted_as_diverged():
    landscape, start = double_well(), np.array([-1.0])
    exit = resolve_exit("x >= 1e7", landscape, start)
    engine = CpuEngine(SGLD(0.9, 0.5).update(landscape), exit, threads=2)
    records = engine.first_passage(start, paths=500, max_steps=2000, seed=0)
    # The exit lies beyond the bound at which a path counts as lost, so not one of these is an escape.
    assert records.tally.diverged == 500
    calm = CpuEngine(SGLD(0.01, 0.5).update(landscape), exit, threads=2)
    assert calm.first_passage(start, paths=500, max_steps=2000, seed=0).tally == Tally(0, 500, 0, 10**6)


def test_a_leap_to_infinity_is_no_escape():
    landscape, start = double_well(), np.array([-1.0])
    exit = resolve_exit("x >= 1000", landscape, start)
    engine = CpuEngine(SGLD(0.9, 0.5).update(landscape), exit, threads=1)
    records = engine.first_passage(start, paths=2000, max_steps=2000, seed=0)
    assert records.tally.diverged > 0
    assert records.tally.events > 0
    assert (np.abs(records.state[records.exited]) < 1e6).all()


def cauchy(landscape, exit, scale, rate=0.1, **options):
    """An engine of a rule with Cauchy kicks of half-width `scale`, and its start at 0."""
    update = SGD(rate, 1.0, noise=AlphaStable(1.0, scale / rate), **options).update(landscape)
    start = np.zeros(landscape.dim)
    return CpuEngine(update, resolve_exit(exit, landscape, start), threads=2), start


@pytest.mark.parametrize("momentum", [0.0, 0.5])
def test_a_leap_beyond_the_bound_is_an_escape(momentum):
    """One step from 0 lands where the kick does: P(|C| > c) = 1 - (2/pi) atan(c) for the Cauchy law.

    10 half-widths to the exit, 100 to the divergence bound; the counts of 40,000 paths are within 5 standard
    deviations (false alarms 6e-7 each).
    """
    engine, start = cauchy(Potential("x**2/2"), "(x >= 1e5) | (x <= -1e5)", 1e4, momentum=momentum)
    records = engine.first_passage(start, paths=40_000, max_steps=1, seed=3)
    assert records.tally.diverged == 0
    for there, number in ((records.exited, 10.0), (np.abs(records.state[:, 0]) > 1e6, 100.0)):
        share = 1 - 2 / np.pi * np.arctan(number)
        assert abs(there.sum() - 40_000 * share) < 5 * np.sqrt(40_000 * share)


def test_paths_come_back_from_beyond_the_bound():
    """A leap to the far side of the exit is no end: the linear force brings the path back."""
    engine, start = cauchy(Potential("x**2/2"), "x >= 3e7", 1e4)
    records = engine.first_passage(start, paths=3000, max_steps=4000, seed=1)
    assert records.tally.diverged == 0
    assert records.tally.events > 1000
    # Of 4000 steps nearly all paths have seen a leap to below -1e6, of probability 0.3 % each.
    engine, start = cauchy(Potential("x**2/2"), "x <= -1e6", 1e4)
    assert engine.first_passage(start, paths=3000, max_steps=4000, seed=1).tally.events > 2990


def test_an_explosion_after_a_leap_is_no_escape():
    """On a quartic the step from |x| > sqrt(2/eta) = 4.5 leads further out to the other side: from there the
    path alternates and explodes through the exit, and no kick is large enough to cross it."""
    engine, start = cauchy(Potential("x**4/4"), "(x >= 1e30) | (x <= -1e30)", 0.05)
    records = engine.first_passage(start, paths=2000, max_steps=2000, seed=1)
    assert records.tally.events == 0
    assert records.tally.diverged > 1000
    # The first step without its kick beyond the bound is the last.
    x = np.abs(records.state[records.code < 0, 0])
    assert (x[np.isfinite(x)] > 9e5).all()
    assert (x < 1e20).all()


def test_too_large_a_rate_explodes_with_jumps_too():
    engine, start = cauchy(Potential("3*x**2/2"), "x >= 1e9", 0.1, rate=0.9)
    tally = engine.first_passage(start, paths=500, max_steps=2000, seed=0).tally
    assert (tally.diverged, tally.events) == (500, 0)


def test_undefined_steps_count_as_diverged():
    landscape, start = Potential("x - 2*sqrt(x)"), np.array([1.0])
    exit = resolve_exit("x >= 30", landscape, start)
    records = CpuEngine(SGLD(0.1, 1.0).update(landscape), exit, threads=1).first_passage(
        start, paths=300, max_steps=1000, seed=0
    )
    assert records.tally.diverged > 0
    assert records.tally.events + records.tally.diverged + records.tally.censored == 300


def test_gradient_descent_draws_no_noise():
    landscape, start = double_well(), np.array([-0.3])
    exit = resolve_exit("x <= -0.9", landscape, start)
    update = SGD(0.1, 1.0, noise="none").update(landscape)
    records = CpuEngine(update, exit, threads=2).first_passage(start, paths=300, max_steps=1000, seed=0)
    x, step = -0.3, 0
    while x > -0.9:
        x, step = x - 0.1 * (x**3 - x), step + 1
    assert set(records.steps) == {step}
    assert records.state == pytest.approx(x, abs=1e-14)


def test_interruption_keeps_what_is_done(engine_of, problem):
    start, engine = problem("double_well1")[2], engine_of("double_well1", threads=2)
    whole = engine.first_passage(start, paths=4000, max_steps=10**6, seed=4)

    def press(tally):
        raise KeyboardInterrupt

    cold = CpuEngine(SGLD(0.05, 0.02).update(double_well()), problem("double_well1")[1], threads=2)
    records = cold.first_passage(start, paths=4000, max_steps=10**9, seed=4, report=press)
    assert not records.complete
    assert 0 < len(records.steps) < 4000
    assert records.tally.censored > 0
    assert np.isnan(records.state[records.code == 0]).all()
    assert (records.steps[records.code == 0] < 10**9).all()
    # The interrupted engine leaves nothing behind that changes the next run.
    again = engine.first_passage(start, paths=4000, max_steps=10**6, seed=4)
    assert again.steps.tolist() == whole.steps.tolist()
    assert whole.complete


def test_escapes_before_an_interruption_are_those_of_the_whole_run(engine_of, problem):
    start, engine = problem("double_well1")[2], engine_of("double_well1", threads=2)
    whole = engine.first_passage(start, paths=200_000, max_steps=10**6, seed=4)

    def press(tally):
        if tally.events:
            raise KeyboardInterrupt

    part = engine.first_passage(start, paths=200_000, max_steps=10**6, seed=4, report=press)
    ends = set(zip(whole.steps.tolist(), whole.state[:, 0].tolist(), strict=True))
    done = part.exited
    assert set(zip(part.steps[done].tolist(), part.state[done, 0].tolist(), strict=True)) <= ends


def test_errors_in_a_report_are_passed_on(engine_of, problem):
    def fail(tally):
        raise RuntimeError("broken display")

    with pytest.raises(RuntimeError, match="broken display"):
        engine_of("double_well1").first_passage(
            problem("double_well1")[2], paths=100_000, max_steps=10**6, seed=4, report=fail
        )


# --- against sdeint on the same Brownian increments ---------------------------------------------------------


@pytest.mark.parametrize("diffusion", [0.3, "0.2*(1 + x**2)"])
@pytest.mark.parametrize("crossing", ["bridge", "none"])
def test_euler_maruyama_agrees_with_sdeint(normals_of, diffusion, crossing):
    landscape, step, steps = Potential("x**4/4 - x**2/2 + x/10"), 0.01, 200
    update = SDE(diffusion, step, crossing=crossing).update(landscape)
    increments = normals_of(1, paths=5, steps=steps, seed=7) * np.sqrt(step)
    found = CpuEngine(update, threads=1).integrate(np.full((5, 1), -1.0), steps=steps, seed=7)

    def noise(x, t):
        d = diffusion if isinstance(diffusion, float) else 0.2 * (1 + x[0] ** 2)
        return np.array([[np.sqrt(2 * d)]])

    for path in range(5):
        times = np.linspace(0, step * steps, steps + 1)
        course = sdeint.itoEuler(
            lambda x, t: -landscape.gradient(x), noise, [-1.0], times, dW=increments[path]
        )
        assert found[path, 0] == pytest.approx(course[-1, 0], abs=1e-12)


def test_coupled_euler_maruyama_agrees_with_sdeint(normals_of):
    landscape, step, steps = Potential("x**4/4 - x**2/2 + y**2 + x*y/4"), 0.01, 150
    covariance = [["1 + x**2", "x/2"], ["x/2", "1"]]
    update = SDE(covariance, step).update(landscape)
    increments = normals_of(2, paths=4, steps=steps, seed=7) * np.sqrt(step)
    found = CpuEngine(update, threads=1).integrate(np.full((4, 2), 0.3), steps=steps, seed=7)

    def noise(x, t):
        return np.linalg.cholesky(2 * np.array([[1 + x[0] ** 2, x[0] / 2], [x[0] / 2, 1.0]]))

    for path in range(4):
        times = np.linspace(0, step * steps, steps + 1)
        course = sdeint.itoEuler(
            lambda x, t: -landscape.gradient(x), noise, [0.3, 0.3], times, dW=increments[path]
        )
        np.testing.assert_allclose(found[path], course[-1], atol=1e-12)


def test_sdeint_with_other_increments_disagrees(normals_of):
    landscape, step, steps = double_well(), 0.01, 50
    found = CpuEngine(SDE(0.3, step).update(landscape), threads=1).integrate([[-1.0]], steps=steps, seed=7)
    increments = normals_of(1, paths=1, steps=steps, seed=8)[0] * np.sqrt(step)
    times = np.linspace(0, step * steps, steps + 1)
    course = sdeint.itoEuler(
        lambda x, t: -landscape.gradient(x),
        lambda x, t: np.array([[np.sqrt(0.6)]]),
        [-1.0],
        times,
        dW=increments,
    )
    assert abs(found[0, 0] - course[-1, 0]) > 1e-3
