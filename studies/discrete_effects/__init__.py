"""What finite steps do that the SDE does not: six effects of discreteness, measured beside exact values.

SGD is a chain, and its SDE is a limit of vanishing learning rate. Each effect here has an exact value for the
chain and one for the SDE; where they part, the measurement must side with the chain.

What should come out, and why.

The wrong wall. With noise of covariance |H|/B the SDE cannot cross the point where the curvature vanishes;
the chain leaps over it. Log N grows like B S with the least action S of the chain. For learning rates of
about 0.2 and more the cheapest leap over the barrier of the quartic starts on the outer wall, where the
curvature and so the noise is large: escapes are launched from the side that faces away from the exit. For
small ones it starts at the point without noise, and eta S grows like (4 g/kappa) log(1/eta), with the slope g
and the third derivative kappa there, where formula (7) has a constant.

Escape of SGLD at finite learning rate. The chain is faster than the SDE by 1 + eta/4 (|L''_b| - L''_a) to
first order; where both curvatures are equal there is no such effect. First crossings of a line come later
than those of the SDE, as if the line were farther out by 0.5826 standard deviations of a step (Siegmund);
the Brownian bridge takes this away from simulations of the SDE.

Stability. Between the thresholds of the mean square and of almost every path, single runs settle while the
mean square explodes. Beyond the second, single runs leave; the linear SDE never does. One shuffled epoch
multiplies by the product over all samples, so its mean square does not explode in between.

Spread. Shuffled epochs end with a variance of order eta^3, fresh batches have one of order eta.

Tails. With additive noise the stationary law has the power tail of Kesten, whose exponent passes 2 where the
mean square becomes unstable.

Sources: Kesten (1973), Siegmund (1979), Wu, Ma & E (2018), Xie, Sato & Sugiyama (2021), and this program's
own closed forms, which the docstrings of `simdyn.theory` and `simdyn.exact` give.
"""

from simdyn.study import Study
from studies.discrete_effects.claims import claims
from studies.discrete_effects.experiment import cell, grids
from studies.discrete_effects.figures import figures
from studies.discrete_effects.settings import FULL, QUICK

STUDY = Study(
    name="discrete_effects",
    title="What finite steps do that the SDE does not",
    source="simdyn; formulas of Kesten 1973, Siegmund 1979, Wu, Ma & E 2018, Xie, Sato & Sugiyama 2021",
    summary="SGD and SGLD are chains; the stochastic differential equation that theory puts in their "
    "place is a "
    "limit of vanishing learning rate. How far does one get without the limit? Six effects are measured "
    "here for "
    "which the exact answer of the chain and that of the SDE are both known: where escapes with "
    "Hessian-shaped "
    "noise are launched from, how their time depends on the learning rate, escape and first crossings of "
    "SGLD, "
    "stability of single runs and of the mean square, the spread of shuffled epochs, and power-law tails.\n\n"
    "Where the two part, the measurement should side with the chain; the verdicts below are computed from "
    "the measurements of this run.",
    methods="Landscape of the escapes: x^4/4 - x^2/2 with minima at -1 and 1 and the barrier 1/4, and -cos x "
    "with the barrier 2. Times are means of independent paths by censored-exponential maximum likelihood, "
    "with a chi-square interval; escapes to another minimum run in units until their relative error is met, "
    "with the interval from the spread of the units. Escapes with noise of covariance |H|/B are gone through "
    "again step by step; the longest step of each tells where it was launched.\n\n"
    "Exact values: transfer operator of the chain, quadrature for the SDE, least action over sequences of "
    "points, "
    "expectations over the three or four samples. Growth is measured on a logarithmic scale; the mean "
    "square is "
    "given only for as many steps as it can be seen in the sample. The exponent of tails is Hill's "
    "estimate from "
    "the largest of independent final states.",
    quick=QUICK,
    full=FULL,
    grids=grids,
    cell=cell,
    figures=figures,
    claims=claims,
)
