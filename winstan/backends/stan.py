"""Stan: the family's template, compiled once for every formula, run through cmdstanpy."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from winstan.backends.stan_program import stan_program
from winstan.draws import Draws, canonical, run_attributes
from winstan.geometry import by_row
from winstan.scales import correlation_names
from winstan.toolchain import build, template_path, toolchain
from winstan.toolchain import run as runner
from winstan.toolchain.silence import quiet_cmdstanpy
from winstan.unconstrained import coordinate_sizes, sampled_at

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from winstan.backends.base import Settings
    from winstan.draws import Sampled
    from winstan.families.links import Array
    from winstan.geometry import Geometry
    from winstan.marginal import Marginal
    from winstan.model import Model
    from winstan.priors import Prior

MAX_TREEDEPTH = 10


@dataclass(frozen=True, slots=True)
class StanBackend:
    """Stan, by hand-written templates in which formula and priors are data."""

    name: str = "stan"

    def check(self, model: Model, settings: Settings) -> None:
        """Refuse if Stan, cmdstanpy or the compiler is missing.

        Raises
        ------
        BackendError
        """
        with quiet_cmdstanpy():
            toolchain()

    def sample(self, model: Model, settings: Settings) -> Draws:
        """Draw from the posterior with Stan's NUTS.

        Raises
        ------
        BackendError
            If the template cannot be compiled, or the sampler fails.
        """
        settings = settings.with_defaults(model.warmup, model.target_accept)
        assert settings.warmup is not None
        raw = runner.sample(
            build(model.template, progress=settings.progress),
            stan_data(model),
            chains=settings.chains,
            warmup=settings.warmup,
            draws=settings.draws,
            seed=settings.seed,
            target_accept=settings.target_accept,
            max_treedepth=MAX_TREEDEPTH,
            cores=settings.cores,
            metric=model.metric,
            progress=settings.progress,
        )
        return Draws(
            posterior=canonical(model, _sampled(model, raw.columns, raw.values, settings.seed)),
            sample_stats={
                "lp": raw.sampler["lp__"],
                "diverging": raw.sampler["divergent__"].astype(bool),
                "energy": raw.sampler["energy__"],
                "tree_depth": raw.sampler["treedepth__"].astype(int),
                "n_steps": raw.sampler["n_leapfrog__"].astype(int),
                "acceptance_rate": raw.sampler["accept_stat__"],
                "step_size": raw.sampler["stepsize__"],
            },
            attrs=run_attributes("stan", toolchain().stan, settings, raw.seconds.sum(axis=1).max()),
            max_treedepth=MAX_TREEDEPTH,
        )

    def log_density(self, model: Model, unconstrained: Array) -> tuple[Array, Array]:
        """Log density (Jacobians included) and gradient at unconstrained points, one a row.

        The order is that of `winstan.unconstrained.coordinate_sizes`.
        """
        return runner.log_density(build(model.template), stan_data(model), unconstrained)

    def code(self, model: Model) -> str:
        """Return a short program of this very formula, row by row: to read, or to publish.

        What is run is the family's template, `expanded_template`, of the same posterior.
        """
        return stan_program(model)[0]

    def code_data(self, model: Model) -> dict[str, Any]:
        """Return the data of that program, by the names in its data block."""
        return stan_program(model)[1]


BACKEND = StanBackend()


def stan_data(model: Model) -> dict[str, Any]:
    """Return the data of the model's template, under the names of its data block."""
    shared = _terms_data(model)
    own = _marginal_data(model, model.marginal) if model.marginal else _cells_data(model)
    return shared | own


