"""An engine: a way to the posterior, or to a point estimate, and what it gives."""

from __future__ import annotations

from dataclasses import dataclass, field
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    import numpy as np
    import pandas as pd

    from benchmarks.design import Design


@dataclass(frozen=True, slots=True)
class Sample:
    """Draws for comparison.

    Attributes
    ----------
    posterior : mapping of str to ndarray
        By variable, shape (chains, draws, *dims). Of point estimates: empty.
    steps : ndarray or None, shape (chains, draws)
        Gradient evaluations.
    diverging : ndarray or None, shape (chains, draws)
    seconds : float
        That the sampler took, as the engine says.
    """

    posterior: Mapping[str, np.ndarray]
    steps: np.ndarray | None = None
    diverging: np.ndarray | None = None
    seconds: float = float("nan")


@dataclass(frozen=True, slots=True)
class Runner:
    """A fit ready to be timed: `compile` and `fit` are, `draws` is not."""

    fit: Callable[[int], Any]
    draws: Callable[[Any], Sample]
    compile: Callable[[], object] | None = None


@dataclass(frozen=True, slots=True)
class Engine:
    """A way to the posterior.

    Attributes
    ----------
    name, title
    prepare
        From design and data to a `Runner`; not timed.
    peer
        Whether winstan is measured against it.
    samples
        Whether it gives draws; else point estimates, whose time is shown for scale.
    needs
        Modules without which it is left out.
    lacks
        What else is not installed, or an empty string.
    exact
        Whether it fits the very model of a design.
    covers
        Whether it has the design's family; else it has no row.
    """

    name: str
    title: str
    prepare: Callable[[Design, pd.DataFrame], Runner]
    peer: bool = True
    samples: bool = True
    needs: tuple[str, ...] = ()
    lacks: Callable[[], str] = field(default=lambda: "")
    exact: Callable[[Design], bool] = field(default=lambda design: True)
    covers: Callable[[Design], bool] = field(default=lambda design: True)

    @property
    def missing(self) -> str:
        """What is not installed, or an empty string."""
        return ", ".join(name for name in self.needs if find_spec(name) is None) or self.lacks()
