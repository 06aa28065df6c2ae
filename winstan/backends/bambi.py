"""bambi: the same model row by row, by bambi's own design matrices: an independent check.

Formula, family, link and every prior are translated and passed explicitly, because bambi's defaults
differ (gamma's link is the inverse, priors scale with the data for some families only). What bambi
cannot express is refused, with the backend that can.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from winstan.backends.bambi_intercepts import intercept_potential, intercepts_elsewhere
from winstan.backends.bambi_levels import level_potential, level_terms
from winstan.backends.bambi_names import (
    Place,
    aliases_by_component,
    factor_columns,
    family_of,
    places,
)
from winstan.backends.bambi_parts import (
    centers,
    data_of,
    formulas,
    links,
    priors_of,
    weights_of,
)
from winstan.backends.bambi_program import Writer, bambi_program
from winstan.backends.bambi_refusals import check_expressible
from winstan.backends.bambi_thresholds import threshold_potential
from winstan.backends.base import import_package
from winstan.backends.interrupts import interrupts_raised
from winstan.backends.pymc import checked_sampler, failures_named, sampler_statistics
from winstan.draws import Draws, run_attributes
from winstan.errors import BackendError
from winstan.families.family import ACCEPT
from winstan.model import default_draws
from winstan.progress import someone_looks_on
from winstan.toolchain.silence import silent

if TYPE_CHECKING:
    import bambi

    from winstan._typing import Array
    from winstan.model import Model
    from winstan.settings import Settings

# Its group effects are z-scores, however well informed, and few groups diverge at 0.8. Four fits of
# Machines and oats (nlme, MASS) with nutpie: 4 to 125 divergences in 4,000 draws; none at 0.95.
# Correlated slopes of few groups want more.
ACCEPT_GROUPS = 0.95
ACCEPT_SLOPES = 0.98
# Its coordinates are its own: PyMC's usual number.
WARMUP = 1000


@dataclass(frozen=True, slots=True)
class BambiBackend:
    """bambi, on rows."""

    name: str = "bambi"
    reads_formula: bool = True
    own_processes: bool = False
    several_samplers: bool = True

    def check(self, model: Model, settings: Settings) -> None:
        """Refuse if bambi is missing, or cannot express the model.

        Raises
        ------
        BackendError
            If bambi is not installed, or cannot express the model.
        OptionError
            If there is no such sampler.
        """
        import_bambi()
        checked_sampler(settings.sampler)
        built_model(model)

    def prepare(self, model: Model, *, progress: bool | None) -> None:
        """Do nothing: every fit compiles its own model."""

    def sample(self, model: Model, settings: Settings) -> Draws:
        """Draw from the posterior with the NUTS of PyMC or of `settings.sampler`.

        Raises
        ------
        BackendError, OptionError
            As `check` does.
        """
        version = import_bambi().__version__
        sampler = checked_sampler(settings.sampler)
        built = built_model(model)
        effects = sum(group.size for group in model.stacked.groups)
        draws = default_draws(model.population.shape[1] + effects)
        settings = settings.with_defaults(draws, WARMUP, _target_accept(model))
        progress = someone_looks_on() if settings.progress is None else settings.progress
        # It would tell which level of a column, that is not the user's, it models.
        with failures_named(sampler), silent("bambi"), interrupts_raised() as check:
            own = {"callback": check} if sampler == "pymc" else {}
            tree = built.fit(
                draws=settings.draws,
                tune=settings.warmup,
                chains=settings.chains,
                cores=settings.cores,
                random_seed=settings.seed,
                inference_method=sampler,
                target_accept=settings.target_accept,
                progressbar=progress,
                quiet=True,
                compute_convergence_checks=False,
                **own,
            )
        posterior, found = tree["posterior"], places(model)
        at = {v.name: found.get(v.name, Place(v.name)) for v in model.variables}
        return Draws(
            posterior={name: place.values(posterior) for name, place in at.items()},
            sample_stats=sampler_statistics(tree["sample_stats"], sampler),
            attrs=run_attributes(
                "bambi",
                version,
                settings,
                posterior.attrs.get("sampling_time", np.nan),
                sampler=sampler,
            ),
        )

    def log_density(self, model: Model, unconstrained: Array) -> tuple[Array, Array]:
        """Refuse: bambi's coordinates are its own.

        Raises
        ------
        BackendError
        """
        raise BackendError("bambi has no log density in winstan's coordinates; use stan or pymc.")

    def code(self, model: Model) -> str:
        """Return a short program of this very formula: to read, or to publish.

        bambi need not be installed.

        Raises
        ------
        BackendError
            If bambi cannot express the model.
        """
        check_expressible(model)
        ours = {column: factor for factor, column in factor_columns(model).items()}
        repeated = model.design.weights is not None and weights_of(model) is None
        priors = _renamed(priors_of(Writer, model), ours)
        return bambi_program(model, priors, repeated=repeated)

    def code_data(self, model: Model) -> dict[str, Any]:
        """Refuse: the program's data are the user's own.

        Raises
        ------
        BackendError
        """
        raise BackendError(
            'The program of fit.code("bambi") takes your own data frame; its first lines say which '
            "rows and columns."
        )


BACKEND = BambiBackend()


def import_bambi() -> Any:
    """Import bambi, or say how to get it."""
    return import_package("bambi", "bambi")


def bambi_model(model: Model) -> bambi.Model:
    """Translate a model to bambi's.

    Raises
    ------
    BackendError
        If bambi cannot express it.
    """
    bmb = import_bambi()
    check_expressible(model)
    potentials = [level_potential(model)] if level_terms(model) else []
    if model.family.thresholds is not None:
        potentials.append(threshold_potential(model))
    if intercepts_elsewhere(model):
        potentials.append(intercept_potential(model))
    try:
        out = bmb.Model(
            bmb.Formula(*formulas(model)),
            data_of(model),
            family=family_of(model).name,
            link=links(model),
            priors=priors_of(bmb, model),
            potentials=potentials or None,
            auto_scale=False,
            center_predictors=centers(model),
            extra_namespace=dict(model.design.names),
        )
        if given := aliases_by_component(model):
            out.set_alias(given)
        return out
    except Exception as problem:  # bambi and formulae raise what they like
        raise _not_expressed(problem) from problem


def built_model(model: Model) -> bambi.Model:
    """Translate a model to bambi's, and let bambi build its PyMC model.

    Raises
    ------
    BackendError
        If bambi cannot express it.
    """
    out = bambi_model(model)
    try:
        out.build()
    except Exception as problem:  # bambi and PyMC raise what they like
        raise _not_expressed(problem) from problem
    return out


def _target_accept(model: Model) -> float:
    if model.slopes:
        return ACCEPT_SLOPES
    return ACCEPT_GROUPS if model.stacked.groups else ACCEPT


def _not_expressed(problem: Exception) -> BackendError:
    return BackendError(
        f"bambi cannot express this model ({type(problem).__name__}: {problem}); "
        "backend='stan' and 'pymc' can."
    )


def _renamed(priors: dict[str, Any], factors: dict[str, str]) -> dict[str, Any]:
    """Call group terms by their factors' names, in each component."""
    out = {}
    for name, prior in priors.items():
        effect, bar, column = name.partition("|")
        own = _renamed(prior, factors) if isinstance(prior, dict) else prior
        out[effect + bar + factors.get(column, column)] = own
    return out
