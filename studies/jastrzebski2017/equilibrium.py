"""Where SGD settles: the law, the weights of basins, and what rescaling of rate and batch leaves of them."""

from __future__ import annotations

import math
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np

from potentials import QuadraticSum
from simdyn.study import value_with_interval
from studies.jastrzebski2017.landscapes import (
    curvature_covariance,
    flat_is_lower,
    sampled_wells,
    wells,
)
from studies.jastrzebski2017.line_chain import LineChain

if TYPE_CHECKING:
    from numpy.random import SeedSequence

    from potentials import Potential
    from simdyn import SGD, StationaryEstimate
    from simdyn.study import Execution
    from studies.jastrzebski2017.settings import Settings

Array = np.ndarray

LIFT = 0.5
"""By how much the flat well is shallower."""

VARIANCE = 400.0
"""sigma^2 of the gradient of one sample on the wells."""

CURVATURES = (0.5, 1.5, 1.0, 1.0)
"""Of four kinds of samples, in equal numbers, and the places of their minima; the mean curvature is 1."""

CENTRES = (-1.0, 0.4, 1.4, -0.8)

_ENDS = (-5.0, 8.0)

_ANALYTIC = 0.148
"""Distance from the line at which the root in the smooth minimum of the two parabolas branches."""


def _noisy(noise: str, eta: float, size: float) -> tuple[Potential, SGD]:
    from simdyn import SGD

    if noise == "minibatch":
        return sampled_wells(LIFT, VARIANCE), SGD(eta, size, sampling="with_replacement")
    if noise == "curvature":
        return wells(LIFT), SGD(eta, size, noise=f"{VARIANCE:g}*{curvature_covariance()}")
    return wells(LIFT), SGD(eta, size, noise="constant", covariance=VARIANCE)


def wells_chain(eta: float, size: float, noise: str = "isotropic") -> LineChain:
    """The chain on the two wells, with Gaussian noise."""
    landscape, sgd = _noisy("isotropic" if noise == "minibatch" else noise, eta, size)
    law = sgd.law(landscape)
    return LineChain(law.mean, law.sd, _ENDS, _ANALYTIC)


def wells_of(landscape: Potential) -> tuple[float, float]:
    """Energy of the flat minimum above the sharp one, and the logarithm of the ratio of their determinants,
    sharp over flat."""
    sharp, flat = sorted(landscape.minima(), key=lambda point: float(point.x[0]))
    return (
        float(flat.energy - sharp.energy),
        float(np.log(sharp.eigenvalues).sum() - np.log(flat.eigenvalues).sum()),
    )


def _flat_share(answer: StationaryEstimate) -> Any:
    """Share of the basin farthest to the right."""
    return max(answer.basins, key=lambda basin: float(basin.x[0])).share


