"""Two trainings of one network on the same digits, and how high the way between them must go."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from simdyn.study import Claim, Dimension, Grid, Quantity, Results, mean_claim, ratio_claim
from studies.landscape.model_settings import ModelSettings

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from simdyn.networks import LossSurface

STEPS = 20_000
"""Most steps of a training."""

ENDS = 0.05
"""Cross-entropy at which it ends."""

RATE, BATCH = 0.2, 10


def path_grid(settings: ModelSettings) -> Grid:
    """Barriers between two solutions, by width."""
    return Grid(
        "paths",
        "Ways between two solutions",
        [
            Dimension("width", settings.path_widths, "", "units of the hidden layer"),
            Dimension("run", settings.path_runs, "", "number of the samples and of two first parameters"),
        ],
        [
            Quantity("parameters", "", "number of parameters"),
            Quantity("ends", "", "larger cross-entropy of the two solutions"),
            Quantity("straight", "", "highest cross-entropy on the straight line, above the ends"),
            Quantity("lowered", "", "the same on the lowered path"),
            Quantity("distance", "", "between the solutions"),
            Quantity("longer", "", "length of the lowered path over the distance"),
        ],
        f"One hidden layer, {settings.path_samples} digits, SGD with B = {BATCH} to a cross-entropy of "
        f"{ENDS:g}; string of {settings.path_images} edges, {settings.path_rounds} rounds.",
    )


def path_cell(settings: ModelSettings, width: int, run: int) -> dict[str, float]:
    """The barrier on the straight line between two solutions, and on a path that descent has lowered."""
    from simdyn.exact import lowered_path
    from simdyn.networks import one_thread

    with one_thread():
        surface, one, other = solutions(settings, width, run)
        found = lowered_path(surface, one, other, images=settings.path_images, rounds=settings.path_rounds)
    first, last = float(found.energies[0]), float(found.energies[-1])
    ends, distance = max(first, last), float(np.linalg.norm(other - one))
    return {
        "parameters": surface.dim,
        "ends": ends,
        "straight": first + found.straight - ends,
        "lowered": first + found.barrier - ends,
        "distance": distance,
        "longer": float(np.linalg.norm(np.diff(found.path, axis=0), axis=1).sum()) / distance,
    }


def solutions(settings: ModelSettings, width: int, run: int) -> tuple[LossSurface, np.ndarray, np.ndarray]:
    """The loss of all samples, and the parameters of two networks that were trained on them."""
    from simdyn.networks import LossSurface, Split, digits, fully_connected, train

    data = Split.of(digits(), settings.path_samples, seed=run)
    ends = []
    for number in (2 * run, 2 * run + 1):
        module = fully_connected((1, 8, 8), 10, width=width, depth=1, seed=number)
        train(
            module,
            data.inputs,
            data.classes,
            learning_rate=RATE,
            batch_size=BATCH,
            steps=STEPS,
            tolerance=ENDS,
            loss="cross_entropy",
            seed=number,
        )
        surface = LossSurface(module, data.inputs, data.classes, "cross_entropy")
        ends.append(surface.parameters)
    return surface, ends[0], ends[1]


_CLAIMS = {
    "none": (
        "No barriers between solutions: little is left of what the straight line shows; highest loss of a "
        "lowered path above the ends, over that of the straight line",
        "Draxler et al. 2018; Garipov et al. 2018, as in the slides",
    ),
    "width": (
        "Barriers fall with the size of the network; ratio of the lowered paths' heights, widest over "
        "narrowest",
        "Freeman & Bruna 2017, as in the slides",
    ),
}


def path_claims(results: Results) -> list[Claim]:
    """What is said of barriers between solutions, from upper bounds for these."""
    if "paths" not in results.datasets:
        return [
            Claim(
                claim=claim,
                source=source,
                verdict="not run",
                why='PyTorch and scikit-learn are not installed; add them with pip install "simdyn[torch]".',
            )
            for claim, source in _CLAIMS.values()
        ]
    data = results["paths"].sortby("width")
    share = (data["lowered"] / data["straight"]).values
    narrow, wide = (data["lowered"].isel(width=k).values for k in (0, -1))
    sizes = data["parameters"].isel(run=0).values
    straight = data["straight"].mean("run").values
    return [
        mean_claim(
            *_CLAIMS["none"],
            share.ravel(),
            -1.0,
            0.25,
            predicted=0.0,
            why="A path that descent has lowered for a while bounds the barrier from above; judged by "
            "whether at least three quarters of what the straight line shows are gone.",
        ),
        ratio_claim(
            *_CLAIMS["width"],
            np.maximum(wide, 1e-6) / np.maximum(narrow, 1e-6),
            0.0,
            1.0,
            predicted=float(sizes[0] / sizes[-1]),
            why=f"{sizes[0]:.0f} and {sizes[-1]:.0f} parameters; on the straight line {straight[0]:.2f} and "
            f"{straight[-1]:.2f}. Predicted: one over the number of parameters. Judged by whether it falls; "
            "both heights are upper bounds.",
        ),
    ]


def path_figure(results: Results) -> Figure:
    """Heights of the straight line and of the lowered path by width, each run a point."""
    from simdyn.plotting.style import MEASURED, PREDICTED, new_figure

    figure = new_figure(3.6, 2.9)
    axes = figure.subplots()
    data = results["paths"].sortby("width")
    for name, label, color, marker in (
        ("straight", "straight line", PREDICTED[0], "s"),
        ("lowered", "lowered path", MEASURED, "o"),
    ):
        values = np.maximum(data[name].values, 1e-4)
        for run in range(values.shape[1]):
            axes.plot(data["width"], values[:, run], marker, color=color, label=label if run == 0 else None)
        axes.plot(data["width"], np.exp(np.log(values).mean(1)), color=color)
    axes.set_xscale("log")
    axes.set_yscale("log")
    axes.set_xticks(data["width"].values, [f"{width:g}" for width in data["width"].values])
    axes.set_xticks([], minor=True)
    axes.set_xlabel("units of the hidden layer")
    axes.set_ylabel("cross-entropy above the ends")
    axes.legend()
    return figure
