"""Guards: warnings of data and formulas that can be fitted but may answer another question.

`GUARDS` names them all. `winstan.guards.checks` holds those that need the whole model;
the others are raised where the data are read. It is imported by name, since the readers of data
import this package.
"""

from winstan.guards.names import GUARDS, silenced, silent_names, warn_design

__all__ = ["GUARDS", "silenced", "silent_names", "warn_design"]
