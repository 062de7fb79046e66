"""Source text of CPU kernels for many coordinates: loops over coordinates of one shape.

A step is two stages for a block of lanes: all normals of a group of steps go to a buffer, then loops go over
the coordinates, each around a loop over lanes, which vectorises. Which entries a coordinate reads stands in a
table that the kernel is given, so that the text, and the time to compile it, grow with the number of shapes
alone (see `simdyn.lowering.shapes`). The arithmetic of each coordinate is that of the unrolled kernels of
`simdyn.lowering.numba_kernels`, and so is the layout of the noise: both give the same bits.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from textwrap import indent

import numpy as np

from simdyn.dynamics.matrix_root import ROUNDING
from simdyn.errors import InputError
from simdyn.lowering.draws import draw_functions, steady_limits
from simdyn.lowering.loop_templates import (
    CLOCK_HANDS,
    LOOK_OUTSIDE,
    LOOK_WITHIN,
    LOOP_FIRST_PASSAGE,
    LOOP_HEADER,
    LOOP_INTEGRATE,
    SAME_GROUP,
    TAKE_STEP,
)
from simdyn.lowering.machine_code import MachineCode
from simdyn.lowering.numba_kernels import grouping, streams
from simdyn.lowering.numba_printer import NumbaPrinter
from simdyn.lowering.numba_templates import BEGIN_WINDOW
from simdyn.lowering.program import DIVERGED, Program
from simdyn.lowering.root_templates import (
    ABSOLUTE,
    APPLY_ROOTS,
    COVARIANCE,
    ROOT_HEADER,
    SWEEPS,
    TURN_ROWS,
    WIDE,
)
from simdyn.lowering.shapes import (
    ACCUMULATOR,
    CLOCK,
    FOLDED,
    TIMED,
    Fold,
    Shape,
    families,
    fingerprint,
    without_clock,
    without_long_sums,
)
from simdyn.lowering.tree import Builder, Node, schedule

LOOP_LANES = 64
"""Paths that advance side by side: enough to hide the loops around them, few enough for the caches."""

LARGEST_TEXT = 4000
"""Operations that kernels may hold before compiling them takes minutes."""

_ARRAYS = {
    "x": "old",
    "y": "new",
    "z": "normals",
    "u": "uniforms",
    "q": "kicks",
    "r": "shaped",
    TIMED: "timed",
    FOLDED: "folds",
}
_OFFSETS = {"z": " + normals_at", "u": " + uniforms_at", "q": " + kicks_at"}


@dataclass
class Tables:
    """What a kernel in loops takes besides its text.

    Attributes
    ----------
    constants
        Number of run-time constants of the program, which come first among the values.
    literals
        Numbers, as text, that differ between trees of one shape; they follow the run-time constants.
    entries
        Rows of places in arrays, one row for each tree or link.
    spacing
        How far apart in their arrays the numbers of two neighbouring coordinates, normals or folds are.
    """

    constants: int
    literals: dict[str, int] = field(default_factory=dict)
    entries: list[int] = field(default_factory=list)
    spacing: int = LOOP_LANES

    def arguments(self, constants: Sequence[float], dtype: np.dtype) -> tuple[np.ndarray, np.ndarray]:
        """Values and table in the form that kernels take."""
        values = [*constants, *(float(text) for text in self.literals)]
        return np.array(values, dtype=dtype), np.array(self.entries, dtype=np.uint64)

    def place(self, leaf: Node) -> int:
        """Where kernels find the value of a leaf in its array."""
        if leaf.op == "const":
            return self.constants + self.literals.setdefault(repr(leaf.value), len(self.literals))
        number = int(leaf.name.lstrip("abcdefghijklmnopqrstuvwxyz"))
        return number if leaf.name[0] == "c" else number * self.spacing


class LoopMachineCode(MachineCode):
    """Kernels in loops: one function, compiled once, takes whole groups of steps and parts of groups.

    Parameters
    ----------
    source
        Text of the kernels.
    steps
        Steps in a group.
    """

    def __init__(self, source: str, steps: int) -> None:
        super().__init__(source)
        self._steps = steps
        self._nowhere = np.full(steps, -1)

    def integrate(
        self,
        x: np.ndarray,
        numbers: np.ndarray,
        first_group: int,
        last_group: int,
        constants: tuple[np.ndarray, np.ndarray],
        *key: np.uint64,
    ) -> None:
        """Advance by whole groups of steps."""
        nothing = np.empty((0, 0, 0), dtype=x.dtype)
        self.run_groups(
            x, numbers, first_group, last_group, 0, self._steps, self._nowhere, nothing, constants, *key
        )

    def integrate_part(
        self,
        x: np.ndarray,
        numbers: np.ndarray,
        group: int,
        first: int,
        last: int,
        places: np.ndarray,
        states: np.ndarray,
        constants: tuple[np.ndarray, np.ndarray],
        *key: np.uint64,
    ) -> None:
        """Advance by steps first to last - 1 of one group, and show the states after some of them."""
        self.run_groups(x, numbers, group, group + 1, first, last, places, states, constants, *key)


@lru_cache(maxsize=256)
def loaded_loop_code(source: str, steps: int) -> LoopMachineCode:
    """The kernels of a source, loaded once in a process as by `loaded_code`."""
    return LoopMachineCode(source, steps)


def check_length(dim: int, operations: int) -> None:
    """Refuse kernels that would be too long.

    Raises
    ------
    InputError
        More operations than `LARGEST_TEXT`.
    """
    if operations > LARGEST_TEXT:
        raise InputError(
            f"The step has {dim} coordinates of so many different forms that its kernel would be "
            f"{operations} operations long, more than the {LARGEST_TEXT} that can be compiled in "
            "reasonable time; write the potential so that its coordinates have the same form, as in sums "
            "over coordinates or over neighbours."
        )


def loop_source(program: Program, dtype: str, wide: bool) -> tuple[str, Tables]:
    """The module text that holds `integrate`, `integrate_part` and, for a program with an exit,
    `first_passage`; and the tables that go with it.

    Raises
    ------
    InputError
        Coordinates of so many different shapes that the text would be too long to compile.
    """
    writer = _LoopWriter(program, dtype, wide)
    text = writer.text()
    return text, writer.tables


class _LoopWriter:
    def __init__(self, program: Program, dtype: str, wide: bool) -> None:
        self.program = program
        self.group = grouping(program, wide)
        self.printer = NumbaPrinter(dtype)
        self.streams = streams(self.group, wide)
        self.tables = Tables(len(program.constants.expressions))
        self.operations = 0
        self.folds = 1

    def text(self) -> str:
        p, group = self.program, self.group
        used = [stream for stream in self.streams if stream.name != "uniforms"]
        pieces = [draw_functions(used, "group")]
        if p.crossed:
            pieces += [draw_functions(self.streams, "groups"), BEGIN_WINDOW]
        step_trees: tuple[Node, ...] = p.step
        timed: tuple[Node, ...] = ()
        before = ""
        if p.clocked:
            apart = without_clock(p.step, Builder())
            step_trees, timed = apart.trees, apart.timed
            loops = self._loops(timed, lambda n: n * LOOP_LANES, ["timed[to + j] = result"])
            before += f"{CLOCK_HANDS}{loops}\n"
        if p.roots:
            text, calls = self._roots()
            pieces.append(text)
            before += calls
        step = before + self._loops(step_trees, lambda i: i * LOOP_LANES, ["new[to + j] = result"])
        extra = self._extra(len(timed))
        more = "".join(f", {name}" for name in extra)
        shaped = ", shaped" if p.roots else ""
        pieces.append(TAKE_STEP.format(normals=p.noise_dim, kicks=p.kick_dim, loops=step, more=more))
        if p.crossed:
            leaving = ["found[j] = channel if result & (channel < found[j]) else found[j]"]
            outside = self._loops(p.crossed, lambda k: k, leaving, ["channel = COUNT(to)"])
            pieces.append(LOOK_OUTSIDE.format(uniforms=p.uniform_dim, loops=outside, shaped=shaped))
            within = self._loops(conjuncts(p.bounded), lambda _: 0, ["fine[j] = fine[j] if result else zero"])
            pieces.append(LOOK_WITHIN.format(loops=within))
        check_length(p.dim, self.operations)
        shared = {
            "normals": max(1, group.steps * p.noise_dim),
            "folds": self.folds,
            **steady_limits(self.streams),
            "more": more,
            "shaped": shaped,
        }
        made = [f"{name} = {array}" for name, array in extra.items() if array]
        clocks = ["groups = np.empty(LANES, dtype=np.int64)"] if p.clocked else []
        pieces.append(
            LOOP_INTEGRATE.format(
                scratch=_lines([*made, *clocks, *(stream.opened for stream in used)], 4),
                open=_lines([stream.open("group") for stream in used], 8),
                draw=_lines([stream.draw("group") for stream in used], 12),
                clock=SAME_GROUP if p.clocked else "",
                **shared,
            )
        )
        if p.crossed:
            pieces.append(
                LOOP_FIRST_PASSAGE.format(
                    scratch=_lines([*made, *(stream.opened for stream in self.streams)], 4),
                    open=_lines([stream.open("groups") for stream in self.streams], 8),
                    draw=_lines([stream.draw("groups") for stream in self.streams], 12),
                    uniforms=max(1, group.steps * p.uniform_dim),
                    second=p.dim if group.steps > 1 else 1,
                    spare="second" if group.steps > 1 else "first",
                    diverged=DIVERGED,
                    **shared,
                )
            )
        header = LOOP_HEADER.format(
            dtype=self.printer.dtype,
            lanes=LOOP_LANES,
            # A counter as wide as the numbers, so that both fill equally many vectors.
            count="int32" if self.printer.dtype == "float32" else "int64",
            dim=p.dim,
            steps=group.steps,
            channels=len(p.crossed),
        )
        if p.roots:
            unit = np.finfo(self.printer.dtype).eps
            header += ROOT_HEADER.format(wide=WIDE, unit=unit, rounding=max(ROUNDING, 100 * unit)) + TURN_ROWS
        return header + "".join(pieces)

    def _extra(self, timed: int) -> dict[str, str]:
        """What `take_step` takes beyond what every step needs, and how it is made."""
        p = self.program
        extra: dict[str, str] = {}
        if p.clocked:
            extra |= {"groups": "", "clock": _reals(1), "timed": _reals(timed)}
        if p.kick_dim:
            extra["kicks"] = _reals(self.group.steps * p.kick_dim)
        if p.roots:
            turns = SWEEPS * max(root.size * (root.size - 1) // 2 for root in p.roots)
            rows = max(root.size * (root.size + len(root.vectors)) for root in p.roots)
            extra |= {
                "matrices": _reals(sum(len(root.matrix) for root in p.roots)),
                "shaped": _reals(sum(root.size * len(root.vectors) for root in p.roots)),
                "work": f"np.empty({rows * WIDE}, dtype=REAL)",
                "turns": f"np.empty({2 * turns * WIDE}, dtype=REAL)",
                "pairs": f"np.empty({2 * turns}, dtype=np.uint64)",
                "scales": f"np.empty({3 * WIDE}, dtype=REAL)",
            }
        return extra

    def _roots(self) -> tuple[str, str]:
        """Functions that apply matrix roots, one for all of one form; and what `take_step` does for them."""
        roots = self.program.roots
        places: dict[int, int] = {}
        entries = 0
        for number, root in enumerate(roots):
            places[number] = entries * LOOP_LANES
            entries += len(root.matrix)
        matrices = [node for root in roots for node in root.matrix]
        vectors = {
            int(name.removeprefix("r")): node
            for root in roots
            for names, vector in zip(root.names, root.vectors, strict=True)
            for name, node in zip(names, vector, strict=True)
        }
        calls = self._loops(matrices, lambda n: n * LOOP_LANES, ["matrices[to + j] = result"])
        in_order = [vectors[n] for n in range(len(vectors))]
        calls += "\n" + self._loops(in_order, lambda n: n * LOOP_LANES, ["shaped[to + j] = result"])
        groups: dict[Node | None, list[int]] = {}
        for number, root in enumerate(roots):
            groups.setdefault(root.floor, []).append(number)
        text = ""
        for kind, (floor, numbers) in enumerate(groups.items()):
            first = len(self.tables.entries)
            for number in numbers:
                root = roots[number]
                starts = [int(names[0].removeprefix("r")) * LOOP_LANES for names in root.names]
                self.tables.entries += [root.size, len(starts), places[number], *starts]
            text += APPLY_ROOTS.format(
                name=f"apply_roots{kind}",
                what="a covariance" if floor is None else "the absolute value, with a floor, of a matrix",
                sweeps=SWEEPS,
                root=COVARIANCE if floor is None else ABSOLUTE,
            )
            bottom = "REAL(0.0)" if floor is None else self._run_time(floor)
            calls += (
                f"\n    apply_roots{kind}(matrices, shaped, work, turns, pairs, scales, width, "
                f"{bottom}, {first}, {len(numbers)}, table)"
            )
        return text, calls + "\n"

    def _run_time(self, leaf: Node) -> str:
        """A constant, in the text of a function."""
        return (
            self.printer.literal(leaf.value) if leaf.op == "const" else f"values[{self.tables.place(leaf)}]"
        )

    def _loops(
        self,
        trees: Sequence[Node],
        to: Callable[[int], int],
        store: Sequence[str],
        before: Sequence[str] = (),
    ) -> str:
        """Loops that evaluate trees by families; tree n has `to(n)` in its row, for `store` to use."""
        split = without_long_sums(trees, Builder())
        lines = [line for level in levels(split.folds) for line in self._fold_loops(level)]
        self.folds = max(self.folds, len(split.folds))
        for family in families(split.trees):
            rows = [[to(number)] for number in family.members]
            lines += self._loop(family.shape, family.leaves, rows, store, ["to = table[row]", *before])
        return indent("\n".join(lines) or "pass", " " * 4)

    def _fold_loops(self, folds: Mapping[int, Fold]) -> list[str]:
        """Loops for folds that need none of each other: for each family its first terms, then its links."""
        groups: dict[object, list[int]] = {}
        for number, fold in folds.items():
            key = fingerprint(fold.first)[0], fingerprint(fold.links[0])[0]
            groups.setdefault(key, []).append(number)
        lines: list[str] = []
        for numbers in groups.values():
            (first,) = families([folds[n].first for n in numbers])
            rows = [[n * LOOP_LANES] for n in numbers]
            lines += self._loop(
                first.shape, first.leaves, rows, ["folds[to + j] = result"], ["to = table[row]"]
            )
            (links,) = families([link for n in numbers for link in folds[n].links])
            rows = [[n * LOOP_LANES] for n in numbers for _ in folds[n].links]
            gathered = {ACCUMULATOR: "folds[to + j]"}
            lines += self._loop(
                links.shape, links.leaves, rows, ["folds[to + j] = result"], ["to = table[row]"], gathered
            )
        return lines

    def _loop(
        self,
        shape: Shape,
        leaves: Sequence[Sequence[Node]],
        rows: Sequence[list[int]],
        store: Sequence[str],
        opening: Sequence[str],
        names: Mapping[str, str] | None = None,
    ) -> list[str]:
        """One loop over the trees of a family around one over lanes; `rows` begin the rows of the table."""
        names = dict(names or {})
        once, each, load = [], [], []
        for k, kind in enumerate(shape.kinds):
            column = [member[k] for member in leaves]
            if kind in ("c", "const"):
                if any(leaf is not column[0] for leaf in column):
                    each.append(f"slot{k} = values[table[row + {len(rows[0])}]]")
                    _append(rows, [self.tables.place(leaf) for leaf in column])
                elif kind == "const":
                    names[f"slot{k}"] = self.printer.literal(column[0].value)
                else:
                    once.append(f"slot{k} = values[{self.tables.place(column[0])}]")
            elif kind == CLOCK:
                load.append(f"slot{k} = clock[j]")
            else:
                each.append(f"at{k} = table[row + {len(rows[0])}]{_OFFSETS.get(kind, '')}")
                load.append(f"slot{k} = {_ARRAYS[kind]}[at{k} + j]")
                _append(rows, [self.tables.place(leaf) for leaf in column])
        begin, width = len(self.tables.entries), len(rows[0])
        for row in rows:
            self.tables.entries += row
        body = [*load, *self.printer.statements([("result", shape.tree)], names, "t"), *store]
        self.operations += sum(bool(node.args) for node in schedule([shape.tree])[0])
        return [
            *once,
            f"for r in range({len(rows)}):",
            f"    row = {begin} + r * {width}",
            *(f"    {line}" for line in (*opening, *each)),
            "    for j in range(lanes):",
            *(f"        {line}" for line in body),
        ]


def _lines(lines: Sequence[str], margin: int) -> str:
    return indent("\n".join(lines), " " * margin)


def _reals(entries: int) -> str:
    return f"np.empty({entries} * LANES, dtype=REAL)"


def _append(rows: Sequence[list[int]], column: Sequence[int]) -> None:
    for row, entry in zip(rows, column, strict=True):
        row.append(entry)


def conjuncts(condition: Node) -> list[Node]:
    """The conditions that a conjunction is made of."""
    found, rest = [], [condition]
    while rest:
        node = rest.pop()
        if node.op == "and":
            rest += node.args
        else:
            found.append(node)
    return found[::-1]


def levels(folds: Sequence[Fold]) -> list[dict[int, Fold]]:
    """Folds by number, in turns such that each needs only those of earlier turns."""
    level: list[int] = []
    turns: list[dict[int, Fold]] = []
    for number, fold in enumerate(folds):
        needed = [
            int(leaf.name.removeprefix(FOLDED))
            for tree in (fold.first, *fold.links)
            for leaf in fingerprint(tree)[1]
            if leaf.op == "name" and leaf.name.startswith(FOLDED)
        ]
        level.append(1 + max((level[n] for n in needed), default=-1))
        if level[-1] == len(turns):
            turns.append({})
        turns[level[-1]][number] = fold
    return turns
