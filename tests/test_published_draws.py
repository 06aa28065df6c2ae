"""Posteriors against published reference draws: posteriordb's, and the inference gym's."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pytest
from posterior_checks import Z, agree, in_errors

import winstan as ws

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = [
    pytest.mark.slow,
    # The models are those of the published answers, whatever the guards would rather fit.
    pytest.mark.filterwarnings("ignore::winstan.DesignWarning"),
]


FLAT = {"Intercept": ws.Flat(), "b": ws.Flat(), "sigma": ws.Flat()}
HALF_CAUCHY = FLAT | {"sigma": ws.HalfCauchy(2.5)}
POSTERIORDB = {
    "kidiq-kidscore_momhs": HALF_CAUCHY,
    "kidiq-kidscore_momiq": HALF_CAUCHY,
    "kidiq-kidscore_momhsiq": HALF_CAUCHY,
    "kidiq-kidscore_interaction": HALF_CAUCHY,
    "kidiq_with_mom_work-kidscore_mom_work": FLAT,
    "kidiq_with_mom_work-kidscore_interaction_c": FLAT,
    "earnings-earn_height": FLAT,
    "earnings-logearn_height_male": FLAT,
    "mesquite-mesquite": FLAT,
    "mesquite-logmesquite": FLAT,
    "nes1976-nes": FLAT,
    "sblrc-blr": {"b": ws.Normal(0, 10), "sigma": ws.HalfNormal(10)},
    "kilpisjarvi_mod-kilpisjarvi": {},
}
# Those of these that say hardly more of winstan are run by `make test-reference` alone.
MORE = {
    "earnings-log10earn_height": FLAT,
    "earnings-logearn_height": FLAT,
    "mesquite-logmesquite_logva": FLAT,
    "mesquite-logmesquite_logvolume": FLAT,
    "nes1972-nes": FLAT,
    "nes1980-nes": FLAT,
    "nes1984-nes": FLAT,
    "nes1988-nes": FLAT,
}


def reference_data(path: Path) -> pd.DataFrame:
    """Columns of a data file of posteriordb: its vectors, and each column of its matrices."""
    columns: dict[str, Any] = {}
    raw = json.loads(path.read_text(encoding="utf-8"))
    longest = max(len(v) for v in raw.values() if isinstance(v, list))
    for name, value in raw.items():
        if isinstance(value, list) and len(value) == longest:
            array = np.asarray(value)
            if array.ndim == 1:
                columns[name] = array
            else:
                columns |= {f"{name}{k + 1}": array[:, k] for k in range(array.shape[1])}
    return pd.DataFrame(columns)


@pytest.mark.reference
@pytest.mark.parametrize(
    ("posterior", "priors"),
    [
        *POSTERIORDB.items(),
        *(pytest.param(name, own, marks=pytest.mark.long) for name, own in MORE.items()),
    ],
)
def test_linear_models_against_posteriordb(shared, posterior, priors, record_property):
    folder = shared / "reference"
    entry = pd.read_csv(folder / "INDEX.csv").set_index("posterior").loc[posterior]
    data = reference_data(folder / entry["data"])
    if posterior.endswith("logva"):  # its columns are of its Stan program, not of the file
        area = data["diam1"] * data["diam2"]
        data["log_area"], data["log_volume"] = np.log(area), np.log(area * data["canopy_height"])
    raw = json.loads((folder / entry["data"]).read_text(encoding="utf-8"))
    if "kilpisjarvi" in posterior:
        priors = {
            "Intercept": ws.Normal(raw["pmualpha"], raw["psalpha"]),
            "b": ws.Normal(raw["pmubeta"], raw["psbeta"]),
            "sigma": ws.Flat(),
        }
    fit = ws.fit(
        entry["formula"], data, center=False, priors=priors, draws=2500, seed=6, progress=False
    )
    reference = json.loads((folder / entry["reference"]).read_text(encoding="utf-8"))["params"]
    names = [n for n in fit.summary().index if n != "sigma"]
    betas = sorted((n for n in reference if n.startswith("beta[")), key=lambda n: int(n[5:-1])) or [
        "alpha",
        "beta",
    ]
    assert len(betas) == len(names)
    expected = {}
    for ours, theirs in [*zip(names, betas, strict=True), ("sigma", "sigma")]:
        row = reference[theirs]
        expected[ours] = (row["mean"], row["sd"], row["mcse_mean_iid"])
    furthest = agree(fit, expected)
    model = f"{posterior}, {entry['formula']}"
    in_errors(record_property, model, "posteriordb", furthest, len(expected))


@pytest.mark.reference
def test_eight_schools_against_posteriordb(shared, record_property):
    folder = shared / "reference"
    raw = json.loads((folder / "data" / "eight_schools.json").read_text(encoding="utf-8"))
    data = pd.DataFrame({"y": raw["y"], "se": raw["sigma"], "school": list("ABCDEFGH")})
    fit = ws.fit(
        "y | se(se) ~ 1 + (1|school)", data, center=False, draws=4000, seed=8, progress=False,
        priors={"Intercept": ws.Normal(0, 5), "sd": ws.HalfCauchy(5)},
    )  # fmt: skip
    path = folder / "summary" / "eight_schools-eight_schools_noncentered.json"
    reference = json.loads(path.read_text(encoding="utf-8"))["params"]
    expected = {
        ours: tuple(reference[theirs][key] for key in ("mean", "sd", "mcse_mean_iid"))
        for ours, theirs in {"Intercept": "mu", "1|school_sigma": "tau"}.items()
    }
    furthest = agree(fit, expected)
    # A school's effect, theta, is the Intercept and its deviation.
    posterior = fit.draws["posterior"]
    theta = posterior["Intercept"] + posterior["1|school"]
    for j in range(8):
        row = reference[f"theta[{j + 1}]"]
        error = np.hypot(row["mcse_mean_iid"], float(theta[..., j].std()) / np.sqrt(4000))
        z = abs(float(theta[..., j].mean()) - row["mean"]) / error
        assert z < Z, j
        furthest = max(furthest, z)
    model = "eight_schools, y | se(se) ~ 1 + (1|school)"
    in_errors(record_property, model, "posteriordb", furthest, 10)


@pytest.mark.reference
@pytest.mark.long
def test_radon_of_counties_against_a_long_run_of_stan(shared, record_property):
    """The inference gym's ground truth, of 20,000 draws by Stan."""
    folder = shared / "reference" / "extra"
    raw = json.loads((folder / "radon_arm_mn.json").read_text(encoding="utf-8"))
    data = pd.DataFrame({name: raw[name] for name in ("u", "x", "radon", "county")})
    data["log_radon"] = np.log(data["radon"].replace(0.0, 0.1))
    data["mean_x_by_county"] = data.groupby("county")["x"].transform("mean")
    formula = "log_radon ~ u + x + mean_x_by_county + (1|county)"
    one = ws.Normal(0, 1)
    fit = ws.fit(
        formula, data, center=False, draws=2500, seed=9, progress=False,
        priors={"Intercept": one, "b": one, "sd": ws.HalfNormal(1), "sigma": ws.HalfNormal(1)},
    )  # fmt: skip
    truth = json.loads((folder / "radon_arm_mn.tfp_truth.json").read_text(encoding="utf-8"))
    names = {"sd_county": "1|county_sigma"}
    expected = {
        names.get(name, name): (row["mean"], row["sd"], row["se"])
        for name, row in truth["params"].items()
    }
    furthest = agree(fit, expected)
    in_errors(record_property, f"radon, {formula}", "inference gym", furthest, len(expected))
