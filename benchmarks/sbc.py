"""Simulation-based calibration of every family and structure: `python -m benchmarks.sbc`.

Each case is a small design, priors that are stated, and fits of data simulated from them
(`winstan.calibrate`). A row of the table that it writes has the fits, the failures, the
divergences, the fits that did not converge and the smallest p-value, of the ranks of all
parameters, contrasts and the log likelihood.
"""

from __future__ import annotations

import argparse
import warnings
from dataclasses import dataclass, field
from fnmatch import fnmatch
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

import winstan as ws
from benchmarks.family_designs import TRIALS, responses
from winstan.families import FAMILIES

if TYPE_CHECKING:
    from collections.abc import Iterator

    from winstan.calibration import Calibration
    from winstan.families import Family
    from winstan.priors import Prior

GROUPS, ITEMS, ROWS = 8, 6, 48
"""Levels of the group factors, which cross, and rows."""
STRUCTURES = {
    "none": "x",
    "(1|g)": "x + (1|g)",
    "(x|g)": "x + (x|g)",
    "crossed": "x + (1|g) + (1|h)",
}
"""Right sides of the formula."""
PRIORS: dict[str, Prior] = {
    "b": ws.Normal(0, 0.5),
    "sd": ws.HalfNormal(0.5),
    "corr": ws.LKJ(2),
}
"""Of the mean's coefficients and group terms; of the others see `priors_of`."""
OWN: dict[str, dict[str, Prior]] = {
    "nu": {"nu": ws.Gamma(2, 0.1)},
    "phi": {"phi": ws.Gamma(4, 0.4)},
    "kappa": {"kappa": ws.Gamma(4, 1)},
    "shape": {"shape": ws.Gamma(4, 2)},
}
"""Priors of some families' numbers; the defaults are proper too."""


