"""Claims about spectra of networks."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from simdyn.study import Claim, Results, mean_claim, ratio_claim
from studies.landscape.network_settings import NetworkSettings
from studies.landscape.network_statements import MORE, statements
from studies.landscape.solutions import CLASSES

if TYPE_CHECKING:
    from xarray import Dataset


def spectrum_claims(results: Results, settings: NetworkSettings) -> list[Claim]:
    """All of them."""
    return [*_stages(results, settings), *_outliers(results, settings), *_widths(results, settings)]


def _stages(results: Results, settings: NetworkSettings) -> list[Claim]:
    said, data = statements(settings), results["spectrum"]
    start, end = data.sel(stage="start"), data.sel(stage="end")
    depth = {
        name: np.abs(one["lowest"].values) / one["top"].values for name, one in (("0", start), ("1", end))
    }
    d = int(end["parameters"][0])
    return [
        mean_claim(
            *said["begun"], start["near_zero"].values, 0.5, np.inf, why=f"{d} parameters. Holds if above 0.5."
        ),
        mean_claim(
            *said["ended"], end["near_zero"].values, 0.5, np.inf, why=f"{d} parameters. Holds if above 0.5."
        ),
        ratio_claim(
            *said["zeros"],
            (end["zeros"] / end["structural_zeros"]).values,
            0.95,
            1.05,
            predicted=1.0,
            why=f"{float(end['zeros'].mean()):.0f} of {d} in the mean. More come where units are active on "
            "few samples. Judged within 0.95 and 1.05.",
        ),
        mean_claim(
            *said["lowest"],
            depth["1"],
            1e-6,
            0.1,
            why=f"{float(end['negative'].mean()):.0f} of {d} are negative. Judged against 0.1.",
        ),
        ratio_claim(
            *said["straightened"],
            depth["0"] / depth["1"],
            1.0 + MORE,
            np.inf,
            why=f"{depth['0'].mean():.2f} before training. Holds if above 1.",
        ),
    ]


def _outliers(results: Results, settings: NetworkSettings) -> list[Claim]:
    said, data = statements(settings), results["classes"].sortby("classes").transpose("run", "classes")
    classes, found = data["classes"].values, data["outliers"].values
    listed = ", ".join(f"{mean:.3g} of {c}" for c, mean in zip(classes, found.mean(0), strict=True))
    slopes = np.polyfit(classes, found.T, 1)[0]
    batches = results["outlier_batches"]
    small, large = (batches.sel(B=b) for b in (settings.batch, settings.large_batch))
    accuracies = [100 * float(one["test_accuracy"].mean()) for one in (small, large)]
    return [
        mean_claim(
            *said["outliers"],
            (found - classes).mean(1),
            -1.5,
            1.5,
            predicted=0.0,
            why=f"In the mean {listed}. One less than classes is what is left by a shift of all outputs. "
            "Judged within 1.5.",
        ),
        mean_claim(*said["classes"], slopes, 0.75, 1.25, predicted=1.0, why="Judged within 0.25."),
        ratio_claim(
            *said["large_batch"],
            (large["top_mean"] / small["top_mean"]).values,
            1.0 + MORE,
            np.inf,
            why=f"Test accuracy {accuracies[1]:.1f} % and {accuracies[0]:.1f} %. Holds if above 1.",
        ),
        ratio_claim(
            *said["batch_bulk"],
            (large["bulk"] / small["bulk"]).values,
            0.8,
            1.25,
            predicted=1.0,
            why="Judged within 0.8 and 1.25.",
        ),
    ]


def _widths(results: Results, settings: NetworkSettings) -> list[Claim]:
    said, data = statements(settings), results["widths"]
    narrow, wide = (data.sel(width=width) for width in (settings.widths[0], settings.widths[-1]))
    sizes = [int(one["parameters"][0]) for one in (narrow, wide)]
    shares = [float(one["near_zero"].mean()) for one in (narrow, wide)]
    squares = float(np.exp(np.log(_bulk_squares(wide) / _bulk_squares(narrow)).mean()))
    return [
        mean_claim(
            *said["width_outliers"],
            (wide["outliers"] - narrow["outliers"]).values,
            -1.5,
            1.5,
            predicted=0.0,
            why=f"{sizes[0]} and {sizes[1]} parameters. Judged within 1.5.",
        ),
        ratio_claim(
            *said["width_bulk"],
            (wide["bulk"] / narrow["bulk"]).values,
            0.0,
            1.0,
            why=f"{sizes[0]} and {sizes[1]} parameters; the sum of its squares changes by a factor of "
            f"{squares:.2f}, and if it did not, more eigenvalues alone would give "
            f"{(sizes[0] / sizes[1]) ** 0.5:.2f}; share near zero {shares[0]:.2f} and {shares[1]:.2f}. Holds "
            "if below 1.",
        ),
    ]


def _bulk_squares(data: Dataset) -> np.ndarray:
    """Sum of the squares of all eigenvalues but as many as there are classes, of each run."""
    return np.asarray((data["bulk"] ** 2 * (data["parameters"] - CLASSES)).values)
