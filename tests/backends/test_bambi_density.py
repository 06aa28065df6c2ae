"""bambi's own density of what winstan hands it, against the program for readers, without sampling.

`pymc_program` is held to scipy row by row elsewhere (test_pymc_program.py), so that this is a check
of formula, coding, priors and likelihood by two code bases that share nothing.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import xarray as xr
from limits_cases import limited_data
from models import model_of
from scipy import stats
from template_cases import data_of

import winstan as ws
from winstan import priors
from winstan.backends import Settings, bambi
from winstan.backends.bambi import BACKEND, built_model
from winstan.backends.bambi_names import factor_columns, places
from winstan.backends.pymc_program import pymc_program
from winstan.building import refit_model
from winstan.design import take_data
from winstan.draws import tree_name
from winstan.errors import BackendError
from winstan.families import FAMILIES

pytestmark = [
    pytest.mark.slow,
    pytest.mark.filterwarnings("ignore:PyTensor could not link to a BLAS:UserWarning"),
    pytest.mark.filterwarnings("ignore:For backward compatibility:Warning"),  # in bambi
]


def frame_of(family):
    data = data_of(family)
    return data.assign(
        seen=pd.Categorical(
            data["y"].where(data["y"].isin(range(2, 9))), range(2, 9), ordered=True
        ),
        fw=data["w"] + 0.5,
        flag=data["t"] > 1,
        h_by_g=data["g"].map(lambda g: int(g[1]) % 3),
        u=data.groupby("cond").cumcount() % 8 * 7e-6,  # of one range in all conditions
    )


def their_point(model, point, start) -> dict[str, np.ndarray]:
    """Where bambi's PyMC model is that of the program for readers: a number for each of ours."""
    out = {name: np.full(np.shape(value), np.nan) for name, value in start.items()}

    def put(name, values, place, *, sign):
        at = (..., slice(None) if place.category is None else place.category)
        whole = out[name].reshape(out[name].shape or (1,))  # a view
        whole[at] = sign * np.reshape(values, np.shape(whole[at]))

    at, scores = places(model), [name for name in point if name.startswith("z_")]
    for design in model.design.every:
        if design.intercept and model.family.thresholds is None:
            own, place = design.intercept_name, at[design.intercept_name]
            put(place.name, point.get(f"{own}_c", point.get(own)), place, sign=place.sign)
        for term in design.terms:
            place = at[term.variable]
            put(place.name, point[tree_name(term.variable)], place, sign=place.sign)
    put_curves(model, point, out)
    scores = [name for name in scores if "hsgp" not in name]
    for group, score in zip((one.term for one in model.stacked.written), scores, strict=True):
        z = np.atleast_2d(point[score])
        for effect in group.effects:
            place, part = at[group.effect_name(effect)], z[list(effect.columns)]
            part = part.T if effect.labels else part[0]
            put(f"{place.name}_offset", part, place, sign=place.sign)
            own, place = group.sd_name(effect), at[group.sd_name(effect)]
            put(f"{place.name}_log__", point[f"{tree_name(own)}_log__"], place, sign=1)
    if model.family.thresholds is not None:
        put_thresholds(model, point, out)
    same = {name for name in out.keys() & point.keys() if np.isnan(out[name]).all()}
    out |= {name: np.reshape(point[name], np.shape(out[name])) for name in same}
    if "psi_logodds__" in out:
        (own,) = {"zi_logodds__", "hu_logodds__"} & point.keys()
        out["psi_logodds__"] = -point[own]  # one less ours
    assert not any(np.isnan(value).any() for value in out.values()), out
    return out


def put_curves(model, point, out):
    """Theirs are by column, then by level of ``by=``."""
    at, scores = places(model), [name for name in point if "z_" in name and "hsgp" in name]
    for curve, score in zip(model.stacked.curves, scores, strict=True):
        smooth, z = curve.smooth, point[score]
        place = at[smooth.term.variable]
        z = z.reshape(len(smooth.levels), -1).T if smooth.levels else z
        out[f"{place.name}_raw"] = place.sign * z
        for own in smooth.variables:
            out[f"{at[own].name}_log__"] = np.asarray(point[f"{tree_name(own)}_log__"])


