"""The cells in which networks are trained to classify, many of them side by side."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import cache
from typing import TYPE_CHECKING, Any

import numpy as np

from studies.memorisation.samples import CLASSES, INPUTS, LABELS, REAL, Samples, balanced, drawn, noisy

if TYPE_CHECKING:
    import torch

    from simdyn.inference import Unevenness
    from simdyn.networks import NetworkEnsemble
    from studies.memorisation.settings import Settings

Array = np.ndarray

PIXELS = (1, 8, 8)
HALF = (0.4, 0.6)
"""Shares of the wrong labels that count as half of them."""

LATE = 9
"""Looks in the last quarter of training, over which accuracies are averaged where strengths are compared: at
a constant learning rate the last step alone is as noisy as a step from one strength to the next."""


def networks(
    width: int, seeds: Sequence[int], *, depth: int = 2, outputs: int = CLASSES, dropout: float = 0.0
) -> NetworkEnsemble:
    """Networks before training, one a seed."""
    from simdyn.networks import NetworkEnsemble, fully_connected

    return NetworkEnsemble(
        [fully_connected(PIXELS, outputs, width=width, depth=depth, dropout=dropout, seed=s) for s in seeds]
    )


def course(
    settings: Settings,
    ensemble: NetworkEnsemble,
    samples: Sequence[Samples],
    epochs: Sequence[int],
    *,
    rate: Any = None,
    batch: int | None = None,
    weight_decay: Any = 0.0,
) -> Iterator[int]:
    """Train networks on samples of their own in shuffled epochs; stop after so many of these."""
    size = settings.batch if batch is None else batch
    each = len(samples[0].classes) // size
    looks = [epoch * each for epoch in epochs]
    for step in ensemble.course(
        [one.inputs for one in samples],
        [one.classes for one in samples],
        looks=looks,
        learning_rate=settings.rate if rate is None else rate,
        batch_size=size,
        weight_decay=weight_decay,
        loss="cross_entropy",
        sampling="epoch_shuffle",
    ):
        yield step // each


def right(ensemble: NetworkEnsemble, samples: Sequence[Samples]) -> Array:
    """Which of the samples each network is trained on it gets right, shape (networks, samples)."""
    return ensemble.correct([one.inputs for one in samples], np.stack([one.classes for one in samples]))


def right_tests(ensemble: NetworkEnsemble, samples: Sequence[Samples]) -> Array:
    """Which of the others."""
    return ensemble.correct(
        [one.test_inputs for one in samples], np.stack([one.test_classes for one in samples])
    )


@cache
def after_one_epoch(settings: Settings, kind: str) -> Array:
    """Which samples are right after one epoch, shape (runs, samples); the samples are the same for all."""
    samples = balanced(settings.first_samples, kind)
    ensemble = networks(settings.width, range(settings.first_runs))
    several = [samples] * settings.first_runs
    for _ in course(settings, ensemble, several, (1,), batch=settings.first_batch):
        pass
    return ensemble.correct(samples.inputs, samples.classes)


@cache
def _unevenness(settings: Settings, kind: str) -> Unevenness:
    from simdyn.inference import unevenness

    # A run gets samples of one label right together: some outputs begin larger than others.
    labels = balanced(settings.first_samples, kind).classes
    return unevenness(after_one_epoch(settings, kind), groups=labels, exchanges=settings.exchanges)


def first_epoch(settings: Settings, data: str) -> dict[str, float]:
    """How far apart the probabilities of samples are, in all and within classes."""
    from simdyn.inference import unevenness

    found, table = _unevenness(settings, data), after_one_epoch(settings, data)
    classes = balanced(settings.first_samples, data).classes
    within = [unevenness(table[:, classes == one], exchanges=1).variance for one in range(CLASSES)]
    return {
        "share": found.share,
        "dispersion": found.dispersion,
        "p_value": found.p_value,
        "variance": found.variance,
        "low": found.low,
        "high": found.high,
        "within": float(np.mean(within)),
    }


def difficulty(settings: Settings, data: str, rank: float) -> dict[str, float]:
    """How often a sample is right that a share of the samples is right less often than."""
    from scipy.stats import binom

    often = after_one_epoch(settings, data).mean(0)
    chance = binom(settings.first_runs, often.mean()).ppf(rank) / settings.first_runs
    return {"frequency": float(np.quantile(often, rank)), "binomial": float(np.clip(chance, 0.0, 1.0))}


def kinds(settings: Settings) -> tuple[str, ...]:
    """Samples with more and more random labels, and random inputs."""
    return (*(noisy(share) for share in settings.shares), INPUTS)


@cache
def _courses(settings: Settings) -> tuple[dict[Any, dict[str, float]], dict[Any, torch.nn.Module]]:
    """All kinds and runs, trained together: what is seen after some epochs, and networks to look at."""
    from simdyn.networks import loss_sensitivity

    members = [(kind, run) for kind in kinds(settings) for run in settings.runs]
    samples = [drawn(run, settings.samples, kind) for kind, run in members]
    ensemble = networks(settings.width, [run for _, run in members])
    seen, kept = {}, {}
    looks = sorted({*settings.epochs, *settings.critical_epochs})
    for epoch in course(settings, ensemble, samples, looks):
        trained, tested = right(ensemble, samples), right_tests(ensemble, samples)
        half = tested.shape[1] // 2
        for k, (kind, run) in enumerate(members):
            module, own = ensemble.module(k), samples[k]
            seen[kind, epoch, run] = {
                "train_accuracy": float(trained[k].mean()),
                "learnt_wrong": float(trained[k][own.wrong].mean()) if own.wrong.any() else np.nan,
                "test_accuracy": float(tested[k].mean()),
                "first_half": float(tested[k, :half].mean()),
                "second_half": float(tested[k, half:].mean()),
                "gini": gini(loss_sensitivity(module, own.inputs, own.classes)),
            }
            if epoch in settings.critical_epochs:
                kept[kind, epoch, run] = module
    return seen, kept


def gini(values: Array) -> float:
    """Gini's coefficient: mean difference of two of the values over twice their mean."""
    ordered = np.sort(values)
    n = len(ordered)
    return float((2 * np.arange(1, n + 1) - n - 1) @ ordered / (n * ordered.sum()))


