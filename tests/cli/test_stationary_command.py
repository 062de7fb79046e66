"""`simdyn stationary` in process."""

from __future__ import annotations

import json

import pytest

from potentials import Potential
from simdyn import SGLD
from simdyn.cli import run
from simdyn.questions import stationary

PROBLEM = ["x**2/2", "--sgld", "learning_rate=0.1,temperature=0.2", "--seed", "1"]
QUICK = [*PROBLEM, "--paths", "256", "--steps", "2048"]


@pytest.fixture
def call(capsys):
    """Runs the command in this process: exit code, standard output, standard error."""

    def ask(*arguments):
        code = run(["stationary", *arguments])
        captured = capsys.readouterr()
        return code, captured.out, captured.err

    return ask


def test_the_table(call):
    code, out, err = call(*QUICK)
    assert (code, err) == (0, "")
    assert "Stationary law on x**2/2; 95 % intervals" in out
    for word in ("measured", "balance", "exact", "predicted", "effective samples", "path-steps"):
        assert word in out


def test_the_object_shows_the_numbers_of_python(call):
    code, out, _ = call(*QUICK, "--json", "--of", "x**2", "--no-exact")
    found = json.loads(out)
    answer = stationary(
        Potential("x**2/2"), SGLD(0.1, 0.2), paths=256, steps=2048, seed=1, of="x**2", exact=False
    )
    assert code == 0
    assert found["estimate"]["averages"]["x**2"]["value"] == pytest.approx(answer.averages["x**2"].value)
    assert found["reference_note"] == "It was not asked for."


def test_a_picture(call, tmp_path):
    code, out, _ = call(*QUICK, "--plot", str(tmp_path / "law.svg"), "--bins", "-2,2,40")
    assert code == 0
    assert "figure:" in out
    assert (tmp_path / "law.svg").exists()


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ([*PROBLEM, "--paths", "3"], "paths is 3"),
        ([*PROBLEM, "--paths", "9" * 20], "paths is " + "9" * 20),
        ([*PROBLEM, "--paths", "1" + "0" * 12], "The states of 1,000,000,000,000 paths"),
        ([*PROBLEM, "--steps", "9" * 20], "steps is " + "9" * 20),
        ([*PROBLEM, "--start", "q=1"], "names 'q'"),
        (["x**2/2"], "--sgd"),
    ],
)
def test_wrong_input_is_refused_in_one_sentence(call, arguments, words):
    code, out, err = call(*arguments)
    assert (code, out) == (2, "")
    assert words in err
    assert len(err.strip().splitlines()) == 1
