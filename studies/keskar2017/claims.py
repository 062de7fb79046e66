"""What the paper and the slides state, and what this run says of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from simdyn.study import Claim, Results, judge, mean_claim, ratio_claim
from studies.keskar2017.batch_claims import batch_statements, of_batches
from studies.keskar2017.experiment import has_networks
from studies.keskar2017.settings import DECK, DINH, FLAT, PAPER, SHARP, Settings

if TYPE_CHECKING:
    from xarray import DataArray

TENFOLD = 10.0
"""An order of magnitude."""


def claims(results: Results, settings: Settings) -> list[Claim]:
    """All statements, each judged from the measurements of this run; those about networks need PyTorch."""
    found = [_concept(results)]
    if has_networks(results):
        return found + _of_networks(results, settings)
    return found + [
        Claim(
            claim=claim,
            source=source,
            verdict="not run",
            why='PyTorch and scikit-learn are not installed; add them with pip install "simdyn[torch]".',
        )
        for claim, source in statements(settings).values()
    ]


def kinds(settings: Settings) -> list[tuple[str, str]]:
    """Architecture and optimiser of each line of the tables."""
    return [(one, optimiser) for one in settings.architectures for optimiser in ("sgd", "adam")]


def statements(settings: Settings) -> dict[str, tuple[str, str]]:
    """Statement and source of what is said about networks."""
    small, large = settings.small_batch, settings.large_batch
    found: dict[str, tuple[str, str]] = {}
    for architecture, optimiser in kinds(settings):
        name, words = f"{architecture} {optimiser}", f"{_NAMES[optimiser]}, {architecture}"
        found |= {
            f"train {name}": (
                f"Small and large batches fit the training samples alike; training accuracy, B = {small} "
                f"less B = {large}; {words}",
                f"{PAPER}, table 2",
            ),
            f"gap {name}": (
                f"Large batches generalise worse; test accuracy, B = {small} less B = {large}; {words}",
                f"{PAPER}, table 2",
            ),
            f"full {name}": (
                f"Large batches end at sharper minima; sharpness in full space, B = {large} over "
                f"B = {small}; {words}",
                f"{PAPER}, table 3",
            ),
            f"random {name}": (
                f"Large batches end at sharper minima; sharpness in random subspaces of dimension "
                f"{settings.subspace}, B = {large} over B = {small}; {words}",
                f"{PAPER}, table 4",
            ),
        }
        found[f"hessian {name}"] = (
            f"The Hessian tells it; its largest eigenvalue, B = {large} over B = {small}; {words}",
            f"{PAPER}, section 2.2.2; {DECK}, slide 24",
        )
    return found | {
        "tenfold": (
            "Their sharpness is larger by an order of magnitude; ratio at equal training loss, full space",
            f"{PAPER}, table 3; {DECK}",
        ),
        "tenfold_random": (
            "In random subspaces, too; the same ratio there",
            f"{PAPER}, table 4; {DECK}",
        ),
        "passes": (
            f"The same as in full space after equally many passes over the data ({settings.epochs}), at "
            "unequal loss",
            f"{PAPER}, table 3; {DECK}",
        ),
        "epsilon": (
            f"The size of the box does not matter to this; ratio at epsilon = {settings.epsilons[-1]:g} over "
            f"that at {settings.epsilons[0]:g}",
            f"{PAPER}, table 3",
        ),
        "line_loss": (
            "The loss rises faster beyond the solution of large batches than beyond that of small ones; "
            "mean training loss for alpha in (1, 2] over that in [-1, 0)",
            f"{PAPER}, figure 3",
        ),
        "line_accuracy": (
            "Accuracy falls fast beyond the solution of large batches, slowly beyond that of small ones; "
            "mean training accuracy for alpha in [-1, 0) less that in (1, 2]",
            f"{DECK}, slide 17",
        ),
        "cone": (
            "Sharp minima are steep in a small share of directions only (5 % in the paper); share of the "
            f"Hessian's trace in its steepest {settings.steep_share:.0%}, B = {large}",
            f"{PAPER}, section 2.2.2; {DECK}, slide 19",
        ),
        "accuracy": (
            "The sharper, the lower the test accuracy; correlation of log sharpness and test accuracy over "
            "batch sizes",
            f"{PAPER}, figure 4; {DECK}, slide 20",
        ),
        **batch_statements(settings),
        "early": (
            f"At a large loss ({settings.levels[0]:g}) both are about equally sharp; B = {large} over "
            f"B = {small}",
            f"{PAPER}, figure 5; {DECK}, slide 21",
        ),
        "late": (
            f"On the way down large batches become the sharper ones; that ratio at loss "
            f"{settings.levels[-1]:g} over the one at {settings.levels[0]:g}",
            f"{PAPER}, figure 5; {DECK}, slide 21",
        ),
        "overfitting": (
            "The gap is no overfitting, which an earlier end would close; test accuracy of large batches at "
            "the end less that at the best of the larger losses",
            f"{PAPER}, section 2.1; {DECK}, slide 10",
        ),
        "close": (
            "Large batches stay closer to the first parameters; distance, large over small",
            f"{PAPER}, section 2; {DECK}, slides 7 and 22",
        ),
        "warm_few": (
            f"A warm start of few epochs with small batches ({settings.warm_epochs[1]}) does not help large "
            "ones; change of test accuracy",
            f"{PAPER}, figure 5; {DECK}, slide 22",
        ),
        "warm_many": (
            f"A longer one ({settings.warm_epochs[-1]}) does; change of test accuracy",
            f"{PAPER}, figure 5; {DECK}, slide 22",
        ),
        "warm_sharp": (
            "And it ends at flatter minima; sharpness with over that without it",
            f"{PAPER}, figure 5; {DECK}, slide 22",
        ),
        "ball": (
            "The sharpness in a small ball around a critical point is that of the largest eigenvalue, "
            "100 lambda r^2 / (2 (1 + L)); measured over this",
            f"{DINH}; {DECK}, slide 26",
        ),
        "ball_left": (
            "And so it is where training ends; the same ratio with the gradient that is left",
            f"{DECK}, slide 26",
        ),
        "scale_same": (
            "Scaling layers against each other leaves the function as it is; largest relative change of an "
            "output",
            f"{DINH}; {DECK}, slide 27",
        ),
        "scale_power": (
            "The largest eigenvalue can so be made as large as one likes; power of the scale between the "
            "largest two",
            f"{DINH}; {DECK}, slide 27",
        ),
        "scale_sharp": (
            f"So the flat minimum of small batches becomes sharper than that of large ones, with the same "
            f"test accuracy; sharpness over that of B = {large}",
            f"{DINH}; {DECK}, slide 25",
        ),
    }


_NAMES = {"sgd": "SGD", "adam": "Adam"}


def _concept(results: Results) -> Claim:
    data = results["concept"].sortby("shift").isel(shift=0)
    ratio = float(data["sharp_rise"] / data["flat_rise"])
    return Claim(
        claim="A shift between training and test loss costs more at a sharp minimum; rise at the sharp over "
        "that at the flat one",
        source=f"{DECK}, slide 8",
        predicted=SHARP / FLAT,
        measured=ratio,
        low=ratio,
        high=ratio,
        verdict=judge(ratio, ratio, 1.0, np.inf),
        why=f"One coordinate, curvatures {SHARP:g} and {FLAT:g}, shift {float(data['shift']):g} to either "
        f"side; the sharpness is {float(data['sharp']):.3g} % and {float(data['flat']):.3g} %.",
    )


def _per_run(data: DataArray) -> np.ndarray:
    """Mean of a quantity over all but the runs, which are independent of one another."""
    return np.asarray(data.mean([name for name in data.dims if name != "run"]).values)


def _log(data: DataArray) -> DataArray:
    return data.copy(data=np.log(data.values))


def _of_networks(results: Results, settings: Settings) -> list[Claim]:
    said = statements(settings)
    small, large = settings.small_batch, settings.large_batch
    ends, sharp = results["solutions"], results["sharpness"]["sharpness"]
    first, last = settings.epsilons[0], settings.epsilons[-1]
    found = []
    for architecture, optimiser in kinds(settings):
        one = ends.sel(architecture=architecture, optimiser=optimiser)
        name = f"{architecture} {optimiser}"
        for key, quantity, band, words in (
            ("train", "train_accuracy", (-1.0, 1.0), "Judged within 1."),
            ("gap", "test_accuracy", (0.0, np.inf), "Holds if above 0."),
        ):
            values = one[quantity]
            means = [100 * float(values.sel(B=b).mean()) for b in (small, large)]
            found.append(
                mean_claim(
                    *said[f"{key} {name}"],
                    100 * (values.sel(B=small) - values.sel(B=large)).values,
                    *band,
                    unit="percentage points",
                    why=f"{means[0]:.2f} % and {means[1]:.2f} % in the mean. {words}",
                )
            )
        for key, space in (("full", "full"), ("random", "random")):
            values = sharp.sel(architecture=architecture, optimiser=optimiser, space=space, epsilon=first)
            means = [float(values.sel(B=b).mean()) for b in (small, large)]
            found.append(
                ratio_claim(
                    *said[f"{key} {name}"],
                    (values.sel(B=large) / values.sel(B=small)).values,
                    1.0,
                    np.inf,
                    why=f"epsilon = {first:g}: {means[0]:.3g} % and {means[1]:.3g} % in the mean. "
                    "Holds if above 1.",
                )
            )
        values = one["eigenvalue"]
        means = [float(values.sel(B=b).mean()) for b in (small, large)]
        found.append(
            ratio_claim(
                *said[f"hessian {name}"],
                (values.sel(B=large) / values.sel(B=small)).values,
                1.0,
                np.inf,
                why=f"{means[0]:.3g} and {means[1]:.3g} in the mean. Holds if above 1.",
            )
        )
    logs = _log(sharp.sel(B=large) / sharp.sel(B=small))
    by_epsilon = {size: _per_run(logs.sel(space="full", epsilon=size)) for size in (first, last)}
    found += [
        ratio_claim(
            *said["tenfold"],
            np.exp(by_epsilon[first]),
            TENFOLD,
            np.inf,
            why="Networks and optimisers together. Holds if above 10.",
        ),
        ratio_claim(
            *said["tenfold_random"],
            np.exp(_per_run(logs.sel(space="random", epsilon=first))),
            TENFOLD,
            np.inf,
            why="Networks and optimisers together. Holds if above 10.",
        ),
        _passes(results, settings),
        ratio_claim(
            *said["epsilon"],
            np.exp(by_epsilon[last] - by_epsilon[first]),
            0.8,
            1.25,
            predicted=1.0,
            why="Judged within 0.8 and 1.25.",
        ),
    ]
    return [
        *found,
        *_line(results, settings),
        _cone(results, settings),
        _accuracy(results, settings),
        *of_batches(results, settings),
        *_course(results, settings),
        ratio_claim(
            *said["close"],
            np.exp(_per_run(_log(ends["distance"].sel(B=large) / ends["distance"].sel(B=small)))),
            0.0,
            1.0,
            why="At equal training loss, networks and optimisers together. Holds if below 1.",
        ),
        *_warm(results, settings),
        *_scaled(results, settings),
    ]


def _passes(results: Results, settings: Settings) -> Claim:
    data = results["epochs"]
    few, many = (data.sel(B=b) for b in (settings.small_batch, settings.large_batch))
    return ratio_claim(
        *statements(settings)["passes"],
        (many["sharpness"] / few["sharpness"]).values,
        TENFOLD,
        np.inf,
        why=f"Mean training loss {float(few['train_loss'].mean()):.2g} and "
        f"{float(many['train_loss'].mean()):.2g}, training accuracy "
        f"{float(few['train_accuracy'].mean()):.2%} and {float(many['train_accuracy'].mean()):.2%}: small "
        "batches take more steps and come further down, where cross-entropy is flat. Holds if above 10.",
    )


def _line(results: Results, settings: Settings) -> list[Claim]:
    data, said = results["line"], statements(settings)
    beyond_small, beyond_large = data.where(data.alpha < 0, drop=True), data.where(data.alpha > 1, drop=True)
    losses = [one["train_loss"].mean("alpha") for one in (beyond_small, beyond_large)]
    accuracies = [_per_run(one["train_accuracy"]) for one in (beyond_small, beyond_large)]
    return [
        ratio_claim(
            *said["line_loss"],
            np.exp(_per_run(_log(losses[1] / losses[0]))),
            1.0,
            np.inf,
            why="Networks and optimisers together. Holds if above 1.",
        ),
        mean_claim(
            *said["line_accuracy"],
            100 * (accuracies[0] - accuracies[1]),
            0.0,
            np.inf,
            unit="percentage points",
            why=f"{accuracies[0].mean():.1%} and {accuracies[1].mean():.1%} in the mean. Holds if above 0.",
        ),
    ]


def _cone(results: Results, settings: Settings) -> Claim:
    data = results["directions"]
    held = data["held"].sel(B=settings.large_batch).values
    return mean_claim(
        *statements(settings)["cone"],
        held,
        0.9,
        np.inf,
        why=f"With small batches {float(data['held'].sel(B=settings.small_batch).mean()):.3f}. Above 1 where "
        "the other eigenvalues are negative in sum. Holds if above 0.9.",
    )


def _accuracy(results: Results, settings: Settings) -> Claim:
    data = results["batches"]
    values = [
        float(np.corrcoef(np.log(data["sharpness"].sel(run=r)), data["test_accuracy"].sel(run=r))[0, 1])
        for r in settings.runs
    ]
    return mean_claim(
        *statements(settings)["accuracy"],
        np.array(values),
        -np.inf,
        0.0,
        why=f"Mean over runs of the correlation over {len(settings.batch_sizes)} batch sizes. Holds if below "
        "0. A correlation: batch size changes both.",
    )


def _course(results: Results, settings: Settings) -> list[Claim]:
    data, said = results["course"], statements(settings)
    small, large = settings.small_batch, settings.large_batch
    logs = _log(data["sharpness"].sel(B=large) / data["sharpness"].sel(B=small))
    early, late = logs.sel(level=settings.levels[0]).values, logs.sel(level=settings.levels[-1]).values
    accuracies = data["test_accuracy"].sel(B=large)
    # The best level of all runs together, so that the choice follows the chance of no single run.
    best = max(settings.levels[:-1], key=lambda level: float(accuracies.sel(level=level).mean()))
    last, before = (accuracies.sel(level=level).values for level in (settings.levels[-1], best))
    return [
        ratio_claim(
            *said["early"], np.exp(early), 0.5, 2.0, predicted=1.0, why="Judged within a factor of 2."
        ),
        ratio_claim(*said["late"], np.exp(late - early), 1.0, np.inf, why="Holds if above 1."),
        mean_claim(
            *said["overfitting"],
            100 * (last - before),
            -0.5,
            np.inf,
            unit="percentage points",
            why=f"The best is at the loss {best:g}. Holds if above -0.5.",
        ),
    ]


def _warm(results: Results, settings: Settings) -> list[Claim]:
    data, said = results["warm"], statements(settings)
    cold, few, many = (data.sel(start=settings.warm_epochs[k]) for k in (0, 1, -1))
    steps = float(many["steps"].mean())
    return [
        mean_claim(
            *said["warm_few"],
            100 * (few["test_accuracy"] - cold["test_accuracy"]).values,
            -0.5,
            0.5,
            predicted=0.0,
            unit="percentage points",
            why="Judged within 0.5.",
        ),
        mean_claim(
            *said["warm_many"],
            100 * (many["test_accuracy"] - cold["test_accuracy"]).values,
            0.0,
            np.inf,
            unit="percentage points",
            why=f"Large batches then took {steps:.0f} steps in the mean, and "
            f"{float(cold['steps'].mean()):.0f} from a cold start. Holds if above 0.",
        ),
        ratio_claim(
            *said["warm_sharp"],
            (many["sharpness"] / cold["sharpness"]).values,
            0.0,
            1.0,
            why="Holds if below 1.",
        ),
    ]


def _scaled(results: Results, settings: Settings) -> list[Claim]:
    ends, data, said = results["solutions"], results["scaled"].sortby("scale"), statements(settings)
    quotients, left = (ends[name] / ends["ball_formula"] for name in ("ball_even", "ball"))
    change = float(data["change"].max())
    scales = data["scale"].values
    power = np.diff(np.log(data["eigenvalue"].isel(scale=[-2, -1]).transpose("scale", "run").values), axis=0)
    large = results["sharpness"]["sharpness"].sel(
        architecture=settings.architectures[0],
        optimiser=settings.optimiser,
        B=settings.large_batch,
        space="full",
        epsilon=settings.epsilons[0],
    )
    top = data.isel(scale=-1)
    moved = float(abs(top["test_accuracy"] - data["test_accuracy"].sel(scale=1.0)).max())
    return [
        ratio_claim(
            *said["ball"],
            np.exp(_per_run(_log(quotients))),
            0.9,
            1.1,
            predicted=1.0,
            why=f"Radius {settings.radius:g}, from {float(quotients.min()):.3g} to "
            f"{float(quotients.max()):.3g}. The mean of the loss on both sides, of which the point is a "
            "critical one with the same Hessian. Judged within 0.9 and 1.1.",
        ),
        ratio_claim(
            *said["ball_left"],
            np.exp(_per_run(_log(left))),
            0.9,
            1.1,
            predicted=1.0,
            why=f"From {float(left.min()):.3g} to {float(left.max()):.3g}. The gradient that training leaves "
            f"is {float(ends['slope'].mean()):.2g} long, and not in the formula. Judged within 0.9 and 1.1.",
        ),
        Claim(
            claim=said["scale_same"][0],
            source=said["scale_same"][1],
            predicted=0.0,
            measured=change,
            low=change,
            high=change,
            verdict=judge(change, change, 0.0, 1e-9),
            why="Largest over runs, scales and test samples, in double precision. Judged against 1e-9.",
        ),
        mean_claim(
            *said["scale_power"],
            power[0] / np.log(scales[-1] / scales[-2]),
            1.8,
            2.2,
            predicted=2.0,
            why=f"Scales {scales[-2]:g} and {scales[-1]:g}. Judged within 0.2.",
        ),
        ratio_claim(
            *said["scale_sharp"],
            (top["sharpness"] / large).values,
            1.0,
            np.inf,
            why=f"Scale {scales[-1]:g}; the test accuracy moved by at most {100 * moved:.2g} percentage "
            f"points. Holds if above 1.",
        ),
    ]
