"""What all closed forms share: sweeps, verdicts point by point, refusals."""

import numpy as np
import pytest

from potentials import double_well, tilted_well
from simdyn import theory
from simdyn.dynamics import SDE, SGLD
from simdyn.errors import InputError


def test_verdicts_have_the_shape_of_the_sweep():
    noise = np.array([[0.02], [0.05], [1.0]])
    found = theory.kramers_time(0.25, np.array([2.0, 3.0]), 1.0, noise)
    assert found.value.shape == found.valid.shape == found.why.shape == (3, 2)
    assert found.valid.tolist() == [[True, True], [True, True], [False, False]]
    assert found.why[2, 0] == "Barrier over noise is 0.25, the formula needs at least 3."
    for i, j in np.ndindex(3, 2):
        one = theory.kramers_time(0.25, [2.0, 3.0][j], 1.0, float(noise[i, 0]))
        assert isinstance(one.value, float)
        assert isinstance(one.valid, bool)
        assert (one.value, one.valid, one.why) == (found.value[i, j], found.valid[i, j], found.why[i, j])


def test_problems_are_swept_over_arrays_of_dynamics_and_potentials():
    rules = [SDE(noise, 0.01) for noise in (0.02, 0.05, 1.0)]
    wells = [[double_well()], [tilted_well(tilt=0.05)]]
    found = theory.kramers(wells, rules, "x=-1", "valley")
    assert found.value.shape == (2, 3)
    assert found.valid.tolist() == [[True, True, False]] * 2
    for i, j in np.ndindex(2, 3):
        one = theory.kramers(wells[i][0], rules[j], "x=-1", "valley")
        assert one.value == found.value[i, j]
        assert one.why == found.why[i, j]


def test_a_value_beyond_double_precision_is_infinite_and_not_valid():
    found = theory.kramers_time(np.array([1.0, 100.0]), 1.0, 1.0, 0.1)
    assert np.isfinite(found.value).tolist() == found.valid.tolist() == [True, False]
    assert "beyond double precision" in found.why[1]


SADDLE, FLAT_SADDLE = np.diag([-1.0, 2.0]), np.diag([0.0, -1.0])


@pytest.mark.parametrize(
    ("call", "value", "text"),
    [
        (lambda: theory.kramers_time(-1.0, 1.0, 1.0, 0.1), np.nan, "The barrier is -1 and not positive"),
        (lambda: theory.kramers_time(0.0, 1.0, 1.0, 0.1), np.nan, "The barrier is 0"),
        (lambda: theory.kramers_time(1.0, 0.0, 1.0, 0.1), np.nan, "The curvature of the minimum is 0"),
        (lambda: theory.kramers_time(1.0, 1.0, 0.0, 0.1), np.nan, "The curvature of the saddle is 0"),
        (lambda: theory.kramers_time(1.0, 1.0, 1.0, 0.0), np.inf, "The noise vanishes, so that paths never"),
        (lambda: theory.kramers_time(0.0, 1.0, 1.0, 0.0), np.nan, "The barrier is 0"),
        (
            lambda: theory.eyring_kramers_time(1.0, np.eye(2), np.eye(2), 0.1),
            np.nan,
            "one negative eigenvalue",
        ),
        (lambda: theory.eyring_kramers_time(1.0, np.eye(2), FLAT_SADDLE, 0.1), np.nan, "none of zero"),
        (lambda: theory.eyring_kramers_time(1.0, np.diag([1.0, 0]), SADDLE, 0.1), np.nan, "eigenvalue 0"),
        (lambda: theory.eyring_kramers_time(1.0, np.eye(2), SADDLE, 0.0), np.inf, "never leave"),
        (
            lambda: theory.eyring_kramers_time([1.0, -1.0], np.eye(2), [SADDLE] * 2, 0.1),
            np.nan,
            "barrier is -1",
        ),
        (lambda: theory.langer_time(1.0, np.diag([1.0, 0]), SADDLE, np.eye(2), 0.1), np.nan, "eigenvalue 0"),
        (lambda: theory.langer_time(1.0, np.eye(2), FLAT_SADDLE, np.eye(2), 0.1), np.nan, "none of zero"),
        (lambda: theory.langer_time(1.0, np.eye(2), SADDLE, np.eye(2), 0.0), np.inf, "temperature vanishes"),
        (lambda: theory.bouchet_reygner_time(1.0, np.eye(2), np.eye(2), 1.0, 0.1), np.nan, "one negative"),
        (lambda: theory.bouchet_reygner_time(1.0, np.eye(2), SADDLE, 1.0, 0.0), np.inf, "never leave"),
        (lambda: theory.xie2021_time(-1.0, 1.0, 1.0, 0.1, 1.0, 0.5), np.nan, "barrier is -1"),
        (lambda: theory.xie2021_time(1.0, 1.0, 0.0, 0.1, 1.0, 0.5), np.nan, "curvature of the saddle is 0"),
        (lambda: theory.underdamped_kramers_time(1.0, 1.0, 0.0, 0.1, 1.0), np.nan, "curvature of the saddle"),
        (lambda: theory.underdamped_kramers_time(1.0, 1.0, 1.0, 0.0, 1.0), np.inf, "temperature vanishes"),
        (lambda: theory.mori2022_time(0.0, 1.0, 1.0, 1.0, 0.1), np.inf, "collapse onto it"),
        (
            lambda: theory.mori2022_time(1.0, 0.5, 1.0, 1.0, 0.1),
            np.nan,
            "not greater than that at the minimum",
        ),
    ],
)
@pytest.mark.filterwarnings("error")
def test_physics_without_a_value_is_a_prediction_that_is_not_valid(call, value, text):
    found = call()
    assert not found.valid
    assert found.value == value or (np.isnan(value) and np.isnan(found.value))
    assert text in found.why


