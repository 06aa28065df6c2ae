"""ws.anova(group=...): each animal against itself, against statsmodels and scipy."""

import numpy as np
import pandas as pd
import pytest
from paired_cases import paired
from scipy import stats
from statsmodels.stats.anova import AnovaRM

import winstan as ws
from winstan.errors import DataError


def test_two_levels_are_the_paired_t_test():
    trials = ws.simulate_lfp(seed=5)
    fit = ws.anova("`Log power` ~ stim", trials, group="mouse")
    means = trials.pivot_table(index="mouse", columns="stim", values="Log power")
    t = stats.ttest_rel(means[1], means[0])
    assert fit.table.loc["stim", "F"] == pytest.approx(t.statistic**2, rel=1e-10)
    assert fit.table.loc["stim", "PR(>F)"] == pytest.approx(t.pvalue, rel=1e-10)
    assert list(fit.table.index) == ["stim", "stim:mouse"]
    assert list(fit.table["df"]) == [1, 7]
    row = fit.contrast("stim").iloc[0]
    assert row["contrast"] == "1 - 0"
    assert row["estimate"] == pytest.approx((means[1] - means[0]).mean(), rel=1e-12)
    interval = t.confidence_interval(0.95)
    assert (row["ci_2.5%"], row["ci_97.5%"]) == pytest.approx(tuple(interval), rel=1e-10)
    assert row["p_value"] == pytest.approx(t.pvalue, rel=1e-10)
    assert "Paired" in fit.words
    assert "each of 8 levels of 'mouse'" in fit.words
    assert "mean of its 30 rows" in fit.words
    # The analysis that forgets the animals is another one.
    forgetful = ws.anova("`Log power` ~ stim", trials)
    assert forgetful.table.loc["stim", "F"] != pytest.approx(t.statistic**2, rel=0.05)
    assert "All 480 rows count as independent" in repr(forgetful)


@pytest.mark.parametrize("shift", [0.0, 2.0**40])
def test_several_levels_against_statsmodels(shift):
    data = paired()
    data["cond"] = data["my cond"]
    data["y"] = (data["y"] + shift) - shift  # as it is stored with the shift
    fit = ws.anova("y ~ stim * `my cond`", data.assign(y=data["y"] + shift), group="mouse")
    theirs = AnovaRM(data, "y", "mouse", within=["stim", "cond"], aggregate_func="mean").fit()
    table = theirs.anova_table
    names = {"stim": "stim", "my cond": "cond", "stim:my cond": "stim:cond"}
    for name, other in names.items():
        assert fit.table.loc[name, "F"] == pytest.approx(table.loc[other, "F Value"], rel=1e-9)
        assert fit.table.loc[name, "df"] == table.loc[other, "Num DF"]
        assert fit.table.loc[f"{name}:mouse", "df"] == table.loc[other, "Den DF"]
        assert fit.table.loc[name, "PR(>F)"] == pytest.approx(table.loc[other, "Pr > F"], rel=1e-8)
    result = fit.result.anova_table
    np.testing.assert_allclose(result["F Value"], table["F Value"], rtol=1e-9)
    assert np.isnan(fit.table.loc["my cond", "eps_GG"])


def test_greenhouse_geisser():
    data = paired(levels=4, conditions=1)
    fit = ws.anova("y ~ stim", data, group="mouse")
    # Box's formula, on the covariance of the levels themselves.
    S = data.pivot_table(index="mouse", columns="stim", values="y").cov().to_numpy()
    k = len(S)
    top = k**2 * (np.diag(S).mean() - S.mean()) ** 2
    bottom = (k - 1) * ((S**2).sum() - 2 * k * (S.mean(axis=0) ** 2).sum() + k**2 * S.mean() ** 2)
    row = fit.table.loc["stim"]
    assert row["eps_GG"] == pytest.approx(top / bottom, rel=1e-10)
    assert 1 / 3 <= row["eps_GG"] < 0.99
    corrected = stats.f.sf(row["F"], 3 * row["eps_GG"], 3 * 8 * row["eps_GG"])
    assert row["PR(>F)_GG"] == pytest.approx(corrected, rel=1e-10)
    assert "PR(>F)_GG" in repr(fit)


