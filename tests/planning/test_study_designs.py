"""Designs by simulation: powers that are exact elsewhere, truths, refusals."""

from __future__ import annotations

import warnings

import joblib
import numpy as np
import pandas as pd
import pytest
from plot_checks import n_panels
from scipy import stats

import winstan as ws
from winstan.planning.summaries import sample_sizes

STUDY = ws.layout(mouse=8, stim=["rest", "light"], trial=4)
STATED = {"1|mouse_sigma": 3, "stim|mouse_sigma": 0.5, "sigma": 2}
SD = float(np.hypot(0.5, 2 * np.sqrt(2 / 4)))  # of an animal's difference of means
SLOPES = "y ~ stim + (stim|mouse)"
TIMED = STUDY.assign(t=np.arange(len(STUDY)) % 8)
ONCE = {"n_jobs": 1, "seed": 3, "progress": False}


def power_of_t(n: int, d: float, alpha: float = 0.05) -> float:
    """Power of the two-sided paired t test, by the noncentral t distribution."""
    end = stats.t.ppf(1 - alpha / 2, n - 1)
    shift = d * np.sqrt(n)
    return float(stats.nct.sf(end, n - 1, shift) + stats.nct.cdf(-end, n - 1, shift))


def test_the_reference_is_the_known_one():
    assert power_of_t(8, 1) == pytest.approx(0.68083, abs=5e-6)
    assert power_of_t(6, 1) == pytest.approx(0.50684, abs=5e-6)
    assert power_of_t(8, 0.5) == pytest.approx(0.23208, abs=5e-6)


@pytest.fixture(scope="module")
def paired():
    """Eight animals and five, an effect of one sd of their differences."""
    return ws.design(
        SLOPES,
        STUDY,
        effect={"stim": SD},
        n={"mouse": [5, 8]},
        truth=STATED,
        methods="anova",
        simulations=100,
        rope=SD / 2,
        **ONCE,
    )


@pytest.mark.slow
def test_the_paired_anova_has_the_power_of_the_paired_t_test(paired):
    for row in paired.table.to_dict("records"):
        power = power_of_t(row["mouse"], 1)
        assert abs(row["power"] - power) < 4 * np.sqrt(power * (1 - power) / 100)
        assert abs(row["false_positives"] - 0.05) < 4 * np.sqrt(0.05 * 0.95 / 100)
        assert abs(row["coverage"] - 0.95) < 4 * np.sqrt(0.05 * 0.95 / 100)
        assert row["failed"] == 0


def test_shares_and_errors_are_those_of_the_studies(paired):
    own = paired.studies.query("mouse == 8 and not null")
    row = paired.table.query("mouse == 8").iloc[0]
    decided = (own["lower"] > 0) | (own["upper"] < 0)
    assert row["power"] == decided.mean()
    assert row["power_mcse"] == pytest.approx(
        np.sqrt(row["power"] * (1 - row["power"]) / 100), 0.05
    )
    assert row["width"] == pytest.approx((own["upper"] - own["lower"]).median())
    assert row["type_m"] == pytest.approx((own["estimate"].abs() / SD)[decided].mean())
    assert row["type_s"] == (own["estimate"] < 0)[decided].mean()
    assert row["outside_rope"] == (own["lower"] > SD / 2).mean()
    assert np.allclose(own["truth"], SD)
    assert (paired.studies.query("null")["truth"] == 0).all()


@pytest.mark.slow
def test_the_size_of_a_power_is_between_those_of_smaller_and_larger_powers(paired):
    target = power_of_t(7, 1)
    found = paired.sample_size(target).iloc[0]
    assert found["lower"] < 7 < found["upper"]
    assert 5 < found["lower"] < found["mouse"] < found["upper"]
    with pytest.raises(ws.OptionError, match="power="):
        paired.sample_size(80)
    with pytest.raises(ws.OptionError, match="none of the sizes"):
        paired.sample_size(along="mose")
    assert "ANOVA (95% intervals): 80% power beyond mouse = 8, the largest" in paired.summary


