"""Guards beside curves and monotonic effects: what they see, and terms that can be fitted."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from guard_cases import grid, guards
from models import model_of

from winstan.design_warnings import silenced


def courses(mice: int = 8, times: int = 16, seed: int = 0) -> pd.DataFrame:
    """Two conditions of each mouse over time, and doses in order."""
    rng = np.random.default_rng(seed)
    rows = [(f"m{m}", c, t) for m in range(mice) for c in "abc"[:2] for t in range(times)]
    data = pd.DataFrame(rows, columns=["mouse", "cond", "t"])
    data["arm"] = np.where(data["mouse"].str[1:].astype(int) % 2, "x", "y")
    data["t"] = data["t"] / 10 + 0.05
    dose = rng.permutation(len(data)) % 4
    data["dose"] = pd.Categorical(dose, range(4), ordered=True)
    third = rng.permutation(len(data)) % 3
    return data.assign(y=rng.normal(size=len(data)), third=np.array(list("pqr"))[third])


DATA = courses()
SPOKEN = [
    ("y ~ s(t) + (1|mouse)", '`s(t, mouse, bs="fs")`'),
    ("y ~ s(t, k=6, bs='cr') + (1|mouse)", '`s(t, mouse, bs="fs", xt="cr", k=6)`'),
    ("y ~ hsgp(t) + (1|mouse)", '`s(t, mouse, bs="fs")`'),
    ("y ~ arm + s(t, by=arm) + (1|mouse)", '`s(t, mouse, bs="fs")`'),
    ("y ~ cond + s(t) + (1|mouse)", '`s(t, mouse, bs="fs") + (1|mouse:cond)`'),
    (
        "y ~ cond + s(t, by=cond) + (1|mouse)",
        '`s(t, mouse, bs="fs") + s(t, mouse:cond, bs="fs")`',
    ),
    (
        "y ~ cond + hsgp(t, by=cond) + (1|mouse)",
        '`s(t, mouse, bs="fs") + s(t, mouse:cond, bs="fs")`',
    ),
    (
        "y ~ cond + s(t, by=cond) + s(t, mouse, bs='fs', k=5)",
        '`s(t, mouse, bs="fs", k=5) + s(t, mouse:cond, bs="fs", k=5)`',
    ),
    (
        "y ~ cond + s(t) + s(t, mouse, bs='fs', k=5)",
        '`s(t, mouse, bs="fs", k=5) + (1|mouse:cond)`',
    ),
    # Products of labels and numbers, and a factor's columns: no levels of what is a number
    ("y ~ third * t + (t|mouse)", "`(t|mouse) + (1|mouse:third) + (0 + t|mouse:third)`"),
    ("y ~ poly(t, 2) + (1|mouse)", "`(poly(t, 2)|mouse)`"),
    ("y ~ mo(dose) + (1|mouse)", "`(mo(dose)|mouse)`"),
    (
        "y ~ third * mo(dose) + (mo(dose)|mouse)",
        "`(mo(dose)|mouse) + (1|mouse:third) + (0 + mo(dose)|mouse:third)`",
    ),
]
QUIET = [
    "y ~ s(t) + s(t, mouse, bs='fs', k=5)",
    "y ~ arm + s(t, by=arm) + s(t, mouse, bs='fs', k=5)",
    "y ~ cond + s(t) + s(t, mouse, bs='fs', k=5) + (1|mouse:cond)",
    "y ~ cond + s(t, by=cond) + s(t, mouse, bs='fs', k=5) + s(t, mouse:cond, bs='fs', k=5)",
    "y ~ s(t) + (t|mouse)",
    "y ~ cond + s(t) + (cond|mouse)",
    "y ~ mo(dose) + (mo(dose)|mouse)",
    "y ~ third * t + (t|mouse) + (t|mouse:third)",
]


@pytest.mark.parametrize(("formula", "remedy"), SPOKEN)
@pytest.mark.slow
def test_what_differs_between_groups_is_named_as_a_term_that_can_be_fitted(formula, remedy):
    text = guards(formula, DATA)["random_slopes"]
    fit = text.partition("Fit ")[2].partition(" instead")[0]
    assert fit.startswith(remedy)
    own = fit.strip("`").split("`")[0]
    right = formula.partition("~")[2]
    for now in ("(1|mouse)", "(t|mouse)", "(mo(dose)|mouse)", "s(t, mouse, bs='fs', k=5)"):
        right = right.replace(f"+ {now}", "")
    with silenced("all"):
        model_of(f"y ~ {right} + {own}", DATA, "gaussian")  # it is read, and has a design
    assert "random_slopes" not in guards(f"y ~ {right} + {own}", DATA)


@pytest.mark.parametrize("formula", QUIET)
def test_curves_and_steps_that_vary_between_groups_satisfy(formula):
    assert "random_slopes" not in guards(formula, DATA)


def test_four_mice_bear_one_curve_each():
    text = guards("y ~ cond + s(t, by=cond) + (1|mouse)", courses(mice=4))["random_slopes"]
    assert 'Fit `s(t, mouse, bs="fs")` instead: 4 groups can bear no more slopes' in text


def test_a_treatment_of_one_mouse_each_is_told_beside_their_curves():
    data = grid(mouse=2, rep=24).assign(t=lambda d: d.groupby("mouse").cumcount() / 7)
    data["drug"] = np.where(data["mouse"] == "mouse0", "no", "yes")
    text = guards("y ~ drug + s(t) + s(t, mouse, bs='fs', k=5)", data)["confounding"]
    assert "'drug' is constant within every 'mouse'" in text
    assert 'leave `s(t, mouse, bs="fs", k=5)` out' in text


def test_curves_that_differ_are_not_taken_for_serial_correlation():
    rng = np.random.default_rng(1)
    data = courses(mice=10, times=30)
    data["n"] = data.groupby("mouse").cumcount()
    slope = pd.Series(rng.normal(0, 1, 10), index=data["mouse"].unique())
    data["y"] = rng.normal(size=len(data)) + data["mouse"].map(slope) * data["n"] / 15
    for curve in ("s(n)", "hsgp(n)"):
        found = guards(f"y ~ {curve} + (1|mouse)", data)
        assert "random_slopes" in found
        assert "serial_correlation" not in found
