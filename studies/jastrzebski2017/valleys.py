"""Clouds in valleys, what leaves a valley, walks along a floor, and learning rates of their own for walls."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from potentials import Potential, winding_valley
from simdyn.study import value_with_interval
from studies.jastrzebski2017.equilibrium import complete
from studies.jastrzebski2017.landscapes import (
    steepening_valley,
    valley_of_depth,
    wall_curvature,
)

if TYPE_CHECKING:
    from numpy.random import SeedSequence

    from simdyn.study import Execution
    from studies.jastrzebski2017.settings import Settings

Array = np.ndarray

RIM = 3.0
"""A path has left its valley so many widths away from the bottom."""

BEND, TURNS, WALL = 0.5, 2.0, 20.0
"""The winding valley: y = BEND sin(TURNS x), and the curvature across where it runs along x."""

SETTLING = 6.0
"""Times in which the pull to the middle of the steepening valley takes hold, until its law is looked at."""

FAR = 4.0
"""Where the walk down the floor begins."""

ABREAST = 1.5
"""Where on the floor of the steepening valley runs begin, on the steep side."""


def covariance_in(noise: str, curvature: float, settings: Settings) -> float:
    """sigma^2 in a valley: the same in all, or proportional to the curvature."""
    if noise == "isotropic":
        return settings.cloud_variance
    return settings.cloud_variance * curvature / settings.cloud_middle


def cloud(
    noise: str,
    size: float,
    curvature: float,
    seed: SeedSequence,
    settings: Settings,
    execution: Execution,
) -> dict[str, Any]:
    """Width of the last iterates around their own mean, in a parabola."""
    from simdyn import SGD, simulate
    from simdyn.inference import mean_of

    eta, k = settings.cloud_rate, settings.cloud_length
    variance = covariance_in(noise, curvature, settings)
    parabola = Potential("h*x**2/2", parameters={"h": curvature}, name="parabola")
    sgd = SGD(eta, size, noise="constant", covariance=variance)
    before, last = seed.spawn(2)
    options: dict[str, Any] = {"paths": settings.cloud_paths, "threads": execution.threads}
    # Long enough that exp(-10) of the start is left.
    burn_in = math.ceil(10.0 / (eta * curvature))
    start = complete(simulate(parabola, sgd, [0.0], steps=burn_in, seed=before, **options))
    data = complete(
        simulate(
            parabola,
            sgd,
            start["final"].values,
            steps=k - 1,
            record="snapshots",
            every=1,
            seed=last,
            **options,
        )
    )
    spread = mean_of(data["snapshots"].values[:, :, 0].var(axis=0))
    return {
        **value_with_interval("width", spread.mapped(lambda square: math.sqrt(max(0.0, square)))),
        "exact": math.sqrt(window_variance(eta, curvature, variance / size, k)),
        "sde": math.sqrt(eta * variance / (2 * size * curvature)),
    }


def window_variance(eta: float, curvature: float, variance: float, k: int) -> float:
    """Mean of the variance of k successive iterates around their own mean, of the chain in a parabola."""
    keeps = 1 - eta * curvature
    whole = eta * variance / (curvature * (2 - eta * curvature))
    lags = np.arange(1, k)
    return float(whole * (1 - (1 + 2 * ((1 - lags / k) * keeps**lags).sum()) / k))


def leaving(
    noise: str, curvature: float, seed: SeedSequence, settings: Settings, execution: Execution
) -> dict[str, Any]:
    """Mean time to leave a valley of depth 1."""
    from simdyn import SGD, escape_time
    from simdyn.inference import Interval

    edge = RIM / math.sqrt(curvature)
    answer = escape_time(
        valley_of_depth(curvature),
        SGD(
            settings.leaving_rate,
            settings.leaving_rate * settings.cloud_variance / (2 * settings.leaving_temperature),
            noise="constant",
            covariance=covariance_in(noise, curvature, settings),
        ),
        "x=0",
        f"(x >= {edge}) | (x <= {-edge})",
        paths=settings.leaving_paths,
        method="direct",
        seed=seed,
        threads=execution.threads,
        progress=execution.progress.of_escapes,
    )
    if not answer.measurement.complete:
        raise KeyboardInterrupt
    assert answer.reference is not None
    scale = settings.leaving_rate * curvature
    steps = Interval(answer.value, answer.low, answer.high)
    return {
        **value_with_interval("scaled", steps.mapped(lambda n: scale * n)),
        "exact": scale * answer.reference.value,
        "steps": answer.value,
    }


def steer(factor: float, seed: SeedSequence, settings: Settings, execution: Execution) -> dict[str, Any]:
    """Curvature of the walls where SGD settles with another learning rate across the floor."""
    from simdyn import SGD, simulate
    from simdyn.inference import mean_of

    eta, temperature = settings.steer_rate, settings.steer_temperature
    variance = 2 * temperature / eta
    data = complete(
        simulate(
            steepening_valley(temperature, factor),
            SGD(eta, 1.0, noise="constant", covariance=[variance, factor * variance]),
            [0.0, 0.0],
            paths=settings.steer_paths,
            steps=math.ceil(SETTLING / (eta * temperature)),
            seed=seed,
            threads=execution.threads,
        )
    )
    decades = mean_of(np.log10(wall_curvature(data["final"].values[:, 0])))
    x, masses = adiabatic(factor, settings)
    return {
        **value_with_interval("decades", decades),
        "adiabatic": float(masses @ np.log10(wall_curvature(x))),
    }


def adiabatic(factor: float, settings: Settings) -> tuple[Array, Array]:
    """Places on the floor and their masses where y settles while x stands still.

    Then the mean of y^2 is 2 factor D / (h (2 - eta factor h)), the walls push with half of it times dh/dx,
    and the masses are exp(-pull x^2 / (2 D)) (h / (2 - eta factor h))^(-factor / 2): for equal learning rates
    and small ones the law of Gibbs.
    """
    x = np.linspace(-8.0, 8.0, 4_001)
    h = wall_curvature(x)
    masses = np.exp(-(x**2) / 2) * (h / (2 - settings.steer_rate * factor * h)) ** (-factor / 2)
    return x, masses / masses.sum()


def flatter(
    temperature: float, seed: SeedSequence, settings: Settings, execution: Execution
) -> dict[str, Any]:
    """Curvature of the walls some time after a start on the steep side; gradient descent at temperature 0."""
    from simdyn import SGD, simulate
    from simdyn.inference import mean_of

    eta = settings.steer_rate
    sgd = (
        SGD(eta, 1.0, noise="constant", covariance=2 * temperature / eta)
        if temperature
        else SGD(eta, 1.0, noise="none")
    )
    data = complete(
        simulate(
            steepening_valley(settings.flatter_pull),
            sgd,
            [ABREAST, 0.1],
            paths=settings.flatter_paths,
            steps=settings.flatter_steps,
            seed=seed,
            threads=execution.threads,
        )
    )
    found = mean_of(np.log10(wall_curvature(data["final"].values[:, 0])))
    return {
        **value_with_interval("decades", found),
        "start": float(np.log10(wall_curvature(np.array([ABREAST])))[0]),
    }


def walk(
    eta: float, size: float, seed: SeedSequence, settings: Settings, execution: Execution
) -> dict[str, Any]:
    """A walk in the winding valley: how far, how high above the floor, and the loss between iterates."""
    from simdyn import SGD, simulate
    from simdyn import walk as walked
    from simdyn.inference import mean_of

    sgd = SGD(eta, size, noise="constant", covariance=settings.walk_variance)
    options: dict[str, Any] = {"paths": settings.walk_paths, "threads": execution.threads}
    level = walked(
        winding_valley(settings.level_floor, WALL, BEND, TURNS),
        sgd,
        [0.0, 0.0],
        steps=settings.walk_steps,
        height=_height,
        along=lambda points: _floor_length(points[:, 0]),
        seed=seed,
        **options,
    )
    counts: dict[str, float] = {}
    measured = {"distance": level.distance, "height": level.height}
    for name, one in {**measured, "convex": level.convex, "bounce": level.bounces}.items():
        counts |= value_with_interval(name, one)
    (down,) = seed.spawn(1)
    sloping = winding_valley(settings.sloping_floor, WALL, BEND, TURNS)
    half = settings.walk_steps // 2
    descent = complete(
        simulate(
            sloping,
            sgd,
            [FAR, BEND * math.sin(TURNS * FAR)],
            steps=2 * half,
            record="snapshots",
            every=half,
            seed=down,
            **options,
        )
    )["snapshots"].values
    floors = settings.sloping_floor * descent[:, :, 0] ** 2 / 2
    fall = mean_of((floors[1] - floors[2]) / floors[0])
    variance = settings.walk_variance / size
    # As in a straight valley of the curvature and the noise that are across the floor where the iterates are.
    steepness = eta * WALL * (1 + _slope(level.first[:, 0]) ** 2)
    return {
        "diffusion": eta * math.sqrt(variance * settings.walk_steps),
        "linear": float(np.mean(eta * variance / (2 * (2 - steepness)))),
        **counts,
        "bounce_linear": float(np.mean(np.arccos(np.clip(1 - steepness, -1, 1)))) / math.pi,
        **value_with_interval("fall", fall),
    }


def _slope(x: Array) -> Array:
    return np.asarray(BEND * TURNS * np.cos(TURNS * x))


def _height(points: Array) -> Array:
    return np.asarray(WALL / 2 * (points[:, 1] - BEND * np.sin(TURNS * points[:, 0])) ** 2)


def _floor_length(x: Array) -> Array:
    """Along the floor from 0 to x."""
    grid = np.linspace(min(-1.0, float(x.min())), max(1.0, float(x.max())), 20_001)
    steps = np.sqrt(1 + _slope((grid[1:] + grid[:-1]) / 2) ** 2) * np.diff(grid)
    length = np.concatenate([[0.0], np.cumsum(steps)])
    return np.asarray(np.interp(x, grid, length) - np.interp(0.0, grid, length))