@pytest.mark.slow
def test_interpolation_is_exact_where_the_probit_is_a_line():
    """Of a mean of known variance it is one in the root of n."""
    sizes = np.array([4, 9, 16, 25])
    powers = stats.norm.cdf(0.7 * np.sqrt(sizes) - 1.96)
    table = pd.DataFrame({"n": sizes, "method": "lme", "contrast": "x", "power": powers})
    table = table.assign(simulations=10**7, failed=0)
    wanted = ((stats.norm.ppf(0.8) + 1.96) / 0.7) ** 2
    found = sample_sizes(table, "n", [], 0.8).iloc[0]
    assert found["n"] == pytest.approx(wanted, rel=1e-4)
    assert found["lower"] < wanted < found["upper"]
    assert np.isinf(sample_sizes(table, "n", [], 0.99)["n"].iloc[0])
    assert sample_sizes(table, "n", [], 0.1)["n"].iloc[0] == 0


@pytest.mark.slow
def test_the_figure_has_a_panel_for_each_other_size(paired):
    assert n_panels(paired.plot()) == 1
    assert n_panels(paired.plot("false_positives")) == 1
    with pytest.raises(ws.OptionError, match="what must be"):
        paired.plot("n")
    assert "100 studies of each size" in repr(paired)
    assert "ANOVA" in paired._repr_html_()


