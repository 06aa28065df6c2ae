"""Draw the figures of the README and of the gallery: ``make figure``.

The gallery's page is the only source. A block of it that leaves a ``figure`` is followed by
the image that this script makes of it.
"""

from __future__ import annotations

import io
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

from PIL import Image

import winstan as ws

if TYPE_CHECKING:
    from collections.abc import Iterator

FOLDER = Path(__file__).resolve().parent
GALLERY = FOLDER / "gallery.md"
STEP = re.compile(r"```python\n(.*?)```(?:\s*!\[[^\]]*\]\(([^)]+)\))?", re.DOTALL)
"""A block of code, and the image after it."""


def gallery_figures(page: Path = GALLERY) -> Iterator[tuple[str, Any]]:
    """Run the page's code from top to bottom, and give each image's name and its figure."""
    space: dict[str, Any] = {}
    for code, image in STEP.findall(page.read_text(encoding="utf-8")):
        space.pop("figure", None)
        exec(compile(code, page.name, "exec"), space)
        if image:
            yield image, space["figure"]


def readme_figure() -> Any:
    """Return the figure at the top of the README."""
    trials = ws.simulate_lfp(n_mice=8, n_trials=30, slope=15, seed=5)
    fit = ws.fit("Power ~ stim + (1|mouse)", trials, family="gamma", seed=1, silence="all")
    return fit.plot_difference("stim", unit="Hz") | fit.plot_intercepts(
        "mouse", treatment="stim", unit="Hz"
    )


def write_small(figure: Any, path: Path) -> None:
    """Write a figure with a palette, a third of its size."""
    drawn = io.BytesIO()
    figure.save(drawn, format="png", dpi=150, verbose=False)
    path.parent.mkdir(exist_ok=True)
    image = Image.open(drawn).convert("RGB").quantize(128, dither=Image.Dither.NONE)
    image.save(path, "PNG", optimize=True)


if __name__ == "__main__":
    write_small(readme_figure(), FOLDER / "lfp.png")
    for name, drawing in gallery_figures():
        write_small(drawing, FOLDER / name)
        print(name)
