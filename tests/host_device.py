"""A device for GPU engines that is this machine: device sources run as host C++ on NumPy arrays."""

from __future__ import annotations

from functools import cache

import numpy as np
from host_build import HostModule


class HostDevice:
    """Two multiprocessors, so that lanes are few and queues long."""

    name = "host"
    processors = 2

    def __init__(self, memory: int = 1 << 40) -> None:
        self.memory = memory
        self.launches: list[tuple[str, int]] = []

    def kernel(self, source, name):
        function = _module(source).get_function(name)

        def launch(grid, block, arguments):
            self.launches.append((name, grid[0] * block[0]))
            function(grid, block, arguments)

        return launch

    def upload(self, array):
        return np.array(array, order="C")

    def download(self, array):
        return np.array(array)

    def free_memory(self):
        return self.memory


_module = cache(HostModule)
