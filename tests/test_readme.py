"""What the README shows is run as it stands there, and gives what is said there."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

README = (Path(__file__).parents[1] / "README.md").read_text()
BLOCKS = re.findall(r"```(sh|python|text)\n(.*?)```", README, flags=re.DOTALL)
ELSEWHERE = (
    "python3 -m venv", "simdyn study run", "simdyn study report", "simdyn diagram slice results",
    "simdyn bench",
)  # fmt: skip
"""Installation and studies are tried by CI itself, and what takes a minute in tests of its own."""


def commands():
    """Every command of simdyn, with what is printed below it."""
    for (kind, text), (following, printed) in zip(BLOCKS, [*BLOCKS[1:], ("", "")], strict=True):
        if kind != "sh":
            continue
        lines = [line.strip() for line in text.replace("\\\n", " ").splitlines() if line.strip()]
        for line in lines:
            if not line.startswith(ELSEWHERE):
                alone = len(lines) == 1 and following == "text"
                yield shlex.split(line, comments=True), printed if alone else ""


@pytest.fixture
def samples(tmp_path, monkeypatch):
    """A folder with the file that the README reads."""
    rng = np.random.default_rng(1)
    x = rng.normal(size=200)
    table = np.column_stack([x, 0.8 * x + rng.normal(size=200)])
    np.savetxt(tmp_path / "samples.csv", table, delimiter=",", header="x,y", comments="")
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.slow
@pytest.mark.parametrize(
    ("words", "printed"), [pytest.param(*one, id=" ".join(one[0])[:60]) for one in commands()]
)
def test_a_command_runs_and_prints_what_is_shown(samples, words, printed):
    assert words[0] == "simdyn"
    done = subprocess.run(
        [sys.executable, "-m", "simdyn.cli", *words[1:]],
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    # Seconds, and what rounding leaves of an error, are the machine's.
    shown = re.sub(r" in [\d.]+ s on cpu|\(\+- \S+\)", "", printed)
    found = re.sub(r" in [\d.]+ s on cpu|\(\+- \S+\)", "", done.stdout)
    if printed:
        assert found.strip() == shown.strip()
    if "--plot" in words:
        assert (samples / words[words.index("--plot") + 1]).stat().st_size > 1_000


@pytest.mark.slow
def test_the_python_runs(samples):
    """All blocks of Python, one after the other in one process."""
    text = "\n".join(text for kind, text in BLOCKS if kind == "python")
    done = subprocess.run(
        [sys.executable, "-c", text], capture_output=True, text=True, timeout=600, check=False
    )
    assert done.returncode == 0, done.stderr
    assert "inside the 95 % interval" in done.stdout
