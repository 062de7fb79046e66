"""Which engine runs a problem."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING

import numpy as np

from simdyn.dynamics import MinibatchUpdate, Rule
from simdyn.engines.cpu import CpuEngine
from simdyn.errors import InputError
from simdyn.exits import Exit, Score

if TYPE_CHECKING:
    from simdyn.engines.gpu import GpuEngine
    from simdyn.engines.minibatch import MinibatchEngine
    from simdyn.engines.several_gpus import SeveralGpus

    WatchingEngine = CpuEngine | MinibatchEngine
    Engine = WatchingEngine | GpuEngine | SeveralGpus

BACKENDS = ("auto", "cpu", "gpu")

GPU_PATHS = 1 << 14
"""Paths from which on a GPU has enough to do at once."""

GPU_WORK = 2e9
"""Coordinate-steps from which on a GPU makes up for the second or two that it takes to begin."""

_SAMPLE_PATHS, _SAMPLE_STEPS = 256, 40
"""How much of a problem "auto" has both backends compute before it trusts a GPU with the rest."""


def check_backend(backend: str, threads: int | None) -> None:
    """Refuse a backend that is not there, and threads asked for on the GPU.

    Raises
    ------
    InputError
        Either of these.
    """
    if backend not in BACKENDS:
        raise InputError(f"backend is {backend!r}, but it must be one of: {', '.join(BACKENDS)}.")
    if backend == "gpu" and threads is not None:
        raise InputError(f'threads is {threads!r}, but backend="gpu" uses none of the CPU\'s; leave it out.')


def engine_for(
    backend: str,
    update: Rule,
    exit: Exit | None = None,
    *,
    dtype: str = "float64",
    noise: str = "standard",
    threads: int | None = None,
    start: np.ndarray | None = None,
    paths: int = 0,
    steps: int = 0,
) -> Engine:
    """The engine of a backend for a rule in symbols or by samples.

    "auto" is the CPU unless there is a GPU, the rule runs there, the work is large enough to pay for it, and
    a sample of the paths is the same on both to the bit. Threads asked for are the CPU's.

    Parameters
    ----------
    start
        Where paths begin, shape (d,) or (n, d); "auto" without it is the CPU.
    paths, steps
        How many there will be, and how many steps each takes at most.

    Raises
    ------
    InputError
        A backend that is not there or cannot run the rule.
    """
    check_backend(backend, threads)
    if backend == "gpu":
        return _gpu(update, exit, dtype, noise)

    def cpu(threads: int | None) -> CpuEngine | MinibatchEngine:
        if isinstance(update, MinibatchUpdate):
            from simdyn.engines.minibatch import MinibatchEngine

            return MinibatchEngine(update, exit, dtype=dtype, noise=noise, threads=threads)
        return CpuEngine(update, exit, dtype=dtype, noise=noise, threads=threads)

    large = paths >= GPU_PATHS and float(paths) * steps * update.dim >= GPU_WORK
    if backend == "auto" and threads is None and start is not None and large:
        gpu = _gpu_if_possible(update, exit, dtype, noise)
        if gpu is not None:
            if _same_paths(cpu(1), gpu, exit, start):
                return gpu
            warnings.warn(
                "The GPU does not give the paths of the CPU to the bit, so the CPU computes them; "
                "`simdyn doctor` tests both.",
                RuntimeWarning,
                stacklevel=2,
            )
    return cpu(threads)


def watching_engine(
    update: Rule, exit: Exit, score: Score, *, dtype: str, noise: str, threads: int | None
) -> WatchingEngine:
    """The CPU engine of a rule in symbols or by samples whose paths keep a record of a score."""
    if isinstance(update, MinibatchUpdate):
        from simdyn.engines.minibatch import MinibatchEngine

        return MinibatchEngine(update, exit, dtype=dtype, noise=noise, threads=threads, score=score)
    return CpuEngine(update, exit, dtype=dtype, noise=noise, threads=threads, score=score)


def _gpu(update: Rule, exit: Exit | None, dtype: str, noise: str) -> GpuEngine | SeveralGpus:
    """All GPUs that there are."""
    from simdyn.engines.gpu import CupyDevice, GpuEngine

    count = CupyDevice.count()
    if count < 2:
        return GpuEngine(update, exit, dtype=dtype, noise=noise)
    from simdyn.engines.several_gpus import SeveralGpus

    devices = map(CupyDevice, range(count))
    return SeveralGpus([GpuEngine(update, exit, dtype=dtype, noise=noise, device=d) for d in devices])


def _gpu_if_possible(
    update: Rule, exit: Exit | None, dtype: str, noise: str
) -> GpuEngine | SeveralGpus | None:
    from simdyn.engines.device import missing_device

    if missing_device():
        return None
    try:
        return _gpu(update, exit, dtype, noise)
    except InputError:
        return None


def _same_paths(
    cpu: CpuEngine | MinibatchEngine, gpu: GpuEngine | SeveralGpus, exit: Exit | None, start: np.ndarray
) -> bool:
    """Whether some paths, and their exits if there is an exit, are the same to the bit."""
    points = np.resize(np.atleast_2d(start), (_SAMPLE_PATHS, cpu.update.dim))
    states = cpu.update.at_rest(points)
    ends = [engine.integrate(states, steps=_SAMPLE_STEPS, seed=0) for engine in (cpu, gpu)]
    same = _same_bits(*ends)
    if exit is not None and same:
        first, second = (
            engine.first_passage(points[0], paths=_SAMPLE_PATHS, max_steps=_SAMPLE_STEPS, seed=0)
            for engine in (cpu, gpu)
        )
        same = np.array_equal(first.steps, second.steps) and np.array_equal(first.code, second.code)
        same = same and _same_bits(first.state, second.state)
    return same


def _same_bits(first: np.ndarray, second: np.ndarray) -> bool:
    """NaN is NaN, whichever of its bit patterns a processor prefers."""
    bits = f"u{first.itemsize}"
    missing = np.isnan(first) & np.isnan(second)
    return bool(np.all(missing | (first.copy().view(bits) == second.copy().view(bits))))
