"""A fit's report: one HTML page that needs nothing beside itself."""

from __future__ import annotations

import os
from datetime import UTC, datetime
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING

from winstan._version import __version__
from winstan.effects import choose_estimand, interval_names, population_predictors
from winstan.errors import BackendError, OptionError, WinstanError
from winstan.fitted.predictor_effects import predictor_effects
from winstan.fitted.programs import code
from winstan.report import figures, tables
from winstan.report.methods import methods_text, papers_of
from winstan.report.style import CSS

if TYPE_CHECKING:
    from winstan.fitted.fitted_model import FittedModel
    from winstan.fitted.predictor_effects import PredictorEffects
    from winstan.options import Whose

SUFFIXES = (".html", ".htm")
CODE = 400
"""Lines of the model's program that are shown."""


def write_report(
    fit: FittedModel,
    path: str | os.PathLike[str],
    *,
    title: str | None = None,
    unit: str | None = None,
    prob: float = 0.94,
    groups: Whose | None = None,
) -> Path:
    """Write a fit's page; the parameters and errors are those of `Fit.report`."""
    file = _file(path)
    if title is not None and not isinstance(title, str):
        raise OptionError(f"title must be text, not {title!r}.")
    if unit is not None and not isinstance(unit, str):
        raise OptionError(f"unit must be text, such as 'Hz', not {unit!r}.")
    interval_names(prob, "hdi")  # refuses what is none, before any work
    choose_estimand(fit.model, groups)
    page = page_of(fit, title=title, unit=unit, prob=prob, groups=groups)
    try:
        file.write_text(page, encoding="utf-8")
    except OSError as error:
        raise OptionError(
            f"The report cannot be written to {str(file)!r}: {error.strerror}."
        ) from None
    return file


def _file(path: str | os.PathLike[str]) -> Path:
    if not isinstance(path, str | os.PathLike) or not str(path).strip():
        raise OptionError(f"path must be the name of a file, such as 'report.html', not {path!r}.")
    file = Path(path).expanduser()
    if file.is_dir():
        raise OptionError(f"{str(file)!r} is a folder: give a file in it, such as 'report.html'.")
    if file.suffix.lower() not in SUFFIXES:
        raise OptionError(
            f"The report is an HTML page, and {str(file)!r} does not end in .html: write "
            f"{str(file.with_suffix('.html'))!r}."
        )
    if not file.parent.is_dir():
        raise OptionError(f"There is no folder {str(file.parent)!r} to write the report to.")
    return file


def page_of(
    fit: FittedModel,
    *,
    title: str | None = None,
    unit: str | None = None,
    prob: float = 0.94,
    groups: Whose | None = None,
) -> str:
    """Return the page as text."""
    shown = fit.model.formula.text if title is None or not title.strip() else title
    results, checks, left_out = figures.figures_of(fit, prob=prob, unit=unit, groups=groups)
    found, why = _effects(fit, groups)
    sections = [
        ("model", "Model", _model(fit)),
        ("data", "Data", _data(fit)),
        ("results", "Results", _results(fit, found, why, prob, groups, results, left_out)),
        ("checks", "Checks", _checks(fit, found, checks)),
        ("parameters", "Parameters", _parameters(fit, prob)),
        ("priors", "Priors", _priors(fit)),
        ("methods", "Methods", _methods(fit, prob, groups)),
        ("program", "Program", _program(fit)),
    ]
    links = "".join(f'<a href="#{key}">{name}</a>' for key, name, body in sections if body)
    body = "\n".join(
        f'<section id="{key}"><h2>{name}</h2>\n{text}\n</section>'
        for key, name, text in sections
        if text
    )
    made = datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC")
    return (
        '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{escape(shown)}</title>\n<style>{CSS}</style>\n</head>\n<body>\n"
        f"<h1>{escape(shown)}</h1>\n"
        f'<p class="soft">winstan {escape(__version__)}, {made}</p>\n'
        f"{_verdict(fit)}\n<nav>{links}</nav>\n{body}\n</body>\n</html>\n"
    )


def _verdict(fit: FittedModel) -> str:
    if fit.diagnostics.ok:
        return f'<div class="verdict" role="status">{escape(fit.verdict)}</div>'
    return (
        '<div class="verdict bad" role="alert"><strong>Do not use these results: the sampler has '
        f"not converged.</strong><br>{escape(fit.verdict)}</div>"
    )


def _model(fit: FittedModel) -> str:
    model = fit.model
    rows = {
        "formula": f"<code>{escape(model.formula.text)}</code>",
        "family": escape(model.family.name),
        "link": escape(model.link.name),
        "backend": escape(fit.backend),
        "time": f"{fit.seconds:.1f} s",
    }
    lines = "".join(
        f'<tr><th scope="row">{name}</th><td class="text">{value}</td></tr>'
        for name, value in rows.items()
    )
    return f'<div class="wide"><table><tbody>{lines}</tbody></table></div>'


def _data(fit: FittedModel) -> str:
    cells, design = fit.model.cells, fit.model.design
    gone = tables.left_out(design)
    return (
        f"<p>{design.n_used:,} complete rows, {cells.n:,} cells of rows that share all "
        f"predictors. {escape(gone)}</p>"
        + tables.as_html(tables.data_table(fit.model), text=("role", "values"))
    )


