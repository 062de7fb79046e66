"""The cells of the networks: train with small or large batches, then measure how sharp it is there."""

from __future__ import annotations

import copy
from dataclasses import dataclass
from functools import cache, cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from simdyn.errors import InputError
from simdyn.networks import one_thread

if TYPE_CHECKING:
    from collections.abc import Callable

    import torch

    from simdyn.networks import LossSurface, Split
    from studies.keskar2017.settings import Settings

Array = np.ndarray

LOOK = 10
"""Steps between two looks at the loss, for every batch size; few, so that levels are met closely."""

PLACES = 21
"""On the straight line from a solution to where training leads on from there."""


@dataclass(frozen=True, eq=False)
class Solution:
    """A network where its training ended, or stood when it was looked at.

    Attributes
    ----------
    module, split
        The network, and its data.
    first
        Its parameters before training.
    steps
        Steps that training took.
    """

    module: torch.nn.Sequential
    split: Split
    first: Array
    steps: int

    @cached_property
    def surface(self) -> LossSurface:
        """Cross-entropy of the training samples."""
        from simdyn.networks import LossSurface

        return LossSurface(self.module, self.split.inputs, self.split.classes, "cross_entropy")

    @cached_property
    def test_surface(self) -> LossSurface:
        """Cross-entropy of the other samples."""
        from simdyn.networks import LossSurface

        return LossSurface(self.module, self.split.test_inputs, self.split.test_classes, "cross_entropy")

    def look(self, at: Array | None = None) -> dict[str, float]:
        """Losses and accuracies, here or at other parameters."""
        from simdyn.networks import accuracy

        x = self.surface.parameters if at is None else at
        module = self.surface.module_at(x)
        return {
            "train_loss": self.surface.energy(x),
            "test_loss": self.test_surface.energy(x),
            "train_accuracy": accuracy(module, self.split.inputs, self.split.classes),
            "test_accuracy": accuracy(module, self.split.test_inputs, self.split.test_classes),
        }

    def sharpness(self, settings: Settings, epsilon: float, subspace: int | None, run: int) -> float:
        """Keskar et al.'s measure, per cent."""
        from simdyn.networks import box_sharpness

        return box_sharpness(
            self.surface,
            self.surface.parameters,
            epsilon,
            subspace=subspace,
            starts=settings.searches,
            iterations=settings.iterations,
            seed=run,
        ).value


@dataclass(frozen=True, eq=False)
class BothSides:
    """The mean of a loss at x + y and at x - y: around x without its gradient, so that x is a critical point.

    Attributes
    ----------
    surface, centre
        The loss and x.
    """

    surface: LossSurface
    centre: Array

    @property
    def dim(self) -> int:
        """Number of parameters."""
        return self.surface.dim

    def energy(self, place: Array) -> float:
        """The mean at x + y."""
        return (self.surface.energy(place) + self.surface.energy(2 * self.centre - place)) / 2

    def gradient(self, place: Array) -> Array:
        """Its gradient."""
        return (self.surface.gradient(place) - self.surface.gradient(2 * self.centre - place)) / 2


def trained(
    settings: Settings,
    begin: Solution,
    optimiser: str,
    batch: int,
    run: int,
    *,
    steps: int | None = None,
    tolerance: float | None = None,
) -> Solution:
    """Go on from a solution until the loss is at most the tolerance."""
    from simdyn.networks import train

    if optimiser not in ("sgd", "adam"):
        raise InputError(f'the optimiser is {optimiser!r}; it must be "sgd" or "adam".')
    module = copy.deepcopy(begin.module)
    n = len(begin.split.inputs)
    training = train(
        module,
        begin.split.inputs,
        begin.split.classes,
        learning_rate=settings.sgd_rate if optimiser == "sgd" else settings.adam_rate,
        batch_size=batch if batch < n else None,
        steps=settings.most_steps if steps is None else steps,
        tolerance=settings.tolerance if tolerance is None else tolerance,
        look_every=LOOK,
        loss="cross_entropy",
        optimiser=optimiser,  # type: ignore[arg-type]
        seed=run,
    )
    return Solution(module, begin.split, begin.first, begin.steps + training.steps)


@cache
def untrained(settings: Settings, architecture: str, run: int) -> Solution:
    """A network before training."""
    from simdyn.networks import LossSurface, Split, digits, fully_connected, vgg

    if architecture not in ("fully connected", "VGG"):
        raise InputError(f'the network is {architecture!r}; it must be "fully connected" or "VGG".')
    # Each run draws its own, so that the spread over runs is that of the data as well.
    split = Split.of(digits(), settings.samples, seed=run)
    build = fully_connected if architecture == "fully connected" else vgg
    channels, height, width = split.inputs.shape[1:]
    module = build((channels, height, width), 10, seed=run)
    first = LossSurface(module, split.inputs, split.classes, "cross_entropy").parameters
    return Solution(module, split, first, 0)


@cache
def solution(
    settings: Settings, architecture: str, optimiser: str, batch: int, run: int, tolerance: float
) -> Solution:
    """Where training from scratch ends at a loss; many cells look at the same one."""
    begin = untrained(settings, architecture, run)
    return trained(settings, begin, optimiser, batch, run, tolerance=tolerance)


