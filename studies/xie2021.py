"""Escape of SGLD and SGD from the 10-dimensional Styblinski-Tang valley (Xie, Sato & Sugiyama 2021).

The paper derives two mean escape times, equation (6) for SGLD (white noise) and equation (7) for SGD (noise
shaped like the Hessian), and supports them by straight lines in four plots: for SGLD the rate against the
curvature scale k and minus its logarithm against 1/D; for SGD minus the logarithm of the rate against 1/k, B
and 1/eta. This study measures all of them, beside the closed forms and beside the exact values of the very
chains that are simulated.

What should come out, and why. SGLD: (6) is the Eyring-Kramers formula, so it holds up to O(D) and O(eta); at
D between 3 and 10 the barrier is 4 to 13 times the noise and the corrections are some per cent. SGD with C =
|H|/B: between the minimum and the saddle lies a point where the curvature, and with it the noise, vanishes,
and the drift points back. The SDE behind (7) never crosses it; the discrete chain hops over it. Its log N
grows linearly in B with a slope of its own, and not linearly in 1/eta. Multiplying all curvatures by k is the
same thing as multiplying eta by k (x -> sqrt(k) x), so the plots against 1/k and 1/eta are one experiment.

Out of reach here: the paper's second row of plots, a fully connected network on the Avila data, for lack of
the trained network.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from potentials import Potential, styblinski_tang
from simdyn.study import Claim, Dimension, Execution, Grid, Quantity, Results, Study, StudyFigure, judge

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from numpy.random import SeedSequence
    from xarray import Dataset

    from simdyn import SGD, SGLD

DIM = 10
PAPER = "Xie, Sato & Sugiyama 2021"
OVERSHOOT_LIMIT = 0.01
"""Largest share of escapes beyond |x| = 5 (where the next step explodes) at which a cell counts as escape at
all."""


@dataclass(frozen=True)
class Settings:
    """Grids and sample sizes.

    Attributes
    ----------
    target_error
        Relative standard error of each measured mean.
    max_paths
        Largest number of paths of a cell.
    """

    target_error: float
    max_paths: int
    sgld_learning_rate: float
    temperatures: tuple[float, ...]
    curvature_learning_rate: float
    curvature_temperature: float
    curvatures: tuple[float, ...]
    batch_learning_rate: float
    batch_sizes: tuple[float, ...]
    rate_batch_size: float
    learning_rates: tuple[float, ...]
    large_batch_sizes: tuple[float, ...]
    large_batch_rates: tuple[float, ...]


QUICK = Settings(
    target_error=0.02,
    max_paths=4_000,
    sgld_learning_rate=0.001,
    temperatures=(4.0, 4.5, 5.0, 6.0, 8.0, 10.0),
    curvature_learning_rate=0.0005,
    curvature_temperature=5.0,
    curvatures=(0.25, 0.5, 1.0, 2.0),
    batch_learning_rate=0.02,
    batch_sizes=(0.04, 0.045, 0.05, 0.06, 0.07, 0.08),
    rate_batch_size=0.1,
    learning_rates=(0.02, 0.0225, 0.025, 0.03, 0.035, 0.04),
    large_batch_sizes=(0.125, 0.25, 0.5, 1.0, 2.0, 3.0),
    large_batch_rates=(0.01, 0.014, 0.02, 0.028, 0.04),
)
FULL = Settings(
    target_error=0.01,
    max_paths=12_000,
    sgld_learning_rate=0.001,
    temperatures=(3.0, 3.5, 4.0, 4.5, 5.0, 6.0, 7.0, 8.0, 10.0),
    curvature_learning_rate=0.00025,
    curvature_temperature=5.0,
    curvatures=(0.25, 0.5, 1.0, 2.0, 4.0),
    batch_learning_rate=0.02,
    batch_sizes=(0.04, 0.045, 0.05, 0.055, 0.06, 0.065, 0.07, 0.075, 0.08),
    rate_batch_size=0.1,
    learning_rates=(0.02, 0.021, 0.0225, 0.025, 0.0275, 0.03, 0.035, 0.04),
    large_batch_sizes=(0.1, 0.125, 0.1875, 0.25, 0.375, 0.5, 0.75, 1.0, 1.5, 2.0, 2.5, 3.0),
    large_batch_rates=(0.01, 0.012, 0.014, 0.017, 0.02, 0.024, 0.028, 0.034, 0.04),
)

MEASURED = (
    Quantity("steps", "steps", "measured mean escape time N"),
    Quantity("low", "steps", "lower end of the 95 % interval"),
    Quantity("high", "steps", "upper end of the 95 % interval"),
    Quantity("relative_error", "", "relative standard error"),
    Quantity("escapes", "", "observed escapes"),
    Quantity("censored", "", "paths that ran out of budget"),
    Quantity("diverged", "", "paths that blew up before leaving"),
    Quantity(
        "overshoot", "", "share of first-exit states beyond |x| = 5 (in units of the unscaled landscape)"
    ),
)
EXACT = (
    Quantity("exact", "steps", "exact mean escape time of the same chain"),
    Quantity("exact_error", "steps", "numerical error of the exact value"),
)
PREDICTED = Quantity("predicted", "steps", "closed form of the paper")


def grids(settings: Settings) -> list[Grid]:
    """The four experiments of the paper, and exact values where no simulation reaches."""
    curvature = Dimension("k", settings.curvatures, "", "curvature scale")
    ratios = tuple(rate / settings.learning_rates[0] for rate in settings.learning_rates)
    return [
        Grid(
            "sgld_temperature",
            "SGLD against temperature",
            [Dimension("D", settings.temperatures, "loss", "temperature, the diffusion coefficient")],
            [*MEASURED, *EXACT, PREDICTED],
            f"Learning rate {settings.sgld_learning_rate:g}, k = 1.",
        ),
        Grid(
            "sgld_curvature",
            "SGLD against curvature",
            [curvature],
            [*MEASURED, *EXACT, PREDICTED],
            f"Learning rate {settings.curvature_learning_rate:g}, D = {settings.curvature_temperature:g}.",
        ),
        Grid(
            "sgd_batch",
            "SGD against batch size",
            [Dimension("B", settings.batch_sizes, "", "effective batch size, batch size over temperature")],
            [*MEASURED, *EXACT, PREDICTED],
            f"Learning rate {settings.batch_learning_rate:g}, k = 1, C = |H|/B.",
        ),
        Grid(
            "sgd_learning_rate",
            "SGD against learning rate",
            [Dimension("eta", settings.learning_rates, "", "learning rate")],
            [*MEASURED, *EXACT, PREDICTED],
            f"Effective batch size {settings.rate_batch_size:g}, k = 1, C = |H|/B.",
        ),
        Grid(
            "sgd_curvature",
            "SGD against curvature",
            [Dimension("k", ratios, "", "curvature scale")],
            [*MEASURED, *EXACT, PREDICTED],
            f"Learning rate {settings.learning_rates[0]:g}, effective batch size "
            f"{settings.rate_batch_size:g}, C = |H|/B. "
            "The products of k and the learning rate are the learning rates of the grid before.",
        ),
        Grid(
            "sgd_batch_exact",
            "SGD against batch size, exact values alone",
            [Dimension("B", settings.large_batch_sizes, "", "effective batch size")],
            [*EXACT, PREDICTED],
            f"Learning rate {settings.batch_learning_rate:g}; no simulation reaches these times.",
        ),
        Grid(
            "sgd_learning_rate_exact",
            "SGD against learning rate, exact values alone",
            [Dimension("eta", settings.large_batch_rates, "", "learning rate")],
            [*EXACT, PREDICTED],
            "Batch size 1; no simulation reaches these times.",
        ),
    ]


def cell(
    grid: str, parameters: Mapping[str, Any], seed: SeedSequence, settings: Settings, execution: Execution
) -> dict[str, Any]:
    """One mean escape time, measured (where that is possible), exact and by the paper's formula."""
    from simdyn import escape_time, exact, theory

    landscape, dynamics = problem(grid, parameters, settings)
    if grid.startswith("sgld"):
        prediction = theory.eyring_kramers(landscape, dynamics, "deepest", "valley")
    else:
        prediction = theory.xie2021(landscape, dynamics, "deepest", "valley")
    if grid.endswith("_exact"):
        reference = exact.escape_time(landscape, dynamics, "deepest", "valley")
        return {
            "exact": reference.value,
            "exact_error": reference.error,
            "predicted": prediction.value,
        }
    answer = escape_time(
        landscape,
        dynamics,
        "deepest",
        "valley",
        paths=settings.max_paths,
        target_error=settings.target_error,
        seed=seed,
        threads=execution.threads,
        progress=lambda state: execution.progress.update(
            events=state.tally.events,
            censored_share=state.censored_share,
            relative_error=state.relative_error,
            steps=state.tally.path_steps,
        ),
    )
    assert answer.reference is not None
    records = answer.measurement.records
    scale = np.sqrt(landscape.parameters["k"])
    landed = np.abs(records.state[records.exited]).max(axis=1) * scale
    return {
        "steps": answer.value,
        "low": answer.low,
        "high": answer.high,
        "relative_error": answer.measurement.fit.relative_error,
        "escapes": answer.events,
        "censored": answer.censored,
        "diverged": answer.diverged,
        "overshoot": float((landed > 5.0).mean()),
        "exact": answer.reference.value,
        "exact_error": answer.reference.error,
        "predicted": prediction.value,
    }


