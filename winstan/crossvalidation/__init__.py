"""What a fit says of rows and units that it has not seen: by refits without them."""

from winstan.crossvalidation.influence import Influence, influence
from winstan.crossvalidation.leave_out import leave_rows_out, leave_units_out
from winstan.crossvalidation.result import ELPDRows, ELPDUnits
from winstan.crossvalidation.scored import ScoredData

__all__ = [
    "ELPDRows",
    "ELPDUnits",
    "Influence",
    "ScoredData",
    "influence",
    "leave_rows_out",
    "leave_units_out",
]
