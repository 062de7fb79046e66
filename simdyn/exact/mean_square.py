"""When the second moment of linearised SGD stays bounded: exactly, and without forming its operator."""

from __future__ import annotations

import numpy as np

from simdyn.dynamics.linearised import LinearisedSGD
from simdyn.exact.errors import NoReference
from simdyn.exact.positive_maps import PositiveMap, Radius, spectral_radius
from simdyn.exact.shuffled_epochs import shuffled_multiplier
from simdyn.exact.stable_rates import first_exit
from simdyn.results import Reference

Array = np.ndarray

_SOURCE = "Ma & Ying 2021; Mulayoff & Michaeli 2024"


def second_moment_map(linear: LinearisedSGD) -> PositiveMap:
    """M -> E[A M A'], what a step does to the second moment of the distance from the minimum.

    A M A + eta^2 p_B (mean of H_i M H_i - H M H) with A = I - eta H; with momentum the same for (x, v).

    Raises
    ------
    NoReference
        Shuffled epochs, the steps of which are not independent (see `simdyn.exact.shuffled_epochs`).
    """
    if linear.shuffled:
        raise NoReference("The steps of a shuffled epoch depend on one another; there is no map of one step.")
    curvatures, eta, beta = linear.curvatures, linear.learning_rate, linear.momentum
    mean, weight, size = curvatures.mean, linear.share * linear.learning_rate**2, curvatures.dim
    step = np.eye(size) - eta * mean

    def noise(matrix: Array) -> Array:
        if weight == 0:
            return np.zeros_like(matrix)
        return weight * (curvatures.average(matrix) - mean @ matrix @ mean)

    if beta == 0:

        def apply(matrix: Array) -> Array:
            return step @ matrix @ step + noise(matrix)

        return PositiveMap(size, apply, apply)

    block = np.block([[step, beta * np.eye(size)], [-eta * mean, beta * np.eye(size)]])

    def forward(matrix: Array) -> Array:
        return block @ matrix @ block.T + np.tile(noise(matrix[:size, :size]), (2, 2))

    def backward(matrix: Array) -> Array:
        moved = block.T @ matrix @ block
        summed = matrix.reshape(2, size, 2, size).sum(axis=(0, 2))
        moved[:size, :size] += noise(summed)
        return moved

    return PositiveMap(2 * size, forward, backward)


def mean_square_multiplier(linear: LinearisedSGD) -> Reference:
    """By how much E|x|^2 grows in a step, in the long run: the spectral radius of `second_moment_map`.

    The error is the distance to certified bounds. For shuffled epochs the mean over a step of an epoch.

    Raises
    ------
    NoReference
        Shuffled epochs of too many different samples.
    """
    if linear.shuffled:
        return shuffled_multiplier(linear)
    directions = linear.curvatures.directions
    if directions is not None and linear.momentum == 0:
        a = directions.mean(axis=0)
        values = (
            1 - linear.learning_rate * a
        ) ** 2 + linear.learning_rate**2 * linear.share * directions.var(axis=0)
        return Reference(
            value=float(values.max()),
            error=float(8 * np.finfo(float).eps * max(1.0, values.max())),
            unit="1",
            method="the closed form (1 - eta a)^2 + eta^2 p_B s^2 along each common eigenvector",
        )
    found = spectral_radius(second_moment_map(linear))
    return Reference(
        value=found.value,
        error=found.error,
        unit="1",
        method=f"the spectral radius of the map of second moments, between certified bounds ({_SOURCE})",
    )


