"""One page with the claims of many runs."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from html import escape
from pathlib import Path
from typing import get_args

from simdyn.errors import InputError
from simdyn.study.claims import Claim, Verdict, read_claims
from simdyn.study.page import STYLE, SUMMARY
from simdyn.study.report import claims_table, repeat_command, verdict_mark
from simdyn.study.storage import MANIFEST, Manifest, read_manifest


@dataclass(frozen=True)
class Run:
    """A run and its claims; None where it is not finished."""

    folder: Path
    manifest: Manifest
    claims: tuple[Claim, ...] | None


def find_runs(folders: Iterable[Path]) -> tuple[Run, ...]:
    """The runs in these folders, or in the folders directly inside them, by study.

    Raises
    ------
    InputError
        If a folder holds no run, or one that is damaged.
    """
    runs = {}
    for folder in folders:
        if not folder.is_dir():
            raise InputError(f"there is no folder {folder}; give the --out folders of `simdyn study run`")
        inside = [item for item in sorted(folder.iterdir()) if (item / MANIFEST).is_file()]
        found = [folder] if (folder / MANIFEST).is_file() else inside
        if not found:
            raise InputError(
                f"{folder} holds no study, nor do the folders in it; give the --out folders of "
                "`simdyn study run`"
            )
        for place in found:
            claims = place / "claims.json"
            runs[place.resolve()] = Run(
                place, read_manifest(place), read_claims(claims) if claims.is_file() else None
            )
    return tuple(sorted(runs.values(), key=lambda run: (run.manifest.study, str(run.folder))))


def tally(runs: Sequence[Run]) -> Counter[Verdict]:
    """How many claims of all runs have each verdict."""
    return Counter(claim.verdict for run in runs for claim in run.claims or ())


def summary_html(runs: Sequence[Run], missing: Sequence[str]) -> str:
    """The page: all claims in one table, study by study.

    Parameters
    ----------
    missing
        Shipped studies that none of the runs is of.
    """
    counts = tally(runs)
    items = [
        f"<li>{verdict_mark(verdict, f'{counts[verdict]} {verdict}')}</li>"
        for verdict in get_args(Verdict)
        if counts[verdict]
    ]
    groups = [(_heading(run), run.claims or ()) for run in runs]
    groups += [(f"<strong>{escape(name)}</strong>: {verdict_mark('not run')}", ()) for name in missing]
    return SUMMARY.substitute(
        style=STYLE,
        tally=f'<ul class="tally">{"".join(items)}</ul>',
        claims=claims_table(groups),
        commands="\n".join(
            f"<h3>{escape(run.manifest.study)}</h3><pre><code>{escape(repeat_command(run.manifest))}"
            "</code></pre>"
            for run in runs
        ),
    )


def _heading(run: Run) -> str:
    manifest = run.manifest
    title = f"{manifest.problem['title']}"
    facts = f"{manifest.study}, {manifest.size} run, seed {manifest.entropy}, {run.folder}"
    state = "" if run.claims is not None else " — not finished; run the command below again"
    return (
        f'<strong>{escape(title)}</strong> <span class="muted">({escape(facts)}){state}</span>'
        f'<div class="cited">{escape(str(manifest.problem["source"]))}</div>'
    )
