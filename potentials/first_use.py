"""Packages whose names are imported on first use, so that nobody waits for what they do not need."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping, Sequence
from importlib import import_module
from types import ModuleType
from typing import Any


class _Package(ModuleType):
    """A package some of whose names are also names of its modules, as the function `kramers` of the module
    `kramers`: whoever imports the module does not take the function's place."""

    names_from: Mapping[str, str]

    def __setattr__(self, name: str, value: Any) -> None:
        if name in self.names_from and isinstance(value, ModuleType):
            return
        super().__setattr__(name, value)


def names_on_first_use(
    package: str, homes: Mapping[str, Sequence[str]], modules: Sequence[str] = ()
) -> tuple[Callable[[str], Any], Callable[[], list[str]]]:
    """The functions `__getattr__` and `__dir__` of a package (PEP 562).

    Parameters
    ----------
    package
        Its `__name__`.
    homes
        Module -> names that it gives to the package.
    modules
        Modules of the package that are names themselves.
    """
    module = sys.modules[package]
    names_from = {name: home for home, names in homes.items() for name in names}
    if not names_from.keys().isdisjoint(home.rpartition(".")[2] for home in homes):
        module.__class__ = _Package
        module.__dict__["names_from"] = names_from

    def getattr_(name: str) -> Any:
        if name in modules:
            return import_module(f"{package}.{name}")
        if name not in names_from:
            raise AttributeError(f"module {package!r} has no attribute {name!r}")
        value = getattr(import_module(names_from[name]), name)
        setattr(module, name, value)
        return value

    def dir_() -> list[str]:
        return sorted({*module.__dict__, *names_from, *modules} - {"names_from"})

    return getattr_, dir_
