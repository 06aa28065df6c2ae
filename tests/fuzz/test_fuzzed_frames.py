"""Frames and formulas of any kind become a valid model, or an error of winstan's own."""

from __future__ import annotations

import warnings

import numpy as np
import polars as pl
import pytest
from work_limit import seconds_of_work

from winstan.errors import DesignWarning, WinstanError, collected_warnings
from winstan.families import FAMILIES
from winstan.fitted.pipeline import model_from

pytest.importorskip("hypothesis")
from fuzzing import examples, frames, grammatical, plausible
from hypothesis import given
from hypothesis import strategies as st

LINKS = (None, None, None, "log", "identity", "logit", "inverse", "sqrt", "probit", "softmax")


@examples(40, share=0.3)
@given(
    data=frames(),
    formula=st.one_of(plausible, plausible, plausible, grammatical),
    family=st.sampled_from(("gaussian", "poisson", *FAMILIES)),
    link=st.sampled_from(LINKS),
    weights=st.sampled_from((None, None, None, "w", "x", "none")),
    trials=st.sampled_from((None, None, "t", 9)),
    center=st.booleans(),
    kind=st.sampled_from(("pandas", "pandas", "polars", "lists")),
)
@pytest.mark.slow
def test_a_valid_model_or_an_error_of_winstans_own(
    data, formula, family, link, weights, trials, center, kind
):
    given_data, before = as_kind(data, kind), data.copy(deep=True)
    options = {"link": link, "weights": weights, "trials": trials, "center": center}
    with (
        seconds_of_work(60),
        collected_warnings() as said,
        warnings.catch_warnings(),
    ):
        warnings.simplefilter("error")  # a library's own warning is a leak as well
        try:
            model = model_from(formula, given_data, family, {}, **options)
        except WinstanError:
            return
    assert all(isinstance(warning, DesignWarning) and str(warning) for warning in said)
    assert data.equals(before)
    check_valid(model)


def as_kind(data, kind):
    if kind == "polars":
        try:
            return pl.from_pandas(data)
        except Exception:  # what polars does not hold is no frame of polars
            return data
    return {name: data[name].tolist() for name in data} if kind == "lists" else data


def check_valid(model):
    """Everything that a sampler is given is a number."""
    assert np.isfinite(model.cells.X).all()
    assert all(np.isfinite(Z).all() for Z in model.cells.Z)
    assert np.isfinite(model.population).all()
    assert np.isfinite(model.coordinates.beta_location).all()
    assert np.isfinite(model.coordinates.log_sd_location).all()
    assert (model.cells.weight > 0).all()
    for prior in model.priors.table.values():
        assert np.isfinite(np.hstack([0.0, *(np.ravel(v) for v in prior.numbers)])).all(), prior
