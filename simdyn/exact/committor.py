"""Which of two regions a path reaches first."""

from __future__ import annotations

from typing import Any

import numpy as np

from potentials import DriftField, Potential
from simdyn.dynamics import Dynamics
from simdyn.errors import InputError
from simdyn.exact.chain_laws import chain_committor
from simdyn.exact.closed_coordinate import closed_coordinate
from simdyn.exact.errors import NoReference
from simdyn.exact.plane import plane_committor
from simdyn.exact.plane_chain import plane_chain_committor
from simdyn.exact.posing import in_the_plane, landmarks, law_of, on_a_line
from simdyn.exact.splitting_probability import splitting_probability
from simdyn.exits import Exit, parse_start, resolve_exit
from simdyn.results import Reference


def committor(
    potential: Potential | DriftField, dynamics: Dynamics, start: Any, reach: Any, before: Any
) -> Reference:
    """Probability to enter `reach` before `before`.

    Parameters
    ----------
    potential, dynamics, start
        As in `escape_time`.
    reach, before
        Each a condition such as "x >= 1", a target minimum or an `Exit`; the start must be in neither.

    Raises
    ------
    InputError
        Regions that the start is in already, or that do not enclose it.
    NoReference
        More dimensions than the methods hold, no noise, or an open side that does not confine.
    """
    origin = parse_start(start, potential)
    wanted, other = (resolve_exit(region, potential, origin) for region in (reach, before))
    update = law_of(potential, dynamics, origin)
    planar = in_the_plane(update, plane_committor, plane_chain_committor)
    if planar is plane_committor:
        closed = closed_coordinate(potential, update, origin, [wanted, other])
        return plane_committor(update, origin, wanted, other, landmarks(potential), closed)
    if planar:
        return planar(update, origin, wanted, other, landmarks(potential))
    lower, upper, at_upper = _interval(wanted, other)
    one = on_a_line(update, origin, lower, upper)
    chain = update.unit == "steps"
    first, second = (one.update.mean, one.update.sd) if chain else (one.drift, one.diffusion)
    method = chain_committor if chain else splitting_probability
    if at_upper:
        return method(first, second, one.start, lower=lower, upper=upper, breakpoints=one.breakpoints)
    # The mirror image has all digits of a small probability, which the complement has not.
    return method(
        lambda x: -first(-x),
        lambda x: second(-x),
        -one.start,
        lower=-upper,
        upper=-lower,
        breakpoints=[-b for b in one.breakpoints],
    )


def _interval(wanted: Exit, other: Exit) -> tuple[float, float, bool]:
    """The interval between the two regions, and whether the wanted one is above."""
    boxes = [region.box() for region in (wanted, other)]
    if any(box is None for box in boxes):
        raise NoReference("One of the regions is not all that lies beyond a point.")
    (low, high), (below, above) = ((float(b[0][0]), float(b[1][0])) for b in boxes if b is not None)
    if np.isinf(low) and np.isfinite(high) and np.isfinite(below) and np.isinf(above):
        return below, high, True
    if np.isfinite(low) and np.isinf(high) and np.isinf(below) and np.isfinite(above):
        return low, above, False
    raise InputError(
        f"The regions ({wanted.description}; {other.description}) do not lie on either side of the start; "
        'give conditions such as "x >= 1" and "x <= -1".'
    )
