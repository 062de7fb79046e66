"""Several wells: rates between them, occupation, and how long each keeps a path."""

from __future__ import annotations

from typing import Any

import numpy as np

from potentials import Potential, WellGraph
from simdyn.errors import InputError
from simdyn.markov import connected, passage_times, relaxation_rate, stationary_law
from simdyn.results import Prediction
from simdyn.theory.closed_form import Array, Reason, closed_form, exponential, numbers
from simdyn.theory.rates import low_barrier

MOST_PAIRS = 200
"""Wells up to which the times between all pairs are listed."""

_OF_JUMPS: dict[str, Any] = {
    "assumptions": ("Jumps between wells forget what came before.",),
    "source": "Markov jump processes",
    "favour": Reason(True, "every well can be reached from every other"),
}
"""What all answers have in common that follow from given rates."""


def well_rates(potential: Potential, temperature: Any) -> Prediction:
    """Rates k_ij of committed transitions between minima: the sum of 1 / T_commit over the saddles between.

    Parameters
    ----------
    potential
        The landscape; wells are the minima of `potential.well_graph()`, lowest first.
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
        Fewer than two minima, more than can be followed, or numbers out of range.
    """
    return rates_over(potential.well_graph(), temperature, potential.name)


def rates_over(graph: WellGraph, temperature: Any, name: str) -> Prediction:
    """`well_rates` of the landscape called `name`, whose wells and passes are known."""
    noise = numbers("temperature", temperature, above=0)
    n = len(graph.minima)
    if n < 2:
        raise InputError(f"{name!r} has {n} minima; rates need at least two.")
    rates = np.zeros((*noise.shape, n, n))
    lowest = np.full(noise.shape, np.inf)
    for way in graph.passes:
        downhill = abs(float(way.saddle.eigenvalues.min()))
        for i, j in (way.wells, way.wells[::-1]):
            if i is None:
                continue
            power = (way.saddle.energy - graph.minima[i].energy) / noise
            lowest = np.minimum(lowest, power)
            if j is None:
                continue
            logs = graph.minima[i].log_determinant - way.saddle.log_determinant
            rates[..., i, j] += downhill / (2 * np.pi) * exponential(0.5 * logs - power)
    leaks = len(graph.leaks)
    return closed_form(
        rates,
        [
            low_barrier(lowest),
            Reason(leaks > 0, "{:.0f} saddles lead to no minimum within the domain, and are left out", leaks),
        ],
        name="Eyring-Kramers rates",
        unit="1/t",
        formula="k_ij = sum_b |lambda_b| / (2 pi) sqrt(det H_i / |det H_b|) exp(-(L_b - L_i)/D)",
        assumptions=(
            "Barriers are much higher than the noise, which is constant and the same in all directions.",
            "The minima and saddles are all there are."
            if graph.complete
            else "The search has missed no minimum and no saddle.",
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
        reachable[index] = connected(k[index])
        law[index] = stationary_law(k[index]) if reachable[index] else np.nan
    return closed_form(
        law,
        [Reason(~reachable, "some wells cannot be reached from others, so the law depends on the start")],
        name="Occupation of wells",
        unit="probability",
        formula="sum_i P_i k_ij = P_j sum_i k_ji, P_a = nu_a tau_a / sum_v nu_v tau_v",
        **_OF_JUMPS,
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
        **(_OF_JUMPS | {"favour": Reason(True, "every well has a way out")}),
        inner=1,
    )


def well_passage_times(rates: Any) -> Prediction:
    """Mean time from well i until well j is first reached, by whatever way.

    Parameters
    ----------
    rates
        k_ij >= 0 from well i to well j, shape (..., n, n), n at most 200; the diagonal is ignored.

    Returns
    -------
    Prediction
        Shape (..., n, n), zero on the diagonal; infinite where the way may be missed for good.

    Raises
    ------
    InputError
        Negative rates, matrices that are not square, or too many wells.
    """
    k = _rates(rates)
    n = k.shape[-1]
    if n > MOST_PAIRS:
        raise InputError(
            f"The times between all pairs of {n} wells are not listed, up to {MOST_PAIRS} wells they are; "
            "ask a rate_network for times_to one well."
        )
    times = np.empty(k.shape)
    for index in np.ndindex(k.shape[:-2]):
        for j in range(n):
            times[(*index, slice(None), j)] = passage_times(k[index], j)
    return closed_form(
        times,
        [Reason(np.isinf(times).any((-2, -1)), "some wells cannot be reached from others")],
        name="Times between wells",
        unit="time",
        formula="sum_l k_il (m_ij - m_lj) = 1, m_jj = 0",
        **_OF_JUMPS,
        inner=2,
    )


def relaxation_time(rates: Any) -> Prediction:
    """Time in which the slowest deviation from the stationary occupation decays to 1/e of itself.

    Parameters and errors as in `occupation`; shape (...).
    """
    k = _rates(rates)
    time, reachable = np.full(k.shape[:-2], np.nan), np.zeros(k.shape[:-2], dtype=bool)
    for index in np.ndindex(k.shape[:-2]):
        reachable[index] = connected(k[index])
        rate = relaxation_rate(k[index]) if reachable[index] else 0.0
        time[index] = np.nan if rate is None else np.inf if rate == 0.0 else 1.0 / rate
    return closed_form(
        time,
        [
            Reason(~reachable, "some wells cannot be reached from others, and are never filled"),
            Reason(np.isnan(time), "the slowest mode oscillates"),
        ],
        name="Relaxation time",
        unit="time",
        formula="1 / (smallest positive eigenvalue of diag(sum_j k_ij) - k)",
        **_OF_JUMPS,
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