def problem(grid: str, parameters: Mapping[str, Any], settings: Settings) -> tuple[Potential, SGD | SGLD]:
    """Landscape and dynamics of a cell."""
    from simdyn import SGD, SGLD

    landscape = styblinski_tang(dim=DIM, k=float(parameters.get("k", 1.0)))
    if grid == "sgld_temperature":
        return landscape, SGLD(settings.sgld_learning_rate, parameters["D"])
    if grid == "sgld_curvature":
        return landscape, SGLD(settings.curvature_learning_rate, settings.curvature_temperature)
    if grid in ("sgd_batch", "sgd_batch_exact"):
        eta, batch = settings.batch_learning_rate, parameters["B"]
    elif grid == "sgd_curvature":
        eta, batch = settings.learning_rates[0], settings.rate_batch_size
    else:
        eta = parameters["eta"]
        batch = 1.0 if grid.endswith("_exact") else settings.rate_batch_size
    return landscape, SGD(eta, batch, noise="hessian", floor=0.0)


# --- fits
# ------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Line:
    """Weighted least-squares line through independent points of known error."""

    slope: float
    error: float

    @property
    def low(self) -> float:
        """Lower end of the 95 % interval of the slope."""
        return self.slope - 1.96 * self.error

    @property
    def high(self) -> float:
        """Upper end of the 95 % interval of the slope."""
        return self.slope + 1.96 * self.error


