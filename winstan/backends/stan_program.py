"""A short Stan program for one model, row by row and in the user's names, to read and to publish.

The templates that winstan runs serve every formula, so that they compile once; this one is for
readers. It states the same posterior, and a test holds the two densities together.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from winstan import priors as pr
from winstan.backends.program_comments import comments_of
from winstan.backends.program_correlation import NAMES as CORRELATED_NAMES
from winstan.backends.program_correlation import CorrelatedRows
from winstan.backends.program_names import Names, written_distribution
from winstan.backends.program_parts import Parts
from winstan.backends.program_shrinkage import STAN, sd_of, stan_numbers
from winstan.backends.program_simplexes import bent
from winstan.backends.stan_limits import LimitedRow
from winstan.backends.stan_statements import (
    INVERSE,
    bounds_of,
    declaration,
    effects_of,
    inverse_of,
    prior_of,
    prior_of_thresholds,
    stan_number,
    vector,
)
from winstan.backends.stan_words import TAKEN

if TYPE_CHECKING:
    from winstan.backends.program_pieces import Group, Predictor
    from winstan.families.distribution import Distribution
    from winstan.families.parameter import Parameter
    from winstan.model import Model

# Arguments that are more than names and quotients: of several vectors they take a loop over rows.
_COMPOUND = re.compile(r"[-+*/^(]")


@dataclass(slots=True)
class _Linear:
    """A linear predictor under its names: columns are centred where it has an Intercept."""

    of: Predictor
    slopes: list[str]
    columns: list[str]
    means: list[str]

    @property
    def at_zero(self) -> str:
        """Name the Intercept at the zeros of the columns."""
        return f"b_{self.at_mean}"

    @property
    def at_mean(self) -> str:
        """Name the Intercept, or the thresholds that stand for it."""
        return self.of.thresholds.name if self.of.thresholds else self.of.intercept

    def at_means(self) -> list[str]:
        """Write what each term adds at its column's mean."""
        return [f"{b} * {mean}" for b, mean in zip(self.slopes, self.means, strict=True)]

    def prior_of(self, k: int) -> str:
        """Write what a coefficient's prior is of: a level is taken to the mean of the others."""
        moves = [
            f" + {stan_number(mean)} * {self.slopes[i]}" for i, mean in self.of.moves[k].items()
        ]
        return "".join([self.slopes[k], *moves])


