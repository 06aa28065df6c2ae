"""Statements of Stan programs for readers: declarations, priors, sums, links, numbers."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from winstan import priors as pr
from winstan.backends.program_names import number

if TYPE_CHECKING:
    from winstan.backends.program_pieces import Column, Group, Thresholds
    from winstan.families.links import Link


# Inverse links, where Stan has no distribution with the link built in.
INVERSE = {
    "identity": "{}",
    "log": "exp({})",
    "inverse": "inv({})",
    "sqrt": "square({})",
    "logit": "inv_logit({})",
    "probit": "Phi({})",
    "cloglog": "inv_cloglog({})",
    "tan_half": "2 * atan({})",
    "softmax": "{}",
}
TYPES = {
    "real": "vector[N]",
    "positive": "vector<lower=0>[N]",
    "nonnegative": "vector<lower=0>[N]",
    "unit": "vector<lower=0, upper=1>[N]",
    "circular": "vector<lower=-pi(), upper=pi()>[N]",
    "proportion": "vector<lower=0, upper=1>[N]",
    "count": "array[N] int<lower=0>",
    "binary": "array[N] int<lower=0, upper=1>",
    "level": "array[N] int<lower=1, upper={J}>",
    "ordered": "array[N] int<lower=1, upper={J}>",
    "status": "array[N] int<lower=-1, upper=2>",  # left, none, right, interval
    "unordered": "array[N] int<lower=1, upper={J}>",
    "basis": "matrix[N, {J}]",
}


def declaration(column: Column) -> str:
    """Declare a column of the data."""
    return TYPES[column.kind].format(J=column.levels) + f" {column.name};"


def bounds_of(prior: pr.Prior) -> str:
    """Write the bounds of a parameter's declaration."""
    names = ("lower", "upper")
    said = [
        f"{name}={stan_number(bound)}"
        for name, bound in zip(names, prior.bounds, strict=True)
        if math.isfinite(bound)
    ]
    return f"<{', '.join(said)}>" if said else ""


def vector(name: str, terms: list[str], link: Link | None = None) -> list[str]:
    """Declare a linear predictor, or with a link what it predicts; a term a line."""
    written = "{}" if link is None else inverse_of(link)
    before, _, after = written.partition("{}")
    head = f"vector[N] {name} = {before}"
    plus = "\n" + " " * (len(head) - 2) + "+ "
    return (head + plus.join(terms) + f"{after};").split("\n")


def inverse_of(link: Link) -> str:
    """Write an inverse link, with braces for the linear predictor."""
    return f"{stan_number(link.origin)} + " * bool(link.origin) + INVERSE[link.name]


def effects_of(g: Group) -> list[str]:
    """Declare a group term's effects, made of standard normals."""
    J = g.level.levels
    if len(g.columns) == 1:
        return [f"vector[{J}] u_{g.tail} = sd_{g.tail} * z_{g.tail};"]
    if g.lkj is None:
        scale = f"diag_matrix(sd_{g.tail})"
    else:
        scale = f"diag_pre_multiply(sd_{g.tail}, L_{g.tail})'"
    return [f"matrix[{J}, {len(g.columns)}] u_{g.tail} = z_{g.tail} * {scale};"]


def prior_of(name: str, prior: pr.Prior) -> str:
    """Write the prior of a number."""
    if isinstance(prior, pr.Flat):
        return f"// {name}: flat"
    if isinstance(prior, pr.Constant):
        return f"// {name}: constant"
    return f"{name} ~ {prior.stan.format(*map(stan_number, prior.numbers))};"


def prior_of_thresholds(own: Thresholds, link: Link) -> list[str]:
    """Write the prior of thresholds: of each, or by the categories' probabilities."""
    name, prior = own.name, own.prior
    if not isinstance(prior, pr.Dirichlet):
        return [prior_of(name, prior)]
    density = {
        "logit": f"{name} ~ logistic(0, 1);",
        "probit": f"{name} ~ std_normal();",
        "cloglog": f"target += sum({name} - exp({name}));",
    }[link.name]
    shares = "the categories' probabilities at the mean of the predictors"
    lines = [f"// Dirichlet({stan_number(prior.numbers[0])}) on {shares}", density]
    if prior.numbers[0] != 1:
        below = INVERSE[link.name].format(name)
        made = f"log(append_row({below}, 1) - append_row(0, {below}))"
        lines.append(f"target += {stan_number(prior.numbers[0] - 1)} * sum({made});")
    return lines


def stan_number(value: float) -> str:
    """Write a number as Stan reads it."""
    text = number(value)
    # Without a point Stan reads an integer, which must stay below 2^31.
    return text if abs(value) < 1e9 or not text.lstrip("-").isdigit() else f"{text}.0"