def fit_line(x: np.ndarray, y: np.ndarray, sigma: np.ndarray) -> Line:
    """Slope of y against x and its standard error, with errors `sigma` of y."""
    weights = sigma**-2.0
    centre = float((weights * x).sum() / weights.sum())
    spread = float((weights * (x - centre) ** 2).sum())
    return Line(float((weights * (x - centre) * y).sum() / spread), spread**-0.5)


def usable(data: Dataset) -> np.ndarray:
    """Which cells are escapes rather than explosions: at most 1 % of overshoot and no diverged paths to speak
    of."""
    paths = data["escapes"] + data["censored"] + data["diverged"]
    return np.asarray((data["overshoot"] <= OVERSHOOT_LIMIT) & (data["diverged"] <= OVERSHOOT_LIMIT * paths))


def _halves(x: np.ndarray, y: np.ndarray, sigma: np.ndarray) -> tuple[float, float]:
    """Ratio of the slopes of the upper and the lower half of a curve, 1 for a straight line, and its standard
    error."""
    order = np.argsort(x)
    x, y, sigma = x[order], y[order], sigma[order]
    middle = len(x) // 2
    lower = fit_line(x[: middle + 1], y[: middle + 1], sigma[: middle + 1])
    upper = fit_line(x[middle:], y[middle:], sigma[middle:])
    ratio = upper.slope / lower.slope
    # The halves share one point; leaving their correlation out makes the error a little too large.
    return ratio, abs(ratio) * float(np.hypot(lower.error / lower.slope, upper.error / upper.slope))


# --- claims
# ----------------------------------------------------------------------------------------------------------


def claims(results: Results, settings: Settings) -> list[Claim]:
    """The statements of the paper that this run can judge, each from the measurements of this run."""
    return [
        _measured_is_exact(results),
        _sgld_time(results, settings),
        _sgld_temperature(results),
        _sgld_curvature(results, settings),
        _sgd_time(results),
        _sgd_batch_slope(results, settings),
        _sgd_batch_linear(results),
        _sgd_rate_linear(results),
        _sgd_identity(results),
    ]


