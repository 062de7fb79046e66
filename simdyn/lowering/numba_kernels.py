"""Source text of the CPU kernels: plain integration and first passage, specialised for one program.

Both advance blocks of lanes, each lane a path, stored as structure of arrays. A Philox block serves `group`
consecutive steps (all of one step's normals in higher dimension), and the loops over lanes, which vectorise,
draw the random numbers of a whole group for all of them and then advance all of them by it.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from textwrap import indent

from simdyn.lowering.draws import LANE_UNIT, OPENED, Stream, draw_functions, steady_limits
from simdyn.lowering.numba_printer import NumbaPrinter
from simdyn.lowering.numba_templates import BEGIN_WINDOW, FIRST_PASSAGE, HEADER, INTEGRATE, SWEEP
from simdyn.lowering.program import DIVERGED, Program
from simdyn.noise.purposes import Purpose

LANES = (64, 128, 256, 384)
"""Numbers of paths that a kernel may advance side by side."""

CACHED_NUMBERS = 3840
"""Numbers of eight bytes that may lie in the first-level cache; it holds 4,096 where it is smallest."""

_LETTERS = {"normals": "z", "uniforms": "u", "kicks": "q"}
"""What steps call the random numbers of each kind."""


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


def streams(group: Grouping, wide: bool) -> list[Stream]:
    """The random numbers that a group of steps is given."""
    found = [
        Stream("normals", Purpose.GAUSSIAN_WIDE if wide else Purpose.GAUSSIAN, group.normal_blocks),
        Stream("uniforms", Purpose.BRIDGE, group.uniform_blocks),
        Stream("kicks", Purpose.LEVY, group.kick_blocks),
    ]
    return [stream for stream in found if stream.blocks]


def lanes_of(program: Program, dtype: str, wide: bool) -> int:
    """Paths that one call of a kernel advances side by side.

    As many as leave all that they need in the first-level cache: coordinates and random numbers; words in
    64 bits each, or two of them in single precision; what serves for all groups, the path and its group.
    """
    drawn = streams(grouping(program, wide), wide)
    reals = program.dim + sum(stream.count for stream in drawn) + 4
    numbers = (reals / 2 if dtype == "float32" else reals) + OPENED * len(drawn) + 2
    return max(n for n in LANES if n * numbers <= CACHED_NUMBERS or n == LANES[0])


def kernel_source(program: Program, dtype: str, wide: bool) -> str:
    """The module text that holds `integrate`, `integrate_part` and, for a program with an exit,
    `first_passage`."""
    return _Writer(program, dtype, wide).text()


class _Writer:
    def __init__(self, program: Program, dtype: str, wide: bool) -> None:
        self.program = program
        self.group = grouping(program, wide)
        self.streams = streams(self.group, wide)
        self.lanes = lanes_of(program, dtype, wide)
        self.printer = NumbaPrinter(dtype)

    def text(self) -> str:
        # A counter as wide as the numbers, so that both fill equally many vectors.
        count = "int32" if self.printer.dtype == "float32" else "int64"
        header = HEADER.format(dtype=self.printer.dtype, lanes=self.lanes, count=count)
        return header + self.integrate() + (self.first_passage() if self.program.crossed else "")

    def integrate(self) -> str:
        """Two kernels: whole groups of steps, nearly always; and the part of one group at either end of a
        run."""
        dim, steps = self.program.dim, self.group.steps
        used = [stream for stream in self.streams if stream.name != "uniforms"]
        arguments = self._arguments("lanes", used, "group")
        whole, part = self._load(used), self._load(used)
        for s in range(steps):
            step = [*self._clock(s, "group"), *self._step(s)]
            whole += [*step, *(f"x{i} = y{i}" for i in range(dim))]
            part += [*step, f"begun = first <= {s}"]
            part += [f"x{i} = y{i} if begun else x{i}" for i in range(dim)]
            part += [f"passed[{self._place(s * dim + i)}] = x{i}" for i in range(dim)]
        return (
            draw_functions(used, "group")
            + self._sweep("advance", arguments, "All lanes by a group of steps.", [*whole, *self._store()])
            + self._sweep(
                "advance_part",
                f"{arguments}, passed, first",
                "All lanes by the steps of a group from `first` on; the state after each is kept.",
                part,
            )
            + INTEGRATE.format(
                dim=dim,
                steps=steps,
                scratch=self._scratch(used),
                open=self._lines([stream.open("group") for stream in used], 8),
                draw=self._lines([stream.draw("group") for stream in used], 12),
                part_draw=self._lines([stream.draw("group", steady="UNSTEADY") for stream in used], 8),
                **steady_limits(used),
                arguments=arguments,
            )
        )

    def first_passage(self) -> str:
        """The kernel, the function that advances its lanes, and the one that goes through the last group of a
        path once more."""
        dim, steps = self.program.dim, self.group.steps
        tame = self.program.tame is not None
        advance = ["left = False", *["calm = True"] * tame]
        for s in range(steps):
            step = [*self._step(s), *self._crossings(s)]
            forward = [f"x{i} = y{i}" for i in range(dim)]
            outside = " | ".join(f"out{k}" for k in range(len(self.program.crossed)))
            calm = [*self._tame(s), f"calm = calm & tame{s}"] if tame else []
            advance += [*self._clock(s, "groups[j]"), *step, f"left = left | {outside}", *calm, *forward]
        body = [
            *self._load(self.streams),
            *advance,
            *(["bounded = calm"] if tame else self._bounded("b")),
            "going = bounded & (not left)",
            *(f"lanes[{self._place(i)}] = x{i} if going else lanes[{self._place(i)}]" for i in range(dim)),
            "groups[j] += one if going else zero",
        ]
        arguments = self._arguments("lanes", self.streams, "groups")
        purpose = "All lanes by a group of steps, but those whose path ends in it."
        one = [
            stream.draw("groups", steady="UNSTEADY", width="ALONE", given="last") for stream in self.streams
        ]
        return (
            draw_functions(self.streams, "groups")
            + BEGIN_WINDOW
            + self._sweep("watch", arguments, purpose, body)
            + FIRST_PASSAGE.format(
                dim=dim,
                steps=steps,
                diverged=DIVERGED,
                constants=self._constants(),
                scratch=self._scratch(self.streams),
                open=self._lines([stream.open("groups") for stream in self.streams], 8),
                draw=self._lines([stream.draw("groups") for stream in self.streams], 12),
                unit=LANE_UNIT,
                watch=f"watch({arguments}, width, constants)",
                numbers="".join(f"{stream.name}, " for stream in self.streams),
                load_one=self._lines([f"x{i} = lanes[{i} * LANES + j]" for i in range(dim)], 4),
                draw_one=self._lines(one, 16),
                replay=self._lines(self._replay(), 8),
                keep=self._lines([f"state[{i}] = x{i}" for i in range(dim)], 4),
                **steady_limits(self.streams),
            )
        )

    def _sweep(self, name: str, arguments: str, purpose: str, body: list[str]) -> str:
        """A function that does something with all lanes."""
        return SWEEP.format(
            name=name,
            arguments=arguments,
            purpose=purpose,
            unit=LANE_UNIT,
            constants=self._constants(),
            body=self._lines(body, 8),
        )

    def _arguments(self, before: str, used: Sequence[Stream], *after: str) -> str:
        return ", ".join(filter(None, [before, *(stream.name for stream in used), *after]))

    def _scratch(self, used: Sequence[Stream]) -> str:
        """Arrays of a kernel beside those that it is given."""
        lines = [line for stream in used for line in (stream.array, stream.opened)]
        if used:
            lines.append("words = np.empty(4 * LANES, dtype=np.uint64)")
        lines.append("paths = np.zeros(LANES, dtype=np.uint64)")
        return self._lines(lines, 4)

    def _step(self, s: int) -> list[str]:
        names = {f"z{j}": f"z{s * self.program.noise_dim + j}" for j in range(self.program.noise_dim)}
        names |= {f"q{j}": f"q{s * self.program.kick_dim + j}" for j in range(self.program.kick_dim)}
        outputs = [(f"y{i}", node) for i, node in enumerate(self.program.step)]
        return self.printer.statements(outputs, names, f"s{s}_")

    def _clock(self, s: int | str, group: str) -> list[str]:
        """The number of step s of a group, for rules that change with it."""
        return [f"k = REAL(int64({group}) * {self.group.steps} + {s})"] if self.program.clocked else []

    def _crossings(self, s: int) -> list[str]:
        names = {f"u{k}": f"u{s * self.program.uniform_dim + k}" for k in range(self.program.uniform_dim)}
        outputs = [(f"out{k}", node) for k, node in enumerate(self.program.crossed)]
        return self.printer.statements(outputs, names, f"e{s}_")

    def _replay(self) -> list[str]:
        """Step s of a path, and through which channel it has left if it has; an explosion is no exit."""
        dim, channels = self.program.dim, len(self.program.crossed)
        lines = []
        for stream in self.streams:
            each, letter = stream.count // self.group.steps, _LETTERS[stream.name]
            lines += [f"{letter}{n} = {stream.name}[(s * {each} + {n}) * LANES]" for n in range(each)]
        lines += [*self._clock("s", "group"), *self._step(0), *self._crossings(0)]
        tame = self.program.tame is not None
        lines += self._tame(0) if tame else []
        lines += [f"x{i} = y{i}" for i in range(dim)]
        for k in range(channels):
            lines += [f"{'el' if k else ''}if out{k}:", f"    reason = {k + 1}"]
        if tame:
            return [*lines, "if not tame0:", f"    reason = {DIVERGED}"]
        ended = [*self._bounded("b"), "if not bounded:", f"    reason = {DIVERGED}"]
        return [*lines, "if reason != 0:", *(f"    {line}" for line in ended)]

    def _tame(self, s: int) -> list[str]:
        """Whether step s has not diverged, in a rule with jumps."""
        assert self.program.tame is not None
        return self.printer.statements([(f"tame{s}", self.program.tame)], {}, f"a{s}_")

    def _bounded(self, prefix: str) -> list[str]:
        return self.printer.statements([("bounded", self.program.bounded)], {}, prefix)

    def _constants(self) -> str:
        count = len(self.program.constants.expressions)
        return indent("\n".join(f"c{k} = constants[{k}]" for k in range(count)) or "pass", " " * 4)

    def _load(self, used: Sequence[Stream]) -> list[str]:
        """State and random numbers of lane j."""
        numbers = [(stream, n) for stream in used for n in range(stream.count)]
        return [
            *(f"x{i} = lanes[{self._place(i)}]" for i in range(self.program.dim)),
            *(f"{_LETTERS[stream.name]}{n} = {stream.name}[{self._place(n)}]" for stream, n in numbers),
        ]

    def _store(self) -> list[str]:
        return [f"lanes[{self._place(i)}] = x{i}" for i in range(self.program.dim)]

    def _place(self, row: int) -> str:
        return f"uint64({row * self.lanes}) + j"

    @staticmethod
    def _lines(lines: list[str], margin: int) -> str:
        return indent("\n".join(lines), " " * margin)
