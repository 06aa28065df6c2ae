"""Stan's CSV, whoever wrote it."""

from __future__ import annotations

import numpy as np
import pytest

from winstan.errors import BackendError
from winstan.toolchain.stancsv import join_chains, read_chain

HEAD = """\
# stan_version_major = 2
# method = sample (Default)
#   sample
#     save_warmup = true
# data
#   file = data.json
lp__,accept_stat__,mu,beta.1.1,beta.2.1,beta.1.2,beta.2.2,beta.1.3,beta.2.3
"""
WARMUP = "-9,0.1,99,99,99,99,99,99,99\n"
DRAWS = "-1.5,0.9,1e-3,11,21,12,22,13,23\n-2.5,0.8,inf,-11,nan,-12,-22,-13,-23\n"
TIMES = """\
#
#  Elapsed Time: 0.25 seconds (Warm-up)
#                1.5e-02 seconds (Sampling)
#                0.265 seconds (Total)
#
"""
DIAGONAL = "# Diagonal elements of inverse mass matrix:\n# 0.5, 2, 4e-2\n"
DENSE = "# Elements of inverse mass matrix:\n# 0.5,0.1\n# 0.1,2\n"


def chain(tmp_path, *parts):
    path = tmp_path / "chain.csv"
    path.write_text("".join(parts))
    return read_chain(path)


@pytest.mark.parametrize("warmup", ["", WARMUP, WARMUP * 3])
@pytest.mark.parametrize(
    ("metric", "expected"),
    [
        (DIAGONAL, [0.5, 2, 0.04]),
        (DENSE, [[0.5, 0.1], [0.1, 2]]),
        ("# Diagonal elements of inverse mass matrix:\n# 0.5\n", [0.5]),
        ("# Elements of inverse mass matrix:\n# 0.5\n", [[0.5]]),
        ("# No free parameters for unit metric\n", []),
    ],
)
def test_a_chain(tmp_path, warmup, metric, expected):
    adapted = "# Adaptation terminated\n# Step size = 0.75\n"
    found = chain(tmp_path, HEAD, warmup, adapted, metric, DRAWS, TIMES)
    assert found.columns[:4] == ("lp__", "accept_stat__", "mu", "beta.1.1")
    np.testing.assert_array_equal(found.values[:, 0], [-1.5, -2.5])
    np.testing.assert_array_equal(found.values[:, 2], [0.001, np.inf])
    assert np.isnan(found.values[1, 4])
    assert found.step_size == 0.75
    np.testing.assert_array_equal(found.inv_metric, expected)
    assert found.seconds == (0.25, 0.015)


def test_without_adaptation_or_end(tmp_path):
    found = chain(tmp_path, HEAD, DRAWS)
    assert found.values.shape == (2, 9)
    assert np.isnan(found.step_size)
    assert np.isnan(found.seconds).all()


def test_raw_draws_beside_the_comments(tmp_path):
    values = np.random.default_rng(3).normal(size=(5, 9))
    raw = tmp_path / "chain.csv.raw"
    raw.write_bytes(values.tobytes())
    adapted = "# Adaptation terminated\n# Step size = 0.75\n"
    found = chain(tmp_path, HEAD, adapted, DIAGONAL, TIMES)
    np.testing.assert_array_equal(found.values, values)
    assert found.step_size == 0.75
    assert found.seconds == (0.25, 0.015)
    raw.write_bytes(values.tobytes()[:-12])  # killed within the last row
    np.testing.assert_array_equal(chain(tmp_path, HEAD).values, values[:4])
    raw.write_bytes(b"")
    assert chain(tmp_path, HEAD).values.shape == (0, 9)


def test_a_chain_that_wrote_nothing(tmp_path):
    for parts in ([], ["# method = sample\n"], ["# method = sample\n", "lp__,mu"]):
        with pytest.raises(BackendError, match="no draws"):
            chain(tmp_path, *parts)
    with pytest.raises(BackendError, match=r"no draws to none\.csv"):
        read_chain(tmp_path / "none.csv")
    assert chain(tmp_path, HEAD, "# Adaptation terminated\n# Step size = 1\n", DIAGONAL,
                 TIMES).values.shape == (0, 9)  # fmt: skip


def test_variables_have_stans_own_dimensions(tmp_path):
    found = chain(tmp_path, HEAD, DRAWS)
    raw = join_chains([found, found], wall=0.5, command=("a",), messages=())
    assert raw.columns[0] == "mu"
    assert set(raw.sampler) == {"lp__", "accept_stat__"}
    assert (raw.chains, raw.draws) == (2, 2)
    assert raw.variable("mu").shape == (2, 2)
    np.testing.assert_array_equal(raw.variable("beta")[1, 0], [[11, 12, 13], [21, 22, 23]])
