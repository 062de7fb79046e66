from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from potentials import Potential, double_well, muller_brown, styblinski_tang
from simdyn.dynamics import SDE, SGD, SGLD
from simdyn.engines.cpu import CpuEngine
from simdyn.errors import InputError
from simdyn.exits import resolve_exit
from simdyn.lowering import cache_folder, load_kernels, lower
from simdyn.lowering.numba_printer import NumbaPrinter

ROOT = Path(__file__).parent.parent.parent
AT = np.array([-1.0])


def source_of(potential, dynamics, exit="x >= 0", start=AT, **options):
    return CpuEngine(dynamics.update(potential), resolve_exit(exit, potential, start), **options).source


def test_one_step_of_the_double_well():
    """One line: the drift by Horner's rule, then the kick, all fused."""
    program = lower(SGLD(0.01, 0.1).update(double_well()))
    lines = NumbaPrinter("float64").statements([("y0", program.step[0])], {}, "t")
    assert len(lines) == 1
    assert lines[0].count("fma") == 3
    eta, k, amplitude = 0.01, 1.0, (2 * 0.01 * 0.1) ** 0.5
    names = {"fma": lambda p, q, r: p * q + r, "x0": -0.7, "z0": 0.3}
    names |= {f"c{i}": v for i, v in enumerate(program.constant_values())}
    exec(lines[0], names)
    assert names["y0"] == pytest.approx(-0.7 - eta * k * (-(0.7**3) + 0.7) + amplitude * 0.3, rel=1e-15)


def test_numbers_are_arguments_and_never_in_the_source():
    well = double_well()
    source = source_of(well, SGLD(0.01, 0.1))
    assert source_of(well, SGLD(0.37, 0.9)) == source
    assert source_of(well.with_parameters(k=7.5), SGLD(0.01, 0.1)) == source
    assert source_of(well, SGLD(0.01, 0.1), "x >= 0.25") == source
    assert source_of(well, SGLD(0.01, 0.1), [1.0]) == source

    def hessian_noise(eta, batch, floor):
        return source_of(well, SGD(eta, batch, noise="hessian", floor=floor))

    assert hessian_noise(0.1, 1, 0.1) == hessian_noise(0.2, 3.5, 0.7)
    assert source_of(well, SDE(0.1, 0.01)) == source_of(well, SDE(0.7, 0.001))
    cold = SGD(0.1, 1.0, noise="constant", covariance=2.0)
    assert source_of(well, cold) == source_of(well, SGD(0.3, 4.0, noise="constant", covariance=0.5))


def test_what_changes_the_computation_changes_the_source():
    well = double_well()
    sources = {
        source_of(well, SGLD(0.01, 0.1)),
        source_of(well, SGLD(0.01, 0.0)),
        source_of(well, SGLD(0.01, 0.1), "x > 0"),
        source_of(well, SGLD(0.01, 0.1), "(x >= 0) | (x <= -3)"),
        source_of(well, SGLD(0.01, 0.1), dtype="float32"),
        source_of(well, SGLD(0.01, 0.1), noise="wide"),
        source_of(well, SDE(0.1, 0.01)),
        source_of(Potential("x**4/4 - x**2/2 + x/10"), SGLD(0.01, 0.1)),
    }
    assert len(sources) == 8
    # Without a bridge the SDE of constant noise is the Langevin chain.
    assert source_of(well, SDE(0.1, 0.01, crossing="none")) in sources


SOURCES = """
import hashlib
import numpy as np
from potentials import muller_brown, styblinski_tang, Potential
from simdyn.dynamics import SDE, SGD, SGLD
from simdyn.engines.cpu import CpuEngine
from simdyn.exits import resolve_exit
hill, coupled = styblinski_tang(dim=3), muller_brown()
at = hill.deepest().x
bottom = coupled.deepest().x
text = "a*exp(-x**2)*cos(b*y) + x**2*y**2 + tanh(c*x) + y**4"
formula = Potential(text, parameters={"a": 1, "b": 2, "c": 3})
for potential, dynamics, exit, start in [
    (hill, SGLD(0.001, 5.0), "valley", at),
    (hill, SGD(0.001, 0.1, noise="hessian", floor=0.1), "valley", at),
    (coupled, SGD(1e-4, 0.1, noise="hessian", floor=1.0), "x > 0.5", bottom),
    (formula, SDE([["1 + x**2", "a*x/9"], ["a*x/9", "2"]], 0.01), "(x + b*y > 4) | (x < -c)", np.zeros(2)),
]:
    source = CpuEngine(dynamics.update(potential), resolve_exit(exit, potential, start)).source
    print(hashlib.sha256(source.encode()).hexdigest())
"""


def run_python(code, **environment):
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=ROOT,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        timeout=600,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.split()


def test_sources_do_not_depend_on_the_hash_seed():
    first, second = (run_python(SOURCES, PYTHONHASHSEED=seed) for seed in ("1", "4242"))
    assert first == second
    assert len(set(first)) == 4


def test_the_cache_folder_is_the_one_that_is_named(tmp_path, monkeypatch):
    monkeypatch.setenv("SIMDYN_CACHE", str(tmp_path / "new" / "place"))
    assert cache_folder() == tmp_path / "new" / "place"
    assert cache_folder().is_dir()
    monkeypatch.delenv("SIMDYN_CACHE")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "xdg"))
    assert cache_folder() == tmp_path / "xdg" / "simdyn"


def test_a_cache_that_cannot_be_made_or_written_is_refused(tmp_path, monkeypatch):
    blocking = tmp_path / "file"
    blocking.write_text("")
    monkeypatch.setenv("SIMDYN_CACHE", str(blocking / "below"))
    with pytest.raises(InputError, match="set SIMDYN_CACHE"):
        cache_folder()
    monkeypatch.setenv("SIMDYN_CACHE", str(tmp_path))

    def refuse(*args, **kwargs):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "write_bytes", refuse)
    with pytest.raises(InputError, match="Permission denied"):
        load_kernels("unwritable = 1\n")


def test_a_spoiled_file_in_the_cache_is_written_anew(tmp_path, monkeypatch):
    monkeypatch.setenv("SIMDYN_CACHE", str(tmp_path))
    text = "value = 12345\n"
    module = load_kernels(text)
    path = Path(module.__file__)
    del sys.modules[module.__name__]
    path.write_text("value = 0\n")
    assert load_kernels(text).value == 12345
    assert path.read_text() == text


def test_a_module_that_fails_is_not_handed_out_later(tmp_path, monkeypatch):
    monkeypatch.setenv("SIMDYN_CACHE", str(tmp_path))
    for _ in range(2):
        with pytest.raises(ZeroDivisionError):
            load_kernels("value = 1 / 0\n")


def test_the_bridge_refuses_exits_that_join_conditions():
    well = muller_brown()
    at = well.deepest().x
    exit = resolve_exit("(x > 0.5) & (y < 0.2)", well, at)
    with pytest.raises(InputError, match='crossing="none"'):
        lower(SDE(10.0, 1e-4).update(well), exit)
    assert len(lower(SDE(10.0, 1e-4, crossing="none").update(well), exit).crossed) == 1


def test_separable_steps_share_nothing_but_their_constants():
    program = lower(SGLD(0.001, 5.0).update(styblinski_tang(dim=10)))
    assert (program.dim, program.noise_dim) == (10, 10)
    assert len(program.constants.expressions) <= 6
