"""First passage of one-dimensional SDEs against published numbers, closed forms and symmetries."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from simdyn.errors import InputError
from simdyn.exact import NoReference, first_passage

ROOT = 3**-0.5


def quartic(x):
    """Drift of x**4/4 - x**2/2."""
    return x - x**3


def constant(value):
    return lambda x: np.full_like(x, value)


def rest_points(*coefficients):
    return np.sort(np.roots(coefficients).real)


TANG = rest_points(2, 0, -16, 2.5)
SHIFTED = rest_points(2, 0, -10, 2.5)


@pytest.mark.parametrize(
    ("noise", "end", "value"),
    [
        (0.05, 0.0, 361.903759501),
        (0.05, 1.0, 729.670691942),
        (0.1, 0.0, 30.8213024727),
        (0.1, 1.0, 66.2686263649),
    ],
)
def test_quartic_with_constant_noise(noise, end, value):
    (mean,) = first_passage(quartic, constant(noise), -1.0, upper=end)
    assert mean.value == pytest.approx(value, rel=2e-11)
    assert mean.error < 1e-9 * value
    assert mean.unit == "time"


def test_second_moment():
    mean, square = first_passage(quartic, constant(0.1), -1.0, upper=0.0, moments=2)
    assert square.value / mean.value**2 - 1 == pytest.approx(0.935844362885, rel=1e-10)


@pytest.mark.parametrize(("end", "value"), [(TANG[1], 367.619148102), (TANG[2], 754.006922950)])
def test_styblinski_tang_coordinate(end, value):
    (mean,) = first_passage(lambda x: -(2 * x**3 - 16 * x + 2.5), constant(5.0), TANG[0], upper=end)
    assert mean.value == pytest.approx(value, rel=1e-11)


@pytest.mark.parametrize(
    ("alpha", "hit", "commit"),
    [
        (0.0, 89.5982646145, 184.962239311),
        (0.5, 118.775892104, 243.009653125),
        (1.0, 159.777304059, 324.737478228),
    ],
)
def test_conventions_are_an_added_drift(alpha, hit, commit):
    def noise(x):
        return 0.05 * (1 + x**2)

    for end, value in ((0.0, hit), (1.0, commit)):
        (named,) = first_passage(quartic, noise, -1.0, upper=end, alpha=alpha)
        (added,) = first_passage(lambda x: quartic(x) + alpha * 0.1 * x, noise, -1.0, upper=end)
        assert named.value == pytest.approx(value, rel=1e-11)
        assert added.value == pytest.approx(named.value, rel=1e-11)


def test_a_missing_noise_induced_drift_is_seen():
    (ito,) = first_passage(quartic, lambda x: 0.05 * (1 + x**2), -1.0, upper=0.0)
    assert ito.value != pytest.approx(159.777304059, rel=0.3)


@pytest.mark.parametrize(("end", "value"), [(0.0, 59.0133603054), (1.0, 122.158737361)])
def test_noise_of_the_curvature_with_a_floor(end, value):
    (mean,) = first_passage(quartic, lambda x: 0.15 * np.sqrt((3 * x**2 - 1) ** 2 + 0.04), -1.0, upper=end)
    assert mean.value == pytest.approx(value, rel=1e-11)


@pytest.mark.parametrize(("alpha", "value"), [(0.0, 185.196021815), (1.0, 334.647293507)])
@pytest.mark.parametrize("breakpoints", [(-ROOT, ROOT), ()])
def test_noise_that_jumps(alpha, value, breakpoints):
    def noise(x):
        return np.where(np.abs(x) > ROOT, 0.1, 0.05)

    (mean,) = first_passage(quartic, noise, -1.0, upper=1.0, alpha=alpha, breakpoints=breakpoints)
    assert mean.value == pytest.approx(value, rel=1e-11)


# The published digits of this one come from a domain cut at -100, which costs 7e-11.
@pytest.mark.parametrize(("end", "value"), [(SHIFTED[1], 15158.949403), (SHIFTED[2], 30950.186145)])
def test_noise_with_power_law_tails(end, value):
    def noise(x):
        return 0.01 * ((6 * x**2 - 4) ** 2 + 108)

    (mean,) = first_passage(lambda x: -(2 * x**3 - 10 * x + 2.5), noise, SHIFTED[0], upper=end)
    assert mean.value == pytest.approx(value, rel=1e-10)


def test_noise_proportional_to_the_loss():
    (mean,) = first_passage(quartic, lambda x: 0.25 * (x**4 / 4 - x**2 / 2 + 0.3), -1.0, upper=1.0)
    assert mean.value == pytest.approx(13383.3974593, rel=1e-11)


def test_brownian_motion_between_two_ends():
    mean, square = first_passage(constant(0.0), constant(1.0), 0.3, lower=-1.0, upper=1.0, moments=2)
    assert mean.value == pytest.approx((1 - 0.09) / 2, rel=1e-13)
    # v'' = -2 u with u = (1 - x^2)/2 gives v = (5 - 6 x^2 + x^4)/12.
    assert square.value == pytest.approx((5 - 6 * 0.09 + 0.3**4) / 12, rel=1e-13)


def test_barriers_of_600_noise_units_do_not_overflow():
    noise = 0.25 / 600
    (mean,) = first_passage(quartic, constant(noise), -1.0, upper=0.0)
    kramers = math.pi / math.sqrt(2) * math.exp(600)
    assert mean.value == pytest.approx(kramers * (1 + 1.5 * noise), rel=1e-5)
    assert mean.error < 1e-10 * mean.value


def test_beyond_double_precision_is_refused():
    with pytest.raises(NoReference, match="10\\^348"):
        first_passage(quartic, constant(0.25 / 800), -1.0, upper=0.0)


def test_a_second_well_behind_the_open_side_is_not_missed():
    """Wells at -2, 0 and 1.5: the deepest holds the path back although a barrier hides it."""

    def drift(x):
        return -(x + 2) * (x + 1) * x * (x - 1) * (x - 1.5)

    (whole,) = first_passage(drift, constant(0.2), 0.0, upper=1.0)
    (walled,) = first_passage(drift, constant(0.2), 0.0, upper=1.0, lower=-1.0)
    assert whole.value > 20 * walled.value


@settings(max_examples=25)
@given(noise=st.floats(0.03, 0.5), start=st.floats(-1.4, -0.4), nearer=st.floats(-0.3, 0.9))
def test_later_exits_take_longer_and_mirrors_agree(noise, start, nearer):
    (near,) = first_passage(quartic, constant(noise), start, upper=nearer)
    (far,) = first_passage(quartic, constant(noise), start, upper=nearer + 0.05)
    (mirrored,) = first_passage(quartic, constant(noise), -start, lower=-nearer)
    assert far.value > near.value
    assert mirrored.value == pytest.approx(near.value, rel=1e-10)


@settings(max_examples=25)
@given(noise=st.floats(0.05, 0.5), height=st.floats(0.5, 2.0), more=st.floats(1.02, 1.3))
def test_higher_barriers_take_longer(noise, height, more):
    # From the minimum, so that a steeper way down shortens nothing.
    times = [
        first_passage(lambda x, h=h: h * quartic(x), constant(noise), -1.0, upper=0.0)[0].value * h
        for h in (height, height * more)
    ]
    assert times[1] > times[0]


@settings(max_examples=25)
@given(scale=st.floats(0.2, 5.0), speed=st.floats(0.1, 10.0), alpha=st.sampled_from([0.0, 0.5, 1.0]))
def test_units_of_length_and_time(scale, speed, alpha):
    def noise(x):
        return 0.08 * (1 + 0.5 * x**2)

    (plain,) = first_passage(quartic, noise, -1.0, upper=0.2, lower=-1.7, alpha=alpha)
    (scaled,) = first_passage(
        lambda y: speed * scale * quartic(y / scale),
        lambda y: speed * scale**2 * noise(y / scale),
        -scale,
        upper=0.2 * scale,
        lower=-1.7 * scale,
        alpha=alpha,
    )
    assert scaled.value * speed == pytest.approx(plain.value, rel=1e-10)


def test_noise_that_vanishes_on_the_way_is_an_infinite_time():
    with pytest.raises(InputError, match=r"infinite: its noise vanishes at x = -0\.57735"):
        first_passage(quartic, lambda x: 0.1 * np.abs(3 * x**2 - 1), -1.0, upper=0.0)


def test_the_time_grows_with_the_power_of_the_floor():
    """T ~ floor**(-2 mu) with mu = g / (D' at the zero), a squared Bessel process of dimension 2 mu."""
    strength = 0.1
    mu = (ROOT - ROOT**3) / (strength * 6 * ROOT)
    logs = [
        math.log(
            first_passage(
                quartic, lambda x, f=f: strength * np.sqrt((3 * x**2 - 1) ** 2 + f**2), -1.0, upper=0.0
            )[0].value
        )
        for f in (1e-3, 1e-4)
    ]
    assert (logs[1] - logs[0]) / math.log(10) == pytest.approx(2 * mu, abs=0.03)


def test_noise_that_vanishes_behind_ends_the_domain():
    def noise(x):
        return 0.1 * np.abs(3 * x**2 - 1)

    (literal,) = first_passage(quartic, noise, -1.0, lower=-2.0)
    (floored,) = first_passage(quartic, lambda x: np.sqrt(noise(x) ** 2 + 1e-16), -1.0, lower=-2.0, upper=0.5)
    assert floored.value == pytest.approx(literal.value, rel=1e-4)


@pytest.mark.parametrize("drift", [constant(0.0), constant(-1.0), np.sin, lambda x: 0.05 * x])
def test_sides_that_do_not_confine_are_refused(drift):
    with pytest.raises(InputError, match=r"infinite|exact|too long"):
        first_passage(drift, constant(1.0), 0.5, upper=1.0)


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        ({"upper": -2.0}, "not inside"),
        ({}, "no exit"),
    ],
)
def test_impossible_intervals(arguments, text):
    with pytest.raises(InputError, match=text):
        first_passage(quartic, constant(0.1), -1.0, **arguments)


def test_negative_noise_is_named():
    with pytest.raises(InputError, match="negative at x"):
        first_passage(quartic, lambda x: 0.1 + x, -0.05, lower=-1.0, upper=1.0)
