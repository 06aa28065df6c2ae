"""Tables for print: what is rounded to what, what the caption says, what is refused."""

from __future__ import annotations

import re
import sys
from html import unescape

import numpy as np
import pandas as pd
import pytest
from made_draws import made_fit
from models import model_of

import winstan as ws
from winstan.tables.columns import intervals_of
from winstan.tables.rounding import (
    decimals_of,
    decimals_of_probability,
    error_of_mean,
    error_of_quantile,
    error_of_sd,
)

pytest.importorskip("great_tables")


def tidy(**attrs) -> pd.DataFrame:
    table = pd.DataFrame(
        {
            "contrast": ["1 - 0", "2 - 0"],
            "groups": "population",
            "mean": [10.46729, -1234.5678],
            "sd": [1.54579, 300.0],
            "hdi_3%": [7.43219, -1800.0],
            "hdi_97%": [13.61234, -600.0],
            "p_direction": [1.0, 0.98765],
        }
    )
    table.attrs |= attrs
    return table


def cells(made) -> list[list[str]]:
    """The body of a table, as a reader sees it."""
    html = made.as_raw_html()
    body = html[html.index("<tbody") : html.index("</tbody>")]
    return [
        [unescape(re.sub("<[^>]+>", "", cell)) for cell in re.findall(r"<td.*?>(.*?)</td>", row)]
        for row in re.findall(r"<tr>(.*?)</tr>", body, re.DOTALL)
    ]


def heads(made) -> list[str]:
    html = made.as_raw_html()
    return [unescape(one) for one in re.findall(r'<th[^>]*scope="col"[^>]*>(.*?)</th>', html)]


def note(made) -> str:
    found = re.findall(r'class="gt_sourcenote"[^>]*>(.*?)</td>', made.as_raw_html())
    return unescape(re.sub("<[^>]+>", "", found[0]))


@pytest.mark.parametrize(
    ("error", "decimals"),
    [(0.02, 1), (0.01, 2), (0.1, 1), (0.11, 0), (1.0, 0), (1.2, -1), (17.0, -2), (3e-5, 4)],
)
def test_the_last_digit_is_worth_one_error(error, decimals):
    assert decimals_of(error) == decimals
    assert 10.0**-decimals >= error > 10.0 ** -(decimals + 1) / 1.0000001


@pytest.mark.parametrize("error", [0.0, np.nan, np.inf])
def test_numbers_without_an_error_have_no_digits_of_their_own(error):
    assert decimals_of(error) is None


@pytest.mark.slow
def test_the_errors_are_those_of_repeated_runs():
    rng = np.random.default_rng(1)
    n, sd = 2_000, 3.0
    runs = rng.normal(5, sd, (4_000, n))
    assert error_of_mean(sd, n) == pytest.approx(runs.mean(axis=1).std(), rel=0.05)
    assert error_of_sd(sd, n) == pytest.approx(runs.std(axis=1).std(), rel=0.05)
    ends = np.quantile(runs, 0.03, axis=1)
    assert error_of_quantile(0.03, sd, n) == pytest.approx(ends.std(), rel=0.05)


def test_probabilities_have_the_decimals_that_draws_tell():
    assert decimals_of_probability(0.5, 10_000) == 2  # the error is 0.005
    assert decimals_of_probability(1.0, 4_000) == 3  # one draw of 4,000
    assert decimals_of_probability(0.5, 4) == 1


def test_numbers_are_rounded_to_their_errors():
    made = ws.table(tidy(ess=4_000.0, estimand="in the population of mouse", groups="population"))
    # errors: 0.024, 0.017, 0.060; 4.7, 3.4, 11.5
    assert cells(made) == [
        ["1 - 0", "10.5", "1.5", "[7.4, 13.6]", "> 0.999"],
        ["2 - 0", "\N{MINUS SIGN}1,230", "300", "[\N{MINUS SIGN}1,800, \N{MINUS SIGN}600]", "0.99"],
    ]
    assert heads(made) == ["contrast", "mean", "sd", "94% HDI", "P(direction)"]
    assert note(made) == (
        "Contrasts of means in the population of mouse; posterior mean and sd, and 94% "
        "highest-density interval; rounded to the Monte Carlo error."
    )


def test_a_table_of_ones_own_has_three_digits_and_no_word_of_rounding():
    made = ws.table(tidy())
    assert cells(made)[0][2:5] == ["10.5", "1.55", "[7.43, 13.6]"]
    assert "Monte Carlo" not in note(made)


def test_p_values_that_are_tiny_have_a_power_of_ten():
    table = pd.DataFrame({"Coef.": [0.1291, 2.0], "P>|t|": [2.931e-9, 0.002088]}, index=["a", "b"])
    first, second = cells(ws.table(table))
    assert first[2].startswith("2.93 \N{MULTIPLICATION SIGN} 10")
    assert second[1:] == ["2.00", "0.00209"]


def test_each_row_of_a_summary_has_its_own_error():
    table = pd.DataFrame(
        {
            "mean": [1.23456, 1.23456],
            "sd": [1.0, 1.0],
            "eti_5%": [0.5, 0.5],
            "eti_95%": [2.0, 2.0],
            "ess_bulk": [100.0, 40_000.0],
            "ess_tail": [100.0, 40_000.0],
            "r_hat": [1.0123, 1.0],
            "mcse_mean": [0.1, 0.005],
        },
        index=["stim", "1|mouse_sigma"],
    )
    rows = cells(ws.table(table))
    assert [row[0] for row in rows] == ["stim", "1|mouse_sigma"]
    assert [row[1] for row in rows] == ["1.2", "1.23"]
    assert rows[1][4:7] == ["40,000", "40,000", "1.000"]
    assert "90% equal-tailed interval" in note(ws.table(table))


