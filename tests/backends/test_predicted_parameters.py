"""Formulas of sigma, nu and alpha: the density of Stan and of PyMC, against scipy row by row."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from models import model_of
from reference_density import Reference
from slopes import slopes_agree

import winstan as ws
from winstan.backends import pymc, stan

pytestmark = pytest.mark.slow  # the templates compile on first use


def rows(family: str, unit: float = 1.0, seed: int = 0, n: int = 60) -> pd.DataFrame:
    """Rows in few cells, whose spread follows a predictor and differs between mice."""
    rng = np.random.default_rng(seed)
    data = pd.DataFrame(
        {
            "x": rng.choice([0.3, 0.7, 2.0], n),
            "stim": rng.integers(0, 2, n),
            "cond": rng.choice(["a", "b", "c"], n),
            "mouse": rng.choice([f"m{i}" for i in range(6)], n),
            "h": rng.choice([f"h{i}" for i in range(5)], n),
            "w": rng.integers(1, 5, n),
            "t": rng.choice([0.5, 2.0, 9.0], n),
        }
    )
    number = data.mouse.str[1:].astype(int)
    level = 0.4 * data.x + 0.3 * data.stim + 0.2 * number
    log_sd = -0.5 + 0.7 * data.stim + 0.15 * number
    if family in ("gaussian", "student"):
        data["y"] = unit * (5.5 + level + np.exp(log_sd) * rng.standard_t(4, n))
    elif family == "lognormal":
        data["y"] = unit * np.exp(level + np.exp(log_sd) * rng.normal(size=n))
    else:
        shape = np.exp(1 - log_sd)
        data["y"] = unit * np.exp(level) * rng.gamma(shape, 1 / shape)
    if family == "negative_binomial":
        data["y"] = rng.poisson(data["y"] * 9 / unit)
    return data


PRIORS = {
    "sigma_Intercept": ws.StudentT(4, 0.3, 1.2),
    "sigma_x": ws.Cauchy(0.2, 0.7),
    "1|mouse_sigma": ws.Gamma(2.5, 1.3),
    "sigma_1|mouse_sigma": ws.HalfStudentT(3, 0.7),
    "mouse_corr": ws.LKJ(2.7),
}
ACROSS = ["y ~ stim + (1 + stim |p| mouse)", "sigma ~ stim + (1 + stim |p| mouse)"]


def of_alpha(formulas: list[str]) -> list[str]:
    return [formula.replace("sigma ~", "alpha ~") for formula in formulas]


STRUCTURES = {
    "no groups": (["y ~ x + cond", "sigma ~ x"], {}),
    "one number for all": (["y ~ x + (1|mouse)", "sigma ~ 1"], {}),
    "no intercept": (["y ~ x", "sigma ~ 0 + cond"], {}),
    "levels and a slope": (["y ~ 0 + cond + x", "sigma ~ 0 + cond + x + cond:x"], {"weights": "w"}),
    "levels of sigma alone": (["y ~ 1", "sigma ~ 0 + cond + x + (0 + cond|mouse)"], {}),
    "levels of the mean alone": (["y ~ 0 + cond + x", "sigma ~ x + stim"], {}),
    "groups of both": (["y ~ x + (1|mouse)", "sigma ~ stim + (1|mouse) + (x|h)"], {}),
    "groups of the mean alone": (["y ~ x + (x|mouse) + (1|h)", "sigma ~ stim"], {}),
    "groups of sigma alone": (["y ~ x", "sigma ~ x + (1|mouse)"], {}),
    "nested groups": (["y ~ x + (1|mouse/h)", "sigma ~ stim + (1|mouse/h)"], {}),
    "intercepts across": (
        ["y ~ x + (1 |p| mouse)", "sigma ~ x + (1 |p| mouse)"],
        {"priors": PRIORS, "weights": "w"},
    ),
    "slopes across": (ACROSS, {}),
    "slopes across, one apart": (
        [f"{ACROSS[0]} + (0 + x|mouse)", f"{ACROSS[1]} + (x|h)"],
        {"priors": {"corr": ws.LKJ(1.6)}},
    ),
    "offsets, weights": (
        [
            "y ~ x + offset(np.log(t)) + (1|mouse)",
            "sigma ~ stim + offset(0.3 * np.log(t)) + (1|mouse)",
        ],
        {"weights": "w"},
    ),
    "uncentred": (["y ~ x + stim", "sigma ~ x + (1|mouse)"], {"center": False}),
}
WAYS = {"informed": {}, "centered": "centered", "noncentered": "noncentered"}
CASES = [
    *(("gaussian", 1.0, s, "informed") for s in STRUCTURES),
    *(("gaussian", unit, s, way) for unit in (1e3, 1e-3) for way in ("centered", "noncentered")
      for s in ("groups of both", "slopes across", "intercepts across")),
    *((family, unit, s, "informed") for family, unit in (
        ("student", 1e3), ("lognormal", 1e-3), ("gamma", 1e3), ("negative_binomial", 1.0))
      for s in ("no intercept", "groups of both", "slopes across", "offsets, weights")),
]  # fmt: skip


def model(family: str, unit: float, structure: str, way: str):
    formulas, options = STRUCTURES[structure]
    if family in ("gamma", "negative_binomial"):
        formulas = of_alpha(formulas)
    return model_of(formulas, rows(family, unit), family, parametrization=WAYS[way], **options)


def points_of(reference: Reference, n: int = 3) -> np.ndarray:
    """Coordinates are standardised: these are about the posterior's own size, and off its middle.

    The correlations among them are away from zero.
    """
    return np.random.default_rng(5).normal(0.3, 0.7, (n, reference.dim))


def check(one, tolerance: float = 1e-9) -> None:
    """Hold Stan's density and gradient to the sum over rows."""
    reference = Reference(one)
    points = points_of(reference)
    expected = np.array([reference(point) for point in points])
    assert np.all(np.isfinite(expected))
    density, slope = stan.BACKEND.log_density(one, points)
    np.testing.assert_allclose(density, expected, rtol=tolerance)
    slopes_agree(reference, points, slope)


