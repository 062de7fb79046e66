"""Source text of the GPU kernels for means over samples, specialised for one update rule.

The samples, the steps and the order of all sums are those of `simdyn.lowering.minibatch_kernels`, so a path
takes the same course to the last bit; a thread advances one path. The two forms of a model differ as there:
formulas keep the state in registers, rows keep it in arrays of the thread.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from textwrap import indent

import numpy as np
import sympy

from potentials import FunctionSpace
from simdyn.dynamics import MinibatchUpdate
from simdyn.errors import InputError
from simdyn.exits import Exit
from simdyn.lowering.cuda_kernels import THREADS
from simdyn.lowering.cuda_minibatch_templates import DOT, FIRST_PASSAGE, INTEGRATE, MODEL
from simdyn.lowering.cuda_printer import CudaPrinter
from simdyn.lowering.minibatch_model import PRODUCT, PointwiseModel, RowModel, model_of
from simdyn.lowering.program import DIVERGED, DIVERGENCE_BOUND, across
from simdyn.lowering.symbolic import Constants, Lowering
from simdyn.lowering.tree import Builder, Node, schedule
from simdyn.lowering.vector_rows import CHUNK, padded
from simdyn.noise.cuda_indices import INDEX_FUNCTIONS
from simdyn.noise.cuda_source import device_functions
from simdyn.noise.purposes import Purpose

MOST_ROW_NUMBERS = 1024
"""Coordinates up to which a thread can keep a path of the row form to itself."""


@dataclass(frozen=True)
class CudaMinibatchKernel:
    """Device kernels and the numbers of their landscape.

    Attributes
    ----------
    source
        Text for a CUDA compiler, with `integrate` and, for a rule with an exit, `first_passage`.
    rows, data, constants
        Rows, padded with zeros, numbers of samples or rows, and values of the run-time constants; each has at
        least one number.
    """

    source: str
    rows: np.ndarray
    data: np.ndarray
    constants: np.ndarray


def cuda_minibatch_kernel(update: MinibatchUpdate, exit: Exit | None, wide: bool) -> CudaMinibatchKernel:
    """The device kernels of a rule and, where given, of an exit.

    Raises
    ------
    InputError
        More coordinates than a thread can hold, or a function that kernels do not have.
    """
    if isinstance(update.potential, FunctionSpace):
        raise InputError('Function space has no kernels on the GPU; it runs on the CPU, with backend="cpu".')
    model = model_of(update.potential)
    if update.dim > MOST_ROW_NUMBERS:
        raise InputError(
            f"The GPU advances means over samples of up to {MOST_ROW_NUMBERS:,} coordinates, and this one "
            f'has {update.dim:,}; it runs on the CPU, with backend="cpu".'
        )
    writer = (
        _FormulaWriter(update, exit, model, wide)
        if isinstance(model, PointwiseModel)
        else _RowWriter(update, exit, model, wide)
    )
    values = {**model.values, **(exit.values if exit is not None else {})}
    constants = writer.constants.evaluate(values)
    filled = np.ascontiguousarray(model.data if model.data.size else [0.0])
    return CudaMinibatchKernel(writer.module(), writer.rows(), filled, np.array(constants or [0.0]))


class _Writer:
    """What both forms share; a subclass says where the state is, and writes the sum over a batch."""

    columns = 0
    preamble = ""

    def __init__(self, update: MinibatchUpdate, exit: Exit | None, wide: bool) -> None:
        self.update, self.exit, self.wide = update, exit, wide
        self.dim, self.momentum = update.dim, update.momentum != 0
        self.batches = update.noise == "minibatch" and update.sampling != "epoch_shuffle"
        self.epochs = update.noise == "minibatch" and update.sampling == "epoch_shuffle"
        self.empirical = update.noise == "empirical"
        self.kicks = bool(update.kicks.any())
        self.printer = CudaPrinter("float64")
        self.builder, self.constants = Builder(), Constants()
        self.lowering = Lowering(self.builder, self.constants)
        self.crossed = self._crossings() if exit is not None else []

    def module(self) -> str:
        """The whole text."""
        text = device_functions() + INDEX_FUNCTIONS
        text += MODEL.format(threads=THREADS, columns=self.columns) + self.preamble
        shared = {
            "minibatch": f"{int(Purpose.MINIBATCH)}u",
            "gaussian": f"{int(Purpose.GAUSSIAN_WIDE if self.wide else Purpose.GAUSSIAN)}u",
            "constants": self._load_constants(),
        }
        text += INTEGRATE.format(
            load=_block([*self.declared(), *self.load("x", "paths", "column")], 8),
            step=_block(self.step(), 12),
            forward=_block(self.forward(), 12),
            store=_block(self.store("x", "paths", "column"), 8),
            **shared,
        )
        if self.exit is None:
            return text
        channels = range(len(self.crossed))
        return text + FIRST_PASSAGE.format(
            load=_block([*self.declared(), *self.load("lanes", "width", "lane")], 4),
            begin=_block(self.begin(), 12),
            step=_block(self.step(), 12),
            crossed=_block([*self.looking(), *self._looked()], 12),
            channel="".join(f"out{k} ? {k + 1} : " for k in channels) + "0",
            diverged=DIVERGED,
            forward=_block(self.forward(), 12),
            leave=_block(self.store("out_state", "paths", "slot", self.dim), 12),
            store=_block(self.store("lanes", "width", "lane"), 4),
            **shared,
        )

    def rows(self) -> np.ndarray:
        """Rows padded with zeros to whole vectors; one number where there are none."""
        raise NotImplementedError

    def declared(self) -> list[str]:
        """Lines that declare the state of a path."""
        raise NotImplementedError

    def load(self, array: str, columns: str, column: str) -> list[str]:
        """Lines that read the state from a column of an array."""
        raise NotImplementedError

    def begin(self) -> list[str]:
        """Lines that put a path at its start."""
        raise NotImplementedError

    def store(self, array: str, columns: str, column: str, numbers: int | None = None) -> list[str]:
        """Lines that write the state, or the first numbers of it, to a column of an array."""
        raise NotImplementedError

    def summed(self) -> list[str]:
        """Lines that add up the gradients of the batch of a step."""
        raise NotImplementedError

    def moved(self) -> list[str]:
        """Lines that take the step from there."""
        raise NotImplementedError

    def forward(self) -> list[str]:
        """Lines that make the new state the current one."""
        raise NotImplementedError

    def looking(self) -> list[str]:
        """Lines that name the new coordinates y0, y1, ... and whether they are `bounded`."""
        raise NotImplementedError

    def step(self) -> list[str]:
        """Lines of one step."""
        lines = ["const double rate = rates[step < rate_count ? step : rate_count - 1];", *self._batch()]
        lines += [f"const double scale = {'1.0' if self.empirical else '-rate / (double)batch'};"]
        if self.kicks:
            lines += ["const double kick = kicks[step < kick_count ? step : kick_count - 1];"]
        if self.epochs:
            lines += [
                "if (epoch != new_epoch) {",
                "    epoch = new_epoch;",
                "    shuffle(order, width, (u32)size, (u64)epoch, draws, path, key0, key1);",
                "}",
            ]
        if self.empirical:
            lines += [
                "const double spread = spreads[step < spread_count ? step : spread_count - 1];",
                "double mean = 0.0;",
                f"for (i64 m = 0; m < size; m++) mean += {self.normal('step * size + m')};",
                "mean /= (double)size;",
            ]
        lines += self.summed()
        if self.batches:
            lines += [
                "if (distinct_samples && batch > 1)",
                "    for (i64 m = 0; m < batch; m++) taken[(i64)(order[m * width] >> 5) * width] = 0;",
            ]
        return [*lines, *self.moved()]

    def _batch(self) -> list[str]:
        """Lines that name the size of the batch of a step, and where its random numbers are."""
        if not (self.batches or self.epochs):
            return ["const i64 batch = size;"]
        lines = [
            "const i64 at = step < size_count ? step : size_count - 1, after = step - at;",
            "const i64 batch = sizes[at];",
        ]
        if self.batches:
            return [*lines, "const i64 first_draw = places[2 * at] + after * batch;"]
        return [
            *lines,
            "i64 new_epoch = places[2 * at], first_place = places[2 * at + 1];",
            "const i64 left = (size - first_place) / batch;",
            "if (after < left) {",
            "    first_place += after * batch;",
            "} else {",
            "    // On from the end of an epoch.",
            "    const i64 in_epoch = size / batch, whole = (after - left) / in_epoch;",
            "    new_epoch += 1 + whole;",
            "    first_place = (after - left - whole * in_epoch) * batch;",
            "}",
        ]

    def sample(self) -> list[str]:
        """Lines that name the sample at place m of the batch and, for empirical noise, its weight."""
        if self.batches:
            bound = "(u32)(distinct_samples ? size - batch + m + 1 : size)"
            return [
                f"u32 sample = draw_below(draws, (u64)(first_draw + m), {bound}, path, key0, key1);",
                "if (distinct_samples && batch > 1) {",
                "    sample = distinct(sample, (u32)(size - batch + m), taken, width);",
                "    order[m * width] = sample;",
                "}",
            ]
        if self.epochs:
            return ["const u32 sample = order[(first_place + m) * width];"]
        lines = ["const i64 sample = m;"]
        if self.empirical:
            normal = self.normal("step * size + m")
            lines += [f"const double share = fused(rate * spread, {normal} - mean, -rate / (double)size);"]
        return lines

    def normal(self, number: str) -> str:
        """The normal of a number."""
        function = "wide_normal_at" if self.wide else "normal_at"
        return f"{function}(normals, (u64)({number}), path, key0, key1)"

    def _crossings(self) -> list[Node]:
        """For each channel of the exit, whether the new point is in it."""
        assert self.exit is not None
        new = {v: self.builder.name(f"y{i}") for i, v in enumerate(self.update.variables)}
        return [across(self.lowering, channel.surfaces, new) for channel in self.exit.channels]

    def _looked(self) -> list[str]:
        outputs = [(f"out{k}", node) for k, node in enumerate(self.crossed)]
        return self.printer.statements(outputs, {}, "e")

    def _load_constants(self) -> str:
        count = len(self.constants.expressions)
        return _block([f"const double c{k} = constants[{k}];" for k in range(count)], 4)


class _FormulaWriter(_Writer):
    """The state in registers: x0, x1, ... and velocities v0, v1, ..."""

    def __init__(self, update: MinibatchUpdate, exit: Exit | None, model: PointwiseModel, wide: bool) -> None:
        super().__init__(update, exit, wide)
        self.columns = len(model.columns)
        self.state = [f"x{i}" for i in range(self.dim)]
        self.state += [f"v{i}" for i in range(self.dim)] if self.momentum else []
        names = {v: self.builder.name(f"x{i}") for i, v in enumerate(model.variables)}
        names |= {c: self.builder.name(f"d{k}") for k, c in enumerate(model.columns)}
        self.gradient = [self.lowering.convert(e, names) for e in model.gradient]

    def rows(self) -> np.ndarray:
        """None."""
        return np.zeros(1)

    def declared(self) -> list[str]:
        """Lines that declare the state of a path."""
        return [f"double {', '.join(self.state)};"]

    def load(self, array: str, columns: str, column: str) -> list[str]:
        """Lines that read the state from a column of an array."""
        return [f"{name} = {array}[{i} * {columns} + {column}];" for i, name in enumerate(self.state)]

    def begin(self) -> list[str]:
        """Lines that put a path at its start."""
        return [f"{name} = start[{i}];" for i, name in enumerate(self.state)]

    def store(self, array: str, columns: str, column: str, numbers: int | None = None) -> list[str]:
        """Lines that write the state, or the first numbers of it, to a column of an array."""
        names = self.state[:numbers]
        return [f"{array}[{i} * {columns} + {column}] = {name};" for i, name in enumerate(names)]

    def summed(self) -> list[str]:
        """Lines that add up the gradients of the batch of a step."""
        body = [*self.sample()]
        body += [f"const double d{k} = data[(i64)sample * COLUMNS + {k}];" for k in range(self.columns)]
        body += self.printer.statements([(f"g{i}", node) for i, node in enumerate(self.gradient)], {}, "t")
        for i in range(self.dim):
            body.append(
                f"total{i} = fused(share, g{i}, total{i});" if self.empirical else f"total{i} += g{i};"
            )
        totals = ", ".join(f"total{i} = 0.0" for i in range(self.dim))
        return [f"double {totals};", "for (i64 m = 0; m < batch; m++) {", *_inner(body), "}"]

    def moved(self) -> list[str]:
        """Lines that take the step from there."""
        lines = []
        for i in range(self.dim):
            # The kick goes first: it need not wait for the gradient.
            value = f"momentum * v{i}" if self.momentum else f"x{i}"
            if self.kicks:
                value = f"fused(kick, {self.normal(f'step * {self.dim} + {i}')}, {value})"
            name = f"u{i}" if self.momentum else f"y{i}"
            lines.append(f"const double {name} = fused(scale, total{i}, {value});")
            if self.momentum:
                lines.append(f"const double y{i} = x{i} + u{i};")
        return lines

    def forward(self) -> list[str]:
        """Lines that make the new state the current one."""
        lines = [f"x{i} = y{i};" for i in range(self.dim)]
        return lines + ([f"v{i} = u{i};" for i in range(self.dim)] if self.momentum else [])

    def looking(self) -> list[str]:
        """Lines that tell whether the new coordinates are `bounded`."""
        inside = (f"(magnitude(y{i}) < {DIVERGENCE_BOUND!r})" for i in range(self.dim))
        return [f"const bool bounded = {' & '.join(inside)};"]


class _RowWriter(_Writer):
    """The state in arrays of the thread, `point` and `velocity`, padded with zeros as the rows are."""

    def __init__(self, update: MinibatchUpdate, exit: Exit | None, model: RowModel, wide: bool) -> None:
        super().__init__(update, exit, wide)
        self.model = model
        self.columns = len(model.columns)
        self.width = padded(self.dim)
        self.preamble = DOT.format(width=self.width, chunk=CHUNK)
        names: dict[sympy.Symbol, Node] = {PRODUCT: self.builder.name("product")}
        names |= {c: self.builder.name(f"d{k}") for k, c in enumerate(model.columns)}
        self.row_weight = None if model.weight is None else self.lowering.convert(model.weight, names)

    def rows(self) -> np.ndarray:
        """Rows padded with zeros to whole vectors."""
        rows = np.zeros((len(self.model.rows), self.width))
        rows[:, : self.dim] = self.model.rows
        return rows

    def declared(self) -> list[str]:
        """Lines that declare the state of a path."""
        arrays = ["point[WIDTH]", "velocity[WIDTH]"][: 2 if self.momentum else 1]
        return [f"double {', '.join(arrays)};", *self._zeros()]

    def _zeros(self) -> list[str]:
        body = ["point[i] = 0.0;", *(["velocity[i] = 0.0;"] if self.momentum else [])]
        return _loop("WIDTH", body)

    def _each(self, point: str, velocity: str) -> list[str]:
        lines = _loop(self.dim, [f"{point};"])
        return lines + (_loop(self.dim, [f"{velocity};"]) if self.momentum else [])

    def load(self, array: str, columns: str, column: str) -> list[str]:
        """Lines that read the state from a column of an array."""
        place = f"{array}[{{}} * {columns} + {column}]"
        return self._each(
            f"point[i] = {place.format('i')}", f"velocity[i] = {place.format(f'({self.dim} + i)')}"
        )

    def begin(self) -> list[str]:
        """Lines that put a path at its start."""
        return [*self._zeros(), *self._each("point[i] = start[i]", f"velocity[i] = start[{self.dim} + i]")]

    def store(self, array: str, columns: str, column: str, numbers: int | None = None) -> list[str]:
        """Lines that write the state, or the first numbers of it, to a column of an array."""
        place = f"{array}[{{}} * {columns} + {column}]"
        if numbers is not None:
            return _loop(numbers, [f"{place.format('i')} = point[i];"])
        return self._each(
            f"{place.format('i')} = point[i]", f"{place.format(f'({self.dim} + i)')} = velocity[i]"
        )

    def summed(self) -> list[str]:
        """Lines that add up the rows of the batch of a step, each with its weight."""
        per_sample = self.model.per_sample
        body = [
            f"const i64 row = (i64)sample * {per_sample} + r;",
            "const double *numbers = rows + row * WIDTH;",
        ]
        if self.row_weight is None:
            body += [f"double weight = r < {self.dim} ? point[r] : -1.0;"]
        else:
            body += ["const double product = dot(numbers, point);"]
            body += [f"const double d{k} = data[row * COLUMNS + {k}];" for k in range(self.columns)]
            body += self.printer.statements([("whole", self.row_weight)], {}, "t")
            body += ["double weight = whole;"]
        if self.empirical:
            body += ["weight *= share;"]
        body += _loop("WIDTH", ["sum[i] = fused(weight, numbers[i], sum[i]);"])
        inner = [*self.sample(), f"for (int r = 0; r < {per_sample}; r++) {{", *_inner(body), "}"]
        return [
            "double sum[WIDTH];",
            *_loop("WIDTH", ["sum[i] = 0.0;"]),
            "for (i64 m = 0; m < batch; m++) {",
            *_inner(inner),
            "}",
        ]

    def moved(self) -> list[str]:
        """Lines that take the step from there."""
        body, target = [], "velocity[i]" if self.momentum else "point[i]"
        if self.momentum:
            body += ["velocity[i] *= momentum;"]
        body += [f"{target} = fused(scale, sum[i], {target});"]
        lines = _loop("WIDTH", body)
        body = []
        if self.kicks:
            body += [f"{target} = fused(kick, {self.normal(f'step * {self.dim} + i')}, {target});"]
        if self.momentum:
            body += ["point[i] += velocity[i];"]
        return [*lines, *_loop(self.dim, body)] if body else lines

    def forward(self) -> list[str]:
        """Nothing: the state is the new one already."""
        return []

    def looking(self) -> list[str]:
        """Lines that name the new coordinates and tell whether they are `bounded`."""
        order, _ = schedule(self.crossed)
        used = {node.name for node in order if node.op == "name"}
        lines = [f"const double y{i} = point[{i}];" for i in range(self.dim) if f"y{i}" in used]
        return [
            *lines,
            "bool bounded = true;",
            *_loop(self.dim, [f"bounded = bounded & (magnitude(point[i]) < {DIVERGENCE_BOUND!r});"]),
        ]


def _loop(count: int | str, body: Sequence[str]) -> list[str]:
    """A loop over coordinates i."""
    return ["#pragma unroll UNROLLED", f"for (int i = 0; i < {count}; i++) {{", *_inner(body), "}"]


def _inner(lines: Sequence[str]) -> list[str]:
    return [f"    {line}" for line in lines]


def _block(lines: Sequence[str], margin: int) -> str:
    return indent("\n".join(lines), " " * margin)
