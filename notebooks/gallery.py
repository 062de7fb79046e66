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

import potentials
import simdyn as sd
from potentials import describe, lookup, names
from simdyn import exact
from simdyn.plotting.landscape import landscape_figure
from simdyn.plotting.reactive_paths import reactive_paths_figure
from simdyn.plotting.stability_diagram import diagram_figure, switch_figure
from simdyn.plotting.style import house_style, new_figure


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
# away from the saddle, to where noise is large, and leap over the point where it vanishes.

# %%
quartic = potentials.double_well()
rule = {"learning_rate": 0.2, "noise": "hessian", "floor": 0.0}
leaps = sd.escape_time(
    quartic, sd.SGD(batch_size=3, **rule), "x=-1", "x >= 0",
    method="splitting", score="abs(x + 1)", paths=20_000, seed=1,
)  # fmt: skip
least = exact.minimum_action(quartic, sd.SGD(batch_size=1, **rule), -1.0, 0.0)
ensemble = leaps.reactive_paths()
outward = float(ensemble.weight @ (ensemble.position.min(["step", "coordinate"]) < -1.2))
display(reactive_paths_figure(quartic, ensemble, least.path))
print(f"{outward:.0%} of the paths first go beyond x = -1.2")
print(f"{leaps.value:.3g} steps ({leaps.low:.3g} to {leaps.high:.3g}), exactly {leaps.reference.value:.6g}")

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
# White, inside the black line, a prediction is within 10 %; it is too large where it is red and too small
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
