"""`simdyn doctor`: all is well here, and it notices when something is not."""

from __future__ import annotations

import json

import numpy as np
import pytest
from gpu_device import DeviceUnderTest
from host_build import needs_compiler

import simdyn
import simdyn.installation.selftest as selftest
from simdyn.cli import run
from simdyn.installation import doctor


def test_all_is_well(capsys):
    assert run(["doctor"]) == 0
    out = capsys.readouterr().out
    for part in (
        "simdyn ",
        "numpy ",
        "processor",
        "cores usable",
        "threads",
        "backend gpu",
        "kernel cache",
    ):
        assert part in out
    assert out.strip().endswith("all is well")
    assert "WRONG" not in out


def test_json(capsys):
    assert run(["doctor", "--json"]) == 0
    out = capsys.readouterr().out
    assert out.count("\n") == 1
    answer = json.loads(out)
    assert answer["ok"] is True
    assert [check["name"] for check in answer["checks"]][:4] == [
        "dependencies",
        "kernel cache",
        "random words",
        "trajectories",
    ]
    assert answer["packages"]["numba"]
    assert answer["machine"]["usable_cores"] >= 1
    assert answer["cache"]["kernels"] >= 3
    assert answer["cache"]["size"] > 0
    assert answer["simdyn"] == simdyn.__version__


def test_a_wrong_word_is_noticed(monkeypatch, capsys):
    counter, key, words = selftest.PHILOX_ANSWERS[1]
    monkeypatch.setattr(selftest, "PHILOX_ANSWERS", ((counter, key, (*words[:3], words[3] ^ 1)),))
    diagnosis = doctor()
    assert [check.name for check in diagnosis.checks if not check.ok] == ["random words"]
    assert run(["doctor"]) == 1
    out = capsys.readouterr().out
    assert "WRONG  random words" in out
    assert "something is wrong" in out


@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_a_changed_bit_of_a_path_is_noticed(monkeypatch, dtype):
    import numpy as np

    from simdyn.engines.cpu import CpuEngine

    original = CpuEngine.integrate

    def nudged(self, x, **options):
        states = original(self, x, **options)
        if states.dtype == dtype:
            states[17, 0] = np.nextafter(states[17, 0], states.dtype.type(0))
        return states

    monkeypatch.setattr(CpuEngine, "integrate", nudged)
    diagnosis = doctor()
    assert [check.name for check in diagnosis.checks if not check.ok] == ["trajectories"]
    assert dtype in str(diagnosis)


def test_a_cache_that_cannot_be_written(monkeypatch, capsys):
    monkeypatch.setenv("SIMDYN_CACHE", "/dev/null/cache")
    assert run(["doctor", "--json"]) == 1
    answer = json.loads(capsys.readouterr().out)
    assert answer["ok"] is False
    assert answer["cache"]["folder"] is None
    wrong = {check["name"]: check["detail"] for check in answer["checks"] if not check["ok"]}
    assert "set SIMDYN_CACHE" in wrong["kernel cache"]


def test_a_missing_dependency_is_noticed(monkeypatch):
    monkeypatch.setattr(selftest, "REQUIRED", ("numpy", "no-such-package-of-anyone"))
    checks = {check.name: check for check in selftest.run_checks()}
    assert not checks["dependencies"].ok
    assert checks["dependencies"].detail == "no-such-package-of-anyone is not installed"


def test_the_help_names_the_exit_codes(capsys):
    assert run(["doctor", "--help"]) == 0
    out = " ".join(capsys.readouterr().out.split())
    assert "exit code is 0 when all is well and 1 when a check" in out


@needs_compiler
def test_a_gpu_that_is_there_is_held_against_the_cpu(monkeypatch):
    """Here "there" is this machine; and a device that loses the last bit of a state is found out."""
    monkeypatch.setattr("simdyn.engines.device.missing_device", lambda: "")
    monkeypatch.setattr("simdyn.engines.gpu.CupyDevice", DeviceUnderTest)
    checks = {check.name: check for check in selftest.run_checks()}
    assert checks["paths on the GPU"].ok, checks["paths on the GPU"].detail

    class Inexact(DeviceUnderTest):
        def download(self, array):
            return np.nextafter(super().download(array), np.inf, dtype=array.dtype)

    monkeypatch.setattr("simdyn.engines.gpu.CupyDevice", Inexact)
    checks = {check.name: check for check in selftest.run_checks()}
    assert not checks["paths on the GPU"].ok
    assert "on the CPU it is" in checks["paths on the GPU"].detail
