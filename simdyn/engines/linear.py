"""The engine for products of random matrices: ensembles of linearised SGD in log scale."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

import numpy as np

from simdyn.dynamics.linearised import LinearisedSGD
from simdyn.engines.threads import default_threads, in_threads
from simdyn.errors import InputError
from simdyn.lowering.linear_kernels import LANES, linear_kernels
from simdyn.noise import Seed, key_words

_DRAWS = 128
_LARGEST_LOG = 250.0
"""Lengths stay within exp of this between two renormalisations."""


def log_lengths(
    linear: LinearisedSGD,
    *,
    paths: int,
    marks: Sequence[int],
    seed: Seed,
    first_path: int = 0,
    threads: int | None = None,
) -> np.ndarray:
    """log|x| of paths from random directions of length 1, at rest, at the steps `marks`.

    States are brought back to length 1 on the way and the logarithms added up, so that nothing overflows or
    vanishes however many steps there are. A path that lands exactly on the minimum has -inf from then on.

    Parameters
    ----------
    linear
        The recursion.
    paths
        Number of paths, which are numbered from `first_path`.
    marks
        Ascending step numbers, from 1.
    seed
        Seed of the run: path p takes the same course whatever else is run.
    threads
        By default one for each core that this process may use.

    Returns
    -------
    numpy.ndarray
        Shape (paths, marks).

    Raises
    ------
    InputError
        A step that may multiply a length by more than e^250.
    """
    out = np.empty((paths, len(marks)))
    steps = np.asarray(marks, dtype=np.int64)
    arguments = kernel_arguments(linear)
    key = key_words(seed)
    used = default_threads(threads)
    share = max(1, -(-paths // (used * LANES))) * LANES
    kernel = linear_kernels().grow

    def work(begin: int) -> None:
        part = out[begin : begin + share]
        kernel(part, first_path + begin, int(steps[-1]), steps, *arguments, *key)

    begins = range(0, paths, share)
    if len(begins) == 1:
        work(0)
    else:
        in_threads([partial(work, begin) for begin in begins])
    return out


def kernel_arguments(linear: LinearisedSGD) -> tuple[object, ...]:
    """What the kernel is told of a recursion.

    Raises
    ------
    InputError
        See `log_lengths`.
    """
    curvatures, n = linear.curvatures, linear.curvatures.size
    factored = curvatures.factors is not None and curvatures.dim > 2 * curvatures.factors.shape[1]
    array = curvatures.factors if factored else curvatures.stack
    if linear.share == 0:
        # One matrix for all, the mean.
        factored, array, batch, mode = False, curvatures.mean[None], 1, 3
    else:
        assert linear.batch_size is not None
        batch = linear.batch_size
        mode = ("with_replacement", "without_replacement", "epoch_shuffle").index(linear.sampling)
    span = n // batch if mode == 2 else int(np.clip(_DRAWS // batch, 1, 64))
    growth = np.log(1.0 + linear.momentum + linear.learning_rate * curvatures.largest)
    growth += np.log(2.0)
    if growth > _LARGEST_LOG:
        raise InputError(
            f"learning_rate is {linear.learning_rate:g}, at which one step may multiply a length by "
            f"e^{growth:.0f}; lower it."
        )
    every = int(np.clip(_LARGEST_LOG // growth, 1, 8))
    # Writable, for Numba would compile the kernel once more for what is read-only.
    held = np.require(array, requirements=["C", "W"])
    return held, factored, linear.learning_rate, linear.momentum, batch, mode, span, every
