"""`simdyn bench`, on its smallest problem."""

from __future__ import annotations

import json

import pytest

import simdyn.installation.speed as speed
from simdyn.cli import run
from simdyn.errors import InputError
from simdyn.installation import bench
from simdyn.installation.problems import PROBLEMS


@pytest.fixture
def small(monkeypatch):
    """Only the 1-D double well, without and with an exit; the others take seconds to compile."""
    monkeypatch.setattr(speed, "PROBLEMS", PROBLEMS[:2])


@pytest.mark.usefixtures("small")
def test_json(capsys):
    assert run(["bench", "--seconds", "1", "--threads", "2", "--json"]) == 0
    captured = capsys.readouterr()
    assert captured.err == ""
    answer = json.loads(captured.out)
    measured = {(s["problem"], s["dtype"], s["threads"]): s for s in answer["speeds"]}
    assert len(measured) == 8
    for s in measured.values():
        assert len(s["rounds"]) == speed.ROUNDS
        assert 0.01 < s["low"] <= s["nanoseconds"] <= s["high"] < 1e5
        assert s["path_steps_per_second"] == pytest.approx(1e9 / s["nanoseconds"])
    assert answer["vectorised"] is (answer["ratio_to_numpy_normal"] < 0.5)
    assert answer["complete"] is True


@pytest.mark.usefixtures("small")
def test_the_table(capsys):
    assert run(["bench", "--seconds", "1", "--threads", "1"]) == 0
    out = capsys.readouterr().out
    assert "ns per path-step" in out
    assert "1-D double well, exit x >= 0  float32" in out
    assert "of the time of one NumPy normal" in out


@pytest.mark.usefixtures("small")
def test_an_interrupt_keeps_whole_rounds(monkeypatch, capsys):
    original, calls = speed._numpy_normal, []

    def normal(seconds):
        calls.append(seconds)
        if len(calls) == 3:
            raise KeyboardInterrupt
        return original(seconds)

    monkeypatch.setattr(speed, "_numpy_normal", normal)
    assert run(["bench", "--seconds", "1", "--threads", "1"]) == 130
    captured = capsys.readouterr()
    assert "Interrupted: 2 of 5 rounds" in captured.out
    assert "interrupted" in captured.err


@pytest.mark.parametrize("seconds", [0, 0.5, float("nan"), float("inf"), "long", True])
def test_times_that_are_none(seconds):
    with pytest.raises(InputError, match="seconds is"):
        bench(seconds)


def test_refusals_of_the_shell(capsys):
    assert run(["bench", "--seconds", "0"]) == 2
    assert "seconds is 0.0" in capsys.readouterr().err
    assert run(["bench", "--threads", "0"]) == 2
    assert "threads is 0" in capsys.readouterr().err


def test_the_standard_problems_run():
    """Every problem but the first two (see above) takes its steps and says how many."""
    for problem in PROBLEMS[2:]:
        assert problem.runner("float64", 1)(3, 0) == 3 * problem.steps
    assert 10 <= PROBLEMS[1].runner("float64", 1)(10, 0) <= 10 * PROBLEMS[1].steps
