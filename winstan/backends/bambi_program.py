"""A short bambi program for one model, in the user's names, to read and to publish."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from winstan.backends.bambi_curves import curves_of
from winstan.backends.bambi_functions import definitions
from winstan.backends.bambi_levels import level_terms, potential_program
from winstan.backends.bambi_names import (
    component_of,
    family_of,
    has_categories,
    prefix_of_component,
    stated,
)
from winstan.backends.bambi_parts import category_order, centers, common_terms
from winstan.backends.bambi_priors import Made
from winstan.backends.bambi_thresholds import threshold_program
from winstan.backends.program_names import Names, number, one_line, quote, speakable
from winstan.formula.tree import Name, quote_name

if TYPE_CHECKING:
    from collections.abc import Mapping

    from winstan.design import Design
    from winstan.families.sample import Limits
    from winstan.formula import Formula
    from winstan.model import Model


class Writer:
    """Stands in for bambi where priors are made: writes them as source instead."""

    @staticmethod
    def Prior(kind: str, **numbers: Any) -> str:  # noqa: N802 - bambi's name
        """Write a prior."""
        said = "".join(f", {name}={_value(value)}" for name, value in numbers.items())
        return f'bmb.Prior("{kind}"{said})'


def bambi_program(model: Model, priors: Mapping[str, Any], *, repeated: bool = False) -> str:
    """Write a self-contained bambi program for a model.

    Parameters
    ----------
    model
    priors
        By bambi's name of the parameter, as source from `Writer`; those of the terms of another
        parameter's formula by that parameter. Group terms have the factor's name as winstan gives
        it.
    repeated
        Whether frequency weights are rows repeated.

    Returns
    -------
    str
        Source that makes ``model`` of ``data``, the user's data frame without incomplete rows.
        Comments tell of columns that have to be put there first.
    """
    left = _Columns(model, repeated=repeated)
    family = family_of(model)
    components = stated(model)
    names = [left.response(), *(component_of(model, d.parameter) for _, d in components[1:])]
    formulas = [
        f"{name} ~ {left.right(formula, design)}"
        for name, (formula, design) in zip(names, components, strict=True)
    ]
    grouping = model.design.memory.grouping
    for column, values in model.design.predictors.items():
        if values.dtype == bool:
            left.made[str(column)] = f"{left.of(str(column))}.astype(int)"
        elif isinstance(values.dtype, pd.CategoricalDtype) and column not in grouping:
            levels = list(values.cat.categories)
            if levels != sorted(levels):  # formulae sorts those of a factor that is not ordered
                ordered = f"{left.of(str(column))}, {levels!r}, ordered=True"
                left.made[str(column)] = f"pd.Categorical({ordered})"

    made = [f"{left.of(name)} = {value}" for name, value in left.made.items()]
    if repeated:
        made.append(f"data = data.loc[data.index.repeat({left.of(left.weight)}.astype(int))]")
    said, aliases = _said(model, priors, left, model.design)
    links = "".join(f"; {p}, link {link}" for p, link in list(_links(model).items())[1:])
    defined, named = definitions(model)
    more, potentials = _potentials(model)
    written = " ".join([*left.before, *made, *formulas, *defined, *said, *more])
    imports = [
        f"import {package} as {short}"
        for package, short in (("numpy", "np"), ("pandas", "pd"), ("pymc", "pm"))
        if f"{short}." in written
    ]
    lines = [
        f"# {one_line(model.formula.text)}",
        f"# family {model.family.name}, link {model.link.name}{links}",
        "# `data`: the data frame, without rows that miss a value.",
        *_comments(model),
        *(f"# {quote(name)} in it: {what}." for name, what in left.given.items()),
        "",
        "import bambi as bmb",
        *imports,
        *(defined or [""]),
        *([*(left.before or ["data = data.copy()"]), *made, ""] if made or left.before else []),
        *["priors = {", *said, "}"],
        *more,
        "model = bmb.Model(",
        *_formula(formulas),
        "    data,",
        f'    family="{family.name}",',
        f"    link={_link(model)},",
        "    priors=priors,",
        *([f"    potentials=[{', '.join(potentials)}],"] if potentials else []),
        "    auto_scale=False,",
        f"    center_predictors={centers(model)},",
        *([f"    extra_namespace={{{', '.join(f'"{n}": {n}' for n in named)}}},"] if named else []),
        ")",
    ]
    beside, mean = model.design.beside, component_of(model, model.design.parameter)
    numbers = {their: our for our, their in family.names.items() if our not in beside}
    if numbers or any(aliases.values()):
        own = _aliased(aliases) if len(components) > 1 else _entries(aliases[mean])
        why = [f"# bambi's name of {our} is {their}." for our, their in family.names.items()] or [
            "# Names of variables have no slash in PyMC, and those of dims no comma in nutpie."
        ]
        lines += [*why, "model.set_alias({", *own, *_entries(numbers), "})"]
    return "\n".join(lines) + "\n"


def _formula(formulas: list[str]) -> list[str]:
    """Write the formula, or those of several parameters."""
    if len(formulas) == 1:
        return [f"    {quote(formulas[0])},"]
    return ["    bmb.Formula(", *(f"        {quote(formula)}," for formula in formulas), "    ),"]


def _links(model: Model) -> dict[str, str]:
    """Name the link of each parameter that has a formula, by bambi's name of it."""
    pairs = zip(stated(model), model.likelihood.links, strict=False)
    return {component_of(model, own.parameter): link.name for (_, own), link in pairs}


