"""Find studies: the modules of the package `studies`, or a file."""

from __future__ import annotations

import difflib
import functools
import hashlib
import importlib
import pkgutil
import sys
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

from simdyn.errors import InputError
from simdyn.study.definition import Study


def study_names() -> list[str]:
    """Names of the shipped studies, sorted, without importing them."""
    package = importlib.import_module("studies")
    return sorted(module.name for module in pkgutil.iter_modules(package.__path__))


def find_study(name_or_file: str) -> Study[Any]:
    """The shipped study of that name, or the one that a file ending in .py defines.

    Raises
    ------
    InputError
        If there is no such study, or the file cannot be loaded or defines none.
    """
    if name_or_file.endswith(".py"):
        return _from_file(Path(name_or_file))
    names = study_names()
    if name_or_file not in names:
        near = difflib.get_close_matches(name_or_file, names, n=1)
        hint = f"did you mean {near[0]}" if near else f"choose one of {', '.join(names) or '(none shipped)'}"
        raise InputError(f"there is no study {name_or_file!r}; {hint}, or give a file that ends in .py")
    return study_of(importlib.import_module(f"studies.{name_or_file}"), f"studies/{name_or_file}.py")


@dataclass(frozen=True)
class FileModule:
    """A study's file as it was read: where, and its text, so that a worker elsewhere runs the very same."""

    path: str
    text: str


@functools.cache
def load_module(file: FileModule) -> ModuleType:
    """Run the text of a file as a module of its own; the same file once a process.

    Raises
    ------
    InputError
        If it fails.
    """
    # Registered under a name of its own: dataclasses look their module up, and `studies` must stay untouched.
    digest = hashlib.sha256(f"{file.path}\n{file.text}".encode()).hexdigest()[:16]
    name = f"_study_file_{digest}"
    module = ModuleType(name)
    module.__dict__.update(__file__=file.path, FILE_MODULE=file)
    sys.modules[name] = module
    try:
        exec(compile(file.text, file.path, "exec"), module.__dict__)
    except InputError:
        raise
    except Exception as error:
        raise InputError(
            f"{file.path} cannot be loaded ({type(error).__name__}: {error}); mend that file"
        ) from error
    return module


def _from_file(path: Path) -> Study[Any]:
    if not path.is_file():
        raise InputError(
            f"there is no file {path}; give the path of a study or one of {', '.join(study_names())}"
        )
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"{path} cannot be read ({error}); give a Python file in UTF-8") from error
    return study_of(load_module(FileModule(str(path.resolve()), text)), str(path))


def study_of(module: object, where: str) -> Study[Any]:
    """The study that a module defines.

    Raises
    ------
    InputError
        If it defines none.
    """
    study = getattr(module, "STUDY", None)
    if not isinstance(study, Study):
        raise InputError(f"{where} defines no study; it must assign a Study to the name STUDY")
    return study
