"""The result as plain text, Markdown and JSON."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from benchmarks.contest import Workload
from benchmarks.machine import in_one_line
from benchmarks.measurement import Row

HEADINGS = (
    "",
    "ns per path-step",
    "min to max",
    "time / simdyn",
    "goal",
    "verdict",
    "first call, s",
    "paths",
)


@dataclass(frozen=True)
class Report:
    """One run: where and with what it was made, and the rows of each workload."""

    date: str
    threads: int
    rounds: int
    hardware: Mapping[str, str]
    software: Mapping[str, str]
    skipped: Mapping[str, str]
    tables: Sequence[tuple[Workload, Sequence[Row]]]

    def text(self) -> str:
        return "\n".join([*self._facts(""), *self._tables("{}\n", _plain)])

    def markdown(self) -> str:
        return "\n".join(
            ["# Speed beside other tools\n", *self._facts("- "), *self._tables("## {}\n", _pipes)]
        )

    def json(self) -> str:
        record: dict[str, Any] = {
            "date": self.date,
            "threads": self.threads,
            "rounds": self.rounds,
            "hardware": dict(self.hardware),
            "software": dict(self.software),
            "skipped": dict(self.skipped),
            "workloads": {
                workload.name: {"title": workload.title, "rows": [_record(row) for row in rows]}
                for workload, rows in self.tables
            },
        }
        return json.dumps(record, indent=1, allow_nan=False) + "\n"

    def _facts(self, bullet: str) -> list[str]:
        facts = [
            f"Date: {self.date}",
            f"Machine: {in_one_line(self.hardware)}",
            f"Versions: {in_one_line(self.software)}",
            f"Threads: {self.threads}, pinned; {self.rounds} interleaved rounds; medians; "
            "the ratio is the median of per-round ratios",
            *(f"Skipped: {peer} ({why})" for peer, why in self.skipped.items()),
        ]
        return [bullet + fact for fact in facts]

    def _tables(self, heading: str, draw: Any) -> list[str]:
        lines = []
        for workload, rows in self.tables:
            lines += [
                "",
                heading.format(f"{workload.name}: {workload.title}"),
                *draw([_cells(row) for row in rows]),
            ]
            missing = [name for name in workload.goals if name not in {row.name for row in rows}]
            lines += [f"\nNot measured, though it has a goal: {name}" for name in missing]
        return lines


def _cells(row: Row) -> tuple[str, ...]:
    if row.median_nanoseconds is None:
        return (row.name, f"{row.status}: {row.why}", *[""] * 4, _number(row.first_call), str(row.paths))
    return (
        row.name,
        _number(row.median_nanoseconds),
        f"{_number(min(row.nanoseconds))} to {_number(max(row.nanoseconds))}",
        "1 (base)" if row.base else _number(row.median_ratio),
        str(row.goal) if row.goal else "",
        row.verdict,
        _number(row.first_call),
        str(row.paths),
    )


def _number(value: float | None) -> str:
    """Three significant digits."""
    if value is None:
        return ""
    return f"{value:,.0f}" if value >= 100 else f"{value:#.3g}".rstrip(".")


def _plain(table: Sequence[Sequence[str]]) -> list[str]:
    lines = [HEADINGS, *table]
    widths = [max(len(line[i]) for line in lines) for i in range(len(HEADINGS))]
    return [
        "  ".join(
            [line[0].ljust(widths[0]), *(cell.rjust(w) for cell, w in zip(line[1:], widths[1:], strict=True))]
        )
        for line in lines
    ]


def _pipes(table: Sequence[Sequence[str]]) -> list[str]:
    rule = ["---", *["---:"] * (len(HEADINGS) - 1)]
    return ["| " + " | ".join(line) + " |" for line in (HEADINGS, rule, *table)]


def _record(row: Row) -> dict[str, Any]:
    return {
        **asdict(row),
        "goal": str(row.goal) if row.goal else None,
        "verdict": row.verdict or None,
        "median_nanoseconds": row.median_nanoseconds,
        "median_ratio": row.median_ratio,
    }
