"""One figure of one question: every result's own numbers, on one scale, or a refusal."""

from __future__ import annotations

from io import BytesIO

import numpy as np
import pandas as pd
import pytest
from matplotlib import pyplot as plt
from plot_checks import assert_legible, data_of, drawn
from plotnine import geom_label, geom_path, geom_point, geom_ribbon, geom_segment
from plotnine.composition import Stack
from scipy import stats
from side_by_side_cases import FORMULA, data, fit_of, labels_of, rows_of

import winstan as ws
from winstan.errors import OptionError

pytestmark = pytest.mark.filterwarnings("ignore::winstan.errors.DesignWarning")


def test_each_row_is_the_contrast_of_its_result():
    frame = data()
    fit = fit_of()
    lme, aov = ws.lme(FORMULA, frame), ws.anova("Power ~ stim", frame, group="mouse")
    rows = rows_of(ws.side_by_side(fit, lme, aov))
    assert list(rows["kind"]) == ["posterior", "lme", "anova"]
    own = fit.contrast("stim", prob=0.95).iloc[0]
    expected = [own[["mean", "hdi_2.5%", "hdi_97.5%"]].tolist()]
    for result in (lme, aov):
        row = result.contrast("stim").iloc[0]
        expected.append(row[["estimate", "ci_2.5%", "ci_97.5%"]].tolist())
    shown = rows[["estimate", "lower", "upper"]].to_numpy(dtype=float)
    np.testing.assert_allclose(shown, np.array(expected, dtype=float), rtol=1e-12)
    # And by scipy: the paired t test of the animals' means.
    means = frame.pivot_table("Power", "mouse", "stim", observed=True)
    test = stats.ttest_rel(means["on"], means["off"])
    np.testing.assert_allclose(shown[2, 1:], test.confidence_interval(0.95), rtol=1e-9)


def test_the_verdicts_are_written_beside_the_intervals():
    frame = data()
    aov = ws.anova("Power ~ stim", frame, group="mouse")
    plain = ws.anova("Power ~ stim + mouse", frame, robust="hc3")
    labels = labels_of(ws.side_by_side(fit_of(), ws.lme(FORMULA, frame), aov, plain))
    posterior, lme, paired, unpaired = labels
    draws = fit_of().contrast("stim", draws=True)["value"]
    share = max((draws > 0).mean(), (draws < 0).mean())
    assert posterior.startswith("posterior, gaussian\n")
    assert f"= {share:.3f}" in posterior or "> 0.999" in posterior
    assert lme.startswith("LME\n")
    assert "95% CI" in lme
    test = ws.lme(FORMULA, frame).table.iloc[1]
    assert f"t({test['df']:.0f}) = {test['t']:.2f}" in lme
    means = frame.pivot_table("Power", "mouse", "stim", observed=True)
    test = stats.ttest_rel(means["on"], means["off"])
    assert paired.startswith("paired ANOVA (mouse, n = 7)\n")
    assert f"F(1, 6) = {test.statistic**2:.3g}"[:12] in paired
    assert ("p < 0.001" if test.pvalue < 0.001 else f"p = {test.pvalue:.3f}") in paired
    assert unpaired.startswith("unpaired ANOVA, HC3 (rows, n = 70)\n")
    row = plain.table.loc["stim"]
    assert f"F(1, {plain.table.loc['Residual', 'df']:g}) = " in unpaired
    assert ("p < 0.001" if row["PR(>F)"] < 0.001 else f"p = {row['PR(>F)']:.3f}") in unpaired


def test_the_pairs_are_the_means_of_each_animal():
    frame = data()
    for result in (
        fit_of(),
        ws.lme(FORMULA, frame),
        ws.anova("Power ~ stim", frame, group="mouse"),
    ):
        composition = ws.side_by_side(result)
        dots = data_of(composition[0], geom_point).set_index(["group", "treatment"])["x"]
        means = frame.groupby(["mouse", "stim"], observed=True)["Power"].mean()
        assert len(dots) == len(means) == 14
        for key, value in means.items():
            assert dots[key] == pytest.approx(value, rel=1e-12)
        lines = data_of(composition[0], geom_path)
        assert lines["group"].nunique() == 7
        bars = data_of(composition[0], geom_segment)["x"]
        expected = means.groupby("stim", observed=True).mean()
        np.testing.assert_allclose(np.sort(bars), np.sort(expected), rtol=1e-12)


