"""The programs of all templates in one folder that may be moved: what a wheel brings along."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path

from winstan.errors import BackendError
from winstan.toolchain.build import compiled, share_libraries
from winstan.toolchain.locate import bundled, processor_flags
from winstan.toolchain.packaged import FACTS, entry
from winstan.toolchain.templates import template_names, template_path


def export(folder: Path, *, progress: bool | None = None) -> list[Path]:
    """Write the programs of all packaged templates into a folder, compiling what is missing.

    They find their library beside them, wherever the folder is moved.

    Parameters
    ----------
    folder
        New, or of an earlier export, which goes.
    progress
        As in `build`.

    Returns
    -------
    list
        The programs.

    Raises
    ------
    BackendError
        If there is no compiler or no Stan, if a template does not compile, or if the folder holds
        something else.
    """
    if folder.exists() and not (folder / FACTS).is_file() and any(folder.iterdir()):
        raise BackendError(f"{str(folder)!r} holds something else: programs need their own folder.")
    tools = bundled()
    templates = [template_path(name) for name in template_names()]
    made = compiled(tools, templates, None, progress)
    libraries = share_libraries(tools)
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    programs = [
        Path(shutil.copy2(program, folder / entry(template)))
        for program, template in zip(made, templates, strict=True)
    ]
    shutil.copytree(libraries, folder / libraries.name)
    strip = shutil.which("strip")
    if strip is not None:
        for library in (folder / libraries.name).iterdir():
            subprocess.run([strip, "-x", library], check=True, capture_output=True)
    facts = {
        "stan": tools.stan,
        "compiler": Path(tools.compiler).name,
        "compiler_version": tools.compiler_version,
        "processor_flags": processor_flags(),
    }
    (folder / FACTS).write_text(json.dumps(facts, indent=1) + "\n", encoding="utf-8")
    return programs
