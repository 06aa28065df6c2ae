"""One of many fits that know nothing of each other: how all are sampled, and what one gives."""

from __future__ import annotations

from dataclasses import dataclass, replace
from time import perf_counter
from typing import TYPE_CHECKING, Any

from winstan.backends import Settings, backend_named
from winstan.errors import collected_warnings
from winstan.fitted.fitted_model import FittedModel
from winstan.fitted.pipeline import fit_by
from winstan.toolchain import run as runner

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from winstan.diagnostics import Diagnostics
    from winstan.model import Model


@dataclass(frozen=True, slots=True)
class Sampling:
    """How all are sampled.

    Attributes
    ----------
    backend : str
    options : mapping
        Fields of `Settings`, all but the seed.
    """

    backend: str
    options: Mapping[str, Any]

    def fit(self, model: Model, seed: int) -> FittedModel:
        """Fit one of them."""
        settings = Settings(**self.options, seed=seed)
        return fit_by(FittedModel, backend_named(self.backend), model, settings, perf_counter())


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Attempt:
    """What one gives.

    Attributes
    ----------
    seed : int
        Of the sampler.
    diagnostics : Diagnostics or None
        None if there is no fit.
    error, message : str
        Why there is none.
    """

    seed: int
    diagnostics: Diagnostics | None = None
    error: str = ""
    message: str = ""

    @property
    def fitted(self) -> bool:
        """Whether there is a fit."""
        return self.diagnostics is not None


def attempt[T: Attempt](found: T, do: Callable[[], T], running: set[Any] | None) -> T:
    """Do what may fail: an error is part of the outcome, for one must not end the others.

    Parameters
    ----------
    found
        What is known of it before.
    do
        Returns the outcome. Warnings are not passed on.
    running
        Where the sampler's processes are put while they run, for a caller in another thread.
    """
    token = runner.RUNNING.set(running)
    try:
        with collected_warnings():
            return do()
    except Exception as error:
        return replace(found, error=type(error).__name__, message=str(error))
    finally:
        runner.RUNNING.reset(token)
