"""How many steps all paths take before any goes further."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from simdyn.recorders.run import _next_length


def settled(step_seconds: float) -> int:
    """The length that rounds come to when each step takes as long."""
    length = 8
    for _ in range(30):
        length = _next_length(length, length * step_seconds)
    return length


@given(st.floats(1e-7, 10.0))
def test_lengths_settle(step_seconds: float) -> None:
    length = settled(step_seconds)
    assert length % 8 == 0
    assert _next_length(length, length * step_seconds) == length


@given(st.floats(1e-7, 10.0))
def test_rounds_are_short_in_time_or_in_steps(step_seconds: float) -> None:
    """0.4 seconds where that makes more than 128 steps, else up to 3; but never fewer than 8 steps."""
    length = settled(step_seconds)
    seconds = length * step_seconds
    assert seconds <= 0.4 if length > 128 else seconds <= 3.0 or length == 8


@given(st.floats(1e-7, 10.0))
def test_rounds_are_long_enough_to_be_worth_while(step_seconds: float) -> None:
    """At least 128 steps, or 1.5 seconds; and 0.1 seconds in any case."""
    length = settled(step_seconds)
    assert length >= 128 or length * step_seconds >= 1.5
    assert length * step_seconds >= 0.1
