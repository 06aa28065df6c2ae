"""What a fit gives to print: `Fit.table`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from winstan import effects
from winstan.convergence import convergence
from winstan.errors import OptionError
from winstan.fitted.monte_carlo import with_ess
from winstan.fitted.predictor_effects import effects as effects_of
from winstan.options import Printed, check_option

if TYPE_CHECKING:
    import os
    from collections.abc import Mapping

    from great_tables import GT

    from winstan.fitted.fitted_model import FittedModel
    from winstan.options import Interval, Whose


def table(
    fit: FittedModel,
    of: Printed | pd.DataFrame | None = None,
    *,
    title: str | None = None,
    caption: str | None = None,
    labels: Mapping[str, str] | None = None,
    unit: str | None = None,
    prob: float = 0.94,
    interval: Interval = "hdi",
    groups: Whose | None = None,
    file: str | os.PathLike[str] | None = None,
) -> GT:
    """Make a table for print: rounded to the Monte Carlo error, labelled, its estimand named.

    The error of effects and parameters is each number's own; of a table that is given, that of the
    fewest effective draws of any parameter of the fit.

    Parameters
    ----------
    of : {"effects", "parameters"} or DataFrame, optional
        The contrast of every predictor (`effects`), all parameters but the group effects
        (`summary`), or a tidy table of this fit, such as that of `contrast`. By default the
        effects, and the parameters where there is no predictor.
    title, caption, labels, unit, file
        As for `winstan.table`.
    prob, interval
        As for `summary`.
    groups
        Whose effects, as for `contrast`.

    Returns
    -------
    great_tables.GT
        Its ``as_raw_html()`` is HTML, which Word opens too, its ``as_latex()`` LaTeX.

    Raises
    ------
    OptionError
        If great-tables is not installed, or an option is wrong.

    Examples
    --------
    >>> import winstan as ws
    >>> trials = ws.simulate_lfp(seed=1)
    >>> fit = ws.fit("Power ~ stim + (1|mouse)", trials, family="gamma", seed=1, silence="all")
    >>> "94% HDI" in fit.table(unit="Hz").as_raw_html()
    True
    """
    from winstan.tables import table as print_table  # noqa: PLC0415 - great-tables, when asked for

    if of is None:
        of = "effects" if effects.population_predictors(fit.model) else "parameters"
    if isinstance(of, pd.DataFrame):
        if groups is not None:
            raise OptionError("groups= is of effects: the table that you give has its own.")
        rows = with_ess(fit, of.copy())
    else:
        check_option("of", of, Printed)
        if of == "effects":
            rows = effects_of(fit, prob=prob, interval=interval, groups=groups)
            rows.attrs["ess"] = _effective(fit, rows, effects_of(fit, groups=groups, draws=True))
        else:
            rows = _parameters(fit, prob, interval)
    return print_table(rows, title=title, caption=caption, labels=labels, unit=unit, file=file)


def _effective(fit: FittedModel, rows: pd.DataFrame, draws: pd.DataFrame) -> list[float]:
    """Return the effective draws of each row of effects, by its draws in long form."""
    keys = [name for name in (effects.CATEGORY, "predictor", "contrast") if name in rows]
    each = {
        key: part["value"].to_numpy()
        for key, part in draws.groupby(keys, sort=False, observed=True)
    }
    shape = fit.draws["posterior"].sizes["chain"], -1, len(each)
    found = convergence(np.column_stack(list(each.values())).reshape(shape))
    ess = dict(zip(each, np.fmin(found.ess_bulk, found.ess_tail).tolist(), strict=True))
    return [ess[key] for key in rows[keys].itertuples(index=False, name=None)]


def _parameters(fit: FittedModel, prob: float, interval: Interval) -> pd.DataFrame:
    """Return the summary without group effects."""
    table = fit.summary(prob=prob, interval=interval)
    starts = tuple(f"{v.name}[" for v in fit.model.variables if v.role == "effect")
    return table[[not str(name).startswith(starts) for name in table.index]] if starts else table
