"""A study's settings: overridden by a TOML file, stored as plain values and read back."""

from __future__ import annotations

import dataclasses
import difflib
import json
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypeVar

from simdyn.errors import InputError

S = TypeVar("S")


def read_overrides(path: Path) -> dict[str, Any]:
    """The settings that a TOML file gives, as one flat table.

    Raises
    ------
    InputError
        If the file cannot be read or is not TOML.
    """
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise InputError(f"cannot read the settings {path}: {error.strerror}; give a TOML file") from error
    except ValueError as error:
        raise InputError(f"the settings {path} are not valid TOML ({error}); mend that file") from error


def overridden(defaults: S, overrides: Mapping[str, Any]) -> S:
    """The frozen dataclass `defaults` with some fields replaced.

    A value must be of its default's kind: a whole number where that is one, any number where it is a float, a
    list where it is a tuple.

    Raises
    ------
    InputError
        If there is no such setting, or a value is of another kind; and what the dataclass itself refuses.
    """
    assert dataclasses.is_dataclass(defaults)
    assert not isinstance(defaults, type)
    record = {field.name: getattr(defaults, field.name) for field in dataclasses.fields(defaults)}
    for name in overrides:
        if name not in record:
            near = difflib.get_close_matches(name, record, n=1)
            hint = f"did you mean {near[0]}?" if near else f"it has {', '.join(record)}"
            raise InputError(f"the study has no setting {name!r}; {hint}")
    fitted = {name: _fitted(value, record[name], name) for name, value in overrides.items()}
    return dataclasses.replace(defaults, **fitted)


def from_record(kind: type[S], record: Mapping[str, Any]) -> S:
    """The settings that were stored as `record`.

    Raises
    ------
    InputError
        If the study has other settings by now.
    """
    assert dataclasses.is_dataclass(kind)
    names = {field.name for field in dataclasses.fields(kind)}
    if names != set(record):
        odd = sorted(names ^ set(record))[0]
        raise InputError(
            f"it was computed with other settings than the study has now ({odd} is new or gone); run it "
            "again into another --out"
        )
    return kind(**{name: _tuples(value) for name, value in record.items()})


def check_paired(settings: object, *pairs: tuple[str, str]) -> None:
    """Refuse settings of which one should hold a value for each of another; for a study's `__post_init__`.

    Raises
    ------
    InputError
        Naming both and their lengths.
    """
    for one, other in pairs:
        given, needed = len(getattr(settings, one)), len(getattr(settings, other))
        if given != needed:
            raise InputError(f"{one} has length {given} but {other} {needed}; give one value for each")


def check_at_least(settings: object, **fewest: int) -> None:
    """Refuse settings with fewer values than the study's claims and figures need; for its `__post_init__`.

    Raises
    ------
    InputError
        Naming the setting and its length.
    """
    for name, least in fewest.items():
        given = len(getattr(settings, name))
        if given < least:
            raise InputError(f"{name} has length {given}; give at least {least} values, which claims compare")


def check_contains(settings: object, **needed: float | tuple[float, ...]) -> None:
    """Refuse settings that lack values with which the study's claims compare; for its `__post_init__`.

    Raises
    ------
    InputError
        Naming the setting and the value.
    """
    for name, values in needed.items():
        for value in values if isinstance(values, tuple) else (values,):
            if value not in getattr(settings, name):
                raise InputError(f"{name} lacks {value:g}, with which claims compare; add it to the list")


def toml_text(overrides: Mapping[str, Any]) -> str:
    """The overrides as TOML, to be read again by `read_overrides`."""
    return "".join(f"{name} = {_toml(value)}\n" for name, value in overrides.items())


def _fitted(value: Any, default: Any, name: str) -> Any:
    """`value`, if it is of the kind of `default`, in the very type of `default`."""
    if isinstance(default, tuple | list) and isinstance(value, list):
        # A list may have another length, so its first default stands for all; floats admit whole numbers.
        models = sorted(default, key=lambda item: not isinstance(item, float))
        return tuple(_fitted(item, models[0], name) if models else _tuples(item) for item in value)
    plain = isinstance(value, bool | int | float | str)
    if default is None and plain:
        return value
    if isinstance(default, float) and isinstance(value, int | float) and not isinstance(value, bool):
        return float(value)
    if plain and type(value) is type(default):
        return value
    kinds = {bool: "true or false", int: "a whole number", float: "a number", str: "text"}
    wanted = kinds.get(type(default), "a list" if isinstance(default, tuple | list) else "a plain value")
    raise InputError(f"the setting {name} is {value!r}; give {wanted}, such as {_toml(default)}")


def _tuples(value: Any) -> Any:
    if isinstance(value, list):
        return tuple(_tuples(item) for item in value)
    return value


def _toml(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, list | tuple):
        return f"[{', '.join(_toml(item) for item in value)}]"
    if isinstance(value, str):
        # A JSON string is a TOML string but for one control character.
        return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
    return repr(value)  # numbers, and nan and inf, are spelled as in Python
