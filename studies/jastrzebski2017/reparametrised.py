"""The same loss in another parameter: what becomes of flat and sharp (Dinh et al. 2017)."""

from __future__ import annotations

import numpy as np

from simdyn.study import Claim, Dimension, Grid, Quantity, Results, judge
from studies.jastrzebski2017.landscapes import FLAT, SHARP, wells

SHIFT = 1.5
"""The parameter u of x = exp(u) - SHIFT; dx/du = x + SHIFT, so that it is 1/2 at the sharp well and 5/2 at
the flat one."""

SLOPE = -0.5
"""A place that is no critical point."""

APART = 1e-3
"""Of the points of second differences, whose error is of the order of its square."""

SOURCE = "Dinh et al. 2017, as quoted in the slides"

PLACES = ("sharp minimum", "flat minimum", "slope")


def reparametrised_grid() -> Grid:
    """Curvatures at the two minima and beside them."""
    return Grid(
        "reparametrised",
        "The two wells in another parameter",
        [Dimension("place", PLACES, "", "where")],
        [
            Quantity("plain", "", "curvature of the loss in x"),
            Quantity("curvature", "", "curvature of the loss in u, by second differences"),
            Quantity("formula", "", "(dx/du)^2 times the curvature in x"),
        ],
        f"x = exp(u) - {SHIFT:g}. The two wells with curvatures {SHARP:g} and {FLAT:g}; the slope is at x = "
        f"{SLOPE:g}.",
    )


def reparametrised(place: str) -> dict[str, float]:
    """Curvatures there in both parameters."""
    landscape = wells(0.0)
    sharp, flat = sorted(float(point.x[0]) for point in landscape.minima())
    x = {"sharp minimum": sharp, "flat minimum": flat, "slope": SLOPE}[place]
    u = np.log(x + SHIFT) + APART * np.array([-1.0, 0.0, 1.0])
    losses = landscape.energy((np.exp(u) - SHIFT)[:, None])
    plain = float(landscape.hessian(np.array([x]))[0, 0])
    return {
        "plain": plain,
        "curvature": float(np.diff(losses, 2)[0] / APART**2),
        "formula": (x + SHIFT) ** 2 * plain,
    }


def of_reparametrisation(results: Results) -> list[Claim]:
    """That of the formula, and that flat and sharp change places."""
    data = results["reparametrised"]
    ratios = {place: float(data["curvature"].sel(place=place)) for place in PLACES}
    ratios = {place: value / float(data["formula"].sel(place=place)) for place, value in ratios.items()}
    worst = max((ratios[place] for place in PLACES[:2]), key=lambda ratio: abs(ratio - 1))
    flat, sharp = data.sel(place="flat minimum"), data.sel(place="sharp minimum")
    turned = float(flat["curvature"] / sharp["curvature"])
    before = float(flat["plain"] / sharp["plain"])
    return [
        Claim(
            claim="Of L(g(u)) the Hessian at a critical point is g'(u)^T H g'(u); curvature over this, at "
            "the minimum where it is farther off",
            source=SOURCE,
            predicted=1.0,
            measured=worst,
            low=worst,
            high=worst,
            verdict=judge(worst, worst, 1 - 1e-4, 1 + 1e-4),
            why=f"On the slope, at x = {SLOPE:g}, it is {ratios['slope']:.3g}: there the gradient adds g''. "
            "Nothing is random; judged within 1e-4, which second differences resolve.",
        ),
        Claim(
            claim="Another parameter turns a flat minimum into a sharp one and a sharp one into a flat one; "
            "curvature of the flat over that of the sharp well, in u",
            source=SOURCE,
            measured=turned,
            low=turned,
            high=turned,
            verdict="does not hold" if before >= 1 else judge(turned, turned, 1.0, np.inf),
            why=f"In x it is {before:.3f}; the loss of both wells is the same. Holds if above 1.",
        ),
    ]
