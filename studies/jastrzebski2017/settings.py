"""Grid points and sample sizes of the two sizes of the study."""

from __future__ import annotations

from dataclasses import dataclass

from simdyn.study import check_at_least, check_contains

FACTORS = "Jastrzebski et al. 2017"
SHARPEST = "Jastrzebski et al. 2018, as quoted in the slides"
WALK = "Xing et al. 2018, as quoted in the slides"


@dataclass(frozen=True)
class Settings:
    """Grids and sample sizes.

    Attributes
    ----------
    settling_rate, batch_sizes, settling_paths, settling_steps
        Of long runs on the two wells.
    width_temperature, flat_curvatures, width_paths, width_steps
        Of the odds against the determinants.
    scaling_rate, scaling_batch_size, scaling_samples, scaling_factors, scaling_paths
        Rate and batch size that are multiplied by the factors, around a minimum of so many samples.
    course_rate, course_batch_size, course_factors, course_times, course_start, course_paths
        The same on the way down into the wells; times are whole numbers of the longest step.
    cloud_rate, cloud_batch_sizes, cloud_curvatures, cloud_length, cloud_paths
        Of clouds of so many successive iterates in parabolas.
    cloud_variance, cloud_middle
        sigma^2 of a sample's gradient; noise that follows the curvature has it at this curvature.
    leaving_rate, leaving_temperature, leaving_curvatures, leaving_paths
        Of escapes from valleys of depth 1; the temperature is eta sigma^2 / (2 B) for isotropic noise.
    steer_rate, steer_temperature, steer_factors, steer_paths
        Of runs between walls that steepen.
    flatter_pull, flatter_temperatures, flatter_paths, flatter_steps
        Of runs from the steep side of that valley; the temperature 0 is gradient descent.
    walk_rates, walk_batch_sizes, walk_variance, walk_paths, walk_steps, level_floor, sloping_floor
        Of walks in the winding valley.
    samples, rates, sizes, runs, looks
        Of networks: digits to train on, learning rates, batch sizes, repetitions, steps at which is looked.
    steered_rate, steered_batch_size, steered_factors, steered_steps, directions, refresh
        Of training with another learning rate along so many sharpest directions, found anew after so many
        steps.
    equal_rate, equal_batch_size, equal_factors, equal_epochs
        Rate and batch size of networks that are multiplied by the factors, 1 first, and passes over the data
        after which these are looked at.
    move_rates, move_sizes, move_steps
        Of networks whose loss is looked at along updates, after so many steps.
    """

    settling_rate: float
    batch_sizes: tuple[int, ...]
    settling_paths: int
    settling_steps: int
    width_temperature: float
    flat_curvatures: tuple[float, ...]
    width_paths: int
    width_steps: int
    scaling_rate: float
    scaling_batch_size: int
    scaling_samples: int
    scaling_factors: tuple[int, ...]
    scaling_paths: int
    course_rate: float
    course_batch_size: int
    course_factors: tuple[int, ...]
    course_times: tuple[float, ...]
    course_start: float
    course_paths: int
    cloud_rate: float
    cloud_batch_sizes: tuple[int, ...]
    cloud_curvatures: tuple[float, ...]
    cloud_length: int
    cloud_paths: int
    cloud_variance: float
    cloud_middle: float
    leaving_rate: float
    leaving_temperature: float
    leaving_curvatures: tuple[float, ...]
    leaving_paths: int
    steer_rate: float
    steer_temperature: float
    steer_factors: tuple[float, ...]
    steer_paths: int
    flatter_pull: float
    flatter_temperatures: tuple[float, ...]
    flatter_paths: int
    flatter_steps: int
    walk_rates: tuple[float, ...]
    walk_batch_sizes: tuple[int, ...]
    walk_variance: float
    walk_paths: int
    walk_steps: int
    level_floor: float
    sloping_floor: float
    samples: int
    rates: tuple[float, ...]
    sizes: tuple[int, ...]
    runs: tuple[int, ...]
    looks: tuple[int, ...]
    steered_rate: float
    steered_batch_size: int
    steered_factors: tuple[float, ...]
    steered_steps: int
    directions: int
    refresh: int
    equal_rate: float
    equal_batch_size: int
    equal_factors: tuple[int, ...]
    equal_epochs: tuple[int, ...]
    move_rates: tuple[float, ...]
    move_sizes: tuple[int, ...]
    move_steps: tuple[int, ...]

    def __post_init__(self) -> None:
        check_at_least(
            self, scaling_factors=2, course_factors=2, looks=2, equal_factors=2, move_sizes=2, move_steps=2
        )
        check_contains(self, steer_factors=1.0, flatter_temperatures=0.0, steered_factors=1.0)


