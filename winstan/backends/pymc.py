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

from winstan.backends.base import import_package
from winstan.backends.interrupts import interrupts_raised
from winstan.backends.pymc_conditional import follow_noise
from winstan.backends.pymc_correlation import Correlated, joint_log_density
from winstan.backends.pymc_curves import curved
from winstan.backends.pymc_groups import compensation, covary_by_sds, group_effects
from winstan.backends.pymc_marginal import add_marginal_likelihood
from winstan.backends.pymc_monotonic import curved_population, monotonic_factors
from winstan.backends.pymc_priors import add_priors, add_threshold_prior
from winstan.backends.pymc_program import pymc_program
from winstan.backends.pymc_residual import add_correlated_likelihood
from winstan.backends.pymc_scales import profile_powers, scales
from winstan.draws import Draws, canonical, run_attributes
from winstan.errors import BackendError, OptionError
from winstan.families.namespace import pytensor_namespace
from winstan.model import WARMUP_METRIC
from winstan.progress import someone_looks_on
from winstan.unconstrained import coordinate_sizes, sampled_at

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    import pymc
    import xarray as xr

    from winstan._typing import Array
    from winstan.draws import Sampled
    from winstan.model import Model
    from winstan.settings import Settings

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
    reads_formula: bool = False
    own_processes: bool = False
    several_samplers: bool = True

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

    def prepare(self, model: Model, *, progress: bool | None) -> None:
        """Do nothing: every fit compiles its own model."""

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
        settings = settings.with_defaults(
            model.with_effects.draws, WARMUP_METRIC, model.target_accept
        )
        blocks = [variable.name for variable in built.free_RVs]
        progress = someone_looks_on() if settings.progress is None else settings.progress
        with built, failures_named(sampler), interrupts_raised() as check:
            # PyMC's own sampler calls back with each draw; the others take no callback.
            own = {"callback": check} if sampler == "pymc" else {}
            tree = pm.sample(
                draws=settings.draws,
                tune=settings.warmup,
                chains=settings.chains,
                cores=settings.cores,
                random_seed=settings.seed,
                target_accept=settings.target_accept,
                nuts_sampler=sampler,
                var_names=blocks,
                progressbar=progress,
                quiet=True,
                compute_convergence_checks=False,
                **own,
            )
        return Draws(
            posterior=canonical(model, _sampled(model, tree["posterior"], settings.seed)),
            sample_stats=sampler_statistics(tree["sample_stats"], sampler),
            attrs=run_attributes(
                "pymc",
                pm.__version__,
                settings,
                tree["posterior"].attrs.get("sampling_time", np.nan),
                sampler=sampler,
            ),
            max_treedepth=MAX_TREEDEPTH,
        )

    def log_density(self, model: Model, unconstrained: Array) -> tuple[Array, Array]:
        """Log density (Jacobians included) and gradient at unconstrained points, one a row.

        The order is that of `winstan.unconstrained.coordinate_sizes`.
        """
        from pytensor.compile.mode import get_mode  # noqa: PLC0415 - as slow to import as PyMC

        # A few points are evaluated sooner than a fast function is compiled. Without the rewriting:
        # it makes one sum of sums, and in this mode no sum can have more than 32 terms.
        mode = get_mode("FAST_COMPILE").excluding("canonicalize")
        density = pymc_model(model).logp_dlogp_function(ravel_inputs=True, mode=mode)
        density.set_extra_values({})
        points = np.atleast_2d(np.asarray(unconstrained, float))
        values, slopes = zip(*(density(point) for point in points), strict=True)
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
    return import_package("pymc", "PyMC")


def pymc_model(model: Model) -> pymc.Model:
    """Build the PyMC model of a `Model`.

    Its free variables are the coordinates of `Model.coordinates`, unconstrained and of order one,
    under the names of the Stan templates; priors, effects and likelihood are potentials on what
    they determine.
    """
    pm = import_pymc()
    pt = import_module("pytensor.tensor")
    coordinates, cells = model.coordinates, model.cells
    sizes = coordinate_sizes(model)
    P = coordinates.beta_location.size
    marginal, residual = model.marginal, model.residual

    with pm.Model() as built:
        raw = {
            name: pm.Flat(name, shape=size) if size else pt.zeros(0) for name, size in sizes.items()
        }
        given = scales(pm, pt, model, raw)
        sd, xp = pt.exp(given.log_sd), pytensor_namespace()
        aux = model.likelihood.constrained(given.free_aux, xp)
        if not model.integrated:
            numbers = list(aux.values())
            own_raw = follow_noise(pm, pt, model, raw, sd, given.factors, numbers)
            both = _deviations(pm, pt, model, raw | own_raw, sd, given.factors)
            beta, effect = coordinates.beta_location + both[:P], both[P:]
            beta = beta + compensation(pt, model, effect, sd, given.factors)
            beta = curved(pm, pt, model, beta, given.free_aux, numbers)
            factor = monotonic_factors(pm, pt, model, given.free_aux)
            coefficients, beyond = curved_population(pm, pt, model, beta, factor)
            own = [model.priors.of(name) for name in model.coefficients.sampled_names]
            add_priors(pm, "beta_prior", own, coefficients)

        sd_priors = [model.priors[n] for group in model.stacked.groups for n in group.sd_names]
        add_priors(pm, "sd_prior", sd_priors, sd)
        for name, value in aux.items():
            add_priors(pm, f"aux_{name}_prior", [model.priors.of(name)], pt.stack([value]))
        if model.family.thresholds is not None:
            add_threshold_prior(
                pm, pt, model, [aux[n] for n in model.likelihood.steps], coefficients[0]
            )
        log_jacobian = model.likelihood.log_jacobian(given.free_aux, xp)
        pm.Potential("jacobian", given.log_sd.sum() + given.log_slope + log_jacobian)

        if residual is not None:
            own_scales = (sd, given.factors, given.free_aux)
            add_correlated_likelihood(pm, pt, model, residual, *own_scales)
            return built
        if marginal is not None:
            add_marginal_likelihood(pm, pt, model, marginal, sd, given.factors, *aux.values())
            return built
        correlated = None
        if model.correlation is not None:
            numbers = given.free_aux[model.correlation_numbers]
            correlated = Correlated(pm, pt, model.correlation, numbers)
        eta = cells.offset + pt.dot(model.population, beta)
        eta = eta + beyond
        eta = eta + group_effects(
            pm, pt, model, beta, sd, given.factors, effect, factor, correlated
        )
        if correlated is not None and model.residuals is not None:
            density = joint_log_density(pt, model, correlated, eta, aux)
            pm.Potential("likelihood", density)
            return built
        pm.Potential("likelihood", log_likelihood(model, eta, aux))
    return built


