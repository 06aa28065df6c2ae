"""A short PyMC program for one model, row by row and in the user's names, to read and to publish.

What winstan samples with PyMC works on cells and in standardised coordinates; this is for readers.
It states the same posterior, and a test holds its density to scipy's. Writing it needs no PyMC.
"""

from __future__ import annotations

import builtins
import keyword
from typing import TYPE_CHECKING, Any

from winstan.backends.program_comments import comments_of
from winstan.backends.program_correlation import NAMES as CORRELATED_NAMES
from winstan.backends.program_correlation import CorrelatedRows
from winstan.backends.program_names import (
    Names,
    format_effect,
    number,
    pymc_dim,
    quote,
    speakable,
    written_distribution,
)
from winstan.backends.program_parts import Parts
from winstan.backends.program_shrinkage import pymc_numbers
from winstan.backends.pymc_limits import check_limits, limited, with_ends
from winstan.backends.pymc_linear import Linear
from winstan.backends.pymc_statements import (
    Called,
    deterministic,
    normal,
    prior_of,
    statement,
)
from winstan.design.dims import level_dim
from winstan.errors import BackendError

if TYPE_CHECKING:
    from winstan.backends.program_pieces import Group
    from winstan.model import Model

# Names that the program gives itself, or uses.
_OWN = """
    np pm data model coords eta mu within density likelihood Intercept Intercept_c hs_global hs_slab
    hs_local R2D2_R2 R2D2_phi
"""


