"""Is gradient noise Gaussian or heavy-tailed? Real batches at one point, by batch size and coordinate."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from potentials import Potential, SampleMean
from simdyn.counts import whole_number
from simdyn.dynamics import SGD
from simdyn.dynamics.minibatch import check_batch
from simdyn.errors import InputError
from simdyn.exits import parse_start
from simdyn.inference import (
    Interval,
    batch_cumulants,
    check_gaussianity,
    edgeworth_distance,
    pooled_index,
    stable_index,
)
from simdyn.noise import Seed, seed_record
from simdyn.questions.record import listed
from simdyn.results import versions

if TYPE_CHECKING:
    import xarray
    from matplotlib.figure import Figure

FALSE_ALARM = 0.01
"""Probability with which Gaussian noise is called something else in any coordinate at any batch size."""

FEWEST_DRAWS = 400
_SILENT = 1e-14
"""Noise below this part of the size of the samples' gradients is rounding."""

_NAMES = ("p_value", "distance", "skewness", "kurtosis", "index")


@dataclass(frozen=True)
class GradientNoise:
    """Noise of batch gradients at one point.

    Attributes
    ----------
    data
        Over batch sizes and coordinates, each measured number with `_low` and `_high`, its 95 % interval:

        - `p_value` of Kolmogorov's test against the Gaussian with the exact variance, and `gaussian`, whether
          it passes; over the whole table Gaussian noise fails with a probability of 1 %;
        - `distance` of the distribution functions, and `distance_predicted` by Edgeworth from the exact
          skewness and kurtosis, which is for batches of some size;
        - `skewness` and excess `kurtosis`, and both `_exact` from the samples;
        - `index`, the tail index alpha as of a stable law, 2 if Gaussian;
        - `sd_exact`, the exact standard deviation;

        and over batch sizes `pooled`, the index of all coordinates thrown together, and `pooled_gaussian`,
        what it would be were each coordinate Gaussian with its own `sd_exact`. Coordinates without noise are
        NaN.
    """

    data: xarray.Dataset

    @property
    def gaussian(self) -> xarray.DataArray:
        """Whether the noise passes for Gaussian, by batch size and coordinate."""
        return self.data["gaussian"]

    @property
    def smallest_gaussian_batch(self) -> int | None:
        """The smallest batch size from which on all coordinates pass for Gaussian in as many draws; None if
        the largest does not."""
        noisy = self.data["sd_exact"] > 0
        passes = (self.data["gaussian"] | ~noisy).all("coordinate").values
        failed = np.flatnonzero(~passes)
        first = 0 if not len(failed) else int(failed[-1]) + 1
        sizes = self.data["batch_size"].values
        return int(sizes[first]) if first < len(sizes) else None

    def plot(self, path: str | None = None) -> Figure:
        """The distance to a Gaussian and the tail indices against batch size.

        With `path` the figure is also written there (.pdf, .svg or .png).
        """
        from simdyn.plotting.gradient_noise import gradient_noise_figure
        from simdyn.plotting.style import saved

        return saved(gradient_noise_figure(self.data), path)

    def to_json(self) -> dict[str, Any]:
        """One object of plain data; what is not finite is None."""
        facts = self.data.attrs
        return {
            "batch_sizes": self.data["batch_size"].values.tolist(),
            "coordinates": [str(name) for name in self.data["coordinate"].values],
            **{str(name): listed(one.values) for name, one in self.data.data_vars.items()},
            "smallest_gaussian_batch": self.smallest_gaussian_batch,
            "draws": facts["draws"],
            "sampling": facts["sampling"],
            **{key: json.loads(facts[key]) for key in ("problem", "seed", "versions")},
        }

    def __str__(self) -> str:
        from simdyn.questions.gradient_noise_text import summary

        return summary(self)


