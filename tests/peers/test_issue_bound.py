"""Instructions counted in machine code, on kernels of which one knows how many more one has than another."""

from __future__ import annotations

import pytest
from device_compiler import needs_nvrtc

from benchmarks.issue_bound import instructions_of_turn, issue_bound
from potentials import double_well
from simdyn.dynamics import SGLD
from simdyn.exits import resolve_exit
from simdyn.lowering import lower
from simdyn.lowering.cuda_kernels import cuda_kernels_of

KERNEL = """
extern "C" __global__ void turn(double *x, long long *seen, int n, double a) {
    double y = x[threadIdx.x];
#pragma unroll 1
    for (int i = 0; i < n; i++) {
%s
        if (y > 1e9) { seen[threadIdx.x] = i; y = 0.0; }
    }
    x[threadIdx.x] = y;
}
"""


def turn(products, root=False):
    lines = ["        y = __fma_rn(y, y, a);"] * products + ["        y = __dsqrt_rn(y);"] * root
    return KERNEL % "\n".join(lines)


@needs_nvrtc
@pytest.mark.parametrize("architecture", ["sm_80", "sm_90"])
def test_every_operation_counts_once(architecture):
    few, many = (instructions_of_turn(turn(n), architecture, "turn") for n in (5, 105))
    assert many - few == 100
    # Five products, the test, the counter and its test, the branch; little else.
    assert 9 <= few < 25
    # A root is a dozen operations and a call of its slow path, which is not counted.
    assert 8 <= instructions_of_turn(turn(5, root=True), architecture, "turn") - few < 40


@needs_nvrtc
@pytest.mark.parametrize("architecture", ["sm_80", "sm_90"])
def test_an_exit_costs_at_most_three_tenths_of_the_plain_rate(architecture):
    """By issued instructions, while no path ends."""
    start = [-1.0]
    well = double_well()
    program = lower(SGLD(0.01, 0.1).update(well), resolve_exit("x >= 0", well, start))
    for dtype in ("float64", "float32"):
        source = cuda_kernels_of(program, dtype, False).source
        plain, watched = (
            instructions_of_turn(source, architecture, kernel) for kernel in ("integrate", "first_passage")
        )
        assert watched > plain
        assert plain / watched > 0.75


@needs_nvrtc
def test_what_is_not_there_is_said():
    with pytest.raises(ValueError, match="no kernel spin"):
        instructions_of_turn(turn(1), "sm_90", "spin")
    with pytest.raises(ValueError, match="no loop"):
        instructions_of_turn('extern "C" __global__ void turn(int *x) { *x = 1; }', "sm_90", "turn")


def test_the_bound_of_a_hundred_instructions():
    """132 processors at 1.76 GHz issue 2.97e13 instructions of threads a second."""
    assert issue_bound(100.0, 132, 1.76e9) == pytest.approx(2.97e11, rel=1e-2)
