"""`--data FILE`: the formula is the loss of one sample, in process and through a real shell process."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from potentials import FiniteSum
from simdyn import SGD
from simdyn.cli import run
from simdyn.questions import escape_time, simulate

ROOT = Path(__file__).parent.parent.parent
LOSS = "(w*x - y)**2/2"
SHUFFLED = ["--sgd", "learning_rate=0.1,batch_size=10,sampling=epoch_shuffle"]
ESCAPE = ["escape", LOSS, *SHUFFLED, "--start", "w=0", "--exit", "w >= 1", "--seed", "3"]
QUICK = ["--paths", "300", "--max-steps", "5000"]


@pytest.fixture(scope="module")
def columns():
    rng = np.random.default_rng(5)
    x = rng.normal(size=120)
    return {"x": x, "y": x + 2 * rng.normal(size=120)}


@pytest.fixture(scope="module")
def csv(columns, tmp_path_factory):
    """A file of the columns x and y, with a column of text between them that no loss uses."""
    path = tmp_path_factory.mktemp("data") / "data.csv"
    rows = [f"{x!r},sample {k},{y!r}" for k, (x, y) in enumerate(zip(*_lists(columns), strict=True))]
    path.write_text("\n".join(["x,its name,y", *rows]))
    return str(path)


def _lists(columns):
    return [column.tolist() for column in columns.values()]


@pytest.fixture
def call(capsys):
    """Runs a command in this process: exit code, standard output, standard error."""

    def command(*arguments):
        code = run([*arguments])
        captured = capsys.readouterr()
        return code, captured.out, captured.err

    return command


def test_escape_gives_the_value_of_python(call, csv, columns):
    code, out, err = call(*ESCAPE, *QUICK, "--data", csv, "--json")
    assert code == 0, err
    answer = json.loads(out)
    landscape = FiniteSum(LOSS, columns, variables="w")
    sgd = SGD(0.1, 10, sampling="epoch_shuffle")
    same = escape_time(landscape, sgd, "w=0", "w >= 1", paths=300, max_steps=5000, seed=3)
    assert answer["estimate"]["value"] == same.value
    assert answer["estimate"]["events"] == same.events > 100
    assert answer["problem"]["potential"]["data"]["sha256"] == landscape.checksum


def test_npz_with_a_parameter(call, columns, tmp_path):
    path = str(tmp_path / "data.npz")
    np.savez(path, **columns, matrix=np.eye(3))
    arguments = ["simulate", f"{LOSS} + k*w**2/2", "--set", "k=0.5", "--data", path, *SHUFFLED]
    code, out, err = call(*arguments, "--start", "w=0", "--steps", "60", "--paths", "200", "--json")
    assert code == 0, err
    landscape = FiniteSum(f"{LOSS} + k*w**2/2", columns, variables="w", parameters={"k": 0.5})
    sgd = SGD(0.1, 10, sampling="epoch_shuffle")
    same = simulate(landscape, sgd, "w=0", paths=200, steps=60, seed=0)["final"].values
    assert json.loads(out)["final"]["w"]["mean"]["value"] == pytest.approx(same.mean(), rel=1e-12)


def test_potentials_show_finds_the_minimum(call, csv, columns):
    code, out, err = call("potentials", "show", LOSS, "--data", csv, "--json")
    assert code == 0, err
    answer = json.loads(out)
    best = columns["x"] @ columns["y"] / (columns["x"] @ columns["x"])
    (minimum,) = answer["minima"]
    assert minimum["x"] == pytest.approx([best], rel=1e-9)
    assert minimum["eigenvalues"] == pytest.approx([np.mean(columns["x"] ** 2)], rel=1e-9)
    table = call("potentials", "show", LOSS, "--data", csv)[1]
    assert "mean over 120 samples of (w*x - y)**2/2" in table


def test_a_picture_of_a_mean_loss(call, csv, tmp_path):
    picture = tmp_path / "loss.svg"
    two = "(w*x + b - y)**2/2"
    code, _, err = call("potentials", "show", two, "--data", csv, "--plot", str(picture))
    assert (code, err) == (0, "")
    assert picture.stat().st_size > 1000


def test_variables_are_in_natural_order(columns):
    loss = FiniteSum("(w10*x + w2*x**2 + c - y)**2", columns, parameters={"c": 1.0})
    assert [v.name for v in loss.variables] == ["w2", "w10"]


@pytest.mark.parametrize(
    ("change", "reasons"),
    [
        (["--data", "/no/such/file.csv"], ["'/no/such/file.csv' does not exist"]),
        (["--data", "/"], ["'/' is a folder"]),
        (["--sgd", "learning_rate=0.1,batch_size=200"], ["has only 120 samples"]),
        (["--exit", "v >= 1"], ["v", "names are w"]),
        (["--dim", "2"], ["--dim 2"]),
        (["--set", "k=2"], ["'k'"]),
        (["--start", "w=0,v=1"], ["'v'", "variables are w"]),
    ],
)
def test_wrong_options_are_one_sentence(call, csv, change, reasons):
    option, _ = change
    arguments = [*ESCAPE, *QUICK, "--data", csv]
    if option in arguments:
        arguments[arguments.index(option) + 1] = change[1]
    else:
        arguments += change
    _refused(call(*arguments), reasons)


@pytest.mark.parametrize(
    ("loss", "reasons"),
    [
        ("(w*x - z)**2", ["z, which is no column", "it has x, its name, y"]),
        ("(w*x - y*q)**2", ["q, which is no column"]),
        ("(x - y)**2", ["Every name", "neither"]),
        ("w**2", ["uses no column"]),
        ("double_well", ["named landscape"]),
        ("(w*x - y", ["formula"]),
    ],
)
def test_wrong_losses_are_one_sentence(call, csv, loss, reasons):
    arguments = [*ESCAPE, *QUICK, "--data", csv]
    arguments[1] = loss
    _refused(call(*arguments), reasons)


@pytest.mark.parametrize(
    ("text", "reasons"),
    [
        ("x,y\n1,2\n3,red\n", ["'red' in row 3, column 'y'", "not a number"]),
        ("x,y\n1,2\n3,nan\n", ["'nan' in row 3, column 'y'", "not finite"]),
        ("x,y\n1,2\n3,\n", ["'' in row 3, column 'y'"]),
        ("x,y\n1,2\n3\n", ["Row 3"]),
        ("x,y\n", ["no samples"]),
        ("", ["is empty"]),
        ("x,y,y\n1,2,3\n", ["two columns called 'y'"]),
    ],
)
def test_bad_files_are_one_sentence(call, tmp_path, text, reasons):
    path = tmp_path / "data.csv"
    path.write_text(text)
    _refused(call(*ESCAPE, *QUICK, "--data", str(path)), reasons)


def _refused(answer, reasons):
    code, out, err = answer
    assert (code, out) == (2, "")
    assert err.count("\n") == 1
    assert err.startswith("simdyn: ")
    assert "Traceback" not in err
    for reason in reasons:
        assert reason in err


def test_a_real_shell(csv):
    done = subprocess.run(
        [sys.executable, "-m", "simdyn.cli", *ESCAPE, *QUICK, "--data", csv],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=600,
    )
    assert done.returncode == 0, done.stderr
    assert "Mean escape time from (w*x - y)**2/2, w >= 1 (first hit), in steps" in done.stdout
