"""A measured stationary law beside the exact and the predicted ones: moments, weights and distances."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from simdyn.inference import (
    Distance,
    kolmogorov_smirnov,
    resampled_noise,
    total_variation,
    wasserstein,
    with_interval,
)
from simdyn.theory import StationaryLaw

if TYPE_CHECKING:
    import pandas

    from simdyn.questions.stationary_estimate import StationaryEstimate

Array = np.ndarray
DensityOf = Callable[[Array], Array]

_ORDER = 6
_ORDER_IN_PLANE = 3
"""Points of a rule on each bin: in the plane an exact density takes most of a second for 10 000 of them."""

_WIDE = 4.417
"""z of a two-sided 99.999 % interval."""

_SHOWN = 4


@dataclass(frozen=True)
class Figure:
    """One number of an answer, beside the measured one.

    Attributes
    ----------
    quantity
        Of what.
    answer
        Whose: "exact", or the name of a closed form.
    value
        The other number.
    measured, low, high
        The measured one and its 95 % interval.
    verdict
        Where the value lies as seen from the measurement.
    remark
        Why a closed form is or is not valid, or how an exact value was computed.
    """

    quantity: str
    answer: str
    value: float
    measured: float
    low: float
    high: float
    verdict: str
    remark: str


@dataclass(frozen=True)
class OtherLaw:
    """A density to hold the measured one against.

    Attributes
    ----------
    name
        "exact", or the name of a closed form.
    density
        From points (n, d) to the density there.
    valid
        Whether it is meant to hold for this problem.
    remark
        Why it does or does not, or how it was computed.
    """

    name: str
    density: DensityOf
    valid: bool
    remark: str


def comparison_table(answer: StationaryEstimate) -> pandas.DataFrame:
    """Columns quantity, answer, value, measured, low, high, verdict, remark; distances have own rows."""
    import pandas

    rows = [*moment_figures(answer), *distance_figures(answer)]
    return pandas.DataFrame([vars(row) for row in rows])


def moment_figures(answer: StationaryEstimate) -> Iterator[Figure]:
    """Means, covariances, weights of basins and currents that other answers state."""
    if answer.reference is not None:
        density = answer.reference
        remark = density.method
        for i, name in enumerate(answer.names):
            mean = density.expectation(lambda x, i=i: x[:, i])  # type: ignore[misc]
            yield _figure(answer, f"mean of {name}", "exact", mean, _of(answer.mean, i), True, remark)
        for i, j in _pairs(answer):
            value = _covariance_of(density, i, j)
            yield _figure(
                answer,
                _second(answer.names, i, j),
                "exact",
                value,
                _of(answer.covariance, (i, j)),
                True,
                remark,
            )
        for one in answer.quantities:
            if one.coordinate is None:
                mean = density.expectation(lambda x, f=one.values: f(x.T))  # type: ignore[misc]
                yield _figure(
                    answer,
                    f"mean of {one.label}",
                    "exact",
                    mean,
                    _of(answer.averages[one.label]),
                    True,
                    remark,
                )
    for law in answer.predictions:
        yield from _predicted(answer, law)


def _predicted(answer: StationaryEstimate, law: Any) -> Iterator[Figure]:
    valid, why = bool(law.valid), str(law.why)
    if isinstance(law, StationaryLaw):
        if law.mean is not None:
            for i, name in enumerate(answer.names[:_SHOWN]):
                yield _figure(
                    answer, f"mean of {name}", law.name, float(law.mean[i]), _of(answer.mean, i), valid, why
                )
        if law.covariance is not None:
            for i, j in _pairs(answer):
                measured = _of(answer.covariance, (i, j))
                value = float(law.covariance[i, j])
                yield _figure(answer, _second(answer.names, i, j), law.name, value, measured, valid, why)
        if law.weights is not None and law.points is not None:
            for basin in answer.basins:
                near = np.linalg.norm(law.points - basin.x, axis=1)
                k = int(near.argmin())
                if near[k] < 1e-6 * (1.0 + float(np.abs(basin.x).max())):
                    share = _of(basin.share)
                    name = f"share of {basin.label}"
                    yield _figure(answer, name, law.name, float(law.weights[k]), share, valid, why)
    elif law.name == "Circulation" and answer.angular_momentum is not None:
        for i, j in _pairs(answer):
            if i < j:
                name = f"angular momentum {answer.names[i]}, {answer.names[j]}"
                measured = _of(answer.angular_momentum, (i, j))
                yield _figure(answer, name, law.name, 2 * float(law.value[i, j]), measured, valid, why)
    elif law.name == "Entropy production" and answer.entropy_production is not None:
        measured = _of(answer.entropy_production)
        yield _figure(answer, "entropy production", law.name, float(law.value), measured, valid, why)


def _pairs(answer: StationaryEstimate) -> list[tuple[int, int]]:
    """Entries of the covariance that tables show."""
    d = min(len(answer.names), _SHOWN)
    return [(i, j) for i in range(d) for j in range(i, d) if answer.measurement.full or i == j]


def _second(names: tuple[str, ...], i: int, j: int) -> str:
    return f"variance of {names[i]}" if i == j else f"covariance of {names[i]}, {names[j]}"


def _covariance_of(density: Any, i: int, j: int) -> float:
    a, b = (density.expectation(lambda x, k=k: x[:, k]) for k in (i, j))
    return float(density.expectation(lambda x: (x[:, i] - a) * (x[:, j] - b)))


def _of(figures: Any, index: Any = ()) -> tuple[float, float, float, float]:
    """Value, error and interval of one figure."""
    return tuple(  # type: ignore[return-value]
        float(np.asarray(a)[index]) for a in (figures.value, figures.error, figures.low, figures.high)
    )


def _figure(
    answer: StationaryEstimate,
    quantity: str,
    name: str,
    value: float,
    measured: tuple[float, float, float, float],
    valid: bool,
    remark: str,
) -> Figure:
    found, error, low, high = measured
    if not answer.settled:
        verdict = "no claim"
    elif not math.isfinite(value):
        verdict = "does not exist"
    elif low <= value <= high:
        verdict = "inside the 95 % interval"
    elif abs(value - found) <= _WIDE * error:
        verdict = "inside the 99.999 % interval"
    else:
        verdict = "outside the 99.999 % interval"
    if not valid:
        verdict = f"not valid here; {verdict}"
    return Figure(quantity, name, value, found, low, high, verdict, remark)


def laws(answer: StationaryEstimate) -> Iterator[OtherLaw]:
    """The exact density, where there is one, and the predicted ones."""
    if answer.reference is not None:
        yield OtherLaw("exact", answer.reference, True, answer.reference.method)
    for law in answer.predictions:
        if isinstance(law, StationaryLaw) and law.density is not None:
            yield OtherLaw(law.name, law.density, bool(law.valid), str(law.why))


def distance_figures(answer: StationaryEstimate) -> Iterator[Figure]:
    """Distances of the measured law of each coordinate to the others, within the bins; in one and two
    dimensions."""
    if len(answer.names) > 2:
        return
    for one in answer.quantities:
        if one.coordinate is None:
            continue
        histogram = answer.histogram[one.label]
        if not histogram.counts.sum():
            continue
        noise = resampled_noise(histogram.counts)
        for law in answer.laws:
            masses = answer.masses(law, one.label)
            for kind, distance in _distances(histogram.counts, masses, noise, histogram.edges):
                if not answer.settled:
                    verdict = "no claim"
                else:
                    verdict = "no difference seen" if distance.low == 0 else "different"
                yield Figure(
                    f"{kind} distance in {one.label}",
                    law.name,
                    0.0,
                    distance.value,
                    distance.low,
                    distance.high,
                    verdict if law.valid else f"not valid here; {verdict}",
                    law.remark,
                )


def _distances(counts: Array, masses: Array, noise: Array, edges: Array) -> Iterator[tuple[str, Distance]]:
    measured = counts.sum(axis=0) / counts.sum()
    if not masses.sum() > 0:
        return
    difference = measured - masses / masses.sum()
    middles = 0.5 * (edges[1:] + edges[:-1])
    widths = np.append(np.diff(middles), 0.0)
    yield "total variation", with_interval(float(total_variation(difference)), total_variation(noise))
    yield (
        "Kolmogorov-Smirnov",
        with_interval(float(kolmogorov_smirnov(difference)), kolmogorov_smirnov(noise)),
    )
    yield (
        "Wasserstein",
        with_interval(float(wasserstein(difference, widths)), wasserstein(noise, widths)),
    )


def marginal_masses(answer: StationaryEstimate, density: DensityOf, coordinate: int, edges: Array) -> Array:
    """Probability of each bin of one coordinate under a density in one or two dimensions, by Gauss-Legendre
    rules on the bins, and on those of the plane for the other coordinate."""
    nodes, weights = _rule(edges, _ORDER if len(answer.names) == 1 else _ORDER_IN_PLANE)
    if len(answer.names) == 1:
        values = np.asarray(density(nodes.reshape(-1, 1))).reshape(nodes.shape)
        return np.asarray((values * weights).sum(axis=1))
    plane = answer.plane
    assert plane is not None
    across, other = _rule(plane.edges[1 - coordinate], _ORDER_IN_PLANE)
    masses = np.zeros(len(edges) - 1)
    for k in range(nodes.shape[1]):
        grid = np.stack(np.meshgrid(nodes[:, k], across.ravel(), indexing="ij"), axis=-1)
        points = grid if coordinate == 0 else grid[..., ::-1]
        values = np.asarray(density(points.reshape(-1, 2))).reshape(grid.shape[:2])
        masses += weights[:, k] * (values @ other.ravel())
    return masses


def _rule(edges: Array, order: int) -> tuple[Array, Array]:
    """Nodes and weights on each bin, shape (bins, order)."""
    unit, weight = np.polynomial.legendre.leggauss(order)
    half = np.diff(edges)[:, None] / 2
    return (edges[:-1] + edges[1:])[:, None] / 2 + half * unit, half * weight
