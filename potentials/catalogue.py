"""Named landscapes. The first line of each function says why a researcher wants it.

Where a landscape has a curvature scale k, it is L_k(x) = L(sqrt(k) x): every critical point moves to x /
sqrt(k), the energies stay and the Hessian there is k times the original. k is a parameter, changed without
recompilation.
"""

from __future__ import annotations

import difflib
import inspect
import math
from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import Any

import sympy as sp

from potentials.errors import InputError
from potentials.formula import symbol
from potentials.potential import Potential

__all__ = [
    "cosine",
    "coupled_chain",
    "describe",
    "double_well",
    "lookup",
    "muller_brown",
    "names",
    "quadratic",
    "shifted_styblinski_tang",
    "shifted_styblinski_tang_covariance",
    "styblinski_tang",
    "tilted_well",
]

_HALF = sp.Rational(1, 2)


def double_well(dim: int = 1, k: float = 1.0) -> Potential:
    """The standard symmetric barrier: sum of x**4/4 - x**2/2, wells at +-1, barrier 1/4 at 0.

    Parameters
    ----------
    dim
        Number of coordinates.
    k
        Curvature scale.
    """
    return _scaled_sum("double_well", dim, k, lambda x: x**4 / 4 - x**2 / 2)


def tilted_well(dim: int = 1, k: float = 1.0, tilt: float = 0.1) -> Potential:
    """A deep and a shallow well side by side: sum of x**4/4 - x**2/2 - tilt*x.

    Parameters
    ----------
    dim
        Number of coordinates.
    k
        Curvature scale.
    tilt
        Positive values make the right well the deeper one; both exist while abs(tilt) < 2/sqrt(27).
    """
    force = symbol("tilt")
    return _scaled_sum("tilted_well", dim, k, lambda x: x**4 / 4 - x**2 / 2 - force * x, tilt=tilt)


def styblinski_tang(dim: int = 1, k: float = 1.0) -> Potential:
    """The many-dimensional escape benchmark of Xie, Sato & Sugiyama: half the sum of x**4 - 16*x**2 + 5*x.

    The deepest minimum has all coordinates at -2.903534 and 2**dim minima exist.

    Parameters
    ----------
    dim
        Number of coordinates.
    k
        Curvature scale.
    """
    return _scaled_sum("styblinski_tang", dim, k, lambda x: _HALF * (x**4 - 16 * x**2 + 5 * x))


def shifted_styblinski_tang(dim: int = 1, k: float = 1.0) -> Potential:
    """Styblinski-Tang with real minibatch noise: half the sum of x**4 - 10*x**2 + 5*x, noise known exactly.

    This is the mean of the per-sample losses f(x - s) over samples s ~ N(0, I), where f is the
    Styblinski-Tang function; the exact covariance of their gradients is `shifted_styblinski_tang_covariance`.

    Parameters
    ----------
    dim
        Number of coordinates.
    k
        Curvature scale; the per-sample losses are scaled alike, f(sqrt(k) x - s).
    """
    return _scaled_sum("shifted_styblinski_tang", dim, k, lambda x: _HALF * (x**4 - 10 * x**2 + 5 * x))


def shifted_styblinski_tang_covariance(dim: int = 1) -> tuple[str, ...]:
    """Per-sample gradient variance C_1 of `shifted_styblinski_tang`, one formula for each coordinate.

    C_1 = (6 x**2 - 4)**2 + 108 at k = 1 and k C_1(sqrt(k) x) in general. It is diagonal, never zero and not
    proportional to the Hessian. It is the variance of 2 u**3 - 16 u + 5/2 at u = x - s, s ~ N(0, 1).

    Returns
    -------
    tuple of str
        Formulas in the variables and the parameter k of that potential.
    """
    return tuple(f"k*((6*k*{x}**2 - 4)**2 + 108)" for x in _variable_names(dim))


def coupled_chain(dim: int = 2, kappa: float = 0.1, k: float = 1.0) -> Potential:
    """Does escape happen well by well or all at once? Double wells coupled to their neighbours by springs.

    The sum of k*x**2*(k*x**2 - 2)/4 over the coordinates, the double wells of `double_well`, and of
    kappa/2*(y - x)**2 over neighbours x and y.

    Parameters
    ----------
    dim
        Number of coordinates, at least 2.
    kappa
        Stiffness of the springs.
    k
        Curvature scale of the wells.
    """
    if dim == 1:
        raise InputError("The dimension dim=1 leaves nothing to couple: give at least 2.")
    scale, spring = symbol("k"), symbol("kappa")
    if isinstance(k, int | float) and not k > 0:
        raise InputError(
            f"The curvature scale k={k!r} of coupled_chain is not positive: give a number above 0."
        )
    variables = [symbol(name) for name in _variable_names(dim)]
    wells = (scale**2 * x**4 / 4 - scale * x**2 / 2 for x in variables)
    springs = (spring / 2 * (y - x) ** 2 for x, y in pairwise(variables))
    energy = sp.Add(*wells, *springs)
    parameters = {"kappa": kappa, "k": k}
    return Potential(energy, variables=variables, parameters=parameters, name="coupled_chain")


