"""The exact mean escape time of a landscape, a dynamics and an exit."""

from __future__ import annotations

from typing import Any

from potentials import DriftField, Potential
from simdyn.dynamics import Dynamics
from simdyn.errors import InputError
from simdyn.exact import chain_survival, modes
from simdyn.exact.chain import Chain, chain_first_passage, exit_share
from simdyn.exact.closed_coordinate import closed_coordinate
from simdyn.exact.coordinates import Coordinate, coordinates
from simdyn.exact.errors import NoReference, check_size
from simdyn.exact.first_passage import first_passage
from simdyn.exact.plane import plane_moments
from simdyn.exact.plane_chain import plane_chain_moments
from simdyn.exact.posing import landmarks, law_of
from simdyn.exits import parse_start, resolve_exit
from simdyn.results import Reference, Unit


def escape_time(potential: Potential | DriftField, dynamics: Dynamics, start: Any, exit: Any) -> Reference:
    """Mean escape time: in steps for discrete rules (transfer operator), in time for SDEs.

    One-dimensional SDEs by quadrature, independent coordinates by their survival functions; in the plane
    other SDEs by finite volumes and discrete rules by their transfer operator, where its size allows. A
    coordinate along which an SDE in the plane repeats itself, and which the exit leaves alone, is closed to a
    circle.

    Parameters
    ----------
    potential
        The landscape.
    dynamics
        SGD, SGLD or SDE.
    start
        A point, "x=-1" or "deepest".
    exit
        A condition, "valley", "commit", a target minimum or an `Exit`.

    Raises
    ------
    NoReference
        More than two coordinates that are not independent, an exit that the method cannot take, an infinite
        mean, or a value beyond double precision. The message says which.
    """
    return _answers(potential, dynamics, start, exit, 1)[0]


def escape_moments(
    potential: Potential | DriftField, dynamics: Dynamics, start: Any, exit: Any
) -> tuple[Reference, Reference]:
    """Mean and second moment of the escape time; parameters and errors as in `escape_time`."""
    mean, square = _answers(potential, dynamics, start, exit, 2)
    return mean, square


def overshoot_share(
    potential: Potential | DriftField, dynamics: Dynamics, start: Any, exit: Any, beyond: float
) -> Reference:
    """Share of a discrete rule's escapes whose first point outside has |x| > `beyond`.

    Identical coordinates escape through the same law, so that one of them is enough.

    Raises
    ------
    NoReference
        An SDE, which exits continuously, different coordinates, or a reason of `escape_time`.
    """
    parts, unit = independent_parts(potential, dynamics, start, exit)
    if unit != "steps":
        raise NoReference("The paths of an SDE are continuous and do not overshoot; ask for a discrete rule.")
    if len(parts) > 1:
        raise NoReference(
            "The coordinates differ, and the share of overshoots is exact for identical ones alone."
        )
    one = parts[0]
    return exit_share(
        one.update.mean,
        one.update.sd,
        one.start,
        beyond,
        lower=one.lower,
        upper=one.upper,
        breakpoints=one.breakpoints,
    )


def independent_parts(
    potential: Potential | DriftField, dynamics: Dynamics, start: Any, exit: Any
) -> tuple[list[Coordinate], Unit]:
    """The independent coordinates that have an exit, and what their times count.

    Raises
    ------
    NoReference
        Coupled coordinates, an exit that is not a box, no noise, or noise without a law.
    """
    origin = parse_start(start, potential)
    way_out = resolve_exit(exit, potential, origin)
    update = law_of(potential, dynamics, origin)
    return coordinates(update, origin, way_out), update.unit


def _answers(
    potential: Potential | DriftField, dynamics: Dynamics, start: Any, exit: Any, moments: int
) -> tuple[Reference, ...]:
    origin = parse_start(start, potential)
    way_out = resolve_exit(exit, potential, origin)
    update = law_of(potential, dynamics, origin)
    try:
        if update.dim == 2 and not (update.factorised and way_out.box()):
            points = landmarks(potential)
            if update.unit != "time":
                return plane_chain_moments(update, origin, way_out, moments, points)
            closed = closed_coordinate(potential, update, origin, [way_out])
            return plane_moments(update, origin, way_out, moments, points, closed)
        parts, unit = coordinates(update, origin, way_out), update.unit
        if len(parts) == 1 and parts[0].count == 1:
            return _alone(parts[0], unit, moments)
        return _first(parts, unit, moments)
    except NoReference:
        raise
    except InputError as reason:
        raise NoReference(str(reason)) from None


def _alone(one: Coordinate, unit: str, moments: int) -> tuple[Reference, ...]:
    ends = {"lower": one.lower, "upper": one.upper}
    if unit == "steps":
        return chain_first_passage(
            one.update.mean, one.update.sd, one.start, **ends, breakpoints=one.breakpoints, moments=moments
        )
    return first_passage(
        one.drift, one.diffusion, one.start, **ends, breakpoints=one.breakpoints, moments=moments
    )


def _first(parts: list[Coordinate], unit: str, moments: int) -> tuple[Reference, ...]:
    """First of several independent coordinates, from the product of their survival functions."""
    total = sum(part.count for part in parts)
    if unit == "steps":
        coarse, fine = (
            chain_survival.first_of(
                [(survival, part.count) for survival, part in zip(level, parts, strict=True)]
            )
            for level in zip(*(chain_survivals(part) for part in parts), strict=True)
        )
        how = "sum over steps of the product of their survival functions, from the transfer operator of each"
    else:
        coarse, fine = _two_spectra(parts)
        how = "integral of the product of their survival functions, from the spectrum of each generator"
    method = f"first of {total} independent coordinates: {how}"
    for value in fine[:moments]:
        check_size(value)
    return tuple(
        Reference(
            value=value,
            error=abs(value - rough) + 1e-12 * value,
            unit="steps" if unit == "steps" else "time",
            method=method,
        )
        for value, rough in zip(fine[:moments], coarse, strict=False)
    )


def chain_survivals(part: Coordinate) -> tuple[chain_survival.ChainSurvival, ...]:
    """Survival of one coordinate of a discrete rule at two resolutions, coarse first."""
    chain = Chain(part.update.mean, part.update.sd, part.start, part.lower, part.upper, part.breakpoints)
    coarse, fine, _ = chain.discretised()
    return tuple(chain_survival.chain_survival(hops, part.start) for hops in (coarse, fine))


def _two_spectra(parts: list[Coordinate]) -> tuple[tuple[float, float], tuple[float, float]]:
    """Moments of the first exit at the last two of a series of resolutions that ends when they agree."""
    previous = _spectral_moments(parts, 12, 3.0)
    for order, stride in ((16, 2.5), (20, 2.0)):
        current = _spectral_moments(parts, order, stride)
        if abs(current[0] / previous[0] - 1) < 1e-10:
            break
        previous = current
    return previous, current


def _spectral_moments(parts: list[Coordinate], order: int, stride: float) -> tuple[float, float]:
    spectra = [
        modes.diffusion_modes(
            part.drift, part.diffusion, part.start, part.lower, part.upper, part.breakpoints, order, stride
        )
        for part in parts
    ]
    return modes.first_of([(spectrum, part.count) for spectrum, part in zip(spectra, parts, strict=True)])
