"""New rows: levels by number or text, factors set one by one, and values beyond the data."""

from __future__ import annotations

import numpy as np
import pandas as pd
import polars as pl
import pytest
from effects_cases import DATA, made
from made_draws import made_fit
from test_predict import draws_by_row

from winstan import effects
from winstan.errors import DataError, DesignWarning

NUMBERED = DATA.assign(
    subject=(DATA["mouse"].str[1:].astype(int) + 308).astype(str),
    cage=np.arange(len(DATA)) % 7 + 308,
    dose=(np.arange(len(DATA)) % 3).astype(str),
)


@pytest.mark.parametrize("groups", ["these", "new"])
@pytest.mark.parametrize("library", [pd.DataFrame, pl.DataFrame, dict])
def test_numbers_stand_for_levels_of_text_and_text_for_numbers(groups, library):
    model, p = made("y ~ x + C(dose) + (x|subject) + (1|cage)", "gaussian", data=NUMBERED)
    exact = {"x": [3.0, 4.0], "dose": ["2", "1"], "subject": ["310", "308"], "cage": [310, 309]}
    expected = draws_by_row(model, p, exact)
    for other in (
        {"subject": [310, 308]},
        {"subject": [310.0, 308.0]},
        {"dose": [2, 1]},
        {"cage": ["310", "309"]},
        {"subject": [310, 308], "dose": [2, 1], "cage": ["310", "309"]},
    ):
        given = library(exact | other)
        got = draws_by_row(model, p, given, groups=groups)
        np.testing.assert_array_equal(got, expected)
        assert list(getattr(given, "columns", given)) == list(exact)
        assert list(given["subject"]) == (exact | other)["subject"]  # the user's own are kept


def test_numbers_that_are_no_level_are_new_beside_those_that_are():
    model, p = made("y ~ x + (1|subject) + (1|cage)", "gaussian", data=NUMBERED)
    new = {"x": [3.0, 3.0], "subject": [310, 999], "cage": ["310", "lab"]}
    with pytest.raises(DataError, match=r"1 row .* 1 level of 'subject' .*: '999'\. groups='new'"):
        effects.predict(model, p, new)
    with pytest.raises(DataError, match=r"1 row .* 1 level of 'cage' .*: 'lab'"):
        effects.predict(model, p, new | {"subject": [310, 310]})
    known = draws_by_row(model, p, {"x": [3.0], "subject": ["310"], "cage": [310]})
    got = draws_by_row(model, p, new, groups="new")
    np.testing.assert_array_equal(got[:, 0], known[:, 0])
    assert np.std(got[:, 1] - p["Intercept"] - 3 * p["x"]) > 0


@pytest.mark.filterwarnings("ignore::winstan.errors.DesignWarning")
def test_each_factor_has_its_own_setting():
    model, p = made("y ~ x + (1|mouse) + (1|sex)", "gaussian")
    new = pd.DataFrame({"x": [3.0, 4.0], "mouse": ["m1", "q"], "sex": ["f", "m"]})
    fixed = p["Intercept"][:, None] + p["x"][:, None] * new["x"].to_numpy()
    got = draws_by_row(model, p, new.drop(columns="mouse"), groups={"mouse": "typical"})
    np.testing.assert_allclose(got, fixed + p["1|sex"], rtol=1e-12)
    got = draws_by_row(model, p, new.drop(columns="sex"), groups={"mouse": "new", "sex": "typical"})
    np.testing.assert_allclose(got[:, 0], fixed[:, 0] + p["1|mouse"][:, 1], rtol=1e-12)
    u = got[:, 1] - fixed[:, 1]
    assert np.std(u / p["1|mouse_sigma"]) == pytest.approx(1, abs=0.5)
    with pytest.raises(DataError, match="1 level of 'mouse'"):
        effects.predict(model, p, new, groups={"mouse": "these", "sex": "new"})
    with pytest.raises(DataError, match="1 level of 'mouse'"):
        effects.predict(model, p, new, groups={"sex": "new"})
    for one in ("new", "typical"):
        each = draws_by_row(model, p, new, groups=dict.fromkeys(("mouse", "sex"), one), seed=5)
        np.testing.assert_array_equal(each, draws_by_row(model, p, new, groups=one, seed=5))
    rows = draws_by_row(model, p, groups={"mouse": "typical"})
    sexes = [["f", "m"].index(s) for s in DATA["sex"]]
    fixed = p["Intercept"][:, None] + p["x"][:, None] * DATA["x"].to_numpy()
    np.testing.assert_allclose(rows, fixed + p["1|sex"][:, sexes], rtol=1e-10)


def test_rows_beyond_the_data_are_warned_of():
    model, _ = made("y ~ x + stim + (1|mouse)", "gaussian")
    fit = made_fit(model, draws=20)
    low, high = DATA["x"].min(), DATA["x"].max()
    room = 0.1 * (high - low)
    inside = {"x": [low - 0.99 * room, high + 0.99 * room], "stim": [0, 1]}
    fit.predict(inside, groups="typical")
    far = {"x": [low - 1.01 * room, 5.0, high + 1.01 * room], "stim": [0, 1, 1]}
    with pytest.warns(DesignWarning, match=r"2 rows of the new data have 'x' beyond") as caught:
        fit.predict(far, groups="typical")
    assert [w.message.guard for w in caught] == ["extrapolation"]
    assert caught[0].filename == __file__
    fit.predict(far, groups="typical", silence="extrapolation")
    with pytest.warns(DesignWarning, match=r"1 row of the new data has 'stim' .*0 to 1 \(at 2\)"):
        fit.predict({"x": [5.0], "stim": [2]}, groups="population")


def test_each_row_says_whether_its_group_is_new():
    model, p = made("y ~ x + (1|mouse)", "gaussian")
    both = pd.DataFrame({"x": [3.0, 3.0], "mouse": ["m1", "zz"]})
    table = effects.prediction_table(
        effects.predict(model, p, both, groups="new"), prob=0.9, interval="hdi"
    )
    assert table["groups"].tolist() == ["these", "new"]
    alone = effects.prediction_table(
        effects.predict(model, p, both[:1], groups="new"), prob=0.9, interval="hdi"
    )
    pd.testing.assert_frame_equal(table[:1], alone)
    assert "new" in table.attrs["estimand"]
    assert "mouse" in table.attrs["estimand"]
    none = effects.prediction_table(
        effects.predict(model, p, both[:0], groups="new"), prob=0.9, interval="hdi"
    )
    assert len(none) == 0
    assert list(none) == list(table)
