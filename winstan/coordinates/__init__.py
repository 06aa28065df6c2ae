"""Coordinates in which the posterior is easy for NUTS, from a quick approximate fit."""

from winstan.coordinates.choosing import choose_coordinates
from winstan.coordinates.coordinates import Coordinates
from winstan.coordinates.standard import TermCoordinates, by_row, standard_roots

__all__ = [
    "Coordinates",
    "TermCoordinates",
    "by_row",
    "choose_coordinates",
    "standard_roots",
]
