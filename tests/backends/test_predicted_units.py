"""Units of the response, and of predictors, change neither sigma's coefficients nor the fit."""

from __future__ import annotations

import functools

import numpy as np
import pytest
from models import model_of
from test_predicted_parameters import ACROSS, of_alpha, rows

from winstan.approximation import sensitivities

FORMULAS = {
    "gaussian": ["y ~ x + stim + (1 + stim |p| mouse)", ACROSS[1] + " + x"],
    "student": ["y ~ x + (1|mouse)", "sigma ~ stim + x + (1|mouse)", "nu ~ x"],
    "lognormal": ["y ~ x + stim + (1 + stim |p| mouse)", ACROSS[1] + " + x"],
    "gamma": of_alpha(["y ~ x + stim + (1 + stim |p| mouse)", ACROSS[1] + " + x"]),
}
# What the response's logarithm is of: the mean's unit is that of the response, or none.
LOGGED = ("lognormal", "gamma")


@functools.cache
def models(family: str, unit: float, unit_of_x: float):
    """One model, of the same rows in two units."""
    data = rows("lognormal" if family in LOGGED else family)
    scaled = data.assign(y=unit * data["y"], x=unit_of_x * data["x"])
    return [model_of(FORMULAS[family], one, family) for one in (data, scaled)]


def numbers(model) -> dict[str, tuple[float, ...]]:
    return {name: prior.numbers for name, prior in model.priors.table.items()}


@pytest.mark.parametrize("family", FORMULAS)
@pytest.mark.parametrize("unit", [1e9, 1e-9])
def test_priors_of_a_parameter_follow_the_unit(family, unit):
    one, other = map(numbers, models(family, unit, 1e3))
    assert one.keys() == other.keys()
    beside = [n for n in one if n.startswith(("sigma_", "nu_", "alpha_"))]
    assert beside
    for name in beside:
        location, *scale = one[name]
        if name == "sigma_Intercept" and family not in LOGGED:
            location += np.log(unit)
        if "_x" in name:
            scale = [s / 1e3 for s in scale]
        np.testing.assert_allclose(other[name], (location, *scale), rtol=1e-9, err_msg=name)
    # The scale of sigma is the response's own: that of a sigma that is one number.
    name = "alpha_Intercept" if family == "gamma" else "sigma_Intercept"
    y = models(family, unit, 1e3)[1].design.response.y
    sd = np.std(np.log(y) if family == "lognormal" else y, ddof=1)
    assert other[name][0] == pytest.approx(0.0 if family == "gamma" else np.log(sd), abs=1e-9)


@pytest.mark.parametrize("family", FORMULAS)
@pytest.mark.parametrize("unit", [1e9, 1e-9])
def test_the_approximate_fit_is_the_same_in_every_unit(family, unit):
    """It only starts and scales the sampler: to a twentieth of what it scales by."""
    one, other = (model.coordinates for model in models(family, unit, 1e3))
    model = models(family, unit, 1e3)[0]
    logged = family in LOGGED
    width = np.sqrt(
        np.diag(other.decorrelation.remaining_scale @ other.decorrelation.remaining_scale.T)
    )
    before = np.sqrt(
        np.diag(one.decorrelation.remaining_scale @ one.decorrelation.remaining_scale.T)
    )
    for k, name in enumerate(model.stacked.coefficient_names):
        beside = name.startswith(("sigma_", "nu_", "alpha_"))
        scale = (1.0 if beside or logged else unit) / (1e3 if name.endswith("x") else 1.0)
        shifted = name == ("Intercept" if logged else "sigma_Intercept")
        expected = one.beta_location[k] * scale + shifted * np.log(unit)
        assert other.beta_location[k] == pytest.approx(expected, abs=0.05 * width[k]), name
        assert width[k] == pytest.approx(before[k] * scale, rel=0.05), name
    names = [name for group in model.stacked.groups for name in group.sd_names]
    for k, name in enumerate(names):
        own = 0.0 if logged or name.startswith(("sigma_", "nu_", "alpha_")) else np.log(unit)
        moved = other.log_sd_location[k] - one.log_sd_location[k]
        assert moved == pytest.approx(own, abs=0.05), name
        assert other.log_sd_scale[k] == pytest.approx(one.log_sd_scale[k], rel=0.05), name


@pytest.mark.parametrize("unit", [1e9, 1.0, 1e-9])
def test_no_unit_decides_whether_the_fit_is_as_good_as_normal(unit, monkeypatch):
    """Where sigma is known well, a mean in large numbers is no more uncertain for that."""
    asked = []
    monkeypatch.setattr(sensitivities, "_at_other_sds", lambda *_: asked.append(unit) or ())
    data = rows("gaussian", n=400).assign(y=lambda d: unit * d["y"])
    model_of(["y ~ x + (1|mouse)", "sigma ~ stim"], data, "gaussian")
    assert not asked
    model_of(["y ~ x + (1|mouse)", "sigma ~ stim + (1|mouse)"], data[:60], "gaussian")
    assert asked  # of few rows sigma's own effects are uncertain