@pytest.mark.parametrize("left", ["log(Power)", "np.log10(Power)", "log2(Power)", "`Log power`"])
def test_logarithms_and_the_response_itself_meet_as_ratios(left):
    """Whatever the base, and whether the column or the formula took the logarithm."""
    frame = data()
    fit = fit_of(family="gamma")
    lme = ws.lme(f"{left} ~ stim + (1|mouse)", frame)
    aov = ws.anova(f"{left} ~ stim", frame, group="mouse")
    composition = ws.side_by_side(aov, fit, lme)
    rows = rows_of(composition)
    assert list(rows["kind"]) == ["anova", "posterior", "lme"]
    logs = frame.assign(y=np.log(frame["Power"])).pivot_table("y", "mouse", "stim", observed=True)
    test = stats.ttest_rel(logs["on"], logs["off"])
    ends = np.exp(np.array(test.confidence_interval(0.95)))
    np.testing.assert_allclose(rows.loc[0, ["lower", "upper"]].to_list(), ends, rtol=1e-9)
    own = fit.contrast("stim", ratio=True, prob=0.95).iloc[0]
    assert rows.loc[1, "estimate"] == pytest.approx(own["mean"], rel=1e-12)
    assert rows.loc[2, "estimate"] == pytest.approx(rows.loc[0, "estimate"], rel=1e-6)
    assert "Ratio of Power" in composition[1].labels.x
    assert "geometric means" in " ".join(composition[1].labels.caption.split())


def test_ratios_of_logarithms_alone_have_geometric_means():
    frame = data()
    composition = ws.side_by_side(ws.lme("log(Power) ~ stim + (1|mouse)", frame), ratio=True)
    dots = data_of(composition[0], geom_point).set_index(["group", "treatment"])["x"]
    logs = np.log(frame["Power"]).groupby([frame["mouse"], frame["stim"]], observed=True).mean()
    for key, value in logs.items():
        assert dots[key] == pytest.approx(np.exp(value), rel=1e-9)
    assert composition[0].labels.y.replace("\n", " ") == "geometric mean Power of each mouse"
    plain = ws.side_by_side(ws.lme("log(Power) ~ stim + (1|mouse)", frame))
    assert "Difference in log(Power)" in plain[1].labels.x


def test_a_column_that_is_no_logarithm_of_the_response_is_refused():
    frame = data()
    other = frame.assign(**{"Log power": frame["Log power"] + 1e-3})
    with pytest.raises(ws.OptionError, match="no scale in common"):
        ws.side_by_side(fit_of(family="gamma"), ws.lme("`Log power` ~ stim + (1|mouse)", other))
    paired = ws.anova("`Log power` ~ stim", other, group="mouse")
    with pytest.raises(ws.OptionError, match="no scale in common"):
        ws.side_by_side(fit_of(family="gamma"), paired)


def test_other_scales_are_refused_with_the_remedy():
    frame = data().assign(t=2.0)
    fit, lme = fit_of(), ws.lme(FORMULA, frame)
    logged = ws.lme("log(Power) ~ stim + (1|mouse)", frame)
    cases = [
        ((lme, logged), {}, r"Write log\(Power\) on its left side"),
        ((fit, logged), {"ratio": False}, "in the units of one response"),
        ((fit, lme), {"ratio": True}, "cannot be shown: it compares means by their difference"),
        ((fit, ws.lme("I(2 * Power) ~ stim + (1|mouse)", frame)), {}, "no scale in common"),
        ((lme, ws.lme(f"{FORMULA} + offset(t)", frame)), {}, "Give both the same offset"),
    ]
    for results, options, message in cases:
        with pytest.raises(ws.OptionError, match=message):
            ws.side_by_side(*results, **options)
    rates = fit_of(f"{FORMULA} + offset(t)", "gamma", frame)
    with pytest.raises(ws.OptionError, match="per unit of exposure"):
        ws.side_by_side(rates, ws.lme(f"{FORMULA} + offset(t)", frame))


@pytest.mark.slow
def test_categories_are_refused_first_with_a_remedy_that_works():
    """Not for their data, which are those of the LME of the scores."""
    frame = data(rows=6).assign(Score=lambda d: np.digitize(d["Power"], [45, 60]) + 1)
    frame["Word"] = pd.Categorical(np.array(["low", "mid", "high"])[frame["Score"] - 1],
                                   ["low", "mid", "high"], ordered=True)  # fmt: skip
    lme = ws.lme("Score ~ stim + (1|mouse)", frame)
    for response, family in (("Score", "cumulative"), ("Word", "acat"), ("Word", "categorical")):
        fit = fit_of(f"{response} ~ stim + (1|mouse)", family, frame)
        words = (
            rf"The fit of '{response}', of the {family} family, .* fit\.plot_difference\('stim'\)"
        )
        for results in ((fit, lme), (lme, fit), (fit,)):
            with pytest.raises(OptionError, match=words) as refused:
                ws.side_by_side(*results)
            assert "different data" not in str(refused.value)
            assert ("parameter='score'" in str(refused.value)) == (family != "categorical")
    drawn(fit_of("Score ~ stim + (1|mouse)", "cumulative", frame).plot_difference(
        "stim", parameter="score"))  # fmt: skip
    drawn(fit.plot_difference("stim", groups="typical"))
    numbers = fit_of("Score ~ stim + (1|mouse)", "gaussian", frame)
    assert len(rows_of(ws.side_by_side(numbers, lme))) == 2


