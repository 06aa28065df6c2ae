"""A log posterior density written out row by row with scipy, against which templates are held.

Nothing is compressed, centred or vectorised here: every row is looked up, every prior is scipy's,
and every change of variables has its Jacobian spelt out.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from curves_reference import curved, sds, shared_log_density
from limits_reference import least_end, limited_rows
from models import correlation_names
from monotonic_reference import bent, columns_of, simplexes_log_density
from prior_densities import (
    cholesky_correlation,
    lkj_log_density,
    prior_log_density,
    threshold_log_density,
)
from row_densities import BESIDE, INVERSE, modelled, row_log_densities
from scipy import linalg, stats

from winstan import priors as pr
from winstan.draws import Sampled, canonical

if TYPE_CHECKING:
    from collections.abc import Iterable

    from winstan.coordinates import Coordinates
    from winstan.design import Design, RandomTerm
    from winstan.model import Model


def polynomial(coordinates: Coordinates, name: str, raw: np.ndarray) -> np.ndarray | float:
    """What follows the number that is profiled, at its coordinate."""
    profiled = coordinates.profiled
    if not profiled.any:
        return 0.0
    x = raw[profiled.number]
    t = (np.exp(x / 2) - 1) / (np.exp(x / 2) + 1)
    return sum(c * t**j for j, c in enumerate(getattr(profiled, name).T))


def hyperbolic(
    coordinates: Coordinates, raw: np.ndarray, aux_raw: np.ndarray
) -> tuple[np.ndarray, float]:
    """Log sds at their coordinates, and the log Jacobian of the sds."""
    log_sd = np.zeros_like(raw) + polynomial(coordinates, "log_sd", aux_raw)
    log_jacobian = 0.0
    for k, x in enumerate(coordinates.sd_correlation_root @ raw):
        location, scale, skew = (
            getattr(coordinates, f"log_sd_{name}")[k] for name in ("location", "scale", "skew")
        )
        log_sd[k] += location + scale * x + skew * np.hypot(1, x)
        log_jacobian += log_sd[k] + np.log(scale + skew * x / np.hypot(1, x))
    return log_sd, float(log_jacobian)


def auxiliary(coordinates: Coordinates, raw: np.ndarray) -> tuple[np.ndarray, float]:
    """Log auxiliary parameters, sigma not yet following nu, and their log slope by `raw`."""
    out, log_slope = np.empty_like(raw), 0.0
    wider = np.zeros_like(raw) + polynomial(coordinates, "aux_log_scale", raw)
    shift = np.zeros_like(raw) + polynomial(coordinates, "aux", raw)
    for a, x in reversed(list(enumerate(raw))):
        slope = 1.0
        if taper := coordinates.aux_taper[a]:  # the inverse of sinh(taper y) / taper
            y = np.log(taper * x + np.hypot(taper * x, 1)) / taper
            slope = 1 / np.cosh(taper * y)
        else:
            y = x
        # Of log(1 + exp(-3 y)) / 3 the derivative is -1 / (1 + exp(3 y)).
        scale, skew = coordinates.aux_scale[a, a], coordinates.aux_skew[a]
        beyond = 3 * (y - coordinates.aux_knot[a])
        moved = scale * y + skew * np.log1p(np.exp(-beyond)) / 3
        out[a] = coordinates.aux_location[a] + shift[a] + np.exp(wider[a]) * moved
        for b in range(a + 1, raw.size):
            out[a] += coordinates.aux_regression[a, b] * (out[b] - coordinates.aux_location[b])
        log_slope += np.log(slope * (scale - skew / (1 + np.exp(beyond))) / scale) + wider[a]
    return out, float(log_slope)


def constrained(model: Model, free: np.ndarray) -> tuple[np.ndarray, float]:
    """Auxiliary parameters in their domains, and the log Jacobian."""
    out, log_jacobian = np.empty_like(free), 0.0
    domains = [p.domain for p in model.family.parameters[1:] if p.name not in model.design.beside]
    if model.family.thresholds is not None:  # the steps between, whose place is the Intercept's
        domain = "positive" if "ordered" in domains else "real"
        domains = [domain] * (len(model.design.response.categories) - 2)
    if model.shrinkage is not None:
        domains += [domain.name for domain in model.shrinkage.domains]
    if model.simplexes is not None:
        domains += ["unit"] * sum(len(own) - 1 for own in model.simplexes.alpha)
    for a, domain in enumerate(domains):
        x = free[a]
        if domain == "positive":
            out[a], slope = np.exp(x), np.exp(x)
        elif domain == "unit":
            out[a] = 1 / (1 + np.exp(-x))
            slope = out[a] * (1 - out[a])
        else:
            out[a], slope = x, 1.0
        log_jacobian += np.log(slope)
    return out, float(log_jacobian)


class Reference:
    """The density of a model at unconstrained points of its Stan template."""

    def __init__(self, model: Model) -> None:
        self.model = model
        self.groups = model.stacked.groups
        self.widths = [g.Z.shape[1] for g in self.groups]
        self.correlations = correlation_names(model.stacked)
        n_corr = [g.Z.shape[1] * (g.Z.shape[1] - 1) // 2 for _, g in self.correlations]
        beside = model.design.beside
        self.numbers = [name for name in model.family.auxiliary if name not in beside]
        n_numbers = len(self.numbers)
        if model.family.thresholds is not None:
            n_numbers = len(model.design.response.categories) - 2
        coordinates = model.coordinates
        self.P, T = model.population.shape[1], sum(t.score.size for t in coordinates.terms)
        self.joint = coordinates.decorrelation.remaining_scale.shape[0]
        self.sizes = [
            self.joint,
            sum(g.column_sds.n for g in self.groups),
            sum(n_corr),
            self.P + T - self.joint,
            n_numbers
            + (len(model.shrinkage.names) if model.shrinkage else 0)
            + sum(
                len(v.coords[f"{v.name}_dim"]) - 1 for v in model.variables if v.role == "simplex"
            ),
        ]
        self.n_corr = n_corr

    @property
    def dim(self) -> int:
        return sum(self.sizes)

    def __call__(self, point: np.ndarray) -> float:
        model, coordinates = self.model, self.model.coordinates
        joint_raw, sd_raw, corr_raw, rest_raw, aux_raw = np.split(point, np.cumsum(self.sizes)[:-1])
        log_sd, lp = hyperbolic(coordinates, sd_raw, aux_raw)
        free_aux, log_slope = auxiliary(coordinates, aux_raw)
        lp += log_slope
        if self.numbers == ["sigma", "nu"]:  # sampled: sigma (nu + 1) / nu, of Jacobian one in logs
            nu = np.exp(free_aux[1])
            free_aux = free_aux + np.log(nu / (nu + 1)) * np.eye(1, free_aux.size)[0]
        corr_raw = coordinates.corr_location + coordinates.corr_scale * corr_raw
        # Linear maps, of constant Jacobian.
        linear = coordinates.decorrelation
        joint_raw = joint_raw.copy()
        if coordinates.conditional.any:
            noise = constrained(model, free_aux)[0][coordinates.conditional.number]
            both = np.concatenate([joint_raw, rest_raw])
            lp += self.follow_noise(both, np.exp(log_sd), corr_raw, noise)
            joint_raw, rest_raw = both[: self.joint], both[self.joint :]
        scale = coordinates.sd_dependent_scale
        for p, base, slope, bound in zip(
            scale.at, scale.base, scale.slope, scale.bound, strict=True
        ):
            factor = (1 / (base + slope @ np.exp(2 * log_sd)) + bound) ** -0.5
            joint_raw[p] *= factor
            lp += np.log(factor)
        n = len(coordinates.sd_dependent_covariance.base)
        if n:
            root = np.linalg.cholesky(self.spread(np.exp(log_sd), corr_raw))
            joint_raw[:n] = root @ joint_raw[:n]
            lp += np.log(np.diag(root)).sum()
        by_sds = coordinates.sd_dependent_location
        along = np.tanh(log_sd - np.log(by_sds.at))
        wider, shift = by_sds.log_scale @ along, by_sds.location @ along
        wider = wider + polynomial(coordinates, "log_scale", aux_raw)
        shift = shift + polynomial(coordinates, "location", aux_raw)
        lp += wider.sum()
        joint_raw *= np.exp(wider[: joint_raw.size])
        first = linear.remaining_scale @ joint_raw
        rest = linear.eliminated_scale * np.exp(wider[joint_raw.size :]) * rest_raw
        rest += linear.regression.toarray() @ first
        beta = coordinates.beta_location + first[: self.P] + shift[: self.P]
        effect = np.concatenate([first[self.P :], rest]) + shift[self.P :]
        beta += self.compensation(effect, np.exp(log_sd))
        aux_values, log_jacobian = constrained(model, free_aux)
        lp += log_jacobian
        beta, log_slope = curved(model, beta, aux_values)
        lp += log_slope
        beta, log_slope = bent(model, beta, aux_values)
        lp += log_slope

        factors, at = [], 0
        for (name, group), n in zip(self.correlations, self.n_corr, strict=True):
            L, log_jacobian = cholesky_correlation(corr_raw[at : at + n], group.Z.shape[1])
            lp += log_jacobian + lkj_log_density(L, model.priors[name].numbers[0])
            factors.append(L)
            at += n

        def one(values: np.ndarray) -> np.ndarray:
            return values[None, None]

        draws = canonical(
            model,
            Sampled(
                one(beta), one(np.exp(log_sd)), [one(f) for f in factors], one(effect),
                one(aux_values),
            ),
        )  # fmt: skip
        values = {name: array[0, 0] for name, array in draws.items()}
        return float(lp + self.priors(values) + self.effects(values) + self.rows(values))

    def follow_noise(
        self, both: np.ndarray, sd: np.ndarray, correlations: np.ndarray, noise: float
    ) -> float:
        """Put scores in place of coordinates, row by row, and return the log Jacobian."""
        given, at = self.model.coordinates.conditional, 0
        blocks = [np.eye(self.P)]
        for m, group in enumerate(self.groups):
            q, root = group.Z.shape[1], np.eye(group.Z.shape[1])
            if group.correlated and q > 1:
                n = q * (q - 1) // 2
                root, _ = cholesky_correlation(correlations[at : at + n], q)
                at += n
            own = column_sds(self.groups, sd)[m][:, None] * root
            blocks.append(np.kron(own, np.eye(given.levels[m])))
        precision, right = np.eye(given.at.size), np.zeros(given.at.size)
        for r, column in enumerate(given.columns @ linalg.block_diag(*blocks)):
            information = given.fixed[r] + given.scaled[r] * noise**given.power
            precision += information * np.outer(column, column)
            right += information * given.response[r] * column
        root = np.linalg.cholesky(precision)
        both[given.at] = np.linalg.solve(precision, right) + np.linalg.solve(root.T, both[given.at])
        return -float(np.log(np.diag(root)).sum())

    def spread(self, sd: np.ndarray, correlations: np.ndarray) -> np.ndarray:
        """Covariance of the first coordinates: a base, and what effects' covariances add."""
        by_sds, at = self.model.coordinates.sd_dependent_covariance, 0
        total = by_sds.base.copy()
        for m, group in enumerate(self.groups):
            q, own = group.Z.shape[1], np.eye(group.Z.shape[1])
            if group.correlated and q > 1:
                n = q * (q - 1) // 2
                own, _ = cholesky_correlation(correlations[at : at + n], q)
                at += n
            s = column_sds(self.groups, sd)[m]
            for a, b in np.ndindex(q, q):
                if m in by_sds.growth:
                    covariance = s[a] * s[b] * (own @ own.T)[a, b]
                    total += covariance * by_sds.growth[m][a, b]
        return total

    def compensation(self, effect: np.ndarray, sd: np.ndarray) -> np.ndarray:
        """What coefficients undo of crossed effects: a shift, which has no Jacobian."""
        coordinates = self.model.coordinates
        out = coordinates.compensation.location.copy()
        for m in coordinates.compensation.terms:
            term, s = coordinates.terms[m], column_sds(self.groups, sd)[m][0]
            for j in range(term.score.size):
                at = coordinates.start[m] + j
                square = 1 + s**2 * term.information[term.information_class[j], 0, 0]
                u = s * (effect[at] / np.sqrt(square) + s * term.score[0, j] / square)
                out -= coordinates.compensation.regression[:, at] * u
        return out

    def priors(self, values: dict[str, np.ndarray]) -> float:
        lp = shared_log_density(self.model, values) + simplexes_log_density(self.model, values)
        for name, prior in self.model.priors.table.items():
            if isinstance(prior, pr.LKJ | pr.Constant) or "simo_" in name:
                continue
            if name == "threshold":
                moved = self.moved_by_means(self.model.design, values) if self.model.center else 0.0
                if self.model.center and self.model.design.beside:  # thresholds' own predictors
                    own = self.model.design.beside.values()
                    moved = moved + np.array([self.moved_by_means(d, values) for d in own])
                link = self.model.link.name
                lp += threshold_log_density(prior, link, values["threshold"] - moved)
                continue
            value = named_value(self.model, values, name)
            value = with_prior(self.model, name, value)
            own = design_of(self.model, name)
            # A parameter beside the mean has its intercept's prior at its predictors' means too.
            centered = self.model.center or not self.model.design.intercept
            if name == f"{prefix(own)}Intercept":
                value = value + (self.moved_by_means(own, values) if centered else 0.0)
            elif name in self.model.priors.at_mean:
                value = value + self.moved_by_means(own, values, name)
            if isinstance(prior, pr.Horseshoe | pr.R2D2):
                at = self.model.shrinkage.labels.index(name)
                lp += stats.norm.logpdf(value, 0, sds(self.model, values)[at])
            else:
                lp += prior_log_density(prior, float(value))
        return lp

    def moved_by_means(
        self, design: Design, values: dict[str, np.ndarray], level: str | None = None
    ) -> float:
        """What the predictors add to an intercept, or to a level's coefficient, at their means."""
        slopes = [np.atleast_1d(values[prefix(design) + t.name]) for t in design.terms]
        means = means_of_rows(self.model, design, level)
        return float(np.concatenate([*slopes, np.empty(0)]) @ means)

    def effects(self, values: dict[str, np.ndarray]) -> float:
        lp = 0.0
        parts = {m: (c, a) for c in self.model.stacked.curves for a, m in enumerate(c.parts)}
        for m, (group, term) in enumerate(
            zip(self.groups, self.model.coordinates.terms, strict=True)
        ):
            names = [f"{e.prefix}{e.name}|{group.factor}" for e in group.effects]
            if m in parts:
                curve, a = parts[m]
                u = values[curve.smooth.term.variable][a * group.q : (a + 1) * group.q, None]
            else:
                u = np.vstack([np.atleast_2d(values[name]) for name in names])
            if group.shared is None:
                sd = np.concatenate([np.atleast_1d(values[f"{name}_sigma"]) for name in names])
            else:
                own = [named_value(self.model, values, name) for name in group.shared.names]
                sd = column_sds([group], np.array(own))[0]
            R = np.eye(sd.size)
            if group.correlated and sd.size > 1:
                for i, j in zip(*np.tril_indices(sd.size, -1), strict=True):
                    R[i, j] = R[j, i] = self.correlation(values, group, i, j)
            covariance = sd[:, None] * R * sd
            # In units of their sds: eigenvalues of sds far apart would lose digits
            standard = stats.multivariate_normal.logpdf(u.T / sd, np.zeros(sd.size), R)
            lp += (standard - np.log(sd).sum()).sum()
            # What is sampled: K' L^-1 u, and what does not change with u.
            jacobian = 0.0
            L = np.linalg.cholesky(covariance)
            for j in range(u.shape[1]):
                known = term.information[term.information_class[j]]
                K = np.linalg.cholesky(np.eye(sd.size) + L.T @ known @ L)
                jacobian += np.log(np.diag(L)).sum() - np.log(np.diag(K)).sum()
            lp += jacobian
        return float(lp)

    def correlation(
        self, values: dict[str, np.ndarray], group: RandomTerm, i: int, j: int
    ) -> np.ndarray:
        """Correlation of two effects, found by their names: those that the labels of draws have."""
        names = []
        for e in group.effects:
            whole = e.prefix + ("Intercept" if e.name == "1" else e.name)
            names += [f"{whole}[{label}]" for label in e.labels] or [whole]
        variable = f"{group.factor}_corr"
        coords = next(v.coords for v in self.model.variables if v.name == variable)
        labels = next(iter(coords.values()))
        assert labels.count(f"{names[j]}, {names[i]}") == 1
        return values[variable][labels.index(f"{names[j]}, {names[i]}")]

    def linear_predictor(self, design: Design, values: dict[str, np.ndarray]) -> np.ndarray:
        """Of one parameter, of each row."""
        eta, own = np.zeros(design.row.size), prefix(design)
        for n, d in enumerate(design.row):
            eta[n] = design.offset[d] + float(values.get(f"{own}Intercept", 0.0))
            for term in design.with_curves:
                columns = columns_of(design, term, design.X, values, d)
                eta[n] += columns @ np.atleast_1d(values[own + term.name])
            for group in design.groups:
                for effect in group.effects:
                    u = np.atleast_2d(values[f"{own}{effect.name}|{group.factor}"])
                    eta[n] += columns_of(design, effect, group.Z, values, d) @ u[:, group.level[d]]
        return eta

    def rows(self, values: dict[str, np.ndarray]) -> float:
        design = self.model.design
        aux: dict[str, Any] = {name: values[name] for name in self.numbers}
        for name, own in design.beside.items():
            aux[name] = BESIDE[name](self.linear_predictor(own, values))
        eta = self.linear_predictor(design, values)
        response, weight = design.response, design.weights
        family, link = self.model.family.name, self.model.link.name
        if response.limits is not None:
            by_row = limited_rows(family, INVERSE[link](eta), aux, response.y, response.limits)
        else:
            by_row = row_log_densities(
                family, link, modelled(self.model), eta, aux, response.trials
            )
        return float(np.sum(by_row if weight is None else weight * by_row))


