"""mo(x): words, columns and refusals; draws of the prior; answers by its definition, row by row."""

import numpy as np
import pandas as pd
import pytest
from design_cases import design_of
from models import model_of
from monotonic_reference import columns_of
from program_runs import run, translate
from pytensor import function
from scipy import stats

import winstan as ws
from winstan.backends import backend_named
from winstan.design import evaluate
from winstan.design_warnings import silenced
from winstan.effects.averaging import averaged_means
from winstan.effects.contrasts import contrast
from winstan.effects.estimands import choose_estimand
from winstan.effects.groups import group_effects
from winstan.effects.intercepts import group_intercepts
from winstan.effects.means import linear_predictor, rows_of
from winstan.effects.predictions import predict, prediction_draws
from winstan.effects.prior_draws import prior_draws
from winstan.effects.strata import strata
from winstan.errors import BackendError, DataError, FormulaError, OptionError, PriorError

pytestmark = pytest.mark.filterwarnings("ignore:.*Nobody measured:winstan.DesignWarning")

DOSES = ["none", "low", "mid", "high", "top"]  # of which the last has no rows


def rows(n=96, seed=3):
    rng = np.random.default_rng(seed)
    dose = rng.integers(0, 4, n)
    mouse = np.arange(n) % 6
    return pd.DataFrame(
        {
            "y": rng.normal(2 + dose, 1.5, n),
            "n": rng.poisson(3 + dose),
            "dose": pd.Categorical.from_codes(dose, DOSES, ordered=True),
            "k": rng.integers(2, 6, n),
            "drug": np.where(rng.random(n) < 0.5, "b", "a"),
            "x": rng.normal(size=n),
            "mouse": [f"m{i}" for i in mouse],
            "age": pd.Categorical.from_codes(mouse % 3, ["young", "adult", "old"], ordered=True),
        }
    )


def test_columns_count_steps_and_terms_keep_one_coefficient():
    data = rows()
    before = data.copy(deep=True)
    design = design_of("y ~ mo(dose) * drug + mo(k):x + (mo(k)|mouse)", data)
    pd.testing.assert_frame_equal(data, before)
    assert design.column_names == ("mo(dose)", "drug[b]", "mo(dose):drug[b]", "mo(k):x")
    X, dose = design.X[design.row], data["dose"].cat.codes
    np.testing.assert_array_equal(X[:, 0], dose)
    np.testing.assert_array_equal(X[:, 2], dose * (data["drug"] == "b"))
    np.testing.assert_allclose(X[:, 3], (data["k"] - 2) * data["x"])
    assert [(one.variable, one.labels) for one in design.monotones] == [
        ("simo_dose", ("low", "mid", "high", "top")),
        ("simo_k", ("3", "4", "5")),
    ]
    new = evaluate(design, data.head(3).assign(dose=["top", "none", "low"], k=[5.0, 2.0, 4.0]))
    np.testing.assert_array_equal(new.steps, [[4, 3], [0, 0], [1, 2]])
    np.testing.assert_array_equal(new.X[:, 0], [4, 0, 1])
    with pytest.raises(DataError, match=r"'k' .* has 6.* row 1 .*whole numbers from 2 to 5"):
        evaluate(design, data.head(2).assign(k=[3, 6]))


def test_each_parameter_and_each_id_has_a_simplex():
    model = model_of(["y ~ mo(dose) + mo(dose, id='b'):x", "sigma ~ mo(dose)"], rows(), "gaussian")
    simplexes = [v.name for v in model.variables if v.role == "simplex"]
    assert simplexes == ["simo_dose", "simo_dose_b", "sigma_simo_dose"]
    assert {"mo(dose)", "mo(dose, id='b'):x", "sigma_mo(dose)"} <= model.priors.table.keys()
    two = rows().assign(two=lambda d: d["k"] > 3)  # one step has nothing to share
    assert not model_of("y ~ mo(two)", two, "gaussian").stacked.monotones


