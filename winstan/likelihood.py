"""The density of the cells' data as a function of the stacked linear predictor.

A family states its density by its parameters; here those that have a linear predictor get their
values of it, block by block, and the others are numbers. The approximate fit and PyMC see this, and
so need not know how many linear predictors there are.
"""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from winstan.errors import FamilyError
from winstan.families.domains import DOMAINS
from winstan.families.namespace import NUMPY
from winstan.families.ordered import by_steps, cutpoint_vector, labels_of_thresholds

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from winstan._typing import Array
    from winstan.cells import Cells
    from winstan.families import Family, Link, Parameter
    from winstan.families.domains import Domain
    from winstan.families.family import Score, SharedInformation, Statistics
    from winstan.families.namespace import Namespace


@dataclass(frozen=True, eq=False)
class Likelihood:
    """The likelihood of C cells by B linear predictors and A numbers.

    Attributes
    ----------
    family : Family
    link : Link
        Of the mean.
    predicted : tuple of str
        Parameters beside the mean that have a linear predictor, block by block from the second.
    statistics : mapping
    n : int
        Cells, C.
    labels : tuple
        Of the response's categories, K of them; none of numbers.
    """

    family: Family
    link: Link
    predicted: tuple[str, ...]
    statistics: Statistics
    n: int
    labels: tuple[Any, ...] = ()

    @classmethod
    def of(cls, cells: Cells, family: Family, link: Link, predicted: tuple[str, ...]) -> Likelihood:
        """Return that of some cells."""
        return cls(family, link, predicted, cells.statistics, cells.n, cells.labels)

    @property
    def categories(self) -> int:
        """Of the response, K."""
        return len(self.labels)

    @property
    def threshold_labels(self) -> tuple[str, ...]:
        """Labels of the elements of an ordered parameter."""
        return labels_of_thresholds(self.labels)

    @cached_property
    def scalars(self) -> tuple[Parameter, ...]:
        """Parameters beside the mean that are numbers, A of them; of an ordered one its steps."""
        parts = [
            p.steps(self.categories - 2) if p.is_vector else (p,)
            for p in self.family.parameters[1:]
            if p.name not in self.predicted
        ]
        return tuple(number for own in parts for number in own)

    @cached_property
    def _thresholds(self) -> Parameter | None:
        return self.family.thresholds

    @cached_property
    def reported(self) -> tuple[Parameter, ...]:
        """Those that are numbers by themselves, and reported."""
        return tuple(p for p in self.scalars if p.name not in self.steps)

    @cached_property
    def steps(self) -> tuple[str, ...]:
        """Names of the steps between the elements of an ordered parameter; none without one."""
        vector = self._thresholds
        return () if vector is None else tuple(p.name for p in vector.steps(self.categories - 2))

    @cached_property
    def links(self) -> tuple[Link, ...]:
        """The link of each block."""
        by_name = {p.name: p for p in self.family.parameters}
        return self.link, *(by_name[name].link for name in self.predicted)

    @cached_property
    def shared(self) -> dict[tuple[int, int], SharedInformation]:
        """By pair of blocks that share information: see `Family.shared`."""
        place = {self.family.parameters[0].name: 0}
        place |= {name: b for b, name in enumerate(self.predicted, 1)}
        return {
            (place[a], place[b]): information
            for (a, b), information in self.family.shared.items()
            if {a, b} <= place.keys()
        }

    @property
    def unitless(self) -> bool:
        """Whether some linear predictor has no unit: a logarithm, a log odds, a z-score."""
        return any(link.unitless for link in self.links)

    @property
    def tails(self) -> bool:
        """Whether a scale and the weight of the tails are both numbers: see `Family.tails`."""
        return self.family.tails is not None and not self.predicted

    @cached_property
    def domains(self) -> tuple[Domain, ...]:
        """Where the numbers lie."""
        return tuple(DOMAINS[parameter.domain] for parameter in self.scalars)

    def constrained(self, free: Any, xp: Namespace = NUMPY) -> dict[str, Any]:
        """Return the numbers by name, each of shape (...).

        Parameters
        ----------
        free : array, shape (..., A)
            On the whole line.
        xp
        """
        return {
            parameter.name: domain.forward(free[..., a], xp)
            for a, (parameter, domain) in enumerate(zip(self.scalars, self.domains, strict=True))
        }

    def in_own_unit(self, number: Parameter, values: Array) -> Array:
        """Return a number as users know it: see `Parameter.bound`."""
        return values if number.bound is None else self.statistics[number.bound] * values

    def log_jacobian(self, free: Any, xp: Namespace = NUMPY) -> Any:
        """Return the log density that `constrained` adds, shape (...)."""
        return sum(
            (domain.log_jacobian(free[..., a], xp) for a, domain in enumerate(self.domains)), 0.0
        )

    def free(self, numbers: Mapping[str, float]) -> Array:
        """Return what `constrained` takes, shape (A,)."""
        pairs = zip(self.scalars, self.domains, strict=True)
        return np.array([float(domain.backward(numbers[p.name])) for p, domain in pairs])

    def log_density(self, eta: Any, numbers: Mapping[str, Any], xp: Namespace = NUMPY) -> Any:
        """Log density of all rows.

        Parameters
        ----------
        eta : array, shape (B * C,)
            Linear predictors, block by block, offsets included.
        numbers : mapping
            Parameters that are numbers, by name.
        xp
        """
        mean, beside = self._parts(eta, numbers, xp)
        with self._names_known("log_likelihood"):
            return self.family.log_likelihood(self.statistics, mean, beside, self.link, xp)

    def score(self, eta: Array, numbers: Mapping[str, float]) -> tuple[Array, Array]:
        """Score and expected information by each linear predictor, shape (B * C,) each.

        The information has the shape (B, B, C) where blocks of a cell share some: see `shared`.
        """
        mean, beside = self._parts(eta, numbers, NUMPY)
        if not self.predicted:
            return self._by_cell("score", self.family.score, mean, beside)
        if self.family.joint_score is not None:
            by_block, shared = self.family.joint_score(self.statistics, mean, beside, self.link)
            return by_block.ravel(), shared
        parts = [self._by_cell("score", self.family.score, mean, beside)]
        slopes = [np.ones(self.n)]
        for block, name in enumerate(self.predicted, 1):
            slope = self.links[block].inverse_derivative(self.block(eta, block))
            own = self.family.scores[name]
            score, information = self._by_cell(f"scores[{name!r}]", own, mean, beside)
            parts.append((score * slope, information * np.square(slope)))
            slopes.append(slope)
        scores, informations = zip(*parts, strict=True)
        if not self.shared:
            return np.concatenate(scores), np.concatenate(informations)
        whole = np.zeros((len(parts), len(parts), self.n))
        whole[np.diag_indices(len(parts))] = informations
        for (a, b), information_of in self.shared.items():
            shared = information_of(self.statistics, mean, beside, self.link)
            whole[a, b] = whole[b, a] = shared * slopes[a] * slopes[b]
        return np.concatenate(scores), whole

    @contextmanager
    def _names_known(self, what: str) -> Iterator[None]:
        """Say which name a family's function asks for that its statistics do not have."""
        try:
            yield
        except KeyError as missing:
            raise FamilyError(
                f"{what} of the family {self.family.name!r} asks for {missing.args[0]!r}, which is "
                f"none of what its statistics give ({', '.join(self.statistics)}), nor a parameter "
                f"beside the mean ({', '.join(self.family.auxiliary) or 'there is none'})."
            ) from missing

    def _by_cell(
        self, what: str, function: Score, mean: Array, beside: Mapping[str, Any]
    ) -> tuple[Array, Array]:
        """Evaluate a family's score; refuse what is not two arrays of shape (C,)."""
        with self._names_known(what):
            out = function(self.statistics, mean, beside, self.link)
        if not isinstance(out, tuple) or [np.shape(part) for part in out] != [(self.n,)] * 2:
            shapes = [np.shape(part) for part in out] if isinstance(out, tuple) else np.shape(out)
            raise FamilyError(
                f"{what} of the family {self.family.name!r} gives shapes {shapes}: return the "
                f"derivative of the log density and its expected information, two arrays with a "
                f"number for each cell, here of shape ({self.n},)."
            )
        return out

    def score_of_steps(self, eta: Array, numbers: Mapping[str, float]) -> Array:
        """Score by the steps of an ordered parameter, shape (K - 2,)."""
        assert self.family.threshold_score is not None
        mean, beside = self._parts(eta, numbers, NUMPY)
        return by_steps(self.family.threshold_score(self.statistics, mean, beside, self.link))

    def confine(self, eta: Array, least: float) -> Array:
        """Keep the mean's linear predictor where the link has a mean, if the link confines it."""
        if not self.family.confines(self.link):
            return eta
        if not self.predicted:
            return np.maximum(eta, least)
        return np.concatenate([np.maximum(eta[: self.n], least), eta[self.n :]])

    def block(self, eta: Any, b: int) -> Any:
        """Return block b of the linear predictor, shape (C,)."""
        return eta[b * self.n : (b + 1) * self.n]

    def without_unit(self, values: Array) -> Array:
        """Return the rows, of B * C, of linear predictors that have no unit: see `unitless`."""
        if len(self.links) == 1:
            return values if self.link.unitless else values[:0]
        blocks = [self.block(values, b) for b, link in enumerate(self.links) if link.unitless]
        return np.concatenate(blocks) if blocks else values[:0]

    def largest(self, values: Array) -> Array:
        """Return the largest of each block, each of another unit, at all its rows: (B * C,)."""
        return np.repeat(values.reshape(len(self.links), self.n).max(axis=1), self.n)

    def _parts(
        self, eta: Any, numbers: Mapping[str, Any], xp: Namespace
    ) -> tuple[Any, Mapping[str, Any]]:
        """Return the mean's linear predictor, and the values of the other parameters."""
        if (vector := self._thresholds) is not None:
            steps = [numbers[name] for name in self.steps]
            found = cutpoint_vector(steps, xp)
            elements = tuple(found[k] for k in range(len(steps) + 1))
            numbers = {**numbers, vector.name: elements}
        if not self.predicted:
            return eta, numbers
        beside = {
            name: self.links[b].inverse(self.block(eta, b), xp)
            for b, name in enumerate(self.predicted, 1)
        }
        return self.block(eta, 0), {**numbers, **beside}