_MEASURED_GRIDS = ("sgld_temperature", "sgld_curvature", "sgd_batch", "sgd_learning_rate", "sgd_curvature")


def _measured_is_exact(results: Results) -> Claim:
    logs, errors = [], []
    for name in _MEASURED_GRIDS:
        data = results[name]
        logs.append(np.log(data["steps"].values / data["exact"].values))
        errors.append(data["relative_error"].values)
    log, sigma = np.concatenate(logs), np.concatenate(errors)
    mean = float((log / sigma**2).sum() / (sigma**-2.0).sum())
    half = 1.96 * float((sigma**-2.0).sum() ** -0.5)
    low, high = np.exp(mean - half), np.exp(mean + half)
    worst = float(np.abs(log / sigma).max())
    return Claim(
        claim="The simulation samples the chain that it says: measured over exact mean escape time, all "
        "cells together, is 1",
        source="simdyn (transfer operator of one coordinate, first of ten)",
        predicted=1.0,
        measured=np.exp(mean),
        low=low,
        high=high,
        verdict=judge(low, high, 0.97, 1.03),
        why=f"{len(log)} cells; the largest deviation of a cell from its exact value is {worst:.1f} "
        "standard errors. Judged against 1 within 3 %.",
    )


def _sgld_time(results: Results, settings: Settings) -> Claim:
    data = results["sgld_temperature"].isel(D=0)
    ratio, low, high = (float(data[name] / data["predicted"]) for name in ("steps", "low", "high"))
    exact = float(data["exact"] / data["predicted"])
    last = results["sgld_temperature"].isel(D=-1)
    return Claim(
        claim="SGLD: equation (6) gives the mean escape time; measured over predicted at the lowest "
        f"temperature, D = {float(data.D):g}",
        source=f"{PAPER}, equation (6)",
        predicted=1.0,
        measured=ratio,
        low=low,
        high=high,
        verdict=judge(low, high, 0.85, 1.15),
        why="Read as the first crossing of the rim (half of (6), which is the time to another minimum) "
        "through ten saddles. The exact ratio is "
        f"{exact:.3f} here and {float(last['exact'] / last['predicted']):.3f} at D = {float(last.D):g}: "
        "the formula is asymptotic in D "
        "and in the learning rate. Judged against 1 within 15 %.",
    )


def _sgld_temperature(results: Results) -> Claim:
    data = results["sgld_temperature"]
    barrier = _barrier()
    x = 1.0 / data["D"].values
    line = fit_line(x, np.log(data["steps"].values), data["relative_error"].values)
    exact = fit_line(x, np.log(data["exact"].values), data["relative_error"].values)
    return Claim(
        claim="SGLD: minus the logarithm of the escape rate is linear in 1/D with the barrier as slope",
        source=f"{PAPER}, figure 8(b), whose caption says 1/B",
        predicted=barrier,
        measured=line.slope,
        low=line.low,
        high=line.high,
        unit="loss",
        verdict=judge(line.low, line.high, 0.95 * barrier, 1.05 * barrier),
        why=f"The exact values have the slope {exact.slope:.3f} in this window of D. Judged against the "
        "barrier within 5 %.",
    )


def _sgld_curvature(results: Results, settings: Settings) -> Claim:
    data = results["sgld_curvature"]
    x = np.log(data["k"].values)
    line = fit_line(x, -np.log(data["steps"].values), data["relative_error"].values)
    exact = fit_line(x, -np.log(data["exact"].values), data["relative_error"].values)
    return Claim(
        claim="SGLD: the escape rate is proportional to the curvature scale k; power of k",
        source=f"{PAPER}, figure 8(a)",
        predicted=1.0,
        measured=line.slope,
        low=line.low,
        high=line.high,
        verdict=judge(line.low, line.high, 0.95, 1.05),
        why=f"The exact power in this window is {exact.slope:.4f}; it would be 1 for a vanishing learning "
        "rate, because scaling all curvatures "
        "by k only speeds up time. Judged against 1 within 0.05.",
    )


