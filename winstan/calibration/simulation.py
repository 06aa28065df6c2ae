"""Parameters from the priors and responses from the family, on the rows of a model's design."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from winstan.building import build_model
from winstan.data.columns import how_many
from winstan.effects.means import auxiliary, draw_responses, linear_predictor, rows_of
from winstan.effects.prior_draws import prior_draws
from winstan.effects.replicates import ATTEMPTS, draw_correlated
from winstan.errors import DataError, OptionError, PriorError
from winstan.families.limits import draw_within_bounds, unlimited
from winstan.families.sample import INTERVAL, LEFT, MEASURED, RIGHT, Limits
from winstan.priors import R2D2, Beta, Horseshoe

if TYPE_CHECKING:
    from collections.abc import Mapping

    from winstan._typing import Array
    from winstan.model import Model
    from winstan.priors import Prior, Priors


@dataclass(frozen=True, slots=True)
class Simulator:
    """What makes data sets of a model.

    Attributes
    ----------
    model : Model
        Of the user's data: its rows and its priors are those of every simulation.
    parametrization
        As for `winstan.fit`.
    lower, upper : float or None
        Limits of detection, beyond which responses are censored.
    """

    model: Model
    parametrization: str | Mapping[str, str] | None = None
    lower: float | None = None
    upper: float | None = None

    def draw(self, seed: np.random.SeedSequence) -> tuple[dict[str, Array], Model]:
        """Draw parameters, and a response of every row.

        Returns
        -------
        truth : dict of str to ndarray
            By variable, shape (1, *dims).
        model : Model
            With that response; everything else, the priors too, as it was.

        Raises
        ------
        DataError, FamilyError
            If no model can be made of the response: it does not vary, say.
        PriorError
            If almost no parameters of the priors are possible.
        """
        rng = np.random.default_rng(seed)
        truth = self._parameters(rng)
        return truth, self.model_of(self.respond(truth, rng), self.model.priors)

    def respond(
        self, parameters: Mapping[str, Array], rng: np.random.Generator
    ) -> tuple[Array, Limits | None]:
        """Draw a response of each row at given parameters, and say what is known of it.

        Parameters
        ----------
        parameters : mapping of str to ndarray, shape (1, *dims)
            By variable, group effects among them.
        rng

        Returns
        -------
        y : ndarray, shape (N,)
        limits : Limits or None
        """
        return self._response(parameters, self._eta(parameters), rng)

    def model_of(
        self,
        drawn: tuple[Array, Limits | None],
        priors: Mapping[str, Prior] | Priors | None,
    ) -> Model:
        """Return the model of a response that `respond` gave.

        Parameters
        ----------
        drawn
        priors
            As for `winstan.building.build_model`: None takes the defaults for this response.

        Raises
        ------
        DataError, FamilyError
            If no model can be made of it.
        """
        y, limits = drawn
        model = self.model
        if not np.isfinite(y).all():
            bad = int(np.count_nonzero(~np.isfinite(y)))
            raise DataError(
                f"{how_many(bad, 'row')} of the simulated {model.design.response.name!r} are beyond"
                " what a number holds: the priors, or the parameters, are too wide."
            )
        response = replace(model.design.response, y=y, limits=limits)
        return build_model(
            model.formula,
            replace(model.design, response=response),
            unlimited(model.family),
            model.link,
            priors=priors,
            center=model.center or model.level_means is not None,
            parametrization=self.parametrization,
            tuning=model.tuning,
        )

    def possible(self, posterior: Mapping[str, Array]) -> np.ndarray:
        """Tell which draws the prior of the simulations can have given, shape (S,).

        A parameter whose prior is a share of the least response is drawn as a share of that of the
        user's data; the prior of a fit, uniform as well, ends with the response that it has.
        """
        inside = np.ones(len(next(iter(posterior.values()))), bool)
        for number in self.model.likelihood.reported:
            if number.bound is not None:
                inside &= posterior[number.name] <= self.model.likelihood.statistics[number.bound]
        return inside

    def _eta(self, parameters: Mapping[str, Array]) -> Array:
        """Return the distinct rows' linear predictor, shape (1, D)."""
        rows = rows_of(self.model.design)
        parts = [eta for _, eta in linear_predictor(self.model, parameters, rows)]
        return np.hstack(parts) + rows.offset

    def _parameters(self, rng: np.random.Generator) -> dict[str, Array]:
        """Draw them where the link has a mean."""
        model = self.model
        for _ in range(ATTEMPTS):
            truth = prior_draws(model, rng, 1)
            if not model.family.confines(model.link) or (self._eta(truth) > 0).all():
                return truth
        raise PriorError(
            f"In {ATTEMPTS} draws of the priors some row's mean was not positive: "
            f"link={model.link.name!r} needs priors that keep the linear predictor positive. "
            "Narrow them, or use link='log'."
        )

    def _response(
        self, truth: Mapping[str, Array], eta: Array, rng: np.random.Generator
    ) -> tuple[Array, Limits | None]:
        """Draw the response of each row, shape (N,), and say what is known of it."""
        model, design = self.model, self.model.design
        row, limits = design.row, design.response.limits
        aux = auxiliary(model, truth, rows_of(design, beside=True))
        aux = {name: _at(values, row) for name, values in aux.items()}
        if limits is not None and limits.truncated:
            own = {name: np.broadcast_to(values[0], row.shape) for name, values in aux.items()}
            y = draw_within_bounds(model.family, rng, eta[0, row], own, model.link, limits)[None]
        elif model.residuals is not None:
            y = draw_correlated(model, truth, eta[:, row], aux[str(model.family.noise)], rng)
        else:
            beside = design.response.trials if model.family.trials else limits
            y = draw_responses(model, rng, eta[:, row], aux, beside)
        return (y[0], limits) if limits is None else self._censored(y[0], limits)

    def _censored(self, y: Array, limits: Limits) -> tuple[Array, Limits]:
        if limits.status is None:
            return y, limits
        status = np.full(y.shape, MEASURED, np.int8)
        # Of counts, one at the upper limit is measured, and one at the lower limit is not.
        if self.lower is not None:
            status[y <= self.lower] = LEFT
        if self.upper is not None:
            status[y > self.upper] = RIGHT
        y = np.where(status == LEFT, self.lower or 0.0, y)
        y = np.where(status == RIGHT, self.upper or 0.0, y)
        return y, replace(limits, status=status)


