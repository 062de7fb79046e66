"""A study's folder: a manifest that says whose it is, and one immutable shard for every finished cell."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from simdyn.errors import InputError
from simdyn.study.atomic import PARTIAL, remove_partial_files
from simdyn.study.definition import Grid, Parameters, Size, Value
from simdyn.study.lock import LOCK, locked
from simdyn.study.records import DamagedRecordError, digest, read_record, write_record

FORMAT = 1
MANIFEST = "study.json"
SHARDS = "shards"


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

    @property
    def identity(self) -> dict[str, Any]:
        """What a cell's numbers depend on besides its coordinates."""
        return {"study": self.study, "settings": self.settings, "entropy": str(self.entropy)}

    def record(self) -> dict[str, Any]:
        """As stored. The entropy is text, because it may have more digits than other readers' numbers."""
        return {"format": FORMAT, **vars(self), "entropy": str(self.entropy)}


@dataclass(frozen=True, kw_only=True)
class Shard:
    """One finished cell: what it measured, how long it took and which software did it."""

    values: dict[str, Value]
    seconds: float
    versions: dict[str, str]


class StudyFolder:
    """The shards of one run. Get one from `open_folder`, which holds the lock."""

    def __init__(self, path: Path, manifest: Manifest) -> None:
        self.path = path
        self.manifest = manifest

    def _key(self, grid: str, parameters: Parameters) -> dict[str, Any]:
        return {**self.manifest.identity, "grid": grid, "parameters": parameters}

    def shard_path(self, grid: str, parameters: Parameters) -> Path:
        """The cell's file, named by the hash of all that its numbers depend on."""
        return self.path / SHARDS / f"{digest(self._key(grid, parameters))}.json"

    def store(self, grid: str, parameters: Parameters, shard: Shard) -> None:
        """Keep a finished cell for good."""
        content = {"cell": self._key(grid, parameters), **vars(shard)}
        write_record(self.shard_path(grid, parameters), content)

    def load(self, grid: str, parameters: Parameters) -> Shard | None:
        """A finished cell, or None where there is none yet.

        Raises
        ------
        InputError
            If the cell's shard is damaged.
        """
        path = self.shard_path(grid, parameters)
        if not path.exists():
            return None
        try:
            content = read_record(path)
            if content.pop("cell", None) != self._key(grid, parameters):
                raise DamagedRecordError("holds another cell than its name says")
        except DamagedRecordError as error:
            raise InputError(
                f"the shard {path} {error}; delete that file and run the study again to have its cell "
                "recomputed"
            ) from error
        return Shard(**content)

    def finished(self, grids: tuple[Grid, ...]) -> int:
        """Number of cells of `grids` that have a shard."""
        return sum(self.shard_path(grid.name, cell).exists() for grid in grids for cell in grid.cells())


@contextmanager
def open_folder(path: Path, wanted: Manifest) -> Iterator[StudyFolder]:
    """Open or begin the folder of the run `wanted`, and hold its lock.

    Raises
    ------
    InputError
        If the folder is in use, foreign, damaged, or belongs to another study, size, settings or seed.
    """
    _make_folder(path)
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


def _make_folder(path: Path) -> None:
    try:
        path.mkdir(parents=True, exist_ok=True)
    except FileExistsError as error:
        raise InputError(f"--out {path} is a file, not a folder; choose another --out") from error
    except OSError as error:
        raise InputError(f"cannot make the folder {path}: {error.strerror}; choose another --out") from error


def _remove_leftovers(path: Path) -> None:
    for folder in (path, path / SHARDS, path / "figures"):
        remove_partial_files(folder)


def _check_ours(path: Path) -> None:
    if (path / MANIFEST).exists():
        return
    # A run killed before its manifest was in place leaves the lock and the unfinished manifest, nothing else.
    strangers = sorted({item.name for item in path.iterdir()} - {LOCK, MANIFEST + PARTIAL})
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
            f"{wanted.settings.get(key)}); choose another --out"
        )