class _Program:
    """The names that the blocks of a program share, and the blocks."""

    def __init__(self, model: Model) -> None:
        self.model = model
        taken = [*keyword.kwlist, *keyword.softkwlist, *dir(builtins), *_OWN.split()]
        taken += written_distribution(model, "pymc").names
        taken += [*model.family.auxiliary, *(f"{name}_c" for name in model.family.auxiliary)]
        for design in model.design.beside.values():
            name = design.intercept_name
            taken += [name, f"{name}_c", f"eta_{design.parameter}"]
        if model.structure is not None:
            taken += [*CORRELATED_NAMES.split(), "pt", "units", "roots", "lags", "phi", "left"]
            taken += ["densities", "mean", model.structure.name, "L_unstr"]
        self.names = Names(taken)
        self.parts = Parts(model, self.names)
        self.correlated = None
        if model.structure is not None:
            self.correlated = CorrelatedRows(model, self.names)
        self.coords = {
            speakable(dim): list(labels)
            for variable in model.variables
            for dim, labels in variable.coords.items()
        }
        reported = [variable.name for variable in model.variables]
        self.called = Called(self.names, [*reported, *self.coords])
        self.effect_dims = {
            group.tail: self.called.new(f"{group.tail}_effects")
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
        centred: dict[str, str] = {}
        self.linear = [
            Linear(predictor, self.parts, self.called, centred)
            for predictor in self.parts.predictors
        ]

    def data(self) -> dict[str, Any]:
        """Return the columns and coords that the program reads."""
        data: dict[str, Any] = {self.keys[c.name]: c.values for c in self.parts.columns}
        data |= self.correlated.pymc_data() if self.correlated else {}
        return data | {"coords": self.coords} if self.coords else data

    def text(self) -> str:
        """Write the program."""
        mean, *beside = self.linear
        blocks = [
            self._mean(mean),
            *(linear.coefficients() for linear in beside),
            self._thresholds(),
            [line for simplex in self.parts.simplexes for line in simplex.pymc_lines()],
            self.correlated.pymc_correlation() if self.correlated else [],
            *(self._effects(group) for group in self.parts.groups),
            *(curve.pymc_lines(self.called) for curve in self.parts.curves),
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
        imports.append("import pymc as pm")
        imports += ["import pytensor.tensor as pt"] if any("pt." in line for line in lines) else []
        comments = comments_of(
            self.parts,
            self.linear,
            program="; PyMC 6",
            levels="Levels count from 0, in the order of coords.",
            centred="Levels' own priors (_c) are at the mean of the other predictors.",
        )
        lines = [*(f"# {line}" for line in comments), "", *imports, "", *lines]
        return "\n".join(lines) + "\n"

    def _mean(self, mean: Linear) -> list[str]:
        """Write the mean's coefficients and the numbers, those first that sds are made of."""
        if self.model.shrinkage is None:
            return [*mean.coefficients(), *self._numbers()]
        return [*self._numbers(), *pymc_numbers(self.model), *mean.coefficients()]

    def _thresholds(self) -> list[str]:
        """Write thresholds at zero of all predictors, by the coefficients of all."""
        mean, *beside = self.linear
        return mean.thresholds_at_zero([x for x in beside if not x.of.has_constant])

    def _head(self) -> list[str]:
        """Take the columns, and centre predictors."""
        lines = [f"{c.name} = data[{quote(self.keys[c.name])}]" for c in self.parts.columns]
        lines += self.correlated.pymc_head() if self.correlated else []
        if self.coords:
            lines.append('coords = data["coords"]')
        if centred := [line for linear in self.linear for line in linear.columns()]:
            lines += ["", *centred]
        return [*lines, ""]

    def _numbers(self) -> list[str]:
        """Write the family's own parameters that have no formula."""
        lines = []
        for p in self.model.likelihood.reported:
            prior = [self.model.priors[p.name]]
            if p.bound is None:
                lines += prior_of(p.name, p.name, prior, domain=p.domain)
                continue
            share, called = self.names.new(f"{p.name}_share"), self.called.new(f"{p.name}_share")
            lines += prior_of(share, called, prior, domain=p.domain)
            bound = f"{share} * {self.parts.response.name}.min()"
            lines.append(f"{p.name} = pm.Deterministic({quote(p.name)}, {bound})")
        return lines

    def _effects(self, g: Group) -> list[str]:
        """Write a group term: standard deviations, correlations, z-scores and effects."""
        tail, levels = g.tail, speakable(level_dim(g.term.factor))
        lines, elements = [], []
        one = len(g.columns) == 1
        for effect in g.term.effects:
            name = f"sd_{tail}"
            if len(g.term.effects) > 1:
                name = self.names.new(f"sd_{tail}_{format_effect(effect)}")
            own_dims = tuple(map(speakable, g.term.dims(effect)))
            priors = [g.sd_priors[column] for column in effect.columns]
            lines += self.called.variable(
                name,
                g.term.sd_name(effect),
                priors,
                effect.labels,
                own_dims,
                domain="positive",
            )
            elements += [f"{name}[{i}]" for i in range(len(effect.labels))] or [name]
        if len(g.term.effects) > 1:
            lines += statement(f"sd_{tail} = pm.math.stack([", elements, "])")

        if one:
            lines += normal(f"z_{tail}", self.called.new(f"z_{tail}"), quote(levels))
            if self.correlated is not None and g.term.latent:
                lines += self.correlated.pymc_effects(elements[0], f"z_{tail}", f"u_{tail}")
            else:
                lines.append(f"u_{tail} = {elements[0]} * z_{tail}")
        else:
            dims = f"({quote(self.effect_dims[tail])}, {quote(levels)})"
            lines += normal(f"z_{tail}", self.called.new(f"z_{tail}"), dims)
            product = f"z_{tail}"
            if g.lkj is not None:
                arguments = [quote(self.called.new(f"L_{tail}")), f"n={len(g.columns)}"]
                lines.append("# LKJCorr is the Cholesky factor of the correlation matrix.")
                lines += statement(
                    f"L_{tail} = pm.LKJCorr(", [*arguments, f"eta={number(g.lkj)}"], ")"
                )
                product = f"(L_{tail} @ z_{tail})"
            lines.append(f"u_{tail} = sd_{tail}[:, None] * {product}")
        for effect in g.term.effects:
            first, last = effect.columns[0], effect.columns[-1]
            part, dims = f"u_{tail}" + ("" if one else f"[{first}]"), quote(levels)
            if effect.labels:
                (own,) = g.term.dims(effect)
                part = f"u_{tail}" + ("[None, :]" if one else f"[{first}:{last + 1}]")
                dims = f"({quote(speakable(own))}, {quote(levels)})"
            lines += deterministic(g.term.effect_name(effect), part, dims)
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
            lines += deterministic(name, made, quote(pymc_dim(name)))
        return lines

    def _likelihood(self) -> list[str]:
        """Write the linear predictors, and the response's distribution given them."""
        written, link = written_distribution(self.model, "pymc"), self.model.link.name
        mean, *beside = self.linear
        lines = mean.sums("eta")
        p = "p=mu"
        if link == "logit" and "{p}" in written.arguments:  # PyMC takes the log odds themselves
            lines, p = lines[:-1], "logit_p=eta"
        for linear in beside:
            lines += linear.sums(f"eta_{linear.of.parameter}")
        trials = self.parts.trials.name if self.parts.trials else ""
        name, arguments = written.by_link.get(link, (written.name, written.arguments))
        if link in written.by_link:  # PyMC takes the linear predictor itself
            lines = [line for line in lines if not line.startswith("mu = ")]
            before = written.before.get(link, ())
            if mean.of.center and mean.of.thresholds is not None:
                arguments = arguments.replace("threshold", mean.at_mean)
                before = tuple(line.replace("threshold", mean.at_mean) for line in before)
            if before and lines[0] == "eta = 0":  # of each row, where no term is
                lines[0] = f"eta = np.zeros(len({self.parts.response.name}))"
            lines += before
        said = arguments.format(p=p, trials=trials)
        y, weight = self.parts.response, self.parts.weight
        if self.correlated is not None and not self.correlated.latent:
            return [
                *lines,
                *self.correlated.pymc_likelihood(
                    y.name,
                    quote(self.called.new(y.text)),
                    log=self.model.family.log_response,
                    by_row=self.model.family.noise in [x.of.parameter for x in beside],
                ),
            ]
        if written.one:
            potential = quote(self.called.new("likelihood"))
            return [*lines, *with_ends(self.parts, written, said, potential)]
        if self.parts.limits:
            more, name, said = limited(self.parts, self.names, name, said)
            lines += more
        of = written.of.format(y=y.name)
        if weight is None and of == y.name:
            called = quote(self.called.new(y.text))
            return [*lines, f"pm.{name}({called}, {said}, observed={y.name})"]
        called = quote(self.called.new("likelihood"))
        total = "likelihood" if weight is None else f"({weight.name} * likelihood)"
        return [
            *lines,
            f"likelihood = pm.logp(pm.{name}.dist({said}), {of})",
            f"pm.Potential({called}, {total}.sum())",
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

    Raises
    ------
    BackendError
        Of ``gr(g, by=arm)``: a variable of all its levels would need to be put together; and of
        intervals, responses that are both censored and truncated, and weights of censored
        rows.

    Examples
    --------
    >>> program, data = pymc_program(model)  # doctest: +SKIP
    >>> space = {"data": data}  # doctest: +SKIP
    >>> exec(program, space)  # doctest: +SKIP
    >>> space["model"]  # doctest: +SKIP
    """
    if (arms := model.stacked.with_arms) is not None:
        raise BackendError(
            f"code('pymc') does not write gr({arms.factor}, by={arms.by}): fit.code('stan') does, "
            "and fit.pymc_model has it."
        )
    check_limits(model)
    program = _Program(model)
    return program.text(), program.data()
