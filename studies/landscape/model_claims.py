"""What the deck and its sources state of remedies, tails, smoothing and barriers, judged on potentials."""

from __future__ import annotations

import math

import numpy as np

from simdyn.study import Claim, Results, Verdict, coverage_claim, judge
from studies.landscape.indices import ALPHA
from studies.landscape.model_settings import ModelSettings
from studies.landscape.network_paths import path_claims
from studies.landscape.wells import BETAS, DEEP_BY, FLAT, SHARP

BOURRELY = "Bourrely 1988, conclusion, as in the slides"
SMOOTHING = "Slides, diffusion equation and effective energy methods"


def model_claims(results: Results, settings: ModelSettings) -> list[Claim]:
    """All of them."""
    return [
        _slow_cooling(results),
        _better_than_constant(results),
        _better_than_best(results),
        _two_states(results),
        _rolls_past(results),
        _rolls_out(results),
        _rolls_home(results),
        _ball(results),
        _pooled(results),
        _index_formula(results),
        _each_for_itself(results),
        _fewer_minima(results),
        _followed_back(results),
        _gibbs_weights(results),
        _string(results),
        _straight(results),
        *path_claims(results),
    ]


def _slow_cooling(results: Results) -> Claim:
    data = results["cooling"].isel(schedule=0)
    slow, fast = (data.isel(steps=int(k)) for k in _slow_and_fast(results))
    low, high = float(slow["share_low"]), float(slow["share_high"])
    return Claim(
        claim="Noise whose temperature is lowered slowly keeps the system from a poor local minimum; share "
        f"of paths in the deeper well after {int(slow['steps'])} steps",
        source=BOURRELY,
        predicted=1.0,
        measured=float(slow["share"]),
        low=low,
        high=high,
        verdict=judge(low, high, 0.95, 1.0),
        why=f"From the bottom of the shallow well. After {int(fast['steps'])} steps it is "
        f"{float(fast['share']):.2f}: how slowly decides. Without noise none leaves. Judged from 0.95 on.",
    )


def _slow_and_fast(results: Results) -> tuple[int, int]:
    steps = results["cooling"]["steps"].values
    return int(np.argmax(steps)), int(np.argmin(steps))


def _better_than_constant(results: Results) -> Claim:
    slow = results["cooling"].isel(schedule=0, steps=_slow_and_fast(results)[0])
    low, high, held = float(slow["share_low"]), float(slow["share_high"]), float(slow["held"])
    return Claim(
        claim="Noise that is lowered does better than noise that stays as it was at first; share after the "
        "slowest cooling, against Gibbs' share of the deeper well at the first temperature",
        source=BOURRELY,
        predicted=held,
        measured=float(slow["share"]),
        low=low,
        high=high,
        verdict=judge(low, high, held, 1.0),
        why="Judged by whether it is above Gibbs' share, which is what constant noise comes to.",
    )


def _better_than_best(results: Results) -> Claim:
    slow = results["cooling"].isel(schedule=0, steps=_slow_and_fast(results)[0])
    fast = results["cooling"].isel(schedule=0, steps=_slow_and_fast(results)[1])
    low, high, constant = float(slow["share_low"]), float(slow["share_high"]), float(slow["constant"])
    return Claim(
        claim="Noise that is lowered does better than any noise that stays, in as many steps; share after "
        "the slowest cooling, against that at the best constant temperature",
        source=BOURRELY,
        predicted=constant,
        measured=float(slow["share"]),
        low=low,
        high=high,
        verdict=judge(low, high, constant, 1.0),
        why=f"At {float(slow['constant_at']):.2g} throughout, by exact rates. In {int(fast['steps'])} steps "
        f"constant noise brings {float(fast['constant']):.2f} there, cooling {float(fast['share']):.2f}. "
        "Another schedule may do better than this one. Judged by whether it is above.",
    )


def _two_states(results: Results) -> Claim:
    data = results["cooling"]
    ends = [(data[f"share{end}"] - data["master"]).values.ravel() for end in ("", "_low", "_high")]
    worst = int(np.argmax(np.abs(ends[0])))
    difference, low, high = (float(end[worst]) for end in ends)
    verdicts = {judge(float(a), float(b), -0.05, 0.05) for a, b in zip(ends[1], ends[2], strict=True)}
    verdict: Verdict = "holds" if verdicts == {"holds"} else "undecided"
    kramers = float(np.abs(data["kramers"] - data["master"]).max())
    return Claim(
        claim="Annealing is a process of two states whose rates follow the temperature: largest difference "
        "between the share measured and that of the exact rates",
        source="Master equation with the rates of each temperature",
        predicted=0.0,
        measured=difference,
        low=low,
        high=high,
        verdict="does not hold" if "does not hold" in verdicts else verdict,
        why=f"All schedules, each judged within 0.05. Kramers' rates, of first order in the noise, are off "
        f"by up to {kramers:.2f}.",
    )


