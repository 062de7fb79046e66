"""The frames of the GPU kernels, which `simdyn.lowering.cuda_kernels` fills in.

A thread advances one path after the other, and keeps the state in registers. Arrays of states hold entry i of
path p at i * paths + p, so that neighbouring threads read neighbouring numbers.
"""

HEADER = """
typedef {real} REAL;
#define THREADS {threads}
"""

INTEGRATE = """
// {purpose}; column p of x, which has `paths` columns, is path first_path + p.
extern "C" __global__ void __launch_bounds__(THREADS) {name}(
    REAL *x, i64 paths, u64 first_path, {arguments}, {model}, u32 key0, u32 key1) {{
    const i64 lane = (i64)blockIdx.x * blockDim.x + threadIdx.x, width = (i64)gridDim.x * blockDim.x;
{constants}
    for (i64 column = lane; column < paths; column += width) {{
        const u64 path = first_path + (u64)column;
{load}
        for (i64 group = first_group; group < last_group; group++) {{
            const u64 block = (u64)group;
{draw}
{steps}
        }}
{store}
    }}
}}
"""

FIRST_PASSAGE = """
// Advance the lanes for up to `rounds` groups of steps. A lane is a thread that lives on from call to call:
// its state, the slot in its hands (-1: none) and the groups of steps that it has done lie in `lanes`,
// `slots` and `groups` in between. Path first_path + s writes its end to slot s. A lane whose path has ended
// takes the next slot of the one queue that all share; no result depends on which lane takes which path.
// `tally` counts events, censored paths, diverged paths and the steps of all these.
extern "C" __global__ void __launch_bounds__(THREADS) first_passage(
    REAL *lanes, i64 *slots, i64 *groups, u64 *next_slot, i64 paths, u64 first_path, const REAL *start,
    i64 max_steps, i64 rounds, {model}, u32 key0, u32 key1, i64 *out_steps, i64 *out_code,
    REAL *out_state, u64 *tally) {{
    const i64 lane = (i64)blockIdx.x * blockDim.x + threadIdx.x, width = (i64)gridDim.x * blockDim.x;
{constants}
    i64 slot = slots[lane], group = groups[lane];
    u64 events = 0, censored = 0, diverged = 0, done_steps = 0;
{load}
    for (i64 round = 0; round < rounds; round++) {{
        if (slot < 0) {{
            slot = (i64)atomicAdd(next_slot, (u64)1);
            if (slot >= paths) {{
                slot = -1;
                break;
            }}
            group = 0;
{begin}
        }}
        const u64 path = first_path + (u64)slot, block = (u64)group;
        i64 taken = 0, reason = 0;
        bool ended = false;
{draw}
{steps}
        if (!ended) {{
{bounded}
            taken = (group + 1) * {group_steps};
            ended = !bounded;
            reason = bounded ? 0 : {diverged};
        }}
        group++;
        if (taken > max_steps || (!ended && taken == max_steps)) {{
            // Past the budget by a part of a group, which does not count.
            taken = max_steps;
            reason = 0;
            ended = true;
        }}
        if (!ended) continue;
        out_steps[slot] = taken;
        out_code[slot] = reason;
        if (reason != 0) {{
{leave}
        }}
        done_steps += (u64)taken;
        events += reason > 0;
        censored += reason == 0;
        diverged += reason < 0;
        slot = -1;
    }}
    slots[lane] = slot;
    groups[lane] = group;
{store}
    if (events) atomicAdd(&tally[0], events);
    if (censored) atomicAdd(&tally[1], censored);
    if (diverged) atomicAdd(&tally[2], diverged);
    if (done_steps) atomicAdd(&tally[3], done_steps);
}}
"""

DRAW_ARRAY = """
DEVICE void {name}(REAL *numbers, u64 block, u64 path, u32 key0, u32 key1) {{
    for (int q = 0; q < {blocks}; q++) {{
        const Words w = words_of(block * {blocks}u + (u64)q, {purpose}u, path, key0, key1);
{fill}
    }}
}}
"""

TAKE_STEP = """
// New coordinates from the old in the step of number `clock`. Rows of the table tell where a coordinate goes
// and what it reads.
DEVICE void take_step(
    const REAL *old, REAL *fresh, const REAL *normals, REAL *folds, REAL clock, const REAL *values,
    const u32 *table) {{
{loops}
}}
"""

LOOK = """
// The first channel through which the path has left, or their number.
DEVICE int look_outside(
    const REAL *old, const REAL *fresh, const REAL *uniforms, REAL *folds, const REAL *values,
    const u32 *table) {{
    int first = {channels};
{outside}
    return first;
}}

// Whether all coordinates are numbers within the divergence bound.
DEVICE bool look_within(const REAL *fresh, REAL *folds, const REAL *values, const u32 *table) {{
    bool fine = true;
{within}
    return fine;
}}
"""
