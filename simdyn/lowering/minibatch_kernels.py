"""Source text of the kernels for means over samples, specialised for one update rule.

There are two forms. Rows: a path after the other, for losses that depend on the coordinates through products
with rows of data, which lie contiguously. Lanes: paths side by side, for any formula; the numbers of each
path's sample are gathered, and then a loop over lanes evaluates the formula.
"""

from __future__ import annotations

from dataclasses import dataclass
from textwrap import indent

import numpy as np
import sympy

from simdyn.dynamics import MinibatchUpdate
from simdyn.exits import Exit, Score
from simdyn.lowering.minibatch_model import COORDINATE, PRODUCT, Model, PointwiseModel, RowModel, model_of
from simdyn.lowering.minibatch_templates import (
    COMMON,
    FIRST_PASSAGE,
    HEADER,
    INTEGRATE,
    LANEWISE,
    ROWWISE,
)
from simdyn.lowering.numba_printer import NumbaPrinter
from simdyn.lowering.program import DIVERGED, DIVERGENCE_BOUND, across
from simdyn.lowering.symbolic import Constants, Lowering
from simdyn.lowering.tree import Builder, Node, schedule
from simdyn.lowering.vector_rows import padded
from simdyn.noise.indices import SPARE

BATCH_LANES = 64
"""Paths that one call of a kernel holds at once."""


@dataclass(frozen=True)
class MinibatchKernel:
    """A kernel and the numbers of its landscape.

    Attributes
    ----------
    source
        Text of the module with `integrate` and, for a rule with an exit, `first_passage`.
    rows, data
        Rows, padded with zeros, and numbers of samples or rows.
    constants
        Values of the run-time constants.
    """

    source: str
    rows: np.ndarray
    data: np.ndarray
    constants: np.ndarray


def minibatch_kernel(
    update: MinibatchUpdate,
    exit: Exit | None,
    wide: bool,
    dtype: str = "float64",
    score: Score | None = None,
) -> MinibatchKernel:
    """The kernel of a rule and, where given, of an exit and of a score that paths keep a record of.

    In float32 coordinates, data and their arithmetic are; learning rates, kicks and normals are made in
    float64 and then rounded.

    Raises
    ------
    InputError
        A function that kernels do not have.
    """
    model = model_of(update.potential, kicked=bool(update.kicks.any()))
    writer = (
        _LaneWriter(update, exit, model, dtype, score)
        if isinstance(model, PointwiseModel)
        else _RowWriter(update, exit, model, dtype, score)
    )
    values = {**model.values, **(exit.values if exit else {}), **(score.values if score else {})}
    constants = np.array(writer.constants.evaluate(values), dtype=dtype)
    data = np.ascontiguousarray(model.data, dtype=dtype)
    return MinibatchKernel(writer.module(wide), writer.rows().astype(dtype, copy=False), data, constants)


