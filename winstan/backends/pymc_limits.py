"""Responses with limits, and those with ends, as a PyMC program for readers states them."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from winstan.errors import BackendError

if TYPE_CHECKING:
    from winstan.backends.program_names import Names
    from winstan.backends.program_parts import Parts
    from winstan.families.distribution import Distribution
    from winstan.model import Model


def check_limits(model: Model) -> None:
    """Refuse limits that PyMC has no distribution of."""
    limits, written = model.design.response.limits, model.family.pymc
    if limits is None:
        return
    censored = limits.status is not None
    what = {
        "limits of a response that is taken beyond a shift": written and written.of != "{y}",
        "intervals": limits.upper is not None,
        "responses that are both censored and truncated": censored and limits.truncated,
        "censored counts": censored and model.family.whole,
        "weights of censored rows": censored and model.design.weights is not None,
    }
    for words, is_there in what.items():
        if is_there:
            raise BackendError(
                f"code('pymc') does not write {words}: fit.code('stan') does, and fit.pymc_model "
                "has them."
            )


def limited(parts: Parts, names: Names, name: str, said: str) -> tuple[list[str], str, str]:
    """Wrap a distribution in what PyMC has for limits; known errors are in its scale.

    Parameters
    ----------
    parts
    names
        Those of the program.
    name, said : str
        The distribution, and its arguments: ``Normal`` and ``mu=mu, sigma=sigma``.

    Returns
    -------
    list of str
        Lines that come before.
    str, str
        The distribution and its arguments.
    """
    limits, y = parts.limits, parts.response.name
    if "error" in limits:
        error = limits["error"].name
        scale = f"pm.math.sqrt(sigma**2 + {error}**2)" if parts.model.family.noise else error
        said = re.sub(r"\bsigma=sigma\b", f"sigma={scale}", said)
    if "status" not in limits:
        ends = {"lower": limits.get("lb"), "upper": limits.get("ub")}
        bounds = "".join(f", {end}={c.name}" for end, c in ends.items() if c is not None)
        return ([], "Truncated", f"pm.{name}.dist({said}){bounds}") if bounds else ([], name, said)
    lower, upper, status = names.new("lower"), names.new("upper"), limits["status"].name
    lines = [
        f"{lower} = np.where({status} == -1, {y}, -np.inf)",
        f"{upper} = np.where({status} == 1, {y}, np.inf)",
    ]
    return lines, "Censored", f"pm.{name}.dist({said}), lower={lower}, upper={upper}"


def with_ends(parts: Parts, written: Distribution, said: str, called: str) -> list[str]:
    """Write the density of rows that is another at zero and at one, as the potential `called`."""
    y, weight = parts.response.name, parts.weight
    total = f"({weight.name} * likelihood).sum()" if weight else "likelihood.sum()"
    zero, one, above = (
        text.format(y="density") for text in (written.zero, written.one, written.above)
    )
    return [
        f"within = np.where(({y} > 0) & ({y} < 1), {y}, 0.5)  # ends have cases of their own",
        f"density = pm.logp(pm.{written.name}.dist({said}), within)",
        "likelihood = pm.math.switch(",
        f"    {y} == 0,",
        f"    {zero},",
        "    pm.math.switch(",
        f"        {y} == 1,",
        f"        {one},",
        f"        {above},",
        "    ),",
        ")",
        f"pm.Potential({called}, {total})",
    ]
