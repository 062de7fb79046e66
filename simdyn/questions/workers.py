"""Independent tasks in processes of their own, each with a single thread for linear algebra.

A script needs no `if __name__ == "__main__"` around its calls, since the processes do not run it again.
Linear algebra on one thread has the same last digits for any number of processes, and on a busy machine it is
many times faster than several threads that wait for one another.
"""

from __future__ import annotations

import contextlib
import os
import pickle
import queue
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from typing import IO, Any, TypeVar

T = TypeVar("T")
R = TypeVar("R")

_THREADS = ("OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "OMP_NUM_THREADS", "VECLIB_MAXIMUM_THREADS")
_SERVE = "from simdyn.questions.workers import serve; serve()"


def answers(function: Callable[[T], R], tasks: Sequence[T], workers: int) -> Iterator[tuple[int, R]]:
    """The number of each task and what `function` makes of it, in the order in which they are done.

    Whoever stops asking, by Ctrl-C for instance, ends the processes.

    Parameters
    ----------
    function
        Of one task; it and the tasks have to be picklable, which functions of a script itself are not.
    tasks
        Taken in order, by whichever process is free.
    workers
        Number of processes.

    Raises
    ------
    Exception
        Whatever `function` raised, or RuntimeError if a process was killed.
    """
    begin = pickle.dumps(function)
    pending = iter(enumerate(tasks))
    lock = threading.Lock()
    finished: queue.SimpleQueue[tuple[int, Any]] = queue.SimpleQueue()
    processes = [_start() for _ in range(min(workers, len(tasks)))]

    def feed(process: subprocess.Popen[bytes]) -> None:
        assert process.stdin is not None
        assert process.stdout is not None
        try:
            process.stdin.write(begin)
            while True:
                with lock:
                    index, task = next(pending, (-1, None))
                if index < 0:
                    break
                pickle.dump(task, process.stdin)
                process.stdin.flush()
                finished.put((index, _answer(process.stdout)))
            process.stdin.close()
        except Exception as error:
            finished.put((-1, error))

    threads = [threading.Thread(target=feed, args=(process,), daemon=True) for process in processes]
    try:
        for thread in threads:
            thread.start()
        for _ in tasks:
            index, answer = finished.get()
            if isinstance(answer, Exception):
                raise answer
            yield index, answer
    finally:
        for process in processes:
            process.kill()
            process.wait()
        for thread in threads:
            thread.join()
        for process in processes:
            for pipe in (process.stdin, process.stdout):
                _close(pipe)


def _start() -> subprocess.Popen[bytes]:
    environment = {**os.environ, **dict.fromkeys(_THREADS, "1")}
    environment["PYTHONPATH"] = os.pathsep.join(entry or os.getcwd() for entry in sys.path)
    return subprocess.Popen(
        [sys.executable, "-P", "-c", _SERVE],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env=environment,
    )


def _answer(stream: IO[bytes]) -> Any:
    try:
        return pickle.load(stream)
    except EOFError:
        return RuntimeError("A process was killed before it was done; is the memory large enough?")


def _close(pipe: IO[bytes] | None) -> None:
    """Close a pipe, and let go of what was still to be written to a process that was ended."""
    assert pipe is not None
    with contextlib.suppress(OSError):
        pipe.close()


def serve() -> None:
    """What a process does: read a function and then tasks, write answers, until there are no more tasks."""
    # Ctrl-C reaches every process of a terminal; the one that was asked for the answers ends the others.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    out = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    function = pickle.load(sys.stdin.buffer)
    while True:
        try:
            task = pickle.load(sys.stdin.buffer)
        except EOFError:
            return
        try:
            answer = function(task)
        except Exception as error:
            answer = error
        pickle.dump(answer, out)
        out.flush()
