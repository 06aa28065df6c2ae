"""What is other than in a fit that was made before, and a fit made again with something changed."""

from __future__ import annotations

from dataclasses import fields, replace
from time import perf_counter
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from winstan._version import __version__
from winstan.backends import Settings, backends_named
from winstan.data.columns import how_many
from winstan.errors import DataError, OptionError, near_matches
from winstan.families import FAMILIES, family_named
from winstan.families.definition import definition_changes
from winstan.fitted.pipeline import fit_by, model_from, warn_of_verdict
from winstan.formula import parse_formula, updated

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from winstan.families import Family
    from winstan.fitted.fitted_model import FittedModel
    from winstan.inputs import Inputs

# Of the settings, those that change the draws; the seed does too, where one is given.
_SAMPLING = ("chains", "draws", "warmup", "target_accept", "sampler")
_OPTIONS = ("weights", "trials", "link", "priors", "center", "parametrization")


def changes(fit: FittedModel, inputs: Inputs, settings: Settings, backend: str) -> tuple[str, ...]:
    """Name what of a fit is other than is asked for; empty if it is the fit that is asked for.

    Only the columns in use count. The seed counts if `settings` are with that of the fit, or are
    not: whoever asks without one passes the fit's.
    """
    before = fit.model.inputs
    if before is None or fit.settings is None:
        return ("the fit, which says nothing of its data",)
    return (
        *_of_question(fit, before, inputs),
        *_of_sampling(fit, fit.settings, settings, backend),
        *_of_data(before, inputs),
    )


def family_changes(kept: Mapping[str, Any], now: Inputs) -> tuple[str, ...]:
    """Name what of a kept fit's family is other than in the one that is asked for.

    Parameters
    ----------
    kept
        What the file says of the inputs.
    now

    Returns
    -------
    tuple of str
        Empty too if it is a family of another name that is known: `changes` says that.
    """
    name, family = kept["family"], now.family
    if name != family.name:
        return () if name in FAMILIES else (f"the family ({name}, now {family.name})",)
    found = definition_changes(name, kept["definition"], now.definition)
    return (f"the family {name!r} ({', '.join(found)})",) if found else ()


def _of_question(fit: FittedModel, before: Inputs, now: Inputs) -> list[str]:
    """Name what differs between the models that are asked for."""
    found = []
    if (version := fit.draws["posterior"].attrs.get("creation_library_version")) != __version__:
        found.append(f"the version of winstan ({version}, now {__version__})")
    if (before.formula, before.formulas) != (now.formula, now.formulas):
        found.append("the formula")
    one, other = before.family, now.family
    if (one.name, one.reference) != (other.name, other.reference):
        found.append(f"the family ({one.name}, now {other.name})")
    if not _same(dict(before.namespace), dict(now.namespace)):
        found.append("values that the formula uses")
    found += [name for name in _OPTIONS if not _same(getattr(before, name), getattr(now, name))]
    return found


def _of_sampling(fit: FittedModel, before: Settings, now: Settings, backend: str) -> list[str]:
    """Name what differs in how draws are made."""
    names = (*_SAMPLING, "seed")
    found = [name for name in names if getattr(before, name) != getattr(now, name)]
    return found if fit.backend == backend else [f"backend ({fit.backend}, now {backend})", *found]


def _of_data(before: Inputs, now: Inputs) -> list[str]:
    """Name what differs between the columns in use."""
    one, other = before.frame, now.frame
    if len(one.kept) != len(other.kept):
        return [f"the data ({how_many(len(one.kept), 'row')}, now {len(other.kept):,})"]
    names = dict.fromkeys([*one.data.columns, *other.data.columns])
    found = [
        f"the column {name!r}" for name in names if not _same_column(name, one.data, other.data)
    ]
    if not _same(one.weights, other.weights) and before.weights == now.weights:
        found.append(f"the column {now.weights!r}")
    if not _same(one.trials, other.trials) and before.trials == now.trials:
        found.append(f"the column {now.trials!r}")
    if one.ordered != other.ordered or one.categories != other.categories:
        found.append("the order of levels")
    if not found and not np.array_equal(one.kept, other.kept):
        found.append("which rows of the data are complete")
    return found


def _same_column(name: Any, one: pd.DataFrame, other: pd.DataFrame) -> bool:
    return name in one and name in other and one[name].equals(other[name])


def _same(one: Any, other: Any) -> bool:
    """Whether two values are equal, arrays and tables among them."""
    if isinstance(one, np.ndarray) or isinstance(other, np.ndarray):
        return type(one) is type(other) and np.array_equal(one, other)
    if isinstance(one, pd.DataFrame | pd.Series) or isinstance(other, pd.DataFrame | pd.Series):
        return type(one) is type(other) and bool(one.equals(other))
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(_same(one[k], other[k]) for k in one)
    return bool(one == other)


def update[F: FittedModel](
    fit: F,
    formula: str | Sequence[str] | None = None,
    data: Any = None,
    family: str | Family | None = None,
    *,
    namespace: Mapping[str, Any],
    backend: str | None = None,
    silence: str | Iterable[str] | None = None,
    **options: Any,
) -> F:
    """Fit again with what is given, and all else as it was; see `Fit.update`."""
    start = perf_counter()
    before = fit.model.inputs
    if before is None:
        raise OptionError("This fit was not made by ws.fit: what it was made of is not known.")
    sampling = {f.name for f in fields(Settings)}
    known = {*sampling, *_OPTIONS}
    new_family = before.family if family is None else family_named(family)
    parameters = {parameter.name for parameter in new_family.parameters}
    for name in options:
        if name not in known | parameters:
            raise OptionError(
                f"fit.update has no option {name!r}." + near_matches(name, known | parameters)
            )
    by_name = {name: options[name] for name in options if name in parameters}
    new_formula, formulas = before.formula, dict(before.formulas) | by_name
    if formula is not None:
        new_formula, formulas = updated(formula, by_name, before.formula, before.formulas), {}
    model_options = {name: getattr(before, name) for name in _OPTIONS}
    if family is not None:
        model_options["link"] = None  # the family's own
    model_options |= {name: options[name] for name in options if name in _OPTIONS}
    names = {**before.namespace, **namespace}
    rows = None
    if data is None:
        data, rows = before.data(), before.frame.kept
        _check_kept(data, new_formula, formulas, new_family, names)
    used = backend or fit.backend
    settings = fit.settings or Settings()
    if used != fit.backend:
        settings = replace(settings, sampler=None)
    settings = replace(settings, **{n: options[n] for n in options if n in sampling})
    (one,) = backends_named(used, sampler=settings.sampler)
    model = model_from(
        new_formula,
        data,
        new_family,
        names,
        formulas=formulas,
        rows=rows,
        categories=before.frame.categories if rows is not None else None,
        silence=silence,
        **model_options,
    )
    found = fit_by(type(fit), one, model, settings, start)
    warn_of_verdict(found)
    return found


def _check_kept(
    data: pd.DataFrame,
    formula: str | Sequence[str],
    formulas: Mapping[str, str],
    family: Family,
    namespace: Mapping[str, Any],
) -> None:
    """Refuse formulas of columns that the fit has not kept."""
    parsed = parse_formula(formula, namespace, formulas, for_all=family.of_labels is not None)
    for name in parsed.columns:
        if name not in data and name not in parsed.ambient:
            kept = ", ".join(map(repr, data.columns))
            raise DataError(
                f"A fit keeps the columns that it uses, {kept}, and {name!r} is none of them: "
                "give the data, fit.update(..., data=data)."
            )
