"""The simulations of a design: for each size a layout, a truth, and the analyses that there are."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from winstan.calibration.simulation import Simulator, detection_limits_of
from winstan.errors import DataError, OptionError
from winstan.fit_class import Fit
from winstan.planning.analyses import analyses_of
from winstan.planning.summaries import AskedContrast
from winstan.planning.targets import decided, read_targets, with_sizes
from winstan.planning.task import StudyPlan, simulate_study
from winstan.planning.truth import Truth, stated_truth, truth_of_fit

if TYPE_CHECKING:
    import pandas as pd

    from winstan.model import Model
    from winstan.planning.analyses import Analyses, Method
    from winstan.planning.reading import PlannedStudy
    from winstan.planning.targets import Targets
    from winstan.planning.task import StudyQuestion


@dataclass(frozen=True, slots=True, eq=False)
class Plans:
    """All that is simulated.

    Attributes
    ----------
    each : tuple of StudyPlan
    sizes : tuple of (mapping of str to int, bool)
        Of each plan, its sizes and whether it has no effect.
    targets : Targets
    truth : Truth
        Of the first size.
    """

    each: tuple[StudyPlan, ...]
    sizes: tuple[tuple[Mapping[str, int], bool], ...]
    targets: Targets
    truth: Truth

    @property
    def model(self) -> Model:
        """The model of the first size."""
        return self.each[0].simulator.model


def make_plans(
    proposal: PlannedStudy,
    sizes: Sequence[Mapping[str, int]],
    effect: Any,
    truth: Any,
    *,
    asked: Mapping[str, Any],
    null: bool,
    seed: int,
) -> Plans:
    """Lay out each size, and settle the truth in it.

    Parameters
    ----------
    proposal
    sizes
    effect
        As for `winstan.design`.
    truth
        A fit, or parameters by name.
    asked
        Options of `winstan.planning.targets.read_targets`.
    null
        Whether to simulate studies without an effect as well.
    seed

    Raises
    ------
    FormulaError, DataError, FamilyError, PriorError, OptionError
    """
    categories = _categories(truth)
    each: list[StudyPlan] = []
    named: list[tuple[Mapping[str, int], bool]] = []
    targets: Targets | None = None
    first: Truth | None = None
    for own in sizes:
        table = proposal.layout(own)
        model = replace(proposal.model(table, categories), inputs=None)
        _check_model(model)
        if targets is None:
            targets = read_targets(model, effect, **asked)
        known = _truth(model, truth, targets, seed)
        simulator = Simulator(
            model, proposal.options["parametrization"], *detection_limits_of(model)
        )
        analyses = _analyses(model, targets, table, proposal.unit)
        for without in (False, True) if null else (False,):
            settled = _settled(model, targets, known, null=without)
            first = settled if first is None else first
            each.append(_with_values(StudyPlan(simulator, settled, without, analyses), targets))
            named.append((_named(own, proposal, table), without))
    assert targets is not None
    assert first is not None
    return Plans(tuple(each), tuple(named), targets, first)


def possible_methods(
    plans: Plans, question: StudyQuestion, chosen: Sequence[Method] | None, seed: int
) -> tuple[tuple[Method, ...], tuple[str, ...]]:
    """Return the methods that such studies can be analysed by, and why others cannot.

    Raises
    ------
    OptionError
        If one of those that were chosen cannot.
    DataError
        If no study can be simulated.
    """
    methods: list[Method] = []
    notes: list[str] = []
    plan = plans.each[0]
    for method in chosen or ("bayes", "lme", "anova"):
        if method == "bayes":
            methods.append(method)
            continue
        reason = plan.analyses if isinstance(plan.analyses, str) else ""
        if not reason:
            study = simulate_study(replace(question, methods=(method,)), plan, 0, 0, seed)
            if study.error:
                raise DataError(f"No study can be simulated: {study.error}")
            reason = study.found[method].error.partition(": ")[2].rstrip(".")
        if reason and chosen is not None:
            raise OptionError(
                f"methods= names {method!r}, which these studies have none of: {reason}."
            )
        if reason:
            notes.append(f"No {method.upper()}: {reason}.")
        else:
            methods.append(method)
    return tuple(methods), tuple(notes)


def contrasts_of(plans: Plans, methods: Sequence[Method], rope: Any) -> list[AskedContrast]:
    """Return each contrast as each method estimates it, in the order of their answers."""
    model, targets = plans.model, plans.targets
    parameters = plans.truth.draw(np.random.default_rng(0))
    found = targets.ask(model, parameters, rope=rope)
    out = []
    for method in methods:
        for result in found:
            measure = result.measure
            for c, label in enumerate(result.labels):
                name = f"{result.treatment}: {label}"
                region = None if rope is None else result.region(c)
                if method == "bayes":
                    own = AskedContrast(
                        method, name, measure.words, measure.null, measure.ratio, region
                    )
                else:
                    analyses = plans.each[0].analyses
                    assert not isinstance(analyses, str)
                    own = _classical(method, name, analyses, measure.ratio, region)
                out.append(own)
    return out


def _classical(
    method: Method, name: str, analyses: Analyses, ratio: bool, region: Any
) -> AskedContrast:
    logged = analyses.logged
    words = "ratio of geometric means" if logged else "difference of means"
    return AskedContrast(
        method, name, words, float(logged), logged, region if logged == ratio else None
    )


def _with_values(plan: StudyPlan, targets: Targets) -> StudyPlan:
    """Evaluate what is the same in all studies of a plan."""
    if not plan.truth.known:
        return plan
    methods: tuple[Method, ...] = ("bayes", "lme", "anova")
    possible = methods[:1] if isinstance(plan.analyses, str) else methods
    values = dict(plan.truth.values)
    return replace(plan, known={m: plan.true_values(targets, values, m) for m in possible})


def _truth(model: Model, truth: Any, targets: Targets, seed: int) -> Truth:
    if isinstance(truth, Fit):
        return truth_of_fit(model, truth)
    return stated_truth(model, truth, decided(model, targets), seed)


def _settled(model: Model, targets: Targets, truth: Truth, *, null: bool) -> Truth:
    """Set the effect where all studies have the same parameters."""
    if not truth.known:
        return truth
    values = with_sizes(model, targets, dict(truth.values), null=null)
    return replace(truth, values=values)


def _analyses(
    model: Model, targets: Targets, table: pd.DataFrame, unit: str | None
) -> Analyses | str:
    """Return what LME and ANOVA are given, or why there are none."""
    try:
        return analyses_of(model, targets, table, unit)
    except OptionError as problem:
        return str(problem)


def _named(
    own: Mapping[str, int], proposal: PlannedStudy, table: pd.DataFrame
) -> Mapping[str, int]:
    """Return the sizes of a study; of a layout as it is how many units, or rows, it has."""
    if own:
        return own
    if proposal.unit is None:
        return {"rows": len(table)}
    return {proposal.unit: int(table[proposal.unit].nunique())}


def _categories(truth: Any) -> int | None:
    """Return how many categories stated thresholds part."""
    if not isinstance(truth, Mapping):
        return None
    given = truth.get("threshold")
    return len(list(given)) + 1 if np.iterable(given) else None


def _check_model(model: Model) -> None:
    """Refuse what no simulation can know."""
    if model.design.response.counts is not None:
        raise OptionError(
            f"{model.design.response.name} counts categories: plan family='cumulative' on a row "
            "for each observation."
        )
    if model.correlation is not None:
        raise OptionError(
            f"ws.design simulates residuals that are correlated of a gaussian response: leave "
            f"{model.formula.residual.text if model.formula.residual else 'the term'} out of a "
            f"{model.family.name} model."
        )