def named_value(model: Model, values: dict[str, np.ndarray], name: str) -> Any:
    """A parameter by its name: of a vector by its label."""
    variable, _, label = name.partition("[")
    if not label:
        return values[variable]
    coords = next(v.coords for v in model.variables if v.name == variable)
    return values[variable][[*map(str, next(iter(coords.values())))].index(label[:-1])]


def column_sds(groups: Iterable[RandomTerm], sd: np.ndarray) -> list[np.ndarray]:
    """Sds of each term's columns, of the sds and length-scales of all terms, in their order.

    The spectral density of ``s^2 exp(-d^2 / 2 l^2)`` is ``s^2 l sqrt(2 pi) exp(-(l w)^2 / 2)``.
    """
    out, at = [], 0
    for group in groups:
        columns = group.column_sds
        own = sd[at : at + columns.n]
        at += columns.n
        if "length" in (group.shared.kinds if group.shared else ()):
            s, length = own
            wave = (length * columns.frequency) ** 2
            out.append(np.sqrt(s**2 * length * np.sqrt(2 * np.pi) * np.exp(-wave / 2)))
        else:
            out.append(own[columns.of])
    return out


def with_prior(model: Model, name: str, value: Any) -> Any:
    """What a parameter's prior is of: of a shift, its share of the least response."""
    response = model.design.response
    return value / least_end(response.y, response.limits) if name == "ndt" else value


