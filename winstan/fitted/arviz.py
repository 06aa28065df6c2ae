"""Draws with the groups that ArviZ's functions look for: a method of `Fit`."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from winstan import effects
from winstan.errors import OptionError, near_matches

if TYPE_CHECKING:
    import xarray as xr

    from winstan.fitted.fitted_model import FittedModel


def to_arviz(
    fit: FittedModel, groups: str | Iterable[str] | None = None, *, seed: int = 0
) -> xr.DataTree:
    """Return the draws with all groups that ArviZ knows, to hand on or to save.

    Parameters
    ----------
    groups : str or iterable of str, optional
        Which to add to ``posterior``, ``sample_stats`` and ``observed_data``; None is all. See
        Notes.
    seed
        Of the replicates, and of the draws from the priors.

    Returns
    -------
    xarray.DataTree
        A copy; ``fit.draws`` stays as it is.

    Raises
    ------
    OptionError
        If there is no such group, or one would be above 2 GB.
    PriorError
        For ``prior`` and ``prior_predictive``, if a prior is improper: leave them out by `groups`.

    Notes
    -----
    ``fit.draws`` makes the first five too, when they are asked for: ``az.loo(fit.draws)`` works.

    - ``log_likelihood``: the log density of each row of the data, as of `log_likelihood`, times its
      frequency weight; ``az.loo`` then leaves out all that a row stands for, where `loo` leaves out
      one observation.
    - ``log_prior``: of each parameter that has a prior, normalised; group effects have none of
      their own, and are not there.
    - ``prior``: as many draws of all parameters from the priors as there are of the posterior.
    - ``posterior_predictive``: a replicate of each row for every draw.
    - ``prior_predictive``: the same for the first 1,000 draws of ``prior``.
    - ``constant_data``: predictors and group factors, offset, trials and weights, row by row.

    Examples
    --------
    >>> import arviz as az
    >>> import winstan as ws
    >>> trials = ws.simulate_lfp(n_mice=6, n_trials=20, seed=1)
    >>> fit = ws.fit("`Log power` ~ stim + (1|mouse)", trials, seed=1, silence="all")
    >>> tree = fit.to_arviz(["log_likelihood", "log_prior", "constant_data"])
    >>> list(tree["constant_data"].data_vars)
    ['stim', 'mouse']
    """
    from winstan.tree import DataTree  # noqa: PLC0415 - it loads xarray

    known = (*effects.ArvizGroups(fit.model).names, "constant_data")
    wanted = known if groups is None else (groups,) if isinstance(groups, str) else tuple(groups)
    for name in wanted:
        if name not in known:
            raise OptionError(
                f"groups= names {name!r}, which is no group that is made here; there are "
                f"{', '.join(known)}." + near_matches(str(name), known)
            )
    maker = effects.ArvizGroups(fit.model, effects.check_seed(seed))
    nodes = {name: node.to_dataset() for name, node in fit.draws.children.items()}
    for name in wanted:
        if name == "constant_data":
            nodes[name] = effects.constant_data(fit.model)
        else:
            nodes[name] = maker.make(nodes["posterior"], name)
    return DataTree.from_dict(nodes)
