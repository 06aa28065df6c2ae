"""Kenward-Roger and Satterthwaite: published and exact values, and their formulas written out."""

import numpy as np
import pandas as pd
import pytest
from lme_cases import crossed, lme4_data, quiet
from reference_checks import held
from scipy import optimize, stats

import winstan as ws
from winstan.classical.cross_products import population

# -- published and exact --------------------------------------------------------------------------


@pytest.mark.reference
@pytest.mark.parametrize("df", [None, "kenward-roger", "satterthwaite"])
def test_published_sleepstudy(df, record_property):
    """pbkrtest and lmerTest; exact, because the slopes of 18 subjects are balanced."""
    fit = ws.lme("Reaction ~ Days + (Days|Subject)", lme4_data("sleepstudy"), df=df)
    days = fit.table.loc["Days"]
    assert days["Coef."] == pytest.approx(10.4673, abs=5e-5)
    assert days["Std.Err."] == pytest.approx(1.5458, abs=5e-5)
    assert days["t"] == pytest.approx(6.7715, abs=5e-5)
    assert days["df"] == pytest.approx(17, abs=1e-4)
    assert days["P>|t|"] == pytest.approx(3.2638e-06, rel=2e-5)
    F = fit.anova().loc["Days"]
    assert F["F"] == pytest.approx(45.853, abs=5e-4)
    assert F["den_df"] == pytest.approx(17, abs=1e-4)
    found = [days["Coef."], days["Std.Err."], days["t"], days["df"]]
    model = f"sleepstudy, Reaction ~ Days + (Days|Subject), df={df}"
    held(record_property, model, "pbkrtest, lmerTest", found, [10.4673, 1.5458, 6.7715, 17], 1e-4)


def mean_square(means, repeats, df):
    return repeats * float((means**2).sum()) / df


@pytest.mark.parametrize("df", ["kenward-roger", "satterthwaite"])
@pytest.mark.parametrize("typ", [1, 2])
def test_a_balanced_split_plot_has_the_tests_of_its_analysis_of_variance(df, typ):
    data = lme4_data("cake").assign(temperature=lambda d: "t" + d["temperature"].astype(str))
    fit = ws.lme("angle ~ recipe*temperature + (1|recipe:replicate)", data, df=df)
    # Sums of squares by hand: 3 recipes in 45 batches, 6 temperatures within each batch.
    y = data["angle"] - data["angle"].mean()

    def centred(*columns):
        return y.groupby([data[c] for c in columns]).transform("mean")

    recipe, temperature = centred("recipe"), centred("temperature")
    batch = centred("recipe", "replicate") - recipe
    both = centred("recipe", "temperature") - recipe - temperature
    rest = y - recipe - temperature - batch - both
    whole, split = (batch**2).sum() / 42, (rest**2).sum() / 210
    expected = {
        "recipe": (2, 42, (recipe**2).sum() / 2 / whole),
        "temperature": (5, 210, (temperature**2).sum() / 5 / split),
        "recipe:temperature": (10, 210, (both**2).sum() / 10 / split),
    }
    table = fit.anova(typ)
    for name, (num, den, F) in expected.items():
        row = table.loc[name]
        assert row["df"] == num
        assert row["den_df"] == pytest.approx(den, rel=1e-5)
        assert row["F"] == pytest.approx(F, rel=1e-5)
        assert row["PR(>F)"] == pytest.approx(stats.f.sf(F, num, den), rel=1e-3)


@pytest.mark.parametrize("df", ["kenward-roger", "satterthwaite"])
def test_two_conditions_of_each_animal_are_a_paired_t_test(df):
    rng = np.random.default_rng(4)
    animal = rng.normal(0, 2, 7)
    before, after = animal + rng.normal(0, 1, 7), animal + 0.8 + rng.normal(0, 1, 7)
    data = pd.DataFrame(
        {
            "y": np.concatenate([before, after]),
            "when": ["a_before"] * 7 + ["b_after"] * 7,
            "animal": [f"m{i}" for i in range(7)] * 2,
        }
    )
    fit = ws.lme("y ~ when + (1|animal)", data, df=df)
    expected = stats.ttest_rel(after, before)
    row = fit.contrast("when").iloc[0]
    assert row["df"] == pytest.approx(6, abs=1e-4)
    assert row["p_value"] == pytest.approx(expected.pvalue, rel=1e-4)
    interval = expected.confidence_interval()
    assert row["ci_2.5%"] == pytest.approx(interval.low, rel=1e-4)
    assert row["ci_97.5%"] == pytest.approx(interval.high, rel=1e-4)


