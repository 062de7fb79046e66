"""Grids and sample sizes of the two sizes of the study."""

from __future__ import annotations

from dataclasses import dataclass

from simdyn.errors import InputError
from simdyn.study import check_at_least, check_contains, check_paired

PAPER = "Xie, Sato & Sugiyama 2021"
DECK = "slides on Xie, Sato & Sugiyama 2021 (Master 2 Data Science, 2022)"

DATA_SETS = ("digits", "breast cancer", "wine", "fashion_mnist", "cifar10")
"""What networks may be trained on; the last two from files."""
HISTOGRAM_BATCH = 16
"""From which batch size on the noise is said to be Gaussian."""


@dataclass(frozen=True)
class Settings:
    """Grids and sample sizes.

    Attributes
    ----------
    target_error, max_paths
        Relative standard error of each measured mean, and largest number of paths of a cell.
    sgld_learning_rate, temperatures, curvature_learning_rate, curvature_temperature, curvatures
        Of SGLD on the Styblinski-Tang function.
    batch_learning_rate, batch_sizes, rate_batch_size, learning_rates
        Of SGD there; batch sizes are batch size over temperature.
    large_batch_sizes, large_batch_rates
        Beyond simulation, of which exact values are given.
    log_rates
        Learning rates of the law of log(1/eta).
    flux_temperatures, flux_paths
        Of the flux over population.
    data_samples, data_rate, data_batch_sizes
        Of the Styblinski-Tang function with shifted data.
    line_error
        As target_error, of landscapes on a line.
    floor_noise, floor_rates, floors
        eta / B, learning rates and floors.
    bend_noise, bends, bend_floors
        eta / B, bends and floors of valleys in the plane.
    barrier_rate, barrier_batch_size, barrier_floor, barrier_covariance, barrier_height, barrier_curvature
        Of two barriers of which one curvature is varied; the other one stays.
    curvature_scale
        Values of the one that is varied.
    favour_batch_sizes
        At which the least and the largest of these curvatures of the minimum are compared.
    well_rate, well_temperatures, well_paths
        Of three wells.
    data_sets, folder
        Of the networks: "digits", "breast cancer" and "wine", which scikit-learn ships, and "fashion_mnist"
        and "cifar10" from files in the folder.
    samples, width, descent_rate, descent_steps
        Training samples, units of each of two hidden layers, and how they are trained to a minimum.
    noise_batch_sizes, noise_draws, noise_bins
        Of the norm of the gradient noise before and after training; bins for the first data set.
    places, runs
        Steps of training at which the noise is held against the Hessian, and repetitions.
    leaving_rates, leaving_batch_size, leaving_factors
        Largest learning rate for each data set and least batch size; B, 1 / eta and 1 / k are multiplied by
        the factors.
    leaving_replicas, leaving_steps, leaving_margin
        Networks that leave one minimum, for each factor: many where they leave soon and cost little; their
        budget, and by how much the loss has to rise for that.
    """

    target_error: float
    max_paths: int
    sgld_learning_rate: float
    temperatures: tuple[float, ...]
    curvature_learning_rate: float
    curvature_temperature: float
    curvatures: tuple[float, ...]
    batch_learning_rate: float
    batch_sizes: tuple[float, ...]
    rate_batch_size: float
    learning_rates: tuple[float, ...]
    large_batch_sizes: tuple[float, ...]
    large_batch_rates: tuple[float, ...]
    log_rates: tuple[float, ...]
    flux_temperatures: tuple[float, ...]
    flux_paths: int
    data_samples: int
    data_rate: float
    data_batch_sizes: tuple[int, ...]
    line_error: float
    floor_noise: float
    floor_rates: tuple[float, ...]
    floors: tuple[float, ...]
    bend_noise: float
    bends: tuple[float, ...]
    bend_floors: tuple[float, ...]
    barrier_rate: float
    barrier_batch_size: float
    barrier_floor: float
    barrier_covariance: float
    barrier_height: float
    barrier_curvature: float
    curvature_scale: tuple[float, ...]
    favour_batch_sizes: tuple[float, ...]
    well_rate: float
    well_temperatures: tuple[float, ...]
    well_paths: int
    data_sets: tuple[str, ...]
    folder: str
    samples: int
    width: int
    descent_rate: float
    descent_steps: int
    noise_batch_sizes: tuple[int, ...]
    noise_draws: int
    noise_bins: int
    places: tuple[int, ...]
    runs: tuple[int, ...]
    leaving_rates: tuple[float, ...]
    leaving_batch_size: int
    leaving_factors: tuple[float, ...]
    leaving_replicas: tuple[int, ...]
    leaving_steps: int
    leaving_margin: float

    def __post_init__(self) -> None:
        check_paired(self, ("leaving_rates", "data_sets"), ("leaving_replicas", "leaving_factors"))
        check_at_least(
            self, large_batch_sizes=3, log_rates=2, floors=2, bend_floors=2, favour_batch_sizes=2, data_sets=1
        )
        check_contains(self, noise_batch_sizes=HISTOGRAM_BATCH)
        for data in self.data_sets:
            if data not in DATA_SETS:
                known = ", ".join(map(repr, DATA_SETS))
                raise InputError(f"the data set is {data!r}; it must be one of {known}")


