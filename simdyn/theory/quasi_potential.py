"""The quasi-potential of a polynomial drift, where it is a polynomial itself."""

from __future__ import annotations

import itertools
import math

import numpy as np
import sympy

from potentials import DriftField, Potential
from simdyn.errors import InputError

Monomial = tuple[int, ...]
Polynomial = dict[Monomial, float]

LARGEST_DEGREE = 8
MOST_TERMS = 500
"""Monomials of one degree; the linear equations have as many unknowns."""
_RESIDUAL = 1e-9


def polynomial_quasi_potential(field: DriftField, attractor: np.ndarray) -> Potential:
    """The V with b = -grad V + l, l . grad V = 0, around an attractor, if it is a polynomial.

    The Taylor series of V solves grad V . (grad V + b) = 0 degree by degree: the quadratic part from a
    Lyapunov equation, every further degree from a linear one. If V is a polynomial at all, its degree is at
    most that of b plus 1, so that the series either ends there with nothing left over or never does (Freidlin
    & Wentzell, Random Perturbations of Dynamical Systems).

    Parameters
    ----------
    field
        Polynomial drift of degree up to 7.
    attractor
        A stable fixed point, shape (d,), where V = 0.

    Returns
    -------
    Potential
        P ~ exp(-V/D) at isotropic noise D.

    Raises
    ------
    InputError
        A drift that is no polynomial, a point that is no attractor, or a V that is no polynomial.
    """
    drift = [_shifted(expression, field, attractor) for expression in field.drift_expressions]
    degree = max(sum(m) for p in drift for m in p) + 1
    if degree > LARGEST_DEGREE:
        raise InputError(
            f"The drift has degree {degree - 1}, but the search for a quasi-potential goes to "
            f"{LARGEST_DEGREE - 1}."
        )
    terms = math.comb(field.dim + degree - 1, degree)
    if terms > MOST_TERMS:
        raise InputError(
            f"A quasi-potential of degree {degree} in {field.dim} variables has {terms:,} terms of that "
            f"degree, more than the {MOST_TERMS} that are sought."
        )
    jacobian = field.jacobian(attractor)
    if np.linalg.eigvals(jacobian).real.max() >= 0:
        raise InputError("The point is no attractor, so it has no quasi-potential.")
    from scipy.linalg import solve_continuous_lyapunov

    curvature = np.linalg.inv(solve_continuous_lyapunov(jacobian, -2 * np.eye(field.dim)))
    curvature = 0.5 * (curvature + curvature.T)
    found: Polynomial = _quadratic(curvature)
    operator = 2 * curvature + jacobian
    for k in range(3, degree + 1):
        left = _part(_equation(found, drift, field.dim, k), k)
        found = {**found, **_solve_degree(operator, left, k)}
    remainder = _equation(found, drift, field.dim, 2 * (degree - 1))
    size = max(abs(c) for p in (*drift, found) for c in p.values())
    if max((abs(c) for c in remainder.values()), default=0.0) > _RESIDUAL * max(size, size**2):
        raise InputError(
            f"The quasi-potential of {field.name!r} around this attractor is no polynomial; give it as "
            "quasi_potential=, or compute it as a least action."
        )
    offsets = [variable - sympy.Float(x) for variable, x in zip(field.variables, attractor, strict=True)]
    kept = {m: c for m, c in found.items() if abs(c) > 1e-13 * size}
    energy = sympy.Add(
        *(
            sympy.Float(c) * sympy.Mul(*(x**power for x, power in zip(offsets, m, strict=True)))
            for m, c in kept.items()
        )
    )
    return Potential(energy, variables=list(field.variables), name=f"quasi-potential of {field.name}")


def _shifted(expression: sympy.Expr, field: DriftField, origin: np.ndarray) -> Polynomial:
    values = {s: field.parameters[s.name] for s in expression.free_symbols if s.name in field.parameters}
    moves = {v: v + sympy.Float(x) for v, x in zip(field.variables, origin, strict=True)}
    try:
        polynomial = sympy.Poly(
            sympy.expand(expression.subs(values).subs(moves, simultaneous=True)), *field.variables
        )
    except sympy.PolynomialError:
        raise InputError(f"The drift of {field.name!r} is no polynomial.") from None
    if not polynomial.free_symbols_in_domain <= set():
        raise InputError(f"The drift of {field.name!r} is no polynomial.")
    return {tuple(m): float(c) for m, c in polynomial.terms() if sum(m) > 0}


def _quadratic(curvature: np.ndarray) -> Polynomial:
    """x' S x / 2."""
    dim = len(curvature)
    found: Polynomial = {}
    for i, j in itertools.product(range(dim), repeat=2):
        monomial = tuple((i == n) + (j == n) for n in range(dim))
        found[monomial] = found.get(monomial, 0.0) + 0.5 * float(curvature[i, j])
    return found


def _slope(p: Polynomial, i: int) -> Polynomial:
    return {(*m[:i], m[i] - 1, *m[i + 1 :]): m[i] * c for m, c in p.items() if m[i]}


def _equation(v: Polynomial, drift: list[Polynomial], dim: int, top: int) -> Polynomial:
    """grad V . (grad V + b) up to a degree."""
    found: Polynomial = {}
    for i in range(dim):
        slope = _slope(v, i)
        other = dict(slope)
        for m, c in drift[i].items():
            other[m] = other.get(m, 0.0) + c
        for (one, c), (two, e) in itertools.product(slope.items(), other.items()):
            monomial = tuple(a + b for a, b in zip(one, two, strict=True))
            if sum(monomial) <= top:
                found[monomial] = found.get(monomial, 0.0) + c * e
    return found


def _part(p: Polynomial, degree: int) -> Polynomial:
    return {m: c for m, c in p.items() if sum(m) == degree}


def _solve_degree(operator: np.ndarray, left: Polynomial, degree: int) -> Polynomial:
    """V_k with (M x) . grad V_k = -left, M = 2 S + J, whose eigenvalues are those of -J."""
    dim = len(operator)
    choices = itertools.combinations_with_replacement(range(dim), degree)
    monomials = [tuple(choice.count(i) for i in range(dim)) for choice in choices]
    place = {m: n for n, m in enumerate(monomials)}
    matrix = np.zeros((len(monomials), len(monomials)))
    for m in monomials:
        for i, j in itertools.product(range(dim), repeat=2):
            if m[i]:
                target = list(m)
                target[i] -= 1
                target[j] += 1
                matrix[place[tuple(target)], place[m]] += m[i] * operator[i, j]
    right = np.array([-left.get(m, 0.0) for m in monomials])
    return dict(zip(monomials, map(float, np.linalg.solve(matrix, right)), strict=True))
