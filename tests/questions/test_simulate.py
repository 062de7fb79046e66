"""`simulate`: exact laws, the same bits however it is run, and what it says and refuses."""

from __future__ import annotations

import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import simdyn.questions.simulation as simulation
import simdyn.recorders.run as run_module
from potentials import Potential, double_well, muller_brown
from simdyn.dynamics import SDE, SGD, SGLD
from simdyn.engines import engine_for
from simdyn.errors import InputError
from simdyn.questions import simulate
from simdyn.recorders import Progress

WELL = double_well()
DYNAMICS = SGLD(0.05, 0.2)
EVERYTHING = ["final", "snapshots", "moments", "histogram"]


def values_of(data):
    """All numbers of a dataset, as bytes by name."""
    return {str(name): array.values.tobytes() for name, array in {**data.coords, **data.data_vars}.items()}


@pytest.fixture(scope="module")
def well():
    return simulate(WELL, DYNAMICS, "x=-1", paths=700, steps=40, every=5, record=EVERYTHING, seed=3, bins=30)


@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_mean_and_variance_of_a_quadratic_follow_the_exact_recursion(dtype):
    """x' = (1 - eta h) x + sqrt(2 eta T) xi: m' = (1 - eta h) m, v' = (1 - eta h)^2 v + 2 eta T.

    42 comparisons at z = 4.5: false alarms below 3e-4 for all of them together.
    """
    h, eta, temperature = 2.0, 0.1, 0.3
    data = simulate(
        Potential("h*x**2/2", parameters={"h": h}), SGLD(eta, temperature), "x=3", paths=50_000, steps=20,
        every=1, record="moments", seed=11, dtype=dtype,
    )  # fmt: skip
    mean, variance = 3.0, 0.0
    for look in range(21):
        found = data.isel(step=look, coordinate=0, other_coordinate=0)
        if look == 0:
            assert (float(found["mean"]), float(found["covariance"])) == (3.0, 0.0)
        else:
            assert abs(float(found["mean"]) - mean) < 4.5 * float(found["mean_error"])
            assert abs(float(found["covariance"]) - variance) < 4.5 * float(found["covariance_error"])
            # The law is normal, for which the errors are known.
            assert float(found["mean_error"]) == pytest.approx((variance / 50_000) ** 0.5, rel=0.03)
            assert float(found["covariance_error"]) == pytest.approx(variance * (2 / 50_000) ** 0.5, rel=0.06)
        mean, variance = (1 - eta * h) * mean, (1 - eta * h) ** 2 * variance + 2 * eta * temperature
    np.testing.assert_allclose(data["time"], 0.1 * np.arange(21))


def test_covariance_in_two_dimensions_against_the_stationary_value():
    """S = (I - eta H) S (I - eta H) + eta^2 C, at z = 4.5 in three entries (false alarms 2e-5)."""
    hessian, noise, eta = np.array([[3.0, 1.0], [1.0, 2.0]]), np.array([[1.0, 0.2], [0.2, 0.5]]), 0.2
    data = simulate(
        Potential("(3*x**2 + 2*x*y + 2*y**2)/2"),
        SGD(eta, 1.0, noise="constant", covariance=noise.tolist()),
        "0", paths=100_000, steps=120, every=120, record="moments", seed=5,
    )  # fmt: skip
    step = np.eye(2) - eta * hessian
    exact = np.linalg.solve(np.eye(4) - np.kron(step, step), (eta**2 * noise).ravel()).reshape(2, 2)
    np.testing.assert_allclose(exact, [[0.0492727, -0.0000909], [-0.0000909, 0.0343636]], atol=1e-6)
    gap = np.abs(data["covariance"].values[-1] - exact)
    assert (gap < 4.5 * data["covariance_error"].values[-1]).all()
    limit = np.linalg.solve(
        np.kron(hessian, np.eye(2)) + np.kron(np.eye(2), hessian), (eta * noise).ravel()
    ).reshape(2, 2)
    assert (np.abs(limit - exact) > 4.5 * data["covariance_error"].values[-1])[0, 0], "no power"