def equilibrium(
    noise: str, size: int, seed: SeedSequence, settings: Settings, execution: Execution
) -> dict[str, Any]:
    """Share of the flat well, and the distance of the law from that of Gibbs."""
    from simdyn import stationary, theory
    from simdyn.inference import resampled_noise, total_variation, with_interval

    eta = settings.settling_rate
    landscape, dynamics = _noisy(noise, eta, size)
    plain = wells(LIFT)
    temperature = eta * VARIANCE / (2 * size)
    bottoms = np.array([point.x for point in plain.minima()])
    answer = stationary(
        landscape,
        dynamics,
        # Groups of eight paths and more, each from one of the wells.
        start=bottoms[np.arange(settings.settling_paths) // 8 % len(bottoms)],
        paths=settings.settling_paths,
        steps=settings.settling_steps,
        bins=(-3.0, 5.0, 80),
        exact=False,
        seed=seed,
        threads=execution.threads,
    )
    if answer.interrupted:
        raise KeyboardInterrupt
    share = _flat_share(answer)
    rim = float(plain.saddles(plain.minima()[0])[0].x[0])
    found = answer.histogram["x"]
    gibbs = _gibbs_masses(plain, temperature, found.edges)
    distance = with_interval(
        float(total_variation(found.share.value - gibbs)), total_variation(resampled_noise(found.counts))
    )
    chain = wells_chain(eta, size, noise)
    fine = np.array([-6.0, rim, 8.0])
    return {
        **value_with_interval("share", share),
        "chain": chain.above(chain.stationary(), rim),
        "gibbs": float(_gibbs_masses(plain, temperature, fine)[1]),
        "formula": float(theory.basin_weights(plain, temperature).value[-1]),
        **value_with_interval("distance", distance),
        "temperature": temperature,
        "settled": answer.settled,
    }


def _gibbs_masses(landscape: Potential, temperature: float, edges: Array) -> Array:
    """Mass between edges under exp(-L/D), by Gauss-Legendre quadrature on short panels."""
    nodes, weights = np.polynomial.legendre.leggauss(8)
    cuts = [np.linspace(a, b, max(2, math.ceil((b - a) / 0.05) + 1)) for a, b in pairwise(edges)]
    masses = []
    for cut in cuts:
        half = np.diff(cut)[:, None] / 2
        x = cut[:-1, None] + half * (1 + nodes)
        masses.append(float((half * weights * np.exp(-landscape.energy(x[..., None]) / temperature)).sum()))
    whole = np.linspace(-8.0, 12.0, 20_001)
    total = np.exp(-landscape.energy(whole[:, None]) / temperature).sum() * (whole[1] - whole[0])
    return np.array(masses) / total


def width(
    dim: int, flat: float, seed: SeedSequence, settings: Settings, execution: Execution
) -> dict[str, Any]:
    """Odds of the flat well against the determinants, in one or two dimensions."""
    from simdyn import SGD, simulate
    from simdyn.inference import share_of

    eta, temperature = settings.settling_rate, settings.width_temperature
    landscape = wells(0.0, flat=flat, dim=dim)
    bottoms = np.array([point.x for point in landscape.minima()])
    data = complete(
        simulate(
            landscape,
            SGD(eta, eta * VARIANCE / (2 * temperature), noise="constant", covariance=VARIANCE),
            start=bottoms[np.arange(settings.width_paths) % len(bottoms)],
            paths=settings.width_paths,
            steps=settings.width_steps,
            seed=seed,
            threads=execution.threads,
        )
    )
    share = share_of(flat_is_lower(landscape, data["final"].values))
    depth, determinants = wells_of(landscape)
    # What the depths do is taken away: they are equal before the wells are smoothed into one.
    odds = share.mapped(lambda p: math.log(p / (1 - p)) + depth / temperature)
    return {
        **value_with_interval("odds", odds),
        "determinants": determinants,
        "gibbs": _gibbs_odds(landscape, temperature) + depth / temperature,
        "formula": determinants / 2,
    }


def _gibbs_odds(landscape: Potential, temperature: float) -> float:
    """Logarithm of the odds of the flat well under exp(-L/D), from a fine grid."""
    axes = [np.linspace(-5.0, 7.0, 601), np.linspace(-6.0, 6.0, 601)][: landscape.dim]
    points = np.stack(np.meshgrid(*axes, indexing="ij"), axis=-1)
    weights = np.exp(-landscape.energy(points) / temperature)
    flat = float(weights[flat_is_lower(landscape, points)].sum())
    return math.log(flat / (float(weights.sum()) - flat))


def scaling(
    sampling: str, beta: int, seed: SeedSequence, settings: Settings, execution: Execution
) -> dict[str, Any]:
    """Variance around a minimum with eta and B both multiplied by beta."""
    from simdyn import SGD, simulate, theory
    from simdyn.inference import deviation_of

    repeats = settings.scaling_samples // len(CURVATURES)
    a, c = np.tile(CURVATURES, repeats), np.tile(CENTRES, repeats)
    eta, size = settings.scaling_rate * beta, settings.scaling_batch_size * beta
    centre = float((a * c).mean() / a.mean())
    # Long enough that exp(-20) of the start is left.
    steps = math.ceil(10.0 / -math.log(abs(1 - eta * a.mean())))
    data = simulate(
        QuadraticSum(a, c),
        SGD(eta, size, sampling=sampling),
        start=[centre],
        paths=settings.scaling_paths,
        steps=steps,
        seed=seed,
        threads=execution.threads,
    )
    complete(data)
    spread = deviation_of(data["final"].values[:, 0])
    exact = theory.minibatch_covariance(a, a * c, eta, size, sampling=sampling)
    noise = float(np.mean((a * (centre - c)) ** 2))
    # Without the terms of finite steps and of a finite number of samples.
    limit = settings.scaling_rate / settings.scaling_batch_size * noise / (2 * a.mean())
    return {
        **value_with_interval("ratio", spread.mapped(lambda sd: sd**2 / limit)),
        "exact": float(np.squeeze(exact.value)) / limit,
        "steepness": eta * float(a.mean()),
    }


def course(
    beta: int, time: float, seed: SeedSequence, settings: Settings, execution: Execution
) -> dict[str, Any]:
    """Mean loss on the two wells after a time, from the outer wall of the sharp one."""
    from simdyn import SGD, simulate
    from simdyn.inference import mean_of

    eta, size = settings.course_rate * beta, settings.course_batch_size * beta
    steps = round(time / eta)
    landscape = wells(LIFT)
    data = simulate(
        landscape,
        SGD(eta, size, noise="constant", covariance=VARIANCE),
        start=[settings.course_start],
        paths=settings.course_paths,
        steps=steps,
        seed=seed,
        threads=execution.threads,
    )
    complete(data)
    loss = mean_of(landscape.energy(data["final"].values))
    ((x, masses),) = wells_chain(eta, size).course(settings.course_start, [steps])
    return {
        **value_with_interval("loss", loss),
        "exact": float(masses @ landscape.energy(x[:, None])),
        "steps": steps,
    }


def complete(data: Any) -> Any:
    """The dataset; an interrupted one is an answer to a person, but not a finished cell."""
    if not data.attrs["complete"]:
        raise KeyboardInterrupt
    return data
