"""Where noise leads SGD: equilibrium, rescaling, clouds and valleys (Jastrzebski et al. 2017 and others).

The slides on flatness and generalisation (Bengio 2018) tell of three papers: three factors that influence
minima (Jastrzebski et al. 2017), a walk with SGD (Xing et al. 2018), and the sharpest directions along its
trajectory (Jastrzebski et al. 2018). Slide by slide:

SGD as a stochastic differential equation, and its equilibrium P = P0 exp(-2 L / (n sigma^2)) with n = eta /
S. Exact for the SDE with noise that is isotropic and the same everywhere, up to finite steps for the chain.
Real batches have other cumulants, too; these enter the exponents of rare events at every n, so Gaussian
noise is not a matter of the central limit theorem alone.

The cloud of the last iterates widens with the noise level; the slide's exponent is cut off, the width goes
like (eta / S)^(1/2). "It cannot go in valleys sharper than that width": in a parabola with isotropic noise
the cloud narrows with the valley, and what keeps it there is the depth; with noise that follows the
curvature it is as wide in every valley, and the statement holds.

Basins are weighed by exp(-2 L_A / (n sigma^2)) / sqrt(det H_A); more noise prioritises width over depth.
For isotropic noise, to leading order in it. Noise that follows the curvature weighs otherwise.

The equilibrium, and the dynamics before it, are unchanged by eta -> beta eta, S -> beta S: up to finite
steps, 2 / (2 - eta H) for the variance; and not for batches without replacement that are a share of the
data. Along the trajectory likewise.

Smaller noise - sharper bowl, equal noise - equal width; same noise, same learning dynamics: small networks
with rate and batch multiplied alike, beside the batch alone, after equally many passes; and the ends of
networks against eta / B.

The sharpest directions: the largest eigenvalue rises early and falls later, its peak is lower for larger
rates and smaller batches, and a smaller rate along these directions alone steers SGD to sharper regions
that generalise alike. Small networks on digits; the steering on a model valley, too, where its law is
known.

A walk with SGD: the loss between iterates is convex, updates bounce from wall to wall, smaller batches go
farther, the learning rate sets the height above the floor, gradient descent stays on it and SGD finds
flatter regions. A winding valley, and one between walls that steepen; and the loss between iterates of small
networks.

Loss geometry (Dinh et al. 2017): in another parameter the Hessian at a critical point, and nowhere else, is
g'^T H g', and flat and sharp minima change places, on the two wells. Networks with scaled layers are in
`keskar2017`.

Not here: sharpness against batch size (the study `keskar2017`), the memorisation of samples, and that noise
hinders it (the study `memorisation`), which are experiments of other papers. "~Inverse relation between loss
and density" is the law of Gibbs in words.

Out of reach here: the figures of the slides for ResNet and VGG on CIFAR-10, a data set that is no part of
this program and of the packages it needs, and networks whose training takes hours on two cores; the
statements are looked at on networks of some thousand parameters, and their numbers are not compared. The late
epochs of deep networks, at which the walk's paper looks, have no counterpart here: small networks fit the
digits within some dozen.
"""

from simdyn.study import Study
from studies.jastrzebski2017.claims import claims
from studies.jastrzebski2017.experiment import cell, grids
from studies.jastrzebski2017.figures import figures
from studies.jastrzebski2017.settings import FULL, QUICK

STUDY = Study(
    name="jastrzebski2017",
    title="Where noise leads SGD: width, depth, rescaling and valleys",
    source="Stanisław Jastrzębski et al.: Three Factors Influencing Minima in SGD, arXiv 1711.04623 (2017); "
    "Chen Xing et al.: A Walk with SGD, arXiv 1802.08770 (2018); slides of Yoshua Bengio, ICML workshop on "
    "nonconvex optimization (2018)",
    summary="SGD with learning rate eta and batches of B is said to see one number only, the noise n = eta / "
    "B: it settles to exp(-2 L / (n sigma^2)), so that noise trades depth for width, and nothing changes "
    "when both are multiplied alike. How far does that carry? On landscapes whose exact laws are known this "
    "study measures the equilibrium and the weights of basins with noise of three kinds, the point at which "
    "rescaling breaks down, clouds of iterates and what leaves a valley, learning rates of their own for the "
    "sharpest direction, and walks in a winding valley. Small networks show the largest eigenvalue in the "
    "course of training.\n\nWithout PyTorch and scikit-learn (the extra torch) the statements about networks "
    "are not run.",
    methods="Two wells: the smooth minimum of two parabolas of curvature 9 and 1, whose slope grows "
    "linearly, so that the chain has a stationary law. Its exact laws come from the transfer operator on "
    "equally spaced nodes, step by step and in the long run. Around a minimum: ensembles of SGD with real "
    "batches of parabolas, exact by the equation of the second moments. Clouds: variance of successive "
    "iterates around their own mean, exact from the correlations of the chain. Valleys are left at three "
    "widths; times are censored-exponential estimates, exact by the transfer operator.\n\nA learning rate of "
    "its own for one coordinate is one rate in a rescaled coordinate, with rescaled noise; this is exact. "
    "The walk: SGD with isotropic noise in the winding valley, from the middle of an almost level floor; the "
    "loss between iterates at eleven points.\n\nNetworks: two hidden layers of 32 on digits of 8 by 8 "
    "pixels, ten outputs, squared loss, single precision, batches without replacement. Eigenvalues of the "
    "Hessian of the training loss by Lanczos' method. Each run draws its own training samples, "
    "first parameters and batches; intervals are Student's over runs.",
    quick=QUICK,
    full=FULL,
    grids=grids,
    cell=cell,
    figures=figures,
    claims=claims,
)
