"""SDEs in the plane against published values, one-dimensional answers, Gibbs laws and symmetries."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from potentials import DriftField, Potential, double_well, quadratic
from simdyn.dynamics import SDE, SGD
from simdyn.exact import (
    NoReference,
    committor,
    escape_moments,
    escape_time,
    first_passage,
    quasi_stationary,
    spectral_gap,
    stationary_density,
)
from simdyn.exact.closed_coordinate import closed_coordinate
from simdyn.exact.plane import plane_moments, richardson
from simdyn.exact.plane_mesh import Box, Diffusion, PlaneMesh
from simdyn.exits import resolve_exit

SWIRL = DriftField(["-(x**3 - x) + 2*y", "-2*y - (x**3 - x)"], variables=["x", "y"])
BENT = Potential("(x**2 - 1)**2/4 + (y + (x**2 - 1)/2)**2")
BOWL_BESIDE = Potential("x**4/4 - x**2/2 + y**2")


@pytest.mark.parametrize(
    ("landscape", "noise", "value"), [(SWIRL, 0.1, 40.5973427), (BENT, [0.08, 0.2], 81.955172)]
)
def test_published_values(landscape, noise, value):
    found = escape_time(landscape, SDE(noise, 0.01), [-1.0, 0.0], "x >= 1")
    assert found.value == pytest.approx(value, rel=2e-8)
    # The published digits are good to 1e-8.
    assert abs(found.value - value) < found.error + 1e-8 * value
    assert found.error < 1e-5 * value
    assert found.unit == "time"


def test_curvature_shaped_noise_on_a_cylinder():
    """A full tensor that varies from point to point, on a domain that is closed in y."""
    landscape = Potential("1 - cos(x) + 1 - cos(y - cos(x))")
    law = SDE.limit_of(SGD(0.1, 1 / 14, noise="hessian", floor=1.1)).law(landscape, np.zeros(2))
    problem = Diffusion(
        lambda x: law.drift_at(x) / law.step,
        lambda x: law.factor_at(x) @ law.factor_at(x).swapaxes(1, 2) / (2 * law.step),
        lambda x: np.full(len(x), -1),
    )
    box = Box(np.array([-np.pi, 0.0]), np.array([np.pi, 2 * np.pi]), ((0, 0), (-1, -1)), periodic=True)
    values = []
    levels = (40, 60, 80, 120)
    for n in levels:
        mesh = PlaneMesh(problem, box, (n, n), np.array([0.0, 1.0]))
        times = mesh.solver.solve(np.ones(len(mesh.states)))
        values.append([mesh.value_at(times, np.array([0.0, 1.0]), np.zeros(1))])
    limit, error = richardson(levels, np.array(values), smooth=True)
    assert limit[0] == pytest.approx(15.4205123, rel=1e-5)
    assert abs(limit[0] - 15.4205123) < 10 * error[0] + 1e-7


def test_a_coordinate_that_repeats_itself_is_closed():
    """R-C14 by the public call."""
    landscape = Potential("1 - cos(x) + 1 - cos(y - cos(x))")
    dynamics = SDE.limit_of(SGD(0.1, 1 / 14, noise="hessian", floor=1.1))
    found = escape_time(landscape, dynamics, [0.0, 1.0], f"(x >= {math.pi}) | (x <= {-math.pi})")
    assert found.value == pytest.approx(15.4205123, rel=1e-5)
    assert abs(found.value - 15.4205123) < 10 * found.error + 1e-7
    # The same a period on, and with the coordinates the other way round.
    turned = Potential("1 - cos(y) + 1 - cos(x - cos(y))", variables=["x", "y"])
    for law, start, exit in (
        (landscape, [0.0, 1.0 + 2 * math.pi], f"(x >= {math.pi}) | (x <= {-math.pi})"),
        (turned, [1.0, 0.0], f"(y >= {math.pi}) | (y <= {-math.pi})"),
    ):
        assert escape_time(law, dynamics, start, exit).value == pytest.approx(found.value, rel=1e-7)


@pytest.mark.slow
def test_a_wave_beside_a_well_changes_nothing():
    """A double well in x and an independent wave in y, with skew noise of one strength in x: alone in x."""
    landscape = Potential("x**4/4 - x**2/2 + 0.1*sin(3*y)")
    dynamics = SDE([[0.1, 0.04], [0.04, 0.08]], 0.01)
    found = escape_time(landscape, dynamics, [-1.0, 0.3], "x >= 0")
    (alone,) = first_passage(lambda x: x - x**3, lambda x: 0.1 + 0 * x, -1.0, upper=0.0)
    assert found.value == pytest.approx(alone.value, rel=1e-5)
    up = committor(landscape, dynamics, [-0.3, 0.3], "x >= 1", "x <= -1")
    line = committor(Potential("x**4/4 - x**2/2"), SDE(0.1, 0.01), [-0.3], "x >= 1", "x <= -1")
    assert up.value == pytest.approx(line.value, rel=1e-5)


@pytest.mark.parametrize(
    ("formula", "noise", "exit", "closed"),
    [
        ("x**2 + 0.1*sin(3*y + x)", 0.1, "x >= 2", (1, 2 * math.pi / 3)),
        ("-cos(y) - cos(x)", 0.1, "y >= 2", (0, 2 * math.pi)),
        ("-cos(y) - cos(x)", "0.1*(2 + sin(y))", "x >= 2", (1, 2 * math.pi)),
        # An exit that depends on both, a slope that goes on, noise that tells periods apart, and a wave of
        # no period.
        ("-cos(y) - cos(x)", 0.1, "x + y >= 3", None),
        ("x**2 + 0.1*sin(3*y + x) + 0.01*y", 0.1, "x >= 2", None),
        ("x**2 + 0.1*sin(3*y + x)", "0.1*(1 + 0.1*tanh(y))", "x >= 2", None),
        ("x**2 + 0.1*sin(y**2)", 0.1, "x >= 2", None),
        ("x**2 + 0.1*y**4", 0.1, "x >= 2", None),
    ],
)
def test_which_coordinate_is_closed(formula, noise, exit, closed):
    landscape, start = Potential(formula, variables=["x", "y"]), np.array([0.0, 0.1])
    law = SDE(noise, 0.01).law(landscape, start)
    found = closed_coordinate(landscape, law, start, [resolve_exit(exit, landscape, start)])
    assert found == (None if closed is None else pytest.approx(closed))


def test_a_swirl_around_a_cylinder():
    """A drift without an energy that carries paths round and round, which the time to leave in x ignores."""
    field = DriftField(["x - x**3", "1 + 0.5*cos(y)"], variables=["x", "y"])
    start, dynamics = [-1.0, 0.0], SDE([[0.1, 0.03], [0.03, 0.1]], 0.01)
    law = dynamics.law(field, np.array(start))
    assert closed_coordinate(field, law, np.array(start), [resolve_exit("x >= 0", field, np.array(start))])
    (alone,) = first_passage(lambda x: x - x**3, lambda x: 0.1 + 0 * x, -1.0, upper=0.0)
    assert escape_time(field, dynamics, start, "x >= 0").value == pytest.approx(alone.value, rel=1e-5)


@pytest.mark.slow
def test_two_moments_beside_a_bowl():
    mean, square = escape_moments(BOWL_BESIDE, SDE([[0.1, 0.02], [0.02, 0.07]], 0.01), [-1.0, 0.3], "x >= 0")
    alone, both = first_passage(lambda x: x - x**3, lambda x: 0.1 + 0 * x, -1.0, upper=0.0, moments=2)
    assert mean.value == pytest.approx(alone.value, rel=1e-6)
    assert square.value == pytest.approx(both.value, rel=1e-6)


def test_first_of_two_coordinates():
    """The corner of two walls, against the product of survival functions."""
    start = np.array([-1.0, -1.0])
    way_out = resolve_exit("(x1 >= 0) | (x2 >= 0)", double_well(2), start)
    dynamics = SDE(0.1, 0.01)
    mean, square = plane_moments(dynamics.law(double_well(2), start), start, way_out, 2, np.zeros((0, 2)))
    exact = escape_moments(double_well(2), dynamics, start, "(x1 >= 0) | (x2 >= 0)")
    assert mean.value == pytest.approx(exact[0].value, rel=1e-6)
    assert square.value == pytest.approx(exact[1].value, rel=1e-6)


@pytest.mark.slow
@settings(max_examples=2)
@given(angle=st.floats(1e-3, 6.28), across=st.floats(0.02, 0.3))
def test_rotated_separable_problems(angle, across):
    """A full tensor and an oblique exit that are a rotation of a product."""
    c, s = math.cos(angle), math.sin(angle)
    x, y = f"({c}*u + {s}*v)", f"({c}*v - {s}*u)"
    landscape = Potential(f"{x}**4/4 - {x}**2/2 + {y}**2 + {y}**4/4")
    turn = np.array([[c, -s], [s, c]])
    noise = turn @ np.diag([0.1, across]) @ turn.T
    found = escape_time(landscape, SDE(noise.tolist(), 0.01), turn @ [-1.0, 0.2], f"{x} >= 0")
    assert found.value == pytest.approx(30.8213024727, rel=2e-6)
    assert abs(found.value - 30.8213024727) < found.error + 1e-10


@pytest.mark.parametrize("shear", [0.35, -2.4])
def test_sheared_separable_problem_on_a_fixed_grid(shear):
    """u = x, v = y + shear x: Selling's directions at work, with a known answer."""

    def drift(w):
        x, y = w[:, 0], w[:, 1] - shear * w[:, 0]
        fx = x - x**3
        return np.stack([fx, -2 * y + shear * fx], axis=1)

    tensor = np.array([[0.1, 0.1 * shear], [0.1 * shear, 0.05 + 0.1 * shear**2]])
    half = 1.2 + 2.1 * abs(shear)
    problem = Diffusion(
        drift, lambda w: np.broadcast_to(tensor, (len(w), 2, 2)), lambda w: np.full(len(w), -1)
    )
    box = Box(np.array([-2.3, -half]), np.array([0.0, half]), ((-1, 0), (-1, -1)))
    start = np.array([-1.0, -shear])
    levels = (40, 60, 80, 120)
    values = []
    for n in levels:
        mesh = PlaneMesh(problem, box, (n, n), start)
        assert (mesh.rates.data > 0).all()
        times = mesh.solver.solve(np.ones(len(mesh.states)))
        values.append([mesh.value_at(times, start, np.zeros(1))])
    limit, _ = richardson(levels, np.array(values), smooth=True)
    assert limit[0] == pytest.approx(30.8213024727, rel=1e-5)


