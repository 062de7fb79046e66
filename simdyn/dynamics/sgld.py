"""Stochastic gradient Langevin dynamics with full gradients."""

from __future__ import annotations

import math
from dataclasses import dataclass

import sympy

from potentials import Potential
from simdyn.dynamics.checks import not_negative, positive
from simdyn.dynamics.covariance import scalar_factor
from simdyn.dynamics.update import Update


@dataclass(frozen=True)
class SGLD:
    """x' = x - eta grad L(x) + sqrt(2 eta T) xi, the unadjusted Langevin chain (Welling & Teh 2011).

    Parameters
    ----------
    learning_rate
        eta > 0, in units of [x]^2/[L].
    temperature
        T >= 0, the diffusion coefficient D of the SDE, in units of the potential. Zero is gradient descent.

    Raises
    ------
    InputError
        A learning rate or a temperature out of range or not finite.
    """

    learning_rate: float
    temperature: float

    def __post_init__(self) -> None:
        positive("learning_rate", self.learning_rate)
        not_negative("temperature", self.temperature)

    def update(self, potential: Potential) -> Update:
        """One step on `potential`; times are in steps, each worth `learning_rate` of SDE time."""
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
