"""What the paper states of the noise of networks and of leaving their minima, and what this run says."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import xarray as xr

from simdyn.inference import jackknife
from simdyn.study import Claim, Results, Verdict, judge
from studies.xie2021.networks import band
from studies.xie2021.settings import DECK, HISTOGRAM_BATCH, PAPER, Settings
from studies.xie2021.slopes import halves, mean_ratio

NOT_GAUSSIAN = 0.1
"""So far from the Gaussian law, and farther, counts as not Gaussian."""

NETWORK_CLAIMS = {
    "gaussian": (
        f"The gradient noise is Gaussian for batches of {HISTOGRAM_BATCH} and more; largest distance "
        "between the laws of its norm and of that of Gaussian noise with the same covariance, over data "
        "sets, layers and batch sizes, before training and at a minimum",
        f"{DECK}, figure 3",
    ),
    "levy": (
        "It is Gaussian rather than Levy noise of equal coordinates; distance from the latter less that "
        "from the former, least over data sets, layers and batch sizes",
        f"{DECK}, figure 3",
    ),
    "pooled": (
        "A tail index below 2 of all coordinates together is what Gaussian coordinates of different scales "
        "give; ratio of the two, largest batch",
        f"{DECK}, on Simsekli et al. 2019",
    ),
    "layers": (
        "The noise is more Gaussian on some layers and networks than on others; largest less least distance "
        f"over layers and data sets, at batches of {HISTOGRAM_BATCH}",
        f"{DECK}, figure 3",
    ),
    "slope": (
        "Near a minimum C is proportional to H; power with which the variance of the noise along the top "
        "eigenvectors grows with their eigenvalues",
        f"{PAPER}, equation (3), figure 4",
    ),
    "size": (
        "Near a minimum C is H / B in size, too; B times the variance of the noise along the top "
        "eigenvectors over their eigenvalues",
        f"{PAPER}, equation (3), figure 4",
    ),
    "cosine": (
        "Near a minimum C is proportional to H; cosine between the two matrices",
        f"{PAPER}, equation (3), figure 4",
    ),
    "far": (
        "Away from a minimum it is not: cosine before training",
        "simdyn: equation (3) needs small residuals of a likelihood",
    ),
    "batch": (
        "Networks: -log(rate) is linear in B; slope of the upper over that of the lower half",
        f"{PAPER}, figure 7(b), bottom",
    ),
    "rate": (
        "Networks: -log(rate) is linear in 1/eta; slope of the upper over that of the lower half",
        f"{PAPER}, figure 7(c), bottom",
    ),
    "curvature": (
        "Networks: the dependence on 1/k is that on 1/eta; mean ratio of the times",
        f"Rescaling theta -> sqrt(k) theta; {PAPER}, figures 7(a) and 7(c), bottom",
    ),
    "ratio": (
        "Networks: B and 1/eta matter through B / eta alone; growth of log of the time eta N with 1/eta "
        "over that with B",
        f"{PAPER}, equation (7)",
    ),
    "exponential": (
        "Networks: large batches and small rates keep a path longer by more than any low power of B / eta; "
        "power of it with which the time grows from the least to the largest",
        f"{PAPER}, title and equation (7), which say exponentially",
    ),
}
"""Statement and source."""


def has_networks(results: Results) -> bool:
    """Whether a run was one with the networks."""
    return "leaving" in results.datasets


def not_run() -> list[Claim]:
    """All of them without a measurement."""
    return [
        Claim(
            claim=claim,
            source=source,
            verdict="not run",
            why='PyTorch and scikit-learn are not installed; add them with pip install "simdyn[torch]".',
        )
        for claim, source in NETWORK_CLAIMS.values()
    ]


def network_claims(results: Results, settings: Settings) -> list[Claim]:
    """Each judged from the networks of this run."""
    return [
        _gaussian(results, settings),
        _rather(results, settings),
        _pooled(results),
        _layers(results),
        _aligned("slope", results, -1, (0.8, 1.25), "Judged within 0.8 and 1.25.", 1.0),
        _aligned("size", results, -1, (0.8, 1.25), "Judged within 0.8 and 1.25.", 1.0),
        _aligned("cosine", results, -1, (0.9, np.inf), "Judged from 0.9 on.", 1.0),
        _aligned("far", results, 0, (-1.0, 0.9), "Judged below 0.9."),
        _straight("batch", results, "B"),
        _straight("rate", results, "eta"),
        _identity(results),
        _ratio(results),
        _exponential(results),
    ]


def _claim(
    name: str,
    found: tuple[float, float, float],
    band: tuple[float, float],
    why: str,
    predicted: float | None = None,
) -> Claim:
    claim, source = NETWORK_CLAIMS[name]
    value, low, high = found
    return Claim(
        claim=claim,
        source=source,
        predicted=predicted,
        measured=value,
        low=low,
        high=high,
        verdict=judge(low, high, *band),
        why=why,
    )


def _in_all(
    name: str,
    found: Mapping[str, tuple[float, float, float]],
    within: tuple[float, float],
    why: str,
    predicted: float | None = None,
) -> Claim:
    """A claim on each of several cases, such as data sets, which are not alike and so are not averaged.

    Parameters
    ----------
    found
        Of each case the value, its standard error, and the degrees of freedom of that.
    within
        Every case is judged by this band, with intervals that hold for all of them together with 95 %
        (Bonferroni). The claim shows the case that decides: of those that are refuted, else undecided, else
        of all, the one that is farthest out.
    """
    from scipy.stats import t

    claim, source = NETWORK_CLAIMS[name]
    if not found:
        return Claim(
            claim=claim,
            source=source,
            predicted=predicted,
            verdict="undecided",
            why="Too few networks left.",
        )
    ends = {}
    for case, (value, error, freedom) in found.items():
        half = float(t.ppf(1 - 0.025 / len(found), freedom)) * error
        ends[case] = (value, value - half, value + half)
    verdicts = {case: judge(low, high, *within) for case, (_, low, high) in ends.items()}
    order: tuple[Verdict, ...] = ("does not hold", "undecided", "holds")
    verdict = next(one for one in order if one in verdicts.values())
    deciding = [case for case, one in verdicts.items() if one == verdict]
    shown = min(deciding, key=lambda case: min(ends[case][0] - within[0], within[1] - ends[case][0]))
    if verdict == "does not hold" and "holds" in verdicts.values():
        verdict = "holds only here"
    value, low, high = ends[shown]
    listed = "; ".join(f"{case} {one:.2f} ({a:.2f} to {b:.2f})" for case, (one, a, b) in ends.items())
    return Claim(
        claim=claim,
        source=source,
        predicted=predicted,
        measured=value,
        low=low,
        high=high,
        verdict=verdict,
        why=f"Each judged for itself: {listed}. {why}".strip(),
    )


def _large(results: Results) -> xr.Dataset:
    data = results["noise"].sortby("step")
    return data.isel(B=np.flatnonzero(data["B"].values >= HISTOGRAM_BATCH))


def _named(data: xr.Dataset | xr.DataArray) -> str:
    return f"{data['data'].item()}, {data['layer'].item()} layer, {int(data['B'])} samples"


def _gaussian(results: Results, settings: Settings) -> Claim:
    data = _large(results)
    reach = band(settings.noise_draws, data["gaussian"].size)
    worst = []
    for place in (0, -1):
        one = data.isel(step=place).stack(case=("data", "layer", "B"))
        worst.append(one.isel(case=int(one["gaussian"].values.argmax())))
    ends = [(float(one["gaussian"]) - reach, float(one["gaussian"]) + reach) for one in worst]
    begun, ended = (judge(max(0.0, low), high, 0.0, NOT_GAUSSIAN) for low, high in ends)
    shown = int(float(worst[1]["gaussian"]) > float(worst[0]["gaussian"]))
    found = _claim(
        "gaussian",
        (float(worst[shown]["gaussian"]), max(0.0, ends[shown][0]), ends[shown][1]),
        (0.0, NOT_GAUSSIAN),
        f"Before training the largest is {float(worst[0]['gaussian']):.3f} ({_named(worst[0])}), at the end "
        f"{float(worst[1]['gaussian']):.3f} ({_named(worst[1])}). At a minimum that interpolates a few "
        "samples make up the covariance, and their number in a batch is not Gaussian. Simultaneous "
        "band. Judged by "
        f"{NOT_GAUSSIAN:g}; holds only here if it does before training and not at the end.",
        0.0,
    )
    if (begun, ended) == ("holds", "does not hold"):
        return dataclasses.replace(found, verdict="holds only here")
    return found


def _rather(results: Results, settings: Settings) -> Claim:
    data = _large(results)
    less = (data["levy"] - data["gaussian"]).stack(case=("data", "layer", "B", "step"))
    at = less.isel(case=int(less.values.argmin()))
    # Both distances have a band of its own.
    reach = 2 * band(settings.noise_draws, 2 * less.size)
    value = float(at)
    return _claim(
        "levy",
        (value, value - reach, value + reach),
        (0.0, 1.0),
        f"Least: {_named(at)}, step {int(at['step'])}. The heavy-tailed law has the index and the median "
        "size of all coordinates together. Judged by its sign.",
    )


def _pooled(results: Results) -> Claim:
    data = results["noise"].sortby("B").isel(B=-1)
    ratios = (data["pooled"] / data["pooled_gaussian"]).values.ravel()
    low, high = float(ratios.min()), float(ratios.max())
    return _claim(
        "pooled",
        (float(np.exp(np.log(ratios).mean())), low, high),
        (0.85, 1.15),
        f"{len(ratios)} cases, whose range is the interval; the pooled index is as low as "
        f"{float(data['pooled'].min()):.2f}, the median of those of single coordinates at least "
        f"{float(data['index'].min()):.2f}. Judged within 15 % in all.",
        1.0,
    )


def _layers(results: Results) -> Claim:
    from scipy.stats import norm

    data = results["noise"].sel(B=HISTOGRAM_BATCH).stack(case=("data", "layer"))
    found = []
    for step in data["step"].values:
        one = data.sel(step=step)
        most, least = (one.isel(case=int(f(one["gaussian"].values))) for f in (np.argmax, np.argmin))
        spread = float(most["gaussian"] - least["gaussian"])
        found.append((spread, float(np.hypot(most["gaussian_error"], least["gaussian_error"])), most, least))
    spread, error, most, least = max(found, key=lambda one: one[0])
    # The pair is picked among all pairs of either stage.
    pairs = len(found) * data.sizes["case"] * (data.sizes["case"] - 1) / 2
    half = float(norm.ppf(1 - 0.025 / pairs)) * error
    return _claim(
        "layers",
        (spread, spread - half, spread + half),
        (NOT_GAUSSIAN / 2, 1.0),
        f"Step {int(most['step'])}: least Gaussian {_named(most)}, most {_named(least)}. Largest less least "
        f"is never below 0; holds if above {NOT_GAUSSIAN / 2:g}, half of what counts as not Gaussian.",
    )


def _aligned(
    name: str,
    results: Results,
    place: int,
    within: tuple[float, float],
    words: str,
    predicted: float | None = None,
) -> Claim:
    data = results["alignment"].sortby("step").isel(step=place)
    found = {}
    for one in data["data"].values:
        values = data["cosine" if name == "far" else name].sel(data=one).values
        mean = jackknife(np.stack([values, np.ones(len(values))], axis=1), lambda sums: sums[0] / sums[1])
        found[str(one)] = (float(mean.value), float(mean.error), max(1, len(values) - 1))
    why = f"{data.sizes['run']} networks each, after {int(data['step'])} steps. {words}"
    return _in_all(name, found, within, why, predicted)


def _names(results: Results) -> list[str]:
    return [str(name) for name in results["leaving"]["data"].values]


@dataclass(frozen=True)
class Curve:
    """Log of the mean number of steps until networks leave, against B or 1 / eta over its least value."""

    x: np.ndarray
    log: np.ndarray
    error: np.ndarray


def _curve(results: Results, data: str, varied: str) -> Curve:
    """Without the cells in which no network left. That against 1 / eta takes in that against 1 / k, which
    has the same law, as is judged by itself."""
    cells = results["leaving"].sel(data=data, varied=["B"] if varied == "B" else ["eta", "k"])
    cells = cells.sortby("factor").transpose("varied", "factor")
    left = cells["left"].values > 0
    weights = np.where(left, cells["relative_error"].values, np.inf) ** -2.0
    total = weights.sum(0)
    kept = total > 0
    logs = np.where(left, np.log(cells["steps"].values), 0.0)
    # B is a whole number, so that it need not be the factor.
    sizes = cells["size"].values[0] / cells["size"].values[0, 0]
    x = sizes if varied == "B" else cells["factor"].values.astype(float)
    return Curve(x[kept], (weights * logs).sum(0)[kept] / total[kept], total[kept] ** -0.5)


def _identity(results: Results) -> Claim:
    first = results["leaving"].sel(varied="eta")
    second = results["leaving"].sel(varied="k")
    both = (first["left"].values > 0) & (second["left"].values > 0)
    log = np.log(second["steps"].values[both] / first["steps"].values[both])
    sigma = np.hypot(first["relative_error"].values[both], second["relative_error"].values[both])
    return _claim(
        "curvature",
        mean_ratio(log, sigma),
        (0.9, 1.1),
        f"{len(log)} pairs with independent batches. It is an identity, not a second finding. Judged within "
        "10 %.",
        1.0,
    )


def _straight(name: str, results: Results, varied: str) -> Claim:
    found = {}
    for data in _names(results):
        curve = _curve(results, data, varied)
        if len(curve.x) >= 3:
            found[data] = (*halves(curve.x, curve.log, curve.error), np.inf)
    return _in_all(
        name, found, (0.8, 1.2), "Judged within 20 %. A line would not show that the noise is C = H/B.", 1.0
    )


def _slope(curve: Curve, weights: np.ndarray) -> tuple[float, float]:
    """Of a line with given weights, and its standard error."""
    shares = weights * (curve.x - (weights * curve.x).sum() / weights.sum())
    shares /= (shares * curve.x).sum()
    return float((shares * curve.log).sum()), float(np.linalg.norm(shares * curve.error))


def _ratio(results: Results) -> Claim:
    found = {}
    for data in _names(results):
        batch, rate = (_curve(results, data, varied) for varied in ("B", "eta"))
        if min(len(batch.x), len(rate.x)) < 2 or not np.array_equal(batch.x, rate.x):
            continue
        # One set of weights, so that a bend of both curves is no difference.
        weights = 1 / (batch.error**2 + rate.error**2)
        of_batch, batch_error = _slope(batch, weights)
        of_rate, rate_error = _slope(dataclasses.replace(rate, log=rate.log - np.log(rate.x)), weights)
        with np.errstate(all="ignore"):
            value = float(np.divide(of_rate, of_batch))
            error = float(np.hypot(np.divide(rate_error, of_batch), value * np.divide(batch_error, of_batch)))
        found[data] = (value, error, np.inf)
    return _in_all("ratio", found, (0.8, 1.2), "Slopes of lines. Judged within 20 %.", 1.0)


def _exponential(results: Results) -> Claim:
    found = {}
    for data in _names(results):
        for varied in ("B", "eta"):
            curve = _curve(results, data, varied)
            if len(curve.x) >= 2:
                growth = float(np.log(curve.x[-1] / curve.x[0]))
                value = float(curve.log[-1] - curve.log[0]) / growth
                error = float(np.hypot(curve.error[0], curve.error[-1])) / growth
                found[f"{data} against {'B' if varied == 'B' else '1/eta'}"] = (value, error, np.inf)
    return _in_all(
        "exponential",
        found,
        (2.0, np.inf),
        "Holds if above 2; so short a range does not tell an exponential from a higher power.",
    )
