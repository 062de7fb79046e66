"""What `--help` says of every verb."""

from __future__ import annotations

import dataclasses

import pytest
import typer.main

from simdyn import SDE, SGD, SGLD
from simdyn.cli import app, run


def verbs(command=None, path=()):
    """Every command line that takes options, with its parameters."""
    command = command or typer.main.get_command(app)
    inner = getattr(command, "commands", {})
    for name, one in inner.items():
        yield from verbs(one, (*path, name))
    if not inner:
        yield path, command.params


VERBS = list(verbs())


@pytest.mark.parametrize(("path", "parameters"), VERBS, ids=[" ".join(path) for path, _ in VERBS])
def test_every_option_is_shown_with_its_words_and_default(path, parameters, capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "400")
    assert run([*path, "--help"]) == 0
    shown = " ".join(capsys.readouterr().out.split())
    for one in parameters:
        assert one.help, one.name
        assert " ".join(one.help.split()) in shown
        if isinstance(one.show_default, str):
            assert f"[default: ({one.show_default})]" in shown


def test_the_options_of_dynamics_name_all_their_settings():
    """`order` belongs to limits of discrete rules, which the shell does not make."""
    escape = {one.name: one.help for path, parameters in VERBS if path == ("escape",) for one in parameters}
    for name, kind in (("sgd", SGD), ("sgld", SGLD), ("sde", SDE)):
        fields = {field.name for field in dataclasses.fields(kind) if field.init} - {"order"}
        assert set(escape[name].rstrip(".").split(", ")) == fields
