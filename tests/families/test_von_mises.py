"""Angles: von Mises densities and posteriors, and answers that do not break between pi and -pi."""

from __future__ import annotations

import warnings

import numpy as np
import pandas as pd
import pytest
from guard_cases import guards
from made_draws import made_fit
from models import model_of
from posterior_checks import agree
from scipy import special, stats

import winstan as ws
from winstan._angles import angular_deviation, circular_sd, mean_direction, wrap_angles
from winstan.effects import contrast, observed_contrast
from winstan.effects.intervals import describe
from winstan.effects.population import population_mean, population_slope
from winstan.errors import FamilyError, OptionError
from winstan.families import FAMILIES
from winstan.families.sample import Sample
from winstan.guards.directions import check_directions

VON_MISES = FAMILIES["von_mises"]


def animals(base: float = 3.0, seed: int = 0, rows: int = 12) -> pd.DataFrame:
    """Phases of eight animals at rest and under a stimulus that turns them by 0.6."""
    rng = np.random.default_rng(seed)
    mouse = np.repeat(np.arange(8), 2 * rows)
    stim = np.tile(np.repeat([0, 1], rows), 8)
    mu = base + 0.6 * stim + rng.normal(0, 0.3, 8)[mouse]
    phase = rng.vonmises(wrap_angles(mu), 4.0)
    names = [f"m{i}" for i in mouse]
    return pd.DataFrame({"phase": phase, "stim": stim, "mouse": names})


# --- Angles -------------------------------------------------------------------------------------


def test_summaries_of_angles_are_those_of_directions():
    rng = np.random.default_rng(1)
    # A normal turned by pi: its mean, sd and interval turn with it.
    plain = 0.3 * rng.standard_normal(20_000)
    here, there = (
        describe(wrap_angles(plain + at), 0.9, "eti", circular=True) for at in (0.5, np.pi)
    )
    straight = describe(plain, 0.9, "eti")
    for name, value in straight.items():
        moved = 0.0 if name == "sd" else 0.5
        assert here[name] == pytest.approx(value + moved, abs=0.01)
    assert abs(wrap_angles(there["mean"] - np.pi)) < 0.01
    assert there["eti_5%"] < there["mean"] < there["eti_95%"]
    assert there["eti_95%"] - there["eti_5%"] == pytest.approx(
        straight["eti_95%"] - straight["eti_5%"], abs=0.01
    )


def test_spread_of_angles():
    near = 2.0 + 1e-9 * np.random.default_rng(2).standard_normal(1000)
    assert angular_deviation(near) == pytest.approx(near.std(), rel=1e-6)
    assert circular_sd(near) == pytest.approx(near.std(), rel=1e-6)
    around = np.arange(12) * np.pi / 6
    assert angular_deviation(around) == pytest.approx(np.sqrt(2))
    some = np.array([3.0, -3.0, 2.4, 1.1])
    assert circular_sd(some) == pytest.approx(stats.circstd(some))
    assert mean_direction(some) == pytest.approx(stats.circmean(some, high=np.pi, low=-np.pi))
    turns = np.array([-np.pi, np.pi, 3 * np.pi, 100.0])
    assert np.all(np.abs(wrap_angles(turns)) <= np.pi)
    np.testing.assert_allclose(np.cos(wrap_angles(turns)), np.cos(turns), atol=1e-12)


# --- The density --------------------------------------------------------------------------------


@pytest.mark.parametrize("kappa", [1e-8, 0.3, 29.0, 31.0, 5e3, 1e9])
@pytest.mark.parametrize("link", ["tan_half", "identity"])
def test_statistics_are_exact_however_near_the_angles(kappa, link):
    rng = np.random.default_rng(3)
    cell, weight = np.arange(60) % 4, rng.integers(1, 4, 60).astype(float)
    y = 3.1 + (rng.vonmises(0.0, min(kappa, 50.0), 60) if kappa < 1e3 else
               rng.normal(0, kappa**-0.5, 60))  # fmt: skip
    of = VON_MISES.statistics(Sample(y, weight, np.zeros(60)), cell, 4, ())
    turned = VON_MISES.link(link)
    turned = turned.about(3.0) if link == "tan_half" else turned
    mu = 3.1 + min(1.0, kappa**-0.5) * np.array([-0.4, 0.2, 0.7, 1.0])
    got = VON_MISES.log_likelihood(of, turned.function(mu), {"kappa": kappa}, turned)
    # As scipy has it, but for what a cosine next to one would round away.
    rows = -2 * kappa * np.sin(0.5 * (y - mu[cell])) ** 2 - np.log(2 * np.pi * special.i0e(kappa))
    assert got == pytest.approx(weight @ rows, rel=1e-11, abs=1e-9)
    if kappa < 1e4:
        direct = stats.vonmises.logpdf(y, kappa, loc=mu[cell])
        assert got == pytest.approx(weight @ direct, rel=1e-8)


