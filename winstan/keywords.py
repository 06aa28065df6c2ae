"""Keywords of other packages' fitting functions, and what they are called here."""

from __future__ import annotations

from functools import wraps
from inspect import signature
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from winstan.errors import OptionError, near_matches
from winstan.families import FAMILIES, Family
from winstan.formula.residual import RESIDUAL

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

_SEED = "write seed="
_CORES = "write cores=: chains that run at once"
_KEPT = "write draws=: draws kept of each chain"
_PRIORS = "write priors={'b': ..., 'sd': ...}, with the objects of winstan.priors"
_BACKEND = "write backend= ('stan', 'pymc', 'bambi') and, of PyMC's samplers, sampler="
_PROGRESS = "write progress=True or False"
_ROWS = "take the rows out of the data before; rows with missing values are left out"
_DEFAULT = "it has no counterpart, and needs none: leave it out"

FOREIGN: Mapping[str, str] = MappingProxyType(
    {
        "iter": "it counts the warm-up too: write warmup= and draws=, of each chain",
        **dict.fromkeys(
            ("iter_sampling", "num_samples", "n_samples", "samples", "sample", "ndraws"), _KEPT
        ),
        **dict.fromkeys(
            ("tune", "iter_warmup", "num_warmup", "burn", "burnin"),
            "write warmup=: iterations of each chain before its draws",
        ),
        **dict.fromkeys(
            ("adapt_delta", "control", "delta"),
            "write target_accept= for adapt_delta; the depth of trees is not an option",
        ),
        **dict.fromkeys(("max_treedepth", "max_depth"), "the depth of trees is not an option"),
        "thin": "all draws are kept: take every k-th of fit.draws",
        **dict.fromkeys(("n_chains", "num_chains", "nchains"), "write chains="),
        **dict.fromkeys(
            ("parallel_chains", "n_cores", "n_jobs", "threads", "chain_workers"), _CORES
        ),
        **dict.fromkeys(("random_seed", "random_state", "rng", "rng_key"), _SEED),
        **dict.fromkeys(("prior", "set_prior"), _PRIORS),
        **dict.fromkeys(
            ("sample_prior", "prior_only"), "fit.prior_predictive() draws from the priors"
        ),
        **dict.fromkeys(
            ("nuts_sampler", "inference_method", "method", "algorithm", "engine"), _BACKEND
        ),
        **dict.fromkeys(("progressbar", "progress_bar", "refresh", "show_progress"), _PROGRESS),
        **dict.fromkeys(("verbose", "silent"), f"{_PROGRESS}, and silence= for warnings"),
        **dict.fromkeys(("init", "inits", "initvals", "start", "init_r"), _DEFAULT),
        **dict.fromkeys(
            ("noncentered", "non_centered", "centered"),
            "write parametrization='noncentered' or 'centered'",
        ),
        **dict.fromkeys(("auto_scale", "save_pars", "save_model", "normalize"), _DEFAULT),
        **dict.fromkeys(("subset", "dropna", "na_action", "missing"), _ROWS),
        "offset": "write offset(x) in the formula",
        "categorical": "write C(x) in the formula for numbers that are labels",
        "contrasts": "write C(x, Sum) or C(x, Treatment('level')) in the formula",
        "random": "group terms stand in the formula: y ~ x + (1 | g)",
        "groups": "groups stand in the formula: y ~ x + (1 | g)",
        "re_formula": "group terms stand in the formula: y ~ x + (x | g)",
        "REML": "it is an option of ws.lme: reml=",
        "reml": "it is an option of ws.lme: reml=",
        "weight": "write weights=, the name of a column",
        "by": "ws.fit_each fits a model to each group; to share, write (x | g)",
        "likelihood": "write family=",
    }
)
"""By keyword, what to write in its place."""


def explains_keywords[**P, R](function: Callable[P, R]) -> Callable[P, R]:
    """Make a function refuse unknown keywords with an `OptionError` that says what to write.

    Names of families' parameters are known too: they take formulas. So does ``residual``.
    """
    known = [name for name, p in signature(function).parameters.items() if p.kind != p.VAR_KEYWORD]

    @wraps(function)
    def checked(*args: P.args, **kwargs: P.kwargs) -> R:
        parameters = _parameters(args, kwargs) if set(kwargs).difference(known) else set()
        for name in kwargs:
            if name not in known and name not in parameters:
                candidates = [*known, *sorted(parameters)]
                raise OptionError(_unknown(function.__name__, name, candidates))
        return function(*args, **kwargs)

    return checked


def _parameters(args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> set[str]:
    """Return the names of the parameters of all families, and of one that was given itself."""
    given = [value for value in (*args, *kwargs.values()) if isinstance(value, Family)]
    own = {parameter.name for one in (*FAMILIES.values(), *given) for parameter in one.parameters}
    return own | {RESIDUAL}


def _unknown(function: str, name: str, known: list[str]) -> str:
    said = FOREIGN.get(name)
    remedy: Any = f" {said[0].upper()}{said[1:]}." if said else near_matches(name, known)
    return f"ws.{function} has no option {name!r}.{remedy}"