def put_thresholds(model, point, out):
    """Theirs are at the zeros of the predictors, and ours at their means."""
    slopes = np.zeros(model.predictor_mean.size)
    for term in model.design.terms:
        slopes[list(term.columns)] = point[tree_name(term.variable)]
    (ours,) = [name for name in point if name.startswith("threshold")]
    (theirs,) = [name for name in out if name.startswith("threshold")]
    own = np.array(point[ours])
    first = np.arange(own.size) == 0 if ours.endswith("_ordered__") else 1.0  # then come steps
    out[theirs] = own + model.predictor_mean @ slopes * first


def gaps(model, *, scale=0.4) -> tuple[np.ndarray, float]:
    """Differences of the two log densities at five points, and their size."""
    source, data = pymc_program(model)
    space = {"data": data}
    exec(source, space)
    ours, theirs = space["model"], built_model(model).backend.model
    starts = [m.initial_point() for m in (ours, theirs)]
    densities = [m.compile_logp(mode="FAST_COMPILE", jacobian=False) for m in (ours, theirs)]
    rng = np.random.default_rng(3)
    out = []
    for _ in range(5):
        point = {k: rng.normal(0, scale, np.shape(v)) for k, v in starts[0].items()}
        if "threshold_c_ordered__" in point:  # far out bambi's probabilities are rounded
            point["threshold_c_ordered__"][1:] -= 1.2
        other = their_point(model, point, starts[1])
        out.append([float(densities[0](point)), float(densities[1](other))])
    values = np.array(out)
    assert np.isfinite(values).all()
    return values[:, 0] - values[:, 1], float(np.abs(values).max())


def same(formula, family, *, scale=0.4, digits=1e-9, **options):
    name = family if isinstance(family, str) else family.name
    trials = "trials" if FAMILIES[name].trials and "p(" not in str(formula) else None
    model = model_of(formula, frame_of(name), family, trials=trials, **options)
    gap, size = gaps(model, scale=scale)
    np.testing.assert_allclose(gap, gap[0], rtol=0, atol=digits * size)


OF_A_MEAN = [name for name, one in FAMILIES.items() if one.bambi and not one.of_labels]


@pytest.mark.parametrize("family", OF_A_MEAN)
def test_families(family):
    link = "identity" if FAMILIES[family].circular else None  # it has no other of directions
    same("y ~ x * cond + (x + cond||g) + (1|h)", family, link=link)


@pytest.mark.parametrize(
    ("formula", "family", "options"),
    [
        ("y ~ x + cond + (1|g)", "student", {"weights": "w"}),
        ("y ~ x + (1|g/h)", "gamma", {"weights": "w"}),
        (
            "y ~ x + offset(np.log(t)) + (1|g)",
            "binomial",
            {"link": "cloglog", "weights": "w", "scale": 0.1},
        ),
        ("y ~ flag * cond + poly(x, 2) + scale(t) + (flag||g)", "gaussian", {}),
        ("y ~ x + (1|h:g) + (1|h_by_g)", "gaussian", {}),
        ("y ~ x + (1|g)", "gaussian", {"priors": {"sd": ws.Flat(), "sigma": ws.Flat()}}),
        ("y ~ x + (1|g)", "poisson", {"priors": {"b": ws.Flat(), "Intercept": ws.Cauchy(1, 2)}}),
        ("y ~ x + (1|g)", "hurdle_poisson", {"priors": {"hu": ws.Beta(1.7, 4.2)}, "weights": "w"}),
    ],
)
@pytest.mark.filterwarnings("ignore::winstan.DesignWarning")
def test_weights_transforms_and_priors(formula, family, options):
    options = dict(options)
    same(formula, family, scale=options.pop("scale", 0.4), **options)


