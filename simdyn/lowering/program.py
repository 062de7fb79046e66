"""One step of a dynamics and its exit test as an operation tree: what every backend prints."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import sympy

from simdyn.dynamics.update import CLOCK, Update, kicks_of, normal, uniform
from simdyn.errors import InputError
from simdyn.exits import Exit, Score, Surface
from simdyn.lowering.symbolic import Constants, Lowering
from simdyn.lowering.tree import Builder, Node

DIVERGENCE_BOUND = 1e6
"""A path has diverged if a coordinate is beyond this, or no number, as it leaves or when a group ends.

Groups (see `simdyn.lowering.numba_kernels.Grouping`) begin at fixed steps, so this does not depend on how a
run is scheduled. Gaussian kicks are small against the bound, so that whoever is beyond it was carried there
by steps that are too large for the landscape.

A rule with jumps leaps beyond any bound, and a leap across the exit is an escape like another. There, each
step is looked at: a path has diverged if the step without its kick leads to no number, or further out than
both the bound and the state that it started from; or if the kick itself is no finite number. So a leap is
never taken for an explosion, nor an explosion, which may well cross an exit, for an escape.
"""

DIVERGED = -1
"""Code of a diverged path; 0 is a path inside, k > 0 one that left through channel k - 1."""


@dataclass(frozen=True)
class AppliedRoot:
    """F v_1, F v_2, ... with the symmetric root F of a matrix M (see `simdyn.dynamics.matrix_root`).

    Attributes
    ----------
    size
        n, of the n x n matrix.
    matrix
        Its upper triangle, row by row, from the old state.
    floor
        Of the eigenvalues; None where F is the root of M itself.
    vectors
        n entries each, from the old state and the normals.
    names
        What the entries of each F v are called.
    """

    size: int
    matrix: tuple[Node, ...]
    floor: Node | None
    vectors: tuple[tuple[Node, ...], ...]
    names: tuple[tuple[str, ...], ...]


@dataclass(frozen=True)
class Program:
    """One step, for printers.

    Names in the tree: `x0`, `x1`, ... old state, `y0`, ... new state, `z0`, ... the normals of the step,
    `u0`, ... its uniforms for exits, `q0`, ... its uniforms for kicks, `k` its number, `r0`, ... what `roots`
    give, `c0`, ... run-time constants.

    Attributes
    ----------
    dim, noise_dim, uniform_dim, kick_dim
        Number of entries of the state, of normals, of uniforms for exits and of uniforms for kicks that a
        step consumes.
    clocked
        Whether the step depends on its number.
    step
        The new state from the old.
    crossed
        For each channel of the exit, whether the path left through it in this step; from old and new
        coordinates.
    bounded
        Whether the new state is finite and within the divergence bound.
    tame
        For a rule with jumps whether the step has not diverged, from old and new state; else None.
    roots
        What has to be done before the step and the exit test can be computed.
    """

    dim: int
    noise_dim: int
    uniform_dim: int
    kick_dim: int
    clocked: bool
    step: tuple[Node, ...]
    crossed: tuple[Node, ...]
    bounded: Node
    tame: Node | None
    constants: Constants
    values: Mapping[str, float]
    roots: tuple[AppliedRoot, ...] = ()

    def constant_values(self) -> list[float]:
        """The run-time constants in the order of their names."""
        return self.constants.evaluate(self.values)


def lower(update: Update, exit: Exit | None = None, score: Score | None = None) -> Program:
    """The program of an update rule and, where given, of an exit, and of a score that paths keep a record of.

    Raises
    ------
    InputError
        A function that kernels do not have, or a bridge correction asked for an exit with intersections.
    """
    builder, constants = Builder(), Constants()
    lowering = Lowering(builder, constants)
    old = {v: builder.name(f"x{i}") for i, v in enumerate(update.variables)}
    new = {v: builder.name(f"y{i}") for i, v in enumerate(update.variables)}
    known = {
        **old,
        **{normal(j): builder.name(f"z{j}") for j in range(update.noise_dim)},
        **{uniform(j): builder.name(f"q{j}") for j in range(update.uniforms)},
        CLOCK: builder.name("k"),
    }
    for symbol, expression in update.stages:
        known[symbol] = lowering.convert(expression, known)
    roots = _Roots(lowering, update, known)
    step = [_next(lowering, update, i, known, roots.kicks) for i in range(update.state_dim)]
    limit = builder.const(DIVERGENCE_BOUND)
    bounded = builder.both(builder.op("lt", builder.op("abs", node), limit) for node in new.values())
    crossed: tuple[Node, ...] = ()
    uniforms = 0
    values = dict(update.values)
    if exit is not None:
        values.update(exit.values)
        if update.bridge:
            crossed = tuple(
                _bridged(lowering, update, exit, k, old, new, roots) for k in range(len(exit.channels))
            )
            uniforms = len(crossed)
        else:
            crossed = tuple(across(lowering, channel.surfaces, new) for channel in exit.channels)
    if score is not None:
        values.update(score.values)
        first = update.state_dim
        old_best, old_up, old_down = (builder.name(f"x{first + n}") for n in (1, 2, 3))
        new_score, new_best, new_up, new_down = (builder.name(f"y{first + n}") for n in range(4))
        # From the nodes of the step themselves: within it the names of the new state are not known yet.
        points = dict(zip(update.variables, step, strict=True))
        reached = lowering.convert(score.expression, points)
        better = builder.op("gt", reached, old_best)
        step += [reached, builder.op("select", better, reached, old_best), old_up, old_down]
        crossed += (builder.op("gt", new_best, new_up), builder.op("le", new_score, new_down))
    return Program(
        len(step),
        update.noise_dim,
        uniforms,
        update.uniforms,
        update.scheduled,
        tuple(step),
        crossed,
        bounded,
        _tame(lowering, update, known, new) if update.uniforms else None,
        constants,
        values,
        roots.applied(),
    )


def _tame(
    lowering: Lowering,
    update: Update,
    known: Mapping[sympy.Symbol, Node],
    new: Mapping[sympy.Symbol, Node],
) -> Node:
    """Whether a step of a rule with jumps has not diverged; see `DIVERGENCE_BOUND`."""
    build = lowering.builder
    # At one half of both uniforms the kick is zero.
    still = {uniform(j): sympy.Rational(1, 2) for j in range(update.uniforms)}
    places, memory = update.variables[: update.dim], update.variables[update.dim :]
    reach = _largest(build, [known[v] for v in places])
    if memory:
        reach = build.op("add", reach, _largest(build, [known[v] for v in memory]))
    bound = build.const(DIVERGENCE_BOUND)
    reach = build.op("select", build.op("lt", bound, reach), reach, bound)
    found = []
    for i, variable in enumerate(places):
        drift = lowering.convert(sympy.sympify(update.drift[i]).xreplace(still).doit(), known)
        mean = build.op("abs", _added(build, known[variable], drift))
        found += [
            build.op("le", mean, reach),
            build.op("lt", build.op("abs", new[variable]), build.const(math.inf)),
        ]
    return build.both(found)


def _largest(build: Builder, nodes: Sequence[Node]) -> Node:
    """The largest size of some numbers."""
    largest, *others = (build.op("abs", node) for node in nodes)
    for node in others:
        largest = build.op("select", build.op("lt", largest, node), node, largest)
    return largest


class _Roots:
    """The roots of an update and the vectors that they are applied to: the normals, and those that exits ask
    for."""

    def __init__(self, lowering: Lowering, update: Update, known: Mapping[sympy.Symbol, Node]) -> None:
        self.lowering, self.roots, self.known = lowering, update.roots, known
        self.kicks = [known[normal(j)] for j in range(update.noise_dim)]
        self._count = 0
        self._vectors: list[list[tuple[Node, ...]]] = [[] for _ in self.roots]
        self._names: list[list[tuple[str, ...]]] = [[] for _ in self.roots]
        for number, root in enumerate(self.roots):
            results = self.apply(number, [self.kicks[j] for j in root.places])
            for j, node in zip(root.places, results, strict=True):
                self.kicks[j] = node

    def apply(self, number: int, vector: Sequence[Node]) -> list[Node]:
        """The leaves that stand for the root of this number times a vector."""
        names = tuple(f"r{self._count + k}" for k in range(len(vector)))
        self._count += len(vector)
        self._vectors[number].append(tuple(vector))
        self._names[number].append(names)
        return [self.lowering.builder.name(name) for name in names]

    def applied(self) -> tuple[AppliedRoot, ...]:
        return tuple(
            AppliedRoot(
                root.size,
                tuple(self.lowering.convert(entry, self.known) for entry in root.entries),
                None if root.floor is None else self.lowering.convert(root.floor, self.known),
                tuple(vectors),
                tuple(names),
            )
            for root, vectors, names in zip(self.roots, self._vectors, self._names, strict=True)
        )


def _next(
    lowering: Lowering,
    update: Update,
    i: int,
    known: Mapping[sympy.Symbol, Node],
    kicks: Sequence[Node],
) -> Node:
    """Entry i of the new state."""
    build = lowering.builder
    # The kick goes first: it need not wait for the drift, which makes the chain of operations shorter.
    value = known[update.variables[i]] if i < update.dim else None
    for j, entry in update.kicks[i]:
        factor, kick = lowering.convert(entry, known), kicks[j]
        value = build.op("mul", factor, kick) if value is None else build.op("fma", factor, kick, value)
    drift = lowering.convert(update.drift[i], known)
    return drift if value is None else _added(build, value, drift)


def _added(builder: Builder, value: Node, drift: Node) -> Node:
    """value + drift; fused where the drift is a product or a polynomial with a constant term."""
    if drift.op == "fma":
        first, second, third = drift.args
        return builder.op("fma", first, second, builder.op("add", value, third))
    return builder.add([value, drift])


def across(lowering: Lowering, surfaces: tuple[Surface, ...], point: Mapping[sympy.Symbol, Node]) -> Node:
    build = lowering.builder
    return build.both(
        build.op(
            "gt" if surface.strict else "ge",
            lowering.convert(surface.left, point),
            lowering.convert(surface.right, point),
        )
        for surface in surfaces
    )


def _bridged(
    lowering: Lowering,
    update: Update,
    exit: Exit,
    index: int,
    old: Mapping[sympy.Symbol, Node],
    new: Mapping[sympy.Symbol, Node],
    roots: _Roots,
) -> Node:
    """Crossed at the end of the step, or touched by the bridge between its ends.

    A Brownian bridge with covariance S over the step, between two points at gaps g and g' < 0 from a plane of
    normal n, touches it with probability exp(-2 g g' / n.S n); exact for a plane and constant noise.
    """
    surfaces = exit.channels[index].surfaces
    if len(surfaces) != 1:
        raise InputError(
            "The bridge correction needs exits made of single conditions joined by |, but "
            f"{exit.channels[index].label!r} "
            'joins several by &; use crossing="none" with a small step.'
        )
    build = lowering.builder
    gap = surfaces[0].gap
    kicks = update.kicks if update.spread is None else kicks_of(update.spread)
    columns: dict[int, list[sympy.Expr]] = {}
    used = gap.free_symbols
    for i, variable in enumerate(update.variables[: update.dim]):
        if variable in used:
            slope = sympy.diff(gap, variable)
            for j, entry in kicks[i]:
                columns.setdefault(j, []).append(slope * entry)
    along = {j: sympy.Add(*column) for j, column in columns.items()}
    squares = []
    for number, root in enumerate(roots.roots):
        if any(j in along for j in root.places):
            vector = [lowering.convert(along.pop(j, sympy.S.Zero), old) for j in root.places]
            squares += [build.op("mul", node, node) for node in roots.apply(number, vector)]
    if along:
        squares.append(lowering.convert(sympy.Add(*(entry**2 for entry in along.values())), old))
    before, after = lowering.convert(gap, old), lowering.convert(gap, new)
    ratio = build.op("div", build.product([build.const(-2.0), before, after]), build.add(squares))
    touched = build.op("lt", build.name(f"u{index}"), build.op("exp", ratio))
    return build.either([across(lowering, surfaces, new), touched])
