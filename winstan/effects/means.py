"""Linear predictors and mean responses of rows of predictors, draw by draw."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from winstan.design import NewRows, product_of_heights
from winstan.families.categories import probabilities
from winstan.families.family import mean_itself

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from winstan._typing import Array
    from winstan.design import Design, Term
    from winstan.effects.specification import Specified
    from winstan.families.sample import Limits


def linear_predictor(
    model: Specified, posterior: Mapping[str, Array], rows: NewRows, times: int = 1
) -> Iterator[tuple[slice, Array]]:
    """Evaluate eta at new rows, a chunk of rows at a time, or `times` as many.

    Offsets are left out: the mean is that of a unit of exposure. A level that was not among the
    data (-1) has no effect of its own.

    Yields
    ------
    part : slice
        The rows of this chunk.
    eta : ndarray, shape (S, rows of the chunk)
    """
    size = max(1, times * model.tuning.chunk // n_draws_of(posterior))
    for start in range(0, len(rows.offset), size):
        part = slice(start, min(start + size, len(rows.offset)))
        yield part, eta_at(model.design, posterior, rows, part)


def eta_at(design: Design, posterior: Mapping[str, Array], rows: NewRows, part: slice) -> Array:
    """Evaluate a design's linear predictor at some rows, without offset: (S, rows of the part)."""
    n_draws = n_draws_of(posterior)
    plain = [term for term in design.with_curves if not term.monotonic]
    slopes = [posterior[t.variable].reshape(n_draws, -1) for t in plain]
    beta = np.hstack(slopes) if slopes else np.zeros((n_draws, 0))
    eta = beta @ rows.X[part][:, [c for term in plain for c in term.columns]].T
    for term in design.terms:
        if term.monotonic:
            own = posterior[term.variable].reshape(n_draws, -1)
            of_term = own @ rows.X[part][:, list(term.columns)].T
            eta += of_term * curve_of(design, term, posterior, rows.steps[part])
    if design.intercept and design.intercept_name in posterior:
        eta += posterior[design.intercept_name][:, None]
    for group, Z, level in zip(design.groups, rows.Z, rows.level, strict=True):
        known = level[part] >= 0
        if not known.any():
            continue
        at = np.where(known, level[part], 0)
        for effect in group.effects:
            curve = curve_of(design, effect, posterior, rows.steps[part])
            # As many levels as the draws have: those of the data, and perhaps new ones.
            u = posterior[group.effect_name(effect)]
            u = u.reshape(n_draws, len(effect.columns), u.shape[-1])
            for i, column in enumerate(effect.columns):
                eta += u[:, i, at] * (Z[part, column] * known) * curve
    return eta


def curve_of(
    design: Design, term: Term, posterior: Mapping[str, Array], steps: np.ndarray
) -> Array | float:
    """Return what a term's columns, of equal steps, are multiplied by: (S, n); 1 of most terms.

    Parameters
    ----------
    design
    term
    posterior : mapping of str to ndarray
        Draws by variable, shape (S, *dims).
    steps : ndarray of int, shape (n, V)
        Of `NewRows`.
    """
    if not term.monotonic:
        return 1.0
    return product_of_heights(design.monotones, term.monotonic, steps, posterior)


def curves_of(
    design: Design, place: int, posterior: Mapping[str, Array], steps: np.ndarray
) -> Array | None:
    """Return what a group term's columns are multiplied by, shape (q, S, n); None without ``mo()``.

    `place` is the term's among those of the design; `steps` are of `NewRows`.
    """
    group = design.groups[place]
    if not any(effect.monotonic for effect in group.effects):
        return None
    out = np.ones((group.q, n_draws_of(posterior), len(steps)))
    for effect in group.effects:
        out[list(effect.columns)] = curve_of(design, effect, posterior, steps)
    return out


def mean_needs_beside(model: Specified) -> bool:
    """Whether the mean response depends on another parameter that has a formula."""
    return bool(model.design.beside) and model.family.response_mean is not mean_itself


