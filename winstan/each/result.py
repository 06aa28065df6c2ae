"""`FitEach`: the fits of all groups, as tidy tables."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pandas as pd

from winstan import effects
from winstan.each.shown import as_html, as_text, named_groups, verdict_of
from winstan.errors import FailureWarning, OptionError, near_matches, warn_user
from winstan.plots.words import join_words

if TYPE_CHECKING:
    import os
    from collections.abc import Callable, Hashable, Iterator, Mapping
    from pathlib import Path

    from plotnine import ggplot

    from winstan.each.groups import Parts
    from winstan.each.task import Outcome, Question
    from winstan.fit_class import Fit
    from winstan.model import Model
    from winstan.options import Interval


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
        return verdict_of(self)

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
        return _joined(self.by, tables, {k: fit.diagnostics.ok for k, fit in self._fits.items()})

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
        from winstan.each.kept import save_fit_each  # noqa: PLC0415 - it makes results itself

        return save_fit_each(self, path)

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
        return as_text(self)

    def _repr_html_(self) -> str:
        return as_html(self)


def result_of(
    question: Question,
    parts: Parts,
    outcomes: list[Outcome],
    model: Model,
    seed: int,
    seconds: float,
) -> FitEach:
    """Join the outcomes of all groups, in the groups' order."""
    by = parts.by
    fitted = [outcome for outcome in outcomes if outcome.diagnostics is not None]
    ok = {o.key: o.diagnostics.ok for o in fitted if o.diagnostics is not None}
    summaries = {
        o.key: o.summary.rename_axis("parameter").reset_index()
        for o in fitted
        if o.summary is not None
    }
    contrasts = {}
    for name in question.contrasts:
        tables = {o.key: o.contrasts[name] for o in fitted if name in o.contrasts}
        if tables:
            contrasts[name] = _joined(by, tables, ok)
    failures = [
        (o.key, {"step": p.step, "error": p.error, "message": p.message})
        for o in outcomes
        for p in o.problems
    ]
    warned = [
        (
            o.key,
            {
                "warning": type(w).__name__,
                "name": getattr(w, "guard", None) or "",
                "message": str(w),
            },
        )
        for o in outcomes
        for w in o.warnings
    ]
    return FitEach(
        by=by,
        keys=parts.keys,
        table=_joined(by, summaries, ok),
        verdicts=_table(by, [(o.key, _verdict(o)) for o in outcomes], []),
        failures=_table(by, failures, ["step", "error", "message"]),
        warnings=_table(by, warned, ["warning", "name", "message"]),
        seed=seed,
        seconds=seconds,
        formula=model.formula.text,
        family=model.family.name,
        link=model.link.name,
        backend=question.backend,
        prob=question.prob,
        interval=question.interval,
        n_rows=parts.n_rows,
        missing=parts.missing,
        _response=effects.response_label(model),
        _effects=tuple(f"{v.name}[" for v in model.variables if v.role == "effect"),
        _contrasts=contrasts,
        _fits={o.key: o.fit for o in fitted if o.fit is not None} if question.keep_fits else None,
        _circular=model.family.circular,
        _categories=question.categories,
    )


def _verdict(outcome: Outcome) -> dict[str, Any]:
    found = outcome.diagnostics
    what = {"rows": outcome.rows, "seed": outcome.seed, "seconds": outcome.seconds}
    if found is None:
        problem = outcome.problems[0]
        words = f"Failed: {problem.error}: {problem.message}"
        return {"fitted": False, "ok": False, "verdict": words, **what}
    return {
        "fitted": True,
        "ok": found.ok,
        "verdict": found.verdict,
        **what,
        "max_r_hat": found.max_r_hat,
        "min_ess_bulk": found.min_ess_bulk,
        "min_ess_tail": found.min_ess_tail,
        "n_divergent": found.n_divergent,
    }


def _keys_table(by: tuple[str, ...], keys: list[Any]) -> pd.DataFrame:
    values = [[key] for key in keys] if len(by) == 1 else [list(key) for key in keys]
    return pd.DataFrame(values, columns=list(by))


def _table(
    by: tuple[str, ...], rows: list[tuple[Any, dict[str, Any]]], columns: list[str]
) -> pd.DataFrame:
    """Make a table of one row for each pair of a key and what is said of it."""
    keys = _keys_table(by, [key for key, _ in rows])
    said = pd.DataFrame([row for _, row in rows], columns=columns or None)
    return pd.concat([keys, said], axis=1)


def _joined(
    by: tuple[str, ...], tables: Mapping[Any, pd.DataFrame], ok: Mapping[Any, bool]
) -> pd.DataFrame:
    """Put tables one below the other, the group's key before them and its verdict behind."""
    tables = {key: table.copy(deep=False) for key, table in tables.items()}
    words = {
        name: list(dict.fromkeys(t.attrs[name] for t in tables.values() if name in t.attrs))
        for name in ("estimand", "measure")
    }
    for table in tables.values():
        table.attrs = {}  # pd.concat compares them
    keys = [key for key, table in tables.items() for _ in range(len(table))]
    out = pd.concat([_keys_table(by, keys), pd.concat(tables.values(), ignore_index=True)], axis=1)
    out = out.assign(ok=[ok[key] for key in keys])
    out.attrs |= {name: "; ".join(said) for name, said in words.items() if said}
    return out
