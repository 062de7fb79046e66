"""The stationary laws that closed forms predict for a problem: densities, means, covariances, weights."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, fields, replace
from itertools import combinations
from typing import Any

import numpy as np

from potentials import CriticalPoint, DriftField, Potential, SampleMean
from simdyn.dynamics import SDE, Dynamics, MinibatchUpdate, Update
from simdyn.dynamics.rates import has_directions, rates_at
from simdyn.errors import InputError
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
from simdyn.theory.gibbs import NEGLIGIBLE, basin_weights
from simdyn.theory.kesten import kesten
from simdyn.theory.line_law import LineLaw, line_law

Density = Callable[[Array], Array]

MOST_COORDINATES = 16
"""Covariances come from equations in d^2 unknowns, which are solved up to this many coordinates."""

_MOST_BATCHES = 5000
_LARGEST_BEND = 0.2
_LARGEST_STEP = 0.2


@dataclass(frozen=True, kw_only=True)
class StationaryLaw(Prediction):
    """A predicted stationary law, as far as the formula states it.

    Attributes
    ----------
    mean, covariance
        Shapes (d,) and (d, d), or None; infinite where a moment does not exist.
    weights
        Weights of the basins of `points`, shape (K,), or None.
    points
        Minima that these weights and the law around them belong to, shape (K, d).
    density
        From points (n, d) to densities (n,), or None.
    """

    mean: Array | None = None
    covariance: Array | None = None
    weights: Array | None = None
    points: Array | None = None
    density: Density | None = field(default=None, repr=False, compare=False)


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
            found += _of_samples(potential, update, minima[0])
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
        found += _gibbs(potential, heat, law.step if law.unit == "steps" else 0.0, eta)
        if len(minima) > 1:
            found += _laplace(potential, heat)
    elif potential.dim == 1 and not momentum:
        found += _line(law, minima)
    if len(minima) == 1 and potential.dim <= MOST_COORDINATES:
        rule: Any = getattr(dynamics, "diffusion", dynamics)
        rate = rule.learning_rate if directional else None
        found += _around(potential, law, minima[0], momentum, rate)
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


def diffusion_at(law: Update, x: Array) -> Array:
    """D = R R' / (2 step) at points (..., d); shape (..., d, d)."""
    factor = law.factor_at(x)
    return np.asarray(factor @ np.swapaxes(factor, -1, -2) / (2.0 * law.step))


def _isotropic(law: Update, start: Array) -> float | None:
    """D, where it is the same everywhere and in all directions."""
    if not law.additive:
        return None
    matrix = diffusion_at(law, start)
    size = float(matrix[0, 0])
    same = np.allclose(matrix, size * np.eye(law.dim), rtol=1e-12, atol=0.0)
    return size if same and size > 0 else None


def _gibbs(potential: Potential, heat: float, step: float, eta: float) -> Iterator[StationaryLaw]:
    """exp(-L/D), and with the first order of the learning rate."""
    if potential.dim == 1:
        yield _gibbs_on_a_line(potential, heat, step, 0.0)
        if eta:
            yield _gibbs_on_a_line(potential, heat, step, eta)
    elif potential.dim == 2:
        law = _gibbs_in_the_plane(potential, heat, step)
        if law is not None:
            yield law


def _gibbs_on_a_line(potential: Potential, heat: float, step: float, eta: float) -> StationaryLaw:
    def logarithm(x: Array) -> Array:
        points = x[:, None]
        plain = -potential.energy(points) / heat
        if not eta:
            return np.asarray(plain)
        square = potential.gradient(points)[:, 0] ** 2
        found = plain + eta * (square / (4 * heat) - potential.hessian(points)[:, 0, 0] / 2)
        # An expansion around exp(-L/D) says nothing on where that is negligible.
        return np.asarray(np.where(plain > np.nanmax(plain) - NEGLIGIBLE, found, -np.inf))

    minima = [float(m.x[0]) for m in potential.minima()]
    widths = [math.sqrt(heat / float(m.eigenvalues[0])) for m in potential.minima()]
    law = None
    if minima:
        law = line_law(logarithm, None, minima, widths)
    steep = step * _mean_curvature(potential, law) if law is not None else 0.0
    against = []
    if law is None:
        against.append("the potential does not confine, so the law cannot be normalised")
    if steep > _LARGEST_STEP:
        against.append(
            f"learning rate times curvature is {steep:.2g} where the path is, the formula needs at most "
            f"{_LARGEST_STEP:g}"
        )
    return _stated(
        law,
        against,
        "the law is normalisable",
        name="Gibbs with first order of the learning rate" if eta else "Gibbs",
        formula="P ~ exp(-L/D)" + (" exp[eta (L'^2 / (4 D) - L'' / 2)]" if eta else ""),
        assumptions=(
            "The noise is constant, and the law has become stationary.",
            "Steps are small against the curvature.",
        ),
        source="first order of the chain's stationary equation"
        if eta
        else "Gibbs; Jastrzebski et al. 2017 (arXiv 1711.04623)",
    )


