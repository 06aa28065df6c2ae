"""Design: the matrices of a model, on the distinct rows of its predictors."""

from winstan.design.calls import levels_coded, levels_of
from winstan.design.design import Design
from winstan.design.evaluation import MEAN, Term
from winstan.design.matrices import build_design
from winstan.design.monotonic import Monotone, ordered_levels, product_of_heights
from winstan.design.new_rows import NewRows, evaluate
from winstan.design.random_terms import RandomTerm
from winstan.design.response import Response
from winstan.design.sampled import sampled_design
from winstan.design.stacking import Stacked, stack
from winstan.design.subset import Subset, take_data

__all__ = [
    "MEAN",
    "Design",
    "Monotone",
    "NewRows",
    "RandomTerm",
    "Response",
    "Stacked",
    "Subset",
    "Term",
    "build_design",
    "evaluate",
    "levels_coded",
    "levels_of",
    "ordered_levels",
    "product_of_heights",
    "sampled_design",
    "stack",
    "take_data",
]
