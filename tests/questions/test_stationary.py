"""`stationary`: known laws within their intervals.

Figures are compared at z = 4.5 of their own standard errors, Student's t with 63 degrees of freedom: a false
alarm in 30 000 comparisons, and seeds are fixed.
"""

from __future__ import annotations

import dataclasses
import json

import numpy as np
import pytest

from potentials import DriftField, Potential, QuadraticSum, styblinski_tang
from potentials.finite_sum import FiniteSum
from simdyn import SDE, SGD, SGLD, stationary
from simdyn.errors import InputError

Z = 4.5
LINE = Potential("h*x**2/2", parameters={"h": 2.0})
BOWL = Potential("(3*x**2 + 2*x*y + 2*y**2)/2")
H = np.array([[3.0, 1.0], [1.0, 2.0]])
C = np.array([[1.0, 0.2], [0.2, 0.5]])
ANISOTROPIC = SGD(0.2, 1.0, noise="constant", covariance=C)
DOUBLE = Potential("x**4/4 - x**2/2")


def agree(figures, exact, allowance=0.0):
    """Whether figures are compatible with exact values."""
    gap = np.abs(np.asarray(figures.value) - exact)
    # At most, for entries that vanish identically have no error either.
    return bool(np.all(gap <= Z * np.asarray(figures.error) + allowance))


def predicted(answer, name):
    return next(law for law in answer.predictions if law.name == name)


def bounded(answer):
    """Small enough errors for the comparison to mean something."""
    return float(np.nanmax(answer.covariance.error / np.abs(answer.covariance.value).max())) < 0.02


@pytest.mark.parametrize(
    ("momentum", "variance"),
    [(0.0, 0.0138888888889), pytest.param(0.9, 0.131944444444, marks=pytest.mark.slow)],
)
def test_additive_noise_on_a_line(momentum, variance):
    """R-B1 and R-B6."""
    rule = SGD(0.1, 1.0, noise="constant", covariance=0.5, momentum=momentum)
    answer = stationary(LINE, rule, paths=2048, steps=8000, seed=3, exact=momentum == 0)
    assert answer.settled, answer.warnings
    assert bounded(answer)
    assert agree(answer.mean, 0.0)
    assert agree(answer.covariance, variance)
    assert not agree(answer.covariance, variance * 0.9)
    assert predicted(answer, "SGD covariance").covariance[0, 0] == pytest.approx(variance, rel=1e-11)
    left, right, apart = answer.balance
    assert agree(left, 2 * variance)
    assert agree(right, 2 * variance)
    assert agree(apart, 0.0)
    if not momentum:
        density = answer.reference
        assert density.expectation(lambda x: x[:, 0] ** 2) == pytest.approx(variance, rel=1e-9)
        # tau_int = (2 - eta h) / (eta h) = 9 steps, less than the looks are apart.
        assert answer.memory["x"].value < 1.5 * answer.measurement.every


def test_the_integrated_time_is_that_of_the_rule():
    """tau_int = (2 - eta h) / (eta h) steps for h = 2, eta = 0.004: 249, seen every 4 steps."""
    answer = stationary(LINE, SGLD(0.004, 0.2), paths=1024, steps=16_000, every=4, exact=False, seed=2)
    found = answer.memory["x"]
    assert abs(found.value - 249) < Z / 1.96 * found.half_width + 4
    expected = 1024 * (answer.measurement.steps - answer.burn_in) / 249
    # The spread of 64 groups knows a variance to 18 %.
    assert answer.mean.ess[0] == pytest.approx(expected, rel=0.8)


