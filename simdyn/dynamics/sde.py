"""Stochastic differential equations and the schemes that discretise them."""

from __future__ import annotations

import math
from dataclasses import dataclass
from numbers import Real
from typing import Any

import numpy as np
import sympy

from potentials import DriftField, FunctionSpace, Potential
from simdyn.dynamics.checks import not_negative, positive
from simdyn.dynamics.conventions import CONVENTIONS
from simdyn.dynamics.covariance import CovarianceRoot, constant_root, expression_root, scaled
from simdyn.dynamics.levy import ALPHA, SCALE, AlphaStable
from simdyn.dynamics.minibatch import MinibatchUpdate
from simdyn.dynamics.rates import has_directions, refuse_directions
from simdyn.dynamics.schemes import AMPLITUDE, DT, SCHEMES, Equation, euler_maruyama
from simdyn.dynamics.sgd import SGD
from simdyn.dynamics.sgld import SGLD
from simdyn.dynamics.update import Update, require_gaussian
from simdyn.errors import InputError

CROSSINGS = ("bridge", "none")
_UNBRIDGED = ("leimkuhler_matthews", "baoab")


@dataclass(frozen=True)
class SDE:
    """dx = -grad L dt + (2 D(x))^(1/2) dW, in the convention that is named.

    Parameters
    ----------
    diffusion
        D: a number (times the identity), d variances, a d x d matrix, or expressions of the variables (one, d
        of them, or a d x d list). `SDE.limit_of(sgd)` derives it from a discrete rule. An
        `AlphaStable` makes it a Levy-driven equation, dx = -grad L dt + scale dL^alpha, with increments
        scale dt^(1/alpha) S_alpha.
    step
        Time step dt > 0 of the scheme.
    scheme
        "euler_maruyama": strong order 1/2 (1 for constant D), weak order 1.
        "milstein": strong order 1 for noise that commutes.
        "heun": strong order 1 for noise that commutes, weak order 2 for constant D; it solves the
        Stratonovich form, into which other conventions are translated.
        "sri2": strong order 1 for any noise (Roessler 2010); where it does not commute, for the Levy areas
        that are drawn with it, which are Gaussian in the rest of their Fourier series.
        "leimkuhler_matthews": constant D; for a number, stationary averages of order 2 and exact variances on
        quadratics; for a matrix that does not commute with the Hessian, order 1.
        "baoab": underdamped Langevin with `friction`, dx = v dt, dv = -grad L dt - friction v dt
        + (2 friction D)^(1/2) dW, unit mass and temperature D; stationary averages of order 2.
    convention
        "ito", "stratonovich" or "haenggi_klimontovich"; translated by the added drift of
        `simdyn.dynamics.conventions`. For a matrix D, Stratonovich depends on its root: here the one that is
        symmetric (constant, Hessian-shaped) or lower triangular (2 x 2 expressions). A full matrix that
        changes with the point, of more than two coordinates, goes with "ito" and "euler_maruyama" alone.
    crossing
        "bridge" counts an exit between two steps with the probability that a Brownian bridge touches the exit
        surface, exp(-g(x) g(x') / (n.D n dt)) for a surface g = 0 with gradient n; "none" looks at the steps
        alone, which makes mean first-passage times too long by O(sqrt(dt)). By default "bridge" where there
        is one: not for jumps, not for "leimkuhler_matthews" and "baoab".
    friction
        For "baoab" alone, where it has to be given: the rate at which velocities forget.
    order
        With a discrete rule as diffusion: 1 for the SDE with its mean and covariance, 2 for the modified
        equation with the drift -grad(L + eta |grad L|^2 / 4), which is weakly closer to the rule by one
        order over a fixed time where the noise is small with the step, D = O(eta), as that of SGD is (Li,
        Tai & E 2017). At a D that is not, as that of SGLD, and for the width of stationary laws, it is not.

    Raises
    ------
    InputError
        A number out of range, an unknown scheme, convention or crossing, or settings that do not fit each
        other.
    """

    diffusion: Any
    step: float
    scheme: str = "euler_maruyama"
    convention: str = "ito"
    crossing: str | None = None
    friction: float | None = None
    order: int = 1

    def __post_init__(self) -> None:
        positive("step", self.step)
        for name, value, known in (
            ("scheme", self.scheme, tuple(SCHEMES)),
            ("convention", self.convention, tuple(CONVENTIONS)),
            ("crossing", self.crossing, (None, *CROSSINGS)),
        ):
            if value not in known:
                names = ", ".join(str(one) for one in known if one is not None)
                raise InputError(f"{name} is {value!r}, but it must be one of: {names}.")
        if not isinstance(self.diffusion, str | sympy.Expr | SGD | SGLD | AlphaStable):
            _check_numbers(self.diffusion)
        self._check_together()
        if self.crossing is None:
            object.__setattr__(self, "crossing", "none" if self._unbridged else "bridge")

    @property
    def _unbridged(self) -> bool:
        return self.scheme in _UNBRIDGED or isinstance(self.diffusion, AlphaStable)

    def _check_together(self) -> None:
        if (self.scheme == "baoab") != (self.friction is not None):
            raise InputError('friction= and scheme="baoab" belong together; give both or neither.')
        if self.friction is not None:
            positive("friction", self.friction)
        if self.crossing == "bridge" and self._unbridged:
            what = "jumps" if isinstance(self.diffusion, AlphaStable) else f"scheme={self.scheme!r}"
            raise InputError(f'crossing="bridge" is not available for {what}; use crossing="none".')
        jumps = isinstance(self.diffusion, AlphaStable)
        if jumps and (self.scheme, self.convention) != ("euler_maruyama", "ito"):
            raise InputError(
                'Alpha-stable noise goes with scheme="euler_maruyama" and convention="ito"; leave both out.'
            )
        if self.order not in (1, 2) or isinstance(self.order, bool):
            raise InputError(f"order is {self.order!r}, but it must be 1 or 2.")
        if self.order == 2 and not isinstance(self.diffusion, SGD | SGLD):
            raise InputError(
                "order=2 corrects for the step of a discrete rule; use it with SDE.limit_of(rule)."
            )

    @classmethod
    def limit_of(cls, dynamics: SGD | SGLD, step: float | None = None, **options: Any) -> SDE:
        """The Ito SDE with the mean and covariance of a discrete rule, D = eta C / 2 (or T for SGLD).

        `step` is the time step of the scheme; by default the rule's learning rate (1 where that is given by
        direction), at which Euler-Maruyama without bridge is the rule itself. `order=2` gives the modified
        equation.

        Raises
        ------
        InputError
            A rule with a schedule, which has no such limit.
        """
        if step is None:
            if has_directions(dynamics):
                return cls(diffusion=dynamics, step=1.0, **options)
            if isinstance(dynamics.learning_rate, str | sympy.Expr):
                raise InputError("A rule whose learning rate changes has no SDE limit; give it a number.")
            step = dynamics.learning_rate
        return cls(diffusion=dynamics, step=step, **options)

    def update(
        self, potential: Potential | DriftField | FunctionSpace, start: np.ndarray | None = None
    ) -> Update | MinibatchUpdate:
        """One step of the scheme on `potential`; times are SDE times.

        Raises
        ------
        InputError
            Noise that the potential, the scheme or the convention cannot take.
        """
        if isinstance(potential, FunctionSpace):
            return self._of_errors(potential)
        if isinstance(self.diffusion, AlphaStable):
            return self._jumping(potential, self.diffusion)
        equation = self._equation(potential, start)
        noiseless = not equation.root[0]
        step = SCHEMES[self.scheme](equation)
        values = dict(equation.values)
        if self.friction is not None:
            values["_keep"] = math.exp(-self.friction * self.step)
            values["_fresh"] = math.sqrt(-math.expm1(-2.0 * self.friction * self.step))
        return Update(
            variables=(*potential.variables, *step.memory),
            drift=step.drift,
            factor=step.factor,
            values=values,
            unit="time",
            step=float(self.step),
            bridge=self.crossing == "bridge" and not noiseless,
            memory=len(step.memory),
            memory_start=step.memory_start,
            stages=step.stages,
            spread=equation.kick,
            roots=equation.roots,
        )

    def law(self, potential: Potential | DriftField, start: np.ndarray | None = None) -> Update:
        """Ito drift and diffusion of the equation as an Euler-Maruyama step, whatever the scheme.

        This is what closed forms and exact values read.

        Raises
        ------
        InputError
            Jumps, or underdamped dynamics, which they do not cover.
        """
        if isinstance(self.diffusion, AlphaStable) or self.scheme == "baoab":
            return require_gaussian(self.update(potential, start))
        equation = self._equation(potential, start)
        step = euler_maruyama(equation)
        return Update(
            potential.variables,
            step.drift,
            step.factor,
            equation.values,
            "time",
            float(self.step),
            bridge=self.crossing == "bridge" and bool(step.factor[0]),
            roots=equation.roots,
        )

    def _equation(self, potential: Potential | DriftField, start: np.ndarray | None) -> Equation:
        values: dict[str, float] = {DT.name: float(self.step)}
        force = potential.force_expressions
        if isinstance(self.diffusion, SGD | SGLD):
            discrete = require_gaussian(self.diffusion.update(potential, start))
            # The rule's factor is (2 D eta)^(1/2); one step of the SDE lasts dt instead of eta.
            stretch, eta = sympy.symbols("_stretch _learning_rate", positive=True)
            values = {**discrete.values, **values, "_stretch": math.sqrt(self.step / discrete.step)}
            kick = scaled(stretch, discrete.factor)
            root = scaled(1 / sympy.sqrt(2 * eta), discrete.factor)
            roots = discrete.roots
            if has_directions(self.diffusion):
                # Its step is one unit of time, and its drift is no multiple of the force.
                force = discrete.drift
                values["_learning_rate"] = 1.0
                if self.order == 2:
                    refuse_directions(self.diffusion, "The equation of order=2 is for")
            elif self.order == 2:
                force = tuple(f - eta / 2 * h for f, h in zip(force, _bend(potential), strict=True))
        else:
            values = {**potential.parameters, **values, AMPLITUDE.name: math.sqrt(2.0 * self.step)}
            own = self._root(potential)
            root, roots = own.factor, own.roots
            values |= own.values
            kick = scaled(AMPLITUDE, root)
        if roots and (self.scheme, self.convention) != ("euler_maruyama", "ito"):
            raise InputError(
                f"The {roots[0].size} x {roots[0].size} noise covariance on {potential.name!r} changes with "
                "the point, and the derivative of its square root is not available; use "
                'scheme="euler_maruyama" and convention="ito".'
            )
        return Equation(potential.variables, force, root, kick, self.convention, values, roots)

    def _root(self, potential: Potential | DriftField) -> CovarianceRoot:
        """A square root of D."""
        diffusion = self.diffusion
        if isinstance(diffusion, str | sympy.Expr) or _has_text(diffusion):
            return expression_root(diffusion, potential, "diffusion")
        return constant_root(diffusion, potential.dim, "diffusion")

    def _of_errors(self, space: FunctionSpace) -> MinibatchUpdate:
        """Euler-Maruyama for the errors of a linearised network."""
        plain = (self.scheme, self.convention, self.order) == ("euler_maruyama", "ito", 1)
        noise = self.diffusion
        if plain and isinstance(noise, Real) and not isinstance(noise, bool):
            kick = math.sqrt(2.0 * not_negative("diffusion", noise) * self.step)
            return MinibatchUpdate(space, space.size, "none", rates=self.step, kicks=kick, unit="time")
        if plain and isinstance(noise, SGLD | SGD):
            rule = noise.update(space)
            assert isinstance(rule, MinibatchUpdate)
            if not rule.scheduled and not rule.momentum and rule.noise in ("empirical", "none"):
                # The increments of a step h have the covariance 2 D h = eta C h.
                share = rule.step / self.step
                return MinibatchUpdate(
                    space,
                    rule.batch_size,
                    rule.noise,
                    rule.sampling,
                    rates=self.step,
                    kicks=float(rule.kicks[0]) / math.sqrt(share),
                    scale=rule.scale * share,
                    unit="time",
                )
        raise InputError(
            'In function space an SDE has scheme="euler_maruyama", and for its diffusion a number, an SGLD '
            'of the full gradient, or an SGD with noise="empirical", without momentum and schedules.'
        )

    def _jumping(self, potential: Potential | DriftField, noise: AlphaStable) -> Update:
        size = SCALE * DT ** (1 / ALPHA)
        return Update(
            variables=potential.variables,
            drift=tuple(DT * f + size * noise.kick(j) for j, f in enumerate(potential.force_expressions)),
            factor=((),) * potential.dim,
            values={**potential.parameters, **noise.values, DT.name: float(self.step)},
            unit="time",
            step=float(self.step),
            uniforms=2 * potential.dim,
        )


def _bend(potential: Potential | DriftField) -> list[sympy.Expr]:
    """J f with the Jacobian J of the force f: grad |grad L|^2 / 2 for a potential."""
    force = potential.force_expressions
    return [
        sympy.Add(*(sympy.diff(f, v) * g for v, g in zip(potential.variables, force, strict=True)))
        for f in force
    ]


def _has_text(diffusion: Any) -> bool:
    if isinstance(diffusion, str | sympy.Expr):
        return True
    return isinstance(diffusion, list | tuple) and any(_has_text(entry) for entry in diffusion)


def _check_numbers(diffusion: Any) -> None:
    """Refuse at once what no potential could make sense of."""
    if isinstance(diffusion, int | float) and not isinstance(diffusion, bool):
        if not math.isfinite(diffusion) or diffusion < 0:
            raise InputError(f"diffusion is {diffusion!r}, but it must be finite and not negative.")
    elif not isinstance(diffusion, list | tuple) and not hasattr(diffusion, "shape"):
        raise InputError(
            f"diffusion is {diffusion!r}, but it must be a number, a matrix, an expression or a discrete "
            "dynamics."
        )
