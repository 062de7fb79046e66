"""The second moment over shuffled epochs, the batches of which exclude one another."""

from __future__ import annotations

from math import comb, prod

import numpy as np

from simdyn.dynamics.linearised import LinearisedSGD
from simdyn.exact.batch_laws import compositions
from simdyn.exact.errors import NoReference
from simdyn.results import Reference

Array = np.ndarray

_MOST_STATES = 1 << 15
_MOST_WORK = 1e9


def shuffled_multiplier(linear: LinearisedSGD) -> Reference:
    """By how much E|x|^2 grows per step, over an epoch of floor(n / B) steps.

    For batches of one and curvatures that commute the epoch multiplies every path by the same number,
    prod |1 - eta h_i|. Else the mean over all orders follows from the states of an epoch: what is left to be
    drawn of each kind of sample.

    Raises
    ------
    NoReference
        Too many different samples, or too many directions.
    """
    directions = linear.curvatures.directions
    if directions is not None:
        parts = [linear.along(k) for k in range(directions.shape[1])]
        values = [_epoch(part) for part in parts]
    else:
        values = [_epoch(linear)]
    return Reference(
        value=max(values),
        error=1e-13 * max(values),
        unit="1",
        method="the spectral radius of the mean over all orders of an epoch, per step",
    )


def _epoch(linear: LinearisedSGD) -> float:
    batch, n = linear.batch_size, linear.curvatures.size
    assert batch is not None
    steps = n // batch
    if batch == 1 and linear.curvatures.dim == 1 and linear.momentum == 0:
        with np.errstate(divide="ignore"):
            logs = np.log(np.abs(1.0 - linear.learning_rate * linear.curvatures.stack[:, 0, 0]))
        return float(np.exp(2.0 * logs.mean()))
    kinds, counts = np.unique(linear.curvatures.stack, axis=0, return_counts=True)
    size = linear.curvatures.dim * (2 if linear.momentum else 1)
    length = size * (size + 1) // 2
    states = prod(int(c) + 1 for c in counts)
    if states > _MOST_STATES or states * states * length**3 > _MOST_WORK * 64:
        raise NoReference(
            f"The mean over all orders of an epoch of {n} samples, {len(kinds)} of them different, in "
            f"{linear.curvatures.dim} directions is too much work."
        )
    maps: dict[tuple[int, ...], Array] = {}
    left = {tuple(int(c) for c in counts): np.eye(length)}
    for _ in range(steps):
        # Forward: what the steps so far have done, for each rest that they may have left.
        after: dict[tuple[int, ...], Array] = {}
        for rest, moved in left.items():
            total = comb(sum(rest), batch)
            for drawn in compositions(batch, list(rest)):
                if drawn not in maps:
                    maps[drawn] = _map(linear, np.tensordot(np.array(drawn) / batch, kinds, axes=1))
                chance = prod(comb(r, d) for r, d in zip(rest, drawn, strict=True)) / total
                remaining = tuple(r - d for r, d in zip(rest, drawn, strict=True))
                share = chance * (maps[drawn] @ moved)
                after[remaining] = after[remaining] + share if remaining in after else share
        left = after
    whole = sum(left.values(), np.zeros((length, length)))
    return float(np.max(np.real(np.linalg.eigvals(whole))) ** (1.0 / steps))


def _map(linear: LinearisedSGD, hessian: Array) -> Array:
    """M -> A M A' for one batch, on symmetric matrices as vectors."""
    eta, beta, size = linear.learning_rate, linear.momentum, len(hessian)
    step = np.eye(size) - eta * hessian
    if beta:
        step = np.block([[step, beta * np.eye(size)], [-eta * hessian, beta * np.eye(size)]])
    i, j = np.triu_indices(len(step))
    basis = np.zeros((len(i), *step.shape))
    basis[np.arange(len(i)), i, j] = basis[np.arange(len(i)), j, i] = 1.0
    return np.asarray((step @ basis @ step.T)[:, i, j].T)
