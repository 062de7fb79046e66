"""Measured, exact and predicted side by side, as a table and as text."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pandas

    from simdyn.questions.escape_estimate import EscapeEstimate


def agreement(answer: EscapeEstimate, value: float) -> str:
    """Where `value` lies as seen from the measurement: inside its 95 % or 99.9 % interval, or beyond."""
    if not math.isfinite(answer.value):
        return "above the lower bound" if value >= answer.low else "below the lower bound"
    if answer.contains(value):
        return "inside the 95 % interval"
    wide = answer.measurement.estimate(confidence=0.999)
    if wide.contains(value):
        return "inside the 99.9 % interval"
    return "outside the 99.9 % interval"


def comparison_table(answer: EscapeEstimate) -> pandas.DataFrame:
    """Columns answer, value, low, high, ratio (value / measured), verdict, remark; in the answer's unit."""
    import pandas

    rows = [("measured", answer.value, answer.low, answer.high, 1.0, "", f"{answer.events:,} escapes")]
    if answer.reference is not None:
        exact = answer.reference
        rows.append(
            (
                "exact",
                exact.value,
                exact.value - exact.error,
                exact.value + exact.error,
                exact.value / answer.value,
                agreement(answer, exact.value),
                exact.method,
            )
        )
    for prediction in answer.predictions:
        finite = math.isfinite(prediction.value)
        verdict = agreement(answer, prediction.value) if finite else "no finite value"
        rows.append(
            (
                prediction.name,
                prediction.value,
                math.nan,
                math.nan,
                prediction.value / answer.value,
                verdict if prediction.valid else f"not valid here; {verdict}",
                prediction.why,
            )
        )
    table = pandas.DataFrame(rows, columns=["answer", "value", "low", "high", "ratio", "verdict", "remark"])
    table.attrs["unit"] = answer.unit
    return table


def summary(answer: EscapeEstimate) -> str:
    """A few lines for a terminal or a notebook."""
    problem = answer.problem
    unit = "steps" if answer.unit == "steps" else "units of time"
    kind = "first hit" if problem["exit_kind"] == "hit" else "commitment to another minimum"
    lines = [
        f"Mean escape time from {problem['potential']['name']}, {problem['exit']} ({kind}), in {unit}",
        f"  measured   {_interval(answer)}",
        f"             {_work(answer)}; {answer.steps_done:.3g} path-steps in {answer.seconds:.1f} s on "
        f"{answer.backend}",
    ]
    if len(answer.exits) > 1:
        top = sorted(answer.exits.items(), key=lambda item: -item[1])
        shown = ", ".join(f"{label}: {share:.1%}" for label, share in top[:4])
        more = f", and {len(top) - 4} more channels" if len(top) > 4 else ""
        lines.append(f"             through {shown}{more}")
    if problem["method_choice"]:
        lines.append(f"  method     {problem['method_choice']}")
    if answer.reference is not None:
        ratio = _ratio(answer, answer.reference.value, "exact")
        lines.append(
            f"  exact      {answer.reference.value:.8g} (+- {answer.reference.error:.1g}){ratio}; "
            f"{agreement(answer, answer.reference.value)}"
        )
        lines.append(f"             {answer.reference.method}")
    else:
        lines.append(f"  exact      none: {answer.reference_note}")
    for prediction in answer.predictions:
        mark = "" if prediction.valid else "NOT VALID HERE: "
        ratio = _ratio(answer, prediction.value, "predicted")
        lines.append(f"  predicted  {_number(prediction.value)} by {prediction.name}{ratio}")
        lines.append(f"             {mark}{prediction.why}")
    lines += [f"  warning    {text}" for text in answer.warnings]
    return "\n".join(lines)


def _work(answer: EscapeEstimate) -> str:
    """What the value rests on."""
    from simdyn.estimators import FluxMeasurement, SplittingMeasurement

    measurement = answer.measurement
    if isinstance(measurement, SplittingMeasurement):
        runs = len(measurement.runs.probability)
        return (
            f"by splitting: {runs} runs of {measurement.replicas:,} paths, "
            f"{measurement.probability:.3g} of the loops out of the well leave it, "
            f"ranked by the {measurement.score.description}"
        )
    if isinstance(measurement, FluxMeasurement):
        return (
            f"population {measurement.population:,} over {answer.events:,} exits in steps "
            f"{measurement.settled:,} to {measurement.steps:,}, {answer.diverged:,} diverged"
        )
    return f"{answer.events:,} escapes, {answer.censored:,} censored, {answer.diverged:,} diverged"


def _ratio(answer: EscapeEstimate, value: float, name: str) -> str:
    """Measured over another answer, where both are numbers."""
    known = math.isfinite(answer.value) and math.isfinite(value)
    return f"; measured / {name} = {answer.value / value:.4g}" if known else ""


def _number(value: float) -> str:
    """A predicted time in words where it is no number."""
    return "no value" if math.isnan(value) else "infinite" if math.isinf(value) else f"{value:.6g}"


def _interval(answer: EscapeEstimate) -> str:
    if not math.isfinite(answer.value):
        return f"more than {answer.low:.4g} (97.5 % lower bound; no escape seen)"
    high = f"{answer.high:.6g}" if math.isfinite(answer.high) else "unbounded"
    return f"{answer.value:.6g}   95 % interval {answer.low:.6g} to {high}"