def test_additive_noise_in_the_plane():
    """R-B2 and R-B3, discrete: the angular momentum of the chain is (H S - S H)_12 with its own S."""
    answer = stationary(BOWL, ANISOTROPIC, paths=4096, steps=16_000, seed=1, exact=False)
    exact = np.array([[0.0492727272727, -0.0000909090909], [-0.0000909090909, 0.0343636363636]])
    assert answer.settled, answer.warnings
    assert bounded(answer)
    assert agree(answer.covariance, exact)
    np.testing.assert_allclose(predicted(answer, "SGD covariance").covariance, exact, atol=1e-12)
    limit = np.array([[0.0348, -0.0044], [-0.0044, 0.0272]])
    np.testing.assert_allclose(
        predicted(answer, "Ornstein-Uhlenbeck covariance").covariance, limit, atol=1e-14
    )
    assert not agree(answer.covariance, limit)
    assert predicted(answer, "Circulation").value[0, 1] == pytest.approx(-0.006, rel=1e-11)
    assert predicted(answer, "Entropy production").value == pytest.approx(0.0391304347826, rel=1e-11)
    # Rectangles hold the same states as the sums do, however often they moved; widths add w^2 / 12.
    plane = answer.plane
    assert answer.measurement.totals.missed == 0
    for axis, edges in enumerate(plane.edges):
        middles, width = 0.5 * (edges[1:] + edges[:-1]), edges[1] - edges[0]
        second = plane.share.sum(axis=1 - axis) @ middles**2 - width**2 / 12
        assert second == pytest.approx(answer.covariance.value[axis, axis], rel=0.005)
    turning = answer.angular_momentum
    assert agree(turning, H @ exact - exact @ H)
    assert abs(turning.value[0, 1]) > 10 * turning.error[0, 1]
    # Of the chain -tr(D^-1 H Q) with Q = (H S - S H) / 2.
    q = (H @ exact - exact @ H) / 2
    assert agree(answer.entropy_production, -np.trace(np.linalg.solve(0.1 * C, H @ q)))
    table = answer.compare()
    assert set(table["verdict"]) <= {
        "inside the 95 % interval", "inside the 99.999 % interval", "outside the 99.999 % interval",
        "no difference seen", "different",
    }  # fmt: skip


@pytest.mark.slow
def test_the_current_of_the_sde():
    """R-B3 at a small step: 2 Q_12 = -0.012, with a bias of first order in the step; entropy production
    0.03913, and none in equilibrium."""
    step = 0.02
    answer = stationary(
        BOWL, SDE.limit_of(ANISOTROPIC, step=step), paths=4096, steps=24_000, every=64, seed=4, exact=False
    )
    turning = answer.angular_momentum
    assert agree(turning[0, 1], -0.012, allowance=0.1 * 0.012)
    assert abs(turning.value[0, 1]) > 6 * turning.error[0, 1]
    assert agree(answer.entropy_production, 0.0391304347826, allowance=0.1 * 0.039)
    plane = answer.plane
    area = np.multiply.outer(*(np.diff(edges) for edges in plane.edges))
    u, v = (0.5 * (edges[1:] + edges[:-1]) for edges in plane.edges)
    around = ((u[:, None] * plane.current[1] - v[None, :] * plane.current[0]) * area).sum()
    # The field adds up to the angular momentum, but for the width of rectangles.
    assert around == pytest.approx(turning.value[0, 1], rel=0.15)
    calm = stationary(BOWL, SDE(0.05, step), paths=1024, steps=4000, seed=4, exact=False)
    assert agree(calm.angular_momentum, 0.0)
    assert agree(calm.entropy_production, 0.0)


BATCHES = QuadraticSum([1.0, 2.0, 4.0], [0.0, 1.0, -1.0])


@pytest.mark.parametrize(
    ("rule", "variance"),
    [
        (SGD(0.2, 1), 0.303206997085),
        (SGD(0.2, 2), 0.0707482993197),
        (SGD(0.2, 2, sampling="with_replacement"), 0.144712430427),
    ],
)
def test_batches_of_parabolas(rule, variance):
    """R-B4."""
    answer = stationary(BATCHES, rule, paths=4096, steps=4096, seed=6)
    assert answer.settled, answer.warnings
    assert agree(answer.covariance, variance)
    assert answer.covariance.error[0, 0] < 0.02 * variance
    assert predicted(answer, "Minibatch covariance").covariance[0, 0] == pytest.approx(variance, rel=1e-11)
    assert answer.reference is None
    assert answer.reference_note
    assert agree(answer.balance[2], 0.0)


