"""Wherever the cells run, and whatever dies meanwhile, the outputs are the same bytes."""

from __future__ import annotations

import dataclasses
import os
import signal
import subprocess
import sys
import threading
import time
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor

import pytest

from simdyn.errors import InputError
from simdyn.study import SilentProgress, run_study
from simdyn.study.progress import CellPlace
from simdyn.study.sweep import UNIT_SECONDS, Waiting, _Queue


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory):
    return tmp_path_factory.mktemp("whole")


@pytest.fixture
def expected(toy, undisturbed, outputs):
    run_study(toy, undisturbed, size="quick", seed=3)
    return outputs(undisturbed)


class Listening(SilentProgress):
    def __init__(self):
        self.started, self.states, self.finished = [], [], []

    def cell_started(self, cell):
        self.started.append(cell.index)

    def cell_state(self, cell, state):
        self.states.append(state.events)

    def cell_finished(self, cell, seconds):
        self.finished.append(cell.index)


def test_processes_give_the_same_bytes_and_tell_how_they_get_on(
    toy, tmp_path, outputs, expected, monkeypatch
):
    # Long enough for the parent to hear of the cells before they end.
    monkeypatch.setenv("TOY_SECONDS", "0.3")
    progress = Listening()
    run_study(toy, tmp_path, size="quick", seed=3, workers=2, progress=progress)
    assert outputs(tmp_path) == expected
    assert sorted(progress.finished) == list(range(9))
    assert set(progress.started) <= set(range(9))
    assert len(progress.started) >= 5
    assert set(progress.states) <= {4000}


def _pids(folder):
    return {int(path.stem) for path in folder.glob("*.pid")}


@pytest.mark.parametrize(("threads", "others"), [(1, 0), (2, 2)])
def test_cells_of_one_thread_run_side_by_side(toy, tmp_path, outputs, expected, monkeypatch, threads, others):
    monkeypatch.setenv("TOY_PIDS", str(tmp_path))
    monkeypatch.setenv("TOY_SECONDS", "0.3")  # so that no worker is done with all before the other has begun
    run_study(toy, tmp_path / "out", size="quick", seed=3, threads=threads, spread=True)
    assert outputs(tmp_path / "out") == expected
    assert os.getpid() in _pids(tmp_path)
    assert len(_pids(tmp_path) - {os.getpid()}) == others


def test_ctrl_c_among_cells_side_by_side_keeps_what_is_finished(
    toy, tmp_path, outputs, expected, interrupted_after
):
    with pytest.raises(KeyboardInterrupt):
        run_study(toy, tmp_path, size="quick", seed=3, threads=2, spread=True, progress=interrupted_after(4))
    run_study(toy, tmp_path, size="quick", seed=3)
    assert outputs(tmp_path) == expected


@pytest.mark.parametrize("kind", [ThreadPoolExecutor, ProcessPoolExecutor])
def test_any_executor_gives_the_same_bytes_and_stays_open(toy, tmp_path, outputs, expected, kind):
    with kind(2) as executor:
        run_study(toy, tmp_path, size="quick", seed=3, executor=executor)
        assert executor.submit(abs, -2).result() == 2
    assert outputs(tmp_path) == expected


def test_a_killed_worker_is_replaced(toy, tmp_path, outputs, expected, monkeypatch):
    # The first cell to find the file takes it and kills its own process.
    bomb = tmp_path / "bomb"
    bomb.touch()
    monkeypatch.setenv("TOY_BOMB", str(bomb))
    run_study(toy, tmp_path / "out", size="quick", seed=3, workers=2)
    assert not bomb.exists()
    assert outputs(tmp_path / "out") == expected


def test_workers_that_always_die_are_given_up(toy, tmp_path, monkeypatch):
    monkeypatch.setenv("TOY_BOMB", "always")
    monkeypatch.setattr("simdyn.study.sweep._RENEWALS", 1)
    with pytest.raises(InputError, match="worker processes died 2 times in a row"):
        run_study(toy, tmp_path / "out", size="quick", workers=1)


def test_ctrl_c_ends_the_workers_and_keeps_what_they_finished(toy_file, toy, tmp_path, outputs, expected):
    out = tmp_path / "out"
    command = [sys.executable, "-m", "simdyn.cli", "study", "run", toy_file, "--quick", "--seed", "3"]
    with subprocess.Popen(
        [*command, "--out", str(out), "--workers", "2"],
        env={**os.environ, "TOY_SECONDS": "0.6"},
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    ) as process:
        until = time.monotonic() + 60
        while len(list(out.glob("shards/*.json"))) < 2 and time.monotonic() < until:
            time.sleep(0.02)
        os.killpg(process.pid, signal.SIGINT)  # as a terminal does: the workers get it too
        _, said = process.communicate(timeout=600)
    assert process.returncode == 130, said
    assert "the same command goes on from there" in said
    assert "Traceback" not in said
    assert 2 <= len(list(out.glob("shards/*.json"))) < 9
    run_study(toy, out, size="quick", seed=3)
    assert outputs(out) == expected


