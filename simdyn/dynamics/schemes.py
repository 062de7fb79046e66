"""Schemes that discretise an SDE: from its drift and noise to one step, each on less than a screen.

All are written in kicks: K(x) = sigma(x) sqrt(dt), so that K z with z ~ N(0, I) is sigma dW, and in moves
b(x) dt. Orders are in the description of `SDE`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import count

import numpy as np
import sympy

from potentials.tape import Tape
from simdyn.dynamics.conventions import added_drift, varies
from simdyn.dynamics.covariance import is_diagonal, scalar_factor
from simdyn.dynamics.matrix_root import MatrixRoot
from simdyn.dynamics.momentum import velocities
from simdyn.dynamics.update import Factor, normal
from simdyn.errors import InputError

DT = sympy.Symbol("_dt", positive=True)
AMPLITUDE = sympy.Symbol("_amplitude", positive=True)
FRICTION = sympy.Symbol("_friction", positive=True)

_AREA_TERMS = 2
"""Terms of the Fourier series of a Levy area; the rest enters as a normal of the right variance."""

Stages = tuple[tuple[sympy.Symbol, sympy.Expr], ...]


@dataclass(frozen=True)
class Equation:
    """dx = force dt + (2 D)^(1/2) dW in a convention, as schemes need it.

    Attributes
    ----------
    variables
        d coordinates.
    force
        d expressions.
    root
        d rows of m expressions: the square root of D that is meant.
    kick
        `root` times sqrt(2 dt).
    convention
        See `simdyn.dynamics.conventions`.
    values
        Run-time value of every other symbol, for checks.
    roots
        Roots of full matrices that mix the normals; see `simdyn.dynamics.update.Update`.
    """

    variables: tuple[sympy.Symbol, ...]
    force: tuple[sympy.Expr, ...]
    root: Factor
    kick: Factor
    convention: str
    values: Mapping[str, float]
    roots: tuple[MatrixRoot, ...] = ()

    def drift(self, convention: str) -> list[sympy.Expr]:
        """The drift of the same equation written in another convention, "ito" or "stratonovich"."""
        own = added_drift(self.variables, self.root, self.convention)
        other = added_drift(self.variables, self.root, convention)
        return [f + a - b for f, a, b in zip(self.force, own, other, strict=True)]

    @property
    def additive(self) -> bool:
        """Whether the noise is the same everywhere."""
        return not self.roots and not varies(self.variables, self.root)


@dataclass(frozen=True)
class Step:
    """What a scheme contributes to an `Update`; see there."""

    drift: tuple[sympy.Expr, ...]
    factor: Factor
    stages: Stages = ()
    memory: tuple[sympy.Symbol, ...] = ()
    memory_start: tuple[sympy.Expr, ...] = ()


def euler_maruyama(equation: Equation) -> Step:
    """x' = x + b dt + K z, with the Ito drift b."""
    return Step(tuple(DT * b for b in equation.drift("ito")), equation.kick)


def milstein(equation: Equation) -> Step:
    """Euler-Maruyama with the term in sigma sigma' (dW^2 - dt) / 2 (Milstein 1975), for commutative noise.

    Raises
    ------
    InputError
        Noise that does not commute, where the term needs Levy areas.
    """
    if not _commutes(equation):
        raise InputError(
            'scheme="milstein" needs noise that commutes (such as D_ii that depends on x_i alone), and this '
            'one does not; use scheme="sri2".'
        )
    kick, m = equation.kick, len(equation.kick[0])
    corrections = [
        sympy.Add(
            *(
                (normal(j) * normal(k) - int(j == k)) * _along(equation, j, k)[i] / 2
                for j in range(m)
                for k in range(m)
            )
        )
        for i in range(len(kick))
    ]
    moves = [DT * b + c for b, c in zip(equation.drift("ito"), corrections, strict=True)]
    return Step(tuple(moves), kick)


def heun(equation: Equation) -> Step:
    """Stochastic Heun: the mean of drift and kick at both ends of an Euler step, for the Stratonovich form
    (Rumelin 1982)."""
    drift, kick = equation.drift("stratonovich"), equation.kick
    ends = _points("_end", equation.variables)
    there = dict(zip(equation.variables, ends, strict=True))
    stages = tuple(
        (end, x + DT * b + _dot(row))
        for end, x, b, row in zip(ends, equation.variables, drift, kick, strict=True)
    )
    return Step(
        tuple(DT * (b + b.xreplace(there)) / 2 for b in drift),
        kick
        if equation.additive
        else tuple(tuple((entry + entry.xreplace(there)) / 2 for entry in row) for row in kick),
        stages,
    )


