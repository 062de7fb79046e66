"""Which package may import which: read from the sources, imports inside functions included."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent

GROUND = -1
FLOORS = {
    "simdyn.errors": GROUND,
    "simdyn.counts": GROUND,
    "simdyn.whole_files": GROUND,
    "simdyn._version": GROUND,
    "potentials": 0,
    "simdyn.results": 0,
    "simdyn.noise": 0,
    "simdyn.inference": 0,
    "simdyn.markov": 0,
    "simdyn.dynamics": 1,
    "simdyn.exits": 1,
    "simdyn.engines": 2,
    "simdyn.lowering": 2,
    "simdyn.theory": 2,
    "simdyn.exact": 2,
    "simdyn.estimators": 3,
    "simdyn.networks": 3,
    "simdyn.recorders": 3,
    "simdyn.study": 4,
    "simdyn.questions": 4,
    "simdyn.plotting": 4,
    "simdyn.installation": 4,
    "simdyn.cli": 5,
    "studies": 5,
}
SIDEWAYS = {
    ("simdyn.engines", "simdyn.lowering"),
    ("simdyn.questions", "simdyn.plotting"),
    ("simdyn.study", "simdyn.questions"),
    ("simdyn.study", "simdyn.plotting"),
    # The ground of potentials is its own errors module, which simdyn.errors hands on.
    ("simdyn.errors", "potentials.errors"),
    ("simdyn.counts", "simdyn.errors"),
    ("simdyn.whole_files", "simdyn.errors"),
    # An estimator of the long run watches paths as recorders do.
    ("simdyn.estimators", "simdyn.recorders"),
    # Intervals are results.
    ("simdyn.inference", "simdyn.results"),
}
"""Imports within one floor that are allowed."""

GROUND_OF_POTENTIALS = ("potentials.errors", "potentials.first_use")
"""Modules of potentials that import nothing, and that every package may import."""

PLUGINS = {("simdyn.study.discovery", "studies")}
"""Looked up by name at run time: the list of studies is what lies in that folder."""


def package_of(module):
    """The entry of FLOORS that a dotted module name belongs to; None for other people's packages."""
    parts = module.split(".")
    if parts[0] == "potentials":
        name = ".".join(parts[:2])
        return name if name in GROUND_OF_POTENTIALS else "potentials"
    if parts[0] == "studies":
        return "studies"
    if parts[0] == "simdyn":
        return ".".join(parts[:2])
    return None


def floor_of(package):
    return GROUND if package in GROUND_OF_POTENTIALS else FLOORS[package]


def _is_package(name):
    return (ROOT / name.replace(".", "/")).is_dir() or (ROOT / f"{name.replace('.', '/')}.py").is_file()