# Numbers that are all different, none of them at a place of symmetry.
ANY = [ws.Normal(0.3, 2.2), ws.StudentT(4, 0.3, 2.2), ws.Cauchy(0.3, 2.2)]
POSITIVE = [
    ws.Exponential(1.7), ws.Gamma(2.5, 1.3), ws.InverseGamma(2.5, 1.3), ws.HalfNormal(1.7),
    ws.HalfStudentT(4, 1.7), ws.HalfCauchy(1.7),
]  # fmt: skip


@pytest.mark.parametrize("i", range(max(len(ANY), len(POSITIVE))))
def test_every_prior(i):
    free, half = ANY[i % len(ANY)], POSITIVE[i % len(POSITIVE)]
    chosen = {"b": free, "sd": half, "alpha": half, "Intercept": free}
    same("y ~ x + cond + (cond||g)", "negative_binomial", priors=chosen)


def test_these_are_all_the_priors():
    kinds = (kind for kind in vars(priors).values() if isinstance(kind, type))
    tried = {type(prior) for prior in [*ANY, *POSITIVE]}
    assert {k for k in kinds if issubclass(k, priors.Prior)} - tried == {
        priors.Prior, ws.Flat, ws.LKJ, ws.Beta, ws.Dirichlet, *REFUSED,
    }  # fmt: skip


REFUSED = {ws.Constant: ws.Constant(0), ws.Horseshoe: ws.Horseshoe(), ws.R2D2: ws.R2D2()}


@pytest.mark.parametrize("kind", REFUSED, ids=lambda kind: kind.__name__)
def test_priors_that_bambi_does_not_have_are_refused_by_name(kind):
    model = model_of("y ~ x + cond", data_of("gamma"), "gamma", priors={"b": REFUSED[kind]})
    with pytest.raises(BackendError, match=kind.__name__):
        BACKEND.code(model)


PREDICTED = {
    "gaussian": (["y ~ x + (1|g)", "sigma ~ x * cond + (cond||g) + (1|h)"], "gaussian", {}),
    "student": (["y ~ x", "nu ~ cond + (1|g)", "sigma ~ x + offset(np.log(t))"], "student", {}),
    "gamma": (["y ~ 0 + cond", "alpha ~ x + (0 + x|h/g)"], "gamma", {"weights": "w"}),
    "counts": (["y ~ x", "alpha ~ 0 + cond + (1|g)"], "negative_binomial", {"center": False}),
    "another name": (["y ~ x", "phi ~ x * cond + (cond||g) + (1|h)"], "beta", {"link": "cloglog"}),
    "levels by another name": (["y ~ t + I(x / 10)", "phi ~ 0 + cond + (1|h/g)"], "beta", {}),
    "fractions": (["y ~ x", "sigma ~ x"], "lognormal", {"weights": "fw", "center": False}),
    "priors": (
        ["y ~ x", "sigma ~ x + (1|g)"],
        "gaussian",
        {
            "priors": {
                "sigma_x": ws.StudentT(4, 0.3, 2.2),
                "sigma_Intercept": ws.Cauchy(0.3, 2.2),
                "sigma_1|g_sigma": ws.Gamma(2.5, 1.3),
            },
        },
    ),
    "zeros": (
        ["y ~ x + (1|g)", "zi ~ x * cond + offset(np.log(t)) + (cond||g) + (1|h)"],
        "zero_inflated_poisson",
        {"priors": {"zi_x": ws.StudentT(4, 0.3, 2.2), "zi_Intercept": ws.Cauchy(0.3, 2.2)}},
    ),
    "zeros of trials": (["p(y, trials) ~ x", "zi ~ I(x / 10)"], "zero_inflated_binomial", {}),
    "hurdle": (
        ["y ~ x", "hu ~ x + (1|g)", "sigma ~ x"],
        "hurdle_lognormal",
        {"priors": {"hu_x": ws.Normal(0.3, 2)}, "weights": "w"},
    ),
    "a slash": (["y ~ I(x / 10)", "sigma ~ I(x / 10) "], "gaussian", {}),
    "nothing but": (["y ~ x", "sigma ~ 0 + offset(np.log(t)) + (1|g)"], "gaussian", {}),
    "constant": (["y ~ x", "sigma ~ 1"], "gaussian", {}),
}


