"""The slowest mode of a one-dimensional SDE: decay rate, quasi-stationary law, spectral gap."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from simdyn.exact.errors import alike_modes
from simdyn.exact.extent import Extent, find_extent, find_support
from simdyn.exact.first_passage import greens_integral
from simdyn.exact.panels import Array, Panels
from simdyn.exact.speed import Medium

MAX_ITERATIONS = 4000
CONVERGED = 1e-14
ROUNDING = 1e-11


@dataclass(frozen=True)
class Mode:
    """The slowest mode of a killed diffusion.

    Attributes
    ----------
    panels
        Where it lives.
    log_rate
        Logarithm of its decay rate.
    log_density
        Logarithm of the quasi-stationary density at the nodes of the panels, shape (p, n).
    """

    panels: Panels
    log_rate: float
    log_density: Array


def quasi_stationary_mode(
    medium: Medium, start: float, lower: float, upper: float, breakpoints: Sequence[float], cut: float
) -> Mode:
    """Slowest mode of the diffusion that is killed at the finite ends of (lower, upper).

    Raises
    ------
    InputError
        No exit within reach.
    NoReference
        A mesh that grows too large, or a second mode that is as slow.
    """
    extent = find_extent(medium, start, lower, upper, breakpoints, cut)
    panels, log_scale, log_speed = _measures(medium, extent.edges)
    log_rate, log_mode = _slowest(panels, extent, log_scale, log_speed)
    log_weight = log_speed + log_mode
    _, total = panels.log_integral(log_weight)
    return Mode(panels, log_rate, log_weight - total[-1])


def log_spectral_gap(medium: Medium, centre: float, breakpoints: Sequence[float], cut: float) -> float:
    """Logarithm of the smallest positive rate of a diffusion without exit.

    The flux u'/s of an eigenfunction u obeys the equation of an eigenfunction of the diffusion with scale and
    speed exchanged that is killed at both ends. Its slowest mode has one sign, so that the gap is found
    without a single subtraction, however small it is.

    Raises
    ------
    NoReference
        A mesh that grows too large, no confinement, or a second mode that is as slow.
    """
    edges = find_support(medium, centre, breakpoints, cut)
    panels, log_scale, log_speed = _measures(medium, edges)
    return _slowest(panels, Extent(edges, True, True), log_speed, log_scale)[0]


def log_stationary(
    medium: Medium, centre: float, breakpoints: Sequence[float], cut: float
) -> tuple[Panels, Array]:
    """Panels with the logarithm of the stationary density at their nodes, shape (p, n).

    Raises
    ------
    NoReference
        No stationary law, or a mesh that grows too large.
    """
    panels, _, log_speed = _measures(medium, find_support(medium, centre, breakpoints, cut))
    _, total = panels.log_integral(log_speed)
    return panels, log_speed - total[-1]


def _measures(medium: Medium, edges: Array) -> tuple[Panels, Array, Array]:
    """Panels with the logarithms of the scale and speed densities at their nodes."""
    panels = Panels(edges, medium.order)
    slope, inverse = medium.sample(panels.nodes)
    phi, _ = panels.integral(slope)
    log_noise = -np.log(inverse)
    return panels, phi - medium.alpha * log_noise, (medium.alpha - 1) * log_noise - phi


def _slowest(panels: Panels, extent: Extent, log_scale: Array, log_speed: Array) -> tuple[float, Array]:
    """log of the rate and of the mode, by powers of Green's operator and Rayleigh's quotient."""
    log_mode = np.zeros_like(log_scale)
    log_weights = np.log(panels.weights)
    last, last_change, settled = math.inf, math.inf, 0
    for done in range(1, MAX_ITERATIONS):
        mapped, _ = greens_integral(panels, extent, log_scale, log_speed + log_mode)
        measure = log_weights + log_speed + log_mode
        found = float(np.logaddexp.reduce((measure + log_mode), axis=None))
        found -= float(np.logaddexp.reduce((measure + mapped), axis=None))
        log_mode = mapped - mapped.max()
        change = abs(found - last)
        # Rounding ends the decrease of the changes; it is larger where logarithms are.
        if not settled and (change <= CONVERGED or last_change <= change < ROUNDING):
            settled = done
        # The quotient converges twice as fast as the mode.
        if settled and done >= 2 * settled:
            return found, log_mode
        last, last_change = found, change
    raise alike_modes()
