"""`ws.agree`: right about how often it is wrong, and about what it finds."""

from __future__ import annotations

import dataclasses
import re
from io import BytesIO
from time import perf_counter

import numpy as np
import pandas as pd
import pytest
from made_draws import made_fit
from models import model_of

import winstan as ws
from winstan.comparison.numbers import spread_z
from winstan.draws import Draws
from winstan.fit_class import Fit
from winstan.fitted.pipeline import fit_from_draws
from winstan.plots import plot_agreement

FORMULA = "y ~ x + (x|g)"


def data(seed: int = 0, levels: int = 6) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    n = 20 * levels
    return pd.DataFrame(
        {
            "x": rng.integers(0, 4, n).astype(float),
            "z": rng.normal(size=n),
            "g": rng.permutation([f"g{i}" for i in range(levels)] * 20),
            "y": rng.gamma(3, 20, n),
            "w": rng.integers(1, 4, n),
        }
    )


def model(frame=None, family="gamma", formula=FORMULA, **options):
    return model_of(formula, data() if frame is None else frame, family, **options)


MODEL = model()


def fit_of(model=MODEL, *, seed, draws=500, backend="stan", rho=0.0, change=None) -> Fit:
    """Four converged chains of one made-up posterior, heavy-tailed ones among its quantities."""
    rng = np.random.default_rng(seed)

    def chains(shape):
        e = rng.normal(size=(4, draws, *shape))
        for t in range(1, draws):
            e[:, t] = rho * e[:, t - 1] + np.sqrt(1 - rho**2) * e[:, t]
        return e

    posterior = {}
    for i, v in enumerate(model.variables):
        x = chains(v.shape)
        if v.role == "sd":
            x = np.exp(1.2 * x)  # right-skewed, its variance badly estimated
        elif v.role == "correlation":
            x = np.tanh(0.4 + x)
        elif v.role == "auxiliary":
            x = np.exp(0.1 * x)
        elif v.role == "effect":
            x = np.sinh(1.5 * x)  # heavy tails
        else:
            x = 100 * i + 7 * x
        posterior[v.name] = x
    if change:
        change(posterior)
    stats = dict.fromkeys(("lp", "energy"), rng.normal(size=(4, draws)))
    stats |= {"diverging": np.zeros((4, draws), bool), "tree_depth": np.full((4, draws), 3)}
    made = Draws(posterior, stats)
    return fit_from_draws(Fit, model, made, backend, perf_counter())


def pair(change=None, **options) -> ws.Agreement:
    return ws.agree(fit_of(seed=1), fit_of(seed=2, backend="pymc", change=change, **options))


# ---- calibration ----


@pytest.mark.slow
def test_false_alarms_are_rarer_than_alpha():
    fits = [fit_of(seed=s, draws=400) for s in range(60)]
    at = [ws.agree(a, b, alpha=0.1) for a, b in zip(fits[::2], fits[1::2], strict=True)]
    assert all(x.unconverged == {} for x in at)
    # 30 pairs at 10%: more than 8 alarms have a probability of 0.002.
    assert sum(not x.ok for x in at) <= 8
    z = pd.concat([x.table for x in at])
    for column in ("z_mean", "z_sd"):
        assert 0.85 < z[column].std() < 1.15
        assert abs(z[column].mean()) < 0.2
        assert (z[column].abs() > 3.3).mean() < 0.006


@pytest.mark.slow
def test_z_is_calibrated_for_correlated_and_heavy_tailed_draws():
    rng = np.random.default_rng(4)
    e = rng.normal(size=(2, 4, 800, 400))
    for t in range(1, 800):
        e[:, :, t] = 0.7 * e[:, :, t - 1] + np.sqrt(1 - 0.49) * e[:, :, t]
    for transform in (np.array, np.sinh, lambda x: x / np.abs(np.sin(x))):
        z = spread_z(*transform(e))
        assert 0.85 < z.std() < 1.15
        assert (np.abs(z) > 2.576).mean() < 0.03


