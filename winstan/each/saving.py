"""Fits of all groups, written to one file."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from winstan.keeping.codec import encode
from winstan.keeping.files import checked_path, write
from winstan.keeping.fits import about_fit, nodes_of

if TYPE_CHECKING:
    import os
    from collections.abc import Hashable, Mapping
    from pathlib import Path

    import numpy as np
    import xarray as xr

    from winstan.fitted import FittedModel


def save_each(
    path: str | os.PathLike[str],
    parts: Mapping[str, Any],
    fits: Mapping[Hashable, FittedModel] | None,
) -> Path:
    """Save what a `FitEach` consists of, and its fits if they were kept; see `FitEach.save`."""
    place = checked_path(path)
    arrays: list[np.ndarray] = []
    nodes: dict[str, xr.Dataset] = {}
    about: dict[str, Any] = {name: encode(part, arrays) for name, part in parts.items()}
    about["fits"] = None if fits is None else []
    for i, (key, fit) in enumerate((fits or {}).items()):
        about["fits"].append([encode(key, arrays), about_fit(fit, arrays)])
        nodes |= {f"group_{i}/{name}": node for name, node in nodes_of(fit).items()}
    write(place, "fit_each", about, arrays, nodes)
    return place