@pytest.mark.parametrize("name", ["Dyestuff", "Dyestuff2"])
def test_the_mean_of_balanced_groups_has_as_many_degrees_as_groups_less_one(name):
    """Where the variance between batches is estimated as zero, too."""
    fit = quiet("Yield ~ 1 + (1|Batch)", lme4_data(name))
    assert fit.tests.method == "kenward-roger"
    assert fit.table.loc["Intercept", "df"] == pytest.approx(5, rel=1e-6)


# -- the formulas, with matrices of all rows ------------------------------------------------------


class Dense:
    """V of all rows, by variances and covariances as such, and its derivatives by differences."""

    def __init__(self, fit):
        design = fit.design
        self.X = population(design)[design.row]
        self.y = design.response.y - design.offset[design.row]
        self.terms = [(g.Z[design.row], g.level[design.row]) for g in design.groups]
        self.correlated = [g.has_correlations for g in design.groups]
        sigma2 = fit.variances["variance"].iloc[-1]
        values = []
        for relative, correlated in zip(fit._relative, self.correlated, strict=True):
            matrix = sigma2 * relative
            values.append(matrix[np.tril_indices(len(matrix))] if correlated else np.diag(matrix))
        self.at = np.concatenate([*values, [sigma2]])

    def rows(self, values):
        out = values[-1] * np.eye(len(self.y))
        start = 0
        for (Z, level), correlated in zip(self.terms, self.correlated, strict=True):
            k = Z.shape[1]
            count = k * (k + 1) // 2 if correlated else k
            own = values[start : start + count]
            start += count
            matrix = np.diag(own) if not correlated else np.zeros((k, k))
            if correlated:
                matrix[np.tril_indices(k)] = own
                matrix = matrix + np.tril(matrix, -1).T
            out += (level[:, None] == level) * (Z @ matrix @ Z.T)
        return out

    def plain(self, values):
        return np.linalg.inv(self.X.T @ np.linalg.solve(self.rows(values), self.X))

    def criterion(self, values, reml=True):
        V = self.rows(values)
        beta = self.plain(values) @ self.X.T @ np.linalg.solve(V, self.y)
        rest = self.y - self.X @ beta
        value = np.linalg.slogdet(V)[1] + rest @ np.linalg.solve(V, rest)
        return value - reml * np.linalg.slogdet(self.plain(values))[1]

    def steps(self, relative):
        return [relative * abs(v) * e for v, e in zip(self.at, np.eye(len(self.at)), strict=True)]

    def kenward_roger(self):
        """Kenward and Roger's equations, in the words of their paper; V is linear (R = 0)."""
        W, X, Phi = np.linalg.inv(self.rows(self.at)), self.X, self.plain(self.at)
        G = [
            (self.rows(self.at + h) - self.rows(self.at - h)) / (2 * h.sum() or 1)
            for h in (np.abs(s) * np.sign(v) for s, v in zip(self.steps(0.1), self.at, strict=True))
        ]
        P = [-X.T @ W @ g @ W @ X for g in G]
        Q = [[X.T @ W @ g @ W @ h @ W @ X for h in G] for g in G]
        information = np.array(
            [
                [
                    np.trace(W @ g @ W @ h)
                    - 2 * np.trace(Phi @ Q[i][j])
                    + np.trace(Phi @ P[i] @ Phi @ P[j])
                    for j, h in enumerate(G)
                ]
                for i, g in enumerate(G)
            ]
        )
        spread = 2 * np.linalg.inv(information)
        U = sum(
            spread[i, j] * (Q[i][j] - P[i] @ Phi @ P[j])
            for i in range(len(G))
            for j in range(len(G))
        )
        return Phi + 2 * Phi @ U @ Phi, spread, P, Phi

    def satterthwaite(self, weights, reml):
        """The Hessian and the gradient by differences."""
        k = len(self.at)
        # Four times the step for second derivatives, which lose twice the digits.
        steps = self.steps(2e-3)
        hessian = np.empty((k, k))
        for i in range(k):
            for j in range(k):
                a, b = steps[i], steps[j]
                corners = (
                    self.criterion(self.at + a + b, reml)
                    - self.criterion(self.at + a - b, reml)
                    - self.criterion(self.at - a + b, reml)
                    + self.criterion(self.at - a - b, reml)
                )
                hessian[i, j] = corners / (4 * np.abs(a).sum() * np.abs(b).sum())
        slope = np.array(
            [
                weights
                @ (self.plain(self.at + h) - self.plain(self.at - h))
                @ weights
                / (2 * np.abs(h).sum())
                for h in self.steps(1e-4)
            ]
        )
        variance = weights @ self.plain(self.at) @ weights
        return 2 * variance**2 / (slope @ (2 * np.linalg.inv(hessian)) @ slope)


