"""winstan: an R-style formula in, a posterior out.

>>> import winstan as ws
>>> trials = ws.simulate_lfp(seed=1)
>>> fit = ws.fit("Power ~ stim + (1|mouse)", trials, family="gamma")  # doctest: +SKIP
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from winstan._version import __version__
from winstan.errors import (
    AgreementError,
    BackendError,
    ConvergenceWarning,
    DataError,
    DesignWarning,
    FamilyError,
    FormulaError,
    OptionError,
    PriorError,
    WinstanError,
)
from winstan.priors import (
    LKJ,
    Cauchy,
    Exponential,
    Flat,
    Gamma,
    HalfCauchy,
    HalfNormal,
    HalfStudentT,
    InverseGamma,
    Normal,
    StudentT,
)

# Not lazy: the first import of the package of this name would put the module in its place.
from winstan.toolchain import toolchain

if TYPE_CHECKING:
    from winstan.compare import Agreement, Fits, agree
    from winstan.fitted import Fit
    from winstan.fitting import fit
    from winstan.plots import theme_winstan
    from winstan.simulate import simulate_lfp

# Loaded when first used, so that `import winstan` costs next to nothing.
_LAZY = {
    "Agreement": "winstan.compare",
    "Fit": "winstan.fitted",
    "Fits": "winstan.compare",
    "agree": "winstan.compare",
    "fit": "winstan.fitting",
    "simulate_lfp": "winstan.simulate",
    "theme_winstan": "winstan.plots",
}

__all__ = [
    "LKJ",
    "Agreement",
    "AgreementError",
    "BackendError",
    "Cauchy",
    "ConvergenceWarning",
    "DataError",
    "DesignWarning",
    "Exponential",
    "FamilyError",
    "Fit",
    "Fits",
    "Flat",
    "FormulaError",
    "Gamma",
    "HalfCauchy",
    "HalfNormal",
    "HalfStudentT",
    "InverseGamma",
    "Normal",
    "OptionError",
    "PriorError",
    "StudentT",
    "WinstanError",
    "__version__",
    "agree",
    "fit",
    "simulate_lfp",
    "theme_winstan",
    "toolchain",
]


def __getattr__(name: str) -> Any:
    """Import a lazy name on first use (PEP 562)."""
    if name not in _LAZY:
        raise AttributeError(f"module 'winstan' has no attribute {name!r}")
    value = getattr(import_module(_LAZY[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)