class _Writer:
    """What both forms share; a subclass writes `advance`."""

    numbers, width, per_sample, kick_row = 1, 1, 1, 0
    crossed: list[Node]
    new_score: Node | None

    def __init__(
        self, update: MinibatchUpdate, exit: Exit | None, dtype: str, score: Score | None = None
    ) -> None:
        self.update, self.exit, self.score = update, exit, score
        self.dim, self.momentum = update.dim, update.momentum != 0
        self.batches = update.noise == "minibatch" and update.sampling != "epoch_shuffle"
        self.epochs = update.noise == "minibatch" and update.sampling == "epoch_shuffle"
        self.empirical = update.noise == "empirical"
        self.kicks = bool(update.kicks.any())
        self.varying = update.noise == "minibatch" and len(update.batch_sizes) > 1
        self.printer = NumbaPrinter(dtype)
        self.builder, self.constants = Builder(), Constants()
        self.lowering = Lowering(self.builder, self.constants)

    def module(self, wide: bool) -> str:
        """The whole text."""
        text = HEADER.format(
            fill_normals="fill_normals_wide" if wide else "fill_normals",
            lanes=BATCH_LANES,
            dim=self.dim,
            state=self.update.state_dim,
            path=self.update.state_dim + (0 if self.score is None else 4),
            momentum=self.momentum,
            batches=self.batches,
            epochs=self.epochs,
            kicks=self.kicks,
            kick_row=self.kick_row,
            empirical=self.empirical,
            varying=self.varying,
            real=self.printer.dtype,
            spare=SPARE,
        )
        sizes = {"numbers": self.numbers, "width": self.width, "per_sample": self.per_sample}
        text += COMMON + self.advance("advance", watched=False) + INTEGRATE.format(**sizes)
        if self.exit is not None:
            text += self.advance("advance_watched", watched=True) + FIRST_PASSAGE.format(**sizes)
        return text

    def advance(self, name: str, watched: bool) -> str:
        """The function that takes steps; a watched one looks for exits."""
        raise NotImplementedError

    def crossings(self) -> list[Node]:
        """For each channel of the exit, whether the new point y0, y1, ... is in it."""
        assert self.exit is not None
        new = {v: self.builder.name(f"y{i}") for i, v in enumerate(self.update.variables)}
        return [across(self.lowering, channel.surfaces, new) for channel in self.exit.channels]

    def reached(self) -> Node | None:
        """The score of the new point y0, y1, ..."""
        if self.score is None:
            return None
        new = {v: self.builder.name(f"y{i}") for i, v in enumerate(self.update.variables)}
        return self.lowering.convert(self.score.expression, new)

    def watch(self, moving: str) -> list[str]:
        """Lines that look where a step of lane j has led: `score`, `best` and the outcome of each channel, of
        which the last two are the bounds of the score."""
        outputs = [(f"out{k}", node) for k, node in enumerate(self.crossed)]
        if self.new_score is None:
            return self.printer.statements(outputs, {}, "e")
        first = self.update.state_dim
        lines = self.printer.statements([*outputs, ("score", self.new_score)], {}, "e")
        count = len(outputs)
        return [
            *lines,
            f"best = score if score > state[j, {first + 1}] else state[j, {first + 1}]",
            f"out{count} = best > state[j, {first + 2}]",
            f"out{count + 1} = score <= state[j, {first + 3}]",
            f"state[j, {first}] = score if {moving} else state[j, {first}]",
            f"state[j, {first + 1}] = best if {moving} else state[j, {first + 1}]",
        ]

    @property
    def outcomes(self) -> list[str]:
        """Names of what `watch` finds for each channel."""
        return [f"out{k}" for k in range(len(self.crossed) + (0 if self.new_score is None else 2))]

    def code_of_crossings(self, outputs: list[str]) -> str:
        """An expression for the code of the first channel crossed, of a diverged path, or 0."""
        text = "0"
        for k, name in reversed(list(enumerate(outputs))):
            text = f"({k + 1} if {name} else {text})"
        return f"({text} if bounded else {DIVERGED})"

    def load_constants(self) -> str:
        """Lines that name the run-time constants."""
        count = len(self.constants.expressions)
        return indent("\n".join(f"c{k} = constants[{k}]" for k in range(count)) or "pass", " " * 4)


