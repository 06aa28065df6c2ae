#!/bin/sh
# neo 0.14.6, elephant 1.2.1: units of times and rates on the way into a frame.
#
# One would guess that a frame keeps the unit, or refuses two units in one column; that a rate of
# spikes is in Hz; and that a spectrum has frequencies first, as the signal has time first.
# Seen:  a frame's column is plain numbers, whatever the unit was, so that seconds and milliseconds
#        stand one below the other; the mean rate is in 1/ms where the train's times are in ms;
#        welch_psd gives (channels, frequencies) of a signal of (time, channels).
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python=$(command -v python3.13 || command -v python3)
"$python" -m venv "$folder/venv"
"$folder/venv/bin/pip" install -q neo==0.14.6 elephant==1.2.1 pandas==3.1.1
"$folder/venv/bin/python" -W ignore - <<'CODE'
import numpy as np
import pandas as pd
import quantities as pq
from elephant.spectral import welch_psd
from elephant.statistics import mean_firing_rate
from neo import AnalogSignal, SpikeTrain

seconds = SpikeTrain([0.5, 1.5] * pq.s, t_stop=2 * pq.s)
milliseconds = SpikeTrain([500.0, 1500.0] * pq.ms, t_stop=2000 * pq.ms)
frame = pd.concat([pd.DataFrame({"time": np.asarray(t)}) for t in (seconds, milliseconds)])
direct = pd.DataFrame({"time": milliseconds})
print("times:", frame["time"].tolist(), "dtype:", direct["time"].dtype)
assert frame["time"].max() == 1500.0
assert milliseconds.rescale("s").magnitude.tolist() == [0.5, 1.5]
rates = [mean_firing_rate(t) for t in (seconds, milliseconds)]
print("rates:", rates)
assert np.isclose(float(rates[0].magnitude), 1.0)
assert np.isclose(float(rates[1].magnitude), 0.001)
assert np.isclose(float(rates[1].rescale("Hz").magnitude), 1.0)
signal = AnalogSignal(np.random.default_rng(1).normal(size=(4096, 3)) * pq.mV, sampling_rate=1 * pq.kHz)
frequencies, power = welch_psd(signal)
print("signal:", signal.shape, "spectrum:", power.shape, frequencies.shape)
assert power.shape == (3, len(frequencies))
CODE
