"""What formulas and frames are fuzzed with, and how many of them."""

from __future__ import annotations

import os
import string
from typing import Any

import numpy as np
import pandas as pd
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st

COLUMNS = ("y", "x", "z", "cond", "dose", "g", "h", "t", "w", "flag", "`odd name`")
FUNCTIONS = ("log", "sqrt", "np.log", "np.exp", "I", "C", "center", "scale", "poly", "bs", "mo")
FUNCTIONS += ("offset", "between", "within", "s", "hsgp", "cs", "where", "np.where", "cens", "gr")
FUNCTIONS += ("abs", "S", "T", "ns", "cr", "cc", "mm", "np.load", "eval", "p", "trunc", "resp_se")
CALLS = tuple(f"{name}(" for name in FUNCTIONS)
TOKENS = (*COLUMNS, *FUNCTIONS, *CALLS, *"+-*/:^|~()[]{},=<>.%;`'\"\\", "**", "||", "0", "1", "2")
TOKENS += ("1e3", ".5", "1|", "|g)", "(1", " ", "\n", "None", "True", "'a'")
TOKENS += ("\x00", "\u00e9", "\u0663")
NUMBERS = ("0", "1", "2", "3", "-1", "0.5", "1e3", "1e400", "9" * 30)

name = st.sampled_from(COLUMNS)


def examples(few: int, share: float = 1.0) -> Any:
    """Return hypothesis' settings: few examples in the suite, many where `make fuzz` asks."""
    many = os.environ.get("WINSTAN_FUZZ")
    return settings(
        max_examples=max(few, int(float(many) * share)) if many else few,
        derandomize=not many,
        database=None,
        deadline=None,
        suppress_health_check=list(HealthCheck),
    )


