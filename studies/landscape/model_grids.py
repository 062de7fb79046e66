"""Grids of the potentials."""

from __future__ import annotations

from simdyn.networks import can_train
from simdyn.study import Dimension, Grid, Quantity, quantity_with_interval
from studies.landscape.cooling import COLD, HOT, RATE
from studies.landscape.model_settings import ModelSettings
from studies.landscape.network_paths import path_grid
from studies.landscape.rolling import RATE as ROLLING_RATE
from studies.landscape.wells import METHODS, PLACES, PLANAR


def model_grids(settings: ModelSettings) -> list[Grid]:
    """All of them; the ways between networks where these can be trained."""
    return [
        Grid(
            "cooling",
            "Noise that is taken away slowly",
            [
                Dimension("schedule", settings.cooling_schedules, "", "how the temperature falls"),
                Dimension("steps", settings.cooling_steps, "steps", "from hot to cold"),
            ],
            [
                *quantity_with_interval("share", "", "paths that end in the deeper well"),
                Quantity("master", "", "the same by the rates of the SDE, exact at each temperature"),
                Quantity("kramers", "", "the same by Kramers' rates"),
                Quantity("held", "", "Gibbs' share of the deeper well at the first temperature"),
                Quantity("constant", "", "by exact rates at the best constant temperature, as many steps"),
                Quantity("constant_at", "", "that temperature"),
            ],
            f"SGLD, learning rate {RATE:g}, from the shallow well of a tilted one; temperature from {HOT:g} "
            f"to {COLD:g}.",
        ),
        Grid(
            "rolling",
            "Momentum that rolls past a minimum",
            [Dimension("beta", settings.momenta, "", "heavy-ball momentum")],
            [
                *quantity_with_interval("share", "", "starts on the outer slope that end in the deeper well"),
                *quantity_with_interval(
                    "rest", "", "starts anywhere in the shallow well that end in the deeper one"
                ),
                Quantity("ball", "", "the first by the equation of motion of a ball with friction"),
            ],
            f"Descent without noise, learning rate {ROLLING_RATE:g}, from the slope beyond the shallow well.",
        ),
        Grid(
            "indices",
            "Tail indices of coordinates of many scales",
            [
                Dimension(
                    "law", ("Gaussian", "stable"), "", "of each coordinate; the stable one has index 1.5"
                ),
                Dimension("spread", settings.index_spreads, "", "of the logarithm of the scales"),
            ],
            [
                *quantity_with_interval("single", "", "index of a coordinate, mean over coordinates"),
                *quantity_with_interval("pooled", "", "index of all coordinates in one sample"),
                *quantity_with_interval("scaled", "", "the same after each is divided by its median size"),
                Quantity("expected", "", "pooled index that Gaussians of these scales have"),
            ],
            f"{settings.index_coordinates} coordinates, {settings.index_draws} draws of each.",
        ),
        Grid(
            "strings",
            "Paths of least energy",
            [Dimension("landscape", settings.string_landscapes, "", "landscape")],
            [
                Quantity("barrier", "", "by the string method"),
                Quantity("error", "", "bound for its numerical error"),
                Quantity(
                    "known", "", "lowest of the ways over the saddles that a search of the domain finds"
                ),
                Quantity("straight", "", "highest point of the straight line above the start"),
                Quantity("saddles", "", "on the path"),
                Quantity("longer", "", "length of the path over the distance of its ends"),
            ],
            "Between two minima; the double well has 50 coordinates, the others one or two.",
        ),
        Grid(
            "smoothing",
            "Which minimum survives smoothing",
            [
                Dimension("landscape", tuple(PLACES), "", "which well is the deeper one"),
                Dimension("average", METHODS, "", "what is averaged over Gaussian displacements"),
                Dimension("width", settings.smoothing_widths, "", "standard deviation of the displacements"),
            ],
            [
                Quantity("minima", "", "number of minima"),
                Quantity("lowest", "", "place of the lowest one"),
                Quantity("followed", "", "place in the landscape itself to which that one is followed back"),
                Quantity("right", "", "1 where that is the deepest minimum of the landscape, else 0"),
            ],
            "Exact values. Diffusion averages the energy, a bath exp(-beta energy).",
        ),
        Grid(
            "smoothed_planes",
            "Minima that are left, two coordinates",
            [
                Dimension("landscape", tuple(PLANAR), "", "landscape"),
                Dimension("share", settings.smoothing_shares, "", "of the largest width"),
            ],
            [Quantity("minima", "", "number of minima of the mean energy")],
            "Largest standard deviation of the displacements: "
            + ", ".join(f"{width:g} ({name})" for name, (_, width) in PLANAR.items())
            + ".",
        ),
        *([path_grid(settings)] if can_train() else []),
    ]
