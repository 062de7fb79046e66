"""The landscape of a network's loss, and motion on it (Sagun's overview of empirical studies)."""

from simdyn.study import Study
from studies.landscape.claims import claims
from studies.landscape.experiment import FULL, QUICK, cell, grids
from studies.landscape.figures import figures

STUDY = Study(
    name="landscape",
    title="The shape of the loss, and motion on it",
    source="Levent Sagun (EPFL): An overview of empirical studies in NNs, slides (2019)",
    summary="",
    methods="",
    quick=QUICK,
    full=FULL,
    grids=grids,
    cell=cell,
    figures=figures,
    claims=claims,
)
