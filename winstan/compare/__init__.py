"""Agreement: fits of one question, by different backends, held against each other."""

from winstan.compare.agreement import Agreement, agree
from winstan.compare.fits import Fits

__all__ = ["Agreement", "Fits", "agree"]
