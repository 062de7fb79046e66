"""What follows from the paper's noise on simple landscapes, and what this run says of it."""

from __future__ import annotations

import numpy as np
import xarray as xr

from simdyn.inference import Line, fit_line
from simdyn.study import Claim, Results, coverage_claim, judge
from studies.xie2021.settings import DECK, PAPER, Settings
from studies.xie2021.slopes import halves

THEORY = "simdyn"


def line_claims(results: Results, settings: Settings) -> list[Claim]:
    """Each from the measurements of this run, or from exact values where it says so."""
    return [
        _measured_is_exact(results),
        *_continuous_time(results),
        _log_law(results),
        _constant_exponent(results),
        _floor_power(results),
        _floor_chain(results),
        *_valleys(results, settings),
        *_critical_paths(results),
        _sharper_is_sooner(results),
        _exponentially(results),
        _seven(results, "minimum"),
        _seven(results, "saddle"),
        _constant_noise(results),
        _lines_prove_little(results),
        _two_ways(results),
        _by_times(results),
        _by_network(results),
    ]


def _measured_is_exact(results: Results) -> Claim:
    inside = []
    for grid, name, exact in (
        ("floor", "steps", "exact"),
        ("barrier", "steps", "exact"),
        ("favour", "steps", "exact"),
        ("flux", "steps", "exact"),
        ("wells", "middle", "middle_exact"),
        ("wells", "outer", "outer_exact"),
        ("wells", "share", "share_exact"),
    ):
        data = results[grid]
        ends = ("low", "high") if name == "steps" else (f"{name}_low", f"{name}_high")
        low, high = (data[end].values for end in ends)
        inside.append(((low <= data[exact].values) & (data[exact].values <= high)).ravel())
    return coverage_claim(
        "On a line, and for the flux, the simulation samples what it says: share of 95 % intervals that "
        "hold the "
        "exact value",
        THEORY,
        np.concatenate(inside),
    )


def _continuous_time(results: Results) -> list[Claim]:
    data = results["floor"].sortby("eta").sortby("delta", ascending=False).isel(eta=0, delta=0)
    where = f"at eta = {float(data['eta']):g} and the floor {float(data['delta']):g}"
    found = []
    for name, words, source in (
        ("sde", "SGD in continuous time is d theta = -L' dt + (2 D)^(1/2) dW with D = eta C / 2", THEORY),
        (
            "doubled",
            "It is that with twice the noise, 2 (2 D)^(1/2) dW",
            f"{DECK}, equation (2) as it stands",
        ),
    ):
        ratio, low, high = (float(data[end] / data[name]) for end in ("steps", "low", "high"))
        found.append(
            Claim(
                claim=f"{words}; measured mean escape time over that of this SDE, {where}",
                source=source,
                predicted=1.0,
                measured=ratio,
                low=low,
                high=high,
                verdict=judge(low, high, 0.5, 2.0),
                why=f"Exact ratio {float(data['exact'] / data[name]):.3f}. With a floor that high the noise "
                "vanishes nowhere. The ratio goes to 1 with eta. Judged within a factor of two.",
            )
        )
    return found


def _log_law(results: Results) -> Claim:
    data = results["log_law"].sortby("eta")
    logs = np.log(1 / data["eta"].values)
    slopes = np.diff(data["scaled"].values) / np.diff(logs)
    numerical = float(2 * data["scaled_error"].values[:2].sum() / abs(logs[1] - logs[0]))
    slope, limit = float(slopes[0]), float(data["slope"][0])
    return Claim(
        claim="SGD, C = |H|/B: eta times the exponent per unit of B grows with log(1/eta) at the rate 4 "
        "g/kappa; "
        "slope between the two smallest learning rates",
        source=f"{THEORY}: least action of the chain near the point without noise",
        predicted=limit,
        measured=slope,
        low=slope - numerical,
        high=slope + numerical,
        verdict=judge(slope - numerical, slope + numerical, 0.95 * limit, 1.05 * limit),
        why=f"Exact values alone, one coordinate; the slope falls from {slopes.max():.2f} towards its limit. "
        "The interval is the numerical error. Judged within 5 %.",
    )


