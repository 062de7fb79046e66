"""`simdyn simulate`, in process and through a real shell process."""

from __future__ import annotations

import errno
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import h5py
import numpy as np
import pytest
import xarray

from potentials import Potential
from simdyn import SGLD
from simdyn.cli import run
from simdyn.questions import simulate

ROOT = Path(__file__).parent.parent.parent
WELL = "x**4/4 - x**2/2"
PROBLEM = [WELL, "--sgld", "learning_rate=0.1,temperature=0.1", "--start", "x=-1", "--seed", "1"]
QUICK = [*PROBLEM, "--paths", "400", "--steps", "40"]


@pytest.fixture
def call(capsys):
    """Runs the command in this process: exit code, standard output, standard error."""

    def simulate(*arguments):
        code = run(["simulate", *arguments])
        captured = capsys.readouterr()
        return code, captured.out, captured.err

    return simulate


def test_the_table(call):
    code, out, err = call(*QUICK, "--record", "moments")
    assert (code, err) == (0, "")
    assert "400 paths on x**4/4 - x**2/2 after 40 steps (time 4); 95 % intervals" in out
    assert "mean" in out
    assert "median" in out
    assert "0 of 400 paths (0.00%)" in out
    assert "over time" in out
    assert "path-steps/s on cpu" in out


def test_the_table_shows_the_numbers_of_python(call):
    data = simulate(Potential(WELL), SGLD(0.1, 0.1), "x=-1", paths=400, steps=40, seed=1)
    x = data["final"].values[:, 0]
    answer = json.loads(call(*QUICK, "--json")[1])
    found = answer["final"]["x"]
    assert found["mean"]["value"] == pytest.approx(x.mean())
    assert found["mean"]["high"] == pytest.approx(x.mean() + 1.96 * x.std(ddof=1) / 20, rel=1e-4)
    assert found["sd"]["value"] == pytest.approx(x.std(ddof=1))
    assert found["50%"]["value"] == pytest.approx(np.median(x))
    # The 180th and the 220th or so of 400 ordered values enclose the median with 95 %.
    ordered = np.sort(x)
    assert found["50%"]["low"] == ordered[179]
    assert found["50%"]["high"] == ordered[220]


def test_json_is_one_valid_object(call):
    code, out, err = call(*QUICK, "--record", "moments", "--json")
    assert (code, err) == (0, "")
    assert out.count("\n") == 1

    def refuse(text):
        raise AssertionError(f"{text} is no JSON")

    answer = json.loads(out, parse_constant=refuse)
    assert {"final", "paths", "diverged", "steps_done", "complete", "problem", "seed", "backend"} <= set(
        answer
    )
    assert answer["problem"]["dynamics"] == {
        "name": "SGLD",
        "learning_rate": 0.1,
        "temperature": 0.1,
        "batch_size": None,
        "sampling": "without_replacement",
        "momentum": 0.0,
    }
    assert answer["seed"] == {"entropy": 1, "spawn_key": []}
    assert answer["time_averages"]["x"]["variance"] > 0
    assert answer["complete"] is True


def test_unbounded_values_are_null(call):
    answer = json.loads(call(*PROBLEM, "--paths", "1", "--steps", "4", "--json")[1])
    assert answer["final"]["x"]["mean"]["low"] is None
    assert answer["final"]["x"]["sd"]["value"] is None
    code, out, _ = call(*PROBLEM, "--paths", "1", "--steps", "4")
    assert code == 0
    assert "nan" not in out
    assert "inf" not in out


def test_all_paths_diverged(call):
    hot = [
        WELL,
        "--sgld",
        "learning_rate=2,temperature=9",
        "--start",
        "x=-1",
        "--paths",
        "50",
        "--steps",
        "99",
    ]
    code, out, err = call(*hot, "--record", "moments")
    assert (code, err) == (0, "")
    assert "50 of 50 paths (100.00%)" in out
    assert "nan" not in out
    json.loads(call(*hot, "--json")[1])


def test_the_file_holds_everything(call, tmp_path):
    target = tmp_path / "well.nc"
    code, out, err = call(
        *QUICK, "--record", "snapshots", "--record", "histogram", "--record", "moments", "--every", "8",
        "--bins=-2,2,40", "--of", "x", "--of", "x**2", "--burn-in", "7",
        "--threads", "2", "--out", str(target),
    )  # fmt: skip
    assert (code, err) == (0, "")
    assert f"data: {target}" in out
    expected = simulate(
        Potential(WELL), SGLD(0.1, 0.1), "x=-1", paths=400, steps=40, seed=1, every=8, bins=(-2, 2, 40),
        of=["x", "x**2"], burn_in=7, record=["final", "snapshots", "histogram", "moments"],
    )  # fmt: skip
    with xarray.open_dataset(target, engine="h5netcdf") as data:
        assert set(data.variables) == set(expected.variables)
        for name in expected.data_vars:
            assert data[name].values.tobytes() == expected[name].values.tobytes(), name
    assert list(tmp_path.iterdir()) == [target]


