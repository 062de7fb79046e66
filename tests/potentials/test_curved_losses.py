"""Linearised networks whose losses curve differently in each output."""

from __future__ import annotations

import numpy as np
import pytest

from potentials import InputError, LinearisedNetwork


def test_curvature_makes_the_loss_the_quadratic_form_that_it_stands_for():
    rng = np.random.default_rng(0)
    jacobian, residual, x = rng.normal(size=(5, 3, 4)), rng.normal(size=(5, 3)), rng.normal(size=4)
    roots = rng.normal(size=(5, 3, 2))
    curvature = roots @ np.swapaxes(roots, 1, 2)
    network = LinearisedNetwork(jacobian, residual, curvature=curvature)
    errors = jacobian @ x + residual
    expected = 0.5 * np.einsum("na,nab,nb->n", errors, curvature, errors)
    np.testing.assert_allclose(network.sample_energies(x), expected, rtol=1e-12)
    slopes = np.einsum("nad,nab,nb->nd", jacobian, curvature, errors)
    np.testing.assert_allclose(network.sample_gradients(x), slopes, atol=1e-12)
    hessian = np.einsum("nai,nab,nbj->ij", jacobian, curvature, jacobian) / 5
    np.testing.assert_allclose(network.hessian(x), hessian, atol=1e-12)
    space = network.function_space()
    errors = (network.jacobian @ x + network.residual).ravel()
    np.testing.assert_allclose(space.loss(errors), network.energy(x))


def test_diagonal_curvatures():
    weights = np.array([[1.0, 4.0], [0.0, 9.0]])
    network = LinearisedNetwork(np.ones((2, 2, 1)), np.ones((2, 2)), curvature=weights)
    assert network.energy([0.0]) == pytest.approx(14.0 / 4)


def test_curvatures_that_are_none():
    rows = np.ones((2, 2, 1))
    with pytest.raises(InputError, match="has shape"):
        LinearisedNetwork(rows, curvature=np.ones((3, 2)))
    with pytest.raises(InputError, match="not symmetric"):
        LinearisedNetwork(rows, curvature=[[[1, 2], [0, 1]]] * 2)
    with pytest.raises(InputError, match=r"sample 1 .* eigenvalue -1"):
        LinearisedNetwork(rows, curvature=[[1, 1], [1, -1]])
