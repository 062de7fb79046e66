"""Flux over population: exact in a stationary flow, and Langer's formula as its Gaussian limit."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from simdyn import theory
from simdyn.exact import first_passage


@pytest.mark.parametrize("noise", [0.05, 0.1])
def test_a_stationary_flow_gives_the_exact_time(noise):
    """Source at -1, sink at 0, unit flux: density exp(-L/D)/D int_{max(x, -1)}^0 exp(L/D)."""
    x, w = np.polynomial.legendre.leggauss(60)

    def panels(low, high, n=40):
        edges = np.linspace(low, high, n + 1)
        half = np.diff(edges)[:, None] / 2
        return ((edges[:-1] + edges[1:])[:, None] / 2 + half * x).ravel(), (half * w).ravel()

    def energy(x):
        return (x**4 / 4 - x**2 / 2) / noise

    outside, weight = panels(-3.5, -1.0)
    z, v = panels(-1.0, 0.0)
    whole = (np.exp(energy(z)) * v).sum()
    population = (np.exp(-energy(outside)) * weight).sum() * whole / noise
    for point, share in zip(z, v, strict=True):
        y, u = panels(point, 0.0, 2)
        population += share * math.exp(-energy(point)) / noise * (np.exp(energy(y)) * u).sum()
    exact = first_passage(lambda x: x - x**3, lambda x: np.full_like(x, noise), -1.0, upper=0.0)[0]
    assert theory.flux_over_population(population, 1.0).value == pytest.approx(exact.value, rel=1e-8)


@given(seed=st.integers(0, 10**6), turning=st.floats(-2.0, 2.0))
def test_langer(seed, turning):
    """M = 1 is Eyring-Kramers; a change of coordinates changes M and nothing else."""
    rng = np.random.default_rng(seed)
    a, b = np.diag(rng.uniform(0.5, 3.0, 2)), np.diag([-1.0, 2.0])
    plain = theory.langer_time(1.0, a, b, np.eye(2), 0.2)
    assert plain.value == pytest.approx(theory.eyring_kramers_time(1.0, a, b, 0.2).value, rel=1e-11)
    mobility = np.array([[1.0, turning], [-turning, 0.5]])
    there = rng.normal(size=(2, 2)) + 3 * np.eye(2)
    back = np.linalg.inv(there)
    here = theory.langer_time(1.0, a, b, mobility, 0.2).value
    moved = theory.langer_time(
        1.0, back.T @ a @ back, back.T @ b @ back, there @ mobility @ there.T, 0.2
    ).value
    assert moved == pytest.approx(here, rel=1e-8)
