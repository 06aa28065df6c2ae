"""Replicates of truncated responses are within bounds, and of censored ones as asked."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from limits_cases import limited_data
from limits_reference import distribution
from models import model_of
from scipy import stats

import winstan as ws
from winstan.effects.replicates import posterior_predictive
from winstan.errors import OptionError
from winstan.families import FAMILIES
from winstan.families.sample import Limits
from winstan.families.truncation import draw_within

AUX = {"sigma": 0.7, "nu": 4.0, "alpha": 6.3, "phi": 3.1, "lam": 200.0, "beta": 2.3, "ndt": 1.4}
N = 1500
NAMES = [
    *("student", "lognormal", "gamma", "poisson", "negative_binomial"),
    *("inverse_gaussian", "exgaussian", "shifted_lognormal"),
]


@pytest.mark.parametrize("family", NAMES)
@pytest.mark.parametrize("where", ["middle", "lower", "upper", "far"])
def test_draws_within_bounds_have_the_truncated_distribution(family, where):
    """Held to scipy's: also where no draw of the whole distribution ever comes."""
    base = FAMILIES[family]
    mu = 1.1 if family.endswith("lognormal") else 31.0
    aux = {name: AUX[name] for name in base.auxiliary}
    own = distribution(family, np.array(mu), aux)
    ends = {
        "middle": (own.ppf(0.3), own.ppf(0.6)),
        "lower": (-np.inf, own.ppf(1e-4)),
        "upper": (own.isf(1e-7), np.inf),
        "far": (own.mean() + 9 * own.std(), own.mean() + 16 * own.std()),
    }
    lb, ub = (float(np.ceil(end)) if base.whole else float(end) for end in ends[where])
    each = {name: np.full(N, value) for name, value in aux.items()}
    limits = Limits(lb=np.array(lb), ub=np.array(ub))
    y = draw_within(base, np.random.default_rng(5), np.full(N, mu), each, limits)
    assert np.all((y >= lb) & (y <= ub))
    if base.whole:
        low = max(lb, 0.0)
        values = np.arange(low, min(ub, low + 200) + 1)
        expected = own.pmf(values) / own.pmf(values).sum()
        common = expected * N >= 10
        seen = np.array([(y == value).sum() for value in values[common]])
        wanted = expected[common] * N
        rest = max(N - wanted.sum(), 1e-9)
        chi = ((seen - wanted) ** 2 / wanted).sum() + (N - seen.sum() - rest) ** 2 / max(rest, 5)
        assert stats.chi2.sf(chi, common.sum()) > 0.001
        return
    if where == "lower":
        u = own.cdf(y) / own.cdf(ub)
    else:
        top = own.sf(ub) if np.isfinite(ub) else 0.0
        u = (own.sf(y) - top) / (own.sf(lb) - top)
    assert stats.kstest(u, "uniform").pvalue > 0.001


def replicated(formula, data, family, numbers, **options):
    model = model_of(formula, data, family)
    eta = float(model.link.function(np.mean(model.design.response.y)))
    draws = {"Intercept": np.full(80, eta)}
    draws |= {name: np.full(80, value) for name, value in numbers.items()}
    return posterior_predictive(model, draws, 2, 80, 3, **options).to_numpy(), model


def test_each_row_is_within_its_own_bounds():
    data = limited_data("gamma")
    y, model = replicated("truncated(y, lb, ub=y + 50) ~ 1", data, "gamma", {"alpha": 1.9})
    limits = model.design.response.limits
    assert np.all((y >= limits.lb) & (y <= limits.ub))
    assert y.std() > 1
    counts = limited_data("poisson")
    counts = counts[counts.y >= 9]
    y, model = replicated("truncated(y, 9) ~ 1", counts, "poisson", {})
    assert y.min() == 9  # the bound itself can be seen
    mean = np.mean(model.design.response.y)
    expected = mean * stats.poisson.sf(7, mean) / stats.poisson.sf(8, mean)
    assert y.mean() == pytest.approx(expected, rel=0.02)


def test_replicates_of_censored_rows_are_clipped_if_asked():
    rng = np.random.default_rng(8)
    latent = rng.normal(1.3, 0.8, 60)
    data = pd.DataFrame({"y": np.clip(latent, 1.0, 2.0)})
    data["status"] = np.select([latent < 1, latent > 2], ["left", "right"], "none")
    formula, numbers = "censored(y, status) ~ 1", {"sigma": 0.8}
    whole, _ = replicated(formula, data, "gaussian", numbers)
    assert whole.min() < 1
    assert whole.max() > 2
    put, _ = replicated(formula, data, "gaussian", numbers, clip=True)
    np.testing.assert_array_equal(put, np.clip(whole, 1.0, 2.0))
    given, _ = replicated(formula, data, "gaussian", numbers, clip=(1.2, None))
    np.testing.assert_array_equal(given, np.maximum(whole, 1.2))


@pytest.mark.parametrize(
    ("clip", "words"),
    [
        (True, "has no row that is 'left' or 'right'"),
        ((2.0, 1.0), "the lower one first"),
        ((None, None), "a pair of limits"),
        ("yes", "a pair of limits"),
        ((True, 3.0), "a pair of limits"),
    ],
)
def test_what_is_no_clip_is_refused(clip, words):
    data = pd.DataFrame({"y": [1.0, 2.0, 4.0, 3.0]})
    with pytest.raises(OptionError, match=words):
        replicated("y ~ 1", data, "gaussian", {"sigma": 1.0}, clip=clip)


def test_several_limits_say_nothing_of_measured_rows():
    data = pd.DataFrame({"y": [1.0, 2.0, 4.0, 3.0], "status": ["left", "left", "none", "none"]})
    with pytest.raises(ws.OptionError, match="left-censored rows of 'y' have 2"):
        replicated("censored(y, status) ~ 1", data, "gaussian", {"sigma": 1.0}, clip=True)
