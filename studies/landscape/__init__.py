"""The landscape of a network's loss, and motion on it: Sagun's overview of empirical studies, by slide.

"Loss function fixes the landscape": training samples set the loss, the others the test accuracy; so here.

"GD is bad, use SGD" (Bottou 1991): the total gradient gets stuck where SGD escapes. GD beside SGD in a small
network: after as many steps neither is at rest there, so what is compared are the minima below, to which
L-BFGS goes down from either. Ravines, of which Bottou speaks besides, are the ill-conditioned directions
below. (Bourrely 1988): momentum rolls past a minimum, and noise
whose temperature is lowered gets out of it. Both on a tilted double well. The formula for momentum on the
slide has none, since no earlier step enters it; heavy-ball momentum is taken. There the temperature follows
the error that remains; here it follows the step, as in simulated annealing.

"GD is the same as SGD", "Is it really the case that in the large N limit, GD = SGD?": the same in a wide
network, and by width. The slide's 174 and 194 mistakes of N = 450,000 on MNIST are out of reach; only the
statement is compared, in the minima below, and on the way where these are at infinity. The proofs of the
mean-field limit are proofs; what they say of many particles is seen in the widths.

"Regime where SGD is really special?" (Keskar et al.): the study `keskar2017`.

"Gradient noise scale", "critical batch size" (McCandlish et al. 2018, and the others of that slide): steps to
a loss against batch size at the best of several learning rates, the curve (S / S_min - 1)(E / E_min - 1) = 1,
the critical batch size beside the noise scale, and the noise scale in training. Jastrzebski et al.: the study
`jastrzebski2017`. ImageNet in an hour, in 18 minutes, in minutes, in 224 seconds: records of machines, out of
reach.

"But the noise is not Gaussian!" (Simsekli, Sagun & Gurbuzbalaban 2019): stable indices of coordinates one by
one and thrown together, of a network's noise by batch size, and of Gaussian and stable numbers of unequal
scales.

"Different kinds of minima": sharp and wide ones, and that reparametrisation changes it, are in `keskar2017`.
The equations on smoothing (diffusion equation and effective energy, after Pardalos et al. 1993): which
minimum survives, on landscapes where the wide one is the deep one and where it is not; how many are left,
with two coordinates, for with one their number cannot grow.

"A look through the local curvature": all eigenvalues of small networks before and after training; how many
stand out, against classes, width and batch size; how many are zero, which can be counted beforehand; how
negative the lowest is. "Small chance for barriers in such a flat landscape": next but one.

"Gradients live in the top eigenspace" (Gur-Ari et al. 2018): the gradient's share there in training. The
analytical attempt that the slide names has no statement.

"More on the lack of barriers": paths of least energy between minima of landscapes whose saddles are known,
and ways between two solutions of a network against the straight line; whether barriers fall with N (Freeman &
Bruna 2017) from the widths at hand, which bound them from above. That SGD crosses no barriers (Xing et al.
2018) is in `jastrzebski2017`. Baity-Jesi et al. 2018 watch ageing, out of reach of runs of this length.

"A toy model", "Lessons from observations": pictures without a statement; the landscape `bulk_and_outliers` is
such a model.

"Defining over-parametrization", N*, "Jamming is linked to Generalization" (Geiger et al., Spigler et al.
2018; Belkin et al. 2018; Neyshabur et al.): the size that fits all samples, with the quadratic hinge loss,
and the test error around it. How N* grows with the number P of samples, in the papers a plane of sizes and
samples, is out of reach: each P would take the longest grid of this study once more. "Ensembling improves
generalization": the mean output of several networks. A fifth of the labels is wrong here, without which the
peak of so few digits drowns in the spread of runs; so the peak is one of label noise, and what is best below
N* is best because it leaves these labels unlearnt.

"Open questions": whether ensembling after jamming is the best one can get is looked at. The others are
questions without a statement; whether the problem is essentially convex is touched by the negative
eigenvalues and by the straight lines between solutions, and the role of the algorithm by GD beside SGD.

Networks have one hidden layer, some hundred to a thousand parameters, and the 8 by 8 digits.
"""

from simdyn.study import Study
from studies.landscape.claims import claims
from studies.landscape.experiment import FULL, QUICK, cell, grids
from studies.landscape.figures import figures

STUDY = Study(
    name="landscape",
    title="The shape of the loss, and motion on it",
    source="Levent Sagun (EPFL): An overview of empirical studies in NNs, slides (2019), and what they quote",
    summary="The landscape of a large network is said to be flat in nearly all directions and free of "
    "barriers, so that GD does as well as SGD; its noise to have heavy tails and a scale that sets "
    "the batch size; and its size, measured by that at which the data are just fitted, to set how it "
    "generalises. This study looks at each of these statements on landscapes whose barriers are known "
    "and on small networks, whose Hessians can be taken apart whole.\n\n"
    "Without PyTorch and scikit-learn (the extra torch) the statements about networks are not run.",
    methods="Networks: one hidden layer of rectified linear units on the 8 by 8 digits, cross-entropy, "
    "single precision, SGD with fresh batches without replacement at a constant learning rate. Spectra: the "
    "whole Hessian in double precision. Outliers are the eigenvalues above the largest gap, on a "
    "logarithmic scale, among the largest thirty that are not near zero.\n\n"
    "Fitting: the parity of digits given by their first principal components, some labels wrong, "
    "quadratic hinge loss, Adam with full gradients; networks of a run differ in their first "
    "parameters only. N* is the smallest size looked at at which half of them keep all margins.\n\n"
    "GD beside SGD: after as many steps at one constant rate L-BFGS goes down to the minimum below, started "
    "anew until that lowers the loss by less than one per cent, or until all samples are fitted.\n\n"
    "Each run draws its own training samples, first parameters and batches; intervals are Student's "
    "over runs.\n\n"
    "Potentials: SGLD whose temperature falls, beside the process of two states with the exact rates at each "
    "temperature; heavy-ball descent beside a ball with friction; the mean of the energy, exact, and that of "
    "exp(-beta energy), by quadrature, over Gaussian displacements, each minimum followed back as their "
    "width goes to zero; paths of least energy by the string method. Between networks the string is left "
    "after a number of rounds, so that its highest point bounds the barrier from above.\n\n"
    "Sizes, learning rates and the share of wrong labels were settled on after trial runs, so that an effect "
    "could be seen at all; each claim is judged for itself at 95 %, so that of so many a few go wrong by "
    "chance.",
    quick=QUICK,
    full=FULL,
    grids=grids,
    cell=cell,
    figures=figures,
    claims=claims,
)
