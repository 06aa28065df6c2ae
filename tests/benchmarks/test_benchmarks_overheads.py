"""The figures beside the sampler's: overheads, first fits, divergences of small designs."""

from __future__ import annotations

import sys
from pathlib import Path
from time import perf_counter

import numpy as np
import pandas as pd
import pytest

from benchmarks import alternatives, divergences, first_fit, overheads
from benchmarks.timed import compilers, peak
from winstan.coordinates.coordinates import LONG_TAIL
from winstan.toolchain import build


@pytest.mark.slow
def test_divergences_of_small_designs_are_counted():
    two, twelve = (divergences.measured(divergences.Small("poisson", n, 1.5, 3)) for n in (2, 12))
    assert two["tail of log sd"] > LONG_TAIL > twelve["tail of log sd"]
    assert two["by default"] == two["at 0.98"]
    assert twelve["by default"] == twelve["at 0.8"] == twelve["at 0.98"] == 0
    # Draws of a chain that forgets at once: one effective draw for each leap of a few gradients.
    assert 1000 / 32 < twelve["bulk"] < 1000
    other = twelve | {"at 0.8": 3.0, "bulk": twelve["bulk"] + 20}
    shown = divergences.shown(pd.DataFrame([two, twelve, other]), "groups")
    assert [cell.strip() for cell in shown.splitlines()[-1].split("|")[1:-1]] == [
        "12", "2", "1", "0", "0", f"{twelve['bulk'] + 10:.0f}", f"{twelve['tail']:.0f}",
    ]  # fmt: skip


@pytest.mark.slow
@pytest.mark.parametrize(
    ("library", "kind"), [("pandas", "text"), ("polars", "category"), ("polars", "number")]
)
def test_overheads_of_frames_are_measured(library, kind):
    figure = overheads.frame(library, kind, 2_000)
    assert (library in figure.what, kind in figure.what) == (True, True)
    assert 0 < figure.wall < np.inf
    assert np.isnan(figure.memory) or 0 <= figure.memory < np.inf
    shown = overheads.table([figure, overheads.Figure("import", 0.4, 0.25)])
    assert shown.splitlines()[-1] == "| import | 0.4 | 0.250 |  |  |"
    assert shown.splitlines()[-2].startswith(f"| {figure.what} | 2 | {figure.wall:.3f} |")


@pytest.mark.slow
@pytest.mark.parametrize(("library", "response"), overheads.LARGE[1:4:2])
def test_a_whole_fit_of_many_rows_is_measured(library, response):
    whole, program = overheads.large_fit(library, response, 3_000)
    assert library in whole.what
    assert response in whole.what
    assert 0 < program.wall < whole.wall < np.inf
    assert np.isnan(whole.memory) or 0 <= whole.memory < np.inf


@pytest.mark.slow
def test_formulas_of_sigma_are_measured_beside_the_fit_without():
    plain, *others = overheads.predicted(3_000, repeats=1)
    assert np.isnan(plain.goal)
    assert len(others) == 2
    for figure in others:
        assert "sigma ~ stim" in figure.what
        assert figure.goal == pytest.approx(2 * plain.wall)
        assert 0 < figure.wall < np.inf


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="/proc is Linux's")
@pytest.mark.slow
def test_the_peak_is_what_was_held_at_once():
    before = np.ones(20_000_000)  # 160 MB, which are no part of it
    del before
    with peak() as grown:
        held = np.ones(10_000_000)
        del held
        held = np.ones(5_000_000)
    after = np.ones(20_000_000)  # nor these
    assert grown() == pytest.approx(80e6, rel=0.1)
    assert held.size < after.size


@pytest.mark.long
def test_compilers_are_timed(tmp_path):
    program = tmp_path / "timed.stan"
    mean = perf_counter()  # a text that the cache does not have
    program.write_text(f"parameters {{ real x; }} model {{ x ~ normal({mean}, 1); }}")
    with compilers() as took:
        start = perf_counter()
        path = build(program, progress=False)
        whole = perf_counter() - start
    path.unlink()
    assert set(took) <= {"timed", "program", "driver"}
    assert 1 < took["timed"] < whole


def test_text_of_polars_is_counted_with_its_views():
    frame = overheads._frame_of("polars", pd.DataFrame({"x": [1.0, 2.0], "g": ["a", "b"]}))
    assert overheads._size(frame) == 2 * (8 + 16)


@pytest.mark.parametrize(
    ("figure", "missed"),
    [
        (overheads.Figure("import", 0.4, 0.39), False),
        (overheads.Figure("import", 0.4, 0.41), True),
        (overheads.Figure("frame", 2.0, 0.1, memory=2.9), False),
        (overheads.Figure("frame", 2.0, 0.1, memory=3.1), True),
        (overheads.Figure("fit", float("nan"), 9.0), False),
        (overheads.Figure("fit", float("nan"), 9.0, memory=3.1), True),
    ],
)
def test_a_goal_missed_is_told(figure, missed):
    assert figure.missed is missed


@pytest.mark.parametrize(("wall", "code"), [(0.1, 0), (0.5, 1)])
def test_overheads_beyond_their_goals_give_exit_code_1(wall, code, monkeypatch, capsys):
    monkeypatch.setattr(overheads, "measured", lambda _: [overheads.Figure("import", 0.4, wall)])
    assert overheads.main([]) == code
    assert ("goal missed: import" in capsys.readouterr().err) == bool(code)


@pytest.mark.parametrize(("second", "code"), [(0.5, 0), (0.1, 1)])
def test_first_fits_beyond_their_goal_give_exit_code_1(second, code, monkeypatch, capsys):
    monkeypatch.setattr(first_fit, "seconds", lambda *_: (2.2, second))
    assert first_fit.main([str(Path("python"))]) == code
    out = capsys.readouterr()
    assert ("gamma" in out.err) == bool(code)
    assert len(out.out.splitlines()) == 2 + len(first_fit.FAMILIES)


def test_other_coordinates_of_predictors_are_those_predictors():
    X = alternatives.correlated_counts().filter(like="x").to_numpy()
    b = np.random.default_rng(1).normal(size=X.shape[1])
    found = {name: (V, back) for name, V, back in alternatives.coordinates(X)}
    for V, back in found.values():
        np.testing.assert_allclose(V @ b, (X - X.mean(axis=0)) @ (back @ b), atol=1e-9)
    np.testing.assert_allclose(found["standardised"][0].std(axis=0), 1)
    Q = found["QR"][0]
    np.testing.assert_allclose(Q.T @ Q / len(Q), np.eye(X.shape[1]), atol=1e-12)
