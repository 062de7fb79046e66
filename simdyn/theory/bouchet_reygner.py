"""Eyring-Kramers for drifts that are no gradients (Bouchet & Reygner 2016)."""

from __future__ import annotations

from typing import Any

import numpy as np

from potentials import DriftField, Potential
from potentials.fixed_points import FixedPoint
from simdyn.dynamics import Dynamics
from simdyn.dynamics.rates import refuse_directions
from simdyn.errors import InputError
from simdyn.exits import Exit, parse_start, resolve_exit
from simdyn.results import Prediction
from simdyn.theory.closed_form import (
    Reason,
    closed_form,
    exponential,
    matrices,
    noise_level,
    numbers,
    of_critical_points,
    positive,
    same_size,
    too_large,
)
from simdyn.theory.no_value import NoValue, answered
from simdyn.theory.quasi_potential import polynomial_quasi_potential
from simdyn.theory.rates import HIGH, low_barrier
from simdyn.theory.sweep import swept
from simdyn.theory.validity import LARGEST_STEP, SLOW

FORMULA = "2 pi / lambda_+ sqrt(|det V''_b| / det V''_a) exp(dV/D + int div l dt)"
SOURCE = "Bouchet & Reygner 2016"
ASSUMPTIONS = (
    "The drift is -grad V + l with l orthogonal to grad V, so that V is the quasi-potential.",
    "The noise is constant and the same in all directions, and the barrier is high against it.",
    "V is smooth between attractor and saddle.",
)
NOT_ORTHOGONAL = 1e-6
_OFFSET = 1e-3
_TILT = 0.05
"""Slope against the border from which on an exit is another one."""
_SHORT = 1e-6


def bouchet_reygner_time(
    barrier: Any,
    hessian_minimum: Any,
    hessian_saddle: Any,
    unstable: Any,
    noise: Any,
    *,
    divergence: Any = 0.0,
) -> Prediction:
    """2 pi / lambda_+ sqrt(|det V''_b| / det V''_a) exp(dV/D + int div l dt): a commit time.

    Parameters
    ----------
    barrier
        dV of the quasi-potential, positive, shape (...).
    hessian_minimum, hessian_saddle
        Second derivatives of V, shape (..., d, d).
    unstable
        lambda_+, the positive eigenvalue of the Jacobian of the drift at the saddle.
    noise
        D.
    divergence
        int div l(rho_t) dt along the way up, drho/dt = grad V + l.

    Returns
    -------
    Prediction
        In units of time; half of it is the mean first hit of the border between the basins.

    Raises
    ------
    InputError
        Numbers out of range, or matrices that do not fit. Where there is no barrier, no noise, no minimum or
        no index-1 saddle the prediction is not valid and says so.
    """
    bottom = matrices("hessian_minimum", hessian_minimum, symmetric=True)
    top = matrices("hessian_saddle", hessian_saddle, symmetric=True)
    bottom, top = same_size(hessian_minimum=bottom, hessian_saddle=top)
    below, above = np.linalg.eigvalsh(bottom), np.linalg.eigvalsh(top)
    below, above, none = of_critical_points(below, above)
    height, flat = positive("barrier", barrier)
    level, silent = noise_level("noise", noise)
    with np.errstate(divide="ignore"):
        power = height / level
    extra = numbers("divergence", divergence)
    ratio = np.log(np.abs(above)).sum(-1) - np.log(below).sum(-1)
    whole = power + extra + 0.5 * ratio
    return closed_form(
        2 * np.pi / numbers("unstable", unstable, above=0) * exponential(whole),
        [flat, *none, silent, low_barrier(power), too_large(np.where(level == 0, 0.0, whole))],
        name="Bouchet-Reygner",
        unit="time",
        formula=FORMULA,
        assumptions=ASSUMPTIONS,
        source=SOURCE,
        favour=Reason(True, HIGH.text, power),
    )


