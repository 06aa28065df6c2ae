"""Simulation-based calibration: whether the posteriors of simulated data hold what they say."""

from winstan.calibration.calibrating import calibrate
from winstan.calibration.result import Calibration

__all__ = ["Calibration", "calibrate"]
