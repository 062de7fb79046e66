"""Stochastic differential equations, discretised by Euler-Maruyama."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import sympy

from potentials import Potential
from simdyn.dynamics.checks import positive
from simdyn.dynamics.covariance import (
    Factor,
    constant_factor,
    diagonal_factor,
    expression_factor,
    scaled,
)
from simdyn.dynamics.sgd import SGD
from simdyn.dynamics.sgld import SGLD
from simdyn.dynamics.update import Update
from simdyn.errors import InputError

SCHEMES = ("euler_maruyama",)
CONVENTIONS = {"ito": 0.0, "stratonovich": 0.5, "haenggi_klimontovich": 1.0}
CROSSINGS = ("bridge", "none")


@dataclass(frozen=True)
class SDE:
    """dx = -grad L dt + (2 D(x))^(1/2) dW, in the convention that is named.

    Parameters
    ----------
    diffusion
        D: a number (times the identity), d variances, a d x d matrix, or expressions of the variables (one, d
        of them, or in two dimensions a 2 x 2 list). `SDE.limit_of(sgd)` derives it from a discrete rule.
    step
        Time step dt > 0 of the scheme.
    scheme
        "euler_maruyama": strong order 1/2 (1 for constant D), weak order 1.
    convention
        "ito", "stratonovich" or "haenggi_klimontovich". The latter two are simulated as Ito with the added
        drift (1/2 D', respectively D', in one dimension; Gardiner, Stochastic Methods).
    crossing
        "bridge" counts an exit between two steps with the probability that a Brownian bridge touches the exit
        surface, exp(-g(x) g(x') / (n.D n dt)) for a surface g = 0 with gradient n; "none" looks at the steps
        alone, which makes mean first-passage times too long by O(sqrt(dt)).

    Raises
    ------
    InputError
        A number out of range, or an unknown scheme, convention or crossing.
    """

    diffusion: Any
    step: float
    scheme: str = "euler_maruyama"
    convention: str = "ito"
    crossing: str = "bridge"

    def __post_init__(self) -> None:
        positive("step", self.step)
        for name, value, known in (
            ("scheme", self.scheme, SCHEMES),
            ("convention", self.convention, tuple(CONVENTIONS)),
            ("crossing", self.crossing, CROSSINGS),
        ):
            if value not in known:
                raise InputError(f"{name} is {value!r}, but it must be one of: {', '.join(known)}.")
        if not isinstance(self.diffusion, str | sympy.Expr | SGD | SGLD):
            _check_numbers(self.diffusion)

    @classmethod
    def limit_of(cls, dynamics: SGD | SGLD, step: float | None = None, **options: Any) -> SDE:
        """The Ito SDE with the mean and covariance of a discrete rule, D = eta C / 2 (or T for SGLD).

        `step` is the time step of the scheme; by default the rule's learning rate, at which Euler-Maruyama
        without bridge is the rule itself.
        """
        return cls(diffusion=dynamics, step=dynamics.learning_rate if step is None else step, **options)

    def update(self, potential: Potential) -> Update:
        """One step of the scheme on `potential`; times are SDE times."""
        dt, amplitude = sympy.symbols("_dt _amplitude", positive=True)
        values: dict[str, float] = {"_dt": float(self.step)}
        if isinstance(self.diffusion, SGD | SGLD):
            discrete = self.diffusion.update(potential)
            if not isinstance(discrete, Update):
                raise InputError(
                    f"The SDE limit on {potential.name[:60]!r} needs the noise covariance as a formula; "
                    "give the "
                    "diffusion as an expression."
                )
            root = discrete.factor
            values = {**discrete.values, **values}
            # factor = (2 D eta)^(1/2) of the rule; one step of the SDE lasts dt instead of eta.
            stretch, half_d = (
                sympy.Symbol("_stretch", positive=True),
                1 / sympy.sqrt(2 * sympy.Symbol("_eta", positive=True)),
            )
            values["_stretch"] = math.sqrt(self.step / discrete.step)
            factor = scaled(stretch, root)
            diffusion_root = scaled(half_d, root)
        else:
            values = {**potential.parameters, **values, "_amplitude": math.sqrt(2.0 * self.step)}
            diffusion_root = self._root(potential)
            factor = scaled(amplitude, diffusion_root)
        added = self._added_drift(potential, diffusion_root)
        return Update(
            variables=potential.variables,
            drift=tuple(
                -dt * (g - a) if a != 0 else -dt * g
                for g, a in zip(potential.gradient_expressions, added, strict=True)
            ),
            factor=factor,
            values=values,
            unit="time",
            step=float(self.step),
            bridge=self.crossing == "bridge" and len(factor[0]) > 0,
        )

    def _root(self, potential: Potential) -> Factor:
        """A square root of D."""
        diffusion = self.diffusion
        if isinstance(diffusion, str | sympy.Expr) or _has_text(diffusion):
            return expression_factor(diffusion, potential, "diffusion")
        return constant_factor(diffusion, potential.dim, "diffusion")

    def _added_drift(self, potential: Potential, root: Factor) -> list[sympy.Expr]:
        """alpha d_j D_ij for diagonal D: the drift that turns the convention into Ito."""
        alpha = CONVENTIONS[self.convention]
        zero = [sympy.Integer(0)] * potential.dim
        if alpha == 0 or not root[0]:
            return zero
        varying = any(sympy.sympify(e).free_symbols & set(potential.variables) for row in root for e in row)
        if not varying:
            return zero
        if root != diagonal_factor([root[i][i] for i in range(potential.dim)]):
            raise InputError(
                f"convention={self.convention!r} is available for diagonal diffusion matrices; "
                'add the noise-induced drift to the potential and use convention="ito" for a full one.'
            )
        slopes = [sympy.diff(root[i][i] ** 2, v) for i, v in enumerate(potential.variables)]
        # A derivative leaves out what happens at a jump, and then it would be that of another SDE.
        if any(e.has(sympy.Piecewise) for row in root for e in row) or any(
            slope.has(sympy.DiracDelta) for slope in slopes
        ):
            raise InputError(
                f"convention={self.convention!r} needs a diffusion without jumps, whose derivative is the "
                "added drift; "
                'smooth it, or use convention="ito".'
            )
        return [sympy.nsimplify(alpha) * slope for slope in slopes]


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