def _constant_exponent(results: Results) -> Claim:
    data = results["log_law"].sortby("eta")
    ratio = data["scaled"].values / data["formula"].values
    error = float((data["scaled_error"].values / data["formula"].values).max())
    growth = float(ratio.max() / ratio.min())
    return Claim(
        claim="SGD: the exponent is proportional to B / eta; largest over least exponent in these units, "
        "over all "
        "learning rates",
        source=f"{PAPER}, equation (7)",
        predicted=1.0,
        measured=growth,
        low=growth - 2 * error,
        high=growth + 2 * error,
        verdict=judge(growth - 2 * error, growth + 2 * error, 0.95, 1.05),
        why=f"Least actions from {ratio[-1]:.2f} times that of (7) at eta = {float(data['eta'][-1]):g} to "
        f"{ratio[0]:.2f} times at {float(data['eta'][0]):g}. Judged within 5 %.",
    )


def _power(data: xr.Dataset) -> tuple[float, float]:
    """Power with which the SDE's time grows between the two smallest floors, and the smallest floor."""
    data = data.sortby("delta")
    time, delta = data["sde"].values[:2], data["delta"].values[:2]
    return float(np.log(time[0] / time[1]) / np.log(delta[1] / delta[0])), float(delta[0])


def _floor_power(results: Results) -> Claim:
    data = results["floor"].isel(eta=0)
    power, _ = _power(data)
    predicted = float(data["power"][0])
    return Claim(
        claim="The SDE behind (7) does not cross the point without curvature: with noise of a floor delta "
        "its time "
        "grows like delta^(-2 mu); power between the two smallest floors",
        source=f"{THEORY}: squared Bessel process at the point without noise, mu = 2 g / (epsilon kappa)",
        predicted=predicted,
        measured=power,
        low=power,
        high=power,
        verdict=judge(power, power, 0.95 * predicted, 1.05 * predicted),
        why="Exact values by quadrature, to ten digits; so (7) has no limit without a floor. Judged within "
        "5 %.",
    )


def _floor_chain(results: Results) -> Claim:
    data = results["floor"].sortby("delta").sortby("eta", ascending=False).isel(eta=0)
    first, second = data.isel(delta=0), data.isel(delta=1)
    log = float(np.log(first["steps"] / second["steps"]))
    half = 1.96 * float(np.hypot(first["relative_error"], second["relative_error"]))
    sde = float(first["sde"] / second["sde"])
    low, high = np.exp(log - half), np.exp(log + half)
    return Claim(
        claim="SGD itself has no such divergence: ratio of its times at the two smallest floors, at eta = "
        f"{float(data['eta']):g}",
        source=f"{THEORY}: the chain hops over the point without noise",
        predicted=1.0,
        measured=float(np.exp(log)),
        low=low,
        high=high,
        verdict=judge(low, high, 0.85, 1.15),
        why=f"Exact ratio {float(first['exact'] / second['exact']):.4f}; that of the SDE is {sde:.2f}. "
        "Judged "
        "within 15 %.",
    )


def _valleys(results: Results, settings: Settings) -> list[Claim]:
    data = results["curved"].sortby("c")
    straight, curved = data.isel(c=0), data.isel(c=-1)
    # In (x^2 - 1)^2 / 4 the slope over the third derivative is 1 / 9 where the curvature vanishes.
    limit = 4.0 / 9.0 / settings.bend_noise
    found = []
    for valley, words, low, high, predicted in (
        (straight, "straight valley the time grows like delta^(-2 mu)", 0.85 * limit, 1.15 * limit, limit),
        (curved, "curved valley it has a limit", -0.1, 0.2 * limit, 0.0),
    ):
        power, least = _power(valley)
        found.append(
            Claim(
                claim=f"In a {words}; power of the floor, bend c = {float(valley['c']):g}",
                source=f"{THEORY}: transverse noise carries the path across where the valley bends",
                predicted=predicted,
                measured=power,
                low=power,
                high=power,
                verdict=judge(power, power, low, high),
                why=f"Exact values of the SDE; {float(valley.sortby('delta')['sde'][0]):.4g} at the least "
                "floor, "
                f"{least:g}. Judged within 15 % of 2 mu = {limit:.3f} for the straight one, below a fifth "
                "of it "
                "for the curved one.",
            )
        )
    return found


def _critical_paths(results: Results) -> list[Claim]:
    found = []
    for shape, words in (("white", "SGLD, white noise"), ("curvature", "SGD, C = |H|/B")):
        data = results["paths"].sel(shape=shape)
        across = float(data["across"])
        found.append(
            Claim(
                claim=f"{words}: the most probable path has no gradient across it; largest one over the "
                "largest gradient on the path",
                source=f"{DECK}, Escape Paths",
                predicted=0.0,
                measured=across,
                low=across,
                high=across,
                verdict=judge(across, across, 0.0, 0.05),
                why="Path of least action in a bent valley, by relaxation, which leaves its floor by "
                f"{float(data['away']):.2f}. White noise climbs back along the way down, noise of another "
                "shape does not. Judged by 0.05.",
            )
        )
    return found