def gradient_noise(
    potential: Potential,
    at: Any = "deepest",
    *,
    batch_sizes: Sequence[float] | None = None,
    sampling: str = "without_replacement",
    draws: int = 65_536,
    seed: Seed = 0,
    backend: str = "auto",
    threads: int | None = None,
) -> GradientNoise:
    """Draw real batches at one point and hold the noise of their gradients against Gaussian and stable laws.

    Tail indices are estimated for each coordinate on its own. Coordinates of different scales thrown
    together look heavy-tailed even where each is Gaussian; that estimate is given too, beside what Gaussian
    coordinates of these scales would give.

    Parameters
    ----------
    potential
        A mean over samples: `FiniteSum`, `QuadraticSum` or `LinearisedNetwork`.
    at
        "deepest", "x=-1", or a point.
    batch_sizes
        B, whole numbers; by default powers of four up to a quarter of the samples.
    sampling
        As in `SGD`; one batch of a shuffled epoch is a uniform subset.
    draws
        Number of independent batches for each B, at least 400.
    seed, backend, threads
        As in `simdyn.simulate`, whose first step the batches are drawn in.

    Returns
    -------
    GradientNoise

    Raises
    ------
    InputError
        A landscape without samples, batches that cannot be drawn, or a point at which there is no noise.
    """
    import xarray

    from simdyn.questions.simulation import simulate

    if not isinstance(potential, SampleMean):
        raise InputError(
            f"{potential.name!r} has no samples to draw batches from; use a FiniteSum, a QuadraticSum or a "
            "LinearisedNetwork (in the shell, --data FILE)."
        )
    draws = whole_number("draws", draws, FEWEST_DRAWS)
    sizes = _sizes(batch_sizes, potential, sampling)
    point = parse_start(at, potential)
    gradients = potential.sample_gradients(point)
    if not np.isfinite(gradients).all():
        raise InputError(f"The gradients of {potential.name!r} are not finite at {point.tolist()}.")
    mean, spread = gradients.mean(axis=0), gradients.std(axis=0)
    noisy = spread > _SILENT * np.abs(gradients).max()
    if not noisy.any():
        raise InputError(
            f"All samples of {potential.name!r} have the same gradient at {point.tolist()}, so there is no "
            'noise; choose another point by at, such as "x=1".'
        )
    names = [v.name for v in potential.variables]
    rows: list[dict[str, np.ndarray]] = []
    for size in sizes:
        rule = SGD(1.0, size, sampling=sampling)
        share = float(np.sqrt(rule.update(potential).covariance_factor))  # type: ignore[union-attr]
        scale = np.where(noisy, share * spread, 0.0)
        run = simulate(
            potential, rule, point, paths=draws, steps=1, seed=seed, backend=backend, threads=threads
        )
        noise = point - run["final"].values - mean
        rows.append(_row(noise, scale, gradients, size, sampling))
    tests = max(1, sum(int(np.isfinite(row["p_value"]).sum()) for row in rows))
    both = ("batch_size", "coordinate")
    variables = {
        name: (both if rows[0][name].ndim else "batch_size", np.stack([row[name] for row in rows]))
        for name in rows[0]
    }
    variables["gaussian"] = (both, variables["p_value"][1] >= FALSE_ALARM / tests)
    facts = {
        "potential": potential.record(),
        "at": point.tolist(),
        "sampling": sampling,
        "draws": int(draws),
    }
    return GradientNoise(
        xarray.Dataset(
            variables,
            coords={"batch_size": ("batch_size", sizes), "coordinate": ("coordinate", names)},
            attrs={
                "question": "gradient_noise",
                "draws": int(draws),
                "sampling": sampling,
                "false_alarm": FALSE_ALARM,
                "problem": json.dumps(facts),
                "seed": json.dumps(seed_record(seed)),
                "versions": json.dumps(dict(versions())),
            },
        )
    )


def _sizes(given: Sequence[float] | None, potential: SampleMean, sampling: str) -> list[int]:
    if given is None:
        return [4**k for k in range(12) if k == 0 or 4**k <= potential.size / 4]
    sizes = [given] if isinstance(given, int) else list(given)
    if not sizes:
        raise InputError("batch_sizes is empty; give at least one, such as [1, 4, 16].")
    for size in sizes:
        check_batch(potential, size, sampling, whole=True)
        if sampling != "with_replacement" and size == potential.size:
            raise InputError(
                f"A batch of all {size} samples has no noise; give smaller batch_sizes, or "
                'sampling="with_replacement".'
            )
    return sorted({int(size) for size in sizes})


def _row(
    noise: np.ndarray, scale: np.ndarray, gradients: np.ndarray, size: int, sampling: str
) -> dict[str, np.ndarray]:
    """What is found at one batch size, each of shape (d,) but for the pooled ones."""
    draws, dim = noise.shape
    nothing = Interval(math.nan, math.nan, math.nan)
    found: dict[str, list[Interval]] = {name: [nothing] * dim for name in _NAMES}
    for i in np.flatnonzero(scale > 0):
        test = check_gaussianity(noise[:, i] / scale[i])
        found["p_value"][i] = Interval(test.p_value, math.nan, math.nan)
        found["distance"][i], found["skewness"][i] = test.distance, test.skewness
        found["kurtosis"][i], found["index"][i] = test.kurtosis, stable_index(noise[:, i])
    row = {}
    for name, values in found.items():
        row[name] = np.array([one.value for one in values])
        if name != "p_value":
            row[f"{name}_low"] = np.array([one.low for one in values])
            row[f"{name}_high"] = np.array([one.high for one in values])
    skewness, kurtosis = batch_cumulants(gradients, size, sampling == "with_replacement")
    silent = ~(scale > 0)
    skewness[silent] = kurtosis[silent] = np.nan
    row |= {
        "skewness_exact": skewness,
        "kurtosis_exact": kurtosis,
        "distance_predicted": edgeworth_distance(skewness, kurtosis),
        "sd_exact": scale,
    }
    # Of each batch one coordinate, so that what is pooled is independent.
    chosen = np.flatnonzero(scale > 0)
    picks = chosen[np.random.Generator(np.random.PCG64(0)).integers(0, len(chosen), draws)]
    pooled = stable_index(noise[np.arange(draws), picks])
    row |= {
        "pooled": np.array(pooled.value),
        "pooled_low": np.array(pooled.low),
        "pooled_high": np.array(pooled.high),
        "pooled_gaussian": np.array(pooled_index(scale[chosen], math.isqrt(draws))),
    }
    return row
