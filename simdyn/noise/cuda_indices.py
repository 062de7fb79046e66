"""Random sample indices, and numbers of a path by their place, as CUDA C: those of `simdyn.noise.indices`."""

from __future__ import annotations

from simdyn.noise.purposes import Purpose

INDEX_FUNCTIONS = f"""
// The block of words at hand: words are asked for by their numbers, nearly always one after the other.
struct Stream {{ u64 block; u32 purpose; Words words; }};

DEVICE Stream stream_of(u32 purpose) {{ return {{~0ull, purpose, {{0, 0, 0, 0}}}}; }}

DEVICE void turn_to(Stream &stream, u64 block, u64 path, u32 k0, u32 k1) {{
    if (stream.block == block) return;
    stream.block = block;
    stream.words = words_of(block, stream.purpose, path, k0, k1);
}}

// Word n of a path.
DEVICE u32 word_at(Stream &stream, u64 n, u64 path, u32 k0, u32 k1) {{
    turn_to(stream, n >> 2, path, k0, k1);
    const u32 low = n & 1 ? stream.words.w1 : stream.words.w0;
    const u32 high = n & 1 ? stream.words.w3 : stream.words.w2;
    return n & 2 ? high : low;
}}

// Normal n of a path, four to a block.
DEVICE double normal_at(Stream &stream, u64 n, u64 path, u32 k0, u32 k1) {{
    turn_to(stream, n >> 2, path, k0, k1);
    const Words w = stream.words;
    const Pair pair = n & 2 ? normal_pair(w.w2, w.w3) : normal_pair(w.w0, w.w1);
    return n & 1 ? pair.second : pair.first;
}}

// Wide normal n of a path, two to a block.
DEVICE double wide_normal_at(Stream &stream, u64 n, u64 path, u32 k0, u32 k1) {{
    turn_to(stream, n >> 1, path, k0, k1);
    const Words w = stream.words;
    const Pair pair = normal_pair_wide(w.w0, w.w1, w.w2, w.w3);
    return n & 1 ? pair.second : pair.first;
}}

// The index of a draw whose word was refused.
DEVICE u32 replaced_draw(u64 draw, u32 bound, u32 threshold, u64 path, u32 k0, u32 k1) {{
    for (u32 attempt = 0; attempt < 64; attempt++) {{
        const Words w = words_of(1ull << 55 | draw << 6 | attempt, {int(Purpose.MINIBATCH)}u, path, k0, k1);
        const u32 words[4] = {{w.w0, w.w1, w.w2, w.w3}};
        for (int k = 0; k < 4; k++) {{
            const u64 product = (u64)words[k] * bound;
            if ((u32)product >= threshold) return (u32)(product >> 32);
        }}
    }}
    return 0;
}}

// Draw number `draw` of a path, uniform in 0 ... bound - 1.
DEVICE u32 draw_below(Stream &stream, u64 draw, u32 bound, u64 path, u32 k0, u32 k1) {{
    const u64 product = (u64)word_at(stream, draw, path, k0, k1) * bound;
    if ((u32)product < bound) {{
        const u32 threshold = (u32)(0x100000000ull % bound);
        if ((u32)product < threshold) return replaced_draw(draw, bound, threshold, path, k0, k1);
    }}
    return (u32)(product >> 32);
}}

// Scratch arrays of a lane: entry e of lane l, of `width` lanes, is number e width + l.

// One more sample of a subset of `size` without repetition: a draw from 0 ... last, or `last` itself if that
// draw is taken already (Bentley & Floyd 1987). The bits of `taken` tell which are.
DEVICE u32 distinct(u32 drawn, u32 last, u32 *taken, i64 width) {{
    u32 *at = taken + (i64)(drawn >> 5) * width;
    if (*at >> (drawn & 31) & 1) {{
        drawn = last;
        at = taken + (i64)(drawn >> 5) * width;
    }}
    *at |= 1u << (drawn & 31);
    return drawn;
}}

// A uniform permutation of 0 ... size - 1 for one epoch of a path (Fisher and Yates).
DEVICE void shuffle(u32 *order, i64 width, u32 size, u64 epoch, Stream &stream, u64 path, u32 k0, u32 k1) {{
    for (u32 i = 0; i < size; i++) order[i * width] = i;
    const u64 first = epoch * (4 * (u64)((size + 3) >> 2));
    for (u32 i = 0; i < size; i++) {{
        const u32 other = i + draw_below(stream, first + i, size - i, path, k0, k1);
        const u32 kept = order[other * width];
        order[other * width] = order[i * width];
        order[i * width] = kept;
    }}
}}
"""
