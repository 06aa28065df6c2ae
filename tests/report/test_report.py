"""The report of a fit: one page that needs nothing beside itself, with the fit's own numbers."""

from __future__ import annotations

import re
from html import unescape
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest
from made_draws import made_fit
from models import model_of
from report_cases import NASTY, data, fit_of

import winstan as ws
from winstan.report.methods import methods_text, papers_of
from winstan.report.tables import ROWS


class Page(HTMLParser):
    """What a page holds: its text, and what its elements refer to."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.links: list[str] = []
        self.ids: set[str] = set()
        self.texts: list[str] = []
        self.feed(html)
        self.text = " ".join(" ".join(self.texts).split())

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        for name, value in attrs:
            assert not name.startswith("on"), name
            if name in ("src", "href", "srcset", "data", "action"):
                self.links.append(value)
            elif name == "id":
                self.ids.add(value)

    def handle_data(self, text):
        self.texts.append(text)


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    return tmp_path_factory.mktemp("report")


@pytest.fixture(scope="module")
def page(folder) -> Path:
    return fit_of().report(folder / "page.html", unit="Hz")


def paragraph(html: str) -> str:
    return unescape(re.search(r'<p id="paragraph">(.*?)</p>', html, re.DOTALL)[1])


@pytest.mark.slow
def test_the_page_needs_nothing_beside_itself(page):
    html = page.read_text(encoding="utf-8")
    seen = Page(html)
    assert not {"script", "link", "iframe", "object", "embed", "base"} & set(seen.tags)
    assert "@import" not in html
    assert "url(" not in html
    assert not re.search(r"https?://", html)
    for link in seen.links:
        assert link.startswith("data:image/png;base64,") or link[1:] in seen.ids, link[:60]
    assert seen.tags.count("img") >= 5
    assert len(html) < 3_000_000


def test_what_users_name_is_text_and_never_markup(page):
    html = page.read_text(encoding="utf-8")
    seen = Page(html)
    assert "<script" not in html
    assert f"Power ~ `{NASTY}` + (1|mouse)" in seen.text
    assert "m0<1>, m1<1>" in seen.text


def test_the_sections_hold_the_tables_of_the_fit(page):
    fit = fit_of()
    seen = Page(page.read_text(encoding="utf-8"))
    for section in ("model", "data", "results", "checks", "parameters", "priors", "methods"):
        assert section in seen.ids
    assert fit.verdict in seen.text
    for name in fit.summary().index:
        assert str(name) in seen.text
    for name, prior in fit.priors.table.items():
        assert f"{name} {prior}" in seen.text
    rows = data()
    y = rows["Power"]
    numbers = f"mean {y.mean():.4g}, sd {y.std():.4g}, from {y.min():.4g} to {y.max():.4g}"
    assert f"{len(rows)} rows, {numbers}" in seen.text
    assert "0 (24), 1 (24)" in seen.text
    assert "6 levels" in seen.text
    assert "8 rows each" in seen.text
    effect = fit.contrast(NASTY)["mean"].iloc[0]
    cell = re.search(rf"{re.escape(NASTY)} 1 - 0 \(typical\) (-?[\d.]+) ", seen.text)[1]
    assert float(cell) == pytest.approx(effect, rel=0.01)


def test_the_methods_paragraph_has_the_numbers_of_the_fit(page):
    fit = fit_of()
    text = paragraph(page.read_text(encoding="utf-8"))
    assert text == methods_text(fit, prob=0.94)
    d = fit.diagnostics
    for said in (
        f"`{NASTY}` + (1|mouse)",
        "generalised linear mixed model: a gamma distribution, the mean through the log link",
        "48 rows",
        "12 cells",
        "intercepts by mouse (6 levels)",
        "shape (alpha)",
        "alpha ~ InverseGamma(0.4, 0.3)",
        "1|mouse_sigma ~ Exponential(1)",
        "Stan 2.39.0",
        f"winstan {ws.__version__}",
        "4 chains of 750 warm-up and 400 kept draws, target acceptance rate 0.95, seed 17",
        f"at most {d.max_r_hat:.3f}",
        f"at least {d.min_ess_bulk:,.0f} in the bulk and {d.min_ess_tail:,.0f} in the tails",
        "0 of 1,600 transitions diverged",
        f"at least {d.min_e_bfmi:.2f}",
        "94% highest-density intervals",
    ):
        assert said in text, said
    prior = float(re.search(r"Intercept ~ Normal\(([\d.]+), 2\.5\)", text)[1])
    assert prior == pytest.approx(np.log(data()["Power"].mean()), abs=1e-3)
    cited = " ".join(papers_of(fit))
    for name, year in re.findall(r"([A-Z]\w+)(?: and \w+| et al\.)? (\d{4})\b", text):
        assert re.search(rf"{name}\b[^(]*\({year}\)", cited), (name, year)


def test_what_is_not_known_of_the_draws_is_not_said():
    fit = made_fit(model_of("Power ~ depth", data(), "gaussian"))
    text = methods_text(fit, prob=0.5)
    assert "4 chains of 400 kept draws, " not in text
    assert "4 chains of 400 kept draws." in text
    assert "warm-up" not in text
    assert "seed" not in text
    assert "linear regression: a normal distribution" in text
    assert "Group-level" not in text
    assert "50% highest-density intervals" in text


def test_priors_of_the_authors_are_told_from_defaults():
    model = model_of(
        "Power ~ depth + (depth|mouse)",
        data(),
        "gaussian",
        priors={"depth": ws.Normal(1, 3), "corr": ws.LKJ(2)},
    )
    fit = made_fit(model)
    text = methods_text(fit, prob=0.94)
    assert "except those of depth, mouse_corr, chosen by the authors" in text
    assert "depth ~ Normal(1, 3)" in text
    assert "mouse_corr ~ LKJ(2)" in text
    assert "intercepts and effects of depth by mouse (6 levels, correlated)" in text


@pytest.mark.slow
def test_a_fit_that_has_not_converged_says_so_first_and_in_the_paragraph(folder):
    fit = fit_of(formula="Power ~ 1", divergent=3)
    html = fit.report(folder / "bad.html").read_text(encoding="utf-8")
    seen = Page(html)
    warning = "Do not use these results: the sampler has not converged."
    assert seen.text.index(warning) < seen.text.index("Model Data Results")
    assert "3 of 1600 draws diverged" in seen.text
    assert "3 of 1,600 transitions diverged" in paragraph(html)
    assert "THE SAMPLER HAS NOT CONVERGED" in paragraph(html)
    assert "NOT CONVERGED" not in methods_text(fit_of(), prob=0.94)


@pytest.mark.slow
def test_families_without_groups_and_without_predictors(folder):
    for formula, family in (("count ~ depth", "poisson"), ("count ~ 1", "negative_binomial")):
        fit = fit_of(formula=formula, family=family)
        seen = Page(fit.report(folder / f"{family}.html").read_text(encoding="utf-8"))
        assert "levels" not in seen.text.split("Checks")[0].split("Results")[0]
        assert ("depth slope" in seen.text) is (family == "poisson")
        assert "Not drawn:" not in seen.text


@pytest.mark.slow
def test_long_tables_are_cut_and_say_so(folder):
    rng = np.random.default_rng(3)
    wide = data(40).assign(**{f"x{i:02}": rng.normal(size=320) for i in range(70)})
    names = " + ".join(f"x{i:02}" for i in range(70))
    fit = made_fit(model_of(f"Power ~ {names} + (1|mouse)", wide, "gaussian"), draws=50)
    seen = Page(fit.report(folder / "wide.html").read_text(encoding="utf-8"))
    n_priors = len(fit.priors.table)
    assert n_priors == 73
    assert f"{n_priors - ROWS} more rows are not shown. fit.priors has all." in seen.text
    assert f"{70 - ROWS} more rows are not shown. fit.effects() has all." in seen.text
    assert "40 group effects are not shown; fit.summary() has them all." in seen.text
    assert "and 61 more, in the table of priors" in seen.text
    assert "Not drawn: 66 more predictors (x04" in seen.text
    assert "40 levels (m0<1>, m10<1>, " in seen.text
    assert seen.tags.count("tr") < 5 * ROWS


@pytest.mark.parametrize(
    ("path", "message"),
    [
        ("report.pdf", "does not end in .html: write"),
        ("report", "does not end in .html"),
        ("nowhere/report.html", "There is no folder"),
        ("", "must be the name of a file"),
        (None, "must be the name of a file"),
        (3, "must be the name of a file"),
        (".", "is a folder"),
    ],
)
def test_wrong_paths_are_refused(path, message, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ws.OptionError, match=message):
        fit_of().report(path)
    assert not list(tmp_path.iterdir())


def test_wrong_options_are_refused(tmp_path):
    fit = fit_of()
    for options in ({"title": 3}, {"unit": 3}, {"prob": 1.5}):
        with pytest.raises(ws.OptionError, match=next(iter(options))):
            fit.report(tmp_path / "x.html", **options)
    assert not list(tmp_path.iterdir())


@pytest.mark.slow
def test_a_page_is_replaced_and_titled(tmp_path):
    file = tmp_path / "x.HTM"
    file.write_text("old", encoding="utf-8")
    assert fit_of(formula="Power ~ 1").report(str(file), title="Mice <&>") == file
    html = file.read_text(encoding="utf-8")
    assert "<h1>Mice &lt;&amp;&gt;</h1>" in html
    assert "<title>Mice &lt;&amp;&gt;</title>" in html


@pytest.mark.slow
def test_random_slopes_have_the_population_beside_these_groups(folder):
    fit = fit_of(formula="Power ~ depth + (depth|mouse)", family="gaussian")
    page = fit.report(folder / "slopes.html").read_text(encoding="utf-8")
    assert "depth slope (these)" in page
    assert "(population): in the population of mouse; (these): averaged over these" in page
    assert "over the population that the groups come from" in methods_text(fit, prob=0.94)
    row = re.search(r"depth slope \(population\)</th>\s*<td>([^<]*)</td>", page)
    assert row is not None
    mean = float(fit.draws["posterior"]["depth"].mean())
    assert float(row[1]) == pytest.approx(mean, abs=0.51 * 10 ** -len(row[1].partition(".")[2]))


@pytest.mark.filterwarnings("ignore::winstan.errors.DesignWarning")
@pytest.mark.slow
def test_rows_that_are_left_out_are_counted(tmp_path):
    """On the page, in the methods paragraph and in the fit's own heading."""
    frame = data().assign(n=1, depth=lambda d: d["depth"].where(d.index >= 3))
    frame.loc[[2, 7], "Power"] = np.nan  # row 2 lacks both
    frame.loc[[10, 11], "n"] = 0
    formula = "Power ~ depth + (1|mouse)"
    fit = made_fit(model_of(formula, frame, "gamma", weights="n"))
    said = (
        "Of 48 rows these were left out: 4 with missing values, in Power (2), depth (3); "
        "2 of weight zero."
    )
    page = fit.report(tmp_path / "fit.html").read_text()
    assert page.count(said) == 2
    assert said in methods_text(fit, prob=0.94)
    assert "42 of 48 rows in 42 cells" in repr(fit)
    whole = made_fit(model_of(formula, data(), "gamma"))
    assert "left out" not in methods_text(whole, prob=0.94)
    assert "\n48 rows in 48 cells" in repr(whole)


@pytest.mark.slow
def test_log_odds_of_all_categories_are_there(folder):
    """The first category's parameter is not the mean response, and has its table as the others."""
    reference = "fair"
    words = np.array(["dull", "fair", "good"])
    frame = data().assign(rating=words[np.arange(48) * 5 // 7 % 3])
    model = model_of("rating ~ depth + (1|mouse)", frame, ws.categorical(reference))
    fit = made_fit(model)
    page = fit.report(folder / "categories.html").read_text(encoding="utf-8")
    for label in words:
        caption = f"Differences of mu{label}, the log odds of {label} against {reference}"
        assert (caption in page) == (label != reference)
        if label != reference:
            row = re.search(r"depth slope</th>\s*<td>([^<]*)</td>", page.partition(caption)[2])
            assert row is not None
            mean = float(fit.draws["posterior"][f"mu{label}_depth"].mean())
            digits = len(row[1].partition(".")[2])
            assert float(row[1]) == pytest.approx(mean, abs=0.51 * 10**-digits)
