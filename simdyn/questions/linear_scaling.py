"""Does nothing change when learning rate and batch size grow together? At equilibrium, and on the way."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from potentials import Potential, SampleMean
from simdyn.dynamics import SGD, MinibatchUpdate
from simdyn.errors import InputError
from simdyn.exits import parse_start
from simdyn.inference.sample import NORMAL_975
from simdyn.noise import Seed, key_of, seed_record
from simdyn.questions.record import dynamics_record, finite, listed
from simdyn.questions.stationary_law import stationary
from simdyn.results import Prediction, versions

if TYPE_CHECKING:
    import xarray
    from matplotlib.figure import Figure

Law = Callable[[float], np.ndarray]

HOLDS, BROKEN, OPEN, NO_LAW = "holds", "broken", "not decided", "no stationary law"
_LOOKS = 24
_FOLLOWED = 4.0
"""Relaxation times of the softest direction over which paths are followed by default."""

_FOLLOWERS = 16
"""So many times as many paths are followed on their way, for there nothing is averaged over time."""

_FARTHEST = 1e4


@dataclass(frozen=True)
class LinearScaling:
    """SGD at (lambda eta, lambda B) beside (eta, B). In the SDE only eta / B matters.

    Attributes
    ----------
    data
        Over the factors lambda, of which the first is 1, each measured number with `_low` and `_high`, its
        95 % interval:

        - at equilibrium, by coordinate, `variance` and `ratio` to that at lambda = 1, with `_predicted` (the
          discrete covariance of the parabola at the minimum; NaN with several minima) and `variance_exact`
          (one coordinate with Gaussian noise); `settled`, and the verdict `equilibrium`;
        - on the way, at equal times eta k, the mean loss above the minimum, `loss`, and its `loss_ratio` to
          that at lambda = 1; `loss_predicted`, exact where the loss is a parabola and the noise the same
          everywhere; and the verdict `trajectory`.

        A verdict is "holds" or "broken", if all or some numbers are certainly within or beyond `tolerance`
        (an attribute), "not decided", or "no stationary law".
    """

    data: xarray.Dataset

    @property
    def breakdown(self) -> float:
        """The lambda at which the predicted variance of a coordinate is off by `tolerance`; NaN where nothing
        is predicted."""
        return float(self.data.attrs["breakdown"])

    @property
    def trajectory_breakdown(self) -> float:
        """The lambda at which the predicted mean loss is off by `tolerance` at some time; NaN where nothing
        is predicted."""
        return float(self.data.attrs["trajectory_breakdown"])

    def plot(self, path: str | None = None) -> Figure:
        """Variance ratios against lambda with the breakdown marked, and the losses on the way.

        With `path` the figure is also written there (.pdf, .svg or .png).
        """
        from simdyn.plotting.linear_scaling import linear_scaling_figure
        from simdyn.plotting.style import saved

        return saved(linear_scaling_figure(self.data), path)

    def to_json(self) -> dict[str, Any]:
        """One object of plain data; what is not finite is None."""
        facts = self.data.attrs
        return {
            **{name: self.data[name].values.tolist() for name in ("factor", "coordinate", "time")},
            **{str(name): listed(one.values) for name, one in self.data.data_vars.items()},
            "breakdown": finite(self.breakdown),
            "trajectory_breakdown": finite(self.trajectory_breakdown),
            "tolerance": facts["tolerance"],
            **{key: json.loads(facts[key]) for key in ("problem", "seed", "versions")},
        }

    def __str__(self) -> str:
        data = self.data
        tolerance = data.attrs["tolerance"]
        lines = [
            f"Learning rate and batch size times lambda, from {data.attrs['learning_rate']:g} and "
            f"{data.attrs['batch_size']:g}; 95 % intervals",
            "  lambda  variance over that at 1 (predicted)              equilibrium         trajectory",
        ]
        for factor in data["factor"].values:
            one = data.sel(factor=factor)
            worst = int(np.nan_to_num(np.abs(one["ratio"].values - 1)).argmax())
            value, low, high, law = (
                float(one[name].values[worst])
                for name in ("ratio", "ratio_low", "ratio_high", "ratio_predicted")
            )
            lines.append(
                f"  {factor:>6g}  {value:.4f}, {low:.4f} to {high:.4f} ({law:.4f})".ljust(59)
                + f"{one['equilibrium'].values!s:<20}{one['trajectory'].values!s}"
            )
        for where, factor in (("variance", self.breakdown), ("loss on the way", self.trajectory_breakdown)):
            if not math.isnan(factor):
                lines.append(
                    f"  predicted  the {where} is off by {tolerance:.0%} from lambda = {factor:.4g} on"
                )
        return "\n".join(lines)


def linear_scaling(
    potential: Potential,
    dynamics: SGD,
    start: Any = "deepest",
    *,
    factors: Sequence[float] = (1, 2, 4, 8),
    time: float | None = None,
    tolerance: float = 0.05,
    paths: int = 4_096,
    steps: int | None = None,
    target_error: float | None = 0.005,
    seed: Seed = 0,
    threads: int | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> LinearScaling:
    """Multiply learning rate and batch size by lambda, and see what changes.

    Parameters
    ----------
    potential, dynamics
        A landscape, and SGD with numbers for learning rate and batch size. With real minibatches every
        lambda B must be a batch that can be drawn.
    start
        Where paths start that are followed on their way: "deepest", "x=-1", or a point. Equilibrium is
        measured from all minima.
    factors
        The lambdas, whole numbers; 1 is always among them.
    time
        How long paths are followed, in units of eta times steps; by default four relaxation times of the
        softest direction of the minimum below the start.
    tolerance
        From which relative change on the invariance counts as broken.
    paths
        Paths of each stationary run; sixteen times as many are followed on their way.
    steps, target_error
        Of each stationary run, as in `simdyn.stationary`.
    seed
        Integer or SeedSequence; every run has noise of its own.
    threads
        Threads of the CPU.
    progress
        Called with the number of runs that are done, and of all.

    Returns
    -------
    LinearScaling

    Raises
    ------
    InputError
        Another dynamics, a factor that is no whole number, or batches that cannot be drawn.
    """
    import xarray

    from simdyn.questions.simulation import simulate

    scales = _checked(dynamics, factors, tolerance)
    key_of(seed)
    point = parse_start(start, potential)
    bottom = potential.minimum_below(point)
    rules = [_scaled(dynamics, scale) for scale in scales]
    for rule in rules:
        rule.update(potential, point)
    floor, softest = float(bottom.energy), float(np.linalg.eigvalsh(potential.hessian(bottom.x))[0])
    apart = _apart(dynamics.learning_rate, scales, _FOLLOWED / softest if time is None else time)
    times = apart * float(dynamics.learning_rate) * np.arange(_LOOKS + 1)
    variances = _covariance_of(potential, dynamics, bottom.x)
    losses = _loss_of(potential, dynamics, point, bottom.x, times)
    columns: dict[str, list[Any]] = {}
    for k, (scale, rule) in enumerate(zip(scales, rules, strict=True)):
        law = stationary(
            potential, rule, paths=paths, steps=steps, target_error=target_error, exact=potential.dim == 1,
            seed=_child(seed, 2 * k), threads=threads,
        )  # fmt: skip
        every = apart // scale
        run = simulate(
            potential, rule, point, paths=_FOLLOWERS * paths, steps=_LOOKS * every, record="snapshots",
            every=every, seed=_child(seed, 2 * k + 1), threads=threads,
        )  # fmt: skip
        with np.errstate(all="ignore"):
            excess = potential.energy(run["snapshots"].transpose("step", "path", "coordinate").values) - floor
        mean, error = excess.mean(axis=1), excess.std(axis=1, ddof=1) / math.sqrt(excess.shape[1])
        variance = np.diagonal(law.covariance.value), np.diagonal(law.covariance.error)
        exact = math.nan
        if law.reference is not None:
            centre = law.reference.expectation(lambda x: x[:, 0])
            exact = law.reference.expectation(lambda x, c=centre: (x[:, 0] - c) ** 2)  # type: ignore[misc]
        for name, value in {
            "variance": variance[0],
            "variance_error": variance[1],
            "variance_predicted": variances(scale),
            "variance_exact": np.full(potential.dim, exact),
            "settled": law.settled,
            "loss": mean,
            "loss_error": error,
            "loss_predicted": losses(scale),
        }.items():
            columns.setdefault(name, []).append(value)
        if progress is not None:
            progress(k + 1, len(scales))
    arrays = {name: np.array(values) for name, values in columns.items()}
    facts = {
        "potential": potential.record(),
        "dynamics": dynamics_record(dynamics),
        "start": point.tolist(),
        "paths": paths,
        "steps": steps,
        "target_error": target_error,
    }
    return LinearScaling(
        xarray.Dataset(
            _variables(arrays, tolerance),
            coords={
                "factor": ("factor", scales, {"long_name": "factor lambda of learning rate and batch size"}),
                "coordinate": ("coordinate", [v.name for v in potential.variables]),
                "time": ("time", times, {"long_name": "learning rate times steps"}),
            },
            attrs={
                "question": "linear_scaling",
                "tolerance": tolerance,
                "learning_rate": float(dynamics.learning_rate),
                "batch_size": float(dynamics.batch_size),
                "breakdown": _first_beyond(variances, tolerance),
                "trajectory_breakdown": _first_beyond(losses, tolerance),
                "problem": json.dumps(facts),
                "seed": json.dumps(seed_record(seed)),
                "versions": json.dumps(dict(versions())),
            },
        )
    )


def _checked(dynamics: Any, factors: Sequence[float], tolerance: float) -> list[int]:
    if not isinstance(dynamics, SGD) or not all(
        isinstance(one, int | float) for one in (dynamics.learning_rate, dynamics.batch_size)
    ):
        raise InputError(
            "Linear scaling is about SGD whose learning rate and batch size are numbers; give such an SGD."
        )
    if not 0 < tolerance < 1:
        raise InputError(f"tolerance is {tolerance!r}, but it must be between 0 and 1.")
    for one in factors:
        if isinstance(one, bool) or float(one) != int(one) or one < 1:
            raise InputError(f"factors contains {one!r}, but they must be whole numbers of at least 1.")
    return sorted({1, *map(int, factors)})


def _scaled(dynamics: SGD, factor: float) -> SGD:
    rate, size = float(dynamics.learning_rate), dynamics.batch_size
    return replace(dynamics, learning_rate=factor * rate, batch_size=factor * size)  # type: ignore[operator]


def _child(seed: Seed, number: int) -> np.random.SeedSequence:
    parent = seed if isinstance(seed, np.random.SeedSequence) else np.random.SeedSequence(int(seed))
    return np.random.SeedSequence(parent.entropy, spawn_key=(*parent.spawn_key, number))


def _apart(rate: Any, scales: list[int], time: float) -> int:
    """Steps of the slowest rule between looks, such that all rules are looked at at equal times."""
    if not (math.isfinite(time) and time > 0):
        raise InputError(f"time is {time!r}, but it must be a number above 0.")
    common = math.lcm(*scales)
    return common * max(1, round(time / (float(rate) * _LOOKS * common)))


def _covariance_of(potential: Potential, dynamics: SGD, x: np.ndarray) -> Law:
    """From a factor to the variances of the scaled rule around the minimum x; NaN where nobody knows them."""
    from simdyn import theory

    rate, size = float(dynamics.learning_rate), float(dynamics.batch_size)
    momentum = dynamics.momentum
    update = dynamics.update(potential, x)
    try:
        alone = len(potential.minima()) == 1
    except InputError:
        alone = True
    if not alone or (not isinstance(update, MinibatchUpdate) and update.uniforms):
        return lambda factor: np.full(potential.dim, np.nan)
    if isinstance(update, MinibatchUpdate):
        assert isinstance(potential, SampleMean)
        most = potential.size if update.sampling == "without_replacement" else math.inf
        hessians = potential.sample_hessians(x)
        offsets = hessians @ x - potential.sample_gradients(x)

        def of_batches(factor: float) -> np.ndarray:
            if update.sampling == "epoch_shuffle" or factor * size > most:
                return np.full(potential.dim, np.nan)
            return _variances(
                theory.minibatch_covariance(
                    hessians,
                    offsets,
                    factor * rate,
                    factor * size,
                    sampling=update.sampling,
                    momentum=momentum,
                )
            )

        return of_batches
    hessian = potential.hessian(x)
    root = replace(dynamics, momentum=0.0).law(potential, x).factor_at(x) / rate
    noise = root @ root.T

    def additive(factor: float) -> np.ndarray:
        return _variances(theory.sgd_covariance(hessian, noise / factor, factor * rate, momentum=momentum))

    return additive


def _variances(found: Prediction) -> np.ndarray:
    """The diagonal of a covariance, infinite where there is no stationary one."""
    diagonal = np.diagonal(np.asarray(found.value))
    return np.asarray(np.where(np.isnan(diagonal), np.inf, diagonal))


def _loss_of(potential: Potential, dynamics: SGD, start: np.ndarray, x: np.ndarray, times: np.ndarray) -> Law:
    """From a factor to the mean loss above the minimum x at times, for a parabola with additive noise.

    In the eigenbasis of H, M = E[(x - x*)(x - x*)'] obeys M_ij' = a_i a_j M_ij + Q_ij, a = 1 - eta h.
    """
    update = dynamics.update(potential, x)
    hessian = potential.hessian(x)
    away = x + np.linspace(-2.0, 2.0, 5)[:, None] * (start - x + 0.1 * (1 + np.abs(x)))
    parabola = np.allclose(potential.hessian(away), hessian, rtol=1e-9, atol=1e-12)
    if isinstance(update, MinibatchUpdate) or not (update.gaussian and update.additive and parabola):
        return lambda factor: np.full(len(times), np.nan)
    curvature, vectors = np.linalg.eigh(hessian)
    root = vectors.T @ update.factor_at(x)
    # The covariance of a kick: eta^2 C / B, so that a factor multiplies it once.
    kick = np.diagonal(root @ root.T)
    begin = ((start - x) @ vectors) ** 2

    def loss(factor: float) -> np.ndarray:
        eta = factor * update.step
        square = (1 - eta * curvature) ** 2
        taken = (times / eta)[:, None]
        with np.errstate(all="ignore"):
            decay = square**taken
            grown = np.where(np.abs(1 - square) > 1e-12, (1 - decay) / (1 - square), taken)
            return np.asarray(((decay * begin + factor * kick * grown) * curvature).sum(axis=1) / 2)

    return loss


def _first_beyond(value: Callable[[float], np.ndarray], tolerance: float) -> float:
    """The smallest factor at which some value is off by the tolerance, relative to that at factor 1; infinite
    where there is none before values are no longer known, as beyond batches of all samples."""
    from scipy.optimize import brentq

    base = value(1.0)
    if not np.isfinite(base).all():
        return math.nan

    def excess(factor: float) -> float:
        # Where it explodes, a large number is as good as an infinite one.
        change = np.abs(value(factor)[base > 0] / base[base > 0] - 1)
        return float(np.minimum(change, 1e3).max()) - tolerance

    low = 1.0
    while low < _FARTHEST:
        high = low * 1.05
        beyond = excess(high)
        if math.isnan(beyond):
            return math.inf
        if beyond > 0:
            return float(brentq(excess, low, high, xtol=1e-12))
        low = high
    return math.inf


def _variables(arrays: dict[str, np.ndarray], tolerance: float) -> dict[str, Any]:
    """Ratios to the first factor, intervals and verdicts."""
    settled = arrays["settled"]
    found: dict[str, Any] = {"settled": ("factor", settled)}
    for name, ratio, axis in (("variance", "ratio", "coordinate"), ("loss", "loss_ratio", "time")):
        both = ("factor", axis)
        value, error, law = (arrays[f"{name}{end}"] for end in ("", "_error", "_predicted"))
        with np.errstate(all="ignore"):
            relative = value / value[0]
            spread = np.abs(relative) * np.hypot(error / value, error[0] / value[0])
            found[f"{ratio}_predicted"] = both, law / law[0]
        # Of the first factor to itself.
        spread[0] = 0.0
        for label, middle, half in ((name, value, error), (ratio, relative, spread)):
            found[label] = both, middle
            found[f"{label}_low"] = both, middle - NORMAL_975 * half
            found[f"{label}_high"] = both, middle + NORMAL_975 * half
        found[f"{name}_predicted"] = both, law
        there = value[0] > 0
        verdicts = [
            _verdict(r[there], NORMAL_975 * s[there], tolerance)
            for r, s in zip(relative, spread, strict=True)
        ]
        if name == "variance":
            verdicts = [v if s and settled[0] else NO_LAW for v, s in zip(verdicts, settled, strict=True)]
        found["equilibrium" if name == "variance" else "trajectory"] = (
            "factor",
            np.array(verdicts, dtype=object),
        )
    found["variance_exact"] = ("factor", "coordinate"), arrays["variance_exact"]
    return found


def _verdict(ratio: np.ndarray, half: np.ndarray, tolerance: float) -> str:
    """Of ratios to the first factor with half their intervals; what is not finite has exploded."""
    away = np.abs(ratio - 1)
    if np.any(~np.isfinite(ratio) | (away - half > tolerance)):
        return BROKEN
    return HOLDS if len(ratio) and np.all(away + half <= tolerance) else OPEN
