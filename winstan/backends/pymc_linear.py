"""Linear predictors in PyMC programs for readers: coefficients at zero, and the sums they make."""

from __future__ import annotations

from typing import TYPE_CHECKING

from winstan.backends.program_names import number, pymc_dim, quote
from winstan.backends.program_shrinkage import PYMC, sd_of
from winstan.backends.program_simplexes import bent
from winstan.backends.pymc_statements import deterministic, prior_of, statement, total
from winstan.draws import tree_name
from winstan.errors import BackendError
from winstan.priors import R2D2, Dirichlet, Horseshoe

if TYPE_CHECKING:
    from collections.abc import Sequence

    from winstan.backends.program_parts import Parts
    from winstan.backends.program_pieces import Predictor, Thresholds
    from winstan.backends.pymc_statements import Called
    from winstan.design import Term
    from winstan.families.links import Link

# Inverse links; the identity has none.
_INVERSE = {
    "log": "pm.math.exp({})",
    "inverse": "1 / {}",
    "sqrt": "{}**2",
    "logit": "pm.math.sigmoid({})",
    # pm.math.invprobit rounds to single precision.
    "probit": "0.5 * pm.math.erfc(-{} / np.sqrt(2))",
    "cloglog": "-pm.math.expm1(-pm.math.exp({}))",
    "tan_half": "2 * pm.math.arctan({})",
}


# Of thresholds whose categories' probabilities are as likely as any others.
LATENT: dict[str, tuple[str, dict[str, float]]] = {
    "logit": ("Logistic", {"mu": 0.0, "s": 1.0}),
    "probit": ("Normal", {"mu": 0.0, "sigma": 1.0}),
}


