"""Some paths of an ensemble while they advance: in memory, or on a device, where they then stay."""

from __future__ import annotations

from typing import Protocol

import numpy as np

from simdyn.engines.gpu import GpuEngine
from simdyn.noise import Seed
from simdyn.recorders.device_observation import DeviceObservation
from simdyn.recorders.observation import Observation
from simdyn.recorders.pairs import LEAF


class Engine(Protocol):
    """What a run needs of an engine."""

    def integrate(
        self, x: np.ndarray, *, steps: int, seed: Seed, first_path: int = 0, first_step: int = 0
    ) -> np.ndarray:
        """States after `steps` more steps; called from several threads at once."""


class States(Protocol):
    """States of paths `first_path`, `first_path` + 1, ..., of which recorders see the first `dim` rows."""

    def advance(self, first_step: int, last_step: int) -> None:
        """Take them from one step to another."""

    def observation(self, look: int) -> Observation:
        """What recorders see of them now."""

    def columns(self) -> np.ndarray:
        """All of them, shape (D, n)."""


class HostStates:
    """In memory."""

    def __init__(self, engine: Engine, columns: np.ndarray, first_path: int, dim: int, seed: Seed) -> None:
        self._engine, self._first_path, self._dim, self._seed = engine, first_path, dim, seed
        self._x = columns.T

    def advance(self, first_step: int, last_step: int) -> None:
        """Take them from one step to another."""
        self._x = self._engine.integrate(
            self._x,
            steps=last_step - first_step,
            seed=self._seed,
            first_path=self._first_path,
            first_step=first_step,
        )

    def observation(self, look: int) -> Observation:
        """What recorders see of them now."""
        return Observation(look, self._first_path, np.ascontiguousarray(self._x.T[: self._dim]))

    def columns(self) -> np.ndarray:
        """All of them, shape (D, n)."""
        return self._x.T


class DeviceStates:
    """On the device of a GPU engine."""

    def __init__(self, engine: GpuEngine, columns: np.ndarray, first_path: int, dim: int, seed: Seed) -> None:
        self._engine, self._first_path, self._dim, self._seed = engine, first_path, dim, seed
        self._x = engine.device.upload(columns)

    def advance(self, first_step: int, last_step: int) -> None:
        """Take them from one step to another."""
        self._engine.advance(self._x, self._first_path, first_step, last_step, self._seed)

    def observation(self, look: int) -> Observation:
        """What recorders see of them now."""
        return DeviceObservation(look, self._first_path, self._engine.device, self._x, self._dim)

    def columns(self) -> np.ndarray:
        """All of them, shape (D, n)."""
        return self._engine.device.download(self._x)


def device_chunk_size(engine: GpuEngine) -> int:
    """Paths that are kept on the device together: whole leaves, as many as fit."""
    return max(1, engine.paths_that_fit() // LEAF) * LEAF


def states_of(
    engine: Engine | GpuEngine, columns: np.ndarray, first_path: int, dim: int, seed: Seed
) -> States:
    """States where the engine works on them; `columns`, shape (D, n), stay as they are."""
    if isinstance(engine, GpuEngine):
        return DeviceStates(engine, columns, first_path, dim, seed)
    return HostStates(engine, columns, first_path, dim, seed)
