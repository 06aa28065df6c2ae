"""The Stan program for readers: valid for every model, and of the same density."""

from __future__ import annotations

import numpy as np
import pytest
from models import correlation_names, model_of
from prior_densities import cholesky_correlation, lkj_log_density
from program_runs import translate
from reference_density import Reference
from scipy import special, stats
from template_cases import CASES, LINKS, data_of, formula_of, structure_of

import winstan as ws
from winstan.backends.stan_program import stan_program
from winstan.families import FAMILIES
from winstan.toolchain import build, log_density


def case(family, link, structure, **options):
    formula, more = structure_of(family, structure)
    trials = "trials" if FAMILIES[family].trials else None
    formula = formula_of(formula, link)
    return model_of(formula, data_of(family), family, link=link, trials=trials, **more | options)


@pytest.mark.parametrize(("family", "link", "structure"), CASES)
def test_every_program_is_valid_stan(family, link, structure, tmp_path):
    program, data = stan_program(case(family, link, structure))
    translate(program, tmp_path)
    head = program.partition("data {")[2].partition("}")[0]
    assert all(f" {name};" in head for name in data)
    assert len(program.splitlines()) <= 72


def test_program_reads_as_a_paper_would_have_it():
    model = case("gamma", "log", "intercepts", priors={"b": ws.Normal(0, 5), "sd": ws.Flat()})
    program, data = stan_program(model)
    lines = [line.strip() for line in program.splitlines()]
    for line in (
        "// y ~ x + (1|g)",
        "// family gamma, link log",
        "array[N] int<lower=1, upper=6> g;",
        "b_x ~ normal(0, 5);",
        "// sd_g: flat",
        "y ~ gamma(alpha, alpha ./ mu);",
        "real b_Intercept = Intercept - b_x * mean_x;",
    ):
        assert line in lines
    assert list(data) == ["N", "y", "x", "g"]
    assert sorted(set(data["g"])) == [1, 2, 3, 4, 5, 6]


