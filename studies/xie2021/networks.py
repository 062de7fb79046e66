"""The cells of the networks: noise by layer and batch size, noise against Hessian, and leaving a minimum."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any

import numpy as np

from simdyn.networks import one_thread
from simdyn.study import Dimension, Grid, Quantity, quantity_with_interval, value_with_interval
from studies.xie2021.settings import HISTOGRAM_BATCH

if TYPE_CHECKING:
    import torch
    from numpy.random import SeedSequence

    from simdyn.networks import Images, LossSurface
    from studies.xie2021.settings import Settings

Array = np.ndarray

GRIDS = ("noise", "histogram", "alignment", "leaving")
LAYERS = ("first", "second", "last")
DIRECTIONS = 5
"""Eigenvectors along which noise and curvature are compared."""
LOOK = 2
"""Steps between looks at the loss of networks that leave a minimum."""


def network_grids(settings: Settings) -> list[Grid]:
    """The deck's figures 3, 4 and 7 (bottom) on small networks."""
    layer = Dimension("layer", LAYERS, "", "layer of the network")
    stage = Dimension("step", (0, settings.descent_steps), "steps", "steps of training")
    batch = Dimension("B", settings.noise_batch_sizes, "", "batch size")
    data = Dimension("data", settings.data_sets, "", "data set")
    levy = "independent alpha-stable coordinates of one scale, with the index of all of them together"
    return [
        Grid(
            "noise",
            "Gradient noise by layer",
            [data, stage, layer, batch],
            [
                *quantity_with_interval(
                    "gaussian", "", "distance of the norm's law from that of Gaussian noise, same C"
                ),
                Quantity("gaussian_error", "", "standard error of that distance"),
                *quantity_with_interval("levy", "", f"its distance from that of {levy}"),
                Quantity("index", "", "median over coordinates of the tail index"),
                Quantity("pooled", "", "tail index of all coordinates together"),
                Quantity("pooled_gaussian", "", "what Gaussian coordinates of these scales would give"),
            ],
            f"{settings.noise_draws:,} batches with replacement; distances of Kolmogorov and Smirnov.",
        ),
        Grid(
            "histogram",
            "Norm of the gradient noise",
            [stage, layer, Dimension("bin", tuple(range(settings.noise_bins)), "", "number of the bin")],
            [
                Quantity("norm", "", "middle of the bin, in units of the root mean square of the norm"),
                Quantity("real", "", "density of real batches"),
                Quantity("gaussian", "", "density of Gaussian noise of the same covariance"),
                Quantity("levy", "", f"density of {levy}"),
            ],
            f"The same draws of {settings.data_sets[0]}, batches of {HISTOGRAM_BATCH}.",
        ),
        Grid(
            "alignment",
            "Gradient noise against the Hessian",
            [
                data,
                Dimension("step", settings.places, "steps", "steps of training"),
                Dimension("run", settings.runs, "", "number of the first parameters"),
            ],
            [
                Quantity("cosine", "", "tr(C_1 H) / (|C_1| |H|)"),
                Quantity("slope", "", "of log u' C_1 u against log lambda along the top eigenvectors u"),
                Quantity("size", "", "u' C_1 u over lambda along these, geometric mean"),
                Quantity("loss", "", "mean loss"),
                Quantity("mean_share", "", "squared gradient over the mean squared gradient of a sample"),
            ],
            f"{DIRECTIONS} eigenvectors; cross-entropy, gradient descent.",
        ),
        Grid(
            "leaving",
            "Leaving a trained minimum",
            [
                data,
                Dimension("varied", ("B", "eta", "k"), "", "what makes the ratio B / (k eta) larger"),
                Dimension("factor", settings.leaving_factors, "", "of B, 1 / eta or 1 / k"),
            ],
            [
                *quantity_with_interval("steps", "steps", "mean number of steps to leave"),
                Quantity("relative_error", "", "relative standard error"),
                Quantity("left", "", "networks that left"),
                Quantity("censored", "", "networks that did not"),
                Quantity("bottom", "", "mean loss at the minimum"),
                Quantity("rate", "", "learning rate"),
                Quantity("size", "", "batch size"),
            ],
            f"{min(settings.leaving_replicas)} to {max(settings.leaving_replicas)} networks from one "
            "minimum, the more the sooner they leave, until the loss over all samples has risen by "
            f"{settings.leaving_margin:g}; at factor 1 B = {settings.leaving_batch_size}.",
            one_thread=True,
        ),
    ]


