"""What columns are called: the words for trials, and for units that are recorded several times."""

from __future__ import annotations

import re

TRIAL = frozenset({"trial", "trials", "sweep", "sweeps", "epoch", "epochs", "repetition"})
UNIT = TRIAL | {
    *("animal", "mouse", "mice", "rat", "subject", "participant", "patient", "person", "litter"),
    *("neuron", "cell", "unit", "roi", "electrode", "channel", "tetrode", "slice", "well"),
    *("id", "session", "cage", "plate", "replicate"),
}


def words_of(name: str) -> set[str]:
    """Split a column's name into words: ``i_trial``, ``mouseID``, ``Trial 2``."""
    parts = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", name)
    return {word.casefold() for word in re.split(r"[\W\d_]+", parts) if word}


def noun(name: str) -> str:
    """Return what the values of a column of units are called."""
    return "trials" if words_of(name) & TRIAL else "units"
