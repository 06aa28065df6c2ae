"""ws.anova: against NIST's certified values, exact arithmetic, statsmodels and scipy."""

import warnings
from fractions import Fraction

import numpy as np
import pandas as pd
import pytest
import statsmodels.formula.api as smf
from paired_cases import paired
from scipy import stats
from statsmodels.stats.anova import anova_lm

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


@pytest.mark.parametrize(
    ("formula", "options", "error", "message"),
    [
        ("y ~ stim + (1|mouse)", {}, ws.FormulaError, r'group term.*group="mouse".*ws.lme'),
        ("y ~ stim + cs(x)", {}, ws.FormulaError, r"cs\(x\) is of the thresholds.*ws.fit"),
        ("y ~ stim + cs(x)", {"group": "mouse"}, ws.FormulaError, r"cs\(x\) is of the thresholds"),
        ("y ~ stim; sigma ~ stim", {"group": "mouse"}, ws.FormulaError, "have one sigma"),
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
