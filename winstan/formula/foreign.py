"""Words of other packages' formulas that winstan's do not have, and what to write instead."""

from __future__ import annotations

from itertools import pairwise
from types import MappingProxyType
from typing import TYPE_CHECKING

from winstan.formula.syntax import Token, formula_error

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

_SMOOTH = (
    'a curve is s(x), s(x, by=cond) for each condition, or s(x, mouse, bs="fs") for each mouse; '
    "surfaces are in mgcv and brms"
)
_PROCESS = (
    "Gaussian processes are by basis functions: hsgp(x), or hsgp(x, by=cond) for each condition"
)
_TIME = (
    "residuals that resemble their neighbours are ar(time, unit), by position, or car(time, unit), "
    "by time; equally correlated ones cs(visit, unit), and toep(visit, unit) and unstr(visit, "
    "unit) have a correlation for each lag, or pair of visits. Moving averages, random walks and "
    "higher orders are in brms"
)
_STRUCTURE = (
    "(x | g) has correlated effects, (x || g) uncorrelated ones; correlations of residuals of one "
    "unit's visits are unstr(visit, unit), toep(visit, unit), cs(visit, unit) and ar(visit, unit), "
    "with spreads by a formula of sigma"
)
_SPATIAL = "spatial correlation is not supported: use brms, or glmmTMB"
_CENSORED = (
    "a response that is censored is censored(y, status) ~ ..., with the status 'none', 'left' or "
    "'right' of each row, or censored(y, upper, status) with 'interval' among them; of one that "
    "was seen between limits only, truncated(y, lb, ub) ~ ..."
)
_ERRORS = (
    "measurement error of a predictor is not supported (that of the response is y | se(s) ~ ...): "
    "let winstan have the rows that a mean was made of, with a group term for their unit, or use "
    "brms"
)
_MISSING = (
    "missing values are not imputed: rows that have any are left out; impute before, or use brms"
)
_MULTI = "one model has one response: fit each by itself, or use brms"
_NONLINEAR = (
    "non-linear formulas are not supported: a formula is a sum of terms. A transform may make it "
    "one (log(y) ~ x for y that decays with x), poly(x, 3) or bs(x, df=5) follow a curve; curves "
    "that have parameters of their own are in brms (nl = TRUE) and lme4 (nlmer)"
)
_MIXTURE = (
    "mixtures of distributions are not supported: zeros apart are the zero_inflated_ and hurdle_ "
    "families, outlying values family='student'; others are in brms and PyMC"
)
_FACTOR = "write C(g) for numbers that are labels; text columns are categories by themselves"
_DISTRIBUTIONAL = (
    "formulas of other parameters stand beside it: ws.fit(['y ~ x', 'sigma ~ x'], ...), or "
    "ws.fit('y ~ x', ..., sigma='x'), or apart by ';' in one string"
)
_SUBSET = "take the rows out of the data before: data[condition]"

