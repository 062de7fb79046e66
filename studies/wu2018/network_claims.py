"""What paper and slides state of networks, and what this run says of it."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

import numpy as np

from simdyn.study import Claim, Results, judge, mean_claim, ratio_claim
from studies.wu2018.experiment import has_networks
from studies.wu2018.settings import DECK, PAPER, Settings

if TYPE_CHECKING:
    from xarray import DataArray, Dataset

NETWORK_CLAIMS = {
    "interpolates": (
        "Training ends at global minima: share of networks with all training samples right",
        f"{PAPER}, table 2; {DECK}, results",
    ),
    "bound_a": (
        "Gradient descent ends at a sharpness of at most 2/eta: largest a eta / 2",
        f"{PAPER}, Theorem 1",
    ),
    "near_a": ("Gradient descent ends close to that bound: mean of a eta / 2", f"{PAPER}, section 4"),
    "bound_s": ("SGD ends below the bound on s: largest s over its bound", f"{PAPER}, Theorem 1"),
    "near_s": ("SGD ends close to that bound: mean of s over its bound", f"{PAPER}, section 4"),
    "nearer_s": (
        "Larger batches bring s closer to its bound: ratio of s over its bound, largest batch of SGD over "
        "the least",
        f"{DECK}, non-uniformity against sharpness",
    ),
    "proportional": (
        "s is proportional to a: power of a",
        f"{PAPER}, figure 5; {DECK}, non-uniformity against sharpness",
    ),
    "batch_a": ("Smaller batches end at smaller a: ratio, least batch over gradient descent", DECK),
    "batch_s": ("Smaller batches end at smaller s: ratio, least batch over gradient descent", DECK),
    "rate_a": ("Larger learning rates end at smaller a: ratio, largest over least rate", DECK),
    "rate_s": ("Larger learning rates end at smaller s: ratio, largest over least rate", DECK),
    "slower": (
        "SGD takes longer to converge: steps, least batch over gradient descent at the same rate",
        f"{DECK}, escape phenomenon",
    ),
    "stable": ("Training ends where SGD is stable in mean square: least threshold over learning rate", PAPER),
    "theorem1": (
        "SGD ends only where Theorem 1's inequality holds, as if it were necessary: least learning rate that "
        "it allows over that of the run",
        f"{PAPER}, Theorem 1 and section 4",
    ),
    "less_stable": (
        "Higher sharpness causes less stability: power of a of the largest stable learning rate",
        f"{DECK}, comparing GD and SGD performance",
    ),
    "switch": (
        "SGD leaves the minimum of gradient descent where that is unstable: a at the end over a before",
        f"{PAPER}, figure 6; {DECK}, escape phenomenon",
    ),
    "switch_train": (
        "It converges to another global minimum: share of training samples right at the end",
        f"{DECK}, escape phenomenon",
    ),
    "switch_test": ("The test accuracy grows with that: change in per cent points", DECK),
    "sgd_test": (
        "SGD generalises better: test accuracy, least batch minus gradient descent, per cent points",
        f"{DECK}, conclusion",
    ),
    "descent_train": (
        "Gradient descent performs much better in the training accuracy after as many steps: it minus least "
        "batch, per cent points, mean of all looks",
        f"{DECK}, comparing GD and SGD performance",
    ),
    "descent_test": (
        "And is marginally better on the test accuracy: the same difference there",
        f"{DECK}, comparing GD and SGD performance",
    ),
    "escape_left": (
        "Trials with higher sharpness take longer to escape an unstable minimum: power of a of the steps "
        "until the loss is ten times as large",
        f"{DECK}, accuracy against iterations",
    ),
    "escape_settled": (
        "Or it takes them longer to come to rest at another one: power of a of the steps until then",
        f"{DECK}, accuracy against iterations",
    ),
    "adam": ("Adam ends at minima with larger a than SGD: ratio of a", "simdyn, beside the next"),
    "adam_test": (
        "Adaptive methods do not generalise as well as SGD: test accuracy, SGD minus Adam, per cent points",
        f"Wilson et al. 2017, as quoted in {DECK}",
    ),
}
"""Statement and source."""

OF_MINIMA = (
    "near_a", "near_s", "nearer_s", "proportional", "batch_a", "batch_s", "rate_a", "rate_s", "slower",
    "less_stable", "sgd_test", "bound_a", "bound_s", "stable", "theorem1",
)  # fmt: skip
"""Those of them that are about where training from scratch ends, if it does not fail."""


def of_networks(results: Results, settings: Settings) -> list[Claim]:
    """Where training ends, what a switch to SGD does, and how long minima are left; they need PyTorch."""
    if has_networks(results):
        return _measured(results, settings)
    return [_not_run(*words) for words in NETWORK_CLAIMS.values()]


def _not_run(claim: str, source: str) -> Claim:
    return Claim(
        claim=claim,
        source=source,
        verdict="not run",
        why='PyTorch and scikit-learn are not installed; add them with pip install "simdyn[torch]".',
    )


def _measured(results: Results, settings: Settings) -> list[Claim]:
    minima = results["minima"]
    descent = minima.sel(B=max(settings.batch_sizes))
    sizes = sorted(b for b in settings.batch_sizes if b < settings.samples)
    sgd = minima.sel(B=sizes)
    least = minima.sel(B=min(settings.batch_sizes))
    of_bound = sgd["nonuniformity"] / sgd["nonuniformity_bound"]
    of_edge = descent["sharpness"] * descent["eta"] / 2
    margin = minima["threshold"] / minima["eta"]
    allowed = minima["theorem1"] / minima["eta"]
    slow, fast = (minima.sel(eta=choice(settings.learning_rates)) for choice in (min, max))
    adam = results["adaptive"]
    right = minima["train_accuracy"].values.ravel()
    failed = int(minima["loss"].isnull().sum())
    without = f" Without {failed} of {right.size}, whose training failed." if failed else ""
    found = {
        "interpolates": _plain(
            "interpolates",
            float((right == 1.0).mean()),
            1.0,
            1.0,
            1.0,
            f"{right.size} networks, of which the training of {failed} failed. {_table(minima)}",
        ),
        "bound_a": _plain(
            "bound_a",
            float(of_edge.max()),
            1.0,
            0.0,
            1.02,
            f"{of_edge.size} networks; judged against 1.02, since training ends before it has settled.",
        ),
        "near_a": _mean("near_a", of_edge, 1.0, 0.8, 1.02, "Judged within 0.8 and 1.02."),
        "bound_s": _plain("bound_s", float(of_bound.max()), 1.0, 0.0, 1.0, f"{of_bound.size} networks."),
        "near_s": _mean("near_s", of_bound, 1.0, 0.8, 1.0, "Judged within 0.8 and 1."),
        "nearer_s": _ratio("nearer_s", of_bound.sel(B=sizes[-1]) / of_bound.sel(B=sizes[0]), below=False),
        "proportional": _power(
            "proportional",
            minima["sharpness"],
            minima["nonuniformity"],
            0.75,
            1.25,
            predicted=1.0,
            why="Judged within 0.25.",
        ),
        "batch_a": _ratio("batch_a", least["sharpness"] / descent["sharpness"], below=True),
        "batch_s": _ratio("batch_s", least["nonuniformity"] / descent["nonuniformity"], below=True),
        "rate_a": _ratio("rate_a", fast["sharpness"] / slow["sharpness"], below=True),
        "rate_s": _ratio("rate_s", fast["nonuniformity"] / slow["nonuniformity"], below=True),
        "slower": _ratio("slower", least["steps"] / descent["steps"], below=False),
        "stable": _plain(
            "stable",
            float(margin.min()),
            1.0,
            0.98,
            np.inf,
            "Exact thresholds of the linearised networks; judged against 0.98.",
        ),
        "theorem1": _plain(
            "theorem1",
            float(allowed.min()),
            1.0,
            0.98,
            np.inf,
            f"{int((allowed < 0.98).sum())} of {allowed.size} networks are below 0.98, against which it is "
            "judged. The inequality is sufficient; the exact thresholds are "
            f"{float((minima['threshold'] / minima['theorem1']).min()):.2f} to "
            f"{float((minima['threshold'] / minima['theorem1']).max()):.2f} times as large.",
        ),
        "less_stable": _power(
            "less_stable",
            minima["sharpness"],
            minima["threshold"],
            -np.inf,
            0.0,
            by=("architecture", "B"),
            why="Holds if below 0.",
        ),
        **_of_switch(results, settings),
        "sgd_test": _mean(
            "sgd_test",
            100 * (least["test_accuracy"] - descent["test_accuracy"]),
            None,
            0.0,
            np.inf,
            "Holds if above 0.",
        ),
        **_of_course(results, settings),
        **_of_escapes(results),
        "adam": _ratio(
            "adam",
            adam["sharpness"].sel(optimiser="adam") / adam["sharpness"].sel(optimiser="sgd"),
            below=False,
        ),
        "adam_test": _mean(
            "adam_test",
            100 * (adam["test_accuracy"].sel(optimiser="sgd") - adam["test_accuracy"].sel(optimiser="adam")),
            None,
            0.0,
            np.inf,
            "Holds if above 0.",
        ),
    }
    for name in OF_MINIMA:
        found[name] = dataclasses.replace(found[name], why=found[name].why + without)
    return [found[name] for name in NETWORK_CLAIMS]


def _table(minima: Dataset) -> str:
    """The lines of the slides' table: means of all learning rates, batch sizes and runs."""
    lines = []
    for architecture in minima["architecture"].values:
        one = minima.sel(architecture=architecture).mean()
        lines.append(
            f"{architecture}: training {float(one['train_accuracy']):.1%}, test "
            f"{float(one['test_accuracy']):.1%}, a {float(one['sharpness']):.1f}, s "
            f"{float(one['nonuniformity']):.1f}"
        )
    return f"Means of all: {'; '.join(lines)}."


