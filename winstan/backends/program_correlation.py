"""Correlated rows in programs for readers: their data, parameters, priors and densities.

Where residuals fade with distance and are normal, each row has a density given the one before it
in its unit; elsewhere the rows of a unit have one, by their matrix. Latent effects are made of
innovations.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from winstan.backends.program_names import number, pymc_dim, quote
from winstan.backends.pymc_statements import deterministic, prior_of, statement
from winstan.backends.stan_statements import prior_of as stan_prior_of
from winstan.backends.stan_statements import stan_number
from winstan.residual.units import unit_rows

if TYPE_CHECKING:
    from winstan.backends.program_names import Names
    from winstan.model import Model
    from winstan.priors import Prior
    from winstan.residual import Structure

NAMES = "before gap by_unit unit_size n_units place own at partial lag lag_correlations C own_C"
"""What the programs call their own."""

_LAGS = """
vector lag_correlations(vector partial) {  // by Durbin's recursion
  int n = num_elements(partial);
  vector[n] out;
  vector[n] phi = rep_vector(0, n);
  real left = 1;
  for (k in 1:n) {
    vector[n] old = phi;
    out[k] = partial[k] * left;
    for (j in 1:(k - 1)) out[k] += old[j] * out[k - j];
    for (j in 1:(k - 1)) phi[j] = old[j] - partial[k] * old[k - j];
    phi[k] = partial[k];
    left *= 1 - square(partial[k]);
  }
  return out;
}
""".strip().split("\n")
_LAGS_OF_PYMC = """
lags, phi, left = [], [], 1.0  # by Durbin's recursion
for p in [partial[k] for k in range({n})]:
    lags.append(p * left + sum(f * r for f, r in zip(phi, lags[::-1])))
    phi = [f - p * r for f, r in zip(phi, phi[::-1])] + [p]
    left = left * (1 - p**2)
