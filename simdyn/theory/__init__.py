"""Closed forms, each with its assumptions checked for the problem at hand.

A formula named like `kramers` takes a problem (potential, dynamics, start, exit); one named like
`kramers_time` takes the numbers of the formula. Both can be swept: a problem over arrays of potentials or
dynamics, numbers over arrays that broadcast.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from potentials.first_use import names_on_first_use

if TYPE_CHECKING:
    from simdyn.theory.bouchet_reygner import bouchet_reygner, bouchet_reygner_time
    from simdyn.theory.circulation import circulation, entropy_production
    from simdyn.theory.covariance import (
        epoch_shuffle_variance,
        minibatch_covariance,
        ou_covariance,
        sgd_covariance,
    )
    from simdyn.theory.eyring_kramers import eyring_kramers, finite_learning_rate
    from simdyn.theory.flux_over_population import flux_over_population, langer_time
    from simdyn.theory.gibbs import basin_weights, gibbs
    from simdyn.theory.heavy_ball import heavy_ball_threshold
    from simdyn.theory.imkeller_pavlyukevich import imkeller_pavlyukevich, imkeller_pavlyukevich_time
    from simdyn.theory.kesten import kesten
    from simdyn.theory.kramers import kramers
    from simdyn.theory.linear_scaling import scaled_variance_ratio, scaling_limit
    from simdyn.theory.linear_stability import (
        largest_nonuniformity,
        stability_box,
        theorem1,
        theorem1_threshold,
    )
    from simdyn.theory.mori2022 import mori2022, mori2022_time
    from simdyn.theory.multiplicative_law import multiplicative_tail, multiplicative_variance
    from simdyn.theory.predictions import predictions
    from simdyn.theory.quasi_potential import polynomial_quasi_potential
    from simdyn.theory.rate_network import RateNetwork, rate_network
    from simdyn.theory.rates import eyring_kramers_time, kramers_time
    from simdyn.theory.stated_law import StationaryLaw, diffusion_at
    from simdyn.theory.stationary_laws import stationary_laws
    from simdyn.theory.underdamped import underdamped_kramers, underdamped_kramers_time
    from simdyn.theory.wells import (
        occupation,
        relaxation_time,
        residence_times,
        well_passage_times,
        well_rates,
        xie2021_occupation,
    )
    from simdyn.theory.xie2021 import xie2021, xie2021_time

__getattr__, __dir__ = names_on_first_use(
    __name__,
    {
        "simdyn.theory.bouchet_reygner": ["bouchet_reygner", "bouchet_reygner_time"],
        "simdyn.theory.circulation": ["circulation", "entropy_production"],
        "simdyn.theory.covariance": [
            "epoch_shuffle_variance",
            "minibatch_covariance",
            "ou_covariance",
            "sgd_covariance",
        ],
        "simdyn.theory.eyring_kramers": ["eyring_kramers", "finite_learning_rate"],
        "simdyn.theory.flux_over_population": ["flux_over_population", "langer_time"],
        "simdyn.theory.gibbs": ["basin_weights", "gibbs"],
        "simdyn.theory.heavy_ball": ["heavy_ball_threshold"],
        "simdyn.theory.imkeller_pavlyukevich": ["imkeller_pavlyukevich", "imkeller_pavlyukevich_time"],
        "simdyn.theory.kesten": ["kesten"],
        "simdyn.theory.kramers": ["kramers"],
        "simdyn.theory.linear_scaling": ["scaled_variance_ratio", "scaling_limit"],
        "simdyn.theory.linear_stability": [
            "largest_nonuniformity",
            "stability_box",
            "theorem1",
            "theorem1_threshold",
        ],
        "simdyn.theory.mori2022": ["mori2022", "mori2022_time"],
        "simdyn.theory.multiplicative_law": ["multiplicative_tail", "multiplicative_variance"],
        "simdyn.theory.predictions": ["predictions"],
        "simdyn.theory.quasi_potential": ["polynomial_quasi_potential"],
        "simdyn.theory.rate_network": ["RateNetwork", "rate_network"],
        "simdyn.theory.rates": ["eyring_kramers_time", "kramers_time"],
        "simdyn.theory.stated_law": ["StationaryLaw", "diffusion_at"],
        "simdyn.theory.stationary_laws": ["stationary_laws"],
        "simdyn.theory.underdamped": ["underdamped_kramers", "underdamped_kramers_time"],
        "simdyn.theory.wells": [
            "occupation",
            "relaxation_time",
            "residence_times",
            "well_passage_times",
            "well_rates",
            "xie2021_occupation",
        ],
        "simdyn.theory.xie2021": ["xie2021", "xie2021_time"],
    },
)

__all__ = [
    "StationaryLaw",
    "RateNetwork",
    "basin_weights",
    "bouchet_reygner",
    "bouchet_reygner_time",
    "circulation",
    "diffusion_at",
    "entropy_production",
    "epoch_shuffle_variance",
    "eyring_kramers",
    "eyring_kramers_time",
    "finite_learning_rate",
    "flux_over_population",
    "gibbs",
    "heavy_ball_threshold",
    "imkeller_pavlyukevich",
    "imkeller_pavlyukevich_time",
    "kesten",
    "kramers",
    "kramers_time",
    "langer_time",
    "largest_nonuniformity",
    "minibatch_covariance",
    "mori2022",
    "mori2022_time",
    "multiplicative_tail",
    "multiplicative_variance",
    "occupation",
    "ou_covariance",
    "polynomial_quasi_potential",
    "predictions",
    "rate_network",
    "relaxation_time",
    "residence_times",
    "scaled_variance_ratio",
    "scaling_limit",
    "sgd_covariance",
    "stability_box",
    "theorem1",
    "theorem1_threshold",
    "stationary_laws",
    "underdamped_kramers",
    "underdamped_kramers_time",
    "well_passage_times",
    "well_rates",
    "xie2021",
    "xie2021_occupation",
    "xie2021_time",
]
