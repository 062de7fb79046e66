"""Stability of linearised SGD: exact values against closed oracles, enumeration, and inequalities."""

from __future__ import annotations

from itertools import combinations, permutations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from potentials import InputError, SampleCurvatures
from simdyn import theory
from simdyn.dynamics.linearised import LinearisedSGD
from simdyn.exact import (
    NoReference,
    almost_sure_threshold,
    descent_threshold,
    isotropic_almost_sure_threshold,
    isotropic_lyapunov,
    lyapunov_exponent,
    mean_square_multiplier,
    mean_square_threshold,
    moment_multiplier,
    moment_threshold,
    second_moments,
)
from simdyn.exact.mean_square import second_moment_map
from simdyn.exact.positive_maps import PositiveMap, spectral_radius
from simdyn.exact.shuffled_epochs import shuffled_multiplier

ROWS = np.array([(1.0, 0.0), (1.0, 1.0), (0.0, 2.0)])
curvature = SampleCurvatures.from_hessians
TO_EIGHT = {"rtol": 1e-8, "atol": 0.0}


def random_linear(seed, n, d, batch, rate, sampling="without_replacement", momentum=0.0):
    rows = np.random.default_rng(seed).normal(size=(n, d))
    return LinearisedSGD(SampleCurvatures.from_factors(rows), rate, batch, sampling, momentum)


# --- numbers known otherwise --------------------------------------------------------------------------------


def test_two_curvatures():
    linear = LinearisedSGD(curvature([0.2, 3.8]), 0.7, 1)
    assert linear.curvatures.sharpness == pytest.approx(2.0, rel=1e-14)
    assert linear.curvatures.nonuniformity == pytest.approx(1.8, rel=1e-14)
    np.testing.assert_allclose(mean_square_multiplier(linear).value, 1.7476, **TO_EIGHT)
    np.testing.assert_allclose(lyapunov_exponent(linear).value, 0.177997356317, **TO_EIGHT)
    np.testing.assert_allclose(mean_square_threshold(linear).value, 0.552486187845, **TO_EIGHT)
    np.testing.assert_allclose(almost_sure_threshold(linear).value, 0.559471612102, **TO_EIGHT)
    np.testing.assert_allclose(descent_threshold(linear).value, 1.0, **TO_EIGHT)


@pytest.mark.parametrize(
    ("batch", "sampling", "exact", "theorem"),
    [
        (1, "without_replacement", 0.576039492189, 0.535525031677),
        (2, "without_replacement", 0.938164490400, 0.909005553540),
        (2, "with_replacement", 0.781507658558, None),
    ],
)
def test_three_rank_one_samples(batch, sampling, exact, theorem):
    """The exact threshold is above 1/s = 0.5665 at B = 1: the bound on s is not necessary."""
    curvatures = SampleCurvatures.from_factors(ROWS)
    np.testing.assert_allclose(curvatures.sharpness, 1.76759187924, **TO_EIGHT)
    np.testing.assert_allclose(curvatures.nonuniformity, 1.76514382728, **TO_EIGHT)
    linear = LinearisedSGD(curvatures, 0.3, batch, sampling)
    found = mean_square_threshold(linear)
    np.testing.assert_allclose(found.value, exact, **TO_EIGHT)
    assert found.error < 1e-11
    assert mean_square_multiplier(linear.at(found.value)).value == pytest.approx(1.0, abs=1e-12)
    if theorem is not None:
        value = theory.theorem1_threshold(curvatures, batch_share=linear.share).value
        np.testing.assert_allclose(value, theorem, **TO_EIGHT)
        at_threshold = theory.theorem1(curvatures, value, batch_share=linear.share).value
        assert at_threshold == pytest.approx(1.0, abs=1e-12)


def test_three_curvatures_and_their_moments():
    linear = LinearisedSGD(curvature([0.2, 0.5, 4.0]), 0.55, 1)
    np.testing.assert_allclose(lyapunov_exponent(linear).value, -0.0852652945298, **TO_EIGHT)
    found = [moment_threshold(linear, p).value for p in (4, 2, 1)] + [almost_sure_threshold(linear).value]
    exact = [0.550858342773, 0.577041129527, 0.606060606061, 0.694993232659]
    np.testing.assert_allclose(found, exact, **TO_EIGHT)
    assert found[1] == pytest.approx(mean_square_threshold(linear).value, rel=1e-13)
    # Kesten's index is the order whose moment neither grows nor shrinks.
    assert moment_multiplier(linear, 4.10244919027).value == pytest.approx(1.0, abs=1e-9)


