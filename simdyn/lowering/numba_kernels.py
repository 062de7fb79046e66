"""Source text of the CPU kernels: plain integration and first passage, specialised for one program.

Both advance blocks of lanes, each lane a path, stored as structure of arrays. A Philox block serves `group`
consecutive steps (all of one step's normals in higher dimension), and the loops over lanes, which vectorise,
advance all of them by a whole group.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from textwrap import indent

from simdyn.lowering.numba_printer import NumbaPrinter
from simdyn.lowering.numba_templates import FIRST_PASSAGE, HEADER, INTEGRATE
from simdyn.lowering.program import DIVERGED, Program
from simdyn.noise.purposes import Purpose

LANES = 256
"""Paths that one call of a kernel advances side by side; their state fits the first-level cache."""


@dataclass(frozen=True)
class Grouping:
    """How steps share Philox blocks.

    Attributes
    ----------
    steps
        Steps in a group.
    normal_blocks, uniform_blocks, kick_blocks
        Philox blocks that a group consumes for normals, for bridge uniforms and for alpha-stable kicks.
    """

    steps: int
    normal_blocks: int
    uniform_blocks: int
    kick_blocks: int


def grouping(program: Program, wide: bool) -> Grouping:
    """The shortest group of steps that uses whole blocks.

    Normal n of a path, of m in each step, is number n % m of step n // m.
    """
    per_block = 2 if wide else 4
    # Alpha-stable kicks are long: a kernel of many takes half a minute to compile.
    steps = 1 if program.kick_dim else 4
    if program.noise_dim:
        steps = per_block // math.gcd(program.noise_dim, per_block)
    for uniforms in (program.uniform_dim, program.kick_dim):
        if uniforms:
            steps = math.lcm(steps, 4 // math.gcd(uniforms, 4))
    return Grouping(
        steps,
        steps * program.noise_dim // per_block,
        steps * program.uniform_dim // 4,
        steps * program.kick_dim // 4,
    )


def kernel_source(program: Program, dtype: str, wide: bool) -> str:
    """The module text that holds `integrate`, `integrate_part` and, for a program with an exit,
    `first_passage`."""
    writer = _Writer(program, dtype, wide)
    # A counter as wide as the numbers, so that both fill equally many vectors.
    count = "int64" if dtype == "float64" else "int32"
    text = HEADER.format(dtype=dtype, lanes=LANES, count=count) + writer.integrate()
    if program.crossed:
        text += writer.first_passage()
    return text


@dataclass(frozen=True)
class _Draw:
    """Lines that draw a group's random words, lines that make numbers of them, and whether in loops of their
    own."""

    words: list[str]
    numbers: list[str]
    apart: bool


class _Writer:
    def __init__(self, program: Program, dtype: str, wide: bool) -> None:
        self.program = program
        self.group = grouping(program, wide)
        self.printer = NumbaPrinter(dtype)
        self.single = dtype == "float32"
        self.wide = wide

    def integrate(self) -> str:
        """Two kernels: whole groups of steps, nearly always; and the part of one group at either end of a
        run."""
        dim, steps = self.program.dim, self.group.steps
        whole, part = [], []
        for s in range(steps):
            step = [*self._clock(s, "group"), *self._step(s)]
            whole += [*step, *(f"x{i} = y{i}" for i in range(dim))]
            part += [*step, f"begun = first <= {s}"]
            part += [f"x{i} = y{i} if begun else x{i}" for i in range(dim)]
            part += [f"buffer[{s * dim + i} * LANES + j] = x{i}" for i in range(dim)]
        head = ["path = uint64(first_path + begin + j)", "block = uint64(group)"]
        draw = self._draw(uniforms=False)
        return INTEGRATE.format(
            dim=dim,
            steps=steps,
            constants=self._constants(),
            scratch=self._scratch(draw),
            sweep=self._sweep(head, draw, [*self._load("buffer"), *whole, *self._store("buffer")]),
            part_sweep=self._sweep(head, draw, [*self._load("buffer"), *part], 8),
        )

    def first_passage(self) -> str:
        """The kernel, and the function that goes through the last group of a path once more."""
        dim, steps = self.program.dim, self.group.steps
        tame = self.program.tame is not None
        advance, replay = ["left = False", *["calm = True"] * tame], []
        for s in range(steps):
            step = [*self._step(s), *self._crossings(s)]
            forward = [f"x{i} = y{i}" for i in range(dim)]
            outside = " | ".join(f"out{k}" for k in range(len(self.program.crossed)))
            leave = f"left = left | {outside}"
            calm = [*self._tame(s), f"calm = calm & tame{s}"] if tame else []
            advance += [*self._clock(s, "groups[j]"), *step, leave, *calm, *forward]
            looked = self._tame(s) if tame else []
            replay += [*self._clock(s, "block"), *step, *looked, *forward, *self._ending(s)]
        draw = self._draw(uniforms=True)
        head = ["path = uint64(first_path) + uint64(shifts[j])", "block = uint64(groups[j])"]
        body = [
            *self._load("lanes"),
            *advance,
            *(["bounded = calm"] if tame else self._bounded("b")),
            "going = bounded & (not left)",
            *(f"lanes[{i} * LANES + j] = x{i} if going else lanes[{i} * LANES + j]" for i in range(dim)),
            "groups[j] += one if going else zero",
        ]
        return FIRST_PASSAGE.format(
            dim=dim,
            steps=steps,
            diverged=DIVERGED,
            constants=self._constants(),
            scratch=self._scratch(draw),
            sweep=self._sweep(head, draw, body),
            load_one=self._lines(self._load("lanes"), 4),
            draw_one=self._lines([*draw.words, *draw.numbers], 4),
            replay=self._lines([*replay, *(f"state[{i}] = x{i}" for i in range(dim))], 4),
        )

    def _step(self, s: int) -> list[str]:
        names = {f"z{j}": f"z{s * self.program.noise_dim + j}" for j in range(self.program.noise_dim)}
        names |= {f"q{j}": f"q{s * self.program.kick_dim + j}" for j in range(self.program.kick_dim)}
        outputs = [(f"y{i}", node) for i, node in enumerate(self.program.step)]
        return self.printer.statements(outputs, names, f"s{s}_")

    def _clock(self, s: int, group: str) -> list[str]:
        """The number of step s of a group, for rules that change with it."""
        return [f"k = REAL(int64({group}) * {self.group.steps} + {s})"] if self.program.clocked else []

    def _crossings(self, s: int) -> list[str]:
        names = {f"u{k}": f"u{s * self.program.uniform_dim + k}" for k in range(self.program.uniform_dim)}
        outputs = [(f"out{k}", node) for k, node in enumerate(self.program.crossed)]
        return self.printer.statements(outputs, names, f"e{s}_")

    def _ending(self, s: int) -> list[str]:
        """Leave with the step and the first channel if the path ended here; an explosion is no exit."""
        lines = []
        if self.program.tame is not None:
            lines.append(f"if not tame{s}:")
            lines += [f"    state[{i}] = x{i}" for i in range(self.program.dim)]
            lines += [f"    return {s + 1}, {DIVERGED}"]
        for k in range(len(self.program.crossed)):
            lines.append(f"if out{k}:")
            lines += [f"    state[{i}] = x{i}" for i in range(self.program.dim)]
            if self.program.tame is not None:
                lines += [f"    return {s + 1}, {k + 1}"]
                continue
            lines += [f"    {line}" for line in self._bounded(f"b{s}_")]
            lines += [f"    return {s + 1}, ({k + 1} if bounded else {DIVERGED})"]
        return lines

    def _tame(self, s: int) -> list[str]:
        """Whether step s has not diverged, in a rule with jumps."""
        assert self.program.tame is not None
        return self.printer.statements([(f"tame{s}", self.program.tame)], {}, f"a{s}_")

    def _bounded(self, prefix: str) -> list[str]:
        return self.printer.statements([("bounded", self.program.bounded)], {}, prefix)

    def _draw(self, uniforms: bool) -> _Draw:
        """Random words of a group of steps, and the normals and uniforms that are made of them."""
        blocks = self.group.normal_blocks
        words = self._words(blocks, Purpose.GAUSSIAN_WIDE if self.wide else Purpose.GAUSSIAN, "w")
        numbers = []
        for q in range(blocks):
            if self.wide:
                numbers.append(f"z{2 * q}, z{2 * q + 1} = normal_pair_wide(w{q}_0, w{q}_1, w{q}_2, w{q}_3)")
            else:
                pair = "normal_pair32" if self.single else "normal_pair"
                numbers.append(f"z{4 * q}, z{4 * q + 1} = {pair}(w{q}_0, w{q}_1)")
                numbers.append(f"z{4 * q + 2}, z{4 * q + 3} = {pair}(w{q}_2, w{q}_3)")
        if self.wide and self.single:
            numbers += [f"z{n} = float32(z{n})" for n in range(2 * blocks)]
        uniform_blocks = self.group.uniform_blocks if uniforms else 0
        function = "uniform32" if self.single else "uniform"
        for purpose, count, drawn, name in (
            (Purpose.BRIDGE, uniform_blocks, "v", "u"),
            (Purpose.LEVY, self.group.kick_blocks, "t", "q"),
        ):
            words += self._words(count, purpose, drawn)
            for q in range(count):
                numbers += [f"{name}{4 * q + n} = {function}({drawn}{q}_{n})" for n in range(4)]
        # With one block a group is one long chain of operations, which no processor can overlap with the next
        # lanes' as far as it could; with more there is enough to do side by side.
        others = uniform_blocks + self.group.kick_blocks
        apart = blocks == 1 and not others and not self.single and not self.wide
        return _Draw(words, numbers, apart)

    def _sweep(self, head: list[str], draw: _Draw, body: list[str], margin: int = 12) -> str:
        """The loops over lanes that advance them all by one group."""
        loops = [[*head, *draw.words, *draw.numbers, *body]]
        if draw.apart:
            words, normals = [f"w0_{n}" for n in range(4)], [f"z{n}" for n in range(4)]
            loops = [
                [*head, *draw.words, *(f"words[{n} * LANES + j] = {w}" for n, w in enumerate(words))],
                [
                    *(f"{w} = words[{n} * LANES + j]" for n, w in enumerate(words)),
                    *draw.numbers,
                    *(f"normals[{n} * LANES + j] = {z}" for n, z in enumerate(normals)),
                ],
                [*(f"{z} = normals[{n} * LANES + j]" for n, z in enumerate(normals)), *body],
            ]
        opening = " " * margin + "for j in range(width):\n"
        return "\n".join(opening + self._lines(lines, margin + 4) for lines in loops)

    def _scratch(self, draw: _Draw) -> str:
        """Where the loops of a sweep leave words and normals for the next."""
        arrays = ["words = np.empty(4 * LANES, dtype=np.uint64)", "normals = np.empty(4 * LANES, dtype=REAL)"]
        return self._lines(arrays if draw.apart else [], 4)

    def _words(self, blocks: int, purpose: Purpose, prefix: str) -> list[str]:
        """Counter words: block in the low 56 bits, purpose in the 8 above, path in the other 64."""
        lines = []
        for q in range(blocks):
            index = "block" if blocks == 1 else f"block * uint64({blocks}) + uint64({q})"
            words = ", ".join(f"{prefix}{q}_{n}" for n in range(4))
            lines.append(f"counter = {index}")
            lines.append(
                f"{words} = philox(counter, (counter >> uint64(32)) | uint64({int(purpose) << 24}), path, "
                "path >> uint64(32), key0, key1)"
            )
        return lines

    def _constants(self) -> str:
        count = len(self.program.constants.expressions)
        return indent("\n".join(f"c{k} = constants[{k}]" for k in range(count)) or "pass", " " * 4)

    def _load(self, array: str) -> list[str]:
        return [f"x{i} = {array}[{i} * LANES + j]" for i in range(self.program.dim)]

    def _store(self, array: str) -> list[str]:
        return [f"{array}[{i} * LANES + j] = x{i}" for i in range(self.program.dim)]

    @staticmethod
    def _lines(lines: list[str], margin: int = 16) -> str:
        return indent("\n".join(lines), " " * margin)
