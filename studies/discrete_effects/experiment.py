"""What is measured: settings, grids, and one cell of each grid."""

from __future__ import annotations

import functools
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from potentials import Potential, QuadraticSum
from simdyn.study import (
    Budget,
    Dimension,
    Execution,
    Grid,
    Quantity,
    quantity_with_interval,
    value_with_interval,
)

if TYPE_CHECKING:
    from numpy.random import SeedSequence

    from simdyn import SDE, SGD, SGLD

QUARTIC = "x**4/4 - x**2/2"
COSINE = "-cos(x)"

CURVATURES = (0.2, 0.5, 4.0)
"""Of the three samples whose stability is looked at; they share the minimum 0."""

OFFSETS = (-1.0, 0.5, 1.0)
"""Where the three samples have their minima when they do not share one."""

EPOCH_CURVATURE, EPOCH_CENTRES = 1.5, (0.0, 1.0, 3.0, -2.0)
"""Four samples of one curvature, for the spread of shuffled epochs."""


@dataclass(frozen=True)
class Settings:
    """Grids and sample sizes.

    Attributes
    ----------
    launch_rates, launch_batch_sizes
        Learning rate and effective batch size of each cell of the escapes that are looked at one by one.
    launch_paths, launches
        Paths of such a cell, and how many of its escapes are gone through again.
    action_rates
        Learning rates of the least actions.
    commit_temperature
        Temperature of the quartic well; its barrier is 1/4.
    commit_paths, commit_target, commit_units
        Paths of a unit of escapes to another minimum, the relative standard error that cells are to meet, and
        the largest number of units for that.
    hit_target
        Relative standard error of a mean time to the top of the barrier.
    tail_paths, tail_share
        Final states, and the share of them that counts as tail.
    """

    launch_rates: tuple[float, ...]
    launch_batch_sizes: tuple[float, ...]
    launch_paths: int
    launches: int
    action_rates: tuple[float, ...]
    commit_rates: tuple[float, ...]
    commit_temperature: float
    commit_paths: int
    commit_target: float
    commit_units: int
    hit_rates: tuple[float, ...]
    hit_paths: int
    growth_rates: tuple[float, ...]
    growth_paths: int
    growth_steps: int
    epoch_rates: tuple[float, ...]
    epoch_paths: int
    tail_rates: tuple[float, ...]
    tail_paths: int
    tail_share: float


QUICK = Settings(
    launch_rates=(0.025, 0.05, 0.1, 0.2, 0.3),
    launch_batch_sizes=(0.1, 0.25, 0.8, 3.0, 7.0),
    launch_paths=1_000,
    launches=300,
    action_rates=(0.003125, 0.00625, 0.0125, 0.025, 0.05, 0.1, 0.2, 0.4),
    commit_rates=(0.05, 0.1, 0.2, 0.3),
    commit_temperature=0.05,
    commit_paths=4_000,
    commit_target=0.004,
    commit_units=32,
    hit_rates=(0.01, 0.02, 0.05, 0.1),
    hit_paths=20_000,
    growth_rates=(0.5, 0.55, 0.6, 0.65, 0.72, 0.8),
    growth_paths=2_000,
    growth_steps=600,
    epoch_rates=(0.01, 0.02, 0.04, 0.1, 0.3),
    epoch_paths=50_000,
    tail_rates=(0.54, 0.55, 0.565, 0.577, 0.59),
    tail_paths=200_000,
    tail_share=0.005,
)
FULL = Settings(
    launch_rates=(0.025, 0.035, 0.05, 0.07, 0.1, 0.14, 0.2, 0.25, 0.3),
    launch_batch_sizes=(0.1, 0.16, 0.25, 0.45, 0.8, 1.5, 3.0, 5.0, 7.0),
    launch_paths=5_000,
    launches=2_000,
    action_rates=(0.0015625, 0.003125, 0.00625, 0.0125, 0.025, 0.05, 0.1, 0.14, 0.2, 0.28, 0.4),
    commit_rates=(0.03, 0.05, 0.07, 0.1, 0.15, 0.2, 0.25, 0.3),
    commit_temperature=0.05,
    commit_paths=12_000,
    commit_target=0.00225,
    commit_units=32,
    hit_rates=(0.005, 0.01, 0.02, 0.03, 0.05, 0.07, 0.1),
    hit_paths=80_000,
    growth_rates=(0.5, 0.525, 0.55, 0.575, 0.6, 0.625, 0.65, 0.675, 0.7, 0.72, 0.76, 0.8),
    growth_paths=20_000,
    growth_steps=2_000,
    epoch_rates=(0.005, 0.01, 0.02, 0.04, 0.07, 0.1, 0.2, 0.3, 0.5),
    epoch_paths=500_000,
    tail_rates=(0.53, 0.54, 0.55, 0.557, 0.565, 0.577, 0.583, 0.59, 0.6),
    tail_paths=1_000_000,
    tail_share=0.002,
)


