"""The contrasts that are asked of every group."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from winstan import effects
from winstan.effects.intervals import interval_names, probabilities
from winstan.effects.measures import measure_of
from winstan.errors import OptionError, collected_warnings, near_matches
from winstan.fit_class import Fit
from winstan.options import Whose, check_flags

if TYPE_CHECKING:
    from collections.abc import Iterable

    from winstan.model import Model
    from winstan.options import Interval

type Wanted = str | Iterable[str] | Mapping[str, Mapping[str, Any]] | None


def contrasts_of(
    wanted: Wanted,
    model: Model,
    prob: float,
    interval: Interval,
    groups: Whose | None = None,
) -> dict[str, dict[str, Any]]:
    """Read ``contrasts=`` and check it on the model of one group, before any is sampled.

    Parameters
    ----------
    wanted
        As of `winstan.fit_each`.
    model
        Of any group. What another group may have and this one not (levels) is not looked at.
    prob, interval
        Of the tables.
    groups
        Of the contrasts whose options do not say whose effect they are.

    Returns
    -------
    dict
        By predictor, options of `Fit.contrast`.

    Raises
    ------
    OptionError
        If there is no such predictor or option, or an option has a wrong value.
    """
    common = {} if groups is None else {"groups": groups}
    effects.choose_estimand(model, groups)  # refuses a wrong option, before any is sampled
    if wanted is None:
        return {name: dict(common) for name in effects.population_predictors(model)}
    if isinstance(wanted, Mapping):
        chosen = {name: common | dict(options) for name, options in wanted.items()}
    else:
        names = [wanted] if isinstance(wanted, str) else wanted
        chosen = {name: dict(common) for name in names}
    takes = set(inspect.signature(Fit.contrast).parameters) - {"fit", "treatment", "draws"}
    for name, options in chosen.items():
        for option in options:
            if option not in takes:
                raise OptionError(
                    f"contrasts= gives {name!r} the option {option!r}, which Fit.contrast does not"
                    f" take here.{near_matches(option, sorted(takes))}"
                )
        _try(model, name, {"prob": prob, "interval": interval, **options})
    return chosen


def _try(model: Model, name: str, options: dict[str, Any]) -> None:
    """Take the contrast of a posterior of zeros: the options are checked on the way."""
    for prob in probabilities(options["prob"]):
        interval_names(prob, options["interval"])
    check_flags(**{name: options[name] for name in ("slope",) if name in options})
    check_flags("simultaneous", simultaneous=options.get("simultaneous"))
    zeros = {v.name: np.zeros((2, *v.shape)) for v in model.variables}
    # Zeros need not give the positive means that a ratio asks for; levels are each group's own
    apart = {"prob", "interval", "silence", "simultaneous", "ratio", "values"}
    apart |= {name for name in ("by", "of", "pairs") if isinstance(options.get(name), Mapping)}
    given = {key: value for key, value in options.items() if key not in apart}
    with np.errstate(all="ignore"), collected_warnings():
        part, *_ = effects.parts_of(model, given.pop("parameter", None))
        measure_of(part.model, given.get("scale", "response"), options.get("ratio"))
        if options.get("scale") == "odds":
            given["ratio"] = False  # probabilities of zeros may be 0
        effects.contrast(part.model, zeros, name, **given)
