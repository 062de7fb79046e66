"""Every number is looked at before anything runs."""

from __future__ import annotations

import math

import numpy as np
import pytest
import sympy

from potentials import FiniteSum, Potential, double_well, muller_brown
from potentials.formula import symbol
from simdyn.dynamics import SDE, SGD, SGLD
from simdyn.errors import InputError
from simdyn.questions.start import check_start

NO_NUMBERS = [math.nan, math.inf, -math.inf, "0.1", None, True, [0.1], 1j]


@pytest.mark.parametrize("value", [0, -0.1, *NO_NUMBERS])
def test_learning_rates(value):
    # A list is a learning rate by direction for SGD.
    rules = [lambda v: SGLD(v, 0.1), lambda v: SGD(v, 1.0, noise="none")][: 1 if value == [0.1] else 2]
    for make in rules:
        with pytest.raises(InputError, match="learning_rate is"):
            make(value)


@pytest.mark.parametrize("value", [-1e-9, *NO_NUMBERS])
def test_temperatures_of_sgld(value):
    with pytest.raises(InputError, match="temperature is"):
        SGLD(0.1, value)
    assert SGLD(0.1, 0).update(double_well()).noise_dim == 0


@pytest.mark.parametrize("value", [0, -2, *NO_NUMBERS])
def test_batch_sizes_temperatures_and_steps(value):
    with pytest.raises(InputError, match="batch_size is"):
        SGD(0.1, value, noise="none")
    with pytest.raises(InputError, match="temperature is"):
        SGD(0.1, 1, noise="none", temperature=value)
    with pytest.raises(InputError, match="step is"):
        SDE(0.1, value)


@pytest.mark.parametrize("value", [-1e-3, *(v for v in NO_NUMBERS if v is not None)])
def test_floors(value):
    with pytest.raises(InputError, match="floor is"):
        SGD(0.1, 1, noise="hessian", floor=value)


def test_hessian_noise_wants_its_floor_spelt_out():
    with pytest.raises(InputError, match="needs floor"):
        SGD(0.1, 1, noise="hessian")
    assert SGD(0.1, 1, noise="hessian", floor=0).floor == 0


def test_settings_that_do_not_belong_together():
    with pytest.raises(InputError, match="belongs to noise="):
        SGD(0.1, 1, noise="none", floor=0.1)
    with pytest.raises(InputError, match="belong together"):
        SGD(0.1, 1, noise="constant")
    with pytest.raises(InputError, match="belong together"):
        SGD(0.1, 1, noise="none", covariance=1.0)
    with pytest.raises(InputError, match="per-sample losses"):
        SGD(0.1, 1).update(double_well())


@pytest.mark.parametrize(
    ("options", "name"),
    [
        ({"scheme": "euler"}, "scheme"),
        ({"convention": "isothermal"}, "convention"),
        ({"crossing": 3}, "crossing"),
    ],
)
def test_unknown_words_of_the_sde(options, name):
    with pytest.raises(InputError, match=f"{name} is"):
        SDE(0.1, 0.01, **options)


@pytest.mark.parametrize("value", [-0.1, math.nan, math.inf, None, True, {}, object()])
def test_diffusions_that_mean_nothing(value):
    with pytest.raises(InputError, match="diffusion is"):
        SDE(value, 0.01)


NOT_COVARIANCES = [
    ([[1, 2], [2, 1]], "not positive semidefinite"),
    ([[1e-13, 0], [0, -5e-13]], "not positive semidefinite"),
    ([[1, 0.5], [0.4, 1]], "not symmetric"),
    ([1, -1], "not positive semidefinite"),
    ([1, 2, 3], "2 x 2 matrix"),
    ([[1, math.nan], [math.nan, 1]], "2 x 2 matrix"),
    ([[1, 2], [3]], "2 x 2 matrix"),
]


@pytest.mark.parametrize(("matrix", "message"), NOT_COVARIANCES)
def test_constant_matrices_that_are_no_covariances(matrix, message):
    with pytest.raises(InputError, match=message):
        SGD(0.1, 1, noise="constant", covariance=matrix).update(muller_brown())
    with pytest.raises(InputError, match=message):
        SDE(matrix, 0.01).update(muller_brown())