def _sgd_time(results: Results) -> Claim:
    data = results["sgd_batch"].isel(B=-1)
    measured, low, high, predicted, exact = (
        float(data[name]) for name in ("steps", "low", "high", "predicted", "exact")
    )
    return Claim(
        claim=f"SGD: equation (7) gives the mean escape time, at B = {float(data.B):g}",
        source=f"{PAPER}, equation (7)",
        predicted=predicted,
        measured=measured,
        low=low,
        high=high,
        unit="steps",
        verdict=judge(low, high, predicted / 2, predicted * 2),
        why=f"Judged within a factor of two. The exact value of the chain, {exact:.5g} steps, lies "
        f"{'inside' if low <= exact <= high else 'outside'} the interval. The noise vanishes at the "
        "inflection point, "
        "which the SDE behind (7) never crosses and the chain hops over.",
    )


def _sgd_batch_slope(results: Results, settings: Settings) -> Claim:
    data = results["sgd_batch"].isel(B=usable(results["sgd_batch"]))
    x, sigma = data["B"].values, data["relative_error"].values
    line = fit_line(x, np.log(data["steps"].values), sigma)
    exact = fit_line(x, np.log(data["exact"].values), sigma)
    predicted = fit_line(x, np.log(data["predicted"].values), sigma).slope
    return Claim(
        claim="SGD: the slope of minus log rate against B is that of equation (7)",
        source=f"{PAPER}, equation (7), figure 7(b)",
        predicted=predicted,
        measured=line.slope,
        low=line.low,
        high=line.high,
        verdict=judge(line.low, line.high, 0.95 * predicted, 1.05 * predicted),
        why=f"The exact values of the chain have the slope {exact.slope:.2f} in this window. Judged "
        "against (7) within 5 %. "
        f"{len(x)} of {results['sgd_batch'].sizes['B']} cells have at most 1 % overshoot and enter the fit.",
    )


def _sgd_batch_linear(results: Results) -> Claim:
    data = results["sgd_batch_exact"]
    x, log = data["B"].values, np.log(data["exact"].values)
    error = data["exact_error"].values / data["exact"].values
    slopes = np.diff(log) / np.diff(x)
    ratio = float(slopes[-1] / slopes[-2])
    numerical = float(4 * error[-3:].max() / (log[-1] - log[-2]))
    return Claim(
        claim="SGD: minus the logarithm of the rate is linear in B; ratio of the last two slopes of the "
        "exact values",
        source=f"{PAPER}, figure 7(b)",
        predicted=1.0,
        measured=ratio,
        low=ratio - numerical,
        high=ratio + numerical,
        verdict=judge(ratio - numerical, ratio + numerical, 0.98, 1.02),
        why=f"Exact values alone: slopes {slopes[-2]:.2f} and {slopes[-1]:.2f} per unit of B, up to B = "
        f"{x[-1]:g}. The interval is the numerical error. "
        "Any noise that scales as 1/B gives such a line, so it does not test C = H/B. Judged against 1 "
        "within 2 %.",
    )


def _sgd_rate_linear(results: Results) -> Claim:
    data = results["sgd_learning_rate"].isel(eta=usable(results["sgd_learning_rate"]))
    x, sigma = 1.0 / data["eta"].values, data["relative_error"].values
    ratio, error = _halves(x, np.log(data["steps"].values), sigma)
    exact, _ = _halves(x, np.log(data["exact"].values), sigma)
    return Claim(
        claim="SGD: minus the logarithm of the rate is linear in 1/eta; slope of the upper half of the "
        "range over that of the lower",
        source=f"{PAPER}, figure 7(c)",
        predicted=1.0,
        measured=ratio,
        low=ratio - 1.96 * error,
        high=ratio + 1.96 * error,
        verdict=judge(ratio - 1.96 * error, ratio + 1.96 * error, 0.95, 1.05),
        why=f"The exact values give {exact:.3f}. The chain escapes by hopping over the point without "
        "noise, the more easily the larger its "
        "steps, so the exponent is not proportional to 1/eta. Judged against 1 within 0.05. "
        f"{len(x)} of {results['sgd_learning_rate'].sizes['eta']} cells have at most 1 % overshoot and "
        "enter the fit.",
    )


