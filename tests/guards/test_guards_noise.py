"""Guards of the noise: spread that differs between levels, counts that vary too much."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from guard_cases import guards
from models import model_of
from scipy import stats

from winstan.families.zero_counts import poisson_above_zero
from winstan.guards.dispersion import check_dispersion
from winstan.guards.spread import unequal_spread

SEEDS = 6


def animals(seed: int, groups=(("control", 24), ("stimulation", 8)), reps: int = 3) -> pd.DataFrame:
    """Animals of two groups, each before and after, with a normal effect of their own."""
    rng = np.random.default_rng(seed)
    rows = [
        (f"{group[0]}{i}", group, time)
        for group, n in groups
        for i in range(n)
        for time in ("before", "end")
        for _ in range(reps)
    ]
    data = pd.DataFrame(rows, columns=["ID", "group", "time"])
    own = pd.Series(rng.normal(30, 2, data["ID"].nunique()), index=data["ID"].unique())
    return data.assign(
        own=data["ID"].map(own), z=rng.normal(size=len(data)), e=rng.normal(size=len(data))
    )


def spread_of(formula: str, data: pd.DataFrame, family: str = "gaussian") -> str | None:
    return unequal_spread(model_of(formula, data, family))


# --- unequal spread


@pytest.mark.parametrize(
    "formula", ["y ~ time * group + (time|ID)", "y ~ time + group + z + (1|ID)"]
)
def test_a_noisier_group_is_named_with_its_numbers(formula):
    data = animals(1)
    sd = np.where(data["group"] == "stimulation", 3.0, 1.0)
    found = guards(formula, data.assign(y=data["own"] + sd * data["e"]), silence="random_slopes")
    assert set(found) == {"unequal_spread"}
    text = found["unequal_spread"]
    assert "between the levels of 'group'" in text
    assert "in 'control' (n = 144)" in text
    assert "in 'stimulation' (n = 48)" in text
    sds = [float(part.split()[0]) for part in text.partition(": sd ")[2].split(", ")[:2]]
    assert sds == pytest.approx([1, 3], rel=0.25)
    assert "'stimulation' are too narrow" in text
    assert "sigma='group'" in text


def test_residual_sds_are_those_within_the_cells():
    data = animals(2)
    data["y"] = data["own"] + np.where(data["time"] == "end", 4.0, 1.0) * data["e"]
    text = spread_of("y ~ time * group + (time|ID)", data)
    cells = data.groupby(["ID", "time"])["y"]
    squares = (data["y"] - cells.transform("mean")) ** 2
    for time, part in squares.groupby(data["time"]):
        free = len(part) - data[data["time"] == time].groupby(["ID", "time"]).ngroups
        assert f"sd {np.sqrt(part.sum() / free):.3g} in" in text.replace(", ", ", sd ")


@pytest.mark.parametrize("unit", [1e-6, 1e6])
def test_units_do_not_matter(unit):
    data = animals(3)
    sd = np.where(data["group"] == "stimulation", 3.0, 1.0)
    data["y"] = data["own"] + sd * data["e"]
    text = spread_of("y ~ group + z + (1|ID)", data.assign(y=unit * (data["y"] - 300)))
    assert "'group'" in text
    assert (
        spread_of("y ~ group + z + (1|ID)", data.assign(y=unit * (data["own"] + data["e"]))) is None
    )


@pytest.mark.parametrize(
    "formula", ["y ~ time * group + (time|ID)", "y ~ time + group + z + (1|ID)", "y ~ time + group"]
)
@pytest.mark.parametrize("family", ["gaussian", "student"])
def test_equal_spread_is_left_alone(formula, family):
    for seed in range(SEEDS):
        data = animals(seed, reps=2 + seed % 2)
        e = data["e"]
        if family == "student":
            e = np.random.default_rng(seed).standard_t(3, len(data))
        own = data["own"] if "ID" in formula else 30
        assert spread_of(formula, data.assign(y=own + e), family) is None


def test_a_group_of_many_rows_an_animal_is_no_noisier_for_the_effects_that_others_fit_closer():
    for seed in range(SEEDS):
        data = animals(seed, (("a", 10), ("b", 10)), reps=12)
        few = (data["group"] == "b") & (data.groupby(["ID", "time"]).cumcount() > 0)
        data = data[~few].reset_index(drop=True)
        assert spread_of("y ~ group + z + (1|ID)", data.assign(y=data["own"] + data["e"])) is None


def test_animals_that_differ_in_spread_are_not_taken_for_their_genotypes():
    for seed in range(SEEDS):
        data = animals(seed, (("a", 8), ("b", 8)), reps=20)
        own = np.random.default_rng(seed).lognormal(0, 1, 16)
        sd = data["ID"].map(dict(zip(data["ID"].unique(), own, strict=True)))
        data["y"] = data["own"] + sd * data["e"]
        assert spread_of("y ~ group + (1|ID)", data) is None


def test_outliers_are_no_spread():
    data = animals(4, reps=6)
    data["y"] = data["own"] + data["e"]
    data.loc[data.index[data["group"] == "stimulation"][:2], "y"] += 60
    assert (
        data.groupby("group")["y"].std()["stimulation"]
        > 2 * data.groupby("group")["y"].std()["control"]
    )
    assert spread_of("y ~ group + z + (1|ID)", data) is None


def test_heavy_tails_and_logarithms():
    data = animals(5, reps=6)
    sd = np.where(data["time"] == "end", 3.0, 1.0)
    heavy = np.random.default_rng(5).standard_t(3, len(data))
    assert "'time'" in spread_of(
        "y ~ time + (1|ID)", data.assign(y=data["own"] + sd * heavy), "student"
    )
    logged = data.assign(y=np.exp((data["own"] + sd * data["e"]) / 10))
    text = spread_of("y ~ time + (1|ID)", logged, "lognormal")
    assert "residuals of log 'y'" in text
    assert "gamma" not in text
    same = data.assign(y=np.exp((data["own"] + data["e"] + 20 * (sd > 1)) / 10))
    assert spread_of("y ~ time + (1|ID)", same, "lognormal") is None
    # there the sd grows with the mean
    assert "family='lognormal' or 'gamma'" in spread_of("y ~ time + (1|ID)", same)
    assert spread_of("y ~ time + (1|ID)", same, "gamma") is None


def test_numbers_of_two_values_are_levels_and_continuous_ones_none():
    data = animals(6)
    data["stim"] = (data["time"] == "end").astype(int)
    data["y"] = data["own"] + np.where(data["stim"] == 1, 3.0, 1.0) * data["e"]
    assert "in 1 (n = 96)" in spread_of("y ~ stim + z + (1|ID)", data)
    assert spread_of("y ~ z + (1|ID)", data) is None


@pytest.mark.slow
@pytest.mark.parametrize("family", ["gaussian", "student"])
def test_equal_spread_is_hardly_ever_taken_for_unequal(family):
    found = 0
    for seed in range(120):
        data = animals(seed, reps=1 + seed % 3)
        rng = np.random.default_rng(seed)
        e = data["e"] if family == "gaussian" else rng.standard_t(3, len(data))
        formula = ("y ~ time * group + (1|ID)", "y ~ time + group + z + (1|ID)")[seed % 2]
        found += spread_of(formula, data.assign(y=data["own"] + e), family) is not None
    assert found <= 1


# --- overdispersion


def counts(seed: int, mean: float = 5.0, n_animals: int = 20, reps: int = 3) -> pd.DataFrame:
    """Means of animals and conditions, and rates of success."""
    rng = np.random.default_rng(seed)
    rows = [(i, drug) for i in range(n_animals) for drug in "ab" for _ in range(reps)]
    data = pd.DataFrame(rows, columns=["ID", "drug"])
    u = rng.normal(0, 0.5, n_animals)[data["ID"]]
    return data.assign(
        mu=mean * np.exp(u), p=1 / (1 + np.exp(-u)), x=rng.normal(size=len(data)), m=10
    )


def dispersion_of(formula: str, data: pd.DataFrame, family: str) -> str | None:
    return check_dispersion(model_of(formula, data, family))


BINOMIAL = "p(y, m) ~ drug + x + (1|ID)"
POISSON = "y ~ drug + x + (1|ID)"


def beta_binomial(rng, data: pd.DataFrame, rho: float) -> np.ndarray:
    """Counts whose variance is 1 + (m - 1) rho times the binomial one."""
    t = 1 / rho - 1
    return rng.binomial(data["m"], rng.beta(data["p"] * t, (1 - data["p"]) * t))


def test_successes_that_vary_too_much_are_named_with_their_number():
    data = counts(1)
    data["y"] = beta_binomial(np.random.default_rng(1), data, 0.3)
    found = guards("p(y, m) ~ drug + (1|ID)", data, "binomial", silence="random_slopes")
    assert set(found) == {"overdispersion"}
    text = found["overdispersion"]
    ratio = float(text.partition("chi-squared is ")[2].split()[0])
    assert ratio == pytest.approx(1 + 9 * 0.3, rel=0.25)
    assert f"{np.sqrt(ratio):.1f} times too narrow" in text
    assert "`(1|row)`" in text
    assert "negative_binomial" not in text


def test_the_ratio_is_pearsons_about_the_means():
    rng = np.random.default_rng(3)
    data = pd.DataFrame({"drug": np.repeat(["a", "b"], 200)})
    data["y"] = rng.negative_binomial(2, 0.2, 400)
    mean = data.groupby("drug")["y"].transform("mean")
    expected = ((data["y"] - mean) ** 2 / mean).sum() / (400 - 2)
    text = dispersion_of("y ~ drug", data, "poisson")
    assert float(text.partition("chi-squared is ")[2].split()[0]) == pytest.approx(
        expected, rel=0.02
    )
    assert 'or family="negative_binomial"' in text


def test_an_effect_of_each_row_or_the_negative_binomial_is_an_answer():
    data = counts(2).assign(row=range(120))
    data["y"] = np.random.default_rng(2).negative_binomial(2, 2 / (2 + data["mu"]))
    assert "overdispersion" in guards(POISSON, data, "poisson")
    assert "overdispersion" not in guards(POISSON + " + (1|row)", data, "poisson")
    assert "overdispersion" not in guards(POISSON, data, "negative_binomial")
    assert guards(POISSON, data, "poisson", silence=["overdispersion", "random_slopes"]) == {}


@pytest.mark.parametrize("mean", [0.3, 3, 40])
def test_poisson_counts_are_left_alone(mean):
    for seed in range(SEEDS):
        data = counts(seed, mean, 20 + 100 * (seed % 2), 3 - 2 * (seed % 2))
        data["y"] = np.random.default_rng(seed).poisson(data["mu"])
        assert dispersion_of(POISSON, data, "poisson") is None


@pytest.mark.parametrize("m", [2, 10, 50])
def test_binomial_counts_are_left_alone_and_beta_binomial_ones_found(m):
    found = 0
    for seed in range(SEEDS):
        rng = np.random.default_rng(seed)
        data = counts(seed).assign(m=m)
        data["y"] = rng.binomial(m, data["p"])
        assert dispersion_of(BINOMIAL, data, "binomial") is None
        data["y"] = beta_binomial(rng, data, 0.1)
        found += dispersion_of(BINOMIAL, data, "binomial") is not None
    assert found == SEEDS or m == 2


@pytest.mark.slow
def test_counts_of_the_family_are_hardly_ever_taken_for_overdispersed():
    found = 0
    for seed in range(60):
        rng = np.random.default_rng(seed)
        data = counts(seed, (0.5, 3, 30)[seed % 3], (20, 150)[seed % 2], (3, 1)[seed % 2])
        data["y"] = rng.poisson(data["mu"])
        found += dispersion_of(POISSON, data, "poisson") is not None
        data["y"] = rng.binomial(10, data["p"])
        found += dispersion_of(BINOMIAL, data, "binomial") is not None
    assert found <= 1


def test_exposures_are_part_of_the_means():
    rng = np.random.default_rng(4)
    data = counts(4).assign(hours=rng.uniform(0.1, 10, 120))
    data["y"] = rng.poisson(data["mu"] * data["hours"])
    formula = POISSON + " + offset(log(hours))"
    assert dispersion_of(formula, data, "poisson") is None
    data["y"] = rng.negative_binomial(2, 2 / (2 + data["mu"] * data["hours"]))
    assert dispersion_of(formula, data, "poisson") is not None


def test_single_trials_cannot_vary_too_much():
    data = counts(5).assign(m=1)
    data["y"] = np.random.default_rng(5).binomial(1, data["p"])
    assert dispersion_of(BINOMIAL, data, "binomial") is None
    assert dispersion_of("y ~ drug + x + (1|ID)", data, "bernoulli") is None


@pytest.mark.parametrize("mu", [1e-3, 2.5, 49.0, 70.0])
def test_moments_of_poisson_counts_above_zero_are_sums_over_them(mu):
    y = np.arange(1, 400)
    p = stats.poisson.pmf(y, mu) / stats.poisson.sf(0, mu)
    mean = p @ y
    variance = p @ (y - mean) ** 2
    wanted = [mean, variance, p @ (y - mean) ** 4 / variance**2 - 3]
    np.testing.assert_allclose(poisson_above_zero(np.array(mu)), wanted, rtol=1e-6)


def test_counts_that_vary_too_much_above_zeros_of_their_own_are_named():
    data, rng = counts(2), np.random.default_rng(2)
    some = rng.random(len(data)) > 0.3
    formulas = "y ~ drug + (1|ID); zi ~ drug"
    calm = data.assign(y=some * rng.poisson(data["mu"]))
    assert dispersion_of(formulas, calm, "zero_inflated_poisson") is None
    data["y"] = some * rng.negative_binomial(2, 2 / (2 + data["mu"]))
    text = dispersion_of(formulas, data, "zero_inflated_poisson")
    assert 'family="zero_inflated_negative_binomial"' in text
    assert f"({(data['y'] > 0).sum()} rows above zero)" in text
    assert dispersion_of(formulas, data, "zero_inflated_negative_binomial") is None
    assert '"hurdle_negative_binomial"' in dispersion_of("y ~ drug", data, "hurdle_poisson")


def test_a_level_without_any_spread_is_told_as_any_other():
    """Its mean, and its sd, are zero: nothing is divided by them."""
    rng = np.random.default_rng(1)
    dose = np.repeat(["none", "low", "high"], 30)
    y = np.where(dose == "none", 0.0, rng.normal(3, np.where(dose == "low", 0.5, 2.0)))
    table = pd.DataFrame({"y": y, "dose": dose})
    assert "sd 0 in 'none' (n = 30)" in str(unequal_spread(model_of("y ~ dose", table, "gaussian")))
