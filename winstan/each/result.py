"""`FitEach`: the fits of all groups, as tidy tables."""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from typing import TYPE_CHECKING, Any

import numpy as np

from winstan import _html, effects
from winstan.data.columns import how_many, some_levels
from winstan.each.saving import save_each
from winstan.each.tables import across, join_tables
from winstan.errors import FailureWarning, OptionError, near_matches, warn_user
from winstan.plots.words import join_words, percent
from winstan.progress import duration

if TYPE_CHECKING:
    import os
    from collections.abc import Callable, Hashable, Iterator, Mapping
    from pathlib import Path

    import pandas as pd
    from plotnine import ggplot

    from winstan.fit_class import Fit
    from winstan.options import Interval


NAMED = 5
"""Groups that a sentence names."""


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class FitEach:
    """One model fitted to each group of rows.

    ``result["n3"]`` is the fit of a group, where fits were kept; iteration is over the keys.

    Attributes
    ----------
    by : tuple of str
        The columns whose values are the groups.
    keys : tuple
        The groups: values of the column, or tuples of values if there are several columns.
    table : DataFrame
        A row for each group and parameter: columns `by`, parameter, those of `Fit.summary`, and ok
        (whether the group's fit has converged).
    verdicts : DataFrame
        A row for each group: columns `by`, fitted, ok (converged), verdict, rows (of the data),
        seed, seconds, and max_r_hat, min_ess_bulk, min_ess_tail, n_divergent, which are missing if
        it was not fitted.
    failures : DataFrame
        What could not be done: columns `by`, step (``fit``, ``contrast stim``), error, message.
    warnings : DataFrame
        Of the data of each group: columns `by`, warning, name (which silences it), message.
    seed : int
    seconds : float
        Wall time of all.
    formula, family, link, backend : str
    prob, interval
        Of the tables' intervals.
    n_rows : int
        Rows of the data.
    missing : mapping of str to int
        Rows that are in no group, as their value is missing, by column.
    """

    by: tuple[str, ...]
    keys: tuple[Hashable, ...]
    table: pd.DataFrame
    verdicts: pd.DataFrame
    failures: pd.DataFrame
    warnings: pd.DataFrame
    seed: int
    seconds: float
    formula: str
    family: str
    link: str
    backend: str
    prob: float
    interval: Interval
    n_rows: int
    missing: Mapping[str, int]
    _response: str = field(repr=False)
    _effects: tuple[str, ...] = field(repr=False)
    _contrasts: Mapping[str, pd.DataFrame] = field(repr=False)
    _fits: Mapping[Hashable, Fit] | None = field(repr=False)
    _circular: bool = field(repr=False, default=False)
    _categories: tuple[Any, ...] | None = field(repr=False, default=None)
    _fingerprint: Mapping[str, str] = field(repr=False, default_factory=dict)

    @property
    def ok(self) -> bool:
        """Whether every group was fitted, and has converged."""
        return bool(self.verdicts["ok"].all()) and self.failures.empty

    @property
    def verdict(self) -> str:
        """One sentence: how many groups have converged, and which have not, or failed."""
        return _verdict(self)

    @property
    def predictors(self) -> tuple[str, ...]:
        """The predictors whose contrasts were computed with the fits."""
        return tuple(self._contrasts)

    def contrast(self, treatment: str, **options: Any) -> pd.DataFrame:
        """Return the contrast of a predictor in every group, in one table.

        Parameters
        ----------
        treatment
            A column of the formula.
        **options
            As for `Fit.contrast`, if the fits were kept. Without any it is what was computed with
            each fit.

        Returns
        -------
        DataFrame
            Columns `by`, those of `Fit.contrast`, and ok. Failed groups have no row: see
            `failures` or, where it is asked with options, the warning. A region of practical
            equivalence is each group's own, unless it was given.

        Raises
        ------
        OptionError
            If it was not computed, and the fits were not kept.
        """
        if not options and treatment in self._contrasts:
            return self._contrasts[treatment].copy()
        if self._fits is None:
            asked = f"{treatment!r}: {options!r}" if options else f"{treatment!r}: {{}}"
            raise OptionError(
                f"Without draws, there are the contrasts that were computed with the fits:"
                f" {join_words(self._contrasts) or 'none'}. Ask fit_each for contrasts={{{asked}}},"
                f" or for keep='fits'."
            )
        return self.map(lambda fit: fit.contrast(treatment, **options))

    def map(self, function: Callable[[Fit], pd.DataFrame]) -> pd.DataFrame:
        """Join the tables that a function gives of each fit, where fits were kept.

        Parameters
        ----------
        function
            Such as ``lambda fit: fit.hypothesis("stim > 0")``.

        Returns
        -------
        DataFrame
            Columns `by`, those of the function's tables, and ok. Groups in which the function
            fails have no row, and a `FailureWarning` names them.

        Raises
        ------
        OptionError
            If the fits were not kept, or if there is none.
        Exception
            The function's own, if it fails in every group.
        """
        if self._fits is None:
            raise OptionError("The fits were not kept: ask fit_each for keep='fits'.")
        if not self._fits:
            raise OptionError(f"No group has a fit. {self.verdict}")
        tables, failed = {}, {}
        for key, fit in self._fits.items():
            try:
                tables[key] = function(fit)
            except Exception as error:  # one group must not end the others
                failed[key] = error
        if failed:
            first = next(iter(failed.values()))
            if not tables:
                raise first
            warn_user(
                f"{named_groups(self, list(failed))} have no rows. The first:"
                f" {type(first).__name__}: {first}",
                FailureWarning,
            )
        return join_tables(
            self.by, tables, {k: fit.diagnostics.ok for k, fit in self._fits.items()}
        )

    def plot(
        self, treatment: str | None = None, *, unit: str | None = None, **options: Any
    ) -> ggplot:
        """Draw the contrast of every group, from the smallest to the largest.

        Parameters
        ----------
        treatment
            A column of the formula; by default the first whose contrasts were computed.
        unit
            Unit of the response.
        **options
            As for `contrast`.

        Returns
        -------
        plotnine.ggplot
        """
        from winstan.plots import plot_each  # noqa: PLC0415 - plotnine, when it is drawn

        if treatment is None:
            if not self._contrasts:
                raise OptionError("No contrast was computed: name a treatment to draw.")
            treatment = next(iter(self._contrasts))
        table = self.contrast(treatment, **options)
        measure = str(table.attrs.get("measure", ""))
        response = f"P({self._response})" if effects.CATEGORY in table else self._response
        return plot_each(
            table,
            self.by,
            treatment=treatment,
            response="linear predictor" if options.get("scale") == "link" else response,
            ratio=measure.startswith("ratio"),
            prob=max(effects.probabilities(options.get("prob", self.prob))),
            interval=options.get("interval", self.interval),
            unit="%" if measure.startswith("percent") else unit,
            failed=int((~self.verdicts["fitted"]).sum()),
            circular=self._circular and options.get("scale") != "link",
        )

    def save(self, path: str | os.PathLike[str]) -> Path:
        """Save the fits of all groups in one file, as `Fit.save` does one.

        `winstan.load_fit_each` reads it. Without ``keep="fits"`` it holds the tables.

        Parameters
        ----------
        path
            The file, which ends in ``.nc``. One that exists is replaced once the new one is whole.

        Returns
        -------
        Path
            The file.

        Raises
        ------
        OptionError
            If the path does not end in ``.nc``, or the formula calls functions of your own code.
        FitFileError
            If the file cannot be written; what was there before is as it was.
        """
        parts = {f.name: getattr(self, f.name) for f in fields(self) if f.name != "_fits"}
        return save_each(path, parts, self._fits)

    @property
    def _declared(self) -> str:
        """What the rows of one group do not say of the model."""
        if self._categories is None:
            return ""
        return f", with the categories {', '.join(map(repr, self._categories))} declared,"

    def __getitem__(self, key: Hashable) -> Fit:
        if key not in self.keys:
            raise OptionError(
                f"There is no group {key!r}." + near_matches(str(key), map(str, self.keys))
            )
        at = self.keys.index(key)
        if self._fits is None:
            raise OptionError(
                "The fits were not kept: ask fit_each for keep='fits'. winstan.fit of the rows of"
                f" {key!r}{self._declared} with seed={self.verdicts['seed'].iloc[at]} gives the"
                " same."
            )
        if key not in self._fits:
            raise OptionError(f"The group {key!r} has no fit. {self.verdicts['verdict'].iloc[at]}")
        return self._fits[key]

    def __iter__(self) -> Iterator[Hashable]:
        return iter(self.keys)

    def __contains__(self, key: object) -> bool:
        return key in self.keys

    def __len__(self) -> int:
        return len(self.keys)

    def __repr__(self) -> str:
        table, left_out = across(self.table, self._effects, self._contrasts)
        lines = [*_heading(self), "", self.verdict, "", _caption(self), table.to_string()]
        return "\n".join([*lines, "", left_out] if left_out else lines)

    def _repr_html_(self) -> str:
        table, left_out = across(self.table, self._effects, self._contrasts)
        title, *rest = _heading(self)
        return _html.lines(
            _html.heading(title, " ".join(rest)),
            _html.verdict(self.verdict, ok=self.ok),
            _html.note(_caption(self)),
            table.to_html(border=0),
            _html.note(left_out),
        )


