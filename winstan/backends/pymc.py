"""PyMC: the same model on the same cells, in the same coordinates, for PyMC's samplers.

The densities are written here once more, independently of the Stan templates: that the two agree
to rounding is the main guard against an error in either.
"""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass
from importlib import import_module
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

import numpy as np

from winstan.backends.base import imported
from winstan.backends.pymc_groups import group_effects
from winstan.backends.pymc_likelihoods import LOG_LIKELIHOODS
from winstan.backends.pymc_marginal import add_marginal_likelihood
from winstan.backends.pymc_priors import add_priors, correlation_factors
from winstan.backends.pymc_program import pymc_program
from winstan.draws import Draws, Sampled, canonical, run_attributes
from winstan.errors import BackendError, OptionError
from winstan.marginal.draws import sampled_with_effects
from winstan.progress import someone_looks_on
from winstan.scales import correlation_names

if TYPE_CHECKING:
    from collections.abc import Iterator

    import pymc
    import xarray as xr

    from winstan.backends.base import Settings
    from winstan.families import Array
    from winstan.model import Model

SAMPLERS = ("pymc", "nutpie", "numpyro", "blackjax")
MAX_TREEDEPTH = 10
# ArviZ's names of the sampler's statistics, and what nutpie calls them.
STATISTICS = {
    "lp": ("lp", "logp"),
    "diverging": ("diverging",),
    "energy": ("energy",),
    "tree_depth": ("tree_depth", "depth"),
    "n_steps": ("n_steps",),
    "acceptance_rate": ("acceptance_rate", "mean_tree_accept"),
    "step_size": ("step_size",),
}


@dataclass(frozen=True, slots=True)
class PymcBackend:
    """PyMC, on cells and in standardised coordinates."""

    name: str = "pymc"

    def check(self, model: Model, settings: Settings) -> None:
        """Refuse if PyMC is missing, or the sampler.

        Raises
        ------
        BackendError
            If PyMC, or the sampler asked for, is not installed.
        OptionError
            If there is no such sampler.
        """
        import_pymc()
        checked_sampler(settings.sampler)
        pymc_model(model)

    def sample(self, model: Model, settings: Settings) -> Draws:
        """Draw from the posterior with NUTS: PyMC's, or that of `settings.sampler`.

        Raises
        ------
        BackendError, OptionError
            As `check` does.
        """
        pm = import_pymc()
        sampler = checked_sampler(settings.sampler)
        built = pymc_model(model)
        blocks = [variable.name for variable in built.free_RVs]
        target_accept = settings.target_accept or model.target_accept
        progress = someone_looks_on() if settings.progress is None else settings.progress
        with built, failures_named(sampler):
            tree = pm.sample(
                draws=settings.draws,
                tune=settings.warmup,
                chains=settings.chains,
                cores=settings.cores,
                random_seed=settings.seed,
                target_accept=target_accept,
                nuts_sampler=sampler,
                var_names=blocks,
                progressbar=progress,
                quiet=True,
                compute_convergence_checks=False,
            )
        return Draws(
            posterior=canonical(model, _sampled(model, tree["posterior"], settings.seed)),
            sample_stats=sampler_statistics(tree["sample_stats"], settings, sampler),
            attrs=run_attributes(
                "pymc",
                pm.__version__,
                settings,
                tree["posterior"].attrs.get("sampling_time", np.nan),
                target_accept=target_accept,
                sampler=sampler,
            ),
            max_treedepth=MAX_TREEDEPTH,
        )

    def log_density(self, model: Model, unconstrained: Array) -> tuple[Array, Array]:
        """Log density (Jacobians included) and gradient at unconstrained points, one a row.

        The order is the Stan templates': beta_raw, log_sd, corr_raw, effect, log_aux; of a marginal
        model log_sd, corr_raw, log_aux.
        """
        built = pymc_model(model)
        variables = built.value_vars
        sizes = [int(np.prod(built.initial_point()[v.name].shape)) for v in variables]
        # A few points are evaluated sooner than a fast function is compiled.
        density = built.compile_logp(mode="FAST_COMPILE")
        slope = built.compile_dlogp(mode="FAST_COMPILE")
        points = np.atleast_2d(np.asarray(unconstrained, float))
        values, slopes = [], []
        for point in points:
            parts = np.split(point, np.cumsum(sizes)[:-1])
            at = {v.name: part for v, part in zip(variables, parts, strict=True)}
            values.append(float(density(at)))
            slopes.append(np.asarray(slope(at)))
        return np.array(values), np.array(slopes)

    def code(self, model: Model) -> str:
        """Return a short program of this very formula, row by row: to read, or to publish.

        What is sampled is `pymc_model`, of the same posterior. PyMC need not be installed.
        """
        return pymc_program(model)[0]

    def code_data(self, model: Model) -> dict[str, Any]:
        """Return what that program calls ``data``: columns, and the labels of dims."""
        return pymc_program(model)[1]


