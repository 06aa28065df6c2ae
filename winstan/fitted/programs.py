"""A fit's model in the terms of each backend: source, densities, native models."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from winstan.backends import backend_named
from winstan.effects.grouped_rows import check_responses_known
from winstan.errors import OptionError
from winstan.unconstrained import coordinate_sizes

if TYPE_CHECKING:
    import bambi
    import pymc

    from winstan._typing import Array
    from winstan.fitted.fitted_model import FittedModel


def code(fit: FittedModel, backend: str = "stan") -> str:
    """Return the model as source for a backend.

    Parameters
    ----------
    backend : {"stan", "pymc", "bambi"}

    Returns
    -------
    str
        A short program of this very formula, row by row, in the names of the data: to read, or
        to publish. What winstan runs is of the same posterior: the family's template
        (`stan_code`), or `pymc_model`.

    Examples
    --------
    >>> import winstan as ws
    >>> trials = ws.simulate_lfp(n_mice=6, n_trials=20, seed=1)
    >>> fit = ws.fit("Power ~ stim + (1|mouse)", trials, family="gamma", seed=1, silence="all")
    >>> "gamma" in fit.code("stan")
    True
    """
    check_responses_known(fit.model, "A program is")
    return backend_named(backend).code(fit.model)


def code_data(fit: FittedModel, backend: str = "stan") -> dict[str, Any]:
    """Return the data that the program of `code` takes.

    Parameters
    ----------
    backend : {"stan", "pymc"}

    Returns
    -------
    dict
        For Stan by the names in the data block, levels counted from 1; for PyMC what the
        program calls ``data``, levels counted from 0.

    Raises
    ------
    BackendError
        For bambi, whose program takes the user's data frame.

    Examples
    --------
    >>> import winstan as ws
    >>> trials = ws.simulate_lfp(n_mice=6, n_trials=20, seed=1)
    >>> fit = ws.fit("Power ~ stim + (1|mouse)", trials, family="gamma", seed=1, silence="all")
    >>> "N" in fit.code_data("stan")
    True
    """
    check_responses_known(fit.model, "The data of a program are")
    return backend_named(backend).code_data(fit.model)


def log_density(
    fit: FittedModel, points: Array, *, backend: str | None = None
) -> tuple[Array, Array]:
    """Log posterior density and its gradient, Jacobians included, without any sampling.

    Parameters
    ----------
    points : ndarray, shape (points, parameters)
        In the unconstrained space of the Stan templates, which the PyMC backend shares, every
        coordinate of order one: joint_raw (coefficients, and group effects beside them),
        sd_raw, corr_raw (correlations), rest_raw (the other group effects), aux_raw; see
        `winstan.unconstrained`. A single point may be a vector.
    backend : {"stan", "pymc"}, optional
        By default the one that made the fit.

    Returns
    -------
    density : ndarray, shape (points,)
    gradient : ndarray, shape (points, parameters)

    Raises
    ------
    OptionError
        If the points have another shape.
    BackendError
        If the backend is missing, or is bambi, whose coordinates are its own.

    Examples
    --------
    >>> import numpy as np
    >>> import winstan as ws
    >>> trials = ws.simulate_lfp(n_mice=6, n_trials=20, seed=1)
    >>> fit = ws.fit("Power ~ stim + (1|mouse)", trials, family="gamma", seed=1, silence="all")
    >>> density, gradient = fit.log_density(np.zeros((1, 10)), backend="stan")
    >>> gradient.shape
    (1, 10)
    """
    points = np.atleast_2d(np.asarray(points, dtype=float))
    blocks = coordinate_sizes(fit.model)
    width = sum(blocks.values())
    if points.ndim != 2 or points.shape[1] != width:
        listed = ", ".join(f"{size} {name}" for name, size in blocks.items() if size)
        raise OptionError(
            f"points must have the shape (points, {width}), for {listed}; theirs is {points.shape}."
        )
    return backend_named(backend or fit.backend).log_density(fit.model, points)


def pymc_model(fit: FittedModel) -> pymc.Model:
    """Return the model as a `pymc.Model`."""
    from winstan.backends.pymc import pymc_model  # noqa: PLC0415 - PyMC need not be there

    return pymc_model(fit.model)


def bambi_model(fit: FittedModel) -> bambi.Model:
    """Return the model as a `bambi.Model`."""
    from winstan.backends.bambi import bambi_model  # noqa: PLC0415

    return bambi_model(fit.model)


def stan_code(fit: FittedModel) -> str:
    """Return the Stan program that is run, includes in place.

    Examples
    --------
    >>> import winstan as ws
    >>> trials = ws.simulate_lfp(n_mice=6, n_trials=20, seed=1)
    >>> fit = ws.fit("Power ~ stim + (1|mouse)", trials, family="gamma", seed=1, silence="all")
    >>> "model {" in fit.stan_code()
    True
    """
    from winstan.backends.stan import expanded_template  # noqa: PLC0415

    return expanded_template(fit.model.template)


def stan_data(fit: FittedModel) -> dict[str, Any]:
    """Return the data of `stan_code`: cells, priors and coordinates, as Stan reads them.

    Examples
    --------
    >>> import winstan as ws
    >>> trials = ws.simulate_lfp(n_mice=6, n_trials=20, seed=1)
    >>> fit = ws.fit("Power ~ stim + (1|mouse)", trials, family="gamma", seed=1, silence="all")
    >>> fit.stan_data()["C"]
    12
    """
    from winstan.backends.stan_data import stan_data  # noqa: PLC0415

    return stan_data(fit.model)
