"""The approximate fit of likelihoods far from normal, and how coordinates follow the sds."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from coordinate_cases import crossed, dense_precision, grouped_rows
from models import correlation_names, model_of
from scipy import integrate, optimize, sparse, stats

import winstan as ws
from winstan.approximation import averages, block_cholesky, laplace, sensitivities
from winstan.backends import Settings, stan
from winstan.coordinates import coordinates as coordinates_module
from winstan.coordinates import sd_dependent_location, sds
from winstan.draws import Sampled, canonical
from winstan.fitted.pipeline import fit_by
from winstan.tuning import USUAL, Tuning
from winstan.unconstrained import sampled_at


def answers(children: int = 150, sd: float = 2.0, seed: int = 5) -> pd.DataFrame:
    """Answers of yes and no, four to a child; and counts, positive numbers."""
    rng = np.random.default_rng(seed)
    child, x = np.repeat(np.arange(children), 4), np.tile(np.arange(4.0), children)
    eta = -1.5 - 0.1 * x + sd * rng.normal(size=children)[child]
    return pd.DataFrame({
        "bernoulli": rng.binomial(1, 1 / (1 + np.exp(-eta))),
        "poisson": rng.poisson(np.exp(eta)),
        "gamma": rng.gamma(2, np.exp(eta) / 2),
        "x": x, "child": child, "class": child // 10,
    })  # fmt: skip


def problem_of(family: str, formula: str = "x + (1|child)", data=None) -> laplace.Problem:
    found = []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(
            coordinates_module,
            "approximate",
            lambda *a: found.append(a[0]) or laplace.approximate(*a),
        )
        model_of(f"{family} ~ {formula}", answers() if data is None else data, family)
    return found[0]


@pytest.mark.parametrize("family", ["bernoulli", "poisson", "gamma"])
def test_averages_are_over_a_normal_linear_predictor(family):
    p = problem_of(family)
    aux = {"alpha": 2.0} if family == "gamma" else {}
    rng = np.random.default_rng(1)
    eta, spread = rng.normal(0, 1, p.offset.size), rng.uniform(0.3, 1.3, p.offset.size)
    nodes = averages.quadrature_nodes(p, eta, spread)

    def mean_over(c: int, weight) -> float:
        """Mean of the cell's score times a weight of the deviation."""
        normal = stats.norm(eta[c], spread[c])

        def integrand(at: float) -> float:
            point = np.where(np.arange(eta.size) == c, at, eta)
            score = p.likelihood.score(point, aux)[0][c]
            return score * normal.pdf(at) * weight(at - eta[c])

        return integrate.quad(integrand, *normal.ppf([1e-12, 1 - 1e-12]))[0]

    found, expected = averages.mean_score(p, nodes, aux)
    observed = averages.observed_information(p, eta, spread, aux)
    for c in range(0, eta.size, 97):
        assert found[c] == pytest.approx(mean_over(c, lambda d: 1), rel=0.01, abs=0.01)
        # E f' = E f d / sd^2, by parts
        slope = mean_over(c, lambda d: d) / spread[c] ** 2
        least = averages.KEPT * expected[c]
        assert observed[c] == pytest.approx(max(-slope, least), rel=0.03, abs=0.01)
    step = 1e-5 * np.eye(eta.size)[3]
    low, high = (
        averages.mean_objective(p, averages.quadrature_nodes(p, at, spread), aux)
        for at in (eta - step, eta + step)
    )
    assert (high - low) / 2e-5 == pytest.approx(found[3], rel=1e-4)


def test_a_certain_linear_predictor_has_one_node():
    p = problem_of("poisson")
    eta = np.linspace(-1, 1, p.offset.size)
    ((_, weight, at),) = averages.quadrature_nodes(p, eta, np.zeros_like(eta))
    assert weight == 1
    np.testing.assert_array_equal(at, eta)
    observed = averages.observed_information(p, eta, np.zeros_like(eta), {})
    np.testing.assert_allclose(observed, p.likelihood.statistics["n"] * np.exp(eta), rtol=1e-5)


