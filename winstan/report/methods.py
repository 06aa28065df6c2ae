"""The methods paragraph of a fit, and the papers that it cites."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from winstan import effects
from winstan._version import __version__
from winstan.chance import ESS_PER_CHAIN
from winstan.design import MEAN
from winstan.families.sample import INTERVAL, LEFT, RIGHT
from winstan.report.tables import left_out

if TYPE_CHECKING:
    from winstan.fitted.fitted_model import FittedModel
    from winstan.model import Model
    from winstan.options import Whose

PRIORS = 12
"""Priors that the paragraph names; the page's table has all."""

PAPERS = {
    "nuts": "Hoffman MD, Gelman A (2014). The No-U-Turn Sampler: adaptively setting path lengths "
    "in Hamiltonian Monte Carlo. Journal of Machine Learning Research 15, 1593-1623.",
    "stan": "Carpenter B, Gelman A, Hoffman MD, et al. (2017). Stan: a probabilistic programming "
    "language. Journal of Statistical Software 76(1). doi:10.18637/jss.v076.i01.",
    "pymc": "Abril-Pla O, Andreani V, Carroll C, et al. (2023). PyMC: a modern, and comprehensive "
    "probabilistic programming framework in Python. PeerJ Computer Science 9, e1516. "
    "doi:10.7717/peerj-cs.1516.",
    "bambi": "Capretto T, Piho C, Kumar R, et al. (2022). Bambi: a simple interface for fitting "
    "Bayesian linear models in Python. Journal of Statistical Software 103(15). "
    "doi:10.18637/jss.v103.i15.",
    "r_hat": "Vehtari A, Gelman A, Simpson D, Carpenter B, Bürkner P-C (2021). Rank-normalization, "
    "folding, and localization: an improved R-hat for assessing convergence of MCMC. Bayesian "
    "Analysis 16, 667-718. doi:10.1214/20-BA1221.",
    "e_bfmi": "Betancourt M (2016). Diagnosing suboptimal cotangent disintegrations in Hamiltonian "
    "Monte Carlo. arXiv:1604.00695.",
}
"""By key, what the paragraph cites."""

_CITED = {
    "nuts": "Hoffman and Gelman 2014",
    "stan": "Carpenter et al. 2017",
    "pymc": "Abril-Pla et al. 2023",
    "bambi": "Capretto et al. 2022",
    "r_hat": "Vehtari et al. 2021",
    "e_bfmi": "Betancourt 2016",
}
_BACKENDS = {"stan": "Stan", "pymc": "PyMC", "bambi": "bambi"}


def methods_text(fit: FittedModel, *, prob: float, groups: Whose | None = None) -> str:
    """Write the paragraph: model, data, priors, sampler, convergence, what the numbers are.

    Every number is the fit's own. What the fit does not know, such as the warm-up of draws that
    were made without noting it, is left out.

    Parameters
    ----------
    fit
    prob
        Probability of the intervals.
    groups
        Whose effects are given, as for `Fit.contrast`.
    """
    sentences = [
        *_model_sentences(fit.model),
        _data_sentence(fit),
        _prior_sentence(fit),
        _sampler_sentence(fit),
        *_convergence_sentences(fit),
        *_effect_sentences(fit.model, prob, groups),
    ]
    return " ".join(sentences)


def papers_of(fit: FittedModel) -> list[str]:
    """Return the papers that the paragraph cites."""
    return [PAPERS[key] for key in ("nuts", *_software(fit), "r_hat", "e_bfmi")]


def _software(fit: FittedModel) -> tuple[str, ...]:
    return ("bambi", "pymc") if fit.backend == "bambi" else (fit.backend,)


def _model_sentences(model: Model) -> list[str]:
    family, link = model.family, model.link.name
    kind = "mixed model" if model.design.groups else "regression"
    if family.conjugate and not family.log_response and link == "identity":
        kind = f"linear {kind}"
    elif family.exponential_family:
        kind = f"generalised linear {kind if model.design.groups else 'model'}"
    own = "mean" if family.of_categories else family.parameters[0].label
    of = f"the {own}"
    if family.thresholds is not None:
        of = f"{family.thresholds.label} less the linear predictor"
    out = [
        f"{effects.response_label(model)} was modelled with a Bayesian {kind}: a "
        f"{family.label} distribution, {of} through the {link} "
        f"link, and the linear predictor {model.formula.mean_text}."
    ]
    if model.link.cut:
        out.append(f"A linear predictor of zero is the direction {model.link.origin:.4g}.")
    out += _limit_sentences(model)
    out += _parameter_sentences(model)
    out += _residual_sentences(model)
    out += _monotonic_sentences(model)
    parts = []
    for group in (one.term for one in model.stacked.written if not one.term.latent):
        names = " and ".join(
            ("intercepts" if effect.name == "1" else f"effects of {effect.name}")
            + ("" if effect.parameter == MEAN else f" on {effect.parameter}")
            for effect in group.effects
        )
        how = ", correlated" if group.correlated else ", uncorrelated"
        size = f"{len(group.levels):,} levels{how if group.Z.shape[1] > 1 else ''}"
        arms = f"; a covariance for each {group.by}" if group.by else ""
        parts.append(f"{names} by {group.factor} ({size}{arms})")
    if parts:
        out.append(
            "Group-level terms, normal with estimated standard deviations, were "
            f"{'; '.join(parts)}."
        )
    numbers = [*model.likelihood.reported, *([family.thresholds] if family.thresholds else [])]
    if numbers:
        named = " and ".join(f"{p.label} ({p.name})" for p in numbers)
        out.append(f"Also estimated: {named}.")
    return out


