"""Words of other packages, options that are True or False, and which level is modelled."""

import inspect

import numpy as np
import pandas as pd
import pytest
from effects_cases import DATA
from formulae.transforms import TRANSFORMS
from made_draws import made_fit
from models import model_of

import winstan as ws
from winstan.errors import FamilyError, FormulaError, OptionError
from winstan.families import FAMILIES, family_named
from winstan.families.foreign import FOREIGN as FOREIGN_FAMILIES
from winstan.families.links import LINKS
from winstan.families.registry import aliases
from winstan.fit_class import Fit
from winstan.formula import parse_formula
from winstan.formula.foreign import FOREIGN as FOREIGN_CALLS
from winstan.formula.functions import BARE_FUNCTIONS
from winstan.keywords import FOREIGN as FOREIGN_KEYWORDS

# -- formulas -------------------------------------------------------------------------------------


@pytest.mark.parametrize("formula", ["y, z ~ x", "(y, z) ~ x", "[y, z] ~ x"])
def test_several_responses_are_refused(formula):
    with pytest.raises(FormulaError, match="several responses: one model has one response"):
        parse_formula(formula)


def test_a_sum_of_responses_is_modelled_with_a_warning():
    data = pd.DataFrame({"y": [1.0, 2, 4, 3], "z": [2.0, 1, 1, 5], "x": [0, 1, 2, 3]})
    with pytest.warns(ws.DesignWarning, match="is the sum of 'y' and 'z'") as raised:
        model = model_of("y + z ~ x", data, "gaussian")
    assert raised[0].message.guard == "summed_response"
    np.testing.assert_array_equal(model.design.response.y, data["y"] + data["z"])
    for said in ("I(y + z) ~ x", "y + 1 ~ x", "z - y ~ x"):  # no warning, which would be an error
        model_of(said, data, "gaussian")


@pytest.mark.parametrize(
    ("formula", "name", "remedy"),
    [
        ("y | trunc(lb = 0) + weights(w) ~ x", "weights", r"weights= to ws\.fit"),
        ("y | weights(w) ~ x", "weights", r"weights= to ws\.fit"),
        ("k | trials(n) ~ x", "trials", r"p\(successes, trials\)"),
        ("y | rate(t) ~ x", "rate", r"offset\(log\(exposure\)\)"),
        ("y | mi() ~ x", "mi", "imputed"),
        ("y | vint(n) ~ x", "vint", "brms"),
        ("y ~ gp(x)", "gp", r"hsgp\(x\)"),
        ("y ~ me(x, s)", "me", "rows that a mean was made of"),
        ("y ~ mi(x)", "mi", "impute before"),
        ("y ~ nl(x)", "nl", "non-linear"),
        ("y ~ SSlogis(x, a, b, c)", "SSlogis", "non-linear"),
        ("bf(y ~ a * exp(-b * x), a ~ 1, b ~ 1, nl = True)", "nl", "non-linear"),
        ("bf(mvbind(y, z) ~ x) + set_rescor(True)", "mvbind", "fit each by itself"),
        ("mixture(y) ~ x", "mixture", "family='student'"),
        ("y | subset(a) ~ x", "subset", r"data\[condition\]"),
        ("mvbind(y, z) ~ x", "mvbind", "one response"),
        ("cbind(a, b) ~ x", "cbind", r"p\(successes, trials\)"),
        ("Surv(y, c) ~ x", "Surv", r"censored\(y, status\).*'none', or 0"),
        ("y ~ arma(p = 1)", "arma", "brms"),
        ("y ~ cosy(gr = g)", "cosy", r"cs\(visit, unit\)"),
        ("y ~ ar1(t + 0 | g)", "ar1", r"ar\(time, unit\)"),
        ("y ~ us(1 + x | g)", "us", r"\(x \| g\)"),
        ("y ~ diag(1 + x | g)", "diag", r"\(x \|\| g\)"),
        ("y ~ sar(W)", "sar", "spatial"),
        ("y ~ t2(x, z)", "t2", r"s\(x, by=cond\)"),
        ("y ~ te(x, z)", "te", "mgcv"),
        ("y ~ me(x, s)", "me", "measurement error"),
        ("y ~ gr(g)", "gr", r"by=column"),
        ("y ~ (1 | mm(g, h))", "mm", "multi-membership"),
        ("y ~ ln(x)", "ln", r"log\(\)"),
        ("y ~ cut(x, 3)", "cut", r"pd\.cut"),
        ("y ~ x + factor(g)", "factor", r"C\(g\)"),
        ("bf(y ~ x, sigma ~ z)", "bf", r"ws\.fit\(\['y ~ x', 'sigma ~ x'\]"),
    ],
)
def test_calls_of_other_packages_are_refused_by_name(formula, name, remedy):
    with pytest.raises(FormulaError, match=rf"there is no '{name}\(\)'.*{remedy}"):
        parse_formula(formula)


