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
# # Patterns first: what networks memorise, and when
#
# A network large enough fits labels dealt out at random. Arpit et al. (2017) ask whether it memorises real
# data as well, and find that patterns come first. This notebook begins with a model in which that can be
# calculated, then trains networks, a hundred at a time, and runs the study. The networks need
# `pip install "simdyn[torch]"`.

# %%
from importlib.util import find_spec
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np

from potentials import LinearisedNetwork
from simdyn import SGD, simulate
from simdyn.inference import unevenness
from simdyn.study import find_study, run_study

# %% [markdown]
# ## Learning along eigenvectors
#
# In a linearised network with squared loss the errors $r$ of $n$ samples follow
# $r_{t+1} = (I - \eta G/n)\,r_t$ under gradient descent, with the Gram matrix $G = JJ^T$ of the Jacobian.
# Along the $k$-th eigenvector they fall like $(1-\eta\lambda_k/n)^t$, and in the mean so do those of SGD: a
# batch is an unbiased draw of the gradient, and the rule is linear. What lies along large eigenvalues is
# learnt first.

# %%
rng = np.random.default_rng(1)
samples, parameters = 12, 40
jacobian = rng.normal(size=(samples, parameters)) * np.exp(-0.15 * np.arange(parameters))
linear = LinearisedNetwork(jacobian, rng.normal(size=samples)).function_space()
values, vectors = linear.modes
eta, steps = 0.02, (0, 50, 100, 200)
paths = simulate(
    linear, SGD(learning_rate=eta, batch_size=2), linear.errors, paths=4_000, steps=200, record="snapshots",
    every=50, seed=3,
)  # fmt: skip
for k in (-1, -3, -5):
    along = paths["snapshots"].sel(step=list(steps)).transpose("step", "path", ...).values @ vectors[:, k]
    exact = (linear.errors @ vectors[:, k]) * (1 - eta * values[k] / samples) ** np.array(steps)
    print(f"eigenvalue {values[k] / samples:.3f}")
    for step, one, value in zip(steps, along, exact, strict=True):
        error = one.std() / np.sqrt(len(one))
        print(f"   step {step:3d}: mean of SGD {one.mean():8.4f} +- {1.96 * error:.4f}, exact {value:8.4f}")

# %% [markdown]
# ## Which samples are right after one epoch?
#
# A hundred networks are trained side by side on the same samples, from other first parameters. How often a
# sample is right varies by chance; what is beyond chance is the covariance of two runs over the samples. If
# all samples are alike, exchanging them within runs changes nothing, which gives an exact test. Samples of
# one label are exchanged together, since a run tends to get them right together.

# %%
if find_spec("torch") and find_spec("sklearn"):
    import torch

    from simdyn.networks import Images, NetworkEnsemble, digits, fully_connected

    torch.set_num_threads(1)
    images = digits()
    chosen = np.concatenate([np.flatnonzero(images.classes == c)[:100] for c in range(10)])
    real = Images(images.pixels[chosen], images.classes[chosen], "digits")
    figure, axes = plt.subplots(figsize=(5.5, 3.2), layout="constrained")
    for name, seen in (
        ("real", real),
        ("random labels", real.with_random_labels(seed=0)),
        ("random inputs", real.with_random_inputs(seed=0)),
    ):
        ensemble = NetworkEnsemble([fully_connected((1, 8, 8), 10, width=64, seed=s) for s in range(100)])
        pixels = seen.pixels.astype(np.float32)
        for _ in ensemble.course(
            pixels, seen.classes, looks=(25,), learning_rate=0.2, batch_size=40, loss="cross_entropy",
            sampling="epoch_shuffle",
        ):  # fmt: skip
            right = ensemble.correct(pixels, seen.classes)
        found = unevenness(right, groups=seen.classes, exchanges=199)
        print(
            f"{name:>13}: {found.share:.1%} right, variance of the probability {found.variance:.4f} "
            f"({found.low:.4f} to {found.high:.4f}), p = {found.p_value:.3f} that samples are alike"
        )
        axes.plot(np.linspace(0, 1, 1_000), np.sort(right.mean(0)), label=name)
    axes.set(xlabel="share of the samples", ylabel="right after one epoch (share of runs)", ylim=(0, 1))
    axes.legend()
    plt.show()
else:
    print("Not run: PyTorch and scikit-learn are not installed.")

# %% [markdown]
# ## The whole study
#
# The same from the shell: `simdyn study run memorisation --quick --out results/memorisation`. What is found
# in the folder is not run again. Without PyTorch all claims read "not run".

# %%
study = find_study("memorisation")
out = Path("results") / "memorisation"
findings = run_study(study, out, size="quick")
for claim in findings.claims:
    print(f"{claim.verdict:>15}: {claim.claim}")

# %%
for drawn in findings.figures:
    print(drawn.caption)
    display(drawn.figure)  # noqa: F821 - a notebook has it
