"""How a backend samples: chains, iterations, seed."""

from __future__ import annotations

from dataclasses import dataclass, replace
from numbers import Integral, Real

from winstan.errors import OptionError


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
