"""`exit="valley"` in very many dimensions: measured, predicted and exact of separable sums and of chains."""

from __future__ import annotations

import math

import numpy as np
import pytest

from potentials import InputError, Potential, coupled_chain, double_well, search
from potentials.critical_points import classify
from simdyn import SGLD, exact, theory
from simdyn.questions import escape_time

MANY = 1000


@pytest.fixture(scope="module")
def wells():
    return double_well(dim=MANY)


def test_the_valley_of_a_thousand_wells(wells):
    valley = wells.valley(np.full(MANY, -1.0))
    assert len(valley.saddles) == MANY
    assert valley.minimum.energy == -0.25 * MANY
    assert {saddle.energy for saddle in valley.saddles} == {-0.25 * (MANY - 1)}
    assert sorted(int(np.argmax(saddle.x)) for saddle in valley.saddles) == list(range(MANY))
    for saddle in valley.saddles[::300]:
        assert saddle.is_saddle
        assert np.sort(saddle.x).tolist() == [-1.0] * (MANY - 1) + [0.0]
        assert saddle.eigenvalues.tolist() == [-1.0] + [2.0] * (MANY - 1)
        assert saddle.log_determinant == pytest.approx((MANY - 1) * math.log(2.0), rel=1e-14)
    # No saddle carries a matrix unless somebody asks.
    assert not any("hessian" in vars(saddle) for saddle in valley.saddles)
    assert valley.saddles[0].hessian[0].sum() == valley.saddles[0].curvature(0)


def test_points_with_a_diagonal_are_those_with_a_matrix():
    """The same numbers from the diagonal and from the dense matrix, signs and sizes at random."""
    wells = Potential("x**4/4 - x**2/2 + x/9 + y**4 - y**2 + z**2")
    for point in wells.critical_points():
        hessian = wells.hessian(point.x)
        dense = classify(point.x, point.energy, hessian, wells.hessian, 1e-4)
        assert (dense.index, dense.degenerate) == (point.index, point.degenerate)
        np.testing.assert_allclose(point.eigenvalues, dense.eigenvalues, rtol=1e-13)
        np.testing.assert_allclose(point.hessian, hessian, rtol=1e-13)
        assert point.log_determinant == pytest.approx(dense.log_determinant, rel=1e-12)
        assert point.trace == pytest.approx(dense.trace, rel=1e-12)
        assert [point.curvature(i) for i in range(3)] == pytest.approx(np.diag(hessian), rel=1e-13)


def test_a_thousand_wells_are_measured_predicted_and_exact(wells):
    """Rates add: the leading order is that of one coordinate over a thousand, and the exact mean is the sum
    of S(n)^1000 over steps, with S the survival of one.

    The measured mean of 4000 paths has a standard error below 1/sqrt(4000) = 1.6 % of it (times of a first
    exit that has an age-dependent rate spread less than exponential ones); within 5 of them.
    """
    sgld, start = SGLD(0.05, 0.05), np.full(MANY, -1.0)
    answer = escape_time(wells, sgld, start, "valley", paths=4000, seed=2, threads=2)
    assert answer.diverged == answer.censored == 0
    assert answer.value == pytest.approx(answer.reference.value, rel=5 / math.sqrt(4000))
    (one,) = theory.predictions(double_well(), sgld, "x=-1", "x >= 0")[:1]
    named = {prediction.name: prediction for prediction in answer.predictions}
    assert named["Eyring-Kramers"].value == pytest.approx(one.value / MANY, rel=1e-10)
    assert f"rates of {MANY} saddles added" in named["Eyring-Kramers"].formula
    # So fast an escape is none of a valley in equilibrium, and the formula says so.
    assert not named["Eyring-Kramers"].valid
    alone = exact.escape_time(double_well(), sgld, "x=-1", "x >= 0").value
    assert answer.reference.value > alone / MANY


def test_equal_ways_count_as_often_as_there_are():
    """5 equal wells, and 3 with 2 others: grouped rates are those of the formula way by way."""
    mixed = Potential(
        "+".join(f"x{i}**4/4 - x{i}**2/2" for i in range(3)) + "+ 2*(x3**4/4 - x3**2/2) + x4**4 - x4**2"
    )
    sgld = SGLD(0.01, 0.03)
    for landscape, groups in ((double_well(dim=5), [5]), (mixed, [3, 1, 1])):
        start = landscape.deepest().x
        problem = theory.ways_out.escape_problem(landscape, sgld, start, "valley")
        assert sorted((way.count for way in problem.ways), reverse=True) == groups
        rate = 0.0
        for saddle in landscape.saddles(around=start):
            ratio = abs(np.linalg.det(landscape.hessian(saddle.x))) / np.linalg.det(landscape.hessian(start))
            barrier = float(landscape.energy(saddle.x) - landscape.energy(start))
            down = abs(np.linalg.eigvalsh(landscape.hessian(saddle.x))[0])
            rate += 2 * down / (2 * math.pi) / math.sqrt(ratio) * math.exp(-barrier / 0.03)
        found = theory.eyring_kramers(landscape, sgld, start, "valley").value
        assert found == pytest.approx(1 / rate / 0.01, rel=1e-9)


CHAIN = 12


def test_a_chain_is_searched_around_its_start():
    """At weak coupling every site can flip: one saddle each, of two equal ends and pairs of inner sites."""
    chain = coupled_chain(CHAIN)
    valley = chain.valley(np.full(CHAIN, -1.0))
    assert valley.climbs > CHAIN
    flipped = sorted(int(np.argmax(saddle.x)) for saddle in valley.saddles)
    assert flipped == list(range(CHAIN))
    barriers = np.array([saddle.energy - valley.minimum.energy for saddle in valley.saddles])
    np.testing.assert_allclose(barriers[0::2], barriers[1::2], rtol=1e-9)
    for saddle in valley.saddles:
        assert saddle.is_saddle
        assert np.abs(chain.gradient(saddle.x)).max() < 1e-10
    assert chain.minimum_below(np.full(CHAIN, -0.7)).x == pytest.approx(np.full(CHAIN, -1.0))
    assert chain.deepest().energy == pytest.approx(-0.25 * CHAIN)


def test_an_escape_from_a_chain_says_how_the_saddles_were_found():
    answer = escape_time(
        coupled_chain(9), SGLD(0.05, 0.06), np.full(9, -1.0), "valley", paths=300, seed=1, threads=2
    )
    assert len(answer.exits) == 9
    (sentence,) = [text for text in answer.warnings if "climbs from the minimum" in text]
    assert sentence.startswith("The 9 saddles on the rim")
    (predicted, *_) = answer.predictions
    assert predicted.name == "Eyring-Kramers"
    assert "rates of 9 saddles added" in predicted.formula


def test_what_is_refused_in_many_dimensions(monkeypatch):
    monkeypatch.setattr(search, "_WIDEST", CHAIN - 1)
    with pytest.raises(InputError, match=r"12 coupled dimensions are not looked for.*condition"):
        coupled_chain(CHAIN).valley(np.full(CHAIN, -1.0))
