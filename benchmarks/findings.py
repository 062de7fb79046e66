"""Single measured figures with their goals, as plain text and as JSON: for benchmarks that are no contest."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import median

from benchmarks.contest import Goal
from benchmarks.machine import hardware, in_one_line, now, software

RESULTS = Path(__file__).parent / "results"


@dataclass(frozen=True)
class Finding:
    """One figure: the median of what the rounds gave.

    Attributes
    ----------
    name, unit
        What was measured, and in what.
    rounds
        One value for each round.
    goal
        What the median should be, if anything.
    """

    name: str
    unit: str
    rounds: tuple[float, ...]
    goal: Goal | None = None

    @property
    def value(self) -> float:
        return median(self.rounds)

    @property
    def verdict(self) -> str:
        return "" if self.goal is None else "met" if self.goal.met(self.value) else "missed"


def facts() -> dict[str, object]:
    """When and on what; call it before the measurement, since it notes how busy the machine is."""
    return {"date": now(), "hardware": hardware(), "software": software()}


def publish(name: str, findings: Sequence[Finding], facts: dict[str, object], save: bool) -> None:
    """Print the figures and, if asked to, write results/NAME.json."""
    print(f"\n{name}\nDate: {facts['date']}")
    for part in ("hardware", "software"):
        print(f"{part.capitalize()}: {in_one_line(facts[part])}")  # type: ignore[arg-type]
    width = max(len(finding.name) for finding in findings)
    print(f"\n{'':{width}}{'median':>12}{'least':>10}{'most':>10}  {'unit':16}{'goal':>9}")
    for finding in findings:
        low, high = min(finding.rounds), max(finding.rounds)
        goal = str(finding.goal) if finding.goal else ""
        print(
            f"{finding.name:{width}}{finding.value:12.4g}{low:10.4g}{high:10.4g}  "
            f"{finding.unit:16}{goal:>9}  {finding.verdict}",
            flush=True,
        )
    if save:
        RESULTS.mkdir(exist_ok=True)
        record = {**facts, "findings": [_record(finding) for finding in findings]}
        (RESULTS / f"{name}.json").write_text(json.dumps(record, indent=1, allow_nan=False) + "\n")


def _record(finding: Finding) -> dict[str, object]:
    goal = str(finding.goal) if finding.goal else None
    return {**asdict(finding), "goal": goal, "value": finding.value, "verdict": finding.verdict or None}
