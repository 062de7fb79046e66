"""What the slides state of noise, rescaling and equilibrium, and what this run says of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from simdyn.inference import fit_line
from simdyn.study import Claim, Results, Verdict, coverage_claim, judge
from studies.jastrzebski2017.experiment import has_networks
from studies.jastrzebski2017.network_claims import not_run, of_networks
from studies.jastrzebski2017.reparametrised import of_reparametrisation
from studies.jastrzebski2017.settings import FACTORS, Settings
from studies.jastrzebski2017.valley_claims import at_both_ends, of_valleys

if TYPE_CHECKING:
    from xarray import Dataset

Array = np.ndarray

SAME = 0.05
"""Laws and losses that differ by less count as unchanged."""

_EXACT: tuple[tuple[str, str, str, dict[str, list[str]]], ...] = (
    ("equilibrium", "share", "chain", {"noise": ["isotropic", "curvature"]}),
    ("scaling", "ratio", "exact", {}),
    ("course", "loss", "exact", {}),
    ("cloud", "width", "exact", {}),
    ("leaving", "scaled", "exact", {}),
)


def claims(results: Results, settings: Settings) -> list[Claim]:
    """All statements, each judged from the measurements of this run; those about networks need PyTorch."""
    found = [
        _measured_is_exact(results),
        _gibbs_law(results),
        _real_batches(results),
        _weights(results),
        _width_over_depth(results),
        _determinants(results),
        _other_noise(results),
        _same_spread(results),
        _spread_breaks(results),
        _without_replacement(results, settings),
        _same_course(results),
        _course_breaks(results, settings),
        *of_reparametrisation(results),
        *of_valleys(results, settings),
    ]
    return found + (of_networks(results, settings) if has_networks(results) else not_run())


def _measured_is_exact(results: Results) -> Claim:
    inside = []
    for grid, measured, exact, where in _EXACT:
        data = results[grid].sel(where)
        # A batch of all samples has no noise, so that both ends are the exact value up to rounding.
        slack = 1e-9
        low, high = data[f"{measured}_low"].values - slack, data[f"{measured}_high"].values + slack
        inside.append(((low <= data[exact].values) & (data[exact].values <= high)).ravel())
    return coverage_claim(
        "The simulation samples the chains that it says: share of 95 % intervals that hold the exact value",
        "simdyn",
        np.concatenate(inside),
    )


# --- equilibrium -------------------------------------------------------------------------------------------


def _of_noise(results: Results, noise: str) -> Dataset:
    """From the smallest to the largest n."""
    return results["equilibrium"].sel(noise=noise).sortby("temperature")


def _gibbs_law(results: Results) -> Claim:
    data = _of_noise(results, "isotropic")
    worst = data.isel(B=int(data["distance"].values.argmax()))
    return Claim(
        claim="With isotropic noise SGD settles to P = P0 exp(-2 L / (n sigma^2)); largest total variation "
        "between the two laws, of all n",
        source=f"{FACTORS}, equilibrium distribution",
        predicted=0.0,
        measured=float(worst["distance"]),
        low=float(worst["distance_low"]),
        high=float(worst["distance_high"]),
        verdict=judge(float(data["distance_low"].max()), float(data["distance_high"].max()), 0.0, SAME),
        why=f"n sigma^2 / 2 from {float(data['temperature'][0]):g} to {float(data['temperature'][-1]):g}; "
        f"small steps. Judged within {SAME:g}.",
    )


def _real_batches(results: Results) -> Claim:
    data = _of_noise(results, "minibatch")
    verdicts = [
        judge(float(data["distance_low"][i]), float(data["distance_high"][i]), 0.0, SAME) for i in (0, -1)
    ]
    least = data.isel(B=0)
    return Claim(
        claim="The same with real batches, whose noise is Gaussian by the central limit theorem; total "
        f"variation at the smallest n, B = {int(least['B'])}",
        source=f"{FACTORS}, SGD as stochastic differential equation",
        predicted=0.0,
        measured=float(least["distance"]),
        low=float(least["distance_low"]),
        high=float(least["distance_high"]),
        verdict=at_both_ends(verdicts[0], verdicts[1]),
        why=f"The share of the flat well is {float(least['share']):.3f}, with Gaussian noise "
        f"{float(least['chain']):.3f}. Paths between wells are rare events; they feel all cumulants of a "
        f"sample's gradient, and those enter the exponent at every n. Judged within {SAME:g} at the smallest "
        "and the largest n.",
    )


def _log_odds(share: float) -> float:
    return float(np.log(share / (1 - share)))


def _weights(results: Results) -> Claim:
    data = _of_noise(results, "isotropic")
    verdicts: list[Verdict] = []
    for i in (0, -1):
        predicted = float(data["formula"][i])
        low, high = float(data["share_low"][i]), float(data["share_high"][i])
        verdicts.append(judge(low, high, predicted - 0.02, predicted + 0.02))
    least, most = data.isel(B=0), data.isel(B=-1)
    return Claim(
        claim="A basin A has the probability p_A ~ exp(-2 L_A / (n sigma^2)) / sqrt(det H_A); share of the "
        f"flat well at the smallest n, B = {int(least['B'])}",
        source=f"{FACTORS}, implications",
        predicted=float(least["formula"]),
        measured=float(least["share"]),
        low=float(least["share_low"]),
        high=float(least["share_high"]),
        verdict=at_both_ends(verdicts[0], verdicts[1]),
        why=f"Exact under the law of Gibbs: {float(least['gibbs']):.4f}. At the largest n, B = "
        f"{int(most['B'])}, the formula gives {float(most['formula']):.4f}, exact "
        f"{float(most['gibbs']):.4f}, measured {float(most['share']):.4f}: wells are parabolas only over "
        "small noise. Judged within 0.02 at both.",
    )


def _width_over_depth(results: Results) -> Claim:
    data = _of_noise(results, "isotropic")
    least, most = data.isel(B=0), data.isel(B=-1)
    # The flat well is the shallower one.
    verdicts = (
        judge(float(least["share_low"]), float(least["share_high"]), 0.0, 0.5),
        judge(float(most["share_low"]), float(most["share_high"]), 0.5, 1.0),
    )
    verdict: Verdict = "holds" if verdicts == ("holds", "holds") else "undecided"
    if "does not hold" in verdicts:
        verdict = "does not hold"
    return Claim(
        claim="Higher noise n prioritises width over depth; share of the flat, shallow well at the largest n",
        source=f"{FACTORS}, implications",
        predicted=float(most["formula"]),
        measured=float(most["share"]),
        low=float(most["share_low"]),
        high=float(most["share_high"]),
        verdict=verdict,
        why=f"At the smallest n it is {float(least['share']):.3f} ({float(least['share_low']):.3f} to "
        f"{float(least['share_high']):.3f}). Holds if the deep well has most of the law there and the flat "
        "one at the largest n.",
    )


def _determinants(results: Results) -> Claim:
    data = results["width"]
    x = data["determinants"].values.ravel()
    sigma = ((data["odds_high"] - data["odds_low"]) / (2 * 1.96)).values.ravel()
    line = fit_line(x, data["odds"].values.ravel(), sigma)
    exact = fit_line(x, data["gibbs"].values.ravel(), sigma)
    return Claim(
        claim="Minima with larger volume are favoured, by 1 / sqrt(det H), in one and two dimensions; slope "
        "of the logarithm of the odds against that of the determinants",
        source=f"{FACTORS}, implications",
        predicted=0.5,
        measured=line.slope,
        low=line.low,
        high=line.high,
        verdict=judge(line.low, line.high, 0.45, 0.55),
        why=f"Isotropic noise. The exact odds under the law of Gibbs have the slope {exact.slope:.3f} at "
        "this noise; finite steps add to it. Judged within 0.05.",
    )


def _other_noise(results: Results) -> Claim:
    data = _of_noise(results, "curvature")
    verdicts = [
        judge(
            _log_odds(float(data["share_low"][i])),
            _log_odds(float(data["share_high"][i])),
            _log_odds(float(data["formula"][i])) - 0.2,
            _log_odds(float(data["formula"][i])) + 0.2,
        )
        for i in (0, -1)
    ]
    least = data.isel(B=0)
    ends = [_log_odds(float(least[name])) for name in ("formula", "share", "share_low", "share_high")]
    return Claim(
        claim="The same weights for noise that follows the curvature of the well, as that of SGD does; "
        f"logarithm of the odds of the flat well, B = {int(least['B'])}",
        source=f"{FACTORS}, implications, beyond isotropic noise",
        predicted=ends[0],
        measured=ends[1],
        low=ends[2],
        high=ends[3],
        verdict=at_both_ends(verdicts[0], verdicts[1]),
        why=f"The sharp well is hotter and is left: the flat one has {float(least['share']):.4f} of the law, "
        f"exact {float(least['chain']):.4f}. sigma^2 is the geometric mean of both wells. Judged within 0.2 "
        "at the smallest and the largest n.",
    )


# --- rescaling ---------------------------------------------------------------------------------------------


def _spread(results: Results, sampling: str) -> Dataset:
    return results["scaling"].sel(sampling=sampling).sortby("beta")


def _change(data: Dataset, i: int) -> tuple[float, float, float]:
    """Variance at the i-th factor over that at the first, with its interval."""
    value = data["ratio"].values
    half = (data["ratio_high"].values - data["ratio_low"].values) / 2 / np.maximum(value, 1e-300)
    ratio = float(value[i] / value[0])
    error = ratio * float(np.hypot(half[i], half[0])) if ratio > 0 else 0.0
    return ratio, ratio - error, ratio + error


def _same_spread(results: Results) -> Claim:
    data = _spread(results, "with_replacement")
    few, many = (judge(*_change(data, i)[1:], 1 - SAME, 1 + SAME) for i in (1, -1))
    ratio, low, high = _change(data, 1)
    most = _change(data, -1)
    return Claim(
        claim="The equilibrium is unchanged when learning rate and batch size are scaled alike; variance "
        f"around a minimum, factor {int(data['beta'][1])} over factor {int(data['beta'][0])}",
        source=f"{FACTORS}, implications",
        predicted=1.0,
        measured=ratio,
        low=low,
        high=high,
        verdict=at_both_ends(few, many),
        why=f"At the factor {int(data['beta'][-1])} it is {most[0]:.3f} ({most[1]:.3f} to {most[2]:.3f}), "
        f"where eta H is {float(data['steepness'][-1]):.2f}. Batches with replacement. Judged within "
        f"{SAME:.0%} at both factors.",
    )


def crossing(x: Array, y: Array, level: float) -> float:
    """Where y first passes the level, on straight lines between points; infinite if it does not."""
    above = np.flatnonzero(y > level)
    if not len(above):
        return float("inf")
    i = int(above[0])
    if i == 0:
        return float(x[0])
    return float(x[i - 1] + (level - y[i - 1]) * (x[i] - x[i - 1]) / (y[i] - y[i - 1]))


def spread_crossings(results: Results) -> tuple[float, float, float, float]:
    """eta H at which the variance differs from the SDE's by 5 %: measured, low, high, exact for the chain."""
    data = _spread(results, "with_replacement")
    x = data["steepness"].values
    # A larger variance is beyond the level sooner.
    ends = [
        crossing(x, data[name].values - 1, SAME) for name in ("ratio", "ratio_high", "ratio_low", "exact")
    ]
    return ends[0], ends[1], ends[2], ends[3]


