"""Memorisation on grids small enough for a test; the networks where PyTorch is installed."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from simdyn.study import run_study
from studies.memorisation import STUDY, experiment
from studies.memorisation.eigenmodes import TESTS
from studies.memorisation.network_claims import at_cost, falls
from studies.memorisation.samples import INPUTS, LABELS, REAL, balanced, drawn, noisy
from studies.memorisation.settings import QUICK
from studies.memorisation.statements import statements
from studies.memorisation.training import gini, sgd_settings

TINY = dataclasses.replace(
    QUICK,
    runs=(0, 1, 2),
    width=8,
    batch=10,
    first_samples=100,
    first_batch=10,
    first_runs=6,
    exchanges=19,
    ranks=(0.0, 0.5, 1.0),
    samples=40,
    shares=(0.0, 0.2, 0.4, 1.0),
    epochs=(0, 1, 6),
    critical_epochs=(0, 1, 6),
    search_steps=3,
    eigen_samples=20,
    eigen_widths=(4, 16),
    modes=3,
    patience=1.5,
    paths=60,
    marks=(5, 10),
    directions=(1, 10),
    kernel_width=8,
    kernel_times=(1.0, 100.0, 1e4),
    units=(2, 8),
    capacity_shares=(0.0, 1.0),
    counts=(20, 40),
    most_epochs=30,
    dropouts=(0.25, 0.5),
    decays=(0.01,),
    noise_factor=2,
)
MIDDLE, FEW = noisy(TINY.noise_share), noisy(0.2)
LAST = TINY.epochs[-1]


@pytest.fixture(scope="module")
def networks(tmp_path_factory):
    study = dataclasses.replace(STUDY, quick=TINY)
    return study, run_study(study, tmp_path_factory.mktemp("memorisation") / "networks", size="quick", seed=2)


def verdict(study, results, name):
    words = statements(TINY)[name][0]
    (claim,) = [one for one in study.claims(results, TINY) if one.claim == words]
    return claim.verdict


def test_without_pytorch_nothing_is_run(tmp_path):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(experiment, "can_train", lambda: False)
        findings = run_study(dataclasses.replace(STUDY, quick=TINY), tmp_path / "none", size="quick", seed=2)
    assert [claim.claim for claim in findings.claims] == [words for words, _ in statements(TINY).values()]
    for claim in findings.claims:
        assert claim.verdict == "not run"
        assert claim.measured is None
        assert "simdyn[torch]" in claim.why
    assert not findings.figures


def test_gini():
    assert gini(np.ones(7)) == pytest.approx(0.0)
    # One of n holds all: 1 - 1/n. Mean difference over twice the mean, by hand, for three.
    assert gini(np.array([0.0, 0.0, 0.0, 5.0])) == pytest.approx(0.75)
    values = np.array([1.0, 4.0, 7.0])
    differences = np.abs(values[:, None] - values).mean()
    assert gini(values) == pytest.approx(differences / (2 * values.mean()))


def test_a_peak_by_chance_is_no_fall():
    # Accuracies that do not change, 2,000 runs of 15 looks: the plain maximum lies far above the end, and
    # the fall is zero within 4 standard errors.
    import xarray as xr

    rng = np.random.default_rng(3)
    halves = rng.normal(0.8, 0.02, (2, 15, 2_000))
    data = xr.Dataset(
        {"first_half": (("epoch", "run"), halves[0]), "second_half": (("epoch", "run"), halves[1])},
        {"epoch": np.arange(15)},
    )
    fall, peaks = falls(data)
    assert (halves.mean(0).max(0) - halves.mean(0)[-1]).mean() > 0.01
    # The end is one of the looks: where it is chosen there is no fall, elsewhere the mean is zero.
    assert abs(fall.mean()) < 4 * fall.std() / np.sqrt(2_000)
    assert peaks.shape == (2_000, 2)


@pytest.mark.torch
def test_samples():
    one = drawn(1, 40, MIDDLE)
    same = drawn(1, 40, REAL)
    assert np.array_equal(one.inputs, same.inputs)
    assert np.array_equal(one.wrong, one.classes != same.classes)
    assert 0 < one.wrong.sum() <= 16
    assert not same.wrong.any()
    assert len(one.test_classes) == 1_000
    assert not np.array_equal(drawn(1, 40, INPUTS).inputs, same.inputs)
    for kind in (REAL, LABELS, INPUTS):
        assert (np.bincount(balanced(100, kind).classes) == 10).all()


@pytest.mark.torch
def test_every_statement_is_judged(networks):
    study, findings = networks
    assert {claim.claim for claim in findings.claims} == {words for words, _ in statements(TINY).values()}
    assert all(claim.verdict != "not run" for claim in findings.claims)
    assert [drawn.name for drawn in findings.figures] == [
        "difficulty", "eigenvectors", "course", "critical", "size", "regularisers", "noise",
    ]  # fmt: skip
    # What is exact holds however small the grids are.
    assert verdict(study, findings.results, "closed gd") == "holds"
    assert verdict(study, findings.results, "closed sgd") == "holds"


@pytest.mark.torch
def test_networks_against_what_is_known(networks):
    results = networks[1].results
    course, kernel = results["course"], results["kernel"]
    # Before training random labels do not matter yet.
    begin = course["test_accuracy"].sel(epoch=0)
    assert (begin == begin.sel(data=REAL)).all()
    np.testing.assert_allclose(
        (course["first_half"] + course["second_half"]) / 2, course["test_accuracy"], rtol=1e-12
    )
    # In the end the linearised classifier fits whatever labels there are, for its Gram matrix is regular.
    early, late = (kernel["train_accuracy"].sel(time=t) for t in (1.0, 1e4))
    assert float(late.mean()) > float(early.mean())
    held = results["alignment"]["held"]
    assert ((held >= 0) & (held <= 1)).all()
    assert (held.sel(directions=10) >= held.sel(directions=1)).all()
    predicted = results["order"]["predicted"].sortby("mode").transpose("mode", ...).values
    assert (np.diff(predicted, axis=0) > 0).all()
    time = results["time"]["steps"]
    assert (time.dropna("run") % 2 == 0).all()
    # The same networks, looked at after epochs 4, 5 and 6 of 6; on true labels they change little by then.
    none = results["regularisers"].sel(regulariser="none", data=REAL)
    assert (abs(none["train_accuracy"] - course["train_accuracy"].sel(data=REAL, epoch=LAST)) < 0.3).all()


@pytest.mark.torch
def test_the_linearised_classifier_by_small_steps(networks):
    # Outputs of training and test samples under gradient descent of so small steps that it is a flow, moved
    # by the Gram matrix itself; 20,000 steps to time 100.
    from potentials import FunctionSpace
    from simdyn.networks import fully_connected

    samples, n = drawn(1, TINY.samples, MIDDLE), TINY.samples
    inputs = np.concatenate([samples.inputs, samples.test_inputs[:TESTS]])
    module = fully_connected((1, 8, 8), 1, width=TINY.kernel_width, depth=1, seed=1)
    gram = FunctionSpace.from_torch(module, inputs, np.zeros(len(inputs))).gram[:, :n] / n
    targets = np.eye(10)[samples.classes] - 0.1
    step = 100.0 / np.linalg.eigvalsh(gram[:n])[-1] / 20_000
    outputs = np.zeros((len(inputs), 10))
    for _ in range(20_000):
        outputs += step * gram @ (targets - outputs[:n])
    right = outputs.argmax(1) == np.concatenate([samples.classes, samples.test_classes[:TESTS]])
    found = networks[1].results["kernel"].sel(data=MIDDLE, time=100.0, run=1)
    assert float(found["train_accuracy"]) == pytest.approx(right[:n].mean(), abs=1e-12)
    # A test sample on a boundary may fall to either side.
    assert float(found["test_accuracy"]) == pytest.approx(right[n:].mean(), abs=0.002)


def test_a_regulariser_where_it_costs_a_point():
    trained = np.array([100.0, 80.0, 40.0])
    assert at_cost(np.array([90.0, 91.0, 89.5]), trained, 1.0) == 40.0
    # 90.5 % in the mean of the first two and 87 %: 89 %, which is allowed, lies 1.5 / 3.5 of the way.
    assert at_cost(np.array([90.0, 91.0, 87.0]), trained, 1.0) == pytest.approx(80.0 - 40.0 * 1.5 / 3.5)
    assert at_cost(np.array([90.0, 86.0, 80.0]), trained, 1.0) == pytest.approx(95.0)
    # One strong one that is right by luck does not pass for cheap: 82 % and 90 % count as 86 % each.
    assert at_cost(np.array([90.0, 82.0, 90.0]), trained, 1.0) == pytest.approx(95.0)


SGD = tuple(sgd_settings(TINY))
TOPMOST = {"width": TINY.eigen_widths[-1]}
REGULAR = [("regularisers", "test_accuracy", 0.9, {"data": REAL})]
# For each statement what makes it hold, and what then makes it fail.
CASES = {
    "memorise": (
        [("course", "train_accuracy", 1.0, {"data": LABELS})],
        [("course", "train_accuracy", 0.9, {"data": LABELS})],
    ),
    "uneven": (
        [("first_epoch", "low", 0.01, {"data": REAL})],
        [("first_epoch", "low", -0.02, {"data": REAL}), ("first_epoch", "high", -0.01, {"data": REAL})],
    ),
    **{
        f"alike {name}": (
            [
                ("first_epoch", "p_value", 0.5, {"data": kind}),
                ("first_epoch", "high", 0.001, {"data": kind}),
                ("first_epoch", "variance", 0.02, {"data": REAL}),
            ],
            [("first_epoch", "p_value", 0.001, {"data": kind})],
        )
        for name, kind in (("inputs", INPUTS), ("labels", LABELS))
    },
    **{
        f"uneven {name}": (
            [("first_epoch", "low", 0.1, {"data": REAL}), ("first_epoch", "high", 0.01, {"data": kind})],
            [
                ("first_epoch", "low", 0.0, {"data": REAL}),
                ("first_epoch", "high", 0.02, {"data": REAL}),
                ("first_epoch", "low", 0.3, {"data": kind}),
                ("first_epoch", "high", 0.4, {"data": kind}),
            ],
        )
        for name, kind in (("inputs", INPUTS), ("labels", LABELS))
    },
    "closed gd": ([], [("components", "gd", 100.0, {"mode": 2})]),
    "closed sgd": ([], [("components", "sgd", 100.0, {"mode": 2})]),
    **{
        f"order {name}": (
            [("order", "measured", 10.0, TOPMOST), ("order", "predicted", 10.0, TOPMOST)],
            [("order", "measured", 30.0, TOPMOST | {"data": kind})],
        )
        for name, kind in (("real", REAL), ("labels", LABELS))
    },
    "order rank": (
        [("order", "measured", 10.0**k, TOPMOST | {"mode": k}) for k in (1, 2, 3)],
        [("order", "measured", 10.0**-k, TOPMOST | {"mode": k}) for k in (1, 2, 3)],
    ),
    "order width": (
        [("order", "predicted", 10.0, {}), ("order", "measured", 10.0, TOPMOST),
         ("order", "measured", 30.0, {"width": 4})],
        [("order", "measured", 10.0, {"width": 4}), ("order", "measured", 30.0, TOPMOST)],
    ),
    "alignment": (
        [("alignment", "held", 0.9, {"data": REAL}), ("alignment", "held", 0.1, {"data": LABELS})],
        [("alignment", "held", 0.05, {"data": REAL})],
    ),
    "kernel": (
        [("kernel", half, value, {"data": MIDDLE, "time": time}) for half in ("first_half", "second_half")
         for time, value in ((1.0, 0.2), (100.0, 0.9), (1e4, 0.5))],
        [("kernel", half, 0.95, {"data": MIDDLE, "time": 1e4}) for half in ("first_half", "second_half")],
    ),
    **{
        f"fall {kind}": (
            [("course", half, value, {"data": kind, "epoch": epoch}) for half in ("first_half", "second_half")
             for epoch, value in ((0, 0.1), (1, 0.9), (LAST, 0.5))],
            [("course", half, 0.95, {"data": kind, "epoch": LAST}) for half in ("first_half", "second_half")],
        )
        for kind in (FEW, MIDDLE)
    },
    "fall none": (
        [("course", half, 0.9, {"data": REAL}) for half in ("first_half", "second_half")],
        [("course", half, 0.5, {"data": REAL, "epoch": LAST}) for half in ("first_half", "second_half")],
    ),
    "fall grows": (
        [("course", half, value, {"data": kind, "epoch": epoch}) for half in ("first_half", "second_half")
         for kind, depth in ((FEW, 0.1), (MIDDLE, 0.3))
         for epoch, value in ((0, 0.1), (1, 0.9), (LAST, 0.9 - depth))],
        [("course", half, 0.2, {"data": FEW, "epoch": LAST}) for half in ("first_half", "second_half")],
    ),
    "before": (
        [("course", "learnt_wrong", 0.1, {"data": MIDDLE})],
        [("course", "learnt_wrong", 0.7, {"data": MIDDLE})],
    ),
    **{
        f"critical {name}": (
            [("critical", "critical", 0.2, {"data": REAL}), ("critical", "critical", 0.8, {"data": kind})],
            [("critical", "critical", 0.9, {"data": REAL})],
        )
        for name, kind in (("labels", LABELS), ("inputs", INPUTS), ("noisy", MIDDLE))
    },
    "critical rises": (
        [("critical", "critical", 0.2, {"epoch": 1}), ("critical", "critical", 0.8, {"epoch": LAST})],
        [("critical", "critical", 0.9, {"epoch": 1})],
    ),
    **{
        f"gini {name}": (
            [("course", "gini", 0.7, {"data": REAL}), ("course", "gini", 0.2, {"data": kind})],
            [("course", "gini", 0.8, {"data": kind})],
        )
        for name, kind in (("labels", LABELS), ("inputs", INPUTS))
    },
    "units": (
        [("capacity", "train_accuracy", 0.5, {}), ("capacity", "train_accuracy", 1.0, {"units": 8}),
         ("capacity", "train_accuracy", 0.8, {"units": 2, "data": REAL})],
        [("capacity", "train_accuracy", 0.9, {"units": 2, "data": LABELS})],
    ),
    **{
        f"time {name}": (
            [("time", "steps", 100.0, {}), ("time", "steps", 400.0, {"data": kind, "samples": 40})],
            [("time", "steps", 900.0, {"data": REAL, "samples": 40})],
        )
        for name, kind in (("labels", LABELS), ("inputs", INPUTS))
    },
    "time units": (
        [("time", "steps", 100.0, {}), ("time", "steps", 50.0, {"data": LABELS, "units": 16})],
        [("time", "steps", 20.0, {"data": REAL, "units": 16})],
    ),
    **{
        name: (
            [*REGULAR, ("regularisers", "train_accuracy", 0.9, {"data": LABELS}),
             ("regularisers", "train_accuracy", 0.5, {"data": LABELS, "regulariser": strength})],
            [("regularisers", "train_accuracy", 0.95, {"data": LABELS, "regulariser": strength})],
        )
        for name, strength in (("dropout", "dropout 0.5"), ("weight decay", "weight decay 0.01"))
    },
    "best": (
        [*REGULAR, ("regularisers", "train_accuracy", 0.9, {"data": LABELS}),
         ("regularisers", "train_accuracy", 0.5, {"data": LABELS, "regulariser": "dropout 0.5"})],
        [("regularisers", "train_accuracy", 0.3, {"data": LABELS, "regulariser": "weight decay 0.01"})],
    ),
    "plain": (
        REGULAR,
        [("regularisers", "test_accuracy", 0.99, {"data": REAL, "regulariser": "weight decay 0.01"})],
    ),
    "more rate": (
        [("noise", "test_accuracy", 0.6, {}), ("noise", "test_accuracy", 0.7, {"sgd": SGD[2]})],
        [("noise", "test_accuracy", 0.8, {"sgd": SGD[1]})],
    ),
    "more noise": (
        [("noise", "test_accuracy", 0.7, {}), ("noise", "test_accuracy", 0.6, {"sgd": SGD[1]})],
        [("noise", "test_accuracy", 0.8, {"sgd": SGD[1]})],
    ),
    "same noise": (
        [("noise", "test_accuracy", 0.7, {})],
        [("noise", "test_accuracy", 0.8, {"sgd": SGD[2]})],
    ),
}  # fmt: skip


def changed(results, changes):
    for grid, quantity, value, where in changes:
        results = results.altered(grid, quantity, value, **where)
    return results


@pytest.mark.torch
def test_every_statement_has_a_case():
    assert set(CASES) == set(statements(TINY))


@pytest.mark.torch
@pytest.mark.parametrize("name", CASES)
def test_a_verdict_follows_its_measurement(networks, name):
    study, findings = networks
    hold, fail = CASES[name]
    results = changed(findings.results, hold)
    assert verdict(study, results, name) == "holds"
    assert verdict(study, changed(results, fail), name) == "does not hold"


@pytest.mark.torch
def test_samples_are_not_alike_for_want_of_runs(networks):
    study, findings = networks
    changes = [
        ("first_epoch", "p_value", 0.5, {"data": LABELS}),
        ("first_epoch", "high", 0.015, {"data": LABELS}),
        ("first_epoch", "variance", 0.02, {"data": REAL}),
    ]
    assert verdict(study, changed(findings.results, changes), "alike labels") == "undecided"


@pytest.mark.torch
def test_an_error_that_never_falls_to_half_counts_as_late(networks):
    study, findings = networks
    changes = [
        ("order", "measured", 10.0, TOPMOST),
        ("order", "predicted", 10.0, TOPMOST),
        *[("order", "measured", float("nan"), TOPMOST | {"mode": k, "data": REAL}) for k in (1, 2)],
    ]
    assert verdict(study, changed(findings.results, changes[:2]), "order real") == "holds"
    assert verdict(study, changed(findings.results, changes), "order real") != "holds"


@pytest.mark.torch
def test_boxes_that_reach_no_boundary_tell_nothing(networks):
    study, findings = networks
    results = changed(findings.results, [("critical", "critical", 0.0, {})])
    for name in ("labels", "inputs", "noisy"):
        assert verdict(study, results, f"critical {name}") == "undecided"


@pytest.mark.torch
def test_a_boundary_that_random_inputs_drive_away_comes_closer_only_here(networks):
    study, findings = networks
    changes = [
        ("critical", "critical", 0.2, {"epoch": 1}),
        ("critical", "critical", 0.8, {"epoch": LAST}),
        ("critical", "critical", 0.1, {"epoch": LAST, "data": INPUTS}),
    ]
    assert verdict(study, changed(findings.results, changes), "critical rises") == "holds only here"


@pytest.mark.torch
def test_shorter_settings_are_refused_or_judged(networks, check_shorter_settings):
    study, findings = networks
    check_shorter_settings(study, findings.results)
