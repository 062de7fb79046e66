"""Everything that a reader may want to change."""

from __future__ import annotations

from dataclasses import dataclass

from simdyn.study import check_at_least, check_paired


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

    def __post_init__(self) -> None:
        check_paired(self, ("launch_batch_sizes", "launch_rates"))
        check_at_least(self, action_rates=2)


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