@pytest.mark.parametrize("kappa", [1e-3, 0.7, 40.0, 900.0, 1100.0, 1e7])
def test_bessel_functions_of_any_concentration(kappa):
    """The score of kappa and its information are moments of 1 - cos, here by quadrature."""
    t = np.linspace(-np.pi, np.pi, 200_000, endpoint=False)
    lost = 2 * np.sin(t / 2) ** 2
    p = np.exp(-kappa * lost)
    p /= p.sum()
    mean = p @ lost
    of = VON_MISES.statistics(Sample(np.zeros(1), None, np.zeros(1)), np.zeros(1, int), 1, ())
    link = VON_MISES.link(None)
    score, information = VON_MISES.scores["kappa"](
        of, np.zeros(1), {"kappa": np.array([kappa])}, link
    )
    assert score[0] == pytest.approx(mean, rel=1e-11)
    assert information[0] == pytest.approx(p @ (lost - mean) ** 2, rel=1e-7)


def test_angles_in_other_units_are_asked_for_and_never_guessed():
    data = animals(base=2.2)
    data["degrees"] = np.rad2deg(data["phase"])
    assert (abs(data["degrees"]) > 7).all()
    with pytest.raises(FamilyError, match=r"192 of 192 rows .*deg2rad\(y\)") as refused:
        model_of("degrees ~ stim", data, "von_mises")
    assert "This response fits" not in str(refused.value)
    model = model_of("np.deg2rad(degrees) ~ stim", data, "von_mises")
    np.testing.assert_allclose(model.design.response.y, data["phase"])
    # From 0 to a turn is as good as from -pi to pi.
    data["positive"] = data["phase"] % (2 * np.pi)
    one, other = (model_of(f"{y} ~ stim", data, "von_mises") for y in ("phase", "positive"))
    for name in ("n", "lost", "length"):
        np.testing.assert_allclose(
            one.cells.statistics[name], other.cells.statistics[name], rtol=1e-12
        )


# --- Turning ------------------------------------------------------------------------------------


def contrast_of(data: pd.DataFrame, **options) -> ws.Fit:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ws.DesignWarning)
        return made_fit(model_of("phase ~ stim + (1|mouse)", data, "von_mises", **options))


@pytest.mark.parametrize("angle", [1.0, np.pi, -2.5])
@pytest.mark.slow
def test_turning_all_angles_turns_directions_and_no_difference(angle):
    """Coordinates, priors and likelihood are of angles from the data's mean direction."""
    data = animals()
    turned = data.assign(phase=wrap_angles(data["phase"] + angle))
    one, other = contrast_of(data), contrast_of(turned)
    for name in ("beta_location", "eta", "aux_location"):
        ours, theirs = (getattr(fit.model.coordinates, name) for fit in (one, other))
        np.testing.assert_allclose(ours, theirs, rtol=1e-7, atol=1e-9)
    assert str(one.priors) == str(other.priors)
    # The same draws of the half-tangents are the same differences.
    tables = [fit.contrast("stim").drop(columns=["contrast", "groups"]) for fit in (one, other)]
    np.testing.assert_allclose(tables[0], tables[1], atol=1e-8)
    means = [fit.means("stim")["mean"].to_numpy() for fit in (one, other)]
    np.testing.assert_allclose(wrap_angles(means[1] - means[0] - angle), 0, atol=1e-8)


def test_a_direction_that_the_half_tangent_does_not_reach_is_far_from_the_data():
    data = animals(base=np.pi)
    for rows in (data, data.assign(phase=data["phase"] % (2 * np.pi))):
        model = model_of("phase ~ stim", rows, "von_mises")
        directions = model.cells.statistics["direction"]
        assert np.abs(wrap_angles(directions - model.link.origin)).max() < 0.7


def told(*directions: float, link: str = "tan_half", seed: int = 0) -> str | None:
    """What the guard says of conditions with these mean directions, most rows in the first."""
    rng = np.random.default_rng(seed)
    cond = np.repeat(np.arange(len(directions)), [80, *[40] * (len(directions) - 1)])
    y = rng.vonmises(np.array(directions)[cond], 3.0)
    data = pd.DataFrame({"y": y, "cond": [f"c{c}" for c in cond]})
    return check_directions(model_of("y ~ cond", data, "von_mises", link=link))


