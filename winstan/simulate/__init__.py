"""Simulated recordings with a known truth."""

from winstan.simulate.lfp import simulate_lfp
from winstan.simulate.spikes import simulate_spikes

__all__ = ["simulate_lfp", "simulate_spikes"]