def test_the_fit_is_where_the_average_density_is_stationary():
    """By the closed form of counts: the mean of exp(eta) is exp(mean + variance / 2)."""
    p = problem_of("poisson", "x + (1|child) + (1|class)")
    fit = laplace.approximate(p)
    at = block_cholesky.layout(p)
    covariance = np.linalg.inv(dense_precision(p, fit.cell_information, fit.effect_covariance))
    parts = [p.X] + [np.eye(J)[level] for J, level in zip(p.n_levels, p.level, strict=True)]
    whole = np.hstack(parts)
    eta = p.offset + whole @ np.concatenate([fit.beta, fit.u])
    variance = np.einsum("ci,ij,cj->c", whole, covariance, whole)
    mean = p.likelihood.statistics["n"] * np.exp(eta + variance / 2)
    np.testing.assert_allclose(
        fit.factor.variance(
            sparse.csr_array(whole[:, at.eliminated]), sparse.csr_array(whole[:, at.remaining]),
            fit.factor.covariance(),
        ),
        variance, rtol=1e-6,
    )  # fmt: skip
    np.testing.assert_allclose(fit.cell_information, mean, rtol=0.03, atol=1e-3)
    of_prior = np.concatenate(
        [
            (fit.beta - p.beta_prior[:, 0]) / p.beta_prior[:, 1] ** 2,
            *(
                fit.u[level] / S[0, 0]
                for level, S in zip(
                    (slice(150), slice(150, 165)), fit.effect_covariance, strict=True
                )
            ),
        ]
    )
    slope = whole.T @ (p.likelihood.statistics["sum_y"] - mean) - of_prior
    assert np.abs(covariance @ slope / np.sqrt(np.diag(covariance))).max() < 0.1


@pytest.mark.parametrize("prior", [ws.Exponential(2.0), ws.HalfNormal(0.7), ws.Gamma(3.0, 2.0)])
def test_steps_of_the_sds_include_their_priors(prior):
    """By a search for the mode of the density of log sd, four effects being known."""
    effects = np.array([1.0, -2.0, 0.5, 3.0])

    def loss(log_sd: float) -> float:
        sd = np.exp(log_sd)
        return -(stats.norm(0, sd).logpdf(effects).sum() + float(prior.log_density(sd)) + log_sd)

    expected = optimize.minimize_scalar(loss, bounds=(-3, 3), method="bounded").x
    found = laplace._mode(np.sqrt(np.mean(effects**2)), effects.size, prior)
    assert np.log(found) == pytest.approx(expected, abs=2e-4)


def test_without_a_prior_many_effects_move_no_sd():
    """No bias that steps would add up."""
    assert laplace._mode(0.7, 100_000, ws.HalfNormal(1e6)) == pytest.approx(0.7, rel=2e-4)


def test_an_sd_far_below_what_its_prior_has_is_found():
    """Of no density there: inverse gammas have none near zero."""
    assert np.isfinite(laplace._mode(1e-3, 5, ws.InverseGamma(2.0, 1.0)))
    with pytest.raises(np.linalg.LinAlgError):
        laplace._mode(np.nan, 5, ws.Exponential(1.0))


def test_what_fits_at_other_sds_tell_flattens_a_likelihood():
    """Its curvature is what was observed, and its slope stays."""

    def likelihood(log_sd):
        return -20 * np.square(np.asarray(log_sd) - 0.3)

    flattened = sds._flattened(likelihood, 0.4, 10.0)
    low, middle, high = flattened(np.array([0.39, 0.4, 0.41]))
    assert (2 * middle - low - high) / 1e-4 == pytest.approx(10.0)
    assert (high - low) / 0.02 == pytest.approx(-4.0)
    assert sds._flattened(likelihood, 0.4, 1e9)(np.array([0.7])) == pytest.approx(-3.2)


def test_a_failure_at_other_sds_is_no_failure_of_the_fit(monkeypatch):
    def fails(*_):
        raise np.linalg.LinAlgError("not positive definite")

    monkeypatch.setattr(sensitivities, "_at_other_sds", fails)
    model = model_of("bernoulli ~ x + (1|child)", answers(), "bernoulli")
    assert not model.coordinates.sd_dependent_location.any