@pytest.mark.slow
def test_a_condition_that_the_half_tangent_does_not_reach_is_told():
    found = [told(0.0, np.pi, seed=seed) or "" for seed in range(20)]
    assert sum("'c1' of 'cond'" in text and "link='identity'" in text for text in found) >= 16
    assert not any(told(0.0, 1.5, -1.0, seed=seed) for seed in range(20))
    assert told(0.0, np.pi, link="identity") is None
    assert "unreached_direction" not in guards("phase ~ stim", animals(), "von_mises")


# --- Answers ------------------------------------------------------------------------------------


def test_contrasts_and_means_are_those_of_mean_vectors():
    fit = contrast_of(animals(base=2.9))
    p, origin = fit.joined(), fit.model.link.origin
    u, A = p["1|mouse"], (special.i1e(p["kappa"]) / special.i0e(p["kappa"]))[:, None]
    vectors = [
        A * np.exp(1j * (origin + 2 * np.arctan((p["Intercept"] + x * p["stim"])[:, None] + u)))
        for x in (0, 1)
    ]
    angle = np.angle(vectors[1].mean(axis=1) / vectors[0].mean(axis=1))
    draws = fit.contrast("stim", groups="these", draws=True)["value"].to_numpy()
    np.testing.assert_allclose(draws, angle, atol=1e-12)
    assert np.abs(draws).max() <= np.pi
    means = fit.means("stim", groups="these", draws=True)
    np.testing.assert_allclose(
        means[means["stim"] == 0]["value"], np.angle(vectors[0].mean(axis=1)), atol=1e-12
    )
    predicted = fit.predict(kind="mean", draws=True)["value"].to_numpy().reshape(len(angle), -1)
    np.testing.assert_allclose(predicted[:, 0], np.angle(vectors[0][:, 0]), atol=1e-12)
    with pytest.raises(OptionError, match="directions"):
        fit.contrast("stim", ratio=True)


def test_rows_weigh_by_the_length_of_their_mean_vector():
    """Where kappa differs between rows, averages lean to the directions that are sure."""
    data = animals()
    data["week"] = np.arange(len(data)) % 3.0
    fit = made_fit(model_of(["phase ~ stim + week", "kappa ~ week"], data, "von_mises"))
    p, origin = fit.joined(), fit.model.link.origin
    whole = 0.0
    for week, n in data["week"].value_counts().items():
        kappa = np.exp(p["kappa_Intercept"] + week * p["kappa_week"])
        eta = p["Intercept"] + week * p["week"]
        length = special.i1e(kappa) / special.i0e(kappa)
        whole = whole + n * length * np.exp(1j * (origin + 2 * np.arctan(eta)))
    means = fit.means("stim", draws=True)
    np.testing.assert_allclose(
        np.exp(1j * means[means["stim"] == 0]["value"]), whole / abs(whole), atol=1e-9
    )


@pytest.mark.parametrize("link", ["tan_half", "identity"])
@pytest.mark.slow
def test_population_direction_is_that_of_the_vector_integrated_over_groups(link):
    """By the complex error function, and by the normal's characteristic function."""
    fit = contrast_of(animals(), link=link)
    p, origin = fit.joined(), fit.model.link.origin
    v = p["1|mouse_sigma"] ** 2
    expected = []
    for x in (0, 1):
        m = p["Intercept"] + x * p["stim"]
        if link == "identity":
            expected.append(np.exp(1j * m - v / 2))
            continue
        # (1 + i eta) / (1 - i eta) = 2 / (1 - i eta) - 1: an integral of exponentials.
        z = (1 - 1j * m) / np.sqrt(2 * v)
        expected.append(np.exp(1j * origin) * (np.sqrt(2 * np.pi / v) * special.wofz(1j * z) - 1))
    draws = fit.contrast("stim", groups="population", draws=True)["value"].to_numpy()
    np.testing.assert_allclose(draws, np.angle(expected[1] / expected[0]), atol=1e-9)
    # Their lengths too, which count where rows are averaged.
    beside = {"kappa": p["kappa"][:, None]}
    A = (special.i1e(p["kappa"]) / special.i0e(p["kappa"]))[:, None]
    eta, variance = p["Intercept"][:, None], v[:, None]
    vectors = population_mean(fit.model, beside, eta, variance)
    np.testing.assert_allclose(vectors, A * expected[0][:, None], atol=1e-9)
    rise, widening, step = 0.7, 0.2 * variance, 1e-5
    ends = [
        population_mean(fit.model, beside, eta + d * rise, variance + d * widening)
        for d in (step, -step)
    ]
    slope = population_slope(fit.model, beside, eta, variance, np.full_like(eta, rise), widening)
    np.testing.assert_allclose(slope, (ends[0] - ends[1]) / (2 * step), atol=1e-7)


