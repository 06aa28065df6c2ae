"""Animals with several trials under each condition, for the tests of analysis of variance."""

from itertools import product

import numpy as np
import pandas as pd


def paired(seed=6, n=9, levels=3, conditions=2, trials=4):
    rng = np.random.default_rng(seed)
    rows = []
    for m in range(n):
        base, own = rng.normal(50, 10), rng.normal(0, 3, (levels, conditions))
        for i, j, _ in product(range(levels), range(conditions), range(trials)):
            value = base + 4 * i + own[i, j] + rng.normal(0, 2)
            rows.append({"mouse": f"m{m}", "stim": f"s{i}", "my cond": j, "y": value})
    return pd.DataFrame(rows)