def network_cell(
    grid: str, parameters: Mapping[str, Any], seed: SeedSequence, settings: Settings
) -> dict[str, Any]:
    """All quantities of a cell, with one thread for the same bits everywhere."""
    with one_thread():
        if grid == "alignment":
            task = Task.of(settings, str(parameters["data"]))
            return task.alignment(int(parameters["step"]), int(parameters["run"]))
        if grid == "leaving":
            task = Task.of(settings, str(parameters["data"]))
            return task.leaving(str(parameters["varied"]), float(parameters["factor"]), seed)
        step, layer = int(parameters["step"]), str(parameters["layer"])
        if grid == "noise":
            return _noise(settings, str(parameters["data"]), step, layer, int(parameters["B"])).laws()
        first = settings.data_sets[0]
        return _noise(settings, first, step, layer, HISTOGRAM_BATCH).bin(int(parameters["bin"]))


def images_of(data: str, folder: str) -> Images:
    """One of `DATA_SETS`; measurements that are no image are standardised and stand in one row.

    Raises
    ------
    InputError
        Files that are not there.
    """
    from simdyn.networks import Images, cifar10, digits, fashion_mnist

    if data == "digits":
        return digits()
    if data in ("fashion_mnist", "cifar10"):
        return (fashion_mnist if data == "fashion_mnist" else cifar10)(folder)
    from sklearn.datasets import load_breast_cancer, load_wine

    table = (load_wine if data == "wine" else load_breast_cancer)()
    values = (table.data - table.data.mean(axis=0)) / table.data.std(axis=0)
    return Images(values[:, None, None, :], table.target.astype(np.int64), data)


@dataclass(frozen=True, eq=False)
class Task:
    """Samples of a data set, and networks trained on them; one for each settings and data set.

    Attributes
    ----------
    settings, data
        Of the study, and which data set.
    inputs, classes
        Samples along the first dimension.
    """

    settings: Settings
    data: str
    inputs: Array
    classes: Array

    @staticmethod
    @cache
    def of(settings: Settings, data: str) -> Task:
        """The first so many of the shuffled samples."""
        images = images_of(data, settings.folder).sample(settings.samples)
        return Task(settings, data, images.pixels.astype(np.float32), images.classes)

    @cache  # noqa: B019 - there is one task for each data set
    def trained(self, steps: int, run: int) -> torch.nn.Module:
        """After so many steps of gradient descent."""
        from simdyn.networks import fully_connected, train

        channels, height, width = self.inputs.shape[1:]
        outputs = int(self.classes.max()) + 1
        module = fully_connected(
            (channels, height, width), outputs, width=self.settings.width, depth=2, seed=run
        )
        if steps:
            train(
                module,
                self.inputs,
                self.classes,
                learning_rate=self.settings.descent_rate,
                steps=steps,
                look_every=steps,
                loss="cross_entropy",
            )
        return module

    def surface(self, steps: int, run: int) -> LossSurface:
        """The loss, around where training stands after so many steps."""
        from simdyn.networks import LossSurface

        return LossSurface(self.trained(steps, run), self.inputs, self.classes, "cross_entropy")

    def alignment(self, step: int, run: int) -> dict[str, float]:
        """Covariance of single gradients beside the Hessian."""
        from simdyn.networks import alignment

        surface = self.surface(step, run)
        at = surface.parameters
        gradients = surface.sample_gradients(at)
        found = alignment(surface, at, DIRECTIONS)
        return {
            "cosine": found.cosine,
            "slope": found.slope,
            "size": float(np.exp(np.log(found.variances / found.eigenvalues).mean())),
            "loss": surface.energy(at),
            "mean_share": float((gradients.mean(axis=0) ** 2).sum() / (gradients**2).sum(axis=1).mean()),
        }

    def leaving(self, varied: str, factor: float, seed: SeedSequence) -> dict[str, float]:
        """Steps of SGD until the loss has risen; k rescales the parameters, theta -> theta / sqrt(k)."""
        from simdyn.inference import fit_exponential

        settings = self.settings
        rate = settings.leaving_rates[settings.data_sets.index(self.data)]
        size, k = settings.leaving_batch_size, 1.0
        if varied == "B":
            size = round(size * factor)
        elif varied == "eta":
            rate /= factor
        else:
            k /= factor
        module = self.trained(settings.descent_steps, 0)
        bottom = self.surface(settings.descent_steps, 0)
        level = bottom.energy(bottom.parameters) + settings.leaving_margin
        replicas = settings.leaving_replicas[settings.leaving_factors.index(factor)]
        draws = int(seed.generate_state(1)[0])
        times, out = _first_rise(self, module, rate, size, k, level, replicas, draws)
        fit = fit_exponential(times, out, unit="steps")
        return {
            **value_with_interval("steps", fit.estimate),
            "relative_error": fit.relative_error,
            "left": int(out.sum()),
            "censored": int((~out).sum()),
            "bottom": bottom.energy(bottom.parameters),
            "rate": rate,
            "size": size,
        }


