"""How a run gets on, on standard error: a bar on a terminal, else a line now and then."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from simdyn.estimators import Progress as Measurement
    from simdyn.recorders import Progress as Simulation


_SECONDS_BETWEEN_LINES = 10.0


def state_in_words(state: Measurement) -> str:
    """For example "splitting: 1,204 of 10,000 paths are out, relative error 4.1 %"."""
    parts = [f"{state.tally.events:,} of {state.paths:,} paths are out"]
    if state.stage == "loops":
        parts = [f"{state.paths:,} paths settle in the well, {state.done:.0%}"]
    if state.tally.censored:
        parts.append(f"{state.censored_share:.1%} censored")
    if state.relative_error < 1:
        parts.append(f"relative error {100 * state.relative_error:.2g} %")
    return f"{state.stage}: {', '.join(parts)}"


@contextmanager
def escape_progress() -> Iterator[Callable[[Measurement], None]]:
    """Yields the callback that moves the bar, or that writes a line now and then if the run is a long one."""
    if not sys.stderr.isatty():
        written = time.monotonic()

        def write(state: Measurement) -> None:
            nonlocal written
            if time.monotonic() >= written + _SECONDS_BETWEEN_LINES:
                written = time.monotonic()
                print(state_in_words(state), file=sys.stderr, flush=True)

        yield write
        return
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (
        BarColumn(),
        TextColumn("{task.percentage:>3.0f}%"),
        TimeRemainingColumn(),
        TextColumn("{task.description}"),
    )
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("", total=1.0)
        yield lambda state: bar.update(task, completed=state.done, description=state_in_words(state))


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
