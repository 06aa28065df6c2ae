"""Fake spike counts with a known truth: neurons of mice, under several conditions.

The log rate of a trial is linear: baseline, the condition's effect, and what mouse and neuron add
to both. Given the rate, the count of the trial is Poisson or negative binomial. A negative binomial
mixed model of ``count ~ condition + (condition|mouse) + (condition|neuron)`` is therefore the
truth, and its parameters are those of the arguments.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from winstan.errors import DataError
from winstan.simulate.arguments import count, generator

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["simulate_spikes"]

# numpy draws no Poisson numbers of larger means than about 9e18, and no neuron has 1e6 spikes.
MOST_SPIKES = 1e6


def simulate_spikes(
    n_mice: int = 6,
    n_neurons: int = 8,
    n_trials: int = 20,
    conditions: Mapping[str, float] | Sequence[str] = ("rest", "low", "high"),
    seed: int | np.random.Generator | None = None,
    *,
    effects: Sequence[float] | None = None,
    baseline: float = 5.0,
    duration: float | tuple[float, float] = 1.0,
    dispersion: float | None = 3.0,
    mouse_sd: float = 0.3,
    neuron_sd: float = 0.5,
    mouse_slope_sd: float = 0.2,
    neuron_slope_sd: float = 0.2,
) -> pd.DataFrame:
    """Simulate spike counts of neurons of several mice, under several conditions.

    Each trial of a neuron has the rate ``baseline * exp(effect + mouse + neuron)``, where what a
    mouse and a neuron add has an intercept and, for each condition but the first, a slope of its
    own, all independent and normal.

    Parameters
    ----------
    n_mice
        Number of mice, at least 1.
    n_neurons
        Number of neurons of each mouse, at least 1.
    n_trials
        Number of trials of each neuron in each condition, at least 1.
    conditions
        Names of the conditions, the reference first; or a mapping from names to effects.
    seed
        Seed of the random numbers, or a generator.
    effects
        Of each condition, the log of the ratio of its rate to that of the reference, whose own
        must be 0. By default they are evenly spaced from 0 to 0.8.
    baseline
        Rate in the reference condition of a neuron whose own deviations are 0, in Hz.
    duration
        Length of the trials in seconds: one for all, or a pair between which each trial's is drawn
        uniformly.
    dispersion
        ``alpha`` of the negative binomial distribution, whose variance is mu + mu^2 / alpha: the
        smaller, the more overdispersed. None draws Poisson counts.
    mouse_sd, neuron_sd
        Standard deviations of the intercepts, in units of the log rate.
    mouse_slope_sd, neuron_slope_sd
        Standard deviations of each condition's deviation, in the same units.

    Returns
    -------
    pandas.DataFrame
        Rows in the order of mouse, neuron, condition, trial. Columns: ``mouse`` and ``neuron``,
        labels, a neuron's being unique over mice (``m0n3``); ``condition``, Categorical in the
        given order; ``trial``, counted from 0 in each neuron and condition; ``duration`` in
        seconds; ``count``, the spikes. ``attrs["truth"]`` holds the true parameters by the names
        that ``count ~ condition + offset(log(duration)) + (condition|mouse) + (condition|neuron)``
        gives them (``condition|mouse_sigma`` and its like are the same for every condition;
        ``alpha`` is absent from Poisson counts).

    Raises
    ------
    DataError
        If an argument is not of its kind, or rates would be beyond all reason.

    Notes
    -----
    The expected count of condition k over mice and neurons is
    ``baseline * duration * exp(effect_k + v / 2)``, v being the variance of the log rate: the sum
    of both intercepts' variances and, but for the reference, of both slopes'.

    Examples
    --------
    >>> spikes = simulate_spikes(n_mice=4, n_neurons=5, n_trials=10, seed=1)
    >>> spikes.shape
    (600, 6)
    >>> spikes["neuron"].nunique()
    20
    """
    n_mice, n_neurons, n_trials = (
        count(name, value)
        for name, value in (("n_mice", n_mice), ("n_neurons", n_neurons), ("n_trials", n_trials))
    )
    names, log_ratio = _conditions(conditions, effects)
    baseline = _number("baseline", baseline, above=0.0)
    shortest, longest = _duration(duration)
    alpha = None if dispersion is None else _number("dispersion", dispersion, above=0.0)
    sds = {
        name: _number(name, value, least=0.0)
        for name, value in (
            ("mouse_sd", mouse_sd),
            ("neuron_sd", neuron_sd),
            ("mouse_slope_sd", mouse_slope_sd),
            ("neuron_slope_sd", neuron_slope_sd),
        )
    }
    rng = generator(seed)

    n_conditions = len(names)
    of_mouse = _deviations(rng, n_mice, n_conditions, sds["mouse_sd"], sds["mouse_slope_sd"])
    of_neuron = _deviations(
        rng, n_mice * n_neurons, n_conditions, sds["neuron_sd"], sds["neuron_slope_sd"]
    )
    log_rate = np.log(baseline) + log_ratio + np.repeat(of_mouse, n_neurons, axis=0) + of_neuron
    with np.errstate(over="ignore"):
        rate = np.repeat(np.exp(log_rate).ravel(), n_trials)
    _check_rates(float(rate.max()), longest)
    n = rate.size
    seconds = rng.uniform(shortest, longest, n) if longest > shortest else np.full(n, shortest)
    mean = rate * seconds
    if alpha is not None:
        mean = mean * rng.gamma(alpha, 1 / alpha, n)
    mouse, neuron, condition, trial = np.unravel_index(
        np.arange(n), (n_mice, n_neurons, n_conditions, n_trials)
    )
    mice = [f"m{m:0{len(str(n_mice - 1))}d}" for m in range(n_mice)]
    width = len(str(n_neurons - 1))
    neurons = [f"{m}n{k:0{width}d}" for m in mice for k in range(n_neurons)]
    out = pd.DataFrame(
        {
            "mouse": pd.Index(mice, dtype="str").take(mouse),
            "neuron": pd.Index(neurons, dtype="str").take(mouse * n_neurons + neuron),
            "condition": pd.Categorical.from_codes(condition, pd.Index(names)),
            "trial": trial,
            "duration": seconds,
            "count": rng.poisson(mean),
        }
    )
    out.attrs["truth"] = {
        "Intercept": float(np.log(baseline)),
        "condition": {
            name: float(effect) for name, effect in zip(names[1:], log_ratio[1:], strict=True)
        },
        "1|mouse_sigma": sds["mouse_sd"],
        "condition|mouse_sigma": sds["mouse_slope_sd"],
        "1|neuron_sigma": sds["neuron_sd"],
        "condition|neuron_sigma": sds["neuron_slope_sd"],
        **({} if alpha is None else {"alpha": alpha}),
    }
    return out


def _deviations(
    rng: np.random.Generator, n: int, n_conditions: int, sd: float, slope_sd: float
) -> NDArray[np.float64]:
    """Draw what each unit (rows) adds to the log rate of each condition (columns)."""
    intercept = sd * rng.standard_normal((n, 1))
    slope = slope_sd * rng.standard_normal((n, n_conditions))
    slope[:, 0] = 0.0
    return intercept + slope


def _conditions(conditions: object, effects: object) -> tuple[list[str], NDArray[np.float64]]:
    if isinstance(conditions, Mapping):
        if effects is not None:
            raise DataError("effects= is given twice: conditions= maps names to effects already.")
        effects = list(conditions.values())
        conditions = list(conditions)
    if isinstance(conditions, str) or not isinstance(conditions, Sequence):
        raise DataError(
            f"conditions={conditions!r} must be names, or a mapping from names to effects."
        )
    names = list(conditions)
    if not names or not all(isinstance(name, str) for name in names):
        raise DataError(f"conditions={conditions!r} must be one name or more, as text.")
    if len(set(names)) < len(names):
        raise DataError(f"conditions={conditions!r} must be different names.")
    if effects is None:
        return names, np.linspace(0, 0.8, len(names)) if len(names) > 1 else np.zeros(1)
    if isinstance(effects, str) or not isinstance(effects, Sequence | np.ndarray):
        raise DataError(f"effects={effects!r} must be a number for each condition.")
    if len(effects) != len(names):
        raise DataError(
            f"effects= has {len(effects)} numbers for {len(names)} conditions; give one for each."
        )
    log_ratio = np.array([_number("effects", effect) for effect in effects])
    if log_ratio[0] != 0:
        raise DataError(
            f"effects={effects!r} must begin with 0, the reference {names[0]!r}'s own; "
            "baseline= sets its rate."
        )
    return names, log_ratio


def _number(
    name: str, value: object, *, above: float | None = None, least: float | None = None
) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float | np.integer | np.floating):
        raise DataError(f"{name}={value!r} must be a finite number.")
    if not np.isfinite(value):
        raise DataError(f"{name}={value!r} must be a finite number.")
    if above is not None and not value > above:
        raise DataError(f"{name}={value!r} must be above {above:g}.")
    if least is not None and value < least:
        raise DataError(f"{name}={value!r} must be {least:g} or more.")
    return float(value)


def _duration(duration: object) -> tuple[float, float]:
    if not isinstance(duration, tuple | list):
        seconds = _number("duration", duration, above=0.0)
        return seconds, seconds
    if len(duration) != 2:
        raise DataError(f"duration={duration!r} must be seconds, or a pair of seconds.")
    shortest, longest = (_number("duration", seconds, above=0.0) for seconds in duration)
    if longest < shortest:
        raise DataError(f"duration={duration!r} must have the shorter first.")
    return shortest, longest


def _check_rates(rate: float, longest: float) -> None:
    if not rate * longest <= MOST_SPIKES:
        raise DataError(
            f"A trial would have {rate * longest:.2g} spikes on average; lower baseline, effects, "
            "duration or the standard deviations."
        )
