from __future__ import annotations

from functools import cache

import numpy as np
import pytest

from potentials import Potential, double_well
from simdyn.dynamics import SDE, SGD, SGLD
from simdyn.engines.cpu import CpuEngine
from simdyn.exits import resolve_exit


@cache
def _problem(name):
    """(update, exit, start) of problems small enough to compile in a second or two each."""
    if name.startswith("double_well"):
        dim = int(name.removeprefix("double_well"))
        landscape, start = double_well(dim=dim), np.full(dim, -1.0)
        dynamics, exit = SGLD(0.05, 0.12), "valley"
    elif name == "two_exits":
        landscape, start = double_well(), np.array([0.9])
        dynamics, exit = SGD(0.1, 0.4, noise="1 + x**2"), "(x <= 0) | (x >= 2)"
    elif name == "coupled":
        landscape, start = Potential("(x**2 - 1)**2/4 + (y + (x**2 - 1)/2)**2"), np.array([-1.0, 0.0])
        dynamics, exit = SGD(0.1, 0.5, noise="hessian", floor=0.1), "x + y/4 >= 0"
    elif name == "full_covariance":
        landscape, start = Potential("x**4/4 - x**2/2 + y**2 + x*y/4"), np.array([-1.0, 0.1])
        dynamics, exit = SGD(0.1, 1.0, noise=[["1 + x**2", "x/2"], ["x/2", "1"]]), "(x >= 0.5) & (y <= 0.3)"
    elif name == "bridge":
        landscape, start = double_well(), np.array([-1.0])
        dynamics, exit = SDE("0.1*(1 + x**2)", 0.05), "(x >= 0) | (x <= -2)"
    return dynamics.update(landscape), resolve_exit(exit, landscape, start), start


PROBLEMS = ("double_well1", "double_well2", "two_exits", "coupled", "full_covariance", "bridge")


@pytest.fixture(scope="session")
def problem():
    return _problem


@pytest.fixture(scope="session")
def engine_of():
    def build(name, **options):
        update, exit, _ = _problem(name)
        return CpuEngine(update, exit, **{"threads": 1, **options})

    return build


@pytest.fixture(scope="session")
def same_records():
    def same(first, second):
        return (
            np.array_equal(first.steps, second.steps)
            and np.array_equal(first.code, second.code)
            and first.state.tobytes() == second.state.tobytes()
            and first.complete == second.complete
        )

    return same


@pytest.fixture(params=PROBLEMS)
def any_problem(request):
    return request.param
