"""Validity maps: each cell against direct calls, known limits of the ratios, and what is said of gaps."""

from __future__ import annotations

import json
import math
from functools import partial

import numpy as np
import pandas
import pytest
import xarray

from potentials import Potential, double_well, maier_stein, tilted_well
from simdyn import exact, theory, validity
from simdyn.dynamics import SDE, SGD, SGLD
from simdyn.errors import InputError
from simdyn.questions.varied import Problem

WELL = double_well()


def hessian(eta=0.1, batch=1.0, floor=0.0):
    return SGD(eta, batch, noise="hessian", floor=floor)


def test_cells_are_what_direct_calls_say():
    tilts, noises = [-0.2, 0.1], [0.03, 0.2]
    found = validity(
        tilted_well(),
        SDE(1.0, 0.01),
        "deepest",
        "commit",
        prediction=["kramers", "kramers_next_order"],
        over={"tilt": tilts, "diffusion": noises},
        workers=2,
    ).data
    assert found["ratio"].dims == ("prediction", "tilt", "diffusion")
    for tilt in tilts:
        for noise in noises:
            problem = tilted_well(tilt=tilt), SDE(noise, 0.01), "deepest", "commit"
            reference = exact.escape_time(*problem)
            cell = found.sel(tilt=tilt, diffusion=noise)
            assert float(cell["exact"]) == pytest.approx(reference.value, rel=1e-12)
            assert float(cell["exact_error"]) == pytest.approx(reference.error, abs=1e-10 * reference.value)
            for name, order in (("kramers", 0), ("kramers_next_order", 1)):
                prediction = theory.kramers(*problem, order=order)
                one = cell.sel(prediction=name)
                assert float(one["predicted"]) == pytest.approx(prediction.value, rel=1e-12)
                assert float(one["ratio"]) == pytest.approx(prediction.value / reference.value, rel=1e-12)
                assert 10 ** float(one["log10_ratio"]) == pytest.approx(float(one["ratio"]), rel=1e-12)
                assert bool(one["valid"]) == prediction.valid
                assert str(one["why"].values) == prediction.why
                right = abs(prediction.value / reference.value - 1) <= 0.1
                verdicts = {(1, 1): "holds", (1, 0): "too strict", (0, 1): "too lax", (0, 0): "fails"}
                assert one["verdict"].values == verdicts[right, prediction.valid]


def test_the_number_of_workers_changes_no_bit():
    def map_with(workers):
        return validity(
            WELL,
            SGLD(0.1, 0.1),
            "x=-1",
            "valley",
            prediction="finite_learning_rate",
            over={"temperature": [0.05, 0.1, 0.2], "learning_rate": [0.05, 0.3]},
            workers=workers,
        ).data

    one, two = map_with(1), map_with(2)
    for name in one.data_vars:
        if one[name].dtype.kind == "f":
            assert one[name].values.tobytes() == two[name].values.tobytes(), name
        else:
            assert (one[name].values == two[name].values).all(), name


def test_kramers_becomes_exact_with_the_next_order_that_is_known():
    """Quartic: exact / predicted = 1 + 1.5 D + O(D^2), whatever the curvature scale."""
    noises = np.array([0.002, 0.004])
    found = validity(
        WELL,
        SDE(1.0, 0.01),
        "deepest",
        "commit",
        prediction=["kramers", "kramers_next_order"],
        over={"diffusion": noises, "k": [1.0, 3.0]},
    ).data
    leading, better = (found["ratio"].sel(prediction=name) for name in ("kramers", "kramers_next_order"))
    slopes = (1 / leading.sel(k=1.0).values - 1) / noises
    # What is left after extrapolation is of second order in D.
    assert 2 * slopes[0] - slopes[1] == pytest.approx(1.5, abs=2e-3)
    np.testing.assert_allclose(leading.sel(k=3.0), leading.sel(k=1.0), rtol=1e-9)
    # The gap of the next order shrinks as D^2.
    gaps = np.abs(better.sel(k=1.0).values - 1)
    assert math.log2(gaps[1] / gaps[0]) == pytest.approx(2.0, abs=0.1)


