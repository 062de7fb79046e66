"""Networks of PyTorch, linearised: against autograd, and Gram matrices without Jacobians."""

from __future__ import annotations

import numpy as np
import pytest

from potentials import FunctionSpace, InputError, LinearisedNetwork

torch = pytest.importorskip("torch")
pytestmark = pytest.mark.torch


def case(loss, outputs=3, n=7):
    generator = torch.Generator().manual_seed(4)
    torch.manual_seed(4)
    module = torch.nn.Sequential(
        torch.nn.Linear(4, 5), torch.nn.Tanh(), torch.nn.Dropout(0.5), torch.nn.Linear(5, outputs)
    ).double()
    inputs = torch.randn(n, 4, dtype=torch.float64, generator=generator)
    if loss == "squared":
        return module, inputs, torch.randn(n, outputs, dtype=torch.float64, generator=generator)
    return module, inputs, torch.randint(outputs, (n,), generator=generator)


def losses(module, inputs, targets, loss):
    def function(flat):
        parts, begin = {}, 0
        for name, value in module.named_parameters():
            parts[name] = flat[begin : begin + value.numel()].view_as(value)
            begin += value.numel()
        z = torch.func.functional_call(module.eval(), parts, (inputs,))
        if loss == "squared":
            return 0.5 * ((z - targets) ** 2).sum(1)
        return torch.nn.functional.cross_entropy(z, targets, reduction="none")

    return function, torch.cat([value.detach().flatten() for value in module.parameters()])


@pytest.mark.parametrize("loss", ["squared", "cross_entropy"])
def test_gradients_of_samples_are_those_of_autograd(loss):
    module, inputs, targets = case(loss)
    module.train()
    network = LinearisedNetwork.from_torch(module, inputs, targets, loss)
    assert module.training
    assert all(child.training for child in module)
    function, flat = losses(module, inputs, targets, loss)
    expected = torch.func.jacrev(function)(flat).numpy()
    found = network.sample_gradients(np.zeros(network.dim))
    np.testing.assert_allclose(found, expected, atol=1e-13)
    assert network.outputs == (3 if loss == "squared" else 2)


@pytest.mark.parametrize("loss", ["squared", "cross_entropy"])
def test_the_hessian_is_exact_for_a_network_that_is_linear(loss):
    _, inputs, targets = case(loss)
    torch.manual_seed(1)
    module = torch.nn.Linear(4, 3).double()
    network = LinearisedNetwork.from_torch(module, inputs, targets, loss)
    function, flat = losses(module, inputs, targets, loss)
    expected = torch.func.hessian(lambda x: function(x).mean())(flat).numpy()
    np.testing.assert_allclose(network.hessian(np.zeros(network.dim)), expected, atol=1e-13)


def test_saturated_classes_keep_their_digits():
    module = torch.nn.Linear(1, 2, bias=False).double()
    with torch.no_grad():
        module.weight[:] = torch.tensor([[0.0], [30.0]])
    # Probability of the other class, q = e^-30: gradient q and curvature q (1 - q) per logit difference.
    network = LinearisedNetwork.from_torch(module, [[1.0]], [1], "cross_entropy")
    q = np.exp(-30.0) / (1 + np.exp(-30.0))
    np.testing.assert_allclose(network.gradient([0.0, 0.0]), [q, -q], rtol=1e-10)
    np.testing.assert_allclose(network.hessian([0.0, 0.0]), q * np.array([[1, -1], [-1, 1]]), rtol=1e-10)


@pytest.mark.parametrize("loss", ["squared", "cross_entropy"])
@pytest.mark.parametrize("memory", [1.0, 3000.0, 1e9])
def test_the_gram_matrix_does_not_depend_on_the_memory_it_may_take(loss, memory):
    module, inputs, targets = case(loss)
    space = FunctionSpace.from_torch(module, inputs, targets, loss, memory=memory)
    expected = LinearisedNetwork.from_torch(module, inputs, targets, loss).function_space()
    np.testing.assert_allclose(space.gram, expected.gram, atol=1e-13)
    np.testing.assert_allclose(space.errors, expected.errors, atol=1e-13)
    assert (space.size, space.outputs, space.network_dim) == (7, expected.outputs, expected.network_dim)


def test_parameters_that_do_not_train_are_no_coordinates():
    module, inputs, targets = case("squared")
    module[0].weight.requires_grad_(False)
    assert LinearisedNetwork.from_torch(module, inputs, targets).dim == 5 + 18


def test_single_precision_networks_are_linearised_in_single_precision():
    module, inputs, targets = case("squared")
    exact = FunctionSpace.from_torch(module, inputs, targets).gram
    single = FunctionSpace.from_torch(module.float(), inputs, targets).gram
    # Some hundred roundings of 6e-8 each.
    assert 0 < np.abs(single - exact).max() < 1e-5 * np.abs(exact).max()


def test_what_does_not_fit_is_said(monkeypatch):
    module, inputs, targets = case("squared")
    make = LinearisedNetwork.from_torch
    with pytest.raises(InputError, match=r"must be a torch.nn.Module"):
        make(lambda x: x, inputs, targets)
    with pytest.raises(InputError, match="loss is 'hinge'"):
        make(module, inputs, targets, "hinge")
    with pytest.raises(InputError, match="targets have shape"):
        make(module, inputs, targets[:3])
    with pytest.raises(InputError, match="class numbers"):
        make(module, inputs, targets, "cross_entropy")
    with pytest.raises(InputError, match="outputs for 0 to 2"):
        make(module, inputs, [0, 1, 2, 3, 0, 1, 2], "cross_entropy")
    with pytest.raises(InputError, match="flattening"):
        make(torch.nn.Conv2d(1, 1, 1), torch.zeros(2, 1, 3, 3), torch.zeros(2))
    with pytest.raises(InputError, match="output for each class"):
        make(torch.nn.Linear(2, 1), torch.zeros(2, 2), [0, 0], "cross_entropy")
    monkeypatch.setattr("potentials.linearised_network.DENSE_LIMIT", 1000)
    with pytest.raises(InputError, match=r"FunctionSpace\.from_torch"):
        make(module, inputs, targets)