def grids(settings: Settings) -> list[Grid]:
    """The six effects, and the least actions behind the first."""

    def rates(values: tuple[float, ...]) -> Dimension:
        return Dimension("eta", values, "", "learning rate")

    return [
        Grid(
            "launch",
            "Where escapes are launched from",
            [rates(settings.launch_rates)],
            [
                *quantity_with_interval("steps", "steps", "measured mean escape time"),
                Quantity("exact", "steps", "exact mean escape time of the chain"),
                Quantity("batch_size", "", "effective batch size"),
                *quantity_with_interval(
                    "outer", "", "share of escapes whose longest step begins beyond the minimum"
                ),
                Quantity("launch", "x", "median point from which the longest step of an escape begins"),
                Quantity("launch_first", "x", "a tenth of the launches lie below"),
                Quantity("launch_last", "x", "a tenth of the launches lie above"),
                Quantity("action_launch", "x", "the same point of the path of least action"),
                Quantity("action_lowest", "x", "lowest point of the path of least action"),
            ],
            f"{QUARTIC}, from -1 to beyond 0, noise of covariance |H|/B; the batch sizes make all times "
            f"alike.",
        ),
        Grid(
            "action",
            "The exponent of the escape time",
            [rates(settings.action_rates)],
            [
                Quantity("scaled", "", "learning rate times least action, the exponent in units of B/eta"),
                Quantity("scaled_error", "", "its numerical error"),
                Quantity("formula", "", "exponent of formula (7) in the same units"),
            ],
            "Exact values of the chain with noise of covariance |H|/B; log N is B times the action for "
            "large B.",
        ),
        Grid(
            "commit",
            "Escape of SGLD against the learning rate",
            [
                Dimension("landscape", ("quartic", "cosine"), "", "landscape"),
                rates(settings.commit_rates),
            ],
            [
                Quantity("ratio", "", "measured mean time to another minimum over that of the SDE"),
                Quantity("exact", "", "exact time of the chain over that of the SDE", "same"),
                Quantity("predicted", "", "factor 1 + eta/4 (|L''_b| - L''_a)", "same"),
            ],
            f"Quartic: {QUARTIC} at D = {settings.commit_temperature:g}, curvatures 2 and -1. Cosine: "
            f"{COSINE} "
            f"at D = {_cosine_temperature(settings.commit_temperature):g}, curvatures 1 and -1.",
            Budget("ratio", settings.commit_target, settings.commit_units),
        ),
        Grid(
            "hit",
            "First crossing of the barrier's top",
            [rates(settings.hit_rates)],
            [
                *quantity_with_interval(
                    "chain", "time", "measured mean time of the chain, learning rate times steps"
                ),
                Quantity("exact_chain", "time", "its exact value"),
                *quantity_with_interval(
                    "bridged", "time", "measured mean time of the SDE, crossings within steps counted"
                ),
                Quantity("exact_sde", "time", "exact value of the SDE"),
                Quantity(
                    "shifted", "time", "exact value of the SDE with the boundary moved by Siegmund's shift"
                ),
            ],
            f"{QUARTIC}, D = {settings.commit_temperature:g}, from -1 to 0.",
        ),
        Grid(
            "growth",
            "Stability of a shared minimum",
            [rates(settings.growth_rates)],
            [
                *quantity_with_interval("exponent", "per step", "measured growth of log |x|, fresh batches"),
                Quantity("lyapunov", "per step", "its exact value"),
                Quantity(
                    "linear_sde", "per step", "the same for the SDE with the first two moments of a step"
                ),
                *quantity_with_interval(
                    "square", "", "measured mean of x^2 after the last step at which it can be seen"
                ),
                Quantity("square_steps", "steps", "that step"),
                Quantity("square_exact", "", "its exact value"),
                *quantity_with_interval(
                    "shuffled_square", "", "measured mean of x^2 after one shuffled epoch"
                ),
                Quantity("shuffled_exact", "", "its exact value"),
                Quantity("mean_square_threshold", "", "largest learning rate that is stable in mean square"),
                Quantity("almost_sure_threshold", "", "largest that is stable almost surely"),
            ],
            f"Three samples of curvature {', '.join(f'{a:g}' for a in CURVATURES)}, batch size 1, from x "
            f"= 1.",
        ),
        Grid(
            "epoch",
            "Spread around a minimum, shuffled and fresh",
            [rates(settings.epoch_rates)],
            [
                *quantity_with_interval(
                    "shuffled", "x^2", "measured variance at the ends of shuffled epochs"
                ),
                Quantity("shuffled_exact", "x^2", "its exact value"),
                *quantity_with_interval("fresh", "x^2", "measured variance with fresh batches"),
                Quantity("fresh_exact", "x^2", "its exact value"),
            ],
            f"Four samples of curvature {EPOCH_CURVATURE:g} around "
            f"{', '.join(f'{c:g}' for c in EPOCH_CENTRES)}, "
            "batch size 1.",
        ),
        Grid(
            "tail",
            "Tails of the stationary law",
            [rates(settings.tail_rates)],
            [
                *quantity_with_interval("index", "", "Hill's estimate of the exponent of the tail"),
                Quantity("kesten", "", "kappa with E|1 - eta a|^kappa = 1"),
            ],
            f"Samples of curvature {', '.join(f'{a:g}' for a in CURVATURES)} around "
            f"{', '.join(f'{c:g}' for c in OFFSETS)}, batch size 1; mean-square stable up to the learning "
            f"rate "
            "at which kappa is 2.",
        ),
    ]


