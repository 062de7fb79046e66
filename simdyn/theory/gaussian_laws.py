"""Gaussian laws around a minimum: of the SDE, of the discrete rule, and of batches of samples."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import replace
from itertools import combinations
from typing import Any

import numpy as np

from potentials import CriticalPoint, DriftField, Potential, SampleMean
from simdyn.dynamics import MinibatchUpdate, Update
from simdyn.dynamics.rates import rates_at
from simdyn.results import Prediction
from simdyn.theory.circulation import circulation, entropy_production
from simdyn.theory.closed_form import Array
from simdyn.theory.covariance import (
    batch_share,
    epoch_shuffle_variance,
    minibatch_covariance,
    ou_covariance,
    sgd_covariance,
)
from simdyn.theory.kesten import kesten
from simdyn.theory.stated_law import Density, StationaryLaw, diffusion_at

MOST_COORDINATES = 16
"""Covariances come from equations in d^2 unknowns, which are solved up to this many coordinates."""

_MOST_BATCHES = 5000
_LARGEST_BEND = 0.2


def laws_around(
    potential: Potential | DriftField, law: Update, point: Any, momentum: float, rate: Any = None
) -> Iterator[Prediction]:
    """Gaussian laws around one minimum or attractor: of the SDE, and of the discrete rule; `rate` is a
    learning rate by direction."""
    slope = _slope(potential, rate)
    matrix = slope(point.x)
    heat = diffusion_at(law, point.x)
    if not heat.any():
        return
    bend = _bend(slope, law, point.x, matrix, heat)
    equation = ou_covariance(matrix, heat / (1.0 - momentum))
    yield _gaussian(equation, point.x, bend)
    if potential.dim > 1 and not momentum:
        for formula in (circulation, entropy_production):
            yield _checked(formula(matrix, heat), bend)
    if law.unit == "steps" and isinstance(potential, Potential):
        noise = 2.0 * heat / law.step
        discrete = (
            sgd_covariance(matrix, noise, law.step, momentum=momentum)
            if rate is None
            else _by_direction(
                potential.hessian(point.x), rates_at(rate, potential, point.x), noise, momentum
            )
        )
        yield _gaussian(discrete, point.x, bend)


def _slope(potential: Potential | DriftField, rate: Any) -> Callable[[Array], Array]:
    """From points (..., d) to minus the Jacobian of the drift per unit of time, as far as a linear force has
    it: P H for learning rates by direction."""

    def force(x: Array) -> Array:
        return potential.hessian(x) if isinstance(potential, Potential) else -potential.jacobian(x)

    return force if rate is None else lambda x: np.asarray(rates_at(rate, potential, x) @ force(x))


def _by_direction(hessian: Array, rates: Array, kick: Array, momentum: float) -> Prediction:
    """Covariance of x' = x - P H x + kick: for y = P^(-1/2) x that of a learning rate 1."""
    values, vectors = np.linalg.eigh(rates)
    root, inverse = ((vectors * values**power) @ vectors.T for power in (0.5, -0.5))
    found = sgd_covariance(root @ hessian @ root, inverse @ kick @ inverse, 1.0, momentum=momentum)
    return replace(found, value=root @ found.value @ root, formula=found.formula.replace("eta", "P"))


def _checked(prediction: Prediction, bend: float) -> Prediction:
    """The prediction, not valid where the drift is not linear or the noise not constant."""
    if not prediction.valid or bend <= _LARGEST_BEND:
        return prediction
    return replace(prediction, valid=False, why=_bent(bend, _LARGEST_BEND))


def _bent(bend: float, limit: float) -> str:
    return (
        f"Curvature or noise change by {bend:.0%} over one standard deviation of the law, the formula needs "
        f"at most {limit:.0%}."
    )


