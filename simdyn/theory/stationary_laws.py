"""The stationary laws that closed forms predict for a problem: densities, means, covariances, weights."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from potentials import DriftField, Potential, SampleMean
from simdyn.dynamics import SDE, Dynamics, MinibatchUpdate, Update
from simdyn.dynamics.rates import has_directions
from simdyn.errors import InputError
from simdyn.results import Prediction
from simdyn.theory.closed_form import Array
from simdyn.theory.gaussian_laws import MOST_COORDINATES, laws_around, laws_of_samples
from simdyn.theory.gibbs_laws import laplace_law, laws_of_gibbs
from simdyn.theory.noise_on_a_line import law_on_a_line
from simdyn.theory.stated_law import diffusion_at


def stationary_laws(
    potential: Potential | DriftField, dynamics: Dynamics, start: Array
) -> tuple[Prediction, ...]:
    """The closed forms that apply to the stationary law of a problem, each with a verdict on its assumptions.

    Parameters
    ----------
    potential, dynamics
        What is descended, and how.
    start
        Shape (d,): where paths start; formulas around one minimum take the one of its valley.

    Returns
    -------
    tuple of Prediction
        `StationaryLaw`s; a bare `Prediction` for the exponent of a tail. Not valid ones say why, among
        others where there is no stationary law or no moment.
    """
    update = dynamics.update(potential, start)
    minima = _minima(potential, start)
    found: list[Prediction] = []
    if isinstance(update, MinibatchUpdate):
        assert isinstance(potential, SampleMean)
        if len(minima) == 1:
            found += laws_of_samples(potential, update, minima[0])
        return tuple(found)
    law, momentum = _law(potential, dynamics, start)
    if law is None or law.noise_dim == 0 or (momentum and isinstance(dynamics, SDE)):
        return ()
    # With learning rates by direction the drift is no multiple of the gradient.
    directional = has_directions(dynamics)
    isotropic = None if directional else _isotropic(law, start)
    if isotropic is not None and isinstance(potential, Potential):
        heat = isotropic / (1.0 - momentum)
        eta = law.step if law.unit == "steps" and not momentum else 0.0
        found += laws_of_gibbs(potential, heat, law.step if law.unit == "steps" else 0.0, eta)
        if len(minima) > 1:
            found += laplace_law(potential, heat)
    elif potential.dim == 1 and not momentum:
        found += law_on_a_line(law, minima)
    if len(minima) == 1 and potential.dim <= MOST_COORDINATES:
        rule: Any = getattr(dynamics, "diffusion", dynamics)
        rate = rule.learning_rate if directional else None
        found += laws_around(potential, law, minima[0], momentum, rate)
    return tuple(found)


def _law(potential: Potential | DriftField, dynamics: Dynamics, start: Array) -> tuple[Update | None, float]:
    """The Gaussian law of a step without its momentum, and the momentum."""
    momentum = float(getattr(dynamics, "momentum", 0.0))
    try:
        if isinstance(dynamics, SDE) and dynamics.scheme == "baoab":
            # Positions of the underdamped equation have the law of the overdamped one.
            return SDE(dynamics.diffusion, dynamics.step).law(potential, start), 0.0
        plain = dynamics if isinstance(dynamics, SDE) else replace(dynamics, momentum=0.0)
        return plain.law(potential, start), momentum
    except InputError:
        return None, momentum


def _minima(potential: Potential | DriftField, start: Array) -> Sequence[Any]:
    """All minima or attractors; the one below the start where they cannot be listed."""
    try:
        points: Sequence[Any] = (
            potential.minima() if isinstance(potential, Potential) else potential.attractors()
        )
    except InputError:
        return ()
    if points or not isinstance(potential, Potential):
        return points
    try:
        return (potential.minimum_below(start),)
    except InputError:
        return ()


def _isotropic(law: Update, start: Array) -> float | None:
    """D, where it is the same everywhere and in all directions."""
    if not law.additive:
        return None
    matrix = diffusion_at(law, start)
    size = float(matrix[0, 0])
    same = np.allclose(matrix, size * np.eye(law.dim), rtol=1e-12, atol=0.0)
    return size if same and size > 0 else None
