"""What a backend is: the Protocol, and the way from a name to a backend."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any, Protocol

from winstan.errors import BackendError, OptionError, near_matches

if TYPE_CHECKING:
    from winstan._typing import Array
    from winstan.draws import Draws
    from winstan.model import Model
    from winstan.settings import Settings


class Backend(Protocol):
    """A backend that samples a model's posterior with NUTS.

    Attributes
    ----------
    name : str
    reads_formula : bool
        Whether it evaluates the formula's functions by itself on the rows that it gets.
    own_processes : bool
        Whether its chains are processes beside Python's.
    several_samplers : bool
        Whether there is a choice of samplers.
    """

    name: str
    reads_formula: bool
    own_processes: bool
    several_samplers: bool

    def check(self, model: Model, settings: Settings) -> None:
        """Refuse what this backend cannot do or lacks, before anything is compiled or sampled."""
        ...

    def prepare(self, model: Model, *, progress: bool | None) -> None:
        """Compile what all fits of such a model share, before there are many side by side."""
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
    if sampler is not None and not any(backend.several_samplers for backend in backends):
        raise OptionError(
            f"sampler={sampler!r} chooses among PyMC's samplers, and backend='stan' has its own: "
            "leave it out, or write backend='pymc'."
        )
    return backends


def one_backend(name: str, what: str, *, sampler: str | None = None) -> Backend:
    """Return the backend of this name, for what takes no more than one.

    Raises
    ------
    BackendError, OptionError
        As for `backends_named`, and if there are several names: `what` is the function's name.
    """
    if not isinstance(name, str):
        raise OptionError(f"{what} takes one backend, not {name!r}: call it once for each.")
    (backend,) = backends_named(name, sampler=sampler)
    return backend
