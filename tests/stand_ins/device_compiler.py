"""Device sources compiled as on a machine with a GPU: NVRTC, NVIDIA's run-time compiler, needs none."""

from __future__ import annotations

import pytest


def _missing() -> str:
    try:
        from cupy.cuda import nvrtc
    except ImportError:
        return "CuPy is not installed, nor with it NVRTC (pip install simdyn[cuda12])"
    try:
        nvrtc.getVersion()
    except Exception as error:  # whatever the loader of NVIDIA's libraries raises
        return f"NVRTC cannot be loaded: {str(error).splitlines()[0]}"
    return ""


needs_nvrtc = pytest.mark.skipif(bool(_missing()), reason=_missing() or "NVRTC is there")
