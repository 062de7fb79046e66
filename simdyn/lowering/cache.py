"""The folder of generated kernels: each a module file named by its hash, so that Numba can cache it."""

from __future__ import annotations

import hashlib
import importlib.util
import os
import sys
import threading
from collections.abc import Callable
from functools import cache
from pathlib import Path
from types import ModuleType

from simdyn.whole_files import make_folder, write_atomically

ANOTHER_CACHE = "make room there, or set SIMDYN_CACHE to a folder that can be written"
"""The remedy when a kernel cannot be kept."""

_LOADING = threading.RLock()

_DEVICE_MODULES = (
    "noise/device.py",
    "noise/polynomials.py",
    "noise/indices.py",
    "lowering/draws.py",
    "lowering/vector_rows.py",
)


def cache_folder() -> Path:
    """Where generated sources and machine code are kept: $SIMDYN_CACHE, or simdyn in the user's cache folder.

    Raises
    ------
    InputError
        A folder that cannot be made or written.
    """
    chosen = os.environ.get("SIMDYN_CACHE")
    base = (
        Path(chosen)
        if chosen
        else Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "simdyn"
    )
    make_folder(base, ANOTHER_CACHE)
    return base


def load_kernels(source: str) -> ModuleType:
    """The module with this text, from the cache folder; written there first if it is new."""
    name = module_name(source)
    # A module stands in sys.modules before it is complete, and several threads may want it at once.
    with _LOADING:
        return sys.modules[name] if name in sys.modules else _load(name, source)


def _load(name: str, source: str) -> ModuleType:
    path = cache_folder() / f"{name}.py"
    if not path.exists() or path.read_text() != source:
        write_atomically(path, source.encode(), ANOTHER_CACHE)
    spec = importlib.util.spec_from_file_location(name, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    # Numba finds the module of a function by its name.
    sys.modules[name] = module
    try:
        spec.loader.exec_module(module)
    except BaseException:
        del sys.modules[name]
        raise
    return module


def module_name(source: str) -> str:
    """The name of the module with this text.

    It covers the text and the device functions that it calls, which Numba's own cache does not follow.
    """
    digest = hashlib.sha256((source + _device_text()).encode()).hexdigest()[:24]
    return f"simdyn_kernels_{digest}"


def cached_file(name: str, make: Callable[[], bytes]) -> Path:
    """A file in the cache folder; written there first by `make` if it is new."""
    path = cache_folder() / name
    if not path.exists():
        write_atomically(path, make(), ANOTHER_CACHE)
    return path


@cache
def _device_text() -> str:
    folder = Path(__file__).parent.parent
    return "".join((folder / name).read_text() for name in _DEVICE_MODULES)