@pytest.mark.slow
def test_spread_z_has_the_sign_and_the_size_of_a_wider_first():
    rng = np.random.default_rng(5)
    a, b = rng.normal(size=(2, 4, 500, 200))
    # For normal draws, the z of the log ratio of sds: log(1.1) / sqrt(1 / (2 n) + 1 / (2 n)).
    assert spread_z(1.1 * a, b).mean() == pytest.approx(np.log(1.1) * np.sqrt(2000), rel=0.1)
    assert np.allclose(spread_z(np.exp(a), np.exp(b)), spread_z(a, b))
    assert np.allclose(spread_z(a, b), -spread_z(b, a))


# ---- power ----


def shift(name, errors):
    def change(posterior):
        x = posterior[name]
        x += errors * np.sqrt(2 / (x.shape[0] * x.shape[1])) * x.std()

    return change


def widen(name, by):
    def change(posterior):
        x = posterior[name]
        x[...] = x.mean() + by * (x - x.mean())

    return change


@pytest.mark.parametrize("name", ["Intercept", "x", "alpha"])
def test_a_shifted_mean_is_caught_and_named(name):
    found = pair(shift(name, 8))
    assert not found.ok
    assert found.table.loc[~found.table["agrees"], "parameter"].tolist() == [name]
    assert f"disagree on one of {len(MODEL.variables) + 10} parameters, {name}, whose mean is" in (
        found.verdict
    )
    assert "look for" in found.verdict
    with pytest.raises(ws.AgreementError, match=re.escape(found.verdict)):
        found.raise_for_disagreement()


@pytest.mark.slow
def test_six_errors_are_caught_nearly_always():
    caught = sum(
        not ws.agree(fit_of(seed=2 * s), fit_of(seed=2 * s + 1, change=shift("x", 6))).ok
        for s in range(12)
    )
    assert caught >= 10


@pytest.mark.parametrize("by", [1.3, 1 / 1.3])
@pytest.mark.parametrize("name", ["Intercept", "x"])
def test_an_sd_off_by_a_third_is_caught_and_named(name, by):
    found = pair(widen(name, by))
    assert found.table.loc[~found.table["agrees"], "parameter"].tolist() == [name]
    row = found.table.set_index("parameter").loc[name]
    assert row["sd_ratio"] == pytest.approx(1 / by, rel=0.1)
    assert np.sign(row["z_sd"]) == np.sign(1 - by)
    assert f"{name}, whose sd in stan is" in found.verdict


def test_swapped_parameters_are_caught():
    def swap(posterior):
        posterior["Intercept"], posterior["x"] = posterior["x"], posterior["Intercept"]

    found = pair(swap)
    assert set(found.table.loc[~found.table["agrees"], "parameter"]) == {"Intercept", "x"}
    assert "disagree on 2 of" in found.verdict


# ---- what it gives ----


def test_the_table_is_the_arithmetic_it_says():
    a, b, c = fit_of(seed=1), fit_of(seed=2, backend="pymc", rho=0.4), fit_of(seed=3)
    three = ws.agree(a, b, c)
    assert three.names == ("stan 1", "pymc", "stan 2")
    assert three.ok
    three.raise_for_disagreement()
    table = three.table[three.table["second"] == "pymc"].set_index("parameter")
    sa, sb = a.summary(), b.summary()
    assert table.index.tolist() == sa.index.tolist()
    z = (sa["mean"] - sb["mean"]) / np.hypot(sa["mcse_mean"], sb["mcse_mean"])
    assert np.allclose(table["z_mean"], z)
    assert np.allclose(table["sd_ratio"], sa["sd"] / sb["sd"])
    assert (table["ess_second"] == sb[["ess_bulk", "ess_tail"]].min(axis=1)).all()
    n_tests = 2 * 2 * len(sa)
    assert three.threshold > ws.agree(a, b).threshold
    from scipy.stats import norm  # noqa: PLC0415

    each = 2 * norm.sf(three.threshold)
    assert 1 - (1 - each) ** n_tests == pytest.approx(0.01)
    assert "stan 1, pymc and stan 2 agree: none of" in three.verdict
    assert "would have been seen" in three.verdict
    assert [f.name for f in dataclasses.fields(three)][:2] == ["table", "intervals"]
    with pytest.raises(dataclasses.FrozenInstanceError):
        three.alpha = 0.5


