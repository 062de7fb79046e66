"""From observations to intervals."""

from simdyn.inference.exponential import ExponentialFit, fit_exponential, limits_of_mean
from simdyn.inference.exponentiality import ExponentialityTest, check_exponentiality
from simdyn.inference.line import Line, fit_line
from simdyn.inference.sample import Interval, deviation_of, mean_of, quantile_of
from simdyn.inference.survival import SurvivalCurve, kaplan_meier

__all__ = [
    "ExponentialFit",
    "ExponentialityTest",
    "Interval",
    "Line",
    "SurvivalCurve",
    "check_exponentiality",
    "deviation_of",
    "fit_exponential",
    "fit_line",
    "limits_of_mean",
    "kaplan_meier",
    "mean_of",
    "quantile_of",
]
