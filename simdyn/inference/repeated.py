"""Whether some of many items are right more often than others, over runs that each see all of them."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from simdyn.errors import InputError
from simdyn.inference.groups import jackknife

Array = np.ndarray


@dataclass(frozen=True)
class Unevenness:
    """How far apart the probabilities of items are.

    Attributes
    ----------
    share
        How often an item is right, the mean over items and runs.
    dispersion
        Variance over items of the counts, over what it would be if within each run the items were exchanged
        at random; 1 in the mean where all items are alike. It is Cochran's Q over its degrees of freedom.
    p_value
        Of the hypothesis that the items of a run can be exchanged, which they can if all are alike: the
        probability of so large a dispersion or a larger one, by exchanging. Not below 1 / (exchanges + 1).
    variance, low, high
        Of the probabilities over the items, and the ends of its 95 % interval. Unbiased, so that it may be
        negative.
    """

    share: float
    dispersion: float
    p_value: float
    variance: float
    low: float
    high: float


def unevenness(right: Array, *, exchanges: int = 999, seed: int = 0) -> Unevenness:
    """Compare items over independent runs.

    Within a run the items may depend on one another in any way that is the same for all of them: what a run
    gets right in all is kept in each exchange, so the test is exact however much runs differ (Cochran 1950
    for the statistic). The variance of the probabilities is the mean over pairs of runs of the covariance
    over items, in which the chance of single runs, p (1 - p) / R, has no part; its interval is the
    jackknife's over runs.

    Parameters
    ----------
    right
        Whether an item is right, shape (runs, items).
    exchanges
        Random exchanges for the p-value.
    seed
        Of these.

    Raises
    ------
    InputError
        Fewer than three runs or two items.
    """
    table = np.asarray(right)
    if table.ndim != 2 or table.shape[0] < 3 or table.shape[1] < 2:
        raise InputError(f"The table has shape {table.shape}; give three or more runs of two or more items.")
    runs, items = table.shape
    totals = table.sum(1)
    # By chance alone, given what each run gets right in all.
    expected = float((totals * (items - totals)).sum()) / (items * (items - 1))
    spread = _spread(table)
    rng = np.random.default_rng(seed)
    shuffled = table.astype(bool)
    above = 0
    for _ in range(exchanges):
        shuffled = rng.permuted(shuffled, axis=1)
        above += _spread(shuffled) >= spread * (1 - 1e-12)
    centred = table - table.mean(1, keepdims=True)
    sums = np.column_stack([centred, (centred**2).sum(1), np.ones(runs)])
    found = jackknife(sums, _between)
    return Unevenness(
        float(table.mean()),
        spread / expected if expected else math.nan,
        (above + 1) / (exchanges + 1),
        found.value,
        found.low,
        found.high,
    )


def _between(sums: Array) -> float:
    """Mean over pairs of runs of the covariance over items."""
    counts, squares, runs = sums[:-2], sums[-2], sums[-1]
    return float((counts @ counts - squares) / (runs * (runs - 1) * len(counts)))


def _spread(table: Array) -> float:
    """Variance over items of how many runs are right."""
    return float(table.sum(0).var(ddof=1))
