"""Checks that the kernels of this installation do what they should, to the bit."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version

import numpy as np

REQUIRED = (
    "numpy", "scipy", "sympy", "numba", "llvmlite", "xarray", "h5netcdf", "h5py", "pandas", "matplotlib",
    "typer", "rich",
)  # fmt: skip
OPTIONAL = ("cupy-cuda12x", "cupy-cuda13x", "dask", "distributed")

# The known answers that come with the Random123 library: counter, key, words.
PHILOX_ANSWERS = (
    ((0, 0, 0, 0), (0, 0), (0x6627E8D5, 0xE169C58D, 0xBC57AC4C, 0x9B00DBD8)),
    ((0xFFFFFFFF,) * 4, (0xFFFFFFFF,) * 2, (0x408F276D, 0x41C83B0E, 0xA20BC7C6, 0x6D5451FD)),
    (
        (0x243F6A88, 0x85A308D3, 0x13198A2E, 0x03707344),
        (0xA4093822, 0x299F31D0),
        (0xD16CFE09, 0x94FDCCEB, 0x5001E420, 0x24126EA1),
    ),
)

TRAJECTORIES = {
    "float64": "0695900eb16169ff057102b1b587a4bdebe9323ac7feea615b9aba92a3ab595c",
    "float32": "da1b2b0d072ba803baf14d23197a07b40d8335b22d8aff2eb06920d804e896c5",
}
"""SHA-256 of the final states, little-endian, of the paths of `_trajectory`."""

_PHILOX_SOURCE = '''"""Philox words, for the self-test."""
from numba import njit
from simdyn.noise.device import philox


@njit(cache=True)
def words(c0, c1, c2, c3, k0, k1):
    return philox(c0, c1, c2, c3, k0, k1)
'''


@dataclass(frozen=True)
class Check:
    """The outcome of one check: what was found, or what is wrong."""

    name: str
    ok: bool
    detail: str


def run_checks() -> tuple[Check, ...]:
    """All checks; one that cannot be made has failed. The GPU is looked at where there is one."""
    from simdyn.engines.device import missing_device

    checks = _CHECKS if missing_device() else {**_CHECKS, "paths on the GPU": _gpu_trajectories}
    return tuple(_checked(name, check) for name, check in checks.items())


def installed(names: tuple[str, ...]) -> dict[str, str | None]:
    """Version of each distribution; None where it is not installed."""
    found: dict[str, str | None] = {}
    for name in names:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            found[name] = None
    return found


def _checked(name: str, check: Callable[[], str]) -> Check:
    try:
        return Check(name, True, check())
    except Exception as error:  # Whatever is broken, the person who asks what is broken must be told.
        return Check(name, False, str(error) or type(error).__name__)


def _dependencies() -> str:
    missing = [name for name, found in installed(REQUIRED).items() if found is None]
    if missing:
        raise ValueError(f"{', '.join(missing)} {'is' if len(missing) == 1 else 'are'} not installed")
    return "all there"


def _cache() -> str:
    from simdyn.lowering import cache_folder, load_kernels

    load_kernels(_PHILOX_SOURCE)
    return f"kernels can be written to {cache_folder()}"


def _philox() -> str:
    from simdyn.lowering import load_kernels

    words = load_kernels(_PHILOX_SOURCE).words
    for counter, key, answer in PHILOX_ANSWERS:
        found = tuple(int(word) & 0xFFFFFFFF for word in words(*(np.uint64(n) for n in (*counter, *key))))
        if found != answer:
            raise ValueError(f"Philox4x32-10 gives {found} for counter {counter}, published is {answer}")
    return f"{len(PHILOX_ANSWERS)} published answers of Philox4x32-10 reproduced"


def _trajectory(dtype: str, backend: str, threads: int | None = None) -> str:
    """Hash of 300 paths after 50 steps: more than one block of lanes, and a cut group of steps."""
    from potentials import double_well
    from simdyn.dynamics import SGLD
    from simdyn.engines import engine_for

    engine = engine_for(backend, SGLD(0.05, 0.2).update(double_well()), dtype=dtype, threads=threads)
    states = engine.integrate(np.full((300, 1), -1.0), steps=50, seed=2026)
    return hashlib.sha256(states.astype(f"<f{states.itemsize}").tobytes()).hexdigest()


def _trajectories() -> str:
    for dtype, pinned in TRAJECTORIES.items():
        for threads in (1, 2):
            found = _trajectory(dtype, "cpu", threads)
            if found != pinned:
                raise ValueError(
                    f"paths in {dtype} on {threads} thread{'s' * (threads > 1)} have the hash "
                    f"{found[:12]}, but every machine should give {pinned[:12]}"
                )
    return "300 paths in float64 and float32, on 1 and 2 threads, are the same to the bit as everywhere"


def _gpu_trajectories() -> str:
    for dtype, pinned in TRAJECTORIES.items():
        found = _trajectory(dtype, "gpu")
        if found != pinned:
            raise ValueError(f"paths in {dtype} have the hash {found[:12]}, on the CPU it is {pinned[:12]}")
    return "300 paths in float64 and float32 are the same to the bit as on the CPU"


_CHECKS = {
    "dependencies": _dependencies,
    "kernel cache": _cache,
    "random words": _philox,
    "trajectories": _trajectories,
}
