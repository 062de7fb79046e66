"""The GPU engine, on a device that is this machine, gives the results of the CPU engine to the bit."""

from __future__ import annotations

from functools import cache

import numpy as np
import pytest
from host_build import needs_compiler
from host_device import HostDevice

from potentials import (
    DriftField,
    Potential,
    double_well,
    maier_stein,
    muller_brown,
    styblinski_tang,
)
from simdyn.dynamics import SDE, SGD, SGLD, AlphaStable
from simdyn.engines.cpu import CpuEngine
from simdyn.engines.gpu import GpuEngine
from simdyn.errors import InputError
from simdyn.exits import resolve_exit

pytestmark = needs_compiler

WELL = double_well()
PLANE = Potential("x**4/4 - x**2/2 + y**2 + x*y/4")
WAVES = Potential("cos(3*x)*exp(-y**2/8) + log(1 + x**2) + y**4/8 + a*tanh(x*y)", parameters={"a": 0.3})
SHAPED = "0.1*(1 + x**2)"

# Dynamics, landscape, exit, start.
PROBLEMS = {
    "langevin": (SGLD(0.05, 0.12), WELL, "x >= 0", [-1.0]),
    "two_exits": (SGD(0.1, 0.4, noise="1 + x**2"), WELL, "(x <= 0) | (x >= 2)", [0.9]),
    "bridge": (SDE(SHAPED, 0.05), WELL, "(x >= 0) | (x <= -2)", [-1.0]),
    "three_coordinates": (SGLD(0.02, 5.0), styblinski_tang(dim=3), "valley", "deepest"),
    "covariance": (SGD(0.1, 1.0, noise=[["1 + x**2", "x/2"], ["x/2", "1"]]), PLANE, "(x > 0) & (y < 1)", [-1.0, 0]),
    "hessian_noise": (SGD(1e-4, 0.1, noise="hessian", floor=1.0), muller_brown(), "x > 0.2", "deepest"),
    "functions": (SGLD(0.03, 0.3), WAVES, "x**2 + y**2 > 4", [1.0, 0.0]),
    "momentum": (SGLD(0.05, 0.05, momentum=0.8), WELL, "x >= 0", [-1.0]),
    "schedule": (SGLD("cosine(0.1, 0.02, 400)", 0.15), WELL, "x >= 0", [-1.0]),
    "stepwise_batch": (
        SGD("0.1/(1 + step/100)", "stepwise(1, 50, 0.25)", noise="1 + x**2", momentum=0.5), WELL, "x > 1", [0.0],
    ),
    "stable": (SGD(0.05, 4.0, noise=AlphaStable(1.5, 0.2)), WELL, "x >= 0", [-1.0]),
    "cauchy": (SDE(AlphaStable(1.0, 0.1), 0.01), WELL, "x >= 0", [-1.0]),
    "milstein": (SDE(SHAPED, 0.02, scheme="milstein", convention="haenggi_klimontovich"), WELL, "x >= 0", [-1.0]),
    "heun": (SDE(SHAPED, 0.02, scheme="heun"), WELL, "x >= 0", [-1.0]),
    "sri2": (SDE(SHAPED, 0.02, scheme="sri2", convention="stratonovich"), WELL, "x >= 0", [-1.0]),
    "leimkuhler_matthews": (SDE(0.1, 0.05, scheme="leimkuhler_matthews"), WELL, "x >= 0", [-1.0]),
    "baoab": (SDE(0.1, 0.05, scheme="baoab", friction=1.5), WELL, "x >= 0", [-1.0]),
    "drift_field": (SDE(0.05, 0.02), maier_stein(), "x >= 0", [-1.0, 0.0]),
    "no_noise": (SGD(0.3, 1.0, noise="none"), Potential("x**2/2 + 4*y**2"), "y > 50", [0.5, 0.5]),
}  # fmt: skip
SINGLE = ("langevin", "bridge", "functions", "momentum", "schedule", "covariance")
WIDE = ("langevin", "three_coordinates")

CASES = [
    *((name, "float64", "standard") for name in PROBLEMS),
    *((name, "float32", "standard") for name in SINGLE),
    *((name, "float64", "wide") for name in WIDE),
    ("langevin", "float32", "wide"),
]


@pytest.fixture(params=CASES, ids="-".join)
def case(request):
    return request.param


@cache
def resolved(name):
    """(update, exit, start)"""
    dynamics, landscape, exit, start = PROBLEMS[name]
    at = landscape.deepest().x if isinstance(start, str) else np.array(start)
    return dynamics.update(landscape), resolve_exit(exit, landscape, at), at


@cache
def engines(name, dtype, noise):
    update, exit, _ = resolved(name)
    options = {"dtype": dtype, "noise": noise}
    return CpuEngine(update, exit, threads=1, **options), GpuEngine(update, exit, device=HostDevice(), **options)


def same(first, second):
    """Bit for bit, but that NaN is NaN whichever of its bit patterns a processor prefers."""
    nan = np.isnan(first)
    return (
        first.dtype == second.dtype
        and np.array_equal(nan, np.isnan(second))
        and np.where(nan, 0, first).tobytes() == np.where(nan, 0, second).tobytes()
    )


def test_paths(case):
    """From the middle of a group of steps to the middle of another, beyond one block of threads."""
    cpu, gpu = engines(*case)
    update, _, start = resolved(case[0])
    points = start + np.random.default_rng(1).normal(size=(300, update.dim)) / 5
    run = {"steps": 150, "seed": 7, "first_path": 2**33 + 5, "first_step": 3}
    expected = cpu.integrate(update.at_rest(points), **run)
    found = gpu.integrate(update.at_rest(points), **run)
    assert same(expected, found)
    assert np.isfinite(found).any()
    assert not np.array_equal(found, update.at_rest(points).astype(found.dtype))


def test_first_passages(case):
    """Hit times, exits and exit points, of far more paths than there are lanes."""
    cpu, gpu = engines(*case)
    _, _, start = resolved(case[0])
    run = {"paths": 5000, "max_steps": 601, "seed": 3, "first_path": 10}
    expected, found = cpu.first_passage(start, **run), gpu.first_passage(start, **run)
    assert np.array_equal(expected.steps, found.steps)
    assert np.array_equal(expected.code, found.code)
    assert same(expected.state, found.state)
    assert found.complete
    assert len(set(found.steps.tolist())) > (1 if case[0] == "no_noise" else 20)