@pytest.mark.slow
def test_batches_of_a_regression():
    """R-B5."""
    regression = FiniteSum(
        "(u*a + v*b - y)**2/2", {"u": [1.0, 1.0, 0.0], "v": [0.0, 1.0, 1.5], "y": [1.0, -0.5, 0.7]},
        variables=["a", "b"],
    )  # fmt: skip
    answer = stationary(regression, SGD(0.3, 2), paths=4096, steps=4096, seed=6)
    exact = np.array([[0.0266459130223, 0.00339076830592], [0.00339076830592, 0.0183644922596]])
    assert agree(answer.covariance, exact)
    assert bounded(answer)
    np.testing.assert_allclose(predicted(answer, "Minibatch covariance").covariance, exact, rtol=1e-11)


@pytest.mark.parametrize(
    ("sampling", "variance", "name"),
    [
        pytest.param("epoch_shuffle", 0.356373332501, "Epoch-shuffled variance", marks=pytest.mark.slow),
        ("with_replacement", 0.943548387097, "Minibatch covariance"),
    ],
)
def test_shuffled_epochs(sampling, variance, name):
    """R-B10: shuffled batches are looked at where epochs end."""
    centers = QuadraticSum([1.5] * 4, [0.0, 1.0, 3.0, -2.0])
    answer = stationary(centers, SGD(0.3, 1, sampling=sampling), paths=4096, steps=4096, seed=8)
    assert agree(answer.covariance, variance)
    assert bounded(answer)
    assert predicted(answer, name).covariance[0, 0] == pytest.approx(variance, rel=1e-11)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("convention", "variance", "tail"),
    [("ito", 0.125, 7), ("stratonovich", 1 / 6, 6), ("haenggi_klimontovich", 0.25, 5)],
)
def test_noise_that_grows_with_the_distance(convention, variance, tail):
    """R-B7: by formula, and by simulation at the step's own variance (see test_stationary_references)."""
    step = 0.02
    rule = SDE("0.1*(1 + 2*x**2)", step, convention=convention)
    answer = stationary(Potential("x**2/2"), rule, paths=4096, steps=16_000, seed=2)
    law = predicted(answer, "Multiplicative noise on a line")
    assert law.covariance[0, 0] == pytest.approx(variance, rel=1e-6)
    assert f"|x|^-{tail}" in law.why
    assert answer.reference.expectation(lambda x: x[:, 0] ** 2) == pytest.approx(variance, rel=1e-5)
    update = rule.update(Potential("x**2/2"))
    (slope,) = update.mean(np.array([1.0]))
    spread = update.sd(np.array([0.0, 1.0])) ** 2
    chain = spread[0] / (1 - slope**2 - (spread[1] - spread[0]))
    # Squares of the last one have no variance: an error from groups is then a guide only.
    if tail > 5:
        assert agree(answer.covariance, chain)
    distances = answer.compare()
    distances = distances[distances["quantity"].str.startswith("total") & (distances["answer"] == "exact")]
    assert (distances["low"] < 0.01).all()


@pytest.mark.slow
def test_weights_of_basins():
    """R-B8 by formula, and the chain's own shares by its exact density where noise is high."""
    line = styblinski_tang(dim=1)
    weights = predicted(
        stationary(line, SGLD(0.001, 5.0), paths=64, steps=320, exact=False), "Gibbs, Laplace's method"
    )
    left = weights.weights[int(np.argmin(weights.points[:, 0]))]
    assert left == pytest.approx(0.939569948702, abs=1e-11)
    tilted = Potential("x**2/2 + 0.5*cos(3*x) + 0.1*x")
    answer = stationary(tilted, SGLD(0.1, 0.3), paths=2048, steps=40_000, seed=3)
    assert answer.settled, answer.warnings
    assert len(answer.basins) == len(tilted.minima()) > 1
    rims = sorted(float(p.x[0]) for p in tilted.critical_points() if p.is_saddle)
    ends = [-np.inf, *rims, np.inf]
    for basin in answer.basins:
        k = int(np.searchsorted(rims, basin.x[0]))
        assert agree(basin.share, answer.reference.mass(ends[k], ends[k + 1]))
    assert sum(basin.share.value for basin in answer.basins) == pytest.approx(1.0)
    assert answer.transitions.sum() > 1000


