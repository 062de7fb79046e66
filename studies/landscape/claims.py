"""What the deck states, and what this run says of it: the potentials, then the networks."""

from __future__ import annotations

from simdyn.study import Claim, Results
from studies.landscape.experiment import Settings
from studies.landscape.model_claims import model_claims
from studies.landscape.network_claims import network_claims


def claims(results: Results, settings: Settings) -> list[Claim]:
    """All statements, each judged from the measurements of this run."""
    return [*model_claims(results, settings), *network_claims(results, settings)]
