"""What is left in the long run: stationary law, law of those not yet escaped, rates of either."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from potentials import DriftField, Potential
from simdyn.dynamics import Dynamics
from simdyn.exact import chain_laws, plane, plane_chain, slowest_mode
from simdyn.exact.coordinates import Coordinate
from simdyn.exact.curves import Density, density_on_panels
from simdyn.exact.errors import NoReference
from simdyn.exact.first_passage import LARGEST_LOG
from simdyn.exact.posing import in_the_plane, landmarks, law_of, on_a_line, typical_point
from simdyn.exact.speed import Medium
from simdyn.exits import parse_start, resolve_exit
from simdyn.results import Reference

STATIONARY = "quadrature of the speed density of the one-dimensional SDE"
SLOWEST = "powers of Green's operator of the one-dimensional SDE, integrated in logarithms"
LEVELS = ((16, 4.0, 1e-17), (20, 2.5, 1e-20))
"""Order, stride and cut of the coarse and of the fine quadrature."""


def stationary_density(
    potential: Potential | DriftField, dynamics: Dynamics, *, start: Any = None
) -> Density:
    """Density of the stationary law.

    Parameters
    ----------
    potential, dynamics
        What is descended, and how.
    start
        A point that the law is to hold, by default the deepest minimum or the first attractor; where noise
        vanishes on a wall that is never crossed, it tells the side.

    Raises
    ------
    NoReference
        No stationary law (among others that of discrete rules whose drift grows faster than linearly, which
        explode in the long run), or more dimensions than the methods hold.
    """
    origin = typical_point(potential, start)
    update = law_of(potential, dynamics, origin)
    planar = in_the_plane(update, plane.plane_stationary, plane_chain.plane_chain_stationary)
    if planar:
        return planar(update, origin, landmarks(potential))
    one = on_a_line(update, origin)
    if update.unit == "steps":
        return chain_laws.chain_stationary(one.update.mean, one.update.sd, one.start, one.breakpoints)
    coarse, fine = (
        slowest_mode.log_stationary(_medium(one, order, stride), one.start, one.breakpoints, cut)
        for order, stride, cut in LEVELS
    )
    return density_on_panels(fine, coarse, STATIONARY)


def spectral_gap(potential: Potential | DriftField, dynamics: Dynamics, *, start: Any = None) -> Reference:
    """Rate at which the slowest deviation from the stationary law decays.

    1 - |lambda_2| per step for discrete rules, the smallest positive eigenvalue of minus the generator per
    unit of time for SDEs (in two dimensions where it is real). Parameters and errors as in
    `stationary_density`.
    """
    origin = typical_point(potential, start)
    update = law_of(potential, dynamics, origin)
    planar = in_the_plane(update, plane.plane_spectral_gap, plane_chain.plane_chain_spectral_gap)
    if planar:
        return planar(update, origin, landmarks(potential))
    one = on_a_line(update, origin)
    if update.unit == "steps":
        return chain_laws.chain_spectral_gap(one.update.mean, one.update.sd, one.start, one.breakpoints)
    coarse, fine = (
        slowest_mode.log_spectral_gap(_medium(one, order, stride), one.start, one.breakpoints, cut)
        for order, stride, cut in LEVELS
    )
    return _rate(fine, coarse)


def quasi_stationary(
    potential: Potential | DriftField, dynamics: Dynamics, start: Any, exit: Any
) -> tuple[Reference, Density]:
    """Escape rate in the long run, and the density of those paths that have not escaped by then.

    Parameters
    ----------
    potential, dynamics, start, exit
        As in `escape_time`; `start` only tells which valley is meant.

    Raises
    ------
    NoReference
        As in `escape_time`.
    """
    origin = parse_start(start, potential)
    way_out = resolve_exit(exit, potential, origin)
    update = law_of(potential, dynamics, origin)
    planar = in_the_plane(update, plane.plane_quasi_stationary, plane_chain.plane_chain_quasi_stationary)
    if planar:
        return planar(update, origin, way_out, landmarks(potential))
    ends = way_out.box()
    if ends is None:
        raise NoReference(f"The exit ({way_out.description}) is not the end of an interval.")
    one = on_a_line(update, origin, float(ends[0][0]), float(ends[1][0]))
    if update.unit == "steps":
        return chain_laws.chain_quasi_stationary(
            one.update.mean,
            one.update.sd,
            one.start,
            lower=one.lower,
            upper=one.upper,
            breakpoints=one.breakpoints,
        )
    coarse, fine = (
        slowest_mode.quasi_stationary_mode(
            _medium(one, order, stride), one.start, one.lower, one.upper, one.breakpoints, cut
        )
        for order, stride, cut in LEVELS
    )
    density = density_on_panels((fine.panels, fine.log_density), (coarse.panels, coarse.log_density), SLOWEST)
    return _rate(fine.log_rate, coarse.log_rate), density


def _medium(one: Coordinate, order: int, stride: float) -> Medium:
    return Medium(one.drift, one.diffusion, order, stride)


def _rate(fine: float, coarse: float) -> Reference:
    if fine < -LARGEST_LOG:
        raise NoReference(
            f"The rate is about 10^{fine / math.log(10):.0f}, below what double precision holds; raise the "
            "noise or lower the barrier."
        )
    value = math.exp(fine)
    relative = abs(math.expm1(coarse - fine)) + 8 * np.finfo(float).eps * max(1.0, abs(fine))
    return Reference(value=value, error=value * relative, unit="1/time", method=SLOWEST)
