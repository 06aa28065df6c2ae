"""Intercepts are the mean response at X = 0, group by group."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from effects_cases import DATA, MICE, made
from made_draws import made_fit
from models import model_of

from winstan import effects
from winstan.errors import OptionError


def test_intercepts_are_the_mean_at_zero_with_the_groups_own_effect():
    model, p = made("Power ~ stim + x + (stim|mouse)", "gamma")
    table = effects.group_intercepts(model, p, "mouse", 0.9, "eti").set_index("level")
    for j, mouse in enumerate(MICE):
        values = np.exp(p["Intercept"] + p["1|mouse"][:, j])
        assert table.loc[mouse, "mean"] == pytest.approx(values.mean())
        assert table.loc[mouse, "sd"] == pytest.approx(values.std(ddof=1))
        assert table.loc[mouse, "eti_5%"] == pytest.approx(np.quantile(values, 0.05))
    model, p = made("Power ~ 0 + x + (1|mouse)", "lognormal")
    table = effects.group_intercepts(model, p, "mouse", 0.9, "hdi").set_index("level")
    values = np.exp(p["1|mouse"][:, 2] + p["sigma"] ** 2 / 2)
    assert table.loc["m2", "mean"] == pytest.approx(values.mean())


def test_intercepts_that_the_model_does_not_have():
    model, p = made("y ~ x + (0 + x|mouse)", "gaussian")
    with pytest.raises(OptionError, match=r"no term \(1\|mouse\)"):
        effects.group_intercepts(model, p, "mouse", 0.94, "hdi")
    with pytest.raises(OptionError, match=r"'mose' is no group factor.*Did you mean 'mouse'"):
        effects.group_intercepts(model, p, "mose", 0.94, "hdi")
    with pytest.raises(OptionError, match="no group term"):
        made_fit(model_of("y ~ x", DATA, "gaussian")).intercepts()


def nested(seed: int = 1) -> pd.DataFrame:
    """Casks within batches whose levels are far apart, and conditions."""
    rng = np.random.default_rng(seed)
    batch, cask, cond = (x.ravel() for x in np.meshgrid(range(5), range(3), range(3)))
    return pd.DataFrame(
        {
            "batch": np.array(list("vwxyz"))[batch],
            "cask": np.array(["k0", "k1", "k2"])[cask],
            "cond": np.array(["a", "b", "c"])[cond],
            "dose": cond * 5,
            "y": 100.0 * batch + 10.0 * cask + rng.normal(size=batch.size),
        }
    )


def intercepts(model, p, factor: str) -> pd.DataFrame:
    return effects.group_intercepts(model, p, factor, 0.94, "hdi").set_index("level")


def test_intercepts_without_a_population_intercept_average_its_factor():
    model, p = made("Power ~ 0 + cond + stim + (cond|mouse)", "gamma")
    table = intercepts(model, p, "mouse")
    for j, mouse in enumerate(MICE):
        cells = [
            np.exp(
                p["cond"][:, k]
                + p["1|mouse"][:, j]
                + (p["cond|mouse"][:, k - 1, j] if k > 0 else 0)
            )
            for k in range(3)
        ]
        assert table.loc[mouse, "mean"] == pytest.approx(np.mean(cells))
    assert table.attrs["at"] == "at stim = 0, averaged over cond"
    model, p = made("y ~ 0 + cond + stim:cond + (1|mouse)", "gaussian")
    expected = (p["cond"].mean(axis=1) + p["1|mouse"][:, 1]).mean()
    assert intercepts(model, p, "mouse").loc["m1", "mean"] == pytest.approx(expected)
    model, p = made("y ~ 0 + C(cond, Sum) + (1|mouse)", "gaussian")
    expected = (p["C(cond, Sum)"][:, 0] + p["1|mouse"][:, 1]).mean()
    assert intercepts(model, p, "mouse").loc["m1", "mean"] == pytest.approx(expected)


def test_nested_intercepts_have_the_effect_of_the_factor_around_them():
    model, p = made("y ~ 1 + (1|batch/cask)", "gaussian", data=nested())
    table = intercepts(model, p, "batch:cask")
    for j, level in enumerate(table.index):
        around = p["1|batch"][:, "vwxyz".index(level[0])]
        expected = p["Intercept"] + around + p["1|batch:cask"][:, j]
        assert table.loc[level, "mean"] == pytest.approx(expected.mean())
    expected = (p["Intercept"] + p["1|batch"][:, 2]).mean()
    assert intercepts(model, p, "batch").loc["x", "mean"] == pytest.approx(expected)
    assert table.attrs["at"] == ""


def test_crossed_intercepts_are_apart():
    data = nested().assign(other=np.arange(45) % 5)
    model, p = made("y ~ 1 + (1|batch) + (1|other)", "gaussian", data=data)
    expected = (p["Intercept"] + p["1|batch"][:, 2]).mean()
    assert intercepts(model, p, "batch").loc["x", "mean"] == pytest.approx(expected)


@pytest.mark.parametrize(
    ("common", "at"),
    [
        ("x + stim", "at x = 0, stim = 0"),
        ("cond * stim", "at cond = a, stim = 0"),
        ('C(cond, Treatment("b")) + np.log(x)', "at cond = b, np.log(x) = 0"),
        ("x + I(x ** 2) + C(cond, Sum)", "at x = 0, averaged over cond"),
    ],
)
def test_intercepts_say_what_the_predictors_are_held_at(common, at):
    fit = made_fit(model_of(f"Power ~ {common} + (1|mouse)", DATA, "gamma"), draws=50)
    assert fit.intercepts().attrs["at"] == at
    assert (
        fit.plot_intercepts().labels.caption.replace("\n", " ").startswith(f"posterior mean {at}")
    )
