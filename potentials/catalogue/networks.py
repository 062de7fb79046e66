"""Landscapes with a feature of a network's loss: a spectrum with outliers, a rescaling symmetry."""

from __future__ import annotations

import sympy as sp

from potentials.catalogue.checks import positive, variable_names, whole
from potentials.formula import symbol
from potentials.potential import Potential

__all__ = ["bulk_and_outliers", "rescaled_wells"]


def bulk_and_outliers(
    dim: int = 20, outliers: int = 2, bulk: float = 0.1, outlier: float = 10.0, barrier: float = 1.0
) -> Potential:
    """A network's Hessian in small: a bulk of flat directions, a few sharp ones, 2**dim equivalent minima.

    The sum of barrier*(h_i*x_i**2/(8*barrier) - 1)**2: all minima have energy 0 and the curvatures h_i, all
    barriers between neighbours the same height, so that escape rates along the directions differ by their
    curvature alone. The outliers come first, h_i = outlier*(outliers + 1 - i); the bulk spreads evenly on a
    logarithmic scale from bulk down to bulk/100.

    Spectra of this kind: Sagun, Evci, Guney, Dauphin & Bottou, "Empirical analysis of the Hessian of
    over-parametrized neural networks" (2017); about one outlier for each class is typical.

    Parameters
    ----------
    dim
        Number of coordinates.
    outliers
        Number of sharp directions.
    bulk
        Largest curvature of the bulk.
    outlier
        Smallest curvature of the outliers.
    barrier
        Energy of every saddle between neighbouring minima.
    """
    variables = [symbol(name) for name in variable_names(dim)]
    sharp = whole("bulk_and_outliers", "outliers", outliers, 0, len(variables))
    given = {"bulk": bulk, "outlier": outlier, "barrier": barrier}
    values = {key: positive("bulk_and_outliers", key, value) for key, value in given.items()}
    curvatures = [symbol("outlier") * (sharp - i) for i in range(sharp)]
    flat = len(variables) - sharp
    for i in range(flat):
        share = 10.0 ** (-2.0 * i / max(1, flat - 1))
        curvatures.append(symbol("bulk") * sp.Rational(f"{share:.4g}"))
    height = symbol("barrier")
    energy = sp.Add(
        *(
            h**2 * x**4 / (64 * height) - h * x**2 / 4 + height
            for h, x in zip(curvatures, variables, strict=True)
        )
    )
    used = {key: value for key, value in values.items() if symbol(key) in energy.free_symbols}
    return Potential(energy, variables=variables, parameters=used, name="bulk_and_outliers")


def rescaled_wells(alpha: float = 2.0, pull: float = 0.1) -> Potential:
    """One function, any sharpness: two weights whose product alone is what the network computes.

    The loss (theta1*theta2 - 1)**2/2 does not change when theta1 is multiplied and theta2 divided by alpha,
    so that a whole curve of weights is equally good. A second term, pull/2*(theta1/alpha - alpha*theta2)**2,
    leaves of that curve the two isolated minima +-(alpha, 1/alpha), both with energy 0 and with the same
    network theta1*theta2 = 1 for every alpha. In the scaled weights u = theta1/alpha, v = alpha*theta2 the
    landscape is the same for every alpha: the Hessian at the minima is S H S with S = diag(1/alpha, alpha)
    and H that of alpha = 1, whose eigenvalues are 2 and 2*pull. Its trace, (1 + pull)*(alpha**2 + alpha**-2),
    is as large as one likes. The saddle between the minima, at height 1/2, is the origin; there is no other
    critical point.

    Dinh, Pascanu, Bengio & Bengio, "Sharp minima can generalize for deep nets" (2017).

    Parameters
    ----------
    alpha
        Scale of the first weight. Critical points are looked for around the minima of the alpha given here.
    pull
        Half the curvature along the curve of equal functions, in the scaled weights.
    """
    scale = positive("rescaled_wells", "alpha", alpha)
    first, second = symbol("theta1"), symbol("theta2")
    one, two = symbol("alpha"), symbol("pull")
    energy = (first * second - 1) ** 2 / 2 + two * (first / one - one * second) ** 2 / 2
    return Potential(
        energy,
        variables=(first, second),
        parameters={"alpha": scale, "pull": positive("rescaled_wells", "pull", pull)},
        name="rescaled_wells",
        domain=((-2.5 * scale, 2.5 * scale), (-2.5 / scale, 2.5 / scale)),
    )
