"""How fast a single path of linearised SGD grows, and its moments of any order, where a formula exists."""

from __future__ import annotations

import math

import numpy as np

from simdyn.dynamics.linearised import LinearisedSGD
from simdyn.exact.batch_laws import batch_law
from simdyn.exact.errors import NoReference
from simdyn.exact.shuffled_epochs import shuffled_multiplier
from simdyn.exact.stable_rates import first_exit, first_exit_of_power
from simdyn.results import Reference

Array = np.ndarray


def lyapunov_exponent(linear: LinearisedSGD) -> Reference:
    """The rate at which log|x| grows per step along almost every path.

    The largest E log|1 - eta h_B| over the common eigenvectors where curvatures commute, in one dimension
    always; shuffled epochs have the same, as each batch taken alone is a uniform subset. Beyond that where
    one of two possible steps has rank one, so that paths start anew whenever it is taken; and for the full
    gradient.

    Raises
    ------
    NoReference
        None of these.
    """
    if linear.share == 0:
        value = math.log(radius) if (radius := _mean_radius(linear)) > 0 else -math.inf
        return _exponent(value, "the spectral radius of the one step that there is")
    directions = linear.curvatures.directions
    if linear.momentum > 0:
        raise NoReference(
            "With momentum the steps do not commute, and no formula is known for the growth of a path."
        )
    if directions is not None:
        means, probabilities = batch_law(directions, linear.batch_size, linear.sampling)
        with np.errstate(divide="ignore"):
            logs = np.log(np.abs(1.0 - linear.learning_rate * means))
        return _exponent(
            float((probabilities @ logs).max()),
            "the mean of log|1 - eta h_B| over all batches"
            + (", along each common eigenvector" if directions.shape[1] > 1 else ""),
        )
    return _renewal(linear)


def almost_sure_threshold(linear: LinearisedSGD) -> Reference:
    """The first learning rate at which paths no longer converge almost surely.

    Raises
    ------
    NoReference
        Where there is no formula for the growth of a path.
    """
    if linear.share == 0:
        return descent_threshold(linear)
    if linear.curvatures.directions is None or linear.momentum > 0:
        return first_exit(linear, lambda one: lyapunov_exponent(one).value, "the typical path")
    return _over_directions(linear, 0.0, "E log|1 - eta h_B| = 0, the first such learning rate")


def moment_multiplier(linear: LinearisedSGD, order: float) -> Reference:
    """By how much E|x|^p grows in a step, in the long run, where curvatures commute.

    Raises
    ------
    NoReference
        Curvatures that do not commute, or momentum.
    """
    if linear.share == 0:
        value = _mean_radius(linear) ** order
        return Reference(value=value, error=1e-14 * value, unit="1", method="the one step that there is")
    if linear.shuffled and linear.batch_size == 1 and linear.curvatures.directions is not None:
        return _deterministic_epoch(linear, order)
    _require_commuting(linear, order)
    directions = linear.curvatures.directions
    assert directions is not None
    means, probabilities = batch_law(directions, linear.batch_size, linear.sampling)
    value = float((probabilities @ np.abs(1.0 - linear.learning_rate * means) ** order).max())
    return Reference(
        value=value, error=1e-13 * value, unit="1", method="the mean of |1 - eta h_B|^p over all batches"
    )


def moment_threshold(linear: LinearisedSGD, order: float) -> Reference:
    """The first learning rate at which E|x|^p grows.

    Raises
    ------
    NoReference
        As for `moment_multiplier`.
    """
    if linear.share == 0:
        return descent_threshold(linear)
    if linear.shuffled and linear.batch_size == 1 and linear.curvatures.directions is not None:
        # The epoch multiplies every path by the same number, so that all moments are as one.
        return almost_sure_threshold(linear)
    _require_commuting(linear, order)
    return _over_directions(linear, order, "E|1 - eta h_B|^p = 1")


def descent_multiplier(linear: LinearisedSGD) -> Reference:
    """By how much the distance grows in a step of gradient descent: the largest |1 - eta h|."""
    value = _mean_radius(linear)
    return Reference(
        value=value, error=1e-14 * max(1.0, value), unit="1", method="the spectral radius of the mean step"
    )


def descent_threshold(linear: LinearisedSGD) -> Reference:
    """2 (1 + m) / a, the largest stable learning rate of gradient descent with momentum m."""
    value = 2.0 * (1.0 + linear.momentum) / linear.curvatures.sharpness
    return Reference(value=value, error=1e-14 * value, unit="learning rate", method="2 (1 + momentum) / a")


