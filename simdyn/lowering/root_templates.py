"""The frame of the CPU kernels' matrix roots, which `simdyn.lowering.loop_kernels` fills in.

The root of a symmetric matrix is applied to vectors by Jacobi's method: rotations of two coordinates at a
time make the matrix diagonal, and the vectors are turned along with it, scaled by the roots of the
eigenvalues, and turned back. It is as exact as the numbers allow for any matrix, indefinite, singular or with
equal eigenvalues, and has no branches but one: a rotation that no lane needs is left out.

A lane whose entry is small enough already is turned by nothing, which changes no number, so that what a path
does depends on nothing but itself however long its neighbours take. Entry i of lane j is at i * WIDE + j of
the work arrays.
"""

from __future__ import annotations

WIDE = 16
"""Lanes that are rotated side by side: a few vectors, so that even large matrices stay near the processor."""

SWEEPS = 16
"""Rounds of rotations after which a matrix is given up as no number; those of 200 rows need ten."""

ROOT_HEADER = """
WIDE = np.uint64({wide})
STRIDE = np.uint64(LANES)
ONE, TWO = np.uint64(1), np.uint64(2)
UNIT = REAL({unit})
ROUNDING = REAL({rounding})
"""

APPLY_ROOTS = '''
@inner
def {name}(matrices, shaped, work, turns, pairs, scales, width, floor, first, blocks, table):
    """Replace vectors by their products with the root of {what}.

    The rows of the table, the first at `first`, hold the size of a matrix, how many vectors there are, and
    where the matrix and each vector begin.
    """
    distinct_arrays()
    prefer_wide_vectors()
    never_inlined()
    lanes = uint64(width)
    row = first
    for _ in range(blocks):
        size, vectors = table[row], table[row + 1]
        rows = size + vectors
        limit = UNIT / (REAL(2.0) * REAL(size) * REAL(size))
        for begin in range(uint64(0), lanes, WIDE):
            # The largest entry is brought near one, which keeps squares in range; no number spreads to all.
            entry = table[row + 2] + begin
            for j in range(WIDE):
                scales[j] = floor
            for e in range(size * (size + ONE) // TWO):
                at = entry + e * STRIDE
                for j in range(WIDE):
                    scales[j] += math.fabs(matrices[at + j])
            for j in range(WIDE):
                scales[j] = scales[j] if scales[j] != REAL(0.0) else REAL(1.0)
            # Rows of the matrix, of which the upper triangle is used, and the vectors as rows below.
            for p in range(size):
                for q in range(p, size):
                    pq = (p * size + q) * WIDE
                    for j in range(WIDE):
                        there = begin + j < lanes
                        work[pq + j] = matrices[entry + j] / scales[j] if there else REAL(0.0)
                    entry += STRIDE
            for v in range(vectors):
                at = table[row + int64(v) + 3] + begin
                for i in range(size):
                    to, source = ((size + v) * size + i) * WIDE, at + i * STRIDE
                    for j in range(WIDE):
                        work[to + j] = shaped[source + j]
            count = uint64(0)
            turned = True
            for _ in range({sweeps}):
                turned = False
                for p in range(size - ONE):
                    for q in range(p + ONE, size):
                        pp, qq, pq = (p * size + p) * WIDE, (q * size + q) * WIDE, (p * size + q) * WIDE
                        needed = zero
                        for j in range(WIDE):
                            needed += one if math.fabs(work[pq + j]) > limit else zero
                        if needed == zero:
                            continue
                        cosine_at, sine_at = TWO * count * WIDE, (TWO * count + ONE) * WIDE
                        for j in range(WIDE):
                            corner, first_one, last_one = work[pq + j], work[pp + j], work[qq + j]
                            gap, twice = last_one - first_one, REAL(2.0) * corner
                            radius = math.sqrt(fma(gap, gap, twice * twice))
                            slope = twice / (gap + radius if gap >= REAL(0.0) else gap - radius)
                            turning = math.fabs(corner) > limit
                            slope = slope if turning else REAL(0.0)
                            cosine = REAL(1.0) / math.sqrt(fma(slope, slope, REAL(1.0)))
                            turns[cosine_at + j] = cosine
                            turns[sine_at + j] = slope * cosine
                            work[pp + j] = fma(-slope, corner, first_one)
                            work[qq + j] = fma(slope, corner, last_one)
                            work[pq + j] = REAL(0.0) if turning else corner
                        for k in range(rows):
                            if k == p or k == q:
                                continue
                            one_at = (p * size + k if p < k < size else k * size + p) * WIDE
                            two_at = (q * size + k if q < k < size else k * size + q) * WIDE
                            turn_rows(work, one_at, two_at, turns, cosine_at, sine_at)
                        pairs[TWO * count], pairs[TWO * count + ONE] = p, q
                        count += ONE
                        turned = True
                if not turned:
                    break
            for j in range(WIDE):
                scales[WIDE + j] = REAL(0.0)
            for p in range(size):
                for j in range(WIDE):
                    value = work[(p * size + p) * WIDE + j]
                    scales[WIDE + j] = value if value > scales[WIDE + j] else scales[WIDE + j]
                if turned:
                    for q in range(p + ONE, size):
                        for j in range(WIDE):
                            settled = math.fabs(work[(p * size + q) * WIDE + j]) <= limit
                            scales[j] = scales[j] if settled else REAL(math.nan)
            for i in range(size):
                for j in range(WIDE):
                    value, scale, largest = work[(i * size + i) * WIDE + j], scales[j], scales[WIDE + j]
                    scales[TWO * WIDE + j] = math.sqrt(scale) * {root}
                for v in range(size, rows):
                    to = (v * size + i) * WIDE
                    for j in range(WIDE):
                        work[to + j] *= scales[TWO * WIDE + j]
            for back in range(count):
                turn = count - ONE - back
                p, q = pairs[TWO * turn], pairs[TWO * turn + ONE]
                for v in range(size, rows):
                    one_at, two_at = (v * size + q) * WIDE, (v * size + p) * WIDE
                    turn_rows(work, one_at, two_at, turns, TWO * turn * WIDE, (TWO * turn + ONE) * WIDE)
            for v in range(vectors):
                at = table[row + int64(v) + 3] + begin
                for i in range(size):
                    to, source = at + i * STRIDE, ((size + v) * size + i) * WIDE
                    for j in range(WIDE):
                        # A turn by nothing may change the sign of a zero; the sum makes it positive.
                        shaped[to + j] = work[source + j] + REAL(0.0)
        row += 3 + int64(vectors)
'''

TURN_ROWS = '''
@inner
def turn_rows(rows, one_at, two_at, turns, cosine_at, sine_at):
    """Rotate two rows of lanes."""
    for j in range(WIDE):
        cosine, sine = turns[cosine_at + j], turns[sine_at + j]
        first, second = rows[one_at + j], rows[two_at + j]
        rows[one_at + j] = fma(cosine, first, -(sine * second))
        rows[two_at + j] = fma(sine, first, cosine * second)
'''

ABSOLUTE = "math.sqrt(math.sqrt(fma(value, value, (floor / scale) * (floor / scale))))"
COVARIANCE = "math.sqrt(math.fabs(value) if value >= -ROUNDING * largest else REAL(math.nan))"
