"""Numerically exact answers, where dimension or structure allows them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from potentials.first_use import names_on_first_use

if TYPE_CHECKING:
    from simdyn.exact.chain import chain_first_passage
    from simdyn.exact.committor import committor
    from simdyn.exact.curves import Density, Survival
    from simdyn.exact.energy_path import MinimumEnergyPath, minimum_energy_path
    from simdyn.exact.errors import NoReference
    from simdyn.exact.escape import escape_moments, escape_time, overshoot_share
    from simdyn.exact.first_passage import first_passage
    from simdyn.exact.gram_stability import (
        gram_mean_square_threshold,
        gram_nonuniformity,
        gram_sharpness,
        gram_theorem1_multiplier,
        gram_theorem1_threshold,
    )
    from simdyn.exact.isotropic_data import isotropic_almost_sure_threshold, isotropic_lyapunov
    from simdyn.exact.long_run import quasi_stationary, spectral_gap, stationary_density
    from simdyn.exact.lowered_path import LoweredPath, lowered_path
    from simdyn.exact.mean_square import mean_square_multiplier, mean_square_threshold, second_moments
    from simdyn.exact.minimum_action import MinimumAction, minimum_action
    from simdyn.exact.path_growth import (
        almost_sure_threshold,
        descent_multiplier,
        descent_threshold,
        lyapunov_exponent,
        moment_multiplier,
        moment_threshold,
    )
    from simdyn.exact.survival import survival

__getattr__, __dir__ = names_on_first_use(
    __name__,
    {
        "simdyn.exact.chain": ["chain_first_passage"],
        "simdyn.exact.committor": ["committor"],
        "simdyn.exact.curves": ["Density", "Survival"],
        "simdyn.exact.energy_path": ["MinimumEnergyPath", "minimum_energy_path"],
        "simdyn.exact.errors": ["NoReference"],
        "simdyn.exact.escape": ["escape_moments", "escape_time", "overshoot_share"],
        "simdyn.exact.first_passage": ["first_passage"],
        "simdyn.exact.gram_stability": [
            "gram_mean_square_threshold",
            "gram_nonuniformity",
            "gram_sharpness",
            "gram_theorem1_multiplier",
            "gram_theorem1_threshold",
        ],
        "simdyn.exact.isotropic_data": ["isotropic_almost_sure_threshold", "isotropic_lyapunov"],
        "simdyn.exact.long_run": ["quasi_stationary", "spectral_gap", "stationary_density"],
        "simdyn.exact.lowered_path": ["LoweredPath", "lowered_path"],
        "simdyn.exact.mean_square": ["mean_square_multiplier", "mean_square_threshold", "second_moments"],
        "simdyn.exact.minimum_action": ["MinimumAction", "minimum_action"],
        "simdyn.exact.path_growth": [
            "almost_sure_threshold",
            "descent_multiplier",
            "descent_threshold",
            "lyapunov_exponent",
            "moment_multiplier",
            "moment_threshold",
        ],
        "simdyn.exact.survival": ["survival"],
    },
)

__all__ = [
    "Density",
    "LoweredPath",
    "MinimumAction",
    "MinimumEnergyPath",
    "NoReference",
    "Survival",
    "almost_sure_threshold",
    "chain_first_passage",
    "committor",
    "descent_multiplier",
    "descent_threshold",
    "escape_moments",
    "escape_time",
    "first_passage",
    "gram_mean_square_threshold",
    "gram_nonuniformity",
    "gram_sharpness",
    "gram_theorem1_multiplier",
    "gram_theorem1_threshold",
    "isotropic_almost_sure_threshold",
    "isotropic_lyapunov",
    "lowered_path",
    "lyapunov_exponent",
    "mean_square_multiplier",
    "mean_square_threshold",
    "minimum_action",
    "minimum_energy_path",
    "moment_multiplier",
    "moment_threshold",
    "overshoot_share",
    "quasi_stationary",
    "second_moments",
    "spectral_gap",
    "stationary_density",
    "survival",
]
