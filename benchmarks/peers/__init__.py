"""The peers, one file each: `contestants(workload, threads)` lists what it offers, maybe nothing."""

from __future__ import annotations

import importlib
from typing import Protocol

from benchmarks.contest import Contestant, PeerUnavailable, Workload

PEERS = {
    "simdyn": "simdyn_cpu",
    "c": "c_loop",
    "numba": "numba_loop",
    "numpy": "numpy_vectorised",
    "jax": "jax_scan",
    "diffrax": "diffrax_euler",
    "torchsde": "torchsde_euler",
    "sdeint": "sdeint_euler",
}
"""Name on the command line -> module."""


class Contestants(Protocol):
    def __call__(self, workload: Workload, threads: int) -> list[Contestant]: ...


def load(peer: str) -> Contestants:
    """Import a peer; raise PeerUnavailable, naming what is missing, when it cannot run here."""
    try:
        module = importlib.import_module(f"benchmarks.peers.{PEERS[peer]}")
    except ModuleNotFoundError as error:
        if error.name is None or error.name.split(".")[0] == "benchmarks":
            raise
        raise PeerUnavailable(f"{error.name} is not installed") from error
    offer: Contestants = module.contestants
    return offer
