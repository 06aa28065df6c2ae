"""Cells: the compressed log density equals the sum over rows, to rounding."""

from __future__ import annotations

import numpy as np
import pytest
from models import model_of
from row_densities import modelled, row_log_densities
from scipy import special
from template_cases import data_of

from winstan.families import FAMILIES
from winstan.families.links import LINKS
from winstan.scales import spread

AUX = {"sigma": 17.3, "nu": 3.7, "alpha": 2.9, "phi": 6.1, "lam": 190.0, "kappa": 2.3}
AUX |= {"zi": 0.23, "hu": 0.36, "threshold": (-1.7, -0.2, 0.4, 1.1)}
AUX |= {"beta": 23.0, "ndt": 0.4}
AUX |= {"zoi": 0.31, "coi": 0.62, "cutzero": -1.3, "cutgap": 2.7}
SIGMA = {"lognormal": 0.63, "hurdle_lognormal": 0.63, "shifted_lognormal": 0.63}
CASES = [
    (name, link)
    for name, family in FAMILIES.items()
    if family.of_labels is None  # whose linear predictors are several
    for link in family.links
]


def eta_of(link: str, family: str, rows: np.ndarray) -> np.ndarray:
    """A linear predictor in the link's range, differing between cells."""
    wiggle = 0.2 * np.sin(1.0 + rows)
    mean = {"real": 180.0, "positive": 70.0, "nonnegative": 70.0}.get(FAMILIES[family].kind, 4.0)
    if FAMILIES[family].parameters[0].domain == "unit" or FAMILIES[family].of_categories:
        return wiggle - 0.4
    if family in SIGMA:
        return wiggle + 4.0
    if FAMILIES[family].circular:
        return wiggle + 0.7
    return {
        "identity": mean * (1 + wiggle),
        "log": np.log(mean) + wiggle,
        "inverse": (1 + wiggle) / mean,
        "sqrt": np.sqrt(mean) * (1 + wiggle),
    }[link]


@pytest.mark.parametrize("weights", [None, "w"])
@pytest.mark.parametrize(("family", "link"), CASES)
def test_statistics_hold_the_whole_likelihood(family, link, weights):
    trials = "trials" if FAMILIES[family].trials else None
    # The inverse link's linear predictor is small and positive; so must its offset be.
    offset = "t / 1e4" if link == "inverse" else "np.log(t) / 10"
    formula = f"y ~ x + offset({offset}) + (1|g)"
    model = model_of(formula, data_of(family), family, link=link, weights=weights, trials=trials)
    cells, design = model.cells, model.design
    aux = {name: AUX[name] for name in model.family.auxiliary}
    if family in SIGMA:
        aux["sigma"] = SIGMA[family]
    base = eta_of(link, family, np.arange(cells.n))
    compressed = model.family.log_likelihood(cells.statistics, base + cells.offset, aux, model.link)
    eta = base[cells.of_row] + design.offset[design.row]
    if "ndt" in aux:  # a share of the least response
        aux["ndt"] *= design.response.y.min()
    by_row = row_log_densities(family, link, modelled(model), eta, aux, design.response.trials)
    weight = 1.0 if weights is None else design.weights
    assert compressed == pytest.approx(float(np.sum(weight * by_row)), rel=1e-11)


@pytest.mark.parametrize(("family", "link"), CASES)
def test_score_is_the_derivative_of_the_log_likelihood(family, link):
    trials = "trials" if FAMILIES[family].trials else None
    model = model_of("y ~ x + (1|g)", data_of(family), family, link=link, trials=trials)
    cells = model.cells
    aux = {name: AUX[name] for name in model.family.auxiliary}
    eta = eta_of(link, family, np.arange(cells.n))
    score, information = model.family.score(cells.statistics, eta, aux, model.link)

    def density(at):
        return model.family.log_likelihood(cells.statistics, at, aux, model.link)

    for c in range(cells.n):
        step = np.zeros(cells.n)
        step[c] = 1e-5 * max(abs(eta[c]), 1e-3)
        slope = (density(eta + step) - density(eta - step)) / (2 * step[c])
        assert score[c] == pytest.approx(slope, rel=1e-5, abs=1e-6 * np.abs(score).max())
    assert np.all(information > 0)


PROBABILITY, MEAN = 0.3, 5.0
INFORMATION = {
    ("poisson", "log"): (np.log(MEAN), MEAN),
    ("poisson", "sqrt"): (np.sqrt(MEAN), 4.0),
    ("gamma", "log"): (np.log(MEAN), 2.9),
    ("bernoulli", "logit"): (special.logit(PROBABILITY), PROBABILITY * (1 - PROBABILITY)),
    ("gaussian", "identity"): (MEAN, 1 / 17.3**2),
    ("gaussian", "log"): (np.log(MEAN), MEAN**2 / 17.3**2),
}


@pytest.mark.parametrize(("family", "link"), INFORMATION)
def test_information_by_a_linear_predictor(family, link):
    """Of seven rows, as textbooks have it: mu of a Poisson's log mean, 4 of its root, and so on."""
    eta, expected = INFORMATION[family, link]
    stats = {"n": np.array([7.0]), "sum_y": np.array([9.0]), "mean_y": np.array([9 / 7])}
    _, information = FAMILIES[family].score(stats, np.array([eta]), AUX, LINKS[link])
    np.testing.assert_allclose(information, 7 * expected)


def test_a_large_mean_does_not_swamp_a_small_spread():
    rng = np.random.default_rng(2)
    data = data_of("gaussian")
    data["y"] = 1e9 + 1e-2 * rng.normal(size=len(data))
    model = model_of("y ~ x + (1|g)", data, "gaussian")
    cells = model.cells
    mean = np.array([data.y[cells.of_row == c].mean() for c in range(cells.n)])
    within = sum(
        ((data.y[cells.of_row == c] - 1e9) - (data.y[cells.of_row == c] - 1e9).mean()).pow(2).sum()
        for c in range(cells.n)
    )
    np.testing.assert_allclose(cells.statistics["mean_y"], mean, rtol=1e-15)
    assert cells.statistics["ss_within"].sum() == pytest.approx(within, rel=1e-4)


def test_the_rounding_of_a_constant_is_no_spread():
    ones = np.arange(1.0, 50.0)
    rounded = 0.1 * ones / (3 * ones) * 3
    assert np.ptp(rounded) > 0
    assert spread(rounded, np.ones(49)) == pytest.approx(0.1)
    assert spread(1e9 + 1e-2 * ones, np.ones(49)) == pytest.approx(
        1e-2 * np.std(ones, ddof=1), 1e-5
    )


def test_offsets_that_a_family_absorbs_split_no_cells():
    data = data_of("poisson")
    without = model_of("y ~ x + (1|g)", data, "poisson").cells.n
    assert model_of("y ~ x + offset(np.log(t)) + (1|g)", data, "poisson").cells.n == without
    split = model_of("y ~ x + offset(t) + (1|g)", data, "poisson", link="sqrt").cells.n
    assert split > without


def test_rows_that_a_transform_makes_equal_share_a_cell():
    data = data_of("gamma")
    model = model_of("y ~ scale(x) + (1|g)", data, "gamma")
    assert model.design.X.shape[0] == data.groupby(["x", "g"]).ngroups < len(data)
    assert model.cells.n == data.groupby(["x", "g"]).ngroups
