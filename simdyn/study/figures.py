"""Figures as files: PNG, SVG and PDF, without dates, so that the same results give the same bytes."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_METADATA: dict[str, dict[str, Any]] = {
    "png": {"Software": None},
    "svg": {"Date": None, "Creator": None},
    "pdf": {"CreationDate": None, "Creator": None, "Producer": None},
}
FORMATS = tuple(_METADATA)


def figure_bytes(figure: Figure, name: str) -> dict[str, bytes]:
    """The figure in each format; `name` salts the identifiers inside the SVG."""
    import matplotlib

    files = {}
    with matplotlib.rc_context({"svg.hashsalt": name, "svg.fonttype": "path", "savefig.dpi": 200}):
        for form, metadata in _METADATA.items():
            stream = io.BytesIO()
            figure.savefig(stream, format=form, metadata=metadata, bbox_inches="tight")
            files[form] = stream.getvalue()
    return files
