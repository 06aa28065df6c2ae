"""`Horseshoe` and `R2D2` in programs for readers: their numbers, and the sd of each coefficient."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from winstan.backends.program_names import number
from winstan.priors import R2D2

if TYPE_CHECKING:
    from winstan.model import Model


@dataclass(frozen=True, slots=True)
class Language:
    """How a program writes what it needs.

    Attributes
    ----------
    square, sqrt : str
        With ``{}`` where the argument is.
    first : int
        The index of a vector's first element.
    """

    square: str
    sqrt: str
    first: int


STAN = Language("square({})", "sqrt({})", 1)
PYMC = Language("({})**2", "pm.math.sqrt({})", 0)


def sd_of(model: Model, label: str, language: Language) -> str:
    """Write the prior's sd of a coefficient that is shrunk, by the name that tables have."""
    shrinkage = model.shrinkage
    assert shrinkage is not None
    j = shrinkage.labels.index(label)
    i = j + language.first
    noise = (
        "" if shrinkage.sigma is None else f"{model.likelihood.scalars[shrinkage.sigma].name} * "
    )
    unit = f"{noise}{number(shrinkage.unit[j])}"
    if isinstance(shrinkage.prior, R2D2):
        return f"{unit} * " + language.sqrt.format(f"R2D2_phi[{i}] * R2D2_R2 / (1 - R2D2_R2)")
    wide = f"hs_global * hs_local[{i}]"
    return f"{unit} / " + language.sqrt.format(f"1 / {language.square.format(wide)} + 1 / hs_slab")


def stan_numbers(model: Model) -> tuple[list[str], list[str]]:
    """Write the declarations of its numbers, and their priors, in Stan."""
    shrinkage = model.shrinkage
    if shrinkage is None:
        return [], []
    n = len(shrinkage.at)
    if isinstance(shrinkage.prior, R2D2):
        first = shrinkage.priors[0]
        said = first.stan.format(*map(number, first.numbers))
        cons = number(shrinkage.prior.cons_D2)
        return (
            ["real<lower=0, upper=1> R2D2_R2;", f"simplex[{n}] R2D2_phi;"],
            [f"R2D2_R2 ~ {said};", f"R2D2_phi ~ dirichlet(rep_vector({cons}, {n}));"],
        )
    names = ("hs_global", "hs_slab", "hs_local")
    lines = [
        f"{name} ~ {prior.stan.format(*map(number, prior.numbers))};"
        for name, prior in zip(names, shrinkage.priors[:3], strict=True)
    ]
    scalars = [f"real<lower=0> {name};" for name in names[:2]]
    return [*scalars, f"vector<lower=0>[{n}] hs_local;"], lines


def pymc_numbers(model: Model) -> list[str]:
    """Write its numbers with their priors in PyMC."""
    shrinkage = model.shrinkage
    if shrinkage is None:
        return []
    n = len(shrinkage.at)
    if isinstance(shrinkage.prior, R2D2):
        alpha, beta = map(number, shrinkage.priors[0].numbers)
        cons = number(shrinkage.prior.cons_D2)
        phi = f'pm.Dirichlet("R2D2_phi", a=np.full({n}, {cons}))' if n > 1 else "[1.0]"
        return [
            f'R2D2_R2 = pm.Beta("R2D2_R2", alpha={alpha}, beta={beta})',
            f"R2D2_phi = {phi}",
        ]
    lines = []
    for name, prior in zip(("hs_global", "hs_slab", "hs_local"), shrinkage.priors[:3], strict=True):
        numbers = "".join(f", {key}={number(value)}" for key, value in prior.pymc_numbers.items())
        shape = f", shape={n}" if name == "hs_local" else ""
        kind = prior.pymc_name("positive")
        lines.append(f'{name} = pm.{kind}("{name}"{numbers}{shape})')
    return lines
