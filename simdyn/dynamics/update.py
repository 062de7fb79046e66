"""One step of a dynamics on a landscape, in symbols: what every solver, exact or sampled, starts from."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import sympy

from potentials.tape import Tape
from simdyn.dynamics.matrix_root import MatrixRoot
from simdyn.errors import InputError
from simdyn.results import Unit

Array = np.ndarray
Factor = tuple[tuple[sympy.Expr, ...], ...]
Kicks = tuple[tuple[tuple[int, sympy.Expr], ...], ...]

CLOCK = sympy.Symbol("_step", real=True, nonnegative=True)
"""Number of the step, from 0: what schedules are expressions of."""


def normal(j: int) -> sympy.Symbol:
    """The j-th standard normal of a step, for schemes that use it beyond the linear kick."""
    return sympy.Symbol(f"_z{j}", real=True)


def uniform(j: int) -> sympy.Symbol:
    """The j-th uniform of a step in (0, 1), from which alpha-stable kicks are made."""
    return sympy.Symbol(f"_q{j}", positive=True)


@dataclass(frozen=True)
class Update:
    """The Markov chain x' = x + drift + factor R xi with xi ~ N(0, I_m), with memory if the rule has any.

    R is the identity but for `roots`.

    Attributes
    ----------
    variables
        The state: d coordinates of the landscape, then the memory (velocities, the last normals).
    drift
        One expression for each entry of the state: for a coordinate its deterministic increment, for a memory
        its new value, which replaces the old one.
    factor
        As many rows of m expressions: what multiplies the normals. No columns: no normals.
    values
        Run-time value of every symbol that is none of those below.
    unit
        What a time counts: "steps", or "time" for a discretised SDE.
    step
        SDE time that passes in one step: the learning rate (at the start of a schedule), or the step of the
        SDE's scheme.
    bridge
        Whether exits between steps are to be found by the Brownian-bridge correction.
    memory
        How many of the last entries of the state are memory.
    memory_start
        Memory of a path that starts at rest, as expressions of the coordinates.
    stages
        Intermediate values, each a symbol and an expression of the state, of earlier stages and of the
        normals; `drift` and `factor` may use them.
    uniforms
        Uniforms that one step consumes.
    spread
        Square root of the covariance of a step at its beginning, where `factor` depends on stages.
    roots
        Blocks of R: roots of full matrices that change with the point.

    Expressions may also use `CLOCK`, `normal(j)` and `uniform(j)`.
    """

    variables: tuple[sympy.Symbol, ...]
    drift: tuple[sympy.Expr, ...]
    factor: Factor
    values: Mapping[str, float]
    unit: Unit
    step: float
    bridge: bool = False
    memory: int = 0
    memory_start: tuple[sympy.Expr, ...] = ()
    stages: tuple[tuple[sympy.Symbol, sympy.Expr], ...] = ()
    uniforms: int = 0
    spread: Factor | None = None
    roots: tuple[MatrixRoot, ...] = ()

    @property
    def dim(self) -> int:
        """Number of coordinates d of the landscape."""
        return len(self.variables) - self.memory

    @property
    def state_dim(self) -> int:
        """Number of entries of the state: coordinates and memory."""
        return len(self.variables)

    @property
    def noise_dim(self) -> int:
        """Number of independent normals m that one step consumes."""
        return len(self.factor[0])

    @property
    def noisy(self) -> bool:
        """Whether a step draws anything at random."""
        return self.noise_dim + self.uniforms > 0

    @cached_property
    def scheduled(self) -> bool:
        """Whether the rule changes with the step."""
        return any(expression.has(CLOCK) for expression in self._expressions)

    @cached_property
    def gaussian(self) -> bool:
        """Whether x' given x is Gaussian with a law that `drift` and `factor` state, the same at every step,
        and all the state there is."""
        draws = {normal(j) for j in range(self.noise_dim)}
        return (
            not (self.memory or self.stages or self.uniforms or self.scheduled)
            and not any(expression.free_symbols & draws for expression in self._expressions)
        )  # fmt: skip

    @property
    def diagonal(self) -> bool:
        """Whether coordinate i is driven by normal i alone."""
        return (
            self.noise_dim == self.dim
            and not self.roots
            and all(i == j for i, row in enumerate(self.kicks) for j, _ in row)
        )

    @property
    def additive(self) -> bool:
        """Whether the noise is the same everywhere."""
        known = self._variable_set
        return not self.roots and not any(
            entry.free_symbols & known for row in self.kicks for _, entry in row
        )

    @cached_property
    def kicks(self) -> Kicks:
        """For each entry of the state the normals that move it, each with its entry of `factor`."""
        return kicks_of(self.factor)

    @cached_property
    def factorised(self) -> bool:
        """Whether the coordinates move independently of one another: a product of d one-dimensional
        Gaussian chains."""
        return (
            self.gaussian
            and (self.diagonal or self.noise_dim == 0)
            and all(
                self._depends_only_on(i, expression)
                for i in range(self.dim)
                for expression in (self.drift[i], *(entry for _, entry in self.kicks[i]))
            )
        )

    def coordinate(self, index: int) -> Update:
        """The one-dimensional chain of one coordinate of a factorised update."""
        factor = ((self.factor[index][index],),) if self.noise_dim else ((),)
        variable = self.variables[index]
        return Update(
            (variable,), (self.drift[index],), factor, self.values, self.unit, self.step, self.bridge
        )

    def at_rest(self, x: Array) -> Array:
        """The full state, shape (..., state_dim), of paths that start at points `x` of shape (..., d)."""
        x = np.asarray(x, dtype=float)
        if not self.memory:
            return x
        known = self._parameters_of(self.memory_start)
        function = Tape([*self.variables[: self.dim], *known], self.memory_start)
        entries = function(*self._columns(x, self.dim), *(self.values[symbol.name] for symbol in known))
        return np.concatenate([x, self._stack(entries, x)], axis=-1)

    def drift_at(self, x: Array) -> Array:
        """`drift` at states `x` of shape (..., state_dim) in the first step, all normals zero; same shape."""
        return self._stack(self._evaluated(self._drift_function, x), x)

    def factor_at(self, x: Array) -> Array:
        """`factor` R at states `x` of shape (..., state_dim) in the first step, all normals zero; shape
        (..., state_dim, m)."""
        return self._factor(x)

    def advance(
        self, x: Array, normals: Array | None = None, uniforms: Array | None = None, step: int = 0
    ) -> Array:
        """States after one step with given draws: the rule itself, in NumPy.

        Parameters
        ----------
        x
            States, shape (..., state_dim).
        normals
            Shape (..., noise_dim); by default zero.
        uniforms
            Shape (..., uniforms); by default 1/2.
        step
            Number of the step.

        Returns
        -------
        numpy.ndarray
            Shape (..., state_dim).
        """
        x = np.asarray(x, dtype=float)
        draws = (normals, uniforms, step)
        moved = self._stack(self._evaluated(self._drift_function, x, *draws), x)
        if normals is not None and self.noise_dim:
            moved += np.einsum("...ij,...j->...i", self._factor(x, *draws), normals)
        moved[..., : self.dim] += x[..., : self.dim]
        return moved

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
    def _expressions(self) -> tuple[sympy.Expr, ...]:
        kicks = (entry for row in self.kicks for _, entry in row)
        stages = (expression for _, expression in self.stages)
        entries = (entry for root in self.roots for entry in root.entries)
        floors = (root.floor for root in self.roots if root.floor is not None)
        return tuple(map(sympy.sympify, (*self.drift, *kicks, *stages, *entries, *floors)))

    def _parameters_of(self, expressions: tuple[sympy.Expr, ...]) -> list[sympy.Symbol]:
        symbols: set[sympy.Symbol] = set().union(
            *(sympy.sympify(expression).free_symbols for expression in expressions)
        )
        return sorted(
            (symbol for symbol in symbols if symbol.name in self.values and symbol not in self.variables),
            key=lambda symbol: symbol.name,
        )

    @cached_property
    def _parameters(self) -> list[sympy.Symbol]:
        return self._parameters_of(self._expressions)

    @cached_property
    def _drift_function(self) -> Callable[..., Any]:
        return self._compile(list(self.drift))

    @cached_property
    def _factor_function(self) -> Callable[..., Any]:
        return self._compile([entry for row in self.kicks for _, entry in row])

    @cached_property
    def _root_functions(self) -> list[Callable[..., Any]]:
        return [self._compile(list(root.entries)) for root in self.roots]

    def _compile(self, expressions: list[sympy.Expr]) -> Callable[..., Any]:
        for symbol, value in reversed(self.stages):
            put = {symbol: sympy.sympify(value)}
            expressions = [sympy.sympify(expression).xreplace(put) for expression in expressions]
        draws = [*map(normal, range(self.noise_dim)), *map(uniform, range(self.uniforms)), CLOCK]
        arguments = [*self.variables, *draws, *self._parameters]
        function = Tape(arguments, [sympy.sympify(expression) for expression in expressions])
        values = [self.values[symbol.name] for symbol in self._parameters]
        return lambda *columns: function(*columns, *values)

    def _factor(self, x: Array, *draws: Any) -> Array:
        values = self._stack(self._evaluated(self._factor_function, x, *draws), x)
        factor = np.zeros((*np.shape(x)[:-1], self.state_dim, self.noise_dim))
        rows = [i for i, row in enumerate(self.kicks) for _ in row]
        factor[..., rows, [j for row in self.kicks for j, _ in row]] = values
        for root, function in zip(self.roots, self._root_functions, strict=True):
            entries = self._stack(self._evaluated(function, x, *draws), x)
            floor = 0.0 if root.floor is None else float(self.numeric(root.floor))
            factor[..., root.places] = factor[..., root.places] @ root.at(entries, floor)
        return factor

    def _evaluated(
        self,
        function: Callable[..., Any],
        x: Array,
        normals: Array | None = None,
        uniforms: Array | None = None,
        step: int = 0,
    ) -> Any:
        z = [0.0] * self.noise_dim if normals is None else self._columns(normals, self.noise_dim)
        q = [0.5] * self.uniforms if uniforms is None else self._columns(uniforms, self.uniforms)
        return function(*self._columns(x, self.state_dim), *z, *q, float(step))

    @staticmethod
    def _columns(x: Array, count: int) -> list[Array]:
        x = np.asarray(x, dtype=float)
        return [x[..., i] for i in range(count)]

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


def kicks_of(factor: Factor) -> Kicks:
    """For each row its entries that are not zero, each with its column."""
    zero = sympy.S.Zero
    return tuple(
        tuple((j, entry) for j, entry in enumerate(row) if entry is not zero and entry != 0) for row in factor
    )


def require_gaussian(update: object) -> Update:
    """The update, if closed forms and transfer operators can read its law off it.

    Raises
    ------
    InputError
        Samples, memory, a schedule, or draws that are not Gaussian; the message says which.
    """
    if not isinstance(update, Update):
        raise InputError(
            "The noise of samples has no density in symbols, which exact values and closed forms need; give "
            "the noise as an expression to compare with its Gaussian model."
        )
    if update.gaussian:
        return update
    if update.uniforms:
        reason = "its kicks are alpha-stable"
    elif update.memory:
        reason = "it remembers velocities"
    elif update.scheduled:
        reason = "its settings change with the step"
    else:
        reason = "its kicks are not Gaussian"
    raise InputError(
        f"This dynamics is no chain with one Gaussian law of the next point ({reason}), which exact values "
        "and these closed forms need."
    )