def _mean_curvature(potential: Potential, law: LineLaw) -> float:
    curvature = np.abs(potential.hessian(law.nodes[:, None])[:, 0, 0])
    seen = law.masses > 0
    return float((law.masses[seen] * curvature[seen]).sum())


def _gibbs_in_the_plane(potential: Potential, heat: float, step: float) -> StationaryLaw | None:
    """By the trapezoidal rule on a box at whose sides the density is negligible."""
    try:
        minima = potential.minima()
    except InputError:
        return None
    if not minima:
        return None
    points = np.array([m.x for m in minima])
    reach = np.array([np.sqrt(heat * np.diag(np.linalg.inv(m.hessian))) for m in minima])
    low, high = (points - 4 * reach).min(axis=0), (points + 4 * reach).max(axis=0)
    lowest = min(m.energy for m in minima)

    def energy(a: Array, b: Array) -> Array:
        with np.errstate(all="ignore"):
            return np.asarray(potential.energy(np.stack(np.meshgrid(a, b, indexing="ij"), axis=-1)))

    for _ in range(60):
        axes = [np.linspace(low[i], high[i], 401) for i in range(2)]
        values = (energy(*axes) - lowest) / heat
        rim = [values[0].min(), values[-1].min(), values[:, 0].min(), values[:, -1].min()]
        if min(rim) > 36.0:
            break
        grown = 0.15 * (high - low)
        low = low - grown * [rim[0] <= 36.0, rim[2] <= 36.0]
        high = high + grown * [rim[1] <= 36.0, rim[3] <= 36.0]
    against = [] if min(rim) > 36.0 else ["the potential does not confine, so the law cannot be normalised"]
    if against:
        return _stated(None, against, "", **_GIBBS)
    cell = float(np.prod([axis[1] - axis[0] for axis in axes]))
    weight = np.exp(-np.where(np.isfinite(values), values, np.inf))
    norm = float(weight.sum()) * cell
    masses = weight / weight.sum()
    u, v = np.meshgrid(*axes, indexing="ij")
    mean = np.array([(masses * u).sum(), (masses * v).sum()])
    off = np.stack([u - mean[0], v - mean[1]])
    covariance = np.einsum("ab,iab,jab->ij", masses, off, off)
    stiff = step * max(float(m.eigenvalues[-1]) for m in minima)
    if stiff > _LARGEST_STEP:
        against.append(
            f"learning rate times curvature is {stiff:.2g}, the formula needs at most {_LARGEST_STEP:g}"
        )

    def density(x: Array) -> Array:
        with np.errstate(all="ignore"):
            return np.asarray(np.exp(-(potential.energy(x) - lowest) / heat) / norm)

    law = _stated(None, against, "the law is normalisable", **_GIBBS)
    return replace(
        law, value={"mean": mean, "covariance": covariance}, mean=mean, covariance=covariance, density=density
    )


_GIBBS: dict[str, Any] = {
    "name": "Gibbs",
    "formula": "P ~ exp(-L/D)",
    "assumptions": (
        "The noise is constant and the same in all directions, and the law has become stationary.",
        "Steps are small against the curvature.",
    ),
    "source": "Gibbs; Jastrzebski et al. 2017 (arXiv 1711.04623)",
}


def _laplace(potential: Potential, heat: float) -> Iterator[StationaryLaw]:
    """A Gaussian around each minimum, weighed by exp(-L/D) / sqrt(det H)."""
    try:
        weights = basin_weights(potential, heat)
    except InputError:
        return
    minima = potential.minima()
    points = np.array([m.x for m in minima])
    widths = np.array([heat * np.linalg.inv(m.hessian) for m in minima])
    share = np.asarray(weights.value)
    mean = share @ points
    off = points - mean
    covariance = np.einsum("k,kij->ij", share, widths) + np.einsum("k,ki,kj->ij", share, off, off)
    inverses = np.linalg.inv(widths)
    heights = share / np.sqrt(np.linalg.det(2 * np.pi * widths))

    def density(x: Array) -> Array:
        away = x[:, None, :] - points
        return np.asarray(
            (heights * np.exp(-0.5 * np.einsum("nki,kij,nkj->nk", away, inverses, away))).sum(axis=1)
        )

    yield StationaryLaw(
        **{one.name: getattr(weights, one.name) for one in fields(Prediction) if one.name != "value"},
        value={"mean": mean, "covariance": covariance, "weights": share},
        mean=mean,
        covariance=covariance,
        weights=share,
        points=points,
        density=density,
    )