class _LaneWriter(_Writer):
    """Paths side by side. One flat array holds, for all lanes, coordinates, velocities, the sums of
    gradients, the sample's numbers, scale, kick, weight and the step's normals."""

    def __init__(
        self,
        update: MinibatchUpdate,
        exit: Exit | None,
        model: PointwiseModel,
        dtype: str,
        score: Score | None = None,
    ) -> None:
        super().__init__(update, exit, dtype, score)
        self.model = model
        self.total = update.state_dim
        self.column = self.total + self.dim
        self.rate = self.column + len(model.columns)
        self.kick, self.weight, self.normal = self.rate + 1, self.rate + 2, self.rate + 3
        self.numbers = self.normal + self.dim
        names = {v: self.builder.name(f"x{i}") for i, v in enumerate(model.variables)}
        names |= {c: self.builder.name(f"d{k}") for k, c in enumerate(model.columns)}
        self.gradient = [self.lowering.convert(e, names) for e in model.gradient]
        self.crossed = self.crossings() if exit is not None else []
        self.new_score = self.reached()

    def rows(self) -> np.ndarray:
        """None."""
        return np.empty((0, 0))

    def advance(self, name: str, watched: bool) -> str:
        return LANEWISE.format(
            name=name,
            constants=self.load_constants(),
            rate=self.rate,
            kick=self.kick,
            normal=self.normal,
            total=self.total,
            gather=_block(self._gather(), 12),
            gradient=_block(self._gradient(), 16),
            finish=_block(self._finish(watched), 12),
        )

    def _gather(self) -> list[str]:
        """Sample m of every lane's batch; where all samples are used it is the same one in all lanes."""
        columns = range(len(self.model.columns))
        if self.batches or self.epochs:
            place = "min(m, counts[j] - 1)" if self.varying else "m"
            lines = ["for j in range(width):", f"    sample = index[j, begins[j] + {place}]"]
            return lines + [f"    work[{self.column + k} * LANES + j] = data[sample, {k}]" for k in columns]
        lines = [f"d{k} = data[m, {k}]" for k in columns]
        if self.empirical:
            lines += ["for j in range(width):"]
            lines += [f"    work[{self.weight} * LANES + j] = normals[j, begins[j] + m]"]
        return lines

    def _gradient(self) -> list[str]:
        """Add the gradient of each lane's sample to the sums."""
        lines = [f"x{i} = work[{i} * LANES + j]" for i in range(self.dim)]
        if self.batches or self.epochs:
            count = len(self.model.columns)
            lines += [f"d{k} = work[{self.column + k} * LANES + j]" for k in range(count)]
        outputs = [(f"g{i}", node) for i, node in enumerate(self.gradient)]
        lines += self.printer.statements(outputs, {}, "t")
        for i in range(self.dim):
            place = f"work[{self.total + i} * LANES + j]"
            if self.empirical:
                lines.append(f"{place} = fma(work[{self.weight} * LANES + j], g{i}, {place})")
            elif self.varying:
                lines.append(f"{place} += g{i} if m < counts[j] else {self.printer.literal(0.0)}")
            else:
                lines.append(f"{place} += g{i}")
        return lines

    def _finish(self, watched: bool) -> list[str]:
        """Take the step; in a watched lane look where it led, unless it has ended before."""
        lines, moved = [f"scale = work[{self.rate} * LANES + j]", f"kick = work[{self.kick} * LANES + j]"], []
        for i in range(self.dim):
            lines.append(f"x{i} = work[{i} * LANES + j]")
            # The kick goes first: it need not wait for the gradient.
            start = f"x{i}"
            if self.momentum:
                lines.append(f"v{i} = work[{self.dim + i} * LANES + j]")
                start = f"momentum * v{i}"
            value = f"u{i}" if self.momentum else f"y{i}"
            lines.append(f"{value} = {start}")
            if self.kicks:
                lines.append(f"{value} = fma(kick, work[{self.normal + i} * LANES + j], {value})")
            lines.append(f"{value} = fma(scale, work[{self.total + i} * LANES + j], {value})")
            moved.append((f"work[{i} * LANES + j]", f"y{i}", f"x{i}"))
            if self.momentum:
                lines.append(f"y{i} = x{i} + u{i}")
                moved.append((f"work[{self.dim + i} * LANES + j]", f"u{i}", f"v{i}"))
        if not watched:
            return [*lines, *(f"{place} = {new}" for place, new, _ in moved), "steps[j] += 1"]
        lines.append("moving = (codes[j] == 0) & (steps[j] < limit)")
        lines += self.watch("moving")
        inside = (f"(math.fabs(y{i}) < {DIVERGENCE_BOUND!r})" for i in range(self.dim))
        lines.append(f"bounded = {' & '.join(inside)}")
        lines.append(f"codes[j] = {self.code_of_crossings(self.outcomes)} if moving else codes[j]")
        lines.append("steps[j] += 1 if moving else 0")
        return [*lines, *(f"{place} = {new} if moving else {old}" for place, new, old in moved)]