def sri2(equation: Equation) -> Step:
    """Stochastic Runge-Kutta SRI2 of strong order 1 for any noise in the Ito form (Roessler 2010).

    The repeated integrals I_lk = (dW_l dW_k - delta_lk dt) / 2 + A_lk take Levy areas A_lk by their Fourier
    series (Kloeden & Platen 1992, 5.8) where the noise does not commute, and do without where it does. The
    series is cut and its rest drawn from a normal of the right variance: the law of a step is right in its
    second moments at any dt, and nearly so, not quite, in its shape.
    """
    drift, kick, m = equation.drift("ito"), equation.kick, len(equation.kick[0])
    x = equation.variables
    predicted = _points("_predicted", x)
    stages = [(p, v + DT * b) for p, v, b in zip(predicted, x, drift, strict=True)]
    there = dict(zip(x, predicted, strict=True))
    moves = [DT * (b + b.xreplace(there)) / 2 for b in drift]
    if equation.additive:
        return Step(tuple(moves), kick, tuple(stages))
    area_stages, areas, draws = ((), {}, 0) if _commutes(equation) else _levy_areas(m)
    stages += area_stages
    for k in range(m):
        sides = [_points(f"_{name}{k}", x) for name in ("above", "below")]
        for i in range(len(x)):
            terms = [
                kick[i][j] * ((normal(j) * normal(k) - int(j == k)) / 2 + areas.get((j, k), sympy.Integer(0)))
                for j in range(m)
            ]
            shift = sympy.Add(*terms)
            stages += [(sides[0][i], predicted[i] + shift), (sides[1][i], predicted[i] - shift)]
        above, below = (dict(zip(x, side, strict=True)) for side in sides)
        moves = [
            move + (row[k].xreplace(above) - row[k].xreplace(below)) / 2
            for move, row in zip(moves, kick, strict=True)
        ]
    wide = tuple((*row, *(sympy.Integer(0),) * draws) for row in kick)
    return Step(tuple(moves), wide, tuple(stages))


def leimkuhler_matthews(equation: Equation) -> Step:
    """x' = x + b dt + K (z_last + z) / 2 (Leimkuhler & Matthews 2013), for additive noise.

    The memory is the last normals; a path starts without any.

    Raises
    ------
    InputError
        Noise that depends on the point.
    """
    if not equation.additive:
        raise InputError(
            'scheme="leimkuhler_matthews" is for a diffusion that is the same everywhere; use '
            '"euler_maruyama", "milstein", "heun" or "sri2".'
        )
    m = len(equation.kick[0])
    last = tuple(sympy.Symbol(f"_last{j}", real=True) for j in range(m))
    half = tuple(tuple(entry / 2 for entry in row) for row in equation.kick)
    carried = [_dot(row, last) for row in half]
    return Step(
        drift=(
            *(DT * f + c for f, c in zip(equation.force, carried, strict=True)),
            *(sympy.Integer(0),) * m,
        ),
        factor=half + scalar_factor(sympy.Integer(1), m),
        memory=last,
        memory_start=(sympy.Integer(0),) * m,
    )


def baoab(equation: Equation) -> Step:
    """Underdamped Langevin, dx = v dt, dv = force dt - friction v dt + (2 friction T)^(1/2) dW with T = D and
    unit mass, by the splitting BAOAB (Leimkuhler & Matthews 2013).

    A step runs from one evaluation of the force to the next, as (B B) A O A: the positions are those of
    BAOAB, the velocity in memory lacks the last half of a kick, v + dt grad L(x) / 2. A path starts at rest.

    Raises
    ------
    InputError
        A diffusion that is not a number, the temperature.
    """
    x, dim = equation.variables, len(equation.variables)
    noiseless = not equation.root[0]
    first = sympy.Integer(0) if noiseless else equation.root[0][0]
    if not noiseless and (not equation.additive or equation.root != scalar_factor(first, dim)):
        raise InputError('scheme="baoab" takes its temperature from diffusion, which must be a number.')
    keep, fresh = sympy.symbols("_keep _fresh", positive=True)
    velocity = velocities(x)
    kicked = [v + DT * f for v, f in zip(velocity, equation.force, strict=True)]
    thermal = fresh * first
    return Step(
        drift=(
            *(DT * (1 + keep) / 2 * v for v in kicked),
            *(keep * v for v in kicked),
        ),
        factor=((),) * (2 * dim)
        if noiseless
        else scalar_factor(DT / 2 * thermal, dim) + scalar_factor(thermal, dim),
        memory=velocity,
        memory_start=tuple(-DT / 2 * f for f in equation.force),
    )