def test_the_offending_eigenvalue_is_named():
    with pytest.raises(InputError, match=r"lowest eigenvalue -1\)"):
        SDE([[1, 2], [2, 1]], 0.01).update(muller_brown())


@pytest.mark.parametrize(
    ("noise", "message"),
    [
        ("-1", "always negative"),
        ("-x**2 - 1", "always negative"),
        (-2.5, "always negative"),
        ("z", "uses z"),
        ("__import__('os')", "unknown function"),
        ("x +", "cannot be read"),
        (True, "wrong shape"),
        (object(), "wrong shape"),
        ([1, [2, 3]], "wrong shape"),
        (["1", "2", "3"], "wrong shape"),
        ([[1, 2], [2, 1]], "not positive semidefinite"),
        ([["x**2", "1 + x**2"], ["1 + x**2", "x**2"]], "not positive semidefinite"),
        ([["1", "x"], ["y", "1"]], "not symmetric"),
        ([[True, 0], [0, 1]], "numbers and formulas"),
    ],
)  # fmt: skip
def test_expressions_that_are_no_covariances(noise, message):
    with pytest.raises(InputError, match=message):
        SGD(0.1, 1, noise=noise).update(Potential("x**2 + y**2 + x*y"))


def test_schemes_that_need_derivatives_of_a_root_that_has_none():
    chain = Potential("x1**2 + x2**2 + x3**2 + x1*x2*x3")
    rule = SGD(0.1, 1, noise="hessian", floor=0.1)
    for options in (
        {"scheme": "heun"},
        {"scheme": "sri2"},
        {"scheme": "milstein"},
        {"convention": "stratonovich"},
        {"convention": "haenggi_klimontovich"},
    ):
        with pytest.raises(InputError, match="3 x 3 noise covariance"):
            SDE.limit_of(rule, **options).update(chain)
    assert SDE.limit_of(rule).update(chain).roots
    assert SDE.limit_of(rule).law(chain).gaussian
    assert not rule.update(chain).diagonal
    assert not rule.update(chain).additive
    assert rule.update(double_well(dim=3)).diagonal


def test_matrices_of_expressions_in_three_dimensions():
    ball = Potential("x**2 + y**2 + z**2")
    noise = [["1 + x**2", "x/2", 0], ["x/2", 1, "y/4"], [0, "y/4", "1 + y**2"]]
    update = SGD(0.2, 4.0, noise=noise).update(ball)
    x = np.array([[0.3, -0.4, 0.1], [1.0, 2.0, 0.0]])
    factor = update.factor_at(x)
    np.testing.assert_allclose(factor, np.swapaxes(factor, -1, -2), atol=1e-15)
    wanted = [[[1 + a**2, a / 2, 0], [a / 2, 1, b / 4], [0, b / 4, 1 + b**2]] for a, b, _ in x]
    np.testing.assert_allclose(factor @ factor / 0.01, wanted, rtol=1e-13, atol=1e-14)
    same = SGD(0.2, 4.0, noise=[[2, 1, 0], [1, 2, 1], [0, 1, 2]]).update(ball)
    assert not same.roots
    given = same.factor_at(x[0])
    np.testing.assert_allclose(given @ given / 0.01, [[2, 1, 0], [1, 2, 1], [0, 1, 2]], atol=1e-14)


@pytest.mark.parametrize(
    ("noise", "message"),
    [
        ([[1, 0], [0, 1]], "wrong shape for 3"),
        ([["1", "x", 0], ["y", "1", 0], [0, 0, 1]], "not symmetric"),
        ([["-1 - x**2", 0, 0], [0, 1, 0], [0, 0, 1]], "on its diagonal"),
        ([[1, 2, 0], [2, 1, 0], [0, 0, 1]], "lowest eigenvalue -1"),
    ],
)
def test_matrices_of_expressions_that_are_no_covariances(noise, message):
    with pytest.raises(InputError, match=message):
        SGD(0.1, 1, noise=noise).update(Potential("x**2 + y**2 + z**2 + x*y*z"))


