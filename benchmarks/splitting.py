"""Escapes that direct simulation does not reach: splitting against exact values, and what both cost.

    python -m benchmarks.splitting           # prints one row as soon as it is there
    python -m benchmarks.splitting --save    # also writes results/splitting.md and splitting.svg

The quartic well and Styblinski-Tang, left over the saddle. SGLD with barrier over noise from 3 to 40 in one,
two and ten dimensions; SGD with noise like the curvature, which vanishes on the way, with log N from 5 to 35
in one and two. Direct simulation is run as well wherever it takes seconds. Kernels are compiled before
anything is timed.
"""

from __future__ import annotations

import argparse
import math
import os
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from benchmarks.findings import RESULTS, facts
from benchmarks.machine import in_one_line

if TYPE_CHECKING:
    from potentials import Potential
    from simdyn import EscapeEstimate
    from simdyn.dynamics import Dynamics
    from simdyn.plotting.cost import CostCurve

TARGET = 0.05
MOST_PATHS = 400_000
SEED = 1
DIMS = (1, 2, 10)
RATIOS = (3.0, 5.0, 10.0, 20.0, 30.0, 40.0)
SGD_DIMS = (1, 2)
SGD_RULES = {
    "quartic": (0.2, (1.0, 2.0, 4.0, 6.0, 8.0, 10.0, 12.0)),
    "Styblinski-Tang": (0.01, (0.005, 0.01, 0.02, 0.03, 0.04, 0.05, 0.06)),
}
"""Learning rate and batch sizes of each landscape; of Gaussian noise a batch size need not be whole."""

DIRECT_WORK = 5e8
"""Steps of single coordinates up to which direct simulation is run, too."""

HEADINGS = (
    "problem", "barrier / noise", "log N", "measured", "95 % interval", "exact", "measured / exact",
    "standard errors off", "relative error", "seconds", "processor seconds", "path-steps",
    "path-steps, direct", "warnings",
)  # fmt: skip
DIRECT_HEADINGS = (
    "problem", "barrier / noise", "measured", "95 % interval", "measured / exact",
    "splitting off, standard errors of both", "relative error", "seconds", "path-steps",
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
    """What came out: the answer of splitting with the processor time of everything it took, and that of
    direct simulation, where it was run."""

    problem: Problem
    answer: EscapeEstimate
    processor: float
    direct_answer: EscapeEstimate | None = None

    @property
    def exact(self) -> float:
        assert self.answer.reference is not None, self.answer.reference_note
        return self.answer.reference.value

    @property
    def error(self) -> float:
        return self.answer.measurement.relative_error

    @property
    def runs(self) -> tuple[int, int]:
        """Number of independent runs of splitting, and of the paths in each."""
        measurement = self.answer.measurement
        return len(measurement.runs.probability), measurement.replicas  # type: ignore[attr-defined]

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
            f"{self.processor:.1f}",
            f"{answer.steps_done:.2g}",
            f"{self.direct:.2g}",
            str(len(answer.warnings)),
        )


def problems(dims: Sequence[int]) -> Iterator[list[Problem]]:
    """Those of one kernel together, from shallow to deep."""
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
    for name, make, _ in makers:
        learning_rate, batches = SGD_RULES[name]
        for dim in [dim for dim in SGD_DIMS if dim in dims]:
            yield [
                Problem(
                    f"{name}, SGD, d = {dim}",
                    make(dim=dim),
                    SGD(learning_rate, batch, noise="hessian", floor=0.0),
                    None,
                )
                for batch in batches
            ]


def measure(problem: Problem, paths: int, target: float | None, method: str = "splitting") -> EscapeEstimate:
    from simdyn import escape_time

    return escape_time(
        problem.potential, problem.dynamics, method=method, paths=paths, target_error=target, seed=SEED
    )


def series(dims: Sequence[int]) -> Iterator[list[Row]]:
    """Rows of one kernel together."""
    for family in problems(dims):
        for method in ("splitting", "direct"):
            measure(family[0], 1_000, None, method)
        rows = []
        for problem in family:
            before = time.process_time()
            answer = measure(problem, MOST_PATHS, TARGET)
            row = Row(problem, answer, time.process_time() - before)
            if row.exact / TARGET**2 * problem.potential.dim <= DIRECT_WORK:
                row = replace(row, direct_answer=measure(problem, MOST_PATHS, TARGET, "direct"))
            rows.append(row)
            print(" | ".join(row.cells()), flush=True)
        yield rows