BACKEND = PymcBackend()


def checked_sampler(name: str | None) -> str:
    """Return the sampler of this name, PyMC's own for None.

    Raises
    ------
    OptionError
        If there is none of this name.
    BackendError
        If it is not installed.
    """
    sampler = name or "pymc"
    if sampler not in SAMPLERS:
        raise OptionError(f"sampler= must be one of {', '.join(SAMPLERS)}, not {sampler!r}.")
    if find_spec(sampler) is None:
        raise BackendError(
            f"sampler={sampler!r} needs {sampler}: pip install {sampler} (or 'winstan[samplers]')"
        )
    return sampler


@contextmanager
def failures_named(sampler: str) -> Iterator[None]:
    """Turn whatever a sampler raises into a `BackendError` that names it."""
    try:
        yield
    except Exception as problem:  # samplers of other packages raise what they like
        remedy = "choose another sampler=, or backend='stan'"
        if sampler != "pymc":  # blackjax from 1.3 on fails so, under PyMC 6
            remedy = (
                "pip install 'winstan[samplers]' gives versions that PyMC can call; or choose "
                "another sampler="
            )
        raise BackendError(
            f"The sampler {sampler!r} failed: {type(problem).__name__}: {problem} ({remedy})"
        ) from problem


def import_pymc() -> Any:
    """Import PyMC, or say how to get it."""
    return imported("pymc", "PyMC")


def pymc_model(model: Model) -> pymc.Model:
    """Build the PyMC model of a `Model`.

    Its free variables are the coordinates of `Model.geometry`, unconstrained and of order one,
    under the names of the Stan templates; priors, effects and likelihood are potentials on what
    they determine.
    """
    pm = import_pymc()
    pt = import_module("pytensor.tensor")
    geometry, cells = model.geometry, model.cells
    n_free = [
        group.Z.shape[1] * (group.Z.shape[1] - 1) // 2
        for _, group in correlation_names(model.design)
    ]
    n_sd, n_aux = geometry.log_sd_location.size, geometry.log_aux_location.size
    P = geometry.beta_location.size
    marginal = model.marginal
    priors = list(model.priors.table.values())

    def block(name: str, size: int) -> Any:
        return pm.Flat(name, shape=size) if size else pt.zeros(0)

    with pm.Model() as built:
        if marginal is None:
            beta = geometry.beta_location + pt.dot(geometry.beta_scale, block("beta_raw", P))
            add_priors(pm, "beta_prior", priors[:P], beta)
        log_sd = geometry.log_sd_location + geometry.log_sd_scale * block("log_sd", n_sd)
        corr_raw = block("corr_raw", sum(n_free))
        if marginal is None:
            effect = geometry.effect_location + geometry.effect_scale * block(
                "effect", geometry.effect_location.size
            )
        else:
            corr_raw = geometry.corr_location + geometry.corr_scale * corr_raw
        log_aux = geometry.log_aux_location + geometry.log_aux_scale * block("log_aux", n_aux)
        sd, aux = pt.exp(log_sd), pt.exp(log_aux)

        add_priors(pm, "sd_prior", priors[P : P + n_sd], sd)
        add_priors(pm, "aux_prior", priors[len(priors) - n_aux :] if n_aux else [], aux)
        pm.Potential("jacobian", log_sd.sum() + log_aux.sum())

        factors = correlation_factors(pm, pt, model, corr_raw, n_free)
        if marginal is not None:
            add_marginal_likelihood(pm, pt, model, marginal, sd, factors, aux[0])
            return built
        eta = cells.offset + pt.dot(model.population, beta)
        eta = eta + group_effects(pm, pt, model, beta, sd, factors, effect)
        likelihood = LOG_LIKELIHOODS[model.family.template]
        named = dict(zip(model.family.auxiliary, (aux[a] for a in range(n_aux)), strict=True))
        pm.Potential("likelihood", likelihood(cells.statistics, eta, named, model.link.name))
    return built