def simulator_of(model: Model, parametrization: str | Mapping[str, str] | None = None) -> Simulator:
    """Return what makes data sets of a model.

    Raises
    ------
    OptionError, PriorError
        If none can be made that the model would be right for: rows have weights, rows count
        categories, each row has a limit of its own, or a prior follows the response.
    """
    design, response = model.design, model.design.response
    if design.frequency is not None:
        raise OptionError(
            "Rows have frequency weights: a row of weight 3 is three responses that were the same, "
            "which no simulation can know. Give the rows themselves, without weights=."
        )
    if response.counts is not None:
        raise OptionError(
            f"{response.name} counts categories: calibrate family='categorical' on a row for each "
            "observation, which is the same model."
        )
    _check_priors(model)
    lower, upper = detection_limits_of(model)
    return Simulator(model, parametrization, lower, upper)


def _check_priors(model: Model) -> None:
    prior_draws(model, np.random.default_rng(0), 1)  # refuses improper ones
    for name in model.priors.shares:
        prior = model.priors[name]
        if not (isinstance(prior, Beta) and prior.numbers == (1.0, 1.0)):
            raise PriorError(
                f"{name!r} has its prior as a share of {model.priors.shares[name]}, which each "
                f"simulation has anew. Only a uniform prior of a share, ws.Beta(1, 1), is also one "
                f"of {name!r} itself; it has {prior}."
            )
    shrunk = model.shrinkage
    if shrunk is not None and shrunk.sigma is None:
        kind = Horseshoe if isinstance(shrunk.prior, Horseshoe) else R2D2
        raise PriorError(
            f"{kind.__name__} is in units of the response's own spread here, which each simulation "
            "has anew. Calibrate Normal priors, or a family with sigma and link='identity'."
        )


def detection_limits_of(model: Model) -> tuple[float | None, float | None]:
    """Return the limits of detection that the censored rows have: None where there is none.

    Raises
    ------
    OptionError
        If they are intervals, or rows have limits of their own.
    """
    response, limits = model.design.response, model.design.response.limits
    if limits is None or limits.status is None:
        return None, None
    if np.any(limits.status == INTERVAL):
        raise OptionError(
            f"{response.name} has intervals, and the rows that were measured do not say in which "
            "they would have been. Calibrate limits that all rows have: 'left' or 'right'."
        )
    ends = [np.unique(response.y[limits.status == side]) for side in (LEFT, RIGHT)]
    for side, own in zip(("left", "right"), ends, strict=True):
        if own.size > 1:
            raise OptionError(
                f"{response.name} is {side}-censored at {own.size} values, from {own[0]:g} to "
                f"{own[-1]:g}, and the rows that were measured do not say what theirs would have "
                "been. Calibrate one limit that all rows have."
            )
    lower, upper = (float(own[0]) if own.size else None for own in ends)
    return lower, upper


def _at(values: Any, row: np.ndarray) -> Any:
    """Take a parameter at each row where it differs between them."""
    if isinstance(values, tuple):
        return tuple(_at(element, row) for element in values)
    return values if values.shape[1] == 1 else values[:, row]
