"""The frame of the report: its HTML and CSS, with no script and nothing fetched from anywhere."""

from __future__ import annotations

from string import Template

STYLE = """
:root { --ink: #1b1f24; --muted: #59626d; --paper: #ffffff; --soft: #f4f6f8; --line: #d9dee4;
  --accent: #0b5cad;
  --holds: #00664b; --holds-soft: #e2f3ee; --fails: #a33c00; --fails-soft: #fdebdf;
  --undecided: #4d5762; --undecided-soft: #eceff2; color-scheme: light dark; }
@media screen and (prefers-color-scheme: dark) { :root { --ink: #e4e8ec; --muted: #9aa5b1; --paper: #14181d;
  --soft: #1d232a; --line: #343c46; --accent: #7ab8ff; --holds: #5fd3ae; --holds-soft: #12332a;
  --fails: #ff9d66; --fails-soft: #40210f; --undecided: #b4bec9; --undecided-soft: #2a313a; } }
* { box-sizing: border-box; }
html { -webkit-text-size-adjust: 100%; }
body { margin: 0; background: var(--paper); color: var(--ink); line-height: 1.55;
  font: 1rem/1.55 system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", "Liberation Sans", Arial,
    sans-serif; }
main { max-width: 62rem; margin: 0 auto; padding: 2.5rem 1.5rem 4rem; }
h1 { font-size: 2.1rem; line-height: 1.2; margin: .2rem 0 .5rem; letter-spacing: -.015em; text-wrap: balance;
  }
h2 { font-size: 1.35rem; margin: 3rem 0 .8rem; padding-bottom: .35rem; border-bottom: 1px solid var(--line); }
h3 { font-size: 1.05rem; margin: 2rem 0 .3rem; }
p { margin: 0 0 .9rem; max-width: 46rem; }
a { color: var(--accent); }
.over { color: var(--muted); font-size: .9rem; }
.source { font-size: 1.05rem; color: var(--muted); }
.muted, .notes { color: var(--muted); }
.notes { font-size: .87rem; max-width: none; margin-top: .6rem; }
nav { margin: 1.4rem 0 0; font-size: .92rem; }
nav a { margin-right: 1.1rem; white-space: nowrap; }
.tally { display: flex; flex-wrap: wrap; gap: .6rem; margin: 1.2rem 0 1.5rem; padding: 0; list-style: none; }
.verdict { display: inline-block; padding: .12rem .6rem; border-radius: 1rem; font-size: .88rem;
  font-weight: 600;
  white-space: nowrap; border: 1px solid currentColor; }
.holds { color: var(--holds); background: var(--holds-soft); }
.fails { color: var(--fails); background: var(--fails-soft); }
.here { color: var(--accent); border-style: dotted; }
.undecided { color: var(--undecided); background: var(--undecided-soft); border-style: dashed; }
.warning { border-left: 4px solid var(--fails); background: var(--fails-soft);
  padding: .7rem 1rem;
  max-width: none; }
table { border-collapse: collapse; width: 100%; font-size: .92rem; font-variant-numeric: tabular-nums; }
th { text-align: left; font-weight: 600; font-size: .84rem; color: var(--muted); vertical-align: bottom;
  border-bottom: 2px solid var(--line); padding: .4rem .7rem .4rem 0; }
td { vertical-align: top; border-bottom: 1px solid var(--line); padding: .55rem .7rem .55rem 0; }
th.number, td.number { text-align: right; white-space: nowrap; padding-left: .7rem; padding-right: 0; }
th .unit { display: block; font-weight: 400; }
.wide { overflow-x: auto; }
.grid { width: auto; min-width: 50%; font-size: .86rem; }
.grid th, .grid td { padding: .25rem 1.6rem .25rem 0; }
.grid th.number, .grid td.number { padding: .25rem .3rem .25rem .5rem; }
.grid tr.unmet td { background: var(--fails-soft); }
.grid tr.unmet td:first-child { border-left: 4px solid var(--fails); padding-left: .4rem; }
.grid tbody tr:hover { background: var(--soft); }
.claims .statement { width: 60%; }
.claims td:last-child, .claims th:last-child { padding-left: 1.6rem; padding-right: 0; }
.claims .text { font-weight: 600; }
.claims .why { font-size: .9rem; margin: .25rem 0 0; }
.claims .cited { font-size: .87rem; color: var(--muted); margin: .2rem 0 0; }
.interval { color: var(--muted); font-size: .87rem; display: block; }
.whisker { display: block; width: 9rem; height: 1.7rem; margin: .3rem 0 0 auto; }
sup { line-height: 0; }
.whisker .axis { stroke: var(--line); stroke-width: 1; }
.whisker .bar { stroke: var(--accent); stroke-width: 3; stroke-linecap: round; }
.whisker .dot { fill: var(--accent); }
.whisker .mark { stroke: var(--ink); stroke-width: 2; }
figure { margin: 1.6rem 0 2.4rem; }
.drawing { background: #fff; border: 1px solid var(--line); border-radius: .4rem; padding: .8rem;
  overflow-x: auto; }
.drawing svg { display: block; width: 100%; height: auto; max-height: 44rem; margin: 0 auto; }
.drawing svg * { stroke-linejoin: round; stroke-linecap: butt; }
.zoom, .unzoom { font-size: .85rem; }
.unzoom { display: none; }
.drawing:target { position: fixed; inset: 0; z-index: 1; overflow: auto; border-radius: 0; }
.drawing:target svg { width: 250%; max-width: none; max-height: none; }
.drawing:target .zoom { display: none; }
.drawing:target .unzoom { display: block; position: fixed; top: .8rem; right: 1.2rem; color: #0b5cad;
  background: #fff; border: 1px solid #0b5cad; border-radius: .4rem; padding: .2rem .7rem; }
.group td { background: var(--soft); padding: .7rem; }
figcaption { margin-top: .6rem; font-size: .93rem; max-width: 46rem; }
pre { background: var(--soft); border: 1px solid var(--line); border-radius: .4rem; padding: .8rem 1rem;
  overflow-x: auto;
  font-size: .9rem; }
code, pre { font-family: ui-monospace, "SF Mono", Menlo, Consolas, "Liberation Mono", monospace; }
.facts { width: auto; min-width: min(24rem, 100%); }
.facts td { padding-top: .3rem; padding-bottom: .3rem; overflow-wrap: anywhere; }
.facts td:first-child { color: var(--muted); padding-right: 2rem; overflow-wrap: normal; }
.columns { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(22rem, 100%), 1fr));
  gap: 0 3rem; }
@media screen and (max-width: 44rem) {
  main { padding: 1.4rem 1rem 3rem; }
  h1 { font-size: 1.6rem; }
  .claims thead { display: none; }
  .claims, .claims tbody, .claims tr, .claims td { display: block; width: 100%; }
  .claims tr { border: 1px solid var(--line); border-radius: .5rem; padding: .9rem 1rem; margin: 0 0 1rem; }
  .claims td, .claims td.number { border: 0; padding: .2rem 0; text-align: left; }
  .claims td.statement { width: 100%; padding-bottom: .5rem; }
  .claims td[data-name]::before { content: attr(data-name); display: inline-block; width: 6.2rem;
    color: var(--muted);
    font-size: .87rem; }
  .interval { display: inline; margin-left: .4rem; }
  .whisker { margin: .3rem 0 .3rem 6.2rem; }
  .claims td:last-child { padding-left: 0; }
  .drawing { padding: .4rem; }
  pre { white-space: pre-wrap; overflow-wrap: anywhere; }
}
@media print {
  @page { margin: 16mm 15mm; }
  body { font-size: 9.5pt; }
  main { max-width: none; padding: 0; }
  nav { display: none; }
  h2, h3 { break-after: avoid; }
  tr, figure, pre { break-inside: avoid; }
  thead { display: table-header-group; }
  .wide, .drawing, pre { overflow: visible; }
  .drawing, .drawing:target { position: static; border: 0; padding: 0; }
  .drawing:target svg { width: 100%; }
  .drawing .zoom, .drawing .unzoom { display: none; }
  .drawing svg { max-height: 190mm; }
  .grid { font-size: 8pt; }
  pre { white-space: pre-wrap; }
  .verdict, .warning { -webkit-print-color-adjust: exact; print-color-adjust: exact; }
}
"""

PAGE = Template(
    """<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="generator" content="simdyn">
<title>$title</title>
<style>$style</style>
</head>
<body>
<main>
<header>
<div class="over">simdyn study <code>$name</code>, $size run</div>
<h1>$title</h1>
<p class="source">$source</p>
$tally
$warning
$summary
<nav>$contents</nav>
</header>
<section id="claims">
<h2>Claims</h2>
$claims
</section>
<section id="figures">
<h2>Figures</h2>
$figures
</section>
<section id="methods">
<h2>Methods</h2>
$methods
</section>
<section id="measurements">
<h2>Measurements</h2>
$grids
</section>
<section id="repeat">
<h2>How to repeat this</h2>
$repeat
</section>
</main>
</body>
</html>
"""
)

SUMMARY = Template(
    """<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="generator" content="simdyn">
<title>All claims</title>
<style>$style</style>
</head>
<body>
<main>
<header>
<div class="over">simdyn studies</div>
<h1>All claims</h1>
$tally
</header>
<section id="claims">
$claims
</section>
<section id="repeat">
<h2>How to repeat this</h2>
$commands
</section>
</main>
</body>
</html>
"""
)