def _bend(slope: Callable[[Array], Array], law: Update, x: Array, matrix: Array, heat: Array) -> float:
    """By how much the matrix of the drift, and the noise, change over one standard deviation, relatively."""
    spread = ou_covariance(matrix, heat)
    if not spread.valid:
        return 0.0
    values, vectors = np.linalg.eigh(spread.value)
    steps = (vectors * np.sqrt(np.maximum(values, 0.0))).T
    near = np.concatenate([x + steps, x - steps])
    with np.errstate(all="ignore"):
        there = slope(near)
        other = diffusion_at(law, near)
    changes = [float(np.abs(a - b).max() / np.abs(b).max()) for a, b in ((there, matrix), (other, heat))]
    return max(c if math.isfinite(c) else math.inf for c in changes)


def _gaussian(
    covariance: Prediction, centre: Array, bend: float, limit: float = _LARGEST_BEND
) -> StationaryLaw:
    """The normal law with a predicted covariance around a point."""
    matrix = np.atleast_2d(np.asarray(covariance.value, dtype=float))
    valid, why = bool(covariance.valid), str(covariance.why)
    if valid and bend > limit:
        valid = False
        why = _bent(bend, limit)
    density: Density | None = None
    if np.isfinite(matrix).all() and np.linalg.eigvalsh(matrix)[0] > 0:
        inverse = np.linalg.inv(matrix)
        height = 1 / math.sqrt(float(np.linalg.det(2 * np.pi * matrix)))

        def bell(x: Array) -> Array:
            away = x - centre
            return np.asarray(height * np.exp(-0.5 * np.einsum("ni,ij,nj->n", away, inverse, away)))

        density = bell
    return StationaryLaw(
        name=covariance.name,
        value={"mean": np.array(centre), "covariance": matrix},
        unit=covariance.unit,
        formula=covariance.formula,
        assumptions=covariance.assumptions,
        valid=valid,
        why=why,
        source=covariance.source,
        mean=np.array(centre, dtype=float),
        covariance=matrix,
        density=density,
    )


def laws_of_samples(
    potential: SampleMean, update: MinibatchUpdate, point: CriticalPoint
) -> Iterator[Prediction]:
    """What batches of samples make of a valley in which each sample's loss is a parabola."""
    if potential.dim > MOST_COORDINATES or update.kicks.any() or update.noise == "none":
        return
    x = np.asarray(point.x, dtype=float)
    hessians = potential.sample_hessians(x)
    offsets = hessians @ x - potential.sample_gradients(x)
    shifted = potential.sample_hessians(x + 0.1 * (1.0 + np.abs(x)))
    bend = float(np.abs(shifted - hessians).max() / max(float(np.abs(hessians).max()), 1e-300))
    eta = update.step
    if update.sampling == "epoch_shuffle":
        if potential.dim == 1 and update.batch_size == 1 and not update.momentum and np.ptp(hessians) == 0:
            curvature = float(hessians[0, 0, 0])
            variance = epoch_shuffle_variance(curvature, offsets[:, 0] / curvature, eta)
            # The exact law is no normal one: it has as many values as there are orders.
            yield replace(_gaussian(variance, x, bend), density=None)
        return
    scale = update.covariance_factor / batch_share(update.batch_size, potential.size, update.sampling)
    if not math.isclose(float(scale), 1.0, rel_tol=1e-12):
        return
    covariance = minibatch_covariance(
        hessians, offsets, eta, update.batch_size, sampling=update.sampling, momentum=update.momentum
    )
    # Only the first two moments are meant.
    yield replace(_gaussian(covariance, x, bend, 1e-9), density=None)
    if potential.dim == 1 and update.noise == "minibatch" and not update.momentum:
        yield from _kesten(hessians[:, 0, 0], update)


def _kesten(curvatures: Array, update: MinibatchUpdate) -> Iterator[Prediction]:
    """The tail index that multipliers 1 - eta h_B of all possible batches make."""
    n, batch = len(curvatures), int(update.batch_size)
    if update.sampling == "with_replacement":
        if n**batch > _MOST_BATCHES:
            return
        sums = np.zeros(1)
        for _ in range(batch):
            sums = (sums[:, None] + curvatures).ravel()
    else:
        if math.comb(n, batch) > _MOST_BATCHES:
            return
        sums = np.array([sum(chosen) for chosen in combinations(curvatures.tolist(), batch)])
    yield kesten(1.0 - update.step * sums / batch)
