"""Phase diagrams of linear stability, as datasets."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from math import comb
from typing import TYPE_CHECKING, Any

import numpy as np

from potentials import FiniteSum, SampleCurvatures, SampleMean
from simdyn.counts import whole_number
from simdyn.dynamics import SGD
from simdyn.dynamics.linearised import LinearisedSGD
from simdyn.engines.minibatch import MinibatchEngine
from simdyn.engines.threads import default_threads, in_threads
from simdyn.errors import InputError
from simdyn.estimators import measure_growth
from simdyn.exits import parse_start
from simdyn.inference import share_of
from simdyn.noise import Seed
from simdyn.questions.stability import StabilityReport, stability
from simdyn.results import versions
from simdyn.theory.closed_form import numbers
from simdyn.theory.covariance import batch_share

if TYPE_CHECKING:
    import xarray

Array = np.ndarray

_MEASURED_PATHS = 128
_MEASURED_STEPS = 400


def sharpness_diagram(
    learning_rate: float = 1.0,
    *,
    batch_sizes: Sequence[int] = (1,),
    momenta: Sequence[float] = (0.0,),
    samples: int = 8,
    sampling: str = "without_replacement",
    cells: int = 200,
    measured: int = 0,
    seed: Seed = 0,
    threads: int | None = None,
) -> xarray.Dataset:
    """Sharpness against non-uniformity in one dimension: which (a, s) are stable, and in which sense.

    What the box and the mean square say depends on a and s alone. Paths and shuffled epochs depend on all
    curvatures: here on those of the symmetric two-point family, half of the samples at a - s and half at
    a + s.

    Parameters
    ----------
    learning_rate
        eta; a goes up to 2.2 (1 + m) / eta and s to 1.2 bounds of the box.
    batch_sizes, momenta
        One panel for each pair.
    samples
        n, an even number.
    sampling
        Of fresh batches: "with_replacement" or "without_replacement".
    cells
        Cells along each axis.
    measured
        Cells along each axis of a coarser grid on which paths are run, too.
    seed, threads
        Of the runs.

    Returns
    -------
    xarray.Dataset
        Over (momentum, batch_size, nonuniformity, sharpness): `box` (share of the bounds), `mean_square`
        (multiplier of E x^2, exact), `shuffled_mean_square` (the same per step of shuffled epochs),
        `almost_sure` (growth of log|x| of fresh and shuffled batches, exact); the last two NaN with
        momentum. Measured growth and its 95 % interval over (..., measured_nonuniformity,
        measured_sharpness).

    Raises
    ------
    InputError
        Numbers that do not fit.
    """
    import xarray

    from simdyn import theory

    eta = float(numbers("learning_rate", learning_rate, above=0))
    if sampling not in ("with_replacement", "without_replacement"):
        raise InputError(
            f"sampling is {sampling!r}, but fresh batches are drawn with_replacement or without_replacement; "
            "shuffled epochs are in the diagram anyway."
        )
    if samples < 2 or samples % 2:
        raise InputError(f"samples is {samples}, but half of them lie to either side: give an even number.")
    whole_number("cells", cells, 2)
    whole_number("measured", measured, 0)
    batches = _batches(batch_sizes, samples)
    moments = [float(m) for m in numbers("momenta", list(momenta), least=0)]
    if not moments or max(moments) >= 1:
        raise InputError(f"momenta is {list(momenta)!r}, but each must be at least 0 and below 1.")
    top_share = max(batch_share(b, samples, sampling) for b in batches)
    low_share = min((batch_share(b, samples, sampling) for b in batches if b < samples), default=top_share)
    a = (np.arange(cells) + 0.5) / cells * 2.2 * (1 + max(moments)) / eta
    s = (np.arange(cells) + 0.5) / cells * 1.2 / (eta * np.sqrt(float(low_share) or 1.0))
    data = xarray.Dataset(
        coords={
            "momentum": moments,
            "batch_size": batches,
            "nonuniformity": s,
            "sharpness": a,
        },
        attrs={
            "question": "sharpness diagram",
            "learning_rate": eta,
            "samples": samples,
            "sampling": sampling,
            "family": "half of the samples at a - s, half at a + s",
            **versions(),
        },
    )
    shape = (len(moments), len(batches), cells, cells)
    found = {k: np.full(shape, np.nan) for k in ("box", "mean_square", "shuffled_mean_square", "almost_sure")}
    for i, m in enumerate(moments):
        for j, batch in enumerate(batches):
            share = float(batch_share(batch, samples, sampling))
            box = theory.stability_box(a, s[:, None], eta, batch_share=share, momentum=m)
            found["box"][i, j] = box.value
            found["mean_square"][i, j] = _second_moment_on_line(a, s[:, None], eta, share, m)
            if m == 0:
                found["almost_sure"][i, j] = _two_point_exponent(a, s[:, None], eta, batch, samples, sampling)
                found["shuffled_mean_square"][i, j] = _two_point_epoch(a, s[:, None], eta, batch, samples)
    dims = ("momentum", "batch_size", "nonuniformity", "sharpness")
    data = data.assign({name: (dims, values) for name, values in found.items()})
    data["sharpness"].attrs["units"] = data["nonuniformity"].attrs["units"] = "loss / x^2"
    return _with_measured(data, measured, seed, threads) if measured else data


def _second_moment_on_line(a: Array, s: Array, eta: float, share: float, m: float) -> Array:
    """The multiplier of E x^2 for arrays of a and s."""
    a, s = np.broadcast_arrays(a, s)
    if m == 0:
        return np.asarray((1 - eta * a) ** 2 + eta**2 * share * s**2)
    # E of (x^2, x v, v^2) after a step v' = m v - eta h x, x' = x + v'.
    h, square, one = eta * a, eta**2 * (a**2 + share * s**2), np.ones_like(a)
    rows = [
        [1 - 2 * h + square, 2 * m * (1 - h), m**2 * one],
        [square - h, m * (1 - 2 * h), m**2 * one],
        [square, -2 * m * h, m**2 * one],
    ]
    matrix = np.stack([np.stack(row, axis=-1) for row in rows], axis=-2)
    return np.asarray(np.abs(np.linalg.eigvals(matrix)).max(axis=-1))


def _two_point_exponent(a: Array, s: Array, eta: float, batch: int, samples: int, sampling: str) -> Array:
    """E log|1 - eta h_B| for half of the samples at a - s and half at a + s."""
    half, total = samples // 2, np.zeros(np.broadcast_shapes(a.shape, s.shape))
    for k in range(batch + 1):
        if sampling == "with_replacement":
            chance = comb(batch, k) / 2**batch
        else:
            chance = comb(half, k) * comb(half, batch - k) / comb(samples, batch)
        if chance:
            with np.errstate(divide="ignore"):
                total = total + chance * np.log(np.abs(1 - eta * (a + s * (2 * k - batch) / batch)))
    return total


def _two_point_epoch(a: Array, s: Array, eta: float, batch: int, samples: int) -> Array:
    """E x^2 over a shuffled epoch of that family, per step."""
    half, steps = samples // 2, samples // batch
    after: dict[int, Array] = {half: np.ones(np.broadcast_shapes(a.shape, s.shape))}
    for step in range(steps):
        left = samples - step * batch
        moved: dict[int, Array] = {}
        for high, value in after.items():
            for k in range(max(0, batch - (left - high)), min(batch, high) + 1):
                chance = comb(high, k) * comb(left - high, batch - k) / comb(left, batch)
                square = (1 - eta * (a + s * (2 * k - batch) / batch)) ** 2
                moved[high - k] = moved.get(high - k, 0.0) + chance * square * value
        after = moved
    return np.asarray(sum(after.values()) ** (1.0 / steps))


def _with_measured(data: xarray.Dataset, measured: int, seed: Seed, threads: int | None) -> xarray.Dataset:
    a = np.linspace(data.sharpness.values[0], data.sharpness.values[-1], measured)
    s = np.linspace(data.nonuniformity.values[0], data.nonuniformity.values[-1], measured)
    moments, batches = data.momentum.values.tolist(), data.batch_size.values.tolist()
    half, eta, sampling = data.attrs["samples"] // 2, data.attrs["learning_rate"], data.attrs["sampling"]
    shape = (len(moments), len(batches), measured, measured)
    found = np.empty((3, *shape))

    def work(cells: Sequence[int]) -> None:
        for cell in cells:
            i, j, k, n = np.unravel_index(cell, shape)
            line = np.repeat([a[n] - s[k], a[n] + s[k]], half)[:, None, None]
            linear = LinearisedSGD(
                SampleCurvatures(line, None, 0), eta, int(batches[j]), sampling, float(moments[i])
            )
            growth = measure_growth(
                linear,
                paths=_MEASURED_PATHS,
                steps=_MEASURED_STEPS,
                seed=seed,
                threads=1,
                first_path=int(cell) * _MEASURED_PATHS,
            )
            rate = growth.exponent
            found[:, i, j, k, n] = rate.value, rate.low, rate.high

    used = default_threads(threads)
    in_threads([partial(work, range(t, int(np.prod(shape)), used)) for t in range(used)])
    dims = ("momentum", "batch_size", "measured_nonuniformity", "measured_sharpness")
    names = ("measured", "measured_low", "measured_high")
    return data.assign_coords(measured_nonuniformity=s, measured_sharpness=a).assign(
        {name: (dims, found[i]) for i, name in enumerate(names)}
    )


def rate_diagram(
    potential: SampleMean,
    at: Any = None,
    *,
    learning_rates: Sequence[float] | None = None,
    batch_sizes: Sequence[int] | None = None,
    criteria: Sequence[str] = ("theorem1", "mean_square", "almost_sure", "gd"),
    sampling: str = "without_replacement",
    momentum: float = 0.0,
) -> xarray.Dataset:
    """Learning rate against batch size for one minimum: where each criterion holds.

    Parameters
    ----------
    potential, at
        As in `stability`.
    learning_rates
        By default 200 up to somewhat above the largest threshold.
    batch_sizes
        By default powers of two up to the number of samples.
    criteria
        See `StabilityReport`; one without a formula here is NaN.
    sampling, momentum
        As in `SGD`.

    Returns
    -------
    xarray.Dataset
        `threshold` over (criterion, batch_size), the first learning rate that is unstable; `stable` over
        (criterion, batch_size, learning_rate), whether it is below that.

    Raises
    ------
    InputError
        As for `stability`.
    """
    import xarray

    reports = _reports(potential, at, batch_sizes, sampling, momentum)
    threshold = np.full((len(criteria), len(reports)), np.nan)
    for i, criterion in enumerate(criteria):
        for j, report in enumerate(reports.values()):
            threshold[i, j] = _threshold(report, criterion)
    finite = threshold[np.isfinite(threshold)]
    if not finite.size:
        raise InputError("None of the criteria has a formula for this problem: ask for others.")
    rates = np.linspace(0, 1.15 * finite.max(), 201)[1:] if learning_rates is None else learning_rates
    rates = numbers("learning_rates", rates, above=0)
    first = next(iter(reports.values()))
    dims = ("criterion", "batch_size")
    return xarray.Dataset(
        {
            "threshold": (dims, threshold),
            "stable": ((*dims, "learning_rate"), rates <= threshold[..., None]),
        },
        coords={"criterion": list(criteria), "batch_size": list(reports), "learning_rate": rates},
        attrs={
            "question": "rate diagram",
            "potential": potential.name,
            "at": first.point.tolist(),
            "sharpness": first.sharpness,
            "nonuniformity": first.nonuniformity,
            "sampling": sampling,
            "momentum": momentum,
            **versions(),
        },
    )


def selection_diagram(
    potential: FiniteSum,
    *,
    learning_rates: Sequence[float],
    batch_sizes: Sequence[int] | None = None,
    minima: Sequence[Any] | None = None,
    displacement: float = 1e-5,
    paths: int = 200,
    steps: int = 3_000,
    sampling: str = "without_replacement",
    momentum: float = 0.0,
    seed: Seed = 0,
    threads: int | None = None,
) -> xarray.Dataset:
    """Which minimum is kept, and which one SGD selects, for each learning rate and batch size.

    Paths start a little beside each minimum in turn and run on the landscape itself.

    Parameters
    ----------
    learning_rates, batch_sizes
        The cells; by default batches of powers of two up to the number of samples, which is gradient descent.
    minima
        Points; by default all minima of the landscape.
    displacement
        How far beside the minimum paths start, in every coordinate.
    paths, steps, seed, threads
        Of each run.
    sampling, momentum
        As in `SGD`.

    Returns
    -------
    xarray.Dataset
        `share` over (start, batch_size, learning_rate, end): share of the paths from beside minimum `start`
        that end nearest to minimum `end`, within a tenth of the smallest distance between minima; what is
        missing to 1 ended elsewhere. `mean_square` and `almost_sure` over (start, batch_size): thresholds.

    Raises
    ------
    InputError
        As for `stability`, or fewer than two minima.
    """
    import xarray

    points = [parse_start(m, potential) for m in (potential.minima() if minima is None else minima)]
    if len(points) < 2:
        raise InputError(f"There is one minimum only in {potential.name!r}; a selection needs two.")
    places = np.array(points)
    rates = numbers("learning_rates", list(learning_rates), above=0)
    whole_number("paths", paths)
    whole_number("steps", steps)
    apart = np.linalg.norm(places[:, None] - places[None], axis=-1)
    near = 0.1 * float(apart[apart > 0].min())
    batches: list[int] = []
    thresholds = []
    for place in places:
        reports = _reports(potential, place, batch_sizes, sampling, momentum)
        batches = list(reports)
        names = ("mean_square", "almost_sure")
        thresholds.append([[_threshold(r, name) for r in reports.values()] for name in names])
    share = np.zeros((3, len(places), len(batches), len(rates), len(places)))
    for i, place in enumerate(places):
        for j, batch in enumerate(batches):
            for k, rate in enumerate(rates):
                rule = SGD(float(rate), batch, sampling=sampling, momentum=momentum).update(potential)
                engine = MinibatchEngine(rule, threads=threads)  # type: ignore[arg-type]
                start = np.broadcast_to(place + displacement, (paths, potential.dim))
                first = ((i * len(batches) + j) * len(rates) + k) * paths
                end = engine.integrate(start, steps=steps, seed=seed, first_path=first)[:, : potential.dim]
                with np.errstate(invalid="ignore", over="ignore"):
                    away = np.linalg.norm(end[:, None] - places[None], axis=-1)
                found = [share_of(arrived) for arrived in (away < near).T]
                share[:, i, j, k] = np.transpose([(one.value, one.low, one.high) for one in found])
    dims = ("start", "batch_size")
    exact = np.array(thresholds)
    shares = {
        name: ((*dims, "learning_rate", "end"), values)
        for name, values in zip(("share", "share_low", "share_high"), share, strict=True)
    }
    return xarray.Dataset(
        {
            **shares,
            "mean_square": (dims, exact[:, 0]),
            "almost_sure": (dims, exact[:, 1]),
            "position": (("end", "coordinate"), places),
        },
        coords={
            "start": np.arange(len(places)),
            "end": np.arange(len(places)),
            "batch_size": batches,
            "learning_rate": rates,
        },
        attrs={
            "question": "selection diagram",
            "potential": potential.name,
            "displacement": displacement,
            "paths": paths,
            "steps": steps,
            "sampling": sampling,
            "momentum": momentum,
            **versions(),
        },
    )


def _reports(
    potential: SampleMean, at: Any, batch_sizes: Sequence[int] | None, sampling: str, momentum: float
) -> dict[int, StabilityReport]:
    """One for each batch size."""
    if not isinstance(potential, SampleMean):
        raise InputError("A diagram of batches needs the losses of single samples: give a FiniteSum.")
    n = potential.size
    sizes = sorted({*(2**k for k in range(n.bit_length()) if 2**k <= n), n})
    batches = _batches(sizes if batch_sizes is None else batch_sizes, n)
    return {
        b: stability(potential, SGD(0.1, b, sampling=sampling, momentum=momentum), at, measure=False)
        for b in batches
    }


def _threshold(report: StabilityReport, criterion: str) -> float:
    from simdyn.exact import NoReference

    try:
        return report.threshold(criterion)
    except NoReference:
        return np.nan


def _batches(batch_sizes: Sequence[int], samples: int) -> list[int]:
    found = [int(b) for b in numbers("batch_sizes", list(batch_sizes), least=1)]
    if not found or max(found) > samples or any(b != int(b) for b in batch_sizes):
        raise InputError(
            f"batch_sizes is {list(batch_sizes)!r}, but each must be a whole number from 1 to {samples}."
        )
    return found