""".strip().split("\n")


class CorrelatedRows:
    """The correlation of a model's rows, in either language.

    Parameters
    ----------
    model
        With a `structure`.
    names
        Identifiers of the program.
    """

    def __init__(self, model: Model, names: Names) -> None:
        term, structure = model.design.residual, model.structure
        assert term is not None
        assert structure is not None
        self.model, self.term = model, term
        self.structure: Structure = structure
        self.latent = model.residuals is None
        self.names = names
        rows = unit_rows(term, structure.pattern_of)
        if model.correlation is not None:
            rows = model.correlation.rows
        self.rows = rows
        self._place = term.place if not self.latent else self._of_levels(term.place)
        self.name = structure.name
        self.follows = structure.follows
        # Each row by the one before it, and not units by their matrices.
        self.chained = self.follows and (self.latent or model.family.elliptical is None)

    def _of_levels(self, values: np.ndarray) -> np.ndarray:
        group = next(g for g in self.model.stacked.groups if g.latent)
        out = np.empty_like(values)
        out[group.level[self.model.design.row]] = values
        return out

    @property
    def prior(self) -> Prior:
        """The user's, or the default."""
        return self.model.priors[self.name]

    @property
    def eta(self) -> float:
        """Of an LKJ prior."""
        return self.prior.numbers[0] if self.prior.numbers else 1.0

    def data(self, first: int) -> dict[str, Any]:
        """Return the program's data; numbers of rows count from `first`."""
        rows, N = self.rows, self.rows.rows.size
        before = np.full(N, first - 1)
        after = np.flatnonzero(~rows.begins)
        before[rows.rows[after]] = rows.rows[after - 1] + first
        gap = np.zeros(N)
        gap[rows.rows] = rows.since
        out: dict[str, Any] = {}
        if self.chained:
            out |= {"before": before, "gap": gap}
        if self.latent or not self.chained:
            out["by_unit"] = rows.rows + first
        if not self.chained:
            place = self._place if self.follows else self._visits() + first
            out |= {"n_units": rows.size.size, "unit_size": rows.size, "place": place}
        return out

    def _visits(self) -> np.ndarray:
        """Return the places of rows as whole numbers; of lags from the first of their unit."""
        place = self._place.astype(int)
        if self.name != "toep":
            return place
        start = np.empty_like(place)
        start[self.rows.rows] = np.repeat(place[self.rows.rows[self.rows.starts]], self.rows.size)
        return place - start

    # Stan

    def stan_functions(self) -> list[str]:
        """Write the functions that the program needs."""
        return list(_LAGS) if self.name == "toep" else []

    def stan_data(self) -> list[str]:
        """Declare the data."""
        m = self.structure.order
        what = {
            "before": "array[N] int<lower=0, upper=N> before;  // row before it, or 0",
            "gap": "vector<lower=0>[N] gap;  // from there",
            "by_unit": "array[N] int<lower=1, upper=N> by_unit;  // rows, unit by unit, in order",
            "n_units": "int<lower=1> n_units;",
            "unit_size": "array[n_units] int<lower=1> unit_size;",
            "place": "vector[N] place;"
            if self.follows
            else f"array[N] int<lower=1, upper={m}> place;",
        }
        return [what[name] for name in self.data(1)]

    def stan_parameters(self) -> list[str]:
        """Declare the correlation's parameter."""
        m = self.structure.order
        return {
            "ar": ["real<lower=-1, upper=1> ar;"],
            "car": ["real<lower=0, upper=1> car;  // of rows one unit of time apart"],
            "cs": [f"real<lower={stan_number(-1 / (m - 1))}, upper=1> cs;"],
            "toep": [f"vector<lower=-1, upper=1>[{m - 1}] partial;  // correlations of lags"],
            "unstr": [f"cholesky_factor_corr[{m}] L_unstr;"],
        }[self.name]

    def stan_transformed(self) -> list[str]:
        """Write the matrix of all places."""
        m = self.structure.order
        if self.follows:
            return []
        head = f"matrix[{m}, {m}] C"
        if self.name == "cs":
            return [f"{head} = add_diag(rep_matrix(cs, {m}, {m}), 1 - cs);"]
        if self.name == "unstr":
            return [f"{head} = multiply_lower_tri_self_transpose(L_unstr);"]
        return [
            f"vector[{m - 1}] toep = lag_correlations(partial);",
            f"{head} = identity_matrix({m});",
            f"for (a in 1:{m}) for (b in 1:{m}) if (a != b) C[a, b] = toep[abs(a - b)];",
        ]

    def stan_effects(self, sd: str, z: str, u: str) -> list[str]:
        """Make latent effects of their innovations."""
        lines = [f"vector[N] {u};  // effects of single rows, by their innovations"]
        if self.chained:
            return [
                *lines,
                "for (n in by_unit) {",
                f"  real phi = before[n] == 0 ? 0 : {self.name}^gap[n];",
                f"  {u}[n] = {sd} * sqrt(1 - square(phi)) * {z}[n];",
                f"  if (before[n] > 0) {u}[n] += phi * {u}[before[n]];",
                "}",
            ]
        return [
            *lines,
            *self._stan_units([f"{u}[own] = {sd} * cholesky_decompose({self._own}) * {z}[own];"]),
        ]

    _own = "C[place[own], place[own]]"

    def stan_priors(self) -> list[str]:
        """Write the prior."""
        name, eta, m = self.name, self.eta, self.structure.order
        if name == "car":
            return [stan_prior_of("car", self.prior)]
        if name == "unstr":
            return [f"L_unstr ~ lkj_corr_cholesky({stan_number(eta)});"]
        if name == "toep":
            powers = f"{stan_number(eta)} * linspaced_vector({m - 1}, {m - 1}, 1) - 1"
            return [f"target += dot_product({powers}, log1m(square(partial)));"]
        if eta == 1:
            return [f"// {name}: uniform"]
        if name == "ar":
            return [f"target += {stan_number(eta - 1)} * log1m(square(ar));"]
        determinant = f"{m - 1} * log1m(cs) + log1p({m - 1} * cs)"
        return [f"target += {stan_number(eta - 1)} * ({determinant});"]

    def stan_likelihood(self, y: str, *, log: bool, by_row: bool) -> list[str]:
        """Write the density of the rows about ``mu``, of the scale ``sigma``."""
        z = f"log({y}{{}})" if log else f"{y}{{}}"
        jacobian = [f"target += -sum(log({y}));"] if log else []
        if self.chained:
            scale, at = ("sigma[n]", "sigma[before[n]]") if by_row else ("sigma", "sigma")
            ratio = f" * {scale} / {at}" if by_row else ""
            own, last = z.format("[n]"), z.format("[before[n]]")
            return [
                "for (n in 1:N) {",
                "  if (before[n] == 0) {",
                f"    {own} ~ normal(mu[n], {scale});",
                "  } else {",
                f"    real phi = {self.name}^gap[n];",
                f"    {own} ~ normal(mu[n] + phi * ({last} - mu[before[n]]){ratio},",
                f"    {' ' * len(own)}   {scale} * sqrt(1 - square(phi)));",
                "  }",
                "}",
                *jacobian,
            ]
        matrix = "own_C" if self.follows else self._own
        cov = f"quad_form_diag({matrix}, sigma[own])" if by_row else f"square(sigma) * {matrix}"
        joint = "multi_normal(" if self.model.family.elliptical is None else "multi_student_t(nu, "
        inside = [f"{z.format('[own]')} ~ {joint}mu[own], {cov});"]
        if self.follows:
            inside = [
                "matrix[unit_size[j], unit_size[j]] own_C;",
                "for (a in 1:unit_size[j])",
                "  for (b in 1:unit_size[j])",
                f"    own_C[a, b] = {self.name}^abs(place[own[a]] - place[own[b]]);",
                *inside,
            ]
        return [*self._stan_units(inside), *jacobian]

    @staticmethod
    def _stan_units(inside: list[str]) -> list[str]:
        return [
            "{",
            "  int at = 1;",
            "  for (j in 1:n_units) {",
            "    array[unit_size[j]] int own = segment(by_unit, at, unit_size[j]);",
            *(f"    {line}" for line in inside),
            "    at += unit_size[j];",
            "  }",
            "}",
        ]

    # PyMC

    def pymc_head(self) -> list[str]:
        """Take the data."""
        lines = [f"{name} = data[{quote(name)}]" for name in self.pymc_data()]
        if self.latent or not self.chained:
            lines.append("units = np.split(by_unit, np.cumsum(unit_size)[:-1])")
        return lines

    def pymc_data(self) -> dict[str, Any]:
        """Return what `pymc_head` takes."""
        if self.chained and not self.latent:
            return self.data(0)
        place = self._place if self.follows else self._visits()
        return {"by_unit": self.rows.rows, "unit_size": self.rows.size, "place": place}

    def pymc_correlation(self) -> list[str]:
        """Write the parameter, its prior, and the matrix of all places."""
        name, eta, m = self.name, self.eta, self.structure.order
        if name == "car":
            return prior_of("car", "car", [self.prior], domain="unit")
        if name == "unstr":
            factor = statement(
                "L_unstr = pm.LKJCorr(", ['"L_unstr"', f"n={m}", f"eta={number(eta)}"], ")"
            )
            reported = f"C[np.tril_indices({m}, -1)]"
            return [*factor, "C = L_unstr @ L_unstr.T", *self._reported(reported)]
        if name == "toep":
            powers = f"{number(eta)} * np.arange({m - 1}, 0, -1) - 1"
            at = f"np.abs(np.subtract.outer(np.arange({m}), np.arange({m})))"
            return [
                f'partial = pm.Uniform("partial", -1, 1, shape={m - 1})',
                f'pm.Potential("partial_prior", (({powers}) * pm.math.log(1 - partial**2)).sum())',
                *(line.replace("{n}", str(m - 1)) for line in _LAGS_OF_PYMC),
                f"C = pm.math.stack([1.0, *lags])[{at}]",
                *self._reported("pm.math.stack(lags)"),
            ]
        low = -1 if name == "ar" else -1 / (m - 1)
        lines = [f'{name} = pm.Uniform("{name}", {number(low)}, 1)']
        if eta != 1:
            density = "pm.math.log(1 - ar**2)"
            if name == "cs":
                density = f"({m - 1} * pm.math.log(1 - cs) + pm.math.log(1 + {m - 1} * cs))"
            lines.append(f'pm.Potential("{name}_prior", {number(eta - 1)} * {density})')
        if name == "cs":
            lines.append(f"C = cs + (1 - cs) * np.eye({m})")
        return lines

    def _reported(self, made: str) -> list[str]:
        return deterministic(self.name, made, quote(pymc_dim(self.name)))

    @property
    def _pymc_own(self) -> str:
        if self.follows:
            return f"{self.name} ** np.abs(np.subtract.outer(place[own], place[own]))"
        return "C[np.ix_(place[own], place[own])]"

    def pymc_effects(self, sd: str, z: str, u: str) -> list[str]:
        """Make latent effects of their innovations."""
        return [
            "# Effects of single rows, unit by unit, by their innovations.",
            f"roots = [pt.linalg.cholesky({self._pymc_own}) for own in units]",
            f"{u} = pt.concatenate([root @ {z}[own] for root, own in zip(roots, units)])",
            f"{u} = {sd} * {u}[np.argsort(by_unit)]",
        ]

    def pymc_likelihood(self, y: str, called: str, *, log: bool, by_row: bool) -> list[str]:
        """Write the density of the rows about ``mu``, of the scale ``sigma``."""
        z = f"np.log({y})" if log else y
        if self.chained:
            ratio = " * sigma / sigma[before]" if by_row else ""
            lines = [
                f"phi = pm.math.switch(before < 0, 0, {self.name}**gap)",
                f"mu = mu * np.ones(len({y}))",
                f"mean = mu + phi * ({z} - mu)[before]{ratio}",
            ]
            spread = "sigma=sigma * pm.math.sqrt(1 - phi**2)"
            if not log:
                return [*lines, f"pm.Normal({called}, mu=mean, {spread}, observed={y})"]
            return [*lines, f"pm.LogNormal({called}, mu=mean, {spread}, observed={y})"]
        scale = "sigma[own] * sigma[own][:, None]" if by_row else "sigma**2"
        head = "pm.MvNormal.dist(cov="
        if self.model.family.elliptical is not None:
            head = "pm.MvStudentT.dist(nu=nu, scale="
        jacobian = f" - np.log({y}).sum()" if log else ""
        return [
            f"mu = mu * np.ones(len({y}))",
            "densities = [",
            f"    pm.logp({head}{scale} * {self._pymc_own}, mu=mu[own]), {z}[own])",
            "    for own in units",
            "]",
            f"pm.Potential({called}, sum(densities){jacobian})",
        ]
