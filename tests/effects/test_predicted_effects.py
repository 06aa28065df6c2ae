"""Contrasts and means of sigma, and of a mean response that depends on it, in closed form."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from made_draws import made_fit
from models import model_of

import winstan as ws

MICE = 6
EXACT = {"rtol": 1e-10, "atol": 0.0}


def rows(seed: int = 1) -> pd.DataFrame:
    """Unequal numbers of trials: each mouse, not each trial, counts once."""
    rng = np.random.default_rng(seed)
    mouse = np.repeat(np.arange(MICE), [5, 9, 6, 14, 8, 11])
    return pd.DataFrame(
        {
            "mouse": [f"m{i}" for i in mouse],
            "stim": rng.integers(0, 2, mouse.size),
            "x": rng.choice([0.0, 0.4, 1.1], mouse.size),
            "y": np.exp(rng.normal(size=mouse.size)),
        }
    )


def fit_of(*formulas: str, family: str = "gaussian", data: pd.DataFrame | None = None) -> ws.Fit:
    """A fit of made-up draws, whose correlations are of a matrix that exists."""
    model = model_of(list(formulas), rows() if data is None else data, family)
    fit = made_fit(model, chains=2, draws=150)
    rng = np.random.default_rng(7)
    posterior = fit.draws["posterior"]
    for name in posterior:
        if family == "lognormal" and name.startswith("sigma"):  # a sigma that has a finite mean
            posterior[name].values[...] *= 0.4
    for group in model.stacked.groups:
        if not group.has_correlations:
            continue
        root = rng.normal(size=(2, 150, group.q, group.q)) + np.eye(group.q)
        S = root @ np.swapaxes(root, -1, -2)
        sd = np.sqrt(np.diagonal(S, axis1=-2, axis2=-1))
        R = S / (sd[..., :, None] * sd[..., None, :])
        names = group.column_names
        for i in range(group.q):
            for j in range(i):
                at = {"mouse_corr_dim": f"{names[j]}, {names[i]}"}
                posterior[f"{group.factor}_corr"].loc[at] = R[..., i, j]
    return fit


def values(table: pd.DataFrame) -> np.ndarray:
    return table.sort_values("draw", kind="stable")["value"].to_numpy()


def of_sigma(fit: ws.Fit, **options) -> np.ndarray:
    return values(fit.contrast("stim", parameter="sigma", draws=True, **options))


def by_name(fit: ws.Fit, pair: str) -> np.ndarray:
    """Draws of the correlation of a pair of effects."""
    variable = fit.draws["posterior"]["mouse_corr"]
    return variable.sel(mouse_corr_dim=pair).to_numpy().ravel()


ACROSS = "y ~ stim + (1 + stim |p| mouse)", "sigma ~ stim + (1 + stim |p| mouse)"


def test_ratio_of_a_typical_animal_is_the_exponential_of_the_coefficient():
    for fit in (fit_of("y ~ x + (1|mouse)", "sigma ~ stim + (1|mouse)"), fit_of(*ACROSS)):
        d = fit.joined()
        got = of_sigma(fit, ratio=True, groups="typical")
        np.testing.assert_allclose(got, np.exp(d["sigma_stim"]), **EXACT)
        link = of_sigma(fit, scale="link", groups="typical")
        np.testing.assert_allclose(link, d["sigma_stim"], **EXACT)
        assert fit.contrast("stim", parameter="sigma", groups="typical").get("p_rope") is None


def test_without_groups_the_contrast_is_of_the_formula():
    fit = fit_of("y ~ x", "sigma ~ stim")
    d = fit.joined()
    low = np.exp(d["sigma_Intercept"])
    np.testing.assert_allclose(of_sigma(fit), low * np.expm1(d["sigma_stim"]), **EXACT)


def test_the_population_s_sigma_is_that_of_a_lognormal():
    fit = fit_of(*ACROSS)
    d = fit.joined()
    s0, s1 = d["sigma_1|mouse_sigma"], d["sigma_stim|mouse_sigma"]
    rho = by_name(fit, "sigma_Intercept, sigma_stim")
    low = np.exp(d["sigma_Intercept"] + s0**2 / 2)
    v = s0**2 + s1**2 + 2 * rho * s0 * s1
    high = np.exp(d["sigma_Intercept"] + d["sigma_stim"] + v / 2)
    np.testing.assert_allclose(of_sigma(fit, groups="population"), high - low, **EXACT)
    ratio = of_sigma(fit, groups="population", ratio=True)
    np.testing.assert_allclose(ratio, high / low, **EXACT)


def test_these_animals_are_averaged_each_counting_once():
    fit = fit_of(*ACROSS)
    d = fit.joined()
    eta = d["sigma_Intercept"][:, None] + d["sigma_1|mouse"]
    rise = d["sigma_stim"][:, None] + d["sigma_stim|mouse"]
    low, high = np.exp(eta).mean(axis=1), np.exp(eta + rise).mean(axis=1)
    np.testing.assert_allclose(of_sigma(fit, groups="these"), high - low, **EXACT)
    means = fit.means("stim", parameter="sigma", groups="these", draws=True)
    of_high = values(means[means["stim"] == 1])
    np.testing.assert_allclose(of_high, high, **EXACT)
    by = fit.contrast("stim", parameter="sigma", by="mouse", ratio=True, draws=True)
    third = values(by[by["mouse"] == "m3"])
    np.testing.assert_allclose(third, np.exp(rise[:, 3]), **EXACT)


@pytest.mark.parametrize("members", ["one term", "two terms", "sigma's own"])
def test_a_new_animal_s_sigma_has_the_population_s_covariance(members):
    formulas = {
        "one term": ACROSS,
        "two terms": ("y ~ stim + (stim|mouse)", "sigma ~ stim + (stim|mouse)"),
        "sigma's own": ("y ~ stim + (1|mouse)", "sigma ~ stim + (stim|mouse)"),
    }[members]
    fit = fit_of(*formulas)
    posterior = fit.draws["posterior"]
    # All draws alike, with correlations that no other pair has.
    for name, value in (("sigma_1|mouse_sigma", 0.8), ("sigma_stim|mouse_sigma", 0.5)):
        posterior[name].values[...] = value
    for pair in posterior["mouse_corr_dim"].to_numpy():
        own = pair == "sigma_Intercept, sigma_stim"
        posterior["mouse_corr"].loc[{"mouse_corr_dim": pair}] = -0.9 if own else 0.1
    d = fit.joined()
    z = []
    for seed in range(12):
        table = fit.means("stim", parameter="sigma", groups="new", draws=True, seed=seed)
        low, high = (np.log(values(table[table["stim"] == s])) for s in (0, 1))
        u = low - d["sigma_Intercept"], high - low - d["sigma_stim"]
        z.append(np.array(u) / np.array([[0.8], [0.5]]))
    z = np.hstack(z)  # 3600 draws: errors of sds are about 0.012, of the correlation 0.003
    np.testing.assert_allclose(z.std(axis=1), 1.0, atol=0.06)
    assert np.corrcoef(z)[0, 1] == pytest.approx(-0.9, abs=0.02)


@pytest.mark.slow
def test_a_new_animal_s_effects_on_both_parameters_are_drawn_jointly():
    """Of a lognormal response: its mean at a draw, and that of its logarithm, tell sigma."""
    fit = fit_of(
        "y ~ stim + (1 |p| mouse)", "sigma ~ stim + (1 |p| mouse)", family="lognormal"
    )  # fmt: skip
    posterior = fit.draws["posterior"]
    posterior["1|mouse_sigma"].values[...] = 0.7
    posterior["sigma_1|mouse_sigma"].values[...] = 0.4
    posterior["mouse_corr"].values[...] = 0.85
    d, new = fit.joined(), pd.DataFrame({"stim": [1], "mouse": ["m99"]})
    pairs = []
    for seed in range(12):
        link, mean = (
            values(fit.predict(new, kind=kind, groups="new", draws=True, seed=seed))
            for kind in ("link", "mean")
        )
        u = link - d["Intercept"] - d["stim"]
        log_sigma = 0.5 * np.log(2 * (np.log(mean) - link))
        pairs.append([u / 0.7, (log_sigma - d["sigma_Intercept"] - d["sigma_stim"]) / 0.4])
    z = np.concatenate(pairs, axis=1)
    np.testing.assert_allclose(z.std(axis=1), 1.0, atol=0.06)
    assert np.corrcoef(z)[0, 1] == pytest.approx(0.85, abs=0.03)


def test_group_effects_of_sigma():
    fit = fit_of(*ACROSS)
    d = fit.joined()
    table = fit.group_effects(parameter="sigma", draws=True)
    assert set(table["effect"]) == {"sigma_Intercept", "sigma_stim"}
    one = table[(table["effect"] == "sigma_stim") & (table["level"] == "m2")]
    np.testing.assert_array_equal(values(one), d["sigma_stim|mouse"][:, 2])
    total = fit.group_effects(parameter="sigma", kind="total", draws=True)
    one = total[(total["effect"] == "sigma_stim") & (total["level"] == "m2")]
    expected = d["sigma_stim"] + d["sigma_stim|mouse"][:, 2]
    np.testing.assert_allclose(values(one), expected, **EXACT)
    of_mean = fit.group_effects(draws=True)
    assert set(of_mean["effect"]) == {"Intercept", "stim"}


LOGNORMAL = "y ~ stim + x + (1 + x |p| mouse)", "sigma ~ stim + x + (1 |p| mouse)"


def parts(d: dict[str, np.ndarray], stim, x, mouse) -> tuple[np.ndarray, np.ndarray]:
    """Mean of the logarithm, and sigma, of rows: (S, rows); a mouse of None is a typical one."""
    one = slice(None), None
    u = v = w = 0.0
    if mouse is not None:
        u, v, w = d["1|mouse"][:, mouse], d["x|mouse"][:, mouse], d["sigma_1|mouse"][:, mouse]
    mu = d["Intercept"][one] + d["stim"][one] * stim + (d["x"][one] + v) * x + u
    log_sigma = d["sigma_Intercept"][one] + d["sigma_stim"][one] * stim + d["sigma_x"][one] * x + w
    return mu, np.exp(log_sigma)


def averaged(value: np.ndarray, mouse: np.ndarray) -> np.ndarray:
    """Mean over rows within mice, and then over mice."""
    return np.mean([value[:, mouse == m].mean(axis=1) for m in np.unique(mouse)], axis=0)


@pytest.mark.parametrize("groups", ["these", "typical"])
def test_lognormal_means_count_each_row_s_own_sigma(groups):
    fit, data = fit_of(*LOGNORMAL, family="lognormal"), rows()
    d, x = fit.joined(), data["x"].to_numpy()
    mouse = data["mouse"].str[1:].astype(int).to_numpy()
    own = mouse if groups == "these" else None

    def mean(stim: float) -> np.ndarray:
        mu, sigma = parts(d, stim, x, own)
        return averaged(np.exp(mu + sigma**2 / 2), mouse)

    difference = values(fit.contrast("stim", groups=groups, draws=True))
    np.testing.assert_allclose(difference, mean(1) - mean(0), rtol=1e-9)
    ratio = values(fit.contrast("stim", groups=groups, ratio=True, draws=True))
    np.testing.assert_allclose(ratio, mean(1) / mean(0), **EXACT)
    # The slope along x: by way of the mean of the logarithm, and by way of sigma.
    mu, sigma = parts(d, data["stim"].to_numpy(), x, own)
    of_mu = d["x"][:, None] + (d["x|mouse"][:, mouse] if own is not None else 0.0)
    rise = of_mu + sigma**2 * d["sigma_x"][:, None]
    expected = averaged(np.exp(mu + sigma**2 / 2) * rise, mouse)
    slope = values(fit.contrast("x", slope=True, groups=groups, draws=True))
    np.testing.assert_allclose(slope, expected, rtol=1e-7)


def test_lognormal_population_where_sigma_has_no_groups():
    fit = fit_of("y ~ stim + (1|mouse)", "sigma ~ stim", family="lognormal")
    d = fit.joined()
    s = [np.exp(d["sigma_Intercept"] + k * d["sigma_stim"]) for k in (0, 1)]
    v = d["1|mouse_sigma"] ** 2
    low, high = (
        np.exp(d["Intercept"] + k * d["stim"] + v / 2 + s[k] ** 2 / 2) for k in (0, 1)
    )  # fmt: skip
    got = values(fit.contrast("stim", groups="population", ratio=True, draws=True))
    np.testing.assert_allclose(got, high / low, **EXACT)


def test_lognormal_mean_where_sigma_alone_has_groups():
    fit = fit_of("y ~ stim", "sigma ~ stim + (1|mouse)", family="lognormal")
    d = fit.joined()

    def mean(stim: int, u: np.ndarray | float) -> np.ndarray:
        sigma = np.exp((d["sigma_Intercept"] + stim * d["sigma_stim"])[:, None] + u)
        return np.exp((d["Intercept"] + stim * d["stim"])[:, None] + sigma**2 / 2)

    for groups, u in (("typical", 0.0), ("these", d["sigma_1|mouse"])):
        got = values(fit.contrast("stim", groups=groups, ratio=True, draws=True))
        expected = mean(1, u).mean(axis=1) / mean(0, u).mean(axis=1)
        np.testing.assert_allclose(got, expected, err_msg=groups, **EXACT)
    with pytest.raises(ws.OptionError, match="'sigma' has group effects"):
        fit.contrast("stim", groups="population")


def test_offsets_of_sigma_are_counted_in_the_mean_and_not_in_its_own_contrasts():
    data = rows()
    formulas = "y ~ stim", "sigma ~ stim + offset(0.5 * x)"
    fit = fit_of(*formulas, family="lognormal", data=data)
    d = fit.joined()
    got = values(fit.predict(kind="mean", draws=True)).reshape(-1, len(data))
    sigma = np.exp(
        d["sigma_Intercept"][:, None] + d["sigma_stim"][:, None] * data["stim"].to_numpy()
        + 0.5 * data["x"].to_numpy()
    )  # fmt: skip
    mu = d["Intercept"][:, None] + d["stim"][:, None] * data["stim"].to_numpy()
    np.testing.assert_allclose(got, np.exp(mu + sigma**2 / 2), rtol=1e-10)
    low = values(fit.means("stim", parameter="sigma", values=[0], draws=True))
    np.testing.assert_allclose(low, np.exp(d["sigma_Intercept"]), **EXACT)