QUICK = Settings(
    settling_rate=0.01,
    batch_sizes=(2, 3, 4, 6),
    settling_paths=256,
    settling_steps=100_000,
    width_temperature=0.6,
    flat_curvatures=(1.0, 2.0, 3.0, 5.0),
    width_paths=8_000,
    width_steps=20_000,
    scaling_rate=0.02,
    scaling_batch_size=2,
    scaling_samples=64,
    scaling_factors=(1, 2, 4, 8, 16, 32),
    scaling_paths=100_000,
    course_rate=0.002,
    course_batch_size=1,
    course_factors=(1, 2, 4, 8, 16, 64),
    course_times=(0.128, 0.256, 0.512, 1.024, 2.048, 4.096),
    course_start=-2.0,
    course_paths=200_000,
    cloud_rate=0.02,
    cloud_batch_sizes=(1, 2, 4, 8, 16),
    cloud_curvatures=(0.5, 1.0, 2.0, 4.0, 8.0),
    cloud_length=2_000,
    cloud_paths=500,
    cloud_variance=1.0,
    cloud_middle=4.0,
    leaving_rate=0.02,
    leaving_temperature=0.25,
    leaving_curvatures=(2.0, 4.0, 8.0, 16.0),
    leaving_paths=2_000,
    steer_rate=0.004,
    steer_temperature=0.1,
    steer_factors=(0.05, 0.25, 0.5, 1.0, 2.0),
    steer_paths=4_000,
    flatter_pull=0.01,
    flatter_temperatures=(0.0, 0.025, 0.05, 0.1, 0.2),
    flatter_paths=2_000,
    flatter_steps=4_000,
    walk_rates=(0.01, 0.02, 0.04),
    walk_batch_sizes=(1, 2, 4, 8, 16),
    walk_variance=4.0,
    walk_paths=4_000,
    walk_steps=2_000,
    level_floor=0.001,
    sloping_floor=0.05,
    samples=500,
    rates=(0.1, 0.4),
    sizes=(10, 100),
    runs=(0, 1, 2, 3),
    looks=(0, 10, 20, 40, 80, 160, 320, 640, 1_280),
    steered_rate=0.4,
    steered_batch_size=20,
    steered_factors=(0.1, 1.0),
    steered_steps=600,
    directions=5,
    refresh=50,
    equal_rate=0.05,
    equal_batch_size=5,
    equal_factors=(1, 2, 8),
    equal_epochs=(4, 10, 20, 40),
    move_rates=(0.1, 0.4),
    move_sizes=(10, 100, 500),
    move_steps=(50, 200, 800),
)
FULL = Settings(
    settling_rate=0.01,
    batch_sizes=(2, 3, 4, 5, 6, 7, 8),
    settling_paths=512,
    settling_steps=300_000,
    width_temperature=0.6,
    flat_curvatures=(1.0, 1.4, 2.0, 2.8, 4.0, 5.0),
    width_paths=40_000,
    width_steps=20_000,
    scaling_rate=0.02,
    scaling_batch_size=2,
    scaling_samples=64,
    scaling_factors=(1, 2, 3, 4, 5, 6, 8, 12, 16, 24, 32),
    scaling_paths=400_000,
    course_rate=0.002,
    course_batch_size=1,
    course_factors=(1, 2, 4, 8, 16, 32, 64),
    course_times=(0.128, 0.256, 0.384, 0.512, 1.024, 1.536, 2.048, 4.096, 6.144, 8.192, 16.384),
    course_start=-2.0,
    course_paths=800_000,
    cloud_rate=0.02,
    cloud_batch_sizes=(1, 2, 4, 8, 16, 32),
    cloud_curvatures=(0.5, 0.7, 1.0, 1.4, 2.0, 2.8, 4.0, 5.6, 8.0),
    cloud_length=2_000,
    cloud_paths=2_000,
    cloud_variance=1.0,
    cloud_middle=4.0,
    leaving_rate=0.02,
    leaving_temperature=0.25,
    leaving_curvatures=(2.0, 2.8, 4.0, 5.6, 8.0, 11.0, 16.0),
    leaving_paths=10_000,
    steer_rate=0.004,
    steer_temperature=0.1,
    steer_factors=(0.02, 0.05, 0.1, 0.25, 0.5, 1.0, 1.5, 2.0),
    steer_paths=20_000,
    flatter_pull=0.01,
    flatter_temperatures=(0.0, 0.0125, 0.025, 0.05, 0.1, 0.2),
    flatter_paths=20_000,
    flatter_steps=4_000,
    walk_rates=(0.005, 0.01, 0.02, 0.03, 0.04),
    walk_batch_sizes=(1, 2, 4, 8, 16, 32),
    walk_variance=4.0,
    walk_paths=20_000,
    walk_steps=2_000,
    level_floor=0.001,
    sloping_floor=0.05,
    samples=1_000,
    rates=(0.1, 0.2, 0.4),
    sizes=(10, 30, 100, 300),
    runs=(0, 1, 2, 3, 4),
    looks=(0, 5, 10, 20, 40, 60, 80, 120, 160, 240, 320, 480, 640, 1_280, 2_560, 5_120),
    steered_rate=0.4,
    steered_batch_size=20,
    steered_factors=(0.1, 0.3, 1.0, 2.0),
    steered_steps=3_000,
    directions=10,
    refresh=50,
    equal_rate=0.05,
    equal_batch_size=5,
    equal_factors=(1, 2, 4, 8, 16),
    equal_epochs=(4, 10, 20, 40, 80),
    move_rates=(0.1, 0.2, 0.4),
    move_sizes=(10, 30, 100, 1_000),
    move_steps=(50, 200, 800, 3_200),
)
