"""Landscapes whose way down bends: valleys in two coupled dimensions."""

from __future__ import annotations

import sympy as sp

from potentials.catalogue.checks import positive
from potentials.formula import symbol
from potentials.potential import Potential

__all__ = ["curved_valley", "muller_brown", "winding_valley"]


def muller_brown() -> Potential:
    """The standard curved reaction path: three minima and two saddles in two coupled dimensions.

    Müller & Brown, Theoretica Chimica Acta 53 (1979) 75.
    """
    x, y = symbol("x"), symbol("y")
    rational, half = sp.Rational, sp.Rational(1, 2)
    terms = (
        (-200, -1, 0, -10, 1, 0),
        (-100, -1, 0, -10, 0, half),
        (-170, rational(-13, 2), 11, rational(-13, 2), -half, rational(3, 2)),
        (15, rational(7, 10), rational(3, 5), rational(7, 10), -1, 1),
    )
    energy = sum(
        height * sp.exp(a * (x - x0) ** 2 + b * (x - x0) * (y - y0) + c * (y - y0) ** 2)
        for height, a, b, c, x0, y0 in terms
    )
    return Potential(energy, variables=("x", "y"), name="muller_brown", domain=((-1.8, 1.4), (-0.6, 2.2)))


def curved_valley(c: float = 0.5) -> Potential:
    """Two wells joined by a bent path: noise shaped like the Hessian gets across only because of the bend.

    (x**2 - 1)**2/4 + (y + c*(x**2 - 1))**2: minima at (+-1, 0) with energy 0, one saddle at (0, c) with
    energy 1/4. The floor follows y = -c*(x**2 - 1). Where the Hessian is singular, noise of covariance |H|
    does not push along one direction. At c = 0 that is the way across, and the SDE never gets over; where the
    valley bends, the noise from wall to wall carries it over, the faster the more it bends.

    Parameters
    ----------
    c
        How much the path bends; the saddle stands at height c off the line between the minima.
    """
    x, y, bend = symbol("x"), symbol("y"), symbol("c")
    energy = (x**2 - 1) ** 2 / 4 + (y + bend * (x**2 - 1)) ** 2
    reach = 2.0 + abs(c) if isinstance(c, int | float) else 2.0
    return Potential(
        energy,
        variables=(x, y),
        parameters={"c": c},
        name="curved_valley",
        domain=((-2.0, 2.0), (-reach, reach)),
    )


def winding_valley(
    floor: float = 0.02, wall: float = 20.0, bend: float = 0.5, turns: float = 2.0
) -> Potential:
    """A flat floor that bends between steep walls: SGD bounces from wall to wall while it creeps along.

    floor/2*x**2 + wall/2*(y - bend*sin(turns*x))**2. There is one minimum, the origin, whose Hessian has the
    determinant floor*wall. A step size that is too large for the walls does not diverge at once: the iterate
    goes from side to side above the floor, and the bends turn that into progress along it or stop it.

    The picture of a walk in a valley: Xing, Arpit, Tsirigotis & Bengio, "A walk with SGD" (2018).

    Parameters
    ----------
    floor
        Curvature along the floor, about which the x axis is straightened.
    wall
        Curvature across the floor, in y.
    bend
        How far the floor swings to either side.
    turns
        Wave number of the floor: it turns back every pi/turns in x.
    """
    x, y = symbol("x"), symbol("y")
    along, across, swing, wave = (symbol(name) for name in ("floor", "wall", "bend", "turns"))
    energy = along * x**2 / 2 + across * (y - swing * sp.sin(wave * x)) ** 2 / 2
    return Potential(
        energy,
        variables=(x, y),
        parameters={
            "floor": positive("winding_valley", "floor", floor),
            "wall": positive("winding_valley", "wall", wall),
            "bend": bend,
            "turns": turns,
        },
        name="winding_valley",
        domain=((-6.0, 6.0), (-2.0, 2.0)),
    )
