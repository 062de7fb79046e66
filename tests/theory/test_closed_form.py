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


@pytest.mark.parametrize(
    ("call", "text"),
    [
        (
            lambda: theory.kramers_time(-1.0, 1.0, 1.0, 0.1),
            "barrier contains -1, but it must be finite and gre",
        ),
        (lambda: theory.kramers_time("high", 1.0, 1.0, 0.1), "must be a number or an array"),
        (lambda: theory.kramers_time([1.0, 2.0], [1.0, 2.0, 3.0], 1.0, 0.1), "do not broadcast"),
        (lambda: theory.kramers_time(1.0, 1.0, 1.0, 0.1, convention="anti"), "convention is 'anti'"),
        (lambda: theory.kramers_time(1.0, 1.0, 1.0, 0.1, noise_saddle=0.2), "exponent="),
        (lambda: theory.ou_covariance([[1.0, 0.0]], 1.0), "square matrices"),
        (lambda: theory.ou_covariance(np.eye(2), np.eye(3)), "do not fit"),
        (lambda: theory.ou_covariance(np.eye(2), [[1.0, 0.5], [0.0, 1.0]]), "not symmetric"),
        (lambda: theory.ou_covariance(1.0, -1.0), "eigenvalue -1"),
        (lambda: theory.eyring_kramers_time(1.0, np.eye(2), np.eye(2), 0.1), "one negative eigenvalue"),
        (lambda: theory.kramers([], [], 0, "valley"), "empty"),
        (
            lambda: theory.kramers(double_well(), [SDE(0.05, 0.01), SGLD(0.01, 0.05)], "x=-1", "valley"),
            "steps and times",
        ),
        (lambda: theory.mori2022_time(0.0, 1.0, 1.0, 1.0, 0.1), "loss_minimum contains 0"),
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
