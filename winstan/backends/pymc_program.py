"""A short PyMC program for one model, row by row and in the user's names, to read and to publish.

What winstan samples with PyMC works on cells and in standardised coordinates; this is for readers.
It states the same posterior, and a test holds its density to scipy's. Writing it needs no PyMC.
"""

from __future__ import annotations

import builtins
import keyword
from typing import TYPE_CHECKING, Any

from winstan.backends.program_names import (
    Group,
    Names,
    Parts,
    number,
    one_line,
    quoted,
    speakable,
    spoken,
    written_distribution,
)
from winstan.draws import tree_name

if TYPE_CHECKING:
    from collections.abc import Sequence

    from winstan.design import Term
    from winstan.model import Model
    from winstan.priors import Prior

# Names that the program gives itself, or uses.
_OWN = "np pm data model coords eta mu likelihood Intercept Intercept_c"

_WIDTH = 84
# Inverse links; the identity has none.
_INVERSE = {
    "log": "pm.math.exp(eta)",
    "inverse": "1 / eta",
    "sqrt": "eta**2",
    # pm.math.invprobit rounds to single precision.
    "probit": "0.5 * pm.math.erfc(-eta / np.sqrt(2))",
    "cloglog": "-pm.math.expm1(-pm.math.exp(eta))",
}


