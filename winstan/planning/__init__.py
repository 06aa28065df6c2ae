"""Planning studies: what an analysis would find in data that are simulated from a known truth."""

from winstan.planning.designing import design
from winstan.planning.layouts import layout
from winstan.planning.result import StudyDesign

__all__ = ["StudyDesign", "design", "layout"]
