"""Which function measures a cell of each grid, and the grids."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from simdyn.networks import can_train
from simdyn.study import (
    Dimension,
    Execution,
    Grid,
    Quantity,
    Results,
    quantity_with_interval,
)
from studies.jastrzebski2017 import equilibrium, networks, noise_networks, reparametrised, valleys
from studies.jastrzebski2017.settings import Settings

if TYPE_CHECKING:
    from numpy.random import SeedSequence


def has_networks(results: Results) -> bool:
    """Whether a run was one with the networks."""
    return "early" in results.datasets


_SETTLED = Quantity("settled", "", "whether the run was long enough to call its law stationary")
_NOISE = "the same everywhere, or following the curvature"


def grids(settings: Settings) -> list[Grid]:
    """Equilibrium, rescaling, valleys, and with PyTorch the networks."""
    found = [*_equilibrium_grids(settings), reparametrised.reparametrised_grid(), *_valley_grids(settings)]
    return [*found, *_network_grids(settings)] if can_train() else found


def _equilibrium_grids(settings: Settings) -> list[Grid]:
    return [
        Grid(
            "equilibrium",
            "Sharp and deep against flat and shallow",
            [
                Dimension("noise", ("isotropic", "minibatch", "curvature"), "", "kind of gradient noise"),
                Dimension("B", settings.batch_sizes, "", "batch size"),
            ],
            [
                *quantity_with_interval("share", "", "share of all states in the flat well"),
                Quantity("chain", "", "its exact value for the chain with Gaussian noise of that covariance"),
                Quantity("gibbs", "", "its exact value under exp(-2 L / (n sigma^2))"),
                Quantity("formula", "", "exp(-2 L_A / (n sigma^2)) / sqrt(det H_A), normalised"),
                *quantity_with_interval(
                    "distance", "", "total variation between the law and exp(-2 L / (n sigma^2))"
                ),
                Quantity("temperature", "loss", "n sigma^2 / 2, with n = eta / B"),
                _SETTLED,
            ],
            f"Two wells on a line, learning rate {settings.settling_rate:g}, sigma^2 = "
            f"{equilibrium.VARIANCE:g}. minibatch: real batches with replacement, whose gradients have the "
            "same variance and the skewness of an exponential law. curvature: Gaussian noise with the "
            "curvature of the well as covariance.",
        ),
        Grid(
            "width",
            "Odds of the flat well against the determinants",
            [
                Dimension("dim", (1, 2), "", "number of coordinates"),
                Dimension("h", settings.flat_curvatures, "", "curvature of the flat well, in all directions"),
            ],
            [
                *quantity_with_interval(
                    "odds",
                    "",
                    "logarithm of the odds of the flat well (where its parabola is the lower one), without "
                    "what the depths do",
                ),
                Quantity("determinants", "", "logarithm of the ratio of the determinants, sharp over flat"),
                Quantity("gibbs", "", "the same odds under exp(-L/D), exact up to a grid"),
                Quantity("formula", "", "half the logarithm of that ratio"),
            ],
            f"Two wells of nearly equal depth, isotropic noise, D = {settings.width_temperature:g}.",
        ),
        Grid(
            "scaling",
            "Rate and batch multiplied alike: spread around a minimum",
            [
                Dimension(
                    "sampling", ("with_replacement", "without_replacement"), "", "how batches are drawn"
                ),
                Dimension("beta", settings.scaling_factors, "", "factor of learning rate and batch size"),
            ],
            [
                *quantity_with_interval(
                    "ratio", "", "measured variance over that of the SDE with noise of covariance C/B"
                ),
                Quantity("exact", "", "its exact value"),
                Quantity("steepness", "", "learning rate times curvature"),
            ],
            f"{settings.scaling_samples} samples of four kinds; eta = {settings.scaling_rate:g} beta and B = "
            f"{settings.scaling_batch_size} beta.",
        ),
        Grid(
            "course",
            "Rate and batch multiplied alike: the way down",
            [
                Dimension("beta", settings.course_factors, "", "factor of learning rate and batch size"),
                Dimension("time", settings.course_times, "time", "learning rate times steps"),
            ],
            [
                *quantity_with_interval("loss", "loss", "measured mean loss"),
                Quantity("exact", "loss", "its exact value for the chain"),
                Quantity("steps", "steps", "steps taken"),
            ],
            f"Two wells, from x = {settings.course_start:g}; eta = {settings.course_rate:g} beta and B = "
            f"{settings.course_batch_size} beta, isotropic noise.",
        ),
    ]


def _valley_grids(settings: Settings) -> list[Grid]:
    noise = Dimension("noise", ("isotropic", "curvature"), "", _NOISE)
    return [
        Grid(
            "cloud",
            "The cloud of the last iterates",
            [
                noise,
                Dimension("B", settings.cloud_batch_sizes, "", "batch size"),
                Dimension("h", settings.cloud_curvatures, "", "curvature of the valley"),
            ],
            [
                *quantity_with_interval(
                    "width", "x", "root mean square distance of the last iterates from their mean"
                ),
                Quantity("exact", "x", "its exact value"),
                Quantity("sde", "x", "that of endlessly many iterates of the SDE"),
            ],
            f"Parabolas, learning rate {settings.cloud_rate:g}, {settings.cloud_length:,} iterates.",
        ),
        Grid(
            "leaving",
            "Leaving valleys of one depth",
            [noise, Dimension("h", settings.leaving_curvatures, "", "curvature at the bottom")],
            [
                *quantity_with_interval("scaled", "", "measured mean time to leave, times the curvature"),
                Quantity("exact", "", "its exact value for the chain"),
                Quantity("steps", "steps", "measured mean number of steps"),
            ],
            f"Depth 1, learning rate {settings.leaving_rate:g}, D = {settings.leaving_temperature:g} for "
            f"isotropic noise and at the curvature {settings.cloud_middle:g}; left at {valleys.RIM:g} "
            "widths.",
        ),
        Grid(
            "steer",
            "Another learning rate across the floor",
            [Dimension("factor", settings.steer_factors, "", "factor of the learning rate across the floor")],
            [
                *quantity_with_interval("decades", "", "mean decimal logarithm of the walls' curvature"),
                Quantity("adiabatic", "", "the same where the walls settle while the floor stands still"),
            ],
            f"Walls from 2 to 200, learning rate {settings.steer_rate:g}, D = "
            f"{settings.steer_temperature:g}.",
        ),
        Grid(
            "flatter",
            "From the steep side of that valley",
            [
                Dimension(
                    "D", settings.flatter_temperatures, "loss", "eta sigma^2 / (2 B); 0 is gradient descent"
                )
            ],
            [
                *quantity_with_interval("decades", "", "mean decimal logarithm of the walls' curvature"),
                Quantity("start", "", "the same at the start"),
            ],
            f"After {settings.flatter_steps:,} steps of {settings.steer_rate:g}.",
        ),
        Grid(
            "walk",
            "A walk in a winding valley",
            [
                Dimension("eta", settings.walk_rates, "", "learning rate"),
                Dimension("B", settings.walk_batch_sizes, "", "batch size"),
            ],
            [
                *quantity_with_interval("distance", "x", "root mean square distance along the floor"),
                Quantity("diffusion", "x", "that of free diffusion along the floor"),
                *quantity_with_interval("height", "loss", "mean height above the floor"),
                Quantity(
                    "linear", "loss", "the same for a straight valley, averaged over where the iterates are"
                ),
                *quantity_with_interval(
                    "convex", "", "share of pairs of iterates with a convex loss between them"
                ),
                *quantity_with_interval("bounce", "", "share of pairs with the lowest loss between them"),
                Quantity(
                    "bounce_linear",
                    "",
                    "the same for a straight valley, averaged over where the iterates are",
                ),
                *quantity_with_interval(
                    "fall", "", "fall of the floor's loss in the second half, over that at the start"
                ),
            ],
            f"{settings.walk_steps:,} steps, sigma^2 = {settings.walk_variance:g}; curvature across "
            f"{valleys.WALL:g} to {2 * valleys.WALL:g}.",
        ),
    ]


def _network_grids(settings: Settings) -> list[Grid]:
    runs = Dimension("run", settings.runs, "", "number of the training samples, first parameters and batches")
    curvature = [
        Quantity("sharpness", "", "largest eigenvalue of the Hessian of the training loss"),
        Quantity("loss", "", "training loss"),
        Quantity("train_accuracy", "", "share of the training samples that are right"),
        Quantity("test_accuracy", "", "share of the other samples that are right"),
    ]
    return [
        Grid(
            "early",
            "The largest eigenvalue in the course of training",
            [
                Dimension("eta", settings.rates, "", "learning rate"),
                Dimension("B", settings.sizes, "", "batch size"),
                runs,
                Dimension("step", settings.looks, "steps", "steps of training"),
            ],
            curvature,
            f"{settings.samples} digits of 8 by 8 pixels, two hidden layers of 32, ten outputs, squared "
            "loss.",
        ),
        Grid(
            "steered",
            "Another learning rate along the sharpest directions",
            [
                Dimension(
                    "factor",
                    settings.steered_factors,
                    "",
                    "factor of the learning rate along those directions",
                ),
                runs,
            ],
            curvature,
            f"The {settings.directions} sharpest directions, found anew every {settings.refresh} steps; "
            f"learning rate {settings.steered_rate:g}, batches of {settings.steered_batch_size}, "
            f"{settings.steered_steps:,} steps.",
        ),
        *noise_networks.noise_grids(settings, runs, curvature[1:]),
    ]


def cell(
    grid: str, parameters: Mapping[str, Any], seed: SeedSequence, settings: Settings, execution: Execution
) -> dict[str, Any]:
    """All quantities of a cell."""
    at = dict(parameters)
    last = (seed, settings, execution)
    if grid == "equilibrium":
        return equilibrium.equilibrium(at["noise"], int(at["B"]), *last)
    if grid == "reparametrised":
        return reparametrised.reparametrised(at["place"])
    if grid == "width":
        return equilibrium.width(int(at["dim"]), float(at["h"]), *last)
    if grid == "scaling":
        return equilibrium.scaling(at["sampling"], int(at["beta"]), *last)
    if grid == "course":
        return equilibrium.course(int(at["beta"]), float(at["time"]), *last)
    if grid == "cloud":
        return valleys.cloud(at["noise"], float(at["B"]), float(at["h"]), *last)
    if grid == "leaving":
        return valleys.leaving(at["noise"], float(at["h"]), *last)
    if grid == "steer":
        return valleys.steer(float(at["factor"]), *last)
    if grid == "flatter":
        return valleys.flatter(float(at["D"]), *last)
    if grid == "walk":
        return valleys.walk(float(at["eta"]), float(at["B"]), *last)
    if grid == "early":
        return dict(networks.early(settings, float(at["eta"]), int(at["B"]), int(at["run"]), int(at["step"])))
    if grid == "equal":
        return noise_networks.equal(settings, at["scaled"], int(at["beta"]), int(at["run"]), int(at["epoch"]))
    if grid == "moves":
        return noise_networks.moves(settings, float(at["eta"]), int(at["B"]), int(at["run"]), int(at["step"]))
    return networks.steered(settings, float(at["factor"]), int(at["run"]))
