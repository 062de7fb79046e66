"""Whether PyTorch is there, and how to get the same bits from it every time."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec


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
