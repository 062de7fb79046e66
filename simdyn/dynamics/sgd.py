"""Stochastic gradient descent with Gaussian gradient noise, as the Markov chain that it is."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, TypeAlias

import sympy

from potentials import Potential, SampleMean
from simdyn.dynamics.checks import not_negative, number, positive
from simdyn.dynamics.covariance import (
    Factor,
    constant_factor,
    expression_factor,
    hessian_factor,
    scaled,
)
from simdyn.dynamics.minibatch import MinibatchUpdate, check_sampling, gradient_noise
from simdyn.dynamics.update import Update
from simdyn.errors import InputError

Noise: TypeAlias = Any
"""Text, a SymPy expression, a number, or nested lists of them."""


@dataclass(frozen=True)
class SGD:
    """x' = x - eta grad L(x) + eta C(x)^(1/2) xi, with C = temperature C_1(x) / batch_size.

    Parameters
    ----------
    learning_rate
        eta > 0.
    batch_size
        B > 0; any positive real number for Gaussian noise, where only batch_size / temperature matters.
    noise
        The per-sample gradient covariance C_1: "hessian" for |H|_floor = (H^2 + floor^2 I)^(1/2) (the matrix
        absolute value of Xie, Sato & Sugiyama 2021 at floor 0), "constant" with `covariance`, "none" for
        gradient descent, or expressions of the variables: one (times the identity), d of them (the diagonal),
        or in two dimensions a 2 x 2 list. Two ask for a potential that is a mean over samples: "minibatch",
        real batches of B samples, and "empirical", Gaussian noise with the covariance of such batches at x.
    momentum
        Heavy-ball momentum; only 0 so far.
    temperature
        Scale of the noise, T_0 in C = T_0 C_1 / B.
    floor
        delta of |H|_delta. Has to be given for "hessian"; 0 is allowed, but then the noise vanishes where the
        curvature does, and in one dimension the SDE limit never crosses such a point.
    covariance
        For "constant": a number, d variances, or a d x d matrix.
    sampling
        How batches are drawn: "with_replacement", "without_replacement" (a fresh uniform subset each step) or
        "epoch_shuffle" (parts of a fresh permutation each epoch; B divides n).

    Raises
    ------
    InputError
        A number out of range, an unknown noise, a missing `floor` or `covariance`, or one that does not
        belong.
    """

    learning_rate: float
    batch_size: float
    noise: Noise = "minibatch"
    momentum: float = 0.0
    temperature: float = 1.0
    floor: float | None = None
    covariance: Any = None
    sampling: str = "without_replacement"

    def __post_init__(self) -> None:
        positive("learning_rate", self.learning_rate)
        positive("batch_size", self.batch_size)
        positive("temperature", self.temperature)
        if number("momentum", self.momentum) != 0:
            raise InputError(
                f"momentum is {self.momentum!r}, but SGD runs without momentum so far; leave it at 0."
            )
        check_sampling(self.sampling)
        if self.noise == "minibatch" and self.temperature != 1:
            raise InputError(
                f"temperature is {self.temperature!r}, but real minibatches have the noise that they "
                "have; leave "
                'it at 1, change batch_size, or use noise="empirical".'
            )
        if self.noise == "hessian" and self.floor is None:
            raise InputError(
                'noise="hessian" needs floor, the delta of (H^2 + delta^2 I)^(1/2); give floor=0 if the '
                "noise is meant to vanish where the curvature does."
            )
        if self.floor is not None:
            if self.noise != "hessian":
                raise InputError(f'floor={self.floor!r} belongs to noise="hessian"; leave it out.')
            not_negative("floor", self.floor)
        if (self.noise == "constant") != (self.covariance is not None):
            raise InputError('covariance= and noise="constant" belong together; give both or neither.')

    def update(self, potential: Potential) -> Update | MinibatchUpdate:
        """One step on `potential`; times are in steps, each worth `learning_rate` of SDE time.

        Raises
        ------
        InputError
            Noise that this potential cannot supply.
        """
        if isinstance(potential, SampleMean) and self.noise in ("minibatch", "empirical", "none"):
            return gradient_noise(
                potential,
                float(self.learning_rate),
                self.batch_size,
                self.noise,
                self.sampling,
                scale=float(self.temperature),
                momentum=float(self.momentum),
            )
        eta, amplitude = sympy.symbols("_eta _amplitude", positive=True)
        factor = self._factor(potential)
        values = {
            **potential.parameters,
            "_eta": float(self.learning_rate),
            "_amplitude": self.learning_rate * math.sqrt(self.temperature / self.batch_size),
        }
        if self.floor:
            values["_floor"] = float(self.floor)
        return Update(
            variables=potential.variables,
            drift=tuple(-eta * g for g in potential.gradient_expressions),
            factor=scaled(amplitude, factor),
            values=values,
            unit="steps",
            step=float(self.learning_rate),
        )

    def _factor(self, potential: Potential) -> Factor:
        if self.noise == "none":
            return ((),) * potential.dim
        if self.noise in ("minibatch", "empirical"):
            raise InputError(
                f'noise="{self.noise}" needs per-sample losses, which {potential.name!r} does not have; '
                "choose "
                'noise="hessian", "constant", "none" or an expression.'
            )
        if self.noise == "hessian":
            floor = sympy.Symbol("_floor", positive=True) if self.floor else sympy.Integer(0)
            return hessian_factor(potential, floor)
        if self.noise == "constant":
            return constant_factor(self.covariance, potential.dim, "covariance")
        return expression_factor(self.noise, potential, "noise")
