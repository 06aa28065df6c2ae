"""Numbers held to those of others, and kept for the table that `make test-reference` makes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence


def kept(
    record: Callable[[str, object], None],
    model: str,
    source: str,
    *,
    numbers: int,
    furthest: float,
    allowed: float,
    unit: str,
) -> None:
    """Keep how far the furthest number is; `record` is pytest's `record_property`."""
    fields = (model, source, numbers, f"{furthest:.2g}", f"{allowed:g}", unit)
    record("reference", "\t".join(map(str, fields)))


def held(
    record: Callable[[str, object], None],
    model: str,
    source: str,
    found: Sequence[float],
    published: Sequence[float],
    allowed: float,
) -> None:
    """Hold numbers to published ones, and keep the largest difference."""
    gaps = np.abs(np.asarray(found, float) - np.asarray(published, float))
    assert gaps.shape == (len(published),)
    furthest = float(gaps.max())
    kept(record, model, source, numbers=len(published), furthest=furthest, allowed=allowed,
         unit="absolute")  # fmt: skip
    assert furthest < allowed, (model, found, published)
