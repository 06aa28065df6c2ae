"""How the coordinates follow the sds, where likelihoods are far from normal."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from coordinate_cases import answers, grouped_rows
from models import correlation_names, model_of

import winstan as ws
from winstan.approximation import laplace, sensitivities
from winstan.backends import Settings, stan
from winstan.coordinates import choosing, sd_dependent_location, sds
from winstan.draws import Sampled, canonical
from winstan.fit_class import Fit
from winstan.fitted.pipeline import fit_by
from winstan.tuning import USUAL, Tuning
from winstan.unconstrained import sampled_at


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


@pytest.mark.slow
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
        choosing,
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
        sd=np.ones(2),
        sd_slopes=np.eye(2),
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
@pytest.mark.parametrize(("terms", "accept"), [
    ("ar(t, g)", 0.95), ("(1|g) + ar(t, g)", 0.98), ("hsgp(t, m=4)", 0.95),
    ('s(t, g, bs="fs", k=4)', 0.95),
])  # fmt: skip
def test_steps_are_smaller_along_the_curves_of_correlations_and_processes(terms, accept):
    rng = np.random.default_rng(3)
    data = pd.DataFrame({"g": np.repeat(np.arange(9), 8), "t": np.tile(np.arange(8), 9)})
    data["y"] = np.sin(data.t) + rng.normal(size=9)[data.g] + rng.normal(size=72)
    assert model_of(f"y ~ {terms}", data, "gaussian").target_accept == accept


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
@pytest.mark.parametrize(("J", "height", "accept"), [
    (24, 0.8, 0.65), (6, 0.8, 0.8), (80, 0.8, 0.8), (24, 0.0, 0.95),
])  # fmt: skip
def test_curves_of_hundreds_of_coordinates_have_longer_steps(J, height, accept):
    """Not of few, of too many; and of animals that do not differ they are shorter."""
    rng = np.random.default_rng(3)
    data = pd.DataFrame({"g": np.repeat(np.arange(J), 40), "t": np.tile(np.linspace(0, 1, 40), J)})
    level, slope, wave = height * rng.normal(size=(3, J))[:, data.g]
    eta = 1 + level + slope * data.t + wave * np.sin(9 * data.t)
    data["y"] = rng.poisson(np.exp(eta))
    model = model_of("y ~ t + s(t, g, bs='fs', k=8)", data, "poisson")
    assert model.target_accept == accept


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
    fit_by(Fit, stan.StanBackend(), model, Settings(seed=3, draws=3000), 0.0)
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
