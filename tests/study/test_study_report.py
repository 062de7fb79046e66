"""The report is one valid page that needs nothing else and shows what was found."""

from __future__ import annotations

import math
import re
from html.parser import HTMLParser

import pytest

from simdyn.study import Claim, run_study
from simdyn.study.inline_svg import inline_figure, whisker
from simdyn.study.report import number, report_html

_VOID = {"meta", "br", "hr", "img", "link", "input"}


class Page(HTMLParser):
    """Checks that elements nest, and gathers identifiers, references and text."""

    def __init__(self, html):
        super().__init__()
        self.open, self.ids, self.references, self.tags, self.words = [], [], [], [], []
        self.feed(html)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag, attributes):
        self.handle_startendtag(tag, attributes)
        if tag not in _VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attributes):
        self.tags.append(tag)
        for name, value in attributes:
            if name == "id":
                self.ids.append(value)
            if name in ("href", "src", "xlink:href", "data", "srcset"):
                self.references.append(value)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.words.append(data)


@pytest.fixture(scope="module")
def out(tmp_path_factory):
    return tmp_path_factory.mktemp("study")


@pytest.fixture
def findings(toy, out):
    return run_study(toy, out, size="quick", seed=5)


@pytest.fixture
def html(findings, out):
    return (out / "report.html").read_text(encoding="utf-8")


def test_page_needs_nothing_else(html):
    page = Page(html)
    assert not {"script", "link", "img", "iframe", "object"} & set(page.tags)
    assert page.references
    assert all(reference.startswith("#") for reference in page.references)
    assert "@import" not in html
    assert not re.search(r"url\((?!#)", html)


def test_identifiers_are_unique_and_references_lead_somewhere(html):
    page = Page(html)
    assert len(set(page.ids)) == len(page.ids)
    assert {reference[1:] for reference in page.references} <= set(page.ids)
    assert set(re.findall(r"url\(#([^)]+)\)", html)) <= set(page.ids)


def test_page_shows_claims_settings_seed_versions_and_command(toy, findings, html, toy_file):
    text = " ".join(" ".join(Page(html).words).split())
    for claim in findings.claims:
        assert claim.claim in text
        assert claim.why in text
        assert number(claim.measured) in text
    assert text.count("✓ holds") == 3 + 1
    assert "✓ holds: 3" in text
    assert "simdyn study run toy --quick --seed 5 --out results/toy" in text
    for word in (
        "samples 4,000",
        "numpy",
        "Intervals are normal, at 95 %.",
        "Sample means (dots)",
        "1/steps",
    ):
        assert word in text


def test_text_of_a_study_cannot_become_markup(toy, findings):
    import dataclasses

    evil = '<script>alert("x")</script> & $name'
    marked = dataclasses.replace(toy, title=evil, summary=evil, source=evil, methods=evil)
    claim = dataclasses.replace(findings.claims[0], claim=evil, why=evil, source=evil, unit="<b>")
    drawn = dataclasses.replace(findings.figures[0], caption=evil)
    found = dataclasses.replace(findings, claims=(claim,), figures=(drawn,))
    html = report_html(marked, found, {"means": "<svg></svg>"})
    page = Page(html)
    assert "script" not in page.tags
    assert "b" not in page.tags
    assert html.count("&lt;script&gt;") >= 8


def test_cells_of_several_software_versions_are_announced(toy, findings):
    import dataclasses

    versions = ({"simdyn": "0.1.0"}, {"simdyn": "0.2.0"})
    mixed = dataclasses.replace(findings, results=dataclasses.replace(findings.results, versions=versions))
    drawings = {"means": "<svg></svg>"}
    assert "more than one set of software versions" in report_html(toy, mixed, drawings)
    assert "more than one set of software versions" not in report_html(toy, findings, drawings)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (1.23456, "1.235"),
        (-0.5, "−0.5"),
        (1.5e-7, "1.5 × 10<sup>−7</sup>"),
        (123456.0, "123,500"),
        (1234.5, "1,234"),
        (999.96, "1000"),
        (-2.5e7, "−2.5 × 10<sup>7</sup>"),
        (123456, "123,456"),
        (True, "yes"),
        (math.nan, "—"),
        (None, "—"),
        (-math.inf, "−∞"),
        ("a<b", "a&lt;b"),
    ],
)
def test_numbers_for_people(value, text):
    assert number(value) == text


def make_claim(**numbers):
    values = {"predicted": 1.0, "measured": 2.0, "low": 1.5, "high": 3.0, **numbers}
    return Claim(claim="c", source="s", verdict="undecided", why="w", **values)


def places(svg, kind, attribute):
    return float(re.search(rf'class="{kind}"[^>]* {attribute}="([-\d.]+)"', svg)[1])


def test_whisker_places_values_in_order():
    svg = whisker(make_claim())
    mark, low, dot, high = (
        places(svg, *where) for where in (("mark", "x1"), ("bar", "x1"), ("dot", "cx"), ("bar", "x2"))
    )
    assert mark < low < dot < high
    assert math.isclose((dot - mark) / (high - mark), 0.5, abs_tol=0.01)
    wide = whisker(make_claim(low=0.01, high=100.0, predicted=0.01, measured=1.0))
    assert math.isclose(places(wide, "dot", "cx"), 72.0, abs_tol=0.1)


def test_whisker_without_numbers():
    assert whisker(make_claim(measured=None)) == ""
    assert whisker(make_claim(measured=math.nan)) == ""
    open_above = whisker(make_claim(high=math.inf))
    assert places(open_above, "bar", "x2") == 144.0
    assert "mark" not in whisker(make_claim(predicted=math.nan))
    assert "nan" not in whisker(make_claim(low=math.nan))


def test_figures_of_one_page_share_no_identifier():
    head = '<?xml version="1.0"?><svg><metadata>http://x</metadata><style>*{}</style>'
    svg = head + '<g id="a"/><use href="#a"/></svg>'
    first = inline_figure(svg, "f1", 'a "label"')
    assert 'id="f1-a"' in first
    assert 'href="#f1-a"' in first
    assert "http" not in first
    assert "style" not in first
    assert 'aria-label="a &quot;label&quot;"' in first
