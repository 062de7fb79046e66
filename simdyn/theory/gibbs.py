"""The Gibbs law of Langevin dynamics: averages and masses in one dimension, weights of basins in any."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import numpy as np
import sympy

from potentials import Potential
from potentials.formula import parse_expression
from simdyn.errors import InputError
from simdyn.results import Prediction
from simdyn.theory.closed_form import Reason, closed_form, numbers
from simdyn.theory.validity import LOWEST_BARRIER

NEGLIGIBLE = 46.0
"""exp of minus this is what is cut off at either side."""

_PANELS = 400
_ORDER = 16
LARGEST_STEP = 0.2


def gibbs(
    potential: Potential,
    temperature: Any,
    *,
    of: str | sympy.Expr | None = None,
    within: Sequence[float] | None = None,
    learning_rate: Any = 0.0,
) -> Prediction:
    """Average or mass under P ~ exp(-L/D) in one dimension.

    For the unadjusted Langevin chain, the law to first order in its learning rate,
    P ~ exp[-L/D + eta (L'^2 / (4 D) - L'' / 2)].

    Parameters
    ----------
    potential
        Of one variable.
    temperature
        D > 0, the constant diffusion of the SDE; broadcasts with `learning_rate`.
    of
        Expression of the variable to be averaged, such as "x**2".
    within
        (low, high): the mass between, or with `of` the average of what lies between; ends may be infinite.
    learning_rate
        0 for the SDE.

    Returns
    -------
    Prediction
        Not valid (and NaN) where the law cannot be normalised.

    Raises
    ------
    InputError
        More than one variable, numbers out of range, or neither `of` nor `within`.
    """
    if potential.dim != 1:
        raise InputError("Averages are for one variable; basin_weights is for any number of them.")
    if of is None and within is None:
        raise InputError("Say what to average (of=) or which interval to weigh (within=).")
    low, high = (-math.inf, math.inf) if within is None else (float(within[0]), float(within[1]))
    if not low < high:
        raise InputError(f"within is ({low:g}, {high:g}), but its first end must lie below its second.")
    function = None if of is None else _function(of, potential)
    noise = numbers("temperature", temperature, above=0)
    eta = numbers("learning_rate", learning_rate, least=0)
    noise, eta = np.broadcast_arrays(noise, eta)
    value, normal, steep = (np.empty(noise.shape) for _ in range(3))
    for index in np.ndindex(noise.shape):
        value[index], steep[index] = _average(
            potential, float(noise[index]), float(eta[index]), function, low, high, of is not None
        )
        normal[index] = math.isfinite(value[index])
    return closed_form(
        value,
        [
            Reason(normal == 0, "the potential does not confine, so the law cannot be normalised"),
            Reason(
                steep > LARGEST_STEP,
                f"learning rate times curvature is {{:.2g}} where the path is, the formula needs at most "
                f"{LARGEST_STEP:g}",
                steep,
            ),
        ],
        name="Gibbs",
        unit="probability" if of is None else f"average of {of}",
        formula="P ~ exp(-L/D)" + (" exp[eta (L'^2 / (4 D) - L'' / 2)]" if np.any(eta) else ""),
        assumptions=(
            "The noise is constant, and the law has become stationary.",
            "Steps are small against the curvature.",
        ),
        source="Gibbs; Jastrzebski et al. 2017 (arXiv 1711.04623)"
        + ("; first order of the learning rate from the chain's stationary equation" if np.any(eta) else ""),
        favour=Reason(True, "the law is normalisable"),
    )


def basin_weights(potential: Potential, temperature: Any) -> Prediction:
    """Weight of each basin, ~ exp(-L_a/D) (det H_a)^(-1/2), to leading order in D.

    Parameters
    ----------
    potential
        The landscape; the weights are those of `potential.minima()`, in their order.
    temperature
        D > 0, shape (...).

    Returns
    -------
    Prediction
        Shape (..., number of minima), in a sum of 1. For minibatch noise of covariance sigma^2 I / B,
        D = eta sigma^2 / (2 B).

    Raises
    ------
    InputError
        Numbers out of range, or no minimum.
    """
    noise = numbers("temperature", temperature, above=0)
    minima = potential.minima()
    if not minima:
        raise InputError(f"No minimum of {potential.name!r} was found.")
    energy = np.array([m.energy for m in minima])
    width = np.array([np.log(m.eigenvalues).sum() for m in minima])
    logs = -energy / noise[..., None] - 0.5 * width
    weights = np.exp(logs - logs.max(-1, keepdims=True))
    weights /= weights.sum(-1, keepdims=True)
    rims = [min((s.energy for s in potential.saddles(around=m)), default=math.inf) - m.energy for m in minima]
    lowest = min(rims) / noise
    return closed_form(
        weights,
        [
            Reason(
                lowest < LOWEST_BARRIER,
                "the lowest barrier over the noise is {:.2g}, the formula needs at least "
                f"{LOWEST_BARRIER:g}",
                lowest,
            )
        ],
        name="Gibbs, Laplace's method",
        unit="probability",
        formula="P_a ~ exp(-L_a/D) / sqrt(det H_a)",
        assumptions=(
            "The noise is constant and the same in all directions.",
            "Basins are separated by barriers much higher than the noise.",
            "Each basin is a parabola over the width of the noise.",
        ),
        source="Jastrzebski et al. 2017 (arXiv 1711.04623)",
        favour=Reason(True, "the lowest barrier over the noise is {:.3g}", lowest),
        inner=1,
    )


def _function(of: str | sympy.Expr, potential: Potential) -> Any:
    variable = potential.variables[0]
    expression = parse_expression(of) if isinstance(of, str) else sympy.sympify(of)
    names = {symbol.name: symbol for symbol in expression.free_symbols}
    values = {symbol: potential.parameters[n] for n, symbol in names.items() if n in potential.parameters}
    put = {symbol: variable for n, symbol in names.items() if n == variable.name}
    expression = expression.subs({**values, **put})
    strange = sorted(s.name for s in expression.free_symbols - {variable})
    if strange:
        raise InputError(f"The expression to average contains {strange[0]}, but the variable is {variable}.")
    return sympy.lambdify(variable, expression, "numpy")


def _average(
    potential: Potential, noise: float, eta: float, function: Any, low: float, high: float, averaged: bool
) -> tuple[float, float]:
    """The answer (NaN if there is none), and eta times the mean of |L''|."""
    ends = _extent(potential, noise, low, high)
    if ends is None:
        return math.nan, 0.0
    inner = [x for x in (low, high) if ends[0] < x < ends[1]]
    nodes, weights = _rule([ends[0], *inner, ends[1]])
    points = nodes[:, None]
    curvature = potential.hessian(points)[:, 0, 0]
    logs = -potential.energy(points) / noise
    if eta:
        logs = logs + eta * (potential.gradient(points)[:, 0] ** 2 / (4 * noise) - curvature / 2)
    density = weights * np.exp(logs - logs.max())
    inside = (nodes >= low) & (nodes <= high)
    total = density[inside].sum() if averaged else density.sum()
    values = np.broadcast_to(function(nodes), nodes.shape) if function is not None else np.ones_like(nodes)
    answer = float((density * values)[inside].sum() / total)
    return answer, eta * float((density * np.abs(curvature)).sum() / density.sum())


def _extent(potential: Potential, noise: float, low: float, high: float) -> tuple[float, float] | None:
    """Ends beyond which exp(-L/D) is negligible, found by doubling from the lowest minimum."""
    minima = potential.minima()
    if not minima:
        return None
    lowest = min(m.energy for m in minima)
    positions = [float(m.x[0]) for m in minima]
    ends = []
    for edge, sign in ((min(positions), -1.0), (max(positions), 1.0)):
        reach = 0.5 * math.sqrt(noise / min(float(m.eigenvalues[0]) for m in minima))
        for _ in range(60):
            reach *= 1.3
            x = edge + sign * reach * np.linspace(1.0, 1.3, 20)
            if float(potential.energy(x[:, None]).min()) > lowest + NEGLIGIBLE * noise:
                break
        else:
            return None
        ends.append(edge + sign * reach)
    return ends[0], ends[1]


def _rule(edges: list[float]) -> tuple[np.ndarray, np.ndarray]:
    """Gauss-Legendre nodes and weights on panels between edges."""
    unit, weight = np.polynomial.legendre.leggauss(_ORDER)
    cuts = [np.linspace(a, b, _PANELS + 1) for a, b in pairwise(edges)]
    left = np.concatenate([cut[:-1] for cut in cuts])
    half = np.concatenate([np.diff(cut) for cut in cuts]) / 2
    return ((left + half)[:, None] + half[:, None] * unit).ravel(), (half[:, None] * weight).ravel()
