"""What the networks learn: digits, with true labels or labels dealt out anew, or noise instead of images."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

import numpy as np

from simdyn.errors import InputError

if TYPE_CHECKING:
    from simdyn.networks import Images

Array = np.ndarray

CLASSES = 10
REAL, LABELS, INPUTS = "real", "random labels", "random inputs"
"""What samples may be; between the first two lie those with a share of random labels."""


@dataclass(frozen=True, eq=False)
class Samples:
    """What one network is trained and tested on.

    Attributes
    ----------
    inputs, classes
        To train on.
    wrong
        Which of the classes are not the true ones.
    test_inputs, test_classes
        Digits that it is not trained on, with their true classes.
    """

    inputs: Array
    classes: Array
    wrong: Array
    test_inputs: Array
    test_classes: Array


def noisy(share: float) -> str:
    """What samples are called of which a share has random labels."""
    return {0.0: REAL, 1.0: LABELS}.get(share, f"{share:.0%} random labels")


@cache
def drawn(run: int, count: int, kind: str, tests: int = 1_000) -> Samples:
    """Each run draws its own samples, and the same for every kind.

    Raises
    ------
    InputError
        A kind that is none.
    """
    from simdyn.networks import Images, Split, digits

    split = Split.of(digits(), count, seed=run)
    true = Images(split.inputs, split.classes, "digits")
    return _seen(true, split.test_inputs[:tests], split.test_classes[:tests], kind, run)


@cache
def balanced(count: int, kind: str) -> Samples:
    """The first of the digits, equally many of each class, so that no class is right more often for being
    frequent; none to test on."""
    from simdyn.networks import Images, digits

    images = digits()
    chosen = [np.flatnonzero(images.classes == one)[: count // CLASSES] for one in range(CLASSES)]
    train = np.concatenate(chosen)
    true = Images(images.pixels[train], images.classes[train], images.name)
    return _seen(true, images.pixels[:0], images.classes[:0], kind, 0)


def _seen(true: Images, test_inputs: Array, test_classes: Array, kind: str, seed: int) -> Samples:
    if kind == INPUTS:
        seen = true.with_random_inputs(seed=seed)
    else:
        seen = true.with_random_labels(_share(kind), seed=seed)
    return Samples(
        seen.pixels.astype(np.float32), seen.classes, seen.classes != true.classes, test_inputs, test_classes
    )


def _share(kind: str) -> float:
    if kind in (REAL, LABELS):
        return float(kind == LABELS)
    number, mark, words = kind.partition("%")
    if not (mark and number.isdigit() and words == " random labels"):
        raise InputError(f"the samples are {kind!r}; they must be {REAL!r}, {LABELS!r} or {INPUTS!r}.")
    return int(number) / 100
