"""Images with classes: digits from scikit-learn, FashionMNIST and CIFAR-10 from files in a folder."""

from __future__ import annotations

import gzip
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from simdyn.errors import InputError

Array = np.ndarray

_IDX = {"train": "train", "test": "t10k"}
_CIFAR = {"train": [f"data_batch_{k}.bin" for k in range(1, 6)], "test": ["test_batch.bin"]}
_CIFAR_RECORD = 1 + 3 * 32 * 32


@dataclass(frozen=True, eq=False)
class Images:
    """Images and their classes.

    Attributes
    ----------
    pixels
        Shape (n, channels, height, width), from 0 to 1.
    classes
        Shape (n,), whole numbers from 0.
    name
        Of the data set.
    """

    pixels: Array
    classes: Array
    name: str

    def __len__(self) -> int:
        return len(self.classes)

    def sample(self, size: int, seed: int = 0) -> Images:
        """Some of the images, drawn without replacement.

        Raises
        ------
        InputError
            More than there are, or none.
        """
        if isinstance(size, bool) or not isinstance(size, int | np.integer) or not 1 <= size <= len(self):
            raise InputError(
                f"{size!r} images are asked for, but {self.name} has {len(self)}; give a whole number from 1."
            )
        chosen = np.random.default_rng(seed).permutation(len(self))[:size]
        return Images(self.pixels[chosen], self.classes[chosen], self.name)

    def with_random_labels(self, share: float = 1.0, seed: int = 0) -> Images:
        """The same images, some of which have their classes dealt out anew among them.

        Each class stays as frequent as it was; an image may get its true class back.

        Parameters
        ----------
        share
            Of the images with a random class, rounded to a whole number of them.
        seed
            Of which images these are, and of their classes.

        Raises
        ------
        InputError
            A share that is not from 0 to 1.
        """
        rng, chosen = self._some(share, seed)
        classes = self.classes.copy()
        classes[chosen] = rng.permutation(classes[chosen])
        return Images(self.pixels, classes, self.name)

    def with_random_inputs(self, share: float = 1.0, seed: int = 0) -> Images:
        """The same classes, but instead of some of the images independent normal numbers, whose mean and
        standard deviation are those of all pixels.

        Parameters
        ----------
        share, seed
            As for `with_random_labels`.

        Raises
        ------
        InputError
            A share that is not from 0 to 1.
        """
        rng, chosen = self._some(share, seed)
        pixels = self.pixels.copy()
        pixels[chosen] = rng.normal(self.pixels.mean(), self.pixels.std(), (len(chosen), *pixels.shape[1:]))
        return Images(pixels, self.classes, self.name)

    def _some(self, share: float, seed: int) -> tuple[np.random.Generator, Array]:
        if not (isinstance(share, int | float) and 0 <= share <= 1):
            raise InputError(f"share is {share!r}; give a number from 0 to 1.")
        rng = np.random.default_rng(seed)
        return rng, rng.permutation(len(self))[: round(share * len(self))]


@dataclass(frozen=True, eq=False)
class Split:
    """Images to train on, and others to test on.

    Attributes
    ----------
    inputs, classes, test_inputs, test_classes
        Pixels in single precision, shape (n, channels, height, width), and classes, shape (n,).
    """

    inputs: Array
    classes: Array
    test_inputs: Array
    test_classes: Array

    @staticmethod
    def of(images: Images, samples: int, *, others: Images | None = None, seed: int = 0) -> Split:
        """Some images, drawn without replacement, to train on.

        Parameters
        ----------
        images, samples
            Where they are drawn from, and how many.
        others
            To test on; None for all images that were not drawn.
        seed
            Of the draw.

        Raises
        ------
        InputError
            No samples, or more than there are; none left to test on.
        """
        most = len(images) if others is not None else len(images) - 1
        if isinstance(samples, bool) or not isinstance(samples, int | np.integer) or not 1 <= samples <= most:
            kept = "" if others is not None else ", some of which are for testing"
            raise InputError(
                f"{samples!r} samples to train on are asked for, but {images.name} has {len(images)} images"
                f"{kept}; give a whole number from 1 to {most}."
            )
        drawn = images.sample(len(images), seed)
        tested = Images(drawn.pixels[samples:], drawn.classes[samples:], images.name)
        tested = tested if others is None else others
        return Split(
            drawn.pixels[:samples].astype(np.float32),
            drawn.classes[:samples],
            tested.pixels.astype(np.float32),
            tested.classes,
        )


