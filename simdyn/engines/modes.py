"""The engine for function space with the full gradient: eigenvectors of the Gram matrix move on their own."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
from numba import njit

from potentials import FunctionSpace
from simdyn.dynamics import MinibatchUpdate
from simdyn.engines.minibatch import check_horizon
from simdyn.engines.precision import checked_dtype
from simdyn.engines.threads import default_threads, in_threads
from simdyn.errors import InputError
from simdyn.noise import Seed, key_words
from simdyn.noise.device import fma
from simdyn.noise.indices import SPARE, fill_normals, fill_normals_wide

_compiled: Callable[..., Any] = njit(cache=True, nogil=True, error_model="numpy")


class ModesEngine:
    """Advances errors of a linearised network under the full gradient, with or without kicks.

    In the basis of eigenvectors u_k of the Gram matrix, with eigenvalues g_k, the recursion falls apart into
    e_k' = (1 - eta g_k / n) e_k + kick sqrt(g_k) xi_k, at n c operations a step. States go into that basis
    and come back from it where somebody looks, which takes (n c)^2 operations
    and rounds: the last bits of a path depend on where a run is cut, unlike those of `MinibatchEngine`.

    Parameters
    ----------
    update
        One step of the dynamics, with noise="none".
    dtype, noise, threads
        As in `MinibatchEngine`.

    Raises
    ------
    InputError
        Single precision, an unknown noise, or a thread count below one.
    """

    def __init__(
        self,
        update: MinibatchUpdate,
        *,
        dtype: str = "float64",
        noise: str = "standard",
        threads: int | None = None,
    ) -> None:
        if checked_dtype(dtype, noise, update) != np.float64:
            raise InputError('Function space with the full gradient needs dtype="float64".')
        assert isinstance(update.potential, FunctionSpace)
        self.dtype, self.threads = np.dtype(dtype), default_threads(threads)
        self.update, self.dim, self.state_dim = update, update.dim, update.state_dim
        values, self._vectors = update.potential.modes
        self._model = (
            values / update.potential.size,
            np.sqrt(values),
            update.rates,
            update.kicks,
            float(update.momentum),
            bool(update.kicks.any()),
            noise == "wide",
        )

    def integrate(
        self, x: np.ndarray, *, steps: int, seed: Seed, first_path: int = 0, first_step: int = 0
    ) -> np.ndarray:
        """States after `steps` more steps; see `MinibatchEngine.integrate`."""
        check_horizon(self.update, first_step + steps)
        given = np.asarray(x, dtype=self.dtype)
        if given.ndim != 2 or given.shape[1] not in (self.dim, self.state_dim):
            wanted = " or ".join(f"(paths, {k})" for k in sorted({self.dim, self.state_dim}))
            raise InputError(f"The states have shape {given.shape}, but it must be {wanted}.")
        state = np.zeros((len(given), self.state_dim))
        state[:, : given.shape[1]] = given
        modes = self._turned(state, self._vectors)
        share = -(-len(state) // self.threads)
        work = [
            partial(
                advance_modes, modes[k : k + share], first_path + k, first_step, first_step + steps,
                *self._model, *key_words(seed),
            )
            for k in range(0, len(state), max(1, share))
        ]  # fmt: skip
        if len(work) == 1:
            work[0]()
        else:
            in_threads(work)
        return self._turned(modes, self._vectors.T)[:, : given.shape[1]]

    def _turned(self, state: np.ndarray, basis: np.ndarray) -> np.ndarray:
        """Positions and velocities in another basis, path by path: the bits depend on nothing else."""
        parts = state.reshape(len(state), -1, self.dim)
        return np.stack([part @ basis for part in parts]).reshape(state.shape)


@_compiled
def advance_modes(
    modes: Any, first_path: int, first_step: int, last_step: int, slopes: Any, roots: Any, rates: Any,
    kicks: Any, momentum: float, noisy: bool, wide: bool, key0: Any, key1: Any,
) -> None:  # fmt: skip
    """Advance to step last_step in place; row p of `modes` is path first_path + p at step first_step."""
    dim = slopes.size
    span = max(1, min(16, last_step - first_step)) if noisy else 1
    words = np.empty(2 * span * dim + 2 * SPARE, dtype=np.uint64)
    normals = np.zeros(span * dim + SPARE, dtype=np.float64)
    for j in range(modes.shape[0]):
        path = np.uint64(first_path + j)
        x = modes[j]
        shift = 0
        for step in range(first_step, last_step):
            place = (step - first_step) % span
            if noisy and place == 0:
                fill = min(span, last_step - step) * dim
                if wide:
                    shift = fill_normals_wide(normals, step * dim, fill, path, key0, key1, words)
                else:
                    shift = fill_normals(normals, step * dim, fill, path, key0, key1, words)
            rate = rates[min(step, rates.size - 1)]
            kick = kicks[min(step, kicks.size - 1)]
            if momentum != 0.0:
                for k in range(dim):
                    v = momentum * x[dim + k] - rate * slopes[k] * x[k]
                    if noisy:
                        v = fma(kick * roots[k], normals[shift + place * dim + k], v)
                    x[dim + k] = v
                    x[k] += v
            elif noisy:
                for k in range(dim):
                    moved = fma(kick * roots[k], normals[shift + place * dim + k], x[k])
                    x[k] = fma(-rate * slopes[k], x[k], moved)
            else:
                for k in range(dim):
                    x[k] = fma(-rate * slopes[k], x[k], x[k])