def test_one_point_without_a_value_leaves_the_others_of_a_sweep_alone():
    found = theory.kramers_time([-1.0, 0.5, 1.0], 1.0, [[1.0], [0.0]], 0.1)
    assert found.valid.tolist() == [[False, True, True], [False, False, False]]
    assert np.isnan(found.value[0, 0])
    assert np.isnan(found.value[1]).all()
    assert found.value[0, 2] == theory.kramers_time(1.0, 1.0, 1.0, 0.1).value


@pytest.mark.parametrize(
    ("call", "text"),
    [
        (
            lambda: theory.kramers_time(1.0, 1.0, 1.0, -0.1),
            "noise contains -0.1, but it must be finite and at",
        ),
        (lambda: theory.kramers_time(np.nan, 1.0, 1.0, 0.1), "barrier contains nan, but it must be finite"),
        (lambda: theory.kramers_time("high", 1.0, 1.0, 0.1), "must be a number or an array"),
        (lambda: theory.kramers_time([1.0, 2.0], [1.0, 2.0, 3.0], 1.0, 0.1), "do not broadcast"),
        (lambda: theory.kramers_time(1.0, 1.0, 1.0, 0.1, convention="anti"), "convention is 'anti'"),
        (lambda: theory.kramers_time(1.0, 1.0, 1.0, 0.1, noise_saddle=0.2), "exponent="),
        (lambda: theory.ou_covariance([[1.0, 0.0]], 1.0), "square matrices"),
        (lambda: theory.ou_covariance(np.eye(2), np.eye(3)), "do not fit"),
        (lambda: theory.ou_covariance(np.eye(2), [[1.0, 0.5], [0.0, 1.0]]), "not symmetric"),
        (lambda: theory.ou_covariance(1.0, -1.0), "eigenvalue -1"),
        (lambda: theory.kramers([], [], 0, "valley"), "empty"),
        (
            lambda: theory.kramers(double_well(), [SDE(0.05, 0.01), SGLD(0.01, 0.05)], "x=-1", "valley"),
            "steps and times",
        ),
        (lambda: theory.mori2022_time(-1.0, 1.0, 1.0, 1.0, 0.1), "loss_minimum contains -1"),
        (lambda: theory.imkeller_pavlyukevich_time(2.0, 0.1, 1.0), "below 2"),
        (lambda: theory.imkeller_pavlyukevich_time(1.5, 0.1, np.inf), "no exit"),
        (lambda: theory.kesten([]), "empty"),
        (lambda: theory.gibbs(double_well(2), 0.1, within=(0, 1)), "one variable"),
        (lambda: theory.gibbs(double_well(), 0.1), "Say what"),
        (lambda: theory.gibbs(double_well(), 0.1, of="x*y"), "contains y"),
        (lambda: theory.sgd_covariance(1.0, 1.0, 0.1, momentum=1.0), "below 1"),
        (lambda: theory.minibatch_covariance([1.0, 2.0], [0.0, 1.0], 0.1, 3), "there are 2 samples"),
        (lambda: theory.occupation([[0.0, -1.0], [1.0, 0.0]]), "rates contains -1"),
        (lambda: theory.flux_over_population(1.0, 0.0), "flux contains 0"),
    ],
)
def test_refusals(call, text):
    with pytest.raises(InputError, match=text):
        call()