CATEGORIES = {
    "probit, of each threshold": (
        "y ~ x * cond + (1|g)",
        "cumulative",
        # bambi's probit is of single precision.
        {
            "link": "probit",
            "digits": 1e-7,
            "priors": {"threshold": ws.StudentT(5, 0.2, 1.7)},
            "weights": "w",
        },
    ),
    "shares": ("y ~ x", "cumulative", {"priors": {"threshold": ws.Dirichlet(2.3)}}),
    "cloglog": ("y ~ I(x / 10)", "cumulative", {"link": "cloglog", "scale": 0.2}),
    "no predictors": ("y ~ (1|g)", "sratio", {"priors": {"threshold": ws.Flat()}}),
    "at zero": ("y ~ x", "sratio", {"center": False, "link": "cloglog", "scale": 0.2}),
    "reference": (
        "y ~ cond + (x||g)",
        ws.categorical("c"),
        {"weights": "w"},
    ),
    "priors of each": (
        "y ~ x + cond + (x||g) + (1|h)",
        "categorical",
        {
            "priors": {
                "mub_x": ws.Normal(0.7, 0.4),
                "mub_cond[c]": ws.Normal(1.7, 0.3),
                "muc_Intercept": ws.Normal(0.3, 2.0),
                "mud_1|g_sigma": ws.Exponential(3.3),
                "mud_x|g_sigma": ws.Exponential(0.4),
            },
        },
    ),
    "without": ("y ~ 0 + x", "categorical", {}),
    "levels that no row has": ("seen ~ x", "cumulative", {}),
}


@pytest.mark.parametrize("name", CATEGORIES)
@pytest.mark.filterwarnings("ignore::winstan.DesignWarning")
def test_categories(name):
    formula, family, options = CATEGORIES[name]
    same(formula, family, **options)


@pytest.mark.parametrize("name", PREDICTED)
@pytest.mark.filterwarnings("ignore::winstan.DesignWarning")
def test_parameters_beside_the_mean(name):
    formula, family, options = PREDICTED[name]
    same(formula, family, **options)


CURVES = {
    "one": ("y ~ hsgp(np.log(t), m=5) + x + (x||g)", "poisson", {}),
    "by": (
        ["y ~ cond + hsgp(u, by=cond, m=4)", "sigma ~ hsgp(x, m=3, c=1.5) + (1|h)"],
        "gaussian",
        {
            "priors": {
                "sdgp_hsgp(u, by=cond)": ws.HalfNormal(1.7),
                "lscale_hsgp(u, by=cond)[b]": ws.InverseGamma(2.5, 1e-4),
                "sdgp_sigma_hsgp(x)": ws.Gamma(2.5, 1.3),
            },
            "weights": "w",
        },
    ),
    "levels": ("y ~ 0 + cond + hsgp(u, by=cond, m=3)", "gaussian", {}),
    "mirrored": (["y ~ x", "zi ~ hsgp(x, m=3)"], "zero_inflated_poisson", {}),
    "thresholds": ("y ~ hsgp(x, m=3)", "cumulative", {}),
}


@pytest.mark.parametrize("name", CURVES)
@pytest.mark.filterwarnings("ignore::winstan.DesignWarning")
def test_gaussian_processes(name):
    formula, family, options = CURVES[name]
    same(formula, family, **options)


