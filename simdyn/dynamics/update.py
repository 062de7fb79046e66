"""One step of a dynamics on a landscape, in symbols: what every solver, exact or sampled, starts from."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import sympy

from potentials.tape import Tape
from simdyn.results import Unit

Array = np.ndarray


@dataclass(frozen=True)
class Update:
    """The Markov chain x' = x + drift(x) + factor(x) xi with xi ~ N(0, I_m).

    Attributes
    ----------
    variables
        The d coordinates.
    drift
        d expressions: the deterministic increment of one step.
    factor
        d rows of m expressions: a square root of the covariance of one step. No columns: no noise.
    values
        Run-time value of every symbol in `drift` and `factor` that is not a variable.
    unit
        What a time counts: "steps", or "time" for a discretised SDE.
    step
        SDE time that passes in one step: the learning rate, or the step of the SDE's scheme.
    bridge
        Whether exits between steps are to be found by the Brownian-bridge correction.
    """

    variables: tuple[sympy.Symbol, ...]
    drift: tuple[sympy.Expr, ...]
    factor: tuple[tuple[sympy.Expr, ...], ...]
    values: Mapping[str, float]
    unit: Unit
    step: float
    bridge: bool = False

    @property
    def dim(self) -> int:
        """Number of coordinates d."""
        return len(self.variables)

    @property
    def noise_dim(self) -> int:
        """Number of independent normals m that one step consumes."""
        return len(self.factor[0])

    @property
    def diagonal(self) -> bool:
        """Whether coordinate i is driven by normal i alone."""
        return self.noise_dim == self.dim and all(i == j for i, row in enumerate(self.kicks) for j, _ in row)

    @cached_property
    def kicks(self) -> tuple[tuple[tuple[int, sympy.Expr], ...], ...]:
        """For each coordinate the normals that move it, each with its entry of `factor`."""
        zero = sympy.S.Zero
        return tuple(
            tuple((j, entry) for j, entry in enumerate(row) if entry is not zero and entry != 0)
            for row in self.factor
        )

    @property
    def factorised(self) -> bool:
        """Whether the coordinates move independently of one another: a product of d one-dimensional
        chains."""
        return (self.diagonal or self.noise_dim == 0) and all(
            self._depends_only_on(i, expression)
            for i in range(self.dim)
            for expression in (self.drift[i], *(entry for _, entry in self.kicks[i]))
        )

    def coordinate(self, index: int) -> Update:
        """The one-dimensional chain of one coordinate of a factorised update."""
        factor = ((self.factor[index][index],),) if self.noise_dim else ((),)
        variable = self.variables[index]
        return Update(
            (variable,), (self.drift[index],), factor, self.values, self.unit, self.step, self.bridge
        )

    def drift_at(self, x: Array) -> Array:
        """Deterministic increment at points `x` of shape (..., d); shape (..., d)."""
        return self._stack(self._drift_function(*self._columns(x)), x)

    def factor_at(self, x: Array) -> Array:
        """Square root of the step covariance at points `x` of shape (..., d); shape (..., d, m)."""
        values = self._stack(self._factor_function(*self._columns(x)), x)
        factor = np.zeros((*np.shape(x)[:-1], self.dim, self.noise_dim))
        rows = [i for i, row in enumerate(self.kicks) for _ in row]
        factor[..., rows, [j for row in self.kicks for j, _ in row]] = values
        return factor

    def mean(self, x: Array) -> Array:
        """Conditional mean of x' in one dimension; same shape as `x`."""
        x = np.asarray(x, dtype=float)
        return x + self.drift_at(x[..., None])[..., 0]

    def sd(self, x: Array) -> Array:
        """Conditional standard deviation of x' in one dimension; same shape as `x`."""
        x = np.asarray(x, dtype=float)
        if self.noise_dim == 0:
            return np.zeros_like(x)
        return np.abs(self.factor_at(x[..., None])[..., 0, 0])

    def numeric(self, expression: sympy.Expr) -> sympy.Expr:
        """`expression` with the run-time values put in."""
        known = {symbol: self.values[symbol.name] for symbol in self._parameters}
        return sympy.sympify(expression).subs(known)

    @cached_property
    def _parameters(self) -> list[sympy.Symbol]:
        symbols: set[sympy.Symbol] = set()
        for expression in (*self.drift, *(entry for row in self.kicks for _, entry in row)):
            symbols |= sympy.sympify(expression).free_symbols
        return sorted(symbols - set(self.variables), key=lambda symbol: symbol.name)

    @cached_property
    def _drift_function(self) -> Callable[..., Any]:
        return self._compile(list(self.drift))

    @cached_property
    def _factor_function(self) -> Callable[..., Any]:
        return self._compile([entry for row in self.kicks for _, entry in row])

    def _compile(self, expressions: list[sympy.Expr]) -> Callable[..., Any]:
        function = Tape([*self.variables, *self._parameters], [sympy.sympify(e) for e in expressions])
        values = [self.values[symbol.name] for symbol in self._parameters]
        return lambda *columns: function(*columns, *values)

    def _columns(self, x: Array) -> list[Array]:
        x = np.asarray(x, dtype=float)
        return [x[..., i] for i in range(self.dim)]

    @staticmethod
    def _stack(entries: list[Any], x: Array) -> Array:
        values = np.empty((*np.shape(x)[:-1], len(entries)))
        for k, entry in enumerate(entries):
            values[..., k] = entry
        return values

    def _depends_only_on(self, index: int, expression: sympy.Expr) -> bool:
        return sympy.sympify(expression).free_symbols & self._variable_set <= {self.variables[index]}

    @cached_property
    def _variable_set(self) -> frozenset[sympy.Symbol]:
        return frozenset(self.variables)
