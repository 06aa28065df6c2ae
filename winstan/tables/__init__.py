"""Tables for publication, of tidy tables only, by great-tables."""

from winstan.tables.publication import table

__all__ = ["table"]