def _first_rise(
    task: Task,
    module: torch.nn.Module,
    rate: float,
    size: int,
    k: float,
    level: float,
    count: int,
    seed: int,
) -> tuple[Array, Array]:
    """Step at which each of many networks is first seen above the level, and whether it was.

    The loss is L(sqrt(k) theta), so that a step moves sqrt(k) theta by k times the learning rate.
    """
    import torch
    from torch.func import functional_call, grad_and_value, vmap

    settings, root = task.settings, float(np.sqrt(k))
    x, y = torch.as_tensor(task.inputs), torch.as_tensor(task.classes)
    theta = {
        name: (value.detach() / root).expand(count, *value.shape).clone()
        for name, value in module.named_parameters()
    }

    def loss(parameters: dict[str, torch.Tensor], inputs: torch.Tensor, classes: torch.Tensor) -> Any:
        scaled = {name: root * value for name, value in parameters.items()}
        return torch.nn.functional.cross_entropy(functional_call(module, scaled, (inputs,)), classes)

    of_batches = vmap(grad_and_value(loss), in_dims=(0, 0, 0))
    of_all = vmap(loss, in_dims=(0, None, None))
    draws = torch.Generator().manual_seed(seed)
    times = np.full(count, float(settings.leaving_steps))
    out = np.zeros(count, dtype=bool)
    inside = np.arange(count)
    for step in range(1, settings.leaving_steps + 1):
        chosen = torch.randint(len(x), (len(inside), size), generator=draws)
        slopes, _ = of_batches(theta, x[chosen], y[chosen])
        theta = {name: value - rate * slopes[name] for name, value in theta.items()}
        if step % LOOK:
            continue
        with torch.no_grad():
            risen = ~(of_all(theta, x, y) <= level).numpy()
        if risen.any():
            times[inside[risen]], out[inside[risen]] = step, True
            stay = torch.as_tensor(np.flatnonzero(~risen))
            theta = {name: value[stay] for name, value in theta.items()}
            inside = inside[~risen]
            if not len(inside):
                break
    return times, out


@dataclass(frozen=True, eq=False)
class LayerNoise:
    """Norms of gradient noise of one layer, in units of the root mean square of those of real batches.

    Attributes
    ----------
    real, gaussian, levy
        Of real batches, of Gaussian noise of their covariance, and of the heavy-tailed law that has one index
        and one scale for all coordinates.
    index, pooled, pooled_gaussian
        Tail indices: median of those of the coordinates, that of all of them together, and what Gaussian
        coordinates of these scales would give for the latter.
    bins
        Of the histogram.
    """

    real: Array
    gaussian: Array
    levy: Array
    index: float
    pooled: float
    pooled_gaussian: float
    bins: int

    def laws(self) -> dict[str, float]:
        """Distances of the norm's law, with a simultaneous band for both samples."""
        from simdyn.inference import Interval

        reach = band(len(self.real), 1)
        found: dict[str, float] = {}
        for name, other in (("gaussian", self.gaussian), ("levy", self.levy)):
            distance, error = largest_gap(self.real, other)
            if name == "gaussian":
                found["gaussian_error"] = error
            ends = Interval(distance, max(0.0, distance - reach), min(1.0, distance + reach))
            found |= value_with_interval(name, ends)
        return found | {
            "index": self.index,
            "pooled": self.pooled,
            "pooled_gaussian": self.pooled_gaussian,
        }

    def bin(self, number: int) -> dict[str, float]:
        """Middle of a bin, and the densities there."""
        edges = np.linspace(0.0, 2.5, self.bins + 1)
        low, high = edges[number], edges[number + 1]
        found = {"norm": float(low + high) / 2}
        for name in ("real", "gaussian", "levy"):
            values = getattr(self, name)
            found[name] = float(((values >= low) & (values < high)).mean() / (high - low))
        return found


