"""What the paper states, and what this run says of it."""

from __future__ import annotations

import numpy as np

from potentials import styblinski_tang
from simdyn.inference import fit_line
from simdyn.study import Claim, Results, judge
from studies.xie2021.line_claims import line_claims
from studies.xie2021.network_claims import has_networks, network_claims, not_run
from studies.xie2021.settings import DECK, PAPER, Settings
from studies.xie2021.slopes import halves, mean_ratio
from studies.xie2021.styblinski import DIM, MEASURED_GRIDS, shifted_exponents, usable


def claims(results: Results, settings: Settings) -> list[Claim]:
    """The statements of the paper that this run can judge, each from the measurements of this run."""
    return [
        _measured_is_exact(results),
        _sgld_time(results),
        _sgld_temperature(results),
        _sgld_curvature(results),
        _sgd_time(results),
        _sgd_batch_slope(results),
        _sgd_batch_linear(results),
        _sgd_rate_linear(results),
        _sgd_identity(results),
        *_data(results, settings),
        _paths_add(results),
        _flux(results),
        _flux_formula(results),
        _low_temperature(results),
        *line_claims(results, settings),
        *(network_claims(results, settings) if has_networks(results) else not_run()),
    ]


def _measured_is_exact(results: Results) -> Claim:
    logs, errors = [], []
    for name in MEASURED_GRIDS:
        data = results[name]
        logs.append(np.log(data["steps"].values / data["exact"].values))
        errors.append(data["relative_error"].values)
    log, sigma = np.concatenate(logs), np.concatenate(errors)
    ratio, low, high = mean_ratio(log, sigma)
    worst = float(np.abs(log / sigma).max())
    return Claim(
        claim="The simulation samples the chain that it says: measured over exact mean escape time, all "
        "cells together, is 1",
        source="simdyn (transfer operator of one coordinate, first of ten)",
        predicted=1.0,
        measured=ratio,
        low=low,
        high=high,
        verdict=judge(low, high, 0.97, 1.03),
        why=f"{len(log)} cells; the largest deviation of a cell from its exact value is {worst:.1f} "
        "standard errors. Judged against 1 within 3 %.",
    )


def _sgld_time(results: Results) -> Claim:
    data = results["sgld_temperature"].isel(D=0)
    ratio, low, high = (float(data[name] / data["predicted"]) for name in ("steps", "low", "high"))
    exact = float(data["exact"] / data["predicted"])
    last = results["sgld_temperature"].isel(D=-1)
    return Claim(
        claim="SGLD: equation (6) gives the mean escape time; measured over predicted at the lowest "
        f"temperature, D = {float(data.D):g}",
        source=f"{PAPER}, equation (6)",
        predicted=1.0,
        measured=ratio,
        low=low,
        high=high,
        verdict=judge(low, high, 0.85, 1.15),
        why="Read as the first crossing of the rim (half of (6), which is the time to another minimum) "
        "through ten saddles. The exact ratio is "
        f"{exact:.3f} here and {float(last['exact'] / last['predicted']):.3f} at D = {float(last.D):g}: "
        "the formula is asymptotic in D "
        "and in the learning rate. Judged against 1 within 15 %.",
    )


def _sgld_temperature(results: Results) -> Claim:
    data = results["sgld_temperature"]
    barrier = _barrier()
    x = 1.0 / data["D"].values
    line = fit_line(x, np.log(data["steps"].values), data["relative_error"].values)
    exact = fit_line(x, np.log(data["exact"].values), data["relative_error"].values)
    return Claim(
        claim="SGLD: minus the logarithm of the escape rate is linear in 1/D with the barrier as slope",
        source=f"{PAPER}, figure 8(b), whose caption says 1/B",
        predicted=barrier,
        measured=line.slope,
        low=line.low,
        high=line.high,
        unit="loss",
        verdict=judge(line.low, line.high, 0.95 * barrier, 1.05 * barrier),
        why=f"The exact values have the slope {exact.slope:.3f} in this window of D. Judged against the "
        "barrier within 5 %.",
    )