def _sampled(model: Model, posterior: xr.Dataset, seed: int) -> Sampled:
    """Turn raw draws into the geometry's quantities, as the graph does; draw what it integrates."""
    geometry = model.geometry

    def take(name: str, size: int) -> Array:
        if size:
            return posterior[name].to_numpy()
        return np.zeros((posterior.sizes["chain"], posterior.sizes["draw"], 0))

    log_sd = take("log_sd", geometry.log_sd_location.size) * geometry.log_sd_scale
    log_aux = take("log_aux", geometry.log_aux_location.size) * geometry.log_aux_scale
    sd = np.exp(log_sd + geometry.log_sd_location)
    aux = np.exp(log_aux + geometry.log_aux_location)
    corr_raw = take("corr_raw", geometry.corr_location.size)
    if model.marginal is not None:
        corr_raw = geometry.corr_location + geometry.corr_scale * corr_raw
    factors, at = [], 0
    for _, group in correlation_names(model.design):
        q = group.Z.shape[1]
        n = q * (q - 1) // 2
        factors.append(_factor_of(corr_raw[..., at : at + n], q))
        at += n
    if model.marginal is not None:
        return sampled_with_effects(model, sd, factors, aux, seed)
    beta = take("beta_raw", geometry.beta_location.size) @ geometry.beta_scale.T
    effect = take("effect", geometry.effect_location.size) * geometry.effect_scale
    return Sampled(
        beta=beta + geometry.beta_location,
        sd=sd,
        factors=factors,
        effect=effect + geometry.effect_location,
        aux=aux,
    )


def _factor_of(raw: Array, q: int) -> Array:
    """Fill Cholesky factors from canonical partial correlations: (..., n) to (..., q, q)."""
    z, entry = np.tanh(raw), 0
    factor = np.zeros((*raw.shape[:-1], q, q))
    for i in range(q):
        left = np.ones(raw.shape[:-1])
        for j in range(i):
            factor[..., i, j] = z[..., entry] * np.sqrt(left)
            left = left - np.square(factor[..., i, j])
            entry += 1
        factor[..., i, i] = np.sqrt(left)
    return factor


def sampler_statistics(
    stats: xr.Dataset, settings: Settings, sampler: str
) -> dict[str, np.ndarray]:
    """Return a PyMC sampler's statistics under ArviZ's names."""
    shape = (settings.chains, settings.draws)
    out = {}
    for name, names in STATISTICS.items():
        found = next((n for n in names if n in stats), None)
        out[name] = np.full(shape, np.nan) if found is None else stats[found].to_numpy()
    if sampler == "numpyro":
        out["lp"] = -out["lp"]  # numpyro gives the potential energy under this name
    return out | {"diverging": out["diverging"].astype(bool)}