def test_a_gaussian_process_is_winstans_whatever_bambi_adds_to_formulae():
    pytest.importorskip("bambi")
    assert "hsgp" in TRANSFORMS
    for namespace in ({}, {"hsgp": lambda x: x}):
        (spec,) = parse_formula("y ~ hsgp(x, m=10, c=2)", namespace).smooths
        assert (spec.kind, spec.size, spec.boundary) == ("hsgp", 10, 2.0)


def test_a_bar_on_the_left_is_named():
    with pytest.raises(FormulaError, match=r"after '\|' the left side has cens"):
        parse_formula("y | w ~ x")
    with pytest.raises(FormulaError, match=r"'%' is not understood; .*is written a:b"):
        parse_formula("y ~ x %in% g")
    with pytest.raises(FormulaError, match=r"more than one '~'; formulas of other"):
        parse_formula("y ~ x, sigma ~ z")
    with pytest.raises(FormulaError, match=r"no other term of 'g' has it"):
        parse_formula("y ~ x + (x | id | g)")


def test_a_function_of_the_callers_own_comes_first():
    assert parse_formula("y ~ s(x)", {"s": np.sqrt}).columns == ("y", "x")
    assert not set(FOREIGN_CALLS) & set(BARE_FUNCTIONS)


def test_what_smooth_terms_are_referred_to_works():
    data = pd.DataFrame({"x": np.linspace(0, 3, 40), "y": np.arange(40.0) ** 1.5 % 7})
    for formula in ("y ~ poly(x, 3)", "y ~ bs(x, df=5)"):
        assert model_of(formula, data, "gaussian").design.X.shape[1] >= 3


# -- families and links ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("normal", "gaussian"),
        ("Gaussian", "gaussian"),
        ("t", "student"),
        ("studentt", "student"),
        ("negbinomial", "negative_binomial"),
        ("nbinom2", "negative_binomial"),
        ("nb", "negative_binomial"),
        ("beta_family", "beta"),
        ("betar", "beta"),
        ("ordbeta", "ordered_beta"),
        ("zoib", "zero_one_inflated_beta"),
        ("betabinomial", "beta_binomial"),
        ("zib", "zero_inflated_binomial"),
        ("neg_binomial", "negative_binomial"),
        ("Gamma", "gamma"),
        ("Negative Binomial", "negative_binomial"),
        ("poisson()", "poisson"),
        ("inverse.gaussian", "inverse_gaussian"),
        ("wald", "inverse_gaussian"),
        ("nbinom1", "negative_binomial1"),
        ("ordinal", "cumulative"),
        ("exponnorm", "exgaussian"),
        ("skewnorm", "skew_normal"),
    ],
)
def test_names_of_the_same_distribution_are_taken(name, meant):
    assert family_named(name).name == meant


