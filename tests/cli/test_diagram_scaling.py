"""`simdyn diagram scaling`."""

from __future__ import annotations

import json

import pytest

from simdyn.cli import run

PROBLEM = ["diagram", "scaling", "x**2", "--paths", "128", "--steps", "1000", "--factors", "2,8"]
RULE = ["--sgd", "learning_rate=0.05,batch_size=4,noise=constant,covariance=1"]


@pytest.fixture
def shell(capsys):
    def call(*arguments):
        code = run(list(arguments))
        return code, *capsys.readouterr()

    return call


def test_table_picture_and_json(shell, tmp_path):
    picture = tmp_path / "scaling.svg"
    code, out, _ = shell(*PROBLEM, *RULE, "--plot", str(picture))
    assert code == 0
    assert "off by 5% from lambda = 1.905 on" in out
    assert picture.stat().st_size > 1000
    code, out, _ = shell(*PROBLEM, *RULE, "--tolerance", "0.2", "--json")
    assert code == 0
    found = json.loads(out)
    assert found["factor"] == [1, 2, 8]
    assert found["breakdown"] == pytest.approx((2 - 1.9 / 1.2) / 0.1)
    assert found["loss_ratio"][0][0] is None


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([*PROBLEM], "exactly one of --sgd"),
        ([*PROBLEM[:-1], "a", *RULE], "numbers separated by commas"),
        ([*PROBLEM[:-1], "1.5", *RULE], "whole numbers"),
        ([*PROBLEM, "--sgd", "learning_rate=0.1/(1+step),batch_size=1,noise=none"], "are numbers"),
    ],
)
def test_refusals(shell, arguments, message):
    code, _, err = shell(*arguments)
    assert code == 2
    assert message in err
    assert "Traceback" not in err