@pytest.mark.parametrize(("family", "unit", "structure", "way"), CASES)
def test_template_is_the_sum_over_rows(family, unit, structure, way):
    one = model(family, unit, structure, way)
    assert one.marginal is None
    check(one)


STUDENT = {
    "both": ["y ~ x + (1|mouse)", "sigma ~ stim + (1|mouse)", "nu ~ x"],
    "both, across": [
        "y ~ x + (1 |p| mouse)", "sigma ~ stim + (1 |p| mouse)", "nu ~ x + (1 |p| mouse)"
    ],
    "nu before sigma": ["y ~ x", "nu ~ stim", "sigma ~ 0 + cond"],
    "nu alone": ["y ~ x + (1|mouse)", "nu ~ stim"],
    "sigma alone": ["y ~ x + (1|mouse)", "sigma ~ stim"],
}  # fmt: skip


@pytest.mark.parametrize("case", STUDENT)
def test_student_of_sigma_and_nu(case):
    check(model_of(STUDENT[case], rows("student", 1e3), "student", weights="w"))


@pytest.mark.parametrize(
    ("family", "link"),
    [("gaussian", "log"), ("gaussian", "inverse"), ("student", "log"), ("gamma", "identity"),
     ("gamma", "inverse"), ("negative_binomial", "identity"), ("negative_binomial", "sqrt")],
)  # fmt: skip
def test_links_of_the_mean_leave_that_of_the_parameter(family, link):
    name = "sigma" if family in ("gaussian", "student") else "alpha"
    data = rows(family).assign(y=lambda d: d["y"] + 5)
    one = model_of(["y ~ x + (1|mouse)", f"{name} ~ stim + (1|h)"], data, family, link=link)
    reference = Reference(one)
    points = np.random.default_rng(5).normal(0, 0.1, (2, reference.dim))
    density, slope = stan.BACKEND.log_density(one, points)
    np.testing.assert_allclose(density, [reference(p) for p in points], rtol=1e-9)
    slopes_agree(reference, points, slope)


PYMC = [
    ("gaussian", 1e3, "slopes across, one apart", "informed"),
    ("lognormal", 1e-3, "offsets, weights", "informed"),
    ("student", 1e3, "groups of both", "noncentered"),
    ("gamma", 1e3, "slopes across", "informed"),
    ("negative_binomial", 1.0, "offsets, weights", "centered"),
]


@pytest.mark.parametrize(("family", "unit", "structure", "way"), PYMC)
def test_pymc_is_the_sum_over_rows(family, unit, structure, way):
    check_pymc(model(family, unit, structure, way))


def test_pymc_of_student_with_sigma_and_nu():
    check_pymc(model_of(STUDENT["both, across"], rows("student", 1e3), "student"))


def check_pymc(one) -> None:
    reference = Reference(one)
    points = points_of(reference, 2)
    expected = np.array([reference(point) for point in points])
    got, slope = pymc.BACKEND.log_density(one, points)
    # It leaves out the constant of the correlations' prior.
    np.testing.assert_allclose(got + expected[0] - got[0], expected, rtol=1e-9)
    slopes_agree(reference, points, slope)
