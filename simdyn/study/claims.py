"""A claim of the source, what this run measured, and the verdict that follows."""

from __future__ import annotations

import dataclasses
import json
import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, get_args

import numpy as np

from simdyn.errors import InputError
from simdyn.inference import Figures, jackknife

Verdict = Literal["holds", "holds only here", "does not hold", "undecided", "not run"]
"""What a claim turned out to be worth.

"holds only here": true in the window that was measured, false where the claim goes beyond it. "undecided":
the interval is too wide for a verdict. "not run": what it takes is not installed.
"""


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
    predicted: float | None = None
    measured: float | None = None
    low: float | None = None
    high: float | None = None
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

    "holds" when the whole interval lies in the band, "does not hold" when it lies wholly outside,
    "undecided" when it straddles an edge or anything is not a number: a wide interval can neither confirm nor
    refute. What holds only here, a study finds out with a second measurement elsewhere.

    Raises
    ------
    ValueError
        If the band is empty.
    """
    if any(math.isnan(end) for end in (low, high, band_low, band_high)):
        return "undecided"
    if band_low > band_high:
        raise ValueError(f"the band from {band_low} to {band_high} is empty")
    if band_low <= low and high <= band_high:
        return "holds"
    if high < band_low or low > band_high:
        return "does not hold"
    return "undecided"


def coverage_claim(claim: str, source: str, inside: np.ndarray) -> Claim:
    """A claim that 95 % intervals hold what is exact, given for each of them whether it does.

    "does not hold" where fewer do than chance leaves out of so many, which is the interval of the claim.
    """
    share, count = float(np.mean(inside)), int(np.size(inside))
    half = 1.96 * math.sqrt(0.95 * 0.05 / count)
    return Claim(
        claim=claim,
        source=source,
        predicted=0.95,
        measured=share,
        low=share - half,
        high=min(1.0, share + half),
        verdict="holds" if share + half >= 0.95 else "does not hold",
        why=f"{int(np.sum(inside))} of {count} cells; the interval is what chance does to so many.",
    )


def mean_claim(
    claim: str,
    source: str,
    values: np.ndarray,
    band_low: float,
    band_high: float,
    *,
    predicted: float | None = None,
    unit: str = "",
    why: str = "",
) -> Claim:
    """A claim that the mean of a quantity lies in a band, from independent values, such as one a network.

    The interval is Student's, which a single value leaves without bounds.
    """
    found = _mean_of_few(values)
    return Claim(
        claim=claim,
        source=source,
        predicted=predicted,
        measured=found.value,
        low=found.low,
        high=found.high,
        verdict=judge(found.low, found.high, band_low, band_high),
        why=f"{len(values)} network{'s' if len(values) > 1 else ''}. {why}".strip(),
        unit=unit,
    )


def ratio_claim(
    claim: str,
    source: str,
    ratios: np.ndarray,
    band_low: float,
    band_high: float,
    *,
    predicted: float | None = None,
    why: str = "",
) -> Claim:
    """A claim that the geometric mean of independent ratios lies in a band; see `mean_claim`."""
    found = _mean_of_few(np.log(ratios))
    low, high = (float(np.exp(end)) for end in (found.low, found.high))
    return Claim(
        claim=claim,
        source=source,
        predicted=predicted,
        measured=float(np.exp(found.value)),
        low=low,
        high=high,
        verdict=judge(low, high, band_low, band_high),
        why=f"{len(ratios)} pair{'s' if len(ratios) > 1 else ''} of networks, geometric mean. {why}".strip(),
    )


def _mean_of_few(values: np.ndarray) -> Figures:
    return jackknife(np.stack([values, np.ones(len(values))], axis=1), lambda sums: sums[0] / sums[1])


def claims_text(claims: Sequence[Claim]) -> str:
    """The claims as JSON text: a list of objects in which a number that is not finite is null."""

    def finite(value: object) -> object:
        return None if isinstance(value, float) and not math.isfinite(value) else value

    records = [{key: finite(value) for key, value in dataclasses.asdict(claim).items()} for claim in claims]
    return json.dumps(records, indent=2, ensure_ascii=False, allow_nan=False) + "\n"


def read_claims(path: Path) -> tuple[Claim, ...]:
    """The claims that `claims_text` wrote into the file `path`.

    Raises
    ------
    InputError
        If the file cannot be read or holds anything else.
    """
    try:
        return tuple(Claim(**record) for record in json.loads(path.read_bytes()))
    except OSError as error:
        raise InputError(f"cannot read {path}: {error.strerror}; choose another folder") from error
    except (ValueError, TypeError) as error:
        raise InputError(
            f"{path} is not the claims of a study; write it anew with `simdyn study report {path.parent}`"
        ) from error