class Linear:
    """The linear predictor of a parameter, under the names of the program.

    Parameters
    ----------
    predictor
    parts
    called
    centred
        Names of columns that other predictors centre too; this one's are added.
    """

    def __init__(
        self, predictor: Predictor, parts: Parts, called: Called, centred: dict[str, str]
    ) -> None:
        self.of = predictor
        self._parts = parts
        self._called = called
        names = called.names
        self._columns = [column.name for column in predictor.coefficients]
        self.centred: dict[str, str] = {}
        if predictor.center:
            self.centred = {
                name: names.new(f"{name}_c")
                for name, curve in zip(self._columns, predictor.curves, strict=True)
                if name not in centred and not curve
            }
            centred |= self.centred
            self._columns = [
                f"({bent(name, curve, '*')} - {self._mean(name)})" if curve else centred[name]
                for name, curve in zip(self._columns, predictor.curves, strict=True)
            ]
        else:
            self._columns = [
                bent(name, curve, "*")
                for name, curve in zip(self._columns, predictor.curves, strict=True)
            ]
        # A parameter for each term; its columns are elements of it.
        self._terms: list[tuple[str, Term]] = []
        self._slopes: list[str] = []
        for term in predictor.design.terms:
            if term.labels:
                name = names.new(f"b_{term.variable}")
                self._slopes += [f"{name}[{i}]" for i in range(len(term.labels))]
            else:
                name = names.new(predictor.slope(predictor.coefficients[term.columns[0]]))
                self._slopes.append(name)
            self._terms.append((name, term))
        self.at_zero = predictor.thresholds.name if predictor.thresholds else predictor.intercept
        centers = predictor.center and self.at_zero
        self.at_mean = f"{self.at_zero}_c" if centers else self.at_zero

    def columns(self) -> list[str]:
        """Centre columns."""
        return [
            f"{centred} = {name} - {self._mean(name)}" for name, centred in self.centred.items()
        ]

    def coefficients(self) -> list[str]:
        """Write the Intercept and the coefficients, at the zeros of all columns."""
        intercept, lines = self.of.intercept, list[str]()
        if self.of.intercept_prior is not None:
            at_mean = self._called.new(self.at_mean) if self.of.center else intercept
            lines += prior_of(self.at_mean, at_mean, [self.of.intercept_prior])
        if self.of.thresholds is not None:
            lines += self._thresholds(self.of.thresholds)
        inside = list(self._slopes)  # as their priors have them
        moved = []
        for name, term in self._terms:
            own = [self.of.priors[column] for column in term.columns]
            variable, called = name, term.variable
            if any(self.of.moves[column] for column in term.columns):
                moved.append((name, term))
                variable = self._called.names.new(f"{name}_c")
                called = self._called.new(f"{term.variable}_c")
                for i, column in enumerate(term.columns):
                    inside[column] = f"{variable}[{i}]" if term.labels else variable
            shrunk = [isinstance(prior, Horseshoe | R2D2) for prior in own]
            if any(shrunk):
                if not all(shrunk):
                    raise BackendError(
                        f"The PyMC program of {term.variable!r} has one kind of prior for all its "
                        'levels, and some of them are shrunk: read code("stan").'
                    )
                lines += self._shrunk(variable, called, term)
                continue
            dims = (pymc_dim(term.variable),)
            lines += self._called.variable(variable, called, own, term.labels, dims)
        for name, term in moved:
            lines += self._at_zero(name, term, inside)
        if self.of.center and intercept:
            moves = [f"- {move}" for move in self.at_means()]
            lines += total(intercept, [self.at_mean, *moves])
            lines.append(f"pm.Deterministic({quote(intercept)}, {intercept})")
        return lines

    def at_means(self) -> list[str]:
        """Write what each term adds at its column's mean."""
        pairs = zip(self._slopes, self.of.coefficients, strict=True)
        return [f"{slope} * {self._mean(column.name)}" for slope, column in pairs]

    def thresholds_at_zero(self, of_each: Sequence[Linear]) -> list[str]:
        """Write the thresholds at the zeros of all columns, where they are at their means.

        `of_each` are the linear predictors of single thresholds, if there are any.
        """
        own = self.of.thresholds
        if own is None or not self.of.center:
            return []
        moves, lines = [f"+ {move}" for move in self.at_means()], list[str]()
        if of_each:
            elements = [" + ".join(linear.at_means()) for linear in of_each]
            apart = self._called.names.new(f"{own.name}_moves")
            lines += statement(f"{apart} = pm.math.stack([", elements, "])")
            moves.append(f"+ {apart}")
        lines += total(own.name, [self.at_mean, *moves])
        return lines + deterministic(own.name, own.name, quote(pymc_dim(own.name)))

    def _thresholds(self, own: Thresholds) -> list[str]:
        """Write thresholds, in increasing order, with a prior of each."""
        prior, called = own.prior, self.at_mean
        if self.of.center:
            called = self._called.new(self.at_mean)
        if isinstance(prior, Dirichlet):
            kind, numbers = LATENT.get(self.of.link.name, ("Flat", {}))
        else:
            kind = prior.pymc_name("real")
            numbers = dict(zip(prior.pymc, prior.numbers, strict=True))
        in_order = [
            "transform=pm.distributions.transforms.ordered",
            f"initval=np.linspace(-1, 1, {len(own.labels)})",
        ]
        lines = statement(
            f"{self.at_mean} = pm.{kind}(",
            [
                quote(called),
                *(f"{name}={number(value)}" for name, value in numbers.items()),
                *(in_order if own.stan == "ordered" else []),
                f"dims={quote(pymc_dim(own.name))}",
            ],
            ")",
        )
        return lines + (self._of_shares(prior) if isinstance(prior, Dirichlet) else [])

    def _of_shares(self, prior: Dirichlet) -> list[str]:
        """Write what a prior of the categories' shares adds to thresholds' own distribution."""
        at, parts = self.at_mean, []
        if self.of.link.name not in LATENT:
            parts.append(f"({at} - pm.math.exp({at})).sum()")
        lines = []
        if prior.numbers[0] != 1:
            below = self._called.names.new("below")
            made = inverse(self.of.link, at)
            lines.append(f"{below} = pm.math.concatenate([[0.0], {made}, [1.0]])")
            shares = f"pm.math.log({below}[1:] - {below}[:-1])"
            parts.append(f"{number(prior.numbers[0] - 1)} * {shares}.sum()")
        if not parts:
            return []
        potential = quote(self._called.new(f"{at}_prior"))
        return [
            f"# Dirichlet({number(prior.numbers[0])}) on the categories' probabilities",
            *lines,
            *statement("pm.Potential(", [potential, " + ".join(parts)], ")"),
        ]

    def _shrunk(self, name: str, called: str, term: Term) -> list[str]:
        """Write the coefficients of a term whose sds are a prior's that others share."""
        sds = [sd_of(self._parts.model, label, PYMC) for label in term.column_names]
        arguments = [quote(tree_name(called)), "mu=0"]
        if not term.labels:
            return statement(f"{name} = pm.Normal(", [*arguments, f"sigma={sds[0]}"], ")")
        lines = statement(f"sd_{name} = pm.math.stack([", sds, "])")
        more = [f"sigma=sd_{name}", f"dims={quote(pymc_dim(term.variable))}"]
        return lines + statement(f"{name} = pm.Normal(", [*arguments, *more], ")")

    def sums(self, eta: str) -> list[str]:
        """Write the sum of its terms, and what it predicts of it."""
        parameter, link = self.of.parameter, self.of.link
        terms = [self.at_mean] if self.at_mean and self.of.thresholds is None else []
        terms += [f"{b} * {x}" for b, x in zip(self._slopes, self._columns, strict=True)]
        for g in self._parts.groups:
            for i, column in g.on(parameter):
                where = g.level.name if len(g.columns) == 1 else f"{i}, {g.level.name}"
                own = [column.name] if column else []
                terms.append(bent(f"u_{g.tail}[{where}]", [*own, *g.curves[i]], "*"))
        terms += [curve.pymc_term for curve in self._parts.curves if curve.parameter == parameter]
        if self.of.offset:
            terms.append(self.of.offset.name)
        terms = terms or ["0"]
        direct = link.name in ("identity", "softmax")
        head = parameter if direct else eta
        lines = total(head, [terms[0], *(f"+ {term}" for term in terms[1:])])
        return lines if direct else [*lines, f"{parameter} = {inverse(link, eta)}"]

    def _mean(self, column: str) -> str:
        weight = self._parts.weight
        return f"np.average({column}, weights={weight.name})" if weight else f"{column}.mean()"

    def _at_zero(self, name: str, term: Term, inside: Sequence[str]) -> list[str]:
        """Write a term's coefficients at the zeros of the columns at whose means they were."""
        elements = [
            [inside[column], *(f"- {number(m)} * {inside[i]}" for i, m in moves.items())]
            for column in term.columns
            for moves in [self.of.moves[column]]
        ]
        if not term.labels:
            lines = total(name, elements[0])
            return [*lines, f"pm.Deterministic({quote(tree_name(term.variable))}, {name})"]
        lines = statement(f"{name} = pm.math.stack([", [" ".join(e) for e in elements], "])")
        return lines + deterministic(term.variable, name, quote(pymc_dim(term.variable)))


def inverse(link: Link, eta: str) -> str:
    """Write an inverse link that is not the identity's."""
    return f"{number(link.origin)} + " * bool(link.origin) + _INVERSE[link.name].format(eta)
