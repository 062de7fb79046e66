"""What is expected of finite steps, and what this run says of it."""

from __future__ import annotations

import numpy as np

from simdyn.inference import fit_line
from simdyn.study import Claim, Results, Verdict, coverage_claim, judge
from studies.discrete_effects.settings import Settings

# Slope 4 g/kappa of eta S against log(1/eta) on the quartic: at x = -3^(-1/2), where the curvature vanishes,
# the gradient is g = 2/3^(3/2) and the third derivative kappa = 6/3^(1/2).
LOG_SLOPE = 4.0 / 9.0


def claims(results: Results, settings: Settings) -> list[Claim]:
    """The statements that this run can judge, each from its measurements."""
    return [
        _measured_is_exact(results),
        _wrong_wall(results),
        _right_wall(results),
        _log_law(results),
        _formula_seven(results),
        _finite_rate(results),
        _equal_curvatures(results),
        _raw_crossings(results),
        _siegmund(results),
        _bridge(results),
        _quiet_explosion(results),
        _beyond_both(results),
        _linear_sde(results),
        _shuffled_square(results),
        _epoch_power(results, "shuffled", 3.0),
        _epoch_power(results, "fresh", 1.0),
        _kesten(results),
    ]


def _measured_is_exact(results: Results) -> Claim:
    pairs = [
        ("launch", "steps", "exact"),
        ("commit", "ratio", "exact"),
        ("hit", "chain", "exact_chain"),
        ("growth", "exponent", "lyapunov"),
        ("growth", "square", "square_exact"),
        ("epoch", "shuffled", "shuffled_exact"),
        ("epoch", "fresh", "fresh_exact"),
    ]
    inside = []
    for grid, measured, exact in pairs:
        data = results[grid]
        low, high = data[f"{measured}_low"].values, data[f"{measured}_high"].values
        inside.append(((low <= data[exact].values) & (data[exact].values <= high)).ravel())
    return coverage_claim(
        "The simulation samples the chains that it says: share of 95 % intervals that hold the exact value",
        "simdyn",
        np.concatenate(inside),
    )


def _share_claim(results: Results, eta: float, claim: str, above: bool) -> Claim:
    data = results["launch"].sel(eta=eta)
    low, high = float(data["outer_low"]), float(data["outer_high"])
    return Claim(
        claim=claim,
        source="least action of the chain",
        predicted=1.0 if above else 0.0,
        measured=float(data["outer"]),
        low=low,
        high=high,
        verdict=judge(low, high, 0.5, 1.0) if above else judge(low, high, 0.0, 0.5),
        why=f"The path of least action makes its longest step from {float(data['action_launch']):.3f}; "
        f"half of the "
        f"escapes from below {float(data['launch']):.3f}, at B = {float(data['batch_size']):g}. Judged by "
        "whether more than half do.",
    )


def _wrong_wall(results: Results) -> Claim:
    etas = results["launch"]["eta"].values
    eta = float(etas[np.argmin(np.abs(etas - 0.2))])
    return _share_claim(
        results,
        eta,
        f"Noise of covariance |H|/B: at eta = {eta:g} escapes are launched from the outer wall, away from "
        f"the "
        "exit; share of escapes whose longest step begins there",
        above=True,
    )


def _right_wall(results: Results) -> Claim:
    eta = float(results["launch"]["eta"].values.min())
    return _share_claim(
        results,
        eta,
        f"At eta = {eta:g} they are launched between the minimum and the exit; share from the outer wall",
        above=False,
    )


def _log_law(results: Results) -> Claim:
    data = results["action"].sortby("eta")
    logs = np.log(1 / data["eta"].values)
    slopes = np.diff(data["scaled"].values) / np.diff(logs)
    numerical = float(2 * data["scaled_error"].values[:2].sum() / abs(logs[1] - logs[0]))
    slope = float(slopes[0])
    return Claim(
        claim="Noise of covariance |H|/B: eta times the exponent grows with log(1/eta) at the rate 4 "
        "g/kappa; "
        "slope between the two smallest learning rates",
        source="least action of the chain near the point without noise",
        predicted=LOG_SLOPE,
        measured=slope,
        low=slope - numerical,
        high=slope + numerical,
        verdict=judge(slope - numerical, slope + numerical, 0.95 * LOG_SLOPE, 1.05 * LOG_SLOPE),
        why=f"Exact values alone; the slope falls from {slopes[-1]:.3f} at the largest learning rates "
        f"towards its "
        "limit. The interval is the numerical error. Judged within 5 %.",
    )


