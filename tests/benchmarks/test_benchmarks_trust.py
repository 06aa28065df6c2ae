"""Pages of what winstan is trusted for: rows that stay, advice that is read, references kept."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from benchmarks import references, sbc_page, verdict
from benchmarks.sbc import cases, stem_of
from benchmarks.verdict_advice import Told, read
from benchmarks.verdict_chains import autoregressive, judged


def rows(*names: str, backend: str = "stan", fits: int = 60) -> pd.DataFrame:
    return pd.DataFrame({"case": names, "backend": backend, "fits": fits})


def test_rows_of_cases_that_were_not_run_again_stay():
    before = pd.concat([rows("poisson none", "gaussian none", "gone"), rows("mo(dose)")])
    found = sbc_page.merged(pd.concat([rows("poisson none", fits=99)]), before)
    assert found["case"].tolist() == ["gaussian none", "poisson none", "mo(dose)"]
    assert found["fits"].tolist() == [60, 99, 60]
    both = sbc_page.merged(rows("gaussian none", backend="pymc"), found)
    assert both["backend"].tolist() == ["stan", "stan", "stan", "pymc"]


def test_ranks_of_several_seeds_are_one_row(tmp_path):
    case = next(cases())
    rng = np.random.default_rng(1)
    for seed in (1, 2):
        stem = f"{stem_of(case.name)}_{seed}"
        ranks = {"quantity": np.repeat(["x", "log likelihood"], 20), "pit": rng.random(40)}
        pd.DataFrame(ranks).to_parquet(tmp_path / f"{stem}.ranks.parquet")
        fits = {"fitted": [True] * 19 + [False], "n_divergent": 0, "ok": True}
        pd.DataFrame(fits).to_parquet(tmp_path / f"{stem}.fits.parquet")
    (row,) = sbc_page.collected(tmp_path).to_dict("records")
    assert (row["fits"], row["failed"], row["quantities"]) == (40, 2, 2)
    assert row["adjusted"] == pytest.approx(min(1.0, 2 * row["smallest_p"]))
    drawn = sbc_page.figure(tmp_path, pd.DataFrame([row]), by_family=False)
    assert drawn is not None
    assert sbc_page.figure(tmp_path, rows("mo(dose)"), by_family=False) is None


def test_every_case_has_a_place_on_the_page():
    placed = set().union(*(structures or set() for _, _, structures, _ in sbc_page.SECTIONS))
    assert {case.structure for case in cases()} <= placed
    names = [case.name for case in cases()]
    assert len({stem_of(name) for name in names}) == len(set(names)) == len(names)


def test_the_advice_of_a_verdict_is_read_by_its_words():
    rng = np.random.default_rng(2)
    good = autoregressive(rng, 0.2, (4, 1000, 1))
    assert read(judged(rng, good)) == Told()
    assert read(judged(rng, good, divergent=40)) == Told(accept=0.99)
    slow = read(judged(rng, autoregressive(rng, 0.95, (4, 1000, 1))))
    assert slow.draws is not None
    assert 2000 < slow.draws < 20_000
    apart = good.copy()
    apart[0] += 3
    assert read(judged(rng, apart)) == Told(draws=4000, warmup=1000)


def test_references_are_read_from_what_pytest_kept(tmp_path):
    kept = "\t".join(["kidiq, y ~ x", "posteriordb", "3", "1.2", "4.5", "Monte Carlo errors"])
    text = (
        '<testsuites><testsuite failures="{}"><testcase><properties>'
        f'<property name="reference" value="{kept.replace(chr(9), "&#9;")}"/>'
        "</properties></testcase></testsuite></testsuites>"
    )
    path = tmp_path / "r.xml"
    path.write_text(text.format(0), encoding="utf-8")
    table, failed = references.read(path)
    assert failed == 0
    assert table["numbers"].tolist() == [3]
    assert "| `kidiq, y ~ x` |       3 |" in references.page(table)
    path.write_text(text.format(1), encoding="utf-8")
    assert references.read(path)[1] == 1


def test_the_page_of_the_verdict_has_a_place_for_every_study():
    sound = pd.DataFrame(
        {"kind": ["a"], "chains": 4, "draws": 100, "parameters": 1, "fits": 200, "called": 1}
    )
    text = verdict.page({"sound": sound})
    assert "1 of 200 sound fits are called unconverged (0.50%)." in text
    assert set(verdict.SHOWN) == set(verdict.STUDIES)
    for name in verdict.STUDIES:
        assert f"<!-- {name} -->" in text


def test_the_page_says_which_cases_have_no_row():
    every = [case.name for case in cases()]
    limits = [case.name for case in cases() if case.structure == "limits"]
    some = rows(*(name for name in every if name not in limits))
    assert sbc_page._not_run(some) == f" Not run yet: {len(limits)} of `limits`, all by PyMC."
    both = pd.concat([rows(*every), rows("gaussian none", backend="pymc")])
    assert sbc_page._not_run(both) == ""
