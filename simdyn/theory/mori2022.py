"""Escape in noise that is proportional to the loss: a power of the losses (Mori et al. 2022)."""

from __future__ import annotations

from typing import Any

import numpy as np

from potentials import Potential
from simdyn.dynamics import SDE, SGD, Dynamics
from simdyn.errors import InputError
from simdyn.results import Prediction
from simdyn.theory.closed_form import (
    Reason,
    broadcast,
    closed_form,
    exponential,
    numbers,
    positive,
    too_large,
)
from simdyn.theory.no_value import NoValue, answered
from simdyn.theory.sweep import swept
from simdyn.theory.validity import LARGEST_STEP, LOWEST_BARRIER
from simdyn.theory.ways_out import WayOut, added, escape_problem

FORMULA = "2 pi / |lambda_1| sqrt(|det H_b| / det H_a) (1 + T)^(-n/2) (L_b / L_a)^(1/T + 1 - n/2)"
SOURCE = "Mori, Ziyin, Liu & Ueda 2022 (arXiv 2105.09557), with the widths of minimum and saddle at order T"
ASSUMPTIONS = (
    "The noise is D = T L, the same in all n directions that have noise.",
    "The loss is positive at the minimum.",
    "T is small and (1/T + 1/2) log(L_b / L_a) is large.",
)
LARGEST_T = 0.5


def mori2022_time(
    loss_minimum: Any,
    loss_saddle: Any,
    curvature_minimum: Any,
    curvature_saddle: Any,
    strength: Any,
    *,
    directions: Any = 1,
    transverse: Any = 1.0,
) -> Prediction:
    """Commit time in noise D = T L: a power of the loss ratio instead of an exponential of the barrier.

    2 pi / sqrt(L''_a |L''_b|) (1 + T)^(-1/2) (L_b / L_a)^(1/T + 1/2) in one dimension. The stationary law
    L^(-1 - 1/T) has to be integrated over the valley and the flux over the saddle, and either width gives a
    factor at order T: their product is (1 + T)^(-n/2) in n directions.

    Parameters
    ----------
    loss_minimum, loss_saddle
        L_a < L_b, positive. All arguments broadcast.
    curvature_minimum, curvature_saddle
        L''_a along the way out and |L''_b|.
    strength
        T of D = T L; eta h / B for squared losses of curvature h.
    directions
        n, the number of directions with noise.
    transverse
        Product of the other eigenvalues at the saddle over that at the minimum.

    Returns
    -------
    Prediction
        In units of time.

    Raises
    ------
    InputError
        Numbers out of range. Without loss at the minimum the noise vanishes there and the path stays: the
        time is infinite and the prediction not valid, as where there is no barrier or no curvature.
    """
    bottom, hollow = positive("curvature_minimum", curvature_minimum)
    top, level = positive("curvature_saddle", curvature_saddle)
    low, high, bottom, top, strong, n, across = broadcast(
        loss_minimum=numbers("loss_minimum", loss_minimum, least=0),
        loss_saddle=numbers("loss_saddle", loss_saddle, least=0),
        curvature_minimum=bottom,
        curvature_saddle=top,
        strength=numbers("strength", strength, above=0),
        directions=numbers("directions", directions, least=1),
        transverse=numbers("transverse", transverse, above=0),
    )
    flat = high <= low
    with np.errstate(divide="ignore", invalid="ignore"):
        power = np.where(flat, np.nan, (1 / strong + 1 - n / 2) * np.log(high / low))
    # Without loss at the minimum nothing moves there, whatever the power.
    power = np.where((low == 0) & ~flat, np.inf, power)
    prefactor = 2 * np.pi / np.sqrt(bottom * top) * np.sqrt(across) * (1 + strong) ** (-n / 2)
    return closed_form(
        prefactor * exponential(power),
        [
            hollow,
            level,
            Reason(flat, "the loss at the saddle is not greater than that at the minimum"),
            Reason(
                (low == 0) & ~flat,
                "the loss at the minimum is 0: the noise vanishes there, and paths collapse onto it for good",
            ),
            Reason(
                power < LOWEST_BARRIER,
                f"the logarithm of the power is {{:.2g}}, the formula needs at least {LOWEST_BARRIER:g}",
                power,
            ),
            Reason(
                strong > LARGEST_T,
                f"T is {{:.2g}}, the formula needs at most {LARGEST_T:g}: beyond, the loss varies by its own "
                "size within the valley",
                strong,
            ),
            too_large(np.where(low == 0, 0.0, power)),
        ],
        name="Mori et al.",
        unit="time",
        formula=FORMULA,
        assumptions=ASSUMPTIONS,
        source=SOURCE,
        favour=Reason(True, "T is {:.3g}, small, and the power of the loss ratio is large", strong),
    )


