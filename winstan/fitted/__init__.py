"""A model with its draws and their verdict, and what can be asked of it."""

from winstan.fitted.fitted_model import FittedModel

__all__ = ["FittedModel"]