@dataclass(frozen=True)
class Case:
    """What is calibrated.

    Attributes
    ----------
    name : str
    formula : str
    family : str
    structure : str
    options : dict
        Of `winstan.calibrate`.
    extra : dict
        Columns beside ``x``, ``g``, ``h`` and ``y``.
    """

    name: str
    formula: str
    family: str
    structure: str
    options: dict[str, Any] = field(default_factory=dict)
    extra: dict[str, Any] = field(default_factory=dict)

    def data(self) -> pd.DataFrame:
        """Return the design, with a response that sets the scale of what has no prior here."""
        rng = np.random.default_rng(3)
        table = pd.DataFrame(
            {
                "x": np.tile([0.0, 1.0], ROWS // 2),
                "g": np.repeat(np.arange(GROUPS), ROWS // GROUPS),
                "h": np.tile(np.arange(ITEMS), ROWS // ITEMS),
                "z": rng.normal(0, 1, ROWS),
                "dose": np.tile([0, 1, 2, 3], ROWS // 4),
                "error": rng.uniform(0.3, 0.9, ROWS),
            }
        )
        drawn = responses(self.family, rows=ROWS).sample(ROWS, random_state=1)
        table["y"] = drawn["y"].to_numpy()
        return table.assign(trials=TRIALS, **self.extra)


def cases() -> Iterator[Case]:
    """Every family by every structure, then what is predicted, limited or special."""
    for family in FAMILIES.values():
        left = "p(y, trials)" if family.trials else "y"
        for name, right in STRUCTURES.items():
            options = {"priors": priors_of(family, right)}
            yield Case(f"{family.name} {name}", f"{left} ~ {right}", family.name, name, options)
    yield from _predicted()
    yield from _limits()
    yield from _terms()
    yield from _residuals()
    yield from _curves()


def priors_of(family: Family, right: str) -> dict[str, Prior]:
    """Return proper priors of a unit's size, so that simulated data are such as one could have."""
    priors = dict(PRIORS)
    if "(" not in right:
        del priors["sd"]
    if "(x|g)" not in right:
        del priors["corr"]
    if family.thresholds is None and family.of_labels is None:
        priors["Intercept"] = ws.Normal(0.3, 0.7)
    for number in family.parameters[1:]:
        priors |= OWN.get(number.name, {})
    return priors


def _predicted() -> Iterator[Case]:
    """Every parameter beside the mean that can have a formula, with one, and with groups."""
    for family in FAMILIES.values():
        left = "p(y, trials)" if family.trials else "y"
        for number in family.scores:
            priors = priors_of(family, "x + (1|g)")
            priors.pop(number, None)
            parameter = family.parameter(number)
            middle = float(parameter.link.function(parameter.start_at(0.4)))
            priors[f"{number}_Intercept"] = ws.Normal(middle, 0.5)
            priors[f"{number}_x"] = ws.Normal(0, 0.5)
            name = f"{family.name} {number} ~ x"
            options = {"priors": priors, number: "x"}
            yield Case(name, f"{left} ~ x + (1|g)", family.name, "predicted", options)
    priors = priors_of(FAMILIES["gaussian"], "x + (1|g)")
    priors |= {
        "sigma_Intercept": ws.Normal(-1, 0.5),
        "sigma_x": ws.Normal(0, 0.5),
        "sigma_1|g_sigma": ws.HalfNormal(0.5),
    }
    options = {"priors": priors, "sigma": "x + (1|g)"}
    yield Case("gaussian sigma ~ (1|g)", "y ~ x + (1|g)", "gaussian", "predicted", options)
    priors = {**priors, "corr": ws.LKJ(2)}
    options = {"priors": priors, "sigma": "x + (1|p|g)"}
    yield Case("gaussian sigma ~ (1|p|g)", "y ~ x + (1|p|g)", "gaussian", "predicted", options)


def _limits() -> Iterator[Case]:
    """Censored at a limit of detection, truncated, and of known errors."""
    for family in FAMILIES.values():
        if family.cumulative is None:
            continue
        case = Case("", "", family.name, "limits")
        y = case.data()["y"].to_numpy(float)
        low, high = (np.floor(q) if family.whole else q for q in np.quantile(y, [0.15, 0.85]))
        status = np.where(y <= low, "left", np.where(y > high, "right", "none"))
        cut = np.clip(y, low, high)
        # Else most simulated data would be beyond the limits altogether.
        priors = {**priors_of(family, "x + (1|g)"), "Intercept": ws.Normal(0.5, 0.3)}
        yield Case(
            f"{family.name} censored",
            "censored(y, status) ~ x + (1|g)",
            family.name,
            "limits",
            {"priors": priors},
            {"y": cut, "status": status},
        )
        kept = np.clip(y, low + 0.0 if family.whole else low + 1e-3, None)
        yield Case(
            f"{family.name} truncated",
            f"truncated(y, {float(low)}, {float(np.quantile(y, 0.99) + 2):.3f}) ~ x + (1|g)",
            family.name,
            "limits",
            {"priors": priors},
            {"y": kept},
        )
    gaussian = FAMILIES["gaussian"]
    priors = priors_of(gaussian, "x + (1|g)")
    for name, left in (("se", "y | se(error)"), ("se + sigma", "y | se(error, sigma=True)")):
        yield Case(
            f"gaussian {name}", f"{left} ~ x + (1|g)", "gaussian", "limits", {"priors": priors}
        )


def _terms() -> Iterator[Case]:
    """Monotonic predictors, categories of cs(), nesting, offsets, bounds and shrinkage."""
    gaussian = FAMILIES["gaussian"]
    usual = priors_of(gaussian, "x + (1|g)")
    flat = priors_of(gaussian, "x")
    poisson = priors_of(FAMILIES["poisson"], "x + (1|g)")
    yield Case("mo(dose)", "y ~ mo(dose) + (1|g)", "gaussian", "terms", {"priors": usual})
    yield Case("poisson mo(dose)", "y ~ mo(dose) + (1|g)", "poisson", "terms", {"priors": poisson})
    for name in ("sratio", "acat"):
        priors = priors_of(FAMILIES[name], "x + (1|g)")
        yield Case(f"{name} cs(x)", "y ~ cs(x) + (1|g)", name, "terms", {"priors": priors})
    within = {"h": np.tile(np.repeat([0, 1], ROWS // GROUPS // 2), GROUPS)}
    yield Case("nested", "y ~ x + (1|g/h)", "gaussian", "terms", {"priors": usual}, within)
    yield Case("(x||g)", "y ~ x + (x||g)", "gaussian", "terms", {"priors": usual})
    yield Case("offset", "y ~ x + offset(z) + (1|g)", "poisson", "terms", {"priors": poisson})
    yield Case("levels", "y ~ 0 + C(dose) + z + (1|g)", "gaussian", "terms", {"priors": PRIORS_SD})
    shrunk = {**flat, "b": ws.R2D2()}
    yield Case("R2D2", "y ~ x + z + dose", "gaussian", "terms", {"priors": shrunk})
    shrunk = {**flat, "b": ws.Horseshoe()}
    yield Case("horseshoe", "y ~ x + z + dose", "gaussian", "terms", {"priors": shrunk})
    yield Case("defaults", "y ~ x + (x|g)", "gaussian", "terms")
    yield Case("student defaults", "y ~ x", "student", "terms")


def _residuals() -> Iterator[Case]:
    """Rows that resemble their neighbours: residuals, a joint density, latent effects."""
    gaussian = priors_of(FAMILIES["gaussian"], "x")
    places = {"t": np.tile(np.arange(ROWS // GROUPS), GROUPS)}
    times = {"t": np.tile([0.0, 0.4, 1.0, 1.5, 2.5, 4.0], GROUPS)}
    visits = {"t": np.tile(np.arange(3), ROWS // 3), "u": np.repeat(np.arange(ROWS // 3), 3)}
    for term, extra in (
        ("ar(t, g)", places),
        ("car(t, g)", times),
        ("cs(t, g)", places),
        ("toep(t, u)", visits),
        ("unstr(t, u)", visits),
    ):
        formula = f"y ~ x + {term}"
        yield Case(term, formula, "gaussian", "residual", {"priors": gaussian}, extra)
    options = {"priors": {**gaussian, "sd": ws.HalfNormal(0.5)}}
    formula = "y ~ x + (1|g) + ar(t, g)"
    yield Case("(1|g) + ar(t, g)", formula, "gaussian", "residual", options, places)
    options = {"priors": priors_of(FAMILIES["student"], "x")}
    yield Case("student ar(t, g)", "y ~ x + ar(t, g)", "student", "residual", options, places)
    options = {"priors": {**priors_of(FAMILIES["poisson"], "x"), "sd": ws.HalfNormal(0.5)}}
    yield Case("poisson ar(t, g)", "y ~ x + ar(t, g)", "poisson", "residual", options, places)


def _curves() -> Iterator[Case]:
    """Splines, by condition and by group, and Gaussian processes."""
    for family in ("gaussian", "poisson"):
        flat = {"priors": priors_of(FAMILIES[family], "x")}
        label = "" if family == "gaussian" else f"{family} "
        yield Case(f"{label}s(z)", "y ~ x + s(z, k=6)", family, "curves", flat)
        arms = {"arm": np.tile(["a", "b"], ROWS // 2)}
        by = "y ~ arm + s(z, by=arm, k=6)"
        yield Case(f"{label}s(z, by=arm)", by, family, "curves", flat, arms)
        yield Case(f"{label}hsgp(z)", "y ~ x + hsgp(z, m=8)", family, "curves", flat)
    flat = {"priors": priors_of(FAMILIES["gaussian"], "x")}
    formula = 'y ~ x + s(z, g, bs="fs", k=5)'
    yield Case("s(z, g, bs='fs')", formula, "gaussian", "curves", flat)


PRIORS_SD: dict[str, Prior] = {"sd": ws.HalfNormal(0.5)}


def stem_of(name: str, backend: str = "stan") -> str:
    """Return what the files of a case are called."""
    stem = "".join(c if c.isalnum() else "_" for c in name)
    return stem if backend == "stan" else f"{stem}_{backend}"


def row_of(case: Case, found: Calibration) -> dict[str, Any]:
    """Return the row of the table."""
    worst = found.table.iloc[0]
    return {
        "case": case.name,
        "family": case.family,
        "structure": case.structure,
        "backend": found.backend,
        "fits": len(found.simulations),
        "failed": found.n_failed,
        "divergent_fits": found.n_divergent,
        "divergent_draws": int(found.simulations["n_divergent"].sum()),
        "unconverged": found.n_unconverged,
        "quantities": len(found.table),
        "smallest_p": worst["p_value"],
        "quantity": worst["quantity"],
        "adjusted_p": worst["p_adjusted"],
        "seconds": round(found.seconds, 1),
    }


def main() -> None:
    """Run the cases whose names match, and write their rows as they come."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cases", nargs="*", default=["*"], help="patterns of names")
    parser.add_argument("--simulations", type=int, default=100)
    parser.add_argument("--backend", default="stan")
    parser.add_argument("--jobs", type=int, default=None)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--out", type=Path, default=Path("out/calibration.csv"))
    parser.add_argument("--kept", type=Path, help="a folder for the ranks and fits of each case")
    options = parser.parse_args()
    options.out.parent.mkdir(parents=True, exist_ok=True)
    for case in cases():
        if not any(fnmatch(case.name, pattern) for pattern in options.cases):
            continue
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                found = ws.calibrate(
                    case.formula,
                    case.data(),
                    case.family,
                    simulations=options.simulations,
                    backend=options.backend,
                    n_jobs=options.jobs,
                    seed=options.seed,
                    **case.options,
                )
        except ws.WinstanError as error:
            print(f"{case.name}: {type(error).__name__}: {error}", flush=True)
            continue
        row = pd.DataFrame([row_of(case, found)])
        row.to_csv(options.out, mode="a", header=not options.out.exists(), index=False)
        print(f"{case.name}: {found.verdict}", flush=True)
        if options.kept is not None:
            options.kept.mkdir(parents=True, exist_ok=True)
            stem = f"{stem_of(case.name, options.backend)}_{options.seed}"
            found.ranks.to_parquet(options.kept / f"{stem}.ranks.parquet")
            found.simulations.to_parquet(options.kept / f"{stem}.fits.parquet")


if __name__ == "__main__":
    main()