def digits() -> Images:
    """The 1,797 handwritten digits of 8 by 8 pixels that scikit-learn ships.

    Raises
    ------
    InputError
        scikit-learn that is not there.
    """
    try:
        from sklearn.datasets import load_digits
    except ImportError:
        raise InputError(
            'scikit-learn is not installed, which ships the digits; add it with pip install "simdyn[torch]".'
        ) from None
    data = load_digits()
    return Images(data.images[:, None] / 16.0, data.target.astype(np.int64), "digits")


def fashion_mnist(folder: str | Path, part: str = "train") -> Images:
    """FashionMNIST, or MNIST, from its IDX files, packed (.gz) or not.

    Parameters
    ----------
    folder
        Holds train-images-idx3-ubyte and train-labels-idx1-ubyte, or t10k-... for the test images.
    part
        "train" or "test".

    Raises
    ------
    InputError
        Files that are not there or not in that format.
    """
    prefix = _IDX[_part(part)]
    pixels = _idx(Path(folder), f"{prefix}-images-idx3-ubyte", 3)
    classes = _idx(Path(folder), f"{prefix}-labels-idx1-ubyte", 1)
    if len(pixels) != len(classes):
        raise InputError(
            f"The folder {str(folder)!r} has {len(pixels)} images but {len(classes)} labels; download both "
            "anew."
        )
    return Images(pixels[:, None] / 255.0, classes.astype(np.int64), "FashionMNIST")


def cifar10(folder: str | Path, part: str = "train") -> Images:
    """CIFAR-10 from the files of its binary version.

    Parameters
    ----------
    folder
        Holds data_batch_1.bin to data_batch_5.bin, or test_batch.bin for the test images.
    part
        "train" or "test".

    Raises
    ------
    InputError
        Files that are not there or not in that format.
    """
    records = []
    for name in _CIFAR[_part(part)]:
        path = Path(folder) / name
        raw = np.frombuffer(_content(path), dtype=np.uint8)
        if not raw.size or raw.size % _CIFAR_RECORD:
            raise InputError(
                f"The file {str(path)!r} has {raw.size:,} bytes, which are no records of {_CIFAR_RECORD:,}; "
                "take the binary version of CIFAR-10 (.bin), not the one for Python."
            )
        records.append(raw.reshape(-1, _CIFAR_RECORD))
        if records[-1][:, 0].max() > 9:
            raise InputError(
                f"The file {str(path)!r} has the class {records[-1][:, 0].max()}, but CIFAR-10 has 0 to 9; "
                "download it anew."
            )
    table = np.concatenate(records)
    return Images(table[:, 1:].reshape(-1, 3, 32, 32) / 255.0, table[:, 0].astype(np.int64), "CIFAR-10")


def _part(part: str) -> str:
    if part not in _IDX:
        raise InputError(f'part is {part!r}, but it must be "train" or "test".')
    return part


def _idx(folder: Path, name: str, dimensions: int) -> Array:
    """What an IDX file holds: two zeros, 8 for bytes, the number of dimensions, their sizes, the bytes."""
    packed = folder / f"{name}.gz"
    path = packed if packed.exists() else folder / name
    raw = _content(path)
    if len(raw) < 4 + 4 * dimensions or raw[:4] != bytes([0, 0, 8, dimensions]):
        raise InputError(
            f"The file {str(path)!r} does not begin as an IDX file of bytes in {dimensions} dimensions "
            "does; download it anew."
        )
    sizes = np.frombuffer(raw, dtype=">u4", count=dimensions, offset=4).astype(np.int64)
    wanted = int(np.prod(sizes))
    if len(raw) - 4 - 4 * dimensions != wanted:
        raise InputError(
            f"The file {str(path)!r} holds {len(raw) - 4 - 4 * dimensions:,} numbers, but says that it has "
            f"{wanted:,}; download it anew."
        )
    return np.frombuffer(raw, dtype=np.uint8, offset=4 + 4 * dimensions).reshape(sizes)


def _content(path: Path) -> bytes:
    try:
        raw = path.read_bytes()
        return gzip.decompress(raw) if path.suffix == ".gz" else raw
    except FileNotFoundError:
        raise InputError(
            f"The file {str(path)!r} does not exist; give the folder that holds the files of the data set."
        ) from None
    except (OSError, EOFError) as error:
        raise InputError(f"The file {str(path)!r} cannot be read ({error}); download it anew.") from None
