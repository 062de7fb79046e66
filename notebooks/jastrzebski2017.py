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
# # Where noise leads SGD
#
# Jastrzębski et al. (2017): SGD sees the learning rate and the batch size through one number, $n = \eta/B$.
# It settles to $P \propto \exp(-2L/(n\sigma^2))$, so that more noise prefers wide minima to deep ones, and
# nothing changes when both are multiplied alike. Here is how far that carries, on landscapes whose exact
# laws are known.

# %%
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np

import simdyn as sd
from potentials import winding_valley
from simdyn.study import find_study, run_study
from studies.jastrzebski2017.landscapes import wells

# %% [markdown]
# ## Width against depth
#
# Two wells, a sharp and deep one at $-1$ and a flat and shallow one at 1. The weights of the basins are
# $e^{-2L/(n\sigma^2)}/\sqrt{\det H}$ to leading order; which of the two wins depends on the noise.

# %%
landscape = wells(lift=0.5)
figure, axes = plt.subplots(figsize=(5, 3), layout="constrained")
x = np.linspace(-2.2, 4, 400)
axes.plot(x, landscape.energy(x[:, None]), color="black")
axes.set(xlabel="x", ylabel="loss", ylim=(-0.3, 4))
plt.show()
for temperature in (0.25, 0.5, 1.0):
    sharp, flat = sd.theory.basin_weights(landscape, temperature).value
    print(f"n σ²/2 = {temperature:g}: sharp {sharp:.3f}, flat {flat:.3f}")

# %% [markdown]
# ## Bouncing in a valley
#
# A level floor that winds between steep walls. Each update of SGD ends on some wall; in the direction across
# the floor it goes back and forth, along the floor it drifts.

# %%
valley = winding_valley(floor=0.001)
sgd = sd.SGD(0.04, 4, noise="constant", covariance=4.0)
data = sd.simulate(valley, sgd, [0.0, 0.0], paths=1, steps=60, record="snapshots", every=1, seed=4)
path = data["snapshots"].values[:, 0]
figure, axes = plt.subplots(figsize=(5, 3), layout="constrained")
x = np.linspace(path[:, 0].min() - 0.3, path[:, 0].max() + 0.3, 200)
axes.plot(x, 0.5 * np.sin(2 * x), color="gray", linewidth=1, label="floor")
axes.plot(*path.T, marker=".", color="#0072B2", linewidth=0.8, label="iterates")
axes.set(xlabel="x", ylabel="y")
axes.legend()
plt.show()

# %% [markdown]
# ## The whole study
#
# The same from the shell: `simdyn study run jastrzebski2017 --quick --out results/jastrzebski2017`. What is
# found in the folder is not run again. Without PyTorch the claims about networks read "not run".

# %%
study = find_study("jastrzebski2017")
out = Path("results") / "jastrzebski2017"
findings = run_study(study, out, size="quick")
for claim in findings.claims:
    print(f"{claim.verdict:>15}: {claim.claim}")
    if claim.measured is not None:
        print(f"{'':17}measured {claim.measured:.4g} ({claim.low:.4g} to {claim.high:.4g})")

# %%
for drawn in findings.figures:
    print(drawn.caption)
    display(drawn.figure)  # noqa: F821 - a notebook has it
