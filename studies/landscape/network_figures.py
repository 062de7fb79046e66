"""Figures of the networks."""

from __future__ import annotations

from simdyn.study import Results, StudyFigure
from studies.landscape.network_settings import NetworkSettings


def network_figures(results: Results, settings: NetworkSettings) -> list[StudyFigure]:
    """All of them."""
    return []
