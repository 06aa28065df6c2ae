"""Functions of whole columns on distinct rows: what formulae says of all rows one by one."""

import numpy as np
import pytest
from formulae.transforms import TRANSFORMS

from winstan.formula.counted import COUNTED, quantiles

RNG = np.random.default_rng(8)
X = RNG.choice(RNG.gamma(2.0, 3.0, 40), 40, replace=False)
COUNTS = RNG.integers(1, 60, 40)
NEW = np.linspace(X.min(), X.max(), 17)
CALLS = [
    ("center", {}),
    ("scale", {}),
    ("standardize", {}),
    ("poly", {"degree": 1}),
    ("poly", {"degree": 4}),
    ("poly", {"degree": 3, "raw": True}),
    ("bs", {"df": 4}),
    ("bs", {"df": 7, "intercept": True}),
    ("bs", {"df": 5, "degree": 2, "lower_bound": -1.0, "upper_bound": 99.0}),
    ("bs", {"knots": [3.0, 5.0]}),
]


@pytest.mark.parametrize(("function", "options"), CALLS)
def test_columns_are_formulae_s_of_all_rows_and_of_new_ones(function, options):
    theirs, ours = TRANSFORMS[function](), COUNTED[function](COUNTS.astype(float))
    everything = np.repeat(X, COUNTS)
    expected = theirs(everything, **options)
    found = np.repeat(ours(X, **options), COUNTS, axis=0)
    np.testing.assert_allclose(found, expected, rtol=1e-11, atol=1e-12)
    np.testing.assert_allclose(ours(NEW, **options), theirs(NEW, **options), rtol=1e-9, atol=1e-11)


@pytest.mark.parametrize("function", ["center", "scale", "poly", "bs"])
def test_without_counts_each_row_occurs_once(function):
    options = {"df": 5} if function == "bs" else {}
    np.testing.assert_allclose(
        COUNTED[function]()(X, **options), TRANSFORMS[function]()(X, **options), rtol=1e-12
    )


@pytest.mark.parametrize("counts", [np.ones(40), COUNTS, np.eye(1, 40)[0] * 10**9 + 1])
def test_quantiles_are_numpy_s(counts):
    probs = np.array([0.0, 0.1, 1 / 3, 0.5, 0.99, 1.0])
    if counts.max() < 1e6:
        expected = np.quantile(np.repeat(X, counts.astype(int)), probs)
    else:  # of a thousand million and one of the first value
        expected = [X.min(), *[X[0]] * 4, X.max()]
    np.testing.assert_allclose(quantiles(X, counts, probs), expected, rtol=1e-12)


@pytest.mark.parametrize(
    ("options", "said"),
    [({"df": 2}, "too small"), ({"df": "4"}, "integer"), ({}, "either 'df' or 'knots'")],
)
def test_what_formulae_refuses_it_refuses_still(options, said):
    with pytest.raises(ValueError, match=said):
        COUNTED["bs"](COUNTS.astype(float))(X, **options)
