"""What this run says of the statements: the first epoch, and learning along eigenvectors."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from simdyn.study import Claim, Results, Verdict, judge, mean_claim, ratio_claim
from studies.memorisation.experiment import has_networks
from studies.memorisation.network_claims import fall_claim, of_courses, of_regularisers, of_sizes
from studies.memorisation.samples import INPUTS, LABELS, REAL, noisy
from studies.memorisation.settings import TOP, Settings
from studies.memorisation.statements import ALARM, SMALL, statements

if TYPE_CHECKING:
    from xarray import DataArray, Dataset

Array = np.ndarray


def claims(results: Results, settings: Settings) -> list[Claim]:
    """All statements, each judged from the measurements of this run; all of them need PyTorch."""
    if not has_networks(results):
        return [
            Claim(
                claim=claim,
                source=source,
                verdict="not run",
                why='PyTorch and scikit-learn are not installed; add them with pip install "simdyn[torch]".',
            )
            for claim, source in statements(settings).values()
        ]
    return [
        *_first_epoch(results, settings),
        *_closed_form(results, settings),
        *_order(results, settings),
        *of_courses(results, settings),
        *of_sizes(results, settings),
        *of_regularisers(results, settings),
    ]


def _first_epoch(results: Results, settings: Settings) -> list[Claim]:
    data, said = results["first_epoch"], statements(settings)
    real = data.sel(data=REAL)

    def facts(kind: str) -> str:
        one = data.sel(data=kind)
        return (
            f"{float(one['share']):.1%} right in the mean of {settings.first_runs} runs; p = "
            f"{float(one['p_value']):.2g} that samples are alike"
        )

    low, high = float(real["low"]), float(real["high"])
    found = [
        Claim(
            claim=said["uneven"][0],
            source=said["uneven"][1],
            measured=float(real["variance"]),
            low=low,
            high=high,
            verdict=judge(low, high, 1e-12, np.inf),
            why=f"{facts(REAL)}. A standard deviation of {_root(real['variance']):.2f}; within classes "
            f"{_root(real['within']):.2f}. Holds if above 0.",
        )
    ]
    for name, kind in (("inputs", INPUTS), ("labels", LABELS)):
        one = data.sel(data=kind)
        dispersion, variance = float(one["dispersion"]), float(one["variance"])
        # The dispersion less one is the variance times a number that all tables of these totals share.
        scale = (dispersion - 1) / variance if variance else np.nan
        verdict: Verdict = "does not hold" if float(one["p_value"]) < ALARM else "undecided"
        # Not to be told apart from alike is no evidence, unless what differs must be small.
        if verdict == "undecided" and float(one["high"]) <= SMALL * float(real["variance"]):
            verdict = "holds"
        found += [
            Claim(
                claim=said[f"alike {name}"][0],
                source=said[f"alike {name}"][1],
                predicted=1.0,
                measured=dispersion,
                low=1 + scale * float(one["low"]),
                high=1 + scale * float(one["high"]),
                verdict=verdict,
                why=f"{facts(kind)}; does not hold if p is below {ALARM:g}. Real samples have "
                f"{float(real['dispersion']):.3g}. Holds if the variance of the probability is at most "
                f"{SMALL:g} of theirs for certain: {float(one['high']) / float(real['variance']):.2g}. A "
                "tenth is right by chance; what has not begun to be learnt is alike.",
            ),
            Claim(
                claim=said[f"uneven {name}"][0],
                source=said[f"uneven {name}"][1],
                measured=float(real["variance"]) - variance,
                low=low - float(one["high"]),
                high=high - float(one["low"]),
                verdict=judge(low - float(one["high"]), high - float(one["low"]), 1e-12, np.inf),
                why=f"{float(real['variance']):.3g} and {variance:.2g}. Holds if above 0.",
            ),
        ]
    return found


def _root(variance: DataArray) -> float:
    return float(np.sqrt(max(0.0, float(variance))))


def _closed_form(results: Results, settings: Settings) -> list[Claim]:
    data, said = results["components"], statements(settings)
    from scipy.stats import norm

    exact = data["exact"]
    begin = abs(exact.isel(step=0))
    gd = float((abs(data["gd"] - exact) / begin).max())
    scores = abs(data["sgd"] - exact) / data["error"]
    worst, count = float(scores.max()), int(scores.size)
    bound = float(norm.ppf(1 - ALARM / (2 * count)))
    return [
        Claim(
            claim=said["closed gd"][0],
            source=said["closed gd"][1],
            predicted=0.0,
            measured=gd,
            low=gd,
            high=gd,
            verdict=judge(gd, gd, 0.0, 1e-8),
            why="Rounding alone; judged against 1e-8.",
        ),
        Claim(
            claim=said["closed sgd"][0],
            source=said["closed sgd"][1],
            measured=worst,
            low=worst,
            high=worst,
            verdict=judge(worst, worst, 0.0, bound),
            why=f"{settings.paths} paths, B = {settings.sgd_batch}, {count} errors. Holds below "
            f"{bound:.2f}, which fails by chance with a probability of at most {ALARM:g}.",
        ),
    ]


def _order(results: Results, settings: Settings) -> list[Claim]:
    said = statements(settings)
    data = results["order"]
    # What has not fallen to half takes longer than any.
    logs = _log(data["measured"] / data["predicted"]).fillna(np.inf)
    wide = logs.sel(width=settings.eigen_widths[-1])
    found = []
    for name, kind in (("real", REAL), ("labels", LABELS)):
        found.append(
            ratio_claim(
                *said[f"order {name}"],
                np.exp(wide.sel(data=kind).median("mode").values),
                0.8,
                1.25,
                predicted=1.0,
                why=f"Median of {settings.modes} eigenvectors of each. Judged within 0.8 and 1.25.",
            )
        )
    top = data.sel(width=settings.eigen_widths[-1])
    ranks = [
        np.mean([_rank_correlation(top.sel(run=run, data=kind)) for kind in (REAL, LABELS)])
        for run in settings.runs
    ]
    widths = [
        abs(logs.sel(width=width)).median("mode").mean("data")
        for width in (settings.eigen_widths[0], settings.eigen_widths[-1])
    ]
    held = results["alignment"]["held"].sel(directions=TOP)
    kernel = results["kernel"].sel(data=noisy(settings.noise_share)).rename(time="epoch")
    return [
        *found,
        mean_claim(
            *said["order rank"],
            np.array(ranks),
            0.8,
            np.inf,
            why="Mean of real and random labels. Holds if above 0.8.",
        ),
        mean_claim(
            *said["order width"],
            (widths[0] - widths[1]).values,
            1e-12,
            np.inf,
            why=f"{float(widths[0].mean()):.2f} and {float(widths[1].mean()):.2f}, medians of "
            "eigenvectors, mean of real and random labels. Holds if above 0.",
        ),
        mean_claim(
            *said["alignment"],
            (held.sel(data=REAL) - held.sel(data=LABELS)).values,
            1e-12,
            np.inf,
            why=f"{float(held.sel(data=REAL).mean()):.2f} and {float(held.sel(data=LABELS).mean()):.2f}; "
            f"without a relation about {TOP / settings.eigen_samples:g}. Holds if above 0.",
        ),
        fall_claim(*said["kernel"], kernel, "Closed form; spread of samples, labels and first parameters. "),
    ]


def _log(data: DataArray) -> DataArray:
    return data.copy(data=np.log(data.values))


def _rank_correlation(data: Dataset) -> float:
    from scipy.stats import spearmanr

    measured, predicted = data["measured"].values, data["predicted"].values
    # What has not fallen to half came last.
    return float(spearmanr(np.where(np.isnan(measured), np.inf, measured), predicted).statistic)
