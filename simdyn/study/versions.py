"""Which software computed a result."""

from __future__ import annotations

import platform
from importlib.metadata import version

from simdyn._version import __version__


def versions() -> dict[str, str]:
    """Versions of simdyn, of what its numbers depend on, and the machine's architecture."""
    return {
        "simdyn": __version__,
        "python": platform.python_version(),
        "numpy": version("numpy"),
        "scipy": version("scipy"),
        "numba": version("numba"),
        "platform": f"{platform.system()} {platform.machine()}",
    }