def unbalanced():
    """Crossed factors, rows missing at random, a factor of three levels."""
    data = crossed()
    data["c"] = np.array(list("uvw"))[pd.factorize(data["a"])[0] % 3]
    return data.drop(data.index[np.random.default_rng(1).random(len(data)) < 0.3])


FORMULAS = [
    "y ~ x*c + (x|a) + (1|b)",
    "y ~ x + c + (x||a)",
    "y ~ x + c + (1|a/b)",
]


@pytest.mark.parametrize("formula", FORMULAS)
def test_kenward_roger_against_its_formulas(formula):
    fit = quiet(formula, unbalanced(), df="kenward-roger")
    assert not fit.singular
    dense = Dense(fit)
    adjusted, spread, P, Phi = dense.kenward_roger()
    np.testing.assert_allclose(fit.covariance, Phi, rtol=1e-6, atol=1e-10)
    np.testing.assert_allclose(fit.tests.covariance, adjusted, rtol=1e-5, atol=1e-9)
    assert np.abs(adjusted / Phi - 1).max() > 1e-3, "the adjustment says something here"
    for name in ("x", "c"):
        L = np.eye(len(Phi))[
            [i for i, n in enumerate(fit.table.index) if n[0] == name and ":" not in n]
        ]
        theta = L.T @ np.linalg.inv(L @ Phi @ L.T) @ L
        r, k = len(L), len(P)
        one = [np.trace(theta @ Phi @ p @ Phi) for p in P]
        A1 = sum(spread[i, j] * one[i] * one[j] for i in range(k) for j in range(k))
        A2 = sum(
            spread[i, j] * np.trace(theta @ Phi @ P[i] @ Phi @ theta @ Phi @ P[j] @ Phi)
            for i in range(k)
            for j in range(k)
        )
        # Their equations 7 and 8, from E* and V*.
        B = (A1 + 6 * A2) / (2 * r)
        g = ((r + 1) * A1 - (r + 4) * A2) / ((r + 2) * A2)
        c1, c2, c3 = (c / (3 * r + 2 * (1 - g)) for c in (g, r - g, r + 2 - g))
        E = 1 / (1 - A2 / r)
        V = 2 / r * (1 + c1 * B) / ((1 - c2 * B) ** 2 * (1 - c3 * B))
        rho = V / (2 * E**2)
        m = 4 + (r + 2) / (r * rho - 1)
        scale = m / (E * (m - 2))
        estimate = L @ fit.coefficients
        F = scale / r * estimate @ np.linalg.solve(L @ adjusted @ L.T, estimate)
        found = fit.tests.f_test(L, fit.coefficients)
        assert found.den_df == pytest.approx(m, rel=1e-5)
        assert found.statistic == pytest.approx(F, rel=1e-5)
        assert found.p_value == pytest.approx(stats.f.sf(F, r, m), rel=1e-4)
        if r == 1:
            assert found.den_df == pytest.approx(fit.tests.df(L[0]), rel=1e-9)


@pytest.mark.parametrize("reml", [True, False])
@pytest.mark.parametrize("formula", FORMULAS[:2])
def test_satterthwaite_against_differences(formula, reml):
    fit = quiet(formula, unbalanced(), reml=reml, df="satterthwaite")
    assert not fit.singular
    dense = Dense(fit)
    for weights in np.eye(len(fit.coefficients)):
        assert fit.tests.df(weights) == pytest.approx(dense.satterthwaite(weights, reml), rel=2e-3)


