"""Keywords of other packages' functions, and what they are called here."""

from __future__ import annotations

import re
from functools import wraps
from inspect import isfunction, signature
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

_STATED: Mapping[str, str] = {
    **dict.fromkeys(("subset", "dropna", "na_action", "missing"), _ROWS),
    "offset": "write offset(x) in the formula",
    "exposure": "write offset(log(x)) in the formula, under a link of log",
    "categorical": "write C(x) in the formula for numbers that are labels",
    "contrasts": "write C(x, Sum) or C(x, Treatment('level')) in the formula",
    "random": "group terms stand in the formula: y ~ x + (1 | g)",
    "groups": "groups stand in the formula: y ~ x + (1 | g)",
    "vc_formula": "group terms stand in the formula: y ~ x + (1 | g) + (1 | h)",
    "re_formula": "group terms stand in the formula: y ~ x + (x | g)",
}
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
        **_STATED,
        "REML": "it is an option of ws.lme: reml=",
        "reml": "it is an option of ws.lme: reml=",
        "weight": "write weights=, the name of a column",
        "by": "ws.fit_each fits a model to each group; to share, write (x | g)",
        "likelihood": "write family=",
        "correlation": "write ar(time, unit), car, cs, toep or unstr in the formula",
        "dispformula": "write sigma= (or phi=, alpha=): the right side of a formula, such as 'x'",
        "ziformula": "write zi= (of hurdle families hu=): the right side of a formula, such as 'x'",
        "nl": "formulas are linear in their coefficients: a curve is s(x), a known one I(exp(-x)); "
        "others are in brms and PyMC",
        "rescor": "one model has one response: fit each by itself, or use brms",
        "idata_kwargs": "take fit.to_arviz(), which has the groups of ArviZ",
    }
)
"""By keyword, what to write in its place."""

_OF_FIT = (
    *("backend", "priors", "prior", "center", "trials", "chains", "warmup", "draws", "iter"),
    *("seed", "target_accept", "cores", "progress", "sampler", "parametrization", "file"),
)
_CLASSICAL: Mapping[str, str] = {
    **_STATED,
    **dict.fromkeys(_OF_FIT, "the model is not sampled: use ws.fit, which has such options"),
    **dict.fromkeys(("family", "link"), "responses are gaussian: use ws.fit, which takes family="),
    **dict.fromkeys(
        ("weights", "weight"), "all rows count alike: use ws.fit, which takes weights="
    ),
}
_PARAMETER = "the residuals of all rows have one sigma, and are independent: use ws.fit, where"
# Of functions that sample nothing.
_OWN: Mapping[str, Mapping[str, str]] = MappingProxyType(
    {
        "lme": {
            **_CLASSICAL,
            **dict.fromkeys(("REML", "method"), "write reml=True or reml=False"),
            **dict.fromkeys(("type", "typ"), "write fit.anova(typ=2) of what ws.lme returns"),
            "ddf": "write df='kenward-roger', 'satterthwaite' or 'normal'",
            "robust": "it is an option of ws.anova",
            "group": "groups stand in the formula: y ~ x + (1 | g)",
        },
        "anova": {
            **_CLASSICAL,
            **dict.fromkeys(("type", "test"), "write typ=1, 2 or 3 for the sums of squares"),
            **dict.fromkeys(("REML", "reml", "df"), "it is an option of ws.lme"),
            **dict.fromkeys(
                ("groups", "random", "subject", "within"), "write group= for the paired analysis"
            ),
        },
    }
)

