"""Fits of all groups, read from one file."""

from __future__ import annotations

from dataclasses import fields
from typing import TYPE_CHECKING

from winstan.each.fingerprint import SEED, differences
from winstan.each.result import FitEach
from winstan.errors import FamilyError, FitFileError
from winstan.fit_class import Fit
from winstan.keeping.codec import decode
from winstan.keeping.files import Contents, checked_path, damaged, read
from winstan.keeping.fits import fit_of, warn_of_changes

if TYPE_CHECKING:
    import os
    from collections.abc import Mapping
    from pathlib import Path


def load_fit_each(path: str | os.PathLike[str]) -> FitEach:
    """Read the fits of groups that `FitEach.save` saved: nothing is fitted again.

    Parameters
    ----------
    path
        The file, ``each.nc``.

    Returns
    -------
    FitEach
        With the fits, where ``keep="fits"`` had kept them.

    Raises
    ------
    FitFileError
        If there is no such file, or it is damaged, of a newer winstan, or holds no such fits.
    FamilyError
        If the fits are of a family of your own that is not registered here, or has other
        parameters.

    Warns
    -----
    RefitWarning
        If it is registered with another template, other functions or other links.

    Examples
    --------
    >>> import pathlib, tempfile
    >>> import winstan as ws
    >>> trials = ws.simulate_lfp(n_mice=4, n_trials=20, seed=1)
    >>> each = ws.fit_each("Power ~ stim", trials, by="mouse", seed=1, silence="all", n_jobs=1)
    >>> file = each.save(pathlib.Path(tempfile.mkdtemp()) / "each.nc")
    >>> ws.load_fit_each(file).table.equals(each.table)
    True
    """
    place = checked_path(path)
    return _loaded(read(place, "fit_each"), place)


def kept_fit_each(
    path: str | os.PathLike[str], fingerprint: Mapping[str, str], *, any_seed: bool
) -> FitEach | None:
    """Return the fits of a file if they are those asked for; None if there is no such file.

    Warns
    -----
    RefitWarning
        If they are others: what has changed.
    """
    place = checked_path(path)
    if not place.exists():
        return None
    contents = read(place, "fit_each")
    kept = dict(decode(contents.about["_fingerprint"], contents.arrays))
    asked = dict(fingerprint)
    if any_seed:
        asked[SEED] = kept.get(SEED, "")
    found = differences(kept, asked) if kept else ["the fits, which do not say what was asked for,"]
    if not found:
        return _loaded(contents, place)
    warn_of_changes(place, found)
    return None


def _loaded(contents: Contents, place: Path) -> FitEach:
    about, arrays = contents.about, contents.arrays
    fits = None
    try:
        parts = {
            field.name: decode(about[field.name], arrays)
            for field in fields(FitEach)
            if field.name != "_fits"
        }
        if about["fits"] is not None:
            fits = {
                decode(key, arrays): fit_of(Fit, own, contents, place, at=f"group_{i}/")
                for i, (key, own) in enumerate(about["fits"])
            }
    except (FitFileError, FamilyError):
        raise
    except Exception as error:  # whatever is not as it was written
        raise damaged(place, f"what it says of the fits cannot be read ({error!r})") from error
    return FitEach(**parts, _fits=fits)
