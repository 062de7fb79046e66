"""Landscapes of two and three wells with stated places, curvatures and depths."""

from __future__ import annotations

import math

import sympy as sp

from potentials.catalogue.checks import positive, variable_names
from potentials.errors import InputError
from potentials.formula import symbol
from potentials.inputs import finite_parameter
from potentials.potential import Potential

__all__ = ["sharp_and_flat", "three_wells", "three_wells_ring"]


def sharp_and_flat(
    dim: int = 1,
    sharp: float = 20.0,
    flat: float = 2.0,
    depth: float = 0.0,
    sharp_at: float = -1.0,
    flat_at: float = 1.0,
) -> Potential:
    """Does the noise prefer flat minima? A sharp and a flat one, with any curvatures and any depths.

    Along the way across, t = (x - sharp_at)/(flat_at - sharp_at), the slope is that of

        w**2 * t*(t - 1)*(t - s) * (sharp*(1 - t)**2/s + flat*t**2/(1 - s)),    w = flat_at - sharp_at,

    whose last factor is positive. So the critical points are exactly t = 0, s and 1; the curvatures at the
    minima t = 0 and t = 1 are exactly sharp and flat; and the one free number s, the place of the saddle, is
    the root between 0 and 1 of a quadratic equation that sets the difference of the depths. Along the way the
    energy is a polynomial of degree 6, 0 at the sharp minimum. Further coordinates have the curvature
    sharp*(1 - t)**2 + flat*t**2, that of the way at both minima, and vanish at every critical point.

    Parameters
    ----------
    dim
        Number of coordinates; the way across is the first.
    sharp, flat
        Curvature in every direction at either minimum. (Nothing forbids flat > sharp.)
    depth
        Energy of the flat minimum; negative makes it the deeper one. At 0 it is a matter of rounding which of
        them is the deepest: state the start of a path as a point.
    sharp_at, flat_at
        Where the minima are, in the first coordinate.
    """
    variables = [symbol(name) for name in variable_names(dim)]
    values = {"sharp": positive("sharp_and_flat", "sharp", sharp)}
    values["flat"] = positive("sharp_and_flat", "flat", flat)
    values["depth"] = finite_parameter("depth", depth)
    values["sharp_at"] = finite_parameter("sharp_at", sharp_at)
    values["flat_at"] = finite_parameter("flat_at", flat_at)
    if values["sharp_at"] == values["flat_at"]:
        raise InputError(f"Both minima of sharp_and_flat are at {sharp_at!r}: give two places.")
    first, second, lift, start, end = (symbol(name) for name in values)
    width, t = end - start, (variables[0] - start) / (end - start)
    # The slope integrates to w**2/60 * (3*(sharp - flat) - sharp/s + flat/(1 - s)) from 0 to 1, which grows
    # from minus to plus infinity with s; the s that makes it `depth` enters through sharp/s and flat/(1 - s).
    total, excess = first + second, 60 * lift / width**2 - 3 * (first - second)
    root = sp.sqrt((excess + first - second) ** 2 + 4 * first * second)
    over_s, over_rest = (total - excess + root) / 2, (total + excess + root) / 2
    way = (
        first * (t**2 / 2 - t**3 + 3 * t**4 / 4 - t**5 / 5)
        + over_s * (-(t**3) / 3 + 3 * t**4 / 4 - 3 * t**5 / 5 + t**6 / 6)
        + second * (t**5 / 5 - t**4 / 4)
        + over_rest * (t**4 / 4 - 2 * t**5 / 5 + t**6 / 6)
    )
    across = (first * (1 - t) ** 2 + second * t**2) * sp.Add(*(y**2 for y in variables[1:])) / 2
    low, high = sorted((values["sharp_at"], values["flat_at"]))
    reach, sides = high - low, 4.0 * (high - low)
    domain = [(low - reach, high + reach), *((-sides, sides) for _ in variables[1:])]
    return Potential(
        width**2 * way + across,
        variables=variables,
        parameters=values,
        name="sharp_and_flat",
        domain=domain,
    )


def three_wells(curvature: float = 2.0, spacing: float = 2.0, middle: float = 0.0) -> Potential:
    """Three wells in a row, all rates equal, where the share of a well is not its escape time over their sum.

    curvature/2 * (x*(x**2 - spacing**2)/(x**2 + spacing**2))**2 + middle*((x**2 - spacing**2)/(x**2 +
    spacing**2))**2. With middle = 0 the wells at 0 and +-spacing are equally deep and have exactly the same
    curvature, so that every rate from a well to its neighbour is the same. The middle well has two ways out
    and so half the escape time of the others, which would give shares of (0.4, 0.2, 0.4); the wells hold a
    third of the probability each. Both barriers have the height curvature*spacing**2*(5*sqrt(5) - 11)/4, at
    x = +-spacing*sqrt(sqrt(5) - 2).

    Parameters
    ----------
    curvature
        At all three minima (at middle = 0).
    spacing
        Distance between neighbouring minima.
    middle
        Energy of the middle minimum; the outer ones have energy 0. It changes the curvatures by
        -8*middle/spacing**2 in the middle and 2*middle/spacing**2 outside, and keeps the places.
    """
    width = positive("three_wells", "spacing", spacing)
    x, h, s, lift = symbol("x"), symbol("curvature"), symbol("spacing"), symbol("middle")
    share = (x**2 - s**2) / (x**2 + s**2)
    return Potential(
        h * (x * share) ** 2 / 2 + lift * share**2,
        variables=(x,),
        parameters={
            "curvature": positive("three_wells", "curvature", curvature),
            "spacing": width,
            "middle": middle,
        },
        name="three_wells",
        domain=(-3.0 * width, 3.0 * width),
    )


def three_wells_ring(centre: float = -2.0) -> Potential:
    """Three wells around one hill or monkey saddle: every well borders on every other, all rates are equal.

    r**4/4 - (x**3 - 3*x*y**2)/3 + centre*r**2/2 with r**2 = x**2 + y**2, unchanged by turns of 120 degrees.
    The wells are at r = (1 + sqrt(1 - 4*centre))/2, one of them on the positive x axis. For centre < 0 the
    origin is a hill, and three saddles stand between the wells at r = (sqrt(1 - 4*centre) - 1)/2. At centre =
    0 they meet in a monkey saddle whose Hessian vanishes, where no quadratic escape formula applies; for 0 <
    centre < 1/4 the origin is a fourth well. At the default, wells are 2 and saddles 1 from the origin.

    Parameters
    ----------
    centre
        Both eigenvalues of the Hessian at the origin, below 1/4.
    """
    value = finite_parameter("centre", centre)
    if not value < 0.25:
        raise InputError(f"With centre={centre!r} three_wells_ring has one well: give a number below 1/4.")
    x, y, middle = symbol("x"), symbol("y"), symbol("centre")
    square = x**2 + y**2
    reach = 1.5 * (1.0 + math.sqrt(1.0 - 4.0 * value)) / 2.0
    return Potential(
        square**2 / 4 - (x**3 - 3 * x * y**2) / 3 + middle * square / 2,
        variables=(x, y),
        parameters={"centre": value},
        name="three_wells_ring",
        domain=(-reach, reach),
    )
