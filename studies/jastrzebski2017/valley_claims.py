"""What the slides state of clouds, of the sharpest directions and of walks in valleys."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from simdyn.inference import fit_line
from simdyn.study import Claim, Results, Verdict, judge
from studies.jastrzebski2017.settings import FACTORS, SHARPEST, WALK, Settings

if TYPE_CHECKING:
    from xarray import DataArray

    from simdyn.inference import Line

Array = np.ndarray


def of_valleys(results: Results, settings: Settings) -> list[Claim]:
    """All of them."""
    return [
        _cloud_against_noise(results),
        _cloud_against_curvature(results),
        _cloud_of_other_noise(results),
        _too_sharp(results, "isotropic"),
        _too_sharp(results, "curvature"),
        _steered(results),
        _ten_times_sharper(results),
        _adiabatic(results),
        _stuck(results),
        _finds_flatter(results),
        _convex(results),
        _bounces(results, settings),
        _improves(results),
        _farther(results),
        _rate_sets_height(results),
        _batch_sets_no_height(results),
    ]


def at_both_ends(first: Verdict, last: Verdict) -> Verdict:
    """Of a claim looked at at both ends of a range: what is refuted at one of them is not true of all."""
    if {first, last} == {"holds", "does not hold"}:
        return "holds only here"
    if "does not hold" in (first, last):
        return "does not hold"
    return "holds" if first == last == "holds" else "undecided"


def _power(value: DataArray, low: DataArray, high: DataArray, along: str) -> Line:
    """The power of a measured quantity against a coordinate."""
    x = np.log(value[along].values)
    sigma = (high.values - low.values) / (2 * 1.96 * value.values)
    return fit_line(x, np.log(value.values), sigma)


def _measured(
    results: Results, grid: str, name: str, **where: object
) -> tuple[DataArray, DataArray, DataArray]:
    data = results[grid].sel(where)
    return data[name], data[f"{name}_low"], data[f"{name}_high"]


def _middle(values: Array) -> float:
    return float(np.sort(values)[len(values) // 2])


# --- clouds ------------------------------------------------------------------------------------------------


def _cloud_claim(
    results: Results, noise: str, along: str, claim: str, source: str, predicted: float, why: str
) -> Claim:
    across = "h" if along == "B" else "B"
    where = {"noise": noise, across: _middle(results["cloud"][across].values)}
    line = _power(*_measured(results, "cloud", "width", **where), along)
    exact = results["cloud"].sel(where)["exact"]
    of_exact = fit_line(np.log(exact[along].values), np.log(exact.values), np.ones(exact.size)).slope
    return Claim(
        claim=claim,
        source=source,
        predicted=predicted,
        measured=line.slope,
        low=line.low,
        high=line.high,
        verdict=judge(line.low, line.high, predicted - 0.05, predicted + 0.05),
        why=f"At {across} = {where[across]:g}; the exact widths have the power {of_exact:.3f}. {why} Judged "
        "within 0.05.",
    )


def _cloud_against_noise(results: Results) -> Claim:
    return _cloud_claim(
        results,
        "isotropic",
        "B",
        "The cloud of the last iterates widens with the noise, like (eta/B)^(1/2); power of B",
        f"{FACTORS}, SGD moves a cloud of points",
        -0.5,
        "The slides' exponent is cut off.",
    )


def _cloud_against_curvature(results: Results) -> Claim:
    return _cloud_claim(
        results,
        "isotropic",
        "h",
        "The cloud is narrower in sharper valleys, like h^(-1/2), for isotropic noise; power of the "
        "curvature",
        "variance of SGD in a parabola",
        -0.5,
        "Finite steps and a finite number of iterates take some of it away.",
    )


def _cloud_of_other_noise(results: Results) -> Claim:
    return _cloud_claim(
        results,
        "curvature",
        "h",
        "For noise that follows the curvature the cloud is as wide in every valley; power of the curvature",
        "variance of SGD in a parabola, C = H/B",
        0.0,
        "",
    )


def _too_sharp(results: Results, noise: str) -> Claim:
    data = results["leaving"].sel(noise=noise).sortby("h")
    value = data["scaled"].values
    half = (data["scaled_high"].values - data["scaled_low"].values) / 2 / value
    ratio = float(value[-1] / value[0])
    error = ratio * float(np.hypot(half[0], half[-1]))
    words = {
        "isotropic": "for isotropic noise",
        "curvature": "for noise that follows the curvature",
    }[noise]
    why = {
        "isotropic": "The cloud narrows with the valley; what keeps it there is the depth over the noise.",
        "curvature": "The cloud does not narrow with the valley, and spills over the rim of a sharp one.",
    }[noise]
    return Claim(
        claim=f"The cloud cannot stay in valleys sharper than its width, {words}: time to leave valleys of "
        f"one depth, times curvature, at h = {float(data['h'][-1]):g} over that at h = "
        f"{float(data['h'][0]):g}",
        source=f"{FACTORS}, SGD moves a cloud of points",
        measured=ratio,
        low=ratio - error,
        high=ratio + error,
        verdict=judge(ratio - error, ratio + error, 0.0, 0.5),
        why=f"Exact {float(data['exact'][-1] / data['exact'][0]):.4f}. {why} A time that is 1 / h in both, "
        "as that of a small valley, has the ratio 1. Holds if below 0.5.",
    )


# --- the sharpest directions -------------------------------------------------------------------------------


def _decades(results: Results, factor: float) -> tuple[float, float]:
    data = results["steer"].sel(factor=factor)
    return float(data["decades"]), float(data["decades_high"] - data["decades_low"]) / 2


def _sharper(results: Results) -> tuple[float, float, float, float]:
    """Ratio of typical curvatures at the least factor and at equal rates, its interval, and the factor."""
    least = float(results["steer"]["factor"].values.min())
    (few, few_half), (one, one_half) = _decades(results, least), _decades(results, 1.0)
    half = float(np.hypot(few_half, one_half))
    return 10 ** (few - one), 10 ** (few - one - half), 10 ** (few - one + half), least


def _steered(results: Results) -> Claim:
    ratio, low, high, least = _sharper(results)
    data = results["steer"]
    predicted = data["adiabatic"].sel(factor=least) - data["adiabatic"].sel(factor=1.0)
    return Claim(
        claim="A smaller learning rate along the sharpest direction alone steers SGD to sharper regions; "
        f"geometric mean of the walls' curvature at a factor of {least:g} over that at equal rates",
        source=SHARPEST,
        predicted=float(10**predicted),
        measured=ratio,
        low=low,
        high=high,
        verdict=judge(low, high, 1.0, np.inf),
        why="A level floor between walls whose curvature goes from 2 to 200. Predicted: walls that settle "
        "while the floor stands still. Holds if above 1.",
    )


def _ten_times_sharper(results: Results) -> Claim:
    ratio, low, high, _least = _sharper(results)
    return Claim(
        claim="It steers to regions an order of magnitude sharper; the same ratio",
        source=SHARPEST,
        predicted=10.0,
        measured=ratio,
        low=low,
        high=high,
        verdict=judge(low, high, 10.0, np.inf),
        why="The preference for flat regions is h^(-factor / 2) of their weight: to take it away brings back "
        "no more than it took. Holds if at least 10 on this landscape; networks are judged below.",
    )


def _adiabatic(results: Results) -> Claim:
    data = results["steer"]
    off = data["decades"] - data["adiabatic"]
    worst = int(np.abs(off.values).argmax())
    low = float((data["decades_low"] - data["adiabatic"]).values[worst])
    high = float((data["decades_high"] - data["adiabatic"]).values[worst])
    return Claim(
        claim="With a factor f of the rate across the floor the law along it is exp(-L/D) (h / (2 - eta f "
        "h))^(-f / 2); largest error of the mean decimal logarithm of h",
        source="simdyn, walls that settle while the floor stands still",
        predicted=0.0,
        measured=float(off.values[worst]),
        low=low,
        high=high,
        verdict=judge(low, high, -0.05, 0.05),
        why=f"{data.sizes['factor']} factors, worst at {float(data['factor'][worst]):g}. For f = 1 and small "
        "steps this is the law of Gibbs. Judged within 0.05.",
    )


# --- walks -------------------------------------------------------------------------------------------------


def _stuck(results: Results) -> Claim:
    data = results["flatter"].sel(D=0.0)
    change = float(data["decades"] - data["start"])
    return Claim(
        claim="Gradient descent gets stuck on the floor: change of the decimal logarithm of the walls' "
        "curvature",
        source=WALK,
        predicted=0.0,
        measured=change,
        low=change,
        high=change,
        verdict=judge(change, change, -0.1, 0.1),
        why="From the steep side of a valley with an almost level floor. Nothing is random. Judged within "
        "0.1.",
    )


def _finds_flatter(results: Results) -> Claim:
    data = results["flatter"].sortby("D")
    still, most = float(data["decades"][0]), data.isel(D=-1)
    low, high = float(most["decades_low"]) - still, float(most["decades_high"]) - still
    return Claim(
        claim="SGD finds flatter regions from there; change against gradient descent, at the largest noise",
        source=WALK,
        measured=float(most["decades"]) - still,
        low=low,
        high=high,
        verdict=judge(low, high, -np.inf, -0.1),
        why=f"D = eta sigma^2 / (2 B) = {float(most['D']):g}; no loss is gained by it. Isotropic noise. "
        "Holds if below -0.1.",
    )


def _convex(results: Results) -> Claim:
    data = results["walk"].stack(cell=("eta", "B"))
    shares = data["convex"].values
    least, most = (data.isel(cell=int(i)) for i in (shares.argmin(), shares.argmax()))
    verdicts = [
        judge(float(one["convex_low"]), float(one["convex_high"]), 0.95, 1.0) for one in (least, most)
    ]
    return Claim(
        claim="The loss between successive iterates is convex; smallest share of pairs, of all learning "
        "rates and batch sizes",
        source=WALK,
        predicted=1.0,
        measured=float(least["convex"]),
        low=float(least["convex_low"]),
        high=float(least["convex_high"]),
        verdict=at_both_ends(*verdicts),
        why=f"At eta = {float(least['eta']):g}, B = {float(least['B']):g}; the largest is "
        f"{float(most['convex']):.3f}, at eta = {float(most['eta']):g}, B = {float(most['B']):g}. Long "
        "updates reach across bends. Winding valley, eleven points between the two. Judged against 0.95, for "
        "both.",
    )


def _bounces(results: Results, settings: Settings) -> Claim:
    data = results["walk"].isel(B=-1).sortby("eta")
    verdicts = [judge(float(data["bounce_low"][i]), float(data["bounce_high"][i]), 0.5, 1.0) for i in (0, -1)]
    last = data.isel(eta=-1)
    return Claim(
        claim="Updates bounce from wall to wall of the valley; share of pairs with the lowest loss between "
        f"them, eta = {float(last['eta']):g}",
        source=WALK,
        predicted=float(last["bounce_linear"]),
        measured=float(last["bounce"]),
        low=float(last["bounce_low"]),
        high=float(last["bounce_high"]),
        verdict=at_both_ends(*verdicts),
        why=f"At eta = {float(data['eta'][0]):g} it is {float(data['bounce'][0]):.3f}, predicted "
        f"{float(data['bounce_linear'][0]):.3f}: more than half bounce only where eta times the curvature "
        f"across is more than 1. B = {float(last['B']):g}. Judged against one half, at the smallest and the "
        "largest rate.",
    )


def _improves(results: Results) -> Claim:
    data = results["walk"]
    low, high = data["fall_low"].values, data["fall_high"].values
    worst = np.unravel_index(int(data["fall"].values.argmin()), data["fall"].shape)
    best = float(data["fall"].max())
    verdict: Verdict = "undecided"
    if (low > 0).all():
        verdict = "holds"
    elif (high < 0).all():
        verdict = "does not hold"
    elif (high < 0).any() and (low > 0).any():
        verdict = "holds only here"
    return Claim(
        claim="The floor under the iterates improves monotonically; fall of its loss in the second half of "
        "the walk, over that at the start, least of all learning rates and batch sizes",
        source=WALK,
        measured=float(data["fall"].values[worst]),
        low=float(low[worst]),
        high=float(high[worst]),
        verdict=verdict,
        why=f"The largest is {best:.3f}. With much noise the floor rises again, to the loss of the "
        "stationary law. Holds if above 0 everywhere.",
    )


def _farther(results: Results) -> Claim:
    eta = _middle(results["walk"]["eta"].values)
    line = _power(*_measured(results, "walk", "distance", eta=eta), "B")
    return Claim(
        claim="Smaller batches traverse larger distances; power of B of the distance along the floor after "
        "as many steps",
        source=WALK,
        predicted=-0.5,
        measured=line.slope,
        low=line.low,
        high=line.high,
        verdict=judge(line.low, line.high, -0.6, -0.4),
        why=f"eta = {eta:g}. Predicted: free diffusion along the floor. Judged within 0.1.",
    )


def _rate_sets_height(results: Results) -> Claim:
    size = _middle(results["walk"]["B"].values)
    line = _power(*_measured(results, "walk", "height", B=size), "eta")
    data = results["walk"].sel(B=size)
    expected = fit_line(
        np.log(data["eta"].values), np.log(data["linear"].values), np.ones(data.sizes["eta"])
    ).slope
    return Claim(
        claim="The learning rate sets the height above the floor; its power in the height",
        source=WALK,
        predicted=1.0,
        measured=line.slope,
        low=line.low,
        high=line.high,
        verdict=judge(line.low, line.high, 0.5, np.inf),
        why=f"B = {size:g}. A straight valley of the same curvatures has {expected:.3f}: with eta H "
        "comparable with 2 the height grows faster than the noise. Holds if at least 0.5.",
    )


def _batch_sets_no_height(results: Results) -> Claim:
    eta = _middle(results["walk"]["eta"].values)
    line = _power(*_measured(results, "walk", "height", eta=eta), "B")
    return Claim(
        claim="The batch size sets the exploration and not the height above the floor; its power in the "
        "height",
        source=WALK,
        predicted=0.0,
        measured=line.slope,
        low=line.low,
        high=line.high,
        verdict=judge(line.low, line.high, -0.25, 0.25),
        why=f"eta = {eta:g}. Near the floor the height is noise, and that is eta / B: the power is -1. "
        "Judged within 0.25.",
    )
