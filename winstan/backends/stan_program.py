"""A short Stan program for one model, row by row and in the user's names, to read and to publish.

The templates that winstan runs serve every formula, so that they compile once; this one is for
readers. It states the same posterior, and a test holds the two densities together.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from winstan import priors as pr
from winstan.backends.program_names import (
    Column,
    Group,
    Names,
    Parts,
    number,
    one_line,
    written_distribution,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

    from winstan.model import Model

_KEYWORDS = """
    array break cholesky_factor_corr cholesky_factor_cov complex complex_matrix complex_row_vector
    complex_vector continue corr_matrix cov_matrix data else fatal_error for functions generated if
    in int jacobian lower matrix model multiplier offset ordered parameters positive_ordered print
    profile quantities real reject return row_stochastic_matrix row_vector simplex
    column_stochastic_matrix sum_to_zero_matrix sum_to_zero_vector target transformed truncate
    tuple unit_vector upper vector void while
"""
# Functions that the program calls: a variable of that name would hide them.
_FUNCTIONS = """
    Phi beta cauchy diag_matrix diag_pre_multiply dot_product exp exponential gamma inv inv_cloglog
    inv_gamma lkj_corr_cholesky mean multiply_lower_tri_self_transpose normal rep_vector square
    std_normal student_t sum to_vector
