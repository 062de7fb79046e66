"""What the paper and the slides state, and what this run says of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from simdyn.study import Claim, Results, coverage_claim, judge
from studies.wu2018.bound_claims import of_bounds
from studies.wu2018.network_claims import of_networks
from studies.wu2018.settings import DECK, PAPER, Settings

if TYPE_CHECKING:
    from xarray import Dataset


def claims(results: Results, settings: Settings) -> list[Claim]:
    """All statements, each judged from the measurements of this run; those about networks need PyTorch."""
    return [
        _sgd_leaves(results, settings),
        _descent_leaves(results, settings),
        _flatter_at_zero(results),
        _threshold_of_leaving(results),
        _diagram_is_exact(results),
        _box_is_stable(results),
        _outside_is_unstable(results),
        _ellipse_is_stable(results),
        _batch_and_sharpness(results),
        *of_bounds(results),
        *of_networks(results, settings),
    ]


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


def _region_claim(
    results: Results, claim: str, source: str, region: np.ndarray, words: str, *, stable: bool = True
) -> Claim:
    """That the cells of a region are stable, or that they are not."""
    grows = _grows(results["diagram"])
    told = region & (grows != 0)
    bad = int((told & (grows == (1 if stable else -1))).sum())
    share = 1.0 - bad / max(int(told.sum()), 1)
    return Claim(
        claim=claim,
        source=source,
        predicted=1.0,
        measured=share,
        low=share,
        high=share,
        verdict="undecided" if not told.any() else "holds" if bad <= 0.05 * told.sum() else "does not hold",
        why=f"{words} In {bad} of {int(told.sum())} cells, all batch sizes together, the mean square was "
        f"measured to {'grow' if stable else 'fall'}.",
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


def _outside_is_unstable(results: Results) -> Claim:
    return _region_claim(
        results,
        "SGD can only pick minima with s <= 1/eta (B = 1) and a <= 2/eta, in one dimension; share of the "
        "cells outside the box that are unstable",
        f"{DECK}; {PAPER}, section 3",
        ~results["diagram"]["in_box"].values.astype(bool),
        "Necessary in one dimension.",
        stable=False,
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
