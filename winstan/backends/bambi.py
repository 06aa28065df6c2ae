"""bambi: the same model row by row, by bambi's own design matrices: an independent check.

Formula, family, link and every prior are translated and passed explicitly, because bambi's defaults
differ (gamma's link is the inverse, priors scale with the data for some families only). What bambi
cannot express is refused, with the backend that can.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from winstan.backends.bambi_levels import level_potential, level_terms
from winstan.backends.bambi_program import Writer, bambi_program
from winstan.backends.base import imported
from winstan.backends.interrupts import interrupts_raised
from winstan.backends.program_names import speakable
from winstan.backends.pymc import checked_sampler, failures_named, sampler_statistics
from winstan.draws import Draws, run_attributes
from winstan.errors import BackendError
from winstan.model import ACCEPT, default_draws
from winstan.priors import Flat
from winstan.progress import someone_looks_on
from winstan.toolchain.silence import silent

if TYPE_CHECKING:
    import bambi
    import xarray as xr

    from winstan._typing import Array
    from winstan.backends.base import Settings
    from winstan.families.family import BambiFamily
    from winstan.model import Model
    from winstan.priors import Prior
    from winstan.variables import Variable

OWN = "winstan_"
RESPONSE, TRIALS, WEIGHT = f"{OWN}y", f"{OWN}trials", f"{OWN}weight"
# Rows of whole weights are repeated, up to this many in all.
REPEAT_UP_TO = 1_000_000
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
        effects = sum(group.Z.shape[1] * len(group.levels) for group in model.design.groups)
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
        posterior = tree["posterior"]
        return Draws(
            posterior={v.name: _values(posterior, v, model) for v in model.variables},
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
        _check(model)
        ours = {column: factor for factor, column in _factor_columns(model).items()}
        priors = {}
        for name, prior in _priors(Writer, model).items():
            effect, bar, column = name.partition("|")
            priors[effect + bar + ours.get(column, column)] = prior
        repeated = model.design.weights is not None and _weights(model) is None
        return bambi_program(model, _family(model).name, priors, repeated=repeated)

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
    return imported("bambi", "bambi")


def bambi_model(model: Model) -> bambi.Model:
    """Translate a model to bambi's.

    Raises
    ------
    BackendError
        If bambi cannot express it.
    """
    bmb = import_bambi()
    _check(model)
    aliases = _aliases(model)
    potentials = None
    if model.level_means is not None:
        names, density = level_potential(model)
        potentials = [([aliases.get(name, name) for name in names], density)]
    try:
        out = bmb.Model(
            _formula(model),
            _data(model),
            family=_family(model).name,
            link=model.link.name,
            priors=_priors(bmb, model),
            potentials=potentials,
            auto_scale=False,
            center_predictors=model.center,
            extra_namespace=dict(model.design.names),
        )
        if aliases:
            out.set_alias(aliases)
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
    return ACCEPT_GROUPS if model.design.groups else ACCEPT


def _not_expressed(problem: Exception) -> BackendError:
    return BackendError(
        f"bambi cannot express this model ({type(problem).__name__}: {problem}); "
        "backend='stan' and 'pymc' can."
    )


def _family(model: Model) -> BambiFamily:
    """Return the family as bambi has it.

    Raises
    ------
    BackendError
        If it has none.
    """
    if model.family.bambi is None:
        raise BackendError(
            f"bambi has no family {model.family.name!r}; backend='stan' and 'pymc' have."
        )
    return model.family.bambi


def _check(model: Model) -> None:
    _family(model)
    for group in model.design.groups:
        if group.has_correlations:
            raise BackendError(
                f"bambi cannot express the correlated effects of {group.factor!r}: use "
                f"backend='stan' or 'pymc', or (... || {group.factor}) for uncorrelated ones."
            )
    _check_weights(model)
    if empty := model.design.memory.common.empty:
        raise BackendError(
            f"bambi keeps the column of {next(iter(empty.values()))!r}, a combination that no row "
            "has: use backend='stan' or 'pymc', or make one column of the combinations."
        )
    for column in model.design.predictors.columns:
        if str(column).startswith(OWN):
            raise BackendError(
                f"The names of the columns that bambi is given beside yours start with {OWN!r}: "
                f"rename {column!r}, or use backend='stan' or 'pymc'."
            )
    own = {"mu", "p", *model.family.auxiliary}
    for term in model.design.terms:
        if term.name in own:
            raise BackendError(
                f"bambi has a parameter of its own called {term.name!r}: rename that column, or "
                "use backend='stan' or 'pymc'."
            )
    if model.link.name == "sqrt":
        raise BackendError("bambi has no sqrt link; backend='stan' and 'pymc' have.")


def _check_weights(model: Model) -> None:
    if model.design.weights is None:
        return
    elsewhere = "use backend='stan' or 'pymc'"
    if not model.formula.elementwise:
        raise BackendError(
            "bambi would see rows repeated by their weights, and functions of whole columns "
            f"(scale, center, poly) give other values on those: {elsewhere}."
        )
    if _weights(model) is None:
        return
    if not _family(model).weighted:
        raise BackendError(
            f"bambi cannot weight rows of {model.family.name} responses by fractions: {elsewhere}."
        )
    if model.center:
        raise BackendError(
            "bambi centres predictors at a mean without weights, which fractions of rows move: "
            f"{elsewhere}, or center=False."
        )


def _factor_columns(model: Model) -> dict[str, str]:
    """Name a column for each factor: what users call theirs may be no name for bambi."""
    factors = dict.fromkeys(group.factor for group in model.design.groups)
    return {factor: f"{OWN}group_{i}" for i, factor in enumerate(factors)}


def _aliases(model: Model) -> dict[str, str]:
    """Name the terms whose own names cannot be those of variables and dims."""
    names = [term.name for term in model.design.terms]
    for group in model.design.groups:
        column = _factor_columns(model)[group.factor]
        names += [f"{effect.name}|{column}" for effect in group.effects]
    return {name: f"{OWN}term_{i}" for i, name in enumerate(names) if speakable(name) != name}


def _formula(model: Model) -> str:
    response = RESPONSE
    if model.design.response.trials is not None:
        response = f"p({RESPONSE}, {TRIALS})"
    elif _weights(model) is not None:
        response = f"weighted({RESPONSE}, {WEIGHT})"
    right = [model.formula.common]
    right += [f"offset({offset})" for offset in model.formula.offset]
    for spec, group in zip(model.formula.groups, model.design.groups, strict=True):
        right.append(f"({spec.effects}|{_factor_columns(model)[group.factor]})")
    return f"{response} ~ {' + '.join(right)}"


def _data(model: Model) -> pd.DataFrame:
    """Rows for bambi: predictors as they are, response and levels as the design has them."""
    design = model.design
    data = design.predictors.iloc[design.row].reset_index(drop=True)
    for name in data.columns:
        if data[name].dtype == bool:
            data[name] = data[name].astype(int)
    y = design.response.y
    if model.family.log_response:
        y = np.log(y)
    data[RESPONSE] = y.astype(int) if model.family.whole else y
    if design.response.trials is not None:
        data[TRIALS] = design.response.trials.astype(int)
    weights = _weights(model)
    if weights is not None:
        data[WEIGHT] = weights
    for group in design.groups:
        codes = group.level[design.row]
        # Levels by number, so that their order is ours whatever they are called.
        column = _factor_columns(model)[group.factor]
        data[column] = pd.Categorical(codes, categories=range(len(group.levels)))
    if design.weights is not None and weights is None:
        return data.loc[data.index.repeat(design.weights.astype(int))].reset_index(drop=True)
    return data


def _weights(model: Model) -> Array | None:
    """Frequency weights to pass on; None without any, or where rows can be repeated instead.

    bambi centres predictors at the mean of its rows, whatever their weights.
    """
    weights = model.design.weights
    if weights is None or (
        np.array_equal(weights, np.round(weights)) and weights.sum() <= REPEAT_UP_TO
    ):
        return None
    return weights


def _priors(bmb: Any, model: Model) -> dict[str, Any]:
    priors = model.priors.table
    design = model.design
    out = {}
    if design.intercept:
        out["Intercept"] = _prior(bmb, [priors["Intercept"]], scalar=True, domain="real")
    moved = level_terms(model)  # their priors are potentials
    for term in design.terms:
        own = [Flat() if term.name in moved else priors[name] for name in term.column_names]
        out[term.name] = _prior(bmb, own, scalar=not term.labels, domain="real")
    for group in design.groups:
        for effect in group.effects:
            own = [priors[name] for name in group.sd_names_of(effect)]
            sigma = _prior(bmb, own, scalar=not effect.labels, domain="positive")
            key = f"{effect.name}|{_factor_columns(model)[group.factor]}"
            out[key] = bmb.Prior("Normal", mu=0, sigma=sigma)
    for p in model.family.parameters[1:]:
        out[p.name] = _prior(bmb, [priors[p.name]], scalar=True, domain=p.domain)
    return out


def _prior(bmb: Any, priors: list[Prior], *, scalar: bool, domain: str) -> Any:
    """Translate the priors of one term: one distribution, with a number for each column."""
    kinds = {type(prior).__name__ for prior in priors}
    if len(kinds) > 1:
        raise BackendError(
            f"bambi cannot mix priors of the kinds {' and '.join(sorted(kinds))} in one term; "
            "backend='stan' and 'pymc' can."
        )
    columns = np.array([prior.numbers for prior in priors]).T
    numbers = {
        name: float(column[0]) if scalar else column
        for name, column in zip(priors[0].pymc, columns, strict=True)
    }
    return bmb.Prior(priors[0].pymc_name(domain), **numbers)


def _values(posterior: xr.Dataset, variable: Variable, model: Model) -> Array:
    """Return a variable's draws with its dims in our order: (chains, draws, *dims)."""
    name = variable.name
    aliases = _aliases(model)
    for group in model.design.groups:
        own = {group.effect_name(effect): effect.name for effect in group.effects}
        for ours, effect in own.items():
            if name in (ours, f"{ours}_sigma"):
                column = _factor_columns(model)[group.factor]
                theirs = f"{effect}|{column}"
                theirs = aliases.get(theirs, theirs) + name[len(ours) :]
                return posterior[theirs].transpose("chain", "draw", ...).to_numpy()
    return posterior[aliases.get(name, name)].transpose("chain", "draw", ...).to_numpy()
