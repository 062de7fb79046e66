"""Several wells: rates between them, occupation, and how long each keeps a path."""

from __future__ import annotations

from typing import Any

import numpy as np

from potentials import CriticalPoint, Potential
from simdyn.errors import InputError
from simdyn.results import Prediction
from simdyn.theory.closed_form import Array, Reason, closed_form, exponential, numbers
from simdyn.theory.rates import low_barrier


def well_rates(potential: Potential, temperature: Any) -> Prediction:
    """Rates k_ij of committed transitions between minima: the sum of 1 / T_commit over the saddles between.

    Parameters
    ----------
    potential
        The landscape; wells are `potential.minima()`, in their order.
    temperature
        D > 0, shape (...).

    Returns
    -------
    Prediction
        Shape (..., n, n), zero on the diagonal, per unit of time. It is reversible with respect to
        `basin_weights`.

    Raises
    ------
    InputError
        Fewer than two minima, or numbers out of range.
    """
    noise = numbers("temperature", temperature, above=0)
    minima = potential.minima()
    if len(minima) < 2:
        raise InputError(f"{potential.name!r} has {len(minima)} minima; rates need at least two.")
    n = len(minima)
    rates = np.zeros((*noise.shape, n, n))
    lowest = np.full(noise.shape, np.inf)
    for i, minimum in enumerate(minima):
        for saddle in potential.saddles(around=minimum):
            j = _beyond(potential, minima, i, saddle)
            if j is None:
                continue
            power = (saddle.energy - minimum.energy) / noise
            logs = np.linalg.slogdet(minimum.hessian)[1] - np.linalg.slogdet(saddle.hessian)[1]
            downhill = abs(float(saddle.eigenvalues.min()))
            rates[..., i, j] += downhill / (2 * np.pi) * exponential(0.5 * logs - power)
            lowest = np.minimum(lowest, power)
    return closed_form(
        rates,
        [low_barrier(lowest)],
        name="Eyring-Kramers rates",
        unit="1/t",
        formula="k_ij = sum_b |lambda_b| / (2 pi) sqrt(det H_i / |det H_b|) exp(-(L_b - L_i)/D)",
        assumptions=(
            "Barriers are much higher than the noise, which is constant and the same in all directions.",
            "Every saddle connects two of the minima found.",
        ),
        source="Eyring 1935; Kramers 1940; Bovier, Eckhoff, Gayrard & Klein 2004",
        favour=Reason(True, "the lowest barrier over the noise is {:.3g}", lowest),
        inner=2,
    )


def occupation(rates: Any) -> Prediction:
    """The stationary law of the jump process with rates k_ij: the left null vector of its generator.

    It equals nu_a tau_a / sum nu_v tau_v, with tau_a = 1 / sum_j k_aj and nu the stationary law of the
    embedded chain; tau_a / sum tau_v alone is right for two wells (Xie, Sato & Sugiyama 2021, equation (5)).

    Parameters
    ----------
    rates
        k_ij >= 0 from well i to well j, shape (..., n, n); the diagonal is ignored.

    Returns
    -------
    Prediction
        Shape (..., n).

    Raises
    ------
    InputError
        Negative rates, or matrices that are not square.
    """
    k = _rates(rates)
    law, reachable = np.zeros(k.shape[:-1]), np.zeros(k.shape[:-2], dtype=bool)
    for index in np.ndindex(k.shape[:-2]):
        reachable[index] = _connected(k[index])
        law[index] = _null_vector(k[index]) if reachable[index] else np.nan
    return closed_form(
        law,
        [Reason(~reachable, "some wells cannot be reached from others, so the law depends on the start")],
        name="Occupation of wells",
        unit="probability",
        formula="sum_i P_i k_ij = P_j sum_i k_ji, P_a = nu_a tau_a / sum_v nu_v tau_v",
        assumptions=("Jumps between wells forget what came before.",),
        source="Markov jump processes",
        favour=Reason(True, "every well can be reached from every other"),
        inner=1,
    )