class _Program:
    """The names that the blocks of a program share, and the blocks."""

    def __init__(self, model: Model) -> None:
        self.model = model
        taken = [*keyword.kwlist, *keyword.softkwlist, *dir(builtins), *_OWN.split()]
        taken += model.family.auxiliary
        self.names = Names(taken)
        self.parts = Parts(model, self.names)
        self.coords = {
            speakable(dim): list(labels)
            for variable in model.variables
            for dim, labels in variable.coords.items()
        }
        # PyMC keeps the names of variables and of dims apart.
        self.called = {variable.name for variable in model.variables} | set(self.coords)
        self.effect_dims = {
            group.tail: self._call(f"{group.tail}_effects")
            for group in self.parts.groups
            if len(group.columns) > 1
        }
        self.coords |= {
            self.effect_dims[group.tail]: list(group.effects)
            for group in self.parts.groups
            if group.tail in self.effect_dims
        }
        # Columns go by the user's names for them, where these tell them apart.
        self.keys: dict[str, str] = {}
        for column in self.parts.columns:
            key = column.text
            while key in self.keys.values() or key == "coords":
                key += "_"
            self.keys[column.name] = key

        self.predictors = [column.name for column in self.parts.coefficients]
        if self.parts.center:
            self.predictors = [self.names.new(f"{name}_c") for name in self.predictors]
        # A parameter for each term; its columns are elements of it.
        self.terms: list[tuple[str, list[str]]] = []
        for term in model.design.terms:
            if term.labels:
                name = self.names.new(f"b_{term.name}")
                self.terms.append((name, [f"{name}[{i}]" for i in range(len(term.labels))]))
            else:
                name = self.names.new(f"b_{self.parts.coefficients[term.columns[0]].name}")
                self.terms.append((name, [name]))
        self.slopes = [slope for _, slopes in self.terms for slope in slopes]

    def _call(self, text: str) -> str:
        """Find a name that no other variable or dim of PyMC's has."""
        text = tree_name(text)  # PyMC allows no slash
        while text in self.called:
            text += "_"
        self.called.add(text)
        return text

    def data(self) -> dict[str, Any]:
        """Return the columns and coords that the program reads."""
        data: dict[str, Any] = {self.keys[c.name]: c.values for c in self.parts.columns}
        return data | {"coords": self.coords} if self.coords else data

    def text(self) -> str:
        """Write the program."""
        blocks = [
            self._coefficients(),
            *(self._effects(group) for group in self.parts.groups),
            self._correlations(),
            self._likelihood(),
        ]
        body = [line for block in blocks if block for line in ("", *block)][1:]
        lines = [
            *self._head(),
            f"with pm.Model({'coords=coords' if self.coords else ''}) as model:",
            *(f"    {line}" if line else "" for line in body),
        ]
        imports = ["import numpy as np"] if any("np." in line for line in lines) else []
        lines = [*self._comments(), *imports, "import pymc as pm", "", *lines]
        return "\n".join(lines) + "\n"

    def _comments(self) -> list[str]:
        model = self.model
        formula = one_line(model.formula.text)
        lines = [f"# {formula}", f"# family {model.family.name}, link {model.link.name}; PyMC 6"]
        if self.parts.groups:
            lines.append("# Group effects are non-centred: u = sd * z, with z standard normal.")
            lines.append("# Levels count from 0, in the order of coords.")
        if self.parts.center:
            lines.append("# Intercept_c is at the mean of the predictors, Intercept at zero.")
        if any(self.parts.moves):
            lines.append("# Levels' own priors (_c) are at the mean of the other predictors.")
        return [*lines, ""]

    def _head(self) -> list[str]:
        """Take the columns, and centre predictors."""
        lines = [f"{c.name} = data[{quoted(self.keys[c.name])}]" for c in self.parts.columns]
        if self.coords:
            lines.append('coords = data["coords"]')
        if self.parts.center:
            lines.append("")
            lines += [
                f"{centred} = {column.name} - {self._mean(column.name)}"
                for column, centred in zip(self.parts.coefficients, self.predictors, strict=True)
            ]
        return [*lines, ""]

    def _mean(self, column: str) -> str:
        weight = self.parts.weight
        return f"np.average({column}, weights={weight.name})" if weight else f"{column}.mean()"

    def _coefficients(self) -> list[str]:
        """Write the Intercept, the coefficients and the family's own parameters."""
        lines: list[str] = []
        priors = list(self.parts.priors)
        if self.parts.center:
            lines += _prior("Intercept_c", self._call("Intercept_c"), [priors.pop(0)])
        elif self.model.design.intercept:
            lines += _prior("Intercept", "Intercept", [priors.pop(0)])
        inside = list(self.slopes)  # as their priors have them
        moved = []
        for (name, _), term in zip(self.terms, self.model.design.terms, strict=True):
            own = [priors.pop(0) for _ in term.columns]
            variable, called = name, term.name
            if any(self.parts.moves[column] for column in term.columns):
                moved.append((name, term))
                variable, called = self.names.new(f"{name}_c"), self._call(f"{term.name}_c")
                for i, column in enumerate(term.columns):
                    inside[column] = f"{variable}[{i}]" if term.labels else variable
            dim = speakable(f"{term.name}_dim")
            lines += self._variable(variable, called, own, term.labels, (dim,))
        for name, term in moved:
            lines += self._at_zero(name, term, inside)
        if self.parts.center:
            moves = [
                f"- {slope} * {self._mean(column.name)}"
                for slope, column in zip(self.slopes, self.parts.coefficients, strict=True)
            ]
            lines += _sum("Intercept", ["Intercept_c", *moves])
            lines.append('pm.Deterministic("Intercept", Intercept)')
        for p in self.model.family.parameters[1:]:
            lines += _prior(p.name, p.name, [self.model.priors[p.name]], domain=p.domain)
        return lines

    def _at_zero(self, name: str, term: Term, inside: Sequence[str]) -> list[str]:
        """Write a term's coefficients at the zeros of the predictors at whose means they were."""
        elements = [
            [inside[column], *(f"- {number(m)} * {inside[i]}" for i, m in moves.items())]
            for column in term.columns
            for moves in [self.parts.moves[column]]
        ]
        if not term.labels:
            lines = _sum(name, elements[0])
            return [*lines, f"pm.Deterministic({quoted(tree_name(term.name))}, {name})"]
        lines = _statement(f"{name} = pm.math.stack([", [" ".join(e) for e in elements], "])")
        return lines + _deterministic(term.name, name, quoted(speakable(f"{term.name}_dim")))

    def _variable(
        self,
        name: str,
        called: str,
        priors: Sequence[Prior],
        labels: Sequence[str] = (),
        dims: tuple[str, ...] = (),
        *,
        domain: str = "real",
    ) -> list[str]:
        """Write a parameter, scalar or a vector with a prior for each label."""
        if not labels:
            return _prior(name, called, priors, domain=domain)
        if len({type(prior) for prior in priors}) == 1:
            return _prior(name, called, priors, domain=domain, dims=dims)
        elements = [self.names.new(f"{name}_{label}") for label in labels]
        lines = []
        for element, label, prior in zip(elements, labels, priors, strict=True):
            inside = self._call(f"{called}[{label}]")
            lines += _prior(element, inside, [prior], domain=domain)
        lines += _statement(f"{name} = pm.math.stack([", elements, "])")
        return lines + _deterministic(called, name, quoted(dims[0]))

    def _effects(self, g: Group) -> list[str]:
        """Write a group term: standard deviations, correlations, z-scores and effects."""
        tail, levels = g.tail, speakable(f"{g.term.factor}__factor_dim")
        lines, elements = [], []
        one = len(g.columns) == 1
        for effect in g.term.effects:
            name = f"sd_{tail}"
            if len(g.term.effects) > 1:
                name = self.names.new(f"sd_{tail}_{spoken(effect)}")
            own_dims = tuple(map(speakable, g.term.dims(effect)))
            priors = [g.sd_priors[column] for column in effect.columns]
            lines += self._variable(
                name,
                g.term.sd_name(effect),
                priors,
                effect.labels,
                own_dims,
                domain="positive",
            )
            elements += [f"{name}[{i}]" for i in range(len(effect.labels))] or [name]
        if len(g.term.effects) > 1:
            lines += _statement(f"sd_{tail} = pm.math.stack([", elements, "])")

        if one:
            lines += _normal(f"z_{tail}", self._call(f"z_{tail}"), quoted(levels))
            lines.append(f"u_{tail} = {elements[0]} * z_{tail}")
        else:
            dims = f"({quoted(self.effect_dims[tail])}, {quoted(levels)})"
            lines += _normal(f"z_{tail}", self._call(f"z_{tail}"), dims)
            product = f"z_{tail}"
            if g.lkj is not None:
                arguments = [quoted(self._call(f"L_{tail}")), f"n={len(g.columns)}"]
                lines.append("# LKJCorr is the Cholesky factor of the correlation matrix.")
                lines += _statement(
                    f"L_{tail} = pm.LKJCorr(", [*arguments, f"eta={number(g.lkj)}"], ")"
                )
                product = f"(L_{tail} @ z_{tail})"
            lines.append(f"u_{tail} = sd_{tail}[:, None] * {product}")
        for effect in g.term.effects:
            first, last = effect.columns[0], effect.columns[-1]
            part, dims = f"u_{tail}" + ("" if one else f"[{first}]"), quoted(levels)
            if effect.labels:
                (own,) = g.term.dims(effect)
                part = f"u_{tail}" + ("[None, :]" if one else f"[{first}:{last + 1}]")
                dims = f"({quoted(speakable(own))}, {quoted(levels)})"
            lines += _deterministic(g.term.effect_name(effect), part, dims)
        return lines

    def _correlations(self) -> list[str]:
        """Report each factor's correlations, those of its several terms one after another."""
        lines = []
        for name in self.model.stacked.correlation_labels:
            own = [
                g
                for g in self.parts.groups
                if g.lkj is not None and g.term.correlation_variable == name
            ]
            pieces = [
                f"(L_{g.tail} @ L_{g.tail}.T)[np.tril_indices({len(g.columns)}, -1)]" for g in own
            ]
            made = pieces[0]
            if len(pieces) > 1:
                made = f"pm.math.concatenate([{', '.join(pieces)}])"
            lines += _deterministic(name, made, quoted(speakable(f"{name}_dim")))
        return lines

    def _likelihood(self) -> list[str]:
        """Write the linear predictor, and the response's distribution given it."""
        written, link = written_distribution(self.model, "pymc"), self.model.link.name
        terms = []
        if self.model.design.intercept:
            terms.append("Intercept_c" if self.parts.center else "Intercept")
        terms += [f"{b} * {x}" for b, x in zip(self.slopes, self.predictors, strict=True)]
        for g in self.parts.groups:
            for i, column in enumerate(g.columns):
                where = g.level.name if len(g.columns) == 1 else f"{i}, {g.level.name}"
                terms.append(f"u_{g.tail}[{where}]" + (f" * {column.name}" if column else ""))
        if self.parts.offset:
            terms.append(self.parts.offset.name)
        head = "mu" if link == "identity" else "eta"
        terms = terms or ["0"]
        lines = _sum(head, [terms[0], *(f"+ {term}" for term in terms[1:])])
        if link in _INVERSE:
            lines.append(f"mu = {_INVERSE[link]}")
        trials = self.parts.trials.name if self.parts.trials else ""
        name = written.name
        said = written.arguments.format(
            p="logit_p=eta" if link == "logit" else "p=mu", trials=trials
        )
        y, weight = self.parts.response, self.parts.weight
        if weight is None:
            called = quoted(self._call(y.text))
            return [*lines, f"pm.{name}({called}, {said}, observed={y.name})"]
        called = quoted(self._call("likelihood"))
        return [
            *lines,
            f"likelihood = pm.logp(pm.{name}.dist({said}), {y.name})",
            f"pm.Potential({called}, ({weight.name} * likelihood).sum())",
        ]


