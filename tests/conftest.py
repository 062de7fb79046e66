from __future__ import annotations

import os

# Tests run side by side, one process a core: BLAS threads of each would only wait for one another.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import numpy as np
import pytest
import sympy
from hypothesis import HealthCheck, settings

from simdyn.dynamics import Update
from simdyn.networks import can_train

settings.register_profile(
    "simdyn",
    deadline=None,
    derandomize=True,
    max_examples=60,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)
settings.load_profile("simdyn")


def pytest_runtest_setup(item):
    if item.get_closest_marker("torch") and not can_train():
        pytest.skip("needs the extra 'torch': PyTorch and scikit-learn")


@pytest.fixture(autouse=True)
def backend_under_test(request, monkeypatch):
    """With SIMDYN_TEST_GPU=1 in the environment all work goes to the GPU that leaves backend and threads to
    simdyn and runs there; with SIMDYN_TEST_GPU=host to the stand-in that is this machine."""
    chosen = os.environ.get("SIMDYN_TEST_GPU")
    if not chosen or request.node.get_closest_marker("own_backend"):
        return
    monkeypatch.setattr("simdyn.engines.backends.GPU_PATHS", 1)
    monkeypatch.setattr("simdyn.engines.backends.GPU_WORK", 0.0)
    if chosen == "host":
        from gpu_device import DeviceUnderTest

        monkeypatch.setattr("simdyn.engines.device.missing_device", lambda: "")
        monkeypatch.setattr("simdyn.engines.gpu.CupyDevice", DeviceUnderTest)


@pytest.fixture(scope="session")
def bare_noise():
    """Builds the update x' = x + xi, so that one step from the origin shows the normals themselves."""

    def build(dim):
        names = sympy.symbols(f"x:{dim}", real=True)
        identity = tuple(tuple(sympy.Integer(int(i == j)) for j in range(dim)) for i in range(dim))
        return Update(names, (sympy.Integer(0),) * dim, identity, {}, "steps", 1.0)

    return build


@pytest.fixture(scope="session")
def normals_of(bare_noise):
    """The normals that paths draw in steps [first_step, first_step + steps): shape (paths, steps, dim)."""
    from simdyn.engines.cpu import CpuEngine

    def draw(dim, *, paths, steps, seed, first_path=0, first_step=0, dtype="float64", noise="standard"):
        engine = CpuEngine(bare_noise(dim), dtype=dtype, noise=noise, threads=1)
        origin = np.zeros((paths, dim))
        return np.stack(
            [
                engine.integrate(origin, steps=1, seed=seed, first_path=first_path, first_step=s)
                for s in range(first_step, first_step + steps)
            ],
            axis=1,
        )

    return draw