def test_draws_of_processes_are_a_curve_after_the_other():
    model = model_of("y ~ cond + hsgp(u, by=cond, m=4)", frame_of("gaussian"), "gaussian")
    place = places(model)["hsgp(u, by=cond)"]
    theirs = np.arange(24.0).reshape(1, 2, 4, 3)  # chain, draw, column, level
    dims = ("chain", "draw", f"{place.name}_dim", "by")
    found = place.values(xr.Dataset({place.name: (dims, theirs)}))
    (labels,) = (v.coords[f"{v.name}_dim"] for v in model.variables if v.name.startswith("hsgp"))
    for k, label in enumerate(labels):  # "b, 2": level b, column 2
        level, column = label.split(", ")
        at = theirs[..., int(column) - 1, "abc".index(level)]
        np.testing.assert_array_equal(found[..., k], at)


@pytest.mark.parametrize("family", ["gaussian", "lognormal", "poisson", "negative_binomial"])
@pytest.mark.filterwarnings("ignore::winstan.DesignWarning")
def test_fractions_of_rows(family):
    same("y ~ x + (1|g)", family, weights="fw", center=False)


@pytest.mark.filterwarnings("ignore::winstan.DesignWarning")
def test_what_bambi_would_answer_wrongly_is_refused_before_sampling():
    for family, formula, options, words in [
        ("gamma", "y ~ x", {"weights": "fw", "center": False}, "gamma responses by fractions"),
        ("gaussian", "y ~ x", {"weights": "fw"}, "center=False"),
        ("gaussian", "y ~ scale(x) + cond", {"weights": "w"}, "functions of whole columns"),
    ]:
        model = model_of(formula, frame_of(family), family, **options)
        with pytest.raises(ws.BackendError, match=words):
            BACKEND.check(model, Settings())
    for family, formula, options, words in [
        ("sratio", "y ~ x + cs(t)", {}, "one linear predictor for all thresholds"),
        ("categorical", ["y ~ x", "mub ~ t"], {}, "'muc' has its own"),
        ("categorical", "y ~ x + offset(t)", {}, "no offset of categories"),
        ("categorical", "y ~ x + (cond||g)", {}, r"several columns, as \(cond\|g\)"),
    ]:
        with pytest.raises(ws.BackendError, match=words):
            BACKEND.code(model_of(formula, frame_of(family), family, **options))
    for name, words in [
        ("mu", "parameter of its own called 'mu'"),
        ("winstan_group_0", "start with 'winstan_': rename 'winstan_group_0'"),
    ]:
        data = frame_of("gaussian").rename(columns={"x": name})
        with pytest.raises(ws.BackendError, match=words):
            bambi.bambi_model(model_of(f"y ~ {name} + (1|g)", data, "gaussian"))


@pytest.mark.filterwarnings("ignore::winstan.ConvergenceWarning")
def test_bambi_does_not_speak_of_columns_that_are_not_the_users(caplog):
    with caplog.at_level("INFO", "bambi"):
        ws.fit(
            "y ~ x", frame_of("bernoulli"), "bernoulli", backend="bambi", sampler="nutpie",
            warmup=20, draws=20, chains=2, seed=1, progress=False, silence="all",
        )  # fmt: skip
    assert [record for record in caplog.records if record.name == "bambi"] == []


@pytest.mark.filterwarnings("ignore::winstan.ConvergenceWarning")
def test_a_fit_gives_the_native_models():
    fit = ws.fit(
        "y ~ x + (1|g)", frame_of("gaussian"), warmup=20, draws=20, chains=2, seed=1,
        progress=False, silence="all",
    )  # fmt: skip
    assert {v.name for v in fit.pymc_model.free_RVs} >= {"sd_raw", "aux_raw"}
    assert set(fit.bambi_model.parameters) == {"mu", "sigma"}