def _sgd_identity(results: Results) -> Claim:
    first, second = results["sgd_learning_rate"], results["sgd_curvature"]
    log = np.log(second["steps"].values / first["steps"].values)
    sigma = np.hypot(first["relative_error"].values, second["relative_error"].values)
    mean = float((log / sigma**2).sum() / (sigma**-2.0).sum())
    half = 1.96 * float((sigma**-2.0).sum() ** -0.5)
    low, high = np.exp(mean - half), np.exp(mean + half)
    exact = float(np.abs(second["exact"].values / first["exact"].values - 1).max())
    return Claim(
        claim="SGD: the dependence on 1/k is that on 1/eta, N_k(eta, B) = N_1(k eta, B); mean ratio of "
        "the two sides",
        source=f"Rescaling x -> sqrt(k) x; {PAPER}, figures 7(a) and 7(c), shows them as two findings",
        predicted=1.0,
        measured=np.exp(mean),
        low=low,
        high=high,
        verdict=judge(low, high, 0.95, 1.05),
        why=f"{len(log)} pairs with independent noise; the exact values of the two sides differ by at most"
        f" {exact:.1e}. Judged against 1 within 5 %.",
    )


def _barrier() -> float:
    """Height of the rim over the deepest minimum."""
    valley = styblinski_tang(dim=DIM).valley(styblinski_tang(dim=DIM).deepest())
    return float(valley.saddles[0].energy - valley.minimum.energy)


# --- figures
# ---------------------------------------------------------------------------------------------------------


def figures(results: Results, settings: Settings) -> list[StudyFigure]:
    """The paper's four plots with exact values beside them, the range beyond simulation, and all ratios to
    the exact values."""
    from simdyn.plotting.style import house_style

    with house_style():
        return [
            StudyFigure(
                "sgld",
                "SGLD. Left: escape rate per unit of time against the curvature scale. Right: minus log "
                "rate against 1/D. Points: measured, with "
                "95 % intervals (smaller than the symbols where not seen); black: exact value of the "
                "simulated chain; dashed: Eyring-Kramers, "
                "the paper's equation (6), read as the first crossing of the rim through ten saddles.",
                _sgld_figure(results, settings),
            ),
            StudyFigure(
                "sgd",
                "SGD with Gaussian noise of covariance |H|/B. Minus log rate, that is log N, against B, "
                "1/eta and 1/k. Points: measured, with 95 % intervals; "
                "crosses: cells with more than 1 % of first-exit states beyond |x| = 5, left out of every"
                " fit; black: exact value of the chain; "
                "dashed: the paper's equation (7). Right: hollow squares repeat the middle panel's points"
                " at k eta, the identity "
                "N_k(eta, B) = N_1(k eta, B).",
                _sgd_figure(results, settings),
            ),
            StudyFigure(
                "sgd_beyond",
                "Beyond direct simulation: exact values alone (black circles), with the measured cells in"
                " blue. Left: against B. Right: against 1/eta at "
                "B = 1. Dashed: equation (7).",
                _beyond_figure(results, settings),
            ),
            StudyFigure(
                "ratios",
                "Measured over exact mean escape time of every cell, with 95 % intervals. About one "
                "interval in twenty should miss the line.",
                _ratio_figure(results),
            ),
        ]


def _errorbars(
    axes: Axes, x: np.ndarray, data: Dataset, label: str | None = "measured", **style: Any
) -> None:
    """log N with its interval; cells with too much overshoot as crosses."""
    from simdyn.plotting.style import MEASURED as BLUE

    good = usable(data)
    log = np.log(data["steps"].values)
    ends = np.stack([log - np.log(data["low"].values), np.log(data["high"].values) - log])
    options = {"color": BLUE, "linestyle": "none", "zorder": 3, **style}
    axes.errorbar(x[good], log[good], ends[:, good], marker="o", label=label, **options)
    if not good.all():
        axes.errorbar(
            x[~good], log[~good], ends[:, ~good], marker="x", label="overshoot above 1 %", **options
        )


def _curves(axes: Axes, x: np.ndarray, data: Dataset, formula: str) -> None:
    from simdyn.plotting.style import EXACT as BLACK
    from simdyn.plotting.style import PREDICTED as COLOURS

    order = np.argsort(x)
    axes.plot(x[order], np.log(data["exact"].values)[order], color=BLACK, marker=".", label="exact (chain)")
    axes.plot(
        x[order], np.log(data["predicted"].values)[order], color=COLOURS[0], linestyle="--", label=formula
    )


