"""Where units of work run side by side: own processes, a Dask cluster, or an executor that the caller has."""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
from collections import deque
from collections.abc import Iterator
from concurrent.futures import Executor, Future, ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import asdict
from typing import TYPE_CHECKING, Any, Protocol

from simdyn.errors import InputError
from simdyn.study.progress import CellState
from simdyn.study.work import Job, Outcome, Unit, measure_unit

if TYPE_CHECKING:
    from multiprocessing.connection import Connection
    from multiprocessing.queues import SimpleQueue

    from distributed import Client

_ANSWER_SECONDS = 10.0
_WORKERS_SECONDS = 30.0

Message = tuple[int, CellState | None]
"""From a worker: the index of a cell, and None where it begins or how it gets on."""


class Pool(Protocol):
    """Runs units; `messages` empties what the workers have told since the last call."""

    def width(self) -> int:
        """How many units run at once."""

    def submit(self, job: Job, unit: Unit) -> Future[Outcome]:
        """Start a unit."""

    def messages(self) -> list[Message]:
        """What the workers have told."""

    def renew(self) -> None:
        """Replace what a dead worker has broken."""


class Processes:
    """Worker processes on this machine, started afresh (no fork copies locks or threads)."""

    def __init__(self, workers: int) -> None:
        self._workers = workers
        self._context = multiprocessing.get_context("spawn")
        self._begin()

    def _begin(self) -> None:
        # A queue of their own: a worker that died in the middle of a message leaves the old one locked.
        self._told: SimpleQueue[Message] = self._context.SimpleQueue()
        receiver, self._alive = self._context.Pipe(duplex=False)
        self._executor = ProcessPoolExecutor(
            self._workers, self._context, initializer=_become_worker, initargs=(self._told, receiver)
        )

    def width(self) -> int:
        return self._workers

    def submit(self, job: Job, unit: Unit) -> Future[Outcome]:
        return self._executor.submit(_measure_in_process, job, unit)

    def messages(self) -> list[Message]:
        told = []
        while not self._told.empty():
            told.append(self._told.get())
        return told

    def renew(self) -> None:
        self.close()
        self._begin()

    def close(self) -> None:
        """End the workers at once, whatever they are doing."""
        self._alive.close()
        self._executor.shutdown(wait=True, cancel_futures=True)


_to_parent: SimpleQueue[Message] | None = None


def _become_worker(told: SimpleQueue[Message], alive: Connection) -> None:
    """Leave Ctrl-C to the parent, and end when it closes its end of the pipe or dies."""
    global _to_parent
    _to_parent = told
    signal.signal(signal.SIGINT, signal.SIG_IGN)

    def watch() -> None:
        from multiprocessing.connection import wait

        parent = multiprocessing.parent_process()
        wait([alive] if parent is None else [alive, parent.sentinel])
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()


def _measure_in_process(job: Job, unit: Unit) -> Outcome:
    told = _to_parent
    assert told is not None
    return measure_unit(job, unit, lambda index, state: told.put((index, state)))


class Cluster:
    """The workers of a Dask cluster. A worker that dies has its units run again by another."""

    def __init__(self, client: Client, topic: str) -> None:
        self._client = client
        self._topic = topic
        self._executor = client.get_executor(pure=False)
        self._told: deque[Message] = deque()
        client.subscribe_topic(topic, self._listen)

    def _listen(self, event: tuple[Any, Any]) -> None:
        index, state = event[1]
        self._told.append((index, state if state is None else CellState(**state)))

    def width(self) -> int:
        return max(1, sum(self._client.nthreads().values()))

    def submit(self, job: Job, unit: Unit) -> Future[Outcome]:
        future: Future[Outcome] = self._executor.submit(_measure_on_cluster, self._topic, job, unit)
        return future

    def messages(self) -> list[Message]:
        return [self._told.popleft() for _ in range(len(self._told))]

    def renew(self) -> None:
        """The cluster looks after its workers itself."""


def _measure_on_cluster(topic: str, job: Job, unit: Unit) -> Outcome:
    from distributed import get_worker

    worker = get_worker()

    def tell(index: int, state: CellState | None) -> None:
        # Events hold plain lists and dicts alone.
        worker.log_event(topic, [index, state if state is None else asdict(state)])

    return measure_unit(job, unit, tell)


class Lent:
    """Any executor of the caller's, who shuts it down. Its cells tell nothing on the way."""

    def __init__(self, executor: Executor, workers: int | None) -> None:
        self._executor = executor
        self._width = workers or getattr(executor, "_max_workers", None) or os.cpu_count() or 1

    def width(self) -> int:
        return self._width

    def submit(self, job: Job, unit: Unit) -> Future[Outcome]:
        return self._executor.submit(measure_unit, job, unit)

    def messages(self) -> list[Message]:
        return []

    def renew(self) -> None:
        raise InputError(
            "the executor is broken: one of its workers died; the finished cells are kept, so run the same "
            "again with a new executor"
        )


@contextmanager
def processes(workers: int) -> Iterator[Processes]:
    """So many worker processes, for the time of a block."""
    pool = Processes(workers)
    try:
        yield pool
    finally:
        pool.close()


@contextmanager
def cluster(address: str, topic: str) -> Iterator[Cluster]:
    """The Dask cluster whose scheduler is at `address`, for the time of a block.

    Raises
    ------
    InputError
        If `distributed` is not installed, nothing answers at the address, or the cluster has no workers.
    """
    try:
        from distributed import Client
    except ImportError as error:
        raise InputError(
            "--scheduler needs the package distributed; install it with pip install 'simdyn[distributed]'"
        ) from error
    try:
        client = Client(address, timeout=_ANSWER_SECONDS, set_as_default=False)
    except (OSError, ValueError, TimeoutError) as error:
        raise InputError(
            f"no Dask scheduler answers at {address}; start one with `dask scheduler` and give the address "
            "that it prints, such as tcp://10.0.0.1:8786"
        ) from error
    with client:
        try:
            client.wait_for_workers(1, timeout=_WORKERS_SECONDS)
        except TimeoutError as error:
            raise InputError(
                f"the cluster at {address} has no workers; start some with `dask worker {address}`"
            ) from error
        yield Cluster(client, topic)
