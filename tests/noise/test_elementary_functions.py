from __future__ import annotations

import math

import mpmath as mp
import numpy as np
import pytest

from simdyn.noise import polynomials

RNG = np.random.default_rng(7)


def _near_multiples(of, count):
    """Doubles as close as can be to multiples of a constant, where cancellation is worst."""
    k = np.arange(1, count)
    x = k * of
    return np.concatenate([x, -x, np.nextafter(x, np.inf), np.nextafter(x, 0)])


POINTS = {
    "exp": np.concatenate(
        [RNG.uniform(-707, 709.7, 1500), RNG.normal(size=500), RNG.normal(size=200) * 1e-9]
    ),
    "log": np.concatenate(
        [np.exp(RNG.uniform(-700, 700, 1200)), RNG.uniform(0.5, 2, 800), 1 + RNG.normal(size=200) * 1e-7]
    ),
    "sin": np.concatenate(
        [RNG.uniform(-10, 10, 800), RNG.uniform(-1e6, 1e6, 800), _near_multiples(math.pi / 2, 100)]
    ),
    "cos": np.concatenate(
        [RNG.uniform(-10, 10, 800), RNG.uniform(-1e6, 1e6, 800), _near_multiples(math.pi / 2, 100)]
    ),
}


def ulps(found, x, name, dtype):
    """Error in units of the spacing of `dtype` at the exact value."""
    with mp.workdps(50):
        function = getattr(mp, name)
        exact = [function(mp.mpf(float(v))) for v in x]
        spacing = np.spacing(np.abs(np.array([float(e) for e in exact])).astype(dtype)).astype(float)
        return (
            np.array([abs(float(mp.mpf(float(f)) - e)) for f, e in zip(found, exact, strict=True)]) / spacing
        )


@pytest.mark.parametrize("name", ["exp", "log", "sin", "cos"])
def test_float64_functions_are_within_two_ulps(device, name):
    x = POINTS[name]
    assert ulps(getattr(device, f"{name}_of")(x), x, name, np.float64).max() <= 2.0


@pytest.mark.parametrize("name", ["exp", "log", "sin", "cos"])
def test_the_error_measure_sees_three_ulps(name):
    x = POINTS[name][:100]
    with mp.workdps(50):
        spoiled = np.array([float(getattr(mp, name)(mp.mpf(v))) for v in x])
    assert ulps(spoiled + 3 * np.spacing(np.abs(spoiled)), x, name, np.float64).max() > 2.0


SINGLES = {
    "exp32": np.concatenate([RNG.uniform(-86, 88.7, 2000), RNG.normal(size=500)]),
    "log32": np.concatenate([np.exp(RNG.uniform(-86, 88, 2000)), RNG.uniform(0.5, 2, 1000)]),
    "sin32": RNG.uniform(-100, 100, 3000),
    "cos32": RNG.uniform(-100, 100, 3000),
}


@pytest.mark.parametrize("name", ["exp32", "log32"])
def test_float32_functions_are_within_two_ulps(device, name):
    x = SINGLES[name].astype(np.float32)
    assert ulps(getattr(device, f"{name}_of")(x), x, name[:-2], np.float32).max() <= 2.0


@pytest.mark.parametrize("name", ["sin32", "cos32"])
def test_float32_sine_and_cosine(device, name):
    # Two parts of pi/2 leave an absolute error near the zeros, so ulps are counted where the value is not
    # small.
    x = SINGLES[name].astype(np.float32)
    exact = getattr(np, name[:-2])(x.astype(float))
    found = getattr(device, f"{name}_of")(x)
    assert np.abs(found - exact).max() < 2 * 2.0**-24
    large = np.abs(exact) > 0.1
    assert ulps(found[large], x[large], name[:-2], np.float32).max() <= 2.0


INF, NAN = math.inf, math.nan


@pytest.mark.parametrize(
    ("name", "cases"),
    [
        ("exp", [(0.0, 1.0), (-INF, 0.0), (INF, INF), (710.0, INF), (1e300, INF), (-800.0, 0.0)]),
        ("log", [(1.0, 0.0), (0.0, -INF), (-0.0, -INF), (INF, INF), (-1.0, NAN), (-INF, NAN)]),
        ("sin", [(0.0, 0.0)]),
        ("cos", [(0.0, 1.0)]),
        ("exp32", [(0.0, 1.0), (-INF, 0.0), (INF, INF), (89.0, INF), (-100.0, 0.0)]),
        ("log32", [(1.0, 0.0), (0.0, -INF), (INF, INF), (-1.0, NAN)]),
        ("sin32", [(0.0, 0.0)]),
        ("cos32", [(0.0, 1.0)]),
    ],
)  # fmt: skip
def test_special_values(device, name, cases):
    kind = np.float32 if name.endswith("32") else np.float64
    x = np.array([c[0] for c in cases], dtype=kind)
    np.testing.assert_array_equal(
        getattr(device, f"{name}_of")(x), np.array([c[1] for c in cases], dtype=kind)
    )


@pytest.mark.parametrize("name", ["exp", "log", "sin", "cos", "exp32", "log32", "sin32", "cos32"])
def test_nan_stays_nan(device, name):
    kind = np.float32 if name.endswith("32") else np.float64
    assert np.isnan(getattr(device, f"{name}_of")(np.array([NAN], dtype=kind))).all()


def test_log_of_subnormal_numbers(device):
    x = np.array([5e-324, 1e-320, 2e-308])
    assert ulps(device.log_of(x), x, "log", np.float64).max() <= 2.0


def test_exp_near_its_limits(device):
    x = np.array([709.782712893384, 709.78, -707.4, 88.0])
    found = device.exp_of(x)
    assert np.isfinite(found).all()
    assert ulps(found, x, "exp", np.float64).max() <= 2.0


def test_stored_coefficients_are_those_that_the_generator_computes():
    for name, (coefficients, error) in polynomials.compute().items():
        assert getattr(polynomials, name) == coefficients, name
        # Half of it is what the radius of normals in single precision is off, of 0.83 and more.
        assert error < (5e-7 if name == "RADIUS_32" else 1.1e-7)