@pytest.mark.slow
def test_slopes_are_those_of_the_mean_direction():
    data = animals()
    data["week"] = np.arange(len(data)) % 7.0
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ws.DesignWarning)
        model = model_of(["phase ~ week + (1|mouse)", "kappa ~ week"], data, "von_mises")
    fit = made_fit(model)
    for groups in ("typical", "population"):
        slope = fit.contrast("week", slope=True, groups=groups, draws=True)["value"].to_numpy()
        step = 1e-4
        moved = fit.conditional(
            "week", values={"week": [3 - step, 3 + step]}, groups=groups, draws=True
        )["value"].to_numpy().reshape(-1, 2)  # fmt: skip
        assert np.isfinite(slope).all()
        if groups == "typical":
            by_hand = wrap_angles(moved[:, 1] - moved[:, 0]) / (2 * step)
            p = fit.joined()
            eta = p["Intercept"] + 3 * p["week"]
            np.testing.assert_allclose(by_hand, 2 * p["week"] / (1 + eta**2), rtol=1e-5)


def test_observed_differences_are_of_mean_directions():
    data = animals()
    fit = contrast_of(data)
    result = contrast(fit.model, fit.joined(), "stim")
    seen = observed_contrast(fit.model, result, "mouse")
    own = data[data["mouse"] == "m3"]
    expected = [mean_direction(own[own["stim"] == x]["phase"].to_numpy()) for x in (0, 1)]
    row = seen[seen["group"] == "m3"]["difference"].item()
    assert row == pytest.approx(wrap_angles(expected[1] - expected[0]).item(), abs=1e-12)


def test_no_line_of_classical_results_stands_beside_directions():
    data = animals(base=0.0)
    fit = contrast_of(data)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ws.DesignWarning)
        lme = ws.lme("phase ~ stim + (1|mouse)", data)
    with pytest.raises(OptionError, match=r"no ANOVA of directions.*watson"):
        ws.side_by_side(fit, lme)
    assert ws.side_by_side(fit, treatment="stim") is not None


# --- Posteriors ---------------------------------------------------------------------------------


@pytest.mark.slow
def test_posterior_of_one_direction_against_quadrature():
    y = wrap_angles(stats.vonmises(1.4, loc=np.pi).rvs(25, random_state=4))
    fit = ws.fit("y ~ 1", pd.DataFrame({"y": y}), family="von_mises", draws=4000, seed=2)
    origin = mean_direction(y)
    eta, log_kappa = np.meshgrid(np.linspace(-3, 3, 601), np.linspace(-4, 3.5, 601), indexing="ij")
    kappa = np.exp(log_kappa)
    log_density = (
        stats.norm.logpdf(eta)
        + stats.halfcauchy(scale=3).logpdf(kappa)
        + log_kappa
        + sum(stats.vonmises.logpdf(one, kappa, loc=origin + 2 * np.arctan(eta)) for one in y)
    )
    weight = np.exp(log_density - log_density.max())
    weight /= weight.sum()
    expected = {}
    for name, value in (("Intercept", eta), ("kappa", kappa)):
        mean = float((weight * value).sum())
        expected[name] = (mean, float(np.sqrt((weight * (value - mean) ** 2).sum())), 0.0)
    agree(fit, expected)


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::winstan.DesignWarning")
def test_animals_about_the_cut_and_away_from_it_have_one_difference():
    found = []
    for base in (0.2, np.pi):
        data = animals(base=0.0, seed=5, rows=20)
        data["phase"] = wrap_angles(data["phase"] + base)
        fit = ws.fit("phase ~ stim + (1|mouse)", data, family="von_mises", seed=6)
        assert fit.diagnostics.ok, fit.verdict
        found.append((fit.contrast("stim").iloc[0], fit.means("stim")["mean"].to_numpy()))
    (here, means), (there, turned) = found
    assert here["hdi_3%"] < 0.6 < here["hdi_97%"]
    # A few hundred effective draws of each at the least.
    assert there["mean"] == pytest.approx(here["mean"], abs=0.2 * here["sd"])
    assert there["sd"] == pytest.approx(here["sd"], rel=0.1)
    np.testing.assert_allclose(wrap_angles(turned - means - np.pi + 0.2), 0, atol=0.02)
