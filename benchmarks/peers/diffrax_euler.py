"""diffrax's Euler solver with constant steps and both of its Brownian motions.

`UnsafeBrownianPath` draws increments as they come, which is all that constant steps need;
`VirtualBrownianTree` can be asked for any interval again, which adaptive steps need and which costs far more.
Mapping the solver over paths is what the documentation teaches; giving it one state that holds all paths is
faster and is shown beside it. With an exit, each path's solver ends at an `Event`; mapped over paths, all
wait for the last one.
"""

from __future__ import annotations

import math
from typing import Any, Literal

import diffrax
import jax
import jax.numpy as jnp
import lineax
import numpy as np

from benchmarks.contest import Contestant, Workload

jax.config.update("jax_enable_x64", True)

Motion = Literal["UnsafeBrownianPath", "VirtualBrownianTree"]


def solve(workload: Workload, motion: Motion, start: jax.Array, key: jax.Array) -> Any:
    """One call of the solver; the solution holds the last time and the last state."""
    end = workload.steps * workload.dt
    amplitude = math.sqrt(2.0 * workload.diffusion)
    shape = jax.ShapeDtypeStruct(start.shape, start.dtype)
    brownian: Any
    adjoint: Any
    if motion == "UnsafeBrownianPath":
        brownian = diffrax.UnsafeBrownianPath(shape=shape, key=key)
        adjoint = diffrax.DirectAdjoint()
    else:
        brownian = diffrax.VirtualBrownianTree(0.0, end, tol=workload.dt / 2, shape=shape, key=key)
        adjoint = diffrax.RecursiveCheckpointAdjoint()
    terms: Any = diffrax.MultiTerm(
        diffrax.ODETerm(lambda t, x, args: -workload.gradient(x)),
        diffrax.ControlTerm(
            lambda t, x, args: lineax.DiagonalLinearOperator(jnp.full_like(x, amplitude)), brownian
        ),
    )
    event = None
    if workload.exit_above is not None:
        event = diffrax.Event(lambda t, x, args, **options: x[0] >= workload.exit_above)
    return diffrax.diffeqsolve(
        terms,
        diffrax.Euler(),
        t0=0.0,
        t1=end,
        dt0=workload.dt,
        y0=start,
        saveat=diffrax.SaveAt(t1=True),
        max_steps=None,
        adjoint=adjoint,
        event=event,
        throw=False,
    )


def mapped(workload: Workload, motion: Motion, paths: int, name: str, dtype: Any) -> Contestant:
    start = jnp.full(workload.dim, workload.start, dtype)
    simulate = jax.jit(jax.vmap(lambda key: solve(workload, motion, start, key).ys[0]))

    def run(seed: int) -> Any:
        return np.asarray(simulate(jax.random.split(jax.random.key(seed), paths)))

    return Contestant(name=name, paths=paths, run=run)


def batched(workload: Workload, motion: Motion, paths: int, name: str) -> Contestant:
    start = jnp.full((workload.dim, paths), workload.start)
    simulate = jax.jit(lambda key: solve(workload, motion, start, key).ys[0])
    return Contestant(name=name, paths=paths, run=lambda seed: np.asarray(simulate(jax.random.key(seed))).T)


def stopping_steps(workload: Workload, motion: Motion, paths: int, name: str) -> Contestant:
    start = jnp.full(workload.dim, workload.start)
    simulate = jax.jit(jax.vmap(lambda key: solve(workload, motion, start, key).ts[0]))

    def run(seed: int) -> Any:
        times = np.asarray(simulate(jax.random.split(jax.random.key(seed), paths)))
        return np.rint(times / workload.dt).astype(np.int64)

    return Contestant(name=name, paths=paths, run=run)


def contestants(workload: Workload, threads: int) -> list[Contestant]:
    unsafe: Motion = "UnsafeBrownianPath"
    if workload.exit_above is not None:
        return [stopping_steps(workload, unsafe, 2_000, "diffrax, UnsafeBrownianPath and an Event")]
    paths = 10_000 // workload.dim
    return [
        mapped(workload, unsafe, paths, "diffrax, UnsafeBrownianPath", jnp.float64),
        mapped(workload, unsafe, paths, "diffrax, UnsafeBrownianPath, float32", jnp.float32),
        batched(workload, unsafe, paths, "diffrax, UnsafeBrownianPath, one batched state"),
        mapped(workload, "VirtualBrownianTree", paths // 50, "diffrax, VirtualBrownianTree", jnp.float64),
    ]
