"""From observations to intervals."""

from __future__ import annotations

from typing import TYPE_CHECKING

from potentials.first_use import names_on_first_use

if TYPE_CHECKING:
    from simdyn.inference.autocorrelation import Memory, memory_of
    from simdyn.inference.distances import (
        Distance,
        kolmogorov_smirnov,
        resampled_noise,
        total_variation,
        wasserstein,
        with_interval,
    )
    from simdyn.inference.exponential import ExponentialFit, fit_exponential, limits_of_mean
    from simdyn.inference.exponentiality import ExponentialityTest, check_exponentiality
    from simdyn.inference.gaussianity import (
        GaussianityTest,
        batch_cumulants,
        check_gaussianity,
        edgeworth_distance,
    )
    from simdyn.inference.groups import Figures, agreement_of_halves, jackknife, scale_reduction
    from simdyn.inference.line import Line, fit_line
    from simdyn.inference.repeated import Unevenness, unevenness
    from simdyn.inference.sample import (
        Interval,
        deviation_of,
        mean_of,
        means_over_runs,
        quantile_of,
        share_of,
    )
    from simdyn.inference.survival import SurvivalCurve, kaplan_meier
    from simdyn.inference.tail import pooled_index, stable_index, tail_index

__getattr__, __dir__ = names_on_first_use(
    __name__,
    {
        "simdyn.inference.autocorrelation": ["Memory", "memory_of"],
        "simdyn.inference.distances": [
            "Distance",
            "kolmogorov_smirnov",
            "resampled_noise",
            "total_variation",
            "wasserstein",
            "with_interval",
        ],
        "simdyn.inference.exponential": ["ExponentialFit", "fit_exponential", "limits_of_mean"],
        "simdyn.inference.exponentiality": ["ExponentialityTest", "check_exponentiality"],
        "simdyn.inference.gaussianity": [
            "GaussianityTest",
            "batch_cumulants",
            "check_gaussianity",
            "edgeworth_distance",
        ],
        "simdyn.inference.groups": ["Figures", "agreement_of_halves", "jackknife", "scale_reduction"],
        "simdyn.inference.line": ["Line", "fit_line"],
        "simdyn.inference.repeated": ["Unevenness", "unevenness"],
        "simdyn.inference.sample": [
            "Interval",
            "deviation_of",
            "mean_of",
            "means_over_runs",
            "quantile_of",
            "share_of",
        ],
        "simdyn.inference.survival": ["SurvivalCurve", "kaplan_meier"],
        "simdyn.inference.tail": ["pooled_index", "stable_index", "tail_index"],
    },
)

__all__ = [
    "Distance",
    "ExponentialFit",
    "ExponentialityTest",
    "Figures",
    "GaussianityTest",
    "Interval",
    "Line",
    "Memory",
    "SurvivalCurve",
    "Unevenness",
    "agreement_of_halves",
    "batch_cumulants",
    "check_exponentiality",
    "check_gaussianity",
    "deviation_of",
    "edgeworth_distance",
    "fit_exponential",
    "fit_line",
    "jackknife",
    "limits_of_mean",
    "kaplan_meier",
    "kolmogorov_smirnov",
    "mean_of",
    "means_over_runs",
    "memory_of",
    "pooled_index",
    "quantile_of",
    "resampled_noise",
    "scale_reduction",
    "share_of",
    "stable_index",
    "tail_index",
    "total_variation",
    "unevenness",
    "wasserstein",
    "with_interval",
]