def test_satterthwaites_f_is_the_mean_of_squared_t():
    """Degrees of freedom m with the mean m / (m - 2) that independent t give together."""
    fit = quiet("y ~ x + c + (1|a/b)", unbalanced(), df="satterthwaite")
    L = np.eye(4)[[1, 2]]
    _, directions = np.linalg.eigh(L @ fit.covariance @ L.T)
    own = [fit.tests.df(row) for row in directions.T @ L]
    mean = np.mean([d / (d - 2) for d in own])
    expected = optimize.brentq(lambda m: m / (m - 2) - mean, 2.01, 1e6)
    assert fit.tests.f_test(L, fit.coefficients).den_df == pytest.approx(expected, rel=1e-6)


# -- which, and how it is said --------------------------------------------------------------------


def test_what_is_chosen_is_said():
    data = crossed()
    assert "t tests by Kenward-Roger and" in repr(ws.lme("y ~ x + (x|a)", data))
    ml = ws.lme("y ~ x + (x|a)", data, reml=False)
    assert "t tests by Satterthwaite (Kenward-Roger is for REML)" in repr(ml)
    z = ws.lme("y ~ x + (x|a)", data, df="normal")
    assert "z tests" in repr(z)
    assert list(z.table.columns[2:4]) == ["z", "P>|z|"]
    row = z.anova().loc["x"]
    assert row["den_df"] == np.inf
    assert row["PR(>F)"] == pytest.approx(z.table.loc["x", "P>|z|"], rel=1e-9)
    failed = quiet("y ~ x + (1|a) + (1|c)", data.assign(c="c" + data["a"]))
    assert "z tests (the fit has not converged)" in repr(failed)


@pytest.mark.slow
def test_large_crossed_designs_take_satterthwaite_by_default():
    rng = np.random.default_rng(3)
    n = 6_000
    a, b = rng.integers(0, 900, n), rng.integers(0, 600, n)
    y = rng.normal(size=900)[a] + rng.normal(size=600)[b] + rng.normal(size=n)
    data = pd.DataFrame({"y": y, "a": a.astype(str), "b": b.astype(str)})
    fit = ws.lme("y ~ 1 + (1|a) + (1|b)", data)
    assert fit.tests.method == "satterthwaite"
    assert "Kenward-Roger would take long" in repr(fit)


def test_refusals():
    data = crossed()
    with pytest.raises(ws.OptionError, match=r'reml=False.*df="satterthwaite"'):
        ws.lme("y ~ x + (x|a)", data, reml=False, df="kenward-roger")
    with pytest.raises(ws.OptionError, match=r"df must be 'kenward-roger', 'satt"):
        ws.lme("y ~ x + (x|a)", data, df="residual")
    with pytest.raises(ws.DataError, match=r"no Kenward-Roger or Satterthwaite.*bernoulli"):
        ws.lme("z ~ x + (x|a)", data.assign(z=np.where(data["x"] > 3, "yes", "no")))


def test_type_3_is_of_factors_in_sum_coding():
    """Each term's test is then that of its own columns, and the formula to write is given."""
    data = unbalanced().assign(d=lambda f: np.where(f["x"] > 3, "hi", "lo"))
    fit = quiet("y ~ c*d + (1|a)", data)
    with pytest.raises(ws.OptionError, match=r"ws.lme\('y ~ 1 \+ C\(c, Sum\) \+ C\(d, Sum\)"):
        fit.anova(3)
    coded = quiet("y ~ C(c, Sum)*C(d, Sum) + (1|a)", data)
    table = coded.anova(3)
    own = coded.table.loc[[n for n in coded.table.index if n.startswith("C(d") and ":" not in n]]
    assert table.loc["C(d, Sum)", "F"] == pytest.approx(float(own["t"].iloc[0]) ** 2, rel=1e-9)
    # The last interaction has the same test in every coding.
    assert table["F"].iloc[-1] == pytest.approx(fit.anova()["F"].iloc[-1], rel=1e-5)
