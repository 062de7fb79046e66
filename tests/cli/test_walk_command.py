"""`simdyn walk`."""

from __future__ import annotations

import json

import pytest

from simdyn.cli import run

VALLEY = ["x**2/10000 + 10*y**2", "--sgd", "learning_rate=0.05,batch_size=1,noise=constant,covariance=4"]


@pytest.fixture
def shell(capsys):
    def call(*arguments):
        code = run(["walk", *arguments])
        return code, *capsys.readouterr()

    return call


def test_words_and_picture(shell, tmp_path):
    picture = tmp_path / "walk.svg"
    code, out, _ = shell(
        *VALLEY, "--start", "x=0,y=0", "--steps", "100", "--paths", "500", "--along", "x",
        "--height", "10*y**2", "--plot", str(picture),
    )  # fmt: skip
    assert code == 0
    assert "100 steps of 500 paths" in out
    assert "travelled" in out
    assert "travelled along x" in picture.read_text()


def test_json(shell):
    code, out, _ = shell(*VALLEY, "--start", "x=0,y=0", "--steps", "100", "--paths", "500", "--json")
    assert code == 0
    found = json.loads(out)
    # Of a parabola every step is convex, and learning rate times curvature is one: half of the steps bounce.
    assert found["estimate"]["convex"]["value"] == 1.0
    assert found["estimate"]["bounces"]["low"] < 0.5 < found["estimate"]["bounces"]["high"]
    assert found["problem"]["steps"] == 100


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--points", "2"], "points is 2"),
        (["--steps", "0"], "steps is 0"),
        (["--steps", "9" * 20], "steps is " + "9" * 20),
        (["--along", "z"], "z"),
        (["--plot", "walk.doc"], "walk.doc"),
    ],
)
def test_wrong_input_is_answered_in_one_sentence(shell, arguments, message):
    code, _, err = shell(*VALLEY, "--start", "x=0,y=0", "--steps", "10", "--paths", "20", *arguments)
    assert code == 2
    assert message in err
    assert len(err.strip().splitlines()) == 1


def test_a_drift_field_has_no_loss(shell):
    arguments = ["--sde", "diffusion=0.05,step=0.01", "--start", "x=-1,y=0", "--steps", "10", "--paths", "20"]
    code, out, err = shell("maier_stein", *arguments)
    assert (code, out) == (2, "")
    assert "'maier_stein' does not have" in err
