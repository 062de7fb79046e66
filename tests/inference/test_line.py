from __future__ import annotations

import numpy as np
import pytest

from simdyn.inference import fit_line


def test_fit_line_recovers_a_line_and_its_error():
    # 4,000 lines with known noise: the 95 % intervals cover 95 % of them; 4.5 binomial standard deviations
    # allowed.
    rng = np.random.default_rng(5)
    x, sigma = np.array([0.0, 1.0, 3.0, 4.0]), np.array([0.1, 0.2, 0.1, 0.3])
    covered = 0
    for _ in range(4000):
        line = fit_line(x, 2.0 * x + 1.0 + sigma * rng.normal(size=4), sigma)
        covered += line.low <= 2.0 <= line.high
    assert abs(covered / 4000 - 0.95) < 4.5 * np.sqrt(0.95 * 0.05 / 4000)


@pytest.mark.parametrize("x", [[], [2.0], [2.0, 2.0]])
def test_there_is_no_slope_without_two_places(x):
    line = fit_line(np.array(x), np.ones(len(x)), np.ones(len(x)))
    assert np.isnan([line.slope, line.error, line.low, line.high, *line.shares]).all()
