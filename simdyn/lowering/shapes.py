"""Operation trees by shape: many coordinates that do the same with different neighbours are one loop.

Two trees have one shape if they differ in nothing but their leaves: which coordinates, normals and constants
they read. In a chain of coupled coordinates all inner ones have the shape of their neighbours, and in a sum
over coordinates all have one. A long sum (or product) inside a tree, each of whose terms has one shape, is
itself taken out as a loop over its terms: a `Fold`.

The trees are taken as they are, so that kernels in loops do the very operations of unrolled ones.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from simdyn.lowering.tree import Builder, Node, schedule

LONG = 16
"""Equal links in a row that are worth a loop of their own."""

ACCUMULATOR = "acc"
"""Leaf that stands for what a fold has gathered so far."""

FOLDED = "f"
"""Leaves f0, f1, ... stand for the values of folds."""

CLOCK = "k"
"""Leaf that stands for the number of the step."""

TIMED = "t"
"""Leaves t0, t1, ... stand for what depends on the number of the step alone."""

_REST = {"fma": 2, "add": 0, "sub": 0, "mul": 0}
"""Which argument of an operation holds the terms before, in sums and products as the builder makes them."""


@dataclass(frozen=True)
class Shape:
    """A tree whose leaves are numbered slots.

    Attributes
    ----------
    tree
        Its leaves are named slot0, slot1, ..., except for `ACCUMULATOR`.
    kinds
        For each slot what may stand there: names that begin with "x", "y", "z", "u", "q", "r", "c", `TIMED`
        or `FOLDED`, `CLOCK`, or "const" literals.
    """

    tree: Node
    kinds: tuple[str, ...]


@dataclass(frozen=True)
class Family:
    """Trees of one shape.

    Attributes
    ----------
    shape
        What they have in common.
    members
        Number of each tree in the sequence that was grouped.
    leaves
        What stands in the slots of each member.
    """

    shape: Shape
    members: tuple[int, ...]
    leaves: tuple[tuple[Node, ...], ...]


@dataclass(frozen=True)
class Fold:
    """A value gathered term by term: `first`, then each link in turn, in which `ACCUMULATOR` is the value so
    far."""

    first: Node
    links: tuple[Node, ...]


@dataclass(frozen=True)
class Folds:
    """Trees with their long sums taken out.

    Attributes
    ----------
    trees
        The trees, in which leaf f0 stands for the value of fold 0.
    folds
        In an order in which each comes after those that it needs.
    """

    trees: tuple[Node, ...]
    folds: tuple[Fold, ...]


@dataclass(frozen=True)
class Apart:
    """Trees without the clock.

    Attributes
    ----------
    trees
        The trees, in which leaf t0 stands for the value of the first of `timed`.
    timed
        Trees of the clock and of run-time constants.
    """

    trees: tuple[Node, ...]
    timed: tuple[Node, ...]


def without_clock(trees: Sequence[Node], builder: Builder) -> Apart:
    """Take out the largest parts that depend on nothing but the number of the step, each once."""
    order, _ = schedule(trees)
    # None: still the same at all steps; True: a function of the clock; False: of something else, too.
    timed: dict[Node, bool | None] = {}
    for node in order:
        if not node.args:
            timed[node] = None if _kind(node) in ("c", "const") else node.name == CLOCK
            continue
        below = [timed[argument] for argument in node.args]
        timed[node] = False if False in below else True if True in below else None
    made: dict[Node, Node] = {}
    taken: list[Node] = []
    for node in order:
        if timed[node]:
            made[node] = node
            continue
        for argument in node.args:
            if timed[argument] and made[argument] is argument:
                made[argument] = builder.name(f"{TIMED}{len(taken)}")
                taken.append(argument)
        made[node] = _again(node, made, builder)
    return Apart(tuple(made[tree] for tree in trees), tuple(taken))


def families(trees: Sequence[Node]) -> tuple[Family, ...]:
    """Trees grouped by shape, in the order of their first members; linear in the size of all trees."""
    groups: dict[tuple[object, ...], list[tuple[int, tuple[Node, ...]]]] = {}
    for number, tree in enumerate(trees):
        key, leaves = fingerprint(tree)
        groups.setdefault(key, []).append((number, leaves))
    return tuple(
        Family(
            _shape(trees[group[0][0]], group[0][1]),
            tuple(number for number, _ in group),
            tuple(leaves for _, leaves in group),
        )
        for group in groups.values()
    )


def without_long_sums(trees: Sequence[Node], builder: Builder) -> Folds:
    """Take out every chain of at least `LONG` links of one shape, by way of nodes of `builder`."""
    order, uses = schedule(trees)
    # A link goes on in the one above it, unless its value is needed elsewhere, too.
    goes_on = {
        _rest(node)
        for node in order
        if node.op in _REST and _rest(node).op in _REST and uses[_rest(node)] == 1
    }
    made: dict[Node, Node] = {}
    folds: list[Fold] = []
    for node in order:
        if node in goes_on:
            continue
        chain = [node]
        while chain[-1].op in _REST and _rest(chain[-1]) in goes_on:
            chain.append(_rest(chain[-1]))
        if node.op not in _REST:
            made[node] = _again(node, made, builder)
            continue
        value = made[_rest(chain[-1])]
        for stretch in _stretches(chain[::-1], made, builder):
            if len(stretch) >= LONG:
                folds.append(Fold(value, tuple(stretch)))
                value = builder.name(f"{FOLDED}{len(folds) - 1}")
            else:
                for link in stretch:
                    value = builder.op(link.op, *(value if a.name == ACCUMULATOR else a for a in link.args))
        made[node] = value
    return Folds(tuple(made[tree] for tree in trees), tuple(folds))


def _rest(node: Node) -> Node:
    return node.args[_REST[node.op]]


def _stretches(chain: Sequence[Node], made: dict[Node, Node], builder: Builder) -> list[list[Node]]:
    """A chain from its innermost link on, cut where the shape changes; each link as one of `ACCUMULATOR`."""
    so_far = builder.name(ACCUMULATOR)
    links = [
        builder.op(n.op, *(so_far if k == _REST[n.op] else made[a] for k, a in enumerate(n.args)))
        for n in chain
    ]
    if len(links) < LONG:
        return [links]
    stretches: list[list[Node]] = []
    last = None
    for link in links:
        key, _ = fingerprint(link)
        if key != last:
            stretches.append([])
        stretches[-1].append(link)
        last = key
    return stretches


def _again(node: Node, made: dict[Node, Node], builder: Builder) -> Node:
    if node.op == "const":
        return builder.const(node.value)
    if node.op == "name":
        return builder.name(node.name)
    return builder.op(node.op, *(made[argument] for argument in node.args))


def fingerprint(tree: Node) -> tuple[tuple[object, ...], tuple[Node, ...]]:
    """What trees of one shape share, and the leaves by which they differ, each once."""
    order, _ = schedule([tree])
    place: dict[Node, int] = {}
    key: list[object] = []
    leaves: list[Node] = []
    for node in order:
        place[node] = len(place)
        if node.args or node.op in ("true", "false"):
            key.append((node.op, *(place[argument] for argument in node.args)))
        elif node.name == ACCUMULATOR:
            key.append(ACCUMULATOR)
        else:
            key.append(_kind(node))
            leaves.append(node)
    return tuple(key), tuple(leaves)


def _kind(leaf: Node) -> str:
    return "const" if leaf.op == "const" else leaf.name.rstrip("0123456789")


def _shape(tree: Node, leaves: Sequence[Node]) -> Shape:
    builder = Builder()
    slots = {leaf: builder.name(f"slot{k}") for k, leaf in enumerate(leaves)}
    return Shape(builder.replaced(tree, slots), tuple(_kind(leaf) for leaf in leaves))
