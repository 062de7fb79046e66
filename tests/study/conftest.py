from __future__ import annotations

from pathlib import Path

import pytest

from simdyn.study import SilentProgress, find_study

TOY = Path(__file__).with_name("toy_study.py")


class InterruptedAfter(SilentProgress):
    """Presses Ctrl-C when so many cells are finished, in the middle of the next one."""

    def __init__(self, cells):
        self.left = cells

    def cell_state(self, cell, state):
        if self.left == 0:
            raise KeyboardInterrupt

    def cell_finished(self, cell, seconds):
        self.left -= 1


@pytest.fixture
def toy_file():
    return str(TOY)


@pytest.fixture
def toy():
    return find_study(str(TOY))


@pytest.fixture
def interrupted_after():
    return InterruptedAfter


@pytest.fixture
def outputs():
    """The bytes of everything that must not depend on how a run went."""

    def read(folder):
        names = [
            "results.csv",
            "results.nc",
            "claims.json",
            "figures/means.svg",
            "figures/means.pdf",
            "figures/means.png",
        ]
        return {name: (folder / name).read_bytes() for name in names}

    return read


@pytest.fixture
def one_cell_a_shard(monkeypatch):
    """Keep every cell by itself, however fast it is."""
    monkeypatch.setattr("simdyn.study.sweep.UNIT_SECONDS", 0.0)