@pytest.mark.parametrize(
    ("formula", "said"),
    [
        ("y ~ log(mo(k))", "by itself"),
        ("y ~ I(mo(k) + 1)", "by itself"),
        ("y ~ offset(mo(k))", "by itself"),
        ("y ~ mo(k + 1)", r"takes one column.*not mo\(k \+ 1\)"),
        ("y ~ mo(k, 3)", "takes one column"),
        ("y ~ mo(k)**2", r"which is 'mo\(k\)' again; mo\(k\) alone has any shape"),
        ("y ~ 2 * mo(k)", "is estimated: leave the number out"),
        ("y ~ mo()", "takes one column"),
        ("mo(k) ~ x", "belongs on the right side"),
        ("y ~ (1 | mo(k))", "no grouping factor"),
    ],
)
def test_where_it_is_no_term(formula, said):
    with pytest.raises(FormulaError, match=said):
        design_of(formula, rows())


@pytest.mark.parametrize(
    ("column", "said"),
    [
        (
            lambda d: d["dose"].astype(str),
            r"4 levels.*no.* 96 rows.*pd\.Categorical\(data\['q'\], \[\.\.\.\].*the lowest first",
        ),
        (lambda d: d["dose"].cat.as_unordered(), r"declared, in 96 rows.*ordered=True"),
        (lambda d: d["k"] + 0.5 * (d.index < 2), r"2 rows that are no whole number.*rows 0, 1"),
        (lambda d: 10 ** (d["k"] - 2), r"every whole number from 1 to 1000.*1,000.*have 4"),
        (lambda d: 0 * d["k"] + 3, "only one level"),
    ],
)
def test_columns_without_ordered_categories(column, said):
    data = rows()
    data["q"] = column(data)
    with pytest.raises(DataError, match=said):
        design_of("y ~ mo(q)", data)


@pytest.mark.filterwarnings("error:.*Nobody measured")
def test_steps_that_no_row_tells_are_counted():
    data = rows().assign(q=lambda d: d["k"].map({2: 0, 3: 1, 4: 2, 5: 5}))
    data["inner"] = data["dose"].replace("low", "mid").cat.rename_categories({"none": "zero"})
    cases = {
        "q": r"mo\(q\) has 2 levels.*: 3, 4\. Nobody measured 3 of its 5 steps.*\[0, 1, 2, 5\], ",
        "dose": r"1 level that no row has: 'top'\. Nobody measured 1 of its 4 steps",
        "inner": r"2 levels that no row has: 'low', 'top'\. Nobody measured 3 of its 4 steps",
    }
    for column, said in cases.items():
        with pytest.warns(ws.DesignWarning, match=said) as caught:
            design_of(f"y ~ mo({column}) * x", data)
        assert [w.message.guard for w in caught] == ["unmeasured_steps"]
        with silenced("unmeasured_steps"):
            design_of(f"y ~ mo({column}) * x", data)
    design_of("y ~ mo(k) + mo(age)", data)  # whose levels all have rows


@pytest.mark.parametrize(
    ("right", "said"),
    [
        ("mo(k) + k", r"A straight line is one shape of a mono.*write mo\(k\) or k, not both"),
        ("k * x + mo(k):x", r"A straight line is.*write mo\(k\) or k, not both"),
        ("mo(age) + age", r"one of those that a factor can have: write mo\(age\) or age"),
        ("mo(k) + C(k)", r"one of those that a factor can have: write mo\(k\) or C\(k\)"),
        ("mo(k) + x + I(2 * x)", "Leave out the terms that repeat"),
    ],
)
def test_a_column_is_monotonic_or_in_the_formula_itself(right, said):
    with pytest.raises(DataError, match=said):
        design_of(f"y ~ {right}", rows())


def test_priors_of_simplexes():
    def fitted(**priors):
        return model_of("y ~ mo(dose) + mo(k)", rows(), "gaussian", priors=priors).priors

    assert str(fitted()["simo_dose"]) == "Dirichlet(1)"
    assert fitted(simo=ws.Dirichlet(2.0))["simo_k"].alpha == 2.0
    own = fitted(simo_k=ws.Dirichlet((2, 1, 0.5)), simo=ws.Dirichlet(3))
    assert own["simo_k"].alpha == (2.0, 1.0, 0.5)
    assert own["simo_dose"].alpha == 3.0
    with pytest.raises(PriorError, match=r"has 2 numbers, and takes 4 numbers, one of each step"):
        fitted(simo_dose=ws.Dirichlet((1, 2)))
    with pytest.raises(PriorError, match="use Dirichlet"):
        fitted(simo_dose=ws.Normal(0, 1))
    for alpha in (0, (1, -1), (), ("a",), float("nan")):
        with pytest.raises((PriorError, ValueError)):
            ws.Dirichlet(alpha)


