"""`table`: a tidy table as one that can be printed."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from winstan.errors import DataError, OptionError, near_matches
from winstan.tables.columns import (
    LABELS,
    PROBABILITIES,
    effective_draws,
    intervals_of,
    with_names_as_columns,
)
from winstan.tables.rounding import (
    decimals_of,
    decimals_of_probability,
    error_of_mean,
    error_of_quantile,
    error_of_sd,
)

if TYPE_CHECKING:
    from great_tables import GT

    from winstan._typing import Array
    from winstan.tables.columns import Interval

FIXED = {"ess_bulk": 0, "ess_tail": 0, "r_hat": 3}
"""Decimals of what has always as many."""
type Decimals = dict[str, list[int | None]]
"""Of each number by column; None where its error is not known."""
DIGITS = 3
"""Significant digits of numbers whose error is not known."""
MOST = 6
"""Decimals beyond which a number has a power of ten."""


def table(
    data: Any,
    *,
    title: str | None = None,
    caption: str | None = None,
    labels: Mapping[str, str] | None = None,
    unit: str | None = None,
    file: str | os.PathLike[str] | None = None,
) -> GT:
    """Make a table for print of a tidy one: rounded, labelled, and with its estimand named.

    Numbers are rounded to their Monte Carlo standard errors: the last digit shown is worth at least
    one (`winstan.tables.rounding`). The effective draws are those of each row, or the fewest of any
    parameter of the fit. A table that does not know them has three significant digits, and its
    caption says nothing of rounding.

    Parameters
    ----------
    data
        A tidy table of winstan's (`Fit.contrast`, `Fit.effects`, `Fit.means`, `Fit.summary`, ...),
        or any pandas data frame. It is not changed.
    title
        What stands over it. By default nothing does.
    caption
        What stands below it. By default whose effect the rows are, the interval, and to what the
        numbers are rounded.
    labels
        New words for columns and for entries: ``{"mean": "difference", "1 - 0": "on - off"}``.
    unit
        Of the estimates, such as ``"Hz"``, for the caption.
    file
        Where it is saved too: ``"table.html"``, a page that Word opens as a document with the table
        in it, or ``"table.tex"``. One that exists is replaced.

    Returns
    -------
    great_tables.GT
        ``.as_raw_html()`` is the table as HTML, ``.as_latex()`` as LaTeX; its methods change it,
        and ``.gtsave("table.png")`` makes a picture of it.

    Raises
    ------
    OptionError
        If great-tables is not installed (``pip install 'winstan[tables]'``), a label names neither
        a column nor an entry, an option is no text, or a file is of another kind.
    DataError
        If there is no data frame, or one without rows or columns.

    Examples
    --------
    >>> import winstan as ws
    >>> trials = ws.simulate_lfp(seed=1)
    >>> fit = ws.fit("Power ~ stim + (1|mouse)", trials, family="gamma", seed=1, silence="all")
    >>> made = ws.table(fit.contrast("stim"), labels={"1 - 0": "on - off"}, unit="Hz")
    >>> "on - off" in made.as_raw_html()
    True
    """
    for name, value in {"title": title, "caption": caption, "unit": unit}.items():
        if value is not None and not isinstance(value, str):
            raise OptionError(f"{name} must be text, not {value!r}.")
    place = None if file is None else _place(file)
    make = _great_tables()
    rows = _checked(data)
    intervals, ess = intervals_of(rows), effective_draws(rows)
    decimals = _decimals(rows, intervals, ess)
    if caption is None:
        caption = _caption(rows, intervals, unit, rounded=ess is not None)
        rows = _without_constant(rows)
    shown = _without_more_digits(_relabelled(rows, labels), decimals)
    numbers = [name for name in rows if pd.api.types.is_numeric_dtype(rows[name].dtype)]
    out = _formatted(make(shown), shown, decimals).cols_align("right", numbers)
    out = out.cols_align("left", [name for name in rows if name not in numbers])
    out = out.sub_missing(missing_text="")
    for one in intervals:
        there = np.flatnonzero(rows[[one.lower, one.upper]].notna().all(axis=1)).tolist()
        out = out.cols_merge([one.lower, one.upper], rows=there, pattern="[{0}, {1}]")
    titles = {one.lower: one.title for one in intervals}
    named = {name: LABELS.get(name, name) for name in rows.columns} | titles | dict(labels or {})
    out = out.cols_label({name: str(named[name]) for name in rows.columns})
    if title is not None:
        out = out.tab_header(title=title)
    out = out.tab_source_note(caption) if caption else out
    if place is not None:
        is_page = place.suffix.lower() != ".tex"
        text = out.as_raw_html(make_page=True) if is_page else out.as_latex()
        place.write_text(text, encoding="utf-8")
    return out


def _place(file: Any) -> Path:
    """Return where a table is saved; refuse what it cannot be saved as."""
    if not isinstance(file, str | os.PathLike):
        raise OptionError(f"file must be the name of a file, such as 'table.html', not {file!r}.")
    place = Path(file).expanduser()
    page = str(place.with_suffix(".html"))
    match place.suffix.lower():
        case ".html" | ".htm" | ".tex":
            pass
        case ".docx" | ".doc" | ".odt" | ".rtf":
            raise OptionError(
                f"A table is not saved as {place.suffix}: file={page!r} is a page that Word opens, "
                "with the table in it to edit, and saves as a document."
            )
        case _:
            raise OptionError(
                f"file={str(file)!r} ends in neither .html, which Word opens too, nor .tex: write "
                f"{page!r}. Pictures are made by the table's own .gtsave('table.png')."
            )
    if not place.parent.is_dir():
        raise OptionError(f"There is no folder {str(place.parent)!r} to save the table in.")
    return place


def _great_tables() -> Any:
    """Import great-tables, or say what to install."""
    try:
        from great_tables import GT  # noqa: PLC0415 - an extra
    except ImportError:
        raise OptionError(
            "Tables for print need great-tables: pip install 'winstan[tables]'."
        ) from None
    return GT


def _checked(data: Any) -> pd.DataFrame:
    """Return the rows, names as columns; refuse what is no table of rows."""
    if not isinstance(data, pd.DataFrame):
        raise DataError(
            f"ws.table takes a tidy table, a pandas data frame, not {type(data).__name__}: "
            "fit.contrast('stim'), fit.effects(), fit.summary(), ..."
        )
    if {"draw", "value"} <= set(data.columns):
        raise DataError(
            f"These are {len(data):,} draws in long form. Leave draws=True out for their summary."
        )
    rows = with_names_as_columns(data)
    if rows.empty:
        raise DataError("The table has no rows.")
    if repeated := sorted({str(c) for c in rows.columns[rows.columns.duplicated()]}):
        raise DataError(f"The table has several columns {repeated[0]!r}. Rename them.")
    rows.columns = [str(name) for name in rows.columns]
    return rows


def _caption(
    rows: pd.DataFrame, intervals: list[Interval], unit: str | None, *, rounded: bool
) -> str:
    """Say whose effect it is, what the interval is, and to what numbers are rounded."""
    parts = []
    if words := rows.attrs.get("estimand"):
        parts.append(f"Means {words}" if "contrast" not in rows else f"Contrasts of means {words}")
    what = " and ".join(name for name in ("mean", "sd") if name in rows)
    if intervals:
        spans = " and ".join(one.words for one in intervals)
        what = f"posterior {what}, and {spans}" if what else spans
    if what:
        parts.append(f"{what}, in {unit}" if unit else what)
    if rounded:
        parts.append("rounded to the Monte Carlo error")
    said = "; ".join(parts)
    return f"{said[:1].upper()}{said[1:]}." if said else ""


def _without_constant(rows: pd.DataFrame) -> pd.DataFrame:
    """Leave out the column of whose effect it is, where the caption says it of all rows."""
    if "estimand" not in rows.attrs or "groups" not in rows:
        return rows
    return rows.drop(columns="groups") if len(set(rows["groups"])) == 1 else rows


def _relabelled(rows: pd.DataFrame, labels: Mapping[str, str] | None) -> pd.DataFrame:
    """Put new words in the place of entries; refuse those that are nowhere."""
    given = {} if labels is None else labels
    if not isinstance(given, Mapping):
        raise OptionError(
            f"labels must be a mapping, such as {{'mean': 'difference'}}, not {given!r}."
        )
    named = [name for name in rows if not pd.api.types.is_float_dtype(rows[name].dtype)]
    entries = {str(entry) for name in named for entry in rows[name].unique()}
    for old, new in given.items():
        if not isinstance(new, str):
            raise OptionError(f"labels[{old!r}] must be text, not {new!r}.")
        if old not in entries and old not in rows:
            raise OptionError(
                f"labels= has {old!r}, which is no column and no entry."
                + near_matches(str(old), [*rows.columns, *sorted(entries)])
            )
    out = rows.copy()
    for name in named:
        words = [str(entry) for entry in rows[name]]
        if given.keys() & set(words) or not pd.api.types.is_numeric_dtype(rows[name].dtype):
            out[name] = pd.Series(
                [given.get(word, word) for word in words], rows.index, dtype=object
            )
    return out


def _decimals(rows: pd.DataFrame, intervals: list[Interval], ess: Array | None) -> Decimals:
    """Return the decimals of each number by column; None where its error is not known."""
    out: Decimals = {}
    if ess is None or "sd" not in rows:
        return out
    sd = rows["sd"].to_numpy(dtype=float)
    mean = (
        rows["mcse_mean"].to_numpy(dtype=float) if "mcse_mean" in rows else error_of_mean(sd, ess)
    )
    errors = {"mean": mean, "sd": error_of_sd(sd, ess)}
    for one in intervals:
        errors |= dict.fromkeys((one.lower, one.upper), error_of_quantile(one.tail, sd, ess))
    for name, error in errors.items():
        if name in rows:
            out[name] = [decimals_of(float(e)) for e in error]
    for name in PROBABILITIES:
        if name in rows:
            pairs = zip(rows[name], ess, strict=True)
            out[name] = [decimals_of_probability(float(p), float(n)) for p, n in pairs]
    return out


def _without_more_digits(rows: pd.DataFrame, decimals: Decimals) -> pd.DataFrame:
    """Round what has its last digit before the point, and say of what sure events are beyond."""
    out = rows.copy()
    for name, each in decimals.items():
        values = rows[name].tolist()
        if name in PROBABILITIES:
            out[name] = pd.Series(
                [_inside(p, d) for p, d in zip(values, each, strict=True)], rows.index, dtype=object
            )
        else:
            out[name] = [
                round(x, d) if d is not None and d < 0 else x
                for x, d in zip(values, each, strict=True)
            ]
    return out


def _inside(p: float, decimals: int | None) -> float | str:
    """Return a probability, or the bound that it is beyond: no draws tell 0 from almost 0."""
    step = 10.0 ** -(decimals or 0)
    if decimals is None or step / 2 <= p < 1 - step / 2:
        return p
    return f"> {1 - step:.{decimals}f}" if p > 0.5 else f"< {step:.{decimals}f}"


def _formatted(out: Any, rows: pd.DataFrame, decimals: Decimals) -> Any:
    """Format every number, those of one column and as many decimals at once."""
    for name in rows.columns:
        numbers = [row for row, value in enumerate(rows[name]) if isinstance(value, float)]
        fixed = FIXED.get(name)
        each = decimals.get(name, [None] * len(rows)) if fixed is None else [fixed] * len(rows)
        for digits in dict.fromkeys(each[row] for row in numbers):
            at = [row for row in numbers if each[row] == digits]
            out = _with_digits(out, rows, name, at, digits)
    return out


def _with_digits(out: Any, rows: pd.DataFrame, name: str, at: list[int], digits: int | None) -> Any:
    """Format the numbers of a column at some rows, which have the same decimals."""
    if digits is None:
        digits = 2 if name == "mcse_mean" else DIGITS
        tiny = [row for row in at if 0 < abs(rows[name].iloc[row]) < 10.0**-DIGITS / 10]
        if tiny:
            out = out.fmt_scientific(name, rows=tiny, n_sigfig=digits)
        return out.fmt_number(name, rows=[row for row in at if row not in tiny], n_sigfig=digits)
    if digits <= MOST:
        return out.fmt_number(name, rows=at, decimals=max(0, digits))
    for row in at:
        size = abs(rows[name].iloc[row])
        own = max(0, int(np.floor(np.log10(size))) + digits) if size > 0 else 0
        out = out.fmt_scientific(name, rows=[row], decimals=own)
    return out
