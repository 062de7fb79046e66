"""A survey of a landscape as a table for people and as an object for programs."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import groupby
from typing import TYPE_CHECKING, Any

import numpy as np
import sympy

from potentials import CriticalPoint, FiniteSum, FixedPoint, Potential, SampleMean
from simdyn.questions.record import finite

if TYPE_CHECKING:
    from simdyn.questions.landscape_survey import Basin, Survey, WayOut

_KINKS = (sympy.Abs, sympy.sign, sympy.Max, sympy.Min)
_LONGEST_FORMULA = 240
_MOST_NUMBERS = 5
_MOST_WAYS = 12


def json_object(survey: Survey) -> dict[str, Any]:
    """The survey as one JSON-able object; what is not finite is None."""
    record = survey.landscape.record()
    kind, bottoms = (
        ("potential", "minima") if isinstance(survey.landscape, Potential) else ("drift field", "attractors")
    )
    return {
        "kind": kind,
        "dim": survey.landscape.dim,
        **record,
        "complete": survey.complete,
        f"{bottoms}_found": survey.bottoms,
        bottoms: [
            {**_point_record(basin.bottom), "saddles": [_way_record(way) for way in basin.ways]}
            for basin in survey.basins
        ],
        "other_critical_points": None
        if survey.others is None
        else [
            {**_point_record(point), "index": point.index, "degenerate": point.degenerate}
            for point in survey.others
        ],
    }


def _point_record(point: CriticalPoint | FixedPoint) -> dict[str, Any]:
    place = {"x": [finite(value) for value in point.x]}
    if isinstance(point, CriticalPoint):
        values = [finite(value) for value in point.eigenvalues]
        return {**place, "energy": finite(point.energy), "eigenvalues": values}
    pairs = [{"real": finite(value.real), "imag": finite(value.imag)} for value in point.eigenvalues]
    return {**place, "eigenvalues": pairs}


def _way_record(way: WayOut) -> dict[str, Any]:
    record = {**_point_record(way.saddle), "unstable_eigenvalue": finite(way.unstable)}
    if way.barrier is not None and way.prefactor is not None:
        record |= {"barrier": finite(way.barrier), "prefactor": finite(way.prefactor)}
    return record


def table(survey: Survey) -> str:
    """The survey in lines for a terminal or a notebook."""
    landscape = survey.landscape
    gradient = isinstance(landscape, Potential)
    lines = [f"{landscape.name[:60]}, dimension {landscape.dim}"]
    if isinstance(landscape, Potential):
        lines.append(f"  energy      {_shortened(_energy_text(landscape))}")
    else:
        lines += [
            f"  d{variable}/dt{'':{max(1, 8 - len(str(variable)))}}{_shortened(str(expression))}"
            for variable, expression in zip(landscape.variables, landscape.drift_expressions, strict=True)
        ]
    if landscape.parameters:
        lines.append(
            "  parameters  "
            + ", ".join(f"{key} = {value:.6g}" for key, value in landscape.parameters.items())
        )
    lines.append(f"  found       {_counts(survey)}")
    if survey.basins:
        lines += ["", *_rows(survey)]
    if gradient and any(basin.ways for basin in survey.basins):
        lines += [
            "",
            "With white noise of temperature D the mean time over one saddle to the far side is about",
            "prefactor*exp(barrier/D) for barriers much higher than D; rates of several saddles add.",
        ]
    return "\n".join(lines)


def _energy_text(landscape: Potential) -> str:
    """The formula; of a mean over samples that of one sample, or its name."""
    if not isinstance(landscape, SampleMean):
        return str(landscape.expression)
    one = str(landscape.loss) if isinstance(landscape, FiniteSum) else landscape.name
    return f"mean over {landscape.size:,} samples of {one}"


def _shortened(text: str) -> str:
    return text if len(text) <= _LONGEST_FORMULA else text[: _LONGEST_FORMULA - 3] + "..."


def _counts(survey: Survey) -> str:
    what = "minima" if isinstance(survey.landscape, Potential) else "attractors"
    if survey.bottoms is None:
        found = f"more {what} than can be listed; the deepest is shown"
    elif survey.bottoms == 0:
        found = f"no {what}"
    else:
        found = (
            f"{survey.bottoms} {what if survey.bottoms > 1 else {'minima': 'minimum'}.get(what, 'attractor')}"
        )
        if survey.bottoms > len(survey.basins):
            found += f", the first {len(survey.basins)} of them shown"
    if survey.others:
        degenerate = sum(point.degenerate for point in survey.others)
        higher = len(survey.others) - degenerate
        parts = [f"{higher} of higher index"] * bool(higher) + [f"{degenerate} degenerate"] * bool(degenerate)
        found += f"; other critical points: {', '.join(parts)}"
    if survey.complete:
        return f"{found} (complete: a separable polynomial)"
    found += "; bottoms that are kinks are not among them" * _kinked(survey.landscape)
    boxes = [f"[{low:.6g}, {high:.6g}]" for low, high in dict.fromkeys(survey.landscape.domain)]
    return f"{found} (searched in {' x '.join(boxes[:3])}{' x ...' * (len(boxes) > 3)})"


def _kinked(landscape: Any) -> bool:
    if isinstance(landscape, SampleMean):
        # A mean over many samples is not written out; the loss of one has the kinks of all.
        return isinstance(landscape, FiniteSum) and landscape.loss.has(*_KINKS)
    return isinstance(landscape, Potential) and landscape.expression.has(*_KINKS)


def _rows(survey: Survey) -> list[str]:
    gradient = isinstance(survey.landscape, Potential)
    scale = max(high - low for low, high in survey.landscape.domain)
    header = ["", "energy", "barrier", "prefactor", "eigenvalues", "position"]
    rows = [header]
    for number, basin in enumerate(survey.basins, 1):
        rows.append(_bottom_row(basin, number, scale))
        groups = list(_alike(basin.ways))
        for way, count in groups[:_MOST_WAYS]:
            label = "  over a saddle" if count == 1 else f"  over {count} saddles"
            rows.append([label, *_numbers_of(way, scale), *_listed(way.saddle, scale)])
        left = sum(count for _, count in groups[_MOST_WAYS:])
        if left:
            rows.append([f"  and {left} more", "", "", "", "", ""])
        if not basin.ways:
            rows.append(["  no saddle found", "", "", "", "", ""])
    kept = [k for k in range(len(header)) if gradient or k not in (1, 2, 3)]
    widths = [max(len(row[k]) for row in rows) for k in kept]
    return [
        "  ".join(
            row[k].ljust(width) if k in (0, 4, 5) else row[k].rjust(width)
            for k, width in zip(kept, widths, strict=True)
        ).rstrip()
        for row in rows
    ]


def _bottom_row(basin: Basin, number: int, scale: float) -> list[str]:
    bottom = basin.bottom
    if isinstance(bottom, CriticalPoint):
        return [f"minimum {number}", _energy(bottom, scale), "", "", *_listed(bottom, scale)]
    return [f"attractor {number}", "", "", "", *_listed(bottom, scale)]


def _energy(point: CriticalPoint, scale: float) -> str:
    return f"{_zeroed(point.energy, scale**2 * float(np.max(np.abs(point.eigenvalues)))):.6g}"


def _numbers_of(way: WayOut, scale: float) -> list[str]:
    if way.barrier is None or way.prefactor is None or isinstance(way.saddle, FixedPoint):
        return ["", "", ""]
    return [_energy(way.saddle, scale), f"{way.barrier:.6g}", f"{way.prefactor:.6g}"]


def _alike(ways: Sequence[WayOut]) -> Iterable[tuple[WayOut, int]]:
    """Three or more neighbouring saddles with the same barrier and eigenvalues once, with their number."""

    def key(way: WayOut) -> tuple[str, ...]:
        barrier = "" if way.barrier is None else f"{way.barrier:.8g}"
        return barrier, *(f"{value:.8g}" for value in way.saddle.eigenvalues)

    for _, group in groupby(ways, key):
        members = list(group)
        if len(members) < 3:
            yield from ((member, 1) for member in members)
        else:
            yield members[0], len(members)


def _listed(point: CriticalPoint | FixedPoint, scale: float) -> list[str]:
    """Eigenvalues and position as text."""
    largest = float(np.max(np.abs(point.eigenvalues)))
    values = _row([_complex(value, largest) for value in point.eigenvalues])
    return [values, f"({_row([f'{_zeroed(float(v), scale):.6g}' for v in point.x])})"]


def _complex(value: complex, largest: float) -> str:
    real, imag = _zeroed(value.real, largest), _zeroed(value.imag, largest)
    return f"{real:.6g}" if imag == 0.0 else f"{real:.6g}{imag:+.6g}i"


def _zeroed(value: float, scale: float) -> float:
    """The value, or 0 where only rounding keeps it from that."""
    return 0.0 if abs(value) < 1e-12 * scale else value


def _row(texts: Sequence[str]) -> str:
    """Numbers side by side, runs of equal ones once, the middle of a long row left out."""
    parts: list[str] = []
    for text, group in groupby(texts):
        count = len(list(group))
        parts += [text] * count if count < 3 else [f"{text} x {count}"]
    if len(parts) > _MOST_NUMBERS:
        parts = [*parts[:3], "...", parts[-1]]
    return ", ".join(parts)