# As the Stan Functions Reference names distributions and orders their arguments; the inverse link
# stands in the line above.
SAYS = {
    ("gaussian", "identity"): "y ~ normal(mu, sigma);",
    ("gaussian", "log"): "vector[N] mu = exp(eta);|y ~ normal(mu, sigma);",
    ("gaussian", "inverse"): "vector[N] mu = inv(eta);|y ~ normal(mu, sigma);",
    ("student", "identity"): "y ~ student_t(nu, mu, sigma);",
    ("student", "log"): "vector[N] mu = exp(eta);|y ~ student_t(nu, mu, sigma);",
    ("student", "inverse"): "vector[N] mu = inv(eta);|y ~ student_t(nu, mu, sigma);",
    ("lognormal", "identity"): "y ~ lognormal(mu, sigma);",
    ("gamma", "log"): "vector[N] mu = exp(eta);|y ~ gamma(alpha, alpha ./ mu);",
    ("gamma", "identity"): "y ~ gamma(alpha, alpha ./ mu);",
    ("gamma", "inverse"): "vector[N] mu = inv(eta);|y ~ gamma(alpha, alpha ./ mu);",
    ("exgaussian", "identity"): "y ~ exp_mod_normal(mu - beta, sigma, inv(beta));",
    **{
        (family, link): f"vector[N] mu = {inverse}(eta);|{said}"
        for link, inverse in (("log", "exp"), ("inverse", "inv"))
        for family, said in (
            ("exgaussian", "y ~ exp_mod_normal(mu - beta, sigma, inv(beta));"),
            ("skew_normal", "for (n in 1:N)|y[n] ~ skew_normal_mean(mu[n], sigma, alpha);"),
        )
    },
    ("skew_normal", "identity"): "for (n in 1:N)|y[n] ~ skew_normal_mean(mu[n], sigma, alpha);",
    ("shifted_lognormal", "identity"): "y - ndt ~ lognormal(mu, sigma);",
    ("exponential", "log"): "y ~ exponential(exp(-eta));",
    ("exponential", "identity"): "y ~ exponential(inv(mu));",
    ("exponential", "inverse"): "y ~ exponential(eta);",
    (
        "weibull",
        "log",
    ): "vector[N] mu = exp(eta);|y ~ weibull(alpha, mu ./ tgamma(1 + inv(alpha)));",
    ("weibull", "identity"): "y ~ weibull(alpha, mu ./ tgamma(1 + inv(alpha)));",
    ("weibull", "inverse"): (
        "vector[N] mu = inv(eta);|y ~ weibull(alpha, mu ./ tgamma(1 + inv(alpha)));"
    ),
    ("inverse_gaussian", "log"): (
        "vector[N] mu = exp(eta);|for (n in 1:N)|y[n] ~ inverse_gaussian(mu[n], lam);"
    ),
    ("inverse_gaussian", "identity"): "for (n in 1:N)|y[n] ~ inverse_gaussian(mu[n], lam);",
    ("inverse_gaussian", "inverse"): (
        "vector[N] mu = inv(eta);|for (n in 1:N)|y[n] ~ inverse_gaussian(mu[n], lam);"
    ),
    ("beta", "logit"): "vector[N] mu = inv_logit(eta);|y ~ beta_proportion(mu, phi);",
    ("beta", "probit"): "vector[N] mu = Phi(eta);|y ~ beta_proportion(mu, phi);",
    ("beta", "cloglog"): "vector[N] mu = inv_cloglog(eta);|y ~ beta_proportion(mu, phi);",
    ("poisson", "log"): "y ~ poisson_log(eta);",
    ("poisson", "identity"): "y ~ poisson(mu);",
    ("poisson", "sqrt"): "vector[N] mu = square(eta);|y ~ poisson(mu);",
    ("negative_binomial", "log"): "y ~ neg_binomial_2_log(eta, alpha);",
    ("negative_binomial", "identity"): "y ~ neg_binomial_2(mu, alpha);",
    ("negative_binomial", "sqrt"): "vector[N] mu = square(eta);|y ~ neg_binomial_2(mu, alpha);",
    ("geometric", "log"): "y ~ neg_binomial_2_log(eta, 1);",
    ("geometric", "identity"): "y ~ neg_binomial_2(mu, 1);",
    ("geometric", "sqrt"): "vector[N] mu = square(eta);|y ~ neg_binomial_2(mu, 1);",
    ("negative_binomial1", "log"): "vector[N] mu = exp(eta);|y ~ neg_binomial_2(mu, mu ./ phi);",
    ("negative_binomial1", "identity"): "y ~ neg_binomial_2(mu, mu ./ phi);",
    ("negative_binomial1", "sqrt"): (
        "vector[N] mu = square(eta);|y ~ neg_binomial_2(mu, mu ./ phi);"
    ),
    **{
        (
            family,
            "log",
        ): f"for (n in 1:N)\ntarget += y[n] == 0 ? {zero}\n: {above};"
        for family, zero, above in [
            (
                "zero_inflated_poisson",
                "log_mix(zi, 0, poisson_log_lpmf(0 | eta[n]))",
                "log1m(zi) + poisson_log_lpmf(y[n] | eta[n])",
            ),
            (
                "zero_inflated_negative_binomial",
                "log_mix(zi, 0, neg_binomial_2_log_lpmf(0 | eta[n], alpha))",
                "log1m(zi) + neg_binomial_2_log_lpmf(y[n] | eta[n], alpha)",
            ),
            (
                "hurdle_poisson",
                "log(hu)",
                "log1m(hu) + poisson_log_lpmf(y[n] | eta[n]) - "
                "log1m_exp(poisson_log_lpmf(0 | eta[n]))",
            ),
            (
                "hurdle_negative_binomial",
                "log(hu)",
                "log1m(hu) + neg_binomial_2_log_lpmf(y[n] | eta[n], alpha) - "
                "log1m_exp(neg_binomial_2_log_lpmf(0 | eta[n], alpha))",
            ),
            (
                "hurdle_gamma",
                "log(hu)",
                "log1m(hu) + gamma_lpdf(y[n] | alpha, alpha / mu[n])",
            ),
        ]
    },
    ("hurdle_lognormal", "identity"): (
        "for (n in 1:N)\ntarget += y[n] == 0 ? log(hu)\n"
        ": log1m(hu) + lognormal_lpdf(y[n] | mu[n], sigma);"
    ),
    ("von_mises", "tan_half"): "vector[N] mu = ORIGIN + 2 * atan(eta);|y ~ von_mises(mu, kappa);",
    ("von_mises", "identity"): "y ~ von_mises(mu, kappa);",
    **{
        (
            family,
            link,
        ): f"vector[N] mu = {inverse}(eta);\nfor (n in 1:N)\ntarget += y[n] == 0 ? {zero}\n"
        f": y[n] == 1 ? {one}\n: {above} + beta_proportion_lpdf(y[n] | mu[n], phi);"
        for family, links, zero, one, above in [
            (
                "ordered_beta",
                ["logit"],
                "log1m_inv_logit(eta[n] - cutzero)",
                "log_inv_logit(eta[n] - cutzero - cutgap)",
                "log_inv_logit(eta[n] - cutzero) + log1m_inv_logit(eta[n] - cutzero - cutgap) "
                "+ log1m_exp(-cutgap)",
            ),
            (
                "zero_one_inflated_beta",
                ["logit", "probit", "cloglog"],
                "log(zoi) + log1m(coi)",
                "log(zoi) + log(coi)",
                "log1m(zoi)",
            ),
        ]
        for link in links
        for inverse in [{"logit": "inv_logit", "probit": "Phi", "cloglog": "inv_cloglog"}[link]]
    },
    ("cumulative", "logit"): "y ~ ordered_logistic(eta, threshold);",
    ("cumulative", "probit"): "y ~ ordered_probit(eta, threshold);",
    ("cumulative", "cloglog"): ("for (n in 1:N)\ny[n] ~ ordered_cloglog(eta[n], threshold);"),
    **{
        ("sratio", link): "for (n in 1:N)\ny[n] ~ sratio(eta[n], threshold);"
        for link in ("logit", "probit", "cloglog")
    },
    ("acat", "logit"): "for (n in 1:N)\ny[n] ~ acat(eta[n], threshold);",
    ("bernoulli", "logit"): "y ~ bernoulli_logit(eta);",
    ("bernoulli", "probit"): "vector[N] mu = Phi(eta);|y ~ bernoulli(mu);",
    ("bernoulli", "cloglog"): "vector[N] mu = inv_cloglog(eta);|y ~ bernoulli(mu);",
    ("binomial", "logit"): "y ~ binomial_logit(trials, eta);",
    ("binomial", "probit"): "vector[N] mu = Phi(eta);|y ~ binomial(trials, mu);",
    ("binomial", "cloglog"): "vector[N] mu = inv_cloglog(eta);|y ~ binomial(trials, mu);",
    **{
        ("beta_binomial", link): f"vector[N] mu = {inverse}(eta);|"
        "y ~ beta_binomial(trials, mu * phi, (1 - mu) * phi);"
        for link, inverse in [("logit", "inv_logit"), ("probit", "Phi"), ("cloglog", "inv_cloglog")]
    },
    ("zero_inflated_binomial", "logit"): (
        "for (n in 1:N)\ntarget += y[n] == 0 ? "
        "log_mix(zi, 0, binomial_logit_lpmf(0 | trials[n], eta[n]))\n"
        ": log1m(zi) + binomial_logit_lpmf(y[n] | trials[n], eta[n]);"
    ),
    **{
        ("zero_inflated_binomial", link): f"vector[N] mu = {inverse}(eta);\nfor (n in 1:N)\n"
        "target += y[n] == 0 ? log_mix(zi, 0, binomial_lpmf(0 | trials[n], mu[n]))\n"
        ": log1m(zi) + binomial_lpmf(y[n] | trials[n], mu[n]);"
        for link, inverse in [("probit", "Phi"), ("cloglog", "inv_cloglog")]
    },
}


