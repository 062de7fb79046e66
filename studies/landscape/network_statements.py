"""What is said about networks, and where."""

from __future__ import annotations

from studies.landscape.network_settings import NetworkSettings

DECK = "Sagun's slides"
SINGULAR = "Sagun et al. 2016"
SPECTRA = "Sagun et al. 2017"
TINY = "Gur-Ari et al. 2018"
LARGE_BATCH = "McCandlish et al. 2018"
TAILS = "Simsekli et al. 2019"
BOTTOU = "Bottou 1991"
JAMMING = "Geiger et al. 2018; Spigler et al. 2018"
SCALING = "Geiger et al. 2019"

MORE = 1e-9
"""What is above 0 is above this: where all runs agree an interval has no width, and may be 0 itself."""


def statements(settings: NetworkSettings) -> dict[str, tuple[str, str]]:
    """Statement and source, by name."""
    small, large = settings.batch, settings.large_batch
    narrow, wide = settings.widths[0], settings.widths[-1]
    biggest = settings.tail_batches[-1]
    slim, broad = settings.descent_widths[0], settings.descent_widths[-1]
    curvature = f"{DECK}, local curvature"
    return {
        "begun": (
            "Before training most eigenvalues of the Hessian are near zero; share below "
            f"{settings.flat:g} of the largest",
            f"{SINGULAR}; {curvature}",
        ),
        "ended": (
            f"After training most are near zero, too; share below {settings.flat:g} of the largest",
            f"{SINGULAR}; {curvature}",
        ),
        "zeros": (
            "A share of the eigenvalues is zero: as many as there are directions that cannot matter (black "
            "pixels, silent units, a shift of all outputs); counted over expected",
            f"Counting; {SINGULAR} put them down to more parameters than needed",
        ),
        "lowest": (
            "After training negative eigenvalues remain, and they are small; size of the lowest over the "
            "largest",
            f"{SPECTRA}; {curvature}",
        ),
        "straightened": (
            "Before training negative eigenvalues are not small; size of the lowest over the largest, before "
            "over after training",
            f"{SINGULAR}; {curvature}",
        ),
        "outliers": (
            "About as many eigenvalues as there are classes stand out of the bulk; outliers less classes",
            f"{SPECTRA}; {curvature}",
        ),
        "classes": (
            "It is the data that set their number; outliers that a class more adds",
            f"{SPECTRA}; {curvature}",
        ),
        "large_batch": (
            f"Large batches lead to larger outliers; mean of the largest nine, B = {large} over B = {small}, "
            "at equal loss",
            f"{SPECTRA}; {curvature}",
        ),
        "batch_bulk": (
            f"Large batches leave the bulk as it is; its root mean square, B = {large} over B = {small}",
            f"{SPECTRA}; {curvature}",
        ),
        "width_outliers": (
            f"More parameters leave the number of outliers as it is; width {wide} less width {narrow}",
            f"{SPECTRA}, abstract",
        ),
        "width_bulk": (
            "More parameters merely scale the bulk; its root mean square shrinks, "
            f"width {wide} over width {narrow}",
            f"{SPECTRA}, abstract",
        ),
        "gradient": (
            "Gradients live in the top eigenspace; share of the squared gradient in as many dimensions as "
            f"there are classes, after {settings.looks[-1]} steps",
            f"{TINY}; {DECK}, gradients live in the top eigenspace",
        ),
        "into": (
            "Gradients get into the top eigenspace in training; share at the end less share before",
            f"{TINY}",
        ),
        "noise_grows": (
            "The gradient noise scale grows as the loss falls; tr C / |g|^2 after "
            f"{settings.looks[-1]} steps over that after {settings.looks[2]}",
            f"{LARGE_BATCH}, section 2.2",
        ),
        "noise_begins": (
            "The gradient noise scale is larger at the end; tr C / |g|^2 there over that before training",
            f"{LARGE_BATCH}, section 2.2",
        ),
        "noise_curved": (
            "So grows the noise scale that is weighted by the curvature; tr(H C) / g'Hg after "
            f"{settings.looks[-1]} steps over that after {settings.looks[2]}",
            f"{LARGE_BATCH}, section 2.2",
        ),
        "tradeoff": (
            f"Steps to the loss {settings.tradeoff_loss:g} follow (S / S_min - 1)(E / E_min - 1) = 1; root "
            "mean square deviation of log S",
            f"{LARGE_BATCH}, section 2.3; {DECK}, critical batch size",
        ),
        "bend": (
            "That curve, which bends at a critical batch size, is nearer than a power of B, which has none; "
            "deviation from the curve over that from the power",
            f"{LARGE_BATCH}, section 2.3; {DECK}, critical batch size",
        ),
        "best_rate": (
            "The best learning rate grows with the batch size; largest batch over smallest",
            f"{LARGE_BATCH}, section 2.2",
        ),
        "critical": (
            "The noise scale is the critical batch size in order of magnitude; E_min / S_min over the mean "
            "of tr C / |g|^2 on the way",
            f"{LARGE_BATCH}, section 3; {DECK}, critical batch size",
        ),
        "critical_close": (
            "The noise scale is the critical batch size within a factor of 2; the same quotient",
            f"Sharper than {LARGE_BATCH}, who speak of the order of magnitude",
        ),
        "pooled": (
            "All coordinates of the noise thrown together look heavy-tailed; their stable index, "
            f"B = {biggest}",
            f"{TAILS}; {DECK}, 'But the noise is not Gaussian!'",
        ),
        "single": (
            f"The noise is not Gaussian but heavy-tailed; stable index of a coordinate, B = {biggest}",
            f"{TAILS}; {DECK}, 'But the noise is not Gaussian!'",
        ),
        "sample": (
            "The noise of one sample is heavy-tailed; stable index of a coordinate, "
            f"B = {settings.tail_batches[0]}; a stable law keeps it in means of B = {biggest}",
            f"{TAILS}",
        ),
        "explained": (
            "The index of all coordinates together is what Gaussian ones of unequal scales give; measured "
            f"over expected, B = {biggest}",
            "Against the above; Gaussian mixture of scales",
        ),
        "stuck": (
            f"GD gets stuck where SGD escapes, small networks (width {slim}); test accuracy in the minimum "
            "that each comes to, SGD less GD",
            f"{BOTTOU}; {DECK}, 'GD is bad, use SGD'",
        ),
        "stuck_loss": (
            f"GD gets stuck in poorer minima of small networks (width {slim}); training loss in the minimum "
            "that each comes to, SGD less GD",
            f"{BOTTOU}; {DECK}, 'GD is bad, use SGD'",
        ),
        "same": (
            f"With many parameters GD is the same as SGD (width {broad}); test accuracy in the minimum that "
            "each comes to, SGD less GD",
            f"{DECK}, 'GD is the same as SGD'",
        ),
        "same_loss": (
            f"With many parameters their training losses are the same (width {broad}) after "
            f"{settings.descent_steps} steps; SGD over GD",
            f"{DECK}, 'GD is the same as SGD'",
        ),
        "nearer": (
            "GD and SGD come together as N grows; distance of their test accuracies in the minima that they "
            f"come to, width {slim} less width {broad}",
            f"{DECK}, 'Is it really the case that in the large N limit, GD = SGD?'",
        ),
        "enough": (
            "Fewer parameters than samples fit the data; N* over the number of samples",
            f"{JAMMING}; {DECK}, over-parametrization",
        ),
        "nice": (
            f"Far beyond N* training does not get stuck; share of networks that fit all samples, width "
            f"{settings.fit_widths[-1]}",
            f"{JAMMING}; {DECK}, over-parametrization",
        ),
        "rise": (
            "The test error rises up to N*; at N* less at a quarter of it",
            f"{JAMMING}; {DECK}, jamming is linked to generalization",
        ),
        "fall": (
            f"The test error falls beyond N*; at N* less at width {settings.fit_widths[-1]}",
            f"{JAMMING}; {DECK}, jamming is linked to generalization",
        ),
        "ensemble": (
            "Ensembling improves generalisation; test error, one network less the mean output of "
            f"{settings.fit_members}, the lesser gain of N* and width {settings.fit_widths[-1]}",
            f"{SCALING}; {DECK}, ensembling improves generalization",
        ),
        "flattened": (
            "Ensembling takes most of the peak away, which is one of fluctuations; half the fall of the "
            f"error from N* to width {settings.fit_widths[-1]} of one network, less that of the mean output",
            f"{SCALING}; {DECK}, ensembling improves generalization",
        ),
        "best": (
            "Ensembling at jamming is better than ensembling beyond; the ensemble's error at N* less at "
            f"width {settings.fit_widths[-1]}",
            f"{SCALING}; {DECK}, open questions",
        ),
        "best_small": (
            "It is the best one can get, better than ensembling smaller networks, too, with "
            f"{settings.fit_flips:.0%} of the labels wrong; the ensemble's error at N* less at a quarter "
            "of it",
            f"A question of {DECK}, open questions",
        ),
        "spread": (
            "Networks differ more at N* than beyond; spread of their outputs at N* over that at width "
            f"{settings.fit_widths[-1]}",
            f"{SCALING}",
        ),
        "spread_below": (
            "And more than below; spread of their outputs at N* over that at a quarter of it",
            f"{SCALING}",
        ),
        "spread_power": (
            "Beyond N* outputs of networks differ by width^(-1/2), which is N^(-1/4) in deep ones; power of "
            "the width from twice N* on",
            f"{SCALING}",
        ),
    }