def test_the_finite_learning_rate_is_worth_its_factor():
    """Where what remains, of order D^2 (1.5 % at 0.04, 0.4 % at 0.02), is less than eta / 4."""
    found = validity(
        WELL,
        SGLD(0.1, 0.1),
        "x=-1",
        "commit",
        prediction=["kramers_next_order", "finite_learning_rate"],
        over={"learning_rate": [0.05, 0.1], "temperature": [0.015, 0.02]},
    ).data
    without, included = np.abs(np.log(found["ratio"].values))
    assert (included < 0.5 * without).all()
    # The factor itself: 1 + eta/4 (|L''_b| - L''_a), to first order, is 1 - eta/4 for the quartic.
    factor = found["predicted"].sel(prediction="finite_learning_rate") / found["predicted"].sel(
        prediction="kramers_next_order"
    )
    etas = found["learning_rate"].values[:, None]
    np.testing.assert_allclose(factor.values, np.exp(-etas / 4) + 0 * factor.values, rtol=1e-12)


def test_equation_seven_is_off_by_the_action_of_the_chain():
    """The exponent of the chain grows with B by its own action S_eta, that of the formula by 0.3889 / eta."""
    batches = [8.0, 16.0]
    found = validity(
        WELL,
        hessian(),
        "x=-1",
        "valley",
        prediction="xie2021",
        over={"batch_size": batches, "learning_rate": [0.2, 0.4]},
    )
    logs = math.log(10) * found.data["log10_ratio"].sel(prediction="xie2021")
    slopes = (logs.sel(batch_size=16.0) - logs.sel(batch_size=8.0)) / 8
    for eta, action in ((0.2, 2.71753034545), (0.4, 0.219 / 0.4)):
        formula = 7 / 18 / eta
        chain = formula - float(slopes.sel(learning_rate=eta))
        # log N = B S + O(log B): the prefactor moves the slope by about log(2) / 2 / 8.
        assert chain == pytest.approx(action, abs=0.09)
        assert abs(chain - formula) > 0.3
    assert found.counts()["fails"] == 4


def test_the_sde_limit_against_published_times():
    """Quartic, D = 0.1, first hit: 30.82 of the SDE, 3270.47 steps at 0.01 and 356.69 at 0.1."""
    found = validity(
        WELL,
        SGLD(0.1, 0.1),
        "x=-1",
        "valley",
        prediction="sde_limit",
        over={"learning_rate": [0.01, 0.1], "temperature": [0.05, 0.1]},
    ).data.sel(prediction="sde_limit", temperature=0.1)
    expected = [30.8213024727 / (0.01 * 3270.46571149), 30.8213024727 / (0.1 * 356.691801665)]
    np.testing.assert_allclose(found["ratio"], expected, rtol=1e-9)
    assert found["valid"].values.tolist() == [True, False]
    assert "change the time by" in str(found["why"].values[1])
    assert found["title"].values == "SDE limit"


def test_the_settings_of_the_rule_that_an_sde_is_the_limit_of():
    limit = SDE.limit_of(hessian(0.1, 1.0, 0.3))
    found = validity(
        WELL,
        limit,
        "x=-1",
        "commit",
        prediction=["kramers", "xie2021"],
        over={"floor": [0.0, 0.2, 0.4], "learning_rate": [0.1, 0.2]},
    )
    problem = WELL, SDE.limit_of(hessian(0.2, 1.0, 0.4)), "x=-1", "commit"
    cell = found.data.sel(floor=0.4, learning_rate=0.2)
    assert float(cell["exact"]) == pytest.approx(exact.escape_time(*problem).value, rel=1e-12)
    assert found.data.attrs["unit"] == "time"
    # Without a floor the SDE never crosses the zero of the noise.
    stuck = found.data.sel(floor=0.0)
    assert np.isnan(stuck["exact"]).all()
    assert all("vanishes" in note for note in stuck["exact_note"].values)
    assert np.isfinite(stuck["predicted"].sel(prediction="xie2021")).all()
    assert (stuck["verdict"].sel(prediction="xie2021") == "no exact value").all()
    assert (stuck["verdict"].sel(prediction="kramers") == "does not apply").all()
    assert all("infinite" in why for why in stuck["why"].sel(prediction="kramers").values)
    assert np.isnan(stuck["ratio"]).all()
    assert found.counts("xie2021")["no exact value"] == 2


