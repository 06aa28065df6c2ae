"""ws.anova: against NIST's certified values, exact arithmetic, statsmodels and scipy."""

import warnings
from fractions import Fraction
from itertools import product

import numpy as np
import pandas as pd
import pytest
import statsmodels.formula.api as smf
from scipy import stats
from statsmodels.stats.anova import AnovaRM, anova_lm

import winstan as ws

# NIST Statistical Reference Datasets, analysis of variance (public domain).
SI_RSTV = {
    "1": [196.3052, 196.1240, 196.1890, 196.2569, 196.3403],
    "2": [196.3042, 196.3825, 196.1669, 196.3257, 196.0422],
    "3": [196.1303, 196.2005, 196.2889, 196.0343, 196.1811],
    "4": [196.2795, 196.1748, 196.1494, 196.1485, 195.9885],
    "5": [196.2119, 196.1051, 196.1850, 196.0052, 196.2090],
}
# Seven decimals after 107.868.
ATM_WT_AG = {
    "1": "1568 1465 1572 1785 1446 1903 1526 1494 1616 1587 1519 1486 "
    "1419 1569 1508 1672 1385 1518 1662 1424 1360 1333 1610 1477",
    "2": "1079 1344 1513 1197 1604 1385 1642 1365 1151 1082 1517 1448 "
    "1198 1482 1334 1609 1101 1512 1469 1360 1254 1261 1450 1368",
}


def long(cells):
    return pd.DataFrame(
        [{"lab": f"lab {name}", "y": y} for name, values in cells.items() for y in values]
    )


def simulated(start):
    """SmLs01 and SmLs07: 9 treatments of 21 values around `start`, as text to be exact."""
    centre = [4, 3, 5, 3, 5, 3, 5, 3, 5]
    return {
        str(i + 1): [f"{start}.{c}", *[f"{start}.{c - 1}", f"{start}.{c + 1}"] * 10]
        for i, c in enumerate(centre)
    }


def exact_f(cells):
    """One-way F of the numbers as they are stored, in rational arithmetic."""
    groups = [[Fraction(float(v)) for v in values] for values in cells.values()]
    n = sum(map(len, groups))
    total = sum(map(sum, groups)) / n
    means = [sum(g) / len(g) for g in groups]
    between = sum(len(g) * (m - total) ** 2 for g, m in zip(groups, means, strict=True))
    within = sum((v - m) ** 2 for g, m in zip(groups, means, strict=True) for v in g)
    return float(between / (len(groups) - 1) / (within / (n - len(groups))))


def one_way_f(cells, **options):
    data = long({name: [float(v) for v in values] for name, values in cells.items()})
    return ws.anova("y ~ lab", data, **options).table.loc["lab", "F"]


def unbalanced(seed=3, n=137):
    rng = np.random.default_rng(seed)
    data = pd.DataFrame(
        {
            "a": rng.choice(list("pqr"), n),
            "b": rng.choice(list("uv"), n, p=[0.7, 0.3]),
            "x": rng.normal(2, 1, n),
            "dose": rng.choice([1, 2, 5], n),
        }
    )
    shift = data["a"].map({"p": 0, "q": 1, "r": 3}) + 0.5 * data["x"]
    data["y"] = 1000 + shift + (data["b"] == "u") * rng.normal(data["x"], 2)
    data["y"] += rng.normal(0, 1, n)
    data["two words"] = data["y"]
    return data


def paired(seed=6, n=9, levels=3, conditions=2, trials=4):
    rng = np.random.default_rng(seed)
    rows = []
    for m in range(n):
        base, own = rng.normal(50, 10), rng.normal(0, 3, (levels, conditions))
        for i, j, _ in product(range(levels), range(conditions), range(trials)):
            value = base + 4 * i + own[i, j] + rng.normal(0, 2)
            rows.append({"mouse": f"m{m}", "stim": f"s{i}", "my cond": j, "y": value})
    return pd.DataFrame(rows)


# -- NIST -----------------------------------------------------------------------------------------


