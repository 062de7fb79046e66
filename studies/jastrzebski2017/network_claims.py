"""What the slides state of the sharpest directions of networks, and what this run says of it."""

from __future__ import annotations

import numpy as np

from simdyn.inference import Figures, jackknife
from simdyn.study import Claim, Results, judge
from studies.jastrzebski2017.noise_claims import NOISE_CLAIMS, of_noise
from studies.jastrzebski2017.settings import FACTORS, SHARPEST, Settings

Array = np.ndarray

NETWORK_CLAIMS = {
    "rise": (
        "The largest eigenvalue rises fast in the early phase; least peak over its value before training, of "
        "all settings",
        SHARPEST,
    ),
    "fall": ("It falls thereafter; value at the end over its peak", SHARPEST),
    "peak_rate": ("The peak is lower for larger learning rates; ratio, largest over least rate", SHARPEST),
    "peak_batch": ("The peak is lower for smaller batches; ratio, least over largest batch", SHARPEST),
    "early": (
        "Even early a large learning rate or a small batch visits flatter regions; ratio of the largest "
        "eigenvalues, halfway to the peak",
        SHARPEST,
    ),
    "end": (
        "Larger noise eta / B ends in wider minima; power of eta / B of the largest eigenvalue at the end",
        f"{FACTORS}, experimental results",
    ),
    "sharper": (
        "Smaller rates along the sharpest directions alone end an order of magnitude sharper; ratio of the "
        "largest eigenvalues",
        SHARPEST,
    ),
    "alike": (
        "Those ends generalise alike; difference of test accuracies, per cent points",
        SHARPEST,
    ),
    **NOISE_CLAIMS,
}
"""Statement and source."""


def not_run() -> list[Claim]:
    """All of them without a measurement."""
    return [
        Claim(
            claim=claim,
            source=source,
            verdict="not run",
            why='PyTorch and scikit-learn are not installed; add them with pip install "simdyn[torch]".',
        )
        for claim, source in NETWORK_CLAIMS.values()
    ]


def of_networks(results: Results, settings: Settings) -> list[Claim]:
    """Each judged from the trainings of this run, with Student's interval over repetitions."""
    peaks = log_peaks(results)
    course = np.log(_course(results))
    start, end = course[..., 0], course[..., -1]
    rates = np.log(results["early"]["eta"].values)
    batch = np.log(results["early"]["B"].values)
    return [
        _rise(peaks - start),
        _ratio(
            "fall",
            end - peaks,
            0.0,
            0.9,
            "Settings that fall little or not at all are counted, too. Holds if below 0.9.",
        ),
        _ratio("peak_rate", peaks[-1] - peaks[0], 0.0, 1.0, f"{_ends(settings.rates)}. Holds if below 1."),
        _ratio(
            "peak_batch", peaks[:, 0] - peaks[:, -1], 0.0, 1.0, f"{_ends(settings.sizes)}. Holds if below 1."
        ),
        _early(results, course),
        _end(end, rates, batch),
        *_steered(results, settings),
        *of_noise(results, settings),
    ]


def _course(results: Results) -> Array:
    """Largest eigenvalues, shape (eta, B, run, step)."""
    data = results["early"].sortby("eta").sortby("B").sortby("step")
    return np.asarray(data["sharpness"].transpose("eta", "B", "run", "step").values)


def log_peaks(results: Results) -> Array:
    """Logarithm of the largest of all looks after the first, shape (eta, B, run)."""
    return np.asarray(np.log(_course(results)[..., 1:].max(axis=-1)))


def _ends(values: tuple[float, ...]) -> str:
    return f"{min(values):g} and {max(values):g}"


def _few(values: Array) -> Figures:
    """Mean of values, shape (..., runs), with Student's interval over the runs, which are independent."""
    values = np.asarray(values).reshape(-1, np.shape(values)[-1]).mean(axis=0)
    sums = np.stack([np.ones(len(values)), values], axis=1)
    return jackknife(sums, lambda total: total[1] / total[0])


def _claim(
    name: str,
    found: tuple[float, float, float],
    low: float,
    high: float,
    why: str,
    predicted: float | None = None,
) -> Claim:
    claim, source = NETWORK_CLAIMS[name]
    return Claim(
        claim=claim,
        source=source,
        predicted=predicted,
        measured=found[0],
        low=found[1],
        high=found[2],
        verdict=judge(found[1], found[2], low, high),
        why=why,
    )


def _ratio(name: str, logs: Array, low: float, high: float, why: str) -> Claim:
    """About the geometric mean of ratios."""
    found = _few(logs)
    return _claim(
        name,
        (float(np.exp(found.value)), float(np.exp(found.low)), float(np.exp(found.high))),
        low,
        high,
        f"{np.shape(logs)[-1]} runs, {np.size(logs)} pairs. {why}",
    )


def _rise(logs: Array) -> Claim:
    """In every setting the peak has to lie above the start."""
    of_settings = [_few(one) for one in logs.reshape(-1, logs.shape[-1])]
    least = min(of_settings, key=lambda one: float(one.value))
    return _claim(
        "rise",
        (float(np.exp(least.value)), float(np.exp(least.low)), float(np.exp(least.high))),
        1.0,
        np.inf,
        f"{len(of_settings)} settings; the largest of their means is "
        f"{np.exp(max(float(one.value) for one in of_settings)):.2f}. The first look after the start may lie "
        "below it. Holds if above 1 in all.",
    )


def _early(results: Results, course: Array) -> Claim:
    """Noisiest over quietest setting, at the look halfway to the peak of the quietest."""
    steps = results["early"].sortby("step")["step"].values
    quiet = course[0, -1].mean(axis=0)
    peak = int(steps[1:][quiet[1:].argmax()])
    look = int(np.abs(steps[1:] - peak / 2).argmin()) + 1
    return _ratio(
        "early",
        course[-1, 0, :, look] - course[0, -1, :, look],
        0.0,
        1.0,
        f"At step {int(steps[look])}; largest rate with least batch over least rate with largest batch. "
        "Holds if below 1.",
    )


def _end(logs: Array, rates: Array, batch: Array) -> Claim:
    """A power for each run, then the mean of them."""
    noise = (rates[:, None] - batch[None, :]).ravel()
    powers = np.array([np.polyfit(noise, logs[..., run].ravel(), 1)[0] for run in range(logs.shape[-1])])
    found = _few(powers)
    return _claim(
        "end",
        (float(found.value), float(found.low), float(found.high)),
        -np.inf,
        0.0,
        f"One power for each of {len(powers)} runs; after as many steps, not at the same loss. Holds if "
        "below 0.",
    )


def _steered(results: Results, settings: Settings) -> list[Claim]:
    data = results["steered"].sortby("factor")
    least, equal = data.isel(factor=0), data.sel(factor=1.0)
    logs = np.log(least["sharpness"].values / equal["sharpness"].values)
    points = _few(100 * (least["test_accuracy"].values - equal["test_accuracy"].values))
    words = (
        f"Factor {float(least['factor']):g} along {settings.directions} directions against equal rates, "
        f"training loss {float(least['loss'].mean()):.3f} against {float(equal['loss'].mean()):.3f}."
    )
    return [
        _ratio("sharper", logs, 10.0, np.inf, f"{words} Holds if at least 10."),
        _claim(
            "alike",
            (float(points.value), float(points.low), float(points.high)),
            -2.0,
            2.0,
            f"{words} Judged within 2 points.",
            predicted=0.0,
        ),
    ]