def test_means_are_open_where_events_are_few_or_a_link_confines_them():
    few = answers().assign(poisson=lambda d: (np.arange(len(d)) == 7).astype(int))
    open_mean = {
        name: model_of(f"{family} ~ x + (1|child)", data, family, link=link).coordinates.open_mean
        for name, family, data, link in (
            ("few", "poisson", few, None), ("many", "poisson", answers(), None),
            ("confined", "gamma", answers(), "identity"),
        )
    }  # fmt: skip
    assert open_mean == {"few": True, "many": False, "confined": True}


@pytest.mark.parametrize("link", ["inverse", "identity"])
def test_a_confined_linear_predictor_is_averaged_at_its_middle(link):
    """No node of the iterations lies at the bound, where the information has no end."""
    rng = np.random.default_rng(4)
    g = np.repeat(np.arange(40), 2)
    mean = np.exp(rng.normal(0, 0.8, 40))[g]
    data = pd.DataFrame({"gamma": rng.gamma(2, mean / 2), "x": rng.normal(size=80), "g": g})
    model = model_of("gamma ~ x + (1|g)", data, "gamma", link=link)
    sd = np.exp(model.coordinates.log_sd_location)
    assert np.all((sd > 0.01) & (sd < 100))
    assert np.isfinite(model.coordinates.decorrelation.remaining_scale).all()


@pytest.mark.parametrize("groups", [8, 60])
def test_a_single_event_is_one_event(groups):
    """At a maximum the mean of all counts is what was counted, but for the priors' pull."""
    rng = np.random.default_rng(groups)
    g = np.repeat(np.arange(groups), 6)
    counted = np.where(np.arange(g.size) == 11, 1, 0)
    data = pd.DataFrame({"poisson": counted, "x": rng.normal(size=g.size), "child": g})
    fit = laplace.approximate(problem_of("poisson", data=data))
    assert 0.7 < fit.cell_information.sum() < 2


@pytest.mark.slow
@pytest.mark.parametrize("family", ["bernoulli", "poisson"])
def test_few_events_in_many_groups_are_sampled_well(family):
    rng = np.random.default_rng(2)
    g = np.repeat(np.arange(30), 6)
    event = np.isin(np.arange(g.size), [11, 90]).astype(int)
    data = pd.DataFrame({"event": event, "x": rng.normal(size=g.size), "g": g})
    fit = ws.fit("event ~ x + (1|g)", data, family, seed=1, silence="all")
    table = fit.summary()
    assert table["ess_bulk"].min() > 1000
    assert table["r_hat"].max() < 1.01
    assert int(fit.draws["sample_stats"]["diverging"].sum()) == 0


@pytest.mark.parametrize("dense", [True, False])
def test_variance_of_linear_predictors(dense):
    _, p, covariance, information = crossed()
    H = dense_precision(p, information, covariance)
    factor = block_cholesky.factorise(H if dense else sparse.csr_array(H), block_cholesky.layout(p))
    indicators = [np.eye(J)[level] for J, level in zip(p.n_levels, p.level, strict=True)]
    whole = np.hstack([p.X, indicators[0], indicators[1], p.X[:, 1:] * indicators[1]])
    store = np.asarray if dense else sparse.csr_array
    found = factor.variance(
        store(whole[:, factor.layout.eliminated]), store(whole[:, factor.layout.remaining]),
        factor.covariance(),
    )  # fmt: skip
    np.testing.assert_allclose(found, np.diag(whole @ np.linalg.inv(H) @ whole.T), rtol=1e-7)


def test_coordinates_of_effects_undo_their_z_scores():
    model = model_of("y ~ x + t + (x|g/h)", grouped_rows(), "student")
    rng = np.random.default_rng(8)
    for term in model.coordinates.terms:
        assert term.informed
        root = np.array([[1.3, 0.0], [-0.4, 0.6]])
        x, shift = rng.normal(size=(2, *term.shape))
        back = term.coordinates(term.z_scores(x, root, shift), root, shift)
        np.testing.assert_allclose(back, x, rtol=1e-8, atol=1e-8)


