"""SVG inside an HTML page: Matplotlib's figures made fit for it, and the small picture beside a claim."""

from __future__ import annotations

import math
import re
from html import escape

from simdyn.study.claims import Claim


def inline_figure(svg: str, prefix: str, label: str) -> str:
    """A Matplotlib SVG as an element of a page that may hold several.

    Identifiers get `prefix`, because all figures of a page share one name space; the style element goes,
    because it would apply to the whole page; the metadata go, because they name addresses.
    """
    element = svg[svg.index("<svg") :]
    for unwanted in (r"<metadata>.*?</metadata>", r"<style\b.*?</style>"):
        element = re.sub(unwanted, "", element, flags=re.DOTALL)
    element = re.sub(r'\bid="', f'id="{prefix}-', element)
    element = re.sub(r'href="#', f'href="#{prefix}-', element)
    element = element.replace("url(#", f"url(#{prefix}-")
    return element.replace("<svg", f'<svg role="img" aria-label="{escape(label)}"', 1)


_WIDTH, _HEIGHT, _MARGIN = 144.0, 27.0, 8.0


def whisker(claim: Claim) -> str:
    """Value measured with interval (dot, bar) and value predicted (upright line) on one axis; "" if none.

    The axis is logarithmic where the numbers span more than a factor of 20.
    """
    present = [
        value
        for value in (claim.predicted, claim.measured, claim.low, claim.high)
        if value is not None and math.isfinite(value)
    ]
    if claim.measured is None or not math.isfinite(claim.measured) or len(present) < 2:
        return ""
    logarithmic = min(present) > 0 and max(present) > 20 * min(present)
    scale = math.log if logarithmic else float
    left, right = scale(min(present)), scale(max(present))
    span = (right - left) or 1.0

    def place(value: float | None, otherwise: float) -> float:
        if value is None or not math.isfinite(value):
            return otherwise
        return _MARGIN + (_WIDTH - 2 * _MARGIN) * (scale(value) - left) / span

    middle = _HEIGHT / 2
    parts = [f'<line class="axis" x1="0" x2="{_WIDTH:g}" y1="{middle}" y2="{middle}"/>']
    if (
        claim.low is not None
        and claim.high is not None
        and not (math.isnan(claim.low) or math.isnan(claim.high))
    ):
        low, high = place(claim.low, 0.0), place(claim.high, _WIDTH)
        parts.append(f'<line class="bar" x1="{low:.1f}" x2="{high:.1f}" y1="{middle}" y2="{middle}"/>')
    if claim.predicted is not None and math.isfinite(claim.predicted):
        mark = place(claim.predicted, 0.0)
        parts.append(f'<line class="mark" x1="{mark:.1f}" x2="{mark:.1f}" y1="3" y2="{_HEIGHT - 3:g}"/>')
    parts.append(f'<circle class="dot" cx="{place(claim.measured, 0.0):.1f}" cy="{middle}" r="4.5"/>')
    return (
        f'<svg class="whisker" viewBox="0 0 {_WIDTH:g} {_HEIGHT:g}" role="img" '
        f'aria-label="measured and predicted value on one axis">{"".join(parts)}</svg>'
    )
