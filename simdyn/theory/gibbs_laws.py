"""Gibbs' law of a problem, on a line, in the plane and by Laplace's method around minima."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import fields, replace
from typing import Any

import numpy as np

from potentials import Potential
from simdyn.errors import InputError
from simdyn.results import Prediction
from simdyn.theory.closed_form import Array
from simdyn.theory.gibbs import LARGEST_STEP, NEGLIGIBLE, basin_weights
from simdyn.theory.line_law import LineLaw, line_law
from simdyn.theory.stated_law import StationaryLaw, stated_law


def laws_of_gibbs(potential: Potential, heat: float, step: float, eta: float) -> Iterator[StationaryLaw]:
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
    if steep > LARGEST_STEP:
        against.append(
            f"learning rate times curvature is {steep:.2g} where the path is, the formula needs at most "
            f"{LARGEST_STEP:g}"
        )
    return stated_law(
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
        return stated_law(None, against, "", **_GIBBS)
    cell = float(np.prod([axis[1] - axis[0] for axis in axes]))
    weight = np.exp(-np.where(np.isfinite(values), values, np.inf))
    norm = float(weight.sum()) * cell
    masses = weight / weight.sum()
    u, v = np.meshgrid(*axes, indexing="ij")
    mean = np.array([(masses * u).sum(), (masses * v).sum()])
    off = np.stack([u - mean[0], v - mean[1]])
    covariance = np.einsum("ab,iab,jab->ij", masses, off, off)
    stiff = step * max(float(m.eigenvalues[-1]) for m in minima)
    if stiff > LARGEST_STEP:
        against.append(
            f"learning rate times curvature is {stiff:.2g}, the formula needs at most {LARGEST_STEP:g}"
        )

    def density(x: Array) -> Array:
        with np.errstate(all="ignore"):
            return np.asarray(np.exp(-(potential.energy(x) - lowest) / heat) / norm)

    law = stated_law(None, against, "the law is normalisable", **_GIBBS)
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


def laplace_law(potential: Potential, heat: float) -> Iterator[StationaryLaw]:
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
