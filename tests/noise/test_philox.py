from __future__ import annotations

import hashlib

import mpmath as mp
import numpy as np
import pytest
import reference_philox as reference
from hypothesis import example, given
from hypothesis import strategies as st

from simdyn.noise import Purpose, key_of

word = st.integers(0, 2**32 - 1)

# An error e of the polynomial for -2 log(1 + f)/f moves the squared radius by at most 0.42 e, and a normal
# by half of that over a radius of at least 0.83: 7e-11 for the degree of the standard normals. Those for the
# angle add 4.8e-11 times a radius of up to 7.54.
STANDARD_ERROR = 4.4e-10
WIDE_ERROR = 1e-14
SINGLE_ERROR = 3e-6

# The known answers that come with the Random123 library.
KNOWN = [
    ((0, 0, 0, 0), (0, 0), (0x6627E8D5, 0xE169C58D, 0xBC57AC4C, 0x9B00DBD8)),
    ((0xFFFFFFFF,) * 4, (0xFFFFFFFF,) * 2, (0x408F276D, 0x41C83B0E, 0xA20BC7C6, 0x6D5451FD)),
    (
        (0x243F6A88, 0x85A308D3, 0x13198A2E, 0x03707344),
        (0xA4093822, 0x299F31D0),
        (0xD16CFE09, 0x94FDCCEB, 0x5001E420, 0x24126EA1),
    ),
]


def _as_words(*numbers):
    return [np.uint64(n) for n in numbers]


@pytest.mark.parametrize(("counter", "key", "answer"), KNOWN)
def test_philox_gives_the_published_known_answers(device, counter, key, answer):
    assert device.words(*_as_words(*counter, *key)) == answer
    assert tuple(reference.philox(counter, key)) == answer


@given(counter=st.tuples(word, word, word, word), key=st.tuples(word, word), dirt=st.integers(0, 2**32 - 1))
def test_upper_halves_of_lanes_do_not_matter(device, counter, key, dirt):
    soiled = [n | dirt << 32 for n in (*counter, *key)]
    assert list(device.words(*_as_words(*soiled))) == reference.philox(counter, key)


@pytest.mark.parametrize("purpose", list(Purpose))
def test_purposes_are_numbered_for_good(purpose):
    numbers = {
        "GAUSSIAN": 0, "GAUSSIAN_WIDE": 1, "BRIDGE": 2, "MINIBATCH": 3,
        "LEVY": 4, "START": 5, "SPLITTING": 6, "BOOTSTRAP": 7,
    }  # fmt: skip
    assert numbers[purpose.name] == purpose


def _close(found, expected, tolerance):
    assert np.abs(found - np.array([float(v) for v in expected])).max() <= tolerance


