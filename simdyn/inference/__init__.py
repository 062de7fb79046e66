"""From observations to intervals."""

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
from simdyn.inference.groups import Figures, agreement_of_halves, jackknife, scale_reduction
from simdyn.inference.line import Line, fit_line
from simdyn.inference.sample import Interval, deviation_of, mean_of, quantile_of
from simdyn.inference.survival import SurvivalCurve, kaplan_meier
from simdyn.inference.tail import tail_index

__all__ = [
    "Distance",
    "ExponentialFit",
    "ExponentialityTest",
    "Figures",
    "Interval",
    "Line",
    "Memory",
    "SurvivalCurve",
    "agreement_of_halves",
    "check_exponentiality",
    "deviation_of",
    "fit_exponential",
    "fit_line",
    "jackknife",
    "limits_of_mean",
    "kaplan_meier",
    "kolmogorov_smirnov",
    "mean_of",
    "memory_of",
    "quantile_of",
    "resampled_noise",
    "scale_reduction",
    "tail_index",
    "total_variation",
    "wasserstein",
    "with_interval",
]
