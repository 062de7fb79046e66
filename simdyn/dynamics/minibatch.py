"""One step of SGD or SGLD on a landscape that is a mean over samples: real batches, or their covariance."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from numbers import Real
from typing import Any, Literal

import numpy as np
import sympy

from potentials import FunctionSpace, SampleMean
from simdyn.dynamics.checks import not_negative, number, positive, positive_or_infinite
from simdyn.dynamics.schedules import Setting
from simdyn.errors import InputError
from simdyn.results import Unit

Array = np.ndarray

SAMPLINGS = ("with_replacement", "without_replacement", "epoch_shuffle")

HORIZON = 1 << 20
"""Steps for which a schedule is tabulated, unless it is constant from some earlier step on."""

BatchNoise = Literal["minibatch", "empirical", "none"]


@dataclass(frozen=True, eq=False)
class MinibatchUpdate:
    """The Markov chain v' = momentum v - eta ghat(x) + kick xi, x' = x + v', on L = (1/n) sum of f_i.

    Attributes
    ----------
    potential
        The mean over samples, or a linearised network as its outputs see it: then x stands for the errors,
        the gradient for the way it moves them, and a kick has the Gram matrix as its covariance.
    batch_size
        B, or one for each step, of which the last holds on. A whole number for batches; any positive number
        for Gaussian noise of their covariance. Afterwards that of the first step.
    batch_sizes
        One for each step, or one for all; shape (T,).
    noise
        "minibatch": ghat is the mean gradient of a batch of B samples. "empirical": ghat is Gaussian with the
        mean and the covariance that such a batch has at x, formed from the gradients of all samples. "none":
        ghat is the gradient.
    sampling
        "with_replacement": B independent samples. "without_replacement": a fresh uniform subset each step.
        "epoch_shuffle": consecutive parts of a fresh permutation each epoch. A batch lies within one epoch: a
        step that finds fewer than its B samples left of a permutation begins the next epoch, and those sit
        out until then (drop_last in other libraries). So for constant B an epoch has floor(n/B) steps, and
        where B changes it holds as many steps as fit into it, whatever their sizes. Each batch is, taken
        alone, a uniform subset.
    rates, kicks
        Learning rate and standard deviation of the added Gaussian kick, per step; the last value holds on.
    momentum
        Heavy-ball factor beta; the velocity v starts at zero.
    scale
        Factor on the covariance of "empirical" noise, or one for each step. Afterwards that of the first
        step.
    scales
        One for each step, or one for all.
    horizon
        Number of steps that what is given per step covers, if it must not be held on beyond.

    Raises
    ------
    InputError
        A number out of range, or a batch larger than the data.
    """

    potential: SampleMean | FunctionSpace
    batch_size: Any
    noise: BatchNoise = "minibatch"
    sampling: str = "without_replacement"
    rates: Any = (0.1,)
    kicks: Any = (0.0,)
    momentum: float = 0.0
    scale: Any = 1.0
    horizon: int | None = None
    batch_sizes: Array = field(init=False)
    scales: Array = field(init=False)

    unit: Unit = "steps"
    """Times count steps, each worth `step` of SDE time."""
    bridge: bool = False
    """There is nothing between two steps."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "rates", _per_step("learning_rate", self.rates, not_negative))
        positive("learning_rate", float(self.rates[0]))
        object.__setattr__(self, "kicks", _per_step("kick", self.kicks, not_negative))
        sizes = _per_step("batch_size", self.batch_size, positive_or_infinite)
        object.__setattr__(self, "batch_sizes", sizes)
        object.__setattr__(self, "scales", _per_step("scale", self.scale, not_negative))
        # What was given as a number stays as it was given, for messages.
        for name, values in (("batch_size", self.batch_sizes), ("scale", self.scales)):
            if not isinstance(getattr(self, name), Real):
                object.__setattr__(self, name, float(values[0]))
        if not abs(number("momentum", self.momentum)) < 1:
            raise InputError(f"momentum is {self.momentum!r}, but it must lie between -1 and 1.")
        if self.noise != "none":
            whole = self.noise == "minibatch"
            check_batch(self.potential, self.batch_size, self.sampling, whole=whole)
            for size in np.unique(sizes[1:]):
                check_batch(self.potential, float(size), self.sampling, whole=whole)
        if self.noise == "empirical" and self.sampling == "epoch_shuffle":
            raise InputError(
                'noise="empirical" is fresh at each step, but shuffled batches are not independent; choose '
                'sampling="with_replacement" or "without_replacement".'
            )
        if self.noise == "empirical" and self.kicks.any():
            raise InputError('noise="empirical" and a temperature together are not available; choose one.')

    @property
    def variables(self) -> tuple[sympy.Symbol, ...]:
        """The d coordinates."""
        return self.potential.variables

    @property
    def dim(self) -> int:
        """Number of coordinates d."""
        return self.potential.dim

    @property
    def step(self) -> float:
        """SDE time that passes in the first step: its learning rate."""
        return float(self.rates[0])

    @property
    def state_dim(self) -> int:
        """Numbers that describe the state of a path: d positions and, with momentum, d velocities."""
        return self.dim * (2 if self.momentum else 1)

    @property
    def scheduled(self) -> bool:
        """Whether the rule changes with the step."""
        return any(len(one) > 1 for one in (self.rates, self.kicks, self.batch_sizes, self.scales))

    @property
    def noisy(self) -> bool:
        """Whether a step draws anything at random."""
        return self.noise_dim > 0

    def at_rest(self, x: Array) -> Array:
        """The full state, shape (..., state_dim), of paths that start at points `x` of shape (..., d)."""
        x = np.asarray(x, dtype=float)
        return np.concatenate([x, np.zeros_like(x)], axis=-1) if self.momentum else x

    def advance(self, x: Array) -> Array:
        """States after a first step with the mean gradient and without noise; shape (..., state_dim)."""
        x = np.asarray(x, dtype=float)
        place, velocity = x[..., : self.dim], x[..., self.dim :]
        velocity = self.drift_at(place) + (self.momentum * velocity if self.momentum else 0.0)
        return np.concatenate([place + velocity, velocity][: 2 if self.momentum else 1], axis=-1)

    @property
    def covariance_factor(self) -> float:
        """p_B of the first step: covariance of the batch gradient over the per-sample covariance C_1.

        1/B with replacement; (n - B) / (B (n - 1)) for a subset. A shuffled batch is, taken alone, a uniform
        subset, but batches of one epoch depend on one another.
        """
        return float(self.covariance_factors[0])

    @cached_property
    def covariance_factors(self) -> Array:
        """`covariance_factor` of each step, or one for all."""
        n = self.potential.size
        if self.noise == "none":
            return np.zeros(1)
        # Whichever is the shorter table holds on.
        steps = np.arange(max(len(self.batch_sizes), len(self.scales)))
        sizes, scales = (one[np.minimum(steps, len(one) - 1)] for one in (self.batch_sizes, self.scales))
        if self.sampling == "with_replacement":
            return np.asarray(scales / sizes)
        return np.asarray(scales * (n - sizes) / (sizes * (n - 1)) if n > 1 else np.zeros(1))

    @cached_property
    def places(self) -> Array:
        """Where the random numbers of each step of `batch_sizes` begin, shape (T, 2).

        For shuffled epochs the number of the epoch, and where in its permutation the batch begins; else how
        many samples the steps before have drawn, and 0. The steps that follow go on from the last one.
        """
        sizes = self.batch_sizes.astype(np.int64)
        places = np.zeros((len(sizes), 2), dtype=np.int64)
        if self.sampling != "epoch_shuffle":
            np.cumsum(sizes[:-1], out=places[1:, 0])
            return places
        n, epoch, begin = self.potential.size, 0, 0
        for step, size in enumerate(sizes.tolist()):
            if begin + size > n:
                epoch, begin = epoch + 1, 0
            places[step] = epoch, begin
            begin += size
        return places

    @property
    def noise_dim(self) -> int:
        """Columns of `factor_at`: d, or 0 without noise."""
        return self.dim if (self.covariance_factors > 0).any() or self.kicks.any() else 0

    def drift_at(self, x: Array) -> Array:
        """Mean increment of the first step at states `x` of shape (..., state_dim), from rest; (..., d)."""
        return -self.step * self.potential.gradient(np.asarray(x, dtype=float)[..., : self.dim])

    def factor_at(self, x: Array) -> Array:
        """Symmetric root of the covariance of the first step at states (..., state_dim); (..., d, m)."""
        x = np.asarray(x, dtype=float)[..., : self.dim]
        if not self.noise_dim:
            return np.zeros((*x.shape, 0))
        kicked = self.potential.gram if isinstance(self.potential, FunctionSpace) else np.eye(self.dim)
        covariance = self.step**2 * self.covariance_factor * self.potential.gradient_covariance(x)
        covariance = covariance + float(self.kicks[0]) ** 2 * kicked
        known = np.isfinite(covariance).all(axis=(-2, -1), keepdims=True)
        values, vectors = np.linalg.eigh(np.where(known, covariance, 0.0))
        root = vectors * np.sqrt(np.maximum(values, 0.0))[..., None, :]
        return np.where(known, root @ np.swapaxes(vectors, -1, -2), np.nan)


