"""Runs of very many paths: batches change no result, and memory does not grow with the number of paths."""

from __future__ import annotations

import itertools
import subprocess
import sys
import tracemalloc

import numpy as np
import pytest
from gpu_device import DeviceUnderTest
from host_build import needs_compiler
from hypothesis import given
from hypothesis import strategies as st

from potentials import FiniteSum, double_well
from simdyn.dynamics import SDE, SGD, SGLD
from simdyn.engines import ExitCounts, ExitRecords
from simdyn.estimators import measure_escape
from simdyn.exits import resolve_exit

START = np.array([-1.0])


def measure(dynamics=None, exit="(x >= 0) | (x <= -2)", landscape=None, **options):
    """Out of the double well at a temperature as high as its barrier: after about ten steps."""
    dynamics, landscape = dynamics or SGLD(0.1, 1.0), landscape or double_well()
    options = {"paths": 30_000, "max_steps": 40, "seed": 3, **options}
    return measure_escape(
        dynamics.update(landscape, START), resolve_exit(exit, landscape, START), START, **options
    )


@pytest.fixture
def small_batches(monkeypatch):
    """Batches of as few bytes as are said, of which so many paths are kept one by one."""

    def put(size, kept=1_000_000):
        monkeypatch.setattr("simdyn.estimators.direct._BATCH_BYTES", size)
        monkeypatch.setattr("simdyn.estimators.direct._PATHS_OF_LANE", 0)
        monkeypatch.setattr("simdyn.estimators.direct.KEPT_PATHS", kept)

    return put


def check_same(first, second):
    assert first.fit == second.fit
    assert first.exponentiality == second.exponentiality
    assert first.shares.tolist() == second.shares.tolist()
    assert first.counts.tally == second.counts.tally
    for name in ("steps", "code", "paths"):
        np.testing.assert_array_equal(getattr(first.counts, name), getattr(second.counts, name))
    kept = min(len(first.records.steps), len(second.records.steps))
    assert kept > 0
    for name in ("steps", "code", "state"):
        np.testing.assert_array_equal(
            getattr(first.records, name)[:kept], getattr(second.records, name)[:kept]
        )


SAMPLES = FiniteSum("(x - a)**2/2", {"a": [-3.0, 0.0, 1.0]}, variables=["x"])


@pytest.mark.parametrize(
    "problem",
    [{}, {"dynamics": SDE(0.5, 0.1), "burn_in": 0.5}, {"dynamics": SGD(0.3, 1), "landscape": SAMPLES}],
    ids=["chain", "bridge", "samples"],
)
def test_batches_change_nothing(small_batches, problem):
    whole = measure(**problem)
    assert whole.counts.tally.events > 10_000
    assert whole.counts.tally.censored > 10
    seen = []
    small_batches(24 * 1_001, kept=5_000)
    batches = measure(**problem, report=seen.append)
    check_same(whole, batches)
    assert len(batches.records.steps) == len(batches.times) == 5_000
    assert len(batches.exit_points) == batches.records.exited.sum()
    assert batches.path_steps == whole.records.steps.sum()
    assert batches.estimate(0.99) == whole.estimate(0.99)
    assert [p.finished for p in seen] == sorted(p.finished for p in seen)
    assert seen[-1].finished == 30_000


def test_batches_change_nothing_on_the_way_to_a_target_error(small_batches):
    whole = measure(target_error=0.02)
    small_batches(24 * 333)
    check_same(whole, measure(target_error=0.02))


def test_an_interrupt_in_a_later_batch_keeps_what_has_ended(small_batches):
    def press(progress):
        if progress.finished > 10_000:
            raise KeyboardInterrupt

    small_batches(24 * 2_000, kept=1_500)
    part = measure(report=press, paths=10_000_000)
    assert not part.complete
    assert 10_000 < part.counts.total < 10_000_000
    assert "interrupted" in part.remarks[0]
    assert len(part.records.steps) == 1_500
    np.testing.assert_array_equal(part.records.steps, measure(paths=1_500).records.steps)


@needs_compiler
def test_batches_change_nothing_on_a_gpu(small_batches, monkeypatch):
    monkeypatch.setattr("simdyn.engines.gpu.CupyDevice", DeviceUnderTest)
    whole = measure()
    small_batches(24 * 7_000, kept=9_000)
    on_device = measure(backend="gpu")
    assert on_device.backend == "gpu"
    check_same(whole, on_device)


@given(
    st.lists(st.tuples(st.integers(0, 5) | st.integers(0, 10**12), st.integers(-1, 3)), max_size=40),
    st.lists(st.integers(0, 40), max_size=4),
)
def test_counts_of_parts_add_up(ends, cuts):
    steps, code = (np.array([end[k] for end in ends], dtype=np.int64) for k in (0, 1))
    records = ExitRecords(steps, code, np.zeros((len(ends), 1)))
    bounds = [0, *sorted(cuts), len(ends)]
    counts = ExitCounts.none()
    for begin, end in itertools.pairwise(bounds):
        counts += ExitRecords(steps[begin:end], code[begin:end], records.state[begin:end]).counts
    expected = sorted({pair: ends.count(pair) for pair in ends}.items())
    assert [
        ((s, c), n)
        for s, c, n in zip(counts.steps.tolist(), counts.code.tolist(), counts.paths.tolist(), strict=True)
    ] == expected
    assert counts.tally == records.tally
    assert counts.total == len(ends)


def test_memory_does_not_grow_with_the_number_of_paths(small_batches):
    """Beyond the records that are kept it is that of a batch; the records of all would take 48 MB."""
    small_batches(1 << 20, kept=1_000)
    measure(paths=1_000)
    peaks = []
    for paths in (200_000, 2_000_000):
        tracemalloc.start()
        measure(paths=paths)
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    assert peaks[1] < 1.1 * peaks[0]
    assert peaks[1] < 8e6


A_HUNDRED_MILLION = """
import json, resource
import numpy as np
from potentials import double_well
from simdyn.dynamics import SGLD
from simdyn.estimators import measure_escape
from simdyn.exits import resolve_exit

well, start = double_well(), np.array([-1.0])
problem = SGLD(0.1, 1.0).update(well), resolve_exit("x >= 0", well, start), start
peaks = []
for paths in (100_000, 100_000_000):
    found = measure_escape(*problem, paths=paths, max_steps=1_000_000, seed=3)
    peaks.append(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024)
steps, paths = found.counts.steps, found.counts.paths
mean = found.fit.estimate.value
spread = np.sqrt((paths * (steps - mean) ** 2).sum()) / found.counts.total
print(json.dumps({"peaks": peaks, "events": found.fit.estimate.events, "mean": mean, "spread": spread,
                  "sample": found.records.steps[-5:].tolist()}))
"""


@pytest.mark.slow
def test_a_hundred_million_escapes_in_one_call():
    """Against the exact mean, 4.5 standard errors (false alarms: 7e-6); a sample against a run of its own."""
    import json

    from simdyn.exact import escape_time

    done = subprocess.run([sys.executable, "-c", A_HUNDRED_MILLION], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert found["events"] == 100_000_000
    before, after = found["peaks"]
    # The records of all would take 2.4 GB.
    assert after - before < 250e6
    exact = escape_time(double_well(), SGLD(0.1, 1.0), START, "x >= 0")
    assert exact.error < 0.1 * found["spread"]
    assert abs(found["mean"] - exact.value) < 4.5 * found["spread"]
    alone = measure(exit="x >= 0", paths=1_000_000, max_steps=1_000_000)
    assert found["sample"] == alone.records.steps[-5:].tolist()