@pytest.mark.slow
def test_brownian_motion_in_a_disc():
    """A curved exit: (1 - r^2)/(4 D), and the first zero of J_0 for the rate."""
    flat = Potential("c*(x**2 + y**2)", parameters={"c": 1e-12})
    found = escape_time(flat, SDE(0.5, 0.01), [0.3, -0.2], "x**2 + y**2 >= 1")
    exact = (1 - 0.13) / 2
    assert found.value == pytest.approx(exact, rel=1e-3)
    assert abs(found.value - exact) < found.error
    rate, law = quasi_stationary(flat, SDE(0.5, 0.01), [0.0, 0.0], "x**2 + y**2 >= 1")
    assert rate.value == pytest.approx(2.404825557695773**2 / 2, rel=2e-3)
    assert abs(rate.value - 2.404825557695773**2 / 2) < rate.error
    assert law([0.0, 1.2]) == 0


def test_times_beyond_any_simulation_keep_their_digits():
    """A barrier of 50 D, at a pass where no time is spent; the elimination never subtracts."""
    found = escape_time(BENT, SDE(0.005, 0.01), [-1.0, 0.0], "x >= 1")
    assert found.value > 1e22
    # Eyring-Kramers with its first correction is of order D away.
    hessians = [BENT.hessian(np.array(p)) for p in ([-1.0, 0.0], [0.0, 0.5])]
    low = np.linalg.eigvalsh(hessians[1])[0]
    kramers = 2 * np.pi / -low * math.sqrt(-np.linalg.det(hessians[1]) / np.linalg.det(hessians[0]))
    assert found.value == pytest.approx(kramers * math.exp(0.25 / 0.005), rel=0.03)