def _spread_breaks(results: Results) -> Claim:
    value, low, high, exact = spread_crossings(results)
    gaussian = 2 * SAME / (1 + SAME)
    return Claim(
        claim="It breaks down by finite steps alone: eta H at which the variance is 5 % above that of the "
        "SDE",
        source="2 / (2 - eta H), exact for noise that is the same everywhere",
        predicted=gaussian,
        measured=value,
        low=low,
        high=high,
        verdict=judge(low, high, gaussian - 0.03, gaussian + 0.03) if np.isfinite(high) else "undecided",
        why=f"The chain with these batches is at 5 % at {exact:.3f}: its noise grows a little away from the "
        "minimum. Straight lines between the factors measured. Judged within 0.03.",
    )


def _without_replacement(results: Results, settings: Settings) -> Claim:
    data = _spread(results, "without_replacement")
    few, many = (judge(*_change(data, i)[1:], 1 - SAME, 1 + SAME) for i in (1, -2))
    ratio, low, high = _change(data, -2)
    return Claim(
        claim="The same for batches drawn without replacement; variance around a minimum of "
        f"{settings.scaling_samples} samples, factor {int(data['beta'][-2])} over factor "
        f"{int(data['beta'][0])}",
        source=f"{FACTORS}, implications",
        predicted=1.0,
        measured=ratio,
        low=low,
        high=high,
        verdict=at_both_ends(few, many),
        why="The covariance is C (n - B) / (B (n - 1)), so that batches which are a share of the data have "
        f"less noise than C / B; exact {float(data['exact'][-2] / data['exact'][0]):.3f}. Judged within "
        f"{SAME:.0%}, at the factor {int(data['beta'][1])}, too.",
    )