def test_a_projector_among_two_steps():
    linear = LinearisedSGD(curvature([np.diag([1.0, 0.0]), [[1.0, 0.5], [0.5, 3.0]]]), 1.0, 1)
    np.testing.assert_allclose(lyapunov_exponent(linear).value, 0.361308198075, **TO_EIGHT)
    with pytest.raises(NoReference, match="do not commute"):
        lyapunov_exponent(linear.at(0.9))


def test_isotropic_data():
    np.testing.assert_allclose(isotropic_lyapunov(0.5, 3).value, -0.0536582388488, **TO_EIGHT)
    np.testing.assert_allclose(isotropic_almost_sure_threshold(3).value, 0.593113229375, **TO_EIGHT)
    assert isotropic_lyapunov(0.5, 3).error < 1e-9
    # On a line E log|1 - eta z^2|, by sampling: 4e6 draws, five standard errors.
    z = np.random.default_rng(1).normal(size=4_000_000)
    sample = np.log(np.abs(1 - 0.7 * z**2))
    assert abs(isotropic_lyapunov(0.7, 1).value - sample.mean()) < 5 * sample.std() / 2000


def test_isotropic_mean_square_threshold_is_two_over_dim_plus_two():
    """4,000 inputs approach it with an error of about 1/sqrt(n): the mean of x x' x x' is (d + 2) I."""
    rows = np.random.default_rng(0).normal(size=(4000, 3))
    linear = LinearisedSGD(SampleCurvatures.from_factors(rows), 0.1, 1)
    assert mean_square_threshold(linear).value == pytest.approx(0.4, rel=0.08)


def test_heavy_ball():
    linear = LinearisedSGD(curvature([0.2, 3.8]), 0.1, 1, momentum=0.9)
    np.testing.assert_allclose(mean_square_threshold(linear).value, 0.115924344112, **TO_EIGHT)
    at_threshold = mean_square_multiplier(linear.at(mean_square_threshold(linear).value))
    assert at_threshold.value == pytest.approx(1.0, abs=1e-9)
    assert descent_threshold(linear).value == pytest.approx(1.9)


def test_momentum_threshold_where_curvatures_do_not_commute():
    linear = LinearisedSGD(SampleCurvatures.from_factors(ROWS), 0.1, 1, momentum=0.5)
    value = mean_square_threshold(linear).value
    assert mean_square_multiplier(linear.at(value)).value == pytest.approx(1.0, abs=1e-10)
    assert mean_square_multiplier(linear.at(0.98 * value)).value < 1
    assert mean_square_multiplier(linear.at(1.02 * value)).value > 1


# --- against enumeration and dense matrices -----------------------------------------------------------------


@pytest.mark.parametrize("momentum", [0.0, 0.6])
@pytest.mark.parametrize("batch", [1, 2, 3])
def test_map_equals_the_mean_over_all_batches(batch, momentum):
    linear = random_linear(3, 5, 3, batch, 0.2, momentum=momentum)
    operator = second_moment_map(linear)
    matrix = np.random.default_rng(0).normal(size=(operator.size, operator.size))
    matrix = matrix + matrix.T
    total = np.zeros_like(matrix)
    batches = list(combinations(range(5), batch))
    for chosen in batches:
        pull = 0.2 * linear.curvatures.stack[list(chosen)].mean(axis=0)
        step = np.eye(3) - pull
        if momentum:
            step = np.block([[step, momentum * np.eye(3)], [-pull, momentum * np.eye(3)]])
        total += step @ matrix @ step.T / len(batches)
    np.testing.assert_allclose(operator.apply(matrix), total, rtol=0, atol=1e-12 * np.abs(total).max())
    other = np.random.default_rng(1).normal(size=matrix.shape)
    other = other + other.T
    assert np.sum(other * operator.apply(matrix)) == pytest.approx(np.sum(matrix * operator.adjoint(other)))


@pytest.mark.parametrize("momentum", [0.0, 0.5])
def test_radius_equals_that_of_the_dense_operator(momentum):
    """A map too large to be written out by itself, against the eigenvalues of the Kronecker product."""
    linear = random_linear(5, 30, 14 if momentum == 0 else 7, 2, 0.05, momentum=momentum)
    operator = second_moment_map(linear)
    size = operator.size
    dense = np.stack([operator.apply(np.reshape(e, (size, size))).ravel() for e in np.eye(size**2)], axis=1)
    exact = float(np.abs(np.linalg.eigvals(dense)).max())
    found = spectral_radius(operator)
    assert found.low <= exact * (1 + 1e-12)
    assert exact * (1 - 1e-12) <= found.high
    assert found.value == pytest.approx(exact, rel=1e-10)
    assert found.error < 1e-8