def markdown(families: list[list[Row]], before: dict[str, object]) -> str:
    """The record."""
    rows = [row for family in families for row in family]
    machine, versions = (in_one_line(before[part]) for part in ("hardware", "software"))  # type: ignore[arg-type]
    off = [abs(math.log(row.answer.value / row.exact)) / row.error for row in rows]
    slow, wide = max(row.answer.seconds for row in rows), max(row.error for row in rows)
    busy = max(row.processor for row in rows)
    inside = sum(row.answer.contains(row.exact) for row in rows)
    lines = [
        "# Escapes by splitting, beside exact values\n",
        f"- Date: {before['date']}",
        f"- Machine: {machine}",
        f"- Versions: {versions}",
        f"- Asked for: a relative standard error of {TARGET:.0%}, seed {SEED}; kernels compiled beforehand",
        f"- Exact values in the 95 % interval: {inside} of {len(rows)}; farthest off: {max(off):.1f} "
        f"standard errors; largest relative error {wide:.1%}",
        f"- Longest run of splitting {slow:.0f} s by the clock on {os.cpu_count()} cores; most processor "
        f"time {busy:.0f} s, the exact value and all closed forms included",
        "- Path-steps of direct simulation: exact time times the escapes that give the same relative error; "
        "where it was run, see the second table",
        *growth_lines(families),
        f"- Figure: both for {TARGET:.0%}, path-steps times the square of the error reached over that; 95 % "
        "intervals follow from the number of independent runs\n",
        "![Cost against depth](splitting.svg)\n",
        *table(HEADINGS, [row.cells() for row in rows]),
        "\nDirect simulation of the same problems in the same run:\n",
        *table(DIRECT_HEADINGS, [direct_cells(row) for row in rows if row.direct_answer is not None]),
    ]
    return "\n".join(lines) + "\n"


def table(headings: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    rule = ("---", *["---:"] * (len(headings) - 1))
    return ["| " + " | ".join(cells) + " |" for cells in (headings, rule, *rows)]


def direct_cells(row: Row) -> tuple[str, ...]:
    answer = row.direct_answer
    assert answer is not None
    apart = math.hypot(answer.measurement.relative_error, row.error)
    return (
        row.problem.name,
        "" if row.problem.ratio is None else f"{row.problem.ratio:g}",
        f"{answer.value:.4g}",
        f"{answer.low:.4g} to {answer.high:.4g}",
        f"{answer.value / row.exact:.3f}",
        f"{math.log(row.answer.value / answer.value) / apart:+.1f}",
        f"{answer.measurement.relative_error:.1%}",
        f"{answer.seconds:.1f}",
        f"{answer.steps_done:.2g}",
    )


def curves(families: list[list[Row]], langevin: bool) -> list[CostCurve]:
    """Costs for the error asked for: what was reached differs a little from row to row, and its square
    costs."""
    from scipy.stats import chi2

    from simdyn.plotting.cost import CostCurve

    found = []
    for rows in families:
        if (rows[0].problem.ratio is not None) != langevin:
            continue
        costs = [row.answer.steps_done * (row.error / TARGET) ** 2 for row in rows]
        # The error comes from the spread of so many runs.
        free = [row.runs[0] - 1 for row in rows]
        found.append(
            CostCurve(
                rows[0].problem.name,
                [math.log(row.exact) if row.problem.ratio is None else row.problem.ratio for row in rows],
                costs,
                [row.exact / TARGET**2 for row in rows],
                [
                    (cost * n / chi2.ppf(0.975, n), cost * n / chi2.ppf(0.025, n))
                    for cost, n in zip(costs, free, strict=True)
                ],
                [
                    None
                    if row.direct_answer is None
                    else row.direct_answer.steps_done
                    * (row.direct_answer.measurement.relative_error / TARGET) ** 2
                    for row in rows
                ],
            )
        )
    return found


def growth_lines(families: list[list[Row]]) -> list[str]:
    """How costs grow with depth."""
    from simdyn.plotting.cost import FROM_DEPTH, exponential_growth, power_growth

    lines = []
    for langevin, depth in ((True, "barrier / noise"), (False, "log N")):
        drawn = curves(families, langevin)
        if not drawn:
            continue
        chosen = [rows for rows in families if (rows[0].problem.ratio is not None) == langevin]
        single = [
            replace(curve, splitting=[row.answer.steps_done / math.prod(row.runs) for row in rows])
            for curve, rows in zip(drawn, chosen, strict=True)
        ]
        lines.append(
            f"- Growth with the {depth} from {FROM_DEPTH:g} on, 95 % intervals: splitting for a given error "
            f"as its power {power_growth(drawn)}, path-steps of one of its paths as its power "
            f"{power_growth(single)}; direct simulation as exp({exponential_growth(drawn)} times it)"
        )
    return lines


def draw(families: list[list[Row]]) -> None:
    from simdyn.plotting.cost import cost_figure
    from simdyn.plotting.style import save

    names = {True: "barrier / noise", False: "log of the mean number of steps N"}
    panels = [(name, drawn) for kind, name in names.items() if (drawn := curves(families, kind))]
    save(cost_figure(panels, TARGET), RESULTS / "splitting.svg")


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.splitting", description=__doc__.splitlines()[0]
    )
    parser.add_argument("--save", action="store_true", help="write results/splitting.md and splitting.svg")
    parser.add_argument(
        "--dims", type=int, nargs="+", default=DIMS, help="numbers of dimensions (default 1 2 10; SGD 1 2)"
    )
    arguments = parser.parse_args()
    before = facts()
    print(" | ".join(HEADINGS))
    families = list(series(arguments.dims))
    text = markdown(families, before)
    print(text[: text.index("|")])
    if arguments.save:
        RESULTS.mkdir(exist_ok=True)
        (RESULTS / "splitting.md").write_text(text)
        draw(families)


if __name__ == "__main__":
    main()
