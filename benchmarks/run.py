"""Measure simdyn beside its peers: `python -m benchmarks.run`, from the top folder of the repository."""

from __future__ import annotations

import argparse
import sys
from dataclasses import replace
from functools import partial
from pathlib import Path

from benchmarks.contest import PeerUnavailable
from benchmarks.machine import hardware, now, pin, software
from benchmarks.peers import PEERS, Contestants, load
from benchmarks.workloads import WORKLOADS

RESULTS = Path(__file__).parent / "results"


def main() -> None:
    arguments = parse_arguments()
    facts = hardware()
    pin(arguments.threads)
    # Only now: these import NumPy, which reads the thread limits.
    from benchmarks.measurement import measure
    from benchmarks.report import Report

    offers, skipped = load_peers(arguments.skip)
    tables = []
    for name in arguments.only or WORKLOADS:
        workload = WORKLOADS[name]
        if arguments.threads > 1:
            workload = replace(workload, goals={})  # the goals are for one thread
        taking_part = [
            partial(offer, threads=arguments.threads)
            for peer, offer in offers.items()
            if workload.peers is None or peer in workload.peers
        ]
        tables.append((workload, measure(workload, taking_part, arguments.rounds, tell)))

    report = Report(now(), arguments.threads, arguments.rounds, facts, software(), skipped, tables)
    print(report.markdown() if arguments.markdown else report.text())
    if arguments.json:
        arguments.json.write_text(report.json())
    if arguments.save:
        RESULTS.mkdir(exist_ok=True)
        stem = f"cpu_{arguments.threads}_thread" + ("s" if arguments.threads > 1 else "")
        (RESULTS / f"{stem}.md").write_text(report.markdown() + "\n")
        (RESULTS / f"{stem}.json").write_text(report.json())


def load_peers(skip: list[str]) -> tuple[dict[str, Contestants], dict[str, str]]:
    """Peers that can run here, and for each other one the reason why not."""
    offers, skipped = {}, {}
    for peer in PEERS:
        if peer in skip:
            skipped[peer] = "asked for"
            continue
        try:
            offers[peer] = load(peer)
        except PeerUnavailable as error:
            skipped[peer] = str(error)
            tell(f"skipped: {peer} ({error})")
    return offers, skipped


def tell(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.run", description=__doc__)
    parser.add_argument("--threads", type=int, default=1, help="cores and threads for every peer (default 1)")
    parser.add_argument("--rounds", type=int, default=5, help="interleaved rounds (default 5)")
    parser.add_argument(
        "--only",
        action="append",
        choices=WORKLOADS,
        metavar="WORKLOAD",
        help=f"repeatable; {', '.join(WORKLOADS)}",
    )
    parser.add_argument(
        "--skip",
        action="append",
        choices=PEERS,
        default=[],
        metavar="PEER",
        help=f"repeatable; {', '.join(PEERS)}",
    )
    parser.add_argument(
        "--json", type=Path, metavar="FILE", help="write the full record, every round, to FILE"
    )
    parser.add_argument("--markdown", action="store_true", help="print Markdown instead of plain text")
    parser.add_argument(
        "--save", action="store_true", help="write benchmarks/results/cpu_N_thread.md and .json"
    )
    arguments = parser.parse_args()
    if arguments.rounds < 1:
        parser.error(f"--rounds {arguments.rounds}: at least one round is needed")
    return arguments


if __name__ == "__main__":
    main()
