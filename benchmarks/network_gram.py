"""Gram matrix, sharpness, non-uniformity and stability of large networks of PyTorch: time and memory taken.

    python -m benchmarks.network_gram --save

A thousand samples: one output and a million parameters, then ten outputs and a hundred thousand parameters.
The threshold of mean-square stability is exact with one output, and lies between bounds with ten.
"""

from __future__ import annotations

import argparse
import resource
import time
from collections.abc import Callable
from typing import TypeVar

from benchmarks.contest import at_most
from benchmarks.findings import Finding, facts, publish
from potentials import FunctionSpace
from simdyn.exact import gram_mean_square_threshold, gram_nonuniformity, gram_sharpness

SAMPLES = 1_000
WIDTHS = {1: 955, 10: 266}
"""Of both hidden layers, for each number of outputs."""

Found = TypeVar("Found")


def timed(what: Callable[[], Found]) -> tuple[Found, float]:
    begun = time.perf_counter()
    return what(), time.perf_counter() - begun


def findings(outputs: int) -> list[Finding]:
    """Seconds for each quantity of one network, and the most memory that the process has had so far."""
    import torch
    from torch.nn import Linear, ReLU, Sequential

    torch.manual_seed(0)
    width = WIDTHS[outputs]
    module = Sequential(
        Linear(100, width), ReLU(), Linear(width, width), ReLU(), Linear(width, outputs)
    )  # fmt: skip
    inputs, targets = torch.randn(SAMPLES, 100), torch.randn(SAMPLES, outputs)
    space, seconds = timed(lambda: FunctionSpace.from_torch(module, inputs, targets))
    parts = {"Gram matrix": seconds}
    quantities: dict[str, Callable[[FunctionSpace], object]] = {
        "sharpness": gram_sharpness,
        "non-uniformity": gram_nonuniformity,
        "threshold of mean-square stability": gram_mean_square_threshold,
    }
    for name, quantity in quantities.items():
        found, parts[name] = timed(lambda quantity=quantity: quantity(space))  # type: ignore[misc]
        print(f"{name}: {found}", flush=True)
    network = f"{space.network_dim:,} parameters, {outputs} output{'s' if outputs > 1 else ''}"
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6
    return [
        *(Finding(f"{network}: {name}", "s", (value,)) for name, value in parts.items()),
        Finding(f"{network}: all of it", "s", (sum(parts.values()),), at_most(600)),
        Finding(f"{network}: most memory", "GB", (memory,), at_most(8)),
    ]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--save", action="store_true", help="write results/network_gram.json")
    save = parser.parse_args().save
    known = facts()
    publish("network_gram", [one for outputs in WIDTHS for one in findings(outputs)], known, save)


if __name__ == "__main__":
    main()
