"""`ws.side_by_side` takes answers to one question of one data set, and refuses the others."""

from __future__ import annotations

import pandas as pd
import pytest
from side_by_side_cases import FORMULA, data, fit_of, rows_of

import winstan as ws

pytestmark = pytest.mark.filterwarnings("ignore::winstan.errors.DesignWarning")


def results_of(kind: str, frame: pd.DataFrame, left: str = "Power"):
    if kind == "fit":
        return fit_of(f"{left} ~ stim + (1|mouse)", frame=frame)
    if kind == "lme":
        return ws.lme(f"{left} ~ stim + (1|mouse)", frame)
    if kind == "rows":
        return ws.anova(f"{left} ~ stim + mouse", frame)
    return ws.anova(f"{left} ~ stim", frame, group="mouse")


KINDS = [
    ("fit", "lme"),
    ("lme", "paired"),
    ("paired", "fit"),
    ("fit", "rows"),
    ("paired", "paired"),
]


@pytest.mark.parametrize(("one", "other"), KINDS)
def test_other_data_of_the_same_size_are_refused(one, other):
    frame = data()
    first = results_of(one, frame)
    swapped = frame["stim"].cat.rename_categories({"off": "on", "on": "off"})
    mice = frame["mouse"].replace({"m0": "m1", "m1": "m0"})
    touched = frame["Power"].where(frame.index != 33, frame["Power"] * 1.001)
    cases = [
        (data(seed=1), "Power"),
        (frame.assign(stim=swapped), "stim|Power"),
        (frame.assign(mouse=mice), "mouse|Power"),
        (frame.assign(mouse=frame["mouse"] + "b"), "the values of 'mouse'"),
        (frame.assign(Power=touched), "the values of the response 'Power'"),
    ]
    for changed, words in cases:
        second = results_of(other, changed)
        with pytest.raises(ws.OptionError, match="are of different data") as raised:
            ws.side_by_side(first, second, group="mouse")
        told = str(raised.value)
        assert told.startswith("Result 1, the ")
        assert "and result 2, the " in told
        assert any(word in told for word in words.split("|"))


@pytest.mark.parametrize("left", ["log(Power)", "np.log10(Power)", "`Log power`"])
@pytest.mark.parametrize("other", ["lme", "paired"])
def test_logarithms_of_other_data_are_refused(left, other):
    frame = data()
    fit = fit_of(family="gamma")
    ws.side_by_side(fit, results_of(other, frame, left))
    mice = frame["mouse"].replace({"m0": "m1", "m1": "m0"})
    with pytest.raises(ws.OptionError, match="are of different data"):
        ws.side_by_side(fit, results_of(other, frame.assign(mouse=mice), left))


@pytest.mark.parametrize(("one", "other"), KINDS)
def test_the_same_data_in_another_order_and_another_type_are_the_same(one, other):
    frame = data(("0", "1"))
    shuffled = frame.sample(frac=1, random_state=3).reset_index(drop=True)
    shuffled["mouse"] = pd.Categorical(shuffled["mouse"], [f"m{i}" for i in range(6, -1, -1)])
    if other != "paired":
        shuffled["stim"] = shuffled["stim"].astype(int)
    ws.side_by_side(results_of(one, frame), results_of(other, shuffled), values=[0, 1])


def test_a_recoded_number_is_refused():
    """1 - stim turns the effect's sign, and no name or size tells."""
    frame = data().assign(stim=lambda t: (t["stim"] == "on").astype(float))
    turned = frame.assign(stim=1 - frame["stim"])
    with pytest.raises(ws.OptionError, match="at other values of 'stim'"):
        ws.side_by_side(ws.lme(FORMULA, frame), ws.lme(FORMULA, turned))
    with pytest.raises(ws.OptionError, match="are of different data"):
        ws.side_by_side(ws.lme(FORMULA, frame), ws.anova("Power ~ stim", turned, group="mouse"))
    tenfold = frame.assign(stim=10 * frame["stim"])
    with pytest.raises(ws.OptionError, match="differ in the values of 'stim'"):
        ws.side_by_side(fit_of(frame=frame), ws.lme(FORMULA, tenfold))


def test_rows_that_are_no_part_of_the_others_are_refused():
    frame = data()
    part = data(seed=1).iloc[:60]
    with pytest.raises(ws.OptionError, match="are of different data"):
        ws.side_by_side(ws.lme(FORMULA, frame), ws.lme(FORMULA, part))
    short = ws.anova("Power ~ stim", frame.iloc[:68], group="mouse")
    ws.side_by_side(ws.lme(FORMULA, frame), short)


def test_a_slope_beside_differences_of_levels_is_refused_without_values():
    frame = data((0, 1, 2, 3)).assign(stim=lambda t: t["stim"].astype(int))
    lme = ws.lme(FORMULA, frame)
    rows = ws.anova("Power ~ C(stim) + mouse", frame)
    paired = ws.anova("Power ~ C(stim)", frame, group="mouse")
    for results in ((lme, rows), (rows, lme), (lme, paired), (paired, fit_of(frame=frame))):
        with pytest.raises(ws.OptionError, match=r"such as values=\[0, 3\]"):
            ws.side_by_side(*results)
    composition = ws.side_by_side(lme, rows, values=[0, 3])
    shown = rows_of(composition)
    assert list(shown["contrast"]) == ["3 - 0", "3 - 0"]
    # The slope is per unit, and the difference of levels is that of the table.
    slope = lme.contrast("stim")["estimate"].iloc[0]
    assert shown.loc[0, "estimate"] == pytest.approx(3 * slope, rel=1e-9)
    means = frame.groupby("stim")["Power"].mean()
    assert shown.loc[1, "estimate"] == pytest.approx(means[3] - means[0], rel=1e-9)
    assert list(rows_of(ws.side_by_side(lme, fit_of(frame=frame)))["contrast"]) == ["+1", "+1"]