def test_labels_are_of_columns_and_of_entries():
    table = tidy(ess=4_000.0)
    before = table.copy()
    made = ws.table(
        table, labels={"mean": "difference", "1 - 0": "on - off"}, unit="Hz", title="Power"
    )
    assert heads(made)[2] == "difference"
    assert cells(made)[0][0] == "on - off"
    assert "in Hz" in note(made)
    pd.testing.assert_frame_equal(table, before)
    with pytest.raises(ws.OptionError, match=r"'1 - O', which is no column and no entry.*'1 - 0'"):
        ws.table(table, labels={"1 - O": "on"})
    with pytest.raises(ws.OptionError, match="labels must be a mapping"):
        ws.table(table, labels=["on"])
    levels = pd.DataFrame({"stim": [0, 1], "mean": [1.0, np.nan]})
    made = ws.table(levels, labels={"0": "off"})
    assert cells(made) == [["off", "1.00"], ["1", ""]]
    with pytest.raises(ws.OptionError, match="must be text"):
        ws.table(table, labels={"mean": 3})


def test_several_intervals_are_columns_of_their_own():
    table = tidy(ess=4_000.0).assign(**{"hdi_25%": 9.0, "hdi_75%": 11.0})
    assert [one.title for one in intervals_of(table)] == ["94% HDI", "50% HDI"]
    assert heads(ws.table(table))[-1] == "50% HDI"


def test_latex_has_the_numbers_and_no_bare_sign_of_its_own():
    table = tidy(ess=4_000.0, estimand="in the population of mouse_id")
    text = ws.table(table, labels={"1 - 0": "drug_a & b"}).as_latex()
    assert "10.5" in text
    assert r"94\% HDI" in text
    assert r"drug\_a \& b" in text
    assert r"mouse\_id" in text
    assert "\N{MINUS SIGN}" not in text


@pytest.mark.parametrize(
    ("data", "message"),
    [
        ({"mean": [1.0]}, "tidy table, a pandas data frame, not dict"),
        (pd.DataFrame({"mean": []}), "no rows"),
        (pd.DataFrame({"contrast": ["a"], "draw": [0], "value": [1.0]}), "1 draws in long form"),
        (pd.DataFrame([[1.0, 2.0]], columns=["a", "a"]), "several columns 'a'"),
    ],
)
def test_what_is_no_tidy_table_is_refused(data, message):
    with pytest.raises(ws.DataError, match=message):
        ws.table(data)


def test_without_great_tables_the_error_names_the_extra(monkeypatch):
    monkeypatch.setitem(sys.modules, "great_tables", None)
    with pytest.raises(ws.OptionError, match=r"pip install 'winstan\[tables\]'"):
        ws.table(tidy())


@pytest.mark.slow
def test_a_fit_gives_its_effects_its_parameters_and_tables_of_its_own():
    trials = ws.simulate_lfp(n_mice=6, n_trials=20, seed=1)
    fit = ws.fit("Power ~ stim + (1|mouse)", trials, family="gamma", seed=1, silence="all")
    assert "in a typical mouse" in note(fit.table())
    assert "Monte Carlo error" in note(ws.table(fit.contrast("stim")))
    names = [row[0] for row in cells(fit.table("parameters"))]
    assert names == ["Intercept", "stim", "1|mouse_sigma", "alpha"]
    by_mouse = fit.contrast("stim", by="mouse")
    assert len(cells(fit.table(by_mouse[by_mouse["mean"] > 0]))) == 6
    with pytest.raises(ws.OptionError, match="of must be 'effects' or 'parameters', not 'effect'"):
        fit.table("effect")
    with pytest.raises(ws.OptionError, match="the table that you give has its own"):
        fit.table(by_mouse, groups="these")


def test_effects_have_each_their_own_error(monkeypatch):
    """Of two, that of few effective draws has fewer decimals: not both those of the fewest."""
    rng = np.random.default_rng(5)
    data = pd.DataFrame(
        {"y": rng.normal(size=40), "x": rng.normal(size=40), "z": np.arange(40) % 2}
    )
    fit = made_fit(model_of("y ~ x + z", data, "gaussian"))
    posterior = fit.draws["posterior"]
    shape = posterior["x"].shape
    posterior["z"].to_numpy()[:] = 3 + rng.normal(size=shape)
    posterior["x"].to_numpy()[:] = 3 + np.repeat(rng.normal(size=(shape[0], shape[1] // 50)), 50, 1)
    seen = {}
    monkeypatch.setattr("winstan.tables.table", lambda rows, **_: seen.update(rows=rows))
    fit.table()
    ess = dict(zip(seen["rows"]["predictor"], seen["rows"].attrs["ess"], strict=True))
    assert ess["z"] > 0.5 * np.prod(shape)
    assert ess["x"] < 0.1 * np.prod(shape)


def test_a_table_is_saved_as_a_page_that_word_opens_and_never_as_a_document(tmp_path):
    rows = pd.DataFrame({"contrast": ["a - b"], "mean": [1.25]})
    made = ws.table(rows, file=tmp_path / "t.html")
    page = (tmp_path / "t.html").read_text(encoding="utf-8")
    assert page.lstrip().lower().startswith("<!doctype html>")
    assert "a - b" in page
    ws.table(rows, file=tmp_path / "t.tex")
    assert (tmp_path / "t.tex").read_text(encoding="utf-8") == made.as_latex()
    for name, message in {
        "t.docx": r"not saved as \.docx: file='.*t\.html' is a page that Word opens",
        "t.png": r"neither \.html.*nor \.tex.*gtsave",
        "none/t.html": "no folder",
    }.items():
        with pytest.raises(ws.OptionError, match=message):
            ws.table(rows, file=tmp_path / name)
    assert not (tmp_path / "t.docx").exists()