def seen(settings: Settings, data: str, epoch: int, run: int) -> dict[str, float]:
    """Accuracies and sensitivities in the course of training."""
    return _courses(settings)[0][data, epoch, run]


def critical(settings: Settings, data: str, epoch: int, radius: float, run: int) -> dict[str, float]:
    """Share of the training samples with another class in a box around them."""
    from simdyn.networks import critical_samples

    module = _courses(settings)[1][data, epoch, run]
    found = critical_samples(
        module,
        drawn(run, settings.samples, data).inputs,
        radius,
        iterations=settings.search_steps,
        seed=run,
    )
    return {"critical": float(found.mean())}


@cache
def _capacities(settings: Settings, units: int) -> dict[Any, dict[str, float]]:
    members = [(noisy(share), run) for share in settings.capacity_shares for run in settings.runs]
    samples = [drawn(run, settings.samples, kind) for kind, run in members]
    ensemble = networks(units, [run for _, run in members])
    for _ in course(settings, ensemble, samples, settings.epochs[-1:]):
        pass
    trained, tested = (look(ensemble, samples).mean(1) for look in (right, right_tests))
    return {
        member: {"train_accuracy": float(trained[k]), "test_accuracy": float(tested[k])}
        for k, member in enumerate(members)
    }


def capacity(settings: Settings, data: str, units: int, run: int) -> dict[str, float]:
    """Accuracies after the same number of epochs."""
    return _capacities(settings, units)[data, run]


