"""`design`: what an analysis would find in studies of a layout, by their size."""

from __future__ import annotations

import secrets
from dataclasses import replace
from time import perf_counter
from typing import TYPE_CHECKING, Any

from winstan.backends import Settings, backend_named, one_backend
from winstan.effects.replicates import check_seed
from winstan.errors import (
    BackendError,
    ConvergenceWarning,
    FailureWarning,
    OptionError,
    warn_user,
)
from winstan.fit_class import Fit
from winstan.fitted.pipeline import fit_by, model_from, warn_of_verdict
from winstan.formula.scope import namespace_of_caller
from winstan.keywords import explains_keywords
from winstan.options import (
    Interval,
    check_flags,
    check_option,
    check_probability,
    check_whole,
    refuse_beside_fit,
)
from winstan.parallel import run_tasks, workers_of
from winstan.planning.analyses import as_methods
from winstan.planning.plans import contrasts_of, make_plans, possible_methods
from winstan.planning.reading import read_proposal
from winstan.planning.result import StudyDesign
from winstan.planning.sizes import read_sizes
from winstan.planning.summaries import studies_table, summary_table
from winstan.planning.task import StudyQuestion, StudyTasks
from winstan.planning.truth import shown
from winstan.plots.words import percent

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import pandas as pd

    from winstan.families import Family
    from winstan.options import Groups, Scale
    from winstan.planning.reading import PlannedStudy
    from winstan.priors import Prior

LEAST = 10
"""Simulations from which shares can say anything."""
DRAWS = 500
"""Draws of each chain: two of them tell the ends of an interval to a tenth of its sd."""
UNSURE = 0.01
"""Share of fits without convergence that chance alone brings."""