def test_nist_sirstv():
    fit = ws.anova("y ~ lab", long(SI_RSTV))
    assert fit.table.loc["lab", "F"] == pytest.approx(1.18046237440255, rel=1e-10)
    assert fit.table.loc["lab", "sum_sq"] == pytest.approx(5.11462616e-02, rel=1e-10)
    assert fit.table.loc["Residual", "sum_sq"] == pytest.approx(2.1663656e-01, rel=1e-10)
    assert list(fit.table["df"]) == [4, 20]
    assert list(fit.table.columns) == ["sum_sq", "df", "F", "PR(>F)"]
    assert fit.table.loc["lab", "PR(>F)"] == pytest.approx(stats.f.sf(1.18046237440255, 4, 20))


def test_nist_atmwtag():
    cells = {k: [float(f"107.868{v}") for v in text.split()] for k, text in ATM_WT_AG.items()}
    assert one_way_f(cells) == pytest.approx(15.9467335677930, rel=1e-8)


@pytest.mark.parametrize("typ", [1, 2, 3])
def test_nist_smls(typ):
    assert one_way_f(simulated(1), typ=typ) == pytest.approx(21, rel=1e-12)
    middle = simulated(1_000_000)
    assert one_way_f(middle, typ=typ) == pytest.approx(exact_f(middle), rel=1e-10)
    # Doubles near 1e12 are 1.2e-4 apart: the F of what is stored is 21 to five digits at best.
    far = simulated(1_000_000_000_000)
    assert exact_f(far) == pytest.approx(21, rel=1e-4)
    assert one_way_f(far, typ=typ) == pytest.approx(exact_f(far), rel=1e-9)


# -- types and covariances ------------------------------------------------------------------------

SUMS = {
    "a*b + x": "C(a, Sum)*C(b, Sum) + x",
    "x + b:x": "x + C(b, Sum):x",
    "a:b": "C(a):C(b)",
    "C(dose)*a": "C(dose, Sum)*C(a, Sum)",
    "C(a, Treatment('q'))*b": "C(a, Sum)*C(b, Sum)",
    "x*a + b": "x*C(a, Sum) + C(b, Sum)",
    "b*C(a, levels=['r', 'p', 'q'])": "C(b, Sum)*C(a, Sum)",
    "0 + a + x": "0 + C(a) + x",
}


def key(name):
    for extra in ("Treatment('q')", "levels=['r', 'p', 'q']", "C(", "Sum", ",", ")", " "):
        name = name.replace(extra, "")
    return ":".join(sorted(name.split(":")))


@pytest.mark.parametrize("robust", [None, "hc0", "hc1", "hc2", "hc3"])
@pytest.mark.parametrize("typ", [2, 3])
@pytest.mark.parametrize("formula", SUMS)
def test_against_statsmodels(formula, typ, robust):
    data = unbalanced()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ws.DesignWarning)
        ours = ws.anova(f"`two words` ~ {formula}", data, typ=typ, robust=robust)
    theirs = anova_lm(smf.ols(f"y ~ {SUMS[formula]}", data).fit(), typ=typ, robust=robust)
    theirs = theirs.rename(index=key).drop(index="Intercept", errors="ignore")
    table = ours.table.rename(index=key)
    assert set(table.index) == set(theirs.index)
    theirs = theirs.loc[table.index, table.columns]
    np.testing.assert_allclose(table, theirs, rtol=1e-8, atol=1e-100)


@pytest.mark.parametrize("formula", ["a + b", "a*b", "C(dose) + x"])
def test_type_1_against_statsmodels(formula):
    data = unbalanced()
    ours = ws.anova(f"y ~ {formula}", data, typ=1).table
    theirs = anova_lm(smf.ols(f"y ~ {formula}", data).fit(), typ=1)[ours.columns]
    np.testing.assert_allclose(ours, theirs, rtol=1e-9, atol=1e-100)