@pytest.mark.slow
def test_a_posterior_of_flat_priors_is_the_paired_t_interval():
    """With 1/sd for the prior of the slopes' sd, and no noise within animals, it is exactly so."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ws.ConvergenceWarning)  # such a prior has no bounds
        found = ws.design(
            "y ~ stim + (stim||mouse)",
            STUDY,
            effect={"stim": 0.5},
            truth=STATED | {"sigma": 0.01},
            methods=["bayes", "anova"],
            priors={"stim|mouse_sigma": ws.InverseGamma(1e-3, 1e-3)},
            simulations=10,
            null=False,
            draws=1000,
            **ONCE,
        )
    table = found.studies.pivot_table(index="study", columns="method", values=["lower", "upper"])
    width = table["upper", "anova"] - table["lower", "anova"]
    for end in ("lower", "upper"):
        away = (table[end, "bayes"] - table[end, "anova"]) / width
        assert abs(away.mean()) < 4 * away.std() / np.sqrt(10) + 0.005
        assert away.std() < 0.05


@pytest.mark.slow
def test_between_animals_lme_and_anova_are_the_t_test_of_means():
    """Of as many rows of each animal."""
    table = ws.layout(mouse=6, drug=["s", "d"], trial=3, between={"drug": "mouse"})
    found = ws.design(
        "y ~ drug + (1|mouse)",
        table,
        effect={"drug": 1},
        truth={"1|mouse_sigma": 1, "sigma": 0.5},
        methods=["lme", "anova"],
        simulations=10,
        null=False,
        **ONCE,
    )
    by = found.studies.pivot_table(index="study", columns="method", values=["lower", "upper"])
    np.testing.assert_allclose(by["lower", "lme"], by["lower", "anova"], rtol=1e-4)
    np.testing.assert_allclose(by["upper", "lme"], by["upper", "anova"], rtol=1e-4)


@pytest.mark.slow
def test_a_study_does_not_depend_on_workers_nor_on_other_methods(paired):
    with joblib.parallel_config("threading"):
        again = ws.design(
            SLOPES,
            STUDY,
            effect={"stim": SD},
            n={"mouse": [5, 8]},
            truth=STATED,
            methods=["lme", "anova"],
            simulations=10,
            **ONCE | {"n_jobs": 2},
        )
    few = again.studies.query("method == 'anova'")
    same = paired.studies.merge(few, on=["mouse", "null", "study"])
    assert len(same) == 40
    # The seed of a study is of its place among the sizes.
    np.testing.assert_array_equal(same["estimate_x"], same["estimate_y"])


@pytest.mark.slow
def test_a_difference_of_differences_is_asked_of_all_methods_that_have_it():
    table = ws.layout(mouse=6, drug=["s", "d"], stim=["rest", "light"], trial=2)
    stated = {"1|mouse_sigma": 1, "sigma": 1, "drug": 0.5}
    options = {"effect": {"drug:stim": 1.5}, "truth": stated, "methods": ["lme", "anova"]}
    within = quick("y ~ drug * stim + (1|mouse)", table, **options)
    assert within.truth["drug:stim[d, light]"] == pytest.approx(1.5)
    by = within.studies.pivot_table(index="study", columns="method", values="estimate")
    np.testing.assert_allclose(by["lme"], by["anova"], rtol=1e-6)
    split = ws.layout(
        mouse=6, drug=["s", "d"], stim=["rest", "light"], trial=2, between={"drug": "mouse"}
    )
    with pytest.raises(ws.OptionError, match="'drug:stim' is both between and within levels of"):
        quick("y ~ drug * stim + (1|mouse)", split, **options)


# --- truths


def quick(formula=SLOPES, data=STUDY, family="gaussian", **options):
    given = {"effect": {"stim": 1}, "truth": STATED, "methods": "anova", "simulations": 10}
    return ws.design(formula, data, family, **{**given, "null": False, **ONCE, **options})


def test_an_effect_is_the_contrast_that_was_asked_for():
    found = quick(
        family="gamma",
        effect={"stim": 1.3},
        truth={"Intercept": 1, "1|mouse_sigma": 0.3, "stim|mouse_sigma": 0.2, "alpha": 2},
    )
    assert found.truth["stim[light]"] == pytest.approx(np.log(1.3))
    np.testing.assert_allclose(found.studies["truth"], 1.3)
    assert found.table["scale"].tolist() == ["ratio of geometric means"]


def test_a_difference_of_probabilities_is_that_of_the_population():
    """Integrated over the animals by quadrature."""
    found = quick(
        "y ~ stim + (1|mouse)",
        family="bernoulli",
        effect={"stim": 0.2},
        truth={"Intercept": -0.5, "1|mouse_sigma": 1.2},
    )
    z, w = np.polynomial.hermite_e.hermegauss(60)
    b = found.truth["stim[light]"]
    means = [w @ (1 / (1 + np.exp(-(eta + 1.2 * z)))) / w.sum() for eta in (-0.5, -0.5 + b)]
    assert means[1] - means[0] == pytest.approx(0.2, abs=1e-6)


def test_each_level_has_its_size():
    table = ws.layout(mouse=6, dose=["none", "low", "high"], trial=2)
    found = quick(
        "y ~ dose + (1|mouse)",
        table,
        effect={"dose": {"low": 0.5, "high - none": 2}},
        truth={"1|mouse_sigma": 1, "sigma": 1},
    )
    assert found.truth["dose[low]"] == pytest.approx(0.5)
    assert found.truth["dose[high]"] == pytest.approx(2)
    assert found.table["contrast"].tolist() == ["dose: low - none", "dose: high - none"]


@pytest.mark.slow
def test_parameters_of_priors_are_drawn_for_each_study():
    stated = STATED | {"stim": ws.Normal(2, 0.5)}
    found = quick(effect="stim", truth=stated, simulations=40)
    assert found.assurance
    truth = found.studies["truth"]
    assert stats.kstest(truth, stats.norm(2, 0.5).cdf).pvalue > 1e-3
    assert "assurance" in found.summary
    # Without an effect it is none, whatever the prior.
    without = quick(effect="stim", truth=stated, null=True).studies.query("null")
    np.testing.assert_allclose(without["truth"], 0, atol=1e-9)


@pytest.mark.slow
def test_responses_are_spread_as_the_truth_says():
    """Animals' own intercepts and slopes, and noise: by the variances of cell means."""
    found = quick(effect={"stim": 0}, n={"mouse": [30]}, simulations=80)
    # The variance of an ANOVA's estimate is SD^2 / n.
    assert found.studies["estimate"].std() == pytest.approx(SD / np.sqrt(30), rel=0.3)


