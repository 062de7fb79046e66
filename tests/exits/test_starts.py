from __future__ import annotations

import math

import numpy as np
import pytest

from potentials import Potential, double_well, styblinski_tang
from simdyn.errors import InputError
from simdyn.exits import parse_start

WELL, PLANE = double_well(), Potential("x**2 + y**2 + x*y")


@pytest.mark.parametrize(
    ("spec", "potential", "expected"),
    [
        ("x=-1", WELL, [-1.0]),
        (" x = -1.5e0 ", WELL, [-1.5]),
        ("-1", WELL, [-1.0]),
        (-1, WELL, [-1.0]),
        ([-1], WELL, [-1.0]),
        (np.array([-1.0]), WELL, [-1.0]),
        (np.float64(-1.0), WELL, [-1.0]),
        ("y=2, x=1", PLANE, [1.0, 2.0]),
        ("1, 2", PLANE, [1.0, 2.0]),
        ((1, 2), PLANE, [1.0, 2.0]),
        ("0.5", PLANE, [0.5, 0.5]),
        (0.5, styblinski_tang(dim=4), [0.5] * 4),
        ("deepest", PLANE, [0.0, 0.0]),
        ("Deepest ", PLANE, [0.0, 0.0]),
    ],
)
def test_starts(spec, potential, expected):
    np.testing.assert_allclose(parse_start(spec, potential), expected, atol=1e-12)


def test_a_critical_point_is_a_start():
    minimum = styblinski_tang(dim=3).deepest()
    np.testing.assert_array_equal(parse_start(minimum, styblinski_tang(dim=3)), minimum.x)


def test_the_start_is_a_copy():
    minimum = WELL.deepest()
    parse_start("deepest", WELL)[0] = 99.0
    assert parse_start("deepest", WELL)[0] == minimum.x[0] != 99.0


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        ("z=1", "names 'z'"),
        ("x=1, x=2", "gives x twice"),
        ("x=1", "lacks y"),
        ("x=1, y=nan", "must be finite"),
        ("x=one, y=2", "not a number"),
        ("x=, y=2", "not a number"),
        ("1, 2, 3", "has 3 coordinates"),
        ([1, 2, 3], "has 3 coordinates"),
        (math.inf, "must be finite"),
        (None, "not a number"),
        ("deep", "not a number"),
        ("", "not a number"),
        ("__import__('os')", "not a number"),
        ([[1, 2]], "not a number"),
    ],
)
def test_starts_that_are_none(spec, message):
    with pytest.raises(InputError, match=message):
        parse_start(spec, PLANE)
