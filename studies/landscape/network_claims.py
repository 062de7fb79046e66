"""Claims about networks: what they say, and where; `spectrum_claims` and others judge them."""

from __future__ import annotations

from simdyn.study import Claim, Results
from studies.landscape.fitting_claims import fitting_claims
from studies.landscape.motion_claims import motion_claims
from studies.landscape.network_settings import NetworkSettings
from studies.landscape.network_statements import statements
from studies.landscape.spectrum_claims import spectrum_claims


def has_networks(results: Results) -> bool:
    """Whether a run was one with the networks."""
    return "spectrum" in results.datasets


def network_claims(results: Results, settings: NetworkSettings) -> list[Claim]:
    """All of them; without PyTorch none is run."""
    if has_networks(results):
        return [
            *spectrum_claims(results, settings),
            *motion_claims(results, settings),
            *fitting_claims(results, settings),
        ]
    return [
        Claim(
            claim=claim,
            source=source,
            verdict="not run",
            why='PyTorch and scikit-learn are not installed; add them with pip install "simdyn[torch]".',
        )
        for claim, source in statements(settings).values()
    ]
