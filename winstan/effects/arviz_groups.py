"""The groups of a tree of draws that ArviZ's functions look for, each made when it is asked for."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from winstan.draws import (
    ROW,
    by_draw,
    constants_by_row,
    label_coordinate,
    parameters_dataset,
    row_numbers,
    tree_name,
)
from winstan.effects.log_prior import log_prior
from winstan.effects.pointwise import check_size, log_likelihood
from winstan.effects.replicates import posterior_predictive, prior_responses, prior_sample

if TYPE_CHECKING:
    from collections.abc import Callable

    import xarray as xr

    from winstan._typing import Array
    from winstan.model import Model

PRIOR_PREDICTIVE = 1000
"""Draws of the prior that have replicates: the first."""


@dataclass(frozen=True, slots=True, eq=False)
class ArvizGroups:
    """What makes the groups of a model's draws.

    Attributes
    ----------
    model : Model
    seed : int
        Of what is drawn.
    """

    model: Model
    seed: int = 0

    @property
    def names(self) -> tuple[str, ...]:
        """Of the groups."""
        return tuple(_MAKERS)

    def make(self, posterior: xr.Dataset, name: str) -> xr.Dataset:
        """Make the group of this name.

        Parameters
        ----------
        posterior
            The group of that name.
        name : {"log_likelihood", "log_prior", "posterior_predictive", "prior", "prior_predictive"}

        Raises
        ------
        PriorError
            If a prior is improper, for ``prior`` and ``prior_predictive``.
        OptionError
            If the group is above 2 GB.
        """
        return _MAKERS[name](self, posterior)


def joined_draws(model: Model, posterior: xr.Dataset) -> dict[str, Array]:
    """Return draws by variable, chains joined: shape (chains * draws, *dims)."""
    out = {}
    for variable in model.variables:
        values = posterior[tree_name(variable.name)].to_numpy()
        out[variable.name] = values.reshape(-1, *values.shape[2:])
    return out


def constant_data(model: Model) -> xr.Dataset:
    """Return what is no parameter, row by row: predictors, offset, trials, weights."""
    import xarray as xr  # noqa: PLC0415 - half a second that `import winstan` should not pay

    design, columns = model.design, {}
    row = design.row[design.responses]
    for name in design.predictors.columns:
        columns[tree_name(str(name))] = (ROW, _plain(design.predictors[name])[row])
    columns |= {name: (ROW, values) for name, values in constants_by_row(design).items()}
    return xr.Dataset(columns, coords={ROW: row_numbers(design)[design.responses]})


def _plain(values: pd.Series) -> np.ndarray:
    """Return values that netCDF can hold."""
    if isinstance(values.dtype, pd.CategoricalDtype):
        levels = np.array(label_coordinate(values.cat.categories.tolist()))
        return levels[values.cat.codes.to_numpy()]
    array = values.to_numpy()
    return array if array.dtype.kind in "biufM" else np.array(label_coordinate(array.tolist()))


def _log_likelihood(groups: ArvizGroups, posterior: xr.Dataset) -> xr.Dataset:
    model = groups.model
    found = log_likelihood(model, joined_draws(model, posterior), posterior.sizes["chain"])
    weights = model.design.frequency
    if weights is not None:
        found = found * weights
        found.attrs["weights"] = "a row's log density times its frequency weight"
    return found.to_dataset(name=tree_name(model.design.response.name))


def _log_prior(groups: ArvizGroups, posterior: xr.Dataset) -> xr.Dataset:
    found = log_prior(groups.model, joined_draws(groups.model, posterior))
    shape = posterior.sizes["chain"], posterior.sizes["draw"]
    if not found:  # all are flat
        return by_draw({"flat": np.zeros(shape)})
    return by_draw({name: values.reshape(shape) for name, values in found.items()})


def _posterior_predictive(groups: ArvizGroups, posterior: xr.Dataset) -> xr.Dataset:
    model, n_chains = groups.model, posterior.sizes["chain"]
    n_draws = n_chains * posterior.sizes["draw"]
    n_rows = len(model.design.row[model.design.responses])
    remedy = "fit.posterior_predictive(draws=200) has fewer."
    check_size("Replicates", n_rows, n_draws, model.tuning.largest_array, remedy)
    draws = joined_draws(model, posterior)
    return posterior_predictive(model, draws, n_chains, n_draws, groups.seed).to_dataset()


def _prior(groups: ArvizGroups, posterior: xr.Dataset) -> xr.Dataset:
    shape = posterior.sizes["chain"], posterior.sizes["draw"]
    parameters = prior_sample(groups.model, shape[0] * shape[1], groups.seed)
    split = {name: values.reshape(*shape, *values.shape[1:]) for name, values in parameters.items()}
    return parameters_dataset(groups.model, split)


def _prior_predictive(groups: ArvizGroups, posterior: xr.Dataset) -> xr.Dataset:
    n_draws = posterior.sizes["chain"] * posterior.sizes["draw"]
    parameters = prior_sample(groups.model, n_draws, groups.seed)
    some = {name: values[:PRIOR_PREDICTIVE] for name, values in parameters.items()}
    return prior_responses(groups.model, some, groups.seed).to_dataset()


_MAKERS: dict[str, Callable[[ArvizGroups, xr.Dataset], xr.Dataset]] = {
    "log_likelihood": _log_likelihood,
    "log_prior": _log_prior,
    "posterior_predictive": _posterior_predictive,
    "prior": _prior,
    "prior_predictive": _prior_predictive,
}
