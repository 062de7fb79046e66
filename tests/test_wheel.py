"""What a user gets: the packages with all studies and the template, and nothing of the workshop."""

from __future__ import annotations

import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
pytest.importorskip("setuptools", "77")


@pytest.fixture(scope="module")
def installed(tmp_path_factory):
    """The wheel's contents, unpacked outside of the clone."""
    folder = tmp_path_factory.mktemp("wheel")
    for name in (
        "potentials",
        "simdyn",
        "studies",
        "setup.cfg",
        "pyproject.toml",
        "README.md",
        "LICENSE",
        "tests",
    ):
        (folder / "clone").mkdir(exist_ok=True)
        (folder / "clone" / name).symlink_to(ROOT / name)
    program = "import sys; from setuptools import build_meta; print(build_meta.build_wheel(sys.argv[1]))"
    subprocess.run(
        [sys.executable, "-c", program, str(folder)], cwd=folder / "clone", check=True, capture_output=True
    )
    (wheel,) = folder.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(folder / "site")
    return folder / "site"


def simdyn(installed, *words):
    """Run the shell of the wheel where the clone cannot be found."""
    program = (
        f"import sys; sys.path.insert(0, {str(installed)!r}); import simdyn\n"
        f"assert simdyn.__file__.startswith({str(installed)!r})\n"
        "from simdyn.cli import run; sys.exit(run(sys.argv[1:]))"
    )
    return subprocess.run(
        [sys.executable, "-I", "-c", program, *words], cwd=installed.parent, capture_output=True, text=True
    )


def test_only_the_packages_are_shipped(installed):
    tops = {item.name for item in installed.iterdir() if not item.name.endswith(".dist-info")}
    assert tops == {"potentials", "simdyn", "studies"}
    for kept in ("simdyn/py.typed", "potentials/py.typed", "simdyn/cli/study_template.py"):
        assert (installed / kept).is_file()
    shipped = {str(path.relative_to(installed)) for path in installed.rglob("*.py")}
    here = {str(path.relative_to(ROOT)) for top in sorted(tops) for path in (ROOT / top).rglob("*.py")}
    assert shipped == here


def test_all_studies_are_listed_and_can_be_shown(installed):
    listed = simdyn(installed, "study", "list")
    assert listed.returncode == 0, listed.stderr
    names = [line.split()[0] for line in listed.stdout.splitlines()]
    packages = [p.parent.name for p in (ROOT / "studies").glob("*/__init__.py")]
    modules = [p.stem for p in (ROOT / "studies").glob("*.py") if p.stem != "__init__"]
    assert names == sorted(packages + modules)
    for name in names:
        shown = simdyn(installed, "study", "show", name)
        assert shown.returncode == 0, shown.stderr
        assert "--quick:" in shown.stdout
