"""Coefficients of the polynomials behind log, exp, sin and cos, the same numbers on every backend.

`python -m simdyn.noise.polynomials` computes them again: Chebyshev interpolation in 60 digits, rounded to
binary64. Lowest power first. The names say the function and the width of the numbers that it serves.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

RADIUS_64 = (  # degree 11, error 2.8e-10
    -2.000000000096024,
    1.0000000061691077,
    -0.6666666169256104,
    0.49999873171629633,
    -0.4000033927588508,
    0.3334076730475459,
    -0.28567596790540506,
    0.24821771331922843,
    -0.22085472079438018,
    0.21796225155754365,
    -0.21273084751159907,
    0.11691342670179275,
)
RADIUS_WIDE = (  # degree 17, error 4.9e-15
    -1.9999999999999964,
    0.9999999999999898,
    -0.6666666666713302,
    0.500000000009812,
    -0.3999999989854986,
    0.33333333095433604,
    -0.285714369032022,
    0.2500002294268213,
    -0.2222189346512985,
    0.19998922502188032,
    -0.18188491286237987,
    0.16693584645177037,
    -0.15320539867696303,
    0.13924845721909282,
    -0.1345343992052928,
    0.1485548283051138,
    -0.13998377781024443,
    0.06507710665674324,
)
RADIUS_32 = (  # degree 7, error 4.6e-07
    -1.9999999362361198,
    1.0000075011257945,
    -0.666692120469046,
    0.4993781391790534,
    -0.39826695764747655,
    0.3455641213285335,
    -0.3225249581197421,
    0.19790701473813027,
)
TURN_SIN_64 = (  # degree 4, error 6.8e-12
    1.5707963267881,
    -0.6459640961467954,
    0.07969258272563062,
    -0.004681266256726245,
    0.00015820630355647733,
)
TURN_COS_64 = (  # degree 4, error 4.8e-11
    0.9999999999524894,
    -1.2337005406331623,
    0.2536692036551135,
    -0.02086006950026408,
    0.0009036280663802505,
)
TURN_SIN_WIDE = (  # degree 6, error 4.9e-18
    1.5707963267948966,
    -0.6459640975062443,
    0.07969262624604301,
    -0.004681754132340976,
    0.0001604411507421909,
    -3.59864335298231e-06,
    5.633933781537854e-08,
)
TURN_COS_WIDE = (  # degree 6, error 4.7e-17
    1.0,
    -1.2337005501361513,
    0.25366950789986475,
    -0.02086348073494657,
    0.000919259950041661,
    -2.520013526428479e-05,
    4.6552961874867623e-07,
)
TURN_SIN_32 = (  # degree 3, error 4.8e-09
    1.5707963219532366,
    -0.6459634776648118,
    0.07968021764775542,
    -0.004602149212814176,
)
TURN_COS_32 = (  # degree 3, error 2.8e-08
    0.9999999723284944,
    -1.2336970074214912,
    0.25359857130254576,
    -0.020408158392998334,
)
LOG_64 = (  # degree 19, error 6.5e-17
    1.0,
    -0.4999999999999992,
    0.3333333333332591,
    -0.25000000000033595,
    0.20000000002056925,
    -0.1666666666349147,
    0.14285714065198032,
    -0.12499999996813993,
    0.11111122928547465,
    -0.10000012799803608,
    0.09090558863565067,
    -0.0833264971300386,
    0.0769813905960958,
    -0.0715930776300252,
    0.06616916103729839,
    -0.06044932248651876,
    0.0600236262459681,
    -0.06793484925253536,
    0.0624974432991521,
    -0.027579154885274428,
)
LOG_32 = (  # degree 9, error 5.5e-09
    0.999999999383255,
    -0.49999988496142866,
    0.33333345349807464,
    -0.2500157909915946,
    0.20000939440373094,
    -0.16608369414088409,
    0.14199650097916022,
    -0.1326603136091708,
    0.12806610435006952,
    -0.07451186226757509,
)
EXP_64 = (  # degree 12, error 4.2e-20
    1.0,
    1.0,
    0.5,
    0.16666666666666702,
    0.04166666666666669,
    0.008333333333309528,
    0.001388888888887189,
    0.000198412699092171,
    2.4801587350110797e-05,
    2.7557224958392624e-06,
    2.7557251904174915e-07,
    2.5114869528657765e-08,
    2.09215799649503e-09,
)
EXP_32 = (  # degree 6, error 2.0e-09
    1.0,
    1.000000037716214,
    0.5000000047117757,
    0.16666415514653277,
    0.04166635289677516,
    0.008375126398153335,
    0.0013941108433972674,
)
SIN_64 = (  # degree 6, error 3.1e-18
    1.0,
    -0.16666666666666616,
    0.008333333333320363,
    -0.000198412698286503,
    2.755731337640013e-06,
    -2.5050716974102745e-08,
    1.5894736651849094e-10,
)
COS_64 = (  # degree 7, error 3.0e-20
    1.0,
    -0.5,
    0.04166666666666645,
    -0.0013888888888861095,
    2.4801587283881152e-05,
    -2.7557313097790086e-07,
    2.0875582380663952e-09,
    -1.1353379638297575e-11,
)
SIN_32 = (  # degree 3, error 3.1e-09
    0.9999999969177036,
    -0.16666650673996775,
    0.00833203578559731,
    -0.000195039042508408,
)
COS_32 = (  # degree 4, error 4.8e-11
    0.9999999999524894,
    -0.4999999961485761,
    0.041666616692532826,
    -0.0013886617999647076,
    2.4379831251175367e-05,
)


def _specifications() -> dict[str, tuple[Callable[[Any], Any], Any, Any, int]]:
    """Name -> (function, lower end, upper end, degree)."""
    import mpmath as mp

    low, high = mp.sqrt(mp.mpf(1) / 2) - 1, mp.sqrt(mp.mpf(2)) - 1
    eighth_turn, half_ln2 = mp.pi / 4, mp.log(2) / 2
    tiny = mp.mpf(10) ** -25

    def log_over(f: Any) -> Any:
        return mp.log(1 + f) / f if abs(f) > tiny else 1 - f / 2

    def sin_over(s: Any) -> Any:
        return mp.sin(mp.sqrt(s)) / mp.sqrt(s) if s > tiny else 1 - s / 6

    def cos_root(s: Any) -> Any:
        return mp.cos(mp.sqrt(s)) if s > tiny else 1 - s / 2

    def turn(function: Callable[[Any], Any], odd: bool) -> Callable[[Any], Any]:
        # The quarter turn is the unit of angle of the normal transform.
        quarter = mp.pi / 2
        return lambda s: function(s * quarter**2) * (quarter if odd else 1)

    square = eighth_turn**2
    return {
        "RADIUS_64": (lambda f: -2 * log_over(f), low, high, 11),
        "RADIUS_WIDE": (lambda f: -2 * log_over(f), low, high, 17),
        "RADIUS_32": (lambda f: -2 * log_over(f), low, high, 7),
        "TURN_SIN_64": (turn(sin_over, True), mp.mpf(0), mp.mpf(1) / 4, 4),
        "TURN_COS_64": (turn(cos_root, False), mp.mpf(0), mp.mpf(1) / 4, 4),
        "TURN_SIN_WIDE": (turn(sin_over, True), mp.mpf(0), mp.mpf(1) / 4, 6),
        "TURN_COS_WIDE": (turn(cos_root, False), mp.mpf(0), mp.mpf(1) / 4, 6),
        "TURN_SIN_32": (turn(sin_over, True), mp.mpf(0), mp.mpf(1) / 4, 3),
        "TURN_COS_32": (turn(cos_root, False), mp.mpf(0), mp.mpf(1) / 4, 3),
        "LOG_64": (log_over, low, high, 19),
        "LOG_32": (log_over, low, high, 9),
        "EXP_64": (mp.exp, -half_ln2, half_ln2, 12),
        "EXP_32": (mp.exp, -half_ln2, half_ln2, 6),
        "SIN_64": (sin_over, mp.mpf(0), square, 6),
        "COS_64": (cos_root, mp.mpf(0), square, 7),
        "SIN_32": (sin_over, mp.mpf(0), square, 3),
        "COS_32": (cos_root, mp.mpf(0), square, 4),
    }


def compute() -> dict[str, tuple[tuple[float, ...], float]]:
    """Name -> (coefficients, largest absolute error of the unrounded interpolant)."""
    import mpmath as mp

    computed = {}
    with mp.workdps(60):
        for name, (function, low, high, degree) in _specifications().items():
            nodes = [
                (low + high) / 2 + (high - low) / 2 * mp.cos(mp.pi * (2 * k + 1) / (2 * degree + 2))
                for k in range(degree + 1)
            ]
            matrix = mp.matrix(degree + 1, degree + 1)
            for i, node in enumerate(nodes):
                for j in range(degree + 1):
                    matrix[i, j] = node**j
            solution = mp.lu_solve(matrix, mp.matrix([function(node) for node in nodes]))
            coefficients = [solution[j] for j in range(degree + 1)]
            grid = [low + (high - low) * mp.mpf(k) / 300 for k in range(301)]
            error = max(abs(mp.polyval(coefficients[::-1], x) - function(x)) for x in grid)
            computed[name] = (tuple(float(c) for c in coefficients), float(error))
    return computed


def _print_all() -> None:
    for name, (coefficients, error) in compute().items():
        print(f"{name} = (  # degree {len(coefficients) - 1}, error {error:.1e}")
        for coefficient in coefficients:
            print(f"    {coefficient!r},")
        print(")")


if __name__ == "__main__":
    _print_all()
