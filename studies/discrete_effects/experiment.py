"""What is measured: grids, and one cell of each grid."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from simdyn.study import Budget, Dimension, Execution, Grid, Quantity, quantity_with_interval
from studies.discrete_effects.around_a_minimum import (
    CURVATURES,
    EPOCH_CENTRES,
    EPOCH_CURVATURE,
    OFFSETS,
    epoch_cell,
    growth_cell,
    tail_cell,
)
from studies.discrete_effects.escapes import (
    COSINE,
    QUARTIC,
    action_cell,
    commit_cell,
    cosine_temperature,
    hit_cell,
    launch_cell,
)
from studies.discrete_effects.settings import Settings

if TYPE_CHECKING:
    from numpy.random import SeedSequence


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
            f"at D = {cosine_temperature(settings.commit_temperature):g}, curvatures 1 and -1.",
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
        return launch_cell(eta, seed, settings, execution)
    if grid == "action":
        return action_cell(eta)
    if grid == "commit":
        return commit_cell(eta, parameters["landscape"], seed, settings, execution)
    if grid == "hit":
        return hit_cell(eta, seed, settings, execution)
    if grid == "growth":
        return growth_cell(eta, seed, settings, execution)
    if grid == "epoch":
        return epoch_cell(eta, seed, settings, execution)
    return tail_cell(eta, seed, settings, execution)
