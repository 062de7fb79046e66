"""Claims about networks."""

from __future__ import annotations

from simdyn.study import Claim, Results
from studies.landscape.network_settings import NetworkSettings


def network_claims(results: Results, settings: NetworkSettings) -> list[Claim]:
    """All of them."""
    return []