def test_pieces_of_a_simplex_have_the_priors_of_stick_breaking():
    """Of alpha (2, 1, 0.5, 3) the j-th piece of what is left is Beta(alpha_j, what comes after)."""
    priors = {"simo_dose": ws.Dirichlet((2, 1, 0.5, 3))}
    simplexes = model_of("y ~ mo(dose)", rows(), "gaussian", priors=priors).simplexes
    assert [prior.numbers for prior in simplexes.priors] == [(2, 4.5), (1, 3.5), (0.5, 3)]


def test_draws_of_the_prior_are_dirichlet():
    priors = {"simo_dose": ws.Dirichlet((2, 1, 0.5, 3))}
    model = model_of("y ~ mo(dose)", rows(), "gaussian", priors=priors)
    draws = prior_draws(model, np.random.default_rng(1), 4000)["simo_dose"]
    np.testing.assert_allclose(draws.sum(axis=1), 1)
    for k, alpha in enumerate((2, 1, 0.5, 3)):
        assert stats.kstest(draws[:, k], stats.beta(alpha, 6.5 - alpha).cdf).pvalue > 0.001


FORMULA = ["n ~ mo(dose) * drug + x + (1 + mo(dose) | mouse)", "alpha ~ mo(k)"]


def some_model_and_draws(formula=tuple(FORMULA), family="negative_binomial"):
    data = rows()
    model = model_of(list(formula), data, family)
    return data, model, prior_draws(model, np.random.default_rng(5), 7)


def eta_by_definition(data, draws, s, levels=None):
    """The mean's linear predictor, of b D (zeta_1 + ... + zeta_x) by row."""
    zeta, out = draws["simo_dose"][s], np.zeros(len(data))
    for i, row in enumerate(data.itertuples()):
        m = 4 * zeta[: DOSES.index(row.dose)].sum()
        b = row.drug == "b"
        out[i] = draws["Intercept"][s] + draws["x"][s] * row.x
        out[i] += (draws["mo(dose)"][s] + draws["mo(dose):drug"][s][0] * b) * m
        out[i] += draws["drug"][s][0] * b
        if levels is not None:
            j = levels.index(row.mouse)
            out[i] += draws["1|mouse"][s][j] + draws["mo(dose)|mouse"][s][j] * m
    return out


@pytest.mark.slow
def test_linear_predictors_and_predictions_are_those_of_the_definition():
    data, model, draws = some_model_and_draws()
    levels = list(model.design.groups[0].levels)
    (_, eta), *_ = linear_predictor(model, draws, rows_of(model.design))
    for s in range(3):
        expected = eta_by_definition(data, draws, s, levels)
        np.testing.assert_allclose(eta[s][model.design.row], expected, rtol=1e-10, atol=1e-10)
    new = data.iloc[[5, 9, 20]].assign(dose=["top", "none", "high"])
    for groups, own in (("these", levels), ("typical", None)):
        table = prediction_draws(predict(model, draws, new, kind="link", groups=groups))
        got = table.pivot_table(index="draw", columns="row", values="value").to_numpy()
        np.testing.assert_allclose(got[2], eta_by_definition(new, draws, 2, own), rtol=1e-10)


@pytest.mark.slow
def test_population_means_have_the_variance_of_groups_slopes():
    data, model, draws = some_model_and_draws()
    new = data.iloc[[5, 9, 20]].assign(dose=["top", "none", "high"])
    table = prediction_draws(predict(model, draws, new, groups="population"))
    got = table.pivot_table(index="draw", columns="row", values="value").to_numpy()
    for s in range(3):
        m = np.array([4 * draws["simo_dose"][s][:x].sum() for x in (4, 0, 3)])
        a, b = draws["1|mouse_sigma"][s], draws["mo(dose)|mouse_sigma"][s]
        variance = a**2 + (b * m) ** 2 + 2 * draws["mouse_corr"][s][0] * a * b * m
        expected = np.exp(eta_by_definition(new, draws, s) + variance / 2)
        np.testing.assert_allclose(got[s], expected, rtol=1e-8)


