"""Landscapes with their fine structure taken out: by diffusion of the energy, and by averages in a bath.

Both average over Gaussian displacements. Diffusion averages the energy itself, so that a valley counts by its
depth and width; the effective energy averages exp(-beta energy), so that it keeps the depth of valleys and
adds what their width is worth.
"""

from __future__ import annotations

import math
from functools import cached_property

import numpy as np
import sympy as sp
from numpy.typing import ArrayLike, NDArray

from potentials.critical_points import CriticalPoint
from potentials.errors import InputError
from potentials.formula import symbol
from potentials.inputs import columns_of, finite_parameter
from potentials.one_dimension import degree_bound
from potentials.potential import Potential

__all__ = ["EffectiveEnergy", "smoothed"]

Floats = NDArray[np.float64]

_KINKED = (sp.Abs, sp.Max, sp.Min, sp.Piecewise, sp.sign, sp.Heaviside, sp.floor, sp.ceiling)
_MOST_NODES = 200
_FINEST = (1 << 14, 1 << 10)
_COARSEST = (1 << 8, 1 << 6)
_SETTLED = 1e-11
_WIDTHS = 8.0
_HELD = 1 << 22
_NEWTON = 40


def smoothed(potential: Potential, width: float, *, nodes: int = 32) -> Potential:
    """The mean of the energy over Gaussian displacements: what diffusion for the time width**2/2 makes of it.

    The diffusion equation method of global optimisation: as the width grows, minima merge, and the last one
    is followed back. E L(x + width xi) is exact where the energy is a sum of polynomials times sines,
    cosines and exponentials of at most quadratic polynomials: exp(width**2/2 Laplacian) is a finite sum on
    a polynomial. Other terms of one variable are averaged by Gauss-Hermite quadrature.

    Parameters
    ----------
    potential
        The landscape.
    width
        Standard deviation of the displacement of each variable, at least 0. It is a parameter of the answer,
        called "width" (or "width_1" and so on, where that is taken), so that it can be changed afterwards.
    nodes
        Of the quadrature. It is exact for polynomials of a degree below twice that number.

    Returns
    -------
    Potential
        With the same variables and domain.

    Raises
    ------
    InputError
        A width below zero, a term that grows faster than the Gaussian falls, a kink, or a term of several
        variables that has no closed form.
    """
    size = finite_parameter("width", width)
    if size < 0:
        raise InputError(f"The width is {width!r}, but it must be at least 0.")
    if isinstance(nodes, bool) or not isinstance(nodes, int) or not 1 <= nodes <= _MOST_NODES:
        raise InputError(f"nodes is {nodes!r}, but it must be a whole number from 1 to {_MOST_NODES}.")
    _check_growth(potential, size)
    taken = {*(item.name for item in potential.variables), *potential.parameters}
    name = next(one for one in ("width", *(f"width_{i}" for i in range(1, 1000))) if one not in taken)
    spread = symbol(name)
    terms = []
    for term in sp.Add.make_args(potential.expression):
        mean = _closed_form(term, potential.variables, spread)
        terms.append(_quadrature(term, potential, spread, nodes) if mean is None else mean)
    values = {**potential.parameters, name: size}
    return Potential(
        sp.Add(*terms),
        variables=potential.variables,
        parameters=values,
        name=f"{potential.name} smoothed",
        domain=potential.domain,
    )


def _closed_form(term: sp.Expr, variables: tuple[sp.Symbol, ...], width: sp.Symbol) -> sp.Expr | None:
    """The mean of a term, or None if it is no sum of polynomials times exponentials of quadratics."""
    if term.is_polynomial(*variables):
        return _mean_of_product(term, variables, width)
    whole = sp.powsimp(sp.expand(sp.expand(term).rewrite(sp.exp)), combine="exp")
    total = []
    for part in sp.Add.make_args(whole):
        mean = _mean_of_product(part, variables, width)
        if mean is None:
            return None
        total.append(mean)
    answer = sp.Add(*total)
    # Sines and cosines came in pairs of complex exponentials, whose sum is real.
    return answer.as_real_imag()[0] if answer.has(sp.I) else answer


