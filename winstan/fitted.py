"""Fit: a model with its draws and their diagnostics, and the ways to look at them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from winstan import effects
from winstan.backends import backend_named
from winstan.draws import tree_name
from winstan.errors import OptionError
from winstan.report import fit_as_html, fit_as_text
from winstan.summary import summarise

if TYPE_CHECKING:
    import bambi
    import pandas as pd
    import pymc
    import xarray as xr
    from plotnine import ggplot

    from winstan.diagnostics import Diagnostics
    from winstan.families import Array
    from winstan.model import Model
    from winstan.priors import Priors


@dataclass(frozen=True, slots=True, eq=False)
class Fit:
    """A fitted model: draws, their verdict, and the ways to look at them.

    Attributes
    ----------
    model : Model
        Formula, design, cells, family, priors and geometry.
    draws : xarray.DataTree
        ArviZ's: groups ``posterior``, ``sample_stats``, ``observed_data``; coordinates are the
        levels of the data.
    diagnostics : Diagnostics
    backend : str
    seconds : float
        Wall time of the whole fit.
    """

    model: Model
    draws: xr.DataTree
    diagnostics: Diagnostics
    backend: str
    seconds: float
    _table: pd.DataFrame = field(repr=False)

    @property
    def priors(self) -> Priors:
        """The priors in use, in the units of the data; prints as a table."""
        return self.model.priors

    @property
    def verdict(self) -> str:
        """One sentence: the draws can be trusted, or what is wrong and what to do."""
        return self.diagnostics.verdict

    def summary(self, *, prob: float = 0.94, interval: str = "hdi") -> pd.DataFrame:
        """Summarise every parameter and group effect.

        Parameters
        ----------
        prob
            Probability of the interval.
        interval : {"hdi", "eti"}
            Highest density, or equal tails.

        Returns
        -------
        DataFrame
            A row for each scalar; columns mean, sd, the interval's ends (``hdi_3%``, ``hdi_97%``),
            ess_bulk, ess_tail, r_hat, mcse_mean. The Intercept is at X = 0.
        """
        if (prob, interval) == (0.94, "hdi"):
            return self._table.copy()
        return summarise(self.draws, prob=prob, interval=interval)

    def contrast(
        self,
        treatment: str,
        *,
        values: Sequence[Any] | None = None,
        by: str | None = None,
        scale: str = "response",
        ratio: bool = False,
        prob: float = 0.94,
        interval: str = "hdi",
        draws: bool = False,
    ) -> pd.DataFrame:
        """Compare the mean response between values of a predictor.

        Every row of predictors is evaluated with the treatment at one value and at the other, its
        group's own effects included; the means are averaged over rows within a group, and over
        groups, each counting once.

        Parameters
        ----------
        treatment
            A column of the formula.
        values
            What to compare, the reference first. By default all levels of a factor against the
            reference of its coding, the two values of a predictor that has two, and otherwise
            x + 1 against x.
        by
            A column: one contrast for each of its levels, such as each mouse.
        scale : {"response", "link"}
            Units of the data, or of the linear predictor.
        ratio
            Ratio of the means in place of their difference.
        prob, interval
            As for `summary`.
        draws
            Return the draws in long form (columns contrast, [by], draw, value), not their summary.

        Returns
        -------
        DataFrame
            Columns contrast, [by], mean, sd, the interval's ends, and p_direction: the posterior
            probability that the effect has the sign that it seems to have.

        Raises
        ------
        OptionError
            If the treatment, a value, `by` or `scale` is unknown.
        """
        result = effects.contrast(
            self.model,
            self._flat(),
            treatment,
            values=values,
            by=by,
            scale=scale,
            ratio=ratio,
        )
        if draws:
            return effects.contrast_draws(result)
        return effects.contrast_table(result, prob, interval)

    def intercepts(
        self, group: str | None = None, *, prob: float = 0.94, interval: str = "hdi"
    ) -> pd.DataFrame:
        """Each group's intercept on the response scale: its mean response at X = 0.

        Without a population intercept, the factor that stands for it is averaged over. The effects
        of factors that contain the group are added; those of crossed factors are at zero.

        Parameters
        ----------
        group
            A group factor; by default the first of the formula.
        prob, interval
            As for `summary`.

        Returns
        -------
        DataFrame
            Columns level, mean, sd, and the interval's ends.
        """
        group = self._group(group)
        return effects.group_intercepts(self.model, self._flat(), group, prob, interval)

    def plot_difference(
        self,
        treatment: str,
        *,
        values: Sequence[Any] | None = None,
        by: str | None = None,
        ratio: bool = False,
        prob: float = 0.94,
        unit: str | None = None,
    ) -> ggplot:
        """Draw the posterior of a contrast over the observed differences of the groups.

        Parameters
        ----------
        treatment, values, by, ratio
            As for `contrast`.
        prob
            Probability of the HDI.
        unit
            Unit of the response, for the axis.

        Returns
        -------
        plotnine.ggplot
            Composes with ``|`` and ``/``.
        """
        from winstan import plots  # noqa: PLC0415 - plotnine loads when a figure is asked for

        result = effects.contrast(
            self.model, self._flat(), treatment, values=values, by=by, ratio=ratio
        )
        group = effects.main_group(self.model)
        return plots.plot_difference(
            effects.contrast_draws(result),
            _ends_renamed(effects.contrast_table(result, prob, "hdi")),
            effects.observed_contrast(self.model, result, values, group),
            response=effects.response_label(self.model),
            treatment=treatment,
            unit=unit,
            ratio=ratio,
            prob=prob,
            group=group,
            by=by,
        )

    def plot_intercepts(
        self, group: str | None = None, *, treatment: str | None = None, prob: float = 0.94
    ) -> ggplot:
        """Draw each group's intercept, on the response scale, over the raw data.

        Parameters
        ----------
        group
            A group factor; by default the first of the formula.
        treatment
            A column to colour the raw data by.
        prob
            Probability of the HDI.

        Returns
        -------
        plotnine.ggplot
        """
        from winstan import plots  # noqa: PLC0415

        group = self._group(group)
        return plots.plot_intercepts(
            _ends_renamed(self.intercepts(group, prob=prob)),
            effects.intercept_data(self.model, group, treatment),
            response=effects.response_label(self.model),
            group=group,
            treatment=treatment,
            prob=prob,
        )

    def code(self, engine: str = "stan") -> str:
        """Return the model as source for an engine.

        Parameters
        ----------
        engine : {"stan", "pymc", "bambi"}
            For Stan, a short program of this very formula, row by row, to read or to publish; what
            is run is the family's template, `stan_code`.
        """
        return backend_named(engine).code(self.model)

    def log_density(self, points: Array, *, engine: str | None = None) -> tuple[Array, Array]:
        """Log posterior density and its gradient, Jacobians included, without any sampling.

        Parameters
        ----------
        points : ndarray, shape (points, parameters)
            In the unconstrained space of the Stan templates, which the PyMC backend shares:
            beta_raw, log_sd, corr_raw, effect, log_aux.
        engine : {"stan", "pymc"}, optional
            By default the one that made the fit.

        Returns
        -------
        density : ndarray, shape (points,)
        gradient : ndarray, shape (points, parameters)
        """
        return backend_named(engine or self.backend).log_density(self.model, points)

    @property
    def pymc_model(self) -> pymc.Model:
        """The model as a `pymc.Model`."""
        from winstan.backends.pymc import pymc_model  # noqa: PLC0415 - PyMC need not be there

        return pymc_model(self.model)

    @property
    def bambi_model(self) -> bambi.Model:
        """The model as a `bambi.Model`."""
        from winstan.backends.bambi import bambi_model  # noqa: PLC0415

        return bambi_model(self.model)

    def stan_code(self) -> str:
        """Return the family's Stan program, includes in place."""
        from winstan.backends.stan import expanded_template  # noqa: PLC0415

        return expanded_template(self.model.family.template)

    def stan_data(self) -> dict[str, Any]:
        """Return the data of `stan_code`: cells, priors and geometry, as Stan reads them."""
        from winstan.backends.stan import stan_data  # noqa: PLC0415

        return stan_data(self.model)

    def _flat(self) -> dict[str, Array]:
        """Draws by variable, chains joined: shape (chains * draws, *dims)."""
        posterior = self.draws["posterior"]
        out = {}
        for variable in self.model.variables:
            values = posterior[tree_name(variable.name)].to_numpy()
            out[variable.name] = values.reshape(-1, *values.shape[2:])
        return out

    def _group(self, group: str | None) -> str:
        group = group or effects.main_group(self.model)
        if group is None:
            raise OptionError(f"{self.model.formula.text!r} has no group term, such as (1|mouse).")
        return group

    def __repr__(self) -> str:
        return fit_as_text(self)

    def _repr_html_(self) -> str:
        return fit_as_html(self)


def _ends_renamed(table: pd.DataFrame) -> pd.DataFrame:
    """Name the interval's ends lower and upper, as the plots have them."""
    ends = [column for column in table.columns if column.startswith(effects.INTERVALS)]
    return table.rename(columns=dict(zip(ends, ("lower", "upper"), strict=True)))