def _best_roll(results: Results) -> tuple[float, float, float, float]:
    data = results["rolling"]
    best = data.isel(beta=int(np.argmax(data["share"].values)))
    return float(best["beta"]), *(float(best[name]) for name in ("share", "share_low", "share_high"))  # type: ignore[return-value]


def _rolls_past(results: Results) -> Claim:
    beta, value, low, high = _best_roll(results)
    data = results["rolling"].sortby("beta")
    crossing = data["beta"].values[data["share_low"].values > 0]
    least = f"{crossing.min():g}" if len(crossing) else "none"
    return Claim(
        claim="Momentum rolls past a local minimum; share of starts beyond the shallow well that end in the "
        f"deeper one, at beta = {beta:g}",
        source=BOURRELY,
        measured=value,
        low=low,
        high=high,
        verdict=judge(low, high, 0.01, 1.0),
        why=f"Descent without noise. The least of the momenta at which any gets past: {least}. Judged by "
        "whether more than one in a hundred does.",
    )


def _rolls_out(results: Results) -> Claim:
    data = results["rolling"]
    low, high = float(data["rest_low"].max()), float(data["rest_high"].max())
    return Claim(
        claim="Momentum does not take descent out of a local minimum's well in which it begins; largest "
        "share of all momenta",
        source="Equation of motion; Bourrely 1988 speaks of rolling past one",
        predicted=0.0,
        measured=float(data["rest"].max()),
        low=low,
        high=high,
        verdict=judge(low, high, 0.0, 0.01),
        why="From anywhere in the well, without speed. A ball with friction gains no energy; whether its "
        "steps do is what is measured: the way past a minimum leads over it from a height above the barrier. "
        "Judged against 0.01.",
    )


def _rolls_home(results: Results) -> Claim:
    beta, value, low, high = _best_roll(results)
    slow = results["cooling"].isel(schedule=0, steps=_slow_and_fast(results)[0])
    return Claim(
        claim="Momentum finds the deeper minimum as slow cooling does; largest share of all momenta",
        source=f"{BOURRELY}: its two solutions, taken as equally good",
        predicted=float(slow["share"]),
        measured=value,
        low=low,
        high=high,
        verdict=judge(low, high, 0.95, 1.0),
        why=f"At beta = {beta:g}. A ball that rolls past rolls back, too: where it comes to rest alternates "
        "with the start, and more momentum does not choose better. Judged from 0.95 on.",
    )


def _ball(results: Results) -> Claim:
    data = results["rolling"]
    ends = [(data[f"share{end}"] - data["ball"]).values for end in ("", "_low", "_high")]
    worst = int(np.argmax(np.abs(ends[0])))
    low, high = float(ends[1][worst]), float(ends[2][worst])
    return Claim(
        claim="Heavy-ball descent is a ball with friction (1 - beta)/eta^(1/2); largest difference of the "
        "shares that get past",
        source="Limit of small learning rates",
        predicted=0.0,
        measured=float(ends[0][worst]),
        low=low,
        high=high,
        verdict=judge(low, high, -0.1, 0.1),
        why=f"At beta = {float(data['beta'][worst]):g}. Judged within 0.1.",
    )


def _pooled(results: Results) -> Claim:
    data = results["indices"].sel(law="Gaussian").sortby("spread").isel(spread=-1)
    low, high = float(data["pooled_low"]), float(data["pooled_high"])
    return Claim(
        claim="A tail index of all coordinates together tells that noise is not Gaussian: the index of "
        f"Gaussian coordinates whose scales have the spread {float(data['spread']):g} is that of Gaussian "
        "noise",
        source="Simsekli, Sagun & Gurbuzbalaban 2019, as in the slides",
        predicted=2.0,
        measured=float(data["pooled"]),
        low=low,
        high=high,
        verdict=judge(low, high, 1.9, 2.1),
        why=f"Expected of these scales: {float(data['expected']):.2f}. The index says that scales differ, "
        "not that tails are heavy. Judged within 0.1.",
    )


def _index_formula(results: Results) -> Claim:
    gaussian = results["indices"].sel(law="Gaussian")
    low, high = gaussian["pooled_low"].values, gaussian["pooled_high"].values
    expected = gaussian["expected"].values
    return coverage_claim(
        "Gaussian coordinates of several scales: the pooled index is 1/(1/2 + excess / log K); share of 95 % "
        "intervals that hold it",
        "Sums of Gaussian values of several scales",
        (low <= expected) & (expected <= high),
    )


def _each_for_itself(results: Results) -> Claim:
    data = results["indices"].sortby("spread").isel(spread=-1)
    middle = (2.0 + ALPHA) / 2
    verdicts = [
        judge(float(data[f"{name}_low"].sel(law=law)), float(data[f"{name}_high"].sel(law=law)), *within)
        for law, within in (("Gaussian", (middle, np.inf)), ("stable", (-np.inf, middle)))
        for name in ("single", "scaled")
    ]
    gaussian = data.sel(law="Gaussian")
    stable = data.sel(law="stable")
    verdict: Verdict = "does not hold" if "does not hold" in verdicts else "undecided"
    return Claim(
        claim="Each coordinate for itself, or scaled to one size, tells Gaussian noise from noise of index "
        f"{ALPHA:g}; index of a Gaussian coordinate",
        source="Remedy for the above",
        predicted=2.0,
        measured=float(gaussian["single"]),
        low=float(gaussian["single_low"]),
        high=float(gaussian["single_high"]),
        verdict="holds" if set(verdicts) == {"holds"} else verdict,
        why=f"Scaled: {float(gaussian['scaled']):.2f}. Stable coordinates: {float(stable['single']):.2f} and "
        f"{float(stable['scaled']):.2f}, pooled {float(stable['pooled']):.2f}. Judged by the side of "
        f"{middle:g} on which they are.",
    )


