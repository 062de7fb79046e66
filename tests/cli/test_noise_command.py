"""`simdyn noise`."""

from __future__ import annotations

import json

import pytest

from simdyn.cli import run


@pytest.fixture
def shell(capsys):
    def call(*arguments):
        code = run(["noise", *arguments])
        return code, *capsys.readouterr()

    return call


@pytest.fixture
def samples(tmp_path):
    file = tmp_path / "samples.csv"
    file.write_text("a\n" + "\n".join(str(k * k) for k in range(30)) + "\n")
    return str(file)


LOSS = "(w - a)**2/2"


def test_table_and_picture(shell, samples, tmp_path):
    picture = tmp_path / "noise.svg"
    code, out, _ = shell(
        LOSS, "--data", samples, "--at", "w=0", "--draws", "2000", "--plot", str(picture), "--seed", "3"
    )  # fmt: skip
    assert code == 0
    assert "not Gaussian" in out
    assert "2,000 batches of each size" in out
    assert picture.stat().st_size > 1000


def test_json(shell, samples):
    code, out, _ = shell(
        LOSS, "--data", samples, "--at", "w=0", "--draws", "400", "--batch-sizes", "1,29", "--json"
    )  # fmt: skip
    assert code == 0
    found = json.loads(out)
    assert found["batch_sizes"] == [1, 29]
    # Leaving one out is drawing one, with the sign turned.
    assert found["skewness_exact"][0][0] == pytest.approx(-found["skewness_exact"][1][0])


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["double_well"], "no samples"),
        ([LOSS, "--batch-sizes", "1,b"], "numbers separated by commas"),
        ([LOSS, "--batch-sizes", "31"], "has only 30 samples"),
        ([LOSS, "--draws", "3"], "draws is 3"),
    ],
)
def test_refusals(shell, samples, arguments, message):
    where = [] if arguments[0] == "double_well" else ["--data", samples, "--at", "w=0"]
    code, _, err = shell(*arguments, *where)
    assert code == 2
    assert message in err
    assert "Traceback" not in err
