"""The gallery's code draws its figures, and each is there."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import pytest

DOCS = Path(__file__).resolve().parents[2] / "docs"


@pytest.fixture(scope="module")
def script():
    """The script that draws the figures, which is in no package."""
    spec = importlib.util.spec_from_file_location("draw_figures", DOCS / "figure.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_every_image_is_made_by_the_code_above_it(script):
    text = script.GALLERY.read_text(encoding="utf-8")
    images = [image for _, image in script.STEP.findall(text) if image]
    assert text.count("](gallery/") == len(images) == len(set(images)) > 10
    for image in images:
        assert (DOCS / image).stat().st_size < 150_000


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::winstan.DesignWarning")  # figures of the fits all the same
def test_the_figures_are_drawn(script, tmp_path):
    for image, figure in script.gallery_figures():
        figure.save(tmp_path / Path(image).name, dpi=40, verbose=False)
