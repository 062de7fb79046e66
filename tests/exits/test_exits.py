from __future__ import annotations

import math

import numpy as np
import pytest

from potentials import Potential, double_well, muller_brown, styblinski_tang, tilted_well
from simdyn.dynamics import SGLD
from simdyn.errors import InputError
from simdyn.exits import Exit, resolve_exit
from simdyn.lowering import lower

WELL = double_well()
LEFT = np.array([-1.0])
HILL = styblinski_tang(dim=10)
CURVED = Potential("(x**2 - 1)**2/4 + (y + (x**2 - 1)/2)**2")
XA, XB, XC = -2.903534027771, 0.156731256780, 2.746802770991


def box_of(spec, potential=WELL, start=LEFT):
    return resolve_exit(spec, potential, np.asarray(start, dtype=float)).box()


@pytest.mark.parametrize(
    ("spec", "lower", "upper"),
    [
        ("x >= 0", -math.inf, 0.0),
        ("0 <= x", -math.inf, 0.0),
        ("x > 0.5", -math.inf, 0.5),
        ("x <= -2", -2.0, math.inf),
        ("(x >= 0) | (x <= -2)", -2.0, 0.0),
        ("(x >= 0) | (x >= 0.5) | (x <= -3)", -3.0, 0.0),
        ("-x <= -1/4", -math.inf, 0.25),
        ("2*x + 1 >= 3", -math.inf, 1.0),
        ("~(x < 0)", -math.inf, 0.0),
        ("valley", -math.inf, 0.0),
        ("commit", -math.inf, 1.0),
        ([1.0], -math.inf, 1.0),
        (1, -math.inf, 1.0),
    ],
)
def test_exits_of_one_coordinate_are_boxes(spec, lower, upper):
    low, high = box_of(spec)
    assert (low[0], high[0]) == (lower, pytest.approx(upper, abs=1e-12))


@pytest.mark.parametrize("spec", ["x**2 <= 0.1", "(x >= 0) & (x <= 1)", "k*x >= 1", "exp(x) >= 1"])
def test_other_exits_are_no_boxes(spec):
    landscape = Potential("k*(x**4/4 - x**2/2)", parameters={"k": 2.0})
    assert resolve_exit(spec, landscape, LEFT).box() is None


def test_kinds_tell_hits_from_commitments():
    assert resolve_exit("valley", WELL, LEFT).kind == "hit"
    assert resolve_exit("x >= 0", WELL, LEFT).kind == "hit"
    assert resolve_exit("commit", WELL, LEFT).kind == "commit"
    assert resolve_exit([1.0], WELL, LEFT).kind == "commit"
    assert resolve_exit([[1.0]][0], WELL, np.array([1.5])).box()[0][0] == 1.0


def test_the_rim_of_a_separable_valley():
    exit = resolve_exit("valley", HILL, np.full(10, XA))
    low, high = exit.box()
    assert (low == -math.inf).all()
    np.testing.assert_allclose(high, XB, atol=1e-10)
    assert len(exit.channels) == 10
    assert not exit.approximate
    low, high = resolve_exit("commit", HILL, np.full(10, XA)).box()
    np.testing.assert_allclose(high, XC, atol=1e-10)


def test_a_valley_between_two_rims():
    landscape = Potential("cos(x)")
    low, high = box_of("valley", landscape, [math.pi])
    assert (low[0], high[0]) == (pytest.approx(0.0, abs=1e-9), pytest.approx(2 * math.pi))
    low, high = box_of("commit", landscape, [math.pi])
    assert (low[0], high[0]) == (pytest.approx(-math.pi), pytest.approx(3 * math.pi))


def test_the_rim_of_a_coupled_valley_is_made_of_planes():
    start = np.array([-1.0, 0.0])
    exit = resolve_exit("valley", CURVED, start)
    assert exit.approximate
    assert exit.kind == "hit"
    assert exit.box() is None
    points = np.array([[-1.0, 0.0], [-0.1, 0.5], [0.1, 0.5], [0.5, 0.4]])
    assert exit.channel_of(points).tolist() == [-1, -1, 0, 0]
    saddle = exit.valley.saddles[0]
    assert exit.channel_of(saddle.x + 1e-6 * exit.valley.normals[0]) == 0
    assert exit.channel_of(saddle.x - 1e-6 * exit.valley.normals[0]) == -1


def test_commitment_in_a_coupled_landscape_is_arrival_at_a_ball():
    exit = resolve_exit("commit", CURVED, np.array([-1.0, 0.0]))
    assert exit.kind == "commit"
    saddle = exit.valley.saddles[0].x
    radius = np.linalg.norm(saddle - [1.0, 0.0]) / 2
    just = [
        [1.0 - 0.999 * radius, 0.0],
        [1.0 - 1.001 * radius, 0.0],
        [1.0, 0.999 * radius],
        saddle,
        [-1.0, 0.0],
    ]
    assert exit.channel_of(np.array(just)).tolist() == [0, -1, 0, -1, -1]
    target = resolve_exit([1.0, 0.0], CURVED, np.array([-1.0, 0.0]))
    assert target.channel_of(np.array(just)).tolist() == [0, -1, 0, -1, -1]