def _formula_seven(results: Results) -> Claim:
    data = results["action"].sortby("eta")
    ratio = data["scaled"].values / data["formula"].values
    numerical = data["scaled_error"].values / data["formula"].values
    low, high = float((ratio - numerical).min()), float((ratio + numerical).max())
    return Claim(
        claim="Noise of covariance |H|/B: the exponent is that of formula (7); exact over predicted, "
        "least and "
        "largest of all learning rates",
        source="Xie, Sato & Sugiyama 2021, equation (7)",
        predicted=1.0,
        measured=float(np.median(ratio)),
        low=low,
        high=high,
        verdict="does not hold" if high > 1.1 or low < 0.9 else "holds",
        why=f"From {ratio[-1]:.2f} at eta = {float(data['eta'][-1]):g} to {ratio[0]:.2f} at eta = "
        f"{float(data['eta'][0]):g}. Exact values alone. Judged within 10 % at all learning rates.",
    )


def _finite_rate(results: Results) -> Claim:
    data = results["commit"].sel(landscape="quartic").sortby("eta")
    band = 0.015
    verdicts: list[Verdict] = [
        judge(
            float(data["ratio_low"][i]),
            float(data["ratio_high"][i]),
            float(data["predicted"][i]) - band,
            float(data["predicted"][i]) + band,
        )
        for i in range(data.sizes["eta"])
    ]
    first, last = data.isel(eta=0), data.isel(eta=-1)
    verdict: Verdict = verdicts[0]
    if verdict == "holds" and verdicts[-1] == "does not hold":
        verdict = "holds only here"
    return Claim(
        claim="SGLD on the quartic: the time to the other minimum is that of the SDE times 1 + eta/4 "
        "(|L''_b| - "
        f"L''_a); ratio to the SDE at eta = {float(first.eta):g}",
        source="expansion of the chain's time in the learning rate",
        predicted=float(first["predicted"]),
        measured=float(first["ratio"]),
        low=float(first["ratio_low"]),
        high=float(first["ratio_high"]),
        verdict=verdict,
        why=f"Judged within {band:g}. At eta = {float(last.eta):g} the formula gives "
        f"{float(last['predicted']):.3f}, "
        f"measured {float(last['ratio']):.3f}, exact {float(last['exact']):.3f}: it is the first order "
        f"alone.",
    )


def _equal_curvatures(results: Results) -> Claim:
    data = results["commit"].sel(landscape="cosine").sortby("eta").isel(eta=0)
    low, high = float(data["ratio_low"]), float(data["ratio_high"])
    return Claim(
        claim="SGLD on the cosine, whose minimum and barrier have one curvature: no effect of first "
        "order; ratio to "
        f"the SDE at eta = {float(data.eta):g}",
        source="expansion of the chain's time in the learning rate",
        predicted=1.0,
        measured=float(data["ratio"]),
        low=low,
        high=high,
        verdict=judge(low, high, 0.985, 1.015),
        why=f"The exact ratio is {float(data['exact']):.4f}. Judged within 0.015.",
    )


def _smallest_hit(results: Results, measured: str, reference: str) -> tuple[float, float, float, float]:
    data = results["hit"].sortby("eta").isel(eta=0)
    scale = float(data[reference])
    value, low, high = (float(data[f"{measured}{end}"]) / scale for end in ("", "_low", "_high"))
    return float(data.eta), value, low, high


def _raw_crossings(results: Results) -> Claim:
    eta, value, low, high = _smallest_hit(results, "chain", "exact_sde")
    return Claim(
        claim="SGLD: first crossings of the barrier's top come when those of the SDE do; ratio of the "
        "mean times at "
        f"eta = {eta:g}",
        source="the SDE in place of the chain",
        predicted=1.0,
        measured=value,
        low=low,
        high=high,
        verdict=judge(low, high, 0.97, 1.03),
        why="The chain is looked at only between steps and misses crossings within them. Judged within 3 %.",
    )


