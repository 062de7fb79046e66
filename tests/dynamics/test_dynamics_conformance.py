"""What every dynamics has to keep: kernels do what `Update.advance` says, however a run is cut.

Rules that draw samples are held against plain loops over those samples instead: what they draw is part of no
formula. The errors of a linearised network, `FunctionSpace`, have no formula and no samples of gradients;
tests/engines/test_function_space.py holds them against the run in parameters, and cuts it in the same way.
"""

from __future__ import annotations

import json
from functools import cache

import numpy as np
import pytest
from plain_minibatches import normals_for, plain_run
from reference_philox import words
from sample_means import sample_mean

from potentials import Potential, double_well
from simdyn.dynamics import SDE, SGD, SGLD, AlphaStable, MinibatchUpdate
from simdyn.engines import engine_for
from simdyn.errors import InputError
from simdyn.exits import resolve_exit
from simdyn.noise.key import key_of
from simdyn.noise.purposes import Purpose
from simdyn.questions.record import dynamics_record

WELL = double_well()
PLANE = Potential("x**2/2 + y**2 + x*y/4 + x**4/8")
SAMPLES = sample_mean("formula")
SPACE = Potential("(x**2 - 1)**2/4 + y**2 + z**2/2 + x*y*z/3")
CONSTANT = [[0.4, 0.1], [0.1, 0.2]]
MATRIX = [["1 + x**2", "x/2", 0], ["x/2", 1, "y/4"], [0, "y/4", "1 + y**2"]]
SHAPED = "0.1*(1 + x**2)"
RULES = {
    "sgld": (SGLD(0.05, 0.1), WELL),
    "sgld_momentum": (SGLD(0.05, 0.02, momentum=0.8), WELL),
    "sgld_cosine_rate": (SGLD("cosine(0.1, 0.01, 9)", 0.1), WELL),
    "sgd_stepwise_momentum": (
        SGD("0.1/(1 + step/10)", "stepwise(1, 5, 4)", noise="1 + x**2", momentum=0.5),
        WELL,
    ),
    "sgd_stable": (SGD(0.05, 4.0, noise=AlphaStable(1.5, 0.2)), WELL),
    "cauchy": (SDE(AlphaStable(1.0, 0.1), 0.01), WELL),
    "milstein": (SDE(SHAPED, 0.02, scheme="milstein", convention="haenggi_klimontovich"), WELL),
    "heun": (SDE(SHAPED, 0.02, scheme="heun"), WELL),
    "sri2": (SDE(SHAPED, 0.02, scheme="sri2", convention="stratonovich"), WELL),
    "leimkuhler_matthews": (SDE(0.1, 0.05, scheme="leimkuhler_matthews"), WELL),
    "baoab": (SDE(0.1, 0.05, scheme="baoab", friction=1.5), WELL),
    "second_order_limit": (SDE.limit_of(SGD(0.1, 1.0, noise=SHAPED), order=2), WELL),
    "sri2_areas": (SDE([["1 + x**2", "x/2"], ["x/2", "1"]], 0.01, scheme="sri2", crossing="none"), PLANE),
    "curvature_in_space": (
        SGD("0.05/(1 + step/9)", 4.0, noise="hessian", floor=0.1, momentum=0.5),
        SPACE,
    ),
    "matrix_in_space": (SDE(MATRIX, 0.01), SPACE),
    "descent": (SGD(0.1, 1, noise="none", momentum=0.3), PLANE),
    "constant": (SGD(0.05, 2.0, noise="constant", covariance=CONSTANT), PLANE),
    "loss": (SGD(0.05, 0.5, noise="loss"), PLANE),
    "rates_of_coordinates": (SGD([0.05, 0.02], 2.0, noise=SHAPED), PLANE),
    "rates_of_curvature": (SGD("0.06/(1 + curvature)", 2.0, noise=SHAPED), PLANE),
    "with_replacement": (SGD(0.05, 5, sampling="with_replacement"), SAMPLES),
    "fresh_subsets": (SGD(0.05, 5, sampling="without_replacement"), SAMPLES),
    "shuffled_epochs": (SGD("0.1/(1 + step/20)", 5, sampling="epoch_shuffle", momentum=0.5), SAMPLES),
    "sgld_of_batches": (SGLD(0.05, 0.02, batch_size=5), SAMPLES),
    "empirical": (SGD(0.05, 2.5, noise="empirical"), SAMPLES),
}
PASSAGES = (
    "sgld_momentum",
    "sgld_cosine_rate",
    "cauchy",
    "leimkuhler_matthews",
    "baoab",
    "loss",
    "shuffled_epochs",
    "empirical",
)
STEPS, PATHS, SEED = 19, 40, 11


