"""Hypotheses: statements on parameters, and their posterior probability."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import product
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from winstan.convergence import convergence
from winstan.effects.expressions import COMPARISONS, RANGE_REMEDY, evaluate_tokens, read_tokens
from winstan.effects.intervals import describe
from winstan.errors import OptionError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from winstan._typing import Array
    from winstan.effects.expressions import Token
    from winstan.model import Model
    from winstan.options import Interval

POINTS = ("=", "==")


@dataclass(frozen=True, slots=True)
class Hypothesis:
    """A hypothesis and its draws.

    Attributes
    ----------
    text : str
    difference : ndarray, shape (chains, draws)
        Left side less right side.
    holds : ndarray of bool, shape (chains, draws)
    """

    text: str
    difference: Array
    holds: np.ndarray


def hypotheses(
    model: Model, posterior: Mapping[str, Array], n_chains: int, texts: str | Sequence[str]
) -> list[Hypothesis]:
    """Evaluate hypotheses on the draws.

    Parameters
    ----------
    model
    posterior : mapping of str to ndarray
        Draws by variable, chains joined, shape (S, *dims).
    n_chains
        That were joined.
    texts
        One hypothesis, or several.

    Raises
    ------
    OptionError
        If one cannot be read, names an unknown parameter, or has no value in some draws.
    """
    if isinstance(texts, str):
        texts = [texts]
    if not isinstance(texts, Iterable) or not list(texts):
        raise OptionError(f"A hypothesis is a string, such as 'stim > 0.1'; got {texts!r}.")
    names = scalar_draws(model, posterior)
    return [_evaluated(text, names, n_chains) for text in texts]


def scalar_draws(model: Model, posterior: Mapping[str, Array]) -> dict[str, Array]:
    """Draws of each scalar parameter, by its name in the summary: shape (S,)."""
    out = {}
    for variable in model.variables:
        values = posterior[variable.name]
        flat = values.reshape(len(values), -1).T
        labels = product(*variable.coords.values())
        for label, draws in zip(labels, flat, strict=True):
            at = f"[{', '.join(map(str, label))}]" if label else ""
            out[f"{variable.name}{at}"] = draws
    return out


def hypothesis_table(found: Sequence[Hypothesis], prob: float, interval: Interval) -> pd.DataFrame:
    """Summarise hypotheses: hypothesis, mean, sd, interval, probability, odds, mcse."""
    rows = []
    for one in found:
        p = float(one.holds.mean())
        row = {"hypothesis": one.text} | describe(one.difference.reshape(-1), prob, interval)
        row["probability"] = p
        row["odds"] = p / (1 - p) if p < 1 else float("inf")
        row["mcse"] = (
            float(convergence(one.holds.astype(float)[:, :, None]).mcse_mean[0])
            if 0 < p < 1
            else float("nan")
        )
        rows.append(row)
    return pd.DataFrame(rows)


def hypothesis_draws(found: Sequence[Hypothesis]) -> pd.DataFrame:
    """Return the draws of left less right in long form: hypothesis, draw, value."""
    texts = [one.text for one in found]
    draws = np.stack([one.difference.reshape(-1) for one in found], axis=1)
    n = len(draws)
    return pd.DataFrame(
        {
            "hypothesis": np.tile(np.array(texts, object), n),
            "draw": np.repeat(np.arange(n), len(texts)),
            "value": draws.reshape(-1),
        }
    )


def _evaluated(text: str, names: Mapping[str, Array], n_chains: int) -> Hypothesis:
    tokens, at = read_hypothesis(text, names)
    if tokens[at].text in POINTS:
        raise OptionError(
            f"The hypothesis {text!r} compares by {tokens[at].text!r}: a continuous parameter "
            "equals a number with probability zero. Ask for a region of practical equivalence, "
            "such as 'abs(a - b) < 0.1' (see p_rope in contrast()), or for a Bayes factor: "
            f"fit.bayes_factor({text!r})."
        )
    difference = evaluate_difference(tokens, at, names, text)
    holds = {
        ">": difference > 0,
        "<": difference < 0,
        ">=": difference >= 0,
        "<=": difference <= 0,
    }[tokens[at].text]
    return Hypothesis(text, difference.reshape(n_chains, -1), holds.reshape(n_chains, -1))


def read_hypothesis(text: str, names: Mapping[str, Array]) -> tuple[list[Token], int]:
    """Cut a hypothesis into tokens, and find its one comparison.

    Raises
    ------
    OptionError
        If it is no text, has an unknown name, or not one comparison.
    """
    if not isinstance(text, str):
        raise OptionError(f"A hypothesis is a string, such as 'stim > 0.1'; got {text!r}.")
    tokens = read_tokens(text, names)
    places = [
        k
        for k, token in enumerate(tokens)
        if token.kind == "operator" and token.text in (*COMPARISONS, *POINTS, "!=")
    ]
    if any(tokens[k].text == "!=" for k in places):
        raise OptionError(
            f"The hypothesis {text!r} compares by '!=', which a continuous parameter always "
            "fulfils. Ask for the contrary of a region, such as 'abs(a - b) > 0.1'."
        )
    if len(places) != 1:
        raise OptionError(
            f"The hypothesis {text!r} has {len(places)} comparisons, and needs one of <, >, <= "
            f"and >=, such as 'stim > 0.1'. {RANGE_REMEDY if places else ''}".rstrip()
        )
    return tokens, places[0]


def evaluate_difference(
    tokens: list[Token], at: int, names: Mapping[str, Array], text: str
) -> Array:
    """Evaluate the left side less the right, draw by draw, shape (S,).

    Raises
    ------
    OptionError
        If it names no parameter, or has no value in some draws.
    """
    left = evaluate_tokens(tokens[:at], names, text)
    right = evaluate_tokens(tokens[at + 1 :], names, text)
    with np.errstate(all="ignore"):
        difference = np.asarray(left - right, float)
    if not difference.ndim:
        raise OptionError(f"The hypothesis {text!r} names no parameter of the model.")
    bad = np.count_nonzero(~np.isfinite(difference))
    if bad:
        raise OptionError(
            f"The hypothesis {text!r} has no finite value in {bad} of {difference.size} draws: it "
            "divides by zero, or takes a logarithm or root of a negative number."
        )
    return difference