def _mean_radius(linear: LinearisedSGD) -> float:
    h = linear.learning_rate * np.linalg.eigvalsh(linear.curvatures.mean)
    m = linear.momentum
    if m == 0:
        return float(np.abs(1.0 - h).max())
    # Roots of z^2 - (1 + m - h) z + m.
    half = (1.0 + m - h) / 2
    root = np.emath.sqrt(half**2 - m)
    return float(np.maximum(np.abs(half + root), np.abs(half - root)).max())


def _deterministic_epoch(linear: LinearisedSGD, order: float) -> Reference:
    if linear.momentum > 0:
        raise NoReference(_no_moment(order))
    square = shuffled_multiplier(linear)
    value = square.value ** (order / 2)
    return Reference(
        value=value, error=1e-13 * value, unit="1", method="an epoch multiplies every path by the same number"
    )


def _require_commuting(linear: LinearisedSGD, order: float) -> None:
    if linear.curvatures.directions is None or linear.momentum > 0 or linear.shuffled:
        raise NoReference(_no_moment(order))


def _no_moment(order: float) -> str:
    return (
        f"The moment of order {order:g} has a formula only where curvatures commute, without momentum and in "
        "batches that are independent from step to step."
    )


def _over_directions(linear: LinearisedSGD, order: float, method: str) -> Reference:
    directions = linear.curvatures.directions
    assert directions is not None
    means, probabilities = batch_law(directions, linear.batch_size, linear.sampling)
    value = min(first_exit_of_power(column, probabilities, order) for column in means.T)
    return Reference(value=value, error=1e-13 * value, unit="learning rate", method=method)


def _renewal(linear: LinearisedSGD) -> Reference:
    """Two possible steps, one of them of rank one, u w'.

    Between two of those a path takes the other step A some number of times m, and then log|w' A^m u| has been
    added to log|x|.
    """
    _refuse_but_two(linear)
    with_replacement = linear.sampling == "with_replacement"
    if linear.shuffled or (with_replacement and linear.batch_size != 1):
        raise NoReference(_NO_FORMULA)
    batch = linear.batch_size
    assert batch is not None
    stack = linear.curvatures.stack
    if batch > 1:
        # Of n samples all but one: as many different batches as samples.
        if batch != linear.curvatures.size - 1:
            raise NoReference(_NO_FORMULA)
        stack = (stack.sum(axis=0) - stack) / batch
    kinds, counts = np.unique(stack, axis=0, return_counts=True)
    steps = np.eye(linear.curvatures.dim) - linear.learning_rate * kinds
    shares = counts / counts.sum()
    for k in (0, 1):
        values, vectors = np.linalg.eigh(steps[k])
        order = np.argsort(-np.abs(values))
        if np.abs(values[order[1]]) > 1e-13 * np.abs(values[order[0]]):
            continue
        factor, u, other, chance = values[order[0]], vectors[:, order[0]], steps[1 - k], float(shares[k])
        norm = max(float(np.abs(np.linalg.eigvalsh(other)).max()), 1e-300)
        total, weight, moved, log_scale, m = 0.0, 1.0, u.copy(), 0.0, 0
        bound = abs(math.log(norm)) + 40.0
        while weight * (m + 2) * bound > 1e-15 and m < 100_000:
            overlap = abs(float(u @ moved))
            total += chance * weight * (math.log(overlap) + log_scale if overlap > 0 else -math.inf)
            moved = other @ moved
            size = float(np.linalg.norm(moved))
            if size == 0:
                return _exponent(-math.inf, "a step that ends every path")
            moved, log_scale = moved / size, log_scale + math.log(size)
            weight, m = weight * (1 - chance), m + 1
        return _exponent(
            chance * (total + math.log(abs(factor))),
            "the sum over the times between two steps of rank one",
        )
    raise NoReference(_NO_FORMULA)


_NO_FORMULA = (
    "The curvatures do not commute, and no formula is known for the growth of a path; it is measured instead."
)


def _refuse_but_two(linear: LinearisedSGD) -> None:
    if len(np.unique(linear.curvatures.stack, axis=0)) != 2 or linear.curvatures.dim > 64:
        raise NoReference(_NO_FORMULA)


def _exponent(value: float, method: str) -> Reference:
    return Reference(value=value, error=1e-13 * max(1.0, abs(value)), unit="1", method=method)


__all__ = [
    "almost_sure_threshold",
    "descent_multiplier",
    "descent_threshold",
    "lyapunov_exponent",
    "moment_multiplier",
    "moment_threshold",
]
