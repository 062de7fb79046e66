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
# # The shape of the loss, and motion on it
#
# What is a network's loss like? Sagun's overview of empirical studies says: flat in nearly all
# directions, with about as many steep ones as there are classes, and without barriers; on it gradient
# descent does as well as SGD, once the network is large. This notebook takes three of the statements
# apart by hand, then runs the whole study. The networks need `pip install "simdyn[torch]"`.

# %%
from importlib.util import find_spec
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np

from simdyn.inference import pooled_index, stable_index
from simdyn.study import find_study, run_study

networks = bool(find_spec("torch") and find_spec("sklearn"))

# %% [markdown]
# ## Heavy tails, or coordinates of unequal scale?
#
# For independent values of a symmetric $\alpha$-stable law a sum of $K$ of them is $K^{1/\alpha}$ times
# as wide, so that
#
# $$\frac1\alpha \approx \frac{\overline{\log|X_1+\dots+X_K|} - \overline{\log|X|}}{\log K},$$
#
# and $\alpha = 2$ for Gaussian values. That takes all values to have one scale. Gaussian coordinates
# whose scales $s$ differ, thrown together, give
#
# $$\frac1\alpha \approx \frac12 + \frac{\frac12\log\overline{s^2} - \overline{\log s}}{\log K},$$
#
# a heavy tail that no coordinate has.

# %%
rng = np.random.default_rng(1)
scales = np.exp(1.0 * rng.normal(size=1_000))
values = scales * rng.normal(size=(2_000, 1_000))
picked = values[np.arange(2_000), rng.integers(1_000, size=2_000)]
each = [stable_index(column).value for column in values.T[:200]]
print(f"one coordinate: alpha = {np.median(each):.2f}, median of {len(each)}")
print(f"all together:   alpha = {stable_index(picked).value:.2f}, expected {pooled_index(scales, 44):.2f}")

# %% [markdown]
# The gradient noise of a network has coordinates whose scales differ by orders of magnitude.

# %%
if networks:
    import torch

    from simdyn.networks import LossSurface, Split, digits, fully_connected, train

    torch.set_num_threads(1)
    data = Split.of(digits(), 400, seed=0)
    module = fully_connected((1, 8, 8), 10, width=12, depth=1, seed=0)
    before = LossSurface(module, data.inputs, data.classes, "cross_entropy")
    ended = train(
        module, data.inputs, data.classes, loss="cross_entropy", learning_rate=0.2, batch_size=10,
        steps=20_000, tolerance=0.05, look_every=10,
    )  # fmt: skip
    after = LossSurface(module, data.inputs, data.classes, "cross_entropy")
    deviations = after.sample_gradients(after.parameters).std(axis=0)
    alive = deviations > 0
    print(f"{ended.steps} steps to the loss {ended.loss:.3f}")
    print(f"{alive.sum()} of {alive.size} coordinates have noise")
    print("their deviations:", np.quantile(deviations[alive], [0.05, 0.5, 0.95]))
else:
    print("Not run: PyTorch and scikit-learn are not installed.")

# %% [markdown]
# ## All eigenvalues of a small network
#
# The network has 910 parameters, so its whole Hessian fits. Outliers are the eigenvalues above the
# largest gap on a logarithmic scale. With $c$ classes about $c$ are expected; $c - 1$ is what the
# softmax leaves, which a shift of all outputs does not change. For the same reason, and because some
# pixels are always black and some units never active, a good part of the eigenvalues is exactly zero.

# %%
if networks:
    from simdyn.networks import outliers

    spectra = {
        "before training": np.linalg.eigvalsh(before.hessian(before.parameters))[::-1],
        "after training": np.linalg.eigvalsh(after.hessian(after.parameters))[::-1],
    }
    for name, found in spectra.items():
        print(
            f"{name}: largest {found[0]:.2f}, lowest {found[-1]:.3f}, outliers {outliers(found[:30])}, "
            f"zero {np.sum(np.abs(found) < 1e-12 * found[0])}, "
            f"below a thousandth of the largest {np.mean(np.abs(found) < 1e-3 * found[0]):.0%}"
        )
    figure, axes = plt.subplots(figsize=(5.5, 3), layout="constrained")
    for name, found in spectra.items():
        axes.hist(found, bins=np.linspace(-1.0, 3.0, 81), histtype="step", label=name)
    axes.set(yscale="log", xlabel="eigenvalue of the Hessian", ylabel="number")
    axes.legend()
    plt.show()
else:
    print("Not run: PyTorch and scikit-learn are not installed.")

# %% [markdown]
# ## How many steps does a batch size take?
#
# McCandlish et al. (2018): steps $S$ and samples $E = BS$ to a loss lie on $(S/S_{\min} - 1)(E/E_{\min}
# - 1) = 1$, that is $S = S_{\min}(1 + B_\text{crit}/B)$ with $B_\text{crit} = E_{\min}/S_{\min}$, and
# the gradient noise scale $\mathrm{tr}\,C/|g|^2$ tells $B_\text{crit}$ beforehand. The study fits the
# curve to networks trained at the best of several learning rates.
#
# ## The whole study
#
# The same from the shell: `simdyn study run landscape --quick --out results/landscape`. What is found in the
# folder is not run again. Without PyTorch the claims about networks read "not run".

# %%
study = find_study("landscape")
out = Path("results") / "landscape"
findings = run_study(study, out, size="quick")
for claim in findings.claims:
    print(f"{claim.verdict:>15}: {claim.claim}")

# %%
for drawn in findings.figures:
    print(drawn.caption)
    display(drawn.figure)  # noqa: F821 - a notebook has it
