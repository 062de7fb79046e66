"""A report on stability as text and as plain data."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from simdyn.errors import InputError
from simdyn.inference.sample import Interval
from simdyn.questions.record import finite

if TYPE_CHECKING:
    from simdyn.questions.stability import StabilityReport, Verdict

_NAMES = {
    "theorem1": "Theorem 1",
    "box": "box",
    "mean_square": "mean square",
    "almost_sure": "almost surely",
    "gd": "gradient descent",
}
_KINDS = {"sufficient": "predicted", "necessary": "predicted", "exact": "exact", "measured": "measured"}


def summary(report: StabilityReport) -> str:
    """A few lines for a terminal or a notebook."""
    linear = report.linear
    problem = report.problem
    where = ", ".join(f"{v + 0.0:.6g}" for v in report.point[:4].round(12)) + (
        ", ..." if len(report.point) > 4 else ""
    )
    batch = "full gradient" if linear.batch_size is None else f"batches of {linear.batch_size}"
    if linear.batch_size is not None:
        batch += f" of {linear.curvatures.size} {linear.sampling.replace('_', ' ')}"
    if linear.momentum:
        batch += f", momentum {linear.momentum:g}"
    lines = [
        f"Stability of {problem['potential']['name']} at ({where}), learning rate {linear.learning_rate:g}, "
        f"{batch}",
        f"  sharpness a = {report.sharpness:.6g}, non-uniformity s = {report.nonuniformity:.6g}, "
        f"learning rate x a = {linear.learning_rate * report.sharpness:.4g}, p_B = {linear.share:.4g}",
        "  answer     criterion         per step    stable up to  verdict",
    ]
    for name in report.criteria:
        verdict = report.verdict(name)
        threshold = _threshold(report, name)
        shown = "-" if threshold is None else f"{threshold:.6g}"
        lines.append(
            f"  {_KINDS[verdict.kind]:<10} {_NAMES[name]:<17} {verdict.multiplier:<11.6g} {shown:<13} "
            f"{_in_words(verdict)}"
        )
    if report.measurement is not None:
        lines += _measured(report)
    return "\n".join([*lines, *(f"  warning    {text}" for text in report.warnings)])


def _in_words(verdict: Verdict) -> str:
    stable = verdict.stable
    if verdict.kind == "sufficient":
        return "stable" if stable else "not shown to be stable"
    if verdict.kind == "necessary":
        return "inside, may be stable" if stable else "outside"
    if stable is None:
        return f"not decided: between {verdict.low:.6g} and {verdict.high:.6g}"
    return "stable" if stable else "unstable"


def _threshold(report: StabilityReport, criterion: str) -> float | None:
    try:
        return report.threshold(criterion)
    except InputError:
        return None


def _measured(report: StabilityReport) -> list[str]:
    growth = report.measurement
    assert growth is not None
    rate, median = growth.exponent, growth.median_log(len(growth.marks) - 1)
    lines = [
        f"  measured   log|x| grows by {_interval(rate)} a step",
        f"             median of log|x| after {growth.steps:,} steps {_interval(median)}; "
        f"{growth.paths:,} paths",
    ]
    verdict = report.verdict("almost_sure")
    if verdict.kind == "exact" and math.isfinite(rate.value):
        exact = math.log(verdict.multiplier) if verdict.multiplier > 0 else -math.inf
        inside = rate.low - 1e-9 <= exact <= rate.high + 1e-9
        lines.append(f"             exact {exact:.8g}, {'inside' if inside else 'OUTSIDE'} the 95 % interval")
    seen = growth.visible_steps
    if seen:
        lines.append(f"             mean of |x|^2 after {seen} steps {_interval(growth.mean_square(seen))}")
        exact_square = _exact_square(report, seen)
        if exact_square is not None:
            lines[-1] += f"; exact {exact_square:.6g}"
    if seen < min(40, growth.steps):
        lines.append(
            f"             beyond step {seen} the sample is too small to see the mean square, which is made "
            "by paths rarer than these; no number is given"
        )
    return lines


def _exact_square(report: StabilityReport, step: int) -> float | None:
    from simdyn import exact

    try:
        return float(exact.second_moments(report.linear, step)[-1])
    except exact.NoReference:
        return None


def _interval(one: Interval) -> str:
    return f"{one.value:.6g}, 95 % interval {one.low:.6g} to {one.high:.6g}"


def json_object(report: StabilityReport) -> dict[str, Any]:
    """The report as one JSON-able object; what is unbounded or undefined is None."""
    criteria = {}
    for name in report.criteria:
        verdict = report.verdict(name)
        threshold = _threshold(report, name)
        criteria[name] = {
            "multiplier": finite(verdict.multiplier),
            "low": finite(verdict.low),
            "high": finite(verdict.high),
            "threshold": None if threshold is None else finite(threshold),
            "stable": verdict.stable,
            "kind": verdict.kind,
            "how": verdict.how,
        }
    growth = report.measurement
    measured = None
    if growth is not None:
        seen = growth.visible_steps
        measured = {
            "exponent": _plain(growth.exponent),
            "median_log": _plain(growth.median_log(len(growth.marks) - 1)),
            "mean_log": _plain(growth.mean_log(len(growth.marks) - 1)),
            "visible_steps": seen,
            "mean_square": _plain(growth.mean_square(seen)) if seen else None,
            "paths": growth.paths,
            "steps": growth.steps,
        }
    return {
        "sharpness": report.sharpness,
        "nonuniformity": report.nonuniformity,
        "batch_share": report.linear.share,
        "interpolates": report.interpolates,
        "criteria": criteria,
        "measured": measured,
        "warnings": list(report.warnings),
        "problem": report.problem,
        "seed": report.seed,
        "versions": report.versions,
    }


def _plain(one: Interval) -> dict[str, float | None]:
    return {"value": finite(one.value), "low": finite(one.low), "high": finite(one.high)}
