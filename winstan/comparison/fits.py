"""Fits of one question by several backends, and their agreement: what `ws.fit` then gives."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from winstan.errors import OptionError, near_matches

if TYPE_CHECKING:
    from collections.abc import Iterator

    from winstan.comparison.agreement import Agreement
    from winstan.fit_class import Fit


@dataclass(frozen=True, slots=True, eq=False)
class Fits:
    """A fit by each of several backends, in the order asked for, and their agreement.

    ``both["pymc"]`` is the fit of a backend; ``stan, pymc = both`` unpacks them.

    Attributes
    ----------
    fits : tuple of Fit
    agreement : Agreement
        Of all others with the first.
    """

    fits: tuple[Fit, ...]
    agreement: Agreement

    @property
    def ok(self) -> bool:
        """Whether all have converged, and agree."""
        return self.agreement.ok

    @property
    def verdict(self) -> str:
        """One sentence: the fits agree, or where they differ most and what to look for."""
        return self.agreement.verdict

    def raise_for_disagreement(self) -> None:
        """Raise unless the fits agree.

        Raises
        ------
        AgreementError
            With the verdict, if they differ or have not converged.
        """
        self.agreement.raise_for_disagreement()

    def __getitem__(self, backend: str) -> Fit:
        for fit in self.fits:
            if fit.backend == backend:
                return fit
        known = [fit.backend for fit in self.fits]
        raise OptionError(f"There is no fit by {backend!r}." + near_matches(str(backend), known))

    def __iter__(self) -> Iterator[Fit]:
        return iter(self.fits)

    def __len__(self) -> int:
        return len(self.fits)

    def __repr__(self) -> str:
        return f"{self.agreement!r}\n\n{self._times()}"

    def _repr_html_(self) -> str:
        return f"{self.agreement._repr_html_()}\n<div>{self._times()}</div>"

    def _times(self) -> str:
        times = (f"{fit.backend} {fit.seconds:.1f} s" for fit in self.fits)
        return f"Wall time of each fit: {', '.join(times)}."