@pytest.fixture(params=RULES)
def name(request):
    return request.param


def start_in(landscape):
    """Where first passages begin, in the valley that gives noise="loss" its curvature."""
    return np.full(landscape.dim, -1.0)


@cache
def update_of(name):
    dynamics, landscape = RULES[name]
    return dynamics.update(landscape, start_in(landscape))


@cache
def engine_of(name, threads=1):
    landscape = RULES[name][1]
    exit = resolve_exit("x >= 0", landscape, start_in(landscape)) if name in PASSAGES else None
    return engine_for("cpu", update_of(name), exit, threads=threads)


@cache
def starts(name, paths=PATHS):
    points = np.random.default_rng(0).uniform(-1, 1, (paths, update_of(name).dim))
    return update_of(name).at_rest(points)


@cache
def whole(name):
    return engine_of(name).integrate(starts(name), steps=STEPS, seed=SEED)


def levy_uniforms(update, paths, steps):
    """Number n of a path is word n % 4 of block n // 4 of its stream, as the midpoint of one of 2^32."""
    count = steps * update.uniforms
    key = key_of(SEED)
    drawn = [
        [word for b in range(-(-count // 4)) for word in words(p, Purpose.LEVY, b, key)][:count]
        for p in range(paths)
    ]
    return ((np.array(drawn) + 0.5) / 2.0**32).reshape(paths, steps, update.uniforms)


def advanced(name, normals_of):
    """States after the steps, as the rule says."""
    update, state = update_of(name), starts(name)
    if isinstance(update, MinibatchUpdate):
        ends = [
            plain_run(update, x, STEPS, SEED, path, normals_for(update, path, STEPS, SEED))[-1]
            for path, x in enumerate(state[:, : update.dim])
        ]
        return np.array([np.concatenate(end)[: update.state_dim] for end in ends])
    shape = {"paths": PATHS, "steps": STEPS, "seed": SEED}
    normals = normals_of(update.noise_dim, **shape) if update.noise_dim else None
    uniforms = levy_uniforms(update, PATHS, STEPS) if update.uniforms else None
    with np.errstate(over="ignore", invalid="ignore"):
        for step in range(STEPS):
            state = update.advance(
                state,
                None if normals is None else normals[:, step],
                None if uniforms is None else uniforms[:, step],
                step,
            )
    return state


def test_kernels_do_what_the_rule_says(name, normals_of):
    """To rounding, which the dynamics may enlarge over the steps: 1e-9 against kicks of 1e-2 and more."""
    state = advanced(name, normals_of)
    kept = np.abs(state).max(axis=1) < 1e3
    assert kept.mean() > 0.9
    np.testing.assert_allclose(whole(name)[kept], state[kept], rtol=1e-8, atol=1e-9)


def test_runs_may_be_cut_anywhere(name):
    engine, bits = engine_of(name), whole(name).tobytes()
    for cut in (1, 2, 5, 8, 13):
        half = engine.integrate(starts(name), steps=cut, seed=SEED)
        rest = engine.integrate(half, steps=STEPS - cut, seed=SEED, first_step=cut)
        assert rest.tobytes() == bits
    pieces = [
        engine.integrate(starts(name)[begin:end], steps=STEPS, seed=SEED, first_path=begin)
        for begin, end in ((0, 1), (1, 17), (17, PATHS))
    ]
    assert np.concatenate(pieces).tobytes() == bits
    many = np.tile(starts(name), (15, 1))
    one, two = (engine_of(name, threads).integrate(many, steps=7, seed=SEED) for threads in (1, 2))
    assert one.tobytes() == two.tobytes()
    other = engine.integrate(starts(name), steps=STEPS, seed=SEED + 1)
    assert (other.tobytes() != bits) == (name != "descent")


@pytest.mark.parametrize("passage", PASSAGES)
def test_first_passage_agrees_with_integration(passage):
    """Each exit state is where integration stands at that step, and no step before it was outside."""
    engine, update = engine_of(passage), update_of(passage)
    start, dim = start_in(RULES[passage][1]), update_of(passage).dim
    records = engine.first_passage(start, paths=300, max_steps=60, seed=SEED)
    again = engine_of(passage, 2).first_passage(start, paths=300, max_steps=60, seed=SEED)
    assert records.steps.tobytes() == again.steps.tobytes()
    assert records.state.tobytes() == again.state.tobytes()
    state = np.tile(update.at_rest(start), (300, 1))
    left = np.zeros(300, dtype=bool)
    for step in range(60):
        state = engine.integrate(state, steps=1, seed=SEED, first_step=step)
        now = records.exited & (records.steps == step + 1)
        assert (state[now, :dim] == records.state[now]).all()
        assert (state[now, 0] >= 0).all()
        left |= now
        assert not (state[~left & (records.code == 0), 0] >= 0).any()
    assert left.sum() == records.tally.events > 0


def test_laws_are_those_of_the_equation_or_refused(name):
    dynamics, landscape = RULES[name]
    update = update_of(name)
    start = start_in(landscape)
    if isinstance(update, MinibatchUpdate):
        with pytest.raises(InputError, match="no density in symbols"):
            dynamics.law(landscape, start)
        return
    refused = update.memory or update.uniforms or update.scheduled
    if name == "leimkuhler_matthews":
        refused = False
    if refused:
        with pytest.raises(InputError, match="no chain with one Gaussian law"):
            dynamics.law(landscape, start)
        return
    law = dynamics.law(landscape, start)
    assert law.gaussian
    x = np.random.default_rng(1).uniform(-1.5, 1.5, (9, law.dim))
    factor = law.factor_at(x)
    diffusion = factor @ np.swapaxes(factor, -1, -2) / (2 * law.step)
    u = x[:, 0]
    drift = {
        "milstein": 0.2 * u,
        "sri2": 0.1 * u,
        # -eta/4 d(f^2) and D = eta C / 2.
        "second_order_limit": -0.05 * (u**3 - u) * (3 * u**2 - 1),
    }.get(name, 0 * u)
    hessian, one = landscape.hessian(x), np.eye(law.dim)
    # Learning rates by direction make a step one unit of time.
    rates = {
        "rates_of_coordinates": np.diag([0.05, 0.02]),
        "rates_of_curvature": 0.06 * np.linalg.inv(one + hessian),
    }.get(name, one)
    expected = -(rates @ landscape.gradient(x)[..., None])[..., 0]
    expected[:, 0] += drift
    np.testing.assert_allclose(law.drift_at(x) / law.step, expected, rtol=1e-11, atol=1e-13)
    if name == "matrix_in_space":
        v, zero = x[:, 1], np.zeros_like(u)
        rows = [1 + u**2, u / 2, zero, u / 2, zero + 1, v / 4, zero, v / 4, 1 + v**2]
        wanted = np.stack(rows, axis=-1).reshape(-1, 3, 3)
    elif name == "sri2_areas":
        wanted = np.stack([1 + u**2, u / 2, u / 2, np.ones_like(u)], axis=-1).reshape(-1, 2, 2)
    elif name == "constant":
        wanted = np.broadcast_to(0.05 / (2 * 2.0) * np.array(CONSTANT), diffusion.shape)
    elif name == "loss":
        wanted = 0.05 / (2 * 0.5) * 2 * landscape.energy(x)[:, None, None] * landscape.hessian(np.zeros(2))
    else:
        size = {
            "sgld": 0.1 + 0 * u,
            "leimkuhler_matthews": 0.1 + 0 * u,
            "second_order_limit": 0.05 * 0.1 * (1 + u**2),
            "rates_of_coordinates": 0.1 * (1 + u**2) / (2 * 2.0),
            "rates_of_curvature": 0.1 * (1 + u**2) / (2 * 2.0),
        }.get(name, 0.1 * (1 + u**2))
        wanted = size[:, None, None] * rates @ rates
    np.testing.assert_allclose(diffusion, wanted, rtol=1e-11, atol=1e-14)


def test_records_are_json(name):
    assert json.loads(json.dumps(dynamics_record(RULES[name][0]), allow_nan=False))["name"]


@pytest.mark.parametrize(
    "scheme", ["euler_maruyama", "milstein", "heun", "sri2", "leimkuhler_matthews", "baoab"]
)
def test_without_noise_each_scheme_is_itself(scheme):
    """Descent for the plain ones, the second order of Heun, damped motion with memory for BAOAB."""
    rule = SGLD(0.1, 0.0)
    options = {"friction": 1.0} if scheme == "baoab" else {}
    update = SDE.limit_of(rule, scheme=scheme, **options).update(WELL)
    x = np.array([[-0.7], [0.3]])

    def force(x):
        return x - x**3

    moved = update.advance(update.at_rest(x))[:, :1]
    euler = x + 0.1 * force(x)
    if scheme in ("heun", "sri2"):
        euler = x + 0.05 * (force(x) + force(euler))
    if scheme == "baoab":
        euler = x + 0.05 * (1 + np.exp(-0.1)) * 0.05 * force(x)
        assert update.memory == 1
    np.testing.assert_allclose(moved, euler, rtol=1e-13)
