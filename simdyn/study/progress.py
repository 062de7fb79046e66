"""How a running study tells people where it is: a bar on a terminal, plain lines elsewhere."""

from __future__ import annotations

import math
import sys
import time
from collections.abc import Mapping
from types import TracebackType
from typing import TYPE_CHECKING, Protocol, Self, TextIO

if TYPE_CHECKING:
    from rich.console import Console, Group

_SECONDS_BETWEEN_LINES = 10.0


class Progress(Protocol):
    """What the runner (and, through `update`, a cell) tells about its progress."""

    def study_started(self, name: str, done: int, total: int) -> None:
        """The study begins with `done` of `total` cells already in the folder."""

    def cell_started(self, grid: str, index: int, total: int, parameters: Mapping[str, object]) -> None:
        """Cell `index` (from 0) of `total` begins."""

    def update(
        self,
        *,
        events: int | None = None,
        censored_share: float | None = None,
        relative_error: float | None = None,
        steps: int | None = None,
    ) -> None:
        """The running cell's escapes, share of censored paths, relative error and steps done so far."""

    def cell_finished(self) -> None:
        """The running cell is finished and stored."""


class SilentProgress:
    """Says nothing."""

    def study_started(self, name: str, done: int, total: int) -> None: ...

    def cell_started(self, grid: str, index: int, total: int, parameters: Mapping[str, object]) -> None: ...

    def update(
        self,
        *,
        events: int | None = None,
        censored_share: float | None = None,
        relative_error: float | None = None,
        steps: int | None = None,
    ) -> None: ...

    def cell_finished(self) -> None: ...


class LogProgress:
    """One plain line when a cell begins and ends, and in between at most one every ten seconds."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._label = ""
        self._began = 0.0
        self._said = 0.0
        self._first_cell = 0.0
        self._state = ""
        self._finished = 0
        self._left = 0

    def study_started(self, name: str, done: int, total: int) -> None:
        self._left = total - done
        self._first_cell = time.monotonic()
        kept = f", {done} of them already stored" if done else ""
        self._say(f"study {name}: {total} cells{kept}")

    def cell_started(self, grid: str, index: int, total: int, parameters: Mapping[str, object]) -> None:
        self._began = self._said = time.monotonic()
        self._state = ""
        self._label = f"[{index + 1}/{total}] {cell_label(grid, parameters)}"
        self._say(self._label)

    def update(
        self,
        *,
        events: int | None = None,
        censored_share: float | None = None,
        relative_error: float | None = None,
        steps: int | None = None,
    ) -> None:
        self._state = state_label(events, censored_share, relative_error, steps)
        if time.monotonic() - self._said >= _SECONDS_BETWEEN_LINES:
            self._said = time.monotonic()
            self._say(f"{self._label}: {self._state}")

    def cell_finished(self) -> None:
        now = time.monotonic()
        self._finished += 1
        self._left -= 1
        ahead = (now - self._first_cell) / self._finished * self._left
        state = f", {self._state}" if self._state else ""
        eta = f"; about {ahead:.0f} s left" if self._left else ""
        self._say(f"{self._label}: done in {now - self._began:.1f} s{state}{eta}")

    def _say(self, line: str) -> None:
        print(line, file=self._stream, flush=True)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...


class BarProgress:
    """A bar over the cells with the time left, and below it a line about the running cell."""

    def __init__(self, console: Console) -> None:
        from rich.live import Live
        from rich.progress import (
            BarColumn,
            MofNCompleteColumn,
            TextColumn,
            TimeElapsedColumn,
            TimeRemainingColumn,
        )
        from rich.progress import Progress as RichProgress

        self._bar = RichProgress(
            TextColumn("[bold]{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("cells"),
            TimeElapsedColumn(),
            TextColumn("left"),
            TimeRemainingColumn(),
            console=console,
        )
        self._task = self._bar.add_task("study", total=None)
        self._label = ""
        self._state = ""
        self._live = Live(self._view(), console=console, refresh_per_second=8, get_renderable=self._view)

    def _view(self) -> Group:
        from rich.console import Group
        from rich.text import Text

        line = Text(self._label, overflow="ellipsis", no_wrap=True)
        detail = Text(self._state, style="dim", overflow="ellipsis", no_wrap=True)
        return Group(self._bar, line, detail)

    def study_started(self, name: str, done: int, total: int) -> None:
        self._bar.update(self._task, description=name, total=total, completed=done)
        self._live.start()

    def cell_started(self, grid: str, index: int, total: int, parameters: Mapping[str, object]) -> None:
        self._label, self._state = cell_label(grid, parameters), ""

    def update(
        self,
        *,
        events: int | None = None,
        censored_share: float | None = None,
        relative_error: float | None = None,
        steps: int | None = None,
    ) -> None:
        self._state = state_label(events, censored_share, relative_error, steps)

    def cell_finished(self) -> None:
        self._bar.advance(self._task)
        self._label, self._state = "", ""

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


def cell_label(grid: str, parameters: Mapping[str, object]) -> str:
    """For example "sgd_batch: B = 0.05, k = 1"."""
    coordinates = ", ".join(
        f"{name} = {value:.6g}" if isinstance(value, float) else f"{name} = {value}"
        for name, value in parameters.items()
    )
    return f"{grid}: {coordinates}"


def state_label(
    events: int | None, censored_share: float | None, relative_error: float | None, steps: int | None
) -> str:
    """For example "1,204 escapes, 3.1 % censored, relative error 2.9 %, 120,000 steps".

    Before the first escape there is no relative error, and none is shown.
    """
    parts = []
    if events is not None:
        parts.append(f"{events:,} escapes")
    if censored_share is not None:
        parts.append(f"{100 * censored_share:.1f} % censored")
    if relative_error is not None and math.isfinite(relative_error):
        parts.append(f"relative error {100 * relative_error:.2g} %")
    if steps is not None:
        parts.append(f"{steps:,} steps")
    return ", ".join(parts)
