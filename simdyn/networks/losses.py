"""The losses that networks are trained on and looked at with."""

from __future__ import annotations

from typing import Any


def mean_loss(loss: str, outputs: Any, targets: Any) -> Any:
    """Mean over samples, a tensor: "squared" is half of the sum of squares over outputs, "cross_entropy" the
    negative logarithm of the softmax at the true class.

    Parameters
    ----------
    loss
        One of `potentials.torch_jacobian.LOSSES`.
    outputs, targets
        Shape (n, c); targets as `potentials.torch_jacobian.checked_targets` gives them.
    """
    from torch.nn.functional import cross_entropy

    if loss == "cross_entropy":
        return cross_entropy(outputs, targets)
    return ((outputs - targets) ** 2).sum(1).mean() / 2
