"""Fits held against each other: of one question by several backends, or by what they predict."""

from winstan.comparison.agreeing import agree
from winstan.comparison.agreement import Agreement
from winstan.comparison.fits import Fits
from winstan.comparison.predictive import ELPDComparison, compare

__all__ = ["Agreement", "ELPDComparison", "Fits", "agree", "compare"]
