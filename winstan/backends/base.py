"""What a backend is: the Protocol, and the way from a name to a backend."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any, Protocol

from winstan.errors import BackendError, OptionError, near_matches

if TYPE_CHECKING:
    from winstan._typing import Array
    from winstan.backends.settings import Settings
    from winstan.draws import Draws
    from winstan.model import Model


class Backend(Protocol):
    """A backend that samples a model's posterior with NUTS.

    `reads_formula` says whether it evaluates the formula's functions by itself on the rows that it
    gets.
    """

    name: str
    reads_formula: bool

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


def import_package(backend: str, package: str) -> Any:
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