def test_averages_over_time_against_the_stationary_variance():
    """v = 2 eta T / (1 - (1 - eta h)^2), mean 0; both at z = 4.5. Beyond 150 of 300 steps the start is gone.

    Steps of a path are correlated: errors that took them for independent would be several times smaller.
    """
    eta, temperature = 0.1, 0.5
    data = simulate(
        Potential("x**2/2"), SGLD(eta, temperature), "x=2", paths=4_000, steps=300, every=3,
        record="moments", seed=2,
    )  # fmt: skip
    variance = 2 * eta * temperature / (1 - (1 - eta) ** 2)
    assert abs(float(data["time_mean"][0])) < 4.5 * float(data["time_mean_error"][0])
    assert abs(float(data["time_variance"][0]) - variance) < 4.5 * float(data["time_variance_error"][0])
    assert float(data["time_mean_error"][0]) > 2 * (variance / (4_000 * 50)) ** 0.5
    # The correlation of x is (1 - eta)^|k|; over 50 looks 3 steps apart, 4,000 paths.
    gaps = np.abs(np.subtract.outer(np.arange(50), np.arange(50)))
    error = (variance * np.mean((1 - eta) ** (3.0 * gaps)) / 4_000) ** 0.5
    assert float(data["time_mean_error"][0]) == pytest.approx(error, rel=0.06)


def test_everything_agrees_with_the_snapshots(well):
    states = well["snapshots"].values
    assert well["step"].values.tolist() == list(range(0, 41, 5))
    assert states[-1].tobytes() == well["final"].values.tobytes()
    assert (states[0] == -1.0).all()
    np.testing.assert_allclose(well["mean"].values, states.mean(axis=1), rtol=1e-13)
    variance = well["covariance"].values[:, 0, 0]
    np.testing.assert_allclose(variance, states[..., 0].var(axis=1, ddof=1), rtol=1e-12)
    later = states[5:, :, 0]
    assert float(well["time_mean"][0]) == pytest.approx(later.mean(), rel=1e-12)
    assert float(well["time_variance"][0]) == pytest.approx(later.var(), rel=1e-12)
    for look, x in enumerate(states[..., 0]):
        expected = np.histogram(x, bins=well["edge"].values[0])[0]
        assert well["histogram"].values[look, 0].tolist() == expected.tolist()
    assert well["diverged"].values.tolist() == [0] * 9
    assert int(well["underflow"].sum() + well["overflow"].sum() + well["uncounted"].sum()) == 0


def test_the_states_are_those_of_the_engine(well):
    engine = engine_for("cpu", DYNAMICS.update(WELL), threads=1)
    for look, step in enumerate(well["step"].values):
        states = engine.integrate(np.full((700, 1), -1.0), steps=int(step), seed=3)
        assert states.tobytes() == well["snapshots"].values[look].tobytes()


@pytest.mark.parametrize("threads", [1, 2, 3])
@pytest.mark.parametrize("numbers", [1, 512, 1 << 20])
def test_threads_and_chunks_do_not_change_a_bit(well, monkeypatch, threads, numbers):
    monkeypatch.setattr(run_module, "_CHUNK_NUMBERS", numbers)
    again = simulate(
        WELL, DYNAMICS, "x=-1", paths=700, steps=40, every=5, record=EVERYTHING, seed=3, bins=30,
        threads=threads,
    )  # fmt: skip
    assert values_of(again) == values_of(well)


@pytest.mark.parametrize("length", [1, 3, 8, 64])
def test_rounds_do_not_change_a_bit(well, monkeypatch, length):
    monkeypatch.setattr(run_module, "_ROUND_STEPS", length)
    monkeypatch.setattr(run_module, "_next_length", lambda *_: length)
    again = simulate(WELL, DYNAMICS, "x=-1", paths=700, steps=40, every=5, record=EVERYTHING, seed=3, bins=30)
    assert values_of(again) == values_of(well)