@pytest.mark.parametrize(
    ("name", "remedy"),
    [
        ("logit_normal", "logit"),
        ("zero_inflated_beta", "ordered_beta.*zero_one_inflated_beta"),
        ("cratio", "sratio"),
        ("zero_inflated_beta_binomial", "zero_inflated_binomial"),
        ("tweedie", "hurdle_gamma"),
        ("frechet", "lognormal"),
        ("projected_normal", "von_mises"),
        ("asymmetric laplace", "student"),
        ("quasipoisson", "negative_binomial"),
        ("beta(link='logit')", "family='beta', link='logit'"),
        ("bernoulli(logit)", "family='bernoulli', link='logit'"),
        ("Gamma(link = 'log')", "family='gamma', link='log'"),
    ],
)
def test_families_that_winstan_does_not_have_are_refused_by_name(name, remedy):
    with pytest.raises(FamilyError, match=rf"There is no family ['\"].*{remedy}"):
        family_named(name)


def test_no_name_is_both_taken_and_refused():
    assert set(aliases().values()) <= set(FAMILIES)
    assert not set(FOREIGN_FAMILIES) & (set(aliases()) | set(FAMILIES))


@pytest.mark.parametrize(
    ("family", "link", "remedy"),
    [
        ("gaussian", "log10", "2.303"),
        ("binomial", "cauchit", "link='logit'"),
        ("gaussian", "logit", "family='bernoulli'"),
        ("bernoulli", "log", "ratio=True"),
        ("gamma", "1/mu^2", "link='log'"),
    ],
)
def test_links_that_a_family_does_not_have_get_a_remedy(family, link, remedy):
    with pytest.raises(FamilyError, match=rf"no link '.*; it has .*{remedy}"):
        family_named(family).link(link)


def test_the_log10_link_is_the_log_link_of_other_coefficients():
    eta = np.array([-1.0, 0.3, 2.0])
    np.testing.assert_allclose(LINKS["log"].inverse(2.302585093 * eta), 10**eta, rtol=1e-8)


# -- keywords -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("keyword", "remedy"),
    [
        ("iter", "warmup= and draws="),
        ("tune", "warmup="),
        ("control", "target_accept="),
        ("adapt_delta", "target_accept="),
        ("prior", "priors="),
        ("random_seed", "seed="),
        ("chain", "Did you mean 'chains'"),
        ("progressbar", "progress="),
        ("exposure", r"offset\(log\(x\)\)"),
        ("dispformula", "sigma="),
        ("ziformula", "zi="),
        ("nl", r"a curve is s\(x\)"),
    ],
)
@pytest.mark.parametrize("function", [ws.fit, ws.fit_each])
def test_keywords_of_other_packages_are_refused_by_name(function, keyword, remedy):
    with pytest.raises(OptionError, match=rf"no option '{keyword}'.*{remedy}"):
        function("y ~ x", {"y": [1.0]}, **{keyword: 1})


def test_the_signature_is_left_as_it_was():
    names = set(inspect.signature(ws.fit).parameters)
    assert {"formula", "data", "warmup", "target_accept"} <= names
    assert not set(FOREIGN_KEYWORDS) & names


# -- options that are True or False ---------------------------------------------------------------


@pytest.fixture(scope="module")
def fit():
    return made_fit(model_of("y ~ stim*cond + x + (1|mouse)", DATA, "gaussian"))


@pytest.mark.parametrize(
    ("method", "args", "keyword", "said"),
    [
        ("contrast", ("stim",), "hdi_prob", "has no option 'hdi_prob'. Write prob="),
        ("contrast", ("stim",), "grups", "Did you mean 'groups'"),
        ("plot_contrast", ("stim",), "hdi_prob", "^fit.plot_contrast has no option.*Write prob="),
        ("summary", (), "ci", "Write prob="),
        ("predict", (), "re_formula", "Write groups="),
        ("code", (), "ci", "Known: 'backend'"),
    ],
)
def test_methods_refuse_keywords_that_they_have_not(fit, method, args, keyword, said):
    with pytest.raises(OptionError, match=said):
        getattr(fit, method)(*args, **{keyword: 1})


