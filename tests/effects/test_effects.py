"""Contrasts are what plain loops over draws and rows give."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from effects_cases import DATA, MICE, S, draws_of, made, observed, over_groups
from scipy import stats

from winstan import effects
from winstan.errors import OptionError
from winstan.tuning import Tuning


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
    table = effects.contrast_table(effects.contrast(model, p, "stim"), 0.9, "hdi")
    assert table.attrs["estimand"] == "in a typical mouse, at an offset of zero"
    model, p = made("count ~ stim + offset(np.log(hours))", "poisson")
    table = effects.contrast_table(effects.contrast(model, p, "stim"), 0.9, "hdi")
    assert table.attrs["estimand"] == "at an offset of zero"
    assert "groups" not in table
    with pytest.raises(OptionError, match="'hours' is in an offset alone"):
        effects.contrast(model, p, "stim", by="hours")


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


def test_in_chunks_as_at_once():
    model, p = made("Power ~ stim + x + (stim|mouse)", "gamma")
    whole = draws_of(model, p, "stim", by="mouse")
    model = replace(model, tuning=Tuning(chunk=5 * S))
    for key, values in draws_of(model, p, "stim", by="mouse").items():
        np.testing.assert_allclose(values, whole[key], rtol=1e-12)


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
