"""Families and links by the names that other packages have for them.

A name of the same distribution is accepted (`Family.aliases`); a distribution that winstan does not
have is refused by its own name, with what comes near (`FOREIGN`).
"""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

_ORDINAL = (
    "of ordered categories there are 'cumulative', 'sratio' (whether each category that is reached "
    "is the last) and 'acat'; brms has cratio, whose logit model is sratio's with other signs"
)
_PROPORTION = (
    "continuous proportions between 0 and 1 are family='beta'; family='gaussian' on the column's "
    "logit is the logit-normal distribution itself"
)
_ENDS = (
    "shares of exactly 0 among others are family='ordered_beta', whose ends follow the mean, or "
    "'zero_one_inflated_beta', whose ends have probabilities of their own; both may have no ones"
)
_INFLATED = (
    "of families with zeros of their own there are those of counts (zero_inflated_poisson, "
    "hurdle_poisson, and negative_binomial in place of poisson), of positive numbers "
    "(hurdle_gamma, hurdle_lognormal) and of successes (zero_inflated_binomial); others are in "
    "brms and glmmTMB"
)
_QUASI = (
    "a quasi-likelihood has no posterior: counts that vary more than their mean fit "
    "family='negative_binomial', and such successes family='beta_binomial'"
)
_SKEWED = (
    "winstan's positive, right-skewed families are 'gamma' and 'lognormal', either of which comes "
    "close; the family itself is in bambi or brms"
)

FOREIGN: Mapping[str, str] = MappingProxyType(
    {
        **dict.fromkeys(("logit_normal", "logitnormal"), _PROPORTION),
        **dict.fromkeys(("zero_inflated_beta", "zi_beta", "one_inflated_beta"), _ENDS),
        **dict.fromkeys(
            ("ocat", "cratio"),
            _ORDINAL,
        ),
        "dirichlet": "shares that add up to one are in brms and bambi; counts of categories are "
        "family='categorical'",
        **dict.fromkeys(
            (
                *("hurdle_cumulative", "zero_inflated_beta_binomial"),
                *("truncated_poisson", "truncated_nbinom2", "truncated_nbinom1"),
            ),
            _INFLATED,
        ),
        **dict.fromkeys(("quasi", "quasipoisson", "quasi_poisson", "quasibinomial"), _QUASI),
        "frechet": _SKEWED,
        **dict.fromkeys(("gen_extreme_value", "gumbel"), _SKEWED),
        "tweedie": "zeros among positive values are modelled by family='hurdle_gamma'; the family "
        "itself is in glmmTMB and mgcv",
        **dict.fromkeys(
            ("compois", "com_poisson", "genpois"),
            "family='negative_binomial' has counts that vary more than Poisson's; those that "
            "vary less are in glmmTMB",
        ),
        **dict.fromkeys(
            ("wrapped_normal", "projected_normal", "wrapped_cauchy", "cardioid", "pvm"),
            "angles are family='von_mises'",
        ),
        **dict.fromkeys(
            ("asymmetric_laplace", "asymmetriclaplace", "laplace", "asym_laplace", "quantile"),
            "quantile regression is not modelled: family='student' is not moved by outlying "
            "values either; bambi and brms have asymmetric Laplace",
        ),
        **dict.fromkeys(
            ("cox", "coxph", "cox_ph", "survival"),
            "times with censoring are censored(y, status) ~ ... with family='weibull', 'gamma', "
            "'lognormal' or 'exponential'; for proportional hazards use lifelines",
        ),
        **dict.fromkeys(
            ("logistic", "logit"), "logistic regression is family='bernoulli', whose link is logit"
        ),
        "probit": "probit regression is family='bernoulli', link='probit'",
        "von_bertalanffy": "non-linear curves are not modelled: use brms",
        **dict.fromkeys(("wiener", "ddm"), "drift diffusion is not modelled: use HSSM or brms"),
        **dict.fromkeys(
            ("mixture", "mix", "gaussian_mixture", "normal_mixture", "finite_mixture"),
            "mixtures of distributions are not modelled: zeros apart are the zero_inflated_ and "
            "hurdle_ families, outlying values family='student'; others are in brms and PyMC",
        ),
        "custom_family": "ws.register_family makes a family of your own known, by its Stan program",
        **dict.fromkeys(("discrete_weibull", "binomial_n"), "the family itself is in bambi"),
        "truncated_normal": "truncated responses are truncated(y, lb, ub) ~ ... of another family",
    }
)
"""By name, what comes near and which packages have it."""

LINKS: Mapping[str, str] = MappingProxyType(
    {
        "log10": "link='log' is the same model: its coefficients are 2.303 times log10's",
        "log2": "link='log' is the same model: its coefficients are 0.693 times log2's",
        "log1p": "use link='log', or transform the response: log1p(y) ~ ...",
        "cauchit": "link='logit' comes near",
        "loglog": "link='cloglog' of the other level is the same, with coefficients of the other "
        "sign",
        "inverse_squared": "link='inverse' or link='log' come near",
        "1/mu^2": "link='inverse' or link='log' come near",
        "softplus": "link='log' comes near",
        "squareplus": "link='log' comes near",
        "reciprocal": "link='inverse' is the same",
        "power": "use link='sqrt' where the family has it, or link='log'",
        "tan_half": "it is the link of directions, of family='von_mises'",
        "probit_approx": "use link='probit'",
    }
)
"""By name, what to write in place of a link that winstan does not have."""

_BETWEEN = frozenset({"logit", "probit", "cloglog"})


def key_of(name: str) -> str:
    """Write the name of a family as the tables have it: ``inverse.gaussian`` is one."""
    key = name.strip().lower()
    for sign in "-. ":
        key = key.replace(sign, "_")
    return key.removesuffix("()")


def link_remedy(link: str, family_links: tuple[str, ...]) -> str:
    """Say what to do about a link that a family does not have."""
    key = link.strip().lower()
    if key in LINKS:
        return f" In place of {link}: {LINKS[key]}."
    if key == "logit" and family_links == ("softmax",):
        return " Its linear predictors are log odds against the reference category."
    if key in _BETWEEN and key not in family_links:
        return (
            f" {key} is for probabilities: family='bernoulli' for a response of two levels, "
            "'binomial' for successes of trials, 'beta' for other proportions."
        )
    if key in ("log", "identity", "sqrt", "inverse") and set(family_links) <= _BETWEEN:
        return (
            f" Under {key} a probability would leave 0 to 1: contrast() gives differences and, "
            "with ratio=True, ratios of probabilities under any link."
        )
    return ""
