"""What is stated of Theorem 1 and its bounds beyond one dimension and one way to draw batches."""

from __future__ import annotations

import numpy as np

from simdyn.study import Claim, Results, Verdict, judge
from studies.wu2018.settings import DECK, PAPER

SAME = 0.01
"""Factors that differ by a smaller share count as the same."""


def of_bounds(results: Results) -> list[Claim]:
    """All of them; none needs PyTorch."""
    return [_sufficient(results), _bound_in_the_plane(results), _ways_to_draw(results)]


def _sufficient(results: Results) -> Claim:
    data = results["plane"].sortby("eta")
    allowed = data.where(data["theorem1"] <= 1.0, drop=True)
    claim = (
        "A minimum is stable where Theorem 1's inequality holds, in two dimensions; factor of a step on the "
        "mean square at the largest learning rate that it allows"
    )
    if not allowed.sizes["eta"]:
        return Claim(
            claim=claim,
            source=f"{PAPER}, Theorem 1; {DECK}",
            verdict="undecided",
            why="No learning rate of this run satisfies the inequality.",
        )
    one = allowed.isel(eta=-1)
    low, high = float(one["growth_low"]), float(one["growth_high"])
    return Claim(
        claim=claim,
        source=f"{PAPER}, Theorem 1; {DECK}",
        predicted=float(one["multiplier"]),
        measured=float(one["growth"]),
        low=low,
        high=high,
        verdict=judge(low, high, 0.0, 1.0),
        why=f"eta = {float(one['eta']):g}; the left side of the inequality is {float(one['theorem1']):.3f}. "
        "Holds if at most 1.",
    )


def _bound_in_the_plane(results: Results) -> Claim:
    data = results["plane"].sortby("eta")
    beyond = data.where(data["share"] > 1.0, drop=True)
    claim = (
        "SGD can only pick minima with s <= 1/eta, in two dimensions, too; factor of a step on the mean "
        "square at the least learning rate at which s is larger"
    )
    source = f"{DECK}; {PAPER}, equation (9)"
    if not beyond.sizes["eta"]:
        return Claim(
            claim=claim, source=source, verdict="undecided", why="s is below 1/eta at all learning rates."
        )
    one = beyond.isel(eta=0)
    low, high = float(one["growth_low"]), float(one["growth_high"])
    return Claim(
        claim=claim,
        source=source,
        measured=float(one["growth"]),
        low=low,
        high=high,
        verdict=judge(low, high, 1.0, np.inf),
        why=f"At eta = {float(one['eta']):g} s is {float(one['share']):.4f} of its bound and Theorem 1's "
        f"inequality fails ({float(one['theorem1']):.3f}), and yet the exact factor is "
        f"{float(one['multiplier']):.4f}: the inequality is sufficient, and only in one dimension necessary. "
        "Holds if above 1.",
    )


def _ways_to_draw(results: Results) -> Claim:
    data = results["scheme"]
    ratios: dict[str, tuple[float, float, float]] = {}
    verdicts = []
    for name in data["sampling"].values:
        one = data.sel(sampling=name)
        value, low, high = (
            float(one[key] / one["theorem1"]) for key in ("factor", "factor_low", "factor_high")
        )
        ratios[str(name)] = value, low, high
        verdicts.append(judge(low, high, 1 - SAME, 1 + SAME))
    farthest = max(ratios.values(), key=lambda ends: abs(np.log(ends[0])))
    verdict: Verdict = "undecided"
    if set(verdicts) == {"holds"}:
        verdict = "holds"
    elif "does not hold" in verdicts:
        verdict = "holds only here" if "holds" in verdicts else "does not hold"
    told = ", ".join(f"{name.replace('_', ' ')} {ends[0]:.3f}" for name, ends in ratios.items())
    return Claim(
        claim="The noise of a batch enters by (n - B) / (B (n - 1)), however batches are drawn (the slides "
        "do not say how); growth of the mean square over that in Theorem 1, the one farthest from 1",
        source=f"{PAPER}, Theorem 1; {DECK}",
        predicted=1.0,
        measured=farthest[0],
        low=farthest[1],
        high=farthest[2],
        verdict=verdict,
        why=f"In one dimension, per step of an epoch: {told}. With replacement the factor is 1 / B; the "
        f"batches of a shuffled epoch depend on one another. Judged within {SAME:.0%} for each.",
    )
