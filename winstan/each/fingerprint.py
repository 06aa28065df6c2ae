"""What fits of groups were asked for with, as digests: enough to tell what has changed since."""

from __future__ import annotations

import json
from hashlib import sha256
from typing import TYPE_CHECKING, Any

import narwhals as nw
import numpy as np
import pandas as pd

from winstan._version import __version__
from winstan.data.categories import declared_levels
from winstan.data.tables import missing_mask, take_columns
from winstan.errors import OptionError
from winstan.families.definition import definition_of
from winstan.keeping.codec import NotDataError, encode

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from winstan.each.groups import Parts
    from winstan.each.task import Question

SEED = "the seed"
# Of the settings, those that change the draws.
_SAMPLING = ("chains", "warmup", "draws", "target_accept", "sampler")
_MODEL = ("link", "priors", "center", "weights", "trials", "parametrization")


def fingerprint_of(
    question: Question, parts: Parts, columns: Iterable[str], seed: int, **asked: Any
) -> dict[str, str]:
    """Return a digest of all that the fits of groups depend on, by what it is called.

    Parameters
    ----------
    question
    parts
    columns
        In use, beside those of ``by=``.
    seed
        Of all.
    **asked
        Options as they were given: contrasts, groups.

    Raises
    ------
    OptionError
        If one is not data, such as a function of the caller's own, or the data are not in memory.
    """
    if isinstance(parts.table, nw.LazyFrame):
        raise OptionError(
            "file= compares every value of the data with those that were fitted, and these are "
            "read group by group: leave it out, and keep the result by .save(path)."
        )
    family = question.family
    options = asked | {"prob": question.prob, "interval": question.interval}
    options |= {name: question.sampling[name] for name in _SAMPLING}
    options |= {name: question.model[name] for name in _MODEL}
    named = {
        "the version of winstan": __version__,
        "the formula": (question.formula, dict(question.namespace)),
        "the family": (family.name, family.reference, dict(definition_of(family))),
        "the backend": question.backend,
        "by=": parts.by,
        "keep=": question.keep_fits,
        SEED: seed,
        **{f"{name}=": value for name, value in options.items()},
    }
    out = {name: _digest(name, value) for name, value in named.items()}
    table = take_columns(parts.table, list(dict.fromkeys((*parts.by, *columns))))
    return out | {f"the column {name!r}": _of_column(table[name]) for name in table.columns}


def differences(one: Mapping[str, str], other: Mapping[str, str]) -> list[str]:
    """Name what is not the same."""
    return [name for name in dict(one) | dict(other) if one.get(name) != other.get(name)]


def _digest(name: str, value: Any) -> str:
    arrays: list[np.ndarray] = []
    try:
        text = json.dumps(encode(value, arrays))
    except NotDataError as error:
        raise OptionError(
            f"file= keeps what is data, and {name.removesuffix('=')} uses code of your own "
            f"({error}). Make what it gives a column of the data, or leave file= out."
        ) from None
    found = sha256(text.encode())
    for array in arrays:
        found.update(array.tobytes())
    return found.hexdigest()


def _of_column(column: nw.Series[Any]) -> str:
    """Return a digest of a column's values in their order, and of the order of declared levels.

    It is the same whatever the library of the data frame.
    """
    found = sha256()
    if column.dtype.is_numeric() or column.dtype == nw.Boolean:
        found.update(column.cast(nw.Float64).to_numpy().tobytes())
    else:
        texts = pd.Series([repr(value) for value in column.to_list()], dtype=object)
        texts[missing_mask(column)] = ""
        found.update(pd.util.hash_pandas_object(texts, index=False).to_numpy().tobytes())
    if isinstance(column.dtype, nw.Enum | nw.Categorical):
        found.update(repr(list(declared_levels(column)[0])).encode())
    return found.hexdigest()