def _line(law: Update, minima: Sequence[Any]) -> Iterator[StationaryLaw]:
    """The Ito law in one dimension, P ~ exp(integral of b / D) / D."""
    step = law.step

    def diffusion(x: Array) -> Array:
        return np.asarray(law.sd(x) ** 2 / (2 * step))

    def slope(x: Array) -> Array:
        drift = (law.mean(x) - x) / step
        shift = 1e-6 * (1.0 + np.abs(x))
        around = diffusion(x)
        with np.errstate(all="ignore"):
            change = (diffusion(x + shift) - diffusion(x - shift)) / (2 * shift)
            return np.asarray((drift - change) / around)

    points = [float(m.x[0]) for m in minima]
    facts: dict[str, Any] = {
        "name": "Multiplicative noise on a line",
        "formula": "P ~ exp(integral of b / D) / D, b and D of the Ito equation",
        "assumptions": ("Steps are small: the law is that of the SDE.", "The noise vanishes nowhere."),
        "source": "Gardiner, Stochastic Methods; Mori et al. 2022 (arXiv 2105.09557)",
    }
    if not points:
        return
    heat = diffusion(np.array(points))
    if not np.all(heat > 0):
        yield _stated(
            None, ["the noise vanishes at a minimum, so paths may collapse onto it and stay"], "", **facts
        )
        return

    def work(x: Array) -> Array:
        with np.errstate(all="ignore"):
            return np.asarray((law.mean(x) - x) / step / diffusion(x))

    curvatures = -np.array(
        [(work(np.array([p + 1e-4])) - work(np.array([p - 1e-4])))[0] / 2e-4 for p in points]
    )
    widths = [1 / math.sqrt(c) if c > 0 else 1.0 for c in curvatures]
    found = line_law(lambda x: -np.log(diffusion(x)), work, points, widths)
    tail = _tail_exponent(slope, points, widths)
    against = []
    if found is None or tail <= 1.0:
        against.append("the law cannot be normalised")
        found = None
    stated = _stated(
        found,
        against,
        f"its tails fall like |x|^-{tail:.3g}" if tail < 100 else "the law is normalisable",
        **facts,
    )
    if found is not None and tail <= 3.0:
        mean = None if tail <= 2.0 else stated.mean
        covariance = np.full((1, 1), np.inf)
        stated = replace(
            stated,
            value={"mean": mean, "covariance": covariance},
            mean=mean,
            covariance=covariance,
            why=f"Its tails fall like |x|^-{tail:.3g}, so the variance is infinite.",
        )
    yield stated


def _tail_exponent(slope: Callable[[Array], Array], points: list[float], widths: list[float]) -> float:
    """p of P ~ |x|^-p, far out on the heavier side; infinite where tails fall faster than any power."""
    far = 1e5 * (max(widths) + max(points) - min(points))
    ends = np.array([min(points) - far, max(points) + far])
    with np.errstate(all="ignore"):
        exponents = -ends * slope(ends)
    exponents = np.where(np.isfinite(exponents), exponents, np.inf)
    return float(exponents.min())


def _stated(law: LineLaw | None, against: list[str], favour: str, **facts: Any) -> StationaryLaw:
    """A law on a line as a prediction, or the refusal of one."""
    text = "; ".join(against) or favour
    mean = covariance = None
    density: Density | None = None
    if law is not None:
        mean, covariance = np.array([law.mean]), np.array([[law.variance]])
        chosen = law

        def on_the_line(x: Array) -> Array:
            return chosen(x[:, 0])

        density = on_the_line
    return StationaryLaw(
        value={"mean": mean, "covariance": covariance},
        unit="law",
        valid=not against,
        why=text[0].upper() + text[1:] + ".",
        mean=mean,
        covariance=covariance,
        density=density,
        **facts,
    )


def _around(
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


def _of_samples(potential: SampleMean, update: MinibatchUpdate, point: CriticalPoint) -> Iterator[Prediction]:
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


__all__ = ["MOST_COORDINATES", "StationaryLaw", "diffusion_at", "stationary_laws"]
