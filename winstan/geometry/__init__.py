"""Geometry: coordinates in which the posterior is easy for NUTS, from a quick approximate fit."""

from winstan.geometry.coordinates import Geometry, choose_geometry
from winstan.geometry.problem import Problem
from winstan.geometry.standard import TermGeometry, by_row, standard_roots

__all__ = ["Geometry", "Problem", "TermGeometry", "by_row", "choose_geometry", "standard_roots"]