FOREIGN: Mapping[str, str] = MappingProxyType(
    {
        **dict.fromkeys(("t2", "te", "ti", "sm", "lo", "smooth"), _SMOOTH),
        **dict.fromkeys(("ns", "cr", "cc", "rcs", "pspline"), _SMOOTH),
        **dict.fromkeys(("gp",), _PROCESS),
        **dict.fromkeys(
            ("arma", "ma", "cosy", "ar1", "car1", "ou", "cor_ar", "cor_arma", "rw", "rw1"),
            _TIME,
        ),
        **dict.fromkeys(("AR", "corAR1", "corCAR1", "corCompSymm", "autocor"), _TIME),
        **dict.fromkeys(
            (
                "us",
                "diag",
                "homcs",
                "homdiag",
                "hetar1",
                "rr",
                "homtoep",
                "equalto",
                "propto",
            ),
            _STRUCTURE,
        ),
        **dict.fromkeys(("sar", "exp_spatial", "mat", "gau", "besag", "icar"), _SPATIAL),
        "Surv": f"{_CENSORED}. The event of Surv is 1 where it was seen; here that is 'none', or 0",
        "constrained": _CENSORED,
        "me": _ERRORS,
        "mi": _MISSING,
        **dict.fromkeys(("mvbind", "mvbf", "set_rescor"), _MULTI),
        "c": f"{_MULTI}. For successes and trials write p(successes, trials)",
        "cbind": "for successes and failures make a column of trials, their sum, and write "
        f"p(successes, trials); as for several responses, {_MULTI}",
        "mm": "multi-membership is not supported: make rows of one member each, or use brms",
        "mmc": "multi-membership is not supported: make rows of one member each, or use brms",
        "gr": "it stands around a grouping factor: (1 | gr(g, by=column))",
        "weights": "give weights= to ws.fit, the name of a column of frequency weights",
        "trials": "write p(successes, trials) ~ ..., or give trials= to ws.fit",
        "rate": "write y ~ ... + offset(log(exposure)), under a link of log",
        "subset": _SUBSET,
        "dec": "drift diffusion models are not supported: use brms or HSSM",
        **dict.fromkeys(
            ("vint", "vreal", "index"),
            "it serves families that winstan does not have; use brms",
        ),
        "thres": "categories are counted from the response: declare those that no row has, with "
        "pd.Categorical(y, categories=[...], ordered=True)",
        "cat": "categories are counted from the response: declare those that no row has, with "
        "pd.Categorical(y, categories=[...])",
        **dict.fromkeys(("bf", "brmsformula", "lf"), _DISTRIBUTIONAL),
        **dict.fromkeys(("nl", "nlf", "set_nl", "nlmer"), _NONLINEAR),
        **dict.fromkeys(("SSlogis", "SSasymp", "SSfpl", "SSmicmen", "SSbiexp"), _NONLINEAR),
        **dict.fromkeys(("SSfol", "SSgompertz", "SSweibull", "SSasympOff"), _NONLINEAR),
        "mixture": _MIXTURE,
        "re": "a random intercept is a group term: write (1 | g)",
        "random": "a random intercept is a group term: write (1 | g)",
        "fe": "a fixed effect is the column by itself: write g, or C(g) for numbers",
        "Error": "a stratum of an analysis of variance is a group term: write (1 | g), or use "
        "ws.anova",
        "strata": "write C(g) for levels that differ, or (1 | g) for groups",
        **dict.fromkeys(("factor", "as.factor", "as_factor", "ordered", "as.numeric"), _FACTOR),
        "rank": "make a column first: data['x'].rank()",
        "ln": "the natural logarithm is log()",
        "ifelse": "write where(x > 1, a, b), or make a column first",
        **dict.fromkeys(
            ("cut", "cut_number", "ntile"),
            "make a column first, by pd.cut or pd.qcut; bin(x, n) rounds numbers",
        ),
        "relevel": "write C(g, Treatment('level')), with the reference level",
        "interaction": "write a:b",
        **dict.fromkeys(
            ("lag", "lagged"),
            "make a column of the previous values first; a formula does not know the rows' order",
        ),
    }
)
"""By the name of a call: what it would be, and what to do."""

_WRAPPERS = ("bf", "brmsformula", "mvbf", "lf", "nlf", "mvbind")
# What a wrapped formula may have in it, whatever else it has.
_INSIDE = ("nl", "nlf", "set_nl", "mvbind", "set_rescor", "mi", "me", "gp", "mixture")


def foreign_call(name: str) -> str | None:
    """Say what to write in place of a call of another package; None if it is not known.

    ``resp_cens`` is ``cens``, as brms has both.
    """
    said = FOREIGN.get(name, FOREIGN.get(name.removeprefix("resp_")))
    return None if said is None else f"there is no '{name}()' in winstan's formulas: {said}."


def check_left(left: Sequence[Token], source: str) -> None:
    """Refuse several responses: ``y, y2``.

    Raises
    ------
    FormulaError
    """
    depth = 0
    for token in left:
        depth += {"(": 1, "[": 1, "{": 1, ")": -1, "]": -1, "}": -1}.get(token.text, 0)
        if token.text == "," and _only_brackets(left, depth):
            raise formula_error(
                f"the left side has several responses: {_MULTI}.", source, token.pos
            )


def _only_brackets(left: Sequence[Token], depth: int) -> bool:
    """Whether a comma at this depth parts responses: ``y, y2`` and ``(y, y2)``, not ``p(y, n)``."""
    return depth == 0 or (depth == 1 and left[0].text in ("(", "["))


def check_wrapped(tokens: Sequence[Token], source: str) -> None:
    """Refuse formulas inside another package's call: ``bf(y ~ x, sigma ~ x)``."""
    if len(tokens) > 1 and tokens[0].text in _WRAPPERS and tokens[1].text == "(":
        for token, after in pairwise(tokens):
            said = foreign_call(token.text) if token.text in _INSIDE else None
            if said is not None and after.text in ("(", "="):
                raise formula_error(said, source, token.pos)
        inside = any(token.text == "~" for token in tokens)
        closes = next((i for i, t in enumerate(tokens) if t.text == ")"), 0)
        if inside and all(token.text != "~" for token in tokens[closes + 1 :]):
            raise formula_error(
                f"there is no '{tokens[0].text}()': write the formula alone, y ~ x; "
                f"{_DISTRIBUTIONAL}.",
                source,
                tokens[0].pos,
            )


def second_tilde(source: str, token: Token) -> Exception:
    """Refuse a second formula, such as ``y ~ x, sigma ~ z``."""
    return formula_error(f"there is more than one '~'; {_DISTRIBUTIONAL}.", source, token.pos)