@cache
def _times(settings: Settings, count: int, units: int) -> dict[Any, float]:
    members = [(kind, run) for kind in (REAL, LABELS, INPUTS) for run in settings.runs]
    samples = [drawn(run, count, kind) for kind, run in members]
    ensemble = networks(units, [run for _, run in members])
    found = np.full(len(members), np.nan)
    for epoch in course(settings, ensemble, samples, range(settings.most_epochs + 1)):
        done = right(ensemble, samples).all(1)
        found[done & np.isnan(found)] = epoch
        if not np.isnan(found).any():
            break
    return dict(zip(members, (found * (count // settings.batch)).tolist(), strict=True))


def time(settings: Settings, data: str, samples: int, units: int, run: int) -> dict[str, float]:
    """Steps until all samples are right for the first time, looked at after each epoch."""
    return {"steps": _times(settings, samples, units)[data, run]}


def regularisers(settings: Settings) -> tuple[str, ...]:
    """What training is held back by, and how strongly."""
    return (
        "none",
        *(f"dropout {value:g}" for value in settings.dropouts),
        *(f"weight decay {value:g}" for value in settings.decays),
    )


@cache
def _held_back(settings: Settings, dropout: float) -> dict[Any, dict[str, float]]:
    """Without dropout all weight decays together; means of the last quarter of the epochs."""
    decays = (0.0,) if dropout else (0.0, *settings.decays)
    members = [(decay, kind, run) for decay in decays for kind in (REAL, LABELS) for run in settings.runs]
    samples = [drawn(run, settings.samples, kind) for _, kind, run in members]
    ensemble = networks(settings.width, [run for *_, run in members], dropout=dropout)
    last = settings.epochs[-1]
    looks = sorted({round(epoch) for epoch in np.linspace(0.75 * last, last, LATE)})
    decay = [decay for decay, *_ in members]
    seen = [
        (right(ensemble, samples).mean(1), right_tests(ensemble, samples).mean(1))
        for _ in course(settings, ensemble, samples, looks, weight_decay=decay)
    ]
    trained, tested = np.mean(seen, axis=0)
    return {
        member: {"train_accuracy": float(trained[k]), "test_accuracy": float(tested[k])}
        for k, member in enumerate(members)
    }


def held_back(settings: Settings, regulariser: str, data: str, run: int) -> dict[str, float]:
    """Accuracies towards the end, with dropout or weight decay."""
    if regulariser == "none":
        return _held_back(settings, 0.0)[0.0, data, run]
    name, _, value = regulariser.rpartition(" ")
    if name == "dropout":
        return _held_back(settings, float(value))[0.0, data, run]
    return _held_back(settings, 0.0)[float(value), data, run]


@cache
def _at_equal_memory(settings: Settings, rate: float, batch: int) -> list[dict[str, float]]:
    """Each run while about half of the wrong labels are learnt, mean of the epochs at which they are."""
    kind = noisy(settings.noise_share)
    samples = [drawn(run, settings.samples, kind) for run in settings.runs]
    ensemble = networks(settings.width, settings.runs)
    learnt, tested, trained = [], [], []
    # As many steps for all batch sizes.
    limit = settings.most_epochs * batch // settings.noise_batch
    for _ in course(settings, ensemble, samples, range(limit + 1), rate=rate, batch=batch):
        now = right(ensemble, samples)
        learnt.append([row[one.wrong].mean() for row, one in zip(now, samples, strict=True)])
        trained.append(now.mean(1))
        tested.append(right_tests(ensemble, samples).mean(1))
        if min(learnt[-1]) > HALF[1] + 0.2:
            break
    wrong = np.array(learnt)
    within = (wrong >= HALF[0]) & (wrong <= HALF[1])
    epochs = np.broadcast_to(np.arange(len(wrong))[:, None], wrong.shape)
    found = []
    for k in range(len(samples)):
        while_half = {
            "epochs": epochs[within[:, k], k],
            "train_accuracy": np.array(trained)[within[:, k], k],
            "test_accuracy": np.array(tested)[within[:, k], k],
        }
        found.append({name: float(v.mean()) if len(v) else np.nan for name, v in while_half.items()})
    return found


def sgd_settings(settings: Settings) -> dict[str, tuple[float, int]]:
    """Learning rates and batch sizes: more and less noise, and the same noise with both raised."""
    rate, batch, factor = settings.noise_rate, settings.noise_batch, settings.noise_factor
    return {
        f"eta = {rate:g}, B = {batch}": (rate, batch),
        f"eta = {rate:g}, B = {factor * batch}": (rate, factor * batch),
        f"eta = {factor * rate:g}, B = {factor * batch}": (factor * rate, factor * batch),
    }


def of_noise(settings: Settings, sgd: str, run: int) -> dict[str, float]:
    """Accuracies while half of the wrong labels are learnt."""
    rate, batch = sgd_settings(settings)[sgd]
    return _at_equal_memory(settings, rate, batch)[settings.runs.index(run)]


CELLS: dict[str, Callable[..., dict[str, float]]] = {
    "first_epoch": first_epoch,
    "difficulty": difficulty,
    "course": seen,
    "critical": critical,
    "capacity": capacity,
    "time": time,
    "regularisers": held_back,
    "noise": of_noise,
}
