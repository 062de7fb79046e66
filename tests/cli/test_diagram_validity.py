"""`simdyn diagram validity`."""

from __future__ import annotations

import json

import pandas
import pytest
import xarray

from simdyn.cli import run
from simdyn.cli.ranges import parse_ranges

WELL = "x**4/4 - x**2/2"
PROBLEM = [WELL, "--sde", "diffusion=0.1,step=0.01", "--start", "x=-1", "--exit", "x >= 1"]
AXES = ["--over", "diffusion=0.05:0.2:3", "--over", "k=[1, 2]"]
SCALED = ["k*(" + WELL + ")", *PROBLEM[1:], "--set", "k=1", *AXES]
ASKED = [*SCALED, "--prediction", "kramers"]


@pytest.fixture
def call(capsys):
    """Runs the command in this process: exit code, standard output, standard error."""

    def diagram(*arguments):
        code = run(["diagram", "validity", *arguments])
        captured = capsys.readouterr()
        return code, captured.out, captured.err

    return diagram


def test_text_files_and_figure(call, tmp_path):
    data, picture = tmp_path / "map.nc", tmp_path / "map.png"
    code, out, err = call(*ASKED, "--out", str(data), "--plot", str(picture), "--workers", "1")
    assert (code, err) == (0, "")
    assert "across  diffusion from 0.05 to 0.2, 3 values" in out
    assert "Kramers (kramers)" in out
    assert f"data: {data}" in out
    assert f"figure: {picture}" in out
    assert picture.read_bytes().startswith(b"\x89PNG")
    with xarray.open_dataset(data, engine="h5netcdf") as found:
        # The published time at D = 0.05, and Kramers' at it.
        cell = found.sel(diffusion=0.05, k=1.0, prediction="kramers")
        assert float(cell["exact"]) == pytest.approx(729.670691942, rel=1e-9)
        assert float(cell["predicted"]) == pytest.approx(659.382292375, rel=1e-9)


def test_json_and_table(call, tmp_path):
    table = tmp_path / "map.csv"
    code, out, err = call(*ASKED, "--json", "--out", str(table), "--tolerance", "0.2")
    # Beside an object for programs, where things lie is said to people.
    assert (code, err) == (0, f"data: {table}\n")
    answer = json.loads(out)
    assert answer["tolerance"] == 0.2
    assert answer["parameters"][1] == {"name": "k", "values": [1.0, 2.0]}
    assert len(answer["exact"]["exact"]) == 3
    assert answer["problem"]["dynamics"]["diffusion"] == 0.1
    frame = pandas.read_csv(table)
    assert frame["exact"].tolist() == pytest.approx(
        [value for row in answer["exact"]["exact"] for value in row], rel=1e-15
    )


def test_files_of_others_are_left_alone(call, tmp_path):
    for name in ("map.csv", "map.nc"):
        path = tmp_path / name
        path.write_text("precious\n")
        code, out, err = call(*ASKED, "--out", str(path))
        assert (code, out) == (2, "")
        assert "is not from simdyn diagram validity" in err
        assert path.read_text() == "precious\n"


def test_ranges():
    found = parse_ranges(["a=0.1:10:3", "b=-1:1:5:even,c=[1, 2.5]"], "--over")
    assert found["a"] == pytest.approx([0.1, 1.0, 10.0])
    assert found["b"] == [-1.0, -0.5, 0.0, 0.5, 1.0]
    assert found["c"] == [1.0, 2.5]
    assert len(parse_ranges(["a=1:2"], "--over")["a"]) == 24


REFUSALS = [
    ([*SCALED, "--prediction", "kremers"], "did you mean kramers?"),
    ([*SCALED], "--prediction"),
    ([*ASKED, "--over", "k=1:2"], "gives k twice"),
    ([*ASKED[:-4], "--prediction", "kramers"], "a map has two parameters"),
    ([*ASKED, "--over", "x=1:2"], "a map has two parameters"),
    ([*PROBLEM, "--prediction", "kramers", *AXES], "over names 'k'"),
    ([*PROBLEM, "--prediction", "kramers", *AXES[:2], "--over", "tilt=-1:1"], "add :even"),
    ([*PROBLEM, "--prediction", "kramers", *AXES[:2], "--over", "tilt=1"], "must be like tilt=0.01:1"),
    ([*PROBLEM, "--prediction", "kramers", *AXES[:2], "--over", "tilt=2:1"], "smaller end first"),
    ([*PROBLEM, "--prediction", "kramers", *AXES[:2], "--over", "tilt=1:2:1"], "from 2 to"),
    ([*ASKED, "--out", "map.txt"], "must end in .nc"),
    ([*ASKED, "--out", "no/such/map.nc"], "does not exist"),
    ([*ASKED, "--plot", "map.jpg"], "must end in one of"),
    ([*ASKED, "--tolerance", "2"], "tolerance is 2"),
    ([*ASKED, "--workers", "0"], "threads is 0"),
]


@pytest.mark.parametrize(("arguments", "message"), REFUSALS, ids=[message for _, message in REFUSALS])
def test_refusals(call, arguments, message):
    code, out, err = call(*arguments)
    assert (code, out) == (2, "")
    assert err.count("\n") == 1
    assert message in err
