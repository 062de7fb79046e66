"""Immutable descriptions of update rules: what moves a point one step."""

from simdyn.dynamics.levy import AlphaStable
from simdyn.dynamics.schedules import cosine, stepwise
from simdyn.dynamics.sde import SDE
from simdyn.dynamics.sgd import SGD
from simdyn.dynamics.sgld import SGLD
from simdyn.dynamics.update import Update

Dynamics = SGD | SGLD | SDE

__all__ = ["SDE", "SGD", "SGLD", "AlphaStable", "Dynamics", "Update", "cosine", "stepwise"]