def _sgld_curvature(results: Results) -> Claim:
    data = results["sgld_curvature"]
    x = np.log(data["k"].values)
    line = fit_line(x, -np.log(data["steps"].values), data["relative_error"].values)
    exact = fit_line(x, -np.log(data["exact"].values), data["relative_error"].values)
    return Claim(
        claim="SGLD: the escape rate is proportional to the curvature scale k; power of k",
        source=f"{PAPER}, figure 8(a)",
        predicted=1.0,
        measured=line.slope,
        low=line.low,
        high=line.high,
        verdict=judge(line.low, line.high, 0.95, 1.05),
        why=f"The exact power in this window is {exact.slope:.4f}; it would be 1 for a vanishing learning "
        "rate, because scaling all curvatures "
        "by k only speeds up time. Judged against 1 within 0.05.",
    )


def _sgd_time(results: Results) -> Claim:
    data = results["sgd_batch"].isel(B=-1)
    measured, low, high, predicted, exact = (
        float(data[name]) for name in ("steps", "low", "high", "predicted", "exact")
    )
    return Claim(
        claim=f"SGD: equation (7) gives the mean escape time, at B = {float(data.B):g}",
        source=f"{PAPER}, equation (7)",
        predicted=predicted,
        measured=measured,
        low=low,
        high=high,
        unit="steps",
        verdict=judge(low, high, predicted / 2, predicted * 2),
        why=f"Judged within a factor of two. The exact value of the chain, {exact:.5g} steps, lies "
        f"{'inside' if low <= exact <= high else 'outside'} the interval. The noise vanishes at the "
        "inflection point, "
        "which the SDE behind (7) never crosses and the chain hops over.",
    )


def _sgd_batch_slope(results: Results) -> Claim:
    data = results["sgd_batch"].isel(B=usable(results["sgd_batch"]))
    x, sigma = data["B"].values, data["relative_error"].values
    line = fit_line(x, np.log(data["steps"].values), sigma)
    exact = fit_line(x, np.log(data["exact"].values), sigma)
    predicted = fit_line(x, np.log(data["predicted"].values), sigma).slope
    return Claim(
        claim="SGD: the slope of minus log rate against B is that of equation (7)",
        source=f"{PAPER}, equation (7), figure 7(b)",
        predicted=predicted,
        measured=line.slope,
        low=line.low,
        high=line.high,
        verdict=judge(line.low, line.high, 0.95 * predicted, 1.05 * predicted),
        why=f"The exact values of the chain have the slope {exact.slope:.2f} in this window. Judged "
        "against (7) within 5 %. "
        f"{len(x)} of {results['sgd_batch'].sizes['B']} cells have at most 1 % overshoot and enter the fit.",
    )


def _sgd_batch_linear(results: Results) -> Claim:
    data = results["sgd_batch_exact"]
    x, log = data["B"].values, np.log(data["exact"].values)
    error = data["exact_error"].values / data["exact"].values
    slopes = np.diff(log) / np.diff(x)
    ratio = float(slopes[-1] / slopes[-2])
    numerical = float(4 * error[-3:].max() / (log[-1] - log[-2]))
    return Claim(
        claim="SGD: minus the logarithm of the rate is linear in B; ratio of the last two slopes of the "
        "exact values",
        source=f"{PAPER}, figure 7(b)",
        predicted=1.0,
        measured=ratio,
        low=ratio - numerical,
        high=ratio + numerical,
        verdict=judge(ratio - numerical, ratio + numerical, 0.98, 1.02),
        why=f"Exact values alone: slopes {slopes[-2]:.2f} and {slopes[-1]:.2f} per unit of B, up to B = "
        f"{x[-1]:g}. The interval is the numerical error. "
        "Any noise that scales as 1/B gives such a line, so it does not test C = H/B. Judged against 1 "
        "within 2 %.",
    )


