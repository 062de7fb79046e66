"""However a run is broken off, the same call goes on and ends with the same bytes."""

from __future__ import annotations

import dataclasses
import os
import signal
import subprocess
import sys
import time

import pytest

from simdyn.study import SilentProgress, run_study

pytestmark = pytest.mark.usefixtures("one_cell_a_shard")


def shard_values(folder):
    return {path.name: path.read_bytes() for path in (folder / "shards").iterdir()}


@pytest.mark.parametrize("cells", [0, 1, 4, 8])
def test_interrupted_and_resumed_equals_undisturbed(toy, tmp_path, outputs, interrupted_after, cells):
    run_study(toy, tmp_path / "whole", size="quick", seed=3)
    with pytest.raises(KeyboardInterrupt):
        run_study(toy, tmp_path / "cut", size="quick", seed=3, progress=interrupted_after(cells))
    kept = shard_values(tmp_path / "cut") if cells else {}
    assert len(kept) == cells
    run_study(toy, tmp_path / "cut", size="quick", seed=3)
    assert kept.items() <= shard_values(tmp_path / "cut").items()
    assert outputs(tmp_path / "cut") == outputs(tmp_path / "whole")


def test_another_seed_gives_other_numbers(toy, tmp_path, outputs):
    run_study(toy, tmp_path / "a", size="quick", seed=3)
    run_study(toy, tmp_path / "b", size="quick", seed=4)
    assert outputs(tmp_path / "a")["results.csv"] != outputs(tmp_path / "b")["results.csv"]


def test_killed_in_mid_run_and_resumed(toy, toy_file, tmp_path, outputs):
    run_study(toy, tmp_path / "whole", size="quick")
    out = tmp_path / "cut"
    program = (
        "import sys; from pathlib import Path; from simdyn.study import find_study, run_study\n"
        "run_study(find_study(sys.argv[1]), Path(sys.argv[2]), size='quick')"
    )
    with subprocess.Popen(
        [sys.executable, "-c", program, toy_file, str(out)], env={**os.environ, "TOY_SECONDS": "0.2"}
    ) as process:
        until = time.monotonic() + 60
        while len(list(out.glob("shards/*.json"))) < 2 and time.monotonic() < until:
            time.sleep(0.01)
        process.send_signal(signal.SIGKILL)
        assert process.wait(10) == -signal.SIGKILL
    kept = shard_values(out)
    assert 2 <= len(kept) < 9
    run_study(toy, out, size="quick")
    assert kept.items() <= shard_values(out).items()
    assert outputs(out) == outputs(tmp_path / "whole")


def test_a_new_grid_point_changes_no_other_cell(toy, tmp_path):
    class Counting(SilentProgress):
        done = None

        def study_started(self, name, waiting, total):
            self.done = (total - sum(waiting.values()), total)

    def wider_grids(settings):
        return toy.grids(dataclasses.replace(settings, rates=(0.25, *settings.rates)))

    first = run_study(toy, tmp_path, size="quick").results
    progress = Counting()
    wider = dataclasses.replace(toy, grids=wider_grids)
    second = run_study(wider, tmp_path, size="quick", progress=progress).results
    assert progress.done == (9, 12)
    assert second["means"].sel(rate=first["means"].rate).equals(first["means"])
    assert second["means"].sizes == {"rate": 4}
