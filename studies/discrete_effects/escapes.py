"""Cells about escapes: where they are launched from, and how their times depend on the learning rate."""

from __future__ import annotations

import functools
import math
from typing import TYPE_CHECKING, Any

import numpy as np

from potentials import Potential
from simdyn.study import Execution, value_with_interval
from studies.discrete_effects.settings import Settings

if TYPE_CHECKING:
    from numpy.random import SeedSequence

    from simdyn import SDE, SGD, SGLD

QUARTIC = "x**4/4 - x**2/2"
COSINE = "-cos(x)"


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


def launch_cell(eta: float, seed: SeedSequence, settings: Settings, execution: Execution) -> dict[str, Any]:
    """Escapes in noise of covariance |H|/B, looked at one by one: where their longest steps begin."""
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


def action_cell(eta: float) -> dict[str, Any]:
    """The least action of the chain in noise of covariance |H|/B, and the exponent of formula (7)."""
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


def cosine_temperature(temperature: float) -> float:
    """Of the cosine, whose barrier is 2: as many times the noise as that of the quartic."""
    return 8.0 * temperature


def _to_another_minimum(name: str, temperature: float) -> tuple[Potential, float, str, str, float, float]:
    """Landscape, temperature, start, exit, bottom and top: of the quartic well or of the cosine."""
    if name == "quartic":
        return Potential(QUARTIC), temperature, "x=-1", "x >= 1", -1.0, 0.0
    exit = f"(x >= {2 * math.pi}) | (x <= {-2 * math.pi})"
    return Potential(COSINE), cosine_temperature(temperature), "x=0", exit, 0.0, math.pi


@functools.cache
def _exact_commit(eta: float, name: str, temperature: float) -> tuple[float, float]:
    """Exact times of the chain, in units of the SDE's, and of the SDE: the same for all units of a cell."""
    from simdyn import SDE, SGLD, exact

    landscape, temperature, start, exit, *_ = _to_another_minimum(name, temperature)
    sde = exact.escape_time(landscape, SDE(temperature, step=eta), start, exit).value
    return eta * exact.escape_time(landscape, SGLD(eta, temperature), start, exit).value / sde, sde


def commit_cell(
    eta: float, name: str, seed: SeedSequence, settings: Settings, execution: Execution
) -> dict[str, Any]:
    """Time to another minimum over that of the SDE."""
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


def hit_cell(eta: float, seed: SeedSequence, settings: Settings, execution: Execution) -> dict[str, Any]:
    """First crossing of the barrier's top, by the chain and by the SDE with the bridge."""
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
