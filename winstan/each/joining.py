"""The outcomes of all groups, joined."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from winstan import effects
from winstan.each.result import FitEach
from winstan.each.tables import join_tables, table_of

if TYPE_CHECKING:
    from winstan.each.groups import Parts
    from winstan.each.task import Outcome, Question
    from winstan.model import Model


def result_of(
    question: Question,
    parts: Parts,
    outcomes: list[Outcome],
    model: Model,
    seed: int,
    seconds: float,
) -> FitEach:
    """Join the outcomes of all groups, in the groups' order."""
    by = parts.by
    fitted = [outcome for outcome in outcomes if outcome.diagnostics is not None]
    ok = {o.key: o.diagnostics.ok for o in fitted if o.diagnostics is not None}
    summaries = {
        o.key: o.summary.rename_axis("parameter").reset_index()
        for o in fitted
        if o.summary is not None
    }
    contrasts = {}
    for name in question.contrasts:
        tables = {o.key: o.contrasts[name] for o in fitted if name in o.contrasts}
        if tables:
            contrasts[name] = join_tables(by, tables, ok)
    failures = [
        (o.key, {"step": p.step, "error": p.error, "message": p.message})
        for o in outcomes
        for p in o.problems
    ]
    warned = [
        (
            o.key,
            {
                "warning": type(w).__name__,
                "name": getattr(w, "guard", None) or "",
                "message": str(w),
            },
        )
        for o in outcomes
        for w in o.warnings
    ]
    return FitEach(
        by=by,
        keys=parts.keys,
        table=join_tables(by, summaries, ok),
        verdicts=table_of(by, [(o.key, _verdict(o)) for o in outcomes], []),
        failures=table_of(by, failures, ["step", "error", "message"]),
        warnings=table_of(by, warned, ["warning", "name", "message"]),
        seed=seed,
        seconds=seconds,
        formula=model.formula.text,
        family=model.family.name,
        link=model.link.name,
        backend=question.backend,
        prob=question.prob,
        interval=question.interval,
        n_rows=parts.n_rows,
        missing=parts.missing,
        _response=effects.response_label(model),
        _effects=tuple(f"{v.name}[" for v in model.variables if v.role == "effect"),
        _contrasts=contrasts,
        _fits={o.key: o.fit for o in fitted if o.fit is not None} if question.keep_fits else None,
        _circular=model.family.circular,
        _categories=question.categories,
    )


def _verdict(outcome: Outcome) -> dict[str, Any]:
    found = outcome.diagnostics
    what = {"rows": outcome.rows, "seed": outcome.seed, "seconds": outcome.seconds}
    if found is None:
        problem = outcome.problems[0]
        words = f"Failed: {problem.error}: {problem.message}"
        return {"fitted": False, "ok": False, "verdict": words, **what}
    return {
        "fitted": True,
        "ok": found.ok,
        "verdict": found.verdict,
        **what,
        "max_r_hat": found.max_r_hat,
        "min_ess_bulk": found.min_ess_bulk,
        "min_ess_tail": found.min_ess_tail,
        "n_divergent": found.n_divergent,
    }
