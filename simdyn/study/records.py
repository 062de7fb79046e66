"""Checksummed JSON records: what a shard and a manifest have in common."""

from __future__ import annotations

import hashlib
import json
import math
from pathlib import Path
from typing import Any

from simdyn.whole_files import write_atomically


class DamagedRecordError(Exception):
    """A file does not hold the record that was written to it; the text says what is wrong, as a clause."""


def canonical(content: object) -> str:
    """The one JSON text of `content`, for hashes: sorted keys, no spaces, pure ASCII."""
    return json.dumps(_encoded(content), sort_keys=True, separators=(",", ":"), allow_nan=False)


def digest(content: object) -> str:
    """SHA-256 of the canonical text, in hexadecimal."""
    return hashlib.sha256(canonical(content).encode()).hexdigest()


def write_record(path: Path, content: dict[str, Any]) -> None:
    """Write `content` with its checksum, atomically, as valid JSON even where numbers are not finite."""
    record = {"checksum": digest(content), "content": _encoded(content)}
    write_atomically(path, (json.dumps(record, allow_nan=False) + "\n").encode())


def read_record(path: Path) -> dict[str, Any]:
    """Read what `write_record` wrote.

    Raises
    ------
    DamagedRecordError
        If the file cannot be read, is no such record, or fails its checksum.
    """
    try:
        record = json.loads(path.read_bytes())
    except OSError as error:
        raise DamagedRecordError(f"cannot be read ({error.strerror})") from error
    except ValueError as error:
        raise DamagedRecordError("is not valid JSON (truncated or overwritten)") from error
    if not isinstance(record, dict) or set(record) != {"checksum", "content"}:
        raise DamagedRecordError("is not a record of simdyn")
    try:
        content = _decoded(record["content"])
    except ValueError as error:
        raise DamagedRecordError("holds a number that is none") from error
    if not isinstance(content, dict) or digest(content) != record["checksum"]:
        raise DamagedRecordError("fails its checksum")
    return content


# JSON has no NaN or infinity; an object with this one key stands for them.
_NON_FINITE = "non-finite"


def _encoded(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _encoded(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_encoded(item) for item in value]
    if isinstance(value, float) and not math.isfinite(value):
        return {_NON_FINITE: str(value)}
    return value


def _decoded(value: Any) -> Any:
    if isinstance(value, dict):
        if set(value) == {_NON_FINITE}:
            return float(value[_NON_FINITE])
        return {key: _decoded(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_decoded(item) for item in value]
    return value
