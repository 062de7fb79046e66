"""Large batches, sharp minima, and the gap in generalisation (Keskar et al. 2017), and slides on it.

Slide by slide:

Sharp and flat minima (the picture of training and test loss against one parameter): a model with one
coordinate.

The table of training and test accuracy with small batches (256) and large ones (a tenth of the data): here a
tenth as well, and half a per cent, with SGD and with Adam, fully connected and convolutional.

Losses and accuracies on the line through both solutions, alpha from -1 to 2. The tables of sharpness in full
space and in random subspaces. Sharpness against test accuracy, and against the loss on the way down. A warm
start with small batches, then large ones. That sharp minima are no cone. That the gap is no overfitting, and
that large batches stay close to where they began.

Dinh et al. (2017): the sharpness in a ball and the largest eigenvalue; layers scaled against each other,
which makes a flat minimum as sharp as one likes and leaves the function as it is.

The slides omit the box of the measure; it is |y_i| <= epsilon (|(A^+ x)_i| + 1), with a random A of standard
normal numbers for the subspaces, of which neither source says the law.

The paper's runs take equally many passes over the data, so that small batches come further down; and
cross-entropy flattens as it falls. Here training ends at the same loss instead, and the paper's way is
measured beside it.

Out of reach here: the paper's six networks on MNIST, TIMIT, CIFAR-10 and CIFAR-100 and its numbers; only the
statements are compared, on the 8 by 8 digits. The slides' first pages on parallel SGD state no result.
"""

from simdyn.study import Study
from studies.keskar2017.claims import claims
from studies.keskar2017.experiment import FULL, QUICK, cell, grids
from studies.keskar2017.figures import figures

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