def mean_square_threshold(linear: LinearisedSGD) -> Reference:
    """The largest learning rate up to which E|x|^2 does not grow; that of `linear` does not matter.

    Without momentum from the generalised eigenproblem D M = (2 / eta) C M with C(M) = (H M + M H) / 2 and
    D(M) = (1 - p_B) H M H + p_B mean(H_i M H_i) (Mulayoff & Michaeli 2024). In the eigenbasis of H it is the
    problem C^(-1/2) D C^(-1/2), which is again a positive map, as (h_j + h_k)^(-1/2) is a positive
    semidefinite matrix.

    With momentum in the directions of commuting curvatures from the closed form, else by the first learning
    rate at which the spectral radius is one.

    Raises
    ------
    NoReference
        Shuffled epochs of too many different samples.
    """
    if linear.shuffled:
        return first_exit(linear, lambda one: np.log(shuffled_multiplier(one).value), "shuffled epochs")
    if linear.momentum > 0:
        return _with_momentum(linear)
    found = threshold_radius(linear)
    if found is None:
        return _unstable()
    value = 2.0 / found.value
    low, high = 2.0 / found.high, 2.0 / found.low if found.low > 0 else np.inf
    return Reference(
        value=value,
        error=max(value - low, high - value),
        unit="learning rate",
        method="the generalised eigenproblem of Mulayoff & Michaeli 2024, between certified bounds",
    )


def threshold_radius(linear: LinearisedSGD) -> Radius | None:
    """2 over the threshold, as the radius of a positive map; None if no learning rate is stable."""
    values, vectors = np.linalg.eigh(linear.curvatures.mean)
    curved = values > 1e-14 * max(values[-1], 0.0)
    if not curved.any() or (not curved.all() and linear.share > 0):
        # A direction in which samples curve but their mean does not: the noise grows along it.
        return None
    h, share = values[curved], linear.share
    if share == 0:
        # Of 2 h_j h_k / (h_j + h_k) the largest is h itself.
        leading = np.zeros((len(h), len(h)))
        leading[-1, -1] = 1.0
        spread = 8 * len(h) * float(np.finfo(float).eps)
        return Radius(float(h[-1]), float(h[-1]) * (1 - spread), float(h[-1]) * (1 + spread), leading)
    curvatures = linear.curvatures.rotated(vectors[:, curved])
    weight = np.sqrt(2.0 / (h[:, None] + h[None, :]))
    product = h[:, None] * h[None, :]

    def apply(matrix: Array) -> Array:
        inner = weight * matrix
        return weight * ((1 - share) * product * inner + share * curvatures.average(inner))

    return spectral_radius(PositiveMap(len(h), apply, apply))


def second_moments(linear: LinearisedSGD, steps: int) -> Array:
    """E|x_k|^2 after k = 1 ... `steps` steps from a uniformly random direction of length 1, at rest.

    Raises
    ------
    NoReference
        Shuffled epochs.
    """
    operator, size = second_moment_map(linear), linear.curvatures.dim
    moment = np.zeros((operator.size, operator.size))
    moment[:size, :size] = np.eye(size) / size
    found = np.empty(steps)
    for k in range(steps):
        moment = operator.apply(moment)
        found[k] = np.trace(moment[:size, :size])
    return found


def _with_momentum(linear: LinearisedSGD) -> Reference:
    directions, m = linear.curvatures.directions, linear.momentum
    if directions is None:
        return first_exit(linear, lambda one: np.log(mean_square_multiplier(one).value), "the map of (x, v)")
    a, spread = directions.mean(axis=0), directions.var(axis=0)
    if np.any((a <= 1e-14 * a.max()) & (linear.share * spread > 0)) or not np.any(a > 0):
        return _unstable()
    used = a > 1e-14 * a.max()
    a, spread = a[used], spread[used]
    value = float(np.min(2 * a * (1 - m**2) / ((1 - m) * a**2 + (1 + m) * linear.share * spread)))
    return Reference(
        value=value,
        error=8 * float(np.finfo(float).eps) * value,
        unit="learning rate",
        method="the closed form of the heavy ball along each common eigenvector",
    )


def _unstable() -> Reference:
    return Reference(
        value=0.0,
        error=0.0,
        unit="learning rate",
        method="the samples curve in a direction in which their mean does not, so that noise grows there",
    )