_CORRELATION = {
    "ar": "fell off with the positions between them, first-order autoregressively",
    "car": "fell off with the time between them, first-order autoregressively",
    "cs": "was one for all pairs (compound symmetry)",
    "toep": "was one for each lag (Toeplitz)",
    "unstr": "was one for each pair of visits (unstructured)",
}


def _residual_sentences(model: Model) -> list[str]:
    """Say how residuals were correlated."""
    if (term := model.design.residual) is None:
        return []
    how = f"{_CORRELATION[term.kind]}, with {term.spec.time} as their place ({term.kind})"
    if model.family.residuals == "latent":
        return [
            "Each row had a latent (observation-level) effect on the linear predictor, normal with "
            f"one standard deviation ({term.kind}_sigma), and effects of rows of one "
            f"{term.spec.factor} were correlated: the correlation of two rows {how}."
        ]
    joint = " and had a joint density, of one heavy tail for all of them"
    return [
        f"Residuals of rows of one {term.spec.factor} were correlated"
        f"{joint if model.family.residuals == 'joint' else ''}: the correlation of two rows {how}."
    ]


def _parameter_sentences(model: Model) -> list[str]:
    """Say what parameters beside the mean were modelled by."""
    out = []
    own = [p for p in model.family.parameters if p.shared_name]
    for name, formula in model.formula.parameters.items():
        parameter = model.family.parameter(name)
        if parameter not in own:
            out.append(
                f"The {parameter.label} ({name}) was modelled through the {parameter.link.name} "
                f"link with the linear predictor {formula.text}."
            )
    if own:
        terms = model.formula.parameters[own[0].name].effects.names[1:]
        out.append(
            f"Each threshold had coefficients of its own for {', '.join(terms)} "
            f"({own[0].name} to {own[-1].name})."
        )
    return out


def _monotonic_sentences(model: Model) -> list[str]:
    """Say which effects are monotonic, and what was estimated of them."""
    if not model.stacked.monotones:
        return []
    parts = [
        f"{one.name}{'' if one.parameter == MEAN else f' on {one.parameter}'} ({one.n + 1} "
        f"categories; shares of the steps: {one.variable})"
        for one in model.stacked.monotones
    ]
    return [
        f"Monotonic effects (Bürkner and Charpentier 2020) were those of {'; '.join(parts)}: each "
        "step from category to category has a share of the whole change."
    ]


def _limit_sentences(model: Model) -> list[str]:
    """Say what is known of the response beside its value."""
    limits = model.design.response.limits
    out: list[str] = []
    if limits is None:
        return out
    if limits.status is not None:
        counts = {
            "left-censored": int(np.sum(limits.status == LEFT)),
            "right-censored": int(np.sum(limits.status == RIGHT)),
            "interval-censored": int(np.sum(limits.status == INTERVAL)),
        }
        named = " and ".join(f"{n:,} {what}" for what, n in counts.items() if n)
        out.append(
            f"Of {limits.status.size:,} responses {named or 'none'} entered by the probability of "
            "their interval; means are those of the response itself."
        )
    if limits.truncated:
        out.append(
            "The distribution was truncated to the values that could be seen; means are those "
            "without truncation."
        )
    if limits.error is not None:
        more = ", added to a residual variance" if limits.with_sigma else ""
        out.append(f"The standard error of each response was taken as known{more}.")
    return out


