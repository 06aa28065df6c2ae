#!/bin/sh
# mne 1.13.2: metadata of epochs, saved and read.
#
# One would guess that the columns come back as they were.
# Seen:  an ordered category comes back as text, so that the order of doses is lost; nullable whole
#        numbers with a missing value as floats; nullable booleans as objects.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python=$(command -v python3.13 || command -v python3)
"$python" -m venv "$folder/venv"
"$folder/venv/bin/pip" install -q mne==1.13.2 pandas==3.1.1
cd "$folder"
"$folder/venv/bin/python" -W ignore - <<'CODE'
import mne
import numpy as np
import pandas as pd

mne.set_log_level("ERROR")
dose = pd.Categorical(["low", "none", "high"], ["none", "low", "high"], ordered=True)
metadata = pd.DataFrame(
    {"dose": dose, "n": pd.array([1, None, 3], dtype="Int64"),
     "late": pd.array([True, None, False], dtype="boolean")}
)
epochs = mne.EpochsArray(np.zeros((3, 1, 10)), mne.create_info(["a"], 100.0, "eeg"), metadata=metadata)
epochs.save("a-epo.fif", overwrite=True)
read = mne.read_epochs("a-epo.fif").metadata
print(metadata.dtypes.to_dict(), read.dtypes.to_dict())
assert isinstance(metadata["dose"].dtype, pd.CategoricalDtype)
assert not isinstance(read["dose"].dtype, pd.CategoricalDtype)
assert read["n"].dtype == np.float64
assert read["late"].dtype == object
mended = pd.Categorical(read["dose"], ["none", "low", "high"], ordered=True)
assert mended.tolist() == dose.tolist()
CODE
