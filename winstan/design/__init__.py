"""Design: the matrices of a model, on the distinct rows of its predictors."""

from winstan.design.evaluation import Term
from winstan.design.grouping import GroupTerm
from winstan.design.matrices import Design, build_design
from winstan.design.new_rows import NewRows, evaluate
from winstan.design.response import Response

__all__ = ["Design", "GroupTerm", "NewRows", "Response", "Term", "build_design", "evaluate"]
