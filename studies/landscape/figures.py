"""The pictures of the potentials, and with PyTorch those of the networks."""

from __future__ import annotations

from simdyn.plotting.style import house_style
from simdyn.study import Results, StudyFigure
from studies.landscape.experiment import Settings
from studies.landscape.model_figures import model_figures
from studies.landscape.network_figures import network_figures


def figures(results: Results, settings: Settings) -> list[StudyFigure]:
    """All of them."""
    with house_style():
        return [*model_figures(results, settings), *network_figures(results, settings)]