def cell(
    grid: str, parameters: Mapping[str, Any], seed: SeedSequence, settings: Settings, execution: Execution
) -> dict[str, Any]:
    """All quantities of a cell."""
    eta = float(parameters["eta"])
    if grid == "launch":
        return _launch(eta, seed, settings, execution)
    if grid == "action":
        return _action(eta)
    if grid == "commit":
        return _commit(eta, parameters["landscape"], seed, settings, execution)
    if grid == "hit":
        return _hit(eta, seed, settings, execution)
    if grid == "growth":
        return _growth(eta, seed, settings, execution)
    if grid == "epoch":
        return _epoch(eta, seed, settings, execution)
    return _tail(eta, seed, settings, execution)


def longest_step(path: np.ndarray) -> int:
    """The place in a path at which its longest step begins."""
    return int(np.argmax(np.abs(np.diff(path))))


def hessian_noise(eta: float, batch_size: float) -> SGD:
    """SGD with Gaussian noise of covariance |H|/B, which vanishes with the curvature."""
    from simdyn import SGD

    return SGD(eta, batch_size, noise="hessian", floor=0.0)


def _escape(
    landscape: Potential,
    dynamics: SGD | SGLD | SDE,
    start: str,
    exit: str,
    paths: int,
    seed: SeedSequence,
    execution: Execution,
    *,
    exact: bool = True,
) -> Any:
    from simdyn import escape_time

    answer = escape_time(
        landscape,
        dynamics,
        start,
        exit,
        paths=paths,
        method="direct",
        seed=seed,
        threads=execution.threads,
        exact=exact,
        progress=execution.progress.of_escapes,
    )
    if not answer.measurement.complete:
        # An interrupted measurement is an answer to a person, but not a finished cell.
        raise KeyboardInterrupt
    return answer


def _launch(eta: float, seed: SeedSequence, settings: Settings, execution: Execution) -> dict[str, Any]:
    from simdyn import exact
    from simdyn.inference import share_of

    landscape = Potential(QUARTIC)
    batch_size = settings.launch_batch_sizes[settings.launch_rates.index(eta)]
    dynamics = hessian_noise(eta, batch_size)
    answer = _escape(landscape, dynamics, "x=-1", "x >= 0", settings.launch_paths, seed, execution)
    paths = answer.reactive_paths(settings.launches).position.values[:, :, 0]
    found = [path[np.isfinite(path)] for path in paths]
    launches = np.array([path[longest_step(path)] for path in found])
    least = np.asarray(exact.minimum_action(landscape, dynamics, "x=-1", "x=0").path)[:, 0]
    return {
        **value_with_interval("steps", answer),
        "exact": answer.reference.value,
        "batch_size": batch_size,
        **value_with_interval("outer", share_of(launches < -1.0)),
        "launch": float(np.median(launches)),
        "launch_first": float(np.quantile(launches, 0.1)),
        "launch_last": float(np.quantile(launches, 0.9)),
        "action_launch": float(least[longest_step(least)]),
        "action_lowest": float(least.min()),
    }