@explains_keywords
def design(
    formula: str | Sequence[str] | Fit,
    data: Any = None,
    family: str | Family = "gaussian",
    *,
    effect: Any,
    n: Mapping[str, Any] | None = None,
    truth: Fit | Mapping[str, Any] | None = None,
    methods: str | Sequence[str] | None = None,
    simulations: int = 200,
    null: bool = True,
    scale: Scale = "response",
    ratio: bool | None = None,
    groups: Groups | None = None,
    parameter: str | None = None,
    rope: float | Sequence[float] | None = None,
    prob: float = 0.95,
    interval: Interval = "eti",
    n_jobs: int | None = None,
    backend: str = "stan",
    link: str | None = None,
    priors: Mapping[str, Prior] | None = None,
    center: bool = True,
    trials: str | int | None = None,
    chains: int = 2,
    warmup: int | None = None,
    draws: int | None = None,
    seed: int | None = None,
    target_accept: float | None = None,
    progress: bool | None = None,
    sampler: str | None = None,
    parametrization: str | Mapping[str, str] | None = None,
    **formulas: str,
) -> StudyDesign:
    """Plan a study: its power, and what else its analysis would be like, by simulation.

    Studies are simulated from a known truth, with new animals in each, and analysed by Bayes, LME
    and ANOVA: how often the interval of the effect excludes none, how wide it is, how often it
    holds the truth, and how wrong an estimate is whose interval excludes no effect. Studies without
    an effect say how often it does so falsely.

    Parameters
    ----------
    formula, family, **formulas
        As for `winstan.fit`; or a fit, whose model and posterior are taken.
    data
        The rows of the study: a data frame of the predictors and the group factors, such as
        `winstan.layout` makes. If it has the response it is a pilot, and without `truth` the model
        is fitted to it: studies are simulated from draws of its posterior, never from its point
        estimates, which are too sure of themselves.
    effect
        What is compared, and how large it is: ``{"stim": 1.2}`` is a ratio of means under a log
        link (or of a lognormal response) and otherwise a difference, in the units of the response;
        of more than two levels ``{"dose": {"low": 1.1, "high": 1.3}}``. It replaces the
        coefficient. ``"stim"`` alone has the size that the truth says. ``"drug:stim"`` is a
        difference of differences.
    n
        Sizes: the number of levels of each factor, ``{"mouse": [4, 6, 8], "trial": [20, 60]}``, in
        all combinations. Of a factor within another (neurons of a mouse) it is that in each. New
        levels are copies of the layout's. A name that no column has numbers the repeats of rows
        that are alike. By default the layout as it is.
    truth
        Parameters by name, as ``fit.summary()`` has them: ``{"Intercept": 2, "1|mouse_sigma": 0.3,
        "sigma": 1}``. Those of a prior, ``ws.HalfNormal(0.5)``, are drawn anew for each study, and
        power is then assurance. Coefficients and correlations that are left out are zero. Or a fit.
    methods
        Of ``"bayes"``, ``"lme"`` and ``"anova"``; by default all that there are. LME and ANOVA are
        of the logarithm of a positive response with a log link (ratios of geometric means), else of
        the response (differences of means). The ANOVA is paired within the first group factor, or
        of its means where the treatment is between its levels.
    simulations
        Studies of each size; 200 know a power of 80% to 0.03.
    null
        Whether to simulate as many studies without an effect, for false positives.
    scale, ratio, groups, parameter, rope
        As for `Fit.contrast`; groups are ``"population"`` or ``"typical"``.
    prob
        Probability of the intervals.
    interval
        Of posteriors: equal tails by default, which few draws tell better than ``"hdi"``.
    n_jobs
        Studies at once, as for `winstan.fit_each`.
    chains, warmup, draws
        Of each posterior: 2 chains of 500 draws by default, which add a hundredth to no share.
    backend, link, priors, center, trials, target_accept, progress, sampler, parametrization
        As for `winstan.fit`. Default priors are those of each study's own data.
    seed
        Each study has random numbers of its own, made of this seed, its size and its number:
        results do not depend on `n_jobs`.

    Returns
    -------
    StudyDesign
        With ``summary``, ``table``, ``sample_size()``, ``plot()``, and all studies.

    Raises
    ------
    FormulaError, DataError, FamilyError, PriorError, OptionError
        Before any sampling.
    BackendError
        If the backend is missing, or no study could be analysed.

    Warns
    -----
    FailureWarning
        If some analyses gave no answer.
    ConvergenceWarning
        If more posteriors have not converged than chance brings.

    Notes
    -----
    Type S and M errors by Gelman and Carlin (2014), Perspectives on Psychological Science 9,
    641-651; assurance by O'Hagan, Stevens and Campbell (2005), Pharmaceutical Statistics 4,
    187-201.
    docs/design.md has what was measured.

    Examples
    --------
    >>> import winstan as ws
    >>> study = ws.layout(mouse=6, stim=["rest", "light"], trial=20)
    >>> plan = ws.design(
    ...     "y ~ stim + (stim|mouse)",
    ...     study,
    ...     effect={"stim": 0.6},
    ...     n={"mouse": [4, 8]},
    ...     truth={"1|mouse_sigma": 1, "stim|mouse_sigma": 0.4, "sigma": 1},
    ...     methods="anova",
    ...     simulations=20,
    ...     null=False,
    ...     n_jobs=1,
    ...     seed=1,
    ... )
    >>> plan.table["power"].is_monotonic_increasing
    True
    """
    check_flags(center=center, progress=progress, null=null)
    check_option("interval", interval, Interval)
    start = perf_counter()
    chosen = as_methods(methods)
    check_whole("simulations", simulations, LEAST)
    check_probability("prob", prob, 0.95)
    options = {
        "formulas": formulas,
        "link": link,
        "priors": priors,
        "center": center,
        "trials": trials,
        "parametrization": parametrization,
    }
    sizes = read_sizes(n)
    if isinstance(formula, Fit):
        given = {name: own for name, own in options.items() if name not in _COORDINATES}
        refuse_beside_fit({"family": family, **given, **formulas})
        truth = formula if truth is None else truth
    used = one_backend(backend, "design", sampler=sampler)
    sampling: dict[str, Any] = {
        "chains": chains,
        "warmup": warmup,
        "draws": DRAWS if draws is None else draws,
        "target_accept": target_accept,
        "cores": 1,
        "progress": False,
        "sampler": sampler,
    }
    seed = secrets.randbelow(2**31 - 1) if seed is None else check_seed(seed)
    settings = Settings(**sampling, seed=seed)
    workers = workers_of(n_jobs)
    proposal = read_proposal(formula, data, family, namespace_of_caller(), options, list(sizes[0]))
    if truth is None:
        truth = _pilot(proposal, seed, progress)
    asked = {"scale": scale, "ratio": ratio, "groups": groups, "rope": rope}
    plans = make_plans(
        proposal,
        sizes,
        effect,
        truth,
        asked={**asked, "parameter": parameter},
        null=null,
        seed=seed,
    )
    question = StudyQuestion(
        plans.targets, (), proposal.options["priors"], prob, interval, used.name, sampling
    )
    named, notes = possible_methods(plans, question, chosen, seed)
    if "bayes" in named:
        used.check(plans.model, settings)
        used.prepare(plans.model, progress=progress)
    question = replace(question, methods=named)
    tasks = StudyTasks(question, list(plans.each), simulations, seed)
    done = run_tasks(tasks, workers, progress)
    of = contrasts_of(plans, named, rope)
    studies = studies_table(done, plans.sizes, of)
    _tell(studies)
    names = tuple(plans.sizes[0][0])
    model = plans.model
    return StudyDesign(
        table=summary_table(studies, names, of),
        studies=studies,
        truth=shown(model, plans.truth),
        source=plans.truth.source,
        assurance=not plans.truth.known,
        sizes=names,
        formula=model.formula.text,
        family=model.family.name,
        link=model.link.name,
        backend=used.name,
        prob=prob,
        setting=f"{chains} chains of {sampling['draws']} draws, {percent(prob)} {interval.upper()}",
        notes=notes,
        seed=seed,
        seconds=perf_counter() - start,
    )


