"""Programs that the wheel brought along, compiled where it was made.

They stand under their content: the text of the template and of winstan's own C++, and the flags. A
template that somebody has edited, or of another version, is thus never answered by a stale program.
What compiled them is no part of it. Vector instructions that they use are noted beside them, and a
processor without these compiles its own. Nothing is ever written beside them.
"""

from __future__ import annotations

import functools
import json
import platform
import subprocess
from pathlib import Path
from typing import Any

from winstan.toolchain import locate
from winstan.toolchain.cache import digest
from winstan.toolchain.locate import Toolchain, cache_folder, cmdstan_asked_for, compiling
from winstan.toolchain.templates import (
    driver_sources,
    is_packaged,
    sources,
    template_names,
    template_path,
)

FOLDER = Path(__file__).parents[1] / "programs"
"""Where the wheel has them; a source checkout has none."""
FACTS = "programs.json"


def toolchain() -> Toolchain:
    """Return the toolchain in use.

    The programs that the wheel brought, if it brought any and they run here. Otherwise what
    compiles them. The environment variable ``WINSTAN_CMDSTAN`` chooses: the folder of a CmdStan,
    or ``bundled`` for the Stan of the httpstan package. Without it, a CmdStan that cmdstanpy finds
    compiles, if it is recent enough.

    Raises
    ------
    BackendError
        If there are no such programs and no C++ compiler or no Stan, or if the CmdStan asked for
        is missing or too old.

    Examples
    --------
    >>> import winstan as ws
    >>> version = ws.toolchain().stan
    """
    brought = template_names() if (FOLDER / FACTS).is_file() else []
    if any(find(template_path(name)) is not None for name in brought):
        return _of_wheel()
    return compiling()


def find(template: Path) -> Path | None:
    """Return the program of a template that the wheel brought, if it did and the program runs.

    There is none for a CmdStan that was asked for.
    """
    if not (FOLDER / FACTS).is_file() or cmdstan_asked_for() is not None:
        return None
    program = FOLDER / entry(template)
    found = program.is_file() and not _lacking() and _complaint(program) is None
    return program if found else None


def why_not(template: Path) -> str:
    """Return a sentence that says why `find` has nothing, and what would mend it."""
    if not (FOLDER / FACTS).is_file():
        return "Or install a wheel with compiled programs (`make wheel`), which needs none."
    program = FOLDER / entry(template)
    if not program.is_file():
        return f"The installed wheel has no program of this text of {template.name}."
    if _lacking():
        return f"The wheel's programs need a processor for {' '.join(_lacking())}."
    return f"The wheel's program {str(program)!r} does not run here: {_complaint(program)}."


def entry(template: Path) -> str:
    """Return the name of a template's program in the wheel.

    Raises
    ------
    BackendError
        If the template includes what does not exist.
    """
    key = digest(
        str(is_packaged(template)), platform.system(), platform.machine(),
        *locate.flags(), "|", *locate.STANC_FLAGS,
        *(path.read_bytes() for path in driver_sources()),
        *(part for item in sources(template).items() for part in item),
    )  # fmt: skip
    return f"{template.stem}-{key}"


def _facts() -> dict[str, Any]:
    facts: dict[str, Any] = json.loads((FOLDER / FACTS).read_text(encoding="utf-8"))
    return facts


def _lacking() -> list[str]:
    """Return the vector instructions of the programs that this processor lacks, as flags."""
    return sorted(set(_facts()["processor_flags"]) - set(locate.processor_flags()))


def _of_wheel() -> Toolchain:
    facts = _facts()
    return Toolchain(
        kind="wheel",
        path=FOLDER,
        stan=facts["stan"],
        compiler=facts["compiler"],
        compiler_version=facts["compiler_version"],
        flags=locate.flags(*facts["processor_flags"]),
        stanc_flags=locate.STANC_FLAGS,
        cache=cache_folder(),
    )


@functools.cache
def _complaint(program: Path) -> str | None:
    """Return why a program does not run here (an older C library, a lost permission), if so."""
    try:
        told = subprocess.run(
            [program, "info"], capture_output=True, text=True, errors="replace", check=False
        )
    except OSError as problem:
        return str(problem.strerror)
    return None if told.returncode == 0 else told.stderr.strip() or f"exit code {told.returncode}"