def _barrier(results: Results, noise: str, at: str) -> xr.Dataset:
    return results["barrier"].sel(noise=noise, at=at).sortby("h")


def _sharper_is_sooner(results: Results) -> Claim:
    def growth(noise: str) -> tuple[float, float, float]:
        data = _barrier(results, noise, "minimum")
        log = float(np.log(data["steps"][0] / data["steps"][-1]))
        error = float(np.hypot(data["relative_error"][0], data["relative_error"][-1]))
        return log, error, float(np.log(data["predicted"][0] / data["predicted"][-1]))

    log, error, predicted = growth("curvature")
    white, white_error, _ = growth("constant")
    data = _barrier(results, "curvature", "minimum")
    return Claim(
        claim="SGD favours flat minima: at one barrier, with C = |H|/B, the flatter minimum keeps a path "
        "longer; "
        f"log N at curvature {float(data['h'][0]):g} less that at {float(data['h'][-1]):g}",
        source=f"{PAPER}, title and equation (7)",
        predicted=predicted,
        measured=log,
        low=log - 1.96 * error,
        high=log + 1.96 * error,
        verdict=judge(log - 1.96 * error, log + 1.96 * error, 3 * abs(white) + 6 * white_error, np.inf),
        why="Judged by whether it is more than three times that with the same noise everywhere, "
        f"{white:.3f} +- {1.96 * white_error:.3f}. The number that (7) predicts is another matter.",
    )


def _exponentially(results: Results) -> Claim:
    def odds(noise: str) -> Line:
        data = results["favour"].sel(noise=noise).sortby("h").sortby("B")
        flat, sharp = data.isel(h=0), data.isel(h=-1)
        error = np.hypot(flat["relative_error"].values, sharp["relative_error"].values)
        return fit_line(data["B"].values, np.log(flat["steps"].values / sharp["steps"].values), error)

    data = results["favour"].sel(noise="curvature").sortby("h").sortby("B")
    x, formula, logs = (
        data["B"].values,
        *(
            np.log(data[name].isel(h=0).values / data[name].isel(h=-1).values)
            for name in ("predicted", "steps")
        ),
    )
    line, white = odds("curvature"), odds("constant")
    listed = ", ".join(f"{value:.2f}" for value in logs)
    return Claim(
        claim="SGD favours flat minima exponentially: with C = |H|/B the log of the odds of the flatter "
        "against the sharper minimum, by (5) that of their times, grows with B; per unit of B",
        source=f"{PAPER}, title; {DECK}, equation (5) and conclusion",
        predicted=float((formula[-1] - formula[0]) / (x[-1] - x[0])),
        measured=line.slope,
        low=line.low,
        high=line.high,
        verdict=judge(line.low, line.high, 3 * max(abs(white.low), abs(white.high)), np.inf),
        why=f"Curvatures {float(data['h'][0]):g} and {float(data['h'][-1]):g}; log odds {listed} from B = "
        f"{x[0]:g} to {x[-1]:g}. Holds if more than three times that with the same noise everywhere, "
        f"{white.slope:.2f} ({white.low:.2f} to {white.high:.2f}). The number that (7) predicts is another "
        "matter.",
    )


def _seven(results: Results, at: str) -> Claim:
    data = _barrier(results, "curvature", at)
    x = np.log(data["predicted"].values)
    line = fit_line(x, np.log(data["steps"].values), data["relative_error"].values)
    exact = fit_line(x, np.log(data["exact"].values), data["relative_error"].values)
    falls = " The time grows where (7) lets it fall." if line.high < 0 else ""
    where = "H_a of the minimum" if at == "minimum" else "H_b of the saddle"
    return Claim(
        claim=f"C = |H|/B: at one barrier log N depends on the curvature {where} as (7) says; slope of the "
        "measured against the predicted log N",
        source=f"{PAPER}, equation (7)",
        predicted=1.0,
        measured=line.slope,
        low=line.low,
        high=line.high,
        verdict=judge(line.low, line.high, 0.8, 1.2),
        why=f"Curvatures from {float(data['h'][0]):g} to {float(data['h'][-1]):g}; the exact values have "
        "the slope "
        f"{exact.slope:.2f}.{falls} Judged within 20 %.",
    )


