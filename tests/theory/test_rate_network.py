"""Rates between several wells: against the escape formula, exact answers, products, and simulation."""

import numpy as np
import pytest

from potentials import (
    InputError,
    coupled_chain,
    double_well,
    muller_brown,
    quadratic,
    styblinski_tang,
    three_wells,
    three_wells_ring,
)
from simdyn import exact, theory
from simdyn.dynamics import SDE
from simdyn.questions import simulate


def test_three_wells_in_a_row():
    """All rates equal: a third each, not the share of escape times."""
    network = theory.rate_network(three_wells(), 0.05)
    middle = network.well_of([0.1])
    assert network.occupation.value == pytest.approx([1 / 3] * 3, rel=1e-12)
    by_times = theory.xie2021_occupation(network.residence_times.value).value
    assert by_times[middle] == pytest.approx(0.2, rel=1e-9)
    assert np.delete(by_times, middle) == pytest.approx([0.4, 0.4], rel=1e-9)
    # Eigenvalues 0, k, 3k with 1/k the residence at an end; across both barriers it takes 3 of these.
    end = network.residence_times.value.max()
    assert network.relaxation_time.value == pytest.approx(end, rel=1e-9)
    one, other = np.delete(np.arange(3), middle)
    assert network.times_to(int(one))[other] == pytest.approx(3 * end, rel=1e-9)
    assert network.passage_times.value[other, one] == network.times_to(int(one))[other]


@pytest.mark.parametrize(("landscape", "noise"), [(three_wells(), 0.05), (three_wells_ring(), 0.2)])
def test_residence_is_the_commit_time(landscape, noise):
    network = theory.rate_network(landscape, noise)
    for i, minimum in enumerate(network.graph.minima):
        commit = theory.eyring_kramers(landscape, SDE(noise, 0.01), minimum.x, "commit")
        assert network.residence_times.value[i] == pytest.approx(commit.value, rel=1e-9)


@pytest.mark.parametrize("landscape", [muller_brown(), three_wells_ring(), coupled_chain(3)])
def test_rates_are_reversible_in_the_weights_of_gibbs(landscape):
    noise = 0.1 * (1.0 if landscape.name != "muller_brown" else 100.0)
    network = theory.rate_network(landscape, noise)
    weights = theory.basin_weights(landscape, noise).value
    flows = weights[:, None] * network.rates.value
    assert flows == pytest.approx(flows.T, rel=1e-8)
    assert network.occupation.value == pytest.approx(weights, rel=1e-8)


def test_independent_coordinates_relax_alone():
    """1024 wells in ten dimensions: occupation is a product, the slowest mode that of one coordinate."""
    one = theory.rate_network(styblinski_tang(1), 5.0)
    ten = theory.rate_network(styblinski_tang(10), 5.0)
    assert len(ten.graph.minima) == 1024
    assert ten.relaxation_time.value == pytest.approx(one.relaxation_time.value, rel=1e-9)
    shallow = [int((minimum.x > 0).sum()) for minimum in ten.graph.minima]
    low, high = one.occupation.value
    assert ten.occupation.value == pytest.approx([low ** (10 - n) * high**n for n in shallow], rel=1e-9)
    assert ten.residence_times.value[0] == pytest.approx(one.residence_times.value[0] / 10, rel=1e-9)
    with pytest.raises(InputError, match=r"1024 wells are not listed.*times_to"):
        ten.passage_times  # noqa: B018
    assert ten.times_to(0)[0] == 0.0


def test_relaxation_comes_closer_to_the_exact_gap_as_the_noise_falls():
    """The error of Eyring and Kramers is of first order in D."""
    off = []
    for noise in (0.04, 0.02):
        gap = exact.spectral_gap(three_wells(), SDE(noise, 0.01))
        off.append(theory.rate_network(three_wells(), noise).relaxation_time.value * gap.value - 1)
    assert abs(off[1]) < 0.03
    assert off[1] / off[0] == pytest.approx(0.5, abs=0.05)


