"""Figures of the potentials."""

from __future__ import annotations

from simdyn.study import Results, StudyFigure
from studies.landscape.model_settings import ModelSettings


def model_figures(results: Results, settings: ModelSettings) -> list[StudyFigure]:
    """All of them, drawn in the house style by the caller."""
    return []
