"""The report in a real browser: nothing overflows on a phone, a desktop shows it, paper gets all of it."""

from __future__ import annotations

import json
import re
import shutil
import subprocess

import numpy as np
import pytest

from simdyn.study import run_study

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="needs Chromium")

FLAGS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-dev-shm-usage",
    "--hide-scrollbars",
]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("chromium")


@pytest.fixture
def page(toy, folder):
    if not (folder / "study" / "report.html").exists():
        run_study(toy, folder / "study", size="quick", seed=5)
    return folder / "study" / "report.html"


def chromium(tmp_path, *words):
    done = subprocess.run(
        [CHROMIUM, *FLAGS, f"--user-data-dir={tmp_path / 'profile'}", *words],
        capture_output=True,
        timeout=600,
        check=True,
    )
    return done.stdout.decode()


MEASURE = """<script>
addEventListener("load", () => {
  const frame = document.querySelector("iframe"), page = frame.contentDocument;
  const wide = [...page.querySelectorAll("main, h1, p, .claims td, figure, pre, .facts")]
    .filter(e => e.getBoundingClientRect().right > frame.clientWidth + 1).map(e => e.tagName);
  const drawing = page.querySelector(".drawing svg").getBoundingClientRect();
  const before = drawing.width;
  // No frames are asked for: a busy machine may draw none before it is told to stop.
  frame.contentWindow.addEventListener("hashchange", () => {
    const after = page.querySelector(".drawing svg").getBoundingClientRect().width;
    document.body.dataset.found = JSON.stringify({scroll: page.documentElement.scrollWidth,
      client: frame.clientWidth, wide: wide, before: before, after: after,
      close: getComputedStyle(page.querySelector(".unzoom")).display});
  });
  frame.contentWindow.location.hash = page.querySelector(".zoom").getAttribute("href");
});
</script>"""


@pytest.mark.parametrize("width", [360, 1280])
def test_nothing_overflows_and_figures_can_be_enlarged(page, tmp_path, width):
    # The width of a headless window has a lower limit, that of a frame has none.
    outer = tmp_path / "outer.html"
    outer.write_text(
        f'<!DOCTYPE html><body><iframe src="{page.as_uri()}" width="{width}" height="800" frameborder="0">'
        f"</iframe>{MEASURE}</body>"
    )
    dom = chromium(
        tmp_path,
        "--allow-file-access-from-files",
        "--virtual-time-budget=5000",
        "--window-size=1400,900",
        "--dump-dom",
        outer.as_uri(),
    )
    found = re.search(r'data-found="([^"]*)"', dom)
    assert found, dom[-500:]
    numbers = json.loads(found[1].replace("&quot;", '"'))
    assert numbers["client"] == width
    assert numbers["scroll"] <= width
    assert numbers["wide"] == []
    assert 0.7 * min(width, 992) < numbers["before"] <= width
    assert numbers["after"] > 2 * numbers["before"]
    assert numbers["close"] == "block"


def test_the_page_is_drawn(page, tmp_path):
    from matplotlib.image import imread

    shot = tmp_path / "shot.png"
    chromium(tmp_path, "--window-size=1280,2400", f"--screenshot={shot}", page.as_uri())
    picture = imread(shot)
    assert picture.shape[:2] == (2400, 1280)
    assert len(np.unique(picture[..., :3].reshape(-1, 3), axis=0)) > 100  # colours: not a blank page


def test_the_page_prints(page, tmp_path):
    target = tmp_path / "report.pdf"
    chromium(tmp_path, f"--print-to-pdf={target}", "--no-pdf-header-footer", page.as_uri())
    content = target.read_bytes()
    assert content.startswith(b"%PDF")
    assert 1 <= len(re.findall(rb"/Type\s*/Page\b", content)) <= 8
