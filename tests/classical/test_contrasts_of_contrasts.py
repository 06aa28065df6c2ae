"""Differences of differences, and contrasts by several columns, against least squares by hand."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import statsmodels.formula.api as smf
from scipy import stats

import winstan as ws
from winstan.errors import OptionError

DOSES = ["low", "mid", "high"]
NUMBERS = ["estimate", "std_error", "df", "ci_2.5%", "ci_97.5%", "p_value"]


def crossed(seed: int = 3) -> pd.DataFrame:
    """Six mice, each at both stimuli and all doses, thrice."""
    rng = np.random.default_rng(seed)
    cells = [(m, s, d) for m in range(6) for s in ("off", "on") for d in DOSES for _ in range(3)]
    table = pd.DataFrame(cells, columns=["mouse", "stim", "dose"])
    step = table["dose"].map({"low": 0, "mid": 2, "high": 7}) * (table["stim"] == "on")
    table["y"] = 300 + 40 * rng.normal(size=6)[table["mouse"]] + step + rng.normal(0, 9, len(table))
    table["dose"] = pd.Categorical(table["dose"], DOSES)
    return table.sample(frac=1, random_state=1)


def uneven(seed: int = 4) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    n = 90
    table = pd.DataFrame(
        {
            "drug": rng.choice(["saline", "ketamine"], n, p=[0.7, 0.3]),
            "dose": pd.Categorical(rng.choice(DOSES, n, p=[0.2, 0.3, 0.5]), DOSES),
            "sex": rng.choice(["f", "m"], n, p=[0.6, 0.4]),
            "age": rng.normal(10, 3, n),
        }
    )
    table["drug"] = pd.Categorical(table["drug"], ["saline", "ketamine"])
    effect = (table["drug"] == "ketamine") * table["dose"].cat.codes
    return table.assign(y=50 + 4 * effect + 0.3 * table["age"] + rng.normal(0, 5, n))


def hand(fit, weights: np.ndarray) -> list[float]:
    test = fit.t_test(weights)
    ends = np.ravel(test.conf_int())
    one = (np.ravel(x)[0] for x in (test.effect, test.sd))
    return [*one, float(test.df_denom), *ends, float(np.ravel(test.pvalue)[0])]


def weights_of(fit, **terms: float) -> np.ndarray:
    out = np.zeros(len(fit.params))
    for name, weight in terms.items():
        out[fit.params.index.get_loc(name.replace("__", ":"))] = weight
    return out


MID, HIGH = "stim[T.on]:dose[T.mid]", "stim[T.on]:dose[T.high]"


@pytest.mark.parametrize(
    ("pairs", "expected"),
    [
        ("reference", {"on - off of dose (mid - low)": {MID: 1},
                       "on - off of dose (high - low)": {HIGH: 1}}),
        (["reference", "poly"], {"on - off of dose (linear)": {HIGH: 1},
                                 "on - off of dose (quadratic)": {MID: -2, HIGH: 1}}),
        ([{"off - on": [1, -1]}, "sequential"], {"off - on of dose (mid - low)": {MID: -1},
                                                 "off - on of dose (high - mid)": {MID: 1,
                                                                                   HIGH: -1}}),
    ],
)  # fmt: skip
def test_balanced_mixed_models_have_the_t_tests_of_least_squares_within_mice(pairs, expected):
    """Kenward-Roger is exact where data are balanced: mice as a factor give the same tests."""
    data = crossed()
    fixed = smf.ols("y ~ C(mouse) + stim * dose", data).fit()
    lme = ws.lme("y ~ stim * dose + (1|mouse)", data, silence="all")
    found = lme.contrast("stim", of="dose", pairs=pairs)
    assert found["contrast"].tolist() == list(expected)
    assert set(found["groups"]) == {"population"}
    by_hand = [hand(fixed, weights_of(fixed, **own)) for own in expected.values()]
    np.testing.assert_allclose(found[NUMBERS], by_hand, rtol=1e-6)
    same = lme.contrast("stim:dose", pairs=pairs)
    pd.testing.assert_frame_equal(found, same)
    paired = ws.anova("y ~ stim * dose", data, group="mouse").contrast("stim:dose", pairs=pairs)
    cells = data.pivot_table("y", "mouse", ["stim", "dose"], observed=True)
    step = cells["on"] - cells["off"]
    own = {MID: step["mid"] - step["low"], HIGH: step["high"] - step["low"]}
    for row, terms in zip(paired.itertuples(), expected.values(), strict=True):
        values = sum(weight * own[name] for name, weight in terms.items())
        test = stats.ttest_1samp(values, 0)
        assert row.estimate == pytest.approx(values.mean(), rel=1e-9)
        assert row.p_value == pytest.approx(test.pvalue, rel=1e-9)
        assert row.df == 5


@pytest.mark.parametrize("robust", [None, "hc3"])
def test_by_several_columns_each_stratum_is_its_own_rows_contrast(robust):
    data = uneven()
    fit = ws.anova("y ~ drug * dose + sex + age", data, robust=robust)
    plain = smf.ols("y ~ drug * dose + sex + age", data)
    fixed = plain.fit() if robust is None else plain.fit(cov_type=robust.upper(), use_t=True)
    found = fit.contrast("drug", by=["sex", "dose"]).set_index(["sex", "dose"])
    assert len(found) == 6
    for (_, dose), row in found.iterrows():
        terms = {"drug[T.ketamine]": 1.0}
        terms |= {} if dose == "low" else {f"drug[T.ketamine]:dose[T.{dose}]": 1.0}
        np.testing.assert_allclose(
            row[NUMBERS].astype(float), hand(fixed, weights_of(fixed, **terms)), rtol=1e-8
        )
    # Over rows of unequal cells, and of all cells alike, as emmeans has it.
    high, middle = (f"drug[T.ketamine]:dose[T.{dose}]" for dose in ("high", "mid"))
    share = data["dose"].value_counts(normalize=True)
    for weights, own in (("observed", share), ("equal", dict.fromkeys(DOSES, 1 / 3))):
        terms = {"drug[T.ketamine]": 1.0, high: own["high"], middle: own["mid"]}
        row = fit.contrast("drug", weights=weights).iloc[0]
        np.testing.assert_allclose(
            row[NUMBERS].astype(float), hand(fixed, weights_of(fixed, **terms)), rtol=1e-8
        )


def test_slopes_and_their_differences():
    data = uneven()
    fixed = smf.ols("y ~ drug * age", data).fit()
    fit = ws.anova("y ~ drug * age", data)
    row = fit.contrast("drug", of="age", slope=True).iloc[0]
    assert row["contrast"] == "ketamine - saline of age (slope)"
    np.testing.assert_allclose(
        row[NUMBERS].astype(float),
        hand(fixed, weights_of(fixed, **{"drug[T.ketamine]:age": 1.0})),
        rtol=1e-6,
    )


def test_paired_strata_are_those_of_their_cells():
    data = crossed()
    fit = ws.anova("y ~ stim * dose", data, group="mouse")
    cells = data.pivot_table("y", "mouse", ["stim", "dose"], observed=True)
    found = fit.contrast("stim", by={"dose": ["high", "low"]})
    assert found["dose"].tolist() == ["high", "low"]
    for row in found.itertuples():
        test = stats.ttest_rel(cells["on", row.dose], cells["off", row.dose])
        assert row.p_value == pytest.approx(test.pvalue, rel=1e-9)


@pytest.mark.parametrize(
    ("treatment", "options", "message"),
    [
        ("stim", {"of": "stim"}, "of= names 'stim', which is the treatment itself"),
        ("stim:dose", {"of": "dose"}, "says already what of= says"),
        ("stim", {"of": "doze"}, r"'doze'.*Did you mean"),
        ("stim", {"of": "dose", "pairs": ["reference"]}, r"pairs= has 1 entries.*2 columns"),
        ("stim", {"of": "dose", "pairs": ["all", "dunnett"]}, "intervals that hold together"),
        ("stim", {"of": "dose", "by": "dose"}, "by='dose' is the treatment itself"),
        ("stim", {"of": {"dose": ["low", "lo"]}}, "no level 'lo'"),
        ("stim", {"weights": "even"}, "weights must be 'observed' or 'equal'"),
    ],
)
def test_wrong_questions_are_refused_alike(treatment, options, message):
    data = crossed()
    for fit in (
        ws.lme("y ~ stim * dose + (1|mouse)", data, silence="all"),
        ws.anova("y ~ stim * dose", data),
        ws.anova("y ~ stim * dose", data, group="mouse"),
    ):
        with pytest.raises(OptionError, match=message):
            fit.contrast(treatment, **options)
    with pytest.raises(OptionError, match=r"no slopes: use ws\.lme"):
        fit.contrast("stim", slope=True)