def _expression(below: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    function = st.sampled_from(FUNCTIONS)
    option = st.sampled_from(("df=4", "by=cond", "k=3", "out=x", "bs='fs'", "2"))
    power = st.sampled_from(("2", "3", "0", "99", "x"))
    return st.one_of(
        st.tuples(below, st.sampled_from("+-*/:"), below).map(" ".join),
        st.tuples(below, power).map("^".join),
        below.map("({})".format),
        below.map("I({})".format),
        below.map("-{}".format),
        st.tuples(function, below).map(lambda parts: "{}({})".format(*parts)),
        st.tuples(function, below, below | option).map(lambda parts: "{}({}, {})".format(*parts)),
    )


expression = st.recursive(name | st.sampled_from(NUMBERS), _expression, max_leaves=6)
bar = st.sampled_from((" | ", " || ", " |p| "))
factor = st.sampled_from(("g", "h", "g:h", "g/h", "cond", "x", "g + h", "gr(g, by=cond)"))
group = st.tuples(expression, bar, factor).map(lambda parts: f"({''.join(parts)})")
addend = expression | group | st.sampled_from(("1", "0"))
right = st.lists(addend, min_size=1, max_size=4).map(" + ".join)
LEFT = (
    "y",
    "y",
    "y",
    "log(y)",
    "y | w",
    "y ~ y",
    "cond",
    "flag",
    "y[1]",
    "p(dose, t)",
    "I(y*2)",
    "",
)
left = st.sampled_from(LEFT)
grammatical = st.tuples(left, right).map(" ~ ".join)
soup = st.lists(st.sampled_from(TOKENS), max_size=14).map("".join)
printed = st.text(alphabet=string.printable + "\u00e9\u0663\u2029\u00b2", max_size=24)
characters = printed.map("y ~ {}".format)


@st.composite
def spoilt(draw: Any) -> str:
    """A formula with some of its characters left out, doubled or put elsewhere."""
    text = draw(grammatical)
    for _ in range(draw(st.integers(1, 3))):
        at = draw(st.integers(0, max(len(text) - 1, 0)))
        put = draw(st.sampled_from(("", *TOKENS)))
        text = text[:at] + put + text[at + draw(st.integers(0, 2)) :]
    return text


formulas = st.one_of(grammatical, grammatical, soup, characters, spoilt())


def _numbers(rng: np.random.Generator, n: int) -> np.ndarray:
    return 40 + 9 * rng.normal(size=n)


def _labels(rng: np.random.Generator, n: int) -> np.ndarray:
    return rng.choice(["a", "b", "c"], n)


KINDS = {
    "numbers": _numbers,
    "positive": lambda rng, n: rng.gamma(2.0, 3.0, n),
    "shares": lambda rng, n: rng.beta(2.0, 3.0, n),
    "counts": lambda rng, n: rng.poisson(3.0, n),
    "ones": lambda rng, n: rng.integers(0, 2, n),
    "flags": lambda rng, n: rng.random(n) < 0.5,
    "labels": _labels,
    "groups": lambda rng, n: rng.choice([f"g{i}" for i in range(7)], n),
    "categories": lambda rng, n: pd.Categorical(_labels(rng, n), categories=list("cbad")),
    "ordered": lambda rng, n: pd.Categorical(_labels(rng, n), categories=list("abc"), ordered=True),
    "constant": lambda rng, n: np.full(n, 2.0),
    "zeros": lambda rng, n: np.zeros(n),
    "huge": lambda rng, n: 1e300 * rng.normal(size=n),
    "tiny": lambda rng, n: 1e-300 * rng.random(n),
    "far": lambda rng, n: 1e12 + rng.normal(size=n),
    "days": lambda rng, n: pd.Timestamp("2024-03-01") + pd.to_timedelta(rng.integers(0, 9, n), "D"),
    "texts": lambda rng, n: np.array([f"{v:.1f}" for v in _numbers(rng, n)], object),
    "own": lambda rng, n: np.array([f"row {i}" for i in range(n)], object),
    "objects": lambda rng, n: np.array([*rng.normal(size=n).tolist()], object),
    "lists": lambda rng, n: np.array([*([[1, 2]] * n), None], object)[:n],
    "complex": lambda rng, n: rng.normal(size=n) + 1j,
    "nothing": lambda rng, n: np.full(n, np.nan),
    "nullable": lambda rng, n: pd.array(rng.integers(0, 5, n), dtype="Int64"),
}
"""Columns, by what is in them."""
LIKELY = {
    "y": ("numbers", "positive", "shares", "counts", "ones", "labels", "ordered"),
    "x": ("numbers", "positive", "counts"),
    "z": ("numbers", "shares"),
    "cond": ("labels", "categories", "flags"),
    "dose": ("ordered", "counts"),
    "g": ("groups",),
    "h": ("groups", "labels"),
    "t": ("counts", "positive"),
    "w": ("counts",),
    "flag": ("flags", "ones"),
    "odd name": ("numbers",),
}
SPOILS = (np.nan, np.inf, -np.inf, None, 1e308, -1.0, "text", pd.NaT, True)


@st.composite
def frames(draw: Any) -> pd.DataFrame:
    """A frame of the columns that formulas name: most as they should be, some not."""
    n = draw(st.sampled_from((30, 30, 30, 30, 12, 5, 3, 2, 1, 0)))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    data = {}
    for column, likely in LIKELY.items():
        odd = draw(st.integers(0, 11)) == 0
        data[column] = KINDS[draw(st.sampled_from((*KINDS,) if odd else likely))](rng, n)
    frame = pd.DataFrame(data)
    if n and draw(st.integers(0, 3)) == 0:
        column = draw(st.sampled_from([*LIKELY]))
        values = frame[column].astype(object)
        values.iloc[draw(st.integers(0, n - 1))] = draw(st.sampled_from(SPOILS))
        frame[column] = values
    return frame


SIMPLE = ("x", "cond", "z", "x*cond", "log(t)", "poly(x, 2)", "C(dose)", "mo(dose)", "scale(x)")
SIMPLE += ("offset(z)", "(1|g)", "(x|g)", "(x||g)", "(1|g/h)", "(cond|g)", "s(x)", "hsgp(x)", "0")
SIMPLE += ("bs(x, df=4)", "`odd name`", "flag", "I(x**2)", "between(x, g)", "(1|h)", "x:z", "w")
SIMPLE += ("np.exp(z)", "gr", "(1|gr(g, by=cond))", "within(x, g)", "cs(x)", "(x |p| g)", "dose")
RESPONSES = ("y", "y", "y", "y", "log(y)", "p(w, t)", "censored(y, flag)", "se(y, t)")
OTHERS = ("", "", "", "", "; sigma ~ x", "; alpha ~ cond + (1|g)", "; phi ~ z", "; zi ~ x")
plausible = st.tuples(
    st.sampled_from(RESPONSES),
    st.lists(st.sampled_from(SIMPLE), min_size=1, max_size=3).map(" + ".join),
    st.sampled_from(OTHERS),
).map(lambda parts: "{} ~ {}{}".format(*parts))
