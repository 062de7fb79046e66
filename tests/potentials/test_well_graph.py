"""Graphs of wells: composed where separable, searched elsewhere, refused where there are too many."""

from __future__ import annotations

import numpy as np
import pytest
import sympy as sp

from potentials import (
    InputError,
    Potential,
    coupled_chain,
    muller_brown,
    styblinski_tang,
    symbol,
    three_wells,
    two_functions,
)


def _links(graph):
    return [way.wells for way in graph.passes]


def test_wells_in_a_row_and_on_a_table():
    assert _links(three_wells().well_graph()) in ([(0, 1), (1, 2)], [(0, 1), (0, 2)], [(0, 2), (1, 2)])
    many = styblinski_tang(dim=3).well_graph()
    assert many.complete
    assert (len(many.minima), len(many.passes), many.leaks) == (8, 12, ())
    for way in many.passes:
        one, other = (many.minima[i] for i in way.wells)
        # One coordinate moves, and the saddle is between.
        (moved,) = np.flatnonzero(one.x != other.x)
        low, high = sorted((one.x[moved], other.x[moved]))
        assert low < way.saddle.x[moved] < high
        assert way.saddle.is_saddle


def test_the_search_finds_the_graph_that_composition_knows():
    """A rotated separable landscape is coupled; its wells and passes are the rotated ones."""
    c, s = sp.Rational(3, 5), sp.Rational(4, 5)
    u, v = symbol("u"), symbol("v")
    plain = styblinski_tang(dim=2)
    turned = plain.expression.xreplace(
        dict(zip(plain.variables, (c * u + s * v, -s * u + c * v), strict=True))
    )
    coupled = Potential(turned, parameters={"k": 1.0}, domain=(-6, 6))
    rotation = np.array([[0.6, 0.8], [-0.8, 0.6]])

    def named(graph, turn):
        return {
            (
                tuple(np.round(turn @ way.saddle.x, 8)),
                frozenset(tuple(np.round(turn @ graph.minima[i].x, 8)) for i in way.wells),
            )
            for way in graph.passes
        }

    found = coupled.well_graph()
    assert not found.complete
    assert named(found, rotation) == named(plain.well_graph(), np.eye(2))
    assert len(found.passes) == 4


def test_a_surface_of_three_wells():
    graph = muller_brown().well_graph()
    # The intermediate is the highest, and borders on both.
    assert sorted(_links(graph)) == [(0, 2), (1, 2)]


@pytest.mark.parametrize("dim", [4, 10])
def test_stiff_chains_have_kinks_at_every_link(dim):
    """With springs of 1.0 the wells are both uniform states and, from 8 links on, single kinks."""
    chain = coupled_chain(dim, kappa=1.0)
    graph = chain.well_graph(np.full(dim, -1.0))
    uniform = [i for i, m in enumerate(graph.minima) if np.ptp(m.x) < 1e-6]
    assert len(uniform) == 2
    for minimum in graph.minima:
        assert np.linalg.norm(chain.gradient(minimum.x)) < 1e-10
        assert np.linalg.eigvalsh(chain.hessian(minimum.x))[0] > 0
        # x -> -x maps wells onto wells.
        assert min(np.abs(minimum.x + other.x).max() for other in graph.minima) < 1e-6
    degree = np.zeros(len(graph.minima), dtype=int)
    for way in graph.passes:
        for i in way.wells:
            degree[i] += 1
    assert degree.min() >= 1
    assert degree[uniform[0]] == degree[uniform[1]]


def test_ways_that_leave_the_domain_are_leaks():
    graph = Potential("x**3/3 - x + y**2 + x*y/10", domain=(-3, 3)).well_graph()
    assert len(graph.minima) == 1
    assert _links(graph) == [(0, None)] == _links(type(graph)(graph.minima, graph.leaks, False))
    line = Potential("x**3/3 - x").well_graph()
    assert _links(line) == [(0, None)]


def test_what_is_refused():
    with pytest.raises(InputError, match="8192 minima"):
        styblinski_tang(dim=13).well_graph()
    with pytest.raises(InputError, match=r"more than the 5 that are followed; give a larger number as most="):
        coupled_chain(3).well_graph(most=5)
    with pytest.raises(InputError, match="kink or flat"):
        two_functions().well_graph()
