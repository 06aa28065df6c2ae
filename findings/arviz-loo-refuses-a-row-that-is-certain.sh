#!/bin/sh
# arviz-stats 1.3: leave-one-out of a row that is as probable under every draw.
#
# One would guess that a row whose density no draw changes, such as a censored response far beyond
# all others, is left out without a trace: its elpd is its log density, 0 where it is certain.
# Seen:  "ValueError: All tail values are the same", of that row and so of all of them.
#        R's loo 2.5 warns, and gives that row the elpd 0 and a Pareto k of infinity.
set -eu
python - <<'CODE'
import arviz as az
import numpy as np

rng = np.random.default_rng(0)
density = rng.normal(-1.0, 0.1, (4, 500, 3))
draws = {"mu": rng.normal(size=(4, 500))}
tree = az.from_dict({"posterior": draws, "log_likelihood": {"y": density}})
print("rows that vary:", round(float(az.loo(tree).elpd), 2))
density[..., 2] = 0.0
tree = az.from_dict({"posterior": draws, "log_likelihood": {"y": density}})
try:
    print("one that is certain:", az.loo(tree))
except ValueError as error:
    print("one that is certain: ValueError:", error)
else:
    raise SystemExit("it works now")
CODE
