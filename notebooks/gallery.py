# ---
# jupyter:
#   jupytext:
#     formats: ipynb,py:percent
#     text_representation:
#       extension: .py
#       format_name: percent
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # The landscapes and why one wants them
#
# Every landscape of the catalogue at its defaults: white circles are minima (or attractors), crosses are
# saddles between two valleys, triangles the other critical points. Contours end somewhat above the highest
# saddle; white is higher still. `simdyn potentials list` prints the same list in a shell.

# %%
# %matplotlib inline
import textwrap

import numpy as np
from IPython.display import display
from scipy.stats import chi2

import potentials
import simdyn as sd
from potentials import describe, lookup, names
from simdyn import exact
from simdyn.plotting.cost import CostCurve, cost_figure
from simdyn.plotting.landscape import landscape_figure
from simdyn.plotting.reactive_paths import reactive_paths_figure
from simdyn.plotting.stability_diagram import diagram_figure, switch_figure
from simdyn.plotting.style import EXACT, MEASURED, PREDICTED, house_style, new_figure


# %%
def gallery(landscapes, reasons, columns=3):
    """Small pictures side by side, each under its reason."""
    rows = -(-len(landscapes) // columns)
    with house_style():
        figure = new_figure(3.1 * columns, 2.9 * rows)
        grid = figure.subplots(rows, columns, squeeze=False).ravel()
        for axes in grid[len(landscapes) :]:
            axes.set_axis_off()
        for axes, landscape, reason in zip(grid, landscapes, reasons, strict=False):
            landscape_figure(landscape, axes)
            axes.set_title("\n".join(textwrap.wrap(reason, 44)), fontsize=7.5)
    return figure


shown = [lookup(name) for name in names()]
display(gallery(shown, [f"{name}: {describe(name)}" for name in names()]))

# %% [markdown]
# ## One of them in numbers
#
# A survey lists the minima and, for each, the saddles on its rim with what Kramers' formula needs.

# %%
print(sd.survey(potentials.three_wells_ring()))

# %% [markdown]
# ## Sharp against flat, at any depth
#
# Curvatures, places and depths of `sharp_and_flat` are independent of one another; the saddle goes where it
# must. The flat minimum is the shallower one, as deep, and the deeper one.

# %%
depths = (0.4, 0.0, -0.4)
pairs = [potentials.sharp_and_flat(sharp=30.0, flat=1.5, depth=depth) for depth in depths]
display(gallery(pairs, [f"flat minimum at {depth:+g}" for depth in depths]))
for depth, pair in zip(depths, pairs, strict=True):
    wells = sorted(pair.minima(), key=lambda point: point.x[0])
    print(f"depth {depth:+.1f}: curvatures", *(f"{well.hessian[0, 0]:.6f}" for well in wells))

# %% [markdown]
# ## One function, any sharpness
#
# In `rescaled_wells` the minima compute the same function for every `alpha`; only their sharpness changes.

# %%
scales = (1.0, 2.0, 4.0)
scaled = [potentials.rescaled_wells(alpha=alpha) for alpha in scales]
display(gallery(scaled, [f"alpha = {alpha:g}" for alpha in scales]))
for alpha, landscape in zip(scales, scaled, strict=True):
    well = landscape.minima()[-1]
    print(f"alpha {alpha:g}: function {np.prod(well.x):.6f}, largest curvature {well.eigenvalues[-1]:.4f}")

# %% [markdown]
# ## Without an energy
#
# The Maier-Stein drift for weak and for strong coupling: beyond `alpha = 4` (at `mu = 1`) the most probable
# way from one attractor to the other no longer runs along the axis.

# %%
couplings = (1.0, 10.0)
fields = [potentials.maier_stein(alpha=alpha) for alpha in couplings]
display(gallery(fields, [f"alpha = {alpha:g}" for alpha in couplings], columns=2))

# %% [markdown]
# ## A landscape of one's own
#
# A formula is as good as a name: here six wells in two dimensions, coupled.

# %%
own = potentials.Potential(
    "x**2*(x**2 - 4)**2/10 + (y**2 - 1)**2/4 + c*x*y", parameters={"c": 0.05}, domain=(-4, 4)
)
display(landscape_figure(own))
print(sd.survey(own, most=2))

# %% [markdown]
# ## How paths leave
#
# Transition paths, from the last time near the minimum until they are out: splitting finds them where direct
# simulation would wait for tens of millions of steps, and goes through them again from the numbers of their
# noise. In a curved valley they scatter about the path of least action.

# %%
valley = potentials.curved_valley()
answer = sd.escape_time(
    valley, sd.SGLD(0.02, 0.02), "x=-1,y=0", "x >= 0", method="splitting", paths=5_000, seed=1
)
least = exact.minimum_action(valley, sd.SDE(0.02, 0.02), "x=-1,y=0", [0.0, 0.5])
display(reactive_paths_figure(valley, answer.reactive_paths(), least.path))
print(f"{answer.value:.3g} steps ({answer.low:.3g} to {answer.high:.3g})")

# %% [markdown]
# With noise shaped by the Hessian and a large learning rate the way out begins at the wrong wall: paths climb
# away from the saddle, to where noise is large, and leap over the point where it vanishes. Ranked by how
# likely the best landing of the step in progress is to lead out, they are found where direct simulation would
# wait for 10^13 steps. Ranked by position they are not: all runs die out, and the answer says so.

# %%
quartic = potentials.double_well()
rule = {"learning_rate": 0.2, "noise": "hessian", "floor": 0.0}
asked = {"start": "x=-1", "exit": "x >= 0", "method": "splitting", "paths": 20_000, "seed": 1}
leaps = sd.escape_time(quartic, sd.SGD(batch_size=10, **rule), **asked)
least = exact.minimum_action(quartic, sd.SGD(batch_size=1, **rule), -1.0, 0.0)
ensemble = leaps.reactive_paths()
outward = float(ensemble.weight @ (ensemble.position.min(["step", "coordinate"]) < -1.2))
display(reactive_paths_figure(quartic, ensemble, least.path))
print(f"{outward:.0%} of the paths first go beyond x = -1.2")
print(f"{leaps.value:.3g} steps ({leaps.low:.3g} to {leaps.high:.3g}), exactly {leaps.reference.value:.6g}")
by_position = sd.escape_time(quartic, sd.SGD(batch_size=10, **rule), **asked, score="x")
print(f"ranked by position: {by_position.value:.3g} steps", *by_position.warnings, sep="\n")

# %% [markdown]
# **The law of log(1/eta).** For noise of the covariance `|H|/B` the mean time grows as `log N = B S + O(log
# B)`. The SDE never crosses the point `c` where the noise vanishes. The chain has to hop over it, from within
# a distance that shrinks with the learning rate, and how near it has to come costs `eta S = 4 |g| / |k|
# log(1/eta) + const` with the first and third derivative `g`, `k` there: not `1/eta`, as a barrier over a
# temperature would. For the quartic well the slope is 4/9. `S` is measured as the growth of `log N` between
# two batch sizes, with mean times up to 10^15 steps.

# %%
rates = (0.2, 0.1, 0.05, 0.025)
batches = ((7, 12), (1.8, 3.2), (0.65, 1.2), (0.26, 0.48))
actions, growths, errors, exact_growths = [], [], [], []
for rate, sizes in zip(rates, batches, strict=True):
    rule = {"learning_rate": rate, "noise": "hessian", "floor": 0.0}
    found = [sd.escape_time(quartic, sd.SGD(batch_size=size, **rule), **asked) for size in sizes]
    scale = rate / (sizes[1] - sizes[0])
    growths.append(scale * np.log(found[1].value / found[0].value))
    errors.append(1.96 * scale * np.hypot(*(answer.measurement.relative_error for answer in found)))
    exact_growths.append(scale * np.log(found[1].reference.value / found[0].reference.value))
    actions.append(rate * exact.minimum_action(quartic, sd.SGD(batch_size=1, **rule), -1.0, 0.0).value)
with house_style():
    figure = new_figure(3.4, 3.0)
    axes = figure.add_subplot()
    axes.errorbar(rates, growths, errors, fmt="o", color=MEASURED, label="splitting, 95 % intervals")
    axes.plot(rates, exact_growths, "x", color=EXACT, label="transfer operator")
    axes.plot(rates, actions, "-", color=PREDICTED[0], label="least action of the chain")
    line = actions[-1] + 4 / 9 * np.log(rates[-1] / np.array(rates))
    axes.plot(rates, line, "--", color=PREDICTED[1], label="slope 4/9")
    axes.set_xscale("log")
    axes.set_xticks(rates, [f"{rate:g}" for rate in rates])
    axes.minorticks_off()
    axes.set_xlabel("learning rate $\\eta$")
    axes.set_ylabel("$\\eta\\,d\\log N/dB$")
    axes.legend()
display(figure)
for rate, growth, error, value in zip(rates, growths, errors, exact_growths, strict=True):
    print(f"eta = {rate:g}: {growth:.3f} +- {error:.3f}, exactly {value:.3f}")

# %% [markdown]
# **What depth costs.** Direct simulation takes the mean time as often as there are escapes to see, and that
# grows exponentially with the barrier. For the same error splitting needs about as many paths as the barrier
# has multiples of the noise, and each of them goes a longer way in a deeper well: a low power of the depth,
# which the legends give with its 95 % interval, and no exponential. Open marks are direct simulation where it
# could be run. `python -m benchmarks.splitting` draws the same for two landscapes in up to ten dimensions.

# %%
target = 0.05
problems = {
    "SGLD": [(ratio, sd.SGLD(0.01, 0.25 / ratio)) for ratio in (3, 5, 10, 20, 30, 40)],
    "SGD": [(None, sd.SGD(0.2, size, noise="hessian", floor=0.0)) for size in (1, 2, 4, 7, 10)],
}
panels = {"SGLD": "barrier / noise", "SGD": "log of the mean number of steps N"}
drawn = []
for name, rules in problems.items():
    split = [sd.escape_time(quartic, rule, **asked) for _, rule in rules]
    truth = [answer.reference.value for answer in split]
    costs = [answer.steps_done * (answer.measurement.relative_error / target) ** 2 for answer in split]
    direct = [
        sd.escape_time(quartic, rule, "x=-1", "x >= 0", method="direct", paths=400, seed=1).steps_done
        if steps < 1e5
        else None
        for (_, rule), steps in zip(rules, truth, strict=True)
    ]
    # The error of a mean of 20 runs is itself known to within these factors, with 95 % confidence.
    low, high = 19 / chi2.ppf([0.975, 0.025], 19)
    depths = [ratio or np.log(steps) for (ratio, _), steps in zip(rules, truth, strict=True)]
    curve = CostCurve(
        f"quartic, {name}", depths, costs, [steps / target**2 for steps in truth],
        [(low * cost, high * cost) for cost in costs], direct,
    )  # fmt: skip
    drawn.append((panels[name], [curve]))
display(cost_figure(drawn, target))

# %% [markdown]
# ## Where it settles
#
# **Noise that is not the same in all directions keeps a current going.** The measured density of an SDE in
# two wells, in colours and contours, the exact density by finite volumes as dotted contours, and the
# current of probability as arrows, where it stands out of its noise. The noise is stronger along the
# diagonal: it tilts the clouds, in each well the current turns one way, and around both of them the other
# way. In equilibrium there would be no current, and no entropy production (nats per unit of time); noise of
# the same strength in all directions is given beside it, where what is measured is within three standard
# errors of zero.

# %%
wells = potentials.Potential("(x**2 - 1)**2/4 + y**2/2")
for diffusion in ([[0.2, 0.15], [0.15, 0.2]], 0.2):
    law = sd.stationary(
        wells, sd.SDE(diffusion, 0.02), paths=4_096, steps=60_000, exact=diffusion != 0.2, seed=1
    )
    if diffusion != 0.2:
        display(law.plot())
    work = law.entropy_production
    print(f"entropy production {work.value:.3f}, standard error {work.error:.3f}", *law.warnings)

# %% [markdown]
# **The cloud in a valley.** Its variance grows with the learning rate over the batch size. Isotropic noise
# makes it narrow where the valley is sharp; noise of the covariance `H/B` makes it round, as long as the
# learning rate times the curvature is small. Points are measured, lines are the exact covariance of the
# chain, and dotted lines what the SDE has in its place.

# %%
curvatures = np.geomspace(0.25, 8.0, 6)
walls = potentials.Potential(" + ".join(f"{h!r}*x{i}**2/2" for i, h in enumerate(curvatures.tolist())))
noises = {
    "isotropic": {"noise": "constant", "covariance": 1.0},
    "Hessian": {"noise": "hessian", "floor": 0.0},
}
with house_style():
    figure = new_figure(7.2, 3.1)
    left, right = figure.subplots(1, 2)
    for (name, options), colour in zip(noises.items(), PREDICTED, strict=False):
        for axes, settings in (
            (left, [(0.02, 8.0), (0.05, 8.0), (0.05, 2.0), (0.2, 4.0), (0.2, 1.0)]),
            (right, [(0.1, 2.0)]),
        ):
            for rate, batch in settings:
                found = sd.stationary(
                    walls,
                    sd.SGD(rate, batch, **options),
                    paths=1_024,
                    steps=8_000,
                    exact=False,
                    seed=1,
                )
                variance = np.diagonal(found.covariance.value)
                if axes is left:
                    axes.plot(rate / batch, variance[3], "o", color=colour)
                else:
                    axes.plot(curvatures, variance, "o", color=colour, label=f"{name} noise")
        strength = np.geomspace(0.002, 0.25, 50)
        shape = curvatures if name == "Hessian" else np.ones_like(curvatures)
        left.plot(strength, strength * shape[3] / (2 * curvatures[3]), ":", color=colour)
        right.plot(curvatures, 0.05 * shape / (2 * curvatures), ":", color=colour)
        right.plot(curvatures, 0.05 * shape / (curvatures * (2 - 0.1 * curvatures)), "-", color=colour)
    for axes in (left, right):
        axes.set_xscale("log")
        axes.set_yscale("log")
        axes.set_ylabel("variance of the cloud")
    left.set_xlabel("learning rate over batch size")
    right.set_xlabel("curvature")
    right.set_xticks(curvatures, [f"{h:.2g}" for h in curvatures], minor=False)
    right.set_xticks([], minor=True)
    right.legend()
display(figure)

# %% [markdown]
# **Learning rate and batch size raised together** change nothing as long as the SDE is a good picture.
# Left: variances at equilibrium; the dashed line marks where the sharper direction is off by 5 %. Right:
# the mean loss on the way down, at equal times, over that of the rule one began with; dotted lines mark
# where it leaves the band of 5 %.

# %%
scaling = sd.linear_scaling(
    potentials.Potential("x**2 + y**2/4"),
    sd.SGD(0.02, 4.0, noise="constant", covariance=1.0),
    "x=1.5,y=1.5",
    factors=[2, 4, 8, 16, 32],
    seed=1,
)
display(scaling.plot())
print(scaling)

# %% [markdown]
# **A higher learning rate along the sharpest direction, and only there, steers to flat regions.** The
# curvature across this valley grows with `y`, and `y` has the same learning rate throughout.

# %%
valley = potentials.Potential("(1 + 4/(1 + exp(-2*y)))*x**2/2 + y**2/20")
for across in (0.05, 0.1, 0.2, 0.35):
    steered = sd.stationary(
        valley,
        sd.SGD([across, 0.02], 1.0, noise="constant", covariance=1.0),
        of=["y", "1 + 4/(1 + exp(-2*y))"],
        paths=512,
        steps=64_000,
        exact=False,
        seed=1,
    )
    sharpness = steered.averages["1 + 4/(1 + exp(-2*y))"]
    print(f"rate across {across:.2f}: mean curvature {sharpness.value:.3f} +- {1.96 * sharpness.error:.3f}")

# %% [markdown]
# **Heavy tails, or several scales?** Gradient noise of six coordinates: five are Gaussian with scales from
# 0.1 to 7, one has exponential data. Each coordinate on its own approaches a Gaussian law as the square
# root of the batch size (left) and has the tail index 2 (right). All thrown together look like a stable law
# with an index of 1.4, as Gaussian coordinates of these scales must.

# %%
rng = np.random.default_rng(0)
columns = {f"a{j}": scale * rng.standard_normal(2_000) for j, scale in enumerate(np.geomspace(0.13, 7.4, 5))}
columns["a5"] = rng.exponential(size=2_000)
linear = potentials.FiniteSum(" + ".join(f"a{j}*w{j} + w{j}**2/2" for j in range(6)), columns, name="samples")
noise = sd.gradient_noise(linear, "0", seed=1)
display(noise.plot())

# %% [markdown]
# ## Where SGD is stable, and which minimum it selects
#
# In one dimension the exact region of mean-square stability is a half-ellipse inscribed in the box of Wu, Ma
# & E: very flat minima must be very uniform, too, and the batch size matters. Almost sure stability reaches
# further, and so it does for shuffled epochs of single samples.

# %%
display(diagram_figure(sd.sharpness_diagram(0.7, batch_sizes=[1, 2], measured=20)))

# %% [markdown]
# `two_functions` has two minima of equal curvature 2; only the non-uniformity differs, 0 at x = 0 and 1.8 at
# x = 1. With learning rate 0.7 gradient descent stays at x = 1, and SGD with batches of one leaves it.

# %%
landscape = potentials.two_functions()
print(sd.stability(landscape, sd.SGD(0.7, 1), at="x=1"))

# %%
switch = 30
descent = sd.simulate(
    landscape, sd.SGD(0.7, 1, noise="none"), "x=1.3", paths=1, steps=switch, record="snapshots", every=1
)
before = descent["snapshots"].values[:, 0, 0]
after = sd.simulate(
    landscape, sd.SGD(0.7, 1), [before[-1] + 1e-5], paths=5, steps=150, record="snapshots", every=1, seed=1
)
display(switch_figure(landscape, before, after["snapshots"].values[:, :, 0].T, switch))

# %% [markdown]
# ## Where theory holds
#
# Nothing is measured here: closed forms are held against numerically exact escape times, cell by cell.
# White, inside the black line, a prediction is within 10 %; it is too large where it is brown and too small
# where it is blue. Marks show what it says of itself: a dot where it is right and says so, an open circle
# where it is right but declines, a cross where it claims to hold and is wrong. In a shell: `simdyn diagram
# validity`.
#
# **Eyring-Kramers over temperature and learning rate**, and beside it the same with the next order in the
# noise and the first order in the learning rate. The strip of blue is the neglected factor `1 + 1.5 D`;
# above a learning rate of about 0.3 the chain leaps over the barrier, which neither knows.

# %%
well = potentials.double_well()
rule = sd.SGLD(learning_rate=0.1, temperature=0.1)
hot, rates = np.geomspace(0.015, 0.4, 18), np.geomspace(0.01, 0.8, 18)
langevin = sd.validity(
    well,
    rule,
    "x=-1",
    "commit",
    prediction=["eyring_kramers", "finite_learning_rate"],
    over={"temperature": hot, "learning_rate": rates},
)
display(langevin.plot())

# %% [markdown]
# **Formula (7) of Xie, Sato & Sugiyama over batch size and learning rate**, for the discrete chain whose
# noise has the covariance `|H|/B`. That noise vanishes at the inflection point, which the chain passes by
# single hops: the formula is too small by up to twenty powers of ten at small learning rates, too large at
# large ones, and right on a line that it crosses by accident. It says so everywhere.

# %%
hessian = sd.SGD(learning_rate=0.1, batch_size=1.0, noise="hessian", floor=0.0)
equation7 = sd.validity(
    well,
    hessian,
    "x=-1",
    "valley",
    prediction="xie2021",
    over={"batch_size": np.geomspace(0.05, 3.0, 12), "learning_rate": np.geomspace(0.06, 0.5, 12)},
)
display(equation7.plot())
print(equation7)

# %% [markdown]
# **The SDE in the place of the chain, over temperature and learning rate**: the first hit of the saddle. A
# chain is only seen across where it lands, so that its hits are later by a half power of the learning rate;
# that is why the SDE is right to 10 % only below a learning rate of about 0.04.

# %%
limit = sd.validity(
    well,
    rule,
    "x=-1",
    "valley",
    prediction="sde_limit",
    over={"temperature": np.geomspace(0.02, 0.4, 14), "learning_rate": np.geomspace(0.004, 0.6, 14)},
)
display(limit.plot())