@swept
@answered("Bouchet-Reygner", FORMULA, SOURCE, ASSUMPTIONS)
def bouchet_reygner(
    field: DriftField, dynamics: Dynamics, start: Any, exit: Any, *, quasi_potential: Potential | None = None
) -> Prediction:
    """Escape time of a drift field from the basin of an attractor, over saddles whose rates add.

    Parameters
    ----------
    field
        The drift.
    dynamics, start, exit
        As in `simdyn.exact.escape_time`, with constant isotropic noise. The exit is either at the saddles (a
        hit, half of a commit where the exit is the border between the basins there) or at the attractors
        beyond. Fields and dynamics may be arrays, for a sweep.
    quasi_potential
        V with b = -grad V + l and l . grad V = 0, which is checked. By default it is sought as a polynomial.

    Raises
    ------
    InputError
        Noise that varies or has a direction, no quasi-potential, one that is not orthogonal to its rest, or
        an exit elsewhere.
    """
    if not isinstance(field, DriftField):
        raise InputError("This formula is for drift fields; for potentials use eyring_kramers.")
    origin = parse_start(start, field)
    way_out = resolve_exit(exit, field, origin)
    refuse_directions(dynamics, "The formula of Bouchet and Reygner is for")
    update = dynamics.law(field, origin)
    if update.noise_dim == 0:
        raise NoValue("The dynamics has no noise, so that paths never leave the basin.", np.inf)
    if any(entry.free_symbols & set(update.variables) for row in update.factor for entry in row):
        raise InputError("The formula of Bouchet and Reygner is for constant noise.")
    attractor = field.attractor(origin)
    root = update.factor_at(attractor.x)
    matrix = root @ root.T / (2 * update.step)
    noise = float(np.trace(matrix)) / field.dim
    if not np.allclose(matrix, noise * np.eye(field.dim), rtol=1e-9, atol=1e-12 * noise):
        raise InputError("The formula of Bouchet and Reygner needs noise that is the same in all directions.")
    v = polynomial_quasi_potential(field, attractor.x) if quasi_potential is None else quasi_potential
    times, powers, kinds = [], [], []
    tilted: list[str] = []
    for saddle in field.saddles(attractor):
        kind = _kind(field, attractor, saddle, way_out)
        path = way_up(field, v, attractor, saddle)
        part = _over(field, v, attractor, saddle, path, noise)
        times.append(part.value * (0.5 if kind == "hit" else 1.0))
        powers.append(float(v.energy(saddle.x) - v.energy(attractor.x)) / noise)
        kinds.append(kind)
        if kind == "hit":
            tilted += _tilted(field, attractor, saddle, way_out)
    if not times:
        raise NoValue("No saddle was found on the border of the basin, so there is no barrier.")
    total = 1.0 / sum(1.0 / time for time in times)
    lowest = min(powers)
    relaxation = 1.0 / float(np.abs(attractor.eigenvalues.real).min())
    discrete = update.unit == "steps"
    steep = update.step * float(np.abs(attractor.eigenvalues).max()) if discrete else 0.0
    return closed_form(
        total / update.step if discrete else total,
        [
            low_barrier(lowest),
            *(Reason(True, text) for text in tilted[:1]),
            Reason(
                total < SLOW * relaxation,
                f"the predicted time is {{:.2g}} relaxation times of the basin, the formula needs {SLOW:g}",
                total / relaxation,
            ),
            Reason(
                steep > LARGEST_STEP,
                "learning rate times rate is {:.2g} at the attractor, the formula needs at most "
                f"{LARGEST_STEP:g}",
                steep,
            ),
        ],
        name="Bouchet-Reygner",
        unit=update.unit,
        formula=FORMULA
        + (", half of it for a hit" if "hit" in kinds else "")
        + (f", rates of {len(times)} saddles added" if len(times) > 1 else ""),
        assumptions=ASSUMPTIONS,
        source=SOURCE,
        favour=Reason(True, HIGH.text, lowest),
    )


def rest(field: DriftField, v: Potential, x: np.ndarray) -> np.ndarray:
    """l = b + grad V at points of shape (..., d)."""
    return np.asarray(field.drift(x) + v.gradient(x))


def way_up(
    field: DriftField, v: Potential, attractor: FixedPoint, saddle: FixedPoint
) -> tuple[np.ndarray, np.ndarray]:
    """Times and points of drho/dt = grad V + l from near the attractor to near the saddle.

    It is followed downwards in reversed time, in which the attractor attracts.

    Raises
    ------
    InputError
        It does not lead from the attractor: V is not smooth there, or not the quasi-potential.
    """
    from scipy.integrate import solve_ivp

    def upwards(x: np.ndarray) -> np.ndarray:
        return np.asarray(field.drift(x) + 2 * v.gradient(x))

    values, vectors = np.linalg.eig(2 * v.hessian(saddle.x) + field.jacobian(saddle.x))
    direction = np.real(vectors[:, int(np.argmin(values.real))])
    scale = float(np.linalg.norm(saddle.x - attractor.x))
    direction *= np.sign(direction @ (attractor.x - saddle.x)) or 1.0
    horizon = 60.0 / float(np.abs(attractor.eigenvalues.real).min()) + 60.0 / float(np.abs(values.real).min())

    def arrived(t: float, x: np.ndarray) -> float:
        return float(np.linalg.norm(x - attractor.x)) - _SHORT * scale

    arrived.terminal = True  # type: ignore[attr-defined]
    for side in (1.0, -1.0):
        flow = solve_ivp(
            lambda t, x: -upwards(x),
            (0.0, horizon),
            saddle.x + side * _SHORT * scale * direction,
            method="DOP853",
            rtol=1e-11,
            atol=1e-13 * scale,
            events=arrived,
            dense_output=False,
        )
        if flow.status == 1:
            return flow.t, flow.y.T
    raise InputError(
        "No path leads up from the attractor to the saddle at "
        f"{np.array2string(saddle.x, precision=6)}: V is not its quasi-potential there."
    )