def _log(data: DataArray) -> DataArray:
    return data.copy(data=np.log(data.values))


def _per_run(data: DataArray, skip: bool) -> np.ndarray:
    """Mean of a quantity over all but the runs, which are independent of one another; NaN is left out or
    makes NaN."""
    return np.asarray(data.mean([name for name in data.dims if name != "run"], skipna=skip).values)


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


def _mean(name: str, values: DataArray, predicted: float | None, low: float, high: float, why: str) -> Claim:
    """A mean over all networks, with the spread of the runs."""
    return mean_claim(
        *NETWORK_CLAIMS[name],
        _per_run(values, name in OF_MINIMA),
        low,
        high,
        predicted=predicted,
        why=f"{_MEANS} {why}",
    )


_MEANS = "Each stands for a run, as the mean over its networks."


def _ratio(name: str, ratios: DataArray, *, below: bool, why: str = "") -> Claim:
    """A geometric mean of ratios that is said to be below 1, or above, with the spread of the runs."""
    return ratio_claim(
        *NETWORK_CLAIMS[name],
        np.exp(_per_run(_log(ratios), name in OF_MINIMA)),
        *((0.0, 1.0) if below else (1.0, np.inf)),
        why=f"{_MEANS} {why}Holds if {'below' if below else 'above'} 1.",
    )