def _data_sentence(fit: FittedModel) -> str:
    model = fit.model
    design = model.design
    text = f"The data were {design.n_used:,} rows"
    if design.grouped is not None:
        text += f" that {design.grouped.engine} grouped"
    if design.response.counts is not None:
        text += f" that count {design.response.counts.sum():,.0f} responses"
    by_user = design.grouped is None or (model.inputs and model.inputs.weights)
    if design.frequency is not None and by_user:
        text += f" with frequency weights that add up to {design.frequency.sum():,g}"
    gone = left_out(design)
    gone = f" {gone}" if gone else ""
    if fit.backend == "bambi":  # which takes row by row
        return f"{text}.{gone}"
    return (
        f"{text}; the likelihood was evaluated, without approximation, from the sufficient "
        f"statistics of {model.cells.n:,} cells of rows that share all predictors.{gone}"
    )


def _prior_sentence(fit: FittedModel) -> str:
    priors = fit.priors
    items = list(priors.table.items())
    shown = [
        f"{name} ~ {prior}" + (f" ({place})" if (place := priors.place(name)) else "")
        for name, prior in items[:PRIORS]
    ]
    left = len(items) - len(shown)
    more = f"; and {left} more, in the table of priors" if left else ""
    # In the order of the model: a set has none.
    own = [name for name in priors.table if name in priors.given]
    whose = "winstan's defaults, which follow the scales of the data"
    if len(own) == len(items):
        whose = "chosen by the authors"
    elif own:
        named = ", ".join(own[:PRIORS]) + (", …" if len(own) > PRIORS else "")
        whose += f", except those of {named}, chosen by the authors"
    return f"Priors, in the units of the data, were {whose}: {'; '.join(shown)}{more}."


def _sampler_sentence(fit: FittedModel) -> str:
    attrs = fit.draws["posterior"].attrs
    d = fit.diagnostics
    version = str(attrs.get("inference_library_version", "")).strip()
    backend = f"{_BACKENDS.get(fit.backend, fit.backend)} {version}".strip()
    sampler = attrs.get("sampler")
    by = f"{backend} ({'; '.join(_CITED[key] for key in _software(fit))})"
    if sampler not in (None, "pymc"):
        by += f" with the sampler of {sampler}"
    warmup = attrs.get("tuning_steps")
    target = attrs.get("target_accept")
    text = (
        f"The posterior was sampled with the No-U-Turn sampler ({_CITED['nuts']}) of {by}, "
        f"through winstan {attrs.get('creation_library_version', __version__)}: {d.n_chains} "
        f"chain{'s' if d.n_chains > 1 else ''} of "
    )
    text += f"{int(warmup):,} warm-up and " if warmup is not None else ""
    text += f"{d.n_draws:,} kept draws"
    text += f", target acceptance rate {float(target):g}" if target is not None else ""
    text += f", seed {attrs['seed']}" if "seed" in attrs else ""
    return text + "."


def _convergence_sentences(fit: FittedModel) -> list[str]:
    d = fit.diagnostics
    total = d.n_chains * d.n_draws
    numbers = (
        f"Rank-normalised R-hat ({_CITED['r_hat']}) was at most {d.max_r_hat:.3f} (wanted: below "
        f"{d.r_hat_below:.4g}), effective draws at least {d.min_ess_bulk:,.0f} in the bulk and "
        f"{d.min_ess_tail:,.0f} in the tails (wanted: {ESS_PER_CHAIN * d.n_chains:,}), over all "
        f"parameters and group effects; {d.n_divergent:,} of {total:,} transitions diverged, "
        f"{d.n_max_treedepth:,} reached the largest tree depth, and E-BFMI ({_CITED['e_bfmi']}) "
        f"was at least {d.min_e_bfmi:.2f}."
    )
    if d.ok:
        return [numbers]
    return [numbers, "THE SAMPLER HAS NOT CONVERGED: these results must not be reported."]


_WHOSE = {
    "population": "over the population that the groups come from, group effects being integrated "
    "out in each draw",
    "typical": "in a typical group, whose effects are zero",
    "these": "in the groups of the data, own effects included, each group counting once",
    "new": "in one new group, whose effects are drawn from the population of each draw",
}


def _effect_sentences(model: Model, prob: float, groups: Whose | None) -> list[str]:
    out = [f"Intervals are {100 * prob:g}% highest-density intervals."]
    if not effects.population_predictors(model):
        return out
    estimand = effects.choose_estimand(model, groups)
    said = [
        f"{_WHOSE[setting]} (factor {' and '.join(factors)})"
        for setting in _WHOSE
        if (factors := estimand.of(setting))
    ]
    what = "the mean response between values of a predictor, averaged"
    if model.family.circular:
        what = "mean directions between values of a predictor, those of mean vectors"
    elif model.family.of_categories:
        what = "each category's probability between values of a predictor, averaged"
    out.append(
        f"Effects are differences of {what} over "
        f"the rows of the data{', and are those ' if said else ''}{'; '.join(said)}."
    )
    return out
