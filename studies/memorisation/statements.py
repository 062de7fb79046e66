"""What the sources state, in words, and where."""

from __future__ import annotations

from studies.memorisation.experiment import judged_radius
from studies.memorisation.samples import INPUTS, LABELS, noisy
from studies.memorisation.settings import DECK, FACTORS, LINEAR, PAPER, TOP, Settings

FEW = 0.25
"""So small a share of the wrong labels counts as few."""

SMALL = 0.1
"""So small a share of the variance of real samples counts as none."""

ALARM = 0.01
"""False-alarm rate of tests."""


def between(settings: Settings) -> list[str]:
    """Samples of which some, not all, have random labels."""
    return [noisy(share) for share in settings.shares if 0 < share < 1]


def statements(settings: Settings) -> dict[str, tuple[str, str]]:
    """Statement and source by name."""
    last = settings.epochs[-1]
    radius = judged_radius(settings)
    few, many = between(settings)[0], between(settings)[-1]
    found = {
        "memorise": (
            f"Networks fit random labels; training accuracy after {last} epochs",
            f"{DECK}, slide 4; {PAPER}, section 1",
        ),
        "uneven": (
            "Some real samples are learnt first; variance over samples of the probability to be right after "
            "one epoch, chance of the runs taken out",
            f"{DECK}, slide 5; {PAPER}, figure 1",
        ),
    }
    for name, kind in (("inputs", INPUTS), ("labels", LABELS)):
        found |= {
            f"alike {name}": (
                f"{_capital(kind)}: all samples are equally difficult; variance of their counts over that of "
                "samples alike",
                f"{DECK}, slide 5; {PAPER}, figure 1",
            ),
            f"uneven {name}": (
                f"The probabilities vary more for real samples; variance, real less {kind}",
                f"{DECK}, slide 5; {PAPER}, figure 1",
            ),
        }
    found |= {
        "closed gd": (
            "Linearised: along the k-th eigenvector the error falls like (1 - eta lambda_k)^t; largest "
            "distance of gradient descent, over the first error",
            LINEAR,
        ),
        "closed sgd": (
            "Linearised: so does the mean of SGD; largest distance in standard errors",
            LINEAR,
        ),
    }
    for name, words in (("real", "real labels"), ("labels", "random labels")):
        found[f"order {name}"] = (
            f"Networks learn what the linearised ones do; steps to half an error over those in closed form, "
            f"{settings.eigen_widths[-1]} units, {words}",
            LINEAR,
        )
    found |= {
        "order rank": (
            "What lies along larger eigenvalues is learnt first; rank correlation of the steps to half with "
            f"the closed form over the first {settings.modes} eigenvectors, {settings.eigen_widths[-1]} "
            "units",
            LINEAR,
        ),
        "order width": (
            "The wider, the closer to the linearised network; |log ratio| of steps, "
            f"{settings.eigen_widths[0]} less {settings.eigen_widths[-1]} units",
            LINEAR,
        ),
        "alignment": (
            f"Real labels lie along the first eigenvectors; share in the first {TOP} of "
            f"{settings.eigen_samples}, real less random labels",
            LINEAR,
        ),
        "kernel": (
            f"Patterns first needs no SGD: linearised, without noise or steps, the test accuracy falls from "
            f"its peak; {noisy(settings.noise_share)}",
            f"{DECK}, slide 9",
        ),
    }
    found |= {
        f"fall {kind}": (
            f"Patterns come first: test accuracy peaks before falling; peak less end, {kind}",
            f"{DECK}, slide 7; {PAPER}, figure 7",
        )
        for kind in between(settings)
    }
    found |= {
        "fall none": (
            "With true labels it does not fall; peak less end, real",
            f"{DECK}, slide 7; {PAPER}, figure 7",
        ),
        "fall grows": (
            f"The more noise, the deeper the fall; {many} less {few}",
            f"{DECK}, slide 7; {PAPER}, figure 7",
        ),
        "before": (
            "At the peak most of the wrong labels are not yet learnt; share of them that is reproduced, "
            f"{noisy(settings.noise_share)}",
            f"{DECK}, slide 9; {PAPER}, section 4",
        ),
    }
    for name, kind in (("labels", LABELS), ("inputs", INPUTS), ("noisy", noisy(settings.noise_share))):
        found[f"critical {name}"] = (
            f"Real samples lie farther from the decision boundary; critical sample ratio at the end, "
            f"{kind} less real, box of {radius:g}",
            f"{DECK}, slide 6; {PAPER}, figure 4",
        )
    found["critical rises"] = (
        f"Memorising brings the boundary closer to the samples; critical sample ratio, epoch {last} less "
        f"epoch {settings.critical_epochs[1]}, random labels",
        f"{PAPER}, section 4",
    )
    for name, kind in (("labels", LABELS), ("inputs", INPUTS)):
        found[f"gini {name}"] = (
            "The loss is sensitive to few real samples, but to most random ones alike; Gini's coefficient, "
            f"mean over epochs from 1, real less {kind}",
            f"{PAPER}, figure 3",
        )
    return found | {
        "units": (
            "Random labels take more hidden units; least number for a training accuracy of 99 %, random "
            "over real labels",
            f"{PAPER}, figure 5",
        ),
        "time labels": (
            "More samples prolong training more for noise than for patterns; power of the steps until all "
            "are right in the number of samples, random less real labels",
            f"{PAPER}, figure 6",
        ),
        "time inputs": (
            "The same for random inputs; power, random less real inputs",
            f"{PAPER}, figure 6",
        ),
        "time units": (
            f"More hidden units shorten training more for noise than for patterns; steps with "
            f"{settings.width} over {2 * settings.width} units, random labels over real",
            f"{PAPER}, figure 6",
        ),
        "plain": (
            "Networks that can fit random labels generalise without a regulariser; test accuracy on real "
            "digits with none, over that with the best of all strengths",
            f"{DECK}, slide 4, on Zhang et al. 2017",
        ),
        "dropout": (
            "Dropout hinders memorisation and keeps the accuracy on real data; training accuracy on random "
            f"labels, with so much of it as costs {settings.allowed:g} point on real digits, less none",
            f"{DECK}, slide 8; {PAPER}, figure 8",
        ),
        "weight decay": (
            "Weight decay does so, too; likewise",
            f"{DECK}, slide 8; {PAPER}, figure 8",
        ),
        "best": (
            "Dropout is best at hindering memorisation; training accuracy on random labels, dropout less "
            "weight decay, both as above",
            f"{DECK}, slide 8; {PAPER}, figure 8",
        ),
        "more noise": (
            "More noise of SGD hinders memorisation; test accuracy while half of the wrong labels are "
            f"learnt, B = {settings.noise_batch} less B = {settings.noise_factor * settings.noise_batch}, "
            f"{noisy(settings.noise_share)}",
            f"{DECK}, take-home messages; {FACTORS}, section 4",
        ),
        "more rate": (
            "So does a larger learning rate; likewise, both batches of "
            f"{settings.noise_factor * settings.noise_batch}, {settings.noise_factor} times the learning "
            "rate less the usual one",
            f"{DECK}, take-home messages; {FACTORS}, section 4",
        ),
        "same noise": (
            "Learning rate and batch size raised together change nothing; test accuracy there, both times "
            f"{settings.noise_factor} less neither",
            f"{DECK}, take-home messages; {FACTORS}, section 4",
        ),
    }


def _capital(words: str) -> str:
    return words[0].upper() + words[1:]
