"""Lazy frames of free row order: each is evaluated once, so that its columns belong together."""

import warnings

import numpy as np
import pandas as pd
import polars as pl
import pytest
from effects_cases import DATA, made

import winstan as ws
from winstan import effects
from winstan.each.groups import partition
from winstan.errors import DataError
from winstan.fitted.pipeline import model_from


class Turning:
    """A lazy frame whose rows come in another order at each evaluation."""

    def __init__(self, data):
        self.runs = 0
        self.frame = pl.DataFrame(data.to_dict("list")).lazy().map_batches(self.turned)

    def turned(self, frame):
        self.runs += 1
        order = np.random.default_rng(self.runs).permutation(len(frame))
        return frame[order]


def repeated():
    """Give 1,920 rows that hold 96 trials."""
    rng = np.random.default_rng(1)
    rows = [
        (f"m{m}", s, f"t{m}_{s}_{t}", k, y)
        for m in range(8)
        for s in (0, 1)
        for t in range(6)
        for y in [rng.gamma(20, 1 + 0.3 * s)]
        for k in range(20)
    ]
    return pd.DataFrame(rows, columns=["mouse", "stim", "trial", "sample", "power"])


@pytest.mark.parametrize("silence", [None, "random_slopes", "all", ("pseudoreplication", "skew")])
def test_a_model_evaluates_a_lazy_frame_once(silence):
    lazy = Turning(repeated())
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        model_from(
            "power ~ stim + (1|mouse)", lazy.frame, "gaussian", {}, link=None, priors=None,
            center=True, weights=None, trials=None, parametrization=None, silence=silence,
        )  # fmt: skip
    assert lazy.runs == 1
    told = [str(w.message) for w in caught if "96 distinct trials" in str(w.message)]
    assert len(told) == (silence in (None, "random_slopes"))


@pytest.mark.parametrize("kind", ["mean", "response"])
def test_predictions_read_a_lazy_frame_once(kind):
    model, p = made("p(hits, of) ~ x + (1|mouse)", "binomial")
    new = pd.DataFrame(
        {
            "mouse": np.repeat(DATA["mouse"].unique(), 10),
            "x": np.repeat(np.arange(DATA["mouse"].nunique(), dtype=float), 10),
        }
    )
    new["of"] = np.repeat(10 ** np.arange(DATA["mouse"].nunique()), 10)
    lazy = Turning(new)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        got = effects.predict(model, p, lazy.frame, kind=kind)
        table = effects.prediction_table(got, 0.9, "eti")
        assert lazy.runs == 1
        order = np.random.default_rng(1).permutation(len(new))
        same = effects.predict(model, p, new.iloc[order], kind=kind)
    pd.testing.assert_frame_equal(table, effects.prediction_table(same, 0.9, "eti"))


def test_groups_of_a_lazy_frame_are_parted_after_one_evaluation():
    lazy = Turning(repeated())
    with pytest.raises(DataError, match="no column 'muose'"):
        partition(lazy.frame, "muose")
    assert lazy.runs == 0
    parts = partition(lazy.frame, ["mouse", "stim"])
    assert lazy.runs == 1
    for k, (mouse, stim) in enumerate(parts.keys):
        assert set(parts.part(k)["mouse"]) == {mouse}
        assert set(parts.part(k)["stim"]) == {stim}


@pytest.mark.parametrize("options", [{"typ": 3}, {"group": "mouse"}])
def test_analysis_of_variance_reads_a_lazy_frame_once(options):
    data = repeated().drop_duplicates("trial")
    lazy = Turning(data)
    got = ws.anova("power ~ C(stim)", lazy.frame, silence="all", **options)
    assert lazy.runs == 1
    expected = ws.anova("power ~ C(stim)", data, silence="all", **options)
    np.testing.assert_allclose(got.table, expected.table, rtol=1e-9)


def test_groups_keep_the_declared_order_by_every_road():
    names = ["vehicle", "low", "high"]
    enum = pl.DataFrame({"dose": pl.Series(names * 4, dtype=pl.Enum(names)), "y": range(12)})
    for data in (enum, enum.lazy(), enum.to_arrow(), enum.to_dict(), enum.to_pandas(),
                 enum.to_pandas(use_pyarrow_extension_array=True)):  # fmt: skip
        assert partition(data, "dose").keys == ("vehicle", "low", "high")