@pytest.mark.parametrize(
    ("dynamics", "same"),
    [
        (SGLD(0.3, 0.3), SGLD(0.05, 0.05)),
        # D = eta T c / (2 B).
        (
            SGD(0.3, 4.0, noise="constant", covariance=2.0),
            SGD(0.05, 4.0, noise="constant", covariance=2.0, temperature=4.0),
        ),
        (SDE.limit_of(SGLD(0.3, 0.3)), SDE(0.05, 0.01)),
    ],
)
def test_axes_without_units(dynamics, same):
    """Barrier 1/4 and curvature 2: barrier over noise 5 is D = 0.05, and eta L'' = 0.1 is eta = 0.05."""
    problem = Problem(WELL, dynamics, "x=-1", "valley")
    problem = problem.varied({"learning_rate_times_curvature": 0.1, "barrier_over_noise": 5.0})
    here = exact.escape_time(problem.potential, problem.dynamics, problem.start, problem.exit)
    assert here.value == pytest.approx(exact.escape_time(WELL, same, "x=-1", "valley").value, rel=1e-10)


def test_landscapes_without_a_valley_keep_the_reason():
    """Beyond a tilt of 2 / sqrt(27) there is no barrier."""
    found = validity(
        tilted_well(),
        SDE(0.05, 0.01),
        "x=-0.9",
        "valley",
        prediction="kramers",
        over={"tilt": [0.1, 0.6], "diffusion": [0.05, 0.1]},
    )
    gone = found.data.sel(prediction="kramers", tilt=0.6)
    assert np.isnan(gone["exact"]).all()
    assert np.isnan(gone["predicted"]).all()
    assert not gone["valid"].any()
    assert (gone["verdict"] == "does not apply").all()
    assert all(len(why) > 20 for why in gone["why"].values)
    assert np.isfinite(found.data["ratio"].sel(tilt=0.1)).all()
    assert sum(found.counts().values()) == 4


def test_a_formula_that_gives_no_time_does_not_apply():
    """Just before the well is gone the next order takes all of the time of a hit away."""
    problem = tilted_well(tilt=0.36), SDE(0.2, 0.01), "deepest", "valley"
    assert np.isnan(theory.kramers(*problem, order=1).value)
    found = validity(
        *problem,
        prediction="kramers_next_order",
        over={"diffusion": [0.02, 0.2], "tilt": [0.1, 0.36]},
    )
    cell = found.data.sel(prediction="kramers_next_order", diffusion=0.2, tilt=0.36)
    assert np.isnan(cell["ratio"])
    assert cell["verdict"].values == "does not apply"
    assert "has no value" in str(cell["why"].values)
    assert np.isfinite(cell["exact"])


def test_theories_of_ones_own():
    def mine(*problem):
        return theory.kramers(*problem)

    found = validity(
        WELL,
        SDE(0.05, 0.01),
        "x=-1",
        "commit",
        prediction=["kramers", "kramers_next_order", mine, partial(theory.kramers, order=1)],
        over={"diffusion": [0.05, 0.1], "k": [1.0, 2.0]},
    )
    names = ["kramers", "kramers_next_order", "mine", "kramers(order=1)"]
    assert found.data["prediction"].values.tolist() == names
    ratio = found.data["ratio"].values
    assert (ratio[2] == ratio[0]).all()
    assert (ratio[3] == ratio[1]).all()


def test_an_interrupt_keeps_what_is_done():
    def stop(done, total):
        assert total == 9
        if done == 3:
            raise KeyboardInterrupt

    found = validity(
        WELL,
        SDE(0.05, 0.01),
        "x=-1",
        "commit",
        prediction="kramers",
        over={"diffusion": [0.05, 0.1, 0.2], "k": [1.0, 2.0, 3.0]},
        workers=1,
        progress=stop,
    )
    assert not found.complete
    assert np.isfinite(found.data["ratio"].values).sum() == 3
    assert found.counts()["not computed"] == 6
    assert "interrupted" in str(found)


