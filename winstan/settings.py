"""How a backend samples: chains, iterations, seed."""

from __future__ import annotations

from dataclasses import dataclass, replace

from winstan.errors import OptionError
from winstan.options import check_probability, check_whole


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
            check_whole(name, value, low)
        if self.target_accept is not None:
            check_probability("target_accept", self.target_accept, 0.95)
        check_whole("seed", self.seed, 0)
        if self.seed >= 2**32:
            raise OptionError(f"seed= must be a whole number below 2^32, not {self.seed!r}.")

    def with_defaults(self, draws: int, warmup: int, target_accept: float) -> Settings:
        """Return settings in which nothing is left to the model."""
        return replace(
            self,
            draws=draws if self.draws is None else self.draws,
            warmup=warmup if self.warmup is None else self.warmup,
            target_accept=self.target_accept or target_accept,
        )
