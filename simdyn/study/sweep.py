"""Measure the cells that a folder lacks, in units of work large enough that keeping them costs little."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import FIRST_COMPLETED, BrokenExecutor, Future, wait
from dataclasses import dataclass
from typing import Any

from simdyn.errors import InputError
from simdyn.study.budgets import finished_units, unit_of, waiting_units
from simdyn.study.definition import Execution, Grid, Study
from simdyn.study.interrupt import Interrupt
from simdyn.study.pools import Pool
from simdyn.study.progress import CellPlace, CellProgress, CellState, Progress
from simdyn.study.storage import Cell, Measured, StudyFolder
from simdyn.study.work import Job, Outcome, Unit, measure_cell

UNIT_SECONDS = 0.5
"""Cells are gathered into units of about this length: to store a unit takes some milliseconds, to send it to
a worker and back about as long."""

_LARGEST_UNIT = 1000
_UNITS_AHEAD = 2
"""Units under way for every worker, so that none waits for the next one."""

_POLL_SECONDS = 0.2
_RENEWALS = 3
"""So often in a row may workers die without any unit finished in between."""


@dataclass(frozen=True)
class Waiting:
    """A cell to be measured."""

    place: CellPlace
    cell: Cell


def waiting_cells(folder: StudyFolder, grids: Sequence[Grid]) -> list[Waiting]:
    """The cells that the folder lacks, in the order of the grids.

    Of a cell that runs in units, those that its first ones ask for; when they are there, it may ask for more.
    """
    cells: list[tuple[Cell, bool]] = []
    for grid in grids:
        for parameters in grid.cells():
            if grid.budget is None:
                cells.append(((grid.name, parameters), folder.load(grid.name, parameters) is None))
                continue
            done = len(finished_units(folder, grid, parameters))
            waiting = waiting_units(folder, grid, parameters)
            cells += [((grid.name, unit_of(parameters, number)), False) for number in range(done)]
            cells += [((grid.name, unit), True) for unit in waiting]
    return [
        Waiting(CellPlace(index, len(cells), *cell), cell)
        for index, (cell, waits) in enumerate(cells)
        if waits
    ]


def sweep_here(
    study: Study[Any],
    folder: StudyFolder,
    cells: Sequence[Waiting],
    job: Job,
    progress: Progress,
    interrupt: Interrupt,
) -> None:
    """One cell after the other in this process, each with all threads."""
    settings = study.stored_settings(job.settings)
    finished: list[tuple[Cell, Measured]] = []
    since = time.monotonic()
    try:
        for waiting in cells:
            place = waiting.place
            progress.cell_started(place)
            execution = Execution(job.threads, CellProgress(_telling(progress, place)))
            try:
                measured = measure_cell(study, job, waiting.cell, settings, execution)
            except Exception:
                interrupt.check()
                raise
            interrupt.check()
            finished.append((waiting.cell, measured))
            progress.cell_finished(place, measured.seconds)
            if time.monotonic() - since >= UNIT_SECONDS:
                done, finished = finished, []
                folder.store(done)
                since = time.monotonic()
    finally:
        if finished:
            folder.store(finished)


def sweep_in_pool(
    folder: StudyFolder,
    cells: Sequence[Waiting],
    job: Job,
    pool: Pool,
    progress: Progress,
) -> None:
    """Units of cells side by side in a pool; this process alone writes."""
    places = {waiting.place.index: waiting.place for waiting in cells}
    queue = _Queue(cells)
    running: dict[Future[Outcome], Unit] = {}
    started: set[int] = set()
    renewals = 0

    def hear() -> None:
        for index, state in pool.messages():
            if index not in places:
                continue  # from a run before this one, or a cell that is finished
            if index not in started:
                started.add(index)
                progress.cell_started(places[index])
            if state is not None:
                progress.cell_state(places[index], state)

    def keep(done: Sequence[tuple[Unit, Outcome]]) -> None:
        finished: list[tuple[int, Cell, Measured]] = []
        for unit, outcome in done:
            # Shorter than the unit where an error ended it.
            finished += zip(unit.indices, unit.cells, outcome.finished, strict=False)
        if finished:
            folder.store([(cell, measured) for _, cell, measured in finished])
        for index, cell, measured in finished:
            queue.learn(cell[0], measured.seconds)
            progress.cell_finished(places.pop(index), measured.seconds)
        for _, outcome in done:
            if outcome.error is not None:
                raise outcome.error

    try:
        while queue or running:
            try:
                width = pool.width()
                while queue and len(running) < _UNITS_AHEAD * width:
                    unit = queue.next_unit(width)
                    try:
                        running[pool.submit(job, unit)] = unit
                    except BrokenExecutor:
                        queue.put_back(unit)
                        raise
                ended = wait(running, timeout=_POLL_SECONDS, return_when=FIRST_COMPLETED).done
                hear()
                broken = next((future for future in ended if _broken(future)), None)
                done = [future for future in ended if not _broken(future)]
                if done:
                    renewals = 0
                    keep([(running[future], future.result()) for future in done])
                    for future in done:
                        del running[future]
                if broken is not None:
                    raise BrokenExecutor
            except BrokenExecutor as error:
                renewals += 1
                if renewals > _RENEWALS:
                    raise InputError(
                        f"worker processes died {renewals} times in a row (is the memory full?); the "
                        "finished cells are kept, so mend this and run the same command again"
                    ) from error
                for unit in running.values():
                    queue.put_back(unit)
                running.clear()
                pool.renew()
    except BaseException:
        for future in running:
            future.cancel()
        for future, unit in running.items():
            if future.done() and not future.cancelled() and future.exception() is None:
                folder.store(list(zip(unit.cells, future.result().finished, strict=False)))
        raise


class _Queue:
    """The cells that wait, cut into units by what the cells of their grid have taken so far."""

    def __init__(self, cells: Sequence[Waiting]) -> None:
        self._cells = deque((waiting.place.index, waiting.cell) for waiting in cells)
        self._spent: dict[str, tuple[int, float]] = {}

    def __len__(self) -> int:
        return len(self._cells)

    def learn(self, grid: str, seconds: float) -> None:
        """A cell of `grid` took so long."""
        count, spent = self._spent.get(grid, (0, 0.0))
        self._spent[grid] = (count + 1, spent + seconds)

    def next_unit(self, width: int) -> Unit:
        """The next cells of one grid: one while nothing is known of it, and fewer towards the end."""
        grid = self._cells[0][1][0]
        count, spent = self._spent.get(grid, (0, 0.0))
        wanted = 1
        if count:
            by_time = UNIT_SECONDS / max(spent / count, UNIT_SECONDS / _LARGEST_UNIT)
            wanted = max(1, min(int(by_time), -(-len(self._cells) // (_UNITS_AHEAD * width))))
        taken: list[tuple[int, Cell]] = []
        while self._cells and len(taken) < wanted and self._cells[0][1][0] == grid:
            taken.append(self._cells.popleft())
        return Unit(tuple(index for index, _ in taken), tuple(cell for _, cell in taken))

    def put_back(self, unit: Unit) -> None:
        """To the front, for another worker."""
        self._cells.extendleft(reversed(list(zip(unit.indices, unit.cells, strict=True))))


def _broken(future: Future[Outcome]) -> bool:
    return not future.cancelled() and isinstance(future.exception(), BrokenExecutor)


def _telling(progress: Progress, place: CellPlace) -> Callable[[CellState], None]:
    return lambda state: progress.cell_state(place, state)