def test_parameters_are_matched_by_name():
    swapped = data().rename(columns={"x": "z", "z": "x"})
    one, two = model(formula="y ~ x + z + (1|g)"), model(formula="y ~ z + x + (1|g)")
    assert ws.agree(fit_of(one, seed=1), fit_of(one, seed=2)).ok

    def reorder(posterior):
        posterior["x"], posterior["z"] = posterior["z"], posterior["x"]

    assert ws.agree(fit_of(one, seed=1), fit_of(two, seed=2, change=reorder)).ok
    with pytest.raises(ws.OptionError, match="different data"):
        ws.agree(fit_of(one, seed=1), fit_of(model(swapped, formula="y ~ x + z + (1|g)"), seed=2))


def test_not_converged_is_no_disagreement():
    stuck = made_fit(MODEL, divergent=3)
    found = ws.agree(fit_of(seed=1), dataclasses.replace(stuck, backend="pymc"))
    assert not found.ok
    assert found.verdict.startswith("pymc has not converged, so that nothing can be said")
    assert "3 of 1600 draws diverged" in found.verdict
    assert {line.split()[-1] for line in repr(found).splitlines() if line.startswith("1|g")} == {
        "?"
    }
    with pytest.raises(ws.AgreementError, match="has not converged"):
        found.raise_for_disagreement()
    again = made_fit(MODEL, divergent=3, seed=7)
    assert "stan 1 and stan 2 have not converged" in ws.agree(stuck, again).verdict


# ---- what it refuses ----


def refused(other, match):
    with pytest.raises(ws.OptionError, match=match):
        ws.agree(fit_of(seed=1), fit_of(other, seed=2))


@pytest.mark.slow
def test_other_questions_are_refused():
    refused(model(formula="y ~ x + (1|g)"), "different formulas: 'y ~ x")
    refused(model(formula="y ~ x + (x||g)"), "different formulas")
    two = model(formula="y ~ x + (x|g) + (0 + C(w)|g)"), "y ~ x + (x|g) + (0 + C(w)||g)"
    with pytest.raises(ws.OptionError, match="different formulas"):
        ws.agree(fit_of(two[0], seed=1), fit_of(model(formula=two[1]), seed=2))
    refused(model(family="lognormal"), "families: 'gamma' and 'lognormal'")
    refused(model(link="identity"), "links: 'log' and 'identity'")
    refused(model(data(1)), "different data")
    refused(model(data().iloc[1:]), "120 and 119 rows")
    refused(model(data().assign(y=lambda t: t.y * 1.001)), "different data: 'y' differs")
    far = [fit_of(model(data().assign(y=data().y + 1e7 + more)), seed=1) for more in (0, 1)]
    with pytest.raises(ws.OptionError, match="different data: 'y' differs"):
        ws.agree(*far)
    refused(model(data(levels=7)), "different data: a factor's levels")
    refused(model(data().assign(g=lambda t: t.g.replace("g5", "g9"))), "levels 'g5' are 'g9'")
    refused(model(weights="w"), "different data: .* rows")


@pytest.mark.slow
def test_other_priors_are_refused_by_name():
    refused(model(priors={"x": ws.Normal(0, 1)}), r"priors of 'x': .* and Normal\(0, 1\)")
    refused(model(priors={"1|g_sigma": ws.HalfNormal(1)}), r"priors of '1\|g_sigma'")
    refused(model(priors={"corr": ws.LKJ(2)}), "priors of 'g_corr'|priors of")
    refused(model(center=False), "priors of 'Intercept'")


@pytest.mark.slow
def test_the_same_question_in_another_shape_is_not_refused():
    a = fit_of(seed=1)
    shuffled = data().sample(frac=1.0, random_state=1)
    shuffled["g"] = shuffled["g"].astype("category")
    for other in (
        model(shuffled),
        model(formula="y ~ 1 + x + (1 + x|g)"),
        model(parametrization="noncentered"),
        model(data().assign(x=lambda t: t.x.astype(int))),
    ):
        assert ws.agree(a, fit_of(other, seed=2)).ok
    by_one_term = fit_of(model(formula="y ~ x + (x||g)"), seed=1)
    assert ws.agree(by_one_term, fit_of(model(formula="y ~ x + (1|g) + (0 + x|g)"), seed=2)).ok
    without = [model(formula="y ~ 1 + (1|g)", center=center) for center in (True, False)]
    assert ws.agree(*(fit_of(m, seed=s) for s, m in enumerate(without))).ok
    weighted = model(weights="w")
    long = data().loc[lambda t: t.index.repeat(t.w)]
    assert ws.agree(fit_of(weighted, seed=1), fit_of(model(long), seed=2)).ok


