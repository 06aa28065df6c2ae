"""The command line."""

from winstan.cli.main import main

__all__ = ["main"]
