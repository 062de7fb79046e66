"""The final states of an ensemble in numbers: for a table in the shell, and for programs."""

from __future__ import annotations

import json
import math
from typing import TYPE_CHECKING, Any

import numpy as np

from simdyn.inference import Interval, deviation_of, mean_of, quantile_of
from simdyn.questions.record import finite

if TYPE_CHECKING:
    import xarray

QUANTILES = (0.05, 0.25, 0.5, 0.75, 0.95)
_SHOWN = 12


def final_statistics(data: xarray.Dataset) -> dict[str, dict[str, Interval]]:
    """For each coordinate the mean, the standard deviation and quantiles over the paths that did not diverge.

    Parameters
    ----------
    data
        A dataset of `simulate` with the record "final".
    """
    states = data["final"].values.astype(np.float64, copy=False)
    with np.errstate(invalid="ignore"):
        kept = states[(np.abs(states) < data.attrs["divergence_bound"]).all(axis=1)]
    found = {}
    for name, column in zip(data["coordinate"].values, kept.T, strict=True):
        ordered = np.sort(column)
        found[str(name)] = {
            "mean": mean_of(ordered),
            "sd": deviation_of(ordered),
            **{f"{share:.0%}": quantile_of(ordered, share) for share in QUANTILES},
        }
    return found


def summary(data: xarray.Dataset) -> str:
    """A few lines for a terminal, of a dataset with the record "final"."""
    facts = data.attrs
    problem = json.loads(facts["problem"])
    passed = f" (time {facts['steps_done'] * facts['step_time']:.6g})" if "step_time" in facts else ""
    speed = facts["path_steps"] / facts["seconds"] if facts["seconds"] > 0 else math.nan
    lines = [
        f"{facts['paths']:,} paths on {problem['potential']['name']} after {facts['steps_done']:,} steps"
        f"{passed}; 95 % intervals",
        *_table(final_statistics(data)),
        f"  diverged   {facts['diverged']:,} of {facts['paths']:,} paths "
        f"({facts['diverged'] / facts['paths']:.2%}); they are left out above",
    ]
    if "time_mean" in data:
        lines += _time_averages(data)
    if facts["path_steps"]:
        lines.append(
            f"  speed      {speed:.3g} path-steps/s on {facts['backend']}; {facts['path_steps']:.3g} "
            f"path-steps in {facts['seconds']:.1f} s"
        )
    if not facts["complete"]:
        lines.append(f"  warning    interrupted after {facts['steps_done']:,} of {problem['steps']:,} steps")
    return "\n".join(lines)


def json_object(data: xarray.Dataset) -> dict[str, Any]:
    """One JSON-able object, of a dataset with the record "final"; what is unbounded or undefined is None."""
    facts = data.attrs
    answer: dict[str, Any] = {
        "final": {
            name: {
                statistic: {k: finite(v) for k, v in vars(interval).items()}
                for statistic, interval in statistics.items()
            }
            for name, statistics in final_statistics(data).items()
        },
        "time_averages": None,
        **{key: facts[key] for key in ("paths", "diverged", "steps_done", "backend")},
        "step_time": facts.get("step_time"),
        "complete": bool(facts["complete"]),
        "path_steps": facts["path_steps"],
        "seconds": round(facts["seconds"], 3),
        **{key: json.loads(facts[key]) for key in ("problem", "seed", "versions")},
    }
    if "time_mean" in data:
        answer["time_averages"] = {
            str(name): {
                key: finite(float(data[f"time_{key}"][i]))
                for key in ("mean", "mean_error", "variance", "variance_error")
            }
            for i, name in enumerate(data["coordinate"].values)
        }
    return answer


def _table(statistics: dict[str, dict[str, Interval]]) -> list[str]:
    names = list(statistics)
    columns = ["mean", "sd", "5%", "50%", "95%"]
    rows = [["", *("median" if c == "50%" else c.replace("%", " %") for c in columns)]]
    rows += [[name, *(written(statistics[name][column]) for column in columns)] for name in names[:_SHOWN]]
    widths = [max(len(row[k]) for row in rows) for k in range(len(columns) + 1)]
    lines = []
    for name, *cells in rows:
        shown = [cell.rjust(width) for cell, width in zip(cells, widths[1:], strict=True)]
        lines.append("  ".join(["", name.ljust(max(widths[0], 9)), *shown]))
    if len(names) > _SHOWN:
        lines.append(f"  and {len(names) - _SHOWN} more coordinates")
    return lines


def _time_averages(data: xarray.Dataset) -> list[str]:
    lines = []
    for i, name in enumerate(data["coordinate"].values[:_SHOWN]):
        mean, variance = (
            written(Interval(value, value - 1.96 * error, value + 1.96 * error))
            for value, error in (
                (float(data[f"time_{key}"][i]), float(data[f"time_{key}_error"][i]))
                for key in ("mean", "variance")
            )
        )
        lines.append(f"  over time  {name}: mean {mean}, variance {variance}")
    return lines


def written(interval: Interval) -> str:
    """Value and half the interval, as many digits as that says something about."""
    if not math.isfinite(interval.value):
        return "-"
    half = interval.half_width
    if not math.isfinite(half):
        return f"{interval.value:.4g} ± ?"
    if half == 0.0:
        return f"{interval.value:.6g} ± 0"
    digits = 1 - math.floor(math.log10(half))
    if -2 <= digits <= 8 and abs(interval.value) < 1e7:
        return f"{interval.value:.{max(0, digits)}f} ± {half:.{max(0, digits)}f}"
    return f"{interval.value:.4g} ± {half:.2g}"
