"""Escapes that direct simulation does not reach: splitting against exact values, and what both cost.

    python -m benchmarks.splitting           # prints one row as soon as it is there
    python -m benchmarks.splitting --save    # also writes results/splitting.md and splitting.svg

The quartic well and Styblinski-Tang, left over the saddle. SGLD with barrier over noise from 3 to 40 in one,
two and ten dimensions; SGD with noise like the curvature, which vanishes on the way, with log N from 5 to 35.
Kernels are compiled before anything is timed.
"""

from __future__ import annotations

import argparse
import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from benchmarks.findings import RESULTS, facts
from benchmarks.machine import in_one_line

if TYPE_CHECKING:
    from potentials import Potential
    from simdyn import EscapeEstimate
    from simdyn.dynamics import Dynamics

TARGET = 0.05
MOST_PATHS = 400_000
SEED = 1
DIMS = (1, 2, 10)
RATIOS = (3.0, 5.0, 10.0, 20.0, 30.0, 40.0)
BATCHES = (1.0, 2.0, 4.0, 6.0, 8.0, 10.0, 12.0)
HEADINGS = (
    "problem", "barrier / noise", "log N", "measured", "95 % interval", "exact", "measured / exact",
    "standard errors off", "relative error", "seconds", "path-steps", "path-steps, direct", "warnings",
)  # fmt: skip


@dataclass(frozen=True)
class Problem:
    """One row: barrier over noise is None where the noise is no constant."""

    name: str
    potential: Potential
    dynamics: Dynamics
    ratio: float | None


@dataclass(frozen=True)
class Row:
    """What came out."""

    problem: Problem
    answer: EscapeEstimate

    @property
    def exact(self) -> float:
        assert self.answer.reference is not None, self.answer.reference_note
        return self.answer.reference.value

    @property
    def error(self) -> float:
        return self.answer.measurement.relative_error

    @property
    def direct(self) -> float:
        """Path-steps of direct simulation for the same error: the escapes that it takes, none censored."""
        return self.exact * self.error**-2

    def cells(self) -> tuple[str, ...]:
        answer, ratio = self.answer, self.answer.value / self.exact
        return (
            self.problem.name,
            "" if self.problem.ratio is None else f"{self.problem.ratio:g}",
            f"{math.log(self.exact):.1f}",
            f"{answer.value:.4g}",
            f"{answer.low:.4g} to {answer.high:.4g}",
            f"{self.exact:.6g}",
            f"{ratio:.3f}",
            f"{math.log(ratio) / self.error:+.1f}",
            f"{self.error:.1%}",
            f"{answer.seconds:.1f}",
            f"{answer.steps_done:.2g}",
            f"{self.direct:.2g}",
            str(len(answer.warnings)),
        )


def problems(dims: Sequence[int]) -> Iterator[list[Problem]]:
    """Those of one kernel together, from shallow to deep; SGD in one dimension alone."""
    from potentials import double_well, styblinski_tang
    from simdyn.dynamics import SGD, SGLD

    makers: tuple[tuple[str, Callable[..., Potential], float], ...] = (
        ("quartic", double_well, 0.01),
        ("Styblinski-Tang", styblinski_tang, 0.001),
    )
    for name, make, learning_rate in makers:
        for dim in dims:
            potential = make(dim=dim)
            bottom = potential.deepest()
            barrier = potential.valley(bottom).saddles[0].energy - bottom.energy
            yield [
                Problem(f"{name}, SGLD, d = {dim}", potential, SGLD(learning_rate, barrier / ratio), ratio)
                for ratio in RATIOS
            ]
    yield [
        Problem("quartic, SGD, d = 1", double_well(), SGD(0.2, batch, noise="hessian", floor=0.0), None)
        for batch in BATCHES
    ]


def measure(problem: Problem, paths: int, target: float | None) -> EscapeEstimate:
    from simdyn import escape_time

    return escape_time(
        problem.potential,
        problem.dynamics,
        method="splitting",
        paths=paths,
        target_error=target,
        seed=SEED,
    )


def series(dims: Sequence[int]) -> Iterator[list[Row]]:
    """Rows of one kernel together."""
    for family in problems(dims):
        measure(family[0], 1_000, None)
        rows = []
        for problem in family:
            rows.append(Row(problem, measure(problem, MOST_PATHS, TARGET)))
            print(" | ".join(rows[-1].cells()), flush=True)
        yield rows


def markdown(rows: list[Row], before: dict[str, object]) -> str:
    """The record."""
    machine, versions = (in_one_line(before[part]) for part in ("hardware", "software"))  # type: ignore[arg-type]
    off = [abs(math.log(row.answer.value / row.exact)) / row.error for row in rows]
    slow, wide = max(row.answer.seconds for row in rows), max(row.error for row in rows)
    inside = sum(row.answer.contains(row.exact) for row in rows)
    lines = [
        "# Escapes by splitting, beside exact values\n",
        f"- Date: {before['date']}",
        f"- Machine: {machine}",
        f"- Versions: {versions}",
        f"- Asked for: a relative standard error of {TARGET:.0%}, seed {SEED}; kernels compiled beforehand",
        f"- Exact values in the 95 % interval: {inside} of {len(rows)}; farthest off: {max(off):.1f} "
        f"standard errors; largest relative error {wide:.1%}; longest run {slow:.0f} s",
        "- Direct simulation: exact time times the escapes that give the same relative error, not run",
        f"- Figure: both for {TARGET:.0%}, path-steps times the square of the error reached over that\n",
        "![Cost against depth](splitting.svg)\n",
    ]
    rule = ("---", *["---:"] * (len(HEADINGS) - 1))
    table = (HEADINGS, rule, *(row.cells() for row in rows))
    return "\n".join([*lines, *("| " + " | ".join(cells) + " |" for cells in table)]) + "\n"


def draw(families: list[list[Row]]) -> None:
    from simdyn.plotting.cost import CostCurve, cost_figure
    from simdyn.plotting.style import save

    def curve(rows: list[Row]) -> CostCurve:
        # The error that was reached differs a little from row to row; its square is what costs.
        scale = [(row.error / TARGET) ** 2 for row in rows]
        return CostCurve(
            rows[0].problem.name,
            [math.log(row.exact) if row.problem.ratio is None else row.problem.ratio for row in rows],
            [row.answer.steps_done * s for row, s in zip(rows, scale, strict=True)],
            [row.exact / TARGET**2 for row in rows],
        )

    langevin = [curve(rows) for rows in families if rows[0].problem.ratio is not None]
    descent = [curve(rows) for rows in families if rows[0].problem.ratio is None]
    panels = [("barrier / noise", langevin), ("log of the mean number of steps N", descent)]
    save(cost_figure(panels, TARGET), RESULTS / "splitting.svg")


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.splitting", description=__doc__.splitlines()[0]
    )
    parser.add_argument("--save", action="store_true", help="write results/splitting.md and splitting.svg")
    parser.add_argument(
        "--dims", type=int, nargs="+", default=DIMS, help="numbers of dimensions of SGLD (default 1 2 10)"
    )
    arguments = parser.parse_args()
    before = facts()
    print(" | ".join(HEADINGS))
    families = list(series(arguments.dims))
    text = markdown([row for rows in families for row in rows], before)
    print(text[: text.index("|")])
    if arguments.save:
        RESULTS.mkdir(exist_ok=True)
        (RESULTS / "splitting.md").write_text(text)
        draw(families)


if __name__ == "__main__":
    main()
