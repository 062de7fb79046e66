"""What people see while a study runs."""

from __future__ import annotations

import io

import pytest
from rich.console import Console

from simdyn.study.progress import (
    BarProgress,
    CellPlace,
    CellProgress,
    CellState,
    LogProgress,
    TimeLeft,
    duration,
    progress_on_stderr,
)

CELL = CellPlace(1, 3, "means", {"rate": 0.5})


def tell(progress):
    progress.study_started("toy", {"means": 2}, 3)
    progress.cell_started(CELL)
    state = CellState(events=1204, censored_share=0.031, relative_error=0.0288, steps=120_000)
    progress.cell_state(CELL, state)


def test_bar_shows_cells_and_the_running_cell():
    stream = io.StringIO()
    with BarProgress(Console(file=stream, force_terminal=True, width=100)) as progress:
        tell(progress)
        progress._live.refresh()
        seen = stream.getvalue()
        progress.cell_finished(CELL, 2.0)
    for words in ("1/3", "means: rate = 0.5", "1,204 escapes, 3.1 % censored, relative error 2.9 %"):
        assert words in seen
    assert "2/3" in stream.getvalue()


def test_no_bar_is_left_behind_by_a_run_that_never_began():
    stream = io.StringIO()
    with BarProgress(Console(file=stream, force_terminal=True, width=100)):
        pass
    assert stream.getvalue() == ""


def test_log_has_plain_lines():
    stream = io.StringIO()
    with LogProgress(stream) as progress:
        tell(progress)
        progress.cell_finished(CELL, 2.0)
    lines = stream.getvalue().splitlines()
    assert lines[0] == "study toy: 3 cells, 1 of them already stored"
    assert lines[1] == "[2/3] means: rate = 0.5"
    assert lines[2].startswith("[2/3] means: rate = 0.5: done in 2.0 s, 1,204 escapes, 3.1 % censored")
    assert "\x1b" not in stream.getvalue()


def test_long_cells_speak_up_between(monkeypatch):
    clock = [0.0]
    monkeypatch.setattr("simdyn.study.progress.time.monotonic", lambda: clock[0])
    stream = io.StringIO()
    progress = LogProgress(stream)
    tell(progress)
    for second in range(1, 26):
        clock[0] = float(second)
        progress.cell_state(CELL, CellState(events=second))
    assert [line for line in stream.getvalue().splitlines() if "escapes" in line] == [
        "[2/3] means: rate = 0.5: 10 escapes",
        "[2/3] means: rate = 0.5: 20 escapes",
    ]


def test_no_bar_into_a_file():
    assert isinstance(progress_on_stderr(), LogProgress)  # pytest captures standard error


def test_only_what_is_known_is_said():
    assert str(CellState()) == ""
    assert str(CellState(events=0, relative_error=float("inf"))) == "0 escapes"  # there is no error yet


def test_fast_cells_share_a_line():
    stream = io.StringIO()
    progress = LogProgress(stream)
    progress.study_started("toy", {"means": 1000}, 1000)
    for index in range(1000):
        place = CellPlace(index, 1000, "means", {"rate": index})
        progress.cell_started(place)
        progress.cell_finished(place, 0.001)
    lines = stream.getvalue().splitlines()
    assert lines[-1].startswith("[1000/1000] means: rate = 999: done")
    assert len(lines) < 50


def test_time_left_counts_each_grid_by_its_own_cells(monkeypatch):
    clock = [0.0]
    monkeypatch.setattr("simdyn.study.progress.time.monotonic", lambda: clock[0])
    left = TimeLeft({"fast": 11, "slow": 3})
    assert left.seconds() is None
    clock[0] = 1.0
    left.finished(CellPlace(0, 14, "fast", {}), 1.0)
    assert left.seconds() == pytest.approx(13.0)  # nothing is known of the slow ones yet
    clock[0] = 101.0
    left.finished(CellPlace(11, 14, "slow", {}), 100.0)
    assert left.seconds() == pytest.approx(210.0)
    # Two more at once: 300 s of computing in 201 s of time.
    clock[0] = 201.0
    left.finished(CellPlace(12, 14, "slow", {}), 100.0)
    left.finished(CellPlace(13, 14, "slow", {}), 100.0)
    assert left.seconds() == pytest.approx(10 * 201 / 301)
    assert left.cells == 10


def test_far_cells_tell_no_more_often_than_asked(monkeypatch):
    clock = [0.0]
    monkeypatch.setattr("simdyn.study.progress.time.monotonic", lambda: clock[0])
    told = []
    progress = CellProgress(told.append, seconds=0.5)
    for tick in range(11):
        clock[0] = 0.1 * tick
        progress.update(events=tick)
    assert [state.events for state in told] == [0, 5, 10]
    CellProgress().update(events=1)  # told to nobody


@pytest.mark.parametrize(
    ("seconds", "text"), [(8.4, "8 s"), (59.6, "1 min 00 s"), (200, "3 min 20 s"), (7500, "2 h 05 min")]
)
def test_durations_for_people(seconds, text):
    assert duration(seconds) == text
