"""Items over repeated runs: the test by exchanging, and the unbiased variance, on tables of known law."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from simdyn.errors import InputError
from simdyn.inference import unevenness


def alike(rng, runs=12, items=40):
    """All items alike, but what a run gets right in all differs much from run to run."""
    return rng.random((runs, items)) < rng.uniform(0.1, 0.9, (runs, 1))


def test_the_dispersion_is_cochrans():
    table = alike(np.random.default_rng(0))
    table[:, :10] |= np.random.default_rng(1).random((12, 10)) < 0.5
    items = table.shape[1]
    counts, totals = table.sum(0), table.sum(1)
    q = items * (items - 1) * ((counts - counts.mean()) ** 2).sum() / (totals * (items - totals)).sum()
    found = unevenness(table, exchanges=99)
    assert found.dispersion == pytest.approx(q / (items - 1), rel=1e-12)
    assert found.share == table.mean()


def test_false_alarms_where_items_are_alike():
    # With 19 exchanges a p-value of at most 1/20 comes up with probability 1/20, up to ties. 400 tables: of
    # these at most 39, which fails by chance with probability 1e-4; and the p-values have the mean of
    # uniform ones on 1/20 .. 1 within 4 standard errors.
    rng = np.random.default_rng(3)
    values = [unevenness(alike(rng), exchanges=19, seed=k).p_value for k in range(400)]
    alarms = sum(value <= 0.05 for value in values)
    assert alarms <= stats.binom.ppf(1 - 1e-4, 400, 0.05)
    uniform = np.arange(1, 21) / 20
    assert abs(np.mean(values) - uniform.mean()) < 4 * uniform.std() / 20


def by_class(rng, runs=10, classes=4, size=25):
    """All items alike in the mean, but a run gets those of a class right together."""
    often = rng.choice([0.1, 0.8], size=(runs, classes, 1))
    return (rng.random((runs, classes, size)) < often).reshape(runs, -1)


def test_groups_that_go_together_are_exchanged_together():
    # As above with 400 tables; exchanged one by one, the same tables alarm far too often.
    rng = np.random.default_rng(4)
    groups = np.repeat(np.arange(4), 25)
    tables = [by_class(rng) for _ in range(400)]
    order = rng.permutation(100)
    grouped = sum(
        unevenness(t[:, order], groups=groups[order], exchanges=19, seed=k).p_value <= 0.05
        for k, t in enumerate(tables)
    )
    assert grouped <= stats.binom.ppf(1 - 1e-4, 400, 0.05)
    single = sum(unevenness(t, exchanges=19, seed=k).p_value <= 0.05 for k, t in enumerate(tables))
    assert single > stats.binom.ppf(1 - 1e-4, 400, 0.05)


def test_groups_of_different_sizes():
    with pytest.raises(InputError, match="equally many items"):
        unevenness(np.zeros((3, 5), dtype=bool), groups=np.array([0, 0, 0, 1, 1]))


def test_the_variance_is_unbiased_and_its_interval_covers():
    # Probabilities of the items known; 300 tables. The mean within 4 standard errors, and at least 0.95 less
    # 4 standard errors of the intervals hold the variance.
    rng = np.random.default_rng(5)
    p = rng.beta(2.0, 2.0, 60)
    found = [unevenness(rng.random((20, 60)) < p, exchanges=1) for _ in range(300)]
    values = np.array([one.variance for one in found])
    assert abs(values.mean() - p.var()) < 4 * values.std() / np.sqrt(300)
    covered = np.mean([one.low <= p.var() <= one.high for one in found])
    assert covered > 0.95 - 4 * np.sqrt(0.95 * 0.05 / 300)


def test_items_that_differ_are_noticed():
    rng = np.random.default_rng(7)
    table = rng.random((30, 50)) < np.linspace(0.2, 0.8, 50)
    found = unevenness(table, exchanges=199)
    assert found.p_value == 1 / 200
    assert found.low > 0


@pytest.mark.parametrize("shape", [(2, 5), (5, 1), (5,)])
def test_too_small_a_table(shape):
    with pytest.raises(InputError, match="three or more runs"):
        unevenness(np.zeros(shape, dtype=bool))
