"""A study on a Dask cluster of several processes, one of which is killed in the middle."""

from __future__ import annotations

import os
import signal

import pytest
from typer.testing import CliRunner

from simdyn.cli.study import app
from simdyn.errors import InputError
from simdyn.study import SilentProgress, run_study

distributed = pytest.importorskip("distributed")


@pytest.fixture(scope="module")
def cluster():
    os.environ["TOY_SECONDS"] = "0.15"  # the workers inherit it
    try:
        with distributed.LocalCluster(
            n_workers=3, threads_per_worker=1, processes=True, dashboard_address=None
        ) as running:
            yield running
    finally:
        del os.environ["TOY_SECONDS"]


class KillingAWorker(SilentProgress):
    """Kills the process of one worker as soon as two cells are finished, and hears how the cells get on."""

    def __init__(self, cluster):
        self.cluster, self.finished, self.started, self.states = cluster, 0, set(), []

    def cell_started(self, cell):
        self.started.add(cell.index)

    def cell_state(self, cell, state):
        self.states.append(state.events)

    def cell_finished(self, cell, seconds):
        self.finished += 1
        if self.finished == 2 and self.cluster is not None:
            with distributed.Client(self.cluster, set_as_default=False) as client:
                pids = client.run(os.getpid)
            os.kill(next(iter(pids.values())), signal.SIGKILL)
            self.cluster = None


def test_same_bytes_though_a_worker_is_killed(cluster, toy, tmp_path, outputs):
    progress = KillingAWorker(cluster)
    run_study(
        toy, tmp_path / "cut", size="quick", seed=3, scheduler=cluster.scheduler_address, progress=progress
    )
    assert progress.cluster is None
    assert progress.finished == 9
    assert progress.started
    assert set(progress.states) <= {4000}
    run_study(toy, tmp_path / "whole", size="quick", seed=3)
    assert outputs(tmp_path / "cut") == outputs(tmp_path / "whole")


def test_from_the_shell(cluster, toy_file, tmp_path):
    words = ["run", toy_file, "--quick", "--out", str(tmp_path), "--scheduler", cluster.scheduler_address]
    result = CliRunner().invoke(app, words)
    assert result.exit_code == 0, result.output
    assert (tmp_path / "report.html").is_file()


def test_nobody_answers(toy, tmp_path, monkeypatch):
    monkeypatch.setattr("simdyn.study.pools._ANSWER_SECONDS", 0.5)
    with pytest.raises(InputError, match=r"no Dask scheduler answers at tcp://127.0.0.1:9"):
        run_study(toy, tmp_path, size="quick", scheduler="tcp://127.0.0.1:9")


def test_a_cluster_without_workers(toy, tmp_path, monkeypatch):
    monkeypatch.setattr("simdyn.study.pools._WORKERS_SECONDS", 0.5)
    with (
        distributed.LocalCluster(n_workers=0, processes=True, dashboard_address=None) as empty,
        pytest.raises(InputError, match="has no workers"),
    ):
        run_study(toy, tmp_path, size="quick", scheduler=empty.scheduler_address)