def course_changes(results: Results) -> tuple[Array, Array, Array, Array]:
    """For each factor the change of the mean loss: measured, its interval's ends, and exact.

    At the time at which it is largest for the exact law of the chain, so that no chance enters the choice.
    """
    data = results["course"].sortby("beta").sortby("time")
    value, exact, low, high = (
        data[name].transpose("beta", "time").values for name in ("loss", "exact", "loss_low", "loss_high")
    )
    place = np.abs(exact / exact[0] - 1).argmax(axis=1)
    rows = np.arange(len(place))
    relative = (high - low) / 2 / value
    ratio = value[rows, place] / value[0, place]
    error = ratio * np.hypot(relative[rows, place], relative[0, place])
    change = np.abs(ratio - 1)
    of_chain = np.abs(exact[rows, place] / exact[0, place] - 1)
    change[0] = error[0] = of_chain[0] = 0.0
    return change, np.maximum(change - error, 0.0), change + error, of_chain


def course_crossings(results: Results, settings: Settings) -> tuple[float, float, float, float]:
    """Learning rate at which the mean loss has changed by 5 %: measured, low, high, exact for the chain."""
    change, low, high, exact = course_changes(results)
    eta = settings.course_rate * np.sort(results["course"]["beta"].values)
    # A larger change is beyond the level sooner.
    ends = [crossing(eta, y, SAME) for y in (change, high, low, exact)]
    return ends[0], ends[1], ends[2], ends[3]


