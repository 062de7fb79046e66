"""One step of a dynamics and its exit test as an operation tree: what every backend prints."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import sympy

from simdyn.dynamics import Update
from simdyn.errors import InputError
from simdyn.exits import Exit, Surface
from simdyn.lowering.symbolic import Constants, Lowering
from simdyn.lowering.tree import Builder, Node

DIVERGENCE_BOUND = 1e6
"""A path has diverged if a coordinate is beyond this, or no number, as it leaves or when a group ends.

Groups (see `simdyn.lowering.numba_kernels.Grouping`) begin at fixed steps, so this does not depend on how a
run is scheduled.
"""

DIVERGED = -1
"""Code of a diverged path; 0 is a path inside, k > 0 one that left through channel k - 1."""


@dataclass(frozen=True)
class Program:
    """One step, for printers.

    Names in the tree: `x0`, `x1`, ... old coordinates, `y0`, ... new coordinates, `z0`, ... the normals of
    the step, `u0`, ... its uniforms, `c0`, ... run-time constants.

    Attributes
    ----------
    dim, noise_dim, uniform_dim
        Number of coordinates, of normals and of uniforms that a step consumes.
    step
        The new coordinates from the old.
    crossed
        For each channel of the exit, whether the path left through it in this step; from old and new
        coordinates.
    bounded
        Whether the new coordinates are finite and within the divergence bound.
    """

    dim: int
    noise_dim: int
    uniform_dim: int
    step: tuple[Node, ...]
    crossed: tuple[Node, ...]
    bounded: Node
    constants: Constants
    values: Mapping[str, float]

    def constant_values(self) -> list[float]:
        """The run-time constants in the order of their names."""
        return self.constants.evaluate(self.values)


def lower(update: Update, exit: Exit | None = None) -> Program:
    """The program of an update rule and, where given, of an exit.

    Raises
    ------
    InputError
        A function that kernels do not have, or a bridge correction asked for an exit with intersections.
    """
    builder, constants = Builder(), Constants()
    lowering = Lowering(builder, constants)
    old = {v: builder.name(f"x{i}") for i, v in enumerate(update.variables)}
    new = {v: builder.name(f"y{i}") for i, v in enumerate(update.variables)}
    step = []
    for i, variable in enumerate(update.variables):
        # The kick goes first: it need not wait for the drift, which makes the chain of operations shorter.
        value = old[variable]
        for j, entry in update.kicks[i]:
            value = builder.op("fma", lowering.convert(entry, old), builder.name(f"z{j}"), value)
        step.append(_added(builder, value, lowering.convert(update.drift[i], old)))
    limit = builder.const(DIVERGENCE_BOUND)
    bounded = builder.both(builder.op("lt", builder.op("abs", node), limit) for node in new.values())
    crossed: tuple[Node, ...] = ()
    uniforms = 0
    values = dict(update.values)
    if exit is not None:
        values.update(exit.values)
        if update.bridge:
            crossed = tuple(_bridged(lowering, update, exit, k, old, new) for k in range(len(exit.channels)))
            uniforms = len(crossed)
        else:
            crossed = tuple(_crossed(lowering, channel.surfaces, new) for channel in exit.channels)
    return Program(update.dim, update.noise_dim, uniforms, tuple(step), crossed, bounded, constants, values)


def _added(builder: Builder, value: Node, drift: Node) -> Node:
    """value + drift; fused where the drift is a product or a polynomial with a constant term."""
    if drift.op == "fma":
        first, second, third = drift.args
        return builder.op("fma", first, second, builder.op("add", value, third))
    return builder.add([value, drift])


def _crossed(lowering: Lowering, surfaces: tuple[Surface, ...], point: Mapping[sympy.Symbol, Node]) -> Node:
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
    columns: dict[int, list[sympy.Expr]] = {}
    used = gap.free_symbols
    for i, variable in enumerate(update.variables):
        if variable in used:
            slope = sympy.diff(gap, variable)
            for j, entry in update.kicks[i]:
                columns.setdefault(j, []).append(slope * entry)
    spread = sympy.Add(*(sympy.Add(*column) ** 2 for column in columns.values()))
    before, after = lowering.convert(gap, old), lowering.convert(gap, new)
    ratio = build.op("div", build.product([build.const(-2.0), before, after]), lowering.convert(spread, old))
    touched = build.op("lt", build.name(f"u{index}"), build.op("exp", ratio))
    return build.either([_crossed(lowering, surfaces, new), touched])
