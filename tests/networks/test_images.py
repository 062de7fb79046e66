"""Readers of image data on tiny files of the right format, and of wrong ones."""

from __future__ import annotations

import gzip

import numpy as np
import pytest

from simdyn.errors import InputError
from simdyn.networks import Images, Split, cifar10, digits, fashion_mnist


def idx(array):
    return bytes([0, 0, 8, array.ndim]) + np.array(array.shape, dtype=">u4").tobytes() + array.tobytes()


@pytest.fixture
def clothes(tmp_path):
    rng = np.random.default_rng(0)
    pixels = rng.integers(256, size=(4, 5, 3), dtype=np.uint8)
    classes = np.array([9, 0, 3, 3], dtype=np.uint8)
    (tmp_path / "train-images-idx3-ubyte").write_bytes(idx(pixels))
    (tmp_path / "train-labels-idx1-ubyte.gz").write_bytes(gzip.compress(idx(classes)))
    return tmp_path, pixels, classes


def test_idx_files_packed_or_not(clothes):
    folder, pixels, classes = clothes
    images = fashion_mnist(folder)
    assert images.pixels.shape == (4, 1, 5, 3)
    np.testing.assert_array_equal(images.pixels[:, 0] * 255, pixels)
    np.testing.assert_array_equal(images.classes, classes)


def test_a_sample_is_part_of_the_whole(clothes):
    images = fashion_mnist(clothes[0])
    some = images.sample(3, seed=1)
    assert len(some) == 3
    for pixels, kind in zip(some.pixels, some.classes, strict=True):
        (place,) = np.flatnonzero((images.pixels == pixels).all(axis=(1, 2, 3)))
        assert images.classes[place] == kind
    with pytest.raises(InputError, match="has 4"):
        images.sample(5)


def test_idx_files_that_are_wrong(clothes):
    folder, pixels, _ = clothes
    with pytest.raises(InputError, match="does not exist"):
        fashion_mnist(folder, "test")
    with pytest.raises(InputError, match='"train" or "test"'):
        fashion_mnist(folder, "all")
    path = folder / "train-images-idx3-ubyte"
    path.write_bytes(idx(pixels)[:-1])
    with pytest.raises(InputError, match="holds 59 numbers, but says that it has 60"):
        fashion_mnist(folder)
    path.write_bytes(idx(pixels[:3]))
    with pytest.raises(InputError, match="3 images but 4 labels"):
        fashion_mnist(folder)
    path.write_bytes(b"<html>")
    with pytest.raises(InputError, match="IDX file of bytes in 3"):
        fashion_mnist(folder)
    (folder / "train-images-idx3-ubyte.gz").write_bytes(b"nonsense")
    with pytest.raises(InputError, match="cannot be read"):
        fashion_mnist(folder)


def test_cifar(tmp_path):
    rng = np.random.default_rng(0)
    tables = []
    for k in range(1, 6):
        table = rng.integers(256, size=(2, 3073), dtype=np.uint8)
        table[:, 0] = rng.integers(10, size=2)
        tables.append(table)
        (tmp_path / f"data_batch_{k}.bin").write_bytes(table.tobytes())
    images, table = cifar10(tmp_path), np.concatenate(tables)
    np.testing.assert_array_equal(images.classes, table[:, 0])
    # Red first, row by row.
    np.testing.assert_array_equal(images.pixels[:, 0, 0, :5] * 255, table[:, 1:6])
    np.testing.assert_array_equal(images.pixels[:, 2, 31, 31] * 255, table[:, -1])
    table[0, 0] = 10
    (tmp_path / "data_batch_3.bin").write_bytes(table[:2].tobytes())
    with pytest.raises(InputError, match="class 10"):
        cifar10(tmp_path)
    (tmp_path / "data_batch_3.bin").write_bytes(b"abc")
    with pytest.raises(InputError, match="has 3 bytes"):
        cifar10(tmp_path)
    with pytest.raises(InputError, match=r"test_batch\.bin' does not exist"):
        cifar10(tmp_path, "test")


@pytest.mark.torch
def test_digits():
    images = digits()
    assert images.pixels.shape == (1797, 1, 8, 8)
    assert (images.pixels.min(), images.pixels.max()) == (0, 1)
    assert set(images.classes) == set(range(10))


def test_a_split_has_every_image_once(clothes):
    images = fashion_mnist(clothes[0])
    split = Split.of(images, 3, seed=1)
    assert split.inputs.dtype == split.test_inputs.dtype == np.float32
    np.testing.assert_array_equal(split.inputs, images.sample(3, seed=1).pixels.astype(np.float32))
    np.testing.assert_array_equal(
        np.sort(np.concatenate([split.classes, split.test_classes])), np.sort(images.classes)
    )
    both = np.concatenate([split.inputs, split.test_inputs])
    assert len(np.unique(both.reshape(4, -1), axis=0)) == 4


def test_a_split_tests_on_other_images_if_there_are_any(clothes):
    images = fashion_mnist(clothes[0])
    split = Split.of(images, 4, others=images.sample(2))
    assert len(split.classes) == 4
    assert len(split.test_classes) == 2
    for samples in (0, 5, True, 2.0):
        with pytest.raises(InputError, match="whole number from 1 to 4"):
            Split.of(images, samples, others=images)
    with pytest.raises(InputError, match="for testing; give a whole number from 1 to 3"):
        Split.of(images, 4)


def some(n=400):
    rng = np.random.default_rng(4)
    return Images(rng.random((n, 1, 2, 2)), rng.permutation(np.arange(n) % 10), "some")


def test_random_labels():
    images = some()
    noisy = images.with_random_labels(0.5, seed=3)
    changed = (noisy.classes != images.classes).sum()
    # 200 labels are dealt out, 9 of 10 of which differ: within 4 standard deviations.
    assert abs(changed - 180) < 4 * np.sqrt(200 * 0.09)
    assert np.array_equal(np.bincount(noisy.classes), np.bincount(images.classes))
    assert np.array_equal(noisy.pixels, images.pixels)
    assert np.array_equal(images.with_random_labels(0.0).classes, images.classes)
    assert np.array_equal(noisy.classes, images.with_random_labels(0.5, seed=3).classes)


def test_random_inputs():
    images = some()
    noisy = images.with_random_inputs(seed=3)
    assert np.array_equal(noisy.classes, images.classes)
    # 1,600 numbers: mean and spread within 4 standard errors.
    spread = images.pixels.std()
    assert abs(noisy.pixels.mean() - images.pixels.mean()) < 4 * spread / 40
    assert abs(noisy.pixels.std() - spread) < 4 * spread / np.sqrt(3200)
    half = images.with_random_inputs(0.5)
    assert (half.pixels == images.pixels).all((1, 2, 3)).sum() == 200


@pytest.mark.parametrize("share", [-0.1, 1.1, "half"])
def test_a_share_out_of_range(share):
    with pytest.raises(InputError, match="number from 0 to 1"):
        some().with_random_labels(share)
