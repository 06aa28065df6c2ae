"""Frame: the data that a formula uses, complete and of known types."""

from winstan.data.frame import Frame, design_warning, frame_from

__all__ = ["Frame", "design_warning", "frame_from"]
