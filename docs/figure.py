"""Draw the figure of the README: ``make figure``."""

from pathlib import Path

import winstan as ws

trials = ws.simulate_lfp(n_mice=8, n_trials=30, slope=15, seed=5)
fit = ws.fit(
    "Power ~ stim + (1|mouse)", trials, family="gamma", seed=1, silence="all", progress=False
)
figure = fit.plot_difference("stim", unit="Hz") | fit.plot_intercepts(
    "mouse", treatment="stim", unit="Hz"
)
figure.save(Path(__file__).with_name("lfp.png"), dpi=150, verbose=False)
