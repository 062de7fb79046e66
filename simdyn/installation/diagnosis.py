"""Is this installation sound, and what does it use?"""

from __future__ import annotations

import os
import platform
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import simdyn._version as own
from simdyn.engines.threads import default_threads
from simdyn.errors import InputError
from simdyn.installation.machine import Machine, this_machine
from simdyn.installation.selftest import OPTIONAL, REQUIRED, Check, installed, run_checks


@dataclass(frozen=True)
class Cache:
    """The folder of generated kernels.

    Attributes
    ----------
    folder
        Where it is; None when it cannot be made.
    kernels, size
        Number of kernels in it, and bytes of all their files.
    """

    folder: str | None
    kernels: int
    size: int


@dataclass(frozen=True)
class Diagnosis:
    """What `doctor` has found; prints as a page for people.

    Attributes
    ----------
    simdyn, python, system
        Versions, and the operating system.
    packages
        Versions of required and optional dependencies; None for those not installed.
    machine, threads
        The processor, and the threads that a run takes by default.
    backends
        For each backend what it runs on, or why it cannot be used.
    cache
        The folder of kernels.
    checks
        The self-test.
    """

    simdyn: str
    python: str
    system: str
    packages: Mapping[str, str | None]
    machine: Machine
    threads: int
    backends: Mapping[str, str]
    cache: Cache
    checks: tuple[Check, ...]

    @property
    def ok(self) -> bool:
        """Whether all checks passed."""
        return all(check.ok for check in self.checks)

    def to_json(self) -> dict[str, Any]:
        """The object that the shell prints."""
        return {
            "ok": self.ok,
            "simdyn": self.simdyn,
            "python": self.python,
            "system": self.system,
            "packages": dict(self.packages),
            "machine": self.machine.record(),
            "threads": self.threads,
            "backends": dict(self.backends),
            "cache": asdict(self.cache),
            "checks": [asdict(check) for check in self.checks],
        }

    def __str__(self) -> str:
        there = ", ".join(f"{name} {found}" for name, found in self.packages.items() if found)
        absent = ", ".join(name for name, found in self.packages.items() if not found) or "none"
        cache = self.cache
        held = (
            f"{cache.folder}: {cache.kernels} kernels, {cache.size / 1e6:.1f} MB"
            if cache.folder
            else "cannot be made, see below"
        )
        lines = [
            f"simdyn {self.simdyn} on Python {self.python}, {self.system}",
            f"  packages       {there}",
            f"  not installed  {absent}",
            f"  processor      {self.machine}",
            f"  threads        {self.threads} by default",
            *(f"  backend {name:6} {said}" for name, said in self.backends.items()),
            f"  kernel cache   {held}",
            "self-test",
            *(
                f"  {'ok   ' if check.ok else 'WRONG'}  {check.name:14} {check.detail}"
                for check in self.checks
            ),
            "all is well" if self.ok else "something is wrong: see the lines marked WRONG",
        ]
        return "\n".join(lines)


def doctor() -> Diagnosis:
    """Versions, processor, backends, kernel cache, and a self-test of a few seconds.

    The self-test compiles (or loads) small kernels, holds the random words against published answers, and the
    bits of a few hundred paths against those that every machine gives.
    """
    # The self-test first: it may fill the cache that is then looked at.
    checks = run_checks()
    return Diagnosis(
        simdyn=own.__version__,
        python=platform.python_version(),
        system=f"{platform.system()} {platform.release()} {platform.machine()}",
        packages=installed(REQUIRED + OPTIONAL),
        machine=this_machine(),
        threads=default_threads(None),
        backends={"cpu": "Numba kernels", "gpu": _gpu()},
        cache=_cache(),
        checks=checks,
    )


def _gpu() -> str:
    """ "usable", or the reason that a run which asks for the GPU is given."""
    from potentials import double_well
    from simdyn.dynamics import SGLD
    from simdyn.engines import engine_for

    try:
        engine_for("gpu", SGLD(0.1, 0.1).update(double_well()))
    except InputError as reason:
        return str(reason)
    return "usable"


def _cache() -> Cache:
    from simdyn.lowering import cache_folder

    try:
        folder = cache_folder()
    except InputError:
        return Cache(None, 0, 0)
    size = 0
    for root, _, names in os.walk(folder):
        for name in names:
            try:
                size += (Path(root) / name).stat().st_size
            except FileNotFoundError:
                continue  # Another process has just replaced it.
    return Cache(str(folder), len(list(folder.glob("simdyn_kernels_*.py"))), size)
