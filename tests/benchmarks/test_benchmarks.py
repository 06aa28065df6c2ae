"""The benchmark's own arithmetic, its tables and its command line."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path

import arviz_stats
import numpy as np
import pytest
import xarray as xr
from scipy import stats

from benchmarks import table as tables
from benchmarks.designs import DESIGNS, MAIN
from benchmarks.engine import Sample
from benchmarks.engines import ENGINES, model_of
from benchmarks.family_designs import FAMILY_DESIGNS
from benchmarks.figure import figure
from benchmarks.measures import FitRecord, Means, judged, largest_z, typical, z_bar
from benchmarks.other_designs import OTHERS
from benchmarks.page import machine, page
from benchmarks.processes import Limits, Outcome
from benchmarks.run import _designs, _rows, main
from benchmarks.table import Row, gains, number, row_of

GOOD = FitRecord(wall=2.0, bulk=1000.0, tail=800.0, r_hat=1.001, steps=7.0, divergences=0.0)


def autoregressive(rng: np.random.Generator, rho: float, *shape: int) -> np.ndarray:
    noise = rng.standard_normal((4, 1000, *shape))
    out = np.empty_like(noise)
    out[:, 0] = noise[:, 0]
    for t in range(1, 1000):
        out[:, t] = rho * out[:, t - 1] + math.sqrt(1 - rho**2) * noise[:, t]
    return out


def outcome_of(*fits: FitRecord, mean: float = 0.0, problem: str = "") -> Outcome:
    means = Means(("a", "b"), np.array([mean, 1.0]), np.array([0.3, 0.4]))
    return Outcome(tuple(fits), 3e8, means if fits else None, problem)


# The worst of all scalars, be it one of many group effects.


def test_ess_is_that_of_the_worst_scalar():
    rng = np.random.default_rng(1)
    slow = autoregressive(rng, 0.95)
    group = np.stack([autoregressive(rng, 0.0), slow, autoregressive(rng, 0.0)], axis=2)
    sample = Sample({"b": autoregressive(rng, 0.0), "1|g": group}, np.full((4, 1000), 7))
    record, means = judged(sample, wall=3.0)
    alone = xr.Dataset({"x": (("chain", "draw"), slow)})
    assert record.bulk == pytest.approx(float(arviz_stats.ess(alone, method="bulk")["x"]))
    assert record.r_hat == pytest.approx(float(arviz_stats.rhat(alone)["x"]))
    # an AR(1) chain has n (1 - rho) / (1 + rho) effective draws
    assert record.bulk == pytest.approx(4000 * 0.05 / 1.95, rel=0.35)
    assert (record.wall, record.steps) == (3.0, 7.0)
    assert means.names == ("b", "1|g.0", "1|g.1", "1|g.2")
    assert means.mean == pytest.approx([sample.posterior["b"].mean(), *group.mean(axis=(0, 1))])


def test_point_estimates_have_no_ess():
    record, means = judged(Sample({}), wall=1.0)
    assert record.wall == 1.0
    assert math.isnan(record.bulk)
    assert means.names == ()


# Agreement of means.


def test_largest_z_pairs_scalars_by_name():
    a = Means(("x", "y"), np.array([1.0, 5.0]), np.array([0.3, 0.6]))
    b = Means(("y", "x"), np.array([2.0, 1.5]), np.array([0.8, 0.4]))
    assert largest_z(a, b) == pytest.approx(max(0.5 / 0.5, 3.0 / 1.0))


def test_other_parameters_are_refused():
    a = Means(("x",), np.zeros(1), np.ones(1))
    with pytest.raises(ValueError, match="different parameters"):
        largest_z(a, replace(a, names=("y",)))


@pytest.mark.parametrize("scalars", [1, 10, 4000])
def test_bar_is_passed_once_in_ten_thousand(scalars):
    by_chance = 1 - (1 - 2 * stats.norm.sf(z_bar(scalars))) ** scalars
    assert by_chance == pytest.approx(1e-4, rel=0.01)


def compared(outcome: Outcome, engine: str = "rowwise", design: str = "lfp") -> Row:
    return row_of(DESIGNS[design], ENGINES[engine], 480, outcome, outcome_of(GOOD, GOOD))


def test_means_are_judged():
    assert compared(outcome_of(GOOD, GOOD)).means == "agree"
    apart = compared(outcome_of(GOOD, GOOD, mean=6.0))
    assert apart.z == pytest.approx(6.0 / math.hypot(0.3, 0.3))
    assert apart.means == "disagree"
    missing = compared(outcome_of(GOOD, GOOD, mean=float("nan")))
    assert missing.means == "disagree"


@pytest.mark.parametrize("change", [{"bulk": 150.0}, {"tail": 150.0}, {"r_hat": 1.2}])
def test_bad_chains_are_no_disagreement(change):
    bad = replace(GOOD, **change)
    assert compared(outcome_of(GOOD, bad, mean=6.0)).means == "not converged"


def test_another_model_is_not_compared():
    row = compared(outcome_of(GOOD, GOOD, mean=6.0), "bambi", "sleepstudy")
    assert row.means == "other model"
    assert math.isnan(row.z)


# Cold and warm.


def test_medians_are_of_warm_fits():
    cold = replace(GOOD, wall=30.0, bulk=10.0)
    warm = [replace(GOOD, wall=wall, bulk=bulk) for wall, bulk in [(1, 900), (2, 1000), (4, 3000)]]
    row = compared(outcome_of(cold, *warm))
    assert (row.cold, row.wall, row.fits) == (30.0, 2.0, 3)
    assert row.ess_bulk == 1000
    assert row.bulk_per_s == 750  # the median of 900, 500 and 750, not 1000 / 2


def test_worst_r_hat_and_divergences_are_kept():
    facts = typical([GOOD, replace(GOOD, r_hat=1.3, divergences=4.0), GOOD])
    assert (facts["r_hat"], facts["divergences"]) == (1.3, 4.0)


def test_a_cold_fit_alone_is_not_called_warm():
    row = compared(outcome_of(replace(GOOD, wall=50.0), problem="> 60 s"))
    assert math.isnan(row.wall)
    assert row.fits == 0
    assert row.ess_bulk == 1000
    assert math.isnan(row.bulk_per_s)  # for its time was spent on compiling, too
    assert row.status == "> 60 s"


# Tables.


def rows() -> list[Row]:
    return [
        Row(
            "lfp",
            "winstan",
            480,
            "ok",
            cold=1.0,
            wall=0.5,
            fits=3,
            bulk_per_s=9000.0,
            tail_per_s=4000.0,
            divergences=0.0,
        ),
        Row("lfp", "winstan-pymc", 480, "ok", wall=2.0, fits=3, bulk_per_s=1500.0),
        Row("lfp", "bambi", 480, "ok", wall=60.0, fits=1, bulk_per_s=15.0, tail_per_s=50.0),
        Row("lfp", "rowwise", 480, "ok", wall=20.0, fits=1, bulk_per_s=30.0, tail_per_s=40.0),
        Row("lfp", "bambi-nutpie", 480, "> 600 s"),
        Row("lfp", "mixedlm", 480, "ok", wall=0.1, fits=3),
    ]


def test_gain_is_over_the_best_peer():
    (gain,) = gains(tables.framed(rows())).to_dict("records")
    assert (gain["peer"], gain["gain"], gain["goal"]) == ("rowwise", 300.0, 300)
    assert gain["tail_gain"] == 80.0  # bambi's tails are better than those of the best in bulk
    assert gain["smaller_gain"] == 4000 / 30  # which is its bulk
    assert gain["ended"] == "bambi-nutpie > 600 s"
    quick = replace(rows()[2], sampling=2.0, ess_bulk=900.0)  # what bambi compiles takes 58 s
    (gain,) = gains(tables.framed([*rows()[:2], quick, rows()[3]])).to_dict("records")
    assert (gain["gain"], gain["sampling_gain"]) == (300.0, 20.0)


def test_gain_where_no_peer_finished_is_over_one_of_perfect_draws():
    own = Row("lfp", "winstan", 480, "ok", wall=0.5, bulk_per_s=9000.0, tail_per_s=4000.0)
    ended = [Row("lfp", "bambi", 480, "> 200 s"), Row("lfp", "rowwise", 480, "> 100 s")]
    table = tables.framed([own, *ended])
    (gain,) = gains(table).to_dict("records")
    assert gain["at_least"] == 9000 / (4 * 1000 / 100)
    assert gain["tail_at_least"] == 4000 / (4 * 1000 / 100)
    (line,) = tables.summary(table).splitlines()[2:]
    assert [cell.strip() for cell in line.split("|")[5:8]] == ["> 225", "> 100", "> 100"]
    assert line.split("|")[-2].strip() == "bambi-nutpie"
    # Of a peer that failed nothing is known.
    failed = Row("lfp", "bambi-nutpie", 480, "failed")
    (gain,) = gains(tables.framed([*ended, own, failed])).to_dict("records")
    assert np.isnan(gain["at_least"])
    assert np.isnan(gains(tables.framed(rows()))["at_least"]).all()
    # nor of one that wanted too much memory, or that was not compiled in time
    for status in ("> 12 GB", "> 600 s compiling"):
        other = Row("lfp", "bambi-nutpie", 480, status)
        (gain,) = gains(tables.framed([*ended, own, other])).to_dict("records")
        assert np.isnan(gain["at_least"])
        assert tables.missed(tables.framed([*ended, own, other])) == ["LFP, 480 rows"]


def test_goals_not_reached_are_named():
    table = tables.framed(rows())
    assert tables.missed(table) == []
    assert tables.missed(table, "smaller_") == ["LFP, 480 rows"]
    assert "By bulk ESS/s, all are reached." in tables.goals(table)
    # nothing is missed where no peer was tried, or nothing of winstan's
    assert tables.missed(tables.framed([replace(rows()[0], design="lfp-480k")])) == []
    assert tables.missed(tables.framed(rows()[2:])) == []
    assert "tail ESS/s, not reached: LFP, 480 rows." in tables.goals(table)


def test_faults_of_winstans_own_are_named():
    good = replace(rows()[0], divergences=0.0, r_hat=1.02)
    assert tables.faults(tables.framed([good])) == []
    assert "There are no divergences." in tables.goals(tables.framed([good]))
    diverged = replace(good, divergences=3.0)
    assert tables.faults(tables.framed([diverged])) == ["LFP, 480 rows: 3 divergences"]
    theirs = replace(diverged, engine="bambi")
    assert tables.faults(tables.framed([theirs])) == []
    large = replace(good, design="insteval")
    (fault,) = tables.faults(tables.framed([large]))
    assert fault.endswith("R-hat 1.0200")
    assert tables.faults(tables.framed([replace(large, r_hat=1.005)])) == []
    (fault,) = tables.faults(tables.framed([replace(large, r_hat=1.005, wall=1300.0)]))
    assert fault.endswith(": 1300 s")
    assert tables.faults(tables.framed([replace(large, r_hat=float("nan"))]))
    assert tables.faults(tables.framed([Row("lfp", "winstan", 480, "> 150 s")]))


def test_engines_of_several_runs_are_told():
    table = tables.framed([replace(row, run="2026-11-25T08:00:00+00:00") for row in rows()])
    assert "480 rows. Run of 2026-11-25 08:00 UTC." in tables.of_design(table, "lfp")
    table.loc[0, "run"] = "2026-11-26T08:00:00+00:00"
    several = "Run of 2026-11-25 08:00 and 2026-11-26 08:00 UTC."
    assert f"480 rows. {several}" in tables.of_design(table, "lfp")


def test_a_best_peer_that_has_not_converged_is_told():
    good = [replace(row, ess_bulk=900.0, ess_tail=800.0, r_hat=1.01) for row in rows()]
    assert "not converged" not in tables.summary(tables.framed(good))
    for wrong in ({"r_hat": 1.2}, {"ess_bulk": 20.0}, {"ess_tail": 20.0}, {"r_hat": float("nan")}):
        table = tables.framed([good[0], *(replace(row, **wrong) for row in good[1:])])
        (line,) = tables.summary(table).splitlines()[2:]
        assert "row-wise Stan, not converged: 30" in line


def test_what_was_ended_is_shown():
    text = tables.of_design(tables.framed(rows()), "lfp")
    (line,) = [line for line in text.splitlines() if line.startswith("| bambi (nutpie)")]
    assert line.split("|")[2].strip() == "> 600 s"
    # point estimates have a time and nothing else
    (line,) = [line for line in text.splitlines() if line.startswith("| point estimates")]
    assert [cell.strip() for cell in line.split("|")[2:-1]] == ["0.1", *[""] * 12]


@pytest.mark.slow
def test_the_page_is_that_of_the_table():
    """All of it but what it says of the machine."""
    docs = Path(__file__).parents[2] / "docs"
    table = tables.read(docs / "benchmarks.csv")
    written = (docs / "benchmarks.md").read_text(encoding="utf-8").split("\n\n")
    made = page(table, tables.growth(table)).split("\n\n")
    machine_, started = made.index(machine()), ("`import winstan`", "Driver and one template")
    kept = [part for part in written if not part.startswith(started)]
    assert kept.pop(machine_).startswith("Measured on")
    made.pop(machine_)
    assert kept == made


def test_growth_with_rows():
    longer = Row("lfp-480k", "winstan", 480_000, "ok", wall=0.6, fits=3)
    (line,) = tables.growth(tables.framed([*rows(), longer]))
    assert line.endswith(": 1.20 (480,000 rows).")
    assert tables.growth(tables.framed(rows())) == []
    # a machine's speed is another on another day
    own, later = rows()[0], replace(longer, run="2026-11-26T08:00:00+00:00")
    near = replace(own, run="2026-11-26T07:30:00+00:00")
    assert tables.growth(tables.framed([near, later]))
    far = replace(own, run="2026-11-25T08:00:00+00:00")
    assert tables.growth(tables.framed([far, later])) == []


def test_file_keeps_what_was_not_run_again(tmp_path):
    path = tmp_path / "results.csv"
    tables.write(rows(), path)
    tables.write([Row("lfp", "bambi", 480, "failed")], path)
    again = tables.read(path)
    assert list(again["engine"]) == [name for name in ENGINES if name in set(again["engine"])]
    assert again.set_index("engine")["status"].to_dict()["bambi"] == "failed"
    assert again.set_index("engine")["bulk_per_s"].to_dict()["rowwise"] == 30.0
    assert len(again) == len(rows())


@pytest.mark.parametrize(
    ("value", "text"), [(0, "0"), (0.1234, "0.123"), (99.96, "100"), (12345.6, "12,346")]
)
def test_numbers(value, text):
    assert number(value) == text
    assert number(float("nan")) == ""


# The command line.


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--designs", "lpf"], "no design 'lpf'"),
        (["--engines", "winstan,stan"], "no engine 'stan'"),
        (["--repeats", "0"], "positive int"),
        (["--table"], "--out"),
    ],
)
def test_wrong_arguments(arguments, said, capsys):
    with pytest.raises(SystemExit) as caught:
        main(arguments)
    assert caught.value.code == 2
    assert said in capsys.readouterr().err


def test_others_are_named_together_and_shown_apart():
    every = [design.name for design in FAMILY_DESIGNS]
    assert [*MAIN, *(design.name for design in OTHERS), *every] == list(DESIGNS)
    assert [design.name for design in _designs("families")] == every
    names = [design.name for design in _designs("others")]
    assert names == [design.name for design in OTHERS]
    assert [design.name for design in _designs("main")] == list(MAIN)
    assert [design.name for design in _designs("main,oats,lfp")] == [*MAIN, "oats"]
    table = tables.framed([replace(rows()[0], design=name) for name in ("lfp", "oats")])
    first, second = page(table, []).split("## Other designs")
    assert "| LFP, 480 rows" in first
    assert "| Oats, a split plot" not in first
    assert second.index("| Oats, a split plot") < second.index("## Designs")


@pytest.mark.parametrize("design", OTHERS, ids=lambda design: design.name)
def test_goals_of_others_are_those_of_their_kind(design):
    model = model_of(design.formula, design.family, design.data())
    factors = {group.factor for group in model.design.groups}
    per_cell = len(model.cells.of_row) / len(model.cells.weight)
    gaussian = design.family == "gaussian" and len(factors) == 1
    of_cells = 100 if per_cell >= 20 else 25 if gaussian else 10
    assert design.goal == (25 if model.formula.curves else of_cells)


@pytest.mark.parametrize("design", FAMILY_DESIGNS, ids=lambda design: design.name)
def test_every_family_of_bambi_has_responses_that_it_can_have(design):
    data = design.data()
    assert model_of(design.formula, design.family, data, design.link).cells.n <= len(data)
    assert not data.isna().any(axis=None)


def test_a_goal_of_the_smaller_is_judged_by_the_smaller():
    own, other = rows()[0], rows()[2]
    table = tables.framed(
        [
            replace(own, design="family-gamma", bulk_per_s=2600.0, tail_per_s=2400.0),
            replace(other, design="family-gamma", bulk_per_s=100.0, tail_per_s=100.0),
        ]
    )
    assert tables.missed(table) == [DESIGNS["family-gamma"].title]
    assert tables.missed(table.assign(tail_per_s=[2600.0, 100.0])) == []


@pytest.mark.slow
def test_the_figure_has_a_mark_for_each_rate():
    table = tables.framed([*rows(), replace(rows()[0], design="oats")])
    drawn = figure(table)
    shown = table[table["bulk_per_s"].notna() & (table["design"] == "lfp")]
    assert sorted(drawn.data["rate"]) == sorted(shown["bulk_per_s"])
    assert list(drawn.data["engine"]) == [ENGINES[name].title for name in shown["engine"]]
    assert set(drawn.data["design"]) == {"LFP, 480 rows"}
    assert drawn.labels.caption == "LFP, 480 rows: ended were bambi (nutpie) (> 600 s)."
    drawn.draw()


def test_an_engine_without_the_family_has_no_row(monkeypatch, tmp_path):
    monkeypatch.setattr("benchmarks.run.run_engine", lambda *_: outcome_of(GOOD, GOOD))
    limits = Limits(budget=1, memory=1e9, repeats=1)

    def engines_of(name: str) -> list[str]:
        rows = _rows(DESIGNS[name], list(ENGINES.values()), limits, tmp_path)
        return [row.engine for row in rows]

    assert engines_of("cbpp") == list(ENGINES)
    without = {"mixedlm", "lme4", "glmmTMB"}  # Student's t
    assert engines_of("radon-t") == [name for name in ENGINES if name not in without]


def test_disagreement_gives_exit_code_1(tmp_path, capsys):
    path = tmp_path / "results.csv"
    tables.write(rows(), path)
    assert main(["--table", "--out", str(path)]) == 0
    tables.write([replace(rows()[3], means="disagree")], path)
    assert main(["--table", "--out", str(path)]) == 1
    assert "rowwise: ok disagree" in capsys.readouterr().err


def test_a_goal_not_reached_gives_exit_code_1(tmp_path):
    path = tmp_path / "results.csv"
    tables.write([replace(rows()[0], bulk_per_s=8000.0), *rows()[1:]], path)
    assert main(["--table", "--out", str(path)]) == 1
