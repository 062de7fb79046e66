"""`python -m simdyn.cli`: the shell without its entry point."""

from simdyn.cli import main

main()