def band(draws: int, cases: int) -> float:
    """How far the largest gap of two samples may be from that of their laws, in all of so many cases with
    95 % (Dvoretzky, Kiefer, Wolfowitz & Massart for each of the samples)."""
    return float(2 * np.sqrt(np.log(4 * cases / 0.05) / (2 * draws)))


def largest_gap(one: Array, other: Array) -> tuple[float, float]:
    """Distance of Kolmogorov and Smirnov of two samples, and the standard error of the gap where it is."""
    values = np.sort(np.concatenate([one, other]))
    first, second = (np.searchsorted(np.sort(x), values, side="right") / len(x) for x in (one, other))
    at = int(np.abs(first - second).argmax())
    f, g = first[at], second[at]
    return float(abs(f - g)), float(np.sqrt(f * (1 - f) / len(one) + g * (1 - g) / len(other)))


@cache
def _noise(settings: Settings, data: str, step: int, layer: str, batch: int) -> LayerNoise:
    """The noise of a layer after so many steps of training; the cells of a histogram share it."""
    task = Task.of(settings, data)
    gradients = _layer_gradients(task, step, LAYERS.index(layer))
    rng = np.random.default_rng([step, LAYERS.index(layer), batch])
    return layer_noise(gradients, batch, settings.noise_draws, settings.noise_bins, rng)


def _layer_gradients(task: Task, step: int, number: int) -> Array:
    """Gradients of single samples in a layer, weights and biases together."""
    surface = task.surface(step, 0)
    sizes = [value.numel() for value in task.trained(step, 0).parameters()]
    ends = np.concatenate([[0], np.cumsum(np.reshape(sizes, (-1, 2)).sum(axis=1))])
    return surface.sample_gradients(surface.parameters)[:, ends[number] : ends[number + 1]]


def layer_noise(gradients: Array, batch: int, draws: int, bins: int, rng: np.random.Generator) -> LayerNoise:
    """Real, Gaussian and heavy-tailed noise of batches of samples with these gradients, shape (n, d)."""
    from simdyn.inference.tail import pooled_index, stable_index

    centred = gradients - gradients.mean(axis=0)
    centred = centred[:, centred.std(axis=0) > 0]
    n, d = centred.shape
    chosen = rng.integers(n, size=(draws, batch))
    weights = np.zeros((draws, n))
    np.add.at(weights, (np.arange(draws)[:, None], chosen), 1.0 / batch)
    noise = weights @ centred
    same = rng.normal(size=(draws, n)) @ centred / np.sqrt(n * batch)
    block = int(np.sqrt(draws))
    indices = [stable_index(noise[:, j], block).value for j in range(d)]
    pooled = stable_index(rng.permutation(noise.ravel()), block).value
    # One index and one scale for all coordinates, as the isotropic view has it.
    alpha = min(2.0, pooled)
    heavy = symmetric_stable(alpha, (draws, d), rng)
    heavy *= np.median(np.abs(noise)) / np.median(np.abs(heavy))
    real = np.linalg.norm(noise, axis=1)
    unit = np.sqrt((real**2).mean())
    return LayerNoise(
        real / unit,
        np.linalg.norm(same, axis=1) / unit,
        np.linalg.norm(heavy, axis=1) / unit,
        float(np.nanmedian(indices)),
        pooled,
        pooled_index(centred.std(axis=0), block),
        bins,
    )


def symmetric_stable(alpha: float, shape: tuple[int, ...], rng: np.random.Generator) -> Array:
    """Values with the characteristic function exp(-|u|^alpha) (Chambers, Mallows & Stuck 1976)."""
    angle = np.pi * (rng.random(shape) - 0.5)
    wait = rng.exponential(size=shape)
    tilt = np.cos((1 - alpha) * angle) / wait
    return np.asarray(np.sin(alpha * angle) / np.cos(angle) ** (1 / alpha) * tilt ** ((1 - alpha) / alpha))
