"""Lets these tests import the benchmarks, which are not installed."""

import sys
from pathlib import Path

# Behind everything else, so that simdyn is still the installed one.
sys.path.append(str(Path(__file__).parents[2]))
