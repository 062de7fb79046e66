"""The frames of the GPU kernels for means over samples; `simdyn.lowering.cuda_minibatch_kernels` fills them
in."""

MODEL = """
typedef double REAL;
#define THREADS {threads}
#define COLUMNS {columns}

// What all kernels take besides the states. The tables of batch sizes, of where their random numbers begin,
// of rates, kicks and spreads hold one entry for each step, and the last of them stays. `order` holds the
// permutation of an epoch, or the samples of a batch, of each lane, and `taken` a bit for each sample of each
// lane.
#define MODEL const double *rows, const double *data, const double *constants, const i64 *sizes, \\
    const i64 *places, i64 size_count, i64 size, int distinct_samples, const double *rates, i64 rate_count, \\
    const double *kicks, i64 kick_count, double momentum, const double *spreads, i64 spread_count, \\
    u32 *order_of_lanes, u32 *taken_of_lanes
"""

DOT = """
#define WIDTH {width}
// Short rows are kept in registers, long ones in memory.
#define UNROLLED (WIDTH > {chunk} ? 8 : {chunk})

// row . x in eight partial sums, added at the end in one fixed tree: what `simdyn.lowering.vector_rows` does
// with vectors.
DEVICE double dot(const double *row, const double *x) {{
    double eight[8], four[4];
    if (WIDTH > {chunk}) {{
        double parts[4][8];
        for (int k = 0; k < 32; k++) parts[k / 8][k % 8] = 0.0;
#pragma unroll 1
        for (int begin = 0; begin < WIDTH; begin += 32)
            for (int k = 0; k < 32; k++)
                parts[k / 8][k % 8] = fused(row[begin + k], x[begin + k], parts[k / 8][k % 8]);
        for (int k = 0; k < 8; k++) eight[k] = (parts[0][k] + parts[1][k]) + (parts[2][k] + parts[3][k]);
    }} else if (WIDTH >= 8) {{
        for (int k = 0; k < 8; k++) eight[k] = row[k] * x[k];
        for (int begin = 8; begin + 8 <= WIDTH; begin += 8)
            for (int k = 0; k < 8; k++) eight[k] = fused(row[begin + k], x[begin + k], eight[k]);
    }}
    if (WIDTH >= 8)
        for (int k = 0; k < 4; k++) four[k] = eight[k] + eight[k + 4];
    if (WIDTH % 8 == 4)
        for (int k = 0; k < 4; k++) {{
            const double last = row[WIDTH - 4 + k] * x[WIDTH - 4 + k];
            four[k] = WIDTH >= 8 ? four[k] + last : last;
        }}
    return (four[0] + four[2]) + (four[1] + four[3]);
}}
"""

INTEGRATE = """
// Advance by steps first_step to last_step - 1; column p of x, which has `paths` columns, is path
// first_path + p.
extern "C" __global__ void __launch_bounds__(THREADS) integrate(
    double *x, i64 paths, u64 first_path, i64 first_step, i64 last_step, MODEL, u32 key0, u32 key1) {{
    const i64 lane = (i64)blockIdx.x * blockDim.x + threadIdx.x, width = (i64)gridDim.x * blockDim.x;
    u32 *order = order_of_lanes + lane, *taken = taken_of_lanes + lane;
{constants}
    for (i64 column = lane; column < paths; column += width) {{
        const u64 path = first_path + (u64)column;
        i64 epoch = -1;
        Stream draws = stream_of({minibatch}), normals = stream_of({gaussian});
{load}
        for (i64 step = first_step; step < last_step; step++) {{
{step}
{forward}
        }}
{store}
    }}
}}
"""

FIRST_PASSAGE = """
// Advance the lanes for up to `rounds` steps; see the kernel of the same name for rules in symbols.
extern "C" __global__ void __launch_bounds__(THREADS) first_passage(
    double *lanes, i64 *slots, i64 *groups, u64 *next_slot, i64 paths, u64 first_path, const double *start,
    i64 max_steps, i64 rounds, MODEL, u32 key0, u32 key1, i64 *out_steps, i64 *out_code, double *out_state,
    u64 *tally) {{
    const i64 lane = (i64)blockIdx.x * blockDim.x + threadIdx.x, width = (i64)gridDim.x * blockDim.x;
    u32 *order = order_of_lanes + lane, *taken = taken_of_lanes + lane;
{constants}
    i64 slot = slots[lane], step = groups[lane], epoch = -1;
    u64 events = 0, censored = 0, diverged = 0, done_steps = 0;
    Stream draws = stream_of({minibatch}), normals = stream_of({gaussian});
{load}
    for (i64 round = 0; round < rounds; round++) {{
        if (slot < 0) {{
            slot = (i64)atomicAdd(next_slot, (u64)1);
            if (slot >= paths) {{
                slot = -1;
                break;
            }}
            step = 0;
            epoch = -1;
            // The words at hand are another path's.
            draws = stream_of({minibatch});
            normals = stream_of({gaussian});
{begin}
        }}
        const u64 path = first_path + (u64)slot;
        i64 reason;
        {{
{step}
{crossed}
            reason = bounded ? ({channel}) : {diverged};
{forward}
        }}
        step++;
        if (reason == 0 && step < max_steps) continue;
        out_steps[slot] = step;
        out_code[slot] = reason;
        if (reason != 0) {{
{leave}
        }}
        done_steps += (u64)step;
        events += reason > 0;
        censored += reason == 0;
        diverged += reason < 0;
        slot = -1;
    }}
    slots[lane] = slot;
    groups[lane] = step;
{store}
    if (events) atomicAdd(&tally[0], events);
    if (censored) atomicAdd(&tally[1], censored);
    if (diverged) atomicAdd(&tally[2], diverged);
    if (done_steps) atomicAdd(&tally[3], done_steps);
}}
"""