SCHEMES = {
    "euler_maruyama": euler_maruyama,
    "milstein": milstein,
    "heun": heun,
    "sri2": sri2,
    "leimkuhler_matthews": leimkuhler_matthews,
    "baoab": baoab,
}


def _points(name: str, variables: Sequence[sympy.Symbol]) -> tuple[sympy.Symbol, ...]:
    return tuple(sympy.Symbol(f"{name}_{variable.name}", real=True) for variable in variables)


def _dot(row: Sequence[sympy.Expr], values: Sequence[sympy.Expr] | None = None) -> sympy.Expr:
    values = [normal(j) for j in range(len(row))] if values is None else values
    return sympy.Add(*(entry * value for entry, value in zip(row, values, strict=True)))


def _along(equation: Equation, j: int, k: int) -> list[sympy.Expr]:
    """K_lj d_l K_ik: how kick k changes along kick j."""
    return [
        sympy.Add(
            *(
                other[j] * sympy.diff(row[k], v)
                for other, v in zip(equation.kick, equation.variables, strict=True)
            )
        )
        for row in equation.kick
    ]


def _commutes(equation: Equation) -> bool:
    """Whether kicks j and k may be exchanged, K_lj d_l K_ik = K_lk d_l K_ij, judged at random points."""
    m = len(equation.kick[0])
    if m < 2 or equation.additive:
        return True
    if is_diagonal(equation.kick) and all(
        not (equation.kick[i][i].free_symbols & set(equation.variables) - {v})
        for i, v in enumerate(equation.variables)
    ):
        return True
    brackets = [
        a - b
        for j in range(m)
        for k in range(j)
        for a, b in zip(_along(equation, j, k), _along(equation, k, j), strict=True)
    ]
    sizes = [entry for j in range(m) for k in range(m) for entry in _along(equation, j, k)]
    known = {
        s: equation.values[s.name]
        for e in brackets + sizes
        for s in e.free_symbols
        if s.name in equation.values
    }
    tape = Tape(equation.variables, [e.subs(known) for e in brackets + sizes])
    judged = False
    for point in np.random.default_rng(0).uniform(-2.0, 2.0, (32, len(equation.variables))):
        differences, scale = np.split(np.abs(np.array(tape(*point))), [len(brackets)])
        if not (np.isfinite(differences).all() and np.isfinite(scale).all()):
            continue
        judged = True
        if differences.max() > 1e-9 * scale.max():
            return False
    # Noise that exists at none of these points is not known to commute.
    return judged


def _levy_areas(m: int) -> tuple[Stages, dict[tuple[int, int], sympy.Expr], int]:
    """Levy areas A_jk / dt of a step as stages, by pair, and the number of extra normals that they take.

    Given the increments, the terms left out of the series have the variance 1 + z_j^2 + z_k^2 times `rest`,
    which the last normals make up for. The number of normals is filled up so that a step takes whole blocks,
    which keeps kernels short.
    """
    fresh = map(normal, count(m))
    waves = [[(next(fresh), next(fresh)) for _ in range(m)] for _ in range(_AREA_TERMS)]
    tails = [next(fresh) for _ in range(m)]
    rest = sympy.sqrt(
        sympy.Rational(1, 12)
        - sympy.Add(*(sympy.Rational(1, r * r) for r in range(1, _AREA_TERMS + 1))) / (2 * sympy.pi**2)
    )
    stages, areas = [], {}
    for j in range(m):
        for k in range(j):
            series = sympy.Add(
                *(
                    (
                        wave[j][0] * (sympy.sqrt(2) * normal(k) + wave[k][1])
                        - wave[k][0] * (sympy.sqrt(2) * normal(j) + wave[j][1])
                    )
                    / (2 * sympy.pi * r)
                    for r, wave in enumerate(waves, 1)
                )
            )
            area = sympy.Symbol(f"_area{j}_{k}", real=True)
            stages.append((area, series + rest * (tails[j] * normal(k) - tails[k] * normal(j) + next(fresh))))
            areas[j, k], areas[k, j] = area, -area
    used = m * (2 * _AREA_TERMS + 2) + m * (m - 1) // 2
    return tuple(stages), areas, used + -used % 4 - m
