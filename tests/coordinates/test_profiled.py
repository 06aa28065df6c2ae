"""Coordinates that follow one number along its profile: the shift of a lognormal, and all else."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from models import model_of
from scipy import stats

import winstan as ws
from winstan.coordinates import along_profile
from winstan.coordinates.profiled import Profiled
from winstan.unconstrained import coordinate_sizes, sampled_at


def times(rows=48, groups=0, seed=1):
    """Reaction times of a known shift, 0.3, in two conditions."""
    rng = np.random.default_rng(seed)
    data = pd.DataFrame({"x": np.tile([0.0, 1.0], rows // 2)})
    mean = -0.5 + 0.4 * data["x"]
    if groups:
        data["g"] = np.repeat(np.arange(groups), rows // groups)
        mean = mean + rng.normal(0, 0.3, groups)[data["g"]]
    return data.assign(y=0.3 + np.exp(mean + 0.4 * rng.normal(size=rows)))


def at_coordinates(model, points):
    """The model's quantities at points of the whole line, in the order of `coordinate_sizes`."""
    sizes = coordinate_sizes(model)
    parts = np.split(points, np.cumsum(list(sizes.values()))[:-1], axis=-1)
    return sampled_at(model, {n: p[None] for n, p in zip(sizes, parts, strict=True)}, 0)


def test_others_follow_the_shift_at_constant_medians():
    """The median, ndt + exp(mu), hardly moves with ndt, nor does the distribution's slope there.

    The latter is 1 / (sigma exp(mu) sqrt(2 pi)).
    """
    data = times()
    model = model_of("y ~ x", data, "shifted_lognormal")
    assert model.coordinates.profiled.any
    points = np.zeros((5, 4))
    points[:, 3] = np.linspace(-2, 2, 5)  # ndt's own coordinate, all else at its middle
    found = at_coordinates(model, points)
    sigma, ndt = found.aux[0].T * np.array([[1.0], [data["y"].min()]])  # sampled as a share
    beyond = np.exp(found.beta[0, :, 0])
    assert np.ptp(ndt) > 0.5 * data["y"].min()
    assert np.ptp(ndt + beyond) < 0.1 * np.ptp(beyond)
    assert np.ptp(np.log(sigma * beyond)) < 0.2 * np.ptp(np.log(beyond))


def test_of_no_groups_the_number_is_standard_normal_in_its_coordinate():
    """Its posterior by quadrature of sigma and both means, flat priors all but about normal."""
    data = times(rows=32)
    priors = {"Intercept": ws.Normal(0, 50), "x": ws.Normal(0, 50), "sigma": ws.HalfNormal(50)}
    model = model_of("y ~ x", data, "shifted_lognormal", priors=priors)
    raw = np.linspace(-3, 3, 61)
    points = np.zeros((raw.size, 4))
    points[:, 3] = raw
    share = at_coordinates(model, points).aux[0, :, 1]
    # Both means and log sigma integrate to |S|^-(n - 2) / 2 of the residual sum of squares; the
    # Jacobian of log(y - ndt), and a uniform prior of the share.
    y, group = data["y"].to_numpy(), data["x"].to_numpy() == 1
    log_density = []
    for own in share:
        z = np.log(y - own * y.min())
        within = sum(np.square(z[part] - z[part].mean()).sum() for part in (group, ~group))
        # (sigma has a flat prior, not its logarithm: one power less)
        log_density.append(-0.5 * (y.size - 3) * np.log(within) - z.sum())
    log_density = np.array(log_density) + np.log(np.gradient(share, raw))
    density = np.exp(log_density - log_density.max())
    distribution = np.cumsum(density) / density.sum()
    assert np.abs(distribution - stats.norm.cdf(raw)).max() < 0.08


def test_the_map_has_the_jacobian_that_the_density_is_told(monkeypatch):
    """By differences of all quantities, against the triangular product."""
    model = model_of("y ~ x", times(), "shifted_lognormal")
    coordinates = model.coordinates
    point, step = np.array([0.4, -0.7, 0.5, 1.1]), 1e-5 * np.eye(4)
    both = at_coordinates(model, np.concatenate([point + step, point - step]))
    free = np.column_stack(
        [
            both.beta[0],
            np.log(both.aux[0, :, 0]),
            np.log(both.aux[0, :, 1] / (1 - both.aux[0, :, 1])),
        ]
    )
    slope = (free[:4] - free[4:]) / 2e-5
    own, power = coordinates.profiled, coordinates.profiled.powers(point[2:])
    # Of log(1 + exp(-3 x)) / 3 the derivative is -1 / (1 + exp(3 x)).
    beyond = 3 * (point[2:] - coordinates.aux_knot)
    of_numbers = coordinates.aux_scale.diagonal() - coordinates.aux_skew / (1 + np.exp(beyond))
    expected = (
        np.log(np.diag(coordinates.decorrelation.remaining_scale)).sum()
        + (own.log_scale @ power).sum()
        + (own.aux_log_scale @ power).sum()
        + np.log(of_numbers).sum()
    )
    np.testing.assert_allclose(np.linalg.slogdet(slope)[1], expected, rtol=1e-6)


def test_nothing_follows_where_the_shift_has_no_number_or_the_family_asks_for_none():
    assert not model_of("y ~ x", times(), "lognormal").coordinates.profiled.any
    none = Profiled.nothing(2, 1)
    assert none.powers(np.zeros((3, 2))).shape == (3, 0)


@pytest.mark.slow
def test_few_rows_have_no_divergences():
    """Before, one in nine of such fits had some, and one in four wanted more draws."""
    for seed in range(3):
        data = times(48, 8, seed)
        fit = ws.fit("y ~ x + (1|g)", data, "shifted_lognormal", silence="random_slopes")
        assert fit.diagnostics.ok, fit.verdict


def test_polynomials_meet_the_fits_they_are_laid_through(monkeypatch):
    """Within half of a coefficient's width, which is a small part of what they move by."""
    met = {}
    laid = along_profile._laid

    def spied(coordinates, problem, profile):
        found = laid(coordinates, problem, profile)
        met.update(coordinates=coordinates, problem=problem, profile=profile, found=found)
        return found

    monkeypatch.setattr(along_profile, "_laid", spied)
    model_of("y ~ x", times(), "shifted_lognormal")
    grid = np.linspace(-3, 3, 601)
    location, scale, skew, knot = met["profile"].coordinates[met["profile"].number]
    own = location + scale * grid + skew / 3 * np.log1p(np.exp(-3 * (grid - knot)))
    x = np.interp(met["profile"].at, own, grid)
    rows = [along_profile._at(met["coordinates"], met["problem"], f) for f in met["profile"].fits]
    middle = rows[met["profile"].middle]
    power = met["found"].powers(np.column_stack([0 * x, x]))
    moved = np.array([row["location"] - middle["location"] for row in rows])
    off = moved - power @ met["found"].location.T
    width = np.exp([row["log_scale"] for row in rows])
    root = np.linalg.inv(met["coordinates"].decorrelation.remaining_scale)
    inside = np.abs(x) < 2.9
    assert np.abs((off @ root.T / width)[inside]).max() < 0.5
    assert np.abs((moved @ root.T / width)[inside]).max() > 5