@pytest.mark.parametrize(
    "formula",
    ["x + (1|child)", "x + (1|child) + (1|class)", "x + (x|child)", "x + (1|class/child)"],
)
def test_at_other_sds_the_coordinates_middle_is_the_fit_there(formula, monkeypatch):
    """Coefficients and effects at raw coordinates of zero, at sds a tenth smaller or larger."""
    data = answers(sd=1.5).assign(poisson=lambda d: d["poisson"].clip(upper=1))
    fits = []
    monkeypatch.setattr(
        coordinates_module,
        "approximate",
        lambda *a: fits.append(laplace.approximate(*a)) or fits[-1],
    )
    model = model_of(f"poisson ~ {formula}", data, "poisson")
    (fit,) = fits
    assert model.coordinates.sd_dependent_location.any
    P, of_model = len(fit.beta), [g.factor for g in model.design.groups]
    errors = []
    for coordinates in (
        model.coordinates,
        replace(
            model.coordinates,
            sd_dependent_location=sd_dependent_location.SdDependentLocation(
                model.coordinates.sd_dependent_location.at, *np.zeros((2, P + fit.u.size, 1))
            ),
        ),
    ):
        total = 0.0
        for k, response in enumerate(fit.sensitivities):
            if not np.any(model.coordinates.sd_dependent_location.location[:, k]):
                continue
            for covariance, state in zip(response.covariances, response.states, strict=True):
                sd = np.sqrt(np.concatenate([np.diag(S) for S in covariance]))
                shift = (
                    coordinates.sd_dependent_location.at_sds(sd)[0]
                    if coordinates is model.coordinates
                    else np.zeros(P + fit.u.size)
                )
                factors = []
                for _, group in correlation_names(model.design):
                    S = covariance[of_model.index(group.factor)]
                    width = np.sqrt(np.diag(S))
                    factors.append(np.linalg.cholesky(S / np.outer(width, width))[None, None])
                draws = canonical(
                    replace(model, coordinates=coordinates),
                    Sampled(
                        (fit.beta + shift[:P])[None, None], sd[None, None], factors,
                        shift[P:][None, None], np.zeros((1, 1, 0)),
                    ),
                )  # fmt: skip
                got = np.concatenate(
                    [
                        draws[f"{effect.name}|{group.factor}"][0, 0].ravel()
                        for group in model.design.groups
                        for effect in group.effects
                    ]
                )
                total += np.sum((got - state.theta[P:]) ** 2)
                total += np.sum((fit.beta + shift[:P] - state.theta[:P]) ** 2)
        errors.append(total)
    assert errors[0] < 0.1 * errors[1]


def test_what_does_not_follow_sds_is_left_alone():
    narrow = grouped_rows().assign(y=lambda d: np.exp((d["y"] - 40) / 20))
    assert not model_of(
        "y ~ x + (1|g)", grouped_rows(), "student"
    ).coordinates.sd_dependent_location.any
    assert not model_of("y ~ x + (1|g)", narrow, "gamma").coordinates.sd_dependent_location.any


def test_sds_that_are_known_by_their_sum_are_mixed():
    known = np.array([[20.0, 12.0], [12.0, 9.0]])
    fit = SimpleNamespace(
        effect_covariance=(np.eye(1), np.eye(1)),
        sensitivities=[SimpleNamespace(information=row) for row in known],
    )
    root = sds.sd_correlation_root(fit)
    covariance = np.linalg.inv(known)
    correlation = covariance[0, 1] / np.sqrt(covariance[0, 0] * covariance[1, 1])
    np.testing.assert_allclose(root @ root.T, [[1, correlation], [correlation, 1]])
    assert root[0, 1] == 0
    fit.sensitivities[0].information = known[0] * [1, 0.05]
    fit.sensitivities[1].information = known[1] * [0.05, 1]
    np.testing.assert_array_equal(sds.sd_correlation_root(fit), np.eye(2))
    fit.sensitivities = ()
    np.testing.assert_array_equal(sds.sd_correlation_root(fit), np.eye(2))


