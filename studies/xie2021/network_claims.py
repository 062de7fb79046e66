"""What the paper states of the noise of networks and of leaving their minima, and what this run says."""

from __future__ import annotations

import numpy as np
import xarray as xr

from simdyn.study import Claim, Results, judge, mean_claim
from studies.xie2021.networks import HISTOGRAM_BATCH
from studies.xie2021.settings import DECK, PAPER, Settings
from studies.xie2021.slopes import halves, mean_ratio

NETWORK_CLAIMS = {
    "gaussian": (
        f"The gradient noise is Gaussian for batches of {HISTOGRAM_BATCH} and more; largest distance "
        "between the "
        "laws of its norm and of that of Gaussian noise with the same covariance, over layers and batch "
        "sizes",
        f"{DECK}, figure 3",
    ),
    "levy": (
        "It is Gaussian rather than Levy noise of equal coordinates; distance from the latter less that "
        "from the "
        "former, least over layers and batch sizes",
        f"{DECK}, figure 3",
    ),
    "pooled": (
        "A tail index below 2 of all coordinates together is what Gaussian coordinates of different scales "
        "give; "
        "ratio of the two, largest batch",
        f"{DECK}, on Simsekli et al. 2019",
    ),
    "layers": (
        "The noise is more Gaussian on some layers than on others; largest less least distance, at batches "
        "of "
        f"{HISTOGRAM_BATCH}",
        f"{DECK}, figure 3",
    ),
    "slope": (
        "Near a minimum C is proportional to H; power with which the variance of the noise along the top "
        "eigenvectors grows with their eigenvalues",
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
        "over that "
        "with B",
        f"{PAPER}, equation (7)",
    ),
    "exponential": (
        "Networks: large batches and small rates keep a path longer by more than any low power of B / eta; "
        "log of the ratio of the times at the largest and at the least B / eta, the one that is least above "
        "the square",
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
        _gaussian(results),
        _rather(results),
        _pooled(results),
        _layers(results),
        _near("slope", results, 0.8, 1.25),
        _near("cosine", results, 0.9, 1.0),
        _far(results),
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


def _large(results: Results) -> xr.Dataset:
    data = results["noise"]
    return data.isel(B=np.flatnonzero(data["B"].values >= HISTOGRAM_BATCH)).stack(case=("step", "layer", "B"))


def _named(data: xr.Dataset) -> str:
    return f"{data['layer'].item()} layer, {int(data['B'])} samples, step {int(data['step'])}"


def _gaussian(results: Results) -> Claim:
    data = _large(results)
    worst = data.isel(case=int(data["gaussian"].values.argmax()))
    first = results["noise"].sortby("step").isel(step=0)
    first = first.isel(B=np.flatnonzero(first["B"].values >= HISTOGRAM_BATCH))
    return _claim(
        "gaussian",
        (float(worst["gaussian"]), float(worst["gaussian_low"]), float(worst["gaussian_high"])),
        (0.0, 0.1),
        f"Worst: {_named(worst)}; before training the largest is {float(first['gaussian'].max()):.3f}. At a "
        "minimum "
        "that interpolates a few samples make up the covariance, and their number in a batch is not "
        "Gaussian. "
        "Judged by 0.1.",
        0.0,
    )


def _rather(results: Results) -> Claim:
    data = _large(results)
    less = data["levy"] - data["gaussian"]
    worst = data.isel(case=int(less.values.argmin()))
    # Both distances have the same band; that of the difference is at most twice as wide.
    reach = float(worst["levy_high"] - worst["levy_low"])
    value = float(worst["levy"] - worst["gaussian"])
    return _claim(
        "levy",
        (value, value - reach, value + reach),
        (0.0, 1.0),
        f"Least: {_named(worst)}. The heavy-tailed law has the index and the median size of all coordinates "
        "together. Judged by its sign.",
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
    data = results["noise"].sel(B=HISTOGRAM_BATCH)
    spread = data["gaussian"].max("layer") - data["gaussian"].min("layer")
    at = data.isel(step=int(spread.values.argmax()))
    most, least = int(at["gaussian"].values.argmax()), int(at["gaussian"].values.argmin())
    reach = float(at["gaussian_high"][most] - at["gaussian"][most])
    value = float(spread.max())
    return _claim(
        "layers",
        (value, value - 2 * reach, value + 2 * reach),
        (0.0, 1.0),
        f"Step {int(at['step'])}: least Gaussian on the {at['layer'].values[most]}, most on the "
        f"{at['layer'].values[least]} layer. Judged by its sign.",
    )


def _near(name: str, results: Results, low: float, high: float) -> Claim:
    data = results["alignment"].sortby("step").isel(step=-1)
    values = data[name]
    claim, source = NETWORK_CLAIMS[name]
    by_data = ", ".join(
        f"{one} {float(values.sel(data=one).mean()):.2f}" for one in values["data"].values.tolist()
    )
    words = f"After {int(data['step'])} steps: {by_data}. Judged between {low:g} and {high:g}."
    return mean_claim(claim, source, values.values.ravel(), low, high, predicted=1.0, why=words)


def _far(results: Results) -> Claim:
    data = results["alignment"].sortby("step").isel(step=0)
    claim, source = NETWORK_CLAIMS["far"]
    return mean_claim(claim, source, data["cosine"].values.ravel(), -1.0, 0.9, why="Judged by 0.9.")


def _leaving(results: Results, data: str, varied: str) -> xr.Dataset:
    """One curve, by factor, without the cells in which no network left."""
    found = results["leaving"].sel(data=data, varied=varied).sortby("factor")
    return found.isel(factor=np.flatnonzero(found["left"].values > 0))


def _names(results: Results) -> list[str]:
    return [str(name) for name in results["leaving"]["data"].values]


def _abscissa(found: xr.Dataset, varied: str) -> np.ndarray:
    """B itself, which is a whole number, over its least value; or the factor."""
    x = found["size"].values / found["size"].values[0] if varied == "B" else found["factor"].values
    return np.asarray(x, dtype=float)


def _too_few(name: str, predicted: float | None = None) -> Claim:
    claim, source = NETWORK_CLAIMS[name]
    return Claim(
        claim=claim, source=source, predicted=predicted, verdict="undecided", why="Too few networks left."
    )


def _straight(name: str, results: Results, varied: str) -> Claim:
    logs, errors, words = [], [], []
    for data in _names(results):
        found = _leaving(results, data, varied)
        if found.sizes["factor"] < 3:
            continue
        value, error = halves(
            _abscissa(found, varied), np.log(found["steps"].values), found["relative_error"].values
        )
        words.append(f"{data} {value:.2f} +- {1.96 * error:.2f}")
        logs.append(value)
        errors.append(error)
    if not logs:
        return _too_few(name, 1.0)
    ratios, weights = np.array(logs), np.array(errors) ** -2.0
    value, half = float((ratios * weights).sum() / weights.sum()), 1.96 * float(weights.sum() ** -0.5)
    return _claim(
        name,
        (value, value - half, value + half),
        (0.8, 1.2),
        f"{'; '.join(words)}. Weighted mean of the data sets, judged within 20 %. A line would not show "
        "that the "
        "noise is C = H/B.",
        1.0,
    )


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


def _ratio(results: Results) -> Claim:
    values, errors, words = [], [], []
    for data in _names(results):
        slopes = []
        for varied in ("eta", "B"):
            found = _leaving(results, data, varied)
            if found.sizes["factor"] < 2:
                break
            x, ends = _abscissa(found, varied), found["steps"].values * found["rate"].values
            growth = float(np.log(ends[-1] / ends[0]) / (x[-1] - x[0]))
            error = float(np.hypot(found["relative_error"][0], found["relative_error"][-1])) / (x[-1] - x[0])
            slopes.append((growth, error))
        if len(slopes) < 2:
            continue
        (rate, rate_error), (batch, batch_error) = slopes
        with np.errstate(all="ignore"):
            values.append(np.divide(rate, batch))
            errors.append(np.hypot(np.divide(rate_error, batch), values[-1] * np.divide(batch_error, batch)))
        words.append(f"{data} {values[-1]:.2f} +- {1.96 * errors[-1]:.2f}")
    if not values:
        return _too_few("ratio", 1.0)
    ratios, weights = np.array(values), np.array(errors) ** -2.0
    value, half = float((ratios * weights).sum() / weights.sum()), 1.96 * float(weights.sum() ** -0.5)
    return _claim(
        "ratio",
        (value, value - half, value + half),
        (0.8, 1.2),
        f"{'; '.join(words)}. Judged within 20 %.",
        1.0,
    )


def _exponential(results: Results) -> Claim:
    found = []
    for data in _names(results):
        for varied in ("B", "eta"):
            curve = _leaving(results, data, varied)
            if curve.sizes["factor"] < 2:
                continue
            log = float(np.log(curve["steps"][-1] / curve["steps"][0]))
            error = float(np.hypot(curve["relative_error"][0], curve["relative_error"][-1]))
            power = float(np.log(_abscissa(curve, varied)[-1]))
            found.append((log, error, power, f"{data} against {varied}"))
    if not found:
        return _too_few("exponential")
    log, error, power, words = min(found, key=lambda one: one[0] - 2 * one[2])
    return _claim(
        "exponential",
        (log, log - 1.96 * error, log + 1.96 * error),
        (2 * power, np.inf),
        f"Least: {words}, where B / eta grows by {np.exp(power):.3g} and the time like its power "
        f"{log / power:.1f}. Judged by whether it grows faster than the square; so short a range does not "
        "tell an exponential from a higher power.",
    )
