"""Roots of full matrices inside kernels, against NumPy's eigenvalues and against exact stationary laws."""

from __future__ import annotations

from functools import cache

import numpy as np
import pytest
import sympy
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from potentials import Potential
from simdyn.dynamics import SDE, SGD, Update
from simdyn.dynamics.matrix_root import MatrixRoot, symmetric_root
from simdyn.engines.cpu import CpuEngine
from simdyn.exits import resolve_exit
from simdyn.lowering import loop_kernels

PATHS, SEED = 40, 5
FLOORS = {"covariance": None, "absolute": 0.0, "floor": 0.3}


@cache
def bare(size, kind, dtype="float64"):
    """Kernels of a step that adds F(M) z to `size` coordinates, with M made of the other coordinates."""
    names = [sympy.Symbol(f"v{i}", real=True) for i in range(size)]
    names += [sympy.Symbol(f"m{i}", real=True) for i in range(size * (size + 1) // 2)]
    entries = iter(names[size:])
    upper = {(i, j): next(entries) for i in range(size) for j in range(i, size)}
    matrix = tuple(tuple(upper[min(i, j), max(i, j)] for j in range(size)) for i in range(size))
    floor = None if kind == "covariance" else sympy.Symbol("_floor", positive=True)
    update = Update(
        variables=tuple(names),
        drift=(sympy.S.Zero,) * len(names),
        factor=tuple(tuple(sympy.Integer(int(i == j)) for j in range(size)) for i in range(len(names))),
        values={} if floor is None else {"_floor": FLOORS[kind]},
        unit="steps",
        step=1.0,
        roots=(MatrixRoot(matrix, tuple(range(size)), floor),),
    )
    return CpuEngine(update, threads=1, dtype=dtype)


def kicks_in_kernel(matrices, kind, dtype="float64"):
    """F(M) z for each matrix, by a kernel."""
    size = matrices.shape[-1]
    state = np.zeros((len(matrices), size + size * (size + 1) // 2))
    state[:, size:] = matrices[:, *np.triu_indices(size)]
    return bare(size, kind, dtype).integrate(state, steps=1, seed=SEED)[:, :size]


def kicks_in_numpy(matrices, kind, normals_of, dtype="float64"):
    size = matrices.shape[-1]
    normals = normals_of(size, paths=len(matrices), steps=1, seed=SEED, dtype=dtype)[:, 0]
    return np.einsum("pij,pj->pi", symmetric_root(matrices, FLOORS[kind]), normals), normals


def symmetric(size, eigenvalues, rng):
    """Matrices with given eigenvalues, shape (paths, size), along random directions."""
    turn = np.linalg.qr(rng.normal(size=(len(eigenvalues), size, size)))[0]
    made = (turn * eigenvalues[:, None, :]) @ np.swapaxes(turn, 1, 2)
    return (made + np.swapaxes(made, 1, 2)) / 2


def slow(*values):
    """A case for the long run, with a kernel of its own to compile."""
    return pytest.param(*values, marks=pytest.mark.slow)


@pytest.mark.parametrize(
    ("size", "kind"),
    [
        *((3, kind) for kind in FLOORS),
        slow(4, "covariance"),
        slow(12, "absolute"),
        slow(12, "floor"),
        slow(30, "floor"),
    ],
)
def test_well_conditioned_matrices_to_rounding(size, kind, normals_of):
    """Both methods solve the problem of a matrix closer than 20 n eps |M|; eigenvalues of size 0.5 to 2 make
    the root change by less than ten times that."""
    rng = np.random.default_rng(size)
    eigenvalues = rng.uniform(0.5, 2, (PATHS, size))
    if kind != "covariance":
        eigenvalues *= rng.choice([-1, 1], eigenvalues.shape)
    matrices = symmetric(size, eigenvalues, rng)
    expected, normals = kicks_in_numpy(matrices, kind, normals_of)
    bound = 200 * size * np.finfo(float).eps * np.linalg.norm(normals, axis=1)
    errors = np.linalg.norm(kicks_in_kernel(matrices, kind) - expected, axis=1)
    assert (errors < bound).all()


@pytest.mark.slow
def test_single_precision(normals_of):
    rng = np.random.default_rng(1)
    matrices = symmetric(3, rng.choice([-1, 1], (PATHS, 3)) * rng.uniform(0.5, 2, (PATHS, 3)), rng)
    expected, normals = kicks_in_numpy(matrices, "floor", normals_of, "float32")
    errors = np.linalg.norm(kicks_in_kernel(matrices, "floor", "float32") - expected, axis=1)
    assert (errors < 600 * np.finfo("float32").eps * np.linalg.norm(normals, axis=1)).all()
    assert errors.max() > 1e-9


SPECIAL = {
    "zero": np.zeros((3, 3)),
    "equal eigenvalues": np.diag([2.0, 2.0, 2.0]),
    "a pair of equal eigenvalues": np.ones((3, 3)) - 0.5 * np.eye(3),
    "opposite eigenvalues": np.array([[0.0, 1, 0], [1, 0, 0], [0, 0, 0]]),
    "opposite and close to zero": np.array([[1e-9, 1, 0], [1, -1e-9, 0], [0, 0, 1e-9]]),
    "one direction": np.outer([1.0, 2, 3], [1.0, 2, 3]),
    "tiny": 1e-170 * np.array([[2.0, 1, 0], [1, 2, 1], [0, 1, -2]]),
    "huge": 1e170 * np.array([[2.0, 1, 0], [1, 2, 1], [0, 1, -2]]),
    "graded": np.array([[1e12, 1e5, 1.0], [1e5, -1.0, 1e-5], [1.0, 1e-5, 1e-12]]),
}


@pytest.mark.parametrize("name", SPECIAL)
@pytest.mark.parametrize("kind", ["absolute", "floor"])
def test_indefinite_singular_and_degenerate_matrices(name, kind, normals_of):
    """|M|^(1/2) changes by at most the root of what |M| changes by: sqrt(1000 eps (|M| + floor)) covers
    both."""
    matrices = np.repeat(SPECIAL[name][None], PATHS, axis=0)
    expected, normals = kicks_in_numpy(matrices, kind, normals_of)
    size = np.linalg.norm(SPECIAL[name], 2) + FLOORS[kind]
    bound = np.sqrt(1000 * np.finfo(float).eps * size)
    errors = np.linalg.norm(kicks_in_kernel(matrices, kind) - expected, axis=1)
    assert (errors <= bound * np.linalg.norm(normals, axis=1)).all()


ENTRIES = st.floats(-1, 1, allow_subnormal=False).map(lambda v: round(v, 3)) | st.sampled_from(
    [0.0, 1.0, -1.0]
)


@settings(deadline=None)
@given(st.data())
def test_any_matrix_at_all(normals_of, data):
    """The kernel against NumPy, for matrices full of coincidences, and any power of ten of them."""
    upper = data.draw(arrays(float, (3, 3), elements=ENTRIES))
    power = data.draw(st.integers(-100, 100))
    matrix = np.triu(upper) + np.triu(upper, 1).T
    matrices = np.repeat(matrix[None], 4, axis=0) * 10.0**power
    expected, normals = kicks_in_numpy(matrices, "absolute", normals_of)
    bound = np.sqrt(1000 * np.finfo(float).eps * np.linalg.norm(matrices[0], 2)) + 1e-160
    found = kicks_in_kernel(matrices, "absolute")
    assert (np.linalg.norm(found - expected, axis=1) <= bound * np.linalg.norm(normals, axis=1)).all()


def test_matrices_that_are_no_covariances_give_no_numbers():
    matrices = np.repeat(np.diag([1.0, 0.5, -1e-3])[None], 2, axis=0)
    matrices[1, 2, 2] = -1e-12
    found = kicks_in_kernel(matrices, "covariance")
    assert np.isnan(found[0]).any()
    assert np.isfinite(found[1]).all()
    for nothing in (np.nan, np.inf):
        matrices[1, 0, 1] = matrices[1, 1, 0] = nothing
        assert np.isnan(kicks_in_kernel(matrices, "absolute")[1]).all()
        assert np.isfinite(kicks_in_kernel(matrices, "absolute")[0]).all()


@pytest.mark.slow
def test_too_few_sweeps_are_no_answer(monkeypatch):
    """A matrix that is not diagonal when the sweeps are over gives no number, rather than a wrong one."""
    rng = np.random.default_rng(3)
    matrices = symmetric(6, rng.normal(size=(20, 6)), rng)
    matrices[7] = np.diag(np.arange(6.0))
    whole = kicks_in_kernel(matrices, "absolute")
    assert np.isfinite(whole).all()
    monkeypatch.setattr(loop_kernels, "SWEEPS", 2)
    bare.cache_clear()
    hasty = kicks_in_kernel(matrices, "absolute")
    bare.cache_clear()
    settled = np.arange(20) == 7
    assert np.isnan(hasty[~settled]).all()
    assert hasty[7].tobytes() == whole[7].tobytes()


def test_neighbours_do_not_matter():
    """Lanes that need many sweeps beside lanes that need none: each alone comes to the same bits."""
    rng = np.random.default_rng(4)
    matrices = symmetric(3, rng.normal(size=(100, 3)), rng)
    matrices[::3] = np.diag([1.0, -2.0, 0.0])
    matrices[1::7] = 0.0
    matrices[50] *= 1e-150
    whole = kicks_in_kernel(matrices, "absolute")
    state = np.zeros((100, 9))
    state[:, 3:] = matrices[:, *np.triu_indices(3)]
    for path in (0, 1, 2, 50, 63, 64, 99):
        engine = bare(3, "absolute")
        alone = engine.integrate(state[path : path + 1], steps=1, seed=SEED, first_path=path)[0, :3]
        assert alone.tobytes() == whole[path].tobytes()


# --- rules on landscapes ------------------------------------------------------------------------------------


def blocks():
    """Coordinates that are coupled by threes, by twos, and not at all, in no order."""
    return Potential(
        "x1**4/4 - x1**2/2 + x1*x4*x6/3 + x4**4/8 + x6**4/5 + x6**2/9"
        "+ x2**4/4 + x2*x5**2 + x5**4 + x3**4 - x3**2"
        "+ x7**2*x8/2 + x8**4 + x9**4/7 + x9**2*x8/4 + x7**4"
    )


@pytest.mark.parametrize("floor", [slow(0.0), 0.2])
def test_blocks_of_a_hessian(floor, normals_of):
    landscape = blocks()
    update = SGD(0.1, 2.0, noise="hessian", floor=floor).update(landscape)
    assert sorted(root.places for root in update.roots) == [(0, 3, 5), (6, 7, 8)]
    x = np.random.default_rng(0).uniform(-1, 1, (PATHS, 9))
    factor = update.factor_at(x)
    hessian = landscape.hessian(x)
    whole = 0.1 / np.sqrt(2) * symmetric_root(hessian, floor)
    np.testing.assert_allclose(factor, whole, atol=1e-8 if floor == 0 else 1e-12)
    np.testing.assert_allclose(
        factor @ factor @ factor @ factor, 0.1**4 / 4 * (hessian @ hessian + floor**2 * np.eye(9)), atol=1e-14
    )
    normals = normals_of(9, paths=PATHS, steps=3, seed=2)
    state = x
    for step in range(3):
        state = update.advance(state, normals[:, step], step=step)
    found = CpuEngine(update, threads=1).integrate(x, steps=3, seed=2)
    np.testing.assert_allclose(found, state, atol=1e-7 if floor == 0 else 1e-11)


def quadratic(dim, seed=0, unstable=False):
    rng = np.random.default_rng(seed)
    sizes = np.geomspace(0.2, 3, dim)
    turn = np.linalg.qr(rng.normal(size=(dim, dim)))[0]
    hessian = (turn * sizes) @ turn.T
    formula = " + ".join(
        f"k*{float(hessian[i, j] / (2 if i == j else 1))!r}*x{i + 1}*x{j + 1}"
        for i in range(dim)
        for j in range(i, dim)
    )
    return Potential(formula, parameters={"k": 1.0}), hessian


@pytest.mark.parametrize("dim", [3, 20])
def test_constant_hessians_are_factored_once(dim):
    landscape, hessian = quadratic(dim)
    update = SGD(0.1, 4.0, noise="hessian", floor=0.5).update(landscape)
    assert not update.roots
    np.testing.assert_allclose(
        update.factor_at(np.zeros(dim)), 0.05 * symmetric_root(hessian, 0.5), atol=1e-13
    )
    softer = SGD(0.2, 3.0, noise="hessian", floor=0.1).update(landscape.with_parameters(k=0.3))
    np.testing.assert_allclose(
        softer.factor_at(np.zeros(dim)), 0.2 / np.sqrt(3) * symmetric_root(0.3 * hessian, 0.1), atol=1e-13
    )
    assert CpuEngine(update).source == CpuEngine(softer).source


@pytest.mark.parametrize("dim", [3, 20])
def test_stationary_covariance_of_a_quadratic(dim):
    """S = A S A + eta^2 |H|_floor / B with A = I - eta H. 4000 paths: an entry S_ij of a sample of Gaussians
    has the variance (S_ii S_jj + S_ij^2) / n; at z = 5 one of 210 entries is beyond in 1 of 8000 runs."""
    landscape, hessian = quadratic(dim)
    eta, batch, floor, paths = 0.3, 2.0, 0.4, 4000
    update = SGD(eta, batch, noise="hessian", floor=floor).update(landscape)
    values, vectors = np.linalg.eigh(hessian)
    exact = eta**2 / batch * np.hypot(values, floor) / (1 - (1 - eta * values) ** 2)
    exact = (vectors * exact) @ vectors.T
    # The slowest mode has forgotten its start to within (1 - 0.06)^(2 * 200) = 2e-11.
    x = CpuEngine(update, threads=1).integrate(np.zeros((paths, dim)), steps=200, seed=8)
    found = x.T @ x / paths
    spread = np.sqrt((np.outer(np.diag(exact), np.diag(exact)) + exact**2) / paths)
    assert (np.abs(found - exact) < 5 * spread).all()
    # The noise without its directions would be seen.
    flat = eta**2 / batch * np.hypot(values, floor).mean() / (1 - (1 - eta * values) ** 2)
    assert (np.abs(found - (vectors * flat) @ vectors.T) > 5 * spread).any()


def test_stationary_covariance_under_a_matrix_that_changes():
    """C_1 = A + s diag(x_i^2) keeps second moments closed: S = (1 - eta k)^2 S + eta^2 (A + s diag(S)) / B.

    Tails are heavier than Gaussian, so the error is that of 50 batches of paths; z = 5 for 6 entries under
    Student's law of 49 degrees of freedom: 1 in 20000 runs."""
    eta, batch, k, s = 0.2, 2.0, 1.0, 1.5
    root = np.array([[1.0, 0, 0], [0.6, 0.8, 0], [-0.5, 0.3, 0.4]])
    given_matrix = root @ root.T
    landscape = Potential("(x**2 + y**2 + z**2)/2")
    noise = [[f"{float(given_matrix[i, j])!r}" for j in range(3)] for i in range(3)]
    for i, name in enumerate("xyz"):
        noise[i][i] += f" + {s}*{name}**2"
    update = SGD(eta, batch, noise=noise).update(landscape)
    assert update.roots
    rest = 1 - (1 - eta * k) ** 2
    exact = eta**2 / batch * given_matrix / rest
    np.fill_diagonal(exact, eta**2 / batch * np.diag(given_matrix) / (rest - eta**2 / batch * s))
    x = CpuEngine(update, threads=1).integrate(np.zeros((20_000, 3)), steps=120, seed=4)
    batches = np.einsum("bpi,bpj->bij", *[x.reshape(50, 400, 3)] * 2) / 400
    error = batches.std(axis=0, ddof=1) / np.sqrt(50)
    assert (np.abs(batches.mean(axis=0) - exact) < 5 * error).all()
    constant = eta**2 / batch * given_matrix / rest
    assert (np.abs(batches.mean(axis=0) - constant) > 5 * error).any()


def valley_in_space():
    return Potential("(x**2 - 1)**2/4 + (y + (x**2 - 1)/2)**2 + (z - x*y/3)**2/2")


@cache
def escape(threads=1, crossing=None):
    landscape, start = valley_in_space(), np.array([-1.0, 0.0, 0.0])
    dynamics = SGD(0.1, 0.5, noise="hessian", floor=0.1)
    if crossing:
        dynamics = SDE.limit_of(dynamics, crossing=crossing)
    exit = resolve_exit("x + y/4 - z/5 >= 0", landscape, start)
    return CpuEngine(dynamics.update(landscape), exit, threads=threads), start


def test_exits_do_not_depend_on_threads_or_batches():
    (one, start), (two, _) = escape(1), escape(2)
    records = one.first_passage(start, paths=300, max_steps=100, seed=2)
    again = two.first_passage(start, paths=300, max_steps=100, seed=2)
    assert set(np.unique(records.code)) == {0, 1}
    assert records.steps.tobytes() == again.steps.tobytes()
    assert records.state.tobytes() == again.state.tobytes()
    alone = one.first_passage(start, paths=1, max_steps=100, seed=2, first_path=177)
    assert alone.steps[0] == records.steps[177]
    assert alone.state.tobytes() == records.state[177:178].tobytes()
    state = np.tile(start, (300, 1))
    for step in range(100):
        state = one.integrate(state, steps=1, seed=2, first_step=step)
        now = records.exited & (records.steps == step + 1)
        assert state[now].tobytes() == records.state[now].tobytes()


@pytest.mark.slow
def test_bridges_between_steps_know_the_root():
    """Chance to leave within one step, against the mean of exp(-2 g g' / n.S n) over the same steps.

    The uniforms of the bridge are independent of the normals; z = 5: 1 in 1.7 million runs."""
    engine, _ = escape(1, "bridge")
    update = engine.update
    start, paths, normal = np.array([-0.3, 0.45, 0.05]), 4000, np.array([1, 0.25, -0.2])
    records = engine.first_passage(start, paths=paths, max_steps=1, seed=6)
    end = engine.integrate(np.tile(start, (paths, 1)), steps=1, seed=6)
    before, after = start @ normal, end @ normal
    assert before < 0
    factor = update.factor_at(start)
    spread = normal @ factor @ factor.T @ normal
    chance = np.where(after >= 0, 1.0, np.exp(-2 * before * after / spread))
    inside = after < 0
    events = (records.code == 1)[inside].sum()
    assert (records.code == 1)[~inside].all()
    sd = np.sqrt((chance * (1 - chance))[inside].sum())
    assert events > 50
    assert abs(events - chance[inside].sum()) < 5 * sd
