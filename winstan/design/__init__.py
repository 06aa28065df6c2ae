"""Design: the matrices of a model, on the distinct rows of its predictors."""

from winstan.design.evaluation import Term
from winstan.design.matrices import Design, build_design
from winstan.design.new_rows import NewRows, evaluate
from winstan.design.random_terms import RandomTerm
from winstan.design.response import Response

__all__ = ["Design", "NewRows", "RandomTerm", "Response", "Term", "build_design", "evaluate"]
