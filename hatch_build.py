"""Puts compiled programs into the wheel, if there are any; the wheel is then one for this platform.

The environment variable ``WINSTAN_PROGRAMS`` names their folder, which ``winstan prepare --export``
writes (``make wheel`` does both). Without it the wheel is for every platform, and compiles.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface
from packaging.tags import platform_tags


class ProgramsHook(BuildHookInterface):
    """Adds the folder of programs, and the platform that they are for."""

    PLUGIN_NAME = "custom"

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Choose what goes into the wheel, and its tag."""
        named = os.environ.get("WINSTAN_PROGRAMS", "")
        if not named or version == "editable":
            self.app.display_info("winstan: no compiled programs; the wheel is for every platform")
            return
        folder = Path(self.root, named)
        if not (folder / "programs.json").is_file():
            raise FileNotFoundError(
                f"WINSTAN_PROGRAMS names {str(folder)!r}, which holds no programs:"
                f" `winstan prepare --export {named}` writes them."
            )
        build_data["force_include"][str(folder)] = "winstan/programs"
        build_data["pure_python"] = False
        tags = list(platform_tags())
        # "manylinux" asks for this C library or a newer one, plain "linux" for any
        narrowest = next(
            (tag for tag in tags if tag.startswith(("manylinux", "musllinux"))), tags[0]
        )
        build_data["tag"] = f"py3-none-{narrowest}"
