"""Dot products and weighted sums of contiguous rows, as vector instructions in a fixed order.

A loop that adds up products in order cannot be vectorised without a licence to reassociate. These functions
write the vectors out: a dot product has eight partial sums (lanes), added at the end in one fixed tree, and
each multiply-add is an fma. Their width does not depend on the processor, so the bits do not either: AVX-512
does eight lanes of double precision in one instruction, AVX2 in two. Rows, weights and points are all of one
precision, double or single.
"""

from __future__ import annotations

from typing import Any

from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic

_COUNT = ir.IntType(64)

CHUNK = 32
"""Columns that are kept in registers at once; wider rows are gone through in chunks."""


def padded(columns: int) -> int:
    """The width that rows of so many columns have to be padded to with zeros."""
    unit = 4 if columns <= CHUNK else CHUNK
    return -(-columns // unit) * unit


def dot_of(width: int) -> Any:
    """A device function (rows, r, x) -> rows[r] . x, for rows of `width` columns (see `padded`)."""

    @intrinsic
    def dot(typingctx: Any, rows: Any, r: Any, x: Any) -> Any:
        def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
            write = _Writer(context, builder, signature, arguments)
            row, vector = write.row(0, arguments[1], width), write.data(2)
            if width <= CHUNK:
                return write.total(write.products(row, vector, width))
            slots = [write.zero(8) for _ in range(CHUNK // 8)]
            with cgutils.for_range(builder, _COUNT(width // CHUNK)) as loop:
                start = builder.mul(loop.index, _COUNT(CHUNK))
                for k, slot in enumerate(slots):
                    place = builder.add(start, _COUNT(8 * k))
                    sum_ = write.fma(
                        write.load(row, place, 8), write.load(vector, place, 8), builder.load(slot)
                    )
                    builder.store(sum_, slot)
            a, b, c, d = (builder.load(slot) for slot in slots)
            return write.total({8: builder.fadd(builder.fadd(a, b), builder.fadd(c, d))})

        return rows.dtype(rows, r, x), generate

    return dot


def add_rows_of(width: int) -> Any:
    """A device function (rows, ids, weights, count, scale, out): out += scale * sum of weights[m]
    rows[ids[m]].

    The sum goes over m = 0 ... count - 1 in order, each term an fma, and so is the last addition.
    """

    @intrinsic
    def add_rows(typingctx: Any, rows: Any, ids: Any, weights: Any, count: Any, scale: Any, out: Any) -> Any:
        def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
            write = _Writer(context, builder, signature, arguments)
            if width <= CHUNK:
                write.add_chunk(_COUNT(0), _blocks(width), width)
            else:
                with cgutils.for_range(builder, _COUNT(width // CHUNK)) as loop:
                    write.add_chunk(builder.mul(loop.index, _COUNT(CHUNK)), _blocks(CHUNK), width)
            return context.get_dummy_value()

        return types.void(rows, ids, weights, count, scale, out), generate

    return add_rows


def _blocks(width: int) -> list[tuple[int, int]]:
    """(first column, columns) of vectors of eight, and one of four if that is left."""
    return [(first, min(8, width - first)) for first in range(0, width, 8)]


class _Writer:
    """Writes the instructions of one device function."""

    def __init__(self, context: Any, builder: Any, signature: Any, arguments: Any) -> None:
        self.context, self.builder = context, builder
        self.types, self.arguments = signature.args, arguments
        single = self.types[0].dtype == types.float32
        self.real = ir.FloatType() if single else ir.DoubleType()
        self.align, self.name = (4, "f32") if single else (8, "f64")

    def data(self, place: int) -> Any:
        """Pointer to the numbers of an array argument."""
        array = self.context.make_array(self.types[place])
        return array(self.context, self.builder, self.arguments[place]).data

    def row(self, place: int, number: Any, width: int) -> Any:
        """Pointer to a row of a two-dimensional array argument."""
        return self.builder.gep(self.data(place), [self.builder.mul(number, _COUNT(width))])

    def load(self, pointer: Any, offset: Any, lanes: int) -> Any:
        """A vector from somewhere in an array."""
        there = self.builder.gep(pointer, [offset])
        vector = ir.VectorType(self.real, lanes).as_pointer()
        return self.builder.load(self.builder.bitcast(there, vector), align=self.align)

    def store(self, value: Any, pointer: Any, offset: Any) -> None:
        """A vector to somewhere in an array."""
        there = self.builder.gep(pointer, [offset])
        self.builder.store(value, self.builder.bitcast(there, value.type.as_pointer()), align=self.align)

    def zero(self, lanes: int) -> Any:
        """A register that holds zeros."""
        vector = ir.VectorType(self.real, lanes)
        slot = cgutils.alloca_once(self.builder, vector)
        self.builder.store(ir.Constant(vector, [0.0] * lanes), slot)
        return slot

    def fma(self, a: Any, b: Any, c: Any) -> Any:
        """a * b + c for each lane, with one rounding."""
        kind = a.type
        function = cgutils.get_or_insert_function(
            self.builder.module,
            ir.FunctionType(kind, [kind, kind, kind]),
            f"llvm.fma.v{kind.count}{self.name}",
        )
        return self.builder.call(function, [a, b, c])

    def shuffled(self, a: Any, b: Any, lanes: list[int]) -> Any:
        """Lanes of a, counted from 0, and of b, counted on."""
        return self.builder.shuffle_vector(
            a, b, ir.Constant(ir.VectorType(ir.IntType(32), len(lanes)), lanes)
        )

    def repeated(self, value: Any, lanes: int) -> Any:
        """One number in every lane."""
        vector = ir.VectorType(self.real, lanes)
        blank = ir.Constant(vector, ir.Undefined)
        first = self.builder.insert_element(blank, value, ir.Constant(ir.IntType(32), 0))
        return self.shuffled(first, blank, [0] * lanes)

    def products(self, row: Any, vector: Any, width: int) -> dict[int, Any]:
        """Partial sums of row . vector: in eight lanes and, for what is left, in four."""
        sums: dict[int, Any] = {}
        for first, lanes in _blocks(width):
            a, b = self.load(row, _COUNT(first), lanes), self.load(vector, _COUNT(first), lanes)
            sums[lanes] = self.fma(a, b, sums[lanes]) if lanes in sums else self.builder.fmul(a, b)
        return sums

    def total(self, sums: dict[int, Any]) -> Any:
        """All lanes in one number: halves first, then pairs."""
        add = self.builder.fadd
        four = sums.get(4)
        if 8 in sums:
            halves = [self.shuffled(sums[8], sums[8], list(range(k, k + 4))) for k in (0, 4)]
            folded = add(*halves)
            four = folded if four is None else add(folded, four)
        two = add(self.shuffled(four, four, [0, 1]), self.shuffled(four, four, [2, 3]))
        ends = [self.builder.extract_element(two, ir.Constant(ir.IntType(32), k)) for k in (0, 1)]
        return add(*ends)

    def add_chunk(self, start: Any, blocks: list[tuple[int, int]], width: int) -> None:
        """The body of `add_rows_of` for one chunk of columns; the sums stay in registers."""
        builder = self.builder
        ids, weights, out = self.data(1), self.data(2), self.data(5)
        slots = [self.zero(lanes) for _, lanes in blocks]
        with cgutils.for_range(builder, self.arguments[3]) as loop:
            row = self.row(0, builder.load(builder.gep(ids, [loop.index])), width)
            weight = builder.load(builder.gep(weights, [loop.index]))
            for (first, lanes), slot in zip(blocks, slots, strict=True):
                term = self.load(row, builder.add(start, _COUNT(first)), lanes)
                builder.store(self.fma(self.repeated(weight, lanes), term, builder.load(slot)), slot)
        for (first, lanes), slot in zip(blocks, slots, strict=True):
            place = builder.add(start, _COUNT(first))
            before = self.load(out, place, lanes)
            after = self.fma(self.repeated(self.arguments[4], lanes), builder.load(slot), before)
            self.store(after, out, place)
