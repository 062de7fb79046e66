"""The kinds of dynamics, and of what moves a point one step, as types."""

from __future__ import annotations

from simdyn.dynamics.minibatch import MinibatchUpdate
from simdyn.dynamics.sde import SDE
from simdyn.dynamics.sgd import SGD
from simdyn.dynamics.sgld import SGLD
from simdyn.dynamics.update import Update

Dynamics = SGD | SGLD | SDE

Rule = Update | MinibatchUpdate
"""One step of a dynamics on a landscape: in symbols, or by samples."""