@pytest.mark.slow
def test_a_chain_that_is_not_gibbs():
    """R-B9: E x^2 of the chain, not that of Gibbs."""
    waves = Potential("x**2/2 + cos(2*x)/2")
    answer = stationary(waves, SGLD(0.2, 0.5), of=["x", "x**2"], paths=4096, steps=32_000, every=64, seed=4)
    assert agree(answer.averages["x**2"], 0.967676449831)
    assert answer.averages["x**2"].error < 0.001
    assert not agree(answer.averages["x**2"], 0.963019153655)
    gibbs = predicted(answer, "Gibbs")
    assert gibbs.covariance[0, 0] == pytest.approx(0.963019153655, rel=1e-9)
    table = answer.compare()
    row = table[(table["quantity"] == "mean of x**2") & (table["answer"] == "exact")].iloc[0]
    assert row["value"] == pytest.approx(0.967676449831, rel=1e-9)
    far = table[table["quantity"].str.startswith("total")].set_index("answer")
    assert far.loc["exact", "verdict"] == "no difference seen"
    assert far.loc["Gibbs", "verdict"].endswith("different")


def test_learning_rate_and_batch_size_together():
    """B9: eta -> lambda eta, B -> lambda B leaves the law of the SDE; at finite eta variances grow by
    (2 - eta h) / (2 - lambda eta h), by more than 5 % from lambda eta h = 0.19 on."""
    h, eta = 2.0, 0.05
    base = stationary(
        LINE, SGD(eta, 4.0, noise="constant", covariance=1.0), paths=4096, steps=16_000, exact=False
    )
    for factor in (2.0, 8.0):
        rule = SGD(factor * eta, factor * 4.0, noise="constant", covariance=1.0)
        scaled = stationary(LINE, rule, paths=4096, steps=16_000, seed=1, exact=False)
        one, other = base.covariance[0, 0], scaled.covariance[0, 0]
        ratio = other.value / one.value
        error = ratio * np.hypot(one.error / one.value, other.error / other.value)
        assert abs(ratio - (2 - eta * h) / (2 - factor * eta * h)) < Z * error
        assert error < 0.01
        assert (abs(ratio - 1) > Z * error) == ((2 - eta * h) / (2 - factor * eta * h) > 1.05)


def test_a_round_cloud():
    """B2: with C = H / B the cloud of the chain is eta / B (2 I - eta H)^-1, nearly round."""
    answer = stationary(BOWL, SGD(0.1, 8.0, noise="hessian", floor=0), paths=2048, steps=12_000, exact=False)
    assert agree(answer.covariance, 0.1 / 8 * np.linalg.inv(2 * np.eye(2) - 0.1 * H))
    assert bounded(answer)


@pytest.mark.slow
def test_a_plane_with_two_basins():
    answer = stationary(
        Potential("(x**2 - 1)**2/4 + y**2/2 + x*y/4"), SGLD(0.1, 0.12), paths=1024, steps=20_000, exact=False
    )
    assert answer.settled, answer.warnings
    assert len(answer.basins) == 2
    assert agree(answer.basins[0].share, 0.5)
    gibbs = predicted(answer, "Gibbs")
    assert gibbs.density is not None


@pytest.mark.slow
def test_a_field_without_energy():
    """Rotation around 0: angular momentum 2 w S of x' = -x + w J x with S = D."""
    answer = stationary(DriftField(["-x - 2*y", "2*x - y"]), SDE(0.1, 0.005), "0", paths=2048, steps=20_000)
    turning = answer.angular_momentum
    exact = predicted(answer, "Circulation").value
    assert 2 * exact[0, 1] == pytest.approx(2 * 2 * 0.1, rel=1e-10)
    assert agree(turning[0, 1], 2 * exact[0, 1], allowance=0.02 * 0.4)
    assert answer.settled