def _constant_noise(results: Results) -> Claim:
    slopes, errors = [], []
    for at in ("minimum", "saddle"):
        data = _barrier(results, "constant", at)
        line = fit_line(
            np.log(data["predicted"].values), np.log(data["steps"].values), data["relative_error"].values
        )
        slopes.append(line.slope)
        errors.append(line.error)
    worst = int(np.argmax(np.abs(slopes)))
    low, high = slopes[worst] - 2.24 * errors[worst], slopes[worst] + 2.24 * errors[worst]
    return Claim(
        claim="The test tells noise that is not C = |H|/B: with the same noise everywhere log N does not "
        "follow "
        "(7); larger of the two slopes",
        source=f"{THEORY}: the barrier alone is in the exponent",
        predicted=0.0,
        measured=slopes[worst],
        low=low,
        high=high,
        verdict=judge(low, high, -0.15, 0.15),
        why="The same landscapes, for which the curvatures at both ends matter only through the prefactor. "
        "Interval for the larger of two. Judged within 0.15.",
    )


def _lines_prove_little(results: Results) -> Claim:
    data = results["sgld_temperature"]
    ratio, error = halves(1.0 / data["D"].values, np.log(data["steps"].values), data["relative_error"].values)
    low, high = ratio - 1.96 * error, ratio + 1.96 * error
    straight = judge(low, high, 0.9, 1.1)
    return Claim(
        claim="A straight line of -log(rate) against B shows that the noise is C = H/B; ratio of the slopes "
        "of two "
        "halves of the line that white noise gives, D in the place of 1/B",
        source=f"{PAPER}, figure 7(b), as it is read",
        predicted=None,
        measured=ratio,
        low=low,
        high=high,
        verdict="does not hold" if straight == "holds" else "undecided",
        why="Refuted where noise that has nothing to do with H gives a line, 1 within 0.1. For any C = "
        "c(theta)/B "
        "the exponent is 2 B / eta times the integral of L'/c.",
    )


def _two_ways(results: Results) -> Claim:
    data = results["wells"].sortby("D").isel(D=0)
    middle, outer = float(data["middle"]), float(data["outer"])
    log = np.log(outer / middle)
    # Ends of chi-square intervals, which are 3.92 standard errors apart on the scale of logarithms.
    errors = [
        float(np.log(data[f"{name}_high"] / data[f"{name}_low"])) / 3.92 for name in ("middle", "outer")
    ]
    half = 1.96 * float(np.linalg.norm(errors))
    low, high = np.exp(log - half), np.exp(log + half)
    return Claim(
        claim="Several paths: the middle of three wells has two ways out, each half as fast as the one of "
        "an outer "
        "well, which is sharper; time in an outer over time in the middle well",
        source=f"{DECK}, Multiple-Path Escape; equation (6)",
        predicted=1.0,
        measured=outer / middle,
        low=low,
        high=high,
        verdict=judge(low, high, 0.85, 1.15),
        why=f"Exact ratio {float(data['outer_exact'] / data['middle_exact']):.4f} at D = {float(data.D):g}: "
        "the curvatures 8 and 2 make a way out of an outer well twice as fast. Judged within 15 %.",
    )


def _share(results: Results, name: str, words: str, source: str) -> Claim:
    data = results["wells"].sortby("D").isel(D=0)
    predicted = float(data[name])
    low, high = float(data["share_low"]), float(data["share_high"])
    return Claim(
        claim=f"Minima selection: {words}; share of the middle of three wells",
        source=source,
        predicted=predicted,
        measured=float(data["share"]),
        low=low,
        high=high,
        verdict=judge(low, high, predicted - 0.03, predicted + 0.03),
        why=f"Exact share {float(data['share_exact']):.4f} at D = {float(data.D):g}. For two wells the "
        "formula is "
        "right; with three, how often each is visited counts as well. Judged within 0.03.",
    )


def _by_times(results: Results) -> Claim:
    return _share(
        results,
        "share_times",
        "P_a = tau_a / sum of tau_v, with the times that were measured",
        f"{PAPER}, equation (5)",
    )


def _by_network(results: Results) -> Claim:
    return _share(
        results,
        "share_network",
        "P_a = nu_a tau_a / sum of nu_v tau_v, nu the shares of visits",
        f"{THEORY}: stationary law of the jumps between wells",
    )