def _terms_data(model: Model) -> dict[str, Any]:
    """Return what all templates need: group terms, priors and scales of their parameters."""
    geometry, groups = model.geometry, model.design.groups
    widths = [group.Z.shape[1] for group in groups]
    lkj_of = {
        id(group): model.priors[name].numbers[0] for name, group in correlation_names(model.design)
    }
    P = model.population.shape[1]
    sd_names = list(model.priors.table)[P : P + sum(widths)]
    sd_kind, sd_numbers = _prior_data(model.priors[n] for n in sd_names)
    aux_kind, aux_numbers = _prior_data(model.priors[n] for n in model.family.auxiliary)
    return {
        "M": len(groups),
        "J": [len(group.levels) for group in groups],
        "q": widths,
        "correlated": [int(g.correlated and q > 1) for g, q in zip(groups, widths, strict=True)],
        "Q": sum(widths),
        "sd_prior": sd_kind,
        "sd_prior_p": sd_numbers,
        "lkj": [lkj_of.get(id(group), 1.0) for group in groups],
        "A": len(model.family.auxiliary),
        "aux_prior": aux_kind,
        "aux_prior_p": aux_numbers,
        "log_sd_location": geometry.log_sd_location,
        "log_sd_scale": geometry.log_sd_scale,
        "log_sd_bend": geometry.log_sd_bend,
        "n_corr": geometry.corr_location.size,
        "corr_location": geometry.corr_location,
        "corr_scale": geometry.corr_scale,
        "log_aux_location": geometry.log_aux_location,
        "log_aux_scale": geometry.log_aux_scale,
    }


def _cells_data(model: Model) -> dict[str, Any]:
    """Return the rest of ``stan/include/data.stan``, and the cells' statistics."""
    cells, geometry, whitening = model.cells, model.geometry, model.geometry.whitening
    P = model.population.shape[1]
    Z = np.hstack([*cells.Z, np.zeros((cells.n, 0))])
    given = whitening.given
    return {
        "C": cells.n,
        "P": P,
        **_population_data(model.population),
        "offsets": cells.offset,
        "link": model.link.code,
        "level": np.array([level + 1 for level in cells.level]).reshape(-1, cells.n),
        "Z": Z,
        "ones": np.all(Z == 1, axis=0).astype(int),
        "T": sum(term.score.size for term in geometry.terms),
        "start": [at + 1 for at in geometry.start],
        "order": [m + 1 for m in geometry.order],
        **_information_data(geometry),
        **_nesting_data(geometry),
        **_coefficient_priors(list(model.priors.table.values())[:P]),
        "beta_location": geometry.beta_location,
        "W": len(whitening.joint_scale) - P,
        "n_stretched": geometry.stretching.at.size,
        "stretched": geometry.stretching.at + 1,
        "stretch_base": geometry.stretching.base,
        "stretch_slope": geometry.stretching.slope,
        "joint_scale": whitening.joint_scale,
        "rest_scale": whitening.rest_scale,
        "n_given": given.nnz,
        "given_w": given.data,
        "given_v": given.indices + 1,
        "given_u": given.indptr + 1,
        **cells.statistics,
    }


def _population_data(X: Array) -> dict[str, Any]:
    """Distinct rows of the coefficients' predictors, where they are many fewer than cells."""
    C = len(X)
    distinct, row = np.unique(X, axis=0, return_inverse=True)
    if 2 * len(distinct) > C:
        distinct, row = X, np.arange(C)
    return {"D": len(distinct), "X": distinct, "row": row.reshape(C) + 1}


def _information_data(geometry: Geometry) -> dict[str, Any]:
    """What the data say of the effects, by level or by kind of level, and the levels of each kind.

    Where they say nothing, one kind is counted, of no information.
    """
    P = geometry.beta_location.size
    stored = np.argsort(geometry.start)
    scores = [np.zeros(0), *(geometry.terms[m].score.ravel() for m in stored)]
    taken = [by_row(geometry.terms[m].taken) for m in stored]
    known, sizes, members = [np.zeros(0)], [], []
    for term in geometry.terms:
        q, J = term.shape
        if term.each:
            known.append(term.information[term.kind].ravel())
            continue
        if term.informed:
            known.append(term.information.ravel())
        for k in range(len(term.information)):
            at = np.flatnonzero(term.kind == k)
            sizes.append(at.size)
            members += [i * J + at + 1 for i in range(q)]
    member = np.concatenate([np.zeros(0, int), *members])
    return {
        "informed": [int(term.informed) for term in geometry.terms],
        "score": np.concatenate(scores),
        "taken": np.vstack([np.zeros((0, P)), *taken]),
        "n_kinds": [0 if term.each else len(term.information) for term in geometry.terms],
        "n_known": sum(n.size for n in known),
        "known": np.concatenate(known),
        "n_size": len(sizes),
        "size_of_kind": sizes,
        "n_member": member.size,
        "member": member,
    }