def _siegmund(results: Results) -> Claim:
    eta, value, low, high = _smallest_hit(results, "chain", "shifted")
    last = results["hit"].sortby("eta").isel(eta=-1)
    return Claim(
        claim="SGLD: they come when the SDE crosses a line that lies 0.5826 standard deviations of a step "
        "farther "
        f"out; ratio of the mean times at eta = {eta:g}",
        source="Siegmund 1979",
        predicted=1.0,
        measured=value,
        low=low,
        high=high,
        verdict=judge(low, high, 0.97, 1.03),
        why=f"At eta = {float(last.eta):g} the exact ratio is "
        f"{float(last['exact_chain'] / last['shifted']):.3f}: the "
        "learning rate changes the rate of escape, too. Judged within 3 %.",
    )


def _bridge(results: Results) -> Claim:
    eta, value, low, high = _smallest_hit(results, "bridged", "exact_sde")
    return Claim(
        claim="SDE by Euler-Maruyama: crossings within steps, counted by the Brownian bridge, give the "
        "time of the "
        f"SDE; ratio at the step {eta:g}",
        source="simdyn",
        predicted=1.0,
        measured=value,
        low=low,
        high=high,
        verdict=judge(low, high, 0.97, 1.03),
        why="Judged within 3 %.",
    )


def _between(results: Results) -> float | None:
    """The learning rate halfway between the two thresholds, or the one nearest to it, if any lies between."""
    data = results["growth"]
    low = float(data["mean_square_threshold"][0])
    high = float(data["almost_sure_threshold"][0])
    etas = data["eta"].values
    between = etas[(etas > low) & (etas < high)]
    return float(between[np.argmin(np.abs(between - (low + high) / 2))]) if len(between) else None


def _not_covered(claim: str, source: str) -> Claim:
    return Claim(
        claim=claim,
        source=source,
        verdict="undecided",
        why="No learning rate of these settings lies where this could be seen.",
    )


def _quiet_explosion(results: Results) -> Claim:
    claim = "Between the two thresholds single runs settle while the mean square grows; growth of log |x|"
    source = "mean-square and almost-sure stability"
    eta = _between(results)
    if eta is None:
        return _not_covered(claim, source)
    data = results["growth"].sel(eta=eta)
    low, high = float(data["exponent_low"]), float(data["exponent_high"])
    explodes = float(data["square_low"]) > 1.0
    verdict: Verdict = judge(low, high, -np.inf, 0.0)
    if verdict == "holds" and not explodes:
        verdict = "does not hold" if float(data["square_high"]) < 1.0 else "undecided"
    return Claim(
        claim=f"{claim} at eta = {eta:g}",
        source=source,
        predicted=float(data["lyapunov"]),
        measured=float(data["exponent"]),
        low=low,
        high=high,
        unit="per step",
        verdict=verdict,
        why=f"Thresholds {float(data['mean_square_threshold']):.4f} and "
        f"{float(data['almost_sure_threshold']):.4f}. "
        f"After {int(data['square_steps'])} steps from 1 the mean of x^2 is {float(data['square']):.2f} "
        f"({float(data['square_low']):.2f} to {float(data['square_high']):.2f}); it cannot be seen for "
        f"longer. Holds "
        "if the growth is below 0 and this mean above 1.",
    )


def _largest_rate(results: Results) -> float:
    return float(results["growth"]["eta"].values.max())


def _beyond_both(results: Results) -> Claim:
    data = results["growth"].sel(eta=_largest_rate(results))
    low, high = float(data["exponent_low"]), float(data["exponent_high"])
    return Claim(
        claim=f"Beyond the almost-sure threshold single runs leave; growth of log |x| at eta = "
        f"{float(data.eta):g}",
        source="almost-sure stability",
        predicted=float(data["lyapunov"]),
        measured=float(data["exponent"]),
        low=low,
        high=high,
        unit="per step",
        verdict=judge(low, high, 0.0, np.inf),
        why=f"The threshold is {float(data['almost_sure_threshold']):.4f}. Holds if the growth is above 0.",
    )