class _RowWriter(_Writer):
    """A path after the other."""

    def __init__(
        self,
        update: MinibatchUpdate,
        exit: Exit | None,
        model: RowModel,
        dtype: str,
        score: Score | None = None,
    ) -> None:
        super().__init__(update, exit, dtype, score)
        self.model = model
        self.per_sample = model.per_sample
        self.width = padded(self.dim)
        self.kick_row = 0 if model.kicks is None else len(model.rows)
        names: dict[sympy.Symbol, Node] = {PRODUCT: self.builder.name("product")}
        names |= {COORDINATE: self.builder.name("coordinate")}
        names |= {c: self.builder.name(f"d{k}") for k, c in enumerate(model.columns)}
        self.row_weight = None if model.weight is None else self.lowering.convert(model.weight, names)
        self.crossed = self.crossings() if exit is not None else []
        self.new_score = self.reached()

    def rows(self) -> np.ndarray:
        """Rows padded with zeros to whole vectors."""
        kicks = np.empty((0, self.dim)) if self.model.kicks is None else self.model.kicks
        rows = np.zeros((len(self.model.rows) + len(kicks), self.width))
        rows[: len(self.model.rows), : self.dim] = self.model.rows
        rows[len(self.model.rows) :, : self.dim] = kicks
        return rows

    def advance(self, name: str, watched: bool) -> str:
        return ROWWISE.format(
            name=name,
            width=self.width,
            per_sample=self.per_sample,
            constants=self.load_constants(),
            weigh=_block(self._weigh(), 16),
            finish=_block(self._finish() if watched else ["pass"], 12),
        )

    def _weigh(self) -> list[str]:
        """Number and weight of each row of one sample."""
        body = ["k = m" if self.per_sample == 1 else f"k = m * {self.per_sample} + r"]
        body += ["row = sample" if self.per_sample == 1 else f"row = sample * {self.per_sample} + r"]
        body += ["ids[k] = row"]
        if self.row_weight is None:
            body += [f"weight = x[r] if r < DIM else {self.printer.literal(-1.0)}"]
        else:
            own = COORDINATE in self.model.weight.free_symbols  # type: ignore[union-attr]
            body += ["coordinate = x[row]" if own else "product = dot(rows, row, x)"]
            body += [f"d{k} = data[row, {k}]" for k in range(len(self.model.columns))]
            body += self.printer.statements([("weight", self.row_weight)], {}, "t")
        if self.empirical:
            body += ["weight *= real(normals[0, shift + s * size + m])"]
        body += ["weights[k] = weight"]
        if self.per_sample == 1:
            return body
        return [f"for r in range({self.per_sample}):", *(f"    {line}" for line in body)]

    def _finish(self) -> list[str]:
        """Look where the step led."""
        order, _ = schedule([*self.crossed, *([] if self.new_score is None else [self.new_score])])
        used = {node.name for node in order if node.op == "name"}
        lines = [f"y{i} = x[{i}]" for i in range(self.dim) if f"y{i}" in used]
        lines += self.watch("True")
        lines += ["bounded = True", "for i in range(DIM):"]
        lines += [f"    bounded = bounded & (math.fabs(x[i]) < {DIVERGENCE_BOUND!r})"]
        return [*lines, f"code = {self.code_of_crossings(self.outcomes)}"]


def _block(lines: list[str], margin: int) -> str:
    return indent("\n".join(lines), " " * margin)


__all__ = ["BATCH_LANES", "MinibatchKernel", "Model", "minibatch_kernel"]