def _sgd_rate_linear(results: Results) -> Claim:
    data = results["sgd_learning_rate"].isel(eta=usable(results["sgd_learning_rate"]))
    x, sigma = 1.0 / data["eta"].values, data["relative_error"].values
    ratio, error = halves(x, np.log(data["steps"].values), sigma)
    exact, _ = halves(x, np.log(data["exact"].values), sigma)
    return Claim(
        claim="SGD: minus the logarithm of the rate is linear in 1/eta; slope of the upper half of the "
        "range over that of the lower",
        source=f"{PAPER}, figure 7(c)",
        predicted=1.0,
        measured=ratio,
        low=ratio - 1.96 * error,
        high=ratio + 1.96 * error,
        verdict=judge(ratio - 1.96 * error, ratio + 1.96 * error, 0.95, 1.05),
        why=f"The exact values give {exact:.3f}. The chain escapes by hopping over the point without "
        "noise, the more easily the larger its "
        "steps, so the exponent is not proportional to 1/eta. Judged against 1 within 0.05. "
        f"{len(x)} of {results['sgd_learning_rate'].sizes['eta']} cells have at most 1 % overshoot and "
        "enter the fit.",
    )


def _sgd_identity(results: Results) -> Claim:
    first, second = results["sgd_learning_rate"], results["sgd_curvature"]
    log = np.log(second["steps"].values / first["steps"].values)
    sigma = np.hypot(first["relative_error"].values, second["relative_error"].values)
    ratio, low, high = mean_ratio(log, sigma)
    exact = float(np.abs(second["exact"].values / first["exact"].values - 1).max())
    return Claim(
        claim="SGD: the dependence on 1/k is that on 1/eta, N_k(eta, B) = N_1(k eta, B); mean ratio of "
        "the two sides",
        source=f"Rescaling x -> sqrt(k) x; {PAPER}, figures 7(a) and 7(c), shows them as two findings",
        predicted=1.0,
        measured=ratio,
        low=low,
        high=high,
        verdict=judge(low, high, 0.95, 1.05),
        why=f"{len(log)} pairs with independent noise; the exact values of the two sides differ by at most"
        f" {exact:.1e}. Judged against 1 within 5 %.",
    )


def _data(results: Results, settings: Settings) -> list[Claim]:
    data, eta = results["data"].sortby("B"), settings.data_rate
    x, sigma = data["B"].values.astype(float), data["relative_error"].values
    line = fit_line(x, np.log(data["steps"].values), sigma)
    gaussian = fit_line(x, np.log(data["gaussian"].values), sigma)
    curvature, ends, sde = shifted_exponents()
    ratio, low, high = mean_ratio(np.log(data["steps"].values / data["gaussian"].values), sigma)
    why = (
        f"eta = {eta:g}, real batches. Gaussian chain of the same covariance: {eta * gaussian.slope:.4f}; "
        "SDE of "
        f"it: {sde:.4f}, which the steps are too large for."
    )
    found = [
        Claim(
            claim=f"Styblinski-Tang with shifted data: log N per unit of B / eta is that of (7) with {words}",
            source=f"{PAPER}, equation (7) and its experiment as recalled",
            predicted=predicted,
            measured=eta * line.slope,
            low=eta * line.low,
            high=eta * line.high,
            verdict=judge(eta * line.low, eta * line.high, 0.8 * predicted, 1.2 * predicted),
            why=f"{why} Judged within 20 %.",
        )
        for words, predicted in (
            ("C = H/B", curvature),
            ("the covariances that minimum and saddle really have", ends),
        )
    ]
    return [
        *found,
        Claim(
            claim="Shifted data: noise of real batches acts like Gaussian noise of its covariance; measured "
            "over exact time of the Gaussian chain",
            source=f"{PAPER}, equation (1)",
            predicted=1.0,
            measured=ratio,
            low=low,
            high=high,
            verdict=judge(low, high, 0.9, 1.1),
            why=f"Batches of {int(x[0])} to {int(x[-1])}, mean over them; at the largest "
            f"{float(data['steps'][-1] / data['gaussian'][-1]):.3f}. Judged within 10 %.",
        ),
    ]


