"""The machine and the software a measurement was made on, and the hold it keeps on cores and threads."""

from __future__ import annotations

import datetime
import os
import platform
import shutil
import subprocess
from collections.abc import Mapping
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

PACKAGES = (
    "numpy",
    "scipy",
    "sympy",
    "numba",
    "llvmlite",
    "jax",
    "jaxlib",
    "diffrax",
    "equinox",
    "lineax",
    "torch",
    "torchsde",
    "sdeint",
)


def pin(threads: int) -> list[int]:
    """Keep this process, and all it starts, on `threads` cores and `threads` threads.

    Call it before NumPy, Numba, JAX or torch are imported: they read these limits once. Returns the cores.
    """
    allowed = sorted(os.sched_getaffinity(0))
    if not 1 <= threads <= len(allowed):
        raise SystemExit(
            f"--threads {threads}: this process may use {len(allowed)} cores; ask for 1 to {len(allowed)}."
        )
    os.sched_setaffinity(0, allowed[:threads])
    for variable in ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS", "NUMBA_NUM_THREADS"):
        os.environ[variable] = str(threads)
    os.environ["JAX_PLATFORMS"] = "cpu"
    return allowed[:threads]


def hardware() -> dict[str, str]:
    """What /proc/cpuinfo says of the first core, and how busy the machine is."""
    first_core = Path("/proc/cpuinfo").read_text().split("\n\n")[0]
    fields = {
        key.strip(): value.strip()
        for key, _, value in (line.partition(":") for line in first_core.splitlines())
    }
    flags = set(fields.get("flags", "").split())
    return {
        "processor": fields.get("model name", platform.machine()),
        "family, model, stepping": ", ".join(fields.get(k, "?") for k in ("cpu family", "model", "stepping")),
        "clock (nominal)": f"{fields.get('cpu MHz', '?')} MHz",
        "cores": str(os.cpu_count()),
        "vector instructions": "AVX-512" if "avx512f" in flags else "AVX2" if "avx2" in flags else "other",
        "virtual machine": "yes" if "hypervisor" in flags else "no",
        "load average before the run": f"{os.getloadavg()[0]:.2f}",
        "system": f"{platform.system()} {platform.release()}",
    }


def software() -> dict[str, str]:
    """Versions of everything that takes part; packages that are not installed are left out."""
    from simdyn._version import __version__

    found = {"python": platform.python_version(), "simdyn": f"{__version__}{_commit()}"}
    for package in PACKAGES:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            continue
    if shutil.which("g++"):
        found["g++"] = _output("g++", "-dumpfullversion")
    return found


def now() -> str:
    return datetime.datetime.now(datetime.UTC).strftime("%Y-%m-%d %H:%M UTC")


def in_one_line(facts: Mapping[str, str]) -> str:
    return "; ".join(f"{key} {value}" for key, value in facts.items())


def _commit() -> str:
    try:
        return f" ({_output('git', '-C', str(Path(__file__).parent), 'rev-parse', '--short', 'HEAD')})"
    except (OSError, subprocess.CalledProcessError):
        return ""


def _output(*command: str) -> str:
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()
