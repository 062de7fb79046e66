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
# # Large batches and sharp minima
#
# Keskar et al. (2017): networks trained with large batches end at sharper minima and generalise worse. Their
# sharpness is how far the loss can rise in a small box around the minimum,
# $\phi = 100\,(\max f - f) / (1 + f)$. This notebook shows the measure on a quadratic, where its value is
# known, then trains small networks on the 8 by 8 digits. The networks need `pip install "simdyn[torch]"`.

# %%
from importlib.util import find_spec
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np

from potentials import Potential, sharp_and_flat
from simdyn.networks import box_sharpness
from simdyn.study import find_study, run_study

# %% [markdown]
# ## The measure
#
# For curvatures $h_i$ along the axes and half-widths $u_i$ the highest point of the box is
# $\frac12\sum_i h_i u_i^2$ above the minimum.

# %%
bowl = Potential("2*x**2 + 5*y**2")
found = box_sharpness(bowl, np.zeros(2), 0.01)
print(f"measured {found.value:.6f} %, exact {100 * (4 + 10) * 0.01**2 / 2:.6f} %")

# %% [markdown]
# Of two minima of equal depth the sharper one loses more when the test loss is the training loss shifted.

# %%
landscape = sharp_and_flat(sharp=20.0, flat=2.0)
for name, place in (("sharp", -1.0), ("flat", 1.0)):
    x = np.array([place])
    rise = np.mean([landscape.energy(x + s) for s in (-0.05, 0.05)]) - landscape.energy(x)
    print(f"{name}: sharpness {box_sharpness(landscape, x, 0.025).value:.3f} %, rise {rise:.4f}")

# %%
figure, axes = plt.subplots(figsize=(5, 3), layout="constrained")
x = np.linspace(-1.3, 1.6, 300)
axes.plot(x, landscape.energy(x[:, None]), color="black", label="training loss")
axes.plot(x, landscape.energy(x[:, None] - 0.05), "--", label="test loss, shifted by 0.05")
axes.set(xlabel="parameter x", ylabel="loss", ylim=(-0.05, 1.2))
axes.legend()
plt.show()

# %% [markdown]
# ## Small and large batches, and one function with many sharpnesses
#
# A network is trained twice to the same loss. Then the layers of the flatter one are scaled against each
# other (Dinh et al. 2017): the function stays, the sharpness does not.

# %%
if find_spec("torch") and find_spec("sklearn"):
    import torch

    from simdyn.networks import LossSurface, accuracy, digits, fully_connected, rescaled, train

    torch.set_num_threads(1)
    images = digits().sample(1797, seed=0)
    learnt, others = slice(0, 600), slice(600, None)
    pixels, classes = images.pixels.astype(np.float32), images.classes

    def describe(module):
        surface = LossSurface(module, pixels[learnt], classes[learnt], "cross_entropy")
        sharpness = box_sharpness(surface, surface.parameters, 1e-3, iterations=30).value
        right = accuracy(module, pixels[others], classes[others])
        print(
            f"   loss {surface.energy(surface.parameters):.4f}, sharpness {sharpness:.3f} %, test {right:.2%}"
        )

    for size in (60, 4):
        module = fully_connected((1, 8, 8), 10)
        train(
            module, pixels[learnt], classes[learnt], loss="cross_entropy", learning_rate=0.1, batch_size=size,
            steps=20_000, tolerance=0.01,
        )  # fmt: skip
        print(f"batches of {size}")
        describe(module)
    for scale in (3.0, 30.0):
        print(f"batches of 4, first layer times {scale:g}, second divided by it")
        describe(rescaled(module, scale))
else:
    print("Not run: PyTorch and scikit-learn are not installed.")

# %% [markdown]
# ## The whole study
#
# The same from the shell: `simdyn study run keskar2017 --quick --out results/keskar2017`. What is found in
# the folder is not run again. Without PyTorch the claims about networks read "not run".

# %%
study = find_study("keskar2017")
out = Path("results") / "keskar2017"
findings = run_study(study, out, size="quick")
for claim in findings.claims:
    print(f"{claim.verdict:>15}: {claim.claim}")

# %%
for drawn in findings.figures:
    print(drawn.caption)
    display(drawn.figure)  # noqa: F821 - a notebook has it
