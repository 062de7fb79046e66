"""Data from files: what is read, and one clear sentence for what cannot be."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from potentials import FiniteSum, InputError, Potential


def _sum(path: Path) -> FiniteSum:
    return FiniteSum("(a*x - b)**2/2", path, variables="x")


def test_a_csv_file(tmp_path: Path) -> None:
    path = tmp_path / "data.csv"
    path.write_text("\ufeffa, b,unused\n1,2,0\n3, 4.5,0\n\n-1e-3,0,0\n", encoding="utf-8")
    landscape = _sum(path)
    assert landscape.size == 3
    assert landscape.data["a"].tolist() == [1.0, 3.0, -1e-3]
    assert landscape.data["b"].tolist() == [2.0, 4.5, 0.0]
    assert set(landscape.data) == {"a", "b"}
    assert landscape == FiniteSum("(a*x - b)**2/2", dict(landscape.data), variables="x")


def test_an_npz_file_and_its_record(tmp_path: Path) -> None:
    path = tmp_path / "data.npz"
    columns = {"a": np.arange(100.0), "b": np.ones(100)}
    np.savez(path, **columns)
    landscape = _sum(path)
    record = json.loads(json.dumps(landscape.record()))
    assert record["data"]["file"] == str(path)
    assert "values" not in record["data"]
    again = Potential.from_record(record)
    assert again == landscape
    assert again.record() == landscape.record()
    np.savez(path, a=columns["a"], b=2 * columns["b"])
    with pytest.raises(InputError, match="not those of the record"):
        Potential.from_record(record)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "is empty"),
        ("a,b\n", "no samples"),
        ("a,b\n1,2\n3,x7\n", "'x7' in row 3, column 'b'"),
        ("a,b\n1,2\n3\n", "Row 3 .* has 1 cells, but the header has 2"),
        ("a,a\n1,2\n", "two columns called 'a'"),
        ("a,b\n1,nan\n", "'nan' in row 2, column 'b', which is not finite"),
        ("a,c\n1,2\n", "'b'.*neither"),
        ("a,2b\n1,2\n", "'b'.*neither.*columns are 2b, a"),
    ],
)
def test_bad_csv_files(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "data.csv"
    path.write_text(text)
    with pytest.raises(InputError, match=message):
        _sum(path)


def test_other_bad_files(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="does not exist"):
        _sum(tmp_path / "none.csv")
    (tmp_path / "data.txt").write_text("a")
    with pytest.raises(InputError, match=r"neither .csv nor .npz"):
        _sum(tmp_path / "data.txt")
    (tmp_path / "data.npz").write_bytes(b"nonsense")
    with pytest.raises(InputError, match="cannot be read"):
        _sum(tmp_path / "data.npz")
    np.savez(tmp_path / "objects.npz", a=np.array([None], dtype=object))
    with pytest.raises(InputError, match="cannot be read"):
        _sum(tmp_path / "objects.npz")
    (tmp_path / "data.csv").write_bytes(b"a,b\n\xff\xfe,1\n")
    with pytest.raises(InputError, match="UTF-8"):
        _sum(tmp_path / "data.csv")
