"""Do networks memorise, or learn patterns first (Arpit et al. 2017)?

The first part of the slides on flatness and generalisation (Bengio 2018). Slide by slide:

Optimisation and generalisation are not separate, for variants of SGD influence both (slide 2): stands over
the others, and has no experiment of its own; the noise of SGD is below.

Deep networks fit random labels, and generalise by an implicit regularisation of SGD (slides 3 and 4, on Zhang
et al.): training accuracy on labels dealt out at random, and on true ones, by number of hidden units; test
accuracy without a regulariser beside that with the best of those at hand. That it is SGD that regularises,
one could only tell without it: the linearised network below has none, and generalises.

Real data has dominant patterns (slide 5): which of 1,000 samples are right after one epoch, in 100 runs, for
real digits, random labels and random inputs. The slide shows sorted frequencies; here the variance of the
probabilities is estimated with the chance of the runs taken out, and whether samples are alike is tested by
exchanging them within runs. Samples of one label are exchanged together: a network that has seen little
prefers some output, so that the samples of one label are right together, which is no difference between
samples. Labels are balanced and random ones dealt out, for otherwise those of a frequent class are right more
often, in random data as well.

Larger margin on real data (slide 6): the critical sample ratio, in the course of training.

Patterns come first (slide 7): accuracy on digits with true labels, in the course of training with noisy ones.
A peak of many epochs is high by chance as well; so it is found on one half of the test digits and read off
the other.

Regularisation hinders memorisation (slide 8): dropout and weight decay of several strengths, compared where
they cost equally little on real digits, between strengths if need be. Accuracies are means of the last
quarter of training, and made to fall with the strength, for at a constant learning rate single ones are too
noisy for strengths that are close.

"DNNs learn patterns before memorising noise. Does it have to do with SGD?" (slide 9): no. A linearised
network under gradient flow has neither noise nor steps, and its accuracy has the same peak; its errors fall
like exp(-lambda_k t) along the eigenvectors of its Gram matrix, and the labels of real data lie along the
first of these. The closed form is held against simulation in function space, and against networks of several
widths.

Take-home messages: larger noise (by batch size, and by learning rate) hinders memorisation, and learning is
the same when both are raised together (from Jastrzebski et al. 2017): test accuracy while half of the wrong
labels are learnt. What that paper says of minima is the study `jastrzebski2017`.

From the paper, beside the slides: Gini's coefficient of the loss's sensitivity to samples, hidden units, and
the time to fit random and real labels by number of samples.

Slide 10 on (Dinh et al. 2017 and after): that a reparametrisation makes flat minima sharp, and the formula
for the Hessian at critical points, are in `keskar2017`, the rest in `jastrzebski2017`.

Out of reach here: MNIST and CIFAR-10, which would have to be downloaded, networks of 4,096 units and
convolutional ones, which take hours, and their numbers; only the statements are looked at, on the 8 by 8
digits. So "dropout is best" is judged against weight decay alone: adversarial training and noise on inputs
and on hidden units, which the paper compares besides, need trainings of their own. The paper's search for
critical samples goes down the largest output; here it goes down the distance to the next one, which finds
more.
"""

from simdyn.study import Study
from studies.memorisation.claims import claims
from studies.memorisation.experiment import cell, grids
from studies.memorisation.figures import figures
from studies.memorisation.settings import FULL, QUICK

STUDY = Study(
    name="memorisation",
    title="Patterns first: what networks memorise, and when",
    source="Devansh Arpit et al.: A Closer Look at Memorization in Deep Networks, ICML 2017, arXiv "
    "1706.05394; slides of Yoshua Bengio, ICML workshop on nonconvex optimization (2018)",
    summary="A network large enough fits random labels. Does it memorise real data as well? The paper says "
    "that patterns come first: some real samples are learnt early in every run while random ones are all "
    "alike; with noisy labels the accuracy on true ones rises, peaks and falls; and regularisers can hinder "
    "the memorising alone. This study measures all that on small networks and the 8 by 8 digits, and beside "
    "them a linearised network whose learning is known in closed form: it has no noise of SGD, and learns "
    "patterns first all the same, for real labels lie along the first eigenvectors of its Gram matrix.\n\n"
    "Without PyTorch and scikit-learn (the extra torch) nothing is run.",
    methods="Networks: two hidden layers, ten outputs, cross-entropy, SGD in shuffled epochs at a constant "
    "learning rate, many networks trained side by side. Random labels are dealt out among the samples, so "
    "that classes keep their frequencies; random inputs are normal numbers with mean and spread of all "
    "pixels. Each run draws its own samples, labels, first parameters and batches, the same ones for all "
    "kinds of data; intervals are Student's over runs.\n\nThe first epoch: the same samples in all runs; "
    "variance of the probabilities as the mean covariance of pairs of runs, interval by the jackknife over "
    "runs; the p-value from exchanging labels, and samples of a label, within runs, false-alarm rate 1 %.\n\n"
    "Linearised networks: one hidden layer, one output, squared loss, Gram matrix at the first parameters; "
    "gradient descent and SGD of paths in function space; the classifier is a gradient flow from outputs of "
    "zero, one such network a class with the same Gram matrix.\n\n"
    "Learning rates, numbers of epochs and strengths of regularisers were settled on after trial runs, so "
    "that random labels are fitted; each claim is judged for itself at 95 %, so that some go wrong by luck.",
    quick=QUICK,
    full=FULL,
    grids=grids,
    cell=cell,
    figures=figures,
    claims=claims,
)