def _nesting_data(geometry: Geometry) -> dict[str, Any]:
    """Pairs of an inner effect and one that it is nested in, and what that takes of its score."""
    pairs = [
        (m, geometry.start[m] + a * term.shape[1], geometry.start[o.term] + b * J_outer, o.level, w)
        for m, term in enumerate(geometry.terms)
        for o in term.outers
        for J_outer in [geometry.terms[o.term].shape[1]]
        for a, b in np.ndindex(o.A.shape)
        for w in [(term.information[term.kind] @ o.A)[:, a, b]]
        if np.any(w)
    ]
    return {
        "E": len(pairs),
        "inner": [m + 1 for m, *_ in pairs],
        "inner_start": [at + 1 for _, at, *_ in pairs],
        "outer_start": [at + 1 for _, _, at, *_ in pairs],
        "n_pass": sum(w.size for *_, w in pairs),
        "outer_level": np.concatenate([np.zeros(0, int), *(level + 1 for *_, level, _ in pairs)]),
        "pass": np.concatenate([np.zeros(0), *(w for *_, w in pairs)]),
    }


def _coefficient_priors(priors: Sequence[Prior]) -> dict[str, Any]:
    """Coefficients by the kind of their priors, so that each kind is one vectorised density."""
    kinds, numbers = _prior_data(priors)
    return {
        "n_prior": [kinds.count(kind) for kind in range(4)],
        "prior_of": np.argsort(kinds, kind="stable") + 1,
        "beta_prior_p": numbers,
    }


def _marginal_data(model: Model, marginal: Marginal) -> dict[str, Any]:
    """Return the rest of the data of ``stan/gaussian_marginal.stan``."""
    return {
        "W": marginal.residual.shape[0],
        "K": marginal.count.size,
        "width": marginal.R.shape[1],
        "n_groups": marginal.count,
        "R": marginal.R,
        "projected": marginal.projected,
        "spread": marginal.spread,
        "residual": marginal.residual,
        "prior": marginal.prior,
        "n_sigma": marginal.n_sigma,
        "log_constant": marginal.log_constant,
        "column": [at + 1 for at in marginal.column],
    }


def expanded_template(name: str) -> str:
    """Return a template's source with its ``#include`` lines replaced by what they include."""
    path = template_path(name)
    lines = []
    for line in path.read_text(encoding="utf-8").splitlines():
        if line.startswith("#include "):
            lines += (path.parent / line.split()[1]).read_text(encoding="utf-8").splitlines()
        else:
            lines.append(line)
    return "\n".join(lines) + "\n"


def _prior_data(priors: Iterable[Prior]) -> tuple[list[int], Array]:
    priors = list(priors)
    numbers = np.zeros((len(priors), 3))
    for row, prior in zip(numbers, priors, strict=True):
        row[: len(prior.numbers)] = prior.numbers
    return [prior.kind for prior in priors], numbers


def _sampled(model: Model, columns: tuple[str, ...], values: Array, seed: int) -> Sampled:
    """Pick the coordinates from the columns of CmdStan's CSV."""
    where: dict[str, list[int]] = {}
    for i, column in enumerate(columns):
        where.setdefault(column.split(".")[0], []).append(i)
    return sampled_at(
        model, {name: values[..., where.get(name, [])] for name in coordinate_sizes(model)}, seed
    )
