"""What cells of several grids return, and one measured mean escape time."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from potentials import Potential
from simdyn.study import Execution, Quantity

if TYPE_CHECKING:
    from numpy.random import SeedSequence

    from simdyn import SGD, SGLD
    from simdyn.questions import EscapeEstimate
    from studies.xie2021.settings import Settings

MEASURED = (
    Quantity("steps", "steps", "measured mean escape time N"),
    Quantity("low", "steps", "lower end of the 95 % interval"),
    Quantity("high", "steps", "upper end of the 95 % interval"),
    Quantity("relative_error", "", "relative standard error"),
    Quantity("escapes", "", "observed escapes"),
    Quantity("censored", "", "paths that ran out of budget"),
    Quantity("diverged", "", "paths that blew up before leaving"),
)
EXACT = (
    Quantity("exact", "steps", "exact mean escape time of the same chain"),
    Quantity("exact_error", "steps", "numerical error of the exact value"),
)
PREDICTED = Quantity("predicted", "steps", "closed form of the paper")


def escape(
    landscape: Potential,
    dynamics: SGD | SGLD,
    start: str,
    exit: str,
    target_error: float,
    settings: Settings,
    seed: SeedSequence,
    execution: Execution,
) -> EscapeEstimate:
    """Direct simulation until the relative standard error is met, or all paths are used."""
    from simdyn import escape_time

    answer = escape_time(
        landscape,
        dynamics,
        start,
        exit,
        paths=settings.max_paths,
        target_error=target_error,
        method="direct",
        seed=seed,
        threads=execution.threads,
        progress=execution.progress.of_escapes,
    )
    if not answer.measurement.complete:
        # An interrupted measurement is an answer to a person, but not a finished cell.
        raise KeyboardInterrupt
    return answer


def of_answer(answer: EscapeEstimate) -> dict[str, Any]:
    """The measured quantities, and the exact value where there is one."""
    found = {
        "steps": answer.value,
        "low": answer.low,
        "high": answer.high,
        "relative_error": answer.measurement.relative_error,
        "escapes": answer.events,
        "censored": answer.censored,
        "diverged": answer.diverged,
    }
    if answer.reference is not None:
        found |= {"exact": answer.reference.value, "exact_error": answer.reference.error}
    return found


def measured(*problem: Any) -> dict[str, Any]:
    """`of_answer` of an `escape`."""
    return of_answer(escape(*problem))