def _power(
    name: str,
    x: DataArray,
    y: DataArray,
    low: float,
    high: float,
    *,
    by: tuple[str, ...] = (),
    predicted: float | None = None,
    why: str,
) -> Claim:
    """The power of x in y, one a run; y has a level of its own at each value of the dimensions `by`.

    Where a value is NaN it is left out if training failed there, or else leaves the claim undecided.
    """
    skip = name in OF_MINIMA
    both = x.notnull() & y.notnull()
    logs = [_log(one.where(both)) for one in (x, y)]
    u, v = (one - one.mean([dim for dim in one.dims if dim not in (*by, "run")]) for one in logs)
    rest = [dim for dim in u.dims if dim != "run"]
    powers = (u * v).sum(rest, skipna=skip) / (u**2).sum(rest, skipna=skip)
    return mean_claim(
        *NETWORK_CLAIMS[name],
        np.asarray(powers.values),
        low,
        high,
        predicted=predicted,
        why=f"Each stands for a run, whose power is from {u.size // u.sizes['run']}. {why}",
    )


def _of_switch(results: Results, settings: Settings) -> dict[str, Claim]:
    switch = results["switch"].sortby("step")
    before, after = switch.isel(step=0), switch.isel(step=-1)
    unstable = bool((before["threshold"] < settings.switch_rate).all())
    leaves = _ratio(
        "switch",
        after["sharpness"] / before["sharpness"],
        below=True,
        why=f"Before, learning rates up to {float(before['threshold'].max()):.3f} were stable, the run has "
        f"{settings.switch_rate:g}; at the end up to {float(after['threshold'].min()):.3f}. ",
    )
    return {
        "switch": leaves if unstable else dataclasses.replace(leaves, verdict="undecided"),
        "switch_train": _mean(
            "switch_train",
            after["train_accuracy"],
            1.0,
            0.99,
            1.0,
            f"{float(after['loss'].mean()):.2g} is their mean loss, where gradient descent ended at "
            f"{float(before['loss'].mean()):.2g}. Judged against 0.99.",
        ),
        "switch_test": _mean(
            "switch_test",
            100 * (after["test_accuracy"] - before["test_accuracy"]),
            None,
            0.0,
            np.inf,
            "Holds if above 0.",
        ),
    }


def _of_course(results: Results, settings: Settings) -> dict[str, Claim]:
    data = results["course"]
    ahead = 100 * (data.sel(B=settings.samples) - data.sel(B=min(settings.batch_sizes)))
    steps = f"Looked at after {', '.join(f'{k:,}' for k in settings.course_steps)} steps. "
    return {
        "descent_train": _mean(
            "descent_train",
            ahead["train_accuracy"],
            None,
            2.0,
            np.inf,
            f"{steps}Holds if above 2.",
        ),
        "descent_test": _mean(
            "descent_test", ahead["test_accuracy"], None, 0.0, 2.0, f"{steps}Judged within 0 and 2."
        ),
    }


def _of_escapes(results: Results) -> dict[str, Claim]:
    data = results["escape"]
    found = {}
    for name, quantity in (("escape_left", "left"), ("escape_settled", "settled")):
        missing = int(np.isnan(data[quantity]).sum())
        means = ", ".join(
            f"{float(one[quantity].mean()):.4g} from a = {float(one['sharpness'].mean()):.1f}"
            for _, one in data.groupby("descent_rate")
        )
        found[name] = _power(
            name,
            data["sharpness"],
            data[quantity],
            0.0,
            np.inf,
            why=f"Mean steps: {means}. {missing} runs never did; with any such there is no verdict. Holds if "
            "above 0.",
        )
    return found