def test_a_file_of_ours_is_replaced_and_another_is_not(call, tmp_path):
    target = tmp_path / "well.nc"
    assert call(*QUICK, "--out", str(target))[0] == 0
    assert call(*QUICK, "--seed", "2", "--out", str(target))[0] == 0
    for content in (b"precious", None):
        if content is None:
            target.unlink()
            with h5py.File(target, "w") as file:
                file["precious"] = 1
        else:
            target.write_bytes(content)
        before = target.read_bytes()
        code, out, err = call(*QUICK, "--out", str(target))
        assert (code, out) == (2, "")
        assert "exists and is not from simdyn simulate" in err
        assert target.read_bytes() == before


PICTURES = [
    [],
    ["--record", "snapshots"],
    ["--record", "moments"],
    ["--record", "histogram", "--of", "x**2"],
    ["--record", "snapshots", "--record", "moments", "--record", "histogram"],
]


@pytest.mark.parametrize("records", PICTURES, ids=lambda records: "+".join(records[1::2]) or "final")
def test_pictures(call, tmp_path, records):
    picture = tmp_path / "picture.png"
    code, out, err = call(*QUICK, *records, "--plot", str(picture))
    assert (code, err) == (0, "")
    assert f"figure: {picture}" in out
    content = picture.read_bytes()
    assert content.startswith(b"\x89PNG")
    assert len(content) > 10_000
    call(*QUICK, *records, "--plot", str(picture))
    assert picture.read_bytes() == content


@pytest.mark.parametrize("ending", ["pdf", "svg"])
def test_pictures_of_other_kinds_and_dimensions(call, tmp_path, ending):
    picture = tmp_path / f"picture.{ending}"
    flags = ["--sgld", "learning_rate=1e-4,temperature=10", "--paths", "200", "--steps", "50"]
    assert call("muller_brown", *flags, "--plot", str(picture))[0] == 0
    assert picture.stat().st_size > 10_000
    deep = ["double_well", "--dim", "6", "--sgld", "learning_rate=0.1,temperature=0.1", "--steps", "20"]
    assert call(*deep, "--paths", "100", "--record", "snapshots", "--plot", str(picture))[0] == 0
    assert picture.stat().st_size > 10_000


def test_pictures_where_paths_have_diverged(call, tmp_path):
    picture = tmp_path / "picture.png"
    for rate in ("2", "0.9"):
        hot = [WELL, "--sgld", f"learning_rate={rate},temperature=1", "--start", "x=-1", "--paths", "60"]
        for records in PICTURES:
            code, _, err = call(*hot, "--steps", "60", *records, "--plot", str(picture))
            assert (code, err) == (0, "")


def test_ways_to_ask(call, tmp_path):
    options = ["--dtype", "float32", "--normals", "wide", "--backend", "cpu", "--threads", "2"]
    assert call(*QUICK, *options)[0] == 0
    assert call("styblinski_tang", "--dim", "13", "--set", "k=2", *QUICK[1:3], "--steps", "8")[0] == 0
    assert call(WELL, "--sde", "diffusion=0.1*(1 + x**2),step=0.01", "--steps", "8")[0] == 0
    assert (
        call(WELL, "--sgd", "learning_rate=0.1,batch_size=2,noise=hessian,floor=0.1", "--steps", "8")[0] == 0
    )