def check_batch(
    potential: SampleMean | FunctionSpace, batch_size: Any, sampling: str, *, whole: bool
) -> None:
    """Refuse a batch that cannot be drawn from the samples of `potential`.

    Raises
    ------
    InputError
        See `MinibatchUpdate`.
    """
    check_sampling(sampling)
    n = potential.size
    positive("batch_size", batch_size)
    if whole and float(batch_size) != int(batch_size):
        raise InputError(
            f"batch_size is {batch_size!r}, but real batches have a whole number of samples; "
            'noise="empirical" '
            "takes any."
        )
    if sampling != "with_replacement" and batch_size > n:
        raise InputError(
            f"batch_size is {batch_size!r}, but {potential.name[:60]!r} has only {n} samples; take at "
            f"most {n} "
            'or sampling="with_replacement".'
        )


def check_sampling(sampling: object) -> None:
    """Refuse what is not one of `SAMPLINGS`."""
    if sampling not in SAMPLINGS:
        raise InputError(f"sampling is {sampling!r}, but it must be one of: {', '.join(SAMPLINGS)}.")


def gradient_noise(
    potential: SampleMean | FunctionSpace,
    eta: Setting,
    batch: Setting,
    noise: BatchNoise,
    sampling: str,
    *,
    heat: Setting | None = None,
    scale: Setting | None = None,
    momentum: float = 0.0,
) -> MinibatchUpdate:
    """The update with a learning rate, a batch size, a Langevin temperature `heat` and a `scale` of the
    covariance, all of which may be schedules.

    Raises
    ------
    InputError
        A batch that cannot be drawn, be it at a later step.
    """
    steps, held = _tabulated([one for one in (eta, batch, heat, scale) if one is not None], noise)
    rates = eta.at(steps)
    kicks = np.zeros(1) if heat is None else np.sqrt(2.0 * rates * heat.at(steps))
    return MinibatchUpdate(
        potential,
        _sizes(batch, steps, noise),
        noise,
        sampling,
        rates=rates,
        kicks=kicks,
        momentum=momentum,
        scale=1.0 if scale is None else scale.value if scale.expression is None else scale.at(steps),
        horizon=None if held else len(steps),
    )


