"""Claims about potentials."""

from __future__ import annotations

from simdyn.study import Claim, Results
from studies.landscape.model_settings import ModelSettings


def model_claims(results: Results, settings: ModelSettings) -> list[Claim]:
    """All of them."""
    return []
