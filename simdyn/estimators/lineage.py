"""Who descends from whom in splitting: what it takes to go through a surviving path again.

A replica's noise is a function of its number, so its course needs no memory: the state where it branched off,
its number, and the number of steps after which a descendant left it say everything.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Lineage:
    """Stretches of paths that others went on from, and the replicas at the tips.

    Attributes
    ----------
    states
        Full states in which stretches begin, shape (stretches, entries).
    numbers
        The number of the noise of each stretch, shape (stretches,).
    before
        The stretch that each one branched off from, shape (stretches,); -1 where it begins at an entrance.
    taken
        Steps along the stretch before until there, shape (stretches,).
    tips, lengths
        The last stretch of each surviving replica, and its steps, shape (replicas,).
    entrances
        At which of the first states its line begins, shape (replicas,).
    founders
        Number of first states.
    """

    states: np.ndarray
    numbers: np.ndarray
    before: np.ndarray
    taken: np.ndarray
    tips: np.ndarray
    lengths: np.ndarray
    entrances: np.ndarray
    founders: int

    def line(self, replica: int) -> list[tuple[int, int]]:
        """The stretches of a replica from its entrance on, each with the steps that it goes along it."""
        stretch, steps = int(self.tips[replica]), int(self.lengths[replica])
        found = []
        while stretch >= 0:
            found.append((stretch, steps))
            stretch, steps = int(self.before[stretch]), int(self.taken[stretch])
        return found[::-1]

    @staticmethod
    def join(parts: list[Lineage]) -> Lineage:
        """Those of several batches, one after the other."""
        shifts = np.cumsum([0, *(len(part.numbers) for part in parts[:-1])])
        entered = np.cumsum([0, *(part.founders for part in parts[:-1])])
        return Lineage(
            np.concatenate([part.states for part in parts]),
            np.concatenate([part.numbers for part in parts]),
            np.concatenate(
                [
                    np.where(part.before < 0, -1, part.before + shift)
                    for part, shift in zip(parts, shifts, strict=True)
                ]
            ),
            np.concatenate([part.taken for part in parts]),
            np.concatenate([part.tips + shift for part, shift in zip(parts, shifts, strict=True)]),
            np.concatenate([part.lengths for part in parts]),
            np.concatenate([part.entrances + shift for part, shift in zip(parts, entered, strict=True)]),
            sum(part.founders for part in parts),
        )


class Genealogy:
    """Keeps track of the branches of a run of splitting.

    Parameters
    ----------
    states, numbers
        The first states, shape (replicas, entries), and the numbers of the noise from there on.
    """

    def __init__(self, states: np.ndarray, numbers: np.ndarray) -> None:
        count = len(states)
        self._states, self._numbers = [states.copy()], [numbers.copy()]
        self._before, self._taken = [np.full(count, -1)], [np.zeros(count, dtype=np.int64)]
        self._stretch = np.arange(count)
        self._entrance = np.arange(count)
        self._count = self._founders = count

    def branch(
        self,
        child: np.ndarray,
        parent: np.ndarray,
        taken: np.ndarray,
        states: np.ndarray,
        numbers: np.ndarray,
    ) -> None:
        """Enter children that leave their parents' stretches after some steps, with numbers of their own.

        No parent is among the children.
        """
        self._states.append(states.copy())
        self._numbers.append(numbers.copy())
        self._before.append(self._stretch[parent])
        self._taken.append(taken.astype(np.int64))
        self._stretch[child] = self._count + np.arange(len(child))
        self._entrance[child] = self._entrance[parent]
        self._count += len(child)

    def lineage(self, survivors: np.ndarray, lengths: np.ndarray) -> Lineage:
        """The stretches from which the surviving replicas descend, and no others."""
        before = np.concatenate(self._before)
        needed = np.zeros(self._count, dtype=bool)
        here = np.unique(self._stretch[survivors])
        while len(here):
            needed[here] = True
            here = np.unique(before[here])
            here = here[here >= 0]
            here = here[~needed[here]]
        place = np.cumsum(needed) - 1
        kept = before[needed]
        return Lineage(
            np.concatenate(self._states)[needed],
            np.concatenate(self._numbers)[needed],
            np.where(kept < 0, -1, place[kept]),
            np.concatenate(self._taken)[needed],
            place[self._stretch[survivors]],
            lengths.astype(np.int64),
            self._entrance[survivors],
            self._founders,
        )