def log_likelihood(model: Model, eta: Any, auxiliary: Mapping[str, Any]) -> Any:
    """Write the log density of all rows as a graph, given eta, shape (B * C,)."""
    pt, likelihood = import_module("pytensor.tensor"), model.likelihood
    out = likelihood.log_density(eta, auxiliary, pytensor_namespace())
    if not likelihood.family.confines(likelihood.link):
        return out
    return pt.switch(pt.all(pt.gt(likelihood.block(eta, 0), 0)), out, -np.inf)


def _scaled_by_sds(pm: Any, pt: Any, model: Model, joint: Any, sd: Any) -> Any:
    """Let scales follow the sds: see `winstan.coordinates.sd_dependent_scale`."""
    scale = model.coordinates.sd_dependent_scale
    if not scale.at.size:
        return joint
    variance = scale.base + pt.dot(scale.slope, pt.sqr(sd))
    factor = pt.sqrt(variance / (1 + scale.bound * variance))
    pm.Potential("sd_dependent_scale", pt.log(factor).sum())
    return pt.set_subtensor(joint[scale.at], joint[scale.at] * factor)


def _deviations(
    pm: Any, pt: Any, model: Model, raw: dict[str, Any], sd: Any, factors: Sequence[Any]
) -> Any:
    """Deviations of coefficients and effects from the approximate fit, at raw coordinates.

    See `winstan.coordinates.decorrelation`, and `.sd_dependent_location` for how they follow sds.
    """
    decorrelation = model.coordinates.decorrelation
    joint, rest = _scaled_by_sds(pm, pt, model, raw["joint_raw"], sd), raw["rest_raw"]
    joint = covary_by_sds(pm, pt, model, joint, sd, factors)
    shift, wider = _followed(pt, model, raw, sd)
    if wider is not None:
        pm.Potential("following", wider.sum())
        n = len(decorrelation.remaining_scale)
        joint, rest = joint * pt.exp(wider[:n]), rest * pt.exp(wider[n:])
    if (low_rank := decorrelation.low_rank) is None:
        first = pt.dot(decorrelation.remaining_scale, joint)
    else:
        first = low_rank.diagonal * joint + pt.dot(low_rank.left, pt.dot(low_rank.right, joint))
    after = decorrelation.eliminated_scale * rest
    if decorrelation.regression.nnz:
        entries = decorrelation.regression.tocoo()
        after = pt.inc_subtensor(after[entries.row], entries.data * first[entries.col])
    both = pt.concatenate([first, after])
    return both if shift is None else both + shift


def _followed(pt: Any, model: Model, raw: dict[str, Any], sd: Any) -> tuple[Any, Any]:
    """How middles, and logarithms of scales, follow the sds and a number, if they do."""
    by_sds, profiled = model.coordinates.sd_dependent_location, model.coordinates.profiled
    shift, wider = None, None
    if by_sds.any:
        along = (pt.sqr(sd) - by_sds.at**2) / (pt.sqr(sd) + by_sds.at**2)
        shift, wider = pt.dot(by_sds.location, along), pt.dot(by_sds.log_scale, along)
    if profiled.any:
        power = profile_powers(pt, model.coordinates, raw)
        more = pt.dot(profiled.location, power), pt.dot(profiled.log_scale, power)
        shift, wider = more if shift is None else (shift + more[0], wider + more[1])
    return shift, wider


def _sampled(model: Model, posterior: xr.Dataset, seed: int) -> Sampled:
    nothing = np.zeros((posterior.sizes["chain"], posterior.sizes["draw"], 0))
    raw = {
        name: posterior[name].to_numpy() if size else nothing
        for name, size in coordinate_sizes(model).items()
    }
    return sampled_at(model, raw, seed)


def sampler_statistics(stats: xr.Dataset, sampler: str) -> dict[str, np.ndarray]:
    """Return a PyMC sampler's statistics under ArviZ's names."""
    shape = (stats.sizes["chain"], stats.sizes["draw"])
    out = {}
    for name, names in STATISTICS.items():
        found = next((n for n in names if n in stats), None)
        out[name] = np.full(shape, np.nan) if found is None else stats[found].to_numpy()
    if sampler == "numpyro":
        out["lp"] = -out["lp"]  # numpyro gives the potential energy under this name
    return out | {"diverging": out["diverging"].astype(bool)}