def test_options_are_checked():
    a, b = fit_of(seed=1), fit_of(seed=2)
    for names in ("ab", ["a"], ["a", "a"], ["a", 2]):
        with pytest.raises(ws.OptionError, match="names="):
            ws.agree(a, b, names=names)
    for alpha in (0, 1, True, "0.1"):
        with pytest.raises(ws.OptionError, match="alpha="):
            ws.agree(a, b, alpha=alpha)
    with pytest.raises(ws.OptionError, match="not DataFrame"):
        ws.agree(a, b.summary())


# ---- how it looks ----


def test_reprs_have_the_verdict_before_the_table():
    names = ["<one>", "two"]
    found = ws.agree(fit_of(seed=1), fit_of(seed=2, change=shift("x", 9)), names=names)
    text, html = repr(found), found._repr_html_()
    assert text.index(found.verdict) < text.index("z_mean")
    assert "threshold" in text.splitlines()[0]
    lines = {line.split()[0]: line for line in text.splitlines() if line}
    assert lines["x"].endswith("NO")
    assert lines["Intercept"].endswith("yes")
    assert "&lt;one&gt;" in html
    assert "<one>" not in html
    assert "#D55E00" in html
    assert "#009E73" in pair()._repr_html_()


def test_many_effects_that_agree_are_left_to_the_table():
    many = model(data(levels=20), formula="y ~ x + (1|g)")
    a = fit_of(many, seed=1)
    assert "20 group effects that agree are not shown" in repr(ws.agree(a, fit_of(many, seed=2)))

    def change(posterior):
        posterior["1|g"][..., 3] += 5.0

    found = ws.agree(a, fit_of(many, seed=2, change=change))
    assert "19 group effects that agree" in repr(found)
    assert repr(found).count("1|g[") == 2  # in the verdict and in the table


@pytest.mark.parametrize("more", [0, 1])
@pytest.mark.slow
def test_the_plot_draws_every_parameter(more):
    found = ws.agree(
        fit_of(seed=1),
        fit_of(seed=2, backend="pymc", change=shift("x", 40)),
        *[fit_of(seed=3, backend="bambi")] * more,
    )
    plot = found.plot()
    out = BytesIO()
    plot.save(out, format="png", verbose=False)
    assert out.getvalue().startswith(b"\x89PNG")
    (scale,) = (s for s in plot.scales if "y" in s.aesthetics)
    assert scale.labels == found.intervals["parameter"].drop_duplicates().tolist()


def test_a_plot_of_many_parameters_says_what_it_leaves_out():
    many = model(data(levels=60), formula="y ~ x + (1|g)")
    found = ws.agree(fit_of(many, seed=1), fit_of(many, seed=2))
    plot = found.plot()
    assert "60 more parameters are not drawn" in plot.labels.caption
    with pytest.raises(ws.DataError):
        plot_agreement(found.intervals.drop(columns="sd"), found.table, threshold=3)


# ---- real fits ----


@pytest.mark.slow
def test_real_fits_agree_whatever_the_parametrization():
    rng = np.random.default_rng(1)
    frame = pd.DataFrame({"x": rng.normal(size=120), "g": np.repeat(list("abcdefghijklmno"), 8)})
    frame["y"] = 5 + frame.x + np.repeat(2 * rng.normal(size=15), 8) + 4 * rng.normal(size=120)
    a, b, c = (
        ws.fit(
            "y ~ x + (1|g)",
            frame,
            seed=s,
            parametrization=p,
            draws=2500,
            target_accept=0.99,  # z-scores of groups that the data tell apart
            progress=False,
            silence="random_slopes",
        )
        for s, p in ((1, "centered"), (2, "noncentered"), (3, "marginal"))
    )
    found = ws.agree(a, b, c, names=["centered", "noncentered", "marginal"])
    assert found.ok, found.verdict
    off = dataclasses.replace(a, _table=a.summary().assign(mean=lambda t: t["mean"] + 0.2 * t.sd))
    assert not ws.agree(off, b).ok
