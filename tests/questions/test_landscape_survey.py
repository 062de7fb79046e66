"""Surveys: barriers and Kramers prefactors of known landscapes, as numbers, text and JSON."""

from __future__ import annotations

import json
import math

import numpy as np
import pytest

import potentials
import simdyn as sd
from potentials import CriticalPoint, DriftField, InputError, Potential, lookup, names
from simdyn.questions.landscape_survey import Basin, Survey, _ways_out


def test_the_kramers_numbers_of_one_dimension():
    """Styblinski-Tang: barriers of reference, and 2 pi/sqrt(L''_a |L''_b|) for the prefactors."""
    answer = sd.survey(potentials.styblinski_tang())
    assert (answer.bottoms, answer.complete, answer.others) == (2, True, ())
    deep, shallow = answer.basins
    for basin, barrier, curvature in (
        (deep, 39.361778062827, 34.583059102551),
        (shallow, 25.225059014339, 29.269552776338),
    ):
        (way,) = basin.ways
        assert way.barrier == pytest.approx(barrier, abs=1e-11)
        assert way.unstable == pytest.approx(-15.852611878888, abs=1e-11)
        assert way.prefactor == pytest.approx(2 * math.pi / math.sqrt(curvature * 15.852611878888), rel=1e-11)


def test_the_prefactor_times_the_exponential_is_eyring_kramers():
    """In two coupled dimensions, against the closed form that escape_time uses: a commitment at D = 0.03."""
    landscape = potentials.curved_valley(0.5)
    noise, rate = 0.03, 0.01
    (way,) = sd.survey(landscape).basins[0].ways
    predicted = sd.theory.eyring_kramers(
        landscape, sd.SGLD(learning_rate=rate, temperature=noise), "deepest", "commit"
    )
    ours = way.prefactor * math.exp(way.barrier / noise) / rate
    assert ours == pytest.approx(predicted.value, rel=1e-9)


def test_the_lowest_ways_come_first():
    third = sd.survey(potentials.muller_brown()).basins[2]
    assert [round(way.barrier, 3) for way in third.ways] == [8.519, 40.103]


def test_what_is_neither_minimum_nor_saddle_is_told():
    hill = sd.survey(potentials.three_wells_ring())
    assert [(point.index, point.degenerate) for point in hill.others] == [(2, False)]
    assert "1 of higher index" in str(hill)
    monkey = sd.survey(potentials.three_wells_ring(0.0))
    assert [point.degenerate for point in monkey.others] == [True]
    assert "1 degenerate" in str(monkey)
    assert all(basin.ways == () for basin in monkey.basins)
    assert "no saddle found" in str(monkey)


def test_many_minima_are_counted_and_the_lowest_shown():
    answer = sd.survey(potentials.styblinski_tang(dim=10), most=3)
    assert (answer.bottoms, len(answer.basins)) == (1024, 3)
    assert len(answer.basins[0].ways) == 10
    assert "1024 minima, the first 3 of them shown" in str(answer)
    assert "over 10 saddles" in str(answer)


def test_more_minima_than_can_be_listed():
    answer = sd.survey(potentials.styblinski_tang(dim=30))
    assert (answer.bottoms, answer.others, len(answer.basins)) == (None, None, 1)
    assert len(answer.basins[0].ways) == 30
    assert "more minima than can be listed" in str(answer)
    assert answer.to_json()["minima_found"] is None
    assert answer.to_json()["other_critical_points"] is None


def test_no_minimum_at_all():
    answer = sd.survey(Potential("x**2*y"))
    assert (answer.bottoms, answer.basins) == (0, ())
    assert "no minima" in str(answer)


def test_a_drift_field_has_attractors():
    answer = sd.survey(potentials.maier_stein(alpha=10.0))
    assert [tuple(np.round(basin.bottom.x, 9)) for basin in answer.basins] == [(-1.0, 0.0), (1.0, 0.0)]
    for basin in answer.basins:
        (way,) = basin.ways
        assert (way.barrier, way.prefactor) == (None, None)
        assert way.unstable == pytest.approx(1.0)
    record = answer.to_json()
    assert (record["kind"], record["attractors_found"]) == ("drift field", 2)
    assert record["attractors"][0]["saddles"][0]["unstable_eigenvalue"] == pytest.approx(1.0)
    assert "dx/dt" in str(answer)


def test_complex_eigenvalues_are_written():
    answer = sd.survey(DriftField(["-x - 2*y", "2*x - y"]))
    assert "-1-2i, -1+2i" in str(answer)
    assert answer.to_json()["attractors"][0]["eigenvalues"] == [
        {"real": pytest.approx(-1.0), "imag": pytest.approx(-2.0)},
        {"real": pytest.approx(-1.0), "imag": pytest.approx(2.0)},
    ]


@pytest.mark.parametrize("name", names())
def test_every_landscape_has_text_and_valid_json(name):
    answer = sd.survey(lookup(name), most=2)
    text = json.dumps(answer.to_json(), allow_nan=False)
    assert json.loads(text)["name"] == name
    assert name in str(answer)
    assert max(map(len, str(answer).splitlines())) < 280


def test_a_prefactor_beyond_all_numbers_is_null():
    """The square root of 1000**300 fits no double: 300 directions that are soft at the minimum alone."""
    saddle = CriticalPoint(np.zeros(301), 0.0, np.diag([-1.0, *[1.0] * 300]), 1)
    minimum = CriticalPoint(np.ones(301), -0.25, np.diag([2.0, *[1e-3] * 300]), 0)

    class Known:
        def saddles(self, around):
            return (saddle,)

    ways = _ways_out(Known(), minimum)
    assert ways[0].prefactor == math.inf
    record = Survey(potentials.double_well(), (Basin(minimum, ways),), 1, (), False).to_json()
    assert record["minima"][0]["saddles"][0]["prefactor"] is None
    json.dumps(record, allow_nan=False)


@pytest.mark.parametrize("most", [0, -1, 2.5, True])
def test_a_number_of_minima_that_is_none(most):
    with pytest.raises(InputError, match="at least 1"):
        sd.survey(potentials.double_well(), most=most)


def test_the_picture_is_written(tmp_path):
    target = tmp_path / "well.svg"
    figure = sd.survey(potentials.double_well()).plot(str(target))
    assert figure.axes[0].get_ylabel() == "energy"
    assert target.read_bytes().startswith(b"<?xml")
