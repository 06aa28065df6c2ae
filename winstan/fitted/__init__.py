"""Fit: a model with its draws and their diagnostics, and the ways to look at them."""

from winstan.fitted.fit import Fit

__all__ = ["Fit"]
