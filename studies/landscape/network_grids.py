"""Grids of the networks."""

from __future__ import annotations

from simdyn.study import Dimension, Grid, Quantity
from studies.landscape.network_settings import NetworkSettings
from studies.landscape.spectra import ranks

SPECTRUM = (
    Quantity("parameters", "", "number of parameters d, and of eigenvalues"),
    Quantity("loss", "", "mean cross-entropy over the training samples"),
    Quantity("steps", "steps", "steps that training took"),
    Quantity("test_accuracy", "", "share of the other samples that are right"),
    Quantity("top", "", "largest eigenvalue of the Hessian"),
    Quantity("top_mean", "", "mean of as many largest eigenvalues as there are classes, less one"),
    Quantity(
        "outliers", "", "eigenvalues above the largest gap, on a logarithmic scale, of the largest ones"
    ),
    Quantity("bulk", "", "root mean square of all eigenvalues but as many as there are classes"),
    Quantity("near_zero", "", "share of eigenvalues near zero"),
    Quantity("zeros", "", "eigenvalues that are zero up to rounding"),
    Quantity("structural_zeros", "", "zero eigenvalues that must be there"),
    Quantity("negative", "", "eigenvalues that are negative beyond rounding"),
    Quantity("lowest", "", "lowest eigenvalue"),
)


def network_grids(settings: NetworkSettings) -> list[Grid]:
    """All of them."""
    runs = Dimension("run", settings.runs, "", "number of the training samples, first parameters and batches")
    stages = Dimension("stage", ("start", "end"), "", "before or after training")
    end = f"One hidden layer of {settings.width}, {settings.samples} digits, cross-entropy, trained until it "
    end += f"is at most {settings.tolerance:g}."
    return [
        Grid("spectrum", "Spectra of the Hessian before and after training", [stages, runs], SPECTRUM, end),
        Grid(
            "eigenvalues",
            "Eigenvalues by rank",
            [stages, Dimension("rank", ranks(settings), "", "1 is the largest")],
            [Quantity("eigenvalue", "", "of the Hessian")],
            "Of the first run.",
        ),
        Grid(
            "classes",
            "Spectra by number of classes",
            [Dimension("classes", settings.classes, "", "digits that are told apart"), runs],
            SPECTRUM,
            end,
        ),
        Grid(
            "outlier_batches",
            "Spectra by batch size",
            [Dimension("B", (settings.batch, settings.large_batch), "", "batch size"), runs],
            SPECTRUM,
            end,
        ),
        Grid(
            "widths",
            "Spectra by width",
            [Dimension("width", settings.widths, "", "units of the hidden layer"), runs],
            SPECTRUM,
            end,
        ),
        Grid(
            "course",
            "On the way down",
            [Dimension("step", settings.looks, "steps", "of training"), runs],
            [
                Quantity("loss", "", "mean cross-entropy over the training samples"),
                Quantity("share", "", "of the squared gradient in the space of the ten largest eigenvalues"),
                Quantity("chance", "", "that share of a random vector"),
                Quantity("simple", "samples", "noise scale tr C / |g|^2"),
                Quantity(
                    "curved", "samples", "noise scale tr(H C) / g'Hg; missing where g'Hg is not above 0"
                ),
                Quantity("largest_rate", "", "|g|^2 / g'Hg; likewise"),
            ],
            f"SGD, B = {settings.batch}, learning rate {settings.rate:g}.",
        ),
        Grid(
            "tradeoff",
            "Steps to a loss",
            [
                Dimension("B", settings.tradeoff_batches, "", "batch size"),
                Dimension("rate", settings.tradeoff_rates, "", "learning rate"),
                runs,
            ],
            [
                Quantity("steps", "steps", "until the loss is reached; not a number where it is not"),
                Quantity("loss", "", "mean cross-entropy at the end"),
            ],
            f"Until the cross-entropy is at most {settings.tradeoff_loss:g}, looked at every five steps, or "
            f"{settings.tradeoff_steps} steps are taken.",
        ),
        Grid(
            "tails",
            "Tails of gradient noise",
            [Dimension("B", settings.tail_batches, "", "batch size"), runs],
            [
                Quantity("single", "", "stable index of a coordinate, median over coordinates"),
                Quantity("pooled", "", "stable index of all coordinates thrown together"),
                Quantity("pooled_gaussian", "", "what that is for Gaussian coordinates of these scales"),
                Quantity("scaled", "", "pooled after each coordinate is divided by its standard deviation"),
                Quantity("kurtosis", "", "excess kurtosis of a coordinate, median over coordinates"),
            ],
            f"After {settings.tail_step} steps; {settings.tail_draws} batches.",
        ),
        Grid(
            "descent",
            "GD beside SGD",
            [
                Dimension("width", settings.descent_widths, "", "units of the hidden layer"),
                Dimension("algorithm", ("GD", "SGD"), "", f"all samples, or batches of {settings.batch}"),
                runs,
            ],
            [
                Quantity("loss", "", "mean cross-entropy over the training samples"),
                Quantity("test_accuracy", "", "share of the other samples that are right"),
                Quantity("rest_loss", "", "cross-entropy of the minimum below, missing where none is found"),
                Quantity("rest_accuracy", "", "share of the other samples that are right there"),
            ],
            f"After {settings.descent_steps} steps at the same learning rate, and where L-BFGS goes down to "
            "from there.",
            one_thread=True,
        ),
        Grid(
            "fitting",
            "Around the size that fits the data",
            [Dimension("width", settings.fit_widths, "", "units of the hidden layer"), runs],
            [
                Quantity("parameters", "", "number of parameters N"),
                Quantity("loss", "", "mean quadratic hinge loss"),
                Quantity("fitted", "", "share of networks that fit all samples"),
                Quantity("missed", "", "share of samples that miss their margin"),
                Quantity("error", "", "share of test samples that are wrong, mean of networks"),
                Quantity("together", "", "the same of the networks' mean output"),
                Quantity("spread", "", "root mean square deviation of an output among networks"),
            ],
            f"Parity of {settings.fit_samples} digits, {settings.fit_flips:.0%} of the labels wrong, "
            f"{settings.fit_members} networks a run.",
            one_thread=True,
        ),
    ]
