"""How a PyMC program writes stopping ratios: by the logarithms of stopping and of going on."""

from __future__ import annotations

from winstan.families.distribution import Distribution

_AT = "at = threshold - eta[:, None]"
_STOPS = {
    "logit": (
        _AT,
        "log_stop = pm.logcdf(pm.Logistic.dist(), at)",
        "log_go_on = pm.logcdf(pm.Logistic.dist(), -at)",
    ),
    "probit": (
        _AT,
        "log_stop = pm.logcdf(pm.Normal.dist(), at)",
        "log_go_on = pm.logcdf(pm.Normal.dist(), -at)",
    ),
    "cloglog": (
        _AT,
        "log_go_on = -pm.math.exp(at)",
        "log_stop = pm.math.log1mexp(log_go_on)",
    ),
}
_GATHERED = (
    "none = pm.math.zeros_like(at[:, :1])",
    "reached = pm.math.concatenate([none, pm.math.cumsum(log_go_on, axis=1)], axis=1)",
    "log_p = reached + pm.math.concatenate([log_stop, none], axis=1)",
)

STOPPING = Distribution(
    name="Categorical",
    arguments="logit_p=log_p",
    by_link=dict.fromkeys(_STOPS, ("Categorical", "logit_p=log_p")),
    before={link: (*lines, *_GATHERED) for link, lines in _STOPS.items()},
)
