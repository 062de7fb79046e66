"""Paths of least energy against known saddles, symmetries, and what cannot be done."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from potentials import (
    CriticalPoint,
    Potential,
    cosine,
    curved_valley,
    double_well,
    muller_brown,
    three_wells,
    three_wells_ring,
)
from simdyn.dynamics import SDE
from simdyn.errors import InputError
from simdyn.exact import NoReference, lowered_path, minimum_action, minimum_energy_path

HILLS = muller_brown()


class Bent:
    """The curved valley in two of d coordinates beside bowls, all mixed by a reflection; no Hessian."""

    def __init__(self, dim):
        normal = np.random.default_rng(dim).standard_normal(dim)
        self.normal = normal / np.linalg.norm(normal)
        self.bowls = np.linspace(0.5, 5.0, dim)
        self.left = self.mirrored(-np.eye(dim)[0])
        self.right = self.mirrored(np.eye(dim)[0])

    def mirrored(self, x):
        return x - 2 * self.normal * (self.normal @ x)

    def energy(self, x):
        z = self.mirrored(x)
        q = z[0] ** 2 - 1
        return q**2 / 4 + (z[1] + q / 2) ** 2 + (self.bowls[2:] * z[2:] ** 2).sum() / 2

    def gradient(self, x):
        z = self.mirrored(x)
        q = z[0] ** 2 - 1
        slope = self.bowls * z
        slope[0] = z[0] * q + 2 * (z[1] + q / 2) * z[0]
        slope[1] = 2 * (z[1] + q / 2)
        return self.mirrored(slope)


def test_muller_brown_through_its_middle_minimum():
    hills = HILLS
    minima = hills.minima()
    saddles = [point for point in hills.critical_points() if point.is_saddle]
    found = minimum_energy_path(hills, minima[0], minima[1])
    assert [stop.index for stop in found.stops] == [0, 1, 0, 1, 0]
    for stop, point in zip(
        found.stops, [minima[0], saddles[1], minima[2], saddles[0], minima[1]], strict=True
    ):
        np.testing.assert_allclose(stop.x, point.x, atol=1e-10)
        assert stop.energy == pytest.approx(point.energy, rel=1e-12)
    assert found.value == pytest.approx(saddles[1].energy - minima[0].energy, rel=1e-12)
    assert found.back.value == pytest.approx(saddles[1].energy - minima[1].energy, rel=1e-12)
    assert found.error < 1e-10
    assert found.unit == "energy"
    assert found.highest is found.saddles[0]
    assert np.array_equal(found.path[0], found.minima[0].x)
    assert np.array_equal(found.path[-1], found.minima[-1].x)
    assert found.energies.max() == found.highest.energy


def test_the_gradient_is_tangent_to_the_path():
    def across(images):
        found = minimum_energy_path(HILLS, [-0.558, 1.442], [0.623, 0.028], images=images)
        tangent = found.path[2:] - found.path[:-2]
        tangent /= np.linalg.norm(tangent, axis=1, keepdims=True)
        force = HILLS.gradient(found.path[1:-1])
        rest = force - (force * tangent).sum(1, keepdims=True) * tangent
        return np.linalg.norm(rest, axis=1).max() / np.linalg.norm(force, axis=1).max()

    coarse, fine = across(40), across(160)
    # Second order in the spacing: 16 times less.
    assert fine < coarse / 8
    assert fine < 0.005


def test_the_barrier_is_the_least_action_of_isotropic_noise():
    hills = HILLS
    found = minimum_energy_path(hills, hills.minima()[1], hills.minima()[2])
    action = minimum_action(hills, SDE(1.0, 1e-4), found.minima[0].x, found.saddles[0].x)
    assert abs(action.value - found.value) < action.error + found.error


@pytest.mark.parametrize("dim", [1, 2, 50])
def test_separable_wells_are_joined_by_a_straight_line(dim):
    wells = double_well(dim=dim)
    left, right = -np.ones(dim), -np.ones(dim)
    right[-1] = 1.0
    found = minimum_energy_path(wells, left, right)
    assert found.value == pytest.approx(0.25, abs=1e-12)
    assert len(found.saddles) == 1
    assert abs(found.saddles[0].x[-1]) < 1e-12
    np.testing.assert_allclose(found.path[:, :-1], -1.0, atol=1e-9)


def test_a_first_path_over_a_hilltop_bends_to_one_side():
    """Straight on from corner to corner of four wells lies a maximum; the way goes through a third well."""
    found = minimum_energy_path(double_well(dim=2), [-1, -1], [1, 1])
    assert [stop.index for stop in found.stops] == [0, 1, 0, 1, 0]
    assert found.value == pytest.approx(0.25, abs=1e-12)
    np.testing.assert_allclose(np.abs(found.minima[1].x), 1.0, atol=1e-9)
    assert found.minima[1].x.prod() < 0


def test_points_to_come_through_choose_among_several_ways():
    ring = three_wells_ring()
    ends = [point.x for point in ring.minima()[:2]]
    third = ring.minima()[2].x
    straight = minimum_energy_path(ring, *ends)
    around = minimum_energy_path(ring, *ends, through=third)
    assert (len(straight.saddles), len(around.saddles)) == (1, 2)
    np.testing.assert_allclose(around.minima[1].x, third, atol=1e-9)
    assert straight.value == pytest.approx(around.value, rel=1e-12)


def test_the_curved_valley():
    found = minimum_energy_path(curved_valley(0.5), "x=-1,y=0", "x=1,y=0")
    np.testing.assert_allclose(found.saddles[0].x, [0.0, 0.5], atol=1e-10)
    assert found.value == pytest.approx(0.25, rel=1e-12)
    # Off the saddle the way of steepest descent is not the floor, but near it.
    floor = -0.5 * (found.path[:, 0] ** 2 - 1)
    assert np.abs(found.path[:, 1] - floor).max() < 0.1


def test_three_wells_and_many_in_a_row():
    height = 2 * 4 * (5 * 5**0.5 - 11) / 4
    found = minimum_energy_path(three_wells(), -2, 2)
    assert found.value == pytest.approx(height, rel=1e-12)
    assert [round(float(stop.x[0]), 6) for stop in found.minima] == [-2, 0, 2]
    waves = minimum_energy_path(cosine(), 0, 6 * np.pi)
    np.testing.assert_allclose([s.x[0] for s in waves.stops], np.pi * np.arange(7), atol=1e-9)


@pytest.mark.parametrize("dim", [3, 50, 1200])
def test_energy_and_gradient_alone_in_many_dimensions(dim):
    bent = Bent(dim)
    found = minimum_energy_path(bent, bent.left, bent.right)
    assert found.value == pytest.approx(0.25, abs=1e-12)
    assert abs(found.value - 0.25) <= found.error + 1e-15
    top = np.zeros(dim)
    top[1] = 0.5
    np.testing.assert_allclose(found.saddles[0].x, bent.mirrored(top), atol=1e-7)
    assert found.saddles[0].index == 1


def test_a_hessian_changes_nothing_but_the_last_digits():
    hills = HILLS

    class Bare:
        def energy(self, x):
            return float(hills.energy(x))

        def gradient(self, x):
            return hills.gradient(x)

    ends = [point.x for point in hills.minima()[:2]]
    bare, whole = (minimum_energy_path(one, *ends) for one in (Bare(), hills))
    assert bare.value == pytest.approx(whole.value, rel=1e-11)
    assert len(bare.stops) == len(whole.stops)


TURNED = Potential(
    "((c*x + s*y)**2 - 1)**2/4 + tilt*(c*x + s*y) + ((c*y - s*x) + ((c*x + s*y)**2 - 1)/2)**2",
    variables="x y",
    parameters={"c": 1.0, "s": 0.0, "tilt": 0.1},
)


@settings(max_examples=12, deadline=None)
@given(degrees=st.integers(1, 359), percent=st.integers(-30, 30))
def test_turning_the_axes_turns_the_path(degrees, percent):
    tilt = percent / 100
    ends = [[x, -(x * x - 1) / 2] for x in np.sort(np.roots([1.0, 0.0, -1.0, tilt]).real)[[0, 2]]]
    found = minimum_energy_path(TURNED.with_parameters(tilt=tilt), *ends)
    c, s = math.cos(math.radians(degrees)), math.sin(math.radians(degrees))
    matrix = np.array([[c, -s], [s, c]])
    other = minimum_energy_path(
        TURNED.with_parameters(tilt=tilt, c=c, s=s), *(matrix @ np.array(x) for x in ends)
    )
    assert other.value == pytest.approx(found.value, abs=1e-11)
    assert other.back.value == pytest.approx(found.back.value, abs=1e-11)
    np.testing.assert_allclose(other.saddles[0].x, matrix @ found.saddles[0].x, atol=1e-8)


@settings(max_examples=10, deadline=None)
@given(images=st.integers(16, 80), weights=st.lists(st.floats(0.05, 0.95), max_size=3, unique=True))
def test_the_spacing_of_the_first_path_does_not_matter(images, weights):
    hills = HILLS
    start, end = hills.minima()[1].x, hills.minima()[2].x
    between = np.array([start + w * (end - start) for w in sorted(weights)]).reshape(-1, 2)
    found = minimum_energy_path(hills, start, end, through=between if weights else None, images=images)
    assert found.value == pytest.approx(35.9177840045, abs=1e-8)
    assert len(found.saddles) == 1


@settings(max_examples=12, deadline=None)
@given(tilt=st.floats(-0.35, 0.35), wall=st.floats(0.1, 20.0), bend=st.floats(-1.0, 1.0))
def test_the_way_back_is_the_way_there(tilt, wall, bend):
    valley = Potential(
        "(x**2 - 1)**2/4 + tilt*x + wall*(y + bend*(x**2 - 1))**2",
        variables="x y",
        parameters={"tilt": tilt, "wall": wall, "bend": bend},
    )
    # With y = -bend (x^2 - 1) it is the quartic, whose critical points are the roots of a cubic.
    left, top, right = np.sort(np.roots([1.0, 0.0, -1.0, tilt]).real)
    ends = [[x, -bend * (x * x - 1)] for x in (left, right)]
    there, back = minimum_energy_path(valley, *ends), minimum_energy_path(valley, *reversed(ends))
    assert there.value == pytest.approx(back.back.value, abs=1e-11)
    assert back.value == pytest.approx(there.back.value, abs=1e-11)

    def height(x):
        return (x * x - 1) ** 2 / 4 + tilt * x

    assert there.value == pytest.approx(height(top) - height(left), abs=1e-9)


@pytest.mark.parametrize(
    ("energy", "start", "end", "error", "message"),
    [
        ("(x**2 - 1)**2 + y**2", [-1, 0], [0.3, 0], InputError, "The end .* is no minimum"),
        ("(x**2 - 1)**2 + y**2", [-1, 0], [-1, 0], InputError, "same point"),
        ("(x**2 - 1)**2 + y**2", [-1, 0], [-1, 1e-9], InputError, "is no minimum|same valley"),
        ("(x**2 - 1)**2 + y**2", [-1, 0, 0], [1, 0], InputError, "3 coordinates"),
        ("(abs(x) - 1)**2 + y**2", [-1, 0], [1, 0], NoReference, "kink or a level stretch"),
        ("(x**2 - 1)**2*log(x**2)**2 + y**2", [-1, 0], [1, 0], NoReference, "not a finite number"),
        ("max(0, x**2 - 1)**2 + y**2", [-1, 0], [1, 0], InputError, "no minimum|no top"),
    ],
)
def test_what_cannot_be_done_is_said(energy, start, end, error, message):
    with pytest.raises(error, match=message):
        minimum_energy_path(Potential(energy, variables="x y"), start, end)


def test_other_refusals():
    with pytest.raises(NoReference, match="not come to rest after 3 rounds"):
        minimum_energy_path(HILLS, HILLS.minima()[0], HILLS.minima()[1], most=3)
    with pytest.raises(InputError, match="at least 16"):
        minimum_energy_path(double_well(), -1, 1, images=4)
    bent = Bent(3)
    with pytest.raises(InputError, match="vector of finite numbers"):
        minimum_energy_path(bent, [np.nan, 0, 0], bent.right)
    with pytest.raises(InputError, match="has 3 coordinates and the end 2"):
        minimum_energy_path(bent, bent.left, [0.0, 1.0])


def test_given_ends_may_be_rounded_critical_points():
    exact = double_well().minima()[0]
    assert isinstance(exact, CriticalPoint)
    found = minimum_energy_path(double_well(), exact, 1.001)
    assert found.minima[-1].x[0] == pytest.approx(1.0, abs=1e-12)


def test_a_lowered_path_bounds_the_barrier():
    start, end = HILLS.minima()[0], HILLS.minima()[1]
    barrier = minimum_energy_path(HILLS, start, end).value
    bounds = [lowered_path(HILLS, start, end, images=32, rounds=n).barrier for n in (0, 10, 100, 1000)]
    assert bounds == sorted(bounds, reverse=True)
    assert bounds[-1] >= barrier
    assert bounds[-1] == pytest.approx(barrier, rel=0.02)
    found = lowered_path(HILLS, start, end, images=32, rounds=1000)
    assert found.straight == bounds[0]
    assert found.back == pytest.approx(found.barrier + start.energy - end.energy)
    assert np.array_equal(found.path[-1], end.x)
    # A saddle of its own may lie below; no bound is below the highest of its images.
    assert found.barrier >= found.energies.max() - start.energy


def test_a_lowered_path_in_many_dimensions():
    bent = Bent(800)
    found = lowered_path(bent, bent.left, bent.right, rounds=200)
    assert 0.25 - 1e-12 <= found.barrier < 0.2501
    # On the straight line q^2/4 + q^2/4 at the top.
    assert found.straight == pytest.approx(0.5, abs=1e-12)


@pytest.mark.parametrize(
    ("options", "message"),
    [({"images": 3}, "whole number from 4"), ({"rounds": -1}, "from 0"), ({"rounds": True}, "from 0")],
)
def test_a_lowered_path_refuses(options, message):
    with pytest.raises(InputError, match=message):
        lowered_path(double_well(), -1, 1, **options)
    with pytest.raises(InputError, match="two points"):
        lowered_path(double_well(), -1, -1)
    with pytest.raises(NoReference, match="not a finite number"):
        lowered_path(Potential("log(x)**2 + y"), [-1, 0], [1, 0])
