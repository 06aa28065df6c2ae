"""Combinations of levels that no row has: left out of cell means, named where they are needed."""

from __future__ import annotations

import re
import warnings

import numpy as np
import pandas as pd
import pytest
from design_cases import design_of
from models import model_of

import winstan as ws
from winstan.backends import backend_named
from winstan.design_warnings import silenced
from winstan.errors import EmptyCellError


def cells(missing=(("a3", "b1"),), seed=7) -> pd.DataFrame:
    """Six rows in each cell that there is, and a response far from zero."""
    rng = np.random.default_rng(seed)
    rows = [
        (a, b, g)
        for a in ("a1", "a2", "a3") for b in ("b0", "b1") for g in range(6)
        if (a, b) not in missing
    ]  # fmt: skip
    data = pd.DataFrame(rows, columns=["a", "b", "id"])
    data["y"] = 50 + (data["a"] == "a2") + 2 * (data["b"] == "b1") + rng.normal(size=len(data))
    return data.assign(zero=0.0, x=rng.normal(size=len(data)), a_b=data["a"] + "_" + data["b"])


EMPTY = [(("a3", "b1"),), (("a1", "b0"), ("a2", "b1"))]


@pytest.mark.parametrize("missing", EMPTY)
@pytest.mark.parametrize(("extra", "same"), [("", ""), (" + x", " + x"), (" + (1|id)", "")])
def test_means_of_the_cells_that_there_are_have_columns(missing, extra, same):
    data = cells(missing)
    with pytest.warns(ws.DesignWarning, match=f"{len(missing)} combination") as caught:
        design = design_of(f"y ~ 0 + a:b{extra}", data)
    (told,) = [w.message for w in caught if w.message.guard == "empty_cells"]
    for a, b in missing:
        assert f"'{a}, {b}'" in str(told)
    combined = design_of(f"y ~ 0 + a_b{same}", data)
    np.testing.assert_array_equal(
        design.X[design.row][:, :6 - len(missing)],
        combined.X[combined.row][:, :6 - len(missing)],
    )  # fmt: skip
    term = design.terms[0]
    assert term.labels == tuple(name.replace("_", ", ") for name in sorted(set(data["a_b"])))
    assert [c for t in design.terms for c in t.columns] == list(range(design.X.shape[1]))


def test_silenced_and_complete_cells_say_nothing():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        design_of("y ~ 0 + a:b", cells(()))
        with silenced("empty_cells"):
            assert design_of("y ~ 0 + a:b", cells()).X.shape[1] == 5


@pytest.mark.parametrize(
    "formula", ["y ~ a*b", "y ~ 0 + a*b", "y ~ a + b + a:b + x", "y ~ a/b", "y ~ 0 + a:b:x + a"]
)
@pytest.mark.parametrize("missing", EMPTY)
def test_differences_that_need_an_empty_cell_name_the_combined_column(formula, missing):
    made = 'data["a_b"] = data["a"].astype(str) + "_" + data["b"].astype(str)'
    told = f"of 6 combinations of 'a' and 'b' the data have {6 - len(missing)}"
    with pytest.raises(ws.DataError, match=rf"(?i){told}.*{re.escape(made)}.*`a_b`"):
        design_of(formula, cells(missing))


def test_a_number_that_is_zero_everywhere_is_called_so():
    for formula in ("y ~ zero", "y ~ x + zero + (1|id)", "y ~ 0 + a + zero", "y ~ a:zero + x"):
        with pytest.raises(ws.DataError, match=r"zero.* is zero in every row") as caught:
            design_of(formula, cells(()))
        assert "level" not in str(caught.value)
        assert "combination" not in str(caught.value)


@pytest.mark.filterwarnings("ignore::winstan.DesignWarning", "ignore::winstan.ConvergenceWarning")
def test_the_engines_and_effects_know_the_cells_that_there_are():
    data = cells()
    options = {"seed": 1, "progress": False, "chains": 2, "draws": 500}
    fit = ws.fit("y ~ 0 + a:b", data, **options)
    means = data.groupby(["a", "b"])["y"].mean()
    for (a, b), mean in means.items():
        assert fit.summary().loc[f"a:b[{a}, {b}]", "mean"] == pytest.approx(mean, abs=0.25)
    assert len(fit.predict(data)) == len(data)
    lonely = pd.DataFrame({"a": ["a1", "a3"], "b": ["b1", "b1"]})
    for needed in (
        lambda: fit.predict(lonely),
        lambda: fit.contrast("b"),
        lambda: fit.conditional("a", by="b"),
        fit.effects,
    ):
        with pytest.raises(EmptyCellError, match=r"'a:b\[a3, b1\]'.*'a_b'"):
            needed()
    found = ws.lme("y ~ 0 + a:b + (1|id)", data, silence="all").table["Coef."]
    np.testing.assert_allclose(found, means, atol=1e-6)  # balanced
    with pytest.raises(ws.BackendError, match=r"'a:b\[a3, b1\]'"):
        backend_named("bambi").code(fit.model)


COUNTS = {
    # The bound is the mean, or probability, at which so extreme a sample has a chance of 5%.
    "poisson": ("z ~ x", "All counts of 'z' are zero, in 40 rows", 3.0 / 40),
    "negative_binomial": ("z ~ x", "All counts of 'z' are zero, in 40 rows", 3.0 / 40),
    "bernoulli": ("z ~ x", "all 40 rows are failures", 0.0722),
    "bernoulli, ones": ("one ~ x", "all 40 rows are successes", 0.928),
    "binomial": ("p(z, n) ~ x", "all 400 trials, of 40 rows, are failures", 0.00746),
    "binomial, all": ("p(n, n) ~ x", "all 400 trials, of 40 rows, are successes", 0.993),
}


@pytest.mark.parametrize("case", COUNTS)
def test_counts_at_the_edge_have_words_of_their_own(case):
    formula, words, bound = COUNTS[case]
    data = pd.DataFrame({"x": np.arange(40.0) % 7, "z": 0, "one": 1, "n": 10})
    with pytest.raises(ws.DataError, match=words) as caught:
        model_of(formula, data, case.partition(",")[0])
    (shown,) = re.findall(r"\((?:below|above) ([\d.]+)", str(caught.value))
    assert float(shown) == pytest.approx(bound, rel=0.01)
