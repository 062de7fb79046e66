"""In which numbers paths are computed, and from which normals: what every engine can be asked for."""

from __future__ import annotations

import numpy as np

from simdyn.dynamics import Rule, Update
from simdyn.errors import InputError

DTYPES = ("float64", "float32")
NOISES = ("standard", "wide")


def checked_dtype(dtype: str, noise: str, update: Rule) -> np.dtype:
    """The type of the numbers.

    Raises
    ------
    InputError
        An unknown dtype or noise, or a rule that needs double precision.
    """
    if dtype not in DTYPES:
        raise InputError(f"dtype is {dtype!r}, but it must be one of: {', '.join(DTYPES)}.")
    if noise not in NOISES:
        raise InputError(f"The normals are {noise!r}, but they must be one of: {', '.join(NOISES)}.")
    if dtype == "float32" and isinstance(update, Update) and update.uniforms:
        raise InputError('Alpha-stable kicks need double precision; use dtype="float64".')
    return np.dtype(dtype)