def _sgld_figure(results: Results, settings: Settings) -> Figure:
    from simdyn.plotting.style import EXACT as BLACK
    from simdyn.plotting.style import MEASURED as BLUE
    from simdyn.plotting.style import PREDICTED as COLOURS
    from simdyn.plotting.style import new_figure

    figure = new_figure(7.2, 3.2)
    left, right = figure.subplots(1, 2)
    data, eta = results["sgld_curvature"], settings.curvature_learning_rate
    k = data["k"].values
    rate = 1.0 / (eta * data["steps"].values)
    ends = np.stack([rate - 1.0 / (eta * data["high"].values), 1.0 / (eta * data["low"].values) - rate])
    left.errorbar(k, rate, ends, marker="o", linestyle="none", color=BLUE, zorder=3, label="measured")
    left.plot(k, 1.0 / (eta * data["exact"].values), color=BLACK, marker=".", label="exact (chain)")
    left.plot(
        k, 1.0 / (eta * data["predicted"].values), color=COLOURS[0], linestyle="--", label="equation (6)"
    )
    left.set_xscale("log", base=2)
    left.set_yscale("log", base=2)
    left.set_xticks(k, [f"{value:g}" for value in k])
    left.set_xlabel("curvature scale k")
    left.set_ylabel("escape rate γ per unit of time")
    left.set_title(f"D = {settings.curvature_temperature:g}, η = {eta:g}")
    left.legend()
    data = results["sgld_temperature"]
    x = 1.0 / data["D"].values
    _errorbars(right, x, data)
    _curves(right, x, data, "equation (6)")
    right.set_xlabel("1/D")
    right.set_ylabel("−log γ per step = log N")
    right.set_title(f"k = 1, η = {settings.sgld_learning_rate:g}")
    right.legend()
    return figure


def _sgd_figure(results: Results, settings: Settings) -> Figure:
    from simdyn.plotting.style import PREDICTED as COLOURS
    from simdyn.plotting.style import new_figure

    figure = new_figure(7.2, 3.3)
    batch, rate, curvature = figure.subplots(1, 3)
    data = results["sgd_batch"]
    _errorbars(batch, data["B"].values, data)
    _curves(batch, data["B"].values, data, "equation (7)")
    batch.set_xlabel("effective batch size B")
    batch.set_ylabel("−log γ per step = log N")
    batch.set_title(f"k = 1, η = {settings.batch_learning_rate:g}")
    other = results["sgd_learning_rate"]
    _errorbars(rate, 1.0 / other["eta"].values, other)
    _curves(rate, 1.0 / other["eta"].values, other, "equation (7)")
    rate.set_xlabel("1/η")
    rate.set_title(f"k = 1, B = {settings.rate_batch_size:g}")
    data, eta = results["sgd_curvature"], settings.learning_rates[0]
    _errorbars(curvature, 1.0 / data["k"].values, data)
    _curves(curvature, 1.0 / data["k"].values, data, "equation (7)")
    curvature.plot(
        eta / other["eta"].values,
        np.log(other["steps"].values),
        marker="s",
        markersize=8,
        markerfacecolor="none",
        color=COLOURS[1],
        linestyle="none",
        label="middle panel at kη",
    )
    curvature.set_xlabel("1/k")
    curvature.set_title(f"η = {eta:g}, B = {settings.rate_batch_size:g}")
    known = {}
    for axes in (batch, rate, curvature):
        handles, labels = axes.get_legend_handles_labels()
        known.update(dict(zip(labels, handles, strict=True)))
    figure.legend(known.values(), known.keys(), loc="outside lower center", ncols=5, fontsize=7.5)
    return figure


def _beyond_figure(results: Results, settings: Settings) -> Figure:
    from simdyn.plotting.style import EXACT as BLACK
    from simdyn.plotting.style import MEASURED as BLUE
    from simdyn.plotting.style import PREDICTED as COLOURS
    from simdyn.plotting.style import new_figure

    figure = new_figure(7.2, 3.2)
    left, right = figure.subplots(1, 2)
    panels = (
        (left, "B", lambda v: v, "sgd_batch_exact", results["sgd_batch"]),
        (right, "eta", lambda v: 1.0 / v, "sgd_learning_rate_exact", None),
    )
    for axes, dimension, scale, name, measured in panels:
        data = results[name]
        x = scale(data[dimension].values)
        order = np.argsort(x)
        axes.plot(
            x[order],
            np.log10(data["exact"].values)[order],
            color=BLACK,
            marker="o",
            markerfacecolor="none",
            label="exact (no simulation)",
        )
        axes.plot(
            x[order],
            np.log10(data["predicted"].values)[order],
            color=COLOURS[0],
            linestyle="--",
            label="equation (7)",
        )
        if measured is not None:
            axes.plot(
                measured[dimension].values,
                np.log10(measured["steps"].values),
                color=BLUE,
                marker=".",
                linestyle="none",
                label="measured",
            )
        axes.legend()
    left.set_xlabel("effective batch size B")
    left.set_ylabel("log10 of mean escape time in steps")
    left.set_title(f"k = 1, η = {settings.batch_learning_rate:g}")
    right.set_xlabel("1/η")
    right.set_title("k = 1, B = 1")
    return figure