FLAGS = [
    ("contrast", ("stim",), {"ratio": "percentage"}),
    ("contrast", ("stim",), {"simultaneous": "yes"}),
    ("means", ("stim",), {"simultaneous": 1}),
    ("contrast", ("x",), {"slope": "yes"}),
    ("contrast", ("stim",), {"draws": 100}),
    ("effects", (), {"ratio": 1}),
    ("effects", (), {"draws": 10}),
    ("conditional", ("x",), {"draws": 1}),
    ("group_effects", ("mouse",), {"draws": 10}),
    ("means", ("stim",), {"draws": 10}),
    ("predict", (), {"draws": 100}),
    ("hypothesis", ("stim > 0",), {"draws": 5}),
    ("plot_difference", ("stim",), {"ratio": "percent"}),
    ("plot_conditional", ("x",), {"data": "raw"}),
    ("plot_conditional", ("x",), {"lines": 5}),
    ("plot_conditional", ("x",), {"log": "y"}),
    ("plot_forest", (), {"standardise": "yes"}),
    ("plot_posterior", ("stim",), {"ratio": "percent"}),
    ("plot_predictive", (), {"prior": "yes"}),
]


@pytest.mark.parametrize(("method", "arguments", "flag"), FLAGS)
def test_flags_are_true_or_false(fit, method, arguments, flag):
    (name, value), *_ = flag.items()
    with pytest.raises(OptionError, match=rf"{name} must be True.*not {value!r}"):
        getattr(fit, method)(*arguments, **flag)


def test_every_flag_of_a_fit_is_checked():
    checked = {(method, name) for method, _, flag in FLAGS for name in flag}
    for method, function in inspect.getmembers(Fit, inspect.isfunction):
        for name, parameter in inspect.signature(function).parameters.items():
            is_flag = str(parameter.annotation).replace(" | None", "") == "bool"
            if is_flag and not method.startswith("_") and (method, name) not in checked:
                assert f"{name}={name}" in inspect.getsource(function).split("check_flags")[-1]


@pytest.mark.parametrize("options", [{"center": "yes"}, {"progress": "bar"}])
def test_flags_of_fit_are_true_or_false(options):
    for function, more in ((ws.fit, {}), (ws.fit_each, {"by": "g"})):
        with pytest.raises(OptionError, match=r"must be True"):
            function("y ~ x", {"y": [1.0], "x": [0.0]}, **more, **options)


def test_flags_of_contrasts_are_refused_before_any_group_is_fitted():
    asked = {"stim": {"ratio": "percentage"}}
    with pytest.raises(OptionError, match=r"ratio must be True, False or 'percent', not 'perc"):
        ws.fit_each("Power ~ stim", DATA, "gamma", by="mouse", contrasts=asked, n_jobs=1)


# -- which level is modelled ----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("response", "formula", "said"),
    [
        (np.where(DATA["ok"] == 1, "yes", "no"), "hit ~ x", "P(hit = 'yes')"),
        (np.where(DATA["ok"] == 1, "yes", "no"), 'hit["no"] ~ x', "P(hit = 'no')"),
        (DATA["ok"] == 1, "hit ~ x", "P(hit = True)"),
        (DATA["ok"], "hit ~ x", "P(hit = 1)"),
    ],
)
def test_the_repr_says_which_level_is_modelled(response, formula, said):
    shown = made_fit(model_of(formula, DATA.assign(hit=response), "bernoulli"))
    assert f"{said} is modelled" in repr(shown)
    assert f"{said} is modelled" in shown._repr_html_().replace("&#x27;", "'")


def test_a_response_of_numbers_needs_no_such_words(fit):
    assert "is modelled" not in repr(fit)