def test_two_dimensions_and_many_chunks_on_two_threads():
    options = {"paths": 6_000, "steps": 24, "record": EVERYTHING, "every": 6, "seed": 8, "bins": 20}
    dynamics = SGLD(1e-4, 15.0)
    one, two = (simulate(muller_brown(), dynamics, "deepest", threads=t, **options) for t in (1, 2))
    assert values_of(one) == values_of(two)
    assert one["covariance"].dims == ("step", "coordinate", "other_coordinate")
    for look, x in enumerate(one["snapshots"].values):
        np.testing.assert_allclose(one["covariance"].values[look], np.cov(x.T), rtol=1e-11, atol=1e-17)


def test_the_seed_matters_and_what_else_is_recorded_does_not(well):
    alone = simulate(WELL, DYNAMICS, "x=-1", paths=700, steps=40, seed=3)
    assert alone["final"].values.tobytes() == well["final"].values.tobytes()
    assert "step" not in alone.coords
    other = simulate(WELL, DYNAMICS, "x=-1", paths=700, steps=40, seed=4)
    assert (other["final"].values != well["final"].values).all()
    sequence = simulate(WELL, DYNAMICS, "x=-1", paths=700, steps=40, seed=np.random.SeedSequence(3))
    assert sequence["final"].values.tobytes() == alone["final"].values.tobytes()


@settings(max_examples=20)
@given(steps=st.integers(0, 60), more=st.integers(0, 60), paths=st.integers(1, 600))
def test_more_steps_or_paths_begin_with_the_fewer(steps, more, paths):
    """n steps and then m more are n + m steps: the states at step n, gone on with by the engine."""
    short = simulate(WELL, DYNAMICS, "x=-1", paths=paths, steps=steps, seed=6)
    long = simulate(WELL, DYNAMICS, "x=-1", paths=paths + 40, steps=steps + more, seed=6)
    engine = engine_for("cpu", DYNAMICS.update(WELL), threads=1)
    gone_on = engine.integrate(short["final"].values, steps=more, seed=6, first_step=steps)
    assert gone_on.tobytes() == long["final"].values[:paths].tobytes()


def test_one_start_a_path():
    starts = np.random.default_rng(1).normal(size=(300, 2))
    landscape, dynamics = double_well(dim=2), SGLD(0.05, 0.1)
    data = simulate(
        landscape, dynamics, starts, paths=300, steps=10, record=["final", "moments"], every=5, seed=1
    )
    engine = engine_for("cpu", dynamics.update(landscape), threads=1)
    assert data["final"].values.tobytes() == engine.integrate(starts, steps=10, seed=1).tobytes()
    assert data["start"].values.tobytes() == starts.tobytes()
    np.testing.assert_allclose(data["mean"].values[0], starts.mean(axis=0), rtol=1e-12)


def test_attributes_tell_the_whole_problem(well):
    facts = well.attrs
    problem = json.loads(facts["problem"])
    assert problem["potential"] == json.loads(json.dumps(WELL.record()))
    assert problem["dynamics"] == {
        "name": "SGLD",
        "learning_rate": 0.05,
        "temperature": 0.2,
        "batch_size": None,
        "sampling": "without_replacement",
        "momentum": 0.0,
    }
    assert (problem["start"], problem["paths"], problem["steps"], problem["every"]) == ([-1.0], 700, 40, 5)
    assert (problem["bins"], problem["of"], problem["burn_in"]) == (30, None, 20)
    assert json.loads(facts["seed"]) == {"entropy": 3, "spawn_key": []}
    assert {"simdyn", "numba", "numpy"} <= set(json.loads(facts["versions"]))
    assert (facts["complete"], facts["steps_done"], facts["path_steps"]) == (1, 40, 28_000)
    assert well["step"].attrs["units"] == "steps"
    assert well["time"].attrs["units"] == "time"
    np.testing.assert_allclose(well["time"], 0.05 * well["step"])