def _mean_of_product(part: sp.Expr, variables: tuple[sp.Symbol, ...], width: sp.Symbol) -> sp.Expr | None:
    """E P(x + w xi) exp(Q(x + w xi)), for a polynomial P and a quadratic Q = c + b x + x A x / 2.

    It is det(I - w^2 A)^(-1/2) exp(Q + u S u / 2) times the mean of P over a Gaussian around x + S u of
    covariance S = w^2 (I - w^2 A)^-1, u = A x + b.
    """
    quadratic, polynomial = sp.S.Zero, sp.S.One
    for factor in sp.Mul.make_args(part):
        if factor.is_polynomial(*variables):
            polynomial *= factor
            continue
        base, power = factor.as_base_exp()
        if isinstance(factor, sp.exp):
            quadratic += factor.exp
        elif isinstance(base, sp.exp) and not power.has(*variables):
            quadratic += base.exp * power
        else:
            polynomial *= factor
    if not polynomial.is_polynomial(*variables) or not quadratic.is_polynomial(*variables):
        return None
    present = [v for v in variables if v in part.free_symbols]
    if not present:
        return part
    if not quadratic.has(*variables):
        return sp.exp(quadratic) * _heated(polynomial, present, width**2 * sp.eye(len(present)))
    shape = sp.hessian(quadratic, present)
    if shape.has(*variables):
        return None
    slope = sp.Matrix([sp.diff(quadratic, v) for v in present])
    stretched = sp.eye(len(present)) - width**2 * shape
    covariance = width**2 * stretched.inv()
    shift = covariance * slope
    mean = _heated(polynomial, present, covariance)
    moved = mean.xreplace({v: v + by for v, by in zip(present, shift, strict=True)})
    exponent = sp.expand(quadratic + (slope.T * shift)[0, 0] / 2)
    return moved * sp.exp(exponent) / sp.sqrt(stretched.det())


