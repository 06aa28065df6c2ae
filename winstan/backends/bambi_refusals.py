"""Models that bambi cannot express, refused by what it is that it cannot."""

from __future__ import annotations

from typing import TYPE_CHECKING

from winstan.backends.bambi_curves import check_curves
from winstan.backends.bambi_names import OWN, family_of, group_terms, has_categories
from winstan.backends.bambi_parts import centers, weights_of
from winstan.errors import BackendError
from winstan.priors import R2D2, Constant, Horseshoe

if TYPE_CHECKING:
    from winstan.formula import Formula
    from winstan.model import Model


_NO_LINKS = frozenset({"sqrt", "tan_half"})


def check_expressible(model: Model) -> None:
    """Refuse a model that bambi cannot express, or would express as another.

    Raises
    ------
    BackendError
    """
    family_of(model)
    _check_residual(model)
    _check_terms(model)
    _check_categories(model)
    _check_priors(model)
    _check_limits(model)
    _check_correlations(model)
    _check_weights(model)
    for column in model.design.predictors.columns:
        if str(column).startswith(OWN):
            raise BackendError(
                f"The names of the columns that bambi is given beside yours start with {OWN!r}: "
                f"rename {column!r}, or use backend='stan' or 'pymc'."
            )
    own = {"mu", "p", *model.family.auxiliary, *family_of(model).names.values()}
    own.update(family_of(model).complements.values())
    for term in model.design.terms:
        if term.name in own:
            raise BackendError(
                f"bambi has a parameter of its own called {term.name!r}: rename that column, or "
                "use backend='stan' or 'pymc'."
            )
    for link in model.likelihood.links:
        if link.name in _NO_LINKS:
            instead = " Or give link='identity'." if link.cut else ""
            raise BackendError(
                f"bambi has no {link.name} link; backend='stan' and 'pymc' have.{instead}"
            )


def _check_residual(model: Model) -> None:
    if (term := model.design.residual) is not None:
        raise BackendError(
            f"bambi has no residual correlation, as {term.spec.text}: use backend='stan' or 'pymc'."
        )


def _check_terms(model: Model) -> None:
    """Refuse terms that bambi has not, or has with another meaning."""
    for design in model.design.every:
        if empty := design.memory.common.empty:
            raise BackendError(
                f"bambi keeps the column of {next(iter(empty.values()))!r}, a combination that no "
                "row has: use backend='stan' or 'pymc', or make one column of the combinations."
            )
    check_curves(model)
    if columns := sorted(model.formula.monotonic_columns):
        raise BackendError(
            f"bambi has no monotonic effects, as mo({columns[0]}) is: use backend='stan' or "
            f"'pymc', or C({columns[0]}) for an effect of each level."
        )
    if (arms := model.stacked.with_arms) is not None:
        raise BackendError(
            f"bambi has one covariance for all groups of a term: gr({arms.factor}, by={arms.by}) "
            "needs backend='stan' or 'pymc'."
        )


def _check_categories(model: Model) -> None:
    """Refuse what bambi has of all categories, or thresholds, alike."""
    elsewhere = "use backend='stan' or 'pymc'"
    if (grouped := model.design.grouped) is not None:
        raise BackendError(
            f"bambi takes row by row, and {grouped.engine} has grouped {grouped.n:,} rows: "
            f"{elsewhere}."
        )
    if any(design.anchored for design in model.design.every):
        raise BackendError(
            "bambi has one linear predictor for all thresholds, and cs() gives each its own: "
            f"{elsewhere}."
        )
    if has_categories(model):
        first, *others = model.formula.every
        for formula in others:
            if _right_of(formula) != _right_of(first):
                raise BackendError(
                    f"bambi has one formula for all categories, and {formula.response!r} has its "
                    f"own: {elsewhere}."
                )
        _check_shapes(model, elsewhere)


def _check_shapes(model: Model, elsewhere: str) -> None:
    """Refuse what bambi multiplies or adds in other shapes than categories have."""
    if model.formula.offset:
        raise BackendError(
            "bambi has no offset of categories: it would add one of rows to a column for each "
            f"category. {elsewhere[0].upper()}{elsewhere[1:]}."
        )
    for group in group_terms(model):
        for effect in group.effects:
            if len(effect.labels) > 1:
                raise BackendError(
                    f"bambi has no group effects of categories of several columns, as "
                    f"({effect.name}|{group.factor}): it would multiply them by another's. "
                    f"{elsewhere[0].upper()}{elsewhere[1:]}, or make a column of each."
                )


def _right_of(formula: Formula) -> tuple[object, ...]:
    return formula.common, formula.offset, formula.groups


def _check_priors(model: Model) -> None:
    for name, prior in model.priors.table.items():
        if isinstance(prior, Horseshoe | R2D2):
            raise BackendError(
                f"bambi has no prior that coefficients share, as {prior} of {name!r}: use "
                "backend='stan' or 'pymc'."
            )
        if isinstance(prior, Constant):
            raise BackendError(
                f"bambi estimates every coefficient: {name!r} as {prior} needs backend='stan' or "
                "'pymc', or an offset() in place of its term."
            )


def _check_limits(model: Model) -> None:
    """Refuse limits that bambi has not: of an interval it takes the lower end, as measured."""
    limits = model.design.response.limits
    if limits is None:
        return
    what = {
        "known standard errors": limits.error is not None,
        "intervals": limits.upper is not None,
        "responses that are both censored and truncated": limits.censored and limits.truncated,
        "limits of counts as brms does": model.family.whole,
        "limits of rows with fractional weights": weights_of(model) is not None,
    }
    for words, is_there in what.items():
        if is_there:
            raise BackendError(
                f"bambi cannot express {words}, as {model.formula.response!r} has them: use "
                "backend='stan' or 'pymc'."
            )


def _check_correlations(model: Model) -> None:
    stacked = model.stacked
    for group, blocks in zip(stacked.groups, stacked.group_block, strict=True):
        if not group.has_correlations:
            continue
        parameters = [repr(name) for b, name in enumerate(stacked.parameters) if b in blocks]
        if len(parameters) > 1:
            raise BackendError(
                f"bambi cannot express effects of {group.factor!r} on {' and '.join(parameters)} "
                f"that are correlated, as |{group.label}| has them: use backend='stan' or 'pymc', "
                f"or leave the label out for uncorrelated ones, (... || {group.factor})."
            )
        raise BackendError(
            f"bambi cannot express the correlated effects of {group.factor!r}: use "
            f"backend='stan' or 'pymc', or (... || {group.factor}) for uncorrelated ones."
        )


def _check_weights(model: Model) -> None:
    if model.design.weights is None:
        return
    elsewhere = "use backend='stan' or 'pymc'"
    if not model.formula.elementwise:
        raise BackendError(
            "bambi would see rows repeated by their weights, and functions of whole columns "
            f"(scale, center, poly) give other values on those: {elsewhere}."
        )
    if weights_of(model) is None:
        return
    if not family_of(model).weighted:
        raise BackendError(
            f"bambi cannot weight rows of {model.family.name} responses by fractions: {elsewhere}."
        )
    if any(atom.grouping for formula in model.formula.every for atom in formula.atoms):
        raise BackendError(
            "bambi takes means of groups without weights, which fractions of rows move: "
            f"{elsewhere}."
        )
    if centers(model):
        raise BackendError(
            "bambi centres predictors at a mean without weights, which fractions of rows move: "
            f"{elsewhere}, or center=False."
        )