def test_type_1_adds_up_and_is_robust_too():
    data = unbalanced()
    plain = ws.anova("y ~ a*b + x", data, typ=1)
    assert list(plain.table.index) == ["a", "b", "x", "a:b", "Residual"]
    total = ((data["y"] - data["y"].mean()) ** 2).sum()
    assert plain.table["sum_sq"].sum() == pytest.approx(total, rel=1e-10)
    robust = ws.anova("y ~ a*b + x", data, typ=1, robust="hc3")
    # The last term has none after it: its test is that of the full model.
    full = smf.ols("y ~ a*b + x", data).fit(cov_type="HC3", use_t=True)
    test = full.f_test("a[T.q]:b[T.v] = 0, a[T.r]:b[T.v] = 0")
    assert robust.table.loc["a:b", "F"] == pytest.approx(test.fvalue, rel=1e-9)
    assert robust.table.loc["a", "F"] != pytest.approx(plain.table.loc["a", "F"], rel=0.01)


def test_type_3_does_not_depend_on_the_coding():
    """With treatment coding a main effect would be that at the reference of the other factor."""
    data = unbalanced()
    tables = [
        ws.anova(f"y ~ {formula}", data, typ=3).table
        for formula in ("a*b", "C(a, Treatment('r'))*b", "C(a, Sum)*C(b, Treatment('v'))")
    ]
    for other in tables[1:]:
        np.testing.assert_allclose(other, tables[0], rtol=1e-9, atol=1e-100)
    nonsense = anova_lm(smf.ols("y ~ a*b", data).fit(), typ=3)
    assert tables[0].loc["b", "F"] != pytest.approx(nonsense.loc["b", "F"], rel=0.05)


def test_type_3_warns_of_numbers_in_interactions():
    data = unbalanced()
    with pytest.warns(ws.DesignWarning, match=r"interaction \('x'\).*where they are zero"):
        ws.anova("y ~ x*a", data, typ=3)
    centred = ws.anova("y ~ center(x)*a", data, typ=3).table
    by_hand = data.assign(c=data["x"] - data["x"].mean())
    theirs = anova_lm(smf.ols("y ~ c*C(a, Sum)", by_hand).fit(), typ=3)
    assert centred.loc["a", "F"] == pytest.approx(theirs.loc["C(a, Sum)", "F"], rel=1e-9)


def test_robust_is_really_used():
    trials = ws.simulate_lfp(seed=5)
    plain = ws.anova("Power ~ stim + mouse", trials)
    robust = ws.anova("Power ~ stim + mouse", trials, robust="hc3")
    fit = smf.ols("Power ~ stim + C(mouse)", trials).fit(cov_type="HC3", use_t=True)
    assert robust.table.loc["stim", "F"] == pytest.approx(fit.tvalues["stim"] ** 2, rel=1e-9)
    assert robust.table.loc["stim", "F"] != pytest.approx(plain.table.loc["stim", "F"], rel=1e-3)
    assert "HC3" in repr(robust)
    result = robust.result
    assert result.bse["stim"] == pytest.approx(robust.contrast("stim")["std_error"][0], rel=1e-9)
    assert plain.result.fvalue > 0


def test_a_number_of_two_values_and_a_factor_give_the_same():
    trials = ws.simulate_lfp(seed=5)
    as_text = trials.assign(stim=trials["stim"].map({0: "off", 1: "on"}))
    for typ in (1, 2, 3):
        number = ws.anova("`Log power` ~ stim + mouse", trials, typ=typ).table
        text = ws.anova("`Log power` ~ stim + mouse", as_text, typ=typ).table
        np.testing.assert_allclose(number, text, rtol=1e-9, atol=1e-100)


def test_offsets_and_missing_rows():
    data = unbalanced()
    with_offset = ws.anova("y ~ a + offset(3*x)", data).table
    np.testing.assert_allclose(with_offset, ws.anova("I(y - 3*x) ~ a", data).table, rtol=1e-9)
    typ3 = ws.anova("y ~ a + offset(3*x)", data, typ=3).table
    np.testing.assert_allclose(with_offset, typ3, rtol=1e-9)
    before = data.copy()
    holes = data.assign(x=data["x"].where(data.index > 4))
    with pytest.warns(ws.DesignWarning, match="5 of 137 rows") as seen:
        table = ws.anova("y ~ a + x", holes, typ=3).table
    assert len(seen) == 1
    np.testing.assert_allclose(table, ws.anova("y ~ a + x", data[5:], typ=3).table)
    pd.testing.assert_frame_equal(data, before)


