"""The report: one HTML file that needs nothing else, from the results, claims and figures of a run."""

from __future__ import annotations

import math
import shlex
from collections import Counter
from collections.abc import Mapping, Sequence
from html import escape
from typing import TYPE_CHECKING, Any, get_args

from simdyn.study.claims import Claim, Verdict
from simdyn.study.definition import Grid, Study
from simdyn.study.inline_svg import inline_figure, whisker
from simdyn.study.page import PAGE, STYLE
from simdyn.study.results import Results
from simdyn.study.settings import toml_text
from simdyn.study.storage import Manifest

if TYPE_CHECKING:
    from simdyn.study.runner import Findings

SYMBOLS: dict[Verdict, str] = {
    "holds": "✓",
    "holds only here": "◐",
    "does not hold": "✗",
    "undecided": "?",
    "not run": "–",
}
"""Beside colour and word, so that a verdict is told apart in any of the three ways."""

_CLASSES: dict[Verdict, str] = {
    "holds": "holds",
    "holds only here": "here",
    "does not hold": "fails",
    "undecided": "undecided",
    "not run": "undecided",
}
"""Colours, in the style sheet."""

_SECTIONS = {
    "claims": "Claims",
    "figures": "Figures",
    "methods": "Methods",
    "measurements": "Measurements",
    "repeat": "How to repeat this",
}


def report_html(study: Study[Any], findings: Findings, drawings: Mapping[str, str]) -> str:
    """The whole page.

    Parameters
    ----------
    drawings
        The SVG text of every figure, by the figure's name.
    """
    results, manifest = findings.results, findings.results.manifest
    return PAGE.substitute(
        style=STYLE,
        title=escape(study.title),
        name=escape(study.name),
        size=manifest.size,
        source=escape(study.source),
        tally=_tally(findings.claims),
        warning=_warning(results),
        summary=_paragraphs(study.summary),
        contents=" ".join(f'<a href="#{key}">{text}</a>' for key, text in _SECTIONS.items()),
        claims=claims_table([("", findings.claims)]),
        figures="\n".join(
            _figure(number, drawn.name, drawn.caption, drawings[drawn.name])
            for number, drawn in enumerate(findings.figures, start=1)
        ),
        methods=_paragraphs(study.methods),
        grids="\n".join(_grid(results, grid) for grid in results.grids),
        repeat=_repeat(results),
    )


def repeat_command(manifest: Manifest) -> str:
    """The shell command that repeats the run into a new folder, with the file of settings that it takes."""
    command = f"simdyn study run {shlex.quote(manifest.origin)} --{manifest.size} --seed {manifest.entropy} "
    out = f"--out {shlex.quote(f'results/{manifest.study}')}"
    if not manifest.overrides:
        return command + out
    return (
        f"cat > settings.toml <<'END'\n{toml_text(manifest.overrides)}END\n"
        f"{command}--settings settings.toml {out}"
    )


def number(value: object) -> str:
    """A measurement as HTML: four significant digits, powers of ten as such, a dash where there is none."""
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return "—"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, str):
        return escape(value)
    assert isinstance(value, int | float)
    if math.isinf(value):
        return "∞" if value > 0 else "−∞"
    if isinstance(value, int):
        return f"{value:,}".replace("-", "−")
    text = f"{value:.4g}"
    if 1e3 <= abs(value) < 1e7:
        text = f"{float(text):,.0f}"
    elif "e" in text:
        mantissa, exponent = text.split("e")
        text = f"{mantissa} × 10<sup>{int(exponent)}</sup>"
    return text.replace("-", "−")


def _paragraphs(text: str) -> str:
    return "\n".join(f"<p>{escape(part.strip())}</p>" for part in text.split("\n\n") if part.strip())


def verdict_mark(verdict: Verdict, text: str | None = None) -> str:
    """A verdict as HTML: colour, symbol and word."""
    return f'<span class="verdict {_CLASSES[verdict]}">{SYMBOLS[verdict]} {text or verdict}</span>'


def _tally(claims: tuple[Claim, ...]) -> str:
    counts = Counter(claim.verdict for claim in claims)
    items = [
        f"<li>{verdict_mark(verdict, f'{verdict}: {counts[verdict]}')}</li>"
        for verdict in get_args(Verdict)
        if counts[verdict]
    ]
    return f'<ul class="tally">{"".join(items)}</ul>'


def _warning(results: Results) -> str:
    if len(results.versions) < 2:
        return ""
    return (
        '<p class="warning">The cells of this run were computed with more than one set of software versions '
        "(listed at the end); a repetition may differ in the last digits.</p>"
    )


def claims_table(groups: Sequence[tuple[str, Sequence[Claim]]]) -> str:
    """Claims as one table; each group below a heading in HTML, which may be empty."""
    rows = []
    for heading, claims in groups:
        if heading:
            rows.append(f'<tr class="group"><td colspan="4">{heading}</td></tr>')
        rows += [_claim_row(claim) for claim in claims]
    return (
        '<table class="claims"><thead><tr><th>Claim, source and reason for the verdict</th>'
        '<th class="number">Predicted</th><th class="number">Measured [interval]</th>'
        "<th>Verdict</th></tr>"
        f"</thead><tbody>{''.join(rows)}</tbody></table>"
        '<p class="notes">In the small pictures the dot and bar are the measured value and its interval, the '
        "upright line is the prediction; the axis is logarithmic where they span more than a factor of 20. "
        "Every verdict is computed from the measurements of its run.</p>"
    )