def _action(eta: float) -> dict[str, Any]:
    from simdyn import exact, theory

    landscape, dynamics = Potential(QUARTIC), hessian_noise(eta, 1.0)
    least = exact.minimum_action(landscape, dynamics, "x=-1", "x=0")
    # The exponent of (7) is proportional to B/eta, so two batch sizes give it without the prefactor.
    times = [
        theory.xie2021(landscape, hessian_noise(eta, size), "x=-1", "x >= 0").value for size in (eta, 2 * eta)
    ]
    return {
        "scaled": eta * least.value,
        "scaled_error": eta * least.error,
        "formula": math.log(times[1] / times[0]),
    }


def _cosine_temperature(temperature: float) -> float:
    """Of the cosine, whose barrier is 2: as many times the noise as that of the quartic."""
    return 8.0 * temperature


def _to_another_minimum(name: str, temperature: float) -> tuple[Potential, float, str, str, float, float]:
    """Landscape, temperature, start, exit, bottom and top: of the quartic well or of the cosine."""
    if name == "quartic":
        return Potential(QUARTIC), temperature, "x=-1", "x >= 1", -1.0, 0.0
    exit = f"(x >= {2 * math.pi}) | (x <= {-2 * math.pi})"
    return Potential(COSINE), _cosine_temperature(temperature), "x=0", exit, 0.0, math.pi


@functools.cache
def _exact_commit(eta: float, name: str, temperature: float) -> tuple[float, float]:
    """Exact times of the chain, in units of the SDE's, and of the SDE: the same for all units of a cell."""
    from simdyn import SDE, SGLD, exact

    landscape, temperature, start, exit, *_ = _to_another_minimum(name, temperature)
    sde = exact.escape_time(landscape, SDE(temperature, step=eta), start, exit).value
    return eta * exact.escape_time(landscape, SGLD(eta, temperature), start, exit).value / sde, sde


def _commit(
    eta: float, name: str, seed: SeedSequence, settings: Settings, execution: Execution
) -> dict[str, Any]:
    from simdyn import SGLD

    landscape, temperature, start, exit, bottom, top = _to_another_minimum(name, settings.commit_temperature)
    rule = SGLD(eta, temperature)
    answer = _escape(landscape, rule, start, exit, settings.commit_paths, seed, execution, exact=False)
    chain, sde = _exact_commit(eta, name, settings.commit_temperature)
    curvature = landscape.hessian(np.array([[bottom], [top]]))[:, 0, 0]
    return {
        "ratio": eta * answer.value / sde,
        "exact": chain,
        "predicted": 1.0 + eta / 4 * (abs(curvature[1]) - curvature[0]),
    }


def _hit(eta: float, seed: SeedSequence, settings: Settings, execution: Execution) -> dict[str, Any]:
    from simdyn import SDE, SGLD, exact
    from simdyn.inference import Interval
    from simdyn.theory.finite_steps import SIEGMUND

    landscape, temperature = Potential(QUARTIC), settings.commit_temperature
    of_chain, of_sde = seed.spawn(2)
    sgld, sde = SGLD(eta, temperature), SDE(temperature, step=eta)
    chain = _escape(landscape, sgld, "x=-1", "x >= 0", settings.hit_paths, of_chain, execution)
    bridged = _escape(landscape, sde, "x=-1", "x >= 0", settings.hit_paths, of_sde, execution)
    steps = Interval(chain.value, chain.low, chain.high)
    shift = SIEGMUND * math.sqrt(2 * temperature * eta)
    return {
        **value_with_interval("chain", steps.mapped(lambda n: eta * n)),
        "exact_chain": eta * chain.reference.value,
        **value_with_interval("bridged", bridged),
        "exact_sde": bridged.reference.value,
        "shifted": exact.escape_time(landscape, sde, "x=-1", f"x >= {shift}").value,
    }