def _same_course(results: Results) -> Claim:
    value, low, high, exact = course_changes(results)
    beta = np.sort(results["course"]["beta"].values)
    few, many = (judge(float(low[i]), float(high[i]), 0.0, SAME) for i in (1, -1))
    return Claim(
        claim="Learning dynamics are the same along the trajectory when both are scaled alike; largest "
        f"relative change of the mean loss on the way into two wells, factor {int(beta[1])}",
        source=f"{FACTORS}, same noise, same learning dynamics",
        predicted=0.0,
        measured=float(value[1]),
        low=float(low[1]),
        high=float(high[1]),
        verdict=at_both_ends(few, many),
        why=f"Exact {exact[1]:.3f}; {exact[-1]:.2f} at the factor {int(beta[-1])}. At equal times eta k. "
        f"Judged within {SAME:.0%} at both factors.",
    )


def _course_breaks(results: Results, settings: Settings) -> Claim:
    value, low, high, exact = course_crossings(results, settings)
    return Claim(
        claim="Along the trajectory, too, it breaks down by finite steps alone: learning rate at which the "
        f"mean loss has changed by 5 % from that at {settings.course_rate:g}",
        source="exact law of the chain, step by step",
        predicted=exact,
        measured=value,
        low=low,
        high=high,
        verdict=judge(low, high, 0.7 * exact, 1.3 * exact) if np.isfinite(high) else "undecided",
        why=f"Times the curvature of the sharper well it is {9 * value:.2f}. Straight lines between the "
        "factors measured. Judged within 30 %.",
    )
