"""`simdyn.stability` and its diagrams: the two-function example, whatever else is refused or warned of."""

from __future__ import annotations

import json
import time

import numpy as np
import pytest

import simdyn as sd
from potentials import FiniteSum, LinearisedNetwork, QuadraticSum, double_well, two_functions
from simdyn.engines.minibatch import MinibatchEngine
from simdyn.errors import InputError
from simdyn.plotting.stability_diagram import diagram_figure, switch_figure


@pytest.fixture(scope="module")
def leaving():
    return sd.stability(two_functions(), sd.SGD(0.7, 1), at="x=1", paths=2000, steps=400, seed=1)


def test_sgd_leaves_where_gradient_descent_stays(leaving):
    assert leaving.sharpness == pytest.approx(2.0)
    assert leaving.nonuniformity == pytest.approx(1.8)
    assert leaving.multiplier("theorem1") == pytest.approx(1.7476)
    assert leaving.multiplier("mean_square") == pytest.approx(1.7476)
    assert np.log(leaving.multiplier("almost_sure")) == pytest.approx(0.177997356317, rel=1e-10)
    assert leaving.multiplier("gd") == pytest.approx(0.4)
    assert leaving.multiplier("box") == pytest.approx(0.7 * 1.8)
    assert leaving.multiplier("moment:2") == pytest.approx(1.7476)
    stable = {name: leaving.stable(name) for name in leaving.criteria}
    assert stable == {
        "theorem1": False, "box": False, "mean_square": False, "almost_sure": False, "gd": True
    }  # fmt: skip
    assert leaving.threshold("mean_square") == pytest.approx(0.552486187845, rel=1e-11)
    assert leaving.threshold("almost_sure") == pytest.approx(0.559471612102, rel=1e-11)
    assert leaving.threshold("box") == pytest.approx(1 / 1.8)
    assert leaving.threshold("gd") == 1.0
    assert leaving.interpolates


def test_curvature_is_equal_at_both_minima_and_only_the_spread_differs():
    kept = sd.stability(two_functions(), sd.SGD(0.7, 1), at=0.0, measure=False)
    assert kept.sharpness == pytest.approx(2.0)
    assert kept.nonuniformity == pytest.approx(0.0, abs=1e-9)
    assert all(kept.stable(name) for name in kept.criteria)


def test_text_and_json(leaving):
    text = str(leaving)
    for part in (
        "1.7476",
        "not shown to be stable",
        "unstable",
        "inside the 95 % interval",
        "too small to see",
    ):
        assert part in text
    found = json.loads(json.dumps(leaving.to_json(), allow_nan=False))
    assert found["criteria"]["mean_square"]["threshold"] == pytest.approx(0.552486187845)
    assert found["measured"]["exponent"]["low"] < 0.178 < found["measured"]["exponent"]["high"]
    assert leaving.plot() is not None


def test_criteria_that_do_not_speak_are_left_out_and_say_why():
    shuffled = sd.stability(two_functions(), sd.SGD(0.55, 1, sampling="epoch_shuffle"), at=1.0, measure=False)
    assert shuffled.criteria == ("mean_square", "almost_sure", "gd")
    with pytest.raises(InputError, match="fresh batches"):
        shuffled.verdict("theorem1")
    heavy = sd.stability(two_functions(), sd.SGD(0.1, 1, momentum=0.9), at=1.0, paths=500, steps=500)
    assert heavy.criteria == ("box", "mean_square", "almost_sure", "gd")
    assert heavy.verdict("almost_sure").kind == "measured"
    assert heavy.verdict("almost_sure").low < heavy.multiplier("almost_sure")
    assert heavy.threshold("mean_square") == pytest.approx(0.115924344112, rel=1e-10)
    with pytest.raises(InputError, match="momentum"):
        heavy.threshold("theorem1")
    with pytest.raises(InputError, match="Ask for a measurement"):
        sd.stability(two_functions(), sd.SGD(0.1, 1, momentum=0.9), at=1.0, measure=False).stable(
            "almost_sure"
        )