def prefix(design: Design) -> str:
    """What the names of a parameter's coefficients and effects begin with."""
    return "" if design.parameter == "mu" else f"{design.parameter}_"


def design_of(model: Model, name: str) -> Design:
    """The design of the parameter that a coefficient belongs to."""
    beside = model.design.beside.items()
    return next((own for p, own in beside if name.startswith(f"{p}_")), model.design)


def means_of_rows(model: Model, design: Design, level: str | None) -> np.ndarray:
    """Means of the columns over all rows; for a level, over its own, zero for levels' columns."""
    weights, own = design.weights, prefix(design)
    X = design.X[design.row, : sum(len(t.columns) for t in design.terms)]
    if level is None:
        return np.average(X, axis=0, weights=weights) if X.shape[1] else np.empty(0)
    names = [
        column for t in design.terms
        for column in ([f"{own}{t.name}[{label}]" for label in t.labels] or [own + t.name])
    ]  # fmt: skip
    levels = [names.index(name) for name in model.priors.at_mean if name in names]
    mine = X[:, names.index(level)] == 1
    means = np.average(X[mine], axis=0, weights=None if weights is None else weights[mine])
    means[levels] = 0.0
    return means


def means_within_level(model: Model, name: str) -> np.ndarray:
    """Means of the mean's other columns over the rows of a level."""
    return means_of_rows(model, model.design, name)
