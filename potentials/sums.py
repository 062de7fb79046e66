"""The landscapes that are means over samples, and the way back from a record to one of them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from potentials.errors import InputError
from potentials.finite_sum import FiniteSum
from potentials.linearised_network import LinearisedNetwork
from potentials.quadratic_sum import QuadraticSum
from potentials.sample_mean import SampleMean

__all__ = ["sum_from_record"]

_KINDS: dict[str, Any] = {
    "finite_sum": FiniteSum,
    "quadratic_sum": QuadraticSum,
    "linearised_network": LinearisedNetwork,
}


def sum_from_record(record: Mapping[str, Any]) -> SampleMean:
    """The sum that `record` came from.

    Raises
    ------
    InputError
        A kind that is not known, or a record without its data.
    """
    if record["kind"] not in _KINDS:
        raise InputError(
            f"The record is of the unknown kind {record['kind']!r}; known are {', '.join(_KINDS)}."
        )
    made: SampleMean = _KINDS[record["kind"]].from_record(record)
    return made
