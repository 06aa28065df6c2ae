"""Tables of contrasts, their intervals, and what is refused."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from effects_cases import DATA, MICE, draws_of, made
from made_draws import made_fit
from models import model_of

import winstan as ws
from winstan import effects
from winstan.effects.measures import Measure
from winstan.errors import DesignWarning, OptionError

NOBODY = effects.Estimand({})  # without group terms


def test_direction_and_summary_of_a_contrast():
    values = np.array([-3.0, -1.0, 0.0, 2.0, 5.0, 6.0, 7.0, 9.0, 11.0, 14.0])
    draws = values.reshape(10, 1, 1)
    result = effects.Contrast(("stim",), ("1 - 0",), (), ((),), draws, Measure("response"), NOBODY)
    row = effects.contrast_table(result, 0.5, "eti").iloc[0]
    assert row["p_direction"] == 0.7
    assert row["mean"] == 5.0
    assert row["sd"] == pytest.approx(np.sqrt(np.sum((values - 5) ** 2) / 9))
    assert row["eti_25%"] == pytest.approx(0.5)
    assert row["eti_75%"] == pytest.approx(8.5)
    ratios = Measure("response", ratio=True)
    ratio = effects.Contrast(("stim",), ("1 / 0",), (), ((),), draws, ratios, NOBODY)
    assert effects.contrast_table(ratio, 0.5, "eti").iloc[0]["p_direction"] == 0.7
    below = effects.Contrast(("stim",), ("1 - 0",), (), ((),), -draws, Measure("response"), NOBODY)
    assert effects.contrast_table(below, 0.5, "eti").iloc[0]["p_direction"] == 0.7


@pytest.mark.parametrize("prob", [0.5, 0.8, 0.94])
def test_highest_density_interval_is_the_shortest(prob):
    values = np.random.default_rng(2).gamma(2.0, 300.0, 500)
    ordered = np.sort(values)
    inside = int(np.floor(prob * 500))
    width, low = min((ordered[i + inside] - ordered[i], i) for i in range(500 - inside))
    lower, upper = effects.interval_ends(values, prob, "hdi")
    assert upper - lower == pytest.approx(width, rel=0.02)
    assert lower == pytest.approx(ordered[low], abs=0.02 * width)
    # A gamma's density falls from its mode: the highest density starts below the equal tails.
    assert lower < effects.interval_ends(values, prob, "eti")[0]


def test_names_of_intervals():
    assert effects.interval_names(0.94, "hdi") == ("hdi_3%", "hdi_97%")
    assert effects.interval_names(0.9, "eti") == ("eti_5%", "eti_95%")
    assert effects.interval_names(0.95, "hdi") == ("hdi_2.5%", "hdi_97.5%")
    assert effects.interval_names(0.999, "hdi") == ("hdi_0.05%", "hdi_99.95%")
    for prob, interval in ((0.94, "ci"), (94, "hdi"), (0, "hdi"), (1, "eti")):
        with pytest.raises(OptionError):
            effects.interval_names(prob, interval)


def test_tables_of_a_fit():
    fit = made_fit(model_of("Power ~ stim * cond + (1|mouse)", DATA, "gamma"), draws=100)
    table = fit.contrast("cond", by="stim", prob=0.8)
    assert list(table) == [
        "contrast",
        "stim",
        "groups",
        "mean",
        "sd",
        "hdi_10%",
        "hdi_90%",
        "p_direction",
        "p_rope",
    ]
    assert table["contrast"].tolist() == ["b - a", "b - a", "c - a", "c - a"]
    assert table["stim"].tolist() == [0, 1, 0, 1]
    long = fit.contrast("cond", by="stim", draws=True)
    assert list(long) == ["contrast", "stim", "draw", "value"]
    assert len(long) == 4 * 400
    means = long.groupby(["contrast", "stim"])["value"].mean()
    np.testing.assert_allclose(table.set_index(["contrast", "stim"])["mean"], means)
    assert fit.intercepts()["level"].tolist() == MICE


@pytest.mark.filterwarnings("ignore::winstan.errors.DesignWarning")
@pytest.mark.parametrize(
    ("formula", "family", "options"),
    [
        ("y ~ sex + (1|mouse)", "gaussian", {"treatment": "sex"}),
        ("y ~ stim * sex + (1|mouse)", "gaussian", {"treatment": "stim", "by": "sex"}),
        ("y ~ sex * stim + (1|mouse)", "gaussian", {"treatment": "sex", "by": "stim"}),
        ("Power ~ cond + (1|mouse)", "gamma", {"treatment": "cond", "by": "mouse"}),
        ("Power ~ cond", "gamma", {"treatment": "cond", "ratio": True}),
        ("Power ~ x + (1|mouse)", "gamma", {"treatment": "x", "by": "mouse"}),
        ("p(hits, of) ~ stim + (1|sex/mouse)", "binomial", {"treatment": "stim"}),
    ],
)
@pytest.mark.slow
def test_every_contrast_can_be_drawn(formula, family, options, tmp_path):
    fit = made_fit(model_of(formula, DATA, family), draws=100)
    fit.plot_difference(**options).save(tmp_path / "a.png", verbose=False)
    assert (tmp_path / "a.png").stat().st_size > 5000


@pytest.mark.parametrize("prob", [2, 0, -1, "a", None, float("nan")])
def test_probabilities_that_are_none(prob, recwarn):
    fit = made_fit(model_of("Power ~ stim + (1|mouse)", DATA, "gamma"), draws=20)
    for interval in effects.INTERVALS:
        with pytest.raises(OptionError, match="prob= must be a number between 0 and 1"):
            fit.contrast("stim", prob=prob, interval=interval)
    for call in (fit.intercepts, fit.plot_intercepts):
        with pytest.raises(OptionError, match="prob= must be"):
            call(prob=prob)
    with pytest.raises(OptionError, match="prob= must be"):
        fit.plot_difference("stim", prob=prob)


def test_values_that_cannot_be_compared():
    model, p = made("Power ~ stim + (1|mouse)", "gamma")
    with pytest.raises(OptionError, match=r"two values at least.*values=\[0, 1\]; got \[5\]"):
        effects.contrast(model, p, "stim", values=5)
    for value in ("b", None, float("inf")):
        with pytest.raises(OptionError, match=r"'stim' is a number.*from 0 to 1\."):
            effects.contrast(model, p, "stim", values=[0, value])
    model, p = made("y ~ stim * x", "gaussian")
    with pytest.raises(OptionError, match=r"'x' is a number, and cannot be set to 'a'\. Give fin"):
        effects.contrast(model, p, "stim", by={"x": ["a"]})


@pytest.mark.slow
def test_values_beyond_the_data_are_warned_of():
    model, p = made("y ~ stim * x + cond", "gaussian")
    high, low = DATA["x"].max(), DATA["x"].min()
    near = high + 0.099 * (high - low)
    effects.contrast(model, p, "x", values=[low, near])
    effects.contrast(model, p, "stim", values=[-0.1, 1.1], by={"x": [near]})
    effects.contrast(model, p, "stim", by="x")
    effects.contrast(model, p, "cond", values=["a", "c"])
    effects.conditional(model, p, "x", values={"stim": 1})
    fit = made_fit(model, draws=20)
    far = high + 0.101 * (high - low)
    for call, what in (
        (lambda **o: fit.contrast("stim", values=[0, 2], **o), r"'stim' to 2, .* from 0 to 1:"),
        (lambda **o: fit.contrast("x", values=[5, far], **o), "contrast sets 'x' to"),
        (lambda **o: fit.contrast("stim", by={"x": [far]}, **o), "contrast sets 'x' to"),
        (lambda **o: fit.conditional("x", values={"x": [5, far]}, **o), "conditional sets 'x'"),
        (lambda **o: fit.conditional("x", values={"stim": 3}, **o), "sets 'stim' to 3"),
        (lambda **o: fit.conditional("cond", by={"x": [far]}, **o), "sets 'x'"),
    ):
        with pytest.warns(DesignWarning, match=what) as caught:
            table = call()
        assert [w.message.guard for w in caught] == ["extrapolation"]
        assert caught[0].filename == __file__
        pd.testing.assert_frame_equal(call(silence="extrapolation"), table)


def test_numbers_stand_for_levels_of_text():
    data = DATA.assign(dose=(np.arange(len(DATA)) % 3).astype(str))
    model, p = made("y ~ C(dose)", "gaussian", data=data)
    expected = effects.contrast(model, p, "dose", values=["0", "2"]).draws
    for values in ([0, 2], [0.0, 2.0], np.array([0, 2])):
        np.testing.assert_array_equal(
            effects.contrast(model, p, "dose", values=values).draws, expected
        )
    with pytest.raises(OptionError, match=r"'dose' has no level 2\.5"):
        effects.contrast(model, p, "dose", values=[0, 2.5])


def test_ratios_need_positive_means():
    for family in ("gaussian", "student"):
        fit = made_fit(model_of("y ~ stim + (1|mouse)", DATA, family), draws=50)
        with pytest.raises(OptionError, match=r"needs a positive mean.*ratio=False"):
            fit.contrast("stim", ratio=True)
        with pytest.raises(OptionError, match="ratio=True needs a positive mean"):
            fit.plot_difference("stim", ratio=True)
    model, p = made("y ~ stim + (1|mouse)", "gaussian")
    p["Intercept"] = p["Intercept"] + 100
    assert (draws_of(model, p, "stim", ratio=True)["1 / 0"] > 0).all()


@pytest.mark.parametrize(
    ("call", "message"),
    [
        ({"treatment": "stmi"}, "'stmi'.*Did you mean 'stim'"),
        ({"treatment": "Power"}, "'Power', which is no predictor"),
        ({"treatment": "cond", "values": ["a", "B"]}, "no level 'B'. Did you mean 'b'"),
        ({"treatment": "cond", "values": ["a"]}, "two values at least"),
        ({"treatment": "cond", "values": "ab"}, "two values at least"),
        ({"treatment": "stim", "by": "mose"}, "by= names 'mose'.*Did you mean 'mouse'"),
        ({"treatment": "stim", "by": "stim"}, "the treatment itself"),
        ({"treatment": "stim", "scale": "log"}, "scale must be 'response', 'link' or 'odds'"),
        ({"treatment": "stim", "scale": "link", "ratio": True}, "ratio=True"),
    ],
)
def test_unknown_names_and_options(call, message):
    model, p = made("Power ~ stim * cond + (1|mouse)", "gamma")
    with pytest.raises(OptionError, match=message):
        effects.contrast(model, p, **call)


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::winstan.errors.DesignWarning")
def test_a_fit_by_stan_finds_the_difference_that_is_there():
    trials = ws.simulate_lfp(n_mice=6, n_trials=25, seed=3)
    fit = ws.fit(
        "`Log power` ~ stim + (1|mouse)",
        trials,
        chains=2,
        warmup=200,
        draws=500,
        seed=1,
        progress=False,
    )
    row = fit.contrast("stim").iloc[0]
    means = trials.pivot_table(index="mouse", columns="stim", values="Log power")
    # A balanced gaussian model: the posterior's centre is the mean of the observed differences.
    difference = (means[1] - means[0]).mean()
    assert abs(row["mean"] - difference) < 5 * row["sd"] / np.sqrt(500) + 0.05 * row["sd"]
    assert row["hdi_3%"] < difference < row["hdi_97%"]
    assert row["p_direction"] > 0.99
