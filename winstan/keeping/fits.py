"""Fits as contents of files, and back: the model is made again of its inputs, without a search."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from winstan._version import __version__
from winstan.building import model_of
from winstan.design_warnings import silenced
from winstan.draws import Draws, to_datatree, tree_name
from winstan.effects import ArvizGroups
from winstan.errors import FamilyError, OptionError, RefitWarning, warn_user
from winstan.families import FAMILIES
from winstan.families.definition import PARAMETER, definition_changes, definition_of
from winstan.keeping.changes import changes, family_changes
from winstan.keeping.codec import NotDataError, decode, encode
from winstan.keeping.files import Contents, checked_path, damaged, read, write

if TYPE_CHECKING:
    import os
    from collections.abc import Iterable, Mapping
    from pathlib import Path

    import numpy as np
    import xarray as xr

    from winstan.backends import Settings
    from winstan.families import Family
    from winstan.fitted.fitted_model import FittedModel
    from winstan.inputs import Inputs
    from winstan.model import Model

# Groups of draws that are made of the model and what was sampled.
_MADE = ("observed_data", "constant_data")


def save_fit(fit: FittedModel, path: str | os.PathLike[str]) -> Path:
    """Save a fit in a file; see `Fit.save`."""
    place = checked_path(path)
    arrays: list[np.ndarray] = []
    about = about_fit(fit, arrays)
    write(place, "fit", about, arrays, nodes_of(fit))
    return place


def load_fit_as[F: FittedModel](kind: type[F], path: str | os.PathLike[str]) -> F:
    """Read a fit that `Fit.save` saved; see `winstan.load_fit`."""
    place = checked_path(path)
    return _loaded(kind, read(place, "fit"), place)


def _loaded[F: FittedModel](
    kind: type[F], contents: Contents, place: Path, family: Family | None = None
) -> F:
    fit = fit_of(kind, contents.about, contents, place, family=family)
    return replace(fit, draws=_with_others(fit, place))


def kept_fit[F: FittedModel](
    kind: type[F],
    path: str | os.PathLike[str],
    inputs: Inputs,
    settings: Settings,
    backend: str,
    *,
    any_seed: bool,
) -> F | None:
    """Return the fit of a file if it is the one that is asked for; None if there is no such file.

    Raises
    ------
    OptionError
        If the fit that is asked for could not be saved.

    Warns
    -----
    RefitWarning
        If it is another fit: what has changed.
    """
    place = checked_path(path)
    check_savable(inputs)
    if not place.exists():
        return None
    contents = read(place, "fit")
    # Of another family the model could not be made again.
    found = family_changes(contents.about["inputs"], inputs)
    if not found:
        is_same = contents.about["inputs"]["family"] == inputs.family.name
        fit = _loaded(kind, contents, place, inputs.family if is_same else None)
        if any_seed and fit.settings is not None:
            settings = replace(settings, seed=fit.settings.seed)
        found = changes(fit, inputs, settings, backend)
        if not found:
            return fit
    warn_of_changes(place, found)
    return None


def warn_of_changes(place: Path, found: Iterable[str]) -> None:
    """Warn that a file holds another fit than is asked for, by what has changed."""
    warn_user(
        f"{str(place)!r} holds another fit: {', '.join(found)} changed. It is fitted again, and "
        "the file replaced.",
        RefitWarning,
    )


def nodes_of(fit: FittedModel) -> dict[str, xr.Dataset]:
    """Return the groups of a fit's draws."""
    return {name: node.to_dataset(inherit=False) for name, node in fit.draws.children.items()}


def about_fit(fit: FittedModel, arrays: list[np.ndarray]) -> dict[str, Any]:
    """Write all of a fit but its draws.

    Raises
    ------
    OptionError
        If it was not made of a formula and data, or uses functions of the caller's.
    """
    model, inputs = fit.model, fit.model.inputs
    if inputs is None:
        raise OptionError(
            "This fit cannot be saved: it was not made by ws.fit, and what its model was made of "
            "is not known."
        )
    parts = {
        "inputs": _encoded_inputs(inputs, arrays),
        "priors": encode(model.priors, arrays),
        "coordinates": _encoded_coordinates(model, arrays),
        "diagnostics": encode(fit.diagnostics, arrays),
        "settings": encode(fit.settings, arrays),
        "table": encode(fit._table, arrays),
        "attributes": encode(dict(fit.draws["posterior"].attrs), arrays),
        "types": {
            f"{node}/{name}": variable.dtype.str
            for node in ("posterior", "sample_stats")
            for name, variable in fit.draws[node].data_vars.items()
        },
    }
    return parts | {"backend": fit.backend, "seconds": fit.seconds}


