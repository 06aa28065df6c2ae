#!/bin/sh
# pynwb 4.2.0, hdmf 6.2.0: what a frame of NWB trials and units is.
#
# One would guess that a column of trials has the numbers that were given, that the trial's number is
# a column, and that a text that was left out is missing.
# Seen:  a column of 0, 0.25, 0.5 is written by the type of its first value: whole numbers, 0, 0, 0;
#        the trial's number is the index, `id`; a text left out is "", and None is refused; the order
#        of a text's levels is not there; spike times and electrodes are arrays and frames in cells.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python=$(command -v python3.13 || command -v python3)
"$python" -m venv "$folder/venv"
"$folder/venv/bin/pip" install -q pynwb==4.2.0 hdmf==6.2.0 pandas==3.1.1
cd "$folder"
"$folder/venv/bin/python" -W ignore - <<'CODE'
from datetime import UTC, datetime

import numpy as np
import pandas as pd
from pynwb import NWBHDF5IO, NWBFile


def nwb():
    return NWBFile("a session", "one", datetime(2026, 11, 1, tzinfo=UTC))


file = nwb()
file.add_trial_column("cue", "its side")
file.add_trial_column("dose", "mg, a whole number first")
file.add_trial_column("amount", "ml, as floats")
for start, cue, dose, amount in ((0.0, "right", 0, 0.0), (1.0, "", 0.25, 0.25), (2.0, "left", 0.5, 0.5)):
    file.add_trial(start_time=start, stop_time=start + 0.5, cue=cue, dose=dose, amount=amount)
device = file.create_device("probe")
group = file.create_electrode_group("shank", "one", location="CA1", device=device)
for _ in range(2):
    file.add_electrode(location="CA1", group=group)
file.add_unit(spike_times=[0.1, 0.2, 0.9], electrodes=[0, 1])
file.add_unit(spike_times=[0.3], electrodes=[1])
with NWBHDF5IO("a.nwb", "w") as io:
    io.write(file)
with NWBHDF5IO("a.nwb", "r") as io:
    read = io.read()
    trials, units = read.trials.to_dataframe(), read.units.to_dataframe()
    cell = units["electrodes"].iloc[0]
    kind = type(cell).__name__
    region = cell["location"].iloc[0] if isinstance(cell, pd.DataFrame) else None
    regions = units["electrodes"].map(lambda e: e["location"].iloc[0]).tolist()
    print(trials.dtypes.to_dict(), trials.index.name)
    print("dose:", trials["dose"].tolist(), "amount:", trials["amount"].tolist())
    print("cue:", trials["cue"].tolist())
    print("a cell of electrodes:", kind, region, "of spikes:", units["spike_times"].iloc[0])
assert trials.index.name == "id"
assert "id" in trials.reset_index()
assert trials["start_time"].dtype == np.float64
assert trials["dose"].tolist() == [0, 0, 0]
assert trials["amount"].tolist() == [0.0, 0.25, 0.5]
assert trials["cue"].tolist() == ["right", "", "left"]
assert trials["cue"].replace("", None).isna().sum() == 1
assert kind == "DataFrame" and region == "CA1"
assert regions == ["CA1", "CA1"]
assert len(units["spike_times"].iloc[0]) == 3
refused = nwb()
refused.add_trial_column("cue", "its side")
refused.add_trial(start_time=0.0, stop_time=0.5, cue="left")
try:
    refused.add_trial(start_time=1.0, stop_time=1.5, cue=None)
    with NWBHDF5IO("b.nwb", "w") as io:
        io.write(refused)
except (TypeError, ValueError) as error:
    print("None:", type(error).__name__)
else:
    raise AssertionError("None is written")
CODE
