"""Whether PyTorch is there, and how to get the same bits from it every time."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from typing import Any


def can_train() -> bool:
    """Whether PyTorch, and scikit-learn with its digits, are installed."""
    return find_spec("torch") is not None and find_spec("sklearn") is not None


@contextmanager
def one_thread() -> Iterator[None]:
    """With one thread sums are added up in one order, whatever the machine is doing."""
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)


@contextmanager
def in_evaluation(module: Any) -> Iterator[None]:
    """A network works as in evaluation, without dropout, and afterwards as it did before."""
    before = {child: child.training for child in module.modules()}
    module.eval()
    try:
        yield
    finally:
        for child, flag in before.items():
            child.training = flag