def test_levels_beside_other_predictors_have_their_priors_where_ours_are():
    """Those of the levels are potentials of bambi's; the program for readers is held to scipy."""
    model = model_of("y ~ 0 + cond + x + cond:x + (1|g)", frame_of("gaussian"), "gaussian")
    source, data = pymc_program(model)
    space = {"data": data}
    exec(source, space)
    ours, theirs = space["model"], built_model(model).backend.model
    densities = [m.compile_logp(mode="FAST_COMPILE", jacobian=False) for m in (ours, theirs)]
    rng = np.random.default_rng(3)
    gap = []
    for _ in range(4):
        point = {k: rng.normal(0, 0.4, np.shape(v)) for k, v in ours.initial_point().items()}
        x, slopes = point["x"], point["cond:x"]
        design = model.design
        cond = np.array([
            point["cond_c"][i] - design.X[design.row][level == 1, 3:].mean(axis=0) @ [x, *slopes]
            for i, level in enumerate(design.X[design.row].T[:3])
        ])  # fmt: skip
        group = factor_columns(model)["g"]
        other = {
            "cond": cond, "x": x, "cond:x": slopes, "sigma_log__": point["sigma_log__"],
            f"1|{group}_sigma_log__": point["1|g_sigma_log__"], f"1|{group}_offset": point["z_g"],
        }  # fmt: skip
        gap.append(float(densities[0](point)) - float(densities[1](other)))
    np.testing.assert_allclose(gap, gap[0], rtol=0, atol=1e-5)


def test_levels_of_a_parameter_beside_the_mean_have_their_priors_where_ours_are():
    formulas = ["y ~ x", "sigma ~ 0 + cond + x + cond:x"]
    model = model_of(formulas, frame_of("gaussian"), "gaussian")
    source, data = pymc_program(model)
    space = {"data": data}
    exec(source, space)
    ours, theirs = space["model"], built_model(model).backend.model
    densities = [m.compile_logp(mode="FAST_COMPILE", jacobian=False) for m in (ours, theirs)]
    rng = np.random.default_rng(3)
    gap = []
    X = model.design.beside["sigma"].X[model.design.row]
    for _ in range(4):
        point = {k: rng.normal(0, 0.4, np.shape(v)) for k, v in ours.initial_point().items()}
        point["Intercept_c"] += 200.0
        point["sigma_cond_c"] += 3.5
        slopes = [point["sigma_x"], *point["sigma_cond:x"]]
        other = {name: point[name] for name in ("x", "sigma_x", "sigma_cond:x")}
        other["Intercept"] = point["Intercept_c"]
        other["sigma_cond"] = np.array([
            point["sigma_cond_c"][i] - X[level == 1, 3:].mean(axis=0) @ slopes
            for i, level in enumerate(X.T[:3])
        ])  # fmt: skip
        gap.append(float(densities[0](point)) - float(densities[1](other)))
    np.testing.assert_allclose(gap, gap[0], rtol=0, atol=1e-5)