def test_wrong_arguments_are_refused():
    frame = data().assign(x=np.arange(70.0) % 4)
    fit = fit_of()
    two = fit_of("Power ~ stim + x + (1|mouse)", frame=frame)
    cases = [
        ((), {}, "needs one result"),
        ((fit, None), {}, "result 2 is None"),
        ((fit, frame), {}, "of type DataFrame"),
        ((fit,), {"treatment": "stym"}, "Did you mean 'stim'"),
        ((two,), {}, "give treatment='stim', or another"),
        ((fit, ws.lme("Power ~ x + (1|mouse)", frame)), {}, "no population-level column"),
        ((fit,), {"group": "mice"}, "no column of these results"),
        ((fit,), {"prob": 95}, "between 0 and 1"),
        ((fit,), {"ratio": "yes"}, "True, False or None"),
        ((fit,), {"values": ["off", "of"]}, "has no level 'of'"),
    ]
    for results, options, message in cases:
        with pytest.raises(ws.OptionError, match=message):
            ws.side_by_side(*results, **options)


def test_several_levels_have_one_reference_whatever_the_coding():
    frame = data(("saline", "low", "high"))
    fit = fit_of('Power ~ C(stim, Treatment("low")) + (1|mouse)', frame=frame)
    lme = ws.lme(FORMULA, frame)
    aov = ws.anova("Power ~ stim", frame, group="mouse")
    composition = ws.side_by_side(fit, lme, aov)
    rows = rows_of(composition)
    assert list(rows["contrast"].unique()) == ["saline - low", "high - low"]
    for kind, result in (("lme", lme), ("anova", aov)):
        own = result.contrast("stim", values=["low", "saline", "high"])
        shown = rows[rows["kind"] == kind]
        np.testing.assert_allclose(shown["estimate"], own["estimate"], rtol=1e-12)
    labels = labels_of(composition)
    row = aov.table.loc["stim"]
    paired = [label for label in labels if label.startswith("paired")]
    p = row["PR(>F)_GG"]
    verdict = f"all levels: F(2, 12) = {row['F']:.3g}"
    assert all(verdict[:24] in label for label in paired)
    assert all(f"{'p < 0.001' if p < 0.001 else f'p = {p:.3f}'} (GG)" in x for x in paired)
    own = aov.contrast("stim", values=["low", "saline", "high"])["p_value"]
    for label, value in zip(paired, own, strict=True):
        assert f"this pair: {'p < 0.001' if value < 0.001 else f'p = {value:.3f}'}" in label
    assert labels[-2:] == ["saline \N{MINUS SIGN} low:", "high \N{MINUS SIGN} low:"]
    pair = ws.side_by_side(aov, fit, values=["saline", "high"])
    assert list(data_of(pair[0], geom_point)["treatment"].unique()) == ["saline", "high"]


def test_more_contrasts_than_fit_are_counted():
    frame = data(tuple("abcdefghijk"), rows=2)
    composition = ws.side_by_side(ws.lme(FORMULA, frame))
    assert rows_of(composition)["contrast"].nunique() == 8
    assert "2 more contrasts not drawn: choose by values=" in composition[1].labels.caption


def test_slopes_by_animal_are_shown_for_the_population_as_the_lme_has_them():
    """The mean over these animals has less spread than the coefficient of their population."""
    frame = data().assign(x=lambda t: (t["stim"] == "on").astype(float))
    fit = fit_of("Power ~ x + (x|mouse)", frame=frame)
    rows = rows_of(ws.side_by_side(fit, ws.lme("Power ~ x + (1|mouse)", frame)))
    coefficient = fit.summary(prob=0.95).loc["x"]
    shown = rows.loc[0, ["estimate", "lower", "upper"]].to_list()
    expected = coefficient[["mean", "hdi_2.5%", "hdi_97.5%"]].to_list()
    np.testing.assert_allclose(shown, expected, rtol=1e-9)
    these = fit.contrast("x", groups="these")
    assert these["mean"].iloc[0] != pytest.approx(coefficient["mean"], rel=1e-3)