def test_the_time_of_an_sde():
    data = simulate(WELL, SDE(0.1, 0.02), "x=-1", paths=10, steps=10, record="moments")
    np.testing.assert_allclose(data["time"], 0.02 * data["step"])


def test_netcdf_and_back(well, tmp_path):
    import xarray

    well.to_netcdf(tmp_path / "well.nc", engine="h5netcdf")
    with xarray.open_dataset(tmp_path / "well.nc", engine="h5netcdf") as back:
        assert values_of(back.drop_vars(["coordinate", "other_coordinate", "quantity"])) == values_of(
            well.drop_vars(["coordinate", "other_coordinate", "quantity"])
        )
        assert back["quantity"].values.tolist() == ["x"]
        assert back.attrs["problem"] == well.attrs["problem"]
        assert back.attrs["complete"] == 1


def test_histograms_of_formulas():
    data = simulate(
        Potential("k*(x**2 + y**2)", parameters={"k": 2.0}), SGLD(0.1, 0.2), "0", paths=500, steps=10,
        every=10, record=["snapshots", "histogram"], of=["x*y", "k*(x**2 + y**2)", "sqrt(x)"],
        bins=(-1, 1, 25),
    )  # fmt: skip
    x, y = data["snapshots"].values[-1].T
    assert data["quantity"].values.tolist() == ["x*y", "k*(x**2 + y**2)", "sqrt(x)"]
    for k, values in enumerate((x * y, 2 * (x**2 + y**2), np.sqrt(x[x >= 0]))):
        counts = np.histogram(values, bins=25, range=(-1, 1))[0]
        assert data["histogram"].values[-1, k].tolist() == counts.tolist()
    assert int(data["uncounted"][-1, 2]) == np.sum(x < 0) > 0
    assert int(data["overflow"][-1, 1]) == np.sum(2 * (x**2 + y**2) > 1) > 0


def test_diverged_paths_are_counted_everywhere():
    data = simulate(WELL, SGLD(0.9, 0.5), "x=-1", paths=400, steps=30, every=3, record=EVERYTHING, seed=1)
    with np.errstate(invalid="ignore"):
        outside = ~(np.abs(data["snapshots"].values[..., 0]) < 1e6)
    lost = outside.sum(axis=1)
    assert 0 < lost[2] < 400, "no gradual loss: the test would be empty"
    assert data["diverged"].values.tolist() == lost.tolist()
    assert data["moment_paths"].values.tolist() == (400 - lost).tolist()
    assert data["uncounted"].values[:, 0].tolist() == lost.tolist()
    assert data.attrs["diverged"] == lost[-1]
    assert int(data["time_paths"]) == 400 - outside[6:].any(axis=0).sum()


def test_without_noise_all_paths_do_the_same():
    data = simulate(WELL, SGLD(0.1, 0.0), "x=-2", paths=300, steps=50, record=["final", "moments"])
    x = -2.0
    for _ in range(50):
        x -= 0.1 * (x**3 - x)
    np.testing.assert_allclose(data["final"], x, rtol=1e-13)
    assert float(np.abs(data["covariance"]).max()) < 1e-30


def test_no_steps_at_all():
    data = simulate(WELL, DYNAMICS, "x=0.5", paths=3, steps=0, record=EVERYTHING)
    assert data["final"].values.tolist() == [[0.5]] * 3
    assert data["step"].values.tolist() == [0]
    assert data.attrs["complete"] == 1