def test_a_network_with_more_parameters_than_rows():
    rows = np.random.default_rng(0).normal(size=(5, 30))
    network = LinearisedNetwork(rows)
    wide = sd.stability(network, sd.SGD(0.01, 2), measure=False)
    quadratics = sd.stability(
        QuadraticSum(np.einsum("ni,nj->nij", rows, rows)), sd.SGD(0.01, 2), measure=False
    )
    assert wide.linear.curvatures.dim == 5
    assert wide.threshold("mean_square") == pytest.approx(quadratics.threshold("mean_square"), rel=1e-9)
    assert "25 of 30 directions" in wide.warnings[0]


def test_a_minimum_that_samples_do_not_share():
    report = sd.stability(QuadraticSum([1.0, 2.0], [0.0, 1.0]), sd.SGD(0.1, 1), measure=False)
    assert not report.interpolates
    assert "do not share" in report.warnings[0]


def test_which_minimum_is_said_where_several_are_equally_deep():
    report = sd.stability(two_functions(), sd.SGD(0.1, 1), measure=False)
    assert "equally deep" in report.warnings[0]


@pytest.mark.parametrize(
    ("potential", "dynamics", "at", "message"),
    [
        (double_well(), sd.SGD(0.1, 1), None, "losses of single samples"),
        (two_functions(), sd.SGD(0.1, 1), 0.9, "no minimum"),
        (two_functions(), sd.SGLD(0.1, 1.0), 1.0, "SGLD"),
        (two_functions(), sd.SGD(0.1, 1, noise="empirical"), 1.0, "real batches"),
        (two_functions(), sd.SGD("0.1/(1+step)", 1), 1.0, "constant"),
        (QuadraticSum([1.0, -3.0]), sd.SGD(0.1, 1), None, "no minimum"),
    ],
)
def test_refusals(potential, dynamics, at, message):
    with pytest.raises(InputError, match=message):
        sd.stability(potential, dynamics, at, measure=False)


@pytest.mark.parametrize("criterion", ["moment:0", "moment:x", "theorem2", "moment:-1"])
def test_unknown_criteria(leaving, criterion):
    with pytest.raises(InputError, match="There is no criterion"):
        leaving.stable(criterion)


# --- diagrams -----------------------------------------------------------------------------------------------


def test_sharpness_diagram():
    begin = time.process_time()
    data = sd.sharpness_diagram(0.5, batch_sizes=[1, 2], momenta=[0.0, 0.5], samples=4, cells=200)
    assert time.process_time() - begin < 30
    a, s = data.sharpness, data.nonuniformity
    share = 1 / 3
    plain = data.sel(momentum=0.0, batch_size=2)
    ellipse = (a - 2) ** 2 + share * s**2 <= 4
    near = abs((a - 2) ** 2 + share * s**2 - 4) < 1e-9
    assert bool((((plain.mean_square <= 1) == ellipse) | near).all())
    # Inside the box there is room outside the half-ellipse, and nothing of it beyond the box.
    assert not bool((ellipse & (plain.box > 1 + 1e-12)).any())
    filled = float((ellipse & (plain.box <= 1)).sum() / (plain.box <= 1).sum())
    assert filled == pytest.approx(np.pi / 4, abs=0.01)
    for i, k in ((20, 40), (150, 120), (90, 199)):
        h = np.repeat([float(a[i] - s[k]), float(a[i] + s[k])], 2)
        for name, sampling, criterion in (
            ("mean_square", "without_replacement", "mean_square"),
            ("shuffled_mean_square", "epoch_shuffle", "mean_square"),
            ("almost_sure", "without_replacement", "almost_sure"),
        ):
            cell = float(plain[name][k, i])
            linear = (
                sd.stability(QuadraticSum(np.abs(h)), sd.SGD(0.5, 2, sampling=sampling), measure=False)
                if (h > 0).all()
                else None
            )
            if linear is not None:
                exact = linear.multiplier(criterion)
                assert cell == pytest.approx(np.log(exact) if criterion == "almost_sure" else exact, rel=1e-9)
    heavy = data.sel(momentum=0.5, batch_size=1)
    i = 30
    edge = float(sd.theory.largest_nonuniformity(float(a[i]), 0.5, momentum=0.5).value)
    assert bool(((heavy.mean_square[:, i] <= 1 + 1e-12) == (s <= edge)).all())