REFUSALS = [
    ([*PROBLEM], "--steps"),
    ([*QUICK, "--paths", "0"], "paths is 0"),
    ([*QUICK, "--steps", "-5"], "steps is -5"),
    ([*QUICK, "--steps", "many"], "'many'"),
    ([*QUICK, "--steps", "9" * 20], "at most 1,000,000,000,000,000"),
    ([*QUICK, "--paths", "1" + "0" * 12], "The states of 1,000,000,000,000 paths would take 8e+03 GB"),
    ([*QUICK, "--record", "movie"], "record is 'movie'"),
    ([*QUICK, "--record", "moments", "--every", "41"], "every is 41"),
    ([*QUICK, "--every", "4"], "every is 4"),
    ([*QUICK, "--record", "histogram"], "needs --out FILE.nc or --plot FILE"),
    ([*QUICK, "--record", "snapshots"], "needs --out FILE.nc or --plot FILE"),
    ([*QUICK, "--record", "histogram", "--plot", "a.png", "--bins", "1,2"], "--bins is '1,2'"),
    ([*QUICK, "--record", "histogram", "--plot", "a.png", "--bins", "some"], "--bins is 'some'"),
    ([*QUICK, "--record", "histogram", "--plot", "a.png", "--of", "x + q"], "q"),
    ([*QUICK, "--out", "no/such/folder/a.nc"], "folder of the file 'no/such/folder/a.nc' does not exist"),
    ([*QUICK, "--out", "a.csv"], "must end in .nc"),
    ([*QUICK, "--plot", "a.jpg"], "must end in one of"),
    ([*QUICK, "--plot", "no/such/folder/a.png"], "does not exist"),
    ([*QUICK, "--start", "y=1"], "names 'y'"),
    ([*QUICK, "--sde", "diffusion=1,step=0.1"], "there was --sgld and --sde"),
    ([*QUICK, "--threads", "0"], "threads is 0"),
    (
        [*QUICK, "--paths", "100000000", "--record", "snapshots", "--every", "1", "--plot", "a.png"],
        "The snapshots of 100,000,000 paths",
    ),
    (["doubel_well", *QUICK[1:]], "did you mean double_well?"),
]


@pytest.mark.parametrize(("arguments", "message"), REFUSALS, ids=[message for _, message in REFUSALS])
def test_refusals(call, arguments, message):
    code, out, err = call(*arguments)
    assert code == 2
    assert out == ""
    assert err.count("\n") == 1
    assert err.startswith("simdyn: ")
    assert message in err


def test_a_file_that_cannot_be_written_takes_nothing_away(call, tmp_path, monkeypatch):
    """The table comes first, and a picture that was there stays."""

    def full(*arguments, **settings):
        raise OSError(errno.ENOSPC, "a long text of HDF5")

    monkeypatch.setattr(xarray.Dataset, "to_netcdf", full)
    code, out, err = call(*QUICK, "--out", str(tmp_path / "a.nc"))
    assert code == 2
    assert "95 % intervals" in out
    assert "a.nc: No space left on device; make room there or choose another place" in err
    assert err.count("\n") == 1
    assert list(tmp_path.iterdir()) == []
    picture = tmp_path / "a.png"
    picture.write_bytes(b"the picture of another run")
    monkeypatch.setattr(Path, "write_bytes", full)
    code, out, err = call(*QUICK, "--plot", str(picture))
    assert code == 2
    assert "95 % intervals" in out
    assert "cannot write" in err
    assert picture.read_bytes() == b"the picture of another run"


def test_a_folder_that_cannot_be_written_to_is_refused_before_the_run(call, tmp_path, monkeypatch):
    monkeypatch.setattr(os, "access", lambda folder, mode: folder != tmp_path)
    for option, name in (("--out", "a.nc"), ("--plot", "a.png")):
        code, out, err = call(*QUICK, option, str(tmp_path / name))
        assert (code, out) == (2, "")
        assert "cannot be written to" in err


def test_an_interrupt_writes_what_was_done(tmp_path):
    target = tmp_path / "well.nc"
    command = [
        sys.executable, "-m", "simdyn.cli", "simulate", *PROBLEM, "--paths", "1000", "--steps", "2000000000",
        "--record", "moments", "--every", "20000000", "--out", str(target),
    ]  # fmt: skip
    # The first run compiles; the second tells how long everything but the simulation takes here.
    short = [*command[:4], *PROBLEM, "--steps", "200", "--record", "moments"]
    subprocess.run(short, cwd=ROOT, check=True, capture_output=True, timeout=6000)
    begun = time.perf_counter()
    subprocess.run(short, cwd=ROOT, check=True, capture_output=True, timeout=6000)
    before = time.perf_counter() - begun
    process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    time.sleep(2 * before + 1.0)
    assert process.poll() is None
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=600)
    assert process.returncode == 130
    assert err.strip() == "simdyn: interrupted"
    assert "interrupted after" in out
    with xarray.open_dataset(target, engine="h5netcdf") as data:
        assert data.attrs["complete"] == 0
        assert 0 < data.attrs["steps_done"] < 2_000_000_000
        assert np.isfinite(data["final"].values).all()