def test_how_often_it_looks_by_default():
    def looks(steps):
        return simulate(WELL, DYNAMICS, "x=-1", paths=2, steps=steps, record="moments")["step"].values

    assert looks(5000).tolist() == list(range(0, 5001, 100))
    assert looks(1000).tolist() == list(range(0, 1001, 50))
    assert looks(60).tolist() == list(range(0, 61, 6))
    assert looks(10).tolist() == list(range(11))
    assert looks(3).tolist() == [0, 1, 2, 3]


def test_progress_is_told():
    told = []
    simulate(WELL, DYNAMICS, "x=-1", paths=100, steps=500, progress=told.append)
    assert told[-1] == Progress(500, 500, 100)
    assert [state.steps_done for state in told] == sorted({state.steps_done for state in told})


@pytest.mark.parametrize("after", [1, 3])
def test_an_interrupt_leaves_the_dataset_of_a_shorter_run(monkeypatch, after):
    monkeypatch.setattr(run_module, "_next_length", lambda *_: 8)
    told = []

    def interrupt(state):
        told.append(state)
        if len(told) == after:
            raise KeyboardInterrupt

    options = {"paths": 900, "every": 5, "record": EVERYTHING, "seed": 3, "bins": 30, "burn_in": 10}
    data = simulate(WELL, DYNAMICS, "x=-1", steps=400, progress=interrupt, **options)
    assert (data.attrs["complete"], data.attrs["steps_done"]) == (0, 8 * after)
    options["burn_in"] = min(10, 8 * after - 1)
    shorter = simulate(WELL, DYNAMICS, "x=-1", steps=8 * after, **options)
    names = (
        [n for n in shorter.variables if not str(n).startswith("time_")] if after == 1 else shorter.variables
    )
    assert values_of(data[list(names)]) == values_of(shorter[list(names)])


def test_an_interrupt_in_the_middle_of_a_round_brings_it_to_its_end(monkeypatch):
    """The main thread is interrupted while it waits for the workers, who know nothing of it."""
    monkeypatch.setattr(run_module, "_next_length", lambda *_: 8)
    original, calls = run_module._Runner._complete, []

    def complete(self, turn, pool):
        calls.append(turn.end)
        if len(calls) == 2:
            raise KeyboardInterrupt
        original(self, turn, pool)

    monkeypatch.setattr(run_module._Runner, "_complete", complete)
    data = simulate(WELL, DYNAMICS, "x=-1", steps=400, paths=300, seed=3)
    assert calls == [8, 16, 16]
    assert (data.attrs["complete"], data.attrs["steps_done"]) == (0, 16)
    shorter = simulate(WELL, DYNAMICS, "x=-1", steps=16, paths=300, seed=3)
    assert data["final"].values.tobytes() == shorter["final"].values.tobytes()


def test_an_error_in_a_worker_is_raised(monkeypatch):
    class Broken(Exception):
        pass

    def break_down(self, turn):
        raise Broken

    monkeypatch.setattr(run_module._Runner, "_work", break_down)
    with pytest.raises(Broken):
        simulate(WELL, DYNAMICS, "x=-1", steps=4, paths=3)


