"""torchsde's `sdeint` with method "euler", batched over paths.

Told the step, and to treat times closer than dt/1000 as equal, torchsde's Brownian motion is four times
faster than the one that `sdeint` makes by itself, which searches a tree of intervals. Both are shown. The
time grid is in float64 because rounded times miss the intervals and are slower still.
"""

from __future__ import annotations

import functools
import math

import torch
import torchsde

from benchmarks.contest import Contestant, Sample, Workload


class Langevin(torch.nn.Module):
    """dX = -gradient(X) dt + sqrt(2 D) dW."""

    noise_type = "diagonal"
    sde_type = "ito"

    def __init__(self, workload: Workload) -> None:
        super().__init__()
        self.gradient = workload.gradient
        self.amplitude = math.sqrt(2.0 * workload.diffusion)

    def f(self, t: torch.Tensor, x: torch.Tensor) -> torch.Tensor:
        return -self.gradient(x)

    def g(self, t: torch.Tensor, x: torch.Tensor) -> torch.Tensor:
        return torch.full_like(x, self.amplitude)


@torch.no_grad()
def final_positions(workload: Workload, paths: int, told_the_step: bool, seed: int) -> Sample:
    end = workload.steps * workload.dt
    hints = {"dt": workload.dt, "tol": workload.dt / 1_000} if told_the_step else {}
    motion = torchsde.BrownianInterval(
        t0=0.0, t1=end, size=(paths, workload.dim), dtype=torch.float64, entropy=seed, **hints
    )
    start = torch.full((paths, workload.dim), workload.start, dtype=torch.float64)
    times = torch.tensor([0.0, end], dtype=torch.float64)
    x = torchsde.sdeint(Langevin(workload), start, times, bm=motion, method="euler", dt=workload.dt)[-1]
    return x.numpy()


def contestants(workload: Workload, threads: int) -> list[Contestant]:
    if workload.exit_above is not None:
        return []
    torch.set_num_threads(threads)
    paths = 10_000 // workload.dim
    return [
        Contestant(
            name=name, paths=paths, run=functools.partial(final_positions, workload, paths, told_the_step)
        )
        for name, told_the_step in (("torchsde euler, told the step", True), ("torchsde euler", False))
    ]