@pytest.mark.parametrize("ratio", [False, True])
@pytest.mark.slow
def test_slopes_by_animal_on_a_log_link_are_those_of_a_typical_animal(ratio):
    """In a typical animal, which by the log link is not the mean over the animals."""
    fit = fit_of("Power ~ stim + (stim|mouse)", "gamma")
    composition = ws.side_by_side(fit, ratio=ratio)
    own = fit.contrast("stim", ratio=ratio, prob=0.95, groups="typical").iloc[0]
    shown = rows_of(composition).loc[0, ["estimate", "lower", "upper"]].to_list()
    np.testing.assert_allclose(shown, own[["mean", "hdi_2.5%", "hdi_97.5%"]].tolist(), rtol=1e-12)
    these = fit.contrast("stim", ratio=ratio, prob=0.95, groups="these").iloc[0]
    assert these["mean"] != pytest.approx(own["mean"], rel=1e-3)
    assert labels_of(composition)[0].splitlines()[1] == "in a typical mouse"
    assert "in a typical mouse" in " ".join(composition[1].labels.caption.split())
    assert_legible(composition)


def test_whose_effect_a_posterior_has_is_said_of_each():
    """Of a linear model the population; by a log link a typical animal."""
    frame = data().assign(day=lambda t: np.arange(len(t)) % 4, x=lambda t: np.arange(len(t)) % 3)
    sloped = fit_of("Power ~ stim + x + (x|day) + (stim|mouse)", frame=frame)
    plain = fit_of("Power ~ stim + (1|mouse)", "gamma", frame)
    first, second = labels_of(ws.side_by_side(sloped, plain, treatment="stim"))
    assert first.splitlines()[1] == "in the population of day and mouse"
    assert second.splitlines()[1] == "in a typical mouse"
    own = plain.contrast("stim", prob=0.95).iloc[0]
    assert rows_of(ws.side_by_side(plain)).loc[0, "estimate"] == pytest.approx(own["mean"], 1e-12)


def test_what_is_not_to_be_trusted_says_so():
    bad = fit_of(divergent=5)
    assert "NOT CONVERGED" in labels_of(ws.side_by_side(bad))[0]
    assert "NOT CONVERGED" not in labels_of(ws.side_by_side(fit_of()))[0]
    flat = data()
    flat["Power"] -= flat.groupby("mouse")["Power"].transform("mean")
    with pytest.warns(ws.ConvergenceWarning):
        singular = ws.lme(FORMULA, flat)
    assert "singular fit" in labels_of(ws.side_by_side(singular))[0]


def test_same_names_are_told_apart_and_rows_counted():
    frame = data()
    a = ws.lme(FORMULA, frame)
    part = ws.lme(FORMULA, frame.iloc[:60])
    composition = ws.side_by_side(a, part, fit_of())
    first, second, _ = labels_of(composition)
    assert first.splitlines()[:2] == ["LME", "stim + (1|mouse)"]
    assert second.splitlines()[0] == "LME"
    caption = " ".join(composition[1].labels.caption.split())
    assert "70" in caption
    assert "60" in caption


@pytest.mark.slow
def test_it_composes_and_is_saved():
    frame = data()
    fit = fit_of()
    composition = ws.side_by_side(
        fit, lme=ws.lme(FORMULA, frame), aov=ws.anova("Power ~ stim", frame, group="mouse")
    )
    out = BytesIO()
    composition.save(out, format="png")
    assert out.getvalue().startswith(b"\x89PNG")
    assert len(data_of(composition[1], geom_ribbon)["key"].unique()) == 1
    assert len(drawn(composition)) > 10_000
    drawn(composition | ws.plot_data(frame, "Power", "stim", "mouse"))
    drawn(composition / ws.plot_data(frame, "Power", "stim", "mouse"))


@pytest.mark.slow
def test_texts_can_be_read():
    frame = data(("saline", "low dose", "high dose"))
    fit = fit_of(frame=frame)
    aov = ws.anova("Power ~ stim", frame, group="mouse")
    for composition in (
        ws.side_by_side(fit, ws.lme(FORMULA, frame), aov, unit="Hz"),
        ws.side_by_side(fit_of(family="gamma"), ws.lme("log(Power) ~ stim + (1|mouse)", data())),
    ):
        assert_legible(composition)


def test_data_are_never_changed():
    frame = data()
    before = frame.copy(deep=True)
    ws.side_by_side(ws.lme(FORMULA, frame), ws.anova("Power ~ stim", frame, group="mouse"))
    pd.testing.assert_frame_equal(frame, before)


