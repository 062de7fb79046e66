"""What people see while a study runs."""

from __future__ import annotations

import io

from rich.console import Console

from simdyn.study.progress import BarProgress, LogProgress, progress_on_stderr, state_label


def tell(progress):
    progress.study_started("toy", 1, 3)
    progress.cell_started("means", 1, 3, {"rate": 0.5})
    progress.update(events=1204, censored_share=0.031, relative_error=0.0288, steps=120_000)


def test_bar_shows_cells_and_the_running_cell():
    stream = io.StringIO()
    with BarProgress(Console(file=stream, force_terminal=True, width=100)) as progress:
        tell(progress)
        progress._live.refresh()
        seen = stream.getvalue()
        progress.cell_finished()
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
        progress.cell_finished()
    lines = stream.getvalue().splitlines()
    assert lines[0] == "study toy: 3 cells, 1 of them already stored"
    assert lines[1] == "[2/3] means: rate = 0.5"
    assert lines[2].startswith("[2/3] means: rate = 0.5: done in 0.0 s, 1,204 escapes, 3.1 % censored")
    assert "\x1b" not in stream.getvalue()


def test_long_cells_speak_up_between(monkeypatch):
    clock = [0.0]
    monkeypatch.setattr("simdyn.study.progress.time.monotonic", lambda: clock[0])
    stream = io.StringIO()
    progress = LogProgress(stream)
    tell(progress)
    for second in range(1, 26):
        clock[0] = float(second)
        progress.update(events=second)
    assert [line for line in stream.getvalue().splitlines() if "escapes" in line] == [
        "[2/3] means: rate = 0.5: 10 escapes",
        "[2/3] means: rate = 0.5: 20 escapes",
    ]


def test_no_bar_into_a_file():
    assert isinstance(progress_on_stderr(), LogProgress)  # pytest captures standard error


def test_only_what_is_known_is_said():
    assert state_label(None, None, None, None) == ""
    assert state_label(0, None, float("inf"), None) == "0 escapes"  # there is no error yet