def muller_brown() -> Potential:
    """The standard curved reaction path: three minima and two saddles in two coupled dimensions.

    Müller & Brown, Theoretica Chimica Acta 53 (1979) 75.
    """
    x, y = symbol("x"), symbol("y")
    rational = sp.Rational
    terms = (
        (-200, -1, 0, -10, 1, 0),
        (-100, -1, 0, -10, 0, _HALF),
        (-170, rational(-13, 2), 11, rational(-13, 2), -_HALF, rational(3, 2)),
        (15, rational(7, 10), rational(3, 5), rational(7, 10), -1, 1),
    )
    energy = sum(
        height * sp.exp(a * (x - x0) ** 2 + b * (x - x0) * (y - y0) + c * (y - y0) ** 2)
        for height, a, b, c, x0, y0 in terms
    )
    return Potential(energy, variables=("x", "y"), name="muller_brown", domain=((-1.8, 1.4), (-0.6, 2.2)))


def quadratic(dim: int = 1, h: float | Sequence[float] = 1.0) -> Potential:
    """The one landscape in which everything is known: half the sum of h*x**2.

    Parameters
    ----------
    dim
        Number of coordinates.
    h
        Curvature of all coordinates (parameter h), or a sequence of `dim` curvatures (parameters h1, h2,
        ...).
    """
    variables = [symbol(name) for name in _variable_names(dim)]
    if isinstance(h, int | float):
        curvatures, values = ["h"] * dim, {"h": h}
    else:
        if len(h) != dim:
            raise InputError(
                f"The quadratic of dimension {dim} got {len(h)} curvatures h: give one or {dim}."
            )
        curvatures = [f"h{i}" for i in range(1, dim + 1)]
        values = dict(zip(curvatures, h, strict=True))
    energy = sp.Add(*(_HALF * symbol(name) * x**2 for name, x in zip(curvatures, variables, strict=True)))
    return Potential(energy, variables=variables, parameters=values, name="quadratic")


def cosine(dim: int = 1, a: float = 1.0, q: float = 1.0) -> Potential:
    """A periodic row of equal wells, for hopping and diffusion: sum of a*(1 - cos(q*x)), barriers of 2 a.

    Parameters
    ----------
    dim
        Number of coordinates.
    a
        Half the barrier.
    q
        Wave number. Critical points are listed for abs(x) <= 10/q, which holds three wells, of the q given
        here.
    """
    amplitude, wave = symbol("a"), symbol("q")
    variables = [symbol(name) for name in _variable_names(dim)]
    energy = sp.Add(*(amplitude * (1 - sp.cos(wave * x)) for x in variables))
    reach = 10.0 / abs(q) if isinstance(q, int | float) and math.isfinite(q) and q != 0 else 10.0
    return Potential(
        energy, variables=variables, parameters={"a": a, "q": q}, name="cosine", domain=(-reach, reach)
    )


_CATALOGUE: dict[str, Callable[..., Potential]] = {
    function.__name__: function
    for function in (
        double_well,
        tilted_well,
        styblinski_tang,
        shifted_styblinski_tang,
        coupled_chain,
        muller_brown,
        quadratic,
        cosine,
    )
}


def names() -> tuple[str, ...]:
    """Names of all landscapes of the catalogue."""
    return tuple(_CATALOGUE)


def describe(name: str) -> str:
    """One line: why a researcher wants this landscape.

    Raises
    ------
    InputError
        If the catalogue has no such name.
    """
    return (inspect.getdoc(_entry(name)) or "").splitlines()[0]


def lookup(name: str, **options: Any) -> Potential:
    """A landscape by name, with its options, e.g. lookup("styblinski_tang", dim=10, k=2).

    Raises
    ------
    InputError
        If the name, an option or a value is unknown or out of range; the nearest known one is suggested.
    """
    make = _entry(name)
    known = list(inspect.signature(make).parameters)
    for option in options:
        if option not in known:
            close = difflib.get_close_matches(option, known, 1)
            hint = f" (did you mean {close[0]}?)" if close else ""
            listed = ", ".join(known) if known else "none"
            raise InputError(
                f"The potential {name} has no option {option!r}{hint}: its options are {listed}."
            )
    return make(**options)


def _entry(name: str) -> Callable[..., Potential]:
    if name not in _CATALOGUE:
        close = difflib.get_close_matches(str(name).lower(), _CATALOGUE, 1, cutoff=0.5)
        hint = f" (did you mean {close[0]}?)" if close else ""
        raise InputError(f"There is no potential {name!r}{hint}: the catalogue has {', '.join(_CATALOGUE)}.")
    return _CATALOGUE[name]


def _variable_names(dim: int) -> list[str]:
    if isinstance(dim, bool) or not isinstance(dim, int) or not 1 <= dim <= 10_000:
        raise InputError(f"The dimension dim={dim!r} is not possible: give a whole number from 1 to 10000.")
    return ["x"] if dim == 1 else [f"x{i}" for i in range(1, dim + 1)]


def _scaled_sum(
    name: str, dim: int, k: float, coordinate: Callable[[sp.Expr], sp.Expr], **others: float
) -> Potential:
    scale = symbol("k")
    variables = [symbol(variable) for variable in _variable_names(dim)]
    one = symbol("x")
    energy = sp.expand(coordinate(sp.sqrt(scale) * one))
    total = sp.Add(*(energy.xreplace({one: variable}) for variable in variables))
    if isinstance(k, int | float) and not k > 0:
        raise InputError(f"The curvature scale k={k!r} of {name} is not positive: give a number above 0.")
    return Potential(total, variables=variables, parameters={"k": k, **others}, name=name)
