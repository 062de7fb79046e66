"""How a running study tells people where it is: a bar on a terminal, plain lines elsewhere."""

from __future__ import annotations

import math
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import TracebackType
from typing import TYPE_CHECKING, Protocol, Self, TextIO

if TYPE_CHECKING:
    from rich.console import Console, Group

    from simdyn.estimators.direct import Progress as Measurement

_SECONDS_BETWEEN_STATES = 10.0
_SECONDS_BETWEEN_CELLS = 0.5
"""Of a log: cells faster than this do not get a line each."""
_SHOWN_CELLS = 4


@dataclass(frozen=True)
class CellPlace:
    """A cell among the `total` of its study, counted from 0."""

    index: int
    total: int
    grid: str
    parameters: Mapping[str, object]

    @property
    def label(self) -> str:
        """For example "sgd_batch: B = 0.05, k = 1"."""
        coordinates = ", ".join(
            f"{name} = {value:.6g}" if isinstance(value, float) else f"{name} = {value}"
            for name, value in self.parameters.items()
        )
        return f"{self.grid}: {coordinates}"


@dataclass(frozen=True)
class CellState:
    """How a running cell gets on; None for what it does not tell."""

    events: int | None = None
    censored_share: float | None = None
    relative_error: float | None = None
    steps: int | None = None

    def __str__(self) -> str:
        """For example "1,204 escapes, 3.1 % censored, relative error 2.9 %, 120,000 steps".

        Before the first escape there is no relative error, and none is shown.
        """
        parts = []
        if self.events is not None:
            parts.append(f"{self.events:,} escapes")
        if self.censored_share is not None:
            parts.append(f"{100 * self.censored_share:.1f} % censored")
        if self.relative_error is not None and math.isfinite(self.relative_error):
            parts.append(f"relative error {100 * self.relative_error:.2g} %")
        if self.steps is not None:
            parts.append(f"{self.steps:,} steps")
        return ", ".join(parts)


class CellProgress:
    """What a cell tells its progress to; reports that follow the last one within `seconds` are dropped."""

    def __init__(self, tell: Callable[[CellState], None] | None = None, seconds: float = 0.0) -> None:
        self._tell, self._seconds, self._told = tell, seconds, -math.inf

    def update(
        self,
        *,
        events: int | None = None,
        censored_share: float | None = None,
        relative_error: float | None = None,
        steps: int | None = None,
    ) -> None:
        """The running cell's escapes, share of censored paths, relative error and steps done so far."""
        now = time.monotonic()
        if self._tell is not None and now - self._told >= self._seconds:
            self._told = now
            self._tell(CellState(events, censored_share, relative_error, steps))

    def of_escapes(self, state: Measurement) -> None:
        """What a running measurement of an escape time reports: to be the `progress` of `escape_time`."""
        self.update(
            events=state.tally.events,
            censored_share=state.censored_share,
            relative_error=state.relative_error,
            steps=state.tally.path_steps,
        )


class Progress(Protocol):
    """What the runner tells about its progress. Several cells may be under way at once."""

    def study_started(self, name: str, waiting: Mapping[str, int], total: int) -> None:
        """The study begins; of its `total` cells so many are not in the folder yet, grid by grid."""

    def cell_started(self, cell: CellPlace) -> None:
        """A cell begins."""

    def cell_state(self, cell: CellPlace, state: CellState) -> None:
        """A running cell gets on."""

    def cell_finished(self, cell: CellPlace, seconds: float) -> None:
        """A cell is finished after so many seconds of computing."""


class SilentProgress:
    """Says nothing."""

    def study_started(self, name: str, waiting: Mapping[str, int], total: int) -> None: ...

    def cell_started(self, cell: CellPlace) -> None: ...

    def cell_state(self, cell: CellPlace, state: CellState) -> None: ...

    def cell_finished(self, cell: CellPlace, seconds: float) -> None: ...


class TimeLeft:
    """Estimates when a study ends.

    A cell that is left takes as long as the mean finished one of its grid, or of all grids while its own has
    none: cells of one grid are alike, and those of different grids may differ a hundredfold. The ratio of
    computing time to wall-clock time says how many cells run side by side.
    """

    def __init__(self, waiting: Mapping[str, int]) -> None:
        self._began = time.monotonic()
        self._waiting = dict(waiting)
        self._finished: dict[str, tuple[int, float]] = {}

    @property
    def cells(self) -> int:
        """Cells that are not finished."""
        return sum(self._waiting.values())

    def finished(self, cell: CellPlace, seconds: float) -> None:
        """One cell less."""
        count, spent = self._finished.get(cell.grid, (0, 0.0))
        self._finished[cell.grid] = (count + 1, spent + seconds)
        self._waiting[cell.grid] -= 1

    def seconds(self) -> float | None:
        """Seconds to go; None before the first cell is finished."""
        spent = sum(seconds for _, seconds in self._finished.values())
        elapsed = time.monotonic() - self._began
        if not spent or not elapsed:
            return None
        mean = spent / sum(count for count, _ in self._finished.values())
        work = 0.0
        for grid, cells in self._waiting.items():
            count, seconds = self._finished.get(grid, (0, 0.0))
            work += cells * (seconds / count if count else mean)
        return work * elapsed / spent


