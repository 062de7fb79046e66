"""From observations to intervals."""

from simdyn.inference.exponential import ExponentialFit, fit_exponential
from simdyn.inference.exponentiality import ExponentialityTest, check_exponentiality
from simdyn.inference.survival import SurvivalCurve, kaplan_meier

__all__ = [
    "ExponentialFit",
    "ExponentialityTest",
    "SurvivalCurve",
    "check_exponentiality",
    "fit_exponential",
    "kaplan_meier",
]
