"""A unit of work: some cells of one study, and how a worker anywhere measures them."""

from __future__ import annotations

import functools
import importlib
import pickle
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from simdyn.errors import InputError
from simdyn.results import versions
from simdyn.study.definition import UNIT, Execution, Study, Value, plain_value
from simdyn.study.discovery import FileModule, load_module, study_of
from simdyn.study.progress import CellProgress, CellState
from simdyn.study.seeds import cell_seed
from simdyn.study.storage import Cell, Measured

Tell = Callable[[int, CellState | None], None]
"""Takes the index of a cell that begins (None) or gets on."""


@dataclass(frozen=True)
class StudySource:
    """How a worker comes by the study: imported by name, from the text of its file, or sent as it is."""

    module: str | None = None
    file: FileModule | None = None
    study: Study[Any] | None = None

    @classmethod
    def of(cls, study: Study[Any]) -> StudySource:
        """The source of a study that is here.

        Raises
        ------
        InputError
            If it is none of a module or a file, and cannot be pickled.
        """
        for name in (f"studies.{study.name}", study.cell.__module__):
            module = sys.modules.get(name)
            if getattr(module, "STUDY", None) is study:
                file = getattr(module, "FILE_MODULE", None)
                return cls(file=file) if file else cls(module=name)
        try:
            pickle.dumps(study)
        except Exception as error:
            raise InputError(
                f"the study {study.name} cannot be sent to workers ({error}); define its functions in a file "
                "and give that file, or run it without workers"
            ) from error
        return cls(study=study)

    def load(self) -> Study[Any]:
        """The study, at the worker."""
        if self.study is not None:
            return self.study
        module = load_module(self.file) if self.file else importlib.import_module(str(self.module))
        return study_of(module, self.file.path if self.file else str(self.module))


@dataclass(frozen=True)
class Job:
    """What is the same for all units of a run.

    Attributes
    ----------
    settings
        As stored in the manifest.
    quantities
        What a cell must return, by grid.
    in_units
        Grids whose cells run in units: these have one coordinate more than the cell function is told.
    """

    source: StudySource
    settings: Mapping[str, Any]
    entropy: int
    quantities: Mapping[str, tuple[str, ...]]
    threads: int | None
    in_units: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Unit:
    """Cells to be measured one after the other, with their indices in the study."""

    indices: tuple[int, ...]
    cells: tuple[Cell, ...]


@dataclass(frozen=True)
class Outcome:
    """What became of a unit: its finished cells, and the error that ended it early."""

    finished: tuple[Measured, ...]
    error: Exception | None = None


def measure_unit(job: Job, unit: Unit, tell: Tell | None = None, seconds_between: float = 0.5) -> Outcome:
    """Measure the cells of a unit at a worker."""
    study = job.source.load()
    settings = study.stored_settings(job.settings)
    finished: list[Measured] = []
    for index, cell in zip(unit.indices, unit.cells, strict=True):
        progress = CellProgress()
        if tell is not None:
            tell(index, None)
            progress = CellProgress(functools.partial(tell, index), seconds_between)
        try:
            execution = Execution(job.threads, progress)
            finished.append(measure_cell(study, job, cell, settings, execution))
        except Exception as error:
            return Outcome(tuple(finished), error)
    return Outcome(tuple(finished))


def measure_cell(study: Study[Any], job: Job, cell: Cell, settings: object, execution: Execution) -> Measured:
    """Measure one cell; a pure function of all but `execution`, wherever it runs.

    Raises
    ------
    TypeError
        If the study's cell function returns what cannot be stored.
    KeyError
        If it leaves out a quantity that the grid declares.
    """
    began = time.perf_counter()
    grid, parameters = cell
    seed = cell_seed(job.entropy, grid, parameters)
    told = {name: value for name, value in parameters.items() if name != UNIT or grid not in job.in_units}
    try:
        measured = study.cell(grid, told, seed, settings, execution)
        values: dict[str, Value] = {name: plain_value(value, name) for name, value in measured.items()}
        missing = [name for name in job.quantities.get(grid, ()) if name not in values]
        if missing:
            raise KeyError(f"the cell did not return {', '.join(missing)}")
    except Exception as error:
        error.add_note(f"in study {study.name}, grid {grid}, cell {parameters}")
        raise
    return Measured(values=values, seconds=time.perf_counter() - began, versions=_versions())


@functools.cache
def _versions() -> dict[str, str]:
    """Looked up once a process: it takes as long as a small cell."""
    return versions()