def test_measured_cells_agree_with_the_exact_exponent():
    """64 cells at z = 5: a false alarm in 30,000 runs."""
    data = sd.sharpness_diagram(1.0, samples=2, cells=8, measured=8, seed=2)
    exact = data.almost_sure.values[0, 0]
    value, low, high = (data[k].values[0, 0] for k in ("measured", "measured_low", "measured_high"))
    np.testing.assert_allclose(data.measured_sharpness, data.sharpness)
    error = (high - low) / 2 / 1.96
    assert (np.abs(value - exact) < 5 * error + 1e-12).all()
    assert diagram_figure(data) is not None
    other = sd.sharpness_diagram(1.0, samples=2, cells=8, measured=8, seed=2, threads=1)
    assert np.array_equal(data.measured, other.measured)


def test_rate_diagram():
    data = sd.rate_diagram(two_functions(), "x=1", learning_rates=[0.5, 0.556, 0.9, 1.1])
    found = data.sel(batch_size=1).stable.to_series().unstack("learning_rate").astype(int)
    assert found.loc["theorem1"].tolist() == [1, 0, 0, 0]
    assert found.loc["almost_sure"].tolist() == [1, 1, 0, 0]
    assert found.loc["gd"].tolist() == [1, 1, 1, 0]
    assert data.threshold.sel(criterion="mean_square").values == pytest.approx([0.552486187845, 1.0])
    assert diagram_figure(data) is not None


def test_selection_diagram():
    """From beside 1 SGD with B = 1 goes to 0 beyond the almost-sure threshold, GD stays; from 0 both stay."""
    data = sd.selection_diagram(
        two_functions(), learning_rates=[0.5, 0.7], minima=[0.0, 1.0], paths=200, steps=2000
    )
    share = data.share
    assert share.sel(start=1, batch_size=1, learning_rate=0.5, end=1) == 1
    assert share.sel(start=1, batch_size=1, learning_rate=0.7, end=0) == 1
    assert (share.sel(start=1, batch_size=2, end=1) == 1).all()
    assert (share.sel(start=0, end=0) == 1).all()
    assert float(data.almost_sure.sel(start=1, batch_size=1)) == pytest.approx(0.559471612102)
    # The interval of Clopper and Pearson of 200 of 200.
    assert float(data.share_low.sel(start=0, batch_size=1, learning_rate=0.5, end=0)) == pytest.approx(
        0.025 ** (1 / 200)
    )
    assert ((data.share_low <= share) & (share <= data.share_high)).all()
    assert diagram_figure(data) is not None


def test_switch_from_gradient_descent_to_sgd():
    """GD with rate 0.7 comes to rest at 1; from there, 1e-5 beside, every path of SGD goes to 0 (X9, D8)."""
    landscape = two_functions()
    descent = [1.4]
    for _ in range(60):
        descent.append(descent[-1] - 0.7 * float(landscape.gradient([descent[-1]])[0]))
    assert descent[-1] == pytest.approx(1.0, abs=1e-9)
    engine = MinibatchEngine(sd.SGD(0.7, 1).update(landscape))
    x, states = np.full((4, 1), descent[-1] + 1e-5), []
    for step in range(1500):
        states.append(x[:, 0])
        x = engine.integrate(x, steps=1, seed=1, first_step=step)
    assert np.abs(states[-1]).max() < 1e-9
    assert switch_figure(landscape, descent, np.array(states).T, 60) is not None


@pytest.mark.parametrize(
    ("ask", "message"),
    [
        (lambda: sd.sharpness_diagram(samples=3), "even number"),
        (lambda: sd.sharpness_diagram(batch_sizes=[9]), "from 1 to 8"),
        (lambda: sd.sharpness_diagram(sampling="epoch_shuffle"), "in the diagram anyway"),
        (lambda: sd.sharpness_diagram(momenta=[1.0]), "below 1"),
        (lambda: sd.sharpness_diagram(cells=1), "at least 2"),
        (lambda: sd.rate_diagram(double_well()), "single samples"),
        (
            lambda: sd.selection_diagram(FiniteSum("h*x**2", {"h": [1.0, 2.0]}), learning_rates=[0.1]),
            "one minimum only",
        ),
    ],
)
def test_diagrams_refuse(ask, message):
    with pytest.raises(InputError, match=message):
        ask()
