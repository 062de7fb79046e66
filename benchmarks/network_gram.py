"""Gram matrix, sharpness and non-uniformity of a large network of PyTorch, with time and memory taken.

python -m benchmarks.network_gram                  # one output, a million parameters
python -m benchmarks.network_gram --outputs 10     # ten outputs, a hundred thousand parameters
"""

from __future__ import annotations

import argparse
import resource
import time

from potentials import FunctionSpace
from simdyn.exact import (
    gram_mean_square_threshold,
    gram_nonuniformity,
    gram_sharpness,
    gram_theorem1_threshold,
)


def main() -> None:
    import torch

    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--samples", type=int, default=1000, help="samples [1000]")
    parser.add_argument("--outputs", type=int, default=1, help="outputs a sample [1]")
    samples, outputs = (parser.parse_args().samples, parser.parse_args().outputs)
    width = 955 if outputs == 1 else 260
    torch.manual_seed(0)
    module = torch.nn.Sequential(
        torch.nn.Linear(100, width), torch.nn.ReLU(), torch.nn.Linear(width, width), torch.nn.ReLU(),
        torch.nn.Linear(width, outputs),
    )  # fmt: skip
    begun = time.perf_counter()
    space = FunctionSpace.from_torch(module, torch.randn(samples, 100), torch.randn(samples, outputs))
    print(f"{space}: Gram matrix in {time.perf_counter() - begun:.0f} s")
    for what in (gram_sharpness, gram_nonuniformity, gram_theorem1_threshold, gram_mean_square_threshold):
        begun = time.perf_counter()
        found = what(space)
        print(f"{what.__name__}: {found}, {time.perf_counter() - begun:.1f} s")
    print(f"peak memory {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6:.2f} GB")


if __name__ == "__main__":
    main()
