"""For which learning rates is a minimum stable under SGD? Theorem 1, the box, exact, and measured."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from potentials import SampleMean, curvatures_at
from simdyn.dynamics.linearised import LinearisedSGD
from simdyn.errors import InputError
from simdyn.estimators import LinearGrowth, measure_growth
from simdyn.exits import parse_start
from simdyn.noise import Seed, seed_record
from simdyn.questions.record import dynamics_record
from simdyn.results import versions

if TYPE_CHECKING:
    from matplotlib.figure import Figure

CRITERIA = ("theorem1", "box", "mean_square", "almost_sure", "gd")
"""Besides these "moment:p" for a number p > 0."""

Kind = Literal["sufficient", "necessary", "exact", "measured"]
_ROUNDING = 1e-12


@dataclass(frozen=True)
class Verdict:
    """What one criterion says.

    Attributes
    ----------
    criterion
        Its name.
    kind
        "exact"; "measured", with an interval; "sufficient" (within it is stable); or "necessary" (beyond it
        may not be).
    multiplier, low, high
        Growth per step: of E|x|^2 (theorem1, mean_square), of E|x|^p (moment:p), of |x| (gd, and exp of the
        mean growth of log|x| for almost_sure); for box the larger of a and s in units of their bounds. At
        most 1 means stable. With the ends of its interval.
    how
        Where the number comes from, in a clause.
    """

    criterion: str
    kind: Kind
    multiplier: float
    low: float
    high: float
    how: str

    @property
    def stable(self) -> bool | None:
        """Whether the multiplier is at most 1; None where a measurement does not tell."""
        if self.low > 1 + _ROUNDING:
            return False
        return True if self.high <= 1 + _ROUNDING else None


@dataclass(frozen=True)
class StabilityReport:
    """Linear stability of a minimum, by several criteria. Numbers are computed when asked for, and kept.

    Attributes
    ----------
    linear
        The recursion near the minimum: the samples' curvatures and the settings.
    point
        The minimum.
    interpolates
        Whether every sample has its minimum there. If not, SGD has noise that does not vanish at the minimum,
        and a criterion says whether the moment that it is about stays bounded.
    measurement
        The simulated paths, or None.
    warnings
        Sentences that a reader should know.
    problem, seed, versions
        Provenance.
    """

    linear: LinearisedSGD
    point: np.ndarray
    interpolates: bool
    measurement: LinearGrowth | None
    warnings: tuple[str, ...]
    problem: Mapping[str, Any]
    seed: Mapping[str, Any]
    versions: Mapping[str, str]
    _kept: dict[tuple[str, str], Any] = field(default_factory=dict, repr=False, compare=False)

    @property
    def sharpness(self) -> float:
        """a, the largest eigenvalue of the mean curvature."""
        return self.linear.curvatures.sharpness

    @property
    def nonuniformity(self) -> float:
        """s, the root of the largest eigenvalue of mean(H_i^2) - H^2."""
        return self.linear.curvatures.nonuniformity

    @cached_property
    def criteria(self) -> tuple[str, ...]:
        """The criteria that speak about these dynamics, of those in `CRITERIA`."""
        found = []
        for name in CRITERIA:
            try:
                self.verdict(name)
            except InputError:
                continue
            found.append(name)
        return tuple(found)

    def verdict(self, criterion: str) -> Verdict:
        """What a criterion says, with interval and origin.

        Raises
        ------
        InputError
            An unknown criterion, or one that does not speak about these dynamics; says why.
        """
        return self._once("verdict", criterion, self._verdict)

    def multiplier(self, criterion: str) -> float:
        """Growth per step by a criterion; see `Verdict`.

        Raises
        ------
        InputError
            See `verdict`.
        """
        return self.verdict(criterion).multiplier

    def stable(self, criterion: str) -> bool | None:
        """Whether the minimum is stable by a criterion; None where a measurement does not tell.

        False for "theorem1" means that the theorem does not show it to be stable; True for "box" only that
        it may be.

        Raises
        ------
        InputError
            See `verdict`.
        """
        return self.verdict(criterion).stable

    def threshold(self, criterion: str) -> float:
        """The largest learning rate up to which it is stable by a criterion, all else being equal.

        Raises
        ------
        InputError
            See `verdict`; also where the criterion is measured rather than computed.
        """
        return float(self._once("threshold", criterion, self._threshold))

    def _once(self, what: str, criterion: str, compute: Callable[[str], Any]) -> Any:
        key = (what, criterion)
        if key not in self._kept:
            self._kept[key] = compute(criterion)
        return self._kept[key]

    def _verdict(self, criterion: str) -> Verdict:
        from simdyn import exact, theory

        linear, order = self.linear, _order(criterion)
        if criterion in ("theorem1", "box"):
            _refuse_closed_form(criterion, linear)
            if criterion == "theorem1":
                found = theory.theorem1(linear.curvatures, linear.learning_rate, batch_share=linear.share)
            else:
                found = theory.stability_box(
                    self.sharpness,
                    self.nonuniformity,
                    linear.learning_rate,
                    batch_share=linear.share,
                    momentum=linear.momentum,
                )
            kind: Kind = "sufficient" if criterion == "theorem1" else "necessary"
            return Verdict(criterion, kind, found.value, found.value, found.value, found.formula)
        if criterion == "almost_sure":
            return self._typical()
        if criterion == "mean_square":
            reference = exact.mean_square_multiplier(linear)
        elif criterion == "gd":
            reference = exact.descent_multiplier(linear)
        else:
            reference = exact.moment_multiplier(linear, order)
        return _exactly(criterion, reference.value, reference.error, reference.method)

    def _typical(self) -> Verdict:
        from simdyn import exact

        try:
            reference = exact.lyapunov_exponent(self.linear)
        except exact.NoReference as reason:
            if self.measurement is None:
                raise InputError(f"{reason} Ask for a measurement.") from None
            rate = self.measurement.exponent
            value, low, high = (math.exp(x) for x in (rate.value, rate.low, rate.high))
            how = f"{self.measurement.paths:,} paths of {self.measurement.steps:,} steps"
            return Verdict("almost_sure", "measured", value, low, high, how)
        value = math.exp(reference.value)
        return _exactly("almost_sure", value, value * reference.error, reference.method)

    def _threshold(self, criterion: str) -> float:
        from simdyn import exact, theory

        linear, order = self.linear, _order(criterion)
        if criterion == "theorem1":
            _refuse_closed_form(criterion, linear)
            return float(theory.theorem1_threshold(linear.curvatures, batch_share=linear.share).value)
        if criterion == "box":
            return linear.learning_rate / self.multiplier("box")
        compute = {
            "mean_square": exact.mean_square_threshold,
            "almost_sure": exact.almost_sure_threshold,
            "gd": exact.descent_threshold,
        }.get(criterion)
        found = exact.moment_threshold(linear, order) if compute is None else compute(linear)
        return found.value

    def plot(self, path: str | None = None) -> Figure:
        """Growth per step against the learning rate for the criteria that can be computed, and the measured
        course of the typical path and the mean square.

        With `path` the figure is also written there (.pdf, .svg or .png).
        """
        from simdyn.plotting.stability import stability_figure
        from simdyn.plotting.style import saved

        return saved(stability_figure(self), path)

    def to_json(self) -> dict[str, Any]:
        """The object that the shell prints; unbounded or unknown values are None."""
        from simdyn.questions.stability_text import json_object

        return json_object(self)

    def __str__(self) -> str:
        from simdyn.questions.stability_text import summary

        return summary(self)


def stability(
    potential: SampleMean,
    dynamics: Any,
    at: Any = None,
    *,
    measure: bool = True,
    paths: int | None = None,
    steps: int | None = None,
    seed: Seed = 0,
    threads: int | None = None,
) -> StabilityReport:
    """Whether a minimum is stable under SGD, and up to which learning rate, by every criterion.

    Parameters
    ----------
    potential
        A mean over samples: FiniteSum, QuadraticSum or LinearisedNetwork.
    dynamics
        SGD with real batches, or with noise="none" for gradient descent; momentum and every way of sampling.
    at
        The minimum: a point, "x=1", or a critical point. By default the only or deepest one.
    measure
        Whether to simulate an ensemble, too.
    paths, steps, seed, threads
        Of the ensemble; see `simdyn.estimators.measure_growth`.

    Raises
    ------
    InputError
        A potential without samples, a point that is no minimum, or dynamics that are not SGD.
    """
    if not isinstance(potential, SampleMean):
        raise InputError(
            "Stability under SGD asks for the losses of single samples: give a FiniteSum, QuadraticSum or "
            "LinearisedNetwork; in the shell a loss with --data FILE."
        )
    point, warnings = _minimum(potential, at)
    curvatures = curvatures_at(potential, point)
    linear = LinearisedSGD.of(dynamics, curvatures)
    if not curvatures.sharpness > 0:
        raise InputError("No sample curves at this point, so nothing there is stable or unstable.")
    slopes = float(np.abs(potential.sample_gradients(point)).max())
    interpolates = slopes <= 1e-7 * curvatures.largest * (1.0 + float(np.abs(point).max()))
    if not interpolates:
        warnings.append(
            "The samples do not share this minimum, so SGD never rests there; the criteria say which moments "
            "of the distance stay bounded."
        )
    if curvatures.flat:
        warnings.append(
            f"In {curvatures.flat:,} of {potential.dim:,} directions no sample curves; nothing moves along "
            "them, and they are left out."
        )
    growth = measure_growth(linear, paths=paths, steps=steps, seed=seed, threads=threads) if measure else None
    return StabilityReport(
        linear=linear,
        point=point,
        interpolates=interpolates,
        measurement=growth,
        warnings=tuple(warnings),
        problem={
            "potential": potential.record(),
            "dynamics": dynamics_record(dynamics),
            "at": [float(v) for v in point[:64]],
            "paths": None if growth is None else growth.paths,
            "steps": None if growth is None else growth.steps,
        },
        seed=seed_record(seed),
        versions=versions(),
    )


def _minimum(potential: SampleMean, at: Any) -> tuple[np.ndarray, list[str]]:
    if at is not None:
        return parse_start(at, potential), []
    if hasattr(potential, "minimiser"):
        return np.asarray(potential.minimiser), []
    minima = potential.minima()
    best = potential.deepest()
    alike = [m for m in minima if m.energy <= best.energy + 1e-9 * (1.0 + abs(best.energy))]
    warnings = []
    if len(alike) > 1:
        warnings.append(
            f"{len(alike)} minima are equally deep; this is one of them. Give at=... to choose another."
        )
    return np.asarray(best.x, dtype=float), warnings


def _order(criterion: str) -> float:
    """p of "moment:p"; 0 for the other criteria."""
    if criterion in CRITERIA:
        return 0.0
    name, _, text = str(criterion).partition(":")
    try:
        order = float(text)
    except ValueError:
        order = math.nan
    if name != "moment" or not (math.isfinite(order) and order > 0):
        raise InputError(
            f"There is no criterion {criterion!r}: choose one of {', '.join(CRITERIA)}, or moment:p with a "
            "number p above 0, such as moment:4."
        )
    return order


def _refuse_closed_form(criterion: str, linear: LinearisedSGD) -> None:
    what = "Theorem 1" if criterion == "theorem1" else "The box"
    if linear.shuffled:
        raise InputError(f"{what} speaks of fresh batches in each step, not of shuffled epochs.")
    if criterion == "theorem1" and linear.momentum > 0:
        raise InputError("Theorem 1 speaks of SGD without momentum; use mean_square.")


def _exactly(criterion: str, value: float, error: float, how: str) -> Verdict:
    return Verdict(criterion, "exact", value, value - error, value + error, how)
