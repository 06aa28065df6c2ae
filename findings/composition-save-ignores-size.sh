#!/usr/bin/env bash
# plotnine 0.15.9: Compose.save() takes width= and height=, and ignores them.
#
# plot.save(width=10, height=4, dpi=50) writes an image of 500 x 200 pixels. One would guess the
# same of (a | b).save(width=10, height=4, dpi=50), whose signature takes the words. The image has
# the size of the last plot's theme, without an error or a warning.
#
# Seen:
#   plotnine 0.15.9
#   single (500, 200)
#   a | b (320, 240)
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
"$(command -v python3.13 || command -v python3)" -m venv "$folder/venv"
"$folder/venv/bin/pip" install -q plotnine==0.15.9
cat > "$folder/case.py" <<'CASE'
from importlib.metadata import version
from io import BytesIO

from PIL import Image
from plotnine import ggplot

print("plotnine", version("plotnine"))


def size(figure):
    out = BytesIO()
    figure.save(out, format="png", width=10, height=4, dpi=50, verbose=False)
    return Image.open(out).size


single, composed = size(ggplot()), size(ggplot() | ggplot())
print("single", single)
print("a | b", composed)
assert single == (500, 200)
assert composed != (500, 200), "the size asked for: this has changed"
CASE
MPLBACKEND=agg "$folder/venv/bin/python" "$folder/case.py"
