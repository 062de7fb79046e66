"""Immutable descriptions of update rules: what moves a point one step."""

from __future__ import annotations

from typing import TYPE_CHECKING

from potentials.first_use import names_on_first_use

if TYPE_CHECKING:
    from simdyn.dynamics.kinds import Dynamics, Rule
    from simdyn.dynamics.levy import AlphaStable
    from simdyn.dynamics.minibatch import MinibatchUpdate
    from simdyn.dynamics.schedules import cosine, stepwise
    from simdyn.dynamics.sde import SDE
    from simdyn.dynamics.sgd import SGD
    from simdyn.dynamics.sgld import SGLD
    from simdyn.dynamics.update import Update

__getattr__, __dir__ = names_on_first_use(
    __name__,
    {
        "simdyn.dynamics.kinds": ["Dynamics", "Rule"],
        "simdyn.dynamics.levy": ["AlphaStable"],
        "simdyn.dynamics.minibatch": ["MinibatchUpdate"],
        "simdyn.dynamics.schedules": ["cosine", "stepwise"],
        "simdyn.dynamics.sde": ["SDE"],
        "simdyn.dynamics.sgd": ["SGD"],
        "simdyn.dynamics.sgld": ["SGLD"],
        "simdyn.dynamics.update": ["Update"],
    },
)

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
