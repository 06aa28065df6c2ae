"""How much cells say of their mean as the noise is: what `Family.noise_information` holds."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from winstan._typing import Array


@dataclass(frozen=True, slots=True)
class NoiseInformation:
    """The information of cells on their linear predictor, by the number that says how noisy it is.

    Attributes
    ----------
    number : str
        The parameter beside the mean.
    power : float
        Of it, to which the information is proportional: -2 of a standard deviation, 1 of a shape.
    peaks : callable
        ``peaks(statistics)``: per cell, the linear predictor at which the likelihood of its rows is
        highest, and their information there where the number is one, shape (C,) each. Of cells
        without information the peak is any number.
    """

    number: str
    power: float
    peaks: Callable[[Mapping[str, Any]], tuple[Array, Array]]


def normal_peaks(stats: Mapping[str, Any]) -> tuple[Array, Array]:
    """Return those of normal rows under the identity link."""
    return stats["mean_y"], stats["n"]


def gamma_peaks(stats: Mapping[str, Any]) -> tuple[Array, Array]:
    """Return those of gamma rows under the logarithm."""
    some = stats["n"] > 0
    mean = np.divide(stats["sum_y"], stats["n"], out=np.ones_like(stats["n"]), where=some)
    return np.log(mean), stats["n"]