def _over(
    field: DriftField,
    v: Potential,
    attractor: FixedPoint,
    saddle: FixedPoint,
    path: tuple[np.ndarray, np.ndarray],
    noise: float,
) -> Prediction:
    times, points = path
    other, slope = rest(field, v, points), v.gradient(points)
    size = float(np.abs(slope).max()) ** 2
    worst = float(np.abs((other * slope).sum(-1)).max()) / size
    if worst > NOT_ORTHOGONAL:
        raise InputError(
            f"l . grad V is {worst:.2g} of |grad V|^2 on the way up, but V is the quasi-potential only where "
            "it vanishes."
        )
    divergence = np.trace(field.jacobian(points), axis1=-2, axis2=-1) + np.trace(
        v.hessian(points), axis1=-2, axis2=-1
    )
    return bouchet_reygner_time(
        float(v.energy(saddle.x) - v.energy(attractor.x)),
        v.hessian(attractor.x),
        v.hessian(saddle.x),
        float(saddle.eigenvalues.real.max()),
        noise,
        divergence=float(_integral(times, divergence, points, field, v)),
    )


def _integral(
    times: np.ndarray, values: np.ndarray, points: np.ndarray, field: DriftField, v: Potential
) -> float:
    """int div l dt by Hermite's rule, whose end slopes come from the flow itself."""
    width = np.diff(times)
    speed = -(field.drift(points) + 2 * v.gradient(points))
    shift = 1e-5

    def along(x: np.ndarray) -> np.ndarray:
        return np.trace(field.jacobian(x), axis1=-2, axis2=-1) + np.trace(v.hessian(x), axis1=-2, axis2=-1)

    slope = (along(points + shift * speed) - along(points - shift * speed)) / (2 * shift)
    simple = 0.5 * width * (values[1:] + values[:-1])
    return float((simple + width**2 / 12 * (slope[:-1] - slope[1:])).sum())


def _tilted(field: DriftField, attractor: FixedPoint, saddle: FixedPoint, way_out: Exit) -> list[str]:
    """Against half of a commit for a hit: the exit is not the border between the basins at the saddle.

    At the border a path goes either way with even odds. Its normal at the saddle is the left eigenvector of
    lambda_+, which for a drift that turns is not the direction in which paths leave.
    """
    values, vectors = np.linalg.eig(saddle.jacobian.T)
    normal = np.real(vectors[:, int(np.argmax(values.real))])
    normal = normal / np.linalg.norm(normal) * (np.sign(normal @ (saddle.x - attractor.x)) or 1.0)
    along = np.linalg.svd(normal[None])[2][1:]
    size = 0.01 * float(np.linalg.norm(saddle.x - attractor.x))
    sides = [
        way_out.channel_of(saddle.x + size * (np.concatenate([along, -along]) + side * _TILT * normal)) >= 0
        for side in (-1, 1)
    ]
    if sides[1].all() and not sides[0].any():
        return []
    name = np.array2string(normal, precision=4, suppress_small=True)
    return [
        "the exit is not the border between the basins at the saddle, whose normal there is "
        f"{name}, and only there a hit takes half of a commit"
    ]


def _kind(field: DriftField, attractor: FixedPoint, saddle: FixedPoint, way_out: Exit) -> str:
    """Whether the exit is at the saddle or at the attractor beyond; InputError elsewhere."""
    values, vectors = np.linalg.eig(saddle.jacobian)
    direction = np.real(vectors[:, int(np.argmax(values.real))])
    direction = direction / np.linalg.norm(direction)
    scale = float(np.linalg.norm(saddle.x - attractor.x))
    ends = []
    for side in (1.0, -1.0):
        try:
            ends.append((side, field.attractor(saddle.x + side * _OFFSET * scale * direction)))
        except InputError:
            continue
    for side, end in ends:
        if np.allclose(end.x, attractor.x, atol=1e-6 * scale):
            continue
        near, far = (saddle.x + side * r * 0.02 * scale * direction for r in (-1, 1))
        out = way_out.channel_of(np.array([near, far, saddle.x + 0.9 * (end.x - saddle.x)])) >= 0
        arrival = way_out.channel_of(end.x + 0.02 * (end.x - saddle.x)) >= 0
        if not out[0] and out[1]:
            return "hit"
        if not out[1] and not out[2] and arrival:
            return "commit"
    raise InputError(
        f"The exit ({way_out.description}) is neither at the saddle {np.array2string(saddle.x, precision=6)} "
        "nor at the attractor beyond it, so no escape-rate formula applies."
    )