def _paths_add(results: Results) -> Claim:
    data = results["sgld_temperature"].isel(D=0)
    single = float(data["single"])
    ratio, low, high = (single / float(data[name]) for name in ("steps", "high", "low"))
    return Claim(
        claim="Several paths: their rates add; rate through ten saddles over that through one, at D = "
        f"{float(data.D):g}",
        source=f"{DECK}, Multiple-Path Escape",
        predicted=float(DIM),
        measured=ratio,
        low=low,
        high=high,
        verdict=judge(low, high, 0.9 * DIM, 1.1 * DIM),
        why="Ten coordinates, measured, against one alone, exact; in the limit of a low temperature. Judged "
        "within "
        "10 %.",
    )


def _flux(results: Results) -> Claim:
    data = results["flux"]
    log, sigma = np.log(data["steps"].values / data["exact"].values), data["relative_error"].values
    ratio, low, high = mean_ratio(log, sigma)
    return Claim(
        claim="The mean escape time is the population of the valley over the flux out of it; measured over "
        "exact mean escape time, all temperatures",
        source=f"{DECK}, equation (4)",
        predicted=1.0,
        measured=ratio,
        low=low,
        high=high,
        verdict=judge(low, high, 0.95, 1.05),
        why="A population that is kept constant in the ten-dimensional valley; paths that leave go back to "
        "the minimum, for which (4) is an identity, so that it is the estimate which is tested. Judged "
        "within 5 %.",
    )


def _flux_formula(results: Results) -> Claim:
    data = results["flux"].sortby("D").isel(D=0)
    ratio, low, high = (float(data[name] / data["predicted"]) for name in ("steps", "low", "high"))
    return Claim(
        claim="Population and flux in the quadratic approximation give that time; measured over predicted "
        "at D = "
        f"{float(data.D):g}",
        source=f"{DECK}, the three classical assumptions",
        predicted=1.0,
        measured=ratio,
        low=low,
        high=high,
        verdict=judge(low, high, 0.8, 1.2),
        why=f"Exact ratio {float(data['exact'] / data['predicted']):.3f}, and {_at_largest(results):.3f} at "
        "the highest temperature: the assumptions need a low one. Judged within 20 %.",
    )


def _low_temperature(results: Results) -> Claim:
    data = results["sgld_temperature"].sortby("D")
    ends = [data.isel(D=place) for place in (0, -1)]
    off = [float(np.log(one["steps"] / one["predicted"])) for one in ends]
    value = abs(off[1]) - abs(off[0])
    half = 1.96 * float(np.linalg.norm([float(one["relative_error"]) for one in ends]))
    exact = [abs(float(np.log(one["exact"] / one["predicted"]))) for one in ends]
    return Claim(
        claim="Diffusion theory describes slow escapes the better: it takes a low temperature; |log| of "
        f"measured over predicted time at D = {float(ends[1].D):g} less that at {float(ends[0].D):g}",
        source=f"{DECK}, low temperature and quasi-equilibrium",
        measured=value,
        low=value - half,
        high=value + half,
        verdict=judge(value - half, value + half, 1e-9, np.inf),
        why=f"{off[1]:+.3f} and {off[0]:+.3f}; exact sizes {exact[1]:.3f} and "
        f"{exact[0]:.3f}. Holds if above 0.",
    )


def _at_largest(results: Results) -> float:
    data = results["flux"].sortby("D").isel(D=-1)
    return float(data["exact"] / data["predicted"])


def _barrier() -> float:
    """Height of the rim over the deepest minimum."""
    valley = styblinski_tang(dim=DIM).valley(styblinski_tang(dim=DIM).deepest())
    return float(valley.saddles[0].energy - valley.minimum.energy)
