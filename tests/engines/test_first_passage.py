"""How threads share the paths of a first-passage run."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from potentials import Potential
from simdyn.dynamics import SGLD
from simdyn.engines.cpu import CpuEngine
from simdyn.engines.first_passage import shares
from simdyn.exits import resolve_exit


@given(st.integers(1, 10**7), st.integers(1, 300), st.integers(1, 64))
def test_every_path_is_in_one_share_and_none_is_left_with_much_at_the_end(paths, least, threads):
    found = list(shares(paths, least, threads))
    assert (found[0].start, found[-1].stop) == (0, paths)
    assert all(one.stop == other.start for one, other in pairwise(found))
    assert all(len(share) >= least for share in found[:-1])
    # Whoever takes a share leaves as much for each of the others, or takes the least.
    assert all(len(share) <= max(least, (paths - share.start) // threads) for share in found)


def test_many_short_paths_need_few_calls_of_the_kernel():
    """A call costs as much as some hundred steps of a path: with one call for each set of lanes, a hundred
    steps took twice as long."""
    assert len(list(shares(512_000, 256, 2))) < 200


@pytest.mark.parametrize("threads", [1, 2, 3])
def test_shares_change_no_result(threads):
    potential = Potential("x**4/4 - x**2/2")
    update = SGLD(learning_rate=0.01, temperature=0.2).update(potential)
    exit = resolve_exit("x >= 0", potential, [-1.0])
    engine = CpuEngine(update, exit, threads=threads)
    together = engine.first_passage([-1.0], paths=3_000, max_steps=400, seed=3)
    alone = [
        engine.first_passage([-1.0], paths=1, max_steps=400, seed=3, first_path=n).steps[0]
        for n in (0, 17, 1_500, 2_999)
    ]
    assert [together.steps[n] for n in (0, 17, 1_500, 2_999)] == alone