@pytest.mark.slow
def test_a_pilot_gives_draws_of_its_posterior():
    pilot = ws.simulate_lfp(n_mice=6, n_trials=10, seed=1)
    fit = ws.fit("Power ~ stim + (stim|mouse)", pilot, "gamma", seed=1, silence="all")
    found = ws.design(
        fit, effect="stim", n={"mouse": [7], "trial": [5]}, methods="lme", simulations=12, **ONCE
    )
    assert found.source.endswith("draws of the posterior")
    assert found.studies.query("null")["truth"].eq(1).all()
    draws = np.exp(fit.joined()["stim"])
    effect = found.studies.query("not null")["truth"]
    assert stats.kstest(effect, lambda x: np.mean(draws[:, None] <= x, axis=0)).pvalue > 1e-3
    again = ws.design(
        "Power ~ stim + (stim|mouse)",
        pilot,
        "gamma",
        effect={"stim": 1.4},
        methods=["bayes", "lme"],
        simulations=10,
        null=False,
        **ONCE,
    )
    np.testing.assert_allclose(again.studies["truth"], 1.4, rtol=1e-6)
    assert (again.table["failed"] == 0).all()


@pytest.mark.slow
def test_a_method_that_there_is_none_of_is_noted_or_refused():
    table = ws.layout(mouse=6, x=[0, 1, 2, 4], trial=2)
    options = {"effect": {"x": 1}, "truth": {"1|mouse_sigma": 1, "sigma": 1}}
    found = quick("y ~ x + (1|mouse)", table, methods=["lme"], **options)
    assert found.notes == ()
    with pytest.raises(ws.OptionError, match=r"methods= names 'anova'.*a number with 4 values"):
        quick("y ~ x + (1|mouse)", table, methods=["lme", "anova"], **options)


def test_the_layout_is_not_changed():
    before = STUDY.copy()
    quick(n={"mouse": [3], "trial": [2]})
    pd.testing.assert_frame_equal(STUDY, before)


@pytest.mark.parametrize(
    ("options", "error", "words"),
    [
        ({"truth": None}, ws.OptionError, "the layout has no 'y', and truth= was not given"),
        ({"truth": {"sigma": 1}}, ws.OptionError, r"lacks '1\|mouse_sigma', 'stim\|mouse_sigma"),
        ({"truth": STATED | {"sgma": 1}}, ws.OptionError, "Did you mean 'sigma'"),
        ({"truth": STATED | {"sigma": -2}}, ws.OptionError, "'sigma' -2, and it lies between 0"),
        ({"truth": STATED | {"sigma": "a"}}, ws.OptionError, "a finite number, or a prior"),
        ({"truth": STATED | {"stim": 1}}, ws.OptionError, "which effect= decides"),
        ({"effect": {"stm": 1}}, ws.OptionError, "Did you mean 'stim'"),
        ({"effect": 1.2}, ws.OptionError, "effect= says what is compared"),
        ({"effect": {"stim": "large"}}, ws.OptionError, "the size 'large': a number"),
        ({"n": {"mose": [3]}}, ws.OptionError, "Did you mean 'mouse'"),
        ({"n": {"stim": [3]}}, ws.OptionError, "levels are what is compared"),
        ({"n": {"mouse": [1]}}, ws.DataError, "only one level"),
        ({"methods": "t test"}, ws.OptionError, "'bayes', 'lme' and 'anova'"),
        ({"simulations": 3}, ws.OptionError, "from 10 up"),
        ({"prob": 95}, ws.OptionError, "prob="),
        ({"groups": "these"}, ws.OptionError, "'population' or 'typical'"),
        ({"ratio": "percent"}, ws.OptionError, "ratio=True"),
        ({"family": "von_mises"}, ws.OptionError, "no von_mises family"),
        ({"formula": "y ~ stim + s(t)", "data": TIMED}, ws.FormulaError, "has no curves: s"),
        ({"formula": "y ~ stim + scale(t)", "data": TIMED, "n": {"mouse": [3]}}, ws.FormulaError,
         "function of the whole column"),
        ({"data": STUDY.assign(stim=STUDY["stim"].where(STUDY.index > 2))}, ws.DataError,
         r"3 rows of the layout have no 'stim' \(rows 0, 1, 2"),
        ({"data": None}, ws.OptionError, "rows of a study"),
        ({"iter": 100}, ws.OptionError, "warm-up"),
    ],
)  # fmt: skip
def test_what_cannot_be_planned_is_refused(options, error, words):
    with pytest.raises(error, match=words):
        quick(**options)