def test_workers_end_with_a_killed_parent(toy_file, tmp_path):
    out = tmp_path / "out"
    program = (
        "import sys; from pathlib import Path; from simdyn.study import find_study, run_study\n"
        "run_study(find_study(sys.argv[1]), Path(sys.argv[2]), size='quick', workers=2)"
    )
    with subprocess.Popen(
        [sys.executable, "-c", program, toy_file, str(out)],
        env={**os.environ, "TOY_SECONDS": "30", "TOY_PIDS": str(tmp_path)},
    ) as process:
        until = time.monotonic() + 60
        while len(list(tmp_path.glob("*.pid"))) < 2 and time.monotonic() < until:
            time.sleep(0.02)
        process.kill()
        process.wait(10)
    workers = [int(path.stem) for path in tmp_path.glob("*.pid")]
    assert len(workers) == 2
    until = time.monotonic() + 10
    while any(_alive(worker) for worker in workers) and time.monotonic() < until:
        time.sleep(0.05)
    assert not any(_alive(worker) for worker in workers)


def _alive(process):
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    return True


def test_an_error_in_a_worker_names_its_cell_and_keeps_the_others(toy, tmp_path, monkeypatch):
    monkeypatch.setenv("TOY_FAILS", "2.0")
    with pytest.raises(ArithmeticError, match="asked to fail") as caught:
        run_study(toy, tmp_path, size="quick", workers=1)
    assert "grid means, cell {'rate': 2.0}" in caught.value.__notes__[0]
    assert list((tmp_path / "shards").iterdir())


def test_a_cell_that_swallows_ctrl_c_is_not_taken_for_finished(toy, tmp_path, outputs, expected):
    def cell(grid, parameters, seed, settings, execution):
        measured = toy.cell(grid, parameters, seed, settings, execution)
        if grid == "thresholds":
            try:
                signal.raise_signal(signal.SIGINT)
            except KeyboardInterrupt:
                return {**measured, "share": -1.0}  # what it has so far
        return measured

    swallowing = dataclasses.replace(toy, cell=cell)
    before = signal.getsignal(signal.SIGINT)
    with pytest.raises(KeyboardInterrupt):
        run_study(swallowing, tmp_path, size="quick", seed=3)
    assert signal.getsignal(signal.SIGINT) is before
    run_study(toy, tmp_path, size="quick", seed=3)
    assert outputs(tmp_path) == expected


def test_a_study_can_run_outside_the_main_thread(toy, tmp_path, outputs, expected):
    thread = threading.Thread(target=lambda: run_study(toy, tmp_path, size="quick", seed=3))
    thread.start()
    thread.join()
    assert outputs(tmp_path) == expected


def test_a_study_that_cannot_be_sent_is_refused(toy, tmp_path):
    local = dataclasses.replace(toy, cell=lambda *arguments: {})
    with pytest.raises(InputError, match="cannot be sent to workers"):
        run_study(local, tmp_path, size="quick", workers=1)


@pytest.mark.parametrize(
    ("where", "named"),
    [
        ({"workers": 0}, "number of workers is 0"),
        ({"workers": 1, "scheduler": "tcp://127.0.0.1:1"}, "workers of its own"),
    ],
)
def test_contradictions_are_refused(toy, tmp_path, where, named):
    with pytest.raises(InputError, match=named):
        run_study(toy, tmp_path / "out", size="quick", **where)
    assert not (tmp_path / "out").exists()


def waiting(grid, count):
    return [Waiting(CellPlace(i, count, grid, {"a": i}), (grid, {"a": i})) for i in range(count)]


@pytest.mark.parametrize("seconds", [1e-5, 0.01, 0.2, 3.0])
def test_units_take_about_as_long_as_asked_and_no_cell_is_lost(seconds):
    queue = _Queue(waiting("means", 3000))
    units = [queue.next_unit(2)]
    assert len(units[0].cells) == 1  # nothing is known yet
    while queue:
        queue.learn("means", seconds)
        units.append(queue.next_unit(2))
    assert [index for unit in units for index in unit.indices] == list(range(3000))
    longest = max(len(unit.cells) for unit in units)
    assert longest == pytest.approx(max(1, min(750, UNIT_SECONDS / seconds)), abs=1)
    assert len(units[-1].cells) <= 4  # so that no worker has much left when the others are done


def test_a_unit_holds_cells_of_one_grid_and_comes_back_in_order():
    queue = _Queue([*waiting("a", 3), *waiting("b", 3)])
    queue.learn("a", 1e-4)
    first = queue.next_unit(1)
    assert {grid for grid, _ in first.cells} == {"a"}
    queue.put_back(first)
    assert queue.next_unit(1) == first