# The longest path number and steps beyond 2^32 blocks show that every word of the counter is where it
# belongs.
@pytest.mark.parametrize("path", [0, 1, 5, 2**32 + 7, 2**62 + 12345])
@pytest.mark.parametrize("step", [0, 1, 2, 3, 4, 4 * 2**32 + 1, 4 * 2**40 + 2])
def test_normals_sit_where_the_layout_says(normals_of, path, step):
    found = normals_of(1, paths=1, steps=1, seed=3, first_path=path, first_step=step)[0, 0, 0]
    w = reference.words(path, 0, step // 4, key_of(3))
    normals = [*reference.normal_pair(w[0], w[1]), *reference.normal_pair(w[2], w[3])]
    assert abs(found - float(normals[step % 4])) < STANDARD_ERROR


@pytest.mark.parametrize("dim", [1, 2, 3, 5, 10])
def test_normal_n_of_a_path_is_at_step_n_div_d_coordinate_n_mod_d(normals_of, dim):
    paths, steps, key = 3, 9, key_of(11)
    found = normals_of(dim, paths=paths, steps=steps, seed=11).reshape(paths, -1)
    for p in range(paths):
        expected = []
        for block in range(-(-steps * dim // 4)):
            w = reference.words(p, 0, block, key)
            expected += [*reference.normal_pair(w[0], w[1]), *reference.normal_pair(w[2], w[3])]
        _close(found[p], expected[: steps * dim], STANDARD_ERROR)


@pytest.mark.parametrize("dim", [1, 2, 3, 5])
def test_wide_normals_have_their_own_stream_of_two_to_a_block(normals_of, dim):
    paths, steps, key = 2, 6, key_of(11)
    found = normals_of(dim, paths=paths, steps=steps, seed=11, noise="wide").reshape(paths, -1)
    for p in range(paths):
        expected = []
        for block in range(-(-steps * dim // 2)):
            expected += reference.normal_pair_wide(*reference.words(p, 1, block, key))
        _close(found[p], expected[: steps * dim], WIDE_ERROR)


def test_float32_normals_come_from_the_same_words(normals_of):
    found = normals_of(1, paths=4, steps=8, seed=2, dtype="float32")[:, :, 0]
    for p in range(4):
        expected = []
        for block in range(2):
            w = reference.words(p, 0, block, key_of(2))
            expected += [*reference.normal_pair32(w[0], w[1]), *reference.normal_pair32(w[2], w[3])]
        _close(found[p], expected, SINGLE_ERROR)


# Published results depend on these bits. If this test fails, the change that made it fail must be taken back.
GOLDEN = {
    ("float64", "standard"): "a58153f0cc870bc90bc1d5928ed3be93d8a165070a444a20a3d2ac33a70f3a0b",
    ("float64", "wide"): "abeb72f9fae83968bcc598dbb326d7f92a7222433e492a965a8c8fa9f572197a",
    ("float32", "standard"): "4e3fa094cc44952712484cef25c1a7235b316072faf87ad06e5ffe69b63d0239",
}


@pytest.mark.parametrize(("dtype", "noise"), list(GOLDEN))
def test_bits_of_the_normals_never_change(normals_of, dtype, noise):
    normals = normals_of(3, paths=300, steps=8, seed=20211, first_path=2**33, dtype=dtype, noise=noise)
    digest = hashlib.sha256(np.ascontiguousarray(normals).astype(f"<f{normals.itemsize}").tobytes())
    assert digest.hexdigest() == GOLDEN[dtype, noise]


@given(w=st.tuples(word, word, word, word))
@example(w=(2**32 - 1, 0, 0, 0))
@example(w=(2**31 - 40, 1, 2**32 - 1, 2**32 - 1))
def test_transforms_are_exact_to_rounding(device, w):
    columns = [np.array([n], dtype=np.uint64) for n in w]
    with mp.workdps(30):
        _close(device.pairs(*columns[:2])[0], reference.normal_pair(*w[:2]), STANDARD_ERROR)
        _close(device.pairs_wide(*columns)[0], reference.normal_pair_wide(*w), WIDE_ERROR)
        single = reference.normal_pair32(*w[:2])
        # Near u = 1 the 24 bits of u tell, of a squared radius of 2 (1 - u).
        blurred = 2.0**-24 / max(float(mp.hypot(*single)), 2.0**-12)
        _close(device.pairs32(*columns[:2])[0], single, SINGLE_ERROR + blurred)


def test_largest_normals(device):
    zero, ones = np.zeros(1, dtype=np.uint64), np.full(1, 2**32 - 1, dtype=np.uint64)
    angles = np.arange(2**10, dtype=np.uint64) << np.uint64(22)
    low_angles = np.arange(2**10, dtype=np.uint64) << np.uint64(14)
    flat = np.zeros(len(angles), dtype=np.uint64)
    # (radius, its cut-off): sqrt(2 (bits + 1) log 2), reached where the radius bits are all zero.
    cases = [
        (device.pairs(flat, low_angles), 7.54, 40),
        (device.pairs_wide(flat, flat, angles, flat), 8.57, 52),
        (device.pairs32(flat, angles), 6.66, 31),
    ]
    for normals, rounded, bits in cases:
        radius = np.hypot(normals[:, 0].astype(float), normals[:, 1].astype(float)).max()
        assert radius == pytest.approx(np.sqrt(2 * (bits + 1) * np.log(2)), rel=1e-6)
        assert abs(np.abs(normals).max() - rounded) < 0.01
    smallest = [
        device.pairs(ones, ones),
        device.pairs_wide(ones, ones, ones, ones),
        device.pairs32(ones, ones),
    ]
    assert all(np.isfinite(n).all() and np.abs(n).max() < 1e-4 for n in smallest)
    assert np.isfinite(device.pairs32(zero, ones)).all()


def test_uniforms_lie_strictly_above_zero(device):
    extremes = np.array([0, 1, 2**31, 2**32 - 1], dtype=np.uint64)
    u = device.uniform_of(extremes)
    assert u.tolist() == [2.0**-33, 1.5 * 2.0**-32, 0.5 + 2.0**-33, 1 - 2.0**-33]
    single = device.uniform32_of(extremes)
    assert single[0] == np.float32(2.0**-33)
    assert single[-1] <= 1
