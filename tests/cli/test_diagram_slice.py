"""`simdyn diagram slice` takes the right numbers out of a result and writes them in every form."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import xarray as xr

from simdyn.cli import run


@pytest.fixture
def file(tmp_path):
    """Values that say where they sit: 100 a + 10 b + c in one group, and another group with the same b."""
    a, b, c = np.array([1.0, 2.0, 3.0]), np.array([0.1, 0.2]), ["u", "v"]
    code = 100 * a[:, None, None] + 10 * b[None, :, None] + np.array([0.0, 0.5])[None, None, :]
    whole = xr.Dataset(
        {
            "code": (("a", "b", "c"), code, {"units": "steps"}),
            "wide": (("a", "b", "c"), 10.0 ** (3 * code / 100)),
        },
        coords={"a": a, "b": b, "c": c},
    )
    curve = xr.Dataset({"rate": ("b", [1.0, 100.0])}, coords={"b": b})
    xr.DataTree.from_dict({"/whole": whole, "/curve": curve}).to_netcdf(tmp_path / "r.nc", engine="h5netcdf")
    return tmp_path / "r.nc"


def test_table_and_netcdf_hold_the_slice(file, tmp_path, capsys):
    words = ["diagram", "slice", file, "--x", "a", "--y", "b", "--value", "code", "--at", "c=v"]
    words += ["--out", tmp_path / "s.csv", "--out", tmp_path / "s.nc"]
    assert run([str(word) for word in words]) == 0
    assert capsys.readouterr().out.split() == [str(tmp_path / "s.csv"), str(tmp_path / "s.nc")]
    table = pd.read_csv(tmp_path / "s.csv")
    assert list(table.columns) == ["a", "b", "code"]
    assert table["code"].tolist() == pytest.approx((100 * table.a + 10 * table.b + 0.5).tolist(), abs=1e-12)
    assert len(table) == 6
    with xr.open_dataset(tmp_path / "s.nc", engine="h5netcdf") as data:
        assert data["code"].dims == ("b", "a")
        assert data["code"].attrs["units"] == "steps"
        assert float(data["code"].sel(a=2.0, b=0.1)) == pytest.approx(201.5, abs=1e-12)


@pytest.mark.parametrize("ending", ["png", "svg", "pdf"])
def test_pictures(file, tmp_path, ending):
    target = tmp_path / f"s.{ending}"
    words = ["diagram", "slice", file, "--x", "c", "--y", "a", "--value", "code", "--value", "wide"]
    assert run([str(word) for word in [*words, "--at", "b=0.2", "--out", target]]) == 0
    head = {"png": b"\x89PNG", "svg": b"<?xml", "pdf": b"%PDF"}[ending]
    assert target.read_bytes().startswith(head)


def test_map_shows_each_value_where_it_belongs(file):
    from simdyn.plotting.slices import plot_slice
    from simdyn.study.slices import open_result, take_slice

    data = take_slice(open_result(file), ["code", "wide"], "a", "b", at={"c": "u"})
    left, right = plot_slice(data).axes[:2]
    drawn = left.collections[0].get_array()
    assert drawn.shape == (2, 3)
    assert drawn[1, 2] == pytest.approx(302.0)
    assert [label.get_text() for label in left.get_xticklabels()] == ["1", "2", "3"]
    assert left.get_title() == "c = u"
    assert "steps" in plot_slice(data).axes[2].get_ylabel()
    assert right.collections[0].norm.vmin == pytest.approx(10**3.03)


def test_a_curve_needs_no_second_dimension(file, tmp_path):
    words = ["diagram", "slice", file, "--x", "b", "--value", "rate", "--out", tmp_path / "s.csv"]
    assert run([str(word) for word in words]) == 0
    assert (tmp_path / "s.csv").read_text() == "b,rate\n0.1,1.0\n0.2,100.0\n"


@pytest.mark.parametrize(
    ("words", "named"),
    [
        (["--x", "a", "--y", "b", "--value", "code"], "add --at c=... (there are u, v)"),
        (["--x", "a", "--y", "b", "--value", "code", "--at", "c=w"], "c has no value w; there are u, v"),
        (["--x", "a", "--y", "a", "--value", "code"], "both a"),
        (["--x", "a", "--y", "z", "--value", "code"], "no dimension 'z'"),
        (["--x", "a", "--y", "b", "--value", "cod"], "did you mean code"),
        (["--x", "a", "--y", "b", "--value", "code", "--at", "a=1"], "no other dimension; there are c"),
        (["--x", "a", "--y", "b", "--value", "code", "--grid", "curv"], "did you mean curve"),
        (["--x", "a", "--value", "code", "--out", "nowhere/s.csv"], "folder of the file 'nowhere/s.csv'"),
        (["--x", "a", "--value", "code", "--out", "s.jpg"], "must end in one of"),
    ],
)
def test_mistakes_are_named(file, tmp_path, words, named, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert run(["diagram", "slice", str(file), "--out", "ok.csv", *words]) == 2
    assert named in capsys.readouterr().err
    assert not (tmp_path / "ok.csv").exists()


def test_a_place_without_a_result(tmp_path, capsys):
    words = ["--x", "a", "--value", "v", "--out", str(tmp_path / "s.csv")]
    for source in (tmp_path, tmp_path / "none.nc"):
        assert run(["diagram", "slice", str(source), *words]) == 2
    (tmp_path / "bad.nc").write_text("no")
    assert run(["diagram", "slice", str(tmp_path / "bad.nc"), *words]) == 2
    assert "cannot be read as NetCDF" in capsys.readouterr().err
