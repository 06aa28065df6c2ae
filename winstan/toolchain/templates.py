"""The sources of programs: Stan templates, what they include, and winstan's own C++."""

from __future__ import annotations

import re
from importlib import resources
from pathlib import Path

from winstan.errors import BackendError, near_matches

_INCLUDE = re.compile(rb"^[ \t]*#include[ \t]+[<\"]?([^>\"\s]+)", re.MULTILINE)


def template_folder() -> Path:
    """Return the folder of the packaged templates: in the wheel, else beside a source checkout."""
    package = Path(str(resources.files("winstan")))
    installed = package / "stan"
    return installed if installed.is_dir() else package.parent / "stan"


def is_packaged(template: Path) -> bool:
    """Whether a template is winstan's own, whose programs read less (``light_model.hpp``)."""
    return template.parent.resolve() == template_folder().resolve()


def template_names() -> list[str]:
    """Return the names of the packaged templates."""
    return sorted(path.stem for path in template_folder().glob("*.stan"))


def template_path(name: str | Path) -> Path:
    """Return the path of a template.

    Parameters
    ----------
    name
        The name of a packaged template such as ``"gamma"``, or the path of any ``.stan`` file.

    Raises
    ------
    BackendError
        If there is no such template.
    """
    path = Path(name)
    if path.suffix == ".stan":
        if path.is_file():
            return path.resolve()
        raise BackendError(f"There is no Stan program at {str(path)!r}.")
    packaged = template_folder() / f"{name}.stan"
    if packaged.is_file():
        return packaged
    raise BackendError(
        f"There is no Stan template {str(name)!r}.{near_matches(str(name), template_names())}"
    )


def sources(template: Path) -> dict[str, bytes]:
    """Return the text of a template and of all that it includes, by path from its folder.

    stanc looks includes up from the template's folder, and then from that of winstan's own, also
    those inside an included file.
    """
    texts: dict[str, bytes] = {}
    wanted = [template.name]
    while wanted:
        name = wanted.pop()
        if name in texts:
            continue
        found = [folder / name for folder in include_folders(template)]
        file = next((path for path in found if path.is_file()), None)
        if file is None:
            raise BackendError(f"{template.name} includes {name!r}, which does not exist.")
        texts[name] = file.read_bytes()
        wanted += [found.decode() for found in _INCLUDE.findall(texts[name])]
    return dict(sorted(texts.items()))


def include_folders(template: Path) -> list[Path]:
    """Return the folders where what a template includes is looked up, in order."""
    return list(dict.fromkeys([template.parent, template_folder()]))


def driver_sources() -> list[Path]:
    """Return winstan's own C++, the file to compile first."""
    folder = Path(__file__).parent
    return [folder / "driver.cpp", *sorted(folder.glob("*.hpp"))]


def light_model() -> Path:
    """Return the header that a model's C++ is compiled with."""
    return Path(__file__).parent / "light_model.hpp"
