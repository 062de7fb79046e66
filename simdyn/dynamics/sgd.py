"""Stochastic gradient descent with Gaussian gradient noise, as the Markov chain that it is."""

from __future__ import annotations

import difflib
import math
from dataclasses import dataclass
from functools import partial
from typing import Any, TypeAlias

import numpy as np
import sympy

from potentials import DriftField, FunctionSpace, Potential, SampleMean
from simdyn.dynamics.checks import not_negative, positive, positive_or_infinite
from simdyn.dynamics.covariance import (
    CovarianceRoot,
    constant_root,
    expression_root,
    hessian_root,
    loss_root,
    scaled,
)
from simdyn.dynamics.levy import ALPHA, SCALE, AlphaStable
from simdyn.dynamics.minibatch import MinibatchUpdate, check_sampling, gradient_noise
from simdyn.dynamics.momentum import checked_momentum, heavy_ball
from simdyn.dynamics.rates import check_directions, is_directional, rate_matrix
from simdyn.dynamics.schedules import Schedule, Setting, setting
from simdyn.dynamics.update import Factor, Update, require_gaussian
from simdyn.errors import InputError

_OF_SAMPLES = ("minibatch", "empirical", "none")

_NAMED = (*_OF_SAMPLES, "hessian", "loss", "constant")

Noise: TypeAlias = Any
"""Text, a SymPy expression, a number, or nested lists of them."""


Rate: TypeAlias = Any
"""A `Schedule`, or a learning rate by direction."""