@pytest.mark.filterwarnings("ignore::winstan.DesignWarning")
def test_refits_have_their_priors_where_the_whole_fit_has_them():
    data = frame_of("gaussian")
    priors = {
        "Intercept": ws.StudentT(4, 150, 31), "sigma_Intercept": ws.Normal(3.1, 0.3),
        "x": ws.Normal(3, 17), "cond": ws.Normal(2, 23), "sigma_x": ws.Normal(0.2, 0.7),
    }  # fmt: skip
    model = model_of(["y ~ x + cond + (1|g)", "sigma ~ x"], data, "gaussian", priors=priors)
    kept = (data["g"] != "g0") & (data["x"] < 1.9) | (data["g"] == "g2")
    refit = refit_model(model, take_data(model.design, kept.to_numpy()).design, None)
    built = built_model(refit).backend.model
    density = built.compile_logp(mode="FAST_COMPILE", jacobian=False)
    start = built.initial_point()
    means, rows = [data["x"].mean(), *(np.mean(data["cond"] == c) for c in "bc")], data[kept]
    rng, gap = np.random.default_rng(2), []
    for _ in range(4):
        own = {"x": rng.normal(3, 9), "cond": rng.normal(0, 9, 2), "Intercept": rng.normal(99, 9),
               "sigma_Intercept": rng.normal(3, 0.3), "sigma_x": rng.normal(0, 0.3)}  # fmt: skip
        slopes = np.array([own["x"], *own["cond"]])
        X = np.column_stack([rows["x"], *(rows["cond"] == c for c in "bc")])
        sd = np.exp(own["sigma_Intercept"] + own["sigma_x"] * rows["x"])
        expected = stats.norm.logpdf(rows["y"], own["Intercept"] + X @ slopes, sd).sum()
        expected += stats.t.logpdf(own["Intercept"] + means @ slopes, 4, 150, 31)
        at = own["sigma_Intercept"] + own["sigma_x"] * means[0]
        expected += stats.norm.logpdf(at, 3.1, 0.3) + stats.norm.logpdf(own["sigma_x"], 0.2, 0.7)
        expected += stats.norm.logpdf(slopes, [3, 2, 2], [17, 23, 23]).sum()
        gap.append(float(density(start | own)) - expected)
    np.testing.assert_allclose(gap, gap[0], rtol=0, atol=1e-9 * abs(expected))


@pytest.mark.filterwarnings("ignore::winstan.DesignWarning")
def test_what_bambi_cannot_say_of_parameters_beside_the_mean_is_refused():
    joined = "effects of 'g' on 'mu' and 'sigma' that are correlated, as .p. has them.*label out"
    for formulas, options, words in [
        (["y ~ x + (1 |p| g)", "sigma ~ (1 |p| g)"], {}, joined),
        (["y ~ x", "sigma ~ (x|g)"], {}, "the correlated effects of 'g'"),
        (["y ~ 0 + x", "sigma ~ x"], {"weights": "fw"}, "center=False"),
    ]:
        model = model_of(formulas, frame_of("gaussian"), "gaussian", **options)
        with pytest.raises(ws.BackendError, match=words):
            BACKEND.check(model, Settings())


@pytest.mark.filterwarnings("ignore::winstan.ConvergenceWarning")
def test_draws_of_parameters_beside_the_mean_are_at_zero_by_our_names():
    data = frame_of("gaussian").assign(far=lambda rows: rows.x + 30)
    formulas = ["y ~ x + cond", "sigma ~ far + cond + (I(x / 2) + cond||g)"]
    model = model_of(formulas, data, "gaussian")
    settings = Settings(chains=2, warmup=200, draws=20, seed=1, progress=False, sampler="nutpie")
    draws = BACKEND.sample(model, settings).posterior
    for variable in model.variables:
        assert draws[variable.name].shape == (2, 20, *variable.shape)
    at_mean = draws["sigma_Intercept"] + draws["sigma_far"] * data.far.mean()
    assert np.all(np.abs(at_mean - np.log(data.y.std())) < 1.5)
    assert np.abs(draws["sigma_Intercept"] - at_mean).max() > 1.5  # so that this says something


@pytest.mark.parametrize(
    ("family", "left", "options"),
    [
        ("gaussian", "censored(y, status)", {}),
        ("lognormal", "censored(y, status)", {}),
        ("gaussian", "truncated(y, lb, ub)", {"weights": "w"}),
        ("lognormal", "truncated(y, ub=ub)", {}),
        ("inverse_gaussian", "censored(y, status)", {}),
    ],
)
def test_bambi_has_limits_on_one_side(family, left, options):
    data = limited_data(family)
    data["status"] = data.status.replace("interval", "right")
    data["ub"] = data.y + data.s
    near = 0.1 if family == "inverse_gaussian" else 0.4  # far out PyMC's tail is zero
    gap, size = gaps(model_of(f"{left} ~ x + (1|g)", data, family, **options), scale=near)
    np.testing.assert_allclose(gap, gap[0], rtol=0, atol=1e-9 * size)