def _effects(fit: FittedModel, groups: Whose | None) -> tuple[PredictorEffects | None, str]:
    """Find every predictor's effects, once for all that is said of them; or say why not."""
    if not population_predictors(fit.model):
        return None, ""
    try:
        return predictor_effects(fit, groups=groups), ""
    except WinstanError as error:
        return None, f'<p class="soft">No table of effects: {escape(str(error))}</p>'


def _results(
    fit: FittedModel,
    found: PredictorEffects | None,
    why: str,
    prob: float,
    groups: Whose | None,
    drawn: list[figures.Figure],
    left_out: str,
) -> str:
    parts = [why] if why else []
    if found is not None:
        table = tables.effects_table(found, prob=prob, groups=groups)
        whose = table.attrs["whose"].items()
        parts.append(
            tables.as_html(
                table,
                caption=f"Differences of {_of_what(fit)}; of numbers with more than two values, "
                "the average slope. " + "; ".join(f"({name}): {words}" for name, words in whose),
                more="fit.effects() has all.",
            )
        )
    parts += [_effects_on(fit, name, prob) for name in tables.predicted_parameters(fit.model)]
    parts += figures.as_html(drawn)
    if left_out:
        parts.append(f'<p class="soft">{escape(left_out)}</p>')
    return "\n".join(parts)


def _of_what(fit: FittedModel) -> str:
    if fit.model.family.of_categories:
        return "each category's probability"
    return "the mean response, in its units"


def _effects_on(fit: FittedModel, parameter: str, prob: float) -> str:
    """Return the table of effects on a parameter beside the mean, or of a category."""
    try:
        table = tables.effects_on_table(fit, parameter, prob=prob)
    except WinstanError as error:
        return f'<p class="soft">No table of effects on {escape(f"{parameter}: {error}")}</p>'
    if table is None:
        return ""
    what = "Ratios" if table.attrs["ratio"] else "Differences"
    label, whose = fit.model.family.parameter(parameter).label, table.attrs["whose"]
    return tables.as_html(
        table,
        caption=f"{what} of {parameter}, the {label}{f', {whose}' if whose else ''}.",
        more=f"fit.effects(parameter={parameter!r}) has all.",
    )


def _checks(fit: FittedModel, found: PredictorEffects | None, drawn: list[figures.Figure]) -> str:
    d = fit.diagnostics
    numbers = (
        f"R-hat at most {d.max_r_hat:.3f}; effective draws at least {d.min_ess_bulk:,.0f} (bulk) "
        f"and {d.min_ess_tail:,.0f} (tail) of {d.n_chains * d.n_draws:,}, the worst being "
        f"{d.worst}; {d.n_divergent:,} divergent; {d.n_max_treedepth:,} at the largest tree depth; "
        f"E-BFMI at least {d.min_e_bfmi:.2f}."
    )
    return "\n".join(
        [f"<p>{escape(numbers)}</p>", *figures.as_html(drawn), _sensitivity(fit, found)]
    )


def _sensitivity(fit: FittedModel, found: PredictorEffects | None) -> str:
    """Return how parameters and contrasts move with priors and likelihood."""
    try:
        table, left = tables.sensitivity_table(fit, found)
    except WinstanError as error:
        return f'<p class="soft">No power-scaling: {escape(str(error))}</p>'
    said = (
        "How much the answers hang on the priors, and on the data: how fast each distribution "
        "moves as either is raised to powers near one. From 0.05 up it is called sensitive."
    )
    if whose := table.attrs.get("estimand"):
        said += f" Contrasts: {whose}."
    if left:
        said += f" {left:,} that hang on the priors less are not shown; fit.sensitivity() has all."
    return tables.as_html(table, caption=said, text=("diagnosis",))


def _parameters(fit: FittedModel, prob: float) -> str:
    table, left = tables.parameters_table(fit, prob=prob)
    said = f"{left:,} group effects are not shown; fit.summary() has them all." if left else ""
    return tables.as_html(table, caption=said, more="fit.summary() has all.")


def _priors(fit: FittedModel) -> str:
    return tables.as_html(
        tables.priors_table(fit), text=("prior", "whose", "where"), more="fit.priors has all."
    )


def _methods(fit: FittedModel, prob: float, groups: Whose | None) -> str:
    papers = "".join(f"<li>{escape(paper)}</li>" for paper in papers_of(fit))
    paragraph = escape(methods_text(fit, prob=prob, groups=groups))
    return f'<p id="paragraph">{paragraph}</p>\n<ul>{papers}</ul>'


def _program(fit: FittedModel) -> str:
    try:
        lines = code(fit, "stan").splitlines()
    except BackendError as error:
        return f'<p class="soft">{escape(str(error))}</p>'
    shown = "\n".join(lines[:CODE])
    more = len(lines) - CODE
    left = f'<p class="soft">{more:,} more lines: fit.code().</p>' if more > 0 else ""
    return (
        "<details><summary>The model as a Stan program, row by row</summary>\n"
        f"<pre><code>{escape(shown)}</code></pre>{left}</details>"
    )