def test_paired_contrasts():
    data = paired()
    fit = ws.anova("y ~ stim * `my cond`", data, group="mouse")
    means = data.pivot_table(index="mouse", columns=["stim", "my cond"], values="y")
    table = fit.contrast("stim", pairs="all")
    assert list(table["contrast"]) == ["s1 - s0", "s2 - s0", "s2 - s1"]
    own = means["s2"].mean(axis=1) - means["s0"].mean(axis=1)
    assert table["estimate"][1] == pytest.approx(own.mean())
    assert table["std_error"][1] == pytest.approx(own.sem())
    by = fit.contrast("my cond", by="stim")
    assert list(by["stim"]) == ["s0", "s1", "s2"]
    within = means["s1"][1] - means["s1"][0]
    assert by["std_error"][1] == pytest.approx(within.sem())
    back = fit.contrast("stim", values=["s2", "s0"])
    assert back["estimate"][0] == pytest.approx(-own.mean())
    with pytest.raises(ws.OptionError, match=r"no level 's9'.*'s0'"):
        fit.contrast("stim", values=["s0", "s9"])
    with pytest.raises(ws.OptionError, match="no factor of this analysis"):
        fit.contrast("mouse")


def test_animals_without_a_cell_are_named():
    data = paired()
    holes = data[~((data["mouse"] == "m3") & (data["stim"] == "s1"))]
    with pytest.warns(ws.DesignWarning, match=r"1 level of 'mouse' left out.*'m3'.*ws.lme"):
        fit = ws.anova("y ~ stim", holes, group="mouse")
    assert "'m3'" in fit.words
    full = ws.anova("y ~ stim", data[data["mouse"] != "m3"], group="mouse")
    np.testing.assert_allclose(fit.table, full.table)


def test_rows_per_cell_may_differ():
    """Each animal counts once, whatever the number of its trials."""
    data = paired()
    more = pd.concat([data, data[(data["mouse"] == "m1") & (data["stim"] == "s0")]])
    fit, again = (ws.anova("y ~ stim", d, group="mouse") for d in (data, more))
    means = more.groupby(["mouse", "stim"], as_index=False)["y"].mean()
    expected = AnovaRM(means, "y", "mouse", within=["stim"]).fit().anova_table
    assert again.table.loc["stim", "F"] == pytest.approx(expected.loc["stim", "F Value"])
    assert again.table.loc["stim", "F"] == pytest.approx(fit.table.loc["stim", "F"])
    assert "8 to 16 rows" in again.words


def test_no_complete_animals():
    data = paired(n=3)
    holes = data[~((data["mouse"] != "m0") & (data["stim"] == "s1"))]
    with pytest.raises(ws.DataError, match="needs two at least"):
        ws.anova("y ~ stim", holes, group="mouse")


def test_transforms_of_the_response_come_before_the_mean():
    data = paired()
    logs = data.assign(logy=np.log(data["y"]))
    expected = ws.anova("logy ~ stim", logs, group="mouse").table
    np.testing.assert_allclose(
        ws.anova("np.log(y) ~ stim", data, group="mouse").table, expected, rtol=1e-10
    )


# -- contrasts of the linear model, and how it shows itself ---------------------------------------


def test_more_cells_than_an_integer_holds_are_refused_as_incomplete():
    rng = np.random.default_rng(0)
    data = pd.DataFrame({f"f{k}": rng.permutation(200).repeat(2) for k in range(9)})
    data = data.assign(y=rng.normal(size=400), m=np.arange(400) % 2)
    terms = " + ".join(f"C(f{k})" for k in range(9))
    with pytest.raises(DataError, match=r"0 levels of 'm' have all 512,0.* cells"):
        ws.anova(f"y ~ {terms}", data, group="m", silence="all")