def named_groups(result: FitEach, keys: list[Any]) -> str:
    """How many of the groups these are, and some names: ``2 of 5 groups by cell ('n1', 'n4')``."""
    groups = how_many(len(result.keys), "group")
    return f"{len(keys):,} of {groups} by {' and '.join(result.by)} ({some_levels(keys, NAMED)})"


def _verdict(result: FitEach) -> str:
    """How many groups have converged, and which have not, or failed."""
    verdicts = result.verdicts
    failed = ~verdicts["fitted"].to_numpy(bool)
    bad = ~verdicts["ok"].to_numpy(bool) & ~failed
    n = len(verdicts)
    if verdicts["ok"].all():
        words = [f"All {n:,} groups converged" if n > 1 else "The group converged"]
    else:
        words = [f"{int(verdicts['ok'].sum()):,} of {how_many(n, 'group')} converged"]
    for these, what in ((bad, "did not"), (failed, "could not be fitted")):
        if these.any():
            keys = [result.keys[i] for i in np.flatnonzero(these)]
            words.append(f"{len(keys):,} {what} ({some_levels(keys, NAMED)})")
    after = result.failures[result.failures["step"] != "fit"]
    if len(after):
        words.append(f"{how_many(len(after), 'contrast')} could not be computed")
    return "; ".join(words) + "."


def _caption(result: FitEach) -> str:
    return (
        "Posterior means of the groups: median, 5% and 95% quantiles; and the median posterior sd."
        if len(result.keys) > 1
        else "Posterior mean and sd."
    )


def _heading(result: FitEach) -> list[str]:
    each = " and ".join(result.by)
    parts = [f"{how_many(len(result.keys), 'group')} of {how_many(result.n_rows, 'row')}"]
    if result.missing:
        where = ", ".join(f"{name} ({count:,})" for name, count in result.missing.items())
        parts.append(f"in no group, for a missing value: {where}")
    parts.append(duration(result.seconds))
    return [
        f"{result.formula}, by {each}  [{result.family}, {result.link} link, {result.backend}]",
        f"{'; '.join(parts)}. Intervals of .table are {percent(result.prob)}"
        f" {'highest-density' if result.interval == 'hdi' else 'equal-tailed'} intervals.",
    ]
