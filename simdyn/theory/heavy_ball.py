"""The largest stable learning rate of SGD with momentum at an interpolating minimum."""

from __future__ import annotations

from typing import Any

import numpy as np

from simdyn.errors import InputError
from simdyn.results import Prediction
from simdyn.theory.closed_form import Reason, broadcast, closed_form, numbers


def heavy_ball_threshold(
    sharpness: Any, nonuniformity: Any, *, momentum: Any = 0.0, batch_share: Any = 1.0
) -> Prediction:
    """2 a (1 - m^2) / ((1 - m) a^2 + (1 + m) p_B s^2): the mean-square threshold in one dimension.

    Parameters
    ----------
    sharpness
        a > 0, the mean of the samples' curvatures. All arguments broadcast.
    nonuniformity
        s >= 0, their standard deviation.
    momentum
        m in [0, 1).
    batch_share
        p_B: 1/B with replacement, (n - B) / (B (n - 1)) without.

    Raises
    ------
    InputError
        Numbers out of range.
    """
    a, s, m, p = broadcast(
        sharpness=numbers("sharpness", sharpness, above=0),
        nonuniformity=numbers("nonuniformity", nonuniformity, least=0),
        momentum=numbers("momentum", momentum, least=0),
        batch_share=numbers("batch_share", batch_share, least=0),
    )
    if np.any(m >= 1):
        raise InputError(f"momentum contains {m.max():g}, but it must be below 1.")
    value = 2 * a * (1 - m**2) / ((1 - m) * a**2 + (1 + m) * p * s**2)
    return closed_form(
        value,
        [],
        name="Heavy-ball threshold",
        unit="learning rate",
        formula="2 a (1 - m^2) / ((1 - m) a^2 + (1 + m) p_B s^2)",
        assumptions=(
            "One parameter, and every sample has its minimum at the same point.",
            "A fresh batch is drawn in each step.",
        ),
        source="spectral radius of the second moments of (x, v); at m = 0 Wu, Ma & E 2018",
        favour=Reason(True, "exact in one dimension, where the noise is {:.3g} of the sharpness", s / a),
    )