@pytest.mark.filterwarnings("ignore::winstan.DesignWarning")
@pytest.mark.parametrize(("J", "curved"), [(4, True), (12, False)])
def test_few_groups_have_small_steps(J, curved):
    """Of no difference between groups: that their sd may vanish is no reason by itself."""
    rng = np.random.default_rng(3)
    data = pd.DataFrame({"g": np.repeat(np.arange(J), 8), "y": rng.poisson(3, 8 * J)})
    model = model_of("y ~ 1 + (1|g)", data, "poisson")
    assert model.coordinates.vanishing
    assert model.coordinates.curved == curved
    assert (model.target_accept > 0.9) == curved


@pytest.mark.filterwarnings("ignore::winstan.DesignWarning")
@pytest.mark.parametrize(("formula", "J", "accept"), [
    ("y ~ x + (x|g)", 7, 0.9), ("y ~ x + (x|g)", 8, 0.8), ("y ~ x + (1|g)", 12, 0.8),
])  # fmt: skip
def test_steps_are_smaller_where_what_is_left_of_an_integral_is_open_ended(formula, J, accept):
    rng = np.random.default_rng(3)
    data = pd.DataFrame({"g": np.repeat(np.arange(J), 8), "x": rng.normal(size=8 * J)})
    data["y"] = rng.normal(size=8 * J) + 9 * rng.normal(size=J)[data.g] * (1 + data.x)
    model = model_of(formula, data, "gaussian")
    assert model.marginal is not None
    assert model.target_accept == accept
    assert not model.coordinates.vanishing
    # Of no difference between groups, or of correlations at the ends
    flat = model_of(formula, data.assign(y=rng.normal(size=8 * J)), "gaussian")
    assert flat.coordinates.vanishing
    assert flat.target_accept == (0.9 if "x|" in formula else 0.85)
    if "x|" in formula:
        ends = model_of(formula, data, "gaussian", priors={"corr": ws.LKJ(0.5)})
        assert ends.target_accept == 0.9


def sampled(monkeypatch, data, formula, family, tuning=USUAL):
    """Coordinates of the sds, of all else, and log sds, (draws, n) each; and the coordinates."""
    seen = []
    monkeypatch.setattr(stan, "sampled_at", lambda *a: seen.append(a) or sampled_at(*a))
    model = model_of(formula, data, family, tuning=tuning)
    fit_by(stan.StanBackend(), model, Settings(seed=3, draws=3000), 0.0)
    model, raw, _ = seen[-1]
    both = np.concatenate([raw["joint_raw"], raw["rest_raw"]], axis=2)
    sd = np.exp(
        model.coordinates.log_sd_location
        + model.coordinates.log_sd_scale * raw["sd_raw"]
        + model.coordinates.log_sd_skew * np.sqrt(1 + raw["sd_raw"] ** 2)
    )
    return *(
        x.reshape(-1, x.shape[-1]) for x in (raw["sd_raw"], both, np.log(sd))
    ), model.coordinates


def told(y, X) -> float:
    """Share of the variance of y that X tells, adjusted for its columns."""
    A = np.column_stack([np.ones(len(X)), X])
    left = y - A @ np.linalg.lstsq(A, y, rcond=None)[0]
    return float(1 - left @ left / (len(y) - A.shape[1]) / y.var())


@pytest.mark.slow
def test_an_sd_is_not_told_by_the_other_coordinates(monkeypatch):
    """Of few answers it is, by half, where locations do not follow it: its ESS suffers."""
    data = answers(children=300)
    formula = "bernoulli ~ x + (1|child)"
    sd_raw, both, log_sd, coordinates = sampled(monkeypatch, data, formula, "bernoulli")
    with_it = told(sd_raw[:, 0], np.hstack([both, both**2]))
    # The fit's middle and width are the posterior's, to a share of its width
    assert abs(sd_raw.mean()) < 2
    assert log_sd.std() == pytest.approx(coordinates.log_sd_scale[0], rel=0.3)
    alone = Tuning(location_from=np.inf)
    sd_raw, both, *_ = sampled(monkeypatch, data, formula, "bernoulli", alone)
    without = told(sd_raw[:, 0], np.hstack([both, both**2]))
    assert with_it < 0.15
    assert without > 2.5 * with_it