@cache
def after_epochs(settings: Settings, batch: int, epochs: int, run: int) -> Solution:
    """Where training from scratch stands after so many passes over the data."""
    begin = untrained(settings, settings.architectures[0], run)
    if not epochs:
        return begin
    steps = epochs * (settings.samples // batch)
    return trained(settings, begin, settings.optimiser, batch, run, steps=steps, tolerance=0.0)


def measured(grid: str, cell: dict[str, Any], settings: Settings) -> dict[str, float]:
    """All quantities of a cell."""
    with one_thread():
        return _CELLS[grid](settings, **cell)


def _solutions(settings: Settings, architecture: str, optimiser: str, B: int, run: int) -> dict[str, float]:
    from simdyn.networks import ball_sharpness, top_eigenvalues

    found = solution(settings, architecture, optimiser, B, run, settings.tolerance)
    look, x = found.look(), found.surface.parameters
    largest = float(top_eigenvalues(found.surface, x, tolerance=1e-4)[0][0])
    ball = ball_sharpness(found.surface, x, settings.radius, seed=run)
    # Power iteration, of which a tenth of the largest eigenvalue would do.
    even = ball_sharpness(BothSides(found.surface, x), x, settings.radius, starts=1, iterations=50, seed=run)
    return {
        **look,
        "steps": found.steps,
        "distance": float(np.linalg.norm(x - found.first)),
        "eigenvalue": largest,
        "slope": float(np.linalg.norm(found.surface.gradient(x))),
        "ball": ball.value,
        "ball_even": even.value,
        "ball_formula": 100 * largest * settings.radius**2 / (2 * (1 + look["train_loss"])),
    }


def _sharpness(
    settings: Settings, architecture: str, optimiser: str, B: int, space: str, epsilon: float, run: int
) -> dict[str, float]:
    found = solution(settings, architecture, optimiser, B, run, settings.tolerance)
    subspace = None if space == "full" else settings.subspace
    return {"sharpness": found.sharpness(settings, epsilon, subspace, run)}


def _line(settings: Settings, architecture: str, optimiser: str, alpha: float, run: int) -> dict[str, float]:
    small, large = (
        solution(settings, architecture, optimiser, batch, run, settings.tolerance)
        for batch in (settings.small_batch, settings.large_batch)
    )
    return small.look((1 - alpha) * small.surface.parameters + alpha * large.surface.parameters)


def _looked(settings: Settings, found: Solution, run: int) -> dict[str, float]:
    return {**found.look(), "sharpness": found.sharpness(settings, settings.epsilons[0], None, run)}


def _batches(settings: Settings, B: int, run: int) -> dict[str, float]:
    return _looked(
        settings,
        solution(settings, settings.architectures[0], settings.optimiser, B, run, settings.tolerance),
        run,
    )


def _course(settings: Settings, level: float, B: int, run: int) -> dict[str, float]:
    found = solution(settings, settings.architectures[0], settings.optimiser, B, run, level)
    return {**_looked(settings, found, run), "steps": found.steps}


def _epochs(settings: Settings, B: int, run: int) -> dict[str, float]:
    return _looked(settings, after_epochs(settings, B, settings.epochs, run), run)


def _warm(settings: Settings, start: int, run: int) -> dict[str, float]:
    begin = after_epochs(settings, settings.small_batch, start, run)
    # Other batches than those of the start.
    found = trained(settings, begin, settings.optimiser, settings.large_batch, run + 1_000_000)
    return {**_looked(settings, found, run), "steps": found.steps - begin.steps}


def _onwards(settings: Settings, B: int, run: int) -> dict[str, float]:
    begin = solution(
        settings,
        settings.architectures[0],
        settings.optimiser,
        settings.large_batch,
        run,
        settings.tolerance,
    )
    steps = settings.epochs * (settings.samples // settings.small_batch)
    # Other batches than those that led there.
    found = trained(settings, begin, settings.optimiser, B, run + 2_000_000, steps=steps, tolerance=0.0)
    ends = begin.surface.parameters, found.surface.parameters
    shares = np.linspace(0.0, 1.0, PLACES)[:, None]
    losses = begin.surface.energies((1 - shares) * ends[0] + shares * ends[1])
    return {
        "barrier": float(losses.max() / max(losses[0], losses[-1])),
        "moved": float(np.linalg.norm(ends[1] - ends[0])),
        "train_loss": float(losses[-1]),
    }


def _scaled(settings: Settings, scale: float, run: int) -> dict[str, float]:
    from simdyn.networks import rescaled, top_eigenvalues

    small = solution(
        settings,
        settings.architectures[0],
        settings.optimiser,
        settings.small_batch,
        run,
        settings.tolerance,
    )
    # In double precision, so that what rounding does to the outputs stays far below what is looked for.
    module = copy.deepcopy(small.module).double()
    found = Solution(rescaled(module, scale), small.split, small.first, small.steps)
    inputs = _double(small.split.test_inputs)
    before, after = module(inputs).detach(), found.module(inputs).detach()
    largest = top_eigenvalues(found.surface, found.surface.parameters, tolerance=1e-4)[0][0]
    return {
        **_looked(settings, found, run),
        "change": float((after - before).abs().max() / before.abs().max()),
        "eigenvalue": float(largest),
    }


def _double(inputs: Array) -> Any:
    import torch

    return torch.as_tensor(inputs).double()


def _directions(settings: Settings, B: int, run: int) -> dict[str, float]:
    from simdyn.networks import hessian_trace, top_eigenvalues

    found = solution(settings, settings.architectures[0], settings.optimiser, B, run, settings.tolerance)
    surface, x = found.surface, found.surface.parameters
    count = round(settings.steep_share * surface.dim)
    known = top_eigenvalues(surface, x, count, tolerance=1e-2)
    trace, error = hessian_trace(surface, x, known=known, seed=run)
    return {"held": float(known[0].sum()) / trace, "trace": trace, "trace_error": error}


_CELLS: dict[str, Callable[..., dict[str, float]]] = {
    "solutions": _solutions,
    "sharpness": _sharpness,
    "line": _line,
    "batches": _batches,
    "course": _course,
    "epochs": _epochs,
    "warm": _warm,
    "onwards": _onwards,
    "scaled": _scaled,
    "directions": _directions,
}
