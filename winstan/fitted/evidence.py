"""What the data say of the model as a whole and of hypotheses, and how much the priors do."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from numbers import Real
from typing import TYPE_CHECKING

import numpy as np

from winstan import effects
from winstan.effects.hypotheses import scalar_draws
from winstan.effects.log_prior import log_prior
from winstan.effects.power_scaling import ALPHAS, THRESHOLD, power_scaling
from winstan.effects.replicates import check_seed
from winstan.errors import ConvergenceWarning, OptionError, warn_user
from winstan.fitted.predictor_effects import effects as effects_of
from winstan.options import check_flags

if TYPE_CHECKING:
    import pandas as pd

    from winstan._typing import Array
    from winstan.evidence import LogMarginalLikelihood
    from winstan.fitted.fitted_model import FittedModel
    from winstan.options import Whose


def log_marginal_likelihood(fit: FittedModel, *, seed: int = 0) -> LogMarginalLikelihood:
    """Compute the logarithm of the marginal likelihood: of the data, under the priors.

    Where coefficients and effects are integrated out in closed form (gaussian and lognormal models
    with normal priors) the few variances that are left are integrated by importance sampling, to
    some 1e-4. Else it is bridge sampling of the draws: four times as many halve its error
    (``fit.update(draws=4000)``). All constants count: truncated halves, LKJ's, Jacobians, weights.

    Parameters
    ----------
    seed
        Of the points at which densities are evaluated.

    Returns
    -------
    LogMarginalLikelihood
        With ``value``, ``error`` (its standard error), ``method``; ``float()`` takes the value. A
        density of the response as the formula has it, so that ``y`` and ``log(y)`` do not compare.

    Raises
    ------
    PriorError
        If a prior is `Flat`: improper priors have no marginal likelihood.
    OptionError
        If there are too few draws for bridge sampling.

    Warns
    -----
    ConvergenceWarning
        If it is of draws that have not converged.

    Notes
    -----
    Meng and Wong (1996), Statistica Sinica 6, 831-860; Fruehwirth-Schnatter (2004), Econometrics
    Journal 7, 143-167, for the error.

    Examples
    --------
    >>> import winstan as ws
    >>> trials = ws.simulate_lfp(n_mice=6, n_trials=20, seed=1)
    >>> fit = ws.fit("np.log(Power) ~ stim + (1|mouse)", trials, seed=1, silence="all")
    >>> fit.log_marginal_likelihood().method
    'importance sampling'
    """
    from winstan import evidence  # noqa: PLC0415 - seldom asked for

    seed = check_seed(seed)
    if not (fit.model.integrated or fit.diagnostics.ok):
        warn_user(
            f"The marginal likelihood is of draws that have not converged: {fit.verdict}",
            ConvergenceWarning,
        )
    return evidence.log_marginal_likelihood(
        fit.model, fit.joined(), fit.draws["posterior"].sizes["chain"], seed
    )


def bayes_factor(
    fit: FittedModel, hypotheses: str | Sequence[str], *, seed: int = 0
) -> pd.DataFrame:
    """Give the Bayes factors of statements on the parameters, within this model.

    Of an order, ``"stim > 0"``, by the encompassing prior (Klugkist, Kato and Hoijtink 2005): how
    many times as probable the data made it. Of a point, ``"stim = 0"``, by the ratio of densities
    (Savage and Dickey): the model with the point against this one.

    Parameters
    ----------
    hypotheses
        One, or several, as for `hypothesis`; ``=`` is allowed here.
    seed
        Of the draws of the priors.

    Returns
    -------
    DataFrame
        Columns hypothesis; posterior and prior (probabilities; of a point the densities); bf,
        posterior over prior: the evidence for the statement against the model without it; log_bf
        and error, its standard error; bf_contrary, against the contrary statement (NaN of points);
        bf_half and bf_twice: bf if the priors of the parameters that the statement names were half,
        or twice, as wide.

    Raises
    ------
    PriorError
        If a prior is `Flat`.
    OptionError
        If a statement cannot be read, or a point is too far out to tell its density from draws:
        then fit both models, and use `winstan.bayes_factor`.

    Examples
    --------
    >>> import winstan as ws
    >>> trials = ws.simulate_lfp(n_mice=6, n_trials=20, seed=1)
    >>> fit = ws.fit("np.log(Power) ~ stim + (1|mouse)", trials, seed=1, silence="all")
    >>> fit.bayes_factor("stim > 0")["bf"].round(1).item()
    2.0
    """
    from winstan import evidence  # noqa: PLC0415 - seldom asked for

    texts = [hypotheses] if isinstance(hypotheses, str) else hypotheses
    if not isinstance(texts, Iterable) or not list(texts):
        raise OptionError(
            "A hypothesis is a string, such as 'stim > 0' or 'stim = 0'; for two fits there is "
            f"ws.bayes_factor(a, b). Got {hypotheses!r}."
        )
    evidence.check_priors_proper(fit.model)
    chains = fit.draws["posterior"].sizes["chain"]
    return evidence.hypothesis_factors(
        fit.model, fit.joined(), chains, list(texts), check_seed(seed)
    )


def sensitivity(
    fit: FittedModel,
    *,
    contrasts: bool = True,
    groups: Whose | None = None,
    alphas: tuple[float, float] = ALPHAS,
    threshold: float = THRESHOLD,
) -> pd.DataFrame:
    """Say how much the answers hang on the priors, and on the data: by power-scaling.

    Priors of top-level parameters, or the likelihood, are raised to powers near one, and draws
    weighed by importance sampling; group effects keep their priors, which are part of the model.
    Numbers are the rates at which distributions move away (cumulative Jensen-Shannon distance):
    those of ``arviz.psense_summary``, of contrasts too.

    Parameters
    ----------
    contrasts
        Whether the effects of predictors on the response are among the quantities.
    groups
        Whose effects, as for `contrast`.
    alphas
        The powers: one below, one above 1.
    threshold
        From which a quantity is called sensitive.

    Returns
    -------
    DataFrame
        Columns quantity (parameters but for group effects, then contrasts), prior, likelihood, and
        diagnosis: empty; ``"prior and data disagree"`` where both are at the threshold or above;
        ``"strong prior, or weak data"`` where the prior alone is. Whose effects the contrasts are
        is in ``attrs["estimand"]``.

    Raises
    ------
    OptionError
        If an option is wrong.

    Notes
    -----
    Kallioinen, Paananen, Buerkner and Vehtari (2024), Statistics and Computing 34, 57.

    Examples
    --------
    >>> import winstan as ws
    >>> trials = ws.simulate_lfp(n_mice=6, n_trials=20, seed=1)
    >>> fit = ws.fit("np.log(Power) ~ stim + (1|mouse)", trials, seed=1, silence="all")
    >>> fit.sensitivity()["quantity"].tolist()
    ['Intercept', 'stim', '1|mouse_sigma', 'sigma', 'stim: 1 - 0']
    """
    check_flags(contrasts=contrasts)
    _check_powers(alphas, threshold)
    asked = None
    if contrasts and effects.population_predictors(fit.model):
        asked = effects_of(fit, draws=True, groups=groups)
    return sensitivity_of(fit, asked, alphas=alphas, threshold=threshold)


def sensitivity_of(
    fit: FittedModel,
    asked: pd.DataFrame | None,
    *,
    alphas: tuple[float, float] = ALPHAS,
    threshold: float = THRESHOLD,
) -> pd.DataFrame:
    """Say how much answers hang on the priors, as `sensitivity`: of contrasts that are known.

    `asked` has the contrasts' draws, as of `Fit.effects`; None leaves them out.
    """
    shape = fit.draws["posterior"].sizes["chain"], -1
    posterior = fit.joined()
    top = log_prior(fit.model, posterior)
    zero = np.zeros(len(next(iter(posterior.values()))))
    quantities, whose = _parameters(fit, posterior), {}
    if asked is not None:
        quantities, whose = quantities | _contrasts(asked), asked.attrs
    found = power_scaling(
        {name: draws.reshape(shape) for name, draws in quantities.items()},
        sum(top.values(), zero).reshape(shape),
        effects.total_log_likelihood(fit.model, posterior).reshape(shape),
        alphas,
        threshold,
    )
    found.attrs |= whose
    return found


def _check_powers(alphas: tuple[float, float], threshold: float) -> None:
    """Refuse powers that are not on either side of one."""
    pair = tuple(alphas) if isinstance(alphas, tuple | list) else ()
    if (
        len(pair) != 2
        or not all(isinstance(a, Real) for a in pair)
        or not 0 < pair[0] < 1 < pair[1]
    ):
        raise OptionError(
            f"alphas must be two numbers, one below and one above 1, not {alphas!r}: (0.99, 1.01)."
        )
    if not isinstance(threshold, Real) or threshold <= 0:
        raise OptionError(f"threshold must be a positive number, not {threshold!r}: 0.05, say.")


def _parameters(fit: FittedModel, posterior: Mapping[str, Array]) -> dict[str, Array]:
    """Return the draws of parameters, but for group effects and constants, by their names."""
    model = fit.model
    of_effects = tuple(f"{v.name}[" for v in model.variables if v.role == "effect")
    left = set(model.coefficients.constant_names)
    every = scalar_draws(model, posterior)
    return {n: d for n, d in every.items() if n not in left and not n.startswith(of_effects)}


def _contrasts(table: pd.DataFrame) -> dict[str, Array]:
    """Return the draws of each predictor's effects on the response, by their names."""
    keys = [name for name in (effects.CATEGORY, "predictor", "contrast") if name in table]
    out = {}
    for key, part in table.groupby(keys, sort=False, observed=True):
        *category, predictor, label = map(str, key)
        of = f"P({category[0]}): " if category else ""
        out[f"{of}{predictor}: {label}"] = part["value"].to_numpy()
    return out