# -- paired ---------------------------------------------------------------------------------------


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


@pytest.mark.parametrize(
    ("formula", "options", "error", "message"),
    [
        ("y ~ stim + (1|mouse)", {}, ws.FormulaError, r'group term.*group="mouse".*ws.lme'),
        ("y ~ stim", {"group": "Mouse"}, ws.OptionError, "no column.*'mouse'"),
        ("y ~ stim + mouse", {"group": "mouse"}, ws.OptionError, "also in the formula"),
        ("y ~ sex", {"group": "mouse"}, ws.DataError, "'sex' has one level within each"),
        ("y ~ x", {"group": "mouse"}, ws.OptionError, r"number with 216 values.*C\(x\)"),
        ("y ~ np.log(x)", {"group": "mouse"}, ws.OptionError, "is an expression"),
        ("y ~ stim", {"group": "mouse", "robust": "hc3"}, ws.OptionError, "Leave one out"),
        ("y ~ 1", {"group": "mouse"}, ws.OptionError, "no factor to compare"),
        ("y ~ 1", {}, ws.FormulaError, "no terms to test"),
        ("y ~ stim", {"typ": 4}, ws.OptionError, "typ must be 1, 2 or 3, not 4"),
        ("y ~ stim", {"robust": "HC9"}, ws.OptionError, "robust must be None, 'hc0'.*'HC9'"),
        ("sex ~ stim", {}, ws.DataError, 'gaussian only.*"bernoulli"'),
        ("sex ~ stim", {"group": "mouse"}, ws.DataError, "gaussian only"),
        ("flat ~ stim", {}, ws.DataError, "explain 'flat' exactly"),
        ("y ~ stimm", {}, ws.DataError, "no column 'stimm'.*'stim'"),
        ("y ~ C(row)", {}, ws.DataError, "no degrees of freedom"),
        ("y ~ one + stim", {"robust": "hc3"}, ws.DataError, r"1 row \(row 7.*hc1"),
        ("same ~ stim", {"group": "mouse"}, ws.DataError, "has the same effect of 'stim'"),
    ],
)
def test_refusals(formula, options, error, message):
    data = paired()
    data["sex"] = np.where(data["mouse"] < "m4", "f", "m")
    data["x"] = np.linspace(1, 2, len(data))
    data["flat"], data["row"] = 2.5, np.arange(len(data))
    data["one"] = (data["row"] == 7) * 1.0
    data["same"] = data["stim"].map({"s0": 1.0, "s1": 2.0, "s2": 3.0})
    with pytest.raises(error, match=message):
        ws.anova(formula, data, **options)


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


def test_contrast_of_a_linear_model():
    data = unbalanced()
    fit = ws.anova("y ~ a + x", data)
    row = fit.contrast("a").iloc[1]
    theirs = smf.ols("y ~ a + x", data).fit()
    low, high = theirs.conf_int().loc["a[T.r]"]
    assert row["contrast"] == "r - p"
    assert row["estimate"] == pytest.approx(theirs.params["a[T.r]"], rel=1e-9)
    assert row["std_error"] == pytest.approx(theirs.bse["a[T.r]"], rel=1e-9)
    assert (row["ci_2.5%"], row["ci_97.5%"]) == pytest.approx((low, high), rel=1e-9)
    assert row["p_value"] == pytest.approx(theirs.pvalues["a[T.r]"], rel=1e-7)
    np.testing.assert_allclose(fit.result.params, theirs.params, rtol=1e-9)


def test_repr():
    data = unbalanced()
    fit = ws.anova("`two words` ~ a*b", data, typ=3)
    assert repr(fit).startswith("`two words` ~ 1 + a + b + a:b\nType 3")
    assert "NaN" not in repr(fit)
    html = fit._repr_html_()
    assert "<table" in html
    assert "Type 3" in html
    with pytest.raises(AttributeError):
        fit.typ = 1
