"""What is told of a marginal likelihood."""

from __future__ import annotations

from dataclasses import dataclass

ROUGH = 0.2
"""Standard error from which a Bayes factor is not known to a quarter."""


@dataclass(frozen=True, slots=True, repr=False)
class LogMarginalLikelihood:
    """The logarithm of a marginal likelihood, and how well it is known; `float` takes the value.

    Attributes
    ----------
    value : float
        Log density of the response, all parameters integrated over their priors: in the unit of
        the response, to the power of minus the number of rows.
    error : float
        Standard error of `value`.
    method : str
        ``"importance sampling"``, where coefficients and effects are integrated out in closed
        form, or ``"bridge sampling"``.
    dimensions : int
        Over how many numbers it integrates.
    evaluations : int
        How often the density was evaluated.
    """

    value: float
    error: float
    method: str
    dimensions: int
    evaluations: int

    def __float__(self) -> float:
        return self.value

    def __repr__(self) -> str:
        rough = ""
        if self.error > ROUGH:
            rough = ": rough, and better known by more draws, fit.update(draws=4000)"
        return (
            f"log marginal likelihood {self.value:.{_digits(self.error)}f}, standard error "
            f"{self.error:.2g} ({self.method}, {self.dimensions:,} dimensions){rough}"
        )


def _digits(error: float) -> int:
    """Return the decimals that an error leaves, two at least and five at most."""
    return next((k for k in range(2, 5) if error > 10.0**-k), 5)
