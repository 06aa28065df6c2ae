"""ArviZ's functions work on the draws of a fit, which makes the groups that they look for."""

from __future__ import annotations

import arviz as az
import matplotlib.pyplot as plt
import numpy as np
import pytest
from effects_cases import DATA
from made_draws import made_fit
from models import model_of
from scipy import stats

import winstan as ws
from winstan.errors import OptionError, PriorError

GROUPS = ("log_likelihood", "log_prior", "posterior_predictive", "prior", "prior_predictive")
PRIORS = {"sigma": ws.HalfNormal(50), "sd": ws.HalfNormal(30)}


@pytest.fixture(scope="module")
def fit():
    data = DATA.assign(times=1 + np.arange(len(DATA)) % 3)
    model = model_of("y ~ stim + (1|mouse)", data, "gaussian", weights="times", priors=PRIORS)
    return made_fit(model, chains=2, draws=150)


def test_groups_are_made_when_they_are_asked_for(fit):
    tree = fit.draws
    assert not {"prior", "log_prior"} & tree.children.keys()
    assert all(name in tree and hasattr(tree, name) for name in GROUPS)
    assert tree["prior"] is tree.prior
    assert tree.get("log_prior").sizes == {"chain": 2, "draw": 150}
    assert not hasattr(tree, "warmup_posterior")
    with pytest.raises(KeyError):
        tree["warmup_posterior"]


def test_log_likelihood_counts_weights(fit):
    """Its sum is the likelihood of all that the rows stand for."""
    draws = fit.joined()
    times = 1 + np.arange(len(DATA)) % 3
    mice = {name: k for k, name in enumerate(sorted(DATA["mouse"].unique()))}
    eta = draws["Intercept"][:, None] + draws["stim"][:, None] * DATA["stim"].to_numpy()
    eta = eta + draws["1|mouse"][:, DATA["mouse"].map(mice)]
    expected = stats.norm(eta, draws["sigma"][:, None]).logpdf(DATA["y"].to_numpy()) @ times
    got = fit.draws["log_likelihood"]["y"].sum("row").to_numpy().reshape(-1)
    np.testing.assert_allclose(got, expected, rtol=1e-10)


def test_arviz_on_the_draws(fit):
    tree = fit.draws
    loo = az.loo(tree)
    assert loo.n_data_points == len(DATA)
    pit = az.loo_pit(tree)["y"].to_numpy()
    assert pit.shape == (len(DATA),)
    assert ((pit >= 0) & (pit <= 1)).all()
    sensitivity = az.psense_summary(tree, var_names=["stim", "sigma"])
    assert list(sensitivity.index) == ["stim", "sigma"]
    factor = az.bayes_factor(tree, "stim")["stim"]
    assert float(factor.sel(bf_type="BF10")) > 0


@pytest.mark.slow
def test_arviz_figures_of_the_draws(fit):
    for plot, options in (
        (az.plot_ppc_dist, {"num_samples": 20}),
        (az.plot_ppc_dist, {"group": "prior_predictive", "num_samples": 20}),
        (az.plot_prior_posterior, {"var_names": ["stim"]}),
    ):
        plot(fit.draws, backend="matplotlib", **options)
    plt.close("all")


def test_a_tree_to_hand_on(fit, tmp_path):
    tree = fit.to_arviz()
    assert set(GROUPS) < tree.children.keys()
    constant = tree["constant_data"]
    assert constant["mouse"].to_numpy().tolist() == DATA["mouse"].tolist()
    assert constant["weights"].to_numpy().tolist() == [1 + i % 3 for i in range(len(DATA))]
    tree.to_netcdf(tmp_path / "draws.nc", engine="h5netcdf")
    assert set(GROUPS) < az.from_netcdf(tmp_path / "draws.nc").children.keys()
    other = fit.to_arviz(["prior"], seed=4)["prior"]["stim"]
    assert not np.array_equal(other, tree["prior"]["stim"])
    # A replicate of the prior is of the draw of the prior of its number.
    assert tree["prior_predictive"].sizes["draw"] == 300


def test_groups_that_cannot_be(fit):
    with pytest.raises(OptionError, match=r"'priors', which is no group.*'prior'"):
        fit.to_arviz("priors")
    model = model_of("y ~ stim", DATA, "gaussian", priors={"stim": ws.Flat()})
    improper = made_fit(model, chains=2, draws=20)
    with pytest.raises(PriorError, match="'stim' is Flat"):
        improper.to_arviz()
    assert "stim" not in improper.to_arviz(["log_prior"])["log_prior"]
