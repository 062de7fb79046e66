"""The noise of gradients in a few lines for a terminal."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from simdyn.inference import Interval
from simdyn.questions.ensemble_summary import written

if TYPE_CHECKING:
    from simdyn.questions.gradient_noise import GradientNoise

_SHOWN = 6


def summary(noise: GradientNoise) -> str:
    """A line for each batch size and coordinate, then the pooled index and what it means."""
    data = noise.data
    problem = json.loads(data.attrs["problem"])
    names = [str(name) for name in data["coordinate"].values]
    lines = [
        f"Gradient noise of {problem['potential']['name'][:60]}, {data.attrs['draws']:,} batches of each "
        f"size, {data.attrs['sampling'].replace('_', ' ')}; 95 % intervals",
        "       B  coordinate   distance to Gaussian  (Edgeworth)   skewness  (exact)   kurtosis  (exact)   "
        "tail index",
    ]
    for size in data["batch_size"].values:
        row = data.sel(batch_size=size)
        for name in names[:_SHOWN]:
            one = row.sel(coordinate=name)
            if not float(one["sd_exact"]) > 0:
                lines.append(f"  {int(size):>6}  {name:<12} no noise")
                continue
            lines.append(
                f"  {int(size):>6}  {name:<12} {float(one['distance']):>8.4f} "
                f"{'' if bool(one['gaussian']) else 'not '}Gaussian".ljust(45)
                + f"{float(one['distance_predicted']):>9.4f} {float(one['skewness']):>11.4f} "
                f"({float(one['skewness_exact']):.4f}) {float(one['kurtosis']):>10.4f} "
                f"({float(one['kurtosis_exact']):.4f})   {_text(one, 'index')}"
            )
        if len(names) > _SHOWN:
            lines.append(f"          and {len(names) - _SHOWN} more coordinates")
        if len(names) > 1:
            lines.append(
                f"  {int(size):>6}  pooled: tail index {_text(row, 'pooled')}; Gaussian coordinates of these "
                f"scales would give {float(row['pooled_gaussian']):.3g}"
            )
    smallest = noise.smallest_gaussian_batch
    lines.append(
        "  At no batch size do all coordinates pass for Gaussian."
        if smallest is None
        else f"  From batches of {smallest} on all coordinates pass for Gaussian in so many draws."
    )
    if len(names) > 1:
        lines.append(
            "  The pooled index mixes coordinates of different scales and is below 2 for Gaussian ones, too."
        )
    return "\n".join(lines)


def _text(row: object, name: str) -> str:
    value, low, high = (float(row[key]) for key in (name, f"{name}_low", f"{name}_high"))  # type: ignore[index]
    return written(Interval(value, low, high))