def test_the_long_run_of_a_simulation():
    """Three wells of which the middle one is higher: final wells of 8000 paths against the exact shares.

    Of 3 shares each is binomial; within 4.5 standard errors (false alarm 2e-5). The network's shares are off
    by O(D), and equation (5) by far more than that.
    """
    noise, paths = 0.1, 8000
    landscape = three_wells(middle=0.05)
    network = theory.rate_network(landscape, noise)
    steps = int(12 * network.relaxation_time.value / 0.02)
    final = simulate(landscape, SDE(noise, 0.02), "x=0", paths=paths, steps=steps, seed=11, threads=2)
    x = final["final"].values[:, 0]
    tops = sorted(way.saddle.x[0] for way in network.graph.passes)
    ends = [-np.inf, *tops, np.inf]
    for minimum, share in zip(network.graph.minima, network.occupation.value, strict=True):
        k = int(np.searchsorted(tops, minimum.x[0]))
        measured = float(((x > ends[k]) & (x < ends[k + 1])).mean())
        gibbs = theory.gibbs(landscape, noise, within=(ends[k], ends[k + 1])).value
        # Euler's law differs from that of Gibbs by O(step), here less than 0.3 %.
        assert measured == pytest.approx(gibbs, abs=4.5 * np.sqrt(gibbs * (1 - gibbs) / paths) + 0.003)
        assert share == pytest.approx(gibbs, abs=noise / 3)
    middle = network.well_of([0.0])
    wrong = theory.xie2021_occupation(network.residence_times.value).value[middle]
    assert abs(wrong - network.occupation.value[middle]) > 0.1


@pytest.mark.slow
def test_which_well_a_planar_path_comes_to_first():
    """From the intermediate of Mueller and Brown: the odds against the ratio of rates, off by O(D)."""
    surface, off = muller_brown(), []
    for noise in (4.0, 2.0):
        network = theory.rate_network(surface, noise)
        deep, near, between = network.graph.minima
        found = exact.committor(surface, SDE(noise, 1e-4), between.x, deep, near).value
        to_deep, to_near, _ = network.rates.value[2]
        off.append(to_deep / to_near * (1 - found) / found - 1)
    assert abs(off[1]) < 0.12
    assert off[1] / off[0] == pytest.approx(0.5, abs=0.1)


@pytest.mark.slow
def test_relaxation_of_planar_surfaces_against_their_exact_gap():
    off = []
    for noise in (4.0, 2.0):
        gap = exact.spectral_gap(muller_brown(), SDE(noise, 1e-4))
        network = theory.rate_network(muller_brown(), noise)
        off.append(network.relaxation_time.value * gap.value - 1)
    assert abs(off[1]) < 0.05
    assert off[1] / off[0] == pytest.approx(0.5, abs=0.1)
    # A double slowest mode; the barrier is 22 times the noise, and the error a fifth of D.
    gap = exact.spectral_gap(three_wells_ring(), SDE(0.1, 0.01))
    network = theory.rate_network(three_wells_ring(), 0.1)
    assert network.relaxation_time.value * gap.value == pytest.approx(1.0, abs=0.03)


def test_what_it_prints_and_labels():
    network = theory.rate_network(muller_brown(), 2.0)
    text = str(network)
    assert "3 wells of muller_brown at D = 2, joined by 2 saddles" in text
    assert "slowest relaxation time" in text
    assert "a search has found" in text
    data = network.to_dataset()
    assert data["rate"].dims == ("well", "to_well")
    assert float(data["rate"].sel(well=0, to_well=2)) == network.rates.value[0, 2]
    assert float(data["relaxation_time"]) == network.relaxation_time.value
    assert data["saddle_position"].shape == (2, 2)
    cold = theory.rate_network(double_well(2), 0.4)
    assert "NOT VALID HERE" in str(cold)


def test_what_is_refused():
    with pytest.raises(InputError, match="one temperature"):
        theory.rate_network(three_wells(), [0.1, 0.2])
    with pytest.raises(InputError, match="has 1 minima; rates need at least two"):
        theory.rate_network(quadratic(2), 0.1)
    with pytest.raises(InputError, match="no well 3; they are numbered from 0 to 2"):
        theory.rate_network(three_wells(), 0.1).times_to(3)
