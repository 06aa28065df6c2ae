"""Terms whose names hold a slash or a comma: in every engine, every program, under every name."""

from __future__ import annotations

import numpy as np
import pandas as pd

QUICK = {"draws": 60, "warmup": 60, "chains": 2, "seed": 1, "silence": "all", "progress": False}
FORMULAS = {
    "slash": "y ~ I(x/10) + (I(x/10)||g)",
    "slash of a vector": "y ~ poly(x/10, 2) + (1|`mouse/day`)",
    "comma": "y ~ poly(x, 2) + (1|g)",
    "commas and quotes": "y ~ C(h, Treatment('v')) + (C(h, Treatment('v'))||g)",
    "interaction": "y ~ I(x/10):h + (1|`a,b`)",
    "columns": "`y/s` ~ `x/s` + (1|`mouse/day`)",
}


def frame():
    rng = np.random.default_rng(1)
    data = pd.DataFrame({"x": rng.normal(size=60), "g": np.repeat(list("abcdef"), 10)})
    data["h"] = np.tile(list("uvw"), 20)
    data["y"] = data["x"] + rng.normal(size=60)
    data["mouse/day"] = data["a,b"] = data["g"]
    return data.assign(**{"y/s": data["y"], "x/s": data["x"]})


def samplers():
    from importlib.util import find_spec

    return [s for s in ("pymc", "nutpie", "numpyro", "blackjax") if s == "pymc" or find_spec(s)]
