#!/bin/sh
# spikeinterface 0.105.3: quality metrics of units.
#
# One would guess a column of the unit's id, as a number.
# Seen:  the id is the index, and text; .reset_index() and .astype make it a column of numbers.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python=$(command -v python3.13 || command -v python3)
"$python" -m venv "$folder/venv"
"$folder/venv/bin/pip" install -q "spikeinterface==0.105.3" pandas==3.1.1
"$folder/venv/bin/python" -W ignore - <<'CODE'
from spikeinterface import create_sorting_analyzer, generate_ground_truth_recording

recording, sorting = generate_ground_truth_recording(durations=[5.0], num_units=3, seed=1)
analyzer = create_sorting_analyzer(sorting, recording, sparse=False)
analyzer.compute(["random_spikes", "noise_levels", "templates"])
analyzer.compute("quality_metrics", metric_names=["firing_rate", "num_spikes"])
table = analyzer.get_extension("quality_metrics").get_data()
print(table.index.tolist(), table.index.dtype, table.dtypes.to_dict())
assert "unit_id" not in table.columns
assert all(isinstance(unit, str) for unit in table.index)
units = table.rename_axis("unit").reset_index().astype({"unit": int})["unit"]
assert units.tolist() == [0, 1, 2]
CODE