def test_committor_of_a_flat_strip_and_of_a_double_well():
    flat = Potential("c*x**2 + y**2", parameters={"c": 1e-12})
    found = committor(flat, SDE([[1.0, 0.3], [0.3, 0.5]], 0.01), [0.25, 0.1], "x >= 2", "x <= -1")
    assert found.value == pytest.approx(1.25 / 3, rel=1e-7)
    well = committor(BOWL_BESIDE, SDE(0.1, 0.01), [-0.3, 0.2], "x >= 1", "x <= -1")
    assert well.value == pytest.approx(0.200839635100, rel=1e-7)
    assert abs(well.value - 0.200839635100) < well.error
    back = committor(BOWL_BESIDE, SDE(0.1, 0.01), [-0.3, 0.2], "x <= -1", "x >= 1")
    assert well.value + back.value == pytest.approx(1.0, abs=1e-9)


def test_gibbs_in_a_bent_valley():
    law = stationary_density(BENT, SDE(0.15, 0.01))
    x = np.array([[-1.0, 0.0], [0.0, 0.5], [1.2, -0.3], [0.5, 0.9]])
    ratio = np.exp(-(BENT.energy(x) - BENT.energy(x[0])) / 0.15)
    assert law(x) / law(x[0]) == pytest.approx(ratio, rel=1e-9)
    # At the nodes, without interpolation, the scheme has the law of Gibbs to rounding.
    heavy = law.values > 1e-6 * law.values.max()
    gibbs = np.exp(-BENT.energy(law.points[heavy]) / 0.15)
    assert np.ptp(law.values[heavy] / gibbs) < 1e-7 * (law.values[heavy] / gibbs).mean()
    assert law.expectation(lambda p: np.ones(len(p))) == pytest.approx(1.0, rel=1e-9)
    assert law.expectation(lambda p: p[:, 0]) == pytest.approx(0.0, abs=1e-6)