def words_of(composition) -> list[str]:
    """What stands above the intervals, from top to bottom."""
    labels = data_of(composition[1], geom_label).sort_values("at", ascending=False)
    return list(labels["label"].astype(str))


@pytest.mark.parametrize("conditions", [("off", "on"), ("off", "low", "high")])
@pytest.mark.slow
def test_in_a_column_the_answers_stand_below_the_pairs(conditions):
    """At 90 mm: the same numbers and words, each text legible as it is."""
    frame = data(conditions)
    fit = fit_of("Power ~ stim + (1|mouse)", frame=frame)
    results = fit, ws.lme(FORMULA, frame), ws.anova("Power ~ stim", frame, group="mouse")
    wide, narrow = ws.side_by_side(*results), ws.side_by_side(*results, width=90, unit="Hz")
    assert isinstance(narrow, Stack)
    figure = narrow.draw()
    assert figure.get_size_inches()[0] * 25.4 == pytest.approx(90)
    plt.close(figure)
    columns = ["key", "kind", "estimate", "lower", "upper"]
    pd.testing.assert_frame_equal(rows_of(narrow)[columns], rows_of(wide)[columns])
    assert set(words_of(narrow)) == set(labels_of(wide))
    assert not labels_of(narrow)
    # Words stand above their own interval, and below the one before.
    heights = [(y, "interval") for y in data_of(narrow[1], geom_point)["y"]]
    answers = data_of(narrow[1], geom_label)
    heights += [(at, "words") for at in answers.loc[answers["label"].str.contains("\n"), "at"]]
    order = [what for _, what in sorted(heights, reverse=True)]
    assert order == ["words", "interval"] * (len(order) // 2)
    assert_legible(narrow)
    assert_legible(ws.side_by_side(*results, width=150))


@pytest.mark.parametrize("width", [79, 301, 0, -90, "wide", True, None, float("nan")])
def test_widths_that_hold_no_figure_are_refused(width):
    with pytest.raises(OptionError, match="width must be a number of mm from 80 to 300"):
        ws.side_by_side(fit_of(), width=width)


@pytest.mark.slow
def test_differences_of_differences_and_strata_are_those_of_each_result():
    rng = np.random.default_rng(5)
    base = data(rows=6)
    frame = base.assign(dose=pd.Categorical(np.tile(["low", "high"], len(base) // 2),
                                            ["low", "high"]))  # fmt: skip
    frame["Power"] += np.where((frame["stim"] == "on") & (frame["dose"] == "high"), 15, 0)
    frame["Power"] += rng.normal(size=len(frame))
    formula = "Power ~ stim * dose + (1|mouse)"
    fit = fit_of(formula, frame=frame)
    lme, aov = ws.lme(formula, frame), ws.anova("Power ~ stim * dose", frame, group="mouse")
    for asked in ({"of": "dose"}, {"by": "dose"}):
        figure = ws.side_by_side(fit, lme, aov, treatment="stim", **asked)
        rows = rows_of(figure)
        own = fit.contrast("stim", prob=0.95, **asked)
        classical = [result.contrast("stim", **asked) for result in (lme, aov)]
        expected = [own[["mean", "hdi_2.5%", "hdi_97.5%"]].to_numpy()]
        expected += [t[["estimate", "ci_2.5%", "ci_97.5%"]].to_numpy() for t in classical]
        np.testing.assert_allclose(
            rows[["estimate", "lower", "upper"]].to_numpy(float),
            np.stack(expected, axis=1).reshape(-1, 3).astype(float),
            rtol=1e-9,
        )
        dots = data_of(figure[0], geom_point).set_index(["group", "treatment"])["x"]
        means = frame.groupby(["mouse", "stim", "dose"], observed=True)["Power"].mean()
        assert len(dots) == len(means)
        for (mouse, stim, dose), value in means.items():
            assert dots[mouse, f"{stim}, {dose}"] == pytest.approx(value, rel=1e-12)
    assert list(rows["contrast"].unique()) == ["on - off, dose = low", "on - off, dose = high"]
    labels = labels_of(ws.side_by_side(aov, treatment="stim:dose"))
    term = aov.table.loc["stim:dose"]
    assert f"F(1, {aov.table.loc['stim:dose:mouse', 'df']:g})" in labels[0]
    assert f"{term['F']:.3g}"[:3] in labels[0]
    with pytest.raises(OptionError, match="of='doze' has no population-level term"):
        ws.side_by_side(fit, lme, treatment="stim", of="doze")
