"""A validity map in a terminal: one character a cell, and counts."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import numpy as np

from simdyn.questions.validity_map import (
    FAILS,
    HOLDS,
    NO_EXACT,
    NOT_ABOUT,
    NOT_DONE,
    TOO_LAX,
    TOO_STRICT,
    ValidityMap,
)

if TYPE_CHECKING:
    import xarray

_SYMBOLS = {
    HOLDS: "●",
    TOO_STRICT: "○",
    TOO_LAX: "×",
    FAILS: "·",
    NO_EXACT: " ",
    NOT_ABOUT: " ",
    NOT_DONE: "?",
}
_WIDEST, _TALLEST = 36, 28


def summary(answer: ValidityMap) -> str:
    """A few lines and a small picture for each prediction."""
    data = answer.data
    across, up = answer.parameters
    problem = json.loads(data.attrs["problem"])
    lines = [
        f"Predicted over exact escape time from {problem['potential']['name']}, exit {problem['exit']}",
        f"  across  {_range(data[across])}",
        f"  up      {_range(data[up])}",
    ]
    for name in data["prediction"].values:
        one = data.sel(prediction=name)
        lines += ["", f"{one['title'].values} ({name})", *_picture(one["verdict"].values)]
        lines += _counted(one, answer.counts(str(name)))
    return "\n".join(lines)


def _counted(one: xarray.Dataset, counts: dict[str, int]) -> list[str]:
    """What the symbols mean, and how often each occurs."""
    within = f"within {100 * one.attrs['tolerance']:.3g} % of the exact value"
    meanings = {
        HOLDS: f"{within}, and it says that it holds",
        TOO_STRICT: f"{within}, but it says that it does not hold (too strict)",
        TOO_LAX: "off by more, but it says that it holds (too lax)",
        FAILS: "off by more, and it says so",
        NOT_ABOUT: f"no prediction: {_first(one, NOT_ABOUT, 'why')}",
        NO_EXACT: f"no exact value: {_first(one, NO_EXACT, 'exact_note')}",
        NOT_DONE: "not computed, for the map was interrupted",
    }
    shown = [kind for kind in meanings if counts[kind] or kind in (HOLDS, TOO_LAX)]
    lines = [f"  {_SYMBOLS[kind]} {counts[kind]:5}  {meanings[kind]}" for kind in shown]
    logs = one["log10_ratio"].values
    logs = logs[np.isfinite(logs)]
    if logs.size:
        lines.append(f"  predicted / exact from {_power(logs.min())} to {_power(logs.max())}")
    return lines


def _first(one: xarray.Dataset, kind: str, of: str) -> str:
    """The reason of the first such cell."""
    reasons = one[of].values[one["verdict"].values == kind]
    return str(reasons[0]) if reasons.size else ""


def _picture(verdicts: np.ndarray) -> list[str]:
    """Rows from the top, thinned out to what a terminal shows."""
    wide, tall = verdicts.shape
    columns, rows = range(0, wide, -(-wide // _WIDEST)), range(0, tall, -(-tall // _TALLEST))
    return ["  | " + " ".join(_SYMBOLS[verdicts[i, j]] for i in columns) for j in reversed(rows)]


def _range(axis: xarray.DataArray) -> str:
    values = axis.values
    return f"{axis.name} from {values[0]:.4g} to {values[-1]:.4g}, {len(values)} values"


def _power(log10: float) -> str:
    """The ratio itself while it can be read."""
    return f"{10**log10:.4g}" if abs(log10) < 4 else f"10^{log10:.4g}"