def _linear_sde(results: Results) -> Claim:
    data = results["growth"].sel(eta=_largest_rate(results))
    low, high = float(data["exponent_low"]), float(data["exponent_high"])
    sde = float(data["linear_sde"])
    return Claim(
        claim="Single runs of the linear SDE always settle, and SGD does as its SDE; growth of log |x| at "
        "eta = "
        f"{float(data.eta):g}",
        source="the SDE in place of the chain",
        predicted=sde,
        measured=float(data["exponent"]),
        low=low,
        high=high,
        unit="per step",
        verdict=judge(low, high, sde - 0.1 * abs(sde), sde + 0.1 * abs(sde)),
        why="Instability of almost every run is an effect of discrete steps; that of the mean square is not. "
        "Judged within 10 %.",
    )


def _shuffled_square(results: Results) -> Claim:
    claim = "Shuffled epochs: the mean square shrinks as long as single runs do; mean of x^2 after one "
    "epoch from 1"
    source = "the product over all samples"
    eta = _between(results)
    if eta is None:
        return _not_covered(claim, source)
    data = results["growth"].sel(eta=eta)
    low, high = float(data["shuffled_square_low"]), float(data["shuffled_square_high"])
    return Claim(
        claim=f"{claim}, eta = {eta:g}",
        source=source,
        predicted=float(data["shuffled_exact"]),
        measured=float(data["shuffled_square"]),
        low=low,
        high=high,
        verdict=judge(low, high, 0.0, 1.0),
        why="Fresh batches explode in mean square at this learning rate. Every epoch multiplies by the "
        "same product, "
        "in whatever order. Holds if below 1.",
    )


def _epoch_power(results: Results, name: str, power: float) -> Claim:
    data = results["epoch"].sortby("eta").isel(eta=slice(0, 3))
    x = np.log(data["eta"].values)
    values = data[name].values
    sigma = (data[f"{name}_high"].values - data[f"{name}_low"].values) / (2 * 1.96 * values)
    line = fit_line(x, np.log(values), sigma)
    exact = fit_line(x, np.log(data[f"{name}_exact"].values), sigma)
    words = "at the ends of shuffled epochs" if name == "shuffled" else "with fresh batches"
    return Claim(
        claim=f"The variance {words} is of order eta^{power:g}; power between eta = "
        f"{float(data.eta[0]):g} and "
        f"{float(data.eta[-1]):g}",
        source="exact law of four parabolas of one curvature",
        predicted=power,
        measured=line.slope,
        low=line.low,
        high=line.high,
        verdict=judge(line.low, line.high, power - 0.2, power + 0.2),
        why=f"The exact values have the power {exact.slope:.3f} there. Judged within 0.2.",
    )


def _kesten(results: Results) -> Claim:
    data = results["tail"]
    log = np.log(data["index"].values / data["kesten"].values)
    sigma = (data["index_high"].values - data["index_low"].values) / (2 * 1.96 * data["index"].values)
    mean = float((log / sigma**2).sum() / (sigma**-2.0).sum())
    half = 1.96 * float((sigma**-2.0).sum() ** -0.5)
    worst = float(np.exp(np.abs(log).max()))
    return Claim(
        claim="The stationary law has a power tail with the exponent kappa of Kesten; measured over "
        "predicted, all "
        "learning rates together",
        source="Kesten 1973",
        predicted=1.0,
        measured=float(np.exp(mean)),
        low=float(np.exp(mean - half)),
        high=float(np.exp(mean + half)),
        verdict=judge(float(np.exp(mean - half)), float(np.exp(mean + half)), 0.85, 1.15),
        why=f"{len(log)} learning rates with kappa from {float(data['kesten'].min()):.2f} to "
        f"{float(data['kesten'].max()):.2f}; the farthest is off by a factor of {worst:.2f}. Hill's "
        f"estimate is biased "
        "where the tail has not reached its power yet. Judged within 15 %.",
    )
