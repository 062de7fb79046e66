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
        Of the hypothesis that the items of a run can be exchanged (and its groups, if there are any), which
        they can if all are alike: the probability of so large a dispersion or a larger one, by exchanging.
        Not below 1 / (exchanges + 1).
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


def unevenness(
    right: Array, *, groups: Array | None = None, exchanges: int = 999, seed: int = 0
) -> Unevenness:
    """Compare items over independent runs.

    Within a run the items may depend on one another in any way that is the same for all of them: what a run
    gets right in all is kept in each exchange, so the test is exact however much runs differ (Cochran 1950
    for the statistic). Items that a run tends to get right together, such as those of one class, are no
    longer exchanged one by one but as groups, and within these; to exchange them one by one would give too
    many false alarms. The variance of the probabilities is the mean over pairs of runs of the covariance
    over items, in which the chance of single runs, p (1 - p) / R, has no part; its interval is the
    jackknife's over runs.

    Parameters
    ----------
    right
        Whether an item is right, shape (runs, items).
    groups
        Group of each item, whole numbers, equally many items in each; None for one group.
    exchanges
        Random exchanges for the p-value.
    seed
        Of these.

    Raises
    ------
    InputError
        Fewer than three runs or two items, or groups of different sizes.
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
    shuffled = _grouped(table.astype(bool), groups)
    count = shuffled.shape[1]
    above = 0
    for _ in range(exchanges):
        shuffled = rng.permuted(shuffled, axis=2)
        order = rng.permuted(np.tile(np.arange(count), (runs, 1)), axis=1)
        dealt = np.take_along_axis(shuffled, order[:, :, None], axis=1)
        above += _spread(dealt.reshape(runs, items)) >= spread * (1 - 1e-12)
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


def _grouped(table: Array, groups: Array | None) -> Array:
    """Shape (runs, groups, items of a group)."""
    if groups is None:
        return table[:, None]
    numbers, sizes = np.unique(np.asarray(groups), return_counts=True)
    if np.shape(groups) != table.shape[1:] or len(set(sizes)) > 1:
        raise InputError(
            f"The groups have the sizes {sizes.tolist()} for {table.shape[1]} items; give each item a group, "
            "and each group equally many items."
        )
    order = np.argsort(groups, kind="stable")
    return table[:, order].reshape(len(table), len(numbers), -1)


def _spread(table: Array) -> float:
    """Variance over items of how many runs are right."""
    return float(table.sum(0).var(ddof=1))