_COORDINATES = ("formulas", "parametrization")
"""Options that say nothing of the model, or are given by name."""


def _pilot(proposal: PlannedStudy, seed: int, progress: bool | None) -> Fit:
    """Fit the model to the layout's own response, as `winstan.fit` does."""
    if not proposal.has_response:
        left = proposal.parsed.response
        raise OptionError(
            f"Nothing says what the studies are to be simulated from: the layout has no {left!r}, "
            "and truth= was not given. State the parameters, truth={'sigma': 1, ...}, by the names "
            "that fit.summary() has; or give a fit, or a pilot's data frame with the response."
        )
    stan = backend_named("stan")
    model = model_from(
        proposal.formula,
        proposal.table,
        proposal.family,
        proposal.namespace,
        **proposal.options,
    )
    fit = fit_by(Fit, stan, model, Settings(seed=seed, progress=progress), perf_counter())
    warn_of_verdict(fit, "The pilot: ")
    return fit


def _tell(studies: pd.DataFrame) -> None:
    """Warn of analyses without an answer, and of posteriors that are not to be trusted."""
    failed = studies[studies["error"] != ""]
    if len(failed):
        first = failed["error"].iloc[0]
        if len(failed) == len(studies):
            raise BackendError(f"All {len(studies)} analyses failed. The first: {first}")
        warn_user(
            f"{len(failed)} of {len(studies)} analyses of simulated studies have no answer, and "
            f"count in no share; .studies has them. The first, by {failed['method'].iloc[0]}: "
            f"{first}",
            FailureWarning,
        )
    fitted = studies[(studies["method"] == "bayes") & (studies["error"] == "")]
    bad = int((~fitted["ok"]).sum())
    if bad > max(1.0, UNSURE * len(fitted)):
        warn_user(
            f"{bad} of {len(fitted)} posteriors of simulated studies have not converged; they "
            "count. Take more draws=, or target_accept=0.95.",
            ConvergenceWarning,
        )
