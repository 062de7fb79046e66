"""Rounds in which all that is compared has its turn, so that a busy moment of the machine hits all alike."""

from __future__ import annotations

from collections.abc import Callable, Sequence


def interleaved(runs: Sequence[Callable[[], float]], rounds: int) -> list[tuple[float, ...]]:
    """The results of each run in each round, after one round that compiles and does not count."""
    results: list[list[float]] = [[] for _ in runs]
    for number in range(rounds + 1):
        # Another one begins each round: nobody always follows the same neighbour's cache.
        for place in range(len(runs)):
            k = (place + number) % len(runs)
            found = runs[k]()
            if number:
                results[k].append(found)
    return [tuple(found) for found in results]


def ratios(numerator: Sequence[float], denominator: Sequence[float]) -> tuple[float, ...]:
    """The ratio of each round."""
    return tuple(a / b for a, b in zip(numerator, denominator, strict=True))
