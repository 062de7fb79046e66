"""Source text of GPU kernels for many coordinates: loops over coordinates of one shape.

A thread keeps its path in arrays of its own. Which entries a coordinate reads stands in a table, which is the
same for all threads, so that they read neighbouring memory. The arithmetic is that of the loops on the CPU
(`simdyn.lowering.loop_kernels`) and of unrolled kernels: all give the same bits.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from textwrap import indent

import numpy as np

from simdyn.lowering.cuda_printer import CudaPrinter
from simdyn.lowering.cuda_templates import DRAW_ARRAY, FIRST_PASSAGE, HEADER, INTEGRATE, LOOK, TAKE_STEP
from simdyn.lowering.loop_kernels import Tables, check_length, conjuncts, levels
from simdyn.lowering.numba_kernels import grouping
from simdyn.lowering.program import DIVERGED, Program
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
from simdyn.noise.cuda_source import device_functions
from simdyn.noise.purposes import Purpose

_ARRAYS = {"x": "old", "y": "fresh", "z": "normals", "u": "uniforms", TIMED: "timed", FOLDED: "folds"}

_ARGUMENTS = "const REAL *values, const u32 *table"


def cuda_loop_source(program: Program, dtype: str, wide: bool, threads: int) -> tuple[str, Tables]:
    """The device text of a program, and the tables that go with it.

    Raises
    ------
    InputError
        Coordinates of so many different shapes that the text would be too long to compile.
    """
    writer = _CudaLoopWriter(program, dtype, wide, threads)
    text = writer.text()
    return text, writer.tables


def table_arguments(tables: Tables, constants: Sequence[float], dtype: str) -> tuple[np.ndarray, np.ndarray]:
    """Values and table in the form that device kernels take; each has at least one number."""
    values, table = tables.arguments(constants, np.dtype(dtype))
    return values if len(values) else np.zeros(1, dtype=dtype), table.astype(np.uint32)


class _CudaLoopWriter:
    def __init__(self, program: Program, dtype: str, wide: bool, threads: int) -> None:
        self.program = program
        self.group = grouping(program, wide)
        self.printer = CudaPrinter(dtype)
        self.single = dtype == "float32"
        self.wide = wide
        self.threads = threads
        self.tables = Tables(len(program.constants.expressions), spacing=1)
        self.operations = 0
        self.folds = 1

    def text(self) -> str:
        """The whole text."""
        p = self.program
        trees: tuple[Node, ...] = p.step
        loops = ""
        if p.clocked:
            apart = without_clock(p.step, Builder())
            trees = apart.trees
            loops = f"    REAL timed[{len(apart.timed)}];\n"
            loops += self._loops(apart.timed, lambda n: n, ["timed[to] = result;"]) + "\n"
        loops += self._loops(trees, lambda i: i, ["fresh[to] = result;"])
        pieces = [self._drawing(), TAKE_STEP.format(loops=loops)]
        if p.crossed:
            outside = self._loops(
                p.crossed, lambda k: k, ["first = result && (int)to < first ? (int)to : first;"]
            )
            within = self._loops(conjuncts(p.bounded), lambda _: 0, ["fine = fine & result;"])
            pieces.append(LOOK.format(outside=outside, within=within, channels=len(p.crossed)))
        check_length(p.dim, self.operations)
        real = "float" if self.single else "double"
        text = device_functions() + HEADER.format(real=real, threads=self.threads) + "".join(pieces)
        text += self._integrate()
        return text + (self._first_passage() if p.crossed else "")

    def _integrate(self) -> str:
        shared = {
            "model": _ARGUMENTS,
            "constants": "",
            "load": self._block([*self._declared(), *self._each("old[i] = x[i * paths + column]")], 8),
            "draw": self._block(self._draw(uniforms=False), 12),
            "store": self._block(self._each("x[i * paths + column] = old[i]"), 8),
        }
        groups = INTEGRATE.format(
            name="integrate",
            purpose="Advance by whole groups of steps",
            arguments="i64 first_group, i64 last_group",
            steps=self._block(self._steps("0", str(self.group.steps)), 12),
            **shared,
        )
        pieces = INTEGRATE.format(
            name="integrate_part",
            purpose="Advance by steps first to last - 1 of each group",
            arguments="i64 first_group, i64 last_group, int first, int last",
            steps=self._block(self._steps("first", "last"), 12),
            **shared,
        )
        return groups + pieces

    def _first_passage(self) -> str:
        p, steps = self.program, self.group.steps
        drawn = f"uniforms + s * {p.uniform_dim}"
        watch = [
            f"const int channel = look_outside(old, fresh, {drawn}, folds, values, table);",
            *self._exchange(),
            f"if (channel == {len(p.crossed)}) continue;",
            "ended = true;",
            f"taken = group * {steps} + s + 1;",
            f"reason = look_within(old, folds, values, table) ? channel + 1 : {DIVERGED};",
        ]
        lines = [
            f"for (int s = 0; s < {steps} && !ended; s++) {{",
            f"    {self._take()}",
            *(f"    {line}" for line in watch),
            "}",
        ]
        return FIRST_PASSAGE.format(
            model=_ARGUMENTS,
            constants="",
            load=self._block([*self._declared(True), *self._each("old[i] = lanes[i * width + lane]")], 4),
            begin=self._block(self._each("old[i] = start[i]"), 12),
            draw=self._block(self._draw(uniforms=True), 8),
            steps=self._block(lines, 8),
            bounded=self._block(["const bool bounded = look_within(old, folds, values, table);"], 12),
            group_steps=steps,
            diverged=DIVERGED,
            leave=self._block(self._each("out_state[i * paths + slot] = old[i]"), 12),
            store=self._block(self._each("lanes[i * width + lane] = old[i]"), 4),
        )

    def _declared(self, uniforms: bool = False) -> list[str]:
        """The arrays of a thread, and pointers to old and new coordinates, which change places."""
        dim, steps = self.program.dim, self.group.steps
        lines = [
            f"REAL one_state[{dim}], other_state[{dim}], *old = one_state, *fresh = other_state;",
            f"REAL normals[{max(1, steps * self.program.noise_dim)}], folds[{self.folds}];",
        ]
        return lines + ([f"REAL uniforms[{max(1, steps * self.program.uniform_dim)}];"] if uniforms else [])

    def _each(self, statement: str) -> list[str]:
        return [f"for (int i = 0; i < {self.program.dim}; i++) {statement};"]

    def _steps(self, first: str, last: str) -> list[str]:
        inner = [self._take(), *self._exchange()]
        return [f"for (int s = {first}; s < {last}; s++) {{", *(f"    {line}" for line in inner), "}"]

    def _take(self) -> str:
        """The call that takes step s of a group."""
        clock = f"(REAL)(group * {self.group.steps} + s)"
        normals = f"normals + s * {self.program.noise_dim}"
        return f"take_step(old, fresh, {normals}, folds, {clock}, values, table);"

    @staticmethod
    def _exchange() -> list[str]:
        return ["REAL *const kept = old;", "old = fresh;", "fresh = kept;"]

    def _drawing(self) -> str:
        """The functions that draw normals and uniforms."""
        text = ""
        kind, pair = ("Pair32", "normal_pair32") if self.single else ("Pair", "normal_pair")
        if self.group.normal_blocks:
            fill = [
                f"const {kind} m = {pair}(w.w0, w.w1), n = {pair}(w.w2, w.w3);",
                "numbers[4 * q] = m.first; numbers[4 * q + 1] = m.second;",
                "numbers[4 * q + 2] = n.first; numbers[4 * q + 3] = n.second;",
            ]
            if self.wide:
                fill = [
                    "const Pair n = normal_pair_wide(w.w0, w.w1, w.w2, w.w3);",
                    "numbers[2 * q] = (REAL)n.first; numbers[2 * q + 1] = (REAL)n.second;",
                ]
            text += DRAW_ARRAY.format(
                name="draw_normals",
                blocks=self.group.normal_blocks,
                purpose=int(Purpose.GAUSSIAN_WIDE if self.wide else Purpose.GAUSSIAN),
                fill=self._block(fill, 8),
            )
        if self.group.uniform_blocks:
            function = "uniform_32" if self.single else "uniform_64"
            text += DRAW_ARRAY.format(
                name="draw_uniforms",
                blocks=self.group.uniform_blocks,
                purpose=int(Purpose.BRIDGE),
                fill=self._block([f"numbers[4 * q + {k}] = {function}(w.w{k});" for k in range(4)], 8),
            )
        return text

    def _draw(self, uniforms: bool) -> list[str]:
        lines = []
        if self.group.normal_blocks:
            lines.append("draw_normals(normals, block, path, key0, key1);")
        if uniforms and self.group.uniform_blocks:
            lines.append("draw_uniforms(uniforms, block, path, key0, key1);")
        return lines

    def _loops(self, trees: Sequence[Node], to: Callable[[int], int], store: Sequence[str]) -> str:
        """Loops that evaluate trees by families; tree n has `to(n)` in its row, for `store` to use."""
        split = without_long_sums(trees, Builder())
        lines = [line for level in levels(split.folds) for line in self._fold_loops(level)]
        self.folds = max(self.folds, len(split.folds))
        for family in families(split.trees):
            rows = [[to(number)] for number in family.members]
            lines += self._loop(family.shape, family.leaves, rows, store)
        return self._block(lines, 4)

    def _fold_loops(self, folds: Mapping[int, Fold]) -> list[str]:
        """Loops for folds that need none of each other: for each family its first terms, then its links."""
        groups: dict[object, list[int]] = {}
        for number, fold in folds.items():
            key = fingerprint(fold.first)[0], fingerprint(fold.links[0])[0]
            groups.setdefault(key, []).append(number)
        lines: list[str] = []
        store = ["folds[to] = result;"]
        for numbers in groups.values():
            (first,) = families([folds[n].first for n in numbers])
            lines += self._loop(first.shape, first.leaves, [[n] for n in numbers], store)
            (links,) = families([link for n in numbers for link in folds[n].links])
            rows = [[n] for n in numbers for _ in folds[n].links]
            lines += self._loop(links.shape, links.leaves, rows, store, {ACCUMULATOR: "folds[to]"})
        return lines

    def _loop(
        self,
        shape: Shape,
        leaves: Sequence[Sequence[Node]],
        rows: Sequence[list[int]],
        store: Sequence[str],
        names: Mapping[str, str] | None = None,
    ) -> list[str]:
        """One loop over the trees of a family; `rows` begin the rows of the table."""
        names = dict(names or {})
        load = []
        for k, kind in enumerate(shape.kinds):
            column = [member[k] for member in leaves]
            if kind == "const" and all(leaf is column[0] for leaf in column):
                names[f"slot{k}"] = self.printer.literal(column[0].value)
                continue
            if kind == CLOCK:
                names[f"slot{k}"] = "clock"
                continue
            array = "values" if kind in ("c", "const") else _ARRAYS[kind]
            load.append(f"const REAL slot{k} = {array}[row[{len(rows[0])}]];")
            for row, leaf in zip(rows, column, strict=True):
                row.append(self.tables.place(leaf))
        begin, width = len(self.tables.entries), len(rows[0])
        for row in rows:
            self.tables.entries += row
        self.operations += sum(bool(node.args) for node in schedule([shape.tree])[0])
        body = [
            f"const u32 *row = table + {begin} + r * {width};",
            "const u32 to = row[0];",
            *load,
            *self.printer.statements([("result", shape.tree)], names, "t"),
            *store,
        ]
        return [f"for (u32 r = 0; r < {len(rows)}; r++) {{", *(f"    {line}" for line in body), "}"]

    @staticmethod
    def _block(lines: Sequence[str], margin: int) -> str:
        return indent("\n".join(lines), " " * margin)