QUICK = Settings(
    target_error=0.02,
    max_paths=4_000,
    sgld_learning_rate=0.001,
    temperatures=(4.0, 4.5, 5.0, 6.0, 8.0, 10.0),
    curvature_learning_rate=0.0005,
    curvature_temperature=5.0,
    curvatures=(0.25, 0.5, 1.0, 2.0),
    batch_learning_rate=0.02,
    batch_sizes=(0.04, 0.045, 0.05, 0.06, 0.07, 0.08),
    rate_batch_size=0.1,
    learning_rates=(0.021, 0.0225, 0.025, 0.03, 0.035, 0.04),
    large_batch_sizes=(0.125, 0.25, 0.5, 1.0, 2.0, 3.0),
    large_batch_rates=(0.01, 0.014, 0.02, 0.028, 0.04),
    log_rates=(0.02, 0.005, 0.00125, 0.0006, 0.0003),
    flux_temperatures=(6.0, 8.0, 10.0),
    flux_paths=2_000,
    data_samples=1_000,
    data_rate=0.02,
    data_batch_sizes=(1, 2, 3),
    line_error=0.02,
    floor_noise=0.3,
    floor_rates=(0.1, 0.02),
    floors=(0.3, 0.1, 0.03, 0.01),
    bend_noise=0.3,
    bends=(0.0, 0.5),
    bend_floors=(0.2, 0.1),
    barrier_rate=0.05,
    barrier_batch_size=0.2,
    barrier_floor=0.1,
    barrier_covariance=12.0,
    barrier_height=0.5,
    barrier_curvature=4.0,
    curvature_scale=(2.0, 2.8, 4.0),
    favour_batch_sizes=(0.1, 0.15, 0.2),
    well_rate=0.02,
    well_temperatures=(0.04, 0.05),
    well_paths=20_000,
    data_sets=("digits", "breast cancer", "wine"),
    folder="",
    samples=170,
    width=10,
    descent_rate=0.2,
    descent_steps=1_000,
    noise_batch_sizes=(1, 4, 16, 64),
    noise_draws=4_000,
    noise_bins=16,
    places=(0, 1_000),
    runs=(0, 1, 2, 3, 4),
    leaving_rates=(0.2, 1.0, 1.5),
    leaving_batch_size=4,
    leaving_factors=(1.0, 1.25, 1.5, 1.75),
    leaving_replicas=(250, 160, 64, 48),
    leaving_steps=600,
    leaving_margin=0.25,
)
FULL = Settings(
    target_error=0.01,
    max_paths=12_000,
    sgld_learning_rate=0.001,
    temperatures=(3.0, 3.5, 4.0, 4.5, 5.0, 6.0, 7.0, 8.0, 10.0),
    curvature_learning_rate=0.00025,
    curvature_temperature=5.0,
    curvatures=(0.25, 0.5, 1.0, 2.0, 4.0),
    batch_learning_rate=0.02,
    batch_sizes=(0.04, 0.045, 0.05, 0.055, 0.06, 0.065, 0.07, 0.075, 0.08),
    rate_batch_size=0.1,
    learning_rates=(0.02, 0.021, 0.0225, 0.025, 0.0275, 0.03, 0.035, 0.04),
    large_batch_sizes=(0.1, 0.125, 0.1875, 0.25, 0.375, 0.5, 0.75, 1.0, 1.5, 2.0, 2.5, 3.0),
    large_batch_rates=(0.01, 0.012, 0.014, 0.017, 0.02, 0.024, 0.028, 0.034, 0.04),
    log_rates=(0.02, 0.01, 0.005, 0.0025, 0.00125, 0.0006, 0.0003),
    flux_temperatures=(5.0, 6.0, 8.0, 10.0),
    flux_paths=10_000,
    data_samples=1_000,
    data_rate=0.02,
    data_batch_sizes=(1, 2, 3, 4),
    line_error=0.01,
    floor_noise=0.3,
    floor_rates=(0.1, 0.05, 0.02),
    floors=(0.3, 0.1, 0.03, 0.01, 0.003),
    bend_noise=0.3,
    bends=(0.0, 0.5, 1.0),
    bend_floors=(0.4, 0.2, 0.1),
    barrier_rate=0.05,
    barrier_batch_size=0.2,
    barrier_floor=0.1,
    barrier_covariance=12.0,
    barrier_height=0.5,
    barrier_curvature=4.0,
    curvature_scale=(2.0, 2.4, 2.8, 3.4, 4.0),
    favour_batch_sizes=(0.1, 0.125, 0.15, 0.175, 0.2),
    well_rate=0.02,
    well_temperatures=(0.035, 0.04, 0.045, 0.05),
    well_paths=100_000,
    data_sets=("digits", "breast cancer", "wine"),
    folder="",
    samples=170,
    width=10,
    descent_rate=0.2,
    descent_steps=1_000,
    noise_batch_sizes=(1, 2, 4, 8, 16, 32, 64),
    noise_draws=10_000,
    noise_bins=30,
    places=(0, 30, 100, 300, 1_000, 3_000),
    runs=(0, 1, 2, 3, 4),
    leaving_rates=(0.2, 1.0, 1.5),
    leaving_batch_size=4,
    leaving_factors=(1.0, 1.25, 1.5, 1.75, 2.0),
    leaving_replicas=(1_000, 700, 400, 200, 100),
    leaving_steps=5_000,
    leaving_margin=0.25,
)
