"""What a fit shows of itself: the verdict before the table, rounded numbers, escaped names."""

from __future__ import annotations

import re
from html.parser import HTMLParser

import numpy as np
import pandas as pd
import pytest
from made_draws import made_fit
from models import model_of

from winstan.fitted.reprs import round_table


def data(n_mice: int = 6, rows: int = 8) -> pd.DataFrame:
    rng = np.random.default_rng(1)
    n = n_mice * rows
    return pd.DataFrame(
        {
            "mouse": np.repeat([f"m{i}<1>" for i in range(n_mice)], rows),
            "a<b": np.tile([0, 1], n // 2),
            "Power": rng.gamma(3.0, 40.0, n),
        }
    )


def fit_of(n_mice: int = 6, formula: str = "Power ~ `a<b` + (1|mouse)", **options):
    return made_fit(model_of(formula, data(n_mice), "gamma"), **options)


def test_text_has_the_verdict_before_the_table():
    fit = fit_of()
    text = repr(fit)
    assert text == str(fit)
    assert fit.diagnostics.ok
    assert text.index("Converged: 4 chains of 400 draws") < text.index("hdi_3%")
    assert text.startswith(
        "Power ~ `a<b` + (1|mouse)  [gamma, log link, stan]\n48 rows in 12 cells"
    )
    assert "mouse: 6 levels" in text
    assert "94% highest-density intervals" in text
    for name in fit.summary().index:
        assert f"\n{name} " in text


def test_a_bad_verdict_is_shown_too():
    fit = fit_of(divergent=3)
    assert "Not converged: 3 of 1600 draws diverged" in repr(fit)
    html = fit._repr_html_()
    assert "Not converged: 3 of 1600 draws diverged" in html
    colour = re.compile("border-left: 4px solid (#[0-9A-F]+)")
    assert colour.search(html)[1] != colour.search(fit_of()._repr_html_())[1]


def test_numbers_are_rounded_to_what_they_are_known_to():
    fit = fit_of()
    line = next(x for x in repr(fit).splitlines() if x.startswith("alpha "))
    shown, row = line.split()[1:], fit.summary().loc["alpha"]
    assert [len(x.split(".")[1]) for x in shown[:4]] == [len(shown[1].split(".")[1])] * 4
    for text, column in zip(shown[:4], ["mean", "sd", "hdi_3%", "hdi_97%"], strict=True):
        assert float(text) == pytest.approx(row[column], abs=row["sd"] / 100)
    assert shown[4] == str(round(row["ess_bulk"]))
    assert re.fullmatch(r"\d\.\d{3}", shown[6])


@pytest.mark.parametrize(
    ("mean", "sd", "expected"),
    [
        (251.4051, 6.8246, ["251.41", "6.82"]),
        (-0.006553, 0.0866, ["-0.0066", "0.0866"]),
        (1440.27, 310.2, ["1440", "310"]),
        (123456.0, 2040.0, ["123456", "2040"]),
        (9.5214e-07, 3.531e-07, ["9.52e-07", "3.53e-07"]),
        (4.0e9, 1.23e8, ["4.000e+09", "1.23e+08"]),
        (0.0, 2.0, ["0.00", "2.00"]),
        (2.0, 0.0, ["2", "0"]),
        (np.nan, np.nan, ["nan", "nan"]),
    ],
)
def test_rounding(mean, sd, expected):
    table = pd.DataFrame({"mean": [mean], "sd": [sd], "ess_bulk": [1234.5678], "r_hat": [1.00049]})
    assert round_table(table).iloc[0].tolist() == [*expected, "1235", "1.000"]


def test_many_group_effects_are_left_to_the_summary():
    few, many = fit_of(12), fit_of(13)
    assert "1|mouse[m11<1>]" in repr(few)
    assert "not shown" not in repr(few)
    for text in (repr(many), many._repr_html_()):
        assert "1|mouse[" not in text
        assert "13 group effects are not shown; .summary() has them all." in text
        assert "1|mouse_sigma" in text
    assert sum("1|mouse[" in name for name in many.summary().index) == 13


class Cells(HTMLParser):
    """The text of each row's cells, and any tag that is not HTML."""

    def __init__(self):
        super().__init__()
        self.rows: list[list[str]] = []
        self.tags: set[str] = set()

    def handle_starttag(self, tag, attrs):
        self.tags.add(tag)
        if tag == "tr":
            self.rows.append([])
        elif tag in ("th", "td"):
            self.rows[-1].append("")

    def handle_data(self, data):
        if self.rows and self.rows[-1] and data.strip():
            self.rows[-1][-1] += data


def test_html_is_the_same_table_with_names_escaped():
    fit = fit_of()
    html = fit._repr_html_()
    assert html.index("Converged") < html.index("<table")
    assert "<b>Power ~ `a&lt;b` + (1|mouse)" in html
    parser = Cells()
    parser.feed(html[: html.index("</table>")])
    assert parser.tags == {"div", "b", "br", "table", "thead", "tbody", "tr", "th", "td"}
    header, *rows = parser.rows
    assert header[1:] == list(fit.summary().columns)
    assert [row[0] for row in rows] == list(fit.summary().index)
    assert "a<b" in [row[0] for row in rows]
    lines = repr(fit).splitlines()
    for name, *cells in rows:
        assert next(x for x in lines if x.startswith(f"{name} ")).split()[1:] == cells
