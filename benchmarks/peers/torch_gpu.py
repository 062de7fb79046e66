"""PyTorch on a GPU: a loop over steps in place, captured once as a CUDA graph and replayed."""

from __future__ import annotations

from typing import Any

import torch

from benchmarks.contest import Contestant, PeerUnavailable, Workload

if not torch.cuda.is_available():
    raise PeerUnavailable("torch finds no GPU")

PATHS = 4_000_000


def contestants(workload: Workload, threads: int) -> list[Contestant]:
    if workload.exit_above is not None:
        return []
    paths = PATHS // workload.dim
    return [
        _contestant(workload, paths, "torch, CUDA graph", torch.float64),
        _contestant(workload, paths, "torch, CUDA graph, float32", torch.float32),
    ]


def _contestant(workload: Workload, paths: int, name: str, dtype: Any) -> Contestant:
    x = torch.empty((paths, workload.dim), dtype=dtype, device="cuda")

    def step() -> None:
        x.add_(workload.gradient(x), alpha=-workload.dt)
        x.add_(torch.randn_like(x), alpha=workload.noise)

    graph: Any = None

    def run(seed: int) -> Any:
        nonlocal graph
        if graph is None:
            x.fill_(workload.start)
            side = torch.cuda.Stream()
            side.wait_stream(torch.cuda.current_stream())
            with torch.cuda.stream(side):  # Warm up beside the capture, as torch asks for.
                for _ in range(3):
                    step()
            torch.cuda.current_stream().wait_stream(side)
            graph = torch.cuda.CUDAGraph()
            with torch.cuda.graph(graph):
                step()
        torch.cuda.manual_seed(seed)
        x.fill_(workload.start)
        for _ in range(workload.steps):
            graph.replay()
        return x.cpu().numpy()

    return Contestant(name=name, paths=paths, run=run)
