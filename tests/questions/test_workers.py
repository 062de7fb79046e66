"""Tasks in processes of their own."""

from __future__ import annotations

import math
import os
import subprocess
import sys
from functools import partial
from pathlib import Path

import pytest

from simdyn.questions.workers import answers

ROOT = Path(__file__).parent.parent.parent


def test_every_task_is_answered_once():
    found = dict(answers(math.factorial, list(range(40)), 3))
    assert found == {k: math.factorial(k) for k in range(40)}


def test_more_processes_than_tasks_and_no_tasks():
    assert list(answers(abs, [-2], 8)) == [(0, 2)]
    assert list(answers(abs, [], 2)) == []


def test_an_error_arrives_where_one_asked():
    with pytest.raises(ZeroDivisionError):
        list(answers(partial(divmod, 1), [1, 0, 2], 2))


def test_a_process_that_dies_is_noticed():
    with pytest.raises(RuntimeError, match="killed"):
        list(answers(os._exit, [3], 1))


def test_what_a_task_prints_does_not_get_between_the_answers():
    assert list(answers(print, ["hello"], 1)) == [(0, None)]


def test_linear_algebra_has_one_thread():
    assert list(answers(os.getenv, ["OPENBLAS_NUM_THREADS"], 1)) == [(0, "1")]


def test_whoever_stops_asking_ends_the_processes():
    asked = answers(os.getpgid, [0, 0, 0, 0], 2)
    next(asked)
    asked.close()


def test_a_script_needs_no_guard(tmp_path):
    """Processes that run the caller's script again would never end."""
    script = tmp_path / "plain.py"
    script.write_text(
        "from simdyn.questions.workers import answers\nprint(sorted(answers(abs, [-1, -2], 2)))\n"
    )
    done = subprocess.run(
        [sys.executable, str(script)],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=600,
        check=True,
    )
    assert done.stdout == "[(0, 1), (1, 2)]\n"
