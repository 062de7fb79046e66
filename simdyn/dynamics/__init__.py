"""Immutable descriptions of update rules: what moves a point one step."""

from simdyn.dynamics.levy import AlphaStable
from simdyn.dynamics.minibatch import MinibatchUpdate
from simdyn.dynamics.schedules import cosine, stepwise
from simdyn.dynamics.sde import SDE
from simdyn.dynamics.sgd import SGD
from simdyn.dynamics.sgld import SGLD
from simdyn.dynamics.update import Update

Dynamics = SGD | SGLD | SDE

Rule = Update | MinibatchUpdate
"""One step of a dynamics on a landscape: in symbols, or by samples."""

__all__ = [
    "SDE",
    "SGD",
    "SGLD",
    "AlphaStable",
    "Dynamics",
    "MinibatchUpdate",
    "Rule",
    "Update",
    "cosine",
    "stepwise",
]
