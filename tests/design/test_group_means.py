"""within(x, g) and between(x, g): means of groups by pandas, kept for new rows."""

import pickle

import numpy as np
import pandas as pd
import pytest
from design_cases import design_of, full, some_data
from effects_cases import draws_of, made
from models import model_of

from winstan.design import evaluate
from winstan.errors import DataError, FormulaError


def means(data, x, by, weights=None):
    """Each row's group mean, by pandas, of whole weights as rows repeated."""
    repeated = data if weights is None else data.loc[data.index.repeat(data[weights])]
    return data[by].map(repeated.groupby(by)[x].mean())


@pytest.mark.parametrize("by", ["g", "h"])
@pytest.mark.parametrize("weights", [None, "n"])
def test_means_are_of_all_rows_with_their_weights(by, weights):
    data = some_data().assign(n=np.arange(90) % 3 + 1)
    data["x"] += 1e6 * data["x"] + 1e8  # far from zero
    design = design_of(f"y ~ within(x, {by}) + between(x, {by})", data, weights=weights)
    assert design.column_names == (f"within(x, {by})", f"between(x, {by})")
    assert len(design.X) < 90  # rows are shared
    mean = means(data, "x", by, weights)
    expected = np.column_stack([data["x"] - mean, mean])
    np.testing.assert_allclose(full(design)[:, 1:], expected, rtol=1e-12, atol=1e-6)


def test_several_columns_expressions_interactions_and_the_left_side():
    data = some_data()
    design = design_of("within(y, g) ~ b:within(np.log(pos), g, h) + (between(x, b)|g)", data)
    log = np.log(data["pos"])
    rest = log - log.groupby([data["g"], data["h"]]).transform("mean")
    expected = np.column_stack([rest * (data["b"] == level) for level in "uv"])
    np.testing.assert_allclose(full(design)[:, 1:], expected, atol=1e-12)
    mean = data.groupby("b")["x"].transform("mean")
    np.testing.assert_allclose(design.groups[0].Z[design.row, 1], mean, atol=1e-12)
    y = data["y"] - data.groupby("g")["y"].transform("mean")
    np.testing.assert_allclose(design.response.y, y, atol=1e-12)


def test_known_groups_keep_their_means_and_new_ones_have_their_own():
    data = some_data()
    design = design_of("y ~ within(x, g) + between(x, g) + (1|g)", data)
    new = pd.DataFrame({"x": [3.0, 5.0, 9.0, 11.0], "g": ["m1", "new", "new", "m2"]})
    kept = data.groupby("g")["x"].mean()
    mean = np.array([kept["m1"], 7.0, 7.0, kept["m2"]])
    for one in (design, pickle.loads(pickle.dumps(design))):
        rows = evaluate(one, new)
        expected = np.column_stack([new["x"] - mean, mean])
        np.testing.assert_allclose(rows.X, expected, atol=1e-12)
        assert rows.level[0].tolist() == [1, -1, -1, 2]
    # A column that is a predictor too has no new levels.
    both = design_of("y ~ within(x, g) + g", data)
    with pytest.raises(DataError, match="unknown level 'new'"):
        evaluate(both, new)


def test_the_contrast_of_x_is_within_groups():
    model, p = made("y ~ within(x, mouse) + between(x, mouse) + (1|mouse)", "gaussian")
    (values,) = draws_of(model, p, "x", slope=True).values()
    np.testing.assert_allclose(values, p["within(x, mouse)"], rtol=1e-6)


def test_means_beside_the_callers_function_of_that_name():
    def within(x, low):
        return x > low

    design = design_of("y ~ within(x, 0)", some_data(), {"within": within})
    assert set(np.unique(design.X)) == {0.0, 1.0}


@pytest.mark.parametrize(
    ("term", "error", "words"),
    [
        ("within(x)", FormulaError, ["within(x, g) takes a predictor and the column"]),
        ("within(x, 3)", FormulaError, ["not within(x, 3)"]),
        ("within(x, g=g)", FormulaError, ["not within(x, g=g)"]),
        ("between(x, nowhere)", DataError, ["'nowhere'"]),
        ("within(a, g)", DataError, ["Cannot evaluate 'within(a, g)'"]),
        ("within(own, g)", DataError, ["'within(own, g)' is zero in every row"]),
        ("x + within(x, g) + between(x, g)", DataError, ["'between(x, g)' = 'x' - ", "repeats"]),
    ],
)
def test_what_has_no_means_is_refused(term, error, words):
    data = some_data()
    data["own"] = data["g"].str[1:].astype(int) / 7 + 0.1
    with pytest.raises(error) as raised:
        model_of(f"y ~ {term}", data, "gaussian")
    assert all(word in str(raised.value) for word in words), str(raised.value)
