"""A short Stan program for one model, row by row and in the user's names, to read and to publish.

The templates that winstan runs serve every formula, so that they compile once; this one is for
readers. It states the same posterior, and a test holds the two densities together.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from winstan import priors as pr
from winstan.scales import correlation_names

if TYPE_CHECKING:
    from winstan.design import GroupTerm
    from winstan.families.links import Array
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
    Phi bernoulli bernoulli_logit binomial binomial_logit cauchy diag_matrix diag_pre_multiply
    dot_product exp exponential gamma inv inv_cloglog inv_gamma lkj_corr_cholesky lognormal mean
    multiply_lower_tri_self_transpose neg_binomial_2 neg_binomial_2_log normal poisson poisson_log
    rep_vector square std_normal student_t sum to_vector
"""
# Names that the program gives itself.
_OWN = "N n eta mu Intercept b_Intercept sigma alpha nu"

# Inverse links, where Stan has no distribution with the link built in.
_INVERSE = {
    "identity": "{}",
    "log": "exp({})",
    "inverse": "inv({})",
    "sqrt": "square({})",
    "probit": "Phi({})",
    "cloglog": "inv_cloglog({})",
}
# By family and link, or by family: the distribution and its arguments; {i} indexes a row.
_DISTRIBUTIONS = {
    "gaussian": ("normal", "mu{i}, sigma"),
    "student": ("student_t", "nu, mu{i}, sigma"),
    "lognormal": ("lognormal", "mu{i}, sigma"),
    "gamma": ("gamma", "alpha, alpha {over} mu{i}"),
    "poisson": ("poisson", "mu{i}"),
    "poisson log": ("poisson_log", "eta{i}"),
    "negative_binomial": ("neg_binomial_2", "mu{i}, alpha"),
    "negative_binomial log": ("neg_binomial_2_log", "eta{i}, alpha"),
    "bernoulli": ("bernoulli", "mu{i}"),
    "bernoulli logit": ("bernoulli_logit", "eta{i}"),
    "binomial": ("binomial", "{trials}{i}, mu{i}"),
    "binomial logit": ("binomial_logit", "{trials}{i}, eta{i}"),
}
_RESPONSES = {
    "gaussian": "vector[N] {}",
    "student": "vector[N] {}",
    "lognormal": "vector<lower=0>[N] {}",
    "gamma": "vector<lower=0>[N] {}",
    "bernoulli": "array[N] int<lower=0, upper=1> {}",
}
_COUNTS = "array[N] int<lower=0> {}"
# Half priors are whole ones on a parameter with lower=0.
_PRIORS: dict[type[pr.Prior], str] = {
    pr.Normal: "normal({})",
    pr.StudentT: "student_t({})",
    pr.Cauchy: "cauchy({})",
    pr.Exponential: "exponential({})",
    pr.Gamma: "gamma({})",
    pr.InverseGamma: "inv_gamma({})",
    pr.HalfNormal: "normal(0, {})",
    pr.HalfCauchy: "cauchy(0, {})",
}


@dataclass(frozen=True, slots=True)
class _Group:
    """A group term: its data, and what its parameters are called (`tail` follows sd_, z_, ...)."""

    level: str
    J: int
    tail: str
    columns: tuple[str | None, ...]  # None is the constant
    effects: tuple[str, ...]
    sd_priors: tuple[pr.Prior, ...]
    lkj: float | None


