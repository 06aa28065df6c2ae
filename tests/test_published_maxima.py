"""Published fits of lme4, glmmTMB and ordinal are the maxima of winstan's likelihoods."""

from __future__ import annotations

import numpy as np
import pytest
from marginal_maximum import Marginal
from models import model_of
from reference_checks import held
from scipy import stats

import winstan as ws

pytestmark = pytest.mark.reference
CBPP = "p(incidence, size) ~ period + (1|herd)"


@pytest.mark.parametrize(
    ("nodes", "coefficients", "sd", "deviance"),
    [
        # lme4 1.1, tests/testthat/test-glmer.R: -2 log L of glmer, which is Laplace's
        (1, [-1.39854983, -0.99233552, -1.12867533, -1.58030424], 0.64222681, 184.05267460),
        # lme4 1.1, tests/glmer-1.R, nAGQ = 25; its deviance lacks the saturated model's, below
        (25, [-1.39922533, -0.99140729, -1.12782185, -1.57946627], None, 100.010030538),
    ],
    ids=["Laplace", "25 nodes"],
)
def test_cbpp_has_the_maximum_of_glmer(nodes, coefficients, sd, deviance, record_property):
    data = ws.load("cbpp")
    likelihood = Marginal(model_of(CBPP, data, "binomial"), data, "herd", nodes)
    at, found = likelihood.maximum(np.array([*coefficients, np.log(0.64)]))
    if nodes == 25:
        y, n = data["incidence"].to_numpy(float), data["size"].to_numpy(float)
        deviance += saturated(y, n)
    held(record_property, f"cbpp, {CBPP}, {nodes} nodes", "lme4 (glmer)",
         [*at[:4], -2 * found], [*coefficients, deviance], 3e-4)  # fmt: skip
    if sd is not None:
        assert np.exp(at[4]) == pytest.approx(sd, abs=2e-4)


def saturated(y: np.ndarray, n: np.ndarray) -> float:
    """-2 log likelihood of a probability for each row."""
    return float(-2 * stats.binom.logpmf(y, n, y / n).sum())
