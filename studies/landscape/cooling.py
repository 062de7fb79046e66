"""Annealing of SGLD in two wells, and the two-state process that should describe it."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import TYPE_CHECKING

import numpy as np

from potentials import CriticalPoint, Potential, tilted_well
from simdyn.study import Execution, value_with_interval
from studies.landscape.model_settings import ModelSettings

if TYPE_CHECKING:
    from numpy.random import SeedSequence

HOT, COLD = 0.08, 0.01
"""First and last temperature; the barrier from the shallow well is 0.158, from the deeper one 0.357."""

RATE = 0.05
TILT = 0.1
TEMPERATURES = 7
"""At which rates are computed; between them their logarithm is interpolated in the inverse temperature."""

CONSTANTS = 200
"""Temperatures among which the best constant one is looked for."""

Array = np.ndarray


def wells() -> Potential:
    """The deeper well is on the right."""
    return tilted_well(tilt=TILT)


def cooled(
    settings: ModelSettings, seed: SeedSequence, execution: Execution, schedule: str, steps: int
) -> dict[str, float]:
    """The share that ends in the deeper well, measured and by rates."""
    from simdyn import SGLD, simulate
    from simdyn.inference import share_of

    left, top, _ = _points()
    data = simulate(
        wells(),
        SGLD(RATE, formula(schedule, steps)),
        start=left.x,
        paths=settings.cooling_paths,
        steps=steps,
        seed=seed,
        threads=execution.threads,
    )
    temperatures = course(schedule, steps)
    held, at = best_constant(steps)
    return {
        **value_with_interval("share", share_of(data["final"].values[:, 0] > top.x[0])),
        "master": occupation(temperatures, _rates("exact")),
        "kramers": occupation(temperatures, _rates("Kramers")),
        "held": _gibbs_share(HOT),
        "constant": held,
        "constant_at": at,
    }


def formula(schedule: str, steps: int) -> str:
    """The temperature as an expression of the step."""
    if schedule == "linear":
        return f"{HOT} - {HOT - COLD}*min(1, step/{steps})"
    return f"{HOT}*{COLD / HOT}**min(1, step/{steps})"


def course(schedule: str, steps: int) -> Array:
    """Temperature of each step; shape (steps,)."""
    done = np.arange(steps) / steps
    return HOT - (HOT - COLD) * done if schedule == "linear" else HOT * (COLD / HOT) ** done


def occupation(temperatures: Array, rates: Callable[[Array], tuple[Array, Array]]) -> float:
    """Probability of the right well after steps at these temperatures, from the left one.

    p' = out (1 - p) - back p, whose solution over a step of constant rates is exact.
    """
    out, back = rates(temperatures)
    total = out + back
    kept = np.exp(-total)
    p = 0.0
    for k in range(len(temperatures)):
        target = out[k] / total[k]
        p = target + (p - target) * kept[k]
    return float(p)


def best_constant(steps: int) -> tuple[float, float]:
    """Largest share that noise of one temperature, from cold to hot, brings to the right well in so many
    steps, by the exact rates, and that temperature."""
    temperatures = np.geomspace(COLD, HOT, CONSTANTS)
    out, back = _rates("exact")(temperatures)
    shares = out / (out + back) * -np.expm1(-(out + back) * steps)
    best = int(shares.argmax())
    return float(shares[best]), float(temperatures[best])


@cache
def _points() -> tuple[CriticalPoint, CriticalPoint, CriticalPoint]:
    left, top, right = sorted(wells().critical_points(), key=lambda point: point.x[0])
    return left, top, right


def _gibbs_share(temperature: float) -> float:
    from scipy.integrate import quad

    def weight(x: float) -> float:
        return float(np.exp(-(wells().energy([x]) - _points()[2].energy) / temperature))

    middle = float(_points()[1].x[0])
    right, left = quad(weight, middle, 4.0)[0], quad(weight, -4.0, middle)[0]
    return float(right / (left + right))


@cache
def _rates(kind: str) -> Callable[[Array], tuple[Array, Array]]:
    """From temperatures to the rates per step out of the left well and back."""
    from simdyn import SDE, exact, theory

    grid = np.geomspace(COLD, HOT, TEMPERATURES)
    left, _, right = _points()
    logs = []
    for start, exit in (
        (left.x, f"x >= {float(right.x[0])!r}"),
        (right.x, f"x <= {float(left.x[0])!r}"),
    ):
        of = exact.escape_time if kind == "exact" else theory.kramers
        times = [of(wells(), SDE(float(t), RATE), start, exit).value for t in grid]
        logs.append(np.log(RATE) - np.log(np.array(times, dtype=float)))

    def rates(temperatures: Array) -> tuple[Array, Array]:
        from scipy.interpolate import CubicSpline

        out, back = (np.exp(CubicSpline(1 / grid[::-1], log[::-1])(1 / temperatures)) for log in logs)
        return out, back

    return rates