def imported_modules(tree, module, is_package):
    """Every module that a syntax tree imports anywhere, each with whether it is for type checkers only."""
    for_types = {
        id(node)
        for block in ast.walk(tree)
        if isinstance(block, ast.If) and "TYPE_CHECKING" in ast.unparse(block.test)
        for node in ast.walk(block)
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            base = node.module or ""
            if node.level:
                above = module.split(".")[: len(module.split(".")) - node.level + is_package]
                base = ".".join([*above, *filter(None, [node.module])])
            # `from simdyn import theory` names a package by its last part.
            names = [f"{base}.{alias.name}" if base == "simdyn" else base for alias in node.names]
        elif (
            isinstance(node, ast.Call)
            and ast.unparse(node.func).rsplit(".")[-1] in ("import_module", "__import__")
            and isinstance(node.args[0], ast.Constant)
        ):
            names = [node.args[0].value]
        else:
            continue
        yield from ((name, id(node) in for_types) for name in names)


def violations(source, module, is_package=False):
    """Sentences on the imports of one module that go up, or sideways where they may not."""
    here = package_of(module)
    if here == "simdyn":
        return []  # The front door opens every floor, lazily.
    found = []
    for name, for_types in imported_modules(ast.parse(source), module, is_package):
        there = package_of(name)
        if there is None or there == here or (module, name) in PLUGINS:
            continue
        if there == "simdyn" or (there.startswith("simdyn.") and not _is_package(there)):
            # Through the front door come names from every floor below the top one.
            if floor_of(here) < 5:
                found.append(f"{module} imports {name} through the front door simdyn")
        elif here.startswith("potentials") and not there.startswith("potentials"):
            found.append(f"{module} imports {name}, but potentials stands alone")
        elif there not in FLOORS and there not in GROUND_OF_POTENTIALS:
            found.append(f"{module} imports {name}, which has no floor")
        elif floor_of(there) == floor_of(here) and (for_types or (here, there) in SIDEWAYS):
            continue
        elif floor_of(there) >= floor_of(here):
            found.append(f"{module} (floor {floor_of(here)}) imports {name} (floor {floor_of(there)})")
    return found


def sources():
    for top in ("potentials", "simdyn", "studies"):
        for path in sorted((ROOT / top).rglob("*.py")):
            parts = path.relative_to(ROOT).with_suffix("").parts
            is_package = parts[-1] == "__init__"
            yield path, ".".join(parts[:-1] if is_package else parts), is_package


MODULES = list(sources())


@pytest.mark.parametrize(("path", "module", "is_package"), MODULES, ids=[m for _, m, _ in MODULES])
def test_imports_only_go_down(path, module, is_package):
    assert violations(path.read_text(), module, is_package) == []


def test_every_package_has_a_floor():
    packages = {package_of(module) for _, module, _ in MODULES} - {"simdyn", *GROUND_OF_POTENTIALS}
    assert packages <= set(FLOORS)
    assert len(MODULES) > 60


@pytest.mark.parametrize(
    ("module", "source"),
    [
        ("potentials.formula", "from simdyn.errors import InputError"),
        ("potentials.formula", "def f():\n    import simdyn.noise"),
        ("simdyn.noise.key", "from simdyn.engines import engine_for"),
        ("simdyn.exact.quadrature", "def f():\n    from simdyn.engines.cpu import CpuEngine"),
        ("simdyn.theory.kramers", "from simdyn.estimators import measure_escape"),
        ("simdyn.theory.kramers", "from simdyn.exact import escape_time"),
        ("simdyn.lowering.tree", "import simdyn.engines.cpu"),
        ("simdyn.lowering.tree", "from ..engines import cpu"),
        ("simdyn.plotting.style", "from simdyn.questions import escape_time"),
        ("simdyn.questions.escape", "from simdyn import study"),
        ("simdyn.dynamics.sgd", "from importlib import import_module\nimport_module('simdyn.lowering')"),
        ("simdyn.dynamics.sgd", "from simdyn import escape_time"),
        ("simdyn.study.runner", "import studies.xie2021"),
        ("simdyn.dynamics.sgd", "if TYPE_CHECKING:\n    from simdyn.lowering import Program"),
    ],
)
def test_forbidden_imports_are_caught(module, source):
    assert violations(source, module)


@pytest.mark.parametrize(
    ("module", "source"),
    [
        ("simdyn.engines.cpu", "from simdyn.lowering import lower"),
        ("simdyn.questions.escape", "from simdyn import theory"),
        ("simdyn.errors", "from potentials.errors import InputError"),
        ("studies.xie2021", "import simdyn.study, potentials"),
        ("simdyn.dynamics.sgd", "import numpy, sympy"),
        ("studies.xie2021", "from simdyn import escape_time, SGD"),
    ],
)
def test_allowed_imports_pass(module, source):
    assert violations(source, module) == []


def loaded_after(code):
    """Names of the modules that a fresh interpreter has loaded after some code."""
    report = f"{code}\nimport sys; print('MODULES', *sorted(sys.modules))"
    done = subprocess.run(
        [sys.executable, "-c", report], cwd=ROOT, capture_output=True, text=True, check=True, timeout=600
    )
    return set(done.stdout.rsplit("MODULES", 1)[1].split())


HEAVY = {"numba", "scipy", "sympy", "matplotlib", "pandas", "xarray", "rich", "dask"}


def test_importing_simdyn_loads_nothing_heavy():
    assert not HEAVY & loaded_after("import simdyn")
    assert "sympy" in loaded_after("import simdyn; simdyn.SGLD")


@pytest.mark.parametrize(
    "arguments",
    [
        ["--help"],
        ["escape", "--help"],
        ["potentials", "show", "--help"],
        ["diagram", "validity", "--help"],
        ["--version"],
    ],
)
def test_help_does_not_wait_for_numba_or_sympy(arguments):
    loaded = loaded_after(f"from simdyn.cli import run\nrun({arguments!r})")
    assert not {"numba", "sympy", "scipy", "matplotlib", "pandas", "xarray"} & loaded


def test_importing_potentials_leaves_scipy_alone():
    assert not (HEAVY - {"sympy"}) & loaded_after("import potentials")