def test_contrasts_are_of_categories_in_their_order():
    data, model, draws = some_model_and_draws(["y ~ mo(dose) + x + (1 | mouse)"], "gaussian")
    found = contrast(model, draws, "dose")
    assert found.labels == tuple(f"{level} - none" for level in DOSES[1:])
    expected = draws["mo(dose)"][:, None] * 4 * np.cumsum(draws["simo_dose"], axis=1)
    np.testing.assert_allclose(found.draws[:, :, 0], expected, rtol=1e-8)
    with pytest.raises(OptionError, match="is a factor"):
        contrast(model, draws, "dose", slope=True)
    means = averaged_means(
        model, draws, [{"dose": "top"}], strata(model, None), choose_estimand(model, "typical")
    )
    level = draws["Intercept"] + expected[:, -1]
    x = pd.Series(data["x"]).groupby(data["mouse"]).mean().mean()
    np.testing.assert_allclose(means[:, 0, 0], level + draws["x"] * x, rtol=1e-8)


def test_whole_numbers_are_contrasted_with_those_that_no_row_has():
    data = rows().assign(k=lambda d: d["k"].replace(4, 5))
    model = model_of("y ~ mo(k)", data, "gaussian")
    draws = prior_draws(model, np.random.default_rng(2), 5)
    found = contrast(model, draws, "k", values=[2, 4])
    expected = draws["mo(k)"] * 3 * draws["simo_k"][:, :2].sum(axis=1)
    np.testing.assert_allclose(found.draws[:, 0, 0], expected, rtol=1e-10)


def test_groups_are_described_at_their_own_category():
    formula = ["y ~ mo(age) * x + (1 + x | mouse)"]
    data, model, draws = some_model_and_draws(formula, "gaussian")
    totals = group_effects(model, draws, "mouse", "total")
    levels, intercepts = totals["Intercept"]
    of_level = data.drop_duplicates("mouse").set_index("mouse")["age"].cat.codes
    for j, level in enumerate(levels):
        m = 2 * draws["simo_age"][:, : of_level[level]].sum(axis=1)
        expected = draws["Intercept"] + draws["mo(age)"] * m + draws["1|mouse"][:, j]
        np.testing.assert_allclose(intercepts[:, j], expected, rtol=1e-8)
        slope = draws["x"] + draws["mo(age):x"] * m + draws["x|mouse"][:, j]
        np.testing.assert_allclose(totals["x"][1][:, j], slope, rtol=1e-8)
    table = group_intercepts(model, draws, "mouse", 0.9, "eti").set_index("level")
    np.testing.assert_allclose(table["mean"], intercepts.mean(axis=0), rtol=1e-8)


def test_equal_shares_are_a_line():
    data = rows()
    model = model_of("y ~ mo(k) * x + (mo(k)|mouse)", data, "gaussian")
    line = model_of("y ~ k * x + (k|mouse)", data.assign(k=data["k"] - 2.0), "gaussian")
    draws = prior_draws(model, np.random.default_rng(1), 5)
    draws["simo_k"][:] = 1 / 3
    same = {name.replace("mo(k)", "k"): values for name, values in draws.items()}
    (_, a), (_, b) = (
        next(linear_predictor(m, d, rows_of(m.design))) for m, d in ((model, draws), (line, same))
    )
    np.testing.assert_allclose(a[:, model.design.row], b[:, line.design.row], rtol=1e-10)


def test_the_approximate_fit_finds_the_shape():
    rng = np.random.default_rng(8)
    x = rng.integers(0, 5, 3000)
    zeta = np.array([0.55, 0.05, 0.3, 0.1])
    m = 4 * np.concatenate([[0], np.cumsum(zeta)])
    for sign in (1, -1):
        data = pd.DataFrame({"n": rng.poisson(np.exp(3.5 + sign * 0.3 * m[x])), "x": x})
        model = model_of("n ~ mo(x)", data, "poisson")
        (shape,) = model.simplexes.at
        np.testing.assert_allclose(shape, zeta, atol=0.03)
        assert model.coordinates.beta_location[1] == pytest.approx(sign * 0.3, abs=0.02)
    nothing = data.assign(n=rng.poisson(3, 3000))
    model = model_of("n ~ mo(x)", nothing, "poisson")
    (shape,) = model.simplexes.at
    np.testing.assert_allclose(shape, 0.25, atol=0.2)


