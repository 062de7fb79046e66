"""JAX: a jitted `lax.scan` over steps, vectorised over paths; with an exit, a `while_loop` with a mask."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from benchmarks.contest import Contestant, Workload

jax.config.update("jax_enable_x64", True)


def final_positions(workload: Workload, paths: int, name: str, dtype: Any) -> Contestant:
    dt, noise = dtype(workload.dt), dtype(workload.noise)

    @jax.jit
    def simulate(key: jax.Array) -> jax.Array:
        def step(x: jax.Array, key: jax.Array) -> tuple[jax.Array, None]:
            return x - dt * workload.gradient(x) + noise * jax.random.normal(key, x.shape, dtype), None

        # Paths run along the last axis: XLA vectorises along it.
        start = jnp.full((workload.dim, paths), workload.start, dtype)
        return jax.lax.scan(step, start, jax.random.split(key, workload.steps))[0]

    return Contestant(name=name, paths=paths, run=lambda seed: np.asarray(simulate(jax.random.key(seed))).T)


def stopping_steps(workload: Workload, paths: int, name: str) -> Contestant:
    @jax.jit
    def simulate(key: jax.Array) -> jax.Array:
        def unfinished(state: Any) -> jax.Array:
            step, _, stopped = state
            return (step < workload.steps) & jnp.any(stopped == workload.steps)

        def advance(state: Any) -> Any:
            step, x, stopped = state
            xi = jax.random.normal(jax.random.fold_in(key, step), x.shape)
            x = x - workload.dt * workload.gradient(x) + workload.noise * xi
            first_exit = (x >= workload.exit_above) & (stopped == workload.steps)
            return step + 1, x, jnp.where(first_exit, step + 1, stopped)

        start = jnp.full(paths, workload.start), jnp.full(paths, workload.steps)
        return jax.lax.while_loop(unfinished, advance, (0, *start))[2]

    return Contestant(name=name, paths=paths, run=lambda seed: np.asarray(simulate(jax.random.key(seed))))


def contestants(workload: Workload, threads: int, paths: int = 20_000) -> list[Contestant]:
    if workload.exit_above is not None:
        return [stopping_steps(workload, paths // 5, "JAX while_loop with a mask")]
    paths //= workload.dim
    return [
        final_positions(workload, paths, "JAX scan", jnp.float64),
        final_positions(workload, paths, "JAX scan, float32", jnp.float32),
    ]
