"""Half a million rows beside five hundred: what is counted, and what misses its goal."""

from __future__ import annotations

import pytest

from benchmarks import many_rows
from benchmarks.family_designs import design_of, responses
from winstan.families import FAMILIES


@pytest.mark.parametrize("family", FAMILIES)
def test_every_family_has_responses_and_terms_to_count(family):
    terms = [
        many_rows._terms(design_of(FAMILIES[family]), responses(family, rows=rows))
        for rows in (many_rows.FEW, 4 * many_rows.FEW)
    ]
    assert terms[0] >= 40  # its cells
    assert terms[1] <= 4 * terms[0]


@pytest.mark.parametrize(
    ("terms", "seconds", "code"),
    [((40, 40), (1.0, 1.9), 0), ((40, 40), (1.0, 2.1), 1), ((100, 900), (1.0, 17.0), 0)],
)
def test_time_is_to_grow_as_the_terms_of_the_likelihood_do(
    terms, seconds, code, monkeypatch, capsys
):
    monkeypatch.setattr(many_rows, "growth", lambda name, _: many_rows.Growth(name, terms, seconds))
    assert many_rows.main(["--families", "gamma"]) == code
    told = capsys.readouterr()
    assert ("goal missed: gamma" in told.err) == bool(code)
    assert f"{terms[1]:,}" in told.out


def test_unknown_families_are_told(capsys):
    with pytest.raises(SystemExit):
        many_rows.main(["--families", "gama"])
    assert "no family 'gama'" in capsys.readouterr().err