def _claim_row(claim: Claim) -> str:
    unit = f' <span class="muted">{escape(claim.unit)}</span>' if claim.unit else ""
    ends = (number(claim.low), number(claim.high))
    interval = "" if ends == ("—", "—") else f'<span class="interval">[{ends[0]}, {ends[1]}]</span>'
    return (
        f'<tr><td class="statement"><div class="text">{escape(claim.claim)}</div>'
        f'<div class="cited">{escape(claim.source)}</div><p class="why">{escape(claim.why)}</p></td>'
        f'<td class="number" data-name="Predicted">{number(claim.predicted)}{unit}</td>'
        f'<td class="number" data-name="Measured">{number(claim.measured)}{unit}{interval}'
        f"{whisker(claim)}</td>"
        f'<td data-name="Verdict">{verdict_mark(claim.verdict)}</td></tr>'
    )


def _figure(count: int, name: str, caption: str, svg: str) -> str:
    return (
        f'<figure id="{name}"><div class="drawing" id="zoom-{name}">'
        f"{inline_figure(svg, f'f{count}', caption)}"
        f'<a class="zoom" href="#zoom-{name}">enlarge</a><a class="unzoom" href="#{name}">close</a></div>'
        f"<figcaption><strong>Figure {count}.</strong> {escape(caption)} "
        f'<span class="muted">(figures/{name}.png, .svg, .pdf)</span></figcaption></figure>'
    )


def _grid(results: Results, grid: Grid) -> str:
    dataset = results[grid.name]
    table = results.grid_table(grid.name)
    text = {name: table[name].map(lambda value: isinstance(value, str)).any() for name in table.columns}
    heads, notes = [], []
    for name in table.columns:
        unit, meaning = dataset[name].attrs.get("units", ""), dataset[name].attrs.get("long_name", "")
        below = f'<span class="unit">{escape(unit)}</span>' if unit else ""
        kind = "" if text[name] else ' class="number"'
        heads.append(f"<th{kind}>{escape(_words(name))}{below}</th>")
        if meaning:
            notes.append(f"<strong>{escape(_words(name))}</strong>: {escape(meaning)}")
    rows = []
    for row in table.astype(object).itertuples(index=False):
        cells = (
            f"<td>{number(value)}</td>" if text[name] else f'<td class="number">{number(value)}</td>'
            for name, value in zip(table.columns, row, strict=True)
        )
        unmet = grid.budget is not None and not row[table.columns.get_loc("target_met")]
        mark = ' class="unmet"' if unmet else ""
        rows.append(f"<tr{mark}>{''.join(cells)}</tr>")
    return (
        f"<h3>{escape(grid.title)}</h3>{_paragraphs(grid.description)}{_budget(results, grid)}"
        f'<div class="wide"><table class="grid"><thead><tr>{"".join(heads)}</tr></thead>'
        f'<tbody>{"".join(rows)}</tbody></table></div><p class="notes">{"; ".join(notes)}</p>'
    )


def _budget(results: Results, grid: Grid) -> str:
    """How the cells of a grid ended that run in units."""
    if grid.budget is None:
        return ""
    met = results[grid.name]["target_met"].values
    text = (
        f"Every cell ran in units until the relative standard error of {_words(grid.budget.of)} was at most "
        f"{number(100 * grid.budget.target_error)} %, or {grid.budget.most_units:,} units were done. "
    )
    if met.all():
        return f'<p class="notes">{text}All {met.size} cells met it.</p>'
    return (
        f'<p class="warning">{text}{met.size - int(met.sum())} of {met.size} cells did not meet it before '
        "their budget ended: their rows are marked.</p>"
    )


def _words(name: str) -> str:
    return name.replace("_", " ")


def _repeat(results: Results) -> str:
    manifest = results.manifest
    run = {
        "seed": str(manifest.entropy),
        "cells": sum(grid.size for grid in results.grids),
        "computing time": _duration(results.seconds),
    }
    software = "".join(
        f"<h3>Versions{f' ({index} of {len(results.versions)})' if len(results.versions) > 1 else ''}</h3>"
        f"{_facts(versions)}"
        for index, versions in enumerate(results.versions, start=1)
    )
    return (
        f"<pre><code>{escape(repeat_command(manifest))}</code></pre>"
        "<p>With the versions below this gives the same numbers to the last bit, wherever they are computed, "
        "whatever the number of threads and however often the run is interrupted and taken up again.</p>"
        f'<div class="columns"><div><h3>Settings</h3>{_facts(manifest.settings)}</div>'
        f"<div><h3>Run</h3>{_facts(run)}{software}</div></div>"
        '<p class="notes">Beside this file: <code>results.nc</code> and <code>results.csv</code> hold all '
        "measurements with all their digits, <code>claims.json</code> the claims, <code>figures/</code> the "
        "figures.</p>"
    )


def _facts(facts: Mapping[str, Any]) -> str:
    rows = "".join(
        f"<tr><td>{escape(_words(key))}</td><td>{_fact(value)}</td></tr>" for key, value in facts.items()
    )
    return f'<table class="facts"><tbody>{rows}</tbody></table>'


def _fact(value: Any) -> str:
    if isinstance(value, list):
        return ", ".join(_fact(item) for item in value)
    if isinstance(value, dict):
        return ", ".join(f"{escape(key)}: {_fact(item)}" for key, item in value.items())
    # A setting is shown with all its digits: someone may want to type it in again.
    return escape(repr(value)) if isinstance(value, float) else number(value)


def _duration(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest} s" if minutes else f"{seconds:.1f} s"
