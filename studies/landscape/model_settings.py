"""Grids and sample sizes of the potentials."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class ModelSettings:
    """Grids and sample sizes of the potentials; no name may be one of `NetworkSettings`.

    Attributes
    ----------
    cooling_schedules, cooling_steps, cooling_paths
        How noise is taken away, in how many steps, and from how many paths.
    momenta, rolling_paths
        Heavy-ball momenta of descent without noise, and starts on the slope.
    index_spreads, index_coordinates, index_draws
        Spread of the logarithm of the coordinates' scales, coordinates, and draws of each.
    string_landscapes
        Where the path of least energy is looked for.
    smoothing_widths
        Standard deviations of the Gaussians.
    smoothing_shares
        Of the largest one, with two coordinates.
    path_widths, path_runs, path_samples, path_images, path_rounds
        Ways between two solutions of a network: units of its hidden layer, numbers of what is drawn, digits,
        and edges and rounds of the string.
    """

    cooling_schedules: tuple[str, ...]
    cooling_steps: tuple[int, ...]
    cooling_paths: int
    momenta: tuple[float, ...]
    rolling_paths: int
    index_spreads: tuple[float, ...]
    index_coordinates: int
    index_draws: int
    string_landscapes: tuple[str, ...]
    smoothing_widths: tuple[float, ...]
    smoothing_shares: tuple[float, ...]
    path_widths: tuple[int, ...]
    path_runs: tuple[int, ...]
    path_samples: int
    path_images: int
    path_rounds: int


LANDSCAPES = ("muller_brown", "curved_valley", "three_wells", "double_well")

QUICK_MODEL = ModelSettings(
    cooling_schedules=("linear",),
    cooling_steps=(300, 2_000, 20_000),
    cooling_paths=5_000,
    momenta=(0.0, 0.5, 0.8, 0.9, 0.95, 0.98, 0.99),
    rolling_paths=2_000,
    index_spreads=(0.0, 0.5, 1.0, 1.5),
    index_coordinates=100,
    index_draws=2_500,
    string_landscapes=LANDSCAPES,
    smoothing_widths=(0.05, 0.1, 0.15, 0.2, 0.3, 0.4, 0.5, 0.6, 0.8, 1.2),
    smoothing_shares=(0.0, 0.2, 0.4, 0.6, 0.8, 1.0),
    path_widths=(6, 24),
    path_runs=(0, 1, 2, 3),
    path_samples=100,
    path_images=10,
    path_rounds=80,
)
FULL_MODEL = ModelSettings(
    cooling_schedules=("linear", "exponential"),
    cooling_steps=(100, 300, 1_000, 3_000, 10_000, 30_000, 100_000),
    cooling_paths=20_000,
    momenta=(0.0, 0.3, 0.5, 0.7, 0.8, 0.85, 0.9, 0.93, 0.95, 0.97, 0.98, 0.99, 0.995),
    rolling_paths=20_000,
    index_spreads=(0.0, 0.25, 0.5, 0.75, 1.0, 1.25, 1.5),
    index_coordinates=400,
    index_draws=10_000,
    string_landscapes=LANDSCAPES,
    smoothing_widths=(0.05, 0.1, 0.15, 0.2, 0.25, 0.3, 0.35, 0.4, 0.45, 0.5, 0.6, 0.7, 0.8, 1.0, 1.2),
    smoothing_shares=(0.0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0),
    path_widths=(6, 12, 24),
    path_runs=(0, 1, 2, 3, 4, 5),
    path_samples=200,
    path_images=12,
    path_rounds=200,
)
