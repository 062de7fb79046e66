"""Source text of the GPU kernels: plain integration and first passage, specialised for one program.

The steps, their noise and the order of their operations are those of `simdyn.lowering.numba_kernels`, so a
path takes the same course to the last bit. Only the schedule differs: a thread is a path, or, for first
passages, a lane that takes path after path.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from textwrap import indent

import numpy as np

from simdyn.errors import InputError
from simdyn.lowering.cuda_loop_kernels import cuda_loop_source, table_arguments
from simdyn.lowering.cuda_printer import CudaPrinter
from simdyn.lowering.cuda_templates import FIRST_PASSAGE, HEADER, INTEGRATE
from simdyn.lowering.kernel_choice import size_of
from simdyn.lowering.numba_kernels import Grouping, grouping
from simdyn.lowering.program import DIVERGED, Program
from simdyn.noise.cuda_source import device_functions
from simdyn.noise.purposes import Purpose

THREADS = 256
"""Most threads in a block."""

MOST_UNROLLED = 40
"""Coordinates, normals or channels of an exit up to which every one has its own lines in a kernel."""

MOST_COORDINATES = 1024
"""The same for kernels in loops: a thread has a state in its memory, and there are very many threads."""

MOST_JUMPS = 12
"""The same for rules with jumps: kicks are long, and each step is looked at, which loops do not do."""

_ARGUMENT = "const REAL *constants"


@dataclass(frozen=True)
class CudaKernels:
    """What an engine needs to know of the device kernels of a program.

    Attributes
    ----------
    source
        Text for a CUDA compiler, with `integrate`, `integrate_part` and, for a program with an exit,
        `first_passage`.
    group
        How steps share Philox blocks.
    constants
        The arguments that stand for the run-time constants.
    """

    source: str
    group: Grouping
    constants: tuple[np.ndarray, ...]


def cuda_kernels_of(program: Program, dtype: str, wide: bool) -> CudaKernels:
    """The device kernels of a program: unrolled for few coordinates, in loops for many.

    Raises
    ------
    InputError
        More coordinates than they can hold, coordinates of too many different forms, or matrix roots.
    """
    size = size_of(program)
    if program.roots:
        raise InputError(
            "The noise needs the root of a matrix at each step, which the GPU does not compute; it runs on "
            'the CPU, with backend="cpu".'
        )
    most = MOST_JUMPS if program.kick_dim else MOST_COORDINATES
    if size > most:
        what = "with jumps " if program.kick_dim else ""
        raise InputError(
            f"The GPU advances rules {what}of up to {most:,} coordinates, normals or exits, and this "
            f'one has {size:,}; it runs on the CPU, with backend="cpu".'
        )
    constants, group = program.constant_values(), grouping(program, wide)
    if size > MOST_UNROLLED:
        source, tables = cuda_loop_source(program, dtype, wide, THREADS)
        return CudaKernels(source, group, table_arguments(tables, constants, dtype))
    # A kernel with no constants still takes a pointer to some.
    argument = np.array(constants or [0.0], dtype=dtype)
    return CudaKernels(cuda_source(program, dtype, wide), group, (argument,))


def cuda_source(program: Program, dtype: str, wide: bool) -> str:
    """The device text of a program in which every coordinate has its own lines."""
    writer = _CudaWriter(program, dtype, wide)
    real = "double" if dtype == "float64" else "float"
    text = device_functions() + HEADER.format(real=real, threads=THREADS) + writer.integrate()
    if program.crossed:
        text += writer.first_passage()
    return text


class _CudaWriter:
    def __init__(self, program: Program, dtype: str, wide: bool) -> None:
        self.program = program
        self.group = grouping(program, wide)
        self.printer = CudaPrinter(dtype)
        self.single = dtype == "float32"
        self.wide = wide

    def integrate(self) -> str:
        """Two kernels: whole groups of steps, nearly always; and the part of one group at either end of a
        run."""
        whole, part = [], []
        for s in range(self.group.steps):
            step = [*self._step(s), *self._forward()]
            whole += ["{", *_inner(step), "}"]
            part += [f"if (first <= {s} && {s} < last) {{", *_inner(step), "}"]
        shared = {
            "model": _ARGUMENT,
            "constants": self._constants(),
            "load": _block(self._load("x", "paths", "column"), 8),
            "draw": _block(self._draw(uniforms=False), 12),
            "store": _block(self._store("x", "paths", "column"), 8),
        }
        groups = INTEGRATE.format(
            name="integrate",
            purpose="Advance by whole groups of steps",
            arguments="i64 first_group, i64 last_group",
            steps=_block(whole, 12),
            **shared,
        )
        pieces = INTEGRATE.format(
            name="integrate_part",
            purpose="Advance by steps first to last - 1 of each group",
            arguments="i64 first_group, i64 last_group, int first, int last",
            steps=_block(part, 12),
            **shared,
        )
        return groups + pieces

    def first_passage(self) -> str:
        """The kernel of persistent lanes."""
        jumps = self.program.tame is not None
        # A path that ends leaves by a `break`: for all others an exit costs a comparison and a branch.
        steps = ["do {"]
        for s in range(self.group.steps):
            # Whether it is tame is seen from both ends of the step.
            step = [*self._step(s), *self._crossings(s), *self._tame(), *self._forward(), *self._ending(s)]
            steps += _inner(["{", *_inner(step), "}"])
        steps.append("} while (false);")
        dim = self.program.dim
        return FIRST_PASSAGE.format(
            model=_ARGUMENT,
            constants=self._constants(),
            load=_block(self._load("lanes", "width", "lane"), 4),
            begin=_block([f"x{i} = start[{i}];" for i in range(dim)], 12),
            draw=_block(self._draw(uniforms=True), 8),
            steps=_block(steps, 8),
            # Steps of a rule with jumps have each been looked at.
            bounded=_block(["const bool bounded = true;"] if jumps else self._bounded("b"), 12),
            group_steps=self.group.steps,
            diverged=DIVERGED,
            leave=_block([f"out_state[{i} * paths + slot] = x{i};" for i in range(dim)], 12),
            store=_block(self._store("lanes", "width", "lane"), 4),
        )

    def _step(self, s: int) -> list[str]:
        names = {f"z{j}": f"z{s * self.program.noise_dim + j}" for j in range(self.program.noise_dim)}
        names |= {f"q{j}": f"q{s * self.program.kick_dim + j}" for j in range(self.program.kick_dim)}
        # The number of the step, for rules that change with it.
        clock = [f"const REAL k = (REAL)(group * {self.group.steps} + {s});"] if self.program.clocked else []
        outputs = [(f"y{i}", node) for i, node in enumerate(self.program.step)]
        return [*clock, *self.printer.statements(outputs, names, "s")]

    def _forward(self) -> list[str]:
        return [f"x{i} = y{i};" for i in range(self.program.dim)]

    def _crossings(self, s: int) -> list[str]:
        names = {f"u{k}": f"u{s * self.program.uniform_dim + k}" for k in range(self.program.uniform_dim)}
        outputs = [(f"out{k}", node) for k, node in enumerate(self.program.crossed)]
        return self.printer.statements(outputs, names, "e")

    def _ending(self, s: int) -> list[str]:
        """Note the step and the first channel if the path ended here; an explosion is no exit."""
        channels = range(len(self.program.crossed))
        first = "".join(f"out{k} ? {k + 1} : " for k in channels[:-1]) + str(len(channels))
        jumps = self.program.tame is not None
        body = [
            *([] if jumps else self._bounded("b")),
            "ended = true;",
            f"taken = group * {self.group.steps} + {s + 1};",
            f"reason = {'tame' if jumps else 'bounded'} ? ({first}) : {DIVERGED};",
            "break;",
        ]
        ends = [*(f"out{k}" for k in channels), *["(!tame)"] * jumps]
        return [f"if ({' | '.join(ends)}) {{", *_inner(body), "}"]

    def _tame(self) -> list[str]:
        """Whether the step has not diverged, in a rule with jumps."""
        tame = self.program.tame
        return [] if tame is None else self.printer.statements([("tame", tame)], {}, "a")

    def _bounded(self, prefix: str) -> list[str]:
        """Whether the state, once it is the new one, is within the bound."""
        names = {f"y{i}": f"x{i}" for i in range(self.program.dim)}
        return self.printer.statements([("bounded", self.program.bounded)], names, prefix)

    def _draw(self, uniforms: bool) -> list[str]:
        """The normals and uniforms of a group of steps."""
        blocks = self.group.normal_blocks
        lines = self._words("w", blocks, Purpose.GAUSSIAN_WIDE if self.wide else Purpose.GAUSSIAN)
        for q in range(blocks):
            if self.wide:
                lines.append(f"const Pair n{q} = normal_pair_wide(w{q}.w0, w{q}.w1, w{q}.w2, w{q}.w3);")
                lines.append(_declared([f"z{2 * q}", f"z{2 * q + 1}"], [f"n{q}.first", f"n{q}.second"]))
                continue
            kind, function = ("Pair32", "normal_pair32") if self.single else ("Pair", "normal_pair")
            lines.append(f"const {kind} m{q} = {function}(w{q}.w0, w{q}.w1);")
            lines.append(f"const {kind} n{q} = {function}(w{q}.w2, w{q}.w3);")
            numbers = [f"m{q}.first", f"m{q}.second", f"n{q}.first", f"n{q}.second"]
            lines.append(_declared([f"z{4 * q + k}" for k in range(4)], numbers))
        function = "uniform_32" if self.single else "uniform_64"
        for purpose, count, words, name in (
            (Purpose.BRIDGE, self.group.uniform_blocks if uniforms else 0, "v", "u"),
            (Purpose.LEVY, self.group.kick_blocks, "t", "q"),
        ):
            lines += self._words(words, count, purpose)
            for q in range(count):
                numbers = [f"{function}({words}{q}.w{k})" for k in range(4)]
                lines.append(_declared([f"{name}{4 * q + k}" for k in range(4)], numbers))
        return lines

    @staticmethod
    def _words(name: str, blocks: int, purpose: Purpose) -> list[str]:
        return [
            f"const Words {name}{q} = words_of(block * {blocks}u + {q}u, {int(purpose)}u, path, key0, key1);"
            for q in range(blocks)
        ]

    def _constants(self) -> str:
        count = len(self.program.constants.expressions)
        return _block([f"const REAL c{k} = constants[{k}];" for k in range(count)], 4)

    def _load(self, array: str, columns: str, column: str) -> list[str]:
        return [f"REAL x{i} = {array}[{i} * {columns} + {column}];" for i in range(self.program.dim)]

    def _store(self, array: str, columns: str, column: str) -> list[str]:
        return [f"{array}[{i} * {columns} + {column}] = x{i};" for i in range(self.program.dim)]


def _declared(names: Sequence[str], values: Sequence[str]) -> str:
    pairs = ", ".join(f"{name} = (REAL){value}" for name, value in zip(names, values, strict=True))
    return f"const REAL {pairs};"


def _inner(lines: Sequence[str]) -> list[str]:
    return [f"    {line}" for line in lines]


def _block(lines: Sequence[str], margin: int) -> str:
    return indent("\n".join(lines), " " * margin)
