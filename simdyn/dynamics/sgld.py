"""Stochastic gradient Langevin dynamics, with full gradients or with those of batches."""

from __future__ import annotations

import math
from dataclasses import dataclass

import sympy

from potentials import Potential, SampleMean
from simdyn.dynamics.checks import not_negative, positive
from simdyn.dynamics.covariance import scalar_factor
from simdyn.dynamics.minibatch import MinibatchUpdate, check_sampling, gradient_noise
from simdyn.dynamics.update import Update
from simdyn.errors import InputError


@dataclass(frozen=True)
class SGLD:
    """x' = x - eta grad L(x) + sqrt(2 eta T) xi, the unadjusted Langevin chain (Welling & Teh 2011).

    Parameters
    ----------
    learning_rate
        eta > 0, in units of [x]^2/[L].
    temperature
        T >= 0, the diffusion coefficient D of the SDE, in units of the potential. Zero is gradient descent.
    batch_size
        On a mean over samples: B samples give the gradient of a step; None: all do.
    sampling
        How batches are drawn: "with_replacement", "without_replacement" (a fresh uniform subset each step) or
        "epoch_shuffle" (parts of a fresh permutation each epoch; B divides n).

    Raises
    ------
    InputError
        A learning rate or a temperature out of range or not finite.
    """

    learning_rate: float
    temperature: float
    batch_size: float | None = None
    sampling: str = "without_replacement"

    def __post_init__(self) -> None:
        positive("learning_rate", self.learning_rate)
        not_negative("temperature", self.temperature)
        check_sampling(self.sampling)
        if self.batch_size is not None:
            positive("batch_size", self.batch_size)

    def update(self, potential: Potential) -> Update | MinibatchUpdate:
        """One step on `potential`; times are in steps, each worth `learning_rate` of SDE time.

        Raises
        ------
        InputError
            Batches of a potential that has no samples.
        """
        if isinstance(potential, SampleMean):
            return gradient_noise(
                potential,
                float(self.learning_rate),
                self.batch_size,
                "none" if self.batch_size is None else "minibatch",
                self.sampling,
                temperature=float(self.temperature),
            )
        if self.batch_size is not None:
            raise InputError(
                f"batch_size is {self.batch_size!r}, but {potential.name!r} has no per-sample losses to "
                "draw a "
                "batch from; leave it out."
            )
        eta, amplitude = sympy.symbols("_eta _amplitude", positive=True)
        noisy = self.temperature > 0
        return Update(
            variables=potential.variables,
            drift=tuple(-eta * g for g in potential.gradient_expressions),
            factor=scalar_factor(amplitude, potential.dim) if noisy else ((),) * potential.dim,
            values={
                **potential.parameters,
                "_eta": float(self.learning_rate),
                "_amplitude": math.sqrt(2.0 * self.learning_rate * self.temperature),
            },
            unit="steps",
            step=float(self.learning_rate),
        )
