"""A stationary law as text for a terminal, and as an object for programs."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from simdyn.dynamics.rates import is_directional
from simdyn.inference import Figures, Interval
from simdyn.questions.ensemble_summary import written
from simdyn.questions.record import finite
from simdyn.questions.stationary_comparison import Figure, comparison_table, distance_figures, moment_figures
from simdyn.theory import StationaryLaw

if TYPE_CHECKING:
    from simdyn.questions.stationary_estimate import StationaryEstimate

_SHOWN = 8
_WORTH_SAYING = 0.1
"""Gain in variance by looks apart that is said."""

_WEIGHED = 8
_DUST = 1e-9
"""Of the width of the interval: what is left of a zero after rounding."""


def summary(answer: StationaryEstimate) -> str:
    """Some lines for a terminal or a notebook."""
    measurement = answer.measurement
    relaxation = measurement.relaxation
    lines = [
        f"Stationary law on {answer.problem['potential']['name']}; 95 % intervals"
        + ("" if answer.settled else "; NOT SETTLED, no claim"),
        *_moments(answer),
        f"  rests on   {measurement.paths:,} paths in {measurement.groups} groups, {measurement.steps:,} "
        f"steps each, looked at every {measurement.every:,}; the first "
        f"{measurement.burn_in:,} do not count",
        *_spacing(answer),
        f"             values are remembered for {measurement.memory:,.0f} steps (integrated autocorrelation "
        "time)" + (f", basins for {relaxation:,.0f}" if 0 < relaxation < math.inf else ""),
        f"             {answer.steps_done:.3g} path-steps in {answer.seconds:.1f} s on {answer.backend}",
    ]
    balance = answer.balance
    if balance is not None and np.isfinite(balance[2].value):
        given = answer.problem["dynamics"].get("learning_rate")
        sides = ("<x.Pg>", "tr<Pg g'P>/2") if is_directional(given) else ("<x.g>", "eta/2 tr<g g'>")
        lines.append(
            f"  balance    {sides[0]} = {_text(balance[0])}, {sides[1]} = {_text(balance[1])}: apart by "
            f"{balance[2].value:.2%} ± {1.96 * balance[2].error:.2%}"
        )
    lines += _basins(answer)
    lines += _currents(answer)
    lines += _others(answer)
    lines += [f"  warning    {text}" for text in answer.warnings]
    return "\n".join(lines)


def _spacing(answer: StationaryEstimate) -> list[str]:
    """What looks so far apart cost in precision, where they forget a good deal in between."""
    loss = answer.measurement.spacing.loss
    if loss is None or loss < _WORTH_SAYING:
        return []
    return [
        f"             with looks at every step variances of means would be {1 / (1 + loss):.2g} times "
        "these, and the run some times longer (every=1)"
    ]


def _moments(answer: StationaryEstimate) -> list[str]:
    lines = []
    names = answer.names[:_SHOWN]
    for i, name in enumerate(names):
        mean, variance = answer.mean[i], answer.covariance[i, i]
        lines.append(
            f"  measured   {name}: mean {_text(mean)}, variance {_text(variance)} "
            f"(effective samples {_size(mean.ess)}, {_size(variance.ess)})"
        )
    if len(answer.names) > _SHOWN:
        lines.append(f"             and {len(answer.names) - _SHOWN} more coordinates")
    if answer.measurement.full:
        for i in range(len(names)):
            for j in range(i + 1, min(len(names), 3)):
                lines.append(
                    f"             covariance of {names[i]}, {names[j]}: {_text(answer.covariance[i, j])}"
                )
    for one in answer.quantities:
        if one.coordinate is None:
            average = answer.averages[one.label]
            lines.append(
                f"             mean of {one.label}: {_text(average)} (effective {_size(average.ess)})"
            )
    return lines


def _basins(answer: StationaryEstimate) -> list[str]:
    if not answer.basins:
        return []
    lines = []
    for basin in sorted(answer.basins, key=lambda b: -b.share.value)[:_WEIGHED]:
        lines.append(f"  basin      {basin.label}: share {_text(basin.share)}")
    if len(answer.basins) > _WEIGHED:
        lines.append(f"             and {len(answer.basins) - _WEIGHED} more basins")
    lines.append(f"             {answer.measurement.crossings:,} changes between them were seen")
    return lines


def _currents(answer: StationaryEstimate) -> list[str]:
    lines = []
    turning = answer.angular_momentum
    if turning is not None:
        i, j = np.unravel_index(int(np.nan_to_num(np.abs(turning.value)).argmax()), turning.value.shape)
        i, j = min(i, j), max(i, j)
        if i != j:
            lines.append(
                f"  current    angular momentum {answer.names[i]}, {answer.names[j]}: {_text(turning[i, j])} "
                "per unit of time"
            )
    if answer.entropy_production is not None:
        lines.append(
            f"             entropy production {_text(answer.entropy_production)} nats per unit of time"
        )
    return lines


def _others(answer: StationaryEstimate) -> list[str]:
    lines: list[str] = []
    figures = [*moment_figures(answer), *distance_figures(answer)]
    if answer.reference is None:
        lines.append(f"  exact      none: {answer.reference_note}")
    else:
        lines += _by(figures, "exact", "exact    ", answer.reference.method)
    for law in answer.predictions:
        mark = "" if law.valid else "NOT VALID HERE: "
        if not isinstance(law, StationaryLaw) and law.name not in ("Circulation", "Entropy production"):
            lines.append(f"  predicted  {float(law.value):.6g} ({law.unit}) by {law.name}")
            lines.append(f"             {mark}{law.why}")
            continue
        lines += _by(figures, law.name, "predicted", mark + str(law.why))
    return lines


def _by(figures: list[Figure], name: str, kind: str, remark: str) -> list[str]:
    """What one answer says, and where the measurement sees it."""
    found = [f for f in figures if f.answer == name]
    lines = []
    for figure in (f for f in found if " distance in " not in f.quantity):
        verdict = figure.verdict.removeprefix("not valid here; ")
        value = 0.0 if abs(figure.value) < _DUST * (figure.high - figure.low) else figure.value
        lines.append(f"  {kind}  {figure.quantity} {value:.6g} by {name}; {verdict}")
    for figure in (f for f in found if f.quantity.startswith("total variation distance in ")):
        lines.append(
            f"             {figure.quantity} {figure.measured:.3g} ({figure.low:.2g} to {figure.high:.2g})"
        )
    return [*lines, f"             {remark}"] if lines else [f"  {kind}  {name}: {remark}"]


def json_object(answer: StationaryEstimate) -> dict[str, Any]:
    """The answer as one JSON-able object; what is unbounded or undefined is None."""
    measurement = answer.measurement
    turning, entropy = answer.angular_momentum, answer.entropy_production
    reference = answer.reference
    return {
        "estimate": {
            "settled": answer.settled,
            "mean": _each(answer.names, answer.mean),
            "covariance": {
                name: {
                    other: _figure(answer.covariance[i, j])
                    for j, other in enumerate(answer.names)
                    if measurement.full or i == j
                }
                for i, name in enumerate(answer.names)
            },
            "averages": {label: _figure(one) for label, one in answer.averages.items()},
            "memory": {label: _interval(one) for label, one in answer.memory.items()},
            "tails": {name: _interval(one) for name, one in answer.tails.items()},
            "histogram": {
                label: {
                    "edges": one.edges.tolist(),
                    "share": one.share.value.tolist(),
                    "error": _plain(one.share.error),
                    "outside": one.outside,
                }
                for label, one in answer.histogram.items()
            },
            "basins": [
                {"at": basin.x.tolist(), "label": basin.label, **_figure(basin.share)}
                for basin in answer.basins
            ],
            "transitions": None if answer.transitions is None else answer.transitions.tolist(),
            "relaxation": finite(measurement.relaxation),
            "angular_momentum": None if turning is None else _plain(turning.value),
            "angular_momentum_error": None if turning is None else _plain(turning.error),
            "entropy_production": None if entropy is None else _figure(entropy),
            "balance": None if answer.balance is None else _figure(answer.balance[2]),
            "burn_in": answer.burn_in,
            "groups": measurement.groups,
            "scale_reduction": finite(float(measurement.reduction.max(initial=1.0))),
            "diverged": measurement.diverged,
        },
        "predictions": [
            {
                "name": law.name,
                "value": _values(law),
                "unit": law.unit,
                "valid": bool(law.valid),
                "why": str(law.why),
                "formula": law.formula,
                "source": law.source,
            }
            for law in answer.predictions
        ],
        "reference": None
        if reference is None
        else {
            "value": {
                "mean": [reference.expectation(lambda x, i=i: x[:, i]) for i in range(len(answer.names))]  # type: ignore[misc]
            },
            "error": finite(reference.error),
            "method": reference.method,
        },
        "reference_note": answer.reference_note,
        "comparison": [
            {key: finite(value) if isinstance(value, float) else value for key, value in row.items()}
            for row in comparison_table(answer).to_dict("records")
        ],
        "warnings": list(answer.warnings),
        "problem": dict(answer.problem),
        "seed": answer.seed,
        "backend": answer.backend,
        "steps_done": answer.steps_done,
        "seconds": round(answer.seconds, 3),
        "versions": answer.versions,
    }


def _values(law: Any) -> Any:
    if not isinstance(law, StationaryLaw):
        return _plain(law.value)
    return {
        key: None if value is None else _plain(value)
        for key, value in (("mean", law.mean), ("covariance", law.covariance), ("weights", law.weights))
    }


def _each(names: tuple[str, ...], figures: Figures) -> dict[str, Any]:
    return {name: _figure(figures[i]) for i, name in enumerate(names)}


def _figure(figures: Figures) -> dict[str, float | None]:
    keys = ("value", "low", "high", "ess")
    return {key: finite(float(getattr(figures, key))) for key in keys}


def _interval(interval: Interval) -> dict[str, float | None]:
    return {key: finite(getattr(interval, key)) for key in ("value", "low", "high")}


def _plain(array: Any) -> Any:
    """Nested lists in which what is not finite is None."""
    if isinstance(array, np.ndarray) and array.ndim:
        return [_plain(one) for one in array]
    return finite(float(array))


def _text(figures: Figures) -> str:
    return written(Interval(float(figures.value), float(figures.low), float(figures.high)))


def _size(ess: float) -> str:
    return f"{ess:.3g}" if math.isfinite(ess) else "?"
