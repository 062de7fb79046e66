"""The device that tests of GPU engines run on.

By default it is this machine: device sources run as host C++ on NumPy arrays. With SIMDYN_TEST_GPU=1 in the
environment it is the first GPU that CuPy sees, and the same tests hold its results against the CPU's.
"""

from __future__ import annotations

import os
import threading
from functools import cache

import numpy as np
from host_build import HostModule

from simdyn.engines.device import CupyDevice


class _ThisMachine:
    """Device memory is memory, and kernels are host C++, which keeps its thread number in one place: launches
    from several threads take turns."""

    name = "host"

    def kernel(self, source, name):
        with _turn:
            function = _module(source).get_function(name)

        def launch(*arguments):
            with _turn:
                function(*arguments)

        return launch

    def upload(self, array):
        return np.array(array, order="C")

    def download(self, array):
        return np.array(array)


_module = cache(HostModule)
_turn = threading.Lock()

_Base = CupyDevice if os.environ.get("SIMDYN_TEST_GPU", "host") not in ("", "host") else _ThisMachine


class DeviceUnderTest(_Base):
    """Has two multiprocessors, so that lanes are few and queues long, and as much memory as is said."""

    def __init__(self, memory: int = 1 << 40) -> None:
        super().__init__()
        self.processors = 2
        self.memory = memory
        self.launches: list[tuple[str, int]] = []

    @staticmethod
    def count():
        return 1

    def kernel(self, source, name):
        function = super().kernel(source, name)

        def launch(grid, block, arguments):
            self.launches.append((name, grid[0] * block[0]))
            function(grid, block, arguments)

        return launch

    def free_memory(self):
        return self.memory
