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
class Found:
    """What a method found, what for, and at what expense.

    Attributes
    ----------
    value, low, high, error
        Mean escape time in steps, its 95 % interval, its relative standard error.
    seconds, processor
        Of the measurement by the clock, and of the processor for everything, the exact value included.
    path_steps
        Steps of all paths.
    runs, replicas
        Of splitting: number of independent runs, and of paths in each.
    warnings
        How many there were.
    """

    value: float
    low: float
    high: float
    error: float
    seconds: float
    processor: float
    path_steps: int
    runs: int
    replicas: int
    warnings: int


@dataclass(frozen=True)
class Row:
    """What came out for a problem; direct simulation is not run everywhere."""

    name: str
    ratio: float | None
    exact: float
    splitting: Found
    direct: Found | None

    @property
    def direct_steps(self) -> float:
        """Path-steps of direct simulation for the same error: the escapes that it takes, none censored."""
        return self.exact * self.splitting.error**-2

    @property
    def place(self) -> tuple[str, str]:
        return self.name, "" if self.ratio is None else f"{self.ratio:g}"

    def cells(self) -> tuple[str, ...]:
        found, ratio = self.splitting, self.splitting.value / self.exact
        return (
            *self.place,
            f"{math.log(self.exact):.1f}",
            f"{found.value:.4g}",
            f"{found.low:.4g} to {found.high:.4g}",
            f"{self.exact:.6g}",
            f"{ratio:.3f}",
            f"{math.log(ratio) / found.error:+.1f}",
            f"{found.error:.1%}",
            f"{found.seconds:.1f}",
            f"{found.processor:.1f}",
            f"{found.path_steps:.2g}",
            f"{self.direct_steps:.2g}",
            str(found.warnings),
        )

    def direct_cells(self) -> tuple[str, ...]:
        found = self.direct
        assert found is not None
        apart = math.log(self.splitting.value / found.value) / math.hypot(found.error, self.splitting.error)
        return (
            *self.place,
            f"{found.value:.4g}",
            f"{found.low:.4g} to {found.high:.4g}",
            f"{found.value / self.exact:.3f}",
            f"{apart:+.1f}",
            f"{found.error:.1%}",
            f"{found.seconds:.1f}",
            f"{found.path_steps:.2g}",
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


def measure(
    problem: Problem, paths: int, target: float | None, method: str = "splitting"
) -> tuple[Found, float]:
    """What a method finds, and the exact value."""
    from simdyn import escape_time
    from simdyn.estimators import SplittingMeasurement

    before = time.process_time()
    answer = escape_time(
        problem.potential, problem.dynamics, method=method, paths=paths, target_error=target, seed=SEED
    )
    processor = time.process_time() - before
    assert answer.reference is not None, answer.reference_note
    measured = answer.measurement
    split = isinstance(measured, SplittingMeasurement)
    found = Found(
        answer.value,
        answer.low,
        answer.high,
        measured.relative_error,
        answer.seconds,
        processor,
        answer.steps_done,
        len(measured.runs.probability) if split else 1,
        measured.replicas if split else paths,
        len(answer.warnings),
    )
    return found, answer.reference.value


def series(dims: Sequence[int]) -> Iterator[list[Row]]:
    """Rows of one kernel together."""
    for family in problems(dims):
        for method in ("splitting", "direct"):
            measure(family[0], 1_000, None, method)
        rows = []
        for problem in family:
            found, exact = measure(problem, MOST_PATHS, TARGET)
            can = exact / TARGET**2 * problem.potential.dim <= DIRECT_WORK
            direct = measure(problem, MOST_PATHS, TARGET, "direct")[0] if can else None
            rows.append(Row(problem.name, problem.ratio, exact, found, direct))
            print(" | ".join(rows[-1].cells()), flush=True)
        yield rows


def markdown(families: list[list[Row]], before: dict[str, object]) -> str:
    """The record."""
    rows = [row for family in families for row in family]
    machine, versions = (in_one_line(before[part]) for part in ("hardware", "software"))  # type: ignore[arg-type]
    off = [abs(math.log(row.splitting.value / row.exact)) / row.splitting.error for row in rows]
    slow, busy, wide = (
        max(getattr(row.splitting, name) for row in rows) for name in ("seconds", "processor", "error")
    )
    inside = sum(row.splitting.low <= row.exact <= row.splitting.high for row in rows)
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
        *table(DIRECT_HEADINGS, [row.direct_cells() for row in rows if row.direct]),
    ]
    return "\n".join(lines) + "\n"


def table(headings: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    rule = ("---", *["---:"] * (len(headings) - 1))
    return ["| " + " | ".join(cells) + " |" for cells in (headings, rule, *rows)]


def curves(families: list[list[Row]], langevin: bool) -> list[CostCurve]:
    """Costs for the error asked for, with intervals."""
    from scipy.stats import chi2

    from simdyn.plotting.cost import CostCurve

    drawn = []
    for rows in chosen(families, langevin):
        costs = [cost_for_target(row.splitting) for row in rows]
        # The error comes from the spread of so many runs.
        free = [row.splitting.runs - 1 for row in rows]
        drawn.append(
            CostCurve(
                rows[0].name,
                [math.log(row.exact) if row.ratio is None else row.ratio for row in rows],
                costs,
                [row.exact / TARGET**2 for row in rows],
                [
                    (cost * n / chi2.ppf(0.975, n), cost * n / chi2.ppf(0.025, n))
                    for cost, n in zip(costs, free, strict=True)
                ],
                [None if row.direct is None else cost_for_target(row.direct) for row in rows],
            )
        )
    return drawn


def chosen(families: list[list[Row]], langevin: bool) -> list[list[Row]]:
    """Those of SGLD, or those of SGD."""
    return [rows for rows in families if (rows[0].ratio is not None) == langevin]


def cost_for_target(found: Found) -> float:
    """Path-steps for the error asked for: what was reached differs a little, and its square costs."""
    return found.path_steps * (found.error / TARGET) ** 2


def growth_lines(families: list[list[Row]]) -> list[str]:
    """How costs grow with depth."""
    from simdyn.plotting.cost import FROM_DEPTH, exponential_growth, power_growth

    lines = []
    for langevin, depth in ((True, "barrier / noise"), (False, "log N")):
        drawn = curves(families, langevin)
        if not drawn:
            continue
        single = [
            replace(
                curve,
                splitting=[
                    row.splitting.path_steps / (row.splitting.runs * row.splitting.replicas) for row in rows
                ],
            )
            for curve, rows in zip(drawn, chosen(families, langevin), strict=True)
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
