"""The hand-written kernels that simdyn is timed against compute the same paths as it does."""

from __future__ import annotations

import numpy as np
import pytest

from benchmarks.contest import PeerUnavailable
from benchmarks.kernels import CLOSE, PROBLEMS, Problem, contestants
from benchmarks.peers import numba_lanes

PEERS = ["Numba, by hand", "C, by hand"]
PATHS = 2 * numba_lanes.LANES
STEPS = 40


@pytest.fixture(scope="module", params=PROBLEMS, ids=lambda problem: problem.name)
def problem(request: pytest.FixtureRequest) -> Problem:
    return request.param


@pytest.mark.parametrize("peer", PEERS)
@pytest.mark.parametrize("seed", [5, 2**40 + 1])
def test_peer_takes_the_same_paths(problem: Problem, peer: str, seed: int) -> None:
    """Equal but for rounding; with another seed each path ends elsewhere."""
    runs = contestants(problem, PATHS, STEPS, seed)
    if peer not in runs:
        pytest.skip("g++ is not on the PATH")
    ends = runs["simdyn"]()
    assert np.isfinite(ends).all()
    np.testing.assert_allclose(runs[peer](), ends, rtol=0, atol=CLOSE)
    others = contestants(problem, PATHS, STEPS, seed + 1)[peer]()
    assert np.mean(np.abs(others - ends) > 1e-4) > 0.9


def test_the_start_is_left_alone(problem: Problem) -> None:
    """Kernels work in place; a second call has to begin where the first did."""
    runs = contestants(problem, PATHS, STEPS, 5)
    for name, run in runs.items():
        np.testing.assert_array_equal(run(), run(), err_msg=name)


def test_tables_of_the_c_kernels_are_those_of_the_normals() -> None:
    """-2 log(1 + f)/f from its even and odd powers, and a quarter turn in units of 2^-22."""
    try:
        from benchmarks.peers import c_lanes
    except PeerUnavailable as error:
        pytest.skip(str(error))
    tables = {name: np.polynomial.Polynomial(values) for name, values in c_lanes.coefficients().items()}
    f, turn = np.linspace(-0.29, 0.41, 40), np.linspace(-0.5, 0.5, 41)
    logarithm = tables["RADIUS_EVEN"](f**2) + f * tables["RADIUS_ODD"](f**2)
    np.testing.assert_allclose(f * logarithm, -2.0 * np.log1p(f), rtol=0, atol=3e-10)
    units = turn * 2.0**22
    np.testing.assert_allclose(units * tables["TURN_SIN"](units**2), np.sin(np.pi / 2 * turn), atol=1e-10)
    np.testing.assert_allclose(tables["TURN_COS"](units**2), np.cos(np.pi / 2 * turn), atol=1e-10)
    r = np.linspace(-0.34, 0.34, 41)
    np.testing.assert_allclose(tables["EXP"](r), np.exp(r), rtol=4e-16)
