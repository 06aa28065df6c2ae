"""What cannot be left out, or compared, is refused by name before anything is fitted."""

from __future__ import annotations

import arviz as az
import numpy as np
import pytest
from effects_cases import DATA
from made_draws import made_fit
from models import model_of

import winstan as ws
from winstan.crossvalidation.scored import ScoredData
from winstan.crossvalidation.units import units_of
from winstan.design_warnings import silenced
from winstan.errors import BackendError, DataError, DesignWarning, OptionError, PriorError


def fitted(formula="y ~ stim + (1|mouse)", family="gaussian", data=DATA, **options):
    with silenced("all"):
        model = model_of(formula, data, family, **options)
    return made_fit(model, chains=2, draws=50)


def test_factors_that_cannot_be_left_out():
    fit = fitted("y ~ stim + (1|mouse) + (1|cond)")
    with pytest.raises(OptionError, match=r"'mause' is no grouping factor.*'mouse'"):
        fit.loo(leave_out="mause")
    with pytest.raises(OptionError, match="has no group term"):
        fitted("y ~ stim").loo(leave_out="mouse")
    one = DATA.assign(lab="a", trial=np.arange(len(DATA)))
    with pytest.raises(DataError, match="one level only, 'a'"):
        fitted("y ~ stim + ar(trial, lab)", data=one).loo(leave_out="lab")
    with pytest.raises(OptionError, match="reloo=True is of rows"):
        fit.loo(leave_out="mouse", reloo=True)


def test_what_one_unit_alone_tells():
    data = DATA.assign(drug=np.where(DATA["mouse"] == "m2", "b", "a"))
    with pytest.warns(DesignWarning, match=r"Only mouse 'm2' tells the coefficient 'drug\[b\]'"):
        units_of(model_of("y ~ drug + (1|mouse)", data, "gaussian"), "mouse")
    flat = model_of("y ~ drug + (1|mouse)", data, "gaussian", priors={"drug": ws.Flat()})
    with pytest.raises(PriorError, match=r"only 'm2' tells.*'drug\[b\]', whose prior is Flat"):
        units_of(flat, "mouse")
    arms = model_of("y ~ stim + (1|gr(mouse, by=drug))", data, "gaussian")
    with pytest.raises(DataError, match="'m2' is the only one with drug = 'b'"):
        units_of(arms, "mouse")


def test_correlated_units_are_not_parted():
    data = DATA.assign(trial=DATA.groupby("mouse").cumcount())
    fit = fitted("y ~ stim + (1|cond) + ar(trial, mouse)", data=data)
    with pytest.raises(OptionError, match=r"parts 6 units of 'mouse'.*leave_out='mouse'"):
        fit.loo(leave_out="cond")
    assert len(units_of(fit.model, "mouse").labels) == 6


def test_functions_that_bambi_would_evaluate_anew_are_refused():
    model = model_of("y ~ scale(x) + (1|mouse)", DATA, "gaussian")
    fit = made_fit(model, chains=2, draws=50)
    object.__setattr__(fit, "backend", "bambi")
    with pytest.raises(BackendError, match=r"bambi would evaluate .* anew .*'y ~ scale\(x\)"):
        fit.loo(leave_out="mouse")


def test_fits_that_do_not_compare():
    a, b = fitted(), fitted("count ~ 1", "poisson")
    positive = DATA.assign(rate=DATA["Power"])
    holes = DATA.assign(x=DATA["x"].where(DATA.index != 3))
    others = {
        "b": (fitted("log(Power) ~ stim", data=positive), "'a' is a model of y, 'b' of log"),
        "fewer": (
            fitted("y ~ x", data=holes),
            r"'a' and 'fewer' are fits of different rows \(48 rows and 47; row 3",
        ),
        "values": (fitted(data=DATA.assign(y=DATA["y"] + 1)), "different values of y in 48 rows"),
        "weights": (fitted(weights="n"), "different weights of y"),
    }
    for name, (fit, words) in others.items():
        with pytest.raises(OptionError, match=words):
            ws.compare({"a": a, name: fit})
    counts, normal = fitted("count ~ stim", "poisson"), fitted("count ~ stim")
    with pytest.raises(OptionError, match=r"48 rows of count one of 'p' \(poisson\) and 'n'"):
        ws.compare({"p": counts, "n": normal})
    with pytest.raises(OptionError, match="takes fits by name, two or more"):
        ws.compare([a, a])
    with pytest.raises(OptionError, match="'b' is of the type str"):
        ws.compare({"a": a, "b": "fit"})
    rows = b.loo(silence="all")
    with pytest.raises(OptionError, match="'a' has left out each row, and others each mouse"):
        ws.compare({"a": rows, "b": b}, leave_out="mouse")


def test_rows_compare_as_by_arviz():
    data = DATA.assign(y=np.random.default_rng(3).normal(0.5, 1.5, len(DATA)))
    a, b = fitted(data=data), fitted("y ~ stim + (1|cond)", data=data)
    results = {name: fit.loo(silence="all") for name, fit in (("a", a), ("b", b))}
    found = ws.compare(results)
    theirs = az.compare(results, round_to="none")
    for name, row in found.table.set_index("fit").iterrows():
        for ours, column in (("elpd", "elpd"), ("weight", "weight")):
            assert row[ours] == pytest.approx(theirs[column][name], rel=1e-9, abs=1e-12)
        # Theirs is sqrt(n var) with n in the denominator of the variance, R's loo has n - 1.
        expected = theirs["dse"][name] * np.sqrt(len(DATA) / (len(DATA) - 1))
        assert row["se_diff"] == pytest.approx(expected, rel=1e-9)
    assert found.leave_out is None
    assert found.n == len(DATA)
    assert found.verdict.count("'") >= 4
    found.plot().draw()


def test_rows_beyond_a_limit_on_either_side_have_a_probability():
    status = np.resize(["none", "left", "right"], len(DATA))
    model = model_of("censored(y, status) ~ stim", DATA.assign(status=status), "gaussian")
    assert ScoredData.of(model).is_mass.tolist() == (status != "none").tolist()