@pytest.mark.parametrize("dim", [3, 14])
def test_noise_of_the_loss_in_many_dimensions(dim):
    """C_1 = 2 L(x) H_a, with the Hessian at the minimum of the start's valley."""
    squares = " + ".join(f"(x{i} - x{i + 1}/3)**2" for i in range(1, dim)) + f" + x{dim}**2*(1 + x1**2)"
    landscape = Potential(squares)
    start = np.full(dim, 0.1)
    update = SGD(0.1, 4.0, noise="loss").update(landscape, start)
    x = np.random.default_rng(0).uniform(-1, 1, (5, dim))
    factor = update.factor_at(x)
    minimum = landscape.hessian(np.zeros(dim))
    wanted = 0.01 / 4 * 2 * landscape.energy(x)[:, None, None] * minimum
    np.testing.assert_allclose(factor @ np.swapaxes(factor, 1, 2), wanted, atol=1e-12)


def test_starts_where_a_matrix_is_no_covariance():
    ball = Potential("x**2 + y**2 + z**2")
    rule = SGD(0.1, 1, noise=[["1", "x", 0], ["x", "1", 0], [0, 0, "1 + x**2"]])
    update = rule.update(ball)
    check_start(update, np.array([0.5, 0, 0]), ball)
    with pytest.raises(InputError, match="not positive semidefinite at the start"):
        check_start(update, np.array([1.5, 0, 0]), ball)


@pytest.mark.parametrize("block", [1, 40, 1 << 22])
def test_the_start_that_is_wrong_is_named_among_many(block, monkeypatch):
    monkeypatch.setattr("simdyn.questions.start._BLOCK", block)
    starts = np.linspace(-0.9, 0.9, 30)[:, None] * [1.0, 0.5]
    starts[23] = [-1.5, 0.25]
    root = Potential("sqrt(1 + x) + y**2")
    with pytest.raises(InputError, match=r"not finite at the start \[-1.5, 0.25\]"):
        check_start(SGLD(0.1, 0.5).update(root), starts, root)
    sides = FiniteSum("sqrt(a + x)*y**2", {"a": [1.0, 3.0]})
    with pytest.raises(InputError, match=r"not finite at the start \[-1.5, 0.25\]"):
        check_start(SGD(0.1, 1).update(sides), starts, sides)
    starts[23] = 0.2
    check_start(SGLD(0.1, 0.5).update(root), starts, root)
    starts[23] = [1.5, 0.25]
    bowl = Potential("x**2 + y**2")
    with pytest.raises(InputError, match=r"semidefinite at the start \[1.5, 0.25\]"):
        check_start(SGD(0.1, 1, noise=[["1", "x"], ["x", "1.01"]]).update(bowl), starts, bowl)


def test_constant_matrices_are_the_same_in_every_convention():
    constant = SDE([[1.0, 0.2], [0.2, 1.0]], 0.01, convention="stratonovich").update(muller_brown())
    assert constant.drift == SDE([[1.0, 0.2], [0.2, 1.0]], 0.01).update(muller_brown()).drift


def test_numbers_of_numpy_are_numbers():
    assert SGLD(np.float64(0.1), np.float32(0.5)) == SGLD(0.1, 0.5)
    assert SDE(np.float64(0.1), 0.01).update(double_well()).noise_dim == 1


@pytest.mark.parametrize(
    "diffusion", ["0.1 + 0.05*sign(x)", sympy.Piecewise((0.1, symbol("x") > 0), (0.05, True))]
)
def test_a_diffusion_that_jumps_has_no_other_convention(diffusion):
    # Dropping the jump's part of the added drift would simulate the Ito equation under another name.
    quartic = double_well()
    with pytest.raises(InputError, match="without jumps"):
        SDE(diffusion, 0.01, convention="haenggi_klimontovich").update(quartic)
    assert SDE(diffusion, 0.01).update(quartic).unit == "time"