def duration(seconds: float) -> str:
    """For example "8 s", "3 min 20 s" or "2 h 05 min"."""
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60:02d} s"
    return f"{whole // 3600} h {whole % 3600 // 60:02d} min"


class LogProgress:
    """Plain lines on a stream: cells as they begin and end, and the running one every ten seconds."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._left = TimeLeft({})
        self._began = self._ended = -math.inf
        self._states: dict[int, tuple[float, str]] = {}

    def study_started(self, name: str, waiting: Mapping[str, int], total: int) -> None:
        self._left = TimeLeft(waiting)
        done = total - self._left.cells
        kept = f", {done} of them already stored" if done else ""
        self._say(f"study {name}: {total} cells{kept}")

    def cell_started(self, cell: CellPlace) -> None:
        now = time.monotonic()
        self._states[cell.index] = (now, "")
        if now - self._began >= _SECONDS_BETWEEN_CELLS:
            self._began = now
            self._say(_numbered(cell))

    def cell_state(self, cell: CellPlace, state: CellState) -> None:
        now = time.monotonic()
        said, _ = self._states.get(cell.index, (now, ""))
        if now - said >= _SECONDS_BETWEEN_STATES:
            said = now
            self._say(f"{_numbered(cell)}: {state}")
        self._states[cell.index] = (said, str(state))

    def cell_finished(self, cell: CellPlace, seconds: float) -> None:
        now = time.monotonic()
        self._left.finished(cell, seconds)
        _, state = self._states.pop(cell.index, (now, ""))
        if self._left.cells and now - self._ended < _SECONDS_BETWEEN_CELLS:
            return
        self._ended = now
        ahead = self._left.seconds()
        eta = f"; about {duration(ahead)} left" if ahead and self._left.cells else ""
        self._say(f"{_numbered(cell)}: done in {seconds:.1f} s{f', {state}' if state else ''}{eta}")

    def _say(self, line: str) -> None:
        print(line, file=self._stream, flush=True)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...


class BarProgress:
    """A bar over the cells with the time left, and below it a line for every running cell."""

    def __init__(self, console: Console) -> None:
        from rich.live import Live
        from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeElapsedColumn
        from rich.progress import Progress as RichProgress

        self._bar = RichProgress(
            TextColumn("[bold]{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("cells"),
            TimeElapsedColumn(),
            TextColumn("{task.fields[ahead]}"),
            console=console,
        )
        self._task = self._bar.add_task("study", total=None, ahead="")
        self._left = TimeLeft({})
        self._running: dict[int, tuple[CellPlace, float, str]] = {}
        self._live = Live(self._view(), console=console, refresh_per_second=4, get_renderable=self._view)

    def _view(self) -> Group:
        from rich.console import Group
        from rich.text import Text

        now = time.monotonic()
        running = list(self._running.values())
        lines = [
            Text(
                f"{cell.label}  {duration(now - began)}{f'  {state}' if state else ''}",
                overflow="ellipsis",
                no_wrap=True,
                style="dim",
            )
            for cell, began, state in running[:_SHOWN_CELLS]
        ]
        if len(running) > _SHOWN_CELLS:
            lines.append(Text(f"and {len(running) - _SHOWN_CELLS} more cells", style="dim"))
        return Group(self._bar, *lines)

    def study_started(self, name: str, waiting: Mapping[str, int], total: int) -> None:
        self._left = TimeLeft(waiting)
        self._bar.update(self._task, description=name, total=total, completed=total - self._left.cells)
        self._live.start()

    def cell_started(self, cell: CellPlace) -> None:
        self._running[cell.index] = (cell, time.monotonic(), "")

    def cell_state(self, cell: CellPlace, state: CellState) -> None:
        if cell.index in self._running:
            _, began, _ = self._running[cell.index]
            self._running[cell.index] = (cell, began, str(state))

    def cell_finished(self, cell: CellPlace, seconds: float) -> None:
        self._left.finished(cell, seconds)
        self._running.pop(cell.index, None)
        ahead = self._left.seconds()
        self._bar.update(self._task, advance=1, ahead=f"about {duration(ahead)} left" if ahead else "")

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._live.stop()


def progress_on_stderr() -> BarProgress | LogProgress:
    """The bar when standard error is a terminal, plain lines otherwise; to be used in a `with` statement."""
    if not sys.stderr.isatty():
        return LogProgress(sys.stderr)
    from rich.console import Console

    return BarProgress(Console(stderr=True))


def _numbered(cell: CellPlace) -> str:
    return f"[{cell.index + 1}/{cell.total}] {cell.label}"