def test_what_has_no_monotonic_effects_says_so():
    data = rows()
    model = model_of("y ~ mo(dose) + (1|mouse)", data, "gaussian")
    assert model.marginal is None
    with pytest.raises(BackendError, match=r"bambi has no monotonic effects.*C\(dose\)"):
        backend_named("bambi").code(model)
    for fit in (ws.lme, ws.anova):
        with pytest.raises(FormulaError, match=r"no monotonic effects: write C\(dose\)"):
            fit("y ~ mo(dose)" + " + (1|mouse)" * (fit is ws.lme), data)
    with pytest.raises(OptionError, match=r"not possible here: the columns of 'mo\(dose\)'"):
        model_of("y ~ mo(dose)", data, "gaussian", parametrization="marginal")


@pytest.mark.filterwarnings("ignore:PyTensor could not link to a BLAS:UserWarning")
@pytest.mark.slow
def test_programs_for_readers_state_the_definition(tmp_path):
    """PyMC's mean and sigma at a point, against each row's; Stan's is translated."""
    data = rows(40)
    priors = {"simo_dose": ws.Dirichlet((2, 1, 0.5, 3))}
    formula = ["y ~ mo(dose) * drug + (1 + mo(k) | mouse)", "sigma ~ mo(dose)"]
    model = model_of(formula, data, "gaussian", priors=priors)
    translate(backend_named("stan").code(model), tmp_path)
    program = run(model)
    draws = prior_draws(model, np.random.default_rng(3), 1)
    levels = list(model.design.groups[0].levels)
    values = {name: own[0] for name, own in draws.items()}
    given = {v: values[v.name] for v in program.free_RVs if v.name in values}
    means = {name: float(np.mean(model.design.X[model.design.row, k]))
             for k, name in enumerate(model.design.column_names)}  # fmt: skip
    at_mean = draws["Intercept"][0] + draws["mo(dose)"][0] * means["mo(dose)"]
    at_mean += draws["drug"][0][0] * means["drug[b]"]
    at_mean += draws["mo(dose):drug"][0][0] * means["mo(dose):drug[b]"]
    of_sigma = draws["sigma_Intercept"][0] + draws["sigma_mo(dose)"][0] * means["mo(dose)"]
    z = np.linalg.solve(
        np.diag([draws["1|mouse_sigma"][0], draws["mo(k)|mouse_sigma"][0]])
        @ np.linalg.cholesky([[1, draws["mouse_corr"][0][0]], [draws["mouse_corr"][0][0], 1]]),
        np.stack([draws["1|mouse"][0], draws["mo(k)|mouse"][0]]),
    )
    given |= {program["Intercept_c"]: at_mean, program["sigma_Intercept_c"]: of_sigma}
    given |= {program["z_mouse"]: z}
    corr = np.linalg.cholesky([[1, draws["mouse_corr"][0][0]], [draws["mouse_corr"][0][0], 1]])
    given |= {program["L_mouse"]: corr}
    _, _, *moments = program.observed_RVs[0].owner.inputs
    mu, sigma = function(list(given), moments, on_unused_input="ignore")(*given.values())
    for i, row in enumerate(data.itertuples()):
        m = 4 * draws["simo_dose"][0][: DOSES.index(row.dose)].sum()
        s = 4 * draws["sigma_simo_dose"][0][: DOSES.index(row.dose)].sum()
        k = 3 * draws["simo_k"][0][: row.k - 2].sum()
        b, j = float(row.drug == "b"), levels.index(row.mouse)
        eta = draws["Intercept"][0] + draws["drug"][0][0] * b
        eta += (draws["mo(dose)"][0] + draws["mo(dose):drug"][0][0] * b) * m
        eta += draws["1|mouse"][0][j] + draws["mo(k)|mouse"][0][j] * k
        assert mu[i] == pytest.approx(eta, rel=1e-9)
        log_sigma = draws["sigma_Intercept"][0] + draws["sigma_mo(dose)"][0] * s
        assert sigma[i] == pytest.approx(np.exp(log_sigma), rel=1e-9)


def test_reference_columns_are_those_of_the_definition():
    """What the density's reference multiplies by is held to numbers written out here."""
    model = model_of("y ~ mo(dose)", rows(), "gaussian")
    design, term = model.design, model.design.terms[0]
    values = {"simo_dose": np.array([0.5, 0.2, 0.2, 0.1])}
    row = int(np.flatnonzero(design.steps[:, 0] == 3)[0])
    assert columns_of(design, term, design.X, values, row) == pytest.approx(4 * 0.9)