REFUSALS = [
    ({"paths": 0}, "paths is 0, but it must be a whole number of at least 1"),
    ({"paths": 1.5}, "paths is 1.5"),
    ({"paths": True}, "paths is True"),
    ({"steps": -1}, "steps is -1, but it must be a whole number of at least 0"),
    ({"steps": "many"}, "steps is 'many'"),
    ({"record": "movie"}, "record is 'movie', but it must be one or several of: final, snapshots"),
    ({"record": []}, "record is empty"),
    ({"record": "moments", "every": 11}, "every is 11, but there are only 10 steps"),
    ({"record": "moments", "every": 0}, "every is 0"),
    ({"every": 2}, "every is 2, but only a record of snapshots or moments or histogram"),
    ({"record": "moments", "bins": 3}, "bins is 3, but only a record of histogram"),
    ({"record": "moments", "of": "x"}, "of is 'x', but only a record of histogram"),
    ({"burn_in": 3}, "burn_in is 3, but only a record of moments"),
    ({"record": "moments", "burn_in": 10}, "burn_in is 10, but there are only 10 steps"),
    ({"record": "histogram", "bins": 1}, "The number of bins is 1"),
    ({"record": "histogram", "bins": True}, "The number of bins is True"),
    ({"record": "histogram", "bins": (1, 0, 5)}, "bins go from 1 to 0"),
    ({"record": "histogram", "bins": (0, float("inf"), 5)}, "bins go from 0 to inf"),
    ({"record": "histogram", "bins": (1, 1 + 1e-15, 5)}, "too narrow"),
    ({"record": "histogram", "bins": (0, 1)}, "bins is \\(0, 1\\)"),
    ({"record": "histogram", "of": "x + q"}, "q"),
    ({"record": "histogram", "of": "x +"}, "cannot be read"),
    ({"record": "histogram", "of": "k"}, "of='k' does not vary"),
    ({"record": "histogram", "of": []}, "of is empty"),
    ({"record": "histogram", "of": ["x", "x"]}, "same formula twice"),
    ({"start": "y=1"}, "names 'y'"),
    ({"start": np.zeros((4, 1))}, "shape \\(4, 1\\), but one start a path needs \\(5, 1\\)"),
    ({"start": np.full((5, 1), np.nan)}, "start of path 0 is not finite"),
    ({"start": [["a"]] * 5}, "not a number"),
    ({"seed": -1}, "seed is -1"),
    ({"threads": 0}, "threads is 0"),
    ({"dtype": "float16"}, "dtype is 'float16'"),
    ({"normals": "pink"}, "'pink'"),
    ({"backend": "tpu"}, "one of: auto, cpu, gpu"),
    (
        {"paths": 10**6, "steps": 10**4, "record": "snapshots", "every": 1},
        "The snapshots of 1,000,000 paths at 10,001 steps would take 80 GB, more than the 4 GB that "
        "are allowed; look less often, every=21 or more, or record moments",
    ),
    ({"paths": 10**9}, "The states of 1,000,000,000 paths would take 8 GB"),
    ({"paths": 4 * 10**8, "record": "snapshots"}, "run fewer paths, or record moments"),
    ({"paths": 4 * 10**8, "record": "moments"}, "averages over time .* run fewer paths"),
    (
        {"steps": 10**9, "record": "histogram", "every": 1},
        "The histograms .* look less often, every=207 or more",
    ),
]


@pytest.mark.parametrize(("options", "message"), REFUSALS)
def test_refusals(options, message):
    settings = {"start": "x=-1", "paths": 5, "steps": 10, **options}
    with pytest.raises(InputError, match=message):
        simulate(WELL, DYNAMICS, **settings)


def test_the_advice_of_a_refusal_fits(monkeypatch):
    monkeypatch.setattr(simulation, "MEMORY_LIMIT", 100_000)
    settings = {"paths": 100, "steps": 1000, "record": "snapshots"}
    with pytest.raises(InputError, match="every=9 or more"):
        simulate(WELL, DYNAMICS, "x=-1", every=8, **settings)
    assert simulate(WELL, DYNAMICS, "x=-1", every=9, **settings)["snapshots"].nbytes <= 100_000


def test_starts_where_nothing_can_start():
    with pytest.raises(InputError, match=r"not finite at the start \[-1.0\]"):
        simulate(Potential("log(x)**2"), DYNAMICS, "x=-1", paths=3, steps=3)
    starts = np.array([[1.0], [2.0], [-3.0]])
    with pytest.raises(InputError, match=r"not finite at the start \[-3.0\]"):
        simulate(Potential("log(x)**2"), DYNAMICS, starts, paths=3, steps=3)
    with pytest.raises(InputError, match="not positive semidefinite at the start"):
        simulate(WELL, SGD(0.1, 1.0, noise="x"), "x=-1", paths=3, steps=3)
