"""Which engine runs a problem."""

from __future__ import annotations

from typing import TYPE_CHECKING, overload

from potentials import FunctionSpace
from simdyn.dynamics import MinibatchUpdate, Rule
from simdyn.engines.cpu import CpuEngine
from simdyn.errors import InputError
from simdyn.exits import Exit

if TYPE_CHECKING:
    from simdyn.engines.gpu import GpuEngine
    from simdyn.engines.minibatch import MinibatchEngine
    from simdyn.engines.modes import ModesEngine

BACKENDS = ("auto", "cpu", "gpu")


def backend_of(backend: str, threads: int | None) -> str:
    """The backend that is meant: "auto" is the CPU, which runs everything.

    Raises
    ------
    InputError
        A backend that is not there, or threads asked for on the GPU.
    """
    if backend not in BACKENDS:
        raise InputError(f"backend is {backend!r}, but it must be one of: {', '.join(BACKENDS)}.")
    if backend == "gpu" and threads is not None:
        raise InputError(f'threads is {threads!r}, but backend="gpu" uses none of the CPU\'s; leave it out.')
    return "gpu" if backend == "gpu" else "cpu"


@overload
def engine_for(
    backend: str,
    update: Rule,
    exit: Exit,
    *,
    dtype: str = ...,
    noise: str = ...,
    threads: int | None = ...,
) -> CpuEngine | MinibatchEngine | GpuEngine: ...


@overload
def engine_for(
    backend: str,
    update: Rule,
    exit: None = ...,
    *,
    dtype: str = ...,
    noise: str = ...,
    threads: int | None = ...,
) -> CpuEngine | MinibatchEngine | ModesEngine | GpuEngine: ...


def engine_for(
    backend: str,
    update: Rule,
    exit: Exit | None = None,
    *,
    dtype: str = "float64",
    noise: str = "standard",
    threads: int | None = None,
) -> CpuEngine | MinibatchEngine | ModesEngine | GpuEngine:
    """The engine of a backend for a rule in symbols or by samples.

    Raises
    ------
    InputError
        A backend that is not there or cannot run the rule.
    """
    if backend_of(backend, threads) == "gpu":
        from simdyn.engines.gpu import GpuEngine

        return GpuEngine(update, exit, dtype=dtype, noise=noise)
    if isinstance(update, MinibatchUpdate):
        if isinstance(update.potential, FunctionSpace) and update.noise == "none" and exit is None:
            from simdyn.engines.modes import ModesEngine

            return ModesEngine(update, dtype=dtype, noise=noise, threads=threads)
        from simdyn.engines.minibatch import MinibatchEngine

        return MinibatchEngine(update, exit, dtype=dtype, noise=noise, threads=threads)
    return CpuEngine(update, exit, dtype=dtype, noise=noise, threads=threads)