def test_files_and_text(tmp_path):
    found = validity(
        WELL,
        SDE(0.05, 0.01),
        "x=-1",
        "commit",
        prediction=["kramers", "sde_limit"],
        over={"diffusion": [0.05, 0.1], "k": [1.0, 2.0]},
    )
    found.data.to_netcdf(tmp_path / "map.nc", engine="h5netcdf")
    with xarray.open_dataset(tmp_path / "map.nc", engine="h5netcdf") as data:
        for name in found.data.variables:
            np.testing.assert_array_equal(data[name].values, found.data[name].values)
    found.table().to_csv(tmp_path / "map.csv", index=False)
    table = pandas.read_csv(tmp_path / "map.csv")
    assert len(table) == 8
    row = table[(table.prediction == "kramers") & (table.diffusion == 0.1) & (table.k == 2.0)].iloc[0]
    cell = found.data.sel(prediction="kramers", diffusion=0.1, k=2.0)
    assert row["ratio"] == pytest.approx(float(cell["ratio"]), rel=1e-15)
    assert row["why"] == str(cell["why"].values)
    answer = json.loads(json.dumps(found.to_json(), allow_nan=False))
    assert answer["predictions"][1]["predicted"] == [[None, None], [None, None]]
    assert answer["predictions"][0]["counts"]["too lax"] == found.counts()["too lax"]
    text = str(found)
    assert "Kramers (kramers)" in text
    # An SDE is no discrete rule, which has a limit.
    assert "4  no prediction: The SDE limit is that of a discrete rule" in text
    assert "predicted / exact from 0.8" in text


OVER = {"temperature": [0.05, 0.1], "learning_rate": [0.1, 0.2]}


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"prediction": "eyring_kremers"}, "did you mean eyring_kramers?"),
        ({"prediction": "zzz"}, "there are kramers, kramers_next_order"),
        ({"prediction": []}, "prediction is empty"),
        ({"prediction": ["kramers", "kramers"]}, "names kramers twice"),
        ({"prediction": 3.0}, "prediction"),
        ({"over": {"temperature": [0.1, 0.2]}}, "exactly two parameters"),
        ({"over": {"temprature": [0.1, 0.2], "k": [1, 2]}}, "did you mean temperature?"),
        ({"over": {"eta": [0.1, 0.2], "k": [1, 2]}}, "learning_rate"),
        ({"over": {"temperature": [0.1, 0.1], "k": [1, 2]}}, "must increase"),
        ({"over": {"temperature": [0.1], "k": [1, 2]}}, "at least two"),
        ({"over": {"temperature": [0.1, math.inf], "k": [1, 2]}}, "finite"),
        ({"over": {"temperature": ["hot", "cold"], "k": [1, 2]}}, "must be numbers"),
        ({"over": {"learning_rate": [-0.1, 0.2], "k": [1, 2]}}, "learning_rate"),
        ({"over": {"barrier_over_noise": [0, 2], "k": [1, 2]}}, "must be positive"),
        ({"over": {"barrier_over_noise": [1, 2], "temperature": [1, 2]}}, "vary one of the two"),
        ({"over": {"learning_rate_times_curvature": [1, 2], "learning_rate": [1, 2]}}, "one of the two"),
        ({"tolerance": 0.0}, "tolerance is 0.0"),
        ({"workers": 0}, "threads is 0"),
        ({"start": "y=1"}, "names 'y'"),
        ({"exit": "y >= 1"}, "uses y"),
        ({"exit": "x <= 0"}, "already fulfils"),
    ],
)
def test_refusals(changes, message):
    asked = {"start": "x=-1", "exit": "valley", "prediction": "kramers", "over": OVER, **changes}
    with pytest.raises(InputError) as caught:
        validity(WELL, SGLD(0.1, 0.1), **asked)
    assert message in str(caught.value)


@pytest.mark.parametrize(
    ("potential", "dynamics", "name", "message"),
    [
        (WELL, SDE("0.1*(1 + x**2)", 0.01), "diffusion", "what can be varied is k"),
        (WELL, hessian(floor=0.1), "barrier_over_noise", "the same everywhere"),
        (WELL, SGLD(0.1, 0.0), "barrier_over_noise", "no noise"),
        (maier_stein(), SDE(0.1, 0.01), "barrier_over_noise", "needs an energy"),
        (Potential("x**2/2"), SGLD(0.1, 0.1), "k", "learning_rate"),
    ],
)
def test_what_cannot_be_varied(potential, dynamics, name, message):
    start, exit = ("x=-1", "x >= 0") if potential.dim == 1 else ([-1.0, 0.0], "x >= 0.5")
    problem = Problem(potential, dynamics, start, exit)

    def vary():
        problem.check({name: [1.0, 2.0]})
        problem.varied({name: 1.0})

    with pytest.raises(InputError, match=message):
        vary()