def _heated(polynomial: sp.Expr, variables: list[sp.Symbol], covariance: sp.Matrix) -> sp.Expr:
    """Mean of a polynomial over Gaussian displacements: exp(d S d / 2), a finite sum."""
    total, part = polynomial, polynomial
    # Not multiplied out: a factored polynomial with parameters is much shorter.
    for order in range(1, sum(degree_bound(polynomial, v) for v in variables) // 2 + 1):
        second = (
            covariance[i, j] * sp.diff(part, one, other)
            for i, one in enumerate(variables)
            for j, other in enumerate(variables)
            if covariance[i, j] != 0
        )
        part = sp.Add(*second) / (2 * order)
        total += part
    return total


def _quadrature(term: sp.Expr, potential: Potential, width: sp.Symbol, nodes: int) -> sp.Expr:
    present = [v for v in potential.variables if v in term.free_symbols]
    if term.has(*_KINKED):
        raise InputError(
            f"The term {str(term)[:60]!r} has a kink, which no sum over a few points smooths; give a "
            "landscape without, or its effective energy."
        )
    if len(present) > 1:
        raise InputError(
            f"The term {str(term)[:60]!r} mixes variables and is no sum of polynomials times sines, cosines "
            "and exponentials of quadratics, so that its mean has no closed form."
        )
    places, weights = np.polynomial.hermite_e.hermegauss(nodes)
    weights = weights / weights.sum()
    return sp.Add(
        *(
            sp.Float(weight) * term.subs(present[0], present[0] + width * sp.Float(place))
            for place, weight in zip(places, weights, strict=True)
        )
    )


def _check_growth(potential: Potential, width: float) -> None:
    """Refuse exponentials that grow faster than the Gaussian of this width falls."""
    values = {symbol(name): value for name, value in potential.parameters.items()}
    for one in potential.expression.atoms(sp.exp):
        present = [v for v in potential.variables if v in one.exp.free_symbols]
        if not one.exp.is_polynomial(*present) or not present:
            continue
        shape = sp.hessian(one.exp.subs(values), present)
        if shape.has(*present):
            continue
        if width**2 * np.linalg.eigvalsh(np.array(shape, dtype=float)).max() >= 1.0:
            raise InputError(
                f"The term {str(one)[:60]!r} grows faster than the Gaussian of width {width:g} falls: its "
                "mean is infinite; give a smaller width."
            )


class EffectiveEnergy:
    """What a particle in a bath sees that is tied to a point by a spring: the local entropy of Chaudhari et
    al. (2017).

    F(x) = -1/beta log of the mean of exp(-beta L) over a Gaussian around x of variance 1/(beta gamma) in each
    variable, by quadrature on a grid; in one or two variables. Without the norm of the Gaussian, as the
    literature often has it, F is higher by a constant. Around a minimum of curvature k it has the curvature
    k gamma/(k + gamma), and its energy is raised by log((k + gamma)/gamma)/(2 beta): sharp minima lose.

    Parameters
    ----------
    potential
        The landscape; its domain must hold all the mass of exp(-beta L).
    gamma
        Stiffness of the spring; a large one gives back the landscape.
    beta
        Inverse temperature.

    Raises
    ------
    InputError
        More than two variables, numbers that are not above zero, or mass outside the domain.
    """

    def __init__(self, potential: Potential, gamma: float, beta: float) -> None:
        if potential.dim > 2:
            raise InputError(
                f"The effective energy is computed in one or two variables, and {potential.name[:60]!r} has "
                f"{potential.dim}."
            )
        self.potential = potential
        self.gamma, self.beta = finite_parameter("gamma", gamma), finite_parameter("beta", beta)
        for name, value in (("gamma", self.gamma), ("beta", self.beta)):
            if not value > 0:
                raise InputError(f"{name} is {value!r}, but it must be above 0.")
        probes = np.stack(
            [axis.ravel() for axis in np.meshgrid(*self._axes(8, margin=False), indexing="ij")], axis=1
        )
        count = _COARSEST[potential.dim - 1]
        self._fill(count)
        before = self.energy(probes)
        while count < _FINEST[potential.dim - 1]:
            count *= 2
            self._fill(count)
            after = self.energy(probes)
            if np.max(np.abs(after - before) / (1.0 + np.abs(after))) <= _SETTLED:
                break
            before = after
        self._check_mass()

    @property
    def dim(self) -> int:
        """Number of variables."""
        return self.potential.dim

    def energy(self, x: ArrayLike) -> Floats:
        """F at points of shape (..., d); shape (...)."""
        return self._moments(x)[0]

    def gradient(self, x: ArrayLike) -> Floats:
        """gamma times the distance of x from the mean place of the particle; shape (..., d)."""
        points = np.stack(columns_of(x, self.dim, self.potential.name), axis=-1)
        return np.asarray(self.gamma * (points - self._moments(x)[1]))

    def hessian(self, x: ArrayLike) -> Floats:
        """gamma (1 - beta gamma covariance of the particle's place); shape (..., d, d)."""
        return np.asarray(self.gamma * (np.eye(self.dim) - self.beta * self.gamma * self._moments(x)[2]))

    def minima(self) -> tuple[CriticalPoint, ...]:
        """Minima that a grid over the domain shows, each brought to its bottom, lowest first."""
        axes = self._axes(201 if self.dim == 1 else 41, margin=False)
        mesh = np.stack(np.meshgrid(*axes, indexing="ij"), axis=-1)
        values = np.pad(self.energy(mesh), 1, constant_values=np.inf)
        inner = (slice(1, -1),) * self.dim
        lowest = np.ones(values[inner].shape, dtype=bool)
        shape: tuple[int, ...] = lowest.shape
        for step in np.ndindex((3,) * self.dim):
            if any(one != 1 for one in step):
                around = tuple(slice(one, one + n) for one, n in zip(step, shape, strict=True))
                lowest &= values[inner] <= values[around]
        found: list[CriticalPoint] = []
        spacing = max(float(axis[1] - axis[0]) for axis in axes)
        for x in mesh[lowest]:
            place = self._bottom(x, spacing)
            if place is not None and all(np.linalg.norm(place - one.x) > 1e-6 for one in found):
                found.append(CriticalPoint(place, float(self.energy(place)), self.hessian(place), 0))
        return tuple(sorted(found, key=lambda point: (point.energy, tuple(point.x))))

    def _bottom(self, x: Floats, spacing: float) -> Floats | None:
        first = x
        for _ in range(_NEWTON):
            values, modes = np.linalg.eigh(self.hessian(x))
            step = -modes @ ((modes.T @ self.gradient(x)) / np.maximum(np.abs(values), 1e-12 * self.gamma))
            length = float(np.linalg.norm(step))
            x = x + step * min(1.0, 0.5 * spacing / max(length, 1e-300))
            if length <= 1e-12 * (1.0 + float(np.abs(x).max())):
                break
        if np.linalg.norm(x - first) > 3 * spacing or np.linalg.eigvalsh(self.hessian(x))[0] <= 0:
            return None
        return x

    def _axes(self, count: int, margin: bool = True) -> list[Floats]:
        wide = _WIDTHS / math.sqrt(self.beta * self.gamma) if margin else 0.0
        return [np.linspace(low - wide, high + wide, count + 1) for low, high in self.potential.domain]

    def _fill(self, count: int) -> None:
        axes = self._axes(count)
        self._grid = np.stack([axis.ravel() for axis in np.meshgrid(*axes, indexing="ij")], axis=1)
        weight = -self.beta * self.potential.energy(self._grid)
        self._weight = np.where(np.isfinite(weight), weight, -np.inf)
        cell = math.prod(float(axis[1] - axis[0]) for axis in axes)
        self._norm = math.log(cell) + 0.5 * self.dim * math.log(self.beta * self.gamma / (2 * math.pi))
        self.__dict__.pop("_squares", None)

    @cached_property
    def _squares(self) -> Floats:
        return np.einsum("ni,nj->nij", self._grid, self._grid).reshape(len(self._grid), -1)

    def _check_mass(self) -> None:
        axes = self._axes(8)
        edge = np.zeros(len(self._grid), dtype=bool)
        for i, axis in enumerate(axes):
            edge |= np.isin(self._grid[:, i], [axis[0], axis[-1]])
        if self._weight[edge].max(initial=-np.inf) > self._weight.max() - 25.0:
            raise InputError(
                f"exp(-beta L) of {self.potential.name[:60]!r} reaches beyond its domain; give a wider "
                "domain, or a larger beta."
            )

    def _moments(self, x: ArrayLike) -> tuple[Floats, Floats, Floats]:
        """F, and mean and covariance of the particle's place."""
        points = np.stack(columns_of(x, self.dim, self.potential.name), axis=-1)
        flat, d = points.reshape(-1, self.dim), self.dim
        energy, mean = np.empty(len(flat)), np.empty((len(flat), d))
        covariance = np.empty((len(flat), d, d))
        some = max(1, _HELD // len(self._grid))
        for i in range(0, len(flat), some):
            part = flat[i : i + some]
            distance = ((part[:, None, :] - self._grid) ** 2).sum(axis=2)
            logs = self._weight - 0.5 * self.beta * self.gamma * distance
            top = logs.max(axis=1, keepdims=True)
            share = np.exp(logs - top)
            total = share.sum(axis=1, keepdims=True)
            share /= total
            energy[i : i + some] = -(top[:, 0] + np.log(total[:, 0]) + self._norm) / self.beta
            mean[i : i + some] = share @ self._grid
            second = (share @ self._squares).reshape(-1, d, d)
            m = mean[i : i + some]
            covariance[i : i + some] = second - m[:, :, None] * m[:, None, :]
        shape = points.shape[:-1]
        return energy.reshape(shape), mean.reshape(*shape, d), covariance.reshape(*shape, d, d)
