"""Which software computed a result."""

from __future__ import annotations

import platform
from importlib.metadata import version

from simdyn._version import __version__


def versions() -> dict[str, str]:
    """Versions of simdyn and of all that the bits of a result depend on, and the machine's architecture."""
    libraries = ("numpy", "scipy", "sympy", "numba", "llvmlite")
    return {
        "simdyn": __version__,
        "python": platform.python_version(),
        **{name: version(name) for name in libraries},
        "platform": f"{platform.system()} {platform.machine()}",
    }
