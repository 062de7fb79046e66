"""Large batches, sharp minima, and the gap in generalisation (Keskar et al. 2017), and slides on it.

Slide by slide:

Slides 1 to 5: the loss, SGD, and work on parallel SGD state no result, but for the gap (as high as 5 %).
Slides 6 and 7 name what follows: large batches end at sharp minima, these generalise worse, lie close to the
first parameters, and large batches do not escape from them. For the last, training goes on from a solution
of large batches with either size; small batches have left if the loss rises on the straight way.

Slides 8 and 9, sharp and flat minima (the picture of training and test loss against one parameter): a model
with one coordinate. Slide 10: the gap is no overfitting, no earlier end would close it.

Slides 12 to 15, the table and curves of training and test accuracy with small batches (256) and large ones (a
tenth of the data): here a tenth as well, and half a per cent, with SGD and with Adam, fully connected and
convolutional; the curves are those on the way down.

Slides 16 and 17: losses and accuracies on the line through both solutions, alpha from -1 to 2.

Slides 18 and 19: the measure, its tables in full space and in random subspaces, an order of magnitude in
either; that sharp minima are no cone. The slides omit the box of the measure; it is |y_i| <= epsilon (|(A^+
x)_i| + 1), with a random A of standard normal numbers for the subspaces, of which neither source says the
law. That the maximum lies on the edge of the box is a remark and holds for every convex loss.

Slide 20: sharpness against test accuracy, and both against batch size. Slide 21: sharpness against the loss
on the way down. Slide 22: a warm start with small batches, then large ones; distance from the start.

Slides 23 and 24: the Hessian tells the sharpness. Slides 25 to 27, Dinh et al. (2017): the sharpness in a
ball and the largest eigenvalue, a formula for critical points, which training does not reach, so that it is
tested both where the gradient is taken out and where it is left; layers scaled against each other, which
makes a flat minimum as sharp as one likes and leaves the function as it is. Slide 28 states no result.

The paper's runs take equally many passes over the data, so that small batches come further down; and
cross-entropy flattens as it falls. Here training ends at the same loss instead, and the paper's way is
measured beside it.

Out of reach here: the paper's six networks on MNIST, TIMIT, CIFAR-10 and CIFAR-100 and its numbers. TIMIT is
sold under a licence, the others are no part of this program and of the packages it needs; and a network of
their size takes hours on two cores, for each of several runs. Only the statements are compared, on the 8 by 8
digits.
"""

from simdyn.study import Study
from studies.keskar2017.claims import claims
from studies.keskar2017.experiment import cell, grids
from studies.keskar2017.figures import figures
from studies.keskar2017.settings import FULL, QUICK

STUDY = Study(
    name="keskar2017",
    title="Large batches, sharp minima, and the gap in generalisation",
    source="Nitish Shirish Keskar, Dheevatsa Mudigere, Jorge Nocedal, Mikhail Smelyanskiy, Ping Tak Peter "
    "Tang: On Large-Batch Training for Deep Learning: Generalization Gap and Sharp Minima, ICLR 2017, "
    "arXiv 1609.04836",
    summary="Networks trained with large batches are said to end at sharper minima and to generalise worse. "
    "This study trains small networks on the 8 by 8 digits with small batches and with a tenth of the data, "
    "measures the paper's sharpness, and what Dinh et al. (2017) hold against it: the same function can be "
    "made as sharp as one likes.\n\n"
    "Without PyTorch and scikit-learn (the extra torch) the statements about networks are not run.",
    methods="Networks: fully connected (two hidden layers of 32) and convolutional after VGG, ten outputs, "
    "cross-entropy, single precision, fresh batches without replacement at a constant learning rate, until "
    "the mean loss over the training samples, looked at every ten steps, is at most the tolerance. Each "
    "run draws its own training samples, first parameters and batches; intervals are Student's over runs.\n\n"
    "Sharpness: the highest loss found in the box by L-BFGS-B, from along the gradient and from random "
    "points, in double precision; a lower bound of the maximum. Eigenvalues: Lanczos iteration with "
    "Hessian-vector products.",
    quick=QUICK,
    full=FULL,
    grids=grids,
    cell=cell,
    figures=figures,
    claims=claims,
)
