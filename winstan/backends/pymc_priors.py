"""Densities that every PyMC model has, as PyTensor graphs: priors, and correlation matrices."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from winstan.families.namespace import pytensor_namespace
from winstan.families.ordered import cutpoint_vector, dirichlet_log_density
from winstan.priors import Dirichlet, Flat

if TYPE_CHECKING:
    from collections.abc import Sequence

    from winstan.model import Model
    from winstan.priors import Prior


def standard_normal(pt: Any, z: Any) -> Any:
    """Log density of independent standard normals."""
    return -0.5 * pt.sqr(z).sum() - 0.5 * np.log(2 * np.pi) * z.size


def add_priors(pm: Any, name: str, priors: Sequence[Prior], values: Any) -> None:
    """Add the priors of a vector, those of one kind together."""
    kinds = dict.fromkeys(type(prior) for prior in priors)
    for kind in kinds:
        if kind.kind == Flat.kind:  # or what has a density of its own
            continue
        at = [i for i, prior in enumerate(priors) if type(prior) is kind]
        numbers = np.array([priors[i].numbers for i in at]).T
        distribution = getattr(pm, kind.__name__).dist
        named = dict(zip(kind.pymc, numbers, strict=True))
        density = pm.logp(distribution(**named), values[at])
        pm.Potential(f"{name}_{kind.__name__}", density.sum())


def add_threshold_prior(pm: Any, pt: Any, model: Model, steps: Sequence[Any], shift: Any) -> None:
    """Add the prior of an ordered parameter: see `winstan.families.ordered`."""
    thresholds = cutpoint_vector(steps, pytensor_namespace()) - shift
    density = threshold_log_density(pm, model, thresholds, len(steps) + 1)
    pm.Potential("threshold_prior", density)


def threshold_log_density(pm: Any, model: Model, thresholds: Any, n: int) -> Any:
    """Log density of the prior of n thresholds, but for a constant."""
    vector = model.family.thresholds
    assert vector is not None
    prior = model.priors[vector.name]
    if isinstance(prior, Dirichlet):
        xp = pytensor_namespace()
        return dirichlet_log_density(prior.numbers[0], thresholds, n, model.link, xp)
    if isinstance(prior, Flat):
        return 0.0 * thresholds.sum()
    distribution = getattr(pm, type(prior).__name__).dist(
        **dict(zip(prior.pymc, prior.numbers, strict=True))
    )
    return pm.logp(distribution, thresholds).sum()


def correlation_factors(pm: Any, pt: Any, model: Model, raw: Any) -> list[Any]:
    """Cholesky factors of the correlation matrices, with LKJ densities and Jacobians as potentials.

    Canonical partial correlations z = tanh(raw) fill each row from the left, each taking its share
    of what is left of the row's unit length (Lewandowski, Kurowicka and Joe 2009).
    """
    factors: list[Any] = []
    for group in model.stacked.groups:
        if not group.has_correlations:
            continue
        q, z = group.q, pt.tanh(raw[group.correlations])
        log_jacobian = pt.log1p(-pt.sqr(z)).sum()
        rows, diagonal, entry = [], [pt.as_tensor(1.0)], 0
        for i in range(q):
            left: Any = pt.as_tensor(1.0)
            row = []
            for _ in range(i):
                value = z[entry] * pt.sqrt(left)
                log_jacobian = log_jacobian + 0.5 * pt.log(left)
                left = left - pt.sqr(value)
                row.append(value)
                entry += 1
            if i:
                diagonal.append(pt.sqrt(left))
            rows.append(pt.stack([*row, diagonal[i], *[pt.as_tensor(0.0)] * (q - 1 - i)]))
        eta = model.priors[group.correlation_name].numbers[0]
        power = np.arange(q - 1, -1, -1) + 2 * (eta - 1)  # of each diagonal entry, from the first
        pm.Potential(
            f"corr_{len(factors)}", log_jacobian + pt.dot(power, pt.log(pt.stack(diagonal)))
        )
        factors.append(pt.stack(rows))
    return factors
