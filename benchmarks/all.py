"""Every benchmark that has goals, one after the other, each writing its record to benchmarks/results.

python -m benchmarks.all
"""

from __future__ import annotations

import subprocess
import sys

BENCHMARKS = (
    "kernels --save",
    "cold_start --save",
    "path_scaling --save",
    "run --rounds 7 --save",
)


def main() -> None:
    failed = []
    for benchmark in BENCHMARKS:
        name, *options = benchmark.split()
        print(f"\n=== python -m benchmarks.{benchmark}", flush=True)
        if subprocess.run([sys.executable, "-m", f"benchmarks.{name}", *options]).returncode:
            failed.append(name)
    if failed:
        raise SystemExit(f"Failed: {', '.join(failed)}.")


if __name__ == "__main__":
    main()