_PROB = ("prob", "write prob=, a probability such as 0.94")
_GROUPS = ("groups", "write groups=, whose effect it is: 'population', 'typical' or 'these'")
# Of methods: the option to write, where a method has it, and how it is written.
_ANSWERS: Mapping[str, tuple[str, str]] = MappingProxyType(
    {
        **dict.fromkeys(
            ("hdi_prob", "ci_prob", "ci", "level", "conf_level", "cred_mass", "credibility"), _PROB
        ),
        **dict.fromkeys(
            ("re_formula", "re_form", "allow_new_levels", "sample_new_levels", "random"), _GROUPS
        ),
        **dict.fromkeys(
            ("dpar", "component"),
            ("parameter", "write parameter=, the name of one that has a formula"),
        ),
        **dict.fromkeys(("data", "new_data"), ("newdata", "write newdata=, a frame of rows")),
        **dict.fromkeys(("method", "adjust"), ("pairs", "write pairs=, which levels to compare")),
        **dict.fromkeys(("type", "transform"), ("scale", "write scale='response' or 'link'")),
    }
)
_UNEXPECTED = re.compile(r"(?:\w+\.)*(\w+)\(\) got an unexpected keyword argument '(\w+)'")


def explains_keywords[**P, R](function: Callable[P, R]) -> Callable[P, R]:
    """Make a function refuse unknown keywords with an `OptionError` that says what to write.

    Where it takes any, names of families' parameters are known too: they take formulas. So does
    ``residual``.
    """
    options = signature(function).parameters
    known = [name for name, p in options.items() if p.kind != p.VAR_KEYWORD]
    takes_formulas = len(known) < len(options)

    @wraps(function)
    def checked(*args: P.args, **kwargs: P.kwargs) -> R:
        parameters = _parameters(args, kwargs) if set(kwargs).difference(known) else set()
        for name in kwargs:
            if name in known:
                continue
            if not takes_formulas:
                raise OptionError(_unsampled(function.__name__, name, known, parameters))
            if name not in parameters:
                candidates = [*known, *sorted(parameters)]
                raise OptionError(_unknown(function.__name__, name, candidates))
        return function(*args, **kwargs)

    return checked


def explains_methods[C](cls: type[C]) -> type[C]:
    """Make the public methods of a class refuse unknown keywords as `explains_keywords` does."""
    for name, method in tuple(vars(cls).items()):
        if isfunction(method) and not name.startswith("_"):
            setattr(cls, name, _explained(cls, method))
    return cls


def _explained[**P, R](cls: type, method: Callable[P, R]) -> Callable[P, R]:
    own = signature(method).parameters

    @wraps(method)
    def explained(*args: P.args, **kwargs: P.kwargs) -> R:
        try:
            return method(*args, **kwargs)
        except TypeError as error:
            found = _UNEXPECTED.match(str(error))
            if found is None or found[2] not in kwargs or found[2] in own:
                raise
            # What a method hands on is an option of another's, which it is named after
            taken = signature(getattr(cls, found[1], method)).parameters
        known = [name for name in {**own, **taken} if name not in ("fit", "self", "options")]
        option, words = _ANSWERS.get(found[2], ("", ""))
        remedies = {found[2]: words} if option in known else {}
        raise OptionError(_unknown(f"fit.{method.__name__}", found[2], known, remedies))

    return explained


def _parameters(args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> set[str]:
    """Return the names of the parameters of all families, and of one that was given itself."""
    given = [value for value in (*args, *kwargs.values()) if isinstance(value, Family)]
    own = {parameter.name for one in (*FAMILIES.values(), *given) for parameter in one.parameters}
    return own | {RESIDUAL}


def _unsampled(function: str, name: str, known: list[str], parameters: set[str]) -> str:
    """Explain a keyword to those who call a function that takes no formulas of parameters."""
    remedies = _OWN[function]
    if name in parameters and name not in remedies:
        remedies = {name: f"{_PARAMETER} {name}= takes a formula"}
    return _unknown(function, name, known, remedies)


def _unknown(
    function: str, name: str, known: list[str], remedies: Mapping[str, str] = FOREIGN
) -> str:
    said = remedies.get(name)
    remedy: Any = f" {said[0].upper()}{said[1:]}." if said else near_matches(name, known)
    place = "" if "." in function else "ws."
    return f"{place}{function} has no option {name!r}.{remedy}"
