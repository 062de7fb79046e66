"""What a thread of each GPU kernel takes: registers, spilled bytes, stack, instructions of a path-step.

NVRTC tells, without a GPU:

pip install ".[cuda12]"
python -m benchmarks.registers --save
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator

from benchmarks.findings import RESULTS
from benchmarks.issue_bound import instructions_of_turn
from benchmarks.machine import in_one_line, now, software
from potentials import double_well, muller_brown, styblinski_tang
from simdyn.dynamics import SDE, SGD, SGLD, Rule
from simdyn.engines.device import usage_of
from simdyn.exits import resolve_exit
from simdyn.lowering import lower
from simdyn.lowering.cuda_kernels import THREADS, cuda_kernels_of

ARCHITECTURES = ("sm_80", "sm_90")

PROBLEMS = {
    "1-D double well, Langevin": (double_well(), SGLD(0.01, 0.1)),
    "1-D double well, SDE with bridge": (double_well(), SDE("0.1*(1 + x**2)", 0.01)),
    "1-D double well, noise of the Hessian": (double_well(), SGD(0.01, 1.0, noise="hessian", floor=0.1)),
    "1-D double well, momentum": (double_well(), SGLD(0.01, 0.1, momentum=0.9)),
    "Müller-Brown, noise of the Hessian": (muller_brown(), SGD(1e-4, 0.1, noise="hessian", floor=1.0)),
    "10-D Styblinski-Tang, Langevin": (styblinski_tang(dim=10), SGLD(0.001, 5.0)),
}


def rows() -> Iterator[str]:
    """The table in Markdown, line by line."""
    yield (
        "| problem | dtype | kernel | architecture | registers | spilled bytes | stack bytes | "
        "instructions a path-step |"
    )
    yield "|---|---|---|---|---:|---:|---:|---:|"
    for name, (landscape, dynamics) in PROBLEMS.items():
        start = landscape.deepest().x
        update: Rule = dynamics.update(landscape, start)
        program = lower(update, resolve_exit("valley" if landscape.dim != 2 else "x > 0", landscape, start))  # type: ignore[arg-type]
        for dtype in ("float64", "float32"):
            kernels = cuda_kernels_of(program, dtype, False)
            source = kernels.source
            for architecture in ARCHITECTURES:
                for kernel, usage in usage_of(source, architecture).items():
                    turn = instructions_of_turn(source, architecture, kernel)
                    yield (
                        f"| {name} | {dtype} | {kernel} | {architecture} | {usage.registers} | "
                        f"{usage.spilled} | {usage.stack} | {turn / kernels.group.steps:.1f} |"
                    )


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.registers", description=__doc__.split("\n")[0]
    )
    parser.add_argument("--save", action="store_true", help="write benchmarks/results/registers.md")
    arguments = parser.parse_args()
    from cupy.cuda import nvrtc

    version = ".".join(str(part) for part in nvrtc.getVersion())
    text = "\n".join(
        [
            "# Registers of the GPU kernels\n",
            f"- date: {now()}\n- compiler: NVRTC {version}; blocks of {THREADS} threads",
            f"- versions: {in_one_line(software())}",
            "- instructions: of a turn of the kernel's loop in which no path ends, without the slow paths of "
            "roots and divisions\n",
            *rows(),
        ]
    )
    print(text)
    if arguments.save:
        RESULTS.mkdir(exist_ok=True)
        (RESULTS / "registers.md").write_text(text + "\n")


if __name__ == "__main__":
    main()
