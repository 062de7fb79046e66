"""What recorders make of states on a device, which is this machine here, is what they make of states in
memory."""

from __future__ import annotations

import numpy as np
import pytest
from gpu_device import DeviceUnderTest
from host_build import needs_compiler

from potentials import double_well, styblinski_tang
from simdyn.dynamics import SGLD
from simdyn.engines.cpu import CpuEngine
from simdyn.engines.gpu import GpuEngine
from simdyn.recorders import (
    DivergedRecorder,
    Ensemble,
    HistogramRecorder,
    MomentsRecorder,
    Observation,
    Quantity,
    Schedule,
    SnapshotsRecorder,
    TimeAveragesRecorder,
    run_ensemble,
)
from simdyn.recorders.device_observation import DeviceObservation
from simdyn.recorders.pairs import LEAF

pytestmark = needs_compiler


def states(dim, paths, dtype="float64", seed=0):
    """Skewed and correlated, with some paths that have left all bounds."""
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(dim, dim)) @ rng.exponential(size=(dim, paths)) + 3.0
    x[rng.integers(dim, size=paths), np.arange(paths)] *= np.where(rng.uniform(size=paths) < 0.05, 1e7, 1.0)
    x[0, rng.uniform(size=paths) < 0.02] = np.nan
    if paths > 4 * LEAF:
        x[:, LEAF : 2 * LEAF] = np.inf
    return x.astype(dtype)


def seen(x):
    device = DeviceUnderTest()
    # One row that recorders do not see, such as a velocity.
    padded = np.concatenate([x, np.full((1, x.shape[1]), 7.0, dtype=x.dtype)])
    return Observation(3, 512, x), DeviceObservation(3, 512, device, device.upload(padded), len(x))


@pytest.mark.parametrize(
    ("dim", "paths", "dtype"),
    [(1, 1, "float64"), (1, 255, "float64"), (2, 257, "float64"), (3, 4096, "float64"), (2, 1000, "float32")],
)
def test_moments_have_the_same_bits(dim, paths, dtype):
    memory, device = seen(states(dim, paths, dtype))
    leaves = 1 << (-(-paths // LEAF) - 1).bit_length()
    assert memory.moments(0, leaves).tobytes() == device.moments(0, leaves).tobytes()
    assert memory.moments(0, 1).tobytes() == device.moments(0, 1).tobytes()
    if paths >= 4 * LEAF:
        assert memory.moments(2 * LEAF, 2).tobytes() == device.moments(2 * LEAF, 2).tobytes()
        assert memory.moments(LEAF, 1)[0] == device.moments(LEAF, 1)[0] == 0


def test_moments_of_paths_that_are_all_outside():
    memory, device = seen(np.full((2, 300), np.nan))
    assert memory.moments(0, 2).tobytes() == device.moments(0, 2).tobytes()
    assert device.outside == 300
    assert counted(device, 0, np.linspace(0, 1, 3)) == ([0, 0], [0, 0, 300], (np.inf, -np.inf))


def counted(seen, index, edges):
    """Counts in bins; below, above and nowhere; least and greatest: all added to numbers that are there."""
    counts, rest = np.full(len(edges) - 1, 5), np.array([5, 6, 7])
    ends = seen.count_coordinate(index, edges, counts, rest)
    return (counts - 5).tolist(), (rest - [5, 6, 7]).tolist(), ends


@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_bins_have_the_same_counts(dtype):
    memory, device = seen(states(2, 3000, dtype))
    assert 0 < memory.outside == device.outside < 1000
    for index in range(2):
        x = np.sort(memory.x[index][memory.inside].astype(float))
        # Values lie on edges, within bins and beyond them.
        for edges in (np.linspace(x[0], x[-1], 38), np.linspace(x[100], x[-100], 12), np.linspace(-1, 9, 41)):
            counts, rest, ends = counted(memory, index, edges)
            assert counted(device, index, edges) == (counts, rest, ends)
            assert sum(counts) + sum(rest) == 3000
            assert rest[2] == memory.outside
            assert ends == (x[0], x[-1])


def test_ends_of_negative_numbers_and_zeros():
    for row in ([-3.0, -2.0], [-0.5, 0.0, 4.0], [1e-300, 2.0], [-7.0]):
        for observation in seen(np.array([row])):
            assert counted(observation, 0, np.linspace(-1, 1, 3))[2] == (min(row), max(row))


def recorded(engine, dim, paths, steps, every, start):
    ensemble = Ensemble(paths, tuple(f"x{i}" for i in range(dim)), engine.dtype)
    schedule = Schedule(steps, every)
    quantities = [
        Quantity("x0", lambda x: x[0], 40, coordinate=0),
        Quantity("x0*x0", lambda x: x[0] * x[0], 40),
    ]
    starts = np.full((dim, 1), start)
    recorders = [
        SnapshotsRecorder(ensemble, schedule),
        MomentsRecorder(ensemble, schedule),
        HistogramRecorder(ensemble, schedule, quantities),
        HistogramRecorder(ensemble, schedule, [Quantity("x0", lambda x: x[0], 20, -2.0, 2.0, 0)]),
        TimeAveragesRecorder(ensemble, schedule, starts, steps // 2),
        DivergedRecorder(schedule),
    ]
    for recorder in recorders:
        recorder.begin()
    state = np.full((engine.update.state_dim, paths), 0.0, dtype=engine.dtype)
    state[:dim] = start
    run = run_ensemble(engine, state, schedule, recorders, dim=dim, seed=5, threads=1)
    found = {"final": run.state}
    for k, recorder in enumerate(recorders):
        found |= {f"{k} {name}": v for name, (_, v, _) in recorder.variables(schedule.looks).items()}
        found |= {f"{k} {name}": v for name, (_, v, _) in recorder.coordinates().items()}
    return found


@pytest.mark.parametrize(
    ("landscape", "dynamics", "start", "every", "memory"),
    [
        pytest.param(double_well(), SGLD(0.05, 0.1), -1.0, 7, 1 << 40, marks=pytest.mark.slow),
        (styblinski_tang(dim=2), SGLD(0.06, 5.0, momentum=0.5), -2.9, 4, 40_000),
    ],
    ids=["one_chunk", "diverging_with_momentum_in_chunks"],
)
def test_a_recorded_run_is_the_same_on_both(landscape, dynamics, start, every, memory):
    update = dynamics.update(landscape)
    device = DeviceUnderTest(memory)
    expected = recorded(CpuEngine(update, threads=1), update.dim, 1100, 41, every, start)
    found = recorded(GpuEngine(update, device=device), update.dim, 1100, 41, every, start)
    for name, values in expected.items():
        assert values.dtype == found[name].dtype, name
        np.testing.assert_array_equal(values, found[name], err_msg=name)
    if memory < 1 << 40:
        assert expected["5 diverged"][-1] > 0
        assert max(threads for name, threads in device.launches if name == "integrate") < 1100