def _fewer_minima(results: Results) -> Claim:
    minima = results["smoothed_planes"]["minima"].sortby("share").transpose("landscape", "share")
    counts = minima.values
    left = float((counts[:, -1] / counts[:, 0]).max())
    rises = bool((np.diff(counts, axis=1) > 0).any())
    listed = "; ".join(
        f"{name} {', '.join(f'{count:g}' for count in row)}"
        for name, row in zip(minima["landscape"].values, counts, strict=True)
    )
    return Claim(
        claim="A highly smoothed landscape has fewer local minima; their number over that without smoothing, "
        "the largest of the landscapes",
        source=SMOOTHING,
        measured=left,
        low=left,
        high=left,
        verdict=judge(left, left, 0.0, 1.0 - 1e-9),
        why=f"Two coordinates, the mean energy, from no width to the largest: {listed}. "
        f"{'Somewhere' if rises else 'Nowhere'} it grows on the way, which with one coordinate it cannot. "
        "The source says 'in most cases'. Holds if below 1.",
    )


def _followed_back(results: Results) -> Claim:
    data = results["smoothing"].sortby("width").isel(width=-1)
    right = data["right"]
    share = float(right.mean())
    wrong = [
        f"{method} on the {landscape}"
        for landscape in data["landscape"].values
        for method in data["average"].values
        if not float(right.sel(landscape=landscape, average=method))
    ]
    verdict: Verdict = "holds" if share == 1 else "holds only here" if share > 0 else "does not hold"
    return Claim(
        claim="The minimum of the smoothed landscape, followed back, is the global one, if features are the "
        "deeper the wider they are; share of landscapes and methods",
        source=SMOOTHING,
        predicted=1.0,
        measured=share,
        low=share,
        high=share,
        verdict=verdict,
        why="Exact values, one landscape made to meet that condition and one made to fail it. It is the "
        "wider well instead: " + (", ".join(wrong) or "nowhere") + ".",
    )


def _gibbs_weights(results: Results) -> Claim:
    data = results["smoothing"].sortby("width").isel(width=-1).sel(landscape="deep sharp well")
    expected = {method: beta * DEEP_BY > 0.5 * math.log(SHARP / FLAT) for method, beta in BETAS.items()}
    agree = np.mean([bool(data["right"].sel(average=m)) == sharp for m, sharp in expected.items()])
    flat = not bool(data["right"].sel(average="diffusion"))
    words = ", ".join(f"{m}: the {'sharp' if sharp else 'flat'} one" for m, sharp in expected.items())
    value = float(agree) if flat else 0.0
    return Claim(
        claim="Averages of the energy prefer a wide well to one that is sharper and a little deeper; "
        "averages of exp(-beta energy) the one of larger Gibbs weight exp(-beta depth)/curvature^(1/2); "
        "share of baths that do",
        source="Chaudhari et al. 2017, and the Gibbs law",
        predicted=1.0,
        measured=value,
        low=value,
        high=value,
        verdict="holds" if value == 1.0 else "does not hold",
        why=f"The sharp well of curvature {SHARP:g} is deeper by {DEEP_BY:g} than the flat one of {FLAT:g}. "
        f"By weight, {words}.",
    )


def _string(results: Results) -> Claim:
    data = results["strings"]
    off = np.abs(data["barrier"].values / data["known"].values - 1)
    worst = float(off.max())
    return Claim(
        claim="The string method finds the barriers that a search for saddles finds; largest relative "
        "difference",
        source="simdyn",
        predicted=0.0,
        measured=worst,
        low=0.0,
        high=worst,
        verdict=judge(0.0, worst, 0.0, 1e-8),
        why=f"{', '.join(str(name) for name in data['landscape'].values)}. Judged within 1e-8.",
    )


def _straight(results: Results) -> Claim:
    data = results["strings"]
    ratio = (data["straight"] / data["barrier"]).values
    worst = float(ratio.max())
    return Claim(
        claim="What stands on the straight line between two minima is the barrier between them; largest "
        "ratio to the barrier",
        source="Plots of the loss on lines between solutions",
        predicted=1.0,
        measured=worst,
        low=worst,
        high=worst,
        verdict=judge(worst, worst, 0.95, 1.05),
        why=f"Exact values. Least ratio: {float(ratio.min()):.2f}. In curved landscapes the path goes "
        "around. Judged within 5 %.",
    )