def samples(centres: tuple[float, ...], curvatures: tuple[float, ...]) -> QuadraticSum:
    """Parabolas in one dimension."""
    return QuadraticSum(np.array(curvatures), np.array(centres))


def _growth(eta: float, seed: SeedSequence, settings: Settings, execution: Execution) -> dict[str, Any]:
    from simdyn import SGD, stability

    shared = samples((0.0,) * len(CURVATURES), CURVATURES)
    fresh, shuffled = (
        stability(
            shared,
            SGD(eta, 1, sampling=sampling),
            paths=settings.growth_paths,
            steps=settings.growth_steps,
            seed=child,
            threads=execution.threads,
        )
        for sampling, child in zip(("with_replacement", "epoch_shuffle"), seed.spawn(2), strict=True)
    )
    growth, epoch = fresh.measurement, len(CURVATURES)
    assert growth is not None
    assert shuffled.measurement is not None
    a = np.array(CURVATURES)
    square = growth.mean_square(growth.visible_steps)
    of_epoch = shuffled.measurement.mean_square(epoch)
    return {
        **value_with_interval("exponent", growth.exponent),
        "lyapunov": math.log(fresh.multiplier("almost_sure")),
        "linear_sde": float(eta * (-a.mean() - eta * a.var() / 2)),
        **value_with_interval("square", square),
        "square_steps": growth.visible_steps,
        "square_exact": fresh.multiplier("mean_square") ** growth.visible_steps,
        **value_with_interval("shuffled_square", of_epoch),
        "shuffled_exact": shuffled.multiplier("mean_square") ** epoch,
        "mean_square_threshold": fresh.threshold("mean_square"),
        "almost_sure_threshold": fresh.threshold("almost_sure"),
    }


def _epoch(eta: float, seed: SeedSequence, settings: Settings, execution: Execution) -> dict[str, Any]:
    from simdyn import SGD, simulate, theory
    from simdyn.inference import deviation_of

    centres = np.array(EPOCH_CENTRES)
    n = len(centres)
    landscape = samples(EPOCH_CENTRES, (EPOCH_CURVATURE,) * n)
    # Long enough that exp(-20) of the start is left.
    epochs = math.ceil(20.0 / (n * -math.log(abs(1 - eta * EPOCH_CURVATURE))))
    spread: dict[str, float] = {}
    for name, sampling, child in zip(
        ("shuffled", "fresh"), ("epoch_shuffle", "with_replacement"), seed.spawn(2), strict=True
    ):
        data = simulate(
            landscape,
            SGD(eta, 1, sampling=sampling),
            start=[float(centres.mean())],
            paths=settings.epoch_paths,
            steps=n * epochs,
            seed=child,
            threads=execution.threads,
        )
        deviation = deviation_of(data["final"].values[:, 0])
        spread |= value_with_interval(name, deviation.mapped(lambda sd: sd**2))
    fresh = theory.minibatch_covariance(np.full(n, EPOCH_CURVATURE), EPOCH_CURVATURE * centres, eta, 1)
    return {
        **spread,
        "shuffled_exact": float(theory.epoch_shuffle_variance(EPOCH_CURVATURE, centres, eta).value),
        "fresh_exact": float(np.squeeze(fresh.value)),
    }


def _tail(eta: float, seed: SeedSequence, settings: Settings, execution: Execution) -> dict[str, Any]:
    from simdyn import SGD, simulate, theory
    from simdyn.inference import tail_index

    a = np.array(CURVATURES)
    multipliers = 1 - eta * a
    # Values as far out as the tail that is looked at take the time of a fall from there to appear.
    steps = math.ceil(40.0 / -np.log(np.abs(multipliers)).mean())
    data = simulate(
        samples(OFFSETS, CURVATURES),
        SGD(eta, 1, sampling="with_replacement"),
        start=[0.0],
        paths=settings.tail_paths,
        steps=steps,
        seed=seed,
        threads=execution.threads,
    )
    final = data["final"].values[:, 0]
    found = tail_index(final - np.median(final), settings.tail_share)
    return {
        **value_with_interval("index", found),
        "kesten": float(theory.kesten(multipliers).value),
    }
