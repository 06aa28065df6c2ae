"""Tables for the command line: the frame that `winstan.fit` would be given of the same file."""

from __future__ import annotations

import csv
import re
import sys
from numbers import Number
from typing import TYPE_CHECKING, Any
from zipfile import BadZipFile

from winstan.cli.words import one_line
from winstan.errors import DataError, OptionError

if TYPE_CHECKING:
    from collections.abc import Callable, Container, Iterable, Sequence
    from pathlib import Path

    import pandas as pd

# Words that programs write for a missing number.
_MISSING = frozenset(
    ("NA", "N/A", "n/a", "na", "NaN", "nan", "-NaN", "-nan", "<NA>", "#N/A", "#NA", "NULL", "null")
) | frozenset(("None", "none", "NONE", "1.#IND", "-1.#IND", "1.#QNAN", "-1.#QNAN"))
# Of these, what no condition is called: as labels of text they deserve a word.
_SUSPECT = _MISSING - {"None", "none", "NONE"}
_TRUTH = {"True": True, "TRUE": True, "true": True, "False": False, "FALSE": False, "false": False}
_SEPARATORS = (",", ";", "\t")
_SHOWN = {",": "','", ";": "';'", "\t": "tab"}
_DECIMAL_COMMA = re.compile(r"\s*[+-]?\d*,\d+([eE][+-]?\d+)?\s*|\s*[+-]?\d+\s*")


def read_table(
    path: Path,
    *,
    sep: str | None = None,
    decimal: str | None = None,
    missing: Sequence[str] = (),
    used: Container[str] | None = None,
) -> pd.DataFrame:
    """Read a csv, tsv, parquet or xlsx file.

    Empty fields are missing, and so are words such as ``NA`` among numbers; in columns of text they
    are labels, as they are for `winstan.fit`.

    Parameters
    ----------
    path
    sep
        What separates columns of a csv or tsv file: a character, or ``"tab"``. None finds out
        whether it is a comma, a semicolon or a tab.
    decimal
        The decimal mark of a csv or tsv file, ``"."`` or ``","``. None is a comma where columns are
        separated by semicolons or tabs and numbers have one.
    missing
        Words that are missing values in every column.
    used
        The columns that count, of which something is said; None is all.

    Raises
    ------
    DataError
        If it does not exist, is of another kind, or cannot be read.
    OptionError
        If an option has no such value, or does not go with the kind of file.

    Warns
    -----
    DesignWarning
        ``missing_words``, of words that are read as missing, or may have been meant so.
    """
    kind = path.suffix.lower()
    readers: dict[str, Callable[..., tuple[pd.DataFrame, str]]] = {
        ".csv": _read_csv,
        ".tsv": _read_csv,
        ".parquet": _read_parquet,
        ".pq": _read_parquet,
        ".xlsx": _read_excel,
    }
    if kind not in readers:
        raise DataError(f"{path}: a .csv, .tsv, .parquet or .xlsx file is wanted.")
    sep, decimal = _checked(path, kind, sep, decimal)
    if not path.is_file():
        raise DataError(f"{path}: there is no such file.")
    try:
        data, mark = readers[kind](path, missing, sep, decimal)
    except UnicodeDecodeError as error:
        raise DataError(
            f"{path}: its text is not UTF-8. Save it so (in a spreadsheet, as CSV UTF-8), or "
            "convert it: iconv -f latin1 -t utf-8."
        ) from error
    except (OSError, ValueError, BadZipFile, KeyError) as error:
        raise DataError(f"{path}: cannot be read ({one_line(error)}).") from error
    if kind in (".parquet", ".pq"):
        return data
    return _with_words(data, mark, used)


def _checked(
    path: Path, kind: str, sep: str | None, decimal: str | None
) -> tuple[str | None, str | None]:
    """Check the options of csv files, and return them."""
    for name, value in (("--sep", sep), ("--decimal", decimal)):
        if value is not None and kind not in (".csv", ".tsv"):
            raise OptionError(f"{name} {value}: {path} is no csv or tsv file. Leave it out.")
    sep = {"tab": "\t", r"\t": "\t"}.get(sep or "", sep)
    if sep is not None and (len(sep) != 1 or sep in '"\n\r'):
        raise OptionError(f"--sep {sep}: one character separates columns, such as ';', or 'tab'.")
    if decimal not in (None, ".", ","):
        raise OptionError(f"--decimal {decimal}: the decimal mark is '.' or ','.")
    if decimal == "," and sep == ",":
        raise OptionError("--decimal , with --sep ,: commas cannot be both. Which are they?")
    return sep, decimal


def _read_csv(
    path: Path, missing: Sequence[str], sep: str | None, decimal: str | None
) -> tuple[pd.DataFrame, str]:
    """Return the table, and its decimal mark."""
    import pandas as pd  # noqa: PLC0415

    def read(mark: str) -> pd.DataFrame:
        return pd.read_csv(
            path,
            sep=sep,
            decimal=mark,
            keep_default_na=False,
            na_values=["", *missing],
            low_memory=False,  # in pieces, a column might come in several types
        )

    if sep is None:
        sep = "\t" if path.suffix.lower() == ".tsv" else _separator(path)
        if path.suffix.lower() == ".csv" and sep != ",":
            _tell(path, f"columns are separated by {_SHOWN[sep]}")
    data = read(decimal or ".")
    if decimal is not None:
        return data, decimal
    commas = _decimal_commas(data)
    if commas and sep != "," and not any(dtype.kind == "f" for dtype in data.dtypes):
        _tell(path, f"numbers have decimal commas, as in {commas[0]!r}")
        return read(","), ","
    if commas:
        _tell(path, f"--decimal , reads the decimal commas of {', '.join(map(repr, commas))}")
    return data, "."


