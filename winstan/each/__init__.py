"""The same model fitted to every group of rows, in parallel, with one tidy table of all."""

from winstan.each.fitting import fit_each
from winstan.each.result import FitEach

__all__ = ["FitEach", "fit_each"]
