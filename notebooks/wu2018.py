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
# # Which minima SGD can keep
#
# Wu, Ma & E (2018): near a global minimum SGD is a random linear iteration, so it keeps only minima whose
# sharpness $a$ and non-uniformity $s$ are small enough for the learning rate and the batch size.

# %%
from pathlib import Path

import matplotlib.pyplot as plt

import simdyn as sd
from potentials import two_functions
from simdyn.study import find_study, run_study

# %% [markdown]
# ## Two functions
#
# The mean of two functions has minima at 0 and 1, equally deep and equally sharp. At 1 the two curvatures are
# 0.2 and 3.8, at 0 both are 2. With a learning rate of 0.7 gradient descent stays at 1, and SGD leaves.

# %%
landscape = two_functions()
print(sd.stability(landscape, sd.SGD(0.7, 1), at="x=1", seed=1))

# %%
figure, axes = plt.subplots(figsize=(5, 3), layout="constrained")
for label, dynamics in (("SGD, B = 1", sd.SGD(0.7, 1)), ("gradient descent", sd.SGD(0.7, 2, noise="none"))):
    data = sd.simulate(
        landscape, dynamics, start=[1.00001], paths=3, steps=120, record=["snapshots"], every=1, seed=3
    )
    path = data["snapshots"].values[:, 0, 0]
    axes.plot(path, label=label)
axes.set(xlabel="steps", ylabel="x")
axes.legend()
plt.show()

# %% [markdown]
# ## The whole study
#
# The same from the shell: `simdyn study run wu2018 --quick --out results/wu2018`. What is found in the folder
# is not run again. Without PyTorch the claims about networks read "not run".

# %%
study = find_study("wu2018")
out = Path("results") / "wu2018"
findings = run_study(study, out, size="quick")
for claim in findings.claims:
    print(f"{claim.verdict:>15}: {claim.claim}")

# %%
for drawn in findings.figures:
    print(drawn.caption)
    display(drawn.figure)  # noqa: F821 - a notebook has it
