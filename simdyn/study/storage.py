"""A study's folder: a manifest that says whose it is, and immutable shards of finished cells."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from simdyn.errors import InputError
from simdyn.study.definition import Parameters, Size, Value
from simdyn.study.lock import LOCK, locked
from simdyn.study.records import DamagedRecordError, canonical, digest, read_record, write_record
from simdyn.whole_files import is_partial, make_folder, remove_partial_files

FORMAT = 2
MANIFEST = "study.json"
SHARDS = "shards"
FIGURES = "figures"


@dataclass(frozen=True, kw_only=True)
class Manifest:
    """Whose folder it is and what was asked for.

    Attributes
    ----------
    study, origin
        The study's name, and where its definition was found: the name again for a shipped study, else its
        file.
    size, settings, entropy
        "quick" or "full", the settings in effect, and the seed of the whole study.
    overrides
        Those of the settings that were given by a file.
    problem
        Title, source and the grids, for a reader without simdyn.
    versions
        The software that began the folder; every shard holds its own.
    """

    study: str
    origin: str
    size: Size
    settings: dict[str, Any]
    entropy: int
    problem: dict[str, Any]
    versions: dict[str, str]
    overrides: dict[str, Any] = field(default_factory=dict)

    @property
    def identity(self) -> dict[str, Any]:
        """What a cell's numbers depend on besides its coordinates."""
        return {"study": self.study, "settings": self.settings, "entropy": str(self.entropy)}

    def record(self) -> dict[str, Any]:
        """As stored. The entropy is text, because it may have more digits than other readers' numbers."""
        return {"format": FORMAT, **vars(self), "entropy": str(self.entropy)}


@dataclass(frozen=True, kw_only=True)
class Measured:
    """One finished cell: what it measured, how long it took and which software did it."""

    values: dict[str, Value]
    seconds: float
    versions: dict[str, str]


Cell = tuple[str, Parameters]
"""The name of a grid and the coordinates of a cell."""


class StudyFolder:
    """The shards of one run, one for every unit of work: cells that were finished at about one time.

    Get one from `open_folder`, which holds the lock.

    Raises
    ------
    InputError
        If a shard is damaged or holds cells of another run.
    """

    def __init__(self, path: Path, manifest: Manifest) -> None:
        self.path = path
        self.manifest = manifest
        self._cells: dict[str, Measured] = {}
        for file in sorted((path / SHARDS).glob("*.json")):
            try:
                self._cells.update(self._read(file))
            except DamagedRecordError as error:
                raise InputError(
                    f"the shard {file} {error}; delete that file and run the study again to have its cells "
                    "recomputed"
                ) from error

    def store(self, finished: Sequence[tuple[Cell, Measured]]) -> None:
        """Keep finished cells for good, in one shard for each set of versions among them."""
        by_versions: dict[object, list[tuple[Cell, Measured]]] = {}
        for cell, measured in finished:
            by_versions.setdefault(tuple(sorted(measured.versions.items())), []).append((cell, measured))
        for group in by_versions.values():
            cells = [
                {
                    "grid": grid,
                    "parameters": parameters,
                    "values": measured.values,
                    "seconds": measured.seconds,
                }
                for (grid, parameters), measured in group
            ]
            run = self.manifest.identity
            path = self.path / SHARDS / f"{_shard_name(run, cells)}.json"
            write_record(path, {"run": run, "versions": group[0][1].versions, "cells": cells})
        for cell, measured in finished:
            self._cells[_cell_key(*cell)] = measured

    def load(self, grid: str, parameters: Parameters) -> Measured | None:
        """A finished cell, or None where there is none yet."""
        return self._cells.get(_cell_key(grid, parameters))

    def _read(self, file: Path) -> dict[str, Measured]:
        """The cells of one shard by their keys."""
        content = read_record(file)
        if set(content) != {"run", "versions", "cells"}:
            raise DamagedRecordError("is not a shard of simdyn")
        if content["run"] != self.manifest.identity:
            raise DamagedRecordError("belongs to another run")
        if file.stem != _shard_name(content["run"], content["cells"]):
            raise DamagedRecordError("holds other cells than its name says")
        return {
            _cell_key(cell["grid"], cell["parameters"]): Measured(
                values=cell["values"], seconds=cell["seconds"], versions=content["versions"]
            )
            for cell in content["cells"]
        }


