"""What the methods paragraph calls the parameter that the formula predicts."""

from __future__ import annotations

import pytest
from made_draws import made_fit
from models import model_of
from template_cases import data_of

from winstan.families import FAMILIES
from winstan.report.methods import methods_text


@pytest.mark.parametrize(
    ("family", "said"),
    [
        ("gamma", "the mean through the log link"),
        ("lognormal", "the logarithm's mean through the identity link"),
        (
            "shifted_lognormal",
            "the mean of the logarithm beyond the shift through the identity link",
        ),
        ("hurdle_lognormal", "the logarithm's mean of what is not zero through the identity link"),
        ("hurdle_gamma", "the mean of what is not zero through the log link"),
        ("hurdle_poisson", "the mean before zeros are cut off through the log link"),
        ("zero_inflated_poisson", "the mean beside added zeros through the log link"),
        ("zero_inflated_binomial", "the mean beside added zeros through the logit link"),
        ("zero_one_inflated_beta", "the mean of what is neither 0 nor 1 through the logit link"),
        ("von_mises", "the mean direction through the tan_half link"),
    ],
)
def test_it_says_of_what_the_mean_is(family, said):
    trials = "trials" if FAMILIES[family].of_trials else None
    model = model_of("y ~ x", data_of(family), family, trials=trials)
    fit = made_fit(model, chains=2, draws=20)
    assert said in methods_text(fit, prob=0.94)
