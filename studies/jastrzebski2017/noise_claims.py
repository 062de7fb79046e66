"""What the slides state of networks with equal noise, and of the loss between the iterates of networks."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

import numpy as np

from simdyn.study import Claim, Results, Verdict, mean_claim, ratio_claim
from studies.jastrzebski2017.settings import FACTORS, WALK, Settings
from studies.jastrzebski2017.valley_claims import at_both_ends

if TYPE_CHECKING:
    from xarray import DataArray

ALIKE = 1.25
"""Within this factor widths and losses count as equal."""

NOISE_CLAIMS = {
    "unequal_width": (
        "Networks: smaller noise, sharper bowl; largest eigenvalue after as many passes, batch size alone at "
        "the largest factor over the factor 1",
        f"{FACTORS}, experimental results",
    ),
    "equal_width": (
        "Networks: equal noise, equal width; the same with the learning rate scaled alike",
        f"{FACTORS}, experimental results",
    ),
    "equal_course": (
        "Networks: same noise, same learning dynamics; training loss at the largest factor over that at "
        "the factor 1, geometric mean of all passes looked at",
        f"{FACTORS}, same noise, same learning dynamics",
    ),
    "equal_test": (
        "Networks: the minima with equal noise are of similar quality; test accuracy at the "
        "largest factor minus that at the factor 1, per cent points",
        f"{FACTORS}, take home messages",
    ),
    "net_convex": (
        "Networks: the loss is convex between successive iterates; share of the updates, the least of all "
        "settings",
        WALK,
    ),
    "net_bounce": (
        "Networks: after an initial phase updates bounce off the valley floor; share with a lower loss "
        "between their ends, the least of all settings of SGD",
        WALK,
    ),
    "net_improves": (
        "Networks: the floor improves monotonically; lowest loss along updates over that at the look "
        "before, the largest of all settings of SGD",
        WALK,
    ),
    "net_farther": (
        "Networks: smaller batches traverse larger distances; distance from the start, least batch over "
        "the largest of SGD",
        WALK,
    ),
    "net_rate_height": (
        "Networks: the learning rate sets the height above the floor; height, largest over least rate",
        WALK,
    ),
    "net_batch_height": (
        "Networks: the batch size does not set it; height, least batch over the largest of SGD",
        WALK,
    ),
    "net_stuck": (
        "Networks: gradient descent stays on the floor and does not bounce; share of its updates with a "
        "lower loss between their ends, the largest of all rates",
        WALK,
    ),
    "net_flatter": (
        "Networks: SGD finds flatter regions; largest eigenvalue, least batch over gradient descent "
        "after as many steps",
        WALK,
    ),
    "net_better": (
        "Networks: these generalise better; test accuracy, least batch minus gradient descent, per cent "
        "points",
        WALK,
    ),
}
"""Statement and source."""


def of_noise(results: Results, settings: Settings) -> list[Claim]:
    """In the order of the statements."""
    return [*_of_equal_noise(results), *_of_moves(results, settings)]


def _per_run(data: DataArray) -> np.ndarray:
    """Mean of a quantity over all but the runs, which are independent of one another."""
    return np.asarray(data.mean([name for name in data.dims if name != "run"]).values)


def _logs(data: DataArray) -> DataArray:
    return data.copy(data=np.log(data.values))


def _ratio(name: str, logs: DataArray, low: float, high: float, why: str) -> Claim:
    """A geometric mean over all but the runs, with the spread of these."""
    return ratio_claim(*NOISE_CLAIMS[name], np.exp(_per_run(logs)), low, high, why=f"{_EACH} {why}")


_EACH = "Each stands for a run."


def _with_verdict(claim: Claim, verdict: Verdict, more: str) -> Claim:
    return dataclasses.replace(claim, verdict=verdict, why=f"{claim.why} {more}")


def _told(claim: Claim) -> str:
    return f"{claim.measured:.3g} ({claim.low:.3g} to {claim.high:.3g})"


# --- equal noise -------------------------------------------------------------------------------------------


def _of_equal_noise(results: Results) -> list[Claim]:
    data = results["equal"].sortby("beta").sortby("epoch")
    few, many = (int(data["beta"][i]) for i in (1, -1))

    def change(quantity: str, scaled: str, beta: int) -> DataArray:
        logs = _logs(data[quantity].sel(scaled=scaled))
        return logs.sel(beta=beta) - logs.sel(beta=1)

    def end(scaled: str, beta: int) -> DataArray:
        return change("sharpness", scaled, beta).isel(epoch=-1)

    widths = [
        _ratio("equal_width", end("both", beta), 1 / ALIKE, ALIKE, f"The factor is {many}.")
        for beta in (few, many)
    ]
    courses = [
        _ratio("equal_course", change("loss", "both", beta), 1 / ALIKE, ALIKE, f"The factor is {many}.")
        for beta in (few, many)
    ]
    alone = _ratio("equal_course", change("loss", "batch", many), 0.0, np.inf, "")
    unequal = _ratio("unequal_width", end("batch", many), 1.0, np.inf, f"Factor {many}. Holds if above 1.")
    accuracy = data["test_accuracy"].sel(scaled="both").isel(epoch=-1)
    return [
        unequal,
        _with_verdict(
            widths[1],
            at_both_ends(widths[0].verdict, widths[1].verdict),
            f"At the factor {few} it is {_told(widths[0])}; with the batch size alone, factor {many}, "
            f"{_told(unequal)}. Judged within a factor of {ALIKE:g} at both factors.",
        ),
        _with_verdict(
            courses[1],
            at_both_ends(courses[0].verdict, courses[1].verdict),
            f"At the factor {few} it is {_told(courses[0])}; with the batch size alone, factor {many}, "
            f"{_told(alone)}. After equally many passes. Judged within a factor of {ALIKE:g} at both.",
        ),
        mean_claim(
            *NOISE_CLAIMS["equal_test"],
            100 * (accuracy.sel(beta=many) - accuracy.sel(beta=1)).values,
            -1.0,
            1.0,
            predicted=0.0,
            why=f"{_EACH} Factor {many}. Judged within 1 point.",
        ),
    ]


# --- walks -------------------------------------------------------------------------------------------------


def _of_moves(results: Results, settings: Settings) -> list[Claim]:
    data = results["moves"].sortby("eta").sortby("B").sortby("step")
    sizes = [size for size in data["B"].values if size < settings.samples]
    sgd = data.sel(B=sizes)
    last, descent = sgd.isel(step=-1), data.isel(step=-1, B=-1)
    least, most = last.isel(B=0), last.isel(B=-1)
    height = _logs(last["height"])
    falls = _logs(sgd["floor"]).diff("step")
    return [
        _of_all(
            "net_convex",
            last["convex"],
            0.95,
            np.inf,
            f"After {int(data['step'][-1]):,} steps, places {_places()}. Judged against 0.95",
        ),
        _of_all(
            "net_bounce",
            last["bounce"],
            0.5,
            np.inf,
            f"After {int(data['step'][-1]):,} steps. Judged against one half",
        ),
        _floors(falls),
        _ratio(
            "net_farther",
            _logs(least["distance"]) - _logs(most["distance"]),
            1.0,
            np.inf,
            f"After {int(data['step'][-1]):,} steps with both. Holds if above 1.",
        ),
        _ratio(
            "net_rate_height",
            height.isel(eta=-1) - height.isel(eta=0),
            1.0,
            np.inf,
            f"Rates {float(data['eta'][-1]):g} and {float(data['eta'][0]):g}. Holds if above 1.",
        ),
        _ratio(
            "net_batch_height",
            height.isel(B=0) - height.isel(B=-1),
            1 / ALIKE,
            ALIKE,
            f"Batches of {sizes[0]} and {sizes[-1]}. Judged within a factor of {ALIKE:g}.",
        ),
        _of_all(
            "net_stuck",
            descent["bounce"],
            -np.inf,
            0.5,
            "Where the learning rate times the largest eigenvalue is more than 1, it bounces as well. Judged "
            "against one half",
            largest=True,
        ),
        _ratio(
            "net_flatter",
            _logs(least["sharpness"]) - _logs(descent["sharpness"]),
            0.0,
            1.0,
            f"Training loss {float(least['loss'].mean()):.2g} and {float(descent['loss'].mean()):.2g}. Holds "
            "if below 1.",
        ),
        mean_claim(
            *NOISE_CLAIMS["net_better"],
            100 * _per_run(least["test_accuracy"] - descent["test_accuracy"]),
            0.0,
            np.inf,
            why=f"{_EACH} After as many steps, not at the same loss. Holds if above 0.",
        ),
    ]


def _places() -> str:
    from studies.jastrzebski2017.noise_networks import POINTS

    return f"at {POINTS} of each"


def _of_all(name: str, data: DataArray, low: float, high: float, why: str, *, largest: bool = False) -> Claim:
    """A mean over runs that has to lie in the band in every setting; shown is the one nearest to its edge."""
    settings = data.stack(setting=[key for key in data.dims if key != "run"]).transpose("setting", "run")
    order = np.argsort(settings.mean("run").values)
    claims = [
        mean_claim(
            *NOISE_CLAIMS[name], settings.values[i], low, high, why=f"{why}, in all {len(order)} settings."
        )
        for i in (order if not largest else order[::-1])
    ]
    edge, inner = claims[0], claims[-1]
    return _with_verdict(
        edge, at_both_ends(edge.verdict, inner.verdict), f"At the other end it is {_told(inner)}."
    )


def _floors(falls: DataArray) -> Claim:
    """From each look to the next and in each setting."""
    stacked = falls.stack(setting=[key for key in falls.dims if key != "run"]).transpose("setting", "run")
    order = np.argsort(stacked.mean("run").values)[::-1]
    claims = [
        ratio_claim(
            *NOISE_CLAIMS["net_improves"],
            np.exp(stacked.values[i]),
            0.0,
            1.0,
            why=f"{_EACH} {len(order)} settings and looks. Holds if below 1 in all.",
        )
        for i in order
    ]
    return _with_verdict(
        claims[0],
        at_both_ends(claims[0].verdict, claims[-1].verdict),
        f"The smallest is {_told(claims[-1])}.",
    )
