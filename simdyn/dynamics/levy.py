"""Symmetric alpha-stable kicks."""

from __future__ import annotations

from dataclasses import dataclass

import sympy

from simdyn.dynamics.checks import positive
from simdyn.dynamics.update import uniform
from simdyn.errors import InputError

ALPHA = sympy.Symbol("_alpha", positive=True)
SCALE = sympy.Symbol("_scale", positive=True)


@dataclass(frozen=True)
class AlphaStable:
    """Symmetric alpha-stable noise with E exp(i u S) = exp(-|scale u|^alpha), independent in each coordinate.

    Parameters
    ----------
    alpha
        Tail index in (0, 2]; at 2 the noise is Gaussian with variance 2 scale^2.
    scale
        In the unit of the gradient for `SGD`, where it is that of the noise of one sample; in
        [x] / [t]^(1/alpha) for `SDE`, dx = -grad L dt + scale dL^alpha.

    Raises
    ------
    InputError
        alpha outside (0, 2], or a scale that is not positive.
    """

    alpha: float
    scale: float = 1.0

    def __post_init__(self) -> None:
        if positive("alpha", self.alpha) > 2:
            raise InputError(f"alpha is {self.alpha!r}, but the tail index must be above 0 and at most 2.")
        positive("scale", self.scale)

    def kick(self, j: int) -> sympy.Expr:
        """A draw of unit scale from uniforms 2 j and 2 j + 1 of the step.

        Chambers, Mallows & Stuck (1976): with an angle a uniform in (-pi/2, pi/2) and E exponential,
        sin(alpha a) / cos(a)^(1/alpha) * (cos((1 - alpha) a) / E)^((1 - alpha)/alpha); tan(a) at alpha = 1.
        """
        angle = sympy.pi * (uniform(2 * j) - sympy.Rational(1, 2))
        if self.alpha == 1:
            return sympy.tan(angle)
        waiting = -sympy.log(uniform(2 * j + 1))
        shape = (1 - ALPHA) / ALPHA
        # One exponential of logarithms: powers of run-time exponents cost two of each.
        size = (
            shape * sympy.log(sympy.cos((1 - ALPHA) * angle) / waiting) - sympy.log(sympy.cos(angle)) / ALPHA
        )
        return sympy.sin(ALPHA * angle) * sympy.exp(size)

    @property
    def values(self) -> dict[str, float]:
        """Run-time values of `ALPHA` and `SCALE`."""
        return {ALPHA.name: float(self.alpha), SCALE.name: float(self.scale)}
