"""Draw the figure of the README: ``make figure``."""

from pathlib import Path

from plotnine import theme

import winstan as ws

trials = ws.simulate_lfp(n_mice=8, n_trials=30, slope=15, seed=5)
fit = ws.fit("Power ~ stim + (1|mouse)", trials, family="gamma", seed=1, progress=False)
difference = fit.plot_difference("stim", unit="Hz") + theme(figure_size=(4.2, 2.6))
intercepts = fit.plot_intercepts("mouse", treatment="stim") + theme(figure_size=(9.0, 3.4))
(difference | intercepts).save(Path(__file__).with_name("lfp.png"), dpi=150, verbose=False)
