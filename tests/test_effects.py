"""Contrasts, intercepts and observed differences are what plain loops over draws and rows give."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from conftest import model_of
from made_draws import flat, made_fit, made_posterior
from scipy import stats

import winstan as ws
from winstan import effects
from winstan.errors import OptionError

S = 40
"""Made-up draws of each model."""


def recordings(seed: int = 0) -> pd.DataFrame:
    """Unbalanced: 4 to 13 rows a mouse, every condition in each, nothing at scale 1."""
    rng = np.random.default_rng(seed)
    mouse = np.repeat(np.arange(6), [4, 13, 7, 9, 5, 10])
    n = mouse.size
    return pd.DataFrame(
        {
            "mouse": np.array([f"m{i}" for i in range(6)])[mouse],
            "sex": np.where(mouse % 2 == 0, "f", "m"),
            "stim": np.arange(n) % 2,
            "cond": np.array(["a", "b", "c"])[np.arange(n) % 3],
            "x": rng.gamma(4.0, 3.0, n),
            "hours": rng.uniform(0.5, 4.0, n),
            "n": rng.integers(1, 5, n),
            "of": rng.integers(4, 12, n),
            "Power": np.exp(rng.normal(5.0, 0.7, n)),
            "y": rng.normal(-300.0, 40.0, n),
            "count": rng.poisson(8.0, n),
            "hits": rng.integers(0, 4, n),
            "ok": rng.permutation(np.arange(n) % 2),
        }
    )


DATA = recordings()
MICE = sorted(DATA["mouse"].unique())


def over_groups(per_row: np.ndarray, groups: list, weight: np.ndarray | None = None) -> np.ndarray:
    """Mean over the rows of each group, then over groups: (S, rows) to (S,)."""
    weight = np.ones(per_row.shape[1]) if weight is None else weight
    out = []
    for draw in per_row:
        means = []
        for group in dict.fromkeys(groups):
            total = count = 0.0
            for value, of, w in zip(draw, groups, weight, strict=True):
                if of == group:
                    total += w * value
                    count += w
            means.append(total / count)
        out.append(sum(means) / len(means))
    return np.array(out)


def draws_of(model, posterior, treatment, **options) -> dict:
    """Draws of each contrast, by its label, and level if there is `by`."""
    table = effects.contrast_draws(effects.contrast(model, posterior, treatment, **options))
    by = options.get("by")
    keys = ["contrast", by] if by else "contrast"
    return {key: part["value"].to_numpy() for key, part in table.groupby(keys, sort=False)}


def made(formula: str, family: str, **options):
    model = model_of(formula, options.pop("data", DATA), family, **options)
    return model, flat(made_posterior(model, chains=2, draws=S // 2))


def test_gamma_with_slopes_by_a_loop_over_draws_and_rows():
    model, p = made("Power ~ stim + x + (stim|mouse)", "gamma")

    def rows(stim):
        out = np.empty((S, len(DATA)))
        for s in range(S):
            for i, row in enumerate(DATA.itertuples()):
                j = MICE.index(row.mouse)
                eta = p["Intercept"][s] + p["stim"][s] * stim + p["x"][s] * row.x
                out[s, i] = np.exp(eta + p["1|mouse"][s, j] + p["stim|mouse"][s, j] * stim)
        return out

    groups = DATA["mouse"].tolist()
    low, high = over_groups(rows(0), groups), over_groups(rows(1), groups)
    ((label, difference),) = draws_of(model, p, "stim").items()
    assert label == "1 - 0"
    np.testing.assert_allclose(difference, high - low, rtol=1e-10)
    ((label, ratio),) = draws_of(model, p, "stim", ratio=True).items()
    assert label == "1 / 0"
    np.testing.assert_allclose(ratio, high / low, rtol=1e-10)
    ((_, back),) = draws_of(model, p, "stim", values=[1, 0]).items()
    np.testing.assert_allclose(back, low - high, rtol=1e-10)

    link = draws_of(model, p, "stim", scale="link")["1 - 0"]
    expected = p["stim"] + p["stim|mouse"].mean(axis=1)
    np.testing.assert_allclose(link, expected, rtol=1e-8)


def test_groups_count_equally_whatever_their_rows():
    model, p = made("Power ~ stim + (1|mouse)", "gamma")
    by_mouse = np.exp(p["Intercept"][:, None] + p["1|mouse"])
    expected = ((np.exp(p["stim"]) - 1)[:, None] * by_mouse).mean(axis=1)
    np.testing.assert_allclose(draws_of(model, p, "stim")["1 - 0"], expected)
    each = draws_of(model, p, "stim", by="mouse")
    assert [key[1] for key in each] == MICE
    for j, mouse in enumerate(MICE):
        np.testing.assert_allclose(
            each["1 - 0", mouse], (np.exp(p["stim"]) - 1) * by_mouse[:, j], rtol=1e-10
        )


def test_interaction_of_categories_on_the_identity_link():
    model, p = made("y ~ stim * cond + (1|mouse)", "gaussian")
    groups = DATA["mouse"].tolist()
    stim = DATA["stim"].to_numpy()
    contrasts = draws_of(model, p, "cond")
    assert list(contrasts) == ["b - a", "c - a"]
    for k, label in enumerate(contrasts):
        rows = p["cond"][:, [k]] + p["stim:cond"][:, [k]] * stim
        np.testing.assert_allclose(contrasts[label], over_groups(rows, groups), rtol=1e-8)
    each = draws_of(model, p, "stim", by="cond")
    assert [key[1] for key in each] == ["a", "b", "c"]
    np.testing.assert_allclose(each["1 - 0", "a"], p["stim"], rtol=1e-8)
    for k, level in enumerate("bc"):
        np.testing.assert_allclose(
            each["1 - 0", level], p["stim"] + p["stim:cond"][:, k], rtol=1e-8
        )
    chosen = draws_of(model, p, "cond", values=["c", "b"])
    assert list(chosen) == ["b - c"]
    np.testing.assert_allclose(chosen["b - c"], contrasts["b - a"] - contrasts["c - a"], rtol=1e-8)


def test_by_averages_over_the_groups_that_have_the_level():
    model, p = made("Power ~ stim * sex + (1|mouse)", "gamma")
    each = draws_of(model, p, "stim", by="sex")
    for male, level in enumerate("fm"):
        slope = p["stim"] + male * p["stim:sex"][:, 0]
        base = p["Intercept"] + male * p["sex"][:, 0]
        mice = p["1|mouse"][:, male::2]
        expected = (np.exp((base + slope)[:, None] + mice) - np.exp(base[:, None] + mice)).mean(1)
        np.testing.assert_allclose(each["1 - 0", level], expected, rtol=1e-10)


def test_lognormal_mean_is_exp_of_mu_and_half_the_variance():
    model, p = made("Power ~ stim + (1|mouse)", "lognormal")
    mean = [
        np.exp(p["Intercept"][:, None] + p["stim"][:, None] * s + p["1|mouse"])
        * np.exp(p["sigma"] ** 2 / 2)[:, None]
        for s in (0, 1)
    ]
    expected = (mean[1] - mean[0]).mean(axis=1)
    np.testing.assert_allclose(draws_of(model, p, "stim")["1 - 0"], expected, rtol=1e-10)


@pytest.mark.parametrize(
    ("formula", "family", "link", "inverse"),
    [
        ("p(hits, of) ~ stim + (1|mouse)", "binomial", "logit", lambda e: 1 / (1 + np.exp(-e))),
        ("ok ~ stim + (1|mouse)", "bernoulli", "probit", stats.norm.cdf),
        ("ok ~ stim + (1|mouse)", "bernoulli", "cloglog", lambda e: 1 - np.exp(-np.exp(e))),
        ("count ~ stim + (1|mouse)", "poisson", "sqrt", np.square),
        ("count ~ stim + (1|mouse)", "negative_binomial", "log", np.exp),
        ("Power ~ stim + (1|mouse)", "gamma", "inverse", lambda e: 1 / e),
        ("y ~ stim + (1|mouse)", "student", "identity", lambda e: e),
    ],
)
def test_means_of_other_families_and_links(formula, family, link, inverse):
    model, p = made(formula, family, link=link)
    eta = p["Intercept"][:, None] + p["1|mouse"]
    expected = (inverse(eta + p["stim"][:, None]) - inverse(eta)).mean(axis=1)
    got = draws_of(model, p, "stim")["1 - 0"]
    np.testing.assert_allclose(got, expected, rtol=1e-8, atol=1e-12)


def test_a_number_with_many_values_goes_up_by_one_inside_its_transform():
    model, p = made("Power ~ np.log(x) + (1|mouse)", "gamma")
    eta = p["Intercept"][:, None] + p["1|mouse"][:, [MICE.index(m) for m in DATA["mouse"]]]
    slope, x = p["np.log(x)"][:, None], DATA["x"].to_numpy()
    rows = np.exp(eta + slope * np.log(x + 1)) - np.exp(eta + slope * np.log(x))
    got = draws_of(model, p, "x")
    assert list(got) == ["+1"]
    np.testing.assert_allclose(got["+1"], over_groups(rows, DATA["mouse"].tolist()), rtol=1e-8)
    got = draws_of(model, p, "x", values=[2.5, 5, 10])
    assert list(got) == ["5 - 2.5", "10 - 2.5"]
    rows = np.exp(eta + slope * np.log(10)) - np.exp(eta + slope * np.log(2.5))
    expected = over_groups(rows, DATA["mouse"].tolist())
    np.testing.assert_allclose(got["10 - 2.5"], expected, rtol=1e-8)


def test_transforms_that_remember_the_data():
    model, p = made("y ~ scale(x) + (1|mouse)", "gaussian")
    expected = p["scale(x)"] / DATA["x"].std(ddof=0)
    np.testing.assert_allclose(draws_of(model, p, "x")["+1"], expected, rtol=1e-8)


def test_numbers_that_are_labels_are_compared_as_labels():
    data = DATA.assign(dose=np.arange(len(DATA)) % 3 * 5, cage=DATA["mouse"].str[1:].astype(int))
    model, p = made("y ~ C(dose) + (1|cage)", "gaussian", data=data)
    got = draws_of(model, p, "dose")
    assert list(got) == ["5 - 0", "10 - 0"]
    np.testing.assert_allclose(got["10 - 0"], p["C(dose)"][:, 1], rtol=1e-8)
    got = draws_of(model, p, "cage")
    assert list(got) == [f"{j} - 0" for j in range(1, 6)]
    np.testing.assert_allclose(got["3 - 0"], p["1|cage"][:, 3] - p["1|cage"][:, 0], rtol=1e-8)
    with pytest.raises(OptionError, match="'dose' has no level 7"):
        effects.contrast(model, p, "dose", values=[0, 7])
    with pytest.raises(OptionError, match="'cage' has no level 9"):
        effects.contrast(model, p, "cage", values=[0, 9])


def test_offsets_are_left_out():
    model, p = made("count ~ stim + offset(np.log(hours)) + (1|mouse)", "poisson")
    rate = np.exp(p["Intercept"][:, None] + p["1|mouse"])
    expected = ((np.exp(p["stim"]) - 1)[:, None] * rate).mean(axis=1)
    np.testing.assert_allclose(draws_of(model, p, "stim")["1 - 0"], expected, rtol=1e-10)
    with pytest.raises(OptionError, match="'hours' is in an offset alone"):
        effects.contrast(model, p, "hours")


def test_rows_count_by_their_weight_within_a_group():
    model, p = made("Power ~ stim + x + (1|mouse)", "gamma", weights="n")
    eta = p["Intercept"][:, None] + p["x"][:, None] * DATA["x"].to_numpy()
    eta += p["1|mouse"][:, [MICE.index(m) for m in DATA["mouse"]]]
    rows = np.exp(eta + p["stim"][:, None]) - np.exp(eta)
    expected = over_groups(rows, DATA["mouse"].tolist(), DATA["n"].to_numpy())
    np.testing.assert_allclose(draws_of(model, p, "stim")["1 - 0"], expected, rtol=1e-8)
    repeated = DATA.loc[DATA.index.repeat(DATA["n"])]
    other, _ = made("Power ~ stim + x + (1|mouse)", "gamma", data=repeated)
    np.testing.assert_allclose(draws_of(other, p, "stim")["1 - 0"], expected, rtol=1e-8)


def test_without_groups_every_row_counts():
    model, p = made("Power ~ stim + x", "gamma")
    eta = p["Intercept"][:, None] + p["x"][:, None] * DATA["x"].to_numpy()
    expected = (np.exp(eta + p["stim"][:, None]) - np.exp(eta)).mean(axis=1)
    np.testing.assert_allclose(draws_of(model, p, "stim")["1 - 0"], expected, rtol=1e-8)


@pytest.mark.filterwarnings("ignore::winstan.errors.DesignWarning")
def test_crossed_and_nested_groups_count_by_combination():
    for formula in ("Power ~ stim + (1|cond) + (1|mouse)", "Power ~ stim + (1|cond/mouse)"):
        model, p = made(formula, "gamma")
        pairs = DATA[["cond", "mouse"]].drop_duplicates()
        eta = np.empty((S, len(pairs)))
        nested = "/" in formula
        for k, (cond, mouse) in enumerate(pairs.itertuples(index=False)):
            of_cond = p["1|cond"][:, "abc".index(cond)]
            if nested:
                known = [v for v in model.variables if v.name == "1|cond:mouse"]
                level = list(known[0].coords["cond:mouse__factor_dim"]).index(f"{cond}:{mouse}")
                inner = p["1|cond:mouse"][:, level]
            else:
                inner = p["1|mouse"][:, MICE.index(mouse)]
            eta[:, k] = p["Intercept"] + of_cond + inner
        expected = (np.exp(eta + p["stim"][:, None]) - np.exp(eta)).mean(axis=1)
        np.testing.assert_allclose(draws_of(model, p, "stim")["1 - 0"], expected, rtol=1e-8)


def test_in_chunks_as_at_once(monkeypatch):
    model, p = made("Power ~ stim + x + (stim|mouse)", "gamma")
    whole = draws_of(model, p, "stim", by="mouse")
    monkeypatch.setattr("winstan.effects.means.CHUNK", 5 * S)
    for key, values in draws_of(model, p, "stim", by="mouse").items():
        np.testing.assert_allclose(values, whole[key], rtol=1e-12)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        ({"treatment": "stmi"}, "'stmi'.*Did you mean 'stim'"),
        ({"treatment": "Power"}, "'Power', which is no predictor"),
        ({"treatment": "cond", "values": ["a", "B"]}, "no level 'B'. Did you mean 'b'"),
        ({"treatment": "cond", "values": ["a"]}, "two values at least"),
        ({"treatment": "cond", "values": "ab"}, "two values at least"),
        ({"treatment": "stim", "by": "mose"}, "by= names 'mose'.*Did you mean 'mouse'"),
        ({"treatment": "stim", "by": "stim"}, "the treatment itself"),
        ({"treatment": "stim", "scale": "log"}, "scale must be 'response' or 'link'"),
        ({"treatment": "stim", "scale": "link", "ratio": True}, "ratio=True"),
    ],
)
def test_unknown_names_and_options(call, message):
    model, p = made("Power ~ stim * cond + (1|mouse)", "gamma")
    with pytest.raises(OptionError, match=message):
        effects.contrast(model, p, **call)


def test_direction_and_summary_of_a_contrast():
    values = np.array([-3.0, -1.0, 0.0, 2.0, 5.0, 6.0, 7.0, 9.0, 11.0, 14.0])
    result = effects.Contrast("stim", ("1 - 0",), None, (None,), values.reshape(10, 1, 1), False)
    row = effects.contrast_table(result, 0.5, "eti").iloc[0]
    assert row["p_direction"] == 0.7
    assert row["mean"] == 5.0
    assert row["sd"] == pytest.approx(np.sqrt(np.sum((values - 5) ** 2) / 9))
    assert row["eti_25%"] == pytest.approx(0.5)
    assert row["eti_75%"] == pytest.approx(8.5)
    ratio = effects.Contrast("stim", ("1 / 0",), None, (None,), values.reshape(10, 1, 1), True)
    assert effects.contrast_table(ratio, 0.5, "eti").iloc[0]["p_direction"] == 0.7
    below = effects.Contrast("stim", ("1 - 0",), None, (None,), -values.reshape(10, 1, 1), False)
    assert effects.contrast_table(below, 0.5, "eti").iloc[0]["p_direction"] == 0.7


@pytest.mark.parametrize("prob", [0.5, 0.8, 0.94])
def test_highest_density_interval_is_the_shortest(prob):
    values = np.random.default_rng(2).gamma(2.0, 300.0, 500)
    ordered = np.sort(values)
    inside = int(np.floor(prob * 500))
    width, low = min((ordered[i + inside] - ordered[i], i) for i in range(500 - inside))
    lower, upper = effects.interval_ends(values, prob, "hdi")
    assert upper - lower == pytest.approx(width, rel=0.02)
    assert lower == pytest.approx(ordered[low], abs=0.02 * width)
    # A gamma's density falls from its mode: the highest density starts below the equal tails.
    assert lower < effects.interval_ends(values, prob, "eti")[0]


def test_names_of_intervals():
    assert effects.interval_names(0.94, "hdi") == ("hdi_3%", "hdi_97%")
    assert effects.interval_names(0.9, "eti") == ("eti_5%", "eti_95%")
    assert effects.interval_names(0.95, "hdi") == ("hdi_2.5%", "hdi_97.5%")
    assert effects.interval_names(0.999, "hdi") == ("hdi_0.05%", "hdi_99.95%")
    for prob, interval in ((0.94, "ci"), (94, "hdi"), (0, "hdi"), (1, "eti")):
        with pytest.raises(OptionError):
            effects.interval_names(prob, interval)


def observed(model, p, treatment, group, **options) -> pd.DataFrame:
    result = effects.contrast(model, p, treatment, **options)
    return effects.observed_contrast(model, result, options.get("values"), group)


def stimulated_less_not(means: pd.Series) -> pd.Series:
    return means.xs(1, level="stim") - means.xs(0, level="stim")


def test_observed_differences_are_those_of_pandas_group_means():
    model, p = made("Power ~ stim + (1|mouse)", "gamma")
    means = DATA.pivot_table(index="mouse", columns="stim", values="Power", aggfunc="mean")
    got = observed(model, p, "stim", "mouse").set_index("group")["difference"]
    pd.testing.assert_series_equal(
        got.sort_index(), (means[1] - means[0]), check_names=False, check_index_type=False
    )
    got = observed(model, p, "stim", "mouse", ratio=True).set_index("group")
    assert set(got["contrast"]) == {"1 / 0"}
    np.testing.assert_allclose(got["difference"][MICE], (means[1] / means[0])[MICE])


def test_observed_differences_of_several_values_and_their_order():
    model, p = made("y ~ cond + (1|mouse)", "gaussian")
    means = DATA.pivot_table(index="mouse", columns="cond", values="y", aggfunc="mean")
    got = observed(model, p, "cond", "mouse", values=["c", "a", "b"])
    for label, level in (("a - c", "a"), ("b - c", "b")):
        part = got[got["contrast"] == label].set_index("group")["difference"]
        np.testing.assert_allclose(part[MICE], (means[level] - means["c"])[MICE])


def test_observed_proportions_are_of_all_trials():
    model, p = made("p(hits, of) ~ stim + (1|mouse)", "binomial", weights="n")
    sums = (
        DATA.assign(hits=DATA["hits"] * DATA["n"], of=DATA["of"] * DATA["n"])
        .groupby(["mouse", "stim"])[["hits", "of"]]
        .sum()
    )
    rate = sums["hits"] / sums["of"]
    got = observed(model, p, "stim", "mouse").set_index("group")["difference"]
    np.testing.assert_allclose(got[MICE], stimulated_less_not(rate)[MICE])


def test_observed_counts_are_rates_where_there_is_exposure():
    model, p = made("count ~ stim + offset(np.log(hours)) + (1|mouse)", "poisson")
    sums = DATA.groupby(["mouse", "stim"])[["count", "hours"]].sum()
    rate = sums["count"] / sums["hours"]
    got = observed(model, p, "stim", "mouse").set_index("group")["difference"]
    np.testing.assert_allclose(got[MICE], stimulated_less_not(rate)[MICE])
    shifted, p = made("y ~ stim + offset(x) + (1|mouse)", "gaussian")
    means = DATA.assign(y=DATA["y"] - DATA["x"]).groupby(["mouse", "stim"])["y"].mean()
    got = observed(shifted, p, "stim", "mouse").set_index("group")["difference"]
    np.testing.assert_allclose(got[MICE], stimulated_less_not(means)[MICE])


def test_groups_with_one_side_have_no_observed_difference():
    data = DATA[~((DATA["mouse"] == "m2") & (DATA["stim"] == 1))]
    model, p = made("y ~ stim + (1|mouse)", "gaussian", data=data)
    got = observed(model, p, "stim", "mouse")
    assert sorted(got["group"]) == ["m0", "m1", "m3", "m4", "m5"]


def test_a_treatment_between_groups_compares_the_averages_of_group_means():
    model, p = made("y ~ sex + (1|mouse)", "gaussian")
    got = observed(model, p, "sex", "mouse")
    means = DATA.groupby("mouse")["y"].mean()
    assert got["group"].tolist() == [None]
    expected = means[["m1", "m3", "m5"]].mean() - means[["m0", "m2", "m4"]].mean()
    assert got["difference"].tolist() == pytest.approx([expected])


def test_observed_differences_within_each_level_of_by():
    model, p = made("y ~ stim * cond + (1|mouse)", "gaussian")
    got = observed(model, p, "stim", "mouse", by="cond").set_index(["cond", "group"])
    expected = stimulated_less_not(DATA.groupby(["cond", "mouse", "stim"])["y"].mean()).dropna()
    assert set(got.index) == set(expected.index)
    for key, value in expected.items():
        assert got.loc[key, "difference"] == pytest.approx(value)


def test_observed_difference_of_all_rows_without_groups_and_none_for_one_more():
    model, p = made("y ~ stim + x", "gaussian")
    got = observed(model, p, "stim", None)
    means = DATA.groupby("stim")["y"].mean()
    assert got["difference"].tolist() == pytest.approx([means[1] - means[0]])
    empty = observed(model, p, "x", None)
    assert empty.empty
    assert list(empty.columns) == ["contrast", "group", "difference"]


def test_intercepts_are_the_mean_at_zero_with_the_groups_own_effect():
    model, p = made("Power ~ stim + x + (stim|mouse)", "gamma")
    table = effects.group_intercepts(model, p, "mouse", 0.9, "eti").set_index("level")
    for j, mouse in enumerate(MICE):
        values = np.exp(p["Intercept"] + p["1|mouse"][:, j])
        assert table.loc[mouse, "mean"] == pytest.approx(values.mean())
        assert table.loc[mouse, "sd"] == pytest.approx(values.std(ddof=1))
        assert table.loc[mouse, "eti_5%"] == pytest.approx(np.quantile(values, 0.05))
    model, p = made("Power ~ 0 + x + (1|mouse)", "lognormal")
    table = effects.group_intercepts(model, p, "mouse", 0.9, "hdi").set_index("level")
    values = np.exp(p["1|mouse"][:, 2] + p["sigma"] ** 2 / 2)
    assert table.loc["m2", "mean"] == pytest.approx(values.mean())


def test_intercepts_that_the_model_does_not_have():
    model, p = made("y ~ x + (0 + x|mouse)", "gaussian")
    with pytest.raises(OptionError, match=r"no term \(1\|mouse\)"):
        effects.group_intercepts(model, p, "mouse", 0.94, "hdi")
    with pytest.raises(OptionError, match=r"'mose' is no group factor.*Did you mean 'mouse'"):
        effects.group_intercepts(model, p, "mose", 0.94, "hdi")
    with pytest.raises(OptionError, match="no group term"):
        made_fit(model_of("y ~ x", DATA, "gaussian")).intercepts()


def test_raw_rows_under_the_intercepts():
    model, _ = made("p(hits, of) ~ stim + (1|mouse)", "binomial")
    rows = effects.intercept_data(model, "mouse", "stim")
    assert rows["level"].tolist() == DATA["mouse"].tolist()
    assert rows["treatment"].tolist() == DATA["stim"].tolist()
    np.testing.assert_allclose(rows["value"], DATA["hits"] / DATA["of"])
    model, _ = made("y ~ x + (1|mouse)", "gaussian")
    with pytest.raises(OptionError, match="'x' has 48 values"):
        effects.intercept_data(model, "mouse", "x")
    with pytest.raises(OptionError, match="treatment= names 'stim'"):
        effects.intercept_data(model, "mouse", "stim")


@pytest.mark.parametrize(
    ("formula", "family", "label"),
    [
        ("Power ~ stim", "gamma", "Power"),
        ("np.log10(Power) ~ stim", "gaussian", "np.log10(Power)"),
        ("p(hits, of) ~ stim", "binomial", "proportion of hits"),
        ("ok ~ stim", "bernoulli", "P(ok)"),
        ("sex ~ stim", "bernoulli", "P(sex = m)"),
    ],
)
def test_what_the_means_are_means_of(formula, family, label):
    assert effects.response_label(model_of(formula, DATA, family)) == label


def test_tables_of_a_fit():
    fit = made_fit(model_of("Power ~ stim * cond + (1|mouse)", DATA, "gamma"), draws=100)
    table = fit.contrast("cond", by="stim", prob=0.8)
    assert list(table) == ["contrast", "stim", "mean", "sd", "hdi_10%", "hdi_90%", "p_direction"]
    assert table["contrast"].tolist() == ["b - a", "b - a", "c - a", "c - a"]
    assert table["stim"].tolist() == [0, 1, 0, 1]
    long = fit.contrast("cond", by="stim", draws=True)
    assert list(long) == ["contrast", "stim", "draw", "value"]
    assert len(long) == 4 * 400
    means = long.groupby(["contrast", "stim"])["value"].mean()
    np.testing.assert_allclose(table.set_index(["contrast", "stim"])["mean"], means)
    assert fit.intercepts()["level"].tolist() == MICE


@pytest.mark.filterwarnings("ignore::winstan.errors.DesignWarning")
@pytest.mark.parametrize(
    ("formula", "family", "options"),
    [
        ("y ~ sex + (1|mouse)", "gaussian", {"treatment": "sex"}),
        ("y ~ stim * sex + (1|mouse)", "gaussian", {"treatment": "stim", "by": "sex"}),
        ("y ~ sex * stim + (1|mouse)", "gaussian", {"treatment": "sex", "by": "stim"}),
        ("Power ~ cond + (1|mouse)", "gamma", {"treatment": "cond", "by": "mouse"}),
        ("Power ~ cond", "gamma", {"treatment": "cond", "ratio": True}),
        ("Power ~ x + (1|mouse)", "gamma", {"treatment": "x", "by": "mouse"}),
        ("p(hits, of) ~ stim + (1|sex/mouse)", "binomial", {"treatment": "stim"}),
    ],
)
def test_every_contrast_can_be_drawn(formula, family, options, tmp_path):
    fit = made_fit(model_of(formula, DATA, family), draws=100)
    fit.plot_difference(**options).save(tmp_path / "a.png", verbose=False)
    assert (tmp_path / "a.png").stat().st_size > 5000


def nested(seed: int = 1) -> pd.DataFrame:
    """Casks within batches whose levels are far apart, and conditions."""
    rng = np.random.default_rng(seed)
    batch, cask, cond = (x.ravel() for x in np.meshgrid(range(5), range(3), range(3)))
    return pd.DataFrame(
        {
            "batch": np.array(list("vwxyz"))[batch],
            "cask": np.array(["k0", "k1", "k2"])[cask],
            "cond": np.array(["a", "b", "c"])[cond],
            "dose": cond * 5,
            "y": 100.0 * batch + 10.0 * cask + rng.normal(size=batch.size),
        }
    )


def intercepts(model, p, factor: str) -> pd.DataFrame:
    return effects.group_intercepts(model, p, factor, 0.94, "hdi").set_index("level")


def test_intercepts_without_a_population_intercept_average_its_factor():
    model, p = made("Power ~ 0 + cond + stim + (cond|mouse)", "gamma")
    table = intercepts(model, p, "mouse")
    for j, mouse in enumerate(MICE):
        cells = [
            np.exp(
                p["cond"][:, k]
                + p["1|mouse"][:, j]
                + (p["cond|mouse"][:, k - 1, j] if k > 0 else 0)
            )
            for k in range(3)
        ]
        assert table.loc[mouse, "mean"] == pytest.approx(np.mean(cells))
    assert table.attrs["at"] == "at stim = 0, averaged over cond"
    model, p = made("y ~ 0 + cond + stim:cond + (1|mouse)", "gaussian")
    expected = (p["cond"].mean(axis=1) + p["1|mouse"][:, 1]).mean()
    assert intercepts(model, p, "mouse").loc["m1", "mean"] == pytest.approx(expected)
    model, p = made("y ~ 0 + C(cond, Sum) + (1|mouse)", "gaussian")
    expected = (p["C(cond, Sum)"][:, 0] + p["1|mouse"][:, 1]).mean()
    assert intercepts(model, p, "mouse").loc["m1", "mean"] == pytest.approx(expected)


def test_nested_intercepts_have_the_effect_of_the_factor_around_them():
    model, p = made("y ~ 1 + (1|batch/cask)", "gaussian", data=nested())
    table = intercepts(model, p, "batch:cask")
    for j, level in enumerate(table.index):
        around = p["1|batch"][:, "vwxyz".index(level[0])]
        expected = p["Intercept"] + around + p["1|batch:cask"][:, j]
        assert table.loc[level, "mean"] == pytest.approx(expected.mean())
    expected = (p["Intercept"] + p["1|batch"][:, 2]).mean()
    assert intercepts(model, p, "batch").loc["x", "mean"] == pytest.approx(expected)
    assert table.attrs["at"] == ""


def test_crossed_intercepts_are_apart():
    data = nested().assign(other=np.arange(45) % 5)
    model, p = made("y ~ 1 + (1|batch) + (1|other)", "gaussian", data=data)
    expected = (p["Intercept"] + p["1|batch"][:, 2]).mean()
    assert intercepts(model, p, "batch").loc["x", "mean"] == pytest.approx(expected)


@pytest.mark.parametrize(
    ("common", "at"),
    [
        ("x + stim", "at x = 0, stim = 0"),
        ("cond * stim", "at cond = a, stim = 0"),
        ('C(cond, Treatment("b")) + np.log(x)', "at cond = b, np.log(x) = 0"),
        ("x + I(x ** 2) + C(cond, Sum)", "at x = 0, averaged over cond"),
    ],
)
def test_intercepts_say_what_the_predictors_are_held_at(common, at):
    fit = made_fit(model_of(f"Power ~ {common} + (1|mouse)", DATA, "gamma"), draws=50)
    assert fit.intercepts().attrs["at"] == at
    assert (
        fit.plot_intercepts().labels.caption.replace("\n", " ").startswith(f"posterior mean {at}")
    )


@pytest.mark.parametrize(
    ("term", "labels"),
    [
        ('C(cond, Treatment("b"))', ["a - b", "c - b"]),
        ('C(cond, Treatment(reference="c"))', ["a - c", "b - c"]),
        ("C(cond, levels=['c', 'a', 'b'])", ["a - c", "b - c"]),
        ("C(cond, Treatment('a'), ['c', 'a', 'b'])", ["c - a", "b - a"]),
        ("T(cond, 'b')", ["a - b", "c - b"]),
        ("C(cond, Sum)", ["b - a", "c - a"]),
    ],
)
def test_contrasts_have_the_reference_and_order_of_the_formula(term, labels):
    model, p = made(f"y ~ {term} * stim + (1|mouse)", "gaussian")
    got = draws_of(model, p, "cond", by="stim")
    assert list(dict.fromkeys(label for label, _ in got)) == labels
    if "Sum" not in term:
        name = next(t.name for t in model.design.terms)
        for k, label in enumerate(sorted(labels) if "Tr" not in term else labels):
            np.testing.assert_allclose(got[label, 0], p[name][:, k], rtol=1e-8)
    assert observed(model, p, "cond", "mouse")["contrast"].unique().tolist() == labels


@pytest.mark.parametrize("prob", [2, 0, -1, "a", None, float("nan")])
def test_probabilities_that_are_none(prob, recwarn):
    fit = made_fit(model_of("Power ~ stim + (1|mouse)", DATA, "gamma"), draws=20)
    for interval in effects.INTERVALS:
        with pytest.raises(OptionError, match="prob must be a number between 0 and 1"):
            fit.contrast("stim", prob=prob, interval=interval)
    for call in (fit.intercepts, fit.plot_intercepts):
        with pytest.raises(OptionError, match="prob must be"):
            call(prob=prob)
    with pytest.raises(OptionError, match="prob must be"):
        fit.plot_difference("stim", prob=prob)


def test_values_that_cannot_be_compared():
    model, p = made("Power ~ stim + (1|mouse)", "gamma")
    with pytest.raises(OptionError, match=r"two values at least.*values=\[0, 1\]; got \[5\]"):
        effects.contrast(model, p, "stim", values=5)
    for value in ("b", None, float("inf")):
        with pytest.raises(OptionError, match="'stim' has no level"):
            effects.contrast(model, p, "stim", values=[0, value])


def test_levels_are_found_by_how_they_are_written():
    for term in ("stim", "C(stim)"):
        model, p = made(f"y ~ {term} + (1|mouse)", "gaussian")
        assert list(draws_of(model, p, "stim", values=["0", "1"])) == ["1 - 0"]
        assert len(observed(model, p, "stim", "mouse", values=["0", "1"])) == len(MICE)


def test_ratios_need_positive_means():
    for family in ("gaussian", "student"):
        fit = made_fit(model_of("y ~ stim + (1|mouse)", DATA, family), draws=50)
        with pytest.raises(OptionError, match=r"needs a positive mean.*ratio=False"):
            fit.contrast("stim", ratio=True)
        with pytest.raises(OptionError, match="ratio=True needs a positive mean"):
            fit.plot_difference("stim", ratio=True)
    model, p = made("y ~ stim + (1|mouse)", "gaussian")
    p["Intercept"] = p["Intercept"] + 100
    assert (draws_of(model, p, "stim", ratio=True)["1 / 0"] > 0).all()


@pytest.mark.slow
def test_a_fit_by_stan_finds_the_difference_that_is_there():
    trials = ws.simulate_lfp(n_mice=6, n_trials=25, seed=3)
    fit = ws.fit(
        "`Log power` ~ stim + (1|mouse)",
        trials,
        chains=2,
        warmup=200,
        draws=500,
        seed=1,
        progress=False,
    )
    row = fit.contrast("stim").iloc[0]
    means = trials.pivot_table(index="mouse", columns="stim", values="Log power")
    # A balanced gaussian model: the posterior's centre is the mean of the observed differences.
    difference = (means[1] - means[0]).mean()
    assert abs(row["mean"] - difference) < 5 * row["sd"] / np.sqrt(500) + 0.05 * row["sd"]
    assert row["hdi_3%"] < difference < row["hdi_97%"]
    assert row["p_direction"] > 0.99