"""
# Names that the program gives itself.
_OWN = "N n eta mu Intercept b_Intercept"

# Inverse links, where Stan has no distribution with the link built in.
_INVERSE = {
    "identity": "{}",
    "log": "exp({})",
    "inverse": "inv({})",
    "sqrt": "square({})",
    "probit": "Phi({})",
    "cloglog": "inv_cloglog({})",
}
_TYPES = {
    "real": "vector[N]",
    "positive": "vector<lower=0>[N]",
    "unit": "vector<lower=0, upper=1>[N]",
    "count": "array[N] int<lower=0>",
    "binary": "array[N] int<lower=0, upper=1>",
    "level": "array[N] int<lower=1, upper={J}>",
}


class _Program:
    """The names, data and declarations that the blocks of a program share."""

    def __init__(self, model: Model) -> None:
        self.model = model
        own = [*model.family.auxiliary, *written_distribution(model, "stan").names]
        names = Names([*f"{_KEYWORDS} {_FUNCTIONS} {_OWN}".split(), *own])
        self.parts = Parts(model, names)
        columns = [column.name for column in self.parts.coefficients]
        self.slopes = [names.new(f"b_{column}") for column in columns]
        # The Intercept is at the mean of the predictors, if there are any.
        self.means: list[str] = []
        self.predictors = columns
        if self.parts.center:
            self.means = [names.new(f"mean_{column}") for column in columns]
            self.predictors = [names.new(f"{column}_c") for column in columns]

    def data(self) -> dict[str, Any]:
        """Return what the data block asks for."""
        data: dict[str, Any] = {"N": self.model.design.row.size}
        for column in self.parts.columns:
            # Stan counts from 1.
            data[column.name] = column.values + (column.kind == "level")
        return data

    def text(self) -> str:
        """Write the program."""
        blocks = {
            "data": ["int<lower=1> N;", *map(_declaration, self.parts.columns)],
            "transformed data": self._transformed_data(),
            "parameters": self._parameters(),
            "transformed parameters": [line for g in self.parts.groups for line in _effects_of(g)],
            "model": [*self._priors(), *self._likelihood()],
            "generated quantities": self._generated(),
        }
        lines = self._header()
        for name, body in blocks.items():
            if body:
                lines += [f"{name} {{", *(f"  {line}" for line in body), "}"]
        return "\n".join(lines) + "\n"

    def _header(self) -> list[str]:
        model = self.model
        formula = one_line(model.formula.text).encode("ascii", "replace").decode()
        lines = [f"// {formula}", f"// family {model.family.name}, link {model.link.name}"]
        if self.parts.groups:
            lines.append("// Group effects are non-centred: u = sd * z, with z standard normal.")
        if self.parts.center:
            lines.append("// Intercept is at the mean of the predictors, b_Intercept at zero.")
        if any(self.parts.moves):
            lines.append("// Levels have their priors at the mean of the other predictors.")
        return lines

    def _transformed_data(self) -> list[str]:
        weight = self.parts.weight
        mean = f"dot_product({weight.name}, {{0}}) / sum({weight.name})" if weight else "mean({0})"
        lines = []
        for column, at, centred in zip(
            self.parts.coefficients, self.means, self.predictors, strict=False
        ):
            lines.append(f"real {at} = {mean.format(column.name)};")
            lines.append(f"vector[N] {centred} = {column.name} - {at};")
        return lines

    def _parameters(self) -> list[str]:
        lines = ["real Intercept;"] if self.model.design.intercept else []
        lines += [f"real {slope};" for slope in self.slopes]
        for g in self.parts.groups:
            q = len(g.columns)
            if q == 1:
                lines += [f"real<lower=0> sd_{g.tail};", f"vector[{g.level.levels}] z_{g.tail};"]
                continue
            lines.append(f"vector<lower=0>[{q}] sd_{g.tail};  // {', '.join(g.effects)}")
            if g.lkj is not None:
                lines.append(f"cholesky_factor_corr[{q}] L_{g.tail};")
            lines.append(f"matrix[{g.level.levels}, {q}] z_{g.tail};")
        likelihood = self.model.likelihood
        pairs = zip(likelihood.domains, likelihood.scalars, strict=True)
        return lines + [f"{domain.stan} {number.name};" for domain, number in pairs]

    def _priors(self) -> list[str]:
        names = ["Intercept"] * self.model.design.intercept + self.slopes
        moves = list(self.parts.moves)
        if self.model.design.intercept:
            moves.insert(0, {})
        lines = [
            _prior("".join([name, *self._moved(move)]), prior)
            for name, move, prior in zip(names, moves, self.parts.priors, strict=True)
        ]
        for g in self.parts.groups:
            one = len(g.columns) == 1
            for i, prior in enumerate(g.sd_priors, 1):
                lines.append(_prior(f"sd_{g.tail}" + ("" if one else f"[{i}]"), prior))
            if g.lkj is not None:
                lines.append(f"L_{g.tail} ~ lkj_corr_cholesky({_number(g.lkj)});")
            lines.append((f"z_{g.tail}" if one else f"to_vector(z_{g.tail})") + " ~ std_normal();")
        numbers = [number.name for number in self.model.likelihood.scalars]
        return lines + [_prior(name, self.model.priors[name]) for name in numbers]

    def _moved(self, move: Mapping[int, float]) -> list[str]:
        """Write what takes a level's coefficient to the mean of the other predictors."""
        return [f" + {_number(mean)} * {self.slopes[i]}" for i, mean in move.items()]

    def _likelihood(self) -> list[str]:
        """Write the linear predictor, and the response's distribution given it."""
        written, link = written_distribution(self.model, "stan"), self.model.link.name
        terms = ["Intercept"] if self.model.design.intercept else []
        terms += [f"{b} * {x}" for b, x in zip(self.slopes, self.predictors, strict=True)]
        for g in self.parts.groups:
            for i, column in enumerate(g.columns, 1):
                place = g.level.name + ("" if len(g.columns) == 1 else f", {i}")
                terms.append(f"u_{g.tail}[{place}]" + (f" .* {column.name}" if column else ""))
        if self.parts.offset:
            terms.append(self.parts.offset.name)
        if terms in ([], ["Intercept"]):  # no vector among them
            terms = [f"rep_vector({(terms or ['0'])[0]}, N)"]

        own = link in written.by_link  # Stan has this link in the distribution
        direct = not own and link == "identity"
        head = f"vector[N] {'mu' if direct else 'eta'} = "
        plus = "\n" + " " * (len(head) - 2) + "+ "
        lines = (head + plus.join(terms) + ";").split("\n")
        if not own and not direct:
            lines.append(f"vector[N] mu = {_INVERSE[link].format('eta')};")
        name, arguments = written.by_link.get(link, (written.name, written.arguments))
        y, weight = self.parts.response, self.parts.weight
        trials = self.parts.trials.name if self.parts.trials else ""
        if weight is None:
            said = arguments.format(i="", over="./", trials=trials)
            return [*lines, f"{y.name} ~ {name}({said});"]
        said = arguments.format(i="[n]", over="/", trials=trials)
        kind = "lpmf" if y.kind in ("count", "binary") else "lpdf"
        density = f"{name}_{kind}({y.name}[n] | {said})"
        return [*lines, "for (n in 1:N)", f"  target += {weight.name}[n] * {density};"]

    def _generated(self) -> list[str]:
        lines = []
        if self.parts.center:
            head = "real b_Intercept = Intercept"
            moves = [f" - {b} * {at}" for b, at in zip(self.slopes, self.means, strict=True)]
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


def _declaration(column: Column) -> str:
    return _TYPES[column.kind].format(J=column.levels) + f" {column.name};"


def _effects_of(g: Group) -> list[str]:
    J = g.level.levels
    if len(g.columns) == 1:
        return [f"vector[{J}] u_{g.tail} = sd_{g.tail} * z_{g.tail};"]
    if g.lkj is None:
        scale = f"diag_matrix(sd_{g.tail})"
    else:
        scale = f"diag_pre_multiply(sd_{g.tail}, L_{g.tail})'"
    return [f"matrix[{J}, {len(g.columns)}] u_{g.tail} = z_{g.tail} * {scale};"]


def _prior(name: str, prior: pr.Prior) -> str:
    if isinstance(prior, pr.Flat):
        return f"// {name}: flat"
    return f"{name} ~ {prior.stan.format(*map(_number, prior.numbers))};"


def _number(value: float) -> str:
    text = number(value)
    # Without a point Stan reads an integer, which must stay below 2^31.
    return text if abs(value) < 1e9 or not text.lstrip("-").isdigit() else f"{text}.0"
