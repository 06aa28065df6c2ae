"""The report of a fit in a real browser: on screens wide and narrow, light and dark, on paper."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from html import unescape
from pathlib import Path

import numpy as np
import pytest
from made_draws import made_fit
from matplotlib.image import imread
from models import model_of
from report_cases import data, fit_of

CHROMIUM = next(
    filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None
)
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(
        CHROMIUM is None, reason="no chromium on the PATH (Debian: apt-get install chromium)"
    ),
]


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    return tmp_path_factory.mktemp("report")


@pytest.fixture(scope="module")
def page(folder) -> Path:
    return fit_of().report(folder / "page.html", unit="Hz")


MEASURE = """
<script>
addEventListener("load", () => {
  const colours = {};
  for (const at of ["body", ".soft", ".verdict", "figcaption", ".verdict strong", "td", "pre"]) {
    const e = document.querySelector(at);
    if (!e) continue;
    let b = e;
    while (getComputedStyle(b).backgroundColor === "rgba(0, 0, 0, 0)" && b.parentElement)
      b = b.parentElement;
    colours[at] = [getComputedStyle(e).color, getComputedStyle(b).backgroundColor];
  }
  const found = {
    inner: innerWidth,
    scroll: document.documentElement.scrollWidth,
    client: document.documentElement.clientWidth,
    images: [...document.images].map(i =>
      [i.complete, i.naturalWidth, i.naturalHeight, i.getBoundingClientRect().right]),
    sections: [...document.querySelectorAll("section")].map(s =>
      [s.id, s.getBoundingClientRect().height]),
    requests: performance.getEntriesByType("resource").map(r => r.name.slice(0, 40)),
    alerts: [...document.querySelectorAll('[role="alert"]')].map(
      e => e.getBoundingClientRect().top),
    colours,
  };
  const out = document.createElement("output");
  out.id = "measured";
  out.textContent = JSON.stringify(found);
  document.body.append(out);
});
</script>
"""


def chromium(page: Path, tmp_path: Path, *options: str) -> str:
    """Open a page, and return what the browser prints."""
    command = [
        str(CHROMIUM),
        *("--headless", "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-sync"),
        *("--disable-background-networking", "--disable-component-update"),
        f"--user-data-dir={tmp_path / 'profile'}",
        *options,
        page.as_uri(),
    ]
    ran = subprocess.run(command, capture_output=True, text=True, check=False, timeout=120)
    assert ran.returncode == 0, ran.stderr[-500:]
    return ran.stdout


def measured(page: Path, tmp_path: Path, *options: str) -> dict:
    """What the browser makes of a page: the same page, with a script that measures it."""
    copy = tmp_path / "measured.html"
    html = page.read_text(encoding="utf-8")
    copy.write_text(html.replace("</body>", MEASURE + "</body>"), encoding="utf-8")
    dom = chromium(copy, tmp_path, "--dump-dom", *options)
    return json.loads(unescape(re.search(r'<output id="measured">(.*?)</output>', dom)[1]))


def contrast(one: str, other: str) -> float:
    """The ratio of luminances of two colours, by WCAG 2's definition."""

    def luminance(colour: str) -> float:
        rgb = np.array([int(x) for x in re.findall(r"\d+", colour)[:3]]) / 255
        linear = np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)
        return float(linear @ [0.2126, 0.7152, 0.0722])

    dark, light = sorted(map(luminance, (one, other)))
    return (light + 0.05) / (dark + 0.05)


@pytest.mark.parametrize("width", [800, 1200])
def test_a_browser_shows_the_whole_page(width, page, tmp_path):
    found = measured(page, tmp_path, f"--window-size={width},900")
    assert abs(found["inner"] - width) <= 20
    assert found["scroll"] <= found["client"]
    assert len(found["images"]) == page.read_text(encoding="utf-8").count("<img ")
    images = np.array(found["images"], dtype=float)  # complete, natural width, height, right edge
    assert (images[:, :3] >= [1, 300, 100]).all()
    assert (images[:, 3] <= width).all()
    assert {key for key, _ in found["sections"]} >= {"model", "results", "methods"}
    assert all(height > 40 for _, height in found["sections"])
    assert all(name.startswith("data:") for name in found["requests"])


@pytest.mark.parametrize("scheme", ["dark", "light"])
def test_text_can_be_read_in_dark_and_in_light(scheme, folder, tmp_path):
    bad = fit_of(formula="Power ~ 1", divergent=3).report(folder / "alert.html")
    setting = f"--blink-settings=preferredColorScheme={0 if scheme == 'dark' else 1}"
    found = measured(bad, tmp_path, "--window-size=800,900", setting)
    assert len(found["colours"]) == 7
    for at, (text, back) in found["colours"].items():
        assert contrast(text, back) >= 4.5, (at, text, back)  # WCAG 2, level AA
    shade = [int(x) for x in re.findall(r"\d+", found["colours"]["body"][1])[:3]]
    assert (max(shade) < 80) is (scheme == "dark")
    assert len(found["alerts"]) == 1
    assert 0 < found["alerts"][0] < 300  # seen without scrolling


def test_wide_models_do_not_overflow(tmp_path):
    rng = np.random.default_rng(3)
    names = [f"a_predictor_with_a_rather_long_name_{i:02}" for i in range(12)]
    wide = data().assign(**{name: rng.normal(size=48) for name in names})
    fit = made_fit(model_of(f"Power ~ {' + '.join(names)}", wide, "gaussian"), draws=50)
    found = measured(fit.report(tmp_path / "wide.html"), tmp_path, "--window-size=800,900")
    assert found["scroll"] <= found["client"]


def test_the_page_prints_with_its_figures(page, tmp_path):
    pdf = tmp_path / "page.pdf"
    chromium(page, tmp_path, f"--print-to-pdf={pdf}", "--no-pdf-header-footer")
    content = pdf.read_bytes()
    assert content.startswith(b"%PDF")
    pages = len(re.findall(rb"/Type\s*/Page\b", content))
    assert 3 <= pages <= 12
    figures = page.read_text(encoding="utf-8").count("<img ")
    assert len(re.findall(rb"/Subtype\s*/Image\b", content)) >= figures


def test_a_screenshot_is_no_blank_page(page, tmp_path):
    file = tmp_path / "shot.png"
    chromium(page, tmp_path, f"--screenshot={file}", "--window-size=1200,2000", "--hide-scrollbars")
    shot = imread(file)
    assert shot.shape[:2] == (2000, 1200)
    ink = (shot[..., :3].min(axis=2) < 0.5).mean(axis=1)
    assert (ink > 0).reshape(20, 100).any(axis=1).all()  # something in every twentieth of it
