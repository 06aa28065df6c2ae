"""What a backend is: the Protocol, its settings, and the way from a name to a backend."""

from __future__ import annotations

from dataclasses import dataclass, replace
from importlib import import_module
from numbers import Integral, Real
from typing import TYPE_CHECKING, Any, Protocol

from winstan.errors import BackendError, OptionError, near_matches

if TYPE_CHECKING:
    from winstan._typing import Array
    from winstan.draws import Draws
    from winstan.model import Model


@dataclass(frozen=True, slots=True)
class Settings:
    """How to sample.

    Attributes
    ----------
    chains : int
        Chains.
    draws : int or None
        Draws kept of each chain. None is the model's (`Model.draws`).
    warmup : int or None
        Iterations of each chain before. None is the model's for Stan (`Model.warmup`), 300 for
        PyMC, which adapts a metric always, and 1000 for bambi, whose coordinates are its own.
    seed : int
    target_accept : float or None
        None is the model's (`Model.target_accept`); of bambi with groups 0.95 and 0.98.
    cores : int or None
        None is as many as there are, up to the number of chains.
    progress : bool or None
        None shows it in terminals and notebooks.
    sampler : str or None
        Of PyMC's samplers, which; None is its own.

    Raises
    ------
    OptionError
        If a number is out of its range.
    """

    chains: int = 4
    warmup: int | None = None
    draws: int | None = None
    seed: int = 0
    target_accept: float | None = None
    cores: int | None = None
    progress: bool | None = None
    sampler: str | None = None

    def __post_init__(self) -> None:
        least = {"chains": 1, "warmup": 1, "draws": 4, "cores": 1}
        for name, low in least.items():
            value = getattr(self, name)
            if value is None and name in ("cores", "warmup", "draws"):
                continue
            if not _is_whole(value) or value < low:
                raise OptionError(f"{name}= must be a whole number from {low} up, not {value!r}.")
        if self.target_accept is not None and not (
            isinstance(self.target_accept, Real) and 0 < self.target_accept < 1
        ):
            raise OptionError(
                f"target_accept= must be between 0 and 1, not {self.target_accept!r}."
            )
        if not _is_whole(self.seed) or not 0 <= self.seed < 2**32:
            raise OptionError(
                f"seed= must be a whole number from 0 to 2^32 - 1, not {self.seed!r}."
            )

    def with_defaults(self, draws: int, warmup: int, target_accept: float) -> Settings:
        """Return settings in which nothing is left to the model."""
        return replace(
            self,
            draws=draws if self.draws is None else self.draws,
            warmup=warmup if self.warmup is None else self.warmup,
            target_accept=self.target_accept or target_accept,
        )


def _is_whole(value: object) -> bool:
    return isinstance(value, Integral) and not isinstance(value, bool)


class Backend(Protocol):
    """A backend that samples a model's posterior with NUTS."""

    name: str

    def check(self, model: Model, settings: Settings) -> None:
        """Refuse what this backend cannot do or lacks, before anything is compiled or sampled."""
        ...

    def sample(self, model: Model, settings: Settings) -> Draws:
        """Draw from the posterior."""
        ...

    def log_density(self, model: Model, unconstrained: Array) -> tuple[Array, Array]:
        """Log posterior density and its gradient at unconstrained points, one a row."""
        ...

    def code(self, model: Model) -> str:
        """Return the model as source for the backend, to be read."""
        ...

    def code_data(self, model: Model) -> dict[str, Any]:
        """Return the data that this source takes."""
        ...


def imported(backend: str, package: str) -> Any:
    """Import the module of a backend's name, or say how to get its package.

    Raises
    ------
    BackendError
        If it is not installed, or cannot be imported; it then says why.
    """
    try:
        return import_module(backend)
    except ImportError as problem:
        absent = isinstance(problem, ModuleNotFoundError) and problem.name == backend
        why = "" if absent else f" (the one that is there cannot be imported: {problem})"
        raise BackendError(
            f"backend={backend!r} needs {package}: pip install {backend}{why}"
        ) from problem


BACKENDS = {name: f"winstan.backends.{name}" for name in ("stan", "pymc", "bambi")}


def backend_named(name: str) -> Backend:
    """Return the backend of this name.

    Raises
    ------
    BackendError
        If there is none.
    """
    if not isinstance(name, str) or name not in BACKENDS:
        raise BackendError(f"There is no backend {name!r}." + near_matches(str(name), BACKENDS))
    backend: Backend = import_module(BACKENDS[name]).BACKEND
    return backend


def backends_named(
    names: str | tuple[str, ...] | list[str], *, sampler: str | None = None
) -> tuple[Backend, ...]:
    """Return the backend of this name, or several of these names.

    Parameters
    ----------
    names
        One name, or two or more different ones.
    sampler
        What the user asked for; Stan has its own.

    Raises
    ------
    BackendError
        If there is no backend of a name, or not two different ones where several are wanted.
    OptionError
        If none of them takes a sampler.
    """
    if isinstance(names, tuple | list):
        if len(names) < 2 or len(set(map(str, names))) < len(names):
            raise BackendError(
                f"backend= must be a name, or two or more different ones, not {names!r}: "
                'backend=("stan", "pymc"), say.'
            )
        backends = tuple(backend_named(name) for name in names)
    else:
        backends = (backend_named(names),)
    if sampler is not None and all(backend.name == "stan" for backend in backends):
        raise OptionError(
            f"sampler={sampler!r} chooses among PyMC's samplers, and backend='stan' has its own: "
            "leave it out, or write backend='pymc'."
        )
    return backends