def test_three_wells_of_muller_and_brown():
    landscape = muller_brown()
    bottom = landscape.deepest().x
    assert resolve_exit("valley", landscape, bottom).channel_of(bottom) == -1
    commit = resolve_exit("commit", landscape, bottom)
    others = [m.x for m in landscape.minima() if not np.allclose(m.x, bottom)]
    assert len(others) == 2
    reached = [int(commit.channel_of(x)) for x in others]
    assert sum(r >= 0 for r in reached) == len(commit.channels)


def test_landscapes_without_a_rim_cannot_be_left():
    bowl, coupled = Potential("x**2"), Potential("x**2 + y**2 + x*y")
    for spec in ("valley", "commit"):
        with pytest.raises(InputError, match="has no rim"):
            resolve_exit(spec, bowl, np.array([0.1]))
        with pytest.raises(InputError, match="has no rim"):
            resolve_exit(spec, coupled, np.array([0.1, 0.1]))
    with pytest.raises(InputError, match="has no rim"):
        resolve_exit([1.0, 1.0], coupled, np.array([0.1, 0.1]))


def test_beyond_the_saddle_there_may_be_no_minimum():
    landscape = Potential("x**2/2 - x**3/3 + y**2/2 + x*y/10")
    start = landscape.deepest().x
    assert len(resolve_exit("valley", landscape, start).channels) == 1
    with pytest.raises(InputError, match="has no rim"):
        resolve_exit("commit", landscape, start)


@pytest.mark.parametrize(
    ("spec", "at", "channel"),
    [
        ("x >= 0", 0.0, 0),
        ("x > 0", 0.0, -1),
        ("x > 0", 1e-300, 0),
        ("(x >= 0) & (x <= 0.5)", 0.25, 0),
        ("(x >= 0) & (x <= 0.5)", 0.75, -1),
        ("0 <= x < 0.5", 0.5, -1),
        ("(x >= 2) | ((x >= 0) & (x <= 0.5))", 3.0, 1),
        ("(x >= 2) | ((x >= 0) & (x <= 0.5))", 0.25, 0),
    ],
)
def test_what_counts_as_outside(spec, at, channel):
    exit = resolve_exit(spec, WELL, LEFT)
    assert exit.channel_of(np.array([at])) == channel
    assert exit.channel_of(np.array([math.nan])) == -1
    assert exit.channel_of(np.array([[at], [-1.0]])).tolist() == [channel, -1]


def test_labels():
    assert resolve_exit("(x >= 0) | (x <= -2)", WELL, LEFT).labels == ("x <= -2", "x >= 0")
    assert resolve_exit("x >= 1/3", WELL, LEFT).labels == ("x >= 0.333333",)
    assert resolve_exit("0 <= x", WELL, LEFT).labels == ("x >= 0",)
    assert resolve_exit("valley", tilted_well(), tilted_well().deepest().x).labels[0].startswith("x <= ")


def test_parameters_in_conditions_follow_their_values():
    landscape = Potential("k*(x**4/4 - x**2/2)", parameters={"k": 2.0})
    exit = resolve_exit("x >= k/4", landscape, LEFT)
    assert exit.channel_of(np.array([0.49])) == -1
    assert exit.channel_of(np.array([0.51])) == 0
    update = SGLD(0.1, 0.1).update(landscape)
    more = landscape.with_parameters(k=4.0)
    assert (
        lower(update, exit).constant_values()
        != lower(SGLD(0.1, 0.1).update(more), resolve_exit("x >= k/4", more, LEFT)).constant_values()
    )


def test_an_exit_of_ones_own_is_taken_as_it_is():
    exit = resolve_exit("x >= 0", WELL, LEFT)
    assert isinstance(exit, Exit)
    assert resolve_exit(exit, WELL, np.array([-0.5])) is exit
    with pytest.raises(InputError, match="already fulfils"):
        resolve_exit(exit, WELL, np.array([0.5]))


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        ("x >= -2", "x=-1 already fulfils the exit 'x >= -2'"),
        ([-1.0], "already fulfils"),
        ("y >= 0", "uses y"),
        ("x", "not a condition"),
        ("x == 0", "compares with something other"),
        ("vally", "not a condition"),
        ("1 >= 0", "always"),
        ("__import__('os').system('true') >= x", "not a plain function"),
        ("x >= 0 & x <= 1", "brackets"),
        (None, "1 finite coordinates"),
        ([1.0, 2.0], "1 finite coordinates"),
        ([math.nan], "1 finite coordinates"),
        ({}, "must be a condition"),
    ],
)
def test_exits_that_make_no_sense(spec, message):
    with pytest.raises(InputError, match=message):
        resolve_exit(spec, WELL, LEFT)