def _ratio_figure(results: Results) -> Figure:
    from simdyn.plotting.style import MEASURED as BLUE
    from simdyn.plotting.style import new_figure

    names, ratios, lows, highs, edges = [], [], [], [], []
    for grid in _MEASURED_GRIDS:
        data = results[grid]
        (dimension,) = data.dims
        edges.append(len(names))
        for i, value in enumerate(data[dimension].values):
            point = data.isel({dimension: i})
            names.append(f"{grid.replace('_', ' ')}: {dimension} = {value:.4g}")
            exact = float(point["exact"])
            ratios.append(float(point["steps"]) / exact)
            lows.append(ratios[-1] - float(point["low"]) / exact)
            highs.append(float(point["high"]) / exact - ratios[-1])
    figure = new_figure(6.0, 0.8 + 0.17 * len(names))
    axes = figure.subplots()
    y = np.arange(len(names))
    axes.axvline(1.0, color="black", linewidth=1)
    axes.errorbar(ratios, y, xerr=[lows, highs], color=BLUE, marker="o", linestyle="none")
    for edge in edges[1:]:
        axes.axhline(edge - 0.5, color="#999999", linewidth=0.5)
    axes.set_yticks(y, names, fontsize=7)
    axes.set_ylim(len(names) - 0.5, -0.5)
    axes.set_xlabel("measured / exact mean escape time")
    return figure


STUDY = Study(
    name="xie2021",
    title="Escape from sharp valleys by SGLD and SGD: the Styblinski-Tang experiment",
    source="Zeke Xie, Issei Sato, Masashi Sugiyama: A Diffusion Theory for Deep Learning Dynamics: "
    "Stochastic Gradient "
    "Descent Exponentially Favors Flat Minima, ICLR 2021, arXiv 2002.03495",
    summary="How long do SGLD and SGD take to leave the deepest valley of the 10-dimensional Styblinski-Tang "
    "function, and do they follow the paper's closed forms? Theory lets one expect that SGLD does: "
    "equation (6) is "
    "the Eyring-Kramers law. It lets one expect that SGD with noise of covariance |H|/B does not: "
    "equation (7) comes from an "
    "SDE that cannot cross the point where the curvature, and with it the noise, vanishes, while the "
    "discrete chain "
    "hops over it. The verdicts below are computed from the measurements of this run.\n\n"
    "Every mean escape time is given up to three times: measured by direct simulation with a 95 % "
    "interval, by the "
    "paper's formula, and exactly, for the very chain that was simulated.",
    methods="Landscape: f(x) = sum of (x_i^4 - 16 x_i^2 + 5 x_i)/2 over ten coordinates, with x replaced "
    "by sqrt(k) x. Start: the deepest minimum, "
    "all coordinates at -2.9035/sqrt(k). Exit: the first coordinate beyond 0.1567/sqrt(k), the rim of the"
    " valley. Times are iterations.\n\n"
    "Measured: independent paths until the relative standard error is met, mean by censored-exponential "
    "maximum likelihood with a chi-square interval. "
    "Exact: the chain factorises into ten equal coordinates; the survival function S_n of one, killed "
    "beyond its rim, comes from its transfer "
    "operator, and the mean first passage of the first of ten is the sum of S_n^10.\n\n"
    "SGD with |H| noise is measured at effective batch sizes B (batch size over temperature) far below 1,"
    " because log N grows like 122 B at a learning rate of 0.02: "
    "for B of 1 and more only exact values are drawn. A first-exit state beyond |x| = 5 is an overshoot "
    "into the region where the next step "
    "explodes, not an escape; cells with more than 1 % of them are marked and left out of fits.",
    quick=QUICK,
    full=FULL,
    grids=grids,
    cell=cell,
    figures=figures,
    claims=claims,
)