class _Program:
    """The names, data and declarations that the blocks of a program share."""

    def __init__(self, model: Model) -> None:
        self.model = model
        own = [*model.family.auxiliary, *written_distribution(model, "stan").names]
        own += [f"b_{name}" for name in model.family.auxiliary]
        if model.structure is not None:
            own += [*CORRELATED_NAMES.split(), model.structure.name, "L_unstr"]
        for design in model.design.beside.values():
            own += [design.intercept_name, f"b_{design.intercept_name}"]
        self.names = Names([*TAKEN, *own])
        self.parts = Parts(model, self.names)
        self.correlated = None
        if model.structure is not None:
            self.correlated = CorrelatedRows(model, self.names)
        # Of each column that some predictor centres, its mean and itself centred.
        self.centred: dict[str, tuple[str, str]] = {}
        self.linear = [self._named(predictor) for predictor in self.parts.predictors]

    def _named(self, predictor: Predictor) -> _Linear:
        """Name a predictor's coefficients, and its columns less their means."""
        slopes = [self.names.new(predictor.slope(column)) for column in predictor.coefficients]
        columns = [column.name for column in predictor.coefficients]
        if not predictor.center:
            curved = [bent(c, own, ".*") for c, own in zip(columns, predictor.curves, strict=True)]
            inside = [f"({c})" if " " in c else c for c in curved]
            return _Linear(predictor, slopes, inside, [])
        missing = [column for column in columns if column not in self.centred]
        means = [self.names.new(f"mean_{column}") for column in missing]
        centred = [self.names.new(f"{column}_c") for column in missing]
        self.centred |= dict(zip(missing, zip(means, centred, strict=True), strict=True))
        pairs = [self.centred[column] for column in columns]
        inside = [
            f"({bent(name, curve, '.*')} - {mean})" if curve else own
            for name, curve, (mean, own) in zip(columns, predictor.curves, pairs, strict=True)
        ]
        return _Linear(predictor, slopes, inside, [mean for mean, _ in pairs])

    def data(self) -> dict[str, Any]:
        """Return what the data block asks for."""
        data: dict[str, Any] = {"N": self.model.design.row.size}
        for column in self.parts.columns:
            # Stan counts from 1.
            data[column.name] = column.values + (column.kind in ("level", "ordered", "unordered"))
        return data if self.correlated is None else data | self.correlated.data(1)

    def text(self) -> str:
        """Write the program."""
        written = written_distribution(self.model, "stan")
        definition = written.definition_of(self.model.link.name)
        if self.parts.limits:
            definition += written.tails
        rows = self.correlated
        blocks = {
            "functions": [
                *(
                    line.replace("{inverse}", INVERSE[self.model.link.name].partition("(")[0])
                    for line in definition
                ),
                *(rows.stan_functions() if rows else []),
            ],
            "data": [
                "int<lower=1> N;",
                *map(declaration, self.parts.columns),
                *(rows.stan_data() if rows else []),
            ],
            "transformed data": self._transformed_data(),
            "parameters": [*self._parameters(), *(rows.stan_parameters() if rows else [])],
            "transformed parameters": [
                *(line for simplex in self.parts.simplexes for line in simplex.stan_heights()),
                *(rows.stan_transformed() if rows else []),
                *(line for g in self.parts.groups for line in self._effects(g)),
                *(line for curve in self.parts.curves for line in curve.stan_coefficients()),
            ],
            "model": [*self._priors(), *self._likelihood()],
            "generated quantities": self._generated(),
        }
        centred = "Levels have their priors at the mean of the other predictors."
        comments = comments_of(self.parts, self.linear, centred=centred)
        lines = [f"// {line}".encode("ascii", "replace").decode() for line in comments]
        for name, body in blocks.items():
            if body:
                lines += [f"{name} {{", *(f"  {line}" for line in body), "}"]
        return "\n".join(lines) + "\n"

    def _effects(self, g: Group) -> list[str]:
        if self.correlated is not None and g.term.latent:
            names = (f"{kind}_{g.tail}" for kind in ("sd", "z", "u"))
            return self.correlated.stan_effects(*names)
        return effects_of(g)

    def _transformed_data(self) -> list[str]:
        weight = self.parts.weight
        mean = f"dot_product({weight.name}, {{0}}) / sum({weight.name})" if weight else "mean({0})"
        lines = []
        bends = {
            column.name
            for linear in self.linear
            for column, curve in zip(linear.of.coefficients, linear.of.curves, strict=True)
            if curve
        }
        for column, (at, centred) in self.centred.items():
            lines.append(f"real {at} = {mean.format(column)};")
            if column not in bends:
                lines.append(f"vector[N] {centred} = {column} - {at};")
        lines += [line for curve in self.parts.curves for line in curve.stan_constants()]
        constants = ((b, p) for b, p in self._coefficients() if isinstance(p, pr.Constant))
        return lines + [f"real {b} = {stan_number(prior.value)};" for b, prior in constants]

    def _coefficients(self) -> list[tuple[str, pr.Prior]]:
        """Return every coefficient's name and prior."""
        found = []
        for linear in self.linear:
            if linear.of.intercept_prior is not None:
                found.append((linear.of.intercept, linear.of.intercept_prior))
            found += zip(linear.slopes, linear.of.priors, strict=True)
        return found

    def _parameters(self) -> list[str]:
        lines = [
            f"real{bounds_of(prior)} {b};"
            for b, prior in self._coefficients()
            if not isinstance(prior, pr.Constant)
        ]
        thresholds = (linear.of.thresholds for linear in self.linear)
        lines += [f"{own.stan}[{len(own.labels)}] {own.name};" for own in thresholds if own]
        for g in self.parts.groups:
            q = len(g.columns)
            if q == 1:
                lines += [f"real<lower=0> sd_{g.tail};", f"vector[{g.level.levels}] z_{g.tail};"]
                continue
            lines.append(f"vector<lower=0>[{q}] sd_{g.tail};  // {', '.join(g.effects)}")
            if g.lkj is not None:
                lines.append(f"cholesky_factor_corr[{q}] L_{g.tail};")
            lines.append(f"matrix[{g.level.levels}, {q}] z_{g.tail};")
        lines += [line for curve in self.parts.curves for line in curve.stan_parameters()]
        likelihood = self.model.likelihood
        for domain, scalar in zip(likelihood.domains, likelihood.scalars, strict=True):
            if scalar.name in likelihood.steps:
                continue
            declared = domain.stan
            if scalar.bound is not None:
                declared = f"real<lower=0, upper={self._bound(scalar)}>"
            lines.append(f"{declared} {scalar.name};")
        lines += [f"simplex[{simplex.n}] {simplex.name};" for simplex in self.parts.simplexes]
        return lines + stan_numbers(self.model)[0]

    def _priors(self) -> list[str]:
        lines = []
        for linear in self.linear:
            if linear.of.intercept_prior is not None:
                lines.append(prior_of(linear.of.intercept, linear.of.intercept_prior))
            if linear.of.thresholds is not None:
                lines += prior_of_thresholds(linear.of.thresholds, linear.of.link)
            for k, prior in enumerate(linear.of.priors):
                if isinstance(prior, pr.Horseshoe | pr.R2D2):
                    sd = sd_of(self.model, linear.of.design.column_names[k], STAN)
                    lines.append(f"{linear.slopes[k]} ~ normal(0, {sd});")
                else:
                    lines.append(prior_of(linear.prior_of(k), prior))
        for g in self.parts.groups:
            one = len(g.columns) == 1
            for i, prior in enumerate(g.sd_priors, 1):
                lines.append(prior_of(f"sd_{g.tail}" + ("" if one else f"[{i}]"), prior))
            if g.lkj is not None:
                lines.append(f"L_{g.tail} ~ lkj_corr_cholesky({stan_number(g.lkj)});")
            lines.append((f"z_{g.tail}" if one else f"to_vector(z_{g.tail})") + " ~ std_normal();")
        lines += [line for curve in self.parts.curves for line in curve.stan_priors()]
        for scalar in self.model.likelihood.reported:
            share = f" / {self._bound(scalar)}" if scalar.bound is not None else ""
            lines.append(prior_of(f"{scalar.name}{share}", self.model.priors[scalar.name]))
        lines += [simplex.stan_priors() for simplex in self.parts.simplexes]
        lines += self.correlated.stan_priors() if self.correlated else []
        return lines + stan_numbers(self.model)[1]

    def _bound(self, number: Parameter) -> str:
        """Write what bounds a number: the least of what responses are at most."""
        if self.parts.limits:
            return stan_number(self.model.likelihood.statistics[str(number.bound)])
        return f"min({self.parts.response.name})"

    def _summands(self, linear: _Linear) -> list[str]:
        """Write the terms of a linear predictor, a vector among them."""
        terms = [linear.of.intercept] if linear.of.intercept else []
        terms += [f"{b} * {x}" for b, x in zip(linear.slopes, linear.columns, strict=True)]
        numbers_alone = not linear.slopes
        for g in self.parts.groups:
            for i, column in g.on(linear.of.parameter):
                place = g.level.name + ("" if len(g.columns) == 1 else f", {i + 1}")
                own = [column.name] if column else []
                terms.append(bent(f"u_{g.tail}[{place}]", [*own, *g.curves[i]], ".*"))
                numbers_alone = False
        curves = [c.stan_term for c in self.parts.curves if c.parameter == linear.of.parameter]
        terms += curves
        if linear.of.offset:
            terms.append(linear.of.offset.name)
        elif numbers_alone and not curves:
            terms = [f"rep_vector({(terms or ['0'])[0]}, N)"]
        return terms

    def _likelihood(self) -> list[str]:
        """Write the linear predictors, and the response's distribution given them."""
        written, link = written_distribution(self.model, "stan"), self.model.link
        # Stan has this link in the distribution, but not in its distribution function.
        own = link.name in written.by_link and not self.parts.limits
        direct = not own and link.name == "identity"
        lines = vector("mu" if direct else "eta", self._summands(self.linear[0]))
        if not own and not direct:
            lines.append(f"vector[N] mu = {inverse_of(link).format('eta')};")
        for linear in self.linear[1:]:
            lines += vector(linear.of.parameter, self._summands(linear), linear.of.link)
        name, arguments = written.name, written.arguments
        if own:
            name, arguments = written.by_link[link.name]
        y, weight = self.parts.response, self.parts.weight
        trials = self.parts.trials.name if self.parts.trials else ""
        kind = "lpmf" if y.kind in ("count", "binary", "ordered", "unordered") else "lpdf"
        beside = [linear.of.parameter for linear in self.linear[1:]]
        if self.correlated is not None and not self.correlated.latent:
            log = self.model.family.log_response
            by_row = self.model.family.noise in beside
            return [*lines, *self.correlated.stan_likelihood(y.name, log=log, by_row=by_row)]
        by_row = y.kind == "unordered"
        compound = by_row or (beside and _COMPOUND.search(arguments.replace("{over}", "")))
        if self.parts.limits:
            return [*lines, *self._with_limits(written, name, arguments, beside)]
        if written.zero:
            return [*lines, *self._with_zeros(written, f"{name}_{kind}", arguments)]
        if weight is None and not compound and not written.definition_of(link.name):
            said = arguments.format(i="", over="./", trials=trials)
            return [*lines, f"{written.of.format(y=y.name)} ~ {name}({said});"]
        said = arguments.format(i="[n]", over="/", trials=trials)
        for parameter in beside:
            said = re.sub(rf"\b{parameter}\b", f"{parameter}[n]", said)
        of = written.of.format(y=f"{y.name}[n]")
        if weight is None:
            return [*lines, "for (n in 1:N)", f"  {of} ~ {name}({said});"]
        density = f"{name}_{kind}({of} | {said})"
        return [*lines, "for (n in 1:N)", f"  target += {weight.name}[n] * {density};"]

    def _with_zeros(self, written: Distribution, density: str, arguments: str) -> list[str]:
        """Write the density of a row, which is another at zero, and perhaps at one."""
        y, weight = f"{self.parts.response.name}[n]", self.parts.weight
        trials = self.parts.trials.name if self.parts.trials else ""
        said = arguments.format(i="[n]", over="/", trials=trials)
        own = {"y": f"{density}({y} | {said})", "f0": f"{density}(0 | {said})", "i": "[n]"}
        beside = [linear.of.parameter for linear in self.linear[1:]]
        zero, one, above = (
            re.sub(rf"\b({'|'.join(beside)})\b", r"\1[n]", text) if beside else text
            for text in (t.format(**own) for t in (written.zero, written.one, written.above))
        )
        before, after = (f"{weight.name}[n] * (", ")") if weight else ("", "")
        head = f"  target += {before}{y} == 0 ? "
        indent = " " * (len(head) - 2)
        third = [f"{indent}: {y} == 1 ? {one}"] if one else []
        return ["for (n in 1:N)", f"{head}{zero}", *third, f"{indent}: {above}{after};"]

    def _with_limits(
        self, written: Distribution, name: str, arguments: str, beside: list[str]
    ) -> list[str]:
        """Write the density of a row that may be censored, truncated, or have a known error."""
        said = arguments.format(i="[n]", over="/")
        for parameter in beside:
            said = re.sub(rf"\b{parameter}\b", f"{parameter}[n]", said)
        limits, family = self.parts.limits, self.model.family
        if "error" in limits:
            error = f"{limits['error'].name}[n]"
            scale = re.compile(r"\bsigma(\[n\])?")
            both = r"sqrt(square(\g<0>) + square(" + error + "))"
            said = scale.sub(both if family.noise else error, said)
        y = f"{self.parts.response.name}[n]"
        row = LimitedRow(name, said, y, written.of, family.whole, limits)
        weight = self.parts.weight
        return row.lines(f"{weight.name}[n] * " if weight else "")

    def _generated(self) -> list[str]:
        lines = []
        for linear in self.linear:
            if not (linear.of.center and linear.of.has_constant):
                continue
            thresholds = linear.of.thresholds
            kind = f"vector[{len(thresholds.labels)}]" if thresholds else "real"
            head, sign = f"{kind} {linear.at_zero} = {linear.at_mean}", "+" if thresholds else "-"
            moves = [f" {sign} {move}" for move in linear.at_means()]
            if thresholds and (own := [x for x in self.linear if not x.of.has_constant]):
                elements = [" + ".join(x.at_means()) for x in own]
                moves += [f" + [{elements[0]},", *(f"    {e}," for e in elements[1:])]
                moves[-1] = moves[-1].removesuffix(",") + "]'"
            indent = "\n" + " " * len(head)
            lines += (head + indent.join(moves) + ";").split("\n")
        for g in self.parts.groups:
            if g.lkj is not None:
                made = f"multiply_lower_tri_self_transpose(L_{g.tail})"
                lines.append(f"corr_matrix[{len(g.columns)}] corr_{g.tail} = {made};")
        return lines


def stan_program(model: Model) -> tuple[str, dict[str, Any]]:
    """Write a self-contained Stan program for a model, and the data that it takes.

    Parameters
    ----------
    model

    Returns
    -------
    program : str
        Row-wise Stan source, with every prior written out. Numbers have ten significant digits.
    data : dict
        By the names in the program's data block. Levels of group factors count from 1, in the
        order of the model's levels.

    Notes
    -----
    The density is the model's up to a constant. Group effects are always non-centred, so that the
    coordinates, unlike the posterior, may differ from those that winstan samples in.
    """
    program = _Program(model)
    return program.text(), program.data()
