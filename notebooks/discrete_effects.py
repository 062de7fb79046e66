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
# # What finite steps do that the SDE does not
#
# SGD and SGLD are chains. The stochastic differential equation that theory puts in their place is a limit of
# vanishing learning rate. Here are six places where the two part, each with exact values for both.

# %%
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np

import simdyn as sd
from potentials import Potential, QuadraticSum
from simdyn.study import find_study, run_study

# %% [markdown]
# ## The wrong wall
#
# A double well, and noise of covariance $|H|/B$. Between the minimum at $-1$ and the barrier at $0$ lies a
# point where the curvature, and with it the noise, vanishes. The SDE never crosses it. The chain leaps over
# it, and at a learning rate of 0.2 it takes its run-up on the far side: the curvature is large there.

# %%
quartic = Potential("x**4/4 - x**2/2")
sgd = sd.SGD(learning_rate=0.2, batch_size=3.0, noise="hessian", floor=0.0)
answer = sd.escape_time(quartic, sgd, start="x=-1", exit="x >= 0", paths=1000, method="direct", seed=1)
print(answer)
paths = answer.reactive_paths(60)

# %%
figure, axes = plt.subplots(figsize=(5, 3.2), layout="constrained")
for row in paths.position.values[:, :, 0]:
    path = row[np.isfinite(row)]
    axes.plot(np.arange(len(path)) - len(path) + 1, path, color="#0072B2", alpha=0.25, linewidth=0.8)
least = np.asarray(sd.exact.minimum_action(quartic, sgd, "x=-1", "x=0").path)[:, 0]
arrival = np.argmax(np.abs(np.diff(least))) + 1
axes.plot(np.arange(len(least)) - arrival, least, color="black", label="least action")
axes.axhline(-(3**-0.5), color="gray", linestyle=":", linewidth=1)
axes.set(xlim=(-15, 1), xlabel="steps before the end", ylabel="x")
axes.legend()
plt.show()

# %% [markdown]
# ## Where single runs settle and the mean square explodes
#
# Three samples share a minimum; their curvatures are 0.2, 0.5 and 4. At a learning rate of 0.65 the mean of
# $x^2$ grows by a quarter each step, and yet almost every run settles.

# %%
shared = QuadraticSum(np.array([0.2, 0.5, 4.0]), np.zeros(3))
report = sd.stability(shared, sd.SGD(0.65, 1, sampling="with_replacement"), seed=1)
print(report)

# %% [markdown]
# ## The whole study
#
# The same from the shell: `simdyn study run discrete_effects --quick --out results/discrete_effects`. What is
# found in the folder is not run again.

# %%
study = find_study("discrete_effects")
out = Path("results") / "discrete_effects"
findings = run_study(study, out, size="quick")
for claim in findings.claims:
    print(f"{claim.verdict:>15}: {claim.claim}")
    print(
        f"{'':17}predicted {claim.predicted:.4g}, measured {claim.measured:.4g} "
        f"({claim.low:.4g} to {claim.high:.4g})"
    )

# %%
for drawn in findings.figures:
    print(drawn.caption)
    display(drawn.figure)  # noqa: F821 - a notebook has it