@dataclass(frozen=True)
class SGD:
    """x' = x - eta grad L(x) + eta C(x)^(1/2) xi, with C = temperature C_1(x) / batch_size.

    Parameters
    ----------
    learning_rate
        eta > 0; a number or a schedule (see `simdyn.dynamics.schedules`), which may come down to zero. Or,
        for Gaussian noise and none, one for each direction: d numbers or formulas of the variables, a
        symmetric d x d matrix of them, or a formula of `curvature` such as "0.1*min(1, 2/curvature)", the
        rate along each eigenvector of the Hessian at x. Then a step is one unit of time.
    batch_size
        B > 0; any positive real number for Gaussian noise, where only batch_size / temperature matters. A
        number or a schedule; of a schedule real minibatches take the whole part.
    noise
        The per-sample gradient covariance C_1: "hessian" for |H|_floor = (H^2 + floor^2 I)^(1/2) (the matrix
        absolute value of Xie, Sato & Sugiyama 2021 at floor 0), "constant" with `covariance`, "none" for
        gradient descent, or expressions of the variables: one (times the identity), d of them (the diagonal),
        or a d x d list; "loss" for 2 L(x) H_a with H_a the Hessian at the minimum of the
        start's valley, the noise of squared losses (Mori et al. 2022). Two ask for a potential that is a mean
        over samples: "minibatch", real batches of B samples, and "empirical", Gaussian noise with the
        covariance of such batches at x. An `AlphaStable` gives each coordinate
        kicks eta scale (temperature / B)^(1 - 1/alpha) S_alpha, as a mean over B samples would have.
    momentum
        Heavy-ball momentum in [0, 1): v' = momentum v + (the increment above), x' = x + v'.
    temperature
        Scale of the noise, T_0 in C = T_0 C_1 / B. A number or a schedule, which may come down to zero.
    floor
        delta of |H|_delta. Has to be given for "hessian"; 0 is allowed, but then the noise vanishes where the
        curvature does, and in one dimension the SDE limit never crosses such a point.
    covariance
        For "constant": a number, d variances, or a d x d matrix.
    sampling
        How batches are drawn: "with_replacement", "without_replacement" (a fresh uniform subset each step) or
        "epoch_shuffle" (consecutive parts of a fresh permutation each epoch; where fewer than B samples are
        left of it, they sit out and the next epoch begins).

    Raises
    ------
    InputError
        A number out of range, an unknown noise, a missing `floor` or `covariance`, or one that does not
        belong.
    """

    learning_rate: Rate
    batch_size: Schedule
    noise: Noise = "minibatch"
    momentum: float = 0.0
    temperature: Schedule = 1.0
    floor: float | None = None
    covariance: Any = None
    sampling: str = "without_replacement"

    def __post_init__(self) -> None:
        temperature = self._settings()[2]
        checked_momentum(self.momentum)
        check_sampling(self.sampling)
        if _is(self.noise, "minibatch") and (temperature.expression is not None or temperature.value != 1):
            raise InputError(
                f"temperature is {self.temperature!r}, but real minibatches have the noise that they have; "
                'leave it at 1, change batch_size, or use noise="empirical".'
            )
        if _is(self.noise, "hessian") and self.floor is None:
            raise InputError(
                'noise="hessian" needs floor, the delta of (H^2 + delta^2 I)^(1/2); give floor=0 if the '
                "noise is meant to vanish where the curvature does."
            )
        if self.floor is not None:
            if not _is(self.noise, "hessian"):
                raise InputError(f'floor={self.floor!r} belongs to noise="hessian"; leave it out.')
            not_negative("floor", self.floor)
        if _is(self.noise, "constant") != (self.covariance is not None):
            raise InputError('covariance= and noise="constant" belong together; give both or neither.')

    def _settings(self) -> tuple[Setting, Setting, Setting]:
        """Learning rate, batch size and temperature, checked."""
        if is_directional(self.learning_rate):
            check_directions(self.learning_rate)
            rate = Setting("learning_rate", None, 1.0)
        else:
            rate = setting("learning_rate", self.learning_rate, positive, not_negative)
        return (
            rate,
            setting("batch_size", self.batch_size, positive, positive_or_infinite),
            setting("temperature", self.temperature, positive, not_negative),
        )

    def update(
        self, potential: Potential | DriftField | FunctionSpace, start: np.ndarray | None = None
    ) -> Update | MinibatchUpdate:
        """One step on `potential`; times are in steps, each worth `learning_rate` of SDE time.

        Parameters
        ----------
        potential
            The landscape.
        start
            Point of shape (d,) whose valley gives the curvature of noise="loss".

        Raises
        ------
        InputError
            Noise that this potential cannot supply.
        """
        eta, batch, temperature = self._settings()
        of_samples = any(map(partial(_is, self.noise), _OF_SAMPLES))
        directional = is_directional(self.learning_rate)
        if directional and (
            isinstance(potential, FunctionSpace) or (of_samples and not _is(self.noise, "none"))
        ):
            raise InputError(
                f"noise={self.noise!r} takes one learning rate for all directions; give a number, or "
                "Gaussian noise as an expression."
            )
        if isinstance(potential, SampleMean | FunctionSpace) and of_samples and not directional:
            return gradient_noise(
                potential, eta, batch, self.noise, self.sampling, scale=temperature, momentum=self.momentum
            )
        if isinstance(potential, FunctionSpace):
            raise InputError(
                f"noise={self.noise!r} is not available in function space, which knows errors alone; choose "
                "one of: " + ", ".join(f'"{name}"' for name in _OF_SAMPLES) + "."
            )
        values = {
            **potential.parameters,
            **{one.symbol.name: one.value for one in (eta, batch, temperature)},
            "_amplitude": eta.value * math.sqrt(temperature.value / batch.value),
        }
        drift = tuple(eta.term * f for f in potential.force_expressions)
        rates = rate_matrix(self.learning_rate, potential) if directional else None
        if rates is not None:
            values |= rates.values
            drift = tuple(f for (f,) in rates.times(tuple((f,) for f in drift)))
        scheduled = any(one.expression is not None for one in (eta, batch, temperature))
        if isinstance(self.noise, AlphaStable):
            size = eta.term * SCALE * sympy.sympify(temperature.term / batch.term) ** (1 - 1 / ALPHA)
            kicks: Factor = tuple((size * self.noise.kick(j),) for j in range(potential.dim))
            if rates is not None:
                kicks = rates.times(kicks)
            rule = Update(
                variables=potential.variables,
                drift=tuple(f + kick for f, (kick,) in zip(drift, kicks, strict=True)),
                factor=((),) * potential.dim,
                values={**values, **self.noise.values},
                unit="steps",
                step=eta.value,
                uniforms=2 * potential.dim,
            )
            return heavy_ball(rule, self.momentum)
        if self.floor:
            values["_floor"] = float(self.floor)
        amplitude = (
            eta.term * sympy.sqrt(temperature.term / batch.term)
            if scheduled
            else sympy.Symbol("_amplitude", positive=True)
        )
        root = self._root(potential, start)
        factor = root.factor if rates is None or not root.factor[0] else rates.times(root.factor)
        rule = Update(
            variables=potential.variables,
            drift=drift,
            factor=scaled(amplitude, factor),
            values={**values, **root.values},
            unit="steps",
            step=eta.value,
            roots=root.roots,
        )
        return heavy_ball(rule, self.momentum)

    def law(self, potential: Potential | DriftField, start: np.ndarray | None = None) -> Update:
        """The update, for closed forms and exact values.

        Raises
        ------
        InputError
            Momentum, a schedule or alpha-stable noise, which they do not cover.
        """
        return require_gaussian(self.update(potential, start))

    def _root(self, potential: Potential | DriftField, start: np.ndarray | None) -> CovarianceRoot:
        if _is(self.noise, "none"):
            return CovarianceRoot(((),) * potential.dim)
        if _is(self.noise, "minibatch") or _is(self.noise, "empirical"):
            raise InputError(
                f'noise="{self.noise}" needs per-sample losses, which {potential.name!r} does not have; '
                'choose noise="hessian", "loss", "constant", "none" or an expression.'
            )
        if _is(self.noise, "hessian"):
            floor = sympy.Symbol("_floor", positive=True) if self.floor else sympy.Integer(0)
            return hessian_root(potential, floor, float(self.floor or 0.0))
        if _is(self.noise, "loss"):
            return loss_root(potential, start)
        if _is(self.noise, "constant"):
            return constant_root(self.covariance, potential.dim, "covariance")
        if isinstance(self.noise, str) and self.noise.isidentifier():
            names = {*(v.name for v in potential.variables), *potential.parameters}
            near = difflib.get_close_matches(self.noise, _NAMED, n=1)
            if near and self.noise not in names:
                raise InputError(f'There is no noise "{self.noise}"; did you mean "{near[0]}"?')
        return expression_root(self.noise, potential, "noise")


def _is(noise: Noise, name: str) -> bool:
    """Whether the noise is the named one; comparing arrays with text would compare element by element."""
    return isinstance(noise, str) and noise == name
