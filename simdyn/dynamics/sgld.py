"""Stochastic gradient Langevin dynamics, with full gradients or with those of batches."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import sympy

from potentials import DriftField, FunctionSpace, Potential, SampleMean
from simdyn.dynamics.checks import not_negative, positive, positive_or_infinite
from simdyn.dynamics.covariance import scalar_factor
from simdyn.dynamics.minibatch import BatchNoise, MinibatchUpdate, check_sampling, gradient_noise
from simdyn.dynamics.momentum import checked_momentum, heavy_ball
from simdyn.dynamics.schedules import Schedule, setting
from simdyn.dynamics.update import Update, require_gaussian
from simdyn.errors import InputError


@dataclass(frozen=True)
class SGLD:
    """x' = x - eta grad L(x) + sqrt(2 eta T) xi, the unadjusted Langevin chain (Welling & Teh 2011).

    Parameters
    ----------
    learning_rate
        eta > 0, in units of [x]^2/[L]; a number or a schedule (see `simdyn.dynamics.schedules`), which may
        come down to zero.
    temperature
        T >= 0, the diffusion coefficient D of the SDE, in units of the potential. Zero is gradient descent. A
        number or a schedule.
    batch_size
        On a mean over samples: B samples give the gradient of a step; None: all do. A number or a schedule,
        of which the whole part is taken.
    sampling
        How batches are drawn; see `SGD`.
    momentum
        Heavy-ball momentum in [0, 1): v' = momentum v - eta grad L(x) + sqrt(2 eta T) xi, x' = x + v'. The
        kicks are not scaled down, so that the stationary temperature is about T / (1 - momentum).

    Raises
    ------
    InputError
        A learning rate, a temperature or a momentum out of range or not finite.
    """

    learning_rate: Schedule
    temperature: Schedule
    batch_size: Schedule | None = None
    sampling: str = "without_replacement"
    momentum: float = 0.0

    def __post_init__(self) -> None:
        setting("learning_rate", self.learning_rate, positive, not_negative)
        setting("temperature", self.temperature, not_negative)
        checked_momentum(self.momentum)
        check_sampling(self.sampling)
        if self.batch_size is not None:
            setting("batch_size", self.batch_size, positive, positive_or_infinite)

    def update(
        self, potential: Potential | DriftField | FunctionSpace, start: np.ndarray | None = None
    ) -> Update | MinibatchUpdate:
        """One step on `potential`; times are in steps, each worth `learning_rate` of SDE time.

        Raises
        ------
        InputError
            Batches of a potential that has no samples.
        """
        eta = setting("learning_rate", self.learning_rate, positive, not_negative)
        temperature = setting("temperature", self.temperature, not_negative)
        if isinstance(potential, SampleMean | FunctionSpace):
            size = potential.size if self.batch_size is None else self.batch_size
            batch = setting("batch_size", size, positive, positive_or_infinite)
            noise: BatchNoise = "none" if self.batch_size is None else "minibatch"
            return gradient_noise(
                potential, eta, batch, noise, self.sampling, heat=temperature, momentum=self.momentum
            )
        if self.batch_size is not None:
            raise InputError(
                f"batch_size is {self.batch_size!r}, but {potential.name!r} has no per-sample losses to draw "
                "a batch from; leave it out."
            )
        if eta.expression is None and temperature.expression is None:
            amplitude: sympy.Expr = sympy.Symbol("_amplitude", positive=True)
            noisy = temperature.value > 0
        else:
            amplitude = sympy.sqrt(2 * eta.term * temperature.term)
            noisy = temperature.expression is not None or temperature.value > 0
        rule = Update(
            variables=potential.variables,
            drift=tuple(eta.term * f for f in potential.force_expressions),
            factor=scalar_factor(amplitude, potential.dim) if noisy else ((),) * potential.dim,
            values={
                **potential.parameters,
                eta.symbol.name: eta.value,
                temperature.symbol.name: temperature.value,
                "_amplitude": math.sqrt(2.0 * eta.value * temperature.value),
            },
            unit="steps",
            step=eta.value,
        )
        return heavy_ball(rule, self.momentum)

    def law(self, potential: Potential | DriftField, start: np.ndarray | None = None) -> Update:
        """The update, for closed forms and exact values.

        Raises
        ------
        InputError
            Momentum or a schedule, which they do not cover.
        """
        return require_gaussian(self.update(potential, start))
