"""Immutable descriptions of update rules: what moves a point one step."""

from simdyn.dynamics.sde import SDE
from simdyn.dynamics.sgd import SGD
from simdyn.dynamics.sgld import SGLD
from simdyn.dynamics.update import Update

Dynamics = SGD | SGLD | SDE

__all__ = ["SDE", "SGD", "SGLD", "Dynamics", "Update"]
