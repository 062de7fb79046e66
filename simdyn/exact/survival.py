"""The whole law of the escape time: the probability to be still inside."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from potentials import DriftField, Potential
from simdyn.dynamics import Dynamics
from simdyn.errors import InputError
from simdyn.exact.closed_coordinate import closed_coordinate
from simdyn.exact.coordinates import Coordinate
from simdyn.exact.curves import Survival
from simdyn.exact.errors import NoReference
from simdyn.exact.escape import chain_survivals, independent_parts
from simdyn.exact.modes import diffusion_modes
from simdyn.exact.panels import Array
from simdyn.exact.plane_survival import METHOD as IN_THE_PLANE
from simdyn.exact.plane_survival import plane_survival
from simdyn.exact.posing import landmarks, law_of
from simdyn.exits import parse_start, resolve_exit

STEPS = "product over the coordinates of their survival, from the transfer operator of each"
TIME = "product over the coordinates of their survival, from the spectrum of each generator"
MAX_STEPS = 10_000_000


def survival(
    potential: Potential | DriftField, dynamics: Dynamics, start: Any, exit: Any, times: ArrayLike
) -> Survival:
    """P(T > t) of the escape time T at given times: of independent coordinates, and of SDEs in the plane.

    Parameters
    ----------
    potential, dynamics, start, exit
        As in `escape_time`.
    times
        Not negative, shape (k,): whole numbers of steps for discrete rules, times for SDEs.

    Raises
    ------
    InputError
        Times that are negative, not finite, or not whole where steps are counted.
    NoReference
        As in `escape_time`, or several slow modes.
    """
    at = np.atleast_1d(np.asarray(times, dtype=float))
    if not (np.isfinite(at).all() and (at >= 0).all()):
        raise InputError("The times contain values that are negative or not finite; give times from 0 on.")
    origin = parse_start(start, potential)
    way_out = resolve_exit(exit, potential, origin)
    update = law_of(potential, dynamics, origin)
    if update.dim == 2 and update.unit == "time" and not (update.factorised and way_out.box()):
        closed = closed_coordinate(potential, update, origin, [way_out])
        values, error = plane_survival(update, origin, way_out, at, landmarks(potential), closed)
        return Survival(times=at, values=values, error=error, unit="time", method=IN_THE_PLANE)
    parts, unit = independent_parts(potential, dynamics, origin, way_out)
    if unit == "steps" and ((at != np.round(at)).any() or at.max() > MAX_STEPS):
        raise InputError(
            f"The times of a discrete rule are whole numbers of steps, at most {MAX_STEPS:,}; round them."
        )
    curve = _after_steps if unit == "steps" else _at_times
    try:
        coarse, fine = curve(parts, at)
    except NoReference:
        raise
    except InputError as reason:
        raise NoReference(str(reason)) from None
    return Survival(
        times=at,
        values=fine,
        error=np.abs(fine - coarse) + 1e-13,
        unit=unit,
        method=STEPS if unit == "steps" else TIME,
    )


def _after_steps(parts: list[Coordinate], at: Array) -> tuple[Array, Array]:
    products = np.ones((2, len(at)))
    for part in parts:
        for product, law in zip(products, chain_survivals(part), strict=True):
            last = max(int(at.max()), len(law.early))
            product *= law.up_to(last)[at.astype(int)] ** part.count
    return products[0], products[1]


def _at_times(parts: list[Coordinate], at: Array) -> tuple[Array, Array]:
    products = np.ones((2, len(at)))
    for part in parts:
        for product, (order, stride) in zip(products, ((16, 2.5), (20, 2.0)), strict=True):
            law = diffusion_modes(
                part.drift,
                part.diffusion,
                part.start,
                part.lower,
                part.upper,
                part.breakpoints,
                order,
                stride,
            )
            product *= law.survival(at) ** part.count
    return products[0], products[1]