@pytest.mark.parametrize(("family", "link"), LINKS)
def test_every_distribution_is_stans(family, link):
    model = case(family, link, "no groups")
    program, _ = stan_program(model)
    lines = [line.strip() for line in program.splitlines()]
    text = SAYS[family, link].replace("ORIGIN", f"{model.link.origin:.10g}")
    said = text.split("\n" if "\n" in text else "|")  # of Stan too
    at = lines.index(said[0])
    assert lines[at : at + len(said)] == said
    first = "mu" if link == "identity" else "eta"
    start = "b_x" if FAMILIES[family].thresholds else "Intercept"  # thresholds stand for it
    assert any(line.startswith(f"vector[N] {first} = {start}") for line in lines)


def test_every_prior_is_stans():
    priors = {
        "Intercept": (ws.Cauchy(0.7, 3), "Intercept ~ cauchy(0.7, 3);"),
        "x": (ws.StudentT(4, 0.3, 2.2), "b_x ~ student_t(4, 0.3, 2.2);"),
        "t": (ws.Normal(0.3, 2.2), "b_t ~ normal(0.3, 2.2);"),
        "1|g_sigma": (ws.Gamma(2.5, 1.3), "sd_g[1] ~ gamma(2.5, 1.3);"),
        "x|g_sigma": (ws.HalfStudentT(3, 1.7), "sd_g[2] ~ student_t(3, 0, 1.7);"),
        "t|g_sigma": (ws.HalfNormal(1.9), "sd_g[3] ~ normal(0, 1.9);"),
        "g_corr": (ws.LKJ(2.7), "L_g ~ lkj_corr_cholesky(2.7);"),
        "1|h_sigma": (ws.HalfCauchy(2.1), "sd_h ~ cauchy(0, 2.1);"),
        "sigma": (ws.InverseGamma(2.2, 1.4), "sigma ~ inv_gamma(2.2, 1.4);"),
        "nu": (ws.Exponential(0.1), "nu ~ exponential(0.1);"),
    }
    chosen = {name: prior for name, (prior, _) in priors.items()}
    formula = "y ~ x + t + (x + t|g) + (1|h)"
    program, _ = stan_program(model_of(formula, data_of("student"), "student", priors=chosen))
    lines = {line.strip() for line in program.splitlines()}
    assert {line for _, line in priors.values()} <= lines


