"""winstan: an R-style formula in, a posterior out.

>>> import winstan as ws
>>> trials = ws.simulate_lfp(seed=1)
>>> fit = ws.fit("Power ~ stim + (1|mouse)", trials, family="gamma")  # doctest: +SKIP
"""

from __future__ import annotations

import sys
from importlib import import_module
from types import ModuleType
from typing import TYPE_CHECKING, Any

from winstan._version import __version__
from winstan.errors import (
    AgreementError,
    BackendError,
    ConvergenceWarning,
    DataError,
    DesignWarning,
    FailureWarning,
    FamilyError,
    FitFileError,
    FormulaError,
    OptionError,
    PriorError,
    RefitWarning,
    WinstanError,
)
from winstan.priors import (
    LKJ,
    R2D2,
    Beta,
    Cauchy,
    Constant,
    Dirichlet,
    Exponential,
    Flat,
    Gamma,
    HalfCauchy,
    HalfNormal,
    HalfStudentT,
    Horseshoe,
    InverseGamma,
    Normal,
    StudentT,
)

if TYPE_CHECKING:
    from winstan.calibration import Calibration, calibrate
    from winstan.classical import LME, Anova, anova, lme
    from winstan.comparison import Agreement, ELPDComparison, Fits, agree, compare
    from winstan.comparison.bayes_factor import BayesFactor, bayes_factor
    from winstan.comparison.side_by_side import side_by_side
    from winstan.each import FitEach, fit_each
    from winstan.each.kept import load_fit_each
    from winstan.engines import scan
    from winstan.families import Family, register_family
    from winstan.families.categorical import categorical
    from winstan.fit_class import Fit
    from winstan.fitting import fit, load_fit
    from winstan.planning import StudyDesign, design, layout
    from winstan.plots import plot_data, theme_winstan
    from winstan.real_data import datasets, load
    from winstan.simulate import simulate_lfp, simulate_spikes
    from winstan.tables import table
    from winstan.toolchain import toolchain

# Loaded when first used, so that `import winstan` costs next to nothing.
_LAZY = {
    "Agreement": "winstan.comparison",
    "Anova": "winstan.classical",
    "BayesFactor": "winstan.comparison.bayes_factor",
    "Calibration": "winstan.calibration",
    "ELPDComparison": "winstan.comparison",
    "Family": "winstan.families",
    "Fit": "winstan.fit_class",
    "FitEach": "winstan.each",
    "Fits": "winstan.comparison",
    "LME": "winstan.classical",
    "StudyDesign": "winstan.planning",
    "agree": "winstan.comparison",
    "anova": "winstan.classical",
    "bayes_factor": "winstan.comparison.bayes_factor",
    "calibrate": "winstan.calibration",
    "categorical": "winstan.families.categorical",
    "compare": "winstan.comparison",
    "datasets": "winstan.real_data",
    "detection_limits": "winstan.data.detection",
    "fit": "winstan.fitting",
    "fit_each": "winstan.each",
    "layout": "winstan.planning",
    "lme": "winstan.classical",
    "load": "winstan.real_data",
    "load_fit": "winstan.fitting",
    "load_fit_each": "winstan.each.kept",
    "plot_data": "winstan.plots",
    "register_family": "winstan.families",
    "scan": "winstan.engines",
    "side_by_side": "winstan.comparison.side_by_side",
    "simulate_lfp": "winstan.simulate",
    "simulate_spikes": "winstan.simulate",
    "table": "winstan.tables",
    "theme_winstan": "winstan.plots",
}

__all__ = [
    "LKJ",
    "LME",
    "R2D2",
    "Agreement",
    "AgreementError",
    "Anova",
    "BackendError",
    "BayesFactor",
    "Beta",
    "Calibration",
    "Cauchy",
    "Constant",
    "ConvergenceWarning",
    "DataError",
    "DesignWarning",
    "Dirichlet",
    "ELPDComparison",
    "Exponential",
    "FailureWarning",
    "Family",
    "FamilyError",
    "Fit",
    "FitEach",
    "FitFileError",
    "Fits",
    "Flat",
    "FormulaError",
    "Gamma",
    "HalfCauchy",
    "HalfNormal",
    "HalfStudentT",
    "Horseshoe",
    "InverseGamma",
    "Normal",
    "OptionError",
    "PriorError",
    "RefitWarning",
    "StudentT",
    "StudyDesign",
    "WinstanError",
    "__version__",
    "agree",
    "anova",
    "bayes_factor",
    "calibrate",
    "categorical",
    "compare",
    "datasets",
    "design",
    "detection_limits",
    "fit",
    "fit_each",
    "layout",
    "lme",
    "load",
    "load_fit",
    "load_fit_each",
    "plot_data",
    "register_family",
    "scan",
    "side_by_side",
    "simulate_lfp",
    "simulate_spikes",
    "table",
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


class _Package(ModuleType):
    """`ws.design` and `ws.toolchain` are functions, and the packages of these names no attributes.

    The first import of a package sets it as an attribute of the one that it is in.
    """

    @property
    def design(self) -> Any:
        """Load `winstan.planning` when it is first used."""
        return import_module("winstan.planning").design

    @design.setter
    def design(self, package: ModuleType) -> None:
        """Leave the function in its place."""

    @property
    def toolchain(self) -> Any:
        """Load `winstan.toolchain` when it is first used."""
        return import_module("winstan.toolchain").toolchain

    @toolchain.setter
    def toolchain(self, package: ModuleType) -> None:
        """Leave the function in its place."""


sys.modules[__name__].__class__ = _Package
