"""Which minima SGD can keep: linear stability of Wu, Ma & E (2018), and the slides that tell of it.

The paper: near a global minimum SGD is a random linear iteration; it is stable in mean square only if
sharpness a and non-uniformity s are small enough for the learning rate and the batch size. Slide by slide:

Motivation states no result. Escape phenomenon (picture of training): GD to its minimum, then SGD at the same
rate; it leaves, ends at another global minimum, the test accuracy changes; SGD takes more steps than GD.

Escape from one of two equally good minima (two functions). SGD leaves x = 1, gradient descent stays. The
slides say that gradient descent behaves alike and that x = 0 has the more stable curvature; neither is so:
the sharpness is 2 at both, and only s differs.

"SGD can only pick minima where s <= 1/eta": so in one dimension; in two there is a counterexample, whose
mean square is measured to fall. Theorem 1 is sufficient, there as here. The slides leave out how batches are
drawn: (n - B) / (B (n - 1)) is that of fresh batches without replacement; others are measured beside it.

The diagram of sharpness and non-uniformity. The box follows from Theorem 1's inequality; in one dimension
the exact region is a half-ellipse in it. So the batch size does change the admissible sharpness unless s =
0. That larger rates lead closer to the origin is looked at with networks, for a and for s.

Related work: that sharper minima are left more easily (Hu et al.) is the study `xie2021`, the noise factor
(Jastrzebski et al.) is `jastrzebski2017`. That adaptive methods generalise worse (Wilson et al.) is looked at
here, with Adam. Definitions 1 and 2 (fixed point, linear stability) are those of all that is measured.

Tables and figures of networks: training and test accuracy, a and s (the table is in the first claim on
networks); a and s against batch size and learning rate; s against a, and how close to its bound; a, s and
both accuracies over the first 3,000 steps after the switch; whether sharper minima take longer to leave,
which has two readings, until the loss rises and until it has fallen again; stability against sharpness;
accuracies of gradient descent and SGD after as many steps. They are repeated with small networks of the same
kinds, on the 8 by 8 digits or on files of FashionMNIST or CIFAR-10 that the reader has, with the squared
loss. What should come out: gradient descent ends close to a = 2/eta, SGD below its bound on s, by how much
theory does not say; s grows with a; sharper minima are left sooner.

Out of reach here: the slides' networks of 898,510 parameters (FashionMNIST) and 71,410 (CIFAR-10, aeroplanes
and automobiles) on 1,000 images. The data sets are no part of this program and of the packages it needs, and
the exact threshold of a network is one of second moments of as many rows as samples times outputs: with ten
outputs 10,000, for which this study's time does not suffice. So their numbers are not compared, only the
statements; the learning rates and batch sizes of their table are not on the slides besides.
"""

from simdyn.study import Study
from studies.wu2018.claims import claims
from studies.wu2018.experiment import cell, grids
from studies.wu2018.figures import figures
from studies.wu2018.settings import FULL, QUICK

STUDY = Study(
    name="wu2018",
    title="Which minima SGD can keep: sharpness and non-uniformity",
    source="Lei Wu, Chao Ma, Weinan E: How SGD Selects the Global Minima in Over-parameterized Learning: A "
    "Dynamical Stability Perspective, NeurIPS 2018",
    summary="SGD keeps only minima that are stable for it: their sharpness a and their non-uniformity s "
    "must be small "
    "enough for the learning rate and the batch size. This study measures the paper's example of two "
    "functions and "
    "its diagram beside the exact regions, and where small networks end that are trained on images, with "
    "several "
    "batch sizes and learning rates.\n\n"
    "Without PyTorch and scikit-learn (the extra torch) the statements about networks are not run.",
    methods="Two functions: ensembles of runs from beside x = 1. Diagram: ensembles of the linear "
    "iteration with two "
    "samples of curvature a - s and a + s, one step from 1, so that the mean square can be seen. Two "
    "dimensions: one step of ensembles from all around the minimum, measured by the quadratic form that "
    "grows in each direction alike.\n\n"
    "Networks: fully connected (two hidden layers of 32) and convolutional after VGG, one output that is "
    "to be -1 or 1, "
    "squared loss, single precision, fresh batches without replacement, until the mean loss is at most the "
    "tolerance. a, s and the exact mean-square threshold are those of the Gauss-Newton curvature at the "
    "end, through "
    "the Gram matrix of the samples; it is the Hessian where the residuals vanish. "
    "Each run draws its own training samples, first parameters and batches; intervals are Student's over "
    "runs.",
    quick=QUICK,
    full=FULL,
    grids=grids,
    cell=cell,
    figures=figures,
    claims=claims,
)
