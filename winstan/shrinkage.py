"""The numbers behind `Horseshoe` and `R2D2`, and the sds of coefficients that they make.

They are sampled beside the family's own numbers, each in its domain, with an ordinary prior; a
simplex as Beta pieces of what is left (Dirichlet's stick-breaking).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from winstan import priors as pr
from winstan.errors import PriorError
from winstan.families.domains import DOMAINS
from winstan.families.namespace import NUMPY
from winstan.scales import spread

if TYPE_CHECKING:
    from collections.abc import Sequence

    from winstan._typing import Array
    from winstan.cells import Cells
    from winstan.coefficients import Coefficients
    from winstan.design import Stacked
    from winstan.families.domains import Domain
    from winstan.families.namespace import Namespace
    from winstan.likelihood import Likelihood
    from winstan.priors import Prior, Priors
    from winstan.scales import Scales


@dataclass(frozen=True, slots=True, eq=False)
class Shrinkage:
    """A prior that n coefficients share.

    Attributes
    ----------
    prior : Horseshoe or R2D2
    at : ndarray of int, shape (n,)
        Their places among the P that are sampled.
    labels : tuple of str
        Their names.
    unit : ndarray, shape (n,)
        What their standardised values are multiplied by, beside sigma.
    sigma : int or None
        The place of sigma among the family's numbers; None where it is no unit of theirs.
    scale : float
        A guess of sigma.
    """

    prior: pr.Horseshoe | pr.R2D2
    at: np.ndarray
    labels: tuple[str, ...]
    unit: Array
    sigma: int | None
    scale: float

    @classmethod
    def of(
        cls,
        stacked: Stacked,
        cells: Cells,
        coefficients: Coefficients,
        priors: Priors,
        likelihood: Likelihood,
        scales: Scales,
    ) -> Shrinkage | None:
        """Gather the coefficients that have such a prior; None where none has.

        Raises
        ------
        PriorError
            If they have several, or one is the Intercept, stands for it, or is not of the mean.
        """
        shared = pr.Horseshoe | pr.R2D2
        found = {n: p for n, p in priors.table.items() if isinstance(p, shared)}
        if not found:
            return None
        prior, *others = dict.fromkeys(found.values())
        if others:
            raise PriorError(
                f"{prior} and {others[0]} are both given: coefficients that are shrunk share one "
                "prior. Give all of them the same."
            )
        columns = dict(zip(stacked.column_names, range(stacked.block.size), strict=True))
        for name in found:
            column = columns.get(name)
            if column is None or stacked.block[column] != 0 or stacked.constant[column] != 0:
                raise PriorError(
                    f"{type(prior).__name__} cannot be the prior of {name!r}: it shrinks slopes of "
                    "the mean towards zero. Give it Normal, or name the slopes that are meant."
                )
        own = [columns[name] for name in found]
        spreads = [spread(cells.of_block(cells.X[:, k], 0), cells.weight) for k in own]
        numbers = [number.name for number in likelihood.scalars]
        noise = likelihood.family.noise
        sigma = (
            numbers.index(noise)
            if noise in numbers and likelihood.link.name == "identity"
            else None
        )
        unit = 1 / np.array(spreads) * (scales.eta[0] if sigma is None else 1.0)
        at = [coefficients.sampled_names.index(name) for name in found]
        guess = 1.0 if sigma is None else scales.response
        return cls(prior, np.array(at, int), tuple(found), unit, sigma, guess)

    @property
    def names(self) -> tuple[str, ...]:
        """Names of its numbers, E of them."""
        parts = range(1, len(self.at) + (0 if self._by_explained else 1))
        if self._by_explained:
            return ("R2D2_R2", *(f"R2D2_piece[{j}]" for j in parts))
        return ("hs_global", "hs_slab", *(f"hs_local[{label}]" for label in self.labels))

    @property
    def _by_explained(self) -> bool:
        return isinstance(self.prior, pr.R2D2)

    @property
    def domains(self) -> tuple[Domain, ...]:
        """Where they lie."""
        return (DOMAINS["unit" if self._by_explained else "positive"],) * len(self.priors)

    @property
    def priors(self) -> tuple[Prior, ...]:
        """Their priors."""
        n = len(self.at)
        if isinstance(self.prior, pr.R2D2):
            mean, precision, cons = self.prior.numbers
            first = pr.Beta(mean * precision, (1 - mean) * precision)
            return (first, *(pr.Beta(cons, cons * (n - j)) for j in range(1, n)))
        df, scale, df_global, slab, df_slab = self.prior.numbers
        return (
            pr.HalfStudentT(df_global, scale),
            pr.InverseGamma(df_slab / 2, df_slab * slab**2 / 2),
            *(pr.HalfStudentT(df, 1.0) for _ in range(n)),
        )

    def variances(self, numbers: Any, sigma: Any = None) -> list[Any]:
        """Return the variances of the n coefficients, shape (...) each.

        Parameters
        ----------
        numbers : array, shape (..., E)
            NumPy's or PyTensor's.
        sigma : array, shape (...)
            Where it is their unit.
        """
        scale = 1.0 if self.sigma is None else sigma * sigma
        out = []
        left = numbers[..., 0] / (1 - numbers[..., 0]) if self._by_explained else None
        for j, unit in enumerate(self.unit):
            if left is None:
                wide = numbers[..., 0] * numbers[..., 2 + j]
                shape = 1 / (1 / (wide * wide) + 1 / numbers[..., 1])
            elif j + 1 < len(self.unit):
                shape, left = left * numbers[..., 1 + j], left * (1 - numbers[..., 1 + j])
            else:
                shape = left
            out.append(scale * unit**2 * shape)
        return out

    @property
    def dims(self) -> dict[str, tuple[str, ...]]:
        """By variable that is told of its numbers: its labels, none of a single number."""
        if self._by_explained:
            return {"R2D2_R2": (), "R2D2_phi": self.labels}
        return {"hs_global": (), "hs_slab": (), "hs_local": self.labels}

    def reported(self, numbers: Array) -> dict[str, Array]:
        """Return what is told of its numbers, by variable, from shape (..., E)."""
        if not self._by_explained:
            return {
                "hs_global": numbers[..., 0],
                "hs_slab": numbers[..., 1],
                "hs_local": numbers[..., 2:],
            }
        odds = numbers[..., 0] / (1 - numbers[..., 0])
        unit_alone = Shrinkage(
            self.prior, self.at, self.labels, np.ones(len(self.at)), None, self.scale
        )
        phi = np.stack(unit_alone.variances(numbers), axis=-1) / odds[..., None]
        return {"R2D2_R2": numbers[..., 0], "R2D2_phi": phi}

    def constrained(self, free: Any, xp: Namespace = NUMPY) -> list[Any]:
        """Return its numbers, shape (...) each, of free ones, shape (..., E)."""
        return [domain.forward(free[..., e], xp) for e, domain in enumerate(self.domains)]

    def log_jacobian(self, free: Any, xp: Namespace = NUMPY) -> Any:
        """Return the log density that `constrained` adds."""
        return sum((d.log_jacobian(free[..., e], xp) for e, d in enumerate(self.domains)), 0.0)

    def free_scales(self) -> tuple[Array, Array]:
        """Return the middle and width of each free number under its prior, by its quartiles."""
        draws = np.random.default_rng(0)
        pairs: Sequence[Any] = list(zip(self.priors, self.domains, strict=True))
        free = []
        for prior, domain in pairs:
            sampled = prior.sample(draws, 4001)
            if domain.name == "unit":
                sampled = np.clip(sampled, 1e-12, 1 - 1e-12)
            free.append(domain.backward(sampled))
        low, middle, high = np.quantile(np.array(free), [0.25, 0.5, 0.75], axis=1)
        return middle, (high - low) / 1.35
