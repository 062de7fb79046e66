"""The functions that kernels draw with, number by number against Philox in Python's own integers."""

from __future__ import annotations

import numpy as np
import pytest
from numba import njit

from simdyn.lowering.draws import LANE_UNIT, OPENED, STEADY_BLOCKS, Stream, drawing
from simdyn.noise.device import count_alike
from simdyn.noise.purposes import Purpose

LANES, BLOCKS, KEY = 4 * LANE_UNIT, 3, (0x243F6A88, 0x85A308D3)
KINDS = {"normals": Purpose.GAUSSIAN, "wide": Purpose.GAUSSIAN_WIDE, "uniforms": Purpose.BRIDGE}


def philox(counter, key):
    """Salmon et al. (2011), without any of the shortcuts that kernels take."""
    c, k = list(counter), list(key)
    for _ in range(10):
        a, b = c[0] * 0xD2511F53, c[2] * 0xCD9E8D57
        c = [(b >> 32) ^ c[1] ^ k[0], b & 0xFFFFFFFF, (a >> 32) ^ c[3] ^ k[1], a & 0xFFFFFFFF]
        k = [(k[0] + 0x9E3779B9) & 0xFFFFFFFF, (k[1] + 0xBB67AE85) & 0xFFFFFFFF]
    return c


def expected(device, name, single, path, block):
    """The numbers of one block of a path."""
    top = (block >> 32) | int(KINDS[name]) << 24
    words = philox((block & 0xFFFFFFFF, top, path & 0xFFFFFFFF, path >> 32), KEY)
    w = [np.array([word], dtype=np.uint64) for word in words]
    if name == "wide":
        return device.pairs_wide(*w)[0].astype(np.float32 if single else np.float64)
    if name == "normals":
        pairs = device.pairs32 if single else device.pairs
        return np.concatenate([pairs(w[0], w[1])[0], pairs(w[2], w[3])[0]])
    if single:
        return device.uniform32_of(np.array(words, dtype=np.uint64))
    return device.uniform_of(np.array(words, dtype=np.uint64))


def drawer(name, single, groups):
    """The two functions of a stream, compiled."""
    stream = Stream(name, KINDS[name], BLOCKS)
    real, count_of_groups = (np.float32, np.int32) if single else (np.float64, np.int64)
    opening, drawn_by = drawing(name, int(stream.purpose), BLOCKS, groups, LANES, real.__name__)

    @njit
    def draw(paths, where, steady, width, key0, key1):
        numbers = np.empty(BLOCKS * 4 * LANES, dtype=real)
        words = np.empty(4 * LANES, dtype=np.uint64)
        opened = np.empty(OPENED * LANES, dtype=np.uint64)
        if steady:
            opening(opened, paths, where, 0, width, key0, key1)
        drawn_by(numbers, words, opened, paths, where, steady, width, key0, key1)
        return numbers

    count = stream.count // BLOCKS

    def numbers(paths, where, steady, width):
        """Shape (lanes, blocks, numbers of a block)."""
        drawn = draw(paths, where, steady, width, *(np.uint64(k) for k in KEY))
        return drawn[: BLOCKS * count * LANES].reshape(BLOCKS, count, LANES).transpose(2, 0, 1)

    return numbers, count_of_groups


@pytest.mark.parametrize("single", [False, True], ids=["float64", "float32"])
@pytest.mark.parametrize("name", KINDS)
@pytest.mark.parametrize("width", [1, LANES - 1])
def test_a_group_of_each_lane(device, name, single, width):
    draw, count = drawer(name, single, "groups")
    # Path numbers on both sides of 2^32.
    paths = np.arange(LANES, dtype=np.uint64) + np.uint64(2**32 - LANES // 2 if width > 1 else 2**33 + 5)
    groups = np.random.default_rng(1).integers(0, 2**30, LANES).astype(count)
    for steady in (True, False):
        found = draw(paths, groups, steady, width)
        for lane in {0, width // 2, width - 1}:
            for q in range(BLOCKS):
                block = int(groups[lane]) * BLOCKS + q
                right = expected(device, name, single, int(paths[lane]), block)
                assert found[lane, q].tobytes() == right.tobytes(), (lane, q, steady)


@pytest.mark.parametrize("single", [False, True], ids=["float64", "float32"])
@pytest.mark.parametrize("name", KINDS)
@pytest.mark.parametrize("high", [0, 7])
def test_one_group_of_all_lanes(device, name, single, high):
    draw, _ = drawer(name, single, "group")
    paths = np.arange(LANES, dtype=np.uint64) + np.uint64((high << 32) + 1000)
    for steady, group in ((True, 12345), (False, 12345), (False, 2**33)):
        found = draw(paths, np.int64(group), steady, LANES)
        for lane in (0, LANES // 2, LANES - 1):
            for q in range(BLOCKS):
                right = expected(device, name, single, int(paths[lane]), group * BLOCKS + q)
                assert found[lane, q].tobytes() == right.tobytes(), (lane, q, steady)


def test_the_upper_word_of_a_block_changes_within_a_group(device):
    """2^32 is no multiple of three blocks."""
    draw, _ = drawer("normals", False, "group")
    paths = np.arange(LANES, dtype=np.uint64)
    group = STEADY_BLOCKS // BLOCKS
    blocks = [group * BLOCKS + q for q in range(BLOCKS)]
    assert {block >> 32 for block in blocks} == {0, 1}
    found = draw(paths, np.int64(group), False, LANES)
    for q, block in enumerate(blocks):
        assert found[5, q].tobytes() == expected(device, "normals", False, 5, block).tobytes()
    # What was opened for the first block would be wrong for the others: the test can fail.
    stale = draw(paths, np.int64(group), True, LANES)
    assert stale[5, 0].tobytes() == found[5, 0].tobytes()
    assert stale[5, 2].tobytes() != found[5, 2].tobytes()


def test_lanes_alike():
    @njit
    def count(numbers, begin, most):
        return count_alike(numbers, begin, most)

    numbers = np.arange(2**32 - 5, 2**32 + 5, dtype=np.uint64)
    assert [count(numbers, b, 10 - b) for b in (0, 3, 5, 9)] == [5, 2, 5, 1]
    assert count(numbers, 0, 3) == 3
