"""Escape of SGLD and SGD from the 10-dimensional Styblinski-Tang valley (Xie, Sato & Sugiyama 2021).

The paper derives two mean escape times, equation (6) for SGLD (white noise) and equation (7) for SGD (noise
shaped like the Hessian), and supports them by straight lines in four plots: for SGLD the rate against the
curvature scale k and minus its logarithm against 1/D; for SGD minus the logarithm of the rate against 1/k, B
and 1/eta. This study measures all of them, beside the closed forms and beside the exact values of the very
chains that are simulated.

What should come out, and why. SGLD: (6) is the Eyring-Kramers formula, so it holds up to O(D) and O(eta); at
D between 3 and 10 the barrier is 4 to 13 times the noise and the corrections are some per cent. SGD with C =
|H|/B: between the minimum and the saddle lies a point where the curvature, and with it the noise, vanishes,
and the drift points back. The SDE behind (7) never crosses it; the discrete chain hops over it. Its log N
grows linearly in B with a slope of its own, and not linearly in 1/eta. Multiplying all curvatures by k is the
same thing as multiplying eta by k (x -> sqrt(k) x), so the plots against 1/k and 1/eta are one experiment.

Out of reach here: the paper's second row of plots, a fully connected network on the Avila data, for lack of
the trained network.
"""

from simdyn.study import Study
from studies.xie2021.claims import claims
from studies.xie2021.experiment import cell, grids
from studies.xie2021.figures import figures
from studies.xie2021.settings import FULL, QUICK

STUDY = Study(
    name="xie2021",
    title="Escape from sharp valleys by SGLD and SGD: the Styblinski-Tang experiment",
    source="Zeke Xie, Issei Sato, Masashi Sugiyama: A Diffusion Theory for Deep Learning Dynamics: "
    "Stochastic Gradient "
    "Descent Exponentially Favors Flat Minima, ICLR 2021, arXiv 2002.03495",
    summary="How long do SGLD and SGD take to leave the deepest valley of the 10-dimensional Styblinski-Tang "
    "function, and do they follow the paper's closed forms? Theory lets one expect that SGLD does: "
    "equation (6) is "
    "the Eyring-Kramers law. It lets one expect that SGD with noise of covariance |H|/B does not: "
    "equation (7) comes from an "
    "SDE that cannot cross the point where the curvature, and with it the noise, vanishes, while the "
    "discrete chain "
    "hops over it. The verdicts below are computed from the measurements of this run.\n\n"
    "Every mean escape time is given up to three times: measured by direct simulation with a 95 % "
    "interval, by the "
    "paper's formula, and exactly, for the very chain that was simulated.",
    methods="Landscape: f(x) = sum of (x_i^4 - 16 x_i^2 + 5 x_i)/2 over ten coordinates, with x replaced "
    "by sqrt(k) x. Start: the deepest minimum, "
    "all coordinates at -2.9035/sqrt(k). Exit: the first coordinate beyond 0.1567/sqrt(k), the rim of the"
    " valley. Times are iterations.\n\n"
    "Measured: independent paths until the relative standard error is met, mean by censored-exponential "
    "maximum likelihood with a chi-square interval. "
    "Exact: the chain factorises into ten equal coordinates; the survival function S_n of one, killed "
    "beyond its rim, comes from its transfer "
    "operator, and the mean first passage of the first of ten is the sum of S_n^10.\n\n"
    "SGD with |H| noise is measured at effective batch sizes B (batch size over temperature) far below 1,"
    " because log N grows like 122 B at a learning rate of 0.02: "
    "for B of 1 and more only exact values are drawn. A first-exit state beyond |x| = 5 is an overshoot "
    "into the region where the next step "
    "explodes, not an escape; cells with more than 1 % of them are marked and left out of fits.",
    quick=QUICK,
    full=FULL,
    grids=grids,
    cell=cell,
    figures=figures,
    claims=claims,
)