def test_awkward_names_become_identifiers(tmp_path):
    data = data_of("gaussian").rename(columns={"x": "real", "cond": "exp", "g": "N", "h": "mu"})
    data["Größe 2"] = np.arange(60.0) ** 0.5
    data["2nd"] = np.arange(60.0) % 7
    data["b_real"] = np.arange(60.0) % 11
    data["sd_N"] = np.arange(60.0) % 13
    formula = "y ~ real * exp + `Größe 2` + `2nd` + b_real + sd_N + np.log(w) + (1|N) + (exp||mu)"
    program, values = stan_program(model_of(formula, data, "gaussian"))
    translate(program, tmp_path)
    assert {"real_", "exp_b", "x_2nd", "log_w", "N", "N_", "mu_"} <= set(values)
    np.testing.assert_array_equal(values["real_"], data["real"])


def reference(model, point):
    """Density at a point of the program's own coordinates, in the order of its declarations."""
    design, values, lp = model.design, {}, 0.0
    lkj = {id(group): model.priors[name].numbers[0] for name, group in correlation_names(design)}
    left = list(point)

    def take(n):
        taken = np.array(left[:n])
        del left[:n]
        return taken

    intercept = take(design.intercept)
    for term in design.terms:
        b = take(len(term.columns))
        values[term.name] = b if term.labels else b[0]
        # At zero, from the mean of the rows
        weight = np.ones(design.row.size) if design.weights is None else design.weights
        mean = np.average(design.X[design.row][:, list(term.columns)], axis=0, weights=weight)
        intercept = intercept - b @ mean
    if design.intercept:
        values["Intercept"] = intercept[0]
    for group in design.groups:
        q, J = group.Z.shape[1], len(group.levels)
        log_sd, L = take(q), np.eye(q)
        lp += log_sd.sum()
        if id(group) in lkj:
            L, jacobian = cholesky_correlation(take(q * (q - 1) // 2), q)
            lp += jacobian + lkj_log_density(L, lkj[id(group)])
        z = take(J * q).reshape(q, J)  # Stan reads a matrix column by column
        lp += stats.norm.logpdf(z).sum()
        u = np.exp(log_sd)[:, None] * (L @ z)
        for effect in group.effects:
            at = list(effect.columns) if effect.labels else effect.columns[0]
            values[f"{effect.name}|{group.factor}"] = u[at]
            values[f"{effect.name}|{group.factor}_sigma"] = np.exp(log_sd)[at]
    free_aux = take(len(model.family.auxiliary))
    unit = np.array([name in ("zi", "hu") for name in model.family.auxiliary], bool)
    lp += np.where(unit, np.log(special.expit(free_aux) * special.expit(-free_aux)), free_aux).sum()
    free_aux = np.where(unit, special.expit(free_aux), np.exp(free_aux))
    aux = dict(zip(model.family.auxiliary, free_aux, strict=True))
    values |= aux
    assert not left
    rows = Reference(model)
    return lp + rows.priors(values) + rows.rows(values)


def nested_binomial():
    return model_of("y ~ x + (1|g/h)", data_of("binomial"), "binomial", trials="trials")


def weighted_slopes():
    return model_of(
        "y ~ x + cond + offset(t / 10) + (cond|g) + (1|h)",
        data_of("gaussian"),
        "gaussian",
        weights="w",
        priors={"g_corr": ws.LKJ(1.6), "sd": ws.HalfStudentT(3, 20.0)},
    )


def weighted_zeros():
    return model_of(
        "y ~ x + (1|g)", data_of("zero_inflated_poisson"), "zero_inflated_poisson", weights="w"
    )


@pytest.mark.slow
@pytest.mark.parametrize(
    "make",
    [
        weighted_slopes,
        *(pytest.param(make, marks=pytest.mark.long) for make in (nested_binomial, weighted_zeros)),
        pytest.param(lambda: case("gamma", "log", "intercepts"), marks=pytest.mark.long),
        pytest.param(lambda: case("student", "identity", "levels and a slope"),
                     marks=pytest.mark.long),
    ],
    ids=["weighted slopes", "nested binomial", "weighted zeros", "gamma", "levels and a slope"],
)  # fmt: skip
def test_program_has_the_density_of_the_model(make, tmp_path):
    model = make()
    program, data = stan_program(model)
    path = tmp_path / f"paper_{model.family.name}.stan"
    path.write_text(program, encoding="ascii")
    design = model.design
    groups = [(g.Z.shape[1], len(g.levels), g.correlated) for g in design.groups]
    size = design.intercept + design.X.shape[1] + len(model.family.auxiliary)
    size += sum(q + q * J + (q * (q - 1) // 2 if free else 0) for q, J, free in groups)
    points = np.random.default_rng(3).normal(0, 0.5, (6, size))
    density, _ = log_density(build(path), data, points)
    expected = np.array([reference(model, point) for point in points])
    np.testing.assert_allclose(
        density - density[0], expected - expected[0], rtol=1e-8, atol=1e-8 * abs(expected).max()
    )