def _read_parquet(path: Path, *_: Any) -> tuple[pd.DataFrame, str]:
    import pandas as pd  # noqa: PLC0415

    try:
        return pd.read_parquet(path), "."
    except ImportError as error:
        raise DataError(
            f"{path}: parquet needs pyarrow; pip install 'winstan[parquet]'."
        ) from error


def _read_excel(path: Path, missing: Sequence[str], *_: Any) -> tuple[pd.DataFrame, str]:
    import pandas as pd  # noqa: PLC0415

    try:
        with pd.ExcelFile(path, engine="openpyxl") as book:
            first, *others = map(str, book.sheet_names)
            if others:
                _tell(path, f"the first sheet is read, {first!r}, not {', '.join(others)}")
            return pd.read_excel(book, keep_default_na=False, na_values=["", *missing]), "."
    except ImportError as error:
        raise DataError(
            f"{path}: xlsx needs openpyxl; pip install 'winstan[excel]', or save the sheet as .csv."
        ) from error


def _separator(path: Path) -> str:
    """Find the separator of a csv file, from its header and its first row."""
    with path.open(encoding="utf-8-sig", errors="replace", newline="") as file:
        lines = [line for _, line in zip(range(20), file, strict=False) if line.strip()]
    counts = {
        sep: [len(next(csv.reader([line], delimiter=sep))) - 1 for line in lines[:2]]
        for sep in _SEPARATORS
    }
    fits = [sep for sep, n in counts.items() if n and n[0] and n[0] == n[-1]]
    return max(fits, key=lambda sep: counts[sep][0], default=",")


def _columns_with_text(data: pd.DataFrame) -> Iterable[tuple[str, list[str], list[Any]]]:
    """Give the columns that have text, with their distinct texts and other values."""
    for name in data.columns:
        if data[name].dtype.kind not in "biufM":
            values = data[name].dropna().unique().tolist()
            texts = [value for value in values if isinstance(value, str)]
            if texts:
                yield name, texts, [value for value in values if not isinstance(value, str)]


def _decimal_commas(data: pd.DataFrame) -> list[str]:
    """Return the columns whose values are numbers with decimal commas."""
    found = []
    for name, texts, others in _columns_with_text(data):
        values = [text for text in texts if text.strip() not in _MISSING]
        commas = any("," in value for value in values)
        if commas and not others and all(map(_DECIMAL_COMMA.fullmatch, values)):
            found.append(str(name))
    return found


def _with_words(data: pd.DataFrame, decimal: str, used: Container[str] | None) -> pd.DataFrame:
    """Read words for missing values as such among numbers; elsewhere they are labels."""
    for name, texts, others in list(_columns_with_text(data)):
        words = [text for text in texts if text.strip() in _MISSING]
        if not words:
            continue
        column = data[name]
        values = _values_of([text for text in texts if text not in words], others, decimal)
        if values is not None:
            data[name] = column.map(values).astype(
                "boolean" if all(isinstance(value, bool) for value in values.values()) else float
            )
        if used is not None and name not in used:
            continue
        if values is not None:
            _warn(
                f"Column '{name}' has {_count(column, words)} among its numbers: read as missing "
                f"in {int(column.isin(words).sum()):,} of {len(column):,} rows."
            )
        else:
            _warn_of_labels(str(name), column, [w for w in words if w.strip() in _SUSPECT])
    return data


def _values_of(texts: list[str], others: list[Any], decimal: str) -> dict[Any, Any] | None:
    """Return the number or truth value of each value of a column; None if some are labels."""
    import pandas as pd  # noqa: PLC0415

    if not texts and not others:
        return None
    if not others and set(texts) <= _TRUTH.keys():
        return {text: _TRUTH[text] for text in texts}
    if not all(isinstance(value, Number) for value in others):
        return None
    points = pd.Series([text.replace(decimal, ".") for text in texts], dtype=object)
    numbers = pd.to_numeric(points, errors="coerce").astype(float)
    if numbers.isna().any():
        return None
    return dict(zip(texts, numbers.tolist(), strict=True)) | {value: value for value in others}


def _warn_of_labels(name: str, column: pd.Series[Any], words: Sequence[str]) -> None:
    if words:
        _warn(
            f"Column '{name}' is text and has {_count(column, words)}: taken as a label like any "
            f"other. If it stands for missing values: --missing {words[0]}."
        )


def _count(column: pd.Series[Any], words: Sequence[str]) -> str:
    counts = column.value_counts()
    return ", ".join(f"the word {word!r} ({int(counts[word]):,})" for word in words)


def _warn(message: str) -> None:
    from winstan.design_warnings import warn_design  # noqa: PLC0415

    warn_design(message, "missing_words")


def _tell(path: Path, what: str) -> None:
    print(f"winstan: {path}: {what}.", file=sys.stderr)
