"""Agreement: fits of one question, by different engines, held against each other."""

from winstan.compare.agreement import Agreement, agree

__all__ = ["Agreement", "agree"]
