"""A claim of the source, what this run measured, and the verdict that follows."""

from __future__ import annotations

import dataclasses
import json
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, get_args

Verdict = Literal["confirmed", "contradicted", "undecided"]


@dataclass(frozen=True, kw_only=True)
class Claim:
    """One statement of the source beside the measurement that tests it.

    Attributes
    ----------
    claim, source
        The statement in words, and where it is made (publication, section, equation).
    predicted, measured, low, high
        What the statement says, what was found and the ends of its interval, all in `unit`; None or a
        non-finite number where there is none.
    verdict, why
        Computed from this run's results, and the reason in one or two sentences.
    unit
        "" for a pure number.
    """

    claim: str
    source: str
    predicted: float | None
    measured: float | None
    low: float | None
    high: float | None
    verdict: Verdict
    why: str
    unit: str = ""

    def __post_init__(self) -> None:
        if self.verdict not in get_args(Verdict):
            raise ValueError(f"verdict {self.verdict!r} is none of {get_args(Verdict)}")
        for name in ("predicted", "measured", "low", "high"):
            value = getattr(self, name)
            # Results come as zero-dimensional arrays; what is stored and shown are plain numbers.
            object.__setattr__(self, name, None if value is None else float(value))


def judge(low: float, high: float, band_low: float, band_high: float) -> Verdict:
    """Verdict on a claim that a quantity lies in a band, given the interval of its measurement.

    "confirmed" when the whole interval lies in the band, "contradicted" when it lies wholly outside,
    "undecided" when it straddles an edge or an end is not a number: a wide interval can neither confirm nor
    contradict.

    Raises
    ------
    ValueError
        If the band is empty.
    """
    if not band_low <= band_high:
        raise ValueError(f"the band from {band_low} to {band_high} is empty")
    if math.isnan(low) or math.isnan(high):
        return "undecided"
    if band_low <= low and high <= band_high:
        return "confirmed"
    if high < band_low or low > band_high:
        return "contradicted"
    return "undecided"


def claims_text(claims: Sequence[Claim]) -> str:
    """The claims as JSON text: a list of objects in which a number that is not finite is null."""

    def finite(value: object) -> object:
        return None if isinstance(value, float) and not math.isfinite(value) else value

    records = [{key: finite(value) for key, value in dataclasses.asdict(claim).items()} for claim in claims]
    return json.dumps(records, indent=2, ensure_ascii=False, allow_nan=False) + "\n"