def test_linear_system_out_of_equilibrium():
    """Covariance from the Lyapunov equation, rate from the drift."""
    landscape = quadratic(2)
    matrix = np.array([[3.0, 1.0], [1.0, 2.0]])
    field = DriftField([f"-({r[0]}*x + {r[1]}*y)" for r in matrix], variables=["x", "y"])
    noise = SDE([[0.1, 0.02], [0.02, 0.05]], 0.01)
    law = stationary_density(field, noise)
    covariance = [law.expectation(lambda p, i=i, j=j: p[:, i] * p[:, j]) for i, j in ((0, 0), (0, 1), (1, 1))]
    assert covariance == pytest.approx([0.0348, -0.0044, 0.0272], rel=1e-5)
    gap = spectral_gap(field, noise)
    assert gap.value == pytest.approx((5 - math.sqrt(5)) / 2, rel=1e-6)
    assert landscape.dim == 2


def test_quasi_stationary_law_beside_a_bowl():
    rate, law = quasi_stationary(BOWL_BESIDE, SDE(0.1, 0.01), [-1.0, 0.0], "x >= 0")
    alone, line = quasi_stationary(double_well(), SDE(0.1, 0.01), -1.0, "x >= 0")
    assert rate.value == pytest.approx(alone.value, rel=1e-7)
    x = np.array([-1.4, -0.9, -0.4])
    product = line(x) * math.sqrt(10 / math.pi) * math.exp(-10 * 0.04)
    found = law(np.stack([x, 0 * x + 0.2], axis=1))
    assert found == pytest.approx(product, rel=1e-5)
    assert (np.abs(found - product) < law.error).all()
    # The weights know that the law falls to zero at the wall with a slope.
    place = line.expectation(lambda p: p[:, 0])
    assert law.expectation(lambda p: p[:, 0]) == pytest.approx(place, rel=1e-5)


@pytest.mark.slow
@settings(max_examples=2)
@given(end=st.floats(-0.4, 0.6), more=st.floats(0.05, 0.5), curl=st.floats(-1.0, 1.0))
def test_a_wider_domain_takes_longer(end, more, curl):
    field = DriftField(
        ["-(x**3 - x) + c*2*y", "-2*y - c*(x**3 - x)"], variables=["x", "y"], parameters={"c": curl}
    )
    near, far = (escape_time(field, SDE(0.15, 0.01), [-1.0, 0.0], f"x >= {e}") for e in (end, end + more))
    assert near.value + near.error < far.value - far.error


@pytest.mark.parametrize(
    ("landscape", "noise", "exit", "text"),
    [
        (Potential("-x**2/2 - y**2/2 + x*y/10"), 0.1, "x >= 1", "not confined|beyond"),
        (BOWL_BESIDE, [[0.1, 0.1], [0.1, 0.1]], "x >= 0", "vanishes in some direction"),
        (BENT, 0.0001, "x >= 1", "beyond 1e\\+296"),
    ],
)
def test_what_has_no_answer_says_why(landscape, noise, exit, text):
    with pytest.raises(NoReference, match=text):
        escape_time(landscape, SDE(noise, 0.01), [-1.0, 0.0], exit)


@pytest.mark.slow
@pytest.mark.parametrize(("bend", "limit"), [(1.0, 7.0), (0.5, 17.1)])
def test_noise_that_nearly_vanishes_across_a_bent_valley(bend, limit):
    """|H| with a floor of 0.2: close to the limit without, since transverse noise carries paths across."""
    landscape = Potential("(x**2 - 1)**2/4 + (y + c*(x**2 - 1))**2", parameters={"c": bend})
    rule = SGD(0.3, 1.0, noise="hessian", floor=0.2)
    found = escape_time(landscape, SDE.limit_of(rule), [-1.0, 0.0], "x >= 1")
    assert found.value == pytest.approx(limit, rel=0.06)
    assert found.error < 1e-3 * found.value
