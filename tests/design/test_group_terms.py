"""Group terms: the levels that rows have, the effects of each, and what is said of them."""

import warnings
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from design_cases import design_of, some_data

from winstan.errors import DesignWarning

LME4 = Path(__file__).resolve().parents[3] / "shared" / "reference" / "lme4"


@pytest.fixture
def data():
    return some_data()


@pytest.mark.skipif(not LME4.exists(), reason="the reference data are not here")
def test_nested_groups_have_observed_cells_only():
    pastes = pd.read_csv(LME4 / "Pastes.csv")
    crossed = pastes["batch"].nunique() * pastes["cask"].nunique()
    text = "strength ~ 1 + (1|batch/cask)"
    batch, cask = design_of(text, pastes).groups
    assert batch.factor == "batch"
    assert batch.levels == tuple("ABCDEFGHIJ")
    assert cask.factor == "batch:cask"
    assert set(cask.levels) == set(pastes["sample"])
    assert len(cask.levels) == 30 == crossed

    fewer = pastes[pastes["sample"] != "C:b"]
    levels = design_of(text, fewer).groups[1].levels
    assert len(levels) == 29
    assert "C:b" not in levels


def test_nested_groups_by_hand():
    data = pd.DataFrame(
        {
            "y": np.arange(7.0),
            "litter": [10, 10, 2, 2, 2, 30, 30],
            "pup": ["b", "a", "a", "c", "a", "b", "b"],
        }
    )
    with pytest.warns(DesignWarning, match="'litter' has only 3 levels"):
        litter, pup = design_of("y ~ 1 + (1|litter/pup)", data).groups
    assert litter.levels == (2, 10, 30)  # the user's own type, in order
    assert all(type(level) is int for level in litter.levels)
    assert pup.levels == ("2:a", "2:c", "10:a", "10:b", "30:b")
    row = design_of_row(data, "y ~ 1 + (1|litter/pup)")
    assert [pup.levels[i] for i in pup.level[row]] == [
        f"{a}:{b}" for a, b in zip(data["litter"], data["pup"], strict=True)
    ]


def design_of_row(data, text):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DesignWarning)
        return design_of(text, data).row


def test_effects_of_a_group_term(data):
    design = design_of("y ~ 1 + (x + a|g) + (0 + b||h)", data)
    first, second = design.groups
    assert [(e.name, e.labels, e.columns) for e in first.effects] == [
        ("1", (), (0,)),
        ("x", (), (1,)),
        ("a", ("q", "r"), (2, 3)),
    ]
    assert first.correlated
    a = data["a"]
    expected = np.c_[np.ones(90), data["x"], a == "q", a == "r"]
    np.testing.assert_array_equal(first.Z[design.row], expected)
    assert [(e.name, e.labels, e.columns) for e in second.effects] == [("b", ("u", "v"), (0, 1))]
    assert not second.correlated
    assert second.levels == tuple(range(7))


def test_group_terms_stay_on_the_raw_scale(data):
    data["year"] = 2000 + data["x"]
    design = design_of("y ~ year + (year|g)", data)
    np.testing.assert_array_equal(design.groups[0].Z[design.row][:, 1], data["year"])


def test_a_level_for_every_row_is_allowed(data):
    data["id"] = np.arange(90)
    (group,) = design_of("y ~ x + (1|id)", data).groups
    assert len(group.levels) == 90


def test_few_levels_warn_with_a_remedy(data):
    with pytest.warns(
        DesignWarning, match=r"'a' has only 3 levels.*population-level.*'1\|a_sigma'"
    ):
        design_of("y ~ x + (1|a)", data)


def test_factors_that_part_the_rows_alike_warn(data):
    data["alias"] = "the " + data["g"]
    with pytest.warns(DesignWarning, match=r"'g' and 'alias' part the rows in the same way"):
        design_of("y ~ x + (1|g) + (1|alias)", data)


def test_a_group_of_more_combinations_than_an_integer_holds_keeps_its_levels_names():
    # 300 values in each of eight columns: 300^8 > 2^65
    rng = np.random.default_rng(0)
    names = [f"l{k}" for k in range(8)]
    data = pd.DataFrame({n: [f"{n}v{v}" for v in rng.permutation(300).repeat(2)] for n in names})
    data["y"] = rng.normal(size=600)
    design = design_of("y ~ 1 + (1|" + ":".join(names) + ")", data)
    (group,), (factor,) = design.groups, design.memory.factors
    of_row = data[names].agg(":".join, axis=1)
    assert sorted(group.levels) == sorted(set(of_row))
    assert [group.levels[level] for level in group.level[design.row]] == of_row.tolist()
    # New rows are found again; of other combinations of known values none is
    np.testing.assert_array_equal(factor.find(data), group.level[design.row])
    other = data.assign(l7=np.roll(data["l7"], 2))
    assert (factor.find(other) == -1).all()
    assert (factor.find(data.assign(l0="new")) == -1).all()


def test_levels_of_several_columns_stand_in_the_order_of_the_columns_levels():
    data = pd.DataFrame({"a": [2, 1, 2, 1, 10, 2], "b": list("yxxyxy"), "y": np.arange(6.0)})
    design = design_of("y ~ 1 + (1|a:b)", data)
    assert design.groups[0].levels == ("1:x", "1:y", "2:x", "2:y", "10:x")


def test_pairs_of_four_effects_are_row_by_row():
    """As the lower triangle of their correlation matrix is filled, which has LKJ's prior."""
    rng = np.random.default_rng(3)
    data = pd.DataFrame(rng.normal(size=(60, 4)), columns=["y", "a", "b", "c"])
    (group,) = design_of("y ~ (a + b + c|g)", data.assign(g=np.arange(60) % 10)).groups
    names = "Intercept, a; Intercept, b; a, b; Intercept, c; a, c; b, c"
    assert "; ".join(group.pairs) == names