def test_bounds_hold_for_a_map_that_falls_apart():
    """Two blocks that do not talk: the leading eigenmatrix is singular, and the bounds are still tight."""
    steps = [np.diag([0.9, 0.3, 0.2]), np.diag([0.5, 0.8, 0.1])]

    def apply(matrix):
        return sum(a @ matrix @ a for a in steps) / 2

    found = spectral_radius(PositiveMap(3, apply, apply))
    assert found.value == pytest.approx((0.81 + 0.25) / 2, rel=1e-13)
    assert found.error < 1e-11


@pytest.mark.parametrize(("n", "batch"), [(4, 1), (4, 2), (5, 2)])
@pytest.mark.parametrize("dim", [1, 2])
def test_shuffled_epochs_equal_the_mean_over_all_orders(n, batch, dim):
    rng = np.random.default_rng(n)
    stack = rng.normal(size=(n, 2, dim))
    curvatures = curvature(np.einsum("nki,nkj->nij", stack, stack))
    linear = LinearisedSGD(curvatures, 0.4, batch, "epoch_shuffle")
    total, count = np.zeros((dim * dim, dim * dim)), 0
    for order in permutations(range(n)):
        epoch = np.eye(dim)
        for k in range(n // batch):
            chosen = list(order[k * batch : (k + 1) * batch])
            epoch = (np.eye(dim) - 0.4 * curvatures.stack[chosen].mean(axis=0)) @ epoch
        total += np.kron(epoch, epoch)
        count += 1
    exact = np.abs(np.linalg.eigvals(total / count)).max() ** (1 / (n // batch))
    assert shuffled_multiplier(linear).value == pytest.approx(exact, rel=1e-11)


def test_shuffled_batches_of_one_have_the_almost_sure_threshold():
    """The epoch multiplies every path by the same number, so that moments blow up no earlier than paths."""
    fresh = LinearisedSGD(curvature([0.2, 0.5, 4.0]), 0.3, 1)
    shuffled = LinearisedSGD(fresh.curvatures, 0.3, 1, "epoch_shuffle")
    almost = almost_sure_threshold(fresh).value
    assert mean_square_threshold(shuffled).value == pytest.approx(almost, rel=1e-9)
    assert moment_threshold(shuffled, 4).value == pytest.approx(almost, rel=1e-12)
    assert lyapunov_exponent(shuffled).value == lyapunov_exponent(fresh).value
    # Batches of two depend on the partition: moments have a smaller threshold again.
    two = LinearisedSGD(curvature([0.2, 0.5, 4.0, 3.0]), 0.3, 2, "epoch_shuffle")
    assert mean_square_threshold(two).value < almost_sure_threshold(two).value * (1 - 1e-6)


def test_second_moments_are_those_of_the_powers():
    linear = random_linear(2, 6, 2, 1, 0.3)
    steps = [np.eye(2) - 0.3 * h for h in linear.curvatures.stack]
    twice = np.mean([np.sum((a @ b) ** 2) / 2 for a in steps for b in steps])
    assert second_moments(linear, 2)[1] == pytest.approx(twice, rel=1e-12)


def test_gram_matrix_gives_the_same_as_the_jacobian():
    rows = np.random.default_rng(4).normal(size=(4, 2, 20))
    direct = SampleCurvatures.from_hessians(np.einsum("nci,ncj->nij", rows, rows))
    flat = rows.reshape(8, 20)
    for made in (SampleCurvatures.from_factors(rows), SampleCurvatures.from_gram(flat @ flat.T, 4)):
        assert made.dim == 8
        assert made.sharpness == pytest.approx(direct.sharpness, rel=1e-12)
        assert made.nonuniformity == pytest.approx(direct.nonuniformity, rel=1e-11)
        one, two = (mean_square_threshold(LinearisedSGD(c, 0.1, 2)).value for c in (made, direct))
        assert one == pytest.approx(two, rel=1e-10)
    assert direct.flat == 12


def test_a_direction_that_only_single_samples_curve_is_never_stable():
    linear = LinearisedSGD(curvature([np.diag([1.0, 1.0]), np.diag([1.0, -1.0])]), 0.1, 1)
    assert mean_square_threshold(linear).value == 0.0
    assert mean_square_multiplier(linear).value > 1


# --- inequalities -------------------------------------------------------------------------------------------

seeds = st.integers(0, 10_000)
sizes = st.tuples(st.integers(2, 6), st.integers(1, 4))


@given(seeds, sizes, st.integers(1, 3))
def test_theorem1_is_sufficient(seed, size, batch):
    linear = random_linear(seed, *size, min(batch, size[0]), 0.1)
    theorem = theory.theorem1_threshold(linear.curvatures, batch_share=linear.share).value
    exact = mean_square_threshold(linear).value
    assert theorem <= exact * (1 + 1e-9)
    if linear.curvatures.dim == 1:
        assert theorem == pytest.approx(exact, rel=1e-10)
    assert exact <= descent_threshold(linear).value * (1 + 1e-9)


@given(st.lists(st.floats(0.05, 5.0), min_size=2, max_size=6), st.integers(1, 2))
def test_higher_moments_blow_up_earlier(curvatures, batch):
    linear = LinearisedSGD(curvature(curvatures), 0.1, batch)
    four, two, one = (moment_threshold(linear, p).value for p in (4, 2, 1))
    almost = almost_sure_threshold(linear).value
    slack = 1 + 1e-9
    assert four <= two * slack
    assert two <= one * slack
    assert one <= almost * slack


@given(seeds, sizes, st.floats(0.2, 5.0))
def test_rotation_and_common_scale(seed, size, scale):
    linear = random_linear(seed, *size, 1, 0.1)
    exact = mean_square_threshold(linear).value
    stack = linear.curvatures.stack
    basis, _ = np.linalg.qr(np.random.default_rng(seed).normal(size=(stack.shape[1],) * 2))
    turned = LinearisedSGD(curvature(scale * (basis.T @ stack @ basis)), 0.1, 1)
    assert mean_square_threshold(turned).value * scale == pytest.approx(exact, rel=1e-8)


@given(seeds, st.integers(1, 3))
def test_larger_batches_allow_larger_rates(seed, dim):
    for sampling in ("without_replacement", "with_replacement"):
        found = [
            mean_square_threshold(random_linear(seed, 5, dim, b, 0.1, sampling)).value for b in (1, 2, 5)
        ]
        assert found[0] <= found[1] * (1 + 1e-9)
        assert found[1] <= found[2] * (1 + 1e-9)


@given(seeds, st.integers(1, 4))
def test_a_batch_is_a_mixture_of_one_sample_and_all(seed, batch):
    """All samples with probability 1 - p_B, a single one with probability p_B: the same second moments."""
    linear = random_linear(seed, 4, 3, batch, 0.3)
    matrix = np.random.default_rng(seed).normal(size=(linear.curvatures.dim,) * 2)
    matrix = matrix @ matrix.T
    one = second_moment_map(LinearisedSGD(linear.curvatures, 0.3, 1)).apply(matrix)
    whole = second_moment_map(LinearisedSGD(linear.curvatures, 0.3, None)).apply(matrix)
    mixed = (1 - linear.share) * whole + linear.share * one
    np.testing.assert_allclose(
        second_moment_map(linear).apply(matrix), mixed, atol=1e-12 * np.abs(mixed).max()
    )


def test_half_ellipse_and_box():
    """The region (a - 1/eta)^2 + p_B s^2 <= 1/eta^2, inscribed in the box: X11 and X12."""
    a = np.linspace(0, 2 / 0.7, 101)[1:-1]
    s = theory.largest_nonuniformity(a, 0.7, batch_share=0.5).value
    np.testing.assert_allclose((a - 1 / 0.7) ** 2 + 0.5 * s**2, 1 / 0.49, rtol=1e-12)
    assert (theory.stability_box(a, s, 0.7, batch_share=0.5).value <= 1 + 1e-12).all()
    assert theory.stability_box(1 / 0.7, s.max(), 0.7, batch_share=0.5).value == pytest.approx(1, rel=1e-3)
    more = theory.largest_nonuniformity(a, 0.7, batch_share=0.25).value
    assert (more > s).all()
    momentum = theory.largest_nonuniformity(2.0, 0.115924344112, momentum=0.9).value
    assert momentum**2 == pytest.approx(3.24, rel=1e-9)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: SampleCurvatures.from_gram(np.ones((3, 2)), 1), "as many columns as rows"),
        (lambda: SampleCurvatures.from_gram(-np.eye(2), 2), "eigenvalue -1"),
        (lambda: LinearisedSGD(curvature([1.0, 2.0]), 0.1, 3), "only 2 samples"),
        (lambda: LinearisedSGD(curvature([1.0, 2.0]), 0.1, 1.5), "whole number"),
        (lambda: LinearisedSGD(curvature([1.0, 2.0]), -0.1, 1), "greater than zero"),
        (lambda: isotropic_lyapunov(0.1, 0), "at least 1"),
        (lambda: isotropic_lyapunov(-1.0, 2), "positive"),
    ],
)
def test_refusals(make, message):
    with pytest.raises(InputError, match=message):
        make()
