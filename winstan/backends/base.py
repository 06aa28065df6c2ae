"""What an engine is: the Protocol, its settings, and the way from a name to an engine."""

from __future__ import annotations

from dataclasses import dataclass
from importlib import import_module
from typing import TYPE_CHECKING, Protocol

from winstan.errors import BackendError, near_matches

if TYPE_CHECKING:
    from winstan.draws import Draws
    from winstan.families.links import Array
    from winstan.model import Model


@dataclass(frozen=True, slots=True)
class Settings:
    """How to sample.

    Attributes
    ----------
    chains, warmup, draws : int
        Warm-up iterations and kept draws are per chain.
    seed : int
    target_accept : float or None
        None is the geometry's: 0.8, or 0.95 with random slopes.
    cores : int or None
        None is as many as there are, up to the number of chains.
    progress : bool or None
        None shows it in terminals and notebooks.
    """

    chains: int = 4
    warmup: int = 1000
    draws: int = 1000
    seed: int = 0
    target_accept: float | None = None
    cores: int | None = None
    progress: bool | None = None


class Backend(Protocol):
    """An engine that samples a model's posterior with NUTS."""

    name: str

    def sample(self, model: Model, settings: Settings) -> Draws:
        """Draw from the posterior."""
        ...

    def log_density(self, model: Model, unconstrained: Array) -> tuple[Array, Array]:
        """Log posterior density and its gradient at unconstrained points, one a row."""
        ...

    def code(self, model: Model) -> str:
        """Return the program that the engine runs, as source."""
        ...


BACKENDS = {"stan": "winstan.backends.stan"}


def backend_named(name: str) -> Backend:
    """Return the engine of this name.

    Raises
    ------
    BackendError
        If there is none.
    """
    if name not in BACKENDS:
        raise BackendError(f"There is no backend {name!r}." + near_matches(str(name), BACKENDS))
    backend: Backend = import_module(BACKENDS[name]).BACKEND
    return backend