def fit_of[F: FittedModel](
    kind: type[F],
    about: Mapping[str, Any],
    contents: Contents,
    path: Path,
    at: str = "",
    *,
    family: Family | None = None,
) -> F:
    """Make a fit of what is written of it.

    Parameters
    ----------
    kind
        What is made: a `Fit`.
    about
    contents
        Of the whole file.
    path
        For messages.
    at
        The group that its draws are in, with a slash behind it.
    family
        As it was defined; None is the one that is registered by its name.
    """
    arrays = contents.arrays
    try:
        inputs = _decoded_inputs(about["inputs"], arrays, path, family)
        priors = decode(about["priors"], arrays)
        diagnostics, settings, table, attributes = (
            decode(about[name], arrays)
            for name in ("diagnostics", "settings", "table", "attributes")
        )
        coordinates = None
        if contents.version == __version__ and about["coordinates"] is not None:
            coordinates = decode(about["coordinates"], arrays)
    except FamilyError:
        raise
    except Exception as error:  # whatever is not as it was written
        raise damaged(path, f"what it says of the fit cannot be read ({error!r})") from error
    with silenced("all"):
        model = model_of(inputs, priors=priors, coordinates=coordinates)
    posterior, stats = (
        {
            name: values.astype(about["types"][f"{node}/{name}"], copy=False)
            for name, values in contents.nodes[f"{at}{node}"].items()
        }
        for node in ("posterior", "sample_stats")
    )
    named = {v.name: posterior[tree_name(v.name)] for v in model.variables}
    draws = to_datatree(model, Draws(named, stats, attributes), ArvizGroups(model))
    return kind(model, draws, diagnostics, about["backend"], about["seconds"], table, settings)


def check_savable(inputs: Inputs) -> None:
    """Refuse to save what uses functions of the caller's own.

    Raises
    ------
    OptionError
    """
    for name, value in inputs.namespace.items():
        try:
            encode(value, [])
        except NotDataError:
            raise OptionError(
                f"This fit cannot be saved: its formula uses {name!r} of your own code, and a file "
                f"holds no code. Make what it gives a column, data[{name!r}] = ..., and name that "
                "in the formula."
            ) from None


def _encoded_inputs(inputs: Inputs, arrays: list[np.ndarray]) -> dict[str, Any]:
    check_savable(inputs)
    family = inputs.family
    plain = replace(inputs, family=None, namespace=dict(inputs.namespace), definition={})  # type: ignore[arg-type]
    return {
        "family": family.name,
        "definition": dict(inputs.definition),
        "reference": encode(family.reference, arrays),
        "inputs": encode(plain, arrays),
    }


def _decoded_inputs(
    about: Mapping[str, Any], arrays: list[np.ndarray], path: Path, family: Family | None
) -> Inputs:
    name = about["family"]
    if family is None and name not in FAMILIES:
        raise FamilyError(
            f"The saved fit is of a family of your own, {name!r}, which is not registered here: "
            f"call ws.register_family(...) before ws.load_fit."
        )
    family = family or FAMILIES[name]
    _check_definition(about["definition"], family, path)
    if (reference := decode(about["reference"], arrays)) is not None:
        family = replace(family, reference=reference)
    inputs = decode(about["inputs"], arrays)
    return replace(inputs, family=family, definition=about["definition"])


def _check_definition(before: Mapping[str, str], family: Family, path: Path) -> None:
    """Refuse a family of other parameters than the fit has; warn if it is defined otherwise."""
    found = definition_changes(family.name, before, definition_of(family))
    if not found:
        return
    what = (
        f"{str(path)!r} holds a fit of another family {family.name!r} than is registered here: "
        f"{', '.join(found)} changed."
    )
    if any(name.startswith(PARAMETER) for name in found):
        raise FamilyError(
            f"{what} Its draws are of the parameters that it had: register it as it was, or fit "
            "again."
        )
    warn_user(
        f"{what} The draws are of the family as it was, and what is computed of them is by the one "
        "that is registered: register it as it was, or fit again.",
        RefitWarning,
    )


def _encoded_coordinates(model: Model, arrays: list[np.ndarray]) -> Any:
    """Write the coordinates, which take longest to find, unless others were added to them."""
    if any((model.shrinkage, model.simplexes, model.correlation)):
        return None
    start = len(arrays)
    try:
        return encode(model.coordinates, arrays)
    except NotDataError:  # they are found again
        del arrays[start:]
        return None


def _with_others(fit: FittedModel, path: Path) -> xr.DataTree:
    """Put the groups that were added to the draws, such as ``prior``, back."""
    import h5py  # noqa: PLC0415 - only where a file is read

    with h5py.File(path, "r") as file:
        names = [name for name in file if name not in ("winstan", *fit.draws.children)]
    if not names:
        return fit.draws
    import xarray as xr  # noqa: PLC0415 - half a second that `import winstan` should not pay

    with xr.open_datatree(path, engine="h5netcdf") as tree:
        for name in names:
            if name not in _MADE:
                fit.draws[name] = xr.DataTree(tree[name].to_dataset().load())
    return fit.draws
