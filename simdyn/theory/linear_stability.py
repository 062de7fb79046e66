"""Wu, Ma & E's condition for linear stability, its box, and the exact region in one dimension."""

from __future__ import annotations

from typing import Any

import numpy as np

from potentials import SampleCurvatures
from simdyn.results import Prediction
from simdyn.theory.closed_form import Array, Reason, broadcast, closed_form, numbers

_SOURCE = "Wu, Ma & E 2018 (Theorem 1)"


def theorem1(curvatures: SampleCurvatures, learning_rate: Any, *, batch_share: Any = 1.0) -> Prediction:
    """The largest eigenvalue of (I - eta H)^2 + eta^2 p_B Sigma, which is E[A^2] of one step.

    No more than 1 is sufficient for mean-square stability: E|A x|^2 = x' E[A^2] x. It is necessary where all
    curvatures commute, else not, because some other norm may shrink.

    Parameters
    ----------
    curvatures
        Of the samples.
    learning_rate, batch_share
        eta > 0 and p_B (1/B with replacement, (n - B) / (B (n - 1)) for fresh subsets), which broadcast.

    Raises
    ------
    InputError
        Numbers out of range.
    """
    eta, share = broadcast(
        learning_rate=numbers("learning_rate", learning_rate, above=0),
        batch_share=numbers("batch_share", batch_share, least=0),
    )
    step = np.eye(curvatures.dim) - eta[..., None, None] * curvatures.mean
    value = np.linalg.eigvalsh(step @ step + (eta**2 * share)[..., None, None] * curvatures.spread)[..., -1]
    return closed_form(
        value,
        [],
        name="Theorem 1",
        unit="multiplier of E|x|^2",
        formula="lambda_max{(I - eta H)^2 + eta^2 p_B Sigma}",
        assumptions=("Every sample is a parabola.", "A fresh batch is drawn in each step."),
        source=_SOURCE,
        favour=_sufficient(curvatures),
    )


def theorem1_threshold(curvatures: SampleCurvatures, *, batch_share: float = 1.0) -> Prediction:
    """2 / lambda_max(H^(-1/2) (H^2 + p_B Sigma) H^(-1/2)) on the range of H: where Theorem 1 ends.

    Zero where samples curve in a direction in which their mean does not.
    """
    values, vectors = np.linalg.eigh(curvatures.mean)
    curved = values > 1e-14 * max(float(values[-1]), 0.0)
    if not curved.any() or (not curved.all() and batch_share > 0):
        value = 0.0
    else:
        basis = vectors[:, curved] / np.sqrt(values[curved])
        square = curvatures.mean @ curvatures.mean + batch_share * curvatures.spread
        value = 2.0 / float(np.linalg.eigvalsh(basis.T @ square @ basis)[-1])
    return closed_form(
        value,
        [],
        name="Theorem 1",
        unit="learning rate",
        formula="2 / lambda_max(H^(-1/2) (H^2 + p_B Sigma) H^(-1/2))",
        assumptions=("Every sample is a parabola.", "A fresh batch is drawn in each step."),
        source=_SOURCE,
        favour=_sufficient(curvatures),
    )


def stability_box(
    sharpness: Any, nonuniformity: Any, learning_rate: Any, *, batch_share: Any = 1.0, momentum: Any = 0.0
) -> Prediction:
    """The larger of a and s in units of their bounds, 2 (1 + m) / eta and (1 - m^2)^(1/2) / (eta p_B^(1/2)).

    Without momentum the box of Wu, Ma & E, which follows from Theorem 1's inequality. Above 1 in a no
    learning is stable; the bound on s is necessary in one dimension only, and being inside is never
    sufficient. The bounds with momentum are those of the exact region in one dimension.

    Raises
    ------
    InputError
        Numbers out of range.
    """
    a, s, eta, share, m = _region(sharpness, nonuniformity, learning_rate, batch_share, momentum)
    in_a = eta * a / (2 * (1 + m))
    in_s = eta * s * np.sqrt(share / (1 - m**2))
    return closed_form(
        np.maximum(in_a, in_s),
        [],
        name="box",
        unit="share of the bound",
        formula="max(eta a / (2 (1 + m)), eta s (p_B / (1 - m^2))^(1/2))",
        assumptions=("Consequences of Theorem 1's inequality; in one dimension of the exact region.",),
        source="Wu, Ma & E 2018",
        favour=Reason(
            True, "the bound on s is not necessary in more than one dimension; a takes {:.3g}", in_a
        ),
    )


def largest_nonuniformity(
    sharpness: Any, learning_rate: Any, *, batch_share: Any = 1.0, momentum: Any = 0.0
) -> Prediction:
    """The largest s that is mean-square stable at sharpness a in one dimension, exact: a half-ellipse.

    s^2 = a (1 - m) (2 (1 + m) - eta a) / (eta p_B (1 + m)); NaN beyond a = 2 (1 + m) / eta. It is inscribed
    in the box and fills pi / 4 of it, so that very flat minima must be very uniform, too, and the batch size
    does matter for the admissible sharpness unless s = 0.

    Raises
    ------
    InputError
        Numbers out of range.
    """
    a, _, eta, share, m = _region(sharpness, 0.0, learning_rate, batch_share, momentum)
    with np.errstate(invalid="ignore", divide="ignore"):
        value = np.sqrt(a * (1 - m) * (2 * (1 + m) - eta * a) / (eta * share * (1 + m)))
    return closed_form(
        value,
        [Reason(eta * a > 2 * (1 + m), "eta a is {:.3g}, where gradient descent is unstable", eta * a)],
        name="half-ellipse",
        unit="curvature",
        formula="(a (1 - m) (2 (1 + m) - eta a) / (eta p_B (1 + m)))^(1/2)",
        assumptions=("One parameter.", "A fresh batch is drawn in each step."),
        source="E(1 - eta a_B)^2 = 1; with momentum the spectral radius for (x, v)",
        favour=Reason(True, "exact in one dimension"),
    )


def _region(*given: Any) -> tuple[Array, ...]:
    a, s, eta, share, m = given
    m = numbers("momentum", m, least=0)
    return broadcast(
        sharpness=numbers("sharpness", a, least=0),
        nonuniformity=numbers("nonuniformity", s, least=0),
        learning_rate=numbers("learning_rate", eta, above=0),
        batch_share=numbers("batch_share", share, least=0),
        momentum=np.minimum(m, np.nextafter(1.0, 0.0)),
    )


def _sufficient(curvatures: SampleCurvatures) -> Reason:
    if curvatures.directions is not None:
        return Reason(True, "the curvatures commute, so that the condition is necessary, too")
    return Reason(True, "the condition is sufficient, and the curvatures do not commute, so not necessary")
