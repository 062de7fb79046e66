"""`simdyn potentials`, in process and through a real shell process."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from potentials import describe, names
from simdyn.cli import run

ROOT = Path(__file__).parent.parent.parent


def refuse(text):
    raise AssertionError(f"{text} is no JSON")


@pytest.fixture
def command(capsys):
    """Runs the command in this process: exit code, standard output, standard error."""

    def call(*arguments):
        code = run(["potentials", *arguments])
        captured = capsys.readouterr()
        return code, captured.out, captured.err

    return call


def test_the_list_has_every_landscape_with_its_reason(command):
    code, out, err = command("list")
    assert (code, err) == (0, "")
    for name in names():
        assert f"\n{name}  (" in f"\n{out}"
        assert describe(name) in out
    assert "maier_stein  (2-dimensional drift field; alpha=1.0, mu=1.0)" in out
    assert "styblinski_tang  (any dimension; dim=1, k=1.0)" in out
    assert "muller_brown  (2-dimensional)" in out


def test_the_list_for_programs(command):
    code, out, err = command("list", "--json")
    assert (code, err, out.count("\n")) == (0, "", 1)
    entries = {entry["name"]: entry for entry in json.loads(out, parse_constant=refuse)["potentials"]}
    assert tuple(entries) == names()
    assert entries["double_well"] == {
        "name": "double_well",
        "kind": "potential",
        "dim": 1,
        "options": {"dim": 1, "k": 1.0},
        "description": describe("double_well"),
    }
    assert entries["maier_stein"]["kind"] == "drift field"


def test_a_named_landscape_is_shown(command):
    code, out, err = command("show", "tilted_well", "--set", "tilt=0.2", "--set", "k=2")
    assert (code, err) == (0, "")
    assert describe("tilted_well") in out
    assert "k = 2, tilt = 0.2" in out
    assert "2 minima (complete: a separable polynomial)" in out
    assert "over a saddle" in out
    assert "prefactor*exp(barrier/D)" in out


def test_a_formula_is_shown_with_the_same_numbers(command):
    code, out, err = command("show", "k*(x**4/4 - x**2/2)", "--set", "k=4", "--json")
    assert (code, err, out.count("\n")) == (0, "", 1)
    record = json.loads(out, parse_constant=refuse)
    assert record["parameters"] == {"k": 4.0}
    left, right = record["minima"]
    assert (left["x"], right["x"], left["energy"]) == ([-1.0], [1.0], -1.0)
    (saddle,) = left["saddles"]
    assert (saddle["x"], saddle["barrier"], saddle["unstable_eigenvalue"]) == ([0.0], 1.0, -4.0)
    assert saddle["prefactor"] == pytest.approx(2 * 3.141592653589793 / (8 * 4) ** 0.5)


def test_dimension_and_number_of_minima(command):
    code, out, _ = command("show", "double_well", "--dim", "3", "--most", "2", "--json")
    record = json.loads(out)
    assert (code, record["dim"], record["minima_found"], len(record["minima"])) == (0, 3, 8, 2)
    assert [len(minimum["saddles"]) for minimum in record["minima"]] == [3, 3]


def test_whole_numbers_may_be_set(command):
    code, out, _ = command("show", "bulk_and_outliers", "--dim", "4", "--set", "outliers=1", "--json")
    assert code == 0
    assert max(json.loads(out)["minima"][0]["eigenvalues"]) == pytest.approx(10.0)


@pytest.mark.parametrize("name", names())
def test_every_landscape_gives_valid_json(command, name):
    code, out, err = command("show", name, "--most", "1", "--json")
    assert (code, err, out.count("\n")) == (0, "", 1)
    assert json.loads(out, parse_constant=refuse)["name"] == name


def test_the_picture(command, tmp_path):
    target = tmp_path / "valley.png"
    code, out, err = command("show", "curved_valley", "--plot", str(target))
    assert (code, err) == (0, "")
    assert out.endswith(f"figure: {target}\n")
    assert target.read_bytes().startswith(b"\x89PNG")
    code, out, err = command("show", "curved_valley", "--plot", str(target), "--json")
    assert json.loads(out)["name"] == "curved_valley"
    assert err == f"figure: {target}\n"


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (["show", "styblinsky_tang"], "did you mean styblinski_tang"),
        (["show", "double_well", "--set", "kk=2"], "did you mean k?"),
        (["show", "double_well", "--set", "k=two"], "--set k=two is not a number"),
        (["show", "double_well", "--dim", "0"], "whole number from 1 to 10000"),
        (["show", "muller_brown", "--dim", "2"], "its options are none"),
        (["show", "x**2", "--dim", "3"], "--dim 3 belongs to a named landscape"),
        (["show", "x**2 +"], "formula"),
        (["show", "3"], "no variable"),
        (["show", "x**2", "--most", "0"], "at least 1"),
        (["show", "x**2", "--plot", "well.gif"], "must end in one of"),
        (["show", "x**2", "--plot", "/no/such/folder/well.png"], "does not exist"),
        (["show"], "Missing argument"),
        (["path", "x**2"], "no two minima"),
        (["path", "maier_stein"], "has no energy"),
        (["path", "double_well", "--to", "z=1"], "The end 'z=1' names 'z'"),
        (["path", "double_well", "--from", "x=-1", "--to", "x=0.3"], "The end [0.3] is no minimum"),
        (["path", "double_well", "--from", "-1", "--to", "-1"], "same point"),
        (["path", "double_well", "--images", "3"], "at least 16"),
        (["path", "double_well", "--through", "1,2"], "The point has 2 coordinates"),
        (["path", "double_well", "--plot", "path.gif"], "must end in one of"),
        (["show", "x**2", "--mosst", "3"], "No such option"),
    ],
)
def test_wrong_input_is_one_sentence(command, arguments, reason):
    code, out, err = command(*arguments)
    assert (code, out) == (2, "")
    assert err.count("\n") == 1
    assert err.startswith("simdyn: ")
    assert reason in err
    assert "Traceback" not in err


def test_a_path_between_the_two_deepest_minima(command, tmp_path):
    target = tmp_path / "path.png"
    code, out, err = command("path", "muller_brown", "--plot", str(target))
    assert (code, err) == (0, "")
    assert "barrier 106.034673701" in out
    assert "67.5018806082 from the end" in out
    assert [line.split()[0] for line in out.splitlines()[1:6]] == ["minimum", "saddle"] * 2 + ["minimum"]
    assert target.read_bytes().startswith(b"\x89PNG")


def test_a_path_for_programs(command, tmp_path):
    target = tmp_path / "path.svg"
    ends = ["--from", "x=-0.5", "--to", "0.5"]
    code, out, err = command("path", "double_well", "--set", "k=4", *ends, "--plot", str(target), "--json")
    assert (code, err, out.count("\n")) == (0, f"figure: {target}\n", 1)
    record = json.loads(out, parse_constant=refuse)
    assert record["barrier"]["value"] == pytest.approx(0.25, rel=1e-12)
    assert record["barrier"]["value"] == record["back"]["value"]
    assert [stop["index"] for stop in record["stops"]] == [0, 1, 0]
    assert len(record["path"]) == len(record["energies"])


def test_a_path_through_a_point(command):
    ends = ["--from", "2,0", "--to=-1,1.7320508", "--through=-1,-1.7"]
    code, out, _ = command("path", "three_wells_ring", *ends, "--json")
    assert code == 0
    assert [stop["kind"] for stop in json.loads(out)["stops"]] == ["minimum", "saddle"] * 2 + ["minimum"]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ([], 'start "deepest" needs an energy'),
        (["--start", "x=-1,y=0"], "exit 'valley' needs an energy"),
        (["--start", "x=-1,y=0", "--exit", "commit"], "exit 'commit' needs an energy"),
    ],
)
def test_a_drift_field_has_no_valley_to_escape_from(capsys, options, message):
    assert run(["escape", "maier_stein", "--sgld", "learning_rate=0.01,temperature=0.1", *options]) == 2
    assert message in capsys.readouterr().err


@pytest.mark.parametrize("landscape", ["maier_stein", "[x - x**3 - x*y**2, -(1 + x**2)*y]"])
def test_paths_leave_the_basin_of_a_drift_field(capsys, landscape):
    options = ["--sde", "diffusion=0.1,step=0.02", "--start", "x=-1,y=0", "--exit", "x >= 0"]
    assert run(["escape", landscape, *options, "--paths", "200", "--json"]) == 0
    answer = json.loads(capsys.readouterr().out)
    assert answer["estimate"]["events"] == 200
    # 200 paths, five standard errors.
    assert abs(answer["estimate"]["value"] / answer["reference"]["value"] - 1) < 5 / 200**0.5
    # At alpha = mu the drift is a gradient, whose quasi-potential is found as a polynomial.
    assert [p["name"] for p in answer["predictions"]] == ["Bouchet-Reygner"]


def test_a_real_shell():
    done = subprocess.run(
        [sys.executable, "-m", "simdyn.cli", "potentials", "show", "three_wells"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=600,
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert "3 minima" in done.stdout
    refused = subprocess.run(
        [sys.executable, "-m", "simdyn.cli", "potentials", "show", "nothing_like_it"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=600,
    )
    assert (refused.returncode, refused.stdout, refused.stderr.count("\n")) == (2, "", 1)