@swept
@answered("Mori et al.", FORMULA, SOURCE, ASSUMPTIONS)
def mori2022(potential: Potential, dynamics: Dynamics, start: Any, exit: Any) -> Prediction:
    """Escape time of SGD whose noise is proportional to the loss, C = 2 T_0 L H_a / B.

    Parameters
    ----------
    potential, dynamics, start, exit
        As in `simdyn.exact.escape_time`; `dynamics` is SGD with noise="loss" or the SDE limit of it, and H_a
        is a multiple of the identity. A hit takes half of a commit, and the rates of several saddles add.
        Potentials and dynamics may be arrays, for a sweep.

    Raises
    ------
    InputError
        Other noise, a minimum with curvatures that differ, or an exit away from the critical points.
    """
    sgd = dynamics.diffusion if isinstance(dynamics, SDE) else dynamics
    if not isinstance(sgd, SGD) or not (isinstance(sgd.noise, str) and sgd.noise == "loss"):
        raise InputError('The power law is about SGD with noise="loss"; use that or the SDE limit of it.')
    if isinstance(dynamics, SDE) and dynamics.convention != "ito":
        raise InputError("The power law is for Ito noise, which SGD has.")
    problem = escape_problem(potential, dynamics, start, exit)
    minimum = problem.minimum
    curvature = float(minimum.eigenvalues.max())
    if float(minimum.eigenvalues.min()) < curvature * (1 - 1e-9):
        raise InputError("The power law needs the same curvature of the minimum in all directions.")
    if minimum.energy <= 0:
        raise NoValue(
            f"The loss at the minimum is {minimum.energy:g}: the noise vanishes there, paths collapse onto "
            "the minimum and never escape.",
            np.inf,
        )
    values = problem.update.values
    strength = values["_learning_rate"] * values["_temperature"] / values["_batch_size"] * curvature

    def of(way: WayOut) -> Prediction:
        top = abs(float(way.saddle.eigenvalues.min()))
        log = float(np.linalg.slogdet(way.saddle.hessian)[1] - np.linalg.slogdet(minimum.hessian)[1])
        across = np.exp(log) * curvature / top
        return mori2022_time(
            minimum.energy,
            way.saddle.energy,
            curvature,
            top,
            strength,
            directions=potential.dim,
            transverse=across,
        )

    parts = [of(way) for way in problem.ways]
    times = [p.value * (0.5 if w.kind == "hit" else 1.0) for p, w in zip(parts, problem.ways, strict=True)]
    steep = problem.learning_rate * curvature
    reasons = [Reason(True, part.why[:-1]) for part in parts if not part.valid][:1]
    reasons.append(
        Reason(
            steep > LARGEST_STEP / 2,
            f"learning rate times curvature is {{:.2g}}, the formula needs at most {LARGEST_STEP / 2:g}",
            steep,
        )
    )
    hit = problem.ways[0].kind == "hit"
    return closed_form(
        problem.in_unit(added(times, problem.ways)),
        reasons,
        name="Mori et al.",
        unit=problem.update.unit,
        formula=FORMULA + (", half of it for a hit" if hit else ""),
        assumptions=(*ASSUMPTIONS, "Steps are small (time = learning rate x steps)."),
        source=SOURCE,
        favour=Reason(True, "T is {:.3g}, small, and the power of the loss ratio is large", strength),
    )
