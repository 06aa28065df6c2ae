"""Programs check no index at each gradient: wrong data are refused as they are read."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from models import model_of

import winstan as ws
from winstan.backends.stan_data import stan_data
from winstan.errors import BackendError
from winstan.toolchain import build
from winstan.toolchain.run import log_density
from winstan.tuning import USUAL, Tuning

pytestmark = pytest.mark.slow  # the templates compile on first use


def rows() -> pd.DataFrame:
    """Crossed and nested groups, a slope in few and unlike groups."""
    rng = np.random.default_rng(3)
    n = 400
    data = pd.DataFrame({
        "x": rng.normal(size=n),
        "cond": rng.choice(["a", "b", "c"], n),
        "g": rng.choice([f"g{i}" for i in range(7)], n),
        "h": rng.choice([f"h{i}" for i in range(5)], n),
    })  # fmt: skip
    return data.assign(y=rng.poisson(2, n), z=rng.normal(size=n))


CASES = {
    "poisson": ("y ~ cond + (x|g) + (x|g:h)", "poisson", {}),
    "crossed": ("y ~ x + (1|g) + (1|h)", "poisson", {}),
    "curves": ("y ~ s(x, k=5) + s(x, g, bs='fs', k=4)", "poisson", {}),
    "student": ("z ~ cond + (1|g)", "student", {}),
    "quadratic form": (
        "z ~ x + (1|g) + (1|h)",
        "gaussian",
        {"priors": {"b": ws.StudentT(4, 0, 2)}, "parametrization": {}},
    ),
    "marginal": ("z ~ x + (x|g) + (1|h)", "gaussian", {"parametrization": "marginal"}),
}


def program_and_data(case: str):
    """A template, the data of a model that it takes, and how many parameters that has."""
    formula, family, options = CASES[case]
    tuning = Tuning(form_cells=1) if case == "quadratic form" else USUAL
    model = model_of(formula, rows(), family, tuning=tuning, **options)
    data = stan_data(model)
    sampled = data["P"] + data["T"] if "P" in data else 0
    return build(model.template), data, sampled + data["Q"] + data["n_corr"] + data["A"]


FAR = 10_000
WRONG = [
    *(("poisson", name, value)
      for name in ("row", "level", "start", "order", "centred_by", "class_of", "nested",
                   "nested_start", "parent_start", "regression_v")
      for value in (0, FAR)),
    *(("poisson", name, FAR) for name in ("J", "q", "n_classes", "parent_level", "regression_u")),
    *(("poisson", name, value) for name, value in (("parent_level", 0), ("regression_u", 0))),
    *(("poisson", name, FAR) for name in ("Q", "W", "n_sd_scaled")),
    *((case, name, value)
      for case, name in (("crossed", "leading"), ("student", "cell"), ("quadratic form", "form_v"),
                         ("quadratic form", "form_u"))
      for value in (0, FAR)),
    *(("curves", "place", value) for value in (0, FAR)),
    *(("curves", name, FAR) for name in ("n_distinct", "sd_of")),
    *(("crossed", name, FAR) for name in ("n_crossed", "n_sd_scaled")),
    *(("marginal", name, value)
      for name, value in (("column", FAR), ("J", FAR), ("q", 3), ("D", FAR))),
]  # fmt: skip


@pytest.mark.parametrize("case", CASES)
def test_right_data_have_a_density(case):
    program, data, n = program_and_data(case)
    density, slope = log_density(program, data, np.zeros((1, n)))
    assert np.all(np.isfinite(density))
    assert np.all(np.isfinite(slope))


@pytest.mark.parametrize(("case", "name", "value"), WRONG)
def test_wrong_indices_and_sizes_are_refused_as_they_are_read(case, name, value):
    program, data, n = program_and_data(case)
    wrong = np.array(data[name])
    wrong.flat[-1] = value  # of a number, itself
    with pytest.raises(BackendError, match="Exception"):
        log_density(program, data | {name: wrong.tolist()}, np.zeros((1, n)))


@pytest.mark.parametrize(
    ("name", "count"),
    [("information", "n_information"), ("class_size", "n_class_sizes"), ("class_of", "n_class_of")],
)
def test_vectors_of_all_terms_are_as_long_as_the_terms_together(name, count):
    program, data, n = program_and_data("poisson")
    longer = {name: np.append(data[name], data[name][-1]), count: data[count] + 1}
    with pytest.raises(BackendError, match="add up"):
        log_density(program, data | longer, np.zeros((1, n)))