def test_the_same_bits_however_it_is_run(monkeypatch):
    import simdyn.recorders.run as run_module

    def bits(threads):
        answer = stationary(
            BOWL, ANISOTROPIC, paths=3000, steps=2000, seed=9, exact=False, threads=threads, of=["x", "x*y"]
        )
        totals = answer.measurement.totals
        arrays = [getattr(totals, one.name) for one in dataclasses.fields(totals)]
        return [a.tobytes() for a in arrays if isinstance(a, np.ndarray)]

    first = bits(1)
    monkeypatch.setattr(run_module, "_CHUNK_NUMBERS", 1 << 10)
    assert bits(3) == first


def test_a_run_that_goes_on_is_the_longer_run():
    """With a target it is doubled; what counts is then what one long run counts."""
    rule = SGLD(0.02, 0.3)
    doubled = stationary(LINE, rule, paths=256, steps=200_000, target_error=0.004, exact=False, seed=5)
    assert doubled.settled
    assert doubled.averages["x"].ess > 0.004**-2
    assert doubled.measurement.steps < 200_000
    whole = stationary(
        LINE,
        rule,
        paths=256,
        steps=doubled.measurement.steps,
        every=doubled.measurement.every,
        exact=False,
        seed=5,
    )
    late = doubled.histogram["x"], whole.histogram["x"]
    assert agree(doubled.averages["x"], whole.averages["x"].value)
    np.testing.assert_array_equal(late[0].edges[[0, -1]] <= late[1].edges[[0, -1]] + 10, True)


def test_the_object_for_programs():
    answer = stationary(DOUBLE, SGLD(0.05, 0.15), paths=256, steps=4096)
    found = json.loads(json.dumps(answer.to_json(), allow_nan=False))
    assert set(found) >= {
        "estimate", "predictions", "reference", "problem", "seed", "backend", "steps_done", "seconds",
        "versions",
    }  # fmt: skip
    assert found["estimate"]["mean"]["x"]["value"] == pytest.approx(float(answer.mean.value[0]))
    assert len(found["estimate"]["basins"]) == 2
    tail = found["estimate"]["tails"]["x"]
    assert tail["value"] == pytest.approx(answer.tails["x"].value)
    # Quartic walls: no power-law tail.
    assert tail["low"] > 3
    assert found["reference"] is None


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"paths": 4}, "paths is 4"),
        ({"steps": 3}, "steps is 3"),
        ({"every": 0}, "every is 0"),
        ({"every": 500}, "every is 500"),
        ({"target_error": 2.0}, "target_error is 2.0"),
        ({"of": "1"}, "does not vary"),
        ({"dynamics": SGD(0.1, 1.0, noise="none")}, "no noise"),
        ({"dynamics": SGLD("0.1/(1 + step)", 0.1)}, "no stationary law"),
        ({"start": np.zeros((3, 1))}, "shape"),
        ({"bins": (-1, 1, 10**6)}, "number of bins"),
    ],
)
def test_refusals(change, words):
    settings = {"dynamics": SGLD(0.05, 0.15), "paths": 64, "steps": 1000, **change}
    with pytest.raises(InputError, match=words):
        stationary(DOUBLE, **settings)


@pytest.mark.parametrize("plane", [False, True])
def test_figures_are_drawn(plane, tmp_path):
    potential, rule = (BOWL, ANISOTROPIC) if plane else (DOUBLE, SGLD(0.05, 0.15))
    answer = stationary(potential, rule, paths=256, steps=4096, exact=False)
    answer.plot(str(tmp_path / "law.png"))
    assert (tmp_path / "law.png").stat().st_size > 10_000
    labels = [
        t.get_text()
        for axes in answer.plot().axes
        for t in (axes.get_legend() or axes).findobj()
        if hasattr(t, "get_text")
    ]
    assert any("measured" in label for label in labels)
