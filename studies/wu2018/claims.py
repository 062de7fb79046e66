"""What the paper and the slides state, and what this run says of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from simdyn.study import Claim, Results, coverage_claim, judge, mean_claim, ratio_claim
from studies.wu2018.experiment import DECK, PAPER, Settings, has_networks

if TYPE_CHECKING:
    from xarray import DataArray, Dataset


def claims(results: Results, settings: Settings) -> list[Claim]:
    """All statements, each judged from the measurements of this run; those about networks need PyTorch."""
    found = [
        _sgd_leaves(results, settings),
        _descent_leaves(results, settings),
        _flatter_at_zero(results),
        _threshold_of_leaving(results),
        _diagram_is_exact(results),
        _box_is_stable(results),
        _ellipse_is_stable(results),
        _batch_and_sharpness(results),
    ]
    if has_networks(results):
        return found + _of_networks(results, settings)
    return found + [_not_run(*words) for words in NETWORK_CLAIMS.values()]


NETWORK_CLAIMS = {
    "interpolates": (
        "Training ends at global minima: share of networks with all training samples right",
        PAPER,
    ),
    "bound_a": (
        "Gradient descent ends at a sharpness of at most 2/eta: largest a eta / 2",
        f"{PAPER}, Theorem 1",
    ),
    "near_a": ("Gradient descent ends close to that bound: mean of a eta / 2", f"{PAPER}, section 4"),
    "bound_s": ("SGD ends below the bound on s: largest s over its bound", f"{PAPER}, Theorem 1"),
    "near_s": ("SGD ends close to that bound: mean of s over its bound", f"{PAPER}, section 4"),
    "proportional": ("s is proportional to a: power of a", f"{PAPER}, figure 5"),
    "batch_a": ("Smaller batches end at smaller a: ratio, least batch over gradient descent", DECK),
    "batch_s": ("Smaller batches end at smaller s: ratio, least batch over gradient descent", DECK),
    "rate_a": ("Larger learning rates end at smaller a: ratio, largest over least rate", DECK),
    "stable": ("Training ends where SGD is stable in mean square: least threshold over learning rate", PAPER),
    "switch": (
        "SGD leaves the minimum of gradient descent where that is unstable: a at the end over a before",
        f"{PAPER}, figure 6",
    ),
    "switch_test": ("The test accuracy grows with that: change in per cent points", DECK),
    "sgd_test": (
        "SGD generalises better: test accuracy, least batch minus gradient descent, per cent points",
        DECK,
    ),
    "adam": (
        "Adam ends at minima with larger a than SGD: ratio of a",
        "Wilson et al. 2017, as quoted in the slides",
    ),
}
"""Statement and source."""


def _not_run(claim: str, source: str) -> Claim:
    return Claim(
        claim=claim,
        source=source,
        verdict="not run",
        why='PyTorch and scikit-learn are not installed; add them with pip install "simdyn[torch]".',
    )


# --- the two functions -------------------------------------------------------------------------------------


def _nearest(results: Results, settings: Settings) -> Dataset:
    etas = results["example"]["eta"].values
    return results["example"].sel(eta=float(etas[np.argmin(np.abs(etas - settings.example_rate))]))


def _sgd_leaves(results: Results, settings: Settings) -> Claim:
    data = _nearest(results, settings)
    low, high = float(data["left_low"]), float(data["left_high"])
    return Claim(
        claim=f"SGD with batch size 1 leaves x = 1 and ends at x = 0, eta = {float(data.eta):g}; share of "
        f"runs",
        source=f"{PAPER}, figure 1; {DECK}",
        predicted=1.0,
        measured=float(data["left"]),
        low=low,
        high=high,
        verdict=judge(low, high, 0.99, 1.0),
        why=f"A step at x = 1 multiplies the square of the distance by {float(data['mean_square']):.4f} "
        f"in the mean, "
        f"and the typical distance grows by {float(data['growth']):+.4f} a step on the log. Judged "
        f"against 0.99.",
    )


def _descent_leaves(results: Results, settings: Settings) -> Claim:
    data = _nearest(results, settings)
    share = float(data["descent_left"])
    return Claim(
        claim="Gradient descent behaves in a similar manner with the same learning rate; share of runs "
        "that leave",
        source=DECK,
        predicted=1.0,
        measured=share,
        low=share,
        high=share,
        verdict=judge(share, share, 0.5, 1.0),
        why=f"a = {float(data['sharpness_1']):g} at x = 1 is less than 2/eta = {2 / float(data.eta):.3f}: "
        f"gradient "
        "descent stays. The paper says so, the slides do not.",
    )


def _flatter_at_zero(results: Results) -> Claim:
    data = results["example"].isel(eta=0)
    ratio = float(data["sharpness_0"] / data["sharpness_1"])
    return Claim(
        claim="The curvature at x = 0 is the more stable one, which causes the escape; a at x = 0 over a "
        "at x = 1",
        source=DECK,
        measured=ratio,
        low=ratio,
        high=ratio,
        verdict="holds" if ratio < 0.999 else "does not hold",
        why=f"The sharpness is equal; what differs is s: {float(data['nonuniformity_0']):g} at x = 0, "
        f"{float(data['nonuniformity_1']):g} at x = 1.",
    )


def _threshold_of_leaving(results: Results) -> Claim:
    data = results["example"]
    grows = data["growth"].values > 0
    wrong = np.where(grows, data["left_high"].values < 0.99, data["left_low"].values > 0.01)
    share = float(1 - wrong.mean())
    return Claim(
        claim="Runs leave x = 1 exactly where the typical distance grows; share of learning rates at "
        "which all leave "
        "or none",
        source="almost-sure stability",
        predicted=1.0,
        measured=share,
        low=share,
        high=share,
        verdict="holds" if not wrong.any() else "does not hold",
        why="Leaving runs: "
        + ", ".join(f"{float(x):.0%} at {float(e):g}" for x, e in zip(data["left"], data["eta"], strict=True))
        + ". Close to the threshold a run takes longer than it is followed.",
    )


# --- the diagram -------------------------------------------------------------------------------------------


def _grows(data: Dataset) -> np.ndarray:
    """1 where the mean square surely grows, -1 where it surely falls, 0 where the sample cannot tell."""
    return np.where(data["square_low"] > 1, 1, np.where(data["square_high"] < 1, -1, 0))


def _diagram_is_exact(results: Results) -> Claim:
    data = results["diagram"]
    # Without spread the mean is exact to rounding.
    slack = 1e-12
    inside = (data["square_low"] - slack <= data["multiplier"]) & (
        data["multiplier"] <= data["square_high"] + slack
    )
    return coverage_claim(
        "One step multiplies the mean square by (1 - eta a)^2 + eta^2 s^2 / B: share of intervals that hold "
        "it",
        f"{PAPER}, section 3",
        inside.values,
    )


def _region_claim(results: Results, claim: str, source: str, inside: np.ndarray, words: str) -> Claim:
    grows = _grows(results["diagram"])
    told = inside & (grows != 0)
    bad = int(((grows == 1) & inside).sum())
    share = 1.0 - bad / max(int(told.sum()), 1)
    return Claim(
        claim=claim,
        source=source,
        predicted=1.0,
        measured=share,
        low=share,
        high=share,
        verdict="undecided" if not told.any() else "holds" if bad <= 0.05 * told.sum() else "does not hold",
        why=f"{words} In {bad} of {int(told.sum())} cells inside, all batch sizes together, the mean "
        f"square was "
        "measured to grow.",
    )


def _box_is_stable(results: Results) -> Claim:
    return _region_claim(
        results,
        "Minima in the box a <= 2/eta, s <= sqrt(B (n - 1) / (n - B)) / eta are those that SGD can pick; "
        "share of "
        "cells of the box that are stable",
        f"{PAPER}, equation (9); {DECK}",
        results["diagram"]["in_box"].values.astype(bool),
        "The bounds are necessary one by one; together they are not sufficient.",
    )


def _ellipse_is_stable(results: Results) -> Claim:
    data = results["diagram"]
    return _region_claim(
        results,
        "In one dimension the stable region is the half-ellipse (a - 1/eta)^2 + s^2 / B <= 1/eta^2; share "
        "of its "
        "cells that are stable",
        "exact mean-square stability",
        data["multiplier"].values < 1.0,
        "With replacement; fresh subsets have (n - B) / (B (n - 1)) in place of 1/B.",
    )


def _batch_and_sharpness(results: Results) -> Claim:
    data = results["diagram"]
    grows = _grows(data)
    largest = []
    for s in range(data.sizes["s"]):
        stable = [
            [float(a) for k, a in enumerate(data["a"].values) if grows[b, k, s] == -1]
            for b in (0, data.sizes["B"] - 1)
        ]
        if s and all(stable):
            largest.append((float(data["s"][s]), max(stable[0]), max(stable[1])))
    change = max((after - before for _, before, after in largest), default=float("nan"))
    where = next((item for item in largest if item[2] - item[1] == change), None)
    return Claim(
        claim="The batch size does not affect the admissible sharpness; largest change of it between the "
        "least and "
        "the largest batch, s above 0",
        source=DECK,
        predicted=0.0,
        measured=change,
        low=change,
        high=change,
        unit="1/eta",
        verdict="undecided" if where is None else "holds" if change == 0 else "does not hold",
        why="No s was stable for both."
        if where is None
        else f"At s = {where[0]:g}/eta the sharpest stable cell has a = {where[1]:g} with the least batch "
        f"and "
        f"{where[2]:g} with the largest. On the axis s = 0 there is no effect.",
    )


# --- networks ----------------------------------------------------------------------------------------------


def _of_networks(results: Results, settings: Settings) -> list[Claim]:
    minima = results["minima"]
    descent = minima.sel(B=max(settings.batch_sizes))
    sgd = minima.sel(B=[b for b in settings.batch_sizes if b < settings.samples])
    least = minima.sel(B=min(settings.batch_sizes))
    of_bound = (sgd["nonuniformity"] / sgd["nonuniformity_bound"]).values.ravel()
    of_edge = (descent["sharpness"] * descent["eta"] / 2).values.ravel()
    margin = (minima["threshold"] / minima["eta"]).values.ravel()
    rates = minima["sharpness"].sel(eta=max(settings.learning_rates)) / minima["sharpness"].sel(
        eta=min(settings.learning_rates)
    )
    switch = results["switch"]
    before, after = switch.isel(step=0), switch.isel(step=-1)
    adam = results["adaptive"]
    right = minima["train_accuracy"].values.ravel()
    return [
        _plain("interpolates", float((right == 1.0).mean()), 1.0, 1.0, 1.0, f"{right.size} networks."),
        _plain(
            "bound_a",
            float(of_edge.max()),
            1.0,
            0.0,
            1.02,
            f"{of_edge.size} networks; judged against 1.02, since training ends before it has settled.",
        ),
        _mean("near_a", of_edge, 1.0, 0.8, 1.02, "Judged within 0.8 and 1.02."),
        _plain("bound_s", float(of_bound.max()), 1.0, 0.0, 1.0, f"{of_bound.size} networks."),
        _mean("near_s", of_bound, 1.0, 0.8, 1.0, "Judged within 0.8 and 1."),
        _proportional(minima),
        _ratio("batch_a", least["sharpness"] / descent["sharpness"], below=True),
        _ratio("batch_s", least["nonuniformity"] / descent["nonuniformity"], below=True),
        _ratio("rate_a", rates, below=True),
        _plain(
            "stable",
            float(margin.min()),
            1.0,
            0.98,
            np.inf,
            "Exact thresholds of the linearised networks; judged against 0.98.",
        ),
        _switch(before, after, settings),
        _mean(
            "switch_test",
            100 * (after["test_accuracy"] - before["test_accuracy"]).values.ravel(),
            None,
            0.0,
            np.inf,
            "Holds if above 0.",
        ),
        _mean(
            "sgd_test",
            100 * (least["test_accuracy"] - descent["test_accuracy"]).values.ravel(),
            None,
            0.0,
            np.inf,
            "Holds if above 0.",
        ),
        _ratio(
            "adam",
            adam["sharpness"].sel(optimiser="adam") / adam["sharpness"].sel(optimiser="sgd"),
            below=False,
        ),
    ]


def _plain(name: str, value: float, predicted: float | None, low: float, high: float, why: str) -> Claim:
    """A statement about each of the networks: what was measured has no sampling error."""
    claim, source = NETWORK_CLAIMS[name]
    return Claim(
        claim=claim,
        source=source,
        predicted=predicted,
        measured=value,
        low=value,
        high=value,
        verdict=judge(value, value, low, high),
        why=why,
    )


def _mean(name: str, values: np.ndarray, predicted: float | None, low: float, high: float, why: str) -> Claim:
    return mean_claim(*NETWORK_CLAIMS[name], values, low, high, predicted=predicted, why=why)


def _ratio(name: str, ratios: DataArray, *, below: bool) -> Claim:
    """A geometric mean of ratios that is said to be below 1, or above."""
    return ratio_claim(
        *NETWORK_CLAIMS[name],
        ratios.values.ravel(),
        *((0.0, 1.0) if below else (1.0, np.inf)),
        why=f"Holds if {'below' if below else 'above'} 1.",
    )


def _proportional(minima: Dataset) -> Claim:
    from scipy.stats import linregress

    claim, source = NETWORK_CLAIMS["proportional"]
    a, s = np.log(minima["sharpness"].values.ravel()), np.log(minima["nonuniformity"].values.ravel())
    line = linregress(a, s)
    half = 1.96 * float(line.stderr)
    return Claim(
        claim=claim,
        source=source,
        predicted=1.0,
        measured=float(line.slope),
        low=float(line.slope) - half,
        high=float(line.slope) + half,
        verdict=judge(float(line.slope) - half, float(line.slope) + half, 0.75, 1.25),
        why=f"{len(a)} networks, correlation of the logarithms {float(line.rvalue):.3f}. Judged within 0.25.",
    )


def _switch(before: Dataset, after: Dataset, settings: Settings) -> Claim:
    claim, source = NETWORK_CLAIMS["switch"]
    ratios = (after["sharpness"] / before["sharpness"]).values.ravel()
    unstable = bool((before["threshold"] < settings.switch_rate).all())
    found = float(ratios.max())
    return Claim(
        claim=claim,
        source=source,
        measured=found,
        low=found,
        high=found,
        verdict="undecided" if not unstable else judge(found, found, 0.0, 0.9),
        why=f"Before, learning rates up to {float(before['threshold'].max()):.3f} were stable, less than the "
        f"{settings.switch_rate:g} of the run; at the end up to {float(after['threshold'].min()):.3f}. "
        f"Largest "
        "ratio of all runs; holds if below 0.9.",
    )
