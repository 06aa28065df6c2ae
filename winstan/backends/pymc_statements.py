"""Statements of PyMC programs for readers: variables with their priors, sums, what is reported."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from winstan.backends.program_names import number, quote
from winstan.draws import tree_name
from winstan.priors import Constant

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from winstan.backends.program_names import Names
    from winstan.priors import Prior

_WIDTH = 84


class Called:
    """What PyMC is to call variables and dims, each name given once.

    Parameters
    ----------
    names
        Identifiers of the program.
    taken
        What the model's own parameters and dims are called.
    """

    def __init__(self, names: Names, taken: Iterable[str]) -> None:
        self.names = names
        self._taken = set(taken)  # PyMC keeps the names of variables and of dims apart

    def new(self, text: str) -> str:
        """Find a name that no other variable or dim of PyMC's has."""
        text = tree_name(text)  # PyMC allows no slash
        while text in self._taken:
            text += "_"
        self._taken.add(text)
        return text

    def variable(
        self,
        name: str,
        called: str,
        priors: Sequence[Prior],
        labels: Sequence[str] = (),
        dims: tuple[str, ...] = (),
        *,
        domain: str = "real",
    ) -> list[str]:
        """Write a parameter, scalar or a vector with a prior for each label."""
        if not labels:
            return prior_of(name, called, priors, domain=domain)
        if len({prior.pymc_name(domain) for prior in priors}) == 1:
            return prior_of(name, called, priors, domain=domain, dims=dims)
        elements = [self.names.new(f"{name}_{label}") for label in labels]
        lines = []
        for element, label, prior in zip(elements, labels, priors, strict=True):
            inside = self.new(f"{called}[{label}]")
            lines += prior_of(element, inside, [prior], domain=domain)
        lines += statement(f"{name} = pm.math.stack([", elements, "])")
        return lines + deterministic(called, name, quote(dims[0]))


def prior_of(
    name: str,
    called: str,
    priors: Sequence[Prior],
    *,
    domain: str = "real",
    dims: tuple[str, ...] = (),
) -> list[str]:
    """Write a variable: priors of one kind, with a number for each element or one for all."""
    arguments = [quote(tree_name(called))]
    if isinstance(priors[0], Constant):
        said = ", ".join(number(prior.numbers[0]) for prior in priors)
        arguments.append(f"pm.math.constant({f'[{said}]' if dims else said})")
        if dims:
            arguments.append(f"dims={quote(dims[0])}")
        return statement(f"{name} = pm.Deterministic(", arguments, ")")
    kind, by_prior = priors[0].pymc_name(domain), [prior.pymc_numbers for prior in priors]
    for parameter in by_prior[0]:
        numbers = [_number(own[parameter]) for own in by_prior]
        same = len(set(numbers)) == 1
        arguments.append(f"{parameter}={numbers[0] if same else '[' + ', '.join(numbers) + ']'}")
    if dims:
        arguments.append(f"dims={quote(dims[0])}")
    return statement(f"{name} = pm.{kind}(", arguments, ")")


def _number(value: float) -> str:
    return number(value) if np.isfinite(value) else "np.inf" if value > 0 else "-np.inf"


def normal(name: str, called: str, dims: str) -> list[str]:
    """Write z-scores."""
    arguments = [quote(tree_name(called)), "mu=0", "sigma=1", f"dims={dims}"]
    return statement(f"{name} = pm.Normal(", arguments, ")")


def deterministic(called: str, value: str, dims: str) -> list[str]:
    """Write what is to be reported under a name of winstan's."""
    return statement("pm.Deterministic(", [quote(tree_name(called)), value, f"dims={dims}"], ")")


def statement(head: str, arguments: Sequence[str], tail: str) -> list[str]:
    """Write a call, an argument a line where it would be long."""
    line = head + ", ".join(arguments) + tail
    if len(line) <= _WIDTH:
        return [line]
    return [head, *(f"    {argument}," for argument in arguments), tail]


def total(name: str, terms: Sequence[str]) -> list[str]:
    """Write a sum, whose terms bring their signs; a term a line where it would be long."""
    line = f"{name} = {' '.join(terms)}"
    if len(line) <= _WIDTH:
        return [line]
    return [f"{name} = (", *(f"    {term}" for term in terms), ")"]
