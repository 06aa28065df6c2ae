"""The sources of programs: Stan templates, what they include, and winstan's own C++."""

from __future__ import annotations

import os
import re
from importlib import resources
from pathlib import Path

from winstan.errors import BackendError, near_matches
from winstan.toolchain.cache import digest, explained
from winstan.toolchain.locate import cache_folder

_LATENT, _FOLDER_OF_LATENT = "_latent", "latent-"
_OF_LATENT = {
    "matrices": ("correlation",),
    "data": ("correlation_data", "latent_data"),
    "transformed_data": ("latent_transformed_data",),
    "model": ("latent",),
}
_INCLUDE = re.compile(rb"^[ \t]*#include[ \t]+[<\"]?([^>\"\s]+)", re.MULTILINE)


def template_folder() -> Path:
    """Return the folder of the packaged templates: in the wheel, else beside a source checkout."""
    package = Path(str(resources.files("winstan")))
    installed = package / "stan"
    return installed if installed.is_dir() else package.parent / "stan"


def is_packaged(template: Path) -> bool:
    """Whether a template is winstan's own, whose programs read less (``light_model.hpp``)."""
    folder = template.parent.resolve()
    written = folder.parent == cache_folder().resolve()
    return folder == template_folder().resolve() or (
        written and folder.name.startswith(_FOLDER_OF_LATENT)
    )


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
    if str(name).endswith(_LATENT):
        return _latent_template(str(name).removesuffix(_LATENT))
    raise BackendError(
        f"There is no Stan template {str(name)!r}.{near_matches(str(name), template_names())}"
    )


def _latent_template(name: str) -> Path:
    """Write a template with effects of single rows that are correlated, and return its path.

    They are of the linear predictor, and so of any likelihood: what the template includes is
    followed by more. Templates that serve no such model thus stay as they are.

    Raises
    ------
    BackendError
        If there is no such template, or it is a user's own.
    """
    if not (template_folder() / f"{name}.stan").is_file():
        raise BackendError(
            f"Effects of single rows that are correlated are for winstan's own families: {name!r} "
            "is another template. A group term, (1 | unit), works with it."
        )
    text = (template_folder() / f"{name}.stan").read_bytes()
    for part, more in _OF_LATENT.items():
        line = f"#include include/{part}.stan\n".encode()
        text = text.replace(
            line, line + b"".join(f"#include include/{m}.stan\n".encode() for m in more)
        )
    folder = cache_folder() / f"{_FOLDER_OF_LATENT}{digest(text)}"
    path = folder / f"{name}{_LATENT}.stan"
    if not path.is_file():
        with explained(cache_folder()):
            folder.mkdir(parents=True, exist_ok=True)
            fresh = folder / f"{path.name}.{os.getpid()}"
            fresh.write_bytes(text)
            fresh.replace(path)
    return path


def functions_headers(template: Path) -> list[Path]:
    """Return the C++ headers of functions that a template, and what it includes, only declare.

    They lie beside the includes: those of ``include/priors.stan`` in ``include/priors.hpp``, those
    of the template itself in ``include/NAME.hpp``.
    """
    wanted = [f"include/{template.stem}", *(name.removesuffix(".stan") for name in _read(template))]
    places = [
        next(
            (
                path
                for folder in include_folders(template)
                if (path := folder / f"{name}.hpp").is_file()
            ),
            None,
        )
        for name in dict.fromkeys(wanted)
    ]
    return [place for place in places if place is not None]


def sources(template: Path) -> dict[str, bytes]:
    """Return the text of a template and of all that it needs, by path from its folder.

    Beside what it includes these are the headers of `functions_headers`.

    stanc looks includes up from the template's folder, and then from that of winstan's own, also
    those inside an included file.
    """
    headers = {f"include/{path.name}": path.read_bytes() for path in functions_headers(template)}
    return dict(sorted((_read(template) | headers).items()))


def _read(template: Path) -> dict[str, bytes]:
    """Return the text of a template and of all that it includes, by path from its folder."""
    texts: dict[str, bytes] = {}
    wanted, folders = [template.name], include_folders(template)
    while wanted:
        name = wanted.pop()
        if name in texts:
            continue
        file = next((path for folder in folders if (path := folder / name).is_file()), None)
        if file is None:
            raise BackendError(f"{template.name} includes {name!r}, which does not exist.")
        texts[name] = file.read_bytes()
        wanted += [found.decode() for found in _INCLUDE.findall(texts[name])]
    return texts


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
