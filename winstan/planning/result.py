"""`StudyDesign`: what an analysis would find in studies of a design."""

from __future__ import annotations

from dataclasses import dataclass
from html import escape
from typing import TYPE_CHECKING, Literal

import pandas as pd

from winstan import _html
from winstan.errors import OptionError, near_matches
from winstan.options import check_option, check_probability
from winstan.planning.summaries import sample_sizes, size_words
from winstan.plots.words import percent

if TYPE_CHECKING:
    from collections.abc import Mapping

    from plotnine import ggplot

type Drawn = Literal["power", "width", "type_s", "type_m", "coverage", "false_positives"]
"""What a figure of a design shows."""

NAMES = {"bayes": "Bayes", "lme": "LME", "anova": "ANOVA"}
"""Methods as people write them."""


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class StudyDesign:
    """Power, and what else simulated studies say of a design; `winstan.design` makes it.

    Attributes
    ----------
    table : DataFrame
        A row for each size, method (``bayes``, ``lme``, ``anova``) and contrast: columns of the
        sizes; method, contrast, scale (what its numbers are); simulations (studies with an effect),
        failed (of these, without an answer), unconverged (their verdict does not trust them, and
        they count); and, each
        with its Monte Carlo standard error in a column ``..._mcse``: power (the share of studies
        whose interval excludes no effect; over draws of a posterior or a prior the assurance),
        width (of the interval, the median), type_s (of studies whose interval excludes no effect,
        the share whose estimate has the wrong sign), type_m (how many times too large these
        estimates are on average, ratios by their logarithm), coverage (of the truth),
        false_positives (as power, of studies without an effect); with a region of equivalence
        outside_rope and inside_rope (the shares of intervals that are wholly there).
    studies : DataFrame
        A row for each simulated study, method and contrast: columns of the sizes, null (no
        effect), study, method, contrast, estimate, lower, upper, truth, ok, error, seconds.
    truth : mapping of str to (float or str)
        What the studies were simulated from, by parameter; of draws mean and sd.
    source : str
        Where that is from.
    assurance : bool
        Whether each study has parameters of its own, so that power is assurance.
    sizes : tuple of str
        What varies, the first along the axis of figures.
    formula, family, link, backend : str
    prob : float
        Probability of the intervals.
    setting : str
        How posteriors were sampled, and their interval.
    notes : tuple of str
        Methods that were left out, and why.
    seed : int
    seconds : float
        Wall time of all.
    """

    table: pd.DataFrame
    studies: pd.DataFrame
    truth: Mapping[str, float | str]
    source: str
    assurance: bool
    sizes: tuple[str, ...]
    formula: str
    family: str
    link: str
    backend: str
    prob: float
    setting: str
    notes: tuple[str, ...]
    seed: int
    seconds: float

    @property
    def n_failed(self) -> int:
        """Analyses without an answer."""
        return int((self.studies["error"] != "").sum())

    @property
    def summary(self) -> str:
        """The size that reaches a power of 80%, or the power of the only size, by each method."""
        lines = [self._sentence(str(method)) for method in self.table["method"].unique()]
        return "\n".join([*lines, *self.notes])

    def sample_size(self, power: float = 0.8, along: str | None = None) -> pd.DataFrame:
        """Interpolate the size at which a power is reached.

        Parameters
        ----------
        power
            Between 0 and 1.
        along
            Which of the sizes; by default the first that has several values.

        Returns
        -------
        DataFrame
            A row for each of the other sizes, method and contrast: the size (0 where the smallest
            study has that power already, infinite where the largest has not), and lower and upper,
            the ends of its 95% Monte Carlo interval.

        Raises
        ------
        OptionError
            If there is no such size, or it has one value.
        """
        check_probability("power", power, 0.8)
        along = self._size(along)
        if not self._several(along):
            raise OptionError(
                f"There is one size of {along!r}, and nothing to interpolate: "
                f"n={{{along!r}: [4, 8, 16]}} has several."
            )
        others = [name for name in self.sizes if name != along]
        return sample_sizes(self.table, along, others, float(power))

    def plot(self, what: Drawn = "power", *, along: str | None = None) -> ggplot:
        """Draw power, or what else there is, by size.

        Parameters
        ----------
        what
            A column of `table`: ``"power"``, ``"width"``, ``"type_s"``, ``"type_m"``,
            ``"coverage"`` or ``"false_positives"``.
        along
            The size on the axis; by default the first that has several values.

        Returns
        -------
        plotnine.ggplot
            A line for each method, with bars of two Monte Carlo errors to either side; a panel for
            each of the other sizes, and each contrast.

        Raises
        ------
        OptionError
            If there is no such column, or size.
        """
        from winstan import plots  # noqa: PLC0415 - plotnine loads when a figure is asked for

        check_option("what", what, Drawn)
        if what not in self.table:
            raise OptionError(
                f"There are no {what.replace('_', ' ')}: no studies without an effect were "
                "simulated. Leave null=False out."
            )
        along = self._size(along)
        table = self.table.assign(
            method=pd.Categorical(self.table["method"].map(NAMES), list(NAMES.values())),
            panel=self._panels(along),
        )
        return plots.plot_design(
            table.rename(columns={what: "value", f"{what}_mcse": "mcse"})[
                [along, "method", "panel", "value", "mcse"]
            ],
            along=along,
            what=what,
            prob=self.prob,
            caption=[
                f"{self._per_size():,} studies of each size; bars: two Monte Carlo errors",
                f"Bayes: {self.setting}" if "bayes" in set(self.table["method"]) else "",
            ],
        )

    def __repr__(self) -> str:
        return "\n".join([self._heading(), "", self.summary, "", self._shown().to_string()])

    def _repr_html_(self) -> str:
        return _html.lines(
            _html.heading(self._heading()),
            f'<div style="margin: 0.6em 0; white-space: pre-line">{escape(self.summary)}</div>',
            self._shown().to_html(border=0),
        )

    def _heading(self) -> str:
        return (
            f"Design of {self.formula}, {self.family} ({self.link}): {self._per_size():,} studies "
            f"of each size, simulated from {self.source}"
        )

    def _shown(self) -> pd.DataFrame:
        hidden = [c for c in map(str, self.table) if c.endswith("_mcse") and c != "power_mcse"]
        shown = self.table.drop(columns=["scale", "simulations", *hidden])
        return shown.set_index([*self.sizes, "method", "contrast"]).round(3)

    def _per_size(self) -> int:
        return int(self.table["simulations"].iloc[0])

    def _several(self, column: str) -> bool:
        """Whether the table has several values of a column."""
        return len(self.table[column].unique()) > 1

    def _size(self, along: str | None = None) -> str:
        """Return the size of a name; by default the first that has several values."""
        if along is None:
            several = [name for name in self.sizes if self._several(name)]
            return (several or list(self.sizes))[0]
        if along not in self.sizes:
            raise OptionError(
                f"along= names {along!r}, which is none of the sizes."
                + near_matches(str(along), self.sizes)
            )
        return along

    def _panels(self, along: str) -> pd.Series:
        """Return what each panel is of: other sizes, and the contrast where there are several."""
        parts = [
            f"{name} = " + self.table[name].astype(str) for name in self.sizes if name != along
        ]
        if self._several("contrast") or not parts:
            parts.insert(0, self.table["contrast"].astype(str))
        out = parts[0]
        for part in parts[1:]:
            out = out + ", " + part
        return out

    def _sentence(self, method: str) -> str:
        """Say of one method where 80% power is reached, or what power there is."""
        name = f"{NAMES[method]} ({percent(self.prob)} intervals)"
        own = self.table[self.table["method"] == method]
        what = "assurance" if self.assurance else "power"
        along = self._size()
        if not self._several(along):
            said = [
                f"{what} {row['power']:.3f} ± {row['power_mcse']:.3f} for {row['contrast']}"
                for row in own.to_dict("records")
            ]
            return f"{name}: {'; '.join(said)}."
        found = self.sample_size(0.8, along)
        found = found[found["method"] == method]
        others = [o for o in self.sizes if o != along and self._several(o)]
        several = self._several("contrast")
        said = []
        for row in found.to_dict("records"):
            of = [f"{o} = {row[o]}" for o in others] + ([row["contrast"]] if several else [])
            words = size_words(row[along], row["lower"], row["upper"], along, own[along])
            said.append(words + (f" for {', '.join(of)}" if of else ""))
        return f"{name}: 80% {what} {'; '.join(said)}."
