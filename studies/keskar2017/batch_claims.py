"""What is stated of batch sizes between the small and the large one, and of leaving minima once found."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from simdyn.study import Claim, Results, mean_claim, ratio_claim
from studies.keskar2017.settings import DECK, PAPER, Settings

if TYPE_CHECKING:
    from xarray import DataArray

BARRIER = 1.1
"""Without a loss on the way that is higher by this factor than both ends, nothing has been left."""


def batch_statements(settings: Settings) -> dict[str, tuple[str, str]]:
    """Statement and source."""
    small, large = settings.small_batch, settings.large_batch
    return {
        "batch_sharpness": (
            "The larger the batch, the higher the sharpness; power of the batch size",
            f"{PAPER}, figure 4; {DECK}, slide 20",
        ),
        "batch_accuracy": (
            "The larger the batch, the worse the test accuracy; change of it with each doubling",
            f"{PAPER}, figure 4; {DECK}, slide 20",
        ),
        "escape": (
            "Large batches cannot escape from the minima that they are attracted to, small ones can; highest "
            f"loss on the way to where B = {small} goes from the solution of B = {large}, over that at the "
            "higher end",
            f"{PAPER}, section 1; {DECK}, slide 7",
        ),
    }


def of_batches(results: Results, settings: Settings) -> list[Claim]:
    """In the order of the statements."""
    said, data = batch_statements(settings), results["batches"]
    sizes = np.log(data["B"].values)
    doubling = np.log(2.0)
    return [
        mean_claim(
            *said["batch_sharpness"],
            _slopes(sizes, np.log(data["sharpness"].transpose("B", "run").values)),
            0.0,
            np.inf,
            why=f"Each stands for a run: a slope over {len(sizes)} batch sizes. Holds if above 0.",
        ),
        mean_claim(
            *said["batch_accuracy"],
            100 * doubling * _slopes(sizes, data["test_accuracy"].transpose("B", "run").values),
            -np.inf,
            0.0,
            unit="percentage points",
            why=f"Each stands for a run: a slope over {len(sizes)} batch sizes. Holds if below 0.",
        ),
        _escape(results, settings),
    ]


def _slopes(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Of straight lines through y, shape (places, runs), one for each run."""
    return np.asarray(np.polyfit(x, y, 1)[0])


def _escape(results: Results, settings: Settings) -> Claim:
    data = results["onwards"]

    def of(batch: int, band: tuple[float, float], why: str = "") -> Claim:
        barriers: DataArray = data["barrier"].sel(B=batch)
        return ratio_claim(*batch_statements(settings)["escape"], barriers.values, *band, why=why)

    small, large = settings.small_batch, settings.large_batch
    stays = of(large, (0.0, BARRIER))
    moved = [float(data["moved"].sel(B=batch).mean()) for batch in (small, large)]
    leaves = of(
        small,
        (BARRIER, np.inf),
        f"With large ones it is {stays.measured:.3g} ({stays.low:.3g} to {stays.high:.3g}). As many steps "
        f"with both, on straight lines; they lead {moved[0]:.2g} and {moved[1]:.2g} away. Holds if above "
        f"{BARRIER:g} with small batches and below it with large ones.",
    )
    verdicts = {stays.verdict, leaves.verdict}
    return Claim(
        claim=leaves.claim,
        source=leaves.source,
        measured=leaves.measured,
        low=leaves.low,
        high=leaves.high,
        verdict="does not hold"
        if "does not hold" in verdicts
        else "holds"
        if verdicts == {"holds"}
        else "undecided",
        why=leaves.why,
    )
