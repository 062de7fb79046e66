"""Closed forms, each with its assumptions checked for the problem at hand."""

from simdyn.theory.eyring_kramers import eyring_kramers, finite_learning_rate
from simdyn.theory.kramers import kramers
from simdyn.theory.predictions import predictions
from simdyn.theory.xie2021 import xie2021

__all__ = ["eyring_kramers", "finite_learning_rate", "kramers", "predictions", "xie2021"]
