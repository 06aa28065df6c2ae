"""The guards that need the whole model: run once, before sampling."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from winstan.data.tables import column_names, open_table, take_columns
from winstan.design_warnings import is_silent, warn_design
from winstan.guards.angles import check_angles
from winstan.guards.confounding import check_confounding
from winstan.guards.directions import check_directions
from winstan.guards.dispersion import check_dispersion
from winstan.guards.exposures import check_exposure
from winstan.guards.group_spread import group_spread
from winstan.guards.heap import heaped
from winstan.guards.missing_codes import check_missing_code
from winstan.guards.repeats import repeated_responses
from winstan.guards.scores import check_scores
from winstan.guards.serial import serial_correlation
from winstan.guards.shares import check_shares
from winstan.guards.skew import check_skew, is_logarithm
from winstan.guards.slopes import missing_slopes
from winstan.guards.spread import unequal_spread
from winstan.guards.thresholds import with_terms_of_thresholds
from winstan.guards.unidentified import check_identification
from winstan.guards.zeros import check_zeros

if TYPE_CHECKING:
    from collections.abc import Callable

    from winstan.data import Frame
    from winstan.design import Design
    from winstan.formula import Formula
    from winstan.model import Model


# A limit is no value, and has no residual; nor have errors that are known one spread.
_OF_RESIDUALS = frozenset({"skew", "unequal_spread", "group_spread", "scores", "shares", "angles"})


# What differs between groups is then these in another guise.
_BEFORE_GROUPS = frozenset(
    {
        *("random_slopes", "pseudoreplication", "skew", "heap", "unequal_spread"),
        *("serial_correlation", "scores", "shares", "angles", "missing_code"),
    }
)
# Of what rows hold, one by one; the others are of the design.
OF_ROWS = frozenset(
    {
        "pseudoreplication",
        "skew",
        "missing_code",
        "raw_exposure",
        "heap",
        "unequal_spread",
        "group_spread",
        "serial_correlation",
        "overdispersion",
        "excess_zeros",
        "scores",
        "shares",
        "angles",
        "unreached_direction",
    }
)
# Rows of a sample follow each other by chance.
OF_SAMPLES = OF_ROWS - {"serial_correlation"}
OF_DESIGN = frozenset({"confounding", "random_slopes", "unidentified"})


def check_model(
    model: Model,
    frame: Frame,
    data: Any,
    *,
    which: frozenset[str] = OF_ROWS | OF_DESIGN,
    of: str = "",
) -> None:
    """Warn of what the model does not know of the data.

    Parameters
    ----------
    model
        As it will be sampled.
    frame
        Its rows.
    data
        The user's own, of whose other columns pseudo-replication can tell.
    which
        The guards that are asked.
    of
        What messages begin with, where the rows are a sample.

    Warns
    -----
    DesignWarning
        ``random_slopes``, ``pseudoreplication``, ``confounding``, ``skew``,
        ``missing_code``, ``raw_exposure``, ``heap``, ``unequal_spread``, ``group_spread``,
        ``serial_correlation``, ``overdispersion``,
        ``excess_zeros``, ``scores``, ``shares``, ``angles`` and ``unreached_direction``, each once
        at most; ``unidentified``, once for each term and kind.
    """
    formula, design = without_latent(*with_terms_of_thresholds(model))

    def spread_of_groups() -> str | None:
        found = None if told & _BEFORE_GROUPS else group_spread(model, design)
        if found is None:
            return None
        # Those that were silenced explain it as well, and what was asked of the design elsewhere.
        unasked = {name for name in which if is_silent(name)} | (OF_DESIGN - which)
        others = _BEFORE_GROUPS & unasked & guards.keys()
        return found if all(guards[name]() is None for name in others) else None

    guards = {
        "pseudoreplication": lambda: _repeats(model, frame, data),
        "confounding": lambda: check_confounding(formula, design),
        "random_slopes": lambda: missing_slopes(formula, design, binary=_is_binary(model)),
        "skew": lambda: _skew(model, frame, data),
        "missing_code": lambda: check_missing_code(model),
        # A code at an end is no limit.
        "heap": lambda: None if "missing_code" in told else heaped(model),
        "unequal_spread": lambda: unequal_spread(model),
        "serial_correlation": lambda: serial_correlation(model, *_columns(frame, data)),
        "raw_exposure": lambda: check_exposure(model),
        # What a wrong offset leaves is no spread of the counts.
        "overdispersion": lambda: None if "raw_exposure" in told else check_dispersion(model),
        "excess_zeros": lambda: check_zeros(model),
        "scores": lambda: check_scores(model),
        "shares": lambda: check_shares(model),
        "angles": lambda: check_angles(model),
        "unreached_direction": lambda: check_directions(model),
        "group_spread": spread_of_groups,
    }
    told: set[str] = set()
    if (limits := model.design.response.limits) is not None:
        unfit = _OF_RESIDUALS if limits.status is None else _OF_RESIDUALS | {"pseudoreplication"}
        guards = {name: guard for name, guard in guards.items() if name not in unfit}
    for name, guard in guards.items():
        if name in which and not is_silent(name) and (message := guard()) is not None:
            warn_design(of + message, name)
            told.add(name)
    if "unidentified" in which and not is_silent("unidentified"):
        for message in check_identification(model, binary=_is_binary(model)):
            warn_design(of + message, "unidentified")


def without_latent(formula: Formula, design: Design) -> tuple[Formula, Design]:
    """Leave out effects of single rows, of whose slopes and partners there is nothing to say."""
    kept = [m for m, group in enumerate(design.groups) if not group.latent]
    if len(kept) == len(design.groups):
        return formula, design
    memory = replace(
        design.memory,
        groups=tuple(design.memory.groups[m] for m in kept),
        factors=tuple(design.memory.factors[m] for m in kept),
    )
    return (
        replace(formula, groups=tuple(formula.groups[m] for m in kept)),
        replace(design, groups=tuple(design.groups[m] for m in kept), memory=memory),
    )


def _is_binary(model: Model) -> bool:
    """Whether each row is one trial."""
    trials = model.design.response.trials
    return model.family.kind == "binary" or (trials is not None and bool(np.all(trials == 1)))


def _skew(model: Model, frame: Frame, data: Any) -> str | None:
    message = check_skew(model)
    if message is None or check_shares(model) or check_angles(model):  # whose remedy is another
        return None
    names, read = _columns(frame, data)
    return None if is_logarithm(model.design.response.y, map(read, names)) else message


def _repeats(model: Model, frame: Frame, data: Any) -> str | None:
    names, read = _columns(frame, data)
    return repeated_responses(model, [n for n in names if n not in frame.data], read)


def _columns(frame: Frame, data: Any) -> tuple[list[str], Callable[[str], Any]]:
    """Return the names of the user's columns, and what reads the rows in use of one."""
    table = open_table(data)
    names = column_names(table)

    def read(name: str) -> Any:
        values = take_columns(table, [name])[name].to_pandas().array
        return values if len(frame.place) == frame.n_rows else values[frame.place]

    return [n for n in names if names.count(n) == 1], read
