"""Escape by single jumps of alpha-stable noise: polynomial in the noise, by the width and not the height."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from potentials import Potential
from simdyn.dynamics import SDE, SGD, AlphaStable, Dynamics
from simdyn.errors import InputError
from simdyn.exits import parse_start, resolve_exit
from simdyn.results import Prediction
from simdyn.theory.closed_form import Reason, broadcast, closed_form, numbers
from simdyn.theory.sweep import swept

SLOW = 10.0
LARGEST_INDEX = 1.9
SOURCE = "Imkeller & Pavlyukevich 2006; Simsekli, Sagun & Gurbuzbalaban 2019"
FORMULA = (
    "1 / [scale^alpha (c / alpha) (left^-alpha + right^-alpha)], c = Gamma(1 + alpha) sin(pi alpha/2) / pi"
)


def jump_rate(alpha: Any, scale: Any, distance: Any) -> Any:
    """Rate of jumps of scale dL^alpha that exceed `distance` to one side; 0 for an infinite distance."""
    from scipy.special import gamma

    constant = gamma(1 + alpha) * np.sin(np.pi * alpha / 2) / np.pi
    return scale**alpha * constant / alpha * np.asarray(distance, dtype=float) ** -alpha


def imkeller_pavlyukevich_time(
    alpha: Any, scale: Any, left: Any, right: Any = np.inf, *, relaxation: Any = None
) -> Prediction:
    """Mean exit time of dx = -L' dt + scale dL^alpha from (-left, right) around the minimum 0.

    Parameters
    ----------
    alpha
        Tail index in (0, 2); E exp(i u L_t) = exp(-t |u|^alpha). All arguments broadcast.
    scale
        In [x] / [t]^(1/alpha), positive.
    left, right
        Distances to the ends, positive; infinite where there is none.
    relaxation
        Relaxation time of the well, 1 / L''_a, to check that escapes are slow against it.

    Returns
    -------
    Prediction
        In units of time; first hit and commitment agree to leading order, for one jump lands beyond.

    Raises
    ------
    InputError
        Numbers out of range, or no end at all.
    """
    index = numbers("alpha", alpha, above=0)
    if np.any(index >= 2):
        raise InputError(
            f"alpha contains {index.max():g}, but it must be below 2; at 2 the noise has no jumps."
        )
    ends = [np.asarray(end, dtype=float) for end in (left, right)]
    if any(np.any(~(end > 0)) for end in ends):
        raise InputError("left and right are distances from the minimum and must be positive.")
    index, size, near, far, calm = broadcast(
        alpha=index,
        scale=numbers("scale", scale, above=0),
        left=ends[0],
        right=ends[1],
        relaxation=0.0 if relaxation is None else numbers("relaxation", relaxation, above=0),
    )
    if np.any(np.isinf(near) & np.isinf(far)):
        raise InputError("There is no exit: left and right are both infinite.")
    value = 1.0 / (jump_rate(index, size, near) + jump_rate(index, size, far))
    return closed_form(
        value,
        reasons_against(index, value, calm, size / np.minimum(near, far)),
        name="Imkeller-Pavlyukevich",
        unit="time",
        formula=FORMULA,
        assumptions=ASSUMPTIONS,
        source=SOURCE,
        favour=Reason(
            True, "scale over the distance to the nearer end is {:.3g}", size / np.minimum(near, far)
        ),
    )


ASSUMPTIONS = (
    "The noise is so small that one large jump leads out.",
    "The path returns to its minimum between large jumps.",
    "Between large jumps the noise does not add up to an escape, as it would near alpha = 2.",
)


def reasons_against(alpha: Any, time: Any, relaxation: Any, spread: Any) -> list[Reason]:
    """Against the formula: escapes within a few relaxation times, noise as wide as the well, alpha near 2."""
    calm = np.asarray(relaxation, dtype=float)
    with np.errstate(divide="ignore"):
        ratio = time / calm
    return [
        Reason(
            ratio < SLOW,
            f"the predicted time is {{:.2g}} relaxation times of the well, the formula needs {SLOW:g}",
            ratio,
        ),
        Reason(spread > 0.5, "the scale of the noise is {:.2g} of the distance to the exit", spread),
        Reason(
            np.asarray(alpha) > LARGEST_INDEX,
            "alpha is {:.4g}, so near 2 that jumps are too rare to lead out first",
            alpha,
        ),
    ]


@swept
def imkeller_pavlyukevich(potential: Potential, dynamics: Dynamics, start: Any, exit: Any) -> Prediction:
    """Escape time under alpha-stable noise from an interval or a box around a minimum.

    Noise of independent coordinates jumps along the axes, so that the rates of all ends of a box add. A path
    that lands beyond a saddle goes on by itself: an end beyond the saddle counts from the saddle.

    Parameters
    ----------
    potential, dynamics, start, exit
        As in `simdyn.exact.escape_time`; `dynamics` is an SDE or SGD whose noise is `AlphaStable`. Potentials
        and dynamics may be arrays, for a sweep.

    Raises
    ------
    InputError
        Other noise, or an exit that is no interval or box.
    """
    alpha, scale, step, unit = _noise(dynamics)
    origin = parse_start(start, potential)
    way_out = resolve_exit(exit, potential, origin)
    box = way_out.box()
    valley = potential.valley(origin)
    if box is None or (potential.dim > 1 and not potential.separable):
        raise InputError("The formula for alpha-stable noise needs an exit from an interval or a box.")
    bottom = valley.minimum.x
    distances = []
    for sign, ends, rims in ((-1, box[0], valley.lower), (1, box[1], valley.upper)):
        rim = np.full(potential.dim, sign * np.inf) if rims is None else rims
        if np.any(np.isfinite(rim) & np.isinf(ends)):
            raise InputError("A rim of the valley is no exit, and paths come back from beyond it.")
        nearest = np.where(np.isinf(ends), np.inf, np.minimum(sign * ends, sign * rim))
        distances.append(nearest - sign * bottom)
    lengths = np.array(distances)
    if np.any(lengths <= 0):
        raise InputError("The exit is not beyond the minimum of the start's valley.")
    time = 1.0 / float(np.sum(jump_rate(alpha, scale, lengths)))
    relaxation = 1.0 / float(valley.minimum.eigenvalues.min())
    spread = scale / float(lengths.min())
    steep = step * float(valley.minimum.eigenvalues.max())
    return closed_form(
        time / step if unit == "steps" else time,
        [
            *reasons_against(alpha, time, relaxation, spread),
            Reason(steep > 0.5, "step times curvature is {:.2g}, the formula needs at most 0.5", steep),
        ],
        name="Imkeller-Pavlyukevich",
        unit=unit,
        formula=FORMULA + (", rates of all coordinates added" if potential.dim > 1 else ""),
        assumptions=ASSUMPTIONS,
        source=SOURCE,
        favour=Reason(True, "scale over the distance to the nearest end is {:.3g}", spread),
    )


def _noise(dynamics: Dynamics) -> tuple[float, float, float, str]:
    """alpha, the scale of the Levy process in SDE time, the step and the unit."""
    noise = dynamics.diffusion if isinstance(dynamics, SDE) else getattr(dynamics, "noise", None)
    if not isinstance(noise, AlphaStable) or noise.alpha >= 2:
        raise InputError("This formula is for alpha-stable noise with alpha below 2.")
    alpha = float(noise.alpha)
    if isinstance(dynamics, SDE):
        return alpha, float(noise.scale), float(dynamics.step), "time"
    assert isinstance(dynamics, SGD)
    settings = (dynamics.learning_rate, dynamics.temperature, dynamics.batch_size)
    if dynamics.momentum or not all(isinstance(one, int | float) for one in settings):
        raise InputError("The formula for alpha-stable noise is for rules without momentum and schedules.")
    eta, temperature, batch = (float(one) for one in settings)
    # eta scale (T/B)^(1 - 1/alpha) is the kick of a step of length eta.
    return alpha, noise.scale * math.pow(eta * temperature / batch, 1 - 1 / alpha), eta, "steps"
