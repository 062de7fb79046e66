"""Escape of SGLD and SGD from sharp and flat valleys: Xie, Sato & Sugiyama (2021), slide by slide.

The paper derives two mean escape times, equation (6) for SGLD (white noise) and equation (7) for SGD
(noise shaped like the Hessian), and supports them by straight lines. This study measures them on the
10-dimensional Styblinski-Tang function, beside the closed forms and the exact values of the very chains
that are simulated, and looks at what else follows from such noise. Slide by slide:

Context and diffusion theory: that flat minima are better for generalisation is looked at in `keskar2017`;
the four statements of the theory are below.

Behaviour of the noise, equations (1) to (3), figures 3 and 4. Whether the noise of batches is Gaussian,
by data set, layer and batch size, and whether C is H / B, in shape and in size: small networks. It should
be so near a minimum of a likelihood, and not far from it. At a minimum that interpolates a few samples make
up C, so that Gaussian it is not, and C vanishes faster than H / B. It is the classical central
limit theorem that makes batches Gaussian; the generalised one, which the slide names, has stable laws as
its limits. A tail index of all coordinates together below 2 is what different scales alone give. Equation
(2) has a factor 2 too many: times of the chain beside those of the SDE with it and without.

Kramers' problem, equation (4): the flux over population, measured, and in the quadratic approximation.

Escape paths. That the most probable path is critical is so for white noise, and not for noise of covariance
|H| in a valley that bends. Rates of several paths add: ten coordinates against one; a middle well with two
ways out.

Minima selection, equation (5): for two wells an identity, as each is left for the other. In a row of three,
how often a well is visited counts as well; there a third is predicted for the middle one, whose share is a
half. By (5) the times of a flat and a sharp minimum at one barrier are their odds: that SGD favours the flat
one exponentially asks that their logarithm grow with B.

SGLD, equation (6), figure 8: it is the Eyring-Kramers formula, so it holds up to O(D) and O(eta); at D
between 3 and 10 the barrier is 4 to 13 times the noise and the corrections are some per cent. The caption
of 8(b) says 1/B for 1/D. That white noise dominates in the last epochs is a hypothesis about how SGLD is
used: at a temperature that stays, the noise of batches, D = eta C / 2, vanishes with eta whatever C is, and
nothing is left to measure.

SGD, equation (7), figure 7 (top). With C = |H|/B there is a point between minimum and saddle at which the
curvature, and with it the noise, vanishes, and the drift points back. The SDE behind (7) never crosses
it: with a floor delta of the noise its time grows like delta^(-2 mu). In a valley that bends the noise
from wall to wall carries it across. The chain hops over the point. Its log N grows linearly in B with a
slope of its own, and not linearly in 1/eta but with log(1/eta) / eta. Multiplying all curvatures by k is
the same thing as multiplying eta by k (x -> sqrt(k) x), so the plots against 1/k and 1/eta are one
experiment.

What the lines show. Any noise c(theta) / B gives a line in B. A test that discriminates varies the
curvatures of minimum and saddle at one barrier: sharper minima are indeed left sooner by noise |H| / B,
though not by as much as (7) says, and a sharper saddle makes it later where (7) makes it sooner; noise
that is the same everywhere knows neither. With data that shift the function, as the paper's experiment is
recalled, the noise is nowhere zero and not proportional to H.

Figure 7 (bottom), networks on real data. Steps until the training loss has risen from a minimum, for
three data sets that scikit-learn ships, or for others from files of the reader's. Close to interpolation
(7) has no claim to hold; whether lines in B and 1/eta come out all the same is what is looked at, each data
set for itself.

Out of reach here: the paper's four data sets and its networks, which would have to be downloaded, and MNIST
for figures 3 and 4; the statements are looked at on other data, numbers are not compared. Figures 1, 2, 5 and
6 are pictures; merits and weaknesses of the paper are opinions, of which one, when a temperature is low
enough, is judged: by how far (6) is from the measured times at the highest and at the lowest one.
Quasi-equilibrium has no experiment of its own: where the temperature is low enough for (6) it has been
reached. Curved valleys are given by exact values alone: their kernel takes longer to compile than all the
rest.
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
    "hops over it. Simple landscapes show what else follows: the floor of the noise, curved valleys, the two "
    "curvatures at one barrier, several ways out, three wells. With PyTorch small networks show their noise "
    "and how they leave a minimum. The verdicts below are computed from the measurements of this run.\n\n"
    "Without PyTorch and scikit-learn (the extra torch) the statements about networks are not run.\n\n"
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
    "explodes, not an escape; cells with more than 1 % of them are marked and left out of fits.\n\n"
    "Landscapes on a line: one polynomial of degree 8, whose coefficients give minima, barriers and "
    "curvatures; "
    "noise that is the same everywhere is the limit of a large floor of |H|. Curved valleys: the SDE in the "
    "plane by finite volumes. Shifted data: batches drawn with replacement from 1,000 quantiles.\n\n"
    "Networks: two hidden layers, cross-entropy, trained by gradient descent. Noise: norms over batches "
    "drawn "
    "with replacement beside Gaussian vectors of the same covariance. Leaving: many networks from one "
    "minimum, "
    "batches with replacement, until the loss over all samples has risen by a margin; censored-exponential "
    "means. Statements about several data sets are judged for each of them, with intervals that hold "
    "together with 95 % (Bonferroni): they hold if they do in all, and only here if in some and not in "
    "others.",
    quick=QUICK,
    full=FULL,
    grids=grids,
    cell=cell,
    figures=figures,
    claims=claims,
)
