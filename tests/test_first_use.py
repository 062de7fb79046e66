"""Packages import their names on first use, and nobody notices but for the time."""

from __future__ import annotations

import ast
import importlib
import os
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PACKAGES = sorted(
    ".".join(path.parent.relative_to(ROOT).parts)
    for folder in ("simdyn", "potentials")
    for path in (ROOT / folder).glob("**/__init__.py")
    if "names_on_first_use" in path.read_text()
)


def checked_names(package):
    """Name -> module, as a type checker reads it."""
    tree = ast.parse((ROOT / package.replace(".", "/") / "__init__.py").read_text())
    (block,) = (node for node in tree.body if isinstance(node, ast.If))
    return {alias.name: node.module for node in block.body for alias in node.names}


@pytest.mark.parametrize("package", PACKAGES)
def test_every_name_is_there(package):
    module = importlib.import_module(package)
    checked = checked_names(package)
    assert set(module.__all__) - {"__version__"} == set(checked)
    assert set(module.__all__) <= set(dir(module))
    for name, home in checked.items():
        assert getattr(module, name) is getattr(importlib.import_module(home), name)
    with pytest.raises(AttributeError, match=f"module '{package}' has no attribute 'nothing'"):
        module.nothing  # noqa: B018


def test_all_packages_with_names_do_so():
    assert len(PACKAGES) > 15
    assert {"simdyn", "potentials", "simdyn.theory", "simdyn.exact", "simdyn.questions"} <= set(PACKAGES)


def run(code, cache):
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=ROOT,
        env=os.environ | {"SIMDYN_CACHE": str(cache)},
        capture_output=True,
        text=True,
        timeout=600,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def modules_after(code, cache):
    out = run(f"{code}\nimport sys; print('MODULES', *sys.modules)", cache=cache)
    return set(out.rpartition("MODULES")[2].split())


def test_a_function_keeps_its_name_when_its_module_is_imported(tmp_path):
    code = "import simdyn.theory.kramers; from simdyn import theory; print(theory.kramers.__name__)"
    assert run(code, cache=tmp_path) == "kramers\n"


SIMULATE = """
from simdyn import SGLD, simulate
from potentials import double_well
simulate(double_well(), SGLD(0.01, 0.1), start="x=-1", paths=10, steps=10, seed=1)
"""


ESCAPE = "escape double_well --sgld learning_rate=0.01,temperature=0.1 --start x=-1 --exit x>=0 --paths 10"


def test_a_warm_simulation_imports_what_it_needs(tmp_path):
    modules_after(SIMULATE, tmp_path)
    found = modules_after(SIMULATE, tmp_path)
    # xarray imports Dask where it is installed, and Dask SciPy.
    dask = {"scipy"} if find_spec("dask") else set()
    assert not found & ({"numba", "scipy", "matplotlib", "h5py"} - dask)
    others = ("exact", "theory", "estimators", "inference", "networks", "plotting", "study", "markov")
    assert not {name for name in found if name.startswith(tuple(f"simdyn.{other}" for other in others))}
    unused = {"minibatch_kernels", "cuda_kernels", "cuda_minibatch_kernels", "linear_kernels"}
    assert not found & {f"simdyn.lowering.{name}" for name in unused}
    assert not found & {"simdyn.engines.minibatch", "simdyn.engines.gpu", "simdyn.recorders.kernels"}


def test_a_warm_escape_needs_neither_numba_nor_xarray(tmp_path):
    code = f"from simdyn.cli import run; run({ESCAPE!r}.split())"
    modules_after(code, tmp_path)
    assert not modules_after(code, tmp_path) & {"numba", "xarray", "pandas", "matplotlib", "h5py"}