def residence_times(rates: Any) -> Prediction:
    """tau_a = 1 / sum_j k_aj, the mean time in a well before another is reached; shape (..., n).

    Parameters and errors as in `occupation`; infinite, and not valid, for a well without a way out.
    """
    k = _rates(rates)
    with np.errstate(divide="ignore"):
        value = 1 / k.sum(-1)
    closed = np.isinf(value).any(-1)
    return closed_form(
        value,
        [Reason(closed, "a well has no way out")],
        name="Residence times",
        unit="time",
        formula="tau_a = 1 / sum_j k_aj",
        assumptions=("Jumps between wells forget what came before.",),
        source="Markov jump processes",
        favour=Reason(True, "every well has a way out"),
        inner=1,
    )


def xie2021_occupation(times: Any) -> Prediction:
    """tau_a / sum_v tau_v, equation (5) of Xie, Sato & Sugiyama: occupation of wells by times alone.

    Parameters
    ----------
    times
        tau_a > 0, shape (..., n).

    Returns
    -------
    Prediction
        Valid for two wells; for more, the wells are visited unequally and `occupation` is right.

    Raises
    ------
    InputError
        Numbers out of range, or fewer than two wells.
    """
    tau = np.atleast_1d(numbers("times", times, above=0))
    n = tau.shape[-1]
    if n < 2:
        raise InputError("Give the times of at least two wells.")
    many = np.full(tau.shape[:-1], n > 2)
    return closed_form(
        tau / tau.sum(-1, keepdims=True),
        [
            Reason(
                many,
                "there are {:.0f} wells, and how often each is visited matters as well; use occupation",
                n,
            )
        ],
        name="Xie, Sato & Sugiyama (5)",
        unit="probability",
        formula="P_a = tau_a / sum_v tau_v",
        assumptions=("Every well is visited equally often.",),
        source="Xie, Sato & Sugiyama 2021 (ICLR, arXiv 2002.03495), equation (5)",
        favour=Reason(True, "two wells are visited in turn"),
        inner=1,
    )


def _rates(rates: Any) -> Array:
    k = np.array(numbers("rates", rates, least=0))
    if k.ndim < 2 or k.shape[-1] != k.shape[-2] or k.shape[-1] < 2:
        raise InputError(f"rates has shape {k.shape}, but it must be (..., n, n) with n at least 2.")
    diagonal = np.arange(k.shape[-1])
    k[..., diagonal, diagonal] = 0.0
    return k


def _connected(k: Array) -> bool:
    reach = ((k > 0) | np.eye(len(k), dtype=bool)).astype(float)
    for _ in range(int(np.ceil(np.log2(len(k)))) + 1):
        reach = (reach @ reach > 0).astype(float)
    return bool(reach.all())


def _null_vector(k: Array) -> Array:
    """Stationary law by elimination without subtraction (Grassmann, Taksar & Heyman 1985)."""
    a = k.copy()
    n = len(a)
    for m in range(n - 1, 0, -1):
        a[:m, m] /= a[m, :m].sum()
        a[:m, :m] += np.outer(a[:m, m], a[m, :m])
    law = np.ones(n)
    for m in range(1, n):
        law[m] = law[:m] @ a[:m, m]
    return law / law.sum()


def _beyond(
    potential: Potential, minima: tuple[CriticalPoint, ...], i: int, saddle: CriticalPoint
) -> int | None:
    """The well on the other side of a saddle of well i."""
    direction = np.linalg.eigh(saddle.hessian)[1][:, 0]
    scale = float(np.linalg.norm(saddle.x - minima[i].x))
    for side in (1.0, -1.0):
        try:
            end = potential.valley(saddle.x + side * 1e-3 * scale * direction).minimum
        except InputError:
            continue
        for j, minimum in enumerate(minima):
            if j != i and np.allclose(end.x, minimum.x, atol=1e-6 * max(1.0, scale)):
                return j
    return None
