"""Frame: the data that a formula uses, complete and of known types."""

from winstan.data.frame import Frame, frame_from

__all__ = ["Frame", "frame_from"]
