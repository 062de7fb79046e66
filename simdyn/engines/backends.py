"""Which engine runs a problem."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from simdyn.dynamics import MinibatchUpdate, Rule
from simdyn.engines.cpu import CpuEngine
from simdyn.errors import InputError
from simdyn.exits import Exit

if TYPE_CHECKING:
    from simdyn.engines.minibatch import MinibatchEngine

BACKENDS = ("auto", "cpu")


def engine_for(
    backend: str, update: Rule, exit: Exit | None = None, **options: Any
) -> CpuEngine | MinibatchEngine:
    """The engine of a backend for a rule in symbols or by samples; "auto" is the CPU, the only one so far.

    Raises
    ------
    InputError
        A backend that is not there.
    """
    if backend == "gpu":
        raise InputError(
            'backend="gpu" cannot be used: this version of simdyn has no GPU engine; '
            'use backend="cpu" or "auto".'
        )
    if backend not in BACKENDS:
        raise InputError(f"backend is {backend!r}, but it must be one of: {', '.join(BACKENDS)}.")
    if isinstance(update, MinibatchUpdate):
        from simdyn.engines.minibatch import MinibatchEngine

        return MinibatchEngine(update, exit, **options)
    return CpuEngine(update, exit, **options)