class _Program:
    """The names, data and declarations that the blocks of a program share."""

    def __init__(self, model: Model) -> None:
        self.model = model
        design = model.design
        self.taken = set(f"{_KEYWORDS} {_FUNCTIONS} {_OWN}".split())
        self.data: dict[str, Any] = {"N": design.row.size}
        self.declared: list[str] = ["int<lower=1> N;"]
        self.columns: list[tuple[str, str, Array]] = []
        names = list(model.priors.table)

        spec = model.formula.response_spec
        y = spec.value.text + "".join(f"_{level}" for level in spec.success)
        form = _RESPONSES.get(model.family.name, _COUNTS)
        self.response = self._declare(y, form, design.response.y)
        self.trials = self.weight = self.offset = ""
        if design.response.trials is not None:
            text = spec.trials.text if spec.trials and spec.trials.columns else "trials"
            self.trials = self._declare(text, _COUNTS, design.response.trials)

        self.coefficients = [
            self._column(name, design.X[:, column])
            for term in design.terms
            for name, column in zip(term.column_names, term.columns, strict=True)
        ]
        self.slopes = [self._name(f"b_{column}") for column in self.coefficients]
        self.coefficient_priors = [
            model.priors[name] for name in names[: model.population.shape[1]]
        ]
        if np.any(design.offset):
            text = "offset_" + "_".join(model.formula.offset)
            self.offset = self._declare(text, "vector[N] {}", design.offset[design.row])
        if design.weights is not None:
            self.weight = self._declare("weight", "vector<lower=0>[N] {}", design.weights)
        # The Intercept is at the mean of the predictors, if there are any.
        self.center = model.center and bool(self.slopes)
        self.means = [self._name(f"mean_{c}") for c in self.coefficients] if self.center else []
        self.centred = [self._name(f"{c}_c") for c in self.coefficients] if self.center else []
        self.groups = self._groups(names[model.population.shape[1] :])

    def _name(self, text: str) -> str:
        """Make a valid, unused Stan identifier of what the user wrote."""
        plain = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode()
        plain = re.sub(r"\b(np|numpy)\.", "", plain)
        plain = re.sub(r"[^A-Za-z0-9]+", "_", plain).strip("_") or "x"
        plain = plain if plain[0].isalpha() else f"x_{plain}"
        name, number = plain, 2
        if name in self.taken:
            name = f"{plain}_"
        while name in self.taken:
            name, number = f"{plain}_{number}", number + 1
        self.taken.add(name)
        return name

    def _declare(self, text: str, form: str, values: np.ndarray) -> str:
        name = self._name(text)
        self.declared.append(form.format(name) + ";")
        self.data[name] = values.astype(int) if form.startswith("array") else values
        return name

    def _column(self, text: str, by_design_row: Array) -> str:
        """Declare a design column; group effects share it with the coefficient of the same name."""
        for known, name, values in self.columns:
            if known == text and np.array_equal(values, by_design_row):
                return name
        name = self._declare(text, "vector[N] {}", by_design_row[self.model.design.row])
        self.columns.append((text, name, by_design_row))
        return name

    def _groups(self, names: list[str]) -> list[_Group]:
        """Name the group terms; `names` are of priors, from the first standard deviation on."""
        design = self.model.design
        lkj = {
            id(group): self.model.priors[name].numbers[0]
            for name, group in correlation_names(design)
        }
        factors = [group.factor for group in design.groups]
        levels: dict[str, str] = {}
        out, at = [], 0
        for group in design.groups:
            q, J = group.Z.shape[1], len(group.levels)
            if group.factor not in levels:
                form = f"array[N] int<lower=1, upper={J}> {{}}"
                where = group.level[design.row] + 1
                levels[group.factor] = self._declare(group.factor, form, where)
            tail = levels[group.factor]
            if factors.count(group.factor) > 1:  # (1|g) + (0 + x|g)
                tail += "_" + "_".join(_plain_effects(group))
            out.append(
                _Group(
                    level=levels[group.factor],
                    J=J,
                    tail=self._tail(tail),
                    columns=tuple(
                        None if effect.name == "1" else self._column(name, group.Z[:, column])
                        for effect in group.effects
                        for name, column in zip(effect.column_names, effect.columns, strict=True)
                    ),
                    effects=_plain_effects(group),
                    sd_priors=tuple(self.model.priors[n] for n in names[at : at + q]),
                    lkj=lkj.get(id(group)),
                )
            )
            at += q
        return out

    def _tail(self, text: str) -> str:
        """Find an ending with which every parameter of a group term has a name of its own."""
        ending = self._name(f"sd_{text}").removeprefix("sd_")
        mates = {f"{kind}_{ending}" for kind in ("z", "u", "L", "corr")}
        if mates & self.taken:
            return self._tail(f"{text}_group")
        self.taken |= mates
        return ending

    def text(self) -> str:
        """Write the program."""
        blocks = {
            "data": self.declared,
            "transformed data": self._transformed_data(),
            "parameters": self._parameters(),
            "transformed parameters": [line for g in self.groups for line in _effects_of(g)],
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
        formula = " ".join(model.formula.text.split()).encode("ascii", "replace").decode()
        lines = [f"// {formula}", f"// family {model.family.name}, link {model.link.name}"]
        if self.groups:
            lines.append("// Group effects are non-centred: u = sd * z, with z standard normal.")
        if self.center:
            lines.append("// Intercept is at the mean of the predictors, b_Intercept at zero.")
        return lines

    def _transformed_data(self) -> list[str]:
        mean = f"dot_product({self.weight}, {{0}}) / sum({self.weight})"
        lines = []
        for column, at, centred in zip(self.coefficients, self.means, self.centred, strict=False):
            lines.append(f"real {at} = {(mean if self.weight else 'mean({0})').format(column)};")
            lines.append(f"vector[N] {centred} = {column} - {at};")
        return lines

    def _parameters(self) -> list[str]:
        lines = ["real Intercept;"] if self.model.design.intercept else []
        lines += [f"real {slope};" for slope in self.slopes]
        for g in self.groups:
            q = len(g.columns)
            if q == 1:
                lines += [f"real<lower=0> sd_{g.tail};", f"vector[{g.J}] z_{g.tail};"]
                continue
            lines.append(f"vector<lower=0>[{q}] sd_{g.tail};  // {', '.join(g.effects)}")
            if g.lkj is not None:
                lines.append(f"cholesky_factor_corr[{q}] L_{g.tail};")
            lines.append(f"matrix[{g.J}, {q}] z_{g.tail};")
        return lines + [f"real<lower=0> {name};" for name in self.model.family.auxiliary]

    def _priors(self) -> list[str]:
        names = ["Intercept"] * self.model.design.intercept + self.slopes
        pairs = zip(names, self.coefficient_priors, strict=True)
        lines = [_prior(name, prior) for name, prior in pairs]
        for g in self.groups:
            one = len(g.columns) == 1
            for i, prior in enumerate(g.sd_priors, 1):
                lines.append(_prior(f"sd_{g.tail}" + ("" if one else f"[{i}]"), prior))
            if g.lkj is not None:
                lines.append(f"L_{g.tail} ~ lkj_corr_cholesky({_number(g.lkj)});")
            lines.append((f"z_{g.tail}" if one else f"to_vector(z_{g.tail})") + " ~ std_normal();")
        return lines + [_prior(n, self.model.priors[n]) for n in self.model.family.auxiliary]

    def _likelihood(self) -> list[str]:
        """Write the linear predictor, and the response's distribution given it."""
        family, link = self.model.family.name, self.model.link.name
        terms = ["Intercept"] if self.model.design.intercept else []
        columns = self.centred if self.center else self.coefficients
        terms += [f"{b} * {x}" for b, x in zip(self.slopes, columns, strict=True)]
        for g in self.groups:
            for i, column in enumerate(g.columns, 1):
                place = g.level if len(g.columns) == 1 else f"{g.level}, {i}"
                terms.append(f"u_{g.tail}[{place}]" + (f" .* {column}" if column else ""))
        if self.offset:
            terms.append(self.offset)
        if terms in ([], ["Intercept"]):  # no vector among them
            terms = [f"rep_vector({(terms or ['0'])[0]}, N)"]

        own = f"{family} {link}" in _DISTRIBUTIONS  # Stan has this link in the distribution
        direct = not own and link == "identity"
        head = f"vector[N] {'mu' if direct else 'eta'} = "
        plus = "\n" + " " * (len(head) - 2) + "+ "
        lines = (head + plus.join(terms) + ";").split("\n")
        if not own and not direct:
            lines.append(f"vector[N] mu = {_INVERSE[link].format('eta')};")
        name, arguments = _DISTRIBUTIONS[f"{family} {link}" if own else family]
        if not self.weight:
            said = arguments.format(i="", over="./", trials=self.trials)
            return [*lines, f"{self.response} ~ {name}({said});"]
        said = arguments.format(i="[n]", over="/", trials=self.trials)
        kind = "lpmf" if _RESPONSES.get(family, _COUNTS).startswith("array") else "lpdf"
        density = f"{name}_{kind}({self.response}[n] | {said})"
        return [*lines, "for (n in 1:N)", f"  target += {self.weight}[n] * {density};"]

    def _generated(self) -> list[str]:
        lines = []
        if self.center:
            head = "real b_Intercept = Intercept"
            moves = [f" - {b} * {at}" for b, at in zip(self.slopes, self.means, strict=True)]
            indent = "\n" + " " * len(head)
            lines += (head + indent.join(moves) + ";").split("\n")
        for g in self.groups:
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
    return program.text(), program.data


def _plain_effects(group: GroupTerm) -> tuple[str, ...]:
    """Name the columns of a group term, in ASCII: some of Stan's tools take nothing else."""
    names = [name for effect in group.effects for name in effect.column_names]
    return tuple(
        "Intercept" if n == "1" else n.encode("ascii", "replace").decode().replace("\n", " ")
        for n in names
    )


def _effects_of(g: _Group) -> list[str]:
    if len(g.columns) == 1:
        return [f"vector[{g.J}] u_{g.tail} = sd_{g.tail} * z_{g.tail};"]
    if g.lkj is None:
        scale = f"diag_matrix(sd_{g.tail})"
    else:
        scale = f"diag_pre_multiply(sd_{g.tail}, L_{g.tail})'"
    return [f"matrix[{g.J}, {len(g.columns)}] u_{g.tail} = z_{g.tail} * {scale};"]


def _prior(name: str, prior: pr.Prior) -> str:
    if isinstance(prior, pr.Flat):
        return f"// {name}: flat"
    numbers = [_number(value) for value in prior.numbers]
    if isinstance(prior, pr.HalfStudentT):
        return f"{name} ~ student_t({numbers[0]}, 0, {numbers[1]});"
    return f"{name} ~ {_PRIORS[type(prior)].format(', '.join(numbers))};"


def _number(value: float) -> str:
    """Write a number short, yet exact enough for one and the same posterior."""
    text = f"{value:.10g}"
    # Without a point Stan reads an integer, which must stay below 2^31.
    return text if abs(value) < 1e9 or not text.lstrip("-").isdigit() else f"{text}.0"
