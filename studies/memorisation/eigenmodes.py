"""The cells of the linearised network, where learning is known in closed form, and of networks beside it.

With squared loss and n samples a linearised network has errors r that gradient descent multiplies by
I - eta G / n at each step, with the Gram matrix G of the Jacobian. Along the k-th eigenvector of G they fall
like (1 - eta lambda_k / n)^t, and in the mean so do those of SGD. What lies along large eigenvalues is learnt
first: patterns, if the labels have them.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import TYPE_CHECKING, Any

import numpy as np

from studies.memorisation.samples import CLASSES, LABELS, REAL, drawn, noisy
from studies.memorisation.training import PIXELS, networks

if TYPE_CHECKING:
    from potentials import FunctionSpace
    from studies.memorisation.settings import Settings

Array = np.ndarray

TESTS = 600
"""Test samples of the linearised classifier, whose Gram matrix grows with the square of samples."""


def parity(run: int, count: int, kind: str) -> tuple[Array, Array]:
    """Digits, and -1 for even and 1 for odd ones, shape (n, 1)."""
    samples = drawn(run, count, kind)
    return samples.inputs, np.where(samples.classes % 2, 1.0, -1.0)[:, None]


@cache
def space(settings: Settings, width: int, kind: str, run: int) -> FunctionSpace:
    """A network with one output where its parameters begin, its errors being output less parity."""
    from potentials import FunctionSpace
    from simdyn.networks import fully_connected

    inputs, targets = parity(run, settings.eigen_samples, kind)
    module = fully_connected(PIXELS, 1, width=width, depth=1, seed=run)
    return FunctionSpace.from_torch(module, inputs, targets)


def modes(linear: FunctionSpace) -> tuple[Array, Array]:
    """Eigenvalues of G / n, largest first, and eigenvectors as columns."""
    values, vectors = linear.modes
    return values[::-1] / linear.size, vectors[:, ::-1]


def rate(settings: Settings, width: int, kind: str) -> float:
    """The learning rate of all runs: a share of one over the largest eigenvalue of any."""
    return settings.eigen_rate / max(
        float(modes(space(settings, width, kind, run))[0][0]) for run in settings.runs
    )


@cache
def _ensemble(settings: Settings) -> dict[str, Array]:
    """The widest network, linearised, in function space: exact, gradient descent, and SGD in the mean."""
    from simdyn import SGD, simulate

    width, run = settings.eigen_widths[-1], settings.runs[0]
    linear = space(settings, width, REAL, run)
    values, vectors = modes(linear)
    eta = settings.sgd_rate / float(linear.gram.diagonal().max())
    top = vectors[:, : settings.modes]
    marks, last = np.array(settings.marks), max(settings.marks)
    every = int(np.gcd.reduce(marks))

    def components(batch: int, paths: int, **noise: Any) -> Array:
        found = simulate(
            linear,
            SGD(learning_rate=eta, batch_size=batch, **noise),
            linear.errors,
            paths=paths,
            steps=int(last),
            record="snapshots",
            every=every,
            seed=run,
        )
        states = found["snapshots"].sel(step=marks).transpose("path", "step", ...).values
        return np.asarray(states @ top)

    sgd = components(settings.sgd_batch, settings.paths)
    begin = linear.errors @ top
    return {
        "exact": begin * (1 - eta * values[: settings.modes]) ** marks[:, None],
        "gd": components(linear.size, 1, noise="none")[0],
        "sgd": sgd.mean(0),
        "error": sgd.std(0, ddof=1) / np.sqrt(len(sgd)),
        "rate": np.array(eta * values[: settings.modes]),
    }


def components(settings: Settings, mode: int, step: int) -> dict[str, float]:
    """The error along one eigenvector after so many steps."""
    found, row = _ensemble(settings), settings.marks.index(step)
    return {name: float(found[name][row, mode - 1]) for name in ("exact", "gd", "sgd", "error")}


@cache
def _halving(settings: Settings, width: int, kind: str) -> Array:
    """Steps in which the error of networks along each eigenvector falls to half, shape (runs, modes)."""
    eta, count = rate(settings, width, kind), settings.modes
    bases = [modes(space(settings, width, kind, run))[1][:, :count] for run in settings.runs]
    samples = [parity(run, settings.eigen_samples, kind) for run in settings.runs]
    inputs, targets = [one for one, _ in samples], [one for _, one in samples]
    ensemble = networks(width, settings.runs, depth=1, outputs=1)
    slowest = max(float(halving(settings, width, kind, run)[-1]) for run in settings.runs)
    sizes = []
    for _ in ensemble.course(
        inputs, targets, looks=range(round(settings.patience * slowest) + 1), learning_rate=eta
    ):
        errors = ensemble.outputs(inputs).numpy() - np.stack(targets)
        sizes.append([np.abs(basis.T @ error[:, 0]) for basis, error in zip(bases, errors, strict=True)])
    left = np.array(sizes) / np.array(sizes[0])
    found = np.full(left.shape[1:], np.nan)
    for at in np.ndindex(*found.shape):
        below = np.flatnonzero(left[(slice(None), *at)] <= 0.5)
        if len(below):
            b = int(below[0])
            before, after = np.log(left[(b - 1, *at)]), np.log(max(left[(b, *at)], 1e-300))
            found[at] = b - 1 + (np.log(0.5) - before) / (after - before)
    return found


def halving(settings: Settings, width: int, kind: str, run: int) -> Array:
    """The same for the linearised network, in closed form."""
    values = modes(space(settings, width, kind, run))[0][: settings.modes]
    return np.asarray(np.log(0.5) / np.log1p(-rate(settings, width, kind) * values))


def order(settings: Settings, width: int, data: str, mode: int, run: int) -> dict[str, float]:
    """Steps to half an error, measured and in closed form."""
    measured = _halving(settings, width, data)[settings.runs.index(run), mode - 1]
    return {
        "measured": float(measured),
        "predicted": float(halving(settings, width, data, run)[mode - 1]),
    }


def alignment(settings: Settings, data: str, directions: int, run: int) -> dict[str, float]:
    """Share of the targets in the first eigenvectors, their mean taken out."""
    targets = parity(run, settings.eigen_samples, data)[1][:, 0]
    vectors = modes(space(settings, settings.eigen_widths[-1], data, run))[1]
    targets = targets - targets.mean()
    part = vectors[:, :directions].T @ targets
    return {"held": float(part @ part / (targets @ targets))}


@cache
def _kernel(settings: Settings, run: int) -> tuple[Array, Array, Array]:
    """Eigenvalues and eigenvectors of the Gram matrix of the training samples over n, and the products of
    the others with these."""
    from potentials import FunctionSpace
    from simdyn.networks import fully_connected

    samples, n = drawn(run, settings.samples, REAL), settings.samples
    inputs = np.concatenate([samples.inputs, samples.test_inputs[:TESTS]])
    module = fully_connected(PIXELS, 1, width=settings.kernel_width, depth=1, seed=run)
    gram = FunctionSpace.from_torch(module, inputs, np.zeros(len(inputs))).gram
    values, vectors = np.linalg.eigh(gram[:n, :n] / n)
    return np.maximum(values, 0.0), vectors, gram[n:, :n] / n


def kernel_course(settings: Settings, data: str, time: float, run: int) -> dict[str, float]:
    """Accuracies of a linearised network with an output a class, in closed form, after a time eta t in units
    of one over the largest eigenvalue, with steps that short that they make a flow."""
    values, vectors, across = _kernel(settings, run)
    samples = drawn(run, settings.samples, data)
    rates = time * values / values[-1]
    targets = vectors.T @ (np.eye(CLASSES)[samples.classes] - 1 / CLASSES)
    # f = K (1 - exp(-K t / n)) / K y; the quotient is t / n where an eigenvalue vanishes.
    learnt = vectors @ (-np.expm1(-rates)[:, None] * targets)
    share = np.where(values > 0, -np.expm1(-rates) / np.where(values > 0, values, 1.0), time / values[-1])
    outputs = across @ (vectors @ (share[:, None] * targets))
    right = outputs.argmax(1) == samples.test_classes[:TESTS]
    half = len(right) // 2
    return {
        "train_accuracy": float((learnt.argmax(1) == samples.classes).mean()),
        "test_accuracy": float(right.mean()),
        "first_half": float(right[:half].mean()),
        "second_half": float(right[half:].mean()),
    }


def kernel_kinds(settings: Settings) -> tuple[str, ...]:
    """More and more random labels."""
    return tuple(noisy(share) for share in settings.shares)


PAIR = (REAL, LABELS)

CELLS: dict[str, Callable[..., dict[str, float]]] = {
    "components": components,
    "order": order,
    "alignment": alignment,
    "kernel": kernel_course,
}