def designs_of(model: Specified, *, beside: bool = False) -> tuple[Design, ...]:
    """Return the designs that an answer depends on, that of the mean first.

    Those of other parameters are among them where the mean response depends on these, or where
    they are asked for by `beside`: a response does.
    """
    return model.design.every if beside or mean_needs_beside(model) else (model.design,)


def auxiliary(
    model: Specified,
    posterior: Mapping[str, Array],
    rows: NewRows,
    part: slice = slice(None),
    *,
    offsets: bool = True,
) -> dict[str, Any]:
    """Draws of the parameters beside the mean: shape (S, 1), or (S, rows of the part) by formula.

    Of an ordered vector a tuple of its elements' draws.

    Their offsets are counted unless `offsets` says otherwise. Where rows of other parameters were
    not wanted, these are left out.
    """
    out: dict[str, Any] = {}
    for name in model.family.auxiliary:
        if model.family.parameter(name).is_vector:  # its elements, one by one
            values = posterior[name]
            out[name] = tuple(values[:, [k]] for k in range(values.shape[1]))
        elif name not in model.design.beside:
            out[name] = posterior[name][:, None]
        elif name in rows.beside:
            own = rows.beside[name]
            eta = eta_at(model.design.beside[name], posterior, own, part)
            if offsets:
                eta = eta + own.offset[part]
            out[name] = model.family.parameter(name).link.inverse(eta)
    return out


def mean_response(model: Specified, beside: Mapping[str, Array], eta: Array) -> Array:
    """Return the mean response where the linear predictor is eta, shape (S, n).

    `beside` has the other parameters, from `auxiliary`.
    """
    return model.family.response_mean(model.link.inverse(eta), beside)


def draw_responses(
    model: Specified,
    rng: np.random.Generator,
    eta: Array,
    aux: Mapping[str, Any],
    trials: Array | Limits | None,
) -> Array:
    """Draw a response at each linear predictor, shape (S, n); of categories their places."""
    family, categories = model.family, model.design.response.categories
    with np.errstate(over="ignore"):
        if categories is None:
            mu = model.link.inverse(eta)
        else:
            mu = probabilities(family, len(categories), eta, aux, model.link)
    return family.draw_responses(rng, mu, aux, trials)


def mean_slope(model: Specified, beside: Mapping[str, Array], eta: Array) -> Array:
    """Return the derivative of the mean response by eta, shape (S, n).

    Exact where the inverse link gives the mean. Elsewhere (lognormal) a symmetric difference whose
    step, the cube root of the machine's epsilon, balances rounding and truncation at 1e-10.
    """
    if model.family.response_mean is mean_itself:
        return model.link.inverse_derivative(eta)
    step = np.cbrt(np.finfo(float).eps) * np.maximum(1.0, np.abs(eta))
    above, below = eta + step, eta - step
    rise = mean_response(model, beside, above) - mean_response(model, beside, below)
    return rise / (above - below)


def rows_of(design: Design, *, beside: bool = False) -> NewRows:
    """Return the distinct rows of the data themselves, D of them."""
    return NewRows(
        design.X,
        tuple(group.Z for group in design.groups),
        tuple(group.level for group in design.groups),
        design.offset,
        tuple(group.arm for group in design.groups),
        design.steps,
        {name: rows_of(one) for name, one in design.beside.items() if beside},
    )


def take_rows(rows: NewRows, at: np.ndarray) -> NewRows:
    """Return some rows, each as often as it is named."""
    return rows.map(
        lambda one: NewRows(
            one.X[at],
            tuple(Z[at] for Z in one.Z),
            tuple(level[at] for level in one.level),
            one.offset[at],
            tuple(None if arm is None else arm[at] for arm in one.arm),
            one.steps[at],
        )
    )


def n_draws_of(posterior: Mapping[str, Array]) -> int:
    """Return the number of draws, S."""
    return next(iter(posterior.values())).shape[0]