def _sizes(batch: Setting, steps: Array, noise: BatchNoise) -> Any:
    """The batch sizes at steps: for real batches the whole part of a schedule."""
    if batch.expression is None:
        return batch.value
    sizes = batch.at(steps)
    if noise != "minibatch":
        return sizes
    small = np.flatnonzero(sizes < 1)
    if len(small):
        step = int(steps[small[0]])
        raise InputError(
            f"The schedule of batch_size is {sizes[small[0]]:.6g} at step {step}, but a batch has at least "
            "one sample; change it so that it stays above, as max(..., 1) makes it."
        )
    return np.floor(sizes)


def _tabulated(settings: Sequence[Setting], noise: BatchNoise) -> tuple[Array, bool]:
    """The steps at which schedules are tabulated, and whether they stay as they are at the last of them."""
    scheduled = [one for one in settings if one.expression is not None]
    if not scheduled:
        return np.zeros(1), True
    table, beyond = (
        np.stack([_sizes(one, at, noise) if one.name == "batch_size" else one.at(at) for one in scheduled])
        for at in (np.arange(HORIZON + 1), np.geomspace(HORIZON, 1e12, 100).round())
    )
    held = bool(np.all(beyond == table[:, -1:]))
    changes = np.flatnonzero(np.any(np.diff(table, axis=1) != 0, axis=0))
    length = int(changes[-1]) + 2 if held and len(changes) else 1 if held else HORIZON
    return np.arange(length), held


def _per_step(name: str, values: Any, check: Any) -> Array:
    listed: Sequence[Any] = [values] if isinstance(values, Real) else list(values)
    if not listed:
        raise InputError(f"{name} has no values; give one, or one for each step.")
    array = np.array([check(name, float(v) if isinstance(v, np.floating) else v) for v in listed])
    array.flags.writeable = False
    return array
