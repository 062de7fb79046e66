"""Speed of simdyn's CPU engine beside the tools people would otherwise use: `python -m benchmarks.run`."""
