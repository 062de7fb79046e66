"""A progress bar for one measurement or simulation, on standard error and only on a terminal."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from simdyn.estimators import Progress as Measurement
    from simdyn.recorders import Progress as Simulation


@contextmanager
def escape_bar(paths: int) -> Iterator[Callable[[Measurement], None] | None]:
    """Yields the callback that moves the bar; None where nobody watches."""
    if not sys.stderr.isatty():
        yield None
        return
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (
        TextColumn("escapes {task.fields[events]:,}"),
        BarColumn(),
        TextColumn(
            "{task.percentage:>3.0f}%  censored {task.fields[censored]:.1%}  error {task.fields[error]:.2%}"
        ),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("escape", total=paths, events=0, censored=0.0, error=1.0)

        def report(state: Measurement) -> None:
            bar.update(
                task,
                completed=state.finished,
                events=state.tally.events,
                censored=state.censored_share,
                error=min(1.0, state.relative_error),
            )

        yield report


@contextmanager
def simulation_bar(steps: int | None) -> Iterator[Callable[[Simulation], None] | None]:
    """Yields the callback that moves the bar; None where nobody watches. Without `steps` the run decides how
    far it goes."""
    if not sys.stderr.isatty():
        yield None
        return
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (
        TextColumn("step {task.completed:,.0f}"),
        BarColumn(),
        TextColumn("{task.percentage:>3.0f}%"),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("simulate", total=steps)
        yield lambda state: bar.update(task, completed=state.steps_done, total=state.steps)


@contextmanager
def cell_bar() -> Iterator[Callable[[int, int], None] | None]:
    """Yields the callback that moves the bar of a grid; None where nobody watches."""
    if not sys.stderr.isatty():
        yield None
        return
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (
        TextColumn("cell {task.completed:,.0f} of {task.total:,.0f}"),
        BarColumn(),
        TextColumn("{task.percentage:>3.0f}%"),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("cells", total=1)
        yield lambda done, total: bar.update(task, completed=done, total=total)