def _link(model: Model) -> str:
    links = _links(model)
    if len(links) == 1:
        return f'"{model.link.name}"'
    return "{" + ", ".join(f'"{name}": "{link}"' for name, link in links.items()) + "}"


def _potentials(model: Model) -> tuple[list[str], list[str]]:
    """Write priors that are not of a term by itself, and name them."""
    identifiers = Names(["data", "bmb", "np", "pm", "priors", "model", "levels", "thresholds"])
    lines, names = list[str](), list[str]()
    if level_terms(model):
        lines += potential_program(model, identifiers)
        names.append("levels")
    if model.family.thresholds is not None:
        lines += threshold_program(model, identifiers)
        names.append("thresholds")
    return lines, names


def _said(
    model: Model, priors: Mapping[str, Any], left: _Columns, design: Design
) -> tuple[list[str], dict[str, dict[str, str]]]:
    """Write priors, an entry a line, and list the aliases that terms need, by parameter."""
    lines: list[str] = []
    component, prefix = component_of(model, design.parameter), prefix_of_component(model, design)
    renamed = design.parameter in family_of(model).names
    own = {component: design.parameter} if renamed else {}
    aliases = {component: own}
    beside = {component_of(model, name): other for name, other in design.beside.items()}
    for name, prior in priors.items():
        if name in beside:
            inside, others = _said(model, prior, left, beside[name])
            lines += [f"    {quote(name)}: {{", *(f"    {line}" for line in inside), "    },"]
            aliases |= others
            continue
        if name in left.curves:
            theirs, variable = left.curves[name]
            own[theirs] = speakable(variable)
            each = (f"{quote(key)}: {said}" for key, said in prior.items())
            lines.append(f"    {quote(theirs)}: {{{', '.join(each)}}},")
            continue
        effect, bar, factor = name.partition("|")
        theirs = effect + bar + left.factors.get(factor, factor)
        lines.append(f"    {quote(theirs)}: {prior},")
        if renamed or speakable(theirs) != theirs:
            own[theirs] = speakable(f"{prefix}{theirs}")
    return lines, aliases


def _aliased(aliases: Mapping[str, Mapping[str, str]]) -> list[str]:
    """Write the aliases of several parameters' terms."""
    lines = []
    for parameter, own in aliases.items():
        if own:
            inside = (f"    {line}" for line in _entries(own))
            lines += [f"    {quote(parameter)}: {{", *inside, "    },"]
    return lines


def _entries(aliases: Mapping[str, str]) -> list[str]:
    return [f"    {quote(name)}: {quote(alias)}," for name, alias in aliases.items()]


def _comments(model: Model) -> list[str]:
    """Say which of bambi's parameters are one less the model's, and what is by category."""
    lines = []
    for ours, theirs in family_of(model).complements.items():
        formula = ": its linear predictor is that, negated" if ours in model.design.beside else ""
        lines.append(f"# {theirs} is 1 - {ours}{formula}.")
    labels = model.design.response.categories
    if has_categories(model) and labels is not None:
        reference, *others = (str(labels[k]) for k in category_order(model))
        lines.append(f"# Coefficients have an element for each of {', '.join(others)}, against "
                     f"{reference}.")  # fmt: skip
    return [one_line(line) for line in lines]