def _cell_key(grid: str, parameters: Parameters) -> str:
    return canonical([grid, parameters])


def _shard_name(run: dict[str, Any], cells: Sequence[Mapping[str, Any]]) -> str:
    """The hash of all that the numbers of the cells depend on."""
    return digest({"run": run, "cells": [[cell["grid"], cell["parameters"]] for cell in cells]})


@contextmanager
def open_folder(path: Path, wanted: Manifest) -> Iterator[StudyFolder]:
    """Open or begin the folder of the run `wanted`, and hold its lock.

    Raises
    ------
    InputError
        If the folder is in use, foreign, damaged, or belongs to another study, size, settings or seed.
    """
    make_folder(path, "choose another --out")
    _check_ours(path)  # before the lock, so that nothing at all is put into somebody else's folder
    with locked(path):
        _check_ours(path)
        if (path / MANIFEST).exists():
            found = read_manifest(path)
            _check_same_run(path, found, wanted)
            # The versions stay those that began the folder; the grids may have gained points since.
            wanted = replace(wanted, versions=found.versions)
            if wanted != found:
                write_record(path / MANIFEST, wanted.record())
        else:
            write_record(path / MANIFEST, wanted.record())
        make_folder(path / SHARDS)
        _remove_leftovers(path)
        yield StudyFolder(path, wanted)


@contextmanager
def open_existing(path: Path) -> Iterator[StudyFolder]:
    """Open a folder that holds a run, whatever run it is, and hold its lock.

    Raises
    ------
    InputError
        If the folder is not a run's, is in use or is damaged.
    """
    read_manifest(path)  # before the lock, so that nothing is put into a folder that is not ours
    with locked(path):
        manifest = read_manifest(path)
        _remove_leftovers(path)
        yield StudyFolder(path, manifest)


def read_manifest(path: Path) -> Manifest:
    """The manifest of the folder `path`.

    Raises
    ------
    InputError
        If there is none, or it is damaged or of another format.
    """
    file = path / MANIFEST
    if not file.is_file():
        raise InputError(
            f"{path} holds no study (no {MANIFEST}); give the --out folder of `simdyn study run`"
        )
    try:
        record = read_record(file)
        if record.pop("format", None) != FORMAT:
            raise InputError(
                f"{file} was written by another version of simdyn than this one; install the version that "
                "wrote it or choose another --out"
            )
        return Manifest(**{**record, "entropy": int(record["entropy"])})
    except (DamagedRecordError, TypeError, KeyError, ValueError) as error:
        if isinstance(error, InputError):
            raise
        reason = str(error) if isinstance(error, DamagedRecordError) else "is not a manifest of a study"
        raise InputError(
            f"the manifest {file} {reason}; choose another --out or delete the folder"
        ) from error


def _remove_leftovers(path: Path) -> None:
    for folder in (path, path / SHARDS, path / FIGURES):
        remove_partial_files(folder)


def _check_ours(path: Path) -> None:
    if (path / MANIFEST).exists():
        return
    # A run killed before its manifest was in place leaves the lock and the unfinished manifest, nothing else.
    strangers = sorted({item.name for item in path.iterdir()} - {LOCK})
    strangers = [name for name in strangers if not is_partial(name, path / MANIFEST)]
    if strangers:
        raise InputError(
            f"the folder {path} is not empty and holds no study (it has {strangers[0]}, no {MANIFEST}); "
            "choose another --out"
        )


def _check_same_run(path: Path, found: Manifest, wanted: Manifest) -> None:
    if found.study != wanted.study:
        raise InputError(f"{path} holds the study {found.study}, not {wanted.study}; choose another --out")
    if found.size != wanted.size:
        raise InputError(
            f"{path} holds the {found.size} run of {found.study}, not the {wanted.size} one; give "
            f"--{found.size} to go on with it or choose another --out"
        )
    if found.entropy != wanted.entropy:
        raise InputError(
            f"{path} was begun with --seed {found.entropy}, not {wanted.entropy}; give that seed (or none) "
            "to go on with it or choose another --out"
        )
    if found.settings != wanted.settings:
        keys = sorted(found.settings.keys() | wanted.settings.keys())
        key = next(key for key in keys if found.settings.get(key) != wanted.settings.get(key))
        raise InputError(
            f"{path} was begun with other settings ({key} was {found.settings.get(key)}, now "
            f"{wanted.settings.get(key)}); give those (or none) to go on with it or choose another --out"
        )
