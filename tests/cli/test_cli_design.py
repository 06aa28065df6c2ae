"""``winstan design``: a plan from a file."""

from __future__ import annotations

import pandas as pd
import pytest

import winstan as ws
from winstan.cli import main

STATED = ["--truth", "sigma=1", "--truth", "1|mouse_sigma=1", "--truth", "stim|mouse_sigma=0.4"]
QUICK = ["--method", "anova", "--simulations", "10", "--jobs", "1", "--seed", "1", "--quiet"]


@pytest.fixture(scope="module")
def layout(tmp_path_factory):
    path = tmp_path_factory.mktemp("plan") / "layout.csv"
    ws.layout(mouse=6, stim=["a", "b"], trial=3).to_csv(path, index=False)
    return str(path)


@pytest.mark.slow
def test_a_plan_is_printed_and_written(layout, tmp_path, capsys):
    formula = "y ~ stim + (stim|mouse)"
    asked = ["design", layout, formula, "--effect", "stim=2", "--n", "mouse=4,7", *STATED, *QUICK]
    for _ in range(2):  # results of winstan's own are replaced
        assert main([*asked, "--out", str(tmp_path)]) == 0
    assert "80% power" in capsys.readouterr().out
    table = pd.read_csv(tmp_path / "design.csv")
    assert table["mouse"].tolist() == [4, 7]
    assert len(pd.read_csv(tmp_path / "studies.csv")) == 2 * 2 * 10
    assert (tmp_path / "power.png").exists()


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--effect", "stim=two"], "'two' is no number"),
        (["--effect", "stim=1", "--n", "mouse=4;6"], "whole numbers with commas"),
        (["--effect", "stim=1"], "truth= was not given"),
        (["--effect", "stim=1", "--weights", "trial"], "--weights"),
    ],
)
def test_bad_input_is_one_line(layout, options, words, capsys):
    assert main(["design", layout, "y ~ stim + (1|mouse)", *options, *QUICK]) == 2
    said = capsys.readouterr().err
    assert words in said
    assert said.count("\n") == 1
