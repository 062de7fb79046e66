"""Find studies: the modules of the package `studies`, or a file."""

from __future__ import annotations

import difflib
import importlib
import importlib.util
import pkgutil
import sys
from pathlib import Path
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
    return _study_of(importlib.import_module(f"studies.{name_or_file}"), f"studies/{name_or_file}.py")


def _from_file(path: Path) -> Study[Any]:
    if not path.is_file():
        raise InputError(
            f"there is no file {path}; give the path of a study or one of {', '.join(study_names())}"
        )
    # Registered under a name of its own: dataclasses look their module up, and `studies` must stay untouched.
    name = f"_study_file_{path.stem}"
    specification = importlib.util.spec_from_file_location(name, path)
    assert specification is not None
    assert specification.loader is not None
    module = importlib.util.module_from_spec(specification)
    sys.modules[name] = module
    try:
        specification.loader.exec_module(module)
    except InputError:
        raise
    except Exception as error:
        raise InputError(
            f"{path} cannot be loaded ({type(error).__name__}: {error}); mend that file"
        ) from error
    return _study_of(module, str(path))


def _study_of(module: object, where: str) -> Study[Any]:
    study = getattr(module, "STUDY", None)
    if not isinstance(study, Study):
        raise InputError(f"{where} defines no study; it must assign a Study to the name STUDY")
    return study