class _Columns:
    """Columns beside the user's own: those that the program makes, and those that it is given."""

    def __init__(self, model: Model, *, repeated: bool) -> None:
        self.model = model
        self.repeated = repeated
        self.made: dict[str, str] = {}
        self.given: dict[str, str] = {}
        self.before: list[str] = []  # statements that come before all columns
        self.weight = "weight"
        self.factors: dict[str, str] = {}
        self.curves: dict[str, tuple[str, str]] = {}  # what the term is called, and its alias

    def of(self, column: str) -> str:
        return f"data[{quote(column)}]"

    def new(self, name: str) -> str:
        while name in self.model.formula.columns:
            name += "_"
        return name

    def response(self) -> str:
        """Write the left side."""
        spec, response = self.model.formula.response_spec, self.model.design.response
        if spec.counts:
            return self.gathered()
        atom, name = spec.value, spec.value.name
        if not isinstance(atom.node, Name):
            name = self.new("response")
            self.given[name] = atom.text
        elif "/" in name:
            plain = self.new("response")
            self.made[plain] = self.of(name)
            name = plain
        name = self.changed(name)
        if self.repeated:
            self.given[self.weight] = "the frequency weights"
        if response.limits is not None:
            return self.limited(name, response.limits)
        return self.counted(name)

    def gathered(self) -> str:
        """Give each row that counts categories one for each of them, and write the category."""
        name, self.weight = self.new("category"), self.new("times")
        counts = [atom.name for atom in self.model.formula.response_spec.counts]
        others = [column for column in self.model.formula.columns if column not in counts]
        if self.model.design.frequency is not None:
            others.append(self.new("weight"))
            self.given[others[-1]] = "the frequency weights"
            self.made[self.weight] = f"{self.of(self.weight)} * {self.of(others[-1])}"
        lists = ", ".join(f"[{', '.join(map(quote, names))}]" for names in (others, counts))
        self.before = [f'data = data.melt({lists}, "{name}", "{self.weight}")']
        return self.changed(name)

    def counted(self, name: str) -> str:
        """Write a response with its trials, or its weight, if it has any."""
        spec, response = self.model.formula.response_spec, self.model.design.response
        if response.trials is not None:
            trials = self.new("trials")
            if spec.trials and isinstance(spec.trials.node, Name):
                trials = spec.trials.name
            elif np.ptp(response.trials) == 0:
                self.made[trials] = str(int(response.trials[0]))
            else:
                self.given[trials] = "the number of trials"
            return f"p({quote_name(name)}, {quote_name(trials)})"
        if self.model.design.weights is not None and not self.repeated:
            weight = self.new("weight")
            self.given[weight] = "the frequency weights"
            return f"weighted({quote_name(name)}, {weight})"
        return quote_name(name)

    def changed(self, name: str) -> str:
        """Name the response as the family takes it, where that is another column."""
        response, family = self.model.design.response, self.model.family
        if response.levels is not None:
            new = self.new("success")
            self.made[new] = f"({self.of(name)} == {response.levels[-1]!r}).astype(int)"
        elif response.categories is not None:
            new = self.new("categories")
            labels = [response.categories[k] for k in category_order(self.model)]
            self.made[new] = f"pd.Categorical({self.of(name)}, {labels!r}, ordered=True)"
        elif family.log_response:
            new = self.new("log_response")
            self.made[new] = f"np.log({self.of(name)})"
        elif family.circular and np.any(np.abs(response.y) > np.pi):
            new = self.new("angle")  # between -pi and pi
            self.made[new] = f"np.angle(np.exp(1j * {self.of(name)}))"
        else:
            return name
        return new

    def limited(self, name: str, limits: Limits) -> str:
        """Write a censored or truncated response."""
        log = " of the logarithm" if self.model.family.log_response else ""
        if limits.truncated:
            bounds = []
            for argument, bound in (("lb", limits.lb), ("ub", limits.ub)):
                if bound is not None:
                    column = self.new(argument)
                    self.given[column] = f"the {argument} of the truncation{log}"
                    bounds.append(f"{argument}={column}")
            return f"truncated({quote_name(name)}, {', '.join(bounds)})"
        status = self.new("censoring")
        self.given[status] = "'none', 'left' or 'right'"
        return f"censored({quote_name(name)}, {status})"

    def right(self, formula: Formula, design: Design) -> str:
        """Write a right side."""
        right = common_terms(self.model, formula, design)
        for curve in curves_of(design):
            by, levels = curve.fitted.spec.by, curve.fitted.levels
            term = curve.program_term(self.sorted_levels(by, levels) if levels else "")
            self.curves[curve.term.name] = term.name, curve.smooth.term.variable
            right.append(term.text)
        for spec in formula.groups:
            if spec.factor not in self.factors:
                self.factors[spec.factor] = self.factor(spec.factor_columns)
            right.append(f"({spec.effects}|{quote_name(self.factors[spec.factor])})")
        return " + ".join(right)

    def sorted_levels(self, column: str, levels: tuple[Any, ...]) -> str:
        """Name a column whose levels bambi sorts as they are; else their numbers become one."""
        if list(levels) == sorted(levels):
            return column
        name = self.new(f"{column}_number")
        self.made[name] = f"pd.Categorical({self.of(column)}, {list(levels)!r}).codes"
        return name

    def factor(self, columns: tuple[str, ...]) -> str:
        """Name a factor's column; the combinations of several columns become one."""
        if len(columns) == 1:
            return columns[0]
        name = self.new("_by_".join(columns))
        self.made[name] = ' + ":" + '.join(f"{self.of(c)}.astype(str)" for c in columns)
        return name


def _value(value: Any) -> str:
    if isinstance(value, Made):
        return value.source
    if isinstance(value, str):
        return value
    return f"[{', '.join(map(_number, value))}]" if np.ndim(value) else _number(value)


def _number(value: float) -> str:
    return number(value) if np.isfinite(value) else f'float("{value}")'
