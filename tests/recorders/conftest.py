from __future__ import annotations

import numpy as np
import pytest

from simdyn.recorders import Ensemble, Observation


@pytest.fixture
def show():
    """Shows states of shape (looks, paths, d) to a recorder, in chunks and an order of one's choice."""

    def to(recorder, states, chunk=256, order=None):
        recorder.begin()
        looks, paths, _ = states.shape
        pieces = [(look, first) for look in range(looks) for first in range(0, paths, chunk)]
        for k in range(len(pieces)) if order is None else order(len(pieces)):
            look, first = pieces[k]
            part = np.ascontiguousarray(states[look, first : first + chunk].T)
            recorder.observe(Observation(look, first, part))
        return recorder.variables(looks)

    return to


@pytest.fixture
def ensemble():
    def build(states):
        names = tuple(f"x{i + 1}" for i in range(states.shape[2]))
        return Ensemble(states.shape[1], names, states.dtype)

    return build