def pymc_program(model: Model) -> tuple[str, dict[str, Any]]:
    """Write a self-contained PyMC program for a model, and the data that it takes.

    Parameters
    ----------
    model

    Returns
    -------
    program : str
        Row-wise Python source, with every prior written out, that makes ``model`` from ``data``.
        Numbers have ten significant digits.
    data : dict
        What the program calls ``data``: columns, and the labels of dims under ``coords``. Levels
        of group factors count from 0, in the order of the model's levels.

    Notes
    -----
    Parameters have the names and dims that `Model.variables` gives, but for slashes, which PyMC
    does not allow, and for the commas of dims, which nutpie does not. The density is the model's up
    to a constant. Group effects are always non-centred, so that the coordinates, unlike the
    posterior, may differ from those that winstan samples in.

    Examples
    --------
    >>> program, data = pymc_program(model)  # doctest: +SKIP
    >>> space = {"data": data}  # doctest: +SKIP
    >>> exec(program, space)  # doctest: +SKIP
    >>> space["model"]  # doctest: +SKIP
    """
    program = _Program(model)
    return program.text(), program.data()


def _prior(
    name: str,
    called: str,
    priors: Sequence[Prior],
    *,
    domain: str = "real",
    dims: tuple[str, ...] = (),
) -> list[str]:
    """Write a variable: priors of one kind, with a number for each element or one for all."""
    kind, parameters = priors[0].pymc_name(domain), priors[0].pymc
    arguments = [quoted(tree_name(called))]
    by_parameter = zip(*(prior.numbers for prior in priors), strict=True)
    for parameter, values in zip(parameters, by_parameter, strict=True):
        numbers = [number(value) for value in values]
        same = len(set(numbers)) == 1
        arguments.append(f"{parameter}={numbers[0] if same else '[' + ', '.join(numbers) + ']'}")
    if dims:
        arguments.append(f"dims={quoted(dims[0])}")
    return _statement(f"{name} = pm.{kind}(", arguments, ")")


def _normal(name: str, called: str, dims: str) -> list[str]:
    """Write z-scores."""
    arguments = [quoted(tree_name(called)), "mu=0", "sigma=1", f"dims={dims}"]
    return _statement(f"{name} = pm.Normal(", arguments, ")")


def _deterministic(called: str, value: str, dims: str) -> list[str]:
    """Write what is to be reported under a name of winstan's."""
    return _statement("pm.Deterministic(", [quoted(tree_name(called)), value, f"dims={dims}"], ")")


def _statement(head: str, arguments: Sequence[str], tail: str) -> list[str]:
    """Write a call, an argument a line where it would be long."""
    line = head + ", ".join(arguments) + tail
    if len(line) <= _WIDTH:
        return [line]
    return [head, *(f"    {argument}," for argument in arguments), tail]


def _sum(name: str, terms: Sequence[str]) -> list[str]:
    """Write a sum, whose terms bring their signs; a term a line where it would be long."""
    line = f"{name} = {' '.join(terms)}"
    if len(line) <= _WIDTH:
        return [line]
    return [f"{name} = (", *(f"    {term}" for term in terms), ")"]
