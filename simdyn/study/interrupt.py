"""Ctrl-C while a study runs."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType


class Interrupt:
    """Whether Ctrl-C was pressed.

    A measurement may answer Ctrl-C by returning what it has. To a person that is an answer, but a cell of a
    study that was cut short is no finished cell, whatever the cell makes of it.
    """

    pressed = False

    def check(self) -> None:
        """Raise the KeyboardInterrupt that a cell has swallowed.

        Raises
        ------
        KeyboardInterrupt
            If Ctrl-C was pressed.
        """
        if self.pressed:
            raise KeyboardInterrupt


@contextmanager
def noticed() -> Iterator[Interrupt]:
    """Notice Ctrl-C for the time of a block, besides what it does anyway.

    Outside of the main thread, which alone gets it, there is nothing to notice.
    """
    interrupt = Interrupt()
    before = signal.getsignal(signal.SIGINT)
    if threading.current_thread() is not threading.main_thread() or not callable(before):
        yield interrupt
        return

    def notice(number: int, frame: FrameType | None) -> None:
        interrupt.pressed = True
        before(number, frame)

    signal.signal(signal.SIGINT, notice)
    try:
        yield interrupt
    finally:
        signal.signal(signal.SIGINT, before)
